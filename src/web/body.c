/* The body of a request, read through libfcgi. */
#include "core/err.h"
#include "stream.h"
#include "web/request.h"

#include <assert.h>
#include <fcgiapp.h>

enum { PIECE = 8192 }; /* what libfcgi reads at once */

static bool ended_early(const struct web_request *req)
{
    return FCGX_GetError(req->stream->in) != 0 ||
           (req->content_length >= 0 && req->stream->received < req->content_length);
}

enum rc web_body_some(const struct web_request *req, void *buf, size_t len, size_t *got,
                      struct err *err)
{
    struct web_stream *stream = req->stream;
    int64_t left = req->content_length - stream->received;
    int want = len > INT32_MAX ? INT32_MAX : (int)len;
    int n = 0;

    if (req->content_length >= 0 && want > left)
        want = (int)left;
    if (stream->in != NULL)
        n = FCGX_GetStr(buf, want, stream->in);
    if (n == 0 && len > 0 && stream->in != NULL && ended_early(req))
        return err_set(err, RC_INVALID, "body_cut_short",
                       "The connection ended before the whole body had come.");
    stream->received += n;
    *got = (size_t)n;
    return RC_OK;
}

static enum rc too_large(size_t max, struct err *err)
{
    return err_set(err, RC_INVALID, "too_large",
                   "The body is larger than the %zu bytes taken here.", max);
}

enum rc web_body_read(const struct web_request *req, size_t max, struct strbuf *out,
                      struct err *err)
{
    char piece[PIECE];
    size_t got = 0;
    enum rc rc;

    assert(out->limit >= max);
    strbuf_reset(out);
    if (req->content_length > 0 && (uint64_t)req->content_length > max)
        return too_large(max, err);
    do {
        rc = web_body_some(req, piece, sizeof(piece), &got, err);
        if (rc != RC_OK)
            return rc;
        if (got > max - out->len)
            return too_large(max, err);
        strbuf_add(out, piece, got);
    } while (got > 0);
    return RC_OK;
}

bool web_body_drop(const struct web_request *req, int64_t max)
{
    char piece[PIECE];
    int64_t dropped = 0;
    int n;

    do {
        n = FCGX_GetStr(piece, sizeof(piece), req->stream->in);
        dropped += n;
    } while (n == PIECE && dropped < max);
    return n < PIECE && FCGX_GetError(req->stream->in) == 0;
}
