#include "fault_spec.h"

#include "chance.h"
#include "core/text.h"
#include "rules.h"
#include "webhook_rules.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char *const endpoints[] = {
    "*",           "authorize",    "token",           "revoke",
    "user_info",   "creator_info", "video_init",      "inbox_init",
    "photo_init",  "upload",       "status",          "cancel",
    "video_list",  "video_query",  FAULT_PUBLICATION, FAULT_PULL,
    FAULT_WEBHOOK,
};

const char *fault_endpoint(size_t i)
{
    return i < ARRAY_LEN(endpoints) ? endpoints[i] : NULL;
}

enum kind { FLAG, NUMBER, WORDS, SHARE, OBJECT };

struct member {
    const char *name;
    enum kind kind;
    size_t offset;
    size_t size; /* WORDS, OBJECT: of the field */
    int64_t min, max;
};

#define AT(f) offsetof(struct fault_spec, f)
#define TEXT(f)                                                                          \
    {                                                                                    \
#f, WORDS, AT(f), sizeof(((struct fault_spec *)NULL)->f), 0, 0                   \
    }
#define INT(f, a, b)                                                                     \
    {                                                                                    \
#f, NUMBER, AT(f), 0, (a), (b)                                                   \
    }
#define YES(f)                                                                           \
    {                                                                                    \
#f, FLAG, AT(f), 0, 0, 0                                                         \
    }

static const struct member members[] = {
    TEXT(endpoint),
    TEXT(account),
    INT(chunk, 0, CHUNK_COUNT_MAX),
    INT(skip, 0, 1000000000),
    INT(count, 1, 1000000000),
    {"probability", SHARE, AT(probability), 0, 0, 0},
    INT(delay_ms, 0, FAULT_WAIT_MAX_MS),
    INT(take_bytes, 0, CHUNK_LAST_SIZE_MAX),
    YES(drop),
    INT(status, 200, 599),
    {"http", NUMBER, AT(status), 0, 200, 599},
    TEXT(code),
    TEXT(body),
    TEXT(raw),
    {"merge", OBJECT, AT(merge), FAULT_MERGE_SIZE, 0, 0},
    INT(pad_bytes, 1, FAULT_PAD_MAX),
    INT(retry_after_s, 0, 86400),
    YES(after),
    YES(lost),
    INT(hang_ms, 0, FAULT_WAIT_MAX_MS),
    INT(cut_after, 0, 1000000),
    TEXT(fail_reason),
    YES(stuck),
    YES(no_post_id),
    INT(processing_ms, 0, 86400000),
    INT(moderation_ms, 0, 86400000),
    TEXT(event),
    {"late_ms", NUMBER, AT(late_ms), 0, 1, INT64_C(10) * 86400000},
    YES(reorder),
    INT(duplicate, 1, FAULT_DUPLICATES_MAX),
    TEXT(signature),
};

static const struct member *member_named(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
    return NULL;
}

static bool set_flag(void *field, const json_t *value)
{
    bool yes = json_is_true(value);

    (void)memcpy(field, &yes, sizeof(yes));
    return json_is_boolean(value);
}

static bool set_number(const struct member *m, void *field, const json_t *value)
{
    int64_t n = json_integer_value(value);

    (void)memcpy(field, &n, sizeof(n));
    return json_is_integer(value) && n >= m->min && n <= m->max;
}

static bool set_words(const struct member *m, void *field, const json_t *value)
{
    const char *text = json_string_value(value);

    if (text == NULL || strlen(text) >= m->size)
        return false;
    text_copy(field, m->size, text);
    return true;
}

static bool set_share(void *field, const json_t *value)
{
    double share = json_number_value(value);

    (void)memcpy(field, &share, sizeof(share));
    return json_is_number(value) && share >= 0 && share <= 1;
}

/* Kept as text: a fault is copied about, and its object is read again when it hits. */
static bool set_object(const struct member *m, void *field, const json_t *value)
{
    char *text = json_is_object(value) ? json_dumps(value, JSON_COMPACT) : NULL;
    bool fits = text != NULL && strlen(text) < m->size;

    if (fits)
        text_copy(field, m->size, text);
    free(text);
    return fits;
}

static bool set_member(struct fault_spec *spec, const struct member *m,
                       const json_t *value)
{
    void *field = (char *)spec + m->offset;

    switch (m->kind) {
    case FLAG:
        return set_flag(field, value);
    case NUMBER:
        return set_number(m, field, value);
    case WORDS:
        return set_words(m, field, value);
    case SHARE:
        return set_share(field, value);
    case OBJECT:
        return set_object(m, field, value);
    }
    return false;
}

static bool is_one_of(const char *text, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, list[i]) == 0)
            return true;
    return false;
}

/* What the fault does to a publication, and to a request. */
static bool decides_fate(const struct fault_spec *s)
{
    return s->fail_reason[0] != '\0' || s->stuck || s->no_post_id ||
           s->processing_ms >= 0 || s->moderation_ms >= 0;
}

static bool does_something(const struct fault_spec *s)
{
    return s->delay_ms > 0 || s->take_bytes >= 0 || s->drop || s->status != 0 ||
           s->code[0] != '\0' || s->body[0] != '\0' || s->raw[0] != '\0' ||
           s->merge[0] != '\0' || s->pad_bytes > 0 || s->lost || s->hang_ms > 0 ||
           s->cut_after >= 0;
}

/* A fault of a fetch does something to it, and nothing that only answers can have. */
static enum rc check_pull(const struct fault_spec *s, struct err *err)
{
    bool does = s->stuck || s->take_bytes >= 0 || s->drop || s->status != 0;
    struct fault_spec rest = *s;

    rest.stuck = false;
    rest.take_bytes = -1;
    rest.drop = false;
    rest.status = 0;
    if (!does || s->after || decides_fate(&rest) || does_something(&rest))
        return err_field(err, "endpoint", "bad_fault",
                         "pull goes with status, retry_after_s, drop, take_bytes or "
                         "stuck");
    return RC_OK;
}

static bool spoils_delivery(const struct fault_spec *s)
{
    return s->late_ms > 0 || s->reorder || s->duplicate > 0 || s->signature[0] != '\0' ||
           s->event[0] != '\0';
}

/* A fault of a webhook changes when, how often and how well signed it comes. */
static enum rc check_webhook(const struct fault_spec *s, struct err *err)
{
    static const char *const signatures[] = {"", "wrong", "malformed", "missing"};
    struct fault_spec rest = *s;
    bool does = s->lost || s->late_ms > 0 || s->reorder || s->duplicate > 0 ||
                s->signature[0] != '\0';

    rest.lost = false;
    if (!does || does_something(&rest) || decides_fate(s))
        return err_field(err, "endpoint", "bad_fault",
                         "webhook goes with lost, late_ms, reorder, duplicate or "
                         "signature");
    if (s->event[0] != '\0' && webhook_event_named(s->event) == WEBHOOK_EVENT_COUNT)
        return err_field(err, "event", "bad_fault", "TikTok has no such event");
    if (!is_one_of(s->signature, signatures, ARRAY_LEN(signatures)))
        return err_field(err, "signature", "bad_fault",
                         "signature must be wrong, malformed or missing");
    return RC_OK;
}

static enum rc check_words(const struct fault_spec *s, struct err *err)
{
    static const char *const bodies[] = {"", "html", "garbage", "empty", "truncated"};

    if (!is_one_of(s->endpoint, endpoints, ARRAY_LEN(endpoints)))
        return err_field(err, "endpoint", "bad_fault", "endpoint has no such name");
    if (!is_one_of(s->body, bodies, ARRAY_LEN(bodies)))
        return err_field(err, "body", "bad_fault",
                         "body must be html, garbage, empty or truncated");
    if (s->fail_reason[0] != '\0' && !fail_reason_known(s->fail_reason))
        return err_field(err, "fail_reason", "bad_fault", "TikTok has no such reason");
    return RC_OK;
}

static enum rc check(struct fault_spec *s, struct err *err)
{
    bool fate = decides_fate(s);

    if (s->endpoint[0] == '\0' && spoils_delivery(s))
        text_copy(s->endpoint, sizeof(s->endpoint), FAULT_WEBHOOK);
    if (strcmp(s->endpoint, FAULT_WEBHOOK) == 0)
        return check_webhook(s, err);
    if (spoils_delivery(s))
        return err_field(err, "endpoint", "bad_fault",
                         "event, late_ms, reorder, duplicate and signature go with the "
                         "endpoint webhook");
    if (strcmp(s->endpoint, FAULT_PULL) == 0)
        return check_pull(s, err);
    if (s->endpoint[0] == '\0' && fate)
        text_copy(s->endpoint, sizeof(s->endpoint), FAULT_PUBLICATION);
    if (s->endpoint[0] == '\0')
        return err_field(err, "endpoint", "bad_fault", "endpoint is missing");
    if (fate != (strcmp(s->endpoint, FAULT_PUBLICATION) == 0))
        return err_field(err, "endpoint", "bad_fault",
                         "fail_reason, stuck, processing_ms and moderation_ms go with "
                         "the endpoint publication, and it with them");
    if (fate == does_something(s))
        return err_field(err, "", "bad_fault",
                         fate ? "a fault changes a request or a publication, not both"
                              : "the fault does nothing");
    return check_words(s, err);
}

enum rc fault_spec_parse(json_t *json, struct fault_spec *spec, struct err *err)
{
    struct fault_spec s = {.chunk = -1,
                           .count = -1,
                           .probability = 1,
                           .take_bytes = -1,
                           .retry_after_s = -1,
                           .cut_after = -1,
                           .processing_ms = -1,
                           .moderation_ms = -1};
    const char *name;
    json_t *value;
    enum rc rc;

    if (!json_is_object(json))
        return err_field(err, "", "bad_fault", "a fault is a JSON object");
    json_object_foreach(json, name, value)
    {
        const struct member *m = member_named(name);

        if (m == NULL)
            return err_field(err, "", "bad_fault", "a fault has no such member");
        if (!set_member(&s, m, value))
            return err_field(err, m->name, "bad_fault", "%s has a wrong value", m->name);
    }
    rc = check(&s, err);
    if (rc == RC_OK)
        *spec = s;
    return rc;
}

bool fault_hits(const struct fault_spec *spec, int64_t seed, int64_t fault_id,
                int64_t seen)
{
    return seen >= spec->skip && chance_share(seed, fault_id, seen) < spec->probability;
}
