/* See table/writer.h. */
#include "table/writer.h"
#include "base/file.h"
#include "table/convert.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXTS_WINDOW ((size_t)1 << 20)

bool table_writer_init(struct table_writer *writer, int table_fd, int texts_fd, uint64_t n_groups,
                       struct err *err)
{
    *writer = (struct table_writer){.table_fd = table_fd, .texts_fd = texts_fd, .n_groups = n_groups};
    writer->groups = calloc(2 * (size_t)n_groups + 1, sizeof *writer->groups);
    if (!writer->groups)
        return err_memory(err, "the table's checksums");
    writer->text_groups = writer->groups + n_groups;
    return true;
}

void table_writer_done(struct table_writer *writer)
{
    free(writer->groups);
    writer->groups = writer->text_groups = NULL;
}

bool table_writer_group(struct table_writer *writer, uint64_t index, const struct place *before,
                        const struct row_block *block, struct err *err)
{
    size_t n_bytes = (size_t)block->n_rows * block->record_bytes;
    writer->groups[index] = (struct table_group){block->n_rows, table_checksum(block->records, n_bytes)};
    writer->text_groups[index] =
        (struct table_group){block->n_text_bytes, table_checksum(block->texts, block->n_text_bytes)};
    return file_write_at(writer->table_fd, block->records, n_bytes,
                         TABLE_RECORDS_AT + before->n_rows * block->record_bytes, "the table", err) &&
           file_write_at(writer->texts_fd, block->texts, block->n_text_bytes, before->n_text_bytes,
                         "the table's texts", err);
}

/* Room for the records of the largest group. */
static size_t group_bytes_max(const struct table_writer *writer, uint32_t record_bytes)
{
    uint64_t most = 1;
    for (uint64_t i = 0; i < writer->n_groups; i++)
        most = writer->groups[i].n > most ? writer->groups[i].n : most;
    return (size_t)(most * record_bytes);
}

/* The records in the layout of `packed`, which is no longer than the plan's: a
 * group is read before anything comes to its place. */
static bool groups_pack(struct table_writer *writer, const struct plan *plan, const struct plan *packed,
                        struct conversion *list, struct err *err)
{
    uint32_t from_bytes = plan->record_bytes, to_bytes = packed->record_bytes, n = 0;
    uint8_t *from = malloc(group_bytes_max(writer, from_bytes)),
            *to = calloc(1, group_bytes_max(writer, to_bytes));
    bool good = (from && to) || err_memory(err, "the records of a group");
    for (uint32_t i = 0; i < plan->n_columns; i++)
        conversion_add(list, &n,
                       (struct conversion){.from = plan->columns[i].type,
                                           .to = packed->columns[i].type,
                                           .from_at = plan->columns[i].offset,
                                           .to_at = packed->columns[i].offset});
    uint64_t row = 0;
    for (uint64_t i = 0; good && i < writer->n_groups; i++) {
        struct table_group *group = &writer->groups[i];
        size_t n_from = (size_t)group->n * from_bytes, n_to = (size_t)group->n * to_bytes;
        good = file_read_at(writer->table_fd, from, n_from, TABLE_RECORDS_AT + row * from_bytes, "the table",
                            err);
        for (uint64_t j = 0; good && j < group->n; j++)
            record_convert(list, n, from + j * from_bytes, to + j * to_bytes);
        group->checksum = table_checksum(to, n_to);
        good = good &&
               file_write_at(writer->table_fd, to, n_to, TABLE_RECORDS_AT + row * to_bytes, "the table", err);
        row += group->n;
    }
    free(from);
    free(to);
    if (good && ftruncate(writer->table_fd, (off_t)(TABLE_RECORDS_AT + row * to_bytes)) != 0)
        return err_errno(err, "packing the table");
    return good;
}

/* The columns as the table tells them, in the layout of `packed`. The levels'
 * texts stay the tally's; the pointers to them are in *levels and
 * *level_rows. */
static void columns_describe(const struct tally *tally, struct plan *packed, struct column *columns,
                             const char **levels, uint64_t *level_rows)
{
    const struct plan *plan = tally->plan;
    for (uint32_t i = 0; i < plan->n_columns; i++) {
        struct column *column = &columns[i];
        memcpy(&column->name, &plan->columns[i].name, sizeof column->name);
        tally_column(tally, i, column);
        packed->columns[i].type = column->type;
        column->levels = levels;
        column->level_rows = level_rows;
        for (uint32_t j = 0; j < column->n_levels; j++) {
            const struct level *level = &tally->categories[plan->columns[i].slot].levels.items[j];
            *levels++ = level->text;
            *level_rows++ = level->n_rows;
        }
    }
    plan_layout(packed);
    for (uint32_t i = 0; i < plan->n_columns; i++)
        columns[i].offset = packed->columns[i].offset;
}

/* The texts, from their own file to the table's. */
static bool texts_move(const struct table_writer *writer, uint64_t to, uint64_t n_bytes, struct err *err)
{
    char *window = n_bytes > 0 ? malloc(TEXTS_WINDOW) : NULL;
    bool good = window || n_bytes == 0 || err_memory(err, "a window of the table's texts");
    for (uint64_t at = 0; good && at < n_bytes; at += TEXTS_WINDOW) {
        size_t n = n_bytes - at < TEXTS_WINDOW ? (size_t)(n_bytes - at) : TEXTS_WINDOW;
        good = file_read_at(writer->texts_fd, window, n, at, "the table's texts", err) &&
               file_write_at(writer->table_fd, window, n, to + at, "the table's texts", err);
    }
    free(window);
    return good;
}

static bool layout_same(const struct plan *a, const struct plan *b)
{
    for (uint32_t i = 0; i < a->n_columns; i++)
        if (a->columns[i].type != b->columns[i].type)
            return false;
    return true;
}

/* What finishing a table needs in memory. */
struct finish {
    struct plan packed;
    struct column *columns;  /* (n_columns) */
    struct conversion *list; /* (n_columns) */
    const char **levels;     /* of all columns */
    uint64_t *level_rows;
};

static void finish_done(struct finish *finish)
{
    free(finish->packed.columns);
    free(finish->columns);
    free(finish->list);
    free(finish->levels);
    free(finish->level_rows);
}

static bool finish_init(struct finish *finish, const struct tally *tally, struct err *err)
{
    uint32_t n = tally->plan->n_columns;
    size_t n_levels = (size_t)tally->n_levels + 1;
    *finish = (struct finish){.packed = *tally->plan,
                              .columns = calloc(n, sizeof *finish->columns),
                              .list = calloc(n, sizeof *finish->list),
                              .levels = malloc(n_levels * sizeof *finish->levels),
                              .level_rows = malloc(n_levels * sizeof *finish->level_rows)};
    finish->packed.columns = malloc(n * sizeof *finish->packed.columns);
    if (finish->packed.columns && finish->columns && finish->list && finish->levels && finish->level_rows) {
        memcpy(finish->packed.columns, tally->plan->columns, n * sizeof *finish->packed.columns);
        return true;
    }
    finish_done(finish);
    return err_memory(err, "the table's schema");
}

bool table_writer_finish(struct table_writer *writer, const struct tally *tally, uint64_t n_text_bytes,
                         struct err *err)
{
    struct finish finish;
    if (!finish_init(&finish, tally, err))
        return false;
    columns_describe(tally, &finish.packed, finish.columns, finish.levels, finish.level_rows);
    if (writer->inherit)
        writer->inherit(finish.columns, tally->plan->n_columns, writer->self);
    struct table_schema schema = {.n_rows = tally->n_rows,
                                  .n_columns = tally->plan->n_columns,
                                  .record_bytes = finish.packed.record_bytes,
                                  .columns = finish.columns,
                                  .groups = writer->groups,
                                  .text_groups = writer->text_groups,
                                  .n_groups = writer->n_groups,
                                  .n_text_bytes = n_text_bytes};
    bool good = layout_same(tally->plan, &finish.packed) ||
                groups_pack(writer, tally->plan, &finish.packed, finish.list, err);
    uint64_t texts_at = TABLE_RECORDS_AT + schema.n_rows * schema.record_bytes;
    good = good && texts_move(writer, texts_at, n_text_bytes, err) &&
           table_file_finish(writer->table_fd, &schema, err);
    finish_done(&finish);
    return good;
}
