/* media/still.h - what a photo's own header says, read without decoding it.
 *
 * How large it is, before anything that would need the memory is started; how it lies
 * (EXIF); and whether there is anything in it but the picture: people's photos carry the
 * place they were taken at. Everything is read within bounds; what makes no sense is not
 * known. Sources: JPEG (ITU-T T.81, annex B), JFIF 1.02, EXIF 2.32 (TIFF 6.0 inside),
 * PNG 3rd edition, WebP's container specification, HEIF's ispe and irot (ISO/IEC
 * 23008-12). */
#ifndef SRC_MEDIA_STILL_H
#define SRC_MEDIA_STILL_H

#include "core/err.h"
#include "core/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

struct still {
    int width; /* pixels as stored, not turned; 0: not told */
    int height;
    int orientation;  /* EXIF's 1 to 8; 1: as it lies */
    bool clean;       /* a JPEG of 8 bits, gray or colour, and nothing else in the file */
    const char *flaw; /* why it is no photo for us, the second half of a sentence; NULL */
};

/* Looks through the file fd of size bytes, which sniff() says is a container: jpeg, png,
 * webp, gif or avif. RC_UNAVAILABLE: it cannot be read. */
enum rc still_read(int fd, int64_t size, const char *container, struct still *out,
                   struct err *err) MUST_CHECK;

/* True when turning by orientation swaps the sides. */
bool still_on_its_side(const struct still *s);

/* Copies a JPEG that ffmpeg wrote to out, but for what is not the picture: comments and
 * application data that is neither JFIF's nor Adobe's. All else is copied whole. */
void still_tidy(const struct strbuf *jpeg, struct strbuf *out);

#endif
