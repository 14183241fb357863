/* Random numbers from a counter: the same (seed, stream, index) gives the same
 * bits, whatever was drawn before and on which thread. Nothing to save, nothing
 * to hand over. */
#ifndef MLP_ENGINE_BASE_RNG_H
#define MLP_ENGINE_BASE_RNG_H

#include <stdint.h>

/* What the numbers are for, so that no two uses share any. Combine with an
 * epoch or layer number by rng_stream. */
enum rng_use { RNG_INIT = 1, RNG_SHUFFLE, RNG_SPLIT, RNG_DROPOUT, RNG_AUGMENT };

static inline uint64_t rng_stream(enum rng_use use, uint32_t number)
{
    return (uint64_t)use << 32 | number;
}

/* Philox 4x32-10 (Salmon, Moraes, Dror & Shaw 2011): four independent 32-bit
 * words. */
void rng_words(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]);

/* Two independent standard normals (Box & Muller 1958). */
void rng_normals(uint64_t seed, uint64_t stream, uint64_t index, double out[2]);

/* Words of one stream, one after the other: begin with n = 0. */
struct rng_draws {
    uint64_t seed, stream, n; /* n: how many were drawn */
    uint32_t words[4];
};

/* Shuffle n items (Fisher and Yates, from the end) by the next words of the
 * stream. */
void rng_shuffle(uint32_t *items, uint64_t n, struct rng_draws *draws);

#endif
