/* blob/fs: what is peculiar to files; test_blob_store.c has what every store must do. */
#include "blob/blob.h"
#include "core/io.h"
#include "scratch.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[SCRATCH_SIZE];
static struct blob_store *store;
static char key[BLOB_KEY_SIZE];
static struct err err;

static void setup(void)
{
    char url[96];

    scratch_make(root);
    (void)snprintf(url, sizeof(url), "file://%s/media", root);
    ck_assert_int_eq(blob_store_open(&(struct blob_settings){.url = url}, &store, &err),
                     RC_OK);
    blob_key_make(random_system(), key);
}

static void teardown(void)
{
    blob_store_close(store);
    scratch_remove(root);
}

static void path_of(enum blob_part part, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/media/%.2s/%s%s", root, key, key,
                   part == BLOB_THUMBNAIL ? ".jpg" : "");
}

static struct blob_writer *begin(int64_t offset)
{
    struct blob_writer *w = NULL;

    ck_assert_int_eq(blob_append_begin(store, key, 0, &w, &err), RC_OK);
    ck_assert_int_eq(blob_writer_start(w, offset, &err), RC_OK);
    return w;
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
    static const char *const bad[] = {"",           "/tmp",        "file:/tmp",
                                      "file://tmp", "s4://bucket", "s3://"};
    struct blob_store *s = NULL;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_msg(blob_store_open(&(struct blob_settings){.url = bad[i]}, &s, &err) ==
                          RC_INVALID,
                      "row %zu", i);
        ck_assert_ptr_null(s);
    }
}
END_TEST

START_TEST(one_writer_at_a_time)
{
    struct blob_writer *second = NULL;
    struct blob_writer *w;

    ck_assert_int_eq(blob_create(store, key, 0, &err), RC_OK);
    w = begin(0);
    ck_assert_int_eq(blob_append_begin(store, key, 0, &second, &err), RC_CONFLICT);
    ck_assert_str_eq(err.code, "upload_busy");
    blob_writer_close(w);
    w = begin(0);
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
    ck_assert_int_ne(blob_append_begin(store, key, 0, &w, &err), RC_OK);
    ck_assert_int_eq(fd, -1);
}
END_TEST

static bool count(void *ctx, const char *found)
{
    int *n = ctx;

    ck_assert_str_eq(found, key);
    (*n)++;
    return true;
}

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
    char path[BLOB_LINK_SIZE];

    blob_accel(store, "abcdefghijklmnopqrstuvwxyz", BLOB_CONTENT, "GET", path);
    ck_assert_str_eq(path, "/_media/ab/abcdefghijklmnopqrstuvwxyz");
    blob_accel(store, "abcdefghijklmnopqrstuvwxyz", BLOB_THUMBNAIL, "GET", path);
    ck_assert_str_eq(path, "/_media/ab/abcdefghijklmnopqrstuvwxyz.jpg");
    blob_accel(store, "abcdefghijklmnopqrstuvwxyz", BLOB_RENDITION, "GET", path);
    ck_assert_str_eq(path, "/_media/ab/abcdefghijklmnopqrstuvwxyz.photo.jpg");
    blob_accel(store, "abcdefghijklmnopqrstuvwxyz", BLOB_STRIP, "GET", path);
    ck_assert_str_eq(path, "/_media/ab/abcdefghijklmnopqrstuvwxyz.strip.jpg");
    blob_avatar_accel(store, 42, "GET", path);
    ck_assert_str_eq(path, "/_media/avatar/42.jpg");
}
END_TEST

UNIT_MAIN_FIXTURE("blob_fs", setup, teardown, only_our_own_keys_are_keys,
                  only_a_file_url_with_an_absolute_path_opens_a_store,
                  one_writer_at_a_time, more_than_the_disk_has_is_refused_at_creation,
                  links_are_never_followed,
                  the_walk_finds_old_blobs_and_leaves_young_ones_alone,
                  the_walk_removes_what_a_write_that_died_left,
                  the_walk_finds_a_picture_whose_blob_is_gone,
                  paths_for_nginx_come_from_keys_alone)
