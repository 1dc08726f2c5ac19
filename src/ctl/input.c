/* Standard input as a whole: what an operator pastes or pipes in. */
#include "ctl.h"

#include <string.h>

enum rc ctl_read_input(struct ctl *ctl, struct strbuf *out, struct err *err)
{
    char piece[8192];
    size_t n;

    do {
        n = fread(piece, 1, sizeof(piece), ctl->in);
        strbuf_add(out, piece, n);
    } while (n == sizeof(piece) && !strbuf_failed(out));
    explicit_bzero(piece, sizeof(piece));
    if (ferror(ctl->in) != 0)
        return err_set(err, RC_UNAVAILABLE, "read_failed",
                       "Standard input cannot be read.");
    if (strbuf_failed(out))
        return err_set(err, RC_INVALID, "input_too_long",
                       "Standard input has more than %zu bytes.", out->limit);
    return RC_OK;
}

void ctl_print_json(struct ctl *ctl, const struct strbuf *json)
{
    (void)fwrite(json->buf, 1, json->len, ctl->out);
    (void)fputc('\n', ctl->out);
}
