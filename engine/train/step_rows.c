/* A step's rows: a block of them through the network and back, by one
 * worker. */
#include "network/private.h"
#include "train/private.h"

#include <math.h>
#include <string.h>

static uint32_t rows_of_block(const struct trainer *t, const struct position *p, uint32_t block)
{
    uint32_t left = p->n_rows - block * t->block_rows;
    return left < t->block_rows ? left : t->block_rows;
}

/* Losses and output deltas of rows first .. first + n - 1 of the chunk, and
 * zero deltas to the next multiple of 16. */
static void score_rows(struct trainer *t, const struct position *p, uint32_t first, uint32_t n)
{
    uint32_t last = t->network->n_layers;
    float share_of_row = 1.0f / (float)p->n_batch;
    for (uint32_t i = first; i < first + n; i++) {
        struct target target = row_target(&t->train, t->order[p->first + i]);
        struct row_score *score = &t->scores[p->first + i - t->outcomes.sums.n];
        *score = loss_row(t->network, t->kernels, &t->objective, target, t->a.at[last] + i * t->a.ld[last],
                          share_of_row, t->d.at[last] + i * t->d.ld[last]);
        if (!isfinite(score->loss))
            atomic_store_explicit(&t->bad_loss, true, memory_order_relaxed);
    }
    for (uint32_t i = first + n; i % 16 != 0; i++)
        memset(t->d.at[last] + i * t->d.ld[last], 0, t->d.ld[last] * sizeof(float));
}

/* Back through a layer's normalisation: deltas of what came out of it become
 * those of its sums. Its inverse standard deviations stand where the deltas go
 * that it has passed. */
static void normalized_deltas(struct trainer *t, uint32_t layer, uint32_t first, uint32_t n_rows)
{
    const struct layer *l = &t->network->layers[layer];
    const float *gains = vector_of(t->network, layer, VECTOR_GAINS);
    for (uint32_t r = first; r < first + n_rows; r++) {
        float *d = t->d.at[layer + 1] + r * t->d.ld[layer + 1],
              *normal = t->normals.at[layer + 1] + r * t->normals.ld[layer + 1];
        float *passed = t->passed.at[layer + 1] + r * t->passed.ld[layer + 1], inverses[NETWORK_NORMS_MAX];
        memcpy(inverses, passed, l->norms * sizeof *inverses);
        for (uint32_t i = 0, n = l->units / l->norms; i < l->norms; i++)
            t->kernels->normalize_delta(d + i * n, n, gains + i * n, inverses[i], normal + i * n,
                                        passed + i * n);
    }
}

static void block_deltas(struct trainer *t, struct worker_scratch *scratch, uint32_t first, uint32_t n_rows)
{
    const struct network *network = t->network;
    for (uint32_t l = network->n_layers - 1; l > 0; l--) {
        t->kernels->delta(t->d.at[l + 1] + first * t->d.ld[l + 1], t->d.ld[l + 1], n_rows,
                          network->params + network->weights_at[l], padded_in(network, l),
                          padded_out(network, l), t->a.at[l] + first * t->a.ld[l],
                          layer_slopes(network, l - 1), t->d.at[l] + first * t->d.ld[l], t->d.ld[l],
                          scratch->delta);
        if (network->layers[l - 1].norms > 0)
            normalized_deltas(t, l - 1, first, n_rows);
    }
}

/* For the chunk's rows from `first` on. */
static struct row_source source_of(const struct trainer *t, const struct position *p, uint32_t first)
{
    return (struct row_source){.binding = t->train.binding,
                               .sparse = t->sparse,
                               .xt = t->xt,
                               .ldxt = t->a.n_rows,
                               .n_order = t->train.n_rows - p->first - first};
}

static struct pass pass_of(struct trainer *t)
{
    return (struct pass){.network = t->network,
                         .kernels = t->kernels,
                         .a = &t->a,
                         .slopes = &t->d,
                         .normals = &t->normals,
                         .inverses = &t->passed,
                         .seed = t->options.seed,
                         .epoch = atomic_load_explicit(&t->epoch, memory_order_relaxed),
                         .input_dropout = t->options.input_dropout,
                         .augmenter = t->augmenter};
}

/* The sparse gradient reads the bytes of 64 rows at a time: what is left of an
 * earlier, longer chunk after its last row must go. */
static void bytes_end(struct trainer *t, const struct position *p, uint32_t begin, uint32_t end)
{
    uint32_t last = (p->n_rows + 15) & ~15u, last64 = (p->n_rows + 63) & ~63u;
    for (uint32_t k = begin; k < end && last < last64; k++)
        memset(t->xt + (size_t)k * t->a.n_rows + last, 0, last64 - last);
}

/* The worker's own rows of the first layer's deltas and activations, which it
 * overwrites next and others have read since: some with each of its sums. They
 * are two arrays, and each of its blocks of rows has two halves. */
static float *next_overwritten(const struct trainer *t, const struct worker_scratch *scratch, uint32_t sums)
{
    const struct claims *own = &scratch->claims[CLAIMS_SUMS], *rows = &scratch->claims[PHASE_ROWS];
    uint32_t turn = sums - own->begin, block = rows->begin + turn / 2;
    const struct activations *array = turn % 2 == 0 ? &t->d : &t->a;
    return sums < own->begin || block >= rows->end ? NULL
                                                   : array->at[1] + block * t->block_rows * array->ld[1];
}

void step_sums(struct trainer *t, struct worker_scratch *scratch, const struct position *p, uint32_t half,
               uint32_t block)
{
    uint32_t first = block * t->block_rows, n_in = padded_in(t->network, 0);
    struct row_source source = source_of(t, p, first);
    source.overwritten = next_overwritten(t, scratch, half * n_row_blocks(t, p) + block);
    struct pass pass = pass_of(t);
    forward_half(&pass, &source, half, t->order + p->first + first, first, rows_of_block(t, p, block),
                 t->sums[half], &scratch->gather);
    if (first + t->block_rows >= p->n_rows)
        bytes_end(t, p, inputs_at(n_in, half), inputs_at(n_in, half + 1));
}

void step_rows(struct trainer *t, struct worker_scratch *scratch, const struct position *p, uint32_t block)
{
    uint32_t first = block * t->block_rows, n = rows_of_block(t, p, block);
    const uint32_t *rows = t->order + p->first + first;
    struct pass pass = pass_of(t);
    if (t->halves) {
        forward_joined(&pass, t->sums, rows, first, n);
    } else {
        struct row_source source = source_of(t, p, first);
        forward_rows(&pass, &source, rows, first, n, &scratch->gather);
        if (t->sparse && first + n == p->n_rows)
            bytes_end(t, p, 0, padded_in(t->network, 0));
    }
    score_rows(t, p, first, n);
    block_deltas(t, scratch, first, (n + 15) & ~15u);
}
