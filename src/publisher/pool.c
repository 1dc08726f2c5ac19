#include "pool.h"

#include "core/xalloc.h"
#include "queue/redis.h"
#include "store/db.h"

#include <pthread.h>

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t more; /* work has come, or the end */
    struct list waiting; /* struct pool_work, not begun */
    struct list ended;   /* run, not reaped yet */
    bool closing;
    size_t busy; /* submitted and not reaped; only the loop touches it */
    void (*wake)(void *arg);
    void *wake_arg;
    size_t threads_len; /* started */
    struct worker *workers;
    size_t workers_len; /* with a kit */
};

struct worker {
    struct pool *pool;
    struct pool_kit kit;
    pthread_t thread;
};

/* The next work, or NULL at the end. */
static struct pool_work *next_work(struct pool *pool)
{
    struct pool_work *w = NULL;

    (void)pthread_mutex_lock(&pool->lock);
    while (pool->waiting.len == 0 && !pool->closing)
        (void)pthread_cond_wait(&pool->more, &pool->lock);
    if (!pool->closing) {
        w = LIST_ENTRY(list_first(&pool->waiting), struct pool_work, node);
        list_remove(&pool->waiting, &w->node);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return w;
}

static void *work(void *arg)
{
    struct worker *me = (struct worker *)arg;
    struct pool *pool = me->pool;

    for (struct pool_work *w; (w = next_work(pool)) != NULL;) {
        w->run(w, &me->kit);
        (void)pthread_mutex_lock(&pool->lock);
        list_push(&pool->ended, &w->node);
        (void)pthread_mutex_unlock(&pool->lock);
        pool->wake(pool->wake_arg);
    }
    return NULL;
}

static enum rc make_kits(struct pool *pool, const struct pool_settings *settings,
                         struct err *err)
{
    for (size_t i = 0; i < settings->threads; i++) {
        struct worker *me = &pool->workers[i];
        enum rc rc = db_new(settings->db_url, &me->kit.db, err);

        me->pool = pool;
        pool->workers_len = i + 1;
        if (rc == RC_OK)
            rc = redis_new(settings->redis_url, &me->kit.redis, err);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static enum rc start_threads(struct pool *pool, struct err *err)
{
    for (size_t i = 0; i < pool->workers_len; i++) {
        struct worker *me = &pool->workers[i];

        if (pthread_create(&me->thread, NULL, work, me) != 0)
            return err_set(err, RC_UNAVAILABLE, "no_thread", "cannot start a thread");
        pool->threads_len = i + 1;
    }
    return RC_OK;
}

enum rc pool_new(const struct pool_settings *settings, struct pool **out, struct err *err)
{
    struct pool *pool = xcalloc(1, sizeof(*pool));
    enum rc rc;

    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_cond_init(&pool->more, NULL);
    list_init(&pool->waiting);
    list_init(&pool->ended);
    pool->wake = settings->wake;
    pool->wake_arg = settings->wake_arg;
    pool->workers = xcalloc(settings->threads, sizeof(*pool->workers));
    rc = make_kits(pool, settings, err);
    if (rc == RC_OK)
        rc = start_threads(pool, err);
    if (rc == RC_OK)
        *out = pool;
    else
        pool_free(pool);
    return rc;
}

void pool_submit(struct pool *pool, struct pool_work *w)
{
    pool->busy++;
    (void)pthread_mutex_lock(&pool->lock);
    list_push(&pool->waiting, &w->node);
    (void)pthread_cond_signal(&pool->more);
    (void)pthread_mutex_unlock(&pool->lock);
}

static struct pool_work *next_ended(struct pool *pool)
{
    struct pool_work *w = NULL;

    (void)pthread_mutex_lock(&pool->lock);
    if (pool->ended.len > 0) {
        w = LIST_ENTRY(list_first(&pool->ended), struct pool_work, node);
        list_remove(&pool->ended, &w->node);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return w;
}

void pool_reap(struct pool *pool)
{
    for (struct pool_work *w; (w = next_ended(pool)) != NULL;) {
        pool->busy--;
        w->done(w);
    }
}

size_t pool_busy(const struct pool *pool)
{
    return pool->busy;
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    (void)pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    (void)pthread_cond_broadcast(&pool->more);
    (void)pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->threads_len; i++)
        (void)pthread_join(pool->workers[i].thread, NULL);
    for (size_t i = 0; i < pool->workers_len; i++) {
        redis_free(pool->workers[i].kit.redis);
        db_free(pool->workers[i].kit.db);
    }
    free(pool->workers);
    (void)pthread_cond_destroy(&pool->more);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool);
}
