/* sandbox/pull_errand: what the courier asks for and what it makes of answers, with a
 * transport that does what a test says, at the instant it says. */
#include "sandbox/people.h"
#include "sandbox/pull_errand.h"
#include "sandbox/pulls.h"
#include "scratch.h"
#include "unit.h"

#include "core/text.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MINUTE_MS = 60000, ASKED_MAX = 64 };
static int64_t now_ms;

/* --- the transport ------------------------------------------------------------- */

static struct asked {
    char method[8], url[64], range[48];
    bool lifted, once;
    int timeout_ms;
    http_sink_fn *sink;
    http_done_fn *done;
    void *arg;
    bool canceled;
} asked[ASKED_MAX];
static size_t asked_len;
static enum rc submit_rc;

static enum rc submit(struct http *h, const struct http_request *req, http_done_fn *done,
                      void *arg, uint64_t *id, struct err *err)
{
    struct asked *a = &asked[asked_len];

    (void)h;
    if (submit_rc != RC_OK)
        return err_set(err, submit_rc, "no", "no");
    ck_assert_uint_lt(asked_len, ASKED_MAX);
    *a = (struct asked){.lifted = req->lifted,
                        .once = req->once,
                        .timeout_ms = req->timeout_ms,
                        .sink = req->sink,
                        .done = done,
                        .arg = arg};
    text_copy(a->method, sizeof(a->method), req->method);
    text_copy(a->url, sizeof(a->url), req->url);
    for (size_t i = 0; req->headers[i] != NULL; i++)
        if (text_starts_with(req->headers[i], "Range: "))
            text_copy(a->range, sizeof(a->range), req->headers[i]);
    *id = ++asked_len;
    return RC_OK;
}

static void cancel(struct http *h, uint64_t id)
{
    (void)h;
    asked[id - 1].canceled = true;
}

static void wake(struct http *h)
{
    (void)h;
}

static const struct http_ops ops = {.submit = submit, .cancel = cancel, .wake = wake};
static struct http http = {&ops};

/* --- the courier --------------------------------------------------------------- */

static int64_t wall_ms(void *ctx)
{
    (void)ctx;
    return now_ms;
}

static const struct clock frozen = {.wall_ms = wall_ms, .mono_ms = wall_ms};
static char dir[SCRATCH_SIZE];
static struct settings settings;
static struct courier courier;
static struct sql *sql;
static void *state;
static struct err err;
static struct person ann;

#define OK(call) ck_assert_msg((call) == RC_OK, #call ": %s", err.msg)

/* Between the courier's looks at the clock, as a round of its loop. */
static int64_t turn(void)
{
    int64_t next_ms = 0;

    OK(courier_look(&courier, &err));
    courier.again = false;
    OK(pull_errand.turn(&courier, state, &next_ms, &err));
    return next_ms;
}

static void setup(void)
{
    char path[96];

    scratch_make(dir);
    (void)snprintf(path, sizeof(path), "%s/uploads", dir);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    now_ms = INT64_C(1800000000000);
    asked_len = 0;
    submit_rc = RC_OK;
    settings = (struct settings){.dir = dir};
    courier = (struct courier){.settings = &settings, .clock = &frozen, .http = &http};
    OK(sql_open(dir, &courier.sql, &err));
    sql = courier.sql;
    OK(people_seed(sql, &err));
    OK(person_by_name(sql, "ann.example", &ann, &err));
    state = pull_errand.begin(&courier);
}

static void teardown(void)
{
    pull_errand.end(state);
    sql_close(courier.sql);
    scratch_remove(dir);
}

/* A photo post of n pictures, due now; 0: a video. */
static struct publication added(int64_t n)
{
    static char urls_text[PHOTO_IMAGES_MAX][64];
    struct publication p = {.user_id = ann.id,
                            .pulled = true,
                            .photos = n,
                            .created_ms = now_ms,
                            .upload_until_ms = now_ms + 60 * MINUTE_MS};
    struct pull_urls urls = {.len = n > 0 ? (size_t)n : 1};

    for (size_t i = 0; i < urls.len; i++) {
        (void)snprintf(urls_text[i], sizeof(urls_text[i]),
                       "https://media.example.com/%zu", i);
        urls.url[i] = urls_text[i];
        urls.lifted[i] = i == 1;
    }
    text_copy(p.privacy, sizeof(p.privacy), "SELF_ONLY");
    OK(publication_add(sql, &p, &err));
    OK(pulls_add(sql, &p, &urls, now_ms, &err));
    return p;
}

static struct publication read_again(const struct publication *p)
{
    struct publication read;

    OK(publication_by_id(sql, p->id, &read, &err));
    return read;
}

static struct http_response head_of(int status, int64_t length)
{
    return (struct http_response){.status = status, .content_length = length};
}

/* The n-th request is answered with so many bytes of nonsense. */
static bool pour(size_t n, const struct http_response *head, size_t len)
{
    static const char bytes[4096] = {1};
    bool taken = true;

    for (size_t left = len; taken && left > 0;) {
        size_t some = left < sizeof(bytes) ? left : sizeof(bytes);

        taken = asked[n].sink(asked[n].arg, head, bytes, some);
        left -= some;
    }
    return taken;
}

static void answer(size_t n, int status, size_t len)
{
    struct http_response head = head_of(status, (int64_t)len);

    ck_assert(!asked[n].canceled);
    ck_assert(pour(n, &head, len));
    asked[n].done(asked[n].arg, RC_OK, &head, &err);
}

static void break_off(size_t n)
{
    (void)err_set(&err, RC_UNCERTAIN, "http_failed", "cut");
    asked[n].done(asked[n].arg, RC_UNCERTAIN, NULL, &err);
}

static int64_t parts(void)
{
    char command[128];
    FILE *out;
    int n = -1;

    (void)snprintf(command, sizeof(command), "ls %s/uploads | grep -c part$", dir);
    out = popen(command, "r");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(fscanf(out, "%d", &n), 1);
    (void)pclose(out);
    return n;
}

/* --- tests --------------------------------------------------------------------- */

START_TEST(requests_say_what_was_wanted)
{
    added(2);
    ck_assert_int_le(turn(), now_ms + 1000);
    ck_assert_uint_eq(asked_len, 2);
    ck_assert_str_eq(asked[0].method, "GET");
    ck_assert_str_eq(asked[0].url, "https://media.example.com/0");
    ck_assert_str_eq(asked[1].url, "https://media.example.com/1");
    ck_assert(!asked[0].lifted);
    ck_assert(asked[1].lifted);
    ck_assert(asked[0].once);
    ck_assert_int_eq(asked[0].timeout_ms, 60 * MINUTE_MS);
    ck_assert_str_eq(asked[0].range, "");
    ck_assert_uint_eq(pull_errand.running(state), 2);
    (void)turn();
    ck_assert_uint_eq(asked_len, 2);
}
END_TEST

START_TEST(the_last_file_commits_and_no_other)
{
    struct publication p = added(3);

    (void)turn();
    answer(2, 200, 100);
    answer(0, 200, 10);
    ck_assert_int_eq(read_again(&p).committed_ms, 0);
    now_ms += 5;
    answer(1, 200, 1);
    p = read_again(&p);
    ck_assert_int_eq(p.committed_ms, now_ms);
    ck_assert_int_eq(p.received, 111);
    ck_assert_int_eq(p.plan.size, 111);
    ck_assert_uint_eq(pull_errand.running(state), 0);
    ck_assert(courier.again);
    ck_assert_int_eq(turn(), INT64_MAX);
    ck_assert_int_eq(parts(), 0);
}
END_TEST

/* The bytes came while somebody ended it: nothing comes of them. */
START_TEST(a_file_that_comes_after_the_end_is_dropped)
{
    struct publication canceled = added(0);
    struct publication gone = added(0);
    struct publication read;

    (void)turn();
    text_copy(canceled.fail_reason, sizeof(canceled.fail_reason), "publish_cancelled");
    canceled.fail_ms = now_ms;
    OK(publication_store(sql, &canceled, &err));
    OK(sql_run(sql, "DELETE FROM publication WHERE id = ?", SQL_WITH(sql_int(gone.id)),
               NULL, &err));
    answer(0, 200, 100);
    answer(1, 200, 100);
    read = read_again(&canceled);
    ck_assert_int_eq(read.committed_ms, 0);
    ck_assert_str_eq(read.fail_reason, "publish_cancelled");
    OK(publication_by_id(sql, gone.id, &read, &err));
    ck_assert_int_eq(read.id, 0);
    ck_assert_int_eq(parts(), 0);
    ck_assert_int_eq(turn(), INT64_MAX);
}
END_TEST

START_TEST(a_failure_of_one_ends_the_others)
{
    struct publication p = added(3);
    int64_t left = -1;

    (void)turn();
    answer(1, 404, 0);
    ck_assert_str_eq(read_again(&p).fail_reason, "photo_pull_failed");
    (void)turn();
    ck_assert(asked[0].canceled);
    ck_assert(!asked[1].canceled); /* it is done */
    OK(sql_number(sql, "SELECT COUNT(*) FROM pull WHERE state != 3", SQL_NONE, &left,
                  &err));
    ck_assert_int_eq(left, 0);
    ck_assert(asked[2].canceled);
    ck_assert_uint_eq(pull_errand.running(state), 0);
    ck_assert_int_eq(parts(), 0);
    ck_assert_int_eq(turn(), INT64_MAX);
}
END_TEST

START_TEST(bytes_are_told_while_they_come)
{
    struct publication p = added(0);
    struct http_response head = head_of(200, 5000);

    (void)turn();
    ck_assert(pour(0, &head, 3000));
    ck_assert_int_eq(read_again(&p).received, 0);
    now_ms += 200;
    ck_assert_int_eq(turn(), now_ms + 200);
    ck_assert_int_eq(read_again(&p).received, 3000);
    ck_assert_int_eq(read_again(&p).plan.size, 5000);
}
END_TEST

START_TEST(a_break_is_waited_out_and_counted)
{
    struct publication p = added(0);
    int64_t wait_ms = 1000;

    for (size_t n = 0; n < PULL_BREAKS_MAX - 1; n++) {
        (void)turn();
        ck_assert_uint_eq(asked_len, n + 1);
        break_off(n);
        ck_assert_int_eq(turn(), now_ms + wait_ms);
        now_ms += wait_ms - 1;
        (void)turn();
        ck_assert_uint_eq(asked_len, n + 1);
        now_ms++;
        wait_ms *= 2;
    }
    (void)turn();
    break_off(PULL_BREAKS_MAX - 1);
    ck_assert_str_eq(read_again(&p).fail_reason, "video_pull_failed");
}
END_TEST

START_TEST(no_free_transfer_is_nobodys_fault)
{
    struct publication p = added(0);

    submit_rc = RC_LIMITED;
    for (int i = 0; i < 10; i++) {
        int64_t next_ms = turn();

        ck_assert_int_gt(next_ms, now_ms);
        now_ms = next_ms;
    }
    submit_rc = RC_OK;
    (void)turn();
    answer(0, 200, 10);
    ck_assert_int_ne(read_again(&p).committed_ms, 0);
}
END_TEST

START_TEST(so_many_at_a_time_and_none_while_leaving)
{
    for (int i = 0; i < 30; i++)
        added(0);
    courier.leaving = true;
    (void)turn();
    ck_assert_uint_eq(asked_len, 0);
    courier.leaving = false;
    (void)turn();
    ck_assert_uint_eq(asked_len, 24);
    answer(0, 200, 10);
    (void)turn();
    ck_assert_uint_eq(asked_len, 25);
}
END_TEST

START_TEST(the_hour_is_the_limit_of_a_request_and_of_it_all)
{
    struct publication p = added(0);

    now_ms += 59 * MINUTE_MS;
    ck_assert_int_le(turn(), now_ms + 1000);
    ck_assert_int_eq(asked[0].timeout_ms, MINUTE_MS);
    now_ms += MINUTE_MS;
    (void)turn();
    ck_assert_str_eq(read_again(&p).fail_reason, "video_pull_failed");
    ck_assert(courier.again); /* a webhook is to be sent */
    (void)turn();
    ck_assert(asked[0].canceled);
}
END_TEST

START_TEST(a_successor_takes_up_what_was_under_way)
{
    struct publication p = added(2);

    (void)turn();
    answer(0, 200, 10);
    pull_errand.end(state); /* as if it had died */
    state = pull_errand.begin(&courier);
    (void)turn();
    ck_assert_uint_eq(asked_len, 3);
    ck_assert_str_eq(asked[2].url, "https://media.example.com/1");
    answer(2, 200, 5);
    ck_assert_int_eq(read_again(&p).received, 15);
    ck_assert_int_ne(read_again(&p).committed_ms, 0);
}
END_TEST

START_TEST(what_broke_off_goes_on_only_while_its_file_is_there)
{
    struct http_response head = head_of(200, 5000);
    struct http_response rest = head_of(206, 2000);
    struct publication p;
    char command[128];

    OK(knob_set(sql, KNOB_PULL_RESUME, 1, &err));
    OK(knob_set(sql, KNOB_PULL_RETRY_MS, 0, &err));
    p = added(0);
    (void)turn();
    ck_assert(pour(0, &head, 3000));
    break_off(0);
    (void)turn();
    ck_assert_str_eq(asked[1].range, "Range: bytes=3000-");
    text_copy(rest.content_range, sizeof(rest.content_range), "bytes 3000-4999/5000");
    ck_assert(pour(1, &rest, 500));
    break_off(1);
    (void)snprintf(command, sizeof(command), "rm %s/uploads/*.part", dir);
    ck_assert_int_eq(system(command), 0);
    (void)turn();
    ck_assert_str_eq(asked[2].range, "");
    answer(2, 200, 5000);
    ck_assert_int_eq(read_again(&p).received, 5000);
}
END_TEST

/* A host that answers a range with another one than was asked for. */
START_TEST(a_part_that_does_not_fit_is_refused)
{
    struct http_response head = head_of(200, 5000);
    struct http_response rest = head_of(206, 2000);
    struct publication p;

    OK(knob_set(sql, KNOB_PULL_RESUME, 1, &err));
    OK(knob_set(sql, KNOB_PULL_RETRY_MS, 0, &err));
    p = added(0);
    (void)turn();
    ck_assert(pour(0, &head, 3000));
    break_off(0);
    (void)turn();
    text_copy(rest.content_range, sizeof(rest.content_range), "bytes 2999-4998/5000");
    (void)pour(1, &rest, 2000);
    asked[1].done(asked[1].arg, RC_OK, &rest, &err);
    ck_assert_str_eq(read_again(&p).fail_reason, "video_pull_failed");
}
END_TEST

UNIT_MAIN_FIXTURE("sandbox_pull_errand", setup, teardown, requests_say_what_was_wanted,
                  the_last_file_commits_and_no_other,
                  a_file_that_comes_after_the_end_is_dropped,
                  a_failure_of_one_ends_the_others, bytes_are_told_while_they_come,
                  a_break_is_waited_out_and_counted, no_free_transfer_is_nobodys_fault,
                  so_many_at_a_time_and_none_while_leaving,
                  the_hour_is_the_limit_of_a_request_and_of_it_all,
                  a_successor_takes_up_what_was_under_way,
                  what_broke_off_goes_on_only_while_its_file_is_there,
                  a_part_that_does_not_fit_is_refused)
