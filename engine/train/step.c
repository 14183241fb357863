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

static struct position position_at(const struct trainer_config *config, uint64_t step, uint32_t chunk)
{
    uint64_t batch_first = step * config->batch_size, left = config->train.n_rows - batch_first;
    struct position p = {.step = step, .chunk = chunk};
    p.n_batch = left < config->batch_size ? (uint32_t)left : config->batch_size;
    p.n_chunks = (p.n_batch + config->chunk_rows - 1) / config->chunk_rows;
    p.first = batch_first + (uint64_t)chunk * config->chunk_rows;
    uint32_t rest = p.n_batch - chunk * config->chunk_rows;
    p.n_rows = rest < config->chunk_rows ? rest : config->chunk_rows;
    return p;
}

/* The next block of a phase for `worker`, own share first; false when all are
 * taken. */
static bool claim(struct trainer_run *run, enum phase phase, uint32_t worker, uint32_t *block)
{
    for (uint32_t i = 0; i < run->n_workers; i++) {
        uint32_t other = worker + i < run->n_workers ? worker + i : worker + i - run->n_workers;
        struct claims *claims = &run->scratch[other].claims[phase];
        if (atomic_load_explicit(&claims->next, memory_order_relaxed) >= claims->end)
            continue;
        *block = atomic_fetch_add_explicit(&claims->next, 1, memory_order_relaxed);
        if (*block < claims->end)
            return true;
    }
    return false;
}

static void share(struct trainer_run *run, enum phase phase, uint32_t worker, uint64_t begin, uint64_t end)
{
    struct claims *claims = &run->scratch[worker].claims[phase];
    claims->begin = (uint32_t)begin;
    claims->end = (uint32_t)end;
    atomic_store_explicit(&claims->next, claims->begin, memory_order_relaxed);
}

static void share_evenly(struct trainer_run *run, enum phase phase, uint32_t worker, uint64_t n)
{
    share(run, phase, worker, n * worker / run->n_workers, n * (worker + 1) / run->n_workers);
}

/* Each phase's claims are set while no worker is in that phase: those of the
 * next chunk's rows after the rows' barrier, the others before it. */
static void share_weights(const struct trainer_config *config, struct trainer_run *run, uint32_t worker)
{
    share(run, PHASE_GRADIENT, worker, run->block_edges[worker], run->block_edges[worker + 1]);
    if (config->clips_norm)
        share(run, PHASE_UPDATE, worker, run->block_edges[worker], run->block_edges[worker + 1]);
    if (config->options.max_norm > 0)
        share_evenly(run, PHASE_NORMS, worker, config->n_panels);
}

static void share_rows(struct trainer *t, const struct position *p, uint32_t worker)
{
    uint32_t n = n_row_blocks(&t->run, p);
    share_evenly(&t->run, PHASE_ROWS, worker, n);
    if (!t->run.split_k)
        return;
    share_evenly(&t->run, CLAIMS_SUMS, worker, 2 * (uint64_t)n);
    for (uint32_t i = 0; worker == 0 && i < n; i++)
        atomic_store_explicit(&t->work.summed[i].halves, 0, memory_order_relaxed);
}

/* Whether somebody wants the pool to stop now: the phase is then left between
 * two blocks, and goes on there in the next run. Only long chunks stop while
 * weights change: of the others, states can be saved after any run. */
static bool interrupts(const struct trainer_config *config, struct trainer_run *run, enum phase phase)
{
    if (!atomic_load_explicit(run->stop, memory_order_relaxed) ||
        (phase > PHASE_ROWS && !config->long_chunks))
        return false;
    atomic_store_explicit(&run->interrupted[phase], true, memory_order_relaxed);
    return true;
}

/* The next block of a phase; false: all are taken, or the pool stops now. */
static bool claim_or_stop(struct trainer *t, enum phase phase, uint32_t worker, uint32_t *block)
{
    return !interrupts(&t->config, &t->run, phase) && claim(&t->run, phase, worker, block);
}

static void gradient_phase(struct trainer *t, const struct position *p, struct change *change,
                           uint32_t worker)
{
    bool finite = true;
    uint32_t i;
    while (claim_or_stop(t, PHASE_GRADIENT, worker, &i))
        if (!step_gradient(t, &t->run.scratch[worker], p, change, i))
            finite = false;
    if (!finite)
        atomic_store_explicit(&t->run.bad_weights, true, memory_order_relaxed);
}

static void update_phase(struct trainer *t, const struct position *p, struct change *change, uint32_t worker)
{
    float scales[2 * NETWORK_LAYERS_MAX];
    bool finite = true;
    uint32_t i;
    (void)p;
    step_clip_scales(&t->config, &t->work, scales);
    change->scales = scales;
    while (claim_or_stop(t, PHASE_UPDATE, worker, &i))
        if (!step_update(change, i))
            finite = false;
    if (!finite)
        atomic_store_explicit(&t->run.bad_weights, true, memory_order_relaxed);
}

static void norms_phase(struct trainer *t, const struct position *p, struct change *change, uint32_t worker)
{
    (void)p;
    uint32_t i;
    while (claim_or_stop(t, PHASE_NORMS, worker, &i))
        step_norms(change, i);
}

/* ---- the loop ---- */

/* Whether the pool leaves after this chunk. Worker 0 decides for all. */
static bool check_stop(struct trainer *t, const struct position *next)
{
    const struct trainer_run *run = &t->run;
    return next->step >= t->work.order.checked_steps ||
           atomic_load_explicit(run->stop, memory_order_relaxed) ||
           (run->deadline_ns != 0 && clock_ns() >= run->deadline_ns);
}

static struct position position_next(const struct trainer_config *config, const struct position *p)
{
    if (p->chunk + 1 < p->n_chunks)
        return position_at(config, p->step, p->chunk + 1);
    if (p->step + 1 < config->n_steps)
        return position_at(config, p->step + 1, 0);
    return (struct position){.step = config->n_steps};
}

/* The barrier between phases. */
static void barrier_wait(struct trainer_run *run)
{
    if (run->n_workers > 1)
        pool_barrier(run->pool);
}

/* Until all sums are claimed: whoever has claimed some completes them, so
 * others may wait for them. False: interrupted before. */
static bool sums_work(struct trainer *t, const struct position *p, uint32_t worker)
{
    struct trainer_run *run = &t->run;
    uint32_t n = n_row_blocks(run, p), i;
    while (!interrupts(&t->config, run, PHASE_ROWS)) {
        if (!claim(run, CLAIMS_SUMS, worker, &i))
            return true;
        step_sums(t, &run->scratch[worker], p, i / n, i % n);
        pool_count(run->pool, &t->work.summed[i % n].halves);
    }
    return false;
}

static void rows_phase(struct trainer *t, const struct position *p, struct change *change, uint32_t worker)
{
    struct trainer_run *run = &t->run;
    (void)change;
    uint32_t i;
    if (run->split_k && !sums_work(t, p, worker))
        return;
    while (claim_or_stop(t, PHASE_ROWS, worker, &i)) {
        if (run->split_k)
            pool_await(run->pool, &t->work.summed[i].halves, 2);
        step_rows(t, &run->scratch[worker], p, i);
    }
}

/* Scores go into the outcomes before the window lacks room for another chunk:
 * between two barriers, where nobody scores. */
static void scores_take(const struct trainer_config *config, struct trainer_state *state,
                        const struct position *p)
{
    uint64_t n = p->first + p->n_rows - state->outcomes.sums.n;
    if (n + config->chunk_rows > config->window)
        outcomes_add(&state->outcomes, state->scores, n);
}

/* The rarer options' phases come after a batch's last chunk. */
static bool phase_wanted(const struct trainer_config *config, const struct position *p, enum phase phase)
{
    if (phase == PHASE_ROWS || phase == PHASE_GRADIENT)
        return true;
    return p->chunk + 1 == p->n_chunks &&
           (phase == PHASE_UPDATE ? config->clips_norm : config->options.max_norm > 0);
}

static void (*const phases[N_PHASES])(struct trainer *t, const struct position *p, struct change *change,
                                      uint32_t worker) = {rows_phase, gradient_phase, update_phase,
                                                          norms_phase};

/* A chunk's phases from `phase` on; false: the pool leaves in the midst of
 * it. */
static bool chunk_work(struct trainer *t, const struct position *p, const struct position *next,
                       enum phase phase, uint32_t worker)
{
    struct trainer_run *run = &t->run;
    struct change change = step_change(&t->config, &t->state, p);
    for (; phase < N_PHASES; phase++) {
        if (!phase_wanted(&t->config, p, phase))
            continue;
        phases[phase](t, p, &change, worker);
        /* Read after the last phase's barrier; an earlier phase's decision is overwritten. */
        if (worker == 0 && phase > PHASE_ROWS)
            run->should_stop = check_stop(t, next);
        barrier_wait(run);
        /* A flag for each phase: a worker who is ahead may have set the next
         * one's by now. */
        if (atomic_load_explicit(&run->interrupted[phase], memory_order_relaxed)) {
            if (worker == 0)
                run->phase = phase;
            return false;
        }
        if (phase == PHASE_ROWS && atomic_load_explicit(&run->bad_loss, memory_order_relaxed))
            return false;
        if (phase == PHASE_ROWS && worker == 0)
            scores_take(&t->config, &t->state, p);
        if (phase == PHASE_ROWS && next->step < t->config.n_steps)
            share_rows(t, next, worker);
    }
    return true;
}

/* What was interrupted goes on: its blocks are claimed and its numbers are in
 * memory as they were left. */
static enum phase chunk_enter(struct trainer *t, const struct position *p, uint32_t worker)
{
    enum phase phase = t->run.phase;
    if (phase == N_PHASES) {
        share_rows(t, p, worker);
        share_weights(&t->config, &t->run, worker);
        phase = 0;
    }
    barrier_wait(&t->run);
    return phase;
}

static void steps_work(void *self, uint32_t worker)
{
    struct trainer *t = self;
    struct trainer_state *state = &t->state;
    struct trainer_run *run = &t->run;
    uint64_t step = atomic_load_explicit(&state->step, memory_order_relaxed);
    struct position p = position_at(&t->config, step, state->chunk), next;
    enum phase phase = chunk_enter(t, &p, worker);
    for (;; p = next, phase = 0) {
        next = position_next(&t->config, &p);
        if (!chunk_work(t, &p, &next, phase, worker))
            return;
        if (worker == 0) {
            atomic_store_explicit(&state->step, next.step, memory_order_relaxed);
            state->chunk = next.chunk;
            run->phase = N_PHASES;
        }
        if (run->should_stop || atomic_load_explicit(&run->bad_weights, memory_order_relaxed))
            return;
        share_weights(&t->config, run, worker);
    }
}

void steps_run(struct trainer *t)
{
    struct trainer_run *run = &t->run;
    for (int i = 0; i < N_PHASES; i++)
        atomic_store(&run->interrupted[i], false);
    run->should_stop = false;
    if (run->n_workers > 1) {
        pool_run(run->pool, steps_work, t);
        return;
    }
    unsigned before = denormals_flush();
    steps_work(t, 0);
    denormals_restore(before);
}
