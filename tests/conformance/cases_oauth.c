/* Connecting an account: the page of consent, codes, refreshes, revocation. */
#include "conformance.h"

#include <stdio.h>
#include <string.h>

#define ALLOW "user=ann.example&decision=allow&grant=user.info.basic"

/* On the page a link that is wrong gets a page that names the parameter, and no browser
 * is sent back. The class is that of the way back; a page has none but ok or operator. */
static const struct a_case authorize[] = {
    {"authorize / the page of consent", "authorize", "", 200, "ok", "", NULL, NULL, NULL},
    {"authorize / a wrong key", "authorize", "key sbawanotherkey0000", 400, "ok", "",
     NULL, NULL, "named client_key"},
    {"authorize / a redirect address with a slash more", "authorize",
     "redirect http://localhost:9/api/auth/tiktok/callback/", 400, "ok", "", NULL, NULL,
     "named redirect_uri"},
    {"authorize / another redirect address", "authorize",
     "redirect http://localhost:10/api/auth/tiktok/callback", 400, "ok", "", NULL, NULL,
     "named redirect_uri"},
    {"authorize / a scope that the app has not", "authorize",
     "scopes user.info.basic,video.delete", 400, "ok", "", NULL, NULL, "named scope"},
    {"authorize / scopes apart by spaces", "authorize",
     "scopes user.info.basic video.upload", 400, "ok", "", NULL, NULL, "named scope"},
    {"authorize / no scope", "authorize", "scopes ", 400, "ok", "", NULL, NULL,
     "named scope"},
    {"authorize / a parameter twice", "authorize", "path &state=x", 400, "ok", "", NULL,
     NULL, "named query"},
    {"authorize / everything granted", "authorize",
     "scopes user.info.basic,video.upload; body user=ann.example&decision=allow"
     "&grant=user.info.basic&grant=video.upload",
     302, "ok", "", NULL,
     "{'@state':'state-of-ours','@scopes':'user.info.basic,video.upload'}", NULL},
    {"authorize / a scope unticked", "authorize",
     "scopes user.info.basic,video.upload; body " ALLOW, 302, "ok", "", NULL,
     "{'@scopes':'user.info.basic'}", NULL},
    {"authorize / more than was asked for", "authorize",
     "scopes user.info.basic; body " ALLOW "&grant=video.publish", 302, "ok", "", NULL,
     "{'@scopes':'user.info.basic'}", NULL},
    {"authorize / refused by the person", "authorize",
     "body user=ann.example&decision=refuse", 302, "reconnect", "access_denied",
     "consent_refused", "{'@state':'state-of-ours'}", NULL},
    {"authorize / not a target user", "authorize",
     "body user=olga.outside&decision=allow&grant=user.info.basic", 302, "operator",
     "access_denied", "not_sandbox_user", "{'@error_type':'non_sandbox_target'}", NULL},
    {"authorize / unauthorized_client", "authorize",
     "fault {'endpoint':'authorize','code':'unauthorized_client'}; body " ALLOW, 302,
     "operator", "unauthorized_client", "app_credentials_wrong", NULL, NULL},
    {"authorize / invalid_client", "authorize",
     "fault {'endpoint':'authorize','code':'invalid_client'}; body " ALLOW, 302,
     "operator", "invalid_client", "app_credentials_wrong", NULL, NULL},
    {"authorize / invalid_request", "authorize",
     "fault {'endpoint':'authorize','code':'invalid_request'}; body " ALLOW, 302,
     "operator", "invalid_request", "oauth_request_refused", NULL, NULL},
    {"authorize / invalid_scope", "authorize",
     "fault {'endpoint':'authorize','code':'invalid_scope'}; body " ALLOW, 302,
     "operator", "invalid_scope", "scope_not_approved", NULL, NULL},
    {"authorize / unsupported_response_type", "authorize",
     "fault {'endpoint':'authorize','code':'unsupported_response_type'}; body " ALLOW,
     302, "operator", "unsupported_response_type", "oauth_request_refused", NULL, NULL},
    {"authorize / server_error", "authorize",
     "fault {'endpoint':'authorize','code':'server_error'}; body " ALLOW, 302, "retry",
     "server_error", "tiktok_unavailable", NULL, NULL},
    {"authorize / temporarily_unavailable", "authorize",
     "fault {'endpoint':'authorize','code':'temporarily_unavailable'}; body " ALLOW, 302,
     "retry", "temporarily_unavailable", "tiktok_unavailable", NULL, NULL},
    {"authorize / a new error", "authorize",
     "fault {'endpoint':'authorize','code':'mood_new'}; body " ALLOW, 302, "unknown",
     "mood_new", "tiktok_refused", NULL, NULL},
    {"authorize / a page of the edge", "authorize",
     "fault {'endpoint':'authorize','status':502}", 502, "ok", "", NULL, NULL, NULL},
};

static const struct a_case codes[] = {
    {"token / a code", "token", "consent", 200, "ok", "ok", NULL,
     "{'fields.open_id':'$open_id','fields.has_refresh_token':true,"
     "'fields.scope':'user.info.basic,video.upload,video.publish',"
     "'fields.missing_scopes':null}",
     NULL},
    {"token / lives of 24 h and 365 d", "token", "consent", 200, "ok", "ok", NULL,
     "{'fields.expires_in':86400,'fields.refresh_expires_in':31536000}", NULL},
    {"token / lives of 2 h and 180 d", "token",
     "knob {'access_ttl_s':7200,'refresh_ttl_s':15552000}; consent", 200, "ok", "ok",
     NULL, "{'fields.expires_in':7200,'fields.refresh_expires_in':15552000}", NULL},
    {"token / fewer scopes than asked for", "token", "consent " ALLOW, 200, "ok", "ok",
     NULL, "{'fields.missing_scopes':'video.upload,video.publish'}", NULL},
    {"token / without expires_in", "token",
     "consent; fault {'endpoint':'token','merge':{'expires_in':null}}", 200, "ok", "ok",
     NULL, "{'fields.expires_in':7200}", NULL},
    {"token / without refresh_expires_in", "token",
     "consent; fault {'endpoint':'token','merge':{'refresh_expires_in':null}}", 200, "ok",
     "ok", NULL, "{'fields.refresh_expires_in':null}", NULL},
    {"token / without scope", "token",
     "consent; fault {'endpoint':'token','merge':{'scope':null}}", 200, "ok", "ok", NULL,
     NULL, NULL},
    {"token / without token_type", "token",
     "consent; fault {'endpoint':'token','merge':{'token_type':null}}", 200, "ok", "ok",
     NULL, NULL, NULL},
    {"token / without refresh_token", "token",
     "consent; fault {'endpoint':'token','merge':{'refresh_token':null}}", 200, "ok",
     "ok", NULL, "{'fields.has_refresh_token':false}", NULL},
    {"token / numbers in quotes", "token",
     "consent; fault {'endpoint':'token','merge':{'expires_in':'86400'}}", 200, "ok",
     "ok", NULL, "{'fields.expires_in':86400}", NULL},
    {"token / a life below zero", "token",
     "consent; fault {'endpoint':'token','merge':{'expires_in':-1}}", 200, "ok", "ok",
     NULL, "{'fields.expires_in':7200}", NULL},
    {"token / a code used twice", "token", "consent; do token", 200, "reconnect",
     "invalid_grant", "oauth_code_expired", NULL, NULL},
    {"token / a code too old", "token", "consent; clock 600000", 200, "reconnect",
     "invalid_grant", "oauth_code_expired", NULL, NULL},
    {"token / a made-up code", "token", "code abc*3!6376.u1", 200, "reconnect",
     "invalid_grant", "oauth_code_expired", NULL, NULL},
    {"token / a code that was not decoded", "token", "code abc%2A3%216376.u1", 200,
     "reconnect", "invalid_grant", "oauth_code_expired", NULL, NULL},
    {"token / a made-up code and a wrong key", "token", "code x; key sbawanother", 200,
     "reconnect", "invalid_grant", "oauth_code_expired", NULL, NULL},
    {"token / a wrong secret", "token", "consent; secret wrong", 200, "operator",
     "invalid_client", "app_credentials_wrong", NULL, NULL},
    {"token / a wrong key", "token", "consent; key sbawanother", 200, "operator",
     "invalid_client", "app_credentials_wrong", NULL, NULL},
    {"token / no secret", "token", "consent; secret ", 200, "operator", "invalid_request",
     "oauth_request_refused", NULL, NULL},
    {"token / another redirect address", "token",
     "consent; redirect http://localhost:9/api/auth/tiktok/callback/", 200, "operator",
     "invalid_request", "redirect_uri_mismatch", NULL, NULL},
    {"token / another verifier", "token",
     "consent; verifier AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 200, "reconnect",
     "invalid_request", "pkce_mismatch", NULL, NULL},
    {"token / a challenge in base64url", "token",
     "title E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM; consent", 200, "reconnect",
     "invalid_request", "pkce_mismatch", NULL, NULL},
    {"token / no grant type", "token", "body client_key=x", 200, "operator",
     "invalid_request", "oauth_request_refused", NULL, NULL},
    {"token / an unknown grant type", "token", "body grant_type=password", 200,
     "operator", "unsupported_grant_type", "oauth_request_refused", NULL, NULL},
    {"token / a form as JSON", "token", "type application/json; body {}", 200, "operator",
     "invalid_request", "oauth_request_refused", NULL, NULL},
};

static const struct a_case refreshes[] = {
    {"refresh / rotated", "refresh", "", 200, "ok", "ok", NULL, NULL, "again ok "},
    {"refresh / kept", "refresh", "knob {'rotate_refresh':0}", 200, "ok", "ok", NULL,
     NULL, "again ok "},
    {"refresh / the token before the last", "refresh", "permit; keep; do refresh; old",
     200, "reconnect", "invalid_grant", "reconnect", NULL, NULL},
    {"refresh / the token before the last, within its grace", "refresh",
     "knob {'old_refresh_grace_ms':60000}; permit; keep; do refresh; old", 200, "ok",
     "ok", NULL, NULL, NULL},
    {"refresh / the token before the last, after its grace", "refresh",
     "knob {'old_refresh_grace_ms':60000}; permit; keep; do refresh; old; clock 60000",
     200, "reconnect", "invalid_grant", "reconnect", NULL, NULL},
    {"refresh / a token after 365 days", "refresh", "permit; clock 31536000000", 200,
     "reconnect", "invalid_grant", "reconnect", NULL, NULL},
    {"refresh / a token shortly before", "refresh", "permit; clock 31535000000", 200,
     "ok", "ok", NULL, NULL, NULL},
    {"refresh / a made-up token", "refresh", "refresh_token rft.x!1.e1", 200, "reconnect",
     "invalid_grant", "reconnect", NULL, NULL},
    {"refresh / after a revocation", "refresh", "permit; do revoke", 200, "reconnect",
     "invalid_grant", "reconnect", NULL, NULL},
    {"refresh / a wrong secret", "refresh", "permit; secret wrong", 200, "operator",
     "invalid_client", "app_credentials_wrong", NULL, NULL},
    {"refresh / a wrong secret and a made-up token", "refresh",
     "refresh_token x; secret wrong", 200, "operator", "invalid_client",
     "app_credentials_wrong", NULL, NULL},
    {"refresh / without refresh_token", "refresh",
     "fault {'endpoint':'token','merge':{'refresh_token':null}}", 200, "ok", "ok", NULL,
     NULL, NULL},
    {"refresh / without expires_in", "refresh",
     "fault {'endpoint':'token','merge':{'expires_in':null}}", 200, "ok", "ok", NULL,
     NULL, NULL},
    {"refresh / without scope", "refresh",
     "fault {'endpoint':'token','merge':{'scope':null}}", 200, "ok", "ok", NULL, NULL,
     NULL},
    {"refresh / without open_id", "refresh",
     "fault {'endpoint':'token','merge':{'open_id':null}}", 200, "ok", "ok", NULL, NULL,
     NULL},
    {"refresh / nothing but a token", "refresh",
     "fault {'endpoint':'token','raw':'{\\'access_token\\':\\'act.new!1.e1\\'}'}", 200,
     "ok", "ok", NULL, NULL, NULL},
    {"refresh / that ends the old access token", "creator_info",
     "knob {'refresh_kills_access':1}; permit; keep; do refresh; old", 401, "reconnect",
     "access_token_invalid", "reconnect", NULL, NULL},
    {"refresh / that leaves the old access token", "creator_info",
     "permit; keep; do refresh; old", 200, "ok", "ok", NULL, NULL, NULL},
    {"refresh / and the new access token", "creator_info", "permit; do refresh", 200,
     "ok", "ok", NULL, NULL, NULL},
};

static const struct a_case revokes[] = {
    {"revoke / a token", "revoke", "", 200, "ok", "ok", NULL, NULL, NULL},
    {"revoke / a dead token", "revoke", "permit; do revoke", 200, "ok", "invalid_grant",
     NULL, NULL, NULL},
    {"revoke / a made-up token", "revoke", "bearer act.x", 200, "ok", "invalid_grant",
     NULL, NULL, NULL},
    {"revoke / an empty object", "revoke", "fault {'endpoint':'revoke','raw':'{}'}", 200,
     "ok", "ok", NULL, NULL, NULL},
    {"revoke / a dead token in other words", "revoke",
     "fault {'endpoint':'revoke','raw':'{\\'error\\':\\'access_token_invalid\\'}'}", 200,
     "ok", "access_token_invalid", NULL, NULL, NULL},
    {"revoke / a wrong secret", "revoke", "permit; secret wrong", 200, "operator",
     "invalid_client", "app_credentials_wrong", NULL, NULL},
    {"revoke / no secret", "revoke", "permit; secret ", 200, "operator",
     "invalid_request", "oauth_request_refused", NULL, NULL},
    {"revoke / malformed", "revoke", "body a=%", 200, "operator", "invalid_request",
     "oauth_request_refused", NULL, NULL},
};

/* --- what every OAuth endpoint may say ----------------------------------------- */

struct word {
    const char *code, *class, *reason;
};

static const struct word words[] = {
    {"invalid_client", "operator", "app_credentials_wrong"},
    {"unauthorized_client", "operator", "app_credentials_wrong"},
    {"invalid_scope", "operator", "scope_not_approved"},
    {"invalid_request", "operator", "oauth_request_refused"},
    {"unsupported_grant_type", "operator", "oauth_request_refused"},
    {"unsupported_response_type", "operator", "oauth_request_refused"},
    {"access_denied", "reconnect", "consent_refused"},
    {"server_error", "retry", "tiktok_unavailable"},
    {"temporarily_unavailable", "retry", "tiktok_unavailable"},
    {"rate_limit_exceeded", "retry", "tiktok_rate_limited"},
    {"mood_new", "unknown", "tiktok_refused"},
};

/* Each code with 200, as in every recording, and with what others were built against. */
static void run_words(run_fn run, void *ctx, const char *endpoint, const char *fault)
{
    static const int statuses[] = {200, 400, 401};
    char name[96], prep[256];

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        for (size_t n = 0; n < ARRAY_LEN(statuses); n++) {
            const struct a_case c = {
                name,          endpoint,        prep, statuses[n], words[i].class,
                words[i].code, words[i].reason, NULL, NULL};

            (void)snprintf(name, sizeof(name), "%s / %s with %d", endpoint, words[i].code,
                           statuses[n]);
            (void)snprintf(prep, sizeof(prep),
                           "knob {'oauth_error_status':%d}; fault {'endpoint':'%s',"
                           "'code':'%s'}",
                           statuses[n], fault, words[i].code);
            run(ctx, &c);
        }
    }
}

/* No word of OAuth: nobody's connection may end over it. */
static void run_troubles(run_fn run, void *ctx, const char *endpoint, const char *fault,
                         bool revoke)
{
    const char *riddle = revoke ? "retry" : "unknown";
    const struct {
        const char *name, *fault;
        int http;
        const char *class, *reason;
    } cases[] = {
        {"502 as a page", "'body':'html'", 502, "retry", "tiktok_unavailable"},
        {"503 and nothing", "'status':503,'body':'empty'", 503, "retry",
         "tiktok_unavailable"},
        {"401 as a page", "'status':401,'body':'html'", 401, "retry",
         "tiktok_unreadable"},
        {"429 as a page", "'status':429,'body':'html'", 429, "retry",
         "tiktok_rate_limited"},
        {"404 as a page", "'status':404,'body':'html'", 404, "never", "tiktok_refused"},
        {"200 as a page", "'status':200,'body':'html'", 200, riddle, "tiktok_unreadable"},
        {"garbage", "'body':'garbage'", 200, riddle, "tiktok_unreadable"},
        {"a redirect", "'status':302,'body':'empty'", 302, "operator",
         "tiktok_address_wrong"},
        {"an answer without end", "'pad_bytes':700000", 0, "unknown",
         "tiktok_unavailable"},
        {"a lost answer", "'lost':true", 0, "unknown", "tiktok_unavailable"},
        {"a connection that ends", "'drop':true", 0, "unknown", "tiktok_unavailable"},
        {"an answer that does not come", "'hang_ms':20000", 0, "unknown",
         "tiktok_unavailable"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char name[96], prep[256];
        const struct a_case c = {
            name, endpoint,        prep, cases[i].http, cases[i].class,
            "",   cases[i].reason, NULL, NULL};

        (void)snprintf(name, sizeof(name), "%s / %s", endpoint, cases[i].name);
        (void)snprintf(prep, sizeof(prep), "%sfault {'endpoint':'%s',%s}",
                       strstr(cases[i].fault, "hang_ms") != NULL ? "timeout 1500; " : "",
                       fault, cases[i].fault);
        run(ctx, &c);
    }
}

/* Success that is none: what must be there is missing. */
static const struct a_case riddles[] = {
    {"token / half of an answer", "token",
     "consent; fault {'endpoint':'token','body':'truncated'}", 200, "unknown", "",
     "tiktok_unreadable", NULL, NULL},
    {"token / nothing", "token", "consent; fault {'endpoint':'token','body':'empty'}",
     200, "unknown", "", "tiktok_unreadable", NULL, NULL},
    {"token / without access_token", "token",
     "consent; fault {'endpoint':'token','merge':{'access_token':null}}", 200, "unknown",
     "", "tiktok_unreadable", NULL, NULL},
    {"token / an access_token that is a list", "token",
     "consent; fault {'endpoint':'token','merge':{'access_token':[]}}", 200, "unknown",
     "", "tiktok_unreadable", NULL, NULL},
    {"refresh / half of an answer", "refresh",
     "fault {'endpoint':'token','body':'truncated'}", 200, "unknown", "",
     "tiktok_unreadable", NULL, NULL},
    {"refresh / without access_token", "refresh",
     "fault {'endpoint':'token','merge':{'access_token':null}}", 200, "unknown", "",
     "tiktok_unreadable", NULL, NULL},
};

static void run_all(run_fn run, void *ctx, const struct a_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        run(ctx, &cases[i]);
}

void cases_oauth(run_fn run, void *ctx)
{
    run_all(run, ctx, authorize, ARRAY_LEN(authorize));
    run_all(run, ctx, codes, ARRAY_LEN(codes));
    run_all(run, ctx, refreshes, ARRAY_LEN(refreshes));
    run_all(run, ctx, revokes, ARRAY_LEN(revokes));
    run_all(run, ctx, riddles, ARRAY_LEN(riddles));
    run_words(run, ctx, "token", "token");
    run_words(run, ctx, "refresh", "token");
    run_words(run, ctx, "revoke", "revoke");
    run_troubles(run, ctx, "token", "token", false);
    run_troubles(run, ctx, "refresh", "token", false);
    run_troubles(run, ctx, "revoke", "revoke", true);
}
