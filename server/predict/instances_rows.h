/* The instances of a JSON body, one array of rows, for a model that is known:
 * for instances_json.c, and for instances.c the rows that were marked. Threads:
 * as its user. */
#ifndef MLPD_PREDICT_INSTANCES_ROWS_H
#define MLPD_PREDICT_INSTANCES_ROWS_H

#include "mlp/value.h"
#include "predict/columns_index.h"
#include "predict/instances.h"
#include "json/scan.h"

#define MODEL_NAME_MAX 256

/* A body on its way. */
struct json_rows {
    struct scan scan;
    const struct instances_models *models;
    struct instances *instances;
    struct err *err;
    /* the model, as the body names it so far and as it was asked for */
    char name[MODEL_NAME_MAX + 1], found_name[MODEL_NAME_MAX + 1];
    uint32_t version, found_version;
    bool has_name, has_version, found;
    const char *array; /* of the instances, NULL: not seen yet */
    bool scanned;      /* with the model found last */
    struct err early;  /* why that failed, where `early_failed` */
    bool early_failed;
    /* for that model */
    const struct recipe *recipe;
    struct columns_index index;
    struct value *values; /* (n_columns) */
    uint32_t *have;       /* (n_columns): the number of the last row that had it, from 1 */
    bool numbers;         /* no column takes text */
    bool in_object;       /* the instance at hand comes by names */
    bool later;           /* mark the rows where that can be done */
};

/* "at byte 17, found 'x'" */
struct place {
    char text[64];
};

struct place rows_place(const struct json_rows *rows);
/* The byte that the scanner stands at, from 1. */
size_t rows_here(const struct json_rows *rows);

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
