/* tiktok/oauth: what is sent to connect, refresh and revoke, and what comes back. */
#include "core/attr.h"
#include "tiktok/oauth.h"
#include "unit.h"

#include <string.h>

static const struct tiktok_app app = {"sbawtestclientkey1", "SECRET",
                                      "https://app.example/oauth/tiktok/callback"};

static struct tiktok_answer answer(int status, const char *body)
{
    return (struct tiktok_answer){
        .http_status = status, .body = body, .len = strlen(body)};
}

START_TEST(the_authorize_url_says_all_and_says_it_tiktoks_way)
{
    static const char *const bases[] = {
        "https://www.tiktok.com", "https://www.tiktok.com/", "https://www.tiktok.com//"};
    struct tiktok_authorize a = {
        .scopes = "user.info.basic,video.upload,video.publish",
        .state = "s t&te",
        .code_challenge =
            "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3"};

    for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
        struct strbuf url;

        strbuf_init(&url, 4096);
        a.auth_url = bases[i];
        tiktok_authorize_url(&app, &a, &url);
        ck_assert_str_eq(
            url.buf,
            "https://www.tiktok.com/v2/auth/authorize/?client_key=sbawtestclientkey1"
            "&response_type=code&scope=user.info.basic%2Cvideo.upload%2Cvideo.publish"
            "&redirect_uri=https%3A%2F%2Fapp.example%2Foauth%2Ftiktok%2Fcallback"
            "&state=s%20t%26te"
            "&code_challenge="
            "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3"
            "&code_challenge_method=S256&disable_auto_auth=1");
        ck_assert(!strbuf_failed(&url));
        strbuf_release(&url);
    }
}
END_TEST

START_TEST(the_forms_carry_credentials_and_encode_once)
{
    struct strbuf body;

    strbuf_init(&body, 4096);
    tiktok_exchange_body(&app, "abcDEF_-123*3!6376.u1", "verifier-1", &body);
    ck_assert_str_eq(body.buf,
                     "client_key=sbawtestclientkey1&client_secret=SECRET"
                     "&code=abcDEF_-123%2A3%216376.u1&grant_type=authorization_code"
                     "&redirect_uri=https%3A%2F%2Fapp.example%2Foauth%2Ftiktok%2Fcallback"
                     "&code_verifier=verifier-1");
    strbuf_reset(&body);
    tiktok_refresh_body(&app, "rft.R1!4690.e1", &body);
    ck_assert_str_eq(body.buf,
                     "client_key=sbawtestclientkey1&client_secret=SECRET"
                     "&grant_type=refresh_token&refresh_token=rft.R1%214690.e1");
    strbuf_reset(&body);
    tiktok_revoke_body(&app, "act.A2!4692.e1", &body);
    ck_assert_str_eq(body.buf, "client_key=sbawtestclientkey1&client_secret=SECRET"
                               "&token=act.A2%214692.e1");
    strbuf_wipe(&body);
}
END_TEST

START_TEST(tokens_are_read_with_everything_that_may_be_missing)
{
    static const struct {
        enum tiktok_where where;
        const char *body;
        const char *refresh, *open_id, *scopes;
        int64_t life_s, refresh_life_s;
    } cases[] = {
        {TIKTOK_IN_EXCHANGE,
         "{\"access_token\":\"act.1\",\"expires_in\":86400,\"open_id\":\"-000a\","
         "\"refresh_expires_in\":31536000,\"refresh_token\":\"rft.1\","
         "\"scope\":\"user.info.basic,video.upload\",\"token_type\":\"Bearer\"}",
         "rft.1", "-000a", "user.info.basic,video.upload", 86400, 31536000},
        {TIKTOK_IN_EXCHANGE, "{\"access_token\":\"act.1\",\"open_id\":\"x\"}", "", "x",
         "", TIKTOK_EXPIRES_UNSAID_S, 0},
        {TIKTOK_IN_REFRESH, "{\"access_token\":\"act.1\"}", "", "", "",
         TIKTOK_EXPIRES_UNSAID_S, 0},
        {TIKTOK_IN_REFRESH,
         "{\"access_token\":\"act.1\",\"expires_in\":\"7200\",\"error\":\"\"}", "", "",
         "", 7200, 0},
        {TIKTOK_IN_REFRESH,
         "{\"access_token\":\"act.1\",\"expires_in\":-5,\"refresh_expires_in\":0}", "",
         "", "", TIKTOK_EXPIRES_UNSAID_S, 0},
        {TIKTOK_IN_REFRESH,
         "{\"access_token\":\"act.1\",\"expires_in\":99999999999999999999999,"
         "\"error\":null,\"refresh_token\":null}",
         "", "", "", TIKTOK_EXPIRES_UNSAID_S, 0},
        {TIKTOK_IN_REFRESH, "{\"access_token\":\"act.1\",\"expires_in\":999999999999}",
         "", "", "", INT64_C(10) * 365 * 86400, 0},
        {TIKTOK_IN_REFRESH,
         "{\"access_token\":\"act.1\",\"error\":{\"code\":\"ok\",\"message\":\"\"}}", "",
         "", "", TIKTOK_EXPIRES_UNSAID_S, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tiktok_answer a = answer(200, cases[i].body);
        struct tiktok_reply reply;
        struct tiktok_tokens t;
        struct err err;

        ck_assert_msg(tiktok_tokens_parse(cases[i].where, &a, &reply, &t, &err) == RC_OK,
                      "case %zu", i);
        ck_assert_str_eq(t.access_token, "act.1");
        ck_assert_str_eq(t.refresh_token, cases[i].refresh);
        ck_assert_str_eq(t.open_id, cases[i].open_id);
        ck_assert_str_eq(t.scopes, cases[i].scopes);
        ck_assert_int_eq(t.expires_in_s, cases[i].life_s);
        ck_assert_int_eq(t.refresh_expires_in_s, cases[i].refresh_life_s);
        ck_assert_ptr_null(reply.error);
        tiktok_tokens_wipe(&t);
        ck_assert_str_eq(t.access_token, "");
    }
}
END_TEST

START_TEST(what_the_token_endpoint_refuses_is_told_apart)
{
    static const struct {
        enum tiktok_where where;
        int status;
        const char *body;
        enum rc rc;
        const char *reason;
        bool definite;
    } cases[] = {
        /* flat errors with 200, as recorded live, and with the status others expect */
        {TIKTOK_IN_EXCHANGE, 200,
         "{\"error\":\"invalid_grant\",\"error_description\":\"Authorization code is "
         "expired.\",\"log_id\":\"L\"}",
         RC_DENIED, "oauth_code_expired", true},
        {TIKTOK_IN_EXCHANGE, 400, "{\"error\":\"invalid_grant\"}", RC_DENIED,
         "oauth_code_expired", true},
        {TIKTOK_IN_EXCHANGE, 200,
         "{\"error\":\"invalid_request\",\"error_description\":\"Redirect_uri is not "
         "matched "
         "with the uri when requesting code.\"}",
         RC_REJECTED, "redirect_uri_mismatch", true},
        {TIKTOK_IN_EXCHANGE, 200,
         "{\"error\":\"invalid_request\",\"error_description\":\"Code verifier or code "
         "challenge is invalid.\"}",
         RC_DENIED, "pkce_mismatch", true},
        {TIKTOK_IN_EXCHANGE, 200,
         "{\"error\":\"invalid_request\",\"error_description\":\"Client secret is missed "
         "in "
         "request.\"}",
         RC_REJECTED, "oauth_request_refused", true},
        {TIKTOK_IN_EXCHANGE, 401,
         "{\"error\":\"invalid_client\",\"error_description\":\"Client key or secret is "
         "incorrect.\"}",
         RC_REJECTED, "app_credentials_wrong", true},
        {TIKTOK_IN_REFRESH, 200,
         "{\"error\":\"invalid_grant\",\"error_description\":\"Refresh token is invalid "
         "or "
         "expired.\"}",
         RC_DENIED, "reconnect", true},
        {TIKTOK_IN_REFRESH, 200, "{\"error\":\"invalid_client\"}", RC_REJECTED,
         "app_credentials_wrong", true},
        /* an object where a text is documented */
        {TIKTOK_IN_REFRESH, 429, "{\"error\":{\"code\":\"rate_limit_exceeded\"}}",
         RC_LIMITED, "tiktok_rate_limited", true},
        /* the outcome is unknown: the code may be spent, the token rotated */
        {TIKTOK_IN_REFRESH, 200, "{\"error\":\"server_error\"}", RC_UNCERTAIN,
         "tiktok_unavailable", false},
        {TIKTOK_IN_EXCHANGE, 503, "<html>busy</html>", RC_UNCERTAIN, "tiktok_unavailable",
         false},
        {TIKTOK_IN_REFRESH, 200, "", RC_UNCERTAIN, "tiktok_unreadable", false},
        {TIKTOK_IN_REFRESH, 200, "[]", RC_UNCERTAIN, "tiktok_unreadable", false},
        {TIKTOK_IN_REFRESH, 200, "{}", RC_UNCERTAIN, "tiktok_unreadable", false},
        {TIKTOK_IN_REFRESH, 200, "{\"access_token\":\"\"}", RC_UNCERTAIN,
         "tiktok_unreadable", false},
        {TIKTOK_IN_EXCHANGE, 200, "{\"access_token\":\"act.1\"}", RC_UNCERTAIN,
         "tiktok_unreadable", false},
        {TIKTOK_IN_REFRESH, 200, "{\"access_token\":7.5}", RC_UNCERTAIN,
         "tiktok_unreadable", false},
        {TIKTOK_IN_REFRESH, 404, "Unsupported path(Janus)", RC_REJECTED, "tiktok_refused",
         true},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tiktok_answer a = answer(cases[i].status, cases[i].body);
        struct tiktok_reply reply;
        struct tiktok_tokens t;
        struct err err;
        enum rc rc = tiktok_tokens_parse(cases[i].where, &a, &reply, &t, &err);

        ck_assert_msg(rc == cases[i].rc, "case %zu: %s", i, rc_name(rc));
        ck_assert_str_eq(err.code, cases[i].reason);
        ck_assert_ptr_nonnull(reply.error);
        ck_assert_msg(reply.definite == cases[i].definite, "case %zu", i);
    }
}
END_TEST

START_TEST(a_token_longer_than_expected_is_no_token_and_is_never_cut)
{
    static char body[TIKTOK_TOKEN_MAX + 64];
    static const char begin[] = "{\"access_token\":\"";
    struct tiktok_reply reply;
    struct tiktok_answer a;
    struct tiktok_tokens t;
    struct err err;

    for (size_t len = TIKTOK_TOKEN_MAX; len <= TIKTOK_TOKEN_MAX + 1; len++) {
        (void)memset(body, 'x', sizeof(body));
        (void)memcpy(body, begin, sizeof(begin) - 1);
        (void)memcpy(body + sizeof(begin) - 1 + len, "\"}", 3);
        a = answer(200, body);
        ck_assert_int_eq(tiktok_tokens_parse(TIKTOK_IN_REFRESH, &a, &reply, &t, &err),
                         len == TIKTOK_TOKEN_MAX ? RC_OK : RC_UNCERTAIN);
    }
}
END_TEST

START_TEST(a_revocation_succeeds_when_the_token_is_dead_by_whatever_name)
{
    static const struct {
        int status;
        const char *body;
        enum rc rc;
    } cases[] = {
        {200, "", RC_OK},
        {200, " \n", RC_OK},
        {200, "{}", RC_OK},
        {200, "{\"error\":\"\"}", RC_OK},
        {200, "{\"error\":{\"code\":\"ok\"}}", RC_OK},
        {200, "{\"error\":\"invalid_grant\"}", RC_OK},
        {200,
         "{\"error\":\"invalid_request\",\"error_description\":\"Access token is invalid "
         "or "
         "expired.\"}",
         RC_OK},
        {401, "{\"error\":{\"code\":\"access_token_invalid\"}}", RC_OK},
        {200, "{\"error\":\"invalid_client\"}", RC_REJECTED},
        {200, "<html>", RC_UNAVAILABLE},
        {500, "", RC_UNAVAILABLE},
        {429, "", RC_LIMITED},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tiktok_answer a = answer(cases[i].status, cases[i].body);
        struct tiktok_reply reply;
        struct err err;
        enum rc rc = tiktok_revoke_parse(&a, &reply, &err);

        ck_assert_msg(rc == cases[i].rc, "case %zu: %s", i, rc_name(rc));
    }
}
END_TEST

START_TEST(a_refusal_by_the_person_differs_from_one_by_the_sandbox)
{
    ck_assert_str_eq(tiktok_callback_error("access_denied", NULL)->reason,
                     "consent_refused");
    ck_assert_str_eq(tiktok_callback_error("access_denied", "")->reason,
                     "consent_refused");
    ck_assert_str_eq(tiktok_callback_error("access_denied", "something_new")->reason,
                     "consent_refused");
    ck_assert_str_eq(tiktok_callback_error("access_denied", "non_sandbox_target")->reason,
                     "not_sandbox_user");
    ck_assert_str_eq(tiktok_callback_error("invalid_scope", NULL)->reason,
                     "scope_not_approved");
    ck_assert_str_eq(tiktok_callback_error("brand_new", NULL)->reason, "tiktok_refused");
    ck_assert_str_eq(tiktok_callback_error("", NULL)->reason, "tiktok_refused");
}
END_TEST

START_TEST(scopes_are_compared_as_whole_words)
{
    static const struct {
        const char *wanted, *granted, *missing;
    } cases[] = {
        {"user.info.basic,video.publish", "user.info.basic,video.publish", ""},
        {"user.info.basic,video.publish", "video.publish user.info.basic", ""},
        {"user.info.basic,video.upload,video.publish", "user.info.basic",
         "video.upload,video.publish"},
        {"video.publish", "video.publish.more", "video.publish"},
        {"video.publish", "", "video.publish"},
        {"", "video.publish", ""},
        {" a , ,b,", "b", "a"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct strbuf missing;

        strbuf_init(&missing, 512);
        strbuf_addstr(&missing, "");
        tiktok_scopes_missing(cases[i].wanted, cases[i].granted, &missing);
        ck_assert_str_eq(missing.buf, cases[i].missing);
        strbuf_release(&missing);
    }
    ck_assert(tiktok_scopes_have("a,b", "b"));
    ck_assert(!tiktok_scopes_have("ab", "b"));
    ck_assert(!tiktok_scopes_have("a,b", "a,b"));
}
END_TEST

UNIT_MAIN("tiktok_oauth", the_authorize_url_says_all_and_says_it_tiktoks_way,
          the_forms_carry_credentials_and_encode_once,
          tokens_are_read_with_everything_that_may_be_missing,
          what_the_token_endpoint_refuses_is_told_apart,
          a_token_longer_than_expected_is_no_token_and_is_never_cut,
          a_revocation_succeeds_when_the_token_is_dead_by_whatever_name,
          a_refusal_by_the_person_differs_from_one_by_the_sandbox,
          scopes_are_compared_as_whole_words)
