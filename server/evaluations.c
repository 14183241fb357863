/* One model's evaluation as a file. Any thread; no state. */
#include "evaluations.h"
#include "files.h"

#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "evaluations are written as they lie in memory: little-endian machines only"
#endif

#define MAGIC 0x314c415645504c4du /* "MLPEVAL1" */
#define BLOCK 4096u               /* guesses a hash covers */
#define ROWS_MAX UINT32_MAX
#define CLASSES_MAX RECIPE_CLASSES_MAX

struct head {
    uint64_t magic;
    uint64_t n_rows, n_classes;
    double loss, accuracy, rmse, mae, r2;
};
_Static_assert(sizeof(struct head) == 64, "the file's layout");
_Static_assert(sizeof(struct guess) == 16, "the file's layout");

/* head, confusion, block hashes, hash of these: bytes before the guesses. */
struct layout {
    uint64_t n_confusion, n_blocks; /* uint64_t each */
    uint64_t guesses_at;
};

static struct layout layout_of(uint64_t n_rows, uint64_t n_classes)
{
    struct layout layout = {.n_confusion = n_classes * n_classes, .n_blocks = (n_rows + BLOCK - 1) / BLOCK};
    layout.guesses_at = sizeof(struct head) + 8 * (layout.n_confusion + layout.n_blocks + 1);
    return layout;
}

static uint64_t block_hash(const struct guess *guesses, uint64_t n)
{
    return files_hash(FILES_HASH, guesses, (size_t)n * sizeof *guesses);
}

bool evaluations_write(int fd, const struct evaluation *evaluation, struct err *err)
{
    struct layout layout = layout_of(evaluation->n_rows, evaluation->n_classes);
    unsigned char *front = malloc((size_t)layout.guesses_at);
    if (!front)
        return err_memory(err, "an evaluation");
    struct head head = {.magic = MAGIC,
                        .n_rows = evaluation->n_rows,
                        .n_classes = evaluation->n_classes,
                        .loss = evaluation->loss,
                        .accuracy = evaluation->accuracy,
                        .rmse = evaluation->rmse,
                        .mae = evaluation->mae,
                        .r2 = evaluation->r2};
    memcpy(front, &head, sizeof head);
    unsigned char *at = front + sizeof head;
    if (layout.n_confusion > 0)
        memcpy(at, evaluation->confusion, (size_t)layout.n_confusion * 8);
    at += layout.n_confusion * 8;
    for (uint64_t block = 0; block < layout.n_blocks; block++, at += 8) {
        uint64_t first = block * BLOCK;
        uint64_t n = evaluation->n_rows - first < BLOCK ? evaluation->n_rows - first : BLOCK;
        uint64_t hash = block_hash(evaluation->guesses + first, n);
        memcpy(at, &hash, 8);
    }
    uint64_t hash = files_hash(FILES_HASH, front, (size_t)layout.guesses_at - 8);
    memcpy(at, &hash, 8);
    bool ok = files_write(fd, front, (size_t)layout.guesses_at, err) &&
              files_write(fd, evaluation->guesses, (size_t)evaluation->n_rows * sizeof *evaluation->guesses, err) && files_sync(fd, err);
    free(front);
    return ok;
}

static bool damaged(struct err *err)
{
    return err_set(err, ERR_CORRUPT, "the model's evaluation file is damaged");
}

/* Read and check everything before the guesses; the caller frees *front. */
static bool front_read(int fd, struct head *head, unsigned char **front, struct err *err)
{
    uint64_t n_bytes, hash;
    if (!files_size(fd, &n_bytes, err) || !files_read_at(fd, head, sizeof *head, 0, err))
        return false;
    if (head->magic != MAGIC || head->n_rows > ROWS_MAX || head->n_classes > CLASSES_MAX)
        return damaged(err);
    struct layout layout = layout_of(head->n_rows, head->n_classes);
    if (n_bytes != layout.guesses_at + head->n_rows * sizeof(struct guess))
        return damaged(err);
    unsigned char *bytes = malloc((size_t)layout.guesses_at);
    if (!bytes)
        return err_memory(err, "an evaluation");
    if (files_read_at(fd, bytes, (size_t)layout.guesses_at, 0, err)) {
        memcpy(&hash, bytes + layout.guesses_at - 8, 8);
        if (hash == files_hash(FILES_HASH, bytes, (size_t)layout.guesses_at - 8)) {
            *front = bytes;
            return true;
        }
        damaged(err);
    }
    free(bytes);
    return false;
}

/* Guesses [offset, offset + n) out of the blocks that hold them. */
static bool guesses_read(int fd, const struct head *head, const unsigned char *front, uint64_t offset, uint64_t n, struct guess *guesses,
                         struct err *err)
{
    struct layout layout = layout_of(head->n_rows, head->n_classes);
    struct guess *block = malloc(BLOCK * sizeof *block);
    if (!block)
        return err_memory(err, "an evaluation");
    bool ok = true;
    while (ok && n > 0) {
        uint64_t first = offset / BLOCK * BLOCK, skip = offset - first;
        uint64_t held = head->n_rows - first < BLOCK ? head->n_rows - first : BLOCK;
        uint64_t take = held - skip < n ? held - skip : n;
        uint64_t hash;
        memcpy(&hash, front + sizeof *head + 8 * (layout.n_confusion + first / BLOCK), 8);
        ok = files_read_at(fd, block, (size_t)held * sizeof *block, layout.guesses_at + first * sizeof *block, err) &&
             (hash == block_hash(block, held) || damaged(err));
        if (ok)
            memcpy(guesses, block + skip, (size_t)take * sizeof *guesses);
        guesses += take;
        offset += take;
        n -= take;
    }
    free(block);
    return ok;
}

/* The arrays as evaluation_free expects them: each its own allocation. */
static struct evaluation *evaluation_make(const struct head *head, const unsigned char *front, uint64_t n_guesses, struct err *err)
{
    struct evaluation *evaluation = calloc(1, sizeof *evaluation);
    size_t n_confusion = (size_t)(head->n_classes * head->n_classes);
    if (!evaluation) {
        err_memory(err, "an evaluation");
        return NULL;
    }
    evaluation->n_rows = head->n_rows;
    evaluation->loss = head->loss;
    evaluation->accuracy = head->accuracy;
    evaluation->rmse = head->rmse;
    evaluation->mae = head->mae;
    evaluation->r2 = head->r2;
    evaluation->n_classes = (uint32_t)head->n_classes;
    evaluation->confusion = malloc((n_confusion + 1) * sizeof *evaluation->confusion);
    evaluation->guesses = malloc((size_t)(n_guesses + 1) * sizeof *evaluation->guesses);
    if (!evaluation->confusion || !evaluation->guesses) {
        evaluation_free(evaluation);
        err_memory(err, "an evaluation");
        return NULL;
    }
    memcpy(evaluation->confusion, front + sizeof *head, n_confusion * 8);
    return evaluation;
}

struct evaluation *evaluations_read(int fd, uint64_t offset, uint64_t limit, uint64_t *n_guesses, struct err *err)
{
    struct head head;
    unsigned char *front = NULL;
    if (!front_read(fd, &head, &front, err))
        return NULL;
    uint64_t n = offset < head.n_rows ? head.n_rows - offset : 0;
    if (n > limit)
        n = limit;
    struct evaluation *evaluation = evaluation_make(&head, front, n, err);
    if (evaluation && !guesses_read(fd, &head, front, offset, n, evaluation->guesses, err)) {
        evaluation_free(evaluation);
        evaluation = NULL;
    }
    free(front);
    if (evaluation)
        *n_guesses = n;
    return evaluation;
}
