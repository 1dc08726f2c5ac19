#include "ctl_run.h"

#include "ctl/ctl.h"
#include "unit.h"

#include <string.h>

enum { WORDS_MAX = 16 };

static int split(char *text, char **argv)
{
    static char program[] = "ttsctl";
    int argc = 0;

    argv[argc++] = program;
    while (*text != '\0') {
        size_t len = strcspn(text, " ");

        ck_assert_int_lt(argc, WORDS_MAX);
        argv[argc++] = text;
        text += len;
        if (*text == ' ')
            *text++ = '\0';
    }
    for (int i = 1; i < argc; i++) {
        for (char *p = argv[i]; (p = strchr(p, '~')) != NULL;)
            *p = ' ';
    }
    return argc;
}

static FILE *input_of(const char *input)
{
    FILE *in = tmpfile();

    ck_assert_ptr_nonnull(in);
    ck_assert_int_ge(fputs(input, in), 0);
    rewind(in);
    return in;
}

const struct ctl_result *ctl_run(const char *words, const char *input)
{
    static struct ctl_result result;
    char text[1024];
    char *argv[WORDS_MAX + 1] = {NULL};
    struct ctl ctl = {.random = random_system(), .clock = clock_system()};
    int argc;

    result = (struct ctl_result){0};
    (void)snprintf(text, sizeof(text), "%s", words);
    argc = split(text, argv);
    ctl.in = input_of(input);
    ctl.out = fmemopen(result.out, sizeof(result.out), "w");
    ctl.notes = fmemopen(result.notes, sizeof(result.notes), "w");
    ck_assert(ctl.out != NULL && ctl.notes != NULL);
    result.status = ctl_main(&ctl, argc, argv);
    (void)fclose(ctl.in);
    (void)fclose(ctl.out);
    (void)fclose(ctl.notes);
    return &result;
}
