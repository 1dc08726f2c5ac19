/* ttsctl tiktok: what an operator is told about an answer of TikTok. Each case names what
 * must be in the result; numbers and lists are compared as JSON. */
#include "ctl/ctl.h"
#include "ctl_run.h"
#include "tiktok/errors.h"
#include "unit.h"

#include <jansson.h>
#include <string.h>

#define OK      "\"error\":{\"code\":\"ok\",\"message\":\"\",\"log_id\":\"L\"}"
#define DATA(d) "{\"data\":" d "," OK "}"
#define EVENT(name, content)                                                             \
    "{\"client_key\":\"sbaw\",\"event\":\"" name "\",\"create_time\":1767225600,"        \
    "\"user_openid\":\"-000a\",\"content\":\"" content "\"}"

static const struct ctl_result *r;

static void setup(void)
{
    ck_assert_int_eq(setenv("TTS_ENV_FILE", "", 1), 0);
    (void)unsetenv("TIKTOK_UPLOAD_HOSTS");
    (void)unsetenv("TIKTOK_SCOPES");
    (void)unsetenv("TIKTOK_CLIENT_SECRET");
}

/* The result of explaining body, a JSON object to be given to json_decref(). */
static json_t *explain(const char *endpoint, int http, const char *body)
{
    char words[128];
    json_t *result;

    (void)snprintf(words, sizeof(words), "tiktok explain --endpoint %s --http %d",
                   endpoint, http);
    r = ctl_run(words, body);
    ck_assert_msg(r->status == CTL_OK, "%s %s: %s", endpoint, body, r->notes);
    result = json_loads(r->out, 0, NULL);
    ck_assert_msg(json_is_object(result), "%s", r->out);
    return result;
}

/* Every member of want must be in got; null stands for "not there". */
static void expect(const json_t *got, const char *want_text, const char *about)
{
    json_t *want = json_loads(want_text, 0, NULL);
    const char *key;
    json_t *value;

    ck_assert_msg(json_is_object(want), "%s", want_text);
    json_object_foreach(want, key, value)
    {
        json_t *found = json_object_get(got, key);

        if (json_is_null(value))
            ck_assert_msg(found == NULL, "%s: %s in %s", about, key, r->out);
        else
            ck_assert_msg(json_equal(found, value) == 1, "%s: %s in %s", about, key,
                          r->out);
    }
    json_decref(want);
}

struct a_case {
    const char *endpoint;
    int http;
    const char *body, *want;
};

static void run_cases(const struct a_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        json_t *got = explain(cases[i].endpoint, cases[i].http, cases[i].body);

        expect(got, cases[i].want, cases[i].body);
        ck_assert_str_ne(json_string_value(json_object_get(got, "sentence")), "");
        ck_assert(json_is_string(json_object_get(got, "next_step")));
        json_decref(got);
    }
}

START_TEST(what_tiktok_agreed_to_is_told_with_exact_ids)
{
    static const struct a_case cases[] = {
        {"user_info", 200,
         DATA("{\"user\":{\"open_id\":\"-000a\",\"display_name\":\"Ann\","
              "\"follower_count\":\"12\"}}"),
         "{\"class\":\"ok\",\"code\":\"ok\",\"log_id\":\"L\",\"fields\":{\"open_id\":"
         "\"-000a\",\"display_name\":\"Ann\",\"follower_count\":12}}"},
        {"creator_info", 200,
         DATA("{\"creator_username\":\"ann\",\"creator_nickname\":\"Ann\","
              "\"privacy_level_options\":[\"SELF_ONLY\"],"
              "\"max_video_post_duration_sec\":600}"),
         "{\"class\":\"ok\",\"fields\":{\"username\":\"ann\",\"nickname\":\"Ann\","
         "\"avatar_url\":\"\",\"privacy_level_options\":[\"SELF_ONLY\"],"
         "\"comment_disabled\":false,\"duet_disabled\":false,\"stitch_disabled\":false,"
         "\"max_video_post_duration_sec\":600}}"},
        {"video_init", 200,
         DATA("{\"publish_id\":\"v_pub_file~v2-1.77\",\"upload_url\":"
              "\"https://open-upload-va.tiktokapis.com/upload?upload_token=canary\"}"),
         "{\"class\":\"ok\",\"publish_id\":\"v_pub_file~v2-1.77\","
         "\"upload_url_host\":\"open-upload-va.tiktokapis.com\"}"},
        {"inbox_init", 200, DATA("{\"publish_id\":\"v_inbox_url~v2.77\"}"),
         "{\"class\":\"ok\",\"publish_id\":\"v_inbox_url~v2.77\","
         "\"upload_url_host\":null}"},
        {"content_init", 200, DATA("{\"publish_id\":\"p_pub_url~v2.77\"}"),
         "{\"class\":\"ok\",\"publish_id\":\"p_pub_url~v2.77\"}"},
        {"cancel", 200, "{" OK "}", "{\"class\":\"ok\",\"code\":\"ok\"}"},
        {"video_list", 200,
         DATA("{\"videos\":[{\"id\":\"7700000000000000201\",\"view_count\":3},"
              "{\"id\":7700000000000000199}],\"cursor\":1767139200000,"
              "\"has_more\":true}"),
         "{\"class\":\"ok\",\"post_ids\":[\"7700000000000000201\","
         "\"7700000000000000199\"],\"fields\":{\"cursor\":1767139200000,\"has_more\":"
         "true,"
         "\"videos\":[{\"id\":\"7700000000000000201\",\"view_count\":3},"
         "{\"id\":\"7700000000000000199\"}]}}"},
        {"video_query", 200, DATA("{\"videos\":[],\"cursor\":5,\"has_more\":true}"),
         "{\"class\":\"ok\",\"post_ids\":[],\"fields\":{\"has_more\":false,"
         "\"videos\":[]}}"},
        {"revoke", 200, "", "{\"class\":\"ok\",\"code\":\"ok\"}"},
        {"revoke", 200, "{}", "{\"class\":\"ok\",\"code\":\"ok\"}"},
        {"revoke", 200,
         "{\"error\":\"invalid_request\",\"error_description\":\"Access token is invalid "
         "or expired.\",\"log_id\":\"L\"}",
         "{\"class\":\"ok\",\"code\":\"invalid_request\",\"log_id\":\"L\"}"},
        {"upload", 206, "", "{\"class\":\"ok\",\"code\":\"206\"}"},
        {"upload", 201, "ignored", "{\"class\":\"ok\",\"code\":\"201\"}"},
        {"upload", 200, "<html>", "{\"class\":\"ok\",\"code\":\"200\"}"},
    };

    run_cases(cases, ARRAY_LEN(cases));
}
END_TEST

START_TEST(the_fate_of_a_post_is_told_alike_by_status_and_webhook)
{
    static const struct a_case cases[] = {
        {"status", 200, DATA("{\"status\":\"PROCESSING_UPLOAD\",\"uploaded_bytes\":12}"),
         "{\"class\":\"processing\",\"code\":\"ok\",\"status\":\"PROCESSING_UPLOAD\","
         "\"post_ids\":null,\"fields\":{\"uploaded_bytes\":12}}"},
        {"status", 200, DATA("{\"status\":\"PROCESSING_DOWNLOAD\"}"),
         "{\"class\":\"processing\",\"fields\":null}"},
        {"status", 200, DATA("{\"status\":\"UNDER_REVIEW\"}"),
         "{\"class\":\"processing\",\"status\":\"UNDER_REVIEW\"}"},
        {"status", 200, DATA("{\"status\":\"SEND_TO_USER_INBOX\"}"),
         "{\"class\":\"inbox\"}"},
        {"status", 200, DATA("{\"status\":\"PUBLISH_COMPLETE\"}"),
         "{\"class\":\"published\",\"post_ids\":[],\"fail_reason\":null}"},
        {"status", 200,
         DATA("{\"status\":\"PUBLISH_COMPLETE\",\"publicaly_available_post_id\":"
              "[7700000000000000201,\"9223372036854775807\"]}"),
         "{\"class\":\"published\",\"post_ids\":[\"7700000000000000201\","
         "\"9223372036854775807\"]}"},
        {"status", 200,
         DATA("{\"status\":\"PUBLISH_COMPLETE\",\"publicly_available_post_id\":"
              "7700000000000000201}"),
         "{\"class\":\"published\",\"post_ids\":[\"7700000000000000201\"]}"},
        {"status", 200,
         DATA("{\"status\":\"FAILED\",\"fail_reason\":\"frame_rate_check_failed\"}"),
         "{\"class\":\"failed\",\"code\":\"ok\",\"status\":\"FAILED\",\"fail_reason\":"
         "\"frame_rate_check_failed\",\"failure_class\":\"fix_input\",\"sentence\":"
         "\"The video does not have 23 to 60 frames a second.\"}"},
        {"status", 200, DATA("{\"status\":\"FAILED\",\"fail_reason\":\"brand_new\"}"),
         "{\"class\":\"failed\",\"fail_reason\":\"brand_new\",\"failure_class\":"
         "\"never\"}"},
        {"status", 200, DATA("{\"status\":\"FAILED\"}"),
         "{\"class\":\"failed\",\"fail_reason\":\"\"}"},
        {"webhook", 200,
         EVENT("post.publish.failed", "{\\\"publish_id\\\":\\\"v1\\\",\\\"reason\\\":"
                                      "\\\"spam_risk_text\\\"}"),
         "{\"class\":\"failed\",\"publish_id\":\"v1\",\"fail_reason\":\"spam_risk_text\","
         "\"failure_class\":\"fix_input\"}"},
        {"webhook", 200,
         EVENT("post.publish.complete", "{\\\"publish_id\\\":\\\"v1\\\",\\\"publish_type"
                                        "\\\":\\\"DIRECT_PUBLISH\\\"}"),
         "{\"class\":\"published\",\"code\":\"ok\",\"publish_id\":\"v1\",\"post_ids\":"
         "null,\"fields\":{\"event\":\"post.publish.complete\",\"client_key\":\"sbaw\","
         "\"user_openid\":\"-000a\",\"publish_type\":\"DIRECT_PUBLISH\",\"create_time\":"
         "1767225600}}"},
        {"webhook", 200,
         EVENT("post.publish.inbox_delivered", "{\\\"publish_id\\\":\\\"v1\\\"}"),
         "{\"class\":\"inbox\"}"},
        {"webhook", 200,
         EVENT("post.publish.publicly_available",
               "{\\\"publish_id\\\":\\\"v1\\\",\\\"post_id\\\":7700000000000000201}"),
         "{\"class\":\"published\",\"post_ids\":[\"7700000000000000201\"]}"},
        {"webhook", 200,
         EVENT("post.publish.no_longer_publicaly_available",
               "{\\\"publish_id\\\":\\\"v1\\\",\\\"post_id\\\":\\\"77\\\"}"),
         "{\"class\":\"published\",\"post_ids\":[\"77\"]}"},
        {"webhook", 200, EVENT("authorization.removed", "{\\\"reason\\\":1}"),
         "{\"class\":\"reconnect\",\"fields\":{\"event\":\"authorization.removed\","
         "\"client_key\":\"sbaw\",\"user_openid\":\"-000a\",\"create_time\":1767225600,"
         "\"removed_reason\":1}}"},
        {"webhook", 200, EVENT("authorization.removed", ""), "{\"class\":\"reconnect\"}"},
        {"webhook", 200, EVENT("video.publish.completed", "{}"), "{\"class\":\"ok\"}"},
        {"webhook", 200, EVENT("portability.download.ready", "{}"), "{\"class\":\"ok\"}"},
        {"webhook", 200, EVENT("post.publish.brand_new", "{}"),
         "{\"class\":\"unknown\"}"},
        {"webhook", 200, EVENT("post.publish.complete", "{}"), "{\"class\":\"unknown\"}"},
        {"webhook", 200, "<html>", "{\"class\":\"unknown\"}"},
    };

    run_cases(cases, ARRAY_LEN(cases));
}
END_TEST

START_TEST(the_token_endpoints_answers_are_told_apart_and_give_no_token_away)
{
    static const struct a_case cases[] = {
        {"token", 200,
         "{\"access_token\":\"act.canary\",\"expires_in\":86400,\"open_id\":\"-000a\","
         "\"refresh_expires_in\":31536000,\"refresh_token\":\"rft.canary\","
         "\"scope\":\"user.info.basic,video.upload\",\"token_type\":\"Bearer\"}",
         "{\"class\":\"ok\",\"code\":\"ok\",\"fields\":{\"open_id\":\"-000a\",\"scope\":"
         "\"user.info.basic,video.upload\",\"missing_scopes\":\"video.publish\","
         "\"expires_in\":86400,\"refresh_expires_in\":"
         "31536000,\"has_refresh_token\":true}}"},
        {"token", 200,
         "{\"access_token\":\"act.canary\",\"scope\":\"video.publish,user.info.basic,"
         "video.list,video.upload\"}",
         "{\"class\":\"ok\",\"next_step\":\"\",\"fields\":{\"scope\":\"video.publish,"
         "user.info.basic,video.list,video.upload\",\"expires_in\":7200,"
         "\"has_refresh_token\":false}}"},
        {"token", 200, "{\"access_token\":\"act.canary\"}",
         "{\"class\":\"ok\",\"fields\":{\"expires_in\":7200,"
         "\"has_refresh_token\":false}}"},
        {"token", 200,
         "{\"error\":\"invalid_grant\",\"error_description\":\"Authorization code is "
         "expired.\",\"log_id\":\"L\"}",
         "{\"class\":\"reconnect\",\"code\":\"invalid_grant\",\"reason\":"
         "\"oauth_code_expired\",\"log_id\":\"L\"}"},
        {"token", 400,
         "{\"error\":\"invalid_grant\",\"error_description\":\"Refresh token is invalid "
         "or "
         "expired.\"}",
         "{\"class\":\"reconnect\",\"reason\":\"reconnect\"}"},
        {"token", 200,
         "{\"error\":\"invalid_request\",\"error_description\":\"Redirect_uri is not "
         "matched with the uri when requesting code.\"}",
         "{\"class\":\"operator\",\"reason\":\"redirect_uri_mismatch\"}"},
        {"token", 200,
         "{\"error\":\"invalid_request\",\"error_description\":\"Code verifier or code "
         "challenge is invalid.\"}",
         "{\"class\":\"reconnect\",\"reason\":\"pkce_mismatch\"}"},
        {"token", 200,
         "{\"error\":\"invalid_client\",\"error_description\":\"Client key or secret is "
         "incorrect.\"}",
         "{\"class\":\"operator\",\"code\":\"invalid_client\"}"},
        {"token", 401, "{\"error\":\"invalid_client\"}", "{\"class\":\"operator\"}"},
        {"token", 200, "{\"error\":\"server_error\"}",
         "{\"class\":\"retry\",\"may_have_acted\":true}"},
        {"token", 401, "<html>", "{\"class\":\"retry\",\"may_have_acted\":true}"},
        {"token", 502, "<html>", "{\"class\":\"retry\"}"},
        {"token", 200, "<html>", "{\"class\":\"unknown\",\"may_have_acted\":true}"},
        {"token", 200, "{}", "{\"class\":\"unknown\"}"},
        {"token", 200, "{\"error\":\"brand_new\"}",
         "{\"class\":\"unknown\",\"code\":\"brand_new\"}"},
        {"revoke", 200, "{\"error\":\"invalid_client\"}", "{\"class\":\"operator\"}"},
        {"revoke", 503, "", "{\"class\":\"retry\"}"},
    };

    run_cases(cases, ARRAY_LEN(cases));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_decref(explain(cases[i].endpoint, cases[i].http, cases[i].body));
        ck_assert_msg(strstr(r->out, "canary") == NULL, "%s", r->out);
    }
}
END_TEST

START_TEST(
    an_answer_that_makes_no_sense_is_asked_again_unless_something_may_have_happened)
{
    static const struct a_case cases[] = {
        {"status", 200, "", "{\"class\":\"retry\",\"code\":\"\"}"},
        {"status", 200, "<html>", "{\"class\":\"retry\"}"},
        {"status", 200, "{\"data\":{\"status\":\"FAIL", "{\"class\":\"retry\"}"},
        {"status", 200, DATA("{}"), "{\"class\":\"retry\",\"code\":\"ok\"}"},
        {"creator_info", 200, DATA("[]"), "{\"class\":\"retry\"}"},
        {"user_info", 200, "{" OK "}", "{\"class\":\"retry\"}"},
        {"video_list", 200, "[]", "{\"class\":\"retry\"}"},
        {"video_init", 200, "<html>", "{\"class\":\"unknown\",\"may_have_acted\":true}"},
        {"video_init", 200, DATA("{}"), "{\"class\":\"unknown\"}"},
        {"content_init", 200, "{" OK "}", "{\"class\":\"unknown\"}"},
        {"video_init", 200, DATA("{\"publish_id\":\"v1\",\"upload_url\":[]}"),
         "{\"class\":\"unknown\",\"may_have_acted\":true}"},
        {"cancel", 200, "", "{\"class\":\"unknown\"}"},
        {"video_init", 502, "<html>", "{\"class\":\"retry\",\"may_have_acted\":true}"},
        {"video_init", 429, "",
         "{\"class\":\"retry\",\"may_have_acted\":false,"
         "\"wait_s\":60}"},
        {"status", 404, "Unsupported path(Janus)", "{\"class\":\"never\"}"},
        {"status", 302, "", "{\"class\":\"operator\"}"},
        {"status", 401, "<html>", "{\"class\":\"reconnect\"}"},
        /* unknown codes are final and shown as they came */
        {"video_init", 403, "{\"error\":{\"code\":\"spam_risk_new\"}}",
         "{\"class\":\"unknown\",\"code\":\"spam_risk_new\",\"may_have_acted\":false}"},
        {"creator_info", 200, "{\"data\":{},\"error\":{\"code\":\"spam_risk_new\"}}",
         "{\"class\":\"unknown\",\"code\":\"spam_risk_new\"}"},
        {"status", 500, "{\"error\":{\"code\":\"brand_new\"}}",
         "{\"class\":\"retry\",\"code\":\"brand_new\"}"},
        {"status", 429, "{\"error\":{\"code\":\"brand_new\"}}",
         "{\"class\":\"retry\",\"code\":\"brand_new\"}"},
        /* where the video would go */
        {"video_init", 200,
         DATA(
             "{\"publish_id\":\"v1\",\"upload_url\":\"https://tiktokapis.com.evil.example"
             "/u?t=canary\"}"),
         "{\"class\":\"operator\",\"reason\":\"upload_url_refused\",\"publish_id\":"
         "\"v1\","
         "\"upload_url_host\":\"tiktokapis.com.evil.example\"}"},
        {"video_init", 200,
         DATA("{\"publish_id\":\"v1\",\"upload_url\":\"https://a.tiktokapis.com@evil."
              "example/u\"}"),
         "{\"class\":\"operator\",\"upload_url_host\":\"evil.example\"}"},
        {"video_init", 200,
         DATA("{\"publish_id\":\"v1\",\"upload_url\":\"http://a.tiktokapis.com/u\"}"),
         "{\"class\":\"operator\"}"},
    };

    run_cases(cases, ARRAY_LEN(cases));
}
END_TEST

START_TEST(each_answer_to_a_chunk_has_its_class)
{
    static const struct {
        int http;
        const char *class, *reason;
    } cases[] = {
        {400, "never", "upload_refused"},      {413, "never", "upload_refused"},
        {302, "never", "upload_refused"},      {403, "retry", "upload_expired"},
        {404, "retry", "upload_expired"},      {405, "retry", "upload_expired"},
        {410, "retry", "upload_expired"},      {416, "retry", "upload_out_of_step"},
        {429, "retry", "tiktok_rate_limited"}, {500, "retry", "tiktok_unavailable"},
        {502, "retry", "tiktok_unavailable"},  {408, "retry", "tiktok_unavailable"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *got = explain("upload", cases[i].http, "<html>405</html>");
        char want[128];

        (void)snprintf(want, sizeof(want),
                       "{\"class\":\"%s\",\"reason\":\"%s\",\"code\":\"%d\"}",
                       cases[i].class, cases[i].reason, cases[i].http);
        expect(got, want, want);
        json_decref(got);
    }
}
END_TEST

/* A refusal by code e at one endpoint, with the next of its statuses. */
static void check_code(const struct tiktok_error *e, const char *endpoint, int http)
{
    const char *class =
        e->class == TIKTOK_REFRESH ? "reconnect" : tiktok_class_name(e->class);
    char body[256], want[256];
    json_t *got;

    (void)snprintf(body, sizeof(body),
                   "{\"error\":{\"code\":\"%s\",\"message\":\"x\",\"log_id\":\"L\"}}",
                   e->code);
    (void)snprintf(
        want, sizeof(want),
        "{\"class\":\"%s\",\"code\":\"%s\",\"reason\":\"%s\",\"message\":\"x\","
        "\"log_id\":\"L\",\"http_status\":%d,\"seen_with_http\":\"%s\"}",
        class, e->code, e->reason, http, e->http);
    got = explain(endpoint, http, body);
    expect(got, want, body);
    ck_assert_str_eq(json_string_value(json_object_get(got, "sentence")), e->sentence);
    json_decref(got);
}

START_TEST(a_code_means_the_same_at_every_endpoint_with_every_status_it_was_seen_with)
{
    static const char *const endpoints[] = {"user_info",  "creator_info", "video_init",
                                            "inbox_init", "content_init", "status",
                                            "cancel",     "video_list",   "video_query"};
    int runs = 0;

    for (size_t i = 0; i < tiktok_error_count(); i++) {
        const struct tiktok_error *e = tiktok_error_at(i);

        if (e->where != TIKTOK_IN_API)
            continue;
        for (const char *s = e->http; *s != '\0'; s += s[3] == ' ' ? 4 : 3)
            for (size_t n = 0; n < ARRAY_LEN(endpoints); n++, runs++)
                check_code(e, endpoints[n],
                           (s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0'));
    }
    ck_assert_int_ge(runs, 200);
}
END_TEST

START_TEST(the_operators_own_upload_hosts_count)
{
    static const char body[] =
        DATA("{\"publish_id\":\"v1\",\"upload_url\":\"http://localhost:8081/u?t=1\"}");
    json_t *got;

    ck_assert_int_eq(setenv("TIKTOK_UPLOAD_HOSTS", "localhost", 1), 0);
    got = explain("video_init", 200, body);
    expect(got, "{\"class\":\"ok\",\"upload_url_host\":\"localhost:8081\"}", body);
    json_decref(got);
    (void)unsetenv("TIKTOK_UPLOAD_HOSTS");
    got = explain("video_init", 200, body);
    expect(got, "{\"class\":\"operator\"}", body);
    json_decref(got);
    ck_assert_int_eq(setenv("TIKTOK_UPLOAD_HOSTS", "a b:c", 1), 0);
    r = ctl_run("tiktok explain --endpoint status", "{}");
    ck_assert_int_eq(r->status, CTL_CONFIG);
    ck_assert_ptr_nonnull(strstr(r->notes, "TIKTOK_UPLOAD_HOSTS"));
}
END_TEST

/* --- verify-webhook ------------------------------------------------------------ */

#define SIGNATURE "b33b4ae7e52a70b2184eb6b2e225f49ae9a8ecd6c1652e5244619887e20161b9"
#define SIGNED                                                                           \
    "{\"client_key\":\"sbawtestclientkey1\",\"event\":\"post.publish.complete\","        \
    "\"create_time\":1767225600,\"user_openid\":\"-000TESTopenid00000000000000000000\"," \
    "\"content\":\"{\\\"publish_id\\\":\\\"v_pub_file~v2-1.7600000000000000001\\\","     \
    "\\\"publish_type\\\":\\\"DIRECT_PUBLISH\\\"}\"}"

START_TEST(a_webhook_is_judged_by_its_bytes_and_its_age)
{
    static const struct {
        const char *header, *at, *body;
        int status;
        const char *want;
    } cases[] = {
        {"t=1767225600,s=" SIGNATURE, "1767225600", SIGNED, CTL_OK,
         "{\"valid\":true,\"verdict\":\"fresh\",\"signed_at\":1767225600,\"age_s\":0}"},
        {"Tiktok-Signature:~t=1767225600,s=" SIGNATURE, "1767225900", SIGNED, CTL_OK,
         "{\"valid\":true,\"verdict\":\"fresh\",\"age_s\":300}"},
        {"TikTok-Signature:~t=1767225600,s=" SIGNATURE, "1767225901", SIGNED, CTL_OK,
         "{\"valid\":true,\"verdict\":\"late\"}"},
        {"t=1767225600,s=" SIGNATURE, "1767484800", SIGNED, CTL_OK,
         "{\"valid\":true,\"verdict\":\"late\"}"},
        {"t=1767225600,s=" SIGNATURE, "1767484801", SIGNED, CTL_FAILED,
         "{\"valid\":false,\"verdict\":\"too_old\"}"},
        {"t=1767225600,s=" SIGNATURE, "1767225299", SIGNED, CTL_FAILED,
         "{\"valid\":false,\"verdict\":\"too_early\"}"},
        {"t=1767225600,s=" SIGNATURE, "1767225600", SIGNED "\n", CTL_FAILED,
         "{\"valid\":false,\"verdict\":\"forged\"}"},
        {"t=1767225600,s=" SIGNATURE, "1767225600", "", CTL_FAILED,
         "{\"valid\":false,\"verdict\":\"forged\"}"},
        {"nonsense", "1767225600", SIGNED, CTL_FAILED,
         "{\"valid\":false,\"verdict\":\"unreadable\",\"signed_at\":null}"},
    };

    ck_assert_int_eq(setenv("TIKTOK_CLIENT_SECRET", "test_client_secret", 1), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char words[256];
        json_t *got;

        (void)snprintf(words, sizeof(words),
                       "tiktok verify-webhook --signature %s --at %s", cases[i].header,
                       cases[i].at);
        r = ctl_run(words, cases[i].body);
        ck_assert_msg(r->status == cases[i].status, "case %zu: %s", i, r->out);
        got = json_loads(r->out, 0, NULL);
        expect(got, cases[i].want, cases[i].header);
        json_decref(got);
        ck_assert_ptr_null(strstr(r->out, "test_client_secret"));
        ck_assert_msg((strstr(r->notes, "newline") != NULL) == (i == 6), "case %zu: %s",
                      i, r->notes);
    }
}
END_TEST

START_TEST(without_the_clients_secret_no_signature_can_be_judged)
{
    r = ctl_run("tiktok verify-webhook --signature x", "");
    ck_assert_int_eq(r->status, CTL_CONFIG);
    ck_assert_ptr_nonnull(strstr(r->notes, "TIKTOK_CLIENT_SECRET is not set"));
    ck_assert_str_eq(r->out, "");
}
END_TEST

START_TEST(an_endless_body_is_not_read)
{
    static const size_t sizes[] = {600 * 1024, 3 * 1024 * 1024};
    static char body[3 * 1024 * 1024];

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        json_t *got;

        (void)memset(body, ' ', sizes[i] - 1);
        (void)memcpy(body, DATA("{\"status\":\"FAILED\",\"publish_id\":\"v1\"}"),
                     sizeof(DATA("{\"status\":\"FAILED\",\"publish_id\":\"v1\"}")) - 1);
        body[sizes[i] - 1] = '\0';
        got = explain("status", 200, body);
        expect(got, "{\"class\":\"retry\",\"reason\":\"tiktok_unreadable\"}", "status");
        json_decref(got);
        got = explain("video_init", 200, body);
        expect(got, "{\"class\":\"unknown\",\"may_have_acted\":true}", "video_init");
        json_decref(got);
    }
    ck_assert_int_eq(setenv("TIKTOK_CLIENT_SECRET", "x", 1), 0);
    r = ctl_run("tiktok verify-webhook --signature x", body);
    ck_assert_int_eq(r->status, CTL_FAILED);
    ck_assert_ptr_nonnull(strstr(r->notes, "more than"));
    ck_assert_str_eq(r->out, "");
}
END_TEST

UNIT_MAIN_FIXTURE(
    "ctl_tiktok", setup, NULL, what_tiktok_agreed_to_is_told_with_exact_ids,
    the_fate_of_a_post_is_told_alike_by_status_and_webhook,
    the_token_endpoints_answers_are_told_apart_and_give_no_token_away,
    an_answer_that_makes_no_sense_is_asked_again_unless_something_may_have_happened,
    each_answer_to_a_chunk_has_its_class,
    a_code_means_the_same_at_every_endpoint_with_every_status_it_was_seen_with,
    the_operators_own_upload_hosts_count, a_webhook_is_judged_by_its_bytes_and_its_age,
    without_the_clients_secret_no_signature_can_be_judged, an_endless_body_is_not_read)
