/* Files that nobody names, and what is made in them: beside blob.c, whichever the kind of
 * store. */
#include "blob/blob.h"

enum rc blob_scratch(struct blob_store *s, int *fd, struct err *err)
{
    return s->ops->scratch(s, fd, err);
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
    rc = blob_append_begin(s, key, len, &w, err);
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
