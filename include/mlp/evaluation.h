/* Scores of a model on rows of a table. */
#ifndef MLP_EVALUATION_H
#define MLP_EVALUATION_H

#include "mlp/metric.h"
#include "mlp/model.h"
#include "mlp/pool.h"
#include "mlp/rows.h"
#include "mlp/stop.h"

#include <stdbool.h>
#include <stdint.h>

struct guess {
    uint32_t row;       /* index in the table */
    float label, guess; /* class index, or value in the user's units */
    float probability;  /* of the guess; classification */
    float loss;
};
struct importance {
    uint32_t column; /* of the recipe's columns */
    double drop; /* mean drop in accuracy, or rise in RMSE, when the column's values are dealt anew among the
                    rows */
};
struct evaluation {
    uint64_t n_rows;          /* rows with a usable target */
    double values[N_METRICS]; /* NaN: does not apply */
    uint32_t n_classes;
    uint64_t *confusion;   /* (n_classes, n_classes) label x guess */
    struct guess *guesses; /* (n_rows), in row order */
    uint32_t n_importance;
    struct importance *importance; /* (n_importance), most important first */
};
/* Splits over the pool. NULL on failure; ERR_STOPPED once `stop` is set. Free
 * with evaluation_free. */
struct evaluation *model_evaluate(const struct model *model, const struct rows *rows, struct pool *pool,
                                  const atomic_bool *stop, struct err *err);
void evaluation_free(struct evaluation *evaluation);
/* Fill in the importance of each used column, by a sample of the evaluation's
 * rows; bounded work: none where there are too many columns. ERR_STOPPED once
 * `stop` is set. */
struct importance_options {
    uint64_t seed;
    const atomic_bool *stop; /* NULL: nothing stops it */
};
bool evaluation_importance(struct evaluation *evaluation, const struct model *model, const struct rows *rows,
                           struct pool *pool, const struct importance_options *options, struct err *err);

#endif
