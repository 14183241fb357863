/* Replies to prediction requests are JSON, whatever the names and numbers in
 * them, and the same text however many threads made it. */
#include "helper_main.h"
#include "helper_recipe.h"
#include "predict/instances.h"
#include "predict/rows.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static cJSON *reply_parse(const struct recipe *recipe, const float *outputs, uint32_t n_rows,
                          const struct instances *instances)
{
    struct writer writer;
    struct err err;
    size_t n;

    writer_init(&writer);
    struct predictions predictions;
    ck_assert(predictions_init(&predictions, recipe, NULL, &err));
    predictions_begin(&writer, "digits \"1\"", 3);
    predictions_rows(&writer, &predictions, outputs, n_rows);
    predictions_end(&writer, instances, &(struct predictions_notes){.picture = NULL});
    predictions_done(&predictions);
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

#define MANY 1000

/* The rows' array; NULL with *err. free() frees it. */
static char *rows_text(const struct model *model, const struct instances *instances,
                       struct executor *executor, uint32_t n_threads, struct err *err)
{
    struct writer writer;
    size_t n;

    writer_init(&writer);
    writer_open(&writer, '[');
    if (!predict_rows(model, instances, executor, n_threads, &writer, err)) {
        writer_done(&writer);
        return NULL;
    }
    writer_close(&writer, ']');
    writer_bytes(&writer, "", 1);
    return writer_take(&writer, &n, err);
}

/* Encoded before, as from JSON, and raw; a thousand rows and a part's odd
 * numbers of them. */
START_TEST(threads_change_no_text)
{
    struct err err = {0};
    const char *csvs[] = {"a,b,y\n1,2,red\n2,300,blue\n3,7,red\n4,8,green\n",
                          "a,b,y\n1,2,0.5\n2,300,1.5\n3,7,2.75\n"};
    struct model *model = model_of_text(csvs[_i], 20, 0);
    struct executor *executor = executor_new((uint32_t[N_QUEUES]){3, 1, 1}, &err);
    float raw[2 * MANY];

    ck_assert_ptr_nonnull(executor);
    for (int i = 0; i < 2 * MANY; i++)
        raw[i] = i % 17 ? (float)(i * 37 % 101) / 8 : NAN;
    for (uint32_t n = 1; n <= MANY; n = n < 63 ? 63 : n < MANY / 2 ? n + 65 : n * 2) {
        struct instances instances = {0}, encoded = {.n_rows = n};
        ck_assert(instances_from_floats(model->recipe, raw, n * 2 * sizeof *raw, &instances, &err));
        encoded.x = malloc(instances_scratch(&instances, model->recipe, n) * sizeof *encoded.x);
        ck_assert_ptr_nonnull(encoded.x);
        for (uint32_t i = 0; i < n; i += INSTANCES_BLOCK) {
            float *x = encoded.x + (size_t)i * model->recipe->n_inputs;
            ck_assert_ptr_eq(instances_inputs(&instances, model->recipe, i,
                                              n - i < INSTANCES_BLOCK ? n - i : INSTANCES_BLOCK, x, &err),
                             x);
        }
        char *alone = rows_text(model, &instances, NULL, 1, &err);
        ck_assert_ptr_nonnull(alone);
        cJSON *root = cJSON_Parse(alone);
        ck_assert_int_eq(cJSON_GetArraySize(root), n);
        cJSON_Delete(root);
        for (uint32_t threads = 2; threads <= 4; threads++) {
            char *shared[] = {rows_text(model, &instances, executor, threads, &err),
                              rows_text(model, &encoded, executor, threads, &err)};
            ck_assert_str_eq(shared[0], alone);
            ck_assert_str_eq(shared[1], alone);
            free(shared[0]);
            free(shared[1]);
        }
        free(alone);
        instances_done(&instances);
        instances_done(&encoded);
    }
    executor_free(executor);
    model_unref(model);
}
END_TEST

START_TEST(the_first_bad_row_is_told)
{
    struct err err = {0};
    struct model *model = model_of_text("a,b,y\n1,2,0.5\n2,300,1.5\n3,7,2.75\n", 20, 0);
    struct executor *executor = executor_new((uint32_t[N_QUEUES]){3, 1, 1}, &err);
    struct instances instances = {0};
    float raw[2 * MANY] = {0};

    raw[2 * 211 + 1] = raw[2 * 212] = raw[2 * 640] = raw[2 * 999] = INFINITY;
    ck_assert(instances_from_floats(model->recipe, raw, sizeof raw, &instances, &err));
    for (int i = 0; i < 50; i++) {
        ck_assert_ptr_null(rows_text(model, &instances, executor, 4, &err));
        ck_assert_uint_eq(err.row, 212);
        ck_assert_str_eq(err.column, "b");
    }
    instances_done(&instances);
    executor_free(executor);
    model_unref(model);
}
END_TEST

/* A executor's one thread that is at something else. */
struct busy {
    struct work_item item;
    pthread_barrier_t begun, ended;
};

static void busy_run(struct work_item *item)
{
    struct busy *busy = (struct busy *)item;
    pthread_barrier_wait(&busy->begun);
    pthread_barrier_wait(&busy->ended);
}

static void part_count(void *self, uint32_t part)
{
    _Atomic uint32_t *counts = self;
    counts[part]++;
}

START_TEST(work_is_shared_with_who_is_free)
{
    struct err err = {0};
    struct executor *executor = executor_new((uint32_t[N_QUEUES]){1, 3, 1}, &err);
    _Atomic uint32_t counts[MANY] = {0};
    struct busy busy = {.item.run = busy_run};

    pthread_barrier_init(&busy.begun, NULL, 2);
    pthread_barrier_init(&busy.ended, NULL, 2);
    executor_submit(executor, QUEUE_INTERACTIVE, &busy.item);
    pthread_barrier_wait(&busy.begun);
    executor_parallel_for(executor, QUEUE_INTERACTIVE, 4, MANY, part_count, counts);
    ck_assert_uint_eq(executor_waiting(executor, QUEUE_INTERACTIVE), 0);
    for (int i = 0; i < MANY; i++)
        ck_assert_uint_eq(counts[i], 1);
    pthread_barrier_wait(&busy.ended);
    for (int round = 0; round < 100; round++)
        executor_parallel_for(executor, QUEUE_BULK, 1000, MANY, part_count, counts);
    for (int i = 0; i < MANY; i++)
        ck_assert_uint_eq(counts[i], 101);
    executor_free(executor);
    pthread_barrier_destroy(&busy.begun);
    pthread_barrier_destroy(&busy.ended);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("predictions");
    TCase *tests = tcase_create("predictions");
    tcase_add_test(tests, replies_are_json);
    tcase_add_loop_test(tests, threads_change_no_text, 0, 2);
    tcase_add_test(tests, the_first_bad_row_is_told);
    tcase_add_test(tests, work_is_shared_with_who_is_free);
    suite_add_tcase(suite, tests);
    return suite;
}
