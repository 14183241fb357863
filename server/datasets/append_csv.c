/* Rows of CSV for a dataset that is there: by the names of a first row in any
 * order, else by position. */
#include "datasets/append.h"
#include "mlp/csv.h"
#include "mlp/number.h"

#include <stdlib.h>
#include <string.h>

/* A CSV body on its way. */
struct csv_rows {
    struct append *append;
    uint32_t *columns; /* (n_fields): which column a field is, NO_COLUMN where none */
    uint32_t n_fields;
    char decimal_point, thousands_separator; /* of the rows' numbers; '\0': none */
};
#define NO_COLUMN UINT32_MAX

/* How many of the fields name a column. */
static bool names_find(struct csv_rows *rows, const struct csv_field *fields, uint32_t *n_found,
                       struct err *err)
{
    *n_found = 0;
    for (uint32_t i = 0; i < rows->n_fields; i++) {
        struct csv_field field = csv_field_trim(fields[i]);
        char *name = strndup(field.text, field.length);
        if (!name)
            return err_memory(err, "a name");
        int64_t found = table_find(rows->append->table, name);
        free(name);
        rows->columns[i] = found < 0 ? NO_COLUMN : (uint32_t)found;
        *n_found += found >= 0;
    }
    return true;
}

/* A row of names must name every column once and nothing else. */
static bool names_check(struct csv_rows *rows, const struct csv_field *fields, struct err *err)
{
    struct append_cell *place = rows->append->place;
    bool ok = true;
    for (uint32_t i = 0; ok && i < rows->n_fields; i++) {
        struct csv_field name = csv_field_trim(fields[i]);
        uint32_t column = rows->columns[i];
        if (column == NO_COLUMN)
            ok = err_set(err, ERR_INPUT, "the dataset has no column '%.*s'",
                         (int)(name.length < 60 ? name.length : 60), name.text);
        else if (place[column].there)
            ok = err_set(err, ERR_INPUT, "the header names the column '%.60s' twice",
                         table_column(rows->append->table, column)->name);
        else
            place[column].there = true;
    }
    for (uint32_t i = 0; i < table_n_columns(rows->append->table); i++) {
        const char *name = table_column(rows->append->table, i)->name;
        if (ok && !place[i].there) {
            err_set(err, ERR_INPUT, "the header lacks the dataset's column '%.60s'", name);
            ok = err_at(err, 0, name);
        }
        place[i].there = false;
    }
    return ok;
}

static bool positions_take(struct csv_rows *rows, struct err *err)
{
    uint32_t n = table_n_columns(rows->append->table);
    if (rows->n_fields != n) {
        err_set(err, ERR_INPUT,
                "row 1 has %u fields, the dataset has %u columns; or begin with a row of their names",
                rows->n_fields, n);
        return err_at(err, 1, "");
    }
    for (uint32_t i = 0; i < n; i++)
        rows->columns[i] = i;
    return true;
}

/* A number goes on as the dataset's own file writes it. */
static bool field_take(struct csv_rows *rows, uint32_t column, struct csv_field field, struct err *err)
{
    enum column_type type = table_column(rows->append->table, column)->type;
    char plain[NUMBER_PLAIN_MAX];
    float value;
    double own;
    const struct number_format *format = &table_column(rows->append->table, column)->number;
    bool owns = !number_format_is_plain(format) && number_read(field.text, field.length, format, &own);
    if (column_type_is_number(type) && !owns &&
        number_parse_groups(field.text, field.length, rows->decimal_point, rows->thousands_separator, &value,
                            plain) &&
        *plain)
        return append_number(rows->append, column, plain, strlen(plain), err);
    return append_text(rows->append, column, field.text, field.length, err);
}

static bool row_take(struct csv_rows *rows, const struct csv_field *fields, uint32_t n_fields,
                     struct err *err)
{
    uint64_t row = rows->append->n_rows + 1;
    if (n_fields != rows->n_fields) {
        err_set(err, ERR_INPUT, "row %llu has %u fields, the first row has %u", (unsigned long long)row,
                n_fields, rows->n_fields);
        return err_at(err, row, "");
    }
    for (uint32_t i = 0; i < n_fields; i++) {
        if (!field_take(rows, rows->columns[i], csv_field_trim(fields[i]), err))
            return false;
    }
    return append_row_end(rows->append, err);
}

/* The first row, or the names that the user gives in its place. */
static bool first_take(struct csv_rows *rows, const struct csv_field *fields, uint32_t n_fields, int header,
                       struct err *err)
{
    uint32_t n_found;
    rows->n_fields = n_fields;
    rows->columns = malloc(((size_t)n_fields + 1) * sizeof *rows->columns);
    if (!rows->columns)
        return err_memory(err, "a row");
    if (!names_find(rows, fields, &n_found, err))
        return false;
    if (header > 0 || (header == 0 && n_found > 0 && 2 * n_found >= n_fields))
        return names_check(rows, fields, err);
    return positions_take(rows, err) && row_take(rows, fields, n_fields, err);
}

static bool names_take(struct csv_rows *rows, const struct csv_options *options, struct err *err)
{
    struct csv_field *fields = calloc(options->n_names, sizeof *fields);
    if (!fields)
        return err_memory(err, "the names of the columns");
    for (uint32_t i = 0; i < options->n_names; i++)
        fields[i] =
            (struct csv_field){.text = options->names[i], .length = (uint32_t)strlen(options->names[i])};
    bool ok = first_take(rows, fields, options->n_names, 1, err);
    free(fields);
    return ok;
}

bool append_csv(struct append *append, const struct append_source *source, struct err *err)
{
    const struct csv_options *options = source->options;
    struct csv_rows rows = {.append = append, .thousands_separator = options->thousands};
    struct csv_reader *reader = csv_reader_open(source->bytes, source->n, options, err);
    const struct csv_field *fields;
    uint32_t n_fields;
    int got = 0;
    if (!reader)
        return false;
    bool ok = true;
    rows.decimal_point = csv_reader_decimal(reader);
    if (options->n_names)
        ok = names_take(&rows, options, err) &&
             (options->header <= 0 || csv_reader_next(reader, &fields, &n_fields, err) >= 0);
    while (ok && (got = csv_reader_next(reader, &fields, &n_fields, err)) > 0)
        ok = rows.columns ? row_take(&rows, fields, n_fields, err)
                          : first_take(&rows, fields, n_fields, options->header, err);
    free(rows.columns);
    csv_reader_free(reader);
    return ok && got == 0;
}
