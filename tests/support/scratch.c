#include "scratch.h"

#include "core/attr.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPEN_MAX_DIRS = 16 };

void scratch_make(char dir[SCRATCH_SIZE])
{
    (void)snprintf(dir, SCRATCH_SIZE, "/tmp/tts-unit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static int remove_one(const char *path, const struct stat *st UNUSED, int type UNUSED,
                      struct FTW *place UNUSED)
{
    return remove(path);
}

void scratch_remove(const char *dir)
{
    ck_assert_int_eq(nftw(dir, remove_one, OPEN_MAX_DIRS, FTW_DEPTH | FTW_PHYS), 0);
}
