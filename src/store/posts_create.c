/* Creating a post with its job and media, in one transaction. */
#include "core/xalloc.h"
#include "posts_priv.h"

#include <stdlib.h>
#include <string.h>

/* A creation under way. */
struct creation {
    const struct post_new *in;
    struct post_base base;
    uint64_t post_id;
    int64_t next_at_ms;
    bool scheduled;
};

static struct sql_arg number_or_null(int64_t n)
{
    return n >= 0 ? sql_i64(n) : sql_null();
}

static struct sql_arg text_or_null(const char *text)
{
    return text[0] != '\0' ? sql_text(text) : sql_null();
}

static enum rc insert_post(struct db *db, struct creation *n, struct err *err)
{
    const struct post_content *c = n->in->content;
    const struct post_key *key = n->in->key;
    int64_t now_ms = n->base.basis.ground.now_ms;
    char media_ids[POST_IDS_SIZE], consent[POST_CONSENT_SIZE];
    enum rc rc;

    posts_write_ids(c, media_ids);
    posts_write_consent(n->in->actor, c, 1, now_ms, consent);
    const struct sql_arg args[] = {
        sql_u64(c->account_id),
        sql_i64(posts_list_at(c)),
        sql_u64(n->in->actor->workspace_id),
        sql_u64(n->in->actor->user_id),
        sql_i64(c->kind),
        sql_i64(c->mode),
        sql_text(media_ids),
        sql_text(c->title),
        sql_text(c->caption),
        text_or_null(c->privacy_level),
        sql_i64(c->allow_comment),
        sql_i64(c->allow_duet),
        sql_i64(c->allow_stitch),
        sql_i64(c->your_brand),
        sql_i64(c->branded_content),
        sql_i64(c->is_aigc),
        sql_i64(c->auto_add_music),
        number_or_null(c->cover_ms),
        number_or_null(c->cover_index),
        sql_text(c->timezone),
        sql_i64(c->max_late_s * 1000),
        sql_text(consent),
        sql_id(n->in->duplicate_of),
        key != NULL ? sql_bytes(key->key, 16) : sql_null(),
        key != NULL ? sql_bytes(key->body, sizeof(key->body)) : sql_null(),
        sql_i64(now_ms),
        sql_i64(now_ms),
    };
    rc = db_exec(db,
                 "INSERT INTO post (account_id, list_at, workspace_id, created_by, kind,"
                 " mode, media_ids, title, caption, privacy_level, allow_comment,"
                 " allow_duet, allow_stitch, your_brand, branded_content, is_aigc,"
                 " auto_add_music, cover_ms, cover_index, tz, expire_after_ms,"
                 " consent, duplicate_of,"
                 " idem_key, idem_body, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?,"
                 " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                 SQL_ARGS(args), NULL, err);
    n->post_id = db_insert_id(db);
    return rc;
}

static enum rc insert_job(struct db *db, struct creation *n, struct err *err)
{
    const struct post_content *c = n->in->content;
    int64_t now_ms = n->base.basis.ground.now_ms;

    n->next_at_ms = n->scheduled
                        ? posts_next_at(c, n->base.bytes, c->publish_at_ms, now_ms)
                        : SQL_NEVER;
    const struct sql_arg args[] = {
        sql_u64(n->post_id),       sql_u64(n->in->actor->workspace_id),
        sql_u64(c->account_id),    sql_i64(n->scheduled ? PHASE_SCHEDULED : PHASE_DRAFT),
        sql_i64(c->publish_at_ms), sql_i64(n->next_at_ms),
        sql_i64(now_ms),
    };

    return db_exec(db,
                   "INSERT INTO job (post_id, workspace_id, account_id, state, due_at,"
                   " next_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                   SQL_ARGS(args), NULL, err);
}

static enum rc steps(struct db *db, void *ctx, struct err *err)
{
    struct creation *n = ctx;
    const struct actor *actor = n->in->actor;
    enum rc rc;

    posts_base_release(&n->base); /* of a run before */
    rc = posts_base_load(db, actor->workspace_id, n->in->content, &n->base, err);
    if (rc == RC_OK)
        rc = n->in->check(n->in->ctx, n->in->content, &n->base.basis, err);
    if (rc == RC_OK)
        rc = insert_post(db, n, err);
    if (rc == RC_OK)
        rc = posts_add_media(db, actor->workspace_id, n->post_id, n->in->content, err);
    if (rc == RC_OK)
        rc = insert_job(db, n, err);
    if (rc == RC_OK)
        rc = posts_tell(
            db, actor, n->post_id,
            (struct event){.kind = EVENT_CREATED,
                           .when_ms = n->scheduled ? n->in->content->publish_at_ms : 0},
            err);
    return rc;
}

/* The post as posts_get() would read it: nothing of it is not known. */
static void show(struct creation *n, struct post *out)
{
    struct post_base *b = &n->base;
    int64_t now_ms = b->basis.ground.now_ms;

    *out = (struct post){.id = n->post_id,
                         .nickname = b->nickname,
                         .username = b->username,
                         .phase = n->scheduled ? PHASE_SCHEDULED : PHASE_DRAFT,
                         .version = 1,
                         .content_ver = 1,
                         .list_at_ms = posts_list_at(n->in->content),
                         .next_at_ms = n->next_at_ms,
                         .created_ms = now_ms,
                         .updated_ms = now_ms,
                         .now_ms = now_ms};
    b->nickname = NULL;
    b->username = NULL;
    post_init(&out->content);
    post_copy(&out->content, n->in->content);
    if (b->media_n > 0) {
        out->media = xcalloc(b->media_n, sizeof(*out->media));
        (void)memcpy(out->media, b->media, b->media_n * sizeof(*out->media));
        out->media_n = b->media_n;
        (void)memset(b->media, 0, sizeof(b->media));
    }
}

enum rc posts_create(struct db *db, const struct post_new *in, struct post *out,
                     struct err *err)
{
    struct creation n = {.in = in, .scheduled = in->content->publish_at_ms != 0};
    enum rc rc = db_transaction(db, steps, &n, err);

    if (rc == RC_OK)
        show(&n, out);
    posts_base_release(&n.base);
    return rc;
}
