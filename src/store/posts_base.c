/* What a post is built on: its account and files, locked while it is written. And what
 * several writes of a post write. */
#include "core/jsonw.h"
#include "core/strbuf.h"
#include "domain/account.h"
#include "posts_priv.h"
#include "store/media.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- reading ------------------------------------------------------------------- */

struct loading {
    const struct post_content *content;
    struct post_base *base;
    /* The row: the account's columns come with each file's again. */
    char *nickname, *username, *creator;
    char scopes[ACCOUNT_SCOPES_SIZE], reason[ACCOUNT_REASON_SIZE];
    struct account_standing standing;
    int status, kind;
    int64_t creator_at_ms, bytes;
    struct post_medium medium;
    bool seen;
};

static void take_account(struct loading *l)
{
    struct post_base *b = l->base;
    struct account_features features = account_features_of(l->scopes);
    struct post_ground *g = &b->basis.ground;

    l->standing.status = (enum account_status)l->status;
    l->standing.reason = l->reason;
    b->basis.account_usable = account_usable_at(&l->standing, l->standing.now_ms);
    b->basis.posts_until_ms = account_posts_until(&l->standing);
    g->now_ms = l->standing.now_ms;
    g->account_found = true;
    g->direct_post = features.direct_post;
    g->inbox = features.inbox;
    if (l->standing.now_ms - l->creator_at_ms <= POST_CREATOR_FRESH_MS &&
        post_creator_read(l->creator, &b->creator))
        g->creator = &b->creator;
    b->nickname = l->nickname;
    b->username = l->username;
    l->nickname = NULL;
    l->username = NULL;
    l->seen = true;
}

static void take_file(struct loading *l, size_t i)
{
    struct post_base *b = l->base;

    b->files[i] = (struct post_file){.found = true,
                                     .kind = (enum media_kind)l->kind,
                                     .ready = l->medium.state == MEDIA_READY,
                                     .rejected = l->medium.state == MEDIA_REJECTED,
                                     .duration_ms = l->medium.duration_ms};
    l->medium.kind = (enum media_kind)l->kind;
    b->media[i] = l->medium;
    b->bytes += l->bytes;
    l->medium.filename = NULL;
}

static enum rc take_row(void *ctx, struct err *err UNUSED)
{
    struct loading *l = ctx;

    if (!l->seen)
        take_account(l);
    for (size_t i = 0; i < l->content->media_n && l->medium.id != 0; i++) {
        if (l->content->media_ids[i] == l->medium.id)
            take_file(l, i);
    }
    free(l->nickname);
    free(l->username);
    free(l->creator);
    free(l->medium.filename);
    l->nickname = NULL;
    l->username = NULL;
    l->creator = NULL;
    l->medium = (struct post_medium){0};
    return RC_OK;
}

void posts_base_release(struct post_base *base)
{
    free(base->nickname);
    free(base->username);
    for (size_t i = 0; i < POST_MEDIA_ROOM; i++)
        free(base->media[i].filename);
    *base = (struct post_base){0};
}

/* Files that are not there leave no gap in what is shown. */
static void close_ranks(struct post_base *b)
{
    for (size_t i = 0; i < POST_MEDIA_ROOM; i++) {
        if (b->media[i].id == 0)
            continue;
        if (i != b->media_n) {
            b->media[b->media_n] = b->media[i];
            b->media[i] = (struct post_medium){0};
        }
        b->media_n++;
    }
}

#define BASE_COLUMNS                                                                     \
    "SELECT a.display_name, a.username, a.creator_info, a.creator_info_at, a.scopes,"    \
    " a.status, a.status_reason, a.refresh_expires_at, a.access_expires_at, " SQL_NOW    \
    ", m.media_id, m.kind, m.state, m.filename, m.duration_ms, m.width, m.height, "      \
    "m.has_thumb,"                                                                       \
    " m.bytes FROM account a LEFT JOIN media m ON m.workspace_id = a.workspace_id"       \
    " AND m.state <> 4 AND m.media_id "
#define BASE_WHERE " WHERE a.account_id = ? AND a.workspace_id = ? LOCK IN SHARE MODE"

static enum rc load_rows(struct db *db, uint64_t workspace_id, struct loading *l,
                         struct err *err)
{
    const struct post_content *c = l->content;
    struct post_medium *m = &l->medium;
    struct sql_arg args[POST_MEDIA_ROOM + 2];
    const struct sql_col cols[] = {COL_OWNED(&l->nickname),
                                   COL_OWNED(&l->username),
                                   COL_OWNED(&l->creator),
                                   COL_I64(&l->creator_at_ms),
                                   COL_TEXT(l->scopes),
                                   COL_INT(&l->status),
                                   COL_TEXT(l->reason),
                                   COL_I64(&l->standing.refresh_expires_ms),
                                   COL_I64(&l->standing.access_expires_ms),
                                   COL_I64(&l->standing.now_ms),
                                   COL_U64(&m->id),
                                   COL_INT(&l->kind),
                                   COL_INT(&m->state),
                                   COL_OWNED(&m->filename),
                                   COL_I64(&m->duration_ms),
                                   COL_INT(&m->width),
                                   COL_INT(&m->height),
                                   COL_BOOL(&m->has_thumb),
                                   COL_I64(&l->bytes)};
    const struct db_rows rows = {take_row, l};
    size_t n = 0;
    struct strbuf sql;
    enum rc rc;

    for (size_t i = 0; i < c->media_n || n < 1; i++)
        args[n++] = sql_u64(i < c->media_n ? c->media_ids[i] : 0);
    args[n++] = sql_u64(c->account_id);
    args[n++] = sql_u64(workspace_id);
    if (c->media_n <= 1) /* nearly always: prepared once */
        return db_each(db, BASE_COLUMNS "= ?" BASE_WHERE, (struct sql_args){args, n},
                       SQL_COLS(cols), rows, err);
    strbuf_init(&sql, 2048);
    strbuf_addstr(&sql, BASE_COLUMNS "IN (");
    posts_add_places(&sql, c->media_n);
    strbuf_addstr(&sql, ")" BASE_WHERE);
    rc = db_each_once(db, sql.buf, (struct sql_args){args, n}, SQL_COLS(cols), rows, err);
    strbuf_release(&sql);
    return rc;
}

enum rc posts_base_load(struct db *db, uint64_t workspace_id,
                        const struct post_content *content, struct post_base *out,
                        struct err *err)
{
    struct loading l = {.content = content, .base = out};
    enum rc rc;

    *out = (struct post_base){0};
    out->basis.ground.files = out->files;
    rc = load_rows(db, workspace_id, &l, err);
    if (rc == RC_OK && !l.seen)
        rc = db_now(db, &out->basis.ground.now_ms, err);
    if (rc != RC_OK)
        posts_base_release(out);
    else
        close_ranks(out);
    return rc;
}

/* --- writing ------------------------------------------------------------------- */

void posts_write_ids(const struct post_content *content, char out[POST_IDS_SIZE])
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < content->media_n; i++)
        len += (size_t)snprintf(out + len, POST_IDS_SIZE - len, "%s%" PRIu64,
                                i > 0 ? "," : "", content->media_ids[i]);
}

enum rc posts_add_media(struct db *db, uint64_t workspace_id, uint64_t post_id,
                        const struct post_content *content, struct err *err)
{
    struct sql_arg args[4 * POST_MEDIA_ROOM];
    struct strbuf sql;
    size_t n = 0;
    enum rc rc;

    for (size_t i = 0; i < content->media_n; i++) {
        args[n++] = sql_u64(post_id);
        args[n++] = sql_u64(i);
        args[n++] = sql_u64(workspace_id);
        args[n++] = sql_u64(content->media_ids[i]);
    }
#define INSERT_MEDIA                                                                     \
    "INSERT INTO post_media (post_id, position, workspace_id, media_id) VALUES "
    if (content->media_n == 0)
        return RC_OK;
    if (content->media_n == 1)
        return db_exec(db, INSERT_MEDIA "(?, ?, ?, ?)", (struct sql_args){args, n}, NULL,
                       err);
    strbuf_init(&sql, 2048);
    strbuf_addstr(&sql, INSERT_MEDIA);
    for (size_t i = 0; i < content->media_n; i++)
        strbuf_addstr(&sql, i > 0 ? ", (?, ?, ?, ?)" : "(?, ?, ?, ?)");
    rc = db_exec_once(db, sql.buf, (struct sql_args){args, n}, NULL, err);
    strbuf_release(&sql);
    return rc;
#undef INSERT_MEDIA
}

void posts_write_consent(const struct actor *actor, const struct post_content *content,
                         uint32_t content_ver, int64_t now_ms,
                         char out[POST_CONSENT_SIZE])
{
    struct strbuf sb;
    struct jsonw w;

    out[0] = '\0';
    if (!content->music_usage && !content->branded_agreed)
        return;
    strbuf_init(&sb, POST_CONSENT_SIZE - 1);
    jsonw_init(&w, &sb);
    jsonw_object(&w);
    jsonw_key_bool(&w, "music_usage", content->music_usage);
    jsonw_key_bool(&w, "branded_content", content->branded_agreed);
    jsonw_key_id(&w, "user", actor->user_id);
    jsonw_key_time(&w, "at", now_ms);
    jsonw_key_int(&w, "content_ver", content_ver);
    jsonw_end(&w);
    (void)memcpy(out, sb.buf, sb.len + 1);
    strbuf_release(&sb);
}

int64_t posts_next_at(const struct post_content *content, int64_t bytes, int64_t due_ms,
                      int64_t now_ms)
{
    int64_t at = due_ms - post_lead_ms(content->kind, bytes);

    return at > now_ms ? at : now_ms; /* nobody was late who could not have begun */
}

int64_t posts_list_at(const struct post_content *content)
{
    return content->publish_at_ms != 0 ? content->publish_at_ms : SQL_NEVER;
}

enum rc posts_tell(struct db *db, const struct actor *actor, uint64_t post_id,
                   struct event line, struct err *err)
{
    line.workspace_id = actor->workspace_id;
    line.post_id = post_id;
    line.user_id = actor->user_id;
    line.by_token = actor->token_id != 0;
    return event_add(db, &line, err);
}

enum rc posts_refuse(const char *code, struct err *err)
{
    static const struct {
        const char *code, *msg;
    } words[] = {
        {"version_mismatch", "The post was changed meanwhile; load it again."},
        {"too_late", "It is too late: the post is already on its way to TikTok."},
        {"outcome_unknown",
         "It may have been posted already; say first what became of it."},
        {"wrong_status", "This cannot be done with the post as it stands now."},
    };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i].code, code) == 0)
            return err_set(err, RC_CONFLICT, code, "%s", words[i].msg);
    }
    return err_set(err, RC_CONFLICT, code, "The post stands otherwise now.");
}

enum rc posts_may(const struct post *post, enum post_deed deed, uint32_t version,
                  struct err *err)
{
    struct post_standing standing = posts_standing(post);
    const char *why = post_refusal(deed, &standing);

    if (version != 0 && version != post->version)
        why = "version_mismatch";
    else if (why != NULL && deed == DEED_CHANGE && post->phase == PHASE_RUNNING)
        return err_set(err, RC_CONFLICT, why,
                       "The post is being handed to TikTok and can no longer be changed. "
                       "Cancel it first; then it can be changed and scheduled again.");
    return why == NULL ? RC_OK : posts_refuse(why, err);
}
