/* net/smtp.h - one mail to one person, by libcurl.
 *
 * The server must offer TLS (smtps, or STARTTLS on smtp) with a certificate that this
 * system trusts, unless it is on this machine. A mail is plain UTF-8 text. Subject and
 * addresses cannot break out of their lines: what holds a control character is refused,
 * what is not ASCII is encoded. Blocks the calling thread for at most SMTP_TIMEOUT_MS. */
#ifndef NET_SMTP_H
#define NET_SMTP_H

#include "core/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SMTP_TIMEOUT_MS = 30000,
    SMTP_CONNECT_MS = 10000,
    SMTP_ADDRESS_MAX = 320, /* bytes of an address; source: RFC 5321 4.5.3.1 */
    SMTP_TEXT_MAX = 65536,  /* bytes of a mail's text */
};

struct smtp_server {
    const char *url;     /* smtp://[user:password@]host[:port] or smtps://… */
    const char *ca_file; /* certificates to trust besides the system's; NULL: none */
};

struct smtp_mail {
    const char *from; /* an address, perhaps with a name: "TTS <tts@example.com>" */
    const char *to;   /* an address alone */
    const char *subject;
    const char *text;       /* lines end in "\n" */
    const char *message_id; /* without <>; the same for every try, so that a mail that
                             * was sent twice after all is one to its reader */
    int64_t date_ms;
};

/* RC_REJECTED "mail_refused": the server does not take it, ever. RC_UNAVAILABLE
 * "mail_unavailable": not now, try again. RC_UNCERTAIN "mail_unclear": the server had all
 * of it and its answer was lost; it may have been sent. RC_INVALID: a setting or an
 * address is no such. */
enum rc smtp_send(const struct smtp_server *server, const struct smtp_mail *mail,
                  struct err *err) MUST_CHECK;

/* For tables of settings. */
enum rc smtp_url_check(const char *value, struct err *err) MUST_CHECK;
enum rc smtp_from_check(const char *value, struct err *err) MUST_CHECK;

/* The whole message as it goes over the wire, lines ended by CR LF, for tests. RC_INVALID
 * as above. */
struct strbuf;
enum rc smtp_message(const struct smtp_mail *mail, struct strbuf *out,
                     struct err *err) MUST_CHECK;

#endif
