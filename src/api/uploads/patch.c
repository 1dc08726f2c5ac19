/* PATCH /api/v1/uploads/{upload} - one chunk. */
#include "chunk.h"
#include "tus.h"
#include "uploads.h"

#include <inttypes.h>

static enum rc read_headers(const struct api_request *req, struct chunk *c,
                            struct err *err)
{
    enum rc rc = chunk_read(req, c, err);

    if (rc == RC_OK)
        rc = tus_read_offset(web_header(req->web, "Upload-Offset"), &c->offset, err);
    return rc;
}

enum rc upload_patch(struct api *api, const struct api_request *req,
                     struct web_response *res, struct err *err)
{
    struct chunk c = {0};
    struct upload u;
    enum rc rc = upload_begin(req, res, err);

    if (rc == RC_OK)
        rc = read_headers(req, &c, err);
    if (rc == RC_OK)
        rc = upload_find(api, req, &u, err);
    if (rc == RC_OK)
        rc = chunk_fits(&u, &c, err);
    if (rc == RC_OK)
        rc = chunk_append(api, req, &c, &u, err);
    if (rc != RC_OK)
        return rc;
    web_header_addf(res, "Upload-Offset", "%" PRId64, u.received);
    upload_expires(res, &u);
    upload_media_id(res, &u);
    web_empty(res, 204, NULL);
    return RC_OK;
}
