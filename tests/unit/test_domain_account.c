/* account: how it stands, what its scopes allow, why connecting failed. */
#include "core/strbuf.h"
#include "domain/account.h"
#include "unit.h"

#include <inttypes.h>
#include <string.h>

static const int64_t now = INT64_C(1764000000000);

START_TEST(an_account_stands_as_its_row_and_the_time_say)
{
    static const struct {
        enum account_status status;
        int64_t ends_in_ms; /* of the refresh token; -1: TikTok has not said */
        const char *word;
        bool usable;
    } rows[] = {
        {ACCOUNT_CONNECTED, -1, "connected", true},
        {ACCOUNT_CONNECTED, INT64_C(31536000000), "connected", true},
        {ACCOUNT_CONNECTED, ACCOUNT_SOON_MS + 1, "connected", true},
        {ACCOUNT_CONNECTED, ACCOUNT_SOON_MS, "expires_soon", true},
        {ACCOUNT_CONNECTED, 1, "expires_soon", true},
        {ACCOUNT_CONNECTED, 0, "reconnect_needed", false},
        {ACCOUNT_CONNECTED, -60000, "reconnect_needed", false},
        {ACCOUNT_RECONNECT, INT64_C(31536000000), "reconnect_needed", false},
        {ACCOUNT_RECONNECT, -1, "reconnect_needed", false},
        {ACCOUNT_DISCONNECTED, INT64_C(31536000000), "disconnected", false},
        {ACCOUNT_DISCONNECTED, 1, "disconnected", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct account_standing s = {
            .status = rows[i].status,
            .reason = "",
            .refresh_expires_ms = rows[i].ends_in_ms == -1 ? 0 : now + rows[i].ends_in_ms,
            .now_ms = now};

        ck_assert_msg(strcmp(account_word(&s), rows[i].word) == 0, "row %zu: %s", i,
                      account_word(&s));
        ck_assert_msg(account_usable_at(&s, now) == rows[i].usable, "row %zu", i);
        ck_assert_msg(strlen(account_sentence(&s)) > 9, "row %zu", i);
    }
}
END_TEST

START_TEST(access_that_lasts_carries_posts_to_its_end_and_not_beyond)
{
    static const struct {
        enum account_status status;
        const char *reason;
        int64_t refresh_in_ms, access_in_ms;
        bool lasts;
    } rows[] = {
        {ACCOUNT_RECONNECT, "reconnect_needed", 86400000, 3600000, true},
        {ACCOUNT_RECONNECT, "reconnect_needed", -1, 3600000, true},
        {ACCOUNT_RECONNECT, "reconnect_needed", 86400000, 0, false},
        {ACCOUNT_RECONNECT, "reconnect_needed", 86400000, -1, false},
        {ACCOUNT_RECONNECT, "removed_by_person", 86400000, 3600000, false},
        {ACCOUNT_RECONNECT, "connecting", 86400000, 3600000, false},
        {ACCOUNT_CONNECTED, "", -1, 3600000, true}, /* nobody has noticed yet */
        {ACCOUNT_CONNECTED, "", -1, -1, false},
        {ACCOUNT_DISCONNECTED, "", 86400000, 3600000, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct account_standing s = {
            .status = rows[i].status,
            .reason = rows[i].reason,
            .refresh_expires_ms = now + rows[i].refresh_in_ms,
            .access_expires_ms = now + rows[i].access_in_ms,
            .now_ms = now};
        int64_t end = rows[i].lasts ? s.access_expires_ms : 0;

        ck_assert_msg(account_posts_until(&s) == end, "row %zu", i);
        ck_assert_msg(account_usable_at(&s, 0) == rows[i].lasts, "row %zu", i);
        ck_assert_msg(account_usable_at(&s, now + 3599999) == rows[i].lasts, "row %zu",
                      i);
        ck_assert_msg(!account_usable_at(&s, now + 3600000), "row %zu", i);
        ck_assert_msg((strstr(account_sentence(&s), "still go out") != NULL) ==
                          rows[i].lasts,
                      "row %zu", i);
    }
}
END_TEST

START_TEST(a_known_reason_has_a_sentence_of_its_own_while_it_matters)
{
    struct account_standing s = {
        .status = ACCOUNT_RECONNECT, .reason = "reconnect_needed", .now_ms = now};
    const char *usual = account_sentence(&s);

    s.reason = "access_removed";
    ck_assert_str_ne(account_sentence(&s), usual);
    s.reason = "connecting";
    ck_assert_str_ne(account_sentence(&s), usual);
    s.reason = "scope_missing";
    ck_assert_str_ne(account_sentence(&s), usual);
    s.reason = "a_reason_of_next_year";
    ck_assert_str_eq(account_sentence(&s), usual);
    s.reason = "access_removed";
    s.status = ACCOUNT_CONNECTED;
    ck_assert_str_eq(account_sentence(&s), "Connected.");
}
END_TEST

START_TEST(every_withdrawal_of_tiktoks_has_a_reason_and_a_sentence)
{
    struct account_standing s = {
        .status = ACCOUNT_RECONNECT, .reason = "reconnect_needed", .now_ms = now};
    const char *sentences[6];

    for (int32_t i = 0; i < 6; i++) {
        s.reason = account_removed_reason(i);
        sentences[i] = account_sentence(&s);
        s.reason = "reconnect_needed";
        ck_assert_str_ne(sentences[i], account_sentence(&s));
        for (int32_t k = 0; k < i; k++)
            ck_assert_str_ne(sentences[i], sentences[k]);
    }
    ck_assert_str_eq(account_removed_reason(1), "removed_by_person");
    ck_assert_str_eq(account_removed_reason(4), "removed_account_banned");
    ck_assert_str_eq(account_removed_reason(6), account_removed_reason(0));
    ck_assert_str_eq(account_removed_reason(-1), account_removed_reason(0));
}
END_TEST

START_TEST(scopes_switch_features_on_one_by_one)
{
    static const struct {
        const char *scopes;
        bool direct_post, inbox, stats;
    } rows[] = {
        {"", false, false, false},
        {"user.info.basic", false, false, false},
        {"user.info.basic,video.upload,video.publish", true, true, false},
        {"video.publish", true, false, false},
        {"video.upload", false, true, false},
        {"video.list", false, false, true},
        {"video.publish.more,my.video.upload,video.lis", false, false, false},
        {"video.publish,video.upload,video.list", true, true, true},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct account_features f = account_features_of(rows[i].scopes);

        ck_assert_msg(f.direct_post == rows[i].direct_post, "%s", rows[i].scopes);
        ck_assert_msg(f.inbox == rows[i].inbox, "%s", rows[i].scopes);
        ck_assert_msg(f.stats == rows[i].stats, "%s", rows[i].scopes);
    }
}
END_TEST

START_TEST(a_list_of_scopes_is_walked_whole)
{
    static const struct {
        const char *scopes, *walked;
    } rows[] = {
        {"", ""},
        {",", ""},
        {" , ,", ""},
        {"a", "[a]"},
        {"a,b.c", "[a][b.c]"},
        {"a, b ,c", "[a][b][c]"},
        {",,a,,b,", "[a][b]"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *rest = rows[i].scopes;
        const char *scope;
        size_t len;
        struct strbuf sb;

        strbuf_init(&sb, 100);
        while (account_scope_next(&rest, &scope, &len))
            strbuf_addf(&sb, "[%.*s]", (int)len, scope);
        ck_assert_str_eq(sb.buf, rows[i].walked);
        strbuf_release(&sb);
    }
    ck_assert(account_scopes_have("a,b", "bXX", 1));
    ck_assert(!account_scopes_have("ab", "a", 1));
    ck_assert(!account_scopes_have("a", "ab", 2));
    ck_assert(!account_scopes_have("", "", 0));
}
END_TEST

/* CallbackError of docs/openapi.yaml. */
static bool is_in_the_contract(const char *code)
{
    static const char *const codes[] = {
        "access_denied",      "state_invalid",   "state_expired",  "state_reused",
        "missing_scope",      "code_expired",    "client_invalid", "redirect_mismatch",
        "publisher_away",     "account_taken",   "unknown",        "tiktok_unavailable",
        "non_sandbox_target", "no_refresh_token"};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (strcmp(codes[i], code) == 0)
            return true;
    return false;
}

START_TEST(every_way_that_connecting_fails_has_a_code_of_the_contract)
{
    static const struct {
        const char *word, *code;
    } rows[] = {
        {"consent_refused", "access_denied"},
        {"not_sandbox_user", "non_sandbox_target"},
        {"scope_not_approved", "missing_scope"},
        {"app_credentials_wrong", "client_invalid"},
        {"oauth_code_expired", "code_expired"},
        {"redirect_uri_mismatch", "redirect_mismatch"},
        {"pkce_mismatch", "state_invalid"},
        {"tiktok_rate_limited", "tiktok_unavailable"},
        {"tiktok_unavailable", "tiktok_unavailable"},
        {"redirect_uri", "redirect_mismatch"},
        {"scope", "missing_scope"},
        {"client_key", "client_invalid"},
        {"verifier_mismatch", "state_invalid"},
        {"no_refresh_token", "no_refresh_token"},
        {"missing_scope", "missing_scope"},
        {"redirect_mismatch", "redirect_mismatch"},
        {"code_expired", "code_expired"},
        {"client_invalid", "client_invalid"},
        {"publisher_away", "publisher_away"},
        {"too_many_waiting", "publisher_away"},
        {"account_taken", "account_taken"},
        {"access_denied", "access_denied"},
        {"oauth_failed", "unknown"},
        {"oauth_request_refused", "unknown"},
        {"", "unknown"},
        {"<script>", "unknown"},
        {"ACCESS_DENIED", "unknown"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *code = account_connect_error(rows[i].word);

        ck_assert_msg(strcmp(code, rows[i].code) == 0, "%s: %s", rows[i].word, code);
        ck_assert_msg(is_in_the_contract(code), "%s", code);
    }
}
END_TEST

START_TEST(people_are_warned_14_3_and_1_days_before_a_grant_ends)
{
    static const struct {
        int64_t left_hours;
        int warned, due;
    } rows[] = {
        {15 * 24, 0, 0},  {14 * 24 + 1, 0, 0}, {14 * 24, 0, 14}, {10 * 24, 0, 14},
        {10 * 24, 14, 0}, {3 * 24 + 1, 14, 0}, {3 * 24, 14, 3},  {3 * 24, 3, 0},
        {24 + 1, 3, 0},   {24, 3, 1},          {24, 1, 0},       {1, 14, 1},
        {1, 0, 1},        {0, 0, 0},           {-5, 3, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(account_warning_due(1800000000000 + rows[i].left_hours * 3600000,
                                          rows[i].warned, 1800000000000) == rows[i].due,
                      "row %zu", i);
    ck_assert_int_eq(account_warning_due(0, 0, 1800000000000),
                     0); /* TikTok has not said */
}
END_TEST

UNIT_MAIN("domain_account", people_are_warned_14_3_and_1_days_before_a_grant_ends,
          an_account_stands_as_its_row_and_the_time_say,
          access_that_lasts_carries_posts_to_its_end_and_not_beyond,
          a_known_reason_has_a_sentence_of_its_own_while_it_matters,
          every_withdrawal_of_tiktoks_has_a_reason_and_a_sentence,
          scopes_switch_features_on_one_by_one, a_list_of_scopes_is_walked_whole,
          every_way_that_connecting_fails_has_a_code_of_the_contract)
