/* publisher/tokens/journal.h - tokens that TikTok has issued and the database has not got
 * yet.
 *
 * A rotated refresh token exists once, in an answer that was just read. Before anything
 * else it is written here, sealed, and forced to disk; the database follows. A process
 * that dies in between leaves its file, which the next one to start stores and removes.
 * One file for each process in the state directory, locked while it lives, so that
 * several may share a directory. Safe from any thread. */
#ifndef PUBLISHER_JOURNAL_H
#define PUBLISHER_JOURNAL_H

#include "store/account_tokens.h"

struct journal;

/* Opens a file of our own in dir, which is created when missing. */
enum rc journal_open(const char *dir, struct journal **out, struct err *err) MUST_CHECK;
void journal_close(struct journal *j); /* NULL is fine; removes a file nobody needs */

/* Writes down, durably, that pair follows version. Also when it fails, journal_done() is
 * to be called once the database has the pair. */
enum rc journal_add(struct journal *j, uint64_t account_id, unsigned version,
                    const struct token_pair *pair, struct err *err) MUST_CHECK;

/* The database has the pair of one journal_add(); when no other is under way the file is
 * emptied. */
void journal_done(struct journal *j);

/* What a line of a journal says; pair's texts and blobs are borrowed for the call. Its
 * lives count from now, not from when it was written. RC_CONFLICT and RC_NOT_FOUND: the
 * database is past it, which is fine. */
typedef enum rc (*journal_store_fn)(void *ctx, uint64_t account_id, unsigned version,
                                    const struct token_pair *pair, struct err *err);

/* Stores what dead processes left in the directory, and removes their files; *stored says
 * how many pairs were new to the database. A line cut short by a crash is passed over:
 * its journal_add() never returned. Any other failure of store ends the replay, and the
 * file stays for another time. */
enum rc journal_replay(struct journal *j, journal_store_fn store, void *ctx,
                       size_t *stored, struct err *err) MUST_CHECK;

#endif
