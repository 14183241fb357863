/* JSON as CSV. See convert.h. */
#include "base/csv_write.h"
#include "datasets/convert.h"
#include "datasets/json_columns.h"
#include "mlp/number.h"
#include "json/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLUSH_BYTES (256u << 10)
#define RECORD_MAX ((size_t)64 << 20) /* as a row of CSV may have */

/* The records of the file, one after the other. */
struct records {
    struct scan scan;
    bool array; /* they stand in one, else one after the other */
    bool begun; /* the first has been read */
    uint64_t n; /* read so far */
    struct err *err;
};

static bool wrong_at(struct records *records, const char *what)
{
    if (what == scan_no_memory)
        return err_memory(records->err, "a text of the file");
    err_set(records->err, ERR_INPUT, "row %llu of the JSON (byte %llu): %s",
            (unsigned long long)records->n + 1,
            (unsigned long long)(records->scan.at - records->scan.bytes) + 1, what);
    err_at(records->err, records->n + 1, "");
    return err_id(records->err, "json_wrong");
}

/* The text of the next object or array: 1; 0: there is none; -1: *err. */
static int records_next(struct records *records, struct scan_text *record)
{
    struct scan *scan = &records->scan;
    char next = scan_peek(scan);
    if (records->array && next == ']')
        return 0;
    if (records->begun && (records->array || next == ',') && !scan_take(scan, ','))
        return wrong_at(records, "expected ',' or ']'") - 1;
    next = scan_peek(scan);
    if (!records->array && next == 0 && scan->at == scan->end)
        return 0;
    if (next != '{' && next != '[')
        return wrong_at(records, "expected an object or an array, a row of the table") - 1;
    const char *begin = scan->at, *wrong = scan_skip_brackets(scan);
    if (wrong)
        return wrong_at(records, wrong) - 1;
    if ((size_t)(scan->at - begin) > RECORD_MAX)
        return wrong_at(records, "a row of more than 64 MB") - 1;
    records->begun = true;
    *record = (struct scan_text){begin, (uint32_t)(scan->at - begin)};
    return 1;
}

/* A member of an object on the outside that may hold the table. */
static bool is_table(const struct scan_text *name)
{
    static const char *const names[] = {"data", "rows", "records", "instances"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == name->length && memcmp(names[i], name->text, name->length) == 0)
            return true;
    return false;
}

/* Whether an array of objects or arrays begins here. */
static bool is_rows(struct scan scan)
{
    if (!scan_take(&scan, '['))
        return false;
    char next = scan_peek(&scan);
    return next == '{' || next == '[';
}

/* Where the table within an object on the outside begins, and where the names
 * of its columns do. NULL: none. */
struct wrapper {
    const char *rows, *names;
};

static struct wrapper wrapper_find(const char *bytes, size_t n)
{
    struct wrapper found = {0};
    struct scan_text name;
    struct scan scan;
    scan_init(&scan, bytes, n);
    scan_take(&scan, '{');
    do {
        if (scan_peek(&scan) != '"' || scan_string(&scan, &name) || !scan_take(&scan, ':'))
            break;
        char next = scan_peek(&scan);
        if (is_table(&name) && !found.rows && is_rows(scan))
            found.rows = scan.at;
        if (name.length == 7 && memcmp(name.text, "columns", 7) == 0 && next == '[')
            found.names = scan.at;
        scan_reuse(&scan);
        if (next == '[' || next == '{' ? scan_skip_brackets(&scan) : scan_skip(&scan))
            break;
    } while (scan_take(&scan, ','));
    scan_done(&scan);
    return found;
}

struct convert {
    const struct convert_source *source;
    struct err *err;
    struct records records;
    struct wrapper wrapper;
    struct json_columns columns;
    struct scan scan; /* over one record */
    bool arrays;      /* the rows are arrays: columns go by position */
    bool named;       /* and the first, or "columns", has their names */
    uint32_t n_cells; /* of the present row */
    struct json_cell *cells;
    struct writer texts; /* the present row's values as CSV */
    struct writer writer;
    struct convert_out out;
};

static bool convert_begin(struct convert *convert)
{
    const char *bytes = convert->source->bytes;
    size_t n = convert->source->n, mark = n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    struct scan scan;
    convert->records = (struct records){.err = convert->err};
    scan_init(&scan, bytes + mark, n - mark);
    if (scan_peek(&scan) == '{' && !convert->records.begun)
        convert->wrapper = wrapper_find(scan.at, (size_t)(scan.end - scan.at));
    if (convert->wrapper.rows)
        scan.at = convert->wrapper.rows;
    convert->records.array = is_rows(scan) || (scan_peek(&scan) == '[' && n < 8);
    if (convert->records.array)
        scan_take(&scan, '[');
    convert->records.scan = scan;
    return true;
}

static bool fail(struct convert *convert, const struct scan_text *name, const char *what)
{
    unsigned long long row = convert->records.n + 1;
    char column[64] = "";
    if (what == scan_no_memory)
        return err_memory(convert->err, "a text of the file");
    if (name)
        snprintf(column, sizeof column, "%.*s", name->length < 60 ? (int)name->length : 60, name->text);
    err_set(convert->err, ERR_INPUT, "row %llu of the JSON%s%s%s: %s", row, *column ? ", '" : "", column,
            *column ? "'" : "", what);
    err_at(convert->err, row, column);
    return err_id(convert->err, "json_wrong");
}

/* A value of the record, of any kind but nested ones. */
struct value {
    enum json_kind kind;
    struct scan_text text; /* of a number its digits */
};

static const char *literal_read(struct scan *scan, struct value *value)
{
    static const struct {
        const char *word;
        enum json_kind kind;
    } words[] = {{"null", JSON_MISSING},    {"true", JSON_TRUTH},
                 {"false", JSON_TRUTH},     {"NaN", JSON_MISSING}, /* as Python writes it */
                 {"Infinity", JSON_NUMBER}, {"-Infinity", JSON_NUMBER}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!scan_literal(scan, words[i].word)) {
            *value = (struct value){words[i].kind, {words[i].word, (uint32_t)strlen(words[i].word)}};
            return NULL;
        }
    return "expected a value";
}

static bool value_read(struct convert *convert, const struct scan_text *name, struct value *value)
{
    struct scan *scan = &convert->scan;
    char next = scan_peek(scan);
    const char *begin = scan->at, *wrong;
    if (next == '{' || next == '[') {
        fail(convert, name,
             next == '{' ? "a value is an object: expected a number, a text, true, false or null"
                         : "a value is an array: expected a number, a text, true, false or null");
        return err_id(convert->err, "json_nested");
    }
    if (next == '"') {
        value->kind = JSON_TEXT;
        wrong = scan_string(scan, &value->text);
        if (!wrong && memchr(value->text.text, 0, value->text.length))
            wrong = "a text may not hold \\u0000";
    } else if ((next == '-' && scan->end - scan->at > 1 && scan->at[1] != 'I') ||
               (next >= '0' && next <= '9')) {
        wrong = scan_number_skip(scan);
        *value = (struct value){JSON_NUMBER, {begin, (uint32_t)(scan->at - begin)}};
    } else {
        wrong = literal_read(scan, value);
    }
    return !wrong || fail(convert, name, wrong);
}

/* Hand each value of the record to `take`, with its column. */
static bool record_read(struct convert *convert, const struct scan_text *record,
                        bool (*take)(struct convert *convert, uint32_t column, const struct value *value))
{
    struct scan *scan = &convert->scan;
    bool object = *record->text == '{';
    char close = object ? '}' : ']';
    const char *wrong;
    uint32_t column = 0;
    scan_done(scan);
    scan_init(scan, record->text, record->length);
    scan->at++;
    if (convert->records.n > 0 && object == convert->arrays)
        return fail(convert, NULL, convert->arrays ? "an object after arrays" : "an array after objects");
    convert->arrays = !object;
    if (scan_take(scan, close))
        return true;
    for (uint32_t at = 0;; at++) {
        struct scan_text name = {"", 0};
        struct value value;
        if (object && scan_peek(scan) != '"')
            return fail(convert, NULL, "expected a member's name in quotes");
        if (object && (wrong = scan_string(scan, &name)))
            return fail(convert, NULL, wrong);
        if (object && !scan_take(scan, ':'))
            return fail(convert, &name, "expected ':'");
        if (!json_columns_find(&convert->columns, object ? &name : NULL, at, &column, convert->err) ||
            !value_read(convert, object ? &name : NULL, &value) || !take(convert, column, &value))
            return false;
        if (scan_take(scan, close))
            break;
        if (!scan_take(scan, ','))
            return fail(convert, &name, object ? "expected ',' or '}'" : "expected ',' or ']'");
    }
    return scan->at == scan->end || fail(convert, NULL, "the brackets do not match");
}

/* First pass: which columns there are, and of what. */
static bool value_note(struct convert *convert, uint32_t column, const struct value *value)
{
    struct json_column *of = &convert->columns.items[column];
    float number;
    bool names = convert->arrays && convert->records.n == 0 && !convert->wrapper.names;
    if (names) {
        convert->named =
            (column == 0 || convert->named) && value->kind == JSON_TEXT && value->text.length > 0;
        return true;
    }
    bool numeric = value->kind == JSON_TEXT && !of->numeric_text &&
                   number_parse(value->text.text, value->text.length, &number);
    of->numeric_text = of->numeric_text || numeric;
    of->texts = of->texts || value->kind == JSON_TEXT;
    of->others = of->others || value->kind == JSON_NUMBER || value->kind == JSON_TRUTH;
    return true;
}

static bool value_put(struct convert *convert, uint32_t column, const struct value *value)
{
    struct json_cell *cell = &convert->cells[column];
    struct writer *texts = &convert->texts;
    cell->at = texts->n;
    if (value->kind == JSON_TEXT)
        csv_put_text(texts, value->text.text, value->text.length);
    else if (value->kind != JSON_MISSING)
        writer_bytes(texts, value->text.text, value->text.length);
    cell->n = texts->n - cell->at;
    convert->n_cells = column + 1 > convert->n_cells ? column + 1 : convert->n_cells;
    return !texts->failed || writer_why(texts, convert->err);
}

/* The present row, as wide as the table. */
static bool row_put(struct convert *convert)
{
    uint32_t n = convert->columns.n;
    for (uint32_t i = 0; i < n; i++) {
        struct json_cell *cell = &convert->cells[i];
        writer_bytes(&convert->writer, ",", i > 0);
        if (cell->n > 0)
            writer_bytes(&convert->writer, convert->texts.text + cell->at, cell->n);
        else if (n == 1)
            writer_bytes(&convert->writer, "\"\"", 2); /* no blank line */
        cell->n = 0;
    }
    writer_bytes(&convert->writer, "\n", 1);
    convert->texts.n = 0;
    return convert_flush(&convert->out, FLUSH_BYTES, convert->err);
}

static bool rows_read(struct convert *convert,
                      bool (*take)(struct convert *convert, uint32_t column, const struct value *value),
                      bool put)
{
    struct records *records = &convert->records;
    struct scan_text record;
    int more;
    convert_begin(convert);
    while ((more = records_next(records, &record)) == 1) {
        if (!record_read(convert, &record, take) || (put && !row_put(convert)))
            return false;
        if (++records->n % 4096 == 0 && !stop_check(convert->source->stop, convert->err))
            return false;
    }
    if (more == 0 && records->array && !convert->wrapper.rows) {
        records->scan.at++;
        if (scan_peek(&records->scan) || records->scan.at < records->scan.end)
            return wrong_at(records, "text follows the end of the table");
    }
    return more == 0;
}

/* The line of names: of objects their members', of arrays "columns" where the
 * object on the outside has it; else the first array is that line. */
static bool header_put(struct convert *convert)
{
    struct scan_text names;
    struct scan scan;
    if (!convert->arrays) {
        for (uint32_t i = 0; i < convert->columns.n; i++) {
            writer_bytes(&convert->writer, ",", i > 0);
            csv_put_text(&convert->writer, convert->columns.items[i].name, convert->columns.items[i].length);
        }
        writer_bytes(&convert->writer,
                     convert->columns.n == 1 && convert->columns.items[0].length == 0 ? "\"\"\n" : "\n",
                     convert->columns.n == 1 && convert->columns.items[0].length == 0 ? 3 : 1);
        return true;
    }
    if (!convert->wrapper.names)
        return true;
    scan_init(&scan, convert->wrapper.names,
              (size_t)(convert->source->bytes + convert->source->n - convert->wrapper.names));
    scan_skip_brackets(&scan);
    names = (struct scan_text){convert->wrapper.names, (uint32_t)(scan.at - convert->wrapper.names)};
    convert->named = true;
    convert->records.n = 0;
    return record_read(convert, &names, value_put) && row_put(convert);
}

/* Texts that read as numbers are texts all the same: JSON tells the two apart. */
static bool types_tell(struct convert *convert, const struct csv_options *told, struct converted *converted)
{
    const struct json_columns *columns = &convert->columns;
    uint32_t n = told->n_types;
    converted->n_told = n;
    converted->types = malloc(((size_t)n + columns->n + 1) * sizeof *converted->types);
    if (!converted->types)
        return err_memory(convert->err, "the types of the columns");
    if (n > 0)
        memcpy(converted->types, told->types, n * sizeof *converted->types);
    for (uint32_t i = 0; !convert->arrays && told->n_names == 0 && i < columns->n; i++) {
        const struct json_column *column = &columns->items[i];
        bool known = !column->numeric_text || column->others;
        for (uint32_t j = 0; !known && j < told->n_types; j++)
            known = strlen(told->types[j].column) == column->length &&
                    memcmp(told->types[j].column, column->name, column->length) == 0;
        if (known)
            continue;
        char *name = strndup(column->name, column->length);
        if (!name) {
            converted->options.n_types = n;
            return err_memory(convert->err, "a column's name");
        }
        converted->types[n++] = (struct csv_type){.column = name, .type = COLUMN_CATEGORY};
    }
    converted->options.n_types = n;
    converted->options.types = converted->types;
    return true;
}

/* Whether the first line of arrays has names: 1, -1, or 0 where it may be
 * either. */
static int header_tell(const struct convert *convert, const struct csv_options *told)
{
    bool only_texts = true;
    for (uint32_t i = 0; i < convert->columns.n; i++)
        only_texts = only_texts && !convert->columns.items[i].others;
    if (told->header && !convert->wrapper.names)
        return told->header;
    return !convert->named ? -1 : only_texts && !convert->wrapper.names ? 0 : 1;
}

static bool convert_run(struct convert *convert, const struct csv_options *told, struct converted *converted)
{
    if (!rows_read(convert, value_note, false))
        return false;
    if (convert->columns.n == 0)
        return err_set(convert->err, ERR_INPUT,
                       "the JSON has no rows: expected an array of objects or of arrays");
    convert->cells = calloc(convert->columns.n, sizeof *convert->cells);
    if (!convert->cells ||
        !claim_take(convert->source->claim, convert->columns.n * sizeof *convert->cells, convert->err))
        return !convert->cells ? err_memory(convert->err, "a row") : false;
    convert->columns.closed = true;
    if (!header_put(convert) || !rows_read(convert, value_put, true) ||
        !convert_flush(&convert->out, 0, convert->err) || !types_tell(convert, told, converted))
        return false;
    if (convert->arrays)
        converted->options.header = header_tell(convert, told);
    return true;
}

bool convert_json(const struct convert_source *source, const struct csv_options *told, int fd,
                  struct converted *converted, struct err *err)
{
    struct convert convert = {.source = source, .err = err, .out = {.source = source, .fd = fd}};
    *converted = (struct converted){.options = convert_options(told)};
    convert.out.writer = &convert.writer;
    convert.columns.claim = convert.texts.claim = convert.writer.claim = source->claim;
    bool ok = convert_run(&convert, told, converted);
    if (!ok)
        converted_done(converted);
    scan_done(&convert.scan);
    json_columns_done(&convert.columns);
    free(convert.cells);
    writer_done(&convert.texts);
    writer_done(&convert.writer);
    return ok;
}
