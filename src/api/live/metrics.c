/* GET /metrics - figures for Prometheus, on nginx's internal listener only.
 *
 * What is counted in the database is read; what publishers count they say with each
 * heartbeat (core/meter.h), and it is passed on with the number of their incarnation: a
 * publisher that is restarted begins a series of its own. */
#include "metrics.h"

#include "core/log.h"
#include "core/xalloc.h"
#include "store/health.h"
#include "store/inspect.h"
#include "store/media.h"
#include "store/publishers.h"
#include "web/server.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXT_MAX = 4 * 1024 * 1024,
    STATES_MS = 60000, /* posts by state are counted so rarely: that reads them all */
    PUBLISHERS_MAX = 256,
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

static void add_database(struct api *api, struct strbuf *out)
{
    enum health_sync sync;
    int64_t n = 0;
    struct err err;

    if (health_due(api->db, &n, &err) == RC_OK)
        gauge(out, "posts_due", "Posts whose time to be looked at has come", n);
    if (health_semi_sync(api->db, &sync, &err) == RC_OK && sync != HEALTH_SYNC_NONE)
        gauge(out, "semi_sync", "Every COMMIT waits for a replica",
              sync == HEALTH_SYNC_ON ? 1 : 0);
}

/* --- the publishers ------------------------------------------------------------ */

/* What they say, read once. */
struct heard {
    size_t n;
    struct {
        uint64_t inc;
        char *counters;
    } said[PUBLISHERS_MAX];
};

static void hear(void *ctx, uint64_t inc, const char *counters)
{
    struct heard *h = ctx;

    if (h->n == PUBLISHERS_MAX)
        return;
    h->said[h->n].inc = inc;
    h->said[h->n++].counters = xstrdup(counters);
}

static void forget(struct heard *h)
{
    for (size_t i = 0; i < h->n; i++)
        free(h->said[i].counters);
    free(h);
}

/* Lines of one metric belong together: each pass over the publishers picks one. */
struct metric {
    const char *name, *type, *help;
};

static bool is(const struct metric *m, const char *type)
{
    return strcmp(m->type, type) == 0;
}

static bool belongs(const struct metric *m, const char *line)
{
    static const char *const tails[] = {" ", "_bucket:", "_sum ", "_count "};
    size_t len = strlen(m->name);

    if (strncmp(line, m->name, len) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        if (strncmp(line + len, tails[i], strlen(tails[i])) == 0)
            return true;
    }
    return false;
}

/* "claims 7" becomes tts_publisher_claims_total{inc="3"} 7, "x_bucket:0.1 7" becomes
 * tts_publisher_x_bucket{inc="3",le="0.1"} 7. */
static void add_line(struct strbuf *out, const struct metric *m, uint64_t inc,
                     const char *line)
{
    size_t len = strcspn(line, "\n");
    size_t name = strcspn(line, ": ");
    size_t value = strcspn(line, " ");

    strbuf_addf(out, "tts_publisher_%.*s%s{inc=\"%" PRIu64 "\"", (int)name, line,
                is(m, "counter") ? "_total" : "", inc);
    if (line[name] == ':')
        strbuf_addf(out, ",le=\"%.*s\"", (int)(value - name - 1), line + name + 1);
    strbuf_addf(out, "}%.*s\n", (int)(len - value), line + value);
}

static void add_metric(struct strbuf *out, const struct heard *h, const struct metric *m)
{
    const char *tail = is(m, "counter") ? "_total" : "";

    strbuf_addf(out, "# HELP tts_publisher_%s%s %s\n# TYPE tts_publisher_%s%s %s\n",
                m->name, tail, m->help, m->name, tail, m->type);
    for (size_t i = 0; i < h->n; i++) {
        const char *line = h->said[i].counters;

        while (*line != '\0') {
            if (belongs(m, line))
                add_line(out, m, h->said[i].inc, line);
            line += strcspn(line, "\n");
            line += *line == '\n' ? 1 : 0;
        }
    }
}

static void add_publishers(struct api *api, struct strbuf *out)
{
    static const struct metric metrics[] = {
        {"claims", "counter", "Posts taken up"},
        {"published", "counter", "Posts that TikTok confirmed"},
        {"failed", "counter", "Posts that failed"},
        {"put_off", "counter", "Posts moved by a limit of their account"},
        {"mails", "counter", "Mails sent"},
        {"mails_failed", "counter", "Mails given up"},
        {"webhooks", "counter", "Webhooks of TikTok that were used"},
        {"webhooks_refused", "counter", "Webhooks, signed, and of no use"},
        {"webhooks_forged", "counter", "Webhooks that TikTok has not signed"},
        {"sent_bytes", "counter", "Bytes of files in chunks that TikTok answered"},
        {"sweep_recovered", "counter", "Overdue posts that no hint pointed to"},
        {"lease_reaped", "counter", "Jobs taken from publishers that died"},
        {"fence_lost", "counter", "Writes refused: the post had gone to another"},
        {"witness_conflict", "counter", "Posts whose two records contradict each other"},
        {"witness_skipped", "counter", "Grants without a witness: Redis was away"},
        {"held_back", "counter", "Posts that PUBLISH_STRICT lets wait for their grant"},
        {"live_dup_refused", "counter", "Second publications refused by the database"},
        {"ambiguous", "counter", "Answers of TikTok or the database that never came"},
        {"review", "counter", "Posts that a person must look at"},
        {"redis_reload", "counter", "Loads of the lanes after Redis lost them"},
        {"windows_restored", "counter", "Times that Redis was told the rate windows"},
        {"ledger_rationed", "counter", "Posts and calls let through without Redis"},
        {"feed_seen", "counter", "Posts of the next two hours gone over every minute"},
        {"feed_missing", "counter", "Of these: not in Redis although they should be"},
        {"deadlock_retry", "counter", "Transactions begun again"},
        {"http_429", "counter", "Refusals in spite of our rate windows"},
        {"token_reauth", "counter", "Accounts whose grant TikTok ended"},
        {"token_lapsed", "counter", "Of these: nobody reconnected them in time"},
        {"token_lost", "counter", "Refreshes whose answer never came"},
        {"brake_closed", "counter", "Times that TikTok refused everybody"},
        {"loop_stalled", "counter", "Turns of the loop that took a second"},
        {"brought_forward", "counter", "Posts begun earlier: uploads are slow"},
        {"in_hands", "gauge", "Posts claimed and not ended"},
        {"works", "gauge", "Statements that wait or run"},
        {"clock_offset_ms", "gauge", "The database's clock minus the machine's"},
        {"upload_bytes_per_second", "gauge", "What an upload is expected to send"},
        {"claim_late_seconds", "histogram",
         "From when a post is to be looked at to its claim"},
        {"init_late_seconds", "histogram",
         "From a post's time to its session at TikTok; before it is 0"},
        {"commit_late_seconds", "histogram",
         "From a post's time to the request that publishes it"},
        {"done_late_seconds", "histogram", "From a post's time to TikTok's confirmation"},
        {"database_seconds", "histogram", "Transactions"},
        {"window_wait_seconds", "histogram",
         "How long a rate window told a call to wait"},
        {"chunk_seconds", "histogram", "Chunks, until TikTok answered"},
    };
    struct heard *h = xcalloc(1, sizeof(*h));
    struct err err;

    if (publisher_counters(api->db, hear, h, &err) != RC_OK)
        log_failure("api.metrics", &err);
    for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
        add_metric(out, h, &metrics[i]);
    forget(h);
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
    add_database(api, &out);
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
