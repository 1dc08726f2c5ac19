/* Signature Version 4 in the query of a request.
 *
 * libcurl can sign as well (CURLOPT_AWS_SIGV4), but only headers of its own requests: an
 * address for nginx or for TikTok's transfer needs this, and one signer is better than
 * two. Besides, libcurl 7.88 of Debian 12 puts the query into its canonical form neither
 * sorted nor encoded. */
#include "core/encode.h"
#include "crypto/digest.h"
#include "crypto/hmac.h"
#include "s3.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { QUERY_MAX = 8192, OWN = 5, DATE_SIZE = 17, SCOPE_SIZE = 96 };

struct pairs {
    struct s3_param list[S3_PARAMS_MAX + OWN];
    size_t n;
};

/* Keeps them in order of their names, as the canonical form wants them. */
static void insert(struct pairs *p, const char *name, const char *value)
{
    size_t i = p->n++;

    for (; i > 0 && strcmp(p->list[i - 1].name, name) > 0; i--)
        p->list[i] = p->list[i - 1];
    p->list[i] = (struct s3_param){name, value};
}

static void add_pairs(const struct pairs *p, struct strbuf *out)
{
    for (size_t i = 0; i < p->n; i++) {
        if (i > 0)
            strbuf_addc(out, '&');
        percent_encode(out, p->list[i].name, strlen(p->list[i].name));
        strbuf_addc(out, '=');
        percent_encode(out, p->list[i].value, strlen(p->list[i].value));
    }
}

static void hmac(const void *key, size_t key_len, const char *text,
                 unsigned char out[HMAC_SIZE])
{
    const struct hmac_part part = {text, strlen(text)};

    hmac_sha256(key, key_len, &part, 1, out);
}

/* The key of the day, the region and the service, from the secret. */
static void derive_key(const struct s3_signing *s, const char *date,
                       unsigned char key[HMAC_SIZE])
{
    char day[9];
    struct strbuf first;

    (void)snprintf(day, sizeof(day), "%.8s", date);
    strbuf_init(&first, QUERY_MAX);
    strbuf_addf(&first, "AWS4%s", s->secret_key);
    hmac(first.buf, first.len, day, key);
    strbuf_wipe(&first);
    hmac(key, HMAC_SIZE, s->region, key);
    hmac(key, HMAC_SIZE, "s3", key);
    hmac(key, HMAC_SIZE, "aws4_request", key);
}

/* The canonical request's digest. */
static void digest_request(const struct s3_signing *s, const char *query,
                           char hex[DIGEST_SHA256_HEX_SIZE])
{
    struct strbuf text;

    strbuf_init(&text, QUERY_MAX);
    strbuf_addf(&text, "%s\n%s\n%s\nhost:%s\n\nhost\nUNSIGNED-PAYLOAD", s->method,
                s->path, query, s->host);
    assert(!strbuf_failed(&text));
    digest_sha256_hex(text.buf, text.len, hex);
    strbuf_release(&text);
}

static void add_signature(const struct s3_signing *s, const char *date, const char *scope,
                          size_t from, struct strbuf *query)
{
    unsigned char key[HMAC_SIZE];
    char digest[DIGEST_SHA256_HEX_SIZE];
    char signature[HMAC_HEX_SIZE];
    struct strbuf text;
    struct hmac_part part;

    digest_request(s, query->buf + from, digest);
    strbuf_init(&text, QUERY_MAX);
    strbuf_addf(&text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope, digest);
    derive_key(s, date, key);
    part = (struct hmac_part){text.buf, text.len};
    hmac_sha256_hex(key, sizeof(key), &part, 1, signature);
    explicit_bzero(key, sizeof(key));
    strbuf_addf(query, "&X-Amz-Signature=%s", signature);
    strbuf_release(&text);
}

void s3_sign(const struct s3_signing *s, struct strbuf *query)
{
    time_t at = (time_t)(s->now_ms / 1000);
    char date[DATE_SIZE] = "";
    char expires[16];
    char scope[SCOPE_SIZE];
    struct strbuf credential;
    struct pairs pairs = {.n = 0};
    size_t from = query->len;
    struct tm tm;

    assert(s->n_params <= S3_PARAMS_MAX);
    if (gmtime_r(&at, &tm) != NULL)
        (void)strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", &tm);
    (void)snprintf(expires, sizeof(expires), "%d", s->expires_s);
    (void)snprintf(scope, sizeof(scope), "%.8s/%s/s3/aws4_request", date, s->region);
    strbuf_init(&credential, QUERY_MAX);
    strbuf_addf(&credential, "%s/%s", s->access_key, scope);
    insert(&pairs, "X-Amz-Algorithm", "AWS4-HMAC-SHA256");
    insert(&pairs, "X-Amz-Credential", credential.buf);
    insert(&pairs, "X-Amz-Date", date);
    insert(&pairs, "X-Amz-Expires", expires);
    insert(&pairs, "X-Amz-SignedHeaders", "host");
    for (size_t i = 0; i < s->n_params; i++)
        insert(&pairs, s->params[i].name, s->params[i].value);
    add_pairs(&pairs, query);
    add_signature(s, date, scope, from, query);
    strbuf_release(&credential);
}
