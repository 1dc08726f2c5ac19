/* blob/s3: what MEDIA_URL may say, signatures against Amazon's own example, answers. */
#include "blob/s3.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

static struct err err;

/* --- MEDIA_URL -------------------------------------------------------------------- */

START_TEST(a_url_names_bucket_prefix_endpoint_and_region)
{
    static const struct {
        const char *url, *origin, *host, *bucket, *prefix, *region;
    } rows[] = {
        {"s3://media", "https://s3.us-east-1.amazonaws.com", "s3.us-east-1.amazonaws.com",
         "media", "", "us-east-1"},
        {"s3://media/?region=eu-north-1", "https://s3.eu-north-1.amazonaws.com",
         "s3.eu-north-1.amazonaws.com", "media", "", "eu-north-1"},
        {"s3://my.media/a/b_c/?endpoint=https://Objects.Example.org:9000&region=x",
         "https://objects.example.org:9000", "objects.example.org:9000", "my.media",
         "a/b_c/", "x"},
        {"s3://media/a?endpoint=https%3A%2F%2Fobjects.example.org%3A443%2F",
         "https://objects.example.org", "objects.example.org", "media", "a/",
         "us-east-1"},
        {"s3://media?endpoint=http://127.0.0.1:9000", "http://127.0.0.1:9000",
         "127.0.0.1:9000", "media", "", "us-east-1"},
        {"s3://media?endpoint=http://minio:9000&insecure=yes", "http://minio:9000",
         "minio:9000", "media", "", "us-east-1"},
        {"s3://media?endpoint=http://[::1]:80", "http://[::1]", "[::1]", "media", "",
         "us-east-1"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct s3_place p;

        ck_assert_msg(s3_place_parse(rows[i].url, &p, &err) == RC_OK, "row %zu: %s", i,
                      err.msg);
        ck_assert_str_eq(p.origin, rows[i].origin);
        ck_assert_str_eq(p.host, rows[i].host);
        ck_assert_str_eq(p.bucket, rows[i].bucket);
        ck_assert_str_eq(p.prefix, rows[i].prefix);
        ck_assert_str_eq(p.region, rows[i].region);
    }
}
END_TEST

START_TEST(what_is_no_such_url_is_refused_with_the_key_that_is_wrong)
{
    static const char *const rows[] = {
        "s3://",
        "s3://ab",
        "s3://Media",
        "s3://me..dia",
        "s3://.media",
        "s3://me dia",
        "s3://media/a//b",
        "s3://media/../b",
        "s3://media/a%2fb",
        "s3://media/a b",
        "s3://media?",
        "s3://media?endpoint",
        "s3://media?endpoint=",
        "s3://media?endpoint=ftp://host",
        "s3://media?endpoint=https://host/path",
        "s3://media?endpoint=https://host?a=b",
        "s3://media?endpoint=https://user:secret@host",
        "s3://media?endpoint=http://objects.example.org",
        "s3://media?endpoint=http://localhost.example.org",
        "s3://media?endpoint=http://minio:9000&insecure=no",
        "s3://media?region=",
        "s3://media?region=a%2fb",
        "s3://media?access_key=x",
        "s3://media?endpoint=%zz",
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct s3_place p;

        ck_assert_msg(s3_place_parse(rows[i], &p, &err) == RC_INVALID, "%s", rows[i]);
        ck_assert_str_eq(err.field, "MEDIA_URL");
        ck_assert_ptr_null(strstr(err.msg, "secret"));
    }
}
END_TEST

START_TEST(a_store_without_keys_is_not_opened)
{
    struct blob_settings s = {.url = "s3://media"};
    struct blob_store *store = NULL;

    ck_assert_int_eq(blob_store_open(&s, &store, &err), RC_INVALID);
    ck_assert_str_eq(err.field, "MEDIA_S3_ACCESS_KEY");
    s.access_key = "key";
    ck_assert_int_eq(blob_settings_check(&s, &err), RC_INVALID);
    ck_assert_str_eq(err.field, "MEDIA_S3_SECRET_KEY");
    s.secret_key = "secret";
    ck_assert_int_eq(blob_settings_check(&s, &err), RC_OK);
    ck_assert_ptr_null(store);
}
END_TEST

/* --- signatures --------------------------------------------------------------------- */

/* The example of Amazon's "Authenticating Requests: Using Query Parameters". */
START_TEST(an_address_is_signed_as_amazon_shows_it)
{
    const struct s3_signing s = {.access_key = "AKIAIOSFODNN7EXAMPLE",
                                 .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                 .region = "us-east-1",
                                 .host = "examplebucket.s3.amazonaws.com",
                                 .method = "GET",
                                 .path = "/test.txt",
                                 .now_ms = INT64_C(1369353600000),
                                 .expires_s = 86400};
    struct strbuf query;

    strbuf_init(&query, 4096);
    strbuf_addstr(&query, "what stands before?");
    s3_sign(&s, &query);
    ck_assert_str_eq(
        query.buf,
        "what stands before?"
        "X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_"
        "request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    strbuf_release(&query);
}
END_TEST

START_TEST(parameters_stand_in_order_and_escaped)
{
    static const struct s3_param params[] = {
        {"uploadId", "a/b+c=d e~"}, {"partNumber", "7"}, {"list-type", ""}};
    const struct s3_signing s = {.access_key = "k",
                                 .secret_key = "s",
                                 .region = "r",
                                 .host = "h",
                                 .method = "PUT",
                                 .path = "/b/k",
                                 .params = params,
                                 .n_params = ARRAY_LEN(params),
                                 .expires_s = 1};
    struct strbuf query;

    strbuf_init(&query, 4096);
    s3_sign(&s, &query);
    ck_assert_ptr_nonnull(strstr(query.buf,
                                 "SignedHeaders=host&list-type=&partNumber=7&uploadId="
                                 "a%2Fb%2Bc%3Dd%20e~&X-Amz-Signature="));
    strbuf_release(&query);
}
END_TEST

static struct blob_store *store_at(const char *url)
{
    struct blob_store *store = NULL;

    ck_assert_int_eq(blob_store_open(&(struct blob_settings){.url = url,
                                                             .access_key = "key/with+all",
                                                             .secret_key = "secret"},
                                     &store, &err),
                     RC_OK);
    return store;
}

START_TEST(addresses_come_from_keys_alone_and_hold_no_secret)
{
    struct blob_store *store =
        store_at("s3://media/some/where?endpoint=https://objects.example.org");
    char link[BLOB_LINK_SIZE];
    char head[BLOB_LINK_SIZE];

    blob_link(store, "abcdefghijklmnopqrstuvwxyz", BLOB_CONTENT, "GET", link);
    ck_assert_ptr_eq(strstr(link, "https://objects.example.org/media/some/where/ab/"
                                  "abcdefghijklmnopqrstuvwxyz?X-Amz-Algorithm="),
                     link);
    ck_assert_ptr_nonnull(strstr(link, "&X-Amz-Expires=300&"));
    ck_assert_ptr_null(strstr(link, "secret"));
    blob_link(store, "abcdefghijklmnopqrstuvwxyz", BLOB_CONTENT, "HEAD", head);
    ck_assert_str_ne(link, head);
    blob_accel(store, "abcdefghijklmnopqrstuvwxyz", BLOB_STRIP, "GET", link);
    ck_assert_ptr_eq(strstr(link, "/_s3/media/some/where/ab/"
                                  "abcdefghijklmnopqrstuvwxyz.strip.jpg?X-Amz-"),
                     link);
    blob_avatar_accel(store, 42, "GET", link);
    ck_assert_ptr_eq(strstr(link, "/_s3/media/some/where/avatar/42.jpg?X-Amz-"), link);
    blob_store_close(store);
}
END_TEST

START_TEST(the_longest_address_has_room)
{
    char url[1024];
    char access[129];
    char link[BLOB_LINK_SIZE];
    struct blob_store *store = NULL;

    (void)snprintf(url, sizeof(url), "s3://%063d/%0198d?endpoint=https://%0240d:65535", 1,
                   1, 1);
    (void)snprintf(url + 5, 2, "a"); /* an address of digits would be one of a machine */
    url[6] = '0';
    (void)memset(access, '/', sizeof(access) - 1);
    access[sizeof(access) - 1] = '\0';
    if (blob_store_open(&(struct blob_settings){.url = url,
                                                .access_key = access,
                                                .secret_key = "secret"},
                        &store, &err) == RC_OK)
        blob_link(store, "abcdefghijklmnopqrstuvwxyz", BLOB_RENDITION, "HEAD", link);
    blob_store_close(store);
}
END_TEST

/* --- answers ------------------------------------------------------------------- */

START_TEST(xml_is_read_as_far_as_it_goes)
{
    static const char xml[] = "<A><Key>one</Key><Key>two</Key><Key>three";
    const char *at = xml;
    const char *text;
    size_t len;
    char out[4];

    ck_assert(s3_xml_next(&at, "Key", &text, &len));
    ck_assert(len == 3 && memcmp(text, "one", 3) == 0);
    ck_assert(s3_xml_next(&at, "Key", &text, &len));
    ck_assert(len == 3 && memcmp(text, "two", 3) == 0);
    ck_assert(!s3_xml_next(&at, "Key", &text, &len));
    ck_assert(s3_xml_text(xml, "Key", out, sizeof(out)));
    ck_assert_str_eq(out, "one");
    ck_assert(!s3_xml_text(xml, "Key", out, 3));
    ck_assert(!s3_xml_text(xml, "Other", out, sizeof(out)));
}
END_TEST

START_TEST(an_error_says_what_to_do)
{
    static const struct {
        int status;
        const char *code;
        enum rc rc;
        const char *ours, *says;
    } rows[] = {
        {200, "", RC_OK, "", ""},
        {206, "", RC_OK, "", ""},
        {404, "NoSuchKey", RC_NOT_FOUND, "no_such_file", ""},
        {404, "", RC_NOT_FOUND, "no_such_file", ""},
        {404, "NoSuchUpload", RC_NOT_FOUND, "no_such_file", ""},
        {404, "NoSuchBucket", RC_UNAVAILABLE, "media_store_failed", "bucket"},
        {403, "SignatureDoesNotMatch", RC_UNAVAILABLE, "media_store_failed",
         "MEDIA_S3_SECRET_KEY"},
        {401, "", RC_UNAVAILABLE, "media_store_failed", "MEDIA_S3_ACCESS_KEY"},
        {403, "RequestTimeTooSkewed", RC_UNAVAILABLE, "media_store_failed", "clock"},
        {301, "PermanentRedirect", RC_UNAVAILABLE, "media_store_failed", "region"},
        {507, "", RC_UNAVAILABLE, "disk_full", "full"},
        {403, "QuotaExceeded", RC_UNAVAILABLE, "disk_full", "full"},
        {503, "SlowDown", RC_UNAVAILABLE, "media_store_failed", "again"},
        {500, "", RC_UNAVAILABLE, "media_store_failed", "again"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err = (struct err){.rc = RC_OK};
        ck_assert_msg(s3_judge(rows[i].status, rows[i].code, &err) == rows[i].rc,
                      "row %zu", i);
        ck_assert_str_eq(err.code, rows[i].ours);
        ck_assert_msg(strstr(err.msg, rows[i].says) != NULL, "row %zu: %s", i, err.msg);
    }
    ck_assert_int_eq(blob_link_answer(404, &err), RC_NOT_FOUND);
    ck_assert_int_eq(blob_link_answer(206, &err), RC_OK);
}
END_TEST

START_TEST(a_store_that_is_away_is_said_to_be)
{
    struct blob_store *store = store_at("s3://media?endpoint=http://127.0.0.1:1");

    ck_assert_int_eq(blob_check(store, &err), RC_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(err.msg, "endpoint"));
    blob_store_close(store);
}
END_TEST

UNIT_MAIN("blob_s3", a_url_names_bucket_prefix_endpoint_and_region,
          what_is_no_such_url_is_refused_with_the_key_that_is_wrong,
          a_store_without_keys_is_not_opened, an_address_is_signed_as_amazon_shows_it,
          parameters_stand_in_order_and_escaped,
          addresses_come_from_keys_alone_and_hold_no_secret, the_longest_address_has_room,
          xml_is_read_as_far_as_it_goes, an_error_says_what_to_do,
          a_store_that_is_away_is_said_to_be)
