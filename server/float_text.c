/* Floats as text, without snprintf: a reply holds many. */
#include "float_text.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_MAX 9 /* bring any float back */

/* 10^k as the nearest double, k = -30 .. 53. */
static const double powers[] = {1e-30, 1e-29, 1e-28, 1e-27, 1e-26, 1e-25, 1e-24, 1e-23, 1e-22, 1e-21, 1e-20, 1e-19, 1e-18, 1e-17,
                                1e-16, 1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9,  1e-8,  1e-7,  1e-6,  1e-5,  1e-4,  1e-3,
                                1e-2,  1e-1,  1e0,   1e1,   1e2,   1e3,   1e4,   1e5,   1e6,   1e7,   1e8,   1e9,   1e10,  1e11,
                                1e12,  1e13,  1e14,  1e15,  1e16,  1e17,  1e18,  1e19,  1e20,  1e21,  1e22,  1e23,  1e24,  1e25,
                                1e26,  1e27,  1e28,  1e29,  1e30,  1e31,  1e32,  1e33,  1e34,  1e35,  1e36,  1e37,  1e38,  1e39,
                                1e40,  1e41,  1e42,  1e43,  1e44,  1e45,  1e46,  1e47,  1e48,  1e49,  1e50,  1e51,  1e52,  1e53};

static double power(int exponent)
{
    return powers[exponent + 30];
}

/* digits * 10^exponent */
struct decimal {
    uint32_t digits;
    int n_digits, exponent;
};

/* Half the distance from a positive float to its nearer neighbour: what reads back as it lies within. */
static double half_gap(float number)
{
    uint32_t bits, lower;
    float below;

    memcpy(&bits, &number, sizeof bits);
    lower = bits - 1; /* number > 0 */
    memcpy(&below, &lower, sizeof below);
    return ((double)number - (double)below) / 2; /* the gap below is never the wider one */
}

/* The number's power of ten, or one less, which is mended: of the power of two below it. 1233 / 4096 is log10(2) as near as needed. */
static int exponent_guess(float number)
{
    uint32_t bits;

    memcpy(&bits, &number, sizeof bits);
    int binary = (int)(bits >> 23) - 127; /* number > 0 */
    if (binary == -127)
        return (int)floor(log10((double)number)); /* subnormal: its first bit may stand anywhere */
    return binary < 0 ? -((-binary * 1233 + 4095) / 4096) : binary * 1233 / 4096;
}

/* Nine digits, then as many fewer as still lie within the gap. Doubles are exact enough: errors of 10^-16 against gaps of 10^-8. */
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
    struct decimal best = {(uint32_t)(scaled + 0.5), DIGITS_MAX, exponent - (DIGITS_MAX - 1)};
    uint32_t unit = 10;
    for (int n = DIGITS_MAX - 1; n > 0; n--, unit *= 10) {
        uint32_t digits = (uint32_t)(scaled / unit + 0.5);
        if (!(fabs((double)digits * unit - scaled) < gap))
            break;
        best = (struct decimal){digits, n, exponent - (n - 1)};
    }
    return best;
}

/* The decimal digits, least last; returns how many. */
static int digits_write(uint32_t digits, char *text)
{
    char reversed[12];
    int n = 0;

    do
        reversed[n++] = (char)('0' + digits % 10);
    while (digits /= 10);
    for (int i = 0; i < n; i++)
        text[i] = reversed[n - 1 - i];
    return n;
}

/* 0.00123, 12.3, 12300. point: how many of the n digits stand before the point. */
static size_t plain_write(const char *digits, int n, int point, char *text)
{
    char *to = text;

    if (point <= 0) {
        *to++ = '0';
        *to++ = '.';
        for (int i = point; i < 0; i++)
            *to++ = '0';
    }
    for (int i = 0; i < n || i < point; i++) {
        if (i == point && i > 0)
            *to++ = '.';
        *to++ = i < n ? digits[i] : '0';
    }
    return (size_t)(to - text);
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
    to += digits_write((uint32_t)(exponent < 0 ? -exponent : exponent), to);
    return (size_t)(to - text);
}

size_t float_text(float number, char text[FLOAT_TEXT_MAX])
{
    char digits[12];
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
    int n = digits_write(decimal.digits, digits), point = n + decimal.exponent;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    if (point > -5 && point <= 12)
        return sign + plain_write(digits, n, point, text + sign);
    return sign + scientific_write(digits, n, point - 1, text + sign);
}
