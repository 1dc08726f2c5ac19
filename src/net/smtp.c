#include "net/smtp.h"

#include "core/attr.h"
#include "core/encode.h"
#include "core/strbuf.h"
#include "core/text.h"

#include <ctype.h>
#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    WORD_BYTES = 39, /* of an encoded word: 52 of base64 and its frame stay below 75 */
    LINE_B64 = 57,   /* bytes of a line of base64 with 76 characters */
    HOST_SIZE = 256,
    MESSAGE_MAX = 2 * SMTP_TEXT_MAX,
    REPLY_PERMANENT = 500, /* an SMTP reply from here on is for good */
};

/* --- addresses ----------------------------------------------------------------- */

static enum rc wrong(struct err *err, const char *msg)
{
    return err_set(err, RC_INVALID, "bad_config", "%s", msg);
}

/* The address inside "Name <address>", or all of it. Only what needs no quoting. */
static bool address_of(const char *text, char out[SMTP_ADDRESS_MAX + 1])
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789.!#$%&'*+/=?^_`{|}~-@";
    const char *open = strrchr(text, '<');
    const char *begin = open != NULL ? open + 1 : text;
    size_t len = open != NULL ? strcspn(begin, ">") : strlen(begin);
    const char *at;

    if (open != NULL && strcmp(begin + len, ">") != 0)
        return false;
    if (len == 0 || len > SMTP_ADDRESS_MAX || strspn(begin, good) < len)
        return false;
    at = memchr(begin, '@', len);
    if (at == NULL || at == begin || at == begin + len - 1 ||
        memchr(at + 1, '@', len - (size_t)(at + 1 - begin)) != NULL)
        return false;
    (void)memcpy(out, begin, len);
    out[len] = '\0';
    return true;
}

enum rc smtp_from_check(const char *value, struct err *err)
{
    char address[SMTP_ADDRESS_MAX + 1];

    if (!address_of(value, address) || text_has_control(value, strlen(value)) ||
        strchr(value, '\n') != NULL)
        return wrong(err, "must be an address, perhaps as: Name <address@host>");
    return RC_OK;
}

/* --- the server ---------------------------------------------------------------- */

static bool url_part(CURLU *url, CURLUPart part, char out[HOST_SIZE])
{
    char *text = NULL;
    bool there = curl_url_get(url, part, &text, 0) == CURLUE_OK && text != NULL;

    text_copy(out, HOST_SIZE, there ? text : "");
    curl_free(text);
    return there;
}

/* scheme and host of the URL. */
static bool read_url(const char *value, char scheme[HOST_SIZE], char host[HOST_SIZE])
{
    char path[HOST_SIZE];
    CURLU *url = curl_url();
    bool good = url != NULL && curl_url_set(url, CURLUPART_URL, value, 0) == CURLUE_OK &&
                url_part(url, CURLUPART_SCHEME, scheme) &&
                url_part(url, CURLUPART_HOST, host) &&
                (!url_part(url, CURLUPART_PATH, path) || strcmp(path, "/") == 0);

    curl_url_cleanup(url);
    return good && (strcmp(scheme, "smtp") == 0 || strcmp(scheme, "smtps") == 0);
}

enum rc smtp_url_check(const char *value, struct err *err)
{
    char scheme[HOST_SIZE], host[HOST_SIZE];

    if (!read_url(value, scheme, host))
        return wrong(err, "must be smtp://user:password@host:port or smtps://…");
    return RC_OK;
}

static bool is_local(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 ||
           strcmp(host, "[::1]") == 0;
}

/* --- the message --------------------------------------------------------------- */

static bool is_ascii(const char *s)
{
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s >= 0x80)
            return false;
    }
    return true;
}

/* Lines of base64, each of so many bytes. */
static void add_base64(struct strbuf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i += LINE_B64) {
        base64_encode(out, text + i, len - i < LINE_B64 ? len - i : LINE_B64);
        strbuf_addstr(out, "\r\n");
    }
}

/* RFC 2047: words of at most 75 characters, each of whole characters of UTF-8. */
static void add_words(struct strbuf *out, const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len;) {
        size_t n = len - i < WORD_BYTES ? len - i : WORD_BYTES;

        while (i + n < len && ((unsigned char)text[i + n] & 0xc0) == 0x80)
            n--;
        strbuf_addstr(out, i > 0 ? "\r\n =?UTF-8?B?" : "=?UTF-8?B?");
        base64_encode(out, text + i, n);
        strbuf_addstr(out, "?=");
        i += n;
    }
}

static void add_text(struct strbuf *out, const char *name, const char *value)
{
    strbuf_addf(out, "%s: ", name);
    if (is_ascii(value))
        strbuf_addstr(out, value);
    else
        add_words(out, value);
    strbuf_addstr(out, "\r\n");
}

/* "Name <address>": the name may need encoding, the address does not. */
static void add_from(struct strbuf *out, const char *from, const char *address)
{
    const char *open = strrchr(from, '<');
    char name[SMTP_ADDRESS_MAX + 1];
    size_t len = open != NULL ? (size_t)(open - from) : 0;

    if (len > SMTP_ADDRESS_MAX)
        len = SMTP_ADDRESS_MAX;
    (void)memcpy(name, from, len);
    while (len > 0 && name[len - 1] == ' ')
        len--;
    name[len] = '\0';
    strbuf_addstr(out, "From: ");
    if (len > 0)
        add_words(out, name);
    strbuf_addf(out, "%s<%s>\r\n", len > 0 ? " " : "", address);
}

static void add_date(struct strbuf *out, int64_t date_ms)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t s = (time_t)(date_ms / 1000);
    struct tm t;

    (void)gmtime_r(&s, &t);
    strbuf_addf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[t.tm_wday],
                t.tm_mday, months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min,
                t.tm_sec);
}

static bool one_line(const char *text)
{
    return !text_has_control(text, strlen(text)) && strpbrk(text, "\n\t") == NULL &&
           text_is_utf8(text, strlen(text));
}

enum rc smtp_message(const struct smtp_mail *mail, struct strbuf *out, struct err *err)
{
    char from[SMTP_ADDRESS_MAX + 1], to[SMTP_ADDRESS_MAX + 1];

    if (!address_of(mail->from, from) || strchr(mail->to, '<') != NULL ||
        !address_of(mail->to, to) || !one_line(mail->from) || !one_line(mail->subject) ||
        !one_line(mail->message_id) || strpbrk(mail->message_id, "<> ") != NULL ||
        strlen(mail->text) > SMTP_TEXT_MAX)
        return err_set(err, RC_INVALID, "mail_invalid",
                       "An address or the subject of the mail is not usable.");
    add_from(out, mail->from, from);
    strbuf_addf(out, "To: <%s>\r\n", to);
    add_text(out, "Subject", mail->subject);
    add_date(out, mail->date_ms);
    strbuf_addf(out, "Message-ID: <%s>\r\n", mail->message_id);
    strbuf_addstr(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                       "Content-Type: text/plain; charset=utf-8\r\n"
                       "Content-Transfer-Encoding: base64\r\n\r\n");
    add_base64(out, mail->text, strlen(mail->text));
    return strbuf_failed(out) ? err_set(err, RC_BUG, "mail_too_long", "too long") : RC_OK;
}

/* --- sending ------------------------------------------------------------------- */

struct upload {
    const char *data;
    size_t left;
};

static size_t give(char *buf, size_t size, size_t n, void *arg)
{
    struct upload *u = arg;
    size_t len = size * n < u->left ? size * n : u->left;

    (void)memcpy(buf, u->data, len);
    u->data += len;
    u->left -= len;
    return len;
}

#define SET(easy, option, value) (curl_easy_setopt((easy), (option), (value)) == CURLE_OK)

/* TLS with a trusted certificate, unless the server is on this machine. */
static bool secure(CURL *curl, const struct smtp_server *server, const char *host)
{
    bool local = is_local(host);

    if (!SET(curl, CURLOPT_USE_SSL, (long)(local ? CURLUSESSL_TRY : CURLUSESSL_ALL)) ||
        !SET(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2))
        return false;
    if (server->ca_file != NULL)
        return SET(curl, CURLOPT_CAINFO, server->ca_file);
    return !local || (SET(curl, CURLOPT_SSL_VERIFYPEER, 0L) &&
                      SET(curl, CURLOPT_SSL_VERIFYHOST, 0L));
}

static bool set_up(CURL *curl, const struct smtp_server *server, struct upload *u)
{
    return SET(curl, CURLOPT_URL, server->url) &&
           SET(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps") &&
           SET(curl, CURLOPT_UPLOAD, 1L) && SET(curl, CURLOPT_READFUNCTION, give) &&
           SET(curl, CURLOPT_READDATA, u) &&
           SET(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)u->left) &&
           SET(curl, CURLOPT_NOSIGNAL, 1L) && SET(curl, CURLOPT_NOPROXY, "*") &&
           SET(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)SMTP_CONNECT_MS) &&
           SET(curl, CURLOPT_TIMEOUT_MS, (long)SMTP_TIMEOUT_MS);
}

/* What became of it. Once the last byte was given to libcurl, an answer that is missing
 * says nothing. */
static enum rc judge(CURLcode code, long reply, bool all_sent, struct err *err)
{
    if (code == CURLE_OK)
        return RC_OK;
    if (reply >= REPLY_PERMANENT &&
        code != CURLE_LOGIN_DENIED) /* that may be put right */
        return err_set(err, RC_REJECTED, "mail_refused",
                       "The mail server refused: %ld, %s.", reply,
                       curl_easy_strerror(code));
    if (all_sent && reply < 400 &&
        (code == CURLE_OPERATION_TIMEDOUT || code == CURLE_RECV_ERROR ||
         code == CURLE_GOT_NOTHING))
        return err_set(err, RC_UNCERTAIN, "mail_unclear",
                       "The mail server had the mail and did not answer.");
    return err_set(err, RC_UNAVAILABLE, "mail_unavailable",
                   "The mail could not be handed over: %s.", curl_easy_strerror(code));
}

static enum rc hand_over(const struct smtp_server *server, const struct smtp_mail *mail,
                         const struct strbuf *message, struct err *err)
{
    char scheme[HOST_SIZE], host[HOST_SIZE], from[SMTP_ADDRESS_MAX + 1];
    struct upload u = {message->buf, message->len};
    struct curl_slist *to = curl_slist_append(NULL, mail->to);
    CURL *curl = curl_easy_init();
    long reply = 0;
    CURLcode code = CURLE_OUT_OF_MEMORY;

    if (!read_url(server->url, scheme, host) || !address_of(mail->from, from)) {
        curl_slist_free_all(to);
        curl_easy_cleanup(curl);
        return wrong(err, "SMTP_URL or MAIL_FROM is not usable");
    }
    if (curl != NULL && to != NULL && set_up(curl, server, &u) &&
        secure(curl, server, host) && SET(curl, CURLOPT_MAIL_FROM, from) &&
        SET(curl, CURLOPT_MAIL_RCPT, to)) {
        code = curl_easy_perform(curl);
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply);
    }
    curl_slist_free_all(to);
    curl_easy_cleanup(curl);
    return judge(code, reply, u.left == 0, err);
}

enum rc smtp_send(const struct smtp_server *server, const struct smtp_mail *mail,
                  struct err *err)
{
    struct strbuf message;
    enum rc rc;

    strbuf_init(&message, MESSAGE_MAX);
    rc = smtp_message(mail, &message, err);
    if (rc == RC_OK)
        rc = hand_over(server, mail, &message, err);
    strbuf_release(&message);
    return rc;
}
