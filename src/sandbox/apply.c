#include "apply.h"

#include "consent.h"

#include "core/log.h"
#include "core/text.h"
#include "web/server.h"

#include <inttypes.h>
#include <string.h>

/* The error that goes with a status when the fault names none. */
static const char *usual_code(int status)
{
    switch (status) {
    case 400:
        return "invalid_params";
    case 401:
        return "access_token_invalid";
    case 403:
        return "spam_risk_user_banned_from_posting";
    case 429:
        return "rate_limit_exceeded";
    default:
        return "internal_error";
    }
}

static void answer_oauth(struct exchange *x, int status, const char *code)
{
    const char *usual = status == 503 ? "temporarily_unavailable" : "server_error";

    oauth_error(x, *code != '\0' ? code : usual,
                "Something went wrong. Please try again later.");
    if (status != 0)
        x->res->status = status;
}

/* An error in the form of the endpoint. */
static void answer_in_style(struct exchange *x, enum style style,
                            const struct fault_spec *spec)
{
    int status = (int)spec->status;

    switch (style) {
    case STYLE_API:
        if (status == 0)
            status = 403;
        api_error(x, status, spec->code[0] != '\0' ? spec->code : usual_code(status),
                  NULL);
        break;
    case STYLE_OAUTH:
        answer_oauth(x, status, spec->code);
        break;
    case STYLE_UPLOAD:
        bare(x, status != 0 ? status : 500);
        break;
    case STYLE_CONSENT:
        if (status == 0) {
            consent_fail(x, spec->code);
            break;
        }
        edge_page(x, status);
        break;
    case STYLE_CONTROL:
    case STYLE_PAGE:
        edge_page(x, status != 0 ? status : 500);
        break;
    }
}

static bool has_answer(const struct fault_spec *spec)
{
    return spec->status != 0 || spec->code[0] != '\0' || spec->raw[0] != '\0' ||
           (spec->body[0] != '\0' && strcmp(spec->body, "truncated") != 0);
}

static void answer(struct exchange *x, enum style style, const struct fault_spec *spec)
{
    int status = (int)spec->status;

    web_response_reset(x->res);
    if (strcmp(spec->body, "html") == 0)
        edge_page(x, status != 0 ? status : 502);
    else if (strcmp(spec->body, "empty") == 0)
        web_text(x->res, status != 0 ? status : 200, "application/json", "");
    else if (strcmp(spec->body, "garbage") == 0)
        web_text(x->res, status != 0 ? status : 200, "application/json",
                 "{\"data\":{\"publish_id\":\"v_pub_file~\xff\xfe\"]}\r\n\x01");
    else if (spec->raw[0] != '\0')
        web_text(x->res, status != 0 ? status : 200, "application/json", spec->raw);
    else
        answer_in_style(x, style, spec);
    if (spec->retry_after_s >= 0)
        web_header_addf(x->res, "Retry-After", "%" PRId64, spec->retry_after_s);
}

/* Lays patch over target: members of objects one by one, null takes one away, anything
 * else replaces what is there (RFC 7396). */
static void merge(json_t *target, json_t *patch)
{
    const char *key;
    json_t *value;

    json_object_foreach(patch, key, value)
    {
        json_t *old = json_object_get(target, key);

        if (json_is_object(value) && json_is_object(old))
            merge(old, value);
        else if (json_is_null(value))
            (void)json_object_del(target, key); /* it need not be there */
        else if (json_object_set(target, key, value) != 0)
            log_warn("sandbox.merge_failed", "key=%s", key);
    }
}

/* The answer with the fault's object laid over it; one that is no JSON object stays. */
static void merge_into_answer(struct exchange *x, const char *text)
{
    json_t *target = json_loadb(x->res->body.buf, x->res->body.len, 0, NULL);
    json_t *patch = json_loads(text, 0, NULL);
    char *merged = NULL;

    if (json_is_object(target) && json_is_object(patch)) {
        merge(target, patch);
        merged = json_dumps(target, JSON_COMPACT);
    }
    if (merged != NULL) {
        strbuf_reset(&x->res->body);
        strbuf_addstr(&x->res->body, merged);
    }
    free(merged);
    json_decref(target);
    json_decref(patch);
}

/* What a fault does to the body of an answer, whoever wrote it. */
static void reshape(struct exchange *x, const struct fault_spec *spec)
{
    char blanks[4096];
    size_t n;

    if (spec->merge[0] != '\0')
        merge_into_answer(x, spec->merge);
    (void)memset(blanks, ' ', sizeof(blanks));
    for (int64_t left = spec->pad_bytes; left > 0; left -= (int64_t)n) {
        n = left < (int64_t)sizeof(blanks) ? (size_t)left : sizeof(blanks);
        strbuf_add(&x->res->body, blanks, n);
    }
    x->res->cut_after = spec->cut_after;
}

/* Takes so many bytes of the body and no more. */
static void take_bytes(struct exchange *x, int64_t n)
{
    size_t got = 1;
    struct err ignored; /* the connection ends either way */

    while (n > 0 && got > 0) {
        size_t want = n < UPLOAD_BUFFER ? (size_t)n : UPLOAD_BUFFER;

        if (web_body_some(x->req, x->sandbox->buffer, want, &got, &ignored) != RC_OK)
            break;
        n -= (int64_t)got;
    }
}

/* Waits; a client that left meanwhile is not waited for. */
static void wait_ms(const struct exchange *x, int64_t ms)
{
    if (ms > 0 && !web_pause(x->req, ms))
        log_debug("sandbox.wait_ended", "endpoint=%s", x->endpoint);
}

bool apply_before(struct exchange *x, enum style style, const struct fault *fault)
{
    const struct fault_spec *spec = &fault->spec;

    if (fault->id == 0)
        return false;
    wait_ms(x, spec->delay_ms);
    if (spec->drop || spec->take_bytes >= 0) {
        take_bytes(x, spec->take_bytes);
        x->res->lost = true;
        return true;
    }
    if (!has_answer(spec) || spec->after || spec->lost)
        return false;
    if (style == STYLE_UPLOAD)
        drain(x);
    answer(x, style, spec);
    reshape(x, spec);
    wait_ms(x, spec->hang_ms);
    return true;
}

void apply_after(struct exchange *x, enum style style, const struct fault *fault)
{
    const struct fault_spec *spec = &fault->spec;

    if (fault->id == 0)
        return;
    if (has_answer(spec))
        answer(x, style, spec);
    if (strcmp(spec->body, "truncated") == 0)
        strbuf_cut(&x->res->body, x->res->body.len / 2);
    reshape(x, spec);
    wait_ms(x, spec->hang_ms);
    x->res->lost = spec->lost;
}
