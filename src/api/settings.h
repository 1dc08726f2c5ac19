/* api/settings.h - what tts-api is told at its start.
 *
 * docs/configuration.md explains the keys; struct api_settings is in api.h. Whatever is
 * wrong is said in one go, one line for each key, before anything else happens. */
#ifndef SRC_API_SETTINGS_H
#define SRC_API_SETTINGS_H

#include "api.h"

/* Reads and checks everything. RC_INVALID: problems has a line for each bad key (without
 * values), and nothing is kept. The caller releases *s. */
enum rc settings_read(struct api_settings *s, struct strbuf *problems,
                      struct err *err) MUST_CHECK;
void settings_release(struct api_settings *s);

/* An origin as a browser writes it: scheme and host in lower case, no port that is the
 * scheme's own, nothing after it. Replaces *url. False when it is no such URL. */
bool settings_origin(char *url, bool *https) MUST_CHECK;

#endif
