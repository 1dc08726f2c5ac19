/* blob/fs: what is kept, what a crash leaves, and what must not be reachable. */
#include "blob/blob.h"
#include "core/io.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];
static struct blob_store *store;
static char key[BLOB_KEY_SIZE];
static struct err err;

static void setup(void)
{
    char url[96];

    (void)snprintf(root, sizeof(root), "/tmp/tts-blob-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    (void)snprintf(url, sizeof(url), "file://%s/media", root);
    ck_assert_int_eq(blob_store_open(url, &store, &err), RC_OK);
    blob_key_make(random_system(), key);
}

static void teardown(void)
{
    char command[96];

    blob_store_close(store);
    (void)snprintf(command, sizeof(command), "rm -rf %s", root);
    ck_assert_int_eq(system(command), 0);
}

static void path_of(enum blob_part part, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/media/%.2s/%s%s", root, key, key,
                   part == BLOB_THUMBNAIL ? ".jpg" : "");
}

static struct blob_writer *begin(int64_t offset)
{
    struct blob_writer *w = NULL;

    ck_assert_int_eq(blob_append_begin(store, key, &w, &err), RC_OK);
    ck_assert_int_eq(blob_writer_start(w, offset, &err), RC_OK);
    return w;
}

static void append(int64_t offset, const char *text)
{
    struct blob_writer *w = begin(offset);

    ck_assert_int_eq(blob_writer_add(w, text, strlen(text), &err), RC_OK);
    ck_assert_int_eq(blob_writer_sync(w, &err), RC_OK);
    blob_writer_close(w);
}

static void holds(enum blob_part part, const char *want)
{
    int fd = -1;
    int64_t size = -1;
    size_t got = 0;
    char buf[64] = "";

    ck_assert_int_eq(blob_open(store, key, part, &fd, &size, &err), RC_OK);
    ck_assert_int_eq(size, (int64_t)strlen(want));
    ck_assert_int_eq(io_pread_full(fd, buf, sizeof(buf) - 1, 0, &got, &err), RC_OK);
    ck_assert_str_eq(buf, want);
    io_close(&fd);
}

static int file_with(const char *text)
{
    char path[96];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/body", root);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(io_write_full(fd, text, strlen(text), &err), RC_OK);
    return fd;
}

START_TEST(only_our_own_keys_are_keys)
{
    static const char *const bad[] = {"",
                                      "abc",
                                      "../../../../etc/passwd....",
                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                                      "abcdefghijklmnopqrstuvwxy1",
                                      "abcdefghijklmnopqrstuvwxyza",
                                      "abcdefghijklmnopqrstuvwx/a"};

    ck_assert(blob_key_valid(key));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!blob_key_valid(bad[i]), "row %zu", i);
}
END_TEST

START_TEST(only_a_file_url_with_an_absolute_path_opens_a_store)
{
    static const char *const bad[] = {"", "/tmp", "file:/tmp", "file://tmp",
                                      "s3://bucket"};
    struct blob_store *s = NULL;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_msg(blob_store_open(bad[i], &s, &err) == RC_INVALID, "row %zu", i);
        ck_assert_ptr_null(s);
    }
}
END_TEST

START_TEST(a_blob_grows_by_bytes_and_by_files)
{
    int body = file_with("copied from a file");
    struct blob_writer *w;

    ck_assert_int_eq(blob_create(store, key, 100, &err), RC_OK);
    holds(BLOB_CONTENT, "");
    append(0, "first ");
    w = begin(6);
    ck_assert_int_eq(blob_writer_copy(w, body, 6, &err), RC_OK);
    blob_writer_close(w);
    holds(BLOB_CONTENT, "first copied");
    io_close(&body);
}
END_TEST

START_TEST(a_key_is_created_once)
{
    ck_assert_int_eq(blob_create(store, key, 0, &err), RC_OK);
    append(0, "kept");
    ck_assert_int_eq(blob_create(store, key, 0, &err), RC_CONFLICT);
    holds(BLOB_CONTENT, "kept");
}
END_TEST

START_TEST(what_a_crash_left_beyond_the_record_is_cut_off)
{
    ck_assert_int_eq(blob_create(store, key, 0, &err), RC_OK);
    append(0, "recorded, and then unrecorded");
    append(8, "!");
    holds(BLOB_CONTENT, "recorded!");
}
END_TEST

START_TEST(a_blob_shorter_than_its_record_is_a_bug_and_stays)
{
    struct blob_writer *w = NULL;

    ck_assert_int_eq(blob_create(store, key, 0, &err), RC_OK);
    append(0, "abc");
    ck_assert_int_eq(blob_append_begin(store, key, &w, &err), RC_OK);
    ck_assert_int_eq(blob_writer_start(w, 4, &err), RC_BUG);
    ck_assert_str_eq(err.code, "media_bytes_lost");
    blob_writer_close(w);
    holds(BLOB_CONTENT, "abc");
}
END_TEST

START_TEST(undo_keeps_nothing_of_this_append)
{
    struct blob_writer *w;

    ck_assert_int_eq(blob_create(store, key, 0, &err), RC_OK);
    append(0, "kept");
    w = begin(4);
    ck_assert_int_eq(blob_writer_add(w, " damaged", 8, &err), RC_OK);
    ck_assert_int_eq(blob_writer_undo(w, &err), RC_OK);
    ck_assert_int_eq(blob_writer_add(w, " right", 6, &err), RC_OK);
    blob_writer_close(w);
    holds(BLOB_CONTENT, "kept right");
}
END_TEST

START_TEST(one_writer_at_a_time)
{
    struct blob_writer *second = NULL;
    struct blob_writer *w;

    ck_assert_int_eq(blob_create(store, key, 0, &err), RC_OK);
    w = begin(0);
    ck_assert_int_eq(blob_append_begin(store, key, &second, &err), RC_CONFLICT);
    ck_assert_str_eq(err.code, "upload_busy");
    blob_writer_close(w);
    w = begin(0);
    blob_writer_close(w);
}
END_TEST

START_TEST(a_body_that_ends_early_is_said_so)
{
    int body = file_with("short");
    struct blob_writer *w;

    ck_assert_int_eq(blob_create(store, key, 0, &err), RC_OK);
    w = begin(0);
    ck_assert_int_eq(blob_writer_copy(w, body, 6, &err), RC_INVALID);
    ck_assert_str_eq(err.code, "body_cut_short");
    blob_writer_close(w);
    io_close(&body);
}
END_TEST

START_TEST(a_full_disk_is_a_failure_of_its_own)
{
    struct blob_writer *w;

    ck_assert_int_eq(setenv("TTS_FAULT", "blob.disk_full:error", 1), 0);
    ck_assert_int_eq(blob_create(store, key, 0, &err), RC_OK);
    w = begin(0);
    ck_assert_int_eq(blob_writer_add(w, "x", 1, &err), RC_UNAVAILABLE);
    ck_assert_str_eq(err.code, "disk_full");
    blob_writer_close(w);
}
END_TEST

START_TEST(more_than_the_disk_has_is_refused_at_creation)
{
    int fd = -1;
    int64_t size = 0;

    ck_assert_int_eq(blob_create(store, key, INT64_C(1) << 60, &err), RC_UNAVAILABLE);
    ck_assert_str_eq(err.code, "disk_full");
    ck_assert_int_eq(blob_open(store, key, BLOB_CONTENT, &fd, &size, &err), RC_NOT_FOUND);
}
END_TEST

START_TEST(links_are_never_followed)
{
    char path[128];
    struct blob_writer *w = NULL;
    int fd = -1;
    int64_t size = 0;

    ck_assert_int_eq(blob_create(store, key, 0, &err), RC_OK);
    path_of(BLOB_CONTENT, path, sizeof(path));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(symlink("/etc/hostname", path), 0);
    ck_assert_int_ne(blob_open(store, key, BLOB_CONTENT, &fd, &size, &err), RC_OK);
    ck_assert_int_ne(blob_append_begin(store, key, &w, &err), RC_OK);
    ck_assert_int_eq(fd, -1);
}
END_TEST

START_TEST(a_thumbnail_is_replaced_as_a_whole_and_goes_with_its_blob)
{
    int fd = -1;
    int64_t size = 0;

    ck_assert_int_eq(blob_create(store, key, 0, &err), RC_OK);
    ck_assert_int_eq(blob_put_part(store, key, BLOB_THUMBNAIL, "one", 3, &err), RC_OK);
    ck_assert_int_eq(blob_put_part(store, key, BLOB_THUMBNAIL, "second", 6, &err), RC_OK);
    holds(BLOB_THUMBNAIL, "second");
    ck_assert_int_eq(blob_remove(store, key, &err), RC_OK);
    ck_assert_int_eq(blob_remove(store, key, &err), RC_OK);
    ck_assert_int_eq(blob_open(store, key, BLOB_CONTENT, &fd, &size, &err), RC_NOT_FOUND);
    ck_assert_int_eq(blob_open(store, key, BLOB_THUMBNAIL, &fd, &size, &err),
                     RC_NOT_FOUND);
}
END_TEST

START_TEST(every_picture_beside_a_blob_has_its_own_file_and_goes_with_it)
{
    static const enum blob_part parts[] = {BLOB_THUMBNAIL, BLOB_RENDITION, BLOB_STRIP};
    static const char *const words[] = {"thumbnail", "rendition", "strip"};
    int fd = -1;
    int64_t size = 0;

    ck_assert_int_eq(blob_create(store, key, 0, &err), RC_OK);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        ck_assert_int_eq(
            blob_put_part(store, key, parts[i], words[i], strlen(words[i]), &err), RC_OK);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        holds(parts[i], words[i]);
    ck_assert_int_eq(blob_remove(store, key, &err), RC_OK);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        ck_assert_int_eq(blob_open(store, key, parts[i], &fd, &size, &err), RC_NOT_FOUND);
}
END_TEST

START_TEST(a_rendition_may_be_larger_than_a_thumbnail)
{
    static const char bytes[BLOB_SIDE_MAX + 1];

    ck_assert_int_eq(blob_create(store, key, 0, &err), RC_OK);
    ck_assert_int_eq(
        blob_put_part(store, key, BLOB_RENDITION, bytes, sizeof(bytes), &err), RC_OK);
    ck_assert_int_eq(blob_put_part(store, key, BLOB_STRIP, bytes, sizeof(bytes), &err),
                     RC_BUG);
}
END_TEST

static bool count(void *ctx, const char *found)
{
    int *n = ctx;

    ck_assert_str_eq(found, key);
    (*n)++;
    return true;
}

START_TEST(the_picture_of_an_account_is_read_back_and_no_others)
{
    int64_t size = 0;
    int fd = -1;

    ck_assert_int_eq(blob_put_avatar(store, 7, "picture", 7, &err), RC_OK);
    ck_assert_int_eq(blob_open_avatar(store, 8, &fd, &size, &err), RC_NOT_FOUND);
    ck_assert_int_eq(fd, -1);
    ck_assert_int_eq(blob_open_avatar(store, 7, &fd, &size, &err), RC_OK);
    ck_assert_int_eq(size, 7);
    io_close(&fd);
}
END_TEST

START_TEST(the_walk_finds_old_blobs_and_leaves_young_ones_alone)
{
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    char path[128];
    int found = 0;

    ck_assert_int_eq(blob_create(store, key, 0, &err), RC_OK);
    ck_assert_int_eq(blob_put_part(store, key, BLOB_THUMBNAIL, "x", 1, &err), RC_OK);
    ck_assert_int_eq(blob_put_avatar(store, 7, "x", 1, &err), RC_OK);
    ck_assert_int_eq(blob_walk(store, 3600000, count, &found, &err), RC_OK);
    ck_assert_int_eq(found, 0);
    path_of(BLOB_CONTENT, path, sizeof(path));
    ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
    ck_assert_int_eq(blob_walk(store, 3600000, count, &found, &err), RC_OK);
    ck_assert_int_eq(found, 1);
}
END_TEST

START_TEST(the_walk_removes_what_a_write_that_died_left)
{
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    char path[160];
    char young[160];
    int found = 0;

    ck_assert_int_eq(blob_create(store, key, 0, &err), RC_OK);
    (void)snprintf(path, sizeof(path), "%s/media/%.2s/.%s.jpg.1", root, key, key);
    (void)snprintf(young, sizeof(young), "%s/media/%.2s/.%s.jpg.2", root, key, key);
    ck_assert_int_eq(io_create_file(path, 0600, "x", 1, &err), RC_OK);
    ck_assert_int_eq(io_create_file(young, 0600, "x", 1, &err), RC_OK);
    ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
    ck_assert_int_eq(blob_walk(store, 3600000, count, &found, &err), RC_OK);
    ck_assert_int_eq(found, 0);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(access(young, F_OK), 0);
}
END_TEST

START_TEST(the_walk_finds_a_picture_whose_blob_is_gone)
{
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    char path[128];
    int found = 0;

    ck_assert_int_eq(blob_put_part(store, key, BLOB_RENDITION, "x", 1, &err), RC_OK);
    ck_assert_int_eq(blob_walk(store, 3600000, count, &found, &err), RC_OK);
    ck_assert_int_eq(found, 0);
    (void)snprintf(path, sizeof(path), "%s/media/%.2s/%s.photo.jpg", root, key, key);
    ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
    ck_assert_int_eq(blob_walk(store, 3600000, count, &found, &err), RC_OK);
    ck_assert_int_eq(found, 1);
}
END_TEST

START_TEST(paths_for_nginx_come_from_keys_alone)
{
    char path[BLOB_ACCEL_SIZE];

    blob_accel_path("abcdefghijklmnopqrstuvwxyz", BLOB_CONTENT, path);
    ck_assert_str_eq(path, "/_media/ab/abcdefghijklmnopqrstuvwxyz");
    blob_accel_path("abcdefghijklmnopqrstuvwxyz", BLOB_THUMBNAIL, path);
    ck_assert_str_eq(path, "/_media/ab/abcdefghijklmnopqrstuvwxyz.jpg");
    blob_accel_path("abcdefghijklmnopqrstuvwxyz", BLOB_RENDITION, path);
    ck_assert_str_eq(path, "/_media/ab/abcdefghijklmnopqrstuvwxyz.photo.jpg");
    blob_accel_path("abcdefghijklmnopqrstuvwxyz", BLOB_STRIP, path);
    ck_assert_str_eq(path, "/_media/ab/abcdefghijklmnopqrstuvwxyz.strip.jpg");
    blob_avatar_accel_path(42, path);
    ck_assert_str_eq(path, "/_media/avatar/42.jpg");
}
END_TEST

START_TEST(free_space_is_told)
{
    struct blob_space space = {0};

    ck_assert_int_eq(blob_space(store, &space, &err), RC_OK);
    ck_assert_int_gt(space.free_bytes, 0);
    ck_assert_int_ge(space.total_bytes, space.free_bytes);
}
END_TEST

UNIT_MAIN_FIXTURE("blob_fs", setup, teardown, only_our_own_keys_are_keys,
                  only_a_file_url_with_an_absolute_path_opens_a_store,
                  a_blob_grows_by_bytes_and_by_files, a_key_is_created_once,
                  what_a_crash_left_beyond_the_record_is_cut_off,
                  a_blob_shorter_than_its_record_is_a_bug_and_stays,
                  undo_keeps_nothing_of_this_append, one_writer_at_a_time,
                  a_body_that_ends_early_is_said_so, a_full_disk_is_a_failure_of_its_own,
                  more_than_the_disk_has_is_refused_at_creation, links_are_never_followed,
                  a_thumbnail_is_replaced_as_a_whole_and_goes_with_its_blob,
                  every_picture_beside_a_blob_has_its_own_file_and_goes_with_it,
                  a_rendition_may_be_larger_than_a_thumbnail,
                  the_picture_of_an_account_is_read_back_and_no_others,
                  the_walk_finds_old_blobs_and_leaves_young_ones_alone,
                  the_walk_removes_what_a_write_that_died_left,
                  the_walk_finds_a_picture_whose_blob_is_gone,
                  paths_for_nginx_come_from_keys_alone, free_space_is_told)
