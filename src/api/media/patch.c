/* PATCH /api/v1/media/{id} - another name, other tags. A body without either changes
 * nothing. */
#include "media.h"

#include <string.h>

/* The text of value, which has no NUL in it; NULL when it is none. */
static const char *text_of(const json_t *value)
{
    const char *text = json_string_value(value);

    return text != NULL && strlen(text) == json_string_length(value) ? text : NULL;
}

static enum rc read_name(const json_t *value, struct media_edit *edit, struct err *err)
{
    const char *name = text_of(value);

    if (value == NULL)
        return RC_OK;
    if (name == NULL || !media_filename_ok(name))
        return err_field(err, "filename", "invalid",
                         "A file name has 1 to %d characters, without slashes and "
                         "control characters.",
                         MEDIA_FILENAME_MAX);
    edit->filename = name;
    return RC_OK;
}

static enum rc read_tags(const json_t *list, const char *tags[MEDIA_TAGS_MAX],
                         struct media_edit *edit, struct err *err)
{
    size_t n = json_array_size(list);
    bool ok = json_is_array(list) && n <= MEDIA_TAGS_MAX;

    if (list == NULL)
        return RC_OK;
    for (size_t i = 0; i < n && ok; i++) {
        tags[i] = text_of(json_array_get(list, i));
        ok = tags[i] != NULL && media_tag_ok(tags[i]);
    }
    if (!ok)
        return err_field(err, "tags", "invalid",
                         "A file has at most %d tags, each of 1 to %d characters in one "
                         "line.",
                         MEDIA_TAGS_MAX, MEDIA_TAG_MAX);
    edit->tags = tags;
    edit->n_tags = n;
    return RC_OK;
}

/* What edit holds is borrowed from the body, and tags from the caller. */
static enum rc read_edit(const json_t *json, const char *tags[MEDIA_TAGS_MAX],
                         struct media_edit *edit, struct err *err)
{
    static const char *const known[] = {"filename", "tags", NULL};
    enum rc rc = api_json_known(json, known, err);

    *edit = (struct media_edit){0};
    if (rc == RC_OK)
        rc = read_name(json_object_get(json, "filename"), edit, err);
    if (rc == RC_OK)
        rc = read_tags(json_object_get(json, "tags"), tags, edit, err);
    return rc;
}

enum rc media_one_patch(struct api *api, const struct api_request *req,
                        struct web_response *res, struct err *err)
{
    const char *tags[MEDIA_TAGS_MAX];
    struct media_edit edit;
    struct media_ref ref;
    struct media m;
    enum rc rc = read_edit(req->json, tags, &edit, err);

    if (rc == RC_OK)
        rc = media_ref_read(req, &ref, err);
    if (rc == RC_OK && (edit.filename != NULL || edit.tags != NULL))
        rc = media_edit(api->db, &ref, &edit, err);
    if (rc == RC_OK)
        rc = media_get(api->db, req->who.workspace_id, req->id, &m, err);
    if (rc != RC_OK)
        return rc;
    media_answer(res, 200, &m);
    media_release(&m);
    return RC_OK;
}
