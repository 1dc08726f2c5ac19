/* core/xalloc.h - allocation that returns memory or ends the process.
 *
 * Every input is bounded before it is stored, so running out of memory means a leak
 * or a sick host: the process says so and aborts, its parent or the service manager
 * starts it anew, and the database hands its work to another. All results are freed
 * with free(). */
#ifndef CORE_XALLOC_H
#define CORE_XALLOC_H

#include <stddef.h>
#include <stdlib.h>

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));

/* n * size bytes, zeroed; an overflow of the product aborts. */
void *xcalloc(size_t n, size_t size)
    __attribute__((malloc, returns_nonnull, alloc_size(1, 2)));
void *xreallocarray(void *p, size_t n, size_t size)
    __attribute__((returns_nonnull, warn_unused_result, alloc_size(2, 3)));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));

/* A NUL-terminated copy of exactly len bytes of s. */
char *xmemdupz(const void *s, size_t len) __attribute__((malloc, returns_nonnull));

#endif
