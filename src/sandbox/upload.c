#include "upload.h"

#include "fate.h"
#include "faults.h"
#include "frame.h"
#include "media_look.h"

#include "core/io.h"
#include "core/log.h"
#include "core/parse.h"
#include "core/text.h"
#include "crypto/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 1200, TYPE_SIZE = 64, HEADER_TYPE_SIZE = 64 };

/* --- which upload -------------------------------------------------------------- */

/* The publication that the address names; p->id 0 when there is none. */
static enum rc find_upload(struct exchange *x, struct publication *p, struct err *err)
{
    char id_text[24], token[UPLOAD_TOKEN_SIZE];
    bool has_id = false, has_token = false;
    struct err ignored; /* a malformed address names nothing */
    int64_t id;
    enum rc rc;

    p->id = 0;
    if (web_query(x->req, "upload_id", id_text, sizeof(id_text), &has_id, &ignored) !=
            RC_OK ||
        web_query(x->req, "upload_token", token, sizeof(token), &has_token, &ignored) !=
            RC_OK ||
        !has_id || !has_token || !parse_i64(id_text, 1, INT64_MAX, &id))
        return RC_OK;
    rc = publication_by_upload_id(x->sql, id, p, err);
    if (rc != RC_OK || p->id == 0)
        return rc;
    if (p->pulled || !secret_equal_text(p->upload_token, token))
        p->id = 0;
    return RC_OK;
}

enum rc upload_target(struct exchange *x, struct fault_target *target, struct err *err)
{
    const char *header = web_header(x->req, "Content-Range");
    struct content_range range;
    struct publication p;
    enum rc rc = find_upload(x, &p, err);

    if (rc != RC_OK || p.id == 0)
        return rc;
    target->user_id = p.user_id;
    if (header != NULL && content_range_parse(header, &range))
        target->chunk = chunk_number(&p.plan, range.first);
    text_copy(x->publish_id, sizeof(x->publish_id), p.publish_id);
    return RC_OK;
}

/* --- answers ------------------------------------------------------------------- */

/* How far the upload is. TikTok's pages leave open whether that is a count. */
static void answer_progress(struct exchange *x, int status, const struct publication *p)
{
    bool as_count = x->knobs.value[KNOB_PROGRESS_AS_COUNT] != 0;

    bare(x, status);
    if (p->received > 0)
        web_header_addf(x->res, "Content-Range", "bytes 0-%" PRId64 "/%" PRId64,
                        p->received - (as_count ? 0 : 1), p->plan.size);
    else
        web_header_addf(x->res, "Content-Range", "bytes */%" PRId64, p->plan.size);
}

static void answer_unknown(struct exchange *x)
{
    if (x->knobs.value[KNOB_UNKNOWN_UPLOAD_STATUS] == 405)
        edge_page(x, 405);
    else
        bare(x, 404);
}

/* The chunk that was taken last came again. */
static bool is_repetition(const struct publication *p, const char *header)
{
    struct content_range r;

    return header != NULL && content_range_parse(header, &r) &&
           r.last + 1 == p->received && r.first < p->received &&
           r.last == chunk_last_byte(&p->plan, r.first) &&
           r.first % p->plan.chunk_size == 0;
}

/* Refuses, or leaves *range to be taken and *go true. */
static void judge(struct exchange *x, const struct publication *p,
                  struct content_range *range, bool *go)
{
    char type[HEADER_TYPE_SIZE];
    const struct put_headers headers = {
        .content_type = web_content_type(x->req, type, sizeof(type)) ? type : NULL,
        .content_range = web_header(x->req, "Content-Range"),
        .content_length = x->req->content_length,
    };
    bool tolerant = x->knobs.value[KNOB_REPEATED_CHUNK_STATUS] == 206;

    *go = false;
    if (p->id == 0 || (p->committed_ms == 0 && p->fail_reason[0] != '\0')) {
        answer_unknown(x);
        return;
    }
    if (x->now_ms >= p->upload_until_ms) {
        bare(x, 403);
        return;
    }
    switch (put_judge(&p->plan, p->received, &headers, range)) {
    case PUT_TAKE:
        *go = true;
        break;
    case PUT_BAD:
        bare(x, 400);
        break;
    case PUT_BEHIND:
        if (tolerant && is_repetition(p, headers.content_range))
            answer_progress(x, p->committed_ms != 0 ? 201 : 206, p);
        else
            answer_progress(x, 416, p);
        break;
    }
}

/* --- bytes --------------------------------------------------------------------- */

/* Names the file after the first chunk's type. */
static void name_file(const struct exchange *x, struct publication *p)
{
    char type[HEADER_TYPE_SIZE];
    const char *ending = "mp4";

    if (p->file[0] != '\0' || x->knobs.value[KNOB_DISCARD_BODIES] != 0)
        return;
    if (web_content_type(x->req, type, sizeof(type)) &&
        strcmp(type, "video/quicktime") == 0)
        ending = "mov";
    else if (strcmp(type, "video/webm") == 0)
        ending = "webm";
    (void)snprintf(p->file, sizeof(p->file), "%" PRId64 ".%s", p->id, ending);
}

static enum rc open_file(const struct exchange *x, const struct publication *p, int *fd,
                         struct err *err)
{
    char path[PATH_SIZE];

    *fd = -1;
    if (p->file[0] == '\0')
        return RC_OK;
    (void)snprintf(path, sizeof(path), "%s/uploads/%s", x->sandbox->settings->dir,
                   p->file);
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (*fd < 0)
        return err_set(err, RC_UNAVAILABLE, "upload_not_opened",
                       "cannot keep an upload: %s", strerrordesc_np(errno));
    return RC_OK;
}

static enum rc write_at(int fd, const char *buf, size_t len, int64_t at, struct err *err)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, buf, len, at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(err, RC_UNAVAILABLE, "upload_not_written",
                           "cannot keep an upload: %s", strerrordesc_np(errno));
        buf += n;
        at += n;
        len -= (size_t)n;
    }
    return RC_OK;
}

/* Reads the chunk off the wire into its place in the file; fd -1: nowhere. Two requests
 * with the same chunk may write at once: they bring the same bytes, and only one of them
 * will count. *whole is false when the client broke off. */
static enum rc take_chunk(struct exchange *x, int fd, const struct content_range *range,
                          bool *whole, struct err *err)
{
    int64_t at = range->first;
    struct err cut; /* the connection is gone: there is nobody to tell */
    enum rc rc = RC_OK;

    while (rc == RC_OK && at <= range->last) {
        size_t got = 0;

        if (web_body_some(x->req, x->sandbox->buffer, UPLOAD_BUFFER, &got, &cut) !=
                RC_OK ||
            got == 0)
            break;
        if (fd >= 0)
            rc = write_at(fd, x->sandbox->buffer, got, at, err);
        at += (int64_t)got;
    }
    *whole = at > range->last;
    return rc;
}

/* --- the last byte ------------------------------------------------------------- */

/* What a glance at the whole file says; NULL when TikTok would take it. */
static enum rc look(struct exchange *x, int fd, struct publication *p,
                    const char **failure, struct err *err)
{
    struct person person;
    enum rc rc;

    *failure = NULL;
    if (fd < 0)
        return RC_OK;
    rc = person_by_id(x->sql, p->user_id, &person, err);
    if (rc == RC_OK)
        *failure = media_look(fd, p->plan.size, person.max_duration_s, &p->media);
    if (x->knobs.value[KNOB_CHECK_MEDIA] == 0)
        *failure = NULL;
    return rc;
}

/* --- the request --------------------------------------------------------------- */

/* The bytes are in their place: they count if nobody else's came first. */
static enum rc count_chunk(struct exchange *x, struct publication *p,
                           const struct content_range *range, const char *failure,
                           struct err *err)
{
    const struct world world = {x->sql, &x->knobs, x->now_ms};
    int64_t fault_id = 0;
    bool last = range->last + 1 == p->plan.size;
    bool won = false;
    enum rc rc = publication_receive(x->sql, p, range, p->file, &won, err);

    if (rc == RC_OK && !won) {
        rc = publication_by_id(x->sql, p->id, p, err);
        answer_progress(x, 416, p);
        return rc;
    }
    p->received = range->last + 1;
    if (rc == RC_OK && last)
        rc = fate_decide(&world, p, failure, &fault_id, err);
    if (rc == RC_OK && last)
        rc = publication_commit(x->sql, p, err);
    x->errand = last;
    if (x->fault_id == 0)
        x->fault_id = fault_id;
    answer_progress(x, last ? 201 : 206, p);
    return rc;
}

static enum rc finish(struct exchange *x, struct publication *p,
                      const struct content_range *range, const char *failure,
                      struct err *err)
{
    enum rc rc = sql_begin(x->sql, err);

    if (rc != RC_OK)
        return rc;
    rc = count_chunk(x, p, range, failure, err);
    if (rc == RC_OK)
        rc = exchange_note(x, err);
    return sql_end(x->sql, rc, err);
}

/* Nothing was taken: the refusal is written down. */
static enum rc note(struct exchange *x, struct err *err)
{
    enum rc rc = sql_begin(x->sql, err);

    return rc == RC_OK ? sql_end(x->sql, exchange_note(x, err), err) : rc;
}

static enum rc take(struct exchange *x, struct publication *p,
                    const struct content_range *range, struct err *err)
{
    const char *failure = NULL;
    bool whole = false;
    int fd = -1;
    enum rc rc;

    name_file(x, p);
    rc = open_file(x, p, &fd, err);
    if (rc == RC_OK)
        rc = take_chunk(x, fd, range, &whole, err);
    if (rc != RC_OK)
        goto out;
    if (!whole) {
        x->res->lost = true;
        text_copy(x->code, sizeof(x->code), "body_cut_short");
        rc = note(x, err);
        goto out;
    }
    p->committed_real_ms = clock_wall_ms(x->sandbox->clock);
    p->committed_ms = p->committed_real_ms + x->knobs.value[KNOB_CLOCK_OFFSET_MS];
    if (range->last + 1 == p->plan.size)
        rc = look(x, fd, p, &failure, err);
    if (rc == RC_OK)
        rc = finish(x, p, range, failure, err);
out:
    io_close(&fd);
    return rc;
}

enum rc upload_put(struct exchange *x, struct err *err)
{
    struct publication p;
    struct content_range range;
    bool go = false;
    enum rc rc = find_upload(x, &p, err);

    if (rc != RC_OK)
        return rc;
    if (p.id != 0) {
        x->user_id = p.user_id;
        text_copy(x->publish_id, sizeof(x->publish_id), p.publish_id);
    }
    judge(x, &p, &range, &go);
    if (go)
        return take(x, &p, &range, err);
    drain(x);
    return note(x, err);
}
