/* What may come from any endpoint of the JSON API: the same for all of them, but that an
 * act may have happened although its answer says nothing. */
#include "conformance.h"

#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 96, STEPS_SIZE = 4096 };

struct endpoint {
    const char *name;
    const char *fault;   /* as the simulator calls it */
    const char *prep;    /* until a request would succeed */
    const char *lacking; /* scopes that do not suffice */
    const char *wrong;   /* its data in types that mean nothing */
    bool act;            /* what it does is done once */
    bool opens;          /* a session */
    bool bare;           /* success has no data */
};

static const struct endpoint endpoints[] = {
    {"user_info", "user_info", "", "video.publish", "{'data':{'user':[{'open_id':5}]}}",
     false, false, false},
    {"creator_info", "creator_info", "", "user.info.basic,video.upload",
     "{'data':{'privacy_level_options':[1,{}]}}", false, false, false},
    {"video_init", "video_init", "", "user.info.basic,video.upload",
     "{'data':{'publish_id':{'id':1},'upload_url':[]}}", true, true, false},
    {"inbox_init", "inbox_init", "", "user.info.basic,video.publish",
     "{'data':{'publish_id':[7],'upload_url':true}}", true, true, false},
    {"content_init", "photo_init",
     "control PATCH /apps/sbawlocalstackkey1 {'properties':['$media/']}; "
     "knob {'pull_delay_ms':86400000}; photo $media/ok/1.jpg",
     "user.info.basic,video.upload", "{'data':{'publish_id':{}}}", true, true, false},
    {"status", "status", "session", "user.info.basic,video.list",
     "{'data':{'status':['FAILED']}}", false, false, false},
    {"cancel", "cancel", "session", "user.info.basic,video.list", NULL, true, false,
     true},
    {"video_list", "video_list", "", "user.info.basic,video.publish", "{'data':'videos'}",
     false, false, false},
    {"video_query", "video_query", "", "user.info.basic,video.publish", "{'data':7}",
     false, false, false},
};

struct variation {
    const char *name;
    const char *prep; /* # stands for the endpoint's fault */
    int http;
    const char *question, *act; /* the class; act NULL: the same */
    const char *code, *reason, *also;
    int opened; /* sessions that an init leaves; -1: not looked at */
};

#define RATE    "tiktok_rate_limited"
#define DOWN    "tiktok_unavailable"
#define REFUSED "tiktok_refused"
#define RIDDLE  "tiktok_unreadable"

/* Refusals in which the answer is never that of a success. */
static const struct variation refusals[] = {
    {"wrong token", "bearer act.wrong!1.e1", 401, "reconnect", NULL,
     "access_token_invalid", "reconnect", NULL, 0},
    {"no token", "bearer ", 401, "reconnect", NULL, "access_token_invalid", "reconnect",
     NULL, 0},
    {"429", "fault {'endpoint':'#','status':429}", 429, "retry", NULL,
     "rate_limit_exceeded", RATE, "{'wait_s':60}", -1},
    {"429 with Retry-After", "fault {'endpoint':'#','status':429,'retry_after_s':120}",
     429, "retry", NULL, "rate_limit_exceeded", RATE, "{'@retry_after_ms':120000}", -1},
    {"429 as a page", "fault {'endpoint':'#','status':429,'body':'html'}", 429, "retry",
     NULL, "", RATE, "{'wait_s':60}", -1},
    {"429 with a new code", "fault {'endpoint':'#','status':429,'code':'quota_new'}", 429,
     "retry", NULL, "quota_new", RATE, NULL, -1},
    {"429 within 200", "fault {'endpoint':'#','status':200,'code':'rate_limit_exceeded'}",
     200, "retry", NULL, "rate_limit_exceeded", RATE, NULL, -1},
    {"500", "fault {'endpoint':'#','status':500}", 500, "retry", NULL, "internal_error",
     DOWN, NULL, -1},
    {"a problem within 200",
     "fault {'endpoint':'#','status':200,'code':'internal_error'}", 200, "retry", NULL,
     "internal_error", DOWN, NULL, 0},
    {"503", "fault {'endpoint':'#','status':503}", 503, "retry", NULL, "internal_error",
     DOWN, NULL, -1},
    {"500 after the effect", "fault {'endpoint':'#','status':500,'after':true}", 500,
     "retry", NULL, "internal_error", DOWN, NULL, 1},
    {"502 as a page", "fault {'endpoint':'#','body':'html'}", 502, "retry", NULL, "",
     DOWN, NULL, 0},
    {"502 as a page after the effect",
     "fault {'endpoint':'#','body':'html','after':true}", 502, "retry", NULL, "", DOWN,
     NULL, 1},
    {"504 and nothing", "fault {'endpoint':'#','status':504,'body':'empty'}", 504,
     "retry", NULL, "", DOWN, NULL, -1},
    {"500 with a new code", "fault {'endpoint':'#','status':500,'code':'trouble_new'}",
     500, "retry", NULL, "trouble_new", DOWN, NULL, -1},
    {"503 with Retry-After", "fault {'endpoint':'#','status':503,'retry_after_s':7}", 503,
     "retry", NULL, "internal_error", DOWN, "{'@retry_after_ms':7000}", -1},
    {"a new code with 400", "fault {'endpoint':'#','status':400,'code':'rule_new'}", 400,
     "unknown", NULL, "rule_new", REFUSED, NULL, 0},
    {"a new code with 403", "fault {'endpoint':'#','status':403,'code':'spam_risk_new'}",
     403, "unknown", NULL, "spam_risk_new", REFUSED, NULL, 0},
    {"a new code within 200",
     "fault {'endpoint':'#','status':200,'code':'spam_risk_new'}", 200, "unknown", NULL,
     "spam_risk_new", REFUSED, NULL, 0},
    {"a code that is a number",
     "fault {'endpoint':'#','status':400,'raw':'{\\'error\\':{\\'code\\':42}}'}", 400,
     "unknown", NULL, "42", REFUSED, NULL, 0},
    {"an error in OAuth's shape",
     "fault "
     "{'endpoint':'#','status':401,'raw':'{\\'error\\':\\'access_token_invalid\\'}'}",
     401, "reconnect", NULL, "access_token_invalid", "reconnect", NULL, 0},
    {"403 as a page", "fault {'endpoint':'#','status':403,'body':'html'}", 403, "never",
     NULL, "", REFUSED, NULL, 0},
    {"401 as a page", "fault {'endpoint':'#','status':401,'body':'html'}", 401,
     "reconnect", NULL, "", "reconnect", NULL, 0},
    {"a redirect", "fault {'endpoint':'#','status':302,'body':'empty'}", 302, "operator",
     NULL, "", "tiktok_address_wrong", NULL, 0},
    {"a path without its slash", "path /v2/no/such/endpoint", 404, "never", NULL, "",
     REFUSED, NULL, 0},
    {"the single form of invalid_params",
     "fault {'endpoint':'#','status':400,'code':'invalid_param'}", 400, "fix_input", NULL,
     "invalid_param", "post_refused", NULL, 0},
    {"invalid_params", "fault {'endpoint':'#','status':400}", 400, "fix_input", NULL,
     "invalid_params", "post_refused", NULL, 0},
    {"an error with data", "knob {'error_data':1}; fault {'endpoint':'#','status':429}",
     429, "retry", NULL, "rate_limit_exceeded", RATE, NULL, -1},
    {"an error without data", "knob {'error_data':2}; bearer act.wrong", 401, "reconnect",
     NULL, "access_token_invalid", "reconnect", NULL, 0},
    {"an error with data as a list",
     "fault {'endpoint':'#','status':401,'merge':{'data':[]}}", 401, "reconnect", NULL,
     "access_token_invalid", "reconnect", NULL, 0},
    {"logid for log_id", "knob {'logid':1}; fault {'endpoint':'#','status':500}", 500,
     "retry", NULL, "internal_error", DOWN, NULL, -1},
    {"a log id in the header only",
     "fault {'endpoint':'#','status':500,'merge':{'error':{'log_id':null}}}", 500,
     "retry", NULL, "internal_error", DOWN, "{'log_id':null}", -1},
    {"a code in capitals", "fault {'endpoint':'#','status':400,'code':'INVALID_PARAMS'}",
     400, "unknown", NULL, "INVALID_PARAMS", REFUSED, NULL, 0},
};

/* Answers to a request that succeeded, and no answers. */
static const struct variation troubles[] = {
    {"200 and nothing", "fault {'endpoint':'#','body':'empty'}", 200, "retry", "unknown",
     "", RIDDLE, NULL, 0},
    {"200 as a page", "fault {'endpoint':'#','status':200,'body':'html'}", 200, "retry",
     "unknown", "", RIDDLE, NULL, 0},
    {"garbage", "fault {'endpoint':'#','body':'garbage'}", 200, "retry", "unknown", "",
     RIDDLE, NULL, 0},
    {"garbage after the effect", "fault {'endpoint':'#','body':'garbage','after':true}",
     200, "retry", "unknown", "", RIDDLE, NULL, 1},
    {"half of an answer", "fault {'endpoint':'#','body':'truncated'}", 200, "retry",
     "unknown", "", RIDDLE, NULL, 1},
    {"a list", "fault {'endpoint':'#','raw':'[1,2]'}", 200, "retry", "unknown", "",
     RIDDLE, NULL, 0},
    {"null", "fault {'endpoint':'#','raw':'null'}", 200, "retry", "unknown", "", RIDDLE,
     NULL, 0},
    {"no error object", "fault {'endpoint':'#','merge':{'error':null}}", 200, "retry",
     "unknown", "", RIDDLE, NULL, 1},
    {"an error object without a code",
     "fault {'endpoint':'#','merge':{'error':{'code':null}}}", 200, "retry", "unknown",
     "", RIDDLE, NULL, 1},
    {"an answer without end", "fault {'endpoint':'#','pad_bytes':700000}", 0, "retry",
     "unknown", "", DOWN, NULL, 1},
    {"a lost answer", "fault {'endpoint':'#','lost':true}", 0, "retry", "unknown", "",
     DOWN, NULL, 1},
    {"an answer cut in its body", "fault {'endpoint':'#','cut_after':20}", 0, "retry",
     "unknown", "", DOWN, NULL, 1},
    {"a connection that ends", "fault {'endpoint':'#','drop':true}", 0, "retry",
     "unknown", "", DOWN, NULL, 0},
    {"an answer that does not come",
     "timeout 1500; fault {'endpoint':'#','hang_ms':20000}", 0, "retry", "unknown", "",
     DOWN, NULL, 1},
};

/* Replaces # by the endpoint's fault. */
static void steps_of(const struct endpoint *e, const char *prep, char *out)
{
    size_t len = (size_t)snprintf(out, STEPS_SIZE, "%s%s", e->prep,
                                  *e->prep != '\0' && *prep != '\0' ? "; " : "");

    for (; *prep != '\0' && len < STEPS_SIZE - 1; prep++) {
        if (*prep == '#')
            len += (size_t)snprintf(out + len, STEPS_SIZE - len, "%s", e->fault);
        else
            out[len++] = *prep;
    }
    if (len >= STEPS_SIZE - 1)
        give_up("%s: the steps are too long", e->name);
    out[len] = '\0';
}

/* What an act's answer leaves open: a problem of TikTok's own, or nothing to be read. */
static bool doubtful(const struct variation *v)
{
    return v->http >= 500 || strcmp(v->code, "internal_error") == 0 ||
           strcmp(v->reason, RIDDLE) == 0;
}

static void run_variation(run_fn run, void *ctx, const struct endpoint *e,
                          const struct variation *v)
{
    char name[NAME_SIZE], steps[STEPS_SIZE], then[32], also[256];
    struct a_case c = {name,    e->name,   steps,   v->http, v->question,
                       v->code, v->reason, v->also, NULL};

    if (e->act && v->act != NULL)
        c.class = v->act;
    (void)snprintf(name, sizeof(name), "%s / %s", e->name, v->name);
    (void)snprintf(then, sizeof(then), "sessions %d", v->opened);
    if (e->opens && v->opened >= 0)
        c.then = then;
    if (e->act && v->http != 0) {
        (void)snprintf(also, sizeof(also), "{'may_have_acted':%s%s%s",
                       doubtful(v) ? "true" : "false", v->also != NULL ? "," : "}",
                       v->also != NULL ? v->also + 1 : "");
        c.also = also;
    }
    steps_of(e, v->prep, steps);
    run(ctx, &c);
}

/* What a success must have, and does not. */
static void run_data(run_fn run, void *ctx, const struct endpoint *e)
{
    char wrong[512];
    const struct variation missing[] = {
        {"ok without data", "fault {'endpoint':'#','merge':{'data':null}}", 200, "retry",
         "unknown", "ok", RIDDLE, NULL, 1},
        {"ok with a list for data", "fault {'endpoint':'#','merge':{'data':[]}}", 200,
         "retry", "unknown", "ok", RIDDLE, NULL, 1},
        {"wrong types", wrong, 200, "retry", "unknown", "ok", RIDDLE, NULL, 1},
    };

    (void)snprintf(wrong, sizeof(wrong), "fault {'endpoint':'#','merge':%s}",
                   e->wrong != NULL ? e->wrong : "{}");
    for (size_t i = 0; i < ARRAY_LEN(missing); i++)
        if (!e->bare)
            run_variation(run, ctx, e, &missing[i]);
}

static void run_access(run_fn run, void *ctx, const struct endpoint *e)
{
    char lacking[256];
    const struct variation cases[] = {
        {"an expired token", "permit; clock 86400000", 401, "reconnect", NULL,
         "access_token_invalid", "reconnect", NULL, -1},
        {"a missing scope", lacking, 401, "reconnect", NULL, "scope_not_authorized",
         "scope_missing", NULL, -1},
        {"a withdrawn permission", "permit; do revoke", 401, "reconnect", NULL,
         "access_token_invalid", "reconnect", NULL, -1},
    };

    (void)snprintf(lacking, sizeof(lacking), "scopes %s", e->lacking);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        run_variation(run, ctx, e, &cases[i]);
}

/* Every code of TikTok's tables, with each status it is documented or was seen with. No
 * endpoint is documented to say all of them; what one says means the same everywhere. */
static const struct {
    const char *code;
    int http;
    const char *class, *reason;
} codes[] = {
    {"invalid_params", 400, "fix_input", "post_refused"},
    {"invalid_param", 400, "fix_input", "post_refused"},
    {"invalid_file_upload", 400, "fix_input", "file_refused"},
    {"scope_permission_missed", 400, "reconnect", "scope_missing"},
    {"app_version_check_failed", 400, "fix_input", "tiktok_app_outdated"},
    {"invalid_publish_id", 400, "never", "publish_id_unknown"},
    {"token_not_authorized_for_specified_publish_id", 400, "operator",
     "publish_id_foreign"},
    {"publish_not_cancellable", 400, "never", "not_cancellable"},
    {"access_token_invalid", 401, "reconnect", "reconnect"},
    {"scope_not_authorized", 401, "reconnect", "scope_missing"},
    {"spam_risk_too_many_posts", 403, "later", "daily_post_limit"},
    {"spam_risk_too_many_posts", 200, "later", "daily_post_limit"},
    {"spam_risk_user_banned_from_posting", 403, "never", "account_banned"},
    {"spam_risk_user_banned_from_posting", 200, "never", "account_banned"},
    {"spam_risk_too_many_pending_share", 403, "later", "inbox_full"},
    {"spam_risk_too_many_pending_share", 400, "later", "inbox_full"},
    {"reached_active_user_cap", 403, "later", "app_user_cap"},
    {"reached_active_user_cap", 200, "later", "app_user_cap"},
    {"unaudited_client_can_only_post_to_private_accounts", 403, "fix_input",
     "app_not_audited"},
    {"url_ownership_unverified", 403, "operator", "url_not_verified"},
    {"privacy_level_option_mismatch", 403, "fix_input", "audience_not_allowed"},
    {"rate_limit_exceeded", 429, "retry", "tiktok_rate_limited"},
    {"internal_error", 500, "retry", "tiktok_unavailable"},
    {"internal_error", 503, "retry", "tiktok_unavailable"},
};

static void run_codes(run_fn run, void *ctx, const struct endpoint *e)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        char name[NAME_SIZE], prep[256];
        const struct variation v = {name, prep,          codes[i].http,   codes[i].class,
                                    NULL, codes[i].code, codes[i].reason, NULL,
                                    0};

        (void)snprintf(name, sizeof(name), "code %s with %d", codes[i].code,
                       codes[i].http);
        (void)snprintf(prep, sizeof(prep),
                       "fault {'endpoint':'#','status':%d,'code':'%s'}", codes[i].http,
                       codes[i].code);
        run_variation(run, ctx, e, &v);
    }
}

void cases_across(run_fn run, void *ctx)
{
    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
        const struct endpoint *e = &endpoints[i];

        for (size_t n = 0; n < ARRAY_LEN(refusals); n++)
            run_variation(run, ctx, e, &refusals[n]);
        for (size_t n = 0; n < ARRAY_LEN(troubles); n++)
            run_variation(run, ctx, e, &troubles[n]);
        run_data(run, ctx, e);
        run_access(run, ctx, e);
        run_codes(run, ctx, e);
    }
}
