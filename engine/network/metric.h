/* The outcome of rows, and the metrics made of it. */
#ifndef MLP_ENGINE_NETWORK_METRIC_H
#define MLP_ENGINE_NETWORK_METRIC_H

#include "mlp/err.h"
#include "mlp/metric.h"

struct row_score {
    float loss;        /* times the row's weight */
    float label;       /* class index (-1: none), or the target as the network sees it */
    float prediction;  /* class index, or the network's output */
    float probability; /* of the prediction; classes */
    float positive;    /* output of the second class, where there are two */
    uint32_t rank;     /* how many classes are more probable than the label, where there are more than 5 */
};

/* Outcomes added up in the order of the rows, in pieces of any size: the same
 * bits however they are cut. What metrics are made of; each row is forgotten,
 * but for four bytes where there are two classes. One thread at a time. */
struct outcomes {
    uint32_t n_classes;   /* 0: numbers */
    double unit;          /* numbers: the user's units in one of the network's */
    uint64_t capacity;    /* rows, at most */
    struct outcome_sums { /* no padding: states hold it as it is */
        uint64_t n;       /* rows */
        double loss;
        uint64_t n_right, n_top; /* classes: rows whose label was predicted, with it among the first five */
        uint64_t n_first;        /* two classes: rows labelled with the first */
        double errors, squares;  /* numbers: of prediction less label, absolute and squared */
        double mean,
            spread; /* numbers: of the labels; the sum of their squared distances from it (Welford 1962) */
    } sums;
    uint64_t *seen, *hits; /* (n_classes): how often among labels and predictions together; how often both */
    uint32_t *outputs; /* (capacity) two classes: `positive` by float_order, the first's rows from the front,
                          the second's from the back */
};

/* For at most n_rows rows. outcomes_done after either outcome; takes an
 * all-zero one. */
bool outcomes_init(struct outcomes *outcomes, uint32_t n_classes, double unit, uint64_t n_rows,
                   struct err *err);
void outcomes_done(struct outcomes *outcomes);
void outcomes_clear(struct outcomes *outcomes);
/* n more rows, each with a label. */
void outcomes_add(struct outcomes *outcomes, const struct row_score *rows, uint64_t n);

/* All metrics; NaN for those that do not apply or are not defined on these
 * rows. Losses count by the rows' weights, everything else counts each row
 * once. Nothing can be added after it until outcomes_clear: the outputs are
 * sorted. */
void metrics_measure(struct outcomes *outcomes, double values[N_METRICS]);

#endif
