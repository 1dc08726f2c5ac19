/* store/accounts.h - the API's side of connected accounts.
 *
 * Reads what a person may know of an account, changes what a person may change, and
 * disconnects. Tokens are in another table, which tts-api has no right on
 * (store/account_tokens.h). Every function names the workspace in its WHERE: an account
 * of another workspace is RC_NOT_FOUND "not_found". Writes take the version that the
 * client saw (0: any) and answer RC_CONFLICT "version_mismatch" when it is another now;
 * each writes its event and its line of the audit log in the same transaction. */
#ifndef STORE_ACCOUNTS_H
#define STORE_ACCOUNTS_H

#include "domain/account.h"
#include "store/audit.h"
#include "store/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ACCOUNT_USERNAME_SIZE = 64 * 4 + 1, /* bytes of the columns with their NUL */
    ACCOUNT_NAME_SIZE = 255 * 4 + 1,
    ACCOUNT_ZONE_SIZE = 65,
    ACCOUNT_PAGE_MAX = 100, /* accounts of one page */
};

struct account {
    uint64_t id;
    char username[ACCOUNT_USERNAME_SIZE]; /* the @handle, without the @; "": not known */
    char display_name[ACCOUNT_NAME_SIZE]; /* "": not known */
    char scopes[ACCOUNT_SCOPES_SIZE];     /* granted, comma-separated */
    char tz[ACCOUNT_ZONE_SIZE];           /* default zone of its posts; "": none chosen */
    enum account_status status;
    char reason[ACCOUNT_REASON_SIZE]; /* why it is ACCOUNT_RECONNECT */
    int64_t refresh_expires_ms;       /* 0: TikTok has not said */
    int64_t access_expires_ms;        /* 0: the access has ended, or none was given */
    int64_t limited_ms; /* a limit of TikTok's holds its direct posts up until then */
    int64_t connected_ms;
    int64_t scheduled; /* posts of it that wait for their time */
    uint32_t version;
    int64_t now_ms; /* when this was read */
};

/* How it stands, for domain/account.h. Borrows account's texts. */
struct account_standing account_standing_of(const struct account *account);

enum rc account_load(struct db *db, uint64_t workspace_id, uint64_t account_id,
                     struct account *out, struct err *err) MUST_CHECK;

/* A page of the workspace's accounts, oldest first, disconnected ones included. */
struct account_query {
    uint64_t workspace_id;
    uint64_t after; /* accounts after this id; 0: from the first */
    size_t limit;   /* 1..ACCOUNT_PAGE_MAX */
};
struct account_page {
    struct account items[ACCOUNT_PAGE_MAX]; /* 200 kB: not for the stack */
    size_t n;
    bool more; /* there are others after the last of these */
};
enum rc account_list(struct db *db, const struct account_query *query,
                     struct account_page *out, struct err *err) MUST_CHECK;

/* Which account a write means: as the client saw it. */
struct account_ref {
    uint64_t account_id;
    uint32_t version; /* 0: any */
};

/* The default zone of its posts; "" takes the choice back. A zone that it has already
 * changes nothing. */
enum rc account_set_zone(struct db *db, const struct actor *actor, struct account_ref ref,
                         const char *tz, struct err *err) MUST_CHECK;

/* Disconnects: no post of the account goes out any more, from this commit on. Posts that
 * are scheduled, or in a publisher's hands but not past their grant, are BLOCKED with
 * "account_disconnected" under a new fence, so a publisher that holds one finds its
 * writes refused; what is past its grant runs to its end. A TASK_REVOKE is queued.
 * *changed is false when the account was disconnected already: then nothing is done, and
 * ref.version is not looked at, so that a repeated request finds what it wanted. */
enum rc account_disconnect(struct db *db, const struct actor *actor,
                           struct account_ref ref, bool *changed,
                           struct err *err) MUST_CHECK;

/* What creator_info said last. */
struct account_creator {
    char *json;     /* as tiktok_creator_write() made it; NULL: never asked */
    int64_t at_ms;  /* when TikTok said it; 0 likewise */
    int64_t now_ms; /* when this was read */
};
enum rc account_creator_load(struct db *db, uint64_t workspace_id, uint64_t account_id,
                             struct account_creator *out, struct err *err) MUST_CHECK;
void account_creator_release(struct account_creator *creator);

/* Asks the publisher for creator_info: *task_id is a TASK_CREATOR_INFO of the account
 * that has not ended and has at least half of wait_ms to go, or a new one that is failed
 * when it is not done within wait_ms. So however many people look, TikTok is asked
 * once. */
enum rc account_creator_ask(struct db *db, uint64_t workspace_id, uint64_t account_id,
                            int64_t wait_ms, uint64_t *task_id,
                            struct err *err) MUST_CHECK;

#endif
