/* A model: recipe and network, shared by reference count; and prediction.
 * Threads: a model is immutable, a workspace is one thread's. */
#include "mlp/model.h"
#include "base/denormals.h"
#include "network/forward.h"
#include "network/loss.h"
#include "network/private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PADDING 32    /* at most, floats of a row */
#define SINGLE_ROWS 8 /* fewer rows than this go one by one: a tile would be mostly padding */

struct workspace {
    struct activations activations; /* BLOCK_ROWS rows */
    struct gather gather;
    /* the shape they were made for */
    uint32_t n_inputs, n_layers;
    struct layer layers[NETWORK_LAYERS_MAX];
};

struct model *model_new(struct recipe *recipe, struct network *network, enum loss loss, struct err *err)
{
    const struct layer *last = &network->layers[network->n_layers - 1];
    bool classes = recipe->task == TASK_CLASSIFICATION;
    bool one_output = recipe->n_classes == 2 && last->units == 1 && last->activation == ACTIVATION_SIGMOID;
    if (network->n_inputs != recipe->n_inputs ||
        (last->units != (classes ? recipe->n_classes : 1) && !(classes && one_output))) {
        err_set(err, ERR_CORRUPT, "the network takes %u inputs and gives %u outputs, the recipe %u and %u",
                network->n_inputs, last->units, recipe->n_inputs, classes ? recipe->n_classes : 1);
        return NULL;
    }
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL) {
        err_memory(err, "a model");
        return NULL;
    }
    *model = (struct model){.recipe = recipe, .network = network, .loss = loss, .n_refs = 1};
    return model;
}

uint64_t model_bytes(const struct model *model)
{
    return sizeof *model + sizeof *model->network + model->network->n_floats * sizeof(float) +
           recipe_bytes(model->recipe);
}

struct model *model_ref(struct model *model)
{
    __atomic_fetch_add(&model->n_refs, 1, __ATOMIC_RELAXED);
    return model;
}

void model_unref(struct model *model)
{
    if (model == NULL || __atomic_sub_fetch(&model->n_refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    recipe_free(model->recipe);
    network_free(model->network);
    free(model);
}

bool model_is_shared(const struct model *model)
{
    return __atomic_load_n(&model->n_refs, __ATOMIC_ACQUIRE) > 1;
}

uint32_t model_n_outputs(const struct model *model)
{
    return model->recipe->task == TASK_CLASSIFICATION ? model->recipe->n_classes : 1;
}

struct workspace *workspace_new(struct err *err)
{
    struct workspace *workspace = calloc(1, sizeof *workspace);
    if (workspace == NULL)
        err_memory(err, "a workspace");
    return workspace;
}

void workspace_clear(struct workspace *w)
{
    activations_done(&w->activations);
    gather_done(&w->gather);
    w->n_layers = 0;
}

uint64_t workspace_bytes(const struct model *model)
{
    const struct network *network = model->network;
    uint64_t total = network->n_inputs + PADDING, width = network->n_inputs;
    for (uint32_t l = 0; l < network->n_layers; l++) {
        total += network->layers[l].units + PADDING;
        width = network->layers[l].units > width ? network->layers[l].units : width;
    }
    return sizeof(struct workspace) +
           BLOCK_ROWS * (total * sizeof(float) + (width + PADDING) * (2 * sizeof(float) + 3));
}

void workspace_free(struct workspace *workspace)
{
    if (workspace == NULL)
        return;
    workspace_clear(workspace);
    free(workspace);
}

static bool workspace_fit(struct workspace *w, const struct network *network, struct err *err)
{
    if (w->n_inputs == network->n_inputs && w->n_layers == network->n_layers &&
        memcmp(w->layers, network->layers, network->n_layers * sizeof *w->layers) == 0)
        return true;
    workspace_clear(w);
    uint32_t width = network->n_inputs;
    for (uint32_t l = 0; l < network->n_layers; l++)
        width = network->layers[l].units > width ? network->layers[l].units : width;
    if (!activations_init(&w->activations, network, BLOCK_ROWS, true, err) ||
        !gather_init(&w->gather, width, err)) {
        workspace_clear(w);
        return false;
    }
    w->n_inputs = network->n_inputs;
    w->n_layers = network->n_layers;
    memcpy(w->layers, network->layers, network->n_layers * sizeof *w->layers);
    return true;
}

/* n <= BLOCK_ROWS rows; x: (n, n_inputs). */
static void predict_block(const struct forward_pass *pass, const float *x, uint32_t n, struct gather *gather)
{
    size_t n_inputs = pass->network->n_inputs;
    if (n >= SINGLE_ROWS || n_inputs >= LISTS_INPUTS_MAX)
        forward_numbers(pass, x, n, gather);
    else
        for (uint32_t i = 0; i < n; i++)
            forward_single(pass, x + i * n_inputs, i, gather);
}

/* The network's outputs in the user's terms: probabilities, or values in the
 * target's units. */
static void answers(const struct model *model, const struct kernels *kernels, float *y, float *out)
{
    uint32_t units = model->network->layers[model->network->n_layers - 1].units;
    loss_outputs(model->network, kernels, y);
    if (model->recipe->task == TASK_REGRESSION) {
        *out = y[0] * model->recipe->target_stddev + model->recipe->target_mean;
    } else if (units == 1) {
        out[0] = 1 - y[0];
        out[1] = y[0];
    } else {
        memcpy(out, y, units * sizeof *out);
    }
}

bool model_predict(const struct model *model, const float *x, uint32_t n, float *out, struct workspace *w,
                   struct err *err)
{
    const struct kernels *kernels = kernels_get();
    size_t n_inputs = model->network->n_inputs, n_outputs = model_n_outputs(model);
    if (!workspace_fit(w, model->network, err))
        return false;
    struct forward_pass pass = {.network = model->network, .kernels = kernels, .a = &w->activations};
    unsigned before = denormals_flush();
    for (uint32_t first = 0; first < n; first += BLOCK_ROWS) {
        uint32_t rows = n - first < BLOCK_ROWS ? n - first : BLOCK_ROWS;
        predict_block(&pass, x + first * n_inputs, rows, &w->gather);
        const struct activations *a = &w->activations;
        for (uint32_t i = 0; i < rows; i++)
            answers(model, kernels, a->at[model->network->n_layers] + i * a->ld[model->network->n_layers],
                    out + (first + i) * n_outputs);
    }
    denormals_restore(before);
    return true;
}
