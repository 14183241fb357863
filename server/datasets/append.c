/* Rows added to a dataset: the old ones and the new ones into one CSV file, and
 * that into a table. */
#include "datasets/append.h"
#include "base/csv_write.h"
#include "base/files.h"

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

static bool table_write(struct append *append, struct err *err)
{
    uint64_t checked = 0;
    csv_put_names(&append->out, append->table);
    for (uint64_t row = 0; row < table_n_rows(append->table); row++) {
        if (row == checked && !(checked = table_check_group(append->table, row, err)))
            return false;
        csv_put_row(&append->out, append->table, row);
        if (!out_flush(append, FLUSH_BYTES, err))
            return false;
    }
    return table_check_read(append->table, err);
}

/* The file of all rows. */
static bool file_write(struct append *append, const struct append_source *source, struct err *err)
{
    append->place = calloc(table_n_columns(append->table), sizeof *append->place);
    bool ok = append->place || err_memory(err, "a row");
    ok = ok && table_write(append, err) && (source->json ? append_json : append_csv)(append, source, err);
    if (ok && append->n_rows == 0)
        ok = err_set(err, ERR_INPUT, "the body has no rows");
    ok = ok && out_flush(append, 0, err);
    free(append->place);
    writer_done(&append->out);
    writer_done(&append->cells);
    return ok;
}

bool append_stage(const struct table *table, struct upload *upload, int fd, const atomic_bool *stop,
                  struct err *err)
{
    uint32_t n_columns = table_n_columns(table);
    struct csv_type *types = calloc(n_columns, sizeof *types);
    struct csv_options options = {.separator = ',',
                                  .header = 1,
                                  .decimal = '.',
                                  .comment = -1,
                                  .encoding = CSV_UTF8,
                                  .types = types,
                                  .titles = -1,
                                  .on_bad_row = CSV_BAD_REJECT};
    if (!types) {
        datasets_abort(upload);
        return err_memory(err, "the types of the columns");
    }
    for (uint32_t i = 0; i < n_columns; i++) {
        const struct column *column = table_column(table, i);
        if (column_has_texts(column) || column->type == COLUMN_DATE)
            types[options.n_types++] = (struct csv_type){column->name, column->type, column->date};
    }
    bool ok = datasets_stage(upload, fd, &options, stop, err);
    free(types);
    return ok;
}

bool append_rows(struct datasets *datasets, const char *name, const struct append_source *source,
                 struct dataset_info *info, struct err *err)
{
    struct dataset_row row = {0};
    struct append append = {
        .fd = -1, .stop = source->stop, .out.claim = source->claim, .cells.claim = source->claim};
    struct table *table = datasets_table(datasets, name, NULL, err); /* is it there at all? */
    if (!table)
        return false;
    table_unref(table);
    struct upload *upload = datasets_begin(datasets, name, true, err);
    if (!upload)
        return false;
    table = datasets_table(datasets, name, &row, err); /* from now on nobody replaces it */
    append.table = table;
    bool ok = table && (append.fd = datasets_temp(datasets, err)) >= 0 && file_write(&append, source, err);
    row.bytes += source->n;
    dataset_inherit_metadata(upload, &row);
    if (ok)
        ok = append_stage(table, upload, append.fd, source->stop, err) &&
             datasets_publish(&upload, 1, info, err);
    else
        datasets_abort(upload);
    if (append.fd >= 0)
        close(append.fd);
    table_unref(table);
    return ok;
}
