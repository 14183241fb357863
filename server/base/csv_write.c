/* CSV text at the end of a writer. */
#include "base/csv_write.h"
#include "base/float_text.h"
#include "base/number_text.h"

#include <math.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Whether the field must stand in quotes to be read as it is: as a value, and
 * not as a comment. */
static bool quotes_needed(const char *text, size_t n)
{
    if (n == 0)
        return false;
    if (is_blank(text[0]) || is_blank(text[n - 1]) || text[0] == '#')
        return true;
    for (size_t i = 0; i < n; i++)
        if (text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r')
            return true;
    return false;
}

void csv_put_text(struct writer *writer, const char *text, size_t n)
{
    if (!quotes_needed(text, n)) {
        writer_bytes(writer, text, n);
        return;
    }
    writer_bytes(writer, "\"", 1);
    for (const char *quote; (quote = memchr(text, '"', n));
         n -= (size_t)(quote + 1 - text), text = quote + 1) {
        writer_bytes(writer, text, (size_t)(quote + 1 - text));
        writer_bytes(writer, "\"", 1);
    }
    writer_bytes(writer, text, n);
    writer_bytes(writer, "\"", 1);
}

void csv_put_number(struct writer *writer, float number)
{
    char text[FLOAT_TEXT_MAX];
    if (isfinite(number))
        writer_bytes(writer, text, float_text(number, text));
}

void csv_put_names(struct writer *writer, const struct table *table)
{
    for (uint32_t i = 0; i < table_n_columns(table); i++) {
        const char *name = table_column(table, i)->name;
        writer_bytes(writer, ",", i > 0);
        csv_put_text(writer, name, strlen(name));
    }
    writer_bytes(writer, "\n", 1);
}

const char *csv_missing_text(const struct table *table)
{
    return table_n_columns(table) == 1 ? "\"\"" : "";
}

/* As the file wrote it, where all of the column's numbers have the same
 * decimals. */
static void number_put(struct writer *writer, const struct table *table, uint32_t index, uint64_t row)
{
    const struct column *column = table_column(table, index);
    char text[NUMBER_TEXT_SIZE];
    if (isnan(table_value(table, index, row)))
        return;
    size_t n = table_number_text(table, index, row, text);
    writer_bytes(writer, text, n);
    if (column_decimals(column) == 0 || memchr(text, 'e', n))
        return;
    const char *point = memchr(text, '.', n);
    size_t decimals = point ? (size_t)(text + n - point) - 1 : 0;
    writer_bytes(writer, ".", !point);
    for (; decimals < column_decimals(column); decimals++)
        writer_bytes(writer, "0", 1);
}

static void cell_put(struct writer *writer, const struct table *table, uint32_t index, uint64_t row)
{
    const struct column *column = table_column(table, index);
    size_t before = writer->n;
    if (column_has_texts(column)) {
        const char *text = table_text(table, index, row);
        if (text)
            csv_put_text(writer, text, strlen(text));
    } else if (column->type == COLUMN_DATE) {
        char text[DATE_TEXT_MAX];
        double value = table_date(table, index, row);
        if (!isnan(value))
            writer_bytes(writer, text, date_text(value, column->date, text));
    } else if (!number_format_is_plain(&column->number)) {
        char text[NUMBER_WRITTEN_MAX];
        double value = table_value(table, index, row);
        if (isfinite(value))
            csv_put_text(writer, text,
                         number_write(value, &column->number, column->type == COLUMN_NUMBER, text));
    } else {
        number_put(writer, table, index, row);
    }
    if (writer->n == before)
        writer_bytes(writer, csv_missing_text(table), strlen(csv_missing_text(table)));
}

/* A byte with the comma before it: tables of pictures are nothing but these. */
static void byte_put(struct writer *writer, unsigned value, bool comma)
{
    char text[4] = {',', (char)('0' + value / 100), (char)('0' + value / 10 % 10), (char)('0' + value % 10)};
    size_t skip = value >= 100 ? 0 : value >= 10 ? 1 : 2;
    text[skip] = ',';
    writer_bytes(writer, text + skip + !comma, 4 - skip - !comma);
}

void csv_put_row(struct writer *writer, const struct table *table, uint64_t row)
{
    const uint8_t *record = table_records(table) + row * table_record_bytes(table);
    for (uint32_t i = 0; i < table_n_columns(table); i++) {
        const struct column *column = table_column(table, i);
        if (column->type == COLUMN_BYTE && !column_decimals(column)) {
            byte_put(writer, record[column->offset], i > 0);
            continue;
        }
        writer_bytes(writer, ",", i > 0);
        cell_put(writer, table, i, row);
    }
    writer_bytes(writer, "\n", 1);
}

void csv_put_columns(struct writer *writer, const struct table *table, const uint32_t *columns, uint32_t n,
                     uint64_t row)
{
    for (uint32_t i = 0; i < n; i++) {
        writer_bytes(writer, ",", i > 0);
        cell_put(writer, table, columns[i], row);
    }
    writer_bytes(writer, "\n", 1);
}
