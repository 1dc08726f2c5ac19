/* store/db.h - one MariaDB connection that mends itself.
 *
 * The connection is made at the first statement and again after it broke; nothing is ever
 * repeated silently inside a transaction. Every connection is checked before use: READ
 * COMMITTED, strict mode, utf8mb4, CLIENT_FOUND_ROWS (proved on connection_check), not
 * read-only, no LOCAL INFILE, no silent reconnect, deadlines on connect, read and write
 * (docs/security.md, docs/publishing.md). After a failed connect the statements of the
 * following DB_HOLD_MS fail at once, so that a dead server costs a request at most one
 * connect timeout.
 *
 * Failures of every function in store/: RC_UNAVAILABLE "database_unavailable" when the
 * server is away, refuses writes or timed out (nothing happened); RC_UNCERTAIN
 * "database_uncertain" when the connection broke in COMMIT, or in a write outside a
 * transaction, which is its own; RC_BUG for what only a mistake of ours can cause. Others
 * are named where they can occur.
 *
 * A struct db belongs to one thread. Times are ms since the epoch, UTC, of the database's
 * clock. The rows are told by one file a table or aggregate in src/store; statements are
 * run with src/store/stmt.h, which is private to this layer. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "core/err.h"

#include <stdint.h>

struct db;

enum {
    DB_CONNECT_MS = 1000,   /* deadline of a connect: a request must fail within 2 s */
    DB_READ_MS = 2000,      /* of one answer, unless db_set_deadline() said another */
    DB_MARGIN_MS = 300,     /* the server gives a statement up so long before we do */
    DB_LOCK_WAIT_MS = 1000, /* for a row that another transaction holds */
    DB_IDLE_MS = 5000,      /* a transaction that says nothing for so long is ended: its
                             * program was paused, and its locks keep others waiting */
    DB_HOLD_MS = 500,       /* after a failed connect: fail fast for this long */
    DB_TRIES = 3,           /* runs of a transaction that waited for a lock in vain */
    DB_TRIES_DEADLOCK = 10, /* and of one that lost a deadlock, which is told at once */
};

/* url: "mysql://user:password@host[:port]/database" or
 * "mysql://user:password@localhost/database?socket=/path"; parts are percent-decoded.
 * With ?tls_ca=/path nothing but TLS is spoken, to a server whose certificate for that
 * host is signed by one of the authorities in that file. Connects to nothing yet.
 * RC_INVALID: not such a URL; the message never shows it. The caller frees *out with
 * db_free(). */
enum rc db_new(const char *url, struct db **out, struct err *err) MUST_CHECK;

/* For a table of settings: what db_new() would say of url. */
enum rc db_url_check(const char *url, struct err *err) MUST_CHECK;

/* Closes the connection. NULL is fine. */
void db_free(struct db *db);

/* Who need not answer a waiting person within two seconds may wait longer for one answer:
 * deadline_ms > 0, rounded up to whole seconds. Ends the present connection. */
void db_set_deadline(struct db *db, int64_t deadline_ms);

/* RC_OK when the server answers and accepts writes. */
enum rc db_ping(struct db *db, struct err *err) MUST_CHECK;

/* The database's clock. */
enum rc db_now(struct db *db, int64_t *now_ms, struct err *err) MUST_CHECK;

/* Runs steps inside one transaction: COMMIT when they return RC_OK, ROLLBACK else. After
 * a deadlock or a lock timeout the whole is run again, up to so many times, so steps must
 * not keep what a run before had found. Inside another transaction it just runs
 * steps: the outer one decides. RC_UNCERTAIN: see above. */
typedef enum rc (*db_steps_fn)(struct db *db, void *ctx, struct err *err);
enum rc db_transaction(struct db *db, db_steps_fn steps, void *ctx,
                       struct err *err) MUST_CHECK;

#endif
