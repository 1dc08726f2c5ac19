/* ttsctl watch - do posts go out? For a timer or a cron job: it needs no publisher to
 * tell that there is none. */
#include "ctl.h"

#include "core/parse.h"
#include "store/health.h"
#include "store/media.h"

#include <inttypes.h>
#include <time.h>

enum { AGAIN_MAX_S = 300 };

struct watch {
    struct ctl *ctl;
    struct db *db;
    bool say; /* the lines are shown */
    int wrong;
};

static void line(struct watch *w, bool ok, const char *what, int64_t n)
{
    if (w->say)
        (void)fprintf(w->ctl->out, "%-6s %-20s %" PRId64 "\n", ok ? "ok" : "WRONG", what,
                      n);
    w->wrong += ok ? 0 : 1;
}

static enum rc look(struct watch *w, struct err *err)
{
    struct health_publishers p;
    struct health_late late;
    uint64_t files = 0;
    enum rc rc = health_publishers(w->db, &p, err);

    w->wrong = 0;
    if (rc == RC_OK)
        rc = health_late(w->db, &late, err);
    if (rc == RC_OK)
        rc = media_overdue(w->db, &files, err);
    if (rc != RC_OK)
        return rc;
    line(w, p.alive > 0, "publishers alive", p.alive);
    line(w, p.paused == 0, "publishers paused", p.paused);
    line(w, late.n == 0, "posts overdue", (int64_t)late.n);
    line(w, files == 0, "files unchecked", (int64_t)files);
    return RC_OK;
}

/* A database that is away is as wrong as anything. */
static enum rc watch(struct watch *w, int64_t again_s, struct err *err)
{
    const struct timespec pause = {.tv_sec = (time_t)again_s};
    enum rc rc;

    w->say = again_s == 0;
    rc = look(w, err);
    if (again_s == 0)
        return rc;
    if (rc != RC_OK || w->wrong > 0)
        (void)nanosleep(&pause, NULL);
    w->say = true;
    return look(w, err);
}

static int run(struct ctl *ctl, int argc, char **argv)
{
    const char *again = NULL;
    const struct ctl_option options[] = {{"--again", &again, NULL}};
    struct ctl_args args = {.options = options, .options_len = ARRAY_LEN(options)};
    struct watch w = {.ctl = ctl};
    int64_t again_s = 0;
    struct err err;
    int status;

    if (!ctl_args_read(ctl, argc, argv, &args))
        return CTL_USAGE;
    if (again != NULL && !parse_i64(again, 1, AGAIN_MAX_S, &again_s))
        return ctl_usage(ctl, "--again takes 1 to 300 seconds");
    if (!ctl_db_open(ctl, &w.db, &status))
        return status;
    if (watch(&w, again_s, &err) != RC_OK)
        status = ctl_fail(ctl, &err);
    else
        status = w.wrong == 0 ? CTL_OK : CTL_FAILED;
    db_free(w.db);
    return status;
}

const struct ctl_command ctl_watch = {
    .name = "watch",
    .args = "[--again SECONDS]",
    .summary = "Say whether posts go out; status 1 when they do not",
    .help = "With --again it looks a second time when something is wrong, so that a\n"
            "restart is no alarm. The database user of tts-api has the rights it needs.",
    .run = run,
};
