/* The outcome of rows, and the metrics made of it. */
#ifndef MLP_ENGINE_METRIC_H
#define MLP_ENGINE_METRIC_H

#include "mlp/metric.h"

struct row_score {
    float loss;        /* times the row's weight */
    float label;       /* class index (-1: none), or the target as the network sees it */
    float guess;       /* class index, or the network's output */
    float probability; /* of the guess; classes */
    float positive;    /* output of the second class, where there are two */
    uint32_t rank;     /* how many classes are more probable than the label, where there are more than 5 */
};

/* n rows with labels, at least 1. */
struct scored {
    const struct row_score *rows;
    uint64_t n;
    uint32_t n_classes; /* 0: numbers */
    double unit;        /* numbers: the user's units in one of the network's */
    uint32_t *scratch;  /* (2 n) where there are two classes */
};

/* All of them in the order of the rows; NaN for those that do not apply or are not defined on these rows. Losses count by the rows'
 * weights, everything else counts each row once. */
void metrics_measure(const struct scored *scored, double values[N_METRICS]);

#endif
