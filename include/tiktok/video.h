/* tiktok/video.h - the account's public posts: /v2/video/list/ and /v2/video/query/,
 * scope video.list; 600 a minute each.
 *
 * For figures and for finding out, after an unclear publish, whether a post is there.
 * A list is newest first; both tell public posts of this account only, so absence proves
 * nothing. fields go into the query of the address, what is wanted into the body. */
#ifndef TIKTOK_VIDEO_H
#define TIKTOK_VIDEO_H

#include "core/strbuf.h"
#include "tiktok/answer.h"
#include "tiktok/status.h"

#define TIKTOK_VIDEO_FIELDS                                                              \
    "?fields=id,create_time,title,video_description,share_url,duration,view_count,"      \
    "like_count,comment_count,share_count"
#define TIKTOK_PATH_VIDEO_LIST  "/v2/video/list/" TIKTOK_VIDEO_FIELDS
#define TIKTOK_PATH_VIDEO_QUERY "/v2/video/query/" TIKTOK_VIDEO_FIELDS

enum {
    TIKTOK_VIDEO_PAGE = 20,       /* posts of one page or query, TikTok's maximum */
    TIKTOK_VIDEO_TEXT_MAX = 1024, /* bytes of a title, cut on a character */
};

struct tiktok_video {
    char id[TIKTOK_POST_ID_MAX + 1];           /* the post id, never "" */
    char title[TIKTOK_VIDEO_TEXT_MAX + 1];     /* the title, or else the description */
    char share_url[TIKTOK_VIDEO_TEXT_MAX + 1]; /* https or "" */
    int64_t created_s;                         /* Unix UTC *seconds*; 0: not said */
    int64_t duration_s;                        /* -1: not said, as for the counts below */
    int64_t views, likes, comments, shares;
};

struct tiktok_video_page {
    struct tiktok_video video[TIKTOK_VIDEO_PAGE];
    size_t count;
    int64_t cursor_ms; /* for the next page: Unix UTC *milliseconds* */
    bool has_more;
};

/* Appends the body for one page: cursor_ms 0 for the newest, else posts before it. */
void tiktok_video_list_body(int64_t cursor_ms, int max_count, struct strbuf *out);

/* Reads a page; sent_cursor_ms is what it was asked with. A cursor that does not move on
 * ends the list, so that no caller loops for ever. */
enum rc tiktok_video_list_parse(const struct tiktok_answer *answer,
                                int64_t sent_cursor_ms, struct tiktok_reply *reply,
                                struct tiktok_video_page *page,
                                struct err *err) MUST_CHECK;

/* Appends the body that asks for 1..TIKTOK_VIDEO_PAGE posts by their ids, which TikTok
 * wants as text. */
void tiktok_video_query_body(const char *const *ids, size_t n, struct strbuf *out);

/* Reads the answer to it: page without a cursor. Posts that are not this account's, not
 * public or gone are simply missing. */
enum rc tiktok_video_query_parse(const struct tiktok_answer *answer,
                                 struct tiktok_reply *reply,
                                 struct tiktok_video_page *page,
                                 struct err *err) MUST_CHECK;

#endif
