/* Records of objects: what is written is read again, to the bit, and damage is
 * never taken for a record. */
#include "base/files.h"
#include "helper_main.h"
#include "store/about.h"

#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[256];
static struct err err;
static struct about about, found;

static void setup(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/mlpd-test-XXXXXX", tmp ? tmp : "/tmp");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    memset(&err, 0, sizeof err);
    memset(&about, 0, sizeof about);
    memset(&found, 0, sizeof found);
}

static void teardown(void)
{
    unlink(path);
    about_done(&found);
}

static void write_and_read(void)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    ck_assert_int_ge(fd, 0);
    ck_assert_msg(about_write(fd, &about, true, &err), "%s", err.msg);
    close(fd);
    ck_assert_msg(about_read(path, &found, &err), "%s", err.msg);
    ck_assert_int_eq(found.kind, about.kind);
    ck_assert_int_eq(found.id, about.id);
    ck_assert_uint_eq(found.change, about.change);
}

static void model_make(void)
{
    about = (struct about){.kind = ABOUT_MODEL, .id = 12, .change = 9, .newest = 7};
    about.model = (struct model_row){
        .name = "m.1", .version = 3, .state = MODEL_PARTIAL, .job = 5, .created = "2026-01-02T03:04:05.678Z"};
    about.model.task = TASK_REGRESSION;
    about.model.loss = 1.0 / 3;
    about.model.accuracy = about.model.mae = about.model.r2 = NAN;
    about.model.rmse = -1e-300;
    about.model.evaluated_on = ROWS_TRAIN;
    about.model.promoted = 3;
}

START_TEST(a_dataset_comes_back)
{
    about = (struct about){
        .kind = ABOUT_DATASET, .id = 7, .change = 1ull << 40, .text = "{\"columns\":[\"\\u0000\xc3\xa4\"]}"};
    about.dataset = (struct dataset_row){
        .name = "d", .n_rows = 1ull << 50, .separator = (char)0xe9, .quote = '\0', .header = true};
    about.dataset.encoding = CSV_LATIN1;
    snprintf(about.dataset.compression, sizeof about.dataset.compression, "zstd");
    write_and_read();
    ck_assert_str_eq(found.text, about.text);
    ck_assert_str_eq(found.dataset.name, "d");
    ck_assert_uint_eq(found.dataset.n_rows, 1ull << 50);
    ck_assert(found.dataset.separator == (char)0xe9 && found.dataset.header && !found.dataset.count_line);
    ck_assert_int_eq(found.dataset.encoding, CSV_LATIN1);
    ck_assert_str_eq(found.dataset.compression, "zstd");
}
END_TEST

START_TEST(a_deleted_dataset_says_no_more)
{
    about = (struct about){.kind = ABOUT_DATASET, .id = 7, .deleted = true};
    write_and_read();
    ck_assert(found.deleted && !found.text);
}
END_TEST

START_TEST(a_model_comes_back)
{
    model_make();
    write_and_read();
    ck_assert_str_eq(found.model.name, "m.1");
    ck_assert(found.model.loss == 1.0 / 3 && found.model.rmse == -1e-300 && isnan(found.model.r2));
    ck_assert(found.model.version == 3 && found.newest == 7 && found.model.promoted == 3 &&
              found.model.job == 5);
    ck_assert(found.model.state == MODEL_PARTIAL && found.model.task == TASK_REGRESSION &&
              found.model.evaluated_on == ROWS_TRAIN);
    ck_assert_str_eq(found.model.created, about.model.created);
}
END_TEST

START_TEST(a_job_comes_back)
{
    about = (struct about){.kind = ABOUT_JOB, .id = 1, .text = "{\"dataset\": \"d\"}"};
    about.job = (struct job_row){.state = JOB_PAUSED,
                                 .dataset = "d",
                                 .dataset_id = 7,
                                 .model = "m",
                                 .priority = PRIORITY_MIN,
                                 .weight = 3};
    snprintf(about.job.title, sizeof about.job.title, "\"a\\\n\xe2\x82\xac");
    about.job.max_seconds = NAN;
    write_and_read();
    ck_assert_str_eq(found.text, about.text);
    ck_assert_str_eq(found.job.title, about.job.title);
    ck_assert(found.job.state == JOB_PAUSED && found.job.priority == PRIORITY_MIN &&
              isnan(found.job.max_seconds));
    ck_assert(found.job.dataset_id == 7 && !found.job.test[0]);
}
END_TEST

/* The whole file, and its length. */
static size_t content_get(char *content, size_t size)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, content, size);
    close(fd);
    ck_assert_int_gt(n, 0);
    return (size_t)n;
}

static void content_put(const char *content, size_t n)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    ck_assert(files_write(fd, content, n, &err));
    close(fd);
}

START_TEST(no_damage_is_taken_for_a_record)
{
    static char content[4096], other[4096];
    model_make();
    write_and_read();
    size_t n = content_get(content, sizeof content);
    for (size_t i = 0; i < n; i += i < 40 ? 1 : 11) {
        content_put(content, i); /* cut */
        ck_assert(!about_read(path, &found, &err) && err.code == ERR_CORRUPT);
        memcpy(other, content, n);
        other[i] ^= 1;
        content_put(other, n);
        ck_assert_msg(!about_read(path, &found, &err) && err.code == ERR_CORRUPT, "byte %zu", i);
    }
}
END_TEST

/* With a right checksum, as somebody else may write it. */
START_TEST(members_are_checked)
{
    static const char *const changes[][2] = {{"\"m.1\"", "\"../m\""},
                                             {"\"m.1\"", "7"},
                                             {"\"version\":3", "\"version\":-3"},
                                             {"\"id\":12", "\"id\":0"},
                                             {"\"id\":12", "\"id\":1.5"},
                                             {"\"model\"", "\"nothing\""},
                                             {"\"state\":1", "\"state\":2"},
                                             {"\"loss\":", "\"lass\":"},
                                             {"\"newest\":7", "\"newest\":1e38"},
                                             {"{", "["},
                                             {"false", "null"}};
    model_make();
    char *text = about_print(&about, &err);
    ck_assert(about_parse(text, strlen(text), &found, &err));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char changed[4096];
        const char *at = strstr(text, changes[i][0]);
        ck_assert_msg(at != NULL, "%s", changes[i][0]);
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, changes[i][1],
                 at + strlen(changes[i][0]));
        ck_assert_msg(!about_parse(changed, strlen(changed), &found, &err) && err.code == ERR_CORRUPT, "%s",
                      changed);
    }
    free(text);
}
END_TEST

START_TEST(only_a_file_is_read)
{
    unlink(path);
    ck_assert(!about_read(path, &found, &err) && err.code == ERR_NOT_FOUND);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert(!about_read(path, &found, &err) && err.code == ERR_CORRUPT);
    unlink(path);
    ck_assert_int_eq(symlink("/etc/hostname", path), 0);
    ck_assert(!about_read(path, &found, &err) && err.code == ERR_CORRUPT);
}
END_TEST

START_TEST(notes_tell_a_model_what_they_hold)
{
    struct model_row row = {.name = "", .version = 9};
    about_notes("not a JSON", &row);
    ck_assert(!row.name[0] && row.version == 9);
    about_notes("{\"name\":\"n\",\"created\":\"c\",\"state\":\"partial\",\"job\":4,\"epochs\":6,\"request\":{"
                "\"test_split\":0.2}}",
                &row);
    ck_assert_str_eq(row.name, "n");
    ck_assert(row.state == MODEL_PARTIAL && row.job == 4 && row.epochs == 6 &&
              row.evaluated_on == ROWS_TEST && row.version == 9);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("about");
    TCase *tests = tcase_create("records");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_dataset_comes_back);
    tcase_add_test(tests, a_deleted_dataset_says_no_more);
    tcase_add_test(tests, a_model_comes_back);
    tcase_add_test(tests, a_job_comes_back);
    tcase_add_test(tests, no_damage_is_taken_for_a_record);
    tcase_add_test(tests, members_are_checked);
    tcase_add_test(tests, only_a_file_is_read);
    tcase_add_test(tests, notes_tell_a_model_what_they_hold);
    suite_add_tcase(suite, tests);
    return suite;
}
