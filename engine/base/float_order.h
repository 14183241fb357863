/* Floats as integers of the same order, for sorting and selecting by digits. */
#ifndef MLP_ENGINE_BASE_FLOAT_ORDER_H
#define MLP_ENGINE_BASE_FLOAT_ORDER_H

#include <stdint.h>
#include <string.h>

/* Bits that order as unsigned integers as the floats do. */
static inline uint32_t float_order(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static inline float order_float(uint32_t order)
{
    uint32_t bits = order & 0x80000000u ? order & 0x7fffffffu : ~order;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
