/* redis, redis_url: a connection that comes back, and never keeps anyone waiting; on a
 * Redis of its own, whose connections it cuts. */
#include "core/clock.h"
#include "core/strbuf.h"
#include "core/xalloc.h"
#include "queue/redis.h"
#include "queue/redis_url.h"
#include "servers.h"
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct redis *redis;
static struct err err;

static void setup(void)
{
    ck_assert_int_eq(redis_new(getenv("TEST_REDIS_URL"), &redis, &err), RC_OK);
    redis_set_patience(redis, 60000);
}

static void teardown(void)
{
    redis_free(redis);
}

static int64_t ask(const char *verb, const char *what)
{
    struct redis_arg args[] = {redis_str(verb), redis_str(what)};
    struct redis_reply *reply = NULL;
    int64_t n;

    ck_assert_int_eq(
        redis_command(redis, args, what[0] != '\0' ? 2 : 1, 1000, &reply, &err), RC_OK);
    n = redis_reply_int(reply);
    redis_reply_free(reply);
    return n;
}

START_TEST(an_address_is_read_whole_or_refused)
{
    static const struct {
        const char *url, *path, *host, *user, *password;
        int64_t port, db;
    } good[] = {
        {"redis://localhost", NULL, "localhost", NULL, NULL, 6379, 0},
        {"redis://10.0.0.1:6380/3", NULL, "10.0.0.1", NULL, NULL, 6380, 3},
        {"redis://:p%40ss@h:1", NULL, "h", NULL, "p@ss", 1, 0},
        {"redis://u:p@[::1]:7/", NULL, "::1", "u", "p", 7, 0},
        {"unix:///run/redis.sock", "/run/redis.sock", NULL, NULL, NULL, 0, 0},
        {"unix:///r.sock?db=2", "/r.sock", NULL, NULL, NULL, 0, 2},
    };
    static const char *const bad[] = {
        "",           "localhost",     "http://h",        "redis://",
        "redis://h:", "redis://h:0",   "redis://h:65536", "redis://h/x",
        "redis://@h", "redis://u@h",   "redis://:%zz@h",  "redis://[::1",
        "unix://",    "unix://r.sock", "unix:///r?db=x",  "unix:///r?x=1"};
    struct redis_url url;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        ck_assert_msg(redis_url_parse(good[i].url, &url, &err) == RC_OK, "%s",
                      good[i].url);
        ck_assert_pstr_eq(url.path, good[i].path);
        ck_assert_pstr_eq(url.host, good[i].host);
        ck_assert_pstr_eq(url.user, good[i].user);
        ck_assert_pstr_eq(url.password, good[i].password);
        ck_assert_int_eq(url.port, good[i].port);
        ck_assert_int_eq(url.db, good[i].db);
        redis_url_release(&url);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(redis_url_parse(bad[i], &url, &err) == RC_INVALID, "%s", bad[i]);
}
END_TEST

START_TEST(commands_carry_bytes_and_answers_are_read_by_type)
{
    struct redis_arg set[] = {redis_str("SET"), redis_str("tts:test:b"), {"a\0b", 3}};
    struct redis_arg get[] = {redis_str("GET"), redis_str("tts:test:b")};
    struct redis_arg none[] = {redis_str("GET"), redis_str("tts:test:none")};
    struct redis_reply *reply = NULL;
    size_t len;

    ck_assert_int_eq(redis_command(redis, set, 3, 1000, &reply, &err), RC_OK);
    ck_assert_str_eq(redis_reply_text(reply, NULL), "OK");
    redis_reply_free(reply);
    ck_assert_int_eq(redis_command(redis, get, 2, 1000, &reply, &err), RC_OK);
    ck_assert_mem_eq(redis_reply_text(reply, &len), "a\0b", 3);
    ck_assert_uint_eq(len, 3);
    ck_assert_int_eq(redis_reply_int(reply), 0);
    redis_reply_free(reply);
    ck_assert_int_eq(redis_command(redis, none, 2, 1000, &reply, &err), RC_OK);
    ck_assert_ptr_null(redis_reply_text(reply, &len));
    ck_assert_uint_eq(redis_reply_items(reply), 0);
    ck_assert_ptr_null(redis_reply_item(reply, 0));
    redis_reply_free(reply);
}
END_TEST

START_TEST(redis_s_own_refusal_is_told_by_its_first_word)
{
    struct redis_arg args[] = {redis_str("LPUSH"), redis_str("tts:test:b"),
                               redis_str("x")};
    struct redis_reply *reply = NULL;

    (void)ask("DEL", "tts:test:b");
    ck_assert_int_eq(redis_command(redis, args, 3, 1000, &reply, &err), RC_OK);
    redis_reply_free(reply);
    args[0] = redis_str("GET");
    ck_assert_int_eq(redis_command(redis, args, 2, 1000, &reply, &err), RC_REJECTED);
    ck_assert_str_eq(err.msg, "WRONGTYPE");
    (void)ask("DEL", "tts:test:b");
}
END_TEST

START_TEST(a_connection_that_redis_closed_is_replaced_by_the_next_command)
{
    struct redis *other;
    struct redis_arg kill[] = {redis_str("CLIENT"), redis_str("KILL"), redis_str("TYPE"),
                               redis_str("normal")};
    struct redis_reply *reply = NULL;

    ck_assert_int_eq(redis_ping(redis, 1000, &err), RC_OK);
    ck_assert_int_eq(redis_new(getenv("TEST_REDIS_URL"), &other, &err), RC_OK);
    redis_set_patience(other, 60000);
    ck_assert_int_eq(redis_command(other, kill, 4, 1000, &reply, &err), RC_OK);
    redis_reply_free(reply);
    redis_free(other);
    ck_assert_int_eq(redis_ping(redis, 1000, &err), RC_OK);
}
END_TEST

START_TEST(a_server_that_accepts_and_keeps_silent_costs_no_more_than_the_deadline)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    char url[64];
    struct redis *mute;

    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    ck_assert_int_eq(listen(listener, 8), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    (void)snprintf(url, sizeof(url), "redis://127.0.0.1:%d", ntohs(at.sin_port));
    ck_assert_int_eq(redis_new(url, &mute, &err), RC_OK);
    ck_assert_int_eq(redis_ping(mute, 50, &err), RC_UNAVAILABLE);
    redis_free(mute);
    (void)close(listener);
}
END_TEST

START_TEST(after_a_failed_connect_the_next_commands_fail_at_once)
{
    struct redis *gone;

    ck_assert_int_eq(redis_new("unix:///nonexistent/redis.sock", &gone, &err), RC_OK);
    ck_assert_int_eq(redis_ping(gone, 100, &err), RC_UNAVAILABLE);
    ck_assert_int_eq(redis_ping(gone, 100, &err), RC_UNAVAILABLE);
    ck_assert_str_eq(err.code, "redis_away");
    redis_free(gone);
}
END_TEST

START_TEST(a_counter_counts_and_ends_by_itself)
{
    int64_t n = 0, left = 0;

    ck_assert_int_eq(redis_delete(redis, "tts:test:c", 1000, &err), RC_OK);
    ck_assert_int_eq(redis_counted(redis, "tts:test:c", 1000, &n, &left, &err), RC_OK);
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(left, 0);
    for (int64_t i = 1; i <= 3; i++) {
        ck_assert_int_eq(redis_count(redis, "tts:test:c", 60000, 1000, &n, &err), RC_OK);
        ck_assert_int_eq(n, i);
    }
    ck_assert_int_eq(redis_counted(redis, "tts:test:c", 1000, &n, &left, &err), RC_OK);
    ck_assert_int_eq(n, 3);
    ck_assert(left > 0 && left <= 60000);
    ck_assert_int_eq(redis_delete(redis, "tts:test:c", 1000, &err), RC_OK);
}
END_TEST

START_TEST(a_script_that_redis_forgot_is_sent_again)
{
    struct redis_arg flush[] = {redis_str("SCRIPT"), redis_str("FLUSH")};
    struct redis_reply *reply = NULL;
    int64_t n;

    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(redis_command(redis, flush, 2, 1000, &reply, &err), RC_OK);
        redis_reply_free(reply);
        ck_assert_int_eq(redis_count(redis, "tts:test:s", 60000, 1000, &n, &err), RC_OK);
        ck_assert_int_eq(redis_count(redis, "tts:test:s", 60000, 1000, &n, &err), RC_OK);
    }
    ck_assert_int_eq(n, 4);
    ck_assert_int_eq(redis_delete(redis, "tts:test:s", 1000, &err), RC_OK);
}
END_TEST

int main(int argc UNUSED, char **argv)
{
    const TTest *const tests[] = {
        an_address_is_read_whole_or_refused,
        commands_carry_bytes_and_answers_are_read_by_type,
        redis_s_own_refusal_is_told_by_its_first_word,
        a_connection_that_redis_closed_is_replaced_by_the_next_command,
        a_server_that_accepts_and_keeps_silent_costs_no_more_than_the_deadline,
        after_a_failed_connect_the_next_commands_fail_at_once,
        a_counter_counts_and_ends_by_itself,
        a_script_that_redis_forgot_is_sent_again};

    own_servers(argv[0], "redis");
    return unit_run("queue_redis", tests, ARRAY_LEN(tests), setup, teardown);
}
