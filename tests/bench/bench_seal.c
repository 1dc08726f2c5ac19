/* bench_seal - rows of account_token for accounts that never saw the page of consent.
 *
 *     bench_seal KEY_FILE < "ACCOUNT WORKSPACE ACCESS REFRESH" lines > SQL
 *
 * Measurements with hundreds of accounts get their tokens from the simulator's
 * /sandbox/permits; what the publisher reads must be sealed under its key. */
#include "core/encode.h"
#include "core/parse.h"
#include "core/strbuf.h"
#include "crypto/keys.h"
#include "crypto/seal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SIZE = 1024, BLOB_LIMIT = 2048 };

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_seal: %s\n", what);
    exit(EXIT_FAILURE);
}

static void print_sealed(const struct key_ring *ring, const char *column,
                         const int64_t ids[2], const char *token)
{
    const struct seal_place at = {.purpose = "tiktok-token",
                                  .table = "account_token",
                                  .column = column,
                                  .row = (uint64_t)ids[0],
                                  .workspace = (uint64_t)ids[1]};
    char hex[2 * BLOB_LIMIT + 1];
    struct strbuf blob;
    struct err err;

    strbuf_init(&blob, BLOB_LIMIT);
    if (seal_close(ring, &at, token, strlen(token), &blob, &err) != RC_OK)
        die(err.msg);
    hex_encode(blob.buf, blob.len, hex);
    (void)printf("X'%s'", hex);
    strbuf_release(&blob);
}

static void print_row(const struct key_ring *ring, char *line)
{
    char *rest = NULL;
    int64_t ids[2] = {0};
    const char *access;
    const char *refresh;

    for (int i = 0; i < 2; i++) {
        const char *word = strtok_r(i == 0 ? line : NULL, " \n", &rest);

        if (word == NULL || !parse_i64(word, 1, INT64_MAX, &ids[i]))
            die("a line without two ids");
    }
    access = strtok_r(NULL, " \n", &rest);
    refresh = strtok_r(NULL, " \n", &rest);
    if (access == NULL || refresh == NULL)
        die("a line without two tokens");
    (void)printf("INSERT INTO account_token (account_id, workspace_id, access_tok,"
                 " access_exp, refresh_tok, refresh_exp, updated_at) VALUES (%" PRId64
                 ", %" PRId64 ", ",
                 ids[0], ids[1]);
    print_sealed(ring, "access_tok", ids, access);
    (void)printf(", (UNIX_TIMESTAMP() + 80000) * 1000, ");
    print_sealed(ring, "refresh_tok", ids, refresh);
    (void)printf(", (UNIX_TIMESTAMP() + 30000000) * 1000, 1);\n");
}

int main(int argc, char **argv)
{
    struct key_ring *ring = NULL;
    struct err err;
    char line[LINE_SIZE];

    if (argc != 2)
        die("usage: bench_seal KEY_FILE");
    if (key_ring_load(argv[1], &ring, &err) != RC_OK)
        die(err.msg);
    while (fgets(line, sizeof(line), stdin) != NULL)
        print_row(ring, line);
    key_ring_free(ring);
    return EXIT_SUCCESS;
}
