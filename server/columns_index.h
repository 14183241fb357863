/* The columns of a recipe by name, for rows that come as objects or under a header. Threads: built by one, then read by any. */
#ifndef MLPD_COLUMNS_INDEX_H
#define MLPD_COLUMNS_INDEX_H

#include "mlp/recipe.h"

struct columns_index {
    const struct recipe *recipe;
    uint32_t *order; /* (n_columns), by name */
    uint32_t next;   /* guess: names mostly come in the recipe's order */
};

#define COLUMN_NONE UINT32_MAX

/* The recipe must outlive it. */
bool columns_index_init(struct columns_index *index, const struct recipe *recipe, struct err *err);
void columns_index_done(struct columns_index *index); /* takes a zeroed one */
/* The column of that name, COLUMN_NONE where there is none. */
uint32_t columns_index_find(struct columns_index *index, const char *name, size_t length);

/* Whether the text is this string. */
bool text_equals(const char *string, const char *text, size_t length);
/* "a", "a, b" ... the used columns for which have[i] is not `mark`; returns whether there is one. */
bool columns_missing(const struct recipe *recipe, const uint32_t *have, uint32_t mark, char *out, size_t size, const char **first);

#endif
