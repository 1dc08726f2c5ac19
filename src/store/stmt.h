/* store/stmt.h - statements with bound values, for the files of this layer.
 *
 * SQL text is a constant (it keys the connection's cache of prepared statements, by
 * address); values are bound, always. Arguments and columns are small arrays:
 *
 *     const struct sql_arg args[] = {sql_u64(workspace_id), sql_text(name)};
 *     uint64_t id = 0;
 *     char tz[65];
 *     const struct sql_col cols[] = {COL_U64(&id), COL_TEXT(tz)};
 *     bool found;
 *     rc = db_row(db, "SELECT id, tz FROM t WHERE workspace_id = ? AND name = ?",
 *                 SQL_ARGS(args), SQL_COLS(cols), &found, err);
 *
 * NULL in a column: numbers become 0, texts "", owned texts NULL. A text that does not
 * fit its buffer is RC_BUG: buffers are as large as the column. */
#ifndef SRC_STORE_STMT_H
#define SRC_STORE_STMT_H

#include "core/attr.h"
#include "core/err.h"
#include "store/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The database's clock in ms, for use inside one statement. Several statements of a
 * transaction bind one db_now() instead. */
#define SQL_NOW "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)"

/* next_at of what nobody must look at any more. */
#define SQL_NEVER INT64_MAX

enum sql_kind {
    SQL_KIND_NULL,
    SQL_KIND_I64,
    SQL_KIND_U64,
    SQL_KIND_BYTES,
    SQL_KIND_TEXT
};

struct sql_arg {
    enum sql_kind kind;
    int64_t i64;
    uint64_t u64;
    const void *data; /* borrowed until the call returns */
    size_t len;
};

struct sql_arg sql_i64(int64_t n);
struct sql_arg sql_u64(uint64_t n);
struct sql_arg sql_text(const char *text); /* NULL is NULL */
struct sql_arg sql_bytes(const void *data, size_t len);
struct sql_arg sql_null(void);
struct sql_arg sql_id(uint64_t id); /* 0 is NULL */

enum col_kind {
    COL_KIND_I64,
    COL_KIND_U64,
    COL_KIND_INT,
    COL_KIND_UINT,
    COL_KIND_BOOL,
    COL_KIND_TEXT,  /* into the char array to, of size bytes, NUL-terminated */
    COL_KIND_BYTES, /* into the array to, of size bytes; *len says how many */
    COL_KIND_OWNED, /* a fresh NUL-terminated string into *(char **)to; caller frees */
};

struct sql_col {
    enum col_kind kind;
    void *to;
    size_t size;
    size_t *len; /* COL_KIND_BYTES */
};

/* A pointer of another type than the column's is refused by the compiler. */
#define COL_U64(p)        ((struct sql_col){COL_KIND_U64, (uint64_t *){(p)}, 0, NULL})
#define COL_I64(p)        ((struct sql_col){COL_KIND_I64, (int64_t *){(p)}, 0, NULL})
#define COL_INT(p)        ((struct sql_col){COL_KIND_INT, (int *){(p)}, 0, NULL})
#define COL_UINT(p)       ((struct sql_col){COL_KIND_UINT, (unsigned *){(p)}, 0, NULL})
#define COL_BOOL(p)       ((struct sql_col){COL_KIND_BOOL, (bool *){(p)}, 0, NULL})
#define COL_OWNED(p)      ((struct sql_col){COL_KIND_OWNED, (char **){(p)}, 0, NULL})
#define COL_TEXT(buf)     ((struct sql_col){COL_KIND_TEXT, (buf), sizeof(buf), NULL})
#define COL_BYTES(buf, n) ((struct sql_col){COL_KIND_BYTES, (buf), sizeof(buf), (n)})

struct sql_args {
    const struct sql_arg *args;
    size_t n;
};
struct sql_cols {
    const struct sql_col *cols;
    size_t n;
};
#define SQL_ARGS(a) ((struct sql_args){(a), ARRAY_LEN(a)})
#define SQL_COLS(c) ((struct sql_cols){(c), ARRAY_LEN(c)})
#define SQL_NONE    ((struct sql_args){NULL, 0})

/* Runs a statement that returns no rows. *rows: rows matched (CLIENT_FOUND_ROWS: also
 * those that an UPDATE left as they were); may be NULL. A broken UNIQUE or FOREIGN KEY
 * rule is RC_CONFLICT "duplicate" or "foreign_key", for the caller to put into words. */
enum rc db_exec(struct db *db, const char *sql, struct sql_args args, int64_t *rows,
                struct err *err) MUST_CHECK;

/* The AUTO_INCREMENT value of the last INSERT of this connection. */
uint64_t db_insert_id(const struct db *db);

/* As db_exec(), for a write that must match exactly one row: RC_CONFLICT "lost" when it
 * matched none. */
enum rc db_exec_one(struct db *db, const char *sql, struct sql_args args,
                    struct err *err) MUST_CHECK;

/* The same statement n times (at least once) in one round trip, with the next values from
 * args each time: args.n is n times the places that sql has. A column of values is of one
 * kind, or NULL. *rows: of all together. A failure may leave some of them done, so it
 * belongs into a transaction. */
enum rc db_exec_many(struct db *db, const char *sql, struct sql_args args, size_t n,
                     int64_t *rows, struct err *err) MUST_CHECK;

/* Reads the first row, if any, into cols; *found says whether there was one. */
enum rc db_row(struct db *db, const char *sql, struct sql_args args, struct sql_cols cols,
               bool *found, struct err *err) MUST_CHECK;

/* Reads all rows: for each, cols are filled and each() is called. The columns usually
 * point into one struct that each() copies out. each() answering anything but RC_OK ends
 * the reading with that. It must not use db. */
typedef enum rc (*db_each_fn)(void *ctx, struct err *err);
struct db_rows {
    db_each_fn each;
    void *ctx;
};
enum rc db_each(struct db *db, const char *sql, struct sql_args args,
                struct sql_cols cols, struct db_rows rows, struct err *err) MUST_CHECK;

/* SQL text that had to be put together (lists of ids): runs like db_exec() and db_each(),
 * without the cache. Only constants and '?' may be put together. */
enum rc db_exec_once(struct db *db, const char *sql, struct sql_args args, int64_t *rows,
                     struct err *err) MUST_CHECK;
enum rc db_each_once(struct db *db, const char *sql, struct sql_args args,
                     struct sql_cols cols, struct db_rows rows,
                     struct err *err) MUST_CHECK;

#endif
