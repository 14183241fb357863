/* Training against itself: other numbers of threads, chunks, slices and
 * kernels; schedules, dropout, early stopping, initializers. */
#include "helper_main.h"
#include "helper_training.h"
#include "mlp/cpu.h"
#include "mlp/evaluation.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct trainer *trained(const struct fixture *f, const struct train_options *o, uint32_t n_threads,
                               struct epoch_metrics *metrics)
{
    struct trainer *trainer = trainer_of(f, o, f->n_rows - 50, 50);
    *metrics = run(trainer, n_threads);
    return trainer;
}

/* halves: whether many threads are to take half of the inputs each. */
static void check_equal_bits(const struct fixture *f, const struct train_options *o, uint32_t n_threads,
                             bool halves)
{
    struct epoch_metrics one, many;
    struct trainer *a = trained(f, o, 1, &one), *b = trained(f, o, n_threads, &many);
    const struct network *p = trainer_network(a), *q = trainer_network(b);
    ck_assert_msg(memcmp(p->params, q->params, p->n_floats * sizeof(float)) == 0,
                  "weights differ at %u threads, batch %u", n_threads, o->batch_size);
    ck_assert_mem_eq(one.train, many.train, sizeof one.train);
    ck_assert_mem_eq(one.validation, many.validation, sizeof one.validation);
    ck_assert(!a->run.split_k && b->run.split_k == halves);
    trainer_free(a);
    trainer_free(b);
}

START_TEST(weights_are_bit_equal_at_any_number_of_threads)
{
    static const uint32_t threads[] = {2, 3, 8};
    struct fixture images = fixture_images(700), numbers = fixture_numbers(700, true);
    for (int i = 0; i < 2; i++) {
        const struct fixture *f = i == 0 ? &images : &numbers;
        struct train_options o = options_of(f, (uint32_t[]){237, 61}, 2, ACTIVATION_RELU);
        o.epochs = 2;
        o.batch_size = 77;
        check_equal_bits(f, &o, threads[_i], i == 0);
        o.batch_size = 0; /* of several chunks, at this width */
        o.layers[0].units = 2101;
        o.epochs = 1;
        check_equal_bits(f, &o, threads[_i], i == 0);
    }
    fixture_done(&images);
    fixture_done(&numbers);
}
END_TEST

START_TEST(weights_are_bit_equal_with_every_option_on)
{
    static const uint32_t threads[] = {2, 3, 8};
    struct fixture images = fixture_images(700), numbers = fixture_numbers(700, false);
    float weights[700];
    for (uint64_t i = 0; i < 700; i++)
        weights[i] = (float)weight_of(i);
    images.weights = numbers.weights = weights;
    for (int i = 0; i < 2; i++) {
        const struct fixture *f = i == 0 ? &images : &numbers;
        struct train_options o = options_of(f, (uint32_t[]){237, 61}, 2, ACTIVATION_GELU);
        o.layers[0].dropout = 0.3f;
        o.layers[0].norms = 3;
        o.layers[1].norms = 1;
        o.layers[1].activation = ACTIVATION_RELU;
        o.layers[1].dropout = 0.1f;
        o.input_dropout = i == 0 ? 0 : 0.2f;
        o.optimizer = OPTIMIZER_NADAM;
        o.schedule = (struct schedule){.kind = SCHEDULE_COSINE, .warmup_epochs = 1};
        o.weight_decay = 0.01f;
        o.l1 = o.l2 = 1e-4f;
        o.clipnorm = 0.5f;
        o.global_clipnorm = 0.7f;
        o.clipvalue = 0.1f;
        o.max_norm = 1.5f;
        o.label_smoothing = i == 0 ? 0.1f : 0;
        o.early_stopping = (struct early_stopping){
            .on = true, .monitor = i == 0 ? METRIC_MACRO_F1 : METRIC_R2, .restore_best = true};
        if (i == 0)
            o.augment = augment_default();
        o.epochs = 3;
        o.batch_size = 77;
        check_equal_bits(f, &o, threads[_i], false);
    }
    fixture_done(&images);
    fixture_done(&numbers);
}
END_TEST

START_TEST(dropout_drops_its_share_and_keeps_the_mean)
{
    enum { n = 4096 };
    static float y[n] __attribute__((aligned(64))), slopes[n] __attribute__((aligned(64))),
        again[n] __attribute__((aligned(64)));
    size_t dropped = 0;
    for (int i = 0; i < n; i++)
        y[i] = slopes[i] = again[i] = 1;
    kernels_get()->dropout(7, 5, 3, 0.25f, y, slopes, n);
    for (int i = 0; i < n; i++) {
        ck_assert(y[i] == slopes[i]);
        ck_assert(y[i] == 0 || y[i] == 1 / (1 - 0.25f));
        dropped += y[i] == 0;
    }
    ck_assert_double_eq_tol((double)dropped / n, 0.25, 4 * sqrt(0.25 * 0.75 / n)); /* four standard errors */
    ck_assert(kernels_force("generic"));
    kernels_get()->dropout(7, 5, 3, 0.25f, again, NULL, n);
    ck_assert(kernels_force(NULL));
    ck_assert_mem_eq(y, again, sizeof y);
    for (int i = 0; i < n; i++)
        again[i] = 1;
    kernels_get()->dropout(7, 5, 4, 0.25f, again, NULL, n);
    ck_assert_mem_ne(y, again, sizeof y);
}
END_TEST

START_TEST(schedules_go_as_documented)
{
    struct train_options o = {.learning_rate = 1, .epochs = 100};
    const struct {
        enum schedule_kind kind;
        uint32_t warmup, reductions;
        uint64_t step; /* of 10 an epoch */
        double rate;
    } cases[] = {
        {SCHEDULE_CONSTANT, 0, 0, 999, 1},
        {SCHEDULE_STEP, 0, 0, 99, 1},
        {SCHEDULE_STEP, 0, 0, 100, 0.1},
        {SCHEDULE_STEP, 0, 0, 250, 0.01},
        {SCHEDULE_EXPONENTIAL, 0, 0, 25, 0.9025},
        {SCHEDULE_COSINE, 0, 0, 0, 1},
        {SCHEDULE_COSINE, 0, 0, 500, 0.5},
        {SCHEDULE_COSINE, 0, 0, 250, 0.8535533905932737},
        {SCHEDULE_COSINE, 10, 0, 49, 0.5},
        {SCHEDULE_COSINE, 10, 0, 550, 0.5},
        {SCHEDULE_REDUCE_ON_PLATEAU, 0, 3, 5, 0.125},
        {SCHEDULE_ONE_CYCLE, 0, 0, 0, 0.04},
        {SCHEDULE_ONE_CYCLE, 0, 0, 300, 1},
        {SCHEDULE_ONE_CYCLE, 0, 0, 650, (1 + 1.0 / 250000) / 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        o.schedule = (struct schedule){.kind = cases[i].kind, .warmup_epochs = cases[i].warmup};
        schedule_defaults(&o.schedule);
        ck_assert_msg(fabs(schedule_rate(&o, cases[i].step, 10, cases[i].reductions) - cases[i].rate) < 1e-6,
                      "%s at step %u: %g, not %g", schedule_name(cases[i].kind), (unsigned)cases[i].step,
                      schedule_rate(&o, cases[i].step, 10, cases[i].reductions), cases[i].rate);
    }
    for (int i = 0; i < N_SCHEDULES; i++)
        ck_assert_int_eq(schedule_find(schedule_name((enum schedule_kind)i)), i);
}
END_TEST

START_TEST(early_stopping_ends_with_the_best_weights)
{
    struct fixture f = fixture_numbers(120, true);
    struct train_options o = options_of(&f, (uint32_t[]){64, 64}, 2, ACTIVATION_RELU);
    o.early_stopping = (struct early_stopping){.on = true, .patience = 4, .restore_best = true};
    o.learning_rate = 0.02f; /* quick to over-fit 70 rows */
    o.epochs = 200;
    struct err err = {0};
    struct trainer *trainer = trainer_of(&f, &o, 70, 50);
    struct pool *pool = pool_new(2, 0, &err);
    atomic_bool stop = false;
    struct epoch_metrics metrics;
    double best = INFINITY;
    uint32_t best_epoch = 0;
    while (trainer_run(trainer, pool, &stop, 0, &metrics, &err) == TRAIN_EPOCH)
        if (metrics.validation[METRIC_LOSS] < best) {
            best = metrics.validation[METRIC_LOSS];
            best_epoch = metrics.epoch;
        }
    ck_assert_uint_lt(metrics.epoch, 200);
    ck_assert_uint_eq(metrics.epoch, best_epoch + 4);
    ck_assert_uint_eq(trainer_best_epoch(trainer), best_epoch);
    struct model *model = trainer_model(trainer, &err);
    struct rows validation = {.binding = f.binding, .rows = f.rows + 70, .n_rows = 50};
    struct evaluation *evaluation = model_evaluate(model, &validation, pool, NULL, &err);
    ck_assert_double_eq_tol(evaluation->values[METRIC_LOSS], best, 1e-12);
    evaluation_free(evaluation);
    model_unref(model);
    pool_free(pool);
    trainer_free(trainer);
    fixture_done(&f);
}
END_TEST

START_TEST(every_initializer_has_its_variance_and_orthogonal_is)
{
    struct err err = {0};
    struct layer layers[] = {{.units = 60, .activation = ACTIVATION_RELU},
                             {.units = 200, .activation = ACTIVATION_RELU}};
    struct network *network = network_new(200, layers, 2, &err);
    must(network != NULL, &err);
    float *w = malloc(sizeof *w * 200 * 60), b[200];
    const double variances[N_INITIALIZERS] = {2.0 / 200, 2.0 / 200, 2.0 / 260, 2.0 / 260,
                                              1.0 / 200, 1.0 / 200, 0.25,      0};
    for (int i = 0; i < N_INITIALIZERS - 1; i++) {
        must(network_init(network, (enum initializer)i, 0.5f, 3, &err), &err);
        network_get(network, 0, w, b);
        double squares = 0;
        for (int k = 0; k < 12000; k++)
            squares += (double)w[k] * (double)w[k] / 12000;
        ck_assert_msg(fabs(squares - variances[i]) < 0.06 * variances[i], "%s: variance %g, not %g",
                      initializer_name((enum initializer)i), squares,
                      variances[i]); /* four and a half standard errors of a normal's */
    }
    must(network_init(network, INITIALIZER_ORTHOGONAL, 0, 3, &err), &err);
    for (uint32_t layer = 0; layer < 2; layer++) { /* tall: columns; wide: rows */
        network_get(network, layer, w, b);
        for (int i = 0; i < 60; i++)
            for (int j = 0; j <= i; j++) {
                double dot = 0;
                for (int k = 0; k < 200; k++)
                    dot += layer == 0 ? (double)w[k * 60 + i] * (double)w[k * 60 + j]
                                      : (double)w[i * 200 + k] * (double)w[j * 200 + k];
                ck_assert_double_eq_tol(dot, i == j, 1e-5);
            }
    }
    free(w);
    network_free(network);
}
END_TEST

START_TEST(slices_change_nothing)
{
    struct fixture f = fixture_images(700);
    struct train_options o = options_of(&f, (uint32_t[]){140}, 1, ACTIVATION_RELU);
    o.epochs = 3;
    o.batch_size = 20;
    struct epoch_metrics whole, sliced = {0};
    struct err err = {0};
    struct trainer *a = trained(&f, &o, 2, &whole), *b = trainer_of(&f, &o, f.n_rows - 50, 50);
    struct pool *pool = pool_new(2, 0, &err);
    atomic_bool stop = false;
    unsigned n_slices = 0;
    enum train_state state;
    /* A deadline long past ends each slice after one step. */
    while ((state = trainer_run(b, pool, &stop, 1, &sliced, &err)) != TRAIN_DONE) {
        ck_assert(state == TRAIN_EPOCH || state == TRAIN_SLICE);
        n_slices += state == TRAIN_SLICE;
    }
    ck_assert_uint_gt(n_slices, 90);
    ck_assert_mem_eq(trainer_network(a)->params, trainer_network(b)->params,
                     trainer_network(a)->n_floats * sizeof(float));
    ck_assert_mem_eq(whole.train, sliced.train, sizeof whole.train);
    ck_assert_mem_eq(whole.validation, sliced.validation, sizeof whole.validation);
    /* `stop` within a step throws that step's work away and goes on from
     * there. */
    trainer_free(b);
    b = trainer_of(&f, &o, f.n_rows - 50, 50);
    stop = true;
    ck_assert_int_eq(trainer_run(b, pool, &stop, 0, &sliced, &err), TRAIN_SLICE);
    ck_assert(trainer_fraction(b) == 0);
    stop = false;
    while ((state = trainer_run(b, pool, &stop, 0, &sliced, &err)) == TRAIN_EPOCH) {}
    ck_assert_int_eq(state, TRAIN_DONE);
    ck_assert_mem_eq(trainer_network(a)->params, trainer_network(b)->params,
                     trainer_network(a)->n_floats * sizeof(float));
    pool_free(pool);
    trainer_free(a);
    trainer_free(b);
    fixture_done(&f);
}
END_TEST

START_TEST(generic_kernels_agree_with_the_best_ones)
{
    struct fixture f = fixture_numbers(300, true);
    struct train_options o = options_of(&f, (uint32_t[]){45, 20}, 2, ACTIVATION_RELU);
    o.epochs = 5;
    struct epoch_metrics best, generic;
    struct trainer *a = trained(&f, &o, 2, &best);
    ck_assert(kernels_force("generic"));
    struct trainer *b = trained(&f, &o, 2, &generic);
    ck_assert(kernels_force(NULL));
    ck_assert_double_eq_tol(best.train[METRIC_LOSS], generic.train[METRIC_LOSS], 1e-5);
    for (size_t i = 0; i < trainer_network(a)->n_floats; i++)
        ck_assert_float_eq_tol(trainer_network(a)->params[i], trainer_network(b)->params[i], 2e-4f);
    trainer_free(a);
    trainer_free(b);
    fixture_done(&f);
}
END_TEST

/* ---- models ---- */

START_TEST(predictions_equal_the_evaluation_whatever_their_number)
{
    struct fixture f = _i == 0 ? fixture_images(300) : fixture_numbers(300, _i == 1);
    struct train_options o = options_of(&f, (uint32_t[]){45, 20}, 2, ACTIVATION_RELU);
    struct err err = {0};
    struct trainer *trainer = trainer_of(&f, &o, f.n_rows, 0);
    run(trainer, 2);
    struct model *model = trainer_model(trainer, &err);
    must(model != NULL, &err);
    struct rows rows = {.binding = f.binding, .rows = f.rows, .n_rows = f.n_rows};
    struct pool *pool = pool_new(2, 0, &err);
    struct evaluation *evaluation = model_evaluate(model, &rows, pool, NULL, &err);
    must(evaluation != NULL, &err);
    uint32_t n_inputs = f.recipe->n_inputs, n_outputs = model_n_outputs(model);
    float *x = malloc(f.n_rows * n_inputs * sizeof *x), *all = malloc(f.n_rows * n_outputs * sizeof *all),
          *one = malloc(n_outputs * sizeof *one);
    for (uint64_t i = 0; i < f.n_rows; i++)
        binding_encode(f.binding, i, x + i * n_inputs);
    struct workspace *workspace = workspace_new(&err);
    must(model_predict(model, x, (uint32_t)f.n_rows, all, workspace, &err), &err);
    ck_assert_uint_eq(evaluation->n_rows, f.n_rows);
    uint64_t n_correct = 0;
    for (uint64_t i = 0; i < f.n_rows; i++) {
        must(model_predict(model, x + i * n_inputs, 1, one, workspace, &err), &err);
        ck_assert_mem_eq(one, all + i * n_outputs, n_outputs * sizeof *one);
        const struct guess *guess = &evaluation->guesses[i];
        if (f.recipe->task == TASK_CLASSIFICATION)
            ck_assert(guess->probability == one[(uint32_t)guess->guess]);
        else
            ck_assert(guess->guess == one[0]);
        n_correct += guess->guess == guess->label;
    }
    if (f.recipe->task == TASK_CLASSIFICATION) {
        ck_assert_double_eq_tol(evaluation->values[METRIC_ACCURACY], (double)n_correct / (double)f.n_rows,
                                1e-12);
        ck_assert_double_gt(evaluation->values[METRIC_ACCURACY], 0.8);
    } else {
        ck_assert_double_gt(evaluation->values[METRIC_R2], 0.5);
    }
    free(x);
    free(all);
    free(one);
    workspace_free(workspace);
    evaluation_free(evaluation);
    model_unref(model_ref(model));
    model_unref(model);
    pool_free(pool);
    trainer_free(trainer);
    fixture_done(&f);
}
END_TEST

/* More rows than the window of outcomes holds. A rate too small to move a
 * weight: the rows of the epoch meet the network that is judged afterwards. */
START_TEST(many_rows_are_measured_a_window_at_a_time)
{
    const uint64_t n_train = 2 * WINDOW_ROWS + 7, n_validation = WINDOW_ROWS + 3;
    struct fixture f = fixture_numbers(n_train + n_validation, true);
    struct train_options o = options_of(&f, (uint32_t[]){4}, 1, ACTIVATION_RELU);
    struct err err = {0};
    o.learning_rate = 1e-30f;
    o.optimizer = OPTIMIZER_SGD;
    o.epochs = 1;
    o.batch_size = 1000;
    struct trainer *trainer = trainer_of(&f, &o, n_train, n_validation);
    struct epoch_metrics epoch = run(trainer, 2);
    struct model *model = trainer_model(trainer, &err);
    must(model != NULL, &err);
    struct pool *pool = pool_new(2, 0, &err);
    for (int part = 0; part < 2; part++) {
        struct rows rows = {.binding = f.binding,
                            .rows = f.rows + (part == 0 ? 0 : n_train),
                            .n_rows = part == 0 ? n_train : n_validation};
        const double *seen = part == 0 ? epoch.train : epoch.validation;
        struct evaluation *evaluation = model_evaluate(model, &rows, pool, NULL, &err);
        must(evaluation != NULL, &err);
        uint64_t n_right = 0, n_cells = 0;
        double loss = 0;
        ck_assert_uint_eq(evaluation->n_rows, rows.n_rows);
        for (uint64_t i = 0; i < rows.n_rows; i++) {
            const struct guess *guess = &evaluation->guesses[i];
            ck_assert_uint_eq(guess->row, rows.rows[i]);
            ck_assert_int_eq((int)guess->label, binding_class(f.binding, rows.rows[i]));
            n_right += guess->guess == guess->label;
            loss += (double)guess->loss;
        }
        for (uint32_t i = 0; i < 9; i++)
            n_cells += evaluation->confusion[i];
        ck_assert_uint_eq(n_cells, rows.n_rows);
        ck_assert(evaluation->values[METRIC_ACCURACY] == (double)n_right / (double)rows.n_rows);
        ck_assert(evaluation->values[METRIC_LOSS] == loss / (double)rows.n_rows);
        ck_assert(seen[METRIC_ACCURACY] == evaluation->values[METRIC_ACCURACY]);
        ck_assert_double_eq_tol(seen[METRIC_LOSS], evaluation->values[METRIC_LOSS],
                                1e-10); /* summed in another order */
        evaluation_free(evaluation);
    }
    model_unref(model);
    pool_free(pool);
    trainer_free(trainer);
    fixture_done(&f);
}
END_TEST

START_TEST(a_diverging_run_fails_and_keeps_finite_weights)
{
    struct fixture f = fixture_numbers(300, false);
    struct train_options o = options_of(&f, (uint32_t[]){45, 20}, 2, ACTIVATION_RELU);
    struct err err = {0};
    o.optimizer = OPTIMIZER_SGD;
    o.learning_rate = 1000;
    o.epochs = 50;
    struct trainer *trainer = trainer_of(&f, &o, f.n_rows, 0);
    struct pool *pool = pool_new(2, 0, &err);
    atomic_bool stop = false;
    struct epoch_metrics metrics;
    enum train_state state;
    while ((state = trainer_run(trainer, pool, &stop, 0, &metrics, &err)) == TRAIN_EPOCH) {}
    ck_assert_int_eq(state, TRAIN_FAILED);
    ck_assert_int_eq(err.code, ERR_NUMERIC);
    ck_assert_ptr_nonnull(strstr(err.msg, "epoch"));
    ck_assert_ptr_nonnull(strstr(err.msg, "learning_rate"));
    pool_free(pool);
    trainer_free(trainer);
    fixture_done(&f);
}
END_TEST

START_TEST(impossible_options_are_refused_by_field)
{
    struct fixture f = fixture_numbers(30, true);
    struct rows train = {.binding = f.binding, .rows = f.rows, .n_rows = f.n_rows},
                none = {.binding = f.binding, .rows = f.rows, .n_rows = 0};
    struct err err = {0};
    struct train_options good = options_of(&f, (uint32_t[]){5}, 1, ACTIVATION_RELU), bad = good;
    bad.layers[1].units = 2;
    ck_assert_ptr_null(trainer_new(f.recipe, &train, &none, &bad, &err));
    ck_assert_str_eq(err.field, "layers");
    bad = good;
    bad.layers[1].activation = ACTIVATION_LINEAR;
    ck_assert_ptr_null(trainer_new(f.recipe, &train, &none, &bad, &err));
    ck_assert_str_eq(err.field, "loss");
    bad = good;
    bad.learning_rate = -1;
    ck_assert_ptr_null(trainer_new(f.recipe, &train, &none, &bad, &err));
    ck_assert_str_eq(err.field, "learning_rate");
    bad = good;
    bad.epochs = 0;
    ck_assert_ptr_null(trainer_new(f.recipe, &train, &none, &bad, &err));
    ck_assert_str_eq(err.field, "epochs");
    ck_assert_ptr_null(trainer_new(f.recipe, &none, &none, &good, &err));
    fixture_done(&f);
}
END_TEST

START_TEST(weights_begin_as_the_initializer_says)
{
    struct err err = {0};
    struct layer layers[] = {{.units = 200, .activation = ACTIVATION_RELU},
                             {.units = 3, .activation = ACTIVATION_LINEAR}};
    struct network *network = network_new(500, layers, 2, &err);
    must(network != NULL, &err);
    for (int normal = 0; normal < 2; normal++) {
        must(network_init(network, normal ? INITIALIZER_NORMAL : INITIALIZER_HE_NORMAL, 0.1f, 42, &err),
             &err);
        float *w = malloc(sizeof *w * 500 * 200), b[200];
        network_get(network, 0, w, b);
        double sum = 0, squares = 0, want = normal ? 0.1 : sqrt(2.0 / 500);
        for (int i = 0; i < 100000; i++) {
            sum += (double)w[i];
            squares += (double)w[i] * (double)w[i];
        }
        /* mean within 4 standard errors, standard deviation within 1 % (4.5
         * standard errors) */
        ck_assert_double_lt(fabs(sum / 100000), 4 * want / sqrt(100000));
        ck_assert_double_eq_tol(sqrt(squares / 100000), want, 0.01 * want);
        for (int i = 0; i < 200; i++)
            ck_assert(b[i] == 0);
        free(w);
    }
    struct network *copy = network_copy(network, &err);
    float *w = malloc(sizeof *w * 500 * 200), b[200];
    network_get(network, 0, w, b);
    w[777] = 5;
    b[9] = 6;
    network_set(copy, 0, w, b);
    w[777] = b[9] = 0;
    network_get(copy, 0, w, b);
    ck_assert(w[777] == 5 && b[9] == 6);
    free(w);
    network_free(copy);
    network_free(network);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("train");
    TCase *tc = tcase_create("train");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, weights_are_bit_equal_at_any_number_of_threads, 0, 3);
    tcase_add_loop_test(tc, weights_are_bit_equal_with_every_option_on, 0, 3);
    tcase_add_test(tc, dropout_drops_its_share_and_keeps_the_mean);
    tcase_add_test(tc, schedules_go_as_documented);
    tcase_add_test(tc, early_stopping_ends_with_the_best_weights);
    tcase_add_test(tc, every_initializer_has_its_variance_and_orthogonal_is);
    tcase_add_test(tc, slices_change_nothing);
    tcase_add_test(tc, generic_kernels_agree_with_the_best_ones);
    tcase_add_loop_test(tc, predictions_equal_the_evaluation_whatever_their_number, 0, 3);
    tcase_add_test(tc, many_rows_are_measured_a_window_at_a_time);
    tcase_add_test(tc, a_diverging_run_fails_and_keeps_finite_weights);
    tcase_add_test(tc, impossible_options_are_refused_by_field);
    tcase_add_test(tc, weights_begin_as_the_initializer_says);
    suite_add_tcase(suite, tc);
    return suite;
}
