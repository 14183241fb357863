/* CSV bytes to fields (RFC 4180), and text to numbers. What table_ingest and CSV predictions read with. */
#ifndef MLP_CSV_H
#define MLP_CSV_H

#include "mlp/err.h"

#include <stddef.h>
#include <stdint.h>

struct csv_field {
    const char *text; /* not terminated; quotes taken off and doubled quotes halved */
    uint32_t length;
    bool quoted;
};

/* A reader over a whole buffer in memory, for small bodies (predictions, the head of a file). Threads: one reader, one thread. */
struct csv_reader;
/* `bytes` must outlive the reader. separator 0: guessed from the head. The coding is found out (UTF-8, UTF-16, Windows-1252), and fields
 * come in UTF-8; leading comments are skipped. NULL: out of memory. */
struct csv_reader *csv_reader_new(const char *bytes, size_t n_bytes, char separator, struct err *err);
/* The same with more told, as for table_ingest: separator, quote, decimal, comment, encoding, titles (guessed: rows of one field above a
 * header of several), and `missing`: a field that is one of these comes empty. The rest of the options does not concern a reader. They must outlive it. */
struct csv_options;
struct csv_reader *csv_reader_open(const char *bytes, size_t n_bytes, const struct csv_options *options, struct err *err);
void csv_reader_free(struct csv_reader *reader);
char csv_reader_separator(const struct csv_reader *reader);
char csv_reader_decimal(const struct csv_reader *reader); /* before the decimals of its numbers: '.' or ',' */
/* The next row: *fields (valid until the next call) and *n_fields; blank lines are skipped. Returns 1, 0 at the end, -1 with *err. */
int csv_reader_next(struct csv_reader *reader, const struct csv_field **fields, uint32_t *n_fields, struct err *err);

/* Text without the blanks around it, unless it was quoted. */
struct csv_field csv_field_trim(struct csv_field field);

/* Whether the text, blanks around it aside, is a decimal number ("-1.5e3", ".5", "7."); then *value is the nearest float, exactly as
 * strtof in the C locale would give. "nan", "inf" and hexadecimal are not numbers here. */
bool number_parse(const char *text, size_t length, float *value);
/* The same with another mark before the decimals: ',' in "1,5". */
bool number_parse_mark(const char *text, size_t length, char mark, float *value);
/* The same where groups of three digits may be set apart by `group`: '.' in "1.234.567,5"; ' ' is any kind of blank; '\0': none. `plain` is the
 * number without them and with a point before its decimals, terminated; "" where that is the text itself. */
#define NUMBER_PLAIN_MAX 64
bool number_parse_groups(const char *text, size_t length, char mark, char group, float *value, char plain[NUMBER_PLAIN_MAX]);

/* The whole numbers from 0 to 255 that follow one another at text[*at..end), where one or a blank before it begins, `most` at most, as JSON has
 * them: no zero before other digits, a comma behind each and perhaps a blank behind that. 64 bytes at a time, for pixels: it may stop up to 31
 * before `most`, and takes none where *at is below 3. Returns how many; *at goes behind the last one's comma. */
uint32_t bytes_parse(const char *text, size_t *at, size_t end, float *values, uint32_t most);

/* Whether the text, blanks around it aside, is a truth in any case: true, yes, t, y, 1 (then *truth is 1), false, no, f, n, 0 (0). */
bool truth_parse(const char *text, size_t length, float *truth);

/* Whether the text, blanks around it aside, stands for a missing value: empty, NA, N/A, null, NaN, ?, -, . (any case). */
bool text_is_missing(const char *text, size_t length);

#endif
