/* Elementary functions: an argument reduced to a small one, then a truncated
 * series. Pure functions. */
#include "base/elementary.h"

#include <math.h>

#define LN2_HIGH                                                                                             \
    6.93147180369123816490e-01 /* its product with an integer below 2^20 is exact; LN2_LOW is the rest of ln \
                                  2 */
#define LN2_LOW 1.90821492927058770002e-10
#define LOG2_E 1.44269504088896338700
#define HALF_PI_HIGH 1.57079632673412561417 /* pi / 2 in three parts, the first two as LN2_HIGH */
#define HALF_PI_MIDDLE 6.07710050630396597660e-11
#define HALF_PI_LOW 2.02226624879595063154e-21
#define TWO_OVER_PI 6.36619772367581382433e-01
#define EXP_MAX 709.0  /* beyond it e^x is infinite, */
#define EXP_MIN -708.0 /* below it zero */

static const double inverse_factorial[] = {1.0,
                                           1.0,
                                           1.0 / 2,
                                           1.0 / 6,
                                           1.0 / 24,
                                           1.0 / 120,
                                           1.0 / 720,
                                           1.0 / 5040,
                                           1.0 / 40320,
                                           1.0 / 362880,
                                           1.0 / 3628800,
                                           1.0 / 39916800,
                                           1.0 / 479001600,
                                           1.0 / 6227020800,
                                           1.0 / 87178291200,
                                           1.0 / 1307674368000,
                                           1.0 / 20922789888000,
                                           1.0 / 355687428096000};

/* The integer nearest to x, |x| below 2^51, without a call; the even one of
 * two. */
static double nearest(double x)
{
    return (x + 0x1.8p52) - 0x1.8p52;
}

/* e^x = 2^n e^r with |r| <= ln 2 / 2. */
double elementary_exp(double x)
{
    if (!(x >= EXP_MIN && x <= EXP_MAX))
        return x < EXP_MIN ? 0 : x + INFINITY; /* a NaN stays one */
    double n = nearest(x * LOG2_E), r = x - n * LN2_HIGH - n * LN2_LOW, sum = inverse_factorial[13];
    for (int k = 12; k >= 0; k--)
        sum = sum * r + inverse_factorial[k];
    return ldexp(sum, (int)n);
}

/* ln x = e ln 2 + ln m with m from sqrt(1/2) to sqrt(2), ln m = 2 artanh s with
 * s = (m - 1) / (m + 1). */
double elementary_log(double x)
{
    static const double odd[] = {1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,  1.0 / 11, 1.0 / 13,
                                 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23, 1.0 / 25};
    if (!(x > 0 && x < INFINITY))
        return x == 0 ? -INFINITY : x < 0 ? NAN : x;
    int e;
    double m = frexp(x, &e);
    if (m < 0.70710678118654752440) {
        m *= 2;
        e--;
    }
    double f = m - 1, s = f / (m + 1), square = s * s, sum = odd[11], half = 0.5 * f * f;
    for (int k = 10; k >= 0; k--)
        sum = sum * square + odd[k];
    /* 2 s = f - f^2 / 2 + s f^2 / 2: the largest term is exact */
    return e * LN2_HIGH + (f - (half - (s * (half + 2 * square * sum) + e * LN2_LOW)));
}

/* Kahan's: 1 + x is rounded, and the logarithm is corrected by as much. */
double elementary_log1p(double x)
{
    double rounded = 1 + x;
    if (rounded == 1 || !(rounded < INFINITY))
        return x;
    return elementary_log(rounded) * (x / (rounded - 1));
}

/* With r = x - n pi / 2, |r| <= pi / 4: sine and cosine of r, which n exchanges
 * and negates. Both are computed and then chosen: a branch on n would be
 * guessed wrong half of the time. */
void elementary_sincos(double x, double *sin_x, double *cos_x)
{
    double n = nearest(x * TWO_OVER_PI), r = x - n * HALF_PI_HIGH - n * HALF_PI_MIDDLE - n * HALF_PI_LOW,
           square = r * r;
    double odd = inverse_factorial[17], even = inverse_factorial[16];
    for (int k = 15; k >= 3; k -= 2) {
        odd = inverse_factorial[k] - square * odd;
        even = inverse_factorial[k - 1] - square * even;
    }
    const double both[2] = {r - r * square * odd, 1 - square * even}, sign[2] = {1, -1};
    unsigned turns = (unsigned)(int)n & 3;
    *sin_x = both[turns & 1] * sign[turns >> 1];
    *cos_x = both[~turns & 1] * sign[(turns ^ turns >> 1) & 1];
}

double elementary_power(double base, uint64_t n)
{
    double power = 1;
    for (; n > 0; n >>= 1, base *= base)
        if (n & 1)
            power *= base;
    return power;
}
