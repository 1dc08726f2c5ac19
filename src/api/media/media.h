/* api/media/media.h - what the handlers of the library share. */
#ifndef SRC_API_MEDIA_MEDIA_H
#define SRC_API_MEDIA_MEDIA_H

#include "../api.h"
#include "blob/blob.h"
#include "domain/repair.h"
#include "store/media.h"

enum rc media_list_get(struct api *api, const struct api_request *req,
                       struct web_response *res, struct err *err) MUST_CHECK;
enum rc media_one_get(struct api *api, const struct api_request *req,
                      struct web_response *res, struct err *err) MUST_CHECK;
enum rc media_one_patch(struct api *api, const struct api_request *req,
                        struct web_response *res, struct err *err) MUST_CHECK;
enum rc media_one_delete(struct api *api, const struct api_request *req,
                         struct web_response *res, struct err *err) MUST_CHECK;
enum rc media_content(struct api *api, const struct api_request *req,
                      struct web_response *res, struct err *err) MUST_CHECK;
enum rc media_thumbnail(struct api *api, const struct api_request *req,
                        struct web_response *res, struct err *err) MUST_CHECK;
enum rc media_strip(struct api *api, const struct api_request *req,
                    struct web_response *res, struct err *err) MUST_CHECK;

enum rc media_tags_get(struct api *api, const struct api_request *req,
                       struct web_response *res, struct err *err) MUST_CHECK;
enum rc media_storage(struct api *api, const struct api_request *req,
                      struct web_response *res, struct err *err) MUST_CHECK;

enum rc media_repair_post(struct api *api, const struct api_request *req,
                          struct web_response *res, struct err *err) MUST_CHECK;
enum rc media_repair_delete(struct api *api, const struct api_request *req,
                            struct web_response *res, struct err *err) MUST_CHECK;

/* What can be done about a file: nothing while it is being checked. */
void media_repair_plan(const struct media *m, struct repair_plan *plan);

/* A file as the API shows it: Media of docs/openapi.yaml, one JSON object. */
void media_write(struct jsonw *w, const struct media *m);

/* Answers status with one file and its ETag. */
void media_answer(struct web_response *res, int status, const struct media *m);

/* Answers with one of the file's parts, which nginx sends; the path is made from our own
 * key alone. */
void media_send(const struct api *api, const struct api_request *req,
                const struct media *m, enum blob_part part, const char *type,
                struct web_response *res);

/* The file of the path, and the version that If-Match names, for those who change it. */
enum rc media_ref_read(const struct api_request *req, struct media_ref *ref,
                       struct err *err) MUST_CHECK;

#endif
