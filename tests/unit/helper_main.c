/* The main function of every unit test. */
#include "helper_main.h"

#include <stdio.h>
#include <stdlib.h>

#define EXIT_SKIPPED 77 /* as CTest knows it */

static const char *skips;

void suite_skips(const char *why)
{
    skips = why;
}

int main(void)
{
    SRunner *runner = srunner_create(test_suite());
    srunner_run_all(runner, CK_ENV);
    int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (skips)
        fprintf(stderr, "skipped: %s\n", skips);
    return n_failed ? EXIT_FAILURE : skips ? EXIT_SKIPPED : EXIT_SUCCESS;
}
