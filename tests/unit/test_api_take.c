/* api/uploads/take: a body becomes bytes of a blob, from a file or from a connection, and
 * what is damaged or broken off leaves no more than it may. */
#include "api/uploads/take.h"
#include "core/fault.h"
#include "core/io.h"
#include "core/random.h"
#include "crypto/digest.h"
#include "scratch.h"
#include "unit.h"
#include "web/stream.h"

#include <fcgiapp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char root[SCRATCH_SIZE];
static char incoming[80];
static struct blob_store *store;
static struct blob_writer *writer;
static char key[BLOB_KEY_SIZE];
static struct err err;

/* A body of some pieces, each read at once, and how the connection ends after them. */
static struct {
    const char *bytes;
    size_t len, piece, at;
    int error;
} body;

static void give_next(struct FCGX_Stream *s)
{
    size_t left = body.len - body.at;
    size_t n = left < body.piece ? left : body.piece;

    if (n == 0) {
        s->isClosed = 1;
        s->FCGI_errno = body.error;
        return;
    }
    /* libfcgi reads only, but its pointers are older than const */
    s->rdNext = (unsigned char *)(uintptr_t)(body.bytes + body.at);
    s->stop = s->rdNext + n;
    s->stopUnget = s->rdNext;
    body.at += n;
}

static struct FCGX_Stream in;
static struct web_stream stream;
static struct web_request request;

/* The request whose body is the len bytes of which arrived come; file is nginx's name for
 * it, or NULL when it comes over the connection. */
static void ask(const char *bytes, size_t len, size_t arrived, const char *file)
{
    static char length[48];
    static char body_file[256];
    static const char *parameters[] = {"REQUEST_METHOD=PATCH", "REQUEST_URI=/", length,
                                       body_file, NULL};

    (void)snprintf(length, sizeof(length), "CONTENT_LENGTH=%zu", len);
    (void)snprintf(body_file, sizeof(body_file), "REQUEST_BODY_FILE=%s",
                   file != NULL ? file : "");
    body.bytes = bytes;
    body.len = arrived;
    body.piece = 7;
    body.at = 0;
    body.error = 0;
    in = (struct FCGX_Stream){.isReader = 1, .fillBuffProc = give_next};
    stream = (struct web_stream){.parameters = parameters, .in = &in};
    ck_assert_int_eq(web_request_open(&request, &stream), 0);
}

static void setup(void)
{
    char url[96];

    scratch_make(root);
    (void)snprintf(url, sizeof(url), "file://%s/media", root);
    (void)snprintf(incoming, sizeof(incoming), "%s/incoming", root);
    ck_assert_int_eq(blob_store_open(&(struct blob_settings){.url = url}, &store, &err),
                     RC_OK);
    ck_assert_int_eq(io_make_dirs(incoming, &err), RC_OK);
    blob_key_make(random_system(), key);
    ck_assert_int_eq(blob_create(store, key, 100, &err), RC_OK);
    ck_assert_int_eq(blob_append_begin(store, key, 0, &writer, &err), RC_OK);
    ck_assert_int_eq(blob_writer_start(writer, 0, &err), RC_OK);
    ck_assert_int_eq(blob_writer_add(writer, "before|", 7, &err), RC_OK);
    ck_assert_int_eq(blob_writer_start(writer, 7, &err), RC_OK);
}

static void teardown(void)
{
    blob_writer_close(writer);
    blob_store_close(store);
    scratch_remove(root);
}

static void blob_holds(const char *want)
{
    char buf[128] = "";
    int fd = -1;
    int64_t size = 0;
    size_t got = 0;

    ck_assert_int_eq(blob_open(store, key, BLOB_CONTENT, &fd, &size, &err), RC_OK);
    ck_assert_int_eq(io_pread_full(fd, buf, sizeof(buf) - 1, 0, &got, &err), RC_OK);
    io_close(&fd);
    ck_assert_str_eq(buf, want);
    ck_assert_int_eq(size, (int64_t)strlen(want));
}

static const char *file_of(const char *text)
{
    static char path[160];

    (void)snprintf(path, sizeof(path), "%s/0000000001", incoming);
    ck_assert_int_eq(io_create_file(path, 0600, text, strlen(text), &err), RC_OK);
    return path;
}

static enum rc take(const char *sum_of, int64_t *taken)
{
    static unsigned char sum[DIGEST_SHA256_SIZE];
    const struct take t = {.web = &request,
                           .incoming = incoming,
                           .len = request.content_length,
                           .sum = sum_of != NULL ? sum : NULL};

    if (sum_of != NULL)
        digest_sha256(sum_of, strlen(sum_of), sum);
    return take_body(&t, writer, taken, &err);
}

static const char text[] = "a body that is longer than one piece";

enum { TEXT_LEN = sizeof(text) - 1 };

START_TEST(a_body_is_appended_from_a_file_or_from_the_connection)
{
    static const struct {
        bool file, checked;
    } rows[] = {{false, false}, {false, true}, {true, false}, {true, true}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t taken = -1;

        ask(text, TEXT_LEN, rows[i].file ? 0 : TEXT_LEN,
            rows[i].file ? file_of(text) : NULL);
        ck_assert_int_eq(blob_writer_start(writer, 7, &err), RC_OK);
        ck_assert_msg(take(rows[i].checked ? text : NULL, &taken) == RC_OK, "row %zu: %s",
                      i, err.msg);
        ck_assert_int_eq(taken, TEXT_LEN);
        blob_holds("before|a body that is longer than one piece");
        if (rows[i].file)
            ck_assert_int_eq(unlink(web_body_file(&request)), 0);
    }
}
END_TEST

START_TEST(damaged_bytes_leave_nothing)
{
    static const bool from_file[] = {false, true};

    for (size_t i = 0; i < ARRAY_LEN(from_file); i++) {
        int64_t taken = -1;

        ask(text, TEXT_LEN, TEXT_LEN, from_file[i] ? file_of(text) : NULL);
        ck_assert_int_eq(take("another body", &taken), RC_INVALID);
        ck_assert_str_eq(err.code, "checksum_mismatch");
        ck_assert_int_eq(taken, -1);
        blob_holds("before|");
    }
}
END_TEST

START_TEST(what_arrived_before_the_connection_broke_counts)
{
    int64_t taken = -1;

    ask(text, TEXT_LEN, 10, NULL);
    ck_assert_int_eq(take(NULL, &taken), RC_OK);
    ck_assert_int_eq(taken, 10);
    blob_holds("before|a body tha");
}
END_TEST

START_TEST(a_connection_that_broke_with_an_error_is_the_same)
{
    int64_t taken = -1;

    ask(text, TEXT_LEN, 10, NULL);
    body.error = -2;
    ck_assert_int_eq(take(NULL, &taken), RC_OK);
    ck_assert_int_eq(taken, 10);
}
END_TEST

START_TEST(part_of_a_body_with_a_checksum_counts_for_nothing)
{
    int64_t taken = -1;

    ask(text, TEXT_LEN, 10, NULL);
    ck_assert_int_eq(take(text, &taken), RC_INVALID);
    ck_assert_str_eq(err.code, "body_cut_short");
    ck_assert_int_eq(taken, -1);
    blob_holds("before|");
}
END_TEST

START_TEST(a_body_of_which_nothing_arrived_is_a_failure)
{
    int64_t taken = -1;

    ask(text, TEXT_LEN, 0, NULL);
    ck_assert_int_eq(take(NULL, &taken), RC_INVALID);
    ck_assert_str_eq(err.code, "body_cut_short");
    ck_assert_int_eq(taken, -1);
    blob_holds("before|");
}
END_TEST

START_TEST(a_file_of_another_length_is_refused)
{
    int64_t taken = -1;

    ask(text, TEXT_LEN + 1, 0, file_of(text));
    ck_assert_int_eq(take(NULL, &taken), RC_INVALID);
    ck_assert_str_eq(err.code, "body_cut_short");
    blob_holds("before|");
}
END_TEST

START_TEST(a_file_from_elsewhere_is_refused)
{
    int64_t taken = -1;

    ask(text, TEXT_LEN, 0, "/etc/hostname");
    ck_assert_int_eq(take(NULL, &taken), RC_BUG);
    ck_assert_str_eq(err.code, "bad_body_file");
    blob_holds("before|");
}
END_TEST

START_TEST(a_file_is_refused_where_none_is_expected)
{
    const struct take t = {.web = &request, .incoming = NULL, .len = TEXT_LEN};
    int64_t taken = -1;

    ask(text, TEXT_LEN, TEXT_LEN, file_of(text));
    ck_assert_int_eq(take_body(&t, writer, &taken, &err), RC_BUG);
    ck_assert_str_eq(err.code, "bad_body_file");
    blob_holds("before|");
}
END_TEST

static void disk_fills(void)
{
    ck_assert_int_eq(setenv("TTS_FAULT", "blob.disk_full:error", 1), 0);
    fault_reload();
}

START_TEST(a_full_disk_leaves_nothing)
{
    static const bool from_file[] = {false, true};

    for (size_t i = 0; i < ARRAY_LEN(from_file); i++) {
        int64_t taken = -1;

        ask(text, TEXT_LEN, TEXT_LEN, from_file[i] ? file_of(text) : NULL);
        disk_fills();
        ck_assert_int_eq(take(NULL, &taken), RC_UNAVAILABLE);
        ck_assert_str_eq(err.code, "disk_full");
        ck_assert_int_eq(taken, -1);
        blob_holds("before|");
    }
}
END_TEST

/* However large the body is, it is read in pieces of one size. */
START_TEST(a_large_body_is_taken_whole)
{
    enum { LARGE = 300000 };
    char *bytes = calloc(1, LARGE + 1);
    unsigned char sum[DIGEST_SHA256_SIZE];
    int64_t taken = -1;
    int64_t size = 0;
    int fd = -1;
    struct take t = {.web = &request, .len = LARGE, .sum = sum};

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)('a' + i % 26);
    digest_sha256(bytes, LARGE, sum);
    ask(bytes, LARGE, LARGE, NULL);
    body.piece = 65521;
    ck_assert_int_eq(take_body(&t, writer, &taken, &err), RC_OK);
    ck_assert_int_eq(taken, LARGE);
    ck_assert_int_eq(blob_open(store, key, BLOB_CONTENT, &fd, &size, &err), RC_OK);
    ck_assert_int_eq(size, LARGE + 7);
    io_close(&fd);
    free(bytes);
}
END_TEST

UNIT_MAIN_FIXTURE("api_take", setup, teardown,
                  a_body_is_appended_from_a_file_or_from_the_connection,
                  damaged_bytes_leave_nothing,
                  what_arrived_before_the_connection_broke_counts,
                  a_connection_that_broke_with_an_error_is_the_same,
                  part_of_a_body_with_a_checksum_counts_for_nothing,
                  a_body_of_which_nothing_arrived_is_a_failure,
                  a_file_of_another_length_is_refused, a_file_from_elsewhere_is_refused,
                  a_file_is_refused_where_none_is_expected, a_full_disk_leaves_nothing,
                  a_large_body_is_taken_whole)
