/* The output layer's activation, the loss and its gradient, one row at a time
 * while it is in cache.
 *
 * A loss is a row of the table in loss.c and a function or two. */
#ifndef MLP_ENGINE_NETWORK_LOSS_H
#define MLP_ENGINE_NETWORK_LOSS_H

#include "kernels/kernels.h"
#include "mlp/model.h"
#include "network/metric.h"

/* What a row's outputs are held against. */
struct objective {
    enum loss loss;
    bool classes;
    float label_smoothing; /* classes: the target of each class is smoothing / n_classes, of the label 1 -
                              smoothing more */
};

/* A row's target: class for classification (-1: none), else value as the
 * network sees it; and what the row counts. */
struct target {
    int32_t label;
    float value;
    float weight;
};

/* y (padded n_out) comes in as the output layer's sums and leaves as its
 * outputs. Where dy is not NULL it takes the gradient of the loss by those
 * sums, times `share` (1 / rows of the batch) and the row's weight; padding
 * zero. Losses are means over the outputs, but cross-entropy of softmax, -sum
 * of t ln p. A row without a target has loss and gradient zero. */
struct row_score loss_row(const struct network *network, const struct kernels *kernels,
                          const struct objective *objective, struct target target, float *y, float share,
                          float *dy);

/* Just the outputs, y as above. */
void loss_outputs(const struct network *network, const struct kernels *kernels, float *y);

/* Whether the loss goes with the network's last layer and the task; else *err
 * says why. n_classes 0: regression. */
bool loss_check(enum loss loss, const struct layer *last, uint32_t n_classes, struct err *err);

/* Whether the loss wants numbers as they are: the recipe must not standardise
 * the target. */
bool loss_is_raw(enum loss loss);

#endif
