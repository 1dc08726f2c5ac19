/* What is due, and what came: the client's own reading, the table of errors and the words
 * of `ttsctl tiktok explain`, which reads the same body in a process of its own. */
#include "conformance.h"

#include <stdio.h>
#include <string.h>

enum { ALSO_MAX = 4096 };

/* The explanation of a body, to be given to json_decref(). */
static json_t *explain(const struct trial *t, const char *endpoint)
{
    char http[16];
    const char *const args[] = {"tiktok", "explain", "--endpoint", endpoint,
                                "--http", http,      NULL};

    (void)snprintf(http, sizeof(http), "%d", t->answer.status);
    return ttsctl(t, args, &t->answer.body);
}

/* --- comparing ----------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static void same(struct trial *t, const char *what, const char *got, const char *due)
{
    if (strcmp(got, due) != 0)
        trial_problem(t, "%s is \"%s\", not \"%s\"", what, got, due);
}

static void same_json(struct trial *t, const char *what, const json_t *got,
                      const json_t *due)
{
    char *a, *b;

    if (json_equal(got, due) == 1)
        return;
    a = json_dumps(got, JSON_ENCODE_ANY);
    b = json_dumps(due, JSON_ENCODE_ANY);
    trial_problem(t, "%s is %s, not %s", what, a != NULL ? a : "missing",
                  b != NULL ? b : "there");
    free(a);
    free(b);
}

/* "a.b": the member b of the member a. */
static const json_t *member(const json_t *object, const char *path)
{
    const char *dot = strchr(path, '.');
    char name[64];

    if (dot == NULL)
        return json_object_get(object, path);
    (void)snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
    return json_object_get(json_object_get(object, name), dot + 1);
}

/* Every member that the case names: of the explanation, or after an @ of what the client
 * read. null: it must not be there. */
static void judge_also(struct trial *t, const json_t *said)
{
    struct strbuf text;
    json_t *also, *value;
    const char *key;

    if (t->c->also == NULL)
        return;
    strbuf_init(&text, ALSO_MAX);
    expand(t, t->c->also, &text);
    also = json_loadb(text.buf, text.len, 0, NULL);
    if (!json_is_object(also))
        give_up("%s: %s is no JSON", t->c->name, text.buf);
    json_object_foreach(also, key, value)
    {
        const json_t *got =
            key[0] == '@' ? json_object_get(t->facts, key + 1) : member(said, key);

        if (!json_is_null(value))
            same_json(t, key, got, value);
        else if (got != NULL)
            trial_problem(t, "%s is there", key);
    }
    json_decref(also);
    strbuf_release(&text);
}

/* Whatever the client read is what the explanation shows. */
static void judge_facts(struct trial *t, const json_t *said)
{
    static const char *const shown[] = {"publish_id", "status", "fail_reason",
                                        "post_ids"};
    const json_t *fields = json_object_get(t->facts, "fields");
    json_t *none = json_array();

    for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
        const json_t *read = json_object_get(t->facts, shown[i]);
        const json_t *told = json_object_get(said, shown[i]);

        /* a list without ids need not be shown */
        if (read != NULL && (told != NULL || json_equal(read, none) != 1))
            same_json(t, shown[i], told, read);
    }
    if (json_object_size(fields) > 0) {
        json_t *both = json_deep_copy(json_object_get(said, "fields"));

        if (both == NULL || json_object_update((json_t *)(uintptr_t)both,
                                               (json_t *)(uintptr_t)fields) != 0)
            trial_problem(t, "fields are not told");
        else
            same_json(t, "fields", json_object_get(said, "fields"), both);
        json_decref(both);
    }
    json_decref(none);
}

/* --- the client's own reading -------------------------------------------------- */

/* What a class of the issue means in the client's terms. */
static bool class_fits(const struct trial *t, const char *class)
{
    const struct tiktok_error *e = t->reply.error;
    const char *state = text_of(t->facts, "class");

    if (t->elsewhere)
        return strcmp(class, "operator") == 0;
    if (t->rc == RC_OK)
        return strcmp(class, *state != '\0' ? state : "ok") == 0;
    if (strcmp(class, "unknown") == 0)
        return e->class == TIKTOK_NEVER || !t->reply.definite;
    if (strcmp(class, "reconnect") == 0)
        return e->class == TIKTOK_RECONNECT || e->class == TIKTOK_REFRESH;
    return strcmp(class, tiktok_class_name(e->class)) == 0;
}

static void judge_reading(struct trial *t)
{
    const struct a_case *c = t->c;
    const struct tiktok_error *e = t->failure != NULL ? t->failure
                                   : t->rc != RC_OK   ? t->reply.error
                                                      : NULL;

    if (!class_fits(t, c->class))
        trial_problem(t, "the client reads %s %s", rc_name(t->rc),
                      e != NULL ? tiktok_class_name(e->class) : "");
    if (t->rc != RC_OK || t->reply.code[0] != '\0')
        same(t, "the code", t->reply.code, c->code);
    if (!t->elsewhere)
        same(t, "the reason", e != NULL ? e->reason : "",
             c->reason != NULL ? c->reason : "");
    if (t->rc != RC_OK && strcmp(t->c->endpoint, "authorize") != 0)
        same(t, "the log id", t->reply.log_id, t->answer.log_id);
}

/* Only what surely did not happen may be done again. */
static void judge_doubt(struct trial *t, const json_t *said)
{
    static const char *const acts[] = {"token",      "refresh",      "video_init",
                                       "inbox_init", "content_init", "cancel"};
    enum rc due;
    bool act = false;

    for (size_t i = 0; i < ARRAY_LEN(acts); i++)
        act = act || strcmp(acts[i], t->c->endpoint) == 0;
    if (t->rc == RC_OK || t->elsewhere)
        return;
    due = act && !t->reply.definite ? RC_UNCERTAIN : tiktok_error_rc(t->reply.error);
    if (t->rc != due)
        trial_problem(t, "the failure is %s, not %s", rc_name(t->rc), rc_name(due));
    if (act && json_is_true(json_object_get(said, "may_have_acted")) == t->reply.definite)
        trial_problem(t, "what may have happened is told otherwise");
}

/* TikTok's name for the exchange is the one that its own log has. */
static void judge_log(struct trial *t)
{
    json_t *all = control(t->world, "GET", "/ledger?limit=1&calls=1", NULL);
    const json_t *call = json_array_get(json_object_get(all, "calls"), 0);

    if (strlen(t->answer.log_id) != 34)
        trial_problem(t, "the log id is \"%s\"", t->answer.log_id);
    if (t->path[0] == '\0') /* a path that is not there is in no log */
        same(t, "the log id", t->answer.log_id, text_of(call, "log_id"));
    json_decref(all);
}

/* --- the words ----------------------------------------------------------------- */

/* A code that no row has: the sentence names it, and it is final. */
static bool is_new_code(const struct trial *t)
{
    return strcmp(t->c->class, "unknown") == 0 && t->c->code[0] != '\0' &&
           strcmp(t->c->code, "ok") != 0;
}

static void judge_words(struct trial *t, const json_t *said)
{
    const struct tiktok_error *row =
        t->c->reason != NULL ? tiktok_error_by_reason(t->c->reason) : NULL;
    const char *sentence = text_of(said, "sentence");
    const char *next = text_of(said, "next_step");
    bool more = t->rc != RC_OK &&
                (!t->reply.definite ||
                 (t->reply.error != NULL && t->reply.error->class == TIKTOK_REFRESH));

    if (*sentence == '\0')
        trial_problem(t, "there is no sentence");
    if (t->elsewhere) {
        same(t, "the sentence", sentence, t->err.msg);
        if (*next == '\0')
            trial_problem(t, "there is no next step");
        return;
    }
    if (row == NULL) {
        if (t->c->reason != NULL)
            trial_problem(t, "no row has the reason %s", t->c->reason);
        return;
    }
    if (!is_new_code(t))
        same(t, "the sentence", sentence, row->sentence);
    else if (strstr(sentence, t->c->code) == NULL)
        trial_problem(t, "the sentence does not name the code: %s", sentence);
    if (!more)
        same(t, "the next step", next, row->next_step);
    if (*next == '\0')
        trial_problem(t, "there is no next step");
}

static void judge_explanation(struct trial *t)
{
    const char *endpoint =
        strcmp(t->c->endpoint, "refresh") == 0 ? "token" : t->c->endpoint;
    json_t *said = explain(t, endpoint);

    same(t, "the class told", text_of(said, "class"), t->c->class);
    same(t, "the code told", text_of(said, "code"), t->c->code);
    if (t->c->reason != NULL)
        same(t, "the reason told", text_of(said, "reason"), t->c->reason);
    if (json_integer_value(json_object_get(said, "http_status")) != t->c->http)
        trial_problem(t, "another status is told");
    judge_words(t, said);
    judge_doubt(t, said);
    judge_facts(t, said);
    judge_also(t, said);
    json_decref(said);
}

/* What the operator's tool says of a signature is what the publisher would. */
static void judge_signature(struct trial *t)
{
    const char *const args[] = {"tiktok", "verify-webhook", "--signature", t->signature,
                                NULL};
    json_t *said = ttsctl(t, args, &t->answer.body);

    same(t, "the verdict told", text_of(said, "verdict"), text_of(t->facts, "verdict"));
    if (text_of(said, "sentence")[0] == '\0')
        trial_problem(t, "there are no words for the signature");
    json_decref(said);
}

/* --- no answer ----------------------------------------------------------------- */

/* As the publisher takes it: nothing happened, or nobody knows. For an act the latter is
 * what the whole protocol is about. */
static void judge_silence(struct trial *t)
{
    const struct tiktok_error *row =
        t->c->reason != NULL ? tiktok_error_by_reason(t->c->reason) : NULL;
    bool unknown = strcmp(t->c->class, "unknown") == 0;

    if (t->answer.rc == RC_OK)
        trial_problem(t, "an answer came: %d", t->answer.status);
    else if (unknown && t->answer.rc != RC_UNCERTAIN && t->answer.rc != RC_REJECTED)
        trial_problem(t, "what was sent counts as not sent");
    if (t->answer.err.msg[0] == '\0')
        trial_problem(t, "nobody says why");
    if (row == NULL || row->sentence[0] == '\0' || row->next_step[0] == '\0')
        trial_problem(t, "there are no words for it");
    judge_also(t, NULL);
}

void judge(struct trial *t)
{
    if (t->c->http == 0) {
        judge_silence(t);
        return;
    }
    if (t->answer.rc != RC_OK) {
        trial_problem(t, "no answer came: %s", t->answer.err.msg);
        return;
    }
    if (t->answer.status != t->c->http)
        trial_problem(t, "the status is %d, not %d: %.300s", t->answer.status, t->c->http,
                      t->answer.body.buf);
    judge_reading(t);
    if (strcmp(t->c->endpoint, "authorize") == 0) {
        judge_also(t, NULL);
        return;
    }
    if (strcmp(t->c->endpoint, "webhook") == 0)
        judge_signature(t);
    else
        judge_log(t);
    judge_explanation(t);
}
