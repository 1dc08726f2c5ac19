/* sandbox/frame.h - what happens to every request before and after its handler.
 *
 *     find the route → read the body → meet a fault → handle → apply the rest of the
 *     fault → headers
 *
 * Requests to TikTok's own endpoints have a name, meet faults and are written down; the
 * simulator's own pages and controls do neither. */
#ifndef SRC_SANDBOX_FRAME_H
#define SRC_SANDBOX_FRAME_H

#include "exchange.h"

/* Which form errors have, and who a request comes from. */
enum style {
    STYLE_API,     /* JSON with an envelope; a bearer token */
    STYLE_OAUTH,   /* flat JSON; a form with a code or token */
    STYLE_UPLOAD,  /* status only; the upload's address */
    STYLE_CONSENT, /* a page of TikTok's */
    STYLE_CONTROL, /* the simulator's own JSON */
    STYLE_PAGE,    /* the simulator's own pages */
};

typedef enum rc (*handle_fn)(struct exchange *x, struct err *err);

/* What the frame of the JSON API checks before the handler of an endpoint runs. */
struct api_rules {
    unsigned scopes; /* one of them must have been granted */
    enum knob limit; /* calls a minute; KNOB_COUNT: any number */
    enum rc (*handle)(struct exchange *x, json_t *body, struct err *err);
};

struct route {
    const char *method;
    const char *pattern;
    enum style style;
    const char *name;            /* NULL for the simulator's own */
    handle_fn handle;            /* NULL: api */
    const struct api_rules *api; /* of STYLE_API */
};

/* The table, and its end. */
extern const struct route routes[];
extern const size_t route_count;

/* Answers one request. */
void frame_serve(struct sandbox *sandbox, const struct web_request *req,
                 struct web_response *res);

/* Answers a request to the JSON API by its rules: token, scope, rate, JSON, handler. */
enum rc api_serve(struct exchange *x, const struct api_rules *rules,
                  struct err *err) MUST_CHECK;

/* The permit behind the bearer token; permit->id 0 when there is none or it is dead. */
enum rc api_permit(struct exchange *x, struct permit *permit, struct err *err) MUST_CHECK;

/* Reads what is left of the body and drops it, so that the client gets to the answer. */
void drain(const struct exchange *x);

#endif
