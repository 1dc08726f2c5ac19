/* core/clock.h - time, as something a test can hold still.
 *
 * All times are milliseconds in int64_t and say so: *_ms. Wall time is Unix UTC and
 * may jump; monotonic time never goes back and means nothing outside the process.
 * Due times, leases and expiries are decided by the database's clock, not by this
 * one; it serves log lines, timers and timeouts. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t (*wall_ms)(void *ctx);
    int64_t (*mono_ms)(void *ctx);
    void *ctx; /* handed to both */
};

/* The machine's clock. The result is constant and never freed. */
const struct clock *clock_system(void);

static inline int64_t clock_wall_ms(const struct clock *c)
{
    return c->wall_ms(c->ctx);
}

static inline int64_t clock_mono_ms(const struct clock *c)
{
    return c->mono_ms(c->ctx);
}

#endif
