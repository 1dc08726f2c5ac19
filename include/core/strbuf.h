/* core/strbuf.h - a string that grows, up to a limit its owner sets.
 *
 * buf is never NULL and always NUL-terminated; len does not count the NUL. Appending
 * past the limit drops that append and makes strbuf_failed() true for good, so a
 * writer appends freely and checks once, at the end.
 *
 *     struct strbuf sb;
 *     strbuf_init(&sb, 64 * 1024);
 *     strbuf_addf(&sb, "post:%" PRIu64, id);
 *     ...
 *     strbuf_release(&sb);
 */
#ifndef CORE_STRBUF_H
#define CORE_STRBUF_H

#include "core/attr.h"

#include <stdbool.h>
#include <stddef.h>

struct strbuf {
    char *buf;    /* read freely, write only through the functions below */
    size_t len;   /* bytes in buf, without the NUL */
    size_t alloc; /* private: bytes allocated, 0 while buf is the shared "" */
    size_t limit; /* len never exceeds this */
    bool failed;  /* private: use strbuf_failed() */
};

/* An empty string of at most limit bytes. Allocates nothing yet. */
void strbuf_init(struct strbuf *sb, size_t limit);

/* Frees what sb holds and leaves it empty and usable. A zeroed sb is fine. */
void strbuf_release(struct strbuf *sb);

/* As strbuf_release(), after overwriting the memory: for secrets. */
void strbuf_wipe(struct strbuf *sb);

/* Empties sb, keeps its memory and limit, clears the failure. */
void strbuf_reset(struct strbuf *sb);

void strbuf_add(struct strbuf *sb, const void *data, size_t len);
void strbuf_addstr(struct strbuf *sb, const char *s);
void strbuf_addc(struct strbuf *sb, char c);
void strbuf_addf(struct strbuf *sb, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Shortens sb to len bytes; len must not exceed sb->len. */
void strbuf_cut(struct strbuf *sb, size_t len);

/* True when an append was dropped since the last init or reset. */
bool strbuf_failed(const struct strbuf *sb);

/* Gives the string to the caller, who free()s it; sb is empty afterwards. len may be
 * NULL. */
char *strbuf_take(struct strbuf *sb, size_t *len) MUST_CHECK;

#endif
