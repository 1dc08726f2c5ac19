/* POST and DELETE /api/v1/media/{id}/repair - have a video made anew within TikTok's
 * limits, and call that off. tts-media does it; how it stands is told with the file. */
#include "domain/repair.h"
#include "../uploads/uploads.h"
#include "media.h"
#include "store/repairs.h"

#include <string.h>

void media_repair_plan(const struct media *m, struct repair_plan *plan)
{
    *plan = (struct repair_plan){0};
    if (m->state == MEDIA_READY || m->state == MEDIA_REJECTED)
        repair_plan_make(&m->facts, strcmp(m->reason, "readable") != 0, plan);
}

static enum rc check_possible(const struct media *m, const struct repair_plan *plan,
                              struct err *err)
{
    if (plan->possible)
        return RC_OK;
    if (m->state == MEDIA_CHECKING)
        return err_set(err, RC_CONFLICT, "no_repair",
                       "The file is still being checked. Wait for that first.");
    return err_set(err, RC_CONFLICT, "no_repair", "%s",
                   plan->obstacle != NULL ? plan->obstacle
                                          : "There is nothing in this file to repair.");
}

/* The result is written once beside the media store's files and once into it. */
static enum rc check_disk(struct api *api, int64_t bytes, struct err *err)
{
    int64_t room = 0;
    enum rc rc = upload_disk_room(api, &room, err);

    return rc == RC_OK && room < 2 * bytes ? upload_no_room(err) : rc;
}

static enum rc begin(struct api *api, const struct media_ref *ref, struct err *err)
{
    struct repair_plan plan;
    struct media m;
    int64_t reserve;
    enum rc rc = media_get(api->db, ref->workspace_id, ref->media_id, &m, err);

    if (rc != RC_OK)
        return rc;
    media_repair_plan(&m, &plan);
    rc = check_possible(&m, &plan, err);
    reserve = repair_bytes_max(&m.facts, &plan);
    media_release(&m);
    if (rc == RC_OK)
        rc = check_disk(api, reserve, err);
    return rc == RC_OK ? repair_start(api->db, ref, reserve, err) : rc;
}

enum rc media_repair_post(struct api *api, const struct api_request *req,
                          struct web_response *res, struct err *err)
{
    struct media_ref ref;
    struct media m;
    enum rc rc = media_ref_read(req, &ref, err);

    if (rc == RC_OK)
        rc = begin(api, &ref, err);
    if (rc == RC_OK)
        rc = media_get(api->db, ref.workspace_id, ref.media_id, &m, err);
    if (rc != RC_OK)
        return rc;
    media_answer(res, 202, &m);
    media_release(&m);
    return RC_OK;
}

enum rc media_repair_delete(struct api *api, const struct api_request *req,
                            struct web_response *res, struct err *err)
{
    struct media_ref ref;
    enum rc rc = media_ref_read(req, &ref, err);

    if (rc == RC_OK)
        rc = repair_cancel(api->db, &ref, err);
    if (rc == RC_OK)
        web_empty(res, 204, NULL);
    return rc;
}
