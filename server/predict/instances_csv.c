/* The rows of a prediction request as CSV. */
#include "predict/columns_index.h"
#include "predict/instances.h"

#include "mlp/csv.h"
#include "mlp/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A CSV body on its way. */
struct instances_csv {
    const struct recipe *recipe;
    struct instances *instances; /* for what is unknown */
    struct csv_reader *reader;
    struct columns_index index;
    uint32_t *columns;    /* (n_fields): which column a field is, COLUMN_NONE: none */
    uint32_t *have;       /* (n_columns): 1 where some field is it */
    struct value *values; /* (n_columns) */
    uint32_t n_fields;
    uint64_t row;                            /* 1-based, the header not counted */
    char decimal_point, thousands_separator; /* of the rows' numbers; '\0': none */
    struct csv_field *names;                 /* (n_fields) the user's, owned; NULL: none */
    const struct csv_field *first;           /* the first row's, until the next is read */
    bool header;      /* the first row is one of names, or the user's names stand for one */
    bool first_waits; /* the first row is to be given out */
    uint32_t n_above; /* rows that the reader has counted before those: 1 of names or 0 */
};

void instances_csv_free(struct instances_csv *rows)
{
    if (!rows)
        return;
    csv_reader_free(rows->reader);
    columns_index_done(&rows->index);
    free(rows->columns);
    free(rows->have);
    free(rows->values);
    free(rows->names);
    free(rows);
}

/* Find each field's column by its name; *n_found: how many different ones there
 * are, the target counted. */
static bool names_find(struct instances_csv *rows, const struct csv_field *fields, uint32_t *n_found,
                       struct err *err)
{
    bool target = false;

    *n_found = 0;
    for (uint32_t i = 0; i < rows->n_fields; i++) {
        struct csv_field name = csv_field_trim(fields[i]);
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

/* Whether the first row's fields are names: most are the model's, or all that
 * it uses are there. */
static bool is_header(const struct instances_csv *rows, uint32_t n_found)
{
    char names[8];
    const char *first;

    return n_found > 0 && (2 * n_found >= rows->n_fields ||
                           !columns_missing(rows->recipe, rows->have, 1, names, sizeof names, &first));
}

static bool header_take(struct instances_csv *rows, const struct csv_field *fields, struct err *err)
{
    const char *first = NULL;
    char names[300];

    rows->header = true;
    for (uint32_t i = 0; i < rows->n_fields; i++) {
        struct csv_field name = csv_field_trim(fields[i]);
        uint32_t column = rows->columns[i];
        if (column != COLUMN_NONE && rows->have[column] > 1) {
            err_set(err, ERR_INPUT, "the header names the column '%.60s' twice",
                    rows->recipe->columns[column].name);
            return err_at(err, 0, rows->recipe->columns[column].name);
        }
        if (column == COLUMN_NONE && !text_equals(rows->recipe->target, name.text, name.length) &&
            !instances_unknown(rows->instances, name.text, name.length, err))
            return false;
    }
    if (!columns_missing(rows->recipe, rows->have, 1, names, sizeof names, &first))
        return true;
    err_set(err, ERR_INPUT, "the header lacks the model's column %s", names);
    return err_at(err, 0, first);
}

/* Whether the model learnt from a file without names, whose columns were called
 * c1, c2 ... by their places, and the rows are as long as that file's, the
 * target among them. */
static bool numbered_take(struct instances_csv *rows)
{
    const struct recipe *recipe = rows->recipe;
    uint32_t k = 0;
    char name[16];

    for (uint32_t i = 0; i < rows->n_fields && rows->n_fields == recipe->n_columns + 1; i++) {
        snprintf(name, sizeof name, "c%u", i + 1);
        if (k < recipe->n_columns && !strcmp(recipe->columns[k].name, name))
            rows->columns[i] = k++;
        else if (!strcmp(recipe->target, name))
            rows->columns[i] = COLUMN_NONE;
        else
            return false;
    }
    return k == recipe->n_columns;
}

static bool positions_take(struct instances_csv *rows, struct err *err)
{
    const struct recipe *recipe = rows->recipe;

    rows->first_waits = true;
    if (numbered_take(rows))
        return true;
    if (rows->n_fields != recipe->n_columns)
        return err_set(err, ERR_INPUT,
                       "row 1 has %u fields, the model takes %u: '%.40s' ... '%.40s', without '%.40s'; or "
                       "begin with a row of names",
                       rows->n_fields, recipe->n_columns, recipe->columns[0].name,
                       recipe->columns[recipe->n_columns - 1].name, recipe->target);
    for (uint32_t i = 0; i < rows->n_fields; i++)
        rows->columns[i] = i;
    return true;
}

/* The row at hand cannot be predicted. */
static enum instances_row row_bad(const struct instances_csv *rows, float *x)
{
    memset(x, 0, rows->recipe->n_inputs * sizeof *x);
    return ROW_BAD;
}

/* The reader's words of a row, which it counts with the row of names. */
static void row_renumber(const struct instances_csv *rows, struct err *err)
{
    const struct err counted = *err;
    char word[40];
    int length = snprintf(word, sizeof word, "row %llu", (unsigned long long)(rows->row + rows->n_above));
    const char *at = strstr(counted.msg, word);
    if (at)
        err_set(err, counted.code, "%.*srow %llu%s", (int)(at - counted.msg), counted.msg,
                (unsigned long long)rows->row, at + length);
    err_at(err, rows->row, counted.column);
}

static enum instances_row row_take(struct instances_csv *rows, const struct csv_field *fields, float *x,
                                   struct err *err)
{
    for (uint32_t i = 0; i < rows->n_fields; i++) {
        struct csv_field field = csv_field_trim(fields[i]);
        if (rows->columns[i] != COLUMN_NONE)
            rows->values[rows->columns[i]] = (struct value){.kind = VALUE_TEXT,
                                                            .text = field.text,
                                                            .length = field.length,
                                                            .decimal_point = rows->decimal_point,
                                                            .thousands_separator = rows->thousands_separator};
    }
    if (recipe_encode(rows->recipe, rows->values, x, err))
        return ROW_READ;
    err->row = rows->row;
    return err->code == ERR_INPUT ? row_bad(rows, x) : ROW_FAILED;
}

static bool first_take(struct instances_csv *rows, const struct csv_field *fields, uint32_t n_fields,
                       int header, struct err *err)
{
    uint32_t n_found;

    rows->first = fields;
    rows->n_fields = n_fields;
    rows->columns = malloc(((size_t)n_fields + 1) * sizeof *rows->columns);
    if (!rows->columns)
        return err_memory(err, "a row");
    if (!names_find(rows, fields, &n_found, err))
        return false;
    if (header > 0 || (header == 0 && is_header(rows, n_found)))
        return header_take(rows, fields, err);
    return positions_take(rows, err);
}

/* The user's names in place of a header. */
static bool names_take(struct instances_csv *rows, const struct csv_options *options, struct err *err)
{
    const struct csv_field *fields;
    uint32_t n_fields;

    rows->names = calloc(options->n_names, sizeof *rows->names);
    if (!rows->names)
        return err_memory(err, "the names of the columns");
    for (uint32_t i = 0; i < options->n_names; i++)
        rows->names[i] =
            (struct csv_field){.text = options->names[i], .length = (uint32_t)strlen(options->names[i])};
    rows->n_above = options->header > 0;
    return first_take(rows, rows->names, options->n_names, 1, err) &&
           (options->header <= 0 ||
            csv_reader_read(rows->reader, 0, &fields, &n_fields, err) >= CSV_READ_END);
}

static bool rows_begin(struct instances_csv *rows, const struct csv_body *body, struct err *err)
{
    const struct csv_options *options = body->options;
    const struct csv_field *fields;
    uint32_t n_fields;

    rows->reader = csv_reader_open(body->bytes, body->n, options, err);
    rows->have = calloc((size_t)rows->recipe->n_columns + 1, sizeof *rows->have);
    rows->values = calloc((size_t)rows->recipe->n_columns + 1, sizeof *rows->values);
    if (!rows->reader)
        return false;
    if (!rows->have || !rows->values)
        return err_memory(err, "a row");
    rows->decimal_point = csv_reader_decimal(rows->reader);
    columns_index_init(&rows->index, rows->recipe);
    if (options->n_names)
        return names_take(rows, options, err);
    enum csv_read got = csv_reader_read(rows->reader, 0, &fields, &n_fields, err);
    if (got == CSV_READ_END)
        err_set(err, ERR_INPUT, "the body is empty; rows of CSV were expected");
    if (got != CSV_READ_ROW || !first_take(rows, fields, n_fields, options->header, err))
        return false;
    rows->n_above = rows->header;
    return true;
}

struct instances_csv *instances_csv_new(const struct recipe *recipe, const struct csv_body *body,
                                        struct instances *instances, struct err *err)
{
    struct instances_csv *rows = calloc(1, sizeof *rows);

    if (!rows) {
        err_memory(err, "the rows");
        return NULL;
    }
    rows->recipe = recipe;
    rows->instances = instances;
    rows->thousands_separator = body->options->thousands;
    if (rows_begin(rows, body, err))
        return rows;
    instances_csv_free(rows);
    return NULL;
}

const struct csv_field *instances_csv_names(const struct instances_csv *rows, uint32_t *n)
{
    *n = rows->n_fields;
    return rows->header ? rows->first : NULL;
}

enum instances_row instances_csv_row(struct instances_csv *rows, float *x, const struct csv_field **fields,
                                     uint32_t *n_fields, struct err *err)
{
    enum csv_read got = CSV_READ_ROW;

    *fields = rows->first;
    *n_fields = rows->n_fields;
    if (!stop_check(rows->instances->stop, err))
        return ROW_FAILED;
    if (!rows->first_waits)
        got = csv_reader_read(rows->reader, rows->n_fields, fields, n_fields, err);
    rows->first_waits = false;
    if (got == CSV_READ_END && rows->row == 0)
        err_set(err, ERR_INPUT, "there is no row below the header");
    if (got == CSV_READ_END)
        return rows->row == 0 ? ROW_FAILED : ROW_END;
    if (got == CSV_READ_ERROR)
        return ROW_FAILED;
    rows->row++;
    if (got == CSV_READ_ROW)
        return row_take(rows, *fields, x, err);
    *n_fields = 0;
    row_renumber(rows, err);
    return row_bad(rows, x);
}

bool instances_from_csv(const struct recipe *recipe, const struct csv_body *body, struct instances *instances,
                        struct err *err)
{
    const struct csv_field *fields;
    uint32_t n_fields;
    float *x = NULL;
    enum instances_row got = ROW_FAILED;
    struct err first = {0};
    bool noted = true;

    instances_restart(instances);
    struct instances_csv *rows = instances_csv_new(recipe, body, instances, err);
    while (rows && noted && (x = instances_room(instances, recipe->n_inputs, 0, err)) &&
           (got = instances_csv_row(rows, x, &fields, &n_fields, err)) > ROW_END) {
        if (got == ROW_BAD && instances->n_bad == 0)
            first = *err;
        noted = got == ROW_READ || instances_bad(instances, err->msg, err);
        if (noted)
            instances_keep(instances);
    }
    bool ok = rows && noted && x && got == ROW_END;
    if (ok && instances->n_bad == instances->n_rows) {
        *err = first;
        ok = false;
    }
    instances_csv_free(rows);
    if (!ok)
        instances_done(instances);
    return ok;
}
