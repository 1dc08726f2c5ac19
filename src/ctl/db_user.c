/* ttsctl db-user - makes the database user of a program. */
#include "ctl.h"

#include "store/migrate.h"

#include <string.h>

enum { SECRET_SIZE = 130 };

static int make(struct ctl *ctl, struct db *db, const char *name, const char *host)
{
    char password[SECRET_SIZE];
    size_t users = 0;
    struct err err;
    enum rc rc = ctl_read_secret(ctl, "password", password, sizeof(password), &err);

    if (rc == RC_OK)
        rc = grants_user(db, name, host, password, &err);
    if (rc == RC_OK)
        rc = grants_renew(db, &users, &err);
    explicit_bzero(password, sizeof(password));
    if (rc != RC_OK)
        return ctl_fail(ctl, &err);
    (void)fprintf(ctl->out, "The database user %s@%s has its password and its rights.\n",
                  name, host);
    return CTL_OK;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
    const char *name = NULL;
    const char *host = "localhost";
    const struct ctl_option options[] = {{"--host", &host, NULL}};
    struct ctl_args args = {.options = options,
                            .options_len = ARRAY_LEN(options),
                            .words = &name,
                            .least = 1,
                            .most = 1};
    struct db *db = NULL;
    int status;

    if (!ctl_args_read(ctl, argc, argv, &args))
        return CTL_USAGE;
    if (!ctl_db_open(ctl, &db, &status))
        return status;
    status = make(ctl, db, name, host);
    db_free(db);
    return status;
}

const struct ctl_command ctl_db_user = {
    .name = "db-user",
    .args = "NAME [--host HOST]",
    .summary = "Make a program's database user, or give it another password",
    .help =
        "NAME is tts_api, tts_publisher or tts_media; HOST is where it connects from\n"
        "(localhost; % for any). The password is read from standard input. Run ttsctl\n"
        "migrate first: rights are given on tables that are there.",
    .run = run,
};
