#include "queue/queue.h"

#include "core/parse.h"
#include "core/random.h"
#include "queue/scripts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    KEY_SIZE = 64,
    TASK_DONE_TTL_S = 60,
    TAKE_HEAD = 4,     /* items before the first entry of a take's answer */
    RESTORE_MS = 5000, /* whoever restores a group has died after this */
    LOAD_MS = 10000,   /* likewise, whoever gives all hints again */
};

/* An array of arguments of which the first n are keys. */
#define KEYS(args, n) ((struct redis_args){(args), ARRAY_LEN(args), (n)})

/* A key or number written out, as an argument. */
struct text {
    char buf[KEY_SIZE];
};

static struct redis_arg number(struct text *t, int64_t n)
{
    (void)snprintf(t->buf, sizeof(t->buf), "%" PRId64, n);
    return redis_str(t->buf);
}

static struct redis_arg id(struct text *t, uint64_t n)
{
    (void)snprintf(t->buf, sizeof(t->buf), "%" PRIu64, n);
    return redis_str(t->buf);
}

static struct redis_arg group_key(struct text *t, unsigned group, const char *name)
{
    (void)snprintf(t->buf, sizeof(t->buf), "{%u}:%s", group, name);
    return redis_str(t->buf);
}

static struct redis_arg account_key(struct text *t, const char *name, uint64_t account_id)
{
    (void)snprintf(t->buf, sizeof(t->buf), "{%u}:%s:%" PRIu64, queue_group(account_id),
                   name, account_id);
    return redis_str(t->buf);
}

static struct redis_arg witness_key(struct text *t, const struct queue_witness *w)
{
    (void)snprintf(t->buf, sizeof(t->buf), "w:{%u}:%" PRIu64, queue_group(w->account_id),
                   w->post_id);
    return redis_str(t->buf);
}

unsigned queue_group(uint64_t account_id)
{
    return (unsigned)(account_id % QUEUE_GROUPS);
}

enum rc queue_feed(struct redis *r, const struct queue_entry *entry, bool *known,
                   struct err *err)
{
    struct text t[9];
    struct redis_arg args[] = {
        group_key(&t[0], queue_group(entry->account_id), "A"),
        account_key(&t[1], "j", entry->account_id),
        account_key(&t[2], "ri", entry->account_id),
        id(&t[3], entry->account_id),
        id(&t[4], entry->post_id),
        number(&t[5], entry->next_at_ms),
        number(&t[6], QUEUE_INIT_LIMIT),
        number(&t[7], QUEUE_WINDOW_MS),
        number(&t[8], QUEUE_HORIZON_MS),
    };
    struct redis_reply *reply = NULL;
    enum rc rc = redis_eval(r, &script_enqueue, KEYS(args, 3), &reply, err);

    if (rc == RC_OK)
        *known = redis_reply_int(reply) == 0;
    redis_reply_free(reply);
    return rc;
}

enum rc queue_enqueue(struct redis *r, uint64_t post_id, uint64_t account_id,
                      int64_t next_at_ms, struct err *err)
{
    const struct queue_entry entry = {post_id, account_id, next_at_ms};
    bool known = false;

    return queue_feed(r, &entry, &known, err);
}

enum rc queue_forget(struct redis *r, uint64_t post_id, uint64_t account_id,
                     struct err *err)
{
    struct text t[4];
    struct redis_arg args[] = {
        group_key(&t[0], queue_group(account_id), "A"),
        account_key(&t[1], "j", account_id),
        id(&t[2], account_id),
        id(&t[3], post_id),
    };
    struct redis_reply *reply = NULL;
    enum rc rc = redis_eval(r, &script_forget, KEYS(args, 2), &reply, err);

    redis_reply_free(reply);
    return rc;
}

/* The entries behind the heading items of a take's answer; those that are not numbers
 * (somebody else wrote into our keys) are left out. */
static size_t read_hints(const struct redis_reply *reply, struct queue_hint *out,
                         size_t max)
{
    size_t items = redis_reply_items(reply);
    int64_t now_ms = redis_reply_int(redis_reply_item(reply, 0));
    size_t n = 0;

    for (size_t i = TAKE_HEAD; i + 3 < items && n < max; i += 4) {
        int64_t account = redis_reply_int(redis_reply_item(reply, i));
        int64_t post = redis_reply_int(redis_reply_item(reply, i + 1));
        int64_t at_ms = redis_reply_int(redis_reply_item(reply, i + 2));

        if (account <= 0 || post <= 0)
            continue;
        out[n++] = (struct queue_hint){
            .account_id = (uint64_t)account,
            .post_id = (uint64_t)post,
            .at_ms = at_ms,
            .counted_ms = at_ms > now_ms ? at_ms : now_ms,
            .free_ms = redis_reply_int(redis_reply_item(reply, i + 3)),
        };
    }
    return n;
}

enum rc queue_take(struct redis *r, unsigned group, size_t max, int64_t ahead_ms,
                   struct queue_taken *out, struct err *err)
{
    struct text t[6];
    struct redis_arg args[] = {
        group_key(&t[0], group, "A"),
        group_key(&t[1], group, ""),
        number(&t[2], (int64_t)(max < QUEUE_TAKE_MAX ? max : QUEUE_TAKE_MAX)),
        number(&t[3], ahead_ms),
        number(&t[4], QUEUE_INIT_LIMIT),
        number(&t[5], QUEUE_WINDOW_MS),
    };
    struct redis_reply *reply = NULL;
    enum rc rc = redis_eval(r, &script_take, KEYS(args, 1), &reply, err);

    if (rc != RC_OK)
        return rc;
    out->len = read_hints(reply, out->hints, max < QUEUE_TAKE_MAX ? max : QUEUE_TAKE_MAX);
    out->now_ms = redis_reply_int(redis_reply_item(reply, 0));
    out->loaded = redis_reply_int(redis_reply_item(reply, 1)) == 1;
    out->ready = redis_reply_int(redis_reply_item(reply, 3)) == 1;
    out->next_wake_ms = redis_reply_int(redis_reply_item(reply, 2));
    redis_reply_free(reply);
    return RC_OK;
}

/* --- what Redis must know again -------------------------------------------------- */

/* A name that a script has answered, for it to be given back later. */
static void read_name(const struct redis_reply *reply, char out[QUEUE_NAME_SIZE])
{
    size_t len = 0;
    const char *text = redis_reply_text(reply, &len);

    len = text != NULL && len < QUEUE_NAME_SIZE ? len : 0;
    if (len > 0)
        (void)memcpy(out, text, len);
    out[len] = '\0';
}

enum rc queue_load_begin(struct redis *r, struct queue_load *out, struct err *err)
{
    struct text t[3];
    struct redis_arg args[] = {group_key(&t[0], 0, "epoch"),
                               group_key(&t[1], 0, "loading"), number(&t[2], LOAD_MS)};
    struct redis_reply *reply = NULL;
    enum rc rc = redis_eval(r, &script_load_begin, KEYS(args, 2), &reply, err);

    if (rc == RC_OK) {
        out->mine = redis_reply_int(redis_reply_item(reply, 0)) == 1;
        read_name(redis_reply_item(reply, 1), out->server);
    }
    redis_reply_free(reply);
    return rc;
}

static enum rc mark_loaded(struct redis *r, unsigned group, const char *server,
                           struct err *err)
{
    struct text t = {""};
    struct redis_arg args[] = {redis_str("SET"), group_key(&t, group, "epoch"),
                               redis_str(server)};
    struct redis_reply *reply = NULL;
    enum rc rc = redis_command(r, args, ARRAY_LEN(args), REDIS_TIMEOUT_MS, &reply, err);

    redis_reply_free(reply);
    return rc;
}

/* Group 0 last: queue_load_begin() looks there. */
enum rc queue_load_end(struct redis *r, const struct queue_load *load, struct err *err)
{
    enum rc rc = RC_OK;

    for (unsigned g = QUEUE_GROUPS; g > 0 && rc == RC_OK; g--)
        rc = mark_loaded(r, g - 1, load->server, err);
    return rc;
}

static struct redis_arg new_token(struct text *t)
{
    const struct random_source *random = random_system();

    (void)snprintf(t->buf, sizeof(t->buf), "%" PRIu64 "-%" PRIu64,
                   random_below(random, UINT32_MAX), random_below(random, UINT32_MAX));
    return redis_str(t->buf);
}

enum rc queue_restore_begin(struct redis *r, unsigned group, int64_t settle_ms,
                            struct queue_restore *out, struct err *err)
{
    struct text t[6];
    struct redis_arg args[] = {
        group_key(&t[0], group, "ready"),  group_key(&t[1], group, "restoring"),
        group_key(&t[2], group, "unsure"), new_token(&t[3]),
        number(&t[4], RESTORE_MS),         number(&t[5], settle_ms)};
    struct redis_reply *reply = NULL;
    enum rc rc = redis_eval(r, &script_restore_begin, KEYS(args, 3), &reply, err);

    if (rc == RC_OK) {
        out->mine = redis_reply_int(redis_reply_item(reply, 0)) == 1;
        read_name(redis_reply_item(reply, 1), out->claim);
    }
    redis_reply_free(reply);
    return rc;
}

enum rc queue_restore_calls(struct redis *r, uint64_t account_id,
                            const struct queue_call *calls, size_t n, struct err *err)
{
    struct text t[3 + QUEUE_INIT_LIMIT];
    struct redis_arg args[3 + QUEUE_INIT_LIMIT] = {account_key(&t[0], "ri", account_id),
                                                   number(&t[1], QUEUE_INIT_LIMIT),
                                                   number(&t[2], QUEUE_WINDOW_MS)};
    struct redis_reply *reply = NULL;
    size_t len = 3;
    enum rc rc;

    for (size_t i = 0; i < n && len < ARRAY_LEN(args); i++, len++)
        args[len] = number(&t[len], calls[i].to_come ? -1 : calls[i].age_ms);
    rc = redis_eval(r, &script_restore, (struct redis_args){args, len, 1}, &reply, err);
    redis_reply_free(reply);
    return rc;
}

enum rc queue_restore_end(struct redis *r, unsigned group,
                          const struct queue_restore *restore, bool *done,
                          struct err *err)
{
    struct text t[3];
    struct redis_arg args[] = {
        group_key(&t[0], group, "ready"), group_key(&t[1], group, "restoring"),
        group_key(&t[2], group, "unsure"), redis_str(restore->claim)};
    struct redis_reply *reply = NULL;
    enum rc rc = redis_eval(r, &script_restore_end, KEYS(args, 3), &reply, err);

    if (rc == RC_OK)
        *done = redis_reply_int(reply) == 1;
    redis_reply_free(reply);
    return rc;
}

enum rc queue_doubt(struct redis *r, struct err *err)
{
    enum rc rc = RC_OK;

    for (unsigned g = 0; g < QUEUE_GROUPS && rc == RC_OK; g++) {
        struct text t[3];
        struct redis_arg args[] = {redis_str("DEL"), group_key(&t[0], g, "ready"),
                                   group_key(&t[1], g, "restoring"),
                                   group_key(&t[2], g, "unsure")};
        struct redis_reply *reply = NULL;

        rc = redis_command(r, args, ARRAY_LEN(args), REDIS_TIMEOUT_MS, &reply, err);
        redis_reply_free(reply);
    }
    return rc;
}

enum rc queue_refund(struct redis *r, const struct queue_hint *hint, struct err *err)
{
    struct text t[8];
    struct redis_arg args[] = {
        account_key(&t[0], "ri", hint->account_id),
        group_key(&t[1], queue_group(hint->account_id), "A"),
        account_key(&t[2], "j", hint->account_id),
        account_key(&t[3], "xi", hint->account_id),
        number(&t[4], hint->counted_ms),
        id(&t[5], hint->account_id),
        number(&t[6], QUEUE_INIT_LIMIT),
        number(&t[7], QUEUE_WINDOW_MS),
    };
    struct redis_reply *reply = NULL;
    enum rc rc = redis_eval(r, &script_refund, KEYS(args, 4), &reply, err);

    redis_reply_free(reply);
    return rc;
}

static const struct {
    const char *key, *cut; /* the calls; how many less */
    int64_t limit;
} windows[] = {
    [QUEUE_RING_STATUS] = {"rs", "xs", QUEUE_STATUS_LIMIT},
    [QUEUE_RING_CREATOR] = {"rc", "xc", QUEUE_CREATOR_LIMIT},
    [QUEUE_RING_INIT] = {"ri", "xi", QUEUE_INIT_LIMIT},
};

static enum rc pass(struct redis *r, enum queue_ring ring, struct queue_hint *call,
                    struct queue_passed *out, struct err *err)
{
    const bool init = ring == QUEUE_RING_INIT;
    const size_t keys = init ? 3 : 2;
    struct text t[6];
    struct redis_arg args[6] = {
        account_key(&t[0], windows[ring].key, call->account_id),
        account_key(&t[1], windows[ring].cut, call->account_id),
        group_key(&t[2], queue_group(call->account_id), "ready"),
    };
    struct redis_reply *reply = NULL;
    enum rc rc;

    args[keys] = number(&t[3], windows[ring].limit);
    args[keys + 1] = number(&t[4], QUEUE_WINDOW_MS);
    args[keys + 2] = number(&t[5], call->counted_ms);
    rc = redis_eval(r, &script_ring, (struct redis_args){args, keys + 3, keys}, &reply,
                    err);
    if (rc == RC_OK) {
        out->wait_ms = redis_reply_int(redis_reply_item(reply, 0));
        out->known = redis_reply_int(redis_reply_item(reply, 2)) == 1;
    }
    if (rc == RC_OK && out->known && out->wait_ms == 0)
        call->counted_ms = redis_reply_int(redis_reply_item(reply, 1));
    redis_reply_free(reply);
    return rc;
}

enum rc queue_ring_pass(struct redis *r, enum queue_ring ring, uint64_t account_id,
                        int64_t *wait_ms, struct err *err)
{
    struct queue_hint call = {.account_id = account_id};
    struct queue_passed passed = {0};
    enum rc rc = pass(r, ring, &call, &passed, err);

    if (rc == RC_OK)
        *wait_ms = passed.wait_ms;
    return rc;
}

enum rc queue_init_pass(struct redis *r, struct queue_hint *hint,
                        struct queue_passed *out, struct err *err)
{
    return pass(r, QUEUE_RING_INIT, hint, out, err);
}

enum rc queue_ring_shrink(struct redis *r, enum queue_ring ring, uint64_t account_id,
                          struct err *err)
{
    struct text t[3];
    struct redis_arg args[] = {
        account_key(&t[0], windows[ring].cut, account_id),
        number(&t[1], windows[ring].limit),
        number(&t[2], QUEUE_SHRINK_MS),
    };
    struct redis_reply *reply = NULL;
    enum rc rc = redis_eval(r, &script_shrink, KEYS(args, 1), &reply, err);

    redis_reply_free(reply);
    return rc;
}

enum rc queue_pace(struct redis *r, int64_t rate, const char *who, int64_t *slowest,
                   struct err *err)
{
    struct text t[2];
    struct redis_arg args[] = {
        redis_str("tts:pace"),
        number(&t[0], rate),
        redis_str(who),
        number(&t[1], QUEUE_PACE_MS),
    };
    struct redis_reply *reply = NULL;
    enum rc rc = redis_eval(r, &script_pace, KEYS(args, 1), &reply, err);

    if (rc == RC_OK)
        *slowest = redis_reply_int(reply);
    redis_reply_free(reply);
    return rc;
}

/* The holder's name in an answer; "" when there is none. */
static enum rc read_holder(const struct redis_reply *reply,
                           char holder[QUEUE_WITNESS_SIZE], struct err *err)
{
    size_t len = 0;
    const char *text = redis_reply_text(reply, &len);

    if (text != NULL && (len == 0 || len >= QUEUE_WITNESS_SIZE))
        return err_set(err, RC_BUG, "witness_form", "the witness holds something else");
    if (text != NULL)
        (void)memcpy(holder, text, len);
    holder[text != NULL ? len : 0] = '\0';
    return RC_OK;
}

enum rc queue_witness_take(struct redis *r, const struct queue_witness *witness,
                           const char *value, char holder[QUEUE_WITNESS_SIZE],
                           struct err *err)
{
    struct text t[2];
    struct redis_arg args[] = {witness_key(&t[0], witness), redis_str(value),
                               number(&t[1], QUEUE_WITNESS_MS)};
    struct redis_reply *reply = NULL;
    enum rc rc = redis_eval(r, &script_witness_take, KEYS(args, 1), &reply, err);

    if (rc != RC_OK)
        return rc;
    rc = read_holder(reply, holder, err);
    if (rc == RC_OK && holder[0] == '\0')
        rc = err_set(err, RC_BUG, "witness_form", "the witness has no holder");
    redis_reply_free(reply);
    return rc;
}

enum rc queue_witness_read(struct redis *r, const struct queue_witness *witness,
                           char holder[QUEUE_WITNESS_SIZE], struct err *err)
{
    struct text t = {""};
    struct redis_arg args[] = {redis_str("GET"), witness_key(&t, witness)};
    struct redis_reply *reply = NULL;
    enum rc rc = redis_command(r, args, ARRAY_LEN(args), REDIS_TIMEOUT_MS, &reply, err);

    if (rc == RC_OK)
        rc = read_holder(reply, holder, err);
    redis_reply_free(reply);
    return rc;
}

enum rc queue_witness_swap(struct redis *r, const struct queue_witness *witness,
                           const char *from, const char *to, bool *done, struct err *err)
{
    struct text t[2];
    struct redis_arg args[] = {witness_key(&t[0], witness), redis_str(from),
                               redis_str(to != NULL ? to : ""),
                               number(&t[1], QUEUE_WITNESS_MS)};
    struct redis_reply *reply = NULL;
    enum rc rc = redis_eval(r, &script_witness_swap, KEYS(args, 1), &reply, err);

    if (rc == RC_OK)
        *done = redis_reply_int(reply) == 1;
    redis_reply_free(reply);
    return rc;
}

static const char cancel_form[] = "cancel:";

void queue_witness_cancel(uint32_t version, char value[QUEUE_WITNESS_SIZE])
{
    (void)snprintf(value, QUEUE_WITNESS_SIZE, "%s%" PRIu32, cancel_form, version);
}

bool queue_witness_is_cancel(const char *holder, uint32_t *version)
{
    const size_t len = sizeof(cancel_form) - 1;
    int64_t number = 0;

    if (strncmp(holder, cancel_form, len) != 0 ||
        !parse_i64(holder + len, 0, UINT32_MAX, &number))
        return false;
    *version = (uint32_t)number;
    return true;
}

static enum rc publish(struct redis *r, const char *channel, struct redis_arg word,
                       struct err *err)
{
    struct redis_arg args[] = {redis_str("PUBLISH"), redis_str(channel), word};
    struct redis_reply *reply = NULL;
    enum rc rc =
        redis_command(r, args, ARRAY_LEN(args), QUEUE_ENQUEUE_BUDGET_MS, &reply, err);

    redis_reply_free(reply);
    return rc;
}

enum rc queue_task_hint(struct redis *r, struct err *err)
{
    return publish(r, "tts:tasks", redis_str("1"), err);
}

enum rc queue_hook_hint(struct redis *r, struct err *err)
{
    return publish(r, "tts:hooks", redis_str("1"), err);
}

enum rc queue_nudge(struct redis *r, uint64_t post_id, struct err *err)
{
    struct text t = {.buf = ""};

    return publish(r, "tts:nudge", id(&t, post_id), err);
}

static struct redis_arg wait_key(struct text *t, uint64_t task_id)
{
    (void)snprintf(t->buf, sizeof(t->buf), "tts:wait:%" PRIu64, task_id);
    return redis_str(t->buf);
}

enum rc queue_task_done(struct redis *r, uint64_t task_id, struct err *err)
{
    struct text t[2];
    struct redis_arg push[] = {redis_str("LPUSH"), wait_key(&t[0], task_id),
                               redis_str("done")};
    struct redis_arg expire[] = {redis_str("EXPIRE"), push[1],
                                 number(&t[1], TASK_DONE_TTL_S)};
    struct redis_reply *reply = NULL;
    enum rc rc = redis_command(r, push, ARRAY_LEN(push), REDIS_TIMEOUT_MS, &reply, err);

    redis_reply_free(reply);
    if (rc != RC_OK)
        return rc;
    reply = NULL;
    rc = redis_command(r, expire, ARRAY_LEN(expire), REDIS_TIMEOUT_MS, &reply, err);
    redis_reply_free(reply);
    return rc;
}

enum rc queue_task_wait(struct redis *r, uint64_t task_id, int timeout_ms, bool *done,
                        struct err *err)
{
    struct text t[2];
    int seconds = (timeout_ms + 999) / 1000;
    struct redis_arg args[] = {redis_str("BLPOP"), wait_key(&t[0], task_id),
                               number(&t[1], seconds)};
    struct redis_reply *reply = NULL;
    enum rc rc = redis_command(r, args, ARRAY_LEN(args),
                               seconds * 1000 + REDIS_TIMEOUT_MS, &reply, err);

    if (rc == RC_OK)
        *done = redis_reply_items(reply) == 2;
    redis_reply_free(reply);
    return rc;
}
