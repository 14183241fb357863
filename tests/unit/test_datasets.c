/* What a failing catalogue keeps from being removed is removed once it works again, without a restart. */
#include "helper_state.h"

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
    ck_assert(datasets_delete(state.datasets, "a", &err));
    ck_assert(has_table(a));
    ck_assert_ptr_null(datasets_begin(state.datasets, "b", false, &err)); /* tries in vain, and keeps it in mind */
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
    ck_assert(datasets_stage(upload, fd, &options, NULL, &err)); /* its table is in place, its row not yet ready */
    close(fd);
    state_upload(&state, "b", csv, false);
    int64_t b = id_of("b");
    run("ALTER TABLE jobs RENAME TO jobs_away");
    ck_assert(datasets_delete(state.datasets, "b", &err));
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

int main(void)
{
    Suite *suite = suite_create("datasets");
    TCase *tests = tcase_create("datasets");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_file_of_a_deleted_dataset_goes_with_the_next_change);
    tcase_add_test(tests, the_name_of_an_abandoned_upload_is_free_again);
    tcase_add_test(tests, an_upload_under_way_outlives_the_sweep);
    tcase_add_test(tests, what_stays_to_the_end_goes_at_the_next_start);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
