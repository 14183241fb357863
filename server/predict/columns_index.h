/* The columns of a recipe by name, for rows that come as objects or under a
 * header. Threads: one index, one thread. */
#ifndef MLPD_PREDICT_COLUMNS_INDEX_H
#define MLPD_PREDICT_COLUMNS_INDEX_H

#include "mlp/recipe.h"

struct columns_index {
    const struct recipe *recipe; /* outlives it */
    uint32_t *order;             /* (n_columns), by name; NULL until a name comes out of order */
    uint32_t next;               /* guess: names mostly come in the recipe's order */
};

#define COLUMN_NONE UINT32_MAX

static inline void columns_index_init(struct columns_index *index, const struct recipe *recipe)
{
    *index = (struct columns_index){.recipe = recipe};
}
void columns_index_done(struct columns_index *index); /* takes a zeroed one */
/* The column of that name, COLUMN_NONE where there is none. Fails only with
 * ERR_MEMORY. */
bool columns_index_find(struct columns_index *index, const char *name, size_t length, uint32_t *column,
                        struct err *err);

/* Whether the text is this string. */
bool text_equals(const char *string, const char *text, size_t length);
/* "a", "a, b" ... the used columns for which have[i] is not `mark`; returns
 * whether there is one. */
bool columns_missing(const struct recipe *recipe, const uint32_t *have, uint32_t mark, char *out, size_t size,
                     const char **first);

#endif
