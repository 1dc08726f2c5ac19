/* tts-sandbox - TikTok as documented, for the local stack and for every test.
 *
 * A FastCGI program behind nginx. Its state is one SQLite file and a directory of
 * uploads, shared by the workers and the courier, a process that does what TikTok does by
 * itself; it survives restarts and kills. docs/sandbox.md says what it plays, and how to
 * make it behave badly. */
#include "apps.h"
#include "courier.h"
#include "exchange.h"
#include "frame.h"
#include "people.h"

#include "core/config.h"
#include "core/io.h"
#include "core/xalloc.h"
#include "web/server.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    IO_MS = 65000,        /* nginx waits 60 s for the next piece of a body */
    DEADLINE_MS = 600000, /* a chunk of 128 MB at 220 kB/s */
    DRAIN_MS = 5000,
    PATH_SIZE = 1200,
};

/* What all processes of the program have. */
struct shared {
    struct settings settings;
    int bell;
};

static void open_log(const struct settings *s)
{
    struct err err;

    log_setup("sandbox", s->log_level);
    if (log_open(s->log_file, &err) != RC_OK)
        config_reject("sandbox", "LOG_FILE", "cannot be opened");
}

/* Makes the directory, the tables and the people before any worker needs them. */
static void prepare_state(const struct settings *s)
{
    char path[PATH_SIZE];
    struct sql *sql = NULL;
    struct err err;
    enum rc rc;

    (void)snprintf(path, sizeof(path), "%s/uploads", s->dir);
    rc = io_make_dirs(path, &err);
    if (rc == RC_OK)
        rc = sql_open(s->dir, &sql, &err);
    if (rc == RC_OK)
        rc = sql_begin(sql, &err);
    if (rc == RC_OK) {
        rc = people_seed(sql, &err);
        if (rc == RC_OK)
            rc = apps_seed(sql, &err);
        rc = sql_end(sql, rc, &err);
    }
    sql_close(sql);
    if (rc != RC_OK)
        config_reject("sandbox", "SANDBOX_DIR", err.msg);
}

static void *start(void *arg)
{
    struct sandbox *sandbox = xcalloc(1, sizeof(*sandbox));
    const struct shared *shared = arg;
    struct err err;

    sandbox->settings = &shared->settings;
    sandbox->bell = shared->bell;
    sandbox->clock = clock_system();
    sandbox->random = random_system();
    sandbox->buffer = xmalloc(UPLOAD_BUFFER);
    if (sql_open(sandbox->settings->dir, &sandbox->sql, &err) != RC_OK) {
        log_failure("sandbox.no_state", &err);
        exit(EXIT_FAILURE);
    }
    return sandbox;
}

static void handle(void *worker, const struct web_request *req, struct web_response *res)
{
    frame_serve(worker, req, res);
}

static void stop(void *worker)
{
    struct sandbox *sandbox = worker;

    sql_close(sandbox->sql);
    free(sandbox->buffer);
    free(sandbox);
}

static int run_courier(void *arg)
{
    const struct shared *shared = arg;

    return courier_run(&shared->settings, shared->bell);
}

int main(void)
{
    struct shared shared;
    struct settings *s = &shared.settings;
    struct web_program program = {.name = "sandbox",
                                  .deadline_ms = DEADLINE_MS,
                                  .io_ms = IO_MS,
                                  .drain_ms = DRAIN_MS,
                                  .start = start,
                                  .handle = handle,
                                  .stop = stop,
                                  .companion = run_courier};
    int status;

    settings_read(s);
    open_log(s);
    prepare_state(s);
    shared.bell = bell_new();
    program.listen = s->listen;
    program.workers = (size_t)s->workers;
    program.arg = &shared;
    status = web_serve(&program);
    io_close(&shared.bell);
    settings_release(s);
    return status;
}
