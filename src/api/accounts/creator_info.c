/* GET /api/v1/accounts/{id}/creator-info - what TikTok lets this account post right now.
 *
 * TikTok wants to be asked whenever the composer is shown, at most 20 times a minute; an
 * answer up to FRESH_MS old is shared. Who asks while the question is under way waits for
 * the same answer. */
#include "accounts.h"
#include "ask.h"
#include "tiktok/errors.h"

#include <string.h>

enum {
    FRESH_MS = 30000,
    AGAIN_MS = 5000,          /* Retry-After when TikTok is away */
    LIMITED_AGAIN_MS = 60000, /* when its window of a minute is full */
};

/* What was found out: a document of TikTok's, or that the creator may not post. */
struct finding {
    struct account_creator creator;
    char blocked_code[TASK_CODE_SIZE]; /* "": may post */
    char blocked_message[TASK_MESSAGE_SIZE];
};

static enum rc check_usable(const struct account *account, struct err *err)
{
    struct account_standing standing = account_standing_of(account);

    if (!account_usable_at(&standing, account->now_ms))
        return err_set(err, RC_CONFLICT, "reconnect_needed", "%s",
                       account_sentence(&standing));
    if (!account_features_of(account->scopes).direct_post)
        return err_set(err, RC_CONFLICT, "missing_scope",
                       "The connection lacks the permission video.publish. Reconnect the "
                       "account and leave it ticked.");
    return RC_OK;
}

static bool is_fresh(const struct account_creator *creator)
{
    return creator->json != NULL && creator->now_ms - creator->at_ms <= FRESH_MS;
}

/* The three answers with which TikTok says that this creator cannot post now. */
static bool is_block(const char *code)
{
    const struct tiktok_error *row = tiktok_error_find(TIKTOK_IN_API, code);

    return row != NULL && row->whole_account &&
           (row->class == TIKTOK_LATER || row->class == TIKTOK_NEVER);
}

/* A task that failed: TikTok's verdict on the creator, or why there is none. */
static enum rc judge(const struct task_result *result, struct finding *f, struct err *err)
{
    const char *why = result->message[0] != '\0' ? result->message
                                                 : "TikTok did not answer the question.";

    if (is_block(result->code)) {
        (void)memcpy(f->blocked_code, result->code, sizeof(f->blocked_code));
        (void)memcpy(f->blocked_message, result->message, sizeof(f->blocked_message));
        return RC_OK;
    }
    if (strcmp(result->code, "reconnect_needed") == 0 ||
        strcmp(result->code, "missing_scope") == 0)
        return err_set(err, RC_CONFLICT, result->code, "%s", why);
    if (strcmp(result->code, "tiktok_limited") == 0)
        return err_retry(err, RC_LIMITED, LIMITED_AGAIN_MS, "rate_limited", why);
    return err_retry(err, RC_UNAVAILABLE, AGAIN_MS, "tiktok_unavailable", why);
}

/* Asks TikTok through the publisher. */
static enum rc ask(struct api *api, const struct api_request *req, struct finding *f,
                   struct err *err)
{
    uint64_t workspace = req->who.workspace_id;
    struct task_result result = {0};
    uint64_t task_id;
    enum rc rc = ask_begin(err);

    if (rc != RC_OK)
        return rc;
    rc = account_creator_ask(api->db, workspace, req->id, ASK_TASK_MS, &task_id, err);
    if (rc == RC_OK)
        rc = ask_wait(api, workspace, task_id, &result, err);
    ask_end();
    if (rc == RC_OK && result.state == TASK_FAILED)
        rc = judge(&result, f, err);
    task_result_release(&result);
    return rc;
}

/* The stored document when it is fresh, else a new one. */
static enum rc find_out(struct api *api, const struct api_request *req, struct finding *f,
                        struct err *err)
{
    uint64_t workspace = req->who.workspace_id;
    enum rc rc = account_creator_load(api->db, workspace, req->id, &f->creator, err);

    if (rc != RC_OK || is_fresh(&f->creator))
        return rc;
    account_creator_release(&f->creator);
    rc = ask(api, req, f, err);
    if (rc == RC_OK)
        rc = account_creator_load(api->db, workspace, req->id, &f->creator, err);
    return rc;
}

/* --- the answer -------------------------------------------------------------------- */

static void copy_flag(struct jsonw *w, const json_t *doc, const char *key)
{
    jsonw_key_bool(w, key, json_is_true(json_object_get(doc, key)));
}

static void copy_options(struct jsonw *w, const json_t *doc)
{
    const json_t *options = json_object_get(doc, "privacy_level_options");

    jsonw_key(w, "privacy_level_options");
    jsonw_array(w);
    for (size_t i = 0; i < json_array_size(options); i++)
        if (json_is_string(json_array_get(options, i)))
            jsonw_text(w, json_string_value(json_array_get(options, i)));
    jsonw_end(w);
}

static void copy_duration(struct jsonw *w, const json_t *doc)
{
    const json_t *seconds = json_object_get(doc, "max_video_post_duration_sec");

    jsonw_key(w, "max_video_post_duration_sec");
    if (json_is_integer(seconds))
        jsonw_int(w, json_integer_value(seconds));
    else
        jsonw_null(w);
}

/* A text of the document, or fallback when it has none. */
static const char *text_of(const json_t *doc, const char *key, const char *fallback)
{
    const char *text = json_string_value(json_object_get(doc, key));

    return text != NULL && text[0] != '\0' ? text : fallback;
}

/* doc is NULL when TikTok told nothing but that the creator is blocked. */
static void write_answer(const struct api *api, struct web_response *res,
                         const struct account *account, const json_t *doc,
                         const struct finding *f)
{
    const char *username = account->username[0] != '\0' ? account->username : NULL;
    bool blocked = f->blocked_code[0] != '\0';
    struct jsonw w;

    web_header_add(res, "Cache-Control", "no-store");
    web_json_begin(res, 200, &w);
    jsonw_object(&w);
    jsonw_key_id(&w, "account_id", account->id);
    jsonw_key_text(&w, "nickname", text_of(doc, "nickname", accounts_nickname(account)));
    jsonw_key_text(&w, "username", text_of(doc, "username", username));
    accounts_write_avatar(api, &w, account->id);
    copy_options(&w, doc);
    copy_flag(&w, doc, "comment_disabled");
    copy_flag(&w, doc, "duet_disabled");
    copy_flag(&w, doc, "stitch_disabled");
    copy_duration(&w, doc);
    jsonw_key_bool(&w, "can_post", !blocked);
    jsonw_key_text(&w, "blocked_code", blocked ? f->blocked_code : NULL);
    jsonw_key_text(&w, "blocked_message", blocked ? f->blocked_message : NULL);
    jsonw_key_time(&w, "fetched_at", blocked ? f->creator.now_ms : f->creator.at_ms);
    jsonw_end(&w);
}

static enum rc answer(const struct api *api, struct web_response *res,
                      const struct account *account, const struct finding *f,
                      struct err *err)
{
    json_t *doc = NULL;

    if (f->blocked_code[0] == '\0') {
        doc = f->creator.json != NULL ? json_loads(f->creator.json, 0, NULL) : NULL;
        if (!json_is_object(doc)) {
            json_decref(doc);
            return err_set(err, RC_BUG, "creator_info_unreadable",
                           "The stored creator_info of the account is no JSON object.");
        }
    }
    write_answer(api, res, account, doc, f);
    json_decref(doc);
    return RC_OK;
}

enum rc accounts_creator_info(struct api *api, const struct api_request *req,
                              struct web_response *res, struct err *err)
{
    struct account account;
    struct finding finding = {0};
    enum rc rc = account_load(api->db, req->who.workspace_id, req->id, &account, err);

    if (rc == RC_OK)
        rc = check_usable(&account, err);
    if (rc == RC_OK)
        rc = find_out(api, req, &finding, err);
    if (rc == RC_OK)
        rc = answer(api, res, &account, &finding, err);
    account_creator_release(&finding.creator);
    return rc;
}
