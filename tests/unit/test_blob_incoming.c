/* blob/incoming: which names a request may hand over as its body. */
#include "blob/incoming.h"
#include "core/io.h"
#include "scratch.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char root[SCRATCH_SIZE];
static struct err err;

static const char *below(const char *name)
{
    static char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    return path;
}

static void setup(void)
{
    scratch_make(root);
    ck_assert_int_eq(mkdir(below("in"), 0700), 0);
    ck_assert_int_eq(mkdir(below("in/dir"), 0700), 0);
    ck_assert_int_eq(io_create_file(below("in/0000000001"), 0600, "12345", 5, &err),
                     RC_OK);
    ck_assert_int_eq(io_create_file(below("secret"), 0600, "12345", 5, &err), RC_OK);
    ck_assert_int_eq(symlink("../secret", below("in/link")), 0);
    ck_assert_int_eq(io_create_file(below("hard"), 0600, "12345", 5, &err), RC_OK);
    {
        char from[128];

        (void)snprintf(from, sizeof(from), "%s/hard", root);
        ck_assert_int_eq(link(from, below("in/hard")), 0);
    }
    ck_assert_int_eq(mkfifo(below("in/fifo"), 0600), 0);
}

static void teardown(void)
{
    scratch_remove(root);
}

START_TEST(a_plain_file_of_the_right_length_is_opened)
{
    static const char *const dirs[] = {"in", "in/", "in//"};

    for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
        char dir[128];
        int fd = -1;

        (void)snprintf(dir, sizeof(dir), "%s/%s", root, dirs[i]);
        ck_assert_int_eq(incoming_open(dir, below("in/0000000001"), 5, &fd, &err), RC_OK);
        ck_assert_int_ge(fd, 0);
        io_close(&fd);
    }
}
END_TEST

START_TEST(anything_but_a_plain_file_directly_below_is_refused)
{
    static const char *const names[] = {
        "secret", "in",      "in/",     "in/../secret",   "in/dir/../0000000001",
        "in/dir", "in/link", "in/hard", "in/fifo",        "in/.",
        "in/..",  "in/none", "inx/a",   "in//0000000001",
    };
    char dir[128];

    (void)snprintf(dir, sizeof(dir), "%s/in", root);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        int fd = -1;

        ck_assert_msg(incoming_open(dir, below(names[i]), 5, &fd, &err) == RC_BUG, "%s",
                      names[i]);
        ck_assert_int_eq(fd, -1);
    }
}
END_TEST

START_TEST(another_length_than_announced_is_refused)
{
    static const int64_t lengths[] = {0, 4, 6};
    char dir[128];

    (void)snprintf(dir, sizeof(dir), "%s/in", root);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        int fd = -1;

        ck_assert_int_eq(
            incoming_open(dir, below("in/0000000001"), lengths[i], &fd, &err),
            RC_INVALID);
        ck_assert_int_eq(fd, -1);
    }
}
END_TEST

/* Makes the file as old as that. */
static void age(const char *name, int seconds)
{
    const struct timespec then = {.tv_sec = time(NULL) - seconds};
    const struct timespec times[2] = {then, then};

    ck_assert_int_eq(utimensat(AT_FDCWD, below(name), times, AT_SYMLINK_NOFOLLOW), 0);
}

static bool is_there(const char *name)
{
    struct stat st;

    return lstat(below(name), &st) == 0;
}

START_TEST(old_bodies_are_removed_and_nothing_else)
{
    static const char *const old[] = {"in/0000000002", "in/notes", "in/0000000004",
                                      "in/0000000005"};
    char dir[128];
    size_t removed = 0;

    (void)snprintf(dir, sizeof(dir), "%s/in", root);
    ck_assert_int_eq(io_create_file(below("in/0000000002"), 0600, "x", 1, &err), RC_OK);
    ck_assert_int_eq(io_create_file(below("in/notes"), 0600, "x", 1, &err), RC_OK);
    ck_assert_int_eq(symlink("../secret", below("in/0000000004")), 0);
    ck_assert_int_eq(mkdir(below("in/0000000005"), 0700), 0);
    for (size_t i = 0; i < ARRAY_LEN(old); i++)
        age(old[i], INCOMING_AGE_MS / 1000 + 10);
    age("in/0000000001", INCOMING_AGE_MS / 1000 - 10);
    ck_assert_int_eq(incoming_sweep(dir, INCOMING_AGE_MS, &removed, &err), RC_OK);
    ck_assert_uint_eq(removed, 1);
    ck_assert(!is_there("in/0000000002"));
    ck_assert(is_there("in/0000000001") && is_there("in/notes") &&
              is_there("in/0000000004") && is_there("in/0000000005"));
    ck_assert_int_eq(incoming_sweep(below("none"), 0, &removed, &err), RC_UNAVAILABLE);
}
END_TEST

UNIT_MAIN_FIXTURE("blob_incoming", setup, teardown,
                  a_plain_file_of_the_right_length_is_opened,
                  anything_but_a_plain_file_directly_below_is_refused,
                  another_length_than_announced_is_refused,
                  old_bodies_are_removed_and_nothing_else)
