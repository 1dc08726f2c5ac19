#include "mailer.h"

#include "../lease.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/meter.h"
#include "core/parse.h"
#include "core/strbuf.h"
#include "core/xalloc.h"
#include "net/smtp.h"
#include "store/notifications.h"
#include "store/tasks.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum {
    LOOK_MS = 1000,   /* an alarm is to be there within 10 s (reconcile.c) */
    ROUND_MAX = 20,   /* mails of one round; the lease is looked at between rounds */
    AGAIN_MS = 30000, /* after the first failure; doubles, */
    AGAIN_MAX_MS = 1800000, /* up to this */
    TEXT_MAX = 4096,
};

struct mailer {
    struct pool_work work; /* first, so that the work is the mailer */
    struct publisher *p;
    struct pool *pool;
    struct timer timer;
    bool busy;
    uint64_t inc; /* of the round under way */
};

/* --- one mail, on the mailer's thread ------------------------------------------ */

static bool read_payload(const char *payload, uint64_t *notification, uint64_t *user)
{
    json_t *doc = json_loads(payload, JSON_REJECT_DUPLICATES, NULL);
    const char *n = json_string_value(json_object_get(doc, "notification_id"));
    const char *u = json_string_value(json_object_get(doc, "user_id"));
    bool good = n != NULL && u != NULL && parse_id(n, notification) && parse_id(u, user);

    json_decref(doc);
    return good;
}

static void write_text(const struct settings *s, const struct notification_mail *mail,
                       const char *text, struct strbuf *out)
{
    strbuf_addf(out, "%s\n\nWorkspace: %s\n", text, mail->workspace);
    if (s->app_url != NULL && mail->row.post_id != 0)
        strbuf_addf(out, "%s/queue?post=%" PRIu64 "\n", s->app_url, mail->row.post_id);
    else if (s->app_url != NULL)
        strbuf_addf(out, "%s/%s\n", s->app_url,
                    mail->row.account_id != 0 ? "accounts" : "queue");
    strbuf_addstr(out, "\nYou get this because you can act on it in this workspace. "
                       "Mails like this are switched off under Settings.\n");
}

/* The part behind the @ of the sender's address. */
static const char *domain_of(const char *from)
{
    const char *at = strrchr(from, '@');

    return at != NULL ? at + 1 : from;
}

static enum rc send_one(const struct publisher *p, const struct notification_mail *mail,
                        uint64_t user_id, struct err *err)
{
    const struct settings *s = p->settings;
    const struct smtp_server server = {.url = s->smtp_url, .ca_file = s->smtp_ca_file};
    const char *domain = domain_of(s->mail_from);
    struct notice_words words;
    struct strbuf text;
    char id[256];
    struct smtp_mail out = {.from = s->mail_from,
                            .to = mail->email,
                            .subject = words.title,
                            .message_id = id,
                            .date_ms = clock_wall_ms(clock_system())};
    enum rc rc;

    notification_words(&mail->row, &words);
    (void)snprintf(id, sizeof(id), "notification-%" PRIu64 ".%" PRIu64 "@%.*s",
                   mail->row.id, user_id, (int)strcspn(domain, "> "), domain);
    strbuf_init(&text, TEXT_MAX);
    write_text(s, mail, words.text, &text);
    out.text = text.buf;
    rc = smtp_send(&server, &out, err);
    strbuf_release(&text);
    return rc;
}

static int64_t again_ms(unsigned fails)
{
    int64_t ms = AGAIN_MS;

    while (fails-- > 0 && ms < AGAIN_MAX_MS)
        ms *= 2;
    return ms < AGAIN_MAX_MS ? ms : AGAIN_MAX_MS;
}

static enum rc conclude(struct db *db, const struct task *task, uint64_t inc, enum rc rc,
                        struct err *why)
{
    struct err err;

    if (rc == RC_OK)
        meter_add(METER_MAILS, 1);
    else
        log_failure("mail.not_sent", why);
    if (rc == RC_UNAVAILABLE)
        return task_retry(db, task, inc, again_ms(task->fails), &err);
    if (rc == RC_REJECTED || rc == RC_INVALID)
        meter_add(METER_MAILS_FAILED, 1);
    /* One that may have been sent is not sent twice. */
    if (rc == RC_OK || rc == RC_UNCERTAIN || rc == RC_NOT_FOUND)
        return task_finish(db, task, inc, "{}", &err);
    return task_fail(db, task, inc, why->code, why->msg, &err);
}

static enum rc do_mail(struct mailer *m, struct db *db, const struct task *task)
{
    struct notification_mail *mail = xcalloc(1, sizeof(*mail));
    uint64_t notification = 0, user = 0;
    struct err err = {0};
    enum rc rc;

    log_context("task=%" PRIu64 " kind=mail", task->id);
    if (!read_payload(task->payload, &notification, &user))
        rc = err_set(&err, RC_INVALID, "mail_invalid", "The task names no notification.");
    else
        rc = notification_mail_load(db, notification, user, mail, &err);
    if (rc == RC_OK)
        rc = send_one(m->p, mail, user, &err);
    if (rc == RC_OK)
        log_info("mail.sent", "notification=%" PRIu64 " user=%" PRIu64, notification,
                 user);
    rc = conclude(db, task, m->inc, rc, &err);
    log_context("%s", "");
    free(mail);
    return rc;
}

static void round_of(struct pool_work *w, const struct pool_kit *kit)
{
    struct mailer *m = (struct mailer *)(void *)w;
    struct task task = {0};
    int64_t queued = 0;
    size_t len = 1;
    struct err err;
    enum rc rc = notification_mail(kit->db, &queued, &err);

    for (int i = 0; i < ROUND_MAX && rc == RC_OK && len > 0; i++) {
        rc = task_claim_mail(kit->db, m->inc, &task, 1, &len, &err);
        if (rc == RC_OK && len > 0) {
            enum rc ended = do_mail(m, kit->db, &task);

            task_release(&task);
            if (ended != RC_OK) /* the database is away, or the lease: see next round */
                break;
        }
    }
    if (rc != RC_OK && rc != RC_UNAVAILABLE)
        log_failure("mail.round_failed", &err);
}

/* --- on the loop --------------------------------------------------------------- */

static void look_after(struct mailer *m, int64_t ms)
{
    timer_set(&m->p->timers, &m->timer, publisher_mono_ms() + ms);
}

static void ended(struct pool_work *w)
{
    struct mailer *m = (struct mailer *)(void *)w;

    m->busy = false;
    if (!m->p->stopping)
        look_after(m, LOOK_MS);
}

static void on_timer(void *arg)
{
    struct mailer *m = arg;

    if (m->p->stopping || m->busy)
        return;
    if (!lease_valid(m->p->lease)) {
        look_after(m, LOOK_MS);
        return;
    }
    m->busy = true;
    m->inc = lease_inc(m->p->lease);
    m->work.run = round_of;
    m->work.done = ended;
    pool_submit(m->pool, &m->work);
}

enum rc mailer_new(struct publisher *p, void (*wake)(void *arg), struct mailer **out,
                   struct err *err)
{
    const struct pool_settings settings = {.db_url = p->settings->db_url,
                                           .redis_url = p->settings->redis_url,
                                           .threads = 1,
                                           .wake = wake,
                                           .wake_arg = p->http};
    struct mailer *m;
    enum rc rc;

    *out = NULL;
    if (p->settings->smtp_url == NULL)
        return RC_OK;
    m = xcalloc(1, sizeof(*m));
    m->p = p;
    m->timer.fire = on_timer;
    m->timer.arg = m;
    rc = pool_new(&settings, &m->pool, err);
    if (rc != RC_OK) {
        free(m);
        return rc;
    }
    look_after(m, LOOK_MS);
    *out = m;
    return RC_OK;
}

void mailer_free(struct mailer *m)
{
    if (m == NULL)
        return;
    pool_free(m->pool);
    free(m);
}

void mailer_reap(struct mailer *m)
{
    if (m != NULL)
        pool_reap(m->pool);
}
