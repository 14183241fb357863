/* Figures of one number column over the training rows: exact, in fixed order,
 * and in linear time whatever the data is. Threads: any. */
#include "base/float_order.h"
#include "recipe/fit.h"

#define DIGITS 3 /* the 32 bits of a float's order in digits of 11, 11 and 10 bits */
static const unsigned digit_shift[DIGITS] = {21, 10, 0};
static const uint32_t digit_mask[DIGITS] = {0x7ff, 0x7ff, 0x3ff};

/* By radix: a hostile order of rows cannot make it slow. `sizes`: of the
 * absolute values that are not zero. */
static float select_rank(const float *values, uint64_t n, uint64_t rank, bool sizes)
{
    uint32_t prefix = 0, prefix_mask = 0;

    for (int digit = 0; digit < DIGITS; digit++) {
        uint64_t counts[0x800] = {0};
        for (uint64_t i = 0; i < n; i++) {
            uint32_t order = float_order(sizes ? fabsf(values[i]) : values[i]);
            if ((order & prefix_mask) == prefix && isfinite(values[i]) && !(sizes && values[i] == 0))
                counts[order >> digit_shift[digit] & digit_mask[digit]]++;
        }
        uint32_t bin = 0;
        while (rank >= counts[bin])
            rank -= counts[bin++];
        prefix |= bin << digit_shift[digit];
        prefix_mask |= digit_mask[digit] << digit_shift[digit];
    }
    return order_float(prefix);
}

float summary_rank(const float *values, uint64_t n, uint64_t rank)
{
    return select_rank(values, n, rank, false);
}

float summary_size(const float *values, uint64_t n)
{
    uint64_t n_sizes = 0;

    for (uint64_t i = 0; i < n; i++)
        n_sizes += isfinite(values[i]) && values[i] != 0;
    return n_sizes == 0 ? 0 : select_rank(values, n, n_sizes / 2, true);
}

void summary_floats(struct summary *summary, const float *values, uint64_t n)
{
    struct summary s = {.min = INFINITY, .max = -INFINITY};
    double sum = 0, squares = 0, fourths = 0;

    for (uint64_t i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            continue;
        s.n_present++;
        sum += values[i];
        s.min = fmin(s.min, values[i]);
        s.max = fmax(s.max, values[i]);
    }
    *summary = s;
    if (s.n_present == 0)
        return;
    s.mean = sum / (double)s.n_present;
    for (uint64_t i = 0; i < n; i++) {
        double difference = isfinite(values[i]) ? values[i] - s.mean : 0;
        squares += difference * difference;
        fourths += difference * difference * difference * difference;
    }
    s.stddev = sqrt(squares / (double)s.n_present);
    s.kurtosis = squares > 0 ? fourths * (double)s.n_present / squares / squares : 0;
    double low = select_rank(values, n, (s.n_present - 1) / 2, false);
    s.median = s.n_present % 2 ? low : (low + select_rank(values, n, s.n_present / 2, false)) / 2;
    *summary = s;
}
