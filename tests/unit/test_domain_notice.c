/* domain/notice: words for people, with the reason in them where there is one. */
#include "domain/account.h"
#include "domain/notice.h"
#include "unit.h"

#include <string.h>

START_TEST(a_withdrawn_permission_is_told_with_its_reason)
{
    static const struct {
        const char *code, *says;
    } rows[] = {
        {"removed_by_person", "withdrawn in TikTok's settings"},
        {"removed_account_banned", "banned"},
        {"reconnect_needed", "no longer accepts"},
        {"", "no longer accepts"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct notice n = {.kind = NOTICE_RECONNECT,
                                 .account = "ann.example",
                                 .caption = "",
                                 .code = rows[i].code};
        struct notice_words words;

        notice_say(&n, &words);
        ck_assert_msg(strstr(words.title, "ann.example") != NULL, "%s", words.title);
        ck_assert_msg(strstr(words.text, rows[i].says) != NULL, "%s", words.text);
        ck_assert_msg(strstr(words.text, "Accounts page") != NULL, "%s", words.text);
    }
}
END_TEST

START_TEST(a_connection_whose_access_lasts_says_until_when)
{
    const struct notice n = {.kind = NOTICE_RECONNECT,
                             .account = "ann.example",
                             .caption = "",
                             .code = "reconnect_needed",
                             .at_ms = INT64_C(1764151200000)};
    struct notice_words words;

    notice_say(&n, &words);
    ck_assert_str_eq(words.title, "Reconnect ann.example");
    ck_assert_ptr_nonnull(strstr(words.text, "due before 2025-11-26 10:00 UTC still go"));
    ck_assert_ptr_nonnull(strstr(words.text, "Accounts page"));
}
END_TEST

START_TEST(every_kind_has_a_name_that_is_found_again)
{
    enum notice_kind kind = NOTICE_POST_FAILED;

    for (int i = 0; i < NOTICE_COUNT; i++) {
        ck_assert(notice_parse(notice_name((enum notice_kind)i), &kind));
        ck_assert_int_eq(kind, i);
    }
    ck_assert(!notice_parse("account.invented", &kind));
}
END_TEST

UNIT_MAIN("domain_notice", a_connection_whose_access_lasts_says_until_when,
          a_withdrawn_permission_is_told_with_its_reason,
          every_kind_has_a_name_that_is_found_again)
