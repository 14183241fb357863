/* Making a trainer: options checked and filled in, the network, the workspace,
 * the shares of the workers. */
#include "base/memory.h"
#include "network/private.h"
#include "train/private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)4 << 20) /* about what activations and deltas of a chunk may take */
#define CHUNK_ROWS_MIN 256
#define CHUNK_ROWS_MAX 4096
#define LONG_CHUNK 2e9 /* operations: more take over 10 ms, and a stop does not wait for their end */

static void fill_defaults(struct train_options *o, bool classes)
{
    bool sigmoid = o->n_layers > 0 && o->layers[o->n_layers - 1].activation == ACTIVATION_SIGMOID;
    if (o->loss == LOSS_AUTO)
        o->loss = !classes ? LOSS_MSE : sigmoid ? LOSS_BINARY_CROSSENTROPY : LOSS_CATEGORICAL_CROSSENTROPY;
    if (o->early_stopping.patience == 0)
        o->early_stopping.patience = 5;
    optimizer_defaults(o);
}

static bool options_check(struct train_options *o, const struct recipe *recipe, const struct rows *train,
                          struct err *err)
{
    if (train->n_rows == 0)
        return err_set(err, ERR_INPUT, "there are no rows to train on");
    if (train->n_rows > UINT32_MAX)
        return err_set(err, ERR_LIMIT, "training takes at most %u rows", UINT32_MAX);
    if (o->n_layers == 0 || o->n_layers > NETWORK_LAYERS_MAX)
        return err_set(err, ERR_LIMIT, "a network has 1 to %d layers", NETWORK_LAYERS_MAX) ||
               err_field(err, "layers");
    if (o->epochs == 0)
        return err_set(err, ERR_INPUT, "epochs must be at least 1") || err_field(err, "epochs");
    if (o->early_stopping.on && !metric_applies(o->early_stopping.monitor, recipe->n_classes))
        return err_set(err, ERR_INPUT, "there is no %s to monitor for %s",
                       metric_name(o->early_stopping.monitor),
                       recipe->n_classes > 0 ? "this number of classes" : "a target of numbers") ||
               err_field(err, "early_stopping");
    if (loss_is_raw(o->loss) && (recipe->target_mean != 0 || recipe->target_stddev != 1))
        return err_set(err, ERR_INPUT, "%s needs a recipe that leaves the target as it is",
                       loss_name(o->loss)) ||
               err_field(err, "loss");
    if (augment_is_on(&o->augment) && !(recipe->bytes && binding_has_bytes(train->binding)))
        return err_set(err, ERR_INPUT,
                       "augmentation changes pictures, and the columns of this data are not all bytes (0 to "
                       "255)") ||
               err_field(err, "augmentation");
    if (augment_is_on(&o->augment) && !augment_check(&o->augment, recipe->n_inputs, err))
        return false;
    return optimizer_check(o, err) &&
           loss_check(o->loss, &o->layers[o->n_layers - 1],
                      recipe->task == TASK_CLASSIFICATION ? recipe->n_classes : 0, err);
}

/* Which inputs are zero in every row, padding too. */
static bool find_dead(struct trainer *t, struct err *err)
{
    uint32_t n_in = padded_in(t->network, 0), n_inputs = t->network->n_inputs;
    t->dead = calloc(n_in, sizeof *t->dead);
    if (t->dead == NULL)
        return err_memory(err, "the list of unused inputs");
    for (uint32_t k = 0; k < n_in; k++)
        t->dead[k] = k >= n_inputs || binding_input_is_zero(t->train.binding, k);
    return true;
}

/* Share of rows in which each input is not zero, (padded n_inputs), by a
 * sample. NULL: out of memory. */
static float *column_density(const struct trainer *t)
{
    uint32_t n_in = padded_in(t->network, 0);
    uint64_t n = t->train.n_rows < SAMPLE_ROWS ? t->train.n_rows : SAMPLE_ROWS;
    uint8_t *row = calloc(n_in, 1);
    float *density = calloc(n_in, sizeof *density);
    for (uint64_t i = 0; row != NULL && density != NULL && i < n; i++) {
        binding_encode_bytes(t->train.binding, t->train.rows[i * (t->train.n_rows / n)], 0, n_in, row);
        for (uint32_t k = 0; k < n_in; k++)
            density[k] += row[k] == 0 ? 0 : 1 / (float)n;
    }
    free(row);
    return density;
}

/* About how many cycles a block takes for each of its columns, measured with
 * AVX-512: only the ratios matter. */
static float block_cost(const struct trainer *t, const struct weight_block *b, const float *density)
{
    const float update = 20, dense = 0.5f, sparse = 1, per_row = 4, vector = 0.25f;
    float batch = (float)t->chunk_rows, live = 0, non_zeros = 0;
    float vectors = b->row > 0 ? 0 : vector * batch * (float)layer_n_vectors(&t->network->layers[b->layer]);
    if (b->layer > 0 || density == NULL)
        return (float)b->width * (update + dense * batch + vectors);
    for (uint32_t k = 0; k < 16; k++) {
        live += density[b->row + k] > 0;
        non_zeros += density[b->row + k] * batch;
    }
    return (float)b->width * (update / 16 * live + per_row + sparse / 16 * non_zeros + vectors);
}

/* Blocks of a layer's weights whose inputs are from `begin` to `end`, in the
 * order of the parameters. */
static void add_blocks(struct trainer *t, uint32_t layer, uint32_t begin, uint32_t end, const float *density)
{
    uint32_t n_out = padded_out(t->network, layer);
    for (uint32_t panel = 0; panel < n_out; panel += KERNEL_PANEL)
        for (uint32_t row = begin; row < end; row += 16) {
            struct weight_block *b = &t->blocks[t->n_blocks++];
            *b = (struct weight_block){
                .layer = layer, .panel = panel, .row = row, .width = panel_width(n_out, panel)};
            b->cost = block_cost(t, b, density);
        }
}

/* Workers' shares of the blocks are contiguous. Where the first layer's inputs
 * are halved, its halves come first and last: each then stays with the workers
 * that sum over it. */
static bool list_blocks(struct trainer *t, struct err *err)
{
    float *density = t->sparse ? column_density(t) : NULL;
    uint32_t n_in = padded_in(t->network, 0), half = inputs_half(n_in);
    size_t n = 0;
    for (uint32_t l = 0; l < t->network->n_layers; l++)
        n += (size_t)padded_in(t->network, l) / 16 *
             ((padded_out(t->network, l) + KERNEL_PANEL - 1) / KERNEL_PANEL);
    t->blocks = calloc(n, sizeof *t->blocks);
    if (t->blocks == NULL) {
        free(density);
        return err_memory(err, "the list of weight blocks");
    }
    add_blocks(t, 0, 0, half, density);
    for (uint32_t l = 1; l < t->network->n_layers; l++)
        add_blocks(t, l, 0, padded_in(t->network, l), density);
    add_blocks(t, 0, half, n_in, density);
    free(density);
    return true;
}

/* The first block of each panel of the hidden layers. */
static bool list_panels(struct trainer *t, struct err *err)
{
    t->panels = calloc(t->n_blocks, sizeof *t->panels);
    for (uint32_t i = 0; t->panels != NULL && i < t->n_blocks; i++)
        if (t->blocks[i].row == 0 && t->blocks[i].layer + 1 < t->network->n_layers)
            t->panels[t->n_panels++] = t->blocks[i];
    return t->panels != NULL || err_memory(err, "the list of panels");
}

static void share_by_cost(struct trainer *t, uint32_t n_workers)
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

static uint32_t chunk_rows(const struct network *network, uint32_t batch_size)
{
    size_t row = padded_in(network, 0);
    for (uint32_t l = 0; l < network->n_layers; l++)
        row += (size_t)padded_out(network, l) * 2 * sizeof(float);
    size_t rows = CHUNK_BYTES / row / 64 * 64;
    rows = rows < CHUNK_ROWS_MIN ? CHUNK_ROWS_MIN : rows > CHUNK_ROWS_MAX ? CHUNK_ROWS_MAX : rows;
    return batch_size < rows ? batch_size : (uint32_t)rows;
}

static bool make_workspace(struct trainer *t, struct err *err)
{
    uint64_t n = t->train.n_rows;
    const struct network *network = t->network;
    t->window = (uint32_t)window_rows(n) + t->chunk_rows;
    t->scores = calloc(t->window, sizeof *t->scores);
    for (int i = 0; i < 2; i++) {
        if (!optimizer_has_state(&t->options, i))
            continue;
        t->state[i] = aligned_zeros(network->n_floats, sizeof(float));
        if (t->state[i] == NULL)
            return err_memory(err, "the optimizer's state");
    }
    t->validation_scores = malloc((window_rows(t->validation.n_rows) + 1) * sizeof *t->validation_scores);
    if (t->scores == NULL || t->validation_scores == NULL)
        return err_memory(err, "the outcomes of the rows");
    uint32_t n_classes = t->recipe->task == TASK_CLASSIFICATION ? t->recipe->n_classes : 0;
    double unit = (double)t->recipe->target_stddev;
    if (!outcomes_init(&t->outcomes, n_classes, unit, n, err) ||
        !outcomes_init(&t->validation_outcomes, n_classes, unit, t->validation.n_rows, err))
        return false;
    if (t->clips_norm) {
        t->block_squares = calloc(t->n_blocks, sizeof *t->block_squares);
        t->bias_squares = calloc(t->n_blocks, sizeof *t->bias_squares);
        if (t->block_squares == NULL || t->bias_squares == NULL)
            return err_memory(err, "the norms of the gradients");
    }
    if (t->options.early_stopping.on) {
        t->best = aligned_zeros(network->n_floats, sizeof(float));
        if (t->best == NULL)
            return err_memory(err, "the best weights");
    }
    if (t->batch_size > t->chunk_rows || t->clips_norm) {
        t->gradients = aligned_zeros(network->n_floats, sizeof(float));
        if (t->gradients == NULL)
            return err_memory(err, "the gradients");
    }
    if (!activations_init(&t->a, network, t->chunk_rows, !t->sparse, err) ||
        !activations_init(&t->d, network, t->chunk_rows, false, err))
        return false;
    bool normalises = false;
    for (uint32_t l = 0; l < network->n_layers; l++)
        normalises |= network->layers[l].norms > 0;
    if (normalises && (!activations_init(&t->normals, network, t->chunk_rows, false, err) ||
                       !activations_init(&t->passed, network, t->chunk_rows, false, err)))
        return false;
    if (t->sparse) {
        t->xt = aligned_zeros(padded_in(network, 0), t->a.n_rows);
        if (t->xt == NULL)
            return err_memory(err, "the transposed inputs");
        bool halves =
            inputs_half(padded_in(network, 0)) < padded_in(network, 0) && !augment_is_on(&t->options.augment);
        for (int i = 0; i < 2 && halves; i++) {
            t->sums[i] = aligned_zeros(t->a.n_rows, t->a.ld[1] * sizeof(float));
            if (t->sums[i] == NULL)
                return err_memory(err, "the first layer's sums");
        }
        t->summed = halves ? aligned_zeros(t->a.n_rows / 16, sizeof *t->summed) : NULL;
        if (halves && t->summed == NULL)
            return err_memory(err, "the first layer's counts");
    }
    return true;
}

static uint32_t workers_wanted(const struct trainer *t, uint32_t n_workers)
{
    double operations = 6.0 * (double)t->batch_size * (double)network_n_params(t->network);
    return operations < WORTH_SHARING ? 1 : n_workers;
}

/* Rows are independent of each other, so how many a worker takes at a time
 * changes no bit. Many rows at a time read the weights less often; but every
 * worker should have its share of the batch. */
static uint32_t block_rows(const struct trainer *t, uint32_t n_workers)
{
    uint32_t rows = (t->chunk_rows / n_workers + 15) & ~15u;
    uint32_t most = rows_at_once(t->network);
    return rows < 16 ? 16 : rows > most ? most : rows;
}

/* Once the pool is known: scratch and shares for each of its workers. */
bool trainer_scratch(struct trainer *t, uint32_t n_workers, struct err *err)
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
    t->scratch = scratch_new(n_workers, t->network, (widest + 32) * BLOCK_ROWS, err);
    if (t->scratch == NULL)
        return false;
    t->n_scratch = n_workers;
    for (uint32_t i = 0; t->augmenter != NULL && i < n_workers; i++) {
        t->scratch[i].gather.augment = augmenter_scratch(t->augmenter, err);
        if (t->scratch[i].gather.augment != NULL)
            continue;
        scratch_free(t->scratch, n_workers);
        t->scratch = NULL;
        t->n_scratch = 0;
        return false;
    }
    t->n_workers = workers_wanted(t, n_workers);
    t->halves = t->sums[0] != NULL && t->n_workers > 1;
    t->block_rows = block_rows(t, t->n_workers);
    share_by_cost(t, t->n_workers);
    return true;
}

bool train_check(const struct recipe *recipe, const struct rows *train, const struct train_options *options,
                 struct err *err)
{
    struct train_options filled = *options;
    fill_defaults(&filled, recipe->task == TASK_CLASSIFICATION);
    return options_check(&filled, recipe, train, err);
}

static uint64_t padded(uint64_t n)
{
    return (n + 15) & ~(uint64_t)15;
}

uint64_t train_bytes(const struct train_options *options, uint32_t n_inputs, uint64_t n_train,
                     uint64_t n_validation)
{
    struct train_options o = *options;
    fill_defaults(&o, true);
    uint64_t n_floats = 0, row = padded(n_inputs), n_in = n_inputs;
    for (uint32_t l = 0; l < o.n_layers; l++) {
        n_floats += (padded(n_in) + layer_n_vectors(&o.layers[l])) * padded(o.layers[l].units);
        uint64_t halves = l == 0 ? 2 : 0; /* the first layer's sums may stand in two */
        row += padded(o.layers[l].units) * (layer_n_vectors(&o.layers[l]) + 1 + halves) * sizeof(float);
        n_in = o.layers[l].units;
    }
    uint64_t batch = o.batch_size == 0 || o.batch_size > n_train ? n_train : o.batch_size;
    uint64_t chunk = CHUNK_BYTES / row < CHUNK_ROWS_MIN ? CHUNK_ROWS_MIN : CHUNK_BYTES / row;
    bool gathers = batch > chunk || o.clipnorm > 0 || o.global_clipnorm > 0;
    uint64_t arrays =
        1u + optimizer_has_state(&o, 0) + optimizer_has_state(&o, 1) + o.early_stopping.on + gathers;
    return n_floats * sizeof(float) * (2 * arrays + 2) + (batch < chunk ? batch : chunk) * row +
           2 * WINDOW_ROWS * sizeof(struct row_score) + (n_train + n_validation) * 4 * sizeof(uint32_t);
}

struct trainer *trainer_new(const struct recipe *recipe, const struct rows *train,
                            const struct rows *validation, const struct train_options *options,
                            struct err *err)
{
    struct train_options filled = *options;
    fill_defaults(&filled, recipe->task == TASK_CLASSIFICATION);
    if (!options_check(&filled, recipe, train, err))
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
    t->objective = (struct objective){.loss = filled.loss,
                                      .classes = recipe->task == TASK_CLASSIFICATION,
                                      .label_smoothing = filled.label_smoothing};
    t->clips_norm = filled.clipnorm > 0 || filled.global_clipnorm > 0;
    t->prepares =
        t->clips_norm || filled.clipvalue > 0 || filled.l1 > 0 || filled.l2 > 0 || filled.weight_decay > 0;
    t->kernels = kernels_get();
    t->batch_size = filled.batch_size == 0 || filled.batch_size > train->n_rows ? (uint32_t)train->n_rows
                                                                                : filled.batch_size;
    t->n_steps = (train->n_rows + t->batch_size - 1) / t->batch_size;
    t->network = network_new(recipe->n_inputs, filled.layers, filled.n_layers, err);
    if (t->network == NULL)
        goto fail;
    if (!network_init(t->network, filled.init, filled.stddev, filled.seed, err))
        goto fail;
    t->chunk_rows = chunk_rows(t->network, t->batch_size);
    t->long_chunks = 6.0 * (double)t->chunk_rows * (double)network_n_params(t->network) > LONG_CHUNK;
    t->phase = N_PHASES;
    /* A dropped input is none of the values that a byte stands for. */
    t->sparse = filled.input_dropout == 0 && rows_are_sparse(train);
    for (int i = 0; i < 256; i++)
        t->byte_values[i] = (float)i * recipe->bytes_scale;
    if (!list_blocks(t, err) || !list_panels(t, err) || !order_init(t, err) || !make_workspace(t, err))
        goto fail;
    if (augment_is_on(&filled.augment) && (t->augmenter = augmenter_new(&filled.augment, err)) == NULL)
        goto fail;
    /* Penalties and decay move weights that have no gradient; augmentation puts
     * ink where no row had any. */
    if (t->sparse && !t->prepares && t->augmenter == NULL && !find_dead(t, err))
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
    activations_done(&t->normals);
    activations_done(&t->passed);
    network_free(t->network);
    augmenter_free(t->augmenter);
    free(t->state[0]);
    free(t->state[1]);
    free(t->best);
    free(t->gradients);
    free(t->block_squares);
    free(t->bias_squares);
    free(t->panels);
    free(t->order);
    free(t->groups);
    free(t->scores);
    free(t->validation_scores);
    outcomes_done(&t->outcomes);
    outcomes_done(&t->validation_outcomes);
    free(t->xt);
    free(t->sums[0]);
    free(t->sums[1]);
    free(t->summed);
    free(t->dead);
    free(t->blocks);
    free(t->block_edges);
    free(t);
}
