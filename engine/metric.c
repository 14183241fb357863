/* Metrics: one function and one row of METRICS each. Pure functions; each sum runs in the order of the rows. */
#include "metric.h"
#include "float_order.h"
#include "mlp/recipe.h"

#include <math.h>
#include <stddef.h>

#define TOP 5

static double measure_loss(const struct scored *s)
{
    double sum = 0;
    for (uint64_t i = 0; i < s->n; i++)
        sum += (double)s->rows[i].loss;
    return sum / (double)s->n;
}

static double measure_accuracy(const struct scored *s)
{
    uint64_t n_right = 0;
    for (uint64_t i = 0; i < s->n; i++)
        n_right += s->rows[i].guess == s->rows[i].label;
    return (double)n_right / (double)s->n;
}

static double measure_top_5_accuracy(const struct scored *s)
{
    uint64_t n_right = 0;
    for (uint64_t i = 0; i < s->n; i++)
        n_right += s->rows[i].rank < TOP;
    return (double)n_right / (double)s->n;
}

/* Mean over the classes that stand among labels or guesses of 2 hits / (labels + guesses). */
static double measure_macro_f1(const struct scored *s)
{
    uint32_t hits[RECIPE_CLASSES_MAX] = {0}, seen[RECIPE_CLASSES_MAX] = {0}, n_present = 0;
    double sum = 0;
    for (uint64_t i = 0; i < s->n; i++) {
        uint32_t label = (uint32_t)s->rows[i].label, guess = (uint32_t)s->rows[i].guess;
        seen[label]++;
        seen[guess]++;
        hits[label] += label == guess;
    }
    for (uint32_t c = 0; c < s->n_classes; c++) {
        n_present += seen[c] > 0;
        sum += seen[c] > 0 ? 2.0 * hits[c] / seen[c] : 0;
    }
    return sum / n_present;
}

/* Sort keys by three digits of 11 bits; the result lies in other (n). */
static void sort_keys(uint32_t *keys, uint32_t *other, uint64_t n)
{
    for (unsigned shift = 0; shift < 33; shift += 11) {
        uint64_t ends[0x800] = {0}, sum = 0;
        uint32_t *swapped = keys;
        for (uint64_t i = 0; i < n; i++)
            ends[keys[i] >> shift & 0x7ff]++;
        for (uint32_t digit = 0; digit < 0x800; digit++) {
            uint64_t count = ends[digit];
            ends[digit] = sum;
            sum += count;
        }
        for (uint64_t i = 0; i < n; i++)
            other[ends[keys[i] >> shift & 0x7ff]++] = keys[i];
        keys = other;
        other = swapped;
    }
}

/* The chance that a row of the second class has the larger output of two rows of different classes; equal ones count half. */
static double measure_auc(const struct scored *s)
{
    uint64_t n_negative = 0, at = s->n, below = 0, same = 0;
    double wins = 0;
    for (uint64_t i = 0; i < s->n; i++) /* the first class from the front, the second from the back */
        s->scratch[s->rows[i].label == 1 ? --at : n_negative++] = float_order(s->rows[i].positive);
    uint64_t n_positive = s->n - n_negative;
    const uint32_t *negatives = s->scratch + s->n, *positives = negatives + n_negative;
    sort_keys(s->scratch, s->scratch + s->n, n_negative);
    sort_keys(s->scratch + n_negative, s->scratch + s->n + n_negative, n_positive);
    for (uint64_t i = 0; i < n_positive; i++) {
        while (below < n_negative && negatives[below] < positives[i])
            below++;
        same = same < below ? below : same;
        while (same < n_negative && negatives[same] == positives[i])
            same++;
        wins += (double)below + 0.5 * (double)(same - below);
    }
    return n_positive > 0 && n_negative > 0 ? wins / ((double)n_positive * (double)n_negative) : NAN;
}

static double measure_mae(const struct scored *s)
{
    double sum = 0;
    for (uint64_t i = 0; i < s->n; i++)
        sum += fabs((double)s->rows[i].guess - (double)s->rows[i].label);
    return s->unit * sum / (double)s->n;
}

static double squares(const struct scored *s)
{
    double sum = 0;
    for (uint64_t i = 0; i < s->n; i++) {
        double d = (double)s->rows[i].guess - (double)s->rows[i].label;
        sum += d * d;
    }
    return sum;
}

static double measure_rmse(const struct scored *s)
{
    return s->unit * sqrt(squares(s) / (double)s->n);
}

static double measure_r2(const struct scored *s)
{
    double mean = 0, spread = 0;
    for (uint64_t i = 0; i < s->n; i++)
        mean += (double)s->rows[i].label;
    mean /= (double)s->n;
    for (uint64_t i = 0; i < s->n; i++) {
        double d = (double)s->rows[i].label - mean;
        spread += d * d;
    }
    return spread > 0 ? 1 - squares(s) / spread : NAN;
}

#define METRIC_ROW(id, word, scope, more) [METRIC_##id] = {#word, scope, more, measure_##word},
static const struct {
    const char *name;
    enum metric_scope scope;
    bool more;
    double (*measure)(const struct scored *scored);
} metrics[N_METRICS] = {METRICS(METRIC_ROW)};

const char *metric_name(enum metric metric)
{
    return (size_t)metric < N_METRICS ? metrics[metric].name : NULL;
}

int metric_find(const char *name)
{
    for (int i = 0; i < N_METRICS; i++)
        if (strcmp(metrics[i].name, name) == 0)
            return i;
    return -1;
}

bool metric_more_is_better(enum metric metric)
{
    return metrics[metric].more;
}

bool metric_applies(enum metric metric, uint32_t n_classes)
{
    switch (metrics[metric].scope) {
    case METRIC_OF_ALL:
        return true;
    case METRIC_OF_CLASSES:
        return n_classes > 0;
    case METRIC_OF_TWO_CLASSES:
        return n_classes == 2;
    case METRIC_OF_MANY_CLASSES:
        return n_classes > TOP;
    case METRIC_OF_NUMBERS:
        return n_classes == 0;
    }
    return false;
}

void metrics_measure(const struct scored *scored, double values[N_METRICS])
{
    for (int i = 0; i < N_METRICS; i++)
        values[i] = metric_applies((enum metric)i, scored->n_classes) ? metrics[i].measure(scored) : NAN;
}
