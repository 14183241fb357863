/* Rows through a network, scored: validation while training, evaluation after
 * it. Also the workers' scratch. */
#include "base/denormals.h"
#include "base/memory.h"
#include "network/private.h"
#include "train/private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool scratch_init(struct worker_scratch *s, const struct network *network, size_t delta_floats,
                         struct err *err)
{
    uint32_t width = network->n_inputs;
    for (uint32_t l = 0; l < network->n_layers; l++)
        if (network->layers[l].units > width)
            width = network->layers[l].units;
    if (!gather_init(&s->gather, width, err) ||
        !activations_init(&s->activations, network, BLOCK_ROWS, true, err))
        return false;
    s->delta = aligned_zeros(delta_floats, sizeof(float));
    s->gradient = aligned_zeros((size_t)16 * KERNEL_PANEL, sizeof(float));
    return (s->delta != NULL && s->gradient != NULL) || err_memory(err, "the scratch of a worker");
}

struct worker_scratch *scratch_new(uint32_t n, const struct network *network, size_t delta_floats,
                                   struct err *err)
{
    struct worker_scratch *scratch = aligned_zeros(n, sizeof *scratch);
    if (scratch == NULL) {
        err_memory(err, "the scratch of the workers");
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!scratch_init(&scratch[i], network, delta_floats, err)) {
            scratch_free(scratch, n);
            return NULL;
        }
    }
    return scratch;
}

void scratch_free(struct worker_scratch *scratch, uint32_t n)
{
    if (scratch == NULL)
        return;
    for (uint32_t i = 0; i < n; i++) {
        gather_done(&scratch[i].gather);
        activations_done(&scratch[i].activations);
        free(scratch[i].delta);
        free(scratch[i].gradient);
    }
    free(scratch);
}

struct target row_target(const struct rows *rows, uint32_t row)
{
    const struct recipe *recipe = binding_recipe(rows->binding);
    float weight = rows->weights == NULL ? 1 : rows->weights[row];
    if (recipe->task == TASK_CLASSIFICATION)
        return (struct target){.label = binding_class(rows->binding, row), .weight = weight};
    float value = (binding_value(rows->binding, row) - recipe->target_mean) / recipe->target_stddev;
    return (struct target){.label = -1, .value = value, .weight = weight};
}

bool rows_are_sparse(const struct rows *rows)
{
    const struct recipe *recipe = binding_recipe(rows->binding);
    uint32_t n_inputs = recipe->n_inputs;
    if (!recipe->bytes || rows->n_rows == 0 || !binding_has_bytes(rows->binding))
        return false;
    uint8_t *bytes = malloc(n_inputs);
    if (bytes == NULL)
        return false; /* the dense way gives the same bits */
    uint64_t n_nonzero = 0, n = rows->n_rows < SAMPLE_ROWS ? rows->n_rows : SAMPLE_ROWS;
    for (uint64_t i = 0; i < n; i++) {
        binding_encode_bytes(rows->binding, rows->rows[i * (rows->n_rows / n)], 0, n_inputs, bytes);
        for (uint32_t k = 0; k < n_inputs; k++)
            n_nonzero += bytes[k] != 0;
    }
    free(bytes);
    return gather_is_sparse(n_nonzero / n, n_inputs);
}

#define BLOCK_OPERATIONS                                                                                     \
    1e10 /* of one block of rows through the network and back: about 50 ms on an AVX-512 core */

uint32_t rows_at_once(const struct network *network)
{
    double rows = BLOCK_OPERATIONS / (4.0 * (double)network_n_params(network));
    return rows >= BLOCK_ROWS ? BLOCK_ROWS : rows < 32 ? 16 : (uint32_t)rows & ~15u;
}

struct scoring_work {
    const struct scoring *scoring;
    struct worker_scratch *scratch;
    uint32_t block;
    alignas(CACHE_LINE) atomic_ullong next;
};

static void scoring_block(const struct scoring *s, struct worker_scratch *scratch, uint64_t first,
                          uint32_t block)
{
    const struct kernels *kernels = kernels_get();
    uint64_t left = s->end - first;
    uint32_t n = left < block ? (uint32_t)left : block, last = s->network->n_layers;
    struct row_source source = {.binding = s->rows->binding, .sparse = s->sparse, .n_order = s->end - first};
    struct activations *a = &scratch->activations;
    struct forward_pass pass = {.network = s->network, .kernels = kernels, .a = a};
    forward_rows(&pass, &source, s->rows->rows + first, 0, n, &scratch->gather);
    for (uint32_t i = 0; i < n; i++)
        s->scores[first - s->begin + i] =
            loss_row(s->network, kernels, &s->objective, row_target(s->rows, s->rows->rows[first + i]),
                     a->at[last] + i * a->ld[last], 0, NULL);
}

/* However late it is, each run gets on by a block, unless it is stopped. */
static void scoring_work(void *self, uint32_t worker)
{
    struct scoring_work *work = self;
    const struct scoring *s = work->scoring;
    bool late = false;
    uint64_t first;
    while (!late && (s->stop == NULL || !atomic_load_explicit(s->stop, memory_order_relaxed)) &&
           (first = atomic_fetch_add(&work->next, work->block)) < s->end) {
        scoring_block(s, &work->scratch[worker], first, work->block);
        late = s->deadline_ns != 0 && clock_ns() >= s->deadline_ns;
    }
}

void scoring_run(struct scoring *scoring, struct pool *pool, struct worker_scratch *scratch)
{
    uint64_t n_rows = scoring->end - scoring->n_done;
    struct scoring_work work = {.scoring = scoring,
                                .scratch = scratch,
                                .block = rows_at_once(scoring->network),
                                .next = scoring->n_done};
    if (2.0 * (double)n_rows * (double)network_n_params(scoring->network) >= WORTH_SHARING) {
        pool_run(pool, scoring_work, &work);
    } else {
        unsigned before = denormals_flush();
        scoring_work(&work, 0);
        denormals_restore(before);
    }
    scoring->n_done = atomic_load(&work.next) < scoring->end ? atomic_load(&work.next)
                                                             : scoring->end; /* every block taken is done */
}
