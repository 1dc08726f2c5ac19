#include "core/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum rc failed(struct err *err, const char *code, const char *what)
{
    return err_set(err, RC_UNAVAILABLE, code, "%s: %s", what, strerrordesc_np(errno));
}

static enum rc read_to_end(int fd, struct strbuf *sb, struct err *err)
{
    char piece[8192];

    for (;;) {
        ssize_t n = read(fd, piece, sizeof(piece));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(err, "read_failed", "cannot read the file");
        if (n == 0)
            break;
        strbuf_add(sb, piece, (size_t)n);
        if (strbuf_failed(sb))
            return err_set(err, RC_INVALID, "file_too_long",
                           "the file is longer than %zu bytes", sb->limit);
    }
    explicit_bzero(piece, sizeof(piece));
    return RC_OK;
}

enum rc io_read_file(const char *path, struct strbuf *sb, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum rc rc;

    if (fd < 0 && errno == ENOENT)
        return err_set(err, RC_NOT_FOUND, "file_not_found", "there is no such file");
    if (fd < 0)
        return failed(err, "file_not_opened", "cannot open the file");
    rc = read_to_end(fd, sb, err);
    (void)close(fd);
    return rc;
}

enum rc io_create_file(const char *path, unsigned mode, const void *data, size_t len,
                       struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    enum rc rc;

    if (fd < 0 && errno == EEXIST)
        return err_set(err, RC_CONFLICT, "file_exists", "the file exists already");
    if (fd < 0)
        return failed(err, "file_not_created", "cannot create the file");
    rc = io_write_full(fd, data, len, err);
    if (rc == RC_OK && fsync(fd) != 0)
        rc = failed(err, "write_failed", "cannot write the file");
    (void)close(fd);
    if (rc != RC_OK)
        (void)unlink(path);
    return rc;
}

enum rc io_write_full(int fd, const void *data, size_t len, struct err *err)
{
    const char *p = data;

    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == ENOSPC || errno == EDQUOT))
            return failed(err, "disk_full", "cannot write");
        if (n < 0)
            return failed(err, "write_failed", "cannot write");
        p += n;
        len -= (size_t)n;
    }
    return RC_OK;
}

enum rc io_pread_full(int fd, void *buf, size_t len, int64_t offset, size_t *got,
                      struct err *err)
{
    size_t have = 0;

    while (have < len) {
        ssize_t n =
            pread(fd, (char *)buf + have, len - have, (off_t)(offset + (int64_t)have));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(err, "read_failed", "cannot read");
        if (n == 0)
            break;
        have += (size_t)n;
    }
    *got = have;
    return RC_OK;
}

void io_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

enum rc io_make_dirs(const char *path, struct err *err)
{
    char part[4096];
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof(part))
        return err_set(err, RC_INVALID, "path_too_long", "the path is empty or too long");
    (void)memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        part[i] = '\0';
        if (mkdir(part, 0750) != 0 && errno != EEXIST)
            return failed(err, "dir_not_created", "cannot create the directory");
        part[i] = path[i];
    }
    return RC_OK;
}
