/* ttsctl migrate - the schema and the rights of the programs' database users. */
#include "ctl.h"

#include "crypto/digest.h"
#include "store/migrate.h"

#include <stdlib.h>
#include <string.h>

struct settings {
    char *schema_dir;
};

static const struct config_key keys[] = {
    {"SCHEMA_DIR", "/usr/local/share/tts/schema", CONFIG_STRING,
     offsetof(struct settings, schema_dir), 0, 1024, NULL},
};

static void applied(void *ctx, const char *name)
{
    const struct ctl *ctl = ctx;

    (void)fprintf(ctl->out, "applied %s\n", name);
}

static int migrate(struct ctl *ctl, struct db *db, const char *dir)
{
    const struct migrate m = {
        .dir = dir, .digest = digest_sha256, .applied = applied, .ctx = ctl};
    size_t users = 0;
    struct err err;
    enum rc rc = migrate_run(db, &m, &err);

    if (rc == RC_OK)
        rc = grants_renew(db, &users, &err);
    if (rc != RC_OK)
        return ctl_fail(ctl, &err);
    (void)fprintf(ctl->out,
                  "The schema is up to date; rights of %zu database users checked.\n",
                  users);
    return CTL_OK;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
    const char *dir = NULL;
    struct ctl_args args = {.words = &dir, .most = 1};
    struct settings s = {0};
    struct strbuf problems;
    struct db *db = NULL;
    struct err err;
    int status;

    if (!ctl_args_read(ctl, argc, argv, &args))
        return CTL_USAGE;
    if (!ctl_db_open(ctl, &db, &status))
        return status;
    strbuf_init(&problems, CONFIG_ENV_FILE_MAX);
    if (dir != NULL || config_load(keys, ARRAY_LEN(keys), &s, &problems, &err) == RC_OK) {
        status = migrate(ctl, db, dir != NULL ? dir : s.schema_dir);
    } else {
        (void)fprintf(ctl->notes, "ttsctl: %s", problems.buf);
        status = CTL_CONFIG;
    }
    strbuf_release(&problems);
    config_release(keys, ARRAY_LEN(keys), &s);
    db_free(db);
    return status;
}

const struct ctl_command ctl_migrate = {
    .name = "migrate",
    .args = "[DIRECTORY]",
    .summary = "Apply what is missing of the schema, and renew the programs' rights",
    .help =
        "DIRECTORY holds the files NNNN_name.sql; SCHEMA_DIR is used without it.\n"
        "DATABASE_URL must be an administrator's of that database. Running it again,\n"
        "or on two machines at once, is harmless.",
    .run = run,
};
