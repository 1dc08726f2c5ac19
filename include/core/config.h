/* core/config.h - a program's settings, read once at its start.
 *
 * Each program has one table of keys and one struct they fill:
 *
 *     static const struct config_key keys[] = {
 *         {"DATABASE_URL", NULL, CONFIG_SECRET, FIELD(db_url), 0, 1024, db_url_check},
 *         {"API_WORKERS", "0", CONFIG_INT, FIELD(workers), 0, 256, NULL},
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

/* Judges the value of a text: RC_OK, or a failure whose message says what is wanted and
 * never shows the value. Layers offer checks of what they read, as db_url_check(). */
typedef enum rc (*config_check_fn)(const char *value, struct err *err);

struct config_key {
    const char *name;
    const char *fallback; /* NULL: required; "": optional, NULL when unset (strings) */
    enum config_kind kind;
    size_t offset;    /* of the field in the program's struct */
    int64_t min, max; /* CONFIG_INT: the range; CONFIG_STRING: max > 0 limits bytes */
    config_check_fn check; /* of a text that is set; NULL: any will do */
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

/* Ends a program over its problems, as config_or_exit() does. */
void config_refuse(const char *program, const struct strbuf *problems) NORETURN;

/* Ends a program over a value that turned out useless when it was used: prints
 * "program: KEY trouble" and exits with CONFIG_EXIT. */
void config_reject(const char *program, const char *key, const char *trouble) NORETURN;

/* Frees the strings, secrets overwritten first. */
void config_release(const struct config_key *keys, size_t n, void *settings);

#endif
