/* Rows of integers 0..255. For every byte of the text at once: the value of the number that ends just before it; then the values
 * before separators and line ends are moved together. Bit i of a mask stands for text[block + i]. Pure functions; any thread. */
#include "ingest_bytes.h"

#include <stdbool.h>
#include <string.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

/* What is known of 64 bytes of text. */
struct block {
    uint64_t digits, separators, crs, lfs;
    bool large; /* a number above 255 among those of up to three digits */
};

/* Between blocks. */
struct progress {
    uint64_t digits; /* of the block before */
    bool cr;         /* its last byte was CR */
    uint32_t column; /* fields of the row in progress so far */
    uint8_t *out;
};

typedef uint8_t vec __attribute__((vector_size(16)));

static inline vec vec_load(const char *at)
{
    vec value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint64_t vec_mask(vec value)
{
#if defined(__SSE2__)
    return (uint64_t)(uint32_t)_mm_movemask_epi8((__m128i)value);
#else
    uint64_t mask = 0;
    for (unsigned i = 0; i < sizeof value; i++)
        mask |= (uint64_t)(value[i] >> 7) << i;
    return mask;
#endif
}

static inline vec vec_below(vec value, uint8_t limit) /* 0xff where value < limit */
{
    return (vec)(value < (vec){0} + limit);
}

/* The 16 bytes at `at`, bits from `shift` on; values[i] is the number that ends just before at[i]. */
static inline void part_read(const char *at, unsigned shift, vec separator, struct block *block, vec *large, uint8_t *values)
{
    const uint8_t zero = '0';
    vec text = vec_load(at);
    vec ones = vec_load(at - 1) - zero, tens = vec_load(at - 2) - zero, hundreds = vec_load(at - 3) - zero;
    vec two = vec_below(ones, 10) & vec_below(tens, 10);
    hundreds &= two & vec_below(hundreds, 10);
    vec rest = ones + (tens & two) * 10;
    vec value = rest + hundreds * 100;
    *large |= (vec)(hundreds > 2) | ((vec)(hundreds == 2) & (vec)(rest > 55));
    memcpy(values, &value, sizeof value);
    block->digits |= vec_mask(vec_below(text - zero, 10)) << shift;
    block->separators |= vec_mask((vec)(text == separator)) << shift;
    block->crs |= vec_mask((vec)(text == '\r')) << shift;
    block->lfs |= vec_mask((vec)(text == '\n')) << shift;
}

static inline void block_read(const char *at, char separator, struct block *block, uint8_t *values)
{
    vec large = {0}, separators = (vec){0} + (uint8_t)separator;
    *block = (struct block){0};
    for (unsigned i = 0; i < BYTES_BLOCK; i += sizeof(vec))
        part_read(at + i, i, separators, block, &large, values + i);
    block->large = vec_mask(large) != 0;
}

static inline void values_move(const uint8_t *values, uint64_t ends, uint8_t *out)
{
    while (ends != 0) {
        *out++ = values[__builtin_ctzll(ends)];
        ends &= ends - 1;
    }
}

/* Whether the block holds plain numbers, separators and line ends alone, each end with a number of one to three digits before it;
 * *ends are the separators and line ends. The LF of a CRLF is nothing. */
static inline bool block_plain(const struct block *block, const struct progress *progress, uint64_t *ends)
{
    uint64_t skipped = block->lfs & (block->crs << 1 | progress->cr);
    uint64_t digits = block->digits, before = progress->digits;
    *ends = block->separators | block->crs | (block->lfs & ~skipped);
    uint64_t one = digits << 1 | before >> 63, two = digits << 2 | before >> 62, three = digits << 3 | before >> 61;
    bool strange = (digits | *ends | skipped) != UINT64_MAX || (*ends & ~one) != 0 || (digits & one & two & three) != 0;
    return !strange && !block->large;
}

/* Check that the rows which end in this block are n_columns long. *row_ends: how many; *last: the last one's bit. */
static inline bool rows_check(uint64_t ends, uint64_t line_ends, uint32_t n_columns, uint32_t *column, uint64_t *n_rows, unsigned *last)
{
    uint64_t seen = 0;
    while (line_ends != 0) {
        unsigned bit = (unsigned)__builtin_ctzll(line_ends);
        uint64_t upto = UINT64_MAX >> (63 - bit);
        *column += (uint32_t)__builtin_popcountll(ends & upto & ~seen);
        if (*column != n_columns)
            return false;
        *column = 0;
        seen = upto;
        *last = bit;
        ++*n_rows;
        line_ends &= line_ends - 1;
    }
    *column += (uint32_t)__builtin_popcountll(ends & ~seen);
    return *column < n_columns || *column == 0;
}

size_t bytes_take(const char *text, size_t at, size_t end, char separator, uint32_t n_columns, uint8_t *out, uint64_t *n_rows)
{
    struct progress progress = {.out = out};
    size_t row_at = at;
    *n_rows = 0;
    for (; end - at >= BYTES_BLOCK; at += BYTES_BLOCK) {
        struct block block;
        uint8_t values[BYTES_BLOCK];
        uint64_t ends, n = *n_rows;
        unsigned last = 0;
        block_read(text + at, separator, &block, values);
        if (!block_plain(&block, &progress, &ends))
            break;
        if (!rows_check(ends, ends & ~block.separators, n_columns, &progress.column, &n, &last))
            break;
        values_move(values, ends, progress.out);
        progress.out += __builtin_popcountll(ends);
        progress.digits = block.digits;
        progress.cr = block.crs >> 63;
        if (n > *n_rows)
            row_at = at + last + 1;
        *n_rows = n;
    }
    return row_at;
}
