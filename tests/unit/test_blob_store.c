/* blob: what every kind of store must do, asked of files and of a real object store. */
#include "blob/blob.h"
#include "core/io.h"
#include "core/xalloc.h"
#include "s3server.h"
#include "scratch.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct s3_server server;
static char root[SCRATCH_SIZE];
static struct blob_store *store;
static char key[BLOB_KEY_SIZE];
static struct err err;

static void make_root(void)
{
    scratch_make(root);
    blob_key_make(random_system(), key);
}

static void setup_files(void)
{
    char url[96];

    make_root();
    (void)snprintf(url, sizeof(url), "file://%s/media", root);
    ck_assert_int_eq(blob_store_open(&(struct blob_settings){.url = url}, &store, &err),
                     RC_OK);
}

/* Each test has a prefix of its own: the walk sees no other's blobs. */
static void setup_objects(void)
{
    char url[160];

    make_root();
    (void)snprintf(url, sizeof(url), "s3://media/p%s/x?endpoint=http://127.0.0.1:%d",
                   strrchr(root, '-') + 1, server.port);
    ck_assert_int_eq(
        blob_store_open(&(struct blob_settings){.url = url,
                                                .access_key = S3_SERVER_ACCESS,
                                                .secret_key = S3_SERVER_SECRET,
                                                .scratch = root},
                        &store, &err),
        RC_OK);
}

static void teardown(void)
{
    blob_store_close(store);
    scratch_remove(root);
}

static void works(enum rc rc)
{
    ck_assert_msg(rc == RC_OK, "%s %s: %s", rc_name(rc), err.code, err.msg);
}

static struct blob_writer *begin(int64_t bytes, int64_t offset)
{
    struct blob_writer *w = NULL;

    works(blob_append_begin(store, key, bytes, &w, &err));
    works(blob_writer_start(w, offset, &err));
    return w;
}

/* Appends to a blob that shall have so many bytes in the end. */
static void append(int64_t bytes, int64_t offset, const char *text)
{
    struct blob_writer *w = begin(bytes, offset);

    works(blob_writer_add(w, text, strlen(text), &err));
    works(blob_writer_sync(w, &err));
    blob_writer_close(w);
}

static void holds(enum blob_part part, const char *want)
{
    int fd = -1;
    int64_t size = -1;
    size_t got = 0;
    char buf[64] = "";

    works(blob_open(store, key, part, &fd, &size, &err));
    ck_assert_int_eq(size, (int64_t)strlen(want));
    works(io_pread_full(fd, buf, sizeof(buf) - 1, 0, &got, &err));
    ck_assert_str_eq(buf, want);
    io_close(&fd);
}

static void is_gone(enum blob_part part)
{
    int fd = -1;
    int64_t size = 0;

    ck_assert_int_eq(blob_open(store, key, part, &fd, &size, &err), RC_NOT_FOUND);
    ck_assert_int_eq(fd, -1);
}

static int file_with(const void *bytes, size_t len)
{
    char path[96];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/body", root);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    works(io_write_full(fd, bytes, len, &err));
    return fd;
}

START_TEST(a_blob_grows_by_bytes_and_by_files)
{
    int body = file_with("copied from a file", 18);
    struct blob_writer *w;

    works(blob_create(store, key, 17, &err));
    append(17, 0, "first ");
    w = begin(17, 6);
    works(blob_writer_copy(w, body, 6, &err));
    works(blob_writer_sync(w, &err));
    blob_writer_close(w);
    w = begin(17, 12);
    works(blob_writer_add(w, " and", 4, &err));
    works(blob_writer_add(w, "!", 1, &err));
    works(blob_writer_sync(w, &err));
    blob_writer_close(w);
    holds(BLOB_CONTENT, "first copied and!");
    io_close(&body);
}
END_TEST

START_TEST(bytes_may_be_added_after_a_file_in_one_go)
{
    int body = file_with("copied", 6);
    struct blob_writer *w;

    works(blob_create(store, key, 12, &err));
    w = begin(12, 0);
    works(blob_writer_copy(w, body, 6, &err));
    works(blob_writer_add(w, " added", 6, &err));
    works(blob_writer_sync(w, &err));
    blob_writer_close(w);
    holds(BLOB_CONTENT, "copied added");
    io_close(&body);
}
END_TEST

START_TEST(a_key_is_created_once)
{
    works(blob_create(store, key, 4, &err));
    ck_assert_int_eq(blob_create(store, key, 4, &err), RC_CONFLICT);
    append(4, 0, "kept");
    ck_assert_int_eq(blob_create(store, key, 4, &err), RC_CONFLICT);
    holds(BLOB_CONTENT, "kept");
}
END_TEST

START_TEST(what_a_crash_left_beyond_the_record_is_cut_off)
{
    works(blob_create(store, key, 25, &err));
    append(25, 0, "recorded");
    append(25, 8, " and not");
    append(25, 8, " forever");
    append(25, 16, " and ever");
    holds(BLOB_CONTENT, "recorded forever and ever");
}
END_TEST

START_TEST(a_whole_blob_that_was_not_recorded_takes_the_rest_again)
{
    works(blob_create(store, key, 10, &err));
    append(10, 0, "0123");
    append(10, 4, "456789");
    append(10, 4, "45");
    append(10, 6, "6789");
    holds(BLOB_CONTENT, "0123456789");
}
END_TEST

START_TEST(a_blob_shorter_than_its_record_is_a_bug_and_stays)
{
    struct blob_writer *w = NULL;

    works(blob_create(store, key, 6, &err));
    append(6, 0, "abc");
    works(blob_append_begin(store, key, 6, &w, &err));
    ck_assert_int_eq(blob_writer_start(w, 4, &err), RC_BUG);
    ck_assert_str_eq(err.code, "media_bytes_lost");
    blob_writer_close(w);
    append(6, 3, "def");
    holds(BLOB_CONTENT, "abcdef");
}
END_TEST

START_TEST(undo_keeps_nothing_of_this_append)
{
    struct blob_writer *w;

    works(blob_create(store, key, 10, &err));
    append(10, 0, "kept");
    w = begin(10, 4);
    works(blob_writer_add(w, " damage", 7, &err));
    works(blob_writer_undo(w, &err));
    works(blob_writer_add(w, " right", 6, &err));
    works(blob_writer_sync(w, &err));
    blob_writer_close(w);
    holds(BLOB_CONTENT, "kept right");
}
END_TEST

START_TEST(a_body_that_ends_early_is_said_so)
{
    int body = file_with("short", 5);
    struct blob_writer *w;

    works(blob_create(store, key, 6, &err));
    w = begin(6, 0);
    ck_assert_int_eq(blob_writer_copy(w, body, 6, &err), RC_INVALID);
    ck_assert_str_eq(err.code, "body_cut_short");
    blob_writer_close(w);
    io_close(&body);
}
END_TEST

START_TEST(a_full_disk_is_a_failure_of_its_own)
{
    int body = file_with("x", 1);
    struct blob_writer *w;

    ck_assert_int_eq(setenv("TTS_FAULT", "blob.disk_full:error", 1), 0);
    works(blob_create(store, key, 2, &err));
    w = begin(2, 0);
    ck_assert_int_eq(blob_writer_add(w, "x", 1, &err), RC_UNAVAILABLE);
    ck_assert_str_eq(err.code, "disk_full");
    blob_writer_close(w);
    io_close(&body);
}
END_TEST

/* Chunks below, at and above what a part needs, in the order of an upload whose client
 * changes its mind; each goes over a new writer. */
START_TEST(large_blobs_are_put_together_to_the_byte)
{
    static const int64_t sizes[] = {
        3 << 20, (3 << 20) + 1, 1, BLOB_PART_MIN - 1, BLOB_PART_MIN, 7, 16 << 20, 12345};
    int64_t total = 0;
    int64_t at = 0;
    int64_t size = 0;
    size_t got = 0;
    char *bytes;
    char *back;
    int fd = -1;

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        total += sizes[i];
    bytes = xmalloc((size_t)total);
    back = xmalloc((size_t)total + 1);
    random_fill(random_system(), bytes, (size_t)total);
    works(blob_create(store, key, total, &err));
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct blob_writer *w = begin(total, at);
        int body = file_with(bytes + at, (size_t)sizes[i]);

        works(blob_writer_copy(w, body, sizes[i], &err));
        works(blob_writer_sync(w, &err));
        blob_writer_close(w);
        io_close(&body);
        at += sizes[i];
    }
    works(blob_open(store, key, BLOB_CONTENT, &fd, &size, &err));
    ck_assert_int_eq(size, total);
    works(io_pread_full(fd, back, (size_t)total + 1, 0, &got, &err));
    ck_assert_int_eq((int64_t)got, total);
    ck_assert_int_eq(memcmp(bytes, back, (size_t)total), 0);
    io_close(&fd);
    free(bytes);
    free(back);
}
END_TEST

/* Appends so many of the bytes from an offset on. */
static void append_bytes(int64_t total, int64_t offset, const char *bytes, int64_t len)
{
    struct blob_writer *w = begin(total, offset);

    works(blob_writer_add(w, bytes, (size_t)len, &err));
    works(blob_writer_sync(w, &err));
    blob_writer_close(w);
}

START_TEST(whole_parts_that_were_not_recorded_count_for_nothing)
{
    enum { PART = BLOB_PART_MIN + 1000, TOTAL = 3 * PART };
    char *bytes = xmalloc(TOTAL);
    char *back = xmalloc(TOTAL);
    char *wrong = xcalloc(1, 2 * PART);
    int64_t size = 0;
    size_t got = 0;
    int fd = -1;

    random_fill(random_system(), bytes, TOTAL);
    works(blob_create(store, key, TOTAL, &err));
    append_bytes(TOTAL, 0, wrong, 2 * PART - 1); /* one part, and none recorded */
    append_bytes(TOTAL, 0, bytes, PART);
    append_bytes(TOTAL, PART, wrong, PART + 7); /* another, not recorded either */
    append_bytes(TOTAL, PART, bytes + PART, 1000);
    append_bytes(TOTAL, PART + 1000, bytes + PART + 1000, TOTAL - PART - 1000);
    works(blob_open(store, key, BLOB_CONTENT, &fd, &size, &err));
    ck_assert_int_eq(size, TOTAL);
    works(io_pread_full(fd, back, TOTAL, 0, &got, &err));
    ck_assert_int_eq(memcmp(bytes, back, TOTAL), 0);
    io_close(&fd);
    free(bytes);
    free(back);
    free(wrong);
}
END_TEST

START_TEST(what_is_removed_while_it_grows_leaves_nothing)
{
    struct blob_writer *w = NULL;

    works(blob_create(store, key, 20, &err));
    append(20, 0, "begun");
    works(blob_remove(store, key, &err));
    ck_assert_int_eq(blob_append_begin(store, key, 20, &w, &err), RC_NOT_FOUND);
    works(blob_remove(store, key, &err));
    is_gone(BLOB_CONTENT);
}
END_TEST

START_TEST(a_picture_is_replaced_as_a_whole_and_goes_with_its_blob)
{
    works(blob_create(store, key, 4, &err));
    append(4, 0, "blob");
    works(blob_put_part(store, key, BLOB_THUMBNAIL, "one", 3, &err));
    works(blob_put_part(store, key, BLOB_THUMBNAIL, "second", 6, &err));
    holds(BLOB_THUMBNAIL, "second");
    works(blob_remove(store, key, &err));
    works(blob_remove(store, key, &err));
    is_gone(BLOB_CONTENT);
    is_gone(BLOB_THUMBNAIL);
}
END_TEST

START_TEST(every_picture_beside_a_blob_is_its_own_and_goes_with_it)
{
    static const enum blob_part parts[] = {BLOB_THUMBNAIL, BLOB_RENDITION, BLOB_STRIP};
    static const char *const words[] = {"thumbnail", "rendition", "strip"};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        works(blob_put_part(store, key, parts[i], words[i], strlen(words[i]), &err));
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        holds(parts[i], words[i]);
    works(blob_remove(store, key, &err));
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        is_gone(parts[i]);
}
END_TEST

START_TEST(a_rendition_may_be_larger_than_a_thumbnail)
{
    static const char bytes[BLOB_SIDE_MAX + 1];

    works(blob_put_part(store, key, BLOB_RENDITION, bytes, sizeof(bytes), &err));
    ck_assert_int_eq(blob_put_part(store, key, BLOB_STRIP, bytes, sizeof(bytes), &err),
                     RC_BUG);
}
END_TEST

START_TEST(the_picture_of_an_account_is_peeked_at_and_no_others)
{
    char head[8] = "";
    size_t len = 0;

    works(blob_put_avatar(store, 7, "picture", 7, &err));
    ck_assert_int_eq(blob_peek_avatar(store, 8, head, 4, &len, &err), RC_NOT_FOUND);
    ck_assert_int_eq(blob_peek_avatar(store, 8, head, 4, &len, &err), RC_NOT_FOUND);
    for (int i = 0; i < 2; i++) {
        works(blob_peek_avatar(store, 7, head, 4, &len, &err));
        ck_assert_uint_eq(len, 4);
        ck_assert_int_eq(memcmp(head, "pict", 4), 0);
    }
}
END_TEST

/* As the sweep does: what is found is removed. */
static bool take_away(void *ctx, const char *found)
{
    int *n = ctx;
    char copy[BLOB_KEY_SIZE];

    (void)snprintf(copy, sizeof(copy), "%s", found);
    works(blob_remove(store, copy, &err));
    (*n)++;
    return true;
}

START_TEST(the_walk_finds_what_is_whole_grows_or_lost_its_blob)
{
    enum { ANY_AGE = -2000 };
    int found = 0;

    works(blob_put_avatar(store, 7, "x", 1, &err));
    works(blob_create(store, key, 4, &err)); /* whole, with a picture */
    append(4, 0, "blob");
    works(blob_put_part(store, key, BLOB_THUMBNAIL, "x", 1, &err));
    blob_key_make(random_system(), key); /* begun, and never a byte */
    works(blob_create(store, key, 4, &err));
    blob_key_make(random_system(), key); /* begun */
    works(blob_create(store, key, 4, &err));
    append(4, 0, "bl");
    blob_key_make(random_system(), key); /* a picture alone */
    works(blob_put_part(store, key, BLOB_RENDITION, "x", 1, &err));
    works(blob_walk(store, 3600000, take_away, &found, &err));
    ck_assert_int_eq(found, 0);
    works(blob_walk(store, ANY_AGE, take_away, &found, &err));
    ck_assert_int_eq(found, 4);
    works(blob_walk(store, ANY_AGE, take_away, &found, &err));
    ck_assert_int_eq(found, 4);
    ck_assert_int_eq(blob_create(store, key, 1, &err), RC_OK);
}
END_TEST

static bool only_one(void *ctx, const char *found)
{
    int *n = ctx;

    (void)found;
    (*n)++;
    return false;
}

START_TEST(the_walk_ends_when_it_is_told_to)
{
    int found = 0;

    for (int i = 0; i < 3; i++) {
        blob_key_make(random_system(), key);
        works(blob_create(store, key, 4, &err));
        append(4, 0, "blob");
    }
    works(blob_walk(store, -2000, only_one, &found, &err));
    ck_assert_int_eq(found, 1);
}
END_TEST

START_TEST(a_file_made_in_scratch_becomes_a_blob)
{
    int fd = -1;

    works(blob_scratch(store, &fd, &err));
    works(io_write_full(fd, "made anew", 9, &err));
    works(blob_put_file(store, key, fd, 9, &err));
    io_close(&fd);
    holds(BLOB_CONTENT, "made anew");
}
END_TEST

START_TEST(a_large_file_made_in_scratch_becomes_a_blob)
{
    enum { LEN = (35 << 20) + 7 };
    char *bytes = xmalloc(LEN);
    char *back = xmalloc(LEN);
    int64_t size = 0;
    size_t got = 0;
    int fd = -1;

    random_fill(random_system(), bytes, LEN);
    works(blob_scratch(store, &fd, &err));
    works(io_write_full(fd, bytes, LEN, &err));
    works(blob_put_file(store, key, fd, LEN, &err));
    io_close(&fd);
    works(blob_open(store, key, BLOB_CONTENT, &fd, &size, &err));
    ck_assert_int_eq(size, LEN);
    works(io_pread_full(fd, back, LEN, 0, &got, &err));
    ck_assert_int_eq(memcmp(bytes, back, LEN), 0);
    io_close(&fd);
    free(bytes);
    free(back);
}
END_TEST

START_TEST(the_store_answers_and_tells_its_space)
{
    struct blob_space space = {0};

    works(blob_check(store, &err));
    works(blob_space(store, &space, &err));
    ck_assert_int_gt(space.free_bytes, 0);
    ck_assert_int_ge(space.total_bytes, space.free_bytes);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_blob_grows_by_bytes_and_by_files,
        bytes_may_be_added_after_a_file_in_one_go,
        a_key_is_created_once,
        what_a_crash_left_beyond_the_record_is_cut_off,
        a_whole_blob_that_was_not_recorded_takes_the_rest_again,
        a_blob_shorter_than_its_record_is_a_bug_and_stays,
        undo_keeps_nothing_of_this_append,
        a_body_that_ends_early_is_said_so,
        a_full_disk_is_a_failure_of_its_own,
        large_blobs_are_put_together_to_the_byte,
        whole_parts_that_were_not_recorded_count_for_nothing,
        what_is_removed_while_it_grows_leaves_nothing,
        a_picture_is_replaced_as_a_whole_and_goes_with_its_blob,
        every_picture_beside_a_blob_is_its_own_and_goes_with_it,
        a_rendition_may_be_larger_than_a_thumbnail,
        the_picture_of_an_account_is_peeked_at_and_no_others,
        the_walk_finds_what_is_whole_grows_or_lost_its_blob,
        the_walk_ends_when_it_is_told_to,
        a_file_made_in_scratch_becomes_a_blob,
        a_large_file_made_in_scratch_becomes_a_blob,
        the_store_answers_and_tells_its_space,
    };
    const size_t n = sizeof(tests) / sizeof(tests[0]);
    int failed;

    s3_server_start(&server);
    failed = unit_run("blob_store_objects", tests, n, setup_objects, teardown);
    s3_server_stop(&server);
    return failed | unit_run("blob_store_files", tests, n, setup_files, teardown);
}
