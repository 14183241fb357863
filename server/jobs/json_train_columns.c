/* What a request to train says of columns and classes. */
#include "jobs/json_train_private.h"
#include "json/model.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 100000

/* A list of names of columns: `list` and `n` are the request's, in place of an
 * earlier one. */
static bool set_names(char ***list, uint32_t *n_list, const struct field *field, const struct message *value,
                      struct err *err)
{
    size_t n = message_kind(value) == MESSAGE_ARRAY ? message_size(value) : NAMES_MAX + 1;
    if (n > NAMES_MAX || *list)
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

bool train_set_sample_weight(struct job_request *request, const struct field *field,
                             const struct message *value, struct err *err)
{
    if (message_kind(value) != MESSAGE_STRING)
        return field_wrong(err, field->name, field->expected, value);
    free(request->sample_weight);
    request->sample_weight = strdup(message_string(value));
    return request->sample_weight || err_memory(err, "the request");
}

/* "balanced", or what rows of some classes count. */
bool train_set_class_weight(struct job_request *request, const struct field *field,
                            const struct message *value, struct err *err)
{
    double weight = 0;
    request->class_balanced =
        message_kind(value) == MESSAGE_STRING && !strcmp(message_string(value), "balanced");
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

bool train_set_ignore(struct job_request *request, const struct field *field, const struct message *value,
                      struct err *err)
{
    return set_names(&request->ignore, &request->n_ignore, field, value, err);
}

bool train_set_features(struct job_request *request, const struct field *field, const struct message *value,
                        struct err *err)
{
    return set_names(&request->features, &request->n_features, field, value, err);
}

static const struct field encoding_field = {
    .name = "recipe",
    .expected = "one of scale, standardise, log, quantile, one_hot, ignore for each column"};

/* {"column": "log"} or {"column": {"encoding": "log"}}. */
bool train_set_recipe(struct job_request *request, const struct field *field, const struct message *value,
                      struct err *err)
{
    size_t n = message_kind(value) == MESSAGE_OBJECT ? message_size(value) : NAMES_MAX + 1;
    if (n > NAMES_MAX || request->overrides)
        return field_wrong(err, field->name, field->expected, value);
    request->overrides = calloc(n ? n : 1, sizeof *request->overrides);
    if (!request->overrides)
        return err_memory(err, "the request");
    for (const struct message *member = message_first(value); member; member = message_next(member)) {
        const struct message *word =
            message_kind(member) == MESSAGE_OBJECT ? message_get(member, "encoding") : member;
        int encoding;
        if (!word || (word != member && message_size(member) != 1))
            return field_wrong(err, field->name, field->expected, member);
        if (!field_word(&encoding_field, word, encoding_find, &encoding, err))
            return false;
        struct recipe_override *override = &request->overrides[request->n_overrides];
        *override = (struct recipe_override){strdup(message_name(member)), (enum encoding)encoding};
        if (!override->column)
            return err_memory(err, "the request");
        request->n_overrides++;
    }
    return true;
}
