/* Making a trainer: options checked and filled in, the configuration, the
 * network. workspace.c makes the memory for it. */
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
static bool find_dead(struct trainer_config *config, const struct network *network, struct err *err)
{
    uint32_t n_in = padded_in(network, 0), n_inputs = network->n_inputs;
    config->dead = calloc(n_in, sizeof *config->dead);
    if (config->dead == NULL)
        return err_memory(err, "the list of unused inputs");
    for (uint32_t k = 0; k < n_in; k++)
        config->dead[k] = k >= n_inputs || binding_input_is_zero(config->train.binding, k);
    return true;
}

/* Share of rows in which each input is not zero, (padded n_inputs), by a
 * sample. NULL: out of memory. */
static float *column_density(const struct trainer_config *config, const struct network *network)
{
    uint32_t n_in = padded_in(network, 0);
    uint64_t n = config->train.n_rows < SAMPLE_ROWS ? config->train.n_rows : SAMPLE_ROWS;
    uint8_t *row = calloc(n_in, 1);
    float *density = calloc(n_in, sizeof *density);
    for (uint64_t i = 0; row != NULL && density != NULL && i < n; i++) {
        binding_encode_bytes(config->train.binding, config->train.rows[i * (config->train.n_rows / n)], 0,
                             n_in, row);
        for (uint32_t k = 0; k < n_in; k++)
            density[k] += row[k] == 0 ? 0 : 1 / (float)n;
    }
    free(row);
    return density;
}

/* About how many cycles a block takes for each of its columns, measured with
 * AVX-512: only the ratios matter. */
static float block_cost(const struct trainer_config *config, const struct network *network,
                        const struct weight_block *b, const float *density)
{
    const float update = 20, dense = 0.5f, sparse = 1, per_row = 4, vector = 0.25f;
    float batch = (float)config->chunk_rows, live = 0, non_zeros = 0;
    float vectors = b->row > 0 ? 0 : vector * batch * (float)layer_n_vectors(&network->layers[b->layer]);
    if (b->layer > 0 || density == NULL)
        return (float)b->width * (update + dense * batch + vectors);
    for (uint32_t k = 0; k < 16; k++) {
        live += density[b->row + k] > 0;
        non_zeros += density[b->row + k] * batch;
    }
    return (float)b->width * (update / 16 * live + per_row + sparse / 16 * non_zeros + vectors);
}

/* Inputs `begin` to `end` - 1 of a layer. */
struct layer_inputs {
    uint32_t layer, begin, end;
};

/* Blocks of the weights of these inputs, in the order of the parameters. */
static void add_blocks(struct trainer_config *config, const struct network *network, const float *density,
                       struct layer_inputs inputs)
{
    uint32_t n_out = padded_out(network, inputs.layer);
    for (uint32_t panel = 0; panel < n_out; panel += KERNEL_PANEL)
        for (uint32_t row = inputs.begin; row < inputs.end; row += 16) {
            struct weight_block *b = &config->blocks[config->n_blocks++];
            *b = (struct weight_block){
                .layer = inputs.layer, .panel = panel, .row = row, .width = panel_width(n_out, panel)};
            b->cost = block_cost(config, network, b, density);
        }
}

/* Workers' shares of the blocks are contiguous. Where the first layer's inputs
 * are halved, its halves come first and last: each then stays with the workers
 * that sum over it. */
static bool list_blocks(struct trainer_config *config, const struct network *network, struct err *err)
{
    float *density = config->sparse ? column_density(config, network) : NULL;
    uint32_t n_in = padded_in(network, 0), half = inputs_half(n_in);
    size_t n = 0;
    for (uint32_t l = 0; l < network->n_layers; l++)
        n +=
            (size_t)padded_in(network, l) / 16 * ((padded_out(network, l) + KERNEL_PANEL - 1) / KERNEL_PANEL);
    config->blocks = calloc(n, sizeof *config->blocks);
    if (config->blocks == NULL) {
        free(density);
        return err_memory(err, "the list of weight blocks");
    }
    add_blocks(config, network, density, (struct layer_inputs){0, 0, half});
    for (uint32_t l = 1; l < network->n_layers; l++)
        add_blocks(config, network, density, (struct layer_inputs){l, 0, padded_in(network, l)});
    add_blocks(config, network, density, (struct layer_inputs){0, half, n_in});
    free(density);
    return true;
}

/* The first block of each panel of the hidden layers. */
static bool list_panels(struct trainer_config *config, const struct network *network, struct err *err)
{
    config->panels = calloc(config->n_blocks, sizeof *config->panels);
    for (uint32_t i = 0; config->panels != NULL && i < config->n_blocks; i++)
        if (config->blocks[i].row == 0 && config->blocks[i].layer + 1 < network->n_layers)
            config->panels[config->n_panels++] = config->blocks[i];
    return config->panels != NULL || err_memory(err, "the list of panels");
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

static bool config_init(struct trainer_config *config, const struct network *network, struct err *err)
{
    const struct train_options *o = &config->options;
    uint64_t n = config->train.n_rows;
    config->kernels = kernels_get();
    config->objective = (struct objective){.loss = o->loss,
                                           .classes = config->recipe->task == TASK_CLASSIFICATION,
                                           .label_smoothing = o->label_smoothing};
    config->clips_norm = o->clipnorm > 0 || o->global_clipnorm > 0;
    config->prepares =
        config->clips_norm || o->clipvalue > 0 || o->l1 > 0 || o->l2 > 0 || o->weight_decay > 0;
    config->batch_size = o->batch_size == 0 || o->batch_size > n ? (uint32_t)n : o->batch_size;
    config->n_steps = (n + config->batch_size - 1) / config->batch_size;
    config->chunk_rows = chunk_rows(network, config->batch_size);
    config->window = (uint32_t)window_rows(n) + config->chunk_rows;
    config->long_chunks = 6.0 * (double)config->chunk_rows * (double)network_n_params(network) > LONG_CHUNK;
    /* A dropped input is none of the values that a byte stands for. */
    config->sparse = o->input_dropout == 0 && rows_are_sparse(&config->train);
    for (int i = 0; i < 256; i++)
        config->byte_values[i] = (float)i * config->recipe->bytes_scale;
    if (!list_blocks(config, network, err) || !list_panels(config, network, err))
        return false;
    if (augment_is_on(&o->augment) && (config->augmenter = augmenter_new(&o->augment, err)) == NULL)
        return false;
    /* Penalties and decay move weights that have no gradient; augmentation puts
     * ink where no row had any. */
    bool dead_stay = config->sparse && !config->prepares && config->augmenter == NULL;
    return !dead_stay || find_dead(config, network, err);
}

static void config_done(struct trainer_config *config)
{
    augmenter_free(config->augmenter);
    free(config->blocks);
    free(config->panels);
    free(config->dead);
}

static struct network *network_make(const struct train_options *o, uint32_t n_inputs, struct err *err)
{
    struct network *network = network_new(n_inputs, o->layers, o->n_layers, err);
    if (network != NULL && network_init(network, o->init, o->stddev, o->seed, err))
        return network;
    network_free(network);
    return NULL;
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
    t->config = (struct trainer_config){
        .recipe = recipe, .train = *train, .validation = *validation, .options = filled};
    t->state.network = network_make(&filled, recipe->n_inputs, err);
    t->run.phase = N_PHASES;
    if (t->state.network != NULL && config_init(&t->config, t->state.network, err) &&
        trainer_state_init(&t->state, &t->config, err) &&
        trainer_workspace_init(&t->work, &t->config, t->state.network, err))
        return t;
    trainer_free(t);
    return NULL;
}

void trainer_free(struct trainer *t)
{
    if (t == NULL)
        return;
    trainer_run_done(&t->run);
    trainer_workspace_done(&t->work);
    trainer_state_done(&t->state);
    config_done(&t->config);
    free(t);
}
