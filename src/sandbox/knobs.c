#include "knobs.h"

#include <string.h>

enum {
    DAY_S = 86400,
    YEAR_S = 365 * DAY_S,
    TWO_YEARS_S = 2 * YEAR_S,
};

#define DAY_MS         INT64_C(86400000)
#define CLOCK_RANGE_MS (INT64_C(3650) * DAY_MS)

const struct knob_row knob_table[KNOB_COUNT] = {
    [KNOB_CLOCK_OFFSET_MS] = {"clock_offset_ms", 0, -CLOCK_RANGE_MS, CLOCK_RANGE_MS},
    [KNOB_PROCESSING_MS] = {"processing_ms", 400, 0, DAY_MS},
    [KNOB_MODERATION_MS] = {"moderation_ms", 600, 0, DAY_MS},
    [KNOB_CODE_TTL_S] = {"code_ttl_s", 600, 1, DAY_S},
    [KNOB_ACCESS_TTL_S] = {"access_ttl_s", DAY_S, 1, YEAR_S},
    [KNOB_REFRESH_TTL_S] = {"refresh_ttl_s", YEAR_S, 1, TWO_YEARS_S},
    [KNOB_ROTATE_REFRESH] = {"rotate_refresh", 1, 0, 1},
    [KNOB_REFRESH_GIVEN] = {"refresh_given", 1, 0, 1},
    [KNOB_OLD_REFRESH_GRACE_MS] = {"old_refresh_grace_ms", 0, 0, DAY_MS},
    [KNOB_REFRESH_KILLS_ACCESS] = {"refresh_kills_access", 0, 0, 1},
    [KNOB_OAUTH_ERROR_STATUS] = {"oauth_error_status", 200, 200, 499},
    [KNOB_AUDITED] = {"audited", 1, 0, 1},
    [KNOB_ACTIVE_USER_CAP] = {"active_user_cap", 0, 0, 1000000},
    [KNOB_PENDING_SHARES] = {"pending_shares", 5, 0, 1000000},
    [KNOB_PENDING_SHARE_STATUS] = {"pending_share_status", 400, 400, 403},
    [KNOB_APP_OUTDATED] = {"app_outdated", 0, 0, 1},
    [KNOB_CHECK_MEDIA] = {"check_media", 1, 0, 1},
    [KNOB_DISCARD_BODIES] = {"discard_bodies", 0, 0, 1},
    [KNOB_UPLOAD_TTL_S] = {"upload_ttl_s", 3600, 1, DAY_S},
    [KNOB_UNKNOWN_UPLOAD_STATUS] = {"unknown_upload_status", 404, 404, 405},
    [KNOB_REPEATED_CHUNK_STATUS] = {"repeated_chunk_status", 416, 206, 416},
    [KNOB_PROGRESS_AS_COUNT] = {"progress_as_count", 0, 0, 1},
    [KNOB_UPLOAD_PATH] = {"upload_path", 0, 0, 1},
    [KNOB_POST_ID_AS_STRING] = {"post_id_as_string", 0, 0, 1},
    [KNOB_LIST_PHOTOS] = {"list_photos", 1, 0, 1},
    [KNOB_PULL_BEFORE_ANSWER] = {"pull_before_answer", 0, 0, 1},
    [KNOB_PULL_DELAY_MS] = {"pull_delay_ms", 200, 0, DAY_MS},
    [KNOB_PULL_HEAD] = {"pull_head", 0, 0, 1},
    [KNOB_PULL_FETCHES] = {"pull_fetches", 1, 1, 10},
    [KNOB_PULL_PARALLEL] = {"pull_parallel", 4, 1, 35},
    [KNOB_PULL_RESUME] = {"pull_resume", 0, 0, 1},
    [KNOB_PULL_RETRY_MS] = {"pull_retry_ms", 1000, 0, 60000},
    [KNOB_ERROR_DATA] = {"error_data", 0, 0, 2},
    [KNOB_LOGID] = {"logid", 0, 0, 1},
    [KNOB_INIT_PER_MIN] = {"init_per_min", 6, 0, 1000000},
    [KNOB_CREATOR_PER_MIN] = {"creator_per_min", 20, 0, 1000000},
    [KNOB_STATUS_PER_MIN] = {"status_per_min", 30, 0, 1000000},
    [KNOB_DISPLAY_PER_MIN] = {"display_per_min", 600, 0, 1000000},
    [KNOB_WEBHOOK_RETRY_MS] = {"webhook_retry_ms", 10000, 10, DAY_MS},
    [KNOB_WEBHOOK_TIMEOUT_MS] = {"webhook_timeout_ms", 10000, 10, 120000},
    [KNOB_WEBHOOK_RESIGN] = {"webhook_resign", 1, 0, 1},
    [KNOB_WEBHOOK_CLOCK] = {"webhook_clock", 0, 0, 1},
    [KNOB_WEBHOOK_HEADER] = {"webhook_header", 0, 0, 1},
    [KNOB_WEBHOOK_POST_ID_AS_NUMBER] = {"webhook_post_id_as_number", 0, 0, 1},
    [KNOB_SEED] = {"seed", 1, 0, INT64_MAX},
};

enum knob knob_named(const char *name)
{
    unsigned i = 0;

    while (i < KNOB_COUNT && strcmp(knob_table[i].name, name) != 0)
        i++;
    return (enum knob)i;
}

static void keep_turned(void *ctx, const struct sql_row *row)
{
    struct knobs *knobs = ctx;
    enum knob knob = knob_named(sql_text_of(row, 0));

    if (knob != KNOB_COUNT)
        knobs->value[knob] = sql_int_at(row, 1);
}

enum rc knobs_load(struct sql *sql, int64_t processing_ms, struct knobs *knobs,
                   struct err *err)
{
    for (size_t i = 0; i < KNOB_COUNT; i++)
        knobs->value[i] = knob_table[i].usual;
    knobs->value[KNOB_PROCESSING_MS] = processing_ms;
    return sql_each(sql, "SELECT name, value FROM knob", SQL_NONE, keep_turned, knobs,
                    err);
}

enum rc knob_set(struct sql *sql, enum knob knob, int64_t value, struct err *err)
{
    return sql_run(sql,
                   "INSERT INTO knob (name, value) VALUES (?, ?)"
                   " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                   SQL_WITH(sql_text(knob_table[knob].name), sql_int(value)), NULL, err);
}

enum rc knob_forget(struct sql *sql, enum knob knob, struct err *err)
{
    return sql_run(sql, "DELETE FROM knob WHERE name = ?",
                   SQL_WITH(sql_text(knob_table[knob].name)), NULL, err);
}
