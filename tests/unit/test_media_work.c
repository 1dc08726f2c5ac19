/* media/work: what becomes of claimed files. The store is played by this file (its
 * functions take the place of the real ones in the link), the blobs and the examination
 * are real. */
#include "core/io.h"
#include "media/examine.h"
#include "media/work.h"
#include "scratch.h"
#include "store/media.h"
#include "store/uploads.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the store as the tests want it ------------------------------------------------ */

static struct {
    struct media_work due; /* media_id 0: nothing is */
    enum rc claim, judge, wanted;
    bool is_wanted;
    char expired[BLOB_KEY_SIZE]; /* "": none */

    /* What work.c did. */
    int judged, removed, given_back, purged;
    int64_t after_ms;
    bool ready, has_thumb, has_sha;
    struct media_rendition rendition;
    int stripped;          /* verdicts on strips */
    uint32_t strip_frames; /* of the last */
    bool strip;            /* asked for by the verdict */
    unsigned char sha256[32];
    char reason[32], mime[64], checks[2048];
} s;

static enum rc answer(enum rc rc, struct err *err)
{
    return rc == RC_OK ? RC_OK : err_set(err, rc, "told_to", "told to");
}

enum rc media_claim(struct db *db UNUSED, uint64_t owner, struct media_work *out,
                    size_t max, size_t *n, struct err *err)
{
    ck_assert_uint_eq(owner, 7);
    ck_assert_uint_ge(max, 1);
    if (s.claim != RC_OK)
        return answer(s.claim, err);
    *n = s.due.media_id != 0;
    *out = s.due;
    return RC_OK;
}

enum rc media_judge(struct db *db UNUSED, const struct media_work *work,
                    const struct media_verdict *v, struct err *err)
{
    ck_assert_uint_eq(work->media_id, s.due.media_id);
    s.judged++;
    s.ready = v->ready;
    s.has_thumb = v->has_thumb;
    s.rendition = v->rendition;
    s.strip = v->strip;
    s.has_sha = v->sha256 != NULL;
    if (s.has_sha)
        (void)memcpy(s.sha256, v->sha256, sizeof(s.sha256));
    (void)snprintf(s.reason, sizeof(s.reason), "%s", v->reason);
    (void)snprintf(s.mime, sizeof(s.mime), "%s", v->mime);
    (void)snprintf(s.checks, sizeof(s.checks), "%s", v->checks);
    return answer(s.judge, err);
}

enum rc media_strip_made(struct db *db UNUSED, const struct media_work *work,
                         uint32_t frames, struct err *err)
{
    ck_assert_uint_eq(work->media_id, s.due.media_id);
    s.stripped++;
    s.strip_frames = frames;
    return answer(s.judge, err);
}

enum rc media_removed(struct db *db UNUSED, const struct media_work *work,
                      struct err *err UNUSED)
{
    ck_assert_uint_eq(work->media_id, s.due.media_id);
    s.removed++;
    return RC_OK;
}

enum rc media_hold(struct db *db UNUSED, const struct media_work *work UNUSED,
                   struct err *err UNUSED)
{
    ck_abort_msg("files are not fetched");
    return RC_OK;
}

enum rc media_give_back(struct db *db UNUSED, const struct media_work *work UNUSED,
                        int64_t after_ms, struct err *err UNUSED)
{
    s.given_back++;
    s.after_ms = after_ms;
    return RC_OK;
}

enum rc media_blob_wanted(struct db *db UNUSED, const char *blob_key, bool *wanted,
                          struct err *err)
{
    ck_assert(blob_key_valid(blob_key));
    *wanted = s.is_wanted;
    return answer(s.wanted, err);
}

enum rc upload_expire(struct db *db UNUSED, char ids[UPLOAD_SWEEP_MAX][UPLOAD_ID_SIZE],
                      size_t *n, struct err *err UNUSED)
{
    *n = s.expired[0] != '\0';
    (void)snprintf(ids[0], UPLOAD_ID_SIZE, "%s", s.expired);
    return RC_OK;
}

enum rc upload_purge(struct db *db UNUSED, struct err *err UNUSED)
{
    s.purged++;
    return RC_OK;
}

/* --- the rest ---------------------------------------------------------------------- */

static char root[SCRATCH_SIZE];
static char key[BLOB_KEY_SIZE];
static volatile sig_atomic_t stop;
static struct work work = {.owner = 7, .stop = &stop};
static struct err err;

static void run(const char *line)
{
    char command[512];

    (void)snprintf(command, sizeof(command), "cd %s && %s", root, line);
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
    stop = 0;
}

static void teardown(void)
{
    blob_store_close(work.blobs);
    scratch_remove(root);
}

/* A blob with these bytes, and the claim of a medium that has it. */
static void have(const void *bytes, size_t len)
{
    struct blob_writer *w = NULL;

    blob_key_make(random_system(), key);
    ck_assert_int_eq(blob_create(work.blobs, key, 0, &err), RC_OK);
    ck_assert_int_eq(blob_append_begin(work.blobs, key, 0, &w, &err), RC_OK);
    ck_assert_int_eq(blob_writer_start(w, 0, &err), RC_OK);
    ck_assert_int_eq(blob_writer_add(w, bytes, len, &err), RC_OK);
    blob_writer_close(w);
    s.due = (struct media_work){.media_id = 9, .workspace_id = 1, .fence = 1};
    (void)snprintf(s.due.blob_key, sizeof(s.due.blob_key), "%s", key);
}

static void have_video(void)
{
    struct strbuf sb;
    char path[96];

    run("ffmpeg -v error -y -f lavfi -i testsrc2=s=360x640:r=30:d=0.2 -c:v libx264 "
        "-preset ultrafast -pix_fmt yuv420p v.mp4");
    (void)snprintf(path, sizeof(path), "%s/v.mp4", root);
    strbuf_init(&sb, 1 << 20);
    ck_assert_int_eq(io_read_file(path, &sb, &err), RC_OK);
    have(sb.buf, sb.len);
    strbuf_release(&sb);
}

static bool exists(enum blob_part part)
{
    int fd = -1;
    int64_t size = 0;
    enum rc rc = blob_open(work.blobs, key, part, &fd, &size, &err);

    io_close(&fd);
    return rc == RC_OK;
}

static bool next(void)
{
    bool found = false;

    ck_assert_msg(work_next(&work, &found, &err) == RC_OK, "%s", err.msg);
    return found;
}

START_TEST(without_work_nothing_is_done)
{
    ck_assert(!next());
    ck_assert_int_eq(s.judged + s.removed + s.given_back, 0);
}
END_TEST

START_TEST(a_good_video_is_ready_with_its_picture)
{
    have_video();
    ck_assert(next());
    ck_assert_int_eq(s.judged, 1);
    ck_assert_msg(s.ready, "%s", s.checks);
    ck_assert(s.has_thumb);
    ck_assert(exists(BLOB_THUMBNAIL));
    ck_assert(!exists(BLOB_RENDITION));
    ck_assert(s.strip); /* later */
    ck_assert(!exists(BLOB_STRIP));
    ck_assert_int_eq(s.rendition.bytes, 0);
    ck_assert_str_eq(s.mime, "video/mp4");
    ck_assert_str_eq(s.reason, "");
    ck_assert_int_eq(s.given_back, 0);
}
END_TEST

static void have_strip_to_make(void)
{
    have_video();
    s.due.task = MEDIA_TASK_STRIP;
    s.due.facts = (struct media_facts){
        .duration_ms = 200, .width = 360, .height = 640, .fps_milli = 30000};
}

START_TEST(the_strip_of_a_video_is_made_when_it_is_ready)
{
    have_strip_to_make();
    ck_assert(next());
    ck_assert_int_eq(s.judged, 0);
    ck_assert_int_eq(s.stripped, 1);
    ck_assert_uint_eq(s.strip_frames, 12);
    ck_assert(exists(BLOB_STRIP));
    ck_assert_int_eq(s.given_back, 0);
}
END_TEST

START_TEST(a_video_that_gives_no_strip_is_not_asked_again)
{
    have("just some text", 14);
    s.due.task = MEDIA_TASK_STRIP;
    ck_assert(next());
    ck_assert_int_eq(s.stripped, 1);
    ck_assert_uint_eq(s.strip_frames, 0);
    have_strip_to_make();
    s.due.fails = MEDIA_FAILS_MAX; /* it took its reader down */
    ck_assert(next());
    ck_assert_int_eq(s.stripped, 2);
    ck_assert_uint_eq(s.strip_frames, 0);
    have_strip_to_make();
    ck_assert_int_eq(blob_remove(work.blobs, key, &err), RC_OK);
    ck_assert(next());
    ck_assert_int_eq(s.stripped, 3);
    ck_assert_uint_eq(s.strip_frames, 0);
    ck_assert_int_eq(s.given_back, 0);
}
END_TEST

START_TEST(a_strip_of_a_file_deleted_meanwhile_does_not_stay)
{
    have_strip_to_make();
    s.judge = RC_CONFLICT;
    s.is_wanted = false;
    ck_assert(next());
    ck_assert(!exists(BLOB_STRIP));
    ck_assert_int_eq(s.given_back, 0);
}
END_TEST

START_TEST(a_photo_is_ready_with_its_rendition)
{
    static const char head[] = "\xff\xd8\xff";
    struct strbuf sb;
    char path[96];
    int64_t size = 0;
    char begin[3];
    int fd = -1;

    run("ffmpeg -v error -y -f lavfi -i testsrc2=s=1300x700 -frames:v 1 p.png");
    (void)snprintf(path, sizeof(path), "%s/p.png", root);
    strbuf_init(&sb, 1 << 20);
    ck_assert_int_eq(io_read_file(path, &sb, &err), RC_OK);
    have(sb.buf, sb.len);
    strbuf_release(&sb);
    ck_assert(next());
    ck_assert_msg(s.ready, "%s", s.checks);
    ck_assert_int_eq(s.rendition.width, 1300);
    ck_assert_int_eq(s.rendition.height, 700);
    ck_assert(!s.strip);
    ck_assert_str_eq(s.mime, "image/png");
    ck_assert_int_eq(blob_open(work.blobs, key, BLOB_RENDITION, &fd, &size, &err), RC_OK);
    ck_assert_int_eq(size, s.rendition.bytes);
    ck_assert_int_eq(pread(fd, begin, sizeof(begin), 0), 3);
    ck_assert_mem_eq(begin, head, 3);
    io_close(&fd);
}
END_TEST

START_TEST(a_rendition_that_cannot_be_stored_gives_the_photo_back)
{
    struct strbuf sb;
    char path[160];

    run("ffmpeg -v error -y -f lavfi -i testsrc2=s=64x64 -frames:v 1 p.png");
    (void)snprintf(path, sizeof(path), "%s/p.png", root);
    strbuf_init(&sb, 1 << 20);
    ck_assert_int_eq(io_read_file(path, &sb, &err), RC_OK);
    have(sb.buf, sb.len);
    strbuf_release(&sb);
    (void)snprintf(path, sizeof(path), "%s/media/%.2s/%s.photo.jpg", root, key, key);
    ck_assert_int_eq(mkdir(path, 0700), 0); /* where the picture would be */
    ck_assert(next());
    ck_assert_int_eq(s.judged, 0);
    ck_assert_int_eq(s.given_back, 1);
}
END_TEST

START_TEST(what_the_bytes_are_is_told_with_the_verdict)
{
    static const unsigned char abc[] = {0xba, 0x78, 0x16, 0xbf};

    have("abc", 3);
    ck_assert(next());
    ck_assert(s.has_sha);
    ck_assert_mem_eq(s.sha256, abc, sizeof(abc));
}
END_TEST

START_TEST(what_is_no_film_is_rejected_with_the_reason)
{
    have("just some text", 14);
    ck_assert(next());
    ck_assert_int_eq(s.judged, 1);
    ck_assert(!s.ready);
    ck_assert(!s.has_thumb);
    ck_assert_str_eq(s.reason, "readable");
    ck_assert_str_eq(s.mime, "application/octet-stream");
    ck_assert_ptr_nonnull(strstr(s.checks, "\"ok\":false"));
}
END_TEST

START_TEST(a_file_that_took_its_reader_down_three_times_is_not_read_again)
{
    have_video();
    s.due.fails = MEDIA_FAILS_MAX;
    ck_assert(next());
    ck_assert_int_eq(s.judged, 1);
    ck_assert(!s.ready);
    ck_assert_ptr_nonnull(strstr(s.checks, "three times"));
}
END_TEST

START_TEST(missing_bytes_are_waited_for_and_then_said_to_be_lost)
{
    have("x", 1);
    ck_assert_int_eq(blob_remove(work.blobs, key, &err), RC_OK);
    s.due.age_ms = WORK_MISSING_MS - 1;
    ck_assert(next());
    ck_assert_int_eq(s.judged, 0);
    ck_assert_int_eq(s.given_back, 1);
    ck_assert_int_eq(s.after_ms, WORK_RETRY_MS);
    s.due.age_ms = WORK_MISSING_MS;
    ck_assert(next());
    ck_assert_int_eq(s.judged, 1);
    ck_assert_ptr_nonnull(strstr(s.checks, "missing on the server"));
}
END_TEST

START_TEST(the_bytes_of_a_deleted_file_are_removed)
{
    have("x", 1);
    s.due.task = MEDIA_TASK_REMOVE;
    ck_assert_int_eq(blob_put_part(work.blobs, key, BLOB_THUMBNAIL, "jpeg", 4, &err),
                     RC_OK);
    ck_assert(next());
    ck_assert_int_eq(s.removed, 1);
    ck_assert_int_eq(s.judged, 0);
    ck_assert(!exists(BLOB_CONTENT));
    ck_assert(!exists(BLOB_THUMBNAIL));
    ck_assert(next()); /* once more, after a crash before the row was written */
    ck_assert_int_eq(s.removed, 2);
}
END_TEST

START_TEST(who_is_told_to_stop_gives_back_at_once)
{
    have_video();
    stop = 1;
    ck_assert(next());
    ck_assert_int_eq(s.judged, 0);
    ck_assert_int_eq(s.given_back, 1);
    ck_assert_int_eq(s.after_ms, 0);
}
END_TEST

START_TEST(trouble_with_the_verdict_gives_the_file_back)
{
    static const enum rc trouble[] = {RC_UNAVAILABLE, RC_UNCERTAIN, RC_BUG};

    for (size_t i = 0; i < ARRAY_LEN(trouble); i++) {
        have("text", 4);
        s.judge = trouble[i];
        ck_assert(next());
        ck_assert_int_eq(s.given_back, (int)i + 1);
        ck_assert_int_eq(s.after_ms, WORK_RETRY_MS);
    }
}
END_TEST

START_TEST(a_file_deleted_under_our_hands_leaves_no_picture)
{
    have_video();
    s.judge = RC_CONFLICT;
    s.is_wanted = false;
    ck_assert(next());
    ck_assert_int_eq(s.given_back, 0);
    ck_assert(!exists(BLOB_THUMBNAIL));
}
END_TEST

START_TEST(a_file_judged_by_another_meanwhile_keeps_its_picture)
{
    have_video();
    s.judge = RC_CONFLICT;
    s.is_wanted = true;
    ck_assert(next());
    ck_assert_int_eq(s.given_back, 0);
    ck_assert(exists(BLOB_CONTENT));
    ck_assert(exists(BLOB_THUMBNAIL));
}
END_TEST

START_TEST(a_database_that_is_away_is_told_to_the_caller)
{
    bool found = false;

    s.claim = RC_UNAVAILABLE;
    ck_assert_int_eq(work_next(&work, &found, &err), RC_UNAVAILABLE);
    ck_assert(!found);
}
END_TEST

START_TEST(expired_uploads_lose_their_bytes)
{
    have("half a film", 11);
    (void)snprintf(s.expired, sizeof(s.expired), "%s", key);
    ck_assert_int_eq(work_sweep_uploads(&work, &err), RC_OK);
    ck_assert(!exists(BLOB_CONTENT));
    ck_assert_int_eq(s.purged, 1);
}
END_TEST

/* Makes the blob look as if it was written long ago. */
static void age(void)
{
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/media/%.2s/%s", root, key, key);
    ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
}

START_TEST(only_old_blobs_that_nobody_wants_are_orphans)
{
    static const struct {
        bool old, wanted, stays;
    } rows[] = {{true, false, false},
                {true, true, true},
                {false, false, true},
                {false, true, true}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        have("x", 1);
        if (rows[i].old)
            age();
        s.is_wanted = rows[i].wanted;
        ck_assert_int_eq(work_sweep_orphans(&work, &err), RC_OK);
        ck_assert_msg(exists(BLOB_CONTENT) == rows[i].stays, "row %zu", i);
        ck_assert_int_eq(blob_remove(work.blobs, key, &err), RC_OK);
    }
}
END_TEST

START_TEST(while_the_database_is_away_nothing_counts_as_an_orphan)
{
    have("x", 1);
    age();
    s.wanted = RC_UNAVAILABLE;
    ck_assert_int_eq(work_sweep_orphans(&work, &err), RC_UNAVAILABLE);
    ck_assert(exists(BLOB_CONTENT));
}
END_TEST

START_TEST(a_sweep_ends_when_told_to_stop)
{
    have("x", 1);
    age();
    stop = 1;
    ck_assert_int_eq(work_sweep_orphans(&work, &err), RC_OK);
    ck_assert(exists(BLOB_CONTENT));
}
END_TEST

START_TEST(the_readers_can_be_started_here)
{
    ck_assert_msg(examine_ready(&err) == RC_OK, "%s", err.msg);
}
END_TEST

UNIT_MAIN_FIXTURE("media_work", setup, teardown, without_work_nothing_is_done,
                  a_good_video_is_ready_with_its_picture,
                  the_strip_of_a_video_is_made_when_it_is_ready,
                  a_video_that_gives_no_strip_is_not_asked_again,
                  a_strip_of_a_file_deleted_meanwhile_does_not_stay,
                  a_photo_is_ready_with_its_rendition,
                  a_rendition_that_cannot_be_stored_gives_the_photo_back,
                  what_the_bytes_are_is_told_with_the_verdict,
                  what_is_no_film_is_rejected_with_the_reason,
                  a_file_that_took_its_reader_down_three_times_is_not_read_again,
                  missing_bytes_are_waited_for_and_then_said_to_be_lost,
                  the_bytes_of_a_deleted_file_are_removed,
                  who_is_told_to_stop_gives_back_at_once,
                  trouble_with_the_verdict_gives_the_file_back,
                  a_file_deleted_under_our_hands_leaves_no_picture,
                  a_file_judged_by_another_meanwhile_keeps_its_picture,
                  a_database_that_is_away_is_told_to_the_caller,
                  expired_uploads_lose_their_bytes,
                  only_old_blobs_that_nobody_wants_are_orphans,
                  while_the_database_is_away_nothing_counts_as_an_orphan,
                  a_sweep_ends_when_told_to_stop, the_readers_can_be_started_here)
