/* Rows of large JSON bodies that are only marked at first: the same inputs and
 * the same errors as those read at once. */
#include "helper_main.h"
#include "helper_recipe.h"
#include "helper_shelf.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct head_url no_url;

/* A body of so many rows, the k-th one given, before or after the model's
 * name. */
static char *body_of(const char *model, const char *usual, uint32_t n, uint32_t k, const char *odd,
                     bool name_last)
{
    struct text text;
    FILE *out = text_open(&text);

    if (name_last)
        fprintf(out, "{\"instances\" : [");
    else
        fprintf(out, "{\"model\":\"%s\",\"instances\" : [", model);
    for (uint32_t i = 0; i < n; i++)
        fprintf(out, "%s%s%s", i ? i % 3 ? "," : " ,\n" : "", i == k ? odd : usual, i % 5 ? "" : "\t ");
    if (name_last)
        fprintf(out, "] , \"model\":\"%s\"}", model);
    else
        fprintf(out, "]}");
    text_close(&text);
    return text.bytes;
}

/* Whether the body's rows are marked; if so, each is what it is when all are
 * scanned at once. */
static bool marked_rows_are_equal(const char *body, const struct recipe *recipe)
{
    struct instances now = {0}, later = {0};
    struct err err;
    size_t n = strlen(body);
    char *copy = malloc(n);

    memcpy(copy, body, n);
    ck_assert_msg(shelf_json(copy, n, no_url, false, &now, &err), "%s", err.msg);
    ck_assert(shelf_json(copy, n, no_url, true, &later, &err));
    bool is_marked = later.marks != NULL, equal = true, good = true;
    for (uint32_t i = 0; i < later.n_rows; i += INSTANCES_BLOCK) {
        uint32_t rows = later.n_rows - i < INSTANCES_BLOCK ? later.n_rows - i : INSTANCES_BLOCK;
        float *scratch = malloc((instances_scratch(&later, recipe, rows) + 1) * sizeof *scratch);
        const float *x = instances_inputs(&later, recipe, i, rows, scratch, &err);
        good = good && x;
        equal = equal && x && i + rows <= now.n_rows &&
                !memcmp(x, now.x + (size_t)i * recipe->n_inputs, (size_t)rows * recipe->n_inputs * sizeof *x);
        free(scratch);
    }
    ck_assert(!good || (equal && later.n_rows == now.n_rows)); /* what is wrong is found, and read again */
    ck_assert(good || is_marked);
    free(copy);
    instances_done(&now);
    instances_done(&later);
    return is_marked && equal;
}

#define MANY 5507 /* rows: over 64 KiB */

START_TEST(many_rows_may_wait)
{
    static const char numbers[] = "[1.5,-2,3e1]", mixed[] = "[ \"x\",10,1.5,\"male\" , true,7 ]";
    static const struct {
        const char *usual, *odd;
        bool equal;
    } cases[] = {
        {numbers, numbers, true},
        {numbers, "[ null, 2,\n3]", true},
        {mixed, mixed, true},
        {mixed, "[null,1,2,\"\\u005d\",false,7]", true},
        {mixed, "[0,1,2,\"],[\",true,7]", false},
        {mixed, "[0,1,2,\"]\",true,7]", false},
        {mixed, "[0,1,2,\"[\",true,7]", true},
        {numbers, "{\"a\":1,\"b\":2,\"c\":3}", false},
    };
    const char *model = cases[_i].usual == numbers ? "numbers" : "mixed";
    const struct recipe *recipe = cases[_i].usual == numbers ? shelf.numbers : shelf.mixed;

    for (uint32_t k = 0; k < MANY; k = k == 0 ? 63 : k < 65 ? k + 1 : k < MANY - 1 ? MANY - 1 : MANY)
        for (int name_last = 0; name_last < 2; name_last++) {
            char *body = body_of(model, cases[_i].usual, MANY, k, cases[_i].odd, name_last);
            ck_assert_int_eq(marked_rows_are_equal(body, recipe), cases[_i].equal);
            free(body);
        }
    char *few = body_of(model, cases[_i].usual, 100, 50, cases[_i].odd, false);
    ck_assert(!marked_rows_are_equal(few, recipe));
    free(few);
}
END_TEST

/* What is wrong is told the same, whether at once or after a look at the
 * marks. */
START_TEST(wrong_rows_that_waited_are_told)
{
    static const char *const odd[] = {"[1,2]", "[1,2,3,4]", "[1,2,1e99]", "[1,2,3",  "[]",
                                      "7",     "[1,[2],3]", "[1,2,3]]",   "[1,2,x]", ""};

    for (uint32_t k = 0; k < MANY; k += MANY / 2) {
        char *body = body_of("numbers", "[1.5,-2,3e1]", MANY, k, odd[_i], false);
        struct instances now = {0}, later = {0};
        struct err wrong = {0}, err = {0};
        float scratch[INSTANCES_BLOCK * 4 + 3];
        ck_assert(!shelf_json(body, strlen(body), no_url, false, &now, &wrong));
        bool ok = shelf_json(body, strlen(body), no_url, true, &later, &err);
        if (!ok)
            ck_assert_str_eq(err.msg, wrong.msg);
        for (uint32_t i = 0; ok && i < later.n_rows; i += INSTANCES_BLOCK) {
            ck_assert_ptr_nonnull(later.marks);
            uint32_t n = later.n_rows - i < INSTANCES_BLOCK ? later.n_rows - i : INSTANCES_BLOCK;
            ok = instances_inputs(&later, shelf.numbers, i, n, scratch, &err) != NULL;
        }
        ck_assert(!ok);
        instances_done(&later);
        free(body);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("instances_later");
    TCase *tests = tcase_create("instances_later");

    tcase_add_checked_fixture(tests, shelf_fill, shelf_clear);
    tcase_set_timeout(tests, 20);
    tcase_add_loop_test(tests, many_rows_may_wait, 0, 8);
    tcase_add_loop_test(tests, wrong_rows_that_waited_are_told, 0, 10);
    suite_add_tcase(suite, tests);
    return suite;
}
