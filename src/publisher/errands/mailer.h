/* publisher/errands/mailer.h - notifications go out by mail, where a mail server is
 * named.
 *
 * One thread of its own makes mails of new notifications (store/notifications.h) and
 * sends them one after the other: a mail server that is slow or away keeps nothing else
 * waiting. A mail is tried again at growing distances for a day. One whose sending got no
 * clear answer is not sent again. */
#ifndef PUBLISHER_MAILER_H
#define PUBLISHER_MAILER_H

#include "../publisher.h"

struct mailer;

/* RC_OK with *out NULL when no mail server is named. The caller ends it with
 * mailer_free(), which waits for a mail that is being sent. */
enum rc mailer_new(struct publisher *p, void (*wake)(void *arg), struct mailer **out,
                   struct err *err) MUST_CHECK;
void mailer_free(struct mailer *m); /* NULL is fine */

/* Called by the loop: what has ended. NULL is fine. */
void mailer_reap(struct mailer *m);

#endif
