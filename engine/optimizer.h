/* Optimizers: one row each. */
#ifndef MLP_OPTIMIZER_H
#define MLP_OPTIMIZER_H

#include "kernels.h"
#include "mlp/train.h"

/* What a step needs, for step number `step` (1-based). */
struct update optimizer_update(const struct train_options *options, uint64_t step);

/* How many arrays of the parameters' size the optimizer keeps: 0 or 2. */
uint32_t optimizer_n_states(enum optimizer optimizer);

/* The rate where none was named. */
float optimizer_default_rate(enum optimizer optimizer);

/* Apply to n parameters (a multiple of 16); m, v: its state, NULL where it has none. Returns whether all are finite afterwards. */
bool optimizer_apply(enum optimizer optimizer, const struct kernels *kernels, float *p, float *m, float *v, const float *g, size_t n,
                     const struct update *update);

#endif
