#include "body.h"

#include "core/text.h"

#include <string.h>

/* jansson's own limit is compiled in and generous; recursion this deep costs nothing. */
static bool too_deep(const char *text, size_t len)
{
    size_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '['))
            depth++;
        else if (!in_string && (c == '}' || c == ']') && depth > 0)
            depth--;
        if (depth > BODY_DEPTH_MAX)
            return true;
    }
    return false;
}

enum rc body_parse(const char *text, size_t len, json_t **json, struct err *err)
{
    json_error_t why;
    json_t *value;

    if (too_deep(text, len))
        return err_set(err, RC_INVALID, "bad_json", "The body is nested too deeply.");
    value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (value == NULL)
        return err_set(err, RC_INVALID, "bad_json",
                       "The body is not JSON (line %d, column %d).", why.line,
                       why.column);
    if (!json_is_object(value)) {
        json_decref(value);
        return err_set(err, RC_INVALID, "bad_json", "The body must be a JSON object.");
    }
    *json = value;
    return RC_OK;
}

static enum rc refuse_body(const struct web_request *req, struct err *err)
{
    if (req->content_length <= 0)
        return RC_OK;
    return err_set(err, RC_INVALID, "bad_request", "This address takes no body.");
}

static enum rc read_json(const struct web_request *req, struct strbuf *text,
                         json_t **json, struct err *err)
{
    char type[64];
    enum rc rc;

    if (!web_content_type(req, type, sizeof(type)) ||
        strcmp(type, "application/json") != 0)
        return err_set(err, RC_INVALID, "unsupported_media_type",
                       "The body must be sent as application/json.");
    rc = web_body_read(req, API_BODY_MAX, text, err);
    return rc == RC_OK ? body_parse(text->buf, text->len, json, err) : rc;
}

enum rc body_read(const struct web_request *req, enum api_body kind, struct strbuf *text,
                  json_t **json, struct err *err)
{
    strbuf_reset(text);
    *json = NULL;
    switch (kind) {
    case BODY_NONE:
        return refuse_body(req, err);
    case BODY_RAW:
        return RC_OK;
    case BODY_OPTIONAL:
        if (req->content_length <= 0) {
            *json = json_object();
            return RC_OK;
        }
        return read_json(req, text, json, err);
    case BODY_JSON:
        return read_json(req, text, json, err);
    }
    return err_set(err, RC_BUG, "body_kind", "A route has no kind of body.");
}
