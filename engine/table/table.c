/* A mapped table file, shared by reference count. Immutable once opened; any
 * number of threads. */
#include "mlp/table.h"

#include "mlp/file.h"
#include "table/private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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
    map_done(&table->map);
    free(table->groups);
    free(table->schema.columns);
    free(table->levels);
    free(table->block);
    free(table->names);
    free(table);
}

static bool records_map(struct table *table, int fd, struct err *err)
{
    const struct table_schema *schema = &table->schema;
    size_t n =
        TABLE_RECORDS_AT + (size_t)schema->n_rows * schema->record_bytes + (size_t)schema->n_text_bytes;
    if (!map_file(&table->map, fd, n, err))
        return false;
    if (schema->n_text_bytes > 0 && ((const char *)table->map.bytes)[n - 1] != '\0')
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
    snprintf(table->file, sizeof table->file, "%s", file_name(path));
    int fd = file_open(path, err);
    bool good = fd >= 0 && table_file_read(fd, &table->schema, &table->block, &table->levels, err) &&
                table_groups_init(table, err) && records_map(table, fd, err) && names_sort(table, err);
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
    posix_madvise((void *)(uintptr_t)table->map.bytes, table->map.n_bytes, POSIX_MADV_RANDOM);
    atomic_store_explicit(&table->groups->scattered, true, memory_order_relaxed);
}

const char *table_texts(const struct table *table)
{
    return (const char *)table_records(table) + table->schema.n_rows * table->schema.record_bytes;
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

uint64_t table_text_bytes(const struct table *table)
{
    return table->schema.n_text_bytes;
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
    return (const uint8_t *)table->map.bytes + TABLE_RECORDS_AT;
}

static const uint8_t *value_at(const struct table *table, uint32_t column, uint64_t row)
{
    return table_records(table) + row * table->schema.record_bytes + table->schema.columns[column].offset;
}

static float float_at(const void *at)
{
    float value;
    memcpy(&value, at, sizeof value);
    return value;
}

static double double_at(const void *at)
{
    double value;
    memcpy(&value, at, sizeof value);
    return value;
}

static double integer_value(int64_t value, int64_t missing)
{
    return value == missing ? (double)NAN : (double)value;
}

static int64_t integer_at(enum column_type type, const void *at)
{
    int16_t word;
    int32_t wide;
    int64_t value = 0;
    if (type == COLUMN_INT8)
        return *(const int8_t *)at;
    if (type == COLUMN_INT16)
        return memcpy(&word, at, sizeof word), word;
    if (type == COLUMN_INT32)
        return memcpy(&wide, at, sizeof wide), wide;
    memcpy(&value, at, sizeof value);
    return value;
}

double column_value(enum column_type type, const void *at)
{
    switch (type) {
    case COLUMN_BYTE:
        return *(const uint8_t *)at;
    case COLUMN_NUMBER:
        return (double)float_at(at);
    case COLUMN_DOUBLE:
        return double_at(at);
    case COLUMN_INT8:
        return integer_value(integer_at(type, at), INT8_MIN);
    case COLUMN_INT16:
        return integer_value(integer_at(type, at), INT16_MIN);
    case COLUMN_INT32:
        return integer_value(integer_at(type, at), INT32_MIN);
    case COLUMN_INT64:
        return integer_value(integer_at(type, at), INT64_MIN);
    case COLUMN_CATEGORY:
    case COLUMN_DATE:
    case COLUMN_TEXT:
        break;
    }
    return (double)NAN;
}

double table_value(const struct table *table, uint32_t column, uint64_t row)
{
    return column_value(table->schema.columns[column].type, value_at(table, column, row));
}

float table_number(const struct table *table, uint32_t column, uint64_t row)
{
    const uint8_t *at = value_at(table, column, row);
    enum column_type type = table->schema.columns[column].type;
    if (type == COLUMN_BYTE)
        return (float)*at;
    return type == COLUMN_NUMBER ? float_at(at) : (float)column_value(type, at);
}

double table_date(const struct table *table, uint32_t column, uint64_t row)
{
    return double_at(value_at(table, column, row));
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
