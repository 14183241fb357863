/* Whether a recipe that came from a file holds together: nothing in it may lead
 * an encoder outside its arrays or to a number that is not finite. Threads:
 * any. */
#include "recipe/private.h"

static bool corrupt(struct err *err, const char *what, uint32_t column)
{
    return err_set(err, ERR_CORRUPT, "the recipe is damaged: %s (column %u)", what, column + 1);
}

static bool strings_check(char *const *strings, uint32_t n)
{
    if (n > 0 && !strings)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!strings[i])
            return false;
    return true;
}

static bool strings_ascend(char *const *strings, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        if (strcmp(strings[i - 1], strings[i]) >= 0)
            return false;
    return true;
}

static bool strings_differ(char *const *strings, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(strings[i], strings[j]) == 0)
                return false;
    return true;
}

/* Pieces of no width would divide by zero. */
static bool knots_check(const struct recipe_column *column)
{
    bool quantile = column->encoding == ENCODING_QUANTILE;
    bool ok = quantile ? column->n_knots >= 2 && column->n_knots <= RECIPE_KNOTS_MAX && column->knots
                       : column->n_knots == 0;

    for (uint32_t i = 0; ok && i < column->n_knots; i++)
        ok = isfinite(column->knots[i]) && (i == 0 || column->knots[i] > column->knots[i - 1]);
    return ok;
}

static bool unit_check(const struct recipe_column *column)
{
    bool log =
        column->encoding == ENCODING_LOG || (column->encoding == ENCODING_QUANTILE && column->unit != 0);
    return log ? column->unit >= 1e-30f && column->unit <= 1e30f : column->unit == 0;
}

static bool column_check(const struct recipe_column *column, uint32_t at, uint32_t first_input,
                         struct err *err)
{
    if (!column->name)
        return corrupt(err, "it has no name", at);
    if ((unsigned)column->encoding > ENCODING_IGNORE)
        return corrupt(err, "its encoding does not exist", at);
    if (!memchr(column->note, 0, sizeof column->note))
        return corrupt(err, "its note does not end", at);
    if (!isfinite(column->origin) ||
        (column->origin != 0 && (column->encoding == ENCODING_SCALE || column_inputs(column) == 0)))
        return corrupt(err, "its origin is out of place", at);
    if (!isfinite(column->offset) || !isfinite(column->scale) || !isfinite(column->impute))
        return corrupt(err, "offset, scale or impute is not finite", at);
    if (!knots_check(column))
        return corrupt(err, "its knots are too few, too many or out of order", at);
    if (!unit_check(column))
        return corrupt(err, "the unit of its logarithm is out of range", at);
    if (column->encoding == ENCODING_SCALE && !(fabsf(column->scale) <= SCALE_MAX))
        return corrupt(err, "its scale is out of range", at);
    if (column->n_levels > RECIPE_LEVELS_MAX || !strings_check(column->levels, column->n_levels) ||
        !strings_ascend(column->levels, column->n_levels))
        return corrupt(err, "its levels are too many, missing or out of order", at);
    if (column->n_levels > 0 && column->encoding != ENCODING_ONE_HOT)
        return corrupt(err, "it has levels and is no category", at);
    if (column->encoding == ENCODING_BOOLEAN && (column->offset != 0 || column->scale != 1))
        return corrupt(err, "a truth is scaled", at);
    if (column->encoding == ENCODING_DATE &&
        (column->date.order >= DATE_ORDERS || !(fabsf(column->impute) < 4e6f) ||
         !(fabsf(column->offset) < 4e6f)))
        return corrupt(err, "its dates are out of range", at);
    if (column->n_inputs != column_inputs(column) ||
        (column->n_inputs == 0 && column->encoding != ENCODING_IGNORE))
        return corrupt(err, "the number of its inputs is wrong", at);
    if (column->n_inputs > 0 && column->first_input != first_input)
        return corrupt(err, "its inputs do not follow those of the column before", at);
    return true;
}

static bool target_check(const struct recipe *recipe, struct err *err)
{
    if (!recipe->target || !memchr(recipe->task_reason, 0, sizeof recipe->task_reason))
        return err_set(err, ERR_CORRUPT, "the recipe is damaged: it names no target");
    if (recipe->task == TASK_REGRESSION) {
        if (recipe->n_classes != 0 || !isfinite(recipe->target_mean) || !isfinite(recipe->target_stddev) ||
            recipe->target_stddev <= 0)
            return err_set(err, ERR_CORRUPT,
                           "the recipe is damaged: the target's mean or stddev is not usable");
        return true;
    }
    if (recipe->task != TASK_CLASSIFICATION)
        return err_set(err, ERR_CORRUPT,
                       "the recipe is damaged: its task is neither classification nor regression");
    if (recipe->n_classes < 2 || recipe->n_classes > RECIPE_CLASSES_MAX ||
        !strings_check(recipe->classes, recipe->n_classes) ||
        !strings_differ(recipe->classes, recipe->n_classes))
        return err_set(err, ERR_CORRUPT,
                       "the recipe is damaged: its classes are too few, too many or not different");
    return true;
}

/* recipe->bytes must say the truth where it says yes: encoders rely on it. */
static bool bytes_check(const struct recipe *recipe, struct err *err)
{
    if (!recipe->bytes)
        return true;
    for (uint32_t i = 0; i < recipe->n_columns; i++) {
        const struct recipe_column *column = &recipe->columns[i];
        bool fits = column->encoding == ENCODING_SCALE && column->scale == recipe->bytes_scale;
        if (column->encoding != ENCODING_IGNORE && !fits)
            return corrupt(err, "the recipe says bytes and this column is none", i);
    }
    return true;
}

bool recipe_check(const struct recipe *recipe, struct err *err)
{
    uint64_t n_inputs = 0;

    if (recipe->n_columns > 0 && !recipe->columns)
        return err_set(err, ERR_CORRUPT, "the recipe is damaged: it has no columns");
    for (uint32_t i = 0; i < recipe->n_columns; i++) {
        if (!column_check(&recipe->columns[i], i, (uint32_t)n_inputs, err))
            return false;
        n_inputs += recipe->columns[i].n_inputs;
        if (n_inputs > RECIPE_INPUTS_MAX)
            return corrupt(err, "too many inputs", i);
    }
    if (n_inputs == 0 || n_inputs != recipe->n_inputs)
        return err_set(err, ERR_CORRUPT, "the recipe is damaged: it says %u inputs and its columns have %u",
                       recipe->n_inputs, (uint32_t)n_inputs);
    return bytes_check(recipe, err) && target_check(recipe, err);
}
