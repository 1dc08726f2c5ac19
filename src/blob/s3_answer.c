/* What an object store answers: enough of XML, and what its errors mean to us. */
#include "s3.h"

#include <stdio.h>
#include <string.h>

enum { TAG_MAX = 48 };

bool s3_xml_next(const char **at, const char *tag, const char **text, size_t *len)
{
    char open[TAG_MAX];
    char close[TAG_MAX];
    const char *from;
    const char *to;

    (void)snprintf(open, sizeof(open), "<%s>", tag);
    (void)snprintf(close, sizeof(close), "</%s>", tag);
    from = strstr(*at, open);
    if (from == NULL)
        return false;
    from += strlen(open);
    to = strstr(from, close);
    if (to == NULL)
        return false;
    *text = from;
    *len = (size_t)(to - from);
    *at = to + strlen(close);
    return true;
}

bool s3_xml_text(const char *xml, const char *tag, char *out, size_t size)
{
    const char *text;
    size_t len;

    if (!s3_xml_next(&xml, tag, &text, &len) || len >= size)
        return false;
    (void)snprintf(out, size, "%.*s", (int)len, text);
    return true;
}

/* What a code means that its status does not tell. */
static const struct meaning {
    const char *code;
    enum rc rc;
    const char *ours;
    const char *msg;
} meanings[] = {
    {"NoSuchBucket", RC_UNAVAILABLE, "media_store_failed",
     "The bucket that MEDIA_URL names does not exist. Make it, or correct MEDIA_URL."},
    {"RequestTimeTooSkewed", RC_UNAVAILABLE, "media_store_failed",
     "The media store says that this machine's clock is wrong. Set it."},
    {"QuotaExceeded", RC_UNAVAILABLE, "disk_full", "The media store is full."},
    {"XMinioStorageFull", RC_UNAVAILABLE, "disk_full", "The media store is full."},
    {"InsufficientStorage", RC_UNAVAILABLE, "disk_full", "The media store is full."},
};

static enum rc judge_status(int status, struct err *err)
{
    enum { MOVED = 300, CLIENT = 400, DENIED = 403, ABSENT = 404, FULL = 507 };
    static const char code[] = "media_store_failed";

    if (status == ABSENT)
        return err_set(err, RC_NOT_FOUND, "no_such_file", "There is no such file.");
    if (status == FULL)
        return err_set(err, RC_UNAVAILABLE, "disk_full", "The media store is full.");
    if (status == DENIED || status == CLIENT + 1)
        return err_set(err, RC_UNAVAILABLE, code,
                       "The media store refuses us (%d). Check MEDIA_S3_ACCESS_KEY, "
                       "MEDIA_S3_SECRET_KEY, the region, and the bucket's policy.",
                       status);
    if (status < CLIENT)
        return err_set(err, RC_UNAVAILABLE, code,
                       "The bucket is elsewhere (%d). Correct endpoint and region in "
                       "MEDIA_URL.",
                       status);
    return err_set(err, RC_UNAVAILABLE, code,
                   "The media store failed (%d). It is tried again.", status);
}

enum rc s3_judge(int status, const char *code, struct err *err)
{
    enum { OK_END = 300 };

    if (status < OK_END)
        return RC_OK;
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
        const struct meaning *m = &meanings[i];

        if (strcmp(m->code, code) == 0)
            return err_set(err, m->rc, m->ours, "%s", m->msg);
    }
    return judge_status(status, err);
}
