/* api/uploads/tus.h - the header fields of tus 1.0.0, both ways. Pure.
 *
 * Source: tus.io/protocols/resumable-upload, version 1.0.0: core protocol, creation,
 * creation-with-upload, expiration, checksum, termination. Not spoken:
 * Upload-Defer-Length, concatenation (refused, or the parts would become files), and
 * X-HTTP-Method-Override, which would let a form stand for a PATCH. Failures are
 * RC_INVALID with the code that the API documents. */
#ifndef SRC_API_UPLOADS_TUS_H
#define SRC_API_UPLOADS_TUS_H

#include "core/err.h"
#include "core/strbuf.h"
#include "domain/media.h"

#include <stdint.h>

#define TUS_VERSION    "1.0.0"
#define TUS_EXTENSIONS "creation,creation-with-upload,expiration,termination,checksum"
#define TUS_CHECKSUMS  "sha256"
#define TUS_CHUNK_TYPE "application/offset+octet-stream"

enum {
    TUS_CHUNK_MAX = 16 * 1024 * 1024, /* bytes of one PATCH; nginx cuts off at 17 MiB */
    TUS_METADATA_MAX = 2048,          /* characters of Upload-Metadata */
    TUS_TYPE_SIZE = 64,
    TUS_SHA256_SIZE = 32,
    TUS_DATE_SIZE = 32,
};

struct tus_metadata {
    char filename[MEDIA_FILENAME_SIZE]; /* the last part of what was sent, cleaned */
    char filetype[TUS_TYPE_SIZE];       /* one that media_kind_of_mime() knows */
};

/* Tus-Resumable: exactly the version we speak; "tus_version". NULL: not sent. */
enum rc tus_check_version(const char *text, struct err *err) MUST_CHECK;

/* Upload-Length: 1 to the most bytes any medium may have. "bad_upload_length" for what is
 * no such number, "too_large" beyond the limit. text may be NULL: not sent. */
enum rc tus_read_length(const char *text, int64_t *length, struct err *err) MUST_CHECK;

/* Upload-Offset: 0 or more; "bad_upload_offset". */
enum rc tus_read_offset(const char *text, int64_t *offset, struct err *err) MUST_CHECK;

/* Upload-Metadata: "filename" and "filetype" are required, other keys are let pass.
 * "bad_upload_metadata", or "unsupported_file_type" for a type we do not take. */
enum rc tus_read_metadata(const char *text, struct tus_metadata *out,
                          struct err *err) MUST_CHECK;

/* Upload-Checksum: "sha256 <base64>"; "bad_checksum_header". */
enum rc tus_read_checksum(const char *text, unsigned char out[TUS_SHA256_SIZE],
                          struct err *err) MUST_CHECK;

/* The metadata as HEAD gives it back. */
void tus_write_metadata(struct strbuf *sb, const char *filename, const char *filetype);

/* Upload-Expires: an instant as an HTTP date (RFC 9110, 5.6.7). */
void tus_write_date(int64_t at_ms, char out[TUS_DATE_SIZE]);

#endif
