/* What a user would thank us for being told: about the data before a training,
 * about the network after it. In plain words, never an error. */
#ifndef MLP_WARNING_H
#define MLP_WARNING_H

#include "mlp/ensemble.h"
#include "mlp/train.h"

/* id, word on the wire */
#define WARNINGS(X)                                                                                          \
    X(CONSTANT_COLUMN, constant_column)                                                                      \
    X(ID_LIKE_COLUMN, id_like_column)                                                                        \
    X(LEAKING_COLUMN, leaking_column)                                                                        \
    X(IMBALANCE, imbalance)                                                                                  \
    X(SMALL_CLASS, small_class)                                                                              \
    X(UNKNOWN_COLUMN, unknown_column)                                                                        \
    X(UNKNOWN_LEVEL, unknown_level)                                                                          \
    X(UNKNOWN_CLASS, unknown_class)                                                                          \
    X(DEAD_UNITS, dead_units)                                                                                \
    X(VALIDATION_TURNED, validation_turned)                                                                  \
    X(DIVERGENCE, divergence)
#define WARNING_ID(id, word) WARNING_##id,
enum warning_code { WARNINGS(WARNING_ID) N_WARNINGS };
#undef WARNING_ID

const char *warning_name(enum warning_code code);
/* -1 for what does not exist. */
int warning_find(const char *name);

#define WARNINGS_MAX 24    /* of one training */
#define WARNINGS_OF_CODE 4 /* the rest of a kind is only counted, in the last one */

struct warning {
    enum warning_code code;
    char column[72]; /* "" where it is about none */
    char message[400];
};
struct warnings {
    uint32_t n;
    struct warning list[WARNINGS_MAX];
};

/* Add one; where there is no room it is left out. `column` may be NULL. */
void warnings_add(struct warnings *warnings, enum warning_code code, const char *column, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));

/* About columns and classes of the rows that a recipe is about to be trained
 * with: columns left out, columns that give the target away, classes that are
 * rare or missing in a part. The rows are bound to `table` (train) and
 * filtered; the others may be empty. */
void warnings_of_data(struct warnings *warnings, const struct recipe *recipe, const struct table *table,
                      const struct rows *train, const struct rows *validation, const struct rows *test);

/* About a table that is to train a model further: its columns and levels that
 * the recipe does not know. */
void warnings_of_fit(struct warnings *warnings, const struct recipe *recipe, const struct table *table);

/* About a training that has come to its end: units that are 0 for every row, a
 * validation loss that has risen again. */
void warnings_of_training(struct warnings *warnings, const struct trainer *trainer);
/* The same of an ensemble of one. An ensemble of several stops by folds that no
 * member has seen, and is not looked at. */
void warnings_of_ensemble(struct warnings *warnings, const struct ensemble *ensemble);

#endif
