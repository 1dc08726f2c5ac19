/* What handlers share (api.h): ETags, pages with signed cursors, members of JSON. */
#include "api.h"

#include "core/encode.h"
#include "core/parse.h"
#include "sign.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    LIMIT_DEFAULT = 50,
    LIMIT_MAX = 100,
    CURSOR_POSITION = 16, /* bytes: at and id */
    CURSOR_SIZE = CURSOR_POSITION + SIGN_SIZE,
    CURSOR_HEX_SIZE = 2 * CURSOR_SIZE + 1,
};

/* --- versions ------------------------------------------------------------------ */

/* A proxy that compresses an answer makes its ETag weak, so W/ is let pass: the number
 * says the same. */
enum rc api_if_match(const struct api_request *req, uint32_t *version, struct err *err)
{
    const char *text = web_header(req->web, "If-Match");
    int64_t n = 0;
    size_t len;

    if (text == NULL || strcmp(text, "*") == 0) {
        *version = 0;
        return RC_OK;
    }
    if (strncmp(text, "W/", 2) == 0)
        text += 2;
    len = strlen(text);
    if (len < 3 || text[0] != '"' || text[len - 1] != '"' ||
        !parse_i64_slice(text + 1, len - 2, 1, UINT32_MAX, &n))
        return err_set(err, RC_INVALID, "bad_request",
                       "If-Match must be the ETag of an answer, for example \"3\".");
    *version = (uint32_t)n;
    return RC_OK;
}

void api_etag(struct web_response *res, uint64_t version)
{
    web_header_addf(res, "ETag", "\"%" PRIu64 "\"", version);
}

/* --- pages --------------------------------------------------------------------- */

static void put_u64(unsigned char out[8], uint64_t n)
{
    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)(n >> (56 - 8 * i));
}

static uint64_t get_u64(const unsigned char in[8])
{
    uint64_t n = 0;

    for (int i = 0; i < 8; i++)
        n = n << 8 | in[i];
    return n;
}

static enum rc read_limit(const struct api_request *req, size_t *limit, struct err *err)
{
    char text[16];
    bool found;
    int64_t n = LIMIT_DEFAULT;
    enum rc rc = web_query(req->web, "limit", text, sizeof(text), &found, err);

    if (rc != RC_OK)
        return rc;
    if (found && !parse_i64(text, 1, LIMIT_MAX, &n))
        return err_field(err, "limit", "invalid", "limit must be a number from 1 to %d.",
                         LIMIT_MAX);
    *limit = (size_t)n;
    return RC_OK;
}

static bool decode_cursor(const struct api *api, const char *text, const char *list,
                          struct api_page *page)
{
    unsigned char raw[CURSOR_SIZE];
    const struct hmac_part parts[] = {{raw, CURSOR_POSITION}, {list, strlen(list)}};

    if (strlen(text) != CURSOR_HEX_SIZE - 1 || !hex_decode(text, raw, sizeof(raw)) ||
        !sign_check(api->keys, "cursor", parts, ARRAY_LEN(parts), raw + CURSOR_POSITION))
        return false;
    page->at = (int64_t)get_u64(raw);
    page->id = get_u64(raw + 8);
    return true;
}

enum rc api_page_read(const struct api *api, const struct api_request *req,
                      const char *list, struct api_page *page, struct err *err)
{
    struct api_page read = {0};
    char cursor[201]; /* as long as the contract lets it be */
    bool found;
    enum rc rc = read_limit(req, &read.limit, err);

    if (rc == RC_OK)
        rc = web_query(req->web, "cursor", cursor, sizeof(cursor), &found, err);
    if (rc != RC_OK)
        return rc;
    read.first = !found;
    if (found && !decode_cursor(api, cursor, list, &read))
        return err_field(err, "cursor", "invalid",
                         "That cursor is not of this list. Begin without one.");
    *page = read;
    return RC_OK;
}

void api_page_begin(struct web_response *res, struct jsonw *w)
{
    web_json_begin(res, 200, w);
    jsonw_object(w);
    jsonw_key(w, "items");
    jsonw_array(w);
}

void api_page_end(const struct api *api, struct jsonw *w, const char *list, bool more,
                  int64_t at, uint64_t id)
{
    unsigned char raw[CURSOR_SIZE];
    char text[CURSOR_HEX_SIZE];
    const struct hmac_part parts[] = {{raw, CURSOR_POSITION}, {list, strlen(list)}};

    jsonw_end(w);
    if (more) {
        put_u64(raw, (uint64_t)at);
        put_u64(raw + 8, id);
        sign_make(api->keys, "cursor", parts, ARRAY_LEN(parts), raw + CURSOR_POSITION);
        hex_encode(raw, sizeof(raw), text);
    }
    jsonw_key_text(w, "next_cursor", more ? text : NULL);
    jsonw_end(w);
}

/* --- input --------------------------------------------------------------------- */

enum rc api_json_id(const json_t *object, const char *key, bool required, uint64_t *id,
                    struct err *err)
{
    const json_t *value = json_object_get(object, key);
    uint64_t n = 0;

    if (value == NULL || json_is_null(value)) {
        if (required)
            return err_field(err, key, "missing", "%s is needed.", key);
        *id = 0;
        return RC_OK;
    }
    if (!json_is_string(value) || !parse_id(json_string_value(value), &n))
        return err_field(err, key, "invalid", "%s must be an id, as text.", key);
    *id = n;
    return RC_OK;
}

static bool is_in(const char *text, const char *const list[])
{
    for (size_t i = 0; list[i] != NULL; i++) {
        if (strcmp(text, list[i]) == 0)
            return true;
    }
    return false;
}

enum rc api_json_known(const json_t *object, const char *const allowed[], struct err *err)
{
    const char *key;
    json_t *value;

    /* The macro wants a non-const object and changes nothing. */
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (!is_in(key, allowed))
            return err_unknown_member(err, key);
    }
    return RC_OK;
}

/* --- findings ------------------------------------------------------------------ */

static struct api_fields kept;

void api_fields_add(struct api_fields *f, const char *name, const char *code)
{
    for (size_t i = 0; i < f->n; i++) {
        if (strcmp(f->name[i], name) == 0)
            return;
    }
    if (f->n == API_FIELDS_MAX)
        return;
    (void)snprintf(f->name[f->n], sizeof(f->name[0]), "%s", name);
    (void)snprintf(f->code[f->n], sizeof(f->code[0]), "%s", code);
    f->n++;
}

enum rc api_fields_fail(const struct api_fields *f, const char *msg, struct err *err)
{
    if (f->n == 0)
        return RC_OK;
    kept = *f;
    return err_set(err, RC_INVALID, "invalid", "%s", msg);
}

const struct api_fields *api_fields_kept(void)
{
    return &kept;
}

void api_fields_forget(void)
{
    kept.n = 0;
}
