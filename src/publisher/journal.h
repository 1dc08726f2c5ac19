/* publisher/journal.h - tokens that TikTok has issued and the database has not got yet.
 *
 * A rotated refresh token exists once, in an answer that was just read. Before anything
 * else it is written here, sealed, and forced to disk; the database follows. A process
 * that dies in between finds it at its next start and stores it then. One file for each
 * process in the state directory; a live one is locked. Safe from any thread. */
#ifndef PUBLISHER_JOURNAL_H
#define PUBLISHER_JOURNAL_H

#include "store/account_tokens.h"

struct journal;

/* Opens this process's file in dir, which is created when missing. */
enum rc journal_open(const char *dir, struct journal **out, struct err *err) MUST_CHECK;
void journal_close(struct journal *j); /* NULL is fine; removes an empty file */

/* Writes down, durably, that pair follows version. */
enum rc journal_add(struct journal *j, uint64_t account_id, unsigned version,
                    const struct token_pair *pair, struct err *err) MUST_CHECK;

/* The database has the pair of the latest journal_add() of one thread; when no other is
 * under way the file is emptied. */
void journal_done(struct journal *j);

/* Stores what dead processes left in the directory, and removes their files. Entries
 * that the database is past already are dropped. RC_UNAVAILABLE: try again later. */
enum rc journal_replay(struct journal *j, struct db *db, struct err *err) MUST_CHECK;

#endif
