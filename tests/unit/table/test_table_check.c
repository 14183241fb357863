/* A table's groups of rows are checked when they are first read: damage is
 * named by file and rows, and the rest stays usable. */
#include "helper_main.h"
#include "helper_table.h"
#include "helper_training.h"
#include "mlp/evaluation.h"
#include "table/private.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 3000 };

static struct err err;

static void setup(void)
{
    memset(&err, 0, sizeof err);
    folder_make();
}

/* Numbers, categories and, where wanted, texts in many groups. */
static void table_make(bool texts)
{
    static const struct csv_type types[] = {{.column = "c", .type = COLUMN_TEXT}};
    static const char *const words[] = {"low", "mid", "high"};
    char *csv = malloc(ROWS * 40 + 20), *at = csv + sprintf(csv, "a,b,c,y\n");
    ck_assert_ptr_nonnull(csv);
    uint64_t state = 5;
    for (int i = 0; i < ROWS; i++) {
        double a = random_below(&state, 1000) / 500.0 - 1, b = random_below(&state, 1000) / 500.0 - 1;
        at += sprintf(at, "%.3f,%.3f,%s,%s\n", a, b, words[i * 7 % 3], words[(a > 0) + (b > 0)]);
    }
    struct reading reading = {.csv = csv,
                              .options = {.n_threads = 2, .types = types, .n_types = texts ? 1 : 0},
                              .sizes = {2048, 4096, 100}};
    ck_assert_msg(ingest(&reading), "%s", reading.err.msg);
    free(csv);
}

static struct table *table_again(void)
{
    struct table *table = table_open(table_path, &err);
    ck_assert_msg(table != NULL, "%s", err.msg);
    return table;
}

static void byte_flip(uint64_t at)
{
    char byte;
    int fd = open(table_path, O_RDWR);
    ck_assert_int_eq(pread(fd, &byte, 1, (off_t)at), 1);
    byte ^= 0x20;
    ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
    close(fd);
}

/* How many rows are damaged, as the table says row by row; they are one after
 * the other, and *first is the first. */
static uint64_t rows_damaged(const struct table *table, uint64_t *first)
{
    uint64_t n = 0;
    for (uint64_t row = 0; row < ROWS; row++)
        if (!table_check(table, row, 1, &err)) {
            ck_assert_int_eq(err.code, ERR_CORRUPT);
            *first = n == 0 ? row : *first;
            ck_assert_uint_eq(row, *first + n);
            n++;
        }
    return n;
}

START_TEST(a_damaged_byte_costs_its_group_and_no_other_row)
{
    bool texts = _i != 0;
    table_make(texts);
    struct table *table = table_again();
    uint64_t n_groups = table->schema.n_groups, first = 0, bytes = table->map.n_bytes;
    char expected[100];
    ck_assert_uint_gt(n_groups, 20);
    ck_assert_uint_eq(rows_damaged(table, &first), 0);
    ck_assert(table_is_checked(table));
    table_unref(table);
    for (uint64_t at = TABLE_RECORDS_AT; at + 1 < bytes; at += 977) {
        byte_flip(at);
        table = table_again();
        uint64_t n = rows_damaged(table, &first);
        ck_assert_msg(n > 0 && n < ROWS / 10, "byte %llu: %llu rows", (unsigned long long)at,
                      (unsigned long long)n);
        snprintf(expected, sizeof expected, "rows %llu to %llu of table are damaged",
                 (unsigned long long)first + 1, (unsigned long long)(first + n));
        ck_assert(!table_check(table, 0, ROWS, &err));
        ck_assert_str_eq(err.msg, expected);
        ck_assert_uint_eq(err.row, first + 1);
        ck_assert(!table_check(table, first, 1, &err) && table_check_group(table, first, &err) == 0);
        ck_assert_uint_gt(table_check_group(table, first > 0 ? 0 : ROWS - 1, &err), 0);
        ck_assert(table_check(table, 0, first, &err) &&
                  table_check(table, first + n, ROWS - first - n, &err));
        ck_assert(!table_is_checked(table) && !table_verify(table, &err));
        ck_assert_str_eq(err.msg, expected);
        table_unref(table);
        byte_flip(at);
    }
}
END_TEST

START_TEST(a_group_is_read_once)
{
    table_make(false);
    struct table *table = table_again();
    uint64_t end = table_check_group(table, 0, &err);
    ck_assert(end > 0 && end < ROWS);
    byte_flip(TABLE_RECORDS_AT);
    ck_assert(table_check(table, 0, end, &err) && table_check_group(table, 0, &err) == end);
    ck_assert_msg(!table_verify(table, &err), "but a verification reads all");
    table_unref(table);
}
END_TEST

START_TEST(a_table_that_is_cut_cannot_be_read_and_opens_no_more)
{
    table_make(true);
    struct table *table = table_again();
    ck_assert(table_check(table, 0, 1, &err) && table_check_read(table, &err));
    ck_assert_int_eq(truncate(table_path, TABLE_RECORDS_AT + 10), 0);
    ck_assert(!table_check_read(table, &err));
    ck_assert(!table_check(table, 0, ROWS, &err));
    ck_assert_int_eq(err.code, ERR_CORRUPT);
    ck_assert_msg(strncmp(err.msg, "table ", 6) == 0, "%s", err.msg);
    table_unref(table);
    ck_assert_ptr_null(table_open(table_path, &err));
    ck_assert_int_eq(err.code, ERR_CORRUPT);
}
END_TEST

/* --- the file read whole --- */

struct found {
    uint64_t n_bytes, n_ticks, ticks_left;
    uint64_t first, last, n_damaged;
};

static bool ticked(void *self, uint64_t n_bytes)
{
    struct found *found = self;
    found->n_bytes += n_bytes;
    found->n_ticks++;
    return found->n_ticks != found->ticks_left;
}

static void found_damaged(void *self, uint64_t first, uint64_t last)
{
    struct found *found = self;
    found->first = first;
    found->last = last;
    found->n_damaged++;
}

static bool scrub(struct found *found, uint64_t n_ticks)
{
    *found = (struct found){.ticks_left = n_ticks};
    return table_scrub(table_path,
                       &(struct table_scrub){.tick = ticked, .damaged = found_damaged, .self = found}, &err);
}

START_TEST(a_file_read_whole_tells_its_damaged_rows)
{
    struct found found;
    table_make(_i != 0);
    struct table *table = table_again();
    uint64_t bytes = table->map.n_bytes, n_groups = table->schema.n_groups, first = 0;
    table_unref(table);
    ck_assert_msg(scrub(&found, 0), "%s", err.msg);
    ck_assert_uint_eq(found.n_damaged, 0);
    ck_assert_uint_eq(found.n_bytes, bytes - TABLE_RECORDS_AT);
    ck_assert_uint_eq(found.n_ticks, n_groups);
    for (uint64_t at = TABLE_RECORDS_AT; at + 1 < bytes; at += 1777) {
        byte_flip(at);
        ck_assert(scrub(&found, 0));
        ck_assert_uint_eq(found.n_damaged, 1);
        table = table_again();
        ck_assert_uint_eq(rows_damaged(table, &first), found.last - found.first + 1);
        ck_assert_uint_eq(first + 1, found.first);
        uint64_t begin = 0, end = 0;
        ck_assert(table_damage(table, 0, &begin, &end) && begin == first && end == found.last);
        ck_assert(!table_damage(table, end, &begin, &end));
        table_unref(table);
        byte_flip(at);
    }
    ck_assert(!scrub(&found, 3));
    ck_assert_int_eq(err.code, ERR_STOPPED);
    ck_assert_uint_eq(found.n_ticks, 3);
    ck_assert_int_eq(truncate(table_path, (off_t)bytes), 0);
    ck_assert(!scrub(&found, 0));
    ck_assert_int_eq(err.code, ERR_CORRUPT);
}
END_TEST

/* --- training --- */

static struct fixture fixture_of_table(void)
{
    struct fixture f = {.table = table_again(), .n_rows = ROWS, .rows = malloc(ROWS * sizeof *f.rows)};
    for (uint32_t i = 0; i < ROWS; i++)
        f.rows[i] = i;
    f.recipe = recipe_fit(f.table, f.rows, ROWS, &(struct recipe_options){.target = "y"}, &err);
    must(f.recipe != NULL, &err);
    f.binding = recipe_bind(f.recipe, f.table, true, &err);
    must(f.binding != NULL, &err);
    return f;
}

/* As if the table were larger than a window: groups of so many rows. */
static void windows_make(struct trainer *t, uint64_t group_rows)
{
    struct order *order = &t->work.order;
    order->group_rows = group_rows;
    order->n_groups = (uint32_t)((t->config.train.n_rows + group_rows - 1) / group_rows);
    free(order->groups);
    order->groups = malloc(order->n_groups * sizeof *order->groups);
    ck_assert_ptr_nonnull(order->groups);
}

static struct trainer *small_trainer(const struct fixture *f, uint64_t group_rows, uint64_t n_validation)
{
    static const uint32_t hidden[] = {8};
    struct train_options options = options_of(f, hidden, 1, ACTIVATION_RELU);
    options.epochs = 2;
    struct trainer *t = trainer_of(f, &options, ROWS - n_validation, n_validation);
    windows_make(t, group_rows);
    return t;
}

/* Run until it ends or fails; which it was. */
static enum train_state run_on(struct trainer *t, uint32_t n_threads)
{
    struct pool *pool = pool_new(n_threads, 0, &err);
    struct epoch_metrics metrics;
    atomic_bool stop = false;
    enum train_state state;
    must(pool != NULL, &err);
    while ((state = trainer_run(t, pool, &stop, 0, &metrics, &err)) == TRAIN_EPOCH)
        ;
    pool_free(pool);
    return state;
}

START_TEST(a_training_on_damaged_rows_fails_and_names_them_at_any_number_of_threads)
{
    static const uint64_t group_rows[] = {ROWS, 10, 7};
    table_make(false);
    byte_flip(TABLE_RECORDS_AT + 20000);
    for (int i = 0; i < 9; i++) {
        char message[sizeof err.msg];
        struct fixture f = fixture_of_table();
        uint64_t first = 0, n = rows_damaged(f.table, &first);
        snprintf(message, sizeof message, "rows %d to %d of table are damaged", (int)first + 1,
                 (int)(first + n));
        struct trainer *t = small_trainer(&f, group_rows[i / 3], i % 3 == 2 ? 500 : 0);
        ck_assert_int_eq(run_on(t, (uint32_t)i % 3 + 1), TRAIN_FAILED);
        ck_assert_int_eq(err.code, ERR_CORRUPT);
        ck_assert_str_eq(err.msg, message);
        ck_assert_uint_eq(trainer_epoch(t), 0);
        for (uint64_t at = 0; at < atomic_load(&t->state.step) * t->config.batch_size; at++)
            ck_assert_msg(t->work.order.rows[at] < first || t->work.order.rows[at] >= first + n,
                          "row %u was trained on", t->work.order.rows[at]);
        trainer_free(t);
        fixture_done(&f);
    }
}
END_TEST

START_TEST(damaged_validation_rows_fail_the_training)
{
    table_make(false);
    struct table *table = table_again();
    byte_flip(TABLE_RECORDS_AT + (ROWS - 1) * table_record_bytes(table));
    table_unref(table);
    struct fixture f = fixture_of_table();
    struct trainer *t = small_trainer(&f, ROWS, 300);
    ck_assert_int_eq(run_on(t, 2), TRAIN_FAILED);
    ck_assert_int_eq(err.code, ERR_CORRUPT);
    ck_assert_msg(atomic_load(&t->state.step) == t->config.n_steps, "the training rows are good");
    trainer_free(t);
    fixture_done(&f);
}
END_TEST

/* Checking a window at a time, resumed after each slice, changes no bit. */
START_TEST(windows_of_checks_change_no_bit)
{
    table_make(false);
    struct fixture f = fixture_of_table();
    struct trainer *plain = small_trainer(&f, 10, 100);
    ck_assert(table_check(f.table, 0, ROWS, &err));
    ck_assert_int_eq(run_on(plain, 2), TRAIN_DONE);
    struct fixture g = fixture_of_table();
    struct trainer *sliced = small_trainer(&g, 10, 100);
    struct pool *pool = pool_new(2, 0, &err);
    struct epoch_metrics metrics;
    atomic_bool stop = false;
    enum train_state state = TRAIN_SLICE;
    while (state != TRAIN_DONE) {
        state = trainer_run(sliced, pool, &stop, clock_ns() + 100000, &metrics, &err);
        ck_assert_int_ne(state, TRAIN_FAILED);
    }
    ck_assert(table_is_checked(g.table));
    ck_assert_uint_eq(trainer_network(plain)->n_floats, trainer_network(sliced)->n_floats);
    ck_assert(memcmp(trainer_network(plain)->params, trainer_network(sliced)->params,
                     trainer_network(plain)->n_floats * sizeof(float)) == 0);
    pool_free(pool);
    trainer_free(plain);
    trainer_free(sliced);
    fixture_done(&f);
    fixture_done(&g);
}
END_TEST

START_TEST(a_table_cut_under_a_training_fails_it)
{
    table_make(false);
    struct fixture f = fixture_of_table();
    struct trainer *t = small_trainer(&f, ROWS, 100);
    struct pool *pool = pool_new(2, 0, &err);
    struct epoch_metrics metrics;
    atomic_bool stop = false;
    ck_assert_int_eq(trainer_run(t, pool, &stop, 0, &metrics, &err), TRAIN_EPOCH);
    ck_assert_int_eq(truncate(table_path, TABLE_RECORDS_AT + 5000), 0);
    ck_assert_int_eq(trainer_run(t, pool, &stop, 0, &metrics, &err), TRAIN_FAILED);
    ck_assert_int_eq(err.code, ERR_CORRUPT);
    ck_assert_uint_eq(trainer_epoch(t), 1);
    pool_free(pool);
    trainer_free(t);
    fixture_done(&f);
}
END_TEST

START_TEST(an_evaluation_of_damaged_rows_fails)
{
    table_make(false);
    struct fixture f = fixture_of_table();
    struct trainer *t = small_trainer(&f, ROWS, 100);
    ck_assert_int_eq(run_on(t, 1), TRAIN_DONE);
    struct model *model = trainer_model(t, &err);
    struct pool *pool = pool_new(2, 0, &err);
    must(model && pool, &err);
    byte_flip(TABLE_RECORDS_AT + 5);
    struct fixture g = fixture_of_table();
    struct rows rows = {.binding = g.binding, .rows = g.rows, .n_rows = ROWS};
    ck_assert_ptr_null(model_evaluate(model, &rows, pool, NULL, &err));
    ck_assert_int_eq(err.code, ERR_CORRUPT);
    rows.rows = g.rows + 1000;
    rows.n_rows = 1000;
    struct evaluation *good = model_evaluate(model, &rows, pool, NULL, &err);
    must(good != NULL, &err);
    evaluation_free(good);
    model_unref(model);
    pool_free(pool);
    trainer_free(t);
    fixture_done(&f);
    fixture_done(&g);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("table_check");
    TCase *tcase = tcase_create("table_check");
    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, setup, folder_remove);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_damaged_byte_costs_its_group_and_no_other_row, 0, 2);
    tcase_add_test(tcase, a_group_is_read_once);
    tcase_add_test(tcase, a_table_that_is_cut_cannot_be_read_and_opens_no_more);
    tcase_add_loop_test(tcase, a_file_read_whole_tells_its_damaged_rows, 0, 2);
    tcase_add_test(tcase, a_training_on_damaged_rows_fails_and_names_them_at_any_number_of_threads);
    tcase_add_test(tcase, damaged_validation_rows_fail_the_training);
    tcase_add_test(tcase, windows_of_checks_change_no_bit);
    tcase_add_test(tcase, a_table_cut_under_a_training_fails_it);
    tcase_add_test(tcase, an_evaluation_of_damaged_rows_fails);
    return suite;
}
