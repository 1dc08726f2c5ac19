/* sandbox/upload.h - the upload host: PUT of chunks. */
#ifndef SRC_SANDBOX_UPLOAD_H
#define SRC_SANDBOX_UPLOAD_H

#include "exchange.h"
#include "faults.h"

/* Whose upload a request is for, and which chunk of it; for faults. */
enum rc upload_target(struct exchange *x, struct fault_target *target,
                      struct err *err) MUST_CHECK;

/* PUT /upload?upload_id=…&upload_token=… */
enum rc upload_put(struct exchange *x, struct err *err);

#endif
