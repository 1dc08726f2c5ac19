/* The operator's tool, as an operator uses it: a body on standard input, JSON out. It is
 * the whole program but for its main(), within this process: a thousand of them would
 * take longer to start than everything else. */
#include "conformance.h"

#include "ctl/ctl.h"

#include <stdio.h>
#include <string.h>

enum { RESULT_MAX = 1024 * 1024, ARGS_MAX = 12 };

json_t *ttsctl(const struct trial *t, const char *const *args, const struct strbuf *body)
{
    static char out[RESULT_MAX];
    char *argv[ARGS_MAX + 2] = {(char *)(uintptr_t) "ttsctl"};
    struct ctl ctl = {
        .notes = stderr, .random = random_system(), .clock = clock_system()};
    int argc = 1;
    json_t *result;
    int status;

    while (argc <= ARGS_MAX && args[argc - 1] != NULL) {
        argv[argc] = (char *)(uintptr_t)args[argc - 1];
        argc++;
    }
    (void)memset(out, 0, sizeof(out));
    /* a stream over nothing at all cannot be opened: one that has ended can */
    ctl.in =
        fmemopen(body->len > 0 ? body->buf : out, body->len > 0 ? body->len : 1, "r");
    ctl.out = fmemopen(out, sizeof(out), "w");
    if (ctl.in == NULL || ctl.out == NULL)
        give_up("no stream for ttsctl");
    if (body->len == 0)
        (void)fgetc(ctl.in);
    status = ctl_main(&ctl, argc, argv);
    (void)fclose(ctl.in);
    (void)fclose(ctl.out);
    result = json_loads(out, 0, NULL);
    if (status > CTL_FAILED || !json_is_object(result))
        give_up("%s: ttsctl ends with %d: %s", t->c->name, status, out);
    return result;
}
