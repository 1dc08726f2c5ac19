/* store/notifications.h - what people should be told: in the dashboard, and by mail.
 *
 * A notification is written in the transaction of what it tells of. Its cause names that:
 * whatever has the same cause in the same workspace is told once, however many publishers
 * see it and however often. A person has read all up to a number. */
#ifndef STORE_NOTIFICATIONS_H
#define STORE_NOTIFICATIONS_H

#include "core/err.h"
#include "domain/notice.h"
#include "store/db.h"
#include "store/users.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NOTIFICATION_CAUSE_MAX = 96,   /* bytes of a cause */
    NOTIFICATION_PAGE_MAX = 100,   /* of one page */
    NOTIFICATION_UNREAD_MAX = 100, /* counting ends here */
    NOTIFICATION_KEPT_DAYS = 90,
    NOTIFICATION_CODE_SIZE = 65, /* bytes with the NUL, like the next */
    NOTIFICATION_NAME_SIZE = 255 * 4 + 1,
    NOTIFICATION_CAPTION_SIZE = 201,
};

/* A notification to be written; for everybody in the workspace. */
struct notification {
    uint64_t workspace_id;
    enum notice_kind kind;
    uint64_t post_id, account_id; /* 0: none */
    const char *code;             /* stable reason; NULL: none */
    int64_t at_ms;                /* of an instant in the words; 0: none */
    int days;                     /* of a number of days in the words */
    const char *cause;
};

/* Writes it, unless its cause was told before. Inside the caller's transaction. */
enum rc notification_add(struct db *db, const struct notification *n,
                         struct err *err) MUST_CHECK;

/* The same; *added says whether its cause was new. */
enum rc notification_add_new(struct db *db, const struct notification *n, bool *added,
                             struct err *err) MUST_CHECK;

/* One as read, with what its words need. */
struct notification_row {
    uint64_t id;
    enum notice_kind kind;
    uint64_t post_id, account_id;
    int64_t created_ms;
    bool read;
    char code[NOTIFICATION_CODE_SIZE];
    int64_t at_ms;
    int days;
    char account[NOTIFICATION_NAME_SIZE];    /* its handle or name; "": not known */
    char caption[NOTIFICATION_CAPTION_SIZE]; /* the beginning of the post's, cut */
};

/* The words of a row. */
void notification_words(const struct notification_row *row, struct notice_words *out);

/* A page of the workspace's, newest first, as this person has read them. */
struct notification_query {
    uint64_t workspace_id, user_id;
    uint64_t before; /* only older ones than this; 0: from the newest */
    size_t limit;    /* 1..NOTIFICATION_PAGE_MAX */
};
struct notification_page {
    struct notification_row items[NOTIFICATION_PAGE_MAX]; /* 150 kB: not for the stack */
    size_t n;
    bool more;
};
enum rc notification_list(struct db *db, const struct notification_query *query,
                          struct notification_page *out, struct err *err) MUST_CHECK;

/* How many the person has not read, at most NOTIFICATION_UNREAD_MAX. */
enum rc notification_unread(struct db *db, uint64_t workspace_id, uint64_t user_id,
                            int64_t *n, struct err *err) MUST_CHECK;

/* The person has read all up to this one. Never backwards. */
enum rc notification_read(struct db *db, uint64_t workspace_id, uint64_t user_id,
                          uint64_t upto, struct err *err) MUST_CHECK;

/* Whether the person wants them by mail. */
enum rc notification_wanted(struct db *db, uint64_t user_id, bool *mail,
                            struct err *err) MUST_CHECK;
enum rc notification_want(struct db *db, uint64_t user_id, bool mail,
                          struct err *err) MUST_CHECK;

/* Deletes some of those that are older than NOTIFICATION_KEPT_DAYS. */
enum rc notification_purge(struct db *db, int64_t *n, struct err *err) MUST_CHECK;

/* --- mail --------------------------------------------------------------------------- */

/* Queues a TASK_SEND_MAIL for every notification of the last day that has none yet and
 * every member who can act on it and wants mail; *n: notifications taken, some at a
 * time. */
enum rc notification_mail(struct db *db, int64_t *n, struct err *err) MUST_CHECK;

/* Who gets a mail about what. RC_NOT_FOUND: nobody any more: the person has gone, does
 * not want it, or has read it. */
struct notification_mail {
    struct notification_row row;
    char email[USER_EMAIL_SIZE];
    char workspace[WORKSPACE_NAME_SIZE];
};
enum rc notification_mail_load(struct db *db, uint64_t notification_id, uint64_t user_id,
                               struct notification_mail *out, struct err *err) MUST_CHECK;

#endif
