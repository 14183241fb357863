/* Rows added to a dataset: the new ones become a table of their own, and a table
 * of both is composed. Where a column of numbers gets text, say,
 * old and new rows do not match: then all of them go through CSV, so that types
 * and levels come out as an upload of all rows would have it. */
#include "datasets/append.h"
#include "base/csv_write.h"
#include "base/files.h"
#include "mlp/compose.h"
#include "mlp/ingest.h"
#include "mlp/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLUSH_BYTES (256u << 10)

static bool out_flush(struct append *append, size_t above, struct err *err)
{
    struct writer *out = &append->out;
    if (out->failed)
        return writer_why(out, err);
    if (out->n <= above)
        return true;
    size_t n = out->n;
    out->n = 0;
    return stop_check(append->stop, err) && files_write(append->fd, out->text, n, err);
}

bool append_cell(struct append *append, uint32_t column, const char *text, size_t n, struct err *err)
{
    struct append_cell *cell = &append->place[column];
    *cell = (struct append_cell){.at = append->cells.n, .there = true};
    csv_put_text(&append->cells, text, n);
    cell->n = append->cells.n - cell->at;
    return !append->cells.failed || writer_why(&append->cells, err);
}

bool append_number(struct append *append, uint32_t column, const char *text, size_t n, struct err *err)
{
    struct number_format format = table_column(append->table, column)->number;
    char written[NUMBER_WRITTEN_MAX];
    double value, back;
    if (number_format_is_plain(&format) || !number_parse_double(text, n, '.', &value) || !isfinite(value))
        return append_cell(append, column, text, n, err);
    uint32_t length = number_write(value, &format, false, written);
    if (!number_read(written, length, &format, &back) || back != value) {
        format.n_decimals = 0;
        length = number_write(value, &format, false, written);
    }
    return append_cell(append, column, written, length, err);
}

bool append_text(struct append *append, uint32_t column, const char *text, size_t n, struct err *err)
{
    double value;
    const struct column *of = table_column(append->table, column);
    bool number = !number_format_is_plain(&of->number) && !number_read(text, n, &of->number, &value);
    return (number ? append_number : append_cell)(append, column, text, n, err);
}

bool append_row_end(struct append *append, struct err *err)
{
    const char *missing = csv_missing_text(append->table);
    for (uint32_t i = 0; i < table_n_columns(append->table); i++) {
        struct append_cell *cell = &append->place[i];
        const char *name = table_column(append->table, i)->name;
        if (!cell->there) {
            err_set(err, ERR_INPUT, "row %llu lacks the column '%.60s'; null stands for a missing value",
                    (unsigned long long)append->n_rows + 1, name);
            return err_at(err, append->n_rows + 1, name);
        }
        writer_bytes(&append->out, ",", i > 0);
        if (cell->n)
            writer_bytes(&append->out, append->cells.text + cell->at, cell->n);
        else
            writer_bytes(&append->out, missing, strlen(missing));
        cell->there = false;
    }
    writer_bytes(&append->out, "\n", 1);
    append->cells.n = 0;
    append->n_rows++;
    return out_flush(append, FLUSH_BYTES, err);
}

/* All rows of a table that has the dataset's columns, perhaps in another
 * order. */
static bool table_write(struct append *append, const struct table *table, struct err *err)
{
    uint64_t checked = 0;
    uint32_t n = table_n_columns(append->table), *columns = malloc(n * sizeof *columns);
    bool ok = columns || err_memory(err, "the columns");
    for (uint32_t i = 0; ok && i < n; i++) {
        int64_t found = table_find(table, table_column(append->table, i)->name);
        columns[i] = (uint32_t)found;
        ok = found >= 0 || err_set(err, ERR_INPUT, "the dataset's column '%.60s' is lacking",
                                   table_column(append->table, i)->name);
    }
    for (uint64_t row = 0; ok && row < table_n_rows(table); row++) {
        if (row == checked && !(checked = table_check_group(table, row, err)))
            ok = false;
        if (ok)
            csv_put_columns(&append->out, table, columns, n, row);
        ok = ok && out_flush(append, FLUSH_BYTES, err);
    }
    free(columns);
    return ok && table_check_read(table, err);
}

/* The file anew, of the rows of some tables. */
static bool tables_write(struct append *append, const struct table *const *tables, uint32_t n,
                         struct err *err)
{
    if (ftruncate(append->fd, 0) != 0 || lseek(append->fd, 0, SEEK_SET) != 0)
        return err_errno(err, "emptying the file of rows");
    csv_put_names(&append->out, append->table);
    bool ok = true;
    for (uint32_t i = 0; ok && i < n; i++)
        ok = table_write(append, tables[i], err);
    ok = ok && out_flush(append, 0, err);
    writer_done(&append->out);
    return ok;
}

/* The file of the rows of a body of JSON. */
static bool json_write(struct append *append, const struct append_source *source, struct err *err)
{
    append->n_rows = 0;
    append->place = calloc(table_n_columns(append->table), sizeof *append->place);
    bool ok = append->place || err_memory(err, "a row");
    csv_put_names(&append->out, append->table);
    ok = ok && append_json(append, source, err);
    if (ok && append->n_rows == 0)
        ok = err_set(err, ERR_INPUT, "the body has no rows");
    ok = ok && out_flush(append, 0, err);
    free(append->place);
    append->place = NULL;
    writer_done(&append->out);
    writer_done(&append->cells);
    return ok;
}

bool append_tick(void *self, uint64_t bytes_done, uint64_t bytes_all, uint64_t rows)
{
    const struct append *append = self;
    (void)bytes_done;
    (void)bytes_all;
    (void)rows;
    return !append->stop || !atomic_load(append->stop);
}

uint32_t append_types(const struct table *table, struct csv_type *types)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < table_n_columns(table); i++) {
        const struct column *column = table_column(table, i);
        if (column_has_texts(column) || column->type == COLUMN_DATE)
            types[n++] =
                (struct csv_type){.column = column->name, .type = column->type, .date = column->date};
        else if (!number_format_is_plain(&column->number))
            types[n++] =
                (struct csv_type){.column = column->name, .type = COLUMN_NUMBER, .written = &column->number};
    }
    return n;
}

/* The file that was written here into a table. */
static bool file_read(struct append *append, const char *path, struct err *err)
{
    struct csv_type *types = calloc(table_n_columns(append->table), sizeof *types);
    struct csv_options options = {.separator = ',',
                                  .header = 1,
                                  .decimal = '.',
                                  .comment = -1,
                                  .encoding = CSV_UTF8,
                                  .types = types,
                                  .titles = -1,
                                  .on_bad_row = CSV_BAD_REJECT};
    struct table_progress progress = {.tick = append_tick, .self = append};
    if (!types)
        return err_memory(err, "the types of the columns");
    options.n_types = append_types(append->table, types);
    bool ok = table_ingest(append->fd, &options, path, &progress, NULL, err);
    free(types);
    return ok;
}

/* Whether both have the same columns in the same order. */
static bool columns_agree(const struct table *a, const struct table *b)
{
    bool same = table_n_columns(a) == table_n_columns(b);
    for (uint32_t i = 0; same && i < table_n_columns(a); i++)
        same = strcmp(table_column(a, i)->name, table_column(b, i)->name) == 0;
    return same;
}

/* The table of the file at `path`, which stays as long as it is open. */
static struct table *table_take(const char *path, bool made, struct err *err)
{
    struct table *table = made ? table_open(path, err) : NULL;
    unlink(path);
    return table;
}

/* The new rows alone, with the dataset's columns in their order. */
static struct table *new_table(struct append *append, const struct append_source *source, const char *path,
                               struct err *err)
{
    char beside[PATH_SIZE];
    int n = snprintf(beside, sizeof beside, "%s.rows", path);
    if (n < 0 || (size_t)n >= sizeof beside) {
        err_set(err, ERR_LIMIT, "the state folder's name is too long");
        return NULL;
    }
    bool ok = source->json ? json_write(append, source, err) && file_read(append, beside, err)
                           : append_csv(append, source, beside, err);
    struct table *table = table_take(beside, ok, err);
    if (!table || columns_agree(append->table, table))
        return table;
    if (table_n_columns(table) != table_n_columns(append->table)) {
        err_set(err, ERR_INPUT, "the rows have %u fields, the dataset has %u columns", table_n_columns(table),
                table_n_columns(append->table));
        table_unref(table);
        return NULL;
    }
    const struct table *const added[] = {table};
    ok = tables_write(append, added, 1, err) && file_read(append, beside, err);
    table_unref(table);
    return table_take(beside, ok, err);
}

/* Whose rows they are, and where they come from. */
struct appending {
    struct append *append;
    const struct append_source *source;
};

static bool append_make(void *self, const char *path, struct err *err)
{
    const struct appending *appending = self;
    struct append *append = appending->append;
    struct err unsuited = {0};
    struct table *added = new_table(append, appending->source, path, err);
    if (!added)
        return false;
    struct table_rows rows[] = {{.table = append->table}, {.table = added}};
    const struct table *const both[] = {append->table, added};
    if (table_n_rows(added) == 0) {
        table_unref(added);
        return err_set(err, ERR_INPUT, "the body has no rows");
    }
    uint32_t first = table_n_rows(append->table) == 0; /* a table without rows has no types to keep */
    bool match = first == 1 || tables_match(append->table, added),
         ok = match && table_compose(rows + first, 2 - first, path, append->stop, &unsuited);
    if (match && !ok && unsuited.code != ERR_UNSUPPORTED)
        *err = unsuited;
    else if (!ok)
        ok = tables_write(append, both, 2, err) && file_read(append, path, err);
    table_unref(added);
    return ok;
}

bool append_rows(struct datasets *datasets, const char *name, const struct append_source *source,
                 struct dataset_info *info, struct err *err)
{
    struct dataset_row row = {0};
    struct append append = {.fd = -1,
                            .rejects_fd = -1,
                            .stop = source->stop,
                            .out.claim = source->claim,
                            .cells.claim = source->claim};
    struct table *table = datasets_table(datasets, name, NULL, err); /* is it there at all? */
    if (!table)
        return false;
    table_unref(table);
    struct upload *upload = datasets_begin(datasets, name, true, err);
    if (!upload)
        return false;
    table = datasets_table(datasets, name, &row, err); /* from now on nobody replaces it */
    append.table = table;
    struct appending appending = {&append, source};
    bool ok = table && (append.fd = datasets_temp(datasets, err)) >= 0 &&
              (source->json || (append.rejects_fd = datasets_temp(datasets, err)) >= 0);
    row.bytes += source->n;
    dataset_inherit_metadata(upload, &row);
    dataset_add_report(upload, &append.report, append.rejects_fd);
    if (ok)
        ok = datasets_stage_table(upload, &(struct table_maker){append_make, &appending}, err) &&
             datasets_publish(&upload, 1, info, err);
    else
        datasets_abort(upload);
    if (append.fd >= 0)
        close(append.fd);
    if (append.rejects_fd >= 0)
        close(append.rejects_fd);
    table_unref(table);
    return ok;
}
