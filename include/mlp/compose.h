/* A table of rows of other tables: a part of one, or one behind another. */
#ifndef MLP_COMPOSE_H
#define MLP_COMPOSE_H

#include "mlp/stop.h"
#include "mlp/table.h"

/* Rows of a table, in its order. */
struct table_rows {
    const struct table *table;
    const uint8_t *parts; /* (table's rows): those where it is `part`; NULL: all rows */
    uint8_t part;
};

/* Whether rows of both tables go into one as they are: the same names in the
 * same order, numbers with numbers, and else the same type. */
bool tables_match(const struct table *a, const struct table *b);

/* Write the table file `path`, synced, with the rows of all sources, one behind
 * the other (tables_match holds for each two). Types of numbers, levels and
 * statistics are those that an upload of these rows would get. On failure
 * `path` does not exist: ERR_CORRUPT where a source is damaged, ERR_STOPPED,
 * ERR_UNSUPPORTED where categories have more different texts than one table may
 * number: then some of them must become columns of text, which reading the rows
 * as CSV does. Threads: any; the tables are only read. */
bool table_compose(const struct table_rows *sources, uint32_t n_sources, const char *path,
                   const atomic_bool *stop, struct err *err);

#endif
