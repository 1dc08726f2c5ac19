/* store/api_tokens.h - keys of API clients: shown once, kept as a hash.
 *
 * A token acts for the person who made it, with that person's role at the time of the
 * request, within its scopes. It is known by the SHA-256 of its text; prefix is its
 * beginning, for people to tell tokens apart. Times are ms UTC of the database's
 * clock. */
#ifndef STORE_API_TOKENS_H
#define STORE_API_TOKENS_H

#include "core/err.h"
#include "core/random.h"
#include "domain/role.h"
#include "store/db.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    API_TOKEN_SIZE = 57,        /* "tts_", 52 characters of [a-z2-7], NUL */
    API_TOKEN_PREFIX_SIZE = 13, /* "tts_", 8 of them, NUL */
    API_TOKEN_HASH_SIZE = 32,
    API_TOKEN_NAME_MAX = 120, /* characters */
    API_TOKEN_NAME_SIZE = 121 * 4,
    API_TOKEN_TOUCH_MS = 60000, /* used_at moves at most this often */
    API_TOKEN_DAYS_MAX = 365,
};

/* A set of these. */
enum api_scope { API_SCOPE_READ = 1, API_SCOPE_WRITE = 2 };

/* "read", "write" or "read,write", and back; false for anything else. */
const char *api_scopes_text(unsigned scopes);
bool api_scopes_parse(const char *text, unsigned *scopes) MUST_CHECK;

/* Makes the text of a new token: 260 random bits. */
void api_token_make(const struct random_source *random, char out[API_TOKEN_SIZE]);

/* True when text has the form of a token: worth a look into the database. */
bool api_token_looks_right(const char *text) MUST_CHECK;

struct api_token_new {
    const char *token;         /* of api_token_make(); only its beginning is kept */
    const unsigned char *hash; /* its SHA-256, API_TOKEN_HASH_SIZE bytes */
    uint64_t workspace_id, user_id;
    const char *name;
    unsigned scopes;
    int64_t lifetime_ms; /* from now */
};
enum rc api_token_add(struct db *db, const struct api_token_new *t, uint64_t *token_id,
                      struct err *err) MUST_CHECK;

struct api_token {
    uint64_t token_id, workspace_id, user_id;
    enum role role; /* the person's, now */
    unsigned scopes;
    int64_t expires_at_ms;
};

/* RC_NOT_FOUND: none, revoked, over, or its person was disabled or is no member any
 * more. Moves used_at. */
enum rc api_token_find(struct db *db, const unsigned char hash[API_TOKEN_HASH_SIZE],
                       struct api_token *out, struct err *err) MUST_CHECK;

/* Ends a token for good; once more is fine. RC_NOT_FOUND: no such token. */
enum rc api_token_revoke(struct db *db, uint64_t token_id, struct err *err) MUST_CHECK;

struct api_token_line {
    uint64_t token_id;
    char prefix[API_TOKEN_PREFIX_SIZE + 4];
    char name[API_TOKEN_NAME_SIZE];
    char email[255 * 4], workspace[121 * 4];
    char scopes[256];
    int64_t created_at_ms, expires_at_ms, used_at_ms; /* used_at_ms 0: never */
    bool revoked, expired;
};
typedef void (*api_token_line_fn)(void *ctx, const struct api_token_line *line);
enum rc api_token_list(struct db *db, api_token_line_fn each, void *ctx,
                       struct err *err) MUST_CHECK;

#endif
