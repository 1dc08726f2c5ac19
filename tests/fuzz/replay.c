/* Runs a fuzz target over files, without a fuzzer: so that every `make test` replays
 * the corpora and the targets never rot. */
#include "core/io.h"

#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 4 * 1024 * 1024 }; /* bytes; the largest corpus file is far below */

int main(int argc, char **argv)
{
    struct strbuf input;
    struct err err;

    strbuf_init(&input, INPUT_MAX);
    for (int i = 1; i < argc; i++) {
        strbuf_reset(&input);
        if (io_read_file(argv[i], &input, &err) != RC_OK) {
            (void)fprintf(stderr, "%s: %s\n", argv[i], err.msg);
            return 1;
        }
        (void)LLVMFuzzerTestOneInput((const uint8_t *)input.buf, input.len);
    }
    strbuf_release(&input);
    return 0;
}
