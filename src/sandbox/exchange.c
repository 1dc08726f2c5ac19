#include "exchange.h"

#include "calls.h"
#include "core/encode.h"
#include "core/text.h"
#include "crypto/hmac.h"
#include "picture.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* --- opening ------------------------------------------------------------------- */

/* The simulator's time in UTC. */
static struct tm utc(int64_t at_ms)
{
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm tm = {0};

    (void)gmtime_r(&seconds, &tm); /* the clock's range is far inside an int's years */
    return tm;
}

/* As live ones: UTC to the second, then twenty hex digits. */
static void make_log_id(struct exchange *x)
{
    unsigned char bytes[10];
    char hex[2 * sizeof(bytes) + 1];
    char date[15];
    struct tm tm = utc(x->now_ms);

    random_fill(x->sandbox->random, bytes, sizeof(bytes));
    hex_encode(bytes, sizeof(bytes), hex);
    for (char *p = hex; *p != '\0'; p++)
        *p = *p >= 'a' ? (char)(*p - 'a' + 'A') : *p;
    (void)strftime(date, sizeof(date), "%Y%m%d%H%M%S", &tm);
    (void)snprintf(x->log_id, sizeof(x->log_id), "%s%s", date, hex);
}

enum rc exchange_open(struct exchange *x, struct err *err)
{
    enum rc rc = knobs_load(x->sql, x->sandbox->settings->processing_ms, &x->knobs, err);

    x->now_ms = clock_wall_ms(x->sandbox->clock) + x->knobs.value[KNOB_CLOCK_OFFSET_MS];
    make_log_id(x);
    return rc;
}

void exchange_headers(struct exchange *x)
{
    char date[40];
    struct tm tm = utc(x->now_ms);

    (void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    web_header_add(x->res, "Date", date);
    web_header_add(x->res, "x-tt-logid", x->log_id);
}

enum rc exchange_note(struct exchange *x, struct err *err)
{
    const struct call call = {
        .at_ms = x->now_ms,
        .endpoint = x->endpoint,
        .app_id = x->app_id,
        .user_id = x->user_id,
        .counted = x->counted,
        .publish_id = x->publish_id,
        .status = x->res->lost ? 0 : x->res->status,
        .code = x->code,
        .log_id = x->log_id,
        .fault_id = x->fault_id,
    };

    return call_store(x->sql, &call, err);
}

/* --- answers of the JSON API --------------------------------------------------- */

static void write_log_id(struct exchange *x, struct jsonw *w)
{
    jsonw_key_text(w, x->knobs.value[KNOB_LOGID] != 0 ? "logid" : "log_id", x->log_id);
}

static void write_error(struct exchange *x, struct jsonw *w, const char *code,
                        const char *message)
{
    jsonw_key(w, "error");
    jsonw_object(w);
    jsonw_key_text(w, "code", code);
    jsonw_key_text(w, "message", message);
    write_log_id(x, w);
    jsonw_end(w);
    jsonw_end(w);
    text_copy(x->code, sizeof(x->code), code);
}

void api_begin(struct exchange *x, struct jsonw *w)
{
    web_json_begin(x->res, 200, w);
    jsonw_object(w);
    jsonw_key(w, "data");
}

void api_end(struct exchange *x, struct jsonw *w)
{
    write_error(x, w, "ok", "");
}

void api_ok(struct exchange *x)
{
    struct jsonw w;

    web_json_begin(x->res, 200, &w);
    jsonw_object(&w);
    write_error(x, &w, "ok", "");
}

/* What TikTok was seen to say; other codes came with themselves as their message. */
static const char *known_message(const char *code)
{
    static const struct {
        const char *code, *message;
    } rows[] = {
        {"access_token_invalid",
         "The access token is invalid or not found in the request."},
        {"scope_not_authorized",
         "The user did not authorize the scope required for completing this request."},
        {"scope_permission_missed",
         "The user did not authorize the scope required for some of the fields."},
        {"rate_limit_exceeded",
         "The API rate limit was exceeded. Please try again later."},
        {"unaudited_client_can_only_post_to_private_accounts",
         "Please review our integration guidelines at "
         "https://developers.tiktok.com/doc/content-sharing-guidelines/"},
        {"privacy_level_option_mismatch",
         "Please review our integration guidelines at "
         "https://developers.tiktok.com/doc/content-sharing-guidelines/"},
        {"url_ownership_unverified",
         "Please review our URL ownership verification rules at "
         "https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide/"
         "#pull_from_url"},
        {"internal_error", "Something is wrong. Please try again later."},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].code, code) == 0)
            return rows[i].message;
    return code;
}

/* Recorded answers had an empty data beside the errors of 401 and those within 200. */
static bool has_data(const struct exchange *x, int status)
{
    if (x->knobs.value[KNOB_ERROR_DATA] == 0)
        return status == 200 || status == 401;
    return x->knobs.value[KNOB_ERROR_DATA] == 1;
}

void api_error(struct exchange *x, int status, const char *code, const char *message)
{
    struct jsonw w;

    web_json_begin(x->res, status, &w);
    jsonw_object(&w);
    if (has_data(x, status)) {
        jsonw_key(&w, "data");
        jsonw_object(&w);
        jsonw_end(&w);
    }
    write_error(x, &w, code, message != NULL ? message : known_message(code));
}

void api_invalid(struct exchange *x, const char *message)
{
    api_error(x, 400, "invalid_params", message);
}

/* --- other answers ------------------------------------------------------------- */

void oauth_error(struct exchange *x, const char *error, const char *description)
{
    struct jsonw w;

    web_json_begin(x->res, (int)x->knobs.value[KNOB_OAUTH_ERROR_STATUS], &w);
    jsonw_object(&w);
    jsonw_key_text(&w, "error", error);
    jsonw_key_text(&w, "error_description", description);
    write_log_id(x, &w);
    jsonw_end(&w);
    text_copy(x->code, sizeof(x->code), error);
}

void bare(struct exchange *x, int status)
{
    web_empty(x->res, status, NULL);
}

void unsupported_path(struct exchange *x)
{
    web_text(x->res, 404, "text/plain; charset=utf-8", "Unsupported path(Janus)");
}

void edge_page(struct exchange *x, int status)
{
    char page[256];

    (void)snprintf(page, sizeof(page),
                   "<html>\r\n<head><title>%d</title></head>\r\n<body>\r\n"
                   "<center><h1>%d</h1></center>\r\n<hr><center>TLB</center>\r\n"
                   "</body>\r\n</html>\r\n",
                   status, status);
    web_text(x->res, status, "text/html", page);
}

void site_url(const struct exchange *x, struct strbuf *out, const char *fmt, ...)
{
    char path[URL_SIZE];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(path, sizeof(path), fmt, ap);
    va_end(ap);
    strbuf_addstr(out, x->sandbox->settings->url);
    strbuf_addstr(out, path);
}

void picture_url(const struct exchange *x, const char *name, int64_t ttl_s,
                 struct strbuf *out)
{
    char query[PICTURE_QUERY_SIZE];

    picture_query(x->sandbox->settings->client_secret, name, x->now_ms / 1000 + ttl_s,
                  query);
    strbuf_addf(out, "%s/picture/%s.png?%s", x->sandbox->settings->upload_url, name,
                query);
}

void avatar_url(const struct exchange *x, const struct person *person, struct strbuf *out)
{
    picture_url(x, person->username, AVATAR_TTL_S, out);
}
