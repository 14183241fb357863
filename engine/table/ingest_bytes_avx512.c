/* Integers 0..255 with AVX-512 and its byte compression (VBMI2): the values
 * before the ends move together in one instruction. */
#include "table/ingest_bytes.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,bmi,bmi2,popcnt")))

/* Digit times ten, digit times a hundred; beyond two hundred any value does,
 * since such numbers are refused. */
TARGET static inline __m512i times_ten(__mmask64 which, __m512i digits)
{
    const __m128i products = _mm_setr_epi8(0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 0, 0, 0, 0, 0, 0);
    return _mm512_maskz_shuffle_epi8(which, _mm512_broadcast_i32x4(products), digits);
}

TARGET static inline __m512i times_hundred(__mmask64 which, __m512i digits)
{
    const __m128i products = _mm_setr_epi8(0, 100, (char)200, (char)200, (char)200, (char)200, (char)200,
                                           (char)200, (char)200, (char)200, 0, 0, 0, 0, 0, 0);
    return _mm512_maskz_shuffle_epi8(which, _mm512_broadcast_i32x4(products), digits);
}

/* 64 bytes of text; returns what number ends just before each. */
TARGET static inline __m512i block_read(const char *p, char separator, struct bytes_block *block)
{
    const __m512i zero = _mm512_set1_epi8('0'), ten = _mm512_set1_epi8(10);
    __m512i here = _mm512_loadu_si512(p), ones = _mm512_sub_epi8(_mm512_loadu_si512(p - 1), zero);
    __m512i tens = _mm512_sub_epi8(_mm512_loadu_si512(p - 2), zero),
            hundreds = _mm512_sub_epi8(_mm512_loadu_si512(p - 3), zero);
    __mmask64 two = _mm512_cmplt_epu8_mask(ones, ten) & _mm512_cmplt_epu8_mask(tens, ten);
    __mmask64 three = two & _mm512_cmplt_epu8_mask(hundreds, ten);
    __m512i rest = _mm512_add_epi8(ones, times_ten(two, tens)), high = times_hundred(three, hundreds);
    __m512i value = _mm512_add_epi8(rest, high);
    block->digits = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(here, zero), ten);
    block->separators = _mm512_cmpeq_epi8_mask(here, _mm512_set1_epi8(separator));
    block->crs = _mm512_cmpeq_epi8_mask(here, _mm512_set1_epi8('\r'));
    block->lfs = _mm512_cmpeq_epi8_mask(here, _mm512_set1_epi8('\n'));
    block->zeros = _mm512_cmpeq_epi8_mask(here, zero);
    block->blanks = _mm512_cmpeq_epi8_mask(here, _mm512_set1_epi8(' '));
    block->large =
        (_mm512_cmplt_epu8_mask(value, high) | _mm512_cmpgt_epu8_mask(hundreds, _mm512_set1_epi8(2))) & three;
    return value;
}

TARGET static size_t take(const char *text, size_t at, size_t end, char separator, uint32_t n_columns,
                          uint8_t *out, uint64_t *n_rows)
{
    struct bytes_progress progress = {.out = out, .row_at = at};
    for (; end - at >= BYTES_BLOCK; at += BYTES_BLOCK) {
        struct bytes_block block;
        __m512i value = block_read(text + at, separator, &block);
        uint64_t ends;
        uint32_t n = 0;
        if (!bytes_check(&progress, &block, at, n_columns, &ends, &n))
            break;
        _mm512_storeu_si512(progress.out, _mm512_maskz_compress_epi8(ends, value));
        progress.out += n;
    }
    *n_rows = progress.n_rows;
    return progress.row_at;
}

/* n values, at most 32 for each has a separator, as floats. */
TARGET static inline void floats_store(float *to, __m512i values, uint32_t n)
{
    __m512 low = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm512_castsi512_si128(values)));
    __m512 high = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(values, 1)));
    uint32_t which = _bzhi_u32(UINT32_MAX, n);
    _mm512_mask_storeu_ps(to, (__mmask16)which, low);
    _mm512_mask_storeu_ps(to + 16, (__mmask16)(which >> 16), high);
}

TARGET static size_t list(const char *text, size_t at, size_t end, float *values, uint32_t most, uint32_t *n)
{
    uint32_t taken = 0;
    for (uint32_t more; at < end; taken += more) {
        char tail[BYTES_BEFORE + BYTES_BLOCK];
        struct bytes_block block;
        __m512i value = block_read(bytes_block_at(text, at, end, tail), ',', &block);
        uint64_t ends = bytes_listed(&block);
        more = (uint32_t)__builtin_popcountll(ends);
        if (more == 0 || more > most - taken)
            break;
        floats_store(values + taken, _mm512_maskz_compress_epi8(ends, value), more);
        at += 64 - (size_t)__builtin_clzll(ends);
    }
    *n = taken;
    return at;
}

/* The tally is the body's with vectors of 64 bytes; the rest of it stays
 * unused. */
#define WIDTH 64
#define STRIPE 32
#define BYTES_NAME(name) body_##name
__attribute__((unused)) static size_t body_take(const char *text, size_t at, size_t end, char separator,
                                                uint32_t n_columns, uint8_t *out, uint64_t *n_rows);
__attribute__((unused)) static size_t body_list(const char *text, size_t at, size_t end, float *values,
                                                uint32_t most, uint32_t *n);
static void body_add(struct tally_byte *bytes, uint32_t n_columns, const uint8_t *values, size_t stride,
                     uint64_t n_rows);
#include "table/ingest_bytes_body.c"

const struct bytes_kernels bytes_kernels_avx512 = {"avx512", take, list, body_add};
#endif
