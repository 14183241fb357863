/* Integers 0..255, written once with vector extensions and compiled once per
 * instruction set: the including file defines WIDTH (bytes of text in a
 * vector), STRIPE (columns counted at once, so that twice as many bytes fill a
 * register), TARGET (the functions' attributes) and BYTES_NAME(name), and
 * includes what vec_mask needs.
 *
 * For every byte of the text at once: the value of the number that ends just
 * before it; then the values before separators and line ends are moved
 * together. Bit i of a mask stands for text[block + i]. Pure functions; any
 * thread. */
#include "table/ingest_bytes.h"

#include <string.h>

typedef uint8_t vec __attribute__((vector_size(WIDTH)));
typedef uint8_t stripe __attribute__((vector_size(STRIPE)));
typedef uint16_t stripe_sums __attribute__((vector_size(2 * STRIPE)));
typedef uint32_t stripe_squares __attribute__((vector_size(4 * STRIPE)));

TARGET static inline uint64_t vec_mask(vec value)
{
#if WIDTH == 16 && defined(__SSE2__)
    return (uint64_t)(uint32_t)_mm_movemask_epi8((__m128i)value);
#elif WIDTH == 32 && defined(__SSE2__)
    return (uint64_t)(uint32_t)_mm256_movemask_epi8((__m256i)value);
#else
    uint64_t mask = 0;
    for (unsigned i = 0; i < WIDTH; i++)
        mask |= (uint64_t)(value[i] >> 7) << i;
    return mask;
#endif
}

/* values[i] is the number that ends just before text[i]: its last three
 * digits. */
TARGET static inline void part_read(const char *text, uint8_t separator, unsigned shift,
                                    struct bytes_block *block, uint8_t *values)
{
    const uint8_t zero = '0';
    vec here, ones, tens, hundreds;
    memcpy(&here, text, WIDTH);
    memcpy(&ones, text - 1, WIDTH);
    memcpy(&tens, text - 2, WIDTH);
    memcpy(&hundreds, text - 3, WIDTH);
    ones -= zero;
    tens -= zero;
    hundreds -= zero;
    vec two = (vec)(ones < 10) & (vec)(tens < 10);
    hundreds &= two & (vec)(hundreds < 10);
    vec rest = ones + (tens & two) * 10;
    vec value = rest + hundreds * 100;
    vec large = (vec)(hundreds > 2) | ((vec)(hundreds == 2) & (vec)(rest > 55));
    memcpy(values, &value, WIDTH);
    block->large |= vec_mask(large) << shift;
    block->digits |= vec_mask((vec)((here - zero) < 10)) << shift;
    block->separators |= vec_mask((vec)(here == separator)) << shift;
    block->crs |= vec_mask((vec)(here == '\r')) << shift;
    block->lfs |= vec_mask((vec)(here == '\n')) << shift;
    block->zeros |= vec_mask((vec)(here == zero)) << shift;
    block->blanks |= vec_mask((vec)(here == ' ')) << shift;
}

TARGET static inline uint64_t value_move(const uint8_t *values, uint64_t ends, uint8_t *out)
{
    *out = values[__builtin_ctzll(ends | 1ull << 63)];
    return ends & (ends - 1);
}

/* Four at a time, for the branch predictor's sake: what is written beyond the
 * last is overwritten or never looked at. */
TARGET static inline void values_move(const uint8_t *values, uint64_t ends, uint32_t n, uint8_t *out)
{
    for (uint32_t i = 0; i < n; i += 4) {
        ends = value_move(values, ends, out + i);
        ends = value_move(values, ends, out + i + 1);
        ends = value_move(values, ends, out + i + 2);
        ends = value_move(values, ends, out + i + 3);
    }
}

TARGET size_t BYTES_NAME(take)(const char *text, size_t at, size_t end, char separator, uint32_t n_columns,
                               uint8_t *out, uint64_t *n_rows)
{
    struct bytes_progress progress = {.out = out, .row_at = at};
    for (; end - at >= BYTES_BLOCK; at += BYTES_BLOCK) {
        struct bytes_block block = {0};
        uint8_t values[BYTES_BLOCK];
        for (unsigned i = 0; i < BYTES_BLOCK; i += WIDTH)
            part_read(text + at + i, (uint8_t)separator, i, &block, values + i);
        uint64_t ends;
        uint32_t n = 0;
        if (!bytes_check(&progress, &block, at, n_columns, &ends, &n))
            break;
        values_move(values, ends, n, progress.out);
        progress.out += n;
    }
    *n_rows = progress.n_rows;
    return progress.row_at;
}

TARGET size_t BYTES_NAME(list)(const char *text, size_t at, size_t end, float *values, uint32_t most,
                               uint32_t *n)
{
    uint32_t taken = 0;
    for (uint32_t more; at < end; taken += more) {
        char tail[BYTES_BEFORE + BYTES_BLOCK];
        const char *begin = bytes_block_at(text, at, end, tail);
        struct bytes_block block = {0};
        uint8_t bytes[BYTES_BLOCK];
        for (unsigned i = 0; i < BYTES_BLOCK; i += WIDTH)
            part_read(begin + i, ',', i, &block, bytes + i);
        uint64_t ends = bytes_listed(&block);
        more = (uint32_t)__builtin_popcountll(ends);
        if (more == 0 || more > most - taken)
            break;
        at += 64 - (size_t)__builtin_clzll(ends);
        for (uint32_t i = 0; i < more; i++, ends &= ends - 1)
            values[taken + i] = bytes[__builtin_ctzll(ends)];
    }
    *n = taken;
    return at;
}

/* STRIPE columns over ROWS rows, in registers: 16-bit sums hold 257 rows,
 * 32-bit squares 66,051. */
enum { ROWS = 128 };

TARGET static inline void stripe_add(struct tally_byte *bytes, const uint8_t *at, size_t stride,
                                     uint64_t n_rows)
{
    stripe min = ~(stripe){0}, max = {0};
    stripe_sums sum = {0};
    stripe_squares squares = {0};
    for (uint64_t row = 0; row < n_rows; row++) {
        stripe value;
        memcpy(&value, at + row * stride, STRIPE);
        stripe_sums wide = __builtin_convertvector(value, stripe_sums);
        sum += wide;
        squares += __builtin_convertvector(wide * wide, stripe_squares);
        stripe below = (stripe)(value < min), above = (stripe)(value > max);
        min = (value & below) | (min & ~below);
        max = (value & above) | (max & ~above);
    }
    for (uint32_t i = 0; i < STRIPE; i++) {
        bytes[i].sum += sum[i];
        bytes[i].squares += squares[i];
        bytes[i].min = min[i] < bytes[i].min ? min[i] : bytes[i].min;
        bytes[i].max = max[i] > bytes[i].max ? max[i] : bytes[i].max;
    }
}

/* The columns that do not fill a stripe. */
static void column_add(struct tally_byte *byte, const uint8_t *at, size_t stride, uint64_t n_rows)
{
    for (uint64_t row = 0; row < n_rows; row++) {
        uint8_t value = at[row * stride];
        byte->sum += value;
        byte->squares += (uint32_t)value * value;
        byte->min = value < byte->min ? value : byte->min;
        byte->max = value > byte->max ? value : byte->max;
    }
}

TARGET void BYTES_NAME(add)(struct tally_byte *bytes, uint32_t n_columns, const uint8_t *values,
                            size_t stride, uint64_t n_rows)
{
    for (uint64_t row = 0; row < n_rows; row += ROWS) {
        const uint8_t *at = values + row * stride;
        uint64_t n = n_rows - row < ROWS ? n_rows - row : ROWS;
        uint32_t i = 0;
        for (; n_columns - i >= STRIPE; i += STRIPE)
            stripe_add(bytes + i, at + i, stride, n);
        for (; i < n_columns; i++)
            column_add(&bytes[i], at + i, stride, n);
    }
}
