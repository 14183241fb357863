/* The state folder: what was acknowledged is there after a reopen, what was
 * half made is not, and only one daemon has it. */
#include "helper_main.h"
#include "helper_state.h"

#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct state state;
static struct err err;

static void setup(void)
{
    memset(&err, 0, sizeof err);
    state_new(&state);
}

static void teardown(void)
{
    state_remove(&state);
}

static void reopen(void)
{
    state_close(&state);
    state_open(&state);
}

static void file_put(const char *path)
{
    char full[512];
    snprintf(full, sizeof full, "%s/%s", state.dir, path);
    int fd = open(full, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static struct job_row job_row_of(const char *dataset, int64_t dataset_id)
{
    struct job_row row = {.state = JOB_QUEUED,
                          .change = 1,
                          .dataset_id = dataset_id,
                          .epochs = 5,
                          .task = TASK_REGRESSION,
                          .n_train = 90};
    snprintf(row.dataset, sizeof row.dataset, "%s", dataset);
    snprintf(row.model, sizeof row.model, "m");
    store_stamp(row.created);
    return row;
}

static struct model_row publish(const char *name, enum model_state model_state, struct job_row *job)
{
    struct model_row row = {.state = model_state,
                            .task = TASK_CLASSIFICATION,
                            .n_params = 10,
                            .loss = 0.25,
                            .accuracy = 0.5,
                            .rmse = NAN};
    snprintf(row.name, sizeof row.name, "%s", name);
    ck_assert(store_model_reserve(state.store, &row.id, &err));
    ck_assert_msg(store_model_publish(state.store, &row, job, &err), "%s", err.msg);
    return row;
}

START_TEST(rows_survive_a_reopen)
{
    struct job_row job, found;
    struct job_epoch epochs[] = {
        {.metrics = {.epoch = 1, .train = {0.1, NAN}, .learning_rate = 0.01, .seconds = 1.0 / 3}},
        {.metrics = {.epoch = 2, .train = {0.05, 0.5}, .validation = {NAN, 1.0 / 3}, .seconds = 0.5}}};
    struct epoch_metrics *history;
    size_t n_history;
    struct dataset_row dataset;
    char *request;
    state_upload(&state, "d", "a,b\n1,2\n3,4\n", false);
    ck_assert(store_dataset_find(state.store, "d", &dataset, &err));
    job = job_row_of("d", dataset.id);
    ck_assert(store_job_insert(state.store, &job, "{\"x\":1}", NULL, &err));
    epochs[0].job = epochs[1].job = job.id;
    ck_assert(store_epochs_append(state.store, epochs, 2, &err));
    reopen();
    ck_assert(store_dataset_find(state.store, "d", &dataset, &err));
    ck_assert_uint_eq(dataset.n_rows, 2);
    ck_assert_uint_eq(dataset.n_columns, 2);
    ck_assert_int_eq(dataset.separator, ',');
    ck_assert(dataset.header);
    ck_assert(store_job_get(state.store, job.id, &found, &err));
    ck_assert_int_eq(found.state, JOB_QUEUED);
    ck_assert_int_eq(found.task, TASK_REGRESSION);
    ck_assert_uint_eq(found.epoch, 2);
    ck_assert_uint_eq(found.n_train, 90);
    ck_assert_str_eq(found.created, job.created);
    ck_assert(store_job_request(state.store, job.id, &request, &err));
    ck_assert_str_eq(request, "{\"x\":1}");
    free(request);
    ck_assert(store_epochs(state.store, job.id, 0, 0, &history, &n_history, &err));
    ck_assert_uint_eq(n_history, 2);
    ck_assert(history[0].seconds == 1.0 / 3 && history[0].learning_rate == 0.01);
    ck_assert(isnan(history[0].train[METRIC_ACCURACY]) && isnan(history[1].validation[METRIC_LOSS]));
    ck_assert(history[1].train[METRIC_LOSS] == 0.05 && history[1].validation[METRIC_ACCURACY] == 1.0 / 3);
    free(history);
    ck_assert(store_epochs(state.store, job.id, 1, 0, &history, &n_history, &err));
    ck_assert_uint_eq(n_history, 1);
    ck_assert_uint_eq(history[0].epoch, 2);
    free(history);
}
END_TEST

/* Another process finds the folder taken. */
static void assert_locked(void)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct err why = {0};
        struct store *second = store_open(state.dir, &why);
        _exit(!second && why.code == ERR_BUSY && strstr(why.msg, state.dir) ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

START_TEST(a_second_daemon_is_locked_out)
{
    assert_locked();
    reopen(); /* and free again after a close */
}
END_TEST

START_TEST(removing_the_file_lock_lets_no_second_daemon_in)
{
    char path[512];
    snprintf(path, sizeof path, "%s/lock", state.dir);
    ck_assert_int_eq(unlink(path), 0);
    assert_locked();
    file_put("lock"); /* a new one that nobody has locked */
    assert_locked();
    reopen();
    assert_locked();
}
END_TEST

static int64_t version_of(sqlite3 *db)
{
    sqlite3_stmt *statement;
    ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    int64_t version = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return version;
}

START_TEST(a_folder_of_a_newer_version_is_refused)
{
    char path[512];
    sqlite3 *db;
    state_close(&state);
    snprintf(path, sizeof path, "%s/mlpd.db", state.dir);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    int64_t version = version_of(db);
    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_ptr_null(store_open(state.dir, &err));
    ck_assert_int_eq(err.code, ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.msg, "newer"));
    snprintf(path, sizeof path, "PRAGMA user_version = %lld", (long long)version);
    ck_assert_int_eq(sqlite3_exec(db, path, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    state_open(&state);
}
END_TEST

START_TEST(a_folder_of_the_first_version_is_taken_over)
{
    static const struct {
        const char *table, *column;
    } added[] = {{"datasets", "quote"},      {"datasets", "comment"},  {"datasets", "decimal"},
                 {"datasets", "count_line"}, {"datasets", "encoding"}, {"datasets", "compression"},
                 {"datasets", "n_skipped"},  {"datasets", "profile"},  {"model_names", "promoted"},
                 {"jobs", "title"},          {"jobs", "priority"},     {"jobs", "weight"},
                 {"jobs", "max_seconds"},    {"jobs", "settings"},     {"models", "dataset_id"},
                 {"jobs", "from_version"},   {"datasets", "n_titles"}};
    char text[512];
    sqlite3 *db;
    struct dataset_row row;
    state_upload(&state, "old", "a;b\n1,5;x\n2;y\n", false);
    state_close(&state);
    snprintf(text, sizeof text, "%s/mlpd.db", state.dir);
    ck_assert_int_eq(sqlite3_open(text, &db), SQLITE_OK);
    static const char triggers[] =
        "DROP TRIGGER datasets_doom; DROP TRIGGER models_doom; DROP TRIGGER jobs_doom; DROP TABLE doomed; "
        "DROP TRIGGER datasets_stale;"
        "DROP TRIGGER datasets_gone; DROP TRIGGER models_stale; DROP TRIGGER models_gone; DROP TRIGGER "
        "models_promoted;"
        "DROP TRIGGER jobs_new; DROP TRIGGER jobs_stale; DROP TRIGGER jobs_paused; DROP TABLE stale";
    ck_assert_int_eq(sqlite3_exec(db, triggers, NULL, NULL, NULL), SQLITE_OK);
    for (size_t i = 0; i < sizeof added / sizeof *added; i++) {
        snprintf(text, sizeof text, "ALTER TABLE %s DROP COLUMN %s", added[i].table, added[i].column);
        ck_assert_int_eq(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    }
    static const char epochs_then[] =
        "DROP TABLE epochs; CREATE TABLE epochs (job INTEGER NOT NULL, epoch INTEGER NOT NULL, loss REAL, "
        "accuracy REAL, val_loss REAL,"
        " val_accuracy REAL, seconds REAL, PRIMARY KEY (job, epoch)) STRICT, WITHOUT ROWID;"
        "INSERT INTO epochs VALUES (7, 1, 1.0 / 3, NULL, 0.1, NULL, 0.25)";
    ck_assert_int_eq(sqlite3_exec(db, "DROP TABLE warnings", NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, epochs_then, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "PRAGMA user_version = 1", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    state_open(&state);
    ck_assert_msg(store_dataset_find(state.store, "old", &row, &err), "%s", err.msg);
    ck_assert_uint_eq(row.n_rows, 2);
    ck_assert_int_eq(row.separator, ';');
    ck_assert_int_eq(row.quote, '"');
    ck_assert_int_eq(row.encoding, CSV_UTF8);
    struct epoch_metrics *epochs;
    size_t n_epochs;
    ck_assert(store_epochs(state.store, 7, 0, 0, &epochs, &n_epochs, &err));
    ck_assert_uint_eq(n_epochs, 1);
    ck_assert(epochs->train[METRIC_LOSS] == 1.0 / 3 && isnan(epochs->train[METRIC_ACCURACY]) &&
              epochs->validation[METRIC_LOSS] == 0.1);
    ck_assert(isnan(epochs->learning_rate) && epochs->seconds == 0.25);
    free(epochs);
    char *profile = datasets_profile(state.datasets, row.id, &err); /* none was kept: it is made */
    ck_assert_ptr_nonnull(profile);
    ck_assert_ptr_nonnull(strstr(profile, "\"quartiles\":[1.625,1.75,1.875]"));
    free(profile);
}
END_TEST

START_TEST(half_made_things_are_removed_at_the_next_start)
{
    int64_t id;
    char table[64], model[64], kept_path[64];
    struct dataset_row *datasets;
    size_t n_datasets;
    state_upload(&state, "whole", "a,b\n1,2\n3,4\n", false);
    struct model_row kept = publish("m", MODEL_FINISHED, NULL);
    ck_assert(store_dataset_reserve(state.store, "half", false, &id, &err));
    snprintf(table, sizeof table, "datasets/%lld.table", (long long)id);
    file_put(table);
    ck_assert(store_model_reserve(state.store, &id, &err));
    snprintf(model, sizeof model, "models/%lld.model", (long long)id);
    file_put(model);
    file_put("tmp/upload");
    snprintf(kept_path, sizeof kept_path, "models/%lld.model", (long long)kept.id);
    file_put(kept_path);
    reopen();
    ck_assert(!state_has(&state, table));
    ck_assert(!state_has(&state, model));
    ck_assert(!state_has(&state, "tmp/upload"));
    ck_assert(state_has(&state, kept_path));
    ck_assert(!state_has(&state, "lost"));
    ck_assert(store_dataset_list(state.store, &datasets, &n_datasets, &err));
    ck_assert_uint_eq(n_datasets, 1);
    ck_assert_str_eq(datasets[0].name, "whole");
    free(datasets);
    struct table *whole = datasets_table(state.datasets, "whole", NULL, &err);
    ck_assert_ptr_nonnull(whole);
    table_unref(whole);
}
END_TEST

START_TEST(numbers_are_never_given_twice)
{
    int64_t first, second;
    ck_assert(store_dataset_reserve(state.store, "a", false, &first, &err));
    ck_assert(store_dataset_forget(state.store, first, &err));
    reopen();
    ck_assert(store_dataset_reserve(state.store, "a", false, &second, &err));
    ck_assert_int_gt(second, first);
    int64_t *ids;
    size_t n_ids;
    ck_assert_uint_eq(publish("m", MODEL_FINISHED, NULL).version, 1);
    ck_assert_uint_eq(publish("m", MODEL_FINISHED, NULL).version, 2);
    ck_assert(store_model_delete(state.store, "m", 0, &ids, &n_ids, &err));
    ck_assert_uint_eq(n_ids, 2);
    free(ids);
    ck_assert_uint_eq(publish("m", MODEL_FINISHED, NULL).version, 3);
}
END_TEST

START_TEST(the_bare_name_is_the_newest_finished_version)
{
    struct model_row row, *rows;
    size_t n_rows;
    publish("m", MODEL_PARTIAL, NULL);
    ck_assert(store_model_find(state.store, "m", 0, &row, &err));
    ck_assert_uint_eq(row.version, 1);
    ck_assert_int_eq(row.state, MODEL_PARTIAL);
    publish("m", MODEL_FINISHED, NULL);
    publish("m", MODEL_PARTIAL, NULL);
    publish("a", MODEL_FINISHED, NULL);
    ck_assert(store_model_find(state.store, "m", 0, &row, &err));
    ck_assert_uint_eq(row.version, 2);
    ck_assert(row.loss == 0.25 && isnan(row.rmse));
    ck_assert(store_model_list(state.store, &rows, &n_rows, &err));
    ck_assert_uint_eq(n_rows, 2);
    ck_assert_str_eq(rows[0].name, "a");
    ck_assert_uint_eq(rows[1].version, 2);
    ck_assert_uint_eq(rows[1].n_versions, 3);
    free(rows);
    ck_assert(store_model_versions(state.store, "m", &rows, &n_rows, &err));
    ck_assert_uint_eq(n_rows, 3);
    ck_assert_uint_eq(rows[0].version, 3);
    free(rows);
    ck_assert(!store_model_find(state.store, "m", 9, &row, &err));
    ck_assert_int_eq(err.code, ERR_NOT_FOUND);
}
END_TEST

START_TEST(an_older_change_never_overwrites_a_newer_one)
{
    struct job_row found;
    state_upload(&state, "d", "a,b\n1,2\n", false);
    struct dataset_row dataset;
    ck_assert(store_dataset_find(state.store, "d", &dataset, &err));
    struct job_row row = job_row_of("d", dataset.id);
    ck_assert(store_job_insert(state.store, &row, "{}", NULL, &err));
    row.state = JOB_PAUSED;
    row.change = 5;
    ck_assert(store_job_update(state.store, &row, &err));
    row.state = JOB_RUNNING;
    row.change = 4;
    ck_assert(store_job_update(state.store, &row, &err));
    ck_assert(store_job_get(state.store, row.id, &found, &err));
    ck_assert_int_eq(found.state, JOB_PAUSED);
}
END_TEST

START_TEST(a_dataset_that_an_unfinished_job_needs_keeps_its_file)
{
    struct dataset_row dataset;
    char path[64];
    state_upload(&state, "d", "a,b\n1,2\n", false);
    ck_assert(store_dataset_find(state.store, "d", &dataset, &err));
    snprintf(path, sizeof path, "datasets/%lld.table", (long long)dataset.id);
    struct job_row row = job_row_of("d", dataset.id), late = row;
    ck_assert(store_job_insert(state.store, &row, "{}", NULL, &err));
    ck_assert(datasets_delete(state.datasets, "d", 0, &err));
    ck_assert(!store_job_insert(state.store, &late, "{}", NULL, &err)); /* too late for another one */
    ck_assert_int_eq(err.code, ERR_CONFLICT);
    reopen();
    ck_assert(state_has(&state, path));
    ck_assert(store_job_delete(state.store, row.id, &err));
    datasets_release(state.datasets, dataset.id);
    ck_assert(!state_has(&state, path));
}
END_TEST

START_TEST(a_taken_name_is_a_conflict_and_replacing_swaps_at_the_end)
{
    struct dataset_info info;
    struct csv_options options = {0};
    state_upload(&state, "d", "a,b\n1,2\n3,4\n", false);
    ck_assert_ptr_null(datasets_begin(state.datasets, "d", false, &err));
    ck_assert_int_eq(err.code, ERR_CONFLICT);
    ck_assert_str_eq(err.field, "name");
    struct table *old = datasets_table(state.datasets, "d", NULL, &err);
    struct upload *upload = datasets_begin(state.datasets, "d", true, &err);
    ck_assert_ptr_nonnull(upload);
    datasets_received(upload, 5, 12);
    ck_assert_ptr_null(datasets_begin(state.datasets, "d", true, &err));
    ck_assert_int_eq(err.code, ERR_CONFLICT);
    ck_assert(datasets_find(state.datasets, "d", &info, &err));
    ck_assert(info.replacing && info.row.n_rows == 2 && info.bytes_received == 5 &&
              info.bytes_expected == 12);
    int fd = state_spool(&state, "a,b\n1,2\n3,4\n5,6\n");
    ck_assert_msg(datasets_finish(upload, fd, &options, NULL, &info, &err), "%s", err.msg);
    close(fd);
    ck_assert_uint_eq(info.row.n_rows, 3);
    ck_assert_uint_eq(table_n_rows(old), 2); /* whoever has it keeps it */
    ck_assert(table_number(old, 0, 1) == 3);
    table_unref(old);
    struct table *fresh = datasets_table(state.datasets, "d", NULL, &err);
    ck_assert_uint_eq(table_n_rows(fresh), 3);
    table_unref(fresh);
}
END_TEST

START_TEST(a_failed_or_aborted_upload_leaves_nothing)
{
    struct dataset_info info, *list;
    struct csv_options options = {.on_bad_row = CSV_BAD_REJECT};
    size_t n_list;
    struct upload *upload = datasets_begin(state.datasets, "d", false, &err);
    ck_assert(datasets_find(state.datasets, "d", &info, &err));
    ck_assert_int_eq(info.row.state, DATASET_LOADING);
    ck_assert_ptr_null(datasets_table(state.datasets, "d", NULL, &err));
    ck_assert_int_eq(err.code, ERR_CONFLICT);
    ck_assert(!datasets_delete(state.datasets, "d", 0, &err));
    ck_assert_int_eq(err.code, ERR_CONFLICT);
    ck_assert(datasets_list(state.datasets, &list, &n_list, &err));
    ck_assert_uint_eq(n_list, 1);
    free(list);
    int fd = state_spool(&state, "a,b\n1,2\n3,4,5\n");
    ck_assert(!datasets_finish(upload, fd, &options, NULL, NULL, &err));
    ck_assert_int_eq(err.code, ERR_INPUT);
    ck_assert_uint_eq(err.row, 2);
    close(fd);
    ck_assert(!datasets_find(state.datasets, "d", &info, &err));
    ck_assert_int_eq(err.code, ERR_NOT_FOUND);
    datasets_abort(datasets_begin(state.datasets, "d", false, &err));
    ck_assert(datasets_list(state.datasets, &list, &n_list, &err));
    ck_assert_uint_eq(n_list, 0);
    free(list);
    ck_assert_ptr_null(datasets_begin(state.datasets, "../d", false, &err));
    ck_assert_int_eq(err.code, ERR_INPUT);
}
END_TEST

START_TEST(names_are_checked)
{
    static const char *const good[] = {"a", "0", "A.b_c-9",
                                       "0123456789012345678901234567890123456789012345678901234567890123"};
    static const char *const bad[] = {
        "",         ".a",  "-a",
        "a/b",      "..",  "a b",
        "\xc3\xa4", "a\n", "00123456789012345678901234567890123456789012345678901234567890123"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(store_name_check(good[i], "name", &err), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!store_name_check(bad[i], "name", &err) && !strcmp(err.field, "name"), "%s", bad[i]);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("store");
    TCase *tests = tcase_create("state folder");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, rows_survive_a_reopen);
    tcase_add_test(tests, a_second_daemon_is_locked_out);
    tcase_add_test(tests, removing_the_file_lock_lets_no_second_daemon_in);
    tcase_add_test(tests, a_folder_of_a_newer_version_is_refused);
    tcase_add_test(tests, a_folder_of_the_first_version_is_taken_over);
    tcase_add_test(tests, half_made_things_are_removed_at_the_next_start);
    tcase_add_test(tests, numbers_are_never_given_twice);
    tcase_add_test(tests, the_bare_name_is_the_newest_finished_version);
    tcase_add_test(tests, an_older_change_never_overwrites_a_newer_one);
    tcase_add_test(tests, a_dataset_that_an_unfinished_job_needs_keeps_its_file);
    tcase_add_test(tests, a_taken_name_is_a_conflict_and_replacing_swaps_at_the_end);
    tcase_add_test(tests, a_failed_or_aborted_upload_leaves_nothing);
    tcase_add_test(tests, names_are_checked);
    suite_add_tcase(suite, tests);
    return suite;
}
