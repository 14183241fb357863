/* The instances of a JSON body. */
#include "predict/instances_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is wrong with an instance; column COLUMN_NONE: not at one. */
static bool fail_at(struct json_rows *rows, uint32_t column, const char *what)
{
    uint32_t row = rows->instances->n_rows;
    const char *name = column == COLUMN_NONE ? "" : rows->recipe->columns[column].name;

    if (what == scan_no_memory)
        return err_memory(rows->err, "a text of the body");
    if (column == COLUMN_NONE)
        err_set(rows->err, ERR_INPUT, "instances[%u]: %s %s", row, what, scan_place(rows->scan).text);
    else if (rows->in_object)
        err_set(rows->err, ERR_INPUT, "instances[%u], '%.60s': %s %s", row, name, what,
                scan_place(rows->scan).text);
    else
        err_set(rows->err, ERR_INPUT, "instances[%u][%u], '%.60s': %s %s", row, column, name, what,
                scan_place(rows->scan).text);
    return err_at(rows->err, (uint64_t)row + 1, name);
}

void rows_end(struct json_rows *rows)
{
    columns_index_done(&rows->index);
    free(rows->values);
    free(rows->have);
    rows->values = NULL;
    rows->have = NULL;
}

void rows_begin(struct json_rows *rows)
{
    const struct recipe *recipe = rows->recipe;

    columns_index_init(&rows->index, recipe);
    rows->numbers = true;
    for (uint32_t i = 0; !recipe->bytes && i < recipe->n_columns; i++)
        rows->numbers = rows->numbers && recipe->columns[i].encoding != ENCODING_ONE_HOT &&
                        recipe->columns[i].origin == 0 && recipe->columns[i].encoding != ENCODING_DATE;
}

/* Room for the values of one row, where that is needed: a wide model's rows of
 * plain numbers do without. */
static bool values_room(struct json_rows *rows)
{
    size_t n = (size_t)rows->recipe->n_columns + 1;

    if (!rows->values)
        rows->values = calloc(n, sizeof *rows->values);
    if (!rows->have)
        rows->have = calloc(n, sizeof *rows->have);
    return (rows->values && rows->have) || err_memory(rows->err, "a row");
}

/* true and false in a category column are the level that reads so in any case,
 * else "true" and "false". */
static void boolean_value(const struct recipe_column *column, bool truth, struct value *value)
{
    const char *text = truth ? "true" : "false";

    *value = (struct value){.kind = VALUE_NUMBER, .number = truth};
    if (column->encoding != ENCODING_ONE_HOT)
        return;
    for (uint32_t i = 0; i < column->n_levels; i++)
        if (strcasecmp(column->levels[i], text) == 0) {
            text = column->levels[i];
            break;
        }
    *value = (struct value){.kind = VALUE_TEXT, .text = text, .length = (uint32_t)strlen(text)};
}

static bool take_text(struct json_rows *rows, uint32_t column, struct value *value)
{
    struct scan_text text;
    const char *wrong = scan_string(rows->scan, &text);

    *value = (struct value){.kind = VALUE_TEXT, .text = text.text, .length = text.length};
    return !wrong || fail_at(rows, column, wrong);
}

/* One value for a column. */
static bool take_value(struct json_rows *rows, uint32_t column, struct value *value)
{
    struct scan *scan = rows->scan;
    const char *wrong = NULL;
    char next = scan_peek(scan);

    switch (next) {
    case '"':
        return take_text(rows, column, value);
    case 't':
    case 'f':
        wrong = scan_literal(scan, next == 't' ? "true" : "false");
        boolean_value(&rows->recipe->columns[column], next == 't', value);
        break;
    case 'n':
        wrong = scan_literal(scan, "null");
        *value = (struct value){.kind = VALUE_MISSING};
        break;
    case '[':
    case '{':
        return fail_at(rows, column, "expected a number, a text, true, false or null");
    default:
        *value = (struct value){.kind = VALUE_NUMBER};
        wrong = scan_begins_number(next) ? scan_double(scan, &value->number) : "expected a value";
    }
    return !wrong || fail_at(rows, column, wrong);
}

static bool encode_values(struct json_rows *rows, float *x)
{
    if (recipe_encode(rows->recipe, rows->values, x, rows->err))
        return true;
    const struct err inner = *rows->err;
    err_set(rows->err, inner.code, "instances[%u]: %s", rows->instances->n_rows, inner.msg);
    return err_at(rows->err, (uint64_t)rows->instances->n_rows + 1, inner.column);
}

/* Wrong number of values: count on to the array's end, so that the message has
 * the number. */
static bool fail_count(struct json_rows *rows, uint32_t count, bool comma)
{
    const struct recipe *recipe = rows->recipe;
    const char *wrong = NULL;

    if (scan_peek(rows->scan) == ']' && comma)
        return fail_at(rows, COLUMN_NONE, "expected a value after ','");
    if (scan_peek(rows->scan) != ']')
        do {
            if ((wrong = scan_skip(rows->scan)))
                return fail_at(rows, COLUMN_NONE, wrong);
            count++;
        } while (scan_take(rows->scan, ','));
    if (scan_peek(rows->scan) != ']')
        return fail_at(rows, COLUMN_NONE, "expected ',' or ']'");
    err_set(rows->err, ERR_INPUT,
            "instances[%u] has %u values, the model takes %u: '%.40s' ... '%.40s', without '%.40s'",
            rows->instances->n_rows, count, recipe->n_columns, recipe->columns[0].name,
            recipe->columns[recipe->n_columns - 1].name, recipe->target);
    return err_at(rows->err, (uint64_t)rows->instances->n_rows + 1, "");
}

/* An array's values from the k-th on, one by one; `comma`: one has just been
 * taken. */
static bool take_values_from(struct json_rows *rows, uint32_t k, bool comma, float *x)
{
    uint32_t n = rows->recipe->n_columns;

    if (k > 0 && !comma)
        return scan_peek(rows->scan) == ']' ? fail_count(rows, k, false)
                                            : fail_at(rows, COLUMN_NONE, "expected ',' or ']'");
    for (; k < n; k++) {
        if (scan_peek(rows->scan) == ']')
            return fail_count(rows, k, comma);
        if (!take_value(rows, k, &rows->values[k]))
            return false;
        comma = scan_take(rows->scan, ',');
        if (!comma && k + 1 < n)
            return scan_peek(rows->scan) == ']' ? fail_count(rows, k + 1, false)
                                                : fail_at(rows, COLUMN_NONE, "expected ',' or ']'");
    }
    if (comma)
        return fail_count(rows, k, true);
    return scan_take(rows->scan, ']') ? encode_values(rows, x)
                                      : fail_at(rows, COLUMN_NONE, "expected ',' or ']'");
}

/* A picture as an array of its lines, behind the opening bracket: the columns
 * one line after the other, all lines as long. */
static bool take_lines(struct json_rows *rows, float *x)
{
    struct scan *scan = rows->scan;
    uint32_t n = rows->recipe->n_columns, total = 0, width = 0, n_lines = 0;
    float *raw = x + rows->recipe->n_inputs; /* scratch */

    do {
        uint32_t count = 0;
        bool comma = false;
        if (!scan_take(scan, '['))
            return fail_at(rows, COLUMN_NONE, "expected the next line of the picture, an array of numbers");
        const char *wrong = scan_numbers(scan, raw + total, n - total, &count, &comma);
        if (wrong || comma || count == 0 || !scan_take(scan, ']'))
            return fail_at(rows, COLUMN_NONE,
                           wrong ? wrong : "expected numbers, as many as there are columns");
        if (n_lines++ > 0 && count != width)
            return fail_at(rows, COLUMN_NONE, "expected lines that are all as long");
        width = count;
        total += count;
    } while (scan_take(scan, ','));
    if (!scan_take(scan, ']'))
        return fail_at(rows, COLUMN_NONE, "expected ',' or ']'");
    if (total == n) {
        recipe_encode_numbers(rows->recipe, raw, x);
        return true;
    }
    err_set(rows->err, ERR_INPUT,
            "instances[%u] has %u lines of %u values, the model takes %u in all: '%.40s' ... '%.40s'",
            rows->instances->n_rows, n_lines, width, n, rows->recipe->columns[0].name,
            rows->recipe->columns[n - 1].name);
    return err_at(rows->err, (uint64_t)rows->instances->n_rows + 1, "");
}

/* One instance as an array. Plain numbers take the quick way as far as it
 * goes. */
static bool take_array(struct json_rows *rows, float *x)
{
    struct scan *scan = rows->scan;
    uint32_t n = rows->recipe->n_columns, count = 0;
    float *raw = x + rows->recipe->n_inputs; /* scratch */
    bool comma = false;

    scan->at++;
    if (rows->numbers && n > 1 && scan_peek(scan) == '[')
        return take_lines(rows, x);
    if (!rows->numbers)
        return values_room(rows) && take_values_from(rows, 0, false, x);
    const char *wrong = scan_numbers(scan, raw, n, &count, &comma);
    if (wrong)
        return fail_at(rows, count, wrong);
    if (count == n && !comma && scan_take(scan, ']')) {
        recipe_encode_numbers(rows->recipe, raw, x);
        return true;
    }
    if (count == n && comma)
        return fail_count(rows, count, true);
    if (!values_room(rows))
        return false;
    for (uint32_t i = 0; i < count; i++)
        rows->values[i] = (struct value){.kind = VALUE_NUMBER, .number = (double)raw[i]};
    return take_values_from(rows, count, comma, x);
}

/* A member's value, after its name. */
static bool take_member(struct json_rows *rows, struct scan_text name)
{
    uint32_t column, mark = rows->instances->n_rows + 1;
    const char *wrong;

    if (!columns_index_find(&rows->index, name.text, name.length, &column, rows->err))
        return false;
    if (column == COLUMN_NONE) {
        if (!text_equals(rows->recipe->target, name.text, name.length) &&
            !instances_unknown(rows->instances, name.text, name.length, rows->err))
            return false;
        wrong = scan_skip(rows->scan);
        return !wrong || fail_at(rows, COLUMN_NONE, wrong);
    }
    if (rows->have[column] == mark) {
        err_set(rows->err, ERR_INPUT, "instances[%u] names '%.60s' twice (byte %zu)", rows->instances->n_rows,
                rows->recipe->columns[column].name, scan_here(rows->scan));
        return err_at(rows->err, mark, rows->recipe->columns[column].name);
    }
    rows->have[column] = mark;
    return take_value(rows, column, &rows->values[column]);
}

/* Step over '{', a name and ':' ... and leave the rest to take_member. */
static bool take_members(struct json_rows *rows)
{
    struct scan *scan = rows->scan;
    struct scan_text name;
    const char *wrong;

    scan->at++;
    if (scan_take(scan, '}'))
        return true;
    do {
        if (scan_peek(scan) != '"')
            return fail_at(rows, COLUMN_NONE, "expected a column's name in quotes");
        if ((wrong = scan_string(scan, &name)))
            return fail_at(rows, COLUMN_NONE, wrong);
        if (!scan_take(scan, ':'))
            return fail_at(rows, COLUMN_NONE, "expected ':'");
        if (!take_member(rows, name))
            return false;
    } while (scan_take(scan, ','));
    return scan_take(scan, '}') || fail_at(rows, COLUMN_NONE, "expected ',' or '}'");
}

/* One instance as an object. */
static bool take_object(struct json_rows *rows, float *x)
{
    const char *first = NULL;
    char names[300];

    rows->index.next = 0;
    if (!values_room(rows) || !take_members(rows))
        return false;
    if (!columns_missing(rows->recipe, rows->have, rows->instances->n_rows + 1, names, sizeof names, &first))
        return encode_values(rows, x);
    err_set(rows->err, ERR_INPUT,
            "instances[%u] lacks the model's column %s; null stands for a missing value",
            rows->instances->n_rows, names);
    return err_at(rows->err, (uint64_t)rows->instances->n_rows + 1, first);
}

static bool take_instance(struct json_rows *rows)
{
    char next = scan_peek(rows->scan);
    float *x;

    scan_reuse(rows->scan);
    rows->in_object = next == '{';
    if (next != '[' && next != '{')
        return fail_at(rows, COLUMN_NONE, "expected an array of values or an object by column names");
    if (!stop_check(rows->instances->stop, rows->err))
        return false;
    x = instances_room(rows->instances, rows->recipe->n_inputs, rows->recipe->n_columns, rows->err);
    if (!x || !(next == '[' ? take_array(rows, x) : take_object(rows, x)))
        return false;
    instances_keep(rows->instances);
    return true;
}

/* Room for two more marks. False: out of memory. */
static bool marks_room(struct instances *instances, size_t n)
{
    if (n + 2 <= instances->marks_capacity)
        return true;
    size_t capacity = 2 * n + 64;
    struct err ignored; /* then the rows are read one by one, and that says what there is no room for */
    if (instances->claim &&
        !claim_take(instances->claim, (capacity - instances->marks_capacity) * sizeof *instances->marks,
                    &ignored))
        return false;
    const char **marks = realloc(instances->marks, capacity * sizeof *marks);
    if (!marks) {
        if (instances->claim)
            claim_give(instances->claim, (capacity - instances->marks_capacity) * sizeof *marks);
        return false;
    }
    instances->marks = marks;
    instances->marks_capacity = capacity;
    return true;
}

/* Mark the row that the scanner stands at, by its brackets alone, and step over
 * it. False: it does not look like an array. */
static bool row_mark(struct json_rows *rows)
{
    struct scan *scan = rows->scan;
    struct instances *instances = rows->instances;
    size_t i = instances->n_rows / INSTANCES_BLOCK;

    if (scan_peek(scan) != '[' || instances->n_rows == UINT32_MAX || !marks_room(instances, i))
        return false;
    if (instances->n_rows % INSTANCES_BLOCK == 0) {
        if (stop_is_set(instances->stop))
            return false;
        instances->marks[i] = scan->at;
    }
    const char *close = memchr(scan->at, ']', (size_t)(scan->end - scan->at));
    if (!close)
        return false;
    scan->at = close + 1;
    scan_blanks(scan);
    instances->marks[i + 1] = scan->at;
    instances_keep(instances);
    return true;
}

/* Only mark where the rows are. False: they do not look like arrays, nothing is
 * taken. */
static bool rows_mark(struct json_rows *rows)
{
    bool ok;

    do
        ok = row_mark(rows);
    while (ok && scan_take(rows->scan, ','));
    if (ok && scan_take(rows->scan, ']'))
        return true;
    instances_restart(rows->instances);
    return false;
}

bool rows_take(struct json_rows *rows)
{
    struct scan *scan = rows->scan;

    scan->at = rows->array + 1;
    rows->scanned = rows->marked = rows->later && rows_mark(rows);
    if (rows->scanned)
        return true;
    scan->at = rows->array + 1;
    if (scan_take(scan, ']'))
        return err_set(rows->err, ERR_INPUT, "instances is empty");
    do
        if (!take_instance(rows))
            return false;
    while (scan_take(scan, ','));
    rows->scanned = scan_take(scan, ']');
    return rows->scanned || fail_at(rows, COLUMN_NONE, "expected ',' or ']'");
}

bool rows_encode(const struct recipe *recipe, const char *text, size_t length, uint32_t n, float *x,
                 struct err *err)
{
    struct instances instances = {.x = x, .capacity = (size_t)n * recipe->n_inputs + recipe->n_columns};
    struct scan scan;
    struct json_rows rows = {.scan = &scan, .instances = &instances, .recipe = recipe, .err = err};
    bool ok = true;

    scan_init(&scan, text, length);
    rows_begin(&rows);
    for (uint32_t i = 0; ok && i < n;
         i++) /* a text may hold brackets: then there are fewer rows than marked, and the count fails */
        ok = scan_peek(&scan) == '[' && take_instance(&rows) && (scan_take(&scan, ',') || i + 1 == n);
    scan_blanks(&scan);
    ok = ok && scan.at == scan.end;
    if (!ok)
        err_set(err, ERR_INPUT, "instances: expected rows of %u values each", recipe->n_columns);
    rows_end(&rows);
    scan_done(&scan);
    return ok;
}
