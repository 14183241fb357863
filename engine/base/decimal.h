/* A decimal number taken apart, and its exact digits. Pure functions; any
 * thread. */
#ifndef MLP_ENGINE_BASE_DECIMAL_H
#define MLP_ENGINE_BASE_DECIMAL_H

#include "base/big.h"

#include <stdbool.h>

enum { MANTISSA_DIGITS = 19 }; /* what fits in 64 bits whatever the digits are */

/* mantissa * 10^exponent, where digits after the 19th are left out of the
 * mantissa. */
struct decimal {
    const char *digits, *end; /* the first significant digit, and where digits and point end */
    uint64_t mantissa;
    int64_t exponent; /* of mantissa's last digit */
    int n_digits;     /* significant digits in mantissa */
    bool negative;
};

/* Whether [at, end) is one: digits with at most one decimal point, a sign before
 * and an exponent behind them. Text of any length. */
bool decimal_parse(const char *at, const char *end, char decimal_point, struct decimal *out);

/* The digits as an integer, cut after n_exact with a last digit 1 where anything
 * but zeros was cut off; *exponent becomes that of the integer's last digit. */
void decimal_digits(const struct decimal *decimal, int n_exact, struct big *big, int *exponent);

/* The nearest double, ties to even; infinite where none is near. The sign is
 * the caller's. */
double decimal_double(const struct decimal *decimal);

#endif
