/* The parameters of a request, one a line: what nginx, or whoever else reaches the
 * socket, may say. Cookies and content types are among them. */
#include "core/xalloc.h"
#include "web/request.h"
#include "web/stream.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES = 64 };

static void ask(const struct web_request *req)
{
    static const char *const names[] = {"Cookie", "Content-Type", "If-Match", "X", ""};
    char text[64];
    struct err err;
    bool found = false;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = web_header(req, names[i]);

        assert(value == NULL || strlen(value) <= WEB_PARAMETERS_MAX);
    }
    if (web_content_type(req, text, sizeof(text)))
        assert(text[0] != '\0' && strchr(text, ';') == NULL);
    if (web_cookie(req, "s", text, sizeof(text)))
        assert(strchr(text, ';') == NULL);
    if (web_query(req, "x", text, sizeof(text), &found, &err) != RC_OK)
        assert(err.rc == RC_INVALID);
    (void)web_body_file(req);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct web_stream stream;
    const char *parameters[LINES + 1] = {NULL};
    char *text = xmemdupz(data, size);
    struct web_request req;
    char *rest = text;
    int status;

    for (size_t n = 0; n < LINES && rest != NULL; n++)
        parameters[n] = strsep(&rest, "\n");
    stream.parameters = parameters;
    status = web_request_open(&req, &stream);
    assert(status == 0 || status == 400 || status == 414 || status == 431);
    assert(strspn(req.id, "0123456789abcdefABCDEF") == strlen(req.id) && req.id[0] != 0);
    if (status == 0) {
        assert(req.path[0] == '/' && strpbrk(req.path, "? \r\n") == NULL);
        assert(req.content_length >= -1);
        ask(&req);
    }
    free(text);
    return 0;
}
