/* Losses. Pure functions. */
#include "loss.h"
#include "network_private.h"

#include <math.h>
#include <string.h>

static float max_of(const float *y, uint32_t n, uint32_t *at)
{
    float max = y[0];
    *at = 0;
    for (uint32_t i = 1; i < n; i++) {
        if (y[i] > max) {
            max = y[i];
            *at = i;
        }
    }
    return max;
}

/* Turns y into softmax(y); returns log(sum of exp(y - max)). */
static float softmax(const struct kernels *kernels, float *y, uint32_t n, float max)
{
    float sum = kernels->exp_sum(y, n, max), inverse = 1.0f / sum;
    for (uint32_t i = 0; i < n; i++)
        y[i] *= inverse;
    return logf(sum);
}

static void delta_crossentropy(const float *y, uint32_t n, int32_t label, float weight, float *dy)
{
    for (uint32_t i = 0; i < n; i++)
        dy[i] = y[i] * weight;
    dy[label] = (y[label] - 1.0f) * weight;
}

static float target_at(struct target target, bool classes, uint32_t i)
{
    return classes ? (float)((uint32_t)target.label == i) : target.value;
}

static float squared_error(const float *y, uint32_t n, struct target target, bool classes)
{
    float sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        float d = y[i] - target_at(target, classes, i);
        sum += d * d;
    }
    return sum / (float)n;
}

static void delta_squared_error(const float *y, uint32_t n, struct target target, bool classes, enum activation activation, float weight,
                                float *dy)
{
    float factor = 2.0f * weight / (float)n, dot = 0;
    for (uint32_t i = 0; i < n; i++) {
        dy[i] = (y[i] - target_at(target, classes, i)) * factor;
        dot += dy[i] * y[i];
    }
    for (uint32_t i = 0; i < n; i++) {
        if (activation == ACTIVATION_SOFTMAX)
            dy[i] = y[i] * (dy[i] - dot);
        else if (activation == ACTIVATION_RELU && !(y[i] > 0))
            dy[i] = 0;
    }
}

struct row_score loss_row(const struct network *network, const struct kernels *kernels, enum loss loss, struct target target, float *y,
                          float weight, float *dy)
{
    const struct layer *last = &network->layers[network->n_layers - 1];
    uint32_t n = last->units, best;
    bool classes = n > 1;
    float max = max_of(y, n, &best), log_sum = 0, chosen = 0;
    bool known = classes ? target.label >= 0 && (uint32_t)target.label < n : !isnan(target.value);
    if (classes && known)
        chosen = y[target.label];
    if (last->activation == ACTIVATION_SOFTMAX)
        log_sum = softmax(kernels, y, n, max);
    struct row_score score = {.guess = classes ? (float)best : y[0], .probability = y[best]};
    if (dy != NULL)
        memset(dy, 0, pad16(n) * sizeof *dy);
    if (!known)
        return score;
    if (loss == LOSS_CATEGORICAL_CROSSENTROPY) {
        score.loss = log_sum - (chosen - max);
        if (dy != NULL)
            delta_crossentropy(y, n, target.label, weight, dy);
    } else {
        score.loss = squared_error(y, n, target, classes);
        if (dy != NULL)
            delta_squared_error(y, n, target, classes, last->activation, weight, dy);
    }
    return score;
}

void loss_outputs(const struct network *network, const struct kernels *kernels, float *y)
{
    const struct layer *last = &network->layers[network->n_layers - 1];
    uint32_t best;
    if (last->activation == ACTIVATION_SOFTMAX)
        softmax(kernels, y, last->units, max_of(y, last->units, &best));
}

bool loss_check(enum loss loss, enum activation activation, bool classes, struct err *err)
{
    if (loss == LOSS_CATEGORICAL_CROSSENTROPY && !classes)
        return err_set(err, ERR_INPUT, "categorical_crossentropy is for classes; a number is trained with mse") || err_field(err, "loss");
    if (loss == LOSS_CATEGORICAL_CROSSENTROPY && activation != ACTIVATION_SOFTMAX)
        return err_set(err, ERR_INPUT, "categorical_crossentropy needs softmax in the last layer") || err_field(err, "loss");
    if (activation == ACTIVATION_SOFTMAX && !classes)
        return err_set(err, ERR_INPUT, "softmax in the last layer is for classes; a number needs linear") || err_field(err, "layers");
    return true;
}
