/* What is measured of guesses, for training rows while an epoch runs, for
 * validation rows at its end, and in evaluations.
 *
 * A metric is a row of METRICS and the function of its word in
 * engine/network/metric.c. */
#ifndef MLP_METRIC_H
#define MLP_METRIC_H

#include <stdbool.h>
#include <stdint.h>

/* Whose guesses a metric is of. */
enum metric_scope {
    METRIC_OF_ALL,
    METRIC_OF_CLASSES,
    METRIC_OF_TWO_CLASSES,
    METRIC_OF_MANY_CLASSES /* more than 5 */,
    METRIC_OF_NUMBERS
};

/* id, word on the wire, scope, whether more is better */
#define METRICS(X)                                                                                           \
    X(LOSS, loss, METRIC_OF_ALL, false)                                                                      \
    X(ACCURACY, accuracy, METRIC_OF_CLASSES, true)                                                           \
    X(TOP_5_ACCURACY, top_5_accuracy, METRIC_OF_MANY_CLASSES, true)                                          \
    X(MACRO_F1, macro_f1, METRIC_OF_CLASSES, true)                                                           \
    X(AUC, auc, METRIC_OF_TWO_CLASSES, true)                                                                 \
    X(MAE, mae, METRIC_OF_NUMBERS, false)                                                                    \
    X(RMSE, rmse, METRIC_OF_NUMBERS, false)                                                                  \
    X(R2, r2, METRIC_OF_NUMBERS, true)
#define METRIC_ID(id, word, scope, more) METRIC_##id,
enum metric { METRICS(METRIC_ID) N_METRICS };
#undef METRIC_ID

const char *metric_name(enum metric metric);
/* -1 for what does not exist. */
int metric_find(const char *name);
bool metric_more_is_better(enum metric metric);
/* n_classes 0: numbers. */
bool metric_applies(enum metric metric, uint32_t n_classes);

#endif
