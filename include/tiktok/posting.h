/* tiktok/posting.h - starting and cancelling a publication: the Content Posting API.
 *
 * An init makes TikTok open a session (publish_id) and nothing is public yet: a video by
 * FILE_UPLOAD is published when its last chunk has arrived, PULL_FROM_URL and photos when
 * TikTok has fetched the media. There is no idempotency key: each init is a new session,
 * and one whose answer was lost is never repeated without proof that it is dead.
 *
 * Builders append a JSON body to a strbuf whose owner checks strbuf_failed(); the content
 * was checked before (domain/post). Send it with TIKTOK_JSON_TYPE and a bearer token. */
#ifndef TIKTOK_POSTING_H
#define TIKTOK_POSTING_H

#include "core/strbuf.h"
#include "tiktok/answer.h"
#include "tiktok/chunk.h"
#include "tiktok/upload_url.h"

/* Scope video.publish for direct posts, video.upload for drafts into the inbox; 6 a
 * minute per token, to be budgeted as shared between the three. */
#define TIKTOK_PATH_VIDEO_INIT "/v2/post/publish/video/init/"
#define TIKTOK_PATH_INBOX_INIT "/v2/post/publish/inbox/video/init/"
#define TIKTOK_PATH_PHOTO_INIT "/v2/post/publish/content/init/"
#define TIKTOK_PATH_CANCEL     "/v2/post/publish/cancel/"

enum {
    TIKTOK_PUBLISH_ID_MAX = 95, /* bytes; documented: 64 */
    TIKTOK_PHOTOS_MAX = 35,     /* of one post; docs/tiktok.md 5.2 */
};

/* Where TikTok gets the video: from us in chunks (plan), or from our URL. Exactly one is
 * set, the other NULL. */
struct tiktok_video_source {
    const struct tiktok_chunk_plan *plan;
    const char *url;
};

/* post_info of a direct video post. The toggles are always sent. */
struct tiktok_video_post {
    const char *title;         /* the caption; NULL or "": none */
    const char *privacy_level; /* one of creator_info's */
    bool disable_comment, disable_duet, disable_stitch;
    bool brand_content; /* paid partnership with a third party */
    bool brand_organic; /* the creator's own business */
    bool is_aigc;       /* labelled as AI-generated */
    int32_t cover_ms;   /* frame of the cover; negative: TikTok's choice */
};

void tiktok_video_init_body(const struct tiktok_video_post *post,
                            const struct tiktok_video_source *source, struct strbuf *out);

/* A video into the inbox: the person completes it in the app, so nothing but the source
 * is sent (whether a title would survive is disputed). */
void tiktok_inbox_init_body(const struct tiktok_video_source *source, struct strbuf *out);

/* A photo post. direct false: into the inbox; then only title and description count. */
struct tiktok_photo_post {
    bool direct;
    const char *title;         /* NULL or "": none */
    const char *description;   /* NULL or "": none */
    const char *privacy_level; /* direct only */
    bool disable_comment, auto_add_music, brand_content, brand_organic;
    const char *const *urls; /* of the pictures, https, below our verified prefix */
    size_t url_count;        /* 1..TIKTOK_PHOTOS_MAX */
    size_t cover_index;      /* of the cover, from 0 */
};

void tiktok_photo_init_body(const struct tiktok_photo_post *post, struct strbuf *out);

/* A session TikTok has opened. upload_url is a secret: see tiktok/upload_url.h. */
struct tiktok_session {
    char publish_id[TIKTOK_PUBLISH_ID_MAX + 1]; /* opaque */
    char upload_url[TIKTOK_UPLOAD_URL_MAX + 1]; /* "" for PULL_FROM_URL and photos; valid
                                                 * for 1 h, to be checked before use */
};

/* Reads an init's answer; upload says whether an upload_url must be there. Failures
 * split in two, as nothing else decides whether another init is safe: with
 * reply->definite TikTok refused and no session exists; otherwise rc is RC_UNCERTAIN and
 * there may be one that nobody knows. */
enum rc tiktok_init_parse(const struct tiktok_answer *answer, bool upload,
                          struct tiktok_reply *reply, struct tiktok_session *session,
                          struct err *err) MUST_CHECK;

/* {"publish_id":"..."}: the body of cancel and of status/fetch. */
void tiktok_publish_id_body(const char *publish_id, struct strbuf *out);

/* True when TikTok fetches for that session, as its documented forms say (v_pub_url~,
 * v_inbox_url~, p_pub_url~; docs/tiktok.md). False for any other: publish_id is opaque,
 * so nothing that must not fail may depend on it. */
bool tiktok_publish_id_is_fetched(const char *publish_id) MUST_CHECK;

/* Reads cancel's answer. RC_REJECTED "not_cancellable": it is final already. */
enum rc tiktok_cancel_parse(const struct tiktok_answer *answer,
                            struct tiktok_reply *reply, struct err *err) MUST_CHECK;

/* Appends the address of a post at TikTok, or of the profile when post_id is "" (as for
 * every post that is not public). Nothing when username is "" too. */
void tiktok_post_url(const char *username, const char *post_id, bool photo,
                     struct strbuf *out);

#endif
