/* Training steps against an independent double-precision network, and gradients
 * against finite differences. */
#include "helper_main.h"
#include "helper_reference.h"
#include "helper_training.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Ten steps of 13 rows each, beside the reference. */
static void ten_steps(const struct train_options *given, bool classes, bool weighted, double tolerance)
{
    enum { batch = 13, steps = 10 };
    struct fixture f = fixture_numbers(batch * steps, classes);
    struct train_options o = *given;
    struct train_options shape = options_of(&f, (uint32_t[]){37, 19}, 2, ACTIVATION_RELU);
    for (uint32_t l = 0; l < shape.n_layers; l++)
        shape.layers[l].norms = given->layers[l].norms;
    memcpy(o.layers, shape.layers, sizeof o.layers);
    o.n_layers = shape.n_layers;
    o.batch_size = batch;
    o.epochs = 1;
    o.shuffle = false;
    double *x = malloc(f.n_rows * f.recipe->n_inputs * sizeof *x), *t = malloc(f.n_rows * sizeof *t),
           loss = 0;
    to_double(&f, x, t);
    struct trainer *trainer = trainer_of(&f, &o, f.n_rows, 0);
    struct reference *reference =
        reference_new(trainer_network(trainer), classes ? LOSS_CATEGORICAL_CROSSENTROPY : LOSS_MSE);
    float weights[batch * steps];
    double exact[batch * steps];
    for (uint64_t i = 0; i < f.n_rows; i++)
        weights[i] = (float)(exact[i] = weight_of(i));
    trainer->config.train.weights = weighted ? weights : NULL;
    struct epoch_metrics metrics = run(trainer, 2);
    for (int i = 0; i < steps; i++) {
        reference->weights = weighted ? exact + i * batch : NULL;
        loss += reference_gradients(reference, x + (size_t)(i * batch) * f.recipe->n_inputs, t + i * batch,
                                    batch) /
                steps;
        reference_step(reference, &o, (double)trainer->config.options.learning_rate);
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
    /* rmsprop and adagrad divide by the root of very small sums at first:
     * rounding shows more */
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
    case 9:
        o.layers[0].norms = o.layers[1].norms = 1;
        break;
    case 10:
        o.layers[1].norms = 1;
        o.clipnorm = 0.1f;
        o.l2 = 0.02f;
        break;
    default:
        ck_abort();
    }
    ten_steps(&o, true, false, 1e-5);
    ten_steps(&o, false, true, 1e-5);
}
END_TEST

#define N_GRADIENT_CASES 19

/* What a step at rate 1 took off each parameter, against central differences of
 * the loss; returns the largest. */
static double check_gradients(struct reference *before, const struct reference *after, const double *x,
                              const double *t, uint64_t n_rows)
{
    double biggest = 0;
    for (uint32_t l = 0; l < before->n_layers; l++) {
        uint32_t n_in = l == 0 ? before->n_inputs : before->layers[l - 1].units,
                 n = n_in * before->layers[l].units;
        for (uint32_t i = 0; i < n + layer_n_vectors(&before->layers[l]) * before->layers[l].units; i++) {
            double *p = i < n ? &before->w[l][i] : &before->b[l][i - n],
                   *q = i < n ? &after->w[l][i] : &after->b[l][i - n];
            double gradient = *p - *q, kept = *p;
            const double h = 1e-6;
            *p = kept + h;
            double up = reference_loss(before, x, t, n_rows);
            *p = kept - h;
            double down = reference_loss(before, x, t, n_rows);
            *p = kept;
            ck_assert_msg(fabs(gradient - (up - down) / (2 * h)) < 3e-6 * (1 + fabs(gradient)),
                          "layer %u, parameter %u: %g, not %g", l, i, gradient, (up - down) / (2 * h));
            biggest = fmax(biggest, fabs(gradient));
        }
    }
    return biggest;
}

/* One step of SGD at rate 1 over all rows: what it takes off the weights is the
 * gradient. */
START_TEST(gradients_agree_with_finite_differences)
{
    static const struct {
        bool classes;
        enum activation hidden, last;
        enum loss loss;
        float label_smoothing;
        uint32_t
            norms[2]; /* of the hidden layers: 12 and 9 units where the first is normalised, else 17 and 9 */
    } cases[N_GRADIENT_CASES] = {
        {true, ACTIVATION_RELU, ACTIVATION_SOFTMAX, LOSS_CATEGORICAL_CROSSENTROPY, 0, {0, 0}},
        {true, ACTIVATION_LINEAR, ACTIVATION_SOFTMAX, LOSS_CATEGORICAL_CROSSENTROPY, 0.1f, {0, 0}},
        {true, ACTIVATION_LEAKY_RELU, ACTIVATION_SOFTMAX, LOSS_MSE, 0, {0, 0}},
        {true, ACTIVATION_ELU, ACTIVATION_LINEAR, LOSS_MSE, 0.2f, {0, 0}},
        {true, ACTIVATION_SELU, ACTIVATION_RELU, LOSS_MSE, 0, {0, 0}},
        {true, ACTIVATION_GELU, ACTIVATION_SIGMOID, LOSS_BINARY_CROSSENTROPY, 0, {0, 0}},
        {true, ACTIVATION_SWISH, ACTIVATION_SIGMOID, LOSS_BINARY_CROSSENTROPY, 0.1f, {0, 0}},
        {true, ACTIVATION_TANH, ACTIVATION_SOFTMAX, LOSS_HUBER, 0, {0, 0}},
        {true, ACTIVATION_SIGMOID, ACTIVATION_TANH, LOSS_MAE, 0, {0, 0}},
        {false, ACTIVATION_SOFTPLUS, ACTIVATION_LINEAR, LOSS_MSE, 0, {0, 0}},
        {false, ACTIVATION_RELU, ACTIVATION_LINEAR, LOSS_MSE, 0, {0, 0}},
        {false, ACTIVATION_LINEAR, ACTIVATION_RELU, LOSS_MSE, 0, {0, 0}},
        {false, ACTIVATION_TANH, ACTIVATION_LINEAR, LOSS_HUBER, 0, {0, 0}},
        {false, ACTIVATION_SWISH, ACTIVATION_LINEAR, LOSS_MAE, 0, {0, 0}},
        {false, ACTIVATION_GELU, ACTIVATION_SOFTPLUS, LOSS_POISSON, 0, {0, 0}},
        {false, ACTIVATION_ELU, ACTIVATION_GELU, LOSS_MSE, 0, {0, 0}},
        {true, ACTIVATION_RELU, ACTIVATION_SOFTMAX, LOSS_CATEGORICAL_CROSSENTROPY, 0, {1, 1}},
        {true, ACTIVATION_LINEAR, ACTIVATION_SOFTMAX, LOSS_CATEGORICAL_CROSSENTROPY, 0, {0, 1}},
        {false, ACTIVATION_TANH, ACTIVATION_LINEAR, LOSS_MSE, 0, {2, 3}},
    };
    struct fixture f = fixture_numbers(23, cases[_i].classes);
    struct train_options o =
        options_of(&f, (uint32_t[]){cases[_i].norms[0] > 0 ? 12 : 17, 9}, 2, cases[_i].hidden);
    for (int l = 0; l < 2; l++)
        o.layers[l].norms = cases[_i].norms[l];
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
    ck_assert_double_gt(check_gradients(before, after, x, t, f.n_rows), 1e-3);
    reference_free(before);
    reference_free(after);
    trainer_free(trainer);
    fixture_done(&f);
    free(x);
    free(t);
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
    ck_assert_uint_lt(trainer->config.chunk_rows, 350); /* at least three chunks */
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

Suite *test_suite(void)
{
    Suite *suite = suite_create("gradients");
    TCase *tc = tcase_create("gradients");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, ten_steps_of_each_optimizer_agree_with_double_precision, 0, 2 * N_OPTIMIZERS);
    tcase_add_loop_test(tc, ten_steps_with_each_option_agree_with_double_precision, 0, 11);
    tcase_add_loop_test(tc, gradients_agree_with_finite_differences, 0, N_GRADIENT_CASES);
    tcase_add_test(tc, chunks_of_a_full_batch_give_the_gradient_of_the_whole);
    suite_add_tcase(suite, tc);
    return suite;
}
