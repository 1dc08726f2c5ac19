/* The words of which preparations are made. A request that a step sends is the one that
 * the case would send, with what was set before it. */
#include "conformance.h"

#include "core/parse.h"
#include "core/text.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
    STEP_MAX = 8192,
    PATH_SIZE = 512,
    PATIENCE_MS = 60000, /* for what a request did that nobody waited for */
    TRY_MS = 5,
};

/* --- the trial's words --------------------------------------------------------- */

static json_t *ledger(const struct trial *t, const char *query)
{
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof(path), "/ledger?%s", query);
    return control(t->world, "GET", path, NULL);
}

/* A member of the session's row in the simulator's ledger, as text; "" when there is
 * none. */
static void of_session(const struct trial *t, const char *key, char *out, size_t size)
{
    char query[PATH_SIZE];
    json_t *all, *value;

    (void)snprintf(query, sizeof(query), "publish_id=%s", t->session.publish_id);
    all = ledger(t, query);
    value = json_object_get(json_array_get(json_object_get(all, "sessions"), 0), key);
    if (json_is_integer(value))
        (void)snprintf(out, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        text_copy(out, size, json_is_string(value) ? json_string_value(value) : "");
    json_decref(all);
}

static void word(const struct trial *t, const char *name, struct strbuf *out)
{
    char post_id[TIKTOK_POST_ID_MAX + 1];

    if (strcmp(name, "publish_id") == 0) {
        strbuf_addstr(out, t->session.publish_id);
    } else if (strcmp(name, "open_id") == 0) {
        strbuf_addstr(out, t->tokens.open_id);
    } else if (strcmp(name, "host") == 0) {
        strbuf_addstr(out, strstr(t->world->url, "://") + strlen("://"));
    } else if (strcmp(name, "long") == 0) {
        for (int i = 0; i < TIKTOK_UPLOAD_URL_MAX; i++)
            strbuf_addc(out, 'x');
    } else if (strcmp(name, "secret") == 0) {
        strbuf_addstr(out, t->world->app.client_secret);
    } else if (strcmp(name, "media") == 0) {
        strbuf_addstr(out, host_url(t->world->host));
    } else if (strcmp(name, "url") == 0) {
        strbuf_addstr(out, t->world->url);
    } else if (strcmp(name, "post_id") == 0) {
        of_session(t, "post_id", post_id, sizeof(post_id));
        strbuf_addstr(out, post_id);
    } else {
        give_up("%s: there is no word $%s", t->c->name, name);
    }
}

void expand(const struct trial *t, const char *text, struct strbuf *out)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
    char name[32];

    while (*text != '\0') {
        size_t plain = strcspn(text, "'$");
        size_t len;

        strbuf_add(out, text, plain);
        text += plain;
        if (*text == '\'') {
            strbuf_addc(out, '"');
            text++;
        } else if (*text == '$') {
            len = strspn(++text, letters);
            (void)snprintf(name, sizeof(name), "%.*s", (int)len, text);
            word(t, name, out);
            text += len;
        }
    }
}

/* --- who ----------------------------------------------------------------------- */

static void set_text(char *out, size_t size, const char *text)
{
    if (strlen(text) >= size)
        give_up("a step's text is too long: %s", text);
    text_copy(out, size, text);
}

static int64_t number(const struct trial *t, const char *text)
{
    int64_t n;

    if (!parse_i64(text, INT64_MIN, INT64_MAX, &n))
        give_up("%s: %s is no number", t->c->name, text);
    return n;
}

void steps_permit(struct trial *t)
{
    char json[1024];
    json_t *got;

    (void)snprintf(json, sizeof(json),
                   "{\"username\":\"%s\",\"scopes\":\"%s\",\"client_key\":\"%s\"}",
                   t->who, t->scopes,
                   t->app_key[0] != '\0' ? t->app_key : t->world->app.client_key);
    got = control(t->world, "POST", "/permits", json);
    set_text(t->tokens.access_token, sizeof(t->tokens.access_token),
             json_string_value(json_object_get(got, "access_token")));
    set_text(t->tokens.refresh_token, sizeof(t->tokens.refresh_token),
             json_string_value(json_object_get(got, "refresh_token")));
    set_text(t->tokens.open_id, sizeof(t->tokens.open_id),
             json_string_value(json_object_get(got, "open_id")));
    set_text(t->bearer, sizeof(t->bearer), t->tokens.access_token);
    t->permitted = true;
    json_decref(got);
}

static void permit(struct trial *t, UNUSED const char *arg)
{
    steps_permit(t);
}

static void as(struct trial *t, const char *arg)
{
    set_text(t->who, sizeof(t->who), arg);
    t->permitted = false;
}

static void scopes(struct trial *t, const char *arg)
{
    set_text(t->scopes, sizeof(t->scopes), arg);
    t->permitted = false;
}

static void bearer(struct trial *t, const char *arg)
{
    set_text(t->bearer, sizeof(t->bearer), arg);
    t->permitted = true;
}

/* The tokens of now, for later. */
static void keep(struct trial *t, UNUSED const char *arg)
{
    t->kept = t->tokens;
}

static void old(struct trial *t, UNUSED const char *arg)
{
    t->tokens = t->kept;
    set_text(t->bearer, sizeof(t->bearer), t->kept.access_token);
}

static void refresh_token(struct trial *t, const char *arg)
{
    set_text(t->tokens.refresh_token, sizeof(t->tokens.refresh_token), arg);
    t->permitted = true;
}

/* --- the simulator ------------------------------------------------------------- */

static void knob(struct trial *t, const char *arg)
{
    json_decref(control(t->world, "PATCH", "/knobs", arg));
}

static void fault(struct trial *t, const char *arg)
{
    json_decref(control(t->world, "POST", "/faults", arg));
}

static void person(struct trial *t, const char *arg)
{
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof(path), "/users/%s", t->who);
    json_decref(control(t->world, "PATCH", path, arg));
}

static void clock_on(struct trial *t, const char *arg)
{
    char json[64];

    (void)snprintf(json, sizeof(json), "{\"advance_ms\":%" PRId64 "}", number(t, arg));
    json_decref(control(t->world, "POST", "/clock", json));
}

static void publication(struct trial *t, const char *arg)
{
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof(path), "/publications/%s", t->session.publish_id);
    json_decref(control(t->world, "PATCH", path, arg));
}

static void draft(struct trial *t, const char *arg)
{
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof(path), "/publications/%s/%s", t->session.publish_id, arg);
    json_decref(control(t->world, "POST", path, NULL));
}

/* Any other control, as "METHOD PATH JSON". */
static void raw_control(struct trial *t, const char *arg)
{
    char method[16], path[PATH_SIZE];
    int used = 0;

    if (sscanf(arg, "%15s %511s %n", method, path, &used) != 2)
        give_up("%s: no control: %s", t->c->name, arg);
    json_decref(control(t->world, method, path, arg[used] != '\0' ? arg + used : NULL));
}

/* --- requests before the one that counts --------------------------------------- */

/* Asks and must succeed. */
static void do_ask(struct trial *t, const char *arg)
{
    ask(t, arg);
    if (t->rc != RC_OK)
        give_up("%s: %s fails beforehand: %s %s", t->c->name, arg, t->err.code,
                t->answer.body.buf);
}

static void try_ask(struct trial *t, const char *arg)
{
    ask(t, arg);
}

static void session(struct trial *t, const char *arg)
{
    do_ask(t, *arg != '\0' ? arg : "video_init");
}

/* Sends the chunks from the trial's on, or so many of them. */
static void send_chunks(struct trial *t, const char *arg)
{
    int64_t n = *arg != '\0' ? number(t, arg) : t->plan.count - t->chunk;

    for (; n > 0; n--) {
        do_ask(t, "upload");
        if (t->chunk < t->plan.count - 1)
            t->chunk++;
    }
}

/* Asks for the status until the post is over: what TikTok fetches takes its time. */
static void settle(struct trial *t, UNUSED const char *arg)
{
    for (int waited = 0; waited < PATIENCE_MS; waited += TRY_MS) {
        const char *class;

        do_ask(t, "status");
        class = json_string_value(json_object_get(t->facts, "class"));
        if (class != NULL && strcmp(class, "processing") != 0)
            return;
        (void)poll(NULL, 0, TRY_MS);
    }
    give_up("%s: the post does not come to an end", t->c->name);
}

/* Waits for a webhook of this event, about the trial's publication if there is one. */
static void hear(struct trial *t, const char *arg)
{
    char word[128];

    (void)snprintf(word, sizeof(word), "\"event\":\"%s\"", arg);
    strbuf_release(&t->event);
    strbuf_init(&t->event, STEP_MAX);
    if (!host_heard(t->world->host, word, &t->event, t->signature, sizeof(t->signature)))
        give_up("%s: no webhook %s comes", t->c->name, arg);
}

/* A person lets the app in (form fields of the page of consent); leaves the code. */
static void consent(struct trial *t, const char *arg)
{
    char usual[TEXT_SIZE];

    (void)snprintf(
        usual, sizeof(usual),
        "user=%s&decision=allow&grant=user.info.basic&grant=video.upload&grant="
        "video.publish",
        t->who);
    set_text(t->body, sizeof(t->body), *arg != '\0' ? arg : usual);
    do_ask(t, "authorize");
    t->body[0] = '\0';
    t->title[0] = '\0';
    if (t->code[0] == '\0')
        give_up("%s: no code came back", t->c->name);
}

/* --- the request itself -------------------------------------------------------- */

static void size(struct trial *t, const char *arg)
{
    t->size = number(t, arg);
}

static void chunk_size(struct trial *t, const char *arg)
{
    t->chunk_size = number(t, arg);
}

static void chunk(struct trial *t, const char *arg)
{
    t->chunk = number(t, arg);
}

static void cursor(struct trial *t, const char *arg)
{
    t->cursor_ms = number(t, arg);
}

static void repeat(struct trial *t, const char *arg)
{
    t->repeat = (int)number(t, arg);
}

static void timeout(struct trial *t, const char *arg)
{
    t->timeout_ms = (int)number(t, arg);
}

static void publish_id(struct trial *t, const char *arg)
{
    set_text(t->session.publish_id, sizeof(t->session.publish_id), arg);
}

static void post_id(struct trial *t, const char *arg)
{
    set_text(t->post_id, sizeof(t->post_id), arg);
}

static void privacy(struct trial *t, const char *arg)
{
    static const char *const levels[] = {"PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS",
                                         "FOLLOWER_OF_CREATOR", "SELF_ONLY", "NOBODY"};

    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (strcmp(levels[i], arg) == 0)
            t->post.privacy_level = levels[i];
}

/* One of the yes and no of a post. */
static void say(struct trial *t, const char *arg)
{
    struct tiktok_video_post *p = &t->post;
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {
        {"no_comment", &p->disable_comment},
        {"no_duet", &p->disable_duet},
        {"no_stitch", &p->disable_stitch},
        {"branded", &p->brand_content},
        {"own_brand", &p->brand_organic},
        {"aigc", &p->is_aigc},
        {"music", &t->music},
    };

    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (strcmp(flags[i].name, arg) == 0) {
            *flags[i].flag = true;
            return;
        }
    }
    give_up("%s: a post does not say %s", t->c->name, arg);
}

static void title(struct trial *t, const char *arg)
{
    set_text(t->title, sizeof(t->title), arg);
}

static void long_title(struct trial *t, const char *arg)
{
    size_t n = (size_t)number(t, arg);

    if (n >= sizeof(t->title))
        give_up("%s: the title is too long for the test", t->c->name);
    (void)memset(t->title, 'x', n);
    t->title[n] = '\0';
}

static void pull(struct trial *t, const char *arg)
{
    set_text(t->pull_url, sizeof(t->pull_url), arg);
}

static void photo(struct trial *t, const char *arg)
{
    set_text(t->photo_url, sizeof(t->photo_url), arg);
}

static void photo_draft(struct trial *t, UNUSED const char *arg)
{
    t->photo_draft = true;
}

static void body(struct trial *t, const char *arg)
{
    set_text(t->body, sizeof(t->body), arg);
}

static void path(struct trial *t, const char *arg)
{
    set_text(t->path, sizeof(t->path), arg);
}

static void type(struct trial *t, const char *arg)
{
    set_text(t->type, sizeof(t->type), arg);
}

static void key(struct trial *t, const char *arg)
{
    set_text(t->app_text, sizeof(t->app_text), arg);
    t->app.client_key = t->app_text;
}

static void secret(struct trial *t, const char *arg)
{
    set_text(t->app_text, sizeof(t->app_text), arg);
    t->app.client_secret = t->app_text;
}

static void redirect(struct trial *t, const char *arg)
{
    set_text(t->app_text, sizeof(t->app_text), arg);
    t->app.redirect_uri = t->app_text;
}

/* Adds an app; from now on it is the one that asks. */
static void app(struct trial *t, const char *arg)
{
    json_t *got = control(t->world, "POST", "/apps", arg);

    set_text(t->app_key, sizeof(t->app_key),
             json_string_value(json_object_get(got, "client_key")));
    set_text(t->app_secret, sizeof(t->app_secret),
             json_string_value(json_object_get(got, "client_secret")));
    t->app.client_key = t->app_key;
    t->app.client_secret = t->app_secret;
    json_decref(got);
}

static void code(struct trial *t, const char *arg)
{
    set_text(t->code, sizeof(t->code), arg);
}

static void verifier(struct trial *t, const char *arg)
{
    set_text(t->verifier, sizeof(t->verifier), arg);
}

/* --- afterwards ---------------------------------------------------------------- */

/* How many rows of a kind the ledger has. */
static int64_t count_of(const struct trial *t, const char *kind)
{
    json_t *all = ledger(t, "calls=0");
    int64_t n = (int64_t)json_array_size(json_object_get(all, kind));

    json_decref(all);
    return n;
}

/* Whoever does not wait for an answer may be sooner than what was asked for. */
static void count_is(struct trial *t, const char *kind, int64_t due)
{
    int64_t n = count_of(t, kind);

    for (int waited = 0; n < due && waited < PATIENCE_MS; waited += TRY_MS) {
        (void)poll(NULL, 0, TRY_MS);
        n = count_of(t, kind);
    }
    if (n != due)
        trial_problem(t, "%" PRId64 " %s, not %" PRId64, n, kind, due);
}

static void sessions_are(struct trial *t, const char *arg)
{
    count_is(t, "sessions", number(t, arg));
}

static void publications_are(struct trial *t, const char *arg)
{
    count_is(t, "publications", number(t, arg));
}

/* "KEY VALUE" of the session's row. */
static void row_is(struct trial *t, const char *arg)
{
    char name[64], got[256] = "";
    const char *due = strchr(arg, ' ');

    if (due == NULL)
        give_up("%s: row KEY VALUE", t->c->name);
    (void)snprintf(name, sizeof(name), "%.*s", (int)(due - arg), arg);
    for (int waited = 0; waited < PATIENCE_MS; waited += TRY_MS) {
        of_session(t, name, got, sizeof(got));
        if (strcmp(got, due + 1) == 0)
            return;
        (void)poll(NULL, 0, TRY_MS);
    }
    trial_problem(t, "%s is %s, not %s", name, got, due + 1);
}

/* What the simulator wrote down as the code of the last call. */
static void named(struct trial *t, const char *arg)
{
    json_t *all = ledger(t, "limit=1&calls=1");
    const json_t *call = json_array_get(json_object_get(all, "calls"), 0);
    const char *got = json_string_value(json_object_get(call, "code"));

    if (got == NULL || strcmp(got, arg) != 0)
        trial_problem(t, "%s is named, not %s", got != NULL ? got : "nothing", arg);
    json_decref(all);
}

/* The same request once more means this: "CLASS CODE". */
static void again_is(struct trial *t, const char *arg)
{
    char got[160];

    ask(t, t->c->endpoint);
    (void)snprintf(got, sizeof(got), "%s %s", rc_name(t->rc), t->reply.code);
    if (strcmp(got, arg) != 0)
        trial_problem(t, "again: %s, not %s", got, arg);
}

/* --- the words ----------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*run)(struct trial *t, const char *arg);
} words[] = {
    {"as", as},
    {"scopes", scopes},
    {"permit", permit},
    {"bearer", bearer},
    {"refresh_token", refresh_token},
    {"keep", keep},
    {"old", old},
    {"knob", knob},
    {"fault", fault},
    {"person", person},
    {"clock", clock_on},
    {"publication", publication},
    {"draft", draft},
    {"control", raw_control},
    {"do", do_ask},
    {"try", try_ask},
    {"session", session},
    {"send", send_chunks},
    {"settle", settle},
    {"hear", hear},
    {"consent", consent},
    {"size", size},
    {"chunk_size", chunk_size},
    {"chunk", chunk},
    {"cursor", cursor},
    {"repeat", repeat},
    {"timeout", timeout},
    {"publish_id", publish_id},
    {"post_id", post_id},
    {"privacy", privacy},
    {"say", say},
    {"title", title},
    {"long_title", long_title},
    {"pull", pull},
    {"photo", photo},
    {"photo_draft", photo_draft},
    {"body", body},
    {"path", path},
    {"type", type},
    {"key", key},
    {"secret", secret},
    {"redirect", redirect},
    {"app", app},
    {"code", code},
    {"verifier", verifier},
    {"sessions", sessions_are},
    {"publications", publications_are},
    {"row", row_is},
    {"again", again_is},
    {"named", named},
};

static void run_step(struct trial *t, const char *step)
{
    char name[32];
    size_t len = strcspn(step, " ");
    const char *arg = step + len + (step[len] == ' ' ? 1 : 0);
    struct strbuf text;

    (void)snprintf(name, sizeof(name), "%.*s", (int)len, step);
    strbuf_init(&text, STEP_MAX);
    expand(t, arg, &text);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i].name, name) == 0) {
            words[i].run(t, text.buf);
            strbuf_release(&text);
            return;
        }
    }
    give_up("%s: there is no step %s", t->c->name, name);
}

void steps_run(struct trial *t, const char *steps)
{
    char step[STEP_MAX];

    while (*steps != '\0') {
        const char *end = strstr(steps, "; ");
        size_t len = end != NULL ? (size_t)(end - steps) : strlen(steps);

        if (len >= sizeof(step))
            give_up("%s: a step is too long", t->c->name);
        (void)memcpy(step, steps, len);
        step[len] = '\0';
        run_step(t, step);
        steps += end != NULL ? len + 2 : len;
    }
}
