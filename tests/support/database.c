#include "database.h"

#include "core/xalloc.h"
#include "crypto/digest.h"
#include "store/db_priv.h"
#include "store/migrate.h"
#include "store/stmt.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { URL_SIZE = 1024, PATIENCE_MS = 60000 };

static char name[32];
static struct err err;

static void must(enum rc rc)
{
    ck_assert_msg(rc == RC_OK, "%s: %s", err.code, err.msg);
}

/* The same server, another database and perhaps another user. */
static void make_url(char url[URL_SIZE], const char *user, const char *password,
                     const char *database)
{
    const char *base = getenv("TEST_DATABASE_URL");
    const char *at = base != NULL ? strchr(base, '@') : NULL;
    const char *slash = at != NULL ? strchr(at, '/') : NULL;

    if (slash == NULL) {
        (void)fputs("TEST_DATABASE_URL is not set: use tests/with-servers\n", stderr);
        exit(EXIT_FAILURE);
    }
    if (user != NULL)
        (void)snprintf(url, URL_SIZE, "mysql://%s:%s%.*s/%s%s", user, password,
                       (int)(slash - at), at, database,
                       slash + 1 + strcspn(slash + 1, "?"));
    else
        (void)snprintf(url, URL_SIZE, "%.*s/%s%s", (int)(slash - base), base, database,
                       slash + 1 + strcspn(slash + 1, "?"));
}

const char *database_url(const char *user, const char *password)
{
    static char url[URL_SIZE];

    make_url(url, user, password, name);
    return url;
}

/* Before the tests begin there is no test to fail. */
static void or_exit(enum rc rc)
{
    if (rc == RC_OK)
        return;
    (void)fprintf(stderr, "database: %s: %s\n", err.code, err.msg);
    exit(EXIT_FAILURE);
}

/* A statement that takes the database's name, on a connection that has no schema. */
static void administer(const char *verb)
{
    struct db *db = NULL;
    char sql[64], url[URL_SIZE];

    make_url(url, NULL, NULL, "mysql");
    or_exit(db_new(url, &db, &err));
    (void)database_patient(db);
    db->setup = true;
    (void)snprintf(sql, sizeof(sql), "%s DATABASE %s", verb, name);
    or_exit(db_exec_once(db, sql, SQL_NONE, NULL, &err));
    db_free(db);
}

void database_create(void)
{
    const struct migrate migrate = {.dir = "schema", .digest = digest_sha256};
    struct db *db = NULL;

    (void)snprintf(name, sizeof(name), "t_%ld", (long)getpid());
    administer("CREATE");
    or_exit(db_new(database_url(NULL, NULL), &db, &err));
    (void)database_patient(db);
    or_exit(migrate_run(db, &migrate, &err));
    db_free(db);
}

void database_drop(void)
{
    administer("DROP");
}

struct db *database_open_hurried(void)
{
    struct db *db = NULL;
    char url[URL_SIZE];
    struct err e;

    make_url(url, NULL, NULL, name);
    ck_assert_msg(db_new(url, &db, &e) == RC_OK, "%s", e.msg);
    return db;
}

struct db *database_patient(struct db *db)
{
    db->deadline_ms = PATIENCE_MS;
    db->connect_ms = PATIENCE_MS;
    db->lock_wait_ms = PATIENCE_MS;
    db->idle_ms = PATIENCE_MS;
    return db;
}

struct db *database_open(void)
{
    return database_patient(database_open_hurried());
}

struct names {
    char next[65];
    char tables[64][65];
    size_t n;
};

static enum rc add_name(void *ctx, struct err *e UNUSED)
{
    struct names *names = ctx;

    ck_assert_uint_lt(names->n, ARRAY_LEN(names->tables));
    (void)memcpy(names->tables[names->n++], names->next, sizeof(names->next));
    return RC_OK;
}

void database_empty(struct db *db)
{
    struct names names = {.n = 0};
    const struct sql_col cols[] = {COL_TEXT(names.next)};

    must(db_each(db,
                 "SELECT table_name FROM information_schema.tables"
                 " WHERE table_schema = DATABASE()"
                 " AND table_name NOT IN ('schema_version', 'connection_check')",
                 SQL_NONE, SQL_COLS(cols), (struct db_rows){add_name, &names}, &err));
    database_run(db, "SET FOREIGN_KEY_CHECKS = 0");
    for (size_t i = 0; i < names.n; i++)
        database_run(db, "DELETE FROM `%s`", names.tables[i]);
    database_run(db, "SET FOREIGN_KEY_CHECKS = 1");
}

static void PRINTF_LIKE(3, 0)
    format(char *sql, size_t size, const char *fmt, va_list args)
{
    int len = vsnprintf(sql, size, fmt, args);

    ck_assert(len > 0 && (size_t)len < size);
}

void database_run(struct db *db, const char *fmt, ...)
{
    char sql[4096];
    va_list args;

    va_start(args, fmt);
    format(sql, sizeof(sql), fmt, args);
    va_end(args);
    must(db_exec_once(db, sql, SQL_NONE, NULL, &err));
}

static enum rc nothing(void *ctx UNUSED, struct err *e UNUSED)
{
    return RC_OK;
}

int64_t database_number(struct db *db, const char *fmt, ...)
{
    int64_t n = 0;
    const struct sql_col cols[] = {COL_I64(&n)};
    char sql[4096];
    va_list args;

    va_start(args, fmt);
    format(sql, sizeof(sql), fmt, args);
    va_end(args);
    must(db_each_once(db, sql, SQL_NONE, SQL_COLS(cols), (struct db_rows){nothing, NULL},
                      &err));
    return n;
}

void database_take_users(struct db *db)
{
    ck_assert_int_eq(database_number(db, "SELECT GET_LOCK('users of the programs', 50)"),
                     1);
}

void database_await_waiter(struct db *db)
{
    /* The server shows that table anew when nobody has read it for 100 ms. */
    while (database_number(db, "SELECT COUNT(*) FROM information_schema.INNODB_TRX t"
                               " JOIN information_schema.PROCESSLIST p"
                               " ON p.ID = t.trx_mysql_thread_id"
                               " WHERE t.trx_state = 'LOCK WAIT'"
                               " AND p.DB = DATABASE()") == 0)
        database_run(db, "DO SLEEP(0.15)");
}

const char *database_text(struct db *db, const char *fmt, ...)
{
    static char texts[4][2048];
    static unsigned turn;
    char *text = texts[turn++ % ARRAY_LEN(texts)];
    const struct sql_col cols[] = {{COL_KIND_TEXT, text, sizeof(texts[0]), NULL}};
    char sql[4096];
    va_list args;

    text[0] = '\0';
    va_start(args, fmt);
    format(sql, sizeof(sql), fmt, args);
    va_end(args);
    must(db_each_once(db, sql, SQL_NONE, SQL_COLS(cols), (struct db_rows){nothing, NULL},
                      &err));
    return text;
}

/* --- rows ------------------------------------------------------------------------ */

/* Tells rows of one program apart. */
static unsigned next_number(void)
{
    static unsigned n;

    return ++n;
}

uint64_t seed_workspace(struct db *db)
{
    database_run(db,
                 "INSERT INTO workspace (name, created_at) VALUES ('W', " SQL_NOW ")");
    return db_insert_id(db);
}

uint64_t seed_user(struct db *db, uint64_t workspace_id)
{
    uint64_t user;

    database_run(db,
                 "INSERT INTO user (email, name, password_hash, password_at, created_at,"
                 " updated_at) VALUES ('u%u@example.com', 'U', '', 0, " SQL_NOW
                 ", " SQL_NOW ")",
                 next_number());
    user = db_insert_id(db);
    database_run(db,
                 "INSERT INTO membership (workspace_id, user_id, role, created_at)"
                 " VALUES (%" PRIu64 ", %" PRIu64 ", 1, " SQL_NOW ")",
                 workspace_id, user);
    return user;
}

uint64_t seed_account(struct db *db, uint64_t workspace_id, uint64_t user_id)
{
    database_run(db,
                 "INSERT INTO account (workspace_id, open_id, username, connected_by,"
                 " connected_at, created_at, updated_at) VALUES (%" PRIu64
                 ", 'open-%u', 'handle', %" PRIu64 ", " SQL_NOW ", " SQL_NOW ", " SQL_NOW
                 ")",
                 workspace_id, next_number(), user_id);
    return db_insert_id(db);
}

uint64_t seed_media(struct db *db, uint64_t workspace_id, uint64_t user_id)
{
    database_run(db,
                 "INSERT INTO media (workspace_id, created_by, blob_key, filename, mime,"
                 " kind, state, bytes, duration_ms, next_at, created_at, updated_at)"
                 " VALUES (%" PRIu64 ", %" PRIu64
                 ", LPAD('%u', 26, 'a'), 'clip.mp4', 'video/mp4', 1, 2, 6000000, 15000,"
                 " 9223372036854775807, " SQL_NOW ", " SQL_NOW ")",
                 workspace_id, user_id, next_number());
    return db_insert_id(db);
}

void seed_publisher(struct db *db, uint64_t inc)
{
    database_run(db,
                 "INSERT IGNORE INTO publisher (inc, host, pid, started_at, lease_until)"
                 " VALUES (%" PRIu64 ", 'test', 1, 0, " SQL_NOW " + 3600000)",
                 inc);
}

struct seed seed_all(struct db *db)
{
    struct seed s;

    s.workspace = seed_workspace(db);
    s.user = seed_user(db, s.workspace);
    s.account = seed_account(db, s.workspace, s.user);
    s.media = seed_media(db, s.workspace, s.user);
    return s;
}

uint64_t seed_post(struct db *db, const struct seed *of, int state, int64_t due_in_ms)
{
    uint64_t post;

    database_run(db,
                 "INSERT INTO post (account_id, list_at, workspace_id, created_by, kind,"
                 " media_ids, caption, privacy_level, created_at, updated_at)"
                 " VALUES (%" PRIu64 ", " SQL_NOW " + %" PRId64 ", %" PRIu64 ", %" PRIu64
                 ", 1, '%" PRIu64 "', 'A caption', 'SELF_ONLY', " SQL_NOW ", " SQL_NOW
                 ")",
                 of->account, due_in_ms, of->workspace, of->user, of->media);
    post = db_insert_id(db);
    if (of->media != 0)
        database_run(db,
                     "INSERT INTO post_media (post_id, position, workspace_id, media_id)"
                     " VALUES (%" PRIu64 ", 0, %" PRIu64 ", %" PRIu64 ")",
                     post, of->workspace, of->media);
    database_run(db,
                 "INSERT INTO job (post_id, workspace_id, account_id, state, due_at,"
                 " next_at, updated_at) VALUES (%" PRIu64 ", %" PRIu64 ", %" PRIu64
                 ", %d, " SQL_NOW " + %" PRId64 ", " SQL_NOW " + %" PRId64 ", " SQL_NOW
                 ")",
                 post, of->workspace, of->account, state, due_in_ms, due_in_ms);
    return post;
}

struct db *database_seeded(struct seed *seed)
{
    struct db *db = database_open();

    database_empty(db);
    *seed = seed_all(db);
    return db;
}
