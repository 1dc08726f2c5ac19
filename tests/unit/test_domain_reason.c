/* domain/reason: every code has words that stand alone. */
#include "domain/reason.h"
#include "unit.h"

#include <string.h>

static bool is_sentence(const char *text)
{
    size_t len = strlen(text);

    return len > 10 && text[len - 1] == '.' && text[0] >= 'A' && text[0] <= 'Z' &&
           strstr(text, "  ") == NULL;
}

START_TEST(every_reason_is_a_code_a_sentence_and_a_step)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz_";

    ck_assert_uint_gt(reason_count(), 40);
    for (size_t i = 0; i < reason_count(); i++) {
        const struct reason *r = reason_at(i);

        ck_assert_msg(strspn(r->code, plain) == strlen(r->code), "%s", r->code);
        ck_assert_msg(strlen(r->code) <= 64, "%s does not fit its column", r->code);
        ck_assert_msg(is_sentence(r->sentence), "%s: %s", r->code, r->sentence);
        if (strcmp(r->code, REASON_SAID_PUBLISHED) != 0)
            ck_assert_msg(is_sentence(r->next_step), "%s: %s", r->code, r->next_step);
        ck_assert_ptr_eq(reason_find(r->code), r);
    }
    ck_assert_ptr_null(reason_at(reason_count()));
    ck_assert_ptr_null(reason_find("invented"));
    ck_assert_ptr_null(reason_find(""));
}
END_TEST

START_TEST(what_leaves_the_outcome_unknown_is_resolved_by_a_person)
{
    for (size_t i = 0; i < reason_count(); i++) {
        const struct reason *r = reason_at(i);

        ck_assert_msg(reason_leaves_outcome_unknown(r->code) ==
                          (r->action == NEXT_RESOLVE),
                      "%s", r->code);
    }
    ck_assert(!reason_leaves_outcome_unknown(""));
}
END_TEST

START_TEST(actions_have_the_names_of_the_api)
{
    static const char *const names[] = {"none",          "reconnect",   "choose_again",
                                        "replace_media", "retry",       "edit_caption",
                                        "wait",          "open_tiktok", "resolve"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        ck_assert_str_eq(next_action_name((enum next_action)i), names[i]);
}
END_TEST

UNIT_MAIN("domain_reason", every_reason_is_a_code_a_sentence_and_a_step,
          what_leaves_the_outcome_unknown_is_resolved_by_a_person,
          actions_have_the_names_of_the_api)
