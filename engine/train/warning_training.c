/* Warnings about a network that has been trained. */
#include "base/denormals.h"
#include "mlp/warning.h"
#include "network/private.h"
#include "train/ensemble_private.h"
#include "train/private.h"

#include <stdlib.h>
#include <string.h>

#define LOOKED_ROWS 512
#define DEAD_SHARE 0.25 /* of a layer's units */
#define TURNED 1.1      /* times the lowest validation loss */
#define TURNED_EPOCHS 3 /* at least so long ago */

/* Which units of hidden layer l were not 0 for one of the rows that stand in
 * the activations. */
static void units_look(const struct activations *a, uint32_t l, uint32_t units, uint32_t n_rows, bool *alive)
{
    for (uint32_t i = 0; i < n_rows; i++)
        for (uint32_t u = 0; u < units; u++)
            alive[u] |= a->at[l + 1][i * a->ld[l + 1] + u] != 0;
}

/* alive: (n_layers, NETWORK's widest layer), row l for layer l. */
static bool rows_look(const struct trainer_config *config, const struct network *network, bool *alive,
                      uint32_t widest)
{
    struct err ignored;
    struct worker_scratch *scratch = scratch_new(1, network, 0, &ignored);
    uint64_t n = config->train.n_rows < LOOKED_ROWS ? config->train.n_rows : LOOKED_ROWS;
    uint32_t rows[BLOCK_ROWS];
    if (scratch == NULL)
        return false;
    struct row_source source = {.binding = config->train.binding, .sparse = config->sparse};
    struct forward_pass pass = {.network = network, .kernels = config->kernels, .a = &scratch->activations};
    unsigned before = denormals_flush();
    for (uint64_t first = 0; first < n; first += BLOCK_ROWS) {
        uint32_t n_block = n - first < BLOCK_ROWS ? (uint32_t)(n - first) : BLOCK_ROWS;
        for (uint32_t i = 0; i < n_block; i++)
            rows[i] = config->train.rows[(first + i) * config->train.n_rows / n];
        forward_rows(&pass, &source, rows, 0, n_block, &scratch->gather);
        for (uint32_t l = 0; l + 1 < network->n_layers; l++)
            units_look(&scratch->activations, l, network->layers[l].units, n_block,
                       alive + (size_t)l * widest);
    }
    denormals_restore(before);
    scratch_free(scratch, 1);
    return true;
}

static void dead_warn(struct warnings *warnings, const struct trainer_config *config,
                      const struct network *network)
{
    uint32_t widest = 0, n_warned = 0;
    for (uint32_t l = 0; l + 1 < network->n_layers; l++)
        widest = network->layers[l].units > widest ? network->layers[l].units : widest;
    bool *alive = widest == 0 ? NULL : calloc((size_t)network->n_layers * widest, sizeof *alive);
    bool looked = alive != NULL && rows_look(config, network, alive, widest);
    for (uint32_t l = 0; looked && l + 1 < network->n_layers && n_warned < WARNINGS_OF_CODE; l++) {
        uint32_t n = 0, units = network->layers[l].units;
        for (uint32_t u = 0; u < units; u++)
            n += !alive[(size_t)l * widest + u];
        if (n < DEAD_SHARE * units)
            continue;
        n_warned++;
        warnings_add(warnings, WARNING_DEAD_UNITS, NULL,
                     "%u of the %u units of layer %u are 0 for every row that was looked at: they learn "
                     "nothing any more. Try a smaller "
                     "learning_rate (now %g) or the activation leaky_relu.",
                     n, units, l + 1, (double)config->options.learning_rate);
    }
    free(alive);
}

static void turned_warn(struct warnings *warnings, const struct trainer_config *config,
                        const struct trainer_state *state)
{
    uint32_t epoch = atomic_load(&state->epoch);
    const struct loss_history *c = &state->history;
    bool restored = config->options.early_stopping.on && config->options.early_stopping.restore_best;
    if (config->validation.n_rows == 0 || restored || c->lowest_epoch == 0 ||
        epoch - c->lowest_epoch < TURNED_EPOCHS || c->last <= TURNED * c->lowest)
        return;
    warnings_add(warnings, WARNING_VALIDATION_TURNED, NULL,
                 "The validation loss was lowest in epoch %u (%.4g) and has risen to %.4g in epoch %u: the "
                 "network learns the training rows by "
                 "heart. Try \"early_stopping\":true, dropout, or fewer epochs.",
                 c->lowest_epoch, c->lowest, c->last, epoch);
}

void warnings_of_training(struct warnings *warnings, const struct trainer *t)
{
    if (atomic_load(&t->state.epoch) == 0)
        return;
    dead_warn(warnings, &t->config, t->state.network);
    turned_warn(warnings, &t->config, &t->state);
}

void warnings_of_ensemble(struct warnings *warnings, const struct ensemble *ensemble)
{
    if (ensemble->n_members == 1)
        warnings_of_training(warnings, ensemble->members[0].trainer);
}
