#include "posting.h"

#include "fate.h"
#include "post_body.h"

#include "core/encode.h"
#include "core/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { UNAUDITED_USER_CAP = 5 }; /* people an unaudited app may post for in a day */

/* --- who may post -------------------------------------------------------------- */

static enum rc user_cap_reached(struct exchange *x, const struct app *app,
                                const struct person *person, bool *reached,
                                struct err *err)
{
    int64_t cap = x->knobs.value[KNOB_ACTIVE_USER_CAP];
    int64_t others = 0;
    enum rc rc;

    if (!app_is_audited(app, &x->knobs) && (cap == 0 || cap > UNAUDITED_USER_CAP))
        cap = UNAUDITED_USER_CAP;
    *reached = false;
    if (cap == 0)
        return RC_OK;
    rc = others_of_day(x->sql, app->id, person->id, x->now_ms, &others, err);
    *reached = rc == RC_OK && others >= cap;
    return rc;
}

/* Why the app cannot post for the person now at all, as TikTok's code; *code NULL: it
 * can. */
static enum rc posting_block(struct exchange *x, const struct app *app,
                             const struct person *person, const char **code,
                             struct err *err)
{
    const struct world world = {x->sql, &x->knobs, x->now_ms};
    bool full = false;
    bool reached = false;
    enum rc rc = day_is_full(&world, person, &full, err);

    if (rc == RC_OK)
        rc = user_cap_reached(x, app, person, &reached, err);
    if (rc != RC_OK)
        return rc;
    *code = NULL;
    if (person->banned)
        *code = "spam_risk_user_banned_from_posting";
    else if (full)
        *code = "spam_risk_too_many_posts";
    else if (reached)
        *code = "reached_active_user_cap";
    return RC_OK;
}

/* --- creator_info -------------------------------------------------------------- */

static void write_options(struct jsonw *w, const struct person *person)
{
    const char *option;

    jsonw_key(w, "privacy_level_options");
    jsonw_array(w);
    for (size_t i = 0; (option = privacy_option(person->private_account, i)) != NULL; i++)
        jsonw_text(w, option);
    jsonw_end(w);
}

static void write_creator(struct exchange *x, const struct person *person)
{
    struct strbuf url;
    struct jsonw w;

    strbuf_init(&url, URL_SIZE);
    avatar_url(x, person, &url);
    api_begin(x, &w);
    jsonw_object(&w);
    jsonw_key_text(&w, "creator_avatar_url", url.buf);
    jsonw_key_text(&w, "creator_username", person->username);
    jsonw_key_text(&w, "creator_nickname", person->nickname);
    write_options(&w, person);
    jsonw_key_bool(&w, "comment_disabled", person->comment_disabled);
    jsonw_key_bool(&w, "duet_disabled", person->duet_disabled || person->private_account);
    jsonw_key_bool(&w, "stitch_disabled",
                   person->stitch_disabled || person->private_account);
    jsonw_key_int(&w, "max_video_post_duration_sec", person->max_duration_s);
    jsonw_end(&w);
    api_end(x, &w);
    strbuf_release(&url);
}

/* That somebody cannot post now comes within HTTP 200, on purpose of TikTok's. */
static enum rc creator_info(struct exchange *x, UNUSED json_t *body, struct err *err)
{
    struct person person;
    struct app app;
    const char *code = NULL;
    enum rc rc = person_by_id(x->sql, x->user_id, &person, err);

    if (rc == RC_OK)
        rc = app_by_id(x->sql, x->app_id, &app, err);
    if (rc == RC_OK)
        rc = posting_block(x, &app, &person, &code, err);
    if (rc != RC_OK)
        return rc;
    if (code != NULL)
        api_error(x, 200, code, NULL);
    else
        write_creator(x, &person);
    return RC_OK;
}

/* --- inits --------------------------------------------------------------------- */

static void make_upload_token(const struct exchange *x, char out[UPLOAD_TOKEN_SIZE])
{
    unsigned char bytes[16];
    char hex[2 * sizeof(bytes) + 1];

    random_fill(x->sandbox->random, bytes, sizeof(bytes));
    hex_encode(bytes, sizeof(bytes), hex);
    (void)snprintf(out, UPLOAD_TOKEN_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
                   hex + 12, hex + 16, hex + 20);
}

static void write_init(struct exchange *x, const struct publication *p)
{
    char url[URL_SIZE];
    struct jsonw w;

    api_begin(x, &w);
    jsonw_object(&w);
    jsonw_key_text(&w, "publish_id", p->publish_id);
    if (!p->pulled) {
        (void)snprintf(url, sizeof(url), "%s%s?upload_id=%" PRId64 "&upload_token=%s",
                       x->sandbox->settings->upload_url,
                       x->knobs.value[KNOB_UPLOAD_PATH] != 0 ? "/video/" : "/upload",
                       p->upload_id, p->upload_token);
        jsonw_key_text(&w, "upload_url", url);
    }
    jsonw_end(&w);
    api_end(x, &w);
}

/* What is to be fetched goes to the courier, which leaves the answer a moment to arrive
 * first, unless TikTok shall be one that fetches before it answers. */
static enum rc send_courier(struct exchange *x, const struct publication *p,
                            const struct pull_urls *urls, struct err *err)
{
    bool first = x->knobs.value[KNOB_PULL_BEFORE_ANSWER] != 0;
    int64_t delay_ms = first ? 0 : x->knobs.value[KNOB_PULL_DELAY_MS];

    x->errand = true;
    x->awaited_id = first ? p->id : 0;
    return pulls_add(x->sql, p, urls, x->now_ms + delay_ms, err);
}

/* Stores the init and hands out the address for its bytes, or sends for them. */
static enum rc accept_init(struct exchange *x, struct publication *p,
                           const struct pull_urls *urls, struct err *err)
{
    enum rc rc;

    p->app_id = x->app_id;
    p->user_id = x->user_id;
    p->created_ms = x->now_ms;
    p->upload_until_ms = x->now_ms + x->knobs.value[KNOB_UPLOAD_TTL_S] * 1000;
    make_upload_token(x, p->upload_token);
    rc = publication_add(x->sql, p, err);
    if (rc == RC_OK && p->pulled)
        rc = send_courier(x, p, urls, err);
    if (rc != RC_OK)
        return rc;
    text_copy(x->publish_id, sizeof(x->publish_id), p->publish_id);
    write_init(x, p);
    return RC_OK;
}

/* Compares the addresses with what is verified. *covered is false when one is not;
 * *usable is false for plain http that is not spelled out there: TikTok wants https. */
static enum rc compare_urls(struct exchange *x, struct pull_urls *urls, bool *covered,
                            bool *usable, struct err *err)
{
    struct app app;
    enum rc rc = app_by_id(x->sql, x->app_id, &app, err);
    const char *list;

    *covered = true;
    *usable = true;
    if (rc != RC_OK)
        return rc;
    list = app_properties(&app, x->sandbox->settings);
    for (size_t i = 0; i < urls->len; i++) {
        enum cover cover = properties_cover(list, urls->url[i]);

        urls->lifted[i] = cover == COVER_PREFIX;
        if (cover == COVER_NONE)
            *covered = false;
        if (cover == COVER_NONE && !text_starts_with(urls->url[i], "https://"))
            *usable = false;
    }
    return rc;
}

/* An app that TikTok has not audited posts only what nobody else sees. */
static bool audit_forbids(const struct exchange *x, const struct app *app,
                          const struct person *person, const char *privacy)
{
    return !app_is_audited(app, &x->knobs) &&
           (!person->private_account || strcmp(privacy, "SELF_ONLY") != 0);
}

/* The 403s of a direct post in TikTok's order; *code NULL: it may go on. */
static enum rc judge_direct(struct exchange *x, const struct publication *p,
                            bool url_covered, const char **code, struct err *err)
{
    struct person person;
    struct app app;
    enum rc rc = person_by_id(x->sql, x->user_id, &person, err);

    if (rc == RC_OK)
        rc = app_by_id(x->sql, x->app_id, &app, err);
    if (rc == RC_OK)
        rc = posting_block(x, &app, &person, code, err);
    if (rc != RC_OK || *code != NULL)
        return rc;
    if (audit_forbids(x, &app, &person, p->privacy))
        *code = "unaudited_client_can_only_post_to_private_accounts";
    else if (!privacy_offered(person.private_account, p->privacy))
        *code = "privacy_level_option_mismatch";
    else if (!url_covered)
        *code = "url_ownership_unverified";
    return RC_OK;
}

/* The refusals of a draft, with their status; *code NULL: it may go on. */
static enum rc judge_draft(struct exchange *x, const struct publication *p,
                           bool url_covered, int *status, const char **code,
                           struct err *err)
{
    struct person person;
    int64_t drafts = 0;
    enum rc rc = person_by_id(x->sql, x->user_id, &person, err);

    if (rc == RC_OK)
        rc = drafts_of_day(x->sql, x->user_id, x->now_ms, &drafts, err);
    if (rc != RC_OK)
        return rc;
    if (p->photos > 0 && x->knobs.value[KNOB_APP_OUTDATED] != 0) {
        *status = 400;
        *code = "app_version_check_failed";
    } else if (person.banned) {
        *code = "spam_risk_user_banned_from_posting";
    } else if (drafts >= x->knobs.value[KNOB_PENDING_SHARES]) {
        *status = (int)x->knobs.value[KNOB_PENDING_SHARE_STATUS];
        *code = "spam_risk_too_many_pending_share";
    } else if (!url_covered) {
        *code = "url_ownership_unverified";
    }
    return RC_OK;
}

/* What the body says was right: accepts the init, or refuses it for what else is. */
static enum rc judge_init(struct exchange *x, struct publication *p,
                          struct pull_urls *urls, struct err *err)
{
    const char *code = NULL;
    bool covered = true;
    bool usable = true;
    int status = 403;
    enum rc rc = compare_urls(x, urls, &covered, &usable, err);

    if (rc != RC_OK)
        return rc;
    if (!usable) {
        api_invalid(x, p->photos > 0 ? "An address in photo_images is invalid"
                                     : "The video_url is missing or invalid");
        return RC_OK;
    }
    rc = p->inbox ? judge_draft(x, p, covered, &status, &code, err)
                  : judge_direct(x, p, covered, &code, err);
    if (rc != RC_OK)
        return rc;
    if (code == NULL)
        return accept_init(x, p, urls, err);
    api_error(x, status, code, NULL);
    return RC_OK;
}

static enum rc video_init(struct exchange *x, json_t *body, struct err *err)
{
    struct publication p = {.inbox = false};
    struct pull_urls urls = {.len = 0};
    const char *problem = read_video_post(body, &p);

    if (problem == NULL)
        problem = read_video_source(body, &p, &urls);
    if (problem == NULL)
        return judge_init(x, &p, &urls, err);
    api_invalid(x, problem);
    return RC_OK;
}

static enum rc inbox_init(struct exchange *x, json_t *body, struct err *err)
{
    struct publication p = {.inbox = true, .cover_ms = -1};
    struct pull_urls urls = {.len = 0};
    const char *problem = read_video_source(body, &p, &urls);

    if (problem == NULL)
        return judge_init(x, &p, &urls, err);
    api_invalid(x, problem);
    return RC_OK;
}

/* Which scope it needs stands in the body, so that the body is read first. */
static enum rc photo_init(struct exchange *x, json_t *body, struct err *err)
{
    struct publication p = {.inbox = false};
    struct pull_urls urls = {.len = 0};
    const char *problem = read_photo_mode(body, &p);

    if (problem == NULL)
        problem = read_photo_post(body, &p);
    if (problem == NULL)
        problem = read_photo_source(body, &p, &urls);
    if (problem != NULL)
        api_invalid(x, problem);
    else if ((x->scopes & (p.inbox ? SCOPE_VIDEO_UPLOAD : SCOPE_VIDEO_PUBLISH)) == 0)
        api_error(x, 401, "scope_not_authorized", NULL);
    else
        return judge_init(x, &p, &urls, err);
    return RC_OK;
}

/* --- status and cancel --------------------------------------------------------- */

/* The publication that the body names. p->id 0: the refusal is written. */
static enum rc find_named(struct exchange *x, const json_t *body, struct publication *p,
                          struct err *err)
{
    const char *publish_id = json_string_value(json_object_get(body, "publish_id"));
    enum rc rc;

    p->id = 0;
    if (publish_id == NULL) {
        api_invalid(x, "The publish_id is missing or invalid");
        return RC_OK;
    }
    text_copy(x->publish_id, sizeof(x->publish_id), publish_id);
    rc = publication_by_publish_id(x->sql, publish_id, p, err);
    if (rc != RC_OK)
        return rc;
    if (p->id == 0) {
        api_error(x, 400, "invalid_publish_id", NULL);
    } else if (p->user_id != x->user_id || p->app_id != x->app_id) {
        api_error(x, 400, "token_not_authorized_for_specified_publish_id", NULL);
        p->id = 0;
    }
    return RC_OK;
}

static void write_post_ids(struct exchange *x, struct jsonw *w,
                           const struct publication *p)
{
    char text[24];

    jsonw_key(w, "publicaly_available_post_id");
    jsonw_array(w);
    if (publication_public(p, x->now_ms)) {
        (void)snprintf(text, sizeof(text), "%" PRId64, p->post_id);
        if (x->knobs.value[KNOB_POST_ID_AS_STRING] != 0)
            jsonw_text(w, text);
        else
            jsonw_int(w, p->post_id);
    }
    jsonw_end(w);
}

/* The members that live answers had, in each state. */
static void write_status(struct exchange *x, const struct publication *p)
{
    enum publication_state state = publication_state(p, x->now_ms);
    struct jsonw w;

    api_begin(x, &w);
    jsonw_object(&w);
    if (state == PUBLICATION_FAILED)
        jsonw_key_text(&w, "fail_reason", p->fail_reason);
    jsonw_key_text(&w, "status", publication_status(p, x->now_ms));
    if (state == PUBLICATION_COMPLETE && p->post_id != 0)
        write_post_ids(x, &w, p);
    if (state != PUBLICATION_FAILED)
        jsonw_key_int(&w, p->pulled ? "downloaded_bytes" : "uploaded_bytes", p->received);
    jsonw_end(&w);
    api_end(x, &w);
}

static enum rc status(struct exchange *x, json_t *body, struct err *err)
{
    struct publication p;
    enum rc rc = find_named(x, body, &p, err);

    if (rc == RC_OK && p.id != 0)
        write_status(x, &p);
    return rc;
}

/* Bytes that are all here can no longer be stopped. */
static enum rc cancel(struct exchange *x, json_t *body, struct err *err)
{
    struct publication p;
    enum rc rc = find_named(x, body, &p, err);

    if (rc != RC_OK || p.id == 0)
        return rc;
    if (publication_state(&p, x->now_ms) != PUBLICATION_RECEIVING) {
        api_error(x, 400, "publish_not_cancellable", NULL);
        return RC_OK;
    }
    text_copy(p.fail_reason, sizeof(p.fail_reason), "publish_cancelled");
    p.fail_ms = x->now_ms;
    rc = publication_store(x->sql, &p, err);
    if (rc == RC_OK && p.pulled)
        rc = pulls_end(x->sql, p.id, err);
    x->errand = true; /* a fetch shall end */
    if (rc == RC_OK)
        api_ok(x);
    return rc;
}

/* --- rules --------------------------------------------------------------------- */

const struct api_rules creator_info_rules = {SCOPE_VIDEO_PUBLISH, KNOB_CREATOR_PER_MIN,
                                             creator_info};
const struct api_rules video_init_rules = {SCOPE_VIDEO_PUBLISH, KNOB_INIT_PER_MIN,
                                           video_init};
const struct api_rules inbox_init_rules = {SCOPE_VIDEO_UPLOAD, KNOB_INIT_PER_MIN,
                                           inbox_init};
const struct api_rules photo_init_rules = {SCOPE_VIDEO_PUBLISH | SCOPE_VIDEO_UPLOAD,
                                           KNOB_INIT_PER_MIN, photo_init};
const struct api_rules status_rules = {SCOPE_VIDEO_PUBLISH | SCOPE_VIDEO_UPLOAD,
                                       KNOB_STATUS_PER_MIN, status};
const struct api_rules cancel_rules = {SCOPE_VIDEO_PUBLISH | SCOPE_VIDEO_UPLOAD,
                                       KNOB_COUNT, cancel};
