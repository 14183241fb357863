/* Model files: what was written is read back bit for bit, any reader of
 * safetensors finds the tensors, and no damage goes unseen. */
#include "helper_recipe.h"

#include "helper_main.h"
#include "models/file.h"
#include "json/model.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char mixed[] = "age,fare,odd \xe9 \xee\xbe\x80 name,sex,same,y\n"
                            "10,1.5,1000,m\xe4nnlich,7,caf\xe9\n"
                            "0,,2000,female,7,caf\xe8\n"
                            "40,2.5,3000,m\xe4nnlich,7,caf\xe9\n"
                            "20,-4,4000,,7,\"quo\"\"te\\\"\n"
                            "10,9.25,5000,female,7,caf\xc3\xa9\n";

static char folder[] = "/tmp/mlp-test-model-XXXXXX", path[128];

static void folder_make(void)
{
    strcpy(folder, "/tmp/mlp-test-model-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/m.model", folder);
}

static uint32_t folder_files(void)
{
    DIR *dir = opendir(folder);
    uint32_t n = 0;

    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

static void folder_remove(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void predictions_equal(const struct model *a, const struct model *b)
{
    float x[64], out_a[16], out_b[16];
    struct err err;
    struct workspace *workspace = workspace_new(&err);

    ck_assert_uint_eq(a->recipe->n_inputs, b->recipe->n_inputs);
    ck_assert_uint_eq(model_n_outputs(a), model_n_outputs(b));
    for (uint32_t i = 0; i < a->recipe->n_inputs; i++)
        x[i] = (float)(i % 5) * 0.37f - 0.5f;
    ck_assert(model_predict(a, x, 1, out_a, workspace, &err));
    ck_assert(model_predict(b, x, 1, out_b, workspace, &err));
    ck_assert_mem_eq(out_a, out_b, model_n_outputs(a) * sizeof(float));
    workspace_free(workspace);
}

static void strings_equal(char *const *a, char *const *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        ck_assert_str_eq(a[i], b[i]);
}

static void recipes_equal(const struct recipe *a, const struct recipe *b)
{
    ck_assert_uint_eq(a->n_columns, b->n_columns);
    ck_assert_uint_eq(a->n_inputs, b->n_inputs);
    ck_assert_int_eq(a->bytes, b->bytes);
    ck_assert_float_eq(a->bytes_scale, b->bytes_scale);
    ck_assert_str_eq(a->target, b->target);
    ck_assert_int_eq(a->task, b->task);
    ck_assert_str_eq(a->task_reason, b->task_reason);
    ck_assert_float_eq(a->target_mean, b->target_mean);
    ck_assert_float_eq(a->target_stddev, b->target_stddev);
    ck_assert_uint_eq(a->n_classes, b->n_classes);
    strings_equal(a->classes, b->classes, a->n_classes);
    for (uint32_t i = 0; i < a->n_columns; i++) {
        const struct recipe_column *x = &a->columns[i], *y = &b->columns[i];
        ck_assert_str_eq(x->name, y->name);
        ck_assert_str_eq(x->note, y->note);
        ck_assert_int_eq(x->encoding, y->encoding);
        ck_assert_uint_eq(x->first_input, y->first_input);
        ck_assert_uint_eq(x->n_inputs, y->n_inputs);
        ck_assert_float_eq(x->offset, y->offset);
        ck_assert_float_eq(x->scale, y->scale);
        ck_assert_float_eq(x->impute, y->impute);
        ck_assert_int_eq(x->indicator, y->indicator);
        ck_assert_int_eq(x->other, y->other);
        ck_assert_uint_eq(x->n_levels, y->n_levels);
        strings_equal(x->levels, y->levels, x->n_levels);
    }
}

START_TEST(what_was_written_is_read)
{
    static const char *const csvs[] = {mixed, "a,b,y\n1,2,0.5\n2,300,1.5\n3,7,2.75\n"};
    static const uint32_t widths[] = {3, 130, 300};

    for (int i = 0; i < 10; i++) {
        struct model *model = i < 6 ? model_of_text(csvs[i % 2], widths[i / 2], 0)
                                    : model_of_text(csvs[i % 2], 30, i < 8 ? 1 : 3);
        struct err err = {0};
        char *info = NULL;
        ck_assert_msg(model_file_write(path, model, "{\"name\":\"d\\u00e9j\xc3\xa0\"}", &err), "%s", err.msg);
        struct model *back = model_file_read(path, NULL, &info, &err);
        ck_assert_msg(back != NULL, "%s", err.msg);
        ck_assert_str_eq(info, "{\"name\":\"d\\u00e9j\xc3\xa0\"}");
        ck_assert_int_eq(back->loss, model->loss);
        recipes_equal(model->recipe, back->recipe);
        predictions_equal(model, back);
        ck_assert_uint_eq(model->network->n_floats, back->network->n_floats);
        ck_assert_uint_eq(model->network->layers[0].norms, back->network->layers[0].norms);
        ck_assert_mem_eq(model->network->params, back->network->params,
                         model->network->n_floats * sizeof(float));
        ck_assert_uint_eq(folder_files(), 1);
        free(info);
        model_unref(back);
        model_unref(model);
    }
}
END_TEST

/* The whole file. */
static unsigned char *slurp(size_t *n)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = malloc(1 << 20);

    ck_assert_ptr_nonnull(file);
    *n = fread(bytes, 1, 1 << 20, file);
    ck_assert_uint_lt(*n, 1 << 20);
    fclose(file);
    return bytes;
}

static void spill(const void *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, n, file), n);
    fclose(file);
}

START_TEST(any_safetensors_reader_finds_the_tensors)
{
    struct model *model = model_of_text(mixed, 300, 0);
    struct err err;
    size_t n, length = 0;
    float *weights = malloc(model->recipe->n_inputs * 300 * sizeof(float)), biases[300];

    ck_assert(model_file_write(path, model, NULL, &err));
    unsigned char *bytes = slurp(&n);
    for (int i = 7; i >= 0; i--)
        length = length << 8 | bytes[i];
    ck_assert_uint_eq(length % 8, 0);
    ck_assert_int_eq(bytes[8], '{');
    cJSON *header = cJSON_ParseWithLength((char *)bytes + 8, length);
    const cJSON *tensor = cJSON_GetObjectItemCaseSensitive(header, "layers.0.weight");
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(tensor, "shape"),
                *at = cJSON_GetObjectItemCaseSensitive(tensor, "data_offsets");
    ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tensor, "dtype")), "F32");
    ck_assert_int_eq(cJSON_GetArrayItem(shape, 0)->valueint, (int)model->recipe->n_inputs);
    ck_assert_int_eq(cJSON_GetArrayItem(shape, 1)->valueint, 300);
    network_get(model->network, 0, weights, biases);
    ck_assert_mem_eq(bytes + 8 + length + cJSON_GetArrayItem(at, 0)->valueint, weights,
                     model->recipe->n_inputs * 300 * sizeof(float));
    cJSON *values = cJSON_GetObjectItemCaseSensitive(header, "__metadata__"), *value;
    cJSON_ArrayForEach(value, values) ck_assert(cJSON_IsString(value));
    ck_assert_int_eq(cJSON_GetArraySize(header), 5);
    cJSON_Delete(header);
    free(bytes);
    free(weights);
    model_unref(model);
}
END_TEST

/* Whether the file now is refused as damaged, or still the same model. */
static void refused_or_same(const struct model *model, size_t at)
{
    struct err err = {0};
    struct model *back = model_file_read(path, NULL, NULL, &err);

    if (back)
        predictions_equal(model, back);
    else
        ck_assert_msg(err.code == ERR_CORRUPT && err.msg[0], "byte %zu: code %d", at, err.code);
    model_unref(back);
}

START_TEST(a_flipped_bit_is_seen)
{
    struct model *model = model_of_text(mixed, 3, 0);
    struct err err;
    size_t n, n_refused = 0;

    ck_assert(model_file_write(path, model, "{}", &err));
    unsigned char *bytes = slurp(&n);
    for (size_t at = 0; at < n; at++) {
        bytes[at] ^= (unsigned char)(1u << (at * 7 % 8));
        spill(bytes, n);
        refused_or_same(model, at);
        struct model *back = model_file_read(path, NULL, NULL, &err);
        n_refused += !back;
        model_unref(back);
        bytes[at] ^= (unsigned char)(1u << (at * 7 % 8));
    }
    ck_assert_uint_gt(n_refused, n * 98 / 100); /* blanks may turn into others */
    free(bytes);
    model_unref(model);
}
END_TEST

START_TEST(a_file_cut_short_or_lengthened_is_refused)
{
    struct model *model = model_of_text(mixed, 3, 0);
    struct err err;
    size_t n;

    ck_assert(model_file_write(path, model, "{}", &err));
    unsigned char *bytes = slurp(&n);
    for (size_t length = 0; length < n; length++) {
        spill(bytes, length);
        ck_assert_ptr_null(model_file_read(path, NULL, NULL, &err));
        ck_assert_int_eq(err.code, ERR_CORRUPT);
    }
    spill(bytes, n + 4);
    ck_assert_ptr_null(model_file_read(path, NULL, NULL, &err));
    free(bytes);
    model_unref(model);
}
END_TEST

/* The file with one part of its header replaced. */
static void replace(const unsigned char *bytes, size_t n, const char *from, const char *to)
{
    size_t length = 0;

    for (int i = 7; i >= 0; i--)
        length = length << 8 | bytes[i];
    char *header = strndup((const char *)bytes + 8, length), *found = strstr(header, from);
    ck_assert_msg(found != NULL, "the header has no %s", from);
    char *made = malloc(length + strlen(to) + n + 16);
    size_t before = (size_t)(found - header), m = 8;
    memcpy(made + m, header, before);
    m += before;
    memcpy(made + m, to, strlen(to));
    m += strlen(to);
    memcpy(made + m, found + strlen(from), length - before - strlen(from));
    m += length - before - strlen(from);
    for (int i = 0; i < 8; i++)
        made[i] = (char)((m - 8) >> 8 * i);
    memcpy(made + m, bytes + 8 + length, n - 8 - length);
    spill(made, m + n - 8 - length);
    free(made);
    free(header);
}

START_TEST(hostile_headers_are_refused)
{
    /* 2 inputs, 3 hidden, 1 output: 24 + 12 + 12 + 4 bytes */
    static const char *const cases[][2] = {
        {"\"data_offsets\":[24,36]", "\"data_offsets\":[20,32]"},
        {"\"data_offsets\":[24,36]", "\"data_offsets\":[36,48]"},
        {"\"data_offsets\":[24,36]", "\"data_offsets\":[24]"},
        {"\"data_offsets\":[24,36]", "\"data_offsets\":[-4,8]"},
        {"\"data_offsets\":[24,36]", "\"data_offsets\":[1e300,1e300]"},
        {"\"data_offsets\":[0,24]", "\"data_offsets\":[9007199254740992,9007199254741016]"},
        {"\"dtype\":\"F32\"", "\"dtype\":\"F64\""},
        {"\"shape\":[2,3]", "\"shape\":[3,2]"},
        {"\"shape\":[2,3]", "\"shape\":[6]"},
        {"\"shape\":[2,3]", "\"shape\":[2,3,1]"},
        {"\"layers.1.bias\"", "\"layers.1.bios\""},
        {"\"layers.0.weight\"",
         "\"extra\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},\"layers.0.weight\""},
        {"\"__metadata__\"", "\"__metadate__\""},
        {"\"format_version\":\"1\"", "\"format_version\":\"3\""},
        {"{\"__metadata__\"", "[{\"__metadata__\""},
        {"\"checksum\":\"", "\"checksum\":\"0"},
        {"\\\"units\\\":3", "\\\"units\\\":65536"},
    };
    struct model *model = model_of_text("a,b,y\n1,2,0.5\n2,300,1.5\n3,7,2.75\n", 3, 0);
    struct err err = {0};
    size_t n;

    ck_assert(model_file_write(path, model, "{}", &err));
    unsigned char *bytes = slurp(&n);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        replace(bytes, n, cases[i][0], cases[i][1]);
        struct model *back = model_file_read(path, NULL, NULL, &err);
        ck_assert_msg(back == NULL, "case %zu is read", i);
        ck_assert_int_eq(err.code, ERR_CORRUPT);
    }
    free(bytes);
    model_unref(model);
}
END_TEST

START_TEST(hostile_texts_are_refused)
{
    static const char *const recipes[] = {
        "",
        "[]",
        "{}",
        "{\"inputs\":1,\"target\":{},\"columns\":[]}",
        "{\"inputs\":1,\"target\":{\"name\":\"y\",\"task\":\"regression\",\"reason\":\"\",\"mean\":0,"
        "\"stddev\":0},"
        "\"columns\":[{\"name\":\"a\",\"encoding\":\"scale\",\"scale\":1,\"impute\":0}]}",
        "{\"inputs\":2,\"target\":{\"name\":\"y\",\"task\":\"regression\",\"reason\":\"\",\"mean\":0,"
        "\"stddev\":1},"
        "\"columns\":[{\"name\":\"a\",\"encoding\":\"scale\",\"scale\":1,\"impute\":0}]}",
        "{\"inputs\":1,\"target\":{\"name\":\"y\",\"task\":\"regression\",\"reason\":\"\",\"mean\":0,"
        "\"stddev\":1},"
        "\"columns\":[{\"name\":\"a\",\"encoding\":\"scale\",\"scale\":1e39,\"impute\":0}]}",
        "{\"inputs\":1,\"target\":{\"name\":\"y\",\"task\":\"regression\",\"reason\":\"\",\"mean\":0,"
        "\"stddev\":1},"
        "\"columns\":[{\"name\":\"a\",\"encoding\":\"standardise\",\"mean\":0,\"stddev\":0,\"impute\":0,"
        "\"indicator\":false}]}",
        "{\"inputs\":2,\"target\":{\"name\":\"y\",\"task\":\"regression\",\"reason\":\"\",\"mean\":0,"
        "\"stddev\":1},"
        "\"columns\":[{\"name\":\"a\",\"encoding\":\"one_hot\",\"levels\":[\"b\",\"a\"],\"other\":false}]}",
        "{\"inputs\":1,\"target\":{\"name\":\"y\",\"task\":\"classification\",\"reason\":\"\",\"classes\":["
        "\"a\",\"a\"]},"
        "\"columns\":[{\"name\":\"a\",\"encoding\":\"scale\",\"scale\":1,\"impute\":0}]}",
        "{\"inputs\":1,\"target\":7,\"columns\":[7]}",
    };
    static const char *const networks[] = {
        "{\"inputs\":0,\"layers\":[{\"units\":1,\"activation\":\"linear\"}],\"loss\":\"mse\"}",
        "{\"inputs\":1,\"layers\":[],\"loss\":\"mse\"}",
        "{\"inputs\":1,\"layers\":[{\"units\":0,\"activation\":\"linear\"}],\"loss\":\"mse\"}",
        "{\"inputs\":1,\"layers\":[{\"units\":65537,\"activation\":\"linear\"}],\"loss\":\"mse\"}",
        "{\"inputs\":1,\"layers\":[{\"units\":1.5,\"activation\":\"linear\"}],\"loss\":\"mse\"}",
        "{\"inputs\":1,\"layers\":[{\"units\":1,\"activation\":\"cubic\"}],\"loss\":\"mse\"}",
        "{\"inputs\":1,\"layers\":[{\"units\":1,\"activation\":\"linear\"}],\"loss\":\"auto\"}",
    };
    struct err err = {0};
    struct network_shape shape;

    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
        ck_assert_msg(json_to_recipe(recipes[i], &err) == NULL, "recipe %zu is read", i);
        ck_assert_int_eq(err.code, ERR_CORRUPT);
    }
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        ck_assert_msg(!json_to_network(networks[i], &shape, &err), "network %zu is read", i);
        ck_assert_int_eq(err.code, ERR_CORRUPT);
    }
    char *deep = calloc(1, 100001);
    memset(deep, '[', 100000);
    ck_assert_ptr_null(json_to_recipe(deep, &err));
    free(deep);
}
END_TEST

START_TEST(weights_that_are_not_finite_are_refused)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY};
    struct err err = {0};

    for (int i = 0; i < 3; i++) {
        struct model *model = model_of_text("a,b,y\n1,2,0.5\n2,300,1.5\n3,7,2.75\n", 3, 0);
        float weights[3], bias[1];
        network_get(model->network, 1, weights, bias);
        weights[i] = odd[i];
        network_set(model->network, 1, weights, bias);
        ck_assert(model_file_write(path, model, NULL, &err)); /* with its checksums */
        ck_assert_ptr_null(model_file_read(path, NULL, NULL, &err));
        ck_assert_int_eq(err.code, ERR_CORRUPT);
        ck_assert_ptr_nonnull(strstr(err.msg, "not finite"));
        model_unref(model);
    }
}
END_TEST

START_TEST(any_scale_survives_as_text)
{
    struct recipe *recipe = recipe_of_text("a,b,y\n1,2,0.5\n2,300,1.5\n3,7,2.75\n", NULL, TASK_AUTO);
    uint32_t state = 1;
    struct err err;

    for (int i = 0; i < 20000; i++) {
        float figures[3];
        for (int k = 0; k < 3; k++) {
            state = state * 1664525u + 1013904223u;
            figures[k] = ldexpf(1.0f + (float)(state >> 9) * 0x1p-23f, (int)(state % 180u) - 90);
        }
        recipe->columns[0].scale = figures[0];
        recipe->columns[0].offset = figures[1];
        recipe->columns[0].impute = -figures[2];
        recipe->target_stddev = figures[2];
        char *text = json_from_recipe(recipe, &err);
        struct recipe *back = json_to_recipe(text, &err);
        ck_assert_msg(back != NULL, "%s in %s", err.msg, text);
        ck_assert(back->columns[0].scale == figures[0] && back->columns[0].offset == figures[1]);
        ck_assert(back->columns[0].impute == -figures[2] && back->target_stddev == figures[2]);
        recipe_free(back);
        free(text);
    }
    recipe_free(recipe);
}
END_TEST

START_TEST(a_failed_write_leaves_nothing)
{
    struct model *model = model_of_text(mixed, 3, 0);
    char elsewhere[200];
    struct err err = {0};

    snprintf(elsewhere, sizeof elsewhere, "%s/none/m.model", folder);
    ck_assert(!model_file_write(elsewhere, model, NULL, &err));
    ck_assert_int_eq(err.code, ERR_IO);
    snprintf(elsewhere, sizeof elsewhere, "%s/.", folder); /* a rename onto a folder fails */
    ck_assert(!model_file_write(elsewhere, model, NULL, &err));
    ck_assert_uint_eq(folder_files(), 0);
    ck_assert_ptr_null(model_file_read(path, NULL, NULL, &err));
    ck_assert_int_eq(err.code, ERR_NOT_FOUND);
    model_unref(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("model_file");
    TCase *tests = tcase_create("model_file");

    tcase_add_checked_fixture(tests, folder_make, folder_remove);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, what_was_written_is_read);
    tcase_add_test(tests, any_safetensors_reader_finds_the_tensors);
    tcase_add_test(tests, a_flipped_bit_is_seen);
    tcase_add_test(tests, a_file_cut_short_or_lengthened_is_refused);
    tcase_add_test(tests, hostile_headers_are_refused);
    tcase_add_test(tests, hostile_texts_are_refused);
    tcase_add_test(tests, weights_that_are_not_finite_are_refused);
    tcase_add_test(tests, any_scale_survives_as_text);
    tcase_add_test(tests, a_failed_write_leaves_nothing);
    suite_add_tcase(suite, tests);
    return suite;
}
