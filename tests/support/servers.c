#include "servers.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void own_servers(const char *program, const char *which)
{
    if (getenv("TEST_OWN_SERVERS") != NULL)
        return;
    (void)setenv("TEST_OWN_SERVERS", "1", 1);
    (void)setenv("TEST_SERVERS", which, 1);
    (void)execl("tests/with-servers", "tests/with-servers", program, (char *)NULL);
    perror("tests/with-servers");
    exit(EXIT_FAILURE);
}
