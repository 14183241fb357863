/* Raw values from outside, encoded by a recipe as a table's are. */
#ifndef MLP_VALUE_H
#define MLP_VALUE_H

#include "mlp/recipe.h"

#include <stdbool.h>
#include <stdint.h>

/* One raw value from outside. An infinite number, here and in a table, counts
 * as missing. */
struct value {
    enum { VALUE_MISSING, VALUE_NUMBER, VALUE_TEXT } kind;
    double number;
    const char *text; /* not terminated */
    uint32_t length;
    char decimal_point;       /* of a number in the text; 0: as the column has it, or '.' */
    char thousands_separator; /* 0: as the column has it, or none */
};
/* Encode one row of raw values, values[i] for columns[i]; x:
 * (recipe->n_inputs). Text for a number, boolean or date column is parsed; a
 * number for a category column is matched by its shortest decimal text ("3");
 * an unseen level goes to `other` (or all zeros). Text that is no number, truth
 * or date there is ERR_INPUT naming the column and what stood there, and so is
 * a number for a date. */
bool recipe_encode(const struct recipe *recipe, const struct value *values, float *x, struct err *err);
/* The same for a row of plain numbers, raw[i] for columns[i], NaN where
 * missing: the fast way in. raw: (n_columns), x: (n_inputs). Not for a recipe
 * with dates: they count as missing. */
void recipe_encode_numbers(const struct recipe *recipe, const float *raw, float *x);

#endif
