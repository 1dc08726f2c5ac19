/* GET /api/v1/accounts/{id} */
#include "accounts.h"

enum rc accounts_get(struct api *api, const struct api_request *req,
                     struct web_response *res, struct err *err)
{
    return accounts_answer(api, req, res, err);
}
