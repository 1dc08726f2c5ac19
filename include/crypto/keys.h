/* crypto/keys.h - key files: the master keys under which secrets are sealed.
 *
 * A key file holds a ring of 256-bit master keys, each with a random 32-bit id. Exactly
 * one is active: new secrets are sealed under it. Older ones are decrypt-only: they open
 * what they sealed until everything has been sealed anew. A master key never encrypts
 * anything itself; key_ring_derive() makes one key per purpose from it (HKDF-SHA256,
 * RFC 5869), so what leaks for one purpose is worthless for another.
 *
 * The file is text, one key a line, newest last:
 *
 *     tts-keys 1
 *     key 5f3a09c1 decrypt-only 2026-01-01T00:00:00.000Z <64 hex digits>
 *     key 91b2e7d0 active 2026-11-24T16:00:00.000Z <64 hex digits>
 *
 * There are two such files: TOKEN_KEY_FILE, for the publisher alone, and APP_KEY_FILE,
 * for CSRF tokens and cursors of tts-api (docs/security.md). */
#ifndef CRYPTO_KEYS_H
#define CRYPTO_KEYS_H

#include "core/err.h"
#include "core/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KEY_SIZE = 32,     /* bytes of a master key and of a derived key */
    KEY_RING_MAX = 64, /* keys in one file */
};

enum key_state {
    KEY_ACTIVE,
    KEY_DECRYPT_ONLY,
};

/* What may be shown about a key: everything but the key. */
struct key_info {
    uint32_t id; /* never 0; shown as eight hex digits */
    enum key_state state;
    int64_t created_ms; /* Unix UTC */
};

struct key_ring; /* holds secrets: opaque, wiped when freed */

/* Creates path with one active key, mode 0600, and forces it to disk. Never replaces
 * anything: RC_CONFLICT when path exists. */
enum rc key_file_generate(const char *path, const struct random_source *random,
                          int64_t now_ms, struct err *err) MUST_CHECK;

/* Adds a new active key and makes the old one decrypt-only. The file is replaced whole
 * or not at all, keeping its mode. RC_CONFLICT: somebody else is rotating it now;
 * otherwise as key_ring_load(), and RC_REJECTED "key_ring_full". Programs see the new
 * key at their next start. *new_id may be NULL. */
enum rc key_file_rotate(const char *path, const struct random_source *random,
                        int64_t now_ms, uint32_t *new_id, struct err *err) MUST_CHECK;

void key_ring_free(struct key_ring *ring); /* NULL is fine */

/* Reads path; on success *ring is the caller's, to be given to key_ring_free().
 * RC_NOT_FOUND: no such file. RC_INVALID "key_file_bad": not such a file, two ids alike,
 * or not exactly one active key; the message names the line, never its contents.
 * RC_DENIED "key_file_open": others may write it. */
enum rc key_ring_load(const char *path, struct key_ring **ring,
                      struct err *err) MUST_CHECK;

/* For a table of settings: what key_ring_load() says of path, and how to get a file. */
enum rc key_file_check(const char *path, struct err *err) MUST_CHECK;

/* True when the file's group or others could read it when it was loaded: worth a
 * warning. (Container secrets are often mounted that way.) */
bool key_ring_exposed(const struct key_ring *ring) MUST_CHECK;

/* The id of the active key. */
uint32_t key_ring_active(const struct key_ring *ring);

/* How many keys there are, and what is known of number i < count, oldest first. */
size_t key_ring_count(const struct key_ring *ring);
struct key_info key_ring_info(const struct key_ring *ring, size_t i);

/* Derives the key for a purpose, e.g. "tiktok-token", from the master key with this id.
 * The caller wipes out with explicit_bzero(). RC_NOT_FOUND "key_unknown": the ring has
 * no such key (sealed under another key file, or its key was removed). */
enum rc key_ring_derive(const struct key_ring *ring, uint32_t id, const char *purpose,
                        unsigned char out[KEY_SIZE], struct err *err) MUST_CHECK;

#endif
