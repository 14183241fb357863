/* Requests to train: one table of fields. A field more is a row more. */
#include "json_train.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPOCHS_MAX 100000
#define BATCH_MAX 1000000
#define IGNORE_MAX 100000
#define WHOLE_MAX 9007199254740992.0 /* 2^53: what JSON numbers hold exactly */

struct field;
typedef bool set_function(struct job_request *request, const struct field *field, const struct message *value, struct err *err);

/* How a query parameter's text becomes a value. */
enum form { FORM_TEXT, FORM_NUMBER, FORM_BOOL, FORM_NUMBERS, FORM_TEXTS, FORM_NUMBER_OR_TEXT };

struct field {
    const char *name;
    enum form form;
    set_function *set;
    size_t offset;      /* in struct job_request, for the setters that store one value */
    double least, most; /* of numbers; `above`: greater than least */
    bool above;
    const char *expected;
};

/* What stands there, for the message. */
static void found_write(char *text, size_t size, const struct message *value)
{
    if (message_kind(value) == MESSAGE_NUMBER)
        snprintf(text, size, "%.9g", message_number(value));
    else if (message_kind(value) == MESSAGE_STRING)
        snprintf(text, size, "\"%.60s\"", message_string(value));
    else
        snprintf(text, size, "%s", message_kind_name(value));
}

static bool wrong(struct err *err, const char *name, const char *expected, const struct message *value)
{
    char found[80];
    found_write(found, sizeof found, value);
    err_set(err, ERR_INPUT, "\"%s\": expected %s, found %s", name, expected, found);
    return err_field(err, name);
}

static bool number_get(const struct field *field, const struct message *value, double *number, struct err *err)
{
    double x = message_kind(value) == MESSAGE_NUMBER ? message_number(value) : NAN;
    if (!isfinite(x) || x < field->least || x > field->most || (field->above && x <= field->least))
        return wrong(err, field->name, field->expected, value);
    *number = x;
    return true;
}

static bool whole_get(const struct field *field, const struct message *value, double *number, struct err *err)
{
    if (!number_get(field, value, number, err))
        return false;
    return *number == floor(*number) || wrong(err, field->name, field->expected, value);
}

static void *place(struct job_request *request, const struct field *field)
{
    return (char *)request + field->offset;
}

static bool set_float(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    double number = 0;
    if (!number_get(field, value, &number, err))
        return false;
    *(float *)place(request, field) = (float)number;
    return true;
}

static bool set_double(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    return number_get(field, value, place(request, field), err);
}

static bool set_uint32(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    double number = 0;
    if (!whole_get(field, value, &number, err))
        return false;
    *(uint32_t *)place(request, field) = (uint32_t)number;
    return true;
}

static bool set_uint64(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    double number = 0;
    if (!whole_get(field, value, &number, err))
        return false;
    *(uint64_t *)place(request, field) = (uint64_t)number;
    return true;
}

static bool set_bool(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    if (message_kind(value) != MESSAGE_BOOL)
        return wrong(err, field->name, field->expected, value);
    *(bool *)place(request, field) = message_bool(value);
    return true;
}

/* The name of a dataset or model, char[NAME_SIZE]. */
static bool set_name(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    if (message_kind(value) != MESSAGE_STRING)
        return wrong(err, field->name, field->expected, value);
    if (!store_name_check(message_string(value), field->name, err))
        return false;
    memcpy(place(request, field), message_string(value), strlen(message_string(value)) + 1);
    return true;
}

static bool set_target(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    if (message_kind(value) != MESSAGE_STRING)
        return wrong(err, field->name, field->expected, value);
    free(request->target);
    request->target = strdup(message_string(value));
    return request->target || err_memory(err, "the request");
}

/* Text that is one of a few words. */
static bool word_get(const struct field *field, const struct message *value, int (*find)(const char *name), int *word, struct err *err)
{
    *word = message_kind(value) == MESSAGE_STRING ? find(message_string(value)) : -1;
    return *word >= 0 || wrong(err, field->name, field->expected, value);
}

static int task_find(const char *name)
{
    return !strcmp(name, "classification") ? TASK_CLASSIFICATION : !strcmp(name, "regression") ? TASK_REGRESSION : -1;
}

static bool set_task(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    int word;
    if (!word_get(field, value, task_find, &word, err))
        return false;
    request->task = (enum task)word;
    return true;
}

static bool set_loss(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    int word;
    if (!word_get(field, value, loss_find, &word, err))
        return false;
    request->train.loss = (enum loss)word;
    return true;
}

static bool set_init(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    int word;
    if (!word_get(field, value, initializer_find, &word, err))
        return false;
    request->train.init = (enum initializer)word;
    return true;
}

static bool set_batch_size(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    request->batch_size_given = true;
    if (message_kind(value) != MESSAGE_STRING || strcmp(message_string(value), "full"))
        return set_uint32(request, field, value, err);
    request->train.batch_size = 0;
    return true;
}

static bool set_ignore(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    size_t n = message_kind(value) == MESSAGE_ARRAY ? message_size(value) : IGNORE_MAX + 1;
    if (n > IGNORE_MAX)
        return wrong(err, field->name, field->expected, value);
    request->ignore = calloc(n ? n : 1, sizeof *request->ignore);
    if (!request->ignore)
        return err_memory(err, "the request");
    for (const struct message *name = message_first(value); name; name = message_next(name)) {
        if (message_kind(name) != MESSAGE_STRING)
            return wrong(err, field->name, field->expected, name);
        request->ignore[request->n_ignore] = strdup(message_string(name));
        if (!request->ignore[request->n_ignore++])
            return err_memory(err, "the request");
    }
    return true;
}

static const struct field units_field = {
    .name = "layers.units", .least = 1, .most = NETWORK_UNITS_MAX, .expected = "a whole number of units from 1 to 65536"};
static const struct field activation_field = {.name = "layers.activation", .expected = "\"relu\", \"linear\" or \"softmax\""};

static bool unknown(struct err *err, const char *name, const char *expected)
{
    err_set(err, ERR_INPUT, "unknown field \"%.60s\": expected %s", name, expected);
    return err_field(err, name);
}

static bool layer_read(struct layer *layer, const struct message *value, struct err *err)
{
    const struct message *units = value;
    int activation = ACTIVATION_RELU;
    double number = 0;
    if (message_kind(value) == MESSAGE_OBJECT) {
        for (const struct message *member = message_first(value); member; member = message_next(member))
            if (strcmp(message_name(member), "units") && strcmp(message_name(member), "activation"))
                return unknown(err, message_name(member), "\"units\" and \"activation\" in a layer");
        const struct message *word = message_get(value, "activation");
        units = message_get(value, "units");
        if (!units) {
            err_set(err, ERR_INPUT, "a layer has no \"units\": expected {\"units\":128,\"activation\":\"relu\"}");
            return err_field(err, "layers");
        }
        if (word && !word_get(&activation_field, word, activation_find, &activation, err))
            return false;
    }
    if (!whole_get(&units_field, units, &number, err))
        return false;
    *layer = (struct layer){.units = (uint32_t)number, .activation = (enum activation)activation};
    return true;
}

static bool set_layers(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    size_t n = message_kind(value) == MESSAGE_ARRAY ? message_size(value) : NETWORK_LAYERS_MAX;
    if (n >= NETWORK_LAYERS_MAX) /* one place is left for an output layer */
        return wrong(err, field->name, field->expected, value);
    request->layers_given = true;
    request->train.n_layers = 0;
    for (const struct message *layer = message_first(value); layer; layer = message_next(layer))
        if (!layer_read(&request->train.layers[request->train.n_layers++], layer, err))
            return false;
    return true;
}

static set_function set_optimizer;

#define PLACE(member) offsetof(struct job_request, member)
#define RATE "a number above 0 and at most 1000"
#define SHARE "a number from 0 to below 1"
#define NAME "a name of 1 to 64 letters, digits, dots, dashes and underscores"

static const struct field fields[] = {
    {"dataset", FORM_TEXT, set_name, PLACE(dataset), 0, 0, false, NAME},
    {"model", FORM_TEXT, set_name, PLACE(model), 0, 0, false, NAME},
    {"target", FORM_TEXT, set_target, 0, 0, 0, false, "the name of a column"},
    {"task", FORM_TEXT, set_task, 0, 0, 0, false, "\"classification\" or \"regression\""},
    {"layers", FORM_NUMBERS, set_layers, 0, 0, 0, false,
     "a list of at most 63 layers, as [{\"units\":128,\"activation\":\"relu\"}] or [128,64]"},
    {"loss", FORM_TEXT, set_loss, 0, 0, 0, false, "\"categorical_crossentropy\" or \"mse\""},
    {"optimizer", FORM_TEXT, set_optimizer, 0, 0, 0, false,
     "\"adam\" or \"sgd\", or an object {\"name\":\"adam\",\"learning_rate\":0.001}"},
    {"learning_rate", FORM_NUMBER, set_float, PLACE(train.learning_rate), 0, 1000, true, RATE},
    {"batch_size", FORM_NUMBER_OR_TEXT, set_batch_size, PLACE(train.batch_size), 1, BATCH_MAX, false,
     "a whole number from 1 to 1000000, or \"full\""},
    {"epochs", FORM_NUMBER, set_uint32, PLACE(train.epochs), 1, EPOCHS_MAX, false, "a whole number from 1 to 100000"},
    {"validation_split", FORM_NUMBER, set_double, PLACE(validation_split), 0, 0.999, false, SHARE},
    {"validation", FORM_TEXT, set_name, PLACE(validation), 0, 0, false, "the name of a dataset"},
    {"test_split", FORM_NUMBER, set_double, PLACE(test_split), 0, 0.999, false, SHARE},
    {"test", FORM_TEXT, set_name, PLACE(test), 0, 0, false, "the name of a dataset"},
    {"seed", FORM_NUMBER, set_uint64, PLACE(train.seed), 0, WHOLE_MAX, false, "a whole number from 0 to 2^53"},
    {"init", FORM_TEXT, set_init, 0, 0, 0, false, "\"he_normal\" or \"normal\""},
    {"stddev", FORM_NUMBER, set_float, PLACE(train.stddev), 0, 100, true, "a number above 0 and at most 100"},
    {"ignore", FORM_TEXTS, set_ignore, 0, 0, 0, false, "a list of column names"},
    {"shuffle", FORM_BOOL, set_bool, PLACE(train.shuffle), 0, 0, false, "true or false"},
};
enum { N_FIELDS = sizeof fields / sizeof *fields };

static const struct field optimizer_fields[] = {
    {"learning_rate", FORM_NUMBER, set_float, PLACE(train.learning_rate), 0, 1000, true, RATE},
    {"beta_1", FORM_NUMBER, set_float, PLACE(train.beta_1), 0, 0.99999, true, "a number above 0 and below 1"},
    {"beta_2", FORM_NUMBER, set_float, PLACE(train.beta_2), 0, 0.999999, true, "a number above 0 and below 1"},
    {"epsilon", FORM_NUMBER, set_float, PLACE(train.epsilon), 1e-30, 1, false, "a number above 0 and at most 1"},
};

static const struct field *field_find(const struct field *table, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(table[i].name, name))
            return &table[i];
    return NULL;
}

static bool set_optimizer(struct job_request *request, const struct field *field, const struct message *value, struct err *err)
{
    bool object = message_kind(value) == MESSAGE_OBJECT;
    const struct message *name = object ? message_get(value, "name") : value;
    int word = OPTIMIZER_ADAM;
    if (name && !word_get(field, name, optimizer_find, &word, err))
        return false;
    request->train.optimizer = (enum optimizer)word;
    for (const struct message *member = object ? message_first(value) : NULL; member; member = message_next(member)) {
        const struct field *part = field_find(optimizer_fields, sizeof optimizer_fields / sizeof *optimizer_fields, message_name(member));
        if (member == name || message_kind(member) == MESSAGE_NULL)
            continue;
        if (!part)
            return unknown(err, message_name(member), "name, learning_rate, beta_1, beta_2 and epsilon in an optimizer");
        if (!part->set(request, part, member, err))
            return false;
    }
    return true;
}

static bool unknown_field(struct err *err, const char *name)
{
    char names[300];
    size_t n = 0;
    for (int i = 0; i < N_FIELDS; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "", fields[i].name);
    return unknown(err, name, names);
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
    return true;
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
