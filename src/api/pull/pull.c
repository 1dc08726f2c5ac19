#include "pull.h"

#include "core/encode.h"
#include "core/fault.h"
#include "store/gate.h"
#include "tiktok/pull_url.h"
#include "web/server.h"

#include <string.h>

/* What was asked for. */
struct wish {
    unsigned char token[JOB_GATE_SIZE];
    unsigned position;
    const char *extension;
};

static enum rc not_there(struct err *err)
{
    return err_set(err, RC_NOT_FOUND, "not_found", "There is nothing at this address.");
}

static enum rc come_again(struct err *err)
{
    return err_retry(err, RC_LIMITED, PULL_AGAIN_MS, "not_open_yet",
                     "This file is not open yet. Try again in a moment.");
}

static enum rc read_wish(const struct api_request *req, struct wish *w, struct err *err)
{
    const char *token = web_param(&req->params, "gate_token");
    const char *file = web_param(&req->params, "file");

    if (strlen(token) != 2 * sizeof(w->token) ||
        strspn(token, "0123456789abcdef") != 2 * sizeof(w->token) ||
        !hex_decode(token, w->token, sizeof(w->token)) ||
        !tiktok_pull_file(file, &w->position, &w->extension))
        return not_there(err);
    return RC_OK;
}

/* Which of the file's parts has this extension: what INIT named is what it gets, also
 * when a rendition has come up since. */
static enum rc choose(const struct gate_file *f, const struct wish *w,
                      enum blob_part *part, const char **type, struct err *err)
{
    const char *own = tiktok_pull_extension(f->mime);

    if (f->kind == MEDIA_KIND_PHOTO && f->has_rendition &&
        strcmp(w->extension, "jpg") == 0) {
        *part = BLOB_RENDITION;
        *type = "image/jpeg";
        return RC_OK;
    }
    if (own == NULL || strcmp(own, w->extension) != 0)
        return not_there(err);
    *part = BLOB_CONTENT;
    *type = f->mime;
    return RC_OK;
}

/* TikTok comes as soon as it has answered the publisher, which opens the gate a moment
 * later. Not all workers wait for such moments at a time. */
static enum rc hold(struct api *api, const struct api_request *req, const struct wish *w,
                    struct gate_file *f, struct err *err)
{
    int64_t until_ms = clock_mono_ms(api->clock) + PULL_HOLD_MS;
    enum rc rc = RC_OK;

    if (!web_wait_begin(WEB_WAIT_GATE))
        return come_again(err);
    while (rc == RC_OK && f->state == GATE_CLOSED &&
           clock_mono_ms(api->clock) < until_ms && web_pause(req->web, PULL_LOOK_MS))
        rc = gate_find(api->db, w->token, w->position, f, err);
    web_wait_end();
    if (rc == RC_OK && f->state == GATE_CLOSED)
        return come_again(err);
    return rc;
}

/* From here on the publisher may not think that nothing was fetched; so this comes before
 * the first byte, and a worker that dies in between has only made that claim early. An
 * answer of the database that was lost is asked for again: it says the same twice. */
static enum rc pass(struct api *api, const struct wish *w, struct err *err)
{
    enum rc rc;

    FAULT_POINT("gate.before_update");
    rc = gate_serve(api->db, w->token, err);
    if (rc == RC_UNCERTAIN)
        rc = gate_serve(api->db, w->token, err);
    FAULT_POINT("gate.after_update");
    return rc == RC_UNCERTAIN ? come_again(err) : rc;
}

static enum rc open_for(struct api *api, const struct api_request *req,
                        const struct wish *w, struct gate_file *f, struct err *err)
{
    enum rc rc = RC_OK;

    if (f->state == GATE_CLOSED)
        rc = hold(api, req, w, f, err);
    if (rc != RC_OK)
        return rc;
    return f->state == GATE_OPEN ? pass(api, w, err) : not_there(err);
}

enum rc pull_get(struct api *api, const struct api_request *req, struct web_response *res,
                 struct err *err)
{
    bool head = strcmp(req->web->method, "HEAD") == 0;
    enum blob_part part = BLOB_CONTENT;
    const char *type = NULL;
    char path[BLOB_LINK_SIZE];
    struct gate_file f = {.state = GATE_GONE};
    struct wish w = {.extension = ""};
    enum rc rc = read_wish(req, &w, err);

    if (rc == RC_OK)
        rc = gate_find(api->db, w.token, w.position, &f, err);
    if (rc == RC_OK && f.state == GATE_GONE)
        rc = not_there(err);
    if (rc == RC_OK)
        rc = choose(&f, &w, &part, &type, err);
    if (rc == RC_OK && !head) /* of a HEAD nginx sends no byte, so nothing goes through */
        rc = open_for(api, req, &w, &f, err);
    if (rc != RC_OK)
        return rc;
    blob_accel(api->blobs, f.blob_key, part, req->web->method, path);
    web_accel(res, type, path);
    web_header_add(res, "Cache-Control", "no-store");
    return RC_OK;
}
