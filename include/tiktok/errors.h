/* tiktok/errors.h - what each of TikTok's codes means: ONE table for the whole program.
 *
 * TikTok refuses in several languages: error.code of its JSON API, the flat "error" of
 * its OAuth endpoints, "error" and "error_type" on the callback, fail_reason of a post
 * that was accepted and failed later, and bare HTTP statuses of chunk uploads. A row
 * belongs to one of these and says what the program does next (class), the stable reason
 * code under which a post or account shows it, and the words for a person.
 *
 * Source of the rows: docs/tiktok.md 2.5, 6.2, 7.2 and 7.4. Message texts of TikTok do
 * not discriminate, codes do; the two exceptions are OAuth's invalid_request for a
 * redirect or PKCE mismatch, which only its description names. */
#ifndef TIKTOK_ERRORS_H
#define TIKTOK_ERRORS_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which of TikTok's languages a code is from. */
enum tiktok_where {
    TIKTOK_IN_API,      /* error.code of Display and Content Posting API */
    TIKTOK_IN_EXCHANGE, /* token endpoint, grant_type=authorization_code */
    TIKTOK_IN_REFRESH,  /* token endpoint, grant_type=refresh_token */
    TIKTOK_IN_REVOKE,   /* revoke endpoint */
    TIKTOK_IN_CALLBACK, /* error or error_type in the redirect back to us */
    TIKTOK_IN_STATUS,   /* fail_reason of status/fetch and of webhooks */
    TIKTOK_IN_UPLOAD,   /* HTTP status of a chunk PUT, in decimal */
};

/* What to do about it. */
enum tiktok_class {
    TIKTOK_RETRY,     /* the same again by itself, after wait_s or with backoff */
    TIKTOK_REFRESH,   /* refresh the access token and replay once; else RECONNECT */
    TIKTOK_LATER,     /* a cap: nothing before wait_s has passed, and tell the person */
    TIKTOK_RECONNECT, /* only the person can help, by connecting the account again */
    TIKTOK_FIX_INPUT, /* the person must change the post, its media or a setting */
    TIKTOK_OPERATOR,  /* our app or its configuration: the operator must act */
    TIKTOK_NEVER,     /* refused for good */
};

struct tiktok_error {
    const char *code; /* as TikTok sends it */
    enum tiktok_where where;
    enum tiktok_class class;
    const char *reason; /* stable code of ours, for status_reason and errors of the API */
    const char *sentence;  /* what happened, for a person; a whole sentence */
    const char *next_step; /* what the person can do; a whole sentence, or "" */
    int32_t wait_s;        /* seconds before anything is worth trying; 0: own backoff */
    bool whole_account;    /* true: no other post of this account would fare better */
    const char *http;      /* HTTP statuses it is documented or was seen with, apart by a
                            * space; they decide nothing, the code does. "": none */
};

/* The row for a code, or NULL when TikTok has invented a new one. */
const struct tiktok_error *tiktok_error_find(enum tiktok_where where, const char *code);

/* The row for a code and an HTTP status, never NULL: a known code decides; for an unknown
 * or empty one the status does (429 and 5xx retry, 401 refresh, 3xx operator, other 4xx
 * never, and 2xx with an unknown code never). To OAuth a 401 is like any other 4xx, and
 * without a code it says nothing (retry): a dead grant is told by its code alone.
 * http_status 0 stands for "no status". */
const struct tiktok_error *tiktok_error_of(enum tiktok_where where, const char *code,
                                           int http_status);

/* The first row with one of our reason codes, or NULL: to show a stored reason. */
const struct tiktok_error *tiktok_error_by_reason(const char *reason);

/* The rows one by one, for tests and for the list in docs/tiktok.md. */
size_t tiktok_error_count(void);
const struct tiktok_error *tiktok_error_at(size_t i);

/* The class of failure a row stands for: RETRY is RC_UNAVAILABLE, or RC_LIMITED when it
 * names a wait; LATER is RC_LIMITED; REFRESH and RECONNECT are RC_DENIED; the rest is
 * RC_REJECTED. */
enum rc tiktok_error_rc(const struct tiktok_error *e);

/* The class's name in logs: "retry", "refresh", ... */
const char *tiktok_class_name(enum tiktok_class class);

#endif
