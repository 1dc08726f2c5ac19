/* conformance.h - the client against the simulator over real HTTP: what a case is.
 *
 * A case prepares the simulator through its JSON controls, sends one request as the
 * publisher builds it, through nginx, and gives the answer to the client's parser. What
 * came out is compared with what the case says, with the one table of errors, and with
 * what `ttsctl tiktok explain` prints for the same body.
 *
 * The preparation is a list of steps with "; " between them, a word and its argument:
 *
 *     "as ben.private; knob {'audited':0}; session; send; clock 60000"
 *
 * In JSON a ' stands for ", and $publish_id, $post_id, $open_id and $host for the
 * trial's. steps.c lists the words. */
#ifndef TESTS_CONFORMANCE_H
#define TESTS_CONFORMANCE_H

#include "core/attr.h"
#include "core/strbuf.h"
#include "net/http.h"
#include "tiktok/chunk.h"
#include "tiktok/oauth.h"
#include "tiktok/posting.h"
#include "tiktok/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who we are and where the simulator is: for all cases. */
struct world {
    const char *url; /* of the simulator, without a slash at its end */
    struct tiktok_app app;
    struct http *http;
    struct host *host; /* of ours, on which the simulator calls */
    int video;         /* a sparse file, larger than one chunk may be */
};

struct a_case {
    const char *name;
    const char *endpoint; /* of `ttsctl tiktok explain`, or "refresh", "authorize" */
    const char *prep;     /* steps before the request */
    int http;             /* the status the answer has; 0: no answer came */
    const char *class, *code;
    const char *reason; /* of the row whose sentence and next step are due; NULL: none */
    const char *also;   /* JSON of members that the explanation must have; or NULL */
    const char *then;   /* steps afterwards: what is true at the simulator; or NULL */
};

/* An answer, or why there is none. */
struct wire_answer {
    enum rc rc;
    struct err err;
    int status;
    int64_t retry_after_ms;
    char content_range[64];
    char log_id[HTTP_LOG_ID_SIZE];
    struct strbuf body;
};

enum { TEXT_SIZE = 2048 };

/* One case at work. */
struct trial {
    const struct world *world;
    const struct a_case *c;

    /* who asks */
    char who[64], scopes[TIKTOK_SCOPES_MAX];
    bool permitted;
    struct tiktok_tokens tokens, kept;
    char bearer[TIKTOK_TOKEN_MAX + 1]; /* what is sent; "" : no header at all */
    struct tiktok_app app;
    char code[TIKTOK_CODE_MAX + 1], verifier[129];
    char app_text[TEXT_SIZE];           /* a changed key, secret or redirect address */
    char app_key[128], app_secret[512]; /* of an app of the case's own; "": none */

    /* what is asked */
    int64_t size, chunk_size; /* of the video; 0: as the client plans it */
    int64_t chunk;
    struct tiktok_chunk_plan plan;
    struct tiktok_session session;
    struct tiktok_video_post post;
    char post_id[TIKTOK_POST_ID_MAX + 1];
    char pull_url[TEXT_SIZE];
    char photo_url[TEXT_SIZE];
    bool photo_draft, music;
    char body[4 * TEXT_SIZE], path[TEXT_SIZE], title[8192], type[64];
    int64_t cursor_ms;
    int repeat; /* the same request so often before the one that counts */
    int timeout_ms;

    /* what came of it */
    struct wire_answer answer;
    struct strbuf event; /* the body of a webhook */
    char signature[256];
    enum rc rc;
    struct err err;
    struct tiktok_reply reply;
    bool elsewhere; /* the upload would go to a host that is not ours */
    const struct tiktok_error *failure; /* of a post that failed */
    json_t *facts;                      /* what the client read, in explain's names */
    int problems;
};

/* Says what is wrong with the case at hand and counts it. */
void trial_problem(struct trial *t, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Ends the run: without this no case means anything. */
NORETURN void give_up(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* --- world.c ------------------------------------------------------------------- */

/* Sends and waits. The caller wipes out->body. */
void wire_send(const struct world *w, const struct http_request *req,
               struct wire_answer *out);

/* A control of the simulator; json may be NULL. Gives up unless it answers 2xx. The
 * result is the caller's. */
json_t *control(const struct world *w, const char *method, const char *path,
                const char *json);

/* A browser's visit, form NULL for a page: the status, and where it is sent on to. */
int browse(const char *url, const char *form, char *location, size_t size);

/* --- host.c -------------------------------------------------------------------- */

/* Takes webhooks at any path and answers 200; gives files below /ok/, none below /gone/,
 * and sends on below /moved/. */
struct host *host_start(void);
void host_stop(struct host *h);
const char *host_url(const struct host *h);

/* Passes over what has been heard so far. */
void host_forget(struct host *h);

/* Waits for the next webhook in whose body the word is, and appends its body. False: none
 * came within some seconds. */
bool host_heard(struct host *h, const char *word, struct strbuf *body, char *signature,
                size_t size);

/* --- ttsctl.c ------------------------------------------------------------------ */

/* The result of `ttsctl ARGS < body`, a JSON object for json_decref(). args ends with
 * NULL. */
json_t *ttsctl(const struct trial *t, const char *const *args, const struct strbuf *body);

/* --- steps.c ------------------------------------------------------------------- */

/* Does the steps one by one; a word that is not there ends the run. */
void steps_run(struct trial *t, const char *steps);

/* Tokens for the trial's person and scopes, without the page of consent. */
void steps_permit(struct trial *t);

/* Text with ' for " and the trial's words for $words; the caller releases out. */
void expand(const struct trial *t, const char *text, struct strbuf *out);

/* --- ask.c --------------------------------------------------------------------- */

/* Sends the trial's request to an endpoint and reads the answer, as the publisher would;
 * judging is the caller's. The endpoint may be another one than the case's. */
void ask(struct trial *t, const char *endpoint);

/* --- judge.c ------------------------------------------------------------------- */

/* Compares what came with what is due. */
void judge(struct trial *t);

/* --- the cases ----------------------------------------------------------------- */

/* A group of cases: calls run() for each of its own. */
typedef void (*run_fn)(void *ctx, const struct a_case *c);
/* A reason that TikTok gives for a failed publication, and what we make of it. */
struct fate {
    const char *fail_reason, *reason, *class;
};
enum { FATES = 13 };
extern const struct fate fates[FATES]; /* of both status and webhooks: cases_status.c */

void cases_across(run_fn run, void *ctx);
void cases_oauth(run_fn run, void *ctx);
void cases_display(run_fn run, void *ctx);
void cases_posting(run_fn run, void *ctx);
void cases_status(run_fn run, void *ctx);
void cases_upload(run_fn run, void *ctx);
void cases_apps(run_fn run, void *ctx);
void cases_pull(run_fn run, void *ctx);
void cases_webhook(run_fn run, void *ctx);

#endif
