/* Metrics: one function of the outcomes and one row of METRICS each, and where
 * the outcomes lack a sum a line in outcomes_add. */
#include "network/metric.h"
#include "base/float_order.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#define TOP 5

/* ---- adding up ---- */

bool outcomes_init(struct outcomes *o, uint32_t n_classes, double unit, uint64_t n_rows, struct err *err)
{
    *o = (struct outcomes){.n_classes = n_classes, .unit = unit, .capacity = n_rows};
    o->seen = calloc((size_t)n_classes + 1, sizeof *o->seen);
    o->hits = calloc((size_t)n_classes + 1, sizeof *o->hits);
    o->outputs = n_classes == 2 ? malloc((n_rows + 1) * sizeof *o->outputs) : NULL;
    return (o->seen != NULL && o->hits != NULL && (n_classes != 2 || o->outputs != NULL)) ||
           err_memory(err, "the metrics");
}

void outcomes_done(struct outcomes *o)
{
    free(o->seen);
    free(o->hits);
    free(o->outputs);
    *o = (struct outcomes){0};
}

void outcomes_clear(struct outcomes *o)
{
    o->sums = (struct outcome_sums){0};
    memset(o->seen, 0, o->n_classes * sizeof *o->seen);
    memset(o->hits, 0, o->n_classes * sizeof *o->hits);
}

static void add_class(struct outcomes *o, const struct row_score *row)
{
    uint32_t label = (uint32_t)row->label, prediction = (uint32_t)row->prediction;
    o->seen[label]++;
    o->seen[prediction]++;
    o->hits[label] += label == prediction;
    o->sums.n_right += label == prediction;
    o->sums.n_top += row->rank < TOP;
    if (o->outputs == NULL)
        return;
    uint64_t n_second = o->sums.n - o->sums.n_first;
    o->outputs[label == 1 ? o->capacity - n_second - 1 : o->sums.n_first] = float_order(row->positive);
    o->sums.n_first += label == 0;
}

static void add_number(struct outcome_sums *sums, double label, double prediction)
{
    double error = prediction - label, before = label - sums->mean;
    sums->errors += fabs(error);
    sums->squares += error * error;
    sums->mean += before / (double)(sums->n + 1);
    sums->spread += before * (label - sums->mean);
}

void outcomes_add(struct outcomes *o, const struct row_score *rows, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        o->sums.loss += (double)rows[i].loss;
        if (o->n_classes > 0)
            add_class(o, &rows[i]);
        else
            add_number(&o->sums, (double)rows[i].label, (double)rows[i].prediction);
        o->sums.n++;
    }
}

/* ---- metrics ---- */

static double measure_loss(struct outcomes *o)
{
    return o->sums.loss / (double)o->sums.n;
}

static double measure_accuracy(struct outcomes *o)
{
    return (double)o->sums.n_right / (double)o->sums.n;
}

static double measure_top_5_accuracy(struct outcomes *o)
{
    return (double)o->sums.n_top / (double)o->sums.n;
}

/* Mean over the classes that stand among labels or predictions of 2 hits / (labels
 * + predictions). */
static double measure_macro_f1(struct outcomes *o)
{
    uint32_t n_present = 0;
    double sum = 0;
    for (uint32_t c = 0; c < o->n_classes; c++) {
        n_present += o->seen[c] > 0;
        sum += o->seen[c] > 0 ? 2.0 * (double)o->hits[c] / (double)o->seen[c] : 0;
    }
    return sum / n_present;
}

/* In place, digit by digit of 8 bits from the highest on (McIlroy, Bostic &
 * McIlroy 1993: American flag sort). */
static void sort_outputs(uint32_t *keys, uint64_t n, unsigned shift)
{
    uint64_t begins[256], ends[256] = {0}, sum = 0;
    for (uint64_t i = 0; i < n; i++)
        ends[keys[i] >> shift & 255]++;
    for (uint32_t digit = 0; digit < 256; digit++) {
        begins[digit] = sum;
        sum += ends[digit];
        ends[digit] = sum;
    }
    for (uint32_t digit = 0; digit < 256; digit++) {
        while (begins[digit] < ends[digit]) {
            uint32_t key = keys[begins[digit]], place = key >> shift & 255;
            keys[begins[digit]] = keys[begins[place]];
            keys[begins[place]++] = key;
        }
    }
    for (uint32_t digit = 0; shift > 0 && digit < 256; digit++) {
        uint64_t first = digit == 0 ? 0 : ends[digit - 1];
        if (ends[digit] - first > 1)
            sort_outputs(keys + first, ends[digit] - first, shift - 8);
    }
}

/* The chance that a row of the second class has the larger output of two rows
 * of different classes; equal ones count half. */
static double measure_auc(struct outcomes *o)
{
    uint64_t n_first = o->sums.n_first, n_second = o->sums.n - n_first, below = 0, same = 0;
    uint32_t *first = o->outputs, *second = o->outputs + (o->capacity - n_second);
    double wins = 0;
    sort_outputs(first, n_first, 24);
    sort_outputs(second, n_second, 24);
    for (uint64_t i = 0; i < n_second; i++) {
        while (below < n_first && first[below] < second[i])
            below++;
        same = same < below ? below : same;
        while (same < n_first && first[same] == second[i])
            same++;
        wins += (double)below + 0.5 * (double)(same - below);
    }
    return n_first > 0 && n_second > 0 ? wins / ((double)n_first * (double)n_second) : NAN;
}

static double measure_mae(struct outcomes *o)
{
    return o->unit * o->sums.errors / (double)o->sums.n;
}

static double measure_rmse(struct outcomes *o)
{
    return o->unit * sqrt(o->sums.squares / (double)o->sums.n);
}

static double measure_r2(struct outcomes *o)
{
    return o->sums.spread > 0 ? 1 - o->sums.squares / o->sums.spread : NAN;
}

#define METRIC_ROW(id, word, scope, more) [METRIC_##id] = {#word, scope, more, measure_##word},
static const struct {
    const char *name;
    enum metric_scope scope;
    bool more;
    double (*measure)(struct outcomes *outcomes);
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

void metrics_measure(struct outcomes *o, double values[N_METRICS])
{
    for (int i = 0; i < N_METRICS; i++)
        values[i] =
            o->sums.n > 0 && metric_applies((enum metric)i, o->n_classes) ? metrics[i].measure(o) : NAN;
}
