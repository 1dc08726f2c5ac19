/* OPTIONS /api/v1/uploads - what the server speaks, for clients that ask first. */
#include "tus.h"
#include "uploads.h"

#include <inttypes.h>

enum rc upload_options(struct api *api UNUSED, const struct api_request *req UNUSED,
                       struct web_response *res, struct err *err UNUSED)
{
    web_header_add(res, "Tus-Resumable", TUS_VERSION);
    web_header_add(res, "Tus-Version", TUS_VERSION);
    web_header_add(res, "Tus-Extension", TUS_EXTENSIONS);
    web_header_addf(res, "Tus-Max-Size", "%" PRId64, MEDIA_VIDEO_BYTES_MAX);
    web_header_add(res, "Tus-Checksum-Algorithm", TUS_CHECKSUMS);
    web_empty(res, 204, NULL);
    return RC_OK;
}
