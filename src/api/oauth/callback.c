/* GET /api/auth/tiktok/callback - TikTok sends the browser back here.
 *
 * The answer is always a redirect to one of our own pages, whatever happened, since a
 * person looks at it: so this handler puts its failures into the address and logs them
 * itself. Nothing of the query is ever shown or logged but TikTok's words for a refusal.
 * (Referrer-Policy: no-referrer comes from nginx, with every answer.)
 *
 * The state is used up before anything else is done with the code, so a repeated or
 * stolen query can never be traded twice. */
#include "../accounts/accounts.h"
#include "../accounts/ask.h"
#include "core/log.h"
#include "core/parse.h"
#include "crypto/digest.h"
#include "oauth.h"
#include "store/oauth.h"
#include "tiktok/errors.h"
#include "tiktok/oauth.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    STATE_SIZE = 129, /* ours has 43 characters; the contract's limit and a NUL */
    WORD_SIZE = 129,
};

/* What TikTok sent: a code, or a word for why not. */
struct back {
    char state[STATE_SIZE];
    char code[TIKTOK_CODE_MAX + 1];
    char error[WORD_SIZE], error_type[WORD_SIZE];
};

/* What became of it. */
struct outcome {
    uint64_t account_id; /* connected */
    const char *error;   /* or not: a CallbackError of the contract */
};

static struct outcome failed(const char *error)
{
    return (struct outcome){.error = error};
}

/* --- the query --------------------------------------------------------------------- */

/* True when the parameter is absent (then "") or fits. */
static bool read_one(const struct web_request *web, const char *name, char *out,
                     size_t size)
{
    struct err ignored; /* whatever is wrong with it: TikTok did not send this */
    bool found = false;

    out[0] = '\0';
    return web_query(web, name, out, size, &found, &ignored) == RC_OK;
}

/* False for a query that TikTok would not send. */
static bool read_back(const struct web_request *web, struct back *b)
{
    bool has_code, has_error;

    if (!read_one(web, "state", b->state, sizeof(b->state)) ||
        !read_one(web, "code", b->code, sizeof(b->code)) ||
        !read_one(web, "error", b->error, sizeof(b->error)) ||
        !read_one(web, "error_type", b->error_type, sizeof(b->error_type)))
        return false;
    if (b->error[0] == '\0' && !read_one(web, "errCode", b->error, sizeof(b->error)))
        return false;
    has_code = b->code[0] != '\0';
    has_error = b->error[0] != '\0';
    return b->state[0] != '\0' && has_code != has_error;
}

/* --- the state --------------------------------------------------------------------- */

static enum rc take(struct api *api, const struct api_request *req, const struct back *b,
                    struct oauth_taken *taken, struct err *err)
{
    unsigned char state_hash[DIGEST_SHA256_SIZE];
    const struct oauth_back back = {.key = {.workspace_id = req->who.workspace_id,
                                            .user_id = req->who.user_id,
                                            .session_hash = req->who.session_hash,
                                            .state_hash = state_hash},
                                    .code = b->code[0] != '\0' ? b->code : NULL,
                                    .wait_ms = ASK_TASK_MS};

    digest_sha256(b->state, strlen(b->state), state_hash);
    return oauth_take(api->db, &back, taken, err);
}

static const char *error_of_fate(enum oauth_fate fate)
{
    switch (fate) {
    case OAUTH_EXPIRED:
        return "state_expired";
    case OAUTH_REUSED:
        return "state_reused";
    case OAUTH_UNKNOWN:
    case OAUTH_TAKEN:
        break;
    }
    return "state_invalid";
}

/* --- TikTok refused ---------------------------------------------------------------- */

/* The error table knows TikTok's codes; what it does not know may be the name of a
 * parameter that TikTok's page objected to. */
static const char *error_of_words(const struct back *b)
{
    const char *error =
        account_connect_error(tiktok_callback_error(b->error, b->error_type)->reason);

    if (strcmp(error, "unknown") == 0)
        error = account_connect_error(b->error_type);
    return strcmp(error, "unknown") == 0 ? account_connect_error(b->error) : error;
}

static enum rc take_refusal(struct api *api, const struct api_request *req,
                            const struct back *b, struct outcome *out, struct err *err)
{
    char error[WORD_SIZE], error_type[WORD_SIZE];
    struct oauth_taken taken;
    enum rc rc = take(api, req, b, &taken, err);

    if (rc != RC_OK)
        return rc;
    *out =
        failed(taken.fate == OAUTH_TAKEN ? error_of_words(b) : error_of_fate(taken.fate));
    if (taken.fate == OAUTH_TAKEN)
        log_warn("oauth.refused", "error=\"%s\" type=\"%s\" shown=%s",
                 log_quote(b->error, error, sizeof(error)),
                 log_quote(b->error_type, error_type, sizeof(error_type)), out->error);
    return RC_OK;
}

/* --- TikTok agreed ----------------------------------------------------------------- */

static enum rc read_account_id(const char *result, uint64_t *account_id, struct err *err)
{
    json_t *doc = result != NULL ? json_loads(result, 0, NULL) : NULL;
    const char *id = json_string_value(json_object_get(doc, "account_id"));
    bool good = id != NULL && parse_id(id, account_id);

    json_decref(doc);
    if (good)
        return RC_OK;
    return err_set(err, RC_BUG, "exchange_result_unreadable",
                   "The publisher connected the account but did not say which.");
}

/* The exchange has ended. */
static enum rc conclude(struct api *api, const struct api_request *req,
                        const struct task_result *result, struct outcome *out,
                        struct err *err)
{
    struct actor actor = accounts_actor(req);
    uint64_t account_id = 0;
    enum rc rc;

    if (result->state != TASK_DONE) {
        *out = failed(account_connect_error(result->code));
        log_warn("oauth.exchange_failed", "code=%s shown=%s", result->code, out->error);
        return RC_OK;
    }
    rc = read_account_id(result->result, &account_id, err);
    if (rc != RC_OK)
        return rc;
    *out = (struct outcome){.account_id = account_id};
    /* It is connected, whether or not this line can be written. */
    if (audit_add(api->db, &actor, "account.connect", account_id, "", err) != RC_OK)
        log_failure("oauth.audit_failed", err);
    return RC_OK;
}

static enum rc exchange(struct api *api, const struct api_request *req,
                        const struct back *b, struct outcome *out, struct err *err)
{
    struct task_result result = {0};
    struct oauth_taken taken;
    struct err ignored; /* the code is worthless in minutes anyway */
    enum rc rc = take(api, req, b, &taken, err);

    if (rc != RC_OK)
        return rc;
    if (taken.fate != OAUTH_TAKEN) {
        *out = failed(error_of_fate(taken.fate));
        return RC_OK;
    }
    rc = ask_wait(api, req->who.workspace_id, taken.task_id, &result, err);
    if (rc == RC_OK)
        rc = conclude(api, req, &result, out, err);
    else if (oauth_forget(api->db, req->who.workspace_id, taken.txn_id, &ignored) !=
             RC_OK)
        log_failure("oauth.forget_failed", &ignored);
    task_result_release(&result);
    return rc;
}

static enum rc take_code(struct api *api, const struct api_request *req,
                         const struct back *b, struct outcome *out, struct err *err)
{
    enum rc rc = ask_begin(err);

    if (rc != RC_OK)
        return rc; /* the state stays good: the same address works again in a moment */
    rc = exchange(api, req, b, out, err);
    ask_end();
    return rc;
}

/* --- the answer -------------------------------------------------------------------- */

static struct outcome decide(struct api *api, const struct api_request *req,
                             const struct back *b)
{
    struct outcome out;
    struct err err;
    enum rc rc = b->error[0] != '\0' ? take_refusal(api, req, b, &out, &err)
                                     : take_code(api, req, b, &out, &err);

    if (rc == RC_OK)
        return out;
    log_failure("oauth.callback_failed", &err);
    return failed(account_connect_error(err.code));
}

/* A state belongs to a session: no session, or a person who may not do this any more, and
 * it is nobody's. */
static bool may_finish(const struct api_caller *who)
{
    return who->user_id != 0 && who->token_id == 0 && role_may_manage(who->role);
}

enum rc oauth_callback(struct api *api, const struct api_request *req,
                       struct web_response *res, struct err *err UNUSED)
{
    char location[64];
    struct back back;
    struct outcome out = failed("state_invalid");

    if (read_back(req->web, &back) && may_finish(&req->who))
        out = decide(api, req, &back);
    explicit_bzero(&back, sizeof(back));
    if (out.error != NULL)
        (void)snprintf(location, sizeof(location), "/accounts?error=%s", out.error);
    else
        (void)snprintf(location, sizeof(location), "/accounts?connected=%" PRIu64,
                       out.account_id);
    web_header_add(res, "Cache-Control", "no-store");
    web_empty(res, 303, location);
    return RC_OK;
}
