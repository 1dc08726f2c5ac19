/* ttsctl user ... - people who may sign in. */
#include "ctl.h"

#include "core/rfc3339.h"
#include "core/text.h"
#include "crypto/password.h"
#include "store/users.h"

#include <inttypes.h>
#include <string.h>

/* Reads, judges and hashes a password. */
static enum rc new_hash(struct ctl *ctl, const char *email, const char *name,
                        char hash[PASSWORD_HASH_SIZE], struct err *err)
{
    char password[PASSWORD_MAX + 2];
    enum rc rc = ctl_read_secret(ctl, "password", password, sizeof(password), err);

    if (rc == RC_OK)
        rc = ctl_check_password(password, email, name, err);
    if (rc == RC_OK)
        rc = password_hash(ctl->random, password, strlen(password), hash, err);
    explicit_bzero(password, sizeof(password));
    return rc;
}

static bool name_ok(const char *name, size_t max)
{
    size_t len = strlen(name);

    return len > 0 && text_is_utf8(name, len) && !text_has_control(name, len) &&
           text_utf16_units(name, len) <= max;
}

/* --- add ----------------------------------------------------------------------- */

struct adding {
    const char *email, *name, *workspace, *role_text;
    enum role role;
    bool if_missing;
};

static int add_person(struct ctl *ctl, struct db *db, const struct adding *a)
{
    char hash[PASSWORD_HASH_SIZE];
    const struct user_new user = {.email = a->email,
                                  .name = a->name,
                                  .password_hash = hash,
                                  .workspace = a->workspace,
                                  .role = a->role};
    struct user_ids ids;
    struct err err;
    enum rc rc = new_hash(ctl, a->email, a->name, hash, &err);

    if (rc == RC_OK)
        rc = user_add(db, &user, &ids, &err);
    if (rc == RC_CONFLICT && a->if_missing && strcmp(err.code, "user_exists") == 0) {
        (void)fprintf(ctl->notes, "%s is there already; nothing was changed.\n",
                      a->email);
        return CTL_OK;
    }
    if (rc != RC_OK)
        return ctl_fail(ctl, &err);
    (void)fprintf(ctl->out, "%s may sign in: %s of \"%s\"%s.\n", a->email,
                  role_name(ids.workspace_made ? ROLE_OWNER : a->role), a->workspace,
                  ids.workspace_made ? ", a new workspace" : "");
    return CTL_OK;
}

static const char *check_adding(struct adding *a)
{
    if (!ctl_email_ok(a->email))
        return "that is no e-mail address";
    if (!role_parse(a->role_text, &a->role))
        return "the role must be owner, admin, editor, approver or viewer";
    if (!name_ok(a->name, USER_NAME_MAX))
        return "a name must have 1 to 120 characters";
    if (!name_ok(a->workspace, WORKSPACE_NAME_MAX))
        return "a workspace's name must have 1 to 120 characters";
    return NULL;
}

static int run_add(struct ctl *ctl, int argc, char **argv)
{
    struct adding a = {.workspace = "Main", .role_text = "owner"};
    const struct ctl_option options[] = {{"--name", &a.name, NULL},
                                         {"--workspace", &a.workspace, NULL},
                                         {"--role", &a.role_text, NULL},
                                         {"--if-missing", NULL, &a.if_missing}};
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
    if (a.name == NULL)
        a.name = a.email;
    why = check_adding(&a);
    if (why != NULL)
        return ctl_usage(ctl, why);
    if (!ctl_db_open(ctl, &db, &status))
        return status;
    status = add_person(ctl, db, &a);
    db_free(db);
    return status;
}

const struct ctl_command ctl_user_add = {
    .name = "user add",
    .args = "EMAIL [--name NAME] [--workspace NAME] [--role ROLE] [--if-missing]",
    .summary = "Let a person sign in",
    .help =
        "The password (15 characters or more) is read from standard input. A workspace\n"
        "that is not there is made, with the person as its owner; without --workspace\n"
        "it is \"Main\". Roles: owner, admin, editor, approver, viewer. --if-missing\n"
        "makes it no error when the address is known.",
    .run = run_add,
};

/* --- password, disable, enable ------------------------------------------------- */

enum change { CHANGE_PASSWORD, CHANGE_DISABLE, CHANGE_ENABLE };

static int change_person(struct ctl *ctl, struct db *db, const char *email,
                         enum change change)
{
    char hash[PASSWORD_HASH_SIZE];
    struct err err;
    enum rc rc;

    if (change == CHANGE_PASSWORD) {
        rc = new_hash(ctl, email, email, hash, &err);
        if (rc == RC_OK)
            rc = user_set_password(db, email, hash, &err);
    } else {
        rc = user_set_disabled(db, email, change == CHANGE_DISABLE, &err);
    }
    if (rc != RC_OK)
        return ctl_fail(ctl, &err);
    (void)fprintf(ctl->out, "Done; %s is signed out everywhere.\n", email);
    return CTL_OK;
}

static int run_change(struct ctl *ctl, int argc, char **argv, enum change change)
{
    const char *email = NULL;
    struct ctl_args args = {.words = &email, .least = 1, .most = 1};
    struct db *db = NULL;
    int status;

    if (!ctl_args_read(ctl, argc, argv, &args))
        return CTL_USAGE;
    if (!ctl_db_open(ctl, &db, &status))
        return status;
    status = change_person(ctl, db, email, change);
    db_free(db);
    return status;
}

static int run_password(struct ctl *ctl, int argc, char **argv)
{
    return run_change(ctl, argc, argv, CHANGE_PASSWORD);
}

static int run_disable(struct ctl *ctl, int argc, char **argv)
{
    return run_change(ctl, argc, argv, CHANGE_DISABLE);
}

static int run_enable(struct ctl *ctl, int argc, char **argv)
{
    return run_change(ctl, argc, argv, CHANGE_ENABLE);
}

const struct ctl_command ctl_user_password = {
    .name = "user password",
    .args = "EMAIL",
    .summary = "Give a person another password",
    .help = "It is read from standard input. The person is signed out everywhere.",
    .run = run_password,
};

const struct ctl_command ctl_user_disable = {
    .name = "user disable",
    .args = "EMAIL",
    .summary = "Keep a person and their API tokens out, at once",
    .help = "Their scheduled posts stay and go out.",
    .run = run_disable,
};

const struct ctl_command ctl_user_enable = {
    .name = "user enable",
    .args = "EMAIL",
    .summary = "Let a disabled person in again",
    .help = "",
    .run = run_enable,
};

/* --- list ---------------------------------------------------------------------- */

static void show(void *ctx, const struct user_line *line)
{
    const struct ctl *ctl = ctx;
    char since[RFC3339_SIZE];

    (void)fprintf(
        ctl->out, "%" PRIu64 "\t%s\t%s\t%s\t%s\t%s\tsince %s\n", line->user_id,
        line->email, line->name, line->workspace_id != 0 ? line->workspace : "-",
        line->workspace_id != 0 ? role_name(line->role) : "-",
        line->disabled ? "disabled" : "active", ctl_time(line->created_at_ms, since));
}

static enum rc list(struct ctl *ctl, struct db *db, struct err *err)
{
    return user_list(db, show, ctl, err);
}

static int run_list(struct ctl *ctl, int argc, char **argv)
{
    return ctl_report(ctl, argc, argv, list);
}

const struct ctl_command ctl_user_list = {
    .name = "user list",
    .args = "",
    .summary = "List people, their workspaces and roles",
    .help = "",
    .run = run_list,
};
