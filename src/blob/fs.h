/* blob/fs.h - blobs as files: <root>/<first two characters>/<key>, beside them thumbnails
 * as <key>.jpg, renditions as <key>.photo.jpg and film strips as <key>.strip.jpg;
 * pictures of accounts as avatar/<id>.jpg. Everything is opened relative to a descriptor
 * of the root, without following links. */
#ifndef SRC_BLOB_FS_H
#define SRC_BLOB_FS_H

#include "blob/blob.h"

enum { FS_NAME_SIZE = 48 }; /* bytes for a path below the root with its NUL */

/* A store in the directory path, which is created when missing. */
enum rc fs_store_open(const char *path, struct blob_store **out,
                      struct err *err) MUST_CHECK;

/* "ab/abc..." or "ab/abc....jpg" and so on. Asserts that the key is one. */
void fs_name(const char *key, enum blob_part part, char out[FS_NAME_SIZE]);
void fs_avatar_name(uint64_t account_id, char out[FS_NAME_SIZE]);

#endif
