/* sandbox/sql.h - SQLite, as far as the simulator uses it.
 *
 * One connection a worker, WAL mode. Statements are text constants, prepared once and
 * kept; values are always bound. A writer takes a lock file first, so that workers queue
 * in the kernel instead of polling each other.
 *
 *     rc = sql_begin(sql, err);
 *     if (rc == RC_OK)
 *         rc = sql_run(sql, "UPDATE user SET banned = ? WHERE id = ?",
 *                      SQL_WITH(sql_int(1), sql_int(id)), NULL, err);
 *     rc = sql_end(sql, rc, err);
 *
 * Failures: RC_CONFLICT a constraint refused it; RC_UNAVAILABLE the disk or a lock did;
 * RC_BUG the statement is wrong. */
#ifndef SRC_SANDBOX_SQL_H
#define SRC_SANDBOX_SQL_H

#include "core/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sql;
struct sql_row; /* one row, valid during the call that gets it */

/* A value to bind: text when it is not NULL, which is borrowed, else n. */
struct sql_arg {
    const char *text;
    int64_t n;
};

struct sql_args {
    const struct sql_arg *list;
    size_t len;
};

#define SQL_NONE ((struct sql_args){NULL, 0})
#define SQL_WITH(...)                                                                    \
    ((struct sql_args){(const struct sql_arg[]){__VA_ARGS__},                            \
                       sizeof((const struct sql_arg[]){__VA_ARGS__}) /                   \
                           sizeof(struct sql_arg)})

static inline struct sql_arg sql_int(int64_t n)
{
    return (struct sql_arg){.text = NULL, .n = n};
}

/* text is not NULL. */
static inline struct sql_arg sql_text(const char *text)
{
    return (struct sql_arg){.text = text, .n = 0};
}

/* Opens dir/state.db, making it and its tables when they are not there. RC_CONFLICT
 * "state_of_other_version": the directory holds the state of another version. */
enum rc sql_open(const char *dir, struct sql **out, struct err *err) MUST_CHECK;
void sql_close(struct sql *sql); /* NULL is fine */

/* One transaction at a time. sql_end() commits when rc is RC_OK and rolls back else; it
 * returns rc, or why the commit failed. */
enum rc sql_begin(struct sql *sql, struct err *err) MUST_CHECK;
enum rc sql_end(struct sql *sql, enum rc rc, struct err *err) MUST_CHECK;

/* Runs one statement without rows; *changed, unless NULL, is how many it changed. */
enum rc sql_run(struct sql *sql, const char *text, struct sql_args args, int64_t *changed,
                struct err *err) MUST_CHECK;

/* Calls each() for every row. */
typedef void (*sql_row_fn)(void *ctx, const struct sql_row *row);
enum rc sql_each(struct sql *sql, const char *text, struct sql_args args, sql_row_fn each,
                 void *ctx, struct err *err) MUST_CHECK;

/* The first column of the first row, or 0 when there is none or it is NULL. */
enum rc sql_number(struct sql *sql, const char *text, struct sql_args args, int64_t *out,
                   struct err *err) MUST_CHECK;

/* The id that the last INSERT gave. */
int64_t sql_last_id(const struct sql *sql);

int64_t sql_int_at(const struct sql_row *row, int column);
bool sql_bool_at(const struct sql_row *row, int column);

/* The column's text, cut to fit; "" for NULL. */
void sql_text_at(const struct sql_row *row, int column, char *out, size_t size);

/* The same without copying; borrowed, like the row. */
const char *sql_text_of(const struct sql_row *row, int column);

#endif
