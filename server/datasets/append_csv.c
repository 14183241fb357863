/* Rows of CSV for a dataset that is there, read as an upload is: by the names of
 * a first row in any order, else by position. */
#include "base/files.h"
#include "datasets/append.h"
#include "mlp/csv.h"
#include "mlp/ingest.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NO_COLUMN UINT32_MAX

/* How many of the fields name a column, and which: columns[i], NO_COLUMN where
 * none. */
static bool names_find(const struct table *table, const struct csv_field *fields, uint32_t n,
                       uint32_t *columns, uint32_t *n_found, struct err *err)
{
    *n_found = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct csv_field field = csv_field_trim(fields[i]);
        char *name = strndup(field.text, field.length);
        if (!name)
            return err_memory(err, "a name");
        int64_t found = table_find(table, name);
        free(name);
        columns[i] = found < 0 ? NO_COLUMN : (uint32_t)found;
        *n_found += found >= 0;
    }
    return true;
}

/* A row of names must name every column once and nothing else; `there` has room
 * for one flag a column, all false. */
static bool names_check(const struct table *table, const struct csv_field *fields, const uint32_t *columns,
                        uint32_t n, bool *there, struct err *err)
{
    for (uint32_t i = 0; i < n; i++) {
        struct csv_field name = csv_field_trim(fields[i]);
        if (columns[i] == NO_COLUMN)
            return err_set(err, ERR_INPUT, "the dataset has no column '%.*s'",
                           (int)(name.length < 60 ? name.length : 60), name.text);
        if (there[columns[i]])
            return err_set(err, ERR_INPUT, "the header names the column '%.60s' twice",
                           table_column(table, columns[i])->name);
        there[columns[i]] = true;
    }
    for (uint32_t i = 0; i < table_n_columns(table); i++)
        if (!there[i]) {
            const char *name = table_column(table, i)->name;
            err_set(err, ERR_INPUT, "the header lacks the dataset's column '%.60s'", name);
            return err_at(err, 0, name);
        }
    return true;
}

/* Whether the first row, or the names that the user gives in its place, are of
 * the dataset's columns. */
static bool first_judge(const struct table *table, const struct csv_field *fields, uint32_t n, int header,
                        bool *named, struct err *err)
{
    uint32_t n_found;
    uint32_t *columns = malloc(((size_t)n + 1) * sizeof *columns);
    bool *there = calloc(table_n_columns(table), sizeof *there);
    bool ok = (columns && there) || err_memory(err, "a row");
    ok = ok && names_find(table, fields, n, columns, &n_found, err);
    *named = ok && (header > 0 || (header == 0 && n_found > 0 && 2 * n_found >= n));
    if (*named)
        ok = names_check(table, fields, columns, n, there, err);
    free(columns);
    free(there);
    return ok;
}

static bool told_judge(const struct table *table, const struct csv_options *options, struct err *err)
{
    bool named;
    struct csv_field *fields = calloc(options->n_names, sizeof *fields);
    if (!fields)
        return err_memory(err, "the names of the columns");
    for (uint32_t i = 0; i < options->n_names; i++)
        fields[i] =
            (struct csv_field){.text = options->names[i], .length = (uint32_t)strlen(options->names[i])};
    bool ok = first_judge(table, fields, options->n_names, 1, &named, err);
    free(fields);
    return ok;
}

/* The body's first row: *named where it is one of names, *n_fields as it has;
 * 0: there is none. */
static bool body_judge(const struct table *table, const struct append_source *source, bool *named,
                       uint32_t *n_fields, struct err *err)
{
    const struct csv_options *options = source->options;
    struct csv_reader *reader = csv_reader_open(source->bytes, source->n, options, err);
    const struct csv_field *fields;
    *named = options->header > 0;
    *n_fields = 0;
    if (!reader)
        return false;
    enum csv_read read = csv_reader_read(reader, 0, &fields, n_fields, err);
    bool ok = read != CSV_READ_ERROR;
    if (read == CSV_READ_BAD)
        *err = (struct err){0};
    if (read == CSV_READ_ROW)
        ok = first_judge(table, fields, *n_fields, options->header, named, err);
    csv_reader_free(reader);
    return ok;
}

/* Names and types as the dataset has them, for the reading. */
static bool options_fill(struct csv_options *options, const struct table *table, bool named,
                         struct csv_type *types, const char **names, struct err *err)
{
    uint32_t n = table_n_columns(table);
    options->n_types = append_types(table, types);
    options->types = types;
    if (options->n_names > 0)
        return told_judge(table, options, err);
    options->header = named ? 1 : -1;
    for (uint32_t i = 0; i < n && !named; i++)
        names[i] = table_column(table, i)->name;
    options->names = named ? NULL : names;
    options->n_names = named ? 0 : n;
    return true;
}

/* Rows by position have as many fields as there are columns. */
static bool width_describe(const struct table *table, uint32_t n_fields, struct err *err)
{
    if (err->code != ERR_INPUT || strcmp(err->field, "columns") != 0 || n_fields == table_n_columns(table))
        return false;
    *err = (struct err){0};
    err_set(err, ERR_INPUT,
            "row 1 has %u fields, the dataset has %u columns; or begin with a row of their names", n_fields,
            table_n_columns(table));
    return err_at(err, 1, "");
}

bool append_csv(struct append *append, const struct append_source *source, const char *path, struct err *err)
{
    const struct table *table = append->table;
    struct csv_options options = *source->options;
    struct table_progress progress = {.tick = append_tick, .self = append};
    uint32_t n = table_n_columns(table), n_fields = 0;
    bool named = false;
    struct csv_type *types = calloc(n, sizeof *types);
    const char **names = calloc(n, sizeof *names);
    bool ok = (types && names) || err_memory(err, "the types of the columns");
    if (options.n_names == 0)
        ok = ok && body_judge(table, source, &named, &n_fields, err);
    ok = ok && options_fill(&options, table, named, types, names, err) &&
         files_write(append->fd, source->bytes, source->n, err);
    options.rejects_fd = append->rejects_fd;
    options.n_threads = 1;
    if (ok && !table_ingest(append->fd, &options, path, &progress, &append->report, err))
        ok = width_describe(table, n_fields, err);
    free(types);
    free(names);
    return ok;
}
