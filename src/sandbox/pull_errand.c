#include "pull_errand.h"

#include "fate.h"
#include "faults.h"
#include "photo_look.h"
#include "pulls.h"

#include "core/io.h"
#include "core/list.h"
#include "core/log.h"
#include "core/text.h"
#include "core/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FETCHES_MAX = 24,      /* at a time; some of the courier's transfers are left */
    PROGRESS_MS = 200,     /* from one writing down of progress to the next */
    PUT_OFF_MS = 100,      /* when no transfer is free */
    PASSED_OVER = 65536,   /* bytes of an error page */
    TIMEOUT_MAX = 3600000, /* ms; an address is good for no longer */
    PATH_SIZE = 1200,
};

struct puller {
    struct courier *courier;
    struct list jobs;
};

/* One file on its way. */
struct job {
    struct list_node node;
    struct puller *puller;
    struct pull pull;
    uint64_t request;            /* in courier->http */
    bool head;                   /* it is a HEAD */
    int fd;                      /* of the .part; -1: bytes are counted and not kept */
    int64_t from;                /* bytes that were here when the request was sent */
    bool begun;                  /* the answer's body has begun */
    int64_t passed;              /* bytes of an answer that is no file */
    struct http_response answer; /* its head; the body is not ours */
    int64_t cut_at; /* a fault: bytes of the answer until it ends; -1: none */
    bool hangs;     /* a fault: then it hangs for good, and is not broken off */
    bool too_big;   /* why pour() ended the transfer, with the next two */
    bool cut;
    bool unwritten;
};

/* --- files --------------------------------------------------------------------- */

static void path_of(const struct job *job, const char *name, char path[PATH_SIZE])
{
    (void)snprintf(path, PATH_SIZE, "%s/uploads/%s", job->puller->courier->settings->dir,
                   name);
}

static void name_with(const struct job *job, const char *ending,
                      char name[FILE_NAME_SIZE])
{
    (void)snprintf(name, FILE_NAME_SIZE, "%" PRId64 "-%" PRId64 ".%s",
                   job->pull.publication_id, job->pull.item, ending);
}

static void part_path(const struct job *job, char path[PATH_SIZE])
{
    char name[FILE_NAME_SIZE];

    name_with(job, "part", name);
    path_of(job, name, path);
}

/* Opens the .part. Bytes that are here only count when the file really has them. */
static bool open_part(struct job *job)
{
    char path[PATH_SIZE];
    struct stat st;

    if (job->puller->courier->knobs.value[KNOB_DISCARD_BODIES] != 0)
        return true;
    part_path(job, path);
    job->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (job->fd < 0)
        return false;
    if (fstat(job->fd, &st) != 0 || st.st_size < job->pull.received)
        job->pull.received = 0;
    return ftruncate(job->fd, job->pull.received) == 0;
}

static bool write_at(int fd, const char *buf, size_t len, int64_t at)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, buf, len, at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        buf += n;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static void drop_part(const struct job *job)
{
    char path[PATH_SIZE];

    part_path(job, path);
    (void)unlink(path); /* it may never have been made */
}

static void job_free(struct job *job)
{
    list_remove(&job->puller->jobs, &job->node);
    io_close(&job->fd);
    free(job);
}

/* --- bytes --------------------------------------------------------------------- */

static int64_t size_max(const struct job *job)
{
    return job->pull.photo ? PULL_PHOTO_MAX : PULL_VIDEO_MAX;
}

/* Whether a 206 goes on where the file ends. */
static bool goes_on(const struct job *job, const struct http_response *head)
{
    struct content_range range;

    return head->status == 206 && job->from > 0 &&
           content_range_parse(head->content_range, &range) && range.first == job->from;
}

/* The first piece: an answer that brings the file, whole or its rest? */
static bool begin_body(struct job *job, const struct http_response *head)
{
    job->begun = true;
    job->answer = *head;
    if (head->status == 200)
        job->pull.received = 0; /* whole, whatever was asked for */
    else if (!goes_on(job, head))
        return false;
    job->pull.size =
        head->content_length >= 0 ? job->pull.received + head->content_length : -1;
    job->too_big = job->pull.size > size_max(job);
    return true;
}

static bool brings_file(const struct job *job)
{
    return job->answer.status == 200 || goes_on(job, &job->answer);
}

/* How much of a piece is taken: a fault may end the answer within it. */
static size_t part_of(struct job *job, size_t len)
{
    int64_t left =
        job->cut_at - (job->pull.received - (job->answer.status == 200 ? 0 : job->from));

    if (job->cut_at < 0 || left >= (int64_t)len)
        return len;
    job->cut = true;
    return left > 0 ? (size_t)left : 0;
}

static bool pour(void *arg, const struct http_response *head, const void *data,
                 size_t len)
{
    struct job *job = arg;

    if (!job->begun && !begin_body(job, head))
        job->passed = 0;
    if (!brings_file(job)) { /* an error page */
        job->passed += (int64_t)len;
        return job->passed <= PASSED_OVER;
    }
    if (job->too_big || job->pull.received + (int64_t)len > size_max(job)) {
        job->too_big = true;
        return false;
    }
    len = part_of(job, len);
    if (job->fd >= 0 && !write_at(job->fd, data, len, job->pull.received)) {
        log_warn("sandbox.pull_not_written", "pull=%" PRId64 "-%" PRId64 " cause=\"%s\"",
                 job->pull.publication_id, job->pull.item, strerrordesc_np(errno));
        job->unwritten = true;
        return false;
    }
    job->pull.received += (int64_t)len;
    return !job->cut;
}

/* --- the end of a file --------------------------------------------------------- */

/* What all files of a publication come to. */
struct sum {
    int64_t size, cover;
    char file[FILE_NAME_SIZE];
    struct media_look look;
    char failure[FAIL_REASON_SIZE];
};

static void add_file(void *ctx, const struct pull *pull)
{
    struct sum *sum = ctx;

    sum->size += pull->received;
    if (pull->item == sum->cover) {
        text_copy(sum->file, sizeof(sum->file), pull->file);
        sum->look = pull->look;
    }
    if (sum->failure[0] == '\0')
        text_copy(sum->failure, sizeof(sum->failure), pull->failure);
}

/* Every file is here: what follows is as after the last byte of an upload. */
static enum rc commit(struct courier *c, struct publication *p, struct err *err)
{
    const struct world world = {c->sql, &c->knobs, c->now_ms};
    struct sum sum = {.cover = p->cover_index};
    int64_t fault_id = 0;
    bool checked = c->knobs.value[KNOB_CHECK_MEDIA] != 0;
    enum rc rc = pulls_each(c->sql, p->id, add_file, &sum, err);

    if (rc != RC_OK)
        return rc;
    p->plan.size = sum.size;
    p->received = sum.size;
    p->media = sum.look;
    text_copy(p->file, sizeof(p->file), sum.file);
    p->committed_real_ms = clock_wall_ms(c->clock);
    p->committed_ms = c->now_ms;
    rc = fate_decide(&world, p, checked && sum.failure[0] != '\0' ? sum.failure : NULL,
                     &fault_id, err);
    return rc == RC_OK ? publication_commit(c->sql, p, err) : rc;
}

static bool ending_fits(const struct job *job, const char *ending)
{
    bool picture = strcmp(ending, "jpg") == 0 || strcmp(ending, "webp") == 0;

    return picture == job->pull.photo;
}

/* Gives the whole file its name; what nothing can show is not kept. */
static enum rc keep_file(struct job *job, struct err *err)
{
    const char *ending = media_ending(job->fd);
    char from[PATH_SIZE], to[PATH_SIZE];

    if (ending == NULL || !ending_fits(job, ending)) {
        drop_part(job);
        return RC_OK;
    }
    name_with(job, ending, job->pull.file);
    part_path(job, from);
    path_of(job, job->pull.file, to);
    if (rename(from, to) != 0)
        return err_set(err, RC_UNAVAILABLE, "pull_not_kept", "cannot keep a file: %s",
                       strerrordesc_np(errno));
    return RC_OK;
}

static enum rc look_at_file(struct job *job, struct err *err)
{
    struct pull *pull = &job->pull;
    const char *failure = NULL;
    struct person person;
    enum rc rc;

    if (job->fd < 0)
        return RC_OK;
    rc = person_by_id(job->puller->courier->sql, pull->user_id, &person, err);
    if (rc != RC_OK)
        return rc;
    failure = pull->photo ? photo_look(job->fd, pull->received, &pull->look)
                          : media_look(job->fd, pull->received, person.max_duration_s,
                                       &pull->look);
    text_copy(pull->failure, sizeof(pull->failure), failure != NULL ? failure : "");
    return keep_file(job, err);
}

static enum rc take_file(struct job *job, struct publication *p, struct err *err)
{
    struct courier *c = job->puller->courier;
    struct pull *pull = &job->pull;
    int64_t missing = 0;
    enum rc rc;

    if (++pull->rounds < c->knobs.value[KNOB_PULL_FETCHES]) {
        pull->state = PULL_WAITS;
        pull->received = 0;
        return pull_store(c->sql, pull, err);
    }
    pull->state = PULL_HERE;
    pull->size = pull->received;
    rc = look_at_file(job, err);
    if (rc == RC_OK)
        rc = pull_store(c->sql, pull, err);
    if (rc == RC_OK)
        rc = pulls_missing(c->sql, p->id, &missing, err);
    return rc == RC_OK && missing == 0 ? commit(c, p, err) : rc;
}

/* --- the end of a request ------------------------------------------------------ */

static enum rc try_again(struct job *job, int64_t *tries, struct err *err)
{
    struct courier *c = job->puller->courier;
    int64_t wait_ms = pull_wait_ms(c->knobs.value[KNOB_PULL_RETRY_MS], (*tries)++,
                                   job->answer.retry_after_ms);

    job->pull.state = PULL_WAITS;
    job->pull.due_ms = c->now_ms + wait_ms;
    if (c->knobs.value[KNOB_PULL_RESUME] == 0)
        job->pull.received = 0;
    return pull_store(c->sql, &job->pull, err);
}

static enum rc give_up(struct job *job, struct publication *p, struct err *err)
{
    struct courier *c = job->puller->courier;
    enum rc rc;

    drop_part(job);
    rc = pull_store(c->sql, &job->pull, err);
    if (rc == RC_OK)
        rc = pulls_end(c->sql, p->id, err);
    text_copy(p->fail_reason, sizeof(p->fail_reason), pull_fail_reason(job->pull.photo));
    p->fail_ms = c->now_ms;
    return rc == RC_OK ? publication_store(c->sql, p, err) : rc;
}

static enum rc hang(struct job *job, struct publication *p, struct err *err)
{
    struct courier *c = job->puller->courier;
    enum rc rc;

    job->pull.state = PULL_WAITS;
    p->stuck = true;
    rc = pull_store(c->sql, &job->pull, err);
    return rc == RC_OK ? publication_store(c->sql, p, err) : rc;
}

static enum rc write_down(struct job *job, const struct pull_outcome *outcome,
                          struct err *err)
{
    struct courier *c = job->puller->courier;
    struct publication p;
    enum rc rc = publication_by_id(c->sql, job->pull.publication_id, &p, err);

    if (rc != RC_OK)
        return rc;
    if (p.id == 0 || p.committed_ms != 0 || p.fail_reason[0] != '\0') {
        drop_part(job); /* nobody wants it any more */
        return pulls_end(c->sql, job->pull.publication_id, err);
    }
    if (job->hangs && (job->cut || outcome->rc != RC_OK))
        return hang(job, &p, err);
    switch (pull_judge(outcome)) {
    case PULL_TAKEN:
        return take_file(job, &p, err);
    case PULL_BUSY:
        return try_again(job, &job->pull.busy, err);
    case PULL_BROKEN:
        if (job->pull.breaks + 1 < PULL_BREAKS_MAX)
            return try_again(job, &job->pull.breaks, err);
        job->pull.breaks++;
        break;
    case PULL_REFUSED:
        break;
    }
    return give_up(job, &p, err);
}

/* Writes down how a request ended, and forgets the job. When that cannot be written, the
 * process ends: its successor finds the row as due. */
static void settle(struct job *job, const struct pull_outcome *outcome)
{
    struct courier *c = job->puller->courier;
    struct err err;
    enum rc rc = courier_look(c, &err);

    job->pull.status = job->answer.status;
    if (rc == RC_OK)
        rc = sql_begin(c->sql, &err);
    if (rc == RC_OK)
        rc = sql_end(c->sql, write_down(job, outcome, &err), &err);
    if (rc != RC_OK) {
        log_failure("sandbox.pull_lost", &err);
        exit(EXIT_FAILURE);
    }
    log_debug("sandbox.pull", "pull=%" PRId64 "-%" PRId64 " rc=%s status=%d",
              job->pull.publication_id, job->pull.item, rc_name(outcome->rc),
              outcome->status);
    job_free(job);
    courier_again(c);
}

/* --- requests ------------------------------------------------------------------ */

static void done(void *arg, enum rc rc, const struct http_response *res,
                 const struct err *err);

static enum rc submit(struct job *job, const char *method, struct err *err)
{
    struct courier *c = job->puller->courier;
    int64_t left_ms = job->pull.until_ms - c->now_ms;
    char range[48];
    const char *headers[] = {"Accept: */*", NULL, NULL};
    const struct http_request request = {
        .method = method,
        .url = job->pull.url,
        .headers = headers,
        .timeout_ms = (int)(left_ms < 1             ? 1
                            : left_ms > TIMEOUT_MAX ? TIMEOUT_MAX
                                                    : left_ms),
        .once = true, /* each attempt is one request, and counted */
        .sink = pour,
        .lifted = job->pull.lifted,
    };

    job->from = job->pull.received;
    (void)snprintf(range, sizeof(range), "Range: bytes=%" PRId64 "-", job->from);
    if (!job->head && job->from > 0)
        headers[1] = range;
    return http_submit(c->http, &request, done, job, &job->request, err);
}

/* A request that could not even be sent; RC_LIMITED: later. */
static void unsent(struct job *job, enum rc rc, struct err *err)
{
    const struct pull_outcome outcome = {.rc = rc};
    struct courier *c = job->puller->courier;

    if (rc != RC_LIMITED) {
        settle(job, &outcome);
        return;
    }
    job->pull.state = PULL_WAITS;
    job->pull.due_ms = c->now_ms + PUT_OFF_MS;
    rc = sql_begin(c->sql, err);
    if (rc == RC_OK)
        rc = sql_end(c->sql, pull_store(c->sql, &job->pull, err), err);
    if (rc != RC_OK) {
        log_failure("sandbox.pull_lost", err);
        exit(EXIT_FAILURE);
    }
    job_free(job);
}

static void get(struct job *job)
{
    struct err err;
    enum rc rc = RC_UNAVAILABLE;

    job->head = false;
    job->begun = false;
    job->answer = (struct http_response){0};
    if (open_part(job)) {
        job->pull.gets++;
        rc = submit(job, "GET", &err);
    } else {
        log_warn("sandbox.pull_not_written", "cause=\"%s\"", strerrordesc_np(errno));
    }
    if (rc != RC_OK)
        unsent(job, rc, &err);
}

static void ask_head(struct job *job)
{
    struct err err;
    enum rc rc;

    job->head = true;
    job->pull.heads++;
    rc = submit(job, "HEAD", &err);
    if (rc != RC_OK)
        unsent(job, rc, &err);
}

/* Hosts that know no HEAD are asked all the same. */
static bool head_good(const struct pull_outcome *outcome)
{
    return outcome->rc == RC_OK && (outcome->status / 100 == 2 ||
                                    outcome->status == 405 || outcome->status == 501);
}

static void done(void *arg, enum rc rc, const struct http_response *res,
                 const struct err *err)
{
    struct job *job = arg;
    struct pull_outcome outcome = {.rc = rc, .too_big = job->too_big};

    if (res != NULL)
        job->answer = *res;
    else if (job->cut || job->unwritten)
        outcome.rc = RC_UNCERTAIN;
    else if (job->passed > PASSED_OVER)
        outcome.rc = RC_OK; /* its head says what it was */
    else
        log_debug("sandbox.pull_broken", "code=%s", err->code);
    if (outcome.rc == RC_OK)
        outcome.status = job->answer.status;
    outcome.ranged = goes_on(job, &job->answer);
    if (outcome.status == 200 && !job->begun)
        job->pull.received = 0; /* an empty body */
    if (job->head && head_good(&outcome))
        get(job);
    else
        settle(job, &outcome);
}

/* --- faults -------------------------------------------------------------------- */

/* A fault plays the host. True when it answered in its place. */
static bool meet_fault(struct job *job, const struct fault_spec *spec)
{
    struct pull_outcome outcome = {.rc = RC_OK, .status = (int)spec->status};

    job->cut_at = spec->take_bytes;
    job->hangs = spec->stuck;
    if (spec->stuck && spec->take_bytes < 0)
        outcome.rc = RC_UNCERTAIN; /* before the first byte */
    else if (spec->drop)
        outcome.rc = RC_UNAVAILABLE;
    else if (spec->status == 0)
        return false;
    job->answer.status = outcome.status;
    job->answer.retry_after_ms = spec->retry_after_s > 0 ? spec->retry_after_s * 1000 : 0;
    job->pull.gets++;
    settle(job, &outcome);
    return true;
}

/* --- turns --------------------------------------------------------------------- */

static struct job *job_new(struct puller *puller)
{
    struct job *job = xcalloc(1, sizeof(*job));

    job->puller = puller;
    job->fd = -1;
    job->cut_at = -1;
    list_push(&puller->jobs, &job->node);
    return job;
}

/* Takes the next file that is due and the fault it meets; *taken is false for none. */
static enum rc take(struct job *job, struct fault *fault, bool *taken, struct err *err)
{
    struct courier *c = job->puller->courier;
    struct fault_target target = {.endpoint = FAULT_PULL,
                                  .seed = c->knobs.value[KNOB_SEED]};
    enum rc rc =
        pull_take(c->sql, c->now_ms, c->knobs.value[KNOB_PULL_PARALLEL], &job->pull, err);

    *taken = rc == RC_OK && job->pull.publication_id != 0;
    if (rc != RC_OK || !*taken)
        return rc;
    target.user_id = job->pull.user_id;
    target.chunk = job->pull.item;
    return fault_take(c->sql, &target, fault, err);
}

static enum rc start_one(struct puller *puller, bool *taken, struct err *err)
{
    struct courier *c = puller->courier;
    struct fault fault = {.id = 0};
    struct job *job;
    enum rc rc = sql_begin(c->sql, err);

    *taken = false;
    if (rc != RC_OK)
        return rc;
    job = job_new(puller);
    rc = sql_end(c->sql, take(job, &fault, taken, err), err);
    if (rc != RC_OK || !*taken)
        job_free(job);
    else if (fault.id != 0 && meet_fault(job, &fault.spec))
        return RC_OK;
    else if (c->knobs.value[KNOB_PULL_HEAD] != 0)
        ask_head(job);
    else
        get(job);
    return rc;
}

/* What hangs may go on one day; anything else that is not wanted is over. */
static enum rc let_go(struct job *job, struct err *err)
{
    struct sql *sql = job->puller->courier->sql;
    struct publication p;
    enum rc rc = publication_by_id(sql, job->pull.publication_id, &p, err);

    if (rc != RC_OK)
        return rc;
    if (p.id == 0 || p.fail_reason[0] != '\0')
        return pulls_end(sql, job->pull.publication_id, err);
    job->pull.state = PULL_WAITS;
    return pull_store(sql, &job->pull, err);
}

/* Writes down the bytes so far; what is not wanted any more ends. */
static enum rc look_after(struct job *job, struct err *err)
{
    struct courier *c = job->puller->courier;
    bool wanted = true;
    enum rc rc = pull_progress(c->sql, &job->pull, &wanted, err);

    if (rc != RC_OK || wanted)
        return rc;
    http_cancel(c->http, job->request);
    drop_part(job);
    rc = let_go(job, err);
    job_free(job);
    return rc;
}

static enum rc look_after_all(struct puller *puller, struct err *err)
{
    struct sql *sql = puller->courier->sql;
    struct list_node *node = list_first(&puller->jobs);
    enum rc rc;

    if (node == NULL)
        return RC_OK;
    rc = sql_begin(sql, err);
    if (rc != RC_OK)
        return rc;
    while (rc == RC_OK && node != NULL) {
        struct job *job = LIST_ENTRY(node, struct job, node);

        node = list_next(&puller->jobs, node);
        rc = look_after(job, err);
    }
    return sql_end(sql, rc, err);
}

static enum rc end_overdue(struct courier *c, struct err *err)
{
    enum rc rc = sql_begin(c->sql, err);

    return rc == RC_OK ? sql_end(c->sql, pulls_give_up(c->sql, c->now_ms, err), err) : rc;
}

static enum rc turn(struct courier *c, void *state, int64_t *next_ms, struct err *err)
{
    struct puller *puller = state;
    int64_t due_ms = INT64_MAX;
    int64_t until_ms = INT64_MAX;
    bool taken = true;
    enum rc rc = pulls_next(c->sql, &due_ms, &until_ms, err);

    if (rc == RC_OK && until_ms <= c->now_ms) {
        rc = end_overdue(c, err);
        courier_again(c); /* for who tells of it */
    }
    if (rc == RC_OK)
        rc = look_after_all(puller, err);
    while (rc == RC_OK && taken && due_ms <= c->now_ms && !c->leaving &&
           puller->jobs.len < FETCHES_MAX)
        rc = start_one(puller, &taken, err);
    if (rc == RC_OK)
        rc = pulls_next(c->sql, &due_ms, &until_ms, err);
    if (rc != RC_OK)
        return rc;
    *next_ms = due_ms < until_ms ? due_ms : until_ms;
    if (puller->jobs.len > 0 &&
        (*next_ms <= c->now_ms || *next_ms > c->now_ms + PROGRESS_MS))
        *next_ms = c->now_ms + PROGRESS_MS;
    return RC_OK;
}

static void *begin(struct courier *c)
{
    struct puller *puller = xcalloc(1, sizeof(*puller));
    struct err err;
    enum rc rc = sql_begin(c->sql, &err);

    puller->courier = c;
    list_init(&puller->jobs);
    if (rc == RC_OK)
        rc = sql_end(c->sql, pulls_release(c->sql, &err), &err);
    if (rc != RC_OK) {
        log_failure("sandbox.pulls_not_released", &err);
        exit(EXIT_FAILURE);
    }
    return puller;
}

static size_t running(const void *state)
{
    const struct puller *puller = state;

    return puller->jobs.len;
}

static void end(void *state)
{
    struct puller *puller = state;
    struct list_node *node = list_first(&puller->jobs);

    while (node != NULL) {
        struct job *job = LIST_ENTRY(node, struct job, node);

        node = list_next(&puller->jobs, node);
        job_free(job);
    }
    free(puller);
}

const struct errand pull_errand = {"pulls", begin, turn, running, end};
