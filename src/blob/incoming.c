#include "blob/incoming.h"

#include "core/io.h"
#include "dirfd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static enum rc bad(struct err *err, const char *why)
{
    return err_set(err, RC_BUG, "bad_body_file", "The body file of the request %s.", why);
}

/* The one plain name below dir that path stands for, or NULL. */
static const char *plain_name(const char *dir, const char *path)
{
    size_t len = strlen(dir);
    const char *name;

    while (len > 1 && dir[len - 1] == '/')
        len--;
    if (len == 0 || strncmp(path, dir, len) != 0 || path[len] != '/')
        return NULL;
    name = path + len + 1;
    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
        return NULL;
    return name;
}

static enum rc check(int fd, int64_t len, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return bad(err, "cannot be looked at");
    if (!S_ISREG(st.st_mode) || st.st_nlink > 1)
        return bad(err, "is not a plain file");
    if (st.st_size != len)
        return err_set(err, RC_INVALID, "body_cut_short",
                       "Fewer or more bytes arrived than the request announced.");
    return RC_OK;
}

enum rc incoming_open(const char *dir, const char *path, int64_t len, int *fd,
                      struct err *err)
{
    const char *name = plain_name(dir, path);
    int dir_fd;
    int opened;
    enum rc rc;

    if (name == NULL)
        return bad(err, "does not lie in MEDIA_INCOMING");
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return bad(err, "lies in a directory that cannot be opened");
    opened = dirfd_open(dir_fd, name, O_RDONLY | O_NONBLOCK, 0);
    (void)close(dir_fd);
    if (opened < 0)
        return bad(err, "cannot be opened");
    rc = check(opened, len, err);
    if (rc != RC_OK)
        io_close(&opened);
    else
        *fd = opened;
    return rc;
}

/* A body that nobody writes to or reads any more: the file is of nginx's making and as
 * old as that. */
static bool is_left(int dir, const char *name, int64_t min_age_ms)
{
    struct stat st;
    struct timespec now;

    if (name[strspn(name, "0123456789")] != '\0' ||
        fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) ||
        clock_gettime(CLOCK_REALTIME, &now) != 0)
        return false;
    return ((int64_t)now.tv_sec - (int64_t)st.st_mtim.tv_sec) * 1000 > min_age_ms;
}

enum rc incoming_sweep(const char *dir, int64_t min_age_ms, size_t *removed,
                       struct err *err)
{
    DIR *list = opendir(dir);
    size_t n = 0;

    if (list == NULL)
        return err_set(err, RC_UNAVAILABLE, "incoming_unreadable",
                       "MEDIA_INCOMING cannot be listed: %s.", strerrordesc_np(errno));
    for (const struct dirent *e = readdir(list); e != NULL; e = readdir(list)) {
        if (is_left(dirfd(list), e->d_name, min_age_ms) &&
            unlinkat(dirfd(list), e->d_name, 0) == 0)
            n++;
    }
    (void)closedir(list);
    *removed = n;
    return RC_OK;
}
