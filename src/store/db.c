#include "store/db.h"

#include "core/clock.h"
#include "core/fault.h"
#include "core/meter.h"
#include "core/random.h"
#include "core/xalloc.h"
#include "db_priv.h"
#include "stmt.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

/* --- the errors of MariaDB --------------------------------------------------------- */

enum {
    DROP = 1,  /* the connection is of no more use */
    LOST = 2,  /* it broke, so nobody knows what became of a write */
    AGAIN = 4, /* the transaction was undone for another's sake and may be repeated */
    SHOW = 8,  /* the server's text names only tables, columns and users */
    NOT = 16,  /* even of a COMMIT: it did not happen */
};

/* Numbers of the server's library, which it passes on as they are. */
enum { MYSYS_READ = 2, MYSYS_WRITE = 3, MYSYS_DISK_FULL = 20 };

struct meaning {
    unsigned number;
    enum rc rc;
    unsigned flags;
};

static const struct meaning meanings[] = {
    {ER_LOCK_DEADLOCK, RC_UNAVAILABLE, AGAIN | NOT},
    {ER_LOCK_WAIT_TIMEOUT, RC_UNAVAILABLE, AGAIN | NOT},
    {ER_CHECKREAD, RC_UNAVAILABLE, AGAIN | NOT}, /* 1020: innodb_snapshot_isolation */
    {ER_DUP_ENTRY, RC_CONFLICT, 0},
    {ER_DUP_ENTRY_WITH_KEY_NAME, RC_CONFLICT, 0},
    {ER_NO_REFERENCED_ROW_2, RC_CONFLICT, 0},
    {ER_ROW_IS_REFERENCED_2, RC_CONFLICT, 0},
    /* Away, or on its way out. */
    {CR_CONNECTION_ERROR, RC_UNAVAILABLE, DROP},
    {CR_CONN_HOST_ERROR, RC_UNAVAILABLE, DROP},
    {CR_UNKNOWN_HOST, RC_UNAVAILABLE, DROP},
    {CR_SERVER_GONE_ERROR, RC_UNAVAILABLE, DROP | LOST},
    {CR_SERVER_LOST, RC_UNAVAILABLE, DROP | LOST},
    {CR_SERVER_LOST_EXTENDED, RC_UNAVAILABLE, DROP | LOST},
    {CR_MALFORMED_PACKET, RC_UNAVAILABLE, DROP | LOST},
    {CR_COMMANDS_OUT_OF_SYNC, RC_BUG, DROP},
    {CR_SSL_CONNECTION_ERROR, RC_UNAVAILABLE, DROP | LOST | SHOW},
    {ER_CONNECTION_KILLED, RC_UNAVAILABLE, DROP | LOST},
    {ER_SERVER_SHUTDOWN, RC_UNAVAILABLE, DROP | LOST},
    {ER_NET_READ_ERROR, RC_UNAVAILABLE, DROP | LOST},
    {ER_NET_READ_INTERRUPTED, RC_UNAVAILABLE, DROP | LOST},
    {ER_NET_ERROR_ON_WRITE, RC_UNAVAILABLE, DROP | LOST},
    {ER_NET_WRITE_INTERRUPTED, RC_UNAVAILABLE, DROP | LOST},
    {ER_UNKNOWN_COM_ERROR, RC_UNAVAILABLE, DROP}, /* 1047: a Galera node not ready */
    /* There, but it does not write: another may be the primary by now. */
    {ER_OPTION_PREVENTS_STATEMENT, RC_UNAVAILABLE, DROP | NOT},
    {ER_READ_ONLY_MODE, RC_UNAVAILABLE, DROP | NOT},
    {ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, RC_UNAVAILABLE, DROP | NOT},
    /* There, but full or busy: what it cannot store now it will when there is room, so no
     * post may end for it. */
    {MYSYS_READ, RC_UNAVAILABLE, 0},
    {MYSYS_WRITE, RC_UNAVAILABLE, LOST},
    {MYSYS_DISK_FULL, RC_UNAVAILABLE, LOST},
    {ER_ERROR_ON_READ, RC_UNAVAILABLE, 0},
    {ER_ERROR_ON_WRITE, RC_UNAVAILABLE, LOST}, /* the binary log, perhaps after InnoDB */
    {ER_GET_ERRNO, RC_UNAVAILABLE, 0},
    {ER_ERROR_DURING_COMMIT, RC_UNAVAILABLE, LOST},
    {ER_BINLOG_LOGGING_IMPOSSIBLE, RC_UNAVAILABLE, 0},
    {ER_TRANS_CACHE_FULL, RC_UNAVAILABLE, 0},
    {ER_LOCK_TABLE_FULL, RC_UNAVAILABLE, 0},
    {ER_TOO_MANY_CONCURRENT_TRXS, RC_UNAVAILABLE, 0},
    {ER_OUTOFMEMORY, RC_UNAVAILABLE, 0},
    {ER_CANT_CREATE_THREAD, RC_UNAVAILABLE, 0},
    {ER_USER_LIMIT_REACHED, RC_UNAVAILABLE, SHOW},
    {ER_CON_COUNT_ERROR, RC_UNAVAILABLE, 0},
    {ER_TOO_MANY_USER_CONNECTIONS, RC_UNAVAILABLE, 0},
    {ER_OUT_OF_RESOURCES, RC_UNAVAILABLE, 0},
    {ER_DISK_FULL, RC_UNAVAILABLE, 0},
    {ER_RECORD_FILE_FULL, RC_UNAVAILABLE, 0},
    {ER_QUERY_INTERRUPTED, RC_UNAVAILABLE, 0},
    {ER_STATEMENT_TIMEOUT, RC_UNAVAILABLE, 0},
    /* Set up wrongly; an operator can mend it while we run. */
    {ER_ACCESS_DENIED_ERROR, RC_UNAVAILABLE, SHOW},
    {ER_DBACCESS_DENIED_ERROR, RC_UNAVAILABLE, SHOW},
    {ER_BAD_DB_ERROR, RC_UNAVAILABLE, SHOW},
    /* Ours to mend; the text helps. */
    {ER_NO_SUCH_TABLE, RC_BUG, SHOW},
    {ER_BAD_FIELD_ERROR, RC_BUG, SHOW},
    {ER_PARSE_ERROR, RC_BUG, SHOW},
    {ER_TABLEACCESS_DENIED_ERROR, RC_BUG, SHOW},
    {ER_COLUMNACCESS_DENIED_ERROR, RC_BUG, SHOW},
    {ER_SPECIFIC_ACCESS_DENIED_ERROR, RC_BUG, SHOW},
    {ER_DATA_TOO_LONG, RC_BUG, SHOW},
    {ER_WARN_DATA_OUT_OF_RANGE, RC_BUG, SHOW},
    {ER_BAD_NULL_ERROR, RC_BUG, SHOW},
};

static const struct meaning *meaning_of(unsigned number)
{
    static const struct meaning unknown = {0, RC_BUG, 0};

    for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
        if (meanings[i].number == number)
            return &meanings[i];
    }
    return &unknown;
}

static enum rc away(struct err *err, unsigned number)
{
    return err_set(err, RC_UNAVAILABLE, "database_unavailable",
                   "The database does not answer (%u).", number);
}

static enum rc say(const struct meaning *m, unsigned number, const char *text,
                   struct err *err)
{
    const char *shown = (m->flags & SHOW) != 0 ? text : "";

    if (m->rc == RC_CONFLICT)
        return err_set(err, RC_CONFLICT,
                       number == ER_DUP_ENTRY || number == ER_DUP_ENTRY_WITH_KEY_NAME
                           ? "duplicate"
                           : "foreign_key",
                       "The database's own rules refused the change (%u).", number);
    if (m->rc == RC_BUG)
        return err_set(err, RC_BUG, "database_bug", "MariaDB error %u %.160s", number,
                       shown);
    if (shown[0] != '\0')
        return err_set(err, RC_UNAVAILABLE, "database_unavailable",
                       "The database refuses: %.160s (%u).", shown, number);
    return away(err, number);
}

/* The one error of the library's that comes before anything was written. */
static bool is_unsent(unsigned number)
{
    return number == CR_SERVER_GONE_ERROR;
}

/* A COMMIT that was not answered by OK is in doubt unless the error says otherwise: a
 * timeout, or a full disk below the binary log, can come after the engine has done it. */
static bool is_uncertain(const struct db *db, enum db_doing doing,
                         const struct meaning *m, unsigned number)
{
    if (is_unsent(number) || (m->flags & NOT) != 0)
        return false;
    if (doing == DB_DOING_COMMIT)
        return true;
    return doing == DB_DOING_WRITE && !db->in_transaction && (m->flags & LOST) != 0;
}

enum rc db_fail(struct db *db, enum db_doing doing, unsigned number, const char *text,
                struct err *err)
{
    const struct meaning *m = meaning_of(number);
    bool uncertain = is_uncertain(db, doing, m, number);
    enum rc rc = say(m, number, text, err);

    db->unsent = is_unsent(number);
    if ((m->flags & AGAIN) != 0) {
        db->doomed = db->in_transaction;
        db->again = number == ER_LOCK_DEADLOCK ? DB_TRIES_DEADLOCK : DB_TRIES;
    }
    if ((m->flags & DROP) != 0 || uncertain)
        db_drop(db);
    if (!uncertain)
        return rc;
    if ((m->flags & DROP) == 0) /* it answers, but something is wrong with it */
        db->hold_until_ms = clock_mono_ms(clock_system()) + DB_HOLD_MS;
    return err_set(err, RC_UNCERTAIN, "database_uncertain",
                   "The database failed (%u) while it was storing; it may or may not have"
                   " done so.",
                   number);
}

/* --- a connection's life ----------------------------------------------------------- */

static void init_library(void)
{
    (void)mysql_library_init(0, NULL, NULL); /* must come before any thread's first use */
}

enum rc db_new(const char *url, struct db **out, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct db *db = xcalloc(1, sizeof(*db));
    enum rc rc = db_url_parse(url, &db->url, err);

    if (rc != RC_OK) {
        free(db);
        return rc;
    }
    (void)pthread_once(&once, init_library);
    db->deadline_ms = DB_READ_MS;
    db->connect_ms = DB_CONNECT_MS;
    db->lock_wait_ms = DB_LOCK_WAIT_MS;
    db->idle_ms = DB_IDLE_MS;
    *out = db;
    return RC_OK;
}

enum rc db_url_check(const char *url, struct err *err)
{
    struct db *db = NULL;
    enum rc rc = db_new(url, &db, err);

    db_free(db);
    return rc;
}

void db_free(struct db *db)
{
    if (db == NULL)
        return;
    db_drop(db);
    db_url_release(&db->url);
    free(db->binds);
    free(db);
}

void db_set_deadline(struct db *db, int64_t deadline_ms)
{
    db->deadline_ms = deadline_ms;
    db_drop(db);
}

void db_drop(struct db *db)
{
    /* First the connection, then the statements: they say nothing to the server then. */
    if (db->mysql != NULL)
        mysql_close(db->mysql);
    db->mysql = NULL;
    for (size_t i = 0; i < DB_CACHE_SLOTS && db->cached > 0; i++) {
        if (db->cache[i].sql != NULL)
            (void)mysql_stmt_close(db->cache[i].stmt);
        db->cache[i] = (struct db_cached){NULL, NULL};
    }
    db->cached = 0;
    db->doomed = db->in_transaction; /* whatever it had done is undone */
}

/* A server that ended, or ended this connection while it was idle, has said so: there is
 * something to read, though nothing was asked. */
static bool stale(const struct db *db)
{
    struct pollfd p = {.fd = (int)mysql_get_socket(db->mysql), .events = POLLIN};

    return poll(&p, 1, 0) != 0;
}

enum rc db_ready(struct db *db, struct err *err)
{
    int64_t now;
    enum rc rc;

    if (db->in_transaction)
        return db->doomed ? err_set(err, RC_UNAVAILABLE, "database_unavailable",
                                    "The transaction was undone by the database.")
                          : RC_OK;
    if (db->mysql != NULL && stale(db))
        db_drop(db);
    if (db->mysql != NULL)
        return RC_OK;
    now = clock_mono_ms(clock_system());
    if (now < db->hold_until_ms)
        return away(err, 0);
    rc = db_connect(db, err);
    if (rc != RC_OK) {
        db_drop(db);
        db->hold_until_ms = clock_mono_ms(clock_system()) + DB_HOLD_MS;
    }
    return rc;
}

enum rc db_say(struct db *db, enum db_doing doing, const char *sql, struct err *err)
{
    if (mysql_real_query(db->mysql, sql, (unsigned long)strlen(sql)) == 0)
        return RC_OK;
    return db_fail(db, doing, mysql_errno(db->mysql), mysql_error(db->mysql), err);
}

/* --- transactions ------------------------------------------------------------------ */

/* Nothing was asked of the server yet, so a connection that turns out to be broken only
 * now is replaced; but not one that kept us waiting. */
static enum rc begin(struct db *db, struct err *err)
{
    enum rc rc = db_ready(db, err);

    if (rc == RC_OK) {
        rc = db_say(db, DB_DOING_READ, "START TRANSACTION", err);
        if (rc != RC_OK && db->unsent) {
            rc = db_ready(db, err);
            if (rc == RC_OK)
                rc = db_say(db, DB_DOING_READ, "START TRANSACTION", err);
        }
    }
    if (rc == RC_OK) {
        db->in_transaction = true;
        db->doomed = false;
        db->again = 0;
    }
    return rc;
}

static void roll_back(struct db *db)
{
    struct err ignored; /* a connection that cannot even roll back is dropped */

    db->in_transaction = false;
    if (db->mysql != NULL && db_say(db, DB_DOING_READ, "ROLLBACK", &ignored) != RC_OK)
        db_drop(db);
    db->doomed = false;
}

static enum rc lose_commit(struct db *db, struct err *err)
{
    return db_fail(db, DB_DOING_COMMIT, CR_SERVER_LOST, "", err);
}

static enum rc commit(struct db *db, struct err *err)
{
    enum rc rc;

    if (db->doomed) { /* the steps went on after an error that undid them */
        roll_back(db);
        return err_set(err, RC_UNAVAILABLE, "database_unavailable",
                       "The transaction was undone by the database.");
    }
    FAULT_POINT("db.before_commit");
    if (FAULT_ERROR("db.commit_unsent"))
        rc = lose_commit(db, err);
    else
        rc = db_say(db, DB_DOING_COMMIT, "COMMIT", err);
    if (rc == RC_OK && FAULT_ERROR("db.commit_unanswered"))
        rc = lose_commit(db, err);
    FAULT_POINT("db.after_commit");
    if (rc == RC_OK)
        db->in_transaction = false;
    else
        roll_back(db); /* after an answer other than OK it may still be open */
    return rc;
}

void db_pause(int runs)
{
    (void)poll(NULL, 0, 1 + (int)random_below(random_system(), (uint64_t)runs * 4));
}

static enum rc run_steps(struct db *db, db_steps_fn steps, void *ctx, struct err *err)
{
    for (int run = 1;; run++) {
        enum rc rc = begin(db, err);

        if (rc != RC_OK)
            return rc;
        rc = steps(db, ctx, err);
        if (rc == RC_OK)
            rc = commit(db, err);
        else
            roll_back(db);
        if (rc == RC_OK || run >= db->again)
            return rc;
        meter_add(METER_DEADLOCK_RETRY, 1);
        db_pause(run);
    }
}

enum rc db_transaction(struct db *db, db_steps_fn steps, void *ctx, struct err *err)
{
    int64_t begun_ms;
    enum rc rc;

    if (db->in_transaction)
        return steps(db, ctx, err);
    begun_ms = clock_mono_ms(clock_system());
    rc = run_steps(db, steps, ctx, err);
    meter_span(METER_DB_TIME, clock_mono_ms(clock_system()) - begun_ms);
    return rc;
}

/* --- small questions --------------------------------------------------------------- */

enum rc db_now(struct db *db, int64_t *now_ms, struct err *err)
{
    const struct sql_col cols[] = {COL_I64(now_ms)};
    bool found = false;

    return db_row(db, "SELECT " SQL_NOW, SQL_NONE, SQL_COLS(cols), &found, err);
}

enum rc db_ping(struct db *db, struct err *err)
{
    int64_t read_only = 0;
    const struct sql_col cols[] = {COL_I64(&read_only)};
    bool found = false;
    enum rc rc =
        db_row(db, "SELECT @@global.read_only", SQL_NONE, SQL_COLS(cols), &found, err);

    if (rc == RC_OK && read_only != 0)
        return err_set(err, RC_UNAVAILABLE, "database_unavailable",
                       "The database is read-only.");
    return rc;
}
