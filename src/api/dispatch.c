#include "dispatch.h"

#include "auth.h"
#include "body.h"
#include "failure.h"

#include "core/log.h"
#include "core/parse.h"
#include "core/text.h"

#include <inttypes.h>
#include <string.h>

/* One request on its way. */
struct passage {
    const struct dispatch *d;
    struct route_match match;
    struct auth_found found;
    struct api_request req;
    struct strbuf text; /* of the body */
    json_t *json;
};

static enum rc find_route(struct passage *p, struct err *err)
{
    const struct web_request *web = p->req.web;

    route_find(&p->d->routes, web->method, web->path, &p->match);
    if (p->match.route != NULL)
        return RC_OK;
    if (p->match.allow[0] == '\0')
        return err_set(err, RC_NOT_FOUND, "not_found",
                       "There is nothing at this address.");
    return err_set(err, RC_DENIED, "method_not_allowed",
                   "This address does not take that method.");
}

/* A browser that is not signed in reaches the handlers of AUTH_SESSION routes; they have
 * an answer of their own for it. A token is no browser. */
static enum rc identify_browser(struct passage *p, struct err *err)
{
    enum rc rc = auth_identify(p->d->api, p->req.web, &p->found, err);

    if (rc == RC_OK && p->found.who.token_id != 0)
        p->found = (struct auth_found){0};
    return rc == RC_DENIED ? RC_OK : rc;
}

static enum rc check_caller(struct passage *p, struct err *err)
{
    enum api_auth need = p->match.route->auth;
    bool safe = auth_safe_method(p->req.web->method);
    enum rc rc;

    if (need == AUTH_OUTSIDE)
        return RC_OK;
    if (need == AUTH_NONE)
        return safe ? RC_OK : auth_check_origin(p->d->api->settings, p->req.web, err);
    if (need == AUTH_SESSION)
        return identify_browser(p, err);
    rc = auth_identify(p->d->api, p->req.web, &p->found, err);
    if (rc == RC_OK && !safe && p->found.who.token_id == 0)
        rc = auth_check_csrf(p->d->api, p->req.web, &p->found, err);
    return rc == RC_OK ? auth_allow(&p->found, need, err) : rc;
}

static enum rc read_id(struct passage *p, struct err *err)
{
    const char *text = web_param(&p->match.params, "id");

    if (text == NULL || parse_id(text, &p->req.id))
        return RC_OK;
    return err_set(err, RC_NOT_FOUND, "not_found", "There is nothing at this address.");
}

static enum rc answer(struct passage *p, struct web_response *res, struct err *err)
{
    enum rc rc = find_route(p, err);

    if (rc == RC_OK)
        rc = check_caller(p, err);
    if (rc == RC_OK)
        rc = read_id(p, err);
    if (rc == RC_OK)
        rc = body_read(p->req.web, p->match.route->body, &p->text, &p->json, err);
    if (rc != RC_OK)
        return rc;
    p->req.who = p->found.who;
    p->req.params = p->match.params;
    p->req.json = p->json;
    p->req.body = p->text.buf;
    p->req.body_len = p->text.len;
    rc = p->match.route->handle(p->d->api, &p->req, res, err);
    if (rc == RC_OK && (res->status == 0 || strbuf_failed(&res->body)))
        return err_set(err, RC_BUG, "no_answer",
                       "The handler left no answer, or one over the limit.");
    return rc;
}

static bool has_header(const struct web_response *res, const char *name)
{
    const char *line = res->headers.buf;
    size_t len = strlen(name);

    while (line != NULL && *line != '\0') {
        if (strncmp(line, name, len) == 0 && line[len] == ':')
            return true;
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
    return false;
}

static void finish(const struct web_request *web, struct web_response *res)
{
    web_header_add(res, "X-Request-Id", web->id);
    if (!has_header(res, "Cache-Control"))
        web_header_add(res, "Cache-Control", "no-store");
}

/* What may be said of a path: below /m/ it is a right in itself. */
static const char *shown_path(const struct web_request *web)
{
    return text_starts_with(web->path, "/m/") ? "/m/..." : web->path;
}

/* A method that nobody has heard of may hold anything. */
static void log_request(const struct web_request *web, const struct web_response *res,
                        int64_t took_ms)
{
    char method[16];
    char path[256];

    log_debug("api.request", "method=\"%s\" path=\"%s\" status=%d took_ms=%" PRId64,
              log_quote(web->method, method, sizeof(method)),
              log_quote(shown_path(web), path, sizeof(path)), res->status, took_ms);
}

static void log_refusal(const struct passage *p, const struct err *err)
{
    char path[128];
    const struct web_request *web = p->req.web;

    if (p->found.who.user_id != 0)
        log_context("req=%s user=%" PRIu64 " route=\"%s %s\"", web->id,
                    p->found.who.user_id, p->match.route->method, p->match.route->path);
    else
        log_context("req=%s ip=%s path=\"%s\"", web->id, web->remote_ip,
                    log_quote(shown_path(web), path, sizeof(path)));
    log_failure("api.failed", err);
}

void dispatch_request(const struct dispatch *d, const struct web_request *web,
                      struct web_response *res)
{
    struct passage p = {.d = d, .req = {.web = web, .body = ""}};
    int64_t begin_ms = clock_mono_ms(d->api->clock);
    struct err err;

    log_context("req=%s", web->id);
    api_fields_forget();
    strbuf_init(&p.text, API_BODY_MAX);
    if (answer(&p, res, &err) != RC_OK) {
        log_refusal(&p, &err);
        failure_answer(web, &err, res);
        if (p.match.route == NULL && p.match.allow[0] != '\0')
            web_header_add(res, "Allow", p.match.allow);
    }
    finish(web, res);
    log_request(web, res, clock_mono_ms(d->api->clock) - begin_ms);
    log_context("%s", "");
    json_decref(p.json);
    strbuf_wipe(&p.text); /* it may hold a password */
    explicit_bzero(&p.found, sizeof(p.found));
}
