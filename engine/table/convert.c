/* See table/convert.h. */
#include "table/convert.h"
#include "mlp/number.h"

#include <math.h>
#include <string.h>

void conversion_add(struct conversion *list, uint32_t *n, struct conversion column)
{
    struct conversion *last = *n > 0 ? &list[*n - 1] : NULL;
    if (column.from == column.to)
        column.n_bytes = column_type_bytes(column.to);
    if (last && column.n_bytes > 0 && last->n_bytes > 0 && last->from_at + last->n_bytes == column.from_at &&
        last->to_at + last->n_bytes == column.to_at)
        last->n_bytes += column.n_bytes;
    else
        list[(*n)++] = column;
}

void column_put(enum column_type type, void *at, double value)
{
    bool missing = isnan(value);
    float single = (float)value;
    int8_t byte = (int8_t)(missing ? INT8_MIN : type == COLUMN_INT8 ? value : 0);
    int16_t word = (int16_t)(missing ? INT16_MIN : type == COLUMN_INT16 ? value : 0);
    int32_t wide = missing ? INT32_MIN : (int32_t)(type == COLUMN_INT32 ? value : 0);
    int64_t long_one = missing ? INT64_MIN : (int64_t)(type == COLUMN_INT64 ? value : 0);
    if (type == COLUMN_BYTE)
        *(uint8_t *)at = (uint8_t)value;
    else if (type == COLUMN_NUMBER)
        memcpy(at, &single, sizeof single);
    else if (type == COLUMN_INT8)
        memcpy(at, &byte, sizeof byte);
    else if (type == COLUMN_INT16)
        memcpy(at, &word, sizeof word);
    else if (type == COLUMN_INT32)
        memcpy(at, &wide, sizeof wide);
    else if (type == COLUMN_INT64)
        memcpy(at, &long_one, sizeof long_one);
    else
        memcpy(at, &value, sizeof value);
}

/* A float that becomes something else is the number that it stands for: 0.1,
 * not 0.100000001. */
static double value_of(const struct conversion *column, const uint8_t *from)
{
    double value = column_value(column->from, from + column->from_at);
    if (column->from != COLUMN_NUMBER || isnan(value) || (fabs(value) <= 0x1p24 && value == trunc(value)))
        return value;
    return number_of_float((float)value);
}

void record_convert(const struct conversion *list, uint32_t n, const uint8_t *from, uint8_t *to)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct conversion *column = &list[i];
        if (column->n_bytes > 0)
            memcpy(to + column->to_at, from + column->from_at, column->n_bytes);
        else
            column_put(column->to, to + column->to_at, value_of(column, from));
    }
}
