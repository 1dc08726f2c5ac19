/* GET /api/v1/storage - how full the library is, and how much there is room for. */
#include "../uploads/uploads.h"
#include "media.h"

/* What may still be uploaded: the quota or the disk says it, whichever is less. */
static int64_t room(const struct upload_usage *u, int64_t disk)
{
    int64_t quota = u->max_bytes - u->kept_bytes - u->coming_bytes;
    int64_t least = quota < disk ? quota : disk;

    return least > 0 ? least : 0;
}

enum rc media_storage(struct api *api, const struct api_request *req,
                      struct web_response *res, struct err *err)
{
    struct upload_usage u;
    struct jsonw w;
    int64_t disk = 0;
    enum rc rc = upload_usage(api->db, req->who.workspace_id, &u, err);

    if (rc == RC_OK)
        rc = upload_disk_room(api, &disk, err);
    if (rc != RC_OK)
        return rc;
    web_json_begin(res, 200, &w);
    jsonw_object(&w);
    jsonw_key_int(&w, "quota_bytes", u.max_bytes);
    jsonw_key_int(&w, "used_bytes", u.kept_bytes);
    jsonw_key_int(&w, "uploading_bytes", u.coming_bytes);
    jsonw_key_int(&w, "free_bytes", room(&u, disk));
    jsonw_end(&w);
    return RC_OK;
}
