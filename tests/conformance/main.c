/* conformance SANDBOX_URL [NAME...] - every endpoint, every documented error and
 * every variation that is tolerated: the client against the simulator over real HTTP.
 * With names only the cases whose name begins with one of them.
 *
 * Prints a line a case; ends with 1 when one is not as it should be, or when there are
 * fewer than CASES_MIN. TIKTOK_CLIENT_KEY, TIKTOK_CLIENT_SECRET and TIKTOK_REDIRECT_URI
 * are those of the simulator's app. */
#include "conformance.h"

#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    CASES_MIN = 250,
    VIDEO_BYTES = 70000000, /* more than one chunk may have */
    ASK_MS = 30000,
};

static const char all_scopes[] = "user.info.basic,user.info.profile,user.info.stats,"
                                 "video.list,video.upload,video.publish";

struct run {
    struct world world;
    char *const *names; /* of cases to be run; NULL: all */
    int cases, good;
};

void give_up(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)fputs("conformance: ", stderr);
    (void)vfprintf(stderr, fmt, ap);
    (void)fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

void trial_problem(struct trial *t, const char *fmt, ...)
{
    va_list ap;

    if (t->problems++ == 0)
        (void)printf("FAIL %s\n", t->c->name);
    va_start(ap, fmt);
    (void)fputs("     ", stdout);
    (void)vprintf(fmt, ap);
    (void)fputc('\n', stdout);
    va_end(ap);
}

/* A simulator in which nothing has happened, and a request like any other. */
static void begin(struct trial *t, const struct world *w, const struct a_case *c)
{
    *t = (struct trial){.world = w, .c = c};
    t->app = w->app;
    t->size = 1000;
    t->timeout_ms = ASK_MS;
    t->post =
        (struct tiktok_video_post){.privacy_level = "PUBLIC_TO_EVERYONE", .cover_ms = -1};
    text_copy(t->who, sizeof(t->who), "ann.example");
    text_copy(t->scopes, sizeof(t->scopes), all_scopes);
    text_copy(t->verifier, sizeof(t->verifier),
              "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    text_copy(t->photo_url, sizeof(t->photo_url), "https://media.example.com/u/1.jpg");
    json_decref(control(w, "POST", "/reset", NULL));
    host_forget(w->host);
}

static void end(struct trial *t)
{
    strbuf_wipe(&t->answer.body);
    strbuf_release(&t->event);
    json_decref(t->facts);
    tiktok_tokens_wipe(&t->tokens);
    tiktok_tokens_wipe(&t->kept);
}

static bool is_wanted(const struct run *run, const char *name)
{
    if (run->names == NULL)
        return true;
    for (char *const *n = run->names; *n != NULL; n++)
        if (text_starts_with(name, *n))
            return true;
    return false;
}

static void say(const struct trial *t)
{
    const struct a_case *c = t->c;
    const struct tiktok_error *row =
        c->reason != NULL ? tiktok_error_by_reason(c->reason) : NULL;

    (void)printf("ok   %s: %s%s%s%s%s\n", c->name, c->class, *c->code != '\0' ? ", " : "",
                 c->code, row != NULL ? " - " : "", row != NULL ? row->sentence : "");
}

static void run_case(void *ctx, const struct a_case *c)
{
    static struct trial t; /* some 50 kB: not for the stack */
    struct run *run = (struct run *)ctx;

    if (!is_wanted(run, c->name))
        return;
    begin(&t, &run->world, c);
    steps_run(&t, c->prep);
    ask(&t, c->endpoint);
    judge(&t);
    if (c->then != NULL)
        steps_run(&t, c->then);
    run->cases++;
    if (t.problems == 0) {
        run->good++;
        say(&t);
    }
    end(&t);
}

static const char *setting(const char *name)
{
    const char *value = getenv(name);

    if (value == NULL)
        give_up("%s is not set", name);
    return value;
}

static void open_world(struct world *w, const char *url)
{
    const char *const local[] = {url, NULL};
    const struct http_settings settings = {.local = local, .in_flight_max = 4};
    struct err err;

    *w = (struct world){.url = url};
    w->app.client_key = setting("TIKTOK_CLIENT_KEY");
    w->app.client_secret = setting("TIKTOK_CLIENT_SECRET");
    w->app.redirect_uri = setting("TIKTOK_REDIRECT_URI");
    if (http_curl_new(&settings, &w->http, &err) != RC_OK)
        give_up("%s", err.msg);
    w->host = host_start();
    w->video = memfd_create("video", MFD_CLOEXEC);
    if (w->video < 0 || ftruncate(w->video, VIDEO_BYTES) != 0)
        give_up("no video can be made");
    /* of the explanations: the simulator is where uploads go */
    if (setenv("TIKTOK_UPLOAD_HOSTS", url, 1) != 0 || setenv("TTS_ENV_FILE", "", 1) != 0)
        give_up("no environment");
}

int main(int argc, char **argv)
{
    static const struct {
        void (*cases)(run_fn run, void *ctx);
    } groups[] = {{cases_oauth},  {cases_display}, {cases_posting},
                  {cases_status}, {cases_upload},  {cases_pull},
                  {cases_apps},   {cases_webhook}, {cases_across}};
    struct run run = {.names = argc > 2 ? argv + 2 : NULL};

    if (argc < 2)
        give_up("usage: conformance SANDBOX_URL [NAME...]");
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    open_world(&run.world, argv[1]);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        groups[i].cases(run_case, &run);
    http_free(run.world.http);
    host_stop(run.world.host);
    (void)close(run.world.video);
    (void)printf("conformance: %d cases, %d ok\n", run.cases, run.good);
    if (run.names == NULL && run.cases < CASES_MIN)
        give_up("there must be at least %d cases", CASES_MIN);
    return run.good == run.cases ? 0 : 1;
}
