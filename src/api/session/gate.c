#include "gate.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <time.h>

struct gate {
    size_t slots, places;
    pthread_mutex_t slot[GATE_SLOTS_MAX];
    pthread_mutex_t place[GATE_PLACES_MAX];
};

/* Only misuse or a lack of memory makes these fail, and there is none of either here. */
static void mutexes_init(pthread_mutex_t *mutexes, size_t n)
{
    pthread_mutexattr_t attr;
    int bad = pthread_mutexattr_init(&attr);

    bad |= pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    bad |= pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    for (size_t i = 0; i < n; i++)
        bad |= pthread_mutex_init(&mutexes[i], &attr);
    bad |= pthread_mutexattr_destroy(&attr);
    assert(bad == 0);
    (void)bad;
}

enum rc gate_new(size_t slots, size_t places, struct gate **out, struct err *err)
{
    struct gate *gate;
    void *memory;

    assert(slots >= 1 && slots <= GATE_SLOTS_MAX);
    assert(places >= slots && places <= GATE_PLACES_MAX);
    memory = mmap(NULL, sizeof(*gate), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                  -1, 0);
    if (memory == MAP_FAILED)
        return err_set(err, RC_UNAVAILABLE, "no_memory", "There is no shared memory.");
    gate = memory;
    gate->slots = slots;
    gate->places = places;
    mutexes_init(gate->slot, slots);
    mutexes_init(gate->place, places);
    *out = gate;
    return RC_OK;
}

void gate_free(struct gate *gate)
{
    if (gate != NULL)
        (void)munmap(gate, sizeof(*gate));
}

/* What a lock call said: true when it is held now. A dead holder leaves nothing that
 * would have to be mended. */
static bool held(pthread_mutex_t *mutex, int result)
{
    if (result == EOWNERDEAD)
        result = pthread_mutex_consistent(mutex);
    return result == 0;
}

static bool take_any(pthread_mutex_t *mutexes, size_t n, size_t *taken)
{
    for (size_t i = 0; i < n; i++) {
        if (held(&mutexes[i], pthread_mutex_trylock(&mutexes[i]))) {
            *taken = i;
            return true;
        }
    }
    return false;
}

/* Waiters spread over the slots by their places. */
static bool wait_for_slot(struct gate *gate, size_t place, size_t *slot)
{
    size_t i = place % gate->slots;
    struct timespec end;

    if (clock_gettime(CLOCK_MONOTONIC, &end) != 0)
        return false;
    end.tv_sec += GATE_WAIT_MS / 1000;
    *slot = i;
    return held(&gate->slot[i],
                pthread_mutex_clocklock(&gate->slot[i], CLOCK_MONOTONIC, &end));
}

static enum rc full(struct err *err)
{
    return err_retry(err, RC_LIMITED, 1000, "too_many_attempts",
                     "Too many people sign in at this moment. Try again in a second.");
}

enum rc gate_enter(struct gate *gate, struct gate_pass *pass, struct err *err)
{
    struct gate_pass p = {0};

    if (!take_any(gate->place, gate->places, &p.place))
        return full(err);
    if (!take_any(gate->slot, gate->slots, &p.slot) &&
        !wait_for_slot(gate, p.place, &p.slot)) {
        (void)pthread_mutex_unlock(&gate->place[p.place]);
        return full(err);
    }
    *pass = p;
    return RC_OK;
}

void gate_leave(struct gate *gate, const struct gate_pass *pass)
{
    (void)pthread_mutex_unlock(&gate->slot[pass->slot]);
    (void)pthread_mutex_unlock(&gate->place[pass->place]);
}
