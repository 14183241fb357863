/* Requests to train: one table of fields. A field more is a row more. */
#include "jobs/json_train.h"
#include "base/near.h"
#include "jobs/json_train_private.h"

#include "mlp/ensemble.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_MAX 1000000
#define WHOLE_MAX 9007199254740992.0 /* 2^53: what JSON numbers hold exactly */
#define SHARE "a number from 0 to below 1"
#define NAME "a name of 1 to 64 letters, digits, dots, dashes and underscores"

/* The name of a dataset or model, char[NAME_SIZE]. */
static bool set_name(struct job_request *request, const struct field *field, const struct message *value,
                     struct err *err)
{
    if (message_kind(value) != MESSAGE_STRING)
        return field_wrong(err, field->name, field->expected, value);
    if (!store_name_check(message_string(value), field->name, err))
        return false;
    memcpy(field_place(request, field), message_string(value), strlen(message_string(value)) + 1);
    return true;
}

static bool set_target(struct job_request *request, const struct field *field, const struct message *value,
                       struct err *err)
{
    if (message_kind(value) != MESSAGE_STRING)
        return field_wrong(err, field->name, field->expected, value);
    free(request->target);
    request->target = strdup(message_string(value));
    return request->target || err_memory(err, "the request");
}

static int task_find(const char *name)
{
    return !strcmp(name, "classification") ? TASK_CLASSIFICATION
           : !strcmp(name, "regression")   ? TASK_REGRESSION
                                           : -1;
}

static bool set_task(struct job_request *request, const struct field *field, const struct message *value,
                     struct err *err)
{
    int word;
    if (!field_word(field, value, task_find, &word, err))
        return false;
    request->task = (enum task)word;
    return true;
}

static bool set_loss(struct job_request *request, const struct field *field, const struct message *value,
                     struct err *err)
{
    int word;
    if (!field_word(field, value, loss_find, &word, err))
        return false;
    request->train.loss = (enum loss)word;
    return true;
}

static bool set_init(struct job_request *request, const struct field *field, const struct message *value,
                     struct err *err)
{
    int word;
    if (!field_word(field, value, initializer_find, &word, err))
        return false;
    request->train.init = (enum initializer)word;
    return true;
}

static bool set_batch_size(struct job_request *request, const struct field *field,
                           const struct message *value, struct err *err)
{
    request->batch_size_given = true;
    if (message_kind(value) != MESSAGE_STRING || strcmp(message_string(value), "full"))
        return field_set_uint32(request, field, value, err);
    request->train.batch_size = 0;
    return true;
}
static const struct field fields[] = {
    {"dataset", FORM_TEXT, set_name, PLACE(dataset), 0, 0, false, NAME},
    {"model", FORM_TEXT, set_name, PLACE(model), 0, 0, false, NAME},
    {"target", FORM_TEXT, set_target, 0, 0, 0, false, "the name of a column"},
    {"task", FORM_TEXT, set_task, 0, 0, 0, false, "\"classification\" or \"regression\""},
    {"layers", FORM_NUMBERS, train_set_layers, 0, 0, 0, false,
     "a list of at most 63 layers, as [{\"units\":128,\"activation\":\"relu\"}] or [128,64]"},
    {"loss", FORM_TEXT, set_loss, 0, 0, 0, false,
     "one of categorical_crossentropy, binary_crossentropy, mse, mae, huber, poisson"},
    {"optimizer", FORM_TEXT, train_set_optimizer, 0, 0, 0, false,
     "one of adam, adamw, nadam, sgd, rmsprop, adagrad, or an object "
     "{\"name\":\"adam\",\"learning_rate\":0.001}"},
    {"learning_rate", FORM_NUMBER, field_set_float, PLACE(train.learning_rate), 0, 1000, true, RATE},
    {"batch_size", FORM_NUMBER_OR_TEXT, set_batch_size, PLACE(train.batch_size), 1, BATCH_MAX, false,
     "a whole number from 1 to 1000000, or \"full\""},
    {"epochs", FORM_NUMBER, field_set_uint32, PLACE(train.epochs), 1, EPOCHS_MAX, false,
     "a whole number from 1 to 100000"},
    {"validation_split", FORM_NUMBER, field_set_double, PLACE(validation_split), 0, 0.999, false, SHARE},
    {"validation", FORM_TEXT, set_name, PLACE(validation), 0, 0, false, "the name of a dataset"},
    {"test_split", FORM_NUMBER, field_set_double, PLACE(test_split), 0, 0.999, false, SHARE},
    {"test", FORM_TEXT, set_name, PLACE(test), 0, 0, false, "the name of a dataset"},
    {"seed", FORM_NUMBER, field_set_uint64, PLACE(train.seed), 0, WHOLE_MAX, false,
     "a whole number from 0 to 2^53"},
    {"init", FORM_TEXT, set_init, 0, 0, 0, false,
     "one of he_normal, he_uniform, glorot_normal, glorot_uniform, lecun_normal, lecun_uniform, normal, "
     "orthogonal"},
    {"stddev", FORM_NUMBER, field_set_float, PLACE(train.stddev), 0, 100, true,
     "a number above 0 and at most 100"},
    {"ignore", FORM_TEXTS, train_set_ignore, 0, 0, 0, false, "a list of column names"},
    {"from", FORM_TEXT, set_name, PLACE(from), 0, 0, false, "the name of a model"},
    {"from_version", FORM_NUMBER, field_set_uint32, PLACE(from_version), 1, UINT32_MAX, false,
     "a version's number"},
    {"class_weight", FORM_TEXT, train_set_class_weight, 0, 0, 1e6, false,
     "\"balanced\" or an object of classes and what a row of each counts, as {\"yes\":5,\"no\":1}"},
    {"sample_weight", FORM_TEXT, train_set_sample_weight, 0, 0, 0, false, "the name of a column"},
    {"features", FORM_TEXTS, train_set_features, 0, 0, 0, false, "a list of column names"},
    {"recipe", FORM_TEXT, train_set_recipe, 0, 0, 0, false,
     "an object of columns and their encodings, as {\"price\":{\"encoding\":\"log\"}}"},
    {"shuffle", FORM_BOOL, field_set_bool, PLACE(train.shuffle), 0, 0, false, "true or false"},
    {"schedule", FORM_TEXT, train_set_schedule, 0, 0, 0, false,
     "one of constant, step, exponential, cosine, reduce_on_plateau, one_cycle, or an object "
     "{\"name\":\"cosine\",\"warmup_epochs\":2}"},
    {"early_stopping", FORM_BOOL, train_set_early_stopping, 0, 0, 0, false,
     "true, false or an object {\"patience\":5}"},
    {"label_smoothing", FORM_NUMBER, field_set_float, PLACE(train.label_smoothing), 0, 0.5, false,
     "a number from 0 to 0.5"},
    {"clipnorm", FORM_NUMBER, field_set_float, PLACE(train.clipnorm), 0, 1e30, false, POSITIVE},
    {"global_clipnorm", FORM_NUMBER, field_set_float, PLACE(train.global_clipnorm), 0, 1e30, false, POSITIVE},
    {"clipvalue", FORM_NUMBER, field_set_float, PLACE(train.clipvalue), 0, 1e30, false, POSITIVE},
    {"weight_decay", FORM_NUMBER, train_set_weight_decay, PLACE(train.weight_decay), 0, 1e6, false, POSITIVE},
    {"l1", FORM_NUMBER, field_set_float, PLACE(train.l1), 0, 1e6, false, POSITIVE},
    {"l2", FORM_NUMBER, field_set_float, PLACE(train.l2), 0, 1e6, false, POSITIVE},
    {"max_norm", FORM_NUMBER, field_set_float, PLACE(train.max_norm), 0, 1e30, false, POSITIVE},
    {"augmentation", FORM_BOOL, train_set_augmentation, 0, 0, 0, false,
     "true, false or an object "
     "{\"shift\":1,\"rotation\":10,\"scale\":0.1,\"shear\":0.1,\"elastic_alpha\":20,\"elastic_sigma\":4,"
     "\"thickness\":0.5}"},
    {"image", FORM_NUMBERS, train_set_image, 0, 0, 0, false, "[height,width] in pixels, each from 2 to 128"},
    {"members", FORM_NUMBER, field_set_uint32, PLACE(train.members), 1, ENSEMBLE_MEMBERS_MAX, false,
     "a whole number from 1 to 16"},
    {"input_dropout", FORM_NUMBER, field_set_float, PLACE(train.input_dropout), 0, 0.95, false,
     "a share from 0 to 0.95"},
    FIELD_PRIORITY,
    FIELD_WEIGHT,
    FIELD_MAX_SECONDS,
};
enum { N_FIELDS = sizeof fields / sizeof *fields };

static const struct field *field_find(const struct field *table, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(table[i].name, name))
            return &table[i];
    return NULL;
}

/* All names would be too many to read: the nearest one. */
static bool unknown_field(struct err *err, const char *name)
{
    struct near near;
    near_init(&near, name);
    for (int i = 0; i < N_FIELDS; i++)
        near_offer(&near, fields[i].name, strlen(fields[i].name));
    return near_unknown(&near, "field", "one that GET /openapi.json lists under Train", err);
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
    const char *field = request->layers_given              ? "layers"
                        : request->train.loss != LOSS_AUTO ? "loss"
                        : request->target                  ? "target"
                                                           : NULL;
    if (!*request->from && request->from_version) {
        err_set(
            err, ERR_INPUT,
            "\"from_version\" says which version of \"from\" to train further: expected \"from\" beside it");
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
        err_set(
            err, ERR_INPUT,
            "\"dataset\" is missing: expected the name of a dataset to train on (GET /datasets lists them)");
        return err_field(err, "dataset");
    }
    if (*request->validation && request->validation_split > 0) {
        err_set(err, ERR_INPUT,
                "\"validation\" and \"validation_split\" exclude each other: expected one of them");
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
        bool numbers = field->form == FORM_NUMBERS,
             fits = piece && (!numbers || text_is_number(piece, &number));
        bool ok =
            fits && (numbers ? message_append_number(array, number) : message_append_string(array, piece));
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
    bool is_number =
        (field->form == FORM_NUMBER || field->form == FORM_NUMBER_OR_TEXT) && text_is_number(text, &number);
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
