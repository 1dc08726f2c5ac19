/* store/posts_priv.h - what the files of store/posts.h share. */
#ifndef SRC_STORE_POSTS_PRIV_H
#define SRC_STORE_POSTS_PRIV_H

#include "stmt.h"
#include "store/events.h"
#include "store/posts.h"

/* The number of post_status_of() for a row of post p, job j and attempt t (the granted
 * one): tests/unit/test_store_posts.c holds it to domain/status.c. */
#define POST_STATUS_SQL                                                                  \
    "(CASE j.state WHEN 0 THEN 0 WHEN 1 THEN 2 WHEN 2 THEN 3"                            \
    " WHEN 3 THEN IF(" POST_SENT_SQL ", 5, 4)"                                           \
    " WHEN 4 THEN IF(p.mode = 2, IF(" POST_FINISHED_SQL ", 6, 8),"                       \
    " IF(" POST_PRIVATE_SQL ", 7, 6))"                                                   \
    " WHEN 5 THEN 10 WHEN 6 THEN 11 ELSE 9 END)"

/* It is TikTok's turn: every byte was sent, or may be fetched. */
#define POST_SENT_SQL "(t.state = 4 OR (t.state = 3 AND t.method = 2))"

/* A draft of the inbox that the person has posted from there. */
#define POST_FINISHED_SQL "t.tiktok_status = 'PUBLISH_COMPLETE'"

/* Published for the account alone, and not made public since. */
#define POST_PRIVATE_SQL "p.privacy_level = 'SELF_ONLY' AND p.visibility <> 1"

/* The attempt that counts: only a granted one tells of itself. */
#define POST_ATTEMPT_SQL                                                                 \
    " LEFT JOIN attempt t ON j.granted <> 0 AND t.post_id = j.post_id"                   \
    " AND t.attempt_no = j.granted"

/* Whether a post whose time has come waits for its account's window at TikTok: then the
 * account has begun others within the last minute. Looked at only for such posts. The
 * figures are those of store/health.c. */
#define POST_WAITS_SQL                                                                   \
    "IF(j.state = 1 AND j.last_reason = '' AND GREATEST(j.next_at, j.due_at) < " SQL_NOW \
    " - 1000, (SELECT COUNT(*) >= 4 FROM job w JOIN attempt wt"                          \
    " ON wt.post_id = w.post_id AND wt.attempt_no = w.attempt_no"                        \
    " WHERE w.account_id = j.account_id"                                                 \
    " AND w.due_at BETWEEN j.due_at - 3600000 AND j.due_at + 3600000"                    \
    " AND wt.created_at > " SQL_NOW " - 71000), 0)"

/* Rows that are to be seen. */
#define POST_SHOWN_SQL "p.hidden_at IS NULL"

enum { POST_IDS_SIZE = 801 }; /* bytes of post.media_ids and tiktok_post_ids, and a NUL */

/* RC_NOT_FOUND as in store/posts.h. */
enum rc posts_not_found(struct err *err);

/* The first of TikTok's ids, or "". */
void posts_first_id(const char *ids, char out[POST_TIKTOK_ID_SIZE]);

/* ids as "1,2,3". */
void posts_write_ids(const struct post_content *content, char out[POST_IDS_SIZE]);

/* 1 with commas between: n places of an IN (...). */
void posts_add_places(struct strbuf *sql, size_t n);

/* A line of the post's timeline by a person: what it is about and who did it is put in.
 */
enum rc posts_tell(struct db *db, const struct actor *actor, uint64_t post_id,
                   struct event line, struct err *err) MUST_CHECK;

/* RC_CONFLICT with words, for a code of post_refusal() or "version_mismatch". */
enum rc posts_refuse(const char *code, struct err *err);

/* --- reading whole posts ------------------------------------------------------- */

/* What every such statement selects, of a post p and what POST_JOINS adds to it. */
#define POST_COLUMNS                                                                     \
    " p.post_id, p.account_id, p.kind, p.mode, p.media_ids, p.title, p.caption,"         \
    " p.privacy_level, p.allow_comment, p.allow_duet, p.allow_stitch, p.your_brand,"     \
    " p.branded_content, p.is_aigc, p.auto_add_music, COALESCE(p.cover_ms, -1),"         \
    " COALESCE(p.cover_index, -1), p.tz, p.expire_after_ms DIV 1000,"                    \
    " LOCATE('\"music_usage\":true', p.consent),"                                        \
    " LOCATE('\"branded_content\":true', p.consent), p.content_ver, p.tiktok_post_ids,"  \
    " p.list_at, p.published_at, p.created_at, GREATEST(p.updated_at, j.updated_at),"    \
    " j.state, j.due_at, j.limited_until, j.next_at, j.sched_ver, j.attempt_no,"         \
    " j.granted, j.last_reason, " POST_WAITS_SQL ", " POST_SENT_SQL                      \
    ", " POST_FINISHED_SQL ", p.visibility, a.display_name, a.username,"                 \
    " m.media_id, m.kind, m.state, m.filename, m.duration_ms, m.width, m.height,"        \
    " m.has_thumb, " SQL_NOW

#define POST_JOINS                                                                       \
    " JOIN job j ON j.post_id = p.post_id" POST_ATTEMPT_SQL                              \
    " LEFT JOIN account a ON a.account_id = p.account_id"                                \
    " LEFT JOIN post_media pm ON pm.post_id = p.post_id AND pm.position = 0"             \
    " LEFT JOIN media m ON m.media_id = pm.media_id AND m.state <> 4"

/* Where the posts go: out has room for max. order says where each id belongs; NULL: in
 * the order they come. */
struct posts_reading {
    struct post *out;
    size_t max;
    const uint64_t *order;
    size_t n;  /* posts read */
    bool more; /* there was one for which there was no room */
};

/* Runs a statement that selects POST_COLUMNS, and reads the files of posts with several.
 * On failure nothing is left in out. */
enum rc posts_read(struct db *db, const char *sql, struct sql_args args,
                   uint64_t workspace_id, struct posts_reading *to,
                   struct err *err) MUST_CHECK;

/* --- what a post is built on --------------------------------------------------- */

/* Account and files of a content, locked. creator is where basis.ground.creator points;
 * media are those of the files that are there. */
struct post_base {
    struct post_basis basis;
    struct post_creator creator;
    struct post_file files[POST_MEDIA_ROOM];
    int64_t bytes; /* of all files */
    char *nickname, *username;
    struct post_medium media[POST_MEDIA_ROOM];
    size_t media_n;
};
enum rc posts_base_load(struct db *db, uint64_t workspace_id,
                        const struct post_content *content, struct post_base *out,
                        struct err *err) MUST_CHECK;
void posts_base_release(struct post_base *base);

/* --- rows that several writes write -------------------------------------------- */

/* The rows of post_media, after the old ones are gone. */
enum rc posts_add_media(struct db *db, uint64_t workspace_id, uint64_t post_id,
                        const struct post_content *content, struct err *err) MUST_CHECK;

/* post.consent: who agreed to what, when, to which version of the content. */
enum { POST_CONSENT_SIZE = 200 };
void posts_write_consent(const struct actor *actor, const struct post_content *content,
                         uint32_t content_ver, int64_t now_ms,
                         char out[POST_CONSENT_SIZE]);

/* When a publisher must look at a post that is due at due_ms. */
int64_t posts_next_at(const struct post_content *content, int64_t bytes, int64_t due_ms,
                      int64_t now_ms);

/* Where lists show it: its time, and behind everything without one. */
int64_t posts_list_at(const struct post_content *content);

/* --- idempotency keys of actions ----------------------------------------------- */

/* Has this key been used in the last 24 h? RC_INVALID "idempotency_key_reused". */
enum rc posts_key_used(struct db *db, uint64_t workspace_id, const struct post_key *key,
                       bool *used, struct err *err) MUST_CHECK;

/* Keeps it, in the transaction of what it asked for. RC_CONFLICT "duplicate": another
 * request has kept it meanwhile. */
enum rc posts_key_keep(struct db *db, uint64_t workspace_id, const struct post_key *key,
                       struct err *err) MUST_CHECK;

#endif
