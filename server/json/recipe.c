/* Recipes as JSON text, out and in. */
#include "base/writer.h"
#include "json/model.h"
#include "json/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const encoding_names[] = {
    [ENCODING_SCALE] = "scale",       [ENCODING_STANDARDISE] = "standardise", [ENCODING_LOG] = "log",
    [ENCODING_QUANTILE] = "quantile", [ENCODING_ONE_HOT] = "one_hot",         [ENCODING_BOOLEAN] = "boolean",
    [ENCODING_DATE] = "date",         [ENCODING_IGNORE] = "ignore",
};
#define N_ENCODINGS (sizeof encoding_names / sizeof *encoding_names)

/* Nine digits bring a float back whatever reads them, by way of a double
 * too. */
static void put_float(struct writer *writer, const char *name, double number)
{
    char text[32];

    writer_key(writer, name);
    writer_raw(writer, text, (size_t)snprintf(text, sizeof text, "%.9g", number));
}

/* A text that may hold any bytes. */
static void put_bytes(struct writer *writer, const char *text)
{
    char *escaped = json_escape_bytes(text);

    writer->failed = writer->failed || !escaped;
    writer_string(writer, escaped);
    free(escaped);
}

static void put_strings(struct writer *writer, const char *name, char *const *strings, uint32_t n)
{
    writer_key(writer, name);
    writer_open(writer, '[');
    for (uint32_t i = 0; i < n; i++)
        put_bytes(writer, strings[i]);
    writer_close(writer, ']');
}

static void write_standardise(struct writer *writer, const struct recipe_column *column)
{
    if (column->origin != 0)
        writer_put_double(writer, "origin", column->origin); /* the rest is of the differences from it */
    put_float(writer, "mean", (double)column->offset);
    put_float(writer, "stddev", 1.0 / (double)column->scale); /* 1 / stddev rounds to the same float again */
    put_float(writer, "impute", (double)column->impute);
    writer_put_bool(writer, "indicator", column->indicator);
    if (column->unit > 0)
        put_float(writer, "unit", (double)column->unit);
    if (column->n_knots > 0) {
        writer_key(writer, "knots");
        writer_open(writer, '[');
        for (uint32_t i = 0; i < column->n_knots; i++)
            writer_float(writer, column->knots[i]);
        writer_close(writer, ']');
    }
}

static void write_date(struct writer *writer, const struct recipe_column *column)
{
    char format[DATE_FORMAT_MAX];

    date_format_text(column->date, format);
    writer_put_string(writer, "format", format);
    writer_put_bool(writer, "time", column->time);
    write_standardise(writer, column);
}

static void put_character(struct writer *writer, const char *name, char character)
{
    if (character)
        writer_put_string(writer, name, (char[]){character, '\0'});
}

static void write_column(struct writer *writer, const struct recipe_column *column)
{
    writer_open(writer, '{');
    writer_key(writer, "name");
    put_bytes(writer, column->name);
    writer_put_string(writer, "encoding", encoding_names[column->encoding]);
    switch (column->encoding) {
    case ENCODING_SCALE:
        put_float(writer, "scale", (double)column->scale);
        put_float(writer, "impute", (double)column->impute);
        break;
    case ENCODING_STANDARDISE:
    case ENCODING_LOG:
    case ENCODING_QUANTILE:
        write_standardise(writer, column);
        break;
    case ENCODING_BOOLEAN:
        put_strings(writer, "levels", (char *[]){"no", "yes"},
                    2); /* for a form; any word for them is taken */
        put_float(writer, "impute", (double)column->impute);
        writer_put_bool(writer, "indicator", column->indicator);
        break;
    case ENCODING_DATE:
        write_date(writer, column);
        break;
    case ENCODING_ONE_HOT:
        put_strings(writer, "levels", column->levels, column->n_levels);
        writer_put_bool(writer, "other", column->other);
        break;
    case ENCODING_IGNORE:
        break;
    }
    put_character(writer, "decimal", column->decimal_point);
    put_character(writer, "thousands", column->thousands_separator);
    if (!number_format_is_plain(&column->number)) {
        char format[NUMBER_FORMAT_MAX];
        number_format_text(&column->number, format);
        writer_put_string(writer, "numbers", format);
    }
    if (column->note[0]) {
        writer_key(writer, "note");
        put_bytes(writer, column->note);
    }
    writer_close(writer, '}');
}

static void write_target(struct writer *writer, const struct recipe *recipe)
{
    bool classes = recipe->task == TASK_CLASSIFICATION;

    writer_open(writer, '{');
    writer_key(writer, "name");
    put_bytes(writer, recipe->target);
    writer_put_string(writer, "task", classes ? "classification" : "regression");
    writer_key(writer, "reason");
    put_bytes(writer, recipe->task_reason);
    if (classes) {
        put_strings(writer, "classes", recipe->classes, recipe->n_classes);
    } else {
        put_float(writer, "mean", (double)recipe->target_mean);
        put_float(writer, "stddev", (double)recipe->target_stddev);
    }
    writer_close(writer, '}');
}

void json_write_recipe(struct writer *writer, const struct recipe *recipe)
{
    writer_open(writer, '{');
    writer_put_uint(writer, "inputs", recipe->n_inputs);
    writer_key(writer, "target");
    write_target(writer, recipe);
    writer_key(writer, "columns");
    writer_open(writer, '[');
    for (uint32_t i = 0; i < recipe->n_columns; i++)
        write_column(writer, &recipe->columns[i]);
    writer_close(writer, ']');
    writer_close(writer, '}');
}

char *json_from_recipe(const struct recipe *recipe, struct err *err)
{
    struct writer writer;

    writer_init(&writer);
    json_write_recipe(&writer, recipe);
    return json_take(&writer, err);
}

/* An array of strings; its length at most `most`. */
static bool read_strings(const cJSON *object, const char *name, uint32_t most, char ***strings, uint32_t *n,
                         struct err *err)
{
    const cJSON *array = NULL, *item;
    uint32_t n_items;

    if (!json_array(object, name, &array, &n_items, err))
        return false;
    if (n_items > most)
        return json_damaged(err, "%s has more than %u texts", name, most);
    *strings = calloc((size_t)n_items + 1, sizeof **strings);
    if (!*strings)
        return err_memory(err, "a model's recipe");
    *n = n_items;
    uint32_t i = 0;
    cJSON_ArrayForEach(item, array)
    {
        if (!cJSON_IsString(item))
            return json_damaged(err, "%s holds something other than text", name);
        if (!((*strings)[i++] = json_unescape_bytes(item->valuestring)))
            return err_memory(err, "a model's recipe");
    }
    return true;
}

int encoding_find(const char *name)
{
    for (size_t i = 0; i < N_ENCODINGS; i++)
        if (strcmp(encoding_names[i], name) == 0)
            return (int)i;
    return -1;
}

static bool read_encoding(const cJSON *object, enum encoding *encoding, struct err *err)
{
    const char *name;

    if (!json_text(object, "encoding", &name, err))
        return false;
    int found = encoding_find(name);
    if (found >= 0) {
        *encoding = (enum encoding)found;
        return true;
    }
    return json_damaged(err, "there is no encoding of that name");
}

static bool read_knots(const cJSON *object, struct recipe_column *column, struct err *err)
{
    const cJSON *array = NULL, *item;
    uint32_t n;

    if (!json_array(object, "knots", &array, &n, err))
        return false;
    if (n < 2 || n > RECIPE_KNOTS_MAX)
        return json_damaged(err, "a column has %u knots", n);
    column->knots = calloc(n, sizeof *column->knots);
    if (!column->knots)
        return err_memory(err, "a model's recipe");
    cJSON_ArrayForEach(item, array)
    {
        if (!cJSON_IsNumber(item))
            return json_damaged(err, "a knot is not a number");
        column->knots[column->n_knots++] = (float)item->valuedouble;
    }
    return true;
}

static bool read_standardise(const cJSON *object, struct recipe_column *column, struct err *err)
{
    double stddev;

    if (!json_float(object, "mean", &column->offset, err) || !json_double(object, "stddev", &stddev, err) ||
        !json_float(object, "impute", &column->impute, err) ||
        !json_bool(object, "indicator", &column->indicator, err))
        return false;
    if (cJSON_HasObjectItem(object, "origin") && !json_double(object, "origin", &column->origin, err))
        return false;
    if (!(stddev > 1e-38 && stddev < 1e38))
        return json_damaged(err, "a stddev is out of range");
    column->scale = (float)(1.0 / stddev);
    if (cJSON_HasObjectItem(object, "unit") && !json_float(object, "unit", &column->unit, err))
        return false;
    return column->encoding != ENCODING_QUANTILE || read_knots(object, column, err);
}

static bool read_date(const cJSON *object, struct recipe_column *column, struct err *err)
{
    const char *format;

    if (!json_text(object, "format", &format, err) || !json_bool(object, "time", &column->time, err) ||
        !read_standardise(object, column, err))
        return false;
    column->n_inputs = RECIPE_DATE_INPUTS + (column->time ? 2u : 0u) + (column->indicator ? 1u : 0u);
    return date_format_find(format, &column->date) ||
           json_damaged(err, "there is no date format of that name");
}

static bool read_column_encoding(const cJSON *object, struct recipe_column *column, struct err *err)
{
    switch (column->encoding) {
    case ENCODING_SCALE:
        column->n_inputs = 1;
        return json_float(object, "scale", &column->scale, err) &&
               json_float(object, "impute", &column->impute, err);
    case ENCODING_STANDARDISE:
    case ENCODING_LOG:
    case ENCODING_QUANTILE:
        if (!read_standardise(object, column, err))
            return false;
        column->n_inputs = (column->n_knots > 0 ? column->n_knots : 1) + column->indicator;
        return true;
    case ENCODING_BOOLEAN:
        column->scale = 1;
        if (!json_float(object, "impute", &column->impute, err) ||
            !json_bool(object, "indicator", &column->indicator, err))
            return false;
        column->n_inputs = column->indicator ? 2 : 1;
        return true;
    case ENCODING_DATE:
        return read_date(object, column, err);
    case ENCODING_ONE_HOT:
        if (!read_strings(object, "levels", RECIPE_LEVELS_MAX, &column->levels, &column->n_levels, err) ||
            !json_bool(object, "other", &column->other, err))
            return false;
        column->n_inputs = column->n_levels + column->other;
        return true;
    case ENCODING_IGNORE:
        return true;
    }
    return false;
}

/* One character that is usually not there. */
static bool read_character(const cJSON *object, const char *name, char *character, struct err *err)
{
    const char *text = "";
    if (!cJSON_HasObjectItem(object, name))
        return true;
    if (!json_text(object, name, &text, err) || strlen(text) != 1)
        return json_damaged(err, "%s is not one character", name);
    *character = text[0];
    return true;
}

static bool read_number_format(const cJSON *object, struct recipe_column *column, struct err *err)
{
    const char *text = "";
    if (!cJSON_HasObjectItem(object, "numbers"))
        return true;
    return json_text(object, "numbers", &text, err) &&
           (number_format_find(text, &column->number) ||
            json_damaged(err, "there is no format of numbers of that name"));
}

static bool read_column(const cJSON *object, struct recipe_column *column, struct err *err)
{
    return json_bytes(object, "name", &column->name, err) &&
           read_character(object, "decimal", &column->decimal_point, err) &&
           read_character(object, "thousands", &column->thousands_separator, err) &&
           read_number_format(object, column, err) && read_encoding(object, &column->encoding, err) &&
           read_column_encoding(object, column, err) &&
           (!cJSON_HasObjectItem(object, "note") ||
            json_bytes_into(object, "note", column->note, sizeof column->note, err));
}

/* The columns, and what follows from them: numbers of inputs, bytes. */
static bool read_columns(const cJSON *root, struct recipe *recipe, struct err *err)
{
    const cJSON *array = NULL, *item;
    uint32_t n;
    bool bytes = true;

    if (!json_array(root, "columns", &array, &n, err))
        return false;
    if (n == 0)
        return json_damaged(err, "the recipe has no columns");
    recipe->columns = calloc(n, sizeof *recipe->columns);
    if (!recipe->columns)
        return err_memory(err, "a model's recipe");
    recipe->n_columns = n;
    struct recipe_column *column = recipe->columns;
    cJSON_ArrayForEach(item, array)
    {
        if (!read_column(item, column, err))
            return false;
        if (column->n_inputs > RECIPE_INPUTS_MAX - recipe->n_inputs)
            return json_damaged(err, "the recipe has too many inputs");
        column->first_input = column->n_inputs ? recipe->n_inputs : 0;
        if (column->n_inputs > 0 && recipe->n_inputs == 0)
            recipe->bytes_scale = column->scale;
        recipe->n_inputs += column->n_inputs;
        if (column->encoding != ENCODING_IGNORE)
            bytes = bytes && column->encoding == ENCODING_SCALE && column->scale == recipe->bytes_scale;
        column++;
    }
    recipe->bytes = bytes && recipe->n_inputs > 0;
    if (!recipe->bytes)
        recipe->bytes_scale = 0;
    return true;
}

static bool read_target(const cJSON *root, struct recipe *recipe, struct err *err)
{
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(root, "target");
    const char *task;

    if (!json_bytes(object, "name", &recipe->target, err) || !json_text(object, "task", &task, err) ||
        !json_bytes_into(object, "reason", recipe->task_reason, sizeof recipe->task_reason, err))
        return false;
    if (strcmp(task, "classification") == 0) {
        recipe->task = TASK_CLASSIFICATION;
        return read_strings(object, "classes", RECIPE_CLASSES_MAX, &recipe->classes, &recipe->n_classes, err);
    }
    recipe->task = TASK_REGRESSION;
    return strcmp(task, "regression") == 0 ? json_float(object, "mean", &recipe->target_mean, err) &&
                                                 json_float(object, "stddev", &recipe->target_stddev, err)
                                           : json_damaged(err, "there is no task of that name");
}

struct recipe *json_to_recipe(const char *text, struct err *err)
{
    struct recipe *recipe = calloc(1, sizeof *recipe);
    cJSON *root = json_parse(text, strlen(text), err);
    uint32_t n_inputs;
    bool ok = false;

    if (!recipe)
        err_memory(err, "a model's recipe");
    if (!recipe || !root)
        goto out;
    ok = json_uint(root, "inputs", RECIPE_INPUTS_MAX, &n_inputs, err) && read_target(root, recipe, err) &&
         read_columns(root, recipe, err);
    if (ok && recipe->n_inputs != n_inputs)
        ok = json_damaged(err, "the recipe says %u inputs and its columns have %u", n_inputs,
                          recipe->n_inputs);
    ok = ok && recipe_check(recipe, err);
out:
    cJSON_Delete(root);
    if (ok)
        return recipe;
    recipe_free(recipe);
    return NULL;
}
