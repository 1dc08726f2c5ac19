/* core/config.h - a program's settings, read once at its start.
 *
 * Each program has one table of keys and one struct they fill:
 *
 *     static const struct config_key keys[] = {
 *         {"DATABASE_URL", NULL, CONFIG_SECRET, offsetof(struct settings, db_url), 0, 0},
 *         {"API_WORKERS", "0", CONFIG_INT, offsetof(struct settings, workers), 0, 256},
 *     };
 *     config_or_exit("api", keys, ARRAY_LEN(keys), &settings);
 *
 * The environment wins over the .env file, which wins over the fallback. The .env file
 * is the one TTS_ENV_FILE names: by default ".env" in the working directory, where it
 * may be missing; an empty TTS_ENV_FILE reads none. Its lines are NAME=value, with
 * optional quotes around the value; '#' begins a comment line.
 *
 * A CONFIG_SECRET key NAME may also be given as NAME_FILE, a path whose first line is
 * the value: for container secrets. An empty value counts as not set. After the start
 * the settings are constant. docs/configuration.md lists every key; lint compares. */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include "core/err.h"
#include "core/strbuf.h"

#include <stddef.h>
#include <stdint.h>

enum config_kind {
    CONFIG_STRING, /* char *; NULL when unset and optional */
    CONFIG_SECRET, /* char *, as STRING; never shown, wiped by config_release() */
    CONFIG_INT,    /* int64_t, within min..max */
};

struct config_key {
    const char *name;
    const char *fallback; /* NULL: required; "": optional, NULL when unset (strings) */
    enum config_kind kind;
    size_t offset;    /* of the field in the program's struct */
    int64_t min, max; /* CONFIG_INT: the range; CONFIG_STRING: max > 0 limits bytes */
};

enum {
    CONFIG_EXIT = 78,           /* EX_CONFIG of sysexits.h: the settings are wrong */
    CONFIG_VALUE_MAX = 16384,   /* bytes of one value */
    CONFIG_ENV_FILE_MAX = 65536 /* bytes of a .env file */
};

/* Fills *settings (zeroed first) from the keys. All keys are read and checked before
 * this returns; every bad one adds one line to problems, naming the key and saying what
 * is wanted, never the value. RC_INVALID when there was any; nothing is kept then. */
enum rc config_load(const struct config_key *keys, size_t n, void *settings,
                    struct strbuf *problems, struct err *err) MUST_CHECK;

/* config_load() for a main(): on failure the problems go to stderr, one line each after
 * "program: ", and the process exits with CONFIG_EXIT. */
void config_or_exit(const char *program, const struct config_key *keys, size_t n,
                    void *settings);

/* Ends a program over a value that only the program itself could judge: prints
 * "program: KEY problem" and exits with CONFIG_EXIT. */
void config_reject(const char *program, const char *key, const char *problem) NORETURN;

/* Frees the strings, secrets overwritten first. */
void config_release(const struct config_key *keys, size_t n, void *settings);

#endif
