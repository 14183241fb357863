/* Losses. Pure functions.
 *
 * y: an output, t: what it should be. Cross-entropies stand for themselves:
 * their gradient by the sum before the output's activation is y - t, and they
 * are computed from that sum, where nothing overflows. */
#include "network/loss.h"
#include "base/elementary.h"
#include "network/private.h"

#include <math.h>
#include <string.h>

static float mse_value(float y, float t)
{
    return (y - t) * (y - t);
}

static float mse_slope(float y, float t)
{
    return 2 * (y - t);
}

static float mae_value(float y, float t)
{
    return fabsf(y - t);
}

static float mae_slope(float y, float t)
{
    return (float)(y > t) - (float)(y < t);
}

static float huber_value(float y, float t)
{
    float d = fabsf(y - t);
    return d <= 1 ? 0.5f * d * d : d - 0.5f;
}

static float huber_slope(float y, float t)
{
    return fmaxf(-1, fminf(1, y - t));
}

static float natural_log(float x)
{
    return (float)elementary_log((double)x);
}

#define POISSON_EPSILON 1e-7f

static float poisson_value(float y, float t)
{
    return y - t * natural_log(y + POISSON_EPSILON);
}

static float poisson_slope(float y, float t)
{
    return 1 - t / (y + POISSON_EPSILON);
}

static const struct {
    const char *name;
    float (*value)(float y, float t); /* NULL: a cross-entropy */
    float (*slope)(float y, float t);
    bool raw;
} losses[N_LOSSES] = {
    [LOSS_AUTO] = {"auto", NULL, NULL, false},
    [LOSS_CATEGORICAL_CROSSENTROPY] = {"categorical_crossentropy", NULL, NULL, false},
    [LOSS_BINARY_CROSSENTROPY] = {"binary_crossentropy", NULL, NULL, false},
    [LOSS_MSE] = {"mse", mse_value, mse_slope, false},
    [LOSS_MAE] = {"mae", mae_value, mae_slope, false},
    [LOSS_HUBER] = {"huber", huber_value, huber_slope, false},
    [LOSS_POISSON] = {"poisson", poisson_value, poisson_slope, true},
};

const char *loss_name(enum loss loss)
{
    return (size_t)loss < N_LOSSES ? losses[loss].name : NULL;
}

int loss_find(const char *name)
{
    for (int i = 0; i < N_LOSSES; i++)
        if (strcmp(losses[i].name, name) == 0)
            return i;
    return -1;
}

bool loss_is_raw(enum loss loss)
{
    return losses[loss].raw;
}

static uint32_t largest(const float *y, uint32_t n)
{
    uint32_t at = 0;
    for (uint32_t i = 1; i < n; i++)
        at = y[i] > y[at] ? i : at;
    return at;
}

/* Turns y into softmax(y); returns log(sum of exp(y - max)). */
static float softmax(const struct kernels *kernels, float *y, uint32_t n, float max)
{
    float sum = kernels->exp_sum(y, n, max), inverse = 1.0f / sum;
    for (uint32_t i = 0; i < n; i++)
        y[i] *= inverse;
    return natural_log(sum);
}

/* What output i should be. */
static float wanted(const struct objective *o, struct target target, uint32_t n, uint32_t i)
{
    if (!o->classes)
        return target.value;
    float smooth = o->label_smoothing;
    if (n == 1) /* one sigmoid output: the probability of class 1 */
        return (target.label == 1 ? 1 - smooth : 0) + 0.5f * smooth;
    return ((uint32_t)target.label == i ? 1 - smooth : 0) + smooth / (float)n;
}

/* Cross-entropy of softmax: -sum of t (z - max - log sum). z are the sums,
 * taken before y was made of them. */
static float crossentropy(const struct objective *o, struct target target, const float *y, uint32_t n,
                          float chosen, float log_sum, float share, float *dy)
{
    float loss = log_sum - chosen;
    if (o->label_smoothing > 0) {
        loss = 0;
        for (uint32_t i = 0; i < n; i++)
            loss -= wanted(o, target, n, i) * natural_log(fmaxf(y[i], 1e-37f));
    }
    for (uint32_t i = 0; dy != NULL && i < n; i++)
        dy[i] = y[i] * share;
    if (dy != NULL && o->label_smoothing == 0)
        dy[target.label] = (y[target.label] - 1.0f) * share;
    for (uint32_t i = 0; dy != NULL && o->label_smoothing > 0 && i < n; i++)
        dy[i] = (y[i] - wanted(o, target, n, i)) * share;
    return loss;
}

/* Mean over the outputs of max(z, 0) - z t + ln(1 + e^-|z|); leaves y =
 * sigmoid(z) where z was. */
static float binary_crossentropy(const struct kernels *kernels, const struct objective *o,
                                 struct target target, bool known, float *y, uint32_t n, float share,
                                 float *dy)
{
    float loss = 0;
    for (uint32_t i = 0; known && i < n; i++)
        loss += fmaxf(y[i], 0) - y[i] * wanted(o, target, n, i) +
                (float)elementary_log1p(elementary_exp(-fabs((double)y[i])));
    kernels->activate[ACTIVATION_SIGMOID](y, NULL, pad16(n));
    for (uint32_t i = 0; known && dy != NULL && i < n; i++)
        dy[i] = (y[i] - wanted(o, target, n, i)) * share / (float)n;
    return loss / (float)n;
}

/* Losses of one output at a time; dy comes in as the activation's slopes
 * (softmax: anything). */
static float by_output(const struct objective *o, struct target target, const float *y, uint32_t n,
                       bool is_softmax, float share, float *dy)
{
    float loss = 0, dot = 0;
    for (uint32_t i = 0; i < n; i++)
        loss += losses[o->loss].value(y[i], wanted(o, target, n, i));
    if (dy == NULL)
        return loss / (float)n;
    for (uint32_t i = 0; i < n; i++) {
        float g = losses[o->loss].slope(y[i], wanted(o, target, n, i)) * share / (float)n;
        dy[i] = is_softmax ? g : g * dy[i];
        dot += g * y[i];
    }
    for (uint32_t i = 0; is_softmax && i < n; i++)
        dy[i] = y[i] * (dy[i] - dot);
    return loss / (float)n;
}

/* How many outputs are larger than that of the label. */
static uint32_t rank_of(const float *y, uint32_t n, uint32_t label)
{
    uint32_t rank = 0;
    for (uint32_t i = 0; i < n; i++)
        rank += y[i] > y[label];
    return rank;
}

static struct row_score prediction_of(const struct objective *o, const float *y, uint32_t n)
{
    if (!o->classes)
        return (struct row_score){.prediction = y[0]};
    if (n == 1)
        return (struct row_score){.prediction = (float)(y[0] > 0.5f),
                                  .probability = y[0] > 0.5f ? y[0] : 1 - y[0],
                                  .positive = y[0]};
    uint32_t best = largest(y, n);
    return (struct row_score){
        .prediction = (float)best, .probability = y[best], .positive = n == 2 ? y[1] : 0};
}

struct row_score loss_row(const struct network *network, const struct kernels *kernels,
                          const struct objective *o, struct target target, float *y, float share, float *dy)
{
    const struct layer *last = &network->layers[network->n_layers - 1];
    uint32_t n = last->units;
    bool known =
        o->classes ? target.label >= 0 && (uint32_t)target.label < (n == 1 ? 2 : n) : !isnan(target.value);
    float loss = 0, share_of_row = share * target.weight;
    if (dy != NULL)
        memset(dy, 0, pad16(n) * sizeof *dy);
    if (last->activation == ACTIVATION_SOFTMAX) {
        float max = y[largest(y, n)], chosen = known ? y[target.label] - max : 0,
              log_sum = softmax(kernels, y, n, max);
        if (known && o->loss == LOSS_CATEGORICAL_CROSSENTROPY)
            loss = crossentropy(o, target, y, n, chosen, log_sum, share_of_row, dy);
        else if (known)
            loss = by_output(o, target, y, n, true, share_of_row, dy);
    } else if (o->loss == LOSS_BINARY_CROSSENTROPY) {
        loss = binary_crossentropy(kernels, o, target, known, y, n, share_of_row, dy);
    } else {
        kernels->activate[last->activation](y, dy, pad16(n));
        loss = known ? by_output(o, target, y, n, false, share_of_row, dy) : 0;
        /* Slopes that no loss has turned into gradients, and those of the
         * padding. */
        if (dy != NULL)
            memset(dy + (known ? n : 0), 0, (pad16(n) - (known ? n : 0)) * sizeof *dy);
    }
    struct row_score score = prediction_of(o, y, n);
    score.loss = loss * target.weight;
    score.label = o->classes ? (float)target.label : target.value;
    if (o->classes && known && n > 5)
        score.rank = rank_of(y, n, (uint32_t)target.label);
    return score;
}

void loss_outputs(const struct network *network, const struct kernels *kernels, float *y)
{
    const struct layer *last = &network->layers[network->n_layers - 1];
    if (last->activation == ACTIVATION_SOFTMAX)
        softmax(kernels, y, last->units, y[largest(y, last->units)]);
    else
        kernels->activate[last->activation](y, NULL, pad16(last->units));
}

static bool refuse(struct err *err, const char *field, const char *why)
{
    err_set(err, ERR_INPUT, "%s", why);
    return err_field(err, field);
}

bool loss_check(enum loss loss, const struct layer *last, uint32_t n_classes, struct err *err)
{
    bool softmax_last = last->activation == ACTIVATION_SOFTMAX, classes = n_classes > 0;
    bool one_output = last->units == 1 && n_classes == 2 && last->activation == ACTIVATION_SIGMOID;
    if (last->units != (classes ? n_classes : 1) && !one_output) {
        err_set(err, ERR_INPUT, "the last layer has %u units; the target needs %u", last->units,
                classes ? n_classes : 1);
        return err_field(err, "layers");
    }
    if (softmax_last && !classes)
        return refuse(err, "layers", "softmax in the last layer is for classes; a number needs linear");
    if (loss == LOSS_CATEGORICAL_CROSSENTROPY && !classes)
        return refuse(
            err, "loss",
            "categorical_crossentropy is for classes; a number is trained with mse, mae, huber or poisson");
    if (loss == LOSS_CATEGORICAL_CROSSENTROPY && !softmax_last)
        return refuse(err, "loss", "categorical_crossentropy needs softmax in the last layer");
    if (loss == LOSS_BINARY_CROSSENTROPY && (!classes || last->activation != ACTIVATION_SIGMOID))
        return refuse(err, "loss", "binary_crossentropy is for classes and needs sigmoid in the last layer");
    if (loss == LOSS_POISSON && classes)
        return refuse(err, "loss", "poisson is for counts, not for classes");
    return true;
}
