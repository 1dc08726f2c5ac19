#include "media.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A number that is not known is null. */
static void key_known(struct jsonw *w, const char *key, int64_t n)
{
    jsonw_key(w, key);
    if (n > 0)
        jsonw_int(w, n);
    else
        jsonw_null(w);
}

static void key_word(struct jsonw *w, const char *key, const char *word)
{
    jsonw_key_text(w, key, word[0] != '\0' ? word : NULL);
}

static void key_address(struct jsonw *w, const char *key, uint64_t id, const char *what)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/api/v1/media/%" PRIu64 "/%s", id, what);
    jsonw_key_text(w, key, path);
}

static void write_facts(struct jsonw *w, const struct media_facts *f)
{
    jsonw_key_int(w, "bytes", f->bytes);
    key_known(w, "duration_ms", f->duration_ms);
    key_known(w, "width", f->width);
    key_known(w, "height", f->height);
    jsonw_key(w, "fps");
    if (f->fps_milli > 0)
        jsonw_double(w, f->fps_milli / 1000.0);
    else
        jsonw_null(w);
    key_word(w, "codec", f->video_codec);
    key_word(w, "container", f->container);
}

static void write_rendition(struct jsonw *w, const struct media_rendition *r)
{
    jsonw_key(w, "rendition");
    if (r->bytes == 0) {
        jsonw_null(w);
        return;
    }
    jsonw_object(w);
    jsonw_key_int(w, "bytes", r->bytes);
    jsonw_key_int(w, "width", r->width);
    jsonw_key_int(w, "height", r->height);
    jsonw_end(w);
}

static void write_strip(struct jsonw *w, const struct media *m)
{
    jsonw_key(w, "strip");
    if (m->strip_frames == 0) {
        jsonw_null(w);
        return;
    }
    jsonw_object(w);
    key_address(w, "url", m->id, "strip");
    jsonw_key_int(w, "frames", m->strip_frames);
    jsonw_end(w);
}

static void key_other(struct jsonw *w, const char *key, uint64_t id)
{
    jsonw_key(w, key);
    if (id != 0)
        jsonw_id(w, id);
    else
        jsonw_null(w);
}

static const char *repair_state(const struct media_repair *r)
{
    switch (r->state) {
    case MEDIA_REPAIR_NONE:
        break;
    case MEDIA_REPAIR_RUNNING:
        return r->claimed ? "running" : "waiting";
    case MEDIA_REPAIR_DONE:
        return "done";
    case MEDIA_REPAIR_FAILED:
        return "failed";
    case MEDIA_REPAIR_CANCELED:
        return "canceled";
    }
    return NULL;
}

static void write_repair(struct jsonw *w, const struct media *m)
{
    const struct media_repair *r = &m->repair;
    bool failed = r->state == MEDIA_REPAIR_FAILED;
    char words[REPAIR_WORDS_SIZE];
    struct repair_plan plan;

    media_repair_plan(m, &plan);
    jsonw_key(w, "repair");
    if (!plan.possible && plan.obstacle == NULL && r->state == MEDIA_REPAIR_NONE) {
        jsonw_null(w);
        return;
    }
    repair_plan_words(&plan, words);
    jsonw_object(w);
    jsonw_key(w, "offered");
    jsonw_array(w);
    for (size_t i = 0; i < plan.n_fixes; i++)
        jsonw_text(w, plan.fixes[i]);
    jsonw_end(w);
    jsonw_key_bool(w, "needed", plan.needed);
    key_word(w, "plan", words);
    jsonw_key_text(w, "obstacle", plan.obstacle);
    jsonw_key_text(w, "state", repair_state(r));
    jsonw_key(w, "progress");
    if (r->state == MEDIA_REPAIR_RUNNING)
        jsonw_int(w, r->permille / 10);
    else
        jsonw_null(w);
    key_other(w, "result_media_id", r->result_id);
    jsonw_key_text(w, "reason", failed ? r->reason : NULL);
    jsonw_key_text(w, "message", failed ? r->reason_msg : NULL);
    jsonw_end(w);
}

static void write_tags(struct jsonw *w, const char *tags)
{
    jsonw_key(w, "tags");
    jsonw_array(w);
    while (tags != NULL && *tags != '\0') {
        size_t len = strcspn(tags, "\n");

        jsonw_text_len(w, tags, len);
        tags += len + (tags[len] == '\n');
    }
    jsonw_end(w);
}

void media_write(struct jsonw *w, const struct media *m)
{
    jsonw_object(w);
    jsonw_key_id(w, "id", m->id);
    jsonw_key_text(w, "kind", media_kind_name(m->facts.kind));
    jsonw_key_text(w, "status", media_state_name(m->state));
    jsonw_key_text(w, "filename", m->filename);
    write_facts(w, &m->facts);
    jsonw_key(w, "checks");
    jsonw_raw(w, m->checks != NULL ? m->checks : "[]");
    if (m->has_thumb)
        key_address(w, "thumbnail_url", m->id, "thumbnail");
    else
        jsonw_key_text(w, "thumbnail_url", NULL);
    key_address(w, "content_url", m->id, "content");
    write_rendition(w, &m->rendition);
    write_strip(w, m);
    key_other(w, "duplicate_of", m->duplicate_of);
    key_other(w, "repaired_from", m->repaired_from);
    write_repair(w, m);
    write_tags(w, m->tags);
    jsonw_key_int(w, "used_in", m->used_in);
    jsonw_key_time(w, "created_at", m->created_at_ms);
    jsonw_key_int(w, "version", m->version);
    jsonw_end(w);
}

void media_answer(struct web_response *res, int status, const struct media *m)
{
    struct jsonw w;

    api_etag(res, m->version);
    web_json_begin(res, status, &w);
    media_write(&w, m);
}

void media_send(const struct api *api, const struct api_request *req,
                const struct media *m, enum blob_part part, const char *type,
                struct web_response *res)
{
    char path[BLOB_LINK_SIZE];

    blob_accel(api->blobs, m->blob_key, part, req->web->method, path);
    web_accel(res, type, path);
    web_header_add(res, "Cache-Control", "private, no-cache");
}

enum rc media_ref_read(const struct api_request *req, struct media_ref *ref,
                       struct err *err)
{
    struct media_ref r = {.workspace_id = req->who.workspace_id,
                          .media_id = req->id,
                          .user_id = req->who.user_id,
                          .by_token = req->who.token_id != 0};
    enum rc rc = api_if_match(req, &r.version, err);

    if (rc == RC_OK)
        *ref = r;
    return rc;
}
