#include "brake.h"

#include "core/text.h"

enum { LOOK_AGAIN_MS = 250 }; /* while another's probe is under way */

int64_t brake_wait_ms(struct brake *b, int64_t now_ms)
{
    if (b->until_ms == 0)
        return 0;
    if (now_ms < b->until_ms)
        return b->until_ms - now_ms;
    if (b->probe_ms != 0 && now_ms - b->probe_ms < BRAKE_PROBE_MS)
        return LOOK_AGAIN_MS;
    b->probe_ms = now_ms;
    return 0;
}

void brake_good(struct brake *b)
{
    *b = (struct brake){.n = 0};
}

/* How much trouble there is now, this included. */
static size_t count_trouble(struct brake *b, uint64_t account_id, int64_t now_ms)
{
    bool known = false;
    size_t kept = 0;

    for (size_t i = 0; i < b->n; i++) {
        if (now_ms - b->seen[i].at_ms >= BRAKE_WINDOW_MS)
            continue;
        if (b->seen[i].account_id == account_id &&
            now_ms - b->seen[i].at_ms < BRAKE_SAME_MS)
            known = true;
        b->seen[kept++] = b->seen[i];
    }
    if (!known && kept < BRAKE_ACCOUNTS) {
        b->seen[kept].account_id = account_id;
        b->seen[kept].at_ms = now_ms;
        kept++;
    }
    b->n = kept;
    return kept;
}

void brake_bad(struct brake *b, uint64_t account_id, const char *reason, int64_t now_ms)
{
    bool closed = b->until_ms != 0;

    if (count_trouble(b, account_id, now_ms) < BRAKE_ACCOUNTS && !closed)
        return;
    text_copy(b->reason, sizeof(b->reason), reason);
    if (closed && now_ms < b->until_ms) /* begun before it was closed */
        return;
    b->step_ms = closed ? b->step_ms * 2 : BRAKE_FIRST_MS;
    if (b->step_ms > BRAKE_MAX_MS)
        b->step_ms = BRAKE_MAX_MS;
    b->until_ms = now_ms + b->step_ms;
    b->probe_ms = 0;
}

int64_t brake_left_ms(const struct brake *b, int64_t now_ms)
{
    if (b->until_ms == 0)
        return 0;
    return b->until_ms > now_ms ? b->until_ms - now_ms : 1;
}

bool brake_closed(const struct brake *b)
{
    return b->until_ms != 0;
}
