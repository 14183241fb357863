/* One job's data and trainer, made from its request: the same request, datasets and seed give the same bits. */
#include "jobs_training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum part { PART_TRAIN, PART_VALIDATION, PART_TEST };

void training_free(struct training *training)
{
    if (!training)
        return;
    team_free(training->team);
    binding_free(training->binding);
    binding_free(training->validation_binding);
    binding_free(training->test_binding);
    recipe_free(training->recipe);
    for (int i = 0; i < 3; i++)
        free(training->indices[i]);
    free(training);
}

/* How many of n rows a share takes. */
static uint64_t share(uint64_t n, double part)
{
    return (uint64_t)floor((double)n * part + 0.5);
}

/* Which part each row of the training dataset belongs to: drawn by the seed, the rows of a part stay in the table's order. */
static bool parts_draw(uint8_t *parts, uint64_t n_rows, const struct job_request *request, bool team, struct err *err)
{
    bool judged = request->validation[0] || (team && (request->test[0] || request->test_split > 0)); /* by other rows */
    double split = request->validation_split >= 0 ? request->validation_split : judged ? 0 : 0.1;
    uint64_t n_test = request->test_split > 0 ? share(n_rows, request->test_split) : 0;
    uint64_t n_validation = share(n_rows - n_test, split);
    if (n_test + n_validation >= n_rows) {
        err_set(err, ERR_INPUT, "nothing is left to train on: of %llu rows, %llu are held out for the test and %llu for validation",
                (unsigned long long)n_rows, (unsigned long long)n_test, (unsigned long long)n_validation);
        return err_field(err, n_test >= n_rows ? "test_split" : "validation_split");
    }
    memset(parts, PART_TRAIN, n_rows);
    if (n_test + n_validation == 0)
        return true;
    uint32_t *drawn = malloc((size_t)n_rows * sizeof *drawn);
    if (!drawn)
        return err_memory(err, "the split of the rows");
    rows_shuffle(drawn, n_rows, request->train.seed);
    for (uint64_t i = 0; i < n_test + n_validation; i++)
        parts[drawn[i]] = i < n_test ? PART_TEST : PART_VALIDATION;
    free(drawn);
    return true;
}

/* The rows of one part, or all n_rows of a dataset where parts is NULL. */
static bool rows_collect(struct training *training, enum part part, const uint8_t *parts, uint64_t n_rows, struct rows *rows,
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
    *rows = (struct rows){.rows = training->indices[part], .n_rows = n};
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

/* A dataset of the request, by number where it is known: after a restart its name may mean another one. NULL: *err. */
static struct table *table_get(struct datasets *datasets, const char *name, const char *field, int64_t *id, struct err *err)
{
    struct dataset_row dataset = {.id = *id};
    struct table *table = *id ? datasets_table_id(datasets, *id, err) : datasets_table(datasets, name, &dataset, err);
    if (!table) {
        err_field(err, field);
        return NULL;
    }
    if (table_n_rows(table) > UINT32_MAX - 1) {
        err_set(err, ERR_LIMIT, "the dataset %s has more rows than training takes (%u)", name, UINT32_MAX - 1);
        err_field(err, field);
        table_unref(table);
        return NULL;
    }
    *id = dataset.id;
    return table;
}

/* Another dataset to validate or test on; nothing where `name` is "". */
static bool other_bind(struct training *training, struct datasets *datasets, const char *name, const char *field, int64_t *id,
                       enum part part, struct err *err)
{
    struct binding **binding = part == PART_TEST ? &training->test_binding : &training->validation_binding;
    struct rows *rows = part == PART_TEST ? &training->test : &training->validation;
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
    bool ok = *binding && rows_collect(training, part, NULL, table_n_rows(table), rows, err);
    if (ok)
        rows_filter(rows, training->indices[part], *binding);
    if (ok && rows->n_rows == 0) {
        err_set(err, ERR_INPUT, "no row of the dataset %s has a usable value in the column %.60s", name, training->recipe->target);
        ok = err_field(err, field);
    }
    table_unref(table);
    return ok;
}

static bool split(struct training *training, const struct table *table, const struct job_request *request, struct err *err)
{
    uint64_t n_rows = table_n_rows(table);
    training->is_team = choice_is_team(request, n_rows, table_n_columns(table));
    uint8_t *parts = malloc((size_t)n_rows + 1);
    if (!parts)
        return err_memory(err, "the split of the rows");
    bool ok = parts_draw(parts, n_rows, request, training->is_team, err) &&
              rows_collect(training, PART_TRAIN, parts, n_rows, &training->train, err) &&
              rows_collect(training, PART_VALIDATION, parts, n_rows, &training->validation, err) &&
              rows_collect(training, PART_TEST, parts, n_rows, &training->test, err);
    free(parts);
    return ok;
}

/* The recipe, fitted on the training rows, and the three sets of rows bound. */
static bool fit(struct training *training, struct table *table, const struct job_request *request, struct err *err)
{
    struct recipe_options options = {.target = request->target,
                                     .task = request->task,
                                     .ignore = (const char *const *)request->ignore,
                                     .n_ignore = request->n_ignore,
                                     .raw_target = request->train.loss == LOSS_POISSON};
    training->recipe = recipe_fit(table, training->train.rows, training->train.n_rows, &options, err);
    if (!training->recipe)
        return false;
    training->binding = recipe_bind(training->recipe, table, true, err);
    if (!training->binding)
        return false;
    rows_filter(&training->train, training->indices[PART_TRAIN], training->binding);
    rows_filter(&training->validation, training->indices[PART_VALIDATION], training->binding);
    rows_filter(&training->test, training->indices[PART_TEST], training->binding);
    if (training->train.n_rows > 0)
        return true;
    err_set(err, ERR_INPUT, "no training row has a usable value in the column %.60s", training->recipe->target);
    return err_field(err, "target");
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

static bool build(struct training *training, struct datasets *datasets, const struct job_request *request, struct job_row *row,
                  struct err *err)
{
    if (!ways_check("test", request->test, request->test_split, err) ||
        !ways_check("validation", request->validation, request->validation_split, err))
        return false;
    struct table *table = table_get(datasets, request->dataset, "dataset", &row->dataset_id, err);
    if (!table)
        return false;
    bool ok = split(training, table, request, err) && fit(training, table, request, err) &&
              other_bind(training, datasets, request->validation, "validation", &row->validation_id, PART_VALIDATION, err) &&
              other_bind(training, datasets, request->test, "test", &row->test_id, PART_TEST, err) &&
              jobs_defaults(request, training, &training->options, err);
    table_unref(table);
    if (!ok || !team_check(training->recipe, &training->train, &training->options, err))
        return false;
    training->bytes = team_bytes(&training->options, training->recipe->n_inputs, training->train.n_rows, training->validation.n_rows);
    return true;
}

bool training_ready(struct training *training, struct err *err)
{
    training->team = team_new(training->recipe, &training->train, &training->validation, &training->options, err);
    return training->team != NULL;
}

struct training *training_new(struct datasets *datasets, const struct job_request *request, struct job_row *row, struct err *err)
{
    struct training *training = calloc(1, sizeof *training);
    if (!training) {
        err_memory(err, "a training");
        return NULL;
    }
    if (!build(training, datasets, request, row, err)) {
        training_free(training);
        return NULL;
    }
    row_fill(row, training);
    return training;
}

const struct rows *training_judges(const struct training *training, enum rows_kind *kind)
{
    *kind = training->test.n_rows ? ROWS_TEST : training->validation.n_rows ? ROWS_VALIDATION : ROWS_TRAIN;
    return *kind == ROWS_TEST ? &training->test : *kind == ROWS_VALIDATION ? &training->validation : &training->train;
}
