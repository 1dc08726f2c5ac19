/* crypto/seal: a blob opens in its place, whole and unchanged, and nowhere else. */
#include "core/attr.h"
#include "core/encode.h"
#include "core/io.h"
#include "crypto/seal.h"
#include "scratch.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RING                                                                             \
    "tts-keys 1\n"                                                                       \
    "key 5f3a09c1 active 2026-01-01T00:00:00.000Z "                                      \
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"

static const char token[] = "rft.Example!4690.e1";
static const struct seal_place home = {"tiktok-token", "account_token", "refresh_token",
                                       .row = 42, .workspace = 7};

static char dir[SCRATCH_SIZE];
static char path[64];
static struct key_ring *ring;

static void make_ring(void)
{
    struct err err;

    scratch_make(dir);
    (void)snprintf(path, sizeof(path), "%s/keys", dir);
    ck_assert_int_eq(io_create_file(path, 0600, RING, strlen(RING), &err), RC_OK);
    ck_assert_int_eq(key_ring_load(path, &ring, &err), RC_OK);
}

static void remove_ring(void)
{
    key_ring_free(ring);
    ring = NULL;
    scratch_remove(dir);
}

static void close_token(struct strbuf *blob)
{
    struct err err;

    strbuf_init(blob, 4096);
    ck_assert_int_eq(seal_close(ring, &home, token, strlen(token), blob, &err), RC_OK);
}

/* Opens and returns the rc; nothing may come out unless it is RC_OK. */
static enum rc try_open(const struct seal_place *place, const void *blob, size_t len,
                        struct err *err)
{
    struct strbuf out;
    enum rc rc;

    strbuf_init(&out, 4096);
    rc = seal_open(ring, place, blob, len, &out, err);
    if (rc == RC_OK)
        ck_assert_str_eq(out.buf, token);
    else
        ck_assert_uint_eq(out.len, 0);
    strbuf_wipe(&out);
    return rc;
}

START_TEST(what_was_sealed_opens_in_its_place)
{
    struct strbuf blob;
    struct err err;

    close_token(&blob);
    ck_assert_uint_eq(blob.len, strlen(token) + SEAL_OVERHEAD);
    ck_assert_ptr_null(memmem(blob.buf, blob.len, "rft.", 4));
    ck_assert_int_eq(try_open(&home, blob.buf, blob.len, &err), RC_OK);
    ck_assert_uint_eq(seal_key_id(blob.buf, blob.len), 0x5f3a09c1);
    ck_assert(seal_is_current(ring, blob.buf, blob.len));
    strbuf_release(&blob);
}
END_TEST

START_TEST(a_blob_made_by_another_implementation_opens)
{
    /* Node's crypto: hkdfSync and aes-256-gcm, after the format in seal.h */
    static const char hex[] =
        "015f3a09c1a0a1a2a3a4a5a6a7a8a9aaab21431b31acf13d3c5555e66af548a9f45c9a95ed1f17d2"
        "dc791baa25ff208e043a853c";
    unsigned char blob[(sizeof(hex) - 1) / 2];
    struct err err;

    ck_assert(hex_decode(hex, blob, sizeof(blob)));
    ck_assert_int_eq(try_open(&home, blob, sizeof(blob), &err), RC_OK);
}
END_TEST

START_TEST(no_bit_of_a_blob_can_be_changed)
{
    struct strbuf blob;
    struct err err;

    close_token(&blob);
    for (size_t i = 0; i < blob.len * 8; i++) {
        enum rc rc;

        blob.buf[i / 8] = (char)(blob.buf[i / 8] ^ (1 << (i % 8)));
        rc = try_open(&home, blob.buf, blob.len, &err);
        /* a changed key id names a key we do not have */
        ck_assert_msg(rc == (i / 8 >= 1 && i / 8 <= 4 ? RC_NOT_FOUND : RC_REJECTED),
                      "bit %zu of byte %zu: %s", i % 8, i / 8, rc_name(rc));
        blob.buf[i / 8] = (char)(blob.buf[i / 8] ^ (1 << (i % 8)));
    }
    ck_assert_int_eq(try_open(&home, blob.buf, blob.len, &err), RC_OK);
    strbuf_release(&blob);
}
END_TEST

START_TEST(no_blob_can_be_cut_or_lengthened)
{
    struct strbuf blob;
    struct err err;

    close_token(&blob);
    for (size_t len = 0; len < blob.len; len++)
        ck_assert_msg(try_open(&home, blob.buf, len, &err) == RC_REJECTED, "%zu", len);
    strbuf_addc(&blob, '\0');
    ck_assert_int_eq(try_open(&home, blob.buf, blob.len, &err), RC_REJECTED);
    ck_assert_str_eq(err.code, "seal_broken");
    strbuf_release(&blob);
}
END_TEST

START_TEST(a_blob_does_not_open_in_any_other_place)
{
    static const struct seal_place others[] = {
        {"totp", "account_token", "refresh_token", .row = 42, .workspace = 7},
        {"tiktok-token", "account", "refresh_token", .row = 42, .workspace = 7},
        {"tiktok-token", "account_token", "access_token", .row = 42, .workspace = 7},
        {"tiktok-token", "account_token", "refresh_token", .row = 43, .workspace = 7},
        {"tiktok-token", "account_token", "refresh_token", .row = 42, .workspace = 8},
        {"tiktok-token", "account_token", "refresh_token", .row = 42, .part = 1,
         .workspace = 7},
        {"tiktok-token", "account_token", "refresh_token", .row = 7, .workspace = 42},
        {"tiktok-token", "account_token", "refresh_token", .row = 42, .part = 7},
    };
    struct strbuf blob;
    struct err err;

    close_token(&blob);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        ck_assert_msg(try_open(&others[i], blob.buf, blob.len, &err) == RC_REJECTED,
                      "place %zu", i);
    strbuf_release(&blob);
}
END_TEST

START_TEST(sealing_the_same_twice_gives_two_blobs)
{
    struct strbuf a;
    struct strbuf b;

    close_token(&a);
    close_token(&b);
    ck_assert_uint_eq(a.len, b.len);
    ck_assert_mem_ne(a.buf, b.buf, a.len);
    ck_assert_mem_ne(a.buf + 5, b.buf + 5, 12); /* the nonces */
    strbuf_release(&a);
    strbuf_release(&b);
}
END_TEST

START_TEST(an_empty_and_a_binary_and_the_longest_secret_survive)
{
    static char longest[SEAL_PLAIN_MAX + 1];
    static const size_t lens[] = {0, 1, 15, 16, 17, 1000, SEAL_PLAIN_MAX};
    struct err err;

    for (size_t i = 0; i < sizeof(longest); i++)
        longest[i] = (char)(i * 7);
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct strbuf blob;
        struct strbuf out;

        strbuf_init(&blob, SEAL_PLAIN_MAX + SEAL_OVERHEAD);
        strbuf_init(&out, SEAL_PLAIN_MAX);
        ck_assert_int_eq(seal_close(ring, &home, longest, lens[i], &blob, &err), RC_OK);
        ck_assert_int_eq(seal_open(ring, &home, blob.buf, blob.len, &out, &err), RC_OK);
        ck_assert_uint_eq(out.len, lens[i]);
        ck_assert_mem_eq(out.buf, longest, lens[i]);
        strbuf_release(&blob);
        strbuf_wipe(&out);
    }
}
END_TEST

START_TEST(what_does_not_fit_is_refused_whole)
{
    static const char longest[SEAL_PLAIN_MAX + 1];
    struct strbuf out;
    struct strbuf blob;
    struct err err;

    strbuf_init(&out, 2 * SEAL_PLAIN_MAX);
    ck_assert_int_eq(seal_close(ring, &home, longest, sizeof(longest), &out, &err),
                     RC_INVALID);
    ck_assert_uint_eq(out.len, 0);
    strbuf_init(&out, strlen(token) + SEAL_OVERHEAD - 1);
    ck_assert_int_eq(seal_close(ring, &home, token, strlen(token), &out, &err),
                     RC_INVALID);
    ck_assert_uint_eq(out.len, 0);

    close_token(&blob);
    strbuf_init(&out, strlen(token) - 1);
    ck_assert_int_eq(seal_open(ring, &home, blob.buf, blob.len, &out, &err), RC_INVALID);
    ck_assert_uint_eq(out.len, 0);
    strbuf_release(&blob);
}
END_TEST

START_TEST(after_a_rotation_old_blobs_open_and_are_known_to_be_old)
{
    struct strbuf old;
    struct strbuf fresh;
    struct err err;

    close_token(&old);
    key_ring_free(ring);
    ck_assert_int_eq(key_file_rotate(path, random_system(), 1, NULL, &err), RC_OK);
    ck_assert_int_eq(key_ring_load(path, &ring, &err), RC_OK);
    ck_assert_int_eq(try_open(&home, old.buf, old.len, &err), RC_OK);
    ck_assert(!seal_is_current(ring, old.buf, old.len));
    close_token(&fresh);
    ck_assert(seal_is_current(ring, fresh.buf, fresh.len));
    ck_assert_int_eq(try_open(&home, fresh.buf, fresh.len, &err), RC_OK);
    strbuf_release(&old);
    strbuf_release(&fresh);
}
END_TEST

START_TEST(a_blob_sealed_under_another_key_file_names_an_unknown_key)
{
    struct strbuf blob;
    struct err err;

    close_token(&blob);
    key_ring_free(ring);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(key_file_generate(path, random_system(), 1, &err), RC_OK);
    ck_assert_int_eq(key_ring_load(path, &ring, &err), RC_OK);
    ck_assert_int_eq(try_open(&home, blob.buf, blob.len, &err), RC_NOT_FOUND);
    ck_assert_str_eq(err.code, "key_unknown");
    strbuf_release(&blob);
}
END_TEST

UNIT_MAIN_FIXTURE("crypto_seal", make_ring, remove_ring,
                  what_was_sealed_opens_in_its_place,
                  a_blob_made_by_another_implementation_opens,
                  no_bit_of_a_blob_can_be_changed, no_blob_can_be_cut_or_lengthened,
                  a_blob_does_not_open_in_any_other_place,
                  sealing_the_same_twice_gives_two_blobs,
                  an_empty_and_a_binary_and_the_longest_secret_survive,
                  what_does_not_fit_is_refused_whole,
                  after_a_rotation_old_blobs_open_and_are_known_to_be_old,
                  a_blob_sealed_under_another_key_file_names_an_unknown_key)
