/* fcgi_client.h - the web server's side of FastCGI, for tests of the other.
 *
 * Reads and writes wait ten seconds at most. What a test cannot do without fails it. */
#ifndef TESTS_FCGI_CLIENT_H
#define TESTS_FCGI_CLIENT_H

#include "core/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

/* A connection to the socket at path, as soon as somebody listens there. */
int fcgi_connect(const char *path);

/* The same to a port of 127.0.0.1. */
int fcgi_connect_tcp(int port);

/* Starts request 1 with these parameters ("NAME=value", NULL at the end); no body yet. */
void fcgi_begin(int fd, const char *const *parameters);

/* A piece of the body; len 0 ends it. False when the server takes no more. */
bool fcgi_body(int fd, const void *data, size_t len);

struct fcgi_answer {
    int status;         /* 0: no head came */
    struct strbuf head; /* with its Status, CRLF after each line */
    struct strbuf body;
    bool ended; /* with END_REQUEST, not by a broken connection */
};

/* Reads until the end and closes fd. */
void fcgi_finish(int fd, struct fcgi_answer *answer);
void fcgi_answer_release(struct fcgi_answer *answer);

/* A whole request: method, address and a body (NULL: none), and its answer. */
void fcgi_ask(const char *path, const char *method, const char *uri, const char *body,
              struct fcgi_answer *answer);

#endif
