/* The output layer's activation, the loss and its gradient, one row at a time while it is in cache. */
#ifndef MLP_LOSS_H
#define MLP_LOSS_H

#include "kernels.h"
#include "mlp/network.h"

/* A row's target: class for classification (-1: none), else value as the network sees it. */
struct target {
    int32_t label;
    float value;
};

struct row_score {
    float loss;
    float guess;       /* class index, or the network's output */
    float probability; /* of the guess */
};

/* y (padded n_out) comes in as the output layer's sums and leaves as its outputs. Where dy is not NULL it takes the gradient of the loss
 * by those sums, times `weight` (1 / rows of the batch); padding zero.
 * Cross-entropy of softmax: loss -log p[label], gradient p - onehot. Mean squared error over the outputs, the target one-hot for classes:
 * gradient 2 (y - t) / n_out, for softmax times its Jacobian. A row without a target has loss and gradient zero. */
struct row_score loss_row(const struct network *network, const struct kernels *kernels, enum loss loss, struct target target, float *y,
                          float weight, float *dy);

/* Just the outputs: softmax where the network has it. */
void loss_outputs(const struct network *network, const struct kernels *kernels, float *y);

/* Whether the loss goes with the network's last activation and the task's outputs; else *err says why. */
bool loss_check(enum loss loss, enum activation activation, bool classes, struct err *err);

#endif
