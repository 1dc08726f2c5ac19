/* DELETE /api/v1/accounts/{id} - disconnects. The row stays, so that its posts keep a
 * name and the same TikTok account can be connected again. */
#include "accounts.h"
#include "ask.h"

enum rc accounts_delete(struct api *api, const struct api_request *req,
                        struct web_response *res, struct err *err)
{
    struct account_ref ref = {.account_id = req->id};
    struct actor actor = accounts_actor(req);
    bool changed = false;
    enum rc rc = api_if_match(req, &ref.version, err);

    if (rc == RC_OK)
        rc = account_disconnect(api->db, &actor, ref, &changed, err);
    if (rc != RC_OK)
        return rc;
    if (changed)
        ask_hint(api);
    return accounts_answer(api, req, res, err);
}
