/* Elementary functions whose bits are the same with every compiler, C library
 * and processor.
 *
 * A C library promises no bits for exp, log, sin, cos and pow: they change with
 * its version (log1pf in glibc 2.41) and with the processor (glibc picks a
 * variant with fused multiply-adds at run time). The engine takes these
 * instead, in double precision, from IEEE arithmetic alone;
 * cmake/architecture.sh refuses the library's. Of math.h the engine uses what
 * is exact or correctly rounded: fabs, copysign, floor, ceil, round, lround,
 * llround, trunc, fmin, fmax, frexp, ldexp, sqrt. Pure functions: any
 * thread. */
#ifndef MLP_ENGINE_BASE_ELEMENTARY_H
#define MLP_ENGINE_BASE_ELEMENTARY_H

#include <stdint.h>

/* Errors are below 2.5 units in the last place. sincos: |x| up to 100,000. */
double elementary_exp(double x);
double elementary_log(double x);
double elementary_log1p(double x);
void elementary_sincos(double x, double *sin_x, double *cos_x);

/* base^n by repeated squaring. */
double elementary_power(double base, uint64_t n);

#endif
