#include "tiktok/status.h"

#include "answer_priv.h"

#include <string.h>

static const struct {
    const char *word;
    enum tiktok_state state;
} words[] = {
    {"PROCESSING_UPLOAD", TIKTOK_PROCESSING},
    {"PROCESSING_DOWNLOAD", TIKTOK_PROCESSING},
    {"SEND_TO_USER_INBOX", TIKTOK_IN_INBOX},
    {"PUBLISH_COMPLETE", TIKTOK_PUBLISHED},
    {"FAILED", TIKTOK_FAILED},
};

static void read_state(struct tiktok_status *status)
{
    status->state = TIKTOK_PROCESSING;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i].word, status->word) == 0) {
            status->state = words[i].state;
            status->known = true;
        }
    }
}

/* Keeps an id, once. */
static void add_post_id(const json_t *value, struct tiktok_status *status)
{
    char id[TIKTOK_POST_ID_MAX + 1];

    if (!answer_post_id(value, id, sizeof(id)))
        return;
    for (size_t i = 0; i < status->post_id_count; i++)
        if (strcmp(status->post_id[i], id) == 0)
            return;
    if (status->post_id_count < TIKTOK_POST_IDS_MAX)
        (void)memcpy(status->post_id[status->post_id_count++], id, sizeof(id));
}

/* A list, or a bare number or text where there is one post. */
static void read_post_ids(const json_t *value, struct tiktok_status *status)
{
    const json_t *item;
    size_t i;

    if (!json_is_array(value)) {
        add_post_id(value, status);
        return;
    }
    json_array_foreach(value, i, item)
    {
        add_post_id(item, status);
    }
}

static void read_status(const json_t *data, struct tiktok_status *status)
{
    *status = (struct tiktok_status){0};
    answer_text(data, "status", status->word, sizeof(status->word));
    read_state(status);
    if (status->state == TIKTOK_FAILED) {
        answer_text(data, "fail_reason", status->fail_reason,
                    sizeof(status->fail_reason));
        status->failure = tiktok_error_of(TIKTOK_IN_STATUS, status->fail_reason, 0);
    }
    /* TikTok's spelling, and the right one in case it is mended one day. */
    read_post_ids(json_object_get(data, "publicaly_available_post_id"), status);
    read_post_ids(json_object_get(data, "publicly_available_post_id"), status);
    status->uploaded_bytes = answer_i64(data, "uploaded_bytes", -1);
    status->downloaded_bytes = answer_i64(data, "downloaded_bytes", -1);
}

enum rc tiktok_status_parse(const struct tiktok_answer *answer,
                            struct tiktok_reply *reply, struct tiktok_status *status,
                            struct err *err)
{
    struct tiktok_status read;
    json_t *root;
    enum rc rc = answer_open(TIKTOK_IN_API, ANSWER_QUESTION, answer, reply, &root, err);

    if (rc != RC_OK)
        return rc;
    read_status(answer_data(root), &read);
    if (read.word[0] != '\0')
        *status = read;
    else
        rc = answer_unreadable(ANSWER_QUESTION, reply, err);
    json_decref(root);
    return rc;
}
