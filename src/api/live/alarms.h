/* api/live/alarms.h - what keeps posts from going out, for every page of the dashboard.
 *
 * Looked up at most every ALARMS_MS by a worker, however many ask. */
#ifndef SRC_API_LIVE_ALARMS_H
#define SRC_API_LIVE_ALARMS_H

#include "../api.h"

enum { ALARMS_MS = 1000, ALARMS_MAX = 5, ALARM_TEXT_SIZE = 200 };

struct alarm {
    const char *code; /* publisher, overdue, tiktok, redis, replica */
    char message[ALARM_TEXT_SIZE];
};
struct alarms {
    struct alarm list[ALARMS_MAX];
    size_t n;
};

/* A database that does not answer is no alarm of this list: the request fails anyway. */
const struct alarms *alarms_now(struct api *api);

/* "alarms": [{"code","message"}] */
void alarms_write(struct jsonw *w, const struct alarms *alarms);

#endif
