/* The steps of an epoch, as every worker of the pool runs them:
 *
 *   1. claim blocks of the batch's rows; take each through gather, forward,
 *      loss and deltas alone; barrier;
 *   2. claim blocks of weight rows; compute their gradient over the batch in
 *      row order and update them while they are in cache; barrier.
 *
 * Where the first layer's inputs are halved, 1. begins with claims of blocks of
 * rows and one half each, gathered and summed; the rest of a
 * block's way waits for both its halves.
 *
 * Clipping by norm has to see all gradients first: then 2. stores them and a
 * third phase updates. max_norm looks at whole columns of the
 * weights: a fourth.
 *
 * A worker claims from its own share first, so that its part of the weights and
 * their optimizer state stay in its cache, then helps
 * the others. Who computes what changes no result: each output is one sum in a
 * fixed order. A batch of several chunks adds up its
 * gradients chunk by chunk and updates in the last. */
#include "base/denormals.h"
#include "network/private.h"
#include "train/private.h"

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

/* The next block of a phase for `worker`, own share first; false when all are
 * taken. */
static bool claim(struct trainer *t, enum phase phase, uint32_t worker, uint32_t *block)
{
    for (uint32_t i = 0; i < t->n_workers; i++) {
        uint32_t other = worker + i < t->n_workers ? worker + i : worker + i - t->n_workers;
        struct claims *claims = &t->scratch[other].claims[phase];
        if (atomic_load_explicit(&claims->next, memory_order_relaxed) >= claims->end)
            continue;
        *block = atomic_fetch_add_explicit(&claims->next, 1, memory_order_relaxed);
        if (*block < claims->end)
            return true;
    }
    return false;
}

static void share(struct trainer *t, enum phase phase, uint32_t worker, uint64_t begin, uint64_t end)
{
    struct claims *claims = &t->scratch[worker].claims[phase];
    claims->begin = (uint32_t)begin;
    claims->end = (uint32_t)end;
    atomic_store_explicit(&claims->next, claims->begin, memory_order_relaxed);
}

static void share_evenly(struct trainer *t, enum phase phase, uint32_t worker, uint64_t n)
{
    share(t, phase, worker, n * worker / t->n_workers, n * (worker + 1) / t->n_workers);
}

/* Each phase's claims are set while no worker is in that phase: those of the
 * next chunk's rows after the rows' barrier, the others before it. */
static void share_weights(struct trainer *t, uint32_t worker)
{
    share(t, PHASE_GRADIENT, worker, t->block_edges[worker], t->block_edges[worker + 1]);
    if (t->clips_norm)
        share(t, PHASE_UPDATE, worker, t->block_edges[worker], t->block_edges[worker + 1]);
    if (t->options.max_norm > 0)
        share_evenly(t, PHASE_NORMS, worker, t->n_panels);
}

static void share_rows(struct trainer *t, const struct position *p, uint32_t worker)
{
    uint32_t n = n_row_blocks(t, p);
    share_evenly(t, PHASE_ROWS, worker, n);
    if (!t->halves)
        return;
    share_evenly(t, CLAIMS_SUMS, worker, 2 * (uint64_t)n);
    for (uint32_t i = 0; worker == 0 && i < n; i++)
        atomic_store_explicit(&t->summed[i].halves, 0, memory_order_relaxed);
}

/* Whether somebody wants the pool to stop now: the phase is then left between
 * two blocks, and goes on there in the next run. Only long chunks stop while
 * weights change: of the others, states can be saved after any run. */
static bool interrupts(struct trainer *t, enum phase phase)
{
    if (!atomic_load_explicit(t->stop, memory_order_relaxed) || (phase > PHASE_ROWS && !t->long_chunks))
        return false;
    atomic_store_explicit(&t->interrupted[phase], true, memory_order_relaxed);
    return true;
}

/* ---- weights ---- */

/* How parameters change in this step. */
struct change {
    struct update update;
    double rate;
    const float *scales; /* (2 * n_layers): what clipping by norm leaves of weights' and vectors' gradients;
                            NULL: all */
};

static struct change change_at(const struct trainer *t, const struct position *p)
{
    uint64_t step = (uint64_t)atomic_load_explicit(&t->epoch, memory_order_relaxed) * t->n_steps + p->step;
    double rate = schedule_rate(&t->options, step, t->n_steps, t->reductions);
    return (struct change){.update = optimizer_update(&t->options, step + 1, rate), .rate = rate};
}

/* Apply the optimizer to n parameters at offset `at` of the block. */
static bool update_floats(struct trainer *t, const struct change *change, uint32_t layer, bool biases,
                          size_t at, float *g, size_t n)
{
    const struct train_options *o = &t->options;
    float *p = t->network->params + at, *m = t->state[0] == NULL ? NULL : t->state[0] + at,
          *v = t->state[1] == NULL ? NULL : t->state[1] + at;
    if (t->prepares) {
        /* Where norms are clipped, the penalties are in the gradient already:
         * they count in its norm. */
        bool penalised = biases || t->clips_norm;
        struct penalty penalty = {.l1 = penalised ? 0 : o->l1,
                                  .l2 = penalised ? 0 : o->l2,
                                  .clip_scale =
                                      change->scales == NULL ? 1 : change->scales[2 * layer + biases],
                                  .clip_value = o->clipvalue > 0 ? o->clipvalue : INFINITY,
                                  .keep = biases ? 1 : (float)(1 - change->rate * (double)o->weight_decay)};
        t->kernels->prepare(p, g, n, &penalty);
    }
    return t->kernels->update[o->optimizer](p, m, v, g, n, &change->update);
}

/* As update_floats for a weight block, less the inputs that are zero in every
 * row: their gradient and state are zero, so the update would change
 * nothing. */
static bool update_live_rows(struct trainer *t, const struct change *change, const struct weight_block *b,
                             size_t at, float *g)
{
    bool finite = true;
    for (uint32_t k = 0, end; k < 16; k = end + 1) {
        for (end = k; end < 16 && !t->dead[b->row + end]; end++) {}
        if (end > k)
            finite &= update_floats(t, change, 0, false, at + (size_t)k * b->width, g + (size_t)k * b->width,
                                    (size_t)(end - k) * b->width);
    }
    return finite;
}

static bool update_weights(struct trainer *t, const struct change *change, const struct weight_block *b,
                           size_t at, float *g)
{
    if (b->layer == 0 && t->dead != NULL)
        return update_live_rows(t, change, b, at, g);
    return update_floats(t, change, b->layer, false, at, g, (size_t)16 * b->width);
}

/* Where the panel's part of one of the layer's vectors lies. */
static size_t vector_at(const struct trainer *t, const struct weight_block *b, enum vector vector)
{
    return (size_t)(vector_of(t->network, b->layer, vector) - t->network->params) + b->panel;
}

static size_t weights_at(const struct trainer *t, const struct weight_block *b)
{
    return t->network->weights_at[b->layer] + (size_t)b->panel * padded_in(t->network, b->layer) +
           (size_t)b->row * b->width;
}

/* Where the gradient of the floats at offset `at` goes: scratch, or what
 * earlier chunks added up. */
static float *gradient_of(struct trainer *t, struct worker_scratch *scratch, size_t at)
{
    return t->gradients == NULL ? scratch->gradient : t->gradients + at;
}

/* Weights that a worker's cache still holds in the next step, with their
 * optimizer state. What is more is far away when its turn comes, and asked for
 * while its gradient is computed. */
#define L2_BYTES (512u << 10)

static void weights_gradient(struct trainer *t, const struct position *p, const struct weight_block *b,
                             float *g)
{
    uint32_t l = b->layer;
    const float *dy = t->d.at[l + 1] + b->panel;
    if (l == 0 && t->sparse) {
        t->kernels->gradient_sparse(t->xt + (size_t)b->row * t->a.n_rows, t->a.n_rows, t->byte_values, dy,
                                    t->d.ld[l + 1], (p->n_rows + 63) & ~63u, b->width, p->chunk > 0, g);
        return;
    }
    if (p->chunk == 0)
        memset(g, 0, (size_t)16 * b->width * sizeof *g);
    size_t at = weights_at(t, b);
    const float *soon[3] = {t->network->params + at, t->state[0] == NULL ? NULL : t->state[0] + at,
                            t->state[1] == NULL ? NULL : t->state[1] + at};
    bool far = t->network->n_floats * sizeof(float) > (size_t)t->n_workers * L2_BYTES &&
               p->chunk + 1 == p->n_chunks && !t->clips_norm;
    t->kernels->gradient(t->a.at[l] + b->row, t->a.ld[l], dy, t->d.ld[l + 1], (p->n_rows + 15) & ~15u,
                         b->width, far ? soon : NULL, g);
}

/* Gradient of the panel's part of the layer's vectors, each the sum of what the
 * rows say, and as gradient_block goes on. */
static bool vectors_gradient(struct trainer *t, struct worker_scratch *scratch, const struct position *p,
                             const struct change *change, uint32_t block)
{
    const struct weight_block *b = &t->blocks[block];
    const struct activations *rows[] = {&t->d, &t->normals, &t->passed}; /* by enum vector */
    bool last = p->chunk + 1 == p->n_chunks, finite = true;
    double squares = 0;
    for (uint32_t i = 0; i < layer_n_vectors(&t->network->layers[b->layer]); i++) {
        float *g = gradient_of(t, scratch, vector_at(t, b, i));
        if (p->chunk == 0)
            memset(g, 0, b->width * sizeof *g);
        t->kernels->gradient_bias(rows[i]->at[b->layer + 1] + b->panel, rows[i]->ld[b->layer + 1], p->n_rows,
                                  b->width, g);
        if (last && t->clips_norm)
            squares += t->kernels->square_sum(g, b->width);
        else if (last)
            finite &= update_floats(t, change, b->layer, true, vector_at(t, b, i), g, b->width);
    }
    if (last && t->clips_norm)
        t->bias_squares[block] = squares;
    return finite;
}

/* Gradient of block i and, in the batch's last chunk, its update or what
 * clipping must know of it. */
static bool gradient_block(struct trainer *t, struct worker_scratch *scratch, const struct position *p,
                           const struct change *change, uint32_t i)
{
    const struct weight_block *b = &t->blocks[i];
    bool last = p->chunk + 1 == p->n_chunks, finite = true;
    if (b->row == 0)
        finite &= vectors_gradient(t, scratch, p, change, i);
    float *g = gradient_of(t, scratch, weights_at(t, b));
    weights_gradient(t, p, b, g);
    if (last && t->clips_norm) {
        struct penalty penalty = {
            .l1 = t->options.l1, .l2 = t->options.l2, .clip_scale = 1, .clip_value = INFINITY, .keep = 1};
        t->kernels->prepare(t->network->params + weights_at(t, b), g, (size_t)16 * b->width, &penalty);
        t->block_squares[i] = t->kernels->square_sum(g, (size_t)16 * b->width);
    } else if (last) {
        finite &= update_weights(t, change, b, weights_at(t, b), g);
    }
    return finite;
}

/* What clipping leaves of each layer's weights (2 l) and of its biases, gains
 * and offsets together (2 l + 1): the same sums in the same order at every
 * worker. */
static void clip_scales(const struct trainer *t, float scales[2 * NETWORK_LAYERS_MAX])
{
    double squares[2 * NETWORK_LAYERS_MAX] = {0}, all = 0;
    const struct train_options *o = &t->options;
    for (uint32_t i = 0; i < t->n_blocks; i++) {
        squares[2 * t->blocks[i].layer] += t->block_squares[i];
        squares[2 * t->blocks[i].layer + 1] += t->blocks[i].row == 0 ? t->bias_squares[i] : 0;
    }
    for (uint32_t i = 0; i < 2 * t->network->n_layers; i++) {
        double norm = sqrt(squares[i]);
        scales[i] = o->clipnorm > 0 && norm > (double)o->clipnorm ? (float)((double)o->clipnorm / norm) : 1;
        all += squares[i] * (double)scales[i] * (double)scales[i];
    }
    double norm = sqrt(all);
    for (uint32_t i = 0;
         o->global_clipnorm > 0 && norm > (double)o->global_clipnorm && i < 2 * t->network->n_layers; i++)
        scales[i] *= (float)((double)o->global_clipnorm / norm);
}

static bool update_block(struct trainer *t, const struct change *change, uint32_t i)
{
    const struct weight_block *b = &t->blocks[i];
    bool finite = true;
    for (uint32_t v = 0; b->row == 0 && v < layer_n_vectors(&t->network->layers[b->layer]); v++)
        finite &= update_floats(t, change, b->layer, true, vector_at(t, b, v),
                                t->gradients + vector_at(t, b, v), b->width);
    return finite & update_weights(t, change, b, weights_at(t, b), t->gradients + weights_at(t, b));
}

static void gradient_phase(struct trainer *t, const struct position *p, struct change *change,
                           uint32_t worker)
{
    bool finite = true;
    uint32_t i;
    while (!interrupts(t, PHASE_GRADIENT) && claim(t, PHASE_GRADIENT, worker, &i))
        finite &= gradient_block(t, &t->scratch[worker], p, change, i);
    if (!finite)
        atomic_store_explicit(&t->bad_weights, true, memory_order_relaxed);
}

static void update_phase(struct trainer *t, const struct position *p, struct change *change, uint32_t worker)
{
    float scales[2 * NETWORK_LAYERS_MAX];
    bool finite = true;
    uint32_t i;
    (void)p;
    clip_scales(t, scales);
    change->scales = scales;
    while (!interrupts(t, PHASE_UPDATE) && claim(t, PHASE_UPDATE, worker, &i))
        finite &= update_block(t, change, i);
    if (!finite)
        atomic_store_explicit(&t->bad_weights, true, memory_order_relaxed);
}

static void norms_phase(struct trainer *t, const struct position *p, struct change *change, uint32_t worker)
{
    (void)p, (void)change;
    uint32_t i;
    while (!interrupts(t, PHASE_NORMS) && claim(t, PHASE_NORMS, worker, &i)) {
        const struct weight_block *b = &t->panels[i];
        t->kernels->limit_norms(t->network->params + weights_at(t, b), padded_in(t->network, b->layer),
                                b->width, t->options.max_norm);
    }
}

/* ---- the loop ---- */

/* Whether the pool leaves after this chunk. Worker 0 decides for all. */
static bool check_stop(struct trainer *t, const struct position *next)
{
    return next->step >= t->checked_steps || atomic_load_explicit(t->stop, memory_order_relaxed) ||
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

/* The barrier between phases. */
static void barrier_wait(struct trainer *t)
{
    if (t->n_workers > 1)
        pool_barrier(t->pool);
}

/* Until all sums are claimed: whoever has claimed some completes them, so
 * others may wait for them. False: interrupted before. */
static bool sums_work(struct trainer *t, const struct position *p, uint32_t worker)
{
    uint32_t n = n_row_blocks(t, p), i;
    while (!interrupts(t, PHASE_ROWS)) {
        if (!claim(t, CLAIMS_SUMS, worker, &i))
            return true;
        step_sums(t, &t->scratch[worker], p, i / n, i % n);
        pool_count(t->pool, &t->summed[i % n].halves);
    }
    return false;
}

static void rows_phase(struct trainer *t, const struct position *p, struct change *change, uint32_t worker)
{
    (void)change;
    uint32_t i;
    if (t->halves && !sums_work(t, p, worker))
        return;
    while (!interrupts(t, PHASE_ROWS) && claim(t, PHASE_ROWS, worker, &i)) {
        if (t->halves)
            pool_await(t->pool, &t->summed[i].halves, 2);
        step_rows(t, &t->scratch[worker], p, i);
    }
}

/* Scores go into the outcomes before the window lacks room for another chunk:
 * between two barriers, where nobody scores. */
static void scores_take(struct trainer *t, const struct position *p)
{
    uint64_t n = p->first + p->n_rows - t->outcomes.sums.n;
    if (n + t->chunk_rows > t->window)
        outcomes_add(&t->outcomes, t->scores, n);
}

/* The rarer options' phases come after a batch's last chunk. */
static bool phase_wanted(const struct trainer *t, const struct position *p, enum phase phase)
{
    if (phase == PHASE_ROWS || phase == PHASE_GRADIENT)
        return true;
    return p->chunk + 1 == p->n_chunks && (phase == PHASE_UPDATE ? t->clips_norm : t->options.max_norm > 0);
}

static void (*const phases[N_PHASES])(struct trainer *t, const struct position *p, struct change *change,
                                      uint32_t worker) = {rows_phase, gradient_phase, update_phase,
                                                          norms_phase};

/* A chunk's phases from `phase` on; false: the pool leaves in the midst of
 * it. */
static bool chunk_work(struct trainer *t, const struct position *p, const struct position *next,
                       enum phase phase, uint32_t worker)
{
    struct change change = change_at(t, p);
    for (; phase < N_PHASES; phase++) {
        if (!phase_wanted(t, p, phase))
            continue;
        phases[phase](t, p, &change, worker);
        if (worker == 0 &&
            phase > PHASE_ROWS) /* nobody reads it before the barrier; once more does no harm */
            t->should_stop = check_stop(t, next);
        barrier_wait(t);
        /* A flag for each phase: a worker who is ahead may have set the next
         * one's by now. */
        if (atomic_load_explicit(&t->interrupted[phase], memory_order_relaxed)) {
            if (worker == 0)
                t->phase = phase;
            return false;
        }
        if (phase == PHASE_ROWS && atomic_load_explicit(&t->bad_loss, memory_order_relaxed))
            return false;
        if (phase == PHASE_ROWS && worker == 0)
            scores_take(t, p);
        if (phase == PHASE_ROWS && next->step < t->n_steps)
            share_rows(t, next, worker);
    }
    return true;
}

/* What was interrupted goes on: its blocks are claimed and its numbers are in
 * memory as they were left. */
static enum phase chunk_enter(struct trainer *t, const struct position *p, uint32_t worker)
{
    enum phase phase = t->phase;
    if (phase == N_PHASES) {
        share_rows(t, p, worker);
        share_weights(t, worker);
        phase = 0;
    }
    barrier_wait(t);
    return phase;
}

static void steps_work(void *self, uint32_t worker)
{
    struct trainer *t = self;
    struct position p = position_at(t, atomic_load_explicit(&t->step, memory_order_relaxed), t->chunk), next;
    enum phase phase = chunk_enter(t, &p, worker);
    for (;; p = next, phase = 0) {
        next = position_next(t, &p);
        if (!chunk_work(t, &p, &next, phase, worker))
            return;
        if (worker == 0) {
            atomic_store_explicit(&t->step, next.step, memory_order_relaxed);
            t->chunk = next.chunk;
            t->phase = N_PHASES;
        }
        if (t->should_stop || atomic_load_explicit(&t->bad_weights, memory_order_relaxed))
            return;
        share_weights(t, worker);
    }
}

void steps_run(struct trainer *t)
{
    for (int i = 0; i < N_PHASES; i++)
        atomic_store(&t->interrupted[i], false);
    t->should_stop = false;
    if (t->n_workers > 1) {
        pool_run(t->pool, steps_work, t);
        return;
    }
    unsigned before = denormals_flush();
    steps_work(t, 0);
    denormals_restore(before);
}
