#include "domain/notice.h"

#include "core/rfc3339.h"
#include "core/text.h"
#include "domain/account.h"
#include "domain/reason.h"

#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 101 }; /* bytes of a caption or account in a title */

static const char *const names[NOTICE_COUNT] = {
    [NOTICE_POST_FAILED] = "post.failed",
    [NOTICE_POST_ATTENTION] = "post.attention",
    [NOTICE_RECONNECT] = "account.reconnect",
    [NOTICE_LIMITED] = "account.limited",
    [NOTICE_GRANT_ENDING] = "account.grant_ending",
    [NOTICE_OVERDUE] = "watchdog.overdue",
};

const char *notice_name(enum notice_kind kind)
{
    return names[kind];
}

bool notice_parse(const char *name, enum notice_kind *kind)
{
    for (size_t i = 0; i < NOTICE_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            *kind = (enum notice_kind)i;
            return true;
        }
    }
    return false;
}

/* --- words ------------------------------------------------------------------------- */

/* before, name and after in one line. Cut rather than refused: a title is no place for a
 * whole caption. */
static void title(struct notice_words *out, const char *before, const char *name,
                  const char *after)
{
    char part[NAME_SIZE];

    text_copy(part, sizeof(part), name);
    for (char *p = part; *p != '\0'; p++)
        *p = (unsigned char)*p < ' ' || *p == 0x7f ? ' ' : *p;
    (void)snprintf(out->title, sizeof(out->title), "%s%s%s", before, part, after);
}

static const char *account_of(const struct notice *n)
{
    return n->account[0] != '\0' ? n->account : "a TikTok account";
}

/* "2026-11-26 09:00 UTC" */
enum { UTC_SIZE = RFC3339_SIZE + 8 };
static void utc(int64_t at_ms, char out[UTC_SIZE])
{
    char at[RFC3339_SIZE];

    rfc3339_format(at_ms, at);
    (void)snprintf(out, UTC_SIZE, "%.10s %.5s UTC", at, at + 11);
}

/* What the reason's row says of it. */
static void explain(const struct notice *n, const char *plain, struct notice_words *out)
{
    const struct reason *r = n->code[0] != '\0' ? reason_find(n->code) : NULL;

    if (r != NULL)
        (void)snprintf(out->text, sizeof(out->text), "%s %s", r->sentence, r->next_step);
    else
        (void)snprintf(out->text, sizeof(out->text), "%s %s%s%s", plain,
                       n->code[0] != '\0' ? "The code is " : "", n->code,
                       n->code[0] != '\0' ? "." : "");
}

static void say_post(const struct notice *n, struct notice_words *out)
{
    bool failed = n->kind == NOTICE_POST_FAILED;

    title(out, failed ? "Not posted: " : "Needs your attention: ",
          n->caption[0] != '\0' ? n->caption : "a post without a caption", "");
    explain(n, failed ? "The post failed." : "The post waits for a person.", out);
}

static void say_limited(const struct notice *n, struct notice_words *out)
{
    const struct reason *r = reason_find(n->code);
    char at[UTC_SIZE];

    utc(n->at_ms, at);
    title(out, "Posts of ", account_of(n), " go out later");
    (void)snprintf(out->text, sizeof(out->text),
                   "%s Its posts were moved and go on by themselves; the next try is at "
                   "%s.",
                   r != NULL ? r->sentence
                             : "TikTok lets this account post nothing for a while.",
                   at);
}

static void say_ending(const struct notice *n, struct notice_words *out)
{
    char at[UTC_SIZE];

    utc(n->at_ms, at);
    title(out, "Reconnect ", account_of(n), " soon");
    (void)snprintf(
        out->text, sizeof(out->text),
        "TikTok ends this connection in %d day%s, at %s. Reconnect the account "
        "on the Accounts page before that; posts due later do not go out "
        "otherwise.",
        n->days, n->days == 1 ? "" : "s", at);
}

/* The grant is dead, the access that was given last is not. */
static void say_lasting(const struct notice *n, struct notice_words *out)
{
    char at[UTC_SIZE];

    utc(n->at_ms, at);
    (void)snprintf(out->text, sizeof(out->text),
                   "TikTok does not renew this connection. Posts that fall due before %s "
                   "still go out; later ones wait until you reconnect the account on the "
                   "Accounts page, and go on by themselves then.",
                   at);
}

/* Why, in the words of the Accounts page, and where to go. */
static void say_reconnect(const struct notice *n, struct notice_words *out)
{
    const struct account_standing s = {.status = ACCOUNT_RECONNECT, .reason = n->code};

    title(out, "Reconnect ", account_of(n), "");
    if (n->at_ms != 0) {
        say_lasting(n, out);
        return;
    }
    (void)snprintf(out->text, sizeof(out->text),
                   "%s You do that on the Accounts page; posts that wait go on by "
                   "themselves then.",
                   account_sentence(&s));
}

void notice_say(const struct notice *n, struct notice_words *out)
{
    *out = (struct notice_words){.title = ""};
    switch (n->kind) {
    case NOTICE_POST_FAILED:
    case NOTICE_POST_ATTENTION:
        say_post(n, out);
        break;
    case NOTICE_RECONNECT:
        say_reconnect(n, out);
        break;
    case NOTICE_LIMITED:
        say_limited(n, out);
        break;
    case NOTICE_GRANT_ENDING:
        say_ending(n, out);
        break;
    case NOTICE_OVERDUE:
        title(out, "Posts are overdue", "", "");
        text_copy(
            out->text, sizeof(out->text),
            "Posts whose time has come are not being sent: no publisher takes them. "
            "Tell your administrator, who finds out more with ttsctl check and "
            "/api/ready. They go out once it is put right, unless they would be "
            "later than they may be by then (six hours, where nothing else is said).");
        break;
    }
}
