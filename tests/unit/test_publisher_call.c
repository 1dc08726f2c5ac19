/* call: a thread hands a request to the loop and sleeps until it is answered. The engine
 * is a fake that does what the test says. */
#include "core/xalloc.h"
#include "publisher/call.h"
#include "unit.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>

/* --- the engine ---------------------------------------------------------------- */

static struct {
    struct http http; /* first */
    http_done_fn *done;
    void *arg;
    const char *url;
    uint64_t canceled;
    bool refuse;
    sem_t woken;
} fake;

static enum rc submit(UNUSED struct http *h, const struct http_request *req,
                      http_done_fn *done, void *arg, uint64_t *id, struct err *err)
{
    if (fake.refuse)
        return err_retry(err, RC_LIMITED, 1000, "http_busy", "busy");
    fake.done = done;
    fake.arg = arg;
    fake.url = req->url;
    *id = 42;
    return RC_OK;
}

static void cancel(UNUSED struct http *h, uint64_t id)
{
    fake.canceled = id;
}

static void wake(UNUSED struct http *h)
{
    (void)sem_post(&fake.woken);
}

static const struct http_ops ops = {.submit = submit, .cancel = cancel, .wake = wake};

/* --- the thread ---------------------------------------------------------------- */

static struct calls *calls;
static pthread_t thread;
static const struct http_request request = {
    .method = "GET", .url = "https://example.com/", .max_response = 100, .timeout_ms = 1};

static struct {
    enum rc rc;
    struct http_response res;
    struct err err;
} outcome;

static void *ask(UNUSED void *arg)
{
    outcome.rc = call(calls, &request, &outcome.res, &outcome.err);
    return NULL;
}

/* The thread has handed its request over. */
static void start_asking(void)
{
    ck_assert_int_eq(pthread_create(&thread, NULL, ask, NULL), 0);
    ck_assert_int_eq(sem_wait(&fake.woken), 0);
}

static void join(void)
{
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

static void setup(void)
{
    fake.http.ops = &ops;
    fake.refuse = false;
    fake.canceled = 0;
    fake.done = NULL;
    ck_assert_int_eq(sem_init(&fake.woken, 0, 0), 0);
    calls = calls_new(&fake.http);
}

static void teardown(void)
{
    calls_free(calls);
    (void)sem_destroy(&fake.woken);
}

START_TEST(the_answer_arrives_whole_and_outlives_the_engines_own)
{
    struct http_response res = {
        .status = 201, .date_ms = 5, .retry_after_ms = 7, .log_id = "L"};
    struct err none = {0};
    struct tiktok_answer answer;

    start_asking();
    ck_assert(fake.done == NULL); /* nothing before the loop says so */
    calls_start(calls);
    ck_assert_str_eq(fake.url, request.url);
    strbuf_init(&res.body, 100);
    strbuf_addstr(&res.body, "hello");
    fake.done(fake.arg, RC_OK, &res, &none);
    strbuf_release(&res.body);
    join();
    ck_assert_int_eq(outcome.rc, RC_OK);
    ck_assert_str_eq(outcome.res.body.buf, "hello");
    answer = call_answer(&outcome.res);
    ck_assert_int_eq(answer.http_status, 201);
    ck_assert_uint_eq(answer.len, 5);
    ck_assert_int_eq(answer.retry_after_ms, 7);
    ck_assert_str_eq(answer.log_id, "L");
    strbuf_wipe(&outcome.res.body);
}
END_TEST

START_TEST(a_failure_arrives_with_its_class)
{
    struct err why;

    start_asking();
    calls_start(calls);
    (void)err_set(&why, RC_UNCERTAIN, "http_failed", "cut");
    fake.done(fake.arg, RC_UNCERTAIN, NULL, &why);
    join();
    ck_assert_int_eq(outcome.rc, RC_UNCERTAIN);
    ck_assert_str_eq(outcome.err.code, "http_failed");
}
END_TEST

START_TEST(a_request_that_the_engine_refuses_is_answered_at_once)
{
    fake.refuse = true;
    start_asking();
    calls_start(calls);
    join();
    ck_assert_int_eq(outcome.rc, RC_LIMITED);
    ck_assert_str_eq(outcome.err.code, "http_busy");
}
END_TEST

START_TEST(closing_ends_what_waits_and_says_that_nothing_happened)
{
    start_asking();
    ck_assert(calls_open(calls));
    calls_close(calls);
    join();
    ck_assert_int_eq(outcome.rc, RC_UNAVAILABLE);
    ck_assert_str_eq(outcome.err.code, "shutting_down");
    ck_assert(!calls_open(calls));
}
END_TEST

START_TEST(closing_cancels_what_is_on_its_way_and_says_that_it_may_have_happened)
{
    start_asking();
    calls_start(calls);
    calls_close(calls);
    join();
    ck_assert_int_eq(outcome.rc, RC_UNCERTAIN);
    ck_assert_uint_eq(fake.canceled, 42);
}
END_TEST

START_TEST(after_closing_nobody_waits_any_more)
{
    calls_close(calls);
    ck_assert_ptr_null(ask(NULL));
    ck_assert_int_eq(outcome.rc, RC_UNAVAILABLE);
    calls_free(NULL);
}
END_TEST

UNIT_MAIN_FIXTURE("publisher_call", setup, teardown,
                  the_answer_arrives_whole_and_outlives_the_engines_own,
                  a_failure_arrives_with_its_class,
                  a_request_that_the_engine_refuses_is_answered_at_once,
                  closing_ends_what_waits_and_says_that_nothing_happened,
                  closing_cancels_what_is_on_its_way_and_says_that_it_may_have_happened,
                  after_closing_nobody_waits_any_more)
