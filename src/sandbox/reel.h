/* sandbox/reel.h - the pictures of a photo post on a page, to be leafed through.
 *
 * The pictures lie side by side in a box that scrolls and snaps, which works by touch,
 * wheel and arrow keys without a script. The script of /sandbox/reel.js adds what shows
 * how many there are: buttons, dots and a counter. */
#ifndef SRC_SANDBOX_REEL_H
#define SRC_SANDBOX_REEL_H

#include "exchange.h"

/* Writes the pictures of p, a photo post or draft of person. */
enum rc reel_add(struct exchange *x, const struct publication *p,
                 const struct person *person, struct err *err) MUST_CHECK;

/* The script; constant. */
extern const char *const reel_script;

#endif
