/* libFuzzer target: checkpoints. They belong to their build, so an input is a
 * list of changes to one that a training here has just saved: the first byte
 * chooses the training and whether the checksums are mended, the second which
 * call fails, the third how long the state is; then three bytes a change: where
 * (two of them) and by what. What is taken up trains on to its end. */
#include "fuzz.h"
#include "mlp/binding.h"
#include "mlp/ensemble.h"
#include "mlp/pool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_ROWS = 4, EPOCHS = 4 };

static struct table *table;
static struct recipe *recipe;
static struct binding *binding;
static struct pool *pool;
static const uint32_t order[N_ROWS] = {0, 1, 2, 3};

struct trial {
    uint8_t choice;
    const uint8_t *bytes;
    size_t n;
};

static struct ensemble *ensemble_make(uint8_t choice, struct err *err)
{
    struct train_options options = train_options_default();
    const struct rows train = {.binding = binding, .rows = order, .n_rows = choice & 1 ? 4 : 3},
                      validation = {.binding = binding, .rows = order + 3, .n_rows = choice & 1 ? 0 : 1};
    options.layers[options.n_layers++] = (struct layer){.units = 3, .activation = ACTIVATION_TANH};
    options.layers[options.n_layers++] = (struct layer){.units = 1, .activation = ACTIVATION_LINEAR};
    options.epochs = EPOCHS;
    options.batch_size = 2;
    options.members = choice & 1 ? 2 : 1;
    options.early_stopping.on = (choice & 2) != 0;
    options.early_stopping.restore_best = true;
    options.early_stopping.patience = 2;
    options.optimizer = choice & 4 ? OPTIMIZER_SGD : OPTIMIZER_ADAM;
    return ensemble_new(recipe, &train, &validation, &options, err);
}

/* To the end. False: ERR_NUMERIC. */
static bool ensemble_finish(struct ensemble *ensemble, struct err *err)
{
    struct epoch_metrics metrics;
    atomic_bool stop = false;
    enum train_state state = TRAIN_EPOCH;
    for (int i = 0; i <= EPOCHS && state == TRAIN_EPOCH; i++)
        state = ensemble_run(ensemble, pool, &stop, 0, &metrics, err);
    require(state == TRAIN_DONE || state == TRAIN_FAILED, "a training ends");
    return state == TRAIN_DONE;
}

static bool state_take(void *self, struct err *err)
{
    const struct trial *trial = self;
    struct train_place place;
    struct ensemble *ensemble = ensemble_make(trial->choice, err);
    bool good = ensemble && ensemble_state_look(trial->bytes, trial->n, &place, err) &&
                ensemble_restore(ensemble, trial->bytes, trial->n, err);
    require(!good || ensemble_epoch(ensemble) <= EPOCHS, "no epoch is beyond the last");
    good = good && ensemble_finish(ensemble, err);
    ensemble_free(ensemble);
    return good;
}

static void *state_make(uint8_t choice, size_t *n)
{
    struct err err;
    struct epoch_metrics metrics;
    atomic_bool stop = false;
    struct ensemble *ensemble = ensemble_make(choice, &err);
    require(ensemble != NULL, "an ensemble is made");
    for (uint8_t i = 0; i < (choice >> 4 & 3); i++)
        require(ensemble_run(ensemble, pool, &stop, 0, &metrics, &err) == TRAIN_EPOCH, "an epoch is trained");
    void *bytes = calloc(1, ensemble_save_size(ensemble) + 1);
    require(ensemble_can_save(ensemble) && bytes, "an ensemble can be saved");
    *n = ensemble_save(ensemble, bytes);
    ensemble_free(ensemble);
    return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct err err;
    if (!pool) {
        table = fuzz_table(fuzz_numbers);
        recipe = fuzz_recipe(fuzz_numbers);
        binding = recipe_bind(recipe, table, true, &err);
        pool = pool_new(1, 0, &err);
        require(binding && pool, "a training has what it needs");
    }
    uint8_t choice = fuzz_byte(&input), fault = fuzz_byte(&input), cut = fuzz_byte(&input);
    struct trial trial = {.choice = choice};
    uint8_t *bytes = state_make(choice, &trial.n);
    trial.n -= trial.n > cut ? cut : 0;
    if (input.n < 3 && cut == 0) { /* as it was saved */
        ensemble_state_seal(bytes, trial.n);
        trial.bytes = bytes;
        require(fuzz_run(fault, state_take, &trial), "what was saved is taken up");
    }
    for (; input.n >= 3; input.at += 3, input.n -= 3)
        bytes[(input.at[0] | (size_t)input.at[1] << 8) % trial.n] ^= input.at[2];
    if (!(choice & 8))
        ensemble_state_seal(bytes, trial.n);
    trial.bytes = bytes;
    fuzz_run(fault, state_take, &trial);
    free(bytes);
    return 0;
}
