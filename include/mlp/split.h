/* Which rows of a table are trained on, validated on and tested on. */
#ifndef MLP_SPLIT_H
#define MLP_SPLIT_H

#include "mlp/recipe.h"

enum part { PART_TRAIN, PART_VALIDATION, PART_TEST };

struct split {
    double test;       /* share of the rows that have a target */
    double validation; /* share of those that are left */
    uint64_t seed;
};

/* parts (table's rows): the part of each. Where the target is classes each has
 * its share of every part, but at least one row to be trained on; what does not
 * come out even goes to the largest remainder. Rows without a target are of
 * PART_TRAIN. Drawn by the seed. Errors are those of recipe_fit, and ERR_INPUT
 * with field "test_split" or "validation_split" where nothing is left to train
 * on. */
bool rows_split(const struct table *table, const struct recipe_options *options, const struct split *split,
                uint8_t *parts, struct err *err);

#endif
