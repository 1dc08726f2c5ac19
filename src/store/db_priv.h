/* store/db_priv.h - a connection's insides, shared by db.c, connect.c and stmt.c. */
#ifndef SRC_STORE_DB_PRIV_H
#define SRC_STORE_DB_PRIV_H

#include "core/attr.h"
#include "core/err.h"
#include "store/db.h"
#include "url.h"

#include <mysql.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DB_CACHE_SLOTS = 512, /* a power of two */
    DB_CACHE_MAX = 384,   /* statements kept prepared; the server's limit is 16382 */
};

struct db_cached {
    const char *sql; /* the text's address is the key; NULL: free */
    MYSQL_STMT *stmt;
};

struct db {
    struct db_url url;
    int64_t deadline_ms, connect_ms, lock_wait_ms, idle_ms;
    bool setup; /* no schema yet: leave connection_check out */

    MYSQL *mysql;          /* NULL while closed */
    int64_t hold_until_ms; /* monotonic: no new connect before this */
    uint64_t insert_id;
    bool in_transaction;
    bool doomed; /* the transaction can only be rolled back */
    int again;   /* runs it may have that has failed so; 0: no second one */
    bool unsent; /* the last failure: the request never reached the server */

    struct db_cached cache[DB_CACHE_SLOTS];
    size_t cached;
    MYSQL_BIND *binds; /* room for parameters, then for columns */
    size_t binds_len;
};

/* What was being done when the server or the library complained. */
enum db_doing {
    DB_DOING_CONNECT,
    DB_DOING_READ,  /* nothing can have changed */
    DB_DOING_WRITE, /* outside a transaction, so its own COMMIT; inside: as READ */
    DB_DOING_COMMIT,
};

/* The one place that turns an error number of MariaDB into a class. Drops the connection
 * when it is of no more use, and dooms the transaction where the server has undone it. */
enum rc db_fail(struct db *db, enum db_doing doing, unsigned number, const char *text,
                struct err *err);

/* A connection that is open, checked and not known to be broken. Inside a transaction it
 * is the transaction's own or none. */
enum rc db_ready(struct db *db, struct err *err) MUST_CHECK;

/* Between two runs of what lost to others: a few ms, not the same for all of them, or
 * they would meet again. */
void db_pause(int runs);

/* Closes the connection; the next db_ready() opens another. */
void db_drop(struct db *db);

/* Opens and checks a connection. (connect.c) */
enum rc db_connect(struct db *db, struct err *err) MUST_CHECK;

/* Runs a constant statement without values or rows. */
enum rc db_say(struct db *db, enum db_doing doing, const char *sql,
               struct err *err) MUST_CHECK;

#endif
