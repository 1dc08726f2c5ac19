#include "answer_priv.h"

#include "core/parse.h"
#include "core/strbuf.h"
#include "core/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Digits up to which an integer surely fits int64_t. TikTok's post ids have 19. */
enum { SAFE_DIGITS = 18 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool in_number(char c)
{
    return is_digit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* The length of the JSON string at s, quotes included. */
static size_t string_len(const char *s, size_t len)
{
    size_t i = 1;

    while (i < len && s[i] != '"')
        i += s[i] == '\\' ? 2 : 1;
    return i < len ? i + 1 : len;
}

/* The length of the token at s: a whole string, a run of number characters, or one byte
 * of anything else. */
static size_t token_len(const char *s, size_t len)
{
    size_t n = 1;

    if (s[0] == '"')
        return string_len(s, len);
    if (in_number(s[0]))
        while (n < len && in_number(s[n]))
            n++;
    return n;
}

static bool is_long_integer(const char *s, size_t len)
{
    size_t sign = s[0] == '-' ? 1 : 0;

    if (len - sign <= SAFE_DIGITS)
        return false;
    for (size_t i = sign; i < len; i++)
        if (!is_digit(s[i]))
            return false;
    return true;
}

/* Copies body to out with every integer of more than SAFE_DIGITS digits in quotes.
 * jansson refuses a whole document over one integer beyond int64_t, and would round it
 * as a real; an id is text to us anyway. */
static void quote_long_integers(const char *body, size_t len, struct strbuf *out)
{
    size_t n;

    for (size_t i = 0; i < len; i += n) {
        bool quote;

        n = token_len(body + i, len - i);
        quote = is_long_integer(body + i, n);
        if (quote)
            strbuf_addc(out, '"');
        strbuf_add(out, body + i, n);
        if (quote)
            strbuf_addc(out, '"');
    }
}

json_t *answer_load(const char *text, size_t len)
{
    struct strbuf quoted;
    json_t *root;

    if (len == 0 || len > TIKTOK_ANSWER_MAX)
        return NULL;
    strbuf_init(&quoted, 2 * (size_t)TIKTOK_ANSWER_MAX);
    quote_long_integers(text, len, &quoted);
    root = strbuf_failed(&quoted) ? NULL : json_loadb(quoted.buf, quoted.len, 0, NULL);
    strbuf_wipe(&quoted); /* an answer of the token endpoint holds tokens */
    if (root == NULL || json_is_object(root))
        return root;
    json_decref(root);
    return NULL;
}

/* A code as it may stand in logs and events. */
static void clean_code(char *code)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_.-";

    for (char *p = code; *p != '\0'; p++)
        if (strchr(allowed, *p) == NULL)
            *p = '?';
}

static void clean_message(char *message)
{
    for (char *p = message; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
}

/* The body's, which is what TikTok's support asks for; the header's stays without one. */
static void read_log_id(const json_t *object, struct tiktok_reply *reply)
{
    char log_id[sizeof(reply->log_id)];

    answer_whole(object, "log_id", log_id, sizeof(log_id));
    if (log_id[0] == '\0') /* so named in TikTok's reference tables */
        answer_whole(object, "logid", log_id, sizeof(log_id));
    clean_code(log_id);
    if (log_id[0] != '\0')
        (void)memcpy(reply->log_id, log_id, sizeof(log_id));
}

void answer_reply(const struct tiktok_answer *answer, struct tiktok_reply *reply)
{
    *reply = (struct tiktok_reply){.http_status = answer->http_status};
    if (answer->log_id != NULL)
        text_copy(reply->log_id, sizeof(reply->log_id), answer->log_id);
    clean_code(reply->log_id);
}

/* Both shapes: {"error":{"code","message","log_id"}} and the flat
 * {"error":"...","error_description","log_id"}. */
static void read_error(const json_t *root, struct tiktok_reply *reply)
{
    const json_t *error = json_object_get(root, "error");

    if (json_is_object(error)) {
        answer_text(error, "code", reply->code, sizeof(reply->code));
        answer_text(error, "message", reply->message, sizeof(reply->message));
        read_log_id(error, reply);
    } else {
        answer_text(root, "error", reply->code, sizeof(reply->code));
        answer_text(root, "error_description", reply->message, sizeof(reply->message));
        read_log_id(root, reply);
    }
    clean_code(reply->code);
    clean_message(reply->message);
}

static enum rc report(enum answer_kind kind, const struct tiktok_reply *reply,
                      int64_t retry_after_ms, struct err *err)
{
    int64_t wait_ms = (int64_t)reply->error->wait_s * 1000;
    enum rc rc = tiktok_error_rc(reply->error);

    if (kind == ANSWER_ACT && !reply->definite)
        rc = RC_UNCERTAIN;
    return err_retry(err, rc, wait_ms > retry_after_ms ? wait_ms : retry_after_ms,
                     reply->error->reason, reply->error->sentence);
}

/* invalid_request covers several mistakes; two of them have remedies of their own, and
 * only TikTok's description tells them apart (docs/tiktok.md 2.5). */
static const char *refine(enum tiktok_where where, const struct tiktok_reply *reply)
{
    if (where != TIKTOK_IN_EXCHANGE || strcmp(reply->code, "invalid_request") != 0)
        return reply->code;
    if (strcasestr(reply->message, "redirect_uri") != NULL)
        return "invalid_request:redirect_uri";
    if (strcasestr(reply->message, "code verifier") != NULL ||
        strcasestr(reply->message, "code challenge") != NULL)
        return "invalid_request:code_verifier";
    return reply->code;
}

/* True when TikTok surely did nothing: it refused with a reason, and not because of a
 * problem of its own. */
static bool surely_refused(const struct tiktok_reply *reply)
{
    bool own_problem = reply->error->class == TIKTOK_RETRY && reply->error->wait_s == 0;

    if (own_problem || reply->http_status < 200 || reply->http_status >= 500)
        return false;
    return reply->http_status >= 300 || reply->code[0] != '\0';
}

enum rc answer_open(enum tiktok_where where, enum answer_kind kind,
                    const struct tiktok_answer *answer, struct tiktok_reply *reply,
                    json_t **root, struct err *err)
{
    json_t *json = answer_load(answer->body, answer->len);
    bool success = answer->http_status >= 200 && answer->http_status < 300;
    bool flat = where != TIKTOK_IN_API;

    answer_reply(answer, reply);
    *root = NULL;
    if (json != NULL)
        read_error(json, reply);
    if (json != NULL && success &&
        (strcmp(reply->code, "ok") == 0 || (flat && reply->code[0] == '\0'))) {
        reply->definite = true;
        *root = json;
        return RC_OK;
    }
    json_decref(json);
    reply->error = tiktok_error_of(where, refine(where, reply), answer->http_status);
    reply->definite = surely_refused(reply);
    return report(kind, reply, answer->retry_after_ms, err);
}

enum rc answer_unreadable(enum answer_kind kind, struct tiktok_reply *reply,
                          struct err *err)
{
    reply->error = tiktok_error_of(TIKTOK_IN_API, "", reply->http_status);
    reply->definite = false;
    return report(kind, reply, 0, err);
}

const json_t *answer_data(const json_t *root)
{
    return json_object_get(root, "data");
}

/* --- fields ------------------------------------------------------------------------- */

/* A scalar as text; number holds the digits of a number. NULL when it is neither. */
static const char *scalar(const json_t *object, const char *key, char number[32])
{
    const json_t *value = json_object_get(object, key);

    if (json_is_string(value))
        return json_string_value(value);
    if (!json_is_integer(value))
        return NULL;
    (void)snprintf(number, 32, "%" PRId64, (int64_t)json_integer_value(value));
    return number;
}

void answer_text(const json_t *object, const char *key, char *out, size_t size)
{
    char number[32];
    const char *text = scalar(object, key, number);

    text_copy(out, size, text != NULL ? text : "");
}

void answer_whole(const json_t *object, const char *key, char *out, size_t size)
{
    char number[32];
    const char *text = scalar(object, key, number);

    text_copy(out, size, text != NULL && strlen(text) < size ? text : "");
}

void answer_https(const json_t *object, const char *key, char *out, size_t size)
{
    answer_whole(object, key, out, size);
    if (!text_starts_with(out, "https://") || text_has_control(out, strlen(out)))
        out[0] = '\0';
}

void answer_picture(const json_t *object, const char *key, char *out, size_t size)
{
    answer_whole(object, key, out, size);
    if ((!text_starts_with(out, "https://") && !text_starts_with(out, "http://")) ||
        text_has_control(out, strlen(out)))
        out[0] = '\0';
}

bool answer_post_id(const json_t *value, char *out, size_t size)
{
    char number[32] = "";
    const char *id = number;

    out[0] = '\0';
    if (json_is_string(value))
        id = json_string_value(value);
    else if (json_is_integer(value) && json_integer_value(value) > 0)
        (void)snprintf(number, sizeof(number), "%" PRId64,
                       (int64_t)json_integer_value(value));
    if (*id == '\0' || *id == '0' || strlen(id) >= size ||
        strspn(id, "0123456789") != strlen(id))
        return false;
    text_copy(out, size, id);
    return true;
}

int64_t answer_i64(const json_t *object, const char *key, int64_t fallback)
{
    char number[32];
    const char *text = scalar(object, key, number);
    int64_t n;

    if (text == NULL || !parse_i64(text, INT64_MIN, INT64_MAX, &n))
        return fallback;
    return n;
}

bool answer_bool(const json_t *object, const char *key, bool fallback)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);

    if (json_is_boolean(value))
        return json_is_true(value);
    if (json_is_integer(value))
        return json_integer_value(value) != 0;
    if (text != NULL && (text_equal_nocase(text, "true") || strcmp(text, "1") == 0))
        return true;
    if (text != NULL && (text_equal_nocase(text, "false") || strcmp(text, "0") == 0))
        return false;
    return fallback;
}
