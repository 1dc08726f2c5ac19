#include "apply.h"

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
    case STYLE_CONTROL:
    case STYLE_PAGE:
        edge_page(x, status != 0 ? status : 500);
        break;
    }
}

static bool has_answer(const struct fault_spec *spec)
{
    return spec->status != 0 || spec->code[0] != '\0' ||
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
    else
        answer_in_style(x, style, spec);
    if (spec->retry_after_s >= 0)
        web_header_addf(x->res, "Retry-After", "%" PRId64, spec->retry_after_s);
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
    wait_ms(x, spec->hang_ms);
    x->res->cut_after = spec->cut_after;
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
    wait_ms(x, spec->hang_ms);
    x->res->cut_after = spec->cut_after;
    x->res->lost = spec->lost;
}
