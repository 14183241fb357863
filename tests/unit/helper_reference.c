#include "helper_reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint32_t n_in(const struct reference *r, uint32_t l)
{
    return l == 0 ? r->n_inputs : r->layers[l - 1].units;
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
    memcpy(r->layers, start->layers, start->n_layers * sizeof *r->layers);
    for (uint32_t l = 0; l < r->n_layers; l++) {
        size_t outs = r->layers[l].units, n = n_in(r, l) * outs;
        double **arrays[] = {&r->w[l], &r->gw[l], &r->m[l], &r->v[l]}, **small[] = {&r->b[l], &r->gb[l], &r->mb[l], &r->vb[l]};
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

/* y[l] (outputs of layer l) for one row. */
static void forward(const struct reference *r, const double *x, double **y)
{
    for (uint32_t l = 0; l < r->n_layers; l++) {
        uint32_t outs = r->layers[l].units, ins = n_in(r, l);
        for (uint32_t o = 0; o < outs; o++) {
            y[l][o] = r->b[l][o];
            for (uint32_t k = 0; k < ins; k++)
                y[l][o] += x[k] * r->w[l][k * outs + o];
            if (r->layers[l].activation == ACTIVATION_RELU && y[l][o] < 0)
                y[l][o] = 0;
        }
        if (r->layers[l].activation == ACTIVATION_SOFTMAX)
            softmax(y[l], outs);
        x = y[l];
    }
}

static double wanted(uint32_t n, double t, uint32_t i)
{
    return n == 1 ? t : (double)((uint32_t)t == i);
}

static double row_loss(const struct reference *r, const double *y, double t)
{
    uint32_t n = r->layers[r->n_layers - 1].units;
    if (r->loss == LOSS_CATEGORICAL_CROSSENTROPY)
        return -log(y[(uint32_t)t]);
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += pow(y[i] - wanted(n, t, i), 2);
    return sum / n;
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
    double *y[8], sum = 0;
    rows_new(r, y);
    for (size_t i = 0; i < n; i++) {
        forward(r, x + i * r->n_inputs, y);
        sum += row_loss(r, y[r->n_layers - 1], t[i]);
    }
    rows_free(r, y);
    return sum / (double)n;
}

size_t reference_correct(const struct reference *r, const double *x, const double *t, size_t n)
{
    double *y[8];
    size_t correct = 0;
    rows_new(r, y);
    for (size_t i = 0; i < n; i++) {
        forward(r, x + i * r->n_inputs, y);
        const double *last = y[r->n_layers - 1];
        uint32_t best = 0;
        for (uint32_t o = 1; o < r->layers[r->n_layers - 1].units; o++)
            best = last[o] > last[best] ? o : best;
        correct += best == (uint32_t)t[i];
    }
    rows_free(r, y);
    return correct;
}

/* Gradient by the sums of the last layer, through its activation's full Jacobian. */
static void output_delta(const struct reference *r, const double *y, double t, double *d)
{
    const struct layer *last = &r->layers[r->n_layers - 1];
    uint32_t n = last->units;
    double by_y[1024];
    for (uint32_t i = 0; i < n; i++)
        by_y[i] = r->loss == LOSS_MSE ? 2 * (y[i] - wanted(n, t, i)) / n : i == (uint32_t)t ? -1 / y[i] : 0;
    for (uint32_t i = 0; i < n; i++) {
        d[i] = by_y[i];
        if (last->activation == ACTIVATION_RELU)
            d[i] = y[i] > 0 ? by_y[i] : 0;
        if (last->activation == ACTIVATION_SOFTMAX) {
            d[i] = 0;
            for (uint32_t j = 0; j < n; j++)
                d[i] += by_y[j] * y[j] * ((i == j) - y[i]);
        }
    }
}

static void backward(struct reference *r, const double *x, double **y, double **d, double weight)
{
    for (uint32_t l = r->n_layers; l-- > 0;) {
        uint32_t outs = r->layers[l].units, ins = n_in(r, l);
        const double *in = l == 0 ? x : y[l - 1];
        for (uint32_t o = 0; o < outs; o++)
            r->gb[l][o] += weight * d[l][o];
        for (uint32_t k = 0; k < ins; k++) {
            double sum = 0;
            for (uint32_t o = 0; o < outs; o++) {
                r->gw[l][k * outs + o] += weight * in[k] * d[l][o];
                sum += d[l][o] * r->w[l][k * outs + o];
            }
            if (l > 0)
                d[l - 1][k] = r->layers[l - 1].activation == ACTIVATION_RELU && !(in[k] > 0) ? 0 : sum;
        }
    }
}

double reference_gradients(struct reference *r, const double *x, const double *t, size_t n)
{
    double *y[8], *d[8], loss = 0;
    rows_new(r, y);
    rows_new(r, d);
    for (uint32_t l = 0; l < r->n_layers; l++) {
        memset(r->gw[l], 0, sizeof(double) * n_in(r, l) * r->layers[l].units);
        memset(r->gb[l], 0, sizeof(double) * r->layers[l].units);
    }
    for (size_t i = 0; i < n; i++) {
        const double *row = x + i * r->n_inputs;
        forward(r, row, y);
        loss += row_loss(r, y[r->n_layers - 1], t[i]);
        output_delta(r, y[r->n_layers - 1], t[i], d[r->n_layers - 1]);
        backward(r, row, y, d, 1.0 / (double)n);
    }
    rows_free(r, y);
    rows_free(r, d);
    return loss / (double)n;
}

static void adam(double *p, double *m, double *v, const double *g, size_t n, double rate, double t)
{
    for (size_t i = 0; i < n; i++) {
        m[i] = 0.9 * m[i] + 0.1 * g[i];
        v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
        double mean = m[i] / (1 - pow(0.9, t)), square = v[i] / (1 - pow(0.999, t));
        p[i] -= rate * mean / (sqrt(square) + 1e-8);
    }
}

void reference_adam(struct reference *r, double rate)
{
    r->step++;
    for (uint32_t l = 0; l < r->n_layers; l++) {
        adam(r->w[l], r->m[l], r->v[l], r->gw[l], (size_t)n_in(r, l) * r->layers[l].units, rate, (double)r->step);
        adam(r->b[l], r->mb[l], r->vb[l], r->gb[l], r->layers[l].units, rate, (double)r->step);
    }
}

void reference_sgd(struct reference *r, double rate)
{
    for (uint32_t l = 0; l < r->n_layers; l++) {
        for (size_t i = 0; i < (size_t)n_in(r, l) * r->layers[l].units; i++)
            r->w[l][i] -= rate * r->gw[l][i];
        for (size_t i = 0; i < r->layers[l].units; i++)
            r->b[l][i] -= rate * r->gb[l][i];
    }
}

double reference_distance(const struct reference *r, const struct network *network)
{
    double worst = 0;
    struct reference *other = reference_new(network, r->loss);
    for (uint32_t l = 0; l < r->n_layers; l++) {
        for (size_t i = 0; i < (size_t)n_in(r, l) * r->layers[l].units; i++)
            worst = fmax(worst, fabs(r->w[l][i] - other->w[l][i]));
        for (size_t i = 0; i < r->layers[l].units; i++)
            worst = fmax(worst, fabs(r->b[l][i] - other->b[l][i]));
    }
    reference_free(other);
    return worst;
}
