#include "domain/status.h"

#include "core/text.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const names[STATUS_COUNT] = {
    [STATUS_DRAFT] = "draft",           [STATUS_AWAITING_APPROVAL] = "awaiting_approval",
    [STATUS_SCHEDULED] = "scheduled",   [STATUS_PREPARING] = "preparing",
    [STATUS_PUBLISHING] = "publishing", [STATUS_PROCESSING] = "processing",
    [STATUS_PUBLISHED] = "published",   [STATUS_PUBLISHED_PRIVATE] = "published_private",
    [STATUS_IN_INBOX] = "in_inbox",     [STATUS_NEEDS_ATTENTION] = "needs_attention",
    [STATUS_FAILED] = "failed",         [STATUS_CANCELED] = "canceled",
};

const char *post_status_name(enum post_status status)
{
    return names[status];
}

bool post_status_parse(const char *text, enum post_status *status)
{
    for (size_t i = 0; i < STATUS_COUNT; i++) {
        if (strcmp(text, names[i]) == 0) {
            *status = (enum post_status)i;
            return true;
        }
    }
    return false;
}

bool post_outcome_unknown(const struct post_standing *s)
{
    return s->phase == PHASE_REVIEW &&
           (s->granted || reason_leaves_outcome_unknown(s->reason));
}

static enum post_status published_as(const struct post_standing *s)
{
    if (s->inbox)
        return s->finished ? STATUS_PUBLISHED : STATUS_IN_INBOX;
    return s->self_only && s->visibility != VISIBILITY_PUBLIC ? STATUS_PUBLISHED_PRIVATE
                                                              : STATUS_PUBLISHED;
}

enum post_status post_status_of(const struct post_standing *s)
{
    switch (s->phase) {
    case PHASE_DRAFT:
        return STATUS_DRAFT;
    case PHASE_SCHEDULED:
        return STATUS_SCHEDULED;
    case PHASE_RUNNING:
        return STATUS_PREPARING;
    case PHASE_COMMITTED:
        return s->sent ? STATUS_PROCESSING : STATUS_PUBLISHING;
    case PHASE_PUBLISHED:
        return published_as(s);
    case PHASE_FAILED:
        return STATUS_FAILED;
    case PHASE_CANCELED:
        return STATUS_CANCELED;
    case PHASE_REVIEW:
    case PHASE_BLOCKED:
        break;
    }
    return STATUS_NEEDS_ATTENTION;
}

/* --- words ------------------------------------------------------------------------- */

/* Of statuses that need no reason. */
static const struct {
    const char *text, *next_step;
    enum next_action action;
} plain[STATUS_COUNT] = {
    [STATUS_DRAFT] = {"Not scheduled yet.", NULL, NEXT_NONE},
    [STATUS_AWAITING_APPROVAL] = {"Waiting for approval.", NULL, NEXT_NONE},
    [STATUS_SCHEDULED] = {"Waiting for its time.", NULL, NEXT_NONE},
    [STATUS_PREPARING] = {"Being handed to TikTok, all but the last part.", NULL,
                          NEXT_NONE},
    [STATUS_PUBLISHING] = {"The last part is on its way to TikTok.",
                           "Nothing to do: this takes seconds.", NEXT_WAIT},
    [STATUS_PROCESSING] = {"TikTok has it and is processing it.",
                           "Nothing to do: this takes from seconds to some minutes.",
                           NEXT_WAIT},
    [STATUS_PUBLISHED] = {"Posted on TikTok.", NULL, NEXT_NONE},
    [STATUS_PUBLISHED_PRIVATE] = {"Posted on TikTok, visible only to the account itself.",
                                  NULL, NEXT_NONE},
    [STATUS_IN_INBOX] = {"Delivered to the account's TikTok inbox as a draft.",
                         "Open the notification in the TikTok app to finish it and post "
                         "it.",
                         NEXT_OPEN_TIKTOK},
    [STATUS_NEEDS_ATTENTION] = {"It waits for a person.",
                                "Look at its timeline, then try again.", NEXT_RETRY},
    [STATUS_FAILED] = {"It was not posted.", "Look at its timeline, then try again.",
                       NEXT_RETRY},
    [STATUS_CANCELED] = {"Canceled; it will not be posted.", NULL, NEXT_NONE},
};

static void say(struct post_shown *out, const char *text)
{
    (void)snprintf(out->text, sizeof(out->text), "%s", text);
}

/* A status that a reason explains. */
static void explain(const char *code, struct post_shown *out)
{
    const struct reason *r = reason_find(code);

    out->reason = code;
    if (r == NULL) {
        (void)snprintf(out->text, sizeof(out->text),
                       "%s The code is %s, which this version has no words for.",
                       plain[out->status].text, code);
        return;
    }
    say(out, r->sentence);
    out->next_step = r->next_step[0] != '\0' ? r->next_step : NULL;
    out->action = r->action;
}

/* Is the reason what the status is about, or only what happened on the way? */
static bool is_about_reason(const struct post_standing *s)
{
    if (s->reason[0] == '\0')
        return false;
    switch (s->phase) {
    case PHASE_SCHEDULED: /* it failed and is tried again */
    case PHASE_FAILED:
    case PHASE_REVIEW:
    case PHASE_BLOCKED:
        return true;
    case PHASE_PUBLISHED:
        return strcmp(s->reason, REASON_SAID_PUBLISHED) == 0;
    case PHASE_RUNNING: /* PUBLISH_STRICT; trouble of another kind is over */
        return strcmp(s->reason, REASON_REPLICA_MISSING) == 0 ||
               strcmp(s->reason, REASON_WITNESS_MISSING) == 0;
    case PHASE_DRAFT:
    case PHASE_COMMITTED:
    case PHASE_CANCELED:
        break;
    }
    return false;
}

/* A limit is no failure: the post is only later. */
static void say_moved(struct post_shown *out)
{
    char why[STATUS_TEXT_SIZE];

    text_copy(why, sizeof(why), out->text);
    (void)snprintf(out->text, sizeof(out->text), "Moved later: %.*s",
                   (int)(sizeof(out->text) - sizeof("Moved later: ")), why);
    out->next_step = "Nothing to do: it goes out by itself when the limit has passed.";
}

void post_show(const struct post_standing *s, struct post_shown *out)
{
    *out = (struct post_shown){.status = post_status_of(s)};
    say(out, plain[out->status].text);
    out->next_step = plain[out->status].next_step;
    out->action = plain[out->status].action;
    if (post_outcome_unknown(s))
        explain(reason_leaves_outcome_unknown(s->reason) ? s->reason
                                                         : REASON_OUTCOME_UNKNOWN,
                out);
    else if (is_about_reason(s))
        explain(s->reason, out);
    else if (s->phase == PHASE_PUBLISHED && s->visibility == VISIBILITY_HIDDEN)
        explain(REASON_NO_LONGER_PUBLIC, out);
    if (out->action == NEXT_RESOLVE) /* whatever led here, this is what it comes to */
        out->reason = REASON_OUTCOME_UNKNOWN;
    if (s->phase == PHASE_SCHEDULED && out->reason != NULL) {
        if (s->limited_ms > s->now_ms)
            say_moved(out);
        else
            out->next_step = "Nothing to do: it is tried again by itself.";
        out->action = NEXT_WAIT;
    } else if (s->phase == PHASE_SCHEDULED && s->due_ms <= s->now_ms) {
        if (s->waits_turn)
            explain(REASON_ACCOUNT_WINDOW, out);
        else
            say(out, "Its time has come; a publisher is about to take it up.");
    }
}

/* --- what can be done -------------------------------------------------------------- */

static const char wrong_status[] = "wrong_status";
static const char too_late[] = "too_late";

#define IN(phase) (1 << PHASE_##phase)

/* The phases in which a deed is possible. */
static const int possible[] = {
    [DEED_CHANGE] =
        IN(DRAFT) | IN(SCHEDULED) | IN(FAILED) | IN(CANCELED) | IN(REVIEW) | IN(BLOCKED),
    [DEED_DELETE] = IN(DRAFT) | IN(FAILED) | IN(CANCELED),
    [DEED_SCHEDULE] = IN(DRAFT) | IN(FAILED) | IN(CANCELED) | IN(REVIEW) | IN(BLOCKED),
    [DEED_PUBLISH_NOW] =
        IN(DRAFT) | IN(SCHEDULED) | IN(FAILED) | IN(CANCELED) | IN(REVIEW) | IN(BLOCKED),
    [DEED_CANCEL] = IN(SCHEDULED) | IN(RUNNING) | IN(REVIEW) | IN(BLOCKED),
    [DEED_RETRY] = IN(FAILED) | IN(REVIEW) | IN(BLOCKED),
    [DEED_RESOLVE] = IN(REVIEW),
};

/* Why a deed is not possible in a phase outside its set. */
static const char *why_not(enum post_deed deed, enum post_phase phase)
{
    if (deed == DEED_CHANGE)
        return too_late;
    return deed == DEED_CANCEL && phase == PHASE_COMMITTED ? too_late : wrong_status;
}

const char *post_refusal(enum post_deed deed, const struct post_standing *s)
{
    if ((possible[deed] & (1 << s->phase)) == 0)
        return why_not(deed, s->phase);
    if (deed == DEED_RESOLVE)
        return post_outcome_unknown(s) ? NULL : wrong_status;
    if (post_outcome_unknown(s))
        return deed == DEED_CHANGE ? too_late : REASON_OUTCOME_UNKNOWN;
    return s->granted && s->phase != PHASE_REVIEW ? too_late : NULL;
}
