/* web/listen.h - the listening socket of a server. */
#ifndef SRC_WEB_LISTEN_H
#define SRC_WEB_LISTEN_H

#include "core/err.h"

#include <sys/types.h>
#include <sys/un.h>

struct listener {
    int fd;                                                 /* non-blocking */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* Unix; "" for TCP */
    dev_t dev; /* which file at path is ours */
    ino_t ino;
};

/* Binds and listens. A Unix socket can be reached by its owner and group only; one that
 * nobody listens on any more is replaced, anything else at its path is left alone. An
 * address in use is tried for a second: its owner may be on its way out. RC_INVALID: not
 * an address of ours; RC_CONFLICT: in use; RC_UNAVAILABLE: the system refuses. */
enum rc listener_open(struct listener *l, const char *text, struct err *err) MUST_CHECK;

/* No new connections from here on, in every process that shares the socket: the path is
 * gone (unless another server has it by now) and connecting is refused. Connections that
 * wait on a Unix socket can still be accepted; those of TCP are reset. */
void listener_shut(struct listener *l);

#endif
