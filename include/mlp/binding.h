/* A recipe tied to a table. */
#ifndef MLP_BINDING_H
#define MLP_BINDING_H

#include "mlp/recipe.h"

#include <stdbool.h>
#include <stdint.h>

/* Tied by column names: its rows can be encoded. Holds a reference to the
 * table; the recipe must outlive it. */
struct binding;
/* Fails with ERR_INPUT naming the column that the table lacks or holds with
 * another type. `need_target`: the table must hold the target too. Column order
 * does not matter; levels are matched by text. NULL on failure. */
struct binding *recipe_bind(const struct recipe *recipe, struct table *table, bool need_target,
                            struct err *err);
void binding_free(struct binding *binding); /* takes NULL */
const struct recipe *binding_recipe(const struct binding *binding);
uint64_t binding_n_rows(const struct binding *binding);
uint64_t binding_record_bytes(const struct binding *binding); /* of a row in the table's file */
/* x: (recipe->n_inputs). */
void binding_encode(const struct binding *binding, uint64_t row, float *x);
/* Whether bytes say all: recipe->bytes, and this table holds every used column
 * as bytes. */
bool binding_has_bytes(const struct binding *binding);
/* Where binding_has_bytes: whether this input is zero in every row of the
 * table, as the column's range says. */
bool binding_input_is_zero(const struct binding *binding, uint32_t input);
/* Where recipe->bytes: the row's inputs from `begin` to `end` (or the last) as
 * bytes, input = byte * recipe->bytes_scale; x: (recipe->n_inputs). Where not
 * binding_has_bytes, missing values are imputed and others rounded to a byte,
 * and binding_encode is the exact way. */
void binding_encode_bytes(const struct binding *binding, uint64_t row, uint32_t begin, uint32_t end,
                          uint8_t *x);
/* A hint, as table_read_scattered. */
void binding_read_scattered(const struct binding *binding);
/* Ask for a row's target and what of its record the inputs from `begin` to
 * `end` should lie in to be brought into cache. */
void binding_prefetch(const struct binding *binding, uint64_t row, uint32_t begin, uint32_t end);
/* The class of the row's target, -1 where it is missing or not one of the
 * recipe's. */
int32_t binding_class(const struct binding *binding, uint64_t row);
/* The target in the user's units; NaN where missing. Regression. */
float binding_value(const struct binding *binding, uint64_t row);

#endif
