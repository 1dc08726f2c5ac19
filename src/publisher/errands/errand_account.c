/* Errands for an account that is connected: what it may do, new tokens, the end. */
#include "../nap.h"
#include "../tokens/tokens.h"
#include "core/fault.h"
#include "core/log.h"
#include "core/text.h"
#include "errand.h"
#include "errand_priv.h"
#include "queue/queue.h"
#include "store/account_tokens.h"
#include "tiktok/creator.h"

#include <inttypes.h>
#include <string.h>

enum {
    RATION_WAIT_MS = 3000, /* what a person may be kept waiting for the rate window */
    REVOKE_TRIES = 5,      /* then the tokens are wiped without TikTok's consent */
    REVOKE_RETRY_MS = 30000,
    FORM_MAX = 16384,
};

void errand_log_refusal(const char *event, const struct tiktok_reply *reply)
{
    char message[256];

    log_warn(event, "http=%d code=%s class=%s reason=%s log_id=%s msg=\"%s\"",
             reply->http_status, reply->code, tiktok_class_name(reply->error->class),
             reply->error->reason, reply->log_id,
             log_quote(reply->message, message, sizeof(message)));
}

/* --- creator_info -------------------------------------------------------------- */

/* What a refusal of creator_info is called for the one who waits. */
static enum rc name_refusal(const struct tiktok_reply *reply, struct err *err)
{
    const struct tiktok_error *e = reply->error;

    errand_log_refusal("creator.refused", reply);
    switch (e->class) {
    case TIKTOK_REFRESH:
        return err_set(err, RC_DENIED, "reconnect_needed", "%s", e->sentence);
    case TIKTOK_RECONNECT:
        return err_set(err, RC_DENIED, "missing_scope", "%s", e->sentence);
    case TIKTOK_RETRY:
        return err_set(err, RC_UNAVAILABLE,
                       e->wait_s > 0 ? "tiktok_limited" : "tiktok_unavailable", "%s",
                       e->sentence);
    case TIKTOK_LATER:
    case TIKTOK_FIX_INPUT:
    case TIKTOK_OPERATOR:
    case TIKTOK_NEVER:
        break;
    }
    return err_set(err, RC_REJECTED,
                   reply->code[0] != '\0' ? reply->code : "tiktok_unavailable", "%s %s",
                   e->sentence, e->next_step);
}

enum rc errand_ask_creator(const struct errand *e, const char *token, bool *denied,
                           struct tiktok_creator *creator, struct err *err)
{
    struct strbuf body;
    const struct token_call c = {.path = TIKTOK_PATH_CREATOR,
                                 .type = TIKTOK_JSON_TYPE,
                                 .body = &body,
                                 .token = token};
    struct http_response res;
    struct tiktok_answer answer;
    struct tiktok_reply reply;
    enum rc rc;

    *denied = false;
    strbuf_init(&body, sizeof(TIKTOK_CREATOR_BODY));
    strbuf_addstr(&body, TIKTOK_CREATOR_BODY);
    rc = tokens_call(e->p, &c, &res, err);
    strbuf_release(&body);
    if (rc != RC_OK) {
        log_failure("creator.no_answer", err);
        return err_set(err, RC_UNAVAILABLE, "tiktok_unavailable",
                       "TikTok does not answer.");
    }
    answer = call_answer(&res);
    rc = tiktok_creator_parse(&answer, &reply, creator, err);
    strbuf_wipe(&res.body);
    if (rc == RC_OK)
        return RC_OK;
    *denied = reply.error->class == TIKTOK_REFRESH;
    return name_refusal(&reply, err);
}

/* Waits for the account's turn in the rate window, if that is soon. Without Redis TikTok
 * counts for itself. */
static enum rc wait_for_turn(const struct errand *e, uint64_t account_id, struct err *err)
{
    int64_t wait_ms = 0;
    struct err ignored;

    if (queue_ring_pass(e->kit->redis, QUEUE_RING_CREATOR, account_id, &wait_ms,
                        &ignored) != RC_OK ||
        wait_ms == 0)
        return RC_OK;
    if (wait_ms <= RATION_WAIT_MS) {
        nap(wait_ms);
        if (queue_ring_pass(e->kit->redis, QUEUE_RING_CREATOR, account_id, &wait_ms,
                            &ignored) != RC_OK ||
            wait_ms == 0)
            return RC_OK;
    }
    return err_set(err, RC_LIMITED, "tiktok_limited",
                   "TikTok asks for a pause between requests.");
}

enum rc errand_store_creator(struct errand *e, uint64_t account_id,
                             const struct tiktok_creator *creator, struct strbuf *json,
                             struct err *err)
{
    struct creator_snapshot snapshot = {.username = creator->username,
                                        .nickname = creator->nickname,
                                        .avatar_url = creator->avatar_url};

    tiktok_creator_write(creator, json);
    if (strbuf_failed(json))
        return err_set(err, RC_BUG, "result_too_long", "The answer is too long.");
    snapshot.json = json->buf; /* where it is now */
    e->avatar_account = account_id;
    text_copy(e->avatar_url, sizeof(e->avatar_url), creator->avatar_url);
    return account_creator_store(e->kit->db, account_id, &snapshot, err);
}

/* Asks, and once more with a newer token when TikTok no longer takes the first. */
static enum rc ask_twice(const struct errand *e, struct token_want *want,
                         struct token *token, struct tiktok_creator *creator,
                         struct err *err)
{
    bool denied = false;
    enum rc rc = tokens_get(e->p, e->kit, want, token, err);

    if (rc == RC_OK)
        rc = wait_for_turn(e, want->account_id, err);
    if (rc == RC_OK)
        rc = errand_ask_creator(e, token->text, &denied, creator, err);
    if (!denied)
        return rc;
    want->version = token->version;
    rc = tokens_get(e->p, e->kit, want, token, err);
    if (rc == RC_OK)
        rc = errand_ask_creator(e, token->text, &denied, creator, err);
    return rc;
}

enum rc errand_creator(struct errand *e, struct err *err)
{
    struct token_want want = {.account_id = e->task->account_id, .inc = e->inc};
    struct token token = {0};
    struct tiktok_creator creator;
    enum rc rc = ask_twice(e, &want, &token, &creator, err);

    explicit_bzero(&token, sizeof(token));
    if (rc == RC_OK)
        rc = errand_store_creator(e, want.account_id, &creator, e->out, err);
    else if (rc == RC_UNAVAILABLE && strcmp(err->code, "tiktok_limited") != 0)
        text_copy(err->code, sizeof(err->code), "tiktok_unavailable");
    return rc;
}

/* --- refresh ------------------------------------------------------------------- */

enum rc errand_refresh(struct errand *e, struct err *err)
{
    const struct token_want want = {.account_id = e->task->account_id, .inc = e->inc};
    enum rc rc = tokens_refresh(e->p, e->kit, &want, err);

    if (rc == RC_OK)
        strbuf_addstr(e->out, "{}");
    else if (rc == RC_UNAVAILABLE)
        text_copy(err->code, sizeof(err->code), "tiktok_unavailable");
    return rc;
}

/* --- revoke -------------------------------------------------------------------- */

static enum rc ask_to_revoke(const struct errand *e, const char *token, struct err *err)
{
    struct strbuf body;
    const struct token_call c = {
        .path = TIKTOK_PATH_REVOKE, .type = TIKTOK_FORM_TYPE, .body = &body};
    struct http_response res;
    struct tiktok_answer answer;
    struct tiktok_reply reply;
    enum rc rc;

    strbuf_init(&body, FORM_MAX);
    tiktok_revoke_body(&e->p->settings->app, token, &body);
    rc = tokens_call(e->p, &c, &res, err);
    strbuf_wipe(&body);
    if (rc != RC_OK) {
        log_failure("revoke.no_answer", err);
        return rc;
    }
    answer = call_answer(&res);
    rc = tiktok_revoke_parse(&answer, &reply, err);
    if (rc != RC_OK)
        errand_log_refusal("revoke.refused", &reply);
    strbuf_wipe(&res.body);
    return rc;
}

/* An account that was connected again meanwhile keeps its tokens: they are newer than the
 * wish to be rid of them. */
static enum rc open_for_revoke(const struct errand *e, char *token, bool *there,
                               struct err *err)
{
    struct account_token row = {0};
    enum rc rc = account_token_load(e->kit->db, e->task->account_id, &row, err);

    *there = rc == RC_OK && row.status == ACCOUNT_DISCONNECTED;
    if (*there && tokens_open(e->p, &row, "access_tok", token, err) != RC_OK) {
        log_failure("revoke.unreadable", err);
        token[0] = '\0';
    }
    explicit_bzero(&row, sizeof(row));
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc errand_revoke(struct errand *e, struct err *err)
{
    char token[TIKTOK_TOKEN_MAX + 1] = "";
    bool there = false;
    enum rc rc = open_for_revoke(e, token, &there, err);

    if (rc == RC_OK && there && token[0] != '\0')
        rc = ask_to_revoke(e, token, err);
    explicit_bzero(token, sizeof(token));
    if (rc != RC_OK && rc != RC_REJECTED && e->task->fails < REVOKE_TRIES) {
        e->retry_ms = REVOKE_RETRY_MS;
        return rc;
    }
    if (there)
        rc = account_token_wipe(e->kit->db, e->task->account_id, err);
    if (rc == RC_OK)
        strbuf_addstr(e->out, "{}");
    return rc;
}
