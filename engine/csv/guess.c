/* A file's dialect by its head. Each candidate for the separator splits it, and
 * the one that gives rows of one length with plain values wins. What the user
 * has told comes before all guesses. */
#include "csv/scan.h"
#include "mlp/number.h"

#include <string.h>

enum { GUESS_ROWS = 200, GUESS_BYTES = 64 << 10, GUESS_TITLES = 10, LENGTHS = 64, GUESS_TOP = 3 };

static const char candidates[] = {',', ';', '\t', '|', ' ', ':'};

/* What one candidate made of the head. */
struct split {
    uint32_t n_rows, n_fields, n_clean, n_numeric;
    uint32_t n_split; /* rows of several fields */
    struct {
        uint32_t n_fields, n_rows;
    } lengths[LENGTHS]; /* how many rows have how many fields; rows beyond the first LENGTHS different lengths
                           count as odd */
    uint32_t n_lengths;
    uint32_t top[GUESS_TOP]; /* fields of the first rows */
    bool failed;
};

/* A value that a separator has not torn: a number, something missing, or text
 * without another candidate in it. Blanks are no such sign: texts hold them. */
static bool field_clean(const struct csv_field *field, char separator)
{
    float value;
    if (field->quoted || number_parse(field->text, field->length, &value))
        return true;
    bool numeric = true; /* digits with one comma: a decimal comma, perhaps behind grouped thousands */
    uint32_t n_commas = 0, n_others = 0;
    for (uint32_t i = 0; i < field->length; i++) {
        char c = field->text[i];
        if (c == ',')
            n_commas++;
        else if (c != separator && c != ' ' && c != ':' && memchr(candidates, c, sizeof candidates))
            n_others++;
        else
            numeric = numeric && ((c >= '0' && c <= '9') || memchr("-+ .'%$", c, 7));
    }
    return n_others == 0 && (n_commas == 0 || (n_commas == 1 && numeric));
}

static void length_count(struct split *split, uint32_t n_fields)
{
    for (uint32_t i = 0; i < split->n_lengths; i++) {
        if (split->lengths[i].n_fields == n_fields) {
            split->lengths[i].n_rows++;
            return;
        }
    }
    if (split->n_lengths == LENGTHS)
        return;
    split->lengths[split->n_lengths].n_fields = n_fields;
    split->lengths[split->n_lengths++].n_rows = 1;
}

/* The next row, read as leniently as it takes; false at the end, or for a lack
 * of memory. */
static bool row_lenient(struct csv_scan *scan, enum csv_result *result, bool *failed)
{
    bool unclosed;
    *result = csv_scan_row(scan);
    if (*result == CSV_ROW)
        return true;
    if (*result <= CSV_MORE || *result == CSV_MEMORY || !csv_scan_skip_line(scan))
        return false;
    *failed = true;
    enum csv_mending mending = csv_scan_mend(scan, 0, &unclosed);
    if (mending == MEND_MEMORY)
        *result = CSV_MEMORY;
    return mending != MEND_MEMORY;
}

/* False: out of memory, as everywhere below. */
static bool split_try(struct split *split, const char *text, size_t n_bytes, bool whole,
                      const struct csv_dialect *dialect)
{
    struct csv_scan scan;
    enum csv_result result = CSV_ROW;
    *split = (struct split){0};
    csv_scan_init(&scan, dialect);
    csv_scan_text(&scan, text, n_bytes, whole);
    while (split->n_rows < GUESS_ROWS && row_lenient(&scan, &result, &split->failed)) {
        if (split->n_rows < GUESS_TOP)
            split->top[split->n_rows] = scan.n_fields;
        split->n_rows++;
        split->n_split += scan.n_fields > 1;
        length_count(split, scan.n_fields);
        split->n_fields += scan.n_fields;
        for (uint32_t i = 0; i < scan.n_fields; i++) {
            float value;
            split->n_clean += field_clean(&scan.fields[i], dialect->separator);
            split->n_numeric += number_parse(scan.fields[i].text, scan.fields[i].length, &value);
        }
    }
    csv_scan_done(&scan);
    return result != CSV_MEMORY;
}

/* What is left of a score where the first rows do not agree with the rest. */
#define SCORE_UNLED 0.4
/* From which score on blanks and colons are no candidates: of a separator with
 * which the first rows agree, and of one that splits them, too. */
#define SCORE_WEAK 0.45
#define SCORE_WEAK_SPLIT 0.9
/* A separator splits one of so many rows. */
enum { SPLIT_SHARE = 4 };

/* Whether the first rows, a header among them, are as long as most. */
static bool header_agrees(const struct split *split, uint32_t n_fields)
{
    for (uint32_t i = 1; i < GUESS_TOP && i < split->n_rows; i++)
        if (split->top[i] != n_fields)
            return false;
    /* a header may lack a name for the rows' own names */
    return split->top[0] == n_fields ||
           (split->n_rows > GUESS_TOP && split->top[0] + 1 == n_fields && n_fields > 2);
}

/* 0 for a candidate that separates nothing, or next to nothing; else the share
 * of rows with the commonest length times the share of clean fields. */
static double split_score(const struct split *split, uint32_t *n_fields)
{
    uint32_t best = 0;
    *n_fields = 0;
    for (uint32_t i = 0; i < split->n_lengths; i++) {
        bool longer = split->lengths[i].n_rows == best && split->lengths[i].n_fields > *n_fields;
        if (split->lengths[i].n_fields > 1 && (split->lengths[i].n_rows > best || longer)) {
            best = split->lengths[i].n_rows;
            *n_fields = split->lengths[i].n_fields;
        }
    }
    if (split->n_split * SPLIT_SHARE < split->n_rows && split->top[0] < 2)
        *n_fields = 0;
    if (*n_fields < 2)
        return 0;
    return (double)best / split->n_rows * split->n_clean / split->n_fields;
}

/* Whether the text begins with a time of day. */
static bool is_time(const char *text, size_t n_bytes)
{
    size_t colon = n_bytes > 0 && memchr(text, ':', n_bytes)
                       ? (size_t)((const char *)memchr(text, ':', n_bytes) - text)
                       : 0;
    return colon > 0 && colon + 1 < n_bytes && text[colon - 1] >= '0' && text[colon - 1] <= '9' &&
           text[colon + 1] >= '0' && text[colon + 1] <= '9';
}

static bool separator_guess(const struct csv_dialect *known, const char *text, size_t n_bytes, bool whole,
                            char *found)
{
    double best = 0;
    uint32_t best_fields = 0;
    bool splits_first = false; /* some separator does, and evenly */
    *found = ',';
    for (size_t i = 0; i < sizeof candidates; i++) {
        struct csv_dialect dialect = *known;
        struct split split;
        uint32_t n_fields;
        dialect.separator = candidates[i];
        if (!split_try(&split, text, n_bytes, whole, &dialect))
            return false;
        double score = split_score(&split, &n_fields);
        bool even = score >= SCORE_WEAK_SPLIT && split.top[0] > 1;
        score *= header_agrees(&split, n_fields) ? 1 : SCORE_UNLED;
        /* Blanks stand in any text: they separate only where nothing else does,
         * evenly, and mostly numbers. */
        bool weak = candidates[i] == ' ' || candidates[i] == ':';
        uint32_t share = split.n_rows < 5 || n_fields < 3 ? 2 : 5; /* a part of the fields are numbers */
        if (weak && (best >= SCORE_WEAK || splits_first))
            continue;
        splits_first = splits_first || even;
        if (candidates[i] == ' ' && (score < 0.9 || split.n_numeric * share < split.n_fields))
            continue;
        if (candidates[i] == ':' && (score < 0.8 || split.top[0] < 2 || is_time(text, n_bytes)))
            continue;
        if (score > best + 1e-9 || (score > best - 1e-9 && n_fields > best_fields)) {
            best = score;
            best_fields = n_fields;
            *found = candidates[i];
        }
    }
    return true;
}

/* A comma before the decimals, where some value needs it and none has a point
 * there. */
static bool decimal_guess(const struct csv_dialect *dialect, const char *text, size_t n_bytes, bool whole,
                          char *found)
{
    uint32_t n_rows = 0, n_commas = 0, n_points = 0;
    enum csv_result result = CSV_ROW;
    struct csv_scan scan;
    *found = '.';
    if (dialect->separator == ',')
        return true;
    csv_scan_init(&scan, dialect);
    csv_scan_text(&scan, text, n_bytes, whole);
    while (n_rows++ < GUESS_ROWS && (result = csv_scan_row(&scan)) == CSV_ROW) {
        for (uint32_t i = 0; i < scan.n_fields; i++) {
            const struct csv_field *field = &scan.fields[i];
            float value;
            if (number_parse_point(field->text, field->length, ',', &value))
                n_commas += memchr(field->text, ',', field->length) != NULL;
            else
                n_points += number_parse(field->text, field->length, &value);
        }
    }
    csv_scan_done(&scan);
    if (n_commas > 0 && n_points == 0)
        *found = ',';
    return result != CSV_MEMORY;
}

static bool first_fields(const struct csv_dialect *dialect, const char *text, size_t n_bytes, bool whole,
                         uint32_t *n_fields)
{
    struct csv_scan scan;
    csv_scan_init(&scan, dialect);
    csv_scan_text(&scan, text, n_bytes, whole);
    enum csv_result result = csv_scan_row(&scan);
    *n_fields = result == CSV_ROW ? scan.n_fields : 0;
    csv_scan_done(&scan);
    return result != CSV_MEMORY;
}

/* The first byte of the first line at or after `at` that is not blank; n_bytes
 * where there is none. */
static size_t line_begin(const char *text, size_t n_bytes, size_t at)
{
    while (at < n_bytes && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r'))
        at++;
    return at;
}

/* A file that begins with '#' begins with a comment, unless that is one line
 * with as many fields as the next: then it is a header. */
static bool comment_guess(const struct csv_dialect *known, const char *text, size_t n_bytes, bool whole,
                          char *comment)
{
    size_t at = line_begin(text, n_bytes, 0);
    *comment = '\0';
    if (at == n_bytes || !memchr("#%!", text[at], 3))
        return true;
    char mark = text[at];
    while (at < n_bytes && text[at] != '\n' && text[at] != '\r')
        at++;
    at = line_begin(text, n_bytes, at);
    *comment = mark;
    if (at < n_bytes && text[at] == mark)
        return true;
    struct csv_dialect with = {.separator = known->separator, .quote = known->quote, .comment = mark},
                       without = with;
    uint32_t n_with, n_without;
    if (!with.separator && !separator_guess(&with, text, n_bytes, whole, &with.separator))
        return false;
    without.separator = with.separator;
    without.comment = '\0';
    if (!first_fields(&with, text, n_bytes, whole, &n_with) ||
        !first_fields(&without, text, n_bytes, whole, &n_without))
        return false;
    if (n_with == 0 || n_with == n_without)
        *comment = '\0';
    return true;
}

size_t csv_preamble(struct csv_dialect *dialect, const char *text, size_t n_bytes)
{
    size_t at = n_bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    if (n_bytes - at < 6 || memcmp(text + at, "sep=", 4) != 0 ||
        (text[at + 5] != '\n' && text[at + 5] != '\r'))
        return at;
    char separator = text[at + 4];
    if (!memchr(candidates, separator, sizeof candidates) ||
        (dialect->separator && dialect->separator != separator))
        return at;
    dialect->separator = separator;
    at += 6;
    return at < n_bytes && text[at - 1] == '\r' && text[at] == '\n' ? at + 1 : at;
}

static bool is_edge(char c)
{
    return c == ',' || c == ';' || c == '\t' || c == '|' || c == '\n' || c == '\r';
}

/* Whether the text in quotes that begins at `at` ends before a separator, in its
 * line. */
static bool quote_ends(const char *text, size_t n_bytes, size_t at)
{
    for (at++; at < n_bytes && text[at] != '\n' && text[at] != '\r'; at++)
        if (text[at] == '\'' && (at + 1 == n_bytes || is_edge(text[at + 1])))
            return true;
    return false;
}

char csv_guess_quote(const char *text, size_t n_bytes)
{
    uint32_t n_good = 0, n_bad = 0;
    if (n_bytes > GUESS_BYTES)
        n_bytes = GUESS_BYTES;
    for (size_t at = 0; at < n_bytes; at++) {
        bool begins =
            at == 0 || is_edge(text[at - 1]) || (text[at - 1] == ' ' && at > 1 && is_edge(text[at - 2]));
        if (begins && text[at] == '"')
            return '"';
        if (begins && text[at] == '\'')
            *(quote_ends(text, n_bytes, at) ? &n_good : &n_bad) += 1;
    }
    return n_good > 1 && n_good > 4 * n_bad ? '\'' : '"';
}

bool csv_guess(struct csv_dialect *dialect, bool guess_comment, const char *text, size_t n_bytes, bool whole)
{
    if (n_bytes > GUESS_BYTES) {
        n_bytes = GUESS_BYTES;
        whole = false;
    }
    if (guess_comment && !comment_guess(dialect, text, n_bytes, whole, &dialect->comment))
        return false;
    if (!dialect->separator && !separator_guess(dialect, text, n_bytes, whole, &dialect->separator))
        return false;
    return dialect->decimal || decimal_guess(dialect, text, n_bytes, whole, &dialect->decimal);
}

/* A row of a title: one text and nothing beside it, or, once there was one,
 * nothing. */
static bool is_title(const struct csv_scan *scan, bool padded, bool below)
{
    uint32_t n_filled = 0, at = 0;
    float value;
    for (uint32_t i = 0; i < scan->n_fields && n_filled < 2; i++) {
        bool filled = csv_field_trim(scan->fields[i]).length > 0;
        n_filled += filled;
        at = filled ? i : at;
    }
    if (n_filled > 1 || (scan->n_fields != 1 && (!padded || scan->n_fields < 3)))
        return false;
    return n_filled == 0 ? below : !number_parse(scan->fields[at].text, scan->fields[at].length, &value);
}

/* How many fields of the row are numbers, or have nothing in them. */
static uint32_t n_no_texts(const struct csv_scan *scan)
{
    uint32_t n = 0;
    float value;
    for (uint32_t i = 0; i < scan->n_fields; i++) {
        struct csv_field field = csv_field_trim(scan->fields[i]);
        n += field.length == 0 || number_parse(field.text, field.length, &value);
    }
    return n;
}

enum below { BELOW_TITLE, BELOW_HEADER, BELOW_NEITHER, BELOW_MEMORY };

/* What a row of several fields is, with those above it: n_widest is the most
 * fields of a title among them that has commas in it, 0 where none has. Such a
 * title is narrower than the rows below it; a header under it is as wide as
 * they are, and no text like it. */
static enum below row_tell(const struct csv_scan *row, uint32_t n_widest, bool whole)
{
    struct csv_scan next;
    if (row->n_fields < 2 || n_no_texts(row) > 0)
        return BELOW_NEITHER;
    csv_scan_init(&next, &row->dialect);
    csv_scan_text(&next, row->text + row->at, row->end - row->at, whole);
    enum csv_result result = csv_scan_row(&next);
    enum below told = n_widest == 0 ? BELOW_HEADER : BELOW_NEITHER;
    if (result == CSV_ROW && next.n_fields > row->n_fields && next.n_fields > 2)
        told = BELOW_TITLE;
    else if (n_widest > 0 && result == CSV_ROW && row->n_fields > n_widest &&
             next.n_fields == row->n_fields && n_no_texts(&next) > 0)
        told = BELOW_HEADER;
    csv_scan_done(&next);
    return result == CSV_MEMORY ? BELOW_MEMORY : told;
}

size_t csv_titles(const struct csv_dialect *dialect, const struct csv_options *options, const char *text,
                  size_t n_bytes, bool whole, bool padded, uint32_t *n_rows)
{
    struct csv_scan scan;
    enum csv_result result = CSV_ROW;
    enum below below = BELOW_TITLE;
    int told = options->titles == 0 && options->header < 0 ? -1 : options->titles;
    uint32_t n = 0, n_most = told > 0 ? (uint32_t)told : told == 0 ? GUESS_TITLES : 0, n_widest = 0;
    size_t end = 0;
    csv_scan_init(&scan, dialect);
    csv_scan_text(&scan, text, n_bytes, whole);
    while (n < n_most && (result = csv_scan_row(&scan)) == CSV_ROW) {
        if (told == 0 && !is_title(&scan, padded, n > 0)) {
            below = row_tell(&scan, n_widest, whole);
            if (below != BELOW_TITLE)
                break;
            n_widest = scan.n_fields > n_widest ? scan.n_fields : n_widest;
        }
        n++;
        end = scan.at;
    }
    if (told <= 0 && below != BELOW_HEADER)
        n = 0;
    csv_scan_done(&scan);
    *n_rows = n;
    return result == CSV_MEMORY || below == BELOW_MEMORY ? SIZE_MAX : n > 0 ? end : 0;
}

struct csv_dialect dialect_told(const struct csv_options *options)
{
    char quote = options->quote == 0 ? '"' : '\0';
    char decimal = options->thousands == '.' ? ',' : options->thousands == ',' ? '.' : '\0';
    return (struct csv_dialect){.separator = options->separator,
                                .decimal = options->decimal ? options->decimal : decimal,
                                .thousands = options->thousands,
                                .quote = options->quote > 0 ? (char)options->quote : quote,
                                .comment = options->comment > 0 ? (char)options->comment : '\0'};
}

struct csv_field csv_field_trim(struct csv_field field)
{
    while (!field.quoted && field.length > 0 && (field.text[0] == ' ' || field.text[0] == '\t')) {
        field.text++;
        field.length--;
    }
    while (!field.quoted && field.length > 0 &&
           (field.text[field.length - 1] == ' ' || field.text[field.length - 1] == '\t'))
        field.length--;
    return field;
}

bool csv_missing(const struct csv_options *options, const struct csv_field *field)
{
    struct csv_field text = csv_field_trim(*field);
    for (uint32_t i = 0; i < options->n_missing; i++)
        if (strlen(options->missing[i]) == text.length &&
            memcmp(options->missing[i], text.text, text.length) == 0)
            return true;
    return false;
}
