/* What optimizers and schedules make of the options at a step. */
#ifndef MLP_ENGINE_TRAIN_OPTIMIZER_H
#define MLP_ENGINE_TRAIN_OPTIMIZER_H

#include "kernels/kernels.h"
#include "mlp/train.h"

/* Fill in what the options leave to the optimizer. */
void optimizer_defaults(struct train_options *options);
bool optimizer_check(const struct train_options *options, struct err *err);

/* What a step needs: step number `step` (1-based, over all epochs), at the
 * given learning rate. */
struct update optimizer_update(const struct train_options *options, uint64_t step, double rate);

/* Whether it keeps the first and the second array of the parameters' size. */
bool optimizer_has_state(const struct train_options *options, int which);

/* The learning rate of a step (0-based) of n_steps an epoch. `reductions`: how
 * often a plateau has been met. */
double schedule_rate(const struct train_options *options, uint64_t step, uint64_t n_steps,
                     uint32_t reductions);
void schedule_defaults(struct schedule *schedule);

#endif
