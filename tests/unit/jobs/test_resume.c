/* Jobs that are interrupted: what restarts, kills and damaged checkpoints
 * leave, and that the model is the one of a run without them. */
#include "helper_main.h"
#include "helper_state.h"
#include "jobs/checkpoints.h"

#include <check.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENDLESS 50000000u /* epochs that no test waits for */

static struct state state;
static struct err err;

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

START_TEST(unfinished_jobs_go_on_after_a_restart)
{
    struct job_info info;
    struct epoch_metrics *epochs;
    size_t n_epochs;
    job_end(&state, submit_simple(&state, "c", 100));
    int64_t running = submit_simple(&state, "c", ENDLESS), paused = submit_simple(&state, "c", 100);
    ck_assert(jobs_pause(state.jobs, paused, NULL, &err));
    ck_assert(job_wait(&state, running, "event: epoch"));
    ck_assert(datasets_delete(state.datasets, "c", 0, &err)); /* jobs keep what they were given */
    state_close(&state);
    state_open(&state);
    ck_assert(!state_has(&state, "tmp/x"));
    state_jobs(&state, 0);
    ck_assert(job_wait(&state, running, "\"state\":\"running\""));
    ck_assert(jobs_get(state.jobs, running, &info, &err));
    ck_assert_int_eq(info.row.state, JOB_RUNNING);
    ck_assert(jobs_get(state.jobs, paused, &info, &err));
    ck_assert_int_eq(info.row.state, JOB_PAUSED);
    ck_assert(jobs_resume(state.jobs, paused, NULL, &err));
    info = job_end(&state, paused);
    ck_assert_int_eq(info.row.state, JOB_SUCCEEDED);
    ck_assert(jobs_history(state.jobs, paused, 0, 0, &epochs, &n_epochs, &err));
    ck_assert_uint_eq(n_epochs, 100);
    free(epochs);
    models_equal(&state, "c", 1, info.row.version);
    ck_assert(jobs_cancel(state.jobs, running, NULL, &err));
}
END_TEST

/* Epochs: more than run until the first one is seen, and still soon over, on
 * one thread that waits for nobody. */
#if defined(__SANITIZE_THREAD__)
#define LONG 600u
#elif defined(__SANITIZE_ADDRESS__)
#define LONG 2000u
#else
#define LONG 6000u
#endif

/* Stop the daemon in the middle of the job, and start it again. */
static void restart_within(int64_t job)
{
    ck_assert(job_wait(&state, job, "\"state\":\"running\""));
    state_close(&state);
    state_open(&state);
}

static void checkpoint_name(char *name, size_t size, int64_t job, int slot)
{
    snprintf(name, size, "checkpoints/%lld.%d", (long long)job, slot);
}

static bool has_checkpoint(int64_t job, int slot)
{
    char name[64];
    checkpoint_name(name, sizeof name, job, slot);
    return state_has(&state, name);
}

static void checkpoint_damage(int64_t job, int slot)
{
    char name[64], path[400];
    checkpoint_name(name, sizeof name, job, slot);
    snprintf(path, sizeof path, "%s/%s", state.dir, name);
    FILE *file = fopen(path, "r+");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, -5, SEEK_END), 0);
    int byte = fgetc(file);
    ck_assert_int_eq(fseek(file, -5, SEEK_END), 0);
    ck_assert_int_ne(fputc(byte ^ 1, file), EOF);
    ck_assert_int_eq(fclose(file), 0);
}

/* The first epoch's time, which no two runs share to the last digit: it tells
 * whether the history is still that of the first run. */
static double first_seconds(int64_t job)
{
    struct epoch_metrics *epochs;
    size_t n_epochs;
    ck_assert(jobs_history(state.jobs, job, 0, 1, &epochs, &n_epochs, &err));
    ck_assert_uint_eq(n_epochs, 1);
    double seconds = epochs[0].seconds;
    free(epochs);
    return seconds;
}

/* The job ends, with every epoch once, and with the model of version 1. */
static void ends_as_undisturbed(int64_t job, uint32_t n)
{
    struct epoch_metrics *epochs;
    size_t n_epochs;
    struct job_info info = job_end(&state, job);
    ck_assert_int_eq(info.row.state, JOB_SUCCEEDED);
    ck_assert_uint_eq(info.row.epoch, n);
    ck_assert(jobs_history(state.jobs, job, 0, 0, &epochs, &n_epochs, &err));
    ck_assert_uint_eq(n_epochs, n);
    for (uint32_t i = 0; i < n; i++)
        ck_assert_uint_eq(epochs[i].epoch, i + 1);
    free(epochs);
    models_equal(&state, "c", 1, info.row.version);
    ck_assert(!has_checkpoint(job, 0) && !has_checkpoint(job, 1));
}

/* On one thread: a job that nobody disturbs, to its end, and the same again,
 * until its first epoch is seen. */
static int64_t long_job(double *seconds)
{
    jobs_close(state.jobs);
    state_jobs_on(&state, 0, 1);
    job_end(&state, submit_simple(&state, "c", LONG));
    int64_t id = submit_simple(&state, "c", LONG);
    ck_assert(job_wait(&state, id, "event: epoch"));
    *seconds = first_seconds(id);
    return id;
}

START_TEST(a_job_goes_on_from_its_checkpoint)
{
    double seconds;
    int64_t id = long_job(&seconds);
    for (int i = 0; i < 3; i++) {
        restart_within(id);
        ck_assert(has_checkpoint(id, 0) && has_checkpoint(id, 1) == (i > 0)); /* two are kept */
        state_jobs_on(&state, 0, 1);
    }
    ck_assert(first_seconds(id) == seconds);
    ends_as_undisturbed(id, LONG);
    ck_assert(first_seconds(id) == seconds);
}
END_TEST

START_TEST(a_damaged_checkpoint_leaves_the_older_one)
{
    double seconds;
    int64_t id = long_job(&seconds);
    restart_within(id);
    state_jobs_on(&state, 0, 1);
    restart_within(id);
    checkpoint_damage(id, 1); /* the newest */
    state_jobs_on(&state, 0, 1);
    ck_assert(!has_checkpoint(id, 1) && has_checkpoint(id, 0));
    ck_assert(first_seconds(id) == seconds);
    ends_as_undisturbed(id, LONG);
}
END_TEST

START_TEST(without_a_whole_checkpoint_a_job_starts_again)
{
    double seconds;
    int64_t id = long_job(&seconds);
    restart_within(id);
    state_jobs_on(&state, 0, 1);
    restart_within(id);
    checkpoint_damage(id, 0);
    checkpoint_damage(id, 1);
    state_jobs_on(&state, 0, 1);
    ck_assert(!has_checkpoint(id, 0) && !has_checkpoint(id, 1));
    ends_as_undisturbed(id, LONG);
    ck_assert(first_seconds(id) != seconds);
}
END_TEST

START_TEST(a_checkpoint_that_would_delay_the_stop_leaves_the_one_before)
{
    static const char bytes[100] = "whole";
    const struct checkpoint_file file = {.store = state.store, .job = 5};
    atomic_ullong never = 0, long_ago = 1;
    void *read;
    size_t n;
    ck_assert(checkpoint_write(&file, bytes, sizeof bytes, &never, &err));
    ck_assert(!checkpoint_write(&file, "other", 5, &long_ago, &err) && err.code == ERR_STOPPED);
    ck_assert(checkpoint_read(&file, sizeof bytes, &read, &n, &err));
    ck_assert_uint_eq(n, sizeof bytes);
    ck_assert_mem_eq(read, bytes, n);
    free(read);
    checkpoints_remove(state.store, 5); /* of a job that the catalogue does not know */
    ck_assert(checkpoint_read(&file, sizeof bytes, &read, &n, &err));
    free(read);
}
END_TEST

/* A sparse file of 4 TB, whose head says that it is as long: more than memory
 * has. */
START_TEST(a_checkpoint_that_claims_much_takes_no_memory)
{
    const struct checkpoint_file file = {.store = state.store, .job = 6};
    /* more would not fit the address space of the thread sanitizer */
    const uint64_t claimed = (uint64_t)256 << 30;
    atomic_ullong never = 0;
    struct train_place place;
    char head[512] = "mlpstate", path[PATH_SIZE];
    void *read = NULL;
    size_t n = 0;
    memcpy(head + 24, &claimed, sizeof claimed);
    ck_assert(checkpoint_write(&file, head, sizeof head, &never, &err));
    ck_assert(store_path(state.store, "checkpoints", 6, ".0", path, &err));
    ck_assert_int_eq(truncate(path, (off_t)claimed), 0);
    ck_assert(!checkpoint_read(&file, 1 << 20, &read, &n, &err));
    ck_assert_int_eq(err.code, ERR_CORRUPT);
    ck_assert_ptr_null(read);
    ck_assert(!checkpoint_look(&file, &place, &err)); /* of no version: nothing but the head is read */
    ck_assert(err.code == ERR_CORRUPT || err.code == ERR_CONFLICT);
}
END_TEST

START_TEST(checkpoints_go_with_their_jobs)
{
    int64_t deleted = submit_simple(&state, "c", ENDLESS), cancelled = submit_simple(&state, "n", ENDLESS);
    ck_assert(job_wait(&state, deleted, "event: epoch"));
    restart_within(cancelled);
    ck_assert(has_checkpoint(deleted, 0) && has_checkpoint(cancelled, 0));
    state_jobs_on(&state, 0, 1);
    ck_assert(job_wait(&state, deleted, "\"state\":\"running\""));
    ck_assert(jobs_delete(state.jobs, deleted, &err));
    ck_assert(jobs_cancel(state.jobs, cancelled, NULL, &err));
    ck_assert(!has_checkpoint(deleted, 0) && !has_checkpoint(cancelled, 0));
}
END_TEST

/* As it stands on disk between the answer to a cancel and the end, where a
 * daemon dies there. */
static void cancelling_make(int64_t job)
{
    char text[512];
    sqlite3 *db;
    snprintf(text, sizeof text, "%s/mlpd.db", state.dir);
    ck_assert_int_eq(sqlite3_open(text, &db), SQLITE_OK);
    snprintf(text, sizeof text, "UPDATE jobs SET state = 'cancelling' WHERE id = %lld", (long long)job);
    ck_assert_int_eq(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

START_TEST(a_cancel_that_a_kill_interrupts_is_carried_out)
{
    int64_t id = submit_simple(&state, "c", ENDLESS);
    ck_assert(job_wait(&state, id, "event: epoch"));
    restart_within(id);
    cancelling_make(id);
    state_jobs(&state, 0);
    struct job_info info = job_end(&state, id);
    ck_assert_int_eq(info.row.state, JOB_CANCELLED);
    ck_assert_uint_eq(info.row.version, 1); /* from its checkpoint */
    ck_assert(!has_checkpoint(id, 0) && !has_checkpoint(id, 1));
}
END_TEST

START_TEST(a_paused_job_that_is_taken_up_and_cancelled_keeps_its_model)
{
    struct job_info info;
    int64_t id = submit_simple(&state, "c", ENDLESS);
    ck_assert(job_wait(&state, id, "event: epoch"));
    ck_assert(jobs_pause(state.jobs, id, &info, &err));
    state_close(&state);
    state_open(&state);
    state_jobs(&state, 0);
    ck_assert(jobs_cancel(state.jobs, id, &info, &err));
    ck_assert_int_eq(info.row.state, JOB_CANCELLED);
    ck_assert_uint_eq(info.row.version, 1);
}
END_TEST

START_TEST(a_cancel_that_needs_memory_to_keep_the_model_waits_for_it)
{
    struct job_info info;
    int64_t runs = submit_simple(&state, "c", ENDLESS), waits = submit_simple(&state, "n", ENDLESS);
    ck_assert(job_wait(&state, runs, "event: epoch") && job_wait(&state, waits, "event: epoch"));
    ck_assert(jobs_pause(state.jobs, waits, &info, &err));
    state_close(&state);
    state_open(&state);
    state.job_memory = info.bytes + info.bytes / 2; /* of two that take as much */
    state.cancel_ns = 1;
    state_jobs(&state, 0);
    ck_assert(job_wait(&state, runs, "\"state\":\"running\"")); /* it has its memory */
    ck_assert(jobs_cancel(state.jobs, waits, &info, &err));
    ck_assert_int_eq(info.row.state, JOB_CANCELLING);
    ck_assert(jobs_delete(state.jobs, runs, &err));
    info = job_end(&state, waits);
    ck_assert_int_eq(info.row.state, JOB_CANCELLED);
    ck_assert_uint_eq(info.row.version, 1);
}
END_TEST

/* The daemon that is to die: trains, tells the job's number, and waits for its
 * end. */
static void victim(int out)
{
    state_open(&state);
    state_jobs(&state, 0);
    int64_t id = submit_simple(&state, "c", 100);
    ck_assert(job_wait(&state, id, "event: epoch"));
    ck_assert_int_eq(write(out, &id, sizeof id), sizeof id);
    pause();
}

START_TEST(a_killed_daemon_loses_nothing)
{
    int pipe_fds[2], status;
    int64_t id;
    struct job_info info;
    struct epoch_metrics *epochs;
    size_t n_epochs;
    state_with_tables(&state);
    state_close(&state);
    ck_assert_int_eq(pipe(pipe_fds), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        victim(pipe_fds[1]);
    close(pipe_fds[1]);
    ck_assert_int_eq(read(pipe_fds[0], &id, sizeof id), sizeof id);
    close(pipe_fds[0]);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    state_open(&state);
    state_jobs(&state, 0);
    info = job_end(&state, id);
    ck_assert_int_eq(info.row.state, JOB_SUCCEEDED);
    ck_assert(jobs_history(state.jobs, id, 0, 0, &epochs, &n_epochs, &err));
    ck_assert_uint_eq(n_epochs, 100);
    free(epochs);
    info = job_end(&state, submit_simple(&state, "c", 100));
    models_equal(&state, "c", 1, info.row.version);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("resume");
    TCase *tests = tcase_create("resume");
    tcase_set_timeout(tests, 20);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, unfinished_jobs_go_on_after_a_restart);
    tcase_add_test(tests, a_job_goes_on_from_its_checkpoint);
    tcase_add_test(tests, a_damaged_checkpoint_leaves_the_older_one);
    tcase_add_test(tests, without_a_whole_checkpoint_a_job_starts_again);
    tcase_add_test(tests, a_checkpoint_that_would_delay_the_stop_leaves_the_one_before);
    tcase_add_test(tests, a_checkpoint_that_claims_much_takes_no_memory);
    tcase_add_test(tests, checkpoints_go_with_their_jobs);
    tcase_add_test(tests, a_cancel_that_a_kill_interrupts_is_carried_out);
    tcase_add_test(tests, a_paused_job_that_is_taken_up_and_cancelled_keeps_its_model);
    tcase_add_test(tests, a_cancel_that_needs_memory_to_keep_the_model_waits_for_it);
    suite_add_tcase(suite, tests);
    TCase *deaths = tcase_create("death");
    tcase_set_timeout(deaths, 20);
    tcase_add_checked_fixture(deaths, NULL, teardown);
    tcase_add_test(deaths, a_killed_daemon_loses_nothing);
    suite_add_tcase(suite, deaths);
    return suite;
}
