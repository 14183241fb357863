/* What a failing catalogue keeps from being removed is removed once it works
 * again, without a restart. */
#include "helper_main.h"
#include "helper_state.h"

#include <check.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define REPLACED 100 /* times, under readers */

static struct state state;
static struct err err;

static void set_up(void)
{
    state_new(&state);
}

static void tear_down(void)
{
    state_remove(&state);
}

/* Change the catalogue behind the daemon's back. */
static void run(const char *text)
{
    char path[512];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/mlpd.db", state.dir);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", text, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static int64_t id_of(const char *name)
{
    struct dataset_row row;
    ck_assert(store_dataset_find(state.store, name, &row, &err));
    return row.id;
}

static bool has_table(int64_t id)
{
    char path[64];
    snprintf(path, sizeof path, "datasets/%lld.table", (long long)id);
    return state_has(&state, path);
}

START_TEST(the_file_of_a_deleted_dataset_goes_with_the_next_change)
{
    state_upload(&state, "a", "x,y\n1,2\n3,4\n", false);
    state_upload(&state, "b", "x,y\n1,2\n3,4\n", false);
    int64_t a = id_of("a"), b = id_of("b");
    run("ALTER TABLE jobs RENAME TO jobs_away"); /* who still needs a dataset cannot be asked */
    ck_assert(datasets_delete(state.datasets, "a", 0, &err));
    ck_assert(has_table(a));
    ck_assert_ptr_null(
        datasets_begin(state.datasets, "b", false, &err)); /* tries in vain, and keeps it in mind */
    ck_assert(has_table(a));
    run("ALTER TABLE jobs_away RENAME TO jobs");
    state_upload(&state, "c", "x,y\n1,2\n3,4\n", false);
    ck_assert(!has_table(a));
    ck_assert(has_table(b));
    ck_assert(has_table(id_of("c")));
}
END_TEST

START_TEST(the_name_of_an_abandoned_upload_is_free_again)
{
    run("CREATE TRIGGER never BEFORE DELETE ON datasets BEGIN SELECT RAISE(ABORT, 'not now'); END");
    datasets_abort(datasets_begin(state.datasets, "a", false, &err));
    ck_assert_ptr_null(datasets_begin(state.datasets, "a", false, &err)); /* its row is still there */
    ck_assert_int_eq(err.code, ERR_CONFLICT);
    run("DROP TRIGGER never");
    state_upload(&state, "a", "x,y\n1,2\n3,4\n", false);
    ck_assert(has_table(id_of("a")));
}
END_TEST

START_TEST(an_upload_under_way_outlives_the_sweep)
{
    static const struct csv_options options = {0};
    static const char csv[] = "x,y\n1,2\n3,4\n";
    struct upload *upload = datasets_begin(state.datasets, "a", false, &err);
    int fd = state_spool(&state, csv);
    ck_assert(
        datasets_stage(upload, fd, &options, NULL, &err)); /* its table is in place, its row not yet ready */
    close(fd);
    state_upload(&state, "b", csv, false);
    int64_t b = id_of("b");
    run("ALTER TABLE jobs RENAME TO jobs_away");
    ck_assert(datasets_delete(state.datasets, "b", 0, &err));
    run("ALTER TABLE jobs_away RENAME TO jobs");
    state_upload(&state, "b", csv, false);
    ck_assert(!has_table(b)); /* it was swept */
    ck_assert(datasets_publish(&upload, 1, NULL, &err));
    ck_assert(has_table(id_of("a")));
}
END_TEST

START_TEST(what_stays_to_the_end_goes_at_the_next_start)
{
    run("CREATE TRIGGER never BEFORE DELETE ON datasets BEGIN SELECT RAISE(ABORT, 'not now'); END");
    datasets_abort(datasets_begin(state.datasets, "a", false, &err));
    run("DROP TRIGGER never");
    state_close(&state);
    state_open(&state);
    state_upload(&state, "a", "x,y\n1,2\n3,4\n", false);
}
END_TEST

/* A thread that takes the table of "a" over and over. */
struct reader {
    pthread_t thread;
    atomic_bool ended;
    uint64_t n_read;
    struct err err; /* of what failed; code ERR_OK: nothing did */
};

static void *reader_run(void *self)
{
    struct reader *reader = self;
    while (!atomic_load(&reader->ended)) {
        struct table *table = datasets_table(state.datasets, "a", NULL, &reader->err);
        if (!table)
            break;
        reader->n_read++;
        table_unref(table);
    }
    return NULL;
}

START_TEST(a_table_is_found_at_every_moment_of_its_replacement)
{
    struct reader readers[3] = {{.n_read = 0}};
    state_upload(&state, "a", "x,y\n1,2\n3,4\n", false);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&readers[i].thread, NULL, reader_run, &readers[i]), 0);
    for (int i = 0; i < REPLACED; i++)
        state_upload(&state, "a", "x,y\n1,2\n3,4\n", true);
    for (size_t i = 0; i < 3; i++) {
        atomic_store(&readers[i].ended, true);
        pthread_join(readers[i].thread, NULL);
        ck_assert_msg(readers[i].err.code == ERR_OK, "after %llu reads: %s",
                      (unsigned long long)readers[i].n_read, readers[i].err.msg);
    }
}
END_TEST

START_TEST(whoever_looked_at_a_dataset_learns_that_it_was_replaced)
{
    state_upload(&state, "a", "x,y\n1,2\n3,4\n", false);
    int64_t a = id_of("a");
    ck_assert(!datasets_moved(state.datasets, "a", a));
    state_upload(&state, "a", "x,y\n5,6\n7,8\n", true);
    ck_assert(datasets_moved(state.datasets, "a", a));
    ck_assert(!datasets_moved(state.datasets, "a", id_of("a")));
    ck_assert(datasets_delete(state.datasets, "a", 0, &err));
    ck_assert(datasets_moved(state.datasets, "a", a));
}
END_TEST

START_TEST(a_dataset_that_has_taken_the_place_of_another_is_not_deleted_for_it)
{
    state_upload(&state, "a", "x,y\n1,2\n3,4\n", false);
    int64_t a = id_of("a");
    state_upload(&state, "a", "x,y\n5,6\n7,8\n", true);
    ck_assert(!datasets_delete(state.datasets, "a", a, &err));
    ck_assert_int_eq(err.code, ERR_NOT_FOUND);
    ck_assert(has_table(id_of("a")));
    ck_assert(datasets_delete(state.datasets, "a", id_of("a"), &err));
}
END_TEST

START_TEST(a_dataset_that_is_being_replaced_is_not_deleted)
{
    state_upload(&state, "a", "x,y\n1,2\n3,4\n", false);
    struct upload *upload = datasets_begin(state.datasets, "a", true, &err);
    ck_assert_ptr_nonnull(upload);
    ck_assert(!datasets_delete(state.datasets, "a", 0, &err));
    ck_assert_int_eq(err.code, ERR_CONFLICT);
    datasets_abort(upload);
    ck_assert(datasets_delete(state.datasets, "a", 0, &err));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("datasets");
    TCase *tests = tcase_create("datasets");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, the_file_of_a_deleted_dataset_goes_with_the_next_change);
    tcase_add_test(tests, the_name_of_an_abandoned_upload_is_free_again);
    tcase_add_test(tests, an_upload_under_way_outlives_the_sweep);
    tcase_add_test(tests, what_stays_to_the_end_goes_at_the_next_start);
    tcase_add_test(tests, a_table_is_found_at_every_moment_of_its_replacement);
    tcase_add_test(tests, whoever_looked_at_a_dataset_learns_that_it_was_replaced);
    tcase_add_test(tests, a_dataset_that_has_taken_the_place_of_another_is_not_deleted_for_it);
    tcase_add_test(tests, a_dataset_that_is_being_replaced_is_not_deleted);
    suite_add_tcase(suite, tests);
    return suite;
}
