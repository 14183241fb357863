/* Live streams: what a subscriber reads is the history to the letter, whenever
 * he comes and however slow he is. */
#include "helper_main.h"
#include "helper_state.h"

#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct state state;
static struct err err;
static struct job_row row;

/* A job in the store with its channel open; nothing trains. */
static void setup(void)
{
    struct dataset_row dataset;
    memset(&err, 0, sizeof err);
    state_new(&state);
    state_upload(&state, "d", "a,b\n1,2\n", false);
    ck_assert(store_dataset_find(state.store, "d", &dataset, &err));
    row = (struct job_row){.state = JOB_RUNNING,
                           .change = 1,
                           .dataset = "d",
                           .dataset_id = dataset.id,
                           .model = "m",
                           .epochs = 1000};
    ck_assert(store_job_insert(state.store, &row, "{}", NULL, &err));
    ck_assert(events_job_open(state.events, &row, &err));
}

static void teardown(void)
{
    state_remove(&state);
}

/* Store, then publish epochs first..last; at most 300. */
static void epochs_add(uint32_t first, uint32_t last)
{
    struct job_epoch epochs[300] = {0};
    size_t n = 0;
    for (uint32_t epoch = first; epoch <= last; epoch++, n++)
        epochs[n] = (struct job_epoch){.job = row.id,
                                       .metrics = {.epoch = epoch,
                                                   .train = {1.0 / epoch, NAN, 0.5},
                                                   .validation = {2.0 / 3},
                                                   .seconds = 0.1 * epoch}};
    ck_assert(store_epochs_append(state.store, epochs, n, &err));
    for (size_t i = 0; i < n; i++)
        events_job_epochs(state.events, row.id, &epochs[i].metrics, 1);
}

static void finish(void)
{
    row.state = JOB_FAILED;
    row.change++;
    row.error.code = ERR_NUMERIC;
    snprintf(row.error.msg, sizeof row.error.msg, "said \"no\"\n");
    ck_assert(store_job_update(state.store, &row, &err));
    ck_assert(store_job_get(state.store, row.id, &row, &err));
    events_job_done(state.events, row.id, &row);
}

/* The epochs' frames of the job's history after `after`. */
static char *history_text(uint32_t after)
{
    char *text = NULL, json[EPOCH_JSON_SIZE];
    size_t length, n;
    struct epoch_metrics *epochs;
    FILE *out = open_memstream(&text, &length);
    ck_assert(store_epochs(state.store, row.id, after, 0, &epochs, &n, &err));
    for (size_t i = 0; i < n; i++) {
        epoch_json(json, &epochs[i]);
        fprintf(out, "event: epoch\nid: %" PRIu32 "\ndata: %s\n\n", epochs[i].epoch, json);
    }
    fclose(out);
    free(epochs);
    return text;
}

START_TEST(an_epoch_is_printed_exactly)
{
    char json[EPOCH_JSON_SIZE];
    struct epoch_metrics metrics = {.epoch = 7, .learning_rate = 0.5, .seconds = 1e-300};
    for (int i = 0; i < N_METRICS; i++)
        metrics.train[i] = metrics.validation[i] = NAN;
    metrics.train[METRIC_LOSS] = 0.1;
    metrics.train[METRIC_ACCURACY] = 1;
    metrics.validation[METRIC_ACCURACY] = INFINITY;
    metrics.validation[METRIC_R2] = -2;
    ck_assert_uint_eq(epoch_json(json, &metrics), strlen(json));
    ck_assert_str_eq(
        json,
        "{\"epoch\":7,\"loss\":0.1,\"accuracy\":1,\"val_loss\":null,\"val_accuracy\":null,\"val_r2\":-2,"
        "\"learning_rate\":0.5,\"seconds\":1e-300}");
    const double hard[] = {
        1.0 / 3, 0.1f, 123456789.123, 5e-324, -1.7976931348623157e308, 0.30000000000000004};
    for (size_t i = 0; i < sizeof hard / sizeof *hard; i++) {
        metrics.seconds = hard[i];
        epoch_json(json, &metrics);
        ck_assert(strtod(strstr(json, "\"seconds\":") + 10, NULL) == hard[i]);
    }
    const double long_one = -1.7976931348623157e-308;
    metrics =
        (struct epoch_metrics){.epoch = UINT32_MAX, .learning_rate = -1.23456789e-30, .seconds = long_one};
    for (int i = 0; i < N_METRICS; i++)
        metrics.train[i] = metrics.validation[i] = long_one;
    ck_assert_uint_lt(epoch_json(json, &metrics), EPOCH_JSON_SIZE - 1);
}
END_TEST

START_TEST(the_state_comes_first_and_done_last)
{
    struct follower follower;
    follower_begin(&follower, state.events, row.id, NULL);
    ck_assert(follower_wait(&follower,
                            "event: state\ndata: {\"state\":\"running\",\"epoch\":0,\"epochs\":1000}\n\n"));
    epochs_add(1, 2);
    finish();
    ck_assert(follower_wait(&follower,
                            "event: done\nid: done\ndata: "
                            "{\"state\":\"failed\",\"epoch\":2,\"epochs\":1000,\"model\":\"m\",\"version\":0,"
                            "\"error\":\"said \\\"no\\\"\\u000a\"}\n\n"));
    ck_assert(!follower_wait(&follower, "there is no such word"));
    ck_assert(follower.ended);
    char *history = history_text(0);
    ck_assert_ptr_nonnull(strstr(follower.text, history));
    free(history);
    follower_end(&follower);
    ck_assert_uint_eq(events_n_subscribers(state.events), 0);
}
END_TEST

START_TEST(a_slow_or_late_subscriber_reads_the_history_to_the_letter)
{
    struct follower slow, late, again, beyond;
    follower_begin(&slow, state.events, row.id, NULL);
    epochs_add(1, 300); /* far more than the ring holds */
    follower_begin(&late, state.events, row.id, NULL);
    follower_begin(&again, state.events, row.id, "123");
    follower_begin(&beyond, state.events, row.id, "4000000000");
    finish();
    char *all = history_text(0), *rest = history_text(123);
    ck_assert(follower_wait(&slow, "event: done"));
    ck_assert_ptr_nonnull(strstr(slow.text, all));
    ck_assert(follower_wait(&late, "event: done"));
    ck_assert_ptr_nonnull(strstr(late.text, all));
    ck_assert(follower_wait(&again, "event: done"));
    ck_assert_ptr_nonnull(strstr(again.text, rest));
    ck_assert_ptr_null(strstr(again.text, "id: 123\n"));
    ck_assert(follower_wait(&beyond, "event: done"));
    ck_assert_ptr_null(strstr(beyond.text, "event: epoch"));
    follower_end(&slow);
    follower_end(&late);
    follower_end(&again);
    follower_end(&beyond);
    free(all);
    free(rest);
}
END_TEST

START_TEST(a_finished_job_is_replayed_from_the_store)
{
    struct follower follower;
    epochs_add(1, 200);
    finish();
    state_close(&state);
    state_open(&state);
    follower_begin(&follower, state.events, row.id, "150");
    ck_assert(follower_wait(&follower, "event: done"));
    char *rest = history_text(150);
    ck_assert_ptr_nonnull(strstr(follower.text, rest));
    ck_assert_ptr_eq(strstr(follower.text, "event: state\ndata: {\"state\":\"failed\""), follower.text);
    free(rest);
    follower_end(&follower);
    ck_assert(events_over("done"));
    ck_assert(!events_over("150") && !events_over(NULL));
    ck_assert_ptr_null(events_subscribe(state.events, row.id + 1, NULL, NULL, NULL, &err));
    ck_assert_int_eq(err.code, ERR_NOT_FOUND);
}
END_TEST

static void count(void *self)
{
    ++*(int *)self;
}

START_TEST(a_wake_comes_once_for_each_wait)
{
    char text[EVENT_SIZE];
    size_t length;
    int n_wakes = 0;
    struct subscriber *subscriber = events_subscribe(state.events, row.id, NULL, count, &n_wakes, &err);
    events_wait(subscriber); /* the state is there already */
    ck_assert_int_eq(n_wakes, 1);
    ck_assert_int_eq(events_next(subscriber, text, sizeof text, &length, &err), EVENTS_TEXT);
    ck_assert_int_eq(events_next(subscriber, text, sizeof text, &length, &err), EVENTS_NOTHING);
    epochs_add(1, 1);
    ck_assert_int_eq(n_wakes, 1); /* nobody asked */
    events_wait(subscriber);
    ck_assert_int_eq(n_wakes, 2);
    ck_assert_int_eq(events_next(subscriber, text, sizeof text, &length, &err), EVENTS_TEXT);
    events_wait(subscriber);
    ck_assert_int_eq(n_wakes, 2);
    epochs_add(2, 3);
    ck_assert_int_eq(n_wakes, 3);
    row.state = JOB_PAUSED;
    events_job_state(state.events, &row);
    ck_assert_int_eq(events_next(subscriber, text, sizeof text, &length, &err), EVENTS_TEXT);
    ck_assert_ptr_nonnull(strstr(text, "\"paused\""));
    ck_assert_int_eq(events_next(subscriber, text, sizeof text, &length, &err), EVENTS_TEXT);
    events_job_done(state.events, row.id, NULL); /* deleted */
    ck_assert_int_eq(events_next(subscriber, text, sizeof text, &length, &err), EVENTS_END);
    events_unsubscribe(subscriber);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("events");
    TCase *tests = tcase_create("streams");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, an_epoch_is_printed_exactly);
    tcase_add_test(tests, the_state_comes_first_and_done_last);
    tcase_add_test(tests, a_slow_or_late_subscriber_reads_the_history_to_the_letter);
    tcase_add_test(tests, a_finished_job_is_replayed_from_the_store);
    tcase_add_test(tests, a_wake_comes_once_for_each_wait);
    suite_add_tcase(suite, tests);
    return suite;
}
