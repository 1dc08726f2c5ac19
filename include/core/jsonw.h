/* core/jsonw.h - writes JSON straight into a strbuf, without building a tree.
 *
 * All JSON that leaves the program goes through here; jansson reads what comes in.
 * (Output through a tree was measured at five times the cost, and lists are the main
 * read.) Commas, quotes and escapes are the writer's business:
 *
 *     struct jsonw w;
 *     jsonw_init(&w, &sb);
 *     jsonw_object(&w);
 *     jsonw_key_id(&w, "id", post->id);
 *     jsonw_key_text(&w, "caption", post->caption);
 *     jsonw_key(&w, "media");
 *     jsonw_array(&w);
 *     ...
 *     jsonw_end(&w);
 *     jsonw_end(&w);
 *     if (!jsonw_ok(&w)) ...
 *
 * Misuse (a value without its key, an unbalanced end, more than JSONW_DEPTH levels) is
 * a bug and asserts. Text must be UTF-8; a byte that is not is written as U+FFFD. */
#ifndef CORE_JSONW_H
#define CORE_JSONW_H

#include "core/attr.h"
#include "core/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSONW_DEPTH = 16 }; /* levels of nesting; our deepest answer has six */

struct jsonw {
    struct strbuf *sb; /* private from here on */
    int depth;
    char kind[JSONW_DEPTH]; /* '{' or '[' per open level */
    bool first[JSONW_DEPTH];
    bool after_key;
};

/* Appends to sb, which is borrowed until the last call. */
void jsonw_init(struct jsonw *w, struct strbuf *sb);

void jsonw_object(struct jsonw *w);
void jsonw_array(struct jsonw *w);

/* Closes the innermost object or array. */
void jsonw_end(struct jsonw *w);

/* A key; exactly one value follows. */
void jsonw_key(struct jsonw *w, const char *key);

/* Values. text NULL is null. An id is a decimal string (64-bit numbers do not survive
 * JavaScript); an id of 0 is null. A time is RFC 3339 in UTC; 0 is null. raw is JSON
 * that is already valid, e.g. a stored document; NULL is null. */
void jsonw_text(struct jsonw *w, const char *text);
void jsonw_text_len(struct jsonw *w, const char *text, size_t len);
void jsonw_int(struct jsonw *w, int64_t n);
void jsonw_double(struct jsonw *w, double d);
void jsonw_bool(struct jsonw *w, bool b);
void jsonw_null(struct jsonw *w);
void jsonw_id(struct jsonw *w, uint64_t id);
void jsonw_time(struct jsonw *w, int64_t at_ms);
void jsonw_raw(struct jsonw *w, const char *json);

/* A key and its value in one call. */
void jsonw_key_text(struct jsonw *w, const char *key, const char *text);
void jsonw_key_int(struct jsonw *w, const char *key, int64_t n);
void jsonw_key_bool(struct jsonw *w, const char *key, bool b);
void jsonw_key_id(struct jsonw *w, const char *key, uint64_t id);
void jsonw_key_time(struct jsonw *w, const char *key, int64_t at_ms);

/* True when everything is closed and nothing was dropped for sb's limit. */
bool jsonw_ok(const struct jsonw *w) MUST_CHECK;

#endif
