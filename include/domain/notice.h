/* domain/notice.h - what people are told of without asking, and its words. */
#ifndef DOMAIN_NOTICE_H
#define DOMAIN_NOTICE_H

#include "core/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The name in the database and the API stands in notice_name(). */
enum notice_kind {
    NOTICE_POST_FAILED,    /* "post.failed" */
    NOTICE_POST_ATTENTION, /* "post.attention": a person must look and decide */
    NOTICE_RECONNECT,      /* "account.reconnect": TikTok ended the connection */
    NOTICE_LIMITED,        /* "account.limited": its posts go out later */
    NOTICE_GRANT_ENDING,   /* "account.grant_ending" */
    NOTICE_OVERDUE,        /* "watchdog.overdue": posts are late, nobody takes them */
};
enum { NOTICE_COUNT = 6, NOTICE_TITLE_SIZE = 160, NOTICE_TEXT_SIZE = 480 };

const char *notice_name(enum notice_kind kind);
bool notice_parse(const char *name, enum notice_kind *kind) MUST_CHECK;

/* What it is about; texts may be "". */
struct notice {
    enum notice_kind kind;
    const char *account; /* its handle or name */
    const char *caption; /* of the post */
    const char *code;    /* stable reason of domain/reason.h */
    int64_t at_ms;       /* NOTICE_LIMITED: until; NOTICE_GRANT_ENDING: when it ends;
                          * NOTICE_RECONNECT: until when posts still go out, or 0 */
    int days;            /* NOTICE_GRANT_ENDING: left */
};

/* One line, and one to three sentences; a time in them is UTC. */
struct notice_words {
    char title[NOTICE_TITLE_SIZE];
    char text[NOTICE_TEXT_SIZE];
};
void notice_say(const struct notice *notice, struct notice_words *out);

#endif
