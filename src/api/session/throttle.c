#include "throttle.h"

#include "core/encode.h"
#include "core/log.h"
#include "core/text.h"
#include "crypto/digest.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { BUDGET_MS = 200 }; /* what one count may cost a sign-in */

static enum rc too_many(int64_t wait_ms, struct err *err)
{
    return err_retry(err, RC_LIMITED, wait_ms > 0 ? wait_ms : 1000, "too_many_attempts",
                     "Too many attempts to sign in. Wait before you try again.");
}

/* --- keys ---------------------------------------------------------------------- */

void throttle_address(const char *ip, char *out, size_t size)
{
    struct in6_addr six;
    char prefix[17];

    if (inet_pton(AF_INET6, ip, &six) == 1 && !IN6_IS_ADDR_V4MAPPED(&six)) {
        hex_encode(&six, 8, prefix);
        (void)snprintf(out, size, "%s/64", prefix);
    } else {
        text_copy(out, size, ip);
    }
}

/* An e-mail address is a person's business: Redis gets a hash of it. */
static void hashed_key(char out[THROTTLE_KEY_SIZE], const char *kind, const char *address,
                       const char *email)
{
    char text[512];
    char digest[DIGEST_SHA256_HEX_SIZE];
    size_t len;

    (void)snprintf(text, sizeof(text), "%s %s", address, email);
    len = strlen(text);
    for (size_t i = 0; i < len; i++)
        text[i] = text_lower(text[i]);
    digest_sha256_hex(text, len, digest);
    (void)snprintf(out, THROTTLE_KEY_SIZE, "tts:login:%s:%.32s", kind, digest);
}

static void make_keys(struct throttle *t, const char *ip, const char *email)
{
    char address[40];

    throttle_address(ip, address, sizeof(address));
    hashed_key(t->pair, "pair", address, email);
    hashed_key(t->account, "account", "", email);
    (void)snprintf(t->address, sizeof(t->address), "tts:login:address:%s", address);
}

/* --- counts in Redis ----------------------------------------------------------- */

/* RC_LIMITED over the limit, RC_UNAVAILABLE when Redis is away. */
static enum rc count(struct api *api, const char *key, int64_t ttl_ms, int64_t max,
                     struct err *err)
{
    int64_t n = 0, left_ms = 0;
    enum rc rc = redis_count(api->redis, key, ttl_ms, BUDGET_MS, &n, err);

    if (rc != RC_OK || n <= max)
        return rc;
    rc = redis_counted(api->redis, key, BUDGET_MS, &n, &left_ms, err);
    return rc == RC_OK ? too_many(left_ms, err) : rc;
}

/* In this order: a try that is one too many from its address is not counted against the
 * account, or one address could keep everybody out of it. */
static enum rc count_all(struct api *api, const struct throttle *t, struct err *err)
{
    int64_t n = 0, left_ms = 0;
    enum rc rc = redis_counted(api->redis, t->address, BUDGET_MS, &n, &left_ms, err);

    if (rc == RC_OK && n >= THROTTLE_ADDRESS_MAX)
        return too_many(left_ms, err);
    if (rc == RC_OK)
        rc = count(api, t->pair, THROTTLE_PAIR_MS, THROTTLE_PAIR_MAX, err);
    if (rc == RC_OK)
        rc = count(api, t->account, THROTTLE_ACCOUNT_MS, THROTTLE_ACCOUNT_MAX, err);
    return rc;
}

/* --- while Redis is away ------------------------------------------------------- */

static enum rc count_here(struct api *api, struct err *err)
{
    int64_t now_ms = clock_mono_ms(api->clock);

    if (api->sign_ins.n == 0 || now_ms - api->sign_ins.since_ms >= THROTTLE_AWAY_MS) {
        api->sign_ins.since_ms = now_ms;
        api->sign_ins.n = 0;
    }
    if (api->sign_ins.n >= THROTTLE_AWAY_MAX)
        return too_many(api->sign_ins.since_ms + THROTTLE_AWAY_MS - now_ms, err);
    api->sign_ins.n++;
    return RC_OK;
}

int64_t throttle_wait_ms(uint32_t failed, int64_t failed_at_ms, int64_t now_ms)
{
    int64_t wait_ms = 1000;
    int64_t left_ms;

    if (failed < THROTTLE_FREE)
        return 0;
    for (uint32_t i = THROTTLE_FREE; i < failed && wait_ms < THROTTLE_WAIT_MAX_MS; i++)
        wait_ms *= 2;
    if (wait_ms > THROTTLE_WAIT_MAX_MS)
        wait_ms = THROTTLE_WAIT_MAX_MS;
    left_ms = failed_at_ms + wait_ms - now_ms;
    return left_ms > 0 ? left_ms : 0;
}

/* --- a try --------------------------------------------------------------------- */

enum rc throttle_begin(struct api *api, const char *ip, const char *email,
                       struct throttle *t, struct err *err)
{
    enum rc rc;

    *t = (struct throttle){0};
    make_keys(t, ip, email);
    rc = count_all(api, t, err);
    if (rc == RC_OK || rc == RC_LIMITED)
        return rc;
    t->redis_away = true;
    return count_here(api, err);
}

enum rc throttle_check_row(const struct throttle *t, const struct user_login *user,
                           struct err *err)
{
    int64_t wait_ms;

    if (!t->redis_away)
        return RC_OK;
    wait_ms = throttle_wait_ms(user->failed, user->failed_at_ms, user->now_ms);
    return wait_ms > 0 ? too_many(wait_ms, err) : RC_OK;
}

/* The row is written only while Redis is away: a write for known accounts alone would
 * tell by its time which accounts are known. */
void throttle_failed(struct api *api, const struct throttle *t, uint64_t user_id)
{
    struct err err;
    int64_t n;
    enum rc rc = RC_OK;

    if (!t->redis_away)
        rc =
            redis_count(api->redis, t->address, THROTTLE_ADDRESS_MS, BUDGET_MS, &n, &err);
    else if (user_id != 0)
        rc = user_login_failed(api->db, user_id, &err);
    if (rc != RC_OK)
        log_failure("session.not_counted", &err);
}

/* What stays counted ends by itself. */
void throttle_succeeded(struct api *api, const struct throttle *t)
{
    struct err err;
    enum rc rc;

    if (t->redis_away)
        return; /* session_open() forgets the failures in the row */
    rc = redis_delete(api->redis, t->pair, BUDGET_MS, &err);
    if (rc == RC_OK)
        rc = redis_delete(api->redis, t->account, BUDGET_MS, &err);
    if (rc != RC_OK)
        log_failure("session.not_forgotten", &err);
}
