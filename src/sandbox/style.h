/* sandbox/style.h - how the simulator's pages look, in light and in dark. */
#ifndef SRC_SANDBOX_STYLE_H
#define SRC_SANDBOX_STYLE_H

/* The style sheet in pieces; ends with NULL. */
extern const char *const style_parts[];

#endif
