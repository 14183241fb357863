/* Rows added to a dataset: the new ones, as CSV, become a table of their own,
 * and a table of both is composed. Where a column of numbers gets text, say,
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

static bool table_write(struct append *append, struct err *err)
{
    uint64_t checked = 0;
    for (uint64_t row = 0; row < table_n_rows(append->table); row++) {
        if (row == checked && !(checked = table_check_group(append->table, row, err)))
            return false;
        csv_put_row(&append->out, append->table, row);
        if (!out_flush(append, FLUSH_BYTES, err))
            return false;
    }
    return table_check_read(append->table, err);
}

/* The file of the new rows, behind `first` where that is set: the old ones. */
static bool file_write(struct append *append, const struct append_source *source, bool old_too,
                       struct err *err)
{
    append->n_rows = 0;
    append->place = calloc(table_n_columns(append->table), sizeof *append->place);
    bool ok = append->place || err_memory(err, "a row");
    csv_put_names(&append->out, append->table);
    ok = ok && (!old_too || table_write(append, err)) &&
         (source->json ? append_json : append_csv)(append, source, err);
    if (ok && append->n_rows == 0)
        ok = err_set(err, ERR_INPUT, "the body has no rows");
    ok = ok && out_flush(append, 0, err);
    free(append->place);
    append->place = NULL;
    writer_done(&append->out);
    writer_done(&append->cells);
    return ok;
}

static bool append_tick(void *self, uint64_t bytes_done, uint64_t bytes_all, uint64_t rows)
{
    const struct append *append = self;
    (void)bytes_done;
    (void)bytes_all;
    (void)rows;
    return !append->stop || !atomic_load(append->stop);
}

/* The file into a table, each column as the dataset has it: what is text stays
 * text, even where it reads as numbers ("01"), and days stay days. */
static bool file_read(struct append *append, const char *path, struct err *err)
{
    uint32_t n_columns = table_n_columns(append->table);
    struct csv_type *types = calloc(n_columns, sizeof *types);
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
    for (uint32_t i = 0; i < n_columns; i++) {
        const struct column *column = table_column(append->table, i);
        if (column_has_texts(column) || column->type == COLUMN_DATE)
            types[options.n_types++] =
                (struct csv_type){.column = column->name, .type = column->type, .date = column->date};
        else if (!number_format_is_plain(&column->number))
            types[options.n_types++] =
                (struct csv_type){.column = column->name, .type = COLUMN_NUMBER, .written = &column->number};
    }
    bool ok = table_ingest(append->fd, &options, path, &progress, NULL, err);
    free(types);
    return ok;
}

/* The new rows alone. */
static struct table *new_table(struct append *append, const char *path, struct err *err)
{
    char beside[PATH_SIZE];
    int n = snprintf(beside, sizeof beside, "%s.rows", path);
    if (n < 0 || (size_t)n >= sizeof beside) {
        err_set(err, ERR_LIMIT, "the state folder's name is too long");
        return NULL;
    }
    struct table *table = file_read(append, beside, err) ? table_open(beside, err) : NULL;
    unlink(beside); /* it stays as long as it is open */
    return table;
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
    if (!file_write(append, appending->source, false, err))
        return false;
    struct table *added = new_table(append, path, err);
    if (!added)
        return false;
    struct table_rows rows[] = {{.table = append->table}, {.table = added}};
    bool match = tables_match(append->table, added),
         ok = match && table_compose(rows, 2, path, append->stop, &unsuited);
    table_unref(added);
    if (ok)
        return true;
    if (match && unsuited.code != ERR_UNSUPPORTED) {
        *err = unsuited;
        return false;
    }
    if (ftruncate(append->fd, 0) != 0 || lseek(append->fd, 0, SEEK_SET) != 0)
        return err_errno(err, "emptying the file of rows");
    return file_write(append, appending->source, true, err) && file_read(append, path, err);
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
    struct appending appending = {&append, source};
    bool ok = table && (append.fd = datasets_temp(datasets, err)) >= 0;
    row.bytes += source->n;
    dataset_inherit_metadata(upload, &row);
    if (ok)
        ok = datasets_stage_table(upload, &(struct table_maker){append_make, &appending}, err) &&
             datasets_publish(&upload, 1, info, err);
    else
        datasets_abort(upload);
    if (append.fd >= 0)
        close(append.fd);
    table_unref(table);
    return ok;
}
