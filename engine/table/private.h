/* What table.c and table/check.c share. */
#ifndef MLP_ENGINE_TABLE_PRIVATE_H
#define MLP_ENGINE_TABLE_PRIVATE_H

#include "mlp/map.h"
#include "table/file.h"

#include <stdatomic.h>

/* A column's place in the order of names. */
struct named {
    const char *name;
    uint32_t index;
};

enum group_state { GROUP_UNCHECKED, GROUP_GOOD, GROUP_DAMAGED };

/* A group of rows, where it lies, and what is known of it. */
struct row_group {
    uint64_t end;      /* the first row after it */
    uint64_t text_end; /* the first byte of the table's texts after its own */
    atomic_uchar state;
};

struct row_groups {
    atomic_ullong n_good;
    atomic_bool any_damaged;
    atomic_bool scattered; /* table_read_scattered was called */
    struct row_group at[]; /* (schema.n_groups) */
};

struct table {
    struct table_schema schema;
    void *block;         /* names, level counts and groups lie in it */
    const char **levels; /* the columns' `levels` point into it */
    struct named *names; /* (n_columns), sorted */
    char file[48];       /* its name, for messages */
    struct map map;      /* header, records and texts */
    struct row_groups *groups;
    atomic_uint n_refs;
};

/* groups, from what the schema says. ERR_CORRUPT where that does not add up. */
bool table_groups_init(struct table *table, struct err *err);

/* The texts, n_text_bytes of them. */
const char *table_texts(const struct table *table);

#endif
