/* Optimizers: a row each. Pure functions.
 *
 * Bias corrections are folded into rate and divisor: adam is p -= rate / (1 -
 * beta_1^t) * m / (sqrt(v) / sqrt(1 - beta_2^t) + epsilon). */
#include "train/optimizer.h"
#include "base/elementary.h"

#include <math.h>
#include <string.h>

static void correct_adam(struct update *u, uint64_t step)
{
    u->rate = (float)((double)u->rate / (1.0 - elementary_power((double)u->beta_1, step)));
    u->inv_sqrt_correction = (float)(1.0 / sqrt(1.0 - elementary_power((double)u->beta_2, step)));
}

/* As PyTorch's NAdam: beta_1 (1 - 0.5 * 0.96^(t / 250)) is step t's
 * momentum. */
static double nadam_momentum(const struct update *u, uint64_t t)
{
    const double log_of_0_96 = -0.040821994520255129554;
    return (double)u->beta_1 * (1 - 0.5 * elementary_exp(log_of_0_96 * ((double)t * 0.004)));
}

/* The product of the momenta so far corrects the bias. */
static void correct_nadam(struct update *u, uint64_t step)
{
    double rate = (double)u->rate, product = 1, now, next;
    /* Below 1e-17 the product no longer shows beside 1. */
    for (uint64_t t = 1; t <= step && product > 1e-17; t++)
        product *= nadam_momentum(u, t);
    now = nadam_momentum(u, step);
    next = nadam_momentum(u, step + 1);
    u->rate = (float)(rate * next / (1 - product * next));
    u->rate_of_gradient = (float)(rate * (1 - now) / (1 - product));
    u->inv_sqrt_correction = (float)(1.0 / sqrt(1.0 - elementary_power((double)u->beta_2, step)));
}

static const struct {
    const char *name;
    float rate;
    bool has_m, has_v;
    void (*correct)(struct update *update, uint64_t step); /* NULL: nothing depends on the step */
} optimizers[N_OPTIMIZERS] = {
    [OPTIMIZER_ADAM] = {"adam", 0.001f, true, true, correct_adam},
    [OPTIMIZER_ADAMW] = {"adamw", 0.001f, true, true, correct_adam},
    [OPTIMIZER_NADAM] = {"nadam", 0.001f, true, true, correct_nadam},
    [OPTIMIZER_SGD] = {"sgd", 0.01f, false, false, NULL},
    [OPTIMIZER_RMSPROP] = {"rmsprop", 0.001f, false, true, NULL},
    [OPTIMIZER_ADAGRAD] = {"adagrad", 0.01f, false, true, NULL},
};

const char *optimizer_name(enum optimizer optimizer)
{
    return (size_t)optimizer < N_OPTIMIZERS ? optimizers[optimizer].name : NULL;
}

int optimizer_find(const char *name)
{
    for (int i = 0; i < N_OPTIMIZERS; i++)
        if (strcmp(optimizers[i].name, name) == 0)
            return i;
    return -1;
}

bool optimizer_has_state(const struct train_options *o, int which)
{
    return which == 0 ? optimizers[o->optimizer].has_m || o->momentum > 0 : optimizers[o->optimizer].has_v;
}

static void fill(float *number, float otherwise)
{
    if (*number == 0)
        *number = otherwise;
}

void optimizer_defaults(struct train_options *o)
{
    fill(&o->learning_rate, optimizers[o->optimizer].rate);
    fill(&o->beta_1, 0.9f);
    fill(&o->beta_2, 0.999f);
    fill(&o->epsilon, 1e-8f);
    fill(&o->rho, 0.9f);
    if (o->optimizer == OPTIMIZER_ADAMW && !o->weight_decay_given)
        o->weight_decay = 0.004f;
    schedule_defaults(&o->schedule);
}

bool optimizer_check(const struct train_options *o, struct err *err)
{
    const struct {
        const char *field;
        float value, least, most;
    } fields[] = {
        {"learning_rate", o->learning_rate, 1e-30f, 1e6f},
        {"beta_1", o->beta_1, 0, 0.99999f},
        {"beta_2", o->beta_2, 0, 0.9999999f},
        {"epsilon", o->epsilon, 1e-30f, 1e6f},
        {"rho", o->rho, 0, 0.99999f},
        {"momentum", o->momentum, 0, 0.99999f},
        {"weight_decay", o->weight_decay, 0, 1e6f},
        {"clipvalue", o->clipvalue, 0, 1e30f},
        {"clipnorm", o->clipnorm, 0, 1e30f},
        {"global_clipnorm", o->global_clipnorm, 0, 1e30f},
        {"l1", o->l1, 0, 1e6f},
        {"l2", o->l2, 0, 1e6f},
        {"max_norm", o->max_norm, 0, 1e30f},
        {"input_dropout", o->input_dropout, 0, 0.95f},
        {"label_smoothing", o->label_smoothing, 0, 0.5f},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].value >= fields[i].least && fields[i].value <= fields[i].most)
            continue;
        err_set(err, ERR_INPUT, "%s is %g; %g to %g is possible", fields[i].field, (double)fields[i].value,
                (double)fields[i].least, (double)fields[i].most);
        return err_field(err, fields[i].field);
    }
    return true;
}

struct update optimizer_update(const struct train_options *o, uint64_t step, double rate)
{
    struct update u = {.rate = (float)rate,
                       .beta_1 = o->beta_1,
                       .beta_2 = o->optimizer == OPTIMIZER_RMSPROP ? o->rho : o->beta_2,
                       .epsilon = o->epsilon,
                       .momentum = o->momentum,
                       .nesterov = o->nesterov};
    if (optimizers[o->optimizer].correct != NULL)
        optimizers[o->optimizer].correct(&u, step);
    return u;
}
