/* ttsctl token ... - keys of API clients. */
#include "ctl.h"

#include "core/parse.h"
#include "core/rfc3339.h"
#include "core/text.h"
#include "crypto/digest.h"
#include "store/api_tokens.h"
#include "store/users.h"

#include <inttypes.h>
#include <string.h>

/* --- add ----------------------------------------------------------------------- */

struct adding {
    const char *email, *name, *scopes_text, *days_text;
    unsigned scopes;
    int64_t days;
};

static int add_token(struct ctl *ctl, struct db *db, const struct adding *a)
{
    char text[API_TOKEN_SIZE];
    unsigned char hash[API_TOKEN_HASH_SIZE];
    struct user_login user;
    struct api_token_new token = {.token = text,
                                  .hash = hash,
                                  .name = a->name,
                                  .scopes = a->scopes,
                                  .lifetime_ms = a->days * 86400000};
    uint64_t id = 0;
    struct err err;
    enum rc rc = user_login_find(db, a->email, &user, &err);

    if (rc == RC_OK && user.workspace_id == 0)
        rc = err_set(&err, RC_NOT_FOUND, "not_a_member",
                     "That person is a member of no workspace.");
    if (rc == RC_OK) {
        token.user_id = user.user_id;
        token.workspace_id = user.workspace_id;
        api_token_make(ctl->random, text);
        digest_sha256(text, strlen(text), hash);
        rc = api_token_add(db, &token, &id, &err);
    }
    if (rc == RC_OK) {
        (void)fprintf(ctl->notes, "Token %" PRIu64 ", shown this once:\n", id);
        (void)fprintf(ctl->out, "%s\n", text);
    }
    explicit_bzero(text, sizeof(text));
    explicit_bzero(&user, sizeof(user));
    return rc == RC_OK ? CTL_OK : ctl_fail(ctl, &err);
}

static const char *check_adding(struct adding *a)
{
    size_t len = strlen(a->name);

    if (!api_scopes_parse(a->scopes_text, &a->scopes))
        return "the scopes must be read, write or read,write";
    if (!parse_i64(a->days_text, 1, API_TOKEN_DAYS_MAX, &a->days))
        return "the days must be a number from 1 to 365";
    if (len == 0 || !text_is_utf8(a->name, len) || text_has_control(a->name, len) ||
        text_utf16_units(a->name, len) > API_TOKEN_NAME_MAX)
        return "a name must have 1 to 120 characters";
    return NULL;
}

static int run_add(struct ctl *ctl, int argc, char **argv)
{
    struct adding a = {.name = "ttsctl", .scopes_text = "read,write", .days_text = "365"};
    const struct ctl_option options[] = {{"--name", &a.name, NULL},
                                         {"--scopes", &a.scopes_text, NULL},
                                         {"--days", &a.days_text, NULL}};
    struct ctl_args args = {.options = options,
                            .options_len = ARRAY_LEN(options),
                            .words = &a.email,
                            .least = 1,
                            .most = 1};
    struct db *db = NULL;
    const char *why;
    int status;

    if (!ctl_args_read(ctl, argc, argv, &args))
        return CTL_USAGE;
    why = check_adding(&a);
    if (why != NULL)
        return ctl_usage(ctl, why);
    if (!ctl_db_open(ctl, &db, &status))
        return status;
    status = add_token(ctl, db, &a);
    db_free(db);
    return status;
}

const struct ctl_command ctl_token_add = {
    .name = "token add",
    .args = "EMAIL [--name NAME] [--scopes read,write] [--days N]",
    .summary = "Make an API token for a person",
    .help =
        "Only the token goes to standard output. It acts with the person's role, in the\n"
        "first of their workspaces, within its scopes, for N days (365 at most).",
    .run = run_add,
};

/* --- revoke -------------------------------------------------------------------- */

static int run_revoke(struct ctl *ctl, int argc, char **argv)
{
    const char *word = NULL;
    struct ctl_args args = {.words = &word, .least = 1, .most = 1};
    struct db *db = NULL;
    uint64_t id;
    struct err err;
    int status;

    if (!ctl_args_read(ctl, argc, argv, &args))
        return CTL_USAGE;
    if (!parse_id(word, &id))
        return ctl_usage(ctl,
                         "ID is the number in the first column of ttsctl token list");
    if (!ctl_db_open(ctl, &db, &status))
        return status;
    if (api_token_revoke(db, id, &err) == RC_OK) {
        (void)fprintf(ctl->out, "Token %" PRIu64 " opens nothing any more.\n", id);
        status = CTL_OK;
    } else {
        status = ctl_fail(ctl, &err);
    }
    db_free(db);
    return status;
}

const struct ctl_command ctl_token_revoke = {
    .name = "token revoke",
    .args = "ID",
    .summary = "End an API token",
    .help = "",
    .run = run_revoke,
};

/* --- list ---------------------------------------------------------------------- */

static void show(void *ctx, const struct api_token_line *line)
{
    const struct ctl *ctl = ctx;
    char until[RFC3339_SIZE], used[RFC3339_SIZE];

    (void)fprintf(ctl->out, "%" PRIu64 "\t%s…\t%s\t%s\t%s\t%s\t%s\tuntil %s\tused %s\n",
                  line->token_id, line->prefix, line->name, line->email, line->workspace,
                  line->scopes,
                  line->revoked   ? "revoked"
                  : line->expired ? "expired"
                                  : "active",
                  ctl_time(line->expires_at_ms, until), ctl_time(line->used_at_ms, used));
}

static enum rc list(struct ctl *ctl, struct db *db, struct err *err)
{
    return api_token_list(db, show, ctl, err);
}

static int run_list(struct ctl *ctl, int argc, char **argv)
{
    return ctl_report(ctl, argc, argv, list);
}

const struct ctl_command ctl_token_list = {
    .name = "token list",
    .args = "",
    .summary = "List API tokens",
    .help = "",
    .run = run_list,
};
