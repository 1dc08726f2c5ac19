/* The wire traces A1 to A16 of the fact sheet, replayed through the client: each step
 * builds the request, gives the parser the answer and compares what it read. A trace is
 * tests/vectors/tiktok/Ann-*.json; what a step expects is compared member by member. */
#include "core/attr.h"
#include "tiktok/chunk.h"
#include "tiktok/creator.h"
#include "tiktok/event.h"
#include "tiktok/oauth.h"
#include "tiktok/posting.h"
#include "tiktok/status.h"
#include "tiktok/video.h"
#include "unit.h"

#include <glob.h>
#include <jansson.h>
#include <string.h>

enum {
    TRACES = 16,
    STEPS = 43, /* of all of them: none may be skipped unseen */
};

static const struct tiktok_app app = {"sbawtestclientkey1", "SECRET",
                                      "https://app.example/oauth/tiktok/callback"};
static const char wanted_scopes[] = "user.info.basic,video.upload,video.publish";

/* One step at work. */
struct step {
    const json_t *in; /* as in the file */
    struct tiktok_answer answer;
    struct tiktok_reply reply;
    struct err err;
    struct strbuf request; /* what we would send */
    json_t *got;           /* what we read */
};

static const char *in_text(const struct step *s, const char *key)
{
    const char *text = json_string_value(json_object_get(s->in, key));

    return text != NULL ? text : "";
}

static int64_t in_int(const struct step *s, const char *key)
{
    return json_integer_value(json_object_get(s->in, key));
}

static void put(struct step *s, const char *key, json_t *value)
{
    ck_assert_int_eq(json_object_set_new(s->got, key, value), 0);
}

static void put_text(struct step *s, const char *key, const char *text)
{
    put(s, key, json_string(text));
}

/* What every parser says. */
static void put_rc(struct step *s, enum rc rc)
{
    put_text(s, "rc", rc_name(rc));
    if (rc == RC_OK)
        return;
    put_text(s, "reason", s->err.code);
    put(s, "retry_after_ms", json_integer(s->err.retry_after_ms));
    put_text(s, "code", s->reply.code);
    put_text(s, "message", s->reply.message);
    put_text(s, "log_id", s->reply.log_id);
    put(s, "definite", json_boolean(s->reply.definite));
    if (s->reply.error != NULL)
        put_text(s, "class", tiktok_class_name(s->reply.error->class));
}

/* --- OAuth --------------------------------------------------------------------- */

static void tokens(struct step *s, enum tiktok_where where)
{
    struct tiktok_tokens t = {0};
    struct strbuf missing;
    enum rc rc = tiktok_tokens_parse(where, &s->answer, &s->reply, &t, &s->err);

    put_rc(s, rc);
    if (rc != RC_OK)
        return;
    put_text(s, "access_token", t.access_token);
    put_text(s, "refresh_token", t.refresh_token);
    put_text(s, "open_id", t.open_id);
    put_text(s, "scopes", t.scopes);
    put(s, "expires_in", json_integer(t.expires_in_s));
    put(s, "refresh_expires_in", json_integer(t.refresh_expires_in_s));
    strbuf_init(&missing, 512);
    tiktok_scopes_missing(wanted_scopes, t.scopes, &missing);
    put_text(s, "missing", missing.buf);
    strbuf_release(&missing);
}

static void exchange(struct step *s)
{
    tiktok_exchange_body(&app, in_text(s, "code"), in_text(s, "verifier"), &s->request);
    tokens(s, TIKTOK_IN_EXCHANGE);
}

static void refresh(struct step *s)
{
    tiktok_refresh_body(&app, in_text(s, "refresh_token"), &s->request);
    tokens(s, TIKTOK_IN_REFRESH);
}

static void revoke(struct step *s)
{
    tiktok_revoke_body(&app, in_text(s, "access_token"), &s->request);
    put_rc(s, tiktok_revoke_parse(&s->answer, &s->reply, &s->err));
}

/* --- posting ------------------------------------------------------------------- */

static void creator(struct step *s)
{
    struct tiktok_creator c;

    strbuf_addstr(&s->request, TIKTOK_CREATOR_BODY);
    put_rc(s, tiktok_creator_parse(&s->answer, &s->reply, &c, &s->err));
}

static struct tiktok_chunk_plan plan_of(const struct step *s)
{
    struct tiktok_chunk_plan plan;
    struct err err;

    ck_assert_int_eq(tiktok_chunk_plan(in_int(s, "size"), &plan, &err), RC_OK);
    return plan;
}

static void session(struct step *s, bool upload)
{
    struct tiktok_session read = {.publish_id = ""};
    struct err ignored;
    enum rc rc = tiktok_init_parse(&s->answer, upload, &s->reply, &read, &s->err);

    put_rc(s, rc);
    if (rc != RC_OK)
        return;
    put_text(s, "publish_id", read.publish_id);
    if (upload)
        put(s, "upload_allowed",
            json_boolean(tiktok_upload_url_check(read.upload_url, ".tiktokapis.com", NULL,
                                                 &ignored) == RC_OK));
}

static void video_init(struct step *s)
{
    static const struct tiktok_video_post post = {.title = "Harvest day #farm",
                                                  .privacy_level = "SELF_ONLY",
                                                  .disable_duet = true,
                                                  .disable_stitch = true,
                                                  .cover_ms = 1500};
    struct tiktok_chunk_plan plan = plan_of(s);
    struct tiktok_video_source source = {&plan, NULL};

    tiktok_video_init_body(&post, &source, &s->request);
    session(s, true);
}

static void inbox_init(struct step *s)
{
    struct tiktok_video_source source = {NULL, in_text(s, "url")};
    struct tiktok_chunk_plan plan;
    bool upload = *source.url == '\0';

    if (upload) {
        plan = plan_of(s);
        source = (struct tiktok_video_source){&plan, NULL};
    }
    tiktok_inbox_init_body(&source, &s->request);
    session(s, upload);
}

static void chunk(struct step *s)
{
    static const char *const names[] = {
        [TIKTOK_UPLOAD_NEXT] = "next",      [TIKTOK_UPLOAD_DONE] = "done",
        [TIKTOK_UPLOAD_AGAIN] = "again",    [TIKTOK_UPLOAD_SKIP] = "skip",
        [TIKTOK_UPLOAD_ASK] = "ask",        [TIKTOK_UPLOAD_EXPIRED] = "expired",
        [TIKTOK_UPLOAD_REFUSED] = "refused"};
    struct tiktok_chunk_plan plan = plan_of(s);
    int64_t n = in_int(s, "n");
    char range[TIKTOK_RANGE_SIZE];
    struct tiktok_upload_step step =
        tiktok_upload_step(&plan, n, s->answer.http_status,
                           json_string_value(json_object_get(s->in, "range")));

    tiktok_chunk_range(&plan, n, range);
    put_rc(s, RC_OK);
    put_text(s, "sent", range);
    put(s, "length", json_integer(tiktok_chunk_len(&plan, n)));
    put_text(s, "what", names[step.what]);
    put(s, "next", json_integer(step.next));
}

static void cancel(struct step *s)
{
    tiktok_publish_id_body(in_text(s, "publish_id"), &s->request);
    put_rc(s, tiktok_cancel_parse(&s->answer, &s->reply, &s->err));
}

/* --- what became of it --------------------------------------------------------- */

static void put_ids(struct step *s, const struct tiktok_status *status)
{
    json_t *ids = json_array();
    struct strbuf url;

    for (size_t i = 0; i < status->post_id_count; i++)
        ck_assert_int_eq(json_array_append_new(ids, json_string(status->post_id[i])), 0);
    put(s, "post_ids", ids);
    strbuf_init(&url, 512);
    tiktok_post_url("ann.example", status->post_id_count > 0 ? status->post_id[0] : "",
                    false, &url);
    put_text(s, "post_url", url.buf);
    strbuf_release(&url);
}

static void put_failure(struct step *s, const struct tiktok_error *failure)
{
    if (failure == NULL)
        return;
    put_text(s, "failure", failure->reason);
    put_text(s, "failure_class", tiktok_class_name(failure->class));
}

static void status(struct step *s)
{
    static const char *const names[] = {[TIKTOK_PROCESSING] = "processing",
                                        [TIKTOK_IN_INBOX] = "in_inbox",
                                        [TIKTOK_PUBLISHED] = "published",
                                        [TIKTOK_FAILED] = "failed"};
    struct tiktok_status read;
    enum rc rc = tiktok_status_parse(&s->answer, &s->reply, &read, &s->err);

    tiktok_publish_id_body(in_text(s, "publish_id"), &s->request);
    put_rc(s, rc);
    if (rc != RC_OK)
        return;
    ck_assert(read.known);
    put_text(s, "state", names[read.state]);
    put_text(s, "fail_reason", read.fail_reason);
    put(s, "uploaded_bytes", json_integer(read.uploaded_bytes));
    put(s, "downloaded_bytes", json_integer(read.downloaded_bytes));
    put_ids(s, &read);
    put_failure(s, read.failure);
}

static void event(struct step *s)
{
    static const char *const names[] = {[TIKTOK_EVENT_OTHER] = "other",
                                        [TIKTOK_EVENT_DISCONNECTED] = "disconnected",
                                        [TIKTOK_EVENT_POST_FAILED] = "post_failed",
                                        [TIKTOK_EVENT_POST_COMPLETE] = "post_complete",
                                        [TIKTOK_EVENT_IN_INBOX] = "in_inbox",
                                        [TIKTOK_EVENT_PUBLIC] = "public",
                                        [TIKTOK_EVENT_NOT_PUBLIC] = "not_public"};
    struct tiktok_event e;
    enum rc rc = tiktok_event_parse(s->answer.body, s->answer.len, &e, &s->err);

    put_rc(s, rc);
    if (rc != RC_OK)
        return;
    ck_assert_str_eq(e.client_key, app.client_key);
    ck_assert_int_eq(e.created_s, 1767225600);
    put_text(s, "kind", names[e.kind]);
    put_text(s, "open_id", e.open_id);
    put_text(s, "publish_id", e.publish_id);
    put_text(s, "post_id", e.post_id);
    put_text(s, "fail_reason", e.fail_reason);
    put(s, "removed_reason", json_integer(e.removed_reason));
    put_failure(s, e.failure);
}

static void videos(struct step *s)
{
    static struct tiktok_video_page page;
    json_t *ids = json_array();
    enum rc rc;

    tiktok_video_list_body(in_int(s, "cursor"), (int)in_int(s, "max_count"), &s->request);
    rc = tiktok_video_list_parse(&s->answer, in_int(s, "cursor"), &s->reply, &page,
                                 &s->err);
    put_rc(s, rc);
    for (size_t i = 0; rc == RC_OK && i < page.count; i++)
        ck_assert_int_eq(json_array_append_new(ids, json_string(page.video[i].id)), 0);
    put(s, "video_ids", ids);
    if (rc != RC_OK)
        return;
    put(s, "cursor", json_integer(page.cursor_ms));
    put(s, "has_more", json_boolean(page.has_more));
    put_text(s, "first_title", page.video[0].title);
    put_text(s, "first_url", page.video[0].share_url);
    put(s, "first_views", json_integer(page.video[0].views));
    put(s, "first_created", json_integer(page.video[0].created_s));
}

/* --- replay -------------------------------------------------------------------- */

static const struct {
    const char *call;
    void (*run)(struct step *s);
} calls[] = {
    {"exchange", exchange}, {"refresh", refresh},       {"revoke", revoke},
    {"creator", creator},   {"video_init", video_init}, {"inbox_init", inbox_init},
    {"chunk", chunk},       {"cancel", cancel},         {"status", status},
    {"event", event},       {"videos", videos},
};

static void run_call(struct step *s, const char *about)
{
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        if (strcmp(calls[i].call, in_text(s, "call")) == 0) {
            calls[i].run(s);
            return;
        }
    }
    ck_abort_msg("%s: no such call: %s", about, in_text(s, "call"));
}

static void check(const struct step *s, const char *about)
{
    json_t *expected = json_object_get(s->in, "expect");
    const char *key;
    json_t *value;

    ck_assert_msg(json_object_size(expected) > 0, "%s", about);
    json_object_foreach(expected, key, value)
    {
        char *found = json_dumps(json_object_get(s->got, key), JSON_ENCODE_ANY);

        ck_assert_msg(json_equal(json_object_get(s->got, key), value) == 1,
                      "%s: %s is %s", about, key, found != NULL ? found : "not there");
        free(found);
    }
    if (json_object_get(expected, "rc") == NULL)
        ck_assert_msg(strcmp(json_string_value(json_object_get(s->got, "rc")), "ok") == 0,
                      "%s", about);
    if (json_object_get(s->in, "request") != NULL)
        ck_assert_msg(strcmp(s->request.buf, in_text(s, "request")) == 0, "%s: %s", about,
                      s->request.buf);
}

static void run_step(const json_t *in, const char *about)
{
    const json_t *answer = json_object_get(in, "answer");
    struct step s = {.in = in, .got = json_object()};
    char *body = json_is_object(answer) ? json_dumps(answer, JSON_COMPACT) : strdup("");

    ck_assert_ptr_nonnull(body);
    strbuf_init(&s.request, 8192);
    s.answer = (struct tiktok_answer){
        .http_status = (int)in_int(&s, "status"), .body = body, .len = strlen(body)};
    run_call(&s, about);
    ck_assert(!strbuf_failed(&s.request));
    check(&s, about);
    strbuf_release(&s.request);
    json_decref(s.got);
    free(body);
}

/* Returns the number of steps. */
static int run_trace(const char *path)
{
    json_error_t error;
    json_t *trace = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    json_t *step;
    size_t i;
    int steps = 0;

    ck_assert_msg(trace != NULL, "%s: %s", path, error.text);
    json_array_foreach(json_object_get(trace, "steps"), i, step)
    {
        char about[256];

        (void)snprintf(about, sizeof(about), "%s step %zu", path, i);
        run_step(step, about);
        steps++;
    }
    json_decref(trace);
    return steps;
}

START_TEST(the_client_reads_each_trace_as_it_is_meant)
{
    glob_t found;
    int steps = 0;

    ck_assert_int_eq(glob("tests/vectors/tiktok/A*.json", 0, NULL, &found), 0);
    ck_assert_uint_eq(found.gl_pathc, TRACES);
    for (size_t i = 0; i < found.gl_pathc; i++)
        steps += run_trace(found.gl_pathv[i]);
    ck_assert_int_eq(steps, STEPS);
    globfree(&found);
}
END_TEST

/* --- what the traces do not hold: a query by ids, and events as they must not be ---- */

START_TEST(videos_are_asked_for_by_ids_as_text)
{
    static const char *const ids[] = {"7700000000000000201", "7700000000000000199"};
    static const char body[] =
        "{\"data\":{\"videos\":[{\"id\":7700000000000000201,\"title\":\"\","
        "\"video_description\":\"Harvest\",\"view_count\":128},{\"id\":null},7],"
        "\"cursor\":5,\"has_more\":true},\"error\":{\"code\":\"ok\"}}";
    static struct tiktok_video_page page;
    struct tiktok_answer a = {.http_status = 200, .body = body, .len = sizeof(body) - 1};
    struct tiktok_reply reply;
    struct strbuf request;
    struct err err;

    strbuf_init(&request, 512);
    tiktok_video_query_body(ids, ARRAY_LEN(ids), &request);
    ck_assert_str_eq(request.buf, "{\"filters\":{\"video_ids\":[\"7700000000000000201\","
                                  "\"7700000000000000199\"]}}");
    strbuf_release(&request);
    ck_assert_int_eq(tiktok_video_query_parse(&a, &reply, &page, &err), RC_OK);
    ck_assert_uint_eq(page.count, 1);
    ck_assert_str_eq(page.video[0].id, "7700000000000000201");
    ck_assert_str_eq(page.video[0].title, "Harvest");
    ck_assert_int_eq(page.video[0].views, 128);
    ck_assert_int_eq(page.video[0].likes, -1);
    ck_assert(!page.has_more);
    ck_assert_int_eq(page.cursor_ms, 0);
    ck_assert_str_eq(
        TIKTOK_PATH_VIDEO_QUERY,
        "/v2/video/query/?fields=id,create_time,title,video_description,"
        "share_url,duration,view_count,like_count,comment_count,share_count");

    a = (struct tiktok_answer){.http_status = 401,
                               .body = "{\"error\":{\"code\":\"scope_not_authorized\"}}",
                               .len = 41};
    ck_assert_int_eq(tiktok_video_query_parse(&a, &reply, &page, &err), RC_DENIED);
    ck_assert_str_eq(err.code, "scope_missing");
}
END_TEST

START_TEST(an_event_is_believed_as_far_as_it_is_whole)
{
    static const struct {
        const char *body;
        enum rc rc;
        enum tiktok_event_kind kind;
        const char *post_id;
    } cases[] = {
        {"{\"event\":\"post.publish.complete\",\"content\":{\"publish_id\":\"v1\","
         "\"post_id\":7700000000000000201}}",
         RC_OK, TIKTOK_EVENT_POST_COMPLETE, "7700000000000000201"},
        {"{\"event\":\"post.publish.no_longer_publicly_available\",\"content\":"
         "\"{\\\"publish_id\\\":\\\"v1\\\"}\"}",
         RC_OK, TIKTOK_EVENT_NOT_PUBLIC, ""},
        {"{\"event\":\"authorization.removed\"}", RC_OK, TIKTOK_EVENT_DISCONNECTED, ""},
        {"{\"event\":\"authorization.removed\",\"content\":\"\"}", RC_OK,
         TIKTOK_EVENT_DISCONNECTED, ""},
        {"{\"event\":\"brand.new\",\"content\":\"<>\"}", RC_OK, TIKTOK_EVENT_OTHER, ""},
        {"{\"event\":\"post.publish.complete\",\"content\":\"{}\"}", RC_INVALID, 0, ""},
        {"{\"event\":\"post.publish.complete\",\"content\":{\"publish_id\":\"\"}}",
         RC_INVALID, 0, ""},
        {"{\"event\":\"post.publish.failed\",\"content\":[]}", RC_INVALID, 0, ""},
        {"{\"event\":\"\",\"content\":\"{}\"}", RC_INVALID, 0, ""},
        {"{}", RC_INVALID, 0, ""},
        {"[]", RC_INVALID, 0, ""},
        {"", RC_INVALID, 0, ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tiktok_event e = {.kind = TIKTOK_EVENT_OTHER};
        struct err err;

        ck_assert_msg(tiktok_event_parse(cases[i].body, strlen(cases[i].body), &e,
                                         &err) == cases[i].rc,
                      "case %zu", i);
        ck_assert_msg(e.kind == cases[i].kind, "case %zu: %d", i, (int)e.kind);
        ck_assert_str_eq(e.post_id, cases[i].post_id);
    }
}
END_TEST

UNIT_MAIN("tiktok_traces", the_client_reads_each_trace_as_it_is_meant,
          videos_are_asked_for_by_ids_as_text, an_event_is_believed_as_far_as_it_is_whole)
