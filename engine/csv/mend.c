/* One line of CSV read as leniently as it takes to fit its table: see
 * csv_scan_mend in csv/scan.h. */
#include "csv/scan.h"

#include <stdlib.h>
#include <string.h>

/* How a line's quotes and separators are understood. */
struct leniency {
    char separator, escape;
    bool literal; /* a closing quote is one only before a separator; else text behind it is appended */
    bool whole;   /* a quoted field that is not closed takes the rest of the line; else it ends as an unquoted
                     one */
};

/* A line that is read. */
struct line {
    struct csv_scan *scan;
    struct leniency how;
    const char *text;
    size_t at, end;
    char *to;
    bool mended;   /* a quote was not where it belongs */
    bool unclosed; /* a quote was not closed */
};

static bool line_separates(const struct line *line, size_t at)
{
    return at == line->end || line->text[at] == line->how.separator ||
           (line->how.separator == ' ' && line->text[at] == '\t');
}

static size_t line_blanks(const struct line *line, size_t at)
{
    while (at < line->end && (line->text[at] == ' ' || line->text[at] == '\t') && !line_separates(line, at))
        at++;
    return at;
}

/* Up to the next separator, as it stands there. */
static void rest_copy(struct line *line)
{
    while (!line_separates(line, line->at))
        *line->to++ = line->text[line->at++];
}

/* A quoted field, behind its opening quote. True: it was closed properly. */
static bool quoted_read(struct line *line)
{
    char quote = line->scan->dialect.quote, escape = line->how.escape;
    const char *text = line->text;
    size_t begin = line->at;
    char *to = line->to;
    while (line->at < line->end) {
        bool next = line->at + 1 < line->end;
        char c = text[line->at];
        if (escape && c == escape && next && (text[line->at + 1] == quote || text[line->at + 1] == escape)) {
            *line->to++ = text[line->at + 1];
            line->at += 2;
        } else if (c != quote) {
            *line->to++ = c;
            line->at++;
        } else if (next && text[line->at + 1] == quote) {
            *line->to++ = quote;
            line->at += 2;
        } else if (line_separates(line, line_blanks(line, line->at + 1))) {
            line->at = line_blanks(line, line->at + 1);
            return true;
        } else {
            line->mended = true;
            line->at++;
            if (!line->how.literal) {
                rest_copy(line);
                return false;
            }
            *line->to++ = quote;
        }
    }
    line->mended = line->unclosed = true;
    if (!line->how.whole) {
        line->at = begin;
        line->to = to;
        rest_copy(line);
    }
    return false;
}

static bool field_put(struct line *line, const char *text, bool quoted)
{
    const struct csv_field field = {text, (uint32_t)(line->to - text), quoted};
    return csv_scan_field(line->scan, field);
}

static bool field_read(struct line *line)
{
    char quote = line->scan->dialect.quote, *begin = line->to;
    size_t first = line_blanks(line, line->at);
    bool quoted = quote && first < line->end && line->text[first] == quote;
    if (quoted) {
        line->at = first + 1;
        quoted = quoted_read(line);
    } else {
        rest_copy(line);
        line->mended = line->mended || (quote && memchr(begin, quote, (size_t)(line->to - begin)));
    }
    return field_put(line, begin, quoted);
}

/* The fields of the line; false: out of memory, or too many. */
static bool line_read(struct line *line, const struct csv_scan *scan, struct leniency how)
{
    *line = (struct line){.scan = line->scan, .how = how, .text = scan->text, .to = scan->unquoted};
    line->at = scan->row_at;
    line->end = csv_line_end(scan, scan->row_at);
    line->scan->n_fields = 0;
    bool blanks = how.separator == ' ';
    for (;;) {
        while (blanks && line->at < line->end && line_separates(line, line->at))
            line->at++;
        if (blanks && line->at == line->end && line->scan->n_fields > 0)
            return true;
        if (!field_read(line))
            return false;
        if (line->at == line->end)
            return true;
        line->at++;
    }
}

static bool others_try(struct line *line, uint32_t n_columns)
{
    static const char others[] = {',', ';', '\t', '|'};
    char own = line->scan->dialect.separator;
    for (size_t i = 0; i < sizeof others && n_columns > 1; i++)
        if (others[i] != own && line_read(line, line->scan, (struct leniency){.separator = others[i]}) &&
            line->scan->n_fields == n_columns)
            return true;
    return false;
}

/* A backslash, where one stands before a quote of the line. */
static char escape_seen(const struct csv_scan *scan)
{
    size_t end = csv_line_end(scan, scan->row_at);
    for (size_t at = scan->row_at; at + 1 < end; at++)
        if (scan->text[at] == '\\' && scan->text[at + 1] == scan->dialect.quote)
            return '\\';
    return '\0';
}

enum csv_mending csv_scan_mend(struct csv_scan *scan, uint32_t n_columns, bool *unclosed)
{
    char separator = scan->dialect.separator;
    char escape = scan->dialect.escape ? scan->dialect.escape : escape_seen(scan);
    const struct leniency ways[] = {
        {.separator = separator, .escape = escape},
        {.separator = separator, .escape = escape, .literal = true},
        {.separator = separator},
        {.separator = separator, .escape = escape, .whole = true},
    };
    struct line line = {.scan = scan};
    size_t begin = scan->row_at, end = csv_line_end(scan, begin);
    bool quotes = scan->dialect.quote && memchr(scan->text + begin, scan->dialect.quote, end - begin);
    *unclosed = false;
    if (memchr(scan->text + begin, '\0', end - begin))
        return MEND_NUL;
    if (!csv_scan_room(scan, end - begin + 1))
        return MEND_MEMORY;
    for (size_t i = 0; i < (quotes ? sizeof ways / sizeof *ways : 1); i++)
        if (line_read(&line, scan, ways[i]) && scan->n_fields == n_columns)
            return line.mended || i > 0 ? MEND_QUOTES : MEND_NONE;
    if (others_try(&line, n_columns))
        return MEND_SEPARATOR;
    bool good = line_read(&line, scan, ways[0]);
    *unclosed = line.unclosed;
    return good ? MEND_MISFIT : scan->n_fields >= CSV_COLUMNS_MAX ? MEND_TOO_MANY : MEND_MEMORY;
}
