/* libFuzzer target: any text as a date and as a number. A date's text reads as
 * the same moment, a number is strtof's, and what strtof calls a plain decimal
 * is one here. The first byte chooses the format. */
#include "fuzz.h"
#include "mlp/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a table might hold, sound or not. */
static void split_check(const struct fuzz_input *input, struct date_format format)
{
    double value = NAN;
    char text[DATE_TEXT_MAX];
    memcpy(&value, input->at, input->n < sizeof value ? input->n : sizeof value);
    struct date_parts parts = date_split(value);
    require(parts.year >= 0 && parts.year <= 10000 && parts.month >= 1 && parts.month <= 12 &&
                parts.day >= 1 && parts.day <= 31,
            "any value is some date");
    require(parts.weekday >= 0 && parts.weekday < 7 && parts.seconds > -1e-9 && parts.seconds <= DATE_DAY,
            "and some time");
    require(date_text(value, format, text) == strlen(text), "a date's text has its length");
}

static void dates_check(const char *text, size_t n, uint8_t choice)
{
    double values[DATE_ORDERS], back;
    char written[DATE_TEXT_MAX];
    uint32_t fits = date_read(text, n, values);
    require(fits < 1u << DATE_ORDERS, "there are so many orders");
    for (int order = 0; order < DATE_ORDERS; order++) {
        if (!(fits & 1u << order))
            continue;
        struct date_format format = {.order = (enum date_order)order, .separator = "-/."[choice % 3]};
        if (order > DATE_MDY)
            break;                                 /* times and periods come back in their own way, below */
        int year = date_split(values[order]).year; /* a zone may lead out of the years that can be written */
        uint32_t length = date_text(values[order], format, written);
        require(isfinite(values[order]) && length < DATE_TEXT_MAX, "a date is finite and its text fits");
        require(year < 1 || year > 9999 ||
                    (date_parse(written, length, format, &back) && fabs(back - values[order]) < 1e-5),
                "a date's text reads as the date");
    }
    if ((fits & 6) == 6)
        require(date_swap(values[DATE_DMY]) == values[DATE_MDY], "day and month change places");
    if (fits)
        require(fits & 1u << date_format_choose(fits, text, n).order, "the chosen order is a possible one");
}

/* A column of this one text: its format writes the value, and has a name. */
static void style_check(const char *text, size_t n, bool compact)
{
    struct date_reading reading;
    char written[DATE_TEXT_MAX], name[DATE_FORMAT_MAX];
    double back = NAN;
    if (!date_examine(text, n, compact, &reading))
        return;
    struct date_format format = date_format_make(reading.orders, reading.separator, reading.seen), found;
    double value = reading.values[format.order];
    int year = date_split(value).year;
    require(reading.orders & 1u << format.order, "the format is one of the text's");
    uint32_t length = date_text(value, format, written);
    require(length == strlen(written) && length < DATE_TEXT_MAX, "a date's text has its length");
    require(year < 1 || year > 9999 ||
                (date_parse(written, length, format, &back) && fabs(back - value) < 1e-5),
            "what its own style writes reads as the date");
    date_format_text(format, name);
    require(date_format_find(name, &found) && found.order == format.order, "a format's name is found");
    require(date_text(value, found, written) == length, "and means the same");
}

/* A column of this one text: its format reads the value, and what it writes. */
static void formats_check(const char *text, size_t n)
{
    struct number_shape shape;
    char written[NUMBER_WRITTEN_MAX], name[NUMBER_FORMAT_MAX];
    if (!number_examine(text, n, &shape))
        return;
    require(shape.unit_length < NUMBER_UNIT_MAX, "a unit is short");
    for (int i = 0; i < NUMBER_WRITINGS; i++) {
        struct number_format format = {.bounds = shape.bound,
                                       .parentheses = shape.parentheses,
                                       .unit_first = shape.unit_first,
                                       .unit_apart = shape.unit_apart},
                             found;
        double value = NAN, back = NAN;
        if (!(shape.writings & 1u << i))
            continue;
        number_writing(i, &format);
        if (shape.unit_length > 0)
            memcpy(format.unit, shape.unit, shape.unit_length);
        require(number_read(text, n, &format, &value) && isfinite(value), "a number reads in its writings");
        uint32_t length = number_write(value, &format, false, written);
        require(length == strlen(written), "a number's text has its length");
        require(number_read(written, length, &format, &back) && back == value, "and reads as the number");
        number_format_text(&format, name);
        require(number_format_find(name, &found), "a format's name is found");
    }
    require(!text_is_missing(text, n), "a number is not missing");
}

static void numbers_check(const char *text, size_t n)
{
    float number = NAN, marked = NAN, truth = NAN, grouped = NAN;
    char plain[NUMBER_PLAIN_MAX], *end;
    bool is_number = number_parse(text, n, &number);
    float expected = strtof(text, &end); /* the text ends with NUL */
    bool decimal = n > 0 && strspn(text, "0123456789.eE+-") == n && end == text + n;
    require(!decimal || is_number, "a plain decimal is a number");
    require(!is_number || memcmp(&number, &expected, sizeof number) == 0, "a number is strtof's");
    require(!is_number ||
                (number_parse_point(text, n, '.', &marked) && memcmp(&number, &marked, sizeof number) == 0),
            "a point is a decimal point");
    if (number_parse_groups(text, n, ',', '.', &grouped, plain) && *plain)
        require(strtof(plain, NULL) == grouped, "the plain number is the number");
    if (truth_parse(text, n, &truth))
        require(truth == 0 || truth == 1, "a truth is 0 or 1");
    require(!(is_number && text_is_missing(text, n)), "a number is not missing");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t choice = fuzz_byte(&input);
    char *text = calloc(1, input.n + 1), *exact = malloc(input.n ? input.n : 1);
    memcpy(text, input.at, input.n); /* with a NUL behind it; a sanitizer sees a read beyond `exact` */
    memcpy(exact, input.at, input.n);
    struct date_format format = {.order = (enum date_order)(choice % DATE_ORDERS),
                                 .separator = "-/."[choice / 4 % 3]},
                       found;
    split_check(&input, format);
    dates_check(exact, input.n, choice);
    numbers_check(text, input.n);
    style_check(exact, input.n, choice % 2);
    formats_check(exact, input.n);
    struct number_format number;
    if (number_format_find(text, &number)) {
        char name[NUMBER_FORMAT_MAX];
        number_format_text(&number, name);
        require(strcmp(name, text) == 0, "a number's format has its name");
    }
    if (date_format_find(text, &found)) {
        char name[DATE_FORMAT_MAX];
        date_format_text(found, name);
        require(strcmp(name, text) == 0, "a format has its name");
    }
    free(exact);
    free(text);
    return 0;
}
