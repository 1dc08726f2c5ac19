/* POST /api/auth/tiktok/start - where to send the browser to connect an account.
 *
 * The state is the primary defence (docs/security.md): 256 random bits that only this
 * answer and TikTok's redirect carry; the database knows their hash and the session they
 * belong to. PKCE comes on top. */
#include "../accounts/accounts.h"
#include "core/encode.h"
#include "core/strbuf.h"
#include "crypto/pkce.h"
#include "oauth.h"
#include "store/oauth.h"
#include "tiktok/oauth.h"

#include <string.h>

enum {
    STATE_BYTES = 32,
    STATE_TEXT_MAX = 43, /* base64url of them */
    URL_MAX = 4096,
    AGAIN_MS = 300000, /* Retry-After while the operator has yet to fill in the keys */
};

static enum rc check_possible(const struct api *api, const struct api_request *req,
                              struct err *err)
{
    const struct api_settings *s = api->settings;

    if (req->who.token_id != 0)
        return err_set(err, RC_DENIED, "forbidden",
                       "Connecting an account needs a browser that is signed in here.");
    if (s->client_key == NULL || s->redirect_uri == NULL)
        return err_retry(err, RC_UNAVAILABLE, AGAIN_MS, "tiktok_not_configured",
                         "TIKTOK_CLIENT_KEY and TIKTOK_REDIRECT_URI are not set; "
                         "docs/tiktok-setup.md says where they come from.");
    return RC_OK;
}

/* "account_id" of the body, which must be the workspace's own. It does not bind: when the
 * person comes back with another account, the contract adds that one beside it. */
static enum rc check_target(struct api *api, const struct api_request *req,
                            struct err *err)
{
    static const char *const known[] = {"account_id", NULL};
    struct account account;
    uint64_t account_id = 0;
    enum rc rc = api_json_known(req->json, known, err);

    if (rc == RC_OK)
        rc = api_json_id(req->json, "account_id", false, &account_id, err);
    if (rc == RC_OK && account_id != 0)
        rc = account_load(api->db, req->who.workspace_id, account_id, &account, err);
    return rc;
}

static enum rc remember(struct api *api, const struct api_request *req,
                        const struct strbuf *state, const char *verifier, struct err *err)
{
    unsigned char state_hash[DIGEST_SHA256_SIZE];
    const struct oauth_begin begin = {
        .key = {.workspace_id = req->who.workspace_id,
                .user_id = req->who.user_id,
                .session_hash = req->who.session_hash,
                .state_hash = state_hash},
        .verifier = verifier,
        .redirect_uri = api->settings->redirect_uri,
        .scopes = api->settings->scopes,
    };

    digest_sha256(state->buf, state->len, state_hash);
    return oauth_begin(api->db, &begin, err);
}

static void answer(const struct api *api, struct web_response *res, const char *state,
                   const char *verifier)
{
    const struct api_settings *s = api->settings;
    char challenge[PKCE_CHALLENGE_SIZE];
    const struct tiktok_app app = {.client_key = s->client_key,
                                   .redirect_uri = s->redirect_uri};
    const struct tiktok_authorize authorize = {.auth_url = s->auth_url,
                                               .scopes = s->scopes,
                                               .state = state,
                                               .code_challenge = challenge};
    struct strbuf url;
    struct jsonw w;

    pkce_challenge(verifier, challenge);
    strbuf_init(&url, URL_MAX);
    tiktok_authorize_url(&app, &authorize, &url);
    web_json_begin(res, 200, &w);
    jsonw_object(&w);
    jsonw_key_text(&w, "authorize_url", url.buf);
    jsonw_end(&w);
    strbuf_wipe(&url);
}

enum rc oauth_start(struct api *api, const struct api_request *req,
                    struct web_response *res, struct err *err)
{
    unsigned char raw[STATE_BYTES];
    char verifier[PKCE_VERIFIER_SIZE];
    struct strbuf state;
    enum rc rc = check_possible(api, req, err);

    if (rc == RC_OK)
        rc = check_target(api, req, err);
    if (rc != RC_OK)
        return rc;
    strbuf_init(&state, STATE_TEXT_MAX);
    random_fill(api->random, raw, sizeof(raw));
    base64url_encode(&state, raw, sizeof(raw));
    pkce_verifier_new(api->random, verifier);
    rc = remember(api, req, &state, verifier, err);
    if (rc == RC_OK)
        answer(api, res, state.buf, verifier);
    explicit_bzero(verifier, sizeof(verifier));
    explicit_bzero(raw, sizeof(raw));
    strbuf_wipe(&state);
    return rc;
}
