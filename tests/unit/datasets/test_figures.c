/* Numbers that may stand for missing values. */
#include "datasets/figures.h"
#include "helper_main.h"
#include "helper_table.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* Of a table's first column; NaN: none. */
static double suspect_of(const char *csv, uint64_t *n)
{
    struct reading reading = {.csv = csv, .options.header = 1};
    struct table *table = table_of(&reading);
    struct sample sample = sample_choose(table);
    struct figures *figures = figures_of_table(table, &sample);
    ck_assert_ptr_nonnull(figures);
    const struct extreme *suspect = figures_perhaps_missing(&figures[0]);
    double value = suspect ? suspect->value : NAN;
    *n = suspect ? suspect->n : 0;
    free(figures);
    table_unref(table);
    return value;
}

START_TEST(extremes_of_nines_far_from_the_rest_may_stand_for_missing_values)
{
    static const struct {
        const char *csv;
        double value;
        uint64_t n;
    } cases[] = {
        {"t,y\n21.5,1\n-999,2\n22.25,3\n-999,1\n", -999, 2},
        {"t,y\n21.5,1\n-999.0,2\n22.25,3\n", -999, 1},
        {"t,y\n-20,1\n-9999,2\n40,3\n12,1\n", -9999, 1},
        {"year,y\n1999,1\n9999,2\n2004,3\n9999,1\n", 9999, 2},
        {"n,y\n1,1\n99,2\n2,3\n3,1\n99,1\n", 99, 2}, /* of bytes */
        {"n,y\n7,1\n-32768,2\n12,3\n", -32768, 1},
        {"n,y\n1700000123,1\n-99999,2\n1700000124,3\n", -99999, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t n;
        double value = suspect_of(cases[i].csv, &n);
        ck_assert_msg(value == cases[i].value && n == cases[i].n, "%s: %g, %u times", cases[i].csv, value,
                      (unsigned)n);
    }
}
END_TEST

START_TEST(other_numbers_are_what_they_say)
{
    static const char *const cases[] = {
        "age,y\n3,1\n99,2\n50,3\n99,1\n97,2\n",   /* no gap */
        "price,y\n1,1\n999,2\n500,3\n999,1\n",    /* as far as the others are from each other */
        "n,y\n1,1\n999,2\n2,3\n3,1\n",            /* once, and not negative */
        "n,y\n1,1\n-9,2\n2,3\n-9,1\n",            /* one digit */
        "n,y\n-999,1\n5,2\n-999,3\n5,1\n",        /* two values */
        "n,y\n1,1\n-998,2\n2,3\n-998,1\n",        /* no nines */
        "n,y\n1,1\n9.99,2\n2,3\n9.99,1\n1.5,2\n", /* a price */
        "n,y\n-1,1\n1,2\n-1,3\n1,1\n",            /* classes */
        "n,y\n,1\n,2\n",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t n;
        double value = suspect_of(cases[i], &n);
        ck_assert_msg(isnan(value), "%s: %g", cases[i], value);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("figures");
    TCase *tests = tcase_create("perhaps missing");
    tcase_add_checked_fixture(tests, folder_make, folder_remove);
    tcase_add_test(tests, extremes_of_nines_far_from_the_rest_may_stand_for_missing_values);
    tcase_add_test(tests, other_numbers_are_what_they_say);
    suite_add_tcase(suite, tests);
    return suite;
}
