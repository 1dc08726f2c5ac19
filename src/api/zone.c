#include "zone.h"

#include "core/io.h"
#include "domain/zone.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TZDATA "/usr/share/zoneinfo/"

static const char magic[] = "TZif"; /* RFC 9636: how every compiled zone begins */

bool zone_exists(const char *name)
{
    static char last[ZONE_NAME_SIZE]; /* most posts of a workspace name the same one */
    char path[sizeof(TZDATA) + ZONE_NAME_MAX];
    char head[sizeof(magic) - 1];
    bool exists;
    int fd;

    if (!zone_name_ok(name))
        return false;
    if (strcmp(name, last) == 0)
        return true;
    (void)snprintf(path, sizeof(path), TZDATA "%s", name);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return false;
    exists = read(fd, head, sizeof(head)) == (ssize_t)sizeof(head) &&
             memcmp(head, magic, sizeof(head)) == 0;
    io_close(&fd);
    if (exists)
        (void)snprintf(last, sizeof(last), "%s", name);
    return exists;
}
