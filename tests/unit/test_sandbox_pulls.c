/* sandbox/pulls: the files of a publication that are fetched, in SQLite. */
#include "sandbox/people.h"
#include "sandbox/pulls.h"
#include "scratch.h"
#include "unit.h"

#include "core/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HOUR_MS = 3600000 };
static const int64_t now_ms = INT64_C(1800000000000);

static char dir[SCRATCH_SIZE];
static struct sql *sql;
static struct err err;
static struct person ann;

#define OK(call) ck_assert_msg((call) == RC_OK, #call ": %s", err.msg)

static void setup(void)
{
    scratch_make(dir);
    OK(sql_open(dir, &sql, &err));
    OK(people_seed(sql, &err));
    OK(person_by_name(sql, "ann.example", &ann, &err));
}

static void teardown(void)
{
    sql_close(sql);
    scratch_remove(dir);
}

/* A photo post of n pictures, due at once; 0: a video. */
static struct publication added(int64_t n)
{
    struct publication p = {.user_id = ann.id,
                            .pulled = true,
                            .photos = n,
                            .cover_index = n > 1 ? 1 : 0,
                            .created_ms = now_ms,
                            .upload_until_ms = now_ms + HOUR_MS};
    struct pull_urls urls = {.len = n > 0 ? (size_t)n : 1};

    for (size_t i = 0; i < urls.len; i++) {
        urls.url[i] = "https://media.example.com/a";
        urls.lifted[i] = i == 1;
    }
    text_copy(p.privacy, sizeof(p.privacy), "SELF_ONLY");
    text_copy(p.title, sizeof(p.title), n > 0 ? "title" : "");
    text_copy(p.caption, sizeof(p.caption), "caption");
    OK(publication_add(sql, &p, &err));
    OK(pulls_add(sql, &p, &urls, now_ms + 200, &err));
    return p;
}

static struct pull taken(int64_t at_ms, int64_t parallel)
{
    struct pull pull;

    OK(pull_take(sql, at_ms, parallel, &pull, &err));
    return pull;
}

static struct publication again(const struct publication *p)
{
    struct publication read;

    OK(publication_by_id(sql, p->id, &read, &err));
    return read;
}

static bool progress(struct pull *pull, int64_t received)
{
    bool wanted = false;

    pull->received = received;
    pull->size = 1000;
    OK(pull_progress(sql, pull, &wanted, &err));
    return wanted;
}

static void here(struct pull *pull, int64_t bytes)
{
    pull->state = PULL_HERE;
    pull->received = bytes;
    pull->size = bytes;
    OK(pull_store(sql, pull, &err));
}

static int64_t rows_in(enum pull_state state)
{
    int64_t n = 0;

    OK(sql_number(sql, "SELECT COUNT(*) FROM pull WHERE state = ?",
                  SQL_WITH(sql_int((int64_t)state)), &n, &err));
    return n;
}

static void next(int64_t *due_ms, int64_t *until_ms)
{
    OK(pulls_next(sql, due_ms, until_ms, &err));
}

START_TEST(ids_say_what_they_name)
{
    struct publication video = added(0);
    struct publication photos = added(3);
    struct publication draft = {.user_id = ann.id, .pulled = true, .inbox = true};

    OK(publication_add(sql, &draft, &err));
    ck_assert(text_starts_with(video.publish_id, "v_pub_url~v2-1."));
    ck_assert(text_starts_with(photos.publish_id, "p_pub_url~v2."));
    ck_assert(text_starts_with(draft.publish_id, "v_inbox_url~v2."));
}
END_TEST

START_TEST(what_a_post_is_survives)
{
    struct publication added_one = added(3);
    struct publication p = again(&added_one);

    ck_assert(p.pulled);
    ck_assert_int_eq(p.photos, 3);
    ck_assert_int_eq(p.cover_index, 1);
    ck_assert_str_eq(p.title, "title");
    ck_assert_str_eq(publication_status(&p, now_ms), "PROCESSING_DOWNLOAD");
    p.committed_ms = now_ms;
    p.ready_ms = now_ms + 400;
    ck_assert_str_eq(publication_status(&p, now_ms), "PROCESSING_DOWNLOAD");
    ck_assert_str_eq(publication_status(&p, now_ms + 400), "PUBLISH_COMPLETE");
}
END_TEST

START_TEST(nothing_is_due_early_and_everything_once)
{
    struct publication p = added(2);
    struct pull one, two;
    int64_t due_ms, until_ms;

    next(&due_ms, &until_ms);
    ck_assert_int_eq(due_ms, now_ms + 200);
    ck_assert_int_eq(until_ms, now_ms + HOUR_MS);
    ck_assert_int_eq(taken(now_ms + 199, 35).publication_id, 0);
    one = taken(now_ms + 200, 35);
    two = taken(now_ms + 200, 35);
    ck_assert_int_eq(one.publication_id, p.id);
    ck_assert_int_eq(one.item, 0);
    ck_assert(!one.lifted);
    ck_assert_int_eq(two.item, 1);
    ck_assert(two.lifted);
    ck_assert(one.photo);
    ck_assert_int_eq(one.user_id, ann.id);
    ck_assert_int_eq(one.until_ms, now_ms + HOUR_MS);
    ck_assert_str_eq(one.url, "https://media.example.com/a");
    ck_assert_int_eq(taken(now_ms + 200, 35).publication_id, 0);
    next(&due_ms, &until_ms);
    ck_assert_int_eq(due_ms, INT64_MAX);
}
END_TEST

START_TEST(so_many_of_one_post_are_under_way_and_others_go_past)
{
    struct publication first = added(3);
    struct publication second = added(3);
    struct pull pull;

    for (int64_t i = 0; i < 2; i++)
        ck_assert_int_eq(taken(now_ms + 200, 2).publication_id, first.id);
    pull = taken(now_ms + 200, 2);
    ck_assert_int_eq(pull.publication_id, second.id);
    ck_assert_int_eq(taken(now_ms + 200, 2).publication_id, second.id);
    ck_assert_int_eq(taken(now_ms + 200, 2).publication_id, 0);
    here(&pull, 5);
    ck_assert_int_eq(taken(now_ms + 200, 2).item, 2);
}
END_TEST

START_TEST(a_courier_that_begins_anew_finds_what_was_under_way)
{
    struct publication p = added(2);
    struct pull one = taken(now_ms + 200, 35);
    struct pull two = taken(now_ms + 200, 35);

    here(&one, 10);
    ck_assert(progress(&two, 3));
    OK(pulls_release(sql, &err));
    two = taken(now_ms + 200, 35);
    ck_assert_int_eq(two.publication_id, p.id);
    ck_assert_int_eq(two.item, 1);
    ck_assert_int_eq(two.received, 3);
    ck_assert_int_eq(taken(now_ms + 200, 35).publication_id, 0);
}
END_TEST

START_TEST(bytes_add_up)
{
    struct publication p = added(3);
    struct pull pulls[3];
    int64_t missing;

    for (size_t i = 0; i < 3; i++)
        pulls[i] = taken(now_ms + 200, 35);
    here(&pulls[0], 100);
    ck_assert(progress(&pulls[1], 50));
    ck_assert_int_eq(again(&p).received, 150);
    ck_assert_int_eq(again(&p).plan.size, 0); /* the third did not say */
    ck_assert(progress(&pulls[2], 7));
    ck_assert_int_eq(again(&p).received, 157);
    ck_assert_int_eq(again(&p).plan.size, 2100);
    OK(pulls_missing(sql, p.id, &missing, &err));
    ck_assert_int_eq(missing, 2);
}
END_TEST

/* Each ends what is wanted of a publication. */
START_TEST(a_publication_that_ended_wants_nothing)
{
    for (int how = 0; how < 4; how++) {
        struct publication p = added(2);
        struct pull pull = taken(now_ms + 200, 35);

        ck_assert_int_eq(pull.publication_id, p.id);
        ck_assert(progress(&pull, 1));
        if (how == 0)
            text_copy(p.fail_reason, sizeof(p.fail_reason), "publish_cancelled");
        else if (how == 1)
            p.stuck = true;
        else if (how == 2)
            OK(sql_run(sql, "DELETE FROM pull", SQL_NONE, NULL, &err));
        else
            p.committed_ms = now_ms;
        OK(publication_commit(sql, &p, &err));
        ck_assert_msg(!progress(&pull, 2), "%d", how);
        ck_assert_msg(taken(now_ms + 200, 35).publication_id == 0, "%d", how);
    }
}
END_TEST

START_TEST(an_hour_is_the_end_of_what_still_waits)
{
    struct publication video = added(0);
    struct publication photos = added(1);
    struct publication stuck = added(0);
    struct publication done = added(0);
    int64_t due_ms, until_ms;

    stuck.stuck = true;
    OK(publication_store(sql, &stuck, &err));
    done.committed_ms = now_ms;
    OK(publication_commit(sql, &done, &err));
    OK(pulls_give_up(sql, now_ms + HOUR_MS - 1, &err));
    ck_assert_str_eq(again(&video).fail_reason, "");
    OK(pulls_give_up(sql, now_ms + HOUR_MS, &err));
    ck_assert_str_eq(again(&video).fail_reason, "video_pull_failed");
    ck_assert_int_eq(again(&video).fail_ms, now_ms + HOUR_MS);
    ck_assert_str_eq(again(&photos).fail_reason, "photo_pull_failed");
    ck_assert_str_eq(again(&stuck).fail_reason, "");
    ck_assert_str_eq(again(&done).fail_reason, "");
    ck_assert_int_eq(again(&video).fail_ms, now_ms + HOUR_MS);
    ck_assert_int_eq(rows_in(PULL_OVER), 2);
    next(&due_ms, &until_ms);
    ck_assert_int_eq(due_ms, INT64_MAX);
    ck_assert_int_eq(until_ms, INT64_MAX);
    OK(publications_tell_ms(sql, &until_ms, &err)); /* a webhook is due */
    ck_assert_int_eq(until_ms, 0);
}
END_TEST

START_TEST(what_ended_waits_for_nothing_and_keeps_what_came)
{
    struct publication p = added(3);
    struct pull one = taken(now_ms + 200, 35);
    int64_t due_ms, until_ms;

    here(&one, 10);
    (void)taken(now_ms + 200, 35);
    OK(pulls_end(sql, p.id, &err));
    ck_assert_int_eq(rows_in(PULL_HERE), 1);
    ck_assert_int_eq(rows_in(PULL_OVER), 2);
    next(&due_ms, &until_ms);
    ck_assert_int_eq(due_ms, INT64_MAX);
}
END_TEST

struct seen {
    int64_t n;
    bool in_order;
};

static void see(void *ctx, const struct pull *pull)
{
    struct seen *seen = ctx;

    seen->in_order = seen->in_order && pull->item == seen->n;
    seen->n++;
}

START_TEST(what_became_of_a_file_is_read_back)
{
    struct publication p = added(2);
    struct seen seen = {.in_order = true};
    struct pull pull = taken(now_ms + 200, 35);

    pull.state = PULL_WAITS;
    pull.due_ms = now_ms + 999;
    pull.breaks = 1;
    pull.busy = 2;
    pull.rounds = 3;
    pull.gets = 4;
    pull.heads = 5;
    pull.status = 503;
    pull.look = (struct media_look){6, 7, 8};
    text_copy(pull.file, sizeof(pull.file), "1-0.jpg");
    text_copy(pull.failure, sizeof(pull.failure), "internal");
    OK(pull_store(sql, &pull, &err));
    ck_assert_int_eq(taken(now_ms + 998, 35).item, 1);
    pull = taken(now_ms + 999, 35);
    ck_assert_int_eq(pull.breaks, 1);
    ck_assert_int_eq(pull.busy, 2);
    ck_assert_int_eq(pull.rounds, 3);
    ck_assert_int_eq(pull.gets, 4);
    ck_assert_int_eq(pull.heads, 5);
    ck_assert_int_eq(pull.status, 503);
    ck_assert_int_eq(pull.look.duration_ms, 6);
    ck_assert_int_eq(pull.look.width, 7);
    ck_assert_int_eq(pull.look.height, 8);
    ck_assert_str_eq(pull.file, "1-0.jpg");
    ck_assert_str_eq(pull.failure, "internal");
    OK(pulls_each(sql, p.id, see, &seen, &err));
    ck_assert_int_eq(seen.n, 2);
    ck_assert(seen.in_order);
}
END_TEST

UNIT_MAIN_FIXTURE("sandbox_pulls", setup, teardown, ids_say_what_they_name,
                  what_a_post_is_survives, nothing_is_due_early_and_everything_once,
                  so_many_of_one_post_are_under_way_and_others_go_past,
                  a_courier_that_begins_anew_finds_what_was_under_way, bytes_add_up,
                  a_publication_that_ended_wants_nothing,
                  an_hour_is_the_end_of_what_still_waits,
                  what_ended_waits_for_nothing_and_keeps_what_came,
                  what_became_of_a_file_is_read_back)
