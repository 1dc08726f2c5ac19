/* ttsctl stats - figures of the whole installation, one a line. */
#include "ctl.h"

#include "core/rfc3339.h"
#include "store/health.h"
#include "store/inspect.h"

#include <inttypes.h>

static void line(struct ctl *ctl, const char *name, uint64_t n)
{
    (void)fprintf(ctl->out, "%-24s %" PRIu64 "\n", name, n);
}

static void show_stats(struct ctl *ctl, const struct inspect_stats *s)
{
    line(ctl, "workspaces", s->workspaces);
    line(ctl, "people", s->users);
    line(ctl, "sessions", s->sessions);
    line(ctl, "api tokens", s->tokens);
    line(ctl, "accounts connected", s->accounts);
    line(ctl, "accounts to reconnect", s->accounts_broken);
    line(ctl, "media", s->media);
    line(ctl, "media bytes", s->media_bytes > 0 ? (uint64_t)s->media_bytes : 0);
    line(ctl, "media being checked", s->media_waiting);
    line(ctl, "uploads open", s->uploads);
    line(ctl, "tasks waiting", s->tasks);
    for (int i = 0; i < INSPECT_STATES; i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "posts %s", inspect_job_state(i));
        if (s->jobs[i] != 0)
            line(ctl, name, s->jobs[i]);
    }
}

static void show_process(void *ctx, const struct inspect_process *p)
{
    const struct ctl *ctl = ctx;
    char since[RFC3339_SIZE];

    (void)fprintf(ctl->out,
                  "publisher %-14" PRIu64 " %s process %" PRIu64
                  " since %s, lease %" PRId64 " ms\n",
                  p->inc, p->host, p->pid, ctl_time(p->started_ms, since), p->left_ms);
}

static enum rc show_all(struct ctl *ctl, struct db *db, struct err *err)
{
    struct inspect_stats stats;
    struct health_late late;
    enum rc rc = inspect_stats(db, &stats, err);

    if (rc == RC_OK)
        rc = health_late(db, &late, err);
    if (rc != RC_OK)
        return rc;
    show_stats(ctl, &stats);
    line(ctl, "posts overdue", late.n);
    return inspect_processes(db, show_process, ctl, err);
}

static int run(struct ctl *ctl, int argc, char **argv)
{
    return ctl_report(ctl, argc, argv, show_all);
}

const struct ctl_command ctl_stats = {
    .name = "stats",
    .args = "",
    .summary = "Count what there is and what waits",
    .help = "",
    .run = run,
};
