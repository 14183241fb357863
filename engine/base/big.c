/* Unsigned integers of a few thousand bits. See base/big.h. */
#include "base/big.h"

void big_multiply_add(struct big *big, uint32_t factor, uint32_t add)
{
    uint64_t carry = add;
    for (int i = 0; i < big->n; i++) {
        carry += (uint64_t)big->limbs[i] * factor;
        big->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0)
        big->limbs[big->n++] = (uint32_t)carry;
}

void big_scale(struct big *big, uint32_t base, int step, int power)
{
    while (power > 0) {
        uint32_t factor = 1;
        for (int i = 0; i < step && power > 0; i++, power--)
            factor *= base;
        big_multiply_add(big, factor, 0);
    }
}

uint32_t big_divide(struct big *big, uint32_t divisor)
{
    uint64_t rest = 0;
    for (int i = big->n - 1; i >= 0; i--) {
        rest = rest << 32 | big->limbs[i];
        big->limbs[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    while (big->n > 0 && big->limbs[big->n - 1] == 0)
        big->n--;
    return (uint32_t)rest;
}

int big_compare(const struct big *a, const struct big *b)
{
    for (int i = (a->n > b->n ? a->n : b->n) - 1; i >= 0; i--)
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    return 0;
}

int big_bits(const struct big *big)
{
    int bits = 0;
    for (uint32_t top = big->n > 0 ? big->limbs[big->n - 1] : 0; top != 0; top >>= 1)
        bits++;
    return big->n > 0 ? (big->n - 1) * 32 + bits : 0;
}
