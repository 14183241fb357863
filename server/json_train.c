/* Requests to train: one table of fields. A field more is a row more. */
#include "json_train.h"
#include "json_field.h"
#include "json_model.h"
#include "mlp/team.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPOCHS_MAX 100000
#define BATCH_MAX 1000000
#define IGNORE_MAX 100000
#define WHOLE_MAX 9007199254740992.0 /* 2^53: what JSON numbers hold exactly */

/* The name of a dataset or model, char[NAME_SIZE]. */
static bool set_name(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    if (message_kind(value) != MESSAGE_STRING)
        return field_wrong(err, field->name, field->expected, value);
    if (!store_name_check(message_string(value), field->name, err))
        return false;
    memcpy(field_place(request, field), message_string(value), strlen(message_string(value)) + 1);
    return true;
}

static bool set_target(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    if (message_kind(value) != MESSAGE_STRING)
        return field_wrong(err, field->name, field->expected, value);
    free(request->target);
    request->target = strdup(message_string(value));
    return request->target || err_memory(err, "the request");
}

static int task_find(const char *name)
{
    return !strcmp(name, "classification") ? TASK_CLASSIFICATION : !strcmp(name, "regression") ? TASK_REGRESSION : -1;
}

static bool set_task(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    int word;
    if (!field_word(field, value, task_find, &word, err))
        return false;
    request->task = (enum task)word;
    return true;
}

static bool set_loss(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    int word;
    if (!field_word(field, value, loss_find, &word, err))
        return false;
    request->train.loss = (enum loss)word;
    return true;
}

static bool set_init(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    int word;
    if (!field_word(field, value, initializer_find, &word, err))
        return false;
    request->train.init = (enum initializer)word;
    return true;
}

static bool set_batch_size(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    request->batch_size_given = true;
    if (message_kind(value) != MESSAGE_STRING || strcmp(message_string(value), "full"))
        return field_set_uint32(request, field, value, err);
    request->train.batch_size = 0;
    return true;
}

/* A list of names of columns: `list` and `n` are the request's, in place of an earlier one. */
static bool set_names(char ***list, uint32_t *n_list, const struct field *field, const struct message *value, struct err *err)
{
    size_t n = message_kind(value) == MESSAGE_ARRAY ? message_size(value) : IGNORE_MAX + 1;
    if (n > IGNORE_MAX || *list)
        return field_wrong(err, field->name, field->expected, value);
    *list = calloc(n ? n : 1, sizeof **list);
    if (!*list)
        return err_memory(err, "the request");
    for (const struct message *name = message_first(value); name; name = message_next(name)) {
        if (message_kind(name) != MESSAGE_STRING)
            return field_wrong(err, field->name, field->expected, name);
        (*list)[*n_list] = strdup(message_string(name));
        if (!(*list)[(*n_list)++])
            return err_memory(err, "the request");
    }
    return true;
}

static bool set_sample_weight(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    if (message_kind(value) != MESSAGE_STRING)
        return field_wrong(err, field->name, field->expected, value);
    free(request->sample_weight);
    request->sample_weight = strdup(message_string(value));
    return request->sample_weight || err_memory(err, "the request");
}

/* "balanced", or what rows of some classes count. */
static bool set_class_weight(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    double weight = 0;
    request->class_balanced = message_kind(value) == MESSAGE_STRING && !strcmp(message_string(value), "balanced");
    if (request->class_balanced)
        return true;
    if (message_kind(value) != MESSAGE_OBJECT || message_size(value) == 0)
        return field_wrong(err, field->name, field->expected, value);
    request->class_weights = calloc(message_size(value), sizeof *request->class_weights);
    if (!request->class_weights)
        return err_memory(err, "the request");
    for (const struct message *member = message_first(value); member; member = message_next(member)) {
        if (!field_number(field, member, &weight, err))
            return false;
        char *label = strdup(message_name(member));
        if (!label)
            return err_memory(err, "the request");
        request->class_weights[request->n_class_weights++] = (struct class_weight){label, (float)weight};
    }
    return true;
}

static bool set_ignore(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    return set_names(&request->ignore, &request->n_ignore, field, value, err);
}

static bool set_features(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    return set_names(&request->features, &request->n_features, field, value, err);
}

static const struct field encoding_field = {.name = "recipe",
                                            .expected = "one of scale, standardise, log, quantile, one_hot, ignore for each column"};

/* {"column": "log"} or {"column": {"encoding": "log"}}. */
static bool set_recipe(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    size_t n = message_kind(value) == MESSAGE_OBJECT ? message_size(value) : IGNORE_MAX + 1;
    if (n > IGNORE_MAX || request->wishes)
        return field_wrong(err, field->name, field->expected, value);
    request->wishes = calloc(n ? n : 1, sizeof *request->wishes);
    if (!request->wishes)
        return err_memory(err, "the request");
    for (const struct message *member = message_first(value); member; member = message_next(member)) {
        const struct message *word = message_kind(member) == MESSAGE_OBJECT ? message_get(member, "encoding") : member;
        int encoding;
        if (!word || (word != member && message_size(member) != 1))
            return field_wrong(err, field->name, field->expected, member);
        if (!field_word(&encoding_field, word, encoding_find, &encoding, err))
            return false;
        struct recipe_wish *wish = &request->wishes[request->n_wishes];
        *wish = (struct recipe_wish){strdup(message_name(member)), (enum encoding)encoding};
        if (!wish->column)
            return err_memory(err, "the request");
        request->n_wishes++;
    }
    return true;
}

static const struct field units_field = {
    .name = "layers.units", .least = 1, .most = NETWORK_UNITS_MAX, .expected = "a whole number of units from 1 to 65536"};
static const struct field activation_field = {
    .name = "layers.activation", .expected = "one of linear, relu, leaky_relu, elu, selu, gelu, swish, tanh, sigmoid, softplus, softmax"};
static const struct field dropout_field = {.name = "layers.dropout", .least = 0, .most = 0.95, .expected = "a share from 0 to 0.95"};

static bool layer_member(struct layer *layer, const struct message *member, struct err *err)
{
    const char *name = message_name(member);
    double number = 0;
    int word;
    if (!strcmp(name, "units")) {
        if (!field_whole(&units_field, member, &number, err))
            return false;
        layer->units = (uint32_t)number;
    } else if (!strcmp(name, "activation")) {
        if (!field_word(&activation_field, member, activation_find, &word, err))
            return false;
        layer->activation = (enum activation)word;
    } else if (!strcmp(name, "dropout")) {
        if (!field_number(&dropout_field, member, &number, err))
            return false;
        layer->dropout = (float)number;
    } else {
        return field_unknown(err, name, "units, activation and dropout in a layer");
    }
    return true;
}

static bool layer_read(struct layer *layer, const struct message *value, struct err *err)
{
    double number = 0;
    *layer = (struct layer){.activation = ACTIVATION_RELU};
    if (message_kind(value) != MESSAGE_OBJECT) {
        if (!field_whole(&units_field, value, &number, err))
            return false;
        layer->units = (uint32_t)number;
        return true;
    }
    for (const struct message *member = message_first(value); member; member = message_next(member))
        if (message_kind(member) != MESSAGE_NULL && !layer_member(layer, member, err))
            return false;
    if (layer->units)
        return true;
    err_set(err, ERR_INPUT, "a layer has no \"units\": expected {\"units\":128,\"activation\":\"relu\"}");
    return err_field(err, "layers");
}

static bool set_layers(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    size_t n = message_kind(value) == MESSAGE_ARRAY ? message_size(value) : NETWORK_LAYERS_MAX;
    if (n >= NETWORK_LAYERS_MAX) /* one place is left for an output layer */
        return field_wrong(err, field->name, field->expected, value);
    request->layers_given = true;
    request->train.n_layers = 0;
    for (const struct message *layer = message_first(value); layer; layer = message_next(layer))
        if (!layer_read(&request->train.layers[request->train.n_layers++], layer, err))
            return false;
    return true;
}

static set_function set_optimizer, set_schedule, set_early_stopping, set_weight_decay, set_augmentation, set_image;

#define PLACE(member) offsetof(struct job_request, member)
#define RATE "a number above 0 and at most 1000"
#define POSITIVE "a number of at least 0"
#define BETA "a number above 0 and below 1"
#define SHARE "a number from 0 to below 1"
#define NAME "a name of 1 to 64 letters, digits, dots, dashes and underscores"

static const struct field fields[] = {
    {"dataset", FORM_TEXT, set_name, PLACE(dataset), 0, 0, false, NAME},
    {"model", FORM_TEXT, set_name, PLACE(model), 0, 0, false, NAME},
    {"target", FORM_TEXT, set_target, 0, 0, 0, false, "the name of a column"},
    {"task", FORM_TEXT, set_task, 0, 0, 0, false, "\"classification\" or \"regression\""},
    {"layers", FORM_NUMBERS, set_layers, 0, 0, 0, false,
     "a list of at most 63 layers, as [{\"units\":128,\"activation\":\"relu\"}] or [128,64]"},
    {"loss", FORM_TEXT, set_loss, 0, 0, 0, false, "one of categorical_crossentropy, binary_crossentropy, mse, mae, huber, poisson"},
    {"optimizer", FORM_TEXT, set_optimizer, 0, 0, 0, false,
     "one of adam, adamw, nadam, sgd, rmsprop, adagrad, or an object {\"name\":\"adam\",\"learning_rate\":0.001}"},
    {"learning_rate", FORM_NUMBER, field_set_float, PLACE(train.learning_rate), 0, 1000, true, RATE},
    {"batch_size", FORM_NUMBER_OR_TEXT, set_batch_size, PLACE(train.batch_size), 1, BATCH_MAX, false,
     "a whole number from 1 to 1000000, or \"full\""},
    {"epochs", FORM_NUMBER, field_set_uint32, PLACE(train.epochs), 1, EPOCHS_MAX, false, "a whole number from 1 to 100000"},
    {"validation_split", FORM_NUMBER, field_set_double, PLACE(validation_split), 0, 0.999, false, SHARE},
    {"validation", FORM_TEXT, set_name, PLACE(validation), 0, 0, false, "the name of a dataset"},
    {"test_split", FORM_NUMBER, field_set_double, PLACE(test_split), 0, 0.999, false, SHARE},
    {"test", FORM_TEXT, set_name, PLACE(test), 0, 0, false, "the name of a dataset"},
    {"seed", FORM_NUMBER, field_set_uint64, PLACE(train.seed), 0, WHOLE_MAX, false, "a whole number from 0 to 2^53"},
    {"init", FORM_TEXT, set_init, 0, 0, 0, false,
     "one of he_normal, he_uniform, glorot_normal, glorot_uniform, lecun_normal, lecun_uniform, normal, orthogonal"},
    {"stddev", FORM_NUMBER, field_set_float, PLACE(train.stddev), 0, 100, true, "a number above 0 and at most 100"},
    {"ignore", FORM_TEXTS, set_ignore, 0, 0, 0, false, "a list of column names"},
    {"from", FORM_TEXT, set_name, PLACE(from), 0, 0, false, "the name of a model"},
    {"from_version", FORM_NUMBER, field_set_uint32, PLACE(from_version), 1, UINT32_MAX, false, "a version's number"},
    {"class_weight", FORM_TEXT, set_class_weight, 0, 0, 1e6, false,
     "\"balanced\" or an object of classes and what a row of each counts, as {\"yes\":5,\"no\":1}"},
    {"sample_weight", FORM_TEXT, set_sample_weight, 0, 0, 0, false, "the name of a column"},
    {"features", FORM_TEXTS, set_features, 0, 0, 0, false, "a list of column names"},
    {"recipe", FORM_TEXT, set_recipe, 0, 0, 0, false, "an object of columns and their encodings, as {\"price\":{\"encoding\":\"log\"}}"},
    {"shuffle", FORM_BOOL, field_set_bool, PLACE(train.shuffle), 0, 0, false, "true or false"},
    {"schedule", FORM_TEXT, set_schedule, 0, 0, 0, false,
     "one of constant, step, exponential, cosine, reduce_on_plateau, one_cycle, or an object {\"name\":\"cosine\",\"warmup_epochs\":2}"},
    {"early_stopping", FORM_BOOL, set_early_stopping, 0, 0, 0, false, "true, false or an object {\"patience\":5}"},
    {"label_smoothing", FORM_NUMBER, field_set_float, PLACE(train.label_smoothing), 0, 0.5, false, "a number from 0 to 0.5"},
    {"clipnorm", FORM_NUMBER, field_set_float, PLACE(train.clipnorm), 0, 1e30, false, POSITIVE},
    {"global_clipnorm", FORM_NUMBER, field_set_float, PLACE(train.global_clipnorm), 0, 1e30, false, POSITIVE},
    {"clipvalue", FORM_NUMBER, field_set_float, PLACE(train.clipvalue), 0, 1e30, false, POSITIVE},
    {"weight_decay", FORM_NUMBER, set_weight_decay, PLACE(train.weight_decay), 0, 1e6, false, POSITIVE},
    {"l1", FORM_NUMBER, field_set_float, PLACE(train.l1), 0, 1e6, false, POSITIVE},
    {"l2", FORM_NUMBER, field_set_float, PLACE(train.l2), 0, 1e6, false, POSITIVE},
    {"max_norm", FORM_NUMBER, field_set_float, PLACE(train.max_norm), 0, 1e30, false, POSITIVE},
    {"augmentation", FORM_BOOL, set_augmentation, 0, 0, 0, false,
     "true, false or an object "
     "{\"shift\":1,\"rotation\":10,\"scale\":0.1,\"shear\":0.1,\"elastic_alpha\":20,\"elastic_sigma\":4,\"thickness\":0.5}"},
    {"image", FORM_NUMBERS, set_image, 0, 0, 0, false, "[height,width] in pixels, each from 2 to 128"},
    {"members", FORM_NUMBER, field_set_uint32, PLACE(train.members), 1, TEAM_MEMBERS_MAX, false, "a whole number from 1 to 16"},
    {"input_dropout", FORM_NUMBER, field_set_float, PLACE(train.input_dropout), 0, 0.95, false, "a share from 0 to 0.95"},
    FIELD_PRIORITY,
    FIELD_WEIGHT,
    FIELD_MAX_SECONDS,
};
enum { N_FIELDS = sizeof fields / sizeof *fields };

static const struct field optimizer_fields[] = {
    {"learning_rate", FORM_NUMBER, field_set_float, PLACE(train.learning_rate), 0, 1000, true, RATE},
    {"beta_1", FORM_NUMBER, field_set_float, PLACE(train.beta_1), 0, 0.99999, true, BETA},
    {"beta_2", FORM_NUMBER, field_set_float, PLACE(train.beta_2), 0, 0.999999, true, BETA},
    {"rho", FORM_NUMBER, field_set_float, PLACE(train.rho), 0, 0.99999, true, BETA},
    {"epsilon", FORM_NUMBER, field_set_float, PLACE(train.epsilon), 1e-30, 1, false, "a number above 0 and at most 1"},
    {"momentum", FORM_NUMBER, field_set_float, PLACE(train.momentum), 0, 0.99999, false, "a number from 0 to below 1"},
    {"nesterov", FORM_BOOL, field_set_bool, PLACE(train.nesterov), 0, 0, false, "true or false"},
    {"weight_decay", FORM_NUMBER, set_weight_decay, PLACE(train.weight_decay), 0, 1e6, false, POSITIVE},
    {"clipnorm", FORM_NUMBER, field_set_float, PLACE(train.clipnorm), 0, 1e30, false, POSITIVE},
    {"global_clipnorm", FORM_NUMBER, field_set_float, PLACE(train.global_clipnorm), 0, 1e30, false, POSITIVE},
    {"clipvalue", FORM_NUMBER, field_set_float, PLACE(train.clipvalue), 0, 1e30, false, POSITIVE},
    {NULL, 0, NULL, 0, 0, 0, false, NULL},
};

static const struct field schedule_fields[] = {
    {"gamma", FORM_NUMBER, field_set_float, PLACE(train.schedule.gamma), 0, 1, true, "a number above 0 and at most 1"},
    {"step_epochs", FORM_NUMBER, field_set_uint32, PLACE(train.schedule.step_epochs), 1, EPOCHS_MAX, false, "a whole number of epochs"},
    {"min_rate", FORM_NUMBER, field_set_float, PLACE(train.schedule.min_rate), 0, 1000, false, POSITIVE},
    {"patience", FORM_NUMBER, field_set_uint32, PLACE(train.schedule.patience), 1, EPOCHS_MAX, false, "a whole number of epochs"},
    {"warmup_epochs", FORM_NUMBER, field_set_uint32, PLACE(train.schedule.warmup_epochs), 0, EPOCHS_MAX, false, "a whole number of epochs"},
    {NULL, 0, NULL, 0, 0, 0, false, NULL},
};

static set_function set_monitor;
static const struct field stopping_fields[] = {
    {"monitor", FORM_TEXT, set_monitor, 0, 0, 0, false,
     "a metric as the history has it: val_loss, val_accuracy, val_top_5_accuracy, val_macro_f1, val_auc, val_mae, val_rmse, val_r2, or one "
     "of the training rows: loss, accuracy, ..."},
    {"patience", FORM_NUMBER, field_set_uint32, PLACE(train.early_stopping.patience), 1, EPOCHS_MAX, false, "a whole number of epochs"},
    {"min_delta", FORM_NUMBER, field_set_float, PLACE(train.early_stopping.min_delta), 0, 1e6, false, POSITIVE},
    {"restore_best", FORM_BOOL, field_set_bool, PLACE(train.early_stopping.restore_best), 0, 0, false, "true or false"},
    {NULL, 0, NULL, 0, 0, 0, false, NULL},
};

static const struct field augmentation_fields[] = {
    {"shift", FORM_NUMBER, field_set_float, PLACE(train.augment.shift), 0, 128, false, "a number of pixels from 0 to 128"},
    {"rotation", FORM_NUMBER, field_set_float, PLACE(train.augment.rotation), 0, 180, false, "a number of degrees from 0 to 180"},
    {"scale", FORM_NUMBER, field_set_float, PLACE(train.augment.scale), 0, 0.9, false, "a number from 0 to 0.9"},
    {"shear", FORM_NUMBER, field_set_float, PLACE(train.augment.shear), 0, 2, false, "a number from 0 to 2"},
    {"elastic_alpha", FORM_NUMBER, field_set_float, PLACE(train.augment.elastic_alpha), 0, 1000, false,
     "a number of pixels from 0 to 1000"},
    {"elastic_sigma", FORM_NUMBER, field_set_float, PLACE(train.augment.elastic_sigma), 0.5, 32, false,
     "a number of pixels from 0.5 to 32"},
    {"thickness", FORM_NUMBER, field_set_float, PLACE(train.augment.thickness), 0, 1, false, "a number of pixels from 0 to 1"},
    {NULL, 0, NULL, 0, 0, 0, false, NULL},
};

static const struct field *field_find(const struct field *table, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(table[i].name, name))
            return &table[i];
    return NULL;
}

/* The members of an object but `name`, by a table of fields that ends with NULL. */
static bool parts_read(struct job_request *request, const struct field *parts, const struct message *object, struct err *err)
{
    for (const struct message *member = message_first(object); member; member = message_next(member)) {
        const struct field *part = parts;
        char names[300];
        size_t n = 0;
        if (!strcmp(message_name(member), "name") || message_kind(member) == MESSAGE_NULL)
            continue;
        while (part->name && strcmp(part->name, message_name(member)))
            part++;
        if (part->name && !part->set(request, part, member, err))
            return false;
        for (const struct field *p = parts; !part->name && p->name; p++)
            n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", p == parts ? "" : ", ", p->name);
        if (!part->name)
            return field_unknown(err, message_name(member), names);
    }
    return true;
}

/* A word, or an object with a name and parts. */
static bool named_read(struct job_request *request, const struct field *field, const struct message *value, int (*find)(const char *name),
                       const struct field *parts, int *word, struct err *err)
{
    bool object = message_kind(value) == MESSAGE_OBJECT;
    const struct message *name = object ? message_get(value, "name") : value;
    if (name && !field_word(field, name, find, word, err))
        return false;
    return !object || parts_read(request, parts, value, err);
}

static bool set_optimizer(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    int word = OPTIMIZER_ADAM;
    if (!named_read(request, field, value, optimizer_find, optimizer_fields, &word, err))
        return false;
    request->optimizer_given = true;
    request->train.optimizer = (enum optimizer)word;
    return true;
}

static bool set_schedule(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    int word = SCHEDULE_CONSTANT;
    if (!named_read(request, field, value, schedule_find, schedule_fields, &word, err))
        return false;
    request->schedule_given = true;
    request->train.schedule.kind = (enum schedule_kind)word;
    return true;
}

static bool set_weight_decay(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    request->train.weight_decay_given = true;
    return field_set_float(request, field, value, err);
}

static bool set_monitor(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    const char *word = message_kind(value) == MESSAGE_STRING ? message_string(value) : "";
    bool validation = !strncmp(word, "val_", 4);
    int metric = metric_find(word + (validation ? 4 : 0));
    if (metric < 0)
        return field_wrong(err, field->name, field->expected, value);
    request->train.early_stopping.monitor = (enum metric)metric;
    request->train.early_stopping.of_train = !validation;
    return true;
}

/* Asked for, it ends with the best weights unless told otherwise. */
static bool set_early_stopping(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    bool object = message_kind(value) == MESSAGE_OBJECT;
    if (!object && message_kind(value) != MESSAGE_BOOL)
        return field_wrong(err, field->name, field->expected, value);
    request->early_stopping_given = true;
    request->train.early_stopping.on = object || message_bool(value);
    request->train.early_stopping.restore_best = true;
    return !object || parts_read(request, stopping_fields, value, err);
}

/* Asked for without numbers, it is what makes handwritten digits of strangers read best. */
static bool set_augmentation(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    bool object = message_kind(value) == MESSAGE_OBJECT;
    struct augment *augment = &request->train.augment;
    uint32_t height = augment->height, width = augment->width;
    if (!object && message_kind(value) != MESSAGE_BOOL)
        return field_wrong(err, field->name, field->expected, value);
    *augment = (struct augment){.height = height, .width = width, .elastic_sigma = 4};
    if (!object && message_bool(value))
        *augment = augment_default();
    augment->height = height;
    augment->width = width;
    return !object || parts_read(request, augmentation_fields, value, err);
}

static bool set_image(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    static const struct field side = {.name = "image", .least = 2, .most = 128, .expected = "[height,width] in pixels, each from 2 to 128"};
    bool pair = message_kind(value) == MESSAGE_ARRAY && message_size(value) == 2;
    const struct message *first = pair ? message_first(value) : NULL;
    double height = 0, width = 0;
    if (!pair)
        return field_wrong(err, field->name, field->expected, value);
    if (!field_whole(&side, first, &height, err) || !field_whole(&side, message_next(first), &width, err))
        return false;
    request->train.augment.height = (uint32_t)height;
    request->train.augment.width = (uint32_t)width;
    return true;
}

static bool unknown_field(struct err *err, const char *name)
{
    char names[1000];
    size_t n = 0;
    for (int i = 0; i < N_FIELDS && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "", fields[i].name);
    return field_unknown(err, name, names);
}

static bool fields_read(struct job_request *request, const struct message *object, struct err *err)
{
    for (const struct message *member = message_first(object); member; member = message_next(member)) {
        const struct field *field = field_find(fields, N_FIELDS, message_name(member));
        if (!field)
            return unknown_field(err, message_name(member));
        if (message_kind(member) != MESSAGE_NULL && !field->set(request, field, member, err))
            return false;
    }
    return true;
}

/* What is trained further has its network already. */
static bool from_check(const struct job_request *request, struct err *err)
{
    const char *field = request->layers_given ? "layers" : request->train.loss != LOSS_AUTO ? "loss" : request->target ? "target" : NULL;
    if (!*request->from && request->from_version) {
        err_set(err, ERR_INPUT, "\"from_version\" says which version of \"from\" to train further: expected \"from\" beside it");
        return err_field(err, "from_version");
    }
    if (!*request->from || !field)
        return true;
    err_set(err, ERR_INPUT, "\"%s\" is the model's that \"from\" names: leave it out", field);
    return err_field(err, field);
}

/* What no single field can tell. */
static bool request_check(const struct job_request *request, struct err *err)
{
    if (!*request->dataset) {
        err_set(err, ERR_INPUT, "\"dataset\" is missing: expected the name of a dataset to train on (GET /datasets lists them)");
        return err_field(err, "dataset");
    }
    if (*request->validation && request->validation_split > 0) {
        err_set(err, ERR_INPUT, "\"validation\" and \"validation_split\" exclude each other: expected one of them");
        return err_field(err, "validation_split");
    }
    if (*request->test && request->test_split > 0) {
        err_set(err, ERR_INPUT, "\"test\" and \"test_split\" exclude each other: expected one of them");
        return err_field(err, "test_split");
    }
    return from_check(request, err);
}

bool train_read(const char *bytes, size_t n, struct job_request *request, struct err *err)
{
    struct message *object = message_parse(bytes, n, err);
    if (!object)
        return false;
    bool ok = fields_read(request, object, err) && request_check(request, err);
    if (ok) {
        free(request->json);
        request->json = message_print(object);
        ok = request->json || err_memory(err, "the request");
    }
    message_free(object);
    return ok;
}

bool train_parse(const char *json, struct job_request *request, struct err *err)
{
    struct message *object = message_parse(json, strlen(json), err);
    if (!object)
        return false;
    bool ok = fields_read(request, object, err) && request_check(request, err);
    message_free(object);
    return ok;
}

bool train_knows(const char *name)
{
    return field_find(fields, N_FIELDS, name) != NULL;
}

const char *train_field(uint32_t i)
{
    return i < N_FIELDS ? fields[i].name : NULL;
}

/* Only digits, signs, points and exponents: no "nan", "inf" or hexadecimal. */
static bool text_is_number(const char *text, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return *text && !*end && strspn(text, "0123456789+-.eE") == strlen(text) && isfinite(*number);
}

static bool text_wrong(struct err *err, const struct field *field, const char *text)
{
    err_set(err, ERR_INPUT, "\"%s\": expected %s, found \"%.60s\"", field->name, field->expected, text);
    return err_field(err, field->name);
}

/* Comma-separated pieces into the list. */
static bool list_add(struct message *array, const struct field *field, const char *text, struct err *err)
{
    while (*text) {
        double number;
        size_t length = strcspn(text, ",");
        char *piece = strndup(text, length);
        bool numbers = field->form == FORM_NUMBERS, fits = piece && (!numbers || text_is_number(piece, &number));
        bool ok = fits && (numbers ? message_append_number(array, number) : message_append_string(array, piece));
        bool memory = piece && (ok || !fits);
        free(piece);
        if (!ok)
            return memory ? text_wrong(err, field, text) : err_memory(err, "the request");
        text += length + (text[length] == ',');
    }
    return true;
}

bool train_add(struct message *object, const char *name, const char *text, struct err *err)
{
    const struct field *field = field_find(fields, N_FIELDS, name);
    double number = 0;
    bool ok = false, yes = !strcmp(text, "true") || !strcmp(text, "1");
    if (!field)
        return unknown_field(err, name);
    if (field->form == FORM_NUMBERS || field->form == FORM_TEXTS) {
        struct message *array = message_add_array(object, name);
        return array ? list_add(array, field, text, err) : err_memory(err, "the request");
    }
    if (field->form == FORM_BOOL && !yes && strcmp(text, "false") && strcmp(text, "0"))
        return text_wrong(err, field, text);
    bool is_number = (field->form == FORM_NUMBER || field->form == FORM_NUMBER_OR_TEXT) && text_is_number(text, &number);
    if (field->form == FORM_NUMBER && !is_number)
        return text_wrong(err, field, text);
    if (field->form == FORM_BOOL)
        ok = message_add_bool(object, name, yes);
    else if (is_number)
        ok = message_add_number(object, name, number);
    else
        ok = message_add_string(object, name, text);
    return ok || err_memory(err, "the request");
}
