/* Jobs end to end on small tables: states, results, what pause, cancel and
 * delete leave. */
#include "helper_main.h"
#include "helper_state.h"
#include "jobs/checkpoints.h"
#include "jobs/training.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENDLESS 50000000u /* epochs that no test waits for */

static struct state state;
static struct err err;
static struct job_request request;

static void setup(void)
{
    memset(&err, 0, sizeof err);
    state_with_tables(&state);
    state_jobs(&state, 0);
}

static void teardown(void)
{
    state_remove(&state);
}

START_TEST(a_classification_succeeds_and_can_be_read)
{
    struct epoch_metrics *epochs;
    struct model_row row;
    size_t n_epochs;
    uint64_t n_guesses, n_matching;
    const struct evaluation_page page = {.offset = 10, .limit = 5, .label = -1, .guess = -1};
    request_make(&request, "c", 20, 16, 3);
    request.test_split = 0.25;
    int64_t id = submit(&state, &request);
    struct job_info info = job_end(&state, id);
    ck_assert_int_eq(info.row.state, JOB_SUCCEEDED);
    ck_assert_int_eq(info.row.error.code, ERR_OK);
    ck_assert_int_eq(info.row.task, TASK_CLASSIFICATION);
    ck_assert_uint_eq(info.row.epoch, 20);
    ck_assert_uint_eq(info.row.version, 1);
    ck_assert_str_eq(info.row.model, "c");
    ck_assert_uint_eq(info.row.n_test, 60);
    ck_assert_uint_eq(info.row.n_validation, 18);
    ck_assert_uint_eq(info.row.n_train, 162);
    ck_assert(info.fraction == 1 && info.row.started[0] && info.row.ended[0]);
    ck_assert(jobs_history(state.jobs, id, 0, 0, &epochs, &n_epochs, &err));
    ck_assert_uint_eq(n_epochs, 20);
    ck_assert(epochs[19].train[METRIC_LOSS] < epochs[0].train[METRIC_LOSS] &&
              isfinite(epochs[19].validation[METRIC_LOSS]) && epochs[19].seconds > 0);
    free(epochs);
    struct model *model = models_get(state.models, "c", 0, &row, &err);
    ck_assert_msg(model != NULL, "%s", err.msg);
    ck_assert_int_eq(row.state, MODEL_FINISHED);
    ck_assert_int_eq(row.job, id);
    ck_assert_int_eq(row.evaluated_on, ROWS_TEST);
    ck_assert_uint_eq(row.n_rows, 60);
    ck_assert_double_ge(row.accuracy, 0.95);
    ck_assert_uint_eq(row.n_params, network_n_params(model->network));
    model_unref(model);
    struct evaluation *evaluation =
        models_evaluation(state.models, "c", 1, &page, &n_guesses, &n_matching, &row, &err);
    ck_assert_msg(evaluation != NULL, "%s", err.msg);
    ck_assert_uint_eq(n_guesses, 5);
    ck_assert_uint_eq(n_matching, 60);
    ck_assert_str_eq(row.dataset, "c");
    ck_assert_uint_eq(evaluation->n_importance, 2);
    ck_assert_double_gt(evaluation->importance[0].drop, 0.1);
    ck_assert_uint_eq(evaluation->confusion[0] + evaluation->confusion[1] + evaluation->confusion[2] +
                          evaluation->confusion[3],
                      60);
    evaluation_free(evaluation);
}
END_TEST

START_TEST(a_regression_succeeds_and_is_there_after_a_restart)
{
    struct model_row row;
    request_make(&request, "n", 60, 16, 3);
    strcpy(request.model, "line");
    struct job_info info = job_end(&state, submit(&state, &request));
    ck_assert_int_eq(info.row.state, JOB_SUCCEEDED);
    ck_assert_int_eq(info.row.task, TASK_REGRESSION);
    state_close(&state);
    state_open(&state);
    struct model *model = models_get(state.models, "line", 0, &row, &err);
    ck_assert_msg(model != NULL, "%s", err.msg);
    ck_assert_int_eq(row.evaluated_on, ROWS_VALIDATION);
    ck_assert_double_gt(row.r2, 0.9);
    ck_assert(isnan(row.accuracy));
    model_unref(model);
}
END_TEST

START_TEST(another_dataset_tests_and_validates)
{
    char *classes = csv_classes();
    state_upload(&state, "other", classes, false);
    free(classes);
    request_make(&request, "c", 3, 16, 3);
    strcpy(request.test, "other");
    strcpy(request.validation, "other");
    struct job_info info = job_end(&state, submit(&state, &request));
    ck_assert_int_eq(info.row.state, JOB_SUCCEEDED);
    ck_assert_uint_eq(info.row.n_train, 240);
    ck_assert_uint_eq(info.row.n_validation, 240);
    ck_assert_uint_eq(info.row.n_test, 240);
}
END_TEST

static void refused(enum err_code code, const char *field, const char *word)
{
    struct job_info info;
    err = (struct err){0};
    ck_assert(!jobs_submit(state.jobs, &request, &info, &err));
    job_request_done(&request);
    ck_assert_msg(err.code == code && !strcmp(err.field, field) && strstr(err.msg, word),
                  "code %d, field %s: %s", (int)err.code, err.field, err.msg);
}

START_TEST(rows_that_came_with_a_job_are_its_own_or_it_is_refused)
{
    struct dataset_row first, second;
    char *classes = csv_classes();
    state_upload(&state, "own", classes, false);
    ck_assert(store_dataset_find(state.store, "own", &first, &err));
    state_upload(&state, "own", classes, true);
    ck_assert(store_dataset_find(state.store, "own", &second, &err));
    free(classes);
    request_make(&request, "own", 3, 16, 3);
    request.dataset_id = first.id;
    refused(ERR_CONFLICT, "dataset", "replaced");
    request_make(&request, "own", 3, 16, 3);
    request.dataset_id = second.id;
    ck_assert_int_eq(job_end(&state, submit(&state, &request)).row.dataset_id, second.id);
}
END_TEST

START_TEST(a_request_that_does_not_fit_the_data_is_refused)
{
    struct job_info *list;
    size_t n_list;
    request_make(&request, "nothing", 1, 1, 1);
    refused(ERR_NOT_FOUND, "dataset", "nothing");
    request_make(&request, "c", 1, 1, 1);
    strcpy(request.test, "nothing");
    refused(ERR_NOT_FOUND, "test", "nothing");
    request_make(&request, "c", 1, 1, 1);
    strcpy(request.test, "n"); /* has no label */
    refused(ERR_INPUT, "test", "label");
    request_make(&request, "c", 1, 1, 1);
    strcpy(request.test, "n");
    request.test_split = 0.5;
    refused(ERR_INPUT, "test", "leave one out");
    request_make(&request, "c", 1, 1, 1);
    request.target = strdup("colour");
    refused(ERR_INPUT, "target", "colour");
    request_make(&request, "c", 1, 1, 1);
    request.test_split = 0.9;
    request.validation_split = 0.99;
    refused(ERR_INPUT, "validation_split", "nothing is left");
    request_make(&request, "c", 1, 1, 1);
    request.layers_given = true;
    request.train.n_layers = 1;
    request.train.layers[0] = (struct layer){.units = 3, .activation = ACTIVATION_SOFTMAX};
    refused(ERR_INPUT, "layers", "2 classes");
    ck_assert(jobs_list(state.jobs, 0, 0, &list, &n_list, &err));
    ck_assert_uint_eq(n_list, 0);
    free(list);
}
END_TEST

START_TEST(a_cancelled_job_keeps_its_model_so_far)
{
    struct job_info info;
    struct model_row row;
    int64_t id = submit_simple(&state, "c", ENDLESS);
    ck_assert(job_wait(&state, id, "event: epoch"));
    ck_assert(jobs_get(state.jobs, id, &info, &err));
    ck_assert_int_eq(info.row.state, JOB_RUNNING);
    ck_assert(info.fraction > 0 && info.eta_seconds > 0 && info.samples_per_second > 0);
    ck_assert_msg(jobs_cancel(state.jobs, id, &info, &err), "%s", err.msg);
    ck_assert_int_eq(info.row.state, JOB_CANCELLED);
    ck_assert_uint_eq(info.row.version, 1);
    ck_assert_uint_ge(info.row.epoch, 1);
    struct model *model = models_get(state.models, "c", 0, &row, &err);
    ck_assert_ptr_nonnull(model);
    ck_assert_int_eq(row.state, MODEL_PARTIAL);
    ck_assert_uint_eq(row.epochs, info.row.epoch);
    model_unref(model);
    ck_assert(jobs_cancel(state.jobs, id, &info, &err)); /* once more is no error */
    ck_assert(!jobs_pause(state.jobs, id, &info, &err));
    ck_assert_int_eq(err.code, ERR_CONFLICT);
    ck_assert(!jobs_cancel(state.jobs, id + 1, &info, &err));
    ck_assert_int_eq(err.code, ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_cancel_does_not_wait_for_long)
{
    struct job_info info;
    struct job_row stored;
    state_close(&state);
    state.cancel_ns = 1;
    state_open(&state);
    state_jobs(&state, 0);
    int64_t id = submit_simple(&state, "c", ENDLESS);
    ck_assert(job_wait(&state, id, "event: epoch"));
    ck_assert_msg(jobs_cancel(state.jobs, id, &info, &err), "%s", err.msg);
    ck_assert(store_job_get(state.store, id, &stored, &err));
    ck_assert(stored.state == JOB_CANCELLING || stored.state == JOB_CANCELLED);
    ck_assert(info.row.state == JOB_CANCELLING || info.row.state == JOB_CANCELLED);
    ck_assert(jobs_cancel(state.jobs, id, &info, &err)); /* once more is no error */
    info = job_end(&state, id);
    ck_assert_int_eq(info.row.state, JOB_CANCELLED); /* whatever was stored in between */
    ck_assert_uint_eq(info.row.version, 1);
    ck_assert(!jobs_resume(state.jobs, id, NULL, &err));
}
END_TEST

START_TEST(a_pause_changes_nothing_but_time)
{
    struct job_info info;
    struct job_row stored;
    job_end(&state, submit_simple(&state, "c", 150));
    int64_t id = submit_simple(&state, "c", 150);
    ck_assert_msg(jobs_pause(state.jobs, id, &info, &err), "%s", err.msg);
    ck_assert_int_eq(info.row.state, JOB_PAUSED);
    ck_assert(store_job_get(state.store, id, &stored, &err));
    ck_assert_int_eq(stored.state, JOB_PAUSED);
    ck_assert(jobs_pause(state.jobs, id, NULL, &err));
    /* Another one runs meanwhile: the pool is free. */
    ck_assert_int_eq(job_end(&state, submit_simple(&state, "n", 2)).row.state, JOB_SUCCEEDED);
    ck_assert(jobs_get(state.jobs, id, &info, &err));
    ck_assert_int_eq(info.row.state, JOB_PAUSED);
    ck_assert(jobs_resume(state.jobs, id, &info, &err));
    ck_assert_int_ne(info.row.state, JOB_PAUSED);
    info = job_end(&state, id);
    ck_assert_int_eq(info.row.state, JOB_SUCCEEDED);
    ck_assert_uint_eq(info.row.epoch, 150);
    models_equal(&state, "c", 1, 2);
}
END_TEST

START_TEST(a_short_job_does_not_wait_for_a_long_one)
{
    struct job_info info;
    int64_t longer = submit_simple(&state, "c", ENDLESS);
    ck_assert(job_wait(&state, longer, "event: epoch"));
    ck_assert_int_eq(job_end(&state, submit_simple(&state, "n", 3)).row.state, JOB_SUCCEEDED);
    ck_assert(jobs_get(state.jobs, longer, &info, &err));
    ck_assert_int_eq(info.row.state, JOB_RUNNING);
    ck_assert(jobs_delete(state.jobs, longer, &err));
}
END_TEST

START_TEST(a_deleted_job_is_gone_and_leaves_no_model)
{
    struct job_info info, *list;
    struct follower follower;
    size_t n_list;
    int64_t id = submit_simple(&state, "c", ENDLESS);
    follower_begin(&follower, state.events, id, NULL);
    ck_assert(follower_wait(&follower, "event: epoch"));
    ck_assert_msg(jobs_delete(state.jobs, id, &err), "%s", err.msg);
    ck_assert(!follower_wait(&follower, "event: done")); /* ends */
    follower_end(&follower);
    ck_assert(!jobs_get(state.jobs, id, &info, &err));
    ck_assert_int_eq(err.code, ERR_NOT_FOUND);
    ck_assert(!jobs_delete(state.jobs, id, &err));
    ck_assert_int_eq(err.code, ERR_NOT_FOUND);
    ck_assert(!models_find(state.models, "c", 0, &(struct model_row){0}, &err));
    int64_t ended = submit_simple(&state, "n", 1);
    job_end(&state, ended);
    ck_assert(jobs_delete(state.jobs, ended, &err));
    ck_assert(models_find(state.models, "n", 0, &(struct model_row){0}, &err)); /* a published one stays */
    ck_assert(jobs_list(state.jobs, 0, 0, &list, &n_list, &err));
    ck_assert_uint_eq(n_list, 0);
    free(list);
}
END_TEST

START_TEST(a_dataset_may_be_deleted_under_its_job)
{
    struct dataset_row dataset;
    char path[64];
    ck_assert(store_dataset_find(state.store, "c", &dataset, &err));
    snprintf(path, sizeof path, "datasets/%lld.table", (long long)dataset.id);
    int64_t id = submit_simple(&state, "c", ENDLESS);
    ck_assert(job_wait(&state, id, "event: epoch"));
    ck_assert(datasets_delete(state.datasets, "c", 0, &err));
    ck_assert(state_has(&state, path)); /* the job may have to start again */
    ck_assert_int_eq(job_end(&state, submit_simple(&state, "n", 1)).row.state, JOB_SUCCEEDED);
    ck_assert(jobs_delete(state.jobs, id, &err));
    ck_assert(!state_has(&state, path));
}
END_TEST

START_TEST(a_diverged_job_fails_and_says_why)
{
    struct job_info info;
    struct model_row row;
    request_make(&request, "n", 500, 8, 1);
    request.train.optimizer = OPTIMIZER_SGD;
    request.train.learning_rate = 1e4f;
    int64_t id = submit(&state, &request);
    info = job_end(&state, id);
    ck_assert_int_eq(info.row.state, JOB_FAILED);
    ck_assert_int_eq(info.row.error.code, ERR_NUMERIC);
    ck_assert_ptr_nonnull(strstr(info.row.error.msg, "epoch"));
    ck_assert_int_eq(models_find(state.models, "n", 0, &row, &err), info.row.epoch > 0);
    state_close(&state);
    state_open(&state);
    state_jobs(&state, 0);
    ck_assert(jobs_get(state.jobs, id, &info, &err));
    ck_assert_int_eq(info.row.state, JOB_FAILED);
    ck_assert_int_eq(info.row.error.code, ERR_NUMERIC);
}
END_TEST

START_TEST(a_full_queue_is_an_error)
{
    struct job_info info;
    jobs_close(state.jobs);
    state_jobs(&state, 2);
    int64_t first = submit_simple(&state, "c", ENDLESS);
    ck_assert(jobs_pause(state.jobs, first, NULL, &err));
    int64_t second = submit_simple(&state, "c", ENDLESS);
    ck_assert(jobs_pause(state.jobs, second, NULL, &err));
    request_make(&request, "c", 1, 1, 1);
    refused(ERR_FULL, "", "waiting already");
    ck_assert(jobs_cancel(state.jobs, first, &info, &err));
    ck_assert_int_eq(info.row.state, JOB_CANCELLED);
    ck_assert_int_eq(job_end(&state, submit_simple(&state, "n", 1)).row.state, JOB_SUCCEEDED);
}
END_TEST

START_TEST(stream_and_history_agree)
{
    char json[EPOCH_JSON_SIZE];
    struct follower follower;
    struct epoch_metrics *epochs;
    size_t n_epochs;
    int64_t id = submit_simple(&state, "c", 200);
    follower_begin(&follower, state.events, id, NULL);
    ck_assert(follower_wait(&follower, "event: done"));
    ck_assert(jobs_history(state.jobs, id, 0, 0, &epochs, &n_epochs, &err));
    ck_assert_uint_eq(n_epochs, 200);
    const char *at = follower.text;
    for (size_t i = 0; i < n_epochs; i++) {
        epoch_json(json, &epochs[i]);
        at = strstr(at, json);
        ck_assert_ptr_nonnull(at);
    }
    free(epochs);
    follower_end(&follower);
}
END_TEST

START_TEST(a_model_file_goes_out_and_in)
{
    struct model_row out, in;
    char path[PATH_SIZE], *bytes;
    job_end(&state, submit_simple(&state, "c", 5));
    int from = models_file(state.models, "c", 0, &out, &err);
    ck_assert_int_ge(from, 0);
    bytes = malloc(out.bytes);
    ck_assert_int_eq(read(from, bytes, out.bytes), (ssize_t)out.bytes);
    close(from);
    int to = store_temp(state.store, path, &err);
    ck_assert_int_eq(write(to, bytes, out.bytes), (ssize_t)out.bytes);
    close(to);
    ck_assert_msg(models_import(state.models, "c", path, &in, &err), "%s", err.msg);
    ck_assert_uint_eq(in.version, 2);
    ck_assert_uint_eq(in.bytes, out.bytes);
    ck_assert_int_eq(in.evaluated_on, ROWS_NONE);
    ck_assert_int_ne(access(path, F_OK), 0);
    models_equal(&state, "c", 1, 2);
    ck_assert_ptr_null(models_evaluation(state.models, "c", 2, &(struct evaluation_page){.limit = 1},
                                         &(uint64_t){0}, &(uint64_t){0}, NULL, &err));
    ck_assert_int_eq(err.code, ERR_NOT_FOUND);
    to = store_temp(state.store, path, &err);
    ck_assert_int_eq(write(to, bytes, out.bytes / 2), (ssize_t)(out.bytes / 2));
    close(to);
    ck_assert(!models_import(state.models, "c", path, &in, &err));
    ck_assert_int_eq(err.code, ERR_INPUT);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert(models_delete(state.models, "c", 1, &err));
    ck_assert(!models_find(state.models, "c", 1, &in, &err));
    ck_assert(models_delete(state.models, "c", 0, &err));
    ck_assert(!models_delete(state.models, "c", 0, &err));
    ck_assert_int_eq(err.code, ERR_NOT_FOUND);
    free(bytes);
}
END_TEST

/* What is left open, for so many training rows, none of them held out. */
static bool defaults(struct recipe *recipe, uint64_t n_train, struct train_options *options)
{
    struct training training = {
        .recipe = recipe, .train.n_rows = n_train, .is_ensemble = choice_is_ensemble(&request, n_train, 5)};
    return jobs_defaults(&request, &training, options, &err);
}

START_TEST(open_choices_are_filled_in)
{
    char *classes[] = {"a", "b", "c"}, target[] = "t";
    struct recipe recipe = {
        .task = TASK_CLASSIFICATION, .n_classes = 3, .classes = classes, .target = target};
    struct train_options options;
    job_request_init(&request);
    request.train.members = 1;
    ck_assert(defaults(&recipe, 100, &options));
    ck_assert(options.n_layers == 3 && options.layers[2].units == 3 &&
              options.layers[2].activation == ACTIVATION_SOFTMAX);
    ck_assert(options.batch_size == 32 && options.epochs == 100);
    ck_assert(defaults(&recipe, 60000, &options));
    ck_assert(options.batch_size == 128 && options.epochs == 10);
    request.layers_given = true; /* an empty list: no hidden layer */
    recipe.task = TASK_REGRESSION;
    ck_assert(defaults(&recipe, 100, &options));
    ck_assert(options.n_layers == 1 && options.layers[0].units == 1 &&
              options.layers[0].activation == ACTIVATION_LINEAR);
    request.train.n_layers = 2;
    request.train.layers[0] = (struct layer){.units = 7, .activation = ACTIVATION_RELU};
    request.train.layers[1] = (struct layer){.units = 1, .activation = ACTIVATION_LINEAR};
    ck_assert(defaults(&recipe, 100, &options));
    ck_assert_uint_eq(options.n_layers, 2); /* the output layer was listed */
    request.train.layers[1].activation = ACTIVATION_RELU;
    ck_assert(defaults(&recipe, 100, &options));
    ck_assert_uint_eq(options.n_layers, 3);
    request.train.n_layers = NETWORK_LAYERS_MAX;
    request.train.layers[NETWORK_LAYERS_MAX - 1] = request.train.layers[0];
    ck_assert(!defaults(&recipe, 100, &options));
    ck_assert_int_eq(err.code, ERR_LIMIT);
}
END_TEST

START_TEST(where_all_is_left_open_small_tables_get_an_ensemble_and_large_ones_one_network)
{
    char *classes[] = {"a", "b", "c"}, target[] = "t";
    struct recipe recipe = {
        .task = TASK_CLASSIFICATION, .n_inputs = 4, .n_classes = 3, .classes = classes, .target = target};
    struct train_options options;
    job_request_init(&request);
    ck_assert(defaults(&recipe, 100, &options));
    ck_assert(options.members > 1 && options.early_stopping.on && options.early_stopping.restore_best);
    ck_assert(options.n_layers == 3 && options.layers[2].units == 3);
    ck_assert(defaults(&recipe, 10, &options));
    ck_assert_uint_eq(options.members, 1);
    ck_assert(defaults(&recipe, 50000000, &options));
    ck_assert_uint_eq(options.members, 1);
    request.validation_split = 0.2; /* the user's own rows to judge by */
    ck_assert(defaults(&recipe, 100, &options));
    ck_assert_uint_eq(options.members, 1);
    request.validation_split = -1;
    request.train.epochs = 7; /* exactly so many, then, as the user says */
    ck_assert(defaults(&recipe, 100, &options));
    ck_assert(options.members <= 1 && options.epochs == 7 && !options.early_stopping.on &&
              options.layers[0].units == 128);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("jobs");
    TCase *tests = tcase_create("life");
    tcase_set_timeout(tests, 20);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_classification_succeeds_and_can_be_read);
    tcase_add_test(tests, a_regression_succeeds_and_is_there_after_a_restart);
    tcase_add_test(tests, another_dataset_tests_and_validates);
    tcase_add_test(tests, rows_that_came_with_a_job_are_its_own_or_it_is_refused);
    tcase_add_test(tests, a_request_that_does_not_fit_the_data_is_refused);
    tcase_add_test(tests, a_cancelled_job_keeps_its_model_so_far);
    tcase_add_test(tests, a_cancel_does_not_wait_for_long);
    tcase_add_test(tests, a_pause_changes_nothing_but_time);
    tcase_add_test(tests, a_short_job_does_not_wait_for_a_long_one);
    tcase_add_test(tests, a_deleted_job_is_gone_and_leaves_no_model);
    tcase_add_test(tests, a_dataset_may_be_deleted_under_its_job);
    tcase_add_test(tests, a_diverged_job_fails_and_says_why);
    tcase_add_test(tests, a_full_queue_is_an_error);
    tcase_add_test(tests, stream_and_history_agree);
    tcase_add_test(tests, a_model_file_goes_out_and_in);
    tcase_add_test(tests, open_choices_are_filled_in);
    tcase_add_test(tests, where_all_is_left_open_small_tables_get_an_ensemble_and_large_ones_one_network);
    suite_add_tcase(suite, tests);
    return suite;
}
