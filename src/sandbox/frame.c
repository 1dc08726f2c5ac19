#include "frame.h"

#include "apply.h"
#include "courier.h"
#include "upload.h"

#include "core/encode.h"
#include "core/log.h"
#include "core/text.h"

#include "web/server.h"

#include <inttypes.h>
#include <string.h>

enum { AWAIT_STEP_MS = 20, AWAIT_MAX_MS = 120000 };

/* --- routes -------------------------------------------------------------------- */

static bool method_fits(const char *wanted, const char *method)
{
    return strcmp(wanted, method) == 0 ||
           (strcmp(wanted, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

/* *known says that the path is there, for another method. A path that stands in the table
 * as it is is nobody's name. */
static const struct route *find_route(struct exchange *x, bool *known)
{
    bool literal = false;

    *known = false;
    for (size_t i = 0; i < route_count; i++) {
        if (!web_match(routes[i].pattern, x->req->path, &x->params) ||
            (literal && x->params.n > 0))
            continue;
        if (method_fits(routes[i].method, x->req->method))
            return &routes[i];
        *known = true;
        literal = literal || x->params.n == 0;
    }
    return NULL;
}

static void no_route(struct exchange *x, bool known)
{
    if (text_starts_with(x->req->path, "/v2/"))
        unsupported_path(x);
    else if (text_starts_with(x->req->path, "/upload"))
        edge_page(x, known ? 405 : 404);
    else
        web_text(x->res, known ? 405 : 404, "text/plain; charset=utf-8",
                 known ? "The simulator does not take this method here.\n"
                       : "The simulator has no such page.\n");
}

/* --- who asks ------------------------------------------------------------------ */

void drain(const struct exchange *x)
{
    size_t got = 0;
    struct err ignored; /* a client that left needs no answer */

    do {
        if (web_body_some(x->req, x->sandbox->buffer, UPLOAD_BUFFER, &got, &ignored) !=
            RC_OK)
            break;
    } while (got > 0);
}

enum rc api_permit(struct exchange *x, struct permit *permit, struct err *err)
{
    static const char prefix[] = "Bearer ";
    const char *header = web_header(x->req, "Authorization");

    *permit = (struct permit){0};
    if (header == NULL || !text_starts_with(header, prefix))
        return RC_OK;
    return access_find(x->sql, header + strlen(prefix), x->now_ms, permit, err);
}

/* The person behind the code or token of a form. */
static enum rc form_user(struct exchange *x, int64_t *user_id, struct err *err)
{
    struct strbuf value;
    struct consent consent = {0};
    struct permit permit = {0};
    struct err ignored; /* a malformed form is refused by the handler */
    bool found = false;
    enum rc rc = RC_OK;

    strbuf_init(&value, FORM_MAX);
    if (web_form_value(x->body.buf, x->body.len, "code", &value, &found, &ignored) ==
            RC_OK &&
        found)
        rc = code_find(x->sql, value.buf, &consent, err);
    else if (web_form_value(x->body.buf, x->body.len, "refresh_token", &value, &found,
                            &ignored) == RC_OK &&
             found)
        rc = refresh_find(x->sql, value.buf, x->now_ms, &permit, err);
    strbuf_wipe(&value);
    *user_id = consent.user_id != 0 ? consent.user_id : permit.user_id;
    return rc;
}

static enum rc target_of(struct exchange *x, enum style style,
                         struct fault_target *target, struct err *err)
{
    struct permit permit;
    enum rc rc;

    switch (style) {
    case STYLE_API:
        rc = api_permit(x, &permit, err);
        target->user_id = permit.user_id;
        return rc;
    case STYLE_OAUTH:
        return form_user(x, &target->user_id, err);
    case STYLE_UPLOAD:
        return upload_target(x, target, err);
    case STYLE_CONSENT:
    case STYLE_CONTROL:
    case STYLE_PAGE:
        break;
    }
    return RC_OK;
}

/* --- faults -------------------------------------------------------------------- */

static enum rc meet_fault(struct exchange *x, enum style style, struct fault *fault,
                          struct err *err)
{
    struct fault_target target = {
        .endpoint = x->endpoint, .chunk = -1, .seed = x->knobs.value[KNOB_SEED]};
    bool any = false;
    enum rc rc = faults_any(x->sql, &any, err);

    if (rc != RC_OK || !any)
        return rc;
    rc = sql_begin(x->sql, err);
    if (rc != RC_OK)
        return rc;
    rc = target_of(x, style, &target, err);
    if (rc == RC_OK)
        rc = fault_take(x->sql, &target, fault, err);
    x->user_id = target.user_id;
    x->fault_id = fault->id;
    return sql_end(x->sql, rc, err);
}

/* The handler did not run: what happened is written down here. */
static enum rc note_alone(struct exchange *x, struct err *err)
{
    enum rc rc = sql_begin(x->sql, err);

    if (rc != RC_OK)
        return rc;
    return sql_end(x->sql, exchange_note(x, err), err);
}

/* Tells the courier, as soon as there is something to tell. */
static void ring(struct exchange *x)
{
    if (x->errand)
        bell_ring(x->sandbox->bell);
    x->errand = false;
}

/* Waits until the courier has fetched all of a publication or failed to: for a TikTok
 * that fetches before it answers. */
static enum rc await_fetch(struct exchange *x, struct err *err)
{
    struct publication p = {.committed_ms = 0};
    int64_t waited_ms = 0;
    enum rc rc;

    do {
        rc = publication_by_id(x->sql, x->awaited_id, &p, err);
        waited_ms += AWAIT_STEP_MS;
    } while (rc == RC_OK && p.id != 0 && p.committed_ms == 0 &&
             p.fail_reason[0] == '\0' && waited_ms < AWAIT_MAX_MS &&
             web_pause(x->req, AWAIT_STEP_MS));
    return rc;
}

static enum rc serve_named(struct exchange *x, const struct route *route, struct err *err)
{
    struct fault fault = {.id = 0};
    enum rc rc = meet_fault(x, route->style, &fault, err);

    if (rc != RC_OK)
        return rc;
    if (apply_before(x, route->style, &fault))
        return note_alone(x, err);
    rc = route->api != NULL ? api_serve(x, route->api, err) : route->handle(x, err);
    ring(x);
    if (rc == RC_OK && x->awaited_id != 0)
        rc = await_fetch(x, err);
    if (rc == RC_OK)
        apply_after(x, route->style, &fault);
    return rc;
}

/* --- the frame ----------------------------------------------------------------- */

static bool has_text_body(const struct exchange *x, const struct route *route)
{
    return route->style != STYLE_UPLOAD && strcmp(x->req->method, "GET") != 0 &&
           strcmp(x->req->method, "HEAD") != 0;
}

static enum rc read_body(struct exchange *x, struct err *err)
{
    enum rc rc = web_body_read(x->req, FORM_MAX, &x->body, err);

    if (rc == RC_OK && !text_is_utf8(x->body.buf, x->body.len))
        rc = err_set(err, RC_INVALID, "bad_request", "The body is not UTF-8.");
    return rc;
}

/* A browser says where a request comes from. Another site's page, also one on another
 * port of this machine, has no business with what changes something here. */
static bool from_elsewhere(const struct exchange *x, const struct route *route)
{
    const char *site = web_header(x->req, "Sec-Fetch-Site");

    if (site == NULL || strcmp(route->method, "GET") == 0)
        return false;
    return strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0;
}

static enum rc serve(struct exchange *x, const struct route *route, struct err *err)
{
    enum rc rc = RC_OK;

    if (from_elsewhere(x, route))
        rc = err_set(err, RC_DENIED, "other_site",
                     "Pages of other sites may not change anything here.");
    if (rc == RC_OK && has_text_body(x, route))
        rc = read_body(x, err);
    if (rc != RC_OK)
        return rc;
    x->endpoint = route->name;
    return route->name != NULL ? serve_named(x, route, err) : route->handle(x, err);
}

static int status_of(enum rc rc)
{
    switch (rc) {
    case RC_INVALID:
        return 400;
    case RC_DENIED:
        return 403;
    case RC_NOT_FOUND:
        return 404;
    case RC_CONFLICT:
        return 409;
    case RC_LIMITED:
        return 429;
    case RC_OK:
    case RC_UNAVAILABLE:
    case RC_UNCERTAIN:
    case RC_REJECTED:
    case RC_BUG:
        return 500;
    }
    return 500;
}

static void control_error(struct exchange *x, int status, const struct err *err)
{
    struct jsonw w;

    web_json_begin(x->res, status, &w);
    jsonw_object(&w);
    jsonw_key(&w, "error");
    jsonw_object(&w);
    jsonw_key_text(&w, "code", err->code);
    jsonw_key_text(&w, "message", err->msg);
    if (err->field[0] != '\0')
        jsonw_key_text(&w, "field", err->field);
    jsonw_end(&w);
    jsonw_end(&w);
}

/* The handler gave up: an answer in the endpoint's form. */
static void answer_failure(struct exchange *x, enum style style, const struct err *err)
{
    int status = status_of(err->rc);
    bool theirs = status < 500;

    if (!theirs)
        log_failure("sandbox.failed", err);
    web_response_reset(x->res);
    switch (style) {
    case STYLE_API:
        api_error(x, theirs ? 400 : 500, theirs ? "invalid_params" : "internal_error",
                  theirs ? err->msg : NULL);
        break;
    case STYLE_OAUTH:
        oauth_error(x, theirs ? "invalid_request" : "server_error",
                    theirs ? "The request parameters are malformed."
                           : "Something went wrong. Please try again later.");
        break;
    case STYLE_UPLOAD:
        drain(x);
        bare(x, status);
        break;
    case STYLE_CONTROL:
        control_error(x, status, err);
        break;
    case STYLE_CONSENT:
    case STYLE_PAGE:
        web_text(x->res, status, "text/plain; charset=utf-8",
                 theirs ? err->msg : "The simulator has a problem; its log says which.");
        break;
    }
}

void frame_serve(struct sandbox *sandbox, const struct web_request *req,
                 struct web_response *res)
{
    struct exchange x = {.sandbox = sandbox, .sql = sandbox->sql, .req = req, .res = res};
    const struct route *route;
    enum style style;
    struct err err;
    bool known;
    enum rc rc;

    strbuf_init(&x.body, FORM_MAX);
    route = find_route(&x, &known);
    style = route != NULL ? route->style : STYLE_API;
    rc = exchange_open(&x, &err);
    if (rc == RC_OK && route != NULL)
        rc = serve(&x, route, &err);
    ring(&x);
    if (rc != RC_OK)
        answer_failure(&x, style, &err);
    else if (route == NULL)
        no_route(&x, known);
    if (style != STYLE_PAGE)
        exchange_headers(&x);
    if (style != STYLE_PAGE && style != STYLE_CONSENT)
        web_header_add(res, "Cache-Control", "no-store");
    strbuf_wipe(&x.body);
}
