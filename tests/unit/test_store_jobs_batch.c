/* jobs_batch: a step for many posts leaves each as the step for one does, and does
 * nothing to any as soon as one is not as expected. */
#include "database.h"
#include "store/jobs.h"
#include "store/jobs_batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { INC = 77, FENCE = 5, POSTS = 3, TEXT = 1024 };

static struct db *db;
static struct err err;
static struct seed seed;

static void setup(void)
{
    db = database_seeded(&seed);
    /* a number that occurs nowhere else in what is compared */
    database_run(db, "ALTER TABLE post AUTO_INCREMENT = 700001");
}

static void teardown(void)
{
    db_free(db);
}

/* --- the steps, for one and for many ---------------------------------------------- */

static const struct job_intent intent = {
    .no = 1, .content_ver = 1, .bytes_total = 700, .chunk_size = 100};

static enum rc intend_one(const struct job_step *s)
{
    return job_intend(db, s->ref, s->intent, &err);
}

static enum rc persist_one(const struct job_step *s)
{
    return job_persist(db, s->ref, s->no, s->session, &err);
}

static enum rc grant_one(const struct job_step *s)
{
    return job_grant(db, s->ref, s->no, &err);
}

static enum rc sent_one(const struct job_step *s)
{
    return job_sent(db, s->ref, s->no, &err);
}

static enum rc published_one(const struct job_step *s)
{
    return job_published(db, s->ref, s->no, &s->outcome, &err);
}

static const struct kind {
    const char *name;
    enum rc (*one)(const struct job_step *s);
    enum rc (*all)(struct db *db, struct job_steps all, struct err *err);
    int job, attempt; /* states that it expects; attempt 0: none */
    bool granted;
} kinds[] = {
    {"intent", intend_one, job_intend_all, 2, 0, false},
    {"persist", persist_one, job_persist_all, 2, 1, false},
    {"grant", grant_one, job_grant_all, 2, 2, false},
    {"sent", sent_one, job_sent_all, 3, 3, true},
    {"published", published_one, job_published_all, 3, 4, true},
};

/* --- posts ------------------------------------------------------------------------- */

struct part {
    struct job_ref ref;
    struct job_session session;
    char publish_id[32], ids[32];
    struct job_step step;
};

static void make_post(struct part *part, const struct kind *k)
{
    uint64_t post = seed_post(db, &seed, k->job, -60000);
    int no = k->attempt != 0 ? 1 : 0;

    database_run(db,
                 "UPDATE job SET owner = %d, fence = %d, attempt_no = %d, granted = %d,"
                 " crashes = 2 WHERE post_id = %" PRIu64,
                 INC, FENCE, no, k->granted ? 1 : 0, post);
    if (no != 0)
        database_run(db,
                     "INSERT INTO attempt (post_id, attempt_no, workspace_id, state,"
                     " method, fence, bytes_total, created_at, updated_at) VALUES"
                     " (%" PRIu64 ", 1, %" PRIu64 ", %d, 1, %d, 900, 0, 0)",
                     post, seed.workspace, k->attempt, FENCE);
    (void)snprintf(part->publish_id, sizeof(part->publish_id), "v_%" PRIu64, post);
    (void)snprintf(part->ids, sizeof(part->ids), "77%" PRIu64, post);
    part->ref = (struct job_ref){post, seed.workspace, FENCE, INC};
    part->session = (struct job_session){.publish_id = part->publish_id,
                                         .upload_url = "sealed",
                                         .upload_url_len = 6,
                                         .init_date_ms = 12345,
                                         .log_id = "LOG"};
    part->step = (struct job_step){.ref = &part->ref, .no = 1};
    if (k->one == intend_one)
        part->step.intent = &intent;
    if (k->one == persist_one)
        part->step.session = &part->session;
    if (k->one == published_one) {
        part->step.outcome.word = "PUBLISH_COMPLETE <odd>";
        part->step.outcome.ids = part->ids;
    }
}

/* All that a step may change; what names the post, or the time, is left out. */
static void picture(const struct part *part, char out[TEXT])
{
    uint64_t post = part->ref.post_id;

    (void)snprintf(
        out, TEXT, "%s",
        database_text(
            db,
            "SELECT REPLACE(CONCAT_WS('|', j.state, ROUND((j.next_at - j.updated_at)"
            " / 100000), j.fence, j.owner, j.attempt_no, j.granted, j.fails, j.crashes,"
            " j.last_reason, p.published_at IS NULL, p.tiktok_post_ids,"
            " (SELECT GROUP_CONCAT(CONCAT_WS(',', attempt_no, state, method, fence,"
            " content_ver, bytes_total, chunk_size, bytes_acked, publish_id, upload_url,"
            " init_date, tiktok_log_id, tiktok_status, reason, updated_at > 0))"
            " FROM attempt a WHERE a.post_id = j.post_id),"
            " (SELECT GROUP_CONCAT(CONCAT_WS(',', kind, fence, inc, data, at > 0))"
            " FROM job_event e WHERE e.post_id = j.post_id)), j.post_id, 'POST')"
            " FROM job j JOIN post p ON p.post_id = j.post_id"
            " WHERE j.post_id = %" PRIu64,
            post));
}

static void put_together(struct part parts[POSTS], struct job_step steps[POSTS])
{
    for (size_t i = 0; i < POSTS; i++)
        steps[i] = parts[i].step;
}

/* --- tests -------------------------------------------------------------------------- */

START_TEST(many_posts_end_as_one_does)
{
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        struct part alone;
        struct part parts[POSTS];
        struct job_step steps[POSTS];
        char wanted[TEXT];
        char got[TEXT];

        make_post(&alone, &kinds[k]);
        ck_assert_int_eq(kinds[k].one(&alone.step), RC_OK);
        picture(&alone, wanted);
        for (size_t i = 0; i < POSTS; i++)
            make_post(&parts[i], &kinds[k]);
        put_together(parts, steps);
        ck_assert_int_eq(kinds[k].all(db, (struct job_steps){steps, POSTS}, &err), RC_OK);
        for (size_t i = 0; i < POSTS; i++) {
            picture(&parts[i], got);
            ck_assert_msg(strcmp(got, wanted) == 0, "%s:\n%s\n%s", kinds[k].name, got,
                          wanted);
        }
    }
}
END_TEST

/* What may have happened to a post meanwhile. */
static const struct {
    const char *what, *table, *set;
} changes[] = {
    {"taken by another", "job", "owner = 78"},
    {"claimed again", "job", "fence = fence + 1"},
    {"another's", "job", "workspace_id = workspace_id + 1"},
    {"canceled", "job", "state = 6"},
    {"in review", "job", "state = 7"},
    {"another attempt", "job", "attempt_no = 5"},
    {"another grant", "job", "granted = IF(granted = 0, 1, 5)"},
    {"its attempt is over", "attempt", "state = 6"},
};

static void one_is_changed(const struct kind *kind, size_t change)
{
    struct part parts[POSTS];
    struct job_step steps[POSTS];
    char before[POSTS][TEXT];
    char after[TEXT];

    for (size_t i = 0; i < POSTS; i++)
        make_post(&parts[i], kind);
    put_together(parts, steps);
    database_run(db, "SET foreign_key_checks = 0");
    database_run(db, "UPDATE %s SET %s WHERE post_id = %" PRIu64, changes[change].table,
                 changes[change].set, parts[1].ref.post_id);
    for (size_t i = 0; i < POSTS; i++)
        picture(&parts[i], before[i]);
    ck_assert_msg(kind->all(db, (struct job_steps){steps, POSTS}, &err) == RC_CONFLICT,
                  "%s, %s", kind->name, changes[change].what);
    for (size_t i = 0; i < POSTS; i++) {
        picture(&parts[i], after);
        ck_assert_msg(strcmp(after, before[i]) == 0, "%s, %s: post %zu", kind->name,
                      changes[change].what, i);
    }
}

START_TEST(one_that_is_not_as_expected_keeps_all_as_they_were)
{
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        for (size_t c = 0; c < ARRAY_LEN(changes); c++) {
            if (kinds[k].attempt != 0 || strcmp(changes[c].table, "job") == 0)
                one_is_changed(&kinds[k], c);
        }
    }
}
END_TEST

START_TEST(the_engine_refuses_a_second_live_attempt_among_many)
{
    const struct kind *grant = &kinds[2];
    struct part parts[POSTS];
    struct job_step steps[POSTS];

    for (size_t i = 0; i < POSTS; i++)
        make_post(&parts[i], grant);
    put_together(parts, steps);
    database_run(db,
                 "INSERT INTO attempt (post_id, attempt_no, workspace_id, state, method,"
                 " fence, created_at, updated_at) VALUES (%" PRIu64 ", 9, %" PRIu64
                 ", 4, 1, 5, 0, 0)",
                 parts[2].ref.post_id, seed.workspace);
    ck_assert_int_eq(grant->all(db, (struct job_steps){steps, POSTS}, &err), RC_CONFLICT);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM job WHERE state = 3"), 0);
}
END_TEST

START_TEST(a_later_intent_is_no_matter_for_many)
{
    struct part parts[POSTS];
    struct job_step steps[POSTS];

    for (size_t i = 0; i < POSTS; i++)
        make_post(&parts[i], &kinds[0]);
    put_together(parts, steps);
    steps[0].no = 2;
    ck_assert_int_eq(job_intend_all(db, (struct job_steps){steps, POSTS}, &err),
                     RC_CONFLICT);
}
END_TEST

START_TEST(as_many_as_allowed_fit_one_statement)
{
    static struct part parts[JOB_BATCH_MAX];
    struct job_step steps[JOB_BATCH_MAX];

    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        for (size_t i = 0; i < JOB_BATCH_MAX; i++) {
            make_post(&parts[i], &kinds[k]);
            steps[i] = parts[i].step;
        }
        ck_assert_msg(kinds[k].all(db, (struct job_steps){steps, JOB_BATCH_MAX}, &err) ==
                          RC_OK,
                      "%s: %s", kinds[k].name, err.msg);
    }
}
END_TEST

DATABASE_MAIN("store_jobs_batch", setup, teardown, many_posts_end_as_one_does,
              one_that_is_not_as_expected_keeps_all_as_they_were,
              the_engine_refuses_a_second_live_attempt_among_many,
              a_later_intent_is_no_matter_for_many, as_many_as_allowed_fit_one_statement)
