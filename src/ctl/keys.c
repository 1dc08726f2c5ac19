/* ttsctl keys ... - key files: TOKEN_KEY_FILE and APP_KEY_FILE. */
#include "ctl.h"

#include "core/rfc3339.h"
#include "crypto/keys.h"

#include <inttypes.h>

/* The one word that each of them takes; NULL: used wrongly. */
static const char *file_of(struct ctl *ctl, int argc, char **argv)
{
    const char *file = NULL;
    struct ctl_args args = {.words = &file, .least = 1, .most = 1};

    return ctl_args_read(ctl, argc, argv, &args) ? file : NULL;
}

static int fail(struct ctl *ctl, const char *file, const struct err *err)
{
    (void)fprintf(ctl->notes, "ttsctl: %s: %s\n", file, err->msg);
    return CTL_FAILED;
}

static int run_generate(struct ctl *ctl, int argc, char **argv)
{
    const char *file = file_of(ctl, argc, argv);
    struct err err;

    if (file == NULL)
        return CTL_USAGE;
    if (key_file_generate(file, ctl->random, clock_wall_ms(ctl->clock), &err) != RC_OK)
        return fail(ctl, file, &err);
    (void)fprintf(ctl->out, "%s has a new key. Keep a copy of it in a safe place.\n",
                  file);
    return CTL_OK;
}

const struct ctl_command ctl_keys_generate = {
    .name = "keys generate",
    .args = "FILE",
    .summary = "Make a key file",
    .help =
        "For TOKEN_KEY_FILE (the publisher's alone) and for APP_KEY_FILE (of the API\n"
        "workers); never the same file for both. A file that exists is left alone.",
    .run = run_generate,
};

static int run_rotate(struct ctl *ctl, int argc, char **argv)
{
    const char *file = file_of(ctl, argc, argv);
    uint32_t id = 0;
    struct err err;

    if (file == NULL)
        return CTL_USAGE;
    if (key_file_rotate(file, ctl->random, clock_wall_ms(ctl->clock), &id, &err) != RC_OK)
        return fail(ctl, file, &err);
    (void)fprintf(ctl->out, "Key %08" PRIx32 " is active now. Restart what reads %s.\n",
                  id, file);
    return CTL_OK;
}

const struct ctl_command ctl_keys_rotate = {
    .name = "keys rotate",
    .args = "FILE",
    .summary = "Put a new key in front of the old ones",
    .help =
        "What the old keys sealed can still be opened. The program that reads the file\n"
        "sees the new key at its next start.",
    .run = run_rotate,
};

static int run_status(struct ctl *ctl, int argc, char **argv)
{
    const char *file = file_of(ctl, argc, argv);
    struct key_ring *ring = NULL;
    struct err err;

    if (file == NULL)
        return CTL_USAGE;
    if (key_ring_load(file, &ring, &err) != RC_OK)
        return fail(ctl, file, &err);
    for (size_t i = 0; i < key_ring_count(ring); i++) {
        struct key_info info = key_ring_info(ring, i);
        char made[RFC3339_SIZE];

        (void)fprintf(ctl->out, "%08" PRIx32 "\t%s\tmade %s\n", info.id,
                      info.state == KEY_ACTIVE ? "active" : "decrypt-only",
                      ctl_time(info.created_ms, made));
    }
    if (key_ring_exposed(ring))
        (void)fprintf(ctl->notes, "ttsctl: others can read %s: chmod 0400 it\n", file);
    key_ring_free(ring);
    return CTL_OK;
}

const struct ctl_command ctl_keys_status = {
    .name = "keys status",
    .args = "FILE",
    .summary = "List the keys of a key file, not their secrets",
    .help = "",
    .run = run_status,
};
