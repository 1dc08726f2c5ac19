/* store/users.h - people, and the workspaces they are members of.
 *
 * An e-mail address is one person, whatever its case. Sign-in reads the row by the
 * address; the password's hash never leaves the process. What counts failed sign-ins here
 * is the reserve for the time when Redis is away (docs/security.md). Times are ms UTC of
 * the database's clock. */
#ifndef STORE_USERS_H
#define STORE_USERS_H

#include "core/err.h"
#include "domain/role.h"
#include "store/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    USER_EMAIL_SIZE = 255 * 4, /* bytes with the NUL */
    USER_NAME_SIZE = 121 * 4,
    USER_HASH_SIZE = 256,
    WORKSPACE_NAME_SIZE = 121 * 4,
    USER_EMAIL_MAX = 254, /* characters */
    USER_NAME_MAX = 120,
    WORKSPACE_NAME_MAX = 120,
};

/* What sign-in needs to know of a person. */
struct user_login {
    uint64_t user_id;
    char password_hash[USER_HASH_SIZE];
    bool disabled;
    uint32_t failed; /* sign-ins in a row that failed */
    int64_t failed_at_ms;
    int64_t now_ms;        /* the database's clock */
    uint64_t workspace_id; /* the first of theirs; 0: a member of none */
};

/* RC_NOT_FOUND: nobody has exactly that address, case apart. */
enum rc user_login_find(struct db *db, const char *email, struct user_login *out,
                        struct err *err) MUST_CHECK;

/* One more failed sign-in. (A success forgets them: session_open().) */
enum rc user_login_failed(struct db *db, uint64_t user_id, struct err *err) MUST_CHECK;

/* Replaces the hash from by to, unless somebody else set another meanwhile. */
enum rc user_rehash(struct db *db, uint64_t user_id, const char *from, const char *to,
                    struct err *err) MUST_CHECK;

/* A new person. workspace names the workspace they become a member of; one that is not
 * there is made, with this person as its owner whatever role says. */
struct user_new {
    const char *email, *name, *password_hash;
    const char *workspace;
    enum role role;
};
struct user_ids {
    uint64_t user_id, workspace_id;
    bool workspace_made;
};
/* RC_CONFLICT "user_exists": somebody has the address. */
enum rc user_add(struct db *db, const struct user_new *user, struct user_ids *ids,
                 struct err *err) MUST_CHECK;

/* Another password: ends all of the person's sessions and forgets failed sign-ins.
 * RC_NOT_FOUND: nobody has the address. */
enum rc user_set_password(struct db *db, const char *email, const char *password_hash,
                          struct err *err) MUST_CHECK;

/* May the person sign in? Disabling ends all sessions. RC_NOT_FOUND as above. */
enum rc user_set_disabled(struct db *db, const char *email, bool disabled,
                          struct err *err) MUST_CHECK;

/* A membership, for lists: one line for each. */
struct user_line {
    uint64_t user_id, workspace_id;
    char email[USER_EMAIL_SIZE], name[USER_NAME_SIZE];
    char workspace[WORKSPACE_NAME_SIZE];
    enum role role; /* 0: a member of no workspace */
    bool disabled;
    int64_t created_at_ms;
};
typedef void (*user_line_fn)(void *ctx, const struct user_line *line);
enum rc user_list(struct db *db, user_line_fn each, void *ctx,
                  struct err *err) MUST_CHECK;

/* Who and where, for GET /api/v1/session. RC_NOT_FOUND: not a member (any more). */
struct user_profile {
    char email[USER_EMAIL_SIZE], name[USER_NAME_SIZE];
    char workspace[WORKSPACE_NAME_SIZE];
    bool unaudited; /* TikTok has refused a post lately because this app is not audited */
};
enum rc user_profile(struct db *db, uint64_t workspace_id, uint64_t user_id,
                     struct user_profile *out, struct err *err) MUST_CHECK;

#endif
