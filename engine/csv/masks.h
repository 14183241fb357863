/* 64 bytes of text at a time compared with a few characters: one bit a byte,
 * the first byte's lowest. SSE2 is every x86-64's; elsewhere eight bytes at a
 * time in plain integers. */
#ifndef MLP_ENGINE_CSV_MASKS_H
#define MLP_ENGINE_CSV_MASKS_H

#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>

static inline uint64_t mask_specials(const char *text, char separator)
{
    const __m128i sep = _mm_set1_epi8(separator), cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n'),
                  nul = _mm_setzero_si128();
    uint64_t mask = 0;
    for (int i = 0; i < 4; i++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text + 16 * i));
        __m128i ends = _mm_or_si128(_mm_cmpeq_epi8(bytes, cr), _mm_cmpeq_epi8(bytes, lf));
        __m128i hits =
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, sep), _mm_cmpeq_epi8(bytes, nul)), ends);
        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(hits) << (16 * i);
    }
    return mask;
}

#else

/* 0x80 in each byte of `word` that equals c, without borrows between bytes. */
static inline uint64_t bytes_equal(uint64_t word, char c)
{
    const uint64_t sevens = 0x7f7f7f7f7f7f7f7full;
    uint64_t x = word ^ (0x0101010101010101ull * (unsigned char)c);
    return ~(((x & sevens) + sevens) | x | sevens);
}

static inline uint64_t mask_specials(const char *text, char separator)
{
    uint64_t mask = 0;
    for (int i = 0; i < 8; i++) {
        uint64_t word = 0;
        for (int j = 0; j < 8; j++)
            word |= (uint64_t)(unsigned char)text[8 * i + j] << (8 * j);
        uint64_t hits = bytes_equal(word, separator) | bytes_equal(word, '\r') | bytes_equal(word, '\n') |
                        bytes_equal(word, '\0');
        mask |= ((hits >> 7) * 0x0102040810204080ull >> 56) << (8 * i);
    }
    return mask;
}

#endif

/* The index of the lowest bit of a mask that is not zero. */
static inline unsigned mask_first(uint64_t mask)
{
    return (unsigned)__builtin_ctzll(mask);
}

#endif
