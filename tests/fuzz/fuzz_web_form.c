/* A query or a form: every pair, and one of them by its name. */
#include "core/encode.h"
#include "core/text.h"
#include "web/request.h"
#include "web/stream.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
    struct strbuf again; /* the pairs, written as a form once more */
    size_t pairs, x;     /* how many, and how many are called "x" */
};

static bool note(void *ctx, const char *name, const char *value)
{
    struct told *told = ctx;

    assert(text_is_utf8(name, strlen(name)) && text_is_utf8(value, strlen(value)));
    told->pairs++;
    told->x += strcmp(name, "x") == 0 ? 1 : 0;
    percent_encode(&told->again, name, strlen(name));
    strbuf_addc(&told->again, '=');
    percent_encode(&told->again, value, strlen(value));
    strbuf_addc(&told->again, '&');
    return true;
}

/* What was read, written and read again is the same. */
static void round_trip(const struct told *first)
{
    struct told second = {.pairs = 0};
    struct err err;

    strbuf_init(&second.again, first->again.limit);
    assert(web_form_each(first->again.buf, first->again.len, note, &second, &err) ==
           RC_OK);
    assert(second.pairs == first->pairs && second.x == first->x);
    assert(strcmp(second.again.buf, first->again.buf) == 0);
    strbuf_release(&second.again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *form = (const char *)data;
    struct told told = {.pairs = 0};
    struct strbuf value;
    struct err err;
    bool found = false;
    enum rc each;
    enum rc one;

    strbuf_init(&told.again, size * 4 + 16);
    strbuf_init(&value, size);
    each = web_form_each(form, size, note, &told, &err);
    one = web_form_value(form, size, "x", &value, &found, &err);
    if (each == RC_OK) {
        round_trip(&told);
        assert((one == RC_OK) == (told.x <= 1));
        assert(one != RC_OK || found == (told.x == 1));
    }
    if (one != RC_OK)
        assert(err.rc == RC_INVALID && strcmp(err.code, "bad_request") == 0);
    strbuf_release(&told.again);
    strbuf_release(&value);
    return 0;
}
