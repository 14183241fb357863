/* Training: against an independent double-precision network, against finite differences, and against itself at other thread counts. */
#include "helper_reference.h"
#include "mlp/csv.h"
#include "train_private.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A table, the recipe fitted on all of it and everything needed to train. */
struct fixture {
    char path[64];
    struct table *table;
    struct recipe *recipe;
    struct binding *binding;
    uint32_t *rows;
    uint64_t n_rows;
    const float *weights; /* of training rows; NULL: 1 */
};

static uint32_t seed;

static double random_double(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (double)(seed >> 8) / (double)(1 << 24);
}

static void must(bool ok, const struct err *err)
{
    ck_assert_msg(ok, "%s", err->msg);
}

static struct fixture fixture_of(const char *csv)
{
    struct fixture f = {0};
    struct err err = {0};
    char spool[] = "/tmp/mlp-train-XXXXXX";
    int fd = mkstemp(spool);
    ck_assert_int_ge(fd, 0);
    unlink(spool);
    ck_assert_int_eq(write(fd, csv, strlen(csv)), (ssize_t)strlen(csv));
    snprintf(f.path, sizeof f.path, "%s.table", spool);
    struct csv_options options = {.header = 1};
    must(table_ingest(fd, &options, f.path, NULL, NULL, &err), &err);
    close(fd);
    f.table = table_open(f.path, &err);
    must(f.table != NULL, &err);
    unlink(f.path);
    f.n_rows = table_n_rows(f.table);
    f.rows = malloc(f.n_rows * sizeof *f.rows);
    for (uint64_t i = 0; i < f.n_rows; i++)
        f.rows[i] = (uint32_t)i;
    f.recipe = recipe_fit(f.table, f.rows, f.n_rows, &(struct recipe_options){.target = "y"}, &err);
    must(f.recipe != NULL, &err);
    f.binding = recipe_bind(f.recipe, f.table, true, &err);
    must(f.binding != NULL, &err);
    return f;
}

static void fixture_done(struct fixture *f)
{
    binding_free(f->binding);
    recipe_free(f->recipe);
    table_unref(f->table);
    free(f->rows);
}

/* n rows of 5 numbers; y is one of three words, or a number. */
static struct fixture fixture_numbers(uint64_t n, bool classes)
{
    char *csv = malloc(n * 128 + 128), *at = csv + sprintf(csv, "a,b,c,d,e,y\n");
    seed = 7;
    for (uint64_t i = 0; i < n; i++) {
        double x[5], sum = 0;
        for (int k = 0; k < 5; k++) {
            x[k] = random_double() * 4 - 2;
            sum += x[k] * (k - 1.5);
        }
        at += sprintf(at, "%.3f,%.3f,%.3f,%.3f,%.3f,", x[0], x[1], x[2], x[3], x[4]);
        at += classes ? sprintf(at, "%s\n", sum < -1 ? "low" : sum < 1 ? "mid" : "high") : sprintf(at, "%.3f\n", sum * sum);
    }
    struct fixture f = fixture_of(csv);
    free(csv);
    return f;
}

/* n rows of 100 bytes, four fifths of them zero, as images are; y is 0..3. */
static struct fixture fixture_images(uint64_t n)
{
    char *csv = malloc(n * 512 + 1024), *at = csv;
    for (int k = 0; k < 100; k++)
        at += sprintf(at, "p%d,", k);
    at += sprintf(at, "y\n");
    seed = 11;
    for (uint64_t i = 0; i < n; i++) {
        int label = (int)(i % 4);
        for (int k = 0; k < 100; k++) {
            bool ink = random_double() < (k / 25 == label ? 0.5 : 0.1);
            at += sprintf(at, "%d,", i == 0 && k == 0 ? 255 : ink && k != 40 ? (int)(random_double() * 256) : 0);
        }
        at += sprintf(at, "%d\n", label);
    }
    struct fixture f = fixture_of(csv);
    ck_assert(f.recipe->bytes);
    free(csv);
    return f;
}

static struct train_options options_of(const struct fixture *f, const uint32_t *hidden, uint32_t n_hidden, enum activation activation)
{
    struct train_options o = train_options_default();
    for (uint32_t i = 0; i < n_hidden; i++)
        o.layers[o.n_layers++] = (struct layer){.units = hidden[i], .activation = activation};
    bool classes = f->recipe->task == TASK_CLASSIFICATION;
    o.layers[o.n_layers++] =
        (struct layer){.units = classes ? f->recipe->n_classes : 1, .activation = classes ? ACTIVATION_SOFTMAX : ACTIVATION_LINEAR};
    return o;
}

static struct trainer *trainer_of(const struct fixture *f, const struct train_options *o, uint64_t n_train, uint64_t n_validation)
{
    struct err err = {0};
    struct rows train = {.binding = f->binding, .rows = f->rows, .n_rows = n_train, .weights = f->weights},
                validation = {.binding = f->binding, .rows = f->rows + n_train, .n_rows = n_validation};
    struct trainer *trainer = trainer_new(f->recipe, &train, &validation, o, &err);
    must(trainer != NULL, &err);
    return trainer;
}

/* Run to the end; returns the last epoch's metrics. */
static struct epoch_metrics run(struct trainer *trainer, uint32_t n_threads)
{
    struct err err = {0};
    struct epoch_metrics metrics = {0};
    struct pool *pool = pool_new(n_threads, 0, &err);
    must(pool != NULL, &err);
    atomic_bool stop = false;
    enum train_state state;
    while ((state = trainer_run(trainer, pool, &stop, 0, &metrics, &err)) == TRAIN_EPOCH) {}
    must(state == TRAIN_DONE, &err);
    pool_free(pool);
    return metrics;
}

/* Encoded inputs and targets in double precision. */
static void to_double(const struct fixture *f, double *x, double *t)
{
    uint32_t n = f->recipe->n_inputs;
    float *row = malloc(n * sizeof *row);
    for (uint64_t i = 0; i < f->n_rows; i++) {
        binding_encode(f->binding, i, row);
        for (uint32_t k = 0; k < n; k++)
            x[i * n + k] = (double)row[k];
        t[i] = f->recipe->task == TASK_CLASSIFICATION
                   ? (double)binding_class(f->binding, i)
                   : ((double)binding_value(f->binding, i) - (double)f->recipe->target_mean) / (double)f->recipe->target_stddev;
    }
    free(row);
}

/* What row i counts. */
static double weight_of(uint64_t i)
{
    return (double)(i % 5) * 0.5;
}

/* Ten steps of 13 rows each, beside the reference. */
static void ten_steps(const struct train_options *given, bool classes, bool weighted, double tolerance)
{
    enum { batch = 13, steps = 10 };
    struct fixture f = fixture_numbers(batch * steps, classes);
    struct train_options o = *given;
    struct train_options shape = options_of(&f, (uint32_t[]){37, 19}, 2, ACTIVATION_RELU);
    memcpy(o.layers, shape.layers, sizeof o.layers);
    o.n_layers = shape.n_layers;
    o.batch_size = batch;
    o.epochs = 1;
    o.shuffle = false;
    double *x = malloc(f.n_rows * f.recipe->n_inputs * sizeof *x), *t = malloc(f.n_rows * sizeof *t), loss = 0;
    to_double(&f, x, t);
    struct trainer *trainer = trainer_of(&f, &o, f.n_rows, 0);
    struct reference *reference = reference_new(trainer_network(trainer), classes ? LOSS_CATEGORICAL_CROSSENTROPY : LOSS_MSE);
    float weights[batch * steps];
    double exact[batch * steps];
    for (uint64_t i = 0; i < f.n_rows; i++)
        weights[i] = (float)(exact[i] = weight_of(i));
    trainer->train.weights = weighted ? weights : NULL;
    struct epoch_metrics metrics = run(trainer, 2);
    for (int i = 0; i < steps; i++) {
        reference->weights = weighted ? exact + i * batch : NULL;
        loss += reference_gradients(reference, x + (size_t)(i * batch) * f.recipe->n_inputs, t + i * batch, batch) / steps;
        reference_step(reference, &o, (double)trainer->options.learning_rate);
    }
    ck_assert_double_eq_tol(metrics.train[METRIC_LOSS], loss, tolerance);
    double distance = reference_distance(reference, trainer_network(trainer));
    ck_assert_msg(distance < tolerance, "%s: weights %g apart", optimizer_name(o.optimizer), distance);
    reference_free(reference);
    trainer_free(trainer);
    fixture_done(&f);
    free(x);
    free(t);
}

START_TEST(ten_steps_of_each_optimizer_agree_with_double_precision)
{
    struct train_options o = train_options_default();
    o.optimizer = (enum optimizer)(_i / 2);
    /* rmsprop and adagrad divide by the root of very small sums at first: rounding shows more */
    ten_steps(&o, _i % 2 == 0, false, 1e-5);
    ten_steps(&o, _i % 2 == 0, true, 1e-5);
}
END_TEST

START_TEST(ten_steps_with_each_option_agree_with_double_precision)
{
    struct train_options o = train_options_default();
    o.optimizer = OPTIMIZER_SGD;
    switch (_i) {
    case 0:
        o.momentum = 0.9f;
        break;
    case 1:
        o.momentum = 0.9f;
        o.nesterov = true;
        break;
    case 2:
        o.optimizer = OPTIMIZER_RMSPROP;
        o.momentum = 0.5f;
        break;
    case 3:
        o.l1 = 0.01f;
        o.l2 = 0.02f;
        break;
    case 4:
        o.weight_decay = 0.3f;
        o.weight_decay_given = true;
        o.optimizer = OPTIMIZER_ADAMW;
        break;
    case 5:
        o.clipvalue = 0.01f;
        break;
    case 6:
        o.clipnorm = 0.1f;
        o.l2 = 0.02f;
        break;
    case 7:
        o.global_clipnorm = 0.2f;
        break;
    case 8:
        o.max_norm = 0.8f;
        o.learning_rate = 0.1f;
        break;
    default:
        ck_abort();
    }
    ten_steps(&o, true, false, 1e-5);
    ten_steps(&o, false, true, 1e-5);
}
END_TEST

#define N_GRADIENT_CASES 16

/* One step of SGD at rate 1 over all rows: what it takes off the weights is the gradient. */
START_TEST(gradients_agree_with_finite_differences)
{
    static const struct {
        bool classes;
        enum activation hidden, last;
        enum loss loss;
        float label_smoothing;
    } cases[N_GRADIENT_CASES] = {
        {true, ACTIVATION_RELU, ACTIVATION_SOFTMAX, LOSS_CATEGORICAL_CROSSENTROPY, 0},
        {true, ACTIVATION_LINEAR, ACTIVATION_SOFTMAX, LOSS_CATEGORICAL_CROSSENTROPY, 0.1f},
        {true, ACTIVATION_LEAKY_RELU, ACTIVATION_SOFTMAX, LOSS_MSE, 0},
        {true, ACTIVATION_ELU, ACTIVATION_LINEAR, LOSS_MSE, 0.2f},
        {true, ACTIVATION_SELU, ACTIVATION_RELU, LOSS_MSE, 0},
        {true, ACTIVATION_GELU, ACTIVATION_SIGMOID, LOSS_BINARY_CROSSENTROPY, 0},
        {true, ACTIVATION_SWISH, ACTIVATION_SIGMOID, LOSS_BINARY_CROSSENTROPY, 0.1f},
        {true, ACTIVATION_TANH, ACTIVATION_SOFTMAX, LOSS_HUBER, 0},
        {true, ACTIVATION_SIGMOID, ACTIVATION_TANH, LOSS_MAE, 0},
        {false, ACTIVATION_SOFTPLUS, ACTIVATION_LINEAR, LOSS_MSE, 0},
        {false, ACTIVATION_RELU, ACTIVATION_LINEAR, LOSS_MSE, 0},
        {false, ACTIVATION_LINEAR, ACTIVATION_RELU, LOSS_MSE, 0},
        {false, ACTIVATION_TANH, ACTIVATION_LINEAR, LOSS_HUBER, 0},
        {false, ACTIVATION_SWISH, ACTIVATION_LINEAR, LOSS_MAE, 0},
        {false, ACTIVATION_GELU, ACTIVATION_SOFTPLUS, LOSS_POISSON, 0},
        {false, ACTIVATION_ELU, ACTIVATION_GELU, LOSS_MSE, 0},
    };
    struct fixture f = fixture_numbers(23, cases[_i].classes);
    struct train_options o = options_of(&f, (uint32_t[]){17, 9}, 2, cases[_i].hidden);
    if (cases[_i].loss == LOSS_POISSON) { /* counts: the target as it is */
        f.recipe->target_mean = 0;
        f.recipe->target_stddev = 1;
    }
    o.layers[2].activation = cases[_i].last;
    o.label_smoothing = cases[_i].label_smoothing;
    o.loss = cases[_i].loss;
    o.optimizer = OPTIMIZER_SGD;
    o.learning_rate = 1;
    o.batch_size = 0;
    o.epochs = 1;
    double *x = malloc(f.n_rows * f.recipe->n_inputs * sizeof *x), *t = malloc(f.n_rows * sizeof *t);
    to_double(&f, x, t);
    struct trainer *trainer = trainer_of(&f, &o, f.n_rows, 0);
    struct reference *before = reference_new(trainer_network(trainer), cases[_i].loss);
    before->label_smoothing = (double)cases[_i].label_smoothing;
    run(trainer, 2);
    struct reference *after = reference_new(trainer_network(trainer), cases[_i].loss);
    double biggest = 0;
    for (uint32_t l = 0; l < before->n_layers; l++) {
        uint32_t n_in = l == 0 ? before->n_inputs : before->layers[l - 1].units, n = n_in * before->layers[l].units;
        for (uint32_t i = 0; i < n + before->layers[l].units; i++) {
            double *p = i < n ? &before->w[l][i] : &before->b[l][i - n], *q = i < n ? &after->w[l][i] : &after->b[l][i - n];
            double gradient = *p - *q, kept = *p;
            const double h = 1e-6;
            *p = kept + h;
            double up = reference_loss(before, x, t, f.n_rows);
            *p = kept - h;
            double down = reference_loss(before, x, t, f.n_rows);
            *p = kept;
            ck_assert_msg(fabs(gradient - (up - down) / (2 * h)) < 3e-6 * (1 + fabs(gradient)), "layer %u, parameter %u: %g, not %g", l, i,
                          gradient, (up - down) / (2 * h));
            biggest = fmax(biggest, fabs(gradient));
        }
    }
    ck_assert_double_gt(biggest, 1e-3);
    reference_free(before);
    reference_free(after);
    trainer_free(trainer);
    fixture_done(&f);
    free(x);
    free(t);
}
END_TEST

/* ---- against itself ---- */

static struct trainer *trained(const struct fixture *f, const struct train_options *o, uint32_t n_threads, struct epoch_metrics *metrics)
{
    struct trainer *trainer = trainer_of(f, o, f->n_rows - 50, 50);
    *metrics = run(trainer, n_threads);
    return trainer;
}

static void check_equal_bits(const struct fixture *f, const struct train_options *o, uint32_t n_threads)
{
    struct epoch_metrics one, many;
    struct trainer *a = trained(f, o, 1, &one), *b = trained(f, o, n_threads, &many);
    const struct network *p = trainer_network(a), *q = trainer_network(b);
    ck_assert_msg(memcmp(p->params, q->params, p->n_floats * sizeof(float)) == 0, "weights differ at %u threads, batch %u", n_threads,
                  o->batch_size);
    ck_assert_mem_eq(one.train, many.train, sizeof one.train);
    ck_assert_mem_eq(one.validation, many.validation, sizeof one.validation);
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
        check_equal_bits(f, &o, threads[_i]);
        o.batch_size = 0; /* of several chunks, at this width */
        o.layers[0].units = 2101;
        o.epochs = 1;
        check_equal_bits(f, &o, threads[_i]);
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
        o.early_stopping = (struct early_stopping){.on = true, .monitor = i == 0 ? METRIC_MACRO_F1 : METRIC_R2, .restore_best = true};
        if (i == 0)
            o.augment = augment_default();
        o.epochs = 3;
        o.batch_size = 77;
        check_equal_bits(f, &o, threads[_i]);
    }
    fixture_done(&images);
    fixture_done(&numbers);
}
END_TEST

START_TEST(dropout_drops_its_share_and_keeps_the_mean)
{
    enum { n = 4096 };
    static float y[n] __attribute__((aligned(64))), slopes[n] __attribute__((aligned(64))), again[n] __attribute__((aligned(64)));
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
        ck_assert_msg(fabs(schedule_rate(&o, cases[i].step, 10, cases[i].reductions) - cases[i].rate) < 1e-6, "%s at step %u: %g, not %g",
                      schedule_name(cases[i].kind), (unsigned)cases[i].step, schedule_rate(&o, cases[i].step, 10, cases[i].reductions),
                      cases[i].rate);
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
    struct evaluation *evaluation = model_evaluate(model, &validation, pool, &err);
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
    struct layer layers[] = {{.units = 60, .activation = ACTIVATION_RELU}, {.units = 200, .activation = ACTIVATION_RELU}};
    struct network *network = network_new(200, layers, 2, &err);
    must(network != NULL, &err);
    float *w = malloc(sizeof *w * 200 * 60), b[200];
    const double variances[N_INITIALIZERS] = {2.0 / 200, 2.0 / 200, 2.0 / 260, 2.0 / 260, 1.0 / 200, 1.0 / 200, 0.25, 0};
    for (int i = 0; i < N_INITIALIZERS - 1; i++) {
        must(network_init(network, (enum initializer)i, 0.5f, 3, &err), &err);
        network_get(network, 0, w, b);
        double squares = 0;
        for (int k = 0; k < 12000; k++)
            squares += (double)w[k] * (double)w[k] / 12000;
        ck_assert_msg(fabs(squares - variances[i]) < 0.06 * variances[i], "%s: variance %g, not %g", initializer_name((enum initializer)i),
                      squares, variances[i]); /* four and a half standard errors of a normal's */
    }
    must(network_init(network, INITIALIZER_ORTHOGONAL, 0, 3, &err), &err);
    for (uint32_t layer = 0; layer < 2; layer++) { /* tall: columns; wide: rows */
        network_get(network, layer, w, b);
        for (int i = 0; i < 60; i++)
            for (int j = 0; j <= i; j++) {
                double dot = 0;
                for (int k = 0; k < 200; k++)
                    dot += layer == 0 ? (double)w[k * 60 + i] * (double)w[k * 60 + j] : (double)w[i * 200 + k] * (double)w[j * 200 + k];
                ck_assert_double_eq_tol(dot, i == j, 1e-5);
            }
    }
    free(w);
    network_free(network);
}
END_TEST

START_TEST(chunks_of_a_full_batch_give_the_gradient_of_the_whole)
{
    struct fixture f = fixture_images(700);
    struct train_options o = options_of(&f, (uint32_t[]){2100}, 1, ACTIVATION_RELU);
    o.optimizer = OPTIMIZER_SGD;
    o.learning_rate = 0.5f;
    o.epochs = 2;
    o.batch_size = 0;
    o.shuffle = false;
    double *x = malloc(f.n_rows * f.recipe->n_inputs * sizeof *x), *t = malloc(f.n_rows * sizeof *t);
    to_double(&f, x, t);
    struct trainer *trainer = trainer_of(&f, &o, f.n_rows, 0);
    ck_assert_uint_lt(trainer->chunk_rows, 350); /* at least three chunks */
    struct reference *reference = reference_new(trainer_network(trainer), LOSS_CATEGORICAL_CROSSENTROPY);
    struct epoch_metrics metrics = run(trainer, 2);
    double loss = 0;
    for (int i = 0; i < 2; i++) {
        loss = reference_gradients(reference, x, t, f.n_rows);
        reference_step(reference, &o, 0.5);
    }
    ck_assert_double_eq_tol(metrics.train[METRIC_LOSS], loss, 1e-5);
    ck_assert_double_lt(reference_distance(reference, trainer_network(trainer)), 1e-5);
    reference_free(reference);
    trainer_free(trainer);
    fixture_done(&f);
    free(x);
    free(t);
}
END_TEST

START_TEST(slices_change_nothing)
{
    struct fixture f = fixture_images(700);
    struct train_options o = options_of(&f, (uint32_t[]){33}, 1, ACTIVATION_RELU);
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
    ck_assert_mem_eq(trainer_network(a)->params, trainer_network(b)->params, trainer_network(a)->n_floats * sizeof(float));
    ck_assert_mem_eq(whole.train, sliced.train, sizeof whole.train);
    ck_assert_mem_eq(whole.validation, sliced.validation, sizeof whole.validation);
    /* `stop` within a step throws that step's work away and goes on from there. */
    trainer_free(b);
    b = trainer_of(&f, &o, f.n_rows - 50, 50);
    stop = true;
    ck_assert_int_eq(trainer_run(b, pool, &stop, 0, &sliced, &err), TRAIN_SLICE);
    ck_assert(trainer_fraction(b) == 0);
    stop = false;
    while ((state = trainer_run(b, pool, &stop, 0, &sliced, &err)) == TRAIN_EPOCH) {}
    ck_assert_int_eq(state, TRAIN_DONE);
    ck_assert_mem_eq(trainer_network(a)->params, trainer_network(b)->params, trainer_network(a)->n_floats * sizeof(float));
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
    struct evaluation *evaluation = model_evaluate(model, &rows, pool, &err);
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
        ck_assert_double_eq_tol(evaluation->values[METRIC_ACCURACY], (double)n_correct / (double)f.n_rows, 1e-12);
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
    struct layer layers[] = {{.units = 200, .activation = ACTIVATION_RELU}, {.units = 3, .activation = ACTIVATION_LINEAR}};
    struct network *network = network_new(500, layers, 2, &err);
    must(network != NULL, &err);
    for (int normal = 0; normal < 2; normal++) {
        must(network_init(network, normal ? INITIALIZER_NORMAL : INITIALIZER_HE_NORMAL, 0.1f, 42, &err), &err);
        float *w = malloc(sizeof *w * 500 * 200), b[200];
        network_get(network, 0, w, b);
        double sum = 0, squares = 0, want = normal ? 0.1 : sqrt(2.0 / 500);
        for (int i = 0; i < 100000; i++) {
            sum += (double)w[i];
            squares += (double)w[i] * (double)w[i];
        }
        /* mean within 4 standard errors, standard deviation within 1 % (4.5 standard errors) */
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

int main(void)
{
    Suite *suite = suite_create("train");
    TCase *tc = tcase_create("train");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, ten_steps_of_each_optimizer_agree_with_double_precision, 0, 2 * N_OPTIMIZERS);
    tcase_add_loop_test(tc, ten_steps_with_each_option_agree_with_double_precision, 0, 9);
    tcase_add_loop_test(tc, gradients_agree_with_finite_differences, 0, N_GRADIENT_CASES);
    tcase_add_loop_test(tc, weights_are_bit_equal_at_any_number_of_threads, 0, 3);
    tcase_add_loop_test(tc, weights_are_bit_equal_with_every_option_on, 0, 3);
    tcase_add_test(tc, dropout_drops_its_share_and_keeps_the_mean);
    tcase_add_test(tc, schedules_go_as_documented);
    tcase_add_test(tc, early_stopping_ends_with_the_best_weights);
    tcase_add_test(tc, every_initializer_has_its_variance_and_orthogonal_is);
    tcase_add_test(tc, chunks_of_a_full_batch_give_the_gradient_of_the_whole);
    tcase_add_test(tc, slices_change_nothing);
    tcase_add_test(tc, generic_kernels_agree_with_the_best_ones);
    tcase_add_loop_test(tc, predictions_equal_the_evaluation_whatever_their_number, 0, 3);
    tcase_add_test(tc, a_diverging_run_fails_and_keeps_finite_weights);
    tcase_add_test(tc, impossible_options_are_refused_by_field);
    tcase_add_test(tc, weights_begin_as_the_initializer_says);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
