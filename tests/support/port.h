/* port.h - a TCP port of 127.0.0.1 that is nobody else's. */
#ifndef TESTS_PORT_H
#define TESTS_PORT_H

/* Takes a free port, which is told, without listening on it: whoever connects is refused,
 * and no other process is given it until the descriptor that is returned is closed. A
 * server that sets SO_REUSEADDR, as all of ours do, may listen there meanwhile. */
int port_take(int *port);

#endif
