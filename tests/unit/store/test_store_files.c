/* The state folder's files: nothing is deleted but what a row said may go, and
 * a catalogue that can't be the files' own is refused. */
#include "daemon/tell.h"
#include "helper_main.h"
#include "helper_state.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct state state;
static struct err err;

static void setup(void)
{
    memset(&err, 0, sizeof err);
    state_new(&state);
    state_upload(&state, "d", "a,b\n1,2\n3,4\n", false);
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

static const char *full(const char *path)
{
    static char text[640];
    snprintf(text, sizeof text, "%s/%.300s", state.dir, path);
    return text;
}

static void file_put(const char *path, const char *content)
{
    int fd = open(full(path), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    close(fd);
}

static bool entry_there(const char *path)
{
    struct stat status;
    return lstat(full(path), &status) == 0;
}

/* Whether lost/ holds the file, in the folder of whichever start; `path`: as in
 * "datasets/99.table". */
static int lost_count(const char *path)
{
    char inner[128];
    int n = 0;
    struct dirent *entry;
    DIR *listing = opendir(full("lost"));
    while (listing && (entry = readdir(listing))) {
        snprintf(inner, sizeof inner, "lost/%.60s/%.40s", entry->d_name, path);
        n += entry->d_name[0] != '.' && entry_there(inner);
    }
    if (listing)
        closedir(listing);
    return n;
}

static void sql(const char *text)
{
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(full("mlpd.db"), &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

static int64_t dataset_id(const char *name)
{
    struct dataset_row row;
    ck_assert_msg(store_dataset_find(state.store, name, &row, &err), "%s", err.msg);
    return row.id;
}

START_TEST(what_is_not_ours_by_name_stays)
{
    static const char *const files[] = {"datasets/7.notes",
                                        "datasets/README",
                                        "models/007.model",
                                        "models/5.model.backup",
                                        "checkpoints/1.2",
                                        "datasets/1.tables",
                                        "models/99999999999999999999.model"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        file_put(files[i], "mine");
    ck_assert_int_eq(mkdir(full("models/folder"), 0700), 0);
    ck_assert_int_eq(mkfifo(full("models/fifo"), 0600), 0);
    ck_assert_int_eq(symlink("/nowhere", full("datasets/link")), 0);
    reopen();
    reopen();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        ck_assert_msg(entry_there(files[i]), "%s", files[i]);
    ck_assert(entry_there("models/folder") && entry_there("models/fifo") && entry_there("datasets/link"));
    ck_assert(!entry_there("lost"));
}
END_TEST

START_TEST(files_that_no_row_knows_move_to_lost_and_nothing_there_is_overwritten)
{
    static const char *const files[] = {"datasets/99.table", "models/77.model", "models/77.eval",
                                        "checkpoints/55.0", "checkpoints/55.1"};
    for (int round = 1; round <= 3; round++) {
        for (size_t i = 0; i < sizeof files / sizeof *files; i++)
            file_put(files[i], "stray");
        reopen();
        for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
            ck_assert_msg(!entry_there(files[i]), "%s", files[i]);
            ck_assert_msg(lost_count(files[i]) == round, "%s", files[i]);
        }
    }
    ck_assert(dataset_id("d") > 0);
}
END_TEST

START_TEST(links_pipes_and_folders_with_a_name_of_ours_are_moved_not_opened)
{
    file_put("outside", "mine");
    ck_assert_int_eq(symlink("../outside", full("datasets/99.table")), 0);
    ck_assert_int_eq(mkfifo(full("models/98.model"), 0600), 0);
    ck_assert_int_eq(mkdir(full("checkpoints/97.0"), 0700), 0);
    reopen();
    ck_assert_int_eq(lost_count("datasets/99.table"), 1);
    ck_assert_int_eq(lost_count("models/98.model"), 1);
    ck_assert_int_eq(lost_count("checkpoints/97.0"), 1);
    ck_assert(entry_there("outside"));
}
END_TEST

/* Also where the file could not be moved away. */
START_TEST(a_strays_number_is_not_given_to_another)
{
    int64_t id;
    file_put("datasets/99.table", "stray");
    file_put("models/500.model", "stray");
    file_put("datasets/999999999999999.table", "stray"); /* absurd: it takes no numbers away */
    reopen();
    ck_assert(store_dataset_reserve(state.store, "n", false, &id, &err));
    ck_assert_int_eq(id, 100);
    ck_assert(store_model_reserve(state.store, &id, &err));
    ck_assert_int_eq(id, 501);
}
END_TEST

START_TEST(a_deletion_that_a_crash_cut_short_is_finished_at_the_next_start)
{
    char table[64];
    snprintf(table, sizeof table, "datasets/%" PRId64 ".table", dataset_id("d"));
    state_upload(&state, "other", "a,b\n1,2\n", false);
    state_close(&state);
    sql("DELETE FROM datasets WHERE name = 'd'"); /* committed, not yet unlinked */
    state_open(&state);
    ck_assert(!entry_there(table));
    ck_assert(!entry_there("lost"));
    state_close(&state);
    file_put(table, "stray"); /* the record is gone: a file of that number is a unknown's */
    state_open(&state);
    ck_assert_int_eq(lost_count(table), 1);
}
END_TEST

/* The row of an older catalogue is not yet published, its file is. */
START_TEST(a_published_file_is_not_taken_for_an_unfinished_one)
{
    char table[64];
    snprintf(table, sizeof table, "datasets/%" PRId64 ".table", dataset_id("d"));
    state_upload(&state, "other", "a,b\n1,2\n", false);
    state_close(&state);
    sql("UPDATE datasets SET state = 'loading' WHERE name = 'd'");
    state_open(&state);
    ck_assert(!entry_there(table));
    ck_assert_int_eq(lost_count(table), 1);
}
END_TEST

START_TEST(what_stands_in_the_place_of_a_file_to_be_removed_or_made_is_not_lost)
{
    char table[64], next[64];
    snprintf(table, sizeof table, "datasets/%" PRId64 ".table", dataset_id("d"));
    snprintf(next, sizeof next, "datasets/%" PRId64 ".table", dataset_id("d") + 1);
    file_put(next, "mine");
    state_upload(&state, "other", "a,b\n1,2\n", false);
    ck_assert_int_eq(lost_count(next), 1);
    ck_assert_int_eq(unlink(full(table)), 0);
    ck_assert_int_eq(mkdir(full(table), 0700), 0);
    ck_assert(datasets_delete(state.datasets, "d", 0, &err));
    ck_assert(entry_there(table));
    reopen();
    ck_assert_int_eq(lost_count(table), 1);
}
END_TEST

/* The folder can't be opened; its tables stay. */
static void assert_refused(const char *word)
{
    struct store *store = store_open(state.dir, &err);
    ck_assert_ptr_null(store);
    ck_assert_int_eq(err.code, ERR_CORRUPT);
    ck_assert_msg(strstr(err.msg, word) && strstr(err.msg, "--recover") && strstr(err.msg, "mlpd.db"), "%s",
                  err.msg);
    ck_assert(entry_there("datasets/1.table") && entry_there("datasets/7.notes") && entry_there("tmp/kept"));
    ck_assert(!entry_there("lost"));
}

static void keep(bool back)
{
    static const char *const names[] = {"mlpd.db", "kept.db"};
    char from[640];
    snprintf(from, sizeof from, "%s", full(names[back]));
    ck_assert_int_eq(rename(from, full(names[!back])), 0);
}

START_TEST(a_catalogue_that_is_missing_empty_or_no_database_is_refused)
{
    state_close(&state);
    file_put("datasets/7.notes", "mine");
    file_put("tmp/kept", "mine");
    keep(false);
    assert_refused("missing beside 1 ");
    ck_assert(!entry_there("mlpd.db"));
    file_put("mlpd.db", "");
    assert_refused("empty beside 1 ");
    file_put("mlpd.db", "no catalogue, but a text that is longer than the head of a database");
    assert_refused("not an SQLite database");
    unlink(full("mlpd.db"));
    ck_assert_int_eq(mkfifo(full("mlpd.db"), 0600), 0);
    assert_refused("is not a file");
    unlink(full("mlpd.db"));
    keep(true);
    state_open(&state);
    ck_assert(dataset_id("d") > 0);
}
END_TEST

START_TEST(a_catalogue_without_rows_beside_files_is_refused)
{
    state_close(&state);
    file_put("datasets/7.notes", "mine");
    file_put("tmp/kept", "mine");
    keep(false);
    sql("PRAGMA journal_mode = WAL"); /* a database without a schema */
    assert_refused("knows nothing of the 1 ");
    unlink(full("mlpd.db"));
    keep(true);
    sql("DELETE FROM datasets; DELETE FROM doomed"); /* all rows were in the log that is gone */
    assert_refused("knows nothing of the 1 ");
    ck_assert_int_eq(unlink(full("datasets/1.table")), 0);
    state_open(&state); /* with no file beside it, it is as good as new */
}
END_TEST

START_TEST(a_damaged_catalogue_is_refused)
{
    struct stat status;
    char page[4096];
    memset(page, 0x55, sizeof page);
    for (int i = 0; i < 200; i++)
        state_upload(&state, "again", "a,b\n1,2\n3,4\n", true);
    state_close(&state);
    file_put("datasets/7.notes", "mine");
    file_put("tmp/kept", "mine");
    ck_assert_int_eq(stat(full("mlpd.db"), &status), 0);
    int fd = open(full("mlpd.db"), O_RDWR);
    for (off_t at = 4096; at < status.st_size; at += 4096)
        ck_assert_int_eq(pwrite(fd, page, sizeof page, at), (ssize_t)sizeof page);
    close(fd);
    assert_refused("damaged");
    unlink(full("mlpd.db"));
    for (int id = 1; id < 300; id++) {
        char path[64];
        snprintf(path, sizeof path, "datasets/%d.table", id);
        unlink(full(path));
    }
    state_open(&state);
}
END_TEST

static void file_copy(const char *from, const char *to)
{
    char command[1400], source[640];
    snprintf(source, sizeof source, "%s", full(from));
    snprintf(command, sizeof command, "cp '%s' '%s'", source, full(to));
    ck_assert_int_eq(system(command), 0);
}

static int aside_count(void)
{
    int n = 0;
    struct dirent *entry;
    DIR *listing = opendir(state.dir);
    while ((entry = readdir(listing)))
        n += !strncmp(entry->d_name, "mlpd.db.before-recover-", 23);
    closedir(listing);
    return n;
}

/* What a recovery leaves that is killed after it has finished the new
 * catalogue, wherever the old one is by then. */
START_TEST(a_finished_recovery_is_carried_out_by_any_start)
{
    for (int moved = 0; moved <= 3; moved++) {
        state_close(&state);
        keep(false);
        file_copy("kept.db", "mlpd.db.recovered");
        unlink(full("kept.db"));
        if (moved < 1)
            file_put("mlpd.db-wal", "the log of the old one");
        if (moved < 2)
            file_put("mlpd.db-shm", "");
        if (moved < 3)
            file_put("mlpd.db", "the old one");
        state_open(&state);
        ck_assert(dataset_id("d") > 0);
        ck_assert(!entry_there("mlpd.db.recovered"));
    }
    ck_assert_int_ge(aside_count(), 1);
}
END_TEST

START_TEST(an_unfinished_recovery_leaves_the_old_catalogue)
{
    state_close(&state);
    file_put("tmp/recovered.db", "half");
    state_open(&state);
    ck_assert(dataset_id("d") > 0);
    ck_assert(!entry_there("tmp/recovered.db"));
    ck_assert_int_eq(aside_count(), 0);
}
END_TEST

START_TEST(a_recovery_brings_rows_back_and_is_harmless_where_nothing_is_wrong)
{
    struct dataset_row before = {0}, after = {0};
    ck_assert(store_dataset_rename(state.store, "d", "renamed", &err));
    ck_assert(store_dataset_find(state.store, "renamed", &before, &err));
    state_close(&state);
    ck_assert_msg(store_recover(state.dir, &file_readers, &err), "%s", err.msg);
    ck_assert_int_eq(aside_count(), 0);
    ck_assert_int_eq(unlink(full("mlpd.db")), 0);
    ck_assert_msg(store_recover(state.dir, &file_readers, &err), "%s", err.msg);
    state_open(&state);
    ck_assert(store_dataset_find(state.store, "renamed", &after, &err));
    ck_assert_mem_eq(&before, &after, sizeof before);
}
END_TEST

START_TEST(of_two_datasets_of_a_name_the_newer_has_it)
{
    struct dataset_row row;
    state_upload(&state, "d", "a,b\n1,2\n3,4\n5,6\n", true);
    state_close(&state);
    file_copy("datasets/2.table", "datasets/1.table");
    ck_assert_int_eq(unlink(full("mlpd.db")), 0);
    ck_assert_msg(store_recover(state.dir, &file_readers, &err), "%s", err.msg);
    state_open(&state);
    ck_assert(store_dataset_find(state.store, "d", &row, &err));
    ck_assert_int_eq(row.id, 2);
    ck_assert(store_dataset_find(state.store, "recovered-1", &row, &err));
    ck_assert_uint_eq(row.n_rows, 3);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("store_files");
    TCase *tests = tcase_create("files");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_is_not_ours_by_name_stays);
    tcase_add_test(tests, files_that_no_row_knows_move_to_lost_and_nothing_there_is_overwritten);
    tcase_add_test(tests, links_pipes_and_folders_with_a_name_of_ours_are_moved_not_opened);
    tcase_add_test(tests, a_strays_number_is_not_given_to_another);
    tcase_add_test(tests, a_deletion_that_a_crash_cut_short_is_finished_at_the_next_start);
    tcase_add_test(tests, a_published_file_is_not_taken_for_an_unfinished_one);
    tcase_add_test(tests, what_stands_in_the_place_of_a_file_to_be_removed_or_made_is_not_lost);
    tcase_add_test(tests, a_catalogue_that_is_missing_empty_or_no_database_is_refused);
    tcase_add_test(tests, a_catalogue_without_rows_beside_files_is_refused);
    tcase_add_test(tests, a_damaged_catalogue_is_refused);
    tcase_add_test(tests, a_finished_recovery_is_carried_out_by_any_start);
    tcase_add_test(tests, an_unfinished_recovery_leaves_the_old_catalogue);
    tcase_add_test(tests, a_recovery_brings_rows_back_and_is_harmless_where_nothing_is_wrong);
    tcase_add_test(tests, of_two_datasets_of_a_name_the_newer_has_it);
    suite_add_tcase(suite, tests);
    return suite;
}
