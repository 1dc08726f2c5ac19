#include "ctl.h"

#include "core/text.h"
#include "core/version.h"

#include <string.h>

static const struct ctl_command *const commands[] = {
    &ctl_migrate,
    &ctl_db_user,
    &ctl_user_add,
    &ctl_user_password,
    &ctl_user_disable,
    &ctl_user_enable,
    &ctl_user_list,
    &ctl_token_add,
    &ctl_token_revoke,
    &ctl_token_list,
    &ctl_keys_generate,
    &ctl_keys_rotate,
    &ctl_keys_status,
    &ctl_check,
    &ctl_post_show,
    &ctl_stats,
    &ctl_watch,
    &ctl_tiktok_explain,
    &ctl_tiktok_verify_webhook,
};

/* --- help ---------------------------------------------------------------------- */

static void list_commands(FILE *to)
{
    (void)fprintf(to, "ttsctl - the operator's tool of TikTok Scheduler " TTS_VERSION
                      "\n\nusage: ttsctl COMMAND\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        (void)fprintf(to, "  %-21s %s\n", commands[i]->name, commands[i]->summary);
    (void)fprintf(
        to,
        "\nttsctl help COMMAND says more about one. Settings come from the environment"
        "\nor from the file that TTS_ENV_FILE names (.env); docs/configuration.md has "
        "them.\n");
}

static void usage(FILE *to, const struct ctl_command *command)
{
    (void)fprintf(to, "usage: ttsctl %s%s%s\n", command->name,
                  command->args[0] != '\0' ? " " : "", command->args);
}

static void explain(FILE *to, const struct ctl_command *command)
{
    usage(to, command);
    (void)fprintf(to, "\n%s.\n", command->summary);
    if (command->help[0] != '\0')
        (void)fprintf(to, "\n%s\n", command->help);
}

/* How many of the words name the command: 0, 1 or 2. */
static int names(const struct ctl_command *command, int argc, char **argv)
{
    const char *space = strchr(command->name, ' ');
    size_t len = space != NULL ? (size_t)(space - command->name) : strlen(command->name);

    if (argc < 1 || strncmp(argv[0], command->name, len) != 0 || argv[0][len] != '\0')
        return 0;
    if (space == NULL)
        return 1;
    return argc > 1 && strcmp(argv[1], space + 1) == 0 ? 2 : 0;
}

static const struct ctl_command *find(int argc, char **argv, int *taken)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        *taken = names(commands[i], argc, argv);
        if (*taken > 0)
            return commands[i];
    }
    return NULL;
}

/* A word that begins commands, "post" say, is answered by what can follow. */
static int no_such_command(struct ctl *ctl, const char *word)
{
    size_t len = strlen(word);
    bool begins = false;

    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (!text_starts_with(commands[i]->name, word) || commands[i]->name[len] != ' ')
            continue;
        if (!begins)
            (void)fprintf(ctl->notes, "ttsctl: the command is one of\n\n");
        begins = true;
        (void)fprintf(ctl->notes, "  %-21s %s\n", commands[i]->name,
                      commands[i]->summary);
    }
    if (!begins)
        (void)fprintf(ctl->notes,
                      "ttsctl: there is no command %s; ttsctl help lists them\n", word);
    return CTL_USAGE;
}

static int help(struct ctl *ctl, int argc, char **argv)
{
    int taken;
    const struct ctl_command *command = find(argc, argv, &taken);

    if (argc > 0 && taken == 0)
        return no_such_command(ctl, argv[0]);
    if (command != NULL)
        explain(ctl->out, command);
    else
        list_commands(ctl->out);
    return CTL_OK;
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 ||
           strcmp(word, "-h") == 0;
}

int ctl_main(struct ctl *ctl, int argc, char **argv)
{
    int taken;

    if (argc < 2) {
        list_commands(ctl->notes);
        return CTL_USAGE;
    }
    if (asks_for_help(argv[1]))
        return help(ctl, argc - 2, argv + 2);
    if (strcmp(argv[1], "--version") == 0) {
        (void)fprintf(ctl->out, "%s\n", TTS_VERSION);
        return CTL_OK;
    }
    ctl->command = find(argc - 1, argv + 1, &taken);
    if (taken == 0)
        return no_such_command(ctl, argv[1]);
    if (argc - 1 > taken && asks_for_help(argv[1 + taken])) {
        explain(ctl->out, ctl->command);
        return CTL_OK;
    }
    return ctl->command->run(ctl, argc - 1 - taken, argv + 1 + taken);
}

/* --- how a command ends -------------------------------------------------------- */

int ctl_usage(struct ctl *ctl, const char *why)
{
    if (why != NULL)
        (void)fprintf(ctl->notes, "ttsctl: %s\n", why);
    usage(ctl->notes, ctl->command);
    return CTL_USAGE;
}

static const struct {
    const char *code, *what_to_do;
} advice[] = {
    {"database_unavailable", "Is MariaDB running, and is DATABASE_URL right?"},
    {"post_unknown", "Its number is the one in the address of its page: /queue?post=ID."},
    {"no_schema_dir", "ttsctl migrate DIRECTORY names another: schema/ of the release."},
    {"bad_database_user", "ttsctl help db-user says what there is; a password has 8 to "
                          "128 characters."},
    {"database_bug", "Is the schema there? ttsctl migrate brings it up to date."},
    {"schema_newer", "This ttsctl is older than the database: use that release's."},
    {"redis_away", "Is Redis running, and is REDIS_URL right?"},
    {"user_exists", "ttsctl user password changes a password."},
    {"user_unknown", "ttsctl user list shows who there is."},
    {"token_unknown", "ttsctl token list shows them."},
};

int ctl_fail(struct ctl *ctl, const struct err *err)
{
    (void)fprintf(ctl->notes, "ttsctl: %s\n", err->msg);
    for (size_t i = 0; i < ARRAY_LEN(advice); i++) {
        if (strcmp(advice[i].code, err->code) == 0)
            (void)fprintf(ctl->notes, "        %s\n", advice[i].what_to_do);
    }
    return CTL_FAILED;
}
