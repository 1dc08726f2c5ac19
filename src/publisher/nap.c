#include "nap.h"

#include <time.h>

void nap(int64_t ms)
{
    const struct timespec t = {.tv_sec = ms / 1000,
                               .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)nanosleep(&t, NULL);
}
