/* unit.h - the main() of a Check program, written once.
 *
 *     UNIT_MAIN("web_query", a_query_is_decoded_once, a_half_escape_is_refused)
 *
 * A program per file under test; the names of its tests are sentences. Where a test
 * program needs set-up around each test it adds a fixture: UNIT_MAIN_FIXTURE. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>

/* Runs the n tests; setup and teardown (either may be NULL) around each. Returns what
 * main() returns. */
int unit_run(const char *suite, const TTest *const *tests, size_t n, SFun setup,
             SFun teardown);

#define UNIT_MAIN_FIXTURE(suite, setup, teardown, ...)                                   \
    int main(void)                                                                       \
    {                                                                                    \
        const TTest *const unit_tests[] = {__VA_ARGS__};                                 \
                                                                                         \
        return unit_run(suite, unit_tests, sizeof(unit_tests) / sizeof(unit_tests[0]),   \
                        setup, teardown);                                                \
    }

#define UNIT_MAIN(suite, ...) UNIT_MAIN_FIXTURE(suite, NULL, NULL, __VA_ARGS__)

#endif
