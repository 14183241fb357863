/* Decimals to doubles, for number.c alone. Pure functions: any thread. */
#ifndef MLP_ENGINE_BASE_NUMBER_DOUBLE_H
#define MLP_ENGINE_BASE_NUMBER_DOUBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The double nearest to mantissa / 10^n_decimals, mantissa of at most 19
 * digits. False: it lies too near to the middle between two to tell, or there
 * are too many decimals. */
bool double_divide(uint64_t mantissa, int n_decimals, double *value);

#endif
