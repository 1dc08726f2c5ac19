/* ctl_run.h - ttsctl inside a test: words in, output and exit status out. */
#ifndef TESTS_CTL_RUN_H
#define TESTS_CTL_RUN_H

struct ctl_result {
    int status;
    char out[16384], notes[8192];
};

/* Runs "ttsctl WORDS" (words apart by single spaces, '~' in a word standing for a space)
 * with input as its standard input. The result is good until the next call. */
const struct ctl_result *ctl_run(const char *words, const char *input);

#endif
