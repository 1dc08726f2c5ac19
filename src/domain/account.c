#include "domain/account.h"

#include "domain/reason.h"

#include <string.h>

enum { DAY_MS = 86400000 };

/* --- standing --------------------------------------------------------------------- */

enum word { WORD_CONNECTED, WORD_SOON, WORD_RECONNECT, WORD_DISCONNECTED };

static const struct {
    const char *word, *sentence;
} words[] = {
    [WORD_CONNECTED] = {"connected", "Connected."},
    [WORD_SOON] = {"expires_soon", "TikTok ends this connection soon. Reconnect the "
                                   "account, so that its posts keep going out."},
    [WORD_RECONNECT] = {"reconnect_needed",
                        "TikTok no longer accepts this connection. Reconnect the "
                        "account; its posts wait until then."},
    [WORD_DISCONNECTED] = {"disconnected", "Disconnected. Its posts wait until the "
                                           "account is connected again."},
};

static const char lasting[] =
    "TikTok does not renew this connection. Posts that fall due before its access ends "
    "still go out; reconnect the account, or later ones wait until then.";

/* Better sentences than "no longer accepts", where the reason is known. */
static const struct {
    const char *reason, *sentence;
} reasons[] = {
    {"access_removed", "The permission was withdrawn in TikTok's settings. Reconnect the "
                       "account; its posts wait until then."},
    {ACCOUNT_REASON_CONNECTING, "The connection is being made."},
    {"removed", "TikTok says that the permission was withdrawn, and not why. Reconnect "
                "the account; its posts wait until then."},
    {"removed_by_person", "The permission was withdrawn in TikTok's settings. Reconnect "
                          "the account; its posts wait until then."},
    {"removed_account_deleted", "This TikTok account was deleted. If it is restored, "
                                "reconnect it; its posts wait until then."},
    {"removed_age_changed", "TikTok withdrew the permission because the age of the "
                            "account's owner changed. Reconnect the account if TikTok "
                            "allows it; its posts wait until then."},
    {"removed_account_banned", "TikTok banned this account. Open the TikTok app to see "
                               "why; reconnect the account when the ban is lifted."},
    {"removed_by_app", "This installation's access was withdrawn on its own request. "
                       "Reconnect the account; its posts wait until then."},
    {"scope_missing", "The connection lacks a permission that posting needs. Reconnect "
                      "the account and leave every permission ticked."},
};

const char *account_removed_reason(int32_t tiktok_reason)
{
    static const char *const codes[] = {
        "removed",
        "removed_by_person",
        "removed_account_deleted",
        "removed_age_changed",
        "removed_account_banned",
        "removed_by_app",
    };

    return tiktok_reason >= 0 && tiktok_reason < (int32_t)ARRAY_LEN(codes)
               ? codes[tiktok_reason]
               : codes[0];
}

static enum word word_of(const struct account_standing *s)
{
    switch (s->status) {
    case ACCOUNT_DISCONNECTED:
        return WORD_DISCONNECTED;
    case ACCOUNT_RECONNECT:
        return WORD_RECONNECT;
    case ACCOUNT_CONNECTED:
        break;
    }
    if (s->refresh_expires_ms == 0)
        return WORD_CONNECTED;
    if (s->refresh_expires_ms <= s->now_ms)
        return WORD_RECONNECT;
    return s->refresh_expires_ms - s->now_ms <= ACCOUNT_SOON_MS ? WORD_SOON
                                                                : WORD_CONNECTED;
}

const char *account_word(const struct account_standing *standing)
{
    return words[word_of(standing)].word;
}

const char *account_sentence(const struct account_standing *standing)
{
    enum word word = word_of(standing);

    if (account_posts_until(standing) != 0)
        return lasting;
    for (size_t i = 0; word == WORD_RECONNECT && i < ARRAY_LEN(reasons); i++)
        if (strcmp(reasons[i].reason, standing->reason) == 0)
            return reasons[i].sentence;
    return words[word].sentence;
}

/* Of the reasons to reconnect only this one leaves the access token as it was. */
static bool only_grant_ended(const struct account_standing *s)
{
    return s->status == ACCOUNT_CONNECTED ||
           strcmp(s->reason, REASON_RECONNECT_NEEDED) == 0;
}

int64_t account_posts_until(const struct account_standing *standing)
{
    return word_of(standing) == WORD_RECONNECT && only_grant_ended(standing) &&
                   standing->access_expires_ms > standing->now_ms
               ? standing->access_expires_ms
               : 0;
}

bool account_usable_at(const struct account_standing *standing, int64_t at_ms)
{
    enum word word = word_of(standing);

    /* What is due in the past goes out now, and that is before posts_until. */
    return word == WORD_CONNECTED || word == WORD_SOON ||
           at_ms < account_posts_until(standing);
}

int account_warning_due(int64_t refresh_expires_ms, int warned_days, int64_t now_ms)
{
    static const int stages[] = {1, 3, 14};
    int64_t left_ms = refresh_expires_ms - now_ms;

    if (refresh_expires_ms == 0 || left_ms <= 0) /* over: it is told by other means */
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
        if (left_ms <= (int64_t)stages[i] * DAY_MS)
            return warned_days == 0 || stages[i] < warned_days ? stages[i] : 0;
    }
    return 0;
}

/* --- scopes ----------------------------------------------------------------------- */

bool account_scope_next(const char **rest, const char **scope, size_t *len)
{
    const char *at = *rest + strspn(*rest, ", ");
    size_t n = strcspn(at, ", ");

    *rest = at + n;
    if (n == 0)
        return false;
    *scope = at;
    *len = n;
    return true;
}

bool account_scopes_have(const char *scopes, const char *scope, size_t len)
{
    const char *rest = scopes;
    const char *one;
    size_t n;

    while (account_scope_next(&rest, &one, &n))
        if (n == len && memcmp(one, scope, len) == 0)
            return true;
    return false;
}

static bool have(const char *scopes, const char *scope)
{
    return account_scopes_have(scopes, scope, strlen(scope));
}

struct account_features account_features_of(const char *scopes)
{
    return (struct account_features){.direct_post = have(scopes, "video.publish"),
                                     .inbox = have(scopes, "video.upload"),
                                     .stats = have(scopes, "video.list")};
}

/* --- connecting ------------------------------------------------------------------- */

/* Words of three sources; no word means different things in two of them. */
static const struct {
    const char *word, *code;
} connect_errors[] = {
    /* Reasons of the error table (tiktok/errors.h). */
    {"consent_refused", "access_denied"},
    {"not_sandbox_user", "non_sandbox_target"},
    {"scope_not_approved", "missing_scope"},
    {"app_credentials_wrong", "client_invalid"},
    {"oauth_code_expired", "code_expired"},
    {"redirect_uri_mismatch", "redirect_mismatch"},
    /* The code belongs to another way out than the one it came back on. */
    {"pkce_mismatch", "state_invalid"},
    {"tiktok_rate_limited", "tiktok_unavailable"},

    /* Parameters that TikTok's authorize page names when it does not like them. */
    {"redirect_uri", "redirect_mismatch"},
    {"scope", "missing_scope"},
    {"client_key", "client_invalid"},

    /* Codes of exchange_code (store/tasks.h). */
    {"verifier_mismatch", "state_invalid"},
    {"access_denied", "access_denied"},
    {"missing_scope", "missing_scope"},
    {"redirect_mismatch", "redirect_mismatch"},
    {"code_expired", "code_expired"},
    {"client_invalid", "client_invalid"},
    {"publisher_away", "publisher_away"},
    {"too_many_waiting", "publisher_away"}, /* api/accounts/ask.h */
    {"tiktok_unavailable", "tiktok_unavailable"},
    {"account_taken", "account_taken"},
    {"no_refresh_token", "no_refresh_token"},
};

const char *account_connect_error(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(connect_errors); i++)
        if (strcmp(connect_errors[i].word, word) == 0)
            return connect_errors[i].code;
    return "unknown";
}
