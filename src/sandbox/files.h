/* sandbox/files.h - what pages and API answers point to: videos, pictures, looks. */
#ifndef SRC_SANDBOX_FILES_H
#define SRC_SANDBOX_FILES_H

#include "exchange.h"

/* /media/NAME - a video or picture that was sent or fetched, handed to nginx, with
 * Range. */
enum rc file_media(struct exchange *x, struct err *err);

/* /picture/NAME.png?x-expires=…&x-signature=… - drawn from the name; 403 when the
 * address has expired. */
enum rc file_picture(struct exchange *x, struct err *err);

enum rc file_icon(struct exchange *x, struct err *err);  /* /sandbox/icon.png */
enum rc file_style(struct exchange *x, struct err *err); /* /sandbox/style.css */
enum rc file_reel(struct exchange *x, struct err *err);  /* /sandbox/reel.js */

#endif
