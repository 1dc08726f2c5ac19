/* api/posts/posts.h - the handlers of posts, and what they share. */
#ifndef SRC_API_POSTS_POSTS_H
#define SRC_API_POSTS_POSTS_H

#include "../api.h"
#include "store/posts.h"

enum rc posts_handle_list(struct api *api, const struct api_request *req,
                          struct web_response *res, struct err *err) MUST_CHECK;
enum rc posts_handle_create(struct api *api, const struct api_request *req,
                            struct web_response *res, struct err *err) MUST_CHECK;
enum rc posts_handle_get(struct api *api, const struct api_request *req,
                         struct web_response *res, struct err *err) MUST_CHECK;
enum rc posts_handle_patch(struct api *api, const struct api_request *req,
                           struct web_response *res, struct err *err) MUST_CHECK;
enum rc posts_handle_delete(struct api *api, const struct api_request *req,
                            struct web_response *res, struct err *err) MUST_CHECK;
enum rc posts_handle_schedule(struct api *api, const struct api_request *req,
                              struct web_response *res, struct err *err) MUST_CHECK;
enum rc posts_handle_publish_now(struct api *api, const struct api_request *req,
                                 struct web_response *res, struct err *err) MUST_CHECK;
enum rc posts_handle_cancel(struct api *api, const struct api_request *req,
                            struct web_response *res, struct err *err) MUST_CHECK;
enum rc posts_handle_retry(struct api *api, const struct api_request *req,
                           struct web_response *res, struct err *err) MUST_CHECK;
enum rc posts_handle_duplicate(struct api *api, const struct api_request *req,
                               struct web_response *res, struct err *err) MUST_CHECK;
enum rc posts_handle_resolve(struct api *api, const struct api_request *req,
                             struct web_response *res, struct err *err) MUST_CHECK;
enum rc posts_handle_events(struct api *api, const struct api_request *req,
                            struct web_response *res, struct err *err) MUST_CHECK;
enum rc posts_handle_calendar(struct api *api, const struct api_request *req,
                              struct web_response *res, struct err *err) MUST_CHECK;

/* ?account= of a list: 0 when it is absent. RC_INVALID names it. */
enum rc posts_read_account(const struct api_request *req, uint64_t *account_id,
                           struct err *err) MUST_CHECK;

/* Who does it. Borrows the request's texts. */
struct actor posts_actor(const struct api_request *req);

/* --- showing (render.c) ------------------------------------------------------------ */

/* The post as the API shows it: one JSON object. */
void posts_write(struct jsonw *w, const struct post *post);

/* Answers with the post and its ETag; 201 with its Location. */
void posts_answer(struct web_response *res, int status, const struct post *post);

/* The same with warnings, for answers to what a person just scheduled or looks at. */
struct posts_shown {
    int status;
    const struct post *post;
};
void posts_answer_warned(struct api *api, const struct api_request *req,
                         struct web_response *res, const struct posts_shown *shown);

/* The post's warnings as a member of the object being written (warn.c). */
void posts_write_warnings(struct api *api, const struct api_request *req, struct jsonw *w,
                          const struct post *post);

/* The path of a medium's thumbnail or content: "/api/v1/media/9/thumbnail". */
enum { POSTS_PATH_SIZE = 64 };
void posts_media_path(uint64_t media_id, const char *what, char out[POSTS_PATH_SIZE]);

/* --- judging (judge.c) ------------------------------------------------------------- */

/* The ctx of posts_judge(). */
struct posts_judge {
    enum post_intent intent;
    uint64_t kept_account_id; /* its connection is not asked about; 0: any is */
    bool no_photos;           /* this installation has no MEDIA_PULL_URL */
};

/* A post_check_fn: the rules, answered as 422 with every field that is wrong; then 409
 * "reconnect_needed" when nothing can go out of the account. */
enum rc posts_judge(void *ctx, const struct post_content *content,
                    struct post_basis *basis, struct err *err);

/* --- changing (change.c) ----------------------------------------------------------- */

/* A change on its way through posts_change(): begins with these, goes on as it must. */
struct posts_deed {
    struct api *api;
    const json_t *json;  /* what to take over; NULL: nothing */
    unsigned allowed;    /* its members, of enum post_field */
    enum post_deed deed; /* CHANGE, SCHEDULE, PUBLISH_NOW or RETRY */
    unsigned has;        /* members that json had; set by the edit */
    struct posts_judge judge;
};

/* Does the deed to the post of the path, wakes a publisher and answers with the post. */
enum rc posts_do(struct api *api, const struct api_request *req, struct posts_deed *deed,
                 struct web_response *res, struct err *err) MUST_CHECK;

/* --- idempotency (key.c) ----------------------------------------------------------- */

/* The Idempotency-Key of the request: *given says whether there is one. RC_INVALID
 * "bad_request" for one that is not 1 to 200 visible ASCII characters. */
enum rc posts_key(const struct api_request *req, struct post_key *key, bool *given,
                  struct err *err) MUST_CHECK;

/* Creates the post, or finds the one that the key has made before; answers 201. */
enum rc posts_make(struct api *api, const struct api_request *req,
                   const struct post_new *in, struct web_response *res,
                   struct err *err) MUST_CHECK;

/* --- Redis (witness.c) ------------------------------------------------------------- */

/* After COMMIT: "look at the post at its time". Best effort. */
void posts_hint(struct api *api, const struct post *post);

/* Does the commit witness stand in the way of a post that is to be changed or scheduled?
 * A cancel does not: the change makes a later version than it takes back. RC_CONFLICT
 * when a session holds it that may have committed though the database does not know
 * (docs/publishing.md). */
enum rc posts_free_witness(struct api *api, const struct post *was, enum post_deed deed,
                           struct err *err) MUST_CHECK;

/* Before a cancel: takes the witness. RC_CONFLICT "too_late" when a session has it. Goes
 * on without it when Redis is away. */
enum rc posts_take_witness(struct api *api, const struct post *post,
                           struct err *err) MUST_CHECK;

/* Gives it back when the cancel was refused. */
void posts_drop_witness(struct api *api, const struct post *post);

/* A person has said that nothing is out: no session holds it any more. Best effort: it
 * ends by itself after two days. */
void posts_settle_witness(struct api *api, const struct post *post);

#endif
