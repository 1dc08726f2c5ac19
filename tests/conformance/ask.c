/* Requests as the publisher builds and sends them, and answers as it reads them. */
#include "conformance.h"

#include "core/encode.h"
#include "core/text.h"
#include "crypto/pkce.h"
#include "crypto/webhook.h"
#include "tiktok/creator.h"
#include "tiktok/event.h"
#include "tiktok/user.h"
#include "tiktok/video.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    BODY_MAX = 65536,
    UPLOAD_ANSWER_MAX = 65536, /* as in the publisher */
    URL_SIZE = 4096,
};

/* --- facts --------------------------------------------------------------------- */

static void fact(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        give_up("no fact can be kept");
}

static void text_fact(json_t *object, const char *key, const char *text)
{
    if (*text != '\0')
        fact(object, key, json_string(text));
}

static void int_fact(json_t *object, const char *key, int64_t n, int64_t unsaid)
{
    if (n != unsaid)
        fact(object, key, json_integer(n));
}

/* --- sending ------------------------------------------------------------------- */

/* The header's log id only where the body has none: else nobody would see that the body's
 * is not read. */
static struct tiktok_answer answer_of(const struct trial *t)
{
    bool told = t->answer.log_id[0] != '\0' && t->answer.body.len > 0 &&
                strstr(t->answer.body.buf, t->answer.log_id) != NULL;

    return (struct tiktok_answer){.http_status = t->answer.status,
                                  .body = t->answer.body.buf,
                                  .len = t->answer.body.len,
                                  .retry_after_ms = t->answer.retry_after_ms,
                                  .log_id = told ? NULL : t->answer.log_id};
}

/* What a call needs besides its body. */
struct call {
    const char *method, *path, *type;
    bool once;    /* never sent twice: an init */
    bool carries; /* the bearer token */
};

static void send_call(struct trial *t, const struct call *call, const char *body)
{
    char url[URL_SIZE], type[128], bearer[TIKTOK_TOKEN_MAX + 32];
    const char *headers[3] = {NULL};
    struct http_request req = {.method = call->method,
                               .url = url,
                               .headers = headers,
                               .body = body,
                               .body_len = body != NULL ? strlen(body) : 0,
                               .max_response = TIKTOK_ANSWER_MAX,
                               .timeout_ms = t->timeout_ms,
                               .once = call->once};
    size_t n = 0;

    (void)snprintf(url, sizeof(url), "%s%s", t->world->url,
                   t->path[0] != '\0' ? t->path : call->path);
    (void)snprintf(type, sizeof(type), "Content-Type: %s", call->type);
    (void)snprintf(bearer, sizeof(bearer), "Authorization: Bearer %s", t->bearer);
    if (body != NULL)
        headers[n++] = type;
    if (call->carries && t->bearer[0] != '\0')
        headers[n] = bearer;
    wire_send(t->world, &req, &t->answer);
    for (int again = 0; again < t->repeat; again++) {
        strbuf_wipe(&t->answer.body);
        wire_send(t->world, &req, &t->answer);
    }
    t->rc = t->answer.rc;
    t->err = t->answer.err;
}

/* A call of the JSON API; the body is the builder's, unless the case has one. */
static void send_json(struct trial *t, const char *path, bool act, struct strbuf *body)
{
    const struct call call = {"POST", path, TIKTOK_JSON_TYPE, act, true};

    if (strbuf_failed(body))
        give_up("%s: the body is too long", t->c->name);
    send_call(t, &call, t->body[0] != '\0' ? t->body : body->buf);
    strbuf_release(body);
}

/* --- OAuth --------------------------------------------------------------------- */

static void read_tokens(struct trial *t, enum tiktok_where where)
{
    struct tiktok_answer answer = answer_of(t);
    struct tiktok_tokens tokens = {0};
    json_t *fields;

    t->rc = tiktok_tokens_parse(where, &answer, &t->reply, &tokens, &t->err);
    if (t->rc != RC_OK)
        return;
    fields = json_object();
    text_fact(fields, "open_id", tokens.open_id);
    text_fact(fields, "scope", tokens.scopes);
    fact(fields, "expires_in", json_integer(tokens.expires_in_s));
    int_fact(fields, "refresh_expires_in", tokens.refresh_expires_in_s, 0);
    fact(fields, "has_refresh_token", json_boolean(tokens.refresh_token[0] != '\0'));
    fact(t->facts, "fields", fields);
    t->tokens = tokens;
    text_copy(t->bearer, sizeof(t->bearer), tokens.access_token);
}

static void send_form(struct trial *t, const char *path, struct strbuf *form)
{
    const struct call call = {
        "POST", path, t->type[0] != '\0' ? t->type : TIKTOK_FORM_TYPE, false, false};

    send_call(t, &call, t->body[0] != '\0' ? t->body : form->buf);
    strbuf_wipe(form);
}

static void ask_token(struct trial *t)
{
    struct strbuf form;

    strbuf_init(&form, BODY_MAX);
    tiktok_exchange_body(&t->app, t->code, t->verifier, &form);
    send_form(t, TIKTOK_PATH_TOKEN, &form);
    if (t->rc == RC_OK)
        read_tokens(t, TIKTOK_IN_EXCHANGE);
}

static void ask_refresh(struct trial *t)
{
    struct strbuf form;

    strbuf_init(&form, BODY_MAX);
    tiktok_refresh_body(&t->app, t->tokens.refresh_token, &form);
    send_form(t, TIKTOK_PATH_TOKEN, &form);
    if (t->rc == RC_OK)
        read_tokens(t, TIKTOK_IN_REFRESH);
}

static void ask_revoke(struct trial *t)
{
    struct tiktok_answer answer;
    struct strbuf form;

    strbuf_init(&form, BODY_MAX);
    tiktok_revoke_body(&t->app, t->bearer, &form);
    send_form(t, TIKTOK_PATH_REVOKE, &form);
    answer = answer_of(t);
    if (t->rc == RC_OK)
        t->rc = tiktok_revoke_parse(&answer, &t->reply, &t->err);
}

/* The value of a parameter in an address that a browser was sent to, decoded once. */
static void parameter(const char *url, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);
    const char *p = strchr(url, '?');
    struct strbuf value;

    strbuf_init(&value, size - 1);
    for (; p != NULL; p = strchr(p + 1, '&')) {
        if (strncmp(p + 1, name, len) == 0 && p[1 + len] == '=') {
            p += len + 2;
            if (!percent_decode(&value, p, strcspn(p, "&#"), true))
                give_up("%s is not well encoded", name);
            break;
        }
    }
    text_copy(out, size, value.buf);
    strbuf_release(&value);
}

/* The page of consent; with a decision, what a person's browser is answered to it. */
static void ask_authorize(struct trial *t)
{
    char challenge[PKCE_CHALLENGE_SIZE], location[URL_SIZE];
    char error[96], type[96];
    struct tiktok_authorize a = {t->world->url, t->scopes, "state-of-ours", challenge};
    struct strbuf url;

    pkce_challenge(t->verifier, challenge);
    if (t->title[0] != '\0') /* a challenge of the case's own */
        a.code_challenge = t->title;
    strbuf_init(&url, URL_SIZE);
    tiktok_authorize_url(&t->app, &a, &url);
    strbuf_addstr(&url, t->path);
    /* a form is the query, and what the person chose besides */
    if (t->body[0] == '\0') {
        t->answer.status = browse(url.buf, NULL, location, sizeof(location));
    } else {
        const char *query = strchr(url.buf, '?') + 1;
        struct strbuf form;

        strbuf_init(&form, URL_SIZE);
        strbuf_addf(&form, "%s&%s", query, t->body);
        *strchr(url.buf, '?') = '\0';
        t->answer.status = browse(url.buf, form.buf, location, sizeof(location));
        strbuf_release(&form);
    }
    strbuf_release(&url);
    parameter(location, "code", t->code, sizeof(t->code));
    parameter(location, "error", error, sizeof(error));
    parameter(location, "error_type", type, sizeof(type));
    if (t->answer.status == 302) {
        char state[64], scopes[TIKTOK_SCOPES_MAX];

        parameter(location, "state", state, sizeof(state));
        parameter(location, "scopes", scopes, sizeof(scopes));
        text_fact(t->facts, "state", state);
        text_fact(t->facts, "scopes", scopes);
        text_fact(t->facts, "error_type", type);
    }
    text_copy(t->reply.code, sizeof(t->reply.code), error);
    if (error[0] != '\0') {
        t->reply.error = tiktok_callback_error(error, type[0] != '\0' ? type : NULL);
        t->rc = tiktok_error_rc(t->reply.error);
    }
}

/* --- accounts ------------------------------------------------------------------ */

static void ask_user(struct trial *t)
{
    struct tiktok_answer answer;
    struct tiktok_user u;
    struct strbuf path;
    json_t *fields;

    strbuf_init(&path, URL_SIZE);
    tiktok_user_path(t->title[0] != '\0' ? t->title : t->scopes, &path);
    send_call(t, &(struct call){"GET", path.buf, "", false, true}, NULL);
    strbuf_release(&path);
    answer = answer_of(t);
    if (t->rc == RC_OK)
        t->rc = tiktok_user_parse(&answer, &t->reply, &u, &t->err);
    if (t->rc != RC_OK)
        return;
    fields = json_object();
    text_fact(fields, "open_id", u.open_id);
    text_fact(fields, "union_id", u.union_id);
    text_fact(fields, "display_name", u.display_name);
    text_fact(fields, "username", u.username);
    text_fact(fields, "avatar_url", u.avatar_url);
    text_fact(fields, "profile_deep_link", u.profile_url);
    if (u.is_verified)
        fact(fields, "is_verified", json_true());
    int_fact(fields, "follower_count", u.followers, -1);
    int_fact(fields, "following_count", u.following, -1);
    int_fact(fields, "likes_count", u.likes, -1);
    int_fact(fields, "video_count", u.videos, -1);
    fact(t->facts, "fields", fields);
}

static void ask_creator(struct trial *t)
{
    struct tiktok_answer answer;
    struct tiktok_creator creator;
    struct strbuf text;

    strbuf_init(&text, BODY_MAX);
    strbuf_addstr(&text, TIKTOK_CREATOR_BODY);
    send_json(t, TIKTOK_PATH_CREATOR, false, &text);
    answer = answer_of(t);
    if (t->rc == RC_OK)
        t->rc = tiktok_creator_parse(&answer, &t->reply, &creator, &t->err);
    if (t->rc != RC_OK)
        return;
    strbuf_init(&text, BODY_MAX);
    tiktok_creator_write(&creator, &text);
    fact(t->facts, "fields", json_loadb(text.buf, text.len, 0, NULL));
    strbuf_release(&text);
}

/* --- posting ------------------------------------------------------------------- */

/* How the video is cut: as the client plans it, unless the case wants a smaller chunk. */
static void plan(struct trial *t)
{
    struct err err;

    if (tiktok_chunk_plan(t->size, &t->plan, &err) != RC_OK)
        give_up("%s: %s", t->c->name, err.msg);
    if (t->chunk_size != 0)
        t->plan =
            (struct tiktok_chunk_plan){t->size, t->chunk_size, t->size / t->chunk_size};
}

static void read_session(struct trial *t, bool upload)
{
    struct tiktok_answer answer = answer_of(t);

    t->rc = tiktok_init_parse(&answer, upload, &t->reply, &t->session, &t->err);
    if (t->rc != RC_OK)
        return;
    text_fact(t->facts, "publish_id", t->session.publish_id);
    t->elsewhere = upload && tiktok_upload_url_check(t->session.upload_url, t->world->url,
                                                     NULL, &t->err) != RC_OK;
}

static struct tiktok_video_source source_of(struct trial *t)
{
    plan(t);
    if (t->pull_url[0] != '\0')
        return (struct tiktok_video_source){NULL, t->pull_url};
    return (struct tiktok_video_source){&t->plan, NULL};
}

static void ask_video_init(struct trial *t)
{
    struct tiktok_video_source source = source_of(t);
    struct strbuf body;

    strbuf_init(&body, BODY_MAX);
    t->post.title = t->title;
    tiktok_video_init_body(&t->post, &source, &body);
    send_json(t, TIKTOK_PATH_VIDEO_INIT, true, &body);
    if (t->rc == RC_OK)
        read_session(t, source.plan != NULL);
}

static void ask_inbox_init(struct trial *t)
{
    struct tiktok_video_source source = source_of(t);
    struct strbuf body;

    strbuf_init(&body, BODY_MAX);
    tiktok_inbox_init_body(&source, &body);
    send_json(t, TIKTOK_PATH_INBOX_INIT, true, &body);
    if (t->rc == RC_OK)
        read_session(t, source.plan != NULL);
}

static void ask_content_init(struct trial *t)
{
    const char *urls[] = {t->photo_url, t->photo_url};
    const struct tiktok_photo_post post = {.direct = !t->photo_draft,
                                           .title = "Autumn",
                                           .description = t->title,
                                           .privacy_level = t->post.privacy_level,
                                           .disable_comment = t->post.disable_comment,
                                           .auto_add_music = t->music,
                                           .brand_content = t->post.brand_content,
                                           .brand_organic = t->post.brand_organic,
                                           .urls = urls,
                                           .url_count = ARRAY_LEN(urls),
                                           .cover_index = 1};
    struct strbuf body;

    strbuf_init(&body, BODY_MAX);
    tiktok_photo_init_body(&post, &body);
    send_json(t, TIKTOK_PATH_PHOTO_INIT, true, &body);
    if (t->rc == RC_OK)
        read_session(t, false);
}

static void ask_cancel(struct trial *t)
{
    struct tiktok_answer answer;
    struct strbuf body;

    strbuf_init(&body, BODY_MAX);
    tiktok_publish_id_body(t->session.publish_id, &body);
    send_json(t, TIKTOK_PATH_CANCEL, true, &body);
    answer = answer_of(t);
    if (t->rc == RC_OK)
        t->rc = tiktok_cancel_parse(&answer, &t->reply, &t->err);
}

static const char *state_name(enum tiktok_state state)
{
    static const char *const names[] = {[TIKTOK_PROCESSING] = "processing",
                                        [TIKTOK_IN_INBOX] = "inbox",
                                        [TIKTOK_PUBLISHED] = "published",
                                        [TIKTOK_FAILED] = "failed"};

    return names[state];
}

static void status_facts(struct trial *t, const struct tiktok_status *s)
{
    json_t *ids = json_array();
    json_t *fields = json_object();

    text_fact(t->facts, "class", state_name(s->state));
    text_fact(t->facts, "status", s->word);
    if (s->failure != NULL)
        fact(t->facts, "fail_reason", json_string(s->fail_reason));
    for (size_t i = 0; i < s->post_id_count; i++)
        if (json_array_append_new(ids, json_string(s->post_id[i])) != 0)
            give_up("no id can be kept");
    fact(t->facts, "post_ids", ids);
    int_fact(fields, "uploaded_bytes", s->uploaded_bytes, -1);
    int_fact(fields, "downloaded_bytes", s->downloaded_bytes, -1);
    fact(t->facts, "fields", fields);
    t->failure = s->failure;
}

static void ask_status(struct trial *t)
{
    struct tiktok_answer answer;
    struct tiktok_status status;
    struct strbuf body;

    strbuf_init(&body, BODY_MAX);
    tiktok_publish_id_body(t->session.publish_id, &body);
    send_json(t, TIKTOK_PATH_STATUS, false, &body);
    answer = answer_of(t);
    if (t->rc == RC_OK)
        t->rc = tiktok_status_parse(&answer, &t->reply, &status, &t->err);
    if (t->rc == RC_OK)
        status_facts(t, &status);
}

/* --- chunks -------------------------------------------------------------------- */

static const char *step_name(const struct tiktok_upload_step *step, char *out,
                             size_t size)
{
    static const char *const names[] = {
        [TIKTOK_UPLOAD_NEXT] = "next",      [TIKTOK_UPLOAD_DONE] = "done",
        [TIKTOK_UPLOAD_AGAIN] = "again",    [TIKTOK_UPLOAD_SKIP] = "skip",
        [TIKTOK_UPLOAD_ASK] = "ask",        [TIKTOK_UPLOAD_EXPIRED] = "expired",
        [TIKTOK_UPLOAD_REFUSED] = "refused"};

    (void)snprintf(out, size, "%s %" PRId64, names[step->what], step->next);
    return out;
}

/* As tiktok_upload_step() judges it, and the table's words for it. */
static void read_chunk(struct trial *t)
{
    struct tiktok_upload_step step =
        tiktok_upload_step(&t->plan, t->chunk, t->answer.status, t->answer.content_range);
    char text[64];

    text_fact(t->facts, "step", step_name(&step, text, sizeof(text)));
    t->reply.http_status = t->answer.status;
    text_copy(t->reply.log_id, sizeof(t->reply.log_id), t->answer.log_id);
    (void)snprintf(t->reply.code, sizeof(t->reply.code), "%d", t->answer.status);
    t->reply.definite = true;
    if (step.what == TIKTOK_UPLOAD_NEXT ||
        (step.what == TIKTOK_UPLOAD_DONE && t->answer.status < 300))
        return;
    t->reply.error =
        step.what == TIKTOK_UPLOAD_REFUSED
            ? tiktok_error_find(TIKTOK_IN_UPLOAD, "400")
            : tiktok_error_of(TIKTOK_IN_UPLOAD, t->reply.code, t->answer.status);
    t->rc = tiktok_error_rc(t->reply.error);
}

static void ask_upload(struct trial *t)
{
    char range[TIKTOK_RANGE_SIZE], content_range[256];
    char type[sizeof(t->type) + 16];
    const char *const headers[] = {type, content_range, NULL};
    struct http_request req = {.method = "PUT",
                               .url =
                                   t->path[0] != '\0' ? t->path : t->session.upload_url,
                               .headers = headers,
                               .file = t->world->video,
                               .file_offset = tiktok_chunk_first(&t->plan, t->chunk),
                               .file_len = tiktok_chunk_len(&t->plan, t->chunk),
                               .max_response = UPLOAD_ANSWER_MAX,
                               .timeout_ms = t->timeout_ms};

    tiktok_chunk_range(&t->plan, t->chunk, range);
    (void)snprintf(content_range, sizeof(content_range), "Content-Range: %.200s",
                   t->body[0] != '\0' ? t->body : range);
    (void)snprintf(type, sizeof(type), "Content-Type: %s",
                   t->type[0] != '\0' ? t->type : "video/mp4");
    wire_send(t->world, &req, &t->answer);
    t->rc = t->answer.rc;
    t->err = t->answer.err;
    if (t->rc == RC_OK)
        read_chunk(t);
}

/* --- videos -------------------------------------------------------------------- */

static void page_facts(struct trial *t, const struct tiktok_video_page *page)
{
    json_t *ids = json_array();
    json_t *fields = json_object();

    for (size_t i = 0; i < page->count; i++)
        if (json_array_append_new(ids, json_string(page->video[i].id)) != 0)
            give_up("no id can be kept");
    fact(t->facts, "post_ids", ids);
    int_fact(fields, "cursor", page->cursor_ms, 0);
    /* whether a cursor moves on is known only to who sent the one before */
    fact(t->cursor_ms != 0 ? t->facts : fields, "has_more", json_boolean(page->has_more));
    fact(t->facts, "fields", fields);
}

static void ask_video_list(struct trial *t)
{
    static struct tiktok_video_page page;
    struct tiktok_answer answer;
    struct strbuf body;

    strbuf_init(&body, BODY_MAX);
    tiktok_video_list_body(t->cursor_ms, t->chunk > 0 ? (int)t->chunk : TIKTOK_VIDEO_PAGE,
                           &body);
    send_json(t, TIKTOK_PATH_VIDEO_LIST, false, &body);
    answer = answer_of(t);
    if (t->rc == RC_OK)
        t->rc = tiktok_video_list_parse(&answer, t->cursor_ms, &t->reply, &page, &t->err);
    if (t->rc == RC_OK)
        page_facts(t, &page);
}

static void ask_video_query(struct trial *t)
{
    static struct tiktok_video_page page;
    const char *const ids[] = {t->post_id[0] != '\0' ? t->post_id
                                                     : "7700000000000000201"};
    struct tiktok_answer answer;
    struct strbuf body;

    strbuf_init(&body, BODY_MAX);
    tiktok_video_query_body(ids, ARRAY_LEN(ids), &body);
    send_json(t, TIKTOK_PATH_VIDEO_QUERY, false, &body);
    answer = answer_of(t);
    if (t->rc == RC_OK)
        t->rc = tiktok_video_query_parse(&answer, &t->reply, &page, &t->err);
    if (t->rc == RC_OK)
        page_facts(t, &page);
}

/* --- webhooks ------------------------------------------------------------------ */

static const struct {
    enum tiktok_event_kind kind;
    const char *class;
} event_classes[] = {
    {TIKTOK_EVENT_OTHER, "unknown"},        {TIKTOK_EVENT_DISCONNECTED, "reconnect"},
    {TIKTOK_EVENT_POST_FAILED, "failed"},   {TIKTOK_EVENT_POST_COMPLETE, "published"},
    {TIKTOK_EVENT_IN_INBOX, "inbox"},       {TIKTOK_EVENT_PUBLIC, "published"},
    {TIKTOK_EVENT_NOT_PUBLIC, "published"},
};

static void event_facts(struct trial *t, const struct tiktok_event *e)
{
    json_t *ids = json_array();
    json_t *fields = json_object();

    for (size_t i = 0; i < ARRAY_LEN(event_classes); i++)
        if (event_classes[i].kind == e->kind)
            text_fact(t->facts, "class", event_classes[i].class);
    text_fact(t->facts, "publish_id", e->publish_id);
    if (e->post_id[0] != '\0' && json_array_append_new(ids, json_string(e->post_id)) != 0)
        give_up("no id can be kept");
    fact(t->facts, "post_ids", ids);
    if (e->failure != NULL)
        fact(t->facts, "fail_reason", json_string(e->fail_reason));
    t->failure = e->failure;
    text_fact(fields, "event", e->name);
    text_fact(fields, "client_key", e->client_key);
    text_fact(fields, "user_openid", e->open_id);
    text_fact(fields, "publish_type", e->publish_type);
    int_fact(fields, "create_time", e->created_s, 0);
    if (e->kind == TIKTOK_EVENT_DISCONNECTED)
        fact(fields, "removed_reason", json_integer(e->removed_reason));
    fact(t->facts, "fields", fields);
}

/* Nothing is asked: what the host has heard is judged and read, byte for byte. */
static void ask_webhook(struct trial *t)
{
    const struct webhook w = {t->signature, t->event.buf, t->event.len};
    const char *secret = t->app.client_secret;
    struct tiktok_event event;
    int64_t signed_s;
    enum webhook_verdict verdict =
        webhook_verify(secret, strlen(secret), &w, (int64_t)time(NULL), &signed_s);

    t->answer.status = 200;
    strbuf_init(&t->answer.body, BODY_MAX);
    strbuf_add(&t->answer.body, t->event.buf, t->event.len);
    text_fact(t->facts, "verdict", webhook_verdict_name(verdict));
    t->rc = tiktok_event_parse(t->event.buf, t->event.len, &event, &t->err);
    if (t->rc == RC_OK)
        event_facts(t, &event);
}

/* --- endpoints ----------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*ask)(struct trial *t);
} endpoints[] = {
    {"authorize", ask_authorize},
    {"token", ask_token},
    {"refresh", ask_refresh},
    {"revoke", ask_revoke},
    {"user_info", ask_user},
    {"creator_info", ask_creator},
    {"video_init", ask_video_init},
    {"inbox_init", ask_inbox_init},
    {"content_init", ask_content_init},
    {"upload", ask_upload},
    {"status", ask_status},
    {"cancel", ask_cancel},
    {"video_list", ask_video_list},
    {"video_query", ask_video_query},
    {"webhook", ask_webhook},
};

void ask(struct trial *t, const char *endpoint)
{
    if (!t->permitted && strcmp(endpoint, "authorize") != 0 &&
        strcmp(endpoint, "token") != 0 && strcmp(endpoint, "webhook") != 0)
        steps_permit(t);
    strbuf_wipe(&t->answer.body);
    t->answer = (struct wire_answer){.rc = RC_OK};
    t->reply = (struct tiktok_reply){0};
    t->failure = NULL;
    t->rc = RC_OK;
    json_decref(t->facts);
    t->facts = json_object();
    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
        if (strcmp(endpoints[i].name, endpoint) == 0) {
            endpoints[i].ask(t);
            if (t->rc != RC_OK)
                int_fact(t->facts, "retry_after_ms", t->err.retry_after_ms, 0);
            return;
        }
    }
    give_up("%s: there is no endpoint %s", t->c->name, endpoint);
}
