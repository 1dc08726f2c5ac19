#include "domain/zone.h"

#include <string.h>

enum { PARTS_MAX = 3 }; /* America/Argentina/Buenos_Aires */

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const char others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789_+-";

bool zone_name_ok(const char *name)
{
    const char *p = name;

    if (strnlen(name, ZONE_NAME_SIZE) == ZONE_NAME_SIZE || *name < 'A' || *name > 'Z')
        return false;
    for (int parts = 0; parts < PARTS_MAX; parts++) {
        if (*p == '\0' || strchr(letters, *p) == NULL)
            return false;
        p += strspn(p, others);
        if (*p == '\0')
            return true;
        if (*p != '/')
            return false;
        p++;
    }
    return false;
}
