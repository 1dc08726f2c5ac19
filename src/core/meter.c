#include "core/meter.h"

#include "core/attr.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stddef.h>

/* In s and ms: the promise is 1 s, a transaction takes some ms. */
static const struct {
    const char *word;
    int64_t ms;
} bounds[] = {{"0.005", 5},  {"0.01", 10},  {"0.025", 25},  {"0.05", 50},  {"0.1", 100},
              {"0.25", 250}, {"0.5", 500},  {"1", 1000},    {"2.5", 2500}, {"5", 5000},
              {"10", 10000}, {"30", 30000}, {"300", 300000}};

static const char *const names[METER_COUNT] = {
    [METER_CLAIMS] = "claims",
    [METER_PUBLISHED] = "published",
    [METER_FAILED] = "failed",
    [METER_PUT_OFF] = "put_off",
    [METER_MAILS] = "mails",
    [METER_WEBHOOKS] = "webhooks",
    [METER_SENT_BYTES] = "sent_bytes",
    [METER_SWEEP_RECOVERED] = "sweep_recovered",
    [METER_LEASE_REAPED] = "lease_reaped",
    [METER_FENCE_LOST] = "fence_lost",
    [METER_WITNESS_CONFLICT] = "witness_conflict",
    [METER_WITNESS_SKIPPED] = "witness_skipped",
    [METER_HELD_BACK] = "held_back",
    [METER_LIVE_DUP_REFUSED] = "live_dup_refused",
    [METER_AMBIGUOUS] = "ambiguous",
    [METER_REVIEW] = "review",
    [METER_REDIS_RELOAD] = "redis_reload",
    [METER_WINDOWS_RESTORED] = "windows_restored",
    [METER_LEDGER_RATIONED] = "ledger_rationed",
    [METER_FEED_SEEN] = "feed_seen",
    [METER_FEED_MISSING] = "feed_missing",
    [METER_DEADLOCK_RETRY] = "deadlock_retry",
    [METER_HTTP_429] = "http_429",
    [METER_TOKEN_REAUTH] = "token_reauth",
    [METER_TOKEN_LAPSED] = "token_lapsed",
    [METER_TOKEN_LOST] = "token_lost",
    [METER_BROUGHT_FORWARD] = "brought_forward",
    [METER_BRAKE_CLOSED] = "brake_closed",
    [METER_LOOP_STALLED] = "loop_stalled",
    [METER_MAILS_FAILED] = "mails_failed",
    [METER_WEBHOOKS_REFUSED] = "webhooks_refused",
    [METER_WEBHOOKS_FORGED] = "webhooks_forged",
};
static const char *const span_names[METER_SPAN_COUNT] = {
    [METER_CLAIM_LATE] = "claim_late_seconds",
    [METER_INIT_LATE] = "init_late_seconds",
    [METER_COMMIT_LATE] = "commit_late_seconds",
    [METER_DONE_LATE] = "done_late_seconds",
    [METER_DB_TIME] = "database_seconds",
    [METER_WINDOW_WAIT] = "window_wait_seconds",
    [METER_CHUNK_TIME] = "chunk_seconds",
};
static const char *const gauge_names[METER_GAUGE_COUNT] = {
    [METER_IN_HANDS] = "in_hands",
    [METER_WORKS] = "works",
    [METER_CLOCK_OFFSET] = "clock_offset_ms",
    [METER_UPLOAD_RATE] = "upload_bytes_per_second",
};

static atomic_uint_fast64_t counts[METER_COUNT];
static atomic_int_fast64_t gauges[METER_GAUGE_COUNT];
static struct {
    atomic_uint_fast64_t buckets[ARRAY_LEN(bounds)]; /* each for itself */
    atomic_uint_fast64_t n, ms;
} spans[METER_SPAN_COUNT];

void meter_add(enum meter which, uint64_t n)
{
    (void)atomic_fetch_add_explicit(&counts[which], n, memory_order_relaxed);
}

uint64_t meter_read(enum meter which)
{
    return atomic_load_explicit(&counts[which], memory_order_relaxed);
}

void meter_set(enum meter_gauge which, int64_t value)
{
    atomic_store_explicit(&gauges[which], value, memory_order_relaxed);
}

void meter_span(enum meter_span which, int64_t ms)
{
    int64_t span = ms > 0 ? ms : 0;
    size_t i = 0;

    while (i < ARRAY_LEN(bounds) && span > bounds[i].ms)
        i++;
    if (i < ARRAY_LEN(bounds))
        (void)atomic_fetch_add_explicit(&spans[which].buckets[i], 1,
                                        memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&spans[which].n, 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&spans[which].ms, (uint64_t)span,
                                    memory_order_relaxed);
}

static void write_span(struct strbuf *out, size_t which)
{
    const char *name = span_names[which];
    uint64_t sum = atomic_load(&spans[which].ms);
    uint64_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        n += atomic_load(&spans[which].buckets[i]);
        strbuf_addf(out, "%s_bucket:%s %" PRIu64 "\n", name, bounds[i].word, n);
    }
    n = atomic_load(&spans[which].n);
    strbuf_addf(out, "%s_bucket:+Inf %" PRIu64 "\n", name, n);
    strbuf_addf(out, "%s_sum %" PRIu64 ".%03" PRIu64 "\n", name, sum / 1000, sum % 1000);
    strbuf_addf(out, "%s_count %" PRIu64 "\n", name, n);
}

void meter_write(struct strbuf *out)
{
    for (size_t i = 0; i < METER_COUNT; i++)
        strbuf_addf(out, "%s %" PRIu64 "\n", names[i], meter_read((enum meter)i));
    for (size_t i = 0; i < METER_GAUGE_COUNT; i++)
        strbuf_addf(out, "%s %" PRId64 "\n", gauge_names[i],
                    (int64_t)atomic_load_explicit(&gauges[i], memory_order_relaxed));
    for (size_t i = 0; i < METER_SPAN_COUNT; i++)
        write_span(out, i);
}
