/* Fitting a recipe: what it makes of columns and targets, and what it
 * refuses. */
#include "helper_main.h"
#include "helper_recipe.h"
#include "mlp/binding.h"
#include "mlp/value.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(columns_are_encoded_by_kind)
{
    struct recipe *recipe = recipe_of_text(mixed_csv, NULL, TASK_AUTO);
    const struct recipe_column *age = recipe_column_of(recipe, "age"),
                               *fare = recipe_column_of(recipe, "fare");
    const struct recipe_column *big = recipe_column_of(recipe, "big"), *sex = recipe_column_of(recipe, "sex");
    const struct recipe_column *same = recipe_column_of(recipe, "same");

    ck_assert_uint_eq(recipe->n_columns, 5);
    ck_assert_int_eq(age->encoding, ENCODING_SCALE);
    ck_assert_float_eq(age->scale, 1.0f / 40);
    ck_assert_float_eq(age->impute, 10);
    ck_assert_int_eq(fare->encoding, ENCODING_STANDARDISE);
    ck_assert(fare->indicator);
    ck_assert_uint_eq(fare->n_inputs, 2);
    ck_assert_float_eq(fare->impute, 2); /* median of -4 1.5 2.5 9.25 */
    ck_assert_float_eq(fare->offset, 2.3125f);
    ck_assert_float_eq_tol(1 / fare->scale, 4.70829f, 1e-4f); /* numpy.std([1.5, 2.5, -4, 9.25]) */
    ck_assert_int_eq(big->encoding, ENCODING_STANDARDISE);
    ck_assert(!big->indicator);
    ck_assert_float_eq(big->offset, 3000);
    ck_assert_int_eq(sex->encoding, ENCODING_ONE_HOT);
    ck_assert_uint_eq(sex->n_levels, 2);
    ck_assert_str_eq(sex->levels[0], "female");
    ck_assert(sex->other);
    ck_assert_int_eq(same->encoding, ENCODING_IGNORE);
    ck_assert_ptr_nonnull(strstr(same->note, "same value"));
    ck_assert_uint_eq(recipe->n_inputs, 1 + 2 + 1 + 3);
    ck_assert(!recipe->bytes);
    recipe_free(recipe);
}
END_TEST

START_TEST(only_training_rows_are_fitted)
{
    struct table *table = table_of_text(mixed_csv, 1);
    uint32_t rows[] = {4, 0, 2};
    struct recipe_options options = {.target = "big"};
    struct err err;
    struct recipe *recipe = recipe_fit(table, rows, 3, &options, &err);

    ck_assert_ptr_nonnull(recipe);
    ck_assert(!recipe_column_of(recipe, "fare")->indicator);
    ck_assert_float_eq(recipe_column_of(recipe, "fare")->impute, 2.5f);
    ck_assert_int_eq(recipe_column_of(recipe, "age")->encoding, ENCODING_STANDARDISE); /* 10 10 40 */
    ck_assert(!recipe_column_of(recipe, "sex")->other);
    ck_assert_float_eq(recipe->target_mean, 3000);
    ck_assert_int_eq(recipe_column_of(recipe, "y")->encoding, ENCODING_IGNORE);
    recipe_free(recipe);
    table_unref(table);
}
END_TEST

START_TEST(pixels_share_one_scale_and_stay_bytes)
{
    static const struct {
        uint32_t max;
        float scale;
    } cases[] = {{255, 1.0f / 255}, {200, 1.0f / 255}, {128, 1.0f / 255},
                 {127, 1.0f / 127}, {16, 1.0f / 16},   {1, 1}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text text;
        struct recipe *recipe = recipe_of_text(image_text(&text, 64, 30, cases[i].max), NULL, TASK_AUTO);
        ck_assert(recipe->bytes);
        ck_assert_uint_eq(recipe->n_inputs, 64); /* the constant one too */
        ck_assert_float_eq(recipe->bytes_scale, cases[i].scale);
        ck_assert_int_eq(recipe->task, TASK_CLASSIFICATION);
        recipe_free(recipe);
        free(text.bytes);
    }
}
END_TEST

START_TEST(flags_beside_a_count_are_no_image)
{
    struct text text;
    FILE *out = text_open(&text);

    for (int c = 0; c < 70; c++)
        fprintf(out, "f%d,", c);
    fprintf(out, "count,label\n");
    for (int r = 0; r < 40; r++) {
        for (int c = 0; c < 70; c++)
            fprintf(out, "%d,", (r + c) % 2);
        fprintf(out, "%d,%d\n", r * 6 % 250, r % 2);
    }
    struct recipe *recipe = recipe_of_text(text_close(&text), NULL, TASK_AUTO);
    ck_assert(!recipe->bytes);
    ck_assert_float_eq(recipe_column_of(recipe, "f3")->scale, 1);
    ck_assert_float_eq(recipe_column_of(recipe, "count")->scale, 1.0f / 234);
    recipe_free(recipe);
    free(text.bytes);
}
END_TEST

START_TEST(rare_levels_share_an_input_and_ids_are_left_out)
{
    struct text text;
    FILE *out = text_open(&text);

    fprintf(out, "id,city,name,many,y\n");
    for (int r = 0; r < 3000; r++)
        fprintf(out, "%d,%s,n%d,m%d,%d\n", r + 1,
                r % 2000 == 0 ? "rare"
                : r % 2       ? "B"
                              : "A",
                r, r % 300, r % 7 == 0);
    struct recipe *recipe = recipe_of_text(text_close(&text), NULL, TASK_AUTO);
    const struct recipe_column *city = recipe_column_of(recipe, "city"),
                               *many = recipe_column_of(recipe, "many");
    ck_assert_uint_eq(city->n_levels, 2);
    ck_assert(city->other);
    ck_assert_ptr_nonnull(strstr(recipe_column_of(recipe, "id")->note, "counts the rows"));
    ck_assert_ptr_nonnull(strstr(recipe_column_of(recipe, "name")->note, "3000 different texts"));
    ck_assert_uint_eq(many->n_levels, RECIPE_LEVELS_MAX);
    ck_assert(many->other);
    recipe_free(recipe);
    free(text.bytes);
}
END_TEST

/* n rows of an even number, of one that spreads over 13 orders of magnitude
 * both ways, and of classes. */
static const char *spread_text(struct text *text, uint32_t n)
{
    FILE *out = text_open(text);

    fprintf(out, "even,wide,y\n");
    for (uint32_t r = 0; r < n; r++)
        fprintf(out, "%g,%g,%c\n", (r * 7 % n) + 0.5, (r % 2 ? -1 : 1) * exp(30.0 * r / n),
                'a' + (int)(r % 3));
    return text_close(text);
}

START_TEST(a_heavy_tail_goes_through_a_logarithm)
{
    struct text text;
    struct recipe *recipe = recipe_of_text(spread_text(&text, 60), NULL, TASK_AUTO);
    const struct recipe_column *wide = recipe_column_of(recipe, "wide");
    struct value values[2] = {{.kind = VALUE_NUMBER, .number = 30}, {.kind = VALUE_NUMBER}};
    struct err err;
    float x[2];

    ck_assert_int_eq(recipe_column_of(recipe, "even")->encoding, ENCODING_STANDARDISE);
    ck_assert_int_eq(wide->encoding, ENCODING_LOG);
    ck_assert_float_eq_tol(wide->unit, (float)exp(15), (float)exp(15) * 0.1f); /* the median size */
    values[1].number = 1e13f;
    ck_assert(recipe_encode(recipe, values, x, &err));
    ck_assert_float_eq_tol(x[1], (log1pf(1e13f / wide->unit) - wide->offset) * wide->scale, 1e-5f);
    values[1].number = -1e13f;
    ck_assert(recipe_encode(recipe, values, x, &err));
    ck_assert_float_eq_tol(x[1], (-log1pf(1e13f / wide->unit) - wide->offset) * wide->scale, 1e-5f);
    ck_assert(fabsf(x[1]) < 10);
    recipe_free(recipe);
    free(text.bytes);
}
END_TEST

START_TEST(many_rows_cut_a_number_into_pieces_at_its_quantiles)
{
    struct text text;
    struct recipe *recipe = recipe_of_text(spread_text(&text, 801), NULL, TASK_AUTO);
    const struct recipe_column *even = recipe_column_of(recipe, "even");
    struct value values[2] = {{.kind = VALUE_NUMBER, .number = 150.5f}, {.kind = VALUE_MISSING}};
    struct err err;
    float x[32];

    ck_assert_int_eq(even->encoding, ENCODING_QUANTILE);
    ck_assert_uint_eq(even->n_knots, 9);
    ck_assert_uint_eq(even->n_inputs, 9);
    for (uint32_t i = 0; i < 9; i++)
        ck_assert_float_eq_tol(even->knots[i], (float)i * 100 + 0.5f, 0.01f);
    ck_assert(recipe_encode(recipe, values, x, &err));
    const float expected[] = {1, 0.5f, 0, 0, 0, 0, 0, 0};
    for (uint32_t i = 0; i < 8; i++)
        ck_assert_float_eq_tol(x[1 + i], expected[i], 1e-6f);
    ck_assert_int_eq(recipe_column_of(recipe, "wide")->encoding, ENCODING_QUANTILE);
    ck_assert(recipe_column_of(recipe, "wide")->unit > 0);
    recipe_free(recipe);
    free(text.bytes);
}
END_TEST

START_TEST(zero_has_no_sign)
{
    struct table *table = table_of_text("a,b,y\n0,0.5,u\n3,-0,v\n4,-0.5,u\n2,0.25,v\n", 1);
    uint32_t *rows = rows_all(table);
    struct recipe_override overrides[] = {{"a", ENCODING_SCALE}, {"b", ENCODING_SCALE}};
    struct recipe_options options = {.overrides = overrides, .n_overrides = 2};
    struct value values[2] = {{.kind = VALUE_NUMBER, .number = -0.0f},
                              {.kind = VALUE_TEXT, .text = "-0", .length = 2, .decimal_point = '.'}};
    const float zeros[2] = {0, 0};
    struct err err;
    struct recipe *recipe = recipe_fit(table, rows, table_n_rows(table), &options, &err);
    float x[2];

    ck_assert_msg(recipe != NULL, "%s", err.msg);
    ck_assert_uint_eq(recipe->n_inputs, 2);
    ck_assert(recipe_encode(recipe, values, x, &err));
    ck_assert_mem_eq(x, zeros, sizeof x);
    recipe_free(recipe);
    free(rows);
    table_unref(table);
}
END_TEST

/* Twice as many rows as are looked at: what runs of them say of the whole,
 * whatever the order they stand in. */
START_TEST(of_very_many_rows_some_are_fitted)
{
    const uint32_t n = 1 << 21;
    struct text text;
    struct err err;
    FILE *out = text_open(&text);

    fprintf(out, "x,late,y\n");
    for (uint32_t i = 0; i < n; i++)
        fprintf(out, "%u,%c,%c\n", 1000 + i / (n / 200), i < n - n / 50 ? 'a' : 'b', i % 2 ? 'u' : 'v');
    struct table *table = table_of_text(text_close(&text), 1);
    uint32_t *rows = rows_all(table);
    struct recipe *recipe = recipe_fit(table, rows, n, &(struct recipe_options){0}, &err);
    ck_assert_msg(recipe != NULL, "%s", err.msg);
    const struct recipe_column *x = recipe_column_of(recipe, "x");
    ck_assert_float_eq_tol(x->offset, 1099.5f, 0.1f);
    ck_assert_float_eq_tol(1 / x->scale, 57.73f, 0.1f); /* sqrt((200^2 - 1) / 12) */
    ck_assert_uint_eq(recipe_column_of(recipe, "late")->n_levels, 2);
    recipe_free(recipe);
    free(rows);
    table_unref(table);
    free(text.bytes);
}
END_TEST

/* The encoding that the column gets where it is wished for; -1 where it is
 * refused. */
static int wished(const struct table *table, const char *column, enum encoding encoding)
{
    uint32_t *rows = rows_all(table);
    struct recipe_override override = {column, encoding};
    struct recipe_options options = {.overrides = &override, .n_overrides = 1};
    struct err err;
    struct recipe *recipe = recipe_fit(table, rows, table_n_rows(table), &options, &err);
    int got = recipe ? (int)recipe_column_of(recipe, column)->encoding : -1;

    if (!recipe)
        ck_assert_str_eq(err.field, "recipe");
    recipe_free(recipe);
    free(rows);
    return got;
}

START_TEST(a_wish_for_an_encoding_is_met_or_refused)
{
    struct table *table = table_of_text(mixed_csv, 1);

    ck_assert_int_eq(wished(table, "age", ENCODING_STANDARDISE), ENCODING_STANDARDISE);
    ck_assert_int_eq(wished(table, "fare", ENCODING_LOG), ENCODING_LOG);
    ck_assert_int_eq(wished(table, "fare", ENCODING_QUANTILE), ENCODING_QUANTILE);
    ck_assert_int_eq(wished(table, "big", ENCODING_SCALE), ENCODING_SCALE);
    ck_assert_int_eq(wished(table, "big", ENCODING_IGNORE), ENCODING_IGNORE);
    ck_assert_int_eq(wished(table, "sex", ENCODING_ONE_HOT), ENCODING_ONE_HOT);
    ck_assert_int_eq(wished(table, "sex", ENCODING_LOG), -1);
    ck_assert_int_eq(wished(table, "big", ENCODING_ONE_HOT), -1);
    ck_assert_int_eq(wished(table, "nobody", ENCODING_LOG), -1);
    table_unref(table);
}
END_TEST

START_TEST(only_the_features_asked_for_are_used)
{
    struct table *table = table_of_text(mixed_csv, 1);
    uint32_t *rows = rows_all(table);
    const char *features[] = {"big", "nobody"};
    struct recipe_options options = {.features = features, .n_features = 1};
    struct err err;
    struct recipe *recipe = recipe_fit(table, rows, table_n_rows(table), &options, &err);

    ck_assert_ptr_nonnull(recipe);
    ck_assert_uint_eq(recipe->n_inputs, recipe_column_of(recipe, "big")->n_inputs);
    ck_assert_ptr_nonnull(strstr(recipe_column_of(recipe, "sex")->note, "not among"));
    recipe_free(recipe);
    options.n_features = 2;
    ck_assert_ptr_null(recipe_fit(table, rows, table_n_rows(table), &options, &err));
    ck_assert_str_eq(err.field, "features");
    free(rows);
    table_unref(table);
}
END_TEST

START_TEST(a_count_alone_is_data)
{
    struct text text;
    FILE *out = text_open(&text);

    fprintf(out, "x,y\n");
    for (int r = 0; r < 300; r++)
        fprintf(out, "%d,%g\n", r, r * 0.5);
    struct recipe *recipe = recipe_of_text(text_close(&text), NULL, TASK_AUTO);
    ck_assert_int_eq(recipe_column_of(recipe, "x")->encoding, ENCODING_QUANTILE);
    ck_assert_int_eq(recipe->task, TASK_REGRESSION);
    ck_assert_float_eq(recipe->target_mean, 74.75f);
    recipe_free(recipe);
    free(text.bytes);
}
END_TEST

START_TEST(target_is_found_and_its_task_chosen)
{
    static const struct {
        const char *csv, *target;
        enum task task;
        uint32_t n_classes;
    } cases[] = {
        {"a,Label,b\n1,0,5\n2,1,6\n3,1,7\n", "Label", TASK_CLASSIFICATION, 2},
        {"y,a,Target\n1,0,5\n2,1,6\n3,1,7\n", "Target", TASK_REGRESSION, 0},
        {"a,b,last\n1,0,1\n2,1,2\n3,1,3\n", "last", TASK_CLASSIFICATION, 3},
        {"a,b\n1,1\n2,2\n3,4\n", "b", TASK_REGRESSION, 0},   /* a gap */
        {"a,b\n1,2\n2,3\n3,4\n", "b", TASK_REGRESSION, 0},   /* neither from 0 nor 1 */
        {"a,b\n1,0.5\n2,1\n3,0\n", "b", TASK_REGRESSION, 0}, /* no integers */
        {"a,b\n1,true\n2,false\n3,true\n", "b", TASK_CLASSIFICATION, 2},
        {"a,b\n1,0\n2,\n3,1\n", "b", TASK_CLASSIFICATION, 2}, /* a row without target */
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct recipe *recipe = recipe_of_text(cases[i].csv, NULL, TASK_AUTO);
        ck_assert_str_eq(recipe->target, cases[i].target);
        ck_assert_msg(recipe->task == cases[i].task, "case %zu: %s", i, recipe->task_reason);
        ck_assert_uint_eq(recipe->n_classes, cases[i].n_classes);
        ck_assert_uint_gt(strlen(recipe->task_reason), 10);
        recipe_free(recipe);
    }
}
END_TEST

/* Seconds since 1970, of which floats tell one in 128 apart. */
START_TEST(large_numbers_close_together_are_told_apart)
{
    char csv[2000], *to = csv + sprintf(csv, "ts,price,y\n");
    for (int i = 0; i < 40; i++)
        to += sprintf(to, "%d,%.2f,%d\n", 1700000000 + 7 * i, 100000 + i * 0.01, i % 2);
    struct table *table = table_of_text(csv, 1);
    struct err err;
    uint32_t *rows = rows_all(table);
    struct recipe *recipe = recipe_fit(table, rows, 40, &(struct recipe_options){0}, &err);
    ck_assert_msg(recipe != NULL, "%s", err.msg);
    struct binding *binding = recipe_bind(recipe, table, true, &err);
    float x[64], before[64], other[64];
    ck_assert(recipe->columns[0].origin > 1.6e9 && recipe->columns[1].origin > 99999);
    for (int i = 0; i < 40; i++) {
        struct value values[] = {{.kind = VALUE_NUMBER, .number = 1700000000 + 7 * i},
                                 {.kind = VALUE_NUMBER, .number = strtod("100000", NULL)}};
        char price[40];
        snprintf(price, sizeof price, "%.2f", 100000 + i * 0.01);
        values[1].number = strtod(price, NULL);
        binding_encode(binding, (uint64_t)i, x);
        ck_assert(recipe_encode(recipe, values, other, &err));
        ck_assert_msg(memcmp(x, other, recipe->n_inputs * sizeof *x) == 0, "row %d comes the same each way",
                      i);
        ck_assert(i == 0 || (x[0] > before[0] &&
                             x[recipe->columns[1].first_input] > before[recipe->columns[1].first_input]));
        memcpy(before, x, sizeof x);
    }
    binding_free(binding);
    recipe_free(recipe);
    free(rows);
    table_unref(table);
}
END_TEST

START_TEST(classes_come_as_they_were_written)
{
    struct recipe *recipe = recipe_of_text("a,b\n1,1.0\n2,2.0\n3,1.0\n4,2.0\n", NULL, TASK_CLASSIFICATION);
    ck_assert_str_eq(recipe->classes[0], "1.0");
    ck_assert_str_eq(recipe->classes[1], "2.0");
    recipe_free(recipe);
    recipe = recipe_of_text("a,b\n1,100000001\n2,100000002\n3,100000001\n4,100000003\n", NULL,
                            TASK_CLASSIFICATION);
    ck_assert_uint_eq(recipe->n_classes, 3);
    ck_assert_str_eq(recipe->classes[0], "100000001");
    ck_assert_str_eq(recipe->classes[2], "100000003");
    recipe_free(recipe);
}
END_TEST

START_TEST(classes_are_ordered_and_written_shortest)
{
    struct recipe *recipe =
        recipe_of_text("a,b\n1,10\n2,9.50\n3,-3\n4,0.1\n5,123456789\n", NULL, TASK_CLASSIFICATION);
    static const char *const labels[] = {"-3", "0.1", "9.5", "10", "123456789"};

    ck_assert_uint_eq(recipe->n_classes, 5);
    for (int i = 0; i < 5; i++)
        ck_assert_str_eq(recipe->classes[i], labels[i]);
    recipe_free(recipe);
    recipe = recipe_of_text("a,b\n1,x\n2,B\n3,a\n", NULL, TASK_AUTO);
    ck_assert_str_eq(recipe->classes[0], "B");
    ck_assert_str_eq(recipe->classes[2], "x");
    recipe_free(recipe);
}
END_TEST

static void fails(const char *csv, const struct recipe_options *options, const char *expected)
{
    struct table *table = table_of_text(csv, 1);
    uint32_t *rows = rows_all(table);
    struct err err = {0};

    ck_assert_ptr_null(recipe_fit(table, rows, table_n_rows(table), options, &err));
    ck_assert_int_eq(err.code, ERR_INPUT);
    ck_assert_msg(strstr(err.msg, expected) != NULL, "\"%s\" lacks \"%s\"", err.msg, expected);
    free(rows);
    table_unref(table);
}

START_TEST(errors_say_what_to_mend)
{
    struct recipe_options none = {0}, target = {.target = "species"}, regression = {.task = TASK_REGRESSION};
    struct recipe_options classes = {.task = TASK_CLASSIFICATION};
    struct recipe_options ignore = {.ignore = (const char *const[]){"z"}, .n_ignore = 1};
    struct recipe_options ignore_target = {.ignore = (const char *const[]){"b"}, .n_ignore = 1};
    struct recipe_options ignore_all = {.ignore = (const char *const[]){"a"}, .n_ignore = 1};
    struct text text;
    FILE *out = text_open(&text);

    fails("a,b\n1,2\n2,3\n", &target, "there are a, b");
    fails("a,b\n1,2\n2,2\n", &none, "nothing to learn");
    fails("a,b\n1,x\n2,x\n", &none, "nothing to learn");
    fails("a,b\n1,x\n2,z\n", &regression, "holds text");
    fails("a,b\n1,2\n2,3\n", &ignore, "no column 'z'");
    fails("a,b\n1,2\n2,3\n", &ignore_target, "cannot be ignored");
    fails("a,b\n1,2\n2,3\n", &ignore_all, "no column is left");
    fails("a,b\n1,2\n1,3\n", &none, "no column is left");
    fails("a\n1\n1\n", &none, "at least one feature");
    fprintf(out, "a,b\n");
    for (int r = 0; r < 2500; r++)
        fprintf(out, "%d,%d\n", r % 7, r % 1200);
    fails(text_close(&text), &classes, "more than 1000");
    free(text.bytes);
    text_open(&text);
    fprintf(text.out, "a,b\n");
    for (int r = 0; r < 50; r++)
        fprintf(text.out, "%d,name%d\n", r % 7, r);
    fails(text_close(&text), &none, "too few rows of each");
    free(text.bytes);
}
END_TEST

/* One way to damage a recipe that would lead an encoder astray. */
static void damage(struct recipe *recipe, int way)
{
    switch (way) {
    case 0:
        recipe->columns[0].first_input = 3;
        break;
    case 1:
        recipe->columns[1].scale = NAN;
        break;
    case 2:
        recipe->columns[1].n_inputs = 1;
        break;
    case 3:
        recipe->n_inputs++;
        break;
    case 4:
        recipe->columns[0].encoding = (enum encoding)9;
        break;
    case 5:
        recipe->columns[3].levels[0][0] = 'z';
        break;
    case 6:
        recipe->bytes = true;
        break;
    case 7:
        recipe->task = TASK_AUTO;
        break;
    case 8:
        recipe->classes[0][0] = recipe->classes[1][0];
        break;
    case 9:
        recipe->columns[2].impute = INFINITY;
        break;
    case 10:
        recipe->task = TASK_REGRESSION;
        break;
    case 11:
        memset(recipe->columns[0].note, 'x', sizeof recipe->columns[0].note);
        break;
    default:
        ck_abort();
    }
}

START_TEST(damaged_recipes_are_refused)
{
    struct recipe *recipe = recipe_of_text(mixed_csv, NULL, TASK_AUTO);
    struct err err = {0};

    damage(recipe, _i);
    ck_assert(!recipe_check(recipe, &err));
    ck_assert_int_eq(err.code, ERR_CORRUPT);
    recipe_free(recipe);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("recipe");
    TCase *tests = tcase_create("recipe");
    tcase_set_timeout(tests, 60);

    tcase_add_test(tests, columns_are_encoded_by_kind);
    tcase_add_test(tests, only_training_rows_are_fitted);
    tcase_add_test(tests, pixels_share_one_scale_and_stay_bytes);
    tcase_add_test(tests, flags_beside_a_count_are_no_image);
    tcase_add_test(tests, rare_levels_share_an_input_and_ids_are_left_out);
    tcase_add_test(tests, a_heavy_tail_goes_through_a_logarithm);
    tcase_add_test(tests, many_rows_cut_a_number_into_pieces_at_its_quantiles);
    tcase_add_test(tests, zero_has_no_sign);
    tcase_add_test(tests, of_very_many_rows_some_are_fitted);
    tcase_add_test(tests, a_wish_for_an_encoding_is_met_or_refused);
    tcase_add_test(tests, only_the_features_asked_for_are_used);
    tcase_add_test(tests, a_count_alone_is_data);
    tcase_add_test(tests, target_is_found_and_its_task_chosen);
    tcase_add_test(tests, large_numbers_close_together_are_told_apart);
    tcase_add_test(tests, classes_come_as_they_were_written);
    tcase_add_test(tests, classes_are_ordered_and_written_shortest);
    tcase_add_test(tests, errors_say_what_to_mend);
    tcase_add_loop_test(tests, damaged_recipes_are_refused, 0, 12);
    suite_add_tcase(suite, tests);
    return suite;
}
