/* A column's type by majority. See ingest_evidence.h. */
#include "table/ingest_evidence.h"

#include <string.h>

enum { LENGTH_MAX = 64, DIGIT_WITHIN = 16 };

/* Every number and date has a digit near its begin. */
static bool has_digit(const char *text, size_t length)
{
    for (size_t i = 0; i < length && i < DIGIT_WITHIN; i++)
        if (text[i] >= '0' && text[i] <= '9')
            return true;
    return false;
}

static void unit_count(struct evidence *evidence, const struct evidence_unit *unit)
{
    for (int i = 0; i < EVIDENCE_UNITS; i++) {
        struct evidence_unit *slot = &evidence->units[i];
        if (slot->n == 0)
            *slot = (struct evidence_unit){.first = unit->first, .apart = unit->apart};
        if (slot->n == 0)
            memcpy(slot->text, unit->text, sizeof slot->text);
        if (slot->n == 0 || strcmp(slot->text, unit->text) == 0) {
            slot->n += unit->n;
            return;
        }
    }
    evidence->n_other_units += unit->n;
}

static void decimals_see(struct evidence *evidence, const uint8_t least[2], const uint8_t most[2])
{
    bool first = evidence->n_numbers == 0;
    for (int i = 0; i < 2; i++) {
        if (first || least[i] < evidence->decimals_least[i])
            evidence->decimals_least[i] = least[i];
        if (first || most[i] > evidence->decimals_most[i])
            evidence->decimals_most[i] = most[i];
    }
}

static void number_add(struct evidence *evidence, const struct number_shape *shape, uint64_t n)
{
    decimals_see(evidence, shape->decimals, shape->decimals);
    evidence->n_numbers += n;
    for (int i = 0; i < NUMBER_WRITINGS; i++)
        evidence->n_written[i] += shape->writings >> i & 1 ? n : 0;
    evidence->n_bounds += shape->bound ? n : 0;
    evidence->n_parentheses += shape->parentheses ? n : 0;
    evidence->n_codes += shape->code ? n : 0;
    if (shape->unit_length > 0) {
        struct evidence_unit unit = {.first = shape->unit_first, .apart = shape->unit_apart, .n = n};
        memcpy(unit.text, shape->unit, shape->unit_length);
        unit_count(evidence, &unit);
    }
}

/* Digits alone, blanks around them aside. */
static bool is_digits(const char *text, size_t length)
{
    while (length > 0 && (*text == ' ' || *text == '\t'))
        text++, length--;
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    for (size_t i = 0; i < length; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return true;
}

static void date_add(struct evidence *evidence, const struct date_reading *reading, uint64_t n)
{
    for (int i = 0; i < DATE_ORDERS; i++)
        evidence->n_dates[i] += reading->orders >> i & 1 ? n : 0;
    if (evidence->n_any_date == 0) {
        evidence->separator = reading->separator;
        evidence->some_date = reading->values[__builtin_ctz(reading->orders)];
    }
    evidence->n_any_date += n;
    evidence->seen |= reading->seen;
}

static void absent_add(struct evidence *evidence, const char *text, size_t length, uint64_t n)
{
    char cut[sizeof evidence->absent] = "";
    memcpy(cut, text, length < sizeof cut - 1 ? length : sizeof cut - 1);
    if (evidence->n_absent == 0)
        memcpy(evidence->absent, cut, sizeof cut);
    else
        evidence->absent_mixed = evidence->absent_mixed || memcmp(evidence->absent, cut, sizeof cut) != 0;
    evidence->n_absent += n;
}

/* Its value in the first of its writings. */
static double some_number(const char *text, size_t length, const struct number_shape *shape)
{
    struct number_format format = {.bounds = true, .parentheses = true};
    double value;
    number_writing(__builtin_ctz(shape->writings), &format);
    if (shape->unit_length > 0)
        memcpy(format.unit, shape->unit, shape->unit_length);
    return number_read(text, length, &format, &value) ? value : 0;
}

void evidence_add(struct evidence *evidence, const char *text, size_t length, uint64_t n)
{
    struct number_shape shape;
    struct date_reading reading;
    evidence->n += n;
    if (length > LENGTH_MAX)
        return;
    if (has_digit(text, length)) {
        if (date_examine(text, length, false, &reading)) {
            date_add(evidence, &reading, n); /* before numbers, of which "3 Mar 2024" has a unit */
        } else if (number_examine(text, length, &shape)) {
            if (evidence->n_numbers == 0)
                evidence->some_number = some_number(text, length, &shape);
            number_add(evidence, &shape, n);
            evidence->n_digits += is_digits(text, length) ? n : 0;
        }
    } else if (text_may_be_missing(text, length)) {
        absent_add(evidence, text, length, n);
    }
}

void evidence_add_date(struct evidence *evidence, const struct date_reading *reading)
{
    evidence->n++;
    date_add(evidence, reading, 1);
}

void evidence_merge(struct evidence *evidence, const struct evidence *below)
{
    evidence->fraction = evidence->fraction || below->fraction;
    if (below->n == 0)
        return;
    if (below->n_numbers > 0)
        decimals_see(evidence, below->decimals_least, below->decimals_most);
    if (evidence->n_any_date == 0) {
        evidence->separator = below->separator;
        evidence->some_date = below->some_date;
    }
    if (evidence->n_numbers == 0)
        evidence->some_number = below->some_number;
    if (below->n_absent > 0) {
        uint64_t n = evidence->n_absent;
        absent_add(evidence, below->absent, strlen(below->absent), 0);
        evidence->n_absent = n + below->n_absent;
        evidence->absent_mixed = evidence->absent_mixed || below->absent_mixed;
    }
    evidence->n += below->n;
    evidence->n_listed += below->n_listed;
    evidence->n_numbers += below->n_numbers;
    for (int i = 0; i < NUMBER_WRITINGS; i++)
        evidence->n_written[i] += below->n_written[i];
    evidence->n_bounds += below->n_bounds;
    evidence->n_parentheses += below->n_parentheses;
    evidence->n_codes += below->n_codes;
    evidence->n_digits += below->n_digits;
    evidence->n_other_units += below->n_other_units;
    for (int i = 0; i < EVIDENCE_UNITS && below->units[i].n > 0; i++)
        unit_count(evidence, &below->units[i]);
    for (int i = 0; i < DATE_ORDERS; i++)
        evidence->n_dates[i] += below->n_dates[i];
    evidence->n_any_date += below->n_any_date;
    evidence->seen |= below->seen;
}

uint64_t evidence_odd_limit(uint64_t n_present)
{
    uint64_t few = n_present / 20 < 3 ? n_present / 20 : 3;
    return n_present >= 1000 ? n_present / 100 : few;
}

/* Of the plain numbers, how many are numbers in the writing too. */
static uint64_t plain_written(const struct evidence_plain *plain, const struct number_format *format)
{
    bool same = (format->decimal_point ? format->decimal_point : '.') == plain->decimal_point;
    return same || !plain->fraction ? plain->n : 0;
}

/* The writing of most numbers; of several, the file's own, then the first. */
static uint64_t writing_choose(const struct evidence *evidence, const struct evidence_plain *plain,
                               struct number_format *format)
{
    uint64_t most = 0;
    for (int own = 1; own >= (plain->told ? 1 : 0); own--)
        for (int i = 0; i < NUMBER_WRITINGS; i++) {
            struct number_format writing = {0};
            number_writing(i, &writing);
            bool is_own = (writing.decimal_point ? writing.decimal_point : '.') == plain->decimal_point;
            uint64_t n = evidence->n_written[i] + plain_written(plain, &writing);
            if (is_own == (own == 1) && n > most) {
                number_writing(i, format);
                most = n;
            }
        }
    return most;
}

/* The unit of at least half of the numbers; returns how many others there
 * are. */
static uint64_t unit_choose(const struct evidence *evidence, uint64_t n_numbers, struct number_format *format)
{
    uint64_t n_with = evidence->n_other_units;
    const struct evidence_unit *most = &evidence->units[0];
    for (int i = 0; i < EVIDENCE_UNITS; i++) {
        n_with += evidence->units[i].n;
        most = evidence->units[i].n > most->n ? &evidence->units[i] : most;
    }
    if (most->n == 0 || 2 * most->n < n_numbers)
        return n_with;
    memcpy(format->unit, most->text, sizeof format->unit);
    format->unit_first = most->first;
    format->unit_apart = most->apart;
    return n_with - most->n;
}

/* The numbers that fit one format; 0: the column is none of numbers. */
static uint64_t number_decide(const struct evidence *evidence, const struct evidence_plain *plain,
                              struct number_format *format)
{
    uint64_t n_numbers = evidence->n_numbers + plain->n;
    bool codes = evidence->n_codes > 0 || plain->code;
    *format = (struct number_format){0};
    if (n_numbers == 0 || (codes && evidence->n_digits == evidence->n_numbers && !plain->fraction))
        return 0;
    uint64_t n = writing_choose(evidence, plain, format);
    uint64_t n_others = unit_choose(evidence, n_numbers, format);
    n = n > n_others ? n - n_others : 0;
    if (2 * evidence->n_bounds > n_numbers)
        n = n > evidence->n_bounds ? n - evidence->n_bounds : 0;
    else
        format->bounds = evidence->n_bounds > 0;
    format->parentheses = evidence->n_parentheses > 0;
    int point = format->decimal_point == ',';
    if (plain->n == 0 && evidence->decimals_least[point] == evidence->decimals_most[point] &&
        evidence->decimals_most[point] < 10 && !number_format_is_plain(format))
        format->n_decimals = evidence->decimals_most[point];
    return n;
}

/* The dates that fit one order. */
static uint64_t date_decide(const struct evidence *evidence, struct date_format *format)
{
    uint64_t most = 0;
    uint32_t orders = 0;
    for (int i = 0; i < DATE_ORDERS; i++) {
        uint64_t n = evidence->n_dates[i];
        orders = n > most ? 1u << i : n == most && n > 0 ? orders | 1u << i : orders;
        most = n > most ? n : most;
    }
    if (most > 0)
        *format = date_format_make(orders, evidence->separator, evidence->seen);
    return most;
}

void evidence_decide(const struct evidence *evidence, const struct evidence_plain *plain,
                     struct verdict *verdict)
{
    struct number_format number;
    struct date_format date = {0};
    uint64_t n = evidence->n + plain->n;
    uint64_t n_numbers = number_decide(evidence, plain, &number), n_dates = date_decide(evidence, &date);
    uint64_t fits = n_numbers >= n_dates ? n_numbers : n_dates;
    bool absent = !evidence->absent_mixed || evidence->n_absent <= fits;
    uint64_t n_present = n - (absent ? evidence->n_absent : 0), n_odd = n_present - fits;
    *verdict = (struct verdict){.type = COLUMN_CATEGORY, .n_odd = n_odd};
    if (fits == 0 || n_odd > evidence_odd_limit(n_present))
        return;
    verdict->type = n_numbers >= n_dates ? COLUMN_NUMBER : COLUMN_DATE;
    verdict->number = number;
    verdict->date = date;
}
