/* libFuzzer target: checkpoints. They belong to their build, so an input is a
 * list of changes to one that a training here has just saved: the first byte
 * chooses the training and whether the checksums are mended, the second which
 * call fails, the third how long the state is; then three bytes a change: where
 * (two of them) and by what. What is taken up trains on to its end. */
#include "fuzz.h"
#include "mlp/binding.h"
#include "mlp/pool.h"
#include "mlp/team.h"

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

static struct team *team_make(uint8_t choice, struct err *err)
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
    return team_new(recipe, &train, &validation, &options, err);
}

/* To the end. False: ERR_NUMERIC. */
static bool team_finish(struct team *team, struct err *err)
{
    struct epoch_metrics metrics;
    atomic_bool stop = false;
    enum train_state state = TRAIN_EPOCH;
    for (int i = 0; i <= EPOCHS && state == TRAIN_EPOCH; i++)
        state = team_run(team, pool, &stop, 0, &metrics, err);
    require(state == TRAIN_DONE || state == TRAIN_FAILED, "a training ends");
    return state == TRAIN_DONE;
}

static bool state_take(void *self, struct err *err)
{
    const struct trial *trial = self;
    struct train_place place;
    struct team *team = team_make(trial->choice, err);
    bool good = team && team_state_look(trial->bytes, trial->n, &place, err) && team_restore(team, trial->bytes, trial->n, err);
    require(!good || team_epoch(team) <= EPOCHS, "no epoch is beyond the last");
    good = good && team_finish(team, err);
    team_free(team);
    return good;
}

static void *state_make(uint8_t choice, size_t *n)
{
    struct err err;
    struct epoch_metrics metrics;
    atomic_bool stop = false;
    struct team *team = team_make(choice, &err);
    require(team != NULL, "a team is made");
    for (uint8_t i = 0; i < (choice >> 4 & 3); i++)
        require(team_run(team, pool, &stop, 0, &metrics, &err) == TRAIN_EPOCH, "an epoch is trained");
    void *bytes = calloc(1, team_save_size(team) + 1);
    require(team_can_save(team) && bytes, "a team can be saved");
    *n = team_save(team, bytes);
    team_free(team);
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
        team_state_seal(bytes, trial.n);
        trial.bytes = bytes;
        require(fuzz_run(fault, state_take, &trial), "what was saved is taken up");
    }
    for (; input.n >= 3; input.at += 3, input.n -= 3)
        bytes[(input.at[0] | (size_t)input.at[1] << 8) % trial.n] ^= input.at[2];
    if (!(choice & 8))
        team_state_seal(bytes, trial.n);
    trial.bytes = bytes;
    fuzz_run(fault, state_take, &trial);
    free(bytes);
    return 0;
}
