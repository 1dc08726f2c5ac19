#include "unit.h"

/* Of one test: what waits for something that never comes ends with it. Long, so that a
 * machine that is busy with other things is not taken for a failure. */
enum { TIMEOUT_S = 180 };

int unit_run(const char *suite, const TTest *const *tests, size_t n, SFun setup,
             SFun teardown)
{
    Suite *s = suite_create(suite);
    TCase *tc = tcase_create(suite);
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, TIMEOUT_S);
    if (setup != NULL || teardown != NULL)
        tcase_add_checked_fixture(tc, setup, teardown);
    for (size_t i = 0; i < n; i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(s, tc);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
