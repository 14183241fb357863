/* The steps of an epoch, as every worker of the gang runs them:
 *
 *   1. claim blocks of the batch's rows; take each through gather, forward, loss and deltas alone;
 *   2. barrier;
 *   3. claim blocks of weight rows; compute their gradient over the batch in row order and update them while they are in cache;
 *   4. barrier.
 *
 * A worker claims from its own share first, so that its part of the weights and their optimizer state stay in its cache, then helps
 * the others. Who computes what changes no result: each output is one sum in a fixed order. A batch of several chunks adds up its
 * gradients chunk by chunk and updates in the last. */
#include "network_private.h"
#include "train_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Where a worker stands: the same at every worker. */
struct position {
    uint64_t step;
    uint32_t chunk;
    uint64_t first;    /* place in the epoch's order of the chunk's first row */
    uint32_t n_rows;   /* of the chunk */
    uint32_t n_batch;  /* of the batch */
    uint32_t n_chunks; /* of the batch */
};

static struct position position_at(const struct trainer *t, uint64_t step, uint32_t chunk)
{
    uint64_t batch_first = step * t->batch_size, left = t->train.n_rows - batch_first;
    struct position p = {.step = step, .chunk = chunk};
    p.n_batch = left < t->batch_size ? (uint32_t)left : t->batch_size;
    p.n_chunks = (p.n_batch + t->chunk_rows - 1) / t->chunk_rows;
    p.first = batch_first + (uint64_t)chunk * t->chunk_rows;
    uint32_t rest = p.n_batch - chunk * t->chunk_rows;
    p.n_rows = rest < t->chunk_rows ? rest : t->chunk_rows;
    return p;
}

static uint32_t n_row_blocks(const struct position *p)
{
    return (p->n_rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
}

/* The next block for `worker`, own share first; false when all are taken. `shares` is the offset of the claims within a scratch. */
static bool claim(struct trainer *t, size_t shares, uint32_t worker, uint32_t n_workers, uint32_t *block)
{
    for (uint32_t i = 0; i < n_workers; i++) {
        uint32_t other = worker + i < n_workers ? worker + i : worker + i - n_workers;
        struct claims *claims = (struct claims *)((char *)&t->scratch[other] + shares);
        if (atomic_load_explicit(&claims->next, memory_order_relaxed) >= claims->end)
            continue;
        *block = atomic_fetch_add_explicit(&claims->next, 1, memory_order_relaxed);
        if (*block < claims->end)
            return true;
    }
    return false;
}

static void share_rows(struct trainer *t, const struct position *p, uint32_t worker, uint32_t n_workers)
{
    struct claims *claims = &t->scratch[worker].rows;
    uint64_t n = n_row_blocks(p);
    claims->begin = (uint32_t)(n * worker / n_workers);
    claims->end = (uint32_t)(n * (worker + 1) / n_workers);
    atomic_store_explicit(&claims->next, claims->begin, memory_order_relaxed);
}

static void share_blocks(struct trainer *t, uint32_t worker)
{
    struct claims *claims = &t->scratch[worker].blocks;
    claims->begin = t->block_edges[worker];
    claims->end = t->block_edges[worker + 1];
    atomic_store_explicit(&claims->next, claims->begin, memory_order_relaxed);
}

/* ---- phase 1 ---- */

/* Losses and output deltas of rows first .. first + n - 1 of the chunk, and zero deltas to the next multiple of 16. */
static void score_rows(struct trainer *t, const struct position *p, uint32_t first, uint32_t n)
{
    uint32_t last = t->network->n_layers, n_correct = 0;
    float weight = 1.0f / (float)p->n_batch;
    bool bad = false;
    for (uint32_t i = first; i < first + n; i++) {
        struct target target = row_target(t->train.binding, t->order[p->first + i]);
        struct row_score score = loss_row(t->network, t->kernels, t->options.loss, target, t->a.at[last] + i * t->a.ld[last], weight,
                                          t->d.at[last] + i * t->d.ld[last]);
        t->row_loss[p->first + i] = score.loss;
        n_correct += score.guess == (float)target.label;
        bad |= !isfinite(score.loss);
    }
    for (uint32_t i = first + n; i % 16 != 0; i++)
        memset(t->d.at[last] + i * t->d.ld[last], 0, t->d.ld[last] * sizeof(float));
    if (bad)
        atomic_store_explicit(&t->bad_loss, true, memory_order_relaxed);
    atomic_fetch_add_explicit(&t->correct, n_correct, memory_order_relaxed);
}

static void block_deltas(struct trainer *t, struct worker_scratch *scratch, uint32_t first, uint32_t n_rows)
{
    const struct network *network = t->network;
    for (uint32_t l = network->n_layers - 1; l > 0; l--)
        t->kernels->delta(t->d.at[l + 1] + first * t->d.ld[l + 1], t->d.ld[l + 1], n_rows, network->params + network->weights_at[l],
                          padded_in(network, l), padded_out(network, l), t->a.at[l] + first * t->a.ld[l], layer_is_relu(network, l - 1),
                          t->d.at[l] + first * t->d.ld[l], t->d.ld[l], scratch->delta);
}

/* Rows (16 of them, or none) to bring into cache while those from `row` of the chunk on are worked at: the next of this worker's share,
 * after its end the first of its share in the next step. The records lie anywhere in the table. */
static const uint32_t *rows_ahead(const struct trainer *t, const struct claims *share, const struct position *p, uint32_t row)
{
    uint32_t begin = share->begin * BLOCK_ROWS, end = share->end * BLOCK_ROWS < p->n_rows ? share->end * BLOCK_ROWS : p->n_rows;
    uint64_t ahead = p->first + (row + 16 < end ? row + 16 : begin + p->n_rows);
    return ahead + 16 <= t->train.n_rows ? t->order + ahead : NULL;
}

static void row_block(struct trainer *t, struct worker_scratch *scratch, const struct position *p, uint32_t block)
{
    uint32_t first = block * BLOCK_ROWS, n = p->n_rows - first < BLOCK_ROWS ? p->n_rows - first : BLOCK_ROWS;
    struct row_source source = {.binding = t->train.binding, .sparse = t->sparse, .xt = t->xt, .ldxt = t->a.n_rows};
    for (uint32_t i = 0; i < BLOCK_ROWS / 16; i++)
        source.ahead[i] = rows_ahead(t, &scratch->rows, p, first + 16 * i);
    forward_rows(t->network, t->kernels, &source, t->order + p->first + first, first, n, &t->a, &scratch->gather);
    score_rows(t, p, first, n);
    block_deltas(t, scratch, first, (n + 15) & ~15u);
    /* The sparse gradient reads the bytes of 64 rows at a time: what is left of an earlier, longer chunk must go. */
    uint32_t end = (first + n + 15) & ~15u, end64 = (first + n + 63) & ~63u;
    if (t->sparse && first + n == p->n_rows)
        for (uint32_t k = 0; k < padded_in(t->network, 0) && end < end64; k++)
            memset(t->xt + (size_t)k * t->a.n_rows + end, 0, end64 - end);
}

/* ---- phase 3 ---- */

/* Apply the optimizer to n parameters at offset `at` of the block. */
static bool update_floats(struct trainer *t, const struct update *update, size_t at, const float *g, size_t n)
{
    float *m = t->state[0] == NULL ? NULL : t->state[0] + at, *v = t->state[1] == NULL ? NULL : t->state[1] + at;
    return optimizer_apply(t->options.optimizer, t->kernels, t->network->params + at, m, v, g, n, update);
}

/* As update_floats for a weight block, less the inputs that are zero in every row: their gradient and state are zero, so the update
 * would change nothing. */
static bool update_live_rows(struct trainer *t, const struct update *update, const struct weight_block *b, size_t at, const float *g)
{
    bool finite = true;
    for (uint32_t k = 0, end; k < 16; k = end + 1) {
        for (end = k; end < 16 && !t->dead[b->row + end]; end++) {}
        if (end > k)
            finite &= update_floats(t, update, at + (size_t)k * b->width, g + (size_t)k * b->width, (size_t)(end - k) * b->width);
    }
    return finite;
}

/* Gradient of n floats at offset `at`: zeroed scratch, or what earlier chunks added up. */
static float *gradient_of(struct trainer *t, struct worker_scratch *scratch, const struct position *p, size_t at, size_t n)
{
    float *g = t->gradients == NULL ? scratch->gradient : t->gradients + at;
    if (p->chunk == 0)
        memset(g, 0, n * sizeof *g);
    return g;
}

static bool bias_block(struct trainer *t, struct worker_scratch *scratch, const struct position *p, const struct weight_block *b,
                       const struct update *update)
{
    uint32_t l = b->layer;
    size_t at = t->network->biases_at[l] + b->panel;
    float *g = gradient_of(t, scratch, p, at, b->width);
    t->kernels->gradient_bias(t->d.at[l + 1] + b->panel, t->d.ld[l + 1], p->n_rows, b->width, g);
    return p->chunk + 1 < p->n_chunks || update_floats(t, update, at, g, b->width);
}

static bool weight_block(struct trainer *t, struct worker_scratch *scratch, const struct position *p, const struct weight_block *b,
                         const struct update *update)
{
    uint32_t l = b->layer;
    size_t n = (size_t)16 * b->width;
    size_t at = t->network->weights_at[l] + (size_t)b->panel * padded_in(t->network, l) + (size_t)b->row * b->width;
    float *g = gradient_of(t, scratch, p, at, n);
    const float *dy = t->d.at[l + 1] + b->panel;
    bool sparse = l == 0 && t->sparse;
    if (sparse)
        t->kernels->gradient_sparse(t->xt + (size_t)b->row * t->a.n_rows, t->a.n_rows, t->byte_values, dy, t->d.ld[l + 1],
                                    (p->n_rows + 63) & ~63u, b->width, g);
    else
        t->kernels->gradient(t->a.at[l] + b->row, t->a.ld[l], dy, t->d.ld[l + 1], (p->n_rows + 15) & ~15u, b->width, g);
    if (p->chunk + 1 < p->n_chunks)
        return true;
    return sparse ? update_live_rows(t, update, b, at, g) : update_floats(t, update, at, g, n);
}

static void update_blocks(struct trainer *t, const struct position *p, uint32_t worker, uint32_t n_workers)
{
    struct worker_scratch *scratch = &t->scratch[worker];
    uint64_t step = (uint64_t)atomic_load_explicit(&t->epoch, memory_order_relaxed) * t->n_steps + p->step + 1;
    struct update update = optimizer_update(&t->options, step);
    bool finite = true;
    uint32_t i;
    while (claim(t, offsetof(struct worker_scratch, blocks), worker, n_workers, &i)) {
        const struct weight_block *b = &t->blocks[i];
        if (b->row == 0)
            finite &= bias_block(t, scratch, p, b, &update);
        finite &= weight_block(t, scratch, p, b, &update);
    }
    if (!finite)
        atomic_store_explicit(&t->bad_weights, true, memory_order_relaxed);
}

/* ---- the loop ---- */

/* Whether the gang leaves after this chunk. Worker 0 decides for all. */
static bool decide(struct trainer *t, const struct position *next)
{
    return next->step == t->n_steps || atomic_load_explicit(t->stop, memory_order_relaxed) ||
           (t->deadline_ns != 0 && clock_ns() >= t->deadline_ns);
}

static struct position position_next(const struct trainer *t, const struct position *p)
{
    if (p->chunk + 1 < p->n_chunks)
        return position_at(t, p->step, p->chunk + 1);
    if (p->step + 1 < t->n_steps)
        return position_at(t, p->step + 1, 0);
    return (struct position){.step = t->n_steps};
}

/* Worker 0, while the others are at or in phase 3: nobody reads what it writes before the next barrier. */
static void account(struct trainer *t, const struct position *next)
{
    t->n_correct += atomic_load_explicit(&t->correct, memory_order_relaxed);
    atomic_store_explicit(&t->correct, 0, memory_order_relaxed);
    atomic_store_explicit(&t->step, next->step, memory_order_relaxed);
    t->chunk = next->chunk;
    t->leave = decide(t, next);
}

static void steps_work(void *self, uint32_t worker)
{
    struct trainer *t = self;
    struct worker_scratch *scratch = &t->scratch[worker];
    uint32_t n_workers = pool_n_threads(t->pool), i;
    struct position p = position_at(t, atomic_load_explicit(&t->step, memory_order_relaxed), t->chunk);
    share_rows(t, &p, worker, n_workers);
    pool_barrier(t->pool);
    for (;;) {
        share_blocks(t, worker);
        while (claim(t, offsetof(struct worker_scratch, rows), worker, n_workers, &i)) {
            if (atomic_load_explicit(t->stop, memory_order_relaxed))
                atomic_store_explicit(&t->aborted, true, memory_order_relaxed);
            if (atomic_load_explicit(&t->aborted, memory_order_relaxed))
                break;
            row_block(t, scratch, &p, i);
        }
        pool_barrier(t->pool);
        if (atomic_load_explicit(&t->aborted, memory_order_relaxed) || atomic_load_explicit(&t->bad_loss, memory_order_relaxed))
            return;
        struct position next = position_next(t, &p);
        if (next.step < t->n_steps)
            share_rows(t, &next, worker, n_workers);
        update_blocks(t, &p, worker, n_workers);
        if (worker == 0)
            account(t, &next);
        pool_barrier(t->pool);
        if (t->leave || atomic_load_explicit(&t->bad_weights, memory_order_relaxed))
            return;
        p = next;
    }
}

void steps_run(struct trainer *t)
{
    atomic_store(&t->aborted, false);
    atomic_store(&t->correct, 0);
    t->leave = false;
    pool_run(t->pool, steps_work, t);
}
