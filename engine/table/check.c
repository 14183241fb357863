/* A table's groups of rows against the checksums taken when they were written.
 * Any number of threads: two that check the same group do the same work and
 * come to the same. */
#include "mlp/table.h"
#include "table/private.h"

#include <stdlib.h>
#include <sys/mman.h>

bool table_groups_init(struct table *table, struct err *err)
{
    const struct table_schema *schema = &table->schema;
    bool texts = table_file_has_texts(schema);
    uint64_t n_rows = 0, n_text_bytes = 0;
    table->groups = calloc(1, sizeof *table->groups + (size_t)schema->n_groups * sizeof *table->groups->at);
    if (!table->groups)
        return err_memory(err, "a table's groups");
    for (uint64_t i = 0; i < schema->n_groups; i++) {
        uint64_t rows = schema->groups[i].n, text_bytes = texts ? schema->text_groups[i].n : 0;
        if (rows > schema->n_rows - n_rows || text_bytes > schema->n_text_bytes - n_text_bytes)
            return err_set(err, ERR_CORRUPT, "the table's schema is damaged");
        table->groups->at[i].end = n_rows += rows;
        table->groups->at[i].text_end = n_text_bytes += text_bytes;
        atomic_init(&table->groups->at[i].state, GROUP_UNCHECKED);
    }
    return (n_rows == schema->n_rows && n_text_bytes == schema->n_text_bytes) ||
           err_set(err, ERR_CORRUPT, "the table's schema is damaged");
}

/* The group that holds the row. */
static uint64_t group_of(const struct table *table, uint64_t row)
{
    uint64_t low = 0, high = table->schema.n_groups;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (table->groups->at[middle].end <= row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A hint: all of it is read now. Where reading ahead is off, each page would be
 * a read of its own from the disk. */
static void bytes_fetch(const struct table *table, const uint8_t *at, size_t n)
{
    uintptr_t begin =
        (uintptr_t)at / TABLE_RECORDS_AT * TABLE_RECORDS_AT; /* where a page begins, or it is only a hint */
    if (atomic_load_explicit(&table->groups->scattered, memory_order_relaxed))
        posix_madvise((void *)begin, (uintptr_t)at - begin + n, POSIX_MADV_WILLNEED);
}

static bool group_read(const struct table *table, uint64_t group)
{
    const struct table_schema *schema = &table->schema;
    const struct table_group *rows = &schema->groups[group];
    const uint8_t *at =
        table_records(table) + (table->groups->at[group].end - rows->n) * schema->record_bytes;
    bytes_fetch(table, at, (size_t)(rows->n * schema->record_bytes));
    if (table_checksum(at, (size_t)(rows->n * schema->record_bytes)) != rows->checksum)
        return false;
    if (!table_file_has_texts(schema))
        return true;
    const struct table_group *texts = &schema->text_groups[group];
    return table_checksum(table_texts(table) + (table->groups->at[group].text_end - texts->n),
                          (size_t)texts->n) == texts->checksum;
}

/* What could not be read is not what is damaged: opened anew, the rest of the
 * file is as good as it is. */
static bool group_fail(const struct table *table, uint64_t group, struct err *err)
{
    struct row_group *at = &table->groups->at[group];
    uint64_t first = at->end - table->schema.groups[group].n + 1;
    if (!table_check_read(table, err))
        return false;
    atomic_store_explicit(&at->state, GROUP_DAMAGED, memory_order_relaxed);
    atomic_store_explicit(&table->groups->any_damaged, true, memory_order_release);
    err_set(err, ERR_CORRUPT, "rows %llu to %llu of %s are damaged", (unsigned long long)first,
            (unsigned long long)at->end, table->file);
    return err_at(err, first, NULL);
}

static bool group_check(const struct table *table, uint64_t group, struct err *err)
{
    struct row_groups *groups = table->groups;
    enum group_state state = atomic_load_explicit(&groups->at[group].state, memory_order_relaxed);
    if (state == GROUP_GOOD)
        return true;
    if (state == GROUP_DAMAGED || !group_read(table, group))
        return group_fail(table, group, err);
    if (atomic_exchange_explicit(&groups->at[group].state, GROUP_GOOD, memory_order_relaxed) != GROUP_GOOD)
        atomic_fetch_add_explicit(&groups->n_good, 1, memory_order_relaxed);
    return true;
}

bool table_is_checked(const struct table *table)
{
    return atomic_load_explicit(&table->groups->n_good, memory_order_relaxed) == table->schema.n_groups;
}

bool table_check(const struct table *table, uint64_t first, uint64_t n, struct err *err)
{
    if (n == 0 || table_is_checked(table))
        return true;
    for (uint64_t group = group_of(table, first); group < table->schema.n_groups; group++) {
        if (!group_check(table, group, err))
            return false;
        if (table->groups->at[group].end >= first + n)
            break;
    }
    return true;
}

uint64_t table_check_group(const struct table *table, uint64_t row, struct err *err)
{
    uint64_t group = group_of(table, row);
    return group_check(table, group, err) ? table->groups->at[group].end : 0;
}

bool table_check_read(const struct table *table, struct err *err)
{
    return map_check(&table->map, table->file, err);
}

bool table_verify(const struct table *table, struct err *err)
{
    for (uint64_t group = 0; group < table->schema.n_groups; group++)
        if (!group_read(table, group))
            return group_fail(table, group, err);
    return true;
}

bool table_damage(const struct table *table, uint64_t row, uint64_t *first, uint64_t *end)
{
    if (!atomic_load_explicit(&table->groups->any_damaged, memory_order_acquire))
        return false;
    for (uint64_t group = group_of(table, row); group < table->schema.n_groups; group++) {
        const struct row_group *at = &table->groups->at[group];
        if (atomic_load_explicit(&at->state, memory_order_relaxed) != GROUP_DAMAGED)
            continue;
        *first = at->end - table->schema.groups[group].n;
        *end = at->end;
        return true;
    }
    return false;
}
