/* media/confine.h - takes rights away from a process, for good, before it reads a file
 * that somebody wrote to hurt us.
 *
 * What it keeps: reading its own program's libraries and the one file on a descriptor,
 * writing to descriptors it has, to one file among them that it may open anew. What it
 * loses: the network (a network namespace of its own where that is permitted, and a
 * system call filter that refuses every way to a socket), other files (Landlock,
 * Linux 5.13 and later), new privileges, writing files, and anything beyond its limits of
 * memory, time and descriptors. */
#ifndef SRC_MEDIA_CONFINE_H
#define SRC_MEDIA_CONFINE_H

#include "core/attr.h"

#include <stdbool.h>
#include <stdint.h>

struct confine_limits {
    uint64_t memory_bytes; /* address space */
    unsigned cpu_s;        /* then SIGKILL */
    uint64_t output_bytes; /* of its output file; 0: it can write none */
    int nice;              /* how far it steps back behind others; 0: not at all */
};

/* Confines the calling process: between fork() and execve(), so it allocates nothing.
 * input_fd is the one file it may still open (by /proc/self/fd), output_fd the one that
 * it may also write (-1: none). False when a limit that every Linux has could not be set,
 * or neither way to cut off the network works: then the process must not go on. */
bool confine_self(const struct confine_limits *limits, int input_fd,
                  int output_fd) MUST_CHECK;

#endif
