#include "publisher.h"

#include "core/clock.h"
#include "core/random.h"
#include "lease.h"

int64_t publisher_mono_ms(void)
{
    return clock_mono_ms(clock_system());
}

unsigned publisher_jitter(void)
{
    return (unsigned)random_below(random_system(), 1001);
}

void publisher_timer_at(struct publisher *p, struct timer *t, int64_t db_ms)
{
    /* Both clocks are cut to whole ms: without the one more it could fire that early. */
    timer_set(&p->timers, t, publisher_mono_ms() + db_ms - lease_now_ms(p->lease) + 1);
}
