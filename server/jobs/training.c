/* One job's data and trainer, made from its request: the same request, datasets
 * and seed give the same bits. */
#include "jobs/training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void training_free(struct training *training)
{
    if (!training)
        return;
    ensemble_free(training->ensemble);
    binding_free(training->binding);
    binding_free(training->validation_binding);
    binding_free(training->test_binding);
    recipe_free(training->recipe);
    for (int i = 0; i < 3; i++)
        free(training->indices[i]);
    free(training->weights);
    model_unref(training->base);
    free(training);
}

static struct rows *rows_of(struct training *training, enum part part)
{
    return part == PART_TEST         ? &training->test
           : part == PART_VALIDATION ? &training->validation
                                     : &training->train;
}

/* The rows of one part, or all n_rows of a dataset where parts is NULL. */
static bool rows_collect(struct training *training, enum part part, const uint8_t *parts, uint64_t n_rows,
                         struct err *err)
{
    uint32_t *indices = malloc((size_t)(n_rows + 1) * sizeof *indices);
    uint64_t n = 0;
    if (!indices)
        return err_memory(err, "the rows' numbers");
    for (uint64_t row = 0; row < n_rows; row++)
        if (!parts || parts[row] == part)
            indices[n++] = (uint32_t)row;
    uint32_t *fitted = realloc(indices, (size_t)(n + 1) * sizeof *indices);
    training->indices[part] = fitted ? fitted : indices;
    *rows_of(training, part) = (struct rows){.rows = training->indices[part], .n_rows = n};
    return true;
}

/* Leave out the rows whose target is missing or unknown to the recipe. */
static void rows_filter(struct rows *rows, uint32_t *indices, const struct binding *binding)
{
    bool classes = binding_recipe(binding)->task == TASK_CLASSIFICATION;
    uint64_t n = 0;
    for (uint64_t i = 0; i < rows->n_rows; i++)
        if (classes ? binding_class(binding, indices[i]) >= 0 : isfinite(binding_value(binding, indices[i])))
            indices[n++] = indices[i];
    rows->n_rows = n;
    rows->binding = binding;
}

/* A dataset of the request, by number where it is known: after a restart its
 * name may mean another one. NULL: *err. */
static struct table *table_get(struct datasets *datasets, const char *name, const char *field, int64_t *id,
                               struct err *err)
{
    struct dataset_row dataset = {.id = *id};
    struct table *table =
        *id ? datasets_table_id(datasets, *id, err) : datasets_table(datasets, name, &dataset, err);
    if (!table) {
        err_field(err, field);
        return NULL;
    }
    if (table_n_rows(table) > UINT32_MAX - 1) {
        err_set(err, ERR_LIMIT, "the dataset %s has more rows than training takes (%u)", name,
                UINT32_MAX - 1);
        err_field(err, field);
        table_unref(table);
        return NULL;
    }
    *id = dataset.id;
    return table;
}

/* Another dataset to validate or test on; nothing where `name` is "". */
static bool other_bind(struct training *training, struct datasets *datasets, const char *name,
                       const char *field, int64_t *id, enum part part, struct err *err)
{
    struct binding **binding = part == PART_TEST ? &training->test_binding : &training->validation_binding;
    struct rows *rows = rows_of(training, part);
    if (!name[0])
        return true;
    struct table *table = table_get(datasets, name, field, id, err);
    if (!table)
        return false;
    *binding = recipe_bind(training->recipe, table, true, err);
    if (!*binding)
        err_field(err, field);
    free(training->indices[part]);
    training->indices[part] = NULL;
    bool ok = *binding && rows_collect(training, part, NULL, table_n_rows(table), err);
    if (ok)
        rows_filter(rows, training->indices[part], *binding);
    if (ok && rows->n_rows == 0) {
        err_set(err, ERR_INPUT, "no row of the dataset %s has a usable value in the column %.60s", name,
                training->recipe->target);
        ok = err_field(err, field);
    }
    table_unref(table);
    return ok;
}

static bool split(struct training *training, const struct table *table, const struct job_request *request,
                  const struct recipe_options *options, struct err *err)
{
    uint64_t n_rows = table_n_rows(table);
    training->is_ensemble = !training->base && choice_is_ensemble(request, n_rows, table_n_columns(table));
    bool has_own_rows =
        request->validation[0] ||
        (training->is_ensemble && (request->test[0] || request->test_split > 0)); /* to validate on */
    struct split split = {
        .test = request->test_split, .validation = request->validation_split, .seed = request->train.seed};
    if (split.validation < 0)
        split.validation = has_own_rows ? 0 : 0.1;
    uint8_t *parts = malloc((size_t)n_rows + 1);
    if (!parts)
        return err_memory(err, "the split of the rows");
    bool ok = rows_split(table, options, &split, parts, err) &&
              rows_collect(training, PART_TRAIN, parts, n_rows, err) &&
              rows_collect(training, PART_VALIDATION, parts, n_rows, err) &&
              rows_collect(training, PART_TEST, parts, n_rows, err);
    free(parts);
    return ok;
}

/* The recipe, fitted on the training rows, and the three sets of rows bound. */
static bool fit(struct training *training, struct table *table, const struct recipe_options *options,
                struct err *err)
{
    training->recipe = training->base
                           ? recipe_copy(training->base->recipe, err)
                           : recipe_fit(table, training->train.rows, training->train.n_rows, options, err);
    if (!training->recipe)
        return false;
    training->binding = recipe_bind(training->recipe, table, true, err);
    if (!training->binding)
        return false;
    training->n_left_out = training->train.n_rows;
    rows_filter(&training->train, training->indices[PART_TRAIN], training->binding);
    training->n_left_out -= training->train.n_rows;
    rows_filter(&training->validation, training->indices[PART_VALIDATION], training->binding);
    rows_filter(&training->test, training->indices[PART_TEST], training->binding);
    if (training->train.n_rows > 0)
        return true;
    err_set(err, ERR_INPUT, "no training row has a usable value in the column %.60s",
            training->recipe->target);
    return err_field(err, "target");
}

/* Columns to leave out: the user's, and the one that weighs the rows. The
 * caller frees the list, not its texts. NULL: out of memory. */
static const char **ignore_list(const struct job_request *request, uint32_t *n)
{
    const char **list = calloc((size_t)request->n_ignore + 1, sizeof *list);
    for (*n = 0; list && *n < request->n_ignore; ++*n)
        list[*n] = request->ignore[*n];
    if (list && request->sample_weight)
        list[(*n)++] = request->sample_weight;
    return list;
}

static bool split_and_fit(struct training *training, struct table *table, const struct job_request *request,
                          struct err *err)
{
    uint32_t n_ignore;
    const char **ignore = ignore_list(request, &n_ignore);
    if (!ignore)
        return err_memory(err, "the columns to leave out");
    struct recipe_options options = {.target = request->target,
                                     .task = request->task,
                                     .ignore = ignore,
                                     .n_ignore = n_ignore,
                                     .features = (const char *const *)request->features,
                                     .n_features = request->n_features,
                                     .overrides = request->overrides,
                                     .n_overrides = request->n_overrides,
                                     .raw_target = request->train.loss == LOSS_POISSON,
                                     .stop = request->stop};
    if (training->base) {
        options.target = training->base->recipe->target;
        options.task = training->base->recipe->task;
    }
    if (request->sample_weight && table_find(table, request->sample_weight) < 0) {
        err_set(err, ERR_INPUT, "there is no column \"%.60s\" to weigh the rows by", request->sample_weight);
        free(ignore);
        return err_field(err, "sample_weight");
    }
    bool ok = split(training, table, request, &options, err) && fit(training, table, &options, err);
    free(ignore);
    return ok;
}

static void row_fill(struct job_row *row, const struct training *training)
{
    row->task = training->recipe->task;
    memcpy(row->task_reason, training->recipe->task_reason, sizeof row->task_reason);
    row->epochs = training->options.epochs;
    row->n_train = training->train.n_rows;
    row->n_validation = training->validation.n_rows;
    row->n_test = training->test.n_rows;
}

/* One of dataset and share, not both. */
static bool ways_check(const char *name, const char *dataset, double part, struct err *err)
{
    if (!dataset[0] || !(part > 0))
        return true;
    err_set(err, ERR_INPUT, "%s and %s_split both say which rows to take: leave one out", name, name);
    return err_field(err, name);
}

/* The model to train further, by the version that the row knows since the job
 * was taken. */
static bool base_get(struct training *training, struct models *models, const struct job_request *request,
                     struct job_row *row, struct err *err)
{
    struct model_row found;
    if (!request->from[0])
        return true;
    training->base = models_get(models, request->from,
                                row->from_version ? row->from_version : request->from_version, &found, err);
    if (training->base && found.state == MODEL_TRAINING) {
        err_set(err, ERR_CONFLICT, "%s is still being trained by job %lld: wait until it has ended",
                request->from, (long long)found.job);
        return err_field(err, "from");
    }
    if (training->base && found.wanted) {
        err_set(err, ERR_CONFLICT,
                "version %u of model %s is damaged: choose another with \"from_version\", %u for example",
                found.wanted, request->from, found.version);
        return err_field(err, "from");
    }
    if (!training->base)
        return err_field(err, "from");
    row->from_version = found.version;
    return true;
}

static void data_warn(struct warnings *warnings, const struct training *training, const struct table *table)
{
    uint64_t n_used = training->train.n_rows + training->n_left_out;
    warnings_of_data(warnings, training->recipe, table, &training->train, &training->validation,
                     &training->test);
    if (!training->base)
        return;
    warnings_of_fit(warnings, training->recipe, table);
    if (training->n_left_out > 0)
        warnings_add(warnings, WARNING_UNKNOWN_CLASS, training->recipe->target,
                     "%llu of %llu training rows have no %s that the model knows: left out.",
                     (unsigned long long)training->n_left_out, (unsigned long long)n_used,
                     training->recipe->task == TASK_CLASSIFICATION ? "class" : "value");
}

static bool build(struct training *training, const struct jobs_options *rooms,
                  const struct job_request *request, struct job_row *row, struct warnings *warnings,
                  struct err *err)
{
    if (!ways_check("test", request->test, request->test_split, err) ||
        !ways_check("validation", request->validation, request->validation_split, err))
        return false;
    struct datasets *datasets = rooms->datasets;
    if (!base_get(training, rooms->models, request, row, err))
        return false;
    struct table *table = table_get(datasets, request->dataset, "dataset", &row->dataset_id, err);
    if (!table)
        return false;
    bool ok = split_and_fit(training, table, request, err) &&
              weights_make(&training->weights, &training->train, table, request, err) &&
              other_bind(training, datasets, request->validation, "validation", &row->validation_id,
                         PART_VALIDATION, err) &&
              other_bind(training, datasets, request->test, "test", &row->test_id, PART_TEST, err) &&
              jobs_defaults(request, training, &training->options, err);
    training->train.weights = training->weights;
    if (ok && warnings)
        data_warn(warnings, training, table);
    table_unref(table);
    if (!ok || !ensemble_check(training->recipe, &training->train, &training->options, err))
        return false;
    training->bytes = ensemble_bytes(&training->options, training->recipe->n_inputs, training->train.n_rows,
                                     training->validation.n_rows);
    return true;
}

bool training_ready(struct training *training, struct err *err)
{
    training->ensemble =
        ensemble_new(training->recipe, &training->train, &training->validation, &training->options, err);
    return training->ensemble &&
           (!training->base || ensemble_begin_from(training->ensemble, training->base->network, err));
}

struct training *training_new(const struct jobs_options *rooms, const struct job_request *request,
                              struct job_row *row, struct warnings *warnings, struct err *err)
{
    struct training *training = calloc(1, sizeof *training);
    if (!training) {
        err_memory(err, "a training");
        return NULL;
    }
    if (!build(training, rooms, request, row, warnings, err)) {
        training_free(training);
        return NULL;
    }
    row_fill(row, training);
    return training;
}

const struct rows *training_evaluation_rows(const struct training *training, enum rows_kind *kind)
{
    *kind = training->test.n_rows ? ROWS_TEST : training->validation.n_rows ? ROWS_VALIDATION : ROWS_TRAIN;
    return *kind == ROWS_TEST         ? &training->test
           : *kind == ROWS_VALIDATION ? &training->validation
                                      : &training->train;
}
