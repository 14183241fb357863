/* Columns by name, in a table of hashes. See json_columns.h. */
#include "datasets/json_columns.h"
#include "base/files.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 64

static bool same(const struct json_column *column, const struct scan_text *name)
{
    return column->length == name->length && memcmp(column->name, name->text, name->length) == 0;
}

static uint32_t slot_of(const struct json_columns *columns, const char *name, uint32_t length)
{
    uint64_t hash = files_hash(FILES_HASH, name, length);
    return (uint32_t)(hash ^ hash >> 32) & (columns->n_slots - 1);
}

static void slot_take(struct json_columns *columns, uint32_t index)
{
    uint32_t slot = slot_of(columns, columns->items[index].name, columns->items[index].length);
    while (columns->slots[slot])
        slot = (slot + 1) & (columns->n_slots - 1);
    columns->slots[slot] = index + 1;
}

/* Room for one more, the table of hashes at most half full. */
static bool grow(struct json_columns *columns, struct err *err)
{
    if (columns->n < columns->capacity)
        return true;
    uint32_t capacity = columns->capacity ? 2 * columns->capacity : SLOTS_FIRST / 2;
    uint64_t bytes =
        (uint64_t)(capacity - columns->capacity) * (sizeof *columns->items + 2 * sizeof *columns->slots);
    if (!claim_take(columns->claim, bytes, err))
        return false;
    struct json_column *items = realloc(columns->items, capacity * sizeof *items);
    columns->items = items ? items : columns->items;
    uint32_t *slots = items ? calloc(2 * (size_t)capacity, sizeof *slots) : NULL;
    if (!slots)
        return err_memory(err, "the names of the columns");
    free(columns->slots);
    columns->slots = slots;
    columns->n_slots = 2 * capacity;
    columns->capacity = capacity;
    for (uint32_t i = 0; i < columns->n; i++)
        slot_take(columns, i);
    return true;
}

static bool add(struct json_columns *columns, const struct scan_text *name, struct err *err)
{
    if (columns->closed)
        return err_set(err, ERR_INPUT, "the table has %u columns, and more names or values than that",
                       columns->n);
    if (columns->n == JSON_COLUMNS_MAX || columns->n_bytes + name->length > JSON_NAMES_MAX)
        return err_set(err, ERR_LIMIT,
                       "the rows have more than %u different members, or %llu MB of their names", columns->n,
                       (unsigned long long)(JSON_NAMES_MAX >> 20));
    if (!grow(columns, err) || !claim_take(columns->claim, name->length + 16, err))
        return false;
    char *copy = malloc(name->length + 1);
    if (!copy)
        return err_memory(err, "a column's name");
    memcpy(copy, name->text, name->length);
    copy[name->length] = 0;
    columns->items[columns->n] = (struct json_column){.name = copy, .length = name->length};
    columns->n_bytes += name->length;
    columns->n++;
    return true;
}

/* Members mostly come in the same order in each object. */
static bool expected(struct json_columns *columns, const struct scan_text *name, uint32_t *column)
{
    *column = columns->next < columns->n ? columns->next : 0;
    if (columns->n == 0 || !same(&columns->items[*column], name))
        return false;
    columns->next = *column + 1;
    return true;
}

bool json_columns_find(struct json_columns *columns, const struct scan_text *name, uint32_t place,
                       uint32_t *column, struct err *err)
{
    static const struct scan_text no_name = {"", 0};
    if (!name) {
        *column = place;
        return place < columns->n || add(columns, &no_name, err);
    }
    if (expected(columns, name, column))
        return true;
    for (uint32_t slot = columns->n_slots ? slot_of(columns, name->text, name->length) : 0;
         columns->n_slots && columns->slots[slot]; slot = (slot + 1) & (columns->n_slots - 1)) {
        *column = columns->slots[slot] - 1;
        if (same(&columns->items[*column], name)) {
            columns->next = *column + 1;
            return true;
        }
    }
    *column = columns->n;
    if (!add(columns, name, err))
        return false;
    slot_take(columns, *column);
    columns->next = *column + 1;
    return true;
}

void json_columns_done(struct json_columns *columns)
{
    uint64_t bytes = (uint64_t)columns->capacity * (sizeof *columns->items + 2 * sizeof *columns->slots) +
                     columns->n_bytes + 16 * (uint64_t)columns->n;
    for (uint32_t i = 0; i < columns->n; i++)
        free(columns->items[i].name);
    free(columns->items);
    free(columns->slots);
    if (columns->claim)
        claim_give(columns->claim, bytes < columns->claim->bytes ? bytes : columns->claim->bytes);
    *columns = (struct json_columns){0};
}
