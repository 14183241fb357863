/* Encoding with a recipe: the same inputs by every way in, from tables of any
 * type, and nothing but finite numbers. */
#include "helper_main.h"
#include "helper_recipe.h"
#include "mlp/binding.h"
#include "mlp/value.h"

#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(every_way_in_gives_the_same_bits)
{
    static const char csv[] = "a,b,c,d,e,y\r\n"
                              "1,0.1,x, blank ,1e30,a\r\n2,NA,\"q,\"\"uote\", "
                              "blank,-1e30,b\r\n3,-7.25e-3,?,solid,0,a\r\n0,3,x,solid,1e-30,\r\n"
                              "255,1e39,z,solid,,b\r\n";
    struct table *table = table_of_text(csv, 1);
    struct recipe *recipe = recipe_of(table, NULL, TASK_AUTO);

    ck_assert_uint_eq(ways_compare(recipe, table, csv, strlen(csv), 1), 5);
    recipe_free(recipe);
    table_unref(table);
    table = table_of_text(mixed_csv, 1);
    recipe = recipe_of(table, "fare", TASK_AUTO);
    ck_assert_uint_eq(ways_compare(recipe, table, mixed_csv, strlen(mixed_csv), 1), 5);
    recipe_free(recipe);
    table_unref(table);
}
END_TEST

/* A comma before the decimals of numbers, and one in a text that only looks
 * like a number. */
START_TEST(decimal_commas_are_read_as_the_table_was)
{
    static const char csv[] = "a;b;y\n1,5;1,5;p\n2,25;x;q\n3,5;1,5;p\n4;x;q\n";
    struct table *table = table_of_text(csv, 1);
    struct recipe *recipe = recipe_of(table, NULL, TASK_AUTO);

    ck_assert_str_eq(recipe_column_of(recipe, "b")->levels[0], "1,5");
    ck_assert_uint_eq(ways_compare(recipe, table, csv, strlen(csv), 1), 4);
    struct value values[2] = {{.kind = VALUE_TEXT, .text = "2,25", .length = 4},
                              {.kind = VALUE_TEXT, .text = "x", .length = 1}};
    float point[8], comma[8];
    struct err err;
    ck_assert(recipe_encode(recipe, values, comma, &err)); /* nobody says how the text writes numbers */
    values[0].text = "2.25";
    ck_assert(recipe_encode(recipe, values, point, &err));
    ck_assert(memcmp(point, comma, recipe->n_inputs * sizeof *point) == 0);
    recipe_free(recipe);
    table_unref(table);
}
END_TEST

START_TEST(bytes_are_the_inputs)
{
    struct text text;
    struct table *table = table_of_text(image_text(&text, 70, 40, 255), 1);
    struct recipe *recipe = recipe_of(table, NULL, TASK_AUTO);
    struct err err;
    struct binding *binding = recipe_bind(recipe, table, true, &err);
    float x[70], numbers[70], raw[70];
    uint8_t bytes[70];

    ck_assert_uint_eq(ways_compare(recipe, table, text.bytes, text.length, 1), 40);
    ck_assert(binding_has_bytes(binding));
    for (uint64_t row = 0; row < 40; row++) {
        binding_encode(binding, row, x);
        binding_encode_bytes(binding, row, 0, UINT32_MAX, bytes);
        for (int i = 0; i < 70; i++) {
            raw[i] = bytes[i];
            ck_assert(x[i] == (float)bytes[i] * recipe->bytes_scale);
        }
        recipe_encode_numbers(recipe, raw, numbers);
        ck_assert_mem_eq(x, numbers, sizeof x);
    }
    raw[3] = NAN;
    raw[4] = INFINITY;
    recipe_encode_numbers(recipe, raw, numbers);
    ck_assert_float_eq(numbers[3], 0);
    ck_assert_float_eq(numbers[4], 0);
    ck_assert_float_eq(numbers[5], x[5]);

    /* One value that is no byte, in a row of bytes: what a value on its own
     * makes. */
    const float wild[] = {-0.0f,  0.5f,   -3,      300,     1e-45f,   1.2e8f,   1.3e8f,
                          2.5e8f, 2.6e8f, -2.6e8f, 3.4e38f, -3.4e38f, -INFINITY};
    for (size_t i = 0; i < sizeof wild / sizeof *wild; i++)
        for (int at = 0; at < 70; at += 23) {
            float product = wild[i] * recipe->bytes_scale;
            float expected = isinf(wild[i]) ? 0 : fmaxf(-1e6f, fminf(1e6f, product));
            for (int k = 0; k < 70; k++)
                raw[k] = k == at ? wild[i] : bytes[k];
            recipe_encode_numbers(recipe, raw, numbers);
            ck_assert_float_eq(numbers[at], expected);
            ck_assert(expected != 0 || !signbit(numbers[at]));
            ck_assert_mem_eq(numbers + at + 1, x + at + 1, (69 - (size_t)at) * sizeof *x);
        }
    binding_free(binding);
    recipe_free(recipe);
    table_unref(table);
    free(text.bytes);
}
END_TEST

START_TEST(pixels_that_are_no_bytes_still_have_some)
{
    struct text text;
    struct recipe *recipe = recipe_of_text(image_text(&text, 64, 30, 255), NULL, TASK_AUTO);
    char *gap = strstr(text.bytes, "\n0,255,255,"); /* the second row */
    ck_assert_ptr_nonnull(gap);
    memcpy(gap, "\n0,300,,2.6", 11);
    struct table *table = table_of_text(text.bytes, 1);
    struct err err;
    struct binding *binding = recipe_bind(recipe, table, true, &err);
    uint8_t bytes[64];
    float x[64];

    ck_assert(!binding_has_bytes(binding));
    binding_encode_bytes(binding, 1, 0, UINT32_MAX, bytes);
    ck_assert_uint_eq(bytes[0], 0);
    ck_assert_uint_eq(bytes[1], 255);
    ck_assert_uint_eq(bytes[2], 0);
    ck_assert_uint_eq(bytes[3], 3);
    ck_assert_uint_eq(bytes[4], 255);
    binding_encode(binding, 1, x);
    ck_assert_float_eq(x[1], 300 * recipe->bytes_scale);
    ck_assert_float_eq(x[2], 0);
    ck_assert_float_eq(x[4], 255 * recipe->bytes_scale);
    binding_free(binding);
    table_unref(table);
    recipe_free(recipe);
    free(text.bytes);
}
END_TEST

START_TEST(another_table_may_differ_in_order_and_type)
{
    struct recipe *recipe =
        recipe_of_text("n,k,c,y\n0,5,1,a\n1,600,2,b\n2,7,x,a\n3,8,x,b\n", NULL, TASK_AUTO);
    struct table *other = table_of_text("extra,c,y,k,n\nfoo,1,b,5,1.5\nbar,2,a,,2\nbaz,7,q,6,300\n", 1);
    struct err err;
    struct binding *binding = recipe_bind(recipe, other, true, &err);
    const struct recipe_column *c = recipe_column_of(recipe, "c"), *n = recipe_column_of(recipe, "n");
    float x[16];

    ck_assert_ptr_nonnull(binding);
    ck_assert(!binding_has_bytes(binding));
    ck_assert_uint_eq(c->n_levels, 3);
    binding_encode(binding, 0, x);
    ck_assert_float_eq(x[n->first_input], 1.5f * n->scale);
    ck_assert_float_eq(x[c->first_input], 1);
    ck_assert_float_eq(x[c->first_input + 1], 0);
    binding_encode(binding, 2, x);
    for (uint32_t i = 0; i < c->n_inputs; i++)
        ck_assert_float_eq(x[c->first_input + i], 0); /* 7 was never seen */
    ck_assert_int_eq(binding_class(binding, 0), 1);
    ck_assert_int_eq(binding_class(binding, 1), 0);
    ck_assert_int_eq(binding_class(binding, 2), -1);
    binding_free(binding);
    table_unref(other);
    recipe_free(recipe);
}
END_TEST

static void bind_fails(const struct recipe *recipe, const char *csv, const char *expected)
{
    struct table *table = table_of_text(csv, 1);
    struct err err = {0};

    ck_assert_ptr_null(recipe_bind(recipe, table, true, &err));
    ck_assert_msg(strstr(err.msg, expected) != NULL, "\"%s\" lacks \"%s\"", err.msg, expected);
    table_unref(table);
}

START_TEST(binding_names_what_does_not_fit)
{
    struct recipe *recipe = recipe_of_text("a,b,y\n1,2,3.5\n2,4,4.5\n3,7,5.5\n", NULL, TASK_AUTO);

    bind_fails(recipe, "a,y\n1,2\n", "'b' is missing");
    bind_fails(recipe, "a,b\n1,2\n", "'y' is missing");
    bind_fails(recipe, "a,b,y\n1,2,3\n1,two,3\n", "\"two\"");
    bind_fails(recipe, "a,b,y\n1,2,three\n1,2,3\n", "\"three\"");
    recipe_free(recipe);
}
END_TEST

START_TEST(labels_match_without_the_full_stop)
{
    struct recipe *recipe = recipe_of_text("a,y\n1,<=50K\n2,>50K\n3,>50K\n", NULL, TASK_AUTO);
    struct table *test = table_of_text("a,y\n1,<=50K.\n2,>50K.\n3,>50K\n4,50K.\n", 1);
    struct err err;
    struct binding *binding = recipe_bind(recipe, test, true, &err);
    static const int32_t expected[] = {0, 1, 1, -1};

    ck_assert_ptr_nonnull(binding);
    for (uint64_t row = 0; row < 4; row++)
        ck_assert_int_eq(binding_class(binding, row), expected[row]);
    binding_free(binding);
    table_unref(test);
    recipe_free(recipe);
}
END_TEST

START_TEST(targets_read_from_any_type)
{
    struct recipe *bytes = recipe_of_text("a,y\n1,0\n2,1\n3,2\n", NULL, TASK_AUTO);
    struct recipe *numbers = recipe_of_text("a,y\n1,0.5\n2,1.5\n3,300\n", NULL, TASK_AUTO);
    struct table *table = table_of_text("a,y\n1,1\n2,\n3,2.5\n4,2\n", 1);
    struct err err;
    struct binding *classes = recipe_bind(bytes, table, true, &err),
                   *values = recipe_bind(numbers, table, true, &err);
    static const int32_t expected[] = {1, -1, -1, 2};

    for (uint64_t row = 0; row < 4; row++)
        ck_assert_int_eq(binding_class(classes, row), expected[row]);
    ck_assert_float_eq(binding_value(values, 2), 2.5f);
    ck_assert(isnan(binding_value(values, 1)));
    binding_free(classes);
    binding_free(values);
    table_unref(table);
    recipe_free(bytes);
    recipe_free(numbers);
}
END_TEST

START_TEST(wild_values_stay_finite)
{
    struct recipe *recipe = recipe_of_text("a,b,y\n0.5,0,1.5\n0.25,1,2.5\n0.125,2,3.5\n", NULL, TASK_AUTO);
    static const float wild[] = {3.4e38f, -3.4e38f, INFINITY, -INFINITY, NAN, 1e-45f};
    float x[4];

    for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
        recipe_encode_numbers(recipe, (float[]){wild[i], wild[i]}, x);
        ck_assert(isfinite(x[0]) && isfinite(x[1]));
    }
    recipe_free(recipe);
}
END_TEST

START_TEST(values_of_each_kind_are_taken)
{
    struct recipe *recipe = recipe_of_text("n,c,y\n1.5,3,a\n2.5,x,b\n,x,a\n4.5,3,b\n5,,a\n", NULL, TASK_AUTO);
    const struct recipe_column *c = recipe_column_of(recipe, "c");
    struct value row[2] = {{.kind = VALUE_TEXT, .text = " 2.5 ", .length = 5},
                           {.kind = VALUE_NUMBER, .number = 3}};
    struct err err = {0};
    float x[5], y[5];

    ck_assert_uint_eq(recipe->n_inputs, 5);
    ck_assert(recipe_encode(recipe, row, x, &err));
    ck_assert_float_eq(x[c->first_input], 1);
    row[0] = (struct value){.kind = VALUE_NUMBER, .number = 2.5f};
    row[1] = (struct value){.kind = VALUE_TEXT, .text = "3", .length = 1};
    ck_assert(recipe_encode(recipe, row, y, &err));
    ck_assert_mem_eq(x, y, sizeof x);
    row[0] = (struct value){.kind = VALUE_MISSING};
    row[1] = (struct value){.kind = VALUE_TEXT, .text = "unseen\0x", .length = 8};
    ck_assert(recipe_encode(recipe, row, x, &err));
    ck_assert_float_eq(x[1], 1);
    ck_assert_float_eq(x[c->first_input + 2], 1);
    row[0] = (struct value){.kind = VALUE_TEXT, .text = "two\nlines", .length = 9};
    ck_assert(!recipe_encode(recipe, row, x, &err));
    ck_assert_int_eq(err.code, ERR_INPUT);
    ck_assert_str_eq(err.column, "n");
    ck_assert_ptr_nonnull(strstr(err.msg, "\"two lines\""));
    recipe_free(recipe);
}
END_TEST

/* With MLPD_TABLES set to a folder, every CSV below it is tried as well: path,
 * separator guessed, header guessed. */
static void folder_compare(const char *folder)
{
    DIR *dir = opendir(folder);
    char path[4096];

    ck_assert_msg(dir != NULL, "cannot open %s", folder);
    for (struct dirent *entry; (entry = readdir(dir));) {
        size_t length = strlen(entry->d_name);
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (length < 5 || strcmp(entry->d_name + length - 4, ".csv") != 0)
            continue;
        FILE *file = fopen(path, "rb");
        ck_assert_ptr_nonnull(file);
        char *bytes = malloc(200 << 20);
        size_t n = fread(bytes, 1, 200 << 20, file);
        fclose(file);
        int header = strstr(path, "noheader") || strstr(path, "adult") || strstr(path, "boston") ||
                             strstr(path, "wine/wine.csv")
                         ? -1
                         : 1;
        struct table *table = table_of_file(
            path, strstr(path, "sklearn") ? -1 : header); /* those begin with a line of counts */
        struct recipe *recipe = recipe_of(table, NULL, TASK_AUTO);
        uint64_t rows = ways_compare(recipe, table, bytes, n, header);
        printf("%s: %llu rows, target %s: %s\n", path, (unsigned long long)rows, recipe->target,
               recipe->task_reason);
        for (uint32_t c = 0; c < recipe->n_columns && c < 40; c++)
            printf("    %s: encoding %d, inputs %u, levels %u, other %d %s\n", recipe->columns[c].name,
                   recipe->columns[c].encoding, recipe->columns[c].n_inputs, recipe->columns[c].n_levels,
                   recipe->columns[c].other, recipe->columns[c].note);
        recipe_free(recipe);
        table_unref(table);
        free(bytes);
    }
    closedir(dir);
}

START_TEST(tables_of_a_folder_agree)
{
    folder_compare(getenv("MLPD_TABLES"));
}
END_TEST

/* Pixel 5 is dark in all rows, pixel 6 in all but one. */
START_TEST(a_pixel_that_no_row_lights_is_known)
{
    char csv[4096];
    size_t at = 0;

    for (int k = 0; k < 64; k++)
        at += (size_t)snprintf(csv + at, sizeof csv - at, "p%d,", k);
    at += (size_t)snprintf(csv + at, sizeof csv - at, "label\n");
    for (int row = 0; row < 4; row++) {
        for (int k = 0; k < 64; k++)
            at += (size_t)snprintf(csv + at, sizeof csv - at, "%d,",
                                   k == 5 || (k == 6 && row != 1) || row == 0 ? 0 : 200 + k % 7);
        at += (size_t)snprintf(csv + at, sizeof csv - at, "%d\n", row % 2);
    }
    struct table *table = table_of_text(csv, 1);
    struct recipe *recipe = recipe_of(table, NULL, TASK_AUTO);
    struct err err = {0};
    struct binding *binding = recipe_bind(recipe, table, true, &err);

    ck_assert_msg(binding != NULL, "%s", err.msg);
    ck_assert(binding_has_bytes(binding));
    for (uint32_t k = 0; k < 64; k++)
        ck_assert_int_eq(binding_input_is_zero(binding, k), k == 5);
    binding_free(binding);
    recipe_free(recipe);
    table_unref(table);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("binding");
    TCase *tests = tcase_create("binding");

    tcase_add_test(tests, every_way_in_gives_the_same_bits);
    tcase_add_test(tests, decimal_commas_are_read_as_the_table_was);
    tcase_add_test(tests, bytes_are_the_inputs);
    tcase_add_test(tests, pixels_that_are_no_bytes_still_have_some);
    tcase_add_test(tests, another_table_may_differ_in_order_and_type);
    tcase_add_test(tests, binding_names_what_does_not_fit);
    tcase_add_test(tests, labels_match_without_the_full_stop);
    tcase_add_test(tests, targets_read_from_any_type);
    tcase_add_test(tests, wild_values_stay_finite);
    tcase_add_test(tests, values_of_each_kind_are_taken);
    tcase_add_test(tests, a_pixel_that_no_row_lights_is_known);
    if (getenv("MLPD_TABLES"))
        tcase_add_test(tests, tables_of_a_folder_agree);
    suite_add_tcase(suite, tests);
    return suite;
}
