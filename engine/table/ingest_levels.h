/* The distinct texts of a category column, numbered in order of first
 * appearance, and the arena that holds their bytes. One owner at a time. */
#ifndef MLP_ENGINE_TABLE_INGEST_LEVELS_H
#define MLP_ENGINE_TABLE_INGEST_LEVELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that are freed all at once. */
struct arena {
    struct arena_block *blocks; /* the one in use first */
};
/* A terminated copy, NULL when out of memory. */
char *arena_copy(struct arena *arena, const char *text, size_t length);
void arena_clear(struct arena *arena); /* keeps one block for what comes next */
void arena_done(struct arena *arena);

struct level {
    const char *text; /* terminated, in the arena */
    uint32_t length;
    uint32_t hash;
    uint64_t n_rows;
    uint32_t global; /* its number in the whole table, once a chunk's levels are merged */
};

struct levels {
    struct level *items; /* n */
    uint32_t n, n_allocated;
    uint32_t *slots; /* n_slots, a power of two: number of the level + 1, 0 where free */
    uint32_t n_slots;
};

/* `seed` keys the hash, so that nobody can prepare texts that collide; one seed
 * a struct. The level's number in *index. False: out of memory, nothing
 * changed. */
bool levels_add(struct levels *levels, struct arena *arena, uint64_t seed, const char *text, uint32_t length,
                uint32_t *index);
/* Copies of the levels' texts in another arena take their place. False: out of
 * memory, some are moved. */
bool levels_move(struct levels *levels, struct arena *arena);
void levels_clear(struct levels *levels);
void levels_done(struct levels *levels);

#endif
