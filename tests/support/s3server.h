/* s3server.h - a real S3-compatible server for a test: tests/harness/s3server.py. */
#ifndef TESTS_S3SERVER_H
#define TESTS_S3SERVER_H

#include <sys/types.h>

#define S3_SERVER_ACCESS "test:tester"
#define S3_SERVER_SECRET "testing"

struct s3_server {
    pid_t pid;
    int port;
    int in;       /* its standard input: it ends with us */
    char dir[64]; /* what it stores */
};

/* Starts it and waits until it answers; the bucket "media" is there. Ends the program
 * when it cannot be started. */
void s3_server_start(struct s3_server *s);
void s3_server_stop(struct s3_server *s);

#endif
