/* media/lane: what becomes of a claimed repair. The store is played by this file (its
 * functions take the place of the real ones in the link), blobs and ffmpeg are real. */
#include "core/io.h"
#include "core/random.h"
#include "media/lane.h"
#include "scratch.h"
#include "store/repairs.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
    struct repair_work due; /* media_id 0: nothing is */
    enum rc ours, report, finish;
    int asked_before_lost; /* -1: never lost */
    bool stop_when_asked;

    int asked, reported, finished, failed, given_back;
    int64_t after_ms, bytes;
    char reason[32], name[64], key[BLOB_KEY_SIZE];
} s;

static volatile sig_atomic_t stop;
static struct work work = {.owner = 7, .stop = &stop};
static struct err err;
static char root[SCRATCH_SIZE];

static enum rc answer(enum rc rc, struct err *e)
{
    return rc == RC_OK ? RC_OK : err_set(e, rc, "told_to", "told to");
}

enum rc repair_claim(struct db *db UNUSED, uint64_t owner, const char *result_key,
                     struct repair_work *out, bool *found, struct err *e UNUSED)
{
    ck_assert_uint_eq(owner, 7);
    *found = s.due.media_id != 0;
    *out = s.due;
    (void)snprintf(out->result_key, sizeof(out->result_key), "%s", result_key);
    (void)snprintf(s.key, sizeof(s.key), "%s", result_key);
    return RC_OK;
}

static enum rc look(enum rc rc, struct err *e)
{
    s.asked++;
    stop = s.stop_when_asked;
    if (s.asked_before_lost >= 0 && s.asked > s.asked_before_lost)
        rc = RC_CONFLICT;
    return answer(rc, e);
}

enum rc repair_ours(struct db *db UNUSED, const struct repair_work *w UNUSED,
                    struct err *e)
{
    return look(s.ours, e);
}

enum rc repair_report(struct db *db UNUSED, const struct repair_work *w UNUSED,
                      int permille, int64_t lease_ms, struct err *e)
{
    ck_assert_int_ge(permille, 0);
    ck_assert_int_ge(lease_ms, REPAIR_LEASE_MS);
    s.reported++;
    return look(s.report, e);
}

enum rc repair_finish(struct db *db UNUSED, const struct repair_work *w UNUSED,
                      const char *filename, int64_t bytes, uint64_t *media_id,
                      struct err *e)
{
    s.finished++;
    s.bytes = bytes;
    *media_id = 10;
    (void)snprintf(s.name, sizeof(s.name), "%s", filename);
    return answer(s.finish, e);
}

enum rc repair_fail(struct db *db UNUSED, const struct repair_work *w UNUSED,
                    const char *reason, const char *message, struct err *e UNUSED)
{
    s.failed++;
    ck_assert_uint_lt(strlen(message), MEDIA_REPAIR_MSG_SIZE);
    ck_assert_uint_gt(strlen(message), 10);
    (void)snprintf(s.reason, sizeof(s.reason), "%s", reason);
    return RC_OK;
}

enum rc repair_give_back(struct db *db UNUSED, const struct repair_work *w UNUSED,
                         int64_t after_ms, struct err *e UNUSED)
{
    s.given_back++;
    s.after_ms = after_ms;
    return RC_OK;
}

static void run(const char *line)
{
    char command[1024];

    (void)snprintf(command, sizeof(command), "cd %s && { %s ; }", root, line);
    ck_assert_msg(system(command) == 0, "%s", command);
}

static void setup(void)
{
    char url[96];

    scratch_make(root);
    (void)snprintf(url, sizeof(url), "file://%s/media", root);
    ck_assert_int_eq(
        blob_store_open(&(struct blob_settings){.url = url}, &work.blobs, &err), RC_OK);
    (void)memset(&s, 0, sizeof(s));
    s.asked_before_lost = -1;
    stop = 0;
}

static void teardown(void)
{
    blob_store_close(work.blobs);
    scratch_remove(root);
}

/* A repair of the file that the shell line makes as "in". */
static void have(const char *make)
{
    struct strbuf sb;
    struct blob_writer *w = NULL;
    char path[96];
    char key[BLOB_KEY_SIZE];

    run(make);
    (void)snprintf(path, sizeof(path), "%s/in", root);
    strbuf_init(&sb, 1 << 26);
    ck_assert_int_eq(io_read_file(path, &sb, &err), RC_OK);
    blob_key_make(random_system(), key);
    ck_assert_int_eq(blob_create(work.blobs, key, 0, &err), RC_OK);
    ck_assert_int_eq(blob_append_begin(work.blobs, key, 0, &w, &err), RC_OK);
    ck_assert_int_eq(blob_writer_start(w, 0, &err), RC_OK);
    ck_assert_int_eq(blob_writer_add(w, sb.buf, sb.len, &err), RC_OK);
    blob_writer_close(w);
    strbuf_release(&sb);
    s.due = (struct repair_work){
        .media_id = 9, .workspace_id = 1, .fence = 1, .reserved = 1 << 26};
    (void)snprintf(s.due.source_key, sizeof(s.due.source_key), "%s", key);
    (void)snprintf(s.due.filename, sizeof(s.due.filename), "clip.mov");
}

#define MAKE                                                                             \
    "ffmpeg -v error -y -f lavfi -i testsrc2=s=360x640:r=15:d=2 -c:v libx264 -preset "   \
    "ultrafast -pix_fmt yuv420p -f mp4 in"
#define MAKE_SLOW                                                                        \
    "ffmpeg -v error -y -f lavfi -i testsrc2=s=1080x1920:r=15:d=12 -vf "                 \
    "noise=alls=20:allf=t -c:v libx264 -preset ultrafast -crf 40 -pix_fmt yuv420p -f "   \
    "mp4 in"

static void next(void)
{
    bool found = false;

    ck_assert_msg(lane_next(&work, &found, &err) == RC_OK, "%s", err.msg);
    ck_assert_int_eq(found, s.due.media_id != 0);
}

static bool kept(void)
{
    int fd = -1;
    int64_t size = 0;
    enum rc rc = blob_open(work.blobs, s.key, BLOB_CONTENT, &fd, &size, &err);

    io_close(&fd);
    return rc == RC_OK;
}

START_TEST(without_work_nothing_is_done)
{
    next();
    ck_assert_int_eq(s.finished + s.failed + s.given_back, 0);
}
END_TEST

START_TEST(what_is_made_is_stored_and_told)
{
    have(MAKE);
    next();
    ck_assert_int_eq(s.finished, 1);
    ck_assert_int_eq(s.failed + s.given_back, 0);
    ck_assert_str_eq(s.name, "clip (repaired).mp4");
    ck_assert_int_gt(s.bytes, 1000);
    ck_assert(kept());
}
END_TEST

START_TEST(what_cannot_be_repaired_says_why)
{
    static const struct {
        const char *make, *reason;
    } rows[] = {
        {"printf 'just some text' > in", "no_repair"},
        {"ffmpeg -v error -y -f lavfi -i testsrc2=s=360x640:r=30:d=1 -c:v libx264 "
         "-preset "
         "ultrafast -pix_fmt yuv420p -f mp4 in",
         "no_repair"},
        /* sound and half of the picture are gone, the header tells of all of it */
        {MAKE " && n=$(stat -c %s in) && ffmpeg -v error -y -i in -c copy -movflags "
              "+faststart -f mp4 fast && head -c $((n / 3)) fast > in",
         "damaged"},
        {"ffmpeg -v error -y -f lavfi -i testsrc2=s=360x640:r=30:d=5 -c:v libvpx "
         "-deadline realtime -cpu-used 8 -f webm whole && n=$(stat -c %s whole) && head "
         "-c $((n / 3)) whole > in",
         "damaged"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        have(rows[i].make);
        s.failed = 0;
        next();
        ck_assert_msg(s.failed == 1 && strcmp(s.reason, rows[i].reason) == 0,
                      "row %zu: %s", i, s.reason);
        ck_assert_int_eq(s.finished + s.given_back, 0);
        ck_assert(!kept());
    }
}
END_TEST

START_TEST(more_bytes_than_were_reserved_are_refused)
{
    have(MAKE);
    s.due.reserved = 5000;
    next();
    ck_assert_str_eq(s.reason, "too_costly");
    ck_assert(!kept());
}
END_TEST

START_TEST(what_took_us_down_three_times_is_left_alone)
{
    have(MAKE);
    s.due.fails = REPAIR_FAILS_MAX;
    next();
    ck_assert_str_eq(s.reason, "died");
    s.due.fails = 0;
    s.due.gone = true;
    next();
    ck_assert_str_eq(s.reason, "deleted");
    s.due.gone = false;
    (void)memset(s.due.source_key, 'z', BLOB_KEY_LEN);
    next();
    ck_assert_str_eq(s.reason, "bytes_missing");
}
END_TEST

START_TEST(one_that_is_called_off_ends_soon_and_leaves_nothing)
{
    have(MAKE_SLOW);
    s.asked_before_lost = 1;
    next();
    ck_assert_int_eq(s.asked, 2);
    ck_assert_int_eq(s.finished + s.failed + s.given_back, 0);
    ck_assert(!kept());
}
END_TEST

START_TEST(a_stop_gives_it_back_at_once)
{
    have(MAKE_SLOW);
    s.stop_when_asked = true;
    next();
    ck_assert_int_eq(s.given_back, 1);
    ck_assert_int_eq(s.after_ms, 0);
    ck_assert_int_eq(s.finished + s.failed, 0);
}
END_TEST

START_TEST(a_database_that_is_away_does_not_stop_it)
{
    have(MAKE);
    s.ours = RC_UNAVAILABLE;
    next();
    ck_assert_int_eq(s.finished, 1);
}
END_TEST

START_TEST(a_result_that_was_not_taken_is_removed)
{
    have(MAKE);
    s.finish = RC_CONFLICT;
    next();
    ck_assert_int_eq(s.finished, 1);
    ck_assert_int_eq(s.given_back, 0);
    ck_assert(!kept());
    s.finish = RC_UNCERTAIN; /* it may be a medium's by now */
    next();
    ck_assert(kept());
    ck_assert_int_eq(s.given_back, 1);
}
END_TEST

START_TEST(what_the_dead_left_is_removed)
{
    have(MAKE);
    next();
    ck_assert(kept());
    (void)snprintf(s.due.stale_key, sizeof(s.due.stale_key), "%s", s.key);
    next();
    (void)snprintf(s.key, sizeof(s.key), "%s", s.due.stale_key);
    ck_assert(!kept());
}
END_TEST

UNIT_MAIN_FIXTURE("media_lane", setup, teardown, without_work_nothing_is_done,
                  what_is_made_is_stored_and_told, what_cannot_be_repaired_says_why,
                  more_bytes_than_were_reserved_are_refused,
                  what_took_us_down_three_times_is_left_alone,
                  one_that_is_called_off_ends_soon_and_leaves_nothing,
                  a_stop_gives_it_back_at_once, a_database_that_is_away_does_not_stop_it,
                  a_result_that_was_not_taken_is_removed, what_the_dead_left_is_removed)
