/* Requests for training: life and defaults. Pure functions; any thread. */
#include "jobs/training.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void job_request_init(struct job_request *request)
{
    *request = (struct job_request){
        .validation_split = -1, .train = train_options_default(), .weight = 1, .max_seconds = NAN};
    request->train.n_layers = 0;
    request->train.epochs = 0;
}

static void names_free(char **names, uint32_t n)
{
    for (uint32_t i = 0; names && i < n; i++)
        free(names[i]);
    free(names);
}

void job_request_done(struct job_request *request)
{
    free(request->target);
    names_free(request->ignore, request->n_ignore);
    names_free(request->features, request->n_features);
    for (uint32_t i = 0; i < request->n_overrides; i++)
        free((char *)request->overrides[i].column);
    free(request->overrides);
    free(request->sample_weight);
    for (uint32_t i = 0; request->class_weights && i < request->n_class_weights; i++)
        free(request->class_weights[i].label);
    free(request->class_weights);
    free(request->json);
    request->target = request->json = request->sample_weight = NULL;
    request->class_weights = NULL;
    request->n_class_weights = 0;
    request->ignore = request->features = NULL;
    request->overrides = NULL;
    request->n_ignore = request->n_features = request->n_overrides = 0;
}

static bool names_copy(char *const *names, uint32_t n, char ***copy, uint32_t *n_copied)
{
    *n_copied = 0;
    *copy = n ? calloc(n, sizeof **copy) : NULL;
    bool ok = !n || *copy;
    for (uint32_t i = 0; ok && i < n; i++, *n_copied = i)
        ok = ((*copy)[i] = strdup(names[i])) != NULL;
    return ok;
}

static bool overrides_copy(struct job_request *copy, const struct job_request *request)
{
    copy->n_overrides = 0;
    copy->overrides = request->n_overrides ? calloc(request->n_overrides, sizeof *copy->overrides) : NULL;
    bool ok = !request->n_overrides || copy->overrides;
    for (uint32_t i = 0; ok && i < request->n_overrides; i++, copy->n_overrides = i) {
        copy->overrides[i] =
            (struct recipe_override){strdup(request->overrides[i].column), request->overrides[i].encoding};
        ok = copy->overrides[i].column != NULL;
    }
    return ok;
}

static bool class_weights_copy(struct job_request *copy, const struct job_request *request)
{
    uint32_t n = request->n_class_weights;
    bool ok = true;
    copy->n_class_weights = 0;
    copy->class_weights = n ? calloc(n, sizeof *copy->class_weights) : NULL;
    for (uint32_t i = 0; copy->class_weights && ok && i < n; i++, copy->n_class_weights = i) {
        copy->class_weights[i] =
            (struct class_weight){strdup(request->class_weights[i].label), request->class_weights[i].weight};
        ok = copy->class_weights[i].label != NULL;
    }
    return ok && (n == 0 || copy->class_weights);
}

bool job_request_copy(struct job_request *copy, const struct job_request *request, struct err *err)
{
    *copy = *request;
    copy->target = NULL;
    copy->sample_weight = NULL;
    copy->json = NULL;
    copy->features = NULL;
    copy->n_features = 0;
    copy->overrides = NULL;
    copy->n_overrides = 0;
    bool ok = names_copy(request->ignore, request->n_ignore, &copy->ignore, &copy->n_ignore) &&
              names_copy(request->features, request->n_features, &copy->features, &copy->n_features) &&
              overrides_copy(copy, request) && class_weights_copy(copy, request);
    if (ok && request->sample_weight)
        ok = (copy->sample_weight = strdup(request->sample_weight)) != NULL;
    if (ok && request->target)
        ok = (copy->target = strdup(request->target)) != NULL;
    if (ok && request->json)
        ok = (copy->json = strdup(request->json)) != NULL;
    return ok || err_memory(err, "a job's request");
}

static bool layers_full(struct err *err)
{
    err_set(err, ERR_LIMIT, "a network has at most %d layers, the output layer counted", NETWORK_LAYERS_MAX);
    return err_field(err, "layers");
}

/* Whether the last layer that the user listed is the output layer; if it is, it
 * must fit the target. */
static bool output_listed(const struct train_options *options, const struct recipe *recipe,
                          uint32_t n_outputs, bool *listed, struct err *err)
{
    *listed = false;
    if (options->n_layers == 0)
        return true;
    const struct layer *last = &options->layers[options->n_layers - 1];
    bool classes = recipe->task == TASK_CLASSIFICATION, binary = options->loss == LOSS_BINARY_CROSSENTROPY;
    *listed = last->activation == ACTIVATION_SOFTMAX ||
              (last->activation == ACTIVATION_LINEAR && last->units == n_outputs) ||
              (options->loss == LOSS_POISSON && last->units == 1) ||
              (binary && last->activation == ACTIVATION_SIGMOID);
    if (!*listed || last->activation != ACTIVATION_SOFTMAX || (last->units == n_outputs && classes))
        return true;
    if (recipe->task == TASK_CLASSIFICATION)
        err_set(err, ERR_INPUT,
                "the softmax layer has %" PRIu32 " units, but the target %.60s has %" PRIu32
                " classes: leave the output layer out, or give it %" PRIu32 " units",
                last->units, recipe->target, n_outputs, n_outputs);
    else
        err_set(err, ERR_INPUT,
                "the last layer is softmax, but the target %.60s is a number: leave the output layer out, or "
                "make it linear with 1 unit",
                recipe->target);
    return err_field(err, "layers");
}

static struct layer output_layer(enum loss loss, uint32_t n_outputs, bool classes)
{
    if (loss == LOSS_BINARY_CROSSENTROPY && classes)
        return (struct layer){.units = n_outputs == 2 ? 1 : n_outputs, .activation = ACTIVATION_SIGMOID};
    if (loss == LOSS_POISSON)
        return (struct layer){.units = n_outputs, .activation = ACTIVATION_SOFTPLUS};
    return (struct layer){.units = n_outputs, .activation = classes ? ACTIVATION_SOFTMAX : ACTIVATION_LINEAR};
}

static bool layers_resolve(const struct job_request *request, const struct recipe *recipe,
                           struct train_options *options, struct err *err)
{
    static const struct layer chosen[] = {{.units = 128, .activation = ACTIVATION_RELU},
                                          {.units = 64, .activation = ACTIVATION_RELU}};
    bool classes = recipe->task == TASK_CLASSIFICATION, listed;
    uint32_t n_outputs = classes ? recipe->n_classes : 1;
    if (!request->layers_given && !is_auto_configured(request)) {
        memcpy(options->layers, chosen, sizeof chosen);
        options->n_layers = 2;
    }
    if (options->n_layers > NETWORK_LAYERS_MAX)
        return layers_full(err);
    if (!output_listed(options, recipe, n_outputs, &listed, err))
        return false;
    if (listed)
        return true;
    if (options->n_layers == NETWORK_LAYERS_MAX)
        return layers_full(err);
    options->layers[options->n_layers++] = output_layer(options->loss, n_outputs, classes);
    return true;
}

/* Fewer epochs for more rows: about as many steps as small networks need to
 * settle. */
static uint32_t epochs_choose(uint64_t n_train)
{
    static const struct {
        uint64_t rows_below;
        uint32_t epochs;
    } steps[] = {{2000, 100}, {10000, 50}, {50000, 20}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (n_train < steps[i].rows_below)
            return steps[i].epochs;
    return 10;
}

bool jobs_defaults(const struct job_request *request, const struct training *training,
                   struct train_options *options, struct err *err)
{
    struct train_options resolved = request->train;
    uint64_t n_train = training->train.n_rows;
    bool ours = is_auto_configured(request) && !training->base;
    if (training->base) {
        const struct network *network = training->base->network;
        memcpy(resolved.layers, network->layers, sizeof resolved.layers);
        resolved.n_layers = network->n_layers;
        resolved.loss = training->base->loss;
    }
    if (ours)
        choice_make(request, training->recipe, n_train, training->is_ensemble,
                    training->is_ensemble || training->validation.n_rows > 0, &resolved);
    if (!training->base && !layers_resolve(request, training->recipe, &resolved, err))
        return false;
    if (!ours && !request->batch_size_given)
        resolved.batch_size = n_train < 5000 ? 32 : 128;
    if (resolved.epochs == 0)
        resolved.epochs = epochs_choose(n_train);
    *options = resolved;
    return true;
}
