/* A new connection: its options, and what is checked before anybody uses it. */
#include "core/text.h"
#include "db_priv.h"

#include <mysqld_error.h>
#include <stdio.h>
#include <string.h>

static void set_options(const struct db *db, MYSQL *mysql)
{
    /* The library counts in seconds. */
    unsigned connect_s = (unsigned)((db->connect_ms + 999) / 1000);
    unsigned wait_s = (unsigned)((db->deadline_ms + 999) / 1000);
    unsigned protocol =
        db->url.socket != NULL ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    unsigned off = 0;
    my_bool no = 0;

    (void)mysql_optionsv(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    (void)mysql_optionsv(mysql, MYSQL_OPT_READ_TIMEOUT, &wait_s);
    (void)mysql_optionsv(mysql, MYSQL_OPT_WRITE_TIMEOUT, &wait_s);
    (void)mysql_optionsv(mysql, MYSQL_OPT_PROTOCOL, &protocol);
    (void)mysql_optionsv(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
    (void)mysql_optionsv(mysql, MYSQL_OPT_RECONNECT, &no);
    (void)mysql_optionsv(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (db->url.tls_ca != NULL) {
        my_bool yes = 1;

        (void)mysql_optionsv(mysql, MYSQL_OPT_SSL_CA, db->url.tls_ca);
        (void)mysql_optionsv(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
        (void)mysql_optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
    }
}

/* The server ends a statement a little before we would stop listening, so that its fate
 * is known, and a transaction whose program is paused: a publisher that was declared dead
 * must not hold the rows that others are to take over. */
static enum rc set_session(struct db *db, struct err *err)
{
    char sql[512];
    enum rc rc = db_say(db, DB_DOING_CONNECT,
                        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", err);

    if (rc != RC_OK)
        return rc;
    (void)snprintf(sql, sizeof(sql),
                   "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,"
                   "NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY', time_zone = '+00:00',"
                   " innodb_lock_wait_timeout = %d, idle_transaction_timeout = %d,"
                   " max_statement_time = %d.%03d",
                   (int)(db->lock_wait_ms / 1000), (int)(db->idle_ms / 1000),
                   (int)((db->deadline_ms - DB_MARGIN_MS) / 1000),
                   (int)((db->deadline_ms - DB_MARGIN_MS) % 1000));
    return db_say(db, DB_DOING_CONNECT, sql, err);
}

/* A replica must not be mistaken for the primary. Those with rights enough to write to it
 * all the same would not notice, so it is asked. */
static enum rc check_writable(struct db *db, struct err *err)
{
    bool read_only = true;
    MYSQL_RES *result;
    enum rc rc = db_say(db, DB_DOING_CONNECT, "SELECT @@global.read_only", err);

    if (rc != RC_OK)
        return rc;
    result = mysql_store_result(db->mysql);
    if (result != NULL) {
        MYSQL_ROW row = mysql_fetch_row(result);

        read_only = row == NULL || row[0] == NULL || strcmp(row[0], "0") != 0;
        mysql_free_result(result);
    }
    if (read_only)
        return err_set(err, RC_UNAVAILABLE, "database_unavailable",
                       "The database is read-only.");
    return RC_OK;
}

/* Without CLIENT_FOUND_ROWS an UPDATE that changes nothing reports no row, and every
 * fence would look lost. */
static enum rc prove_found_rows(struct db *db, struct err *err)
{
    enum rc rc = db_say(db, DB_DOING_CONNECT,
                        "UPDATE connection_check SET n = n WHERE id = 1", err);

    if (rc == RC_BUG && mysql_errno(db->mysql) == ER_NO_SUCH_TABLE)
        return err_set(err, RC_UNAVAILABLE, "database_unavailable",
                       "The database has no schema yet: run ttsctl migrate.");
    if (rc != RC_OK)
        return rc;
    if (mysql_affected_rows(db->mysql) != 1)
        return err_set(err, RC_BUG, "database_bug",
                       "The connection does not count the rows it finds.");
    return RC_OK;
}

enum rc db_connect(struct db *db, struct err *err)
{
    const struct db_url *url = &db->url;
    MYSQL *mysql = mysql_init(NULL);
    enum rc rc;

    if (mysql == NULL)
        return err_set(err, RC_UNAVAILABLE, "database_unavailable", "Out of memory.");
    set_options(db, mysql);
    db->mysql = mysql;
    if (mysql_real_connect(mysql, url->host, url->user, url->password, url->database,
                           url->port, url->socket, CLIENT_FOUND_ROWS) == NULL)
        return db_fail(db, DB_DOING_CONNECT, mysql_errno(mysql), mysql_error(mysql), err);
    rc = set_session(db, err);
    if (rc == RC_OK)
        rc = check_writable(db, err);
    if (rc == RC_OK && !db->setup)
        rc = prove_found_rows(db, err);
    return rc;
}
