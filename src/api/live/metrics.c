/* GET /metrics - figures for Prometheus, on nginx's internal listener only.
 *
 * What is counted in the database is read; what publishers count they say with each
 * heartbeat (core/meter.h), and it is passed on with the number of their incarnation: a
 * publisher that is restarted begins a series of its own. */
#include "metrics.h"

#include "core/log.h"
#include "store/health.h"
#include "store/inspect.h"
#include "store/media.h"
#include "store/publishers.h"
#include "web/server.h"

#include <inttypes.h>
#include <string.h>

enum {
    TEXT_MAX = 256 * 1024,
    STATES_MS = 60000, /* posts by state are counted so rarely: that reads them all */
};

static void head(struct strbuf *out, const char *name, const char *type, const char *help)
{
    strbuf_addf(out, "# HELP tts_%s %s\n# TYPE tts_%s %s\n", name, help, name, type);
}

static void gauge(struct strbuf *out, const char *name, const char *help, int64_t value)
{
    head(out, name, "gauge", help);
    strbuf_addf(out, "tts_%s %" PRId64 "\n", name, value);
}

/* --- the database -------------------------------------------------------------- */

static void add_states(struct api *api, struct strbuf *out)
{
    static struct inspect_stats seen;
    static int64_t seen_ms;
    int64_t now_ms = clock_mono_ms(api->clock);
    struct err err;

    if (seen_ms == 0 || now_ms - seen_ms >= STATES_MS) {
        if (inspect_stats(api->db, &seen, &err) != RC_OK)
            return;
        seen_ms = now_ms;
    }
    head(out, "posts", "gauge", "Posts by state of their job, at most a minute old");
    for (int i = 0; i < INSPECT_STATES; i++)
        strbuf_addf(out, "tts_posts{state=\"%s\"} %" PRIu64 "\n", inspect_job_state(i),
                    seen.jobs[i]);
    gauge(out, "accounts_connected", "Connected accounts", (int64_t)seen.accounts);
    gauge(out, "accounts_to_reconnect", "Accounts whose connection TikTok ended",
          (int64_t)seen.accounts_broken);
    gauge(out, "tasks_waiting", "Tasks of the publisher that are not done",
          (int64_t)seen.tasks);
}

static void add_work(struct api *api, struct strbuf *out)
{
    struct health_publishers p;
    struct health_late late;
    uint64_t files = 0;
    struct err err;

    if (health_late(api->db, &late, &err) == RC_OK) {
        gauge(out, "posts_overdue", "Posts that nobody has taken up 5 s after their time",
              (int64_t)late.n);
        gauge(out, "oldest_overdue_seconds", "How long the oldest of them waits",
              late.oldest_ms > 0 ? (late.now_ms - late.oldest_ms) / 1000 : 0);
    }
    if (health_publishers(api->db, &p, &err) == RC_OK) {
        gauge(out, "publishers_alive", "Publishers heard of in the last 7 s", p.alive);
        gauge(out, "publishers_paused", "Of these: TikTok refuses everybody", p.paused);
    }
    if (media_overdue(api->db, &files, &err) == RC_OK)
        gauge(out, "media_overdue", "Files that wait too long for their check",
              (int64_t)files);
}

/* --- the publishers ------------------------------------------------------------ */

/* Lines of one metric belong together: each pass over the publishers picks one. */
struct picking {
    struct strbuf *out;
    const char *name; /* the metric's, without bucket and the like */
    size_t len;
};

static bool belongs(const struct picking *p, const char *line)
{
    static const char *const tails[] = {" ", "_bucket:", "_sum ", "_count "};

    if (strncmp(line, p->name, p->len) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        if (strncmp(line + p->len, tails[i], strlen(tails[i])) == 0)
            return true;
    }
    return false;
}

/* "claims 7" becomes tts_publisher_claims_total{inc="3"} 7, "x_bucket:0.1 7" becomes
 * tts_publisher_x_bucket{inc="3",le="0.1"} 7. */
static void add_line(const struct picking *p, uint64_t inc, const char *line, size_t len)
{
    size_t name = strcspn(line, ": ");
    size_t value = strcspn(line, " ");
    bool plain = line[p->len] == ' ';

    strbuf_addf(p->out, "tts_publisher_%.*s%s{inc=\"%" PRIu64 "\"", (int)name, line,
                plain ? "_total" : "", inc);
    if (line[name] == ':')
        strbuf_addf(p->out, ",le=\"%.*s\"", (int)(value - name - 1), line + name + 1);
    strbuf_addf(p->out, "}%.*s\n", (int)(len - value), line + value);
}

static void add_publisher(void *ctx, uint64_t inc, const char *counters)
{
    const struct picking *p = ctx;

    while (*counters != '\0') {
        size_t len = strcspn(counters, "\n");

        if (belongs(p, counters))
            add_line(p, inc, counters, len);
        counters += len + (counters[len] == '\n' ? 1 : 0);
    }
}

static void add_metric(struct api *api, struct strbuf *out, const char *name,
                       const char *type, const char *help)
{
    struct picking p = {.out = out, .name = name, .len = strlen(name)};
    bool histogram = strcmp(type, "histogram") == 0;
    struct err err;

    strbuf_addf(out, "# HELP tts_publisher_%s%s %s\n# TYPE tts_publisher_%s%s %s\n", name,
                histogram ? "" : "_total", help, name, histogram ? "" : "_total", type);
    if (publisher_counters(api->db, add_publisher, &p, &err) != RC_OK)
        log_failure("api.metrics", &err);
}

static void add_publishers(struct api *api, struct strbuf *out)
{
    static const struct {
        const char *name, *type, *help;
    } metrics[] = {
        {"claims", "counter", "Posts taken up"},
        {"published", "counter", "Posts that TikTok confirmed"},
        {"failed", "counter", "Posts that failed"},
        {"put_off", "counter", "Posts moved by a limit of their account"},
        {"mails", "counter", "Mails sent"},
        {"mails_failed", "counter", "Mails given up"},
        {"sweep_recovered", "counter", "Overdue posts that no hint pointed to"},
        {"lease_reaped", "counter", "Jobs taken from publishers that died"},
        {"fence_lost", "counter", "Writes refused: the post had gone to another"},
        {"witness_conflict", "counter", "Posts whose two records contradict each other"},
        {"live_dup_refused", "counter", "Second publications refused by the database"},
        {"ambiguous", "counter", "Answers of TikTok or the database that never came"},
        {"review", "counter", "Posts that a person must look at"},
        {"redis_reload", "counter", "Loads of the lanes after Redis lost them"},
        {"feed_seen", "counter", "Posts of the next two hours gone over every minute"},
        {"feed_missing", "counter", "Of these: not in Redis although they should be"},
        {"deadlock_retry", "counter", "Transactions begun again"},
        {"http_429", "counter", "Refusals in spite of our rate windows"},
        {"token_reauth", "counter", "Accounts whose grant TikTok ended"},
        {"brake_closed", "counter", "Times that TikTok refused everybody"},
        {"loop_stalled", "counter", "Turns of the loop that took a second"},
        {"claim_late_seconds", "histogram",
         "From when a post is to be looked at to its claim"},
        {"commit_late_seconds", "histogram",
         "From a post's time to the request that publishes it"},
    };

    for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
        add_metric(api, out, metrics[i].name, metrics[i].type, metrics[i].help);
}

static void add_requests(struct strbuf *out)
{
    uint64_t counts[WEB_CLASSES];

    web_answers(counts);
    head(out, "requests_total", "counter", "Requests answered by the workers, by class");
    for (size_t i = 1; i < WEB_CLASSES; i++)
        strbuf_addf(out, "tts_requests_total{class=\"%zuxx\"} %" PRIu64 "\n", i,
                    counts[i]);
}

enum rc live_metrics(struct api *api, const struct api_request *req,
                     struct web_response *res, struct err *err)
{
    struct strbuf out;

    if (!web_is_internal(req->web))
        return err_set(err, RC_NOT_FOUND, "not_found", "There is nothing here.");
    strbuf_init(&out, TEXT_MAX);
    add_work(api, &out);
    add_states(api, &out);
    add_requests(&out);
    add_publishers(api, &out);
    res->status = 200;
    web_header_add(res, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    web_header_add(res, "Cache-Control", "no-store");
    strbuf_add(&res->body, out.buf, out.len);
    strbuf_release(&out);
    return RC_OK;
}
