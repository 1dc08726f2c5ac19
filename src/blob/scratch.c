/* Files that nobody names, and what is made in them: beside blob.c, whichever the kind of
 * store. */
#include "blob/blob.h"
#include "core/io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define SCRATCH_DIR "/var/tmp"

static enum rc local_scratch(int *fd, struct err *err)
{
    int made = open(SCRATCH_DIR, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (made < 0)
        return err_set(err, RC_UNAVAILABLE, "media_store_failed",
                       "A file for work cannot be made in %s: %s.", SCRATCH_DIR,
                       strerrordesc_np(errno));
    *fd = made;
    return RC_OK;
}

enum rc blob_scratch(struct blob_store *s, int *fd, struct err *err)
{
    return s->ops->scratch != NULL ? s->ops->scratch(s, fd, err) : local_scratch(fd, err);
}

enum rc blob_put_file(struct blob_store *s, const char *key, int fd, int64_t len,
                      struct err *err)
{
    struct blob_writer *w = NULL;
    struct err ignored;
    enum rc removed;
    enum rc rc = blob_create(s, key, len, err);

    if (rc != RC_OK)
        return rc;
    rc = blob_append_begin(s, key, &w, err);
    if (rc == RC_OK)
        rc = blob_writer_start(w, 0, err);
    if (rc == RC_OK)
        rc = blob_writer_copy(w, fd, len, err);
    if (rc == RC_OK)
        rc = blob_writer_sync(w, err);
    blob_writer_close(w);
    if (rc != RC_OK) {
        removed = blob_remove(s, key, &ignored);
        (void)removed; /* the orphan sweep comes by */
    }
    return rc;
}
