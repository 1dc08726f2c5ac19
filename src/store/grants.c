/* Which program may do what with which table. A row that is missing here is a right that
 * nobody has: tts_api, which strangers talk to, does not appear at account_token. */
#include "core/strbuf.h"
#include "core/text.h"
#include "core/xalloc.h"
#include "stmt.h"
#include "store/migrate.h"

#include <string.h>

enum {
    NAME_SIZE = 129,
    RIGHT_SIZE = 65,
    SQL_MAX = 1024,
    USERS_MAX = 64,
    EXCESS_MAX = 512,
    PASSWORD_MIN = 8,
    PASSWORD_MAX = 128,
};

struct right {
    const char *user;
    const char *table;
    const char *rights; /* as information_schema spells them, comma-separated; a right to
                         * some columns only is "RIGHT (column, ...)" */
};

/* Of an attempt strangers' side never sees the address that bytes are sent to, sealed as
 * it is, and never makes a token of the gate. */
#define ATTEMPT_SEEN                                                                     \
    "SELECT (post_id, attempt_no, workspace_id, state, method, fence, content_ver,"      \
    " publish_id, bytes_total, bytes_acked, gate_token, first_served_at, tiktok_status," \
    " reason, proven, created_at, updated_at, live_post)"
#define ATTEMPT_SET "UPDATE (state, proven, reason, first_served_at, updated_at)"

static const struct right rights[] = {
    {"tts_api", "connection_check", "SELECT,UPDATE"},
    {"tts_api", "schema_version", "SELECT"},
    {"tts_api", "workspace", "SELECT,UPDATE"},
    {"tts_api", "user", "SELECT,UPDATE"},
    {"tts_api", "membership", "SELECT"},
    {"tts_api", "session", "SELECT,INSERT,UPDATE,DELETE"},
    {"tts_api", "api_token", "SELECT,UPDATE"},
    {"tts_api", "idempotency_key", "SELECT,INSERT,DELETE"},
    {"tts_api", "audit_log", "INSERT"},
    {"tts_api", "account", "SELECT,UPDATE"},
    {"tts_api", "oauth_txn", "SELECT,INSERT,UPDATE,DELETE"},
    {"tts_api", "publisher", "SELECT"},
    {"tts_api", "task", "SELECT,INSERT"},
    {"tts_api", "media", "SELECT,INSERT,UPDATE"},
    {"tts_api", "media_tag", "SELECT,INSERT,DELETE"},
    {"tts_api", "upload", "SELECT,INSERT,UPDATE"},
    {"tts_api", "repair", "SELECT,INSERT,UPDATE"},
    {"tts_api", "post", "SELECT,INSERT,UPDATE"},
    {"tts_api", "post_media", "SELECT,INSERT,DELETE"},
    {"tts_api", "job", "SELECT,INSERT,UPDATE"},
    {"tts_api", "attempt", ATTEMPT_SEEN "," ATTEMPT_SET},
    {"tts_api", "job_event", "SELECT,INSERT"},
    {"tts_api", "notification", "SELECT"},
    {"tts_api", "notification_read", "SELECT,INSERT,UPDATE"},
    {"tts_api", "webhook_inbox", "SELECT,INSERT"},

    {"tts_publisher", "connection_check", "SELECT,UPDATE"},
    {"tts_publisher", "account", "SELECT,INSERT,UPDATE"},
    {"tts_publisher", "account_token", "SELECT,INSERT,UPDATE,DELETE"},
    {"tts_publisher", "oauth_txn", "SELECT,UPDATE"},
    {"tts_publisher", "publisher", "SELECT,INSERT,UPDATE,DELETE"},
    {"tts_publisher", "task", "SELECT,INSERT,UPDATE,DELETE"},
    {"tts_publisher", "media", "SELECT"},
    {"tts_publisher", "post", "SELECT,UPDATE"},
    {"tts_publisher", "post_media", "SELECT"},
    {"tts_publisher", "job", "SELECT,UPDATE"},
    {"tts_publisher", "attempt", "SELECT,INSERT,UPDATE"},
    {"tts_publisher", "job_event", "SELECT (event_id, at),INSERT,DELETE"},
    {"tts_publisher", "notification", "SELECT,INSERT,UPDATE,DELETE"},
    {"tts_publisher", "notification_read", "SELECT"},
    {"tts_publisher", "membership", "SELECT"},
    {"tts_publisher", "workspace", "SELECT"},
    /* Who gets mail; the hashes of passwords are none of its business. */
    {"tts_publisher", "user", "SELECT (user_id, email, mail_on, disabled_at)"},
    {"tts_publisher", "webhook_inbox", "SELECT,UPDATE,DELETE"},

    {"tts_media", "connection_check", "SELECT,UPDATE"},
    {"tts_media", "media", "SELECT,INSERT,UPDATE"},
    {"tts_media", "repair", "SELECT,UPDATE"},
    {"tts_media", "upload", "SELECT,UPDATE,DELETE"},
    {"tts_media", "job_event", "INSERT"},
};

static bool is_program(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(rights); i++) {
        if (strcmp(rights[i].user, name) == 0)
            return true;
    }
    return false;
}

/* True when the comma-separated list holds word. */
static bool lists(const char *list, const char *word)
{
    size_t len = strlen(word);

    for (const char *p = list; *p != '\0'; p += strcspn(p, ",")) {
        p += *p == ',' ? 1 : 0;
        if (strncmp(p, word, len) == 0 && (p[len] == ',' || p[len] == '\0'))
            return true;
    }
    return false;
}

static bool wanted(const char *user, const char *table, const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(rights); i++) {
        if (strcmp(rights[i].user, user) == 0 && strcmp(rights[i].table, table) == 0)
            return lists(rights[i].rights, word);
    }
    return false;
}

/* --- statements about users, which take no bound values ------------------------ */

/* A host in quotes; what is not part of a name, address or pattern is refused before. */
static bool is_host(const char *host)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789.-_:%/";
    size_t len = strlen(host);

    return len > 0 && len < NAME_SIZE && strspn(host, good) == len;
}

static enum rc run(struct db *db, struct strbuf *sql, struct err *err)
{
    enum rc rc = strbuf_failed(sql) ? err_set(err, RC_BUG, "database_bug", "SQL too long")
                                    : db_exec_once(db, sql->buf, SQL_NONE, NULL, err);

    strbuf_release(sql);
    return rc;
}

/* --- users --------------------------------------------------------------------- */

enum rc grants_user(struct db *db, const char *name, const char *host,
                    const char *password, struct err *err)
{
    size_t len = strlen(password);
    char hash[NAME_SIZE] = "";
    const struct sql_arg args[] = {sql_text(password)};
    const struct sql_col cols[] = {COL_TEXT(hash)};
    bool found = false;
    struct strbuf sql;
    enum rc rc;

    if (!is_program(name) || !is_host(host) || len < PASSWORD_MIN || len > PASSWORD_MAX)
        return err_set(err, RC_INVALID, "bad_database_user",
                       "The name, host or password of a database user is not one that is"
                       " made here.");
    rc = db_row(db, "SELECT PASSWORD(?)", SQL_ARGS(args), SQL_COLS(cols), &found, err);
    if (rc != RC_OK)
        return rc;
    strbuf_init(&sql, SQL_MAX);
    strbuf_addf(&sql, "CREATE USER IF NOT EXISTS '%s'@'%s'", name, host);
    rc = run(db, &sql, err);
    if (rc != RC_OK)
        return rc;
    strbuf_init(&sql, SQL_MAX);
    strbuf_addf(&sql, "ALTER USER '%s'@'%s' IDENTIFIED BY PASSWORD '%s'", name, host,
                hash);
    return run(db, &sql, err);
}

/* --- rights -------------------------------------------------------------------- */

struct user {
    char name[NAME_SIZE], host[NAME_SIZE];
};

struct users {
    struct user next;
    struct user found[USERS_MAX];
    size_t n;
};

static enum rc add_user(void *ctx, struct err *err UNUSED)
{
    struct users *u = ctx;

    if (u->n < USERS_MAX && is_program(u->next.name) && is_host(u->next.host))
        u->found[u->n++] = u->next;
    return RC_OK;
}

struct excess {
    const struct user *user;
    char table[NAME_SIZE], right[RIGHT_SIZE];
    struct {
        char table[NAME_SIZE], right[RIGHT_SIZE];
    } found[EXCESS_MAX];
    size_t n;
};

static enum rc add_excess(void *ctx, struct err *err UNUSED)
{
    struct excess *e = ctx;

    if (e->n < EXCESS_MAX && !wanted(e->user->name, e->table, e->right)) {
        text_copy(e->found[e->n].table, NAME_SIZE, e->table);
        text_copy(e->found[e->n++].right, RIGHT_SIZE, e->right);
    }
    return RC_OK;
}

static enum rc grant(struct db *db, const struct user *user, struct err *err)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; i < ARRAY_LEN(rights) && rc == RC_OK; i++) {
        struct strbuf sql;

        if (strcmp(rights[i].user, user->name) != 0)
            continue;
        strbuf_init(&sql, SQL_MAX);
        strbuf_addf(&sql, "GRANT %s ON `%s` TO '%s'@'%s'", rights[i].rights,
                    rights[i].table, user->name, user->host);
        rc = run(db, &sql, err);
    }
    return rc;
}

/* Rights on the whole database would reach every table. */
static enum rc revoke_database(struct db *db, const struct user *user,
                               const char *grantee, struct err *err)
{
    const struct sql_arg args[] = {sql_text(grantee)};
    char name[NAME_SIZE] = "";
    const struct sql_col cols[] = {COL_TEXT(name)};
    bool found = false;
    struct strbuf sql;
    enum rc rc = db_row(db,
                        "SELECT table_schema FROM information_schema.schema_privileges"
                        " WHERE grantee = ? AND table_schema = DATABASE() LIMIT 1",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc != RC_OK || !found)
        return rc;
    strbuf_init(&sql, SQL_MAX);
    strbuf_addf(&sql, "REVOKE ALL PRIVILEGES ON * FROM '%s'@'%s'", user->name,
                user->host);
    return run(db, &sql, err);
}

static enum rc revoke_excess(struct db *db, const struct user *user, const char *grantee,
                             struct err *err)
{
    struct excess *e = xcalloc(1, sizeof(*e));
    const struct sql_arg args[] = {sql_text(grantee)};
    const struct sql_col cols[] = {COL_TEXT(e->table), COL_TEXT(e->right)};
    enum rc rc;

    e->user = user;
    rc = db_each(db,
                 "SELECT table_name, privilege_type"
                 " FROM information_schema.table_privileges"
                 " WHERE grantee = ? AND table_schema = DATABASE()",
                 SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_excess, e}, err);
    for (size_t i = 0; i < e->n && rc == RC_OK; i++) {
        struct strbuf sql;

        strbuf_init(&sql, SQL_MAX);
        strbuf_addf(&sql, "REVOKE %s ON `%s` FROM '%s'@'%s'", e->found[i].right,
                    e->found[i].table, user->name, user->host);
        rc = run(db, &sql, err);
    }
    free(e);
    return rc;
}

static enum rc renew(struct db *db, const struct user *user, struct err *err)
{
    struct strbuf grantee;
    enum rc rc = grant(db, user, err);

    strbuf_init(&grantee, SQL_MAX);
    strbuf_addf(&grantee, "'%s'@'%s'", user->name, user->host);
    if (rc == RC_OK)
        rc = revoke_database(db, user, grantee.buf, err);
    if (rc == RC_OK)
        rc = revoke_excess(db, user, grantee.buf, err);
    strbuf_release(&grantee);
    return rc;
}

enum rc grants_renew(struct db *db, size_t *n, struct err *err)
{
    struct users *u = xcalloc(1, sizeof(*u));
    const struct sql_col cols[] = {COL_TEXT(u->next.name), COL_TEXT(u->next.host)};
    enum rc rc = db_each(db, "SELECT User, Host FROM mysql.user", SQL_NONE,
                         SQL_COLS(cols), (struct db_rows){add_user, u}, err);

    for (size_t i = 0; i < u->n && rc == RC_OK; i++)
        rc = renew(db, &u->found[i], err);
    if (rc == RC_OK)
        *n = u->n;
    free(u);
    return rc;
}
