/* Teams: the merged network answers with the members' mean; folds hold every
 * row once; the same bits at any number of threads, and when the training is
 * broken off anywhere and taken over by another ensemble. */
#include "helper_main.h"
#include "helper_table.h"
#include "train/ensemble_private.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_ROWS 203
#define N_MEMBERS 3
#define EPOCHS_MAX 12

static struct err err;
static atomic_bool stop;

struct fixture {
    struct table *table;
    struct recipe *recipe;
    struct binding *binding;
    uint32_t rows[N_ROWS];
};

static void must(bool ok)
{
    ck_assert_msg(ok, "%s", err.msg);
}

/* Two numbers and a class in three, or a number, that depends on them. */
static void fixture_init(struct fixture *f, bool classes)
{
    char csv[16384];
    size_t at = (size_t)sprintf(csv, "a,b,y\n");
    uint64_t state = 7;
    for (uint32_t i = 0; i < N_ROWS; i++) {
        double a = random_below(&state, 1000) / 500.0 - 1, b = random_below(&state, 1000) / 500.0 - 1;
        at += (size_t)sprintf(csv + at, "%.3f,%.3f,", a, b);
        at += (size_t)(classes ? sprintf(csv + at, "c%d\n", a * a > b)
                               : sprintf(csv + at, "%.4f\n", a * a + b));
    }
    struct reading reading = {.csv = csv};
    must(ingest(&reading));
    must((f->table = table_of(&reading)) != NULL);
    for (uint32_t i = 0; i < N_ROWS; i++)
        f->rows[i] = i;
    must((f->recipe = recipe_fit(f->table, f->rows, N_ROWS, &(struct recipe_options){0}, &err)) != NULL);
    must((f->binding = recipe_bind(f->recipe, f->table, true, &err)) != NULL);
}

static void fixture_done(struct fixture *f)
{
    binding_free(f->binding);
    recipe_free(f->recipe);
    table_unref(f->table);
}

static struct train_options options_make(const struct fixture *f)
{
    bool classes = f->recipe->task == TASK_CLASSIFICATION;
    struct train_options o = train_options_default();
    o.layers[0] = (struct layer){.units = 20, .activation = ACTIVATION_RELU, .dropout = 0.1f};
    o.layers[1] = (struct layer){.units = 9, .activation = ACTIVATION_TANH};
    o.layers[2] = (struct layer){.units = classes ? 2 : 1,
                                 .activation = classes ? ACTIVATION_SOFTMAX : ACTIVATION_LINEAR};
    o.n_layers = 3;
    o.members = N_MEMBERS;
    o.epochs = EPOCHS_MAX;
    o.learning_rate = 0.02f;
    o.schedule = (struct schedule){.kind = SCHEDULE_REDUCE_ON_PLATEAU, .patience = 1};
    o.early_stopping = (struct early_stopping){.on = true, .patience = 2, .restore_best = true};
    return o;
}

static struct ensemble *ensemble_of(const struct fixture *f, const struct train_options *o)
{
    struct rows train = {.binding = f->binding, .rows = f->rows, .n_rows = N_ROWS},
                none = {.binding = f->binding};
    struct ensemble *ensemble = ensemble_new(f->recipe, &train, &none, o, &err);
    must(ensemble != NULL);
    return ensemble;
}

static void *state_of(const struct ensemble *ensemble, size_t *n)
{
    size_t most = ensemble_save_size(ensemble);
    void *bytes = malloc(most);
    ck_assert_ptr_nonnull(bytes);
    *n = ensemble_save(ensemble, bytes);
    ck_assert_uint_le(*n, most);
    ensemble_state_seal(bytes, *n);
    return bytes;
}

/* The ensemble dies and another goes on from its state. */
static struct ensemble *taken_over(struct ensemble *ensemble, const struct fixture *f,
                                   const struct train_options *o)
{
    size_t n;
    void *bytes = state_of(ensemble, &n);
    struct train_place place;
    must(ensemble_state_look(bytes, n, &place, &err));
    ck_assert_uint_eq(place.epoch, ensemble_epoch(ensemble));
    ensemble_free(ensemble);
    struct ensemble *next = ensemble_of(f, o);
    must(ensemble_restore(next, bytes, n, &err));
    free(bytes);
    return next;
}

struct outcome {
    struct ensemble *ensemble;
    double val_loss[EPOCHS_MAX];
    uint32_t n_epochs;
};

/* Run to the end; broken: each slice is one step long, and every seventh ends
 * in a take-over. */
static struct outcome run(const struct fixture *f, const struct train_options *o, bool broken,
                          uint32_t n_threads)
{
    struct outcome out = {.ensemble = ensemble_of(f, o)};
    struct pool *pool = pool_new(n_threads, 0, &err);
    struct epoch_metrics metrics;
    enum train_state state;
    uint32_t n_slices = 0;
    must(pool != NULL);
    do {
        state = ensemble_run(out.ensemble, pool, &stop, broken ? 1 : 0, &metrics, &err);
        ck_assert_msg(state != TRAIN_FAILED, "%s", err.msg);
        if (state == TRAIN_EPOCH)
            out.val_loss[out.n_epochs++] = metrics.validation[METRIC_LOSS];
        if (broken && ++n_slices % 7 == 0 && state != TRAIN_DONE)
            out.ensemble = taken_over(out.ensemble, f, o);
    } while (state != TRAIN_DONE);
    pool_free(pool);
    return out;
}

static void outcomes_equal(const struct outcome *a, const struct outcome *b)
{
    ck_assert_uint_eq(a->n_epochs, b->n_epochs);
    ck_assert_mem_eq(a->val_loss, b->val_loss, a->n_epochs * sizeof *a->val_loss);
    struct model *p = ensemble_model(a->ensemble, &err), *q = ensemble_model(b->ensemble, &err);
    ck_assert_mem_eq(p->network->params, q->network->params, p->network->n_floats * sizeof(float));
    model_unref(p);
    model_unref(q);
}

START_TEST(a_ensemble_ends_with_the_same_bits_however_it_is_run)
{
    struct fixture f;
    fixture_init(&f, _i == 0);
    struct train_options o = options_make(&f);
    struct outcome whole = run(&f, &o, false, 1), threads = run(&f, &o, false, 3),
                   broken = run(&f, &o, true, 2);
    ck_assert_uint_gt(whole.n_epochs, 2);
    outcomes_equal(&whole, &threads);
    outcomes_equal(&whole, &broken);
    ensemble_free(whole.ensemble);
    ensemble_free(threads.ensemble);
    ensemble_free(broken.ensemble);
    fixture_done(&f);
}
END_TEST

/* The mean of the members' numbers, or the softmax of the mean of their
 * logits. */
static void mean_of_members(const struct ensemble *ensemble, const struct fixture *f, const float *x,
                            struct workspace *workspace, double out[2])
{
    bool classes = f->recipe->task == TASK_CLASSIFICATION;
    double log_odds = 0;
    float own[2];
    out[0] = out[1] = 0;
    for (uint32_t m = 0; m < ensemble->n_members; m++) {
        struct model *model = trainer_model(ensemble->members[m].trainer, &err);
        must(model_predict(model, x, 1, own, workspace, &err));
        log_odds += classes ? log((double)own[0] / (double)own[1]) / ensemble->n_members : 0;
        out[0] += (double)own[0] / ensemble->n_members;
        model_unref(model);
    }
    if (classes)
        out[0] = 1 / (1 + exp(-log_odds));
}

START_TEST(the_merged_network_answers_with_the_mean_of_the_members)
{
    struct fixture f;
    fixture_init(&f, _i % 2 == 0);
    struct train_options o = options_make(&f);
    o.layers[0].norms = o.layers[1].norms = (uint32_t)(_i / 2);
    struct outcome outcome = run(&f, &o, false, 1);
    struct model *model = ensemble_model(outcome.ensemble, &err);
    struct workspace *workspace = workspace_new(&err);
    must(model != NULL && workspace != NULL);
    ck_assert_uint_eq(model->network->layers[0].units, N_MEMBERS * 20);
    ck_assert_uint_eq(model->network->layers[1].norms, (uint32_t)(_i / 2) * N_MEMBERS);
    for (uint32_t row = 0; row < 20; row++) {
        float x[64], merged[2];
        double mean[2];
        ck_assert_uint_le(f.recipe->n_inputs, 64);
        binding_encode(f.binding, row, x);
        must(model_predict(model, x, 1, merged, workspace, &err));
        mean_of_members(outcome.ensemble, &f, x, workspace, mean);
        ck_assert_double_eq_tol((double)merged[0], mean[0], 1e-4);
    }
    workspace_free(workspace);
    model_unref(model);
    ensemble_free(outcome.ensemble);
    fixture_done(&f);
}
END_TEST

START_TEST(every_row_is_in_one_fold_and_a_class_is_in_each)
{
    struct fixture f;
    uint32_t seen[N_ROWS] = {0}, ones[N_MEMBERS] = {0};
    fixture_init(&f, true);
    struct train_options o = options_make(&f);
    struct ensemble *ensemble = ensemble_of(&f, &o);
    for (uint32_t m = 0; m < N_MEMBERS; m++) {
        const struct rows *fold = &ensemble->members[m].trainer->config.validation;
        ck_assert_uint_eq(fold->n_rows + ensemble->members[m].trainer->config.train.n_rows, N_ROWS);
        for (uint64_t i = 0; i < fold->n_rows; i++) {
            seen[fold->rows[i]]++;
            ones[m] += binding_class(f.binding, fold->rows[i]) == 1;
        }
    }
    for (uint32_t i = 0; i < N_ROWS; i++)
        ck_assert_uint_eq(seen[i], 1);
    for (uint32_t m = 1; m < N_MEMBERS; m++)
        ck_assert_uint_le(ones[m] > ones[0] ? ones[m] - ones[0] : ones[0] - ones[m], 1);
    ensemble_free(ensemble);
    fixture_done(&f);
}
END_TEST

START_TEST(a_state_that_is_damaged_or_of_another_ensemble_is_refused)
{
    struct fixture f;
    fixture_init(&f, true);
    struct train_options o = options_make(&f), other = o;
    other.members = 2;
    struct ensemble *ensemble = ensemble_of(&f, &o), *two = ensemble_of(&f, &other);
    size_t n;
    char *bytes = state_of(ensemble, &n);
    struct train_place place;
    ck_assert(!ensemble_restore(two, bytes, n, &err));
    ck_assert_int_eq(err.code, ERR_CONFLICT);
    for (size_t length = 0; length < n; length += 97)
        ck_assert(!ensemble_restore(ensemble, bytes, length, &err));
    for (size_t at = 0; at < n; at += 41) {
        bytes[at] ^= 0x10;
        ck_assert_msg(!ensemble_state_look(bytes, n, &place, &err), "byte %zu", at);
        bytes[at] ^= 0x10;
    }
    must(ensemble_restore(ensemble, bytes, n, &err));
    free(bytes);
    ensemble_free(ensemble);
    ensemble_free(two);
    fixture_done(&f);
}
END_TEST

/* Their head may say any size: nothing beyond them is read or written. */
START_TEST(bytes_that_are_no_state_are_not_sealed)
{
    static const size_t sizes[] = {8, 64, 1 << 15, 1 << 16};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int value = 0; value < 256; value += 85) {
            size_t n = sizes[i];
            uint8_t *bytes = malloc(n), *before = malloc(n);
            memset(bytes, value, n);
            memcpy(bytes, "mlpteam1", 8);
            memcpy(before, bytes, n);
            ensemble_state_seal(bytes, n);
            ck_assert_mem_eq(bytes, before, n);
            free(bytes);
            free(before);
        }
}
END_TEST

START_TEST(too_few_rows_or_too_many_members_are_refused)
{
    struct fixture f;
    fixture_init(&f, true);
    struct train_options o = options_make(&f);
    struct rows few = {.binding = f.binding, .rows = f.rows, .n_rows = 5}, none = {.binding = f.binding};
    ck_assert_ptr_null(ensemble_new(f.recipe, &few, &none, &o, &err));
    ck_assert_str_eq(err.field, "members");
    o.members = ENSEMBLE_MEMBERS_MAX + 1;
    few.n_rows = N_ROWS;
    ck_assert_ptr_null(ensemble_new(f.recipe, &few, &none, &o, &err));
    ck_assert_str_eq(err.field, "members");
    fixture_done(&f);
}
END_TEST

Suite *test_suite(void)
{
    TCase *tcase = tcase_create("ensemble");
    tcase_add_checked_fixture(tcase, folder_make, folder_remove);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_ensemble_ends_with_the_same_bits_however_it_is_run, 0, 2);
    tcase_add_loop_test(tcase, the_merged_network_answers_with_the_mean_of_the_members, 0, 4);
    tcase_add_test(tcase, every_row_is_in_one_fold_and_a_class_is_in_each);
    tcase_add_test(tcase, a_state_that_is_damaged_or_of_another_ensemble_is_refused);
    tcase_add_test(tcase, bytes_that_are_no_state_are_not_sealed);
    tcase_add_test(tcase, too_few_rows_or_too_many_members_are_refused);
    Suite *suite = suite_create("ensemble");
    suite_add_tcase(suite, tcase);
    return suite;
}
