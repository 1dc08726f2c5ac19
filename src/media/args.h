/* media/args.h - the arguments of a program that is to be started, added bit by bit.
 *
 *     struct args a = {0};
 *
 *     ARGS_ADD(&a, "ffmpeg", "-nostdin");
 *     if (!turn)
 *         ARGS_ADD(&a, "-noautorotate");
 *     job.argv = a.v;
 *
 * Words are borrowed for as long as the arguments are used. */
#ifndef SRC_MEDIA_ARGS_H
#define SRC_MEDIA_ARGS_H

#include "core/attr.h"

#include <stddef.h>

enum { ARGS_MAX = 80 }; /* words, with the NULL: a repair takes the most of ours */

struct args {
    const char *v[ARGS_MAX]; /* NULL behind the last */
    size_t n;
};

/* More than there is room for is a bug and asserts. */
void args_add(struct args *a, const char *const words[], size_t n);

#define ARGS_ADD(a, ...)                                                                 \
    args_add(a, (const char *const[]){__VA_ARGS__},                                      \
             ARRAY_LEN(((const char *const[]){__VA_ARGS__})))

#endif
