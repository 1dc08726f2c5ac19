/* TASK_EXCHANGE_CODE: the code that a person brought back from TikTok becomes an
 * account with tokens. */
#include "../tokens/tokens.h"
#include "core/fault.h"
#include "core/jsonw.h"
#include "core/log.h"
#include "core/parse.h"
#include "core/text.h"
#include "core/xalloc.h"
#include "errand.h"
#include "errand_priv.h"
#include "store/account_tokens.h"
#include "tiktok/user.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

enum { FORM_MAX = 16384, PATH_MAX_LEN = 512, JSON_MAX = 16384 };

/* One connection on its way; holds secrets. */
struct connect {
    uint64_t txn_id;
    struct connect_txn txn;
    struct tiktok_tokens tokens;
    struct tiktok_user user;
    struct tiktok_creator creator;
    bool creator_known;
    uint64_t account_id;
    bool reconnected;
};

static enum rc read_payload(const char *payload, uint64_t *txn_id, struct err *err)
{
    json_t *root = json_loads(payload, JSON_REJECT_DUPLICATES, NULL);
    const char *text = json_string_value(json_object_get(root, "txn_id"));
    bool good = text != NULL && parse_id(text, txn_id);

    json_decref(root);
    if (!good)
        return err_set(err, RC_BUG, "oauth_failed", "The task names no sign-in.");
    return RC_OK;
}

/* --- the exchange -------------------------------------------------------------- */

/* What a refused exchange is called for the one who waits (store/tasks.h). */
static enum rc name_refusal(const struct tiktok_reply *reply, struct err *err)
{
    static const struct {
        const char *reason, *code;
    } names[] = {
        {"oauth_code_expired", "code_expired"},
        {"app_credentials_wrong", "client_invalid"},
        {"redirect_uri_mismatch", "redirect_mismatch"},
        {"pkce_mismatch", "verifier_mismatch"},
        {"scope_not_approved", "missing_scope"},
    };
    const struct tiktok_error *e = reply->error;
    const char *code = e->class == TIKTOK_RETRY ? "tiktok_unavailable" : "oauth_failed";

    errand_log_refusal("connect.refused", reply);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i].reason, e->reason) == 0)
            code = names[i].code;
    }
    return err_set(err, tiktok_error_rc(e), code, "%s", e->sentence);
}

static enum rc no_answer(struct err *err)
{
    log_failure("connect.no_answer", err);
    return err_set(err, RC_UNAVAILABLE, "tiktok_unavailable", "TikTok does not answer.");
}

static enum rc exchange(const struct errand *e, struct connect *c, struct err *err)
{
    struct tiktok_app app = e->p->settings->app;
    struct strbuf body;
    const struct token_call post = {
        .path = TIKTOK_PATH_TOKEN, .type = TIKTOK_FORM_TYPE, .body = &body};
    struct http_response res;
    struct tiktok_answer answer;
    struct tiktok_reply reply;
    enum rc rc;

    app.redirect_uri = c->txn.redirect_uri; /* as it was sent on the way out */
    strbuf_init(&body, FORM_MAX);
    tiktok_exchange_body(&app, c->txn.code, c->txn.verifier, &body);
    rc = tokens_call(e->p, &post, &res, err);
    strbuf_wipe(&body);
    if (rc != RC_OK)
        return no_answer(err);
    answer = call_answer(&res);
    rc = tiktok_tokens_parse(TIKTOK_IN_EXCHANGE, &answer, &reply, &c->tokens, err);
    strbuf_wipe(&res.body);
    if (rc != RC_OK)
        return name_refusal(&reply, err);
    /* TikTok's pages promise it. Without it the account would be lost within hours. */
    if (c->tokens.refresh_token[0] == '\0') {
        log_warn("connect.no_refresh_token", "log_id=%s", reply.log_id);
        return err_set(err, RC_REJECTED, "no_refresh_token",
                       "TikTok's answer held no refresh token.");
    }
    if (c->tokens.scopes[0] == '\0') /* not said: what was asked for */
        text_copy(c->tokens.scopes, sizeof(c->tokens.scopes), c->txn.scopes);
    return RC_OK;
}

/* People may untick permissions on TikTok's page; without any to post, the connection is
 * of no use. */
static enum rc check_scopes(const struct connect *c, struct err *err)
{
    if (tiktok_scopes_have(c->tokens.scopes, "video.publish") ||
        tiktok_scopes_have(c->tokens.scopes, "video.upload"))
        return RC_OK;
    return err_set(err, RC_DENIED, "missing_scope",
                   "The permission to post was not granted on TikTok's page.");
}

/* --- who it is ----------------------------------------------------------------- */

/* Name and picture. They are worth one question; an account without them works too. */
static void ask_user(const struct errand *e, struct connect *c)
{
    struct strbuf path;
    struct token_call get = {.token = c->tokens.access_token};
    struct http_response res;
    struct tiktok_answer answer;
    struct tiktok_reply reply;
    struct err err;

    strbuf_init(&path, PATH_MAX_LEN);
    tiktok_user_path(c->tokens.scopes, &path);
    get.path = path.buf;
    if (tokens_call(e->p, &get, &res, &err) != RC_OK) {
        log_failure("connect.no_user_info", &err);
    } else {
        answer = call_answer(&res);
        if (tiktok_user_parse(&answer, &reply, &c->user, &err) != RC_OK)
            errand_log_refusal("connect.no_user_info", &reply);
        strbuf_wipe(&res.body);
    }
    strbuf_release(&path);
}

/* The handle, which user.info.basic does not give, and what the account may do. */
static void ask_creator(const struct errand *e, struct connect *c)
{
    struct err err;
    bool denied;

    if (!tiktok_scopes_have(c->tokens.scopes, "video.publish"))
        return;
    c->creator_known = errand_ask_creator(e, c->tokens.access_token, &denied, &c->creator,
                                          &err) == RC_OK;
}

static const char *either(const char *a, const char *b)
{
    return a[0] != '\0' ? a : b;
}

/* --- keeping it ---------------------------------------------------------------- */

static enum rc store_account(const struct errand *e, struct connect *c, struct err *err)
{
    const struct connect_profile profile = {
        .workspace_id = c->txn.workspace_id,
        .user_id = c->txn.user_id,
        .open_id = c->tokens.open_id,
        .union_id = c->user.union_id,
        .username = either(c->creator.username, c->user.username),
        .display_name = either(c->user.display_name, c->creator.nickname),
        .avatar_url = either(c->user.avatar_url, c->creator.avatar_url),
        .scopes = c->tokens.scopes,
    };

    return connect_account(e->kit->db, &profile, &c->account_id, &c->reconnected, err);
}

static enum rc store_tokens(const struct errand *e, const struct connect *c,
                            struct err *err)
{
    uint64_t workspace_id = c->txn.workspace_id;
    struct token_pair pair;
    enum rc rc = tokens_seal(e->p, workspace_id, c->account_id, &c->tokens, &pair, err);

    if (rc == RC_OK)
        rc = connect_tokens(e->kit->db, workspace_id, c->account_id, &pair, err);
    if (rc == RC_UNCERTAIN) /* the same once more does no harm */
        rc = connect_tokens(e->kit->db, workspace_id, c->account_id, &pair, err);
    explicit_bzero(&pair, sizeof(pair));
    return rc;
}

/* What follows a connection and does not decide about it. */
static void follow_up(struct errand *e, struct connect *c)
{
    struct strbuf json;
    struct err err;

    strbuf_init(&json, JSON_MAX);
    if (c->creator_known &&
        errand_store_creator(e, c->account_id, &c->creator, &json, &err) != RC_OK)
        log_failure("connect.creator_not_stored", &err);
    strbuf_release(&json);
    e->avatar_account = c->account_id;
    text_copy(e->avatar_url, sizeof(e->avatar_url),
              either(c->user.avatar_url, c->creator.avatar_url));
}

static void write_result(const struct connect *c, struct strbuf *out)
{
    struct strbuf missing;
    struct jsonw w;

    strbuf_init(&missing, TIKTOK_SCOPES_MAX);
    tiktok_scopes_missing(c->txn.scopes, c->tokens.scopes, &missing);
    jsonw_init(&w, out);
    jsonw_object(&w);
    jsonw_key_id(&w, "account_id", c->account_id);
    jsonw_key_bool(&w, "reconnected", c->reconnected);
    jsonw_key(&w, "missing_scopes");
    jsonw_array(&w);
    for (const char *p = missing.buf; *p != '\0';) {
        size_t len = strcspn(p, ",");

        jsonw_text_len(&w, p, len);
        p += p[len] == ',' ? len + 1 : len;
    }
    jsonw_end(&w);
    jsonw_end(&w);
    strbuf_release(&missing);
}

static enum rc connect(struct errand *e, struct connect *c, struct err *err)
{
    enum rc rc = exchange(e, c, err);

    if (rc == RC_OK)
        rc = check_scopes(c, err);
    if (rc != RC_OK)
        return rc;
    FAULT_POINT("connect.after_exchange");
    ask_user(e, c);
    ask_creator(e, c);
    rc = store_account(e, c, err);
    if (rc == RC_OK)
        rc = store_tokens(e, c, err);
    if (rc != RC_OK)
        return rc;
    FAULT_POINT("connect.after_commit");
    log_info("connect.done", "account=%" PRIu64 " reconnected=%d", c->account_id,
             c->reconnected);
    follow_up(e, c);
    write_result(c, e->out);
    return RC_OK;
}

enum rc errand_connect(struct errand *e, struct err *err)
{
    struct connect *c = xcalloc(1, sizeof(*c));
    struct err ignored;
    enum rc rc = read_payload(e->task->payload, &c->txn_id, err);

    if (rc == RC_OK)
        rc = connect_txn_load(e->kit->db, e->task->workspace_id, c->txn_id, &c->txn, err);
    if (rc == RC_NOT_FOUND)
        rc = err_set(err, RC_REJECTED, "code_expired",
                     "The sign-in at TikTok took too long or was used twice.");
    else if (rc == RC_OK)
        rc = connect(e, c, err);
    /* The code is spent, or nobody waits for it any more. */
    if (c->txn.workspace_id != 0 &&
        connect_txn_wipe(e->kit->db, c->txn.workspace_id, c->txn_id, &ignored) != RC_OK)
        log_failure("connect.not_wiped", &ignored);
    explicit_bzero(c, sizeof(*c));
    free(c);
    return rc;
}
