/* The columns of a recipe by name. */
#include "predict/columns_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A name and its column, while sorting. */
struct named {
    const char *name;
    uint32_t column;
};

static int named_compare(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static bool order_build(struct columns_index *index, struct err *err)
{
    size_t n = index->recipe->n_columns;
    struct named *named = malloc((n + 1) * sizeof *named);

    index->order = malloc((n + 1) * sizeof *index->order);
    if (!named || !index->order) {
        free(named);
        columns_index_done(index);
        return err_memory(err, "the columns by name");
    }
    for (uint32_t i = 0; i < n; i++)
        named[i] = (struct named){index->recipe->columns[i].name, i};
    qsort(named, n, sizeof *named, named_compare);
    for (uint32_t i = 0; i < n; i++)
        index->order[i] = named[i].column;
    free(named);
    return true;
}

void columns_index_done(struct columns_index *index)
{
    free(index->order);
    index->order = NULL;
}

bool text_equals(const char *string, const char *text, size_t length)
{
    return strlen(string) == length && memcmp(string, text, length) == 0;
}

static int name_compare(const char *name, const char *text, size_t length)
{
    int order = strncmp(name, text, length);

    return order ? order : name[length] ? 1 : 0;
}

static uint32_t order_find(const struct columns_index *index, const char *name, size_t length)
{
    uint32_t low = 0, high = index->recipe->n_columns;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2, column = index->order[middle];
        int order = name_compare(index->recipe->columns[column].name, name, length);
        if (order == 0)
            return column;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return COLUMN_NONE;
}

bool columns_index_find(struct columns_index *index, const char *name, size_t length, uint32_t *column,
                        struct err *err)
{
    const struct recipe *recipe = index->recipe;

    if (index->next < recipe->n_columns && text_equals(recipe->columns[index->next].name, name, length)) {
        *column = index->next++;
        return true;
    }
    *column = COLUMN_NONE;
    if (memchr(name, 0, length))
        return true;
    if (!index->order && !order_build(index, err))
        return false;
    *column = order_find(index, name, length);
    if (*column != COLUMN_NONE)
        index->next = *column + 1;
    return true;
}

bool columns_missing(const struct recipe *recipe, const uint32_t *have, uint32_t mark, char *out, size_t size,
                     const char **first)
{
    uint32_t n = 0;
    size_t at = 0;

    for (uint32_t i = 0; i < recipe->n_columns; i++) {
        const struct recipe_column *column = &recipe->columns[i];
        if (have[i] == mark || column->encoding == ENCODING_IGNORE)
            continue;
        if (n == 0)
            *first = column->name;
        if (n++ < 5 && at < size)
            at += (size_t)snprintf(out + at, size - at, "%s'%.40s'", n > 1 ? ", " : "", column->name);
    }
    if (n > 5 && at < size)
        snprintf(out + at, size - at, " and %u more", n - 5);
    return n > 0;
}
