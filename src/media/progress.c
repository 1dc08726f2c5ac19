#include "progress.h"

#include "core/parse.h"

#include <string.h>

static void take_line(struct progress *p)
{
    static const char key[] = "out_time_us=";
    const char *value = p->line + sizeof(key) - 1;
    int64_t us;
    int64_t permille;

    if (strncmp(p->line, key, sizeof(key) - 1) != 0 || p->duration_ms <= 0 ||
        !parse_i64(value, 0, INT64_MAX / 1000, &us))
        return; /* another key, or N/A before the first frame */
    permille = us / p->duration_ms;
    if (permille > PROGRESS_FULL)
        permille = PROGRESS_FULL;
    if (permille > p->permille)
        p->permille = (int)permille;
}

void progress_take(struct progress *p, const char *printed, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (printed[i] == '\n') {
            p->line[p->len] = '\0';
            if (!p->overlong)
                take_line(p);
            p->len = 0;
            p->overlong = false;
        } else if (p->len + 1 < sizeof(p->line) && printed[i] != '\0') {
            p->line[p->len++] = printed[i];
        } else {
            p->overlong = true;
        }
    }
}
