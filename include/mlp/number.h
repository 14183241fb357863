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

/* The nearest double to a decimal number with that decimal point; infinite
 * where none is near. */
bool number_parse_double(const char *text, size_t length, char decimal_point, double *value);

#define NUMBER_UNIT_MAX 16 /* bytes of a unit, its NUL too */

/* How a column writes its numbers. All zero: plainly, with a point. A number in
 * percent is what stands there: "5 %" is 5. */
struct number_format {
    char decimal_point;         /* '\0': a point */
    char thousands_separator;   /* '\0': none; ' ': any kind of blank */
    uint8_t n_decimals;         /* every number has so many; 0: as many as it needs */
    bool lakhs;                 /* above the thousands, groups have two digits: 1,00,000 */
    bool unit_first;            /* "$5" */
    bool unit_apart;            /* "5 kg" */
    bool parentheses;           /* negative numbers stand in them: "($5.00)" */
    bool bounds;                /* some are bounds, and read as their number: "<5", ">=10", "~3" */
    char unit[NUMBER_UNIT_MAX]; /* "$", "kg", "%"; "": none */
};
bool number_format_is_plain(const struct number_format *format);

/* Whether the text, blanks of any kind around it aside, is a finite number in
 * the format; the unit may be left out and stand on either side. */
bool number_read(const char *text, size_t length, const struct number_format *format, double *value);
/* The number as the format writes it, a bound as its number; reads as the same
 * value where n_decimals suffice. `single`: it was a float, whose digits suffice.
 * Terminated; returns the length. */
#define NUMBER_WRITTEN_MAX 420
uint32_t number_write(double value, const struct number_format *format, bool single,
                      char text[NUMBER_WRITTEN_MAX]);

/* "$#,##0.00" and back, as spreadsheets name formats: before it '<' where there
 * are bounds, behind it ";()" for parentheses; "0" is the plain one. False: no
 * such format. */
#define NUMBER_FORMAT_MAX 64
void number_format_text(const struct number_format *format, char text[NUMBER_FORMAT_MAX]);
bool number_format_find(const char *text, struct number_format *format);

/* The ways to set apart decimals and thousands, in the order in which a column
 * that suits several is read. */
#define NUMBER_WRITINGS 9
void number_writing(int writing, struct number_format *format); /* sets those three fields */

/* What one text shows of its column's format. */
struct number_shape {
    uint32_t writings; /* bits: in which of them it is a number */
    const char *unit;  /* within the text; unit_length bytes, 0: none */
    uint32_t unit_length;
    bool unit_first, unit_apart;
    bool bound, parentheses;
    bool code;           /* digits alone, a zero before others: "007" */
    uint8_t decimals[2]; /* digits behind a decimal point, behind a decimal comma */
};
/* False: in no writing, or with something around it that is no unit. Units are
 * signs and codes of money, %, those of the SI and other usual ones, and any
 * word of letters after a blank. */
bool number_examine(const char *text, size_t length, struct number_shape *shape);

/* Whether the number is the shortest decimal of its float, so that a float
 * keeps it as it was written: of numbers of up to 6 digits always. */
bool number_fits_float(double value);
/* The shortest decimal of the float, as the nearest double. */
double number_of_float(float value);

/* The whole numbers from 0 to 255 that follow one another at text[*at..end),
 * where one or a blank before it begins, `most` at most, as JSON has them: no
 * zero before other digits, a comma behind each and perhaps a blank behind
 * that. 64 bytes at a time, for pixels: it may stop up to 31 before `most`, and
 * takes none where *at is below 3. Returns how many; *at goes behind the last
 * one's comma. */
uint32_t bytes_parse(const char *text, size_t *at, size_t end, float *values, uint32_t most);

/* Whether the text, blanks around it aside, is a truth in any case: true, yes,
 * t, y, 1 (then *truth is 1), false, no, f, n, 0 (0), and yes and no in other
 * usual languages (ja, nein, oui, non, ...). */
bool truth_parse(const char *text, size_t length, float *truth);
/* The pairs of yes and no that the text is a part of, a bit each: a column whose
 * texts have one in common is of truths. */
uint64_t truth_pairs(const char *text, size_t length);

/* Whether the text, blanks around it aside, stands for a missing value in any
 * column: empty, ?, -, . and what R, pandas, SQL, C and spreadsheets write (NA,
 * N/A, <NA>, null, NaN, -nan, \\N, (null), 1.#IND, 1.#QNAN, #N/A, #NULL!,
 * #DIV/0!, #VALUE!, #REF!, #NUM!, #NAME? and these in German, French and
 * Spanish), in any case. */
bool text_is_missing(const char *text, size_t length);
/* Whether it may do so in a column that otherwise holds numbers or dates: these,
 * signs alone ("--", "*"), infinities, and words such as none, nil, NaT, missing,
 * unknown, not available, n.a., k.A., no data, tbd. In a column of texts they
 * are texts. */
bool text_may_be_missing(const char *text, size_t length);

#endif
