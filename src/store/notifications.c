#include "store/notifications.h"

#include "core/jsonw.h"
#include "core/text.h"
#include "stmt.h"
#include "store/tasks.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { DATA_SIZE = 401, PURGE_MAX = 500, MAIL_MAX = 50, MEMBERS_MAX = 100 };

/* --- writing ------------------------------------------------------------------------ */

static void write_data(const struct notification *n, char out[DATA_SIZE])
{
    struct strbuf sb;
    struct jsonw w;

    strbuf_init(&sb, DATA_SIZE - 1);
    jsonw_init(&w, &sb);
    jsonw_object(&w);
    if (n->code != NULL && n->code[0] != '\0')
        jsonw_key_text(&w, "code", n->code);
    if (n->at_ms != 0)
        jsonw_key_int(&w, "at", n->at_ms);
    if (n->days != 0)
        jsonw_key_int(&w, "days", n->days);
    jsonw_end(&w);
    text_copy(out, DATA_SIZE, strbuf_failed(&sb) ? "{}" : sb.buf);
    strbuf_release(&sb);
}

enum rc notification_add_new(struct db *db, const struct notification *n, bool *added,
                             struct err *err)
{
    char data[DATA_SIZE];
    enum rc rc;

    assert(strlen(n->cause) <= NOTIFICATION_CAUSE_MAX);
    write_data(n, data);
    {
        const struct sql_arg args[] = {
            sql_u64(n->workspace_id), sql_text(notice_name(n->kind)),
            sql_id(n->post_id),       sql_id(n->account_id),
            sql_text(data),           sql_text(n->cause)};

        rc = db_exec(db,
                     "INSERT INTO notification (workspace_id, kind, post_id, account_id,"
                     " data, cause, created_at) VALUES (?, ?, ?, ?, ?, ?, " SQL_NOW ")",
                     SQL_ARGS(args), NULL, err);
    }
    *added = rc == RC_OK;
    return rc == RC_CONFLICT && strcmp(err->code, "duplicate") == 0 ? RC_OK : rc;
}

enum rc notification_add(struct db *db, const struct notification *n, struct err *err)
{
    bool added;

    return notification_add_new(db, n, &added, err);
}

/* --- reading ------------------------------------------------------------------------ */

#define ROW_COLUMNS                                                                      \
    " n.notification_id, n.kind, n.post_id, n.account_id, n.created_at, n.data,"         \
    " IF(a.username <> '', CONCAT('@', a.username), COALESCE(a.display_name, '')),"      \
    " COALESCE(SUBSTRING(p.caption, 1, 50), '')"
#define ROW_JOINS                                                                        \
    " LEFT JOIN post p ON p.workspace_id = n.workspace_id AND p.post_id = n.post_id"     \
    " LEFT JOIN account a ON a.workspace_id = n.workspace_id"                            \
    " AND a.account_id = COALESCE(n.account_id, p.account_id)"
enum { ROW_COLS = 8 };

struct reading {
    struct notification_row row;
    char kind[49];
    char data[DATA_SIZE];
    uint64_t upto; /* the person has read so far */
    struct notification_page *page;
    size_t limit;
};

static void columns_of(struct reading *r, struct sql_col cols[ROW_COLS])
{
    const struct sql_col all[ROW_COLS] = {
        COL_U64(&r->row.id),         COL_TEXT(r->kind),
        COL_U64(&r->row.post_id),    COL_U64(&r->row.account_id),
        COL_I64(&r->row.created_ms), COL_TEXT(r->data),
        COL_TEXT(r->row.account),    COL_TEXT(r->row.caption)};

    (void)memcpy(cols, all, sizeof(all));
}

/* False for a kind of a newer program, which has no words here. */
static bool complete(struct reading *r)
{
    json_t *doc = json_loads(r->data, JSON_REJECT_DUPLICATES, NULL);
    const char *code = json_string_value(json_object_get(doc, "code"));

    text_copy(r->row.code, sizeof(r->row.code), code != NULL ? code : "");
    r->row.at_ms = json_integer_value(json_object_get(doc, "at"));
    r->row.days = (int)json_integer_value(json_object_get(doc, "days"));
    r->row.read = r->row.id <= r->upto;
    json_decref(doc);
    return notice_parse(r->kind, &r->row.kind);
}

static enum rc add_row(void *ctx, struct err *err UNUSED)
{
    struct reading *r = ctx;

    if (r->page->n == r->limit)
        r->page->more = true;
    else if (complete(r))
        r->page->items[r->page->n++] = r->row;
    return RC_OK;
}

static enum rc read_upto(struct db *db, uint64_t workspace_id, uint64_t user_id,
                         uint64_t *upto, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(workspace_id), sql_u64(user_id)};
    const struct sql_col cols[] = {COL_U64(upto)};
    bool found = false;

    *upto = 0;
    return db_row(db,
                  "SELECT upto FROM notification_read WHERE workspace_id = ?"
                  " AND user_id = ?",
                  SQL_ARGS(args), SQL_COLS(cols), &found, err);
}

enum rc notification_list(struct db *db, const struct notification_query *q,
                          struct notification_page *out, struct err *err)
{
    struct reading r = {.page = out, .limit = q->limit};
    uint64_t before = q->before != 0 ? q->before : (uint64_t)INT64_MAX;
    const struct sql_arg args[] = {sql_u64(q->workspace_id), sql_u64(before),
                                   sql_u64(q->user_id), sql_u64((uint64_t)q->limit + 1)};
    struct sql_col cols[ROW_COLS];
    enum rc rc;

    assert(q->limit >= 1 && q->limit <= NOTIFICATION_PAGE_MAX);
    out->n = 0;
    out->more = false;
    rc = read_upto(db, q->workspace_id, q->user_id, &r.upto, err);
    if (rc != RC_OK)
        return rc;
    columns_of(&r, cols);
    return db_each(db,
                   "SELECT" ROW_COLUMNS " FROM notification n" ROW_JOINS
                   " WHERE n.workspace_id = ? AND n.notification_id < ?"
                   " AND (n.user_id IS NULL OR n.user_id = ?)"
                   " ORDER BY n.notification_id DESC LIMIT ?",
                   SQL_ARGS(args), (struct sql_cols){cols, ROW_COLS},
                   (struct db_rows){add_row, &r}, err);
}

void notification_words(const struct notification_row *row, struct notice_words *out)
{
    const struct notice n = {.kind = row->kind,
                             .account = row->account,
                             .caption = row->caption,
                             .code = row->code,
                             .at_ms = row->at_ms,
                             .days = row->days};

    notice_say(&n, out);
}

enum rc notification_unread(struct db *db, uint64_t workspace_id, uint64_t user_id,
                            int64_t *n, struct err *err)
{
    const struct sql_arg args[] = {
        sql_u64(workspace_id),
        sql_u64(workspace_id),
        sql_u64(user_id),
        sql_u64(user_id),
        sql_i64(NOTIFICATION_UNREAD_MAX),
    };
    const struct sql_col cols[] = {COL_I64(n)};
    bool found = false;

    return db_row(db,
                  "SELECT COUNT(*) FROM (SELECT 1 FROM notification"
                  " WHERE workspace_id = ? AND notification_id > COALESCE((SELECT upto"
                  " FROM notification_read WHERE workspace_id = ? AND user_id = ?), 0)"
                  " AND (user_id IS NULL OR user_id = ?) LIMIT ?) unread",
                  SQL_ARGS(args), SQL_COLS(cols), &found, err);
}

/* A number of another workspace, or of the future, would hide what is still to come. */
enum rc notification_read(struct db *db, uint64_t workspace_id, uint64_t user_id,
                          uint64_t upto, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(workspace_id), sql_u64(user_id),
                                   sql_u64(workspace_id), sql_u64(upto)};

    return db_exec(db,
                   "INSERT INTO notification_read (workspace_id, user_id, upto)"
                   " SELECT ?, ?, known.top FROM (SELECT MAX(notification_id) AS top"
                   " FROM notification WHERE workspace_id = ?"
                   " AND notification_id <= ?) known WHERE known.top IS NOT NULL"
                   " ON DUPLICATE KEY UPDATE upto = GREATEST(upto, VALUES(upto))",
                   SQL_ARGS(args), NULL, err);
}

enum rc notification_wanted(struct db *db, uint64_t user_id, bool *mail, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(user_id)};
    const struct sql_col cols[] = {COL_BOOL(mail)};
    bool found = false;

    return db_row(db, "SELECT mail_on FROM user WHERE user_id = ?", SQL_ARGS(args),
                  SQL_COLS(cols), &found, err);
}

enum rc notification_want(struct db *db, uint64_t user_id, bool mail, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(mail), sql_u64(user_id)};

    return db_exec(db, "UPDATE user SET mail_on = ? WHERE user_id = ?", SQL_ARGS(args),
                   NULL, err);
}

enum rc notification_purge(struct db *db, int64_t *n, struct err *err)
{
    const struct sql_arg args[] = {sql_i64((int64_t)NOTIFICATION_KEPT_DAYS * 86400000),
                                   sql_i64(PURGE_MAX)};

    return db_exec(db,
                   "DELETE FROM notification WHERE created_at < " SQL_NOW " - ? LIMIT ?",
                   SQL_ARGS(args), n, err);
}

/* --- mail --------------------------------------------------------------------------- */

struct mailing {
    uint64_t id, workspace_id;
    struct {
        uint64_t id, workspace_id;
    } found[MAIL_MAX];
    size_t n;

    uint64_t member;
    uint64_t members[MEMBERS_MAX];
    size_t members_n;
};

static enum rc add_unmailed(void *ctx, struct err *err UNUSED)
{
    struct mailing *m = ctx;

    m->found[m->n].id = m->id;
    m->found[m->n++].workspace_id = m->workspace_id;
    return RC_OK;
}

static enum rc add_member(void *ctx, struct err *err UNUSED)
{
    struct mailing *m = ctx;

    m->members[m->members_n++] = m->member;
    return RC_OK;
}

static enum rc find_unmailed(struct db *db, struct mailing *m, struct err *err)
{
    const struct sql_arg args[] = {sql_i64(86400000), sql_i64(MAIL_MAX)};
    const struct sql_col cols[] = {COL_U64(&m->id), COL_U64(&m->workspace_id)};

    m->n = 0;
    return db_each(db,
                   "SELECT notification_id, workspace_id FROM notification"
                   " WHERE mailed_at IS NULL AND created_at > " SQL_NOW " - ?"
                   " ORDER BY notification_id LIMIT ? FOR UPDATE SKIP LOCKED",
                   SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_unmailed, m},
                   err);
}

/* Those who can do something about it. */
static enum rc find_members(struct db *db, struct mailing *m, uint64_t workspace_id,
                            struct err *err)
{
    const struct sql_arg args[] = {sql_u64(workspace_id), sql_i64(ROLE_EDITOR),
                                   sql_i64(MEMBERS_MAX)};
    const struct sql_col cols[] = {COL_U64(&m->member)};

    m->members_n = 0;
    return db_each(
        db,
        "SELECT m.user_id FROM membership m JOIN user u ON u.user_id = m.user_id"
        " WHERE m.workspace_id = ? AND m.role <= ? AND u.mail_on = 1"
        " AND u.disabled_at IS NULL ORDER BY m.user_id LIMIT ?",
        SQL_ARGS(args), SQL_COLS(cols), (struct db_rows){add_member, m}, err);
}

static enum rc queue_mails(struct db *db, struct mailing *m, size_t i, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(m->found[i].id)};
    enum rc rc = find_members(db, m, m->found[i].workspace_id, err);

    for (size_t k = 0; k < m->members_n && rc == RC_OK; k++) {
        char payload[96];
        uint64_t task_id;
        const struct task_new task = {.kind = TASK_SEND_MAIL,
                                      .workspace_id = m->found[i].workspace_id,
                                      .wait_ms = TASK_MAIL_LIFE_MS,
                                      .payload = payload};

        (void)snprintf(payload, sizeof(payload),
                       "{\"notification_id\":\"%" PRIu64 "\",\"user_id\":\"%" PRIu64
                       "\"}",
                       m->found[i].id, m->members[k]);
        rc = task_insert(db, &task, &task_id, err);
    }
    if (rc == RC_OK)
        rc = db_exec(db,
                     "UPDATE notification SET mailed_at = " SQL_NOW
                     " WHERE notification_id = ?",
                     SQL_ARGS(args), NULL, err);
    return rc;
}

static enum rc mail_steps(struct db *db, void *ctx, struct err *err)
{
    struct mailing *m = ctx;
    enum rc rc = find_unmailed(db, m, err);

    for (size_t i = 0; i < m->n && rc == RC_OK; i++)
        rc = queue_mails(db, m, i, err);
    return rc;
}

enum rc notification_mail(struct db *db, int64_t *n, struct err *err)
{
    struct mailing m = {.n = 0};
    enum rc rc = db_transaction(db, mail_steps, &m, err);

    if (rc == RC_OK)
        *n = (int64_t)m.n;
    return rc;
}

enum rc notification_mail_load(struct db *db, uint64_t notification_id, uint64_t user_id,
                               struct notification_mail *out, struct err *err)
{
    struct reading r = {.limit = 1};
    const struct sql_arg args[] = {sql_u64(user_id), sql_u64(notification_id),
                                   sql_i64(ROLE_EDITOR)};
    struct sql_col cols[ROW_COLS + 2];
    bool found = false;
    enum rc rc;

    columns_of(&r, cols);
    cols[ROW_COLS] = COL_TEXT(out->email);
    cols[ROW_COLS + 1] = COL_TEXT(out->workspace);
    rc = db_row(db,
                "SELECT" ROW_COLUMNS ", u.email, w.name FROM notification n"
                " JOIN membership m ON m.workspace_id = n.workspace_id AND m.user_id = ?"
                " JOIN user u ON u.user_id = m.user_id"
                " JOIN workspace w ON w.workspace_id = n.workspace_id"
                " LEFT JOIN notification_read d ON d.workspace_id = n.workspace_id"
                " AND d.user_id = m.user_id" ROW_JOINS
                " WHERE n.notification_id = ? AND m.role <= ? AND u.mail_on = 1"
                " AND u.disabled_at IS NULL AND n.notification_id > COALESCE(d.upto, 0)",
                SQL_ARGS(args), (struct sql_cols){cols, ROW_COLS + 2}, &found, err);
    if (rc != RC_OK)
        return rc;
    if (!found || !complete(&r))
        return err_set(err, RC_NOT_FOUND, "not_found", "Nobody is to be told of it.");
    out->row = r.row;
    return RC_OK;
}
