#include "stmt.h"

#include "core/fault.h"
#include "core/xalloc.h"
#include "db_priv.h"

#include <errmsg.h>
#include <stdlib.h>
#include <string.h>

/* --- values ------------------------------------------------------------------------ */

struct sql_arg sql_i64(int64_t n)
{
    return (struct sql_arg){.kind = SQL_KIND_I64, .i64 = n};
}

struct sql_arg sql_u64(uint64_t n)
{
    return (struct sql_arg){.kind = SQL_KIND_U64, .u64 = n};
}

struct sql_arg sql_null(void)
{
    return (struct sql_arg){.kind = SQL_KIND_NULL};
}

struct sql_arg sql_id(uint64_t id)
{
    return id != 0 ? sql_u64(id) : sql_null();
}

struct sql_arg sql_text(const char *text)
{
    if (text == NULL)
        return sql_null();
    return (struct sql_arg){.kind = SQL_KIND_TEXT, .data = text, .len = strlen(text)};
}

struct sql_arg sql_bytes(const void *data, size_t len)
{
    return (struct sql_arg){.kind = SQL_KIND_BYTES, .data = data, .len = len};
}

/* --- prepared statements ------------------------------------------------------- */

/* A statement about to run. */
struct run {
    struct db *db;
    const char *sql;
    struct sql_args args;
    size_t times; /* that it runs, with other values each; 0: once, as usual */
    bool keep;    /* in the cache */
    enum db_doing doing;
    MYSQL_STMT *stmt;
};

static size_t slot_of(const char *sql)
{
    uint64_t h = (uint64_t)(uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15);

    return (size_t)(h >> 32) & (DB_CACHE_SLOTS - 1);
}

/* The slot that holds sql, or the free one where it would go. */
static struct db_cached *look_up(struct db *db, const char *sql)
{
    size_t i = slot_of(sql);

    while (db->cache[i].sql != NULL && db->cache[i].sql != sql)
        i = (i + 1) & (DB_CACHE_SLOTS - 1);
    return &db->cache[i];
}

/* The library notes an error in the middle of unbuffered rows at the connection only. */
static enum rc stmt_failed(const struct run *r, enum db_doing doing, struct err *err)
{
    struct db *db = r->db;

    if (mysql_stmt_errno(r->stmt) == 0 && mysql_errno(db->mysql) != 0)
        return db_fail(db, doing, mysql_errno(db->mysql), mysql_error(db->mysql), err);
    return db_fail(db, doing, mysql_stmt_errno(r->stmt), mysql_stmt_error(r->stmt), err);
}

static void close_stmt(struct run *r)
{
    if (r->stmt != NULL)
        (void)mysql_stmt_close(r->stmt);
    r->stmt = NULL;
}

static enum rc prepare(struct run *r, struct err *err)
{
    struct db_cached *place = r->keep ? look_up(r->db, r->sql) : NULL;
    enum rc rc = RC_OK;

    if (place != NULL && place->sql != NULL) {
        r->stmt = place->stmt;
        return RC_OK;
    }
    r->stmt = mysql_stmt_init(r->db->mysql);
    if (r->stmt == NULL)
        return err_set(err, RC_UNAVAILABLE, "database_unavailable", "Out of memory.");
    if (mysql_stmt_prepare(r->stmt, r->sql, (unsigned long)strlen(r->sql)) != 0)
        rc = stmt_failed(r, DB_DOING_READ, err);
    if (rc != RC_OK)
        close_stmt(r);
    else if (place != NULL && r->db->cached < DB_CACHE_MAX) {
        *place = (struct db_cached){r->sql, r->stmt};
        r->db->cached++;
    } else
        r->keep = false;
    return rc;
}

static size_t places_of(const struct run *r)
{
    return r->times > 0 ? r->args.n / r->times : r->args.n;
}

static enum rc check_places(const struct run *r, struct err *err)
{
    size_t times = r->times > 0 ? r->times : 1;
    unsigned long places = mysql_stmt_param_count(r->stmt);

    if (r->args.n != places * times)
        return err_set(err, RC_BUG, "database_bug",
                       "%zu values for %zu times %lu places in: %.80s", r->args.n, times,
                       places, r->sql);
    return RC_OK;
}

static MYSQL_BIND *binds_for(struct db *db, size_t n)
{
    if (n > db->binds_len) {
        db->binds = xreallocarray(db->binds, n, sizeof(*db->binds));
        db->binds_len = n;
    }
    if (n > 0)
        (void)memset(db->binds, 0, n * sizeof(*db->binds));
    return db->binds;
}

/* The library reads what buffer points to and never writes to a parameter. */
static void *unconst(const void *p)
{
    return (void *)(uintptr_t)p;
}

static void set_arg(MYSQL_BIND *b, const struct sql_arg *arg)
{
    switch (arg->kind) {
    case SQL_KIND_NULL:
        b->buffer_type = MYSQL_TYPE_NULL;
        break;
    case SQL_KIND_I64:
        b->buffer_type = MYSQL_TYPE_LONGLONG;
        b->buffer = unconst(&arg->i64);
        break;
    case SQL_KIND_U64:
        b->buffer_type = MYSQL_TYPE_LONGLONG;
        b->buffer = unconst(&arg->u64);
        b->is_unsigned = 1;
        break;
    case SQL_KIND_BYTES:
    case SQL_KIND_TEXT:
        b->buffer_type = arg->kind == SQL_KIND_TEXT ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
        b->buffer = unconst(arg->len > 0 ? arg->data : "");
        b->buffer_length = (unsigned long)arg->len;
        b->length_value = (unsigned long)arg->len;
        b->length = &b->length_value;
        break;
    }
}

static enum rc bind_args(const struct run *r, struct err *err)
{
    MYSQL_BIND *binds = binds_for(r->db, r->args.n);

    for (size_t i = 0; i < r->args.n; i++)
        set_arg(&binds[i], &r->args.args[i]);
    if (r->args.n > 0 && mysql_stmt_bind_param(r->stmt, binds) != 0)
        return stmt_failed(r, DB_DOING_READ, err);
    return RC_OK;
}

/* --- the same statement many times ------------------------------------------------- */

/* What the library reads while it sends: for each place an array of its values. */
struct columns {
    union value {
        int64_t i64;
        uint64_t u64;
        const void *data;
    } * values;
    unsigned long *lens;
    char *marks; /* enum enum_indicator_type */
};

static void columns_free(struct columns *c)
{
    free(c->values);
    free(c->lens);
    free(c->marks);
}

static void set_place(MYSQL_BIND *b, const struct sql_arg *arg)
{
    bool text = arg->kind == SQL_KIND_TEXT;

    if (arg->kind == SQL_KIND_I64 || arg->kind == SQL_KIND_U64) {
        b->buffer_type = MYSQL_TYPE_LONGLONG;
        b->is_unsigned = arg->kind == SQL_KIND_U64;
    } else if (arg->kind != SQL_KIND_NULL) {
        b->buffer_type = text ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
    }
}

static void set_value(struct columns *c, size_t at, const struct sql_arg *arg)
{
    if (arg->kind == SQL_KIND_NULL)
        c->marks[at] = STMT_INDICATOR_NULL;
    else if (arg->kind == SQL_KIND_I64)
        c->values[at].i64 = arg->i64;
    else if (arg->kind == SQL_KIND_U64)
        c->values[at].u64 = arg->u64;
    else
        c->values[at].data = arg->len > 0 ? arg->data : "";
    c->lens[at] = (unsigned long)arg->len;
}

static MYSQL_BIND *fill_columns(const struct run *r, struct columns *c)
{
    size_t places = places_of(r);
    MYSQL_BIND *binds = binds_for(r->db, places);

    for (size_t place = 0; place < places; place++) {
        MYSQL_BIND *b = &binds[place];

        b->buffer_type = MYSQL_TYPE_LONGLONG; /* unless a value says otherwise */
        for (size_t i = 0; i < r->times; i++) {
            set_place(b, &r->args.args[i * places + place]);
            set_value(c, place * r->times + i, &r->args.args[i * places + place]);
        }
        b->buffer = &c->values[place * r->times];
        b->length = &c->lens[place * r->times];
        b->u.indicator = &c->marks[place * r->times];
    }
    return binds;
}

/* Afterwards the statement is as any other: its text may serve for one row, too. */
static bool execute_many(const struct run *r)
{
    unsigned times = (unsigned)r->times;
    unsigned once = 0;
    struct columns c = {
        .values = xcalloc(r->args.n, sizeof(*c.values)),
        .lens = xcalloc(r->args.n, sizeof(*c.lens)),
        .marks = xcalloc(r->args.n, sizeof(*c.marks)),
    };
    bool fine = mysql_stmt_attr_set(r->stmt, STMT_ATTR_ARRAY_SIZE, &times) == 0 &&
                mysql_stmt_bind_param(r->stmt, fill_columns(r, &c)) == 0 &&
                mysql_stmt_execute(r->stmt) == 0;

    (void)mysql_stmt_attr_set(r->stmt, STMT_ATTR_ARRAY_SIZE, &once);
    columns_free(&c);
    return fine;
}

/* Ends what execute() began. A statement whose connection is gone was closed with it. */
static void finish(struct run *r)
{
    if (r->stmt != NULL && r->db->mysql != NULL)
        (void)mysql_stmt_free_result(r->stmt);
    if (!r->keep)
        close_stmt(r);
    r->stmt = NULL;
}

/* One run on the present connection. */
static enum rc execute_once(struct run *r, struct err *err)
{
    bool lost_before, lost_after;
    enum rc rc = prepare(r, err);

    if (rc == RC_OK)
        rc = check_places(r, err);
    if (rc == RC_OK && r->times == 0)
        rc = bind_args(r, err);
    if (rc != RC_OK)
        return rc;
    lost_before = r->doing == DB_DOING_WRITE && FAULT_ERROR("db.write_unsent");
    if (!lost_before &&
        !(r->times > 0 ? execute_many(r) : mysql_stmt_execute(r->stmt) == 0))
        return stmt_failed(r, r->doing, err);
    lost_after = r->doing == DB_DOING_WRITE && FAULT_ERROR("db.write_unanswered");
    if (lost_before || lost_after)
        return db_fail(r->db, r->doing, CR_SERVER_LOST, "", err);
    return RC_OK;
}

/* Outside a transaction a statement is a transaction of its own: it is run again when a
 * stale connection did not even carry it to the server, and after a deadlock. */
static enum rc execute(struct run *r, struct err *err)
{
    struct db *db = r->db;
    enum rc rc;

    for (int tries = 1;; tries++) {
        rc = db_ready(db, err);
        if (rc != RC_OK)
            return rc;
        db->again = 0;
        db->unsent = false;
        rc = execute_once(r, err);
        if (rc == RC_OK)
            return RC_OK;
        finish(r);
        if (db->in_transaction || !(tries < db->again || (db->unsent && tries == 1)))
            return rc;
        if (db->again > 0)
            db_pause(tries);
    }
}

/* --- rows ---------------------------------------------------------------------- */

/* Where the library puts one column's value. */
struct cell {
    union {
        int64_t i64;
        uint64_t u64;
    } n;
    unsigned long len;
    my_bool null;
    my_bool truncated;
};

enum { CELLS_MAX = 64 };

static bool is_number(enum col_kind kind)
{
    return kind <= COL_KIND_BOOL;
}

static void set_col(MYSQL_BIND *b, struct cell *cell, const struct sql_col *col)
{
    b->is_null = &cell->null;
    b->error = &cell->truncated;
    b->length = &cell->len;
    if (is_number(col->kind)) {
        b->buffer_type = MYSQL_TYPE_LONGLONG;
        b->buffer = &cell->n;
        b->is_unsigned = col->kind != COL_KIND_I64 && col->kind != COL_KIND_INT;
        return;
    }
    b->buffer_type = MYSQL_TYPE_BLOB; /* bytes as they are, no conversion */
    if (col->kind == COL_KIND_OWNED)
        return; /* fetched when its length is known */
    b->buffer = col->to;
    b->buffer_length = (unsigned long)col->size;
}

static enum rc misfit(size_t column, const char *sql, struct err *err)
{
    return err_set(err, RC_BUG, "database_bug",
                   "Column %zu does not fit what it is read into: %.80s", column + 1,
                   sql);
}

static bool store_number(const struct cell *cell, const struct sql_col *col)
{
    if (cell->null == 0 && cell->truncated != 0)
        return false;
    switch (col->kind) {
    case COL_KIND_I64:
        *(int64_t *)col->to = cell->null != 0 ? 0 : cell->n.i64;
        return true;
    case COL_KIND_U64:
        *(uint64_t *)col->to = cell->null != 0 ? 0 : cell->n.u64;
        return true;
    case COL_KIND_INT:
        *(int *)col->to = cell->null != 0 ? 0 : (int)cell->n.i64;
        return cell->null != 0 || (cell->n.i64 >= INT32_MIN && cell->n.i64 <= INT32_MAX);
    case COL_KIND_UINT:
        *(unsigned *)col->to = cell->null != 0 ? 0 : (unsigned)cell->n.u64;
        return cell->null != 0 || cell->n.u64 <= UINT32_MAX;
    case COL_KIND_BOOL:
        *(bool *)col->to = cell->null == 0 && cell->n.u64 != 0;
        return true;
    case COL_KIND_TEXT:
    case COL_KIND_BYTES:
    case COL_KIND_OWNED:
        break;
    }
    return false;
}

static bool store_bytes(const struct cell *cell, const struct sql_col *col)
{
    size_t len = cell->null != 0 ? 0 : cell->len;

    if (col->kind == COL_KIND_TEXT) {
        if (len >= col->size)
            return false;
        ((char *)col->to)[len] = '\0';
        return true;
    }
    if (len > col->size)
        return false;
    *col->len = len;
    return true;
}

static enum rc store_owned(const struct run *r, unsigned column, const struct cell *cell,
                           const struct sql_col *col, struct err *err)
{
    unsigned long len = 0;
    char *text = NULL;

    *(char **)col->to = NULL;
    if (cell->null != 0)
        return RC_OK;
    text = xcalloc(1, cell->len + 1);
    if (cell->len > 0) {
        MYSQL_BIND b = {.buffer_type = MYSQL_TYPE_BLOB,
                        .buffer = text,
                        .buffer_length = cell->len,
                        .length = &len};

        if (mysql_stmt_fetch_column(r->stmt, &b, column, 0) != 0) {
            free(text);
            return stmt_failed(r, DB_DOING_READ, err);
        }
    }
    *(char **)col->to = text;
    return RC_OK;
}

/* Owned texts that came before a column that failed belong to nobody. */
static void free_owned(struct sql_cols cols, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (cols.cols[i].kind == COL_KIND_OWNED) {
            free(*(char **)cols.cols[i].to);
            *(char **)cols.cols[i].to = NULL;
        }
    }
}

static enum rc store_row(const struct run *r, const struct cell *cells,
                         struct sql_cols cols, struct err *err)
{
    enum rc rc = RC_OK;
    size_t i;

    for (i = 0; i < cols.n && rc == RC_OK; i++) {
        const struct sql_col *col = &cols.cols[i];

        if (col->kind == COL_KIND_OWNED)
            rc = store_owned(r, (unsigned)i, &cells[i], col, err);
        else if (is_number(col->kind) ? !store_number(&cells[i], col)
                                      : !store_bytes(&cells[i], col))
            rc = misfit(i, r->sql, err);
    }
    if (rc != RC_OK)
        free_owned(cols, i - 1);
    return rc;
}

static enum rc bind_cols(const struct run *r, struct cell *cells, struct sql_cols cols,
                         struct err *err)
{
    MYSQL_BIND *binds = binds_for(r->db, cols.n);

    if (cols.n > CELLS_MAX || mysql_stmt_field_count(r->stmt) != cols.n)
        return err_set(err, RC_BUG, "database_bug", "%zu places for %u columns of: %.80s",
                       cols.n, mysql_stmt_field_count(r->stmt), r->sql);
    for (size_t i = 0; i < cols.n; i++)
        set_col(&binds[i], &cells[i], &cols.cols[i]);
    if (mysql_stmt_bind_result(r->stmt, binds) != 0)
        return stmt_failed(r, DB_DOING_READ, err);
    return RC_OK;
}

/* Runs a query; rows go to each() until it says stop, or, without one, the first row
 * stays in cols. */
static enum rc query(struct run *r, struct sql_cols cols, const struct db_rows *rows,
                     bool *found, struct err *err)
{
    struct cell cells[CELLS_MAX] = {{.len = 0}};
    enum rc rc = execute(r, err);

    if (rc != RC_OK)
        return rc;
    rc = bind_cols(r, cells, cols, err);
    while (rc == RC_OK) {
        int got = mysql_stmt_fetch(r->stmt);

        if (got == MYSQL_NO_DATA)
            break;
        if (got != 0 && got != MYSQL_DATA_TRUNCATED) {
            rc = stmt_failed(r, DB_DOING_READ, err);
            break;
        }
        rc = store_row(r, cells, cols, err);
        if (rc != RC_OK || rows == NULL) {
            *found = true;
            break;
        }
        rc = rows->each(rows->ctx, err);
    }
    finish(r);
    return rc;
}

/* --- the layer's interface ----------------------------------------------------- */

static enum rc exec(struct run *r, int64_t *rows, struct err *err)
{
    enum rc rc = execute(r, err);

    if (rc != RC_OK)
        return rc;
    if (rows != NULL)
        *rows = (int64_t)mysql_stmt_affected_rows(r->stmt);
    r->db->insert_id = mysql_stmt_insert_id(r->stmt);
    finish(r);
    return RC_OK;
}

enum rc db_exec(struct db *db, const char *sql, struct sql_args args, int64_t *rows,
                struct err *err)
{
    struct run r = {
        .db = db, .sql = sql, .args = args, .keep = true, .doing = DB_DOING_WRITE};

    return exec(&r, rows, err);
}

enum rc db_exec_once(struct db *db, const char *sql, struct sql_args args, int64_t *rows,
                     struct err *err)
{
    struct run r = {.db = db, .sql = sql, .args = args, .doing = DB_DOING_WRITE};

    return exec(&r, rows, err);
}

enum rc db_exec_many(struct db *db, const char *sql, struct sql_args args, size_t n,
                     int64_t *rows, struct err *err)
{
    struct run r = {.db = db,
                    .sql = sql,
                    .args = args,
                    .times = n,
                    .keep = true,
                    .doing = DB_DOING_WRITE};

    return exec(&r, rows, err);
}

enum rc db_exec_one(struct db *db, const char *sql, struct sql_args args, struct err *err)
{
    int64_t rows = 0;
    enum rc rc = db_exec(db, sql, args, &rows, err);

    if (rc != RC_OK)
        return rc;
    if (rows == 1)
        return RC_OK;
    if (rows == 0)
        return err_set(err, RC_CONFLICT, "lost", "The row is no longer as expected.");
    return err_set(err, RC_BUG, "database_bug", "%lld rows for one: %.80s",
                   (long long)rows, sql);
}

uint64_t db_insert_id(const struct db *db)
{
    return db->insert_id;
}

enum rc db_row(struct db *db, const char *sql, struct sql_args args, struct sql_cols cols,
               bool *found, struct err *err)
{
    struct run r = {
        .db = db, .sql = sql, .args = args, .keep = true, .doing = DB_DOING_READ};
    bool any = false;
    enum rc rc = query(&r, cols, NULL, &any, err);

    if (rc == RC_OK)
        *found = any;
    return rc;
}

enum rc db_each(struct db *db, const char *sql, struct sql_args args,
                struct sql_cols cols, struct db_rows rows, struct err *err)
{
    struct run r = {
        .db = db, .sql = sql, .args = args, .keep = true, .doing = DB_DOING_READ};
    bool any = false;

    return query(&r, cols, &rows, &any, err);
}

enum rc db_each_once(struct db *db, const char *sql, struct sql_args args,
                     struct sql_cols cols, struct db_rows rows, struct err *err)
{
    struct run r = {.db = db, .sql = sql, .args = args, .doing = DB_DOING_READ};
    bool any = false;

    return query(&r, cols, &rows, &any, err);
}
