/* The main function of every unit test: it runs the suite that the test
 * makes. */
#ifndef MLPD_TEST_HELPER_MAIN_H
#define MLPD_TEST_HELPER_MAIN_H

#include <check.h>

/* The test's own: all its cases. The runner frees it. */
Suite *test_suite(void);

/* Within test_suite: some cases are left out, for this reason. The program then
 * ends as skipped unless a case fails. */
void suite_skips(const char *why);

#endif
