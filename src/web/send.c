#include "send.h"

#include "core/log.h"

#include <fcgiapp.h>
#include <stdio.h>
#include <string.h>

static const struct status {
    int code;
    const char *reason;
} statuses[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {460, "Checksum Mismatch"}, /* of tus */
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {507, "Insufficient Storage"},
};

static const char *reason_of(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        if (statuses[i].code == status)
            return statuses[i].reason;
    }
    return status < 400 ? "OK" : "Error";
}

static const char *code_of(int status)
{
    switch (status) {
    case 414:
        return "uri_too_long";
    case 431:
        return "headers_too_large";
    case 500:
        return "internal";
    default:
        return "bad_request";
    }
}

void send_refusal(struct web_response *res, int status, const char *request_id)
{
    struct jsonw w;

    web_response_reset(res);
    web_header_add(res, "Cache-Control", "no-store");
    web_json_begin(res, status, &w);
    jsonw_object(&w);
    jsonw_key(&w, "error");
    jsonw_object(&w);
    jsonw_key_text(&w, "code", code_of(status));
    jsonw_key_text(&w, "message",
                   status == 500 ? "Something went wrong on our side. Try again later."
                                 : "The request could not be read.");
    jsonw_key_text(&w, "request_id", request_id);
    jsonw_end(&w);
    jsonw_end(&w);
}

static bool can_be_sent(const struct web_response *res)
{
    return res->status >= 200 && res->status <= 599 && !res->broken &&
           !strbuf_failed(&res->headers) && !strbuf_failed(&res->body);
}

static bool has_body(int status)
{
    return status != 204 && status != 304;
}

static void put(FCGX_Stream *out, const void *data, size_t len)
{
    (void)FCGX_PutStr(data, (int)len,
                      out); /* if nginx has gone, nobody is left to tell */
}

static void put_head(FCGX_Stream *out, const struct web_response *res)
{
    char line[80];
    int len = snprintf(line, sizeof(line), "Status: %d %s\r\n", res->status,
                       reason_of(res->status));

    put(out, line, (size_t)len);
    put(out, res->headers.buf, res->headers.len);
    if (has_body(res->status)) {
        len = snprintf(line, sizeof(line), "Content-Length: %zu\r\n", res->body.len);
        put(out, line, (size_t)len);
    }
    put(out, "\r\n", 2);
}

bool send_response(struct FCGX_Stream *out, const struct web_request *req,
                   struct web_response *res)
{
    size_t len;

    if (res->lost)
        return false;
    if (!can_be_sent(res)) {
        log_error("web.bad_answer", "status=%d headers=%zu body=%zu broken=%d",
                  res->status, res->headers.len, res->body.len, res->broken);
        send_refusal(res, 500, req->id);
    }
    len = has_body(res->status) && strcmp(req->method, "HEAD") != 0 ? res->body.len : 0;
    /* The request to us still ends in order: nginx takes a connection that just ends for
     * the end of the answer and lets the client wait for the rest; a short answer it
     * holds against us, and breaks the client's connection. */
    if (res->cut_after >= 0 && (uint64_t)res->cut_after < len)
        len = (size_t)res->cut_after;
    put_head(out, res);
    put(out, res->body.buf, len);
    return true;
}
