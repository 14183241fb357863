/* Floats as text, without snprintf: a reply holds many. */
#include "base/float_text.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_MAX 9 /* bring any float back */

/* 10^k as the nearest double, k = -30 .. 53. */
static const double powers[] = {
    1e-30, 1e-29, 1e-28, 1e-27, 1e-26, 1e-25, 1e-24, 1e-23, 1e-22, 1e-21, 1e-20, 1e-19, 1e-18, 1e-17,
    1e-16, 1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9,  1e-8,  1e-7,  1e-6,  1e-5,  1e-4,  1e-3,
    1e-2,  1e-1,  1e0,   1e1,   1e2,   1e3,   1e4,   1e5,   1e6,   1e7,   1e8,   1e9,   1e10,  1e11,
    1e12,  1e13,  1e14,  1e15,  1e16,  1e17,  1e18,  1e19,  1e20,  1e21,  1e22,  1e23,  1e24,  1e25,
    1e26,  1e27,  1e28,  1e29,  1e30,  1e31,  1e32,  1e33,  1e34,  1e35,  1e36,  1e37,  1e38,  1e39,
    1e40,  1e41,  1e42,  1e43,  1e44,  1e45,  1e46,  1e47,  1e48,  1e49,  1e50,  1e51,  1e52,  1e53};

static double power(int exponent)
{
    return powers[exponent + 30];
}

/* A number's digits, DIGITS_MAX of them, and the power of ten of the first. */
struct decimal {
    uint32_t digits;
    int exponent;
};

/* Half the distance from a positive float to its nearer neighbour: what reads
 * back as it lies within. */
static double half_gap(float number)
{
    uint32_t bits, lower;
    float below;

    memcpy(&bits, &number, sizeof bits);
    lower = bits - 1; /* number > 0 */
    memcpy(&below, &lower, sizeof below);
    return ((double)number - (double)below) / 2; /* the gap below is never the wider one */
}

/* The number's power of ten, or one less, which is mended: of the power of two
 * below it. 1233 / 4096 is log10(2) as near as needed. */
static int exponent_guess(float number)
{
    uint32_t bits;

    memcpy(&bits, &number, sizeof bits);
    int binary = (int)(bits >> 23) - 127; /* number > 0 */
    if (binary == -127)
        return (int)floor(log10((double)number)); /* subnormal: its first bit may stand anywhere */
    return binary < 0 ? -((-binary * 1233 + 4095) / 4096) : binary * 1233 / 4096;
}

/* Nine digits, then as many fewer as still lie within the gap. Doubles are
 * exact enough: errors of 10^-16 against gaps of 10^-8. */
static struct decimal shortest(float number)
{
    double value = (double)number;
    int exponent = exponent_guess(number);
    double scaled = value * power(DIGITS_MAX - 1 - exponent);

    if (scaled >= 1e9 - 0.5)
        scaled = value * power(DIGITS_MAX - 1 - ++exponent);
    else if (scaled < 1e8 - 0.5)
        scaled = value * power(DIGITS_MAX - 1 - --exponent);
    double gap = half_gap(number) * power(DIGITS_MAX - 1 - exponent) * 0.999999;
    uint32_t best = (uint32_t)(scaled + 0.5), unit = 10;
    for (int n = DIGITS_MAX - 1; n > 0; n--, unit *= 10) {
        uint32_t digits = (uint32_t)(scaled / unit + 0.5) * unit;
        if (!(fabs((double)digits - scaled) < gap))
            break;
        best = digits;
    }
    return best < 1000000000 ? (struct decimal){best, exponent} : (struct decimal){100000000, exponent + 1};
}

/* The nine digits as text; returns how many there are without the zeros at the
 * end. All at once: eight numbers below 10 in a word, made by halving (x *
 * 10486 >> 20 is x / 100 for x < 10000, x * 103 >> 10 is x / 10 for x <
 * 100). */
static int digits_write(uint32_t digits, char text[DIGITS_MAX])
{
    uint32_t first = digits / 100000000, rest = digits % 100000000;
    uint64_t fours = rest / 10000 | (uint64_t)(rest % 10000) << 32;
    uint64_t hundreds = fours * 10486 >> 20 & 0x0000007f0000007f, twos = hundreds | (fours - hundreds * 100)
                                                                                        << 16;
    uint64_t tens = twos * 103 >> 10 & 0x000f000f000f000f, ones = tens | (twos - tens * 10) << 8;
    uint64_t ascii = ones | 0x3030303030303030;
    text[0] = (char)('0' + first);
    for (int i = 0; i < 8; i++)
        text[1 + i] = (char)(ascii >> 8 * i);
    return ones ? DIGITS_MAX - __builtin_clzll(ones) / 8 : 1;
}

/* 0.00123, 12.3, 12300. point: how many of the n digits stand before the point,
 * -4 .. 12. Copies more than it needs: lengths that are known cost no
 * branch. */
static size_t plain_write(const char digits[DIGITS_MAX], int n, int point, char *text)
{
    if (point <= 0) {
        memcpy(text, "0.0000", 6);
        memcpy(text + 2 - point, digits, DIGITS_MAX);
        return (size_t)(2 - point + n);
    }
    memcpy(text, digits, DIGITS_MAX);
    if (point >= n) {
        memcpy(text + DIGITS_MAX, "000", 3);
        return (size_t)point;
    }
    memmove(text + point + 1, digits + point, (size_t)(DIGITS_MAX - point));
    text[point] = '.';
    return (size_t)n + 1;
}

static size_t scientific_write(const char *digits, int n, int exponent, char *text)
{
    char *to = text;

    *to++ = digits[0];
    if (n > 1) {
        *to++ = '.';
        memcpy(to, digits + 1, (size_t)n - 1);
        to += n - 1;
    }
    *to++ = 'e';
    if (exponent < 0)
        *to++ = '-';
    exponent = exponent < 0 ? -exponent : exponent;
    if (exponent >= 10)
        *to++ = (char)('0' + exponent / 10);
    *to++ = (char)('0' + exponent % 10);
    return (size_t)(to - text);
}

size_t float_text(float number, char text[FLOAT_TEXT_MAX])
{
    char digits[DIGITS_MAX];
    size_t sign = 0;

    if (!isfinite(number)) {
        memcpy(text, "null", 4);
        return 4;
    }
    if (number == 0) {
        *text = '0';
        return 1;
    }
    if (number < 0) {
        *text = '-';
        sign = 1;
        number = -number;
    }
    struct decimal decimal = shortest(number);
    int n = digits_write(decimal.digits, digits), point = decimal.exponent + 1;
    return sign + (point > -5 && point <= 12 ? plain_write(digits, n, point, text + sign)
                                             : scientific_write(digits, n, decimal.exponent, text + sign));
}
