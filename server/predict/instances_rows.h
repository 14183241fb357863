/* The instances of a JSON body, one array of rows, for a model that is known:
 * for instances_json.c, and for instances.c the rows that were marked. Threads:
 * as its user. */
#ifndef MLPD_PREDICT_INSTANCES_ROWS_H
#define MLPD_PREDICT_INSTANCES_ROWS_H

#include "mlp/value.h"
#include "predict/columns_index.h"
#include "predict/head.h"
#include "predict/instances.h"

/* Rows on their way. */
struct json_rows {
    struct scan *scan;
    struct instances *instances;
    struct err *err;
    const char *array; /* of the instances */
    bool scanned;      /* all of them, for `recipe` */
    bool later;        /* mark the rows where that can be done */
    bool marked;       /* that was done */
    /* for one model */
    const struct recipe *recipe;
    struct columns_index index;
    struct value *values; /* (n_columns) */
    uint32_t *have;       /* (n_columns): the number of the last row that had it, from 1 */
    bool numbers;         /* no column takes text */
    bool in_object;       /* the instance at hand comes by names */
};

/* Get ready for rows->recipe; give up what was for it. */
void rows_begin(struct json_rows *rows);
void rows_end(struct json_rows *rows);
/* Take the array of instances whose bracket rows->array is; with rows->later
 * its rows may only be marked. */
bool rows_take(struct json_rows *rows);
/* The n rows of the text, a marked block, into x: (n, n_inputs) and n_columns
 * floats of scratch behind them. False, with *err: there are not just n, or one
 * is wrong. */
bool rows_encode(const struct recipe *recipe, const char *text, size_t length, uint32_t n, float *x,
                 struct err *err);

#endif
