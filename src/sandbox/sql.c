#include "sql.h"

#include "core/io.h"
#include "core/text.h"
#include "core/xalloc.h"
#include "schema.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

enum {
    STATEMENTS_MAX = 160,
    PATH_SIZE = 1200,
    BUSY_MS = 10000, /* only a checkpoint can make us wait: writers queue at the lock */
};

/* A commit writes every page that it changes, whole: ten or so for a publication, of
 * which few bytes are new. And once the log has so many pages, a commit copies them into
 * the database and waits for the disk, with all others behind it: 16 MiB. A state made
 * with other pages keeps them. */
#define PAGE_BYTES       "1024"
#define CHECKPOINT_PAGES "16384"

struct statement {
    const char *text;
    sqlite3_stmt *stmt;
};

struct sql {
    sqlite3 *db;
    int lock_fd;
    struct statement cache[STATEMENTS_MAX];
    size_t cached;
};

struct sql_row {
    sqlite3_stmt *stmt;
};

/* What SQLite's result means for us. */
static enum rc class_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return RC_OK;
    case SQLITE_CONSTRAINT:
        return RC_CONFLICT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return RC_UNAVAILABLE;
    default:
        return RC_BUG;
    }
}

static enum rc failed(const struct sql *sql, int code, struct err *err)
{
    return err_set(err, class_of(code), "sqlite", "SQLite: %s (%d)",
                   sql->db != NULL ? sqlite3_errmsg(sql->db) : sqlite3_errstr(code),
                   code);
}

static enum rc script(struct sql *sql, const char *text, struct err *err)
{
    int code = sqlite3_exec(sql->db, text, NULL, NULL, NULL);

    return code == SQLITE_OK ? RC_OK : failed(sql, code, err);
}

/* --- statements ---------------------------------------------------------------- */

static enum rc prepare(struct sql *sql, const char *text, sqlite3_stmt **stmt,
                       struct err *err)
{
    int code;

    for (size_t i = 0; i < sql->cached; i++) {
        if (sql->cache[i].text == text) {
            *stmt = sql->cache[i].stmt;
            return RC_OK;
        }
    }
    assert(sql->cached < STATEMENTS_MAX);
    code = sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
    if (code != SQLITE_OK)
        return failed(sql, code, err);
    sql->cache[sql->cached++] = (struct statement){text, *stmt};
    return RC_OK;
}

static enum rc bind(struct sql *sql, sqlite3_stmt *stmt, struct sql_args args,
                    struct err *err)
{
    assert(!sqlite3_stmt_busy(stmt));
    for (size_t i = 0; i < args.len; i++) {
        const struct sql_arg *a = &args.list[i];
        int at = (int)i + 1;
        int code = a->text != NULL
                       ? sqlite3_bind_text(stmt, at, a->text, -1, SQLITE_STATIC)
                       : sqlite3_bind_int64(stmt, at, a->n);

        if (code != SQLITE_OK)
            return failed(sql, code, err);
    }
    return RC_OK;
}

enum rc sql_each(struct sql *sql, const char *text, struct sql_args args, sql_row_fn each,
                 void *ctx, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int code = SQLITE_ROW;
    enum rc rc = prepare(sql, text, &stmt, err);

    if (rc != RC_OK)
        return rc;
    rc = bind(sql, stmt, args, err);
    while (rc == RC_OK && code == SQLITE_ROW) {
        code = sqlite3_step(stmt);
        if (code == SQLITE_ROW && each != NULL)
            each(ctx, &(struct sql_row){stmt});
        else if (code != SQLITE_DONE && code != SQLITE_ROW)
            rc = failed(sql, code, err);
    }
    (void)sqlite3_reset(stmt);          /* repeats what step() said */
    (void)sqlite3_clear_bindings(stmt); /* borrowed texts end here; cannot fail */
    return rc;
}

enum rc sql_run(struct sql *sql, const char *text, struct sql_args args, int64_t *changed,
                struct err *err)
{
    enum rc rc = sql_each(sql, text, args, NULL, NULL, err);

    if (rc == RC_OK && changed != NULL)
        *changed = sqlite3_changes64(sql->db);
    return rc;
}

static void keep_number(void *ctx, const struct sql_row *row)
{
    *(int64_t *)ctx = sql_int_at(row, 0);
}

enum rc sql_number(struct sql *sql, const char *text, struct sql_args args, int64_t *out,
                   struct err *err)
{
    int64_t number = 0;
    enum rc rc = sql_each(sql, text, args, keep_number, &number, err);

    if (rc == RC_OK)
        *out = number;
    return rc;
}

int64_t sql_last_id(const struct sql *sql)
{
    return sqlite3_last_insert_rowid(sql->db);
}

int64_t sql_int_at(const struct sql_row *row, int column)
{
    return sqlite3_column_int64(row->stmt, column);
}

bool sql_bool_at(const struct sql_row *row, int column)
{
    return sqlite3_column_int64(row->stmt, column) != 0;
}

const char *sql_text_of(const struct sql_row *row, int column)
{
    const void *text = sqlite3_column_text(row->stmt, column);

    return text != NULL ? text : "";
}

void sql_text_at(const struct sql_row *row, int column, char *out, size_t size)
{
    text_copy(out, size, sql_text_of(row, column));
}

/* --- transactions -------------------------------------------------------------- */

static enum rc lock(struct sql *sql, struct err *err)
{
    int done;

    do
        done = flock(sql->lock_fd, LOCK_EX);
    while (done != 0 && errno == EINTR);
    if (done != 0)
        return err_set(err, RC_UNAVAILABLE, "lock_failed", "cannot lock the state: %s",
                       strerrordesc_np(errno));
    return RC_OK;
}

enum rc sql_begin(struct sql *sql, struct err *err)
{
    enum rc rc = lock(sql, err);

    if (rc == RC_OK) {
        rc = sql_run(sql, "BEGIN IMMEDIATE", SQL_NONE, NULL, err);
        if (rc != RC_OK)
            (void)flock(sql->lock_fd, LOCK_UN);
    }
    return rc;
}

enum rc sql_end(struct sql *sql, enum rc rc, struct err *err)
{
    struct err ignored; /* a rollback fails only when SQLite has rolled back already */

    if (rc == RC_OK)
        rc = sql_run(sql, "COMMIT", SQL_NONE, NULL, err);
    if (rc != RC_OK && sqlite3_get_autocommit(sql->db) == 0)
        (void)!sql_run(sql, "ROLLBACK", SQL_NONE, NULL, &ignored);
    (void)flock(sql->lock_fd, LOCK_UN);
    return rc;
}

/* --- opening ------------------------------------------------------------------- */

static enum rc create_tables(struct sql *sql, struct err *err)
{
    char text[64];
    int64_t version = 0;
    enum rc rc = sql_begin(sql, err);

    if (rc != RC_OK)
        return rc;
    rc = sql_number(sql, "PRAGMA user_version", SQL_NONE, &version, err);
    if (rc == RC_OK && version == 0) {
        for (size_t i = 0; rc == RC_OK && schema_sql[i] != NULL; i++)
            rc = script(sql, schema_sql[i], err);
        (void)snprintf(text, sizeof(text), "PRAGMA user_version = %d", SCHEMA_VERSION);
        if (rc == RC_OK)
            rc = script(sql, text, err);
    } else if (rc == RC_OK && version != SCHEMA_VERSION) {
        rc = err_set(err, RC_CONFLICT, "state_of_other_version",
                     "holds the state of another version: delete it");
    }
    return sql_end(sql, rc, err);
}

static enum rc open_files(struct sql *sql, const char *dir, struct err *err)
{
    char path[PATH_SIZE];
    int code;

    (void)snprintf(path, sizeof(path), "%s/state.lock", dir);
    sql->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (sql->lock_fd < 0)
        return err_set(err, RC_UNAVAILABLE, "state_not_opened", "cannot be written: %s",
                       strerrordesc_np(errno));
    (void)snprintf(path, sizeof(path), "%s/state.db", dir);
    code = sqlite3_open_v2(
        path, &sql->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
        NULL);
    if (code != SQLITE_OK)
        return failed(sql, code, err);
    (void)sqlite3_extended_result_codes(sql->db, 1);
    (void)sqlite3_busy_timeout(sql->db, BUSY_MS);
    return script(sql,
                  "PRAGMA page_size = " PAGE_BYTES "; PRAGMA journal_mode = WAL;"
                  "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8000; PRAGMA "
                  "temp_store = MEMORY;"
                  "PRAGMA wal_autocheckpoint = " CHECKPOINT_PAGES ";",
                  err);
}

enum rc sql_open(const char *dir, struct sql **out, struct err *err)
{
    struct sql *sql = xcalloc(1, sizeof(*sql));
    enum rc rc;

    sql->lock_fd = -1;
    rc = io_make_dirs(dir, err);
    if (rc == RC_OK)
        rc = open_files(sql, dir, err);
    if (rc == RC_OK)
        rc = create_tables(sql, err);
    if (rc == RC_OK)
        *out = sql;
    else
        sql_close(sql);
    return rc;
}

void sql_close(struct sql *sql)
{
    if (sql == NULL)
        return;
    for (size_t i = 0; i < sql->cached; i++)
        (void)sqlite3_finalize(sql->cache[i].stmt);
    (void)sqlite3_close(sql->db);
    io_close(&sql->lock_fd);
    free(sql);
}
