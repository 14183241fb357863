/* See encode.h. One thread. */
#include "encode.h"

#include "csv/scan.h"
#include "mlp/binding.h"
#include "mlp/recipe.h"
#include "mlp/value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What one comparison works with. */
struct ways {
    const struct recipe *recipe;
    struct recipe *copy;
    struct binding *binding;
    struct table *table;
    float *from_table, *other; /* (n_inputs) */
    float *raw;                /* (n_columns) */
    uint8_t *bytes;            /* (n_inputs) */
    struct value *values;      /* (n_columns) */
    uint32_t *columns;         /* (n_columns): of the table */
};

static void ways_done(struct ways *ways)
{
    recipe_free(ways->copy);
    binding_free(ways->binding);
    free(ways->from_table);
    free(ways->other);
    free(ways->raw);
    free(ways->bytes);
    free(ways->values);
    free(ways->columns);
}

static bool ways_init(struct ways *ways, const struct recipe *recipe, struct table *table, struct err *err)
{
    size_t n_inputs = recipe->n_inputs, n_columns = recipe->n_columns;
    *ways = (struct ways){.recipe = recipe, .table = table};
    ways->copy = recipe_copy(recipe, err);
    ways->binding = ways->copy ? recipe_bind(recipe, table, true, err) : NULL;
    if (!ways->binding)
        return false;
    ways->from_table = calloc(n_inputs, sizeof *ways->from_table);
    ways->other = calloc(n_inputs, sizeof *ways->other);
    ways->raw = calloc(n_columns, sizeof *ways->raw);
    ways->bytes = calloc(n_inputs, 1);
    ways->values = calloc(n_columns, sizeof *ways->values);
    ways->columns = calloc(n_columns, sizeof *ways->columns);
    if (!ways->from_table || !ways->other || !ways->raw || !ways->bytes || !ways->values || !ways->columns)
        return err_memory(err, "a comparison");
    for (uint32_t i = 0; i < n_columns; i++) {
        int64_t found = table_find(table, recipe->columns[i].name);
        require(found >= 0, "the recipe's columns are the table's");
        ways->columns[i] = (uint32_t)found;
    }
    return true;
}

static void same(const struct ways *ways, const char *what)
{
    require(memcmp(ways->from_table, ways->other, ways->recipe->n_inputs * sizeof(float)) == 0, what);
}

static void row_from_bytes(const struct ways *ways, uint64_t row)
{
    if (!binding_has_bytes(ways->binding))
        return;
    binding_encode_bytes(ways->binding, row, 0, UINT32_MAX, ways->bytes);
    for (uint32_t i = 0; i < ways->recipe->n_inputs; i++)
        ways->other[i] = (float)ways->bytes[i] * ways->recipe->bytes_scale;
    same(ways, "bytes encode as the table does");
}

/* Where no column is a category or a date: the table's numbers as an array of
 * plain numbers. */
static void row_from_numbers(const struct ways *ways, uint64_t row)
{
    for (uint32_t i = 0; i < ways->recipe->n_columns; i++) {
        bool ignored = ways->recipe->columns[i].encoding == ENCODING_IGNORE;
        enum column_type type = table_column(ways->table, ways->columns[i])->type;
        if (type == COLUMN_BYTE || type == COLUMN_NUMBER)
            ways->raw[i] = table_number(ways->table, ways->columns[i], row);
        else if (ignored)
            ways->raw[i] = NAN;
        else
            return;
    }
    recipe_encode_numbers(ways->recipe, ways->raw, ways->other);
    same(ways, "plain numbers encode as the table does");
}

static void row_encode(const struct ways *ways, uint64_t row)
{
    memset(ways->from_table, 0x55, ways->recipe->n_inputs * sizeof(float));
    memset(ways->other, 0xaa, ways->recipe->n_inputs * sizeof(float));
    binding_encode(ways->binding, row, ways->from_table);
    for (uint32_t i = 0; i < ways->recipe->n_inputs; i++)
        require(isfinite(ways->from_table[i]), "inputs are finite");
    row_from_bytes(ways, row);
    row_from_numbers(ways, row);
    if (ways->recipe->task == TASK_CLASSIFICATION)
        require(binding_class(ways->binding, row) < (int32_t)ways->recipe->n_classes, "a class exists");
    else
        require(!isinf(binding_value(ways->binding, row)), "a target is finite or missing");
}

/* The value of a column, where its field is `shift` places further on in the
 * row. */
static void values_take(const struct ways *ways, const struct csv_field *fields, uint32_t n_fields,
                        uint32_t shift, char decimal_point)
{
    for (uint32_t i = 0; i < ways->recipe->n_columns; i++) {
        struct csv_field field = csv_field_trim(fields[(ways->columns[i] + shift) % n_fields]);
        ways->values[i] = (struct value){
            .kind = VALUE_TEXT, .text = field.text, .length = field.length, .decimal_point = decimal_point};
    }
}

/* The row's own texts, and then each column given its neighbour's: whatever
 * stands there, an error names it or the inputs are finite. */
static void row_from_texts(const struct ways *ways, uint64_t row, const struct csv_field *fields,
                           uint32_t n_fields, char decimal_point)
{
    const struct recipe *recipe = ways->recipe;
    struct err err = {0};
    binding_encode(ways->binding, row, ways->from_table);
    values_take(ways, fields, n_fields, 0, decimal_point);
    require(recipe_encode(ways->copy, ways->values, ways->other, &err), "the file's own texts are taken");
    same(ways, "texts encode as the table does");
    values_take(ways, fields, n_fields, 1, decimal_point);
    bool good = recipe_encode(recipe, ways->values, ways->other, &err);
    require(good || (err.code == ERR_INPUT && err.msg[0] && err.column[0]), "an error names the column");
    for (uint32_t i = 0; good && i < recipe->n_inputs; i++)
        require(isfinite(ways->other[i]), "inputs of strange texts are finite");
}

static bool texts_encode(const struct ways *ways, const struct encode_source *source, struct err *err)
{
    const struct csv_field *fields;
    uint32_t n_fields;
    uint64_t n_before = (source->report->header ? 1u : 0u) + (source->report->count_line ? 1u : 0u) +
                        source->report->n_titles,
             row = 0;
    int result;
    struct csv_options all = *source->options;
    all.titles = -1;
    struct csv_reader *reader = csv_reader_open(source->text, source->n, &all, err);
    if (!reader)
        return false;
    while ((result = csv_reader_next(reader, &fields, &n_fields, err)) == 1) {
        if (n_before > 0) {
            n_before--;
            continue;
        }
        require(row < table_n_rows(ways->table) && n_fields == table_n_columns(ways->table),
                "the reader finds the table's rows");
        row_from_texts(ways, row++, fields, n_fields, csv_reader_decimal(reader));
    }
    csv_reader_free(reader);
    require(result < 0 || row == table_n_rows(ways->table), "the reader finds all of the table's rows");
    return result == 0;
}

static bool recipe_use(const struct recipe *recipe, struct table *table, const struct encode_source *source,
                       struct err *err)
{
    struct ways ways;
    bool good = recipe_check(recipe, err);
    require(good, "a fitted recipe holds together");
    good = ways_init(&ways, recipe, table, err);
    for (uint64_t row = 0; good && row < table_n_rows(table); row++)
        row_encode(&ways, row);
    good = good && (!source->readable || texts_encode(&ways, source, err));
    ways_done(&ways);
    return good;
}

bool encode_check(struct table *table, uint8_t choice, const struct encode_source *source, struct err *err)
{
    static const enum task tasks[] = {TASK_AUTO, TASK_CLASSIFICATION, TASK_REGRESSION, TASK_AUTO};
    uint32_t target = choice >> 2 & 7, step = choice & 32 ? 2 : 1, n_rows = 0;
    struct recipe_options options = {.task = tasks[choice & 3], .raw_target = choice & 64};
    if (target > 0)
        options.target = table_column(table, (target - 1) % table_n_columns(table))->name;
    uint32_t *rows = malloc((size_t)table_n_rows(table) * sizeof *rows);
    if (!rows)
        return err_memory(err, "the rows");
    for (uint64_t row = 0; row < table_n_rows(table); row += step)
        rows[n_rows++] = (uint32_t)row;
    struct recipe *recipe = recipe_fit(table, rows, n_rows, &options, err);
    bool good = recipe && recipe_use(recipe, table, source, err);
    recipe_free(recipe);
    free(rows);
    return good;
}
