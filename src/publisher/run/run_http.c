/* The part of a run that talks to TikTok: requests out of the run, answers into events.
 */
#include "run_priv.h"

#include "../lease.h"
#include "blob/blob.h"
#include "core/fault.h"
#include "core/io.h"
#include "core/log.h"
#include "core/meter.h"
#include "core/text.h"
#include "tiktok/creator.h"
#include "tiktok/upload_url.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    API_TIMEOUT_MS = 30000,     /* docs/tiktok.md 14 */
    UPLOAD_TIMEOUT_MS = 600000, /* of one chunk; a stalled one ends after HTTP_STALL_S */
    UPLOAD_ANSWER_MAX = 65536,  /* bytes; upload answers are empty or some HTML */
    BODY_MAX = 65536,           /* of a request */
    MESSAGE_SIZE = 256,
    HTTP_TOO_MANY = 429,
};

/* --- failures as events ------------------------------------------------------------ */

/* Nothing is known, or nothing happened. */
static void no_answer(struct run *r, enum rc rc, const struct err *err)
{
    char message[MESSAGE_SIZE];

    log_warn("run.no_answer", RUN_WHO " doing=%s class=%s code=%s log_id=%s msg=\"%s\"",
             RUN_WHO_OF(r), flow_do_name(r->action.what), rc_name(rc), err->code,
             r->log_id, log_quote(err->msg, message, sizeof(message)));
    r->log_id[0] = '\0';
    run_event(r, rc == RC_UNAVAILABLE ? FLOW_AGAIN : FLOW_UNCLEAR, "tiktok_unavailable",
              err->retry_after_ms);
}

static void log_refusal(const struct run *r, const struct tiktok_reply *reply)
{
    char message[MESSAGE_SIZE];

    log_warn("run.tiktok_refused",
             RUN_WHO " doing=%s http=%d code=%s class=%s reason=%s log_id=%s msg=\"%s\"",
             RUN_WHO_OF(r), flow_do_name(r->action.what), reply->http_status, reply->code,
             tiktok_class_name(reply->error->class), reply->error->reason, reply->log_id,
             log_quote(reply->message, message, sizeof(message)));
}

/* What a row of the error table means to the flow. */
static void refused(struct run *r, const struct tiktok_reply *reply,
                    const struct err *err)
{
    const struct tiktok_error *e = reply->error;

    log_refusal(r, reply);
    if (reply->http_status == HTTP_TOO_MANY)
        r->throttled = run_call_ring(r, &r->throttled_ring);
    switch (e->class) {
    case TIKTOK_REFRESH:
        run_event(r, FLOW_AUTH, e->reason, 0);
        return;
    case TIKTOK_RETRY:
    case TIKTOK_OPERATOR: /* once our settings are put right it goes on */
        run_event(r, reply->definite ? FLOW_AGAIN : FLOW_UNCLEAR, e->reason,
                  err->retry_after_ms);
        return;
    case TIKTOK_LATER:
    case TIKTOK_RECONNECT:
    case TIKTOK_FIX_INPUT:
    case TIKTOK_NEVER:
        break;
    }
    run_event(r, FLOW_REFUSED, e->reason, err->retry_after_ms);
    r->ev.verdict = e->class == TIKTOK_LATER ? FLOW_VERDICT_LIMIT
                    : e->whole_account       ? FLOW_VERDICT_BLOCK
                                             : FLOW_VERDICT_FAIL;
}

/* A request that was not even begun. */
static bool not_begun(struct run *r, const struct err *err)
{
    if (err->rc == RC_LIMITED)
        r->next = RUN_TURN;
    else
        no_answer(r, RC_UNAVAILABLE, err);
    return false;
}

void run_refuse(struct run *r, const char *reason)
{
    run_event(r, FLOW_REFUSED, reason, 0);
    r->ev.verdict = FLOW_VERDICT_FAIL;
    log_warn("run.refused", RUN_WHO " reason=%s log_id=%s", RUN_WHO_OF(r), reason,
             r->log_id);
}

/* --- the JSON API -------------------------------------------------------------- */

static bool post_json(struct run *r, const char *path, const struct strbuf *body,
                      http_done_fn *done)
{
    bool init = r->action.what == FLOW_DO_INIT;
    char authorization[TIKTOK_TOKEN_MAX + 32];
    char url[512];
    const char *const headers[] = {"Content-Type: " TIKTOK_JSON_TYPE, authorization,
                                   NULL};
    struct http_request req = {.method = "POST",
                               .url = url,
                               .headers = headers,
                               .body = body->buf,
                               .body_len = body->len,
                               .max_response = TIKTOK_ANSWER_MAX,
                               .timeout_ms = API_TIMEOUT_MS,
                               .once = init};
    struct err err;
    enum rc rc;

    if (init)
        req.sent = FAULT_NAME("init.after_send");
    (void)snprintf(url, sizeof(url), "%s%s", r->p->settings->api_url, path);
    (void)snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s",
                   r->token);
    rc = http_submit(r->p->http, &req, done, r, &r->http_id, &err);
    explicit_bzero(authorization, sizeof(authorization));
    return rc == RC_OK || not_begun(r, &err);
}

/* --- CREATOR ------------------------------------------------------------------- */

/* What keeps the post from going out as its person chose, or NULL. Nothing is changed
 * silently: the person decides anew. */
static const char *objection(const struct job_facts *f,
                             const struct tiktok_creator *creator)
{
    int64_t duration_ms = f->media_n > 0 ? f->media[0].duration_ms : 0;

    if (!tiktok_creator_allows(creator, f->privacy_level))
        return "audience_not_allowed";
    if (f->allow_comment && creator->comment_disabled)
        return "comment_disabled";
    if (f->allow_duet && creator->duet_disabled)
        return "duet_disabled";
    if (f->allow_stitch && creator->stitch_disabled)
        return "stitch_disabled";
    if (f->video && creator->max_video_s > 0 &&
        duration_ms > (int64_t)creator->max_video_s * 1000)
        return "media_too_long";
    return NULL;
}

static void judge_creator(struct run *r, const struct tiktok_creator *creator)
{
    const char *reason = objection(&r->facts, creator);

    if (reason != NULL)
        run_refuse(r, reason);
    else
        run_event(r, FLOW_OK, NULL, 0);
}

static void on_creator(void *arg, enum rc rc, const struct http_response *res,
                       const struct err *err)
{
    struct run *r = (struct run *)arg;
    struct tiktok_creator creator;
    struct tiktok_reply reply;
    struct err why;

    run_call_ended(r);
    if (rc != RC_OK) {
        no_answer(r, rc, err);
    } else {
        struct tiktok_answer answer = call_answer(res);

        rc = tiktok_creator_parse(&answer, &reply, &creator, &why);
        text_copy(r->log_id, sizeof(r->log_id), reply.log_id);
        if (rc == RC_OK)
            judge_creator(r, &creator);
        else
            refused(r, &reply, &why);
    }
    run_advance(r);
}

static bool send_creator(struct run *r)
{
    struct strbuf body;
    bool begun;

    strbuf_init(&body, BODY_MAX);
    strbuf_addstr(&body, TIKTOK_CREATOR_BODY);
    begun = post_json(r, TIKTOK_PATH_CREATOR, &body, on_creator);
    strbuf_release(&body);
    return begun;
}

static bool fetched(const struct run *r)
{
    return r->flow.start.way != FLOW_BY_UPLOAD;
}

/* --- INIT ---------------------------------------------------------------------- */

/* The session as TikTok opened it. An address that we do not send to is as good as no
 * session: nobody can complete it. */
static void take_session(struct run *r, const struct http_response *res)
{
    struct err err;

    r->init_date_ms = res->date_ms;
    if (fetched(r)) {
        run_event(r, FLOW_OK, NULL, 0);
        return;
    }
    if (tiktok_upload_url_check(r->session.upload_url, r->p->settings->upload_hosts, NULL,
                                &err) == RC_OK) {
        run_event(r, FLOW_OK, NULL, 0);
        return;
    }
    log_failure("run.upload_url_refused", &err);
    run_refuse(r, "upload_url_refused");
}

static void on_init(void *arg, enum rc rc, const struct http_response *res,
                    const struct err *err)
{
    struct run *r = (struct run *)arg;
    struct tiktok_reply reply;
    struct err why;

    FAULT_POINT("init.after_recv");
    run_call_ended(r);
    r->recount = r->counted.at_ms != 0 &&
                 publisher_mono_ms() - r->counted.mono_ms > RUN_COUNTED_MS;
    if (rc != RC_OK) {
        no_answer(r, rc, err);
    } else {
        struct tiktok_answer answer = call_answer(res);

        rc = tiktok_init_parse(&answer, !fetched(r), &reply, &r->session, &why);
        text_copy(r->log_id, sizeof(r->log_id), reply.log_id);
        if (rc == RC_OK)
            take_session(r, res);
        else
            refused(r, &reply, &why);
    }
    run_advance(r);
}

void run_video_body(const struct run *r, const struct tiktok_video_source *source,
                    struct strbuf *body)
{
    const struct job_facts *f = &r->facts;
    const struct tiktok_video_post post = {
        .title = f->caption,
        .privacy_level = f->privacy_level,
        .disable_comment = !f->allow_comment,
        .disable_duet = !f->allow_duet,
        .disable_stitch = !f->allow_stitch,
        .brand_content = f->branded_content,
        .brand_organic = f->your_brand,
        .is_aigc = f->is_aigc,
        .cover_ms = f->cover_ms <= INT32_MAX ? (int32_t)f->cover_ms : -1,
    };

    if (f->direct)
        tiktok_video_init_body(&post, source, body);
    else
        tiktok_inbox_init_body(source, body);
}

/* Opens the video. False: r->ev says why not. */
static bool open_video(struct run *r)
{
    const struct job_facts *f = &r->facts;
    const struct job_medium *m = &f->media[0];
    int64_t size = 0;
    struct err err;
    enum rc rc;

    io_close(&r->file);
    if (!f->video || f->media_n == 0 || !m->ready || !blob_key_valid(m->blob_key)) {
        run_refuse(r, "media_missing");
        return false;
    }
    if (blob_is_remote(r->p->blobs))
        return true; /* the store is asked when its bytes are fetched */
    rc = blob_open(r->p->blobs, m->blob_key, BLOB_CONTENT, &r->file, &size, &err);
    if (rc == RC_OK && size == r->flow.start.plan.size)
        return true;
    run_media_missed(r, rc, &err);
    return false;
}

void run_media_missed(struct run *r, enum rc rc, const struct err *err)
{
    r->log_id[0] = '\0'; /* TikTok has nothing to do with it */
    if (rc == RC_UNAVAILABLE) {
        log_failure("run.media_unavailable", err);
        run_event(r, FLOW_AGAIN, "media_unavailable", 0);
    } else {
        run_refuse(r, "media_missing");
    }
}

static const char *init_path(const struct job_facts *f)
{
    if (!f->video)
        return TIKTOK_PATH_PHOTO_INIT;
    return f->direct ? TIKTOK_PATH_VIDEO_INIT : TIKTOK_PATH_INBOX_INIT;
}

static void init_body(const struct run *r, struct strbuf *body)
{
    const struct tiktok_video_source sent = {.plan = &r->flow.start.plan};

    if (fetched(r))
        run_pull_body(r, body);
    else
        run_video_body(r, &sent, body);
}

bool run_send_init(struct run *r)
{
    struct strbuf body;
    bool begun;

    strbuf_init(&body, BODY_MAX);
    init_body(r, &body);
    FAULT_POINT("init.before_send");
    begun = post_json(r, init_path(&r->facts), &body, on_init);
    if (begun)
        r->inits++;
    strbuf_wipe(&body); /* it may hold a token of the gate */
    return begun;
}

/* What is posted is looked for before TikTok is told of it. */
static bool send_init(struct run *r)
{
    if (fetched(r) ? !run_media_there(r) : !open_video(r))
        return false;
    io_close(&r->file);
    return blob_is_remote(r->p->blobs) ? run_look(r, 0) : run_send_init(r);
}

/* --- CHUNK and LAST ------------------------------------------------------------ */

/* What TikTok took tells how fast our uploads are. */
static void note_pace(struct run *r, int64_t bytes, bool taken)
{
    int64_t took_ms = lease_now_ms(r->p->lease) - r->left_ms;

    meter_add(METER_SENT_BYTES, (uint64_t)bytes);
    meter_span(METER_CHUNK_TIME, took_ms);
    if (taken)
        pace_note(&r->p->pace, bytes, took_ms, publisher_mono_ms());
}

static void on_chunk(void *arg, enum rc rc, const struct http_response *res,
                     const struct err *err)
{
    struct run *r = (struct run *)arg;
    const struct tiktok_chunk_plan *plan = &r->flow.start.plan;

    run_call_ended(r);
    io_close(&r->file);
    if (r->action.what == FLOW_DO_LAST)
        FAULT_POINT("last.after_recv");
    else
        FAULT_POINT("chunk.after");
    if (rc != RC_OK && (strcmp(err->code, "source_missing") == 0 ||
                        strcmp(err->code, "source_failed") == 0)) {
        run_media_missed(r, rc, err);
    } else if (rc != RC_OK) {
        no_answer(r, rc, err);
    } else {
        note_pace(r, tiktok_chunk_len(plan, r->action.chunk), res->status < 300);
        run_event(r, FLOW_UPLOADED, NULL, res->retry_after_ms);
        r->ev.step =
            tiktok_upload_step(plan, r->action.chunk, res->status, res->content_range);
        text_copy(r->log_id, sizeof(r->log_id), res->log_id);
        if (res->status >= 300)
            log_warn("run.upload_refused",
                     RUN_WHO " chunk=%" PRId64 " of=%" PRId64 " http=%d log_id=%s",
                     RUN_WHO_OF(r), r->action.chunk, plan->count, res->status,
                     res->log_id);
    }
    run_advance(r);
}

/* The session's address is lost or not acceptable any more: as if it had expired. */
static bool url_good(struct run *r, bool *lifted)
{
    struct err err;

    if (tiktok_upload_url_check(r->session.upload_url, r->p->settings->upload_hosts,
                                lifted, &err) == RC_OK)
        return true;
    log_failure("run.upload_url_refused", &err);
    run_event(r, FLOW_UPLOADED, NULL, 0);
    r->ev.step = (struct tiktok_upload_step){.what = TIKTOK_UPLOAD_EXPIRED};
    return false;
}

/* Where the bytes of the chunk come from: a file, or an address that lives in link. */
static void name_source(const struct run *r, struct http_request *req,
                        char link[BLOB_LINK_SIZE])
{
    req->file = r->file;
    if (!blob_is_remote(r->p->blobs))
        return;
    blob_link(r->p->blobs, r->facts.media[0].blob_key, BLOB_CONTENT, "GET", link);
    req->source = link;
    req->source_size = r->flow.start.plan.size;
    req->source_lifted = true; /* the operator named that origin */
}

static void pass_points(const struct run *r, struct http_request *req)
{
    if (r->action.what == FLOW_DO_LAST) {
        FAULT_POINT("last.before");
        req->mid = FAULT_NAME("last.mid");
        req->sent = FAULT_NAME("last.after_send");
    } else {
        FAULT_POINT("chunk.before");
        req->mid = FAULT_NAME("chunk.mid");
    }
}

static bool send_chunk(struct run *r)
{
    char link[BLOB_LINK_SIZE];
    const struct tiktok_chunk_plan *plan = &r->flow.start.plan;
    int64_t n = r->action.chunk;
    char range[TIKTOK_RANGE_SIZE];
    char content_range[TIKTOK_RANGE_SIZE + 16];
    char content_type[128];
    const char *const headers[] = {content_type, content_range, NULL};
    struct http_request req = {.method = "PUT",
                               .url = r->session.upload_url,
                               .headers = headers,
                               .max_response = UPLOAD_ANSWER_MAX,
                               .timeout_ms = UPLOAD_TIMEOUT_MS};
    struct err err;

    if (!url_good(r, &req.lifted) || !open_video(r))
        return false;
    tiktok_chunk_range(plan, n, range);
    (void)snprintf(content_range, sizeof(content_range), "Content-Range: %s", range);
    (void)snprintf(content_type, sizeof(content_type), "Content-Type: %s",
                   r->facts.media[0].mime);
    name_source(r, &req, link);
    req.file_offset = tiktok_chunk_first(plan, n);
    req.file_len = tiktok_chunk_len(plan, n);
    pass_points(r, &req);
    return http_submit(r->p->http, &req, on_chunk, r, &r->http_id, &err) == RC_OK ||
           not_begun(r, &err);
}

/* --- STATUS -------------------------------------------------------------------- */

static void join_ids(struct run *r, const struct tiktok_status *status)
{
    size_t len = 0;

    r->post_ids[0] = '\0';
    for (size_t i = 0; i < status->post_id_count; i++)
        len += (size_t)snprintf(r->post_ids + len, sizeof(r->post_ids) - len, "%s%s",
                                i > 0 ? "," : "", status->post_id[i]);
    if (status->post_id_count > 1 && r->facts.direct)
        log_error("run.several_posts", RUN_WHO " ids=%s log_id=%s", RUN_WHO_OF(r),
                  r->post_ids, r->log_id);
}

static void told(struct run *r, const struct tiktok_status *status,
                 const struct http_response *res)
{
    const struct tiktok_error *failure = status->failure;

    run_event(r, FLOW_TOLD, failure != NULL ? failure->reason : NULL, 0);
    r->ev.state = status->state;
    r->ev.bytes = fetched(r) ? status->downloaded_bytes : status->uploaded_bytes;
    r->ev.age_ms =
        res->date_ms > 0 && r->init_date_ms > 0 ? res->date_ms - r->init_date_ms : -1;
    if (failure != NULL) {
        r->ev.retry = failure->class == TIKTOK_RETRY;
        r->ev.limit = failure->class == TIKTOK_LATER;
        r->ev.block = failure->whole_account;
        log_warn("run.tiktok_failed", RUN_WHO " fail_reason=%s reason=%s log_id=%s",
                 RUN_WHO_OF(r), status->fail_reason, failure->reason, r->log_id);
    }
    if (!status->known)
        log_warn("run.unknown_status", RUN_WHO " word=%s log_id=%s", RUN_WHO_OF(r),
                 status->word, r->log_id);
    text_copy(r->word, sizeof(r->word), status->word);
    join_ids(r, status);
}

static void on_status(void *arg, enum rc rc, const struct http_response *res,
                      const struct err *err)
{
    struct run *r = (struct run *)arg;
    struct tiktok_status status;
    struct tiktok_reply reply;
    struct err why;

    FAULT_POINT("poll.after_recv");
    run_call_ended(r);
    if (rc != RC_OK) {
        no_answer(r, rc, err);
    } else {
        struct tiktok_answer answer = call_answer(res);

        rc = tiktok_status_parse(&answer, &reply, &status, &why);
        text_copy(r->log_id, sizeof(r->log_id), reply.log_id);
        if (rc == RC_OK) {
            told(r, &status, res);
        } else if (strcmp(why.code, "publish_id_unknown") == 0) {
            log_refusal(r, &reply);
            run_event(r, FLOW_UNKNOWN, NULL, 0);
        } else {
            refused(r, &reply, &why);
        }
    }
    run_advance(r);
}

static bool send_status(struct run *r)
{
    struct strbuf body;
    bool begun;

    strbuf_init(&body, BODY_MAX);
    tiktok_publish_id_body(r->session.publish_id, &body);
    begun = post_json(r, TIKTOK_PATH_STATUS, &body, on_status);
    strbuf_release(&body);
    return begun;
}

bool run_send(struct run *r)
{
    switch (r->action.what) {
    case FLOW_DO_CREATOR:
        return send_creator(r);
    case FLOW_DO_INIT:
        return send_init(r);
    case FLOW_DO_CHUNK:
    case FLOW_DO_LAST:
        return send_chunk(r);
    case FLOW_DO_STATUS:
        return send_status(r);
    case FLOW_DO_TOKEN:
    case FLOW_DO_INTENT:
    case FLOW_DO_PERSIST:
    case FLOW_DO_WAIT:
    case FLOW_DO_WITNESS:
    case FLOW_DO_GRANT:
    case FLOW_DO_OPEN:
    case FLOW_DO_ADOPT:
    case FLOW_DO_SENT:
    case FLOW_DO_PUBLISHED:
    case FLOW_DO_DEAD:
    case FLOW_DO_CLOSE:
    case FLOW_DO_RELOAD:
    case FLOW_DO_LATER:
    case FLOW_DO_FAIL:
    case FLOW_DO_BLOCK:
    case FLOW_DO_REVIEW:
    case FLOW_DO_CANCELED:
    case FLOW_DO_RELEASE:
    case FLOW_DO_HANDOVER:
    case FLOW_DO_END:
        break;
    }
    run_event(r, FLOW_REFUSED, "internal_error", 0);
    return false;
}
