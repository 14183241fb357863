/* Optimizers. Pure functions. Adam: Kingma & Ba 2015, algorithm 1, with the bias corrections folded into rate and divisor:
 * p -= rate / (1 - beta_1^t) * m / (sqrt(v) / sqrt(1 - beta_2^t) + epsilon). */
#include "optimizer.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    float rate;
    uint32_t n_states;
} optimizers[] = {
    [OPTIMIZER_ADAM] = {"adam", 0.001f, 2},
    [OPTIMIZER_SGD] = {"sgd", 0.01f, 0},
};
#define N_OPTIMIZERS (sizeof optimizers / sizeof optimizers[0])

const char *optimizer_name(enum optimizer optimizer)
{
    return (size_t)optimizer < N_OPTIMIZERS ? optimizers[optimizer].name : NULL;
}

int optimizer_find(const char *name)
{
    for (size_t i = 0; i < N_OPTIMIZERS; i++)
        if (strcmp(optimizers[i].name, name) == 0)
            return (int)i;
    return -1;
}

uint32_t optimizer_n_states(enum optimizer optimizer)
{
    return optimizers[optimizer].n_states;
}

float optimizer_default_rate(enum optimizer optimizer)
{
    return optimizers[optimizer].rate;
}

struct update optimizer_update(const struct train_options *o, uint64_t step)
{
    struct update update = {.rate = o->learning_rate, .beta_1 = o->beta_1, .beta_2 = o->beta_2, .epsilon = o->epsilon};
    if (o->optimizer == OPTIMIZER_ADAM) {
        double t = (double)step;
        update.rate = (float)((double)o->learning_rate / (1.0 - pow((double)o->beta_1, t)));
        update.inv_sqrt_correction = (float)(1.0 / sqrt(1.0 - pow((double)o->beta_2, t)));
    }
    return update;
}

bool optimizer_apply(enum optimizer optimizer, const struct kernels *kernels, float *p, float *m, float *v, const float *g, size_t n,
                     const struct update *update)
{
    if (optimizer == OPTIMIZER_ADAM)
        return kernels->adam(p, m, v, g, n, update);
    return kernels->sgd(p, m, v, g, n, update);
}
