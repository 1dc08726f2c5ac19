/* api/body.h - the body of a request, as its route takes it. */
#ifndef SRC_API_BODY_H
#define SRC_API_BODY_H

#include "api.h"

enum {
    BODY_DEPTH_MAX = 16, /* levels of nesting; our deepest input has three */
};

/* Reads text (reset first; its limit is at least API_BODY_MAX) and parses it, as kind
 * says. *json is the caller's to json_decref(), NULL for BODY_NONE and BODY_RAW.
 * RC_INVALID "unsupported_media_type", "too_large", "bad_json", "bad_request". */
enum rc body_read(const struct web_request *req, enum api_body kind, struct strbuf *text,
                  json_t **json, struct err *err) MUST_CHECK;

/* The parsing alone: an object without duplicate keys, at most BODY_DEPTH_MAX deep. */
enum rc body_parse(const char *text, size_t len, json_t **json,
                   struct err *err) MUST_CHECK;

#endif
