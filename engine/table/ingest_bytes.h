/* Nothing but integers 0..255, 64 bytes of text at a time: what images are made
 * of. */
#ifndef MLP_ENGINE_TABLE_INGEST_BYTES_H
#define MLP_ENGINE_TABLE_INGEST_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { BYTES_BEFORE = 3, BYTES_BLOCK = 64 };

/* What is counted of a column of bytes. */
struct tally_byte {
    uint64_t sum, squares;
    uint8_t min, max;
};

/* The same functions for one instruction set. */
struct bytes_kernels {
    const char *name;
    /* Take rows from text[at..end) as long as each has exactly n_columns fields
     * of one to three digits, at most 255, without blanks or quotes; write them
     * to out, one byte a field. A row that is anything else, or that has not
     * ended by `end`, is left for the general way. BYTES_BEFORE bytes before
     * text[at] can be read, and out has room for a byte for each byte of text
     * and BYTES_BLOCK more. Returns where the first row not taken begins;
     * *n_rows is how many were taken. */
    size_t (*take)(const char *text, size_t at, size_t end, char separator, uint32_t n_columns, uint8_t *out,
                   uint64_t *n_rows);
    /* bytes_parse (mlp/csv.h): `at` and what it returns are places in the text,
     * *n is how many numbers were taken. */
    size_t (*list)(const char *text, size_t at, size_t end, float *values, uint32_t most, uint32_t *n);
    /* Add n_rows rows of n_columns values each, `stride` bytes apart, to the
     * columns' tallies. */
    void (*add)(struct tally_byte *bytes, uint32_t n_columns, const uint8_t *values, size_t stride,
                uint64_t n_rows);
};

/* Those that this machine can run, the best first; NULL behind the last. */
const struct bytes_kernels *bytes_kernels(unsigned index);

#if defined(__x86_64__)
extern const struct bytes_kernels bytes_kernels_avx2, bytes_kernels_avx512;
#endif

/* --- shared by the kernels --- */

/* What is known of 64 bytes of text; large: where a number of three digits
 * above 255 ends just before. */
struct bytes_block {
    uint64_t digits, separators, crs, lfs, large;
    uint64_t zeros;
    uint64_t blanks; /* of a list */
};

struct bytes_progress {
    uint64_t digits, zeros; /* of the block before */
    bool cr;                /* its last byte was CR */
    uint32_t column;        /* fields of the row in progress so far */
    uint8_t *out;
    size_t row_at; /* where the row in progress begins */
    uint64_t n_rows;
};

/* Check that the rows which end in this block are n_columns long. */
static inline bool bytes_check_rows(struct bytes_progress *progress, uint64_t ends, uint64_t line_ends,
                                    size_t at, uint32_t n_columns)
{
    uint64_t seen = 0;
    while (line_ends != 0) {
        unsigned bit = (unsigned)__builtin_ctzll(line_ends);
        uint64_t upto = UINT64_MAX >> (63 - bit);
        if (progress->column + (uint32_t)__builtin_popcountll(ends & upto & ~seen) != n_columns)
            return false;
        progress->column = 0;
        progress->n_rows++;
        progress->row_at = at + bit + 1;
        seen = upto;
        line_ends &= line_ends - 1;
    }
    progress->column += (uint32_t)__builtin_popcountll(ends & ~seen);
    return progress->column < n_columns;
}

/* Whether the block holds plain numbers, separators and line ends alone, each
 * end with a number of one to three digits before it, no zero before others of
 * its digits, and rows of the right
 * length; *ends are the separators and line ends, *n how many. The LF of a CRLF
 * is nothing. */
static inline bool bytes_check(struct bytes_progress *progress, const struct bytes_block *block, size_t at,
                               uint32_t n_columns, uint64_t *ends, uint32_t *n)
{
    uint64_t skipped = block->lfs & (block->crs << 1 | progress->cr);
    uint64_t digits = block->digits, before = progress->digits;
    *ends = block->separators | block->crs | (block->lfs & ~skipped);
    uint64_t one = digits << 1 | before >> 63, two = digits << 2 | before >> 62,
             three = digits << 3 | before >> 61;
    uint64_t led = digits & (block->zeros << 1 | progress->zeros >> 63) & ~two; /* "07" is no number */
    uint64_t strange =
        ~(digits | *ends | skipped) | (*ends & ~one) | (digits & one & two & three) | block->large | led;
    if (strange != 0)
        return false;
    progress->digits = digits;
    progress->zeros = block->zeros;
    progress->cr = block->crs >> 63;
    *n = (uint32_t)__builtin_popcountll(*ends);
    uint64_t line_ends = *ends & ~block->separators;
    if (line_ends != 0)
        return bytes_check_rows(progress, *ends, line_ends, at, n_columns);
    progress->column += *n;
    return progress->column < n_columns;
}

/* The block at text[at]; where the text ends before the block does, in `tail`,
 * with zero bytes behind it. */
static inline const char *bytes_block_at(const char *text, size_t at, size_t end,
                                         char tail[BYTES_BEFORE + BYTES_BLOCK])
{
    if (end - at >= BYTES_BLOCK)
        return text + at;
    memset(tail, 0, BYTES_BEFORE + BYTES_BLOCK);
    memcpy(tail, text + at - BYTES_BEFORE, end - at + BYTES_BEFORE);
    return tail + BYTES_BEFORE;
}

/* Which separators of a list's block end a number that is taken: those before
 * the first strange byte. Each number has a separator behind it, perhaps with a
 * blank, and no zero before other digits; the block begins with a number or
 * such a blank. */
static inline uint64_t bytes_listed(const struct bytes_block *block)
{
    uint64_t digits = block->digits, one = digits << 1, two = digits << 2, three = digits << 3;
    uint64_t led = one & two & ((~three & block->zeros << 2) | (three & block->zeros << 3));
    uint64_t strange = ~(digits | block->separators | block->blanks) |
                       (block->separators & (~one | led | block->large)) |
                       (block->blanks & ~(block->separators << 1 | 1)) | (digits & one & two & three);
    return block->separators & ((strange & -strange) - 1);
}

#endif
