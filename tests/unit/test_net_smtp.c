/* smtp: messages whose lines nobody can break, and settings that are checked. */
#include "core/strbuf.h"
#include "net/smtp.h"
#include "unit.h"

#include <string.h>

static struct err err;
static struct strbuf sb;

static struct smtp_mail plain(void)
{
    return (struct smtp_mail){.from = "TTS <tts@example.com>",
                              .to = "ann@example.com",
                              .subject = "Not posted: Hello",
                              .text = "One line.\n",
                              .message_id = "n1.2@example.com",
                              .date_ms = 1795718704000};
}

static const char *message(const struct smtp_mail *mail)
{
    strbuf_release(&sb);
    strbuf_init(&sb, 200000);
    ck_assert_msg(smtp_message(mail, &sb, &err) == RC_OK, "%s", err.msg);
    return sb.buf;
}

static enum rc outcome(const struct smtp_mail *mail)
{
    strbuf_release(&sb);
    strbuf_init(&sb, 200000);
    return smtp_message(mail, &sb, &err);
}

START_TEST(a_message_is_what_rfc_5322_says)
{
    struct smtp_mail m = plain();

    ck_assert_str_eq(message(&m), "From: =?UTF-8?B?VFRT?= <tts@example.com>\r\n"
                                  "To: <ann@example.com>\r\n"
                                  "Subject: Not posted: Hello\r\n"
                                  "Date: Thu, 26 Nov 2026 18:45:04 +0000\r\n"
                                  "Message-ID: <n1.2@example.com>\r\n"
                                  "Auto-Submitted: auto-generated\r\n"
                                  "MIME-Version: 1.0\r\n"
                                  "Content-Type: text/plain; charset=utf-8\r\n"
                                  "Content-Transfer-Encoding: base64\r\n\r\n"
                                  "T25lIGxpbmUuCg==\r\n");
}
END_TEST

START_TEST(nothing_in_a_field_makes_another_field)
{
    static const char *const bad[] = {"a\r\nBcc: x@y.z", "a\nb", "a\rb", "a\tb", "\x7f",
                                      "\xff\xfe"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct smtp_mail m = plain();

        m.subject = bad[i];
        ck_assert_int_eq(outcome(&m), RC_INVALID);
        m = plain();
        m.message_id = bad[i];
        ck_assert_int_eq(outcome(&m), RC_INVALID);
        m = plain();
        m.to = bad[i];
        ck_assert_int_eq(outcome(&m), RC_INVALID);
        m = plain();
        m.from = bad[i];
        ck_assert_int_eq(outcome(&m), RC_INVALID);
    }
}
END_TEST

START_TEST(addresses_are_plain)
{
    static const struct {
        const char *to;
        enum rc rc;
    } rows[] = {
        {"a@b", RC_OK},        {"a.b+c@d.example", RC_OK}, {"", RC_INVALID},
        {"a", RC_INVALID},     {"@b", RC_INVALID},         {"a@", RC_INVALID},
        {"a@b@c", RC_INVALID}, {"a@b c@d", RC_INVALID},    {"a@b>,<c@d", RC_INVALID},
        {"<a@b>", RC_INVALID}, {"\"a b\"@c", RC_INVALID},  {"a@b,c@d", RC_INVALID},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct smtp_mail m = plain();

        m.to = rows[i].to;
        ck_assert_msg(outcome(&m) == rows[i].rc, "%s", rows[i].to);
    }
}
END_TEST

START_TEST(a_long_subject_beyond_ascii_is_folded_between_characters)
{
    struct smtp_mail m = plain();
    const char *line;

    m.subject = "Grüße an alle, die heute mit uns feiern wollen: 🎈🎈🎈🎈🎈🎈🎈🎈🎈🎈🎈🎈🎈";
    line = strstr(message(&m), "Subject: ");
    ck_assert_ptr_nonnull(line);
    for (;;) {
        size_t len = strcspn(line, "\r");

        ck_assert_uint_le(len, 76 + strlen("Subject: "));
        line += len + 2;
        if (line[0] != ' ')
            break;
    }
    ck_assert(strncmp(line, "Date: ", 6) == 0);
}
END_TEST

START_TEST(settings_are_checked)
{
    static const struct {
        const char *value;
        enum rc rc;
    } urls[] = {
        {"smtp://mail.example.com", RC_OK},
        {"smtps://user:pass%40word@mail.example.com:465", RC_OK},
        {"smtp://localhost:2525/", RC_OK},
        {"http://mail.example.com", RC_INVALID},
        {"mail.example.com", RC_INVALID},
        {"smtp://", RC_INVALID},
        {"smtp://mail.example.com/path", RC_INVALID},
    };
    static const struct {
        const char *value;
        enum rc rc;
    } froms[] = {
        {"tts@example.com", RC_OK},          {"The scheduler <tts@example.com>", RC_OK},
        {"Größe <tts@example.com>", RC_OK},  {"The scheduler", RC_INVALID},
        {"<tts@example.com> x", RC_INVALID}, {"a\nb <tts@example.com>", RC_INVALID},
    };

    for (size_t i = 0; i < ARRAY_LEN(urls); i++)
        ck_assert_msg(smtp_url_check(urls[i].value, &err) == urls[i].rc, "%s",
                      urls[i].value);
    for (size_t i = 0; i < ARRAY_LEN(froms); i++)
        ck_assert_msg(smtp_from_check(froms[i].value, &err) == froms[i].rc, "%s",
                      froms[i].value);
}
END_TEST

UNIT_MAIN("net_smtp", a_message_is_what_rfc_5322_says,
          nothing_in_a_field_makes_another_field, addresses_are_plain,
          a_long_subject_beyond_ascii_is_folded_between_characters, settings_are_checked)
