/* Unsigned integers of a few thousand bits, for exact rounding. Pure functions;
 * any thread. */
#ifndef MLP_ENGINE_BASE_BIG_H
#define MLP_ENGINE_BASE_BIG_H

#include <stdint.h>

/* 4096 bits: decimal_double divides less than 2^3800. */
enum { BIG_LIMBS = 128 };

struct big {
    int n;                     /* limbs in use; those above are zero */
    uint32_t limbs[BIG_LIMBS]; /* least significant first */
};

void big_multiply_add(struct big *big, uint32_t factor, uint32_t add);
/* Times base^power; base^step is the largest power of it that fits a limb. */
void big_scale(struct big *big, uint32_t base, int step, int power);
/* Divides, rounding down; returns the remainder. */
uint32_t big_divide(struct big *big, uint32_t divisor);
int big_compare(const struct big *a, const struct big *b); /* -1, 0, 1 */
int big_bits(const struct big *big);                       /* up to the highest one bit; 0 of zero */

#endif
