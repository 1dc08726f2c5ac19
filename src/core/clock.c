#include "core/clock.h"

#include "core/attr.h"

#include <stddef.h>
#include <time.h>

static int64_t now_ms(clockid_t id)
{
    struct timespec ts = {0};

    (void)clock_gettime(id, &ts); /* fails only for an unknown clock */
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t wall(UNUSED void *ctx)
{
    return now_ms(CLOCK_REALTIME);
}

static int64_t mono(UNUSED void *ctx)
{
    return now_ms(CLOCK_MONOTONIC);
}

const struct clock *clock_system(void)
{
    static const struct clock system_clock = {wall, mono, NULL};

    return &system_clock;
}
