/* api/uploads/tus: the header fields of tus 1.0.0. */
#include "api/uploads/tus.h"
#include "unit.h"

#include <string.h>

static struct err err;

START_TEST(lengths_from_one_byte_to_four_gigabytes)
{
    static const struct {
        const char *text, *code; /* NULL: fine */
    } rows[] = {
        {"1", NULL},
        {"4000000000", NULL},
        {"4000000001", "too_large"},
        {"9223372036854775807", "too_large"},
        {"9223372036854775808", "bad_upload_length"},
        {"0", "bad_upload_length"},
        {"-1", "bad_upload_length"},
        {"+1", "bad_upload_length"},
        {"1 ", "bad_upload_length"},
        {"1e3", "bad_upload_length"},
        {"", "bad_upload_length"},
        {NULL, "bad_upload_length"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t n = -7;
        enum rc rc = tus_read_length(rows[i].text, &n, &err);

        ck_assert_msg((rc == RC_OK) == (rows[i].code == NULL), "row %zu", i);
        if (rc != RC_OK)
            ck_assert_str_eq(err.code, rows[i].code);
        ck_assert_msg((n == -7) == (rc != RC_OK), "row %zu", i);
    }
}
END_TEST

START_TEST(offsets_are_plain_numbers)
{
    static const char *const bad[] = {"",    "-1", "0x1",
                                      "1.0", " 1", "99999999999999999999"};
    int64_t n = -7;

    ck_assert_int_eq(tus_read_offset("0", &n, &err), RC_OK);
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(tus_read_offset(NULL, &n, &err), RC_INVALID);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_msg(tus_read_offset(bad[i], &n, &err) == RC_INVALID, "row %zu", i);
        ck_assert_str_eq(err.code, "bad_upload_offset");
    }
}
END_TEST

START_TEST(metadata_holds_a_name_and_a_type)
{
    static const struct {
        const char *text, *filename;
    } rows[] = {
        {"filename Y2xpcC5tcDQ=,filetype dmlkZW8vbXA0", "clip.mp4"},
        {"filetype dmlkZW8vbXA0,filename Y2xpcC5tcDQ=", "clip.mp4"},
        {"filename Y2xpcC5tcDQ=, filetype dmlkZW8vbXA0,is_confidential", "clip.mp4"},
        /* C:\fakepath\clip.mp4 and ../../etc/clip.mp4 */
        {"filename Qzpcd mFrZXBhdGhcY2xpcC5tcDQ=,filetype dmlkZW8vbXA0", NULL},
        {"filename QzpcZmFrZXBhdGhcY2xpcC5tcDQ=,filetype dmlkZW8vbXA0", "clip.mp4"},
        {"filename Li4vLi4vZXRjL2NsaXAubXA0,filetype dmlkZW8vbXA0", "clip.mp4"},
        {"", NULL},
        {",", NULL},
        {"filename,filetype", NULL},
        {"filename Y2xpcC5tcDQ=", NULL},
        {"filetype dmlkZW8vbXA0", NULL},
        {"filename Y2xpcC5tcDQ,filetype dmlkZW8vbXA0", NULL},
        {"filename !,filetype dmlkZW8vbXA0", NULL},
        {"filename AA==,filetype dmlkZW8vbXA0", NULL},  /* NUL */
        {"filename YQpi,filetype dmlkZW8vbXA0", "a_b"}, /* a newline */
        {"filename /w==,filetype dmlkZW8vbXA0", NULL},  /* not UTF-8 */
        {"filename Li4v,filetype dmlkZW8vbXA0", NULL},  /* "../" */
        {NULL, NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tus_metadata m = {0};
        enum rc rc = tus_read_metadata(rows[i].text, &m, &err);

        ck_assert_msg((rc == RC_OK) == (rows[i].filename != NULL), "row %zu", i);
        if (rc == RC_OK) {
            ck_assert_str_eq(m.filename, rows[i].filename);
            ck_assert_str_eq(m.filetype, "video/mp4");
        } else {
            ck_assert_str_eq(err.code, "bad_upload_metadata");
            ck_assert_str_eq(m.filename, "");
        }
    }
}
END_TEST

START_TEST(a_type_that_nothing_can_be_made_of_is_refused_before_the_upload)
{
    struct tus_metadata m;

    /* image/png, image/tiff, image/heic, text/html */
    ck_assert_int_eq(
        tus_read_metadata("filename YS5wbmc=,filetype aW1hZ2UvcG5n", &m, &err), RC_OK);
    ck_assert_int_eq(
        tus_read_metadata("filename YS5wbmc=,filetype aW1hZ2UvdGlmZg==", &m, &err),
        RC_INVALID);
    ck_assert_str_eq(err.code, "unsupported_file_type");
    ck_assert_int_eq(
        tus_read_metadata("filename YS5wbmc=,filetype aW1hZ2UvaGVpYw==", &m, &err),
        RC_INVALID);
    ck_assert_str_eq(err.code, "unsupported_file_type");
    ck_assert_ptr_nonnull(strstr(err.msg, "Most Compatible"));
    ck_assert_int_eq(
        tus_read_metadata("filename YS5wbmc=,filetype dGV4dC9odG1s", &m, &err),
        RC_INVALID);
    ck_assert_str_eq(err.code, "unsupported_file_type");
}
END_TEST

START_TEST(metadata_that_is_too_long_is_refused)
{
    char text[TUS_METADATA_MAX + 64] = "filename Y2xpcC5tcDQ=,filetype dmlkZW8vbXA0,k ";
    struct tus_metadata m;
    size_t len = strlen(text);

    (void)memset(text + len, 'A', TUS_METADATA_MAX + 4 - len);
    ck_assert_int_eq(tus_read_metadata(text, &m, &err), RC_INVALID);
}
END_TEST

START_TEST(checksums_are_sha256_only)
{
    static const char *const bad[] = {
        "",
        "sha256",
        "sha256 ",
        "sha256 AAAA",
        "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
        "sha256  47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
        "sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFVBQUFBQUFB",
        "SHA256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    };
    unsigned char sum[TUS_SHA256_SIZE] = {0};

    ck_assert_int_eq(
        tus_read_checksum("sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", sum,
                          &err),
        RC_OK);
    ck_assert_uint_eq(sum[0], 0xe3);
    ck_assert_uint_eq(sum[31], 0x55);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_msg(tus_read_checksum(bad[i], sum, &err) == RC_INVALID, "row %zu", i);
        ck_assert_str_eq(err.code, "bad_checksum_header");
    }
}
END_TEST

START_TEST(what_is_written_can_be_read)
{
    struct tus_metadata m;
    struct strbuf sb;
    char date[TUS_DATE_SIZE];

    strbuf_init(&sb, 4096);
    tus_write_metadata(&sb,
                       "\xc3\x9c"
                       "bung.mov",
                       "video/quicktime");
    ck_assert_int_eq(tus_read_metadata(sb.buf, &m, &err), RC_OK);
    ck_assert_str_eq(m.filename, "\xc3\x9c"
                                 "bung.mov");
    ck_assert_str_eq(m.filetype, "video/quicktime");
    strbuf_release(&sb);
    tus_write_date(INT64_C(784111777000), date);
    ck_assert_str_eq(date, "Sun, 06 Nov 1994 08:49:37 GMT");
}
END_TEST

UNIT_MAIN("api_tus", lengths_from_one_byte_to_four_gigabytes, offsets_are_plain_numbers,
          metadata_holds_a_name_and_a_type,
          a_type_that_nothing_can_be_made_of_is_refused_before_the_upload,
          metadata_that_is_too_long_is_refused, checksums_are_sha256_only,
          what_is_written_can_be_read)
