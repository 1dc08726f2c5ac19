/* Arguments of the commands. */
#include "ctl.h"

#include "core/text.h"

#include <string.h>

struct reading {
    struct ctl *ctl;
    struct ctl_args *args;
    int argc;
    char **argv;
    int at; /* the argument being read */
};

static bool wrong(struct ctl *ctl, const char *what, const char *word)
{
    char text[160];

    (void)snprintf(text, sizeof(text), "%s %.80s", what, word);
    (void)ctl_usage(ctl, text);
    return false;
}

/* The option that word names up to its '=' or end, or NULL. */
static const struct ctl_option *find(const struct ctl_args *args, const char *word)
{
    size_t len = strcspn(word, "=");

    for (size_t i = 0; i < args->options_len; i++) {
        const char *name = args->options[i].name;

        if (strlen(name) == len && strncmp(name, word, len) == 0)
            return &args->options[i];
    }
    return NULL;
}

static bool read_option(struct reading *r)
{
    const char *word = r->argv[r->at];
    const struct ctl_option *option = find(r->args, word);
    const char *equals = strchr(word, '=');

    if (option == NULL)
        return wrong(r->ctl, "there is no option", word);
    if (option->flag != NULL) {
        *option->flag = true;
        return equals == NULL || wrong(r->ctl, "no value belongs to", option->name);
    }
    if (equals == NULL && r->at + 1 == r->argc)
        return wrong(r->ctl, "a value is missing after", word);
    *option->value = equals != NULL ? equals + 1 : r->argv[++r->at];
    return true;
}

static bool read_word(struct reading *r)
{
    if (r->args->n == r->args->most)
        return wrong(r->ctl, "that is one too many:", r->argv[r->at]);
    r->args->words[r->args->n++] = r->argv[r->at];
    return true;
}

bool ctl_args_read(struct ctl *ctl, int argc, char **argv, struct ctl_args *args)
{
    struct reading r = {.ctl = ctl, .args = args, .argc = argc, .argv = argv};
    bool options_over = false;

    args->n = 0;
    for (r.at = 0; r.at < argc; r.at++) {
        bool good;

        if (!options_over && strcmp(argv[r.at], "--") == 0) {
            options_over = true;
            continue;
        }
        good = !options_over && text_starts_with(argv[r.at], "--") ? read_option(&r)
                                                                   : read_word(&r);
        if (!good)
            return false;
    }
    if (args->n < args->least) {
        (void)ctl_usage(ctl, "something is missing");
        return false;
    }
    return true;
}
