/* Any request to the simulator, as it comes out of FastCGI: a line "METHOD /path?query",
 * parameters one a line ("CONTENT_TYPE=...", "HTTP_X=..."), an empty line, a body.
 * Whatever it is, it is answered, and never with a failure of the simulator's own.
 *
 * Before each one somebody has let the app in and a video was begun. $A, $R and $C in the
 * input stand for the access token, the refresh token and a code, $P for the publish_id,
 * $U for the address of the upload. */
#include "core/io.h"
#include "core/xalloc.h"
#include "sandbox/apps.h"
#include "sandbox/courier.h"
#include "sandbox/frame.h"
#include "web/stream.h"

#include <assert.h>
#include <fcgiapp.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES = 40, WORD_SIZE = 512, INPUT_MAX = 70000 };

static char dir[] = "/tmp/tts-fuzz-XXXXXX";
static struct sandbox sandbox;
static int nobody = -1; /* a connection whose other end is gone: nobody waits */
static struct {
    char access[WORD_SIZE], refresh[WORD_SIZE], code[WORD_SIZE];
    char publish_id[WORD_SIZE], upload[WORD_SIZE];
} words;

/* --- a world that is the same every time --------------------------------------- */

static uint64_t dice;

static void fill(void *ctx, void *buf, size_t len)
{
    unsigned char *p = (unsigned char *)buf;

    (void)ctx;
    for (size_t i = 0; i < len; i++) {
        dice = dice * 6364136223846793005U + 1442695040888963407U;
        p[i] = (unsigned char)(dice >> 56);
    }
}

static int64_t stopped_ms(void *ctx)
{
    (void)ctx;
    return INT64_C(1767225600000);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void clean(void)
{
    (void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void prepare(void)
{
    static char url[] = "http://localhost:8081", secret[] = "a secret";
    static char redirects[] = "http://localhost:9/cb", none[] = "";
    static char hook[] = "http://localhost:9/hook";
    static const struct random_source random = {fill, NULL};
    static const struct clock clock = {stopped_ms, stopped_ms, NULL};
    static struct settings settings = {.dir = dir,
                                       .url = url,
                                       .upload_url = url,
                                       .client_secret = secret,
                                       .redirect_uris = redirects,
                                       .webhook_url = hook,
                                       .pull_urls = none,
                                       .processing_ms = 400};
    char uploads[sizeof(dir) + 16];
    struct err err;
    int fds[2];

    log_setup("sandbox", LOG_LEVEL_ERROR);
    assert(mkdtemp(dir) != NULL && atexit(clean) == 0);
    (void)snprintf(uploads, sizeof(uploads), "%s/uploads", dir);
    assert(io_make_dirs(uploads, &err) == RC_OK);
    assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    (void)close(fds[0]);
    nobody = fds[1];
    sandbox = (struct sandbox){.settings = &settings,
                               .clock = &clock,
                               .random = &random,
                               .buffer = xmalloc(UPLOAD_BUFFER),
                               .bell = bell_new()};
    assert(sql_open(dir, &sandbox.sql, &err) == RC_OK);
}

/* --- one request --------------------------------------------------------------- */

static void at_end(struct FCGX_Stream *stream)
{
    stream->isClosed = 1;
}

/* What libfcgi would have read; all of it lies in memory. */
static struct FCGX_Stream body_stream(unsigned char *body, size_t len)
{
    return (struct FCGX_Stream){.rdNext = body,
                                .wrNext = body + len,
                                .stop = body + len,
                                .stopUnget = body,
                                .isReader = 1,
                                .fillBuffProc = at_end};
}

static void serve(const char *const *parameters, char *body, size_t len,
                  struct web_response *res)
{
    static struct web_stream stream;
    struct FCGX_Stream in = body_stream((unsigned char *)body, len);
    struct web_request req;

    web_response_init(res);
    stream = (struct web_stream){.parameters = parameters, .in = &in, .fd = nobody};
    if (web_request_open(&req, &stream) == 0)
        frame_serve(&sandbox, &req, res);
    else
        res->status = 400;
}

/* A request of the preparation, which must succeed. */
static void ask(const char *method, const char *uri, const char *type, const char *body,
                struct web_response *res)
{
    char method_line[32], uri_line[2048], type_line[128], token_line[WORD_SIZE + 64];
    char length_line[48];
    char *copy = xstrdup(body);
    const char *parameters[] = {method_line, uri_line,    type_line,
                                token_line,  length_line, NULL};

    (void)snprintf(method_line, sizeof(method_line), "REQUEST_METHOD=%s", method);
    (void)snprintf(uri_line, sizeof(uri_line), "REQUEST_URI=%s", uri);
    (void)snprintf(type_line, sizeof(type_line), "CONTENT_TYPE=%s", type);
    (void)snprintf(token_line, sizeof(token_line), "HTTP_AUTHORIZATION=Bearer %s",
                   words.access);
    (void)snprintf(length_line, sizeof(length_line), "CONTENT_LENGTH=%zu", strlen(body));
    serve(parameters, copy, strlen(body), res);
    assert(res->status >= 200 && res->status < 400);
    free(copy);
}

/* Texts of a JSON answer, one after another: a name and where it goes. */
static void keep(struct web_response *res, const char *name, char *out)
{
    json_t *json = json_loadb(res->body.buf, res->body.len, 0, NULL);
    const json_t *data = json_object_get(json, "data");
    const char *text = json_string_value(json_object_get(data ? data : json, name));

    assert(text != NULL);
    (void)snprintf(out, WORD_SIZE, "%s", text);
    json_decref(json);
}

static void begin(void)
{
    static const char json[] = "application/json";
    static const char question[] =
        "client_key=" SANDBOX_APP_KEY "&response_type=code&scope=user.info.basic"
        "&redirect_uri=http%3A%2F%2Flocalhost%3A9%2Fcb&state=s&user=ann.example"
        "&decision=allow&grant=user.info.basic";
    struct web_response res;
    const char *code;

    dice = 1;
    words.access[0] = '\0';
    ask("POST", "/sandbox/reset", json, "{}", &res);
    web_response_release(&res);
    ask("POST", "/sandbox/permits", json,
        "{\"username\":\"ann.example\",\"scopes\":\"user.info.basic,user.info.profile,"
        "user.info.stats,video.list,video.upload,video.publish\"}",
        &res);
    keep(&res, "access_token", words.access);
    keep(&res, "refresh_token", words.refresh);
    web_response_release(&res);
    ask("POST", "/v2/post/publish/video/init/", json,
        "{\"post_info\":{\"privacy_level\":\"PUBLIC_TO_EVERYONE\"},\"source_info\":"
        "{\"source\":\"FILE_UPLOAD\",\"video_size\":4,\"chunk_size\":4,"
        "\"total_chunk_count\":1}}",
        &res);
    keep(&res, "publish_id", words.publish_id);
    keep(&res, "upload_url", words.upload);
    web_response_release(&res);
    ask("POST", "/v2/auth/authorize/", "application/x-www-form-urlencoded", question,
        &res);
    code = strstr(res.headers.buf, "code=");
    assert(code != NULL);
    (void)snprintf(words.code, sizeof(words.code), "%.*s", (int)strcspn(code + 5, "&"),
                   code + 5);
    web_response_release(&res);
}

/* --- the input ----------------------------------------------------------------- */

static const char *word(char letter)
{
    switch (letter) {
    case 'A':
        return words.access;
    case 'R':
        return words.refresh;
    case 'C':
        return words.code;
    case 'P':
        return words.publish_id;
    case 'U':
        return words.upload + strlen("http://localhost:8081");
    default:
        return NULL;
    }
}

static void expand(const uint8_t *data, size_t size, struct strbuf *out)
{
    for (size_t i = 0; i < size; i++) {
        const char *text =
            data[i] == '$' && i + 1 < size ? word((char)data[i + 1]) : NULL;

        if (text == NULL) {
            strbuf_addc(out, (char)data[i]);
        } else {
            strbuf_addstr(out, text);
            i++;
        }
    }
}

static void check(const struct web_response *res)
{
    json_t *json;

    if (res->lost)
        return;
    assert(res->status >= 200 && res->status < 500 && !res->broken);
    assert(!strbuf_failed(&res->body) && !strbuf_failed(&res->headers));
    if (strstr(res->headers.buf, "Content-Type: application/json\r\n") == NULL ||
        res->body.len == 0)
        return;
    json = json_loadb(res->body.buf, res->body.len, 0, NULL);
    assert(json_is_object(json));
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char method[64], uri[WEB_QUERY_MAX + 64], length[48];
    const char *parameters[LINES + 4] = {NULL};
    struct web_response res;
    struct strbuf text;
    char *rest, *line, *target;
    size_t n = 0;

    if (size > INPUT_MAX)
        return 0;
    if (sandbox.sql == NULL)
        prepare();
    begin();
    strbuf_init(&text, 2 * INPUT_MAX);
    expand(data, size, &text);
    rest = text.buf;
    target = strsep(&rest, "\n");
    line = strsep(&target, " ");
    (void)snprintf(method, sizeof(method), "REQUEST_METHOD=%s", line);
    (void)snprintf(uri, sizeof(uri), "REQUEST_URI=%s", target != NULL ? target : "/");
    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0' && n < LINES)
        parameters[n++] = line;
    if (rest == NULL)
        rest = text.buf + text.len;
    (void)snprintf(length, sizeof(length), "CONTENT_LENGTH=%zu", strlen(rest));
    parameters[n++] = method; /* after the input's own, which may say otherwise */
    parameters[n++] = uri;
    parameters[n] = length;
    serve(parameters, rest, strlen(rest), &res);
    check(&res);
    web_response_release(&res);
    strbuf_release(&text);
    return 0;
}
