/* Elementary functions: close to the C library's long double ones, exact where
 * they can be, and the same bits as ever. */
#include "base/elementary.h"
#include "helper_main.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define N 20000

/* From -1 to 1. */
static double random_double(void)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(int64_t)state * 0x1p-63;
}

/* How many units in the last place of `want` lie between. */
static double ulps(double got, long double want)
{
    double unit = fmax(ldexp(1, ilogb((double)want) - 52), DBL_MIN);
    return fabs((double)((long double)got - want)) / unit;
}

START_TEST(errors_are_as_small_as_documented)
{
    double worst[5] = {0}, sine, cosine;
    for (int i = 0; i < N; i++) {
        double x = random_double(), large = 700 * x, size = exp(600 * random_double()),
               angle = i % 2 ? 7 * x : 100000 * x;
        worst[0] = fmax(worst[0], ulps(elementary_exp(large), expl(large)));
        worst[0] = fmax(worst[0], ulps(elementary_exp(x), expl(x)));
        worst[1] = fmax(worst[1], ulps(elementary_log(size), logl(size)));
        worst[1] = fmax(worst[1], ulps(elementary_log(1 + x / 4), logl(1 + x / 4)));
        worst[2] = fmax(worst[2], ulps(elementary_log1p(size), log1pl(size)));
        worst[2] = fmax(worst[2], ulps(elementary_log1p(x), log1pl(x)));
        elementary_sincos(angle, &sine, &cosine);
        worst[3] = fmax(worst[3], ulps(sine, sinl(angle)));
        worst[4] = fmax(worst[4], ulps(cosine, cosl(angle)));
    }
    for (int f = 0; f < 5; f++)
        ck_assert_msg(worst[f] < 2.5, "function %d: %g ulp", f, worst[f]);
}
END_TEST

START_TEST(edges_are_what_they_are_in_the_c_library)
{
    ck_assert(elementary_exp(0) == 1 && elementary_exp(-INFINITY) == 0 &&
              elementary_exp(INFINITY) == INFINITY);
    ck_assert(elementary_exp(-1e9) == 0 && elementary_exp(1e9) == INFINITY && isnan(elementary_exp(NAN)));
    ck_assert(elementary_log(1) == 0 && elementary_log(0) == -INFINITY &&
              elementary_log(INFINITY) == INFINITY);
    ck_assert(isnan(elementary_log(-1)) && isnan(elementary_log(NAN)));
    ck_assert(elementary_log1p(0) == 0 && elementary_log1p(1e-300) == 1e-300 &&
              elementary_log1p(INFINITY) == INFINITY);
    ck_assert(elementary_log1p(-1) == -INFINITY && isnan(elementary_log1p(NAN)));
    for (int quarter = 0; quarter < 8; quarter++) { /* each quadrant has its signs and its order */
        double angle = 0.3 + quarter * 1.5707963267948966, sine, cosine;
        elementary_sincos(angle, &sine, &cosine);
        ck_assert_double_eq_tol(sine, sin(angle), 1e-15);
        ck_assert_double_eq_tol(cosine, cos(angle), 1e-15);
    }
    ck_assert(elementary_power(0.96, 0) == 1 && elementary_power(2, 62) == 0x1p62 &&
              elementary_power(0, 3) == 0);
    ck_assert(elementary_power(0.5, UINT64_MAX) == 0);
    for (uint64_t n = 1; n < 2000; n++)
        ck_assert_double_eq_tol(elementary_power(0.999, n), pow(0.999, (double)n), 1e-13);
}
END_TEST

static double sine_of(double x)
{
    double sine, cosine;
    elementary_sincos(x, &sine, &cosine);
    return sine;
}

static double cosine_of(double x)
{
    double sine, cosine;
    elementary_sincos(x, &sine, &cosine);
    return cosine;
}

/* FNV-1a of the results over the same arguments: what other compilers, C
 * libraries and processors must give too. */
START_TEST(bits_are_the_same_everywhere)
{
    static double (*const functions[])(double) = {elementary_exp, elementary_log, elementary_log1p, sine_of,
                                                  cosine_of};
    static const uint32_t expected[] = {0x50103af8, 0xf54b727f, 0xeffb8159, 0x39d2e3d3, 0x4dcc29e1};
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
        uint64_t sum = 0xcbf29ce484222325u;
        for (int i = 1; i <= N; i++) {
            double y = functions[f](i * 0x1.23456789abcdep-11);
            uint8_t bytes[sizeof y];
            memcpy(bytes, &y, sizeof y);
            for (size_t b = 0; b < sizeof y; b++)
                sum = (sum ^ bytes[b]) * 0x100000001b3u;
        }
        ck_assert_msg((uint32_t)(sum >> 32) == expected[f], "function %zu: 0x%08x, not 0x%08x", f,
                      (uint32_t)(sum >> 32), expected[f]);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("elementary");
    TCase *tc = tcase_create("elementary");
    tcase_add_test(tc, errors_are_as_small_as_documented);
    tcase_add_test(tc, edges_are_what_they_are_in_the_c_library);
    tcase_add_test(tc, bits_are_the_same_everywhere);
    suite_add_tcase(suite, tc);
    return suite;
}
