#include "web/request.h"

#include "core/encode.h"
#include "core/parse.h"
#include "core/random.h"
#include "core/text.h"
#include "stream.h"

#include <string.h>

enum { METHOD_MAX = 16 };

/* A piece of text in somebody else's memory. */
struct slice {
    const char *p;
    size_t len;
};

static bool slice_is(struct slice s, const char *text)
{
    return strlen(text) == s.len && memcmp(s.p, text, s.len) == 0;
}

/* Takes the piece up to the next separator (or the end) off the front of rest. */
static struct slice take_until(struct slice *rest, char separator)
{
    const char *at = rest->len > 0 ? memchr(rest->p, separator, rest->len) : NULL;
    struct slice piece = {rest->p, at != NULL ? (size_t)(at - rest->p) : rest->len};
    size_t used = at != NULL ? piece.len + 1 : piece.len;

    rest->p += used;
    rest->len -= used;
    return piece;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct slice trimmed(struct slice s)
{
    while (s.len > 0 && is_blank(s.p[0])) {
        s.p++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.p[s.len - 1]))
        s.len--;
    return s;
}

static bool copy_out(struct slice s, char *out, size_t size)
{
    if (s.len >= size)
        return false;
    (void)memcpy(out, s.p, s.len);
    out[s.len] = '\0';
    return true;
}

/* --- parameters and headers -------------------------------------------------------- */

/* The value of "NAME=value" when it has that name, else NULL. */
static const char *value_of(const char *parameter, const char *name)
{
    size_t len = strlen(name);

    return strncmp(parameter, name, len) == 0 && parameter[len] == '='
               ? parameter + len + 1
               : NULL;
}

/* A parameter that nginx itself sets, so that there is one at most. NULL when it is
 * missing or empty: an nginx variable without a value comes as an empty one. */
static const char *own_parameter(const struct web_request *req, const char *name)
{
    for (const char *const *p = req->stream->parameters; *p != NULL; p++) {
        const char *value = value_of(*p, name);

        if (value != NULL)
            return value[0] != '\0' ? value : NULL;
    }
    return NULL;
}

/* The value when parameter is the header name in CGI's spelling, else NULL. */
static const char *header_value(const char *parameter, const char *name)
{
    const char *p = parameter;

    if (!text_starts_with(p, "HTTP_"))
        return NULL;
    for (p += strlen("HTTP_"); *name != '\0'; p++, name++) {
        if (text_lower(*p) != (*name == '-' ? '_' : text_lower(*name)))
            return NULL;
    }
    return *p == '=' ? p + 1 : NULL;
}

const char *web_header(const struct web_request *req, const char *name)
{
    const char *value = NULL;

    if (text_equal_nocase(name, "Content-Type"))
        return own_parameter(req, "CONTENT_TYPE");
    if (text_equal_nocase(name, "Content-Length"))
        return own_parameter(req, "CONTENT_LENGTH");
    for (const char *const *p = req->stream->parameters; *p != NULL; p++) {
        const char *found = header_value(*p, name);

        if (found != NULL && value != NULL)
            return ""; /* twice: see the header file */
        if (found != NULL)
            value = found;
    }
    return value;
}

bool web_content_type(const struct web_request *req, char *out, size_t size)
{
    const char *text = own_parameter(req, "CONTENT_TYPE");
    struct slice rest = {text, text != NULL ? strlen(text) : 0};
    struct slice type;

    if (text == NULL)
        return false;
    type = trimmed(take_until(&rest, ';'));
    if (type.len == 0 || !copy_out(type, out, size))
        return false;
    for (char *p = out; *p != '\0'; p++)
        *p = text_lower(*p);
    return true;
}

bool web_cookie(const struct web_request *req, const char *name, char *out, size_t size)
{
    struct slice value = {NULL, 0};

    /* An HTTP/1.1 client may send several Cookie headers. */
    for (const char *const *p = req->stream->parameters; *p != NULL; p++) {
        const char *text = value_of(*p, "HTTP_COOKIE");
        struct slice rest = {text, text != NULL ? strlen(text) : 0};

        while (rest.len > 0) {
            struct slice pair = trimmed(take_until(&rest, ';'));
            struct slice key = take_until(&pair, '=');
            bool has_value = pair.p != key.p + key.len;

            if (!has_value || !slice_is(key, name))
                continue;
            if (value.p != NULL)
                return false;
            value = pair;
        }
    }
    return value.p != NULL && copy_out(value, out, size);
}

const char *web_body_file(const struct web_request *req)
{
    return own_parameter(req, "REQUEST_BODY_FILE");
}

bool web_is_internal(const struct web_request *req)
{
    const char *value = own_parameter(req, "TTS_INTERNAL");

    return value != NULL && strcmp(value, "1") == 0;
}

/* --- queries and forms ------------------------------------------------------------- */

static enum rc malformed(struct err *err)
{
    return err_set(err, RC_INVALID, "bad_request",
                   "The parameters of the request are not well-formed.");
}

static enum rc decode(struct slice s, struct strbuf *out, struct err *err)
{
    strbuf_reset(out);
    if (!percent_decode(out, s.p, s.len, true) || strbuf_failed(out) ||
        !text_is_utf8(out->buf, out->len))
        return malformed(err);
    return RC_OK;
}

/* Takes the next pair off rest, its name decoded; false at the end. Nothing between two
 * '&' is no pair. */
static bool next_pair(struct slice *rest, struct slice *name, struct slice *value)
{
    while (rest->len > 0) {
        struct slice pair = take_until(rest, '&');

        if (pair.len == 0)
            continue;
        *name = take_until(&pair, '=');
        *value = pair;
        return true;
    }
    return false;
}

enum rc web_form_value(const char *form, size_t len, const char *name, struct strbuf *out,
                       bool *found, struct err *err)
{
    struct slice rest = {form, len};
    struct slice raw_name;
    struct slice raw_value;
    struct slice value = {NULL, 0};
    struct strbuf decoded;
    enum rc rc = RC_OK;

    strbuf_init(&decoded, len);
    while (rc == RC_OK && next_pair(&rest, &raw_name, &raw_value)) {
        rc = decode(raw_name, &decoded, err);
        if (rc != RC_OK || strcmp(decoded.buf, name) != 0)
            continue;
        if (value.p != NULL)
            rc = err_set(err, RC_INVALID, "bad_request",
                         "The parameter %s was sent twice.", name);
        value = raw_value;
    }
    if (rc == RC_OK && value.p != NULL)
        rc = decode(value, out, err);
    if (rc == RC_OK)
        *found = value.p != NULL;
    strbuf_release(&decoded);
    return rc;
}

enum rc web_query(const struct web_request *req, const char *name, char *out, size_t size,
                  bool *found, struct err *err)
{
    struct strbuf value;
    enum rc rc;

    strbuf_init(&value, size - 1);
    rc = web_form_value(req->query, strlen(req->query), name, &value, found, err);
    if (rc == RC_OK && *found)
        (void)memcpy(out, value.buf, value.len + 1);
    strbuf_release(&value);
    return rc;
}

enum rc web_form_each(const char *form, size_t len, web_pair_fn each, void *ctx,
                      struct err *err)
{
    struct slice rest = {form, len};
    struct slice raw_name;
    struct slice raw_value;
    struct strbuf name;
    struct strbuf value;
    enum rc rc = RC_OK;

    strbuf_init(&name, len);
    strbuf_init(&value, len);
    while (next_pair(&rest, &raw_name, &raw_value)) {
        rc = decode(raw_name, &name, err);
        if (rc == RC_OK)
            rc = decode(raw_value, &value, err);
        if (rc != RC_OK || !each(ctx, name.buf, value.buf))
            break;
    }
    strbuf_release(&name);
    strbuf_release(&value);
    return rc;
}

/* --- the request line -------------------------------------------------------------- */

/* nginx's id when it is one, so that its log and ours say the same. */
static void set_id(struct web_request *req)
{
    static const char hex[] = "0123456789abcdefABCDEF";
    const char *given = own_parameter(req, "REQUEST_ID");
    size_t len = given != NULL ? strlen(given) : 0;
    unsigned char made[(WEB_ID_SIZE - 1) / 2];

    if (len > 0 && len < WEB_ID_SIZE && strspn(given, hex) == len) {
        (void)memcpy(req->id, given, len + 1);
        return;
    }
    random_fill(random_system(), made, sizeof(made));
    hex_encode(made, sizeof(made), req->id);
}

static bool method_ok(const char *method)
{
    size_t len = method != NULL ? strlen(method) : 0;

    return len > 0 && len <= METHOD_MAX &&
           strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == len;
}

/* True when no byte is a space or a control character. */
static bool is_visible(const char *s)
{
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;

        if (c <= ' ' || c == 0x7f)
            return false;
    }
    return true;
}

/* REQUEST_URI, "/path?query" */
static int split_uri(struct web_request *req, const char *uri)
{
    struct web_stream *stream = req->stream;
    struct slice rest = {uri, uri != NULL ? strlen(uri) : 0};
    struct slice path;

    if (uri == NULL || uri[0] != '/' || !is_visible(uri))
        return 400;
    path = take_until(&rest, '?');
    if (!copy_out(path, stream->path, sizeof(stream->path)) ||
        !copy_out(rest, stream->query, sizeof(stream->query)))
        return 414;
    return 0;
}

static bool parameters_fit(const struct web_request *req)
{
    size_t sum = 0;

    for (const char *const *p = req->stream->parameters; *p != NULL; p++)
        sum += strlen(*p);
    return sum <= WEB_PARAMETERS_MAX;
}

static const char *or_nothing(const char *text)
{
    return text != NULL ? text : "";
}

int web_request_open(struct web_request *req, struct web_stream *stream)
{
    const char *length;
    const char *scheme;

    stream->received = 0;
    stream->path[0] = '\0';
    stream->query[0] = '\0';
    *req = (struct web_request){.content_length = -1, .stream = stream};
    set_id(req);
    req->path = stream->path;
    req->query = stream->query;
    req->method = or_nothing(own_parameter(req, "REQUEST_METHOD"));
    req->remote_ip = or_nothing(own_parameter(req, "REMOTE_ADDR"));
    scheme = own_parameter(req, "REQUEST_SCHEME");
    req->scheme = scheme != NULL && strcmp(scheme, "https") == 0 ? "https" : "http";
    if (!parameters_fit(req))
        return 431;
    length = own_parameter(req, "CONTENT_LENGTH");
    if (!method_ok(req->method) ||
        (length != NULL && !parse_i64(length, 0, INT64_MAX, &req->content_length)))
        return 400;
    return split_uri(req, own_parameter(req, "REQUEST_URI"));
}
