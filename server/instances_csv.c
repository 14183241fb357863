/* The rows of a prediction request as CSV. */
#include "columns_index.h"
#include "instances.h"

#include "mlp/csv.h"

#include <stdlib.h>
#include <string.h>

/* A CSV body on its way. */
struct csv_rows {
    const struct recipe *recipe;
    struct csv_reader *reader;
    struct columns_index index;
    uint32_t *columns;    /* (n_fields): which column a field is, COLUMN_NONE: none */
    uint32_t *have;       /* (n_columns): 1 where some field is it */
    struct value *values; /* (n_columns) */
    uint32_t n_fields;
    uint64_t row; /* 1-based, the header not counted */
    char group;   /* between groups of three digits; 0: nothing */
};

static void rows_done(struct csv_rows *rows)
{
    csv_reader_free(rows->reader);
    columns_index_done(&rows->index);
    free(rows->columns);
    free(rows->have);
    free(rows->values);
}

static bool rows_init(struct csv_rows *rows, const struct recipe *recipe, const char *bytes, size_t n, const struct csv_options *options,
                      struct err *err)
{
    *rows = (struct csv_rows){
        .recipe = recipe,
        .group = options->thousands,
        .reader = csv_reader_open(bytes, n, options, err),
        .have = calloc((size_t)recipe->n_columns + 1, sizeof *rows->have),
        .values = calloc((size_t)recipe->n_columns + 1, sizeof *rows->values),
    };
    if (!rows->reader)
        return false;
    if (!rows->have || !rows->values)
        return err_memory(err, "a row");
    columns_index_init(&rows->index, recipe);
    return true;
}

static struct csv_field field_trim(struct csv_field field)
{
    while (field.length > 0 && (field.text[field.length - 1] == ' ' || field.text[field.length - 1] == '\t'))
        field.length--;
    while (field.length > 0 && (*field.text == ' ' || *field.text == '\t'))
        field.text++, field.length--;
    return field;
}

/* Find each field's column by its name; *n_found: how many different ones there are, the target counted. */
static bool names_find(struct csv_rows *rows, const struct csv_field *fields, uint32_t *n_found, struct err *err)
{
    bool target = false;

    *n_found = 0;
    for (uint32_t i = 0; i < rows->n_fields; i++) {
        struct csv_field name = field_trim(fields[i]);
        if (!columns_index_find(&rows->index, name.text, name.length, &rows->columns[i], err))
            return false;
        if (rows->columns[i] != COLUMN_NONE)
            *n_found += rows->have[rows->columns[i]]++ == 0;
        else if (text_equals(rows->recipe->target, name.text, name.length))
            target = true;
    }
    *n_found += target;
    return true;
}

/* Whether the first row's fields are names: most are the model's, or all that it uses are there. */
static bool is_header(const struct csv_rows *rows, uint32_t n_found, uint32_t n_fields)
{
    char names[8];
    const char *first;

    return n_found > 0 && (2 * n_found >= n_fields || !columns_missing(rows->recipe, rows->have, 1, names, sizeof names, &first));
}

static bool header_take(struct csv_rows *rows, const struct csv_field *fields, struct instances *instances, struct err *err)
{
    const char *first = NULL;
    char names[300];

    for (uint32_t i = 0; i < rows->n_fields; i++) {
        struct csv_field name = field_trim(fields[i]);
        uint32_t column = rows->columns[i];
        if (column != COLUMN_NONE && rows->have[column] > 1) {
            err_set(err, ERR_INPUT, "the header names the column '%.60s' twice", rows->recipe->columns[column].name);
            return err_at(err, 0, rows->recipe->columns[column].name);
        }
        if (column == COLUMN_NONE && !text_equals(rows->recipe->target, name.text, name.length) &&
            !instances_unknown(instances, name.text, name.length, err))
            return false;
    }
    if (!columns_missing(rows->recipe, rows->have, 1, names, sizeof names, &first))
        return true;
    err_set(err, ERR_INPUT, "the header lacks the model's column %s", names);
    return err_at(err, 0, first);
}

static bool positions_take(struct csv_rows *rows, struct err *err)
{
    const struct recipe *recipe = rows->recipe;

    if (rows->n_fields != recipe->n_columns)
        return err_set(
            err, ERR_INPUT, "row 1 has %u fields, the model takes %u: '%.40s' ... '%.40s', without '%.40s'; or begin with a row of names",
            rows->n_fields, recipe->n_columns, recipe->columns[0].name, recipe->columns[recipe->n_columns - 1].name, recipe->target);
    for (uint32_t i = 0; i < rows->n_fields; i++)
        rows->columns[i] = i;
    return true;
}

static bool row_take(struct csv_rows *rows, const struct csv_field *fields, uint32_t n_fields, struct instances *instances, struct err *err)
{
    float *x = instances_room(instances, rows->recipe->n_inputs, 0, err);

    rows->row++;
    if (!x)
        return false;
    if (n_fields != rows->n_fields) {
        err_set(err, ERR_INPUT, "row %llu has %u fields, the first row has %u", (unsigned long long)rows->row, n_fields, rows->n_fields);
        return err_at(err, rows->row, "");
    }
    char mark = csv_reader_decimal(rows->reader);
    for (uint32_t i = 0; i < n_fields; i++) {
        struct csv_field field = fields[i].quoted ? fields[i] : field_trim(fields[i]);
        if (rows->columns[i] != COLUMN_NONE)
            rows->values[rows->columns[i]] =
                (struct value){.kind = VALUE_TEXT, .text = field.text, .length = field.length, .mark = mark, .group = rows->group};
    }
    if (recipe_encode(rows->recipe, rows->values, x, err)) {
        instances_keep(instances);
        return true;
    }
    err->row = rows->row;
    return false;
}

static bool first_take(struct csv_rows *rows, const struct csv_field *fields, uint32_t n_fields, int header, struct instances *instances,
                       struct err *err)
{
    uint32_t n_found;

    rows->n_fields = n_fields;
    rows->columns = malloc(((size_t)n_fields + 1) * sizeof *rows->columns);
    if (!rows->columns)
        return err_memory(err, "a row");
    if (!names_find(rows, fields, &n_found, err))
        return false;
    if (header > 0 || (header == 0 && is_header(rows, n_found, n_fields)))
        return header_take(rows, fields, instances, err);
    return positions_take(rows, err) && row_take(rows, fields, n_fields, instances, err);
}

/* The user's names in place of a header. */
static bool names_take(struct csv_rows *rows, const struct csv_options *options, struct instances *instances, struct err *err)
{
    struct csv_field *fields = calloc(options->n_names, sizeof *fields);
    if (!fields)
        return err_memory(err, "the names of the columns");
    for (uint32_t i = 0; i < options->n_names; i++)
        fields[i] = (struct csv_field){.text = options->names[i], .length = (uint32_t)strlen(options->names[i])};
    bool ok = first_take(rows, fields, options->n_names, 1, instances, err);
    free(fields);
    return ok;
}

bool instances_from_csv(const struct recipe *recipe, const char *bytes, size_t n, const struct csv_options *options,
                        struct instances *instances, struct err *err)
{
    struct csv_rows rows;
    const struct csv_field *fields;
    uint32_t n_fields;
    int got = 0;
    bool ok;

    instances_restart(instances);
    ok = rows_init(&rows, recipe, bytes, n, options, err);
    if (ok && options->n_names)
        ok = names_take(&rows, options, instances, err) &&
             (options->header <= 0 || csv_reader_next(rows.reader, &fields, &n_fields, err) >= 0);
    while (ok && (got = csv_reader_next(rows.reader, &fields, &n_fields, err)) > 0)
        ok = rows.columns ? row_take(&rows, fields, n_fields, instances, err)
                          : first_take(&rows, fields, n_fields, options->header, instances, err);
    ok = ok && got == 0;
    if (ok && instances->n_rows == 0)
        ok = err_set(err, ERR_INPUT, rows.columns ? "there is no row below the header" : "the body is empty; rows of CSV were expected");
    rows_done(&rows);
    if (!ok)
        instances_done(instances);
    return ok;
}
