/* ttsctl tiktok verify-webhook - did TikTok sign this body, and does it still count? */
#include "ctl.h"

#include "core/jsonw.h"
#include "core/parse.h"
#include "crypto/digest.h"
#include "crypto/webhook.h"

#include <string.h>

enum {
    BODY_MAX = 256 * 1024, /* bytes; TikTok's events have below 1 KiB */
    JSON_MAX = 4096,
};

struct settings {
    char *client_secret;
};

static const struct config_key keys[] = {
    {"TIKTOK_CLIENT_SECRET", NULL, CONFIG_SECRET,
     offsetof(struct settings, client_secret), 0, 256, NULL},
};

static const struct {
    bool valid;
    const char *sentence, *next_step;
} words[] = {
    [WEBHOOK_FRESH] = {true, "TikTok signed this body, just now.", ""},
    [WEBHOOK_LATE] =
        {true, "TikTok signed this body more than five minutes ago.",
         "It counts once: TikTok repeats a delivery for 72 hours, and a body "
         "that was taken before is passed over."},
    [WEBHOOK_TOO_OLD] = {false, "TikTok signed this body more than 72 hours ago.",
                         "It is not taken any more: TikTok has given up by then."},
    [WEBHOOK_TOO_EARLY] = {false, "The signature is right but of a time to come.",
                           "Compare this machine's clock with the world's."},
    [WEBHOOK_FORGED] = {false, "The signature is not that of this body.",
                        "Compare TIKTOK_CLIENT_SECRET with the TikTok developer portal, "
                        "and give the body byte for byte as it came."},
    [WEBHOOK_UNREADABLE] = {false, "The header is no signature of TikTok.",
                            "It must be t=SECONDS,s=HEX, as in TikTok-Signature."},
};

/* What an operator is asked to judge. */
struct question {
    const char *secret;
    const char *header;
    const struct strbuf *body;
    int64_t now_s;
};

static enum webhook_verdict judge(const struct question *q, size_t len, int64_t *signed_s)
{
    const struct webhook w = {q->header, q->body->buf, len};

    return webhook_verify(q->secret, strlen(q->secret), &w, q->now_s, signed_s);
}

static void print(struct ctl *ctl, const struct question *q, enum webhook_verdict verdict,
                  int64_t signed_s)
{
    char digest[DIGEST_SHA256_HEX_SIZE];
    struct strbuf json;
    struct jsonw w;

    digest_sha256_hex(q->body->buf, q->body->len, digest);
    strbuf_init(&json, JSON_MAX);
    jsonw_init(&w, &json);
    jsonw_object(&w);
    jsonw_key_bool(&w, "valid", words[verdict].valid);
    jsonw_key_text(&w, "verdict", webhook_verdict_name(verdict));
    jsonw_key_text(&w, "sentence", words[verdict].sentence);
    jsonw_key_text(&w, "next_step", words[verdict].next_step);
    if (signed_s != 0) {
        jsonw_key_int(&w, "signed_at", signed_s);
        jsonw_key_int(&w, "age_s", q->now_s - signed_s);
    }
    jsonw_key_text(&w, "body_sha256", digest);
    jsonw_end(&w);
    ctl_print_json(ctl, &json);
    strbuf_release(&json);
}

/* Editors and echo end a file with a newline, which TikTok did not sign. */
static void hint(struct ctl *ctl, const struct question *q)
{
    size_t len = q->body->len;
    int64_t ignored;

    while (len > 0 && strchr("\r\n", q->body->buf[len - 1]) != NULL)
        len--;
    if (len < q->body->len && judge(q, len, &ignored) != WEBHOOK_FORGED)
        (void)fprintf(ctl->notes, "ttsctl: without the newline at its end the body is "
                                  "the one that was signed\n");
}

static int verify(struct ctl *ctl, const struct question *q)
{
    int64_t signed_s;
    enum webhook_verdict verdict = judge(q, q->body->len, &signed_s);

    print(ctl, q, verdict, signed_s);
    if (verdict == WEBHOOK_FORGED)
        hint(ctl, q);
    return words[verdict].valid ? CTL_OK : CTL_FAILED;
}

/* Reads the body, then judges. */
static int ask(struct ctl *ctl, struct question q)
{
    struct strbuf body;
    struct err err;
    int status;

    strbuf_init(&body, BODY_MAX);
    q.body = &body;
    if (ctl_read_input(ctl, &body, &err) == RC_OK)
        status = verify(ctl, &q);
    else
        status = ctl_fail(ctl, &err);
    strbuf_release(&body);
    return status;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
    struct question q = {.now_s = clock_wall_ms(ctl->clock) / 1000};
    const char *at = NULL;
    const struct ctl_option options[] = {{"--signature", &q.header, NULL},
                                         {"--at", &at, NULL}};
    struct ctl_args args = {.options = options, .options_len = ARRAY_LEN(options)};
    struct settings s = {0};
    struct strbuf problems;
    struct err err;
    int status = CTL_CONFIG;

    if (!ctl_args_read(ctl, argc, argv, &args))
        return CTL_USAGE;
    if (q.header == NULL)
        return ctl_usage(ctl, "--signature is missing");
    if (at != NULL && !parse_i64(at, 0, INT64_MAX, &q.now_s))
        return ctl_usage(ctl, "--at must be a time in seconds since 1970");
    strbuf_init(&problems, CONFIG_ENV_FILE_MAX);
    if (config_load(keys, ARRAY_LEN(keys), &s, &problems, &err) == RC_OK) {
        q.secret = s.client_secret;
        status = ask(ctl, q);
    } else {
        (void)fprintf(ctl->notes, "ttsctl: %s", problems.buf);
    }
    config_release(keys, ARRAY_LEN(keys), &s);
    strbuf_release(&problems);
    return status;
}

const struct ctl_command ctl_tiktok_verify_webhook = {
    .name = "tiktok verify-webhook",
    .args = "--signature HEADER [--at UNIX] < BODY",
    .summary = "Check the signature of a webhook from standard input",
    .help = "HEADER is the value of TikTok-Signature or the whole line; BODY must be the "
            "bytes\n"
            "as they came. TIKTOK_CLIENT_SECRET is the key. Within 300 seconds of now, "
            "or of\n"
            "UNIX, a signature is fresh; up to 72 hours a body counts once. The result "
            "is one\n"
            "line of JSON; the status is 0 when the body counts, else 1.",
    .run = run,
};
