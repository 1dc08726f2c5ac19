/* tokens: the one refresh of a pair that TikTok gives once. The table of tokens, TikTok
 * and the pauses are this file's; keys, seals, journal and parsing are the real ones. */
#include "core/log.h"
#include "crypto/keys.h"
#include "publisher/nap.h"
#include "publisher/tokens/again.h"
#include "publisher/tokens/journal.h"
#include "publisher/tokens/tokens.h"
#include "scratch.h"
#include "unit.h"

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct err err;
static struct publisher publisher;
static struct settings settings;
static struct key_ring *ring;
static char dir[SCRATCH_SIZE];

/* --- the table of tokens ------------------------------------------------------- */

static struct {
    bool there;
    struct account_token row;
    int claims, unclaims, deaths;
    enum token_end how;
    int64_t again_ms;
    int move_after; /* loads, then another process has rotated */
    bool claimed_by_other;
    int away; /* the next so many rotations find no database */
    bool rotated_meanwhile;
    struct token_pair pair; /* the last one stored */
    char scopes[513];
} table;

enum rc account_token_load(UNUSED struct db *db, uint64_t account_id,
                           struct account_token *out, struct err *e)
{
    if (!table.there || account_id != table.row.account_id)
        return err_set(e, RC_NOT_FOUND, "not_found", "none");
    if (table.move_after > 0 && --table.move_after == 0)
        table.row.version++;
    *out = table.row;
    return RC_OK;
}

enum rc account_token_claim(UNUSED struct db *db, UNUSED uint64_t account_id,
                            unsigned version, uint64_t inc, struct err *e)
{
    ck_assert_uint_eq(inc, 77);
    if (table.claimed_by_other || version != table.row.version)
        return err_set(e, RC_CONFLICT, "lost", "another's");
    table.claims++;
    return RC_OK;
}

enum rc account_token_unclaim(UNUSED struct db *db, UNUSED uint64_t account_id,
                              UNUSED uint64_t inc, int64_t again_ms, UNUSED struct err *e)
{
    ck_assert_int_gt(again_ms, 0);
    table.again_ms = again_ms;
    table.unclaims++;
    return RC_OK;
}

enum rc account_token_rotate(UNUSED struct db *db, uint64_t account_id, unsigned version,
                             const struct token_pair *pair, struct err *e)
{
    if (table.away > 0) {
        table.away--;
        return err_set(e, RC_UNAVAILABLE, "database_unavailable", "away");
    }
    ck_assert_uint_eq(account_id, table.row.account_id);
    if (version != table.row.version)
        return err_set(e, RC_CONFLICT, "lost", "newer");
    table.row.version++;
    table.row.access = pair->access;
    if (pair->refresh.len > 0)
        table.row.refresh = pair->refresh;
    table.row.access_exp_ms = table.row.now_ms + pair->access_life_ms;
    table.pair = *pair;
    (void)snprintf(table.scopes, sizeof(table.scopes), "%s", pair->scopes);
    return RC_OK;
}

enum rc account_token_dead(UNUSED struct db *db, UNUSED uint64_t account_id,
                           unsigned version, enum token_end how, struct err *e)
{
    if (table.rotated_meanwhile || version != table.row.version)
        return err_set(e, RC_CONFLICT, "lost", "newer");
    table.row.status = ACCOUNT_RECONNECT;
    table.row.lasting =
        how == TOKEN_NOT_RENEWED && table.row.access_exp_ms > table.row.now_ms;
    table.how = how;
    table.deaths++;
    return RC_OK;
}

enum rc account_access_lapse(UNUSED struct db *db, int64_t *n, UNUSED struct err *e)
{
    *n = 0;
    return RC_OK;
}

enum rc account_token_due(UNUSED struct db *db, UNUSED struct token_due *out,
                          UNUSED size_t max, size_t *len, UNUSED struct err *e)
{
    *len = 0;
    return RC_OK;
}

/* --- pauses -------------------------------------------------------------------- */

static int64_t slept_ms;
static bool end_in_nap; /* the process shuts down meanwhile */

void nap(int64_t ms)
{
    slept_ms += ms;
    if (end_in_nap)
        calls_close(publisher.calls);
}

/* --- TikTok -------------------------------------------------------------------- */

static struct {
    struct http http; /* first */
    http_done_fn *done;
    void *arg;
    char url[256], body[2048];
    int requests;
    sem_t woken;
} tiktok;

static enum rc submit(UNUSED struct http *h, const struct http_request *req,
                      http_done_fn *done, void *arg, uint64_t *id, UNUSED struct err *e)
{
    tiktok.done = done;
    tiktok.arg = arg;
    tiktok.requests++;
    (void)snprintf(tiktok.url, sizeof(tiktok.url), "%s", req->url);
    (void)snprintf(tiktok.body, sizeof(tiktok.body), "%.*s", (int)req->body_len,
                   (const char *)req->body);
    *id = 1;
    return RC_OK;
}

static void cancel(UNUSED struct http *h, UNUSED uint64_t id)
{
}

static void wake(UNUSED struct http *h)
{
    (void)sem_post(&tiktok.woken);
}

static const struct http_ops ops = {.submit = submit, .cancel = cancel, .wake = wake};

#define NEW_PAIR                                                                         \
    "{\"access_token\":\"act.new!1.e1\",\"expires_in\":7200,\"open_id\":\"o\","          \
    "\"refresh_token\":\"rft.new!1.e1\",\"refresh_expires_in\":15552000,"                \
    "\"scope\":\"user.info.basic,video.publish\",\"token_type\":\"Bearer\"}"
#define NO_REFRESH  "{\"access_token\":\"act.new!1.e1\",\"token_type\":\"Bearer\"}"
#define DEAD        "{\"error\":\"invalid_grant\",\"error_description\":\"x\",\"log_id\":\"L\"}"
#define CREDENTIALS "{\"error\":\"invalid_client\",\"error_description\":\"x\"}"
#define CUT         NULL

static void answer(const char *body)
{
    struct http_response res = {.status = 200};
    struct err why = {0};

    ck_assert_int_eq(sem_wait(&tiktok.woken), 0);
    calls_start(publisher.calls);
    if (body == NULL) {
        (void)err_set(&why, RC_UNCERTAIN, "http_failed", "cut");
        tiktok.done(tiktok.arg, RC_UNCERTAIN, NULL, &why);
        return;
    }
    strbuf_init(&res.body, 4096);
    strbuf_addstr(&res.body, body);
    tiktok.done(tiktok.arg, RC_OK, &res, &why);
    strbuf_release(&res.body);
}

/* --- the world ----------------------------------------------------------------- */

static const struct pool_kit kit;

static void seal_row(const char *access, const char *refresh)
{
    struct tiktok_tokens tokens = {.expires_in_s = 7200};
    struct token_pair pair;

    (void)snprintf(tokens.access_token, sizeof(tokens.access_token), "%s", access);
    (void)snprintf(tokens.refresh_token, sizeof(tokens.refresh_token), "%s", refresh);
    ck_assert_int_eq(tokens_seal(&publisher, 2, 9, &tokens, &pair, &err), RC_OK);
    table.row = (struct account_token){.account_id = 9,
                                       .workspace_id = 2,
                                       .access = pair.access,
                                       .refresh = pair.refresh,
                                       .access_exp_ms = 1000 + 30000,
                                       .now_ms = 1000,
                                       .version = 3,
                                       .status = ACCOUNT_CONNECTED};
    table.there = true;
}

static void make_ring(const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    ck_assert_int_eq(key_file_generate(path, random_system(), 0, &err), RC_OK);
    key_ring_free(ring);
    ring = NULL;
    ck_assert_int_eq(key_ring_load(path, &ring, &err), RC_OK);
    publisher.ring = ring;
}

static void setup(void)
{
    static char api[] = "https://api.test";
    char state[128];

    log_setup("test", LOG_LEVEL_ERROR);
    scratch_make(dir);
    settings = (struct settings){.api_url = api,
                                 .app = {.client_key = "key", .client_secret = "s&cret"}};
    tiktok.http.ops = &ops;
    ck_assert_int_eq(sem_init(&tiktok.woken, 0, 0), 0);
    publisher = (struct publisher){.settings = &settings};
    publisher.calls = calls_new(&tiktok.http);
    (void)snprintf(state, sizeof(state), "%s/state", dir);
    ck_assert_int_eq(journal_open(state, &publisher.journal, &err), RC_OK);
    make_ring("token.key");
    seal_row("act.old!1.e1", "rft.old!1.e1");
}

static void teardown(void)
{
    journal_close(publisher.journal);
    calls_free(publisher.calls);
    key_ring_free(ring);
    scratch_remove(dir);
}

static struct {
    struct token_want want;
    enum rc rc;
    struct token token;
    bool get;
} deed = {.want = {.account_id = 9, .version = 3, .inc = 77}};

static void *do_it(UNUSED void *arg)
{
    deed.rc = deed.get ? tokens_get(&publisher, &kit, &deed.want, &deed.token, &err)
                       : tokens_refresh(&publisher, &kit, &deed.want, &err);
    return NULL;
}

/* Refreshes while TikTok gives these answers; the result. */
static enum rc refresh(const char *const *answers, size_t n)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, do_it, NULL), 0);
    for (size_t i = 0; i < n; i++)
        answer(answers[i]);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(tiktok.requests, (int)n);
    return deed.rc;
}
#define REFRESH(...)                                                                     \
    refresh((const char *const[]){__VA_ARGS__},                                          \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static const char *opened(const char *column)
{
    static char text[TIKTOK_TOKEN_MAX + 1];

    ck_assert_int_eq(tokens_open(&publisher, &table.row, column, text, &err), RC_OK);
    return text;
}

/* Bytes in the journals, all together. */
static long written(void)
{
    char state[128], path[512];
    long bytes = 0;
    DIR *d;

    (void)snprintf(state, sizeof(state), "%s/state", dir);
    d = opendir(state);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        struct stat st;

        (void)snprintf(path, sizeof(path), "%s/%s", state, e->d_name);
        if (e->d_name[0] != '.' && stat(path, &st) == 0)
            bytes += (long)st.st_size;
    }
    (void)closedir(d);
    return bytes;
}

START_TEST(a_sealed_token_opens_in_its_own_row_and_column_only)
{
    struct account_token moved = table.row;
    char text[TIKTOK_TOKEN_MAX + 1];

    ck_assert_str_eq(opened("access_tok"), "act.old!1.e1");
    ck_assert_str_eq(opened("refresh_tok"), "rft.old!1.e1");
    moved.account_id = 10;
    ck_assert_int_eq(tokens_open(&publisher, &moved, "access_tok", text, &err),
                     RC_REJECTED);
    moved = table.row;
    moved.workspace_id = 3;
    ck_assert_int_eq(tokens_open(&publisher, &moved, "access_tok", text, &err),
                     RC_REJECTED);
    moved = table.row;
    moved.access = moved.refresh;
    ck_assert_int_eq(tokens_open(&publisher, &moved, "access_tok", text, &err),
                     RC_REJECTED);
}
END_TEST

START_TEST(a_token_is_stale_shortly_before_its_end_and_after_a_refusal)
{
    static const struct {
        int64_t left_ms;
        unsigned used;
        bool stale;
    } cases[] = {{TOKENS_FRESH_MS, 0, false},
                 {TOKENS_FRESH_MS - 1, 0, true},
                 {-5, 0, true},
                 {7200000, 3, true},
                 {7200000, 2, false},
                 {7200000, 0, false}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        table.row.access_exp_ms = table.row.now_ms + cases[i].left_ms;
        ck_assert_msg(tokens_stale(&table.row, cases[i].used) == cases[i].stale,
                      "case %zu", i);
    }
}
END_TEST

START_TEST(a_new_pair_is_refreshed_at_seventy_percent_of_its_life_give_or_take)
{
    struct tiktok_tokens tokens = {.expires_in_s = 7200, .access_token = "a"};
    struct token_pair pair;

    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(tokens_seal(&publisher, 2, 9, &tokens, &pair, &err), RC_OK);
        ck_assert_int_eq(pair.access_life_ms, 7200000);
        ck_assert_int_ge(pair.refresh_at_ms, 7200000 / 100 * 65);
        ck_assert_int_le(pair.refresh_at_ms, 7200000 / 100 * 75);
        ck_assert_uint_eq(pair.refresh.len, 0);
    }
}
END_TEST

START_TEST(a_refresh_sends_the_old_token_and_stores_the_new_pair)
{
    ck_assert_int_eq(REFRESH(NEW_PAIR), RC_OK);
    ck_assert_str_eq(tiktok.url, "https://api.test/v2/oauth/token/");
    ck_assert_ptr_nonnull(strstr(tiktok.body, "grant_type=refresh_token"));
    ck_assert_ptr_nonnull(strstr(tiktok.body, "refresh_token=rft.old%211.e1"));
    ck_assert_ptr_nonnull(strstr(tiktok.body, "client_secret=s%26cret"));
    ck_assert_str_eq(opened("access_tok"), "act.new!1.e1");
    ck_assert_str_eq(opened("refresh_tok"), "rft.new!1.e1");
    ck_assert_str_eq(table.scopes, "user.info.basic,video.publish");
    ck_assert_uint_eq(table.row.version, 4);
    ck_assert_int_eq(written(), 0); /* the journal's work is done */
}
END_TEST

START_TEST(without_a_new_refresh_token_the_old_one_stays)
{
    ck_assert_int_eq(REFRESH(NO_REFRESH), RC_OK);
    ck_assert_str_eq(opened("access_tok"), "act.new!1.e1");
    ck_assert_str_eq(opened("refresh_tok"), "rft.old!1.e1");
    ck_assert_str_eq(table.scopes, "");
}
END_TEST

START_TEST(a_lost_answer_is_asked_for_once_more_with_the_same_token)
{
    ck_assert_int_eq(REFRESH(CUT, NEW_PAIR), RC_OK);
    ck_assert_ptr_nonnull(strstr(tiktok.body, "refresh_token=rft.old%211.e1"));
    ck_assert_int_eq(slept_ms, TOKENS_RETRY_MS);
    ck_assert_str_eq(opened("access_tok"), "act.new!1.e1");
}
END_TEST

START_TEST(without_any_answer_the_account_is_not_blamed)
{
    ck_assert_int_eq(REFRESH(CUT, CUT), RC_UNAVAILABLE);
    ck_assert_str_eq(err.code, "tiktok_unavailable");
    ck_assert_int_eq(table.row.status, ACCOUNT_CONNECTED);
    ck_assert_int_eq(table.unclaims, 1);
    ck_assert_int_eq(table.again_ms, 10000);
    ck_assert_int_eq(err.retry_after_ms, 10000);
}
END_TEST

START_TEST(after_claims_without_an_answer_the_next_waits_longer_and_holds_no_thread)
{
    table.row.fails = 1;
    ck_assert_int_eq(REFRESH(CUT), RC_UNAVAILABLE);
    ck_assert_int_eq(slept_ms, 0);
    ck_assert_int_eq(table.again_ms, 30000);
}
END_TEST

START_TEST(a_lost_answer_then_a_refusal_is_asked_for_once_more_before_it_is_believed)
{
    ck_assert_int_eq(REFRESH(CUT, DEAD, DEAD), RC_DENIED);
    ck_assert_int_eq(slept_ms, TOKENS_RETRY_MS + AGAIN_DENIED_MS);
    ck_assert_int_eq(table.deaths, 1);
}
END_TEST

START_TEST(a_token_that_is_dead_twice_asks_the_person_to_connect_again)
{
    ck_assert_int_eq(REFRESH(DEAD, DEAD), RC_DENIED);
    ck_assert_str_eq(err.code, "reconnect_needed");
    ck_assert_int_eq(slept_ms, AGAIN_DENIED_MS);
    ck_assert_int_eq(table.deaths, 1);
    ck_assert_int_eq(table.how, TOKEN_NOT_RENEWED);
}
END_TEST

START_TEST(a_token_that_is_dead_and_was_rotated_by_another_is_used_at_once)
{
    for (int loads = 2; loads <= 3; loads++) { /* seen before the wait, and after it */
        table.row.version = 3;
        table.move_after = loads;
        slept_ms = 0;
        tiktok.requests = 0;
        ck_assert_int_eq(REFRESH(DEAD), RC_OK);
        ck_assert_int_eq(slept_ms, loads == 2 ? 0 : AGAIN_DENIED_MS);
    }
    ck_assert_int_eq(table.deaths + table.unclaims, 0);
}
END_TEST

START_TEST(a_dead_grant_leaves_the_access_token_that_lasts)
{
    deed.get = true;
    deed.want.version = 0;
    ck_assert_int_eq(REFRESH(DEAD, DEAD), RC_OK);
    ck_assert_str_eq(deed.token.text, "act.old!1.e1");
    ck_assert_int_eq(table.deaths, 1);
    /* Nobody asks for another any more, however short its life. */
    tiktok.requests = 0;
    ck_assert_int_eq(refresh(NULL, 0), RC_OK);
    ck_assert_str_eq(deed.token.text, "act.old!1.e1");
    deed.get = false;
    ck_assert_int_eq(refresh(NULL, 0), RC_DENIED);
    ck_assert_int_eq(table.deaths, 1);
    /* Until TikTok refuses it. */
    deed.get = true;
    deed.want.version = 3;
    ck_assert_int_eq(refresh(NULL, 0), RC_DENIED);
    ck_assert_int_eq(table.how, TOKEN_REFUSED);
    ck_assert_int_eq(table.deaths, 2);
}
END_TEST

START_TEST(a_dead_grant_whose_access_token_was_refused_leaves_nothing)
{
    deed.get = true;
    table.row.access_exp_ms = table.row.now_ms + 7200000;
    ck_assert_int_eq(REFRESH(DEAD, DEAD), RC_DENIED);
    ck_assert_int_eq(table.how, TOKEN_REFUSED);
    ck_assert_str_eq(err.code, "reconnect_needed");
}
END_TEST

START_TEST(a_token_that_is_dead_because_another_process_rotated_it_is_no_death)
{
    table.rotated_meanwhile = true;
    ck_assert_int_eq(REFRESH(DEAD, DEAD), RC_OK);
    ck_assert_int_eq(table.deaths, 0);
}
END_TEST

START_TEST(wrong_credentials_of_ours_leave_the_account_connected)
{
    ck_assert_int_eq(REFRESH(CREDENTIALS), RC_REJECTED);
    ck_assert_str_eq(err.code, "client_invalid");
    ck_assert_int_eq(table.row.status, ACCOUNT_CONNECTED);
    ck_assert_int_eq(table.unclaims, 1);
    ck_assert_int_eq(table.deaths, 0);
}
END_TEST

START_TEST(only_the_one_who_claimed_it_refreshes)
{
    table.claimed_by_other = true;
    ck_assert_int_eq(refresh(NULL, 0), RC_UNAVAILABLE);
    ck_assert_str_eq(err.code, "refresh_under_way");
    ck_assert_int_gt(err.retry_after_ms, 0);
}
END_TEST

START_TEST(what_is_newer_already_is_not_refreshed)
{
    table.row.version = 4;
    ck_assert_int_eq(refresh(NULL, 0), RC_OK);
    ck_assert_int_eq(table.claims, 0);
}
END_TEST

START_TEST(an_account_that_is_not_connected_has_no_token)
{
    table.row.status = ACCOUNT_DISCONNECTED;
    ck_assert_int_eq(refresh(NULL, 0), RC_DENIED);
    table.there = false;
    ck_assert_int_eq(refresh(NULL, 0), RC_DENIED);
    ck_assert_str_eq(err.code, "reconnect_needed");
}
END_TEST

START_TEST(a_token_under_a_key_we_do_not_have_is_the_operators_affair)
{
    make_ring("another.key");
    ck_assert_int_eq(refresh(NULL, 0), RC_UNAVAILABLE);
    ck_assert_str_eq(err.code, "token_unreadable");
    ck_assert_int_eq(table.row.status, ACCOUNT_CONNECTED);
}
END_TEST

START_TEST(a_new_pair_waits_for_the_database_as_long_as_it_takes)
{
    table.away = 20;
    ck_assert_int_eq(REFRESH(NEW_PAIR), RC_OK);
    ck_assert_int_eq(slept_ms, 20 * TOKENS_STORE_MS);
    ck_assert_str_eq(opened("refresh_tok"), "rft.new!1.e1");
    ck_assert_int_eq(written(), 0);
}
END_TEST

START_TEST(a_new_pair_survives_a_process_that_ends_before_the_database_is_back)
{
    struct journal *next;
    char state[128];
    size_t n = 0;

    table.away = 1000;
    end_in_nap = true;
    ck_assert_int_eq(REFRESH(NEW_PAIR), RC_UNAVAILABLE);
    ck_assert_int_gt(written(), 0);
    journal_close(publisher.journal);
    publisher.journal = NULL;
    table.away = 0;
    (void)snprintf(state, sizeof(state), "%s/state", dir);
    ck_assert_int_eq(journal_open(state, &next, &err), RC_OK);
    ck_assert_int_eq(journal_replay(next, tokens_restore, NULL, &n, &err), RC_OK);
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(opened("access_tok"), "act.new!1.e1");
    ck_assert_str_eq(opened("refresh_tok"), "rft.new!1.e1");
    journal_close(next);
}
END_TEST

START_TEST(a_good_token_is_given_as_it_is_and_a_stale_one_renewed_first)
{
    deed.get = true;
    deed.want.version = 0;
    table.row.access_exp_ms = table.row.now_ms + 7200000;
    ck_assert_int_eq(refresh(NULL, 0), RC_OK);
    ck_assert_str_eq(deed.token.text, "act.old!1.e1");
    ck_assert_uint_eq(deed.token.version, 3);
    deed.want.version = 3; /* TikTok refused it */
    ck_assert_int_eq(REFRESH(NEW_PAIR), RC_OK);
    ck_assert_str_eq(deed.token.text, "act.new!1.e1");
    ck_assert_uint_eq(deed.token.version, 4);
    ck_assert_uint_eq(deed.token.workspace_id, 2);
}
END_TEST

UNIT_MAIN_FIXTURE(
    "publisher_tokens", setup, teardown,
    a_sealed_token_opens_in_its_own_row_and_column_only,
    a_token_is_stale_shortly_before_its_end_and_after_a_refusal,
    a_new_pair_is_refreshed_at_seventy_percent_of_its_life_give_or_take,
    a_refresh_sends_the_old_token_and_stores_the_new_pair,
    without_a_new_refresh_token_the_old_one_stays,
    a_lost_answer_is_asked_for_once_more_with_the_same_token,
    without_any_answer_the_account_is_not_blamed,
    after_claims_without_an_answer_the_next_waits_longer_and_holds_no_thread,
    a_lost_answer_then_a_refusal_is_asked_for_once_more_before_it_is_believed,
    a_token_that_is_dead_and_was_rotated_by_another_is_used_at_once,
    a_dead_grant_leaves_the_access_token_that_lasts,
    a_dead_grant_whose_access_token_was_refused_leaves_nothing,
    a_token_that_is_dead_twice_asks_the_person_to_connect_again,
    a_token_that_is_dead_because_another_process_rotated_it_is_no_death,
    wrong_credentials_of_ours_leave_the_account_connected,
    only_the_one_who_claimed_it_refreshes, what_is_newer_already_is_not_refreshed,
    an_account_that_is_not_connected_has_no_token,
    a_token_under_a_key_we_do_not_have_is_the_operators_affair,
    a_new_pair_waits_for_the_database_as_long_as_it_takes,
    a_new_pair_survives_a_process_that_ends_before_the_database_is_back,
    a_good_token_is_given_as_it_is_and_a_stale_one_renewed_first)
