/* A step's rows: a block of them through the network and back, by one
 * worker. */
#include "network/private.h"
#include "train/private.h"

#include <math.h>
#include <string.h>

static uint32_t rows_of_block(const struct trainer_run *run, const struct position *p, uint32_t block)
{
    uint32_t left = p->n_rows - block * run->block_rows;
    return left < run->block_rows ? left : run->block_rows;
}

/* Losses and output deltas of rows first .. first + n - 1 of the chunk, and
 * zero deltas to the next multiple of 16. */
static void score_rows(struct trainer *t, const struct position *p, uint32_t first, uint32_t n)
{
    const struct trainer_config *config = &t->config;
    const struct trainer_state *state = &t->state;
    const struct trainer_workspace *work = &t->work;
    uint32_t last = state->network->n_layers;
    float share_of_row = 1.0f / (float)p->n_batch;
    for (uint32_t i = first; i < first + n; i++) {
        struct target target = row_target(&config->train, work->order.rows[p->first + i]);
        struct row_score *score = &state->scores[p->first + i - state->outcomes.sums.n];
        *score = loss_row(state->network, config->kernels, &config->objective, target,
                          work->activations.at[last] + i * work->activations.ld[last], share_of_row,
                          work->deltas.at[last] + i * work->deltas.ld[last]);
        if (!isfinite(score->loss))
            atomic_store_explicit(&t->run.bad_loss, true, memory_order_relaxed);
    }
    for (uint32_t i = first + n; i % 16 != 0; i++)
        memset(work->deltas.at[last] + i * work->deltas.ld[last], 0, work->deltas.ld[last] * sizeof(float));
}

/* Back through a layer's normalisation: deltas of what came out of it become
 * those of its sums. Its inverse standard deviations stand where the deltas go
 * that it has passed. */
static void normalized_deltas(struct trainer *t, uint32_t layer, uint32_t first, uint32_t n_rows)
{
    struct trainer_state *state = &t->state;
    struct trainer_workspace *work = &t->work;
    const struct layer *l = &state->network->layers[layer];
    const float *gains = vector_of(state->network, layer, VECTOR_GAINS);
    for (uint32_t r = first; r < first + n_rows; r++) {
        float *d = work->deltas.at[layer + 1] + r * work->deltas.ld[layer + 1],
              *normal = work->normals.at[layer + 1] + r * work->normals.ld[layer + 1];
        float *passed = work->passed.at[layer + 1] + r * work->passed.ld[layer + 1],
              inverses[NETWORK_NORMS_MAX];
        memcpy(inverses, passed, l->norms * sizeof *inverses);
        for (uint32_t i = 0, n = l->units / l->norms; i < l->norms; i++)
            t->config.kernels->normalize_delta(d + i * n, n, gains + i * n, inverses[i], normal + i * n,
                                               passed + i * n);
    }
}

static void block_deltas(struct trainer *t, struct worker_scratch *scratch, uint32_t first, uint32_t n_rows)
{
    struct trainer_workspace *work = &t->work;
    const struct network *network = t->state.network;
    for (uint32_t l = network->n_layers - 1; l > 0; l--) {
        t->config.kernels->delta(
            work->deltas.at[l + 1] + first * work->deltas.ld[l + 1], work->deltas.ld[l + 1], n_rows,
            network->params + network->weights_at[l], padded_in(network, l), padded_out(network, l),
            work->activations.at[l] + first * work->activations.ld[l], layer_slopes(network, l - 1),
            work->deltas.at[l] + first * work->deltas.ld[l], work->deltas.ld[l], scratch->delta);
        if (network->layers[l - 1].norms > 0)
            normalized_deltas(t, l - 1, first, n_rows);
    }
}

/* For the chunk's rows from `first` on. */
static struct row_source source_of(const struct trainer *t, const struct position *p, uint32_t first)
{
    const struct trainer_config *config = &t->config;
    const struct trainer_workspace *work = &t->work;
    return (struct row_source){.binding = config->train.binding,
                               .sparse = config->sparse,
                               .xt = work->xt,
                               .ldxt = work->activations.n_rows,
                               .n_order = config->train.n_rows - p->first - first};
}

static struct forward_pass pass_of(struct trainer *t)
{
    const struct trainer_config *config = &t->config;
    struct trainer_state *state = &t->state;
    struct trainer_workspace *work = &t->work;
    return (struct forward_pass){.network = state->network,
                                 .kernels = config->kernels,
                                 .a = &work->activations,
                                 .slopes = &work->deltas,
                                 .normals = &work->normals,
                                 .inverses = &work->passed,
                                 .seed = config->options.seed,
                                 .epoch = atomic_load_explicit(&state->epoch, memory_order_relaxed),
                                 .input_dropout = config->options.input_dropout,
                                 .augmenter = config->augmenter};
}

/* The sparse gradient reads the bytes of 64 rows at a time: what is left of an
 * earlier, longer chunk after its last row must go. */
static void bytes_end(struct trainer_workspace *work, const struct position *p, uint32_t begin, uint32_t end)
{
    uint32_t last = (p->n_rows + 15) & ~15u, last64 = (p->n_rows + 63) & ~63u;
    for (uint32_t k = begin; k < end && last < last64; k++)
        memset(work->xt + (size_t)k * work->activations.n_rows + last, 0, last64 - last);
}

/* The worker's own rows of the first layer's deltas and activations, which it
 * overwrites next and others have read since: some with each of its sums. They
 * are two arrays, and each of its blocks of rows has two halves. */
static float *next_overwritten(const struct trainer *t, const struct worker_scratch *scratch, uint32_t sums)
{
    const struct trainer_workspace *work = &t->work;
    const struct claims *own = &scratch->claims[CLAIMS_SUMS], *rows = &scratch->claims[PHASE_ROWS];
    uint32_t turn = sums - own->begin, block = rows->begin + turn / 2;
    const struct activations *array = turn % 2 == 0 ? &work->deltas : &work->activations;
    return sums < own->begin || block >= rows->end ? NULL
                                                   : array->at[1] + block * t->run.block_rows * array->ld[1];
}

void step_sums(struct trainer *t, struct worker_scratch *scratch, const struct position *p, uint32_t half,
               uint32_t block)
{
    struct trainer_workspace *work = &t->work;
    struct trainer_run *run = &t->run;
    uint32_t first = block * run->block_rows, n_in = padded_in(t->state.network, 0);
    struct row_source source = source_of(t, p, first);
    source.overwritten = next_overwritten(t, scratch, half * n_row_blocks(run, p) + block);
    struct forward_pass pass = pass_of(t);
    forward_split_k(&pass, &source, half, work->order.rows + p->first + first, first,
                    rows_of_block(run, p, block), work->sums[half], &scratch->gather);
    if (first + run->block_rows >= p->n_rows)
        bytes_end(work, p, inputs_at(n_in, half), inputs_at(n_in, half + 1));
}

void step_rows(struct trainer *t, struct worker_scratch *scratch, const struct position *p, uint32_t block)
{
    struct trainer_workspace *work = &t->work;
    struct trainer_run *run = &t->run;
    uint32_t first = block * run->block_rows, n = rows_of_block(run, p, block);
    const uint32_t *rows = work->order.rows + p->first + first;
    struct forward_pass pass = pass_of(t);
    if (run->split_k) {
        forward_added(&pass, work->sums, rows, first, n);
    } else {
        struct row_source source = source_of(t, p, first);
        forward_rows(&pass, &source, rows, first, n, &scratch->gather);
        if (t->config.sparse && first + n == p->n_rows)
            bytes_end(work, p, 0, padded_in(t->state.network, 0));
    }
    score_rows(t, p, first, n);
    block_deltas(t, scratch, first, (n + 15) & ~15u);
}
