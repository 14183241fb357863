/* The strict JSON scanner's numbers. */
#include "json/scan.h"

#include "mlp/number.h"

#include <math.h>
#include <string.h>

#define VERSION_MAX 9999999
#define VERSION_LENGTH 7 /* of a text that a float tells from every other: 1.00000001 is not 1 */
#define BYTES_EVERY 16   /* numbers that are no bytes, until bytes are looked for again */

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

/* A number's parts: mantissa * 10^exponent, as long as `exact`. */
struct parts {
    uint64_t mantissa;
    int exponent, n_digits;
    bool negative;
};

/* Whether all eight bytes are digits (each byte's high half is 3, and stays so
 * with 6 added), and their number. */
static bool eight_digits(const char *at, uint32_t *number)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    if (((word & 0xF0F0F0F0F0F0F0F0u) | ((word + 0x0606060606060606u) & 0xF0F0F0F0F0F0F0F0u) >> 4) !=
        0x3333333333333333u)
        return false;
    word &= 0x0F0F0F0F0F0F0F0Fu;
    word = word * 10 + (word >> 8); /* pairs, in every other byte; the first digit is the lowest byte */
    word = (word & 0x00FF00FF00FF00FFu) * 100 + (word >> 16 & 0x00FF00FF00FF00FFu);
    *number = (uint32_t)((word & 0xFFFF) * 10000 + (word >> 32 & 0xFFFF));
    return true;
}

static const char *digits_eight(const char *at, const char *end, struct parts *parts)
{
    uint32_t number;

    while (end - at >= 8 && parts->n_digits <= 11 && eight_digits(at, &number)) {
        if (parts->mantissa > 0)
            parts->n_digits += 8;
        else
            for (uint32_t rest = number; rest > 0; rest /= 10)
                parts->n_digits++;
        parts->mantissa = parts->mantissa * 100000000 + number;
        at += 8;
    }
    return at;
}

static const char *digits_scan(struct scan *scan, struct parts *parts)
{
    const char *at = digits_eight(scan->at, scan->end, parts), *end = scan->end;
    uint64_t mantissa = parts->mantissa;
    int n_digits = parts->n_digits;

    for (; at < end && is_digit(*at); at++)
        if (n_digits < 19) {
            mantissa = mantissa * 10 + (uint64_t)(*at - '0');
            n_digits += mantissa > 0;
        } else {
            n_digits = 20; /* too many for the quick way */
        }
    parts->mantissa = mantissa;
    parts->n_digits = n_digits;
    bool some = at > scan->at;
    scan->at = at;
    return some ? NULL : "expected a digit";
}

static const char *exponent_scan(struct scan *scan, struct parts *parts)
{
    struct parts exponent = {0};
    bool negative = false;

    scan->at++;
    if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
        negative = *scan->at++ == '-';
    const char *wrong = digits_scan(scan, &exponent);
    int size = exponent.n_digits > 6 ? 999999 : (int)exponent.mantissa;
    parts->exponent += negative ? -size : size;
    return wrong;
}

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#define POWER_MAX 22
#define DOUBLE_WHOLE (1ull << 53) /* up to it a double holds every whole number */

static bool parts_near(const struct parts *parts, double *near)
{
    if (parts->n_digits > 19 || parts->exponent < -POWER_MAX || parts->exponent > POWER_MAX)
        return false;
    double mantissa = (double)parts->mantissa;
    *near = parts->exponent < 0 ? mantissa / powers[-parts->exponent] : mantissa * powers[parts->exponent];
    return true;
}

/* The quick way to the nearest float: mantissa and an exact power of ten make a
 * double that is at most two units in its last place off, and its nearest float
 * is the text's too, unless the double lies that near to the middle between two
 * floats. False: take the slow way. */
static bool parts_float(const struct parts *parts, float *number)
{
    double value;
    uint64_t bits;

    if (!parts_near(parts, &value))
        return false;
    memcpy(&bits, &value, sizeof bits);
    uint32_t below =
        (uint32_t)(bits & 0x1fffffff); /* what the float does not hold; the middle is 0x10000000 */
    if ((below >= 0x10000000 - 4 && below <= 0x10000000 + 4) || (value != 0 && value < 1e-37) || value > 3e38)
        return false;
    *number = (float)value;
    return true;
}

/* The same for a double: where both are exact, there is one rounding. */
static bool parts_double(const struct parts *parts, double *number)
{
    return parts->mantissa <= DOUBLE_WHOLE && parts_near(parts, number) && *number < 3e38;
}

static const char *fraction_scan(struct scan *scan, struct parts *parts)
{
    const char *begin = ++scan->at;
    const char *wrong = digits_scan(scan, parts);

    /* more digits than an int counts would take the slow way for their
     * number */
    parts->exponent = scan->at - begin < 1000 ? -(int)(scan->at - begin) : -1000;
    return wrong;
}

static inline const char *parts_scan(struct scan *scan, struct parts *parts)
{
    const char *wrong = NULL;

    *parts = (struct parts){.negative = scan->at < scan->end && *scan->at == '-'};
    scan->at += parts->negative;
    if (scan->at < scan->end && *scan->at == '0') {
        if (++scan->at < scan->end && is_digit(*scan->at))
            return "a number does not begin with 0 and a digit";
    } else {
        wrong = digits_scan(scan, parts);
    }
    if (!wrong && scan->at < scan->end && *scan->at == '.')
        wrong = fraction_scan(scan, parts);
    if (!wrong && scan->at < scan->end && (*scan->at == 'e' || *scan->at == 'E'))
        wrong = exponent_scan(scan, parts);
    return wrong;
}

/* The slow way, of a number from `begin` to scan->at. */
static const char *float_parse(struct scan *scan, const char *begin, float *number)
{
    if (number_parse(begin, (size_t)(scan->at - begin), number) && isfinite(*number))
        return NULL;
    scan->at = begin;
    return "the number is too large for single precision";
}

const char *scan_number(struct scan *scan, float *number)
{
    const char *begin = scan->at;
    struct parts parts;
    const char *wrong = parts_scan(scan, &parts);

    if (wrong)
        return wrong;
    if (!parts_float(&parts, number))
        return float_parse(scan, begin, number);
    *number = parts.negative ? -*number : *number;
    return NULL;
}

const char *scan_double(struct scan *scan, double *number)
{
    const char *begin = scan->at;
    struct parts parts;
    float nearest;
    const char *wrong = parts_scan(scan, &parts);

    if (wrong)
        return wrong;
    if (parts_double(&parts, number)) {
        *number = parts.negative ? -*number : *number;
        return NULL;
    }
    if (!(wrong = float_parse(scan, begin, &nearest)))
        number_parse_double(begin, (size_t)(scan->at - begin), '.', number);
    return wrong;
}

static bool digits_skip(struct scan *scan)
{
    const char *begin = scan->at;
    while (scan->at < scan->end && is_digit(*scan->at))
        scan->at++;
    return scan->at > begin;
}

const char *scan_number_skip(struct scan *scan)
{
    scan->at += scan->at < scan->end && *scan->at == '-';
    const char *begin = scan->at;
    if (!digits_skip(scan))
        return "expected a digit";
    if (*begin == '0' && scan->at > begin + 1)
        return "a number does not begin with 0 and a digit";
    if (scan->at < scan->end && *scan->at == '.' && (scan->at++, !digits_skip(scan)))
        return "expected a digit";
    if (scan->at < scan->end && (*scan->at == 'e' || *scan->at == 'E')) {
        scan->at++;
        scan->at += scan->at < scan->end && (*scan->at == '+' || *scan->at == '-');
        if (!digits_skip(scan))
            return "expected a digit";
    }
    return NULL;
}

bool scan_version(struct scan *scan, uint32_t *version)
{
    float number;
    scan_blanks(scan);
    const char *begin = scan->at;
    if (scan_number(scan, &number) != NULL || !scan_whole((double)number, 1, VERSION_MAX) ||
        scan->at - begin > VERSION_LENGTH)
        return false;
    *version = (uint32_t)number;
    return true;
}

/* The zeros at scan->at, four at a time, as the usual writers of floats put
 * them. */
static inline uint32_t zeros_take(struct scan *scan, float *numbers, uint32_t most, const char *pattern,
                                  size_t length)
{
    uint32_t n = 0;

    while (most - n >= 5 && scan->end - scan->at >= 20 && memcmp(scan->at, pattern, length) == 0) {
        memset(numbers + n, 0, 4 * sizeof *numbers);
        n += 4;
        scan->at += length;
    }
    return n;
}

/* A call each: the comparison of a known length is a few instructions, of an
 * unknown one a call. */
static inline uint32_t zeros_scan(struct scan *scan, float *numbers, uint32_t most)
{
    if (scan->end - scan->at < 20 || *scan->at != '0' || scan->at[1] != '.')
        return 0;
    return scan->at[4] == ' ' ? zeros_take(scan, numbers, most, "0.0, 0.0, 0.0, 0.0, ", 20)
                              : zeros_take(scan, numbers, most, "0.0,0.0,0.0,0.0,", 16);
}

/* Of whole numbers up to 255 many at once: a digit's picture is nothing
 * else. */
static uint32_t bytes_scan(struct scan *scan, float *numbers, uint32_t most)
{
    size_t at = (size_t)(scan->at - scan->bytes);
    uint32_t n = bytes_parse(scan->bytes, &at, (size_t)(scan->end - scan->bytes), numbers, most);

    scan->at = scan->bytes + at;
    return n;
}

/* The number at scan->at. False: there is none, or it is wrong. */
static bool number_take(struct scan *scan, float *number, const char **wrong)
{
    char next = scan_peek(scan);

    *wrong = NULL;
    return scan_begins_number(next) && !(*wrong = scan_number(scan, number));
}

const char *scan_numbers(struct scan *scan, float *numbers, uint32_t most, uint32_t *n, bool *comma)
{
    const char *wrong = NULL;
    uint32_t count = 0;

    *comma = false;
    for (uint32_t turn = 0; count < most; turn++) {
        uint32_t many = turn % BYTES_EVERY == 0 ? bytes_scan(scan, numbers + count, most - count) : 0;
        if (scan->at < scan->end && *scan->at == ' ')
            scan->at++;
        many += zeros_scan(scan, numbers + count + many, most - count - many);
        count += many;
        *comma = *comma || many > 0;
        if (count == most || !number_take(scan, &numbers[count], &wrong))
            break;
        count++;
        *comma = scan_take(scan, ',');
        if (!*comma)
            break;
    }
    *n = count;
    return wrong;
}
