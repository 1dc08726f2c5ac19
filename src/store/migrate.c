#include "store/migrate.h"

#include "core/io.h"
#include "core/parse.h"
#include "core/strbuf.h"
#include "core/text.h"
#include "core/xalloc.h"
#include "db_priv.h"
#include "stmt.h"

#include <ctype.h>
#include <dirent.h>
#include <errmsg.h>
#include <string.h>

enum { NAME_MAX_LEN = 120, NUMBER_LEN = 4 };

struct file {
    int64_t number;
    char name[NAME_MAX_LEN + 1];
    char *sql;
    size_t len;
    unsigned char digest[MIGRATE_DIGEST_SIZE];
    bool applied;
};

struct files {
    struct file *files;
    size_t n;
};

static void release(struct files *fs)
{
    for (size_t i = 0; i < fs->n; i++)
        free(fs->files[i].sql);
    free(fs->files);
    *fs = (struct files){NULL, 0};
}

/* --- the directory ------------------------------------------------------------- */

/* "0001_identity.sql" */
static bool parse_name(const char *name, int64_t *number)
{
    size_t len = strlen(name);

    if (len < NUMBER_LEN + 6 || len > NAME_MAX_LEN || name[NUMBER_LEN] != '_' ||
        !parse_i64_slice(name, NUMBER_LEN, 1, 9999, number))
        return false;
    for (size_t i = NUMBER_LEN + 1; i < len - 4; i++) {
        if (!islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) &&
            name[i] != '_')
            return false;
    }
    return true;
}

static enum rc add_file(struct files *fs, const struct migrate *m, const char *name,
                        struct err *err)
{
    struct strbuf path, sql;
    int64_t number = 0;
    struct file *f;
    enum rc rc;

    if (!parse_name(name, &number))
        return err_set(err, RC_INVALID, "migration_name",
                       "%.100s is not named like 0001_name.sql.", name);
    if (fs->n == MIGRATE_FILES_MAX)
        return err_set(err, RC_INVALID, "too_many_migrations", "Too many migrations.");
    strbuf_init(&path, 4096);
    strbuf_init(&sql, MIGRATE_FILE_MAX);
    strbuf_addf(&path, "%s/%s", m->dir, name);
    rc = io_read_file(path.buf, &sql, err);
    if (rc == RC_OK) {
        fs->files = xreallocarray(fs->files, fs->n + 1, sizeof(*fs->files));
        f = &fs->files[fs->n++];
        *f = (struct file){.number = number};
        text_copy(f->name, sizeof(f->name), name);
        f->sql = strbuf_take(&sql, &f->len);
        m->digest(f->sql, f->len, f->digest);
    }
    strbuf_release(&path);
    strbuf_release(&sql);
    return rc;
}

static int by_number(const void *a, const void *b)
{
    const struct file *x = a, *y = b;

    return x->number < y->number ? -1 : x->number > y->number;
}

static enum rc check_order(struct files *fs, struct err *err)
{
    if (fs->n > 0)
        qsort(fs->files, fs->n, sizeof(*fs->files), by_number);
    for (size_t i = 1; i < fs->n; i++) {
        if (fs->files[i].number == fs->files[i - 1].number)
            return err_set(err, RC_INVALID, "migration_number",
                           "%.80s and %.80s have the same number.", fs->files[i - 1].name,
                           fs->files[i].name);
    }
    return RC_OK;
}

static enum rc load(const struct migrate *m, struct files *fs, struct err *err)
{
    DIR *dir = opendir(m->dir);
    enum rc rc = RC_OK;

    if (dir == NULL)
        return err_set(err, RC_NOT_FOUND, "no_schema_dir",
                       "The directory of the schema, %.160s, cannot be read.", m->dir);
    for (const struct dirent *e = readdir(dir); e != NULL && rc == RC_OK;
         e = readdir(dir)) {
        if (text_ends_with(e->d_name, ".sql"))
            rc = add_file(fs, m, e->d_name, err);
    }
    (void)closedir(dir);
    if (rc == RC_OK)
        rc = check_order(fs, err);
    if (rc != RC_OK)
        release(fs);
    return rc;
}

/* --- what the database has ----------------------------------------------------- */

struct known {
    struct files *files;
    int64_t number;
    char name[NAME_MAX_LEN + 1];
    unsigned char digest[MIGRATE_DIGEST_SIZE];
    size_t digest_len;
};

static enum rc compare(void *ctx, struct err *err)
{
    struct known *k = ctx;

    for (size_t i = 0; i < k->files->n; i++) {
        struct file *f = &k->files->files[i];

        if (f->number != k->number)
            continue;
        if (k->digest_len != sizeof(f->digest) || strcmp(f->name, k->name) != 0 ||
            memcmp(f->digest, k->digest, sizeof(f->digest)) != 0)
            return err_set(err, RC_CONFLICT, "schema_changed",
                           "%.100s differs from what was applied; put it back and make"
                           " the change in a new file.",
                           f->name);
        f->applied = true;
        return RC_OK;
    }
    return err_set(err, RC_CONFLICT, "schema_newer",
                   "The database has %.100s, which is not here: these programs are older"
                   " than their database.",
                   k->name);
}

static enum rc check_gaps(const struct files *fs, struct err *err)
{
    bool missing = false;

    for (size_t i = 0; i < fs->n; i++) {
        if (missing && fs->files[i].applied)
            return err_set(err, RC_CONFLICT, "schema_order",
                           "A migration before %.100s was never applied; numbers only"
                           " grow.",
                           fs->files[i].name);
        missing = !fs->files[i].applied;
    }
    return RC_OK;
}

static enum rc read_applied(struct db *db, struct files *fs, struct err *err)
{
    struct known k = {.files = fs};
    const struct sql_col cols[] = {COL_I64(&k.number), COL_TEXT(k.name),
                                   COL_BYTES(k.digest, &k.digest_len)};
    bool found = false;
    int64_t one = 0;
    const struct sql_col any[] = {COL_I64(&one)};
    enum rc rc = db_row(db,
                        "SELECT 1 FROM information_schema.tables"
                        " WHERE table_schema = DATABASE()"
                        " AND table_name = 'schema_version'",
                        SQL_NONE, SQL_COLS(any), &found, err);

    if (rc != RC_OK || !found)
        return rc;
    rc =
        db_each(db, "SELECT version, name, checksum FROM schema_version ORDER BY version",
                SQL_NONE, SQL_COLS(cols), (struct db_rows){compare, &k}, err);
    return rc == RC_OK ? check_gaps(fs, err) : rc;
}

/* --- applying ------------------------------------------------------------------ */

/* The place after a quoted text that begins at p. */
static const char *skip_quote(const char *p)
{
    char quote = *p++;

    while (*p != '\0' && *p != quote)
        p += *p == '\\' && quote != '`' && p[1] != '\0' ? 2 : 1;
    return *p != '\0' ? p + 1 : p;
}

static bool begins_line_comment(const char *p)
{
    return p[0] == '#' ||
           (p[0] == '-' && p[1] == '-' && (isspace((unsigned char)p[2]) || p[2] == '\0'));
}

/* The place after a comment that begins at p, or p. */
static const char *skip_comment(const char *p)
{
    const char *end;

    if (begins_line_comment(p))
        return p + strcspn(p, "\n");
    if (p[0] != '/' || p[1] != '*')
        return p;
    end = strstr(p + 2, "*/");
    return end != NULL ? end + 2 : p + strlen(p);
}

/* Moves *p behind the next statement and its ';'. True if it is more than comments. */
static bool pass_statement(const char **p)
{
    const char *at = *p;
    bool says = false;

    while (*at != '\0' && *at != ';') {
        const char *after = skip_comment(at);

        if (after == at) {
            says = says || !isspace((unsigned char)*at);
            after = strchr("'\"`", *at) != NULL ? skip_quote(at) : at + 1;
        }
        at = after;
    }
    *p = *at == ';' ? at + 1 : at;
    return says;
}

/* Cuts the next statement at *p off, for the caller to free; NULL: there is none left. */
static char *next_statement(const char **p)
{
    while (**p != '\0') {
        const char *begin = *p;

        if (pass_statement(p))
            return xmemdupz(begin, (size_t)(*p - begin));
    }
    return NULL;
}

/* DDL is not for prepared statements, and MariaDB's own words help whoever wrote it. */
static enum rc run_statement(struct db *db, const char *sql, struct err *err)
{
    if (db->mysql == NULL)
        return db_fail(db, DB_DOING_CONNECT, CR_SERVER_GONE_ERROR, "",
                       err); /* our lock is gone with it */
    if (mysql_real_query(db->mysql, sql, (unsigned long)strlen(sql)) == 0)
        return RC_OK;
    (void)err_set(err, RC_REJECTED, "migration_failed", "%.230s", mysql_error(db->mysql));
    if (mysql_errno(db->mysql) >= CR_MIN_ERROR && mysql_errno(db->mysql) <= CR_MAX_ERROR)
        return db_fail(db, DB_DOING_READ, mysql_errno(db->mysql), "", err);
    return RC_REJECTED;
}

static enum rc apply(struct db *db, const struct file *f, struct err *err)
{
    const char *p = f->sql;
    const struct sql_arg args[] = {sql_i64(f->number), sql_text(f->name),
                                   sql_bytes(f->digest, sizeof(f->digest))};
    enum rc rc = RC_OK;

    for (char *sql = next_statement(&p); sql != NULL && rc == RC_OK;) {
        rc = run_statement(db, sql, err);
        free(sql);
        sql = rc == RC_OK ? next_statement(&p) : NULL;
    }
    if (rc == RC_OK)
        rc = db_exec(db,
                     "INSERT INTO schema_version (version, name, checksum, applied_at)"
                     " VALUES (?, ?, ?, " SQL_NOW ")",
                     SQL_ARGS(args), NULL, err);
    return rc == RC_OK ? rc : err_context(err, f->name);
}

#define LOCK_NAME "CONCAT('tts-migrate:', DATABASE())"

/* Held by the connection, and gone with it. */
static enum rc take_turn(struct db *db, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(MIGRATE_WAIT_S)};
    int64_t got = 0;
    const struct sql_col cols[] = {COL_I64(&got)};
    bool found = false;
    enum rc rc = db_row(db, "SELECT GET_LOCK(" LOCK_NAME ", ?)", SQL_ARGS(args),
                        SQL_COLS(cols), &found, err);

    if (rc == RC_OK && got != 1)
        return err_set(err, RC_UNAVAILABLE, "migration_under_way",
                       "Another migration of this database is under way.");
    return rc;
}

/* A connection that was replaced unnoticed holds no lock. */
static enum rc still_our_turn(struct db *db, struct err *err)
{
    int64_t ours = 0;
    const struct sql_col cols[] = {COL_I64(&ours)};
    bool found = false;
    enum rc rc = db_row(db, "SELECT IS_USED_LOCK(" LOCK_NAME ") = CONNECTION_ID()",
                        SQL_NONE, SQL_COLS(cols), &found, err);

    if (rc == RC_OK && ours != 1)
        return err_set(err, RC_UNAVAILABLE, "database_unavailable",
                       "The connection broke during the migration; run it again.");
    return rc;
}

static enum rc apply_missing(struct db *db, const struct migrate *m, struct files *fs,
                             struct err *err)
{
    enum rc rc = db_exec(db,
                         "CREATE TABLE IF NOT EXISTS schema_version ("
                         " version INT UNSIGNED NOT NULL PRIMARY KEY,"
                         " name VARCHAR(120) CHARACTER SET ascii NOT NULL,"
                         " checksum BINARY(32) NOT NULL, applied_at BIGINT NOT NULL)"
                         " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
                         SQL_NONE, NULL, err);

    if (rc == RC_OK)
        rc = read_applied(db, fs, err);
    for (size_t i = 0; i < fs->n && rc == RC_OK; i++) {
        if (fs->files[i].applied)
            continue;
        rc = still_our_turn(db, err);
        if (rc == RC_OK)
            rc = apply(db, &fs->files[i], err);
        if (rc == RC_OK && m->applied != NULL)
            m->applied(m->ctx, fs->files[i].name);
    }
    return rc;
}

enum rc migrate_run(struct db *db, const struct migrate *migrate, struct err *err)
{
    struct files fs = {NULL, 0};
    int64_t deadline = db->deadline_ms;
    enum rc rc = load(migrate, &fs, err);

    if (rc != RC_OK)
        return rc;
    db_set_deadline(db, MIGRATE_DEADLINE_MS);
    db->setup = true;
    rc = take_turn(db, err);
    if (rc == RC_OK)
        rc = apply_missing(db, migrate, &fs, err);
    db->setup = false;
    db_set_deadline(db, deadline); /* a new connection: the lock ends with this one */
    release(&fs);
    return rc;
}

enum rc migrate_pending(struct db *db, const struct migrate *migrate, size_t *n,
                        struct err *err)
{
    struct files fs = {NULL, 0};
    size_t pending = 0;
    enum rc rc = load(migrate, &fs, err);

    if (rc != RC_OK)
        return rc;
    db->setup = true;
    rc = read_applied(db, &fs, err);
    db->setup = false;
    for (size_t i = 0; i < fs.n; i++)
        pending += fs.files[i].applied ? 0 : 1;
    release(&fs);
    if (rc == RC_OK)
        *n = pending;
    return rc;
}
