/* sandbox/permits.h - what people have allowed the app: codes, permits and tokens.
 *
 * A consent makes a code; the code makes a permit with its two tokens; a refresh makes
 * new tokens of the same permit. Only the SHA-256 of codes and tokens is kept. They come
 * from the kernel's generator, never from the seed: a reset must not bring old ones back
 * to life. All functions belong inside a transaction. */
#ifndef SRC_SANDBOX_PERMITS_H
#define SRC_SANDBOX_PERMITS_H

#include "knobs.h"
#include "sql.h"

#include "core/random.h"

#include <stdbool.h>

enum {
    CODE_SIZE = 96,
    TOKEN_SIZE = 96,
    REDIRECT_SIZE = 513,  /* TikTok takes fewer than 512 */
    CHALLENGE_SIZE = 129, /* wrong ones may be longer than 64 hex digits */
};

struct consent {
    int64_t app_id;
    int64_t user_id; /* 0: there is no such code */
    unsigned scopes; /* what the person granted */
    char redirect_uri[REDIRECT_SIZE];
    char challenge[CHALLENGE_SIZE]; /* "" when the app sent none */
    int64_t expires_ms;
    bool used;
};

/* Stores a consent and writes the code that stands for it into out. */
enum rc code_new(struct sql *sql, const struct random_source *random,
                 const struct consent *consent, char out[CODE_SIZE],
                 struct err *err) MUST_CHECK;

enum rc code_find(struct sql *sql, const char *code, struct consent *consent,
                  struct err *err) MUST_CHECK;

/* *won is false when somebody used it before. */
enum rc code_use(struct sql *sql, const char *code, bool *won,
                 struct err *err) MUST_CHECK;

struct permit {
    int64_t id; /* 0: the token is unknown, expired, replaced or revoked */
    int64_t app_id;
    int64_t user_id;
    unsigned scopes;
    int64_t refresh_until_ms;
};

/* A pair of tokens as they are handed out, once. */
struct token_pair {
    char access[TOKEN_SIZE];
    char refresh[TOKEN_SIZE];
    int64_t access_ttl_s;
    int64_t refresh_ttl_s;
};

enum rc permit_new(struct sql *sql, int64_t now_ms, const struct knobs *knobs,
                   const struct consent *consent, struct permit *permit,
                   struct err *err) MUST_CHECK;

enum rc access_find(struct sql *sql, const char *token, int64_t now_ms,
                    struct permit *permit, struct err *err) MUST_CHECK;
enum rc refresh_find(struct sql *sql, const char *token, int64_t now_ms,
                     struct permit *permit, struct err *err) MUST_CHECK;

/* New tokens for a permit. used is the refresh token that was shown, NULL at the first
 * issue; whether it and the old access token live on is up to the knobs. */
struct issue {
    const struct random_source *random;
    const struct knobs *knobs;
    int64_t now_ms;
    const char *used;
};
enum rc tokens_issue(struct sql *sql, const struct issue *how,
                     const struct permit *permit, struct token_pair *pair,
                     struct err *err) MUST_CHECK;

/* The app is gone from the person's list: every permit and token of theirs is dead.
 * *revoked, unless NULL, is how many of them were alive. */
enum rc permits_revoke(struct sql *sql, int64_t app_id, int64_t user_id, int64_t *revoked,
                       struct err *err) MUST_CHECK;

#endif
