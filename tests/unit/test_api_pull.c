/* api/pull: who may fetch what and when. The database and the pool of workers are played
 * by this file. */
#include "api/pull/pull.h"
#include "store/gate.h"
#include "unit.h"
#include "web/server.h"

#include <stdio.h>
#include <string.h>

#define TOKEN "000102030405060708090a0b0c0d0e0f"

/* --- the world ------------------------------------------------------------------- */

static struct {
    struct gate_file file;
    enum rc find;      /* of gate_find() */
    enum rc serve[2];  /* of gate_serve(), one after the other */
    int opens_after;   /* looks until it opens; negative: never */
    int gone_after;    /* likewise, until it is gone */
    int finds, serves; /* how often asked */
    unsigned position;
} db_;

static struct {
    bool full, leaves; /* no worker may wait; the client goes away */
    int waiting, waits, pauses;
    int64_t now_ms;
} pool_;

enum rc gate_find(UNUSED struct db *db, const unsigned char *token, unsigned position,
                  struct gate_file *out, struct err *err)
{
    for (unsigned i = 0; i < JOB_GATE_SIZE; i++)
        ck_assert_uint_eq(token[i], i);
    db_.finds++;
    db_.position = position;
    if (db_.finds == db_.opens_after)
        db_.file.state = GATE_OPEN;
    if (db_.finds == db_.gone_after)
        db_.file.state = GATE_GONE;
    if (db_.find != RC_OK)
        return err_set(err, db_.find, "as_told", "as told");
    *out = db_.file;
    return RC_OK;
}

enum rc gate_serve(UNUSED struct db *db, UNUSED const unsigned char *token,
                   struct err *err)
{
    enum rc rc = db_.serve[db_.serves < 2 ? db_.serves : 1];

    db_.serves++;
    return rc == RC_OK ? rc : err_set(err, rc, "as_told", "as told");
}

bool web_wait_begin(enum web_wait what)
{
    ck_assert_int_eq(what, WEB_WAIT_GATE);
    if (pool_.full)
        return false;
    pool_.waiting++;
    pool_.waits++;
    return true;
}

void web_wait_end(void)
{
    pool_.waiting--;
}

bool web_pause(UNUSED const struct web_request *req, int64_t ms)
{
    pool_.pauses++;
    pool_.now_ms += ms;
    return !pool_.leaves;
}

static int64_t mono(UNUSED void *ctx)
{
    return pool_.now_ms;
}

/* --- asking ---------------------------------------------------------------------- */

static struct web_response res;
static struct err err;
static struct blob_store *blobs; /* nothing is looked for in it */

static enum rc ask(const char *method, const char *token, const char *file)
{
    const struct clock clock = {.mono_ms = mono, .wall_ms = mono};
    struct api api = {.clock = &clock, .blobs = blobs};
    const struct web_request web = {.method = method, .path = "/m/"};
    struct api_request req = {.web = &web, .params = {.n = 2}};
    enum rc rc;

    (void)snprintf(req.params.name[0], sizeof(req.params.name[0]), "gate_token");
    (void)snprintf(req.params.value[0], sizeof(req.params.value[0]), "%s", token);
    (void)snprintf(req.params.name[1], sizeof(req.params.name[1]), "file");
    (void)snprintf(req.params.value[1], sizeof(req.params.value[1]), "%s", file);
    web_response_reset(&res);
    rc = pull_get(&api, &req, &res, &err);
    ck_assert_int_eq(pool_.waiting, 0);
    return rc;
}

static void expect_path(const char *path, const char *type)
{
    char line[128];

    ck_assert_int_eq(res.status, 200);
    (void)snprintf(line, sizeof(line), "X-Accel-Redirect: %s\r\n", path);
    ck_assert_msg(strstr(res.headers.buf, line) != NULL, "%s", res.headers.buf);
    (void)snprintf(line, sizeof(line), "Content-Type: %s\r\n", type);
    ck_assert_msg(strstr(res.headers.buf, line) != NULL, "%s", res.headers.buf);
    ck_assert_ptr_nonnull(strstr(res.headers.buf, "Cache-Control: no-store\r\n"));
    ck_assert_ptr_null(strstr(res.headers.buf, "Set-Cookie"));
}

#define CONTENT "/_media/aa/aaaaaaaaaaaaaaaaaaaaaaaaaa"

static void setup(void)
{
    (void)memset(&db_, 0, sizeof(db_));
    (void)memset(&pool_, 0, sizeof(pool_));
    db_.opens_after = db_.gone_after = -1;
    db_.file = (struct gate_file){.state = GATE_OPEN,
                                  .kind = MEDIA_KIND_PHOTO,
                                  .blob_key = "aaaaaaaaaaaaaaaaaaaaaaaaaa",
                                  .mime = "image/jpeg"};
    web_response_init(&res);
    ck_assert_int_eq(
        blob_store_open(&(struct blob_settings){.url = "file:///tmp"}, &blobs, &err),
        RC_OK);
}

static void teardown(void)
{
    blob_store_close(blobs);
    web_response_release(&res);
}

START_TEST(what_is_open_is_noted_and_then_handed_to_nginx)
{
    ck_assert_int_eq(ask("GET", TOKEN, "7.jpg"), RC_OK);
    expect_path(CONTENT, "image/jpeg");
    ck_assert_int_eq(db_.serves, 1);
    ck_assert_uint_eq(db_.position, 7);
    ck_assert_int_eq(pool_.waits, 0);
}
END_TEST

START_TEST(a_head_lets_nothing_through_and_waits_for_nothing)
{
    static const enum gate_state states[] = {GATE_OPEN, GATE_CLOSED};

    for (size_t i = 0; i < 2; i++) {
        db_.file.state = states[i];
        ck_assert_int_eq(ask("HEAD", TOKEN, "0.jpg"), RC_OK);
        expect_path(CONTENT, "image/jpeg");
    }
    db_.file.state = GATE_GONE;
    ck_assert_int_eq(ask("HEAD", TOKEN, "0.jpg"), RC_NOT_FOUND);
    ck_assert_int_eq(db_.serves + pool_.waits, 0);
}
END_TEST

START_TEST(the_extension_says_which_part_it_is)
{
    static const struct {
        enum media_kind kind;
        const char *mime;
        bool rendition;
        const char *file;
        const char *part; /* behind the content's path; NULL: there is none */
        const char *type;
    } cases[] = {
        {MEDIA_KIND_PHOTO, "image/jpeg", false, "0.jpg", "", "image/jpeg"},
        {MEDIA_KIND_PHOTO, "image/jpeg", true, "0.jpg", ".", "image/jpeg"},
        {MEDIA_KIND_PHOTO, "image/webp", true, "0.jpg", ".", "image/jpeg"},
        {MEDIA_KIND_PHOTO, "image/webp", true, "0.webp", "", "image/webp"},
        {MEDIA_KIND_PHOTO, "image/webp", false, "0.webp", "", "image/webp"},
        {MEDIA_KIND_PHOTO, "image/webp", false, "0.jpg", NULL, NULL},
        {MEDIA_KIND_PHOTO, "image/jpeg", false, "0.webp", NULL, NULL},
        {MEDIA_KIND_PHOTO, "image/png", false, "0.jpg", NULL, NULL},
        {MEDIA_KIND_VIDEO, "video/mp4", false, "0.mp4", "", "video/mp4"},
        {MEDIA_KIND_VIDEO, "video/mp4", true, "0.jpg", NULL, NULL},
        {MEDIA_KIND_VIDEO, "video/quicktime", false, "0.mov", "", "video/quicktime"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[BLOB_LINK_SIZE];
        enum rc rc;

        db_.file.kind = cases[i].kind;
        db_.file.has_rendition = cases[i].rendition;
        (void)snprintf(db_.file.mime, sizeof(db_.file.mime), "%s", cases[i].mime);
        db_.serves = 0;
        rc = ask("GET", TOKEN, cases[i].file);
        ck_assert_msg((rc == RC_OK) == (cases[i].part != NULL), "case %zu: %s", i,
                      rc_name(rc));
        ck_assert_int_eq(db_.serves, cases[i].part != NULL);
        if (cases[i].part == NULL)
            continue;
        blob_accel(blobs, db_.file.blob_key,
                   cases[i].part[0] != '\0' ? BLOB_RENDITION : BLOB_CONTENT, "GET", path);
        expect_path(path, cases[i].type);
    }
}
END_TEST

START_TEST(what_is_no_token_and_no_file_never_reaches_the_database)
{
    static const char *const tokens[] = {"", "00", "000102030405060708090A0B0C0D0E0F",
                                         TOKEN "0", "g00102030405060708090a0b0c0d0e0f"};
    static const char *const files[] = {"0", "00.jpg", "0.png", "../0.jpg", "1000.jpg"};

    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++)
        ck_assert_int_eq(ask("GET", tokens[i], "0.jpg"), RC_NOT_FOUND);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        ck_assert_int_eq(ask("GET", TOKEN, files[i]), RC_NOT_FOUND);
    ck_assert_int_eq(db_.finds, 0);
}
END_TEST

START_TEST(who_knocks_at_a_closed_gate_waits_until_it_opens)
{
    db_.file.state = GATE_CLOSED;
    db_.opens_after = 4;
    ck_assert_int_eq(ask("GET", TOKEN, "0.jpg"), RC_OK);
    expect_path(CONTENT, "image/jpeg");
    ck_assert_int_eq(db_.serves, 1);
    ck_assert_int_eq(pool_.now_ms, 3 * PULL_LOOK_MS);
}
END_TEST

START_TEST(or_until_it_is_gone)
{
    db_.file.state = GATE_CLOSED;
    db_.gone_after = 3;
    ck_assert_int_eq(ask("GET", TOKEN, "0.jpg"), RC_NOT_FOUND);
    ck_assert_int_eq(db_.serves, 0);
}
END_TEST

START_TEST(or_for_eight_seconds_and_comes_again)
{
    db_.file.state = GATE_CLOSED;
    ck_assert_int_eq(ask("GET", TOKEN, "0.jpg"), RC_LIMITED);
    ck_assert_str_eq(err.code, "not_open_yet");
    ck_assert_int_eq(err.retry_after_ms, PULL_AGAIN_MS);
    ck_assert_int_eq(pool_.now_ms, PULL_HOLD_MS);
    ck_assert_int_eq(db_.serves, 0);
}
END_TEST

START_TEST(nobody_waits_when_half_of_the_workers_do_or_the_client_has_gone)
{
    db_.file.state = GATE_CLOSED;
    pool_.full = true;
    ck_assert_int_eq(ask("GET", TOKEN, "0.jpg"), RC_LIMITED);
    ck_assert_int_eq(pool_.pauses, 0);
    pool_.full = false;
    pool_.leaves = true;
    ck_assert_int_eq(ask("GET", TOKEN, "0.jpg"), RC_LIMITED);
    ck_assert_int_eq(pool_.pauses, 1);
}
END_TEST

START_TEST(nothing_is_served_unless_it_is_surely_noted)
{
    db_.serve[0] = RC_NOT_FOUND; /* it was closed in between */
    ck_assert_int_eq(ask("GET", TOKEN, "0.jpg"), RC_NOT_FOUND);
    db_.serves = 0;
    db_.serve[0] = RC_UNCERTAIN; /* the second says so */
    ck_assert_int_eq(ask("GET", TOKEN, "0.jpg"), RC_OK);
    ck_assert_int_eq(db_.serves, 2);
    db_.serves = 0;
    db_.serve[1] = RC_UNCERTAIN;
    ck_assert_int_eq(ask("GET", TOKEN, "0.jpg"), RC_LIMITED);
    ck_assert_str_eq(err.code, "not_open_yet");
    db_.find = RC_UNAVAILABLE;
    ck_assert_int_eq(ask("GET", TOKEN, "0.jpg"), RC_UNAVAILABLE);
}
END_TEST

UNIT_MAIN_FIXTURE("api_pull", setup, teardown,
                  what_is_open_is_noted_and_then_handed_to_nginx,
                  a_head_lets_nothing_through_and_waits_for_nothing,
                  the_extension_says_which_part_it_is,
                  what_is_no_token_and_no_file_never_reaches_the_database,
                  who_knocks_at_a_closed_gate_waits_until_it_opens, or_until_it_is_gone,
                  or_for_eight_seconds_and_comes_again,
                  nobody_waits_when_half_of_the_workers_do_or_the_client_has_gone,
                  nothing_is_served_unless_it_is_surely_noted)
