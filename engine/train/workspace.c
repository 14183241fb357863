/* A trainer's memory: the arrays of its state, its buffers, and what a pool's
 * workers need. */
#include "base/memory.h"
#include "network/private.h"
#include "train/private.h"

#include <stdlib.h>

/* ---- what a checkpoint holds ---- */

/* n_floats zeros, where wanted. False: out of memory. */
static bool floats_new(float **floats, bool wanted, size_t n_floats, const char *what, struct err *err)
{
    *floats = wanted ? aligned_zeros(n_floats, sizeof(float)) : NULL;
    return !wanted || *floats != NULL || err_memory(err, what);
}

static uint32_t n_classes_of(const struct trainer_config *config)
{
    return config->recipe->task == TASK_CLASSIFICATION ? config->recipe->n_classes : 0;
}

bool trainer_state_init(struct trainer_state *state, const struct trainer_config *config, struct err *err)
{
    size_t n = state->network->n_floats;
    bool gathers = config->batch_size > config->chunk_rows || config->clips_norm;
    for (int i = 0; i < 2; i++)
        if (!floats_new(&state->moments[i], optimizer_has_state(&config->options, i), n,
                        "the optimizer's state", err))
            return false;
    state->scores = calloc(config->window, sizeof *state->scores);
    if (state->scores == NULL)
        return err_memory(err, "the outcomes of the rows");
    return floats_new(&state->best, config->options.early_stopping.on, n, "the best weights", err) &&
           floats_new(&state->gradients, gathers, n, "the gradients", err) &&
           outcomes_init(&state->outcomes, n_classes_of(config), (double)config->recipe->target_stddev,
                         config->train.n_rows, err);
}

void trainer_state_done(struct trainer_state *state)
{
    network_free(state->network);
    free(state->moments[0]);
    free(state->moments[1]);
    free(state->best);
    free(state->gradients);
    free(state->scores);
    outcomes_done(&state->outcomes);
}

/* ---- buffers ---- */

static bool layers_init(struct trainer_workspace *work, const struct trainer_config *config,
                        const struct network *network, struct err *err)
{
    uint32_t n = config->chunk_rows;
    bool normalises = false;
    for (uint32_t l = 0; l < network->n_layers; l++)
        normalises = normalises || network->layers[l].norms > 0;
    return activations_init(&work->activations, network, n, !config->sparse, err) &&
           activations_init(&work->deltas, network, n, false, err) &&
           (!normalises || (activations_init(&work->normals, network, n, false, err) &&
                            activations_init(&work->passed, network, n, false, err)));
}

/* The transposed inputs and, where the inputs can be halved, the sums over
 * either half. */
static bool sparse_init(struct trainer_workspace *work, const struct trainer_config *config,
                        const struct network *network, struct err *err)
{
    uint32_t n_in = padded_in(network, 0), n_rows = work->activations.n_rows;
    work->xt = aligned_zeros(n_in, n_rows);
    if (work->xt == NULL)
        return err_memory(err, "the transposed inputs");
    if (inputs_half(n_in) == n_in || augment_is_on(&config->options.augment))
        return true;
    for (int i = 0; i < 2; i++)
        if (!floats_new(&work->sums[i], true, n_rows * work->activations.ld[1], "the first layer's sums",
                        err))
            return false;
    work->summed = aligned_zeros(n_rows / 16, sizeof *work->summed);
    return work->summed != NULL || err_memory(err, "the first layer's counts");
}

static bool norms_init(struct trainer_workspace *work, const struct trainer_config *config, struct err *err)
{
    work->block_squares = calloc(config->n_blocks, sizeof *work->block_squares);
    work->bias_squares = calloc(config->n_blocks, sizeof *work->bias_squares);
    return (work->block_squares != NULL && work->bias_squares != NULL) ||
           err_memory(err, "the norms of the gradients");
}

bool trainer_workspace_init(struct trainer_workspace *work, const struct trainer_config *config,
                            const struct network *network, struct err *err)
{
    uint64_t n = config->validation.n_rows;
    work->validation_scores = malloc((window_rows(n) + 1) * sizeof *work->validation_scores);
    if (work->validation_scores == NULL)
        return err_memory(err, "the outcomes of the rows");
    return order_init(&work->order, &config->train, err) &&
           outcomes_init(&work->validation_outcomes, n_classes_of(config),
                         (double)config->recipe->target_stddev, n, err) &&
           layers_init(work, config, network, err) &&
           (!config->clips_norm || norms_init(work, config, err)) &&
           (!config->sparse || sparse_init(work, config, network, err));
}

void trainer_workspace_done(struct trainer_workspace *work)
{
    order_done(&work->order);
    activations_done(&work->activations);
    activations_done(&work->deltas);
    activations_done(&work->normals);
    activations_done(&work->passed);
    free(work->xt);
    free(work->sums[0]);
    free(work->sums[1]);
    free(work->summed);
    free(work->block_squares);
    free(work->bias_squares);
    free(work->validation_scores);
    outcomes_done(&work->validation_outcomes);
}

/* ---- the pool's workers ---- */

/* Each worker's share of the blocks: contiguous, of about the same cost. */
static void share_by_cost(struct trainer_run *run, const struct trainer_config *config)
{
    uint32_t n_workers = run->n_workers;
    double all = 0, sum = 0;
    for (uint32_t i = 0; i < config->n_blocks; i++)
        all += (double)config->blocks[i].cost;
    uint32_t worker = 0;
    run->block_edges[0] = 0;
    for (uint32_t i = 0; i < config->n_blocks; i++) {
        while (worker + 1 < n_workers && sum >= all * (worker + 1) / n_workers)
            run->block_edges[++worker] = i;
        sum += (double)config->blocks[i].cost;
    }
    while (worker < n_workers)
        run->block_edges[++worker] = config->n_blocks;
}

static uint32_t workers_wanted(const struct trainer_config *config, const struct network *network,
                               uint32_t n_threads)
{
    double operations = 6.0 * (double)config->batch_size * (double)network_n_params(network);
    return operations < WORTH_SHARING ? 1 : n_threads;
}

/* Rows are independent of each other, so how many a worker takes at a time
 * changes no bit. Many rows at a time read the weights less often; but every
 * worker should have its share of the batch. */
static uint32_t block_rows(const struct trainer_config *config, const struct network *network,
                           uint32_t n_workers)
{
    uint32_t rows = (config->chunk_rows / n_workers + 15) & ~15u;
    uint32_t most = rows_at_once(network);
    return rows < 16 ? 16 : rows > most ? most : rows;
}

/* Scratch for each of n threads. */
static bool run_scratch(struct trainer_run *run, const struct trainer_config *config,
                        const struct network *network, uint32_t n_threads, struct err *err)
{
    size_t widest = 0;
    for (uint32_t l = 0; l < network->n_layers; l++)
        widest = padded_out(network, l) > widest ? padded_out(network, l) : widest;
    scratch_free(run->scratch, run->n_scratch);
    run->n_scratch = 0;
    run->scratch = scratch_new(n_threads, network, (widest + 32) * BLOCK_ROWS, err);
    if (run->scratch == NULL)
        return false;
    for (uint32_t i = 0; config->augmenter != NULL && i < n_threads; i++) {
        run->scratch[i].gather.augment = augmenter_scratch(config->augmenter, err);
        if (run->scratch[i].gather.augment != NULL)
            continue;
        scratch_free(run->scratch, n_threads);
        run->scratch = NULL;
        return false;
    }
    run->n_scratch = n_threads;
    return true;
}

bool trainer_run_init(struct trainer *t, uint32_t n_threads, struct err *err)
{
    const struct trainer_config *config = &t->config;
    const struct network *network = t->state.network;
    struct trainer_run *run = &t->run;
    if (run->n_scratch == n_threads)
        return true;
    uint32_t *edges = realloc(run->block_edges, ((size_t)n_threads + 1) * sizeof *edges);
    if (edges == NULL)
        return err_memory(err, "the workers' shares");
    run->block_edges = edges;
    if (!run_scratch(run, config, network, n_threads, err))
        return false;
    run->n_workers = workers_wanted(config, network, n_threads);
    run->split_k = t->work.sums[0] != NULL && run->n_workers > 1;
    run->block_rows = block_rows(config, network, run->n_workers);
    share_by_cost(run, config);
    return true;
}

void trainer_run_done(struct trainer_run *run)
{
    scratch_free(run->scratch, run->n_scratch);
    free(run->block_edges);
}
