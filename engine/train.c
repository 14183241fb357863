/* A trainer: made of rows, options and a network; runs epochs on a pool. Threads: one caller at a time; trainer_epoch and trainer_fraction
 * may be asked by any. */
#include "mlp/train.h"
#include "network_private.h"
#include "rng.h"
#include "train_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)4 << 20) /* about what activations and deltas of a chunk may take */
#define CHUNK_ROWS_MIN 256
#define CHUNK_ROWS_MAX 4096

struct train_options train_options_default(void)
{
    return (struct train_options){.loss = LOSS_AUTO,
                                  .optimizer = OPTIMIZER_ADAM,
                                  .beta_1 = 0.9f,
                                  .beta_2 = 0.999f,
                                  .epsilon = 1e-8f,
                                  .init = INITIALIZER_HE_NORMAL,
                                  .stddev = 0.1f,
                                  .batch_size = 32,
                                  .epochs = 10,
                                  .seed = 1,
                                  .shuffle = true};
}

void rows_shuffle(uint32_t *rows, uint64_t n, uint64_t seed)
{
    for (uint64_t i = 0; i < n; i++)
        rows[i] = (uint32_t)i;
    uint32_t words[4];
    for (uint64_t i = n; i > 1; i--) {
        if ((n - i) % 4 == 0)
            rng_words(seed, rng_stream(RNG_SPLIT, 0), (n - i) / 4, words);
        uint64_t j = (uint64_t)words[(n - i) % 4] * i >> 32;
        uint32_t swapped = rows[i - 1];
        rows[i - 1] = rows[j];
        rows[j] = swapped;
    }
}

/* This epoch's order: depends on seed and epoch alone, so that an interrupted one can be had again. */
static void draw_order(struct trainer *t, uint32_t epoch)
{
    uint64_t n = t->train.n_rows;
    memcpy(t->order, t->train.rows, n * sizeof *t->order);
    if (!t->options.shuffle)
        return;
    uint32_t words[4];
    for (uint64_t i = n; i > 1; i--) {
        if ((n - i) % 4 == 0)
            rng_words(t->options.seed, rng_stream(RNG_SHUFFLE, epoch), (n - i) / 4, words);
        uint64_t j = (uint64_t)words[(n - i) % 4] * i >> 32;
        uint32_t swapped = t->order[i - 1];
        t->order[i - 1] = t->order[j];
        t->order[j] = swapped;
    }
}

/* ---- making one ---- */

static void fill_defaults(struct train_options *o, bool classes)
{
    if (o->loss == LOSS_AUTO)
        o->loss = classes ? LOSS_CATEGORICAL_CROSSENTROPY : LOSS_MSE;
    if (o->learning_rate == 0)
        o->learning_rate = optimizer_default_rate(o->optimizer);
    if (o->beta_1 == 0)
        o->beta_1 = 0.9f;
    if (o->beta_2 == 0)
        o->beta_2 = 0.999f;
    if (o->epsilon == 0)
        o->epsilon = 1e-8f;
}

static bool options_check(const struct train_options *o, const struct recipe *recipe, uint64_t n_rows, struct err *err)
{
    bool classes = recipe->task == TASK_CLASSIFICATION;
    uint32_t n_outputs = classes ? recipe->n_classes : 1;
    if (n_rows == 0)
        return err_set(err, ERR_INPUT, "there are no rows to train on");
    if (n_rows > UINT32_MAX)
        return err_set(err, ERR_LIMIT, "training takes at most %u rows", UINT32_MAX);
    if (o->n_layers == 0 || o->n_layers > NETWORK_LAYERS_MAX)
        return err_set(err, ERR_LIMIT, "a network has 1 to %d layers", NETWORK_LAYERS_MAX) || err_field(err, "layers");
    const struct layer *last = &o->layers[o->n_layers - 1];
    if (last->units != n_outputs)
        return err_set(err, ERR_INPUT, "the last layer has %u units; the target \"%s\" needs %u", last->units, recipe->target, n_outputs) ||
               err_field(err, "layers");
    if (!(o->learning_rate > 0) || !isfinite(o->learning_rate))
        return err_set(err, ERR_INPUT, "the learning rate must be above 0") || err_field(err, "learning_rate");
    if (o->epochs == 0)
        return err_set(err, ERR_INPUT, "epochs must be at least 1") || err_field(err, "epochs");
    return loss_check(o->loss, last->activation, classes, err);
}

/* Which inputs are zero in every training row. */
static bool find_dead(struct trainer *t, struct err *err)
{
    uint32_t n_in = padded_in(t->network, 0);
    uint8_t *bytes = calloc(n_in, 1), *any = calloc(n_in, 1);
    t->dead = calloc(n_in, sizeof *t->dead);
    bool ok = bytes != NULL && any != NULL && t->dead != NULL;
    for (uint64_t i = 0; ok && i < t->train.n_rows; i++) {
        binding_encode_bytes(t->train.binding, t->train.rows[i], bytes);
        for (uint32_t k = 0; k < n_in; k++)
            any[k] |= bytes[k];
    }
    for (uint32_t k = 0; ok && k < n_in; k++)
        t->dead[k] = any[k] == 0;
    free(bytes);
    free(any);
    return ok || err_memory(err, "the list of unused inputs");
}

/* Blocks in the order of the parameters, so that shares of them are contiguous. */
static bool list_blocks(struct trainer *t, struct err *err)
{
    size_t n = 0;
    for (uint32_t l = 0; l < t->network->n_layers; l++)
        n += (size_t)padded_in(t->network, l) / 16 * ((padded_out(t->network, l) + KERNEL_PANEL - 1) / KERNEL_PANEL);
    t->blocks = calloc(n, sizeof *t->blocks);
    if (t->blocks == NULL)
        return err_memory(err, "the list of weight blocks");
    for (uint32_t l = 0; l < t->network->n_layers; l++) {
        uint32_t n_in = padded_in(t->network, l), n_out = padded_out(t->network, l);
        float batch = (float)(t->batch_size < t->chunk_rows ? t->batch_size : t->chunk_rows);
        for (uint32_t panel = 0; panel < n_out; panel += KERNEL_PANEL) {
            for (uint32_t row = 0; row < n_in; row += 16) {
                struct weight_block *b = &t->blocks[t->n_blocks++];
                *b = (struct weight_block){.layer = l, .panel = panel, .row = row, .width = panel_width(n_out, panel)};
                /* Gradient by batch rows (a third as many where sparse), update about 40 rows' worth. */
                b->cost = (float)b->width * (40 + (l == 0 && t->sparse ? batch / 3 : batch));
            }
        }
    }
    return true;
}

static void share_evenly(struct trainer *t, uint32_t n_workers)
{
    double all = 0, sum = 0;
    for (uint32_t i = 0; i < t->n_blocks; i++)
        all += (double)t->blocks[i].cost;
    uint32_t worker = 0;
    t->block_edges[0] = 0;
    for (uint32_t i = 0; i < t->n_blocks; i++) {
        while (worker + 1 < n_workers && sum >= all * (worker + 1) / n_workers)
            t->block_edges[++worker] = i;
        sum += (double)t->blocks[i].cost;
    }
    while (worker < n_workers)
        t->block_edges[++worker] = t->n_blocks;
}

static uint32_t chunk_rows(const struct network *network)
{
    size_t row = padded_in(network, 0);
    for (uint32_t l = 0; l < network->n_layers; l++)
        row += (size_t)padded_out(network, l) * 2 * sizeof(float);
    size_t rows = CHUNK_BYTES / row / 64 * 64;
    return rows < CHUNK_ROWS_MIN ? CHUNK_ROWS_MIN : rows > CHUNK_ROWS_MAX ? CHUNK_ROWS_MAX : (uint32_t)rows;
}

static bool make_workspace(struct trainer *t, struct err *err)
{
    uint64_t n = t->train.n_rows;
    const struct network *network = t->network;
    t->order = malloc(n * sizeof *t->order);
    t->row_loss = malloc(n * sizeof *t->row_loss);
    for (uint32_t i = 0; i < optimizer_n_states(t->options.optimizer); i++) {
        t->state[i] = aligned_zeros(network->n_floats, sizeof(float));
        if (t->state[i] == NULL)
            return err_memory(err, "the optimizer's state");
    }
    if (t->order == NULL || t->row_loss == NULL)
        return err_memory(err, "the order of the rows");
    if (t->batch_size > t->chunk_rows) {
        t->gradients = aligned_zeros(network->n_floats, sizeof(float));
        if (t->gradients == NULL)
            return err_memory(err, "the gradients");
    }
    uint32_t rows = t->batch_size < t->chunk_rows ? t->batch_size : t->chunk_rows;
    if (!activations_init(&t->a, network, rows, !t->sparse, err) || !activations_init(&t->d, network, rows, false, err))
        return false;
    if (t->sparse) {
        t->xt = aligned_zeros(padded_in(network, 0), t->a.n_rows);
        if (t->xt == NULL)
            return err_memory(err, "the transposed inputs");
    }
    return true;
}

/* Once the pool is known: scratch and shares for each of its workers. */
static bool make_scratch(struct trainer *t, uint32_t n_workers, struct err *err)
{
    if (t->n_scratch == n_workers)
        return true;
    scratch_free(t->scratch, t->n_scratch);
    t->scratch = NULL;
    t->n_scratch = 0;
    size_t widest = 0;
    for (uint32_t l = 0; l < t->network->n_layers; l++)
        widest = padded_out(t->network, l) > widest ? padded_out(t->network, l) : widest;
    uint32_t *edges = realloc(t->block_edges, ((size_t)n_workers + 1) * sizeof *edges);
    if (edges == NULL)
        return err_memory(err, "the workers' shares");
    t->block_edges = edges;
    t->scratch = scratch_new(n_workers, t->network, (widest + 16) * BLOCK_ROWS, err);
    if (t->scratch == NULL)
        return false;
    t->n_scratch = n_workers;
    share_evenly(t, n_workers);
    return true;
}

struct trainer *trainer_new(const struct recipe *recipe, const struct rows *train, const struct rows *validation,
                            const struct train_options *options, struct err *err)
{
    struct train_options filled = *options;
    fill_defaults(&filled, recipe->task == TASK_CLASSIFICATION);
    if (!options_check(&filled, recipe, train->n_rows, err))
        return NULL;
    struct trainer *t = aligned_zeros(1, sizeof *t);
    if (t == NULL) {
        err_memory(err, "a trainer");
        return NULL;
    }
    t->recipe = recipe;
    t->train = *train;
    t->validation = *validation;
    t->options = filled;
    t->kernels = kernels_get();
    t->batch_size = filled.batch_size == 0 || filled.batch_size > train->n_rows ? (uint32_t)train->n_rows : filled.batch_size;
    t->n_steps = (train->n_rows + t->batch_size - 1) / t->batch_size;
    t->network = network_new(recipe->n_inputs, filled.layers, filled.n_layers, err);
    if (t->network == NULL)
        goto fail;
    network_init(t->network, filled.init, filled.stddev, filled.seed);
    t->chunk_rows = chunk_rows(t->network);
    t->sparse = rows_are_sparse(train);
    for (int i = 0; i < 256; i++)
        t->byte_values[i] = (float)i * recipe->bytes_scale;
    if (!make_workspace(t, err) || !list_blocks(t, err) || (t->sparse && !find_dead(t, err)))
        goto fail;
    return t;
fail:
    trainer_free(t);
    return NULL;
}

void trainer_free(struct trainer *t)
{
    if (t == NULL)
        return;
    scratch_free(t->scratch, t->n_scratch);
    activations_done(&t->a);
    activations_done(&t->d);
    network_free(t->network);
    free(t->state[0]);
    free(t->state[1]);
    free(t->gradients);
    free(t->order);
    free(t->row_loss);
    free(t->xt);
    free(t->dead);
    free(t->blocks);
    free(t->block_edges);
    free(t);
}

/* ---- running ---- */

/* Mean loss and share of right guesses on the validation rows. */
static bool validate(struct trainer *t, struct epoch_metrics *metrics, struct err *err)
{
    uint64_t n = t->validation.n_rows;
    metrics->val_loss = metrics->val_accuracy = NAN;
    if (n == 0)
        return true;
    struct scoring scoring = {.network = t->network, .loss = t->options.loss, .rows = &t->validation, .sparse = t->sparse};
    scoring.scores = malloc(n * sizeof *scoring.scores);
    if (scoring.scores == NULL)
        return err_memory(err, "the scores of the validation rows");
    scoring_run(&scoring, t->pool, t->scratch);
    double loss = 0;
    uint64_t n_correct = 0;
    for (uint64_t i = 0; i < n; i++) {
        loss += (double)scoring.scores[i].loss;
        n_correct += scoring.scores[i].guess == (float)row_target(t->validation.binding, t->validation.rows[i]).label;
    }
    free(scoring.scores);
    metrics->val_loss = loss / (double)n;
    if (t->recipe->task == TASK_CLASSIFICATION)
        metrics->val_accuracy = (double)n_correct / (double)n;
    return true;
}

static bool finish_epoch(struct trainer *t, uint64_t started_ns, struct epoch_metrics *metrics, struct err *err)
{
    double loss = 0, n = (double)t->train.n_rows;
    for (uint64_t i = 0; i < t->train.n_rows; i++)
        loss += (double)t->row_loss[i];
    uint32_t epoch = atomic_load(&t->epoch) + 1;
    *metrics = (struct epoch_metrics){.epoch = epoch, .loss = loss / n, .accuracy = NAN};
    if (t->recipe->task == TASK_CLASSIFICATION)
        metrics->accuracy = (double)t->n_correct / n;
    if (!validate(t, metrics, err))
        return false;
    metrics->seconds = t->seconds + (double)(clock_ns() - started_ns) * 1e-9;
    t->seconds = 0;
    t->n_correct = 0;
    atomic_store(&t->epoch, epoch);
    atomic_store(&t->step, 0);
    return true;
}

static enum train_state fail_numeric(struct trainer *t, struct err *err)
{
    bool loss = atomic_load(&t->bad_loss);
    err_set(err, ERR_NUMERIC,
            "%s no longer finite in epoch %u, step %llu: the training diverged. Try a smaller learning_rate (now %g), or look for extreme "
            "values in the data",
            loss ? "the loss is" : "the weights are", atomic_load(&t->epoch) + 1, (unsigned long long)atomic_load(&t->step) + loss,
            (double)t->options.learning_rate);
    return TRAIN_FAILED;
}

enum train_state trainer_run(struct trainer *t, struct pool *pool, const atomic_bool *stop, uint64_t deadline_ns,
                             struct epoch_metrics *metrics, struct err *err)
{
    if (atomic_load(&t->epoch) == t->options.epochs)
        return TRAIN_DONE;
    if (atomic_load(&t->bad_loss) || atomic_load(&t->bad_weights))
        return fail_numeric(t, err);
    uint64_t started_ns = clock_ns();
    if (!make_scratch(t, pool_n_threads(pool), err))
        return TRAIN_FAILED;
    t->pool = pool;
    t->stop = stop;
    t->deadline_ns = deadline_ns;
    if (atomic_load(&t->step) == 0 && t->chunk == 0)
        draw_order(t, atomic_load(&t->epoch));
    if (atomic_load(&t->step) < t->n_steps)
        steps_run(t);
    if (atomic_load(&t->bad_loss) || atomic_load(&t->bad_weights))
        return fail_numeric(t, err);
    if (atomic_load(&t->step) == t->n_steps)
        return finish_epoch(t, started_ns, metrics, err) ? TRAIN_EPOCH : TRAIN_FAILED;
    t->seconds += (double)(clock_ns() - started_ns) * 1e-9;
    return TRAIN_SLICE;
}

uint32_t trainer_epoch(const struct trainer *t)
{
    return atomic_load(&t->epoch);
}

double trainer_fraction(const struct trainer *t)
{
    double steps = (double)atomic_load(&t->epoch) * (double)t->n_steps + (double)atomic_load(&t->step);
    return steps / ((double)t->options.epochs * (double)t->n_steps);
}

const struct network *trainer_network(const struct trainer *t)
{
    return t->network;
}

struct model *trainer_model(const struct trainer *t, struct err *err)
{
    struct recipe *recipe = recipe_copy(t->recipe, err);
    struct network *network = recipe == NULL ? NULL : network_copy(t->network, err);
    struct model *model = network == NULL ? NULL : model_new(recipe, network, t->options.loss, err);
    if (model == NULL) {
        recipe_free(recipe);
        network_free(network);
    }
    return model;
}
