#include "control.h"

#include "deeds.h"
#include "faults.h"
#include "oauth.h"
#include "schema.h"

#include "core/parse.h"
#include "core/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PEOPLE_MAX = 5000, PATH_SIZE = 1200 };

/* --- bodies -------------------------------------------------------------------- */

/* The body as a JSON object; none at all is {}. The caller gives it back with
 * json_decref(). */
static enum rc read_object(const struct exchange *x, json_t **json, struct err *err)
{
    if (x->body.len == 0)
        *json = json_object();
    else
        *json = json_loadb(x->body.buf, x->body.len, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(*json))
        return RC_OK;
    json_decref(*json);
    *json = NULL;
    return err_set(err, RC_INVALID, "bad_json", "the body must be a JSON object");
}

enum rc control_change(struct exchange *x, control_fn fn, struct err *err)
{
    json_t *body = NULL;
    enum rc rc = read_object(x, &body, err);

    if (rc == RC_OK)
        rc = sql_begin(x->sql, err);
    if (rc == RC_OK)
        rc = sql_end(x->sql, fn(x, body, err), err);
    x->errand = true; /* clock, knobs and all else that it goes by */
    json_decref(body);
    return rc;
}

void answer_number(struct exchange *x, int status, const char *key, int64_t n)
{
    struct jsonw w;

    web_json_begin(x->res, status, &w);
    jsonw_object(&w);
    jsonw_key_int(&w, key, n);
    jsonw_end(&w);
}

/* --- faults -------------------------------------------------------------------- */

enum rc control_faults(struct exchange *x, struct err *err)
{
    struct jsonw w;
    enum rc rc;

    web_json_begin(x->res, 200, &w);
    jsonw_object(&w);
    jsonw_key(&w, "faults");
    rc = faults_write(x->sql, &w, err);
    jsonw_end(&w);
    return rc;
}

static enum rc set_fault(struct exchange *x, json_t *body, struct err *err)
{
    int64_t id = 0;
    enum rc rc = fault_add(x->sql, body, &id, err);

    if (rc == RC_OK)
        answer_number(x, 201, "id", id);
    return rc;
}

enum rc control_fault_set(struct exchange *x, struct err *err)
{
    return control_change(x, set_fault, err);
}

enum rc control_fault_remove(struct exchange *x, struct err *err)
{
    const char *text = web_param(&x->params, "id");
    int64_t id = 0;
    int64_t removed = 0;
    enum rc rc;

    if (text != NULL && !parse_i64(text, 1, INT64_MAX, &id))
        return err_set(err, RC_NOT_FOUND, "not_found", "there is no such fault");
    rc = sql_begin(x->sql, err);
    if (rc == RC_OK)
        rc = sql_end(x->sql, fault_remove(x->sql, id, &removed, err), err);
    if (rc == RC_OK && id != 0 && removed == 0)
        rc = err_set(err, RC_NOT_FOUND, "not_found", "there is no such fault");
    if (rc == RC_OK)
        answer_number(x, 200, "removed", removed);
    return rc;
}

/* --- knobs and the clock ------------------------------------------------------- */

enum rc turn_knob(struct exchange *x, enum knob knob, int64_t value, struct err *err)
{
    const struct knob_row *row = &knob_table[knob];

    if (value < row->min || value > row->max)
        return err_field(err, row->name, "bad_value", "%s goes from %lld to %lld",
                         row->name, (long long)row->min, (long long)row->max);
    return knob_set(x->sql, knob, value, err);
}

/* Reads them anew, after some were turned. */
static enum rc load_knobs(struct exchange *x, struct err *err)
{
    int64_t real_ms = x->now_ms - x->knobs.value[KNOB_CLOCK_OFFSET_MS];
    enum rc rc = knobs_load(x->sql, x->sandbox->settings->processing_ms, &x->knobs, err);

    x->now_ms = real_ms + x->knobs.value[KNOB_CLOCK_OFFSET_MS];
    return rc;
}

enum rc control_knobs(struct exchange *x, struct err *err)
{
    struct jsonw w;
    enum rc rc = load_knobs(x, err);

    if (rc != RC_OK)
        return rc;
    web_json_begin(x->res, 200, &w);
    jsonw_object(&w);
    for (size_t i = 0; i < KNOB_COUNT; i++) {
        jsonw_key(&w, knob_table[i].name);
        jsonw_object(&w);
        jsonw_key_int(&w, "value", x->knobs.value[i]);
        jsonw_key_int(&w, "usual",
                      i == KNOB_PROCESSING_MS ? x->sandbox->settings->processing_ms
                                              : knob_table[i].usual);
        jsonw_key_int(&w, "min", knob_table[i].min);
        jsonw_key_int(&w, "max", knob_table[i].max);
        jsonw_end(&w);
    }
    jsonw_end(&w);
    return RC_OK;
}

static enum rc turn_one(struct exchange *x, const char *name, const json_t *value,
                        struct err *err)
{
    enum knob knob = knob_named(name);

    if (knob == KNOB_COUNT)
        return err_set(err, RC_INVALID, "unknown_knob", "there is no such knob");
    if (json_is_null(value))
        return knob_forget(x->sql, knob, err);
    if (!json_is_integer(value))
        return err_field(err, knob_table[knob].name, "bad_value",
                         "a knob takes a whole number, or null for its usual value");
    return turn_knob(x, knob, json_integer_value(value), err);
}

static enum rc turn_knobs(struct exchange *x, json_t *body, struct err *err)
{
    const char *name;
    json_t *value;
    enum rc rc = RC_OK;

    json_object_foreach(body, name, value)
    {
        rc = turn_one(x, name, value, err);
        if (rc != RC_OK)
            break;
    }
    return rc;
}

enum rc control_knobs_turn(struct exchange *x, struct err *err)
{
    enum rc rc = control_change(x, turn_knobs, err);

    return rc == RC_OK ? control_knobs(x, err) : rc;
}

enum rc control_clock(struct exchange *x, struct err *err)
{
    struct jsonw w;
    enum rc rc = load_knobs(x, err);

    if (rc != RC_OK)
        return rc;
    web_json_begin(x->res, 200, &w);
    jsonw_object(&w);
    jsonw_key_int(&w, "now_ms", x->now_ms);
    jsonw_key_int(&w, "offset_ms", x->knobs.value[KNOB_CLOCK_OFFSET_MS]);
    jsonw_end(&w);
    return RC_OK;
}

static enum rc set_clock(struct exchange *x, json_t *body, struct err *err)
{
    const json_t *offset = json_object_get(body, "offset_ms");
    const json_t *advance = json_object_get(body, "advance_ms");
    int64_t turned = 0;
    enum rc rc;

    if (json_object_size(body) != 1 ||
        (!json_is_integer(offset) && !json_is_integer(advance)))
        return err_set(err, RC_INVALID, "bad_value",
                       "name a whole number as offset_ms or advance_ms");
    if (json_is_integer(offset))
        return turn_knob(x, KNOB_CLOCK_OFFSET_MS, json_integer_value(offset), err);
    /* From what it is now, and not when the request came: two may add up. */
    rc = sql_number(x->sql, "SELECT value FROM knob WHERE name = 'clock_offset_ms'",
                    SQL_NONE, &turned, err);
    if (rc != RC_OK)
        return rc;
    if (__builtin_add_overflow(turned, json_integer_value(advance), &turned))
        return err_field(err, "advance_ms", "bad_value", "that is too far");
    return turn_knob(x, KNOB_CLOCK_OFFSET_MS, turned, err);
}

enum rc control_clock_set(struct exchange *x, struct err *err)
{
    enum rc rc = control_change(x, set_clock, err);

    return rc == RC_OK ? control_clock(x, err) : rc;
}

/* --- people -------------------------------------------------------------------- */

static void write_person(void *ctx, const struct person *person)
{
    person_write(ctx, person);
}

enum rc control_people(struct exchange *x, struct err *err)
{
    struct jsonw w;
    enum rc rc;

    web_json_begin(x->res, 200, &w);
    jsonw_object(&w);
    jsonw_key(&w, "users");
    jsonw_array(&w);
    rc = people_each(x->sql, PEOPLE_MAX, write_person, &w, err);
    jsonw_end(&w);
    jsonw_end(&w);
    return rc;
}

static void answer_person(struct exchange *x, int status, const struct person *person)
{
    struct jsonw w;

    web_json_begin(x->res, status, &w);
    person_write(&w, person);
}

static enum rc find_person(struct exchange *x, const char *name, struct person *person,
                           struct err *err)
{
    enum rc rc;

    *person = (struct person){.id = 0};
    rc = name != NULL ? person_by_name(x->sql, name, person, err) : RC_OK;
    if (rc == RC_OK && person->id == 0)
        rc = err_set(err, RC_NOT_FOUND, "not_found", "there is no such person");
    return rc;
}

enum rc control_person(struct exchange *x, struct err *err)
{
    struct person person;
    enum rc rc = find_person(x, web_param(&x->params, "name"), &person, err);

    if (rc == RC_OK)
        answer_person(x, 200, &person);
    return rc;
}

static enum rc change_person(struct exchange *x, json_t *body, struct err *err)
{
    struct person person;
    enum rc rc = find_person(x, web_param(&x->params, "name"), &person, err);

    if (rc == RC_OK)
        rc = person_change(&person, body, err);
    if (rc == RC_OK)
        rc = person_store(x->sql, &person, err);
    if (rc == RC_OK)
        answer_person(x, 200, &person);
    return rc;
}

enum rc control_person_change(struct exchange *x, struct err *err)
{
    return control_change(x, change_person, err);
}

static enum rc add_person(struct exchange *x, json_t *body, struct err *err)
{
    const char *name = json_string_value(json_object_get(body, "username"));
    struct person person;
    enum rc rc = person_add(x->sql, name != NULL ? name : "", &person, err);

    if (rc != RC_OK)
        return rc;
    (void)json_object_del(body, "username"); /* it was there */
    rc = person_change(&person, body, err);
    if (rc == RC_OK)
        rc = person_store(x->sql, &person, err);
    if (rc == RC_OK)
        answer_person(x, 201, &person);
    return rc;
}

enum rc control_person_add(struct exchange *x, struct err *err)
{
    return control_change(x, add_person, err);
}

/* The apps are off the person's list, for one of TikTok's reasons. */
static enum rc leave(struct exchange *x, json_t *body, struct err *err)
{
    const json_t *reason = json_object_get(body, "reason");
    struct person person;
    enum rc rc = find_person(x, web_param(&x->params, "name"), &person, err);

    if (rc != RC_OK)
        return rc;
    if (!json_is_integer(reason) || !removal_known(json_integer_value(reason)))
        return err_field(err, "reason", "bad_value",
                         "reason must be a number from 0 to 5");
    rc = apps_remove(x, &person, (enum removal)json_integer_value(reason), err);
    if (rc == RC_OK)
        answer_person(x, 200, &person);
    return rc;
}

enum rc control_person_leave(struct exchange *x, struct err *err)
{
    return control_change(x, leave, err);
}

static enum rc come_back(struct exchange *x, UNUSED json_t *body, struct err *err)
{
    struct person person;
    enum rc rc = find_person(x, web_param(&x->params, "name"), &person, err);

    if (rc == RC_OK)
        rc = account_reopen(x, &person, err);
    if (rc == RC_OK)
        answer_person(x, 200, &person);
    return rc;
}

enum rc control_person_return(struct exchange *x, struct err *err)
{
    return control_change(x, come_back, err);
}

/* Tokens without the page of consent, for measurements with many people. */
static enum rc make_permit(struct exchange *x, json_t *body, struct err *err)
{
    const char *name = json_string_value(json_object_get(body, "username"));
    const char *scopes = json_string_value(json_object_get(body, "scopes"));
    const char *key = json_string_value(json_object_get(body, "client_key"));
    const struct issue how = {x->sandbox->random, &x->knobs, x->now_ms, NULL};
    struct consent consent = {.scopes = 0};
    char open_id[OPEN_ID_SIZE];
    struct permit permit;
    struct token_pair pair;
    struct person person;
    struct app app;
    enum rc rc = find_person(x, name, &person, err);

    if (rc == RC_OK)
        rc = app_by_key(x->sql, key != NULL ? key : SANDBOX_APP_KEY, &app, err);
    if (rc != RC_OK)
        return rc;
    if (app.id == 0)
        return err_field(err, "client_key", "not_found", "there is no such app");
    if (person.closed != 0)
        return err_set(err, RC_CONFLICT, "account_closed", "this account is gone");
    if (scopes == NULL || !scopes_parse(scopes, &consent.scopes))
        return err_field(err, "scopes", "bad_value",
                         "scopes must be names of scopes with commas between");
    consent.app_id = app.id;
    consent.user_id = person.id;
    app_open_id(&app, &person, open_id);
    rc = permit_new(x->sql, x->now_ms, &x->knobs, &consent, &permit, err);
    if (rc == RC_OK)
        rc = tokens_issue(x->sql, &how, &permit, &pair, err);
    if (rc == RC_OK)
        oauth_write_tokens(x, open_id, permit.scopes, &pair);
    explicit_bzero(&pair, sizeof(pair));
    return rc;
}

enum rc control_permit(struct exchange *x, struct err *err)
{
    return control_change(x, make_permit, err);
}

/* --- publications -------------------------------------------------------------- */

static enum rc find_publication(struct exchange *x, struct publication *p,
                                struct err *err)
{
    const char *publish_id = web_param(&x->params, "publish_id");
    enum rc rc;

    *p = (struct publication){.id = 0};
    rc = publish_id != NULL ? publication_by_publish_id(x->sql, publish_id, p, err)
                            : RC_OK;
    if (rc == RC_OK && p->id == 0)
        rc = err_set(err, RC_NOT_FOUND, "not_found", "there is no such publication");
    return rc;
}

static void answer_state(struct exchange *x, const struct publication *p)
{
    struct jsonw w;

    web_json_begin(x->res, 200, &w);
    jsonw_object(&w);
    jsonw_key_text(&w, "publish_id", p->publish_id);
    jsonw_key_text(&w, "status", publication_status(p, x->now_ms));
    jsonw_key_bool(&w, "stuck", p->stuck);
    jsonw_key_text(&w, "fail_reason", p->fail_reason[0] != '\0' ? p->fail_reason : NULL);
    jsonw_key_id(&w, "post_id", (uint64_t)p->post_id);
    jsonw_end(&w);
}

static enum rc set_fail_reason(struct exchange *x, struct publication *p,
                               const json_t *value, struct err *err)
{
    const char *reason = json_is_null(value) ? "" : json_string_value(value);

    if (reason == NULL || (*reason != '\0' && !fail_reason_known(reason)))
        return err_field(err, "fail_reason", "bad_value", "TikTok has no such reason");
    text_copy(p->fail_reason, sizeof(p->fail_reason), reason);
    p->fail_ms = x->now_ms;
    return RC_OK;
}

static enum rc change_publication(struct exchange *x, json_t *body, struct err *err)
{
    const json_t *stuck = json_object_get(body, "stuck");
    const json_t *reason = json_object_get(body, "fail_reason");
    struct publication p;
    enum rc rc = find_publication(x, &p, err);

    if (rc != RC_OK)
        return rc;
    if (json_object_size(body) != (size_t)(stuck != NULL) + (reason != NULL) ||
        (stuck != NULL && !json_is_boolean(stuck)))
        return err_set(err, RC_INVALID, "bad_value",
                       "a publication takes stuck (true, false) and fail_reason");
    if (stuck != NULL)
        p.stuck = json_is_true(stuck);
    if (reason != NULL)
        rc = set_fail_reason(x, &p, reason, err);
    if (rc == RC_OK)
        rc = publication_store(x->sql, &p, err);
    if (rc == RC_OK)
        answer_state(x, &p);
    return rc;
}

enum rc control_publication_change(struct exchange *x, struct err *err)
{
    return control_change(x, change_publication, err);
}

typedef enum rc (*deed_fn)(struct exchange *x, struct publication *p, struct err *err);

/* Does it to the publication that the path names, and answers its state. */
static enum rc do_deed(struct exchange *x, deed_fn deed, struct err *err)
{
    struct publication p;
    enum rc rc = find_publication(x, &p, err);

    if (rc == RC_OK)
        rc = deed(x, &p, err);
    if (rc == RC_OK)
        answer_state(x, &p);
    return rc;
}

static enum rc do_draft_post(struct exchange *x, UNUSED json_t *body, struct err *err)
{
    return do_deed(x, draft_post, err);
}

static enum rc do_draft_discard(struct exchange *x, UNUSED json_t *body, struct err *err)
{
    return do_deed(x, draft_discard, err);
}

static enum rc do_post_hide(struct exchange *x, UNUSED json_t *body, struct err *err)
{
    return do_deed(x, post_hide, err);
}

static enum rc do_post_show(struct exchange *x, UNUSED json_t *body, struct err *err)
{
    return do_deed(x, post_show, err);
}

enum rc control_draft_post(struct exchange *x, struct err *err)
{
    return control_change(x, do_draft_post, err);
}

enum rc control_draft_discard(struct exchange *x, struct err *err)
{
    return control_change(x, do_draft_discard, err);
}

enum rc control_post_hide(struct exchange *x, struct err *err)
{
    return control_change(x, do_post_hide, err);
}

enum rc control_post_show(struct exchange *x, struct err *err)
{
    return control_change(x, do_post_show, err);
}

/* --- reset --------------------------------------------------------------------- */

static bool stays(const char *table, bool keep_tokens)
{
    static const char *const people[] = {"app", "user", "code", "permit", "token"};

    for (size_t i = 0; keep_tokens && i < ARRAY_LEN(people); i++)
        if (strcmp(people[i], table) == 0)
            return true;
    return false;
}

static enum rc empty_tables(struct exchange *x, bool keep_tokens, struct err *err)
{
    enum rc rc = RC_OK;

    for (size_t i = 0; rc == RC_OK && schema_tables[i].name != NULL; i++)
        if (!stays(schema_tables[i].name, keep_tokens))
            rc = sql_run(x->sql, schema_tables[i].empty, SQL_NONE, NULL, err);
    if (rc == RC_OK)
        rc = people_seed(x->sql, err);
    return rc == RC_OK ? apps_seed(x->sql, err) : rc;
}

/* Best effort: a file that stays is one nobody finds any more. */
static void remove_uploads(const struct exchange *x)
{
    char path[PATH_SIZE];
    const struct dirent *entry;
    DIR *dir;

    (void)snprintf(path, sizeof(path), "%s/uploads", x->sandbox->settings->dir);
    dir = opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        (void)closedir(dir);
}

enum rc reset_everything(struct exchange *x, bool keep_tokens, struct err *err)
{
    enum rc rc = sql_begin(x->sql, err);

    if (rc == RC_OK)
        rc = sql_end(x->sql, empty_tables(x, keep_tokens, err), err);
    x->errand = true;
    if (rc == RC_OK)
        remove_uploads(x);
    return rc;
}

enum rc control_reset(struct exchange *x, struct err *err)
{
    json_t *body = NULL;
    bool keep_tokens = false;
    enum rc rc = read_object(x, &body, err);

    if (rc != RC_OK)
        return rc;
    keep_tokens = json_is_true(json_object_get(body, "keep_tokens"));
    json_decref(body);
    rc = reset_everything(x, keep_tokens, err);
    return rc == RC_OK ? control_clock(x, err) : rc;
}
