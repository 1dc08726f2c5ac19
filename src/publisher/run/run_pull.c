/* The part of a run that TikTok fetches for: what is written to open and to close its
 * gate, on a store thread, and the addresses that TikTok is told. */
#include "run_priv.h"

#include "blob/blob.h"
#include "core/fault.h"
#include "core/io.h"
#include "core/log.h"
#include "core/random.h"
#include "core/text.h"
#include "core/xalloc.h"
#include "tiktok/pull_url.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_TIMEOUT_MS = 15000 }; /* for one file in an object store */

_Static_assert((int)JOB_GATE_SIZE == (int)TIKTOK_PULL_TOKEN, "one token");
_Static_assert((int)JOB_MEDIA_MAX == (int)TIKTOK_PHOTOS_MAX, "as many photos");

enum flow_way run_way(const struct run *r, const struct job_facts *f)
{
    const struct settings *s = r->p->settings;

    if (f->video && !s->pull_videos)
        return FLOW_BY_UPLOAD;
    return s->pull_log ? FLOW_BY_LOG : FLOW_BY_GATE;
}

/* --- the writes ------------------------------------------------------------------ */

void run_new_gate(struct run *r)
{
    random_fill(random_system(), r->gate_token, sizeof(r->gate_token));
}

static struct job_session session_of(const struct run *r)
{
    return (struct job_session){.publish_id = r->session.publish_id,
                                .init_date_ms = r->init_date_ms,
                                .log_id = r->log_id};
}

/* By log the session is not known yet; run_do_name() follows. */
void run_do_open(struct run *r, const struct pool_kit *kit)
{
    const struct job_session session = session_of(r);
    bool known = session.publish_id[0] != '\0';
    struct err err;
    enum rc rc;

    FAULT_POINT("open.before_commit");
    rc = job_open(kit->db, &r->ref, r->flow.start.attempt_no, known ? &session : NULL,
                  &err);
    FAULT_POINT("open.after");
    run_store_event(r, rc, &err);
}

void run_do_name(struct run *r, const struct pool_kit *kit)
{
    const struct job_session session = session_of(r);
    struct err err;
    enum rc rc;

    FAULT_POINT("name.before_commit");
    rc = job_name(kit->db, &r->ref, r->flow.start.attempt_no, &session, &err);
    FAULT_POINT("name.after");
    run_store_event(r, rc, &err);
}

/* The session that our attempt was made for is let go: nobody asks for it, its gate has
 * lost its token, and its last chunk is never sent. How old the other one is TikTok has
 * not told us. */
void run_do_adopt(struct run *r, const struct pool_kit *kit)
{
    struct err err;
    enum rc rc;

    FAULT_POINT("adopt.before_commit");
    rc = job_adopt(kit->db, &r->ref, r->flow.start.attempt_no, r->holder, &err);
    FAULT_POINT("adopt.after");
    run_store_event(r, rc, &err);
    if (rc != RC_OK)
        return;
    explicit_bzero(&r->session, sizeof(r->session));
    text_copy(r->session.publish_id, sizeof(r->session.publish_id), r->holder);
    r->init_date_ms = 0;
}

/* True: nothing had gone through, and now nothing can. */
bool run_close_gate(struct run *r, const struct pool_kit *kit)
{
    struct err err;
    enum rc rc;

    FAULT_POINT("close.before_commit");
    rc = job_close(kit->db, &r->ref, r->flow.start.attempt_no, r->action.reason, &err);
    FAULT_POINT("close.after");
    if (rc == RC_CONFLICT && strcmp(err.code, "gate_passed") == 0)
        run_event(r, FLOW_HELD, NULL, 0);
    else
        run_store_event(r, rc, &err);
    return rc == RC_OK;
}

/* --- what TikTok is told ----------------------------------------------------------- */

/* What is served of a file: a photo's rendition when it has one. */
static const char *extension_of(const struct job_medium *m, bool video)
{
    return !video && m->has_rendition ? "jpg" : tiktok_pull_extension(m->mime);
}

static enum blob_part part_of(const struct run *r, const struct job_medium *m)
{
    return !r->facts.video && m->has_rendition ? BLOB_RENDITION : BLOB_CONTENT;
}

/* The file is there. False: r->ev says why not. */
static bool is_there(struct run *r, const struct job_medium *m)
{
    int64_t size = 0;
    int fd = -1;
    struct err err;
    enum rc rc;

    if (!m->ready || !blob_key_valid(m->blob_key) ||
        extension_of(m, r->facts.video) == NULL) {
        run_refuse(r, "media_missing");
        return false;
    }
    if (blob_is_remote(r->p->blobs))
        return true; /* run_look() asks the store */
    rc = blob_open(r->p->blobs, m->blob_key, part_of(r, m), &fd, &size, &err);
    io_close(&fd);
    if (rc == RC_OK && size > 0)
        return true;
    run_media_missed(r, rc, &err);
    return false;
}

bool run_media_there(struct run *r)
{
    const struct job_facts *f = &r->facts;

    if (r->p->settings->pull_url == NULL) {
        run_refuse(r, "pull_not_set_up");
        return false;
    }
    if (f->media_n == 0 || (f->video && f->media_n > 1)) {
        run_refuse(r, "media_missing");
        return false;
    }
    for (size_t i = 0; i < f->media_n; i++) {
        if (!is_there(r, &f->media[i]))
            return false;
    }
    return true;
}

/* --- files in an object store ------------------------------------------------------ */

/* The plan of an upload was made for so many bytes; what is fetched may have any. */
static bool size_fits(const struct run *r, int64_t size)
{
    return run_way(r, &r->facts) == FLOW_BY_UPLOAD ? size == r->flow.start.plan.size
                                                   : size > 0;
}

/* The turn that the first look took lasts until INIT is answered, or until here. */
static void on_look(void *arg, enum rc rc, const struct http_response *res,
                    const struct err *err)
{
    struct run *r = (struct run *)arg;
    struct err why;

    if (rc != RC_OK)
        rc = err_set(&why, RC_UNAVAILABLE, err->code, "%s", err->msg);
    else
        rc = blob_link_answer(res->status, &why);
    if (rc == RC_OK && !size_fits(r, res->content_length))
        rc = err_set(&why, RC_NOT_FOUND, "no_such_file", "It has another size.");
    if (rc != RC_OK)
        run_media_missed(r, rc, &why);
    else if (r->looked + 1 < r->facts.media_n ? run_look(r, r->looked + 1)
                                              : run_send_init(r))
        return;
    run_call_ended(r);
    run_advance(r);
}

bool run_look(struct run *r, size_t i)
{
    const struct job_medium *m = &r->facts.media[i];
    char link[BLOB_LINK_SIZE];
    const struct http_request req = {
        .method = "HEAD", .url = link, .timeout_ms = LOOK_TIMEOUT_MS, .lifted = true};
    struct err err;

    blob_link(r->p->blobs, m->blob_key, part_of(r, m), "HEAD", link);
    r->looked = i;
    if (http_submit(r->p->http, &req, on_look, r, &r->http_id, &err) == RC_OK)
        return true;
    run_media_missed(r, RC_UNAVAILABLE, &err);
    return false;
}

static void write_photos(const struct job_facts *f, const char *const *urls,
                         struct strbuf *body)
{
    size_t cover = f->cover_index > 0 ? (size_t)f->cover_index : 0;
    const struct tiktok_photo_post post = {
        .direct = f->direct,
        .title = f->title,
        .description = f->caption,
        .privacy_level = f->privacy_level,
        .disable_comment = !f->allow_comment,
        .auto_add_music = f->auto_add_music,
        .brand_content = f->branded_content,
        .brand_organic = f->your_brand,
        .urls = urls,
        .url_count = f->media_n,
        .cover_index = cover < f->media_n ? cover : 0,
    };

    tiktok_photo_init_body(&post, body);
}

void run_pull_body(const struct run *r, struct strbuf *body)
{
    const struct job_facts *f = &r->facts;
    char(*urls)[TIKTOK_PULL_URL_SIZE] = xcalloc(JOB_MEDIA_MAX, TIKTOK_PULL_URL_SIZE);
    const char *list[JOB_MEDIA_MAX] = {NULL};

    assert(f->media_n > 0 && f->media_n <= JOB_MEDIA_MAX);
    for (size_t i = 0; i < f->media_n; i++) {
        tiktok_pull_url(r->p->settings->pull_url, r->gate_token, (unsigned)i,
                        extension_of(&f->media[i], f->video), urls[i]);
        list[i] = urls[i];
    }
    if (f->video)
        run_video_body(r, &(struct tiktok_video_source){.url = list[0]}, body);
    else
        write_photos(f, list, body);
    explicit_bzero(urls, (size_t)JOB_MEDIA_MAX * TIKTOK_PULL_URL_SIZE);
    free(urls);
}
