/* crypto/keys: files of keys: made, rotated, read, and refused when not right. */
#include "core/attr.h"
#include "core/encode.h"
#include "core/io.h"
#include "crypto/keys.h"
#include "scratch.h"
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[SCRATCH_SIZE];
static char path[64];

static void make_dir(void)
{
    scratch_make(dir);
    (void)snprintf(path, sizeof(path), "%s/keys", dir);
}

static void remove_dir(void)
{
    scratch_remove(dir);
}

static void write_file(const char *text)
{
    struct err err;

    (void)unlink(path);
    ck_assert_int_eq(io_create_file(path, 0600, text, strlen(text), &err), RC_OK);
}

static struct key_ring *load(void)
{
    struct key_ring *ring = NULL;
    struct err err;

    ck_assert_msg(key_ring_load(path, &ring, &err) == RC_OK, "%s", err.msg);
    return ring;
}

#define HEX_A  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_B  "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define LINE_A "key 5f3a09c1 active 2026-01-01T00:00:00.000Z " HEX_A "\n"
#define LINE_B "key 91b2e7d0 decrypt-only 2026-01-01T00:00:00.000Z " HEX_B "\n"

START_TEST(a_generated_file_is_private_and_holds_one_active_key)
{
    struct key_ring *ring;
    struct stat st;
    struct err err;

    ck_assert_int_eq(key_file_generate(path, random_system(), 1767225600000, &err),
                     RC_OK);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq((int)(st.st_mode & 0777), 0600);
    ring = load();
    ck_assert_uint_eq(key_ring_count(ring), 1);
    ck_assert_int_eq(key_ring_info(ring, 0).state, KEY_ACTIVE);
    ck_assert_int_eq(key_ring_info(ring, 0).created_ms, 1767225600000);
    ck_assert_uint_eq(key_ring_info(ring, 0).id, key_ring_active(ring));
    ck_assert_uint_ne(key_ring_active(ring), 0);
    ck_assert(!key_ring_exposed(ring));
    key_ring_free(ring);
    key_ring_free(NULL);
}
END_TEST

START_TEST(generating_never_replaces_a_file)
{
    struct strbuf before;
    struct strbuf after;
    struct err err;

    strbuf_init(&before, 4096);
    strbuf_init(&after, 4096);
    ck_assert_int_eq(key_file_generate(path, random_system(), 1, &err), RC_OK);
    ck_assert_int_eq(io_read_file(path, &before, &err), RC_OK);
    ck_assert_int_eq(key_file_generate(path, random_system(), 2, &err), RC_CONFLICT);
    ck_assert_int_eq(io_read_file(path, &after, &err), RC_OK);
    ck_assert_str_eq(before.buf, after.buf);
    strbuf_wipe(&before);
    strbuf_wipe(&after);
}
END_TEST

START_TEST(rotation_adds_an_active_key_and_keeps_the_old_for_opening)
{
    unsigned char before[KEY_SIZE];
    unsigned char after[KEY_SIZE];
    struct key_ring *ring;
    struct stat st;
    struct err err;
    uint32_t old_id;
    uint32_t new_id = 0;

    ck_assert_int_eq(key_file_generate(path, random_system(), 1000, &err), RC_OK);
    ck_assert_int_eq(chmod(path, 0400), 0);
    ring = load();
    old_id = key_ring_active(ring);
    ck_assert_int_eq(key_ring_derive(ring, old_id, "x", before, &err), RC_OK);
    key_ring_free(ring);

    ck_assert_msg(key_file_rotate(path, random_system(), 2000, &new_id, &err) == RC_OK,
                  "%s", err.msg);
    ring = load();
    ck_assert_uint_eq(key_ring_count(ring), 2);
    ck_assert_uint_eq(key_ring_active(ring), new_id);
    ck_assert_uint_ne(new_id, old_id);
    ck_assert_uint_eq(key_ring_info(ring, 0).id, old_id);
    ck_assert_int_eq(key_ring_info(ring, 0).state, KEY_DECRYPT_ONLY);
    ck_assert_int_eq(key_ring_derive(ring, old_id, "x", after, &err), RC_OK);
    ck_assert_mem_eq(before, after, KEY_SIZE);
    key_ring_free(ring);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq((int)(st.st_mode & 0777), 0400); /* as it was */
}
END_TEST

START_TEST(a_file_that_is_being_rotated_is_left_alone)
{
    struct err err;
    int fd;

    ck_assert_int_eq(key_file_generate(path, random_system(), 1, &err), RC_OK);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    ck_assert_int_eq(key_file_rotate(path, random_system(), 2, NULL, &err), RC_CONFLICT);
    (void)close(fd);
    ck_assert_int_eq(key_file_rotate(path, random_system(), 2, NULL, &err), RC_OK);
}
END_TEST

START_TEST(what_a_crashed_rotation_left_does_not_hinder_the_next)
{
    char fresh[80];
    struct key_ring *ring;
    struct err err;

    ck_assert_int_eq(key_file_generate(path, random_system(), 1, &err), RC_OK);
    (void)snprintf(fresh, sizeof(fresh), "%s.new", path);
    ck_assert_int_eq(io_create_file(fresh, 0600, "half", 4, &err), RC_OK);
    ck_assert_int_eq(key_file_rotate(path, random_system(), 2, NULL, &err), RC_OK);
    ring = load();
    ck_assert_uint_eq(key_ring_count(ring), 2);
    key_ring_free(ring);
}
END_TEST

START_TEST(a_full_ring_is_not_rotated)
{
    struct err err;

    ck_assert_int_eq(key_file_generate(path, random_system(), 1, &err), RC_OK);
    for (int i = 1; i < KEY_RING_MAX; i++)
        ck_assert_int_eq(key_file_rotate(path, random_system(), 1, NULL, &err), RC_OK);
    ck_assert_int_eq(key_file_rotate(path, random_system(), 1, NULL, &err), RC_REJECTED);
    ck_assert_str_eq(err.code, "key_ring_full");
    key_ring_free(load());
}
END_TEST

START_TEST(a_file_with_comments_and_empty_lines_is_read)
{
    struct key_ring *ring;

    write_file("tts-keys 1\n# escrowed in the safe\n\n" LINE_B LINE_A);
    ring = load();
    ck_assert_uint_eq(key_ring_count(ring), 2);
    ck_assert_uint_eq(key_ring_active(ring), 0x5f3a09c1);
    key_ring_free(ring);
}
END_TEST

START_TEST(bad_files_are_refused_with_the_line_and_never_with_its_contents)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "0 active"},
        {"key", "line 1"},
        {"tts-keys 2\n" LINE_A, "line 1"},
        {"tts-keys 1\n", "0 active"},
        {"tts-keys 1\n" LINE_B, "0 active"},
        {"tts-keys 1\n" LINE_A "key 5f3a09c2 active 2026-01-01T00:00:00.000Z " HEX_B,
         "2 active"},
        {"tts-keys 1\n" LINE_A
         "key 5f3a09c1 decrypt-only 2026-01-01T00:00:00.000Z " HEX_B,
         "line 3"},
        {"tts-keys 1\nkey 5f3a09c active 2026-01-01T00:00:00.000Z " HEX_A, "line 2"},
        {"tts-keys 1\nkey 00000000 active 2026-01-01T00:00:00.000Z " HEX_A, "line 2"},
        {"tts-keys 1\nkey 5f3a09c1 destroyed 2026-01-01T00:00:00.000Z " HEX_A, "line 2"},
        {"tts-keys 1\nkey 5f3a09c1 active yesterday " HEX_A, "line 2"},
        {"tts-keys 1\nkey 5f3a09c1 active 2026-01-01T00:00:00.000Z abcd", "line 2"},
        {"tts-keys 1\nkey 5f3a09c1 active 2026-01-01T00:00:00.000Z " HEX_A "00",
         "line 2"},
        {"tts-keys 1\nkey 5f3a09c1 active 2026-01-01T00:00:00.000Z " HEX_A " more",
         "line 2"},
        {"tts-keys 1\n" HEX_A "\n", "line 2"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct key_ring *ring = NULL;
        struct err err;

        write_file(cases[i].text);
        ck_assert_msg(key_ring_load(path, &ring, &err) == RC_INVALID, "case %zu", i);
        ck_assert_str_eq(err.code, "key_file_bad");
        ck_assert_msg(strstr(err.msg, cases[i].says) != NULL, "case %zu: %s", i, err.msg);
        ck_assert_ptr_null(strstr(err.msg, "0102030405"));
        ck_assert_ptr_null(ring);
    }
}
END_TEST

START_TEST(a_missing_file_is_not_found)
{
    struct key_ring *ring = NULL;
    struct err err;

    ck_assert_int_eq(key_ring_load(path, &ring, &err), RC_NOT_FOUND);
    ck_assert_int_eq(key_file_rotate(path, random_system(), 1, NULL, &err), RC_NOT_FOUND);
}
END_TEST

START_TEST(who_may_touch_the_file_is_checked)
{
    static const struct {
        mode_t mode;
        enum rc rc;
        bool exposed;
    } cases[] = {
        {0400, RC_OK, false},     {0600, RC_OK, false},     {0440, RC_OK, true},
        {0444, RC_OK, true},      {0620, RC_DENIED, false}, {0602, RC_DENIED, false},
        {0666, RC_DENIED, false},
    };

    write_file("tts-keys 1\n" LINE_A);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct key_ring *ring = NULL;
        struct err err;

        ck_assert_int_eq(chmod(path, cases[i].mode), 0);
        ck_assert_msg(key_ring_load(path, &ring, &err) == cases[i].rc, "case %zu", i);
        if (ring != NULL)
            ck_assert_msg(key_ring_exposed(ring) == cases[i].exposed, "case %zu", i);
        key_ring_free(ring);
    }
}
END_TEST

START_TEST(keys_are_derived_by_hkdf_per_purpose)
{
    unsigned char out[KEY_SIZE];
    unsigned char other[KEY_SIZE];
    char hex[2 * KEY_SIZE + 1];
    struct key_ring *ring;
    struct err err;

    write_file("tts-keys 1\n" LINE_A);
    ring = load();
    ck_assert_int_eq(key_ring_derive(ring, 0x5f3a09c1, "tiktok-token", out, &err), RC_OK);
    hex_encode(out, KEY_SIZE, hex);
    /* computed with Node's hkdfSync, info "tts|v1|tiktok-token", no salt */
    ck_assert_str_eq(hex,
                     "1959231fc0e599d45a3097c48ba9619a9f1351e5b513906d02c8624c718feaf8");
    ck_assert_int_eq(key_ring_derive(ring, 0x5f3a09c1, "totp", other, &err), RC_OK);
    ck_assert_mem_ne(out, other, KEY_SIZE);
    ck_assert_int_eq(key_ring_derive(ring, 7, "totp", other, &err), RC_NOT_FOUND);
    ck_assert_str_eq(err.code, "key_unknown");
    key_ring_free(ring);
}
END_TEST

UNIT_MAIN_FIXTURE("crypto_keys", make_dir, remove_dir,
                  a_generated_file_is_private_and_holds_one_active_key,
                  generating_never_replaces_a_file,
                  rotation_adds_an_active_key_and_keeps_the_old_for_opening,
                  a_file_that_is_being_rotated_is_left_alone,
                  what_a_crashed_rotation_left_does_not_hinder_the_next,
                  a_full_ring_is_not_rotated,
                  a_file_with_comments_and_empty_lines_is_read,
                  bad_files_are_refused_with_the_line_and_never_with_its_contents,
                  a_missing_file_is_not_found, who_may_touch_the_file_is_checked,
                  keys_are_derived_by_hkdf_per_purpose)
