/* The frame of TikTok's JSON API: token, scope, rate, JSON, then the endpoint. */
#include "calls.h"
#include "frame.h"

/* True when the call may go on; else the refusal is written. */
static enum rc admit(struct exchange *x, const struct api_rules *rules, bool *admitted,
                     struct err *err)
{
    struct call call = {.at_ms = x->now_ms, .endpoint = x->endpoint};
    struct permit permit;
    int64_t limit = rules->limit != KNOB_COUNT ? x->knobs.value[rules->limit] : 0;
    int64_t n = 0;
    enum rc rc = api_permit(x, &permit, err);

    *admitted = false;
    if (rc != RC_OK)
        return rc;
    x->app_id = call.app_id = permit.app_id;
    x->user_id = call.user_id = permit.user_id;
    if (permit.id == 0) {
        api_error(x, 401, "access_token_invalid", NULL);
        return RC_OK;
    }
    if ((permit.scopes & rules->scopes) == 0) {
        api_error(x, 401, "scope_not_authorized", NULL);
        return RC_OK;
    }
    x->scopes = permit.scopes;
    if (limit > 0)
        rc = calls_in_window(x->sql, &call, &n, err);
    if (rc == RC_OK && limit > 0 && n >= limit)
        api_error(x, 429, "rate_limit_exceeded", NULL);
    else
        *admitted = rc == RC_OK;
    return rc;
}

/* A body that is not a JSON object is refused; none at all counts as {}. */
static json_t *read_json(const struct exchange *x)
{
    json_t *json;

    if (x->body.len == 0)
        return json_object();
    json = json_loadb(x->body.buf, x->body.len, 0, NULL);
    if (json != NULL && !json_is_object(json)) {
        json_decref(json);
        json = NULL;
    }
    return json;
}

static enum rc serve(struct exchange *x, const struct api_rules *rules, struct err *err)
{
    bool admitted = false;
    json_t *json;
    enum rc rc = admit(x, rules, &admitted, err);

    if (rc != RC_OK || !admitted)
        return rc;
    x->counted = true;
    json = read_json(x);
    if (json != NULL)
        rc = rules->handle(x, json, err);
    else
        api_invalid(x, "The request body is not a JSON object");
    json_decref(json);
    return rc;
}

enum rc api_serve(struct exchange *x, const struct api_rules *rules, struct err *err)
{
    enum rc rc = sql_begin(x->sql, err);

    if (rc != RC_OK)
        return rc;
    rc = serve(x, rules, err);
    if (rc == RC_OK)
        rc = exchange_note(x, err);
    return sql_end(x->sql, rc, err);
}
