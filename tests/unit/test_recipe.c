/* The recipe: what it makes of columns and targets, the same inputs by every way in, and no trust in what comes from outside. */
#include "helper_recipe.h"

#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A CSV under construction. */
struct text {
    char *bytes;
    size_t length;
    FILE *out;
};

static FILE *text_open(struct text *text)
{
    text->out = open_memstream(&text->bytes, &text->length);
    ck_assert_ptr_nonnull(text->out);
    return text->out;
}

static const char *text_close(struct text *text)
{
    fclose(text->out);
    return text->bytes;
}

static const char mixed[] = "age,fare,big,sex,same,y\n"
                            "10,1.5,1000,male,7,a\n"
                            "0,,2000,female,7,b\n"
                            "40,2.5,3000,male,7,a\n"
                            "20,-4,4000,,7,b\n"
                            "10,9.25,5000,female,7,a\n";

START_TEST(columns_are_encoded_by_kind)
{
    struct recipe *recipe = recipe_of_text(mixed, NULL, TASK_AUTO);
    const struct recipe_column *age = recipe_column_of(recipe, "age"), *fare = recipe_column_of(recipe, "fare");
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
    struct table *table = table_of_text(mixed, 1);
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

/* n byte columns p0 .. of `rows` rows, column 0 always 0, values below `max` + 1, and a class. */
static const char *image_text(struct text *text, uint32_t n, uint32_t rows, uint32_t max)
{
    FILE *out = text_open(text);

    for (uint32_t c = 0; c < n; c++)
        fprintf(out, "p%u,", c);
    fprintf(out, "label\n");
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t c = 0; c < n; c++)
            fprintf(out, "%u,", c == 0 ? 0 : r % 3 == 0 ? 0 : r % 3 == 1 ? max : (r * 31 + c * 17) % (max + 1));
        fprintf(out, "%u\n", r % 2);
    }
    return text_close(text);
}

START_TEST(pixels_share_one_scale_and_stay_bytes)
{
    static const struct {
        uint32_t max;
        float scale;
    } cases[] = {{255, 1.0f / 255}, {200, 1.0f / 255}, {128, 1.0f / 255}, {127, 1.0f / 127}, {16, 1.0f / 16}, {1, 1}};

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
        fprintf(out, "%d,%s,n%d,m%d,%d\n", r + 1, r % 1000 == 0 ? "rare" : r % 2 ? "B" : "A", r, r % 150, r % 7 == 0);
    struct recipe *recipe = recipe_of_text(text_close(&text), NULL, TASK_AUTO);
    const struct recipe_column *city = recipe_column_of(recipe, "city"), *many = recipe_column_of(recipe, "many");
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

START_TEST(a_count_alone_is_data)
{
    struct text text;
    FILE *out = text_open(&text);

    fprintf(out, "x,y\n");
    for (int r = 0; r < 300; r++)
        fprintf(out, "%d,%g\n", r, r * 0.5);
    struct recipe *recipe = recipe_of_text(text_close(&text), NULL, TASK_AUTO);
    ck_assert_int_eq(recipe_column_of(recipe, "x")->encoding, ENCODING_STANDARDISE);
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

START_TEST(classes_are_ordered_and_written_shortest)
{
    struct recipe *recipe = recipe_of_text("a,b\n1,10\n2,9.50\n3,-3\n4,0.1\n5,123456789\n", NULL, TASK_CLASSIFICATION);
    static const char *const labels[] = {"-3", "0.1", "9.5", "10", "123456792"};

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

START_TEST(every_way_in_gives_the_same_bits)
{
    static const char csv[] =
        "a,b,c,d,e,y\r\n"
        "1,0.1,x, blank ,1e30,a\r\n2,NA,\"q,\"\"uote\", blank,-1e30,b\r\n3,-7.25e-3,?,solid,0,a\r\n0,3,x,solid,1e-30,\r\n"
        "255,1e39,z,solid,,b\r\n";
    struct table *table = table_of_text(csv, 1);
    struct recipe *recipe = recipe_of(table, NULL, TASK_AUTO);

    ck_assert_uint_eq(ways_compare(recipe, table, csv, strlen(csv), 1), 5);
    recipe_free(recipe);
    table_unref(table);
    table = table_of_text(mixed, 1);
    recipe = recipe_of(table, "fare", TASK_AUTO);
    ck_assert_uint_eq(ways_compare(recipe, table, mixed, strlen(mixed), 1), 5);
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
        binding_encode_bytes(binding, row, bytes);
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
    binding_free(binding);
    recipe_free(recipe);
    table_unref(table);
    free(text.bytes);
}
END_TEST

START_TEST(another_table_may_differ_in_order_and_type)
{
    struct recipe *recipe = recipe_of_text("n,k,c,y\n0,5,1,a\n1,600,2,b\n2,7,x,a\n3,8,x,b\n", NULL, TASK_AUTO);
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
    struct binding *classes = recipe_bind(bytes, table, true, &err), *values = recipe_bind(numbers, table, true, &err);
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
    struct value row[2] = {{.kind = VALUE_TEXT, .text = " 2.5 ", .length = 5}, {.kind = VALUE_NUMBER, .number = 3}};
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
    struct recipe *recipe = recipe_of_text(mixed, NULL, TASK_AUTO);
    struct err err = {0};

    damage(recipe, _i);
    ck_assert(!recipe_check(recipe, &err));
    ck_assert_int_eq(err.code, ERR_CORRUPT);
    recipe_free(recipe);
}
END_TEST

/* With MLPD_TABLES set to a folder, every CSV below it is tried as well: path, separator guessed, header guessed. */
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
        int header = strstr(path, "noheader") || strstr(path, "adult") || strstr(path, "boston") || strstr(path, "wine/wine.csv") ? -1 : 1;
        struct table *table = table_of_file(path, strstr(path, "sklearn") ? -1 : header); /* those begin with a line of counts */
        struct recipe *recipe = recipe_of(table, NULL, TASK_AUTO);
        uint64_t rows = ways_compare(recipe, table, bytes, n, header);
        printf("%s: %llu rows, target %s: %s\n", path, (unsigned long long)rows, recipe->target, recipe->task_reason);
        for (uint32_t c = 0; c < recipe->n_columns && c < 40; c++)
            printf("    %s: encoding %d, inputs %u, levels %u, other %d %s\n", recipe->columns[c].name, recipe->columns[c].encoding,
                   recipe->columns[c].n_inputs, recipe->columns[c].n_levels, recipe->columns[c].other, recipe->columns[c].note);
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

static Suite *recipe_suite(void)
{
    Suite *suite = suite_create("recipe");
    TCase *fit = tcase_create("fit"), *encode = tcase_create("encode");

    tcase_add_test(fit, columns_are_encoded_by_kind);
    tcase_add_test(fit, only_training_rows_are_fitted);
    tcase_add_test(fit, pixels_share_one_scale_and_stay_bytes);
    tcase_add_test(fit, flags_beside_a_count_are_no_image);
    tcase_add_test(fit, rare_levels_share_an_input_and_ids_are_left_out);
    tcase_add_test(fit, a_count_alone_is_data);
    tcase_add_test(fit, target_is_found_and_its_task_chosen);
    tcase_add_test(fit, classes_are_ordered_and_written_shortest);
    tcase_add_test(fit, errors_say_what_to_mend);
    tcase_add_test(encode, every_way_in_gives_the_same_bits);
    tcase_add_test(encode, bytes_are_the_inputs);
    tcase_add_test(encode, another_table_may_differ_in_order_and_type);
    tcase_add_test(encode, binding_names_what_does_not_fit);
    tcase_add_test(encode, labels_match_without_the_full_stop);
    tcase_add_test(encode, targets_read_from_any_type);
    tcase_add_test(encode, wild_values_stay_finite);
    tcase_add_test(encode, values_of_each_kind_are_taken);
    tcase_add_loop_test(encode, damaged_recipes_are_refused, 0, 12);
    if (getenv("MLPD_TABLES"))
        tcase_add_test(encode, tables_of_a_folder_agree);
    suite_add_tcase(suite, fit);
    suite_add_tcase(suite, encode);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(recipe_suite());

    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
