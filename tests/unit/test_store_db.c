/* db, stmt, url: connections that mend themselves, values both ways, and what becomes of
 * a transaction when the server or the network fails. */
#include "core/fault.h"
#include "core/xalloc.h"
#include "database.h"
#include "store/db_priv.h"
#include "store/stmt.h"
#include "store/url.h"

#include <errmsg.h>
#include <mysqld_error.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct db *db, *other;
static struct err err;

static void setup(void)
{
    db = database_open();
    other = database_open();
    database_run(db, "CREATE TABLE IF NOT EXISTS t (id BIGINT UNSIGNED AUTO_INCREMENT"
                     " PRIMARY KEY, n BIGINT, u BIGINT UNSIGNED, s VARCHAR(20),"
                     " b VARBINARY(20), k INT UNIQUE) ENGINE=InnoDB");
    database_run(db, "DELETE FROM t");
}

static void teardown(void)
{
    db_free(db);
    db_free(other);
}

static int64_t connection_of(struct db *which)
{
    return database_number(which, "SELECT CONNECTION_ID()");
}

static void kill_connection(struct db *which)
{
    database_run(which == db ? other : db, "KILL %" PRId64, connection_of(which));
}

/* --- the URL ---------------------------------------------------------------------- */

START_TEST(a_url_is_taken_apart)
{
    static const struct {
        const char *url, *user, *password, *host, *socket, *database;
        unsigned port;
    } rows[] = {
        {"mysql://u:p@h/d", "u", "p", "h", NULL, "d", 3306},
        {"mysql://u:p@h:1/d", "u", "p", "h", NULL, "d", 1},
        {"mysql://u@h:65535/d", "u", "", "h", NULL, "d", 65535},
        {"mysql://u:p%40%3a%2f%25@h/d%20e", "u", "p@:/%", "h", NULL, "d e", 3306},
        {"mysql://u:p@[::1]/d", "u", "p", "::1", NULL, "d", 3306},
        {"mysql://u:p@[::1]:99/d", "u", "p", "::1", NULL, "d", 99},
        {"mysql://u:p@localhost/d?socket=/a%20b", "u", "p", "localhost", "/a b", "d", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct db_url u;

        ck_assert_msg(db_url_parse(rows[i].url, &u, &err) == RC_OK, "%s", rows[i].url);
        ck_assert_str_eq(u.user, rows[i].user);
        ck_assert_str_eq(u.password, rows[i].password);
        ck_assert_str_eq(u.host, rows[i].host);
        ck_assert_str_eq(u.database, rows[i].database);
        ck_assert_pstr_eq(u.socket, rows[i].socket);
        ck_assert_uint_eq(u.port, rows[i].port);
        db_url_release(&u);
    }
}
END_TEST

START_TEST(other_urls_are_refused_without_showing_them)
{
    static const char *const bad[] = {
        "",
        "mysql:",
        "mysql://",
        "postgres://u:canary@h/d",
        "MYSQL://u:canary@h/d",
        "mysql://h/d",
        "mysql://u:canary@h",
        "mysql://u:canary@h/",
        "mysql://u:canary@/d",
        "mysql://u:canary@h:/d",
        "mysql://u:canary@h:0/d",
        "mysql://u:canary@h:65536/d",
        "mysql://u:canary@h:3x/d",
        "mysql://u:canary@[::1/d",
        "mysql://u:canary@[::1]3/d",
        "mysql://u:canary@more@h/d",
        "mysql://u:canary%4@h/d",
        "mysql://u:canary%00@h/d",
        "mysql://u:canary@h/d?socket=relative",
        "mysql://u:canary@h/d?socket=/a&socket=/b",
        "mysql://u:canary@h/d?socket",
        "mysql://u:canary@h/d?other=/x",
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct db *none = NULL;

        ck_assert_msg(db_new(bad[i], &none, &err) == RC_INVALID, "%s", bad[i]);
        ck_assert_ptr_null(none);
        ck_assert_ptr_null(strstr(err.msg, "canary"));
    }
}
END_TEST

/* --- values ----------------------------------------------------------------------- */

static void insert(int64_t n, uint64_t u, struct sql_arg s, struct sql_arg b)
{
    const struct sql_arg args[] = {sql_i64(n), sql_u64(u), s, b};

    ck_assert_int_eq(db_exec(db, "INSERT INTO t (n, u, s, b) VALUES (?, ?, ?, ?)",
                             SQL_ARGS(args), NULL, &err),
                     RC_OK);
}

START_TEST(values_come_back_as_they_went)
{
    static const int64_t numbers[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    static const char text[] = "na\xc3\xafve \xf0\x9f\x8e\xac '\"\\;";
    const char bytes[] = {'\0', '\xff', '\'', '\0'};

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        int64_t n = 7;
        uint64_t u = 7;
        char s[81], b[20], *owned = NULL;
        size_t len = 0;
        bool found = false, flag = false;
        const struct sql_arg args[] = {sql_i64(numbers[i])};
        const struct sql_col cols[] = {COL_I64(&n),       COL_U64(&u),
                                       COL_TEXT(s),       COL_BYTES(b, &len),
                                       COL_OWNED(&owned), COL_BOOL(&flag)};

        insert(numbers[i], (uint64_t)numbers[i], sql_text(text),
               sql_bytes(bytes, sizeof(bytes)));
        ck_assert_int_eq(db_row(db, "SELECT n, u, s, b, s, n <> 0 FROM t WHERE n = ?",
                                SQL_ARGS(args), SQL_COLS(cols), &found, &err),
                         RC_OK);
        ck_assert(found);
        ck_assert_int_eq(n, numbers[i]);
        ck_assert_uint_eq(u, (uint64_t)numbers[i]);
        ck_assert_str_eq(s, text);
        ck_assert_str_eq(owned, text);
        ck_assert_uint_eq(len, sizeof(bytes));
        ck_assert_mem_eq(b, bytes, sizeof(bytes));
        ck_assert(flag == (numbers[i] != 0));
        free(owned);
    }
}
END_TEST

START_TEST(null_is_nothing)
{
    int64_t n = 7;
    char s[81] = "x", b[20], *owned = s;
    size_t len = 7;
    bool found = false, flag = true;
    unsigned small = 7;
    const struct sql_col cols[] = {COL_I64(&n),       COL_TEXT(s),     COL_BYTES(b, &len),
                                   COL_OWNED(&owned), COL_BOOL(&flag), COL_UINT(&small)};

    insert(0, 0, sql_text(NULL), sql_null());
    ck_assert_int_eq(db_row(db, "SELECT k, s, b, s, k, k FROM t", SQL_NONE,
                            SQL_COLS(cols), &found, &err),
                     RC_OK);
    ck_assert_int_eq(n, 0);
    ck_assert_str_eq(s, "");
    ck_assert_uint_eq(len, 0);
    ck_assert_ptr_null(owned);
    ck_assert(!flag);
    ck_assert_uint_eq(small, 0);
    ck_assert_int_eq(db_row(db, "SELECT k, s, b, s, k, k FROM t WHERE id = 0", SQL_NONE,
                            SQL_COLS(cols), &found, &err),
                     RC_OK);
    ck_assert(!found);
}
END_TEST

START_TEST(what_does_not_fit_is_a_bug)
{
    char s[5], *owned = NULL;
    unsigned small;
    int signed_small;
    bool found = false;
    const struct sql_col text[] = {COL_TEXT(s)}, two[] = {COL_TEXT(s), COL_TEXT(s)};
    const struct sql_col number[] = {COL_UINT(&small)},
                         below[] = {COL_INT(&signed_small)};
    const struct sql_col after[] = {COL_OWNED(&owned), COL_TEXT(s)};

    insert(-1, UINT64_MAX, sql_text("12345"), sql_text("1"));
#define BUG(sql, cols)                                                                   \
    ck_assert_int_eq(db_row(db, sql, SQL_NONE, SQL_COLS(cols), &found, &err), RC_BUG)
    BUG("SELECT s FROM t", text);
    BUG("SELECT 1 FROM t", two);
    BUG("SELECT u FROM t", number);
    BUG("SELECT u FROM t WHERE 1", below);
    BUG("SELECT s, s FROM t", after);
    ck_assert_ptr_null(owned);
    BUG("SELECT ? FROM t", text);
    BUG("SELECT nothing FROM t", text);
    ck_assert_ptr_nonnull(strstr(err.msg, "nothing"));
    /* And the connection is as good as before. */
    ck_assert_int_eq(database_number(db, "SELECT 5"), 5);
}
END_TEST

struct sum {
    int64_t n, total, stop_at;
};

static enum rc add(void *ctx, struct err *e)
{
    struct sum *sum = ctx;

    sum->total += sum->n;
    if (sum->n == sum->stop_at)
        return err_set(e, RC_LIMITED, "enough", "enough");
    return RC_OK;
}

START_TEST(rows_are_read_one_by_one_until_somebody_stops)
{
    struct sum sum = {0, 0, 0};
    const struct sql_col cols[] = {COL_I64(&sum.n)};
    const struct db_rows rows = {add, &sum};

    for (int64_t i = 1; i <= 100; i++)
        insert(i, 0, sql_null(), sql_null());
    ck_assert_int_eq(
        db_each(db, "SELECT n FROM t ORDER BY n", SQL_NONE, SQL_COLS(cols), rows, &err),
        RC_OK);
    ck_assert_int_eq(sum.total, 5050);
    sum = (struct sum){0, 0, 10};
    ck_assert_int_eq(db_each_once(db, "SELECT n FROM t ORDER BY n", SQL_NONE,
                                  SQL_COLS(cols), rows, &err),
                     RC_LIMITED);
    ck_assert_int_eq(sum.total, 55);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM t"), 100);
}
END_TEST

START_TEST(the_broken_rules_of_the_schema_are_conflicts)
{
    static const struct {
        const char *sql, *code;
    } rows[] = {
        {"INSERT INTO t (k) VALUES (1)", "duplicate"},
        {"INSERT INTO membership (workspace_id, user_id, role, created_at)"
         " VALUES (99999, 1, 1, 0)",
         "foreign_key"},
        {"DELETE FROM workspace WHERE workspace_id < 99999", "foreign_key"},
    };

    database_empty(db);
    (void)seed_all(db);
    database_run(db, "INSERT INTO t (k) VALUES (1)");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_int_eq(db_exec(db, rows[i].sql, SQL_NONE, NULL, &err), RC_CONFLICT);
        ck_assert_str_eq(err.code, rows[i].code);
    }
}
END_TEST

START_TEST(rows_found_are_counted_also_when_nothing_changed)
{
    int64_t rows = 0;
    const char *same = "UPDATE t SET n = 1 WHERE n = 1";

    insert(1, 0, sql_null(), sql_null());
    ck_assert_int_eq(db_exec(db, same, SQL_NONE, &rows, &err), RC_OK);
    ck_assert_int_eq(rows, 1);
    ck_assert_int_eq(db_exec_one(db, same, SQL_NONE, &err), RC_OK);
    ck_assert_int_eq(db_exec_one(db, "UPDATE t SET n = 1 WHERE n = 2", SQL_NONE, &err),
                     RC_CONFLICT);
    ck_assert_str_eq(err.code, "lost");
    insert(1, 0, sql_null(), sql_null());
    ck_assert_int_eq(db_exec_one(db, same, SQL_NONE, &err), RC_BUG);
}
END_TEST

START_TEST(a_statement_runs_for_many_rows_at_once)
{
    static const char add[] = "INSERT INTO t (n, u, s, b) VALUES (?, ?, ?, ?)";
    static const char change[] = "UPDATE t SET u = ? WHERE n = ? AND s <=> ?";
    const struct sql_arg rows[] = {sql_i64(-1),         sql_u64(UINT64_MAX), sql_null(),
                                   sql_bytes("\0x", 2), sql_i64(2),          sql_u64(0),
                                   sql_text(""),        sql_bytes("", 0),    sql_i64(3),
                                   sql_u64(7),          sql_text("abc"),     sql_null()};
    const struct sql_arg one[] = {sql_i64(4), sql_u64(7), sql_text("d"), sql_null()};
    const struct sql_arg changes[] = {sql_u64(7), sql_i64(-1), sql_null(),
                                      sql_u64(8), sql_i64(2),  sql_text("other"),
                                      sql_u64(7), sql_i64(3),  sql_text("abc")};
    int64_t n = 0;

    ck_assert_int_eq(db_exec_many(db, add, SQL_ARGS(rows), 3, &n, &err), RC_OK);
    ck_assert_int_eq(n, 3);
    ck_assert_int_eq(db_exec(db, add, SQL_ARGS(one), &n, &err),
                     RC_OK); /* the same text */
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(db_exec_many(db, add, SQL_ARGS(one), 1, &n, &err), RC_OK);
    ck_assert_int_eq(n, 1);
    /* one that is not there, and one that stays as it was */
    ck_assert_int_eq(db_exec_many(db, change, SQL_ARGS(changes), 3, &n, &err), RC_OK);
    ck_assert_int_eq(n, 2);
    ck_assert_str_eq(
        database_text(db,
                      "SELECT GROUP_CONCAT(CONCAT_WS(':', n, u, COALESCE(s, 'NULL'),"
                      " COALESCE(HEX(b), 'NULL')) ORDER BY n, u SEPARATOR ' ') FROM t"),
        "-1:7:NULL:0078 2:0:: 3:7:abc:NULL 4:7:d:NULL 4:7:d:NULL");
    ck_assert_int_eq(db_exec_many(db, change, SQL_ARGS(one), 2, &n, &err), RC_BUG);
}
END_TEST

START_TEST(statements_stay_prepared_by_the_address_of_their_text)
{
    static const char text[] = "SELECT COUNT(*) FROM t";
    int64_t n = 0;
    const struct sql_col cols[] = {COL_I64(&n)};
    bool found = false;
    int64_t before = database_number(db, "SELECT COUNT(*) FROM t");

    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(db_row(db, text, SQL_NONE, SQL_COLS(cols), &found, &err), RC_OK);
    ck_assert_int_eq(n, before);
    ck_assert_uint_eq(db->cached, 1);
    /* As many as there may be, and more: those are prepared each time. */
    for (size_t i = 0; i < DB_CACHE_MAX + 50; i++) {
        static char texts[DB_CACHE_MAX + 50][32];

        (void)snprintf(texts[i], sizeof(texts[i]), "SELECT %zu", i);
        ck_assert_int_eq(db_row(db, texts[i], SQL_NONE, SQL_COLS(cols), &found, &err),
                         RC_OK);
        ck_assert_int_eq(n, (int64_t)i);
    }
    ck_assert_uint_eq(db->cached, DB_CACHE_MAX);
    ck_assert_int_eq(db_row(db, text, SQL_NONE, SQL_COLS(cols), &found, &err), RC_OK);
    ck_assert_int_eq(n, before);
}
END_TEST

/* --- the session -------------------------------------------------------------------- */

START_TEST(every_connection_is_set_up_as_promised)
{
    static const struct {
        const char *what, *value;
    } rows[] = {
        {"@@session.tx_isolation", "READ-COMMITTED"},
        {"@@session.time_zone", "+00:00"},
        {"@@session.character_set_client", "utf8mb4"},
        {"@@session.character_set_connection", "utf8mb4"},
        {"@@session.autocommit", "1"},
        {"@@session.innodb_lock_wait_timeout", "1"},
        {"@@session.idle_transaction_timeout", "5"},
        {"@@session.max_statement_time", "1.700000"},
        {"FIND_IN_SET('STRICT_ALL_TABLES', @@session.sql_mode) > 0", "1"},
    };
    my_bool reconnect = 1;
    unsigned infile = 1;

    db_free(db);
    db = database_open_hurried();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_str_eq(database_text(db, "SELECT %s", rows[i].what), rows[i].value);
    ck_assert_int_eq(mysql_get_optionv(db->mysql, MYSQL_OPT_RECONNECT, &reconnect), 0);
    ck_assert_int_eq(reconnect, 0);
    ck_assert_int_eq(mysql_get_optionv(db->mysql, MYSQL_OPT_LOCAL_INFILE, &infile), 0);
    ck_assert_uint_eq(infile, 0);
}
END_TEST

/* Over TCP the first write to such a connection would seem to work. */
START_TEST(a_connection_that_the_server_ended_is_noticed_before_anything_is_sent)
{
    unsigned long before = mysql_thread_id(db->mysql);

    ck_assert_int_eq(db_ready(db, &err), RC_OK);
    ck_assert_uint_eq(mysql_thread_id(db->mysql), before);
    kill_connection(db);
    ck_assert_int_eq(db_ready(db, &err), RC_OK);
    ck_assert_uint_ne(mysql_thread_id(db->mysql), before);
}
END_TEST

START_TEST(a_server_cannot_ask_for_a_file)
{
    ck_assert_int_ne(db_exec_once(db, "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t",
                                  SQL_NONE, NULL, &err),
                     RC_OK);
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM t"), 0);
}
END_TEST

START_TEST(a_connection_that_was_idle_too_long_is_replaced_unseen)
{
    int64_t before = connection_of(db);

    kill_connection(db);
    ck_assert_int_ne(connection_of(db), before);
    before = connection_of(db);
    kill_connection(db);
    insert(1, 0, sql_null(), sql_null());
    ck_assert_int_eq(database_number(db, "SELECT COUNT(*) FROM t"), 1);
}
END_TEST

START_TEST(a_database_without_a_schema_is_refused_with_words)
{
    database_run(other, "RENAME TABLE connection_check TO away");
    db_drop(db);
    ck_assert_int_eq(db_ping(db, &err), RC_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(err.msg, "ttsctl migrate"));
    database_run(other, "RENAME TABLE away TO connection_check");
}
END_TEST

/* Without CLIENT_FOUND_ROWS the proof must fail: here because there is no row to find. */
START_TEST(a_connection_that_does_not_count_found_rows_is_refused)
{
    database_run(other, "DELETE FROM connection_check");
    db_drop(db);
    ck_assert_int_eq(db_ping(db, &err), RC_BUG);
    database_run(other, "INSERT INTO connection_check (id, n) VALUES (1, 1)");
}
END_TEST

START_TEST(a_wrong_user_or_password_is_said)
{
    static const char *const users[] = {"nobody", "root"};

    for (size_t i = 0; i < ARRAY_LEN(users); i++) {
        struct db *none = NULL;

        ck_assert_int_eq(db_new(database_url(users[i], "canary"), &none, &err), RC_OK);
        ck_assert_int_eq(db_ping(none, &err), RC_UNAVAILABLE);
        ck_assert_ptr_nonnull(strstr(err.msg, "Access denied for user"));
        ck_assert_ptr_null(strstr(err.msg, "canary"));
        db_free(none);
    }
}
END_TEST

START_TEST(after_a_failed_connect_the_next_calls_fail_at_once)
{
    struct db *none = NULL;

    ck_assert_int_eq(db_new("mysql://u:p@localhost/d?socket=/none", &none, &err), RC_OK);
    ck_assert_int_eq(db_ping(none, &err), RC_UNAVAILABLE);
    ck_assert_str_eq(err.code, "database_unavailable");
    ck_assert_int_gt(none->hold_until_ms, 0);
    ck_assert_int_eq(db_ping(none, &err), RC_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(err.msg, "(0)")); /* nothing was even tried */
    db_free(none);
}
END_TEST

/* --- transactions -------------------------------------------------------------- */

struct steps {
    int runs;
    enum rc answer;
    void (*middle)(void);
    bool swallow; /* what the statement after the middle says */
};

static enum rc two_rows(struct db *d, void *ctx, struct err *e)
{
    struct steps *s = ctx;
    enum rc rc = db_exec(d, "INSERT INTO t (n) VALUES (1)", SQL_NONE, NULL, e);

    s->runs++;
    if (rc == RC_OK && s->middle != NULL)
        s->middle();
    if (rc == RC_OK)
        rc = db_exec(d, "INSERT INTO t (n) VALUES (2)", SQL_NONE, NULL, e);
    if (s->swallow)
        rc = RC_OK;
    if (rc == RC_OK && s->answer != RC_OK)
        return err_set(e, s->answer, "no", "no");
    return rc;
}

static int64_t rows_stored(void)
{
    return database_number(other, "SELECT COUNT(*) FROM t");
}

START_TEST(a_transaction_is_stored_whole_or_not_at_all)
{
    struct steps good = {.answer = RC_OK}, bad = {.answer = RC_LIMITED};

    ck_assert_int_eq(db_transaction(db, two_rows, &bad, &err), RC_LIMITED);
    ck_assert_int_eq(rows_stored(), 0);
    ck_assert_int_eq(bad.runs, 1);
    ck_assert_int_eq(db_transaction(db, two_rows, &good, &err), RC_OK);
    ck_assert_int_eq(rows_stored(), 2);
}
END_TEST

static enum rc nested(struct db *d, void *ctx, struct err *e)
{
    struct steps inner = {.answer = RC_OK};
    enum rc rc = db_transaction(d, two_rows, &inner, e);

    return rc == RC_OK ? *(enum rc *)ctx : rc;
}

START_TEST(inside_another_the_outer_transaction_decides)
{
    enum rc answer = RC_REJECTED;

    ck_assert_int_eq(db_transaction(db, nested, &answer, &err), RC_REJECTED);
    ck_assert_int_eq(rows_stored(), 0);
    answer = RC_OK;
    ck_assert_int_eq(db_transaction(db, nested, &answer, &err), RC_OK);
    ck_assert_int_eq(rows_stored(), 2);
}
END_TEST

static void kill_in_the_middle(void)
{
    database_run(other, "KILL %lu", mysql_thread_id(db->mysql));
}

START_TEST(a_connection_lost_in_the_middle_leaves_nothing)
{
    struct steps s = {.middle = kill_in_the_middle};

    ck_assert_int_eq(db_transaction(db, two_rows, &s, &err), RC_UNAVAILABLE);
    ck_assert_int_eq(s.runs, 1);
    ck_assert_int_eq(rows_stored(), 0);
    /* Nor when the steps overlook it: what came after must not be stored alone. */
    s.swallow = true;
    ck_assert_int_eq(db_transaction(db, two_rows, &s, &err), RC_UNAVAILABLE);
    ck_assert_int_eq(rows_stored(), 0);
    s.middle = NULL;
    ck_assert_int_eq(db_transaction(db, two_rows, &s, &err), RC_OK);
    ck_assert_int_eq(rows_stored(), 2);
}
END_TEST

static void fault(const char *rule)
{
    (void)setenv("TTS_FAULT", rule, 1);
    fault_reload();
}

static void commit_fails(const char *fault_rule, int64_t stored)
{
    struct steps s = {.answer = RC_OK};

    fault(fault_rule);
    ck_assert_int_eq(db_transaction(db, two_rows, &s, &err), RC_UNCERTAIN);
    ck_assert_str_eq(err.code, "database_uncertain");
    ck_assert_int_eq(s.runs, 1);
    ck_assert_int_eq(rows_stored(), stored);
    ck_assert_int_eq(db_transaction(db, two_rows, &s, &err), RC_OK);
    ck_assert_int_eq(rows_stored(), stored + 2);
}

START_TEST(a_commit_that_was_not_heard_is_uncertain)
{
    commit_fails("db.commit_unsent:error", 0);
}
END_TEST

START_TEST(a_commit_whose_answer_was_lost_is_uncertain)
{
    commit_fails("db.commit_unanswered:error", 2);
}
END_TEST

static void write_fails(const char *fault_rule, int64_t stored)
{
    const char *sql = "INSERT INTO t (n) VALUES (1)";

    fault(fault_rule);
    ck_assert_int_eq(db_exec(db, sql, SQL_NONE, NULL, &err), RC_UNCERTAIN);
    ck_assert_int_eq(rows_stored(), stored);
    ck_assert_int_eq(db_exec(db, sql, SQL_NONE, NULL, &err), RC_OK);
    ck_assert_int_eq(rows_stored(), stored + 1);
}

START_TEST(a_single_write_that_was_not_heard_is_uncertain)
{
    write_fails("db.write_unsent:error", 0);
}
END_TEST

START_TEST(a_single_write_whose_answer_was_lost_is_uncertain)
{
    write_fails("db.write_unanswered:error", 1);
}
END_TEST

/* Killed by the server while it waits for a row: nothing of the transaction happened. */
START_TEST(a_write_lost_inside_a_transaction_is_not_uncertain)
{
    struct steps s = {.answer = RC_OK};

    fault("db.write_unanswered:error");
    ck_assert_int_eq(db_transaction(db, two_rows, &s, &err), RC_UNAVAILABLE);
    ck_assert_int_eq(rows_stored(), 0);
}
END_TEST

/* A server that is full, or whose binary log is, will store it when there is room: no
 * post may end for that. */
START_TEST(a_server_without_room_is_away_and_no_bug)
{
    static const unsigned full[] = {3,
                                    20,
                                    ER_DISK_FULL,
                                    ER_ERROR_ON_WRITE,
                                    ER_GET_ERRNO,
                                    ER_RECORD_FILE_FULL,
                                    ER_OUTOFMEMORY,
                                    ER_LOCK_TABLE_FULL,
                                    ER_TOO_MANY_CONCURRENT_TRXS,
                                    ER_TRANS_CACHE_FULL};

    for (size_t i = 0; i < ARRAY_LEN(full); i++) {
        ck_assert_msg(db_fail(db, DB_DOING_READ, full[i], "", &err) == RC_UNAVAILABLE,
                      "%u", full[i]);
        ck_assert_str_eq(err.code, "database_unavailable");
    }
    ck_assert_int_eq(db_fail(db, DB_DOING_READ, ER_PARSE_ERROR, "", &err), RC_BUG);
}
END_TEST

/* A COMMIT may have happened although its answer is an error; only a few say that it
 * cannot have. */
START_TEST(a_commit_that_was_answered_by_an_error_is_uncertain)
{
    static const unsigned doubtful[] = {ER_STATEMENT_TIMEOUT,   ER_QUERY_INTERRUPTED,
                                        ER_ERROR_DURING_COMMIT, ER_ERROR_ON_WRITE,
                                        ER_DISK_FULL,           3};
    static const unsigned certain[] = {ER_LOCK_DEADLOCK, ER_OPTION_PREVENTS_STATEMENT,
                                       CR_SERVER_GONE_ERROR};

    for (size_t i = 0; i < ARRAY_LEN(doubtful); i++) {
        ck_assert_int_eq(db_ready(db, &err), RC_OK);
        ck_assert_msg(db_fail(db, DB_DOING_COMMIT, doubtful[i], "", &err) == RC_UNCERTAIN,
                      "%u", doubtful[i]);
        /* And what is asked next waits a moment, so that nobody tries again and again. */
        ck_assert_int_eq(db_ready(db, &err), RC_UNAVAILABLE);
        db->hold_until_ms = 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(certain); i++)
        ck_assert_msg(db_fail(db, DB_DOING_COMMIT, certain[i], "", &err) ==
                          RC_UNAVAILABLE,
                      "%u", certain[i]);
}
END_TEST

static int deadlocks; /* how many runs end in one */

static enum rc crossing(struct db *d, void *ctx, struct err *e)
{
    int *runs = ctx;
    enum rc rc = db_exec_one(d, "UPDATE t SET u = u + 1 WHERE k = 1", SQL_NONE, e);

    (*runs)++;
    if (rc == RC_OK && *runs <= deadlocks)
        /* What InnoDB answers the loser with. */
        rc = db_exec(d,
                     "BEGIN NOT ATOMIC SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213;"
                     " END",
                     SQL_NONE, NULL, e);
    return rc;
}

START_TEST(a_deadlocked_transaction_is_run_again_whole)
{
    int runs = 0;

    database_run(db, "INSERT INTO t (k, u) VALUES (1, 0)");
    deadlocks = DB_TRIES_DEADLOCK - 1;
    ck_assert_int_eq(db_transaction(db, crossing, &runs, &err), RC_OK);
    ck_assert_int_eq(runs, DB_TRIES_DEADLOCK);
    ck_assert_int_eq(database_number(other, "SELECT u FROM t"), 1);
    runs = 0;
    deadlocks = DB_TRIES_DEADLOCK;
    ck_assert_int_eq(db_transaction(db, crossing, &runs, &err), RC_UNAVAILABLE);
    ck_assert_int_eq(runs, DB_TRIES_DEADLOCK);
    ck_assert_int_eq(database_number(other, "SELECT u FROM t"), 1);
}
END_TEST

static enum rc bump(struct db *d, void *ctx, struct err *e)
{
    (void)ctx;
    return db_exec_one(d, "UPDATE t SET u = u + 1 WHERE k = 1", SQL_NONE, e);
}

START_TEST(a_row_held_by_another_is_waited_for_and_then_given_up)
{
    int64_t start, end;

    database_run(db, "INSERT INTO t (k, u) VALUES (1, 0)");
    db_free(db);
    db = database_open();
    db->lock_wait_ms = DB_LOCK_WAIT_MS; /* and all the time it wants for the rest */
    database_run(other, "BEGIN");
    database_run(other, "UPDATE t SET u = 5 WHERE k = 1");
    ck_assert_int_eq(db_now(other, &start, &err), RC_OK);
    ck_assert_int_eq(db_transaction(db, bump, NULL, &err), RC_UNAVAILABLE);
    ck_assert_int_eq(db_now(other, &end, &err), RC_OK);
    ck_assert_int_ge(end - start, (int64_t)DB_TRIES * DB_LOCK_WAIT_MS - 100);
    database_run(other, "ROLLBACK");
    ck_assert_int_eq(db_transaction(db, bump, NULL, &err), RC_OK);
    ck_assert_int_eq(database_number(other, "SELECT u FROM t"), 1);
}
END_TEST

START_TEST(a_statement_that_takes_too_long_is_ended_by_the_server)
{
    int64_t n = 0;
    const struct sql_col cols[] = {COL_I64(&n)};
    bool found = false;
    int64_t before = connection_of(db);

    database_run(db, "SET SESSION max_statement_time = 1.7");
    ck_assert_int_eq(
        db_row(db, "SELECT SLEEP(30)", SQL_NONE, SQL_COLS(cols), &found, &err),
        RC_UNAVAILABLE);
    ck_assert_int_eq(connection_of(db), before);
}
END_TEST

START_TEST(the_clock_is_the_databases)
{
    int64_t now = 0;

    ck_assert_int_eq(db_now(db, &now, &err), RC_OK);
    ck_assert_int_le(llabs(now - database_number(other, "SELECT " SQL_NOW)), 5000);
    ck_assert_int_gt(now, INT64_C(1700000000000));
}
END_TEST

DATABASE_MAIN("store_db", setup, teardown, a_url_is_taken_apart,
              other_urls_are_refused_without_showing_them, values_come_back_as_they_went,
              null_is_nothing, what_does_not_fit_is_a_bug,
              rows_are_read_one_by_one_until_somebody_stops,
              the_broken_rules_of_the_schema_are_conflicts,
              rows_found_are_counted_also_when_nothing_changed,
              a_statement_runs_for_many_rows_at_once,
              statements_stay_prepared_by_the_address_of_their_text,
              every_connection_is_set_up_as_promised, a_server_cannot_ask_for_a_file,
              a_connection_that_the_server_ended_is_noticed_before_anything_is_sent,
              a_connection_that_was_idle_too_long_is_replaced_unseen,
              a_database_without_a_schema_is_refused_with_words,
              a_connection_that_does_not_count_found_rows_is_refused,
              a_wrong_user_or_password_is_said,
              after_a_failed_connect_the_next_calls_fail_at_once,
              a_transaction_is_stored_whole_or_not_at_all,
              inside_another_the_outer_transaction_decides,
              a_connection_lost_in_the_middle_leaves_nothing,
              a_commit_that_was_not_heard_is_uncertain,
              a_commit_whose_answer_was_lost_is_uncertain,
              a_single_write_that_was_not_heard_is_uncertain,
              a_single_write_whose_answer_was_lost_is_uncertain,
              a_write_lost_inside_a_transaction_is_not_uncertain,
              a_server_without_room_is_away_and_no_bug,
              a_commit_that_was_answered_by_an_error_is_uncertain,
              a_deadlocked_transaction_is_run_again_whole,
              a_row_held_by_another_is_waited_for_and_then_given_up,
              a_statement_that_takes_too_long_is_ended_by_the_server,
              the_clock_is_the_databases)
