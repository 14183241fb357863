/* Warnings about rows that train a model further: what its recipe does not know
 * of them. The table is only read. */
#include "mlp/warning.h"
#include "recipe/private.h"

#include <stdio.h>
#include <string.h>

#define NAMED 3 /* columns that are named */

static void columns_warn(struct warnings *warnings, const struct recipe *recipe, const struct table *table)
{
    char names[NAMED * 80] = "", first[72] = "", more[48] = "", cut[80];
    uint32_t n = 0;
    for (uint32_t i = 0; i < table_n_columns(table); i++) {
        const char *name = table_column(table, i)->name;
        size_t length = strlen(names);
        if (recipe_find(recipe, name) >= 0 || !strcmp(name, recipe->target))
            continue;
        if (n == 0)
            snprintf(first, sizeof first, "%s", name);
        if (n++ < NAMED)
            snprintf(names + length, sizeof names - length, "%s%s", length > 0 ? ", " : "",
                     text_cut(name, strlen(name), 60, cut));
    }
    if (n == 0)
        return;
    if (n > NAMED)
        snprintf(more, sizeof more, " and %u more", n - NAMED);
    warnings_add(warnings, WARNING_UNKNOWN_COLUMN, first, "The model was not trained with %s%s: left out.",
                 names, more);
}

/* Levels of a one-hot column that light no input of their own. */
static void levels_warn(struct warnings *warnings, const struct recipe_column *column,
                        const struct column *from)
{
    const char *first = NULL;
    uint32_t n = 0;
    uint64_t n_rows = 0;
    char name[80], level[80];
    for (uint32_t i = 0; i < from->n_levels; i++) {
        uint32_t input = column_text_input(column, from->levels[i], strlen(from->levels[i]));
        if (input < column->n_levels)
            continue;
        first = first == NULL ? from->levels[i] : first;
        n++;
        n_rows += from->level_rows[i];
    }
    if (n == 0)
        return;
    warnings_add(warnings, WARNING_UNKNOWN_LEVEL, column->name,
                 "%llu rows of the column %s hold %u values that the model does not know by name (\"%s\" is "
                 "one): they count as %s.",
                 (unsigned long long)n_rows, text_cut(column->name, strlen(column->name), 60, name), n,
                 text_cut(first, strlen(first), 60, level),
                 column->other ? "\"other\"" : "none of those it knows");
}

void warnings_of_fit(struct warnings *warnings, const struct recipe *recipe, const struct table *table)
{
    uint32_t n_warned = 0;
    columns_warn(warnings, recipe, table);
    for (uint32_t c = 0; c < recipe->n_columns && n_warned < WARNINGS_OF_CODE; c++) {
        const struct recipe_column *column = &recipe->columns[c];
        int64_t found = column->encoding == ENCODING_ONE_HOT ? table_find(table, column->name) : -1;
        if (found < 0 || table_column(table, (uint32_t)found)->type != COLUMN_CATEGORY)
            continue;
        uint32_t before = warnings->n;
        levels_warn(warnings, column, table_column(table, (uint32_t)found));
        n_warned += warnings->n - before;
    }
}
