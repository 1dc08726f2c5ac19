/* queue, ear: lanes, exact windows, the witness and the wake-ups, on a real Redis.
 * What ears hear, and FLUSHALL, are the whole server's: it is one of its own. */
#include "core/random.h"
#include "core/xalloc.h"
#include "queue/queue.h"
#include "servers.h"
#include "unit.h"

#include <inttypes.h>
#include <poll.h>
#include <string.h>

static struct redis *redis;
static struct err err;
static uint64_t account; /* fresh, all in group 3 */

enum { GROUP = 3, PATIENCE_MS = 60000 };

static void command(const char *verb, const char *what)
{
    struct redis_arg args[] = {redis_str(verb), redis_str(what)};
    struct redis_reply *reply = NULL;

    ck_assert_int_eq(
        redis_command(redis, args, what[0] != '\0' ? 2 : 1, 1000, &reply, &err), RC_OK);
    redis_reply_free(reply);
}

/* Whether it is for us to say what calls were made. */
static struct queue_restore restoration;

static bool restore_begins(int64_t settle_ms)
{
    ck_assert_int_eq(queue_restore_begin(redis, GROUP, settle_ms, &restoration, &err),
                     RC_OK);
    return restoration.mine;
}

static bool restore_ends(void)
{
    bool done = false;

    ck_assert_int_eq(queue_restore_end(redis, GROUP, &restoration, &done, &err), RC_OK);
    return done;
}

static void restore(void)
{
    ck_assert(restore_begins(0));
    ck_assert(restore_ends());
}

static const char *url;

static void setup(void)
{
    url = getenv("TEST_REDIS_URL");
    ck_assert_int_eq(redis_new(url, &redis, &err), RC_OK);
    redis_set_patience(redis, PATIENCE_MS);
    command("FLUSHDB", "");
    restore();
    account = (1 + random_below(random_system(), 1000000000)) * QUEUE_GROUPS + GROUP;
    ck_assert_uint_eq(queue_group(account), GROUP);
}

static void teardown(void)
{
    redis_free(redis);
}

static struct queue_taken view;

static size_t take(size_t max)
{
    ck_assert_int_eq(queue_take(redis, GROUP, max, 0, &view, &err), RC_OK);
    return view.len;
}

static int64_t redis_now(void)
{
    (void)take(0);
    return view.now_ms;
}

static bool is_known(uint64_t post, int64_t at)
{
    const struct queue_entry entry = {post, account, at};
    bool known = false;

    ck_assert_int_eq(queue_feed(redis, &entry, &known, &err), RC_OK);
    return known;
}

static void enqueue(uint64_t post, uint64_t acct, int64_t at)
{
    ck_assert_int_eq(queue_enqueue(redis, post, acct, at, &err), RC_OK);
}

START_TEST(the_look_ahead_sees_what_redis_has_lost)
{
    int64_t now = redis_now();

    ck_assert(!is_known(7, now + 60000));
    ck_assert(is_known(7, now + 61000)); /* at another time */
    ck_assert(!is_known(8, now + 60000));
    ck_assert_int_eq(queue_forget(redis, 7, account, &err), RC_OK);
    ck_assert(!is_known(7, now + 60000));
    ck_assert(!is_known(9, now + QUEUE_HORIZON_MS + 60000));
    ck_assert(!is_known(9, now + QUEUE_HORIZON_MS + 60000)); /* it is left out */
}
END_TEST

START_TEST(a_group_that_has_forgotten_hands_out_nothing_until_it_is_told)
{
    int64_t now = redis_now();

    command("FLUSHDB", "");
    enqueue(7, account, now - 10);
    ck_assert_uint_eq(take(10), 0);
    ck_assert(!view.ready);
    ck_assert(restore_begins(0));
    {
        const struct queue_restore ours = restoration;

        ck_assert(!restore_begins(0)); /* another one does it */
        restoration = ours;
    }
    ck_assert(restore_ends());
    ck_assert_uint_eq(take(10), 1);
    ck_assert(view.ready);
    ck_assert(!restore_begins(0)); /* nothing to do */
}
END_TEST

/* What stands there may be of an old copy. */
static void set(const char *key, const char *value)
{
    struct redis_arg args[] = {redis_str("SET"), redis_str(key), redis_str(value)};
    struct redis_reply *reply = NULL;

    ck_assert_int_eq(redis_command(redis, args, 3, 1000, &reply, &err), RC_OK);
    redis_reply_free(reply);
}

START_TEST(nor_does_one_that_another_server_has_written)
{
    int64_t now = redis_now();
    struct queue_hint call = {.account_id = account};
    struct queue_passed passed;

    enqueue(7, account, now - 10);
    set("{3}:ready", "0123456789012345678901234567890123456789");
    set("{3}:restoring", "0123456789012345678901234567890123456789 7-7");
    set("{3}:unsure", "0123456789012345678901234567890123456789 17");
    ck_assert_uint_eq(take(10), 0);
    ck_assert(!view.ready);
    ck_assert_int_eq(queue_init_pass(redis, &call, &passed, &err), RC_OK);
    ck_assert(!passed.known);
    ck_assert_int_eq(call.counted_ms, 0);
    ck_assert(!restore_begins(60000)); /* it has not settled for so long */
    restore();
    ck_assert_uint_eq(take(10), 1);
    ck_assert_int_eq(queue_init_pass(redis, &call, &passed, &err), RC_OK);
    ck_assert(passed.known);
}
END_TEST

START_TEST(nor_does_one_that_somebody_doubts_while_it_is_told)
{
    ck_assert(!restore_begins(0));
    ck_assert_int_eq(queue_doubt(redis, &err), RC_OK);
    ck_assert(restore_begins(0));
    ck_assert_int_eq(queue_doubt(redis, &err), RC_OK);
    ck_assert(!restore_ends());
    (void)take(1);
    ck_assert(!view.ready);
    restore();
    (void)take(1);
    ck_assert(view.ready);
}
END_TEST

static void tell(const struct queue_call *calls, size_t n)
{
    ck_assert_int_eq(queue_restore_calls(redis, account, calls, n, &err), RC_OK);
}

START_TEST(calls_that_were_told_count)
{
    struct queue_call calls[QUEUE_INIT_LIMIT + 3]; /* the last three are too old */
    struct queue_hint call = {.account_id = account};
    struct queue_passed passed;
    int64_t now = redis_now();

    for (int i = 0; i < QUEUE_INIT_LIMIT + 3; i++)
        calls[i] = (struct queue_call){.age_ms = 10000 + i * 5000};
    for (int i = 0; i < 2; i++) { /* in place of what was told before */
        tell(calls, QUEUE_INIT_LIMIT + 3);
        enqueue(7, account, now - 10);
        ck_assert_uint_eq(take(10), 0);
        ck_assert_int_eq(queue_init_pass(redis, &call, &passed, &err), RC_OK);
        /* the sixth newest is 35 s old, and what has passed here since */
        ck_assert_int_ge(passed.wait_ms, QUEUE_WINDOW_MS - 35000 - (redis_now() - now));
        ck_assert_int_le(passed.wait_ms, QUEUE_WINDOW_MS - 35000);
    }
}
END_TEST

/* A call of a claim that is older than the copy, or than its loss. */
START_TEST(a_call_that_was_told_to_come_moves_to_when_it_is_made)
{
    const struct queue_call calls[] = {
        {.to_come = true}, {.to_come = true}, {1000, false},
        {2000, false},     {3000, false},     {4000, false},
    };
    struct queue_hint call = {.account_id = account, .counted_ms = 17};
    struct queue_hint another = {.account_id = account};
    struct queue_passed passed;

    tell(calls, QUEUE_INIT_LIMIT);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(queue_init_pass(redis, &another, &passed, &err), RC_OK);
        ck_assert_int_gt(passed.wait_ms, 0);
        call.counted_ms = 17;
        ck_assert_int_eq(queue_init_pass(redis, &call, &passed, &err), RC_OK);
        ck_assert_int_eq(passed.wait_ms, 0);
    }
    call.counted_ms = 17;
    ck_assert_int_eq(queue_init_pass(redis, &call, &passed, &err), RC_OK);
    ck_assert_int_gt(passed.wait_ms, 0); /* there were two */
}
END_TEST

START_TEST(a_take_tells_since_when_the_window_lets_a_post_go)
{
    struct queue_call calls[QUEUE_INIT_LIMIT];
    int64_t now = redis_now();

    enqueue(7, account, now - 10);
    ck_assert_uint_eq(take(10), 1);
    ck_assert_int_eq(view.hints[0].free_ms, 0); /* there were no calls */
    for (int i = 0; i < QUEUE_INIT_LIMIT; i++)
        calls[i] = (struct queue_call){.age_ms = QUEUE_WINDOW_MS + 5000};
    tell(calls, QUEUE_INIT_LIMIT); /* the window opened 5 s ago */
    enqueue(8, account, now - 30000);
    ck_assert_uint_eq(take(10), 1);
    ck_assert_int_ge(view.hints[0].free_ms, now - 5000);
    ck_assert_int_le(view.hints[0].free_ms, view.now_ms - 5000);
}
END_TEST

START_TEST(a_call_that_is_not_made_is_given_back)
{
    int64_t now = redis_now();

    for (uint64_t post = 1; post <= QUEUE_INIT_LIMIT + 1; post++)
        enqueue(post, account, now - 10);
    for (int i = 0; i < QUEUE_INIT_LIMIT; i++)
        ck_assert_uint_eq(take(10), 1);
    ck_assert_uint_eq(take(10), 0);
    ck_assert_int_eq(
        queue_refund(redis,
                     &(struct queue_hint){.account_id = account, .counted_ms = 12345},
                     &err),
        RC_OK); /* of nobody's */
    enqueue(99, account, now - 5);
    ck_assert_uint_eq(take(10), 0);
}
END_TEST

START_TEST(the_call_of_a_hint_is_given_back)
{
    int64_t now = redis_now();

    for (uint64_t post = 1; post <= QUEUE_INIT_LIMIT; post++) {
        enqueue(post, account, now - 10);
        ck_assert_uint_eq(take(10), 1);
    }
    ck_assert_int_eq(queue_refund(redis, &view.hints[0], &err), RC_OK);
    enqueue(99, account, now - 5);
    ck_assert_uint_eq(take(10), 1);
    ck_assert_uint_eq(view.hints[0].post_id, 99);
    enqueue(100, account, now - 5);
    ck_assert_uint_eq(take(10), 0);
}
END_TEST

/* Publishers that are restarted take the same posts once more, whose sessions are open.
 */
START_TEST(what_waits_for_the_window_comes_when_a_call_is_given_back)
{
    int64_t now = redis_now();
    struct queue_hint last;

    for (uint64_t post = 1; post <= QUEUE_INIT_LIMIT + 1; post++)
        enqueue(post, account, now - 10);
    for (int i = 0; i < QUEUE_INIT_LIMIT; i++)
        ck_assert_uint_eq(take(10), 1);
    last = view.hints[0];
    ck_assert_uint_eq(take(10), 0);
    ck_assert_int_eq(queue_refund(redis, &last, &err), RC_OK);
    ck_assert_uint_eq(take(10), 1);
    ck_assert_uint_eq(view.hints[0].post_id, QUEUE_INIT_LIMIT + 1);
}
END_TEST

/* Else six that are made a little later, and six as soon as the window opens again, were
 * more than six in a minute. */
START_TEST(the_call_of_a_hint_moves_to_when_it_is_made)
{
    int64_t now = redis_now();
    struct queue_passed passed = {-1, false};
    struct queue_hint first, moved;

    enqueue(1, account, now - 10);
    ck_assert_uint_eq(take(10), 1);
    first = view.hints[0];
    while (redis_now() <= first.counted_ms) /* calls of the same ms are alike */
        ;
    for (uint64_t post = 2; post <= QUEUE_INIT_LIMIT; post++) {
        enqueue(post, account, now - 10);
        ck_assert_uint_eq(take(10), 1);
    }
    moved = first;
    ck_assert_int_eq(queue_init_pass(redis, &moved, &passed, &err), RC_OK);
    ck_assert_int_eq(passed.wait_ms, 0);
    ck_assert_int_gt(moved.counted_ms, first.counted_ms);
    ck_assert_int_eq(queue_init_pass(redis, &first, &passed, &err),
                     RC_OK); /* not there */
    ck_assert_int_gt(passed.wait_ms, 0);
    ck_assert_int_eq(queue_refund(redis, &moved, &err), RC_OK); /* but here */
    enqueue(99, account, now - 5);
    ck_assert_uint_eq(take(10), 1);
}
END_TEST

START_TEST(a_due_post_is_taken_once_and_a_later_one_not_yet)
{
    int64_t now = redis_now();

    enqueue(7, account, now - 10);
    enqueue(8, account, now + 600000);
    ck_assert_uint_eq(take(10), 1);
    ck_assert_uint_eq(view.hints[0].post_id, 7);
    ck_assert_uint_eq(view.hints[0].account_id, account);
    ck_assert_int_eq(view.hints[0].at_ms, now - 10);
    ck_assert_uint_eq(take(10), 0);
    ck_assert_int_eq(view.next_wake_ms, now + 600000);
}
END_TEST

START_TEST(a_hint_given_again_moves_the_post_and_does_not_double_it)
{
    int64_t now = redis_now();

    enqueue(7, account, now + 600000);
    enqueue(7, account, now - 5);
    enqueue(7, account, now - 5);
    ck_assert_uint_eq(take(10), 1);
    ck_assert_uint_eq(take(10), 0);
    ck_assert_int_eq(view.next_wake_ms, 0);
}
END_TEST

START_TEST(posts_beyond_the_horizon_stay_out_and_leave_when_moved_there)
{
    int64_t now = redis_now();

    enqueue(7, account, now + QUEUE_HORIZON_MS + 60000);
    ck_assert_uint_eq(take(10), 0);
    ck_assert_int_eq(view.next_wake_ms, 0);
    enqueue(7, account, now - 5);
    enqueue(7, account, now + QUEUE_HORIZON_MS + 60000);
    ck_assert_uint_eq(take(10), 0);
}
END_TEST

START_TEST(a_forgotten_post_is_not_taken)
{
    int64_t now = redis_now();

    enqueue(7, account, now - 5);
    enqueue(8, account, now - 4);
    ck_assert_int_eq(queue_forget(redis, 7, account, &err), RC_OK);
    ck_assert_uint_eq(take(10), 1);
    ck_assert_uint_eq(view.hints[0].post_id, 8);
    enqueue(9, account, now - 4);
    ck_assert_int_eq(queue_forget(redis, 9, account, &err), RC_OK);
    ck_assert_uint_eq(take(10), 0);
    ck_assert_int_eq(view.next_wake_ms, 0);
}
END_TEST

START_TEST(an_account_starts_six_a_minute_in_order_and_never_starves_another)
{
    int64_t now = redis_now();
    uint64_t taken[16] = {0};
    size_t n = 0, others = 0;

    for (uint64_t post = 1; post <= 50; post++)
        enqueue(post, account, now - 100 + (int64_t)post);
    for (uint64_t i = 1; i <= 20; i++)
        enqueue(1000 + i, account + i * QUEUE_GROUPS, now - 1);
    for (int round = 0; round < 10; round++) {
        size_t len = take(QUEUE_TAKE_MAX);

        for (size_t i = 0; i < len; i++) {
            if (view.hints[i].account_id == account)
                taken[n++] = view.hints[i].post_id;
            else
                others++;
        }
    }
    ck_assert_uint_eq(others, 20);
    ck_assert_uint_eq(n, QUEUE_INIT_LIMIT);
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(taken[i], i + 1);
    /* The next one exactly when the first of the six leaves the window. */
    ck_assert_int_ge(view.next_wake_ms, now + QUEUE_WINDOW_MS);
    ck_assert_int_le(view.next_wake_ms, view.now_ms + QUEUE_WINDOW_MS);
}
END_TEST

START_TEST(a_window_lets_exactly_its_limit_through)
{
    int64_t wait = -1;

    for (int i = 0; i < QUEUE_STATUS_LIMIT; i++) {
        ck_assert_int_eq(queue_ring_pass(redis, QUEUE_RING_STATUS, account, &wait, &err),
                         RC_OK);
        ck_assert_int_eq(wait, 0);
    }
    ck_assert_int_eq(queue_ring_pass(redis, QUEUE_RING_STATUS, account, &wait, &err),
                     RC_OK);
    ck_assert_int_gt(wait, QUEUE_WINDOW_MS / 2);
    ck_assert_int_le(wait, QUEUE_WINDOW_MS);
    ck_assert_int_eq(queue_ring_pass(redis, QUEUE_RING_CREATOR, account, &wait, &err),
                     RC_OK);
    ck_assert_int_eq(wait, 0);
    ck_assert_int_eq(
        queue_ring_pass(redis, QUEUE_RING_STATUS, account + QUEUE_GROUPS, &wait, &err),
        RC_OK);
    ck_assert_int_eq(wait, 0);
}
END_TEST

START_TEST(an_init_beyond_the_first_of_a_take_counts_against_the_same_window)
{
    int64_t now = redis_now();
    int64_t wait = -1;

    enqueue(7, account, now - 10);
    ck_assert_uint_eq(take(10), 1); /* counts one */
    for (int i = 1; i < QUEUE_INIT_LIMIT; i++) {
        ck_assert_int_eq(queue_ring_pass(redis, QUEUE_RING_INIT, account, &wait, &err),
                         RC_OK);
        ck_assert_int_eq(wait, 0);
    }
    ck_assert_int_eq(queue_ring_pass(redis, QUEUE_RING_INIT, account, &wait, &err),
                     RC_OK);
    ck_assert_int_gt(wait, 0);
    enqueue(8, account, now - 10);
    ck_assert_uint_eq(take(10), 0);
}
END_TEST

START_TEST(a_window_that_proved_too_wide_takes_less_for_a_while_but_always_one)
{
    int64_t wait = -1;

    ck_assert_int_eq(queue_ring_shrink(redis, QUEUE_RING_INIT, account, &err), RC_OK);
    for (int i = 0; i < QUEUE_INIT_LIMIT - 1; i++) {
        ck_assert_int_eq(queue_ring_pass(redis, QUEUE_RING_INIT, account, &wait, &err),
                         RC_OK);
        ck_assert_int_eq(wait, 0);
    }
    ck_assert_int_eq(queue_ring_pass(redis, QUEUE_RING_INIT, account, &wait, &err),
                     RC_OK);
    ck_assert_int_gt(wait, 0);
    /* What is taken out of the lanes keeps to it, too. */
    enqueue(1, account, redis_now() - 10);
    ck_assert_uint_eq(take(10), 0);

    account += QUEUE_GROUPS;
    for (int i = 0; i < 2 * QUEUE_INIT_LIMIT; i++)
        ck_assert_int_eq(queue_ring_shrink(redis, QUEUE_RING_INIT, account, &err), RC_OK);
    ck_assert_int_eq(queue_ring_pass(redis, QUEUE_RING_INIT, account, &wait, &err),
                     RC_OK);
    ck_assert_int_eq(wait, 0);
    ck_assert_int_eq(queue_ring_pass(redis, QUEUE_RING_INIT, account, &wait, &err),
                     RC_OK);
    ck_assert_int_gt(wait, 0);
}
END_TEST

static int64_t slowest_after(int64_t rate, const char *who)
{
    int64_t slowest = -1;

    ck_assert_int_eq(queue_pace(redis, rate, who, &slowest, &err), RC_OK);
    return slowest;
}

START_TEST(the_slowest_uploads_are_heard_of_until_they_are_faster_or_silent)
{
    ck_assert_int_eq(slowest_after(0, "a"), 0);
    ck_assert_int_eq(slowest_after(400000, "a"), 400000);
    ck_assert_int_eq(slowest_after(0, "a"), 400000); /* it has begun anew */
    ck_assert_int_eq(slowest_after(5000000, "b"), 400000);
    ck_assert_int_eq(slowest_after(300000, "b c"), 300000);
    ck_assert_int_eq(slowest_after(600000, "a"), 300000);
    ck_assert_int_eq(slowest_after(900000, "b c"), 900000); /* its own word is kept */
    ck_assert_int_eq(slowest_after(600000, "a"), 600000);
    command("DEL", "tts:pace"); /* a time without a word */
    ck_assert_int_eq(slowest_after(0, "a"), 0);
}
END_TEST

START_TEST(the_witness_goes_to_the_first_and_only_its_holder_may_change_it)
{
    const struct queue_witness witness = {5, account};
    char holder[QUEUE_WITNESS_SIZE];
    char cancel[QUEUE_WITNESS_SIZE];
    bool done = true;

    ck_assert_int_eq(queue_witness_take(redis, &witness, "v1", holder, &err), RC_OK);
    ck_assert_str_eq(holder, "v1");
    ck_assert_int_eq(queue_witness_take(redis, &witness, "v2", holder, &err), RC_OK);
    ck_assert_str_eq(holder, "v1");
    ck_assert_int_eq(queue_witness_take(redis, &witness, "v1", holder, &err), RC_OK);
    ck_assert_str_eq(holder, "v1");
    ck_assert_int_eq(queue_witness_swap(redis, &witness, "v2", NULL, &done, &err), RC_OK);
    ck_assert(!done);
    ck_assert_int_eq(queue_witness_swap(redis, &witness, "v1", "v3", &done, &err), RC_OK);
    ck_assert(done);
    queue_witness_cancel(7, cancel);
    ck_assert_int_eq(queue_witness_take(redis, &witness, cancel, holder, &err), RC_OK);
    ck_assert_str_eq(holder, "v3");
    ck_assert_int_eq(queue_witness_swap(redis, &witness, "v3", NULL, &done, &err), RC_OK);
    ck_assert(done);
    ck_assert_int_eq(queue_witness_take(redis, &witness, cancel, holder, &err), RC_OK);
    ck_assert_str_eq(holder, "cancel:7");
}
END_TEST

START_TEST(a_cancel_names_the_version_that_it_takes_back)
{
    static const char *const others[] = {
        "",          "cancel",     "cancel:",  "cancel:-1", "cancel:4294967296",
        "cancel:7x", "v_pub_url~", "Cancel:7", "xcancel:7"};
    char value[QUEUE_WITNESS_SIZE];
    uint32_t version = 0;

    queue_witness_cancel(UINT32_MAX, value);
    ck_assert(queue_witness_is_cancel(value, &version));
    ck_assert_uint_eq(version, UINT32_MAX);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        ck_assert_msg(!queue_witness_is_cancel(others[i], &version), "%s", others[i]);
}
END_TEST

START_TEST(the_witness_can_be_read_without_taking_it)
{
    const struct queue_witness witness = {6, account};
    const struct queue_witness other = {7, account};
    char holder[QUEUE_WITNESS_SIZE] = "x";

    ck_assert_int_eq(queue_witness_read(redis, &witness, holder, &err), RC_OK);
    ck_assert_str_eq(holder, "");
    ck_assert_int_eq(queue_witness_take(redis, &witness, "v1", holder, &err), RC_OK);
    ck_assert_int_eq(queue_witness_read(redis, &witness, holder, &err), RC_OK);
    ck_assert_str_eq(holder, "v1");
    ck_assert_int_eq(queue_witness_read(redis, &other, holder, &err), RC_OK);
    ck_assert_str_eq(holder, "");
}
END_TEST

START_TEST(a_redis_that_has_forgotten_wants_one_full_load)
{
    int64_t now = redis_now();
    struct queue_load load, late, other;

    ck_assert(!view.loaded);
    ck_assert_int_eq(queue_load_begin(redis, &load, &err), RC_OK);
    ck_assert(load.mine);
    ck_assert_int_eq(queue_load_begin(redis, &other, &err), RC_OK);
    ck_assert(!other.mine);
    late = load;
    ck_assert_int_eq(queue_load_end(redis, &load, &err), RC_OK);
    (void)take(1);
    ck_assert(view.loaded);
    ck_assert_int_eq(queue_load_begin(redis, &load, &err), RC_OK);
    ck_assert(!load.mine); /* nothing to do */
    enqueue(7, account, now - 5);
    command("FLUSHALL", "");
    restore();
    ck_assert_uint_eq(take(10), 0);
    ck_assert(!view.loaded);
    enqueue(7, account, now - 5);
    ck_assert_uint_eq(take(10), 1);
    late.server[0] = late.server[0] == 'a' ? 'b' : 'a'; /* of the one before */
    ck_assert_int_eq(queue_load_end(redis, &late, &err), RC_OK);
    (void)take(1);
    ck_assert(!view.loaded);
}
END_TEST

START_TEST(a_finished_task_is_heard_by_whoever_waits_before_or_after)
{
    bool done = false;

    ck_assert_int_eq(queue_task_done(redis, account, &err), RC_OK);
    ck_assert_int_eq(queue_task_wait(redis, account, 1000, &done, &err), RC_OK);
    ck_assert(done);
    ck_assert_int_eq(queue_task_wait(redis, account, 100, &done, &err), RC_OK);
    ck_assert(!done);
}
END_TEST

static struct queue_ear *new_ear(void)
{
    struct queue_ear *ear = NULL;

    ck_assert_int_eq(queue_ear_new(url, &ear, &err), RC_OK);
    queue_ear_set_deadline(ear, PATIENCE_MS);
    return ear;
}

static unsigned hear(struct queue_ear *ear)
{
    struct pollfd p = {.fd = queue_ear_fd(ear), .events = POLLIN};

    ck_assert_int_eq(poll(&p, 1, PATIENCE_MS), 1);
    return queue_ear_listen(ear);
}

START_TEST(an_ear_hears_new_posts_and_tasks_and_survives_a_hangup)
{
    struct redis_arg kill[] = {redis_str("CLIENT"), redis_str("KILL"), redis_str("TYPE"),
                               redis_str("pubsub")};
    struct redis_reply *reply = NULL;
    struct queue_ear *ear;

    ear = new_ear();
    ck_assert_int_eq(queue_ear_fd(ear), -1);
    ck_assert_int_eq(queue_ear_open(ear, &err), RC_OK);
    enqueue(7, account, redis_now() + 1000);
    ck_assert_uint_eq(hear(ear), QUEUE_HEARD_POST);
    ck_assert_int_eq(queue_task_hint(redis, &err), RC_OK);
    ck_assert_uint_eq(hear(ear), QUEUE_HEARD_TASK);
    ck_assert_uint_eq(queue_ear_listen(ear), 0);
    ck_assert_int_eq(redis_command(redis, kill, 4, 1000, &reply, &err), RC_OK);
    redis_reply_free(reply);
    (void)hear(ear);
    ck_assert_int_eq(queue_ear_fd(ear), -1);
    ck_assert_int_eq(queue_ear_open(ear, &err), RC_OK);
    queue_ear_free(ear);
}
END_TEST

START_TEST(an_ear_hears_webhooks_and_of_which_posts_there_is_news)
{
    const uint64_t *posts = NULL;
    struct queue_ear *ear;
    unsigned heard = 0;

    ear = new_ear();
    ck_assert_uint_eq(queue_ear_nudges(ear, &posts), 0);
    ck_assert_int_eq(queue_ear_open(ear, &err), RC_OK);
    ck_assert_int_eq(queue_hook_hint(redis, &err), RC_OK);
    ck_assert_uint_eq(hear(ear), QUEUE_HEARD_HOOK);
    ck_assert_uint_eq(queue_ear_nudges(ear, &posts), 0);
    ck_assert_int_eq(queue_nudge(redis, 71, &err), RC_OK);
    ck_assert_uint_eq(hear(ear), QUEUE_HEARD_NUDGE);
    ck_assert_uint_eq(queue_ear_nudges(ear, &posts), 1);
    ck_assert_uint_eq(posts[0], 71);
    ck_assert_uint_eq(queue_ear_listen(ear), 0);
    ck_assert_uint_eq(queue_ear_nudges(ear, &posts), 0);
    /* More than are kept are let go, and nothing else is lost. */
    for (uint64_t i = 1; i <= QUEUE_NUDGES_MAX + 5; i++)
        ck_assert_int_eq(queue_nudge(redis, i, &err), RC_OK);
    ck_assert_int_eq(queue_task_hint(redis, &err), RC_OK);
    while ((heard & QUEUE_HEARD_TASK) == 0) {
        heard = hear(ear);
        ck_assert_uint_le(queue_ear_nudges(ear, &posts), QUEUE_NUDGES_MAX);
    }
    queue_ear_free(ear);
}
END_TEST

START_TEST(a_nudge_that_names_no_post_is_none)
{
    struct redis_arg say[] = {redis_str("PUBLISH"), redis_str("tts:nudge"),
                              redis_str("7x")};
    struct redis_reply *reply = NULL;
    const uint64_t *posts = NULL;
    struct queue_ear *ear;

    ear = new_ear();
    ck_assert_int_eq(queue_ear_open(ear, &err), RC_OK);
    ck_assert_int_eq(redis_command(redis, say, 3, 1000, &reply, &err), RC_OK);
    redis_reply_free(reply);
    ck_assert_uint_eq(hear(ear), QUEUE_HEARD_NUDGE);
    ck_assert_uint_eq(queue_ear_nudges(ear, &posts), 0);
    queue_ear_free(ear);
}
END_TEST

int main(int argc UNUSED, char **argv)
{
    const TTest *const tests[] = {
        the_look_ahead_sees_what_redis_has_lost,
        a_group_that_has_forgotten_hands_out_nothing_until_it_is_told,
        nor_does_one_that_another_server_has_written,
        nor_does_one_that_somebody_doubts_while_it_is_told,
        calls_that_were_told_count,
        a_take_tells_since_when_the_window_lets_a_post_go,
        a_call_that_was_told_to_come_moves_to_when_it_is_made,
        a_call_that_is_not_made_is_given_back,
        what_waits_for_the_window_comes_when_a_call_is_given_back,
        the_call_of_a_hint_is_given_back,
        the_call_of_a_hint_moves_to_when_it_is_made,
        a_due_post_is_taken_once_and_a_later_one_not_yet,
        a_hint_given_again_moves_the_post_and_does_not_double_it,
        posts_beyond_the_horizon_stay_out_and_leave_when_moved_there,
        a_forgotten_post_is_not_taken,
        an_account_starts_six_a_minute_in_order_and_never_starves_another,
        a_window_lets_exactly_its_limit_through,
        an_init_beyond_the_first_of_a_take_counts_against_the_same_window,
        a_window_that_proved_too_wide_takes_less_for_a_while_but_always_one,
        the_slowest_uploads_are_heard_of_until_they_are_faster_or_silent,
        the_witness_goes_to_the_first_and_only_its_holder_may_change_it,
        a_cancel_names_the_version_that_it_takes_back,
        the_witness_can_be_read_without_taking_it,
        a_redis_that_has_forgotten_wants_one_full_load,
        a_finished_task_is_heard_by_whoever_waits_before_or_after,
        an_ear_hears_new_posts_and_tasks_and_survives_a_hangup,
        an_ear_hears_webhooks_and_of_which_posts_there_is_news,
        a_nudge_that_names_no_post_is_none};

    own_servers(argv[0], "redis");
    return unit_run("queue_lanes", tests, ARRAY_LEN(tests), setup, teardown);
}
