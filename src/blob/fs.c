#include "fs.h"

#include "core/fault.h"
#include "core/io.h"
#include "core/xalloc.h"
#include "dirfd.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum {
    DIR_MODE = 0770, /* less the umask: programs of several users may share a store */
    FILE_MODE = 0660,
    PIECE = 65536, /* bytes copied at a time where the kernel cannot do it alone */
};

struct fs_store {
    struct blob_store base; /* first: a blob_store is one of these */
    int root;
};

struct fs_writer {
    struct blob_writer base; /* first */
    int fd;
    int64_t start; /* what counts; undo goes back to here */
    int64_t end;   /* where the next byte goes */
};

static const struct blob_writer_ops writer_ops;

static struct fs_store *fs_of(struct blob_store *s)
{
    return (struct fs_store *)(void *)s;
}

static struct fs_writer *writer_of(struct blob_writer *w)
{
    return (struct fs_writer *)(void *)w;
}

/* errno as a failure of ours. */
static enum rc failed(struct err *err, const char *what)
{
    if (errno == ENOENT)
        return err_set(err, RC_NOT_FOUND, "no_such_file", "There is no such file.");
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
        return err_set(err, RC_UNAVAILABLE, "disk_full", "The media store is full.");
    return err_set(err, RC_UNAVAILABLE, "media_store_failed",
                   "The media store cannot %s: %s.", what, strerrordesc_np(errno));
}

static const char *const suffixes[BLOB_PARTS] = {
    [BLOB_CONTENT] = "",
    [BLOB_THUMBNAIL] = ".jpg",
    [BLOB_RENDITION] = ".photo.jpg",
    [BLOB_STRIP] = ".strip.jpg",
};

void fs_name(const char *key, enum blob_part part, char out[FS_NAME_SIZE])
{
    assert(blob_key_valid(key) && part < BLOB_PARTS);
    (void)snprintf(out, FS_NAME_SIZE, "%.2s/%s%s", key, key, suffixes[part]);
}

void fs_avatar_name(uint64_t account_id, char out[FS_NAME_SIZE])
{
    (void)snprintf(out, FS_NAME_SIZE, "avatar/%" PRIu64 ".jpg", account_id);
}

/* Opens the directory that name (dir/file) lies in, creating it when missing. */
static int open_dir_of(const struct fs_store *fs, const char *name, bool make)
{
    char dir[FS_NAME_SIZE];
    const char *slash = strchr(name, '/');

    assert(slash != NULL);
    (void)snprintf(dir, sizeof(dir), "%.*s", (int)(slash - name), name);
    if (make && mkdirat(fs->root, dir, DIR_MODE) == 0)
        (void)fsync(fs->root); /* a failure shows up at the file */
    return dirfd_open(fs->root, dir, O_RDONLY | O_DIRECTORY, 0);
}

static void fs_close(struct blob_store *s)
{
    struct fs_store *fs = fs_of(s);

    io_close(&fs->root);
    free(fs);
}

/* Reserves the blocks of the whole file, so that a full disk shows now and not after
 * gigabytes; a file system that cannot is fine. The length stays 0. */
static bool reserve(int fd, int64_t bytes)
{
    if (bytes <= 0 || fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, bytes) == 0)
        return true;
    return errno != ENOSPC && errno != EDQUOT && errno != EFBIG;
}

static enum rc fs_create(struct blob_store *s, const char *key, int64_t bytes,
                         struct err *err)
{
    struct fs_store *fs = fs_of(s);
    char name[FS_NAME_SIZE];
    int dir;
    int fd = -1;
    enum rc rc = RC_OK;

    fs_name(key, BLOB_CONTENT, name);
    dir = open_dir_of(fs, name, true);
    if (dir < 0)
        return failed(err, "make a directory");
    fd = dirfd_open(dir, key, O_WRONLY | O_CREAT | O_EXCL, FILE_MODE);
    if (fd < 0 && errno == EEXIST)
        rc = err_set(err, RC_CONFLICT, "blob_exists", "The file exists already.");
    else if (fd < 0)
        rc = failed(err, "make a file");
    else if (!reserve(fd, bytes) || fsync(dir) != 0)
        rc = failed(err, "keep a file");
    if (rc != RC_OK && fd >= 0)
        (void)unlinkat(dir, key, 0);
    io_close(&fd);
    io_close(&dir);
    return rc;
}

static enum rc fs_append_begin(struct blob_store *s, const char *key,
                               int64_t bytes UNUSED, struct blob_writer **out,
                               struct err *err)
{
    struct fs_writer *w;
    char name[FS_NAME_SIZE];
    int fd;
    bool busy;

    fs_name(key, BLOB_CONTENT, name);
    fd = dirfd_open(fs_of(s)->root, name, O_RDWR, 0);
    if (fd < 0)
        return failed(err, "open a file");
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        busy = errno == EWOULDBLOCK;
        io_close(&fd);
        if (busy)
            return err_set(err, RC_CONFLICT, "upload_busy",
                           "Another request is writing to this upload.");
        return failed(err, "lock a file");
    }
    w = xcalloc(1, sizeof(*w));
    w->base.ops = &writer_ops;
    w->fd = fd;
    *out = &w->base;
    return RC_OK;
}

static void writer_close(struct blob_writer *base)
{
    struct fs_writer *w = writer_of(base);

    io_close(&w->fd);
    free(w);
}

/* Cuts to len. Reserved blocks beyond the end go with it; that costs speed, not bytes. */
static enum rc cut(const struct fs_writer *w, int64_t len, struct err *err)
{
    return ftruncate(w->fd, (off_t)len) == 0 ? RC_OK : failed(err, "cut a file");
}

static enum rc writer_start(struct blob_writer *base, int64_t offset, struct err *err)
{
    struct fs_writer *w = writer_of(base);
    struct stat st;
    enum rc rc;

    if (fstat(w->fd, &st) != 0)
        return failed(err, "look at a file");
    if (st.st_size < offset)
        return err_set(err, RC_BUG, "media_bytes_lost",
                       "The stored file is shorter than what was recorded of it.");
    if (st.st_size > offset) {
        rc = cut(w, offset, err);
        if (rc != RC_OK)
            return rc;
    }
    w->start = offset;
    w->end = offset;
    return RC_OK;
}

/* The part of a copy that the kernel does not do itself: from the current position of
 * neither descriptor, in bounded pieces. */
static enum rc copy_by_hand(struct fs_writer *w, int fd, int64_t from, int64_t len,
                            struct err *err)
{
    char *piece = xmalloc(PIECE);
    enum rc rc = RC_OK;

    while (len > 0 && rc == RC_OK) {
        size_t want = len < PIECE ? (size_t)len : PIECE;
        size_t got = 0;

        rc = io_pread_full(fd, piece, want, from, &got, err);
        if (rc == RC_OK && got < want)
            rc = err_set(err, RC_INVALID, "body_cut_short", "The body ended too early.");
        if (rc == RC_OK)
            rc = blob_writer_add(&w->base, piece, got, err);
        from += (int64_t)got;
        len -= (int64_t)got;
    }
    free(piece);
    return rc;
}

static bool kernel_cannot(int error)
{
    return error == EXDEV || error == EINVAL || error == ENOSYS || error == EOPNOTSUPP ||
           error == EPERM;
}

static enum rc writer_copy(struct blob_writer *base, int fd, int64_t len, struct err *err)
{
    struct fs_writer *w = writer_of(base);
    off_t from = 0;

    if (FAULT_ERROR("blob.disk_full")) {
        errno = ENOSPC;
        return failed(err, "write a file");
    }
    while (len > 0) {
        off_t to = (off_t)w->end;
        ssize_t n = copy_file_range(fd, &from, w->fd, &to, (size_t)len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && kernel_cannot(errno))
            return copy_by_hand(w, fd, (int64_t)from, len, err);
        if (n < 0)
            return failed(err, "write a file");
        if (n == 0)
            return err_set(err, RC_INVALID, "body_cut_short",
                           "The body ended too early.");
        w->end += n;
        len -= n;
    }
    return RC_OK;
}

static enum rc writer_add(struct blob_writer *base, const void *data, size_t len,
                          struct err *err)
{
    struct fs_writer *w = writer_of(base);
    const char *p = data;

    if (FAULT_ERROR("blob.disk_full")) {
        errno = ENOSPC;
        return failed(err, "write a file");
    }
    while (len > 0) {
        ssize_t n = pwrite(w->fd, p, len, (off_t)w->end);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(err, "write a file");
        p += n;
        len -= (size_t)n;
        w->end += n;
    }
    return RC_OK;
}

static enum rc writer_sync(struct blob_writer *w, struct err *err)
{
    return fdatasync(writer_of(w)->fd) == 0 ? RC_OK : failed(err, "keep a file");
}

static enum rc writer_undo(struct blob_writer *base, struct err *err)
{
    struct fs_writer *w = writer_of(base);

    w->end = w->start;
    return cut(w, w->start, err);
}

static const struct blob_writer_ops writer_ops = {
    .close = writer_close,
    .start = writer_start,
    .copy = writer_copy,
    .add = writer_add,
    .sync = writer_sync,
    .undo = writer_undo,
};

static enum rc fs_get(struct blob_store *s, const char *name, int *fd, int64_t *size,
                      struct err *err)
{
    struct stat st;
    int opened = dirfd_open(fs_of(s)->root, name, O_RDONLY, 0);
    enum rc rc;

    if (opened < 0)
        return failed(err, "open a file");
    if (fstat(opened, &st) != 0) {
        rc = failed(err, "look at a file");
        io_close(&opened);
        return rc;
    }
    *fd = opened;
    *size = (int64_t)st.st_size;
    return RC_OK;
}

static enum rc fs_peek(struct blob_store *s, const char *name, void *buf, size_t max,
                       size_t *len, struct err *err)
{
    int64_t size;
    int fd = -1;
    enum rc rc = fs_get(s, name, &fd, &size, err);

    if (rc == RC_OK)
        rc = io_pread_full(fd, buf, max, 0, len, err);
    io_close(&fd);
    return rc;
}

/* Writes, makes durable, and gives the file its name in one step. */
static enum rc write_and_name(int dir, int fd, const char *temporary, const char *name,
                              struct err *err)
{
    if (fsync(fd) != 0 || renameat(dir, temporary, dir, name) != 0 || fsync(dir) != 0)
        return failed(err, "keep a file");
    return RC_OK;
}

static enum rc fs_put(struct blob_store *s, const char *name, const void *data,
                      size_t len, struct err *err)
{
    char temporary[FS_NAME_SIZE + 16];
    const char *file = strchr(name, '/') + 1;
    int dir = open_dir_of(fs_of(s), name, true);
    int fd;
    enum rc rc;

    if (dir < 0)
        return failed(err, "make a directory");
    (void)snprintf(temporary, sizeof(temporary), ".%s.%d", file, (int)getpid());
    (void)unlinkat(dir, temporary, 0); /* of a process of this number that died */
    fd = dirfd_open(dir, temporary, O_WRONLY | O_CREAT | O_EXCL, FILE_MODE);
    if (fd < 0) {
        rc = failed(err, "make a file");
    } else {
        rc = io_write_full(fd, data, len, err);
        if (rc == RC_OK)
            rc = write_and_name(dir, fd, temporary, file, err);
        if (rc != RC_OK)
            (void)unlinkat(dir, temporary, 0);
    }
    io_close(&fd);
    io_close(&dir);
    return rc;
}

static enum rc fs_remove(struct blob_store *s, const char *key, struct err *err)
{
    struct fs_store *fs = fs_of(s);
    char name[FS_NAME_SIZE];

    for (int part = BLOB_PARTS - 1; part >= BLOB_CONTENT; part--) { /* content last */
        fs_name(key, (enum blob_part)part, name);
        if (unlinkat(fs->root, name, 0) != 0 && errno != ENOENT)
            return failed(err, "remove a file");
    }
    return RC_OK;
}

static enum rc fs_space(struct blob_store *s, struct blob_space *out, struct err *err)
{
    struct statvfs st;

    if (fstatvfs(fs_of(s)->root, &st) != 0)
        return failed(err, "tell its free space");
    out->total_bytes = (int64_t)(st.f_blocks * st.f_frsize);
    out->free_bytes = (int64_t)(st.f_bavail * st.f_frsize);
    return RC_OK;
}

static enum rc fs_check(struct blob_store *s, struct err *err)
{
    struct blob_space space;

    return fs_space(s, &space, err);
}

/* A file system that knows no nameless files gets one whose name is taken away again. */
static enum rc fs_scratch(struct blob_store *s, int *fd, struct err *err)
{
    int root = fs_of(s)->root;
    char name[FS_NAME_SIZE];
    int made = openat(root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, FILE_MODE);

    if (made < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
        (void)snprintf(name, sizeof(name), ".scratch.%d", (int)getpid());
        (void)unlinkat(root, name, 0);
        made = dirfd_open(root, name, O_RDWR | O_CREAT | O_EXCL, FILE_MODE);
        (void)unlinkat(root, name, 0);
    }
    if (made < 0)
        return failed(err, "make a file for work");
    *fd = made;
    return RC_OK;
}

static bool older_than(int dir, const char *name, int64_t min_age_ms)
{
    struct stat st;
    struct timespec now;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
        return false;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)(now.tv_sec - st.st_mtim.tv_sec) * 1000 > min_age_ms;
}

/* The key whose blob the file name is: its own, or that of a picture whose blob is gone.
 * False when it is neither. */
static bool orphan_key(int dir, const char *name, char key[BLOB_KEY_SIZE])
{
    if (strlen(name) < BLOB_KEY_LEN)
        return false;
    (void)snprintf(key, BLOB_KEY_SIZE, "%.*s", BLOB_KEY_LEN, name);
    if (!blob_key_valid(key))
        return false;
    return name[BLOB_KEY_LEN] == '\0' ||
           (name[BLOB_KEY_LEN] == '.' && faccessat(dir, key, F_OK, 0) != 0);
}

/* Walks one of the two-character directories; false when fn wants no more. */
static bool walk_dir(const struct fs_store *fs, const char *name, int64_t min_age_ms,
                     blob_key_fn fn, void *ctx)
{
    int fd = dirfd_open(fs->root, name, O_RDONLY | O_DIRECTORY, 0);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    bool more = true;

    if (dir == NULL) {
        io_close(&fd);
        return true;
    }
    for (struct dirent *e = readdir(dir); more && e != NULL; e = readdir(dir)) {
        bool temporary = e->d_name[0] == '.';
        char key[BLOB_KEY_SIZE];

        if ((!temporary && !orphan_key(fd, e->d_name, key)) ||
            !older_than(fd, e->d_name, min_age_ms))
            continue;
        if (temporary)
            (void)unlinkat(fd, e->d_name, 0); /* of a fs_put() that died */
        else
            more = fn(ctx, key);
    }
    (void)closedir(dir);
    return more;
}

static enum rc fs_walk(struct blob_store *s, int64_t min_age_ms, blob_key_fn fn,
                       void *ctx, struct err *err)
{
    const struct fs_store *fs = fs_of(s);
    int fd = dirfd_open(fs->root, ".", O_RDONLY | O_DIRECTORY, 0);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    bool more = true;

    if (dir == NULL) {
        io_close(&fd);
        return failed(err, "list its files");
    }
    for (struct dirent *e = readdir(dir); more && e != NULL; e = readdir(dir)) {
        if (strlen(e->d_name) == 2 && e->d_name[0] != '.')
            more = walk_dir(fs, e->d_name, min_age_ms, fn, ctx);
    }
    (void)closedir(dir);
    return RC_OK;
}

static const struct blob_ops fs_ops = {
    .close = fs_close,
    .check = fs_check,
    .create = fs_create,
    .append_begin = fs_append_begin,
    .get = fs_get,
    .peek = fs_peek,
    .put = fs_put,
    .remove = fs_remove,
    .space = fs_space,
    .walk = fs_walk,
    .scratch = fs_scratch,
};

enum rc fs_store_open(const char *path, struct blob_store **out, struct err *err)
{
    struct fs_store *fs;
    int root;
    enum rc rc = io_make_dirs(path, err);

    if (rc != RC_OK)
        return rc;
    root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return failed(err, "be opened");
    fs = xcalloc(1, sizeof(*fs));
    fs->base.ops = &fs_ops;
    fs->root = root;
    *out = &fs->base;
    return RC_OK;
}
