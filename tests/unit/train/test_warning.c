/* Warnings: each where it should be said, none where all is well. */
#include "helper_main.h"
#include "helper_recipe.h"
#include "helper_table.h"
#include "mlp/warning.h"
#include "train/private.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err err;

struct fixture {
    struct table *table;
    struct recipe *recipe;
    struct binding *binding;
    uint32_t *indices;
    struct rows rows;
    struct warnings warnings;
};

static void fixture_init(struct fixture *f, struct table *table, const char *target)
{
    *f = (struct fixture){
        .table = table, .recipe = recipe_of(table, target, TASK_AUTO), .indices = rows_all(table)};
    f->binding = recipe_bind(f->recipe, table, true, &err);
    ck_assert_msg(f->binding != NULL, "%s", err.msg);
    f->rows = (struct rows){.binding = f->binding, .rows = f->indices, .n_rows = table_n_rows(table)};
}

static void fixture_done(struct fixture *f)
{
    binding_free(f->binding);
    recipe_free(f->recipe);
    table_unref(f->table);
    free(f->indices);
}

static const struct warning *find(const struct warnings *warnings, enum warning_code code, const char *column)
{
    for (uint32_t i = 0; i < warnings->n; i++)
        if (warnings->list[i].code == code && (column == NULL || !strcmp(warnings->list[i].column, column)))
            return &warnings->list[i];
    return NULL;
}

static double noise(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (double)(*state >> 8) / (1 << 24);
}

/* 300 rows; y is yes for every twentieth row, or a number that `answer` tells
 * with a little noise. */
static struct table *bad_make(bool classes)
{
    struct text text;
    FILE *out = text_open(&text);
    uint32_t state = 5;
    fprintf(out, "id,same,empty,x,answer,word,y\n");
    for (int i = 0; i < 300; i++) {
        double y = classes ? i % 20 == 3 : 10 * noise(&state);
        fprintf(out, "%d,4.5,,%.3f,%.3f,w%d,", i + 1, noise(&state), 3 - y + 0.02 * noise(&state), i % 3);
        fprintf(out, classes ? "%s\n" : "%s%.3f\n", classes ? (y > 0 ? "yes" : "no") : "", y);
    }
    struct table *table = table_of_text(text_close(&text), 1);
    free(text.bytes);
    return table;
}

START_TEST(columns_that_do_not_help_or_tell_too_much_are_named)
{
    struct fixture f;
    fixture_init(&f, bad_make(_i == 0), "y");
    warnings_of_data(&f.warnings, f.recipe, f.table, &f.rows, &(struct rows){0}, &(struct rows){0});
    ck_assert_ptr_nonnull(find(&f.warnings, WARNING_CONSTANT_COLUMN, "same"));
    ck_assert_ptr_nonnull(find(&f.warnings, WARNING_CONSTANT_COLUMN, "empty"));
    ck_assert_ptr_nonnull(find(&f.warnings, WARNING_ID_LIKE_COLUMN, "id"));
    ck_assert_ptr_nonnull(find(&f.warnings, WARNING_LEAKING_COLUMN, "answer"));
    ck_assert_ptr_null(find(&f.warnings, WARNING_LEAKING_COLUMN, "x"));
    ck_assert_ptr_null(find(&f.warnings, WARNING_LEAKING_COLUMN, "word"));
    const struct warning *imbalance = find(&f.warnings, WARNING_IMBALANCE, "y");
    ck_assert((imbalance != NULL) == (_i == 0));
    ck_assert(imbalance == NULL || strstr(imbalance->message, "95 %") != NULL);
    fixture_done(&f);
}
END_TEST

START_TEST(a_class_that_a_part_lacks_is_named)
{
    struct fixture f;
    fixture_init(&f, bad_make(true), "y");
    struct rows part = f.rows;
    part.n_rows = 3; /* the first rows are all "no" */
    warnings_of_data(&f.warnings, f.recipe, f.table, &f.rows, &part, &f.rows);
    const struct warning *small = find(&f.warnings, WARNING_SMALL_CLASS, NULL);
    ck_assert_ptr_nonnull(small);
    ck_assert_ptr_nonnull(
        strstr(small->message, "No validation row is of the class yes, which has 15 training rows:"));
    fixture_done(&f);
}
END_TEST

START_TEST(many_columns_are_told_in_few_warnings)
{
    struct text text;
    struct fixture f;
    FILE *out = text_open(&text);
    for (int c = 0; c < 30; c++)
        fprintf(out, "same%d,", c);
    fprintf(out, "x,y\n");
    for (int i = 0; i < 60; i++) {
        for (int c = 0; c < 30; c++)
            fprintf(out, "1,");
        fprintf(out, "%d.5,%s\n", i * 7 % 31, i % 2 ? "a" : "b");
    }
    fixture_init(&f, table_of_text(text_close(&text), 1), "y");
    free(text.bytes);
    warnings_of_data(&f.warnings, f.recipe, f.table, &f.rows, &(struct rows){0}, &(struct rows){0});
    ck_assert_uint_eq(f.warnings.n, WARNINGS_OF_CODE);
    ck_assert_ptr_nonnull(strstr(f.warnings.list[WARNINGS_OF_CODE - 1].message, "same3 and 26 more are"));
    fixture_done(&f);
}
END_TEST

START_TEST(good_tables_are_not_warned_of)
{
    static const struct {
        const char *file, *target;
    } good[] = {{"iris/iris.csv", "species"},
                {"penguins/penguins.csv", "species"},
                {"wine/wine_data.sklearn.csv", NULL}};
    char path[512];
    struct fixture f;
    shared_path(path, sizeof path, good[_i].file);
    if (access(path, R_OK) != 0)
        return;
    fixture_init(&f, table_of_file(path, 0), good[_i].target);
    warnings_of_data(&f.warnings, f.recipe, f.table, &f.rows, &f.rows, &f.rows);
    ck_assert_msg(f.warnings.n == 0, "%s: %s", good[_i].file, f.warnings.list[0].message);
    fixture_done(&f);
}
END_TEST

/* ---- training ---- */

static struct trainer *trainer_of(const struct fixture *f, const struct train_options *given,
                                  uint64_t n_train)
{
    struct train_options o = *given;
    bool classes = f->recipe->task == TASK_CLASSIFICATION;
    o.layers[o.n_layers++] = (struct layer){.units = classes ? f->recipe->n_classes : 1,
                                            .activation = classes ? ACTIVATION_SOFTMAX : ACTIVATION_LINEAR};
    struct rows train = f->rows, validation = f->rows;
    train.n_rows = n_train;
    validation.rows += n_train;
    validation.n_rows -= n_train;
    struct trainer *trainer = trainer_new(f->recipe, &train, &validation, &o, &err);
    ck_assert_msg(trainer != NULL, "%s", err.msg);
    return trainer;
}

static enum train_state run(struct trainer *trainer, struct epoch_metrics *last)
{
    struct pool *pool = pool_new(1, 0, &err);
    atomic_bool stop = false;
    enum train_state state;
    while ((state = trainer_run(trainer, pool, &stop, 0, last, &err)) == TRAIN_EPOCH) {}
    pool_free(pool);
    return state;
}

/* 200 rows whose label no input tells. */
static struct table *noise_make(void)
{
    struct text text;
    FILE *out = text_open(&text);
    uint32_t state = 9;
    fprintf(out, "a,b,c,d,y\n");
    for (int i = 0; i < 200; i++) {
        for (int k = 0; k < 4; k++)
            fprintf(out, "%.4f,", noise(&state));
        fprintf(out, "%s\n", noise(&state) < 0.5 ? "u" : "v");
    }
    struct table *table = table_of_text(text_close(&text), 1);
    free(text.bytes);
    return table;
}

START_TEST(a_network_that_learns_by_heart_is_told_so)
{
    struct fixture f;
    struct epoch_metrics last;
    fixture_init(&f, noise_make(), "y");
    struct train_options o = train_options_default();
    o.layers[o.n_layers++] = (struct layer){.units = 64, .activation = ACTIVATION_TANH};
    o.learning_rate = 0.02f;
    o.epochs = 60;
    o.early_stopping = (struct early_stopping){.on = _i == 1, .patience = 100, .restore_best = true};
    struct trainer *trainer = trainer_of(&f, &o, 100);
    ck_assert_int_eq(run(trainer, &last), TRAIN_DONE);
    warnings_of_training(&f.warnings, trainer);
    /* early stopping has put the best weights back: there is nothing to say */
    ck_assert((find(&f.warnings, WARNING_VALIDATION_TURNED, NULL) != NULL) == (_i == 0));
    trainer_free(trainer);
    fixture_done(&f);
}
END_TEST

START_TEST(units_that_are_dead_are_counted)
{
    struct fixture f;
    fixture_init(&f, noise_make(), "y");
    struct train_options o = train_options_default();
    o.layers[o.n_layers++] = (struct layer){.units = 20, .activation = ACTIVATION_RELU};
    o.epochs = 1;
    struct epoch_metrics last;
    struct trainer *trainer = trainer_of(&f, &o, 150);
    ck_assert_int_eq(run(trainer, &last), TRAIN_DONE);
    warnings_of_training(&f.warnings, trainer);
    ck_assert_ptr_null(find(&f.warnings, WARNING_DEAD_UNITS, NULL));
    float w[80], b[20];
    network_get(trainer->state.network, 0, w, b);
    for (int u = 0; u < 7; u++)
        b[u] = -100;
    network_set(trainer->state.network, 0, w, b);
    warnings_of_training(&f.warnings, trainer);
    const struct warning *dead = find(&f.warnings, WARNING_DEAD_UNITS, NULL);
    ck_assert_ptr_nonnull(dead);
    ck_assert_ptr_nonnull(strstr(dead->message, "7 of the 20 units of layer 1"));
    trainer_free(trainer);
    fixture_done(&f);
}
END_TEST

/* A step a little too long for a linear regression: each makes the error
 * larger, and none is infinite yet. */
START_TEST(a_loss_that_rises_without_end_fails_while_it_is_finite)
{
    struct fixture f;
    struct epoch_metrics last;
    fixture_init(&f, bad_make(false), "y");
    struct train_options o = train_options_default();
    o.optimizer = OPTIMIZER_SGD;
    o.learning_rate = 0.8f;
    o.batch_size = 0;
    o.epochs = 1000;
    struct trainer *trainer = trainer_of(&f, &o, 300);
    ck_assert_int_eq(run(trainer, &last), TRAIN_FAILED);
    ck_assert_int_eq(err.code, ERR_NUMERIC);
    ck_assert_msg(strstr(err.msg, "the loss has risen from") && strstr(err.msg, "epoch") &&
                      strstr(err.msg, "step") && strstr(err.msg, "\"learning_rate\":0.08"),
                  "%s", err.msg);
    ck_assert(isfinite(trainer->state.history.first));
    trainer_free(trainer);
    fixture_done(&f);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("warning");
    TCase *tc = tcase_create("warning");
    tcase_add_loop_test(tc, columns_that_do_not_help_or_tell_too_much_are_named, 0, 2);
    tcase_add_test(tc, a_class_that_a_part_lacks_is_named);
    tcase_add_test(tc, many_columns_are_told_in_few_warnings);
    tcase_add_loop_test(tc, good_tables_are_not_warned_of, 0, 3);
    tcase_add_loop_test(tc, a_network_that_learns_by_heart_is_told_so, 0, 2);
    tcase_add_test(tc, units_that_are_dead_are_counted);
    tcase_add_test(tc, a_loss_that_rises_without_end_fails_while_it_is_finite);
    suite_add_tcase(suite, tc);
    return suite;
}
