/* A mapped table file, shared by reference count. Immutable once opened; any number of threads. */
#include "mlp/table.h"

#include "mlp/file.h"
#include "table_file.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A column's place in the order of names. */
struct named {
    const char *name;
    uint32_t index;
};

struct table {
    struct table_schema schema;
    void *block;         /* names, level counts and groups lie in it */
    const char **levels; /* the columns' `levels` point into it */
    struct named *names; /* (n_columns), sorted */
    uint8_t *map;        /* header, records and texts */
    size_t map_bytes;
    atomic_uint n_refs;
};

static int named_compare(const void *a, const void *b)
{
    const struct named *left = a, *right = b;
    int order = strcmp(left->name, right->name);
    return order != 0 ? order : left->index < right->index ? -1 : left->index > right->index;
}

static bool names_sort(struct table *table, struct err *err)
{
    uint32_t n = table->schema.n_columns;
    table->names = malloc(n * sizeof *table->names);
    if (!table->names)
        return err_memory(err, "a table's names");
    for (uint32_t i = 0; i < n; i++)
        table->names[i] = (struct named){table->schema.columns[i].name, i};
    qsort(table->names, n, sizeof *table->names, named_compare);
    return true;
}

static void table_free(struct table *table)
{
    if (table->map)
        munmap(table->map, table->map_bytes);
    free(table->schema.columns);
    free(table->levels);
    free(table->block);
    free(table->names);
    free(table);
}

static bool records_map(struct table *table, int fd, struct err *err)
{
    const struct table_schema *schema = &table->schema;
    table->map_bytes = TABLE_RECORDS_AT + (size_t)schema->n_rows * schema->record_bytes + (size_t)schema->n_text_bytes;
    void *map = mmap(NULL, table->map_bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return err_errno(err, "mapping the table");
    table->map = map;
    if (schema->n_text_bytes > 0 && table->map[table->map_bytes - 1] != '\0')
        return err_set(err, ERR_CORRUPT, "the table's texts are damaged");
    return true;
}

struct table *table_open(const char *path, struct err *err)
{
    struct table *table = calloc(1, sizeof *table);
    if (!table) {
        err_memory(err, "a table");
        return NULL;
    }
    atomic_init(&table->n_refs, 1);
    bool good = false;
    int fd = file_open(path, err);
    if (fd >= 0 && table_file_read(fd, &table->schema, &table->block, &table->levels, err))
        good = records_map(table, fd, err) && names_sort(table, err);
    if (fd >= 0)
        close(fd);
    if (good)
        return table;
    table_free(table);
    return NULL;
}

struct table *table_ref(struct table *table)
{
    atomic_fetch_add_explicit(&table->n_refs, 1, memory_order_relaxed);
    return table;
}

void table_unref(struct table *table)
{
    if (table && atomic_fetch_sub_explicit(&table->n_refs, 1, memory_order_acq_rel) == 1)
        table_free(table);
}

void table_read_scattered(const struct table *table)
{
    posix_madvise(table->map, table->map_bytes, POSIX_MADV_RANDOM);
}

/* n things of n_bytes each from `at` on against their groups' checksums. */
static bool groups_verify(const struct table_group *groups, uint64_t n_groups, const uint8_t *at, uint64_t n, uint32_t n_bytes,
                          const char *what, struct err *err)
{
    uint64_t n_before = 0;
    for (uint64_t i = 0; i < n_groups; i++) {
        const struct table_group *group = &groups[i];
        if (group->n > n - n_before)
            return err_set(err, ERR_CORRUPT, "the table's schema is damaged");
        if (table_checksum(at, (size_t)group->n * n_bytes) != group->checksum)
            return err_set(err, ERR_CORRUPT, "the table's %s %llu to %llu are damaged", what, (unsigned long long)n_before + 1,
                           (unsigned long long)(n_before + group->n));
        at += group->n * n_bytes;
        n_before += group->n;
    }
    return n_before == n || err_set(err, ERR_CORRUPT, "the table's schema is damaged");
}

static const char *table_texts(const struct table *table)
{
    return (const char *)table_records(table) + table->schema.n_rows * table->schema.record_bytes;
}

bool table_verify(const struct table *table, struct err *err)
{
    const struct table_schema *schema = &table->schema;
    if (!groups_verify(schema->groups, schema->n_groups, table_records(table), schema->n_rows, schema->record_bytes, "rows", err))
        return false;
    return !table_file_has_texts(schema) || groups_verify(schema->text_groups, schema->n_groups, (const uint8_t *)table_texts(table),
                                                          schema->n_text_bytes, 1, "bytes of text", err);
}

uint64_t table_n_rows(const struct table *table)
{
    return table->schema.n_rows;
}

uint32_t table_n_columns(const struct table *table)
{
    return table->schema.n_columns;
}

uint32_t table_record_bytes(const struct table *table)
{
    return table->schema.record_bytes;
}

const struct column *table_column(const struct table *table, uint32_t index)
{
    return &table->schema.columns[index];
}

int64_t table_find(const struct table *table, const char *name)
{
    uint32_t low = 0, high = table->schema.n_columns;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(table->names[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < table->schema.n_columns && strcmp(table->names[low].name, name) == 0;
    return found ? (int64_t)table->names[low].index : -1;
}

const uint8_t *table_records(const struct table *table)
{
    return table->map + TABLE_RECORDS_AT;
}

static const uint8_t *value_at(const struct table *table, uint32_t column, uint64_t row)
{
    return table_records(table) + row * table->schema.record_bytes + table->schema.columns[column].offset;
}

float table_number(const struct table *table, uint32_t column, uint64_t row)
{
    const uint8_t *at = value_at(table, column, row);
    float value;
    if (table->schema.columns[column].type == COLUMN_BYTE)
        return (float)*at;
    memcpy(&value, at, sizeof value);
    return value;
}

double table_date(const struct table *table, uint32_t column, uint64_t row)
{
    double value;
    memcpy(&value, value_at(table, column, row), sizeof value);
    return value;
}

uint32_t table_level(const struct table *table, uint32_t column, uint64_t row)
{
    uint32_t level;
    memcpy(&level, value_at(table, column, row), sizeof level);
    return level;
}

const char *table_text(const struct table *table, uint32_t column, uint64_t row)
{
    const struct column *of = &table->schema.columns[column];
    uint64_t at;
    if (of->type == COLUMN_CATEGORY) {
        uint32_t level = table_level(table, column, row);
        return level < of->n_levels ? of->levels[level] : NULL;
    }
    memcpy(&at, value_at(table, column, row), sizeof at);
    return at < table->schema.n_text_bytes ? table_texts(table) + at : NULL;
}
