/* Text to numbers, truths and missing values. Pure functions: any thread. */
#ifndef MLP_NUMBER_H
#define MLP_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the text, blanks around it aside, is a decimal number ("-1.5e3",
 * ".5", "7."); then *value is the nearest float, exactly as strtof in the C
 * locale would give. "nan", "inf" and hexadecimal are not numbers here. */
bool number_parse(const char *text, size_t length, float *value);
/* The same with another decimal point: ',' in "1,5". */
bool number_parse_point(const char *text, size_t length, char decimal_point, float *value);
/* The same where groups of three digits may be set apart by a thousands
 * separator: '.' in "1.234.567,5"; ' ' is any kind of blank; '\0': none. `plain`
 * is the number without them and with a point before its decimals, terminated;
 * "" where that is the text itself. */
#define NUMBER_PLAIN_MAX 64
bool number_parse_groups(const char *text, size_t length, char decimal_point, char thousands_separator,
                         float *value, char plain[NUMBER_PLAIN_MAX]);

/* The whole numbers from 0 to 255 that follow one another at text[*at..end),
 * where one or a blank before it begins, `most` at most, as JSON has them: no
 * zero before other digits, a comma behind each and perhaps a blank behind
 * that. 64 bytes at a time, for pixels: it may stop up to 31 before `most`, and
 * takes none where *at is below 3. Returns how many; *at goes behind the last
 * one's comma. */
uint32_t bytes_parse(const char *text, size_t *at, size_t end, float *values, uint32_t most);

/* Whether the text, blanks around it aside, is a truth in any case: true, yes,
 * t, y, 1 (then *truth is 1), false, no, f, n, 0 (0). */
bool truth_parse(const char *text, size_t length, float *truth);

/* Whether the text, blanks around it aside, stands for a missing value: empty,
 * NA, N/A, null, NaN, ?, -, . (any case). */
bool text_is_missing(const char *text, size_t length);

#endif
