/* core/err.h - how a function says that it failed.
 *
 * A fallible function returns enum rc and takes a struct err as its last argument.
 * On RC_OK the err is left untouched; on anything else it is filled. Nothing here
 * allocates, so reporting a failure cannot fail.
 *
 *     if (units > POST_VIDEO_CAPTION_UNITS)
 *         return err_field(err, "caption", "caption_too_long",
 *                          "The caption has %zu of 2200 characters.", units);
 *
 * Functions below api/, publisher/, media/, sandbox/ and ctl/ return an err and do
 * not log; the dispatcher or loop above them logs each failure once. */
#ifndef CORE_ERR_H
#define CORE_ERR_H

#include "core/attr.h"

#include <stdint.h>

/* The class answers "what now?": the API maps it to one HTTP status, the publisher
 * to retry or give up. A class is added only when that answer is new. */
enum rc {
    RC_OK = 0,
    RC_INVALID,     /* the caller's input is wrong: never retry (422) */
    RC_DENIED,      /* not signed in, or not allowed (401, 403) */
    RC_NOT_FOUND,   /* (404) */
    RC_CONFLICT,    /* the state changed underneath: reload (409, 412) */
    RC_LIMITED,     /* too many: retry after retry_after_ms (429) */
    RC_UNAVAILABLE, /* a dependency is down; nothing happened: retry (503) */
    RC_UNCERTAIN,   /* sent, no answer: it may have happened, find out first (504) */
    RC_REJECTED,    /* a dependency refused for good: do not retry (502) */
    RC_BUG,         /* an invariant broke: log, alert, do not retry (500) */
};

struct err {
    enum rc rc;
    char code[48];          /* stable machine name, e.g. "caption_too_long" */
    char field[32];         /* the input field at fault, or "" */
    char msg[256];          /* for a person; holds no secret and no raw input */
    int64_t retry_after_ms; /* RC_LIMITED and RC_UNAVAILABLE; 0: the caller decides */
};

/* Fills err and returns rc, so that a failure is one statement:
 *     return err_set(err, RC_NOT_FOUND, "not_found", "There is no such post."); */
enum rc err_set(struct err *err, enum rc rc, const char *code, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* The same for bad input: RC_INVALID, with the name of the field at fault. */
enum rc err_field(struct err *err, const char *field, const char *code, const char *fmt,
                  ...) PRINTF_LIKE(4, 5);

/* The same for a body with a member that nobody knows: "unknown_field". The member is
 * named when it could be one of ours, else "body" is: never raw input. */
enum rc err_unknown_member(struct err *err, const char *name);

/* The same for "try again later": RC_LIMITED or RC_UNAVAILABLE with a delay in ms. */
enum rc err_retry(struct err *err, enum rc rc, int64_t after_ms, const char *code,
                  const char *msg);

/* Puts "context: " before the message, as the failure travels up. Returns err->rc. */
enum rc err_context(struct err *err, const char *context);

/* The class's name in logs: "invalid", "denied", ... */
const char *rc_name(enum rc rc);

#endif
