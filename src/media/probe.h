/* media/probe.h - what ffprobe says about a file, as facts.
 *
 * ffprobe's own words are input from outside as well: it read a hostile file. Its JSON is
 * bounded (PROBE_OUTPUT_MAX), every number is range-checked, and what is missing or makes
 * no sense is "not known", which the limits then judge. */
#ifndef SRC_MEDIA_PROBE_H
#define SRC_MEDIA_PROBE_H

#include "child.h"
#include "domain/media.h"
#include "sniff.h"

#include <stddef.h>

/* What ffprobe and ffmpeg may open, whatever a file says of itself; of readers, the one
 * that sniff() chose. */
#define PROBE_PROTOCOLS "file,pipe"

enum {
    PROBE_OUTPUT_MAX = 65536, /* bytes of JSON; a real file's are below 2000 */
    PROBE_WALL_MS = 15000,
    PROBE_CPU_S = 10,
};

#define PROBE_PROGRAM "/usr/bin/ffprobe"
#define PROBE_MEMORY  (UINT64_C(512) << 20)

/* Runs ffprobe over fd and fills the facts that it tells: codecs, size of the picture,
 * frame rate, duration. *end as child_run(); the facts are filled when it is CHILD_DONE.
 * RC_INVALID, "not_media": ffprobe ended well and told of no picture. */
enum rc probe_run(int fd, const struct sniffed *is, const volatile sig_atomic_t *stop,
                  struct media_facts *facts, enum child_end *end,
                  struct err *err) MUST_CHECK;

/* The parsing half: len bytes of ffprobe's JSON into facts, of which kind, container and
 * bytes are left alone. RC_INVALID, "not_media": not JSON of that shape, or no stream
 * with a picture. */
enum rc probe_parse(const char *json, size_t len, struct media_facts *facts,
                    struct err *err) MUST_CHECK;

#endif
