/* See number_double.h and mlp/number.h. */
#include "base/number_double.h"
#include "mlp/number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    POWER_EXACT = 22,    /* 10^22 is a double; of 80 bits 10^27 is one */
    EXPONENT_ROOM = 16,  /* of its text */
    FLOAT_DIGITS = 6,    /* decimals of so many digits have a float each */
    FLOAT_DIGITS_MAX = 9 /* bring any float back */
};
#define INTEGERS_EXACT ((uint64_t)1 << 53)

static const double powers[POWER_EXACT + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                               1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                               1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

#if LDBL_MANT_DIG == 64
/* One rounding to 64 bits, and a second to 53: the same as one, unless the
 * first ended in the middle. */
static bool wide_divide(uint64_t mantissa, int n_decimals, double *value)
{
    long double near = (long double)mantissa / (long double)powers[n_decimals];
    uint64_t bits;
    memcpy(&bits, &near, sizeof bits);
    *value = (double)near;
    return (bits & 0x7ff) != 0x400;
}
#else
static bool wide_divide(uint64_t mantissa, int n_decimals, double *value)
{
    (void)mantissa;
    (void)n_decimals;
    (void)value;
    return false;
}
#endif

bool double_divide(uint64_t mantissa, int n_decimals, double *value)
{
    if (n_decimals > POWER_EXACT)
        return false;
    if (mantissa > INTEGERS_EXACT)
        return wide_divide(mantissa, n_decimals, value);
    *value = (double)mantissa / powers[n_decimals];
    return true;
}

/* Half the distance from a positive float to the one below, as a decimal is
 * printed by; a little less, since doubles round too. */
static double half_gap(float number)
{
    uint32_t bits;
    float below;
    memcpy(&bits, &number, sizeof bits);
    bits--;
    memcpy(&below, &bits, sizeof below);
    return ((double)number - (double)below) / 2 * 0.999999;
}

/* The nearest decimal whose last digit is that of 10^-decimals. */
static double decimal_near(double number, int decimals)
{
    if (decimals >= 0)
        return (double)(int64_t)(number * powers[decimals] + 0.5) / powers[decimals];
    return (double)(int64_t)(number / powers[-decimals] + 0.5) * powers[-decimals];
}

/* The shortest decimal of a positive float between 1e-12 and 1e15. */
static double shortest_decimal(float nearest)
{
    double number = (double)nearest, gap = half_gap(nearest), decimal = number;
    int exponent;
    frexp(number, &exponent);
    int decimals = FLOAT_DIGITS - 2 - (exponent - 1) * 1233 / 4096; /* 1233 / 4096 is log10(2) */
    for (int i = 0; i <= FLOAT_DIGITS_MAX - FLOAT_DIGITS + 3 && decimals <= POWER_EXACT; i++, decimals++) {
        decimal = decimal_near(number, decimals);
        if (fabs(decimal - number) < gap)
            return decimal;
    }
    return decimal;
}

bool number_fits_float(double value)
{
    double size = fabs(value);
    if (value == 0 || (size <= 0x1p24 && size == floor(size)))
        return true;
    if (!(size > 1e-12) || !(size < 1e15)) /* few columns have such numbers: they are doubles */
        return false;
    return shortest_decimal((float)size) == size;
}

double number_of_float(float value)
{
    char text[FLOAT_DIGITS_MAX + EXPONENT_ROOM];
    float size = fabsf(value), back = 0;
    double number = (double)size;
    if (size > 1e-12f && size < 1e15f) {
        number = shortest_decimal(size);
    } else if (size > 0 && isfinite(size)) {
        for (int digits = 1; digits <= FLOAT_DIGITS_MAX && back != size; digits++) {
            snprintf(text, sizeof text, "%.*e", digits - 1, (double)size);
            number_parse(text, strlen(text), &back);
            number_parse_double(text, strlen(text), '.', &number);
        }
    }
    return value < 0 ? -number : number;
}
