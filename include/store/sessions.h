/* store/sessions.h - signed-in browsers.
 *
 * The cookie's value is never stored: a session is known by the SHA-256 of it. It ends
 * after SESSION_IDLE_MS without a request, after SESSION_MAX_MS whatever happens, and
 * with the membership it was opened in. A request moves the idle end at most once in
 * SESSION_TOUCH_MS, so that a page that polls does not write each time. Times are ms UTC
 * of the database's clock. */
#ifndef STORE_SESSIONS_H
#define STORE_SESSIONS_H

#include "core/err.h"
#include "domain/role.h"
#include "store/audit.h"
#include "store/db.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SESSION_HASH_SIZE = 32,
    SESSION_SECRET_SIZE = 32,
    SESSION_IDLE_MS = 12 * 3600 * 1000,    /* an evening, not a night and a day */
    SESSION_MAX_MS = 7 * 24 * 3600 * 1000, /* once a week the password */
    SESSION_TOUCH_MS = 60000,
    SESSION_SWEEP_MAX = 100, /* ended sessions that one sign-in clears away */
};

struct session {
    uint64_t workspace_id, user_id;
    enum role role;
    unsigned char csrf_secret[SESSION_SECRET_SIZE];
    int64_t expires_at_ms;
};

/* A new session of the actor. Ends the one with the hash old, if any (NULL: none):
 * signing in again never keeps what was there before. Forgets the person's failed
 * sign-ins. */
struct session_new {
    const unsigned char *hash, *csrf_secret, *old;
    const char *user_agent; /* cut to what fits; NULL: none */
};
enum rc session_open(struct db *db, const struct actor *actor,
                     const struct session_new *s, struct err *err) MUST_CHECK;

/* The session that is going on under hash, and its person's role now. Moves the idle end.
 * RC_NOT_FOUND: none, or ended, or the person was disabled. */
enum rc session_find(struct db *db, const unsigned char hash[SESSION_HASH_SIZE],
                     struct session *out, struct err *err) MUST_CHECK;

/* The actor ends it; one that is not there is fine. */
enum rc session_end(struct db *db, const struct actor *actor,
                    const unsigned char hash[SESSION_HASH_SIZE],
                    struct err *err) MUST_CHECK;

#endif
