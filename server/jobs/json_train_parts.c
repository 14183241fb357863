/* The fields of a request to train that have parts of their own: layers,
 * optimizer, schedule, early stopping, augmentation. */
#include "jobs/json_train_private.h"

#include <stdio.h>
#include <string.h>

#define BETA "a number above 0 and below 1"

static const struct field units_field = {.name = "layers.units",
                                         .least = 1,
                                         .most = NETWORK_UNITS_MAX,
                                         .expected = "a whole number of units from 1 to 65536"};
static const struct field activation_field = {
    .name = "layers.activation",
    .expected = "one of linear, relu, leaky_relu, elu, selu, gelu, swish, tanh, sigmoid, softplus, softmax"};
static const struct field dropout_field = {
    .name = "layers.dropout", .least = 0, .most = 0.95, .expected = "a share from 0 to 0.95"};
static const struct field norm_field = {.name = "layers.layer_norm", .expected = "true or false"};

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
    } else if (!strcmp(name, "layer_norm")) {
        if (message_kind(member) != MESSAGE_BOOL)
            return field_wrong(err, norm_field.name, norm_field.expected, member);
        layer->norms = message_bool(member);
    } else {
        return field_unknown(err, name, "units activation dropout layer_norm");
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

bool train_set_layers(struct job_request *request, const struct field *field, const struct message *value,
                      struct err *err)
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
static const struct field optimizer_fields[] = {
    {"learning_rate", FORM_NUMBER, field_set_float, PLACE(train.learning_rate), 0, 1000, true, RATE},
    {"beta_1", FORM_NUMBER, field_set_float, PLACE(train.beta_1), 0, 0.99999, true, BETA},
    {"beta_2", FORM_NUMBER, field_set_float, PLACE(train.beta_2), 0, 0.999999, true, BETA},
    {"rho", FORM_NUMBER, field_set_float, PLACE(train.rho), 0, 0.99999, true, BETA},
    {"epsilon", FORM_NUMBER, field_set_float, PLACE(train.epsilon), 1e-30, 1, false,
     "a number above 0 and at most 1"},
    {"momentum", FORM_NUMBER, field_set_float, PLACE(train.momentum), 0, 0.99999, false,
     "a number from 0 to below 1"},
    {"nesterov", FORM_BOOL, field_set_bool, PLACE(train.nesterov), 0, 0, false, "true or false"},
    {"weight_decay", FORM_NUMBER, train_set_weight_decay, PLACE(train.weight_decay), 0, 1e6, false, POSITIVE},
    {"clipnorm", FORM_NUMBER, field_set_float, PLACE(train.clipnorm), 0, 1e30, false, POSITIVE},
    {"global_clipnorm", FORM_NUMBER, field_set_float, PLACE(train.global_clipnorm), 0, 1e30, false, POSITIVE},
    {"clipvalue", FORM_NUMBER, field_set_float, PLACE(train.clipvalue), 0, 1e30, false, POSITIVE},
    {NULL, 0, NULL, 0, 0, 0, false, NULL},
};

static const struct field schedule_fields[] = {
    {"gamma", FORM_NUMBER, field_set_float, PLACE(train.schedule.gamma), 0, 1, true,
     "a number above 0 and at most 1"},
    {"step_epochs", FORM_NUMBER, field_set_uint32, PLACE(train.schedule.step_epochs), 1, EPOCHS_MAX, false,
     "a whole number of epochs"},
    {"min_rate", FORM_NUMBER, field_set_float, PLACE(train.schedule.min_rate), 0, 1000, false, POSITIVE},
    {"patience", FORM_NUMBER, field_set_uint32, PLACE(train.schedule.patience), 1, EPOCHS_MAX, false,
     "a whole number of epochs"},
    {"warmup_epochs", FORM_NUMBER, field_set_uint32, PLACE(train.schedule.warmup_epochs), 0, EPOCHS_MAX,
     false, "a whole number of epochs"},
    {NULL, 0, NULL, 0, 0, 0, false, NULL},
};

static set_function set_monitor;
static const struct field stopping_fields[] = {
    {"monitor", FORM_TEXT, set_monitor, 0, 0, 0, false,
     "a metric as the history has it: val_loss, val_accuracy, val_top_5_accuracy, val_macro_f1, val_auc, "
     "val_mae, val_rmse, val_r2, or one "
     "of the training rows: loss, accuracy, ..."},
    {"patience", FORM_NUMBER, field_set_uint32, PLACE(train.early_stopping.patience), 1, EPOCHS_MAX, false,
     "a whole number of epochs"},
    {"min_delta", FORM_NUMBER, field_set_float, PLACE(train.early_stopping.min_delta), 0, 1e6, false,
     POSITIVE},
    {"restore_best", FORM_BOOL, field_set_bool, PLACE(train.early_stopping.restore_best), 0, 0, false,
     "true or false"},
    {NULL, 0, NULL, 0, 0, 0, false, NULL},
};

static const struct field augmentation_fields[] = {
    {"shift", FORM_NUMBER, field_set_float, PLACE(train.augment.shift), 0, 128, false,
     "a number of pixels from 0 to 128"},
    {"rotation", FORM_NUMBER, field_set_float, PLACE(train.augment.rotation), 0, 180, false,
     "a number of degrees from 0 to 180"},
    {"scale", FORM_NUMBER, field_set_float, PLACE(train.augment.scale), 0, 0.9, false,
     "a number from 0 to 0.9"},
    {"shear", FORM_NUMBER, field_set_float, PLACE(train.augment.shear), 0, 2, false, "a number from 0 to 2"},
    {"elastic_alpha", FORM_NUMBER, field_set_float, PLACE(train.augment.elastic_alpha), 0, 1000, false,
     "a number of pixels from 0 to 1000"},
    {"elastic_sigma", FORM_NUMBER, field_set_float, PLACE(train.augment.elastic_sigma), 0.5, 32, false,
     "a number of pixels from 0.5 to 32"},
    {"thickness", FORM_NUMBER, field_set_float, PLACE(train.augment.thickness), 0, 1, false,
     "a number of pixels from 0 to 1"},
    {NULL, 0, NULL, 0, 0, 0, false, NULL},
};
/* The members of an object but `name`, by a table of fields that ends with
 * NULL. */
static bool parts_read(struct job_request *request, const struct field *parts, const struct message *object,
                       struct err *err)
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
            n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", p == parts ? "" : " ", p->name);
        if (!part->name)
            return field_unknown(err, message_name(member), names);
    }
    return true;
}

/* A word, or an object with a name and parts. */
static bool named_read(struct job_request *request, const struct field *field, const struct message *value,
                       int (*find)(const char *name), const struct field *parts, int *word, struct err *err)
{
    bool object = message_kind(value) == MESSAGE_OBJECT;
    const struct message *name = object ? message_get(value, "name") : value;
    if (name && !field_word(field, name, find, word, err))
        return false;
    return !object || parts_read(request, parts, value, err);
}

bool train_set_optimizer(struct job_request *request, const struct field *field, const struct message *value,
                         struct err *err)
{
    int word = OPTIMIZER_ADAM;
    if (!named_read(request, field, value, optimizer_find, optimizer_fields, &word, err))
        return false;
    request->optimizer_given = true;
    request->train.optimizer = (enum optimizer)word;
    return true;
}

bool train_set_schedule(struct job_request *request, const struct field *field, const struct message *value,
                        struct err *err)
{
    int word = SCHEDULE_CONSTANT;
    if (!named_read(request, field, value, schedule_find, schedule_fields, &word, err))
        return false;
    request->schedule_given = true;
    request->train.schedule.kind = (enum schedule_kind)word;
    return true;
}

bool train_set_weight_decay(struct job_request *request, const struct field *field,
                            const struct message *value, struct err *err)
{
    request->train.weight_decay_given = true;
    return field_set_float(request, field, value, err);
}

static bool set_monitor(struct job_request *request, const struct field *field, const struct message *value,
                        struct err *err)
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
bool train_set_early_stopping(struct job_request *request, const struct field *field,
                              const struct message *value, struct err *err)
{
    bool object = message_kind(value) == MESSAGE_OBJECT;
    if (!object && message_kind(value) != MESSAGE_BOOL)
        return field_wrong(err, field->name, field->expected, value);
    request->early_stopping_given = true;
    request->train.early_stopping.on = object || message_bool(value);
    request->train.early_stopping.restore_best = true;
    return !object || parts_read(request, stopping_fields, value, err);
}

/* Asked for without numbers, it is what makes handwritten digits of strangers
 * read best. */
bool train_set_augmentation(struct job_request *request, const struct field *field,
                            const struct message *value, struct err *err)
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

bool train_set_image(struct job_request *request, const struct field *field, const struct message *value,
                     struct err *err)
{
    static const struct field side = {
        .name = "image", .least = 2, .most = 128, .expected = "[height,width] in pixels, each from 2 to 128"};
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
