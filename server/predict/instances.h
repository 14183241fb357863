/* The rows of a prediction request, from JSON, CSV or raw floats, straight into
 * the network's inputs, or left as they came until those are wanted.
 *
 * Errors are ERR_INPUT or ERR_LIMIT and say which instance, which column and,
 * in JSON, which byte. Threads: one call, one thread; no state between
 * calls. */
#ifndef MLPD_PREDICT_INSTANCES_H
#define MLPD_PREDICT_INSTANCES_H

#include "base/ledger.h"
#include "mlp/csv.h"
#include "mlp/recipe.h"
#include "mlp/stop.h"
#include "mlp/table.h"
#include "predict/head.h"

#include <stddef.h>
#include <stdint.h>

#define INSTANCES_BYTES_MAX ((size_t)1 << 30) /* of x */
#define INSTANCES_WARNINGS_MAX 16
#define INSTANCES_NAME_MAX 200
#define INSTANCES_BLOCK 64 /* rows that are taken from the request's bytes at a time */

struct instances_bad {
    uint32_t row; /* from 0 */
    char *why;    /* NULL: of all but the first INSTANCES_WHYS_MAX */
};
#define INSTANCES_WHYS_MAX 1000

struct instances {
    float *x; /* (n_rows, recipe->n_inputs), owned; none where the rows are still as they came, in the
                 request's bytes: */
    uint32_t n_rows;
    const unsigned char *floats; /* (n_rows, n_columns) float32 */
    const char *
        *marks; /* JSON arrays: where each INSTANCES_BLOCK of them begin, and the end of the last; owned */
    /* columns that the model does not know, each once */
    char *unknown[INSTANCES_WARNINGS_MAX]; /* (n_unknown), owned, UTF-8 where the request was */
    uint32_t n_unknown;
    bool more_unknown; /* there were more than fit above */
    /* rows of CSV that could not be read, in their order: x holds zeros for
     * them, and the answer the reason */
    struct instances_bad *bad; /* (n_bad), owned */
    uint32_t n_bad;
    struct claim *claim;     /* what x and marks are reserved from; NULL: nothing is */
    const atomic_bool *stop; /* ends reading and predicting them with ERR_STOPPED; NULL: nothing does */
    /* private below */
    size_t capacity, marks_capacity, bad_capacity;
    uint64_t x_claimed; /* bytes; what was lent is not among them */
};

void instances_done(struct instances *instances); /* takes a zeroed one */
/* Take x out of it, which is then the caller's. */
float *instances_take(struct instances *instances);
/* Empty, with its memory kept for the next rows. The functions below begin with
 * this: give them a zeroed one, or one used before. */
void instances_restart(struct instances *instances);

/* Finds the model that a request means. name NULL: the request names none;
 * version 0: the newest. May be called again when the body names something else
 * later; the last recipe returned is the one that counts and must live until
 * the scan ends. NULL with *err. */
struct instances_models {
    const struct recipe *(*find)(void *self, const char *name, uint32_t version, struct err *err);
    void *self;
};
static inline const struct recipe *instances_model(const struct instances_models *models,
                                                   const struct head_model *model, struct err *err)
{
    return models->find(models->self, model->has_name ? model->name : NULL, model->version, err);
}

/* The rows of a JSON body whose head has been read, {"instances":[[...],{...}]},
 * and what follows them. On failure *instances is empty. later: rows that are
 * many and look like arrays are only marked, for instances_inputs; the bytes
 * must outlive the instances. Where that finds one that is wrong, what is wrong
 * is told by reading the body again with later = false. */
bool instances_from_json(struct json_head *head, const struct instances_models *models, bool later,
                         struct instances *instances, struct err *err);

/* A CSV body: with a row of names first, columns by name in any order, unknown
 * ones (not the target) warned about; without it by position, the target left
 * out, or standing where it stood in a file without names that the model learnt
 * from. options as for table_ingest, but for: header 0: the row is one of names
 * if most of them are the model's; names stand for the header, and then a first
 * row of names is skipped with header 1 only; types and on_bad_row do not
 * count. Rows are mended as table_ingest mends them: missing fields are missing
 * values. A row that cannot be read or encoded keeps its place (`bad`), unless
 * that is all rows: then the first one's error is this. */
struct csv_body {
    const char *bytes; /* (n) */
    size_t n;
    const struct csv_options *options;
};
bool instances_from_csv(const struct recipe *recipe, const struct csv_body *body, struct instances *instances,
                        struct err *err);

/* The same a row at a time, for a body of any size. Unknown columns go into
 * instances, which outlives it, and so do the body's bytes and options. NULL
 * with *err. */
struct instances_csv;
struct instances_csv *instances_csv_new(const struct recipe *recipe, const struct csv_body *body,
                                        struct instances *instances, struct err *err);
void instances_csv_free(struct instances_csv *rows); /* takes NULL */
/* The names of the fields before the first row is read, NULL where there are
 * none; *n: how many fields a row has. */
const struct csv_field *instances_csv_names(const struct instances_csv *rows, uint32_t *n);
/* The next row into x: (n_inputs), and *fields as they came, valid until the
 * next call; *n_fields 0: the row could not be told into any. */
enum instances_row {
    ROW_FAILED = -1, /* *err: nothing more can be read */
    ROW_END,
    ROW_READ,
    ROW_BAD, /* *err says what is wrong with it; x holds zeros, and the rows after it can be read */
};
enum instances_row instances_csv_row(struct instances_csv *rows, float *x, const struct csv_field **fields,
                                     uint32_t *n_fields, struct err *err);

/* Rows of little-endian float32, n_columns each (left-out columns too), NaN
 * where missing. Counts them only: the bytes must outlive the instances. */
bool instances_from_floats(const struct recipe *recipe, const void *bytes, size_t n,
                           struct instances *instances, struct err *err);

/* Rows first .. first + n - 1 as the network's inputs, (n, n_inputs): where
 * they are, or made in `scratch`, instances_scratch floats for n rows. first: a
 * multiple of INSTANCES_BLOCK; n: that many, or what is left. NULL with *err.
 * Threads: any number at once, each with its own scratch. */
const float *instances_inputs(const struct instances *instances, const struct recipe *recipe, uint32_t first,
                              uint32_t n, float *scratch, struct err *err);
size_t instances_scratch(const struct instances *instances, const struct recipe *recipe, size_t n);

/* For the parts: room for one more row's n_inputs, and n_raw floats of scratch
 * behind them, NULL with *err. instances->n_rows counts it once instances_keep
 * is called. */
float *instances_room(struct instances *instances, uint32_t n_inputs, uint32_t n_raw, struct err *err);
static inline void instances_keep(struct instances *instances)
{
    instances->n_rows++;
}
/* Remember that the row at hand cannot be read, before instances_keep. */
bool instances_bad(struct instances *instances, const char *why, struct err *err);
/* Remember an unknown column. */
bool instances_unknown(struct instances *instances, const char *name, size_t length, struct err *err);

#endif
