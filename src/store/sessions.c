#include "store/sessions.h"

#include "core/text.h"
#include "stmt.h"

#include <string.h>

enum { USER_AGENT_SIZE = 256 };

struct opening {
    const struct actor *actor;
    const struct session_new *session;
};

static enum rc insert(struct db *db, const struct opening *o, struct err *err)
{
    char agent[USER_AGENT_SIZE] = "";
    const char *sent = o->session->user_agent;

    if (sent != NULL && text_is_utf8(sent, strlen(sent)))
        text_copy(agent, sizeof(agent), sent);

    const struct sql_arg args[] = {
        sql_bytes(o->session->hash, SESSION_HASH_SIZE),
        sql_u64(o->actor->workspace_id),
        sql_u64(o->actor->user_id),
        sql_bytes(o->session->csrf_secret, SESSION_SECRET_SIZE),
        sql_i64(SESSION_IDLE_MS),
        sql_i64(SESSION_MAX_MS),
        sql_text(o->actor->ip),
        sql_text(agent),
    };

    return db_exec(db,
                   "INSERT INTO session (session_hash, workspace_id, user_id,"
                   " csrf_secret, created_at, seen_at, idle_expires_at, expires_at,"
                   " ip, user_agent) VALUES (?, ?, ?, ?, " SQL_NOW ", " SQL_NOW
                   ", " SQL_NOW " + ?, " SQL_NOW " + ?, ?, ?)",
                   SQL_ARGS(args), NULL, err);
}

static enum rc remove_session(struct db *db, const unsigned char *hash, struct err *err)
{
    const struct sql_arg args[] = {sql_bytes(hash, SESSION_HASH_SIZE)};

    return db_exec(db, "DELETE FROM session WHERE session_hash = ?", SQL_ARGS(args), NULL,
                   err);
}

/* Sessions that nobody ended are cleared away by those that begin: the table grows no
 * longer than the sign-ins of the last SESSION_MAX_MS. */
static enum rc sweep(struct db *db, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(SESSION_SWEEP_MAX)};

    return db_exec(db,
                   "DELETE FROM session WHERE expires_at <= " SQL_NOW
                   " ORDER BY expires_at LIMIT ?",
                   SQL_ARGS(args), NULL, err);
}

static enum rc forget_failures(struct db *db, uint64_t user_id, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(user_id)};

    return db_exec(db, "UPDATE user SET failed_logins = 0 WHERE user_id = ?",
                   SQL_ARGS(args), NULL, err);
}

static enum rc open_steps(struct db *db, void *ctx, struct err *err)
{
    const struct opening *o = ctx;
    enum rc rc = RC_OK;

    if (o->session->old != NULL)
        rc = remove_session(db, o->session->old, err);
    if (rc == RC_OK)
        rc = sweep(db, err);
    if (rc == RC_OK)
        rc = insert(db, o, err);
    if (rc == RC_OK)
        rc = forget_failures(db, o->actor->user_id, err);
    if (rc == RC_OK)
        rc = audit_add(db, o->actor, "session.create", 0, "", err);
    return rc;
}

enum rc session_open(struct db *db, const struct actor *actor,
                     const struct session_new *s, struct err *err)
{
    struct opening o = {actor, s};

    return db_transaction(db, open_steps, &o, err);
}

/* Guarded by what was read, so that of several requests at once one writes. */
static void touch(struct db *db, const unsigned char *hash, int64_t seen_at_ms)
{
    const struct sql_arg args[] = {sql_i64(SESSION_IDLE_MS),
                                   sql_bytes(hash, SESSION_HASH_SIZE),
                                   sql_i64(seen_at_ms)};
    struct err ignored;

    if (db_exec(db,
                "UPDATE session SET idle_expires_at = " SQL_NOW " + ?,"
                " seen_at = " SQL_NOW " WHERE session_hash = ? AND seen_at = ?",
                SQL_ARGS(args), NULL, &ignored) != RC_OK)
        return; /* the session is good all the same; the next request tries */
}

enum rc session_find(struct db *db, const unsigned char hash[SESSION_HASH_SIZE],
                     struct session *out, struct err *err)
{
    const struct sql_arg args[] = {sql_bytes(hash, SESSION_HASH_SIZE)};
    struct session s = {0};
    int role = 0;
    int64_t seen_at_ms = 0, now_ms = 0;
    size_t secret_len = 0;
    const struct sql_col cols[] = {
        COL_U64(&s.workspace_id),
        COL_U64(&s.user_id),
        COL_INT(&role),
        COL_BYTES(s.csrf_secret, &secret_len),
        COL_I64(&s.expires_at_ms),
        COL_I64(&seen_at_ms),
        COL_I64(&now_ms),
    };
    bool found;
    enum rc rc =
        db_row(db,
               "SELECT s.workspace_id, s.user_id, m.role, s.csrf_secret,"
               " s.expires_at, s.seen_at, " SQL_NOW " FROM session s JOIN membership m"
               " ON m.workspace_id = s.workspace_id AND m.user_id = s.user_id"
               " JOIN user u ON u.user_id = s.user_id"
               " WHERE s.session_hash = ? AND s.idle_expires_at > " SQL_NOW
               " AND s.expires_at > " SQL_NOW " AND u.disabled_at IS NULL",
               SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc != RC_OK)
        return rc;
    if (!found)
        return err_set(err, RC_NOT_FOUND, "session_unknown",
                       "There is no such session (any more).");
    if (secret_len != SESSION_SECRET_SIZE || role < ROLE_OWNER || role > ROLE_VIEWER)
        return err_set(err, RC_BUG, "session_row", "A session's row makes no sense.");
    s.role = (enum role)role;
    if (seen_at_ms <= now_ms - SESSION_TOUCH_MS)
        touch(db, hash, seen_at_ms);
    *out = s;
    return RC_OK;
}

struct ending {
    const struct actor *actor;
    const unsigned char *hash;
};

static enum rc end_steps(struct db *db, void *ctx, struct err *err)
{
    const struct ending *e = ctx;
    enum rc rc = remove_session(db, e->hash, err);

    return rc == RC_OK ? audit_add(db, e->actor, "session.end", 0, "", err) : rc;
}

enum rc session_end(struct db *db, const struct actor *actor,
                    const unsigned char hash[SESSION_HASH_SIZE], struct err *err)
{
    struct ending e = {actor, hash};

    return db_transaction(db, end_steps, &e, err);
}
