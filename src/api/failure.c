#include "failure.h"

#include "uploads/tus.h"

#include "core/text.h"

#include <inttypes.h>
#include <string.h>

enum {
    AGAIN_LIMITED_S = 5, /* when the one who refused did not say */
    AGAIN_AWAY_S = 2,
};

static const struct {
    const char *code;
    int status;
    const char *shown;   /* NULL: the code itself */
    const char *message; /* NULL: the failure's own */
} own[] = {
    {"bad_json", 400, NULL, NULL},
    {"bad_request", 400, NULL, NULL},
    {"body_cut_short", 400, "bad_request", "The request's body ended too early."},
    {"bad_upload_length", 400, NULL, NULL},
    {"bad_upload_metadata", 400, NULL, NULL},
    {"bad_upload_offset", 400, NULL, NULL},
    {"bad_checksum_header", 400, NULL, NULL},
    {"not_signed_in", 401, NULL, NULL},
    {"bad_credentials", 401, NULL, NULL},
    {"method_not_allowed", 405, NULL, NULL},
    {"duplicate", 409, "conflict",
     "Somebody else did that at the same time. Load again."},
    {"foreign_key", 409, "conflict", "What this refers to is gone. Load again."},
    {"lost", 409, "conflict", "Somebody else was faster. Load again."},
    {"upload_gone", 410, NULL, NULL},
    {"version_mismatch", 412, NULL, NULL},
    {"tus_version", 412, NULL, NULL},
    {"too_large", 413, NULL, NULL},
    {"unsupported_media_type", 415, NULL, NULL},
    {"unsupported_file_type", 415, NULL, NULL},
    {"upload_busy", 423, NULL, NULL},
    {"not_open_yet", 503, NULL, NULL}, /* as it should be before a post's time */
    {"checksum_mismatch", 460, NULL, NULL},
    {"storage_full", 507, NULL, NULL},
    {"disk_full", 507, "storage_full", "There is no room left for files on the server."},
    {"database_unavailable", 503, NULL,
     "The database is not answering. Nothing was changed; try again in a moment."},
    {"database_uncertain", 504, NULL,
     "The database went away while it stored this. Look whether it is there before "
     "trying again."},
    {"media_store_failed", 503, NULL,
     "The place where files are kept is not answering. Try again in a moment."},
};

static int status_of_class(enum rc rc)
{
    switch (rc) {
    case RC_OK: /* not a failure: whoever calls it one is wrong */
    case RC_BUG:
        return 500;
    case RC_INVALID:
        return 422;
    case RC_DENIED:
        return 403;
    case RC_NOT_FOUND:
        return 404;
    case RC_CONFLICT:
        return 409;
    case RC_LIMITED:
        return 429;
    case RC_UNAVAILABLE:
        return 503;
    case RC_UNCERTAIN:
        return 504;
    case RC_REJECTED:
        return 502;
    }
    return 500;
}

static void apply_own(const struct err *err, struct failure_view *v)
{
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        if (strcmp(own[i].code, err->code) != 0)
            continue;
        v->status = own[i].status;
        if (own[i].shown != NULL)
            v->code = own[i].shown;
        if (own[i].message != NULL)
            v->message = own[i].message;
        return;
    }
}

static int64_t retry_after(const struct err *err, int status)
{
    if (status != 429 && status != 503)
        return 0;
    if (err->retry_after_ms > 0)
        return (err->retry_after_ms + 999) / 1000;
    return status == 429 ? AGAIN_LIMITED_S : AGAIN_AWAY_S;
}

void failure_view(const struct err *err, struct failure_view *out)
{
    struct failure_view v = {
        .status = status_of_class(err->rc), .code = err->code, .message = err->msg};

    if (v.status == 500) {
        v.code = "internal";
        v.message = "Something went wrong on our side. It is in the log under this "
                    "request's id.";
    } else {
        apply_own(err, &v);
        if (v.status == 422 && err->field[0] != '\0' &&
            strcmp(err->code, "unknown_field") != 0)
            v.code = "invalid";
    }
    v.retry_after_s = retry_after(err, v.status);
    *out = v;
}

static void write_fields(struct jsonw *w, const struct err *err)
{
    const struct api_fields *kept = api_fields_kept();

    if (err->rc != RC_INVALID || (kept->n == 0 && err->field[0] == '\0'))
        return;
    jsonw_key(w, "fields");
    jsonw_object(w);
    if (err->field[0] != '\0')
        jsonw_key_text(w, err->field, err->code);
    for (size_t i = 0; i < kept->n && err->field[0] == '\0'; i++)
        jsonw_key_text(w, kept->name[i], kept->code[i]);
    jsonw_end(w);
}

static void add_headers(const struct web_request *req, const struct failure_view *v,
                        struct web_response *res)
{
    if (v->retry_after_s > 0)
        web_header_addf(res, "Retry-After", "%" PRId64, v->retry_after_s);
    if (v->status == 401)
        web_header_add(res, "WWW-Authenticate", "Bearer");
    if (!text_starts_with(req->path, "/api/v1/uploads"))
        return;
    web_header_add(res, "Tus-Resumable", TUS_VERSION);
    if (v->status == 412)
        web_header_add(res, "Tus-Version", TUS_VERSION);
}

void failure_answer(const struct web_request *req, const struct err *err,
                    struct web_response *res)
{
    struct failure_view v;
    struct jsonw w;

    failure_view(err, &v);
    web_response_reset(res);
    add_headers(req, &v, res);
    if (strcmp(req->method, "HEAD") == 0) {
        web_empty(res, v.status, NULL);
        return;
    }
    web_json_begin(res, v.status, &w);
    jsonw_object(&w);
    jsonw_key(&w, "error");
    jsonw_object(&w);
    jsonw_key_text(&w, "code", v.code);
    jsonw_key_text(&w, "message", v.message);
    write_fields(&w, err);
    jsonw_key_text(&w, "request_id", req->id);
    jsonw_end(&w);
    jsonw_end(&w);
}
