/* Who trains when: shares by weight and priority, and limits on memory and
 * time. */
#include "helper_main.h"
#include "helper_state.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENDLESS 50000000u /* epochs that no test waits for */

static struct state state;
static struct err err;
static struct job_request request;

static void setup(void)
{
    memset(&err, 0, sizeof err);
    memset(&state, 0, sizeof state);
    state_new(&state);
    char *classes = csv_classes();
    state_upload(&state, "c", classes, false);
    free(classes);
}

static void teardown(void)
{
    state_remove(&state);
}

static int64_t submit_as(uint32_t epochs, int32_t priority, uint32_t weight)
{
    request_make(&request, "c", epochs, 1, 1);
    request.priority = priority;
    request.weight = weight;
    return submit(&state, &request);
}

static struct job_info look(int64_t id)
{
    struct job_info info;
    ck_assert_msg(jobs_get(state.jobs, id, &info, &err), "%s", err.msg);
    return info;
}

START_TEST(weight_and_priority_are_shares_of_the_time)
{
#ifdef __SANITIZE_THREAD__
    enum { EPOCHS = 60 }; /* each takes twenty times as long */
#elif defined(__SANITIZE_ADDRESS__)
    enum { EPOCHS = 300 };
#else
    enum { EPOCHS = 1000 };
#endif
    static const struct {
        int32_t priority;
        uint32_t weight;
    } heavier[] = {{0, 16}, {4, 1}};
    state_jobs(&state, 0);
    for (size_t i = 0; i < sizeof heavier / sizeof *heavier; i++) {
        int64_t light = submit_as(ENDLESS, 0, 1);
        ck_assert(job_wait(&state, light, "event: epoch"));
        uint32_t before = look(light).row.epoch;
        struct job_info heavy = job_end(&state, submit_as(EPOCHS, heavier[i].priority, heavier[i].weight));
        ck_assert_int_eq(heavy.row.state, JOB_SUCCEEDED);
        ck_assert_int_eq(look(light).row.state, JOB_RUNNING);
        ck_assert_uint_lt(look(light).row.epoch - before, EPOCHS / 2); /* a sixteenth, were slices exact */
        ck_assert(jobs_delete(state.jobs, light, &err));
    }
}
END_TEST

#ifndef __SANITIZE_THREAD__
START_TEST(a_changed_share_counts_at_once)
{
    state_jobs(&state, 0);
    int64_t slow = submit_as(ENDLESS, -10, 1);
    ck_assert(job_wait(&state, slow, "event: epoch")); /* so it has had time at its small share */
    int64_t other = submit_as(ENDLESS, 10, 100);
    struct job_change change = {
        .has_priority = true, .priority = 10, .has_weight = true, .weight = 100, .has_title = true};
    strcpy(change.title, "now");
    struct job_info info;
    ck_assert(job_wait(&state, other, "event: epoch"));
    ck_assert_msg(jobs_change(state.jobs, slow, &change, &info, &err), "%s", err.msg);
    ck_assert_int_eq(info.row.priority, 10);
    ck_assert_str_eq(info.row.title, "now");
    char next[32];
    snprintf(next, sizeof next, "id: %u\n", look(slow).row.epoch + 1);
    ck_assert(job_wait(&state, slow, next)); /* at a share of 1 : 100 * 2^20 it would not come */
    ck_assert(jobs_delete(state.jobs, slow, &err) && jobs_delete(state.jobs, other, &err));
}
END_TEST
#endif

START_TEST(jobs_wait_for_memory_and_the_highest_priority_comes_first)
{
    state_jobs(&state, 0);
    int64_t first = submit_as(ENDLESS, 0, 1);
    uint64_t bytes = look(first).bytes;
    ck_assert_uint_gt(bytes, 0);
    ck_assert(jobs_delete(state.jobs, first, &err));
    jobs_close(state.jobs);
    state.job_memory = bytes + bytes / 2;
    state_jobs(&state, 0);
    first = submit_as(ENDLESS, 0, 1);
    int64_t second = submit_as(ENDLESS, 0, 1), third = submit_as(ENDLESS, 5, 1);
    ck_assert(job_wait(&state, first, "event: epoch"));
    ck_assert_int_eq(look(second).row.state, JOB_QUEUED);
    ck_assert_int_eq(look(third).row.state, JOB_QUEUED);
    ck_assert(jobs_cancel(state.jobs, first, NULL, &err));
    ck_assert(job_wait(&state, third, "event: epoch"));
    ck_assert_int_eq(look(second).row.state, JOB_QUEUED);
    ck_assert(jobs_delete(state.jobs, third, &err));
    ck_assert(job_wait(&state, second, "event: epoch"));
    ck_assert(jobs_delete(state.jobs, second, &err));
}
END_TEST

START_TEST(a_job_larger_than_the_memory_for_jobs_is_refused_with_the_number)
{
    struct job_info info;
    state.job_memory = 1000000000;
    state_jobs(&state, 0);
    request_make(&request, "c", 1, 32, 1);
    request.layers_given = true;
    request.train.n_layers = 2;
    request.train.layers[0] = request.train.layers[1] =
        (struct layer){.units = 65536, .activation = ACTIVATION_RELU};
    ck_assert(!jobs_submit(state.jobs, &request, &info, &err));
    job_request_done(&request);
    ck_assert_msg(err.code == ERR_SPACE && strstr(err.msg, " 1 GB") && strstr(err.msg, "--job-memory"), "%s",
                  err.msg);
}
END_TEST

static void ends_by_time(int64_t id, const char *word)
{
    struct model_row row;
    struct job_info info = job_end(&state, id);
    ck_assert_int_eq(info.row.state, JOB_CANCELLED);
    ck_assert_int_eq(info.row.error.code, ERR_TIME);
    ck_assert_msg(strstr(info.row.error.msg, word) != NULL, "%s", info.row.error.msg);
    ck_assert_msg(models_find(state.models, "c", info.row.version, &row, &err), "%s", err.msg);
    ck_assert_int_eq(row.state, MODEL_PARTIAL);
}

START_TEST(a_job_that_trains_for_too_long_ends_and_keeps_its_model)
{
    state.max_seconds = 0.4;
    state_jobs(&state, 0);
    ends_by_time(submit_simple(&state, "c", ENDLESS),
                 "--max-job-seconds"); /* its epochs are short under any sanitizer */
    request_make(&request, "c", ENDLESS, 32, 1);
    request.max_seconds = 0.3;
    ends_by_time(submit(&state, &request), "max_seconds");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("shares");
    TCase *tests = tcase_create("shares and limits");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, weight_and_priority_are_shares_of_the_time);
#ifndef __SANITIZE_THREAD__ /* its epochs take minutes there; what it runs is what the test before it runs   \
                             */
    tcase_add_test(tests, a_changed_share_counts_at_once);
#endif
    tcase_add_test(tests, jobs_wait_for_memory_and_the_highest_priority_comes_first);
    tcase_add_test(tests, a_job_larger_than_the_memory_for_jobs_is_refused_with_the_number);
    tcase_add_test(tests, a_job_that_trains_for_too_long_ends_and_keeps_its_model);
    suite_add_tcase(suite, tests);
    return suite;
}
