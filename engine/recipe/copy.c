/* A deep copy of a recipe: a model owns its own. */
#include "mlp/recipe.h"

#include <stdlib.h>
#include <string.h>

/* false where memory ran out; *copy is then NULL or half-built, for
 * recipe_free. */
static bool copy_strings(char *const *strings, uint32_t n, char ***copy)
{
    *copy = NULL;
    if (n == 0)
        return true;
    *copy = calloc(n, sizeof **copy);
    bool ok = *copy != NULL;
    for (uint32_t i = 0; ok && i < n; i++)
        ok = ((*copy)[i] = strdup(strings[i])) != NULL;
    return ok;
}

static bool copy_column(const struct recipe_column *column, struct recipe_column *copy)
{
    *copy = *column;
    copy->name = strdup(column->name);
    copy->knots = column->n_knots > 0 ? malloc(column->n_knots * sizeof *copy->knots) : NULL;
    copy->levels = NULL;
    if (column->n_knots > 0 && copy->knots == NULL)
        return false;
    if (column->n_knots > 0)
        memcpy(copy->knots, column->knots, column->n_knots * sizeof *copy->knots);
    return copy_strings(column->levels, column->n_levels, &copy->levels) && copy->name != NULL;
}

struct recipe *recipe_copy(const struct recipe *recipe, struct err *err)
{
    struct recipe *copy = malloc(sizeof *copy);
    bool ok = copy != NULL;
    if (ok) {
        *copy = *recipe;
        copy->columns = calloc(recipe->n_columns, sizeof *copy->columns);
        copy->target = strdup(recipe->target);
        ok = copy_strings(recipe->classes, recipe->n_classes, &copy->classes);
        copy->n_classes = copy->classes == NULL ? 0 : copy->n_classes;
        ok &= copy->columns != NULL && copy->target != NULL;
    }
    for (uint32_t i = 0; ok && i < recipe->n_columns; i++)
        ok = copy_column(&recipe->columns[i], &copy->columns[i]);
    if (ok)
        return copy;
    /* recipe_free takes columns that are all zero, but not counts without
     * arrays. */
    for (uint32_t i = 0; copy != NULL && copy->columns != NULL && i < copy->n_columns; i++)
        if (copy->columns[i].levels == NULL)
            copy->columns[i].n_levels = 0;
    recipe_free(copy);
    err_memory(err, "a copy of the recipe");
    return NULL;
}
