#include "call.h"

#include "core/list.h"
#include "core/xalloc.h"

#include <pthread.h>

struct calls {
    struct http *http;
    pthread_mutex_t lock;
    struct list waiting; /* struct waiting_call, not submitted yet */
    bool closed;
    struct list running; /* struct waiting_call; only the loop touches it */
};

struct waiting_call {
    struct list_node node;
    struct calls *calls;
    const struct http_request *req;
    struct http_response *out;
    struct err *err;
    uint64_t id;
    enum rc rc;
    bool ended;
    pthread_cond_t cond;
};

struct calls *calls_new(struct http *http)
{
    struct calls *c = xcalloc(1, sizeof(*c));

    c->http = http;
    (void)pthread_mutex_init(&c->lock, NULL);
    list_init(&c->waiting);
    list_init(&c->running);
    return c;
}

static void end(struct waiting_call *w, enum rc rc)
{
    (void)pthread_mutex_lock(&w->calls->lock);
    w->rc = rc;
    w->ended = true;
    (void)pthread_cond_signal(&w->cond);
    (void)pthread_mutex_unlock(&w->calls->lock);
}

static void answered(void *arg, enum rc rc, const struct http_response *res,
                     const struct err *err)
{
    struct waiting_call *w = (struct waiting_call *)arg;

    list_remove(&w->calls->running, &w->node);
    if (rc == RC_OK) {
        *w->out = *res;
        strbuf_init(&w->out->body, res->body.limit);
        strbuf_add(&w->out->body, res->body.buf, res->body.len);
    } else {
        *w->err = *err;
    }
    end(w, rc);
}

static struct waiting_call *next_waiting(struct calls *c)
{
    struct waiting_call *w = NULL;

    (void)pthread_mutex_lock(&c->lock);
    if (c->waiting.len > 0) {
        w = LIST_ENTRY(list_first(&c->waiting), struct waiting_call, node);
        list_remove(&c->waiting, &w->node);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return w;
}

void calls_start(struct calls *c)
{
    for (struct waiting_call *w; (w = next_waiting(c)) != NULL;) {
        enum rc rc = http_submit(c->http, w->req, answered, w, &w->id, w->err);

        if (rc == RC_OK)
            list_push(&c->running, &w->node);
        else
            end(w, rc);
    }
}

static enum rc closing(struct err *err)
{
    return err_set(err, RC_UNAVAILABLE, "shutting_down", "The publisher is stopping.");
}

void calls_close(struct calls *c)
{
    (void)pthread_mutex_lock(&c->lock);
    c->closed = true;
    (void)pthread_mutex_unlock(&c->lock);
    for (struct waiting_call *w; (w = next_waiting(c)) != NULL;)
        end(w, closing(w->err));
    while (c->running.len > 0) {
        struct waiting_call *w =
            LIST_ENTRY(list_first(&c->running), struct waiting_call, node);

        http_cancel(c->http, w->id);
        list_remove(&c->running, &w->node);
        end(w, err_set(w->err, RC_UNCERTAIN, "shutting_down",
                       "The publisher is stopping; the answer was not waited for."));
    }
}

bool calls_open(struct calls *c)
{
    bool open;

    (void)pthread_mutex_lock(&c->lock);
    open = !c->closed;
    (void)pthread_mutex_unlock(&c->lock);
    return open;
}

void calls_free(struct calls *c)
{
    if (c == NULL)
        return;
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}

enum rc call(struct calls *c, const struct http_request *req, struct http_response *out,
             struct err *err)
{
    struct waiting_call w = {.calls = c, .req = req, .out = out, .err = err};
    bool closed;

    (void)pthread_cond_init(&w.cond, NULL);
    (void)pthread_mutex_lock(&c->lock);
    closed = c->closed;
    if (!closed)
        list_push(&c->waiting, &w.node);
    (void)pthread_mutex_unlock(&c->lock);
    if (closed) {
        (void)pthread_cond_destroy(&w.cond);
        return closing(err);
    }
    http_wake(c->http);
    (void)pthread_mutex_lock(&c->lock);
    while (!w.ended)
        (void)pthread_cond_wait(&w.cond, &c->lock);
    (void)pthread_mutex_unlock(&c->lock);
    (void)pthread_cond_destroy(&w.cond);
    return w.rc;
}

struct tiktok_answer call_answer(const struct http_response *res)
{
    return (struct tiktok_answer){.http_status = res->status,
                                  .body = res->body.buf,
                                  .len = res->body.len,
                                  .retry_after_ms = res->retry_after_ms,
                                  .log_id = res->log_id};
}
