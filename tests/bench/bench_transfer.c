/* bench_transfer - one file there or back over one connection, as fast as it goes.
 *
 *     bench_transfer put URL BYTES CHUNK [HEADER...]   PATCHes BYTES in chunks, each with
 *                                                      its Upload-Offset, as tus does
 *     bench_transfer get URL TIMES [HEADER...]         GETs URL and forgets what comes
 *
 * Prints the seconds that it took and the bytes that were moved. The same program
 * measures ours and the floor, so its own cost is in both. */
#include "core/parse.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BUFFER = 512 * 1024, BLOCK = 1 << 20, HEADER_SIZE = 64 };

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_transfer: %s\n", what);
    exit(EXIT_FAILURE);
}

static double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t forget(char *data, size_t size, size_t n, void *arg)
{
    int64_t *got = arg;

    (void)data;
    *got += (int64_t)(size * n);
    return size * n;
}

static size_t give(char *out, size_t size, size_t n, void *arg)
{
    static char block[BLOCK];
    int64_t *left = arg;
    size_t room = size * n < BLOCK ? size * n : BLOCK;

    if (block[0] == '\0') { /* no zeros: a file system may leave them out */
        for (size_t i = 0; i < BLOCK; i++)
            block[i] = (char)(i * 31 % 251 + 1);
    }
    if ((int64_t)room > *left)
        room = (size_t)*left;
    (void)memcpy(out, block, room);
    *left -= (int64_t)room;
    return room;
}

static void set(CURLcode code)
{
    if (code != CURLE_OK)
        die(curl_easy_strerror(code));
}

static CURL *client(const char *url)
{
    CURL *e = curl_easy_init();

    if (e == NULL)
        die("out of memory");
    set(curl_easy_setopt(e, CURLOPT_URL, url));
    set(curl_easy_setopt(e, CURLOPT_PROXY, ""));
    set(curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, forget));
    set(curl_easy_setopt(e, CURLOPT_BUFFERSIZE, (long)BUFFER));
    set(curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER));
    return e;
}

static struct curl_slist *headers(char **argv, int argc, struct curl_slist *list)
{
    for (int i = 0; i < argc; i++)
        list = curl_slist_append(list, argv[i]);
    return list;
}

static void perform(CURL *e, long wanted)
{
    long status = 0;
    char what[64];

    set(curl_easy_perform(e));
    set(curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status));
    if (status == wanted)
        return;
    (void)snprintf(what, sizeof(what), "status %ld", status);
    die(what);
}

static int64_t upload(CURL *e, int64_t bytes, int64_t chunk, char **argv, int argc)
{
    char offset[HEADER_SIZE];
    int64_t answers = 0;

    set(curl_easy_setopt(e, CURLOPT_UPLOAD, 1L));
    set(curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, "PATCH"));
    set(curl_easy_setopt(e, CURLOPT_READFUNCTION, give));
    set(curl_easy_setopt(e, CURLOPT_WRITEDATA, &answers));
    for (int64_t at = 0; at < bytes; at += chunk) {
        int64_t left = bytes - at < chunk ? bytes - at : chunk;
        struct curl_slist *list = NULL;

        (void)snprintf(offset, sizeof(offset), "Upload-Offset: %" PRId64, at);
        list = headers(argv, argc, curl_slist_append(list, offset));
        list = curl_slist_append(list, "Tus-Resumable: 1.0.0");
        list = curl_slist_append(list, "Content-Type: application/offset+octet-stream");
        list = curl_slist_append(list, "Expect:");
        set(curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)left));
        set(curl_easy_setopt(e, CURLOPT_READDATA, &left));
        set(curl_easy_setopt(e, CURLOPT_HTTPHEADER, list));
        perform(e, 204);
        curl_slist_free_all(list);
    }
    return bytes;
}

static int64_t download(CURL *e, int64_t times, char **argv, int argc)
{
    struct curl_slist *list = headers(argv, argc, NULL);
    int64_t got = 0;

    set(curl_easy_setopt(e, CURLOPT_HTTPHEADER, list));
    set(curl_easy_setopt(e, CURLOPT_WRITEDATA, &got));
    for (int64_t i = 0; i < times; i++)
        perform(e, 200);
    curl_slist_free_all(list);
    return got;
}

int main(int argc, char **argv)
{
    bool put = argc >= 5 && strcmp(argv[1], "put") == 0;
    int64_t first = 0;
    int64_t chunk = 0;
    int64_t moved;
    double begin;
    CURL *e;

    if ((!put && (argc < 4 || strcmp(argv[1], "get") != 0)) ||
        !parse_i64(argv[3], 1, INT64_MAX, &first) ||
        (put && !parse_i64(argv[4], 1, INT64_MAX, &chunk)))
        die("usage: bench_transfer put URL BYTES CHUNK | get URL TIMES [HEADER...]");
    set(curl_global_init(CURL_GLOBAL_DEFAULT));
    e = client(argv[2]);
    begin = now_s();
    moved = put ? upload(e, first, chunk, argv + 5, argc - 5)
                : download(e, first, argv + 4, argc - 4);
    (void)printf("%.6f %" PRId64 "\n", now_s() - begin, moved);
    curl_easy_cleanup(e);
    curl_global_cleanup();
    return EXIT_SUCCESS;
}
