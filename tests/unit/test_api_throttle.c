/* throttle, gate: how often one may try to sign in, and how many at once. Redis and the
 * user's row are played by functions of this file. */
#include "api/session/gate.h"
#include "api/session/throttle.h"
#include "core/log.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- a Redis of counters ------------------------------------------------------- */

enum { COUNTERS = 1024 };
static struct {
    char key[THROTTLE_KEY_SIZE];
    int64_t n;
} counters[COUNTERS];
static bool away;
static uint64_t failed_user;
static int64_t now_ms;
static struct err err;

static int64_t *counter(const char *key)
{
    for (size_t i = 0; i < COUNTERS; i++) {
        if (counters[i].key[0] == '\0')
            (void)snprintf(counters[i].key, sizeof(counters[i].key), "%s", key);
        if (strcmp(counters[i].key, key) == 0)
            return &counters[i].n;
    }
    ck_abort_msg("too many counters");
    return NULL;
}

static enum rc gone(struct err *e)
{
    return err_set(e, RC_UNAVAILABLE, "redis_away", "Redis does not answer.");
}

enum rc redis_count(struct redis *r, const char *key, int64_t ttl_ms, int timeout_ms,
                    int64_t *count, struct err *e)
{
    (void)r;
    ck_assert_int_gt(ttl_ms, 0);
    ck_assert_int_gt(timeout_ms, 0);
    if (away)
        return gone(e);
    *count = ++*counter(key);
    return RC_OK;
}

enum rc redis_counted(struct redis *r, const char *key, int timeout_ms, int64_t *count,
                      int64_t *left_ms, struct err *e)
{
    (void)r;
    (void)timeout_ms;
    if (away)
        return gone(e);
    *count = *counter(key);
    *left_ms = 4321;
    return RC_OK;
}

enum rc redis_delete(struct redis *r, const char *key, int timeout_ms, struct err *e)
{
    (void)r;
    (void)timeout_ms;
    if (away)
        return gone(e);
    *counter(key) = 0;
    return RC_OK;
}

enum rc user_login_failed(struct db *db, uint64_t user_id, struct err *e)
{
    (void)db;
    (void)e;
    failed_user = user_id;
    return RC_OK;
}

static int64_t mono(void *ctx)
{
    (void)ctx;
    return now_ms;
}

static const struct clock still = {.wall_ms = mono, .mono_ms = mono};
static struct api api;

static void setup(void)
{
    log_setup("test", LOG_LEVEL_ERROR);
    api = (struct api){.clock = &still};
    now_ms = 1000000;
}

/* A try that fails: whether it was let pass. */
static bool guess(const char *ip, const char *email)
{
    struct throttle t;
    enum rc rc = throttle_begin(&api, ip, email, &t, &err);

    if (rc == RC_OK)
        throttle_failed(&api, &t, 7);
    else
        ck_assert_str_eq(err.code, "too_many_attempts");
    return rc == RC_OK;
}

START_TEST(one_address_gets_five_guesses_at_an_account)
{
    for (int i = 0; i < THROTTLE_PAIR_MAX; i++)
        ck_assert(guess("192.0.2.1", i % 2 == 0 ? "ann@example.com" : "ANN@example.com"));
    ck_assert(!guess("192.0.2.1", "ann@example.com"));
    ck_assert_int_eq(err.retry_after_ms, 4321);
    ck_assert(guess("192.0.2.2", "ann@example.com"));
    ck_assert(guess("192.0.2.1", "bob@example.com"));
}
END_TEST

START_TEST(an_account_is_guarded_from_many_addresses_and_one_address_cannot_close_it)
{
    char ip[32];
    int passed = 0;

    for (int i = 0; i < 100; i++) /* one address keeps trying */
        passed += guess("192.0.2.1", "ann@example.com") ? 1 : 0;
    ck_assert_int_eq(passed, THROTTLE_PAIR_MAX);
    ck_assert(guess("198.51.100.1", "ann@example.com"));
    for (int i = 0; i < 200; i++) {
        (void)snprintf(ip, sizeof(ip), "203.0.113.%d", i);
        passed += guess(ip, "ann@example.com") ? 1 : 0;
    }
    ck_assert_int_eq(passed + 1, THROTTLE_ACCOUNT_MAX);
}
END_TEST

START_TEST(an_address_may_not_try_one_password_on_everybody)
{
    char email[40];
    int passed = 0;

    for (int i = 0; i < 60; i++) {
        (void)snprintf(email, sizeof(email), "p%d@example.com", i % 15);
        passed += guess("192.0.2.1", email) ? 1 : 0;
    }
    ck_assert_int_eq(passed, THROTTLE_ADDRESS_MAX);
}
END_TEST

START_TEST(a_success_forgets_the_tries_and_never_counts_against_the_address)
{
    struct throttle t;

    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(throttle_begin(&api, "192.0.2.1", "ann@example.com", &t, &err),
                         RC_OK);
        throttle_succeeded(&api, &t);
    }
    ck_assert_uint_eq(failed_user, 0);
}
END_TEST

START_TEST(redis_gets_no_address_of_a_person)
{
    ck_assert(guess("192.0.2.1", "ann@example.com"));
    for (size_t i = 0; i < COUNTERS; i++)
        ck_assert_ptr_null(strstr(counters[i].key, "ann"));
}
END_TEST

START_TEST(the_row_is_written_only_while_redis_is_away)
{
    ck_assert(guess("192.0.2.1", "ann@example.com"));
    ck_assert_uint_eq(failed_user, 0);
    away = true;
    ck_assert(guess("192.0.2.1", "ann@example.com"));
    ck_assert_uint_eq(failed_user, 7);
}
END_TEST

START_TEST(without_redis_a_worker_lets_few_pass_and_the_row_decides)
{
    struct throttle t;
    struct user_login user = {.user_id = 7, .failed = 9, .failed_at_ms = 1000};

    away = true;
    for (int i = 0; i < THROTTLE_AWAY_MAX; i++)
        ck_assert(guess("192.0.2.1", "ann@example.com"));
    ck_assert(!guess("192.0.2.9", "bob@example.com"));
    ck_assert_int_eq(err.retry_after_ms, THROTTLE_AWAY_MS);
    now_ms += THROTTLE_AWAY_MS;
    ck_assert_int_eq(throttle_begin(&api, "192.0.2.1", "x", &t, &err), RC_OK);
    user.now_ms = 1001;
    ck_assert_int_eq(throttle_check_row(&t, &user, &err), RC_LIMITED);
    user.now_ms = 1000 + 16000;
    ck_assert_int_eq(throttle_check_row(&t, &user, &err), RC_OK);
    t.redis_away = false;
    user.now_ms = 1001;
    ck_assert_int_eq(throttle_check_row(&t, &user, &err), RC_OK);
}
END_TEST

START_TEST(the_wait_doubles_and_has_an_end)
{
    static const struct {
        uint32_t failed;
        int64_t wait_ms;
    } rows[] = {
        {0, 0},       {4, 0},         {5, 1000},
        {6, 2000},    {10, 32000},    {14, 512000},
        {15, 900000}, {1000, 900000}, {4294967295, 900000},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_int_eq(throttle_wait_ms(rows[i].failed, 5000, 5000), rows[i].wait_ms);
        ck_assert_int_eq(throttle_wait_ms(rows[i].failed, 5000, 5000 + rows[i].wait_ms),
                         0);
    }
}
END_TEST

START_TEST(an_ipv6_address_counts_as_its_64)
{
    static const char *const rows[][2] = {
        {"192.0.2.7", "192.0.2.7"},
        {"2001:db8:1:2:3:4:5:6", "20010db800010002/64"},
        {"2001:db8:1:2::9", "20010db800010002/64"},
        {"::ffff:192.0.2.7", "::ffff:192.0.2.7"},
        {"", ""},
    };
    char out[40];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        throttle_address(rows[i][0], out, sizeof(out));
        ck_assert_str_eq(out, rows[i][1]);
    }
}
END_TEST

/* --- the gate ------------------------------------------------------------------ */

/* A process that goes in, says so and dies there. */
static void die_inside(struct gate *gate)
{
    pid_t pid = fork();
    int status = 0;

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct gate_pass pass;

        _exit(gate_enter(gate, &pass, &err) == RC_OK ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

/* What gate_enter() says in another process while we hold what we hold. */
static enum rc enter_elsewhere(struct gate *gate)
{
    pid_t pid = fork();
    int status = 0;

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct gate_pass pass;
        enum rc rc = gate_enter(gate, &pass, &err);

        if (rc == RC_OK)
            gate_leave(gate, &pass);
        _exit((int)rc);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return (enum rc)WEXITSTATUS(status);
}

START_TEST(as_many_go_in_as_there_are_places_and_slots)
{
    struct gate *gate;
    struct gate_pass first, second;

    ck_assert_int_eq(gate_new(2, 2, &gate, &err), RC_OK);
    ck_assert_int_eq(gate_enter(gate, &first, &err), RC_OK);
    ck_assert_int_eq(enter_elsewhere(gate), RC_OK);
    ck_assert_int_eq(gate_enter(gate, &second, &err), RC_OK);
    ck_assert_int_eq(enter_elsewhere(gate), RC_LIMITED);
    gate_leave(gate, &first);
    ck_assert_int_eq(enter_elsewhere(gate), RC_OK);
    gate_leave(gate, &second);
    gate_free(gate);
}
END_TEST

START_TEST(who_waits_gets_the_slot_that_becomes_free)
{
    struct gate *gate;
    struct gate_pass pass;
    pid_t pid;
    int status = 0;
    int ready[2];
    char byte;

    ck_assert_int_eq(pipe(ready), 0);
    ck_assert_int_eq(gate_new(1, 2, &gate, &err), RC_OK);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct gate_pass inner;

        if (gate_enter(gate, &inner, &err) != RC_OK || write(ready[1], "x", 1) != 1)
            _exit(1);
        (void)usleep(50000); /* holds it for a while; nothing hangs on how long */
        gate_leave(gate, &inner);
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(gate_enter(gate, &pass, &err), RC_OK);
    gate_leave(gate, &pass);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    gate_free(gate);
}
END_TEST

START_TEST(who_dies_inside_gives_back_what_it_held)
{
    struct gate *gate;
    struct gate_pass pass;

    ck_assert_int_eq(gate_new(1, 1, &gate, &err), RC_OK);
    for (int i = 0; i < 3; i++) {
        die_inside(gate);
        ck_assert_int_eq(gate_enter(gate, &pass, &err), RC_OK);
        gate_leave(gate, &pass);
    }
    gate_free(gate);
}
END_TEST

UNIT_MAIN_FIXTURE(
    "api_throttle", setup, NULL, one_address_gets_five_guesses_at_an_account,
    an_account_is_guarded_from_many_addresses_and_one_address_cannot_close_it,
    an_address_may_not_try_one_password_on_everybody,
    a_success_forgets_the_tries_and_never_counts_against_the_address,
    redis_gets_no_address_of_a_person, the_row_is_written_only_while_redis_is_away,
    without_redis_a_worker_lets_few_pass_and_the_row_decides,
    the_wait_doubles_and_has_an_end, an_ipv6_address_counts_as_its_64,
    as_many_go_in_as_there_are_places_and_slots,
    who_waits_gets_the_slot_that_becomes_free, who_dies_inside_gives_back_what_it_held)
