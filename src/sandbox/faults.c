#include "faults.h"

#include "people.h"

#include "core/xalloc.h"

#include <string.h>

enum { SPEC_SIZE = 6 * 1024 }; /* bytes of a fault's JSON */

enum rc faults_any(struct sql *sql, bool *any, struct err *err)
{
    int64_t found = 0;
    enum rc rc =
        sql_number(sql, "SELECT EXISTS (SELECT 1 FROM fault WHERE remaining != 0)",
                   SQL_NONE, &found, err);

    if (rc == RC_OK)
        *any = found != 0;
    return rc;
}

/* --- taking -------------------------------------------------------------------- */

struct candidate {
    struct fault fault;
    int64_t seen;
};

struct candidates {
    struct candidate *list; /* NULL as long as there is none, as nearly always */
    size_t len;
};

static bool read_spec(const char *text, struct fault_spec *spec)
{
    json_t *json = json_loads(text, 0, NULL);
    struct err err;
    bool good = json != NULL && fault_spec_parse(json, spec, &err) == RC_OK;

    json_decref(json);
    return good;
}

static void keep_candidate(void *ctx, const struct sql_row *row)
{
    struct candidates *all = ctx;
    struct candidate *c;

    if (all->list == NULL)
        all->list = xcalloc(FAULTS_MAX, sizeof(*all->list));
    if (all->len == FAULTS_MAX)
        return;
    c = &all->list[all->len];
    if (!read_spec(sql_text_of(row, 1), &c->fault.spec))
        return;
    c->fault.id = sql_int_at(row, 0);
    c->seen = sql_int_at(row, 2);
    all->len++;
}

/* Counts the meeting, and the hit when it is one. */
static enum rc meet(struct sql *sql, const struct candidate *c,
                    const struct fault_target *target, bool *hit, struct err *err)
{
    *hit = fault_hits(&c->fault.spec, target->seed, c->fault.id, c->seen);
    return sql_run(sql,
                   "UPDATE fault SET seen = seen + 1, hits = hits + ?1,"
                   " remaining = remaining - (?1 = 1 AND remaining > 0) WHERE id = ?2",
                   SQL_WITH(sql_int(*hit), sql_int(c->fault.id)), NULL, err);
}

/* What the statement has not compared. */
static bool fits(const struct fault_spec *spec, const struct fault_target *target)
{
    if (spec->chunk >= 0 && spec->chunk != target->chunk)
        return false;
    return spec->event[0] == '\0' ||
           (target->event != NULL && strcmp(spec->event, target->event) == 0);
}

enum rc fault_take(struct sql *sql, const struct fault_target *target,
                   struct fault *fault, struct err *err)
{
    struct candidates all = {.list = NULL};
    enum rc rc = sql_each(
        sql,
        "SELECT id, spec, seen FROM fault"
        " WHERE (endpoint = ?1 OR (endpoint = '*' AND ?1 NOT IN ('" FAULT_PUBLICATION
        "', '" FAULT_PULL "', '" FAULT_WEBHOOK "'))) AND user_id IN (0, ?2)"
        " AND remaining != 0 ORDER BY id",
        SQL_WITH(sql_text(target->endpoint), sql_int(target->user_id)), keep_candidate,
        &all, err);

    fault->id = 0;
    for (size_t i = 0; rc == RC_OK && fault->id == 0 && i < all.len; i++) {
        const struct candidate *c = &all.list[i];
        bool hit = false;

        if (!fits(&c->fault.spec, target))
            continue;
        rc = meet(sql, c, target, &hit, err);
        if (hit)
            *fault = c->fault;
    }
    free(all.list);
    return rc;
}

/* --- setting ------------------------------------------------------------------- */

static enum rc account_id(struct sql *sql, const char *account, int64_t *id,
                          struct err *err)
{
    struct person person;
    enum rc rc;

    *id = 0;
    if (*account == '\0')
        return RC_OK;
    rc = person_by_name(sql, account, &person, err);
    if (rc == RC_OK && person.id == 0)
        rc = err_field(err, "account", "bad_fault", "there is no such person");
    if (rc == RC_OK)
        *id = person.id;
    return rc;
}

/* Used-up ones stay to be looked at until there are too many. */
static enum rc make_room(struct sql *sql, struct err *err)
{
    int64_t n = 0;
    enum rc rc = sql_run(sql,
                         "DELETE FROM fault WHERE remaining = 0"
                         " AND (SELECT COUNT(*) FROM fault) >= ?",
                         SQL_WITH(sql_int(FAULTS_MAX)), NULL, err);

    if (rc == RC_OK)
        rc = sql_number(sql, "SELECT COUNT(*) FROM fault", SQL_NONE, &n, err);
    if (rc == RC_OK && n >= FAULTS_MAX)
        rc = err_set(err, RC_LIMITED, "too_many_faults", "%d faults are set already",
                     FAULTS_MAX);
    return rc;
}

static enum rc store(struct sql *sql, json_t *json, const struct fault_spec *spec,
                     int64_t user_id, struct err *err)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    enum rc rc;

    if (text == NULL || strlen(text) >= SPEC_SIZE)
        rc = err_field(err, "", "bad_fault", "the fault is too long");
    else
        rc = sql_run(sql,
                     "INSERT INTO fault (spec, endpoint, user_id, skip, remaining)"
                     " VALUES (?, ?, ?, ?, ?)",
                     SQL_WITH(sql_text(text), sql_text(spec->endpoint), sql_int(user_id),
                              sql_int(spec->skip), sql_int(spec->count)),
                     NULL, err);
    free(text);
    return rc;
}

enum rc fault_add(struct sql *sql, json_t *json, int64_t *id, struct err *err)
{
    struct fault_spec spec;
    int64_t user_id = 0;
    enum rc rc = fault_spec_parse(json, &spec, err);

    if (rc == RC_OK)
        rc = account_id(sql, spec.account, &user_id, err);
    if (rc == RC_OK)
        rc = make_room(sql, err);
    if (rc == RC_OK)
        rc = store(sql, json, &spec, user_id, err);
    if (rc == RC_OK)
        *id = sql_last_id(sql);
    return rc;
}

enum rc fault_remove(struct sql *sql, int64_t id, int64_t *removed, struct err *err)
{
    return sql_run(sql, "DELETE FROM fault WHERE ?1 IN (0, id)", SQL_WITH(sql_int(id)),
                   removed, err);
}

/* --- listing ------------------------------------------------------------------- */

static void write_row(void *ctx, const struct sql_row *row)
{
    struct jsonw *w = ctx;

    jsonw_object(w);
    jsonw_key_int(w, "id", sql_int_at(row, 0));
    jsonw_key(w, "fault");
    jsonw_raw(w, sql_text_of(row, 1));
    jsonw_key_int(w, "seen", sql_int_at(row, 2));
    jsonw_key_int(w, "hits", sql_int_at(row, 3));
    jsonw_key(w, "remaining");
    if (sql_int_at(row, 4) < 0)
        jsonw_null(w);
    else
        jsonw_int(w, sql_int_at(row, 4));
    jsonw_end(w);
}

enum rc faults_write(struct sql *sql, struct jsonw *w, struct err *err)
{
    enum rc rc;

    jsonw_array(w);
    rc = sql_each(sql, "SELECT id, spec, seen, hits, remaining FROM fault ORDER BY id",
                  SQL_NONE, write_row, w, err);
    jsonw_end(w);
    return rc;
}

struct visit {
    fault_fn each;
    void *ctx;
};

static void visit_row(void *ctx, const struct sql_row *row)
{
    const struct visit *v = ctx;

    v->each(v->ctx, sql_int_at(row, 0), sql_text_of(row, 1), sql_int_at(row, 2));
}

enum rc faults_each(struct sql *sql, fault_fn each, void *ctx, struct err *err)
{
    struct visit v = {each, ctx};

    return sql_each(sql, "SELECT id, spec, hits FROM fault ORDER BY id", SQL_NONE,
                    visit_row, &v, err);
}
