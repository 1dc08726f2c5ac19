/* servers.h - servers of a program's own. */
#ifndef TESTS_SERVERS_H
#define TESTS_SERVERS_H

/* For programs that change a server itself, or hear what others tell it: runs the program
 * again under tests/with-servers, with these servers ("redis", "mariadb redis") that
 * nobody else uses; returns in that second run. Called first in main(). */
void own_servers(const char *program, const char *which);

#endif
