/* GET /api/v1/media/{id}/content - the bytes, sent by nginx (with Range) once the right
 * to them is clear. The path is made from our own key alone. The type is what was found
 * in the file or, until it is checked, one of those that an upload may claim. */
#include "core/encode.h"
#include "media.h"

#include <string.h>

enum { DISPOSITION_MAX = 4000 };

/* The name to save it under (RFC 6266, RFC 8187); what is no film or picture is never
 * shown. */
static void add_disposition(struct web_response *res, const struct media *m)
{
    struct strbuf sb;
    bool shown = media_kind_of_mime(m->mime) != MEDIA_KIND_UNKNOWN;

    strbuf_init(&sb, DISPOSITION_MAX);
    strbuf_addf(&sb, "%s; filename*=UTF-8''", shown ? "inline" : "attachment");
    percent_encode(&sb, m->filename, strlen(m->filename));
    web_header_add(res, "Content-Disposition", sb.buf);
    strbuf_release(&sb);
}

enum rc media_content(struct api *api, const struct api_request *req,
                      struct web_response *res, struct err *err)
{
    struct media m;
    enum rc rc = media_get(api->db, req->who.workspace_id, req->id, &m, err);

    if (rc != RC_OK)
        return rc;
    media_send(api, req, &m, BLOB_CONTENT, m.mime, res);
    add_disposition(res, &m);
    media_release(&m);
    return RC_OK;
}
