#define _GNU_SOURCE
#include "helper_reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint32_t n_in(const struct reference *r, uint32_t l)
{
    return l == 0 ? r->n_inputs : r->layers[l - 1].units;
}

/* Biases, and gains and offsets where there are some. */
static size_t n_of_vectors(const struct reference *r, uint32_t l)
{
    return (size_t)layer_n_vectors(&r->layers[l]) * r->layers[l].units;
}

static double *zeros(size_t n)
{
    double *p = calloc(n, sizeof *p);
    if (p == NULL)
        abort();
    return p;
}

struct reference *reference_new(const struct network *start, enum loss loss)
{
    struct reference *r = calloc(1, sizeof *r);
    if (r == NULL || start->n_layers > 8)
        abort();
    r->n_inputs = start->n_inputs;
    r->n_layers = start->n_layers;
    r->loss = loss;
    r->classes = r->n_layers > 0 && start->layers[start->n_layers - 1].units > 1;
    memcpy(r->layers, start->layers, start->n_layers * sizeof *r->layers);
    for (uint32_t l = 0; l < r->n_layers; l++) {
        size_t outs = n_of_vectors(r, l), n = (size_t)n_in(r, l) * r->layers[l].units;
        double **arrays[] = {&r->w[l], &r->gw[l], &r->m[l], &r->v[l]},
               **small[] = {&r->b[l], &r->gb[l], &r->mb[l], &r->vb[l]};
        for (int i = 0; i < 4; i++) {
            *arrays[i] = zeros(n);
            *small[i] = zeros(outs);
        }
        float *w = malloc(n * sizeof *w), *b = malloc(outs * sizeof *b);
        network_get(start, l, w, b);
        for (size_t i = 0; i < n; i++)
            r->w[l][i] = (double)w[i];
        for (size_t i = 0; i < outs; i++)
            r->b[l][i] = (double)b[i];
        free(w);
        free(b);
    }
    return r;
}

void reference_free(struct reference *r)
{
    for (uint32_t l = 0; l < r->n_layers; l++) {
        double *all[] = {r->w[l], r->gw[l], r->m[l], r->v[l], r->b[l], r->gb[l], r->mb[l], r->vb[l]};
        for (int i = 0; i < 8; i++)
            free(all[i]);
    }
    free(r);
}

static void softmax(double *y, size_t n)
{
    double max = y[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        max = fmax(max, y[i]);
    for (size_t i = 0; i < n; i++)
        sum += y[i] = exp(y[i] - max);
    for (size_t i = 0; i < n; i++)
        y[i] /= sum;
}

static double activation(enum activation which, double z)
{
    switch (which) {
    case ACTIVATION_RELU:
        return z > 0 ? z : 0;
    case ACTIVATION_LEAKY_RELU:
        return z > 0 ? z : 0.2 * z;
    case ACTIVATION_ELU:
        return z > 0 ? z : expm1(z);
    case ACTIVATION_SELU:
        return 1.0507009873554805 * (z > 0 ? z : 1.6732632423543772 * expm1(z));
    case ACTIVATION_GELU:
        return z * 0.5 * erfc(-z * M_SQRT1_2);
    case ACTIVATION_SWISH:
        return z / (1 + exp(-z));
    case ACTIVATION_TANH:
        return tanh(z);
    case ACTIVATION_SIGMOID:
        return 1 / (1 + exp(-z));
    case ACTIVATION_SOFTPLUS:
        return z > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
    default:
        return z;
    }
}

#define STEP 1e-6 /* of central differences */

static double activation_slope(enum activation which, double z)
{
    return (activation(which, z + STEP) - activation(which, z - STEP)) / (2 * STEP);
}

/* Part of a layer's normalisation: mean and 1 / sqrt(variance + 1e-5) of n
 * numbers. */
static void moments(const double *u, uint32_t n, double *mean, double *inverse)
{
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += u[i];
    *mean = sum / n;
    for (uint32_t i = 0; i < n; i++)
        squares += (u[i] - *mean) * (u[i] - *mean);
    *inverse = 1 / sqrt(squares / n + 1e-5);
}

/* z = gain * (u - mean) / sqrt(variance + 1e-5) + offset, part by part. */
static void normalise(const struct reference *r, uint32_t l, const double *u, double *z)
{
    uint32_t outs = r->layers[l].units, n = outs / r->layers[l].norms;
    for (uint32_t o = 0; o < outs; o++) {
        double mean, inverse;
        moments(u + o / n * n, n, &mean, &inverse);
        z[o] = r->b[l][outs + o] * (u[o] - mean) * inverse + r->b[l][2 * outs + o];
    }
}

/* Derivatives by z become those by u, by the chain rule over each pair: no
 * formula that the engine might share. The gains' and offsets' gradients on the
 * way. */
static void normalise_back(struct reference *r, uint32_t l, const double *u, double *d, double weight)
{
    uint32_t outs = r->layers[l].units, n = outs / r->layers[l].norms;
    double *by_u = zeros(outs);
    for (uint32_t o = 0; o < outs; o++) {
        double mean, inverse;
        uint32_t first = o / n * n;
        moments(u + first, n, &mean, &inverse);
        r->gb[l][outs + o] += weight * d[o] * (u[o] - mean) * inverse;
        r->gb[l][2 * outs + o] += weight * d[o];
        for (uint32_t j = first; j < first + n; j++)
            by_u[j] += d[o] * r->b[l][outs + o] *
                       (inverse * ((j == o) - 1.0 / n) - (u[o] - mean) * pow(inverse, 3) * (u[j] - mean) / n);
    }
    memcpy(d, by_u, outs * sizeof *d);
    free(by_u);
}

/* Sums u[l], what the activation gets z[l] and outputs y[l] of every layer for
 * one row. */
static void forward(const struct reference *r, const double *x, double **u, double **z, double **y)
{
    for (uint32_t l = 0; l < r->n_layers; l++) {
        uint32_t outs = r->layers[l].units, ins = n_in(r, l);
        for (uint32_t o = 0; o < outs; o++) {
            u[l][o] = r->b[l][o];
            for (uint32_t k = 0; k < ins; k++)
                u[l][o] += x[k] * r->w[l][k * outs + o];
        }
        if (r->layers[l].norms > 0)
            normalise(r, l, u[l], z[l]);
        else
            memcpy(z[l], u[l], outs * sizeof *z[l]);
        for (uint32_t o = 0; o < outs; o++)
            y[l][o] = activation(r->layers[l].activation, z[l][o]);
        if (r->layers[l].activation == ACTIVATION_SOFTMAX)
            softmax(y[l], outs);
        x = y[l];
    }
}

static double wanted(const struct reference *r, uint32_t n, double t, uint32_t i)
{
    if (!r->classes)
        return t;
    double hot = n == 1 ? t : (double)((uint32_t)t == i);
    return hot * (1 - r->label_smoothing) + r->label_smoothing / (n == 1 ? 2 : n);
}

static double output_loss(enum loss loss, double y, double t)
{
    switch (loss) {
    case LOSS_BINARY_CROSSENTROPY:
        return -t * log(y) - (1 - t) * log1p(-y);
    case LOSS_MAE:
        return fabs(y - t);
    case LOSS_HUBER:
        return fabs(y - t) <= 1 ? 0.5 * (y - t) * (y - t) : fabs(y - t) - 0.5;
    case LOSS_POISSON:
        return y - t * log(y + 1e-7);
    default:
        return (y - t) * (y - t);
    }
}

/* Loss of one row by its outputs. */
static double row_loss(const struct reference *r, const double *y, double t)
{
    uint32_t n = r->layers[r->n_layers - 1].units;
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += r->loss == LOSS_CATEGORICAL_CROSSENTROPY ? -wanted(r, n, t, i) * log(y[i])
                                                        : output_loss(r->loss, y[i], wanted(r, n, t, i)) / n;
    return sum;
}

static void rows_new(const struct reference *r, double **y)
{
    for (uint32_t l = 0; l < r->n_layers; l++)
        y[l] = zeros(r->layers[l].units);
}

static void rows_free(const struct reference *r, double **y)
{
    for (uint32_t l = 0; l < r->n_layers; l++)
        free(y[l]);
}

double reference_loss(const struct reference *r, const double *x, const double *t, size_t n)
{
    double *y[8], *z[8], *u[8], sum = 0;
    rows_new(r, y);
    rows_new(r, u);
    rows_new(r, z);
    for (size_t i = 0; i < n; i++) {
        forward(r, x + i * r->n_inputs, u, z, y);
        sum += row_loss(r, y[r->n_layers - 1], t[i]);
    }
    rows_free(r, y);
    rows_free(r, u);
    rows_free(r, z);
    return sum / (double)n;
}

size_t reference_correct(const struct reference *r, const double *x, const double *t, size_t n)
{
    double *y[8], *z[8], *u[8];
    size_t correct = 0;
    rows_new(r, y);
    rows_new(r, u);
    rows_new(r, z);
    for (size_t i = 0; i < n; i++) {
        forward(r, x + i * r->n_inputs, u, z, y);
        const double *last = y[r->n_layers - 1];
        uint32_t best = 0;
        for (uint32_t o = 1; o < r->layers[r->n_layers - 1].units; o++)
            best = last[o] > last[best] ? o : best;
        correct += best == (uint32_t)t[i];
    }
    rows_free(r, y);
    rows_free(r, u);
    rows_free(r, z);
    return correct;
}

/* Loss of one row by the last layer's sums. */
static double loss_of_sums(const struct reference *r, const double *z, double t, double *y)
{
    const struct layer *last = &r->layers[r->n_layers - 1];
    for (uint32_t i = 0; i < last->units; i++)
        y[i] = activation(last->activation, z[i]);
    if (last->activation == ACTIVATION_SOFTMAX)
        softmax(y, last->units);
    return row_loss(r, y, t);
}

/* Gradient by the sums of the last layer, by central differences: whatever loss
 * and activation are. */
static void output_delta(const struct reference *r, double *z, double t, double *d)
{
    uint32_t n = r->layers[r->n_layers - 1].units;
    double *y = zeros(n);
    for (uint32_t i = 0; i < n; i++) {
        double kept = z[i];
        z[i] = kept + STEP;
        double up = loss_of_sums(r, z, t, y);
        z[i] = kept - STEP;
        d[i] = (up - loss_of_sums(r, z, t, y)) / (2 * STEP);
        z[i] = kept;
    }
    free(y);
}

static void backward(struct reference *r, const double *x, double **u, double **z, double **y, double **d,
                     double weight)
{
    for (uint32_t l = r->n_layers; l-- > 0;) {
        uint32_t outs = r->layers[l].units, ins = n_in(r, l);
        const double *in = l == 0 ? x : y[l - 1];
        if (r->layers[l].norms > 0)
            normalise_back(r, l, u[l], d[l], weight);
        for (uint32_t o = 0; o < outs; o++)
            r->gb[l][o] += weight * d[l][o];
        for (uint32_t k = 0; k < ins; k++) {
            double sum = 0;
            for (uint32_t o = 0; o < outs; o++) {
                r->gw[l][k * outs + o] += weight * in[k] * d[l][o];
                sum += d[l][o] * r->w[l][k * outs + o];
            }
            if (l > 0)
                d[l - 1][k] = sum * activation_slope(r->layers[l - 1].activation, z[l - 1][k]);
        }
    }
}

double reference_gradients(struct reference *r, const double *x, const double *t, size_t n)
{
    double *y[8], *z[8], *d[8], *u[8], loss = 0;
    rows_new(r, y);
    rows_new(r, u);
    rows_new(r, z);
    rows_new(r, d);
    for (uint32_t l = 0; l < r->n_layers; l++) {
        memset(r->gw[l], 0, sizeof(double) * n_in(r, l) * r->layers[l].units);
        memset(r->gb[l], 0, sizeof(double) * n_of_vectors(r, l));
    }
    for (size_t i = 0; i < n; i++) {
        const double *row = x + i * r->n_inputs;
        forward(r, row, u, z, y);
        double weight = r->weights ? r->weights[i] : 1;
        loss += weight * row_loss(r, y[r->n_layers - 1], t[i]);
        output_delta(r, z[r->n_layers - 1], t[i], d[r->n_layers - 1]);
        backward(r, row, u, z, y, d, weight / (double)n);
    }
    rows_free(r, y);
    rows_free(r, u);
    rows_free(r, z);
    rows_free(r, d);
    return loss / (double)n;
}

/* ---- optimizers, as PyTorch's documentation writes them (SGD's velocity as
 * Keras: it holds the rate) ---- */

static void update(const struct train_options *o, double *p, double *m, double *v, const double *g, size_t n,
                   double rate, double t)
{
    const double b1 = 0.9, b2 = 0.999, e = 1e-8, mu = (double)o->momentum;
    double product = 1, now = 0;
    for (double s = 1; s <= t; s++)
        product *= now = b1 * (1 - 0.5 * pow(0.96, s * 0.004));
    double next = b1 * (1 - 0.5 * pow(0.96, (t + 1) * 0.004));
    for (size_t i = 0; i < n; i++) {
        switch (o->optimizer) {
        case OPTIMIZER_SGD:
            m[i] = mu * m[i] - rate * g[i];
            p[i] += o->nesterov ? mu * m[i] - rate * g[i] : m[i];
            break;
        case OPTIMIZER_RMSPROP:
            v[i] = 0.9 * v[i] + 0.1 * g[i] * g[i];
            m[i] = mu * m[i] + g[i] / (sqrt(v[i]) + e);
            p[i] -= rate * m[i];
            break;
        case OPTIMIZER_ADAGRAD:
            v[i] += g[i] * g[i];
            p[i] -= rate * g[i] / (sqrt(v[i]) + e);
            break;
        default:
            m[i] = b1 * m[i] + (1 - b1) * g[i];
            v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
            double root = sqrt(v[i] / (1 - pow(b2, t))) + e;
            if (o->optimizer == OPTIMIZER_NADAM)
                p[i] -= rate * (next * m[i] / (1 - product * next) + (1 - now) * g[i] / (1 - product)) / root;
            else
                p[i] -= rate * m[i] / (1 - pow(b1, t)) / root;
        }
    }
}

static double norm_of(const double *g, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += g[i] * g[i];
    return sqrt(sum);
}

static void scale_by(double *g, size_t n, double norm, double limit)
{
    for (size_t i = 0; limit > 0 && norm > limit && i < n; i++)
        g[i] *= limit / norm;
}

static void penalise(const struct train_options *o, double *g, const double *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        g[i] += 2 * (double)o->l2 * p[i] + (double)o->l1 * ((p[i] > 0) - (p[i] < 0));
}

static void limit_columns(double *w, uint32_t ins, uint32_t outs, double limit)
{
    for (uint32_t o = 0; o < outs; o++) {
        double sum = 0;
        for (uint32_t k = 0; k < ins; k++)
            sum += w[k * outs + o] * w[k * outs + o];
        for (uint32_t k = 0; sqrt(sum) > limit && k < ins; k++)
            w[k * outs + o] *= limit / sqrt(sum);
    }
}

void reference_step(struct reference *r, const struct train_options *o, double rate)
{
    double all = 0;
    r->step++;
    for (uint32_t l = 0; l < r->n_layers; l++) {
        size_t n = (size_t)n_in(r, l) * r->layers[l].units, outs = n_of_vectors(r, l);
        penalise(o, r->gw[l], r->w[l], n);
        scale_by(r->gw[l], n, norm_of(r->gw[l], n), (double)o->clipnorm);
        scale_by(r->gb[l], outs, norm_of(r->gb[l], outs), (double)o->clipnorm);
        all += pow(norm_of(r->gw[l], n), 2) + pow(norm_of(r->gb[l], outs), 2);
    }
    for (uint32_t l = 0; l < r->n_layers; l++) {
        size_t n = (size_t)n_in(r, l) * r->layers[l].units, outs = n_of_vectors(r, l);
        scale_by(r->gw[l], n, sqrt(all), (double)o->global_clipnorm);
        scale_by(r->gb[l], outs, sqrt(all), (double)o->global_clipnorm);
        for (size_t i = 0; o->clipvalue > 0 && i < n; i++)
            r->gw[l][i] = fmax(-(double)o->clipvalue, fmin((double)o->clipvalue, r->gw[l][i]));
        for (size_t i = 0; o->clipvalue > 0 && i < outs; i++)
            r->gb[l][i] = fmax(-(double)o->clipvalue, fmin((double)o->clipvalue, r->gb[l][i]));
        double decay = o->weight_decay_given             ? (double)o->weight_decay
                       : o->optimizer == OPTIMIZER_ADAMW ? 0.004
                                                         : 0;
        for (size_t i = 0; i < n; i++)
            r->w[l][i] *= 1 - rate * decay;
        update(o, r->w[l], r->m[l], r->v[l], r->gw[l], n, rate, (double)r->step);
        update(o, r->b[l], r->mb[l], r->vb[l], r->gb[l], outs, rate, (double)r->step);
        if (o->max_norm > 0 && l + 1 < r->n_layers)
            limit_columns(r->w[l], n_in(r, l), r->layers[l].units, (double)o->max_norm);
    }
}

double reference_distance(const struct reference *r, const struct network *network)
{
    double worst = 0;
    struct reference *other = reference_new(network, r->loss);
    for (uint32_t l = 0; l < r->n_layers; l++) {
        for (size_t i = 0; i < (size_t)n_in(r, l) * r->layers[l].units; i++)
            worst = fmax(worst, fabs(r->w[l][i] - other->w[l][i]));
        for (size_t i = 0; i < n_of_vectors(r, l); i++)
            worst = fmax(worst, fabs(r->b[l][i] - other->b[l][i]));
    }
    reference_free(other);
    return worst;
}
