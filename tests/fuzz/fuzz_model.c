/* libFuzzer target: models. The first byte: 0, any bytes as a model's file with
 * its checksums mended; 1, as it is; else the texts of a recipe and a network,
 * a NUL after each, and weights: a model that holds together predicts, and is
 * the same model once it was written and read. The second: which call fails. */
#include "fuzz.h"
#include "mend.h"
#include "models/file.h"
#include "json/memory.h"
#include "json/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PARAMS_MAX = 1 << 16, ROWS = 3 };

/* A recipe, a network and weights, each with how long it is. */
struct trial {
    char *recipe, *network;
    const uint8_t *weights;
    size_t n_weights;
};

static bool predict(const struct model *model, float *out, struct err *err)
{
    uint32_t n_inputs = model->recipe->n_inputs;
    struct workspace *workspace = workspace_new(err);
    float *x = malloc(ROWS * (size_t)n_inputs * sizeof *x);
    bool good = workspace && (x || err_memory(err, "inputs"));
    for (uint32_t i = 0; good && i < ROWS * n_inputs; i++)
        x[i] = (float)(i % 7) - 3;
    good = good && model_predict(model, x, ROWS, out, workspace, err);
    free(x);
    workspace_free(workspace);
    return good;
}

static struct model *model_make(const struct trial *trial, struct err *err)
{
    struct network_shape shape;
    struct recipe *recipe = json_to_recipe(trial->recipe, err);
    bool good = recipe && json_to_network(trial->network, &shape, err);
    if (good && (shape.n_inputs != recipe->n_inputs || shape.n_inputs > 4096))
        good = err_set(err, ERR_CORRUPT, "recipe and network do not fit");
    uint64_t n = good ? shape.n_inputs : 0;
    for (uint32_t i = 0; good && i < shape.n_layers; i++)
        if ((n = n * shape.layers[i].units) > PARAMS_MAX || (n = shape.layers[i].units) > 4096)
            good = err_set(err, ERR_CORRUPT, "too large here");
    struct network *network = good ? network_new(shape.n_inputs, shape.layers, shape.n_layers, err) : NULL;
    float *plain = network ? calloc(3 * PARAMS_MAX, sizeof *plain) : NULL;
    good = plain || (network && err_memory(err, "weights"));
    for (size_t i = 0; good && trial->n_weights > 0 && i < 3 * PARAMS_MAX; i++)
        plain[i] = (float)(int8_t)trial->weights[i % trial->n_weights] / 64;
    for (uint32_t i = 0; good && i < network->n_layers; i++)
        network_set(network, i, plain, plain + PARAMS_MAX);
    struct model *model = good ? model_new(recipe, network, shape.loss, err) : NULL;
    free(plain);
    if (!model) {
        recipe_free(recipe);
        network_free(network);
    }
    return model;
}

static bool parts_use(void *self, struct err *err)
{
    struct model *model = model_make(self, err), *back = NULL;
    float *out = model ? calloc(2 * ROWS * (size_t)model_n_outputs(model), sizeof *out) : NULL;
    bool good = out && model_file_write(fuzz_path(2), model, "{\"a\":1}", err) &&
                (back = model_file_read(fuzz_path(2), NULL, NULL, err));
    size_t n = out ? ROWS * model_n_outputs(model) : 0;
    require(good || !model || err->code == ERR_MEMORY || err->code == ERR_SPACE || err->code == ERR_IO ||
                !out,
            "a model is written and read");
    good = good && predict(model, out, err) && predict(back, out + n, err);
    require(!good || memcmp(out, out + n, n * sizeof *out) == 0, "the same model predicts the same");
    if (model && !out)
        err_memory(err, "outputs");
    free(out);
    model_unref(back);
    model_unref(model);
    return good;
}

static bool file_use(void *self, struct err *err)
{
    (void)self;
    char *info = NULL;
    struct model *model = model_file_read(fuzz_path(0), NULL, &info, err);
    float *out = model ? calloc(ROWS * (size_t)model_n_outputs(model), sizeof *out) : NULL;
    bool good = out ? predict(model, out, err) : model ? err_memory(err, "outputs") : false;
    free(out);
    free(info);
    model_unref(model);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t choice = fuzz_byte(&input), fault = fuzz_byte(&input);
    json_memory_open();
    if (choice == 0)
        mend_model(0, input.at, input.n);
    else if (choice == 1)
        close(fuzz_file(0, input.at, input.n));
    if (choice < 2) {
        fuzz_run(fault, file_use, NULL);
        return 0;
    }
    char *text = calloc(1, input.n + 2);
    memcpy(text, input.at, input.n);
    struct trial trial = {.recipe = text, .network = text + strnlen(text, input.n) + 1};
    size_t n_network = trial.network > text + input.n ? 0 : strlen(trial.network) + 1,
           used = (size_t)(trial.network - text) + n_network;
    trial.network = n_network ? trial.network : text + input.n;
    trial.weights = input.at + (used < input.n ? used : input.n);
    trial.n_weights = used < input.n ? input.n - used : 0;
    fuzz_run(fault, parts_use, &trial);
    free(text);
    return 0;
}
