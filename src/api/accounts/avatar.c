/* GET /api/v1/accounts/{id}/avatar - our copy of the picture, sent by nginx. */
#include "accounts.h"

#include <string.h>

enum { HEAD_SIZE = 12 };

/* The type that the picture's first bytes tell, since answers carry nosniff. NULL: none
 * that a page should show. */
static const char *type_of(const unsigned char *head, size_t len)
{
    if (len >= 3 && memcmp(head, "\xff\xd8\xff", 3) == 0)
        return "image/jpeg";
    if (len >= 8 && memcmp(head, "\x89PNG\r\n\x1a\n", 8) == 0)
        return "image/png";
    if (len >= HEAD_SIZE && memcmp(head, "RIFF", 4) == 0 &&
        memcmp(head + 8, "WEBP", 4) == 0)
        return "image/webp";
    return NULL;
}

enum rc accounts_avatar(struct api *api, const struct api_request *req,
                        struct web_response *res, struct err *err)
{
    unsigned char head[HEAD_SIZE];
    char path[BLOB_LINK_SIZE];
    struct account account;
    const char *type = NULL;
    size_t len = 0;
    enum rc rc = account_load(api->db, req->who.workspace_id, req->id, &account, err);

    if (rc == RC_OK)
        rc = blob_peek_avatar(api->blobs, account.id, head, sizeof(head), &len, err);
    if (rc == RC_OK)
        type = type_of(head, len);
    if (rc == RC_NOT_FOUND || (rc == RC_OK && type == NULL))
        return err_set(err, RC_NOT_FOUND, "not_found", "There is no such picture.");
    if (rc != RC_OK)
        return rc;
    blob_avatar_accel(api->blobs, account.id, req->web->method, path);
    web_header_add(res, "Cache-Control", "private, max-age=300");
    web_accel(res, type, path);
    return RC_OK;
}
