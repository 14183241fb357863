/* What each row of a training counts: the request's sample_weight times its
 * class_weight, so scaled that the training rows' mean is 1 (a learning rate
 * then means what it means without weights). Pure functions. */
#include "jobs/training.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REFUSE(err, field, ...) (err_set(err, ERR_INPUT, __VA_ARGS__), err_field(err, field))

/* Multiply each training row's weight by the number in its column. */
static bool samples_weigh(float *weights, const struct rows *rows, const struct table *table,
                          const char *name, struct err *err)
{
    int64_t column = table_find(table, name);
    if (column < 0)
        return REFUSE(err, "sample_weight", "there is no column \"%.60s\" to weigh the rows by", name);
    enum column_type type = table_column(table, (uint32_t)column)->type;
    if (!column_type_is_number(type))
        return REFUSE(err, "sample_weight",
                      "the column \"%.60s\" holds %s: weights are numbers of at least 0", name,
                      type == COLUMN_DATE ? "dates" : "text");
    if (!strcmp(name, binding_recipe(rows->binding)->target))
        return REFUSE(err, "sample_weight", "\"%.60s\" is the target, it cannot weigh the rows too", name);
    for (uint64_t i = 0; i < rows->n_rows; i++) {
        float weight = table_number(table, (uint32_t)column, rows->rows[i]);
        if (!(weight >= 0) || !isfinite(weight)) {
            err_set(err, ERR_INPUT, "row %" PRIu32 ", column %.60s: a weight is a number of at least 0",
                    rows->rows[i] + 1, name);
            err_at(err, (uint64_t)rows->rows[i] + 1, name);
            return err_field(err, "sample_weight");
        }
        weights[rows->rows[i]] *= weight;
    }
    return true;
}

/* The classes' factors as the map has them, 1 where it says nothing. */
static bool factors_take(double *factors, const struct job_request *request, const struct recipe *recipe,
                         struct err *err)
{
    for (uint32_t c = 0; c < recipe->n_classes; c++)
        factors[c] = 1;
    for (uint32_t i = 0; i < request->n_class_weights; i++) {
        const struct class_weight *given = &request->class_weights[i];
        uint32_t c = 0;
        while (c < recipe->n_classes && strcmp(recipe->classes[c], given->label))
            c++;
        if (c == recipe->n_classes)
            return REFUSE(err, "class_weight",
                          "\"class_weight\": the target has no class \"%.60s\" in the training rows",
                          given->label);
        factors[c] = (double)given->weight;
    }
    return true;
}

/* n / (classes * n of the class), as scikit-learn's "balanced". */
static void factors_balance(double *factors, const struct rows *rows, uint32_t n_classes)
{
    uint64_t counts[RECIPE_CLASSES_MAX] = {0};
    for (uint64_t i = 0; i < rows->n_rows; i++)
        counts[binding_class(rows->binding, rows->rows[i])]++;
    for (uint32_t c = 0; c < n_classes; c++)
        factors[c] = counts[c] ? (double)rows->n_rows / ((double)n_classes * (double)counts[c]) : 1;
}

static bool classes_weigh(float *weights, const struct rows *rows, const struct job_request *request,
                          struct err *err)
{
    const struct recipe *recipe = binding_recipe(rows->binding);
    double factors[RECIPE_CLASSES_MAX];
    if (recipe->task != TASK_CLASSIFICATION)
        return REFUSE(err, "class_weight",
                      "\"class_weight\" is for classes, and the target %.60s is a number", recipe->target);
    if (request->class_balanced)
        factors_balance(factors, rows, recipe->n_classes);
    else if (!factors_take(factors, request, recipe, err))
        return false;
    for (uint64_t i = 0; i < rows->n_rows; i++)
        weights[rows->rows[i]] *= (float)factors[binding_class(rows->binding, rows->rows[i])];
    return true;
}

bool weights_make(float **made, const struct rows *rows, const struct table *table,
                  const struct job_request *request, struct err *err)
{
    bool by_class = request->class_balanced || request->n_class_weights > 0;
    double sum = 0;
    *made = NULL;
    if (!by_class && !request->sample_weight)
        return true;
    float *weights = malloc((size_t)(table_n_rows(table) + 1) * sizeof *weights);
    if (!weights)
        return err_memory(err, "the weights of the rows");
    for (uint64_t row = 0; row < table_n_rows(table); row++)
        weights[row] = 1;
    bool ok = (!request->sample_weight || samples_weigh(weights, rows, table, request->sample_weight, err)) &&
              (!by_class || classes_weigh(weights, rows, request, err));
    for (uint64_t i = 0; ok && i < rows->n_rows; i++)
        sum += (double)weights[rows->rows[i]] / (double)rows->n_rows;
    if (ok && !(sum > 0 && isfinite(sum)))
        ok = REFUSE(err, by_class ? "class_weight" : "sample_weight",
                    "the weights of all training rows together are %s", sum > 0 ? "out of reach" : "0");
    for (uint64_t i = 0; ok && i < rows->n_rows; i++)
        weights[rows->rows[i]] = (float)((double)weights[rows->rows[i]] / sum);
    *made = ok ? weights : NULL;
    if (!ok)
        free(weights);
    return ok;
}
