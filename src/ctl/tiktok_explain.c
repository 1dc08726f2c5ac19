/* ttsctl tiktok explain - an operator pastes what TikTok said and is told what it means.
 *
 * The body goes through the very parsers that the publisher uses, so the answer is what
 * the program would make of it. Nothing secret in the body is shown again. */
#include "ctl.h"

#include "core/jsonw.h"
#include "core/parse.h"
#include "domain/reason.h"
#include "tiktok/creator.h"
#include "tiktok/event.h"
#include "tiktok/oauth.h"
#include "tiktok/posting.h"
#include "tiktok/status.h"
#include "tiktok/upload_url.h"
#include "tiktok/user.h"
#include "tiktok/video.h"

#include <inttypes.h>
#include <string.h>

enum {
    BODY_MAX = 2 * TIKTOK_ANSWER_MAX,
    JSON_MAX = 512 * 1024, /* bytes of a result; the longest is a page of videos */
    HTTP_MIN = 100,
    HTTP_MAX = 599,
};

struct explain;

struct endpoint {
    const char *name;
    void (*explain)(struct explain *x);
    const char *doubt; /* the next step when TikTok may have acted although its answer
                        * says nothing; NULL when the same may simply be asked again */
};

struct explain {
    const struct endpoint *endpoint;
    struct tiktok_answer answer;
    const char *upload_hosts, *scopes;
    struct tiktok_reply reply;
    struct err err;
    struct jsonw w; /* the result, an object that is open after say() */
};

/* --- what every explanation begins with ---------------------------------------- */

struct said {
    const char *class, *reason, *sentence, *next_step;
};

static void text_unless_empty(struct jsonw *w, const char *key, const char *text)
{
    if (text != NULL && *text != '\0')
        jsonw_key_text(w, key, text);
}

static void int_unless(struct jsonw *w, const char *key, int64_t n, int64_t unsaid)
{
    if (n != unsaid)
        jsonw_key_int(w, key, n);
}

static void say(struct explain *x, const struct said *s)
{
    struct jsonw *w = &x->w;

    jsonw_object(w);
    jsonw_key_text(w, "class", s->class);
    jsonw_key_text(w, "code", x->reply.code);
    jsonw_key_text(w, "sentence", s->sentence);
    jsonw_key_text(w, "next_step", s->next_step);
    text_unless_empty(w, "reason", s->reason);
    text_unless_empty(w, "message", x->reply.message);
    text_unless_empty(w, "log_id", x->reply.log_id);
    jsonw_key_int(w, "http_status", x->answer.http_status);
}

/* TikTok agreed. Only its JSON API has a word for that. */
static void say_ok(struct explain *x, const char *class, const char *sentence,
                   const char *next_step)
{
    if (x->reply.code[0] == '\0')
        (void)snprintf(x->reply.code, sizeof(x->reply.code), "ok");
    say(x, &(struct said){class, NULL, sentence, next_step});
}

/* --- refusals ------------------------------------------------------------------ */

/* A code without a row, and no status that says more. */
static bool is_new(const struct tiktok_reply *reply)
{
    return reply->error->code[0] == '\0' && reply->error->class == TIKTOK_NEVER &&
           reply->code[0] != '\0' && strcmp(reply->code, "ok") != 0;
}

static bool may_have_acted(const struct explain *x)
{
    return x->endpoint->doubt != NULL && !x->reply.definite;
}

/* TikTok agreed, but nobody can read to what. */
static bool is_riddle(const struct explain *x)
{
    const char *code = x->reply.code;

    return may_have_acted(x) && x->answer.http_status < 300 &&
           (*code == '\0' || strcmp(code, "ok") == 0);
}

static const char *class_of(const struct explain *x)
{
    const struct tiktok_error *e = x->reply.error;

    if (is_new(&x->reply) || is_riddle(x))
        return "unknown";
    return e->class == TIKTOK_REFRESH ? "reconnect" : tiktok_class_name(e->class);
}

static const char *next_step_of(const struct explain *x)
{
    if (may_have_acted(x))
        return x->endpoint->doubt;
    if (x->reply.error->class == TIKTOK_REFRESH)
        return "Nothing at first: the token is refreshed and the call repeated once. If "
               "that is refused too, reconnect the account on the Accounts page.";
    return x->reply.error->next_step;
}

/* True when rc is a failure; it has been explained then, and the object is open. */
static bool refused(struct explain *x, enum rc rc)
{
    const struct tiktok_error *e = x->reply.error;
    char sentence[256];
    struct said s;

    if (rc == RC_OK)
        return false;
    (void)snprintf(sentence, sizeof(sentence), "%s", e->sentence);
    if (is_new(&x->reply))
        (void)snprintf(sentence, sizeof(sentence),
                       "TikTok refused with %s, a code that this version does not know; "
                       "that is taken as final.",
                       x->reply.code);
    s = (struct said){class_of(x), e->reason, sentence, next_step_of(x)};
    say(x, &s);
    text_unless_empty(&x->w, "seen_with_http", e->http);
    int_unless(&x->w, "wait_s", x->err.retry_after_ms / 1000, 0);
    if (x->endpoint->doubt != NULL)
        jsonw_key_bool(&x->w, "may_have_acted", !x->reply.definite);
    return true;
}

/* A post's end by TikTok: of status/fetch or of a webhook. */
static void say_failed(struct explain *x, const char *fail_reason,
                       const struct tiktok_error *failure)
{
    char sentence[256];
    const struct said s = {"failed", failure->reason, sentence, failure->next_step};

    if (failure->code[0] == '\0' && fail_reason[0] != '\0')
        (void)snprintf(
            sentence, sizeof(sentence),
            "TikTok could not publish the post and says %s, which this version "
            "does not know; that is final.",
            fail_reason);
    else
        (void)snprintf(sentence, sizeof(sentence), "%s", failure->sentence);
    say(x, &s);
    jsonw_key_text(&x->w, "fail_reason", fail_reason);
    jsonw_key_text(&x->w, "failure_class", tiktok_class_name(failure->class));
}

/* --- OAuth --------------------------------------------------------------------- */

/* People may untick permissions on TikTok's page, and the sign-in still succeeds. */
static void say_tokens(struct explain *x, const char *missing)
{
    if (*missing == '\0')
        say_ok(x, "ok", "TikTok gave tokens for the account.", "");
    else
        say_ok(
            x, "ok",
            "TikTok gave tokens for the account, with fewer permissions than "
            "TIKTOK_SCOPES asks for.",
            "Reconnect the account and leave every permission ticked on TikTok's page, "
            "if they are needed.");
}

static void show_tokens(struct jsonw *w, const struct tiktok_tokens *t,
                        const char *missing)
{
    jsonw_key(w, "fields");
    jsonw_object(w);
    text_unless_empty(w, "open_id", t->open_id);
    text_unless_empty(w, "scope", t->scopes);
    text_unless_empty(w, "missing_scopes", missing);
    jsonw_key_int(w, "expires_in", t->expires_in_s);
    int_unless(w, "refresh_expires_in", t->refresh_expires_in_s, 0);
    jsonw_key_bool(w, "has_refresh_token", t->refresh_token[0] != '\0');
    jsonw_end(w);
}

/* Code and refresh token go to one address. An answer is read as that of an exchange, and
 * as that of a refresh when only a refresh explains it. */
static enum rc parse_tokens(struct explain *x, struct tiktok_tokens *t)
{
    enum rc rc =
        tiktok_tokens_parse(TIKTOK_IN_EXCHANGE, &x->answer, &x->reply, t, &x->err);

    if (rc != RC_OK && (x->reply.code[0] == '\0' || strcmp(x->reply.code, "ok") == 0 ||
                        strcasestr(x->reply.message, "refresh token") != NULL))
        rc = tiktok_tokens_parse(TIKTOK_IN_REFRESH, &x->answer, &x->reply, t, &x->err);
    return rc;
}

static void explain_token(struct explain *x)
{
    struct tiktok_tokens tokens;
    struct strbuf missing;

    if (refused(x, parse_tokens(x, &tokens)))
        return;
    strbuf_init(&missing, TIKTOK_SCOPES_MAX);
    if (tokens.scopes[0] != '\0') /* else a refresh, which changes nothing about them */
        tiktok_scopes_missing(x->scopes, tokens.scopes, &missing);
    say_tokens(x, missing.buf);
    show_tokens(&x->w, &tokens, missing.buf);
    strbuf_release(&missing);
    tiktok_tokens_wipe(&tokens);
}

static void explain_revoke(struct explain *x)
{
    if (refused(x, tiktok_revoke_parse(&x->answer, &x->reply, &x->err)))
        return;
    say_ok(x, "ok",
           x->reply.error == NULL ? "TikTok has ended the connection."
                                  : "TikTok had ended this connection already.",
           "");
}

/* --- accounts ------------------------------------------------------------------ */

static void show_user(struct jsonw *w, const struct tiktok_user *u)
{
    jsonw_key(w, "fields");
    jsonw_object(w);
    text_unless_empty(w, "open_id", u->open_id);
    text_unless_empty(w, "union_id", u->union_id);
    text_unless_empty(w, "display_name", u->display_name);
    text_unless_empty(w, "username", u->username);
    text_unless_empty(w, "avatar_url", u->avatar_url);
    text_unless_empty(w, "profile_deep_link", u->profile_url);
    if (u->is_verified)
        jsonw_key_bool(w, "is_verified", true);
    int_unless(w, "follower_count", u->followers, -1);
    int_unless(w, "following_count", u->following, -1);
    int_unless(w, "likes_count", u->likes, -1);
    int_unless(w, "video_count", u->videos, -1);
    jsonw_end(w);
}

static void explain_user(struct explain *x)
{
    struct tiktok_user user;

    if (refused(x, tiktok_user_parse(&x->answer, &x->reply, &user, &x->err)))
        return;
    say_ok(x, "ok", "TikTok told who the account is.", "");
    show_user(&x->w, &user);
}

static void explain_creator(struct explain *x)
{
    struct tiktok_creator creator;
    struct strbuf json;

    if (refused(x, tiktok_creator_parse(&x->answer, &x->reply, &creator, &x->err)))
        return;
    say_ok(x, "ok", "The account may post now, to the audiences that are listed.", "");
    strbuf_init(&json, JSON_MAX);
    tiktok_creator_write(&creator, &json);
    jsonw_key(&x->w, "fields");
    jsonw_raw(&x->w, json.buf);
    strbuf_release(&json);
}

/* --- posting ------------------------------------------------------------------- */

/* The host of an upload address, and its port when it has one: all of it that is fit to
 * be shown. */
static void host_of(const char *url, char *out, size_t size)
{
    const char *host = strstr(url, "://");
    size_t len;

    host = host != NULL ? host + 3 : url;
    len = strcspn(host, "/?#\\");
    for (const char *at; (at = memchr(host, '@', len)) != NULL;) {
        len -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    (void)snprintf(out, size, "%.*s", (int)(len < size ? len : size - 1), host);
}

static void say_session(struct explain *x, const struct tiktok_session *session)
{
    const char *url = session->upload_url;
    const struct reason *bad = reason_find("upload_url_refused");
    struct err err;

    if (*url == '\0')
        say_ok(x, "ok", "TikTok opened a session and fetches the media by itself.",
               "Nothing to do: its status is asked for by itself.");
    else if (tiktok_upload_url_check(url, x->upload_hosts, NULL, &err) == RC_OK)
        say_ok(x, "ok", "TikTok opened a session and waits for the video.",
               "Nothing to do: the video is sent within the hour.");
    else
        say(x, &(struct said){"operator", "upload_url_refused", err.msg,
                              bad != NULL ? bad->next_step : ""});
}

static void explain_session(struct explain *x, bool upload)
{
    struct tiktok_session session;
    char host[256];
    enum rc rc = tiktok_init_parse(&x->answer, upload, &x->reply, &session, &x->err);

    /* Only who asked knows whether the video is sent or fetched; but where an address is
     * named, and be it a wrong one, it was to be sent. */
    if (rc != RC_OK && upload && strcmp(x->reply.code, "ok") == 0 &&
        memmem(x->answer.body, x->answer.len, "\"upload_url\"", 12) == NULL)
        rc = tiktok_init_parse(&x->answer, false, &x->reply, &session, &x->err);
    if (refused(x, rc))
        return;
    say_session(x, &session);
    jsonw_key_text(&x->w, "publish_id", session.publish_id);
    if (session.upload_url[0] != '\0') {
        host_of(session.upload_url, host, sizeof(host));
        jsonw_key_text(&x->w, "upload_url_host", host);
    }
    explicit_bzero(&session, sizeof(session));
}

static void explain_video_init(struct explain *x)
{
    explain_session(x, true);
}

static void explain_content_init(struct explain *x)
{
    explain_session(x, false);
}

static void explain_cancel(struct explain *x)
{
    if (refused(x, tiktok_cancel_parse(&x->answer, &x->reply, &x->err)))
        return;
    say_ok(x, "ok", "TikTok stops the publication.",
           "Its status becomes FAILED with publish_cancelled.");
}

static void show_post_ids(struct jsonw *w, const struct tiktok_status *s)
{
    jsonw_key(w, "post_ids");
    jsonw_array(w);
    for (size_t i = 0; i < s->post_id_count; i++)
        jsonw_text(w, s->post_id[i]);
    jsonw_end(w);
}

static void show_progress(struct jsonw *w, const struct tiktok_status *s)
{
    if (s->uploaded_bytes < 0 && s->downloaded_bytes < 0)
        return;
    jsonw_key(w, "fields");
    jsonw_object(w);
    int_unless(w, "uploaded_bytes", s->uploaded_bytes, -1);
    int_unless(w, "downloaded_bytes", s->downloaded_bytes, -1);
    jsonw_end(w);
}

static void say_processing(struct explain *x, const struct tiktok_status *s)
{
    char sentence[128] = "TikTok is still working on the post.";

    if (!s->known)
        (void)snprintf(
            sentence, sizeof(sentence),
            "TikTok says %.40s, which this version does not know; it counts as "
            "processing.",
            s->word);
    say_ok(x, "processing", sentence,
           "Nothing to do: it is asked again by itself, for up to 72 hours.");
}

static void say_state(struct explain *x, const struct tiktok_status *s)
{
    switch (s->state) {
    case TIKTOK_PROCESSING:
        say_processing(x, s);
        return;
    case TIKTOK_IN_INBOX:
        say_ok(x, "inbox", "The draft lies in the account's TikTok inbox.",
               "Open the notification in the TikTok app and finish the post there.");
        return;
    case TIKTOK_PUBLISHED:
        say_ok(x, "published",
               s->post_id_count > 0 ? "The post is published, and public."
                                    : "The post is published; it has no post id while it "
                                      "is being moderated, and never when it is not "
                                      "public.",
               "");
        return;
    case TIKTOK_FAILED:
        break;
    }
    say_failed(x, s->fail_reason, s->failure);
}

static void explain_status(struct explain *x)
{
    struct tiktok_status status;

    if (refused(x, tiktok_status_parse(&x->answer, &x->reply, &status, &x->err)))
        return;
    say_state(x, &status);
    jsonw_key_text(&x->w, "status", status.word);
    if (status.post_id_count > 0 || status.state == TIKTOK_PUBLISHED)
        show_post_ids(&x->w, &status);
    show_progress(&x->w, &status);
}

/* --- videos -------------------------------------------------------------------- */

static void show_video(struct jsonw *w, const struct tiktok_video *v)
{
    jsonw_object(w);
    jsonw_key_text(w, "id", v->id);
    text_unless_empty(w, "title", v->title);
    text_unless_empty(w, "share_url", v->share_url);
    int_unless(w, "create_time", v->created_s, 0);
    int_unless(w, "duration", v->duration_s, -1);
    int_unless(w, "view_count", v->views, -1);
    int_unless(w, "like_count", v->likes, -1);
    int_unless(w, "comment_count", v->comments, -1);
    int_unless(w, "share_count", v->shares, -1);
    jsonw_end(w);
}

static void show_page(struct jsonw *w, const struct tiktok_video_page *page)
{
    jsonw_key(w, "post_ids");
    jsonw_array(w);
    for (size_t i = 0; i < page->count; i++)
        jsonw_text(w, page->video[i].id);
    jsonw_end(w);
    jsonw_key(w, "fields");
    jsonw_object(w);
    int_unless(w, "cursor", page->cursor_ms, 0);
    jsonw_key_bool(w, "has_more", page->has_more);
    jsonw_key(w, "videos");
    jsonw_array(w);
    for (size_t i = 0; i < page->count; i++)
        show_video(w, &page->video[i]);
    jsonw_end(w);
    jsonw_end(w);
}

static void explain_video_list(struct explain *x)
{
    static struct tiktok_video_page page; /* 42 kB: not for the stack */

    if (refused(x, tiktok_video_list_parse(&x->answer, 0, &x->reply, &page, &x->err)))
        return;
    say_ok(x, "ok", "These are public posts of the account, newest first.",
           page.has_more ? "The cursor leads to the next page." : "");
    show_page(&x->w, &page);
}

static void explain_video_query(struct explain *x)
{
    static struct tiktok_video_page page;

    if (refused(x, tiktok_video_query_parse(&x->answer, &x->reply, &page, &x->err)))
        return;
    say_ok(x, "ok", "These of the posts are the account's and public.",
           "A post that is missing here may all the same be there and not be public.");
    show_page(&x->w, &page);
}

/* --- what TikTok tells by itself ----------------------------------------------- */

static const struct {
    enum tiktok_event_kind kind;
    const char *class, *sentence, *next_step;
} events[] = {
    {TIKTOK_EVENT_DISCONNECTED, "reconnect",
     "The connection to this account has ended at TikTok.",
     "Reconnect the account on the Accounts page."},
    {TIKTOK_EVENT_POST_COMPLETE, "published", "The post is published.",
     "Nothing to do: its status is asked for by itself."},
    {TIKTOK_EVENT_IN_INBOX, "inbox", "The draft lies in the account's TikTok inbox.",
     "Open the notification in the TikTok app and finish the post there."},
    {TIKTOK_EVENT_PUBLIC, "published", "The post is published, and public.", ""},
    {TIKTOK_EVENT_NOT_PUBLIC, "published", "The post is there but no longer public.",
     "Look in the TikTok app who may see it."},
};

/* Documented, of products of TikTok that this program does not use. */
static bool is_foreign(const char *name)
{
    static const char *const names[] = {"video.upload.failed", "video.publish.completed",
                                        "portability.download.ready"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void say_event(struct explain *x, const struct tiktok_event *e)
{
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        if (events[i].kind == e->kind) {
            say_ok(x, events[i].class, events[i].sentence, events[i].next_step);
            return;
        }
    }
    if (e->kind == TIKTOK_EVENT_POST_FAILED) {
        say_ok(x, "failed", e->failure->sentence, e->failure->next_step);
        return;
    }
    if (is_foreign(e->name))
        say_ok(x, "ok", "The event is about something else than posts of this program.",
               "Nothing to do: it is passed over.");
    else
        say_ok(x, "unknown", "This version does not know such an event.",
               "Nothing to do: it is passed over.");
}

static void show_event(struct jsonw *w, const struct tiktok_event *e)
{
    text_unless_empty(w, "publish_id", e->publish_id);
    if (e->post_id[0] != '\0') {
        jsonw_key(w, "post_ids");
        jsonw_array(w);
        jsonw_text(w, e->post_id);
        jsonw_end(w);
    }
    jsonw_key(w, "fields");
    jsonw_object(w);
    jsonw_key_text(w, "event", e->name);
    text_unless_empty(w, "client_key", e->client_key);
    text_unless_empty(w, "user_openid", e->open_id);
    text_unless_empty(w, "publish_type", e->publish_type);
    int_unless(w, "create_time", e->created_s, 0);
    if (e->kind == TIKTOK_EVENT_DISCONNECTED)
        jsonw_key_int(w, "removed_reason", e->removed_reason);
    jsonw_end(w);
}

static void explain_webhook(struct explain *x)
{
    struct tiktok_event event;

    if (tiktok_event_parse(x->answer.body, x->answer.len, &event, &x->err) != RC_OK) {
        say(x, &(struct said){"unknown", x->err.code, x->err.msg,
                              "Give the body as it came, without headers."});
        return;
    }
    if (event.kind == TIKTOK_EVENT_POST_FAILED) {
        (void)snprintf(x->reply.code, sizeof(x->reply.code), "ok");
        say_failed(x, event.fail_reason, event.failure);
    } else {
        say_event(x, &event);
    }
    show_event(&x->w, &event);
}

/* --- chunks -------------------------------------------------------------------- */

/* What a status means in the midst of an upload: the body says nothing. */
static void explain_upload(struct explain *x)
{
    static const struct tiktok_chunk_plan plan = {3, 1, 3};
    int status = x->answer.http_status;
    struct tiktok_upload_step step = tiktok_upload_step(&plan, 1, status, NULL);

    x->reply.http_status = status;
    (void)snprintf(x->reply.code, sizeof(x->reply.code), "%d", status);
    if (step.what == TIKTOK_UPLOAD_NEXT) {
        say_ok(x, "ok",
               status == 201 ? "TikTok has the whole video and begins to process it."
                             : "TikTok has stored the chunk.",
               status == 201 ? "Nothing to do: its status is asked for by itself."
                             : "Nothing to do: the next chunk follows.");
        return;
    }
    x->reply.definite = true;
    x->reply.error = step.what == TIKTOK_UPLOAD_REFUSED
                         ? tiktok_error_find(TIKTOK_IN_UPLOAD, "400")
                         : tiktok_error_of(TIKTOK_IN_UPLOAD, x->reply.code, status);
    x->err.retry_after_ms = (int64_t)x->reply.error->wait_s * 1000;
    (void)refused(x, tiktok_error_rc(x->reply.error));
}

/* --- the command --------------------------------------------------------------- */

static const char session_doubt[] =
    "TikTok may have opened a session all the same: another one is begun only when that "
    "one is surely dead.";
static const char token_doubt[] =
    "TikTok may have used up the code or the refresh token all the same: it is tried "
    "once "
    "more, and if that is refused the account must be connected again.";
static const char cancel_doubt[] =
    "TikTok may have stopped the publication all the same: its status will tell.";

static const struct endpoint endpoints[] = {
    {"token", explain_token, token_doubt},
    {"revoke", explain_revoke, NULL},
    {"user_info", explain_user, NULL},
    {"creator_info", explain_creator, NULL},
    {"video_init", explain_video_init, session_doubt},
    {"inbox_init", explain_video_init, session_doubt},
    {"content_init", explain_content_init, session_doubt},
    {"status", explain_status, NULL},
    {"cancel", explain_cancel, cancel_doubt},
    {"video_list", explain_video_list, NULL},
    {"video_query", explain_video_query, NULL},
    {"webhook", explain_webhook, NULL},
    {"upload", explain_upload, NULL},
};

static const struct endpoint *find(const char *name)
{
    for (size_t i = 0; name != NULL && i < ARRAY_LEN(endpoints); i++)
        if (strcmp(endpoints[i].name, name) == 0)
            return &endpoints[i];
    return NULL;
}

struct settings {
    char *upload_hosts, *scopes;
};

static const struct config_key keys[] = {
    {"TIKTOK_UPLOAD_HOSTS", ".tiktokapis.com", CONFIG_STRING,
     offsetof(struct settings, upload_hosts), 0, 1024, tiktok_upload_hosts_check},
    {"TIKTOK_SCOPES", "user.info.basic,video.upload,video.publish", CONFIG_STRING,
     offsetof(struct settings, scopes), 0, TIKTOK_SCOPES_MAX, NULL},
};

static int explain(struct ctl *ctl, struct explain *x)
{
    struct strbuf body;
    struct strbuf json;
    int status = CTL_OK;

    strbuf_init(&body, BODY_MAX);
    strbuf_init(&json, JSON_MAX);
    /* RC_INVALID: more than an answer may have. The parsers say what that means. */
    if (ctl_read_input(ctl, &body, &x->err) == RC_UNAVAILABLE) {
        status = ctl_fail(ctl, &x->err);
        goto out;
    }
    x->answer.body = body.buf;
    x->answer.len = body.len;
    x->err = (struct err){0};
    jsonw_init(&x->w, &json);
    x->endpoint->explain(x);
    jsonw_end(&x->w);
    if (jsonw_ok(&x->w))
        ctl_print_json(ctl, &json);
    else
        status = CTL_FAILED;
out:
    strbuf_wipe(&body);
    strbuf_release(&json);
    return status;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
    const char *name = NULL, *http = "200";
    const struct ctl_option options[] = {{"--endpoint", &name, NULL},
                                         {"--http", &http, NULL}};
    struct ctl_args args = {.options = options, .options_len = ARRAY_LEN(options)};
    struct explain x = {0};
    struct settings s = {0};
    struct strbuf problems;
    int64_t http_status;
    int status = CTL_CONFIG;

    if (!ctl_args_read(ctl, argc, argv, &args))
        return CTL_USAGE;
    x.endpoint = find(name);
    if (x.endpoint == NULL)
        return ctl_usage(ctl, "--endpoint must be one of those that ttsctl help tiktok "
                              "explain lists");
    if (!parse_i64(http, HTTP_MIN, HTTP_MAX, &http_status))
        return ctl_usage(ctl, "--http must be a status from 100 to 599");
    x.answer.http_status = (int)http_status;
    strbuf_init(&problems, CONFIG_ENV_FILE_MAX);
    if (config_load(keys, ARRAY_LEN(keys), &s, &problems, &x.err) == RC_OK) {
        x.upload_hosts = s.upload_hosts;
        x.scopes = s.scopes;
        status = explain(ctl, &x);
    } else {
        (void)fprintf(ctl->notes, "ttsctl: %s", problems.buf);
    }
    config_release(keys, ARRAY_LEN(keys), &s);
    strbuf_release(&problems);
    return status;
}

const struct ctl_command ctl_tiktok_explain = {
    .name = "tiktok explain",
    .args = "--endpoint NAME [--http STATUS] < BODY",
    .summary = "Say what an answer of TikTok from standard input means",
    .help =
        "NAME is token, revoke, user_info, creator_info, video_init, inbox_init,\n"
        "content_init, status, cancel, video_list, video_query, webhook or upload; "
        "STATUS\n"
        "is the HTTP status it came with, 200 unless told. The result is one line of "
        "JSON:\n"
        "class is ok, processing, inbox, published or failed when TikTok agreed, or "
        "what\n"
        "the program does about a refusal: retry, later, reconnect, fix_input, operator "
        "or\n"
        "never; unknown is a code that this version does not know, or an answer that\n"
        "leaves open what happened. Tokens and upload addresses are not shown again.",
    .run = run,
};
