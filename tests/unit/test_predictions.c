/* Replies to prediction requests are JSON, whatever the names and numbers in them. */
#include "helper_recipe.h"
#include "instances.h"
#include "predictions.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>

static cJSON *reply_parse(const struct recipe *recipe, const float *outputs, uint32_t n_rows, const struct instances *instances)
{
    struct writer writer;
    struct err err;
    size_t n;

    writer_init(&writer);
    predictions_write(&writer, recipe, "digits \"1\"", 3, outputs, n_rows, instances);
    char *text = writer_take(&writer, &n, &err);
    ck_assert_ptr_nonnull(text);
    cJSON *root = cJSON_ParseWithLength(text, n);
    ck_assert_msg(root != NULL, "no JSON: %.*s", (int)n, text);
    free(text);
    return root;
}

static const cJSON *at(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    ck_assert_msg(item != NULL, "no %s", name);
    return item;
}

START_TEST(replies_are_json)
{
    struct recipe *odd = recipe_of_text("x,y\n1,a\"b\n2,c\\d\n3,e\n", "y", TASK_AUTO);
    float outputs[] = {0.25f, 0.5f, 0.25f, NAN, NAN, NAN, NAN, 0, 1};
    char *unknown = (char *)"w\"hat\xe9";
    struct instances instances = {.unknown = {unknown}, .n_unknown = 1, .more_unknown = true};
    cJSON *root = reply_parse(odd, outputs, 3, &instances);
    const cJSON *rows = at(root, "predictions"), *row = cJSON_GetArrayItem(rows, 0);

    ck_assert_str_eq(at(root, "model")->valuestring, "digits \"1\"");
    ck_assert_int_eq(at(root, "version")->valueint, 3);
    ck_assert_int_eq(cJSON_GetArraySize(rows), 3);
    ck_assert_str_eq(at(row, "label")->valuestring, odd->classes[1]);
    ck_assert(at(row, "probability")->valuedouble == 0.5);
    ck_assert_int_eq(cJSON_GetArraySize(at(row, "probabilities")), 3);
    ck_assert(at(at(row, "probabilities"), odd->classes[0])->valuedouble == 0.25);
    ck_assert(cJSON_IsNull(at(cJSON_GetArrayItem(rows, 1), "probability")));
    ck_assert_str_eq(at(cJSON_GetArrayItem(rows, 2), "label")->valuestring, odd->classes[2]);
    ck_assert_int_eq(cJSON_GetArraySize(at(root, "warnings")), 2);
    cJSON_Delete(root);
    recipe_free(odd);
    struct recipe *numbers = recipe_of_text("a,b,y\n0,1.5,0.5\n1,2.5,1.5\n5,,2.75\n9,4,3\n", NULL, TASK_AUTO);
    instances.n_unknown = 0;
    root = reply_parse(numbers, (float[]){1.25f, -3e-9f}, 2, &instances);
    ck_assert(at(cJSON_GetArrayItem(at(root, "predictions"), 0), "value")->valuedouble == 1.25);
    ck_assert((float)at(cJSON_GetArrayItem(at(root, "predictions"), 1), "value")->valuedouble == -3e-9f);
    ck_assert_ptr_null(cJSON_GetObjectItemCaseSensitive(root, "warnings"));
    cJSON_Delete(root);
    recipe_free(numbers);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("predictions");
    TCase *tests = tcase_create("predictions");
    tcase_add_test(tests, replies_are_json);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
