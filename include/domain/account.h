/* domain/account.h - what a connected account may do, and how it stands with TikTok.
 *
 * Decisions without I/O: an account's row and the time go in, the words of the API come
 * out. Scopes are a comma-separated list as TikTok granted it, in TikTok's order. */
#ifndef DOMAIN_ACCOUNT_H
#define DOMAIN_ACCOUNT_H

#include "core/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers stored in account.status. */
enum account_status {
    ACCOUNT_CONNECTED = 1,
    ACCOUNT_RECONNECT = 2, /* TikTok no longer takes the tokens: the person must act */
    ACCOUNT_DISCONNECTED = 3,
};

enum {
    ACCOUNT_SOON_MS = 14 * 86400000, /* a connection that ends within this "expires
                                      * soon": two weeks to find a minute in */
    ACCOUNT_SCOPES_SIZE = 513,       /* bytes of a list of scopes with its NUL */
    ACCOUNT_REASON_SIZE = 65,        /* bytes of account.status_reason with its NUL */
};

/* account.status_reason of a row whose tokens are about to be stored. */
#define ACCOUNT_REASON_CONNECTING "connecting"

/* The status_reason for a withdrawal that TikTok told of: the number is that of its event
 * authorization.removed (docs/tiktok.md 10), 0 for one that nobody knows. */
const char *account_removed_reason(int32_t tiktok_reason);

/* The warnings before a grant ends: 14, 3 and 1 days. Which one is due when a connection
 * whose refresh token ends at refresh_expires_ms (0: not said) was warned of for
 * warned_days before (0: never); 0: none. */
int account_warning_due(int64_t refresh_expires_ms, int warned_days, int64_t now_ms);

/* How an account stands at an instant. */
struct account_standing {
    enum account_status status;
    const char *reason;         /* account.status_reason; "" when there is none */
    int64_t refresh_expires_ms; /* when the refresh token ends; 0: TikTok has not said */
    int64_t access_expires_ms;  /* when the access token ends; 0: it has, or none is */
    int64_t now_ms;
};

/* The word the API shows: connected, expires_soon, reconnect_needed, disconnected. A
 * connection whose refresh token has ended counts as reconnect_needed, whether or not the
 * publisher has noticed yet. */
const char *account_word(const struct account_standing *standing);

/* The sentence beside it: what is the matter and what to do. */
const char *account_sentence(const struct account_standing *standing);

/* A grant that TikTok does not renew leaves the access token that was given last: until
 * when posts still go out with it, of an account that is reconnect_needed. 0: none does,
 * or the account is not reconnect_needed. A withdrawn permission leaves nothing. */
int64_t account_posts_until(const struct account_standing *standing) MUST_CHECK;

/* True when a post of the account that is due at at_ms (in the past: now) can go out: it
 * is connected, perhaps not for long, or its last access token lasts until then. */
bool account_usable_at(const struct account_standing *standing, int64_t at_ms) MUST_CHECK;

/* What the granted scopes allow. */
struct account_features {
    bool direct_post; /* video.publish: publishes by itself */
    bool inbox;       /* video.upload: hands drafts to the TikTok inbox */
    bool stats;       /* video.list: reads what became of videos */
};
struct account_features account_features_of(const char *scopes);

/* Walks a list of scopes: true, and *scope and *len name the next one; false at the end.
 *
 *     const char *rest = scopes;
 *     while (account_scope_next(&rest, &scope, &len)) ... */
bool account_scope_next(const char **rest, const char **scope, size_t *len) MUST_CHECK;

/* True when the scope of len bytes is in the list: whole, not as part of another. */
bool account_scopes_have(const char *scopes, const char *scope, size_t len) MUST_CHECK;

/* The code of /accounts?error= (CallbackError in docs/openapi.yaml) for a word that says
 * why connecting failed: a reason of the error table in tiktok/errors.h, a code of a
 * failed exchange_code task (store/tasks.h) or of waiting for one, or a parameter of the
 * authorize page that TikTok objects to. "unknown" for any other word, never NULL. */
const char *account_connect_error(const char *word);

#endif
