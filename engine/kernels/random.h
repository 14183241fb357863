/* Dropout: Philox 4x32-10 (see rng.h) for 16 counters at a time. Part of
 * kernels/body.h. */
#ifndef MLP_ENGINE_KERNELS_RANDOM_H
#define MLP_ENGINE_KERNELS_RANDOM_H

#include "kernels/tile.h"

/* words[j][i]: word j of counter (row << 16) + first + i. Plain loops of 16:
 * the compiler makes vectors of them. */
INLINE void philox16(uint64_t seed, uint64_t stream, uint64_t row, uint32_t first, uint32_t words[4][16])
{
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    for (uint32_t i = 0; i < 16; i++) {
        uint64_t index = (row << 16) + first + i;
        words[0][i] = (uint32_t)index;
        words[1][i] = (uint32_t)(index >> 32);
        words[2][i] = (uint32_t)stream;
        words[3][i] = (uint32_t)(stream >> 32);
    }
    for (int round = 0; round < 10; round++) {
        for (uint32_t i = 0; i < 16; i++) {
            uint64_t p0 = (uint64_t)words[0][i] * 0xD2511F53u, p1 = (uint64_t)words[2][i] * 0xCD9E8D57u;
            words[0][i] = (uint32_t)(p1 >> 32) ^ words[1][i] ^ key0;
            words[1][i] = (uint32_t)p1;
            words[2][i] = (uint32_t)(p0 >> 32) ^ words[3][i] ^ key1;
            words[3][i] = (uint32_t)p0;
        }
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
}

/* Unit 64 b + 16 j + i is dropped where word j of counter 16 b + i is below the
 * rate. */
static void dropout(uint64_t seed, uint64_t stream, uint64_t row, float rate, float *y, float *slopes,
                    uint32_t n)
{
    uint32_t words[4][16];
    uint64_t threshold = (uint64_t)((double)rate * 4294967296.0);
    float factor = 1.0f / (1.0f - rate);
    for (uint32_t block = 0; block < n; block += 64) {
        philox16(seed, stream, row, block / 4, words);
        for (uint32_t j = 0; j < 4 && block + 16 * j < n; j++) {
            float *yj = y + block + 16 * j, *sj = slopes == NULL ? NULL : slopes + block + 16 * j;
            for (uint32_t i = 0; i < 16; i++) {
                float f = words[j][i] < threshold ? 0.0f : factor;
                yj[i] *= f;
                if (sj != NULL)
                    sj[i] *= f;
            }
        }
    }
}

#endif
