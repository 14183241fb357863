/* One row of CSV text to fields (RFC 4180, and what is found in the wild): see
 * csv/scan.h. */
#include "csv/scan.h"

#include "csv/masks.h"

#include <stdlib.h>
#include <string.h>

void csv_scan_init(struct csv_scan *scan, const struct csv_dialect *dialect)
{
    *scan = (struct csv_scan){.dialect = *dialect, .block = SIZE_MAX};
}

void csv_scan_done(struct csv_scan *scan)
{
    free(scan->fields);
    free(scan->doubled);
    free(scan->unquoted);
}

void csv_scan_text(struct csv_scan *scan, const char *text, size_t n_bytes, bool last)
{
    scan->text = text;
    scan->end = n_bytes;
    scan->at = 0;
    scan->limit = n_bytes;
    scan->last = last;
    scan->block = SIZE_MAX;
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

static inline bool is_separator(const struct csv_scan *scan, char c)
{
    return c == scan->dialect.separator || (c == '\t' && scan->dialect.separator == ' ');
}

/* A blank around a value; never a separator. */
static inline bool is_blank(const struct csv_scan *scan, char c)
{
    return (c == ' ' || c == '\t') && !is_separator(scan, c);
}

static size_t blanks_skip(const struct csv_scan *scan, size_t at)
{
    while (at < scan->end && is_blank(scan, scan->text[at]))
        at++;
    return at;
}

static void block_load(struct csv_scan *scan, size_t block)
{
    char tail[64];
    const char *text = scan->text + block;
    size_t left = scan->end - block;
    if (left < sizeof tail) {
        memcpy(tail, text, left);
        memset(tail + left, 'x', sizeof tail - left);
        text = tail;
    }
    scan->block = block;
    scan->specials = mask_specials(text, scan->dialect.separator);
}

/* The first separator, line end or NUL at or after `at`; end where there is
 * none. */
static inline size_t special_find(struct csv_scan *scan, size_t at)
{
    if (at >= scan->end)
        return scan->end;
    if (scan->block == SIZE_MAX || at - scan->block >= 64)
        block_load(scan, at);
    uint64_t mask = scan->specials & (UINT64_MAX << (at - scan->block));
    while (mask == 0) {
        if (scan->end - scan->block <= 64)
            return scan->end;
        block_load(scan, scan->block + 64);
        mask = scan->specials;
    }
    return scan->block + mask_first(mask);
}

static bool fields_grow(struct csv_scan *scan)
{
    uint32_t n = scan->n_allocated ? scan->n_allocated * 2 : 16;
    struct csv_field *fields = realloc(scan->fields, n * sizeof *fields);
    if (!fields)
        return false;
    scan->fields = fields;
    uint32_t *doubled = realloc(scan->doubled, n * sizeof *doubled);
    if (!doubled)
        return false;
    scan->doubled = doubled;
    scan->n_allocated = n;
    return true;
}

bool csv_scan_field(struct csv_scan *scan, struct csv_field field)
{
    if (scan->n_fields >= CSV_COLUMNS_MAX || (scan->n_fields == scan->n_allocated && !fields_grow(scan)))
        return false;
    scan->fields[scan->n_fields++] = field;
    return true;
}

bool csv_scan_pad(struct csv_scan *scan, uint32_t n)
{
    while (scan->n_fields < n)
        if (!csv_scan_field(scan, (struct csv_field){"", 0, false}))
            return false;
    return true;
}

bool csv_scan_room(struct csv_scan *scan, size_t n_bytes)
{
    if (n_bytes <= scan->n_unquoted)
        return true;
    char *unquoted = realloc(scan->unquoted, n_bytes);
    if (!unquoted)
        return false;
    scan->unquoted = unquoted;
    scan->n_unquoted = n_bytes;
    return true;
}

static inline enum csv_result field_add(struct csv_scan *scan, size_t from, size_t to, bool quoted)
{
    if (scan->n_fields >= CSV_COLUMNS_MAX)
        return CSV_TOO_MANY_FIELDS;
    if (scan->n_fields == scan->n_allocated && !fields_grow(scan))
        return CSV_MEMORY;
    scan->fields[scan->n_fields++] = (struct csv_field){scan->text + from, (uint32_t)(to - from), quoted};
    return CSV_ROW;
}

/* Whether the quote at `at` of a text that begins at `begin` has an escape
 * before it that is not itself escaped. */
static bool is_escaped(const struct csv_scan *scan, size_t begin, size_t at)
{
    size_t n = 0;
    while (at - n > begin && scan->text[at - n - 1] == scan->dialect.escape)
        n++;
    return n % 2 == 1;
}

/* The closing quote of the text that begins at `at`; *doubled when there are
 * doubled or escaped quotes before it. */
static enum csv_result quote_close(const struct csv_scan *scan, size_t at, size_t *close, bool *doubled)
{
    size_t begin = at;
    *doubled = false;
    for (;;) {
        const char *quote = memchr(scan->text + at, scan->dialect.quote, scan->end - at);
        if (!quote)
            return scan->last ? CSV_UNTERMINATED : CSV_MORE;
        at = (size_t)(quote - scan->text) + 1;
        if (scan->dialect.escape && is_escaped(scan, begin, at - 1)) {
            *doubled = true;
            continue;
        }
        if (at == scan->end && !scan->last)
            return CSV_MORE;
        if (at == scan->end || scan->text[at] != scan->dialect.quote)
            break;
        *doubled = true;
        at++;
    }
    *close = at - 1;
    return CSV_ROW;
}

/* A quoted field whose text begins at `at`; *next is what follows the closing
 * quote and its blanks. */
static enum csv_result field_quoted(struct csv_scan *scan, size_t at, size_t *next)
{
    size_t close;
    bool doubled;
    enum csv_result result = quote_close(scan, at, &close, &doubled);
    if (result != CSV_ROW)
        return result;
    if (memchr(scan->text + at, '\0', close - at))
        return CSV_NUL;
    scan->many_lines = scan->many_lines || memchr(scan->text + at, '\n', close - at) ||
                       memchr(scan->text + at, '\r', close - at);
    *next = scan->dialect.separator == ' ' ? close + 1 : blanks_skip(scan, close + 1);
    if (*next == scan->end)
        result = scan->last ? CSV_ROW : CSV_MORE;
    else if (!is_separator(scan, scan->text[*next]) && !is_line_end(scan->text[*next]))
        result = CSV_TEXT_AFTER_QUOTE;
    if (result == CSV_ROW)
        result = field_add(scan, at, close, true);
    doubled = doubled || (scan->dialect.escape && memchr(scan->text + at, scan->dialect.escape, close - at));
    if (result == CSV_ROW && doubled)
        scan->doubled[scan->n_doubled++] = scan->n_fields - 1;
    return result;
}

static inline enum csv_result field_scan(struct csv_scan *scan, size_t at, size_t *next)
{
    if (at < scan->end && (scan->text[at] == scan->dialect.quote || is_blank(scan, scan->text[at])) &&
        scan->dialect.quote) {
        size_t quote = blanks_skip(scan, at);
        if (quote < scan->end && scan->text[quote] == scan->dialect.quote)
            return field_quoted(scan, quote + 1, next);
    }
    *next = special_find(scan, at);
    const char *tab = scan->dialect.separator == ' ' ? memchr(scan->text + at, '\t', *next - at) : NULL;
    if (tab)
        *next = (size_t)(tab - scan->text);
    if (*next == scan->end && !scan->last)
        return CSV_MORE;
    if (*next < scan->end && scan->text[*next] == '\0')
        return CSV_NUL;
    return field_add(scan, at, *next, false);
}

/* The fields of one line; *next is its line end, or the end. */
static enum csv_result line_scan(struct csv_scan *scan, size_t at, size_t *next)
{
    for (;;) {
        enum csv_result result = field_scan(scan, at, next);
        if (result != CSV_ROW)
            return result;
        if (*next == scan->end || is_line_end(scan->text[*next]))
            return CSV_ROW;
        at = *next + 1;
    }
}

/* The same where runs of blanks separate: those at the line's ends separate
 * nothing. */
static enum csv_result line_scan_blanks(struct csv_scan *scan, size_t at, size_t *next)
{
    for (;;) {
        while (at < scan->end && is_separator(scan, scan->text[at]))
            at++;
        if (at < scan->end && !is_line_end(scan->text[at])) {
            enum csv_result result = field_scan(scan, at, next);
            if (result != CSV_ROW)
                return result;
            at = *next;
            continue;
        }
        *next = at;
        return at == scan->end && !scan->last ? CSV_MORE : CSV_ROW;
    }
}

/* Halve the doubled quotes. The texts move to `unquoted`, since the buffer is
 * not ours to change. */
static bool doubled_halve(struct csv_scan *scan)
{
    size_t n_bytes = 0;
    for (uint32_t i = 0; i < scan->n_doubled; i++)
        n_bytes += scan->fields[scan->doubled[i]].length;
    if (!csv_scan_room(scan, n_bytes))
        return false;
    char *to = scan->unquoted;
    for (uint32_t i = 0; i < scan->n_doubled; i++) {
        struct csv_field *field = &scan->fields[scan->doubled[i]];
        char *begin = to;
        for (uint32_t j = 0; j < field->length; j++) {
            bool escaped =
                scan->dialect.escape && field->text[j] == scan->dialect.escape && j + 1 < field->length &&
                (field->text[j + 1] == scan->dialect.quote || field->text[j + 1] == scan->dialect.escape);
            j += escaped;
            *to++ = field->text[j];
            j += !escaped && field->text[j] == scan->dialect.quote;
        }
        field->text = begin;
        field->length = (uint32_t)(to - begin);
    }
    return true;
}

uint64_t csv_line_ends(const char *text, size_t n_bytes)
{
    uint64_t n = 0;
    for (size_t i = 0; i < n_bytes; i++)
        n += text[i] == '\n' || (text[i] == '\r' && (i + 1 == n_bytes || text[i + 1] != '\n'));
    return n;
}

size_t csv_line_end(const struct csv_scan *scan, size_t at)
{
    while (at < scan->end && !is_line_end(scan->text[at]))
        at++;
    return at;
}

/* Go on behind the line end at `at`. False: a CR ends the buffer, and an LF may
 * follow. */
static bool line_end_pass(struct csv_scan *scan, size_t at)
{
    if (scan->text[at] == '\r' && at + 1 == scan->end && !scan->last)
        return false;
    at += scan->text[at] == '\r' && at + 1 < scan->end && scan->text[at + 1] == '\n' ? 2 : 1;
    scan->at = at;
    scan->n_lines++;
    return true;
}

/* Skip lines of blanks and comments. True when a row begins at `at`, before the
 * limit. */
static bool row_find(struct csv_scan *scan)
{
    while (scan->at < scan->limit) {
        size_t at = blanks_skip(scan, scan->at);
        while (scan->dialect.separator == ' ' && at < scan->end && is_separator(scan, scan->text[at]))
            at++;
        bool comment = at < scan->end && scan->dialect.comment && scan->text[at] == scan->dialect.comment;
        if (comment)
            at = csv_line_end(scan, at);
        if (at == scan->end)
            return false;
        if (!is_line_end(scan->text[at]))
            return true;
        if (!line_end_pass(scan, at))
            return false;
        scan->n_comments += comment;
        scan->n_empty += !comment;
    }
    return false;
}

bool csv_scan_skip_line(struct csv_scan *scan)
{
    size_t at = csv_line_end(scan, scan->at);
    if (at == scan->end && scan->last) {
        scan->at = at;
        return true;
    }
    return at < scan->end && line_end_pass(scan, at);
}

/* Line ends within the row's quoted fields. */
static uint64_t line_ends_within(const struct csv_scan *scan, size_t at, size_t end)
{
    uint64_t n = 0;
    for (; at < end; at++)
        n += scan->text[at] == '\n' || (scan->text[at] == '\r' && scan->text[at + 1] != '\n');
    return n;
}

enum csv_result csv_scan_row(struct csv_scan *scan)
{
    size_t next;
    scan->n_fields = 0;
    scan->n_doubled = 0;
    if (!row_find(scan)) {
        bool cut =
            scan->at < scan->limit && !scan->last; /* blanks up to the buffer's end: the line may go on */
        if (cut)
            return scan->end - scan->at > CSV_ROW_BYTES_MAX ? CSV_ROW_TOO_LONG : CSV_MORE;
        if (scan->at < scan->limit)
            scan->at = scan->end;
        return CSV_END;
    }
    scan->row_at = scan->at;
    scan->row_line = scan->n_lines;
    scan->many_lines = false;
    enum csv_result result = scan->dialect.separator == ' ' ? line_scan_blanks(scan, scan->at, &next)
                                                            : line_scan(scan, scan->at, &next);
    if (result == CSV_MORE && scan->end - scan->at > CSV_ROW_BYTES_MAX)
        result = CSV_ROW_TOO_LONG;
    if (result != CSV_ROW)
        return result;
    if (next - scan->at > CSV_ROW_BYTES_MAX)
        return CSV_ROW_TOO_LONG;
    if (scan->n_doubled > 0 && !doubled_halve(scan))
        return CSV_MEMORY;
    if (next == scan->end)
        scan->at = next;
    else if (!line_end_pass(scan, next))
        return CSV_MORE;
    if (scan->many_lines)
        scan->n_lines += line_ends_within(scan, scan->row_at, next);
    return CSV_ROW;
}

bool csv_describe(enum csv_result result, uint64_t row, uint32_t field, struct err *err)
{
    static const char *const sentences[] = {
        [CSV_UNTERMINATED] = "a quoted value begins in row %llu, field %u, and its closing quote is missing",
        [CSV_TEXT_AFTER_QUOTE] = "row %llu, field %u: text follows the closing quote; a quote inside a "
                                 "quoted value is written twice",
        [CSV_NUL] = "row %llu, field %u holds a NUL byte: this is not a text file",
        [CSV_NOT_A_NUMBER] = "row %llu, field %u holds text, and its column was said to be of numbers",
    };
    unsigned long long n = row;
    switch (result) {
    case CSV_MEMORY:
        return err_memory(err, "the fields of a row");
    case CSV_TOO_MANY_FIELDS:
        err_set(err, ERR_LIMIT, "row %llu has more than %u fields", n, CSV_COLUMNS_MAX);
        break;
    case CSV_ROW_TOO_LONG:
        err_set(err, ERR_LIMIT, "row %llu is longer than %zu MB; is a closing quote missing?", n,
                CSV_ROW_BYTES_MAX >> 20);
        break;
    default:
        err_set(err, ERR_INPUT, sentences[result], n, field + 1);
    }
    return err_at(err, row, "");
}
