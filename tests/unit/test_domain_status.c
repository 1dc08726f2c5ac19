/* domain/status: from a job's state to what a person sees and may do. */
#include "domain/status.h"
#include "unit.h"

#include <string.h>

enum { NOW_MS = 1000000 };

static const struct post_standing blank = {
    .reason = "", .due_ms = NOW_MS + 1000, .now_ms = NOW_MS};

START_TEST(every_state_has_its_status)
{
    static const struct {
        enum post_phase phase;
        const char *reason;
        bool granted, sent, inbox, finished, self_only;
        const char *status, *shown; /* shown: status_reason, NULL for none */
        enum next_action action;
    } rows[] = {
        {PHASE_DRAFT, "", 0, 0, 0, 0, 0, "draft", NULL, NEXT_NONE},
        {PHASE_SCHEDULED, "", 0, 0, 0, 0, 0, "scheduled", NULL, NEXT_NONE},
        {PHASE_SCHEDULED, "tiktok_unavailable", 0, 0, 0, 0, 0, "scheduled",
         "tiktok_unavailable", NEXT_WAIT},
        {PHASE_SCHEDULED, "daily_post_limit", 0, 0, 0, 0, 0, "scheduled",
         "daily_post_limit", NEXT_WAIT},
        {PHASE_RUNNING, "", 0, 0, 0, 0, 0, "preparing", NULL, NEXT_NONE},
        {PHASE_RUNNING, "tiktok_unavailable", 0, 0, 0, 0, 0, "preparing", NULL,
         NEXT_NONE},
        {PHASE_COMMITTED, "", 1, 0, 0, 0, 0, "publishing", NULL, NEXT_WAIT},
        {PHASE_COMMITTED, "upload_expired", 1, 1, 0, 0, 0, "processing", NULL, NEXT_WAIT},
        {PHASE_PUBLISHED, "", 1, 0, 0, 0, 0, "published", NULL, NEXT_NONE},
        {PHASE_PUBLISHED, "tiktok_unavailable", 1, 0, 0, 0, 0, "published", NULL,
         NEXT_NONE},
        {PHASE_PUBLISHED, "said_published", 1, 0, 0, 0, 0, "published", "said_published",
         NEXT_NONE},
        {PHASE_PUBLISHED, "", 1, 0, 0, 0, 1, "published_private", NULL, NEXT_NONE},
        {PHASE_PUBLISHED, "", 1, 0, 1, 0, 0, "in_inbox", NULL, NEXT_OPEN_TIKTOK},
        {PHASE_PUBLISHED, "", 1, 0, 1, 0, 1, "in_inbox", NULL, NEXT_OPEN_TIKTOK},
        {PHASE_PUBLISHED, "", 1, 0, 1, 1, 0, "published", NULL, NEXT_NONE},
        {PHASE_FAILED, "media_format", 0, 0, 0, 0, 0, "failed", "media_format",
         NEXT_REPLACE_MEDIA},
        {PHASE_FAILED, "caption_refused", 0, 0, 0, 0, 0, "failed", "caption_refused",
         NEXT_EDIT_CAPTION},
        {PHASE_FAILED, "tiktok_unavailable", 0, 0, 0, 0, 0, "failed",
         "tiktok_unavailable", NEXT_RETRY},
        {PHASE_FAILED, "invented_later", 0, 0, 0, 0, 0, "failed", "invented_later",
         NEXT_RETRY},
        {PHASE_FAILED, "", 0, 0, 0, 0, 0, "failed", NULL, NEXT_RETRY},
        {PHASE_CANCELED, "", 0, 0, 0, 0, 0, "canceled", NULL, NEXT_NONE},
        {PHASE_CANCELED, "missed", 0, 0, 0, 0, 0, "canceled", NULL, NEXT_NONE},
        {PHASE_REVIEW, "outcome_unknown", 1, 1, 0, 0, 0, "needs_attention",
         "outcome_unknown", NEXT_RESOLVE},
        {PHASE_REVIEW, "witness_conflict", 0, 0, 0, 0, 0, "needs_attention",
         "outcome_unknown", NEXT_RESOLVE},
        {PHASE_REVIEW, "crashed_often", 1, 0, 0, 0, 0, "needs_attention",
         "outcome_unknown", NEXT_RESOLVE},
        {PHASE_REVIEW, "crashed_often", 0, 0, 0, 0, 0, "needs_attention", "crashed_often",
         NEXT_RETRY},
        {PHASE_BLOCKED, "reconnect_needed", 0, 0, 0, 0, 0, "needs_attention",
         "reconnect_needed", NEXT_RECONNECT},
        {PHASE_BLOCKED, "account_disconnected", 0, 0, 0, 0, 0, "needs_attention",
         "account_disconnected", NEXT_RECONNECT},
        {PHASE_BLOCKED, "audience_not_allowed", 0, 0, 0, 0, 0, "needs_attention",
         "audience_not_allowed", NEXT_CHOOSE_AGAIN},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct post_standing s = blank;
        struct post_shown shown;

        s.phase = rows[i].phase;
        s.reason = rows[i].reason;
        s.granted = rows[i].granted;
        s.sent = rows[i].sent;
        s.inbox = rows[i].inbox;
        s.finished = rows[i].finished;
        s.self_only = rows[i].self_only;
        post_show(&s, &shown);
        ck_assert_msg(strcmp(post_status_name(shown.status), rows[i].status) == 0,
                      "row %zu: %s", i, post_status_name(shown.status));
        ck_assert_msg(shown.status == post_status_of(&s), "row %zu", i);
        ck_assert_msg(rows[i].shown == NULL
                          ? shown.reason == NULL
                          : shown.reason != NULL &&
                                strcmp(shown.reason, rows[i].shown) == 0,
                      "row %zu: %s", i, shown.reason);
        ck_assert_msg(shown.action == rows[i].action, "row %zu: %s", i,
                      next_action_name(shown.action));
        ck_assert_msg(strlen(shown.text) > 6, "row %zu", i);
    }
}
END_TEST

START_TEST(who_can_see_a_published_post_is_told_as_tiktok_says)
{
    static const struct {
        bool self_only, inbox;
        enum post_visibility visibility;
        const char *status, *shown;
    } rows[] = {
        {false, false, VISIBILITY_PUBLIC, "published", NULL},
        {true, false, VISIBILITY_NOT_SAID, "published_private", NULL},
        {true, false, VISIBILITY_PUBLIC, "published", NULL},
        {true, false, VISIBILITY_HIDDEN, "published_private", "no_longer_public"},
        {false, false, VISIBILITY_HIDDEN, "published", "no_longer_public"},
        {false, true, VISIBILITY_HIDDEN, "in_inbox", "no_longer_public"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct post_standing s = blank;
        struct post_shown shown;

        s.phase = PHASE_PUBLISHED;
        s.granted = true;
        s.self_only = rows[i].self_only;
        s.inbox = rows[i].inbox;
        s.visibility = rows[i].visibility;
        post_show(&s, &shown);
        ck_assert_msg(strcmp(post_status_name(shown.status), rows[i].status) == 0,
                      "row %zu: %s", i, post_status_name(shown.status));
        ck_assert_msg(rows[i].shown == NULL
                          ? shown.reason == NULL
                          : shown.reason != NULL &&
                                strcmp(shown.reason, rows[i].shown) == 0,
                      "row %zu: %s", i, shown.reason);
        s.phase = PHASE_FAILED;
        post_show(&s, &shown);
        ck_assert_ptr_null(shown.reason);
    }
}
END_TEST

START_TEST(who_must_act_is_always_told_how)
{
    for (int phase = 0; phase < PHASE_COUNT; phase++) {
        for (size_t i = 0; i < reason_count(); i++) {
            struct post_standing s = blank;
            struct post_shown shown;

            s.phase = (enum post_phase)phase;
            s.reason = reason_at(i)->code;
            post_show(&s, &shown);
            ck_assert_msg(shown.action == NEXT_NONE || shown.next_step != NULL,
                          "phase %d, %s", phase, s.reason);
            ck_assert_msg(
                (shown.status == STATUS_FAILED || shown.status == STATUS_NEEDS_ATTENTION)
                    ? shown.reason != NULL
                    : true,
                "phase %d, %s", phase, s.reason);
            ck_assert_uint_lt(strlen(shown.text), STATUS_TEXT_SIZE - 1);
        }
    }
}
END_TEST

START_TEST(a_code_without_words_is_shown_as_it_is)
{
    struct post_standing s = blank;
    struct post_shown shown;

    s.phase = PHASE_FAILED;
    s.reason = "quota_of_the_future";
    post_show(&s, &shown);
    ck_assert_ptr_nonnull(strstr(shown.text, "quota_of_the_future"));
    ck_assert_ptr_nonnull(shown.next_step);
}
END_TEST

START_TEST(a_post_that_is_due_says_so)
{
    struct post_standing s = blank;
    struct post_shown shown;

    s.phase = PHASE_SCHEDULED;
    post_show(&s, &shown);
    ck_assert_str_eq(shown.text, "Waiting for its time.");
    s.due_ms = NOW_MS;
    post_show(&s, &shown);
    ck_assert_str_eq(shown.text,
                     "Its time has come; a publisher is about to take it up.");
}
END_TEST

START_TEST(a_post_that_waits_for_its_turn_says_why)
{
    struct post_standing s = blank;
    struct post_shown shown;

    s.phase = PHASE_SCHEDULED;
    s.due_ms = NOW_MS - 5000;
    s.waits_turn = true;
    post_show(&s, &shown);
    ck_assert_int_eq(shown.status, STATUS_SCHEDULED);
    ck_assert_str_eq(shown.reason, REASON_ACCOUNT_WINDOW);
    ck_assert_ptr_nonnull(strstr(shown.text, "six posts a minute"));
    ck_assert_int_eq(shown.action, NEXT_WAIT);
}
END_TEST

START_TEST(names_go_both_ways)
{
    enum post_status status;

    for (int i = 0; i < STATUS_COUNT; i++) {
        ck_assert(post_status_parse(post_status_name((enum post_status)i), &status));
        ck_assert_int_eq(status, i);
    }
    ck_assert(!post_status_parse("flying", &status));
    ck_assert(!post_status_parse("", &status));
}
END_TEST

/* One letter a deed: . may, w wrong_status, l too_late, u outcome_unknown. */
START_TEST(every_deed_is_possible_or_refused_for_the_right_reason)
{
    static const char deeds[] = "change delete schedule now cancel retry resolve";
    static const struct {
        enum post_phase phase;
        bool granted;
        const char *reason;
        const char *may;
    } rows[] = {
        {PHASE_DRAFT, false, "", "....www"},
        {PHASE_SCHEDULED, false, "", ".ww..ww"},
        {PHASE_RUNNING, false, "", "lwww.ww"},
        {PHASE_COMMITTED, true, "", "lwwwlww"},
        {PHASE_PUBLISHED, true, "", "lwwwwww"},
        {PHASE_FAILED, false, "missed", "....w.w"},
        {PHASE_CANCELED, false, "", "....www"},
        {PHASE_REVIEW, true, "outcome_unknown", "lwuuuu."},
        {PHASE_REVIEW, false, "witness_conflict", "lwuuuu."},
        {PHASE_REVIEW, false, "crashed_often", ".w....w"},
        {PHASE_REVIEW, true, "crashed_often", "lwuuuu."},
        {PHASE_BLOCKED, false, "reconnect_needed", ".w....w"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct post_standing s = blank;

        s.phase = rows[i].phase;
        s.granted = rows[i].granted;
        s.reason = rows[i].reason;
        for (int deed = DEED_CHANGE; deed <= DEED_RESOLVE; deed++) {
            const char *why = post_refusal((enum post_deed)deed, &s);
            char got = why == NULL                                ? '.'
                       : strcmp(why, "wrong_status") == 0         ? 'w'
                       : strcmp(why, "too_late") == 0             ? 'l'
                       : strcmp(why, REASON_OUTCOME_UNKNOWN) == 0 ? 'u'
                                                                  : '?';

            ck_assert_msg(got == rows[i].may[deed], "row %zu, deed %d of %s: %c", i, deed,
                          deeds, got);
        }
    }
}
END_TEST

START_TEST(a_limit_moves_a_post_and_is_no_failure)
{
    struct post_standing s = blank;
    struct post_shown shown;

    s.phase = PHASE_SCHEDULED;
    s.reason = "daily_post_limit";
    s.due_ms = NOW_MS - 5000;
    s.limited_ms = NOW_MS + 60000;
    post_show(&s, &shown);
    ck_assert_int_eq(shown.status, STATUS_SCHEDULED);
    ck_assert_str_eq(shown.reason, "daily_post_limit");
    ck_assert_str_eq(
        shown.text, "Moved later: TikTok's limit of posts by apps in 24 hours is reached "
                    "for this account.");
    ck_assert_str_eq(shown.next_step,
                     "Nothing to do: it goes out by itself when the limit has passed.");
    ck_assert_int_eq(shown.action, NEXT_WAIT);
    s.limited_ms = NOW_MS - 1; /* it has passed */
    post_show(&s, &shown);
    ck_assert_ptr_null(strstr(shown.text, "Moved"));
    ck_assert_int_eq(shown.action, NEXT_WAIT);
}
END_TEST

UNIT_MAIN("domain_status", a_limit_moves_a_post_and_is_no_failure,
          every_state_has_its_status, who_can_see_a_published_post_is_told_as_tiktok_says,
          who_must_act_is_always_told_how, a_code_without_words_is_shown_as_it_is,
          a_post_that_is_due_says_so, a_post_that_waits_for_its_turn_says_why,
          names_go_both_ways, every_deed_is_possible_or_refused_for_the_right_reason)
