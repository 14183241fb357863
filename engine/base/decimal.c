/* Decimal numbers, taken apart and rounded to doubles. See base/decimal.h. */
#include "base/decimal.h"

#include <math.h>
#include <string.h>

enum {
    DOUBLE_DIGITS = 770, /* midpoints between doubles have at most 767 significant digits */
    DOUBLE_GUARD = 66,   /* bits of a quotient: a double's 53, what rounds them, and some */
};

/* Beyond any number and any length of text that could balance it; leaves room
 * for the sums. */
static const int64_t exponent_cap = 1000000000000000;

static unsigned digit_of(char c)
{
    return (unsigned)(unsigned char)c - '0';
}

/* Reads "e+12" up to the very end. */
static bool exponent_parse(const char *at, const char *end, int64_t *exponent)
{
    bool negative = false;
    int64_t value = 0;
    at++;
    if (at < end && (*at == '+' || *at == '-'))
        negative = *at++ == '-';
    if (at == end)
        return false;
    for (; at < end; at++) {
        if (digit_of(*at) > 9)
            return false;
        if (value < exponent_cap)
            value = value * 10 + (int64_t)digit_of(*at);
    }
    *exponent += negative ? -value : value;
    return true;
}

/* Text of any length: digits beyond the 19th only count. */
static void digits_parse(const char *at, const char *end, char decimal_point, struct decimal *out, bool *any)
{
    bool point = false;
    int64_t exponent = 0;
    for (; at < end; at++) {
        unsigned digit = digit_of(*at);
        if (digit > 9) {
            if (*at != decimal_point || point)
                break;
            point = true;
            continue;
        }
        *any = true;
        if (out->n_digits == 0 && digit != 0)
            out->digits = at;
        if (out->n_digits < MANTISSA_DIGITS) {
            out->mantissa = out->mantissa * 10 + digit;
            out->n_digits += out->mantissa != 0;
            exponent -= point;
        } else {
            exponent += !point;
        }
    }
    out->end = at;
    out->exponent = exponent;
}

bool decimal_parse(const char *at, const char *end, char decimal_point, struct decimal *out)
{
    bool any = false;
    *out = (struct decimal){0};
    if (at < end && (*at == '+' || *at == '-'))
        out->negative = *at++ == '-';
    digits_parse(at, end, decimal_point, out, &any);
    if (!any)
        return false;
    if (out->end == end)
        return true;
    return (*out->end == 'e' || *out->end == 'E') && exponent_parse(out->end, end, &out->exponent);
}

void decimal_digits(const struct decimal *decimal, int n_exact, struct big *big, int *exponent)
{
    int n = 0, cut = 0;
    bool sticky = false;
    *big = (struct big){0};
    for (const char *at = decimal->digits; at < decimal->end; at++) {
        unsigned digit = digit_of(*at);
        if (digit > 9)
            continue;
        if (n < n_exact) {
            big_multiply_add(big, 10, digit);
            n++;
        } else {
            cut = 1;
            sticky = sticky || digit != 0;
        }
    }
    big_multiply_add(big, cut ? 10 : 1, sticky);
    *exponent = (int)decimal->exponent + decimal->n_digits - n - cut;
}

/* The integer's 64 highest bits, the highest a one; *sticky where lower ones are
 * set. `bits` of zero are none. */
static uint64_t top_bits(const struct big *big, int bits, bool *sticky)
{
    uint64_t top = 0;
    for (int bit = bits - 1; bit >= bits - 64; bit--)
        top = top << 1 | (bit >= 0 ? big->limbs[bit / 32] >> (bit % 32) & 1 : 0);
    for (int bit = bits - 65; bit >= 0 && !*sticky; bit--)
        *sticky = big->limbs[bit / 32] >> (bit % 32) & 1;
    return top;
}

/* The double nearest to top * 2^power, and a little more where `sticky`. */
static double double_make(uint64_t top, int power, bool sticky)
{
    int exponent = power + 63, drop = exponent < -1022 ? 11 - 1022 - exponent : 11;
    if (drop > 64)
        return 0;
    uint64_t mantissa = drop < 64 ? top >> drop : 0, half = 1ull << (drop - 1);
    uint64_t rest = drop < 64 ? top & ((1ull << drop) - 1) : top;
    mantissa += rest > half || (rest == half && (sticky || (mantissa & 1)));
    if (exponent > 1023)
        return INFINITY;
    /* a carry runs into the exponent by itself, up to infinity */
    uint64_t bits = exponent < -1022 ? mantissa : mantissa + ((uint64_t)(exponent + 1022) << 52);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* By division of integers: the quotient's bits, and whether anything is left. */
static double exact_double(const struct decimal *decimal)
{
    struct big big;
    int exponent, shift = 0;
    bool sticky = false;
    decimal_digits(decimal, DOUBLE_DIGITS, &big, &exponent);
    if (exponent >= 0) {
        big_scale(&big, 10, 9, exponent);
    } else {
        int wanted = -exponent * 3322 / 1000 + 1 + DOUBLE_GUARD;
        shift = wanted > big_bits(&big) ? wanted - big_bits(&big) : 0;
        big_scale(&big, 2, 31, shift);
        for (int left = -exponent; left > 0; left -= 9) {
            uint32_t divisor = 1;
            for (int i = 0; i < left && i < 9; i++)
                divisor *= 10;
            sticky |= big_divide(&big, divisor) != 0;
        }
    }
    int bits = big_bits(&big);
    uint64_t top = top_bits(&big, bits, &sticky);
    return double_make(top, bits - 64 - shift, sticky);
}

double decimal_double(const struct decimal *decimal)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int64_t magnitude = decimal->n_digits + decimal->exponent; /* value < 10^magnitude */
    if (decimal->mantissa == 0 || magnitude < -323)
        return 0; /* below 10^-324, and half the smallest double is 2.5e-324 */
    if (magnitude > 309)
        return INFINITY;
    if (decimal->n_digits <= 15 && decimal->exponent >= -22 && decimal->exponent <= 22)
        return decimal->exponent < 0 ? (double)decimal->mantissa / powers[-decimal->exponent]
                                     : (double)decimal->mantissa * powers[decimal->exponent];
    return exact_double(decimal);
}
