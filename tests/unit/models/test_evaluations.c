/* Evaluations on disk: by pages, worst first, by cell; damage is noticed, and
 * the first layout is still read. */
#include "base/files.h"
#include "helper_main.h"
#include "helper_state.h"
#include "models/evaluations.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
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

/* 10,000 guesses: three blocks. */
static struct evaluation *evaluation_make(void)
{
    struct evaluation *evaluation = calloc(1, sizeof *evaluation);
    *evaluation =
        (struct evaluation){.n_rows = 10000, .values = {0.5, 0.75}, .n_classes = 2, .n_importance = 2};
    evaluation->confusion = calloc(4, sizeof *evaluation->confusion);
    evaluation->confusion[1] = evaluation->confusion[3] = 5000;
    evaluation->importance = calloc(2, sizeof *evaluation->importance);
    evaluation->importance[1] = (struct importance){.column = 7, .drop = 0.25};
    evaluation->values[METRIC_RMSE] = NAN;
    evaluation->guesses = calloc(evaluation->n_rows, sizeof *evaluation->guesses);
    for (uint32_t i = 0; i < evaluation->n_rows; i++)
        evaluation->guesses[i] = (struct guess){.row = 3 * i,
                                                .label = (float)(i % 2),
                                                .guess = 1,
                                                .probability = 0.5f,
                                                .loss = (float)(i * 7919 % 10007)};
    return evaluation;
}

static struct evaluation *page_read(int fd, struct evaluation_page page, uint64_t *n)
{
    uint64_t n_matching;
    struct evaluation *evaluation = evaluations_read(fd, &page, n, &n_matching, &err);
    ck_assert_msg(evaluation != NULL, "%s", err.msg);
    ck_assert_uint_eq(n_matching, page.label >= 0 || page.guess >= 0 ? 5000 : 10000);
    return evaluation;
}

#define ALL .label = -1, .guess = -1

START_TEST(an_evaluation_is_read_by_pages_and_damage_is_noticed)
{
    uint64_t n, n_bytes;
    struct evaluation *evaluation = evaluation_make();
    int fd = store_temp(state.store, NULL, &err);
    ck_assert(evaluations_write(fd, evaluation, &err));
    struct evaluation *page = page_read(fd, (struct evaluation_page){4090, 20, ALL}, &n);
    ck_assert_uint_eq(n, 20);
    ck_assert_uint_eq(page->n_rows, 10000);
    ck_assert_uint_eq(page->confusion[3], 5000);
    ck_assert(page->values[METRIC_ACCURACY] == 0.75 && isnan(page->values[METRIC_RMSE]));
    ck_assert(page->importance[1].column == 7 && page->importance[1].drop == 0.25);
    ck_assert_mem_eq(page->guesses, evaluation->guesses + 4090, 20 * sizeof(struct guess));
    evaluation_free(page);
    evaluation_free(page_read(fd, (struct evaluation_page){9990, UINT64_MAX, ALL}, &n));
    ck_assert_uint_eq(n, 10);
    evaluation_free(page_read(fd, (struct evaluation_page){UINT64_MAX, 5, ALL}, &n));
    ck_assert_uint_eq(n, 0);
    ck_assert(files_size(fd, &n_bytes, &err));
    const uint64_t places[] = {0, 9, 70, 300, n_bytes - 20 * 11000, n_bytes - 1};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char byte, damaged;
        struct evaluation_page last = {9000, 1000, .worst = places[i] + 1 == n_bytes, ALL};
        ck_assert(files_read_at(fd, &byte, 1, places[i], &err));
        damaged = (char)(byte ^ 4);
        ck_assert_int_eq(pwrite(fd, &damaged, 1, (off_t)places[i]), 1);
        ck_assert_msg(!evaluations_read(fd, &last, &n, &n, &err) && err.code == ERR_CORRUPT, "byte %d",
                      (int)places[i]);
        ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)places[i]), 1);
    }
    ck_assert_int_eq(ftruncate(fd, (off_t)n_bytes - 1), 0);
    ck_assert_ptr_null(evaluations_read(fd, &(struct evaluation_page){0, 1, ALL}, &n, &n, &err));
    ck_assert_int_eq(err.code, ERR_CORRUPT);
    evaluation_free(evaluation);
    close(fd);
}
END_TEST

START_TEST(an_evaluation_is_read_worst_first_and_by_cell)
{
    uint64_t n;
    struct evaluation *evaluation = evaluation_make();
    int fd = store_temp(state.store, NULL, &err);
    ck_assert(evaluations_write(fd, evaluation, &err));
    struct evaluation *page = page_read(fd, (struct evaluation_page){0, 10000, .worst = true, ALL}, &n);
    ck_assert_uint_eq(n, 10000);
    for (uint64_t i = 1; i < n; i++)
        ck_assert(page->guesses[i - 1].loss > page->guesses[i].loss ||
                  (page->guesses[i - 1].loss == page->guesses[i].loss &&
                   page->guesses[i - 1].row < page->guesses[i].row));
    evaluation_free(page);
    page = page_read(fd, (struct evaluation_page){4000, 10, .label = 1, .guess = 1}, &n);
    ck_assert_uint_eq(n, 10);
    for (uint64_t i = 0; i < n; i++) /* every other row is of class 1 */
        ck_assert_mem_eq(&page->guesses[i], &evaluation->guesses[2 * (4000 + i) + 1], sizeof *page->guesses);
    evaluation_free(page);
    page = page_read(fd, (struct evaluation_page){4995, 10, .worst = true, .label = 0, .guess = -1}, &n);
    ck_assert_uint_eq(n, 5);
    ck_assert(page->guesses[0].label == 0 && page->guesses[0].loss >= page->guesses[4].loss);
    evaluation_free(page);
    evaluation_free(evaluation);
    close(fd);
}
END_TEST

/* Two classes, three rows, as the first layout had them: 16 bytes a guess, no
 * loss. */
START_TEST(an_evaluation_of_the_first_layout_is_read)
{
    unsigned char bytes[3 * 8 + 5 * 8 + 4 * 8 + 2 * 8 + 3 * 16] = {0};
    const uint64_t counts[] = {0x314c415645504c4du, 3, 2}, confusion[] = {1, 0, 0, 2};
    const double scores[] = {0.5, 0.75, NAN, NAN, NAN};
    uint64_t n, hash;
    for (uint32_t i = 0; i < 3; i++) {
        struct guess guess = {.row = 10 + i, .label = i > 0, .guess = i > 0, .probability = 0.5f};
        memcpy(bytes + 112 + 16 * i, &guess, 16);
    }
    memcpy(bytes, counts, 24);
    memcpy(bytes + 24, scores, 40);
    memcpy(bytes + 64, confusion, 32);
    hash = files_hash(FILES_HASH, bytes + 112, 48);
    memcpy(bytes + 96, &hash, 8);
    hash = files_hash(FILES_HASH, bytes, 104);
    memcpy(bytes + 104, &hash, 8);
    int fd = store_temp(state.store, NULL, &err);
    ck_assert(files_write(fd, bytes, sizeof bytes, &err));
    uint64_t n_matching;
    struct evaluation *page =
        evaluations_read(fd, &(struct evaluation_page){0, 9, .worst = true, ALL}, &n, &n_matching, &err);
    ck_assert_msg(page != NULL, "%s", err.msg);
    ck_assert(n == 3 && page->values[METRIC_ACCURACY] == 0.75 && isnan(page->values[METRIC_AUC]) &&
              page->n_importance == 0);
    ck_assert(page->guesses[2].row == 12 && page->guesses[2].label == 1 && isnan(page->guesses[2].loss));
    evaluation_free(page);
    close(fd);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("evaluations");
    TCase *tests = tcase_create("evaluations");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, an_evaluation_is_read_by_pages_and_damage_is_noticed);
    tcase_add_test(tests, an_evaluation_is_read_worst_first_and_by_cell);
    tcase_add_test(tests, an_evaluation_of_the_first_layout_is_read);
    suite_add_tcase(suite, tests);
    return suite;
}
