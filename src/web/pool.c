#include "pool.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { WAITS_NOT = 0 }; /* beside the values of enum web_wait */

/* Of this worker; NULL outside of a pool, where there is nobody to leave workers for. */
static struct pool *joined;
static size_t own_slot;

enum rc pool_new(struct pool **pool, size_t workers, struct err *err)
{
    void *p = mmap(NULL, sizeof(struct pool), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return err_set(err, RC_UNAVAILABLE, "no_shared_memory",
                       "cannot share memory with the workers: %s",
                       strerrordesc_np(errno));
    *pool = p; /* zeroed by the kernel */
    (*pool)->workers = workers;
    return RC_OK;
}

void pool_free(struct pool *pool)
{
    if (pool != NULL)
        (void)munmap(pool, sizeof(*pool));
}

void pool_clear(struct pool *pool, size_t slot)
{
    atomic_store(&pool->slots[slot].waiting, WAITS_NOT);
    pool->slots[slot].request_id[0] = '\0';
}

void pool_join(struct pool *pool, size_t slot)
{
    joined = pool;
    own_slot = slot;
}

static size_t waiting_now(const struct pool *pool, enum web_wait what)
{
    size_t n = 0;

    for (size_t i = 0; i < pool->workers; i++)
        n += atomic_load(&pool->slots[i].waiting) == (int)what ? 1 : 0;
    return n;
}

static size_t at_least_one(size_t n)
{
    return n > 0 ? n : 1;
}

bool web_wait_begin(enum web_wait what)
{
    size_t people, gates;

    if (joined == NULL)
        return true;
    /* Counted after our own flag is up: two that come at once may both be refused, but
     * never are both let through. */
    atomic_store(&joined->slots[own_slot].waiting, (int)what);
    people = waiting_now(joined, WEB_WAIT_PERSON);
    gates = waiting_now(joined, WEB_WAIT_GATE);
    if ((what == WEB_WAIT_GATE ? gates : people) <= at_least_one(joined->workers / 2) &&
        people + gates <= at_least_one(joined->workers * 3 / 4))
        return true;
    web_wait_end();
    return false;
}

void web_wait_end(void)
{
    if (joined != NULL)
        atomic_store(&joined->slots[own_slot].waiting, WAITS_NOT);
}

void pool_answered(int status)
{
    int class = status / 100;

    if (joined != NULL && class > 0 && class < WEB_CLASSES)
        (void)atomic_fetch_add_explicit(&joined->answers[class], 1, memory_order_relaxed);
}

void web_answers(uint64_t counts[WEB_CLASSES])
{
    for (size_t i = 0; i < WEB_CLASSES; i++)
        counts[i] = joined != NULL ? atomic_load(&joined->answers[i]) : 0;
}
