/* The way to the simulator: requests as the publisher sends them, its controls, and a
 * browser's visits, which alone need to know where they are sent on to. */
#include "conformance.h"

#include "core/text.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

enum { CONTROL_MAX = 4 * 1024 * 1024, CONTROL_MS = 30000, URL_SIZE = 2048 };

/* --- as the publisher ---------------------------------------------------------- */

struct waiting {
    struct wire_answer *out;
    bool done;
};

static void answered(void *arg, enum rc rc, const struct http_response *res,
                     const struct err *err)
{
    struct waiting *w = (struct waiting *)arg;

    w->done = true;
    w->out->rc = rc;
    if (rc != RC_OK) {
        w->out->err = *err;
        return;
    }
    w->out->status = res->status;
    w->out->retry_after_ms = res->retry_after_ms;
    text_copy(w->out->content_range, sizeof(w->out->content_range), res->content_range);
    text_copy(w->out->log_id, sizeof(w->out->log_id), res->log_id);
    strbuf_add(&w->out->body, res->body.buf, res->body.len);
}

void wire_send(const struct world *w, const struct http_request *req,
               struct wire_answer *out)
{
    struct waiting waiting = {.out = out};
    uint64_t id = 0;
    struct err err;

    *out = (struct wire_answer){.rc = RC_OK};
    strbuf_init(&out->body, CONTROL_MAX);
    if (http_submit(w->http, req, answered, &waiting, &id, &err) != RC_OK)
        give_up("%s %s is not sent: %s", req->method, req->url, err.msg);
    while (!waiting.done)
        if (http_poll(w->http, NULL, 0, 1000, &err) != RC_OK)
            give_up("%s", err.msg);
}

/* --- the controls -------------------------------------------------------------- */

json_t *control(const struct world *w, const char *method, const char *path,
                const char *json)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    char url[URL_SIZE];
    struct wire_answer answer;
    const struct http_request req = {.method = method,
                                     .url = url,
                                     .headers = headers,
                                     .body = json,
                                     .body_len = json != NULL ? strlen(json) : 0,
                                     .max_response = CONTROL_MAX,
                                     .timeout_ms = CONTROL_MS};
    json_t *result;

    (void)snprintf(url, sizeof(url), "%s/sandbox%s", w->url, path);
    wire_send(w, &req, &answer);
    if (answer.rc != RC_OK || answer.status < 200 || answer.status > 299)
        give_up("%s %s %s: %d %s%s", method, path, json != NULL ? json : "",
                answer.status, answer.err.msg, answer.body.buf);
    result = json_loadb(answer.body.buf, answer.body.len, 0, NULL);
    if (!json_is_object(result))
        give_up("%s %s answers no JSON object", method, path);
    strbuf_wipe(&answer.body);
    return result;
}

/* --- as a browser -------------------------------------------------------------- */

static size_t pass_over(UNUSED char *data, size_t size, size_t n, UNUSED void *arg)
{
    return size * n;
}

int browse(const char *url, const char *form, char *location, size_t size)
{
    CURL *easy = curl_easy_init();
    const char *to = NULL;
    long status = 0;

    if (easy == NULL || curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, pass_over) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*") != CURLE_OK ||
        (form != NULL && curl_easy_setopt(easy, CURLOPT_POSTFIELDS, form) != CURLE_OK) ||
        curl_easy_perform(easy) != CURLE_OK)
        give_up("a page of the simulator cannot be visited");
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &to);
    text_copy(location, size, to != NULL ? to : "");
    curl_easy_cleanup(easy);
    return (int)status;
}
