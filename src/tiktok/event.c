#include "tiktok/event.h"

#include "answer_priv.h"

#include <string.h>

static const struct {
    const char *name;
    enum tiktok_event_kind kind;
} kinds[] = {
    {"authorization.removed", TIKTOK_EVENT_DISCONNECTED},
    {"post.publish.failed", TIKTOK_EVENT_POST_FAILED},
    {"post.publish.complete", TIKTOK_EVENT_POST_COMPLETE},
    {"post.publish.inbox_delivered", TIKTOK_EVENT_IN_INBOX},
    {"post.publish.publicly_available", TIKTOK_EVENT_PUBLIC},
    /* TikTok's spelling, and the right one in case it is mended one day */
    {"post.publish.no_longer_publicaly_available", TIKTOK_EVENT_NOT_PUBLIC},
    {"post.publish.no_longer_publicly_available", TIKTOK_EVENT_NOT_PUBLIC},
};

static void read_envelope(const json_t *root, struct tiktok_event *event)
{
    answer_text(root, "event", event->name, sizeof(event->name));
    answer_whole(root, "client_key", event->client_key, sizeof(event->client_key));
    answer_whole(root, "user_openid", event->open_id, sizeof(event->open_id));
    event->created_s = answer_i64(root, "create_time", 0);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].name, event->name) == 0)
            event->kind = kinds[i].kind;
}

static void read_disconnected(const json_t *content, struct tiktok_event *event)
{
    int64_t reason = answer_i64(content, "reason", 0);

    event->removed_reason = reason >= 0 && reason <= 99 ? (int32_t)reason : 0;
}

static bool read_post(const json_t *content, struct tiktok_event *event)
{
    answer_whole(content, "publish_id", event->publish_id, sizeof(event->publish_id));
    answer_text(content, "publish_type", event->publish_type,
                sizeof(event->publish_type));
    (void)answer_post_id(json_object_get(content, "post_id"), event->post_id,
                         sizeof(event->post_id));
    if (event->kind == TIKTOK_EVENT_POST_FAILED) {
        answer_text(content, "reason", event->fail_reason, sizeof(event->fail_reason));
        event->failure = tiktok_error_of(TIKTOK_IN_STATUS, event->fail_reason, 0);
    }
    return event->publish_id[0] != '\0';
}

/* False when an event of this kind must say more than it does. */
static bool read_content(const json_t *content, struct tiktok_event *event)
{
    switch (event->kind) {
    case TIKTOK_EVENT_OTHER:
        return true;
    case TIKTOK_EVENT_DISCONNECTED:
        read_disconnected(content, event);
        return true;
    case TIKTOK_EVENT_POST_FAILED:
    case TIKTOK_EVENT_POST_COMPLETE:
    case TIKTOK_EVENT_IN_INBOX:
    case TIKTOK_EVENT_PUBLIC:
    case TIKTOK_EVENT_NOT_PUBLIC:
        break;
    }
    return read_post(content, event);
}

/* What the envelope holds: JSON within a text. NULL when it is none. */
static json_t *open_content(json_t *root)
{
    json_t *content = json_object_get(root, "content");

    if (json_is_string(content))
        return answer_load(json_string_value(content), json_string_length(content));
    return json_is_object(content) ? json_incref(content) : NULL;
}

enum rc tiktok_event_parse(const char *body, size_t len, struct tiktok_event *event,
                           struct err *err)
{
    struct tiktok_event read = {.kind = TIKTOK_EVENT_OTHER};
    json_t *root = answer_load(body, len);
    json_t *content = open_content(root);
    enum rc rc = RC_OK;

    read_envelope(root, &read);
    if (read.name[0] != '\0' && read_content(content, &read))
        *event = read;
    else
        rc = err_set(err, RC_INVALID, "event_unreadable",
                     "The body is not one of TikTok's events.");
    json_decref(content);
    json_decref(root);
    return rc;
}
