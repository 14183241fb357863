/* Columns of dates, truths and free text: how they are found, kept and turned
 * into inputs. */
#include "helper_main.h"
#include "helper_recipe.h"
#include "helper_table.h"
#include "mlp/binding.h"
#include "mlp/number.h"
#include "mlp/value.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

START_TEST(dates_are_found_and_come_back_as_written)
{
    static const struct expectation all[] = {
        {"day,n\n2024-03-01,1\n?,2\n2023-12-31,3\n", "day:d n:b/2024-03-01 1/_ 2/2023-12-31 3/"},
        {"day,n\n01.03.2024,1\n31.12.2023,2\n", "day:d n:b/01.03.2024 1/31.12.2023 2/"},
        {"day\n3/1/2024\n3/31/2024 2:30 PM\n", "day:d/3/1/2024/3/31/2024 14:30:00/"},
        {"day\n3/1/2024\n31/3/2024\n", "day:d/3/1/2024/31/3/2024/"},
        {"day\n3/1/2024\n4/1/2024\n", "day:d/3/1/2024/4/1/2024/"},
        {"2024-03-01T12:30:00Z,1\n2024-03-01T13:30:00+02:00,2\n",
         "c1:d c2:b/2024-03-01T12:30:00 1/2024-03-01T11:30:00 2/"},
        {"x,day\na,\nb,2024-03-01\n", "x:c day:d/<a> _/<b> 2024-03-01/"},
        {"day\n2024-03-01\nsoon\n", "day:c/<2024-03-01>/<soon>/"},
        {"day\n31.12.2023\n12/31/2023\n13.13.2023\n", "day:c/<31.12.2023>/<12/31/2023>/<13.13.2023>/"},
        {"day\n2024-03-01\n5\n", "day:c/<2024-03-01>/<5>/"},
    };
    CHECK_ALL(all);
}
END_TEST

/* A head of `head` rows, `before` that many, then `last`. */
static void late_check(const char *head, const char *last, const char *expected_end)
{
    char *csv = malloc(1 << 17), *to = csv + sprintf(csv, "day,n\n");
    for (int i = 0; i < 3000; i++)
        to += sprintf(to, "%s,1\n", head);
    sprintf(to, "%s,1\n", last);
    for (size_t chunk = 100; chunk < 100000; chunk *= 7) {
        struct reading reading = {.csv = csv, .options.n_threads = 3, .sizes = {chunk, 1 << 16, 1000}};
        struct table *table = table_of(&reading);
        char *text = table_as_text(table), *end = strrchr(text, '\n');
        end = text + strlen(text) - strlen(expected_end);
        ck_assert_msg(!strcmp(end, expected_end), "%s: %s, expected %s", last, end, expected_end);
        free(text);
        table_unref(table);
    }
    free(csv);
}

START_TEST(the_whole_column_decides_about_days_and_months)
{
    late_check("3/1/2024", "31/1/2024", "/3/1/2024 1/31/1/2024 1/");
    late_check("3/1/2024", "1/31/2024", "/3/1/2024 1/1/31/2024 1/");
    late_check("3.1.2024", "1.31.2024", "/3.1.2024 1/1.31.2024 1/");
    late_check("3/1/2024", "soon", "/3/1/2024 1/_ 1/");
    late_check("31/1/2024", "1/31/2024", "/31/1/2024 1/_ 1/");
    late_check("", "2024-03-01", "/_ 1/2024-03-01 1/");
    late_check("", "2024", "/_ 1/2024 1/");
    late_check("7", "2024-03-01", "/7 1/_ 1/");
}
END_TEST

START_TEST(a_date_makes_the_same_inputs_whatever_way_it_comes_in)
{
    static const char csv[] =
        "day,open,y\n2024-03-01,yes,a\n2024-03-02T06:00:00,NO,b\n,?,a\n2025-12-31T18:30:00Z,Yes,b\n";
    struct table *table = table_of_text(csv, 1);
    struct recipe *recipe = recipe_of(table, NULL, TASK_AUTO);
    const struct recipe_column *day = recipe_column_of(recipe, "day"),
                               *open = recipe_column_of(recipe, "open");
    struct err err = {0};
    float x[20];

    ck_assert(day->encoding == ENCODING_DATE && day->time && day->indicator && day->n_inputs == 14);
    ck_assert(open->encoding == ENCODING_BOOLEAN && open->indicator && open->n_inputs == 2 &&
              open->impute == 1);
    ck_assert_uint_eq(ways_compare(recipe, table, csv, strlen(csv), 1), 4);
    struct binding *binding = recipe_bind(recipe, table, true, &err);
    ck_assert_ptr_nonnull(binding);
    binding_encode(binding, 1, x); /* a Saturday in March, six in the morning */
    ck_assert(fabsf(x[2] - 0.8660254f) < 1e-6f && fabsf(x[3] - 0.5f) < 1e-6f);
    for (int weekday = 0; weekday < 7; weekday++)
        ck_assert_float_eq(x[4 + weekday], weekday == 5);
    ck_assert(x[11] == 1 && fabsf(x[12]) < 1e-6f && x[13] == 0 && x[14] == 0 && x[15] == 0);
    binding_encode(binding, 2, x);
    ck_assert(x[13] == 1 && x[14] == 1 && x[15] == 1);
    binding_free(binding);
    recipe_free(recipe);
    table_unref(table);
}
END_TEST

START_TEST(a_month_may_have_its_name)
{
    struct recipe *recipe =
        recipe_of_text("day,y\n3 Mar 2024,1.5\n01-Apr-24,2.5\n2023-02-05,0\n", NULL, TASK_AUTO);
    const char *const texts[] = {"2024-03-03", "March 3, 2024", "3-MAR-24"};
    struct value value = {.kind = VALUE_TEXT, .text = "31 Feb 2024", .length = 11};
    struct err err = {0};
    float x[3][20];

    ck_assert_int_eq(recipe_column_of(recipe, "day")->encoding, ENCODING_DATE);
    ck_assert(!recipe_encode(recipe, &value, x[0], &err));
    ck_assert_ptr_nonnull(strstr(err.msg, "takes a date as yyyy-mm-dd, and \"31 Feb 2024\" is not one"));
    for (int i = 0; i < 3; i++) {
        value = (struct value){.kind = VALUE_TEXT, .text = texts[i], .length = (uint32_t)strlen(texts[i])};
        ck_assert(recipe_encode(recipe, &value, x[i], &err));
        ck_assert_mem_eq(x[i], x[0], recipe->n_inputs * sizeof *x[0]);
    }
    recipe_free(recipe);
}
END_TEST

START_TEST(a_model_knows_which_is_the_month)
{
    struct recipe *recipe =
        recipe_of_text("day,y\n3/1/2024,1.5\n31/1/2024,2.5\n5/2/2023,0\n", NULL, TASK_AUTO);
    struct table *table = table_of_text("day,y\n3/1/2024,1\n2/1/2024,2\n", 1);
    struct err err = {0};
    float x[20], wanted[20];
    struct value value = {.kind = VALUE_TEXT, .text = "2024-01-03", .length = 10};
    struct binding *binding = recipe_bind(recipe, table, true, &err);

    ck_assert(table_column(table, 0)->date.order == DATE_MDY &&
              recipe_column_of(recipe, "day")->date.order == DATE_DMY);
    binding_encode(binding, 0, x);
    ck_assert(recipe_encode(recipe, &value, wanted, &err));
    ck_assert_mem_eq(x, wanted, recipe->n_inputs * sizeof *x);
    value = (struct value){.kind = VALUE_TEXT, .text = "1/31/2024", .length = 9};
    ck_assert(!recipe_encode(recipe, &value, x, &err));
    ck_assert_ptr_nonnull(
        strstr(err.msg, "takes a date as d/m/yyyy or yyyy-mm-dd, and \"1/31/2024\" is not one"));
    value = (struct value){.kind = VALUE_NUMBER, .number = 5};
    ck_assert(!recipe_encode(recipe, &value, x, &err) && strstr(err.msg, "and 5 is not one"));
    binding_free(binding);
    table_unref(table);
    recipe_free(recipe);
}
END_TEST

START_TEST(tables_that_hold_something_else_are_refused)
{
    struct recipe *dates = recipe_of_text("day,y\n2024-01-03,1.5\n2024-01-04,2.5\n", NULL, TASK_AUTO);
    struct recipe *texts = recipe_of_text("day,y\nx,1.5\nz,2.5\nz,3\n", NULL, TASK_AUTO);
    struct table *numbers = table_of_text("day,y\n1,1\n2,2.5\n", 1),
                 *none = table_of_text("day,y\n,1\n?,2.5\n", 1);
    struct table *days = table_of_text("day,y\n2024-01-03,1\n2024-01-04,2\n", 1);
    struct err err = {0};

    ck_assert(!recipe_bind(dates, numbers, true, &err) && strstr(err.msg, "trained on dates there"));
    ck_assert(!recipe_bind(texts, days, true, &err) &&
              strstr(err.msg, "holds dates, and the model was trained on text"));
    struct binding *binding = recipe_bind(dates, none, true, &err);
    ck_assert_ptr_nonnull(binding); /* all missing */
    binding_free(binding);
    struct recipe_options options = {.target = "day"};
    uint32_t rows[] = {0, 1};
    ck_assert(!recipe_fit(days, rows, 2, &options, &err) && strstr(err.msg, "holds dates") &&
              !strcmp(err.column, "day"));
    recipe_free(dates);
    recipe_free(texts);
    table_unref(numbers);
    table_unref(none);
    table_unref(days);
}
END_TEST

/* Comparing stopped at the NUL, and the word was read at the text's length. */
START_TEST(a_truth_ends_where_its_text_does)
{
    float truth = 7;
    ck_assert(truth_parse(" Yes ", 5, &truth) && truth == 1);
    ck_assert(!truth_parse("y\0yyyyyyyyyyyyyyyyyyyyyyy", 24, &truth));
    ck_assert(!truth_parse("ye", 2, &truth) && !truth_parse("", 0, &truth));
}
END_TEST

START_TEST(truths_are_taken_in_any_words)
{
    struct recipe *recipe = recipe_of_text("open,y\nTrue,1.5\nfalse,2.5\nTRUE,0\n", NULL, TASK_AUTO);
    static const struct {
        const char *text;
        float x;
    } words[] = {{"true", 1}, {"FALSE", 0}, {" yes ", 1}, {"n", 0}, {"1", 1}, {"0", 0}, {"T", 1}};
    struct err err = {0};
    float x[2];
    struct value value = {.kind = VALUE_NUMBER, .number = 1};

    ck_assert(recipe_encode(recipe, &value, x, &err) && x[0] == 1);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        value = (struct value){
            .kind = VALUE_TEXT, .text = words[i].text, .length = (uint32_t)strlen(words[i].text)};
        ck_assert_msg(recipe_encode(recipe, &value, x, &err) && x[0] == words[i].x, "%s", words[i].text);
    }
    value = (struct value){.kind = VALUE_TEXT, .text = "maybe", .length = 5};
    ck_assert(!recipe_encode(recipe, &value, x, &err) &&
              strstr(err.msg, "takes yes or no, true or false, and \"maybe\" is not one"));
    recipe_free(recipe);
}
END_TEST

START_TEST(kinds_and_notes_tell_what_would_be_left_out)
{
    struct text text;
    FILE *out = text_open(&text);
    fprintf(out, "count,said,code,same,none,day,ok,level,y\n");
    for (int i = 0; i < 60; i++)
        fprintf(out, "%d,\"this is what %d said\",k%d,7,,2024-01-%02d,%c,%c,%d\n", i + 1, i, i, i % 28 + 1,
                "yn"[i % 2], "abc"[i % 3], i % 2);
    struct table *table = table_of_text(text_close(&text), 1);
    static const struct {
        enum column_kind kind;
        const char *note;
    } expected[] = {{KIND_NUMBER, "counts the rows"},
                    {KIND_TEXT, "60 different texts"},
                    {KIND_CATEGORY, "60 different texts"},
                    {KIND_NUMBER, "the same value in all rows"},
                    {KIND_NUMBER, "no value in the rows"},
                    {KIND_DATE, ""},
                    {KIND_BOOLEAN, ""},
                    {KIND_CATEGORY, ""},
                    {KIND_NUMBER, ""}};
    for (uint32_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        char note[RECIPE_NOTE_SIZE];
        recipe_note(table, i, note);
        ck_assert_int_eq(recipe_kind(table, i), expected[i].kind);
        ck_assert_msg(*expected[i].note ? strstr(note, expected[i].note) != NULL : !*note, "column %u: %s", i,
                      note);
    }
    table_unref(table);
    free(text.bytes);
}
END_TEST

START_TEST(thousands_are_read_when_told_and_where_a_column_shows_them)
{
    static const struct {
        const char *text;
        char decimal_point, thousands_separator;
        double value; /* NaN: no number */
    } cases[] = {{"1,234", '.', ',', 1234},
                 {"-1.234.567,5", ',', '.', -1234567.5},
                 {"12 345", '.', ' ', 12345},
                 {"1\xc2\xa0"
                  "234,5",
                  ',', ' ', 1234.5},
                 {"1'234.5e2", '.', '\'', 123450},
                 {"1,23", '.', ',', NAN},
                 {"1234,567", '.', ',', NAN},
                 {",234", '.', ',', NAN},
                 {"1,,234", '.', ',', NAN},
                 {"1,234,5", '.', ',', NAN},
                 {"1,234", '.', 0, NAN},
                 {"1,234.5,6", '.', ',', NAN},
                 {"12.5", '.', ',', 12.5},
                 {"1,2345", '.', ',', NAN}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char plain[NUMBER_PLAIN_MAX];
        float value = NAN;
        bool is = number_parse_groups(cases[i].text, strlen(cases[i].text), cases[i].decimal_point,
                                      cases[i].thousands_separator, &value, plain);
        ck_assert_msg(is == !isnan(cases[i].value) && (!is || value == (float)cases[i].value), "%s: %g",
                      cases[i].text, (double)value);
    }
    struct reading reading = {.csv = "a,b\n\"1,234\",1\n\"12,345,678.5\",2\n7,3\n", .options.thousands = ','};
    check_text(&reading, "a:n b:b/1234 1/12345678.5 2/7 3/");
    reading = (struct reading){.csv = "a;b\n1.234,5;1\n7;3\n", .options.thousands = '.'};
    check_text(&reading, "a:n b:b/1234.5 1/7 3/");
    reading = (struct reading){.csv = "a;b\n1.234.567;1\n7;3\n"};
    check_text(&reading, "a:n b:b/1234567 1/7 3/");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("kinds");
    TCase *tests = tcase_create("kinds");
    tcase_add_checked_fixture(tests, folder_make, folder_remove);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, dates_are_found_and_come_back_as_written);
    tcase_add_test(tests, the_whole_column_decides_about_days_and_months);
    tcase_add_test(tests, a_date_makes_the_same_inputs_whatever_way_it_comes_in);
    tcase_add_test(tests, a_month_may_have_its_name);
    tcase_add_test(tests, a_model_knows_which_is_the_month);
    tcase_add_test(tests, tables_that_hold_something_else_are_refused);
    tcase_add_test(tests, a_truth_ends_where_its_text_does);
    tcase_add_test(tests, truths_are_taken_in_any_words);
    tcase_add_test(tests, kinds_and_notes_tell_what_would_be_left_out);
    tcase_add_test(tests, thousands_are_read_when_told_and_where_a_column_shows_them);
    suite_add_tcase(suite, tests);
    return suite;
}
