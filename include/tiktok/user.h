/* tiktok/user.h - who the connected account is: GET /v2/user/info/.
 *
 * Only the fields that the granted scopes cover are asked for, since asking for more is
 * refused whole; any of them may be missing in the answer. TikTok's avatar URLs are
 * signed and expire: show them, do not keep them for long. */
#ifndef TIKTOK_USER_H
#define TIKTOK_USER_H

#include "core/strbuf.h"
#include "tiktok/answer.h"
#include "tiktok/oauth.h"

#define TIKTOK_PATH_USER_INFO "/v2/user/info/"

enum {
    TIKTOK_NAME_MAX = 256, /* bytes of a name or handle; longer is cut on a character */
    TIKTOK_URL_MAX = 2048, /* bytes of a picture or profile URL; longer counts as none */
};

/* Appends path and query, e.g. "/v2/user/info/?fields=open_id,union_id,...". */
void tiktok_user_path(const char *granted_scopes, struct strbuf *out);

/* Texts are UTF-8 and "" when missing. */
struct tiktok_user {
    char open_id[TIKTOK_OPEN_ID_MAX + 1];
    char union_id[TIKTOK_OPEN_ID_MAX + 1];
    char display_name[TIKTOK_NAME_MAX + 1];
    char username[TIKTOK_NAME_MAX + 1];   /* the @handle; scope user.info.profile */
    char avatar_url[TIKTOK_URL_MAX + 1];  /* a web address to copy from, or "" */
    char profile_url[TIKTOK_URL_MAX + 1]; /* scope user.info.profile */
    bool is_verified;                     /* scope user.info.profile */
    int64_t followers, following, likes, videos; /* scope user.info.stats; -1: not said */
};

/* RC_DENIED: token dead (class REFRESH) or scope missing (class RECONNECT). */
enum rc tiktok_user_parse(const struct tiktok_answer *answer, struct tiktok_reply *reply,
                          struct tiktok_user *user, struct err *err) MUST_CHECK;

#endif
