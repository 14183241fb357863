/* Random numbers from a counter. Pure functions: any thread. */
#include "base/rng.h"
#include "base/elementary.h"

#include <math.h>

static uint32_t mul_hi_lo(uint32_t a, uint32_t b, uint32_t *lo)
{
    uint64_t product = (uint64_t)a * b;
    *lo = (uint32_t)product;
    return (uint32_t)(product >> 32);
}

void rng_words(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4])
{
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32), c2 = (uint32_t)stream,
             c3 = (uint32_t)(stream >> 32);
    for (int round = 0; round < 10; round++) {
        uint32_t lo0, lo1;
        uint32_t hi0 = mul_hi_lo(0xD2511F53u, c0, &lo0);
        uint32_t hi1 = mul_hi_lo(0xCD9E8D57u, c2, &lo1);
        c0 = hi1 ^ c1 ^ key0;
        c1 = lo1;
        c2 = hi0 ^ c3 ^ key1;
        c3 = lo0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void rng_normals(uint64_t seed, uint64_t stream, uint64_t index, double out[2])
{
    static const double two_pi = 6.283185307179586476925;
    uint32_t words[4];
    rng_words(seed, stream, index, words);
    double u1 = ((double)words[0] + 0.5 + (double)words[2] * 0x1p-32) * 0x1p-32; /* in (0, 1) */
    double u2 = ((double)words[1] + (double)words[3] * 0x1p-32) * 0x1p-32;       /* in [0, 1) */
    double radius = sqrt(-2.0 * elementary_log(u1)), x, y;
    elementary_sincos(two_pi * u2, &y, &x);
    out[0] = radius * x;
    out[1] = radius * y;
}

static uint32_t draw(struct rng_draws *draws)
{
    if (draws->n % 4 == 0)
        rng_words(draws->seed, draws->stream, draws->n / 4, draws->words);
    return draws->words[draws->n++ % 4];
}

void rng_shuffle(uint32_t *items, uint64_t n, struct rng_draws *draws)
{
    for (uint64_t i = n; i > 1; i--) {
        uint64_t j = (uint64_t)draw(draws) * i >> 32;
        uint32_t swapped = items[i - 1];
        items[i - 1] = items[j];
        items[j] = swapped;
    }
}
