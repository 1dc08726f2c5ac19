/* db: a server that freezes, refuses writes or is full. These tests change the server
 * itself, so the program runs on one of its own. */
#include "core/clock.h"
#include "core/io.h"
#include "core/parse.h"
#include "core/xalloc.h"
#include "database.h"
#include "servers.h"
#include "store/db_priv.h"
#include "store/stmt.h"

#include <dirent.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct db *db, *other;
static struct err err;
static pid_t server;

static pid_t pid_of_server(void)
{
    struct strbuf path, text;
    int64_t pid = 0;

    strbuf_init(&path, 512);
    strbuf_init(&text, 32);
    strbuf_addf(&path, "%s/mariadb.pid", getenv("TEST_SERVERS_DIR"));
    ck_assert_int_eq(io_read_file(path.buf, &text, &err), RC_OK);
    ck_assert(parse_i64_slice(text.buf, strcspn(text.buf, "\n"), 2, INT32_MAX, &pid));
    strbuf_release(&path);
    strbuf_release(&text);
    return (pid_t)pid;
}

static void setup(void)
{
    server = pid_of_server();
    (void)kill(server, SIGCONT); /* a test that failed may have left it so */
    db = database_open_hurried();
    other = database_open_hurried();
    ck_assert_int_eq(db_ping(db, &err), RC_OK);
    database_run(db, "CREATE TABLE IF NOT EXISTS t (n INT) ENGINE=InnoDB");
    database_run(db, "DELETE FROM t");
}

static void teardown(void)
{
    (void)kill(server, SIGCONT);
    db_free(db);
    db_free(other);
}

static int64_t mono(void)
{
    return clock_mono_ms(clock_system());
}

static enum rc insert(struct db *d, void *ctx UNUSED, struct err *e)
{
    return db_exec(d, "INSERT INTO t (n) VALUES (1)", SQL_NONE, NULL, e);
}

/* "pid (name) T ..." */
static bool stopped(const char *task)
{
    struct strbuf path, text;
    const char *state;
    bool is;

    strbuf_init(&path, 512);
    strbuf_init(&text, 4096);
    strbuf_addf(&path, "/proc/%d/task/%s/stat", (int)server, task);
    ck_assert_int_eq(io_read_file(path.buf, &text, &err), RC_OK);
    state = strrchr(text.buf, ')');
    is = state != NULL && state[2] == 'T';
    strbuf_release(&path);
    strbuf_release(&text);
    return is;
}

static bool all_stopped(void)
{
    char path[64];
    DIR *tasks;
    bool all = true;

    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)server);
    tasks = opendir(path);
    ck_assert_ptr_nonnull(tasks);
    for (const struct dirent *e = readdir(tasks); e != NULL; e = readdir(tasks))
        all = all && (e->d_name[0] == '.' || stopped(e->d_name));
    (void)closedir(tasks);
    return all;
}

/* Returns when no thread of the server runs any more. */
static void freeze(void)
{
    ck_assert_int_eq(kill(server, SIGSTOP), 0);
    while (!all_stopped())
        (void)sched_yield();
}

static void thaw(void)
{
    ck_assert_int_eq(kill(server, SIGCONT), 0);
}

/* A deadline is a promise to whoever waits in front of a browser: it is waited for once.
 * There is room for a machine that is busy, as long as it is not a second one. */
static void one_deadline(int64_t begin, int64_t ms)
{
    ck_assert_int_lt(mono() - begin, 2 * ms);
}

START_TEST(a_frozen_server_costs_one_deadline_and_then_nothing)
{
    int64_t begin = mono();

    freeze();
    ck_assert_int_eq(db_ping(db, &err), RC_UNAVAILABLE);
    one_deadline(begin, DB_READ_MS);
    /* The same for one that was not prepared yet, and for a transaction. */
    begin = mono();
    ck_assert_int_eq(insert(other, NULL, &err), RC_UNAVAILABLE);
    one_deadline(begin, DB_READ_MS);
    /* The connection is gone; the next try is one connect, and then none for a while. */
    begin = mono();
    ck_assert_int_eq(db_ping(db, &err), RC_UNAVAILABLE);
    one_deadline(begin, DB_CONNECT_MS);
    db->hold_until_ms += 60000;
    ck_assert_int_eq(db_ping(db, &err), RC_UNAVAILABLE);
    ck_assert_str_eq(err.msg, "The database does not answer (0)."); /* nobody was asked */
    thaw();
    db->hold_until_ms = 0;
    ck_assert_int_eq(db_ping(db, &err), RC_OK);
}
END_TEST

START_TEST(a_write_to_a_frozen_server_is_uncertain_and_in_a_transaction_is_not)
{
    int64_t begin;

    ck_assert_int_eq(insert(db, NULL, &err), RC_OK);
    ck_assert_int_eq(db_ping(other, &err), RC_OK);
    freeze();
    ck_assert_int_eq(insert(db, NULL, &err), RC_UNCERTAIN);
    begin = mono();
    ck_assert_int_eq(db_transaction(other, insert, NULL, &err), RC_UNAVAILABLE);
    one_deadline(begin, DB_READ_MS);
    thaw();
}
END_TEST

START_TEST(a_longer_deadline_waits_longer)
{
    int64_t n = 0;
    const struct sql_col cols[] = {COL_I64(&n)};
    bool found = false;

    db_set_deadline(db, 60000);
    ck_assert_int_eq(
        db_row(db, "SELECT SLEEP(2.5)", SQL_NONE, SQL_COLS(cols), &found, &err), RC_OK);
    ck_assert_str_eq(database_text(db, "SELECT @@max_statement_time"), "59.700000");
}
END_TEST

START_TEST(a_server_that_takes_no_writes_is_refused)
{
    database_run(other, "SET GLOBAL read_only = 1");
    db_drop(db);
    ck_assert_int_eq(db_ping(db, &err), RC_UNAVAILABLE);
    ck_assert_str_eq(err.msg, "The database is read-only.");
    database_run(other, "SET GLOBAL read_only = 0");
    db->hold_until_ms = 0;
    ck_assert_int_eq(db_ping(db, &err), RC_OK);
}
END_TEST

/* It became a replica under an open connection of a program's own user. */
START_TEST(a_server_that_stops_taking_writes_costs_the_connection)
{
    struct db *api = NULL;
    int64_t before, n = 0;
    const struct sql_col cols[] = {COL_I64(&n)};
    bool found = false;

    database_run(other, "CREATE USER IF NOT EXISTS ordinary@localhost IDENTIFIED BY"
                        " 'a-password'");
    database_run(other, "GRANT SELECT, INSERT, UPDATE ON * TO ordinary@localhost");
    ck_assert_int_eq(db_new(database_url("ordinary", "a-password"), &api, &err), RC_OK);
    ck_assert_int_eq(
        db_row(api, "SELECT CONNECTION_ID()", SQL_NONE, SQL_COLS(cols), &found, &err),
        RC_OK);
    before = n;
    database_run(other, "SET GLOBAL read_only = 1");
    ck_assert_int_eq(insert(api, NULL, &err), RC_UNAVAILABLE);
    ck_assert_ptr_null(api->mysql);
    database_run(other, "SET GLOBAL read_only = 0");
    ck_assert_int_eq(
        db_row(api, "SELECT CONNECTION_ID()", SQL_NONE, SQL_COLS(cols), &found, &err),
        RC_OK);
    ck_assert_int_ne(n, before);
    db_free(api);
}
END_TEST

/* A database over a network that is not private. */
static enum rc ping_with_authority(const char *file, const char **cipher)
{
    struct db *d = NULL;
    char url[1024];
    enum rc rc;

    (void)snprintf(url, sizeof(url), "%s&tls_ca=%s/%s", database_url(NULL, NULL),
                   getenv("TEST_SERVERS_DIR"), file);
    ck_assert_int_eq(db_new(url, &d, &err), RC_OK);
    rc = db_ping(d, &err);
    if (rc == RC_OK)
        *cipher = database_text(d, "SELECT variable_value FROM"
                                   " information_schema.session_status"
                                   " WHERE variable_name = 'SSL_CIPHER'");
    db_free(d);
    return rc;
}

START_TEST(with_an_authority_only_a_server_it_vouches_for_is_spoken_to)
{
    const char *cipher = "";

    ck_assert_int_eq(ping_with_authority("cert.pem", &cipher), RC_OK);
    ck_assert_str_ne(cipher, "");
    ck_assert_int_eq(ping_with_authority("other.pem", &cipher), RC_UNAVAILABLE);
    ck_assert_int_eq(ping_with_authority("none.pem", &cipher), RC_UNAVAILABLE);
}
END_TEST

int main(int argc UNUSED, char **argv)
{
    const TTest *const tests[] = {
        a_frozen_server_costs_one_deadline_and_then_nothing,
        a_write_to_a_frozen_server_is_uncertain_and_in_a_transaction_is_not,
        a_longer_deadline_waits_longer,
        a_server_that_takes_no_writes_is_refused,
        a_server_that_stops_taking_writes_costs_the_connection,
        with_an_authority_only_a_server_it_vouches_for_is_spoken_to};
    int status;

    (void)setenv("TEST_TLS", "1", 1);
    own_servers(argv[0], "mariadb");
    database_create();
    status = unit_run("store_server", tests, ARRAY_LEN(tests), setup, teardown);
    database_drop();
    return status;
}
