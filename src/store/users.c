#include "store/users.h"

#include "core/text.h"
#include "stmt.h"
#include "store/audit.h"

#include <string.h>

static enum rc nobody(struct err *err)
{
    return err_set(err, RC_NOT_FOUND, "user_unknown", "There is no such person.");
}

/* --- signing in ---------------------------------------------------------------- */

/* The column compares by a collation to which more is alike than to us (accents): the
 * address must be the one stored, or throttles could be walked around by spelling. */
enum rc user_login_find(struct db *db, const char *email, struct user_login *out,
                        struct err *err)
{
    const struct sql_arg args[] = {sql_text(email)};
    struct user_login found = {0};
    char stored[USER_EMAIL_SIZE];
    const struct sql_col cols[] = {
        COL_U64(&found.user_id),       COL_TEXT(stored),
        COL_TEXT(found.password_hash), COL_BOOL(&found.disabled),
        COL_UINT(&found.failed),       COL_I64(&found.failed_at_ms),
        COL_I64(&found.now_ms),        COL_U64(&found.workspace_id),
    };
    bool there;
    enum rc rc = db_row(
        db,
        "SELECT u.user_id, u.email, u.password_hash, u.disabled_at IS NOT NULL,"
        " u.failed_logins, u.failed_at, " SQL_NOW ","
        " (SELECT MIN(m.workspace_id) FROM membership m WHERE m.user_id = u.user_id)"
        " FROM user u WHERE u.email = ?",
        SQL_ARGS(args), SQL_COLS(cols), &there, err);

    if (rc != RC_OK)
        return rc;
    if (!there || !text_equal_nocase(stored, email))
        return nobody(err);
    *out = found;
    return RC_OK;
}

enum rc user_login_failed(struct db *db, uint64_t user_id, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(user_id)};

    return db_exec(db,
                   "UPDATE user SET failed_logins = failed_logins + 1,"
                   " failed_at = " SQL_NOW " WHERE user_id = ?",
                   SQL_ARGS(args), NULL, err);
}

enum rc user_rehash(struct db *db, uint64_t user_id, const char *from, const char *to,
                    struct err *err)
{
    const struct sql_arg args[] = {sql_text(to), sql_u64(user_id), sql_text(from)};

    return db_exec(db,
                   "UPDATE user SET password_hash = ?"
                   " WHERE user_id = ? AND password_hash = ?",
                   SQL_ARGS(args), NULL, err);
}

/* --- making and changing people ------------------------------------------------ */

struct adding {
    const struct user_new *user;
    struct user_ids ids;
};

static enum rc find_workspace(struct db *db, const char *name, uint64_t *workspace_id,
                              bool *found, struct err *err)
{
    const struct sql_arg args[] = {sql_text(name)};
    const struct sql_col cols[] = {COL_U64(workspace_id)};

    return db_row(db,
                  "SELECT workspace_id FROM workspace WHERE name = ?"
                  " ORDER BY workspace_id LIMIT 1",
                  SQL_ARGS(args), SQL_COLS(cols), found, err);
}

static enum rc join_workspace(struct db *db, struct adding *a, struct err *err)
{
    const struct sql_arg name[] = {sql_text(a->user->workspace)};
    enum role role = a->user->role;
    bool found;
    enum rc rc =
        find_workspace(db, a->user->workspace, &a->ids.workspace_id, &found, err);

    if (rc == RC_OK && !found) {
        rc = db_exec(db,
                     "INSERT INTO workspace (name, created_at) VALUES (?, " SQL_NOW ")",
                     SQL_ARGS(name), NULL, err);
        a->ids.workspace_id = db_insert_id(db);
        role = ROLE_OWNER;
    }
    if (rc != RC_OK)
        return rc;
    a->ids.workspace_made = !found;

    const struct sql_arg member[] = {sql_u64(a->ids.workspace_id),
                                     sql_u64(a->ids.user_id), sql_i64(role)};

    return db_exec(db,
                   "INSERT INTO membership (workspace_id, user_id, role, created_at)"
                   " VALUES (?, ?, ?, " SQL_NOW ")",
                   SQL_ARGS(member), NULL, err);
}

static enum rc add_steps(struct db *db, void *ctx, struct err *err)
{
    struct adding *a = ctx;
    const struct sql_arg args[] = {sql_text(a->user->email), sql_text(a->user->name),
                                   sql_text(a->user->password_hash)};
    struct actor system = {.ip = ""};
    enum rc rc = db_exec(db,
                         "INSERT INTO user (email, name, password_hash, password_at,"
                         " created_at, updated_at) VALUES (?, ?, ?, " SQL_NOW ", " SQL_NOW
                         ", " SQL_NOW ")",
                         SQL_ARGS(args), NULL, err);

    if (rc != RC_OK)
        return rc;
    a->ids.user_id = db_insert_id(db);
    rc = join_workspace(db, a, err);
    if (rc != RC_OK)
        return rc;
    system.workspace_id = a->ids.workspace_id;
    return audit_add(db, &system, "user.create", a->ids.user_id, "", err);
}

enum rc user_add(struct db *db, const struct user_new *user, struct user_ids *ids,
                 struct err *err)
{
    struct adding a = {.user = user};
    enum rc rc = db_transaction(db, add_steps, &a, err);

    if (rc == RC_CONFLICT && strcmp(err->code, "duplicate") == 0)
        return err_set(err, RC_CONFLICT, "user_exists",
                       "There is a person with that e-mail address already.");
    if (rc == RC_OK)
        *ids = a.ids;
    return rc;
}

struct change {
    const char *email;
    const char *password_hash; /* NULL: not changed */
    bool disabled;
};

static enum rc end_sessions(struct db *db, const char *email, struct err *err)
{
    const struct sql_arg args[] = {sql_text(email)};

    return db_exec(db,
                   "DELETE s FROM session s JOIN user u ON u.user_id = s.user_id"
                   " WHERE u.email = ?",
                   SQL_ARGS(args), NULL, err);
}

static enum rc change_steps(struct db *db, void *ctx, struct err *err)
{
    const struct change *c = ctx;
    const struct sql_arg password[] = {sql_text(c->password_hash), sql_text(c->email)};
    const struct sql_arg disabled[] = {sql_i64(c->disabled), sql_text(c->email)};
    int64_t rows = 0;
    enum rc rc;

    if (c->password_hash != NULL)
        rc = db_exec(db,
                     "UPDATE user SET password_hash = ?, password_at = " SQL_NOW
                     ", failed_logins = 0, updated_at = " SQL_NOW " WHERE email = ?",
                     SQL_ARGS(password), &rows, err);
    else
        rc = db_exec(db,
                     "UPDATE user SET disabled_at = IF(?, " SQL_NOW ", NULL),"
                     " failed_logins = 0, updated_at = " SQL_NOW " WHERE email = ?",
                     SQL_ARGS(disabled), &rows, err);
    if (rc != RC_OK)
        return rc;
    if (rows == 0)
        return nobody(err);
    return end_sessions(db, c->email, err);
}

enum rc user_set_password(struct db *db, const char *email, const char *password_hash,
                          struct err *err)
{
    struct change c = {.email = email, .password_hash = password_hash};

    return db_transaction(db, change_steps, &c, err);
}

enum rc user_set_disabled(struct db *db, const char *email, bool disabled,
                          struct err *err)
{
    struct change c = {.email = email, .disabled = disabled};

    return db_transaction(db, change_steps, &c, err);
}

/* --- reading ------------------------------------------------------------------- */

struct listing {
    struct user_line line;
    int role;
    user_line_fn each;
    void *ctx;
};

static enum rc one_line(void *ctx, struct err *err)
{
    struct listing *l = ctx;

    (void)err;
    l->line.role = (enum role)l->role;
    l->each(l->ctx, &l->line);
    return RC_OK;
}

enum rc user_list(struct db *db, user_line_fn each, void *ctx, struct err *err)
{
    struct listing l = {.each = each, .ctx = ctx};
    const struct sql_col cols[] = {
        COL_U64(&l.line.user_id),
        COL_TEXT(l.line.email),
        COL_TEXT(l.line.name),
        COL_BOOL(&l.line.disabled),
        COL_U64(&l.line.workspace_id),
        COL_TEXT(l.line.workspace),
        COL_INT(&l.role),
        COL_I64(&l.line.created_at_ms),
    };
    const struct db_rows rows = {one_line, &l};

    return db_each(db,
                   "SELECT u.user_id, u.email, u.name, u.disabled_at IS NOT NULL,"
                   " w.workspace_id, w.name, m.role, u.created_at"
                   " FROM user u LEFT JOIN membership m ON m.user_id = u.user_id"
                   " LEFT JOIN workspace w ON w.workspace_id = m.workspace_id"
                   " ORDER BY u.user_id, w.workspace_id",
                   SQL_NONE, SQL_COLS(cols), rows, err);
}

/* Whether TikTok has audited the app is told by nothing but its refusals, so the newest
 * failed posts are looked at. */
enum rc user_profile(struct db *db, uint64_t workspace_id, uint64_t user_id,
                     struct user_profile *out, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(workspace_id), sql_u64(workspace_id),
                                   sql_u64(user_id)};
    struct user_profile p = {0};
    const struct sql_col cols[] = {COL_TEXT(p.email), COL_TEXT(p.name),
                                   COL_TEXT(p.workspace), COL_BOOL(&p.unaudited)};
    bool found;
    enum rc rc = db_row(db,
                        "SELECT u.email, u.name, w.name, EXISTS(SELECT 1 FROM"
                        " (SELECT j.last_reason AS reason FROM job j"
                        " WHERE j.workspace_id = ? AND j.state = 5" /* FAILED */
                        " ORDER BY j.due_at DESC, j.post_id DESC LIMIT 50) failed"
                        " WHERE failed.reason ="
                        " 'unaudited_client_can_only_post_to_private_accounts')"
                        " FROM membership m JOIN user u ON u.user_id = m.user_id"
                        " JOIN workspace w ON w.workspace_id = m.workspace_id"
                        " WHERE m.workspace_id = ? AND m.user_id = ?",
                        SQL_ARGS(args), SQL_COLS(cols), &found, err);

    if (rc != RC_OK)
        return rc;
    if (!found)
        return nobody(err);
    *out = p;
    return RC_OK;
}
