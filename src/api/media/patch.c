/* PATCH /api/v1/media/{id} - another name. A body without one changes nothing. */
#include "media.h"

#include <string.h>

/* *name: borrowed from the body; NULL when it has none. */
static enum rc read_name(const json_t *json, const char **name, struct err *err)
{
    static const char *const known[] = {"filename", NULL};
    const json_t *value = json_object_get(json, "filename");
    enum rc rc = api_json_known(json, known, err);

    *name = NULL;
    if (rc != RC_OK || value == NULL)
        return rc;
    if (!json_is_string(value) ||
        strlen(json_string_value(value)) != json_string_length(value) ||
        !media_filename_ok(json_string_value(value)))
        return err_field(err, "filename", "invalid",
                         "A file name has 1 to %d characters, without slashes and "
                         "control characters.",
                         MEDIA_FILENAME_MAX);
    *name = json_string_value(value);
    return RC_OK;
}

enum rc media_one_patch(struct api *api, const struct api_request *req,
                        struct web_response *res, struct err *err)
{
    struct media_ref ref;
    struct media m;
    const char *name = NULL;
    enum rc rc = read_name(req->json, &name, err);

    if (rc == RC_OK)
        rc = media_ref_read(req, &ref, err);
    if (rc == RC_OK && name != NULL)
        rc = media_rename(api->db, &ref, name, err);
    if (rc == RC_OK)
        rc = media_get(api->db, req->who.workspace_id, req->id, &m, err);
    if (rc != RC_OK)
        return rc;
    media_answer(res, &m);
    media_release(&m);
    return RC_OK;
}
