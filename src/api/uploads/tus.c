#include "tus.h"

#include "core/encode.h"
#include "core/parse.h"
#include "core/text.h"

#include <string.h>
#include <time.h>

enum rc tus_check_version(const char *text, struct err *err)
{
    if (text == NULL || strcmp(text, TUS_VERSION) != 0)
        return err_set(err, RC_INVALID, "tus_version",
                       "Tus-Resumable must be " TUS_VERSION ".");
    return RC_OK;
}

enum rc tus_read_length(const char *text, int64_t *length, struct err *err)
{
    int64_t n;

    if (text == NULL || !parse_i64(text, 0, INT64_MAX, &n) || n == 0)
        return err_set(err, RC_INVALID, "bad_upload_length",
                       "Upload-Length must be the number of bytes of the file, at least "
                       "1.");
    if (n > MEDIA_VIDEO_BYTES_MAX)
        return err_set(err, RC_INVALID, "too_large",
                       "The file has %lld bytes; TikTok takes at most 4 GB (4000000000 "
                       "bytes). Export it smaller.",
                       (long long)n);
    *length = n;
    return RC_OK;
}

enum rc tus_read_offset(const char *text, int64_t *offset, struct err *err)
{
    if (text == NULL || !parse_i64(text, 0, INT64_MAX, offset))
        return err_set(err, RC_INVALID, "bad_upload_offset",
                       "Upload-Offset must be a number of bytes.");
    return RC_OK;
}

static enum rc bad_metadata(struct err *err)
{
    return err_set(err, RC_INVALID, "bad_upload_metadata",
                   "Upload-Metadata must hold filename and filetype, each in base64.");
}

/* The part after the last '/' or '\': browsers of old sent whole paths. */
static const char *last_part(const char *name)
{
    const char *part = name;

    for (const char *p = name; *p != '\0'; p++) {
        if (*p == '/' || *p == '\\')
            part = p + 1;
    }
    return part;
}

/* Keeps the last part of the name, control characters replaced: a name with a newline is
 * no reason to refuse a film. False when nothing fit to keep remains. */
static bool keep_name(char *name, char out[MEDIA_FILENAME_SIZE])
{
    for (char *p = name; *p != '\0'; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '_';
    }
    if (!media_filename_ok(last_part(name)))
        return false;
    text_copy(out, MEDIA_FILENAME_SIZE, last_part(name));
    return true;
}

/* One "key value" pair of len characters. False when it is none. */
static bool read_pair(const char *p, size_t len, struct tus_metadata *out)
{
    const char *space = memchr(p, ' ', len);
    size_t key_len = space != NULL ? (size_t)(space - p) : len;
    const char *value = space != NULL ? space + 1 : p + len;
    struct strbuf sb;
    bool ok;

    strbuf_init(&sb, TUS_METADATA_MAX);
    ok = key_len > 0 && base64_decode(&sb, value, (size_t)(p + len - value)) &&
         !strbuf_failed(&sb) && strlen(sb.buf) == sb.len;
    if (ok && key_len == 8 && memcmp(p, "filename", 8) == 0) {
        ok = keep_name(sb.buf, out->filename);
    } else if (ok && key_len == 8 && memcmp(p, "filetype", 8) == 0) {
        ok = sb.len < sizeof(out->filetype);
        text_copy(out->filetype, sizeof(out->filetype), sb.buf);
    }
    strbuf_release(&sb);
    return ok;
}

/* What iPhones take gets its own words: their owners have seen no other format. */
static enum rc unsupported(const char *filetype, struct err *err)
{
    if (strcmp(filetype, "image/heic") == 0 || strcmp(filetype, "image/heif") == 0)
        return err_set(err, RC_INVALID, "unsupported_file_type",
                       "HEIC photos cannot be read here. Export the photo as JPEG; an "
                       "iPhone takes JPEG with Settings, Camera, Formats, Most "
                       "Compatible.");
    return err_set(err, RC_INVALID, "unsupported_file_type",
                   "We take MP4, MOV and WebM videos, and JPEG, PNG, WebP, GIF and AVIF "
                   "photos. Export the file as one of these.");
}

enum rc tus_read_metadata(const char *text, struct tus_metadata *out, struct err *err)
{
    struct tus_metadata m = {0};
    const char *p = text;

    if (text == NULL || strlen(text) > TUS_METADATA_MAX)
        return bad_metadata(err);
    for (;;) {
        size_t len = strcspn(p, ",");

        if (!read_pair(p, len, &m))
            return bad_metadata(err);
        if (p[len] == '\0')
            break;
        p += len + 1;
        p += strspn(p, " ");
    }
    if (m.filename[0] == '\0' || m.filetype[0] == '\0')
        return bad_metadata(err);
    if (media_kind_of_mime(m.filetype) == MEDIA_KIND_UNKNOWN)
        return unsupported(m.filetype, err);
    *out = m;
    return RC_OK;
}

enum rc tus_read_checksum(const char *text, unsigned char out[TUS_SHA256_SIZE],
                          struct err *err)
{
    static const char algorithm[] = "sha256 ";
    struct strbuf sb;
    bool ok = text_starts_with(text, algorithm);

    strbuf_init(&sb, TUS_SHA256_SIZE + 8);
    if (ok) {
        const char *value = text + strlen(algorithm);

        ok = base64_decode(&sb, value, strlen(value)) && sb.len == TUS_SHA256_SIZE;
    }
    if (ok)
        (void)memcpy(out, sb.buf, TUS_SHA256_SIZE);
    strbuf_release(&sb);
    if (!ok)
        return err_set(err, RC_INVALID, "bad_checksum_header",
                       "Upload-Checksum must be \"sha256\" and 32 bytes in base64.");
    return RC_OK;
}

void tus_write_metadata(struct strbuf *sb, const char *filename, const char *filetype)
{
    strbuf_addstr(sb, "filename ");
    base64_encode(sb, filename, strlen(filename));
    strbuf_addstr(sb, ",filetype ");
    base64_encode(sb, filetype, strlen(filetype));
}

void tus_write_date(int64_t at_ms, char out[TUS_DATE_SIZE])
{
    time_t at = (time_t)(at_ms / 1000);
    struct tm tm;

    /* no program of ours calls setlocale(), so the names are English */
    if (gmtime_r(&at, &tm) == NULL ||
        strftime(out, TUS_DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &tm) == 0)
        out[0] = '\0';
}
