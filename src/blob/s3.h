/* blob/s3.h - blobs as objects in S3-compatible storage: what its files share.
 *
 * Object names are those of files (blob/fs.h) below the prefix, so a directory can be
 * moved to a bucket by copying it. Beside them lie "growing/<key>/<offset>" objects, see
 * blob/blob.h. Sources: the Amazon S3 API reference (2006-03-01); Signature Version 4,
 * "Authenticating Requests: Using Query Parameters". */
#ifndef SRC_BLOB_S3_H
#define SRC_BLOB_S3_H

#include "blob/blob.h"
#include "core/strbuf.h"
#include "fs.h"
#include "net/http.h"

#define S3_SCHEME "s3://"

enum {
    S3_HOST_SIZE = 272,   /* name and port */
    S3_ORIGIN_SIZE = 288, /* with the scheme */
    S3_BUCKET_SIZE = 64,
    S3_PREFIX_SIZE = 200,
    S3_REGION_SIZE = 40,
    S3_PATH_SIZE = 400, /* "/bucket/prefix/name" */
    S3_NAME_SIZE = 64,  /* of an object below the prefix, "growing/..." too */
    S3_CODE_SIZE = 64,  /* of an error: "NoSuchBucket" */

    S3_SMALL_MS = 15000,    /* for a request that carries little, */
    S3_PART_MS = 45000,     /* for one part: nginx gives the worker a minute, */
    S3_WHOLE_MS = 1800000,  /* for fetching a whole file; one that stalls ends sooner */
    S3_CHECK_MS = 4000,     /* and for telling how it stands */
    S3_ANSWER_MAX = 4 << 20 /* bytes of a list: 1000 entries of less than 4 KiB */
};

/* --- where: MEDIA_URL ------------------------------------------------------------- */

struct s3_place {
    char origin[S3_ORIGIN_SIZE]; /* "https://host:port" */
    char host[S3_HOST_SIZE];     /* as the Host header has it */
    char bucket[S3_BUCKET_SIZE];
    char prefix[S3_PREFIX_SIZE]; /* "" or "some/where/" */
    char region[S3_REGION_SIZE];
};

/* RC_INVALID: field MEDIA_URL, with what is wrong. */
enum rc s3_place_parse(const char *url, struct s3_place *out, struct err *err) MUST_CHECK;

/* --- who: signatures ---------------------------------------------------------------- */

/* A parameter of the query; value may be anything, "" is fine. */
struct s3_param {
    const char *name;
    const char *value;
};

enum { S3_PARAMS_MAX = 6 };

struct s3_signing {
    const char *access_key, *secret_key;
    const char *region, *host;
    const char *method;
    const char *path; /* of unreserved characters and '/': no escapes */
    const struct s3_param *params;
    size_t n_params;
    int64_t now_ms;
    int expires_s;
};

/* Appends the query, without '?', that makes method, host and path a signed request with
 * an unsigned payload. */
void s3_sign(const struct s3_signing *s, struct strbuf *query);

/* --- what it answers ---------------------------------------------------------------- */

/* The text between <tag> and </tag>, the first after *at; *at moves behind it. False:
 * none. The answers are flat enough for it, and what is read of them are names that we
 * made, numbers, times and opaque texts. */
bool s3_xml_next(const char **at, const char *tag, const char **text,
                 size_t *len) MUST_CHECK;

/* The first <tag> of xml into out, entities as they are; false when there is none or it
 * does not fit. */
bool s3_xml_text(const char *xml, const char *tag, char *out, size_t size) MUST_CHECK;

/* What status and code ("" when the answer had no body) mean: RC_OK below 300; else as
 * blob.h says of failures, RC_NOT_FOUND for what is not there but the bucket. */
enum rc s3_judge(int status, const char *code, struct err *err) MUST_CHECK;

/* --- the store and its requests ------------------------------------------------ */

enum { S3_HEADS = 256, S3_HEAD_SIZE = 16, S3_HEAD_MS = 30000 };

/* The first bytes of a small object as they were a moment ago. */
struct s3_head {
    char name[FS_NAME_SIZE];
    int64_t until_ms; /* monotonic */
    enum rc rc;       /* RC_OK or RC_NOT_FOUND */
    size_t len;
    unsigned char bytes[S3_HEAD_SIZE];
};

struct s3_store {
    struct blob_store base; /* first */
    struct s3_place place;
    char *access_key, *secret_key, *scratch;
    const volatile sig_atomic_t *stop;
    struct http *http;            /* owned */
    char last_key[BLOB_KEY_SIZE]; /* whose multipart upload was used last, */
    char *last_upload;            /* and the upload's id; NULL: none */
    struct s3_head *heads;        /* S3_HEADS of them, or NULL */
};

struct s3_request {
    const char *method;
    const char *name; /* below the prefix; NULL: the bucket itself */
    const struct s3_param *params;
    size_t n_params;
    const void *body; /* NULL: none, or from file */
    size_t body_len;
    int file; /* when file_len > 0: the body is so many bytes from its beginning */
    int64_t file_len;
    const char *range; /* "Range: bytes=..." or NULL */
    int timeout_ms;
    int into; /* > 0: the body of a good answer is written to this descriptor */
};

struct s3_answer {
    int status;
    int64_t content_length; /* -1: not said */
    int64_t written;        /* bytes to `into` */
    struct strbuf body;     /* the caller releases it */
};

/* Sends and waits. RC_OK: an answer of less than 300; else s3_judge()'s, or
 * RC_UNAVAILABLE: there is no answer. The caller releases out->body in any case. */
enum rc s3_call(struct s3_store *s, const struct s3_request *req, struct s3_answer *out,
                struct err *err) MUST_CHECK;

/* The same when nothing of the answer matters. */
enum rc s3_do(struct s3_store *s, const struct s3_request *req,
              struct err *err) MUST_CHECK;

/* "/bucket/prefix/name", or "/bucket" when name is NULL. */
void s3_path(const struct s3_place *p, const char *name, char out[S3_PATH_SIZE]);

/* A nameless file in the scratch directory. */
enum rc s3_scratch(const struct s3_store *s, int *fd, struct err *err) MUST_CHECK;

/* Room for bytes more in the scratch directory? RC_UNAVAILABLE, "disk_full". */
enum rc s3_scratch_room(int fd, int64_t bytes, struct err *err) MUST_CHECK;

/* Calls fn for every object below the prefix that begins with `with`, in order of names;
 * name is what follows the prefix. false ends it. fn may make requests. */
typedef bool s3_each_fn(void *ctx, const char *name, int64_t size, int64_t at_ms);
enum rc s3_list(struct s3_store *s, const char *with, s3_each_fn *fn, void *ctx,
                struct err *err) MUST_CHECK;

/* --- multipart uploads (s3_upload.c) ------------------------------------------- */

/* The upload of the key, which is s->last_upload afterwards; those below that take a key
 * mean that one. RC_NOT_FOUND: none. */
enum rc s3_upload_find(struct s3_store *s, const char *key, struct err *err) MUST_CHECK;

/* A new one, which is s->last_upload afterwards. */
enum rc s3_upload_begin(struct s3_store *s, const char *key, struct err *err) MUST_CHECK;

/* It has ended, or may have: it is looked for again when it is wanted. */
void s3_upload_forget(struct s3_store *s);

/* A part: the first len bytes of file. */
struct s3_part {
    int number; /* from 1, without a gap */
    int file;
    int64_t len;
};
enum rc s3_upload_put(struct s3_store *s, const char *key, const struct s3_part *part,
                      struct err *err) MUST_CHECK;

/* The parts that are there, as far as they end at limit or before. The caller releases
 * xml, in any case. */
struct s3_parts {
    int64_t limit; /* parts count as long as they end here or before */
    int n;
    int64_t end;
    bool over;         /* one did not */
    struct strbuf xml; /* those that count, as the end of the upload names them */
};
enum rc s3_upload_parts(struct s3_store *s, const char *key, struct s3_parts *l,
                        struct err *err) MUST_CHECK;

/* Makes the store put the parts (s3_parts.xml) together. */
enum rc s3_upload_complete(struct s3_store *s, const char *key, const char *parts,
                           struct err *err) MUST_CHECK;

/* Ends all uploads under the key; their parts are gone. */
enum rc s3_upload_end_all(struct s3_store *s, const char *key,
                          struct err *err) MUST_CHECK;

/* Calls fn for the key of every upload begun more than min_age_ms ago. */
enum rc s3_upload_walk(struct s3_store *s, int64_t min_age_ms, blob_key_fn fn, void *ctx,
                       struct err *err) MUST_CHECK;

/* --- growing blobs (s3_grow.c) ------------------------------------------------- */

enum rc s3_grow_create(struct s3_store *s, const char *key, struct err *err) MUST_CHECK;
enum rc s3_grow_begin(struct s3_store *s, const char *key, int64_t bytes,
                      struct blob_writer **out, struct err *err) MUST_CHECK;

/* Ends what grows under the key, and removes what was stored of it. */
enum rc s3_grow_remove(struct s3_store *s, const char *key, struct err *err) MUST_CHECK;

/* RC_INVALID: as blob_store_open(). */
enum rc s3_store_open(const struct blob_settings *settings, struct blob_store **out,
                      struct err *err) MUST_CHECK;

#endif
