/* tiktok/upload_url.h - where we are willing to PUT a person's video.
 *
 * upload_url comes out of an answer and is a bearer credential: it is checked before the
 * first byte is sent, stored sealed and never logged. Only hosts that the operator listed
 * in TIKTOK_UPLOAD_HOSTS are acceptable, a comma-separated list of
 *
 *     .tiktokapis.com           any host below it, by https on port 443
 *     upload.example.com        exactly this host, by https on port 443
 *     upload.example.com:8443   exactly this host and port, by https
 *     http://sandbox:8081       exactly this origin, also without TLS: the local stack
 *     localhost:8081            loopback names and addresses need not say http://, and
 *                               without a port they stand for every port
 */
#ifndef TIKTOK_UPLOAD_URL_H
#define TIKTOK_UPLOAD_URL_H

#include "core/err.h"

#include <stdbool.h>

enum { TIKTOK_UPLOAD_URL_MAX = 900 }; /* bytes; documented: 256, live: about 150 */

/* RC_OK when url is https (or as above), without userinfo, fragment, control or non-ASCII
 * bytes, and its host is listed. *lifted (may be NULL) says that the entry names an
 * origin of the operator's own, for which the rule "public addresses only" of the HTTP
 * client does not hold. RC_REJECTED "upload_url_refused" else; the message names the
 * rule, never the URL. */
enum rc tiktok_upload_url_check(const char *url, const char *hosts, bool *lifted,
                                struct err *err) MUST_CHECK;

/* RC_INVALID "bad_upload_hosts" when an entry of the list is not one of the forms above:
 * for the check of the configuration at the start. */
enum rc tiktok_upload_hosts_check(const char *hosts, struct err *err) MUST_CHECK;

/* True when an entry names an origin of the operator's own (*lifted above): worth a
 * warning at the start. */
bool tiktok_upload_hosts_lift(const char *hosts) MUST_CHECK;

#endif
