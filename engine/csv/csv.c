/* A CSV reader over a whole buffer in memory: csv_scan with the dialect found
 * out, texts in UTF-8 and rows counted. One reader, one thread. */
#include "csv/scan.h"
#include "csv/text.h"
#include "mlp/utf8.h"

#include <stdlib.h>
#include <string.h>

struct csv_reader {
    struct csv_scan scan;
    enum csv_encoding encoding;
    const struct csv_options *options; /* NULL: nothing was told */
    char *recoded;                     /* the whole text, where it came in UTF-16 */
    char *rewritten; /* the present row's fields that are given otherwise than they stand there; n_rewritten
                        bytes fit */
    size_t n_rewritten;
    uint64_t n_rows; /* read so far */
};

/* The reader's own copy of a text in UTF-16. */
static bool text_recode(struct csv_reader *reader, const char **bytes, size_t *n_bytes, struct err *err)
{
    size_t n_taken;
    if (*n_bytes > SIZE_MAX / 2)
        return err_memory(err, "the text in UTF-8");
    reader->recoded = malloc(2 * *n_bytes);
    if (!reader->recoded)
        return err_memory(err, "the text in UTF-8");
    *n_bytes = text_from_utf16(reader->encoding, *bytes, *n_bytes, true, reader->recoded, &n_taken);
    *bytes = reader->recoded;
    return true;
}

static struct csv_reader *reader_begin(const char *bytes, size_t n_bytes, const struct csv_options *options,
                                       struct err *err)
{
    struct csv_reader *reader = calloc(1, sizeof *reader);
    struct csv_dialect dialect = dialect_told(options);
    if (!reader) {
        err_memory(err, "a CSV reader");
        return NULL;
    }
    reader->encoding =
        options->encoding != CSV_ENCODING_GUESS ? options->encoding : text_guess_encoding(bytes, n_bytes);
    bool wide = reader->encoding == CSV_UTF16LE || reader->encoding == CSV_UTF16BE;
    if (wide && !text_recode(reader, &bytes, &n_bytes, err)) {
        csv_reader_free(reader);
        return NULL;
    }
    size_t preamble = csv_preamble(&dialect, bytes, n_bytes);
    bytes += preamble;
    n_bytes -= preamble;
    if (options->quote == 0)
        dialect.quote = csv_guess_quote(bytes, n_bytes);
    if (!csv_guess(&dialect, options->comment == 0, bytes, n_bytes, true)) {
        err_memory(err, "a look at the CSV's dialect");
        csv_reader_free(reader);
        return NULL;
    }
    uint32_t n_titles;
    size_t titles = csv_titles(&dialect, options, bytes, n_bytes, true, false, &n_titles);
    if (titles == SIZE_MAX) {
        err_memory(err, "a look at the CSV's dialect");
        csv_reader_free(reader);
        return NULL;
    }
    csv_scan_init(&reader->scan, &dialect);
    csv_scan_text(&reader->scan, bytes + titles, n_bytes - titles, true);
    return reader;
}

struct csv_reader *csv_reader_new(const char *bytes, size_t n_bytes, char separator, struct err *err)
{
    struct csv_options options = {.separator = separator, .titles = -1};
    return reader_begin(bytes, n_bytes, &options, err);
}

struct csv_reader *csv_reader_open(const char *bytes, size_t n_bytes, const struct csv_options *options,
                                   struct err *err)
{
    struct csv_reader *reader = reader_begin(bytes, n_bytes, options, err);
    if (reader && options->n_missing)
        reader->options = options;
    return reader;
}

void csv_reader_free(struct csv_reader *reader)
{
    if (!reader)
        return;
    csv_scan_done(&reader->scan);
    free(reader->recoded);
    free(reader->rewritten);
    free(reader);
}

char csv_reader_separator(const struct csv_reader *reader)
{
    return reader->scan.dialect.separator;
}

char csv_reader_decimal(const struct csv_reader *reader)
{
    return reader->scan.dialect.decimal;
}

/* Write the field to `to` as UTF-8, if it stands otherwise in the text. Returns
 * the end of what was written; `to` has room for 3 bytes a byte. */
static char *field_rewrite(const struct csv_reader *reader, struct csv_field *field, char *to)
{
    const char *text = field->text;
    uint32_t n = field->length;
    bool ascii = text_is_ascii(text, n);
    bool bytewise = reader->encoding == CSV_WINDOWS_1252 || reader->encoding == CSV_LATIN1;
    if (reader->options && csv_missing(reader->options, field)) {
        field->length = 0;
        return to;
    }
    if (ascii || (!bytewise && utf8_check(text, n, false)))
        return to;
    n = (uint32_t)text_from_bytes(bytewise ? reader->encoding : CSV_WINDOWS_1252, text, n, to);
    field->text = to;
    field->length = n;
    return to + n;
}

static bool row_rewrite(struct csv_reader *reader, struct err *err)
{
    struct csv_scan *scan = &reader->scan;
    size_t n_bytes = 0;
    for (uint32_t i = 0; i < scan->n_fields; i++)
        n_bytes += 3 * (size_t)scan->fields[i].length;
    if (n_bytes > reader->n_rewritten) {
        char *rewritten = realloc(reader->rewritten, n_bytes);
        if (!rewritten)
            return err_memory(err, "a row's texts");
        reader->rewritten = rewritten;
        reader->n_rewritten = n_bytes;
    }
    char *to = reader->rewritten;
    for (uint32_t i = 0; i < scan->n_fields && n_bytes > 0; i++)
        to = field_rewrite(reader, &scan->fields[i], to);
    return true;
}

int csv_reader_next(struct csv_reader *reader, const struct csv_field **fields, uint32_t *n_fields,
                    struct err *err)
{
    struct csv_scan *scan = &reader->scan;
    size_t begin = scan->at;
    enum csv_result result = csv_scan_row(scan);
    if (result == CSV_END)
        return 0;
    if (result != CSV_ROW) {
        csv_describe(result, reader->n_rows + 1, scan->n_fields, err);
        return -1;
    }
    bool plain = !reader->options && text_is_ascii(scan->text + begin, scan->at - begin);
    if (!plain && !row_rewrite(reader, err))
        return -1;
    reader->n_rows++;
    *fields = scan->fields;
    *n_fields = scan->n_fields;
    return 1;
}

/* Rows of the wrong length: padded, or without empty fields at the end. */
static enum csv_result length_mend(struct csv_scan *scan, uint32_t n_columns)
{
    while (n_columns > 0 && scan->n_fields > n_columns &&
           csv_field_trim(scan->fields[scan->n_fields - 1]).length == 0)
        scan->n_fields--;
    if (n_columns > 0 && scan->n_fields > n_columns)
        return CSV_RAGGED;
    return csv_scan_pad(scan, n_columns) ? CSV_ROW : CSV_MEMORY;
}

/* The row that does not fit, or cannot be told into fields, read again. */
static enum csv_result row_mend(struct csv_scan *scan, enum csv_result result, uint32_t n_columns)
{
    size_t end = scan->at;
    uint64_t n_lines = scan->n_lines;
    bool several = result == CSV_ROW && scan->many_lines, unclosed;
    scan->at = scan->row_at;
    scan->n_lines = scan->row_line;
    csv_scan_skip_line(scan);
    switch (csv_scan_mend(scan, n_columns, &unclosed)) {
    case MEND_MEMORY:
        return CSV_MEMORY;
    case MEND_NUL:
        return CSV_NUL;
    case MEND_TOO_MANY:
        return CSV_TOO_MANY_FIELDS;
    case MEND_MISFIT:
        break;
    default:
        return CSV_ROW;
    }
    if (several) { /* its quotes were right: the line ends in them are its own */
        scan->at = scan->row_at;
        scan->n_lines = scan->row_line;
        result = csv_scan_row(scan);
        scan->at = end;
        scan->n_lines = n_lines;
    } else {
        result = unclosed && n_columns > 0 ? CSV_UNTERMINATED : CSV_ROW;
    }
    return result == CSV_ROW ? length_mend(scan, n_columns) : result;
}

enum csv_read csv_reader_read(struct csv_reader *reader, uint32_t n_columns, const struct csv_field **fields,
                              uint32_t *n_fields, struct err *err)
{
    struct csv_scan *scan = &reader->scan;
    enum csv_result result = csv_scan_row(scan);
    if (result == CSV_END)
        return CSV_READ_END;
    if (result != CSV_MEMORY && (result != CSV_ROW || (n_columns > 0 && scan->n_fields != n_columns)))
        result = row_mend(scan, result, n_columns);
    reader->n_rows++;
    if (result == CSV_RAGGED) {
        err_set(err, ERR_INPUT, "row %llu has %u fields; %u were expected",
                (unsigned long long)reader->n_rows, scan->n_fields, n_columns);
        err_at(err, reader->n_rows, "");
        return CSV_READ_BAD;
    }
    if (result != CSV_ROW) {
        csv_describe(result, reader->n_rows, scan->n_fields, err);
        return result == CSV_MEMORY ? CSV_READ_ERROR : CSV_READ_BAD;
    }
    if (!row_rewrite(reader, err))
        return CSV_READ_ERROR;
    *fields = scan->fields;
    *n_fields = scan->n_fields;
    return CSV_READ_ROW;
}
