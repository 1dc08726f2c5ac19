/* blob/incoming: which names a request may hand over as its body. */
#include "blob/incoming.h"
#include "core/io.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];
static struct err err;

static const char *below(const char *name)
{
    static char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    return path;
}

static void setup(void)
{
    (void)snprintf(root, sizeof(root), "/tmp/tts-incoming-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
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
    char command[96];

    (void)snprintf(command, sizeof(command), "rm -rf %s", root);
    ck_assert_int_eq(system(command), 0);
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

UNIT_MAIN_FIXTURE("blob_incoming", setup, teardown,
                  a_plain_file_of_the_right_length_is_opened,
                  anything_but_a_plain_file_directly_below_is_refused,
                  another_length_than_announced_is_refused)
