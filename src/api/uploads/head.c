/* HEAD /api/v1/uploads/{upload} - how far it has come. */
#include "tus.h"
#include "uploads.h"

#include <inttypes.h>

enum { METADATA_SIZE = 4096 }; /* two base64 texts and their keys */

enum rc upload_head(struct api *api, const struct api_request *req,
                    struct web_response *res, struct err *err)
{
    struct upload u;
    struct strbuf metadata;
    enum rc rc = upload_begin(req, res, err);

    if (rc == RC_OK)
        rc = upload_find(api, req, &u, err);
    if (rc != RC_OK)
        return rc;
    strbuf_init(&metadata, METADATA_SIZE);
    tus_write_metadata(&metadata, u.filename, u.mime);
    web_header_add(res, "Cache-Control", "no-store");
    web_header_addf(res, "Upload-Offset", "%" PRId64, u.received);
    web_header_addf(res, "Upload-Length", "%" PRId64, u.bytes);
    web_header_add(res, "Upload-Metadata", metadata.buf);
    upload_expires(res, &u);
    upload_media_id(res, &u);
    web_empty(res, 200, NULL);
    strbuf_release(&metadata);
    return RC_OK;
}
