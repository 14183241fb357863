/* Text to numbers: decimal text to the nearest float without the C library's
 * locale. Pure functions; any thread. */
#include "mlp/number.h"
#include "base/decimal.h"
#include "base/number_double.h"

#include <string.h>

enum {
    EXACT_DIGITS =
        200, /* midpoints between floats have at most 113 significant digits; what follows only breaks ties */
    POWER_MAX = 70,
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static unsigned digit_of(char c)
{
    return (unsigned)(unsigned char)c - '0';
}

static inline void blanks_trim(const char **text, const char **end)
{
    while (*text < *end && is_blank(**text))
        ++*text;
    while (*end > *text && is_blank((*end)[-1]))
        --*end;
}

/* Correctly rounded by the compiler, so each is off by half a unit in the last
 * place at most. */
static const double powers_of_ten[POWER_MAX + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14,
    1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27, 1e28, 1e29,
    1e30, 1e31, 1e32, 1e33, 1e34, 1e35, 1e36, 1e37, 1e38, 1e39, 1e40, 1e41, 1e42, 1e43, 1e44,
    1e45, 1e46, 1e47, 1e48, 1e49, 1e50, 1e51, 1e52, 1e53, 1e54, 1e55, 1e56, 1e57, 1e58, 1e59,
    1e60, 1e61, 1e62, 1e63, 1e64, 1e65, 1e66, 1e67, 1e68, 1e69, 1e70,
};

/* The sign of decimal - odd * 2^power, exactly. */
static int decimal_compare(const struct decimal *decimal, uint32_t odd, int power)
{
    struct big left, right = {1, {odd}};
    int exponent;
    decimal_digits(decimal, EXACT_DIGITS, &left, &exponent);
    /* left * 10^exponent against right * 2^power, with negative powers taken to
     * the other side */
    int twos = exponent - power;
    big_scale(exponent >= 0 ? &left : &right, 5, 13, exponent >= 0 ? exponent : -exponent);
    big_scale(twos >= 0 ? &left : &right, 2, 31, twos >= 0 ? twos : -twos);
    return big_compare(&left, &right);
}

/* The float of `bits`' pattern for k * 2^quantum, 0 <= k <= 2^24, quantum >=
 * -149: a carry runs into the exponent by itself. */
static float float_make(uint32_t k, int quantum)
{
    uint32_t bits = ((uint32_t)(quantum + 149) << 23) + k;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The nearest float, ties to even, where `near` is within 4 units in the last
 * place of the decimal (or both are 0). */
static float decimal_round(const struct decimal *decimal, double near)
{
    uint64_t bits;
    memcpy(&bits, &near, sizeof bits);
    int exponent =
        (int)(bits >> 52) - 1023; /* near is a normal number: 2^exponent <= near < 2^(exponent + 1) */
    uint64_t mantissa = (bits & ((1ull << 52) - 1)) | 1ull << 52;
    int quantum = exponent - 23 < -149 ? -149 : exponent - 23;
    if (quantum > 104)
        return float_make(1u << 24, 104);
    int shift =
        quantum -
        (exponent - 52); /* bits of the mantissa below the quantum: 29, up to 56 for the smallest floats */
    uint32_t k = (uint32_t)(mantissa >> shift);
    uint64_t rest = mantissa - ((uint64_t)k << shift), half = 1ull << (shift - 1);
    uint64_t distance = rest > half ? rest - half : half - rest;
    int side = rest > half ? 1 : -1;
    if (distance <= 4)
        side = decimal_compare(decimal, 2 * k + 1, quantum - 1);
    k += side > 0 || (side == 0 && (k & 1));
    return float_make(k, quantum);
}

/* What `near` rounds to, where it is known to be within 4 units in its last
 * place of a decimal that rounds to the same float: unless a midpoint between
 * two floats lies between them, or the ends of the range are near. */
static bool near_round(double near, float *value)
{
    uint64_t bits;
    memcpy(&bits, &near, sizeof bits);
    int64_t to_midpoint = (int64_t)(bits & 0x1fffffff) - 0x10000000;
    *value = (float)near;
    return near >= 1.2e-38 && near <= 3.4e38 && (to_midpoint < -4 || to_midpoint > 4);
}

/* Three roundings (mantissa, power, their product) leave `near` within 3.1
 * units in its last place. */
static float decimal_value(const struct decimal *decimal)
{
    int64_t magnitude = decimal->n_digits + decimal->exponent; /* value < 10^magnitude */
    if (decimal->mantissa == 0 || magnitude < -45)
        return 0.0f; /* below 10^-46, and half the smallest float is 7.0e-46 */
    if (magnitude > 39)
        return float_make(1u << 24, 104); /* infinity */
    double near = (double)decimal->mantissa;
    near = decimal->exponent < 0 ? near / powers_of_ten[-decimal->exponent]
                                 : near * powers_of_ten[decimal->exponent];
    if (decimal->exponent == 0 && decimal->n_digits <= 15)
        return (float)near; /* an integer that a double holds: one rounding */
    float value;
    return near_round(near, &value) ? value : decimal_round(decimal, near);
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* Take eight digits at once, if there are eight: pairs, then fours, then
 * all. */
static inline bool eight_digits(const char *at, uint64_t *mantissa)
{
    uint64_t text;
    memcpy(&text, at, sizeof text);
    if (((text & 0xf0f0f0f0f0f0f0f0ull) | ((text + 0x0606060606060606ull) & 0xf0f0f0f0f0f0f0f0ull) >> 4) !=
        0x3333333333333333ull)
        return false;
    text -= 0x3030303030303030ull;
    text = text * 10 + (text >> 8);
    text = ((text & 0x000000ff000000ffull) * 0x000f424000000064ull +
            ((text >> 16) & 0x000000ff000000ffull) * 0x0000271000000001ull) >>
           32;
    *mantissa = *mantissa * 100000000 + text;
    return true;
}
#else
static inline bool eight_digits(const char *at, uint64_t *mantissa)
{
    (void)at;
    (void)mantissa;
    return false;
}
#endif

static inline const char *digits_take(const char *at, const char *end, uint64_t *mantissa)
{
    while (end - at >= 8 && eight_digits(at, mantissa))
        at += 8;
    for (; at < end && digit_of(*at) <= 9; at++)
        *mantissa = *mantissa * 10 + digit_of(*at);
    return at;
}

/* The usual number: at most 19 digits and no exponent. */
struct plain {
    uint64_t mantissa;
    int n_digits, n_decimals;
    bool negative;
};

/* False: the text is none, the general way has to look at it. */
static inline bool plain_take(const char *at, const char *end, char decimal_point, struct plain *plain)
{
    *plain = (struct plain){.negative = at < end && *at == '-'};
    at += plain->negative;
    if (end - at > MANTISSA_DIGITS + 1 || at == end)
        return false;
    const char *point = digits_take(at, end, &plain->mantissa), *last = point;
    plain->n_digits = (int)(point - at);
    if (point < end && *point == decimal_point) {
        last = digits_take(point + 1, end, &plain->mantissa);
        plain->n_decimals = (int)(last - point) - 1;
    }
    plain->n_digits += plain->n_decimals;
    return last == end && plain->n_digits > 0 && plain->n_digits <= MANTISSA_DIGITS;
}

/* Straight to a float. False: the general way has to look at it. */
static bool plain_parse(const char *at, const char *end, char decimal_point, float *value)
{
    struct plain plain;
    if (!plain_take(at, end, decimal_point, &plain))
        return false;
    double near = (double)plain.mantissa / powers_of_ten[plain.n_decimals];
    bool exact = plain.n_decimals == 0 && plain.n_digits <= 15;
    if (!near_round(near, value) && !exact && plain.mantissa != 0)
        return false;
    *value = plain.negative ? -*value : *value;
    return true;
}

bool number_parse_point(const char *text, size_t length, char decimal_point, float *value)
{
    const char *end = text + length;
    struct decimal decimal;
    float magnitude;
    blanks_trim(&text, &end);
    if (plain_parse(text, end, decimal_point, &magnitude)) {
        *value = magnitude;
        return true;
    }
    if (!decimal_parse(text, end, decimal_point, &decimal))
        return false;
    magnitude = decimal_value(&decimal);
    *value = decimal.negative ? -magnitude : magnitude;
    return true;
}

bool number_parse_double(const char *text, size_t length, char decimal_point, double *value)
{
    const char *end = text + length;
    struct decimal decimal;
    struct plain plain;
    double magnitude;
    blanks_trim(&text, &end);
    if (plain_take(text, end, decimal_point, &plain) &&
        double_divide(plain.mantissa, plain.n_decimals, &magnitude)) {
        *value = plain.negative ? -magnitude : magnitude;
        return true;
    }
    if (!decimal_parse(text, end, decimal_point, &decimal))
        return false;
    magnitude = decimal_double(&decimal);
    *value = decimal.negative ? -magnitude : magnitude;
    return true;
}

bool number_parse(const char *text, size_t length, float *value)
{
    return number_parse_point(text, length, '.', value);
}

/* Bytes of the separator between thousands that stands at `at`, 0 where none does.
 * Blanks: space, no-break space, narrow no-break space. */
static size_t group_at(const char *at, const char *end, char thousands_separator)
{
    static const char *const blanks[] = {" ", "\xc2\xa0", "\xe2\x80\xaf", "\xa0"};
    if (thousands_separator != ' ')
        return *at == thousands_separator;
    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++) {
        size_t n = strlen(blanks[i]);
        if ((size_t)(end - at) >= n && memcmp(at, blanks[i], n) == 0)
            return n;
    }
    return 0;
}

/* The number without its groups' marks, a point before its decimals. False: its
 * groups are not of three digits, or it has none. */
static bool groups_take(const char *at, const char *end, char decimal_point, char thousands_separator,
                        char plain[NUMBER_PLAIN_MAX])
{
    size_t n = 0;
    int digits = 0, n_groups = 0;
    bool whole = true; /* before the decimals */
    if (at < end && (*at == '-' || *at == '+'))
        plain[n++] = *at++;
    while (at < end && n + 1 < NUMBER_PLAIN_MAX) {
        size_t skip = whole && thousands_separator ? group_at(at, end, thousands_separator) : 0;
        if (skip > 0) {
            if (digits == 0 || digits > 3 || (n_groups > 0 && digits != 3))
                return false;
            n_groups++;
            digits = 0;
            at += skip;
            continue;
        }
        bool digit = digit_of(*at) <= 9;
        if (whole && !digit && n_groups > 0 && digits != 3)
            return false;
        whole = whole && digit;
        digits += digit;
        plain[n++] = *at == decimal_point ? '.' : *at;
        at++;
    }
    plain[n] = 0;
    return at == end && (n_groups > 0 || decimal_point != '.') && (!whole || n_groups == 0 || digits == 3);
}

bool number_parse_groups(const char *text, size_t length, char decimal_point, char thousands_separator,
                         float *value, char plain[NUMBER_PLAIN_MAX])
{
    const char *end = text + length;
    plain[0] = 0;
    blanks_trim(&text, &end);
    if ((thousands_separator || decimal_point != '.') &&
        groups_take(text, end, decimal_point, thousands_separator, plain) &&
        number_parse(plain, strlen(plain), value))
        return true;
    plain[0] = 0;
    return number_parse_point(text, (size_t)(end - text), decimal_point, value);
}
