/* health, inspect: what is late, and what an operator gets to see. */
#include "core/parse.h"
#include "database.h"
#include "store/health.h"
#include "store/inspect.h"

#include <dirent.h>
#include <inttypes.h>
#include <string.h>

static struct db *db;
static struct seed seed;
static struct err err;

static void setup(void)
{
    db = database_open();
    database_empty(db);
    seed = seed_all(db);
}

static void teardown(void)
{
    db_free(db);
}

static uint64_t post(int state, int64_t due_in_ms)
{
    const struct seed_post p = {.workspace_id = seed.workspace,
                                .user_id = seed.user,
                                .account_id = seed.account,
                                .media_id = seed.media,
                                .state = state,
                                .due_in_ms = due_in_ms};

    return seed_post(db, &p);
}

/* The number of the newest file of schema/. */
static int64_t newest_file(void)
{
    DIR *dir = opendir("schema");
    const struct dirent *entry;
    int64_t newest = 0;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)) != NULL) {
        int64_t n;

        if (strlen(entry->d_name) > 4 && parse_i64_slice(entry->d_name, 4, 1, 9999, &n) &&
            n > newest)
            newest = n;
    }
    (void)closedir(dir);
    return newest;
}

START_TEST(these_programs_need_the_newest_schema)
{
    int64_t version = 0;

    ck_assert_int_eq(newest_file(), HEALTH_SCHEMA);
    ck_assert_int_eq(health_schema(db, &version, &err), RC_OK);
    ck_assert_int_eq(version, HEALTH_SCHEMA);
}
END_TEST

START_TEST(only_what_nobody_looked_at_for_a_minute_is_late)
{
    struct health_late late;

    (void)post(1, 3600000);
    (void)post(1, -1000);
    ck_assert_int_eq(health_late(db, &late, &err), RC_OK);
    ck_assert_uint_eq(late.n, 0);
    ck_assert_int_eq(late.oldest_ms, 0);
    (void)post(1, -HEALTH_LATE_MS - 5000);
    (void)post(2, -HEALTH_LATE_MS - 90000); /* claimed by one that is stuck */
    ck_assert_int_eq(health_late(db, &late, &err), RC_OK);
    ck_assert_uint_eq(late.n, 2);
    ck_assert_int_ge(late.now_ms - late.oldest_ms, HEALTH_LATE_MS + 90000);
    ck_assert_int_le(late.now_ms - late.oldest_ms, HEALTH_LATE_MS + 150000);
}
END_TEST

START_TEST(states_have_the_schemas_words)
{
    ck_assert_str_eq(inspect_job_state(0), "DRAFT");
    ck_assert_str_eq(inspect_job_state(JOB_BLOCKED), "BLOCKED");
    ck_assert_str_eq(inspect_job_state(JOB_COMMITTED), "COMMITTED");
    ck_assert_str_eq(inspect_job_state(9), "?");
    ck_assert_str_eq(inspect_job_state(-1), "?");
    ck_assert_str_eq(inspect_attempt_state(ATTEMPT_DEAD), "DEAD");
    ck_assert_str_eq(inspect_attempt_state(ATTEMPT_INTENT), "INTENT");
    ck_assert_str_eq(inspect_attempt_state(0), "?");
}
END_TEST

START_TEST(a_post_is_shown_with_where_it_belongs)
{
    struct inspect_post p;
    uint64_t id = post(5, -1000);

    database_run(db,
                 "UPDATE job SET last_reason = 'spam_risk', fails = 3, crashes = 1"
                 " WHERE post_id = %" PRIu64,
                 id);
    database_run(db, "UPDATE account SET username = 'ann'");
    ck_assert_int_eq(inspect_post(db, id, &p, &err), RC_OK);
    ck_assert_uint_eq(p.workspace_id, seed.workspace);
    ck_assert_uint_eq(p.account_id, seed.account);
    ck_assert_str_eq(p.account, "@ann");
    ck_assert_int_eq(p.state, JOB_FAILED);
    ck_assert_str_eq(p.reason, "spam_risk");
    ck_assert(p.fails == 3 && p.crashes == 1 && p.published_ms == 0);
    ck_assert_int_eq(inspect_post(db, id + 1000, &p, &err), RC_NOT_FOUND);
}
END_TEST

DATABASE_MAIN("store_health", setup, teardown, these_programs_need_the_newest_schema,
              only_what_nobody_looked_at_for_a_minute_is_late,
              states_have_the_schemas_words, a_post_is_shown_with_where_it_belongs)
