/* api/accounts/accounts.h - the handlers of accounts, and what they share. */
#ifndef SRC_API_ACCOUNTS_ACCOUNTS_H
#define SRC_API_ACCOUNTS_ACCOUNTS_H

#include "../api.h"
#include "store/accounts.h"

enum rc accounts_list(struct api *api, const struct api_request *req,
                      struct web_response *res, struct err *err) MUST_CHECK;
enum rc accounts_get(struct api *api, const struct api_request *req,
                     struct web_response *res, struct err *err) MUST_CHECK;
enum rc accounts_patch(struct api *api, const struct api_request *req,
                       struct web_response *res, struct err *err) MUST_CHECK;
enum rc accounts_delete(struct api *api, const struct api_request *req,
                        struct web_response *res, struct err *err) MUST_CHECK;
enum rc accounts_creator_info(struct api *api, const struct api_request *req,
                              struct web_response *res, struct err *err) MUST_CHECK;
enum rc accounts_avatar(struct api *api, const struct api_request *req,
                        struct web_response *res, struct err *err) MUST_CHECK;

/* Who does it, for the audit log. Borrows the request's texts. */
struct actor accounts_actor(const struct api_request *req);

/* Reads the account of the path and answers it with its ETag. */
enum rc accounts_answer(struct api *api, const struct api_request *req,
                        struct web_response *res, struct err *err) MUST_CHECK;

/* The account as the API shows it: one JSON object. */
void accounts_write(const struct api *api, struct jsonw *w,
                    const struct account *account);

/* The name people know it by; never "". */
const char *accounts_nickname(const struct account *account);

/* Writes "avatar_url": the path of our copy, or null when there is none. */
void accounts_write_avatar(const struct api *api, struct jsonw *w, uint64_t account_id);

#endif
