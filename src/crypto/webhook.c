#include "crypto/webhook.h"

#include "core/parse.h"
#include "crypto/compare.h"
#include "crypto/hmac.h"

#include <ctype.h>
#include <string.h>

/* A span of the header that is being read. */
struct slice {
    const char *p;
    size_t len;
};

/* The value of a header that came with its name, "TikTok-Signature: t=...". */
static const char *without_name(const char *header)
{
    static const char name[] = "tiktok-signature:";

    if (strncasecmp(header, name, sizeof(name) - 1) == 0)
        header += sizeof(name) - 1;
    return header;
}

/* The next part of a list with commas, without the blanks around it; false at the end. */
static bool next_part(const char **rest, struct slice *part)
{
    *rest += strspn(*rest, ", \t\r\n");
    part->p = *rest;
    part->len = strcspn(*rest, ",");
    *rest += part->len;
    while (part->len > 0 && isspace((unsigned char)part->p[part->len - 1]))
        part->len--;
    return part->len > 0;
}

/* Takes "key=" off the part's front; false when another key stands there. */
static bool take_key(struct slice *part, char key)
{
    if (part->len < 2 || part->p[0] != key || part->p[1] != '=')
        return false;
    part->p += 2;
    part->len -= 2;
    return true;
}

/* The text and the number of the one t=. It is signed as it was written. */
static bool read_time(const char *value, struct slice *time, int64_t *signed_s)
{
    struct slice part;
    int found = 0;

    while (next_part(&value, &part)) {
        if (!take_key(&part, 't'))
            continue;
        *time = part;
        found++;
    }
    return found == 1 && parse_i64_slice(time->p, time->len, 1, INT64_MAX, signed_s);
}

/* What s must be: TikTok signs "<t>.<body>". */
static void sign(const void *secret, size_t secret_len, const struct slice *time,
                 const struct webhook *w, char right[HMAC_HEX_SIZE])
{
    const struct hmac_part parts[] = {{time->p, time->len}, {".", 1}, {w->body, w->len}};

    hmac_sha256_hex(secret, secret_len, parts, ARRAY_LEN(parts), right);
}

static bool is_signature(const struct slice *s)
{
    for (size_t i = 0; i < s->len; i++)
        if (!isxdigit((unsigned char)s->p[i]))
            return false;
    return s->len == HMAC_HEX_SIZE - 1;
}

/* Hex digits may be of either case; the right ones are lower case. */
static bool is_equal(const struct slice *s, const char right[HMAC_HEX_SIZE])
{
    char given[HMAC_HEX_SIZE - 1];

    for (size_t i = 0; i < sizeof(given); i++)
        given[i] = (char)tolower((unsigned char)s->p[i]);
    return secret_equal(given, sizeof(given), right, sizeof(given));
}

/* WEBHOOK_FRESH when one of the signatures is the right one. */
static enum webhook_verdict compare(const char *value, const char right[HMAC_HEX_SIZE])
{
    enum webhook_verdict verdict = WEBHOOK_UNREADABLE;
    struct slice part;

    while (next_part(&value, &part)) {
        if (!take_key(&part, 's') || !is_signature(&part))
            continue;
        if (is_equal(&part, right))
            return WEBHOOK_FRESH;
        verdict = WEBHOOK_FORGED;
    }
    return verdict;
}

static enum webhook_verdict judge_age(int64_t signed_s, int64_t now_s)
{
    if (signed_s > now_s)
        return signed_s - now_s <= WEBHOOK_FRESH_S ? WEBHOOK_FRESH : WEBHOOK_TOO_EARLY;
    if (now_s - signed_s <= WEBHOOK_FRESH_S)
        return WEBHOOK_FRESH;
    return now_s - signed_s <= WEBHOOK_LATE_S ? WEBHOOK_LATE : WEBHOOK_TOO_OLD;
}

enum webhook_verdict webhook_verify(const void *secret, size_t secret_len,
                                    const struct webhook *w, int64_t now_s,
                                    int64_t *signed_s)
{
    const char *value = without_name(w->header);
    struct slice time = {"", 0};
    char right[HMAC_HEX_SIZE];
    enum webhook_verdict verdict;

    *signed_s = 0;
    if (strnlen(value, WEBHOOK_SIGNATURE_MAX + 1) > WEBHOOK_SIGNATURE_MAX ||
        !read_time(value, &time, signed_s))
        return WEBHOOK_UNREADABLE;
    sign(secret, secret_len, &time, w, right);
    verdict = compare(value, right);
    explicit_bzero(right, sizeof(right));
    return verdict == WEBHOOK_FRESH ? judge_age(*signed_s, now_s) : verdict;
}

bool webhook_readable(const char *header)
{
    const char *value = without_name(header);
    struct slice part;
    int64_t signed_s;

    if (strnlen(value, WEBHOOK_SIGNATURE_MAX + 1) > WEBHOOK_SIGNATURE_MAX ||
        !read_time(value, &part, &signed_s))
        return false;
    while (next_part(&value, &part))
        if (take_key(&part, 's') && is_signature(&part))
            return true;
    return false;
}

const char *webhook_verdict_name(enum webhook_verdict verdict)
{
    switch (verdict) {
    case WEBHOOK_FRESH:
        return "fresh";
    case WEBHOOK_LATE:
        return "late";
    case WEBHOOK_TOO_OLD:
        return "too_old";
    case WEBHOOK_TOO_EARLY:
        return "too_early";
    case WEBHOOK_FORGED:
        return "forged";
    case WEBHOOK_UNREADABLE:
        return "unreadable";
    }
    return "unknown";
}
