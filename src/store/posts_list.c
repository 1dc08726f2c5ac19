/* A page of posts: three ways, by what the indexes give. Straight: the rows come in the
 * order of an index and are read until the page is full. By ids: a first statement
 * finds the ids of the page, looking at narrow rows only, and a second reads the posts.
 * The set of statuses is always applied exactly, by POST_STATUS_SQL; the phases it
 * stands for only choose the way. */
#include "posts_priv.h"

#include <assert.h>

#define IN_SET_SQL " AND (? >> " POST_STATUS_SQL ") & 1 = 1"

#define ALL_STATUSES ((1U << STATUS_COUNT) - 1)

/* What a status can be stored as. */
static const unsigned phases_of[STATUS_COUNT] = {
    [STATUS_DRAFT] = 1U << PHASE_DRAFT,
    [STATUS_SCHEDULED] = 1U << PHASE_SCHEDULED,
    [STATUS_PREPARING] = 1U << PHASE_RUNNING,
    [STATUS_PUBLISHING] = 1U << PHASE_COMMITTED,
    [STATUS_PROCESSING] = 1U << PHASE_COMMITTED,
    [STATUS_PUBLISHED] = 1U << PHASE_PUBLISHED,
    [STATUS_PUBLISHED_PRIVATE] = 1U << PHASE_PUBLISHED,
    [STATUS_IN_INBOX] = 1U << PHASE_PUBLISHED,
    [STATUS_NEEDS_ATTENTION] = 1U << PHASE_REVIEW | 1U << PHASE_BLOCKED,
    [STATUS_FAILED] = 1U << PHASE_FAILED,
    [STATUS_CANCELED] = 1U << PHASE_CANCELED,
};

static unsigned phases_in(unsigned statuses)
{
    unsigned phases = 0;

    for (size_t i = 0; i < STATUS_COUNT; i++)
        phases |= (statuses >> i & 1) != 0 ? phases_of[i] : 0;
    return phases;
}

/* A page that is being put together. */
struct page {
    const struct post_query *q;
    unsigned statuses, phases; /* wanted */
    uint64_t before_id;        /* POST_NEWEST: ids below */
    int64_t after_at;          /* POST_SOONEST: places behind */
    uint64_t after_id;
    uint64_t limit; /* one more than asked for: is there more? */
    struct posts_reading *r;
};

/* --- straight ------------------------------------------------------------------ */

#define NEWEST_SQL(and_statuses)                                                         \
    "SELECT STRAIGHT_JOIN" POST_COLUMNS                                                  \
    " FROM post p FORCE INDEX (u_workspace)" POST_JOINS                                  \
    " WHERE p.workspace_id = ? AND p.post_id < ? AND " POST_SHOWN_SQL and_statuses       \
    " ORDER BY p.post_id DESC LIMIT ?"

static enum rc straight_newest(struct db *db, const struct page *g, struct err *err)
{
    const struct sql_arg all[] = {sql_u64(g->q->workspace_id), sql_u64(g->before_id),
                                  sql_u64(g->limit)};
    const struct sql_arg some[] = {sql_u64(g->q->workspace_id), sql_u64(g->before_id),
                                   sql_u64(g->statuses), sql_u64(g->limit)};

    /* The usual list: spares the database a tenth of it. */
    if (g->statuses == ALL_STATUSES)
        return posts_read(db, NEWEST_SQL(""), SQL_ARGS(all), g->q->workspace_id, g->r,
                          err);
    return posts_read(db, NEWEST_SQL(IN_SET_SQL), SQL_ARGS(some), g->q->workspace_id,
                      g->r, err);
}

static enum rc straight_soonest(struct db *db, const struct page *g, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(g->q->workspace_id), sql_i64(g->after_at),
                                   sql_i64(g->after_at),        sql_u64(g->after_id),
                                   sql_u64(g->statuses),        sql_u64(g->limit)};

    return posts_read(
        db,
        "SELECT STRAIGHT_JOIN" POST_COLUMNS " FROM post p FORCE INDEX (k_list)" POST_JOINS
        " WHERE p.workspace_id = ? AND p.list_at >= ?"
        " AND (p.list_at > ? OR p.post_id > ?) AND " POST_SHOWN_SQL IN_SET_SQL
        " ORDER BY p.list_at, p.post_id LIMIT ?",
        SQL_ARGS(args), g->q->workspace_id, g->r, err);
}

/* In the order in which the table itself lies. */
static enum rc straight_of_account(struct db *db, const struct page *g, struct err *err)
{
    const struct sql_arg args[] = {sql_u64(g->q->account_id), sql_u64(g->q->workspace_id),
                                   sql_i64(g->after_at),      sql_i64(g->after_at),
                                   sql_u64(g->after_id),      sql_u64(g->statuses),
                                   sql_u64(g->limit)};

    return posts_read(
        db,
        "SELECT STRAIGHT_JOIN" POST_COLUMNS
        " FROM post p FORCE INDEX (PRIMARY)" POST_JOINS
        " WHERE p.account_id = ? AND p.workspace_id = ? AND p.list_at >= ?"
        " AND (p.list_at > ? OR p.post_id > ?) AND " POST_SHOWN_SQL IN_SET_SQL
        " ORDER BY p.list_at, p.post_id LIMIT ?",
        SQL_ARGS(args), g->q->workspace_id, g->r, err);
}

/* --- by ids -------------------------------------------------------------------- */

struct ids {
    uint64_t id;
    uint64_t found[POST_PAGE_MAX + 1];
    size_t n;
};

static enum rc keep_id(void *ctx, struct err *err UNUSED)
{
    struct ids *ids = ctx;

    if (ids->n < ARRAY_LEN(ids->found))
        ids->found[ids->n++] = ids->id;
    return RC_OK;
}

/* Reads the posts of ids in their order. The places of the list are always as many, so
 * that the statement is prepared once; 0 is no post. */
static enum rc read_by_ids(struct db *db, const struct page *g, const struct ids *ids,
                           struct err *err)
{
#define TEN "?,?,?,?,?,?,?,?,?,?,"
    struct sql_arg args[1 + POST_PAGE_MAX];
    size_t n = ids->n < g->r->max ? ids->n : g->r->max;

    args[0] = sql_u64(g->q->workspace_id);
    for (size_t i = 0; i < POST_PAGE_MAX; i++)
        args[1 + i] = sql_u64(i < n ? ids->found[i] : 0);
    g->r->order = ids->found;
    g->r->max = n;
    if (n == 0)
        return RC_OK;
    return posts_read(
        db,
        "SELECT STRAIGHT_JOIN" POST_COLUMNS
        " FROM post p FORCE INDEX (u_workspace)" POST_JOINS
        " WHERE p.workspace_id = ? AND p.post_id IN (" TEN TEN TEN TEN TEN TEN TEN TEN TEN
        "?,?,?,?,?,?,?,?,?,?)"
        " AND " POST_SHOWN_SQL,
        (struct sql_args){args, ARRAY_LEN(args)}, g->q->workspace_id, g->r, err);
#undef TEN
}

/* The phases as nine places, filled up with one that nothing has. */
static void phase_args(const struct page *g, struct sql_arg args[PHASE_COUNT])
{
    for (int i = 0; i < PHASE_COUNT; i++)
        args[i] = sql_i64((g->phases >> i & 1) != 0 ? i : PHASE_COUNT);
}

#define PHASES_SQL "(?, ?, ?, ?, ?, ?, ?, ?, ?)"

/* The rows of an account, in the order of the table, sorted by id. */
static enum rc ids_of_account(struct db *db, const struct page *g, struct ids *ids,
                              struct err *err)
{
    const struct sql_arg all[] = {sql_u64(g->q->account_id), sql_u64(g->q->workspace_id),
                                  sql_u64(g->before_id), sql_u64(g->limit)};
    const struct sql_arg some[] = {sql_u64(g->q->account_id), sql_u64(g->q->workspace_id),
                                   sql_u64(g->before_id), sql_u64(g->statuses),
                                   sql_u64(g->limit)};
    const struct sql_col cols[] = {COL_U64(&ids->id)};
    const struct db_rows rows = {keep_id, ids};

    if (g->statuses == ALL_STATUSES)
        return db_each(db,
                       "SELECT p.post_id FROM post p FORCE INDEX (PRIMARY)"
                       " WHERE p.account_id = ? AND p.workspace_id = ?"
                       " AND p.post_id < ? AND " POST_SHOWN_SQL
                       " ORDER BY p.post_id DESC LIMIT ?",
                       SQL_ARGS(all), SQL_COLS(cols), rows, err);
    return db_each(db,
                   "SELECT STRAIGHT_JOIN p.post_id FROM post p FORCE INDEX (PRIMARY)"
                   " JOIN job j ON j.post_id = p.post_id" POST_ATTEMPT_SQL
                   " WHERE p.account_id = ? AND p.workspace_id = ? AND p.post_id < ?"
                   " AND " POST_SHOWN_SQL IN_SET_SQL " ORDER BY p.post_id DESC LIMIT ?",
                   SQL_ARGS(some), SQL_COLS(cols), rows, err);
}

/* Whole phases in which nothing can be hidden: the index alone answers. */
static enum rc ids_of_phases(struct db *db, const struct page *g, struct ids *ids,
                             struct err *err)
{
    struct sql_arg args[1 + PHASE_COUNT + 4];
    const struct sql_col cols[] = {COL_U64(&ids->id)};
    size_t n = 1 + PHASE_COUNT;

    args[0] = sql_u64(g->q->workspace_id);
    phase_args(g, &args[1]);
    if (g->q->order == POST_NEWEST) {
        args[n++] = sql_u64(g->before_id);
        args[n++] = sql_u64(g->limit);
        return db_each(db,
                       "SELECT j.post_id FROM job j FORCE INDEX (k_list)"
                       " WHERE j.workspace_id = ? AND j.state IN " PHASES_SQL
                       " AND j.post_id < ? ORDER BY j.post_id DESC LIMIT ?",
                       (struct sql_args){args, n}, SQL_COLS(cols),
                       (struct db_rows){keep_id, ids}, err);
    }
    args[n++] = sql_i64(g->after_at);
    args[n++] = sql_i64(g->after_at);
    args[n++] = sql_u64(g->after_id);
    args[n++] = sql_u64(g->limit);
    return db_each(db,
                   "SELECT j.post_id FROM job j FORCE INDEX (k_list)"
                   " WHERE j.workspace_id = ? AND j.state IN " PHASES_SQL
                   " AND j.due_at >= ? AND (j.due_at > ? OR j.post_id > ?)"
                   " ORDER BY j.due_at, j.post_id LIMIT ?",
                   (struct sql_args){args, n}, SQL_COLS(cols),
                   (struct db_rows){keep_id, ids}, err);
}

/* Any other set: the index finds the jobs, their posts and attempts decide. */
static enum rc ids_of_set(struct db *db, const struct page *g, struct ids *ids,
                          struct err *err)
{
    struct sql_arg args[1 + PHASE_COUNT + 5];
    const struct sql_col cols[] = {COL_U64(&ids->id)};
    size_t n = 1 + PHASE_COUNT;

    args[0] = sql_u64(g->q->workspace_id);
    phase_args(g, &args[1]);
    args[n++] = sql_u64(g->statuses);
#define FROM_SET                                                                         \
    "SELECT STRAIGHT_JOIN p.post_id FROM job j FORCE INDEX (k_list)"                     \
    " JOIN post p ON p.post_id = j.post_id" POST_ATTEMPT_SQL                             \
    " WHERE j.workspace_id = ? AND j.state IN " PHASES_SQL                               \
    " AND " POST_SHOWN_SQL IN_SET_SQL
    if (g->q->order == POST_NEWEST) {
        args[n++] = sql_u64(g->before_id);
        args[n++] = sql_u64(g->limit);
        return db_each(db, FROM_SET " AND p.post_id < ? ORDER BY p.post_id DESC LIMIT ?",
                       (struct sql_args){args, n}, SQL_COLS(cols),
                       (struct db_rows){keep_id, ids}, err);
    }
    args[n++] = sql_i64(g->after_at);
    args[n++] = sql_i64(g->after_at);
    args[n++] = sql_u64(g->after_id);
    args[n++] = sql_u64(g->limit);
    return db_each(db,
                   FROM_SET " AND p.list_at >= ? AND (p.list_at > ? OR p.post_id > ?)"
                            " ORDER BY p.list_at, p.post_id LIMIT ?",
                   (struct sql_args){args, n}, SQL_COLS(cols),
                   (struct db_rows){keep_id, ids}, err);
#undef FROM_SET
}

enum {
    MAY_BE_HIDDEN = 1 << PHASE_DRAFT | 1 << PHASE_FAILED | 1 << PHASE_CANCELED,
    OF_COMMITTED = 1 << STATUS_PUBLISHING | 1 << STATUS_PROCESSING,
};

/* True when the set is a union of whole phases, none of which holds hidden posts. */
static bool is_plain(const struct page *g)
{
    unsigned committed = g->statuses & OF_COMMITTED;

    return (g->phases & (MAY_BE_HIDDEN | 1U << PHASE_PUBLISHED)) == 0 &&
           (committed == 0 || committed == OF_COMMITTED);
}

static enum rc by_ids(struct db *db, const struct page *g, struct err *err)
{
    struct ids ids = {.n = 0};
    enum rc rc;

    if (g->q->account_id != 0)
        rc = ids_of_account(db, g, &ids, err);
    else
        rc = is_plain(g) ? ids_of_phases(db, g, &ids, err) : ids_of_set(db, g, &ids, err);
    if (rc != RC_OK)
        return rc;
    g->r->more = ids.n >= g->limit;
    return read_by_ids(db, g, &ids, err);
}

/* --- which of them ------------------------------------------------------------- */

static enum rc choose_way(struct db *db, const struct page *g, struct err *err)
{
    bool newest = g->q->order == POST_NEWEST;

    if (g->q->account_id != 0)
        return newest ? by_ids(db, g, err) : straight_of_account(db, g, err);
    /* What was published is most of what there is: reading on soon fills a page. */
    if (g->statuses == ALL_STATUSES ||
        (newest && (g->phases & 1U << PHASE_PUBLISHED) != 0))
        return newest ? straight_newest(db, g, err) : straight_soonest(db, g, err);
    return by_ids(db, g, err);
}

enum rc posts_list(struct db *db, const struct post_query *query, struct post *out,
                   size_t *n, bool *more, struct err *err)
{
    struct posts_reading r = {.out = out, .max = query->limit};
    struct page g = {
        .q = query,
        .statuses = query->statuses != 0 ? query->statuses : ALL_STATUSES,
        .before_id = query->first ? INT64_MAX : query->after_id,
        .after_at = query->first ? INT64_MIN : query->after_at,
        .after_id = query->first ? 0 : query->after_id,
        .limit = query->limit + 1,
        .r = &r,
    };
    enum rc rc;

    assert(query->limit >= 1 && query->limit <= POST_PAGE_MAX);
    g.phases = phases_in(g.statuses);
    rc = choose_way(db, &g, err);
    if (rc != RC_OK)
        return rc;
    *n = r.n;
    *more = r.more;
    return RC_OK;
}
