/* Words for every code that can stand in job.last_reason: TikTok's table and the words of
 * a post must not drift apart, and a code of the publisher's needs a row. */
#include "core/attr.h"
#include "domain/reason.h"
#include "domain/status.h"
#include "tiktok/errors.h"
#include "unit.h"

#include <string.h>

/* What a post's work can meet; the way of connecting an account has words of its own. */
static bool meets_posts(const struct tiktok_error *e)
{
    return e->where == TIKTOK_IN_API || e->where == TIKTOK_IN_STATUS ||
           e->where == TIKTOK_IN_UPLOAD;
}

static void has_words(const char *code, const char *sentence)
{
    const struct reason *r = reason_find(code);

    ck_assert_msg(r != NULL, "%s has no row in domain/reason.c", code);
    ck_assert_msg(sentence == NULL || strcmp(r->sentence, sentence) == 0,
                  "%s: \"%s\" here, \"%s\" in tiktok/errors.c", code, r->sentence,
                  sentence);
}

START_TEST(every_reason_of_tiktok_has_the_same_words_here)
{
    for (size_t i = 0; i < tiktok_error_count(); i++) {
        const struct tiktok_error *e = tiktok_error_at(i);

        if (meets_posts(e))
            has_words(e->reason, e->sentence);
    }
}
END_TEST

START_TEST(what_a_bare_status_means_has_words_too)
{
    static const int statuses[] = {0, 200, 302, 400, 401, 404, 429, 500, 503};

    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        const struct tiktok_error *e =
            tiktok_error_of(TIKTOK_IN_API, "invented", statuses[i]);

        has_words(e->reason, e->sentence);
        e = tiktok_error_of(TIKTOK_IN_API, "", statuses[i]);
        has_words(e->reason, e->sentence);
        e = tiktok_error_of(TIKTOK_IN_STATUS, "invented", statuses[i]);
        has_words(e->reason, e->sentence);
    }
}
END_TEST

/* src/publisher/flow/flow.c, run_http.c, run_store.c; store/accounts.c; store/posts*.c.
 */
START_TEST(every_reason_of_ours_has_words)
{
    static const char *const codes[] = {
        "missed",          "too_many_attempts",     "tiktok_unavailable",
        "outcome_unknown", "witness_conflict",      "second_live_attempt",
        "upload_expired",  "upload_out_of_step",    "upload_refused",
        "crashed_often",   "reconnect_needed",      "publish_id_unknown",
        "media_missing",   "media_unavailable",     "media_too_long",
        "internal_error",  "upload_url_refused",    "token_unreadable",
        "duet_disabled",   "app_credentials_wrong", "audience_not_allowed",
        "stitch_disabled", "comment_disabled",      "account_disconnected",
        "scope_missing",   "said_not_published",    "said_published",
        "edited",          "no_longer_public"};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        has_words(codes[i], NULL);
}
END_TEST

UNIT_MAIN("api_reasons", every_reason_of_tiktok_has_the_same_words_here,
          what_a_bare_status_means_has_words_too, every_reason_of_ours_has_words)
