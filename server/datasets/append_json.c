/* Rows of JSON for a dataset that is there: {"rows":[[...],{...}]}. */
#include "base/near.h"
#include "datasets/append.h"
#include "mlp/csv.h"
#include "mlp/number.h"
#include "mlp/recipe.h"
#include "json/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_BYTES 4096

struct json_rows {
    struct append *append;
    struct scan scan;
    struct err *err;
};

static bool fail(struct json_rows *rows, const char *what)
{
    if (what == scan_no_memory)
        return err_memory(rows->err, "a text of the body");
    unsigned long long row = rows->append->n_rows + 1;
    err_set(rows->err, ERR_INPUT, "rows[%llu]: %s (byte %zu)", row - 1, what,
            (size_t)(rows->scan.at - rows->scan.bytes));
    return err_at(rows->err, row, "");
}

static bool fail_column(struct json_rows *rows, uint32_t column, const char *what)
{
    const char *name = table_column(rows->append->table, column)->name;
    unsigned long long row = rows->append->n_rows + 1;
    if (what == scan_no_memory)
        return err_memory(rows->err, "a text of the body");
    err_set(rows->err, ERR_INPUT, "rows[%llu], '%.60s': %s", row - 1, name, what);
    return err_at(rows->err, row, name);
}

static bool take_text(struct json_rows *rows, uint32_t column)
{
    struct scan_text text;
    const char *wrong = scan_string(&rows->scan, &text);
    if (!wrong && memchr(text.text, 0, text.length))
        wrong = "a text may not hold \\u0000";
    return wrong ? fail_column(rows, column, wrong)
                 : append_text(rows->append, column, text.text, text.length, rows->err);
}

/* In a column of numbers 1 and 0, in one of yes and no its own word, else
 * "true" and "false", in any case. */
static bool take_truth(struct json_rows *rows, uint32_t column, bool truth)
{
    const struct column *of = table_column(rows->append->table, column);
    const char *text = truth ? "true" : "false", *wrong = scan_literal(&rows->scan, text);
    if (wrong)
        return fail_column(rows, column, wrong);
    if (!column_has_texts(of))
        text = truth ? "1" : "0";
    bool words = recipe_kind(rows->append->table, column) == KIND_BOOLEAN;
    for (uint32_t i = 0; i < of->n_levels; i++) {
        float level;
        bool same = words ? truth_parse(of->levels[i], strlen(of->levels[i]), &level) && (level > 0) == truth
                          : strcasecmp(of->levels[i], text) == 0;
        if (same) {
            text = of->levels[i];
            break;
        }
    }
    return append_cell(rows->append, column, text, strlen(text), rows->err);
}

static bool take_value(struct json_rows *rows, uint32_t column)
{
    struct scan *scan = &rows->scan;
    const char *wrong = NULL;
    float number;
    char next = scan_peek(scan);
    const char *begin = scan->at;
    if (next == '"')
        return take_text(rows, column);
    if (next == 't' || next == 'f')
        return take_truth(rows, column, next == 't');
    if (next == 'n') {
        wrong = scan_literal(scan, "null");
        begin = scan->at;
    } else if (next == '-' || (next >= '0' && next <= '9')) {
        wrong = scan_number(scan, &number);
    } else {
        wrong = "expected a number, a text, true, false or null";
    }
    return wrong ? fail_column(rows, column, wrong)
                 : append_number(rows->append, column, begin, (size_t)(scan->at - begin), rows->err);
}

static bool take_array(struct json_rows *rows)
{
    uint32_t n = table_n_columns(rows->append->table), i = 0;
    char text[96];
    rows->scan.at++;
    if (scan_peek(&rows->scan) != ']')
        do {
            if (i == n || !take_value(rows, i))
                break;
            i++;
        } while (scan_take(&rows->scan, ','));
    if (rows->err->code != ERR_OK)
        return false;
    if (i == n && scan_take(&rows->scan, ']'))
        return true;
    snprintf(text, sizeof text, "expected an array of %u values, one for each column", n);
    return fail(rows, text);
}

/* The column that the name at the scanner means. */
static bool take_name(struct json_rows *rows, uint32_t *column)
{
    struct scan_text text;
    char name[NAME_MAX_BYTES];
    if (scan_peek(&rows->scan) != '"')
        return fail(rows, "expected a column's name in quotes");
    const char *wrong = scan_string(&rows->scan, &text);
    if (wrong)
        return fail(rows, wrong);
    snprintf(name, sizeof name, "%.*s", (int)(text.length < sizeof name ? text.length : sizeof name - 1),
             text.text);
    int64_t found = text.length < sizeof name ? table_find(rows->append->table, name) : -1;
    if (found < 0) {
        err_set(rows->err, ERR_INPUT, "rows[%llu]: the dataset has no column '%.60s'",
                (unsigned long long)rows->append->n_rows, name);
        return err_at(rows->err, rows->append->n_rows + 1, name);
    }
    *column = (uint32_t)found;
    if (rows->append->place[found].there)
        return fail_column(rows, *column, "it appears twice");
    return scan_take(&rows->scan, ':') || fail(rows, "expected ':'");
}

static bool take_object(struct json_rows *rows)
{
    uint32_t column;
    rows->scan.at++;
    if (scan_take(&rows->scan, '}'))
        return true;
    do
        if (!take_name(rows, &column) || !take_value(rows, column))
            return false;
    while (scan_take(&rows->scan, ','));
    return scan_take(&rows->scan, '}') || fail(rows, "expected ',' or '}'");
}

static bool take_row(struct json_rows *rows)
{
    char next = scan_peek(&rows->scan);
    scan_reuse(&rows->scan);
    if (next != '[' && next != '{')
        return fail(rows, "expected an array of values or an object by column names");
    return (next == '[' ? take_array(rows) : take_object(rows)) && append_row_end(rows->append, rows->err);
}

static bool take_body(struct json_rows *rows)
{
    static const char expected[] = "expected {\"rows\":[[...], ...]} or {\"rows\":[{...}, ...]}";
    struct scan *scan = &rows->scan;
    struct scan_text name;
    if (!scan_take(scan, '{') || scan_peek(scan) != '"')
        return err_set(rows->err, ERR_INPUT, "the body is not what was expected: %s", expected);
    const char *wrong = scan_string(scan, &name);
    if (wrong)
        return err_set(rows->err, ERR_INPUT, "the body is not valid JSON: %s", wrong);
    if (name.length != 4 || memcmp(name.text, "rows", 4)) {
        char text[64];
        snprintf(text, sizeof text, "%.*s", (int)(name.length < 60 ? name.length : 60), name.text);
        return words_unknown("rows", "field", text, rows->err);
    }
    if (!scan_take(scan, ':') || !scan_take(scan, '[')) {
        err_set(rows->err, ERR_INPUT, "\"rows\" is no array: %s", expected);
        return err_field(rows->err, "rows");
    }
    if (!scan_take(scan, ']')) {
        do
            if (!take_row(rows))
                return false;
        while (scan_take(scan, ','));
        if (!scan_take(scan, ']'))
            return fail(rows, "expected ',' or ']'");
    }
    if (!scan_take(scan, '}') || scan_peek(scan) || scan->at < scan->end)
        return err_set(rows->err, ERR_INPUT, "the body continues after its rows: %s", expected);
    return true;
}

bool append_json(struct append *append, const struct append_source *source, struct err *err)
{
    struct json_rows rows = {.append = append, .err = err};
    scan_init(&rows.scan, source->bytes, source->n);
    bool ok = take_body(&rows);
    scan_done(&rows.scan);
    return ok;
}
