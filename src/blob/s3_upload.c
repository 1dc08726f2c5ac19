/* Multipart uploads of an object store: what s3_grow.c makes blobs of. The store alone
 * keeps them; of an upload in use we remember the id. */
#include "core/clock.h"
#include "core/parse.h"
#include "core/rfc3339.h"
#include "core/text.h"
#include "core/xalloc.h"
#include "s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ID_SIZE = 1024,     /* of an upload's id */
    ETAG_SIZE = 128,    /* of a part's */
    ENTRY_SIZE = 2048,  /* of one entry of a list */
    LIST_MAX = 4 << 20, /* bytes of the list of parts that is sent at the end */
};

/* --- by key -------------------------------------------------------------------- */

void s3_upload_forget(struct s3_store *s)
{
    free(s->last_upload);
    s->last_upload = NULL;
}

static void remember(struct s3_store *s, const char *key, const char *id)
{
    s3_upload_forget(s);
    text_copy(s->last_key, sizeof(s->last_key), key);
    s->last_upload = xstrdup(id);
}

struct upload_entry {
    char name[S3_NAME_SIZE]; /* below the prefix */
    char id[ID_SIZE];
    int64_t at_ms; /* begun */
};

/* The next <Upload> of a list that is one of ours. */
static bool next_upload(const struct s3_store *s, const char **xml,
                        struct upload_entry *out)
{
    size_t prefix = strlen(s->place.prefix);
    const char *text;
    size_t len;

    while (s3_xml_next(xml, "Upload", &text, &len)) {
        char entry[ENTRY_SIZE];
        char key[S3_PATH_SIZE];
        char time[40];

        if (len >= sizeof(entry))
            continue;
        (void)memcpy(entry, text, len);
        entry[len] = '\0';
        if (s3_xml_text(entry, "Key", key, sizeof(key)) &&
            s3_xml_text(entry, "UploadId", out->id, sizeof(out->id)) &&
            s3_xml_text(entry, "Initiated", time, sizeof(time)) &&
            rfc3339_parse(time, &out->at_ms) &&
            strncmp(key, s->place.prefix, prefix) == 0 &&
            strlen(key + prefix) < sizeof(out->name)) {
            text_copy(out->name, sizeof(out->name), key + prefix);
            return true;
        }
    }
    return false;
}

/* The uploads under prefix, after the markers unless those are empty. */
static enum rc list_uploads(struct s3_store *s, const char *prefix,
                            const char *key_marker, const char *id_marker,
                            struct s3_answer *out, struct err *err)
{
    const struct s3_param params[] = {{"uploads", ""},
                                      {"prefix", prefix},
                                      {"key-marker", key_marker},
                                      {"upload-id-marker", id_marker}};
    const struct s3_request req = {.method = "GET",
                                   .params = params,
                                   .n_params = key_marker[0] != '\0' ? 4 : 2,
                                   .timeout_ms = S3_SMALL_MS};

    return s3_call(s, &req, out, err);
}

static enum rc uploads_of(struct s3_store *s, const char *key, struct s3_answer *out,
                          struct err *err)
{
    char name[FS_NAME_SIZE];
    char prefix[S3_PREFIX_SIZE + FS_NAME_SIZE];

    fs_name(key, BLOB_CONTENT, name);
    (void)snprintf(prefix, sizeof(prefix), "%s%s", s->place.prefix, name);
    return list_uploads(s, prefix, "", "", out, err);
}

/* Should there be several, all workers take the same. */
enum rc s3_upload_find(struct s3_store *s, const char *key, struct err *err)
{
    struct upload_entry e;
    struct s3_answer answer;
    char name[FS_NAME_SIZE];
    const char *xml;
    enum rc rc;

    if (s->last_upload != NULL && strcmp(s->last_key, key) == 0)
        return RC_OK;
    s3_upload_forget(s);
    fs_name(key, BLOB_CONTENT, name);
    rc = uploads_of(s, key, &answer, err);
    xml = answer.body.buf;
    while (rc == RC_OK && next_upload(s, &xml, &e)) {
        if (strcmp(e.name, name) == 0 &&
            (s->last_upload == NULL || strcmp(e.id, s->last_upload) < 0))
            remember(s, key, e.id);
    }
    strbuf_release(&answer.body);
    if (rc == RC_OK && s->last_upload == NULL)
        rc = err_set(err, RC_NOT_FOUND, "no_such_file", "There is no such file.");
    return rc;
}

enum rc s3_upload_begin(struct s3_store *s, const char *key, struct err *err)
{
    static const struct s3_param params[] = {{"uploads", ""}};
    char name[FS_NAME_SIZE];
    char id[ID_SIZE];
    const struct s3_request req = {.method = "POST",
                                   .name = name,
                                   .params = params,
                                   .n_params = ARRAY_LEN(params),
                                   .body = "",
                                   .timeout_ms = S3_SMALL_MS};
    struct s3_answer answer;
    enum rc rc;

    fs_name(key, BLOB_CONTENT, name);
    rc = s3_call(s, &req, &answer, err);
    if (rc == RC_OK && !s3_xml_text(answer.body.buf, "UploadId", id, sizeof(id)))
        rc = err_set(err, RC_UNAVAILABLE, "media_store_failed",
                     "The media store began no multipart upload.");
    if (rc == RC_OK)
        remember(s, key, id);
    strbuf_release(&answer.body);
    return rc;
}

/* --- parts --------------------------------------------------------------------- */

/* One <Part>; parts are numbered without a gap. */
static bool take_part(struct s3_parts *l, const char *text, size_t len)
{
    char entry[ENTRY_SIZE];
    char number[16];
    char size_text[24];
    char etag[ETAG_SIZE];
    int64_t size = 0;
    int64_t n = 0;

    if (len >= sizeof(entry))
        return false;
    (void)memcpy(entry, text, len);
    entry[len] = '\0';
    if (!s3_xml_text(entry, "PartNumber", number, sizeof(number)) ||
        !s3_xml_text(entry, "Size", size_text, sizeof(size_text)) ||
        !s3_xml_text(entry, "ETag", etag, sizeof(etag)) ||
        !parse_i64(number, 1, 10000, &n) || !parse_i64(size_text, 1, INT64_MAX, &size))
        return false;
    l->over = l->over || n != l->n + 1 || size > l->limit - l->end;
    if (l->over)
        return true;
    l->n++;
    l->end += size;
    strbuf_addf(&l->xml, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", l->n,
                etag);
    return true;
}

static enum rc parts_page(struct s3_store *s, const char *key, const char *marker,
                          struct s3_answer *out, struct err *err)
{
    char name[FS_NAME_SIZE];
    const struct s3_param params[] = {{"uploadId", s->last_upload},
                                      {"part-number-marker", marker}};
    const struct s3_request req = {.method = "GET",
                                   .name = name,
                                   .params = params,
                                   .n_params = marker[0] != '\0' ? 2 : 1,
                                   .timeout_ms = S3_SMALL_MS};

    fs_name(key, BLOB_CONTENT, name);
    return s3_call(s, &req, out, err);
}

enum rc s3_upload_parts(struct s3_store *s, const char *key, struct s3_parts *l,
                        struct err *err)
{
    char marker[16] = "";
    bool more = true;

    strbuf_init(&l->xml, LIST_MAX);
    while (more) {
        struct s3_answer answer;
        char word[8] = "";
        const char *text;
        size_t len;
        enum rc rc = parts_page(s, key, marker, &answer, err);
        const char *xml = answer.body.buf;
        bool good = true;

        while (rc == RC_OK && good && s3_xml_next(&xml, "Part", &text, &len))
            good = take_part(l, text, len);
        more =
            rc == RC_OK && !l->over &&
            s3_xml_text(answer.body.buf, "IsTruncated", word, sizeof(word)) &&
            strcmp(word, "true") == 0 &&
            s3_xml_text(answer.body.buf, "NextPartNumberMarker", marker, sizeof(marker));
        strbuf_release(&answer.body);
        if (rc == RC_OK && !good)
            rc = err_set(err, RC_UNAVAILABLE, "media_store_failed",
                         "The media store lists parts in a way we do not know.");
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

enum rc s3_upload_put(struct s3_store *s, const char *key, const struct s3_part *part,
                      struct err *err)
{
    char name[FS_NAME_SIZE];
    char number[16];
    const struct s3_param params[] = {{"partNumber", number},
                                      {"uploadId", s->last_upload}};
    const struct s3_request req = {.method = "PUT",
                                   .name = name,
                                   .params = params,
                                   .n_params = ARRAY_LEN(params),
                                   .file = part->file,
                                   .file_len = part->len,
                                   .timeout_ms = S3_PART_MS};

    fs_name(key, BLOB_CONTENT, name);
    (void)snprintf(number, sizeof(number), "%d", part->number);
    return s3_do(s, &req, err);
}

/* --- the end ------------------------------------------------------------------- */

enum rc s3_upload_complete(struct s3_store *s, const char *key, const char *parts,
                           struct err *err)
{
    char name[FS_NAME_SIZE];
    char code[S3_CODE_SIZE] = "";
    struct strbuf body;
    const struct s3_param params[] = {{"uploadId", s->last_upload}};
    struct s3_request req = {.method = "POST",
                             .name = name,
                             .params = params,
                             .n_params = ARRAY_LEN(params),
                             .timeout_ms = S3_PART_MS};
    struct s3_answer answer;
    enum rc rc;

    fs_name(key, BLOB_CONTENT, name);
    strbuf_init(&body, LIST_MAX);
    strbuf_addf(&body, "<CompleteMultipartUpload>%s</CompleteMultipartUpload>", parts);
    req.body = body.buf;
    req.body_len = body.len;
    rc = s3_call(s, &req, &answer, err);
    /* It begins its answer before it is done, so 200 alone says nothing. */
    if (rc == RC_OK &&
        strstr(answer.body.buf, "<CompleteMultipartUploadResult") == NULL) {
        if (!s3_xml_text(answer.body.buf, "Code", code, sizeof(code)))
            code[0] = '\0';
        rc = s3_judge(500, code, err);
    }
    strbuf_release(&answer.body);
    strbuf_release(&body);
    return rc;
}

static enum rc abort_upload(struct s3_store *s, const struct upload_entry *e,
                            struct err *err)
{
    const struct s3_param params[] = {{"uploadId", e->id}};
    const struct s3_request req = {.method = "DELETE",
                                   .name = e->name,
                                   .params = params,
                                   .n_params = ARRAY_LEN(params),
                                   .timeout_ms = S3_SMALL_MS};
    enum rc rc = s3_do(s, &req, err);

    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc s3_upload_end_all(struct s3_store *s, const char *key, struct err *err)
{
    struct upload_entry e;
    struct s3_answer answer;
    char name[FS_NAME_SIZE];
    const char *xml;
    enum rc rc = uploads_of(s, key, &answer, err);

    s3_upload_forget(s);
    fs_name(key, BLOB_CONTENT, name);
    xml = answer.body.buf;
    while (rc == RC_OK && next_upload(s, &xml, &e)) {
        if (strcmp(e.name, name) == 0)
            rc = abort_upload(s, &e, err);
    }
    strbuf_release(&answer.body);
    return rc;
}

/* --- the walk ------------------------------------------------------------------ */

struct upload_walk {
    int64_t before_ms;
    blob_key_fn fn;
    void *ctx;
    bool more;
    char key_marker[ID_SIZE], id_marker[ID_SIZE]; /* what the next page follows */
};

static void take_uploads(struct upload_walk *w, const struct s3_store *s, const char *xml)
{
    struct upload_entry e;

    w->more = strstr(xml, "<IsTruncated>true") != NULL &&
              s3_xml_text(xml, "NextKeyMarker", w->key_marker, ID_SIZE) &&
              s3_xml_text(xml, "NextUploadIdMarker", w->id_marker, ID_SIZE);
    while (next_upload(s, &xml, &e)) {
        const char *key = e.name + 3; /* "ab/" */

        if (strlen(e.name) > 3 && blob_key_valid(key) && e.at_ms < w->before_ms &&
            !w->fn(w->ctx, key)) {
            w->more = false;
            return;
        }
    }
}

enum rc s3_upload_walk(struct s3_store *s, int64_t min_age_ms, blob_key_fn fn, void *ctx,
                       struct err *err)
{
    struct upload_walk *w = xcalloc(1, sizeof(*w));
    enum rc rc = RC_OK;

    w->before_ms = clock_wall_ms(clock_system()) - min_age_ms;
    w->fn = fn;
    w->ctx = ctx;
    w->more = true;
    while (rc == RC_OK && w->more) {
        struct s3_answer answer;

        rc = list_uploads(s, s->place.prefix, w->key_marker, w->id_marker, &answer, err);
        if (rc == RC_OK)
            take_uploads(w, s, answer.body.buf);
        strbuf_release(&answer.body);
    }
    free(w);
    return rc;
}
