/* crypto/webhook.h - did TikTok sign this webhook, and is it still worth reading?
 *
 * The header is "TikTok-Signature: t=<unix seconds>,s=<hex>", s being the HMAC-SHA256 of
 * "<t>.<raw body>" under the app's client secret (docs/tiktok.md 10). It is checked over
 * the bytes as they came, before anything reads them:
 *
 *     struct webhook w = {header, body, len};
 *     enum webhook_verdict v = webhook_verify(secret, strlen(secret), &w, now_s, &at_s);
 *     if (v == WEBHOOK_FRESH || (v == WEBHOOK_LATE && !seen_before(body)))  take it
 *
 * TikTok repeats a delivery for up to 72 h and does not say whether it signs anew each
 * time. So an old signature is no proof of a replay: it is good once, and whoever keeps
 * the digests of the bodies for those 72 h (they are stored anyway, delivery being at
 * least once) can tell. */
#ifndef CRYPTO_WEBHOOK_H
#define CRYPTO_WEBHOOK_H

#include "core/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WEBHOOK_FRESH_S = 300,        /* seconds a signature may be old, or clocks differ */
    WEBHOOK_LATE_S = 72 * 3600,   /* seconds for which TikTok repeats a delivery */
    WEBHOOK_SIGNATURE_MAX = 1024, /* bytes of a header's value that are looked at */
};

enum webhook_verdict {
    WEBHOOK_FRESH,      /* genuine, and signed within WEBHOOK_FRESH_S of now */
    WEBHOOK_LATE,       /* genuine, older: good unless this body was taken before */
    WEBHOOK_TOO_OLD,    /* genuine, but TikTok would have given up by now */
    WEBHOOK_TOO_EARLY,  /* genuine, but of a time to come: a clock is wrong */
    WEBHOOK_FORGED,     /* not signed with this secret, or the body was changed */
    WEBHOOK_UNREADABLE, /* no "t=...,s=..." with 64 hex digits */
};

/* A delivery as it came; all borrowed for the call. */
struct webhook {
    const char *header; /* the value of the header, or the whole line: its name is taken
                         * in either case ("Tiktok-Signature" is seen too) */
    const void *body;   /* the raw bytes */
    size_t len;
};

/* Judges a delivery at the time now_s (Unix UTC seconds, not negative). Unknown parts of
 * the header are passed over, and of several s= one must be right. The comparison takes
 * constant time. *signed_s is t, 0 when it is unreadable. */
enum webhook_verdict webhook_verify(const void *secret, size_t secret_len,
                                    const struct webhook *w, int64_t now_s,
                                    int64_t *signed_s) MUST_CHECK;

/* True when the header could be TikTok's: it is read, but nothing is compared. For a
 * program that has no secret and stores deliveries for one that has. */
bool webhook_readable(const char *header) MUST_CHECK;

/* The verdict's name in logs and results: "fresh", "late", "too_old", ... */
const char *webhook_verdict_name(enum webhook_verdict verdict);

#endif
