/* tiktok/errors: the one table, row by row, and what no row knows. */
#include "core/attr.h"
#include "tiktok/errors.h"
#include "unit.h"

#include <string.h>

/* Every code of docs/tiktok.md 2.5, 5, 6.2, 7.2 and 7.4 and what follows from it. The
 * table under test must have these rows and no others. */
static const struct {
    enum tiktok_where where;
    const char *code;
    enum tiktok_class class;
    enum rc rc;
    const char *reason, *http;
} expected[] = {
    {TIKTOK_IN_API, "invalid_params", TIKTOK_FIX_INPUT, RC_REJECTED, "post_refused",
     "400"},
    {TIKTOK_IN_API, "invalid_param", TIKTOK_FIX_INPUT, RC_REJECTED, "post_refused",
     "400"},
    {TIKTOK_IN_API, "invalid_file_upload", TIKTOK_FIX_INPUT, RC_REJECTED, "file_refused",
     "400"},
    {TIKTOK_IN_API, "scope_permission_missed", TIKTOK_RECONNECT, RC_DENIED,
     "scope_missing", "400"},
    {TIKTOK_IN_API, "app_version_check_failed", TIKTOK_FIX_INPUT, RC_REJECTED,
     "tiktok_app_outdated", "400"},
    {TIKTOK_IN_API, "invalid_publish_id", TIKTOK_NEVER, RC_REJECTED, "publish_id_unknown",
     "400"},
    {TIKTOK_IN_API, "token_not_authorized_for_specified_publish_id", TIKTOK_OPERATOR,
     RC_REJECTED, "publish_id_foreign", "400"},
    {TIKTOK_IN_API, "publish_not_cancellable", TIKTOK_NEVER, RC_REJECTED,
     "not_cancellable", "400"},
    {TIKTOK_IN_API, "access_token_invalid", TIKTOK_REFRESH, RC_DENIED, "reconnect",
     "401"},
    {TIKTOK_IN_API, "scope_not_authorized", TIKTOK_RECONNECT, RC_DENIED, "scope_missing",
     "401"},
    {TIKTOK_IN_API, "spam_risk_too_many_posts", TIKTOK_LATER, RC_LIMITED,
     "daily_post_limit", "403 200"},
    {TIKTOK_IN_API, "spam_risk_user_banned_from_posting", TIKTOK_NEVER, RC_REJECTED,
     "account_banned", "403 200"},
    {TIKTOK_IN_API, "spam_risk_too_many_pending_share", TIKTOK_LATER, RC_LIMITED,
     "inbox_full", "400 403"},
    {TIKTOK_IN_API, "reached_active_user_cap", TIKTOK_LATER, RC_LIMITED, "app_user_cap",
     "403 200"},
    {TIKTOK_IN_API, "unaudited_client_can_only_post_to_private_accounts",
     TIKTOK_FIX_INPUT, RC_REJECTED, "app_not_audited", "403"},
    {TIKTOK_IN_API, "url_ownership_unverified", TIKTOK_OPERATOR, RC_REJECTED,
     "url_not_verified", "403"},
    {TIKTOK_IN_API, "privacy_level_option_mismatch", TIKTOK_FIX_INPUT, RC_REJECTED,
     "audience_not_allowed", "403"},
    {TIKTOK_IN_API, "rate_limit_exceeded", TIKTOK_RETRY, RC_LIMITED,
     "tiktok_rate_limited", "429"},
    {TIKTOK_IN_API, "internal_error", TIKTOK_RETRY, RC_UNAVAILABLE, "tiktok_unavailable",
     "500 503"},

#define OAUTH_HTTP "200 400 401"
#define OAUTH(where, refused)                                                              \
    {where,       "invalid_client",        TIKTOK_OPERATOR,                                \
     RC_REJECTED, "app_credentials_wrong", refused},                                       \
        {where,       "unauthorized_client",   TIKTOK_OPERATOR,                            \
         RC_REJECTED, "app_credentials_wrong", refused},                                   \
        {where,       "invalid_scope",      TIKTOK_OPERATOR,                               \
         RC_REJECTED, "scope_not_approved", refused},                                      \
        {where,       "invalid_request",       TIKTOK_OPERATOR,                            \
         RC_REJECTED, "oauth_request_refused", refused},                                   \
        {where,       "unsupported_grant_type", TIKTOK_OPERATOR,                           \
         RC_REJECTED, "oauth_request_refused",  refused},                                  \
        {where,       "unsupported_response_type", TIKTOK_OPERATOR,                        \
         RC_REJECTED, "oauth_request_refused",     refused},                               \
        {where, "access_denied", TIKTOK_RECONNECT, RC_DENIED, "consent_refused", refused}, \
        {where,          "server_error",       TIKTOK_RETRY,                               \
         RC_UNAVAILABLE, "tiktok_unavailable", "200 500 503"},                             \
        {where,          "temporarily_unavailable", TIKTOK_RETRY,                          \
         RC_UNAVAILABLE, "tiktok_unavailable",      "200 503"},                            \
    {                                                                                      \
        where, "rate_limit_exceeded", TIKTOK_RETRY, RC_LIMITED, "tiktok_rate_limited",     \
            "200 429"                                                                      \
    }
    OAUTH(TIKTOK_IN_EXCHANGE, OAUTH_HTTP),
    OAUTH(TIKTOK_IN_REFRESH, OAUTH_HTTP),
    OAUTH(TIKTOK_IN_REVOKE, OAUTH_HTTP),
    OAUTH(TIKTOK_IN_CALLBACK, ""),
    {TIKTOK_IN_EXCHANGE, "invalid_grant", TIKTOK_RECONNECT, RC_DENIED,
     "oauth_code_expired", OAUTH_HTTP},
    {TIKTOK_IN_EXCHANGE, "invalid_request:redirect_uri", TIKTOK_OPERATOR, RC_REJECTED,
     "redirect_uri_mismatch", OAUTH_HTTP},
    {TIKTOK_IN_EXCHANGE, "invalid_request:code_verifier", TIKTOK_RECONNECT, RC_DENIED,
     "pkce_mismatch", OAUTH_HTTP},
    {TIKTOK_IN_REFRESH, "invalid_grant", TIKTOK_RECONNECT, RC_DENIED, "reconnect",
     OAUTH_HTTP},
    {TIKTOK_IN_REVOKE, "invalid_grant", TIKTOK_NEVER, RC_REJECTED, "token_dead",
     OAUTH_HTTP},
    {TIKTOK_IN_REVOKE, "access_token_invalid", TIKTOK_NEVER, RC_REJECTED, "token_dead",
     OAUTH_HTTP},
    {TIKTOK_IN_CALLBACK, "non_sandbox_target", TIKTOK_OPERATOR, RC_REJECTED,
     "not_sandbox_user", ""},

    {TIKTOK_IN_STATUS, "file_format_check_failed", TIKTOK_FIX_INPUT, RC_REJECTED,
     "media_format", "200"},
    {TIKTOK_IN_STATUS, "duration_check_failed", TIKTOK_FIX_INPUT, RC_REJECTED,
     "media_duration", "200"},
    {TIKTOK_IN_STATUS, "frame_rate_check_failed", TIKTOK_FIX_INPUT, RC_REJECTED,
     "media_frame_rate", "200"},
    {TIKTOK_IN_STATUS, "picture_size_check_failed", TIKTOK_FIX_INPUT, RC_REJECTED,
     "media_picture_size", "200"},
    {TIKTOK_IN_STATUS, "internal", TIKTOK_RETRY, RC_UNAVAILABLE, "tiktok_internal",
     "200"},
    {TIKTOK_IN_STATUS, "video_pull_failed", TIKTOK_RETRY, RC_UNAVAILABLE,
     "media_not_fetched", "200"},
    {TIKTOK_IN_STATUS, "photo_pull_failed", TIKTOK_RETRY, RC_UNAVAILABLE,
     "media_not_fetched", "200"},
    {TIKTOK_IN_STATUS, "publish_cancelled", TIKTOK_NEVER, RC_REJECTED,
     "canceled_at_tiktok", "200"},
    {TIKTOK_IN_STATUS, "auth_removed", TIKTOK_RECONNECT, RC_DENIED, "access_removed",
     "200"},
    {TIKTOK_IN_STATUS, "spam_risk_too_many_posts", TIKTOK_LATER, RC_LIMITED,
     "daily_post_limit", "200"},
    {TIKTOK_IN_STATUS, "spam_risk_user_banned_from_posting", TIKTOK_NEVER, RC_REJECTED,
     "account_banned", "200"},
    {TIKTOK_IN_STATUS, "spam_risk_text", TIKTOK_FIX_INPUT, RC_REJECTED, "caption_refused",
     "200"},
    {TIKTOK_IN_STATUS, "spam_risk", TIKTOK_NEVER, RC_REJECTED, "refused_as_spam", "200"},

    {TIKTOK_IN_UPLOAD, "400", TIKTOK_NEVER, RC_REJECTED, "upload_refused", "400"},
    {TIKTOK_IN_UPLOAD, "403", TIKTOK_RETRY, RC_UNAVAILABLE, "upload_expired", "403"},
    {TIKTOK_IN_UPLOAD, "404", TIKTOK_RETRY, RC_UNAVAILABLE, "upload_expired", "404"},
    {TIKTOK_IN_UPLOAD, "405", TIKTOK_RETRY, RC_UNAVAILABLE, "upload_expired", "405"},
    {TIKTOK_IN_UPLOAD, "410", TIKTOK_RETRY, RC_UNAVAILABLE, "upload_expired", "410"},
    {TIKTOK_IN_UPLOAD, "416", TIKTOK_RETRY, RC_UNAVAILABLE, "upload_out_of_step", "416"},
};

START_TEST(every_documented_code_has_its_row_and_there_are_no_others)
{
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        const struct tiktok_error *e =
            tiktok_error_find(expected[i].where, expected[i].code);

        ck_assert_msg(e != NULL, "%s has no row", expected[i].code);
        ck_assert_msg(e->class == expected[i].class, "%s: %s", e->code,
                      tiktok_class_name(e->class));
        ck_assert_msg(tiktok_error_rc(e) == expected[i].rc, "%s: %s", e->code,
                      rc_name(tiktok_error_rc(e)));
        ck_assert_str_eq(e->reason, expected[i].reason);
        ck_assert_msg(strcmp(e->http, expected[i].http) == 0, "%s: %s", e->code, e->http);
    }
    ck_assert_uint_eq(tiktok_error_count(), ARRAY_LEN(expected));
    ck_assert_ptr_null(tiktok_error_at(tiktok_error_count()));
}
END_TEST

START_TEST(no_code_stands_twice_in_one_language)
{
    for (size_t i = 0; i < tiktok_error_count(); i++) {
        const struct tiktok_error *e = tiktok_error_at(i);

        ck_assert_msg(tiktok_error_find(e->where, e->code) == e, "%s", e->code);
    }
}
END_TEST

static bool is_sentence(const char *s)
{
    size_t len = strlen(s);

    return len > 10 && s[0] >= 'A' && s[0] <= 'Z' && s[len - 1] == '.' &&
           strstr(s, "  ") == NULL;
}

START_TEST(every_row_speaks_in_whole_sentences_that_fit)
{
    struct err err;

    for (size_t i = 0; i < tiktok_error_count(); i++) {
        const struct tiktok_error *e = tiktok_error_at(i);

        ck_assert_msg(strlen(e->reason) < sizeof(err.code), "%s", e->code);
        ck_assert_msg(strspn(e->reason, "abcdefghijklmnopqrstuvwxyz_0123456789") ==
                          strlen(e->reason),
                      "%s", e->reason);
        ck_assert_msg(is_sentence(e->sentence), "%s: %s", e->code, e->sentence);
        ck_assert_msg(strlen(e->sentence) < sizeof(err.msg), "%s", e->code);
        ck_assert_msg(*e->next_step == '\0' || is_sentence(e->next_step), "%s: %s",
                      e->code, e->next_step);
    }
}
END_TEST

START_TEST(one_reason_has_one_sentence_and_can_be_looked_up)
{
    for (size_t i = 0; i < tiktok_error_count(); i++) {
        const struct tiktok_error *e = tiktok_error_at(i);
        const struct tiktok_error *first = tiktok_error_by_reason(e->reason);

        ck_assert_ptr_nonnull(first);
        ck_assert_str_eq(first->sentence, e->sentence);
        ck_assert_str_eq(first->next_step, e->next_step);
    }
    ck_assert_str_eq(tiktok_error_by_reason("tiktok_unreadable")->reason,
                     "tiktok_unreadable");
    ck_assert_ptr_null(tiktok_error_by_reason("no_such_reason"));
}
END_TEST

START_TEST(caps_and_rate_limits_say_how_long_to_wait)
{
    ck_assert_int_ge(tiktok_error_find(TIKTOK_IN_API, "rate_limit_exceeded")->wait_s, 60);
    ck_assert_int_ge(tiktok_error_find(TIKTOK_IN_API, "spam_risk_too_many_posts")->wait_s,
                     86400);
    for (size_t i = 0; i < tiktok_error_count(); i++) {
        const struct tiktok_error *e = tiktok_error_at(i);

        ck_assert_msg(e->class != TIKTOK_LATER || e->wait_s > 0, "%s", e->code);
    }
}
END_TEST

START_TEST(an_unknown_code_is_judged_by_its_status)
{
    static const struct {
        int status;
        const char *code;
        enum tiktok_class class;
        const char *reason;
    } cases[] = {
        {429, "", TIKTOK_RETRY, "tiktok_rate_limited"},
        {429, "new_code", TIKTOK_RETRY, "tiktok_rate_limited"},
        {500, "", TIKTOK_RETRY, "tiktok_unavailable"},
        {502, "new_code", TIKTOK_RETRY, "tiktok_unavailable"},
        {599, "", TIKTOK_RETRY, "tiktok_unavailable"},
        {408, "", TIKTOK_RETRY, "tiktok_unavailable"},
        {401, "", TIKTOK_REFRESH, "reconnect"},
        {302, "", TIKTOK_OPERATOR, "tiktok_address_wrong"},
        {400, "new_code", TIKTOK_NEVER, "tiktok_refused"},
        {403, "", TIKTOK_NEVER, "tiktok_refused"},
        {404, "", TIKTOK_NEVER, "tiktok_refused"},
        {200, "spam_risk_new", TIKTOK_NEVER, "tiktok_refused"},
        {200, "", TIKTOK_RETRY, "tiktok_unreadable"},
        {200, "ok", TIKTOK_RETRY, "tiktok_unreadable"},
        {0, "", TIKTOK_RETRY, "tiktok_unreadable"},
        /* a known code decides, whatever the status */
        {200, "spam_risk_too_many_posts", TIKTOK_LATER, "daily_post_limit"},
        {400, "spam_risk_too_many_pending_share", TIKTOK_LATER, "inbox_full"},
        {500, "access_token_invalid", TIKTOK_REFRESH, "reconnect"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct tiktok_error *e =
            tiktok_error_of(TIKTOK_IN_API, cases[i].code, cases[i].status);

        ck_assert_msg(e->class == cases[i].class, "case %zu: %s", i,
                      tiktok_class_name(e->class));
        ck_assert_str_eq(e->reason, cases[i].reason);
    }
}
END_TEST

START_TEST(no_status_alone_costs_an_account_its_connection)
{
    static const enum tiktok_where oauth[] = {TIKTOK_IN_EXCHANGE, TIKTOK_IN_REFRESH,
                                              TIKTOK_IN_REVOKE, TIKTOK_IN_CALLBACK};

    for (size_t i = 0; i < ARRAY_LEN(oauth); i++) {
        for (int status = 100; status < 600; status++) {
            const struct tiktok_error *page = tiktok_error_of(oauth[i], "", status);
            const struct tiktok_error *coded =
                tiktok_error_of(oauth[i], "new_code", status);

            ck_assert_msg(tiktok_error_rc(page) != RC_DENIED, "%d", status);
            ck_assert_msg(tiktok_error_rc(coded) != RC_DENIED, "%d", status);
        }
        ck_assert_str_eq(tiktok_error_of(oauth[i], "", 401)->reason, "tiktok_unreadable");
        ck_assert_str_eq(tiktok_error_of(oauth[i], "new_code", 401)->reason,
                         "tiktok_refused");
    }
}
END_TEST

START_TEST(an_unknown_fail_reason_is_final)
{
    const struct tiktok_error *e = tiktok_error_of(TIKTOK_IN_STATUS, "brand_new", 0);

    ck_assert_int_eq(e->class, TIKTOK_NEVER);
    ck_assert_str_eq(e->reason, "tiktok_failed");
    ck_assert_str_eq(tiktok_error_of(TIKTOK_IN_STATUS, "", 0)->reason, "tiktok_failed");
}
END_TEST

START_TEST(every_class_has_a_name)
{
    for (int c = TIKTOK_RETRY; c <= TIKTOK_NEVER; c++)
        ck_assert_str_ne(tiktok_class_name((enum tiktok_class)c), "unknown");
}
END_TEST

UNIT_MAIN("tiktok_errors", every_documented_code_has_its_row_and_there_are_no_others,
          no_code_stands_twice_in_one_language,
          every_row_speaks_in_whole_sentences_that_fit,
          one_reason_has_one_sentence_and_can_be_looked_up,
          caps_and_rate_limits_say_how_long_to_wait,
          an_unknown_code_is_judged_by_its_status,
          no_status_alone_costs_an_account_its_connection,
          an_unknown_fail_reason_is_final, every_class_has_a_name)
