/* store/url.h - DATABASE_URL taken apart. */
#ifndef SRC_STORE_URL_H
#define SRC_STORE_URL_H

#include "core/err.h"

struct db_url {
    char *user;     /* "" when there is none */
    char *password; /* likewise; a secret */
    char *host;
    unsigned port; /* 0 with a socket */
    char *socket;  /* NULL: TCP */
    char *database;
    char *tls_ca; /* NULL: no TLS; else the authorities that may sign the server's name */
};

/* As db_new() says. RC_INVALID: not such a URL; the message never shows it. */
enum rc db_url_parse(const char *url, struct db_url *out, struct err *err) MUST_CHECK;

/* Frees the parts, the password overwritten first. A zeroed url is fine. */
void db_url_release(struct db_url *url);

#endif
