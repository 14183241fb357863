/* Distinct texts by number: an open-addressing hash table over texts in an
 * arena. */
#include "table/ingest_levels.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK = 64 << 10, SLOTS_MIN = 4, SLOTS_KEPT = 4096 };

struct arena_block {
    struct arena_block *next;
    size_t n_used, n_bytes;
    char bytes[];
};

static struct arena_block *block_new(size_t n_bytes)
{
    struct arena_block *block = malloc(sizeof *block + n_bytes);
    if (block)
        *block = (struct arena_block){.n_bytes = n_bytes};
    return block;
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
    struct arena_block *block = arena->blocks;
    if (!block || block->n_bytes - block->n_used <= length) {
        block = block_new(length < ARENA_BLOCK ? ARENA_BLOCK : length + 1);
        if (!block)
            return NULL;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    char *copy = block->bytes + block->n_used;
    memcpy(copy, text, length);
    copy[length] = '\0';
    block->n_used += length + 1;
    return copy;
}

void arena_clear(struct arena *arena)
{
    struct arena_block *kept = arena->blocks;
    if (!kept)
        return;
    arena->blocks = kept->next;
    arena_done(arena);
    if (kept->n_bytes > ARENA_BLOCK) {
        free(kept);
        return;
    }
    kept->next = NULL;
    kept->n_used = 0;
    arena->blocks = kept;
}

void arena_done(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
}

static uint64_t word_mix(uint64_t a, uint64_t b)
{
    a = (a ^ b) * 0x9fb21c651e98df25ull;
    return (a ^ a >> 29) * 0xd6e8feb86659fd93ull;
}

static uint32_t text_hash(uint64_t seed, const char *text, uint32_t length)
{
    uint64_t hash = seed ^ length, word;
    uint64_t key = seed << 32 | seed >> 32;
    uint32_t at = 0;
    for (; length - at >= 8; at += 8) {
        memcpy(&word, text + at, 8);
        hash = word_mix(hash ^ hash >> 32, word + key);
    }
    word = 0;
    memcpy(&word, text + at, length - at);
    hash = word_mix(hash ^ hash >> 32, word + key);
    return (uint32_t)(hash >> 32);
}

static void slot_fill(struct levels *levels, uint32_t index)
{
    uint32_t at = levels->items[index].hash & (levels->n_slots - 1);
    while (levels->slots[at] != 0)
        at = (at + 1) & (levels->n_slots - 1);
    levels->slots[at] = index + 1;
}

/* Room for one more level, at most half of the slots taken. */
static bool levels_grow(struct levels *levels)
{
    if (levels->n == levels->n_allocated) {
        uint32_t n = levels->n_allocated ? levels->n_allocated * 2 : SLOTS_MIN / 2;
        struct level *items = realloc(levels->items, n * sizeof *items);
        if (!items)
            return false;
        levels->items = items;
        levels->n_allocated = n;
    }
    if (levels->n < levels->n_slots / 2)
        return true;
    uint32_t n_slots = levels->n_slots ? levels->n_slots * 2 : SLOTS_MIN;
    uint32_t *slots = calloc(n_slots, sizeof *slots);
    if (!slots)
        return false;
    free(levels->slots);
    levels->slots = slots;
    levels->n_slots = n_slots;
    for (uint32_t i = 0; i < levels->n; i++)
        slot_fill(levels, i);
    return true;
}

static bool level_find(const struct levels *levels, uint32_t hash, const char *text, uint32_t length,
                       uint32_t *index)
{
    if (levels->n_slots == 0)
        return false;
    for (uint32_t at = hash & (levels->n_slots - 1); levels->slots[at] != 0;
         at = (at + 1) & (levels->n_slots - 1)) {
        const struct level *level = &levels->items[levels->slots[at] - 1];
        if (level->hash == hash && level->length == length && memcmp(level->text, text, length) == 0) {
            *index = levels->slots[at] - 1;
            return true;
        }
    }
    return false;
}

bool levels_add(struct levels *levels, struct arena *arena, uint64_t seed, const char *text, uint32_t length,
                uint32_t *index)
{
    uint32_t hash = text_hash(seed, text, length);
    if (level_find(levels, hash, text, length, index))
        return true;
    if (!levels_grow(levels))
        return false;
    const char *copy = arena_copy(arena, text, length);
    if (!copy)
        return false;
    levels->items[levels->n] = (struct level){.text = copy, .length = length, .hash = hash};
    slot_fill(levels, levels->n);
    *index = levels->n++;
    return true;
}

bool levels_move(struct levels *levels, struct arena *arena)
{
    for (uint32_t i = 0; i < levels->n; i++) {
        const char *copy = arena_copy(arena, levels->items[i].text, levels->items[i].length);
        if (!copy)
            return false;
        levels->items[i].text = copy;
    }
    return true;
}

void levels_clear(struct levels *levels)
{
    if (levels->n_slots > SLOTS_KEPT) {
        levels_done(levels);
        return;
    }
    if (levels->n > 0)
        memset(levels->slots, 0, levels->n_slots * sizeof *levels->slots);
    levels->n = 0;
}

void levels_done(struct levels *levels)
{
    free(levels->items);
    free(levels->slots);
    *levels = (struct levels){0};
}
