/* store/account_tokens_priv.h - shared by account_tokens.c and account_connect.c. */
#ifndef SRC_STORE_ACCOUNT_TOKENS_PRIV_H
#define SRC_STORE_ACCOUNT_TOKENS_PRIV_H

#include "store/account_tokens.h"

enum {
    ACCOUNT_HANDLE_MAX = 64, /* bytes kept of what TikTok says */
    ACCOUNT_NAME_MAX = 255,
    ACCOUNT_URL_MAX = 1024,
};

/* Locks the account's row, which comes first in every transaction that changes account
 * and account_token. RC_NOT_FOUND: no such account. */
enum rc account_lock(struct db *db, uint64_t account_id, int *status,
                     uint64_t *workspace_id, struct err *err) MUST_CHECK;

/* The address of a picture, or "" for one too long to keep: half of it is of no use. */
const char *account_url(const char *url);

#endif
