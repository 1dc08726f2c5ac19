/* ttsctl post show - the whole story of a post. */
#include "ctl.h"

#include "core/parse.h"
#include "core/rfc3339.h"
#include "domain/post.h"
#include "store/events.h"
#include "store/inspect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void show_job(struct ctl *ctl, uint64_t id, const struct inspect_post *p)
{
    char due[RFC3339_SIZE], next[RFC3339_SIZE], published[RFC3339_SIZE];

    (void)fprintf(ctl->out,
                  "post %" PRIu64 " of workspace %" PRIu64 " (%s), account %" PRIu64
                  " (%s), %s, %s\n",
                  id, p->workspace_id, p->workspace, p->account_id, p->account,
                  post_kind_name((enum post_kind)p->kind),
                  post_mode_name((enum post_mode)p->mode));
    (void)fprintf(ctl->out, "  state %s  due %s  next look %s\n",
                  inspect_job_state(p->state), ctl_time(p->due_ms, due),
                  p->next_ms == INT64_MAX ? "never" : ctl_time(p->next_ms, next));
    (void)fprintf(ctl->out,
                  "  fence %" PRIu64 "  owner %" PRIu64
                  "  attempt %u  granted %u  fails %u  crashes %u\n",
                  p->fence, p->owner, p->attempt_no, p->granted, p->fails, p->crashes);
    if (p->reason[0] != '\0')
        (void)fprintf(ctl->out, "  last trouble %s\n", p->reason);
    if (p->published_ms != 0)
        (void)fprintf(ctl->out, "  published %s  at TikTok %s\n",
                      ctl_time(p->published_ms, published),
                      p->tiktok_ids[0] != '\0' ? p->tiktok_ids : "(no id told)");
}

/* How the bytes went. What TikTok fetches is nginx's to send, so nobody counts it. */
static const char *way_of(const struct inspect_attempt *a, char out[64])
{
    char at[RFC3339_SIZE];

    if (!a->fetched)
        (void)snprintf(out, 64, "%" PRId64 "/%" PRId64 " bytes", a->bytes_acked,
                       a->bytes_total);
    else if (a->first_served == 0)
        (void)snprintf(out, 64, "nothing fetched");
    else
        (void)snprintf(out, 64, "fetched from %s", ctl_time(a->first_served, at));
    return out;
}

static void show_attempt(void *ctx, const struct inspect_attempt *a)
{
    const struct ctl *ctl = ctx;
    char made[RFC3339_SIZE];
    char way[64];

    (void)fprintf(ctl->out, "  %u  %s  begun %s  %s  %s%s%s%s%s%s%s\n", a->no,
                  inspect_attempt_state(a->state), ctl_time(a->created_ms, made),
                  a->publish_id[0] != '\0' ? a->publish_id : "(no session)",
                  way_of(a, way), a->status[0] != '\0' ? "  " : "", a->status,
                  a->reason[0] != '\0' ? "  " : "", a->reason,
                  a->log_id[0] != '\0' ? "  log " : "", a->log_id);
}

/* "for 2026-…" what the post was given, "next try 2026-…" what it waits for. */
static void show_when(struct ctl *ctl, const struct event_line *line)
{
    bool waits = line->kind == EVENT_LATER || line->kind == EVENT_PUT_OFF;
    char when[RFC3339_SIZE];

    if (line->when_ms != 0)
        (void)fprintf(ctl->out, "  %s %s", waits ? "next try" : "for",
                      ctl_time(line->when_ms, when));
}

static void show_event(struct ctl *ctl, const struct event_line *line)
{
    const char *why = event_why(line);
    char at[RFC3339_SIZE];

    (void)fprintf(ctl->out, "  %s  %-10s %-16s %s", ctl_time(line->at_ms, at),
                  event_actor(line), event_kind_name(line->kind), event_text(line->kind));
    if (why != NULL)
        (void)fprintf(ctl->out, " %s", why);
    show_when(ctl, line);
    if (line->by[0] != '\0')
        (void)fprintf(ctl->out, "  by %s", line->by);
    if (line->attempt != 0)
        (void)fprintf(ctl->out, "  attempt %u", line->attempt);
    if (line->code[0] != '\0')
        (void)fprintf(ctl->out, "  [%s]", line->code);
    if (line->session[0] != '\0')
        (void)fprintf(ctl->out, "  %s", line->session);
    if (line->log_id[0] != '\0')
        (void)fprintf(ctl->out, "  log %s", line->log_id);
    if (line->inc != 0)
        (void)fprintf(ctl->out, "  publisher %" PRIu64, line->inc);
    (void)fprintf(ctl->out, "\n");
}

static enum rc show_timeline(struct ctl *ctl, struct db *db, uint64_t id,
                             const struct inspect_post *p, struct err *err)
{
    struct event_query query = {
        .workspace_id = p->workspace_id, .post_id = id, .limit = EVENT_PAGE_MAX};
    static struct event_page page; /* 80 kB: not for the stack */
    enum rc rc;

    do {
        rc = event_timeline(db, &query, &page, err);
        if (rc != RC_OK)
            return rc;
        for (size_t i = 0; i < page.n; i++)
            show_event(ctl, &page.lines[i]);
        if (page.n > 0)
            query.after = page.lines[page.n - 1].id;
    } while (page.more);
    return RC_OK;
}

static int show(struct ctl *ctl, struct db *db, uint64_t id)
{
    struct inspect_post post;
    struct err err;
    enum rc rc = inspect_post(db, id, &post, &err);

    if (rc != RC_OK)
        return ctl_fail(ctl, &err);
    show_job(ctl, id, &post);
    (void)fprintf(ctl->out, "attempts\n");
    rc = inspect_attempts(db, id, show_attempt, ctl, &err);
    (void)fprintf(ctl->out, "timeline\n");
    if (rc == RC_OK)
        rc = show_timeline(ctl, db, id, &post, &err);
    return rc == RC_OK ? CTL_OK : ctl_fail(ctl, &err);
}

static int run(struct ctl *ctl, int argc, char **argv)
{
    const char *word = NULL;
    struct ctl_args args = {.words = &word, .least = 1, .most = 1};
    struct db *db = NULL;
    uint64_t id;
    int status;

    if (!ctl_args_read(ctl, argc, argv, &args))
        return CTL_USAGE;
    if (!parse_id(word, &id))
        return ctl_usage(ctl,
                         "ID is the number of a post, as in the dashboard's address");
    if (!ctl_db_open(ctl, &db, &status))
        return status;
    status = show(ctl, db, id);
    db_free(db);
    return status;
}

const struct ctl_command ctl_post_show = {
    .name = "post show",
    .args = "ID",
    .summary = "Tell the whole story of a post",
    .help =
        "Its state, every attempt with TikTok's name for it and TikTok's log ids (for\n"
        "their support), and its timeline.",
    .run = run,
};
