/* api/uploads/uploads.h - what the handlers of uploads share. */
#ifndef SRC_API_UPLOADS_UPLOADS_H
#define SRC_API_UPLOADS_UPLOADS_H

#include "../api.h"
#include "store/uploads.h"

enum rc upload_options(struct api *api, const struct api_request *req,
                       struct web_response *res, struct err *err) MUST_CHECK;
enum rc upload_create(struct api *api, const struct api_request *req,
                      struct web_response *res, struct err *err) MUST_CHECK;
enum rc upload_head(struct api *api, const struct api_request *req,
                    struct web_response *res, struct err *err) MUST_CHECK;
enum rc upload_patch(struct api *api, const struct api_request *req,
                     struct web_response *res, struct err *err) MUST_CHECK;
enum rc upload_delete(struct api *api, const struct api_request *req,
                      struct web_response *res, struct err *err) MUST_CHECK;

/* Begins the answer to any request but OPTIONS: says which tus we speak, and refuses a
 * request that speaks another ("tus_version"). */
enum rc upload_begin(const struct api_request *req, struct web_response *res,
                     struct err *err) MUST_CHECK;

/* The upload that the path names, of the caller's workspace. RC_NOT_FOUND: none such, or
 * "upload_gone": terminated or expired. */
enum rc upload_find(struct api *api, const struct api_request *req, struct upload *out,
                    struct err *err) MUST_CHECK;

/* The refusal of an upload that is over without having become a medium; RC_OK else. */
enum rc upload_check_alive(const struct upload *u, struct err *err) MUST_CHECK;

/* How many bytes may still come to the place where files lie; below 0 when it is fuller
 * than we like it. */
enum rc upload_disk_room(struct api *api, int64_t *bytes, struct err *err) MUST_CHECK;

/* The disk is full: RC_LIMITED, "storage_full". */
enum rc upload_no_room(struct err *err) MUST_CHECK;

/* A failure of the blob store as the API tells it: a full disk as above. */
enum rc upload_blob_failed(enum rc rc, struct err *err) MUST_CHECK;

/* "Upload-Expires", while it is open. */
void upload_expires(struct web_response *res, const struct upload *u);

/* "Media-Id", once it is finished. */
void upload_media_id(struct web_response *res, const struct upload *u);

#endif
