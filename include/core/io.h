/* core/io.h - files and descriptors, whole and without surprises.
 *
 * Every descriptor is opened close-on-exec. Short reads and writes and EINTR are
 * dealt with here. */
#ifndef CORE_IO_H
#define CORE_IO_H

#include "core/err.h"
#include "core/strbuf.h"

#include <stddef.h>
#include <stdint.h>

/* Appends the whole file to sb, up to sb's limit. RC_NOT_FOUND: no such file;
 * RC_UNAVAILABLE: cannot be read; RC_INVALID: longer than the limit. */
enum rc io_read_file(const char *path, struct strbuf *sb, struct err *err) MUST_CHECK;

/* Creates path with the given mode and contents, durably, never replacing a file:
 * RC_CONFLICT when it exists. On failure nothing is left at path. */
enum rc io_create_file(const char *path, unsigned mode, const void *data, size_t len,
                       struct err *err) MUST_CHECK;

/* All len bytes to fd. RC_UNAVAILABLE with code "disk_full" for ENOSPC and EDQUOT,
 * "write_failed" else; some bytes may have been written then. */
enum rc io_write_full(int fd, const void *data, size_t len, struct err *err) MUST_CHECK;

/* Up to len bytes at offset into buf; *got is less than len only at the end. */
enum rc io_pread_full(int fd, void *buf, size_t len, int64_t offset, size_t *got,
                      struct err *err) MUST_CHECK;

/* Closes *fd when it is open and sets it to -1; for clean-up paths. */
void io_close(int *fd);

/* Creates the directory and its parents with mode 0750; an existing one is fine. */
enum rc io_make_dirs(const char *path, struct err *err) MUST_CHECK;

#endif
