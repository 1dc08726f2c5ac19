/* publisher/run/run.h - one claimed post on its way: does what its flow decides.
 *
 * A run belongs to the loop. It has at most one thing under way: work on a store thread,
 * a transfer, or a timer; when that ends, the flow says what follows. A run whose fence
 * or lease is lost is dropped: its transfer is ended at once, and work that is on a
 * thread finds its writes refused. */
#ifndef PUBLISHER_RUN_H
#define PUBLISHER_RUN_H

#include "../publisher.h"
#include "store/jobs.h"

enum { RUN_MAX = 16384 }; /* runs at a time, waiting and polling ones included */

/* No runs yet. */
void run_table_init(struct publisher *p);

/* How the account's init window has counted the first INIT of a claim. */
struct run_counted {
    int64_t at_ms;   /* as what, by Redis's clock; 0: it was away, and the ledger did */
    int64_t mono_ms; /* when */
};

/* Begins a run for a post that was claimed for inc. A run of an older claim of it is
 * dropped: the post was taken from us meanwhile, by a person who has canceled it and set
 * it off again, and nobody had told us yet. */
void run_start(struct publisher *p, const struct job_claimed *claimed, uint64_t inc,
               struct run_counted counted);

/* How many more posts may be taken. */
size_t run_room(const struct publisher *p);

/* TikTok has news of the post, if it is in our hands: its next poll comes now, as far as
 * the rate window lets it; one that is under way is followed by another. */
void run_nudge(struct publisher *p, uint64_t post_id);

/* The guards of at most max runs, beginning with run number from; how many. For
 * job_beat(). */
size_t run_refs(const struct publisher *p, size_t from, struct job_ref *out, size_t max);

/* Begins the requests that waited for a free place; once each turn of the loop. */
void run_take_turns(struct publisher *p);

/* Drops every run: the lease is gone. */
void run_drop_all(struct publisher *p);

/* Drops the runs of these posts: their fence moved. */
void run_drop(struct publisher *p, const uint64_t *post_ids, size_t n);

/* SIGTERM: gives back what waits; what is under way is given back when it ends. */
void run_stop_all(struct publisher *p);

#endif
