/* GET /models/{m}/evaluation: how well a model does on rows that it was not trained on. */
#include "routes.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_DEFAULT 100
#define SAMPLES_MAX 100000
#define MATRIX_CLASSES_MAX 1000 /* a larger confusion matrix is left out */

static double ratio(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : NAN;
}

/* precision and recall are null where nothing was guessed or nothing was there; f1 = 2 hits / (support + guessed). */
static void class_write(struct writer *writer, const struct evaluation *evaluation, uint32_t class, const char *label)
{
    uint32_t n = evaluation->n_classes;
    uint64_t hits = evaluation->confusion[(size_t) class * n + class], support = 0, guessed = 0;
    for (uint32_t i = 0; i < n; i++) {
        support += evaluation->confusion[(size_t) class * n + i];
        guessed += evaluation->confusion[(size_t)i * n + class];
    }
    writer_open(writer, '{');
    writer_put_string(writer, "label", label);
    writer_put_double(writer, "precision", ratio(hits, guessed));
    writer_put_double(writer, "recall", ratio(hits, support));
    writer_put_double(writer, "f1", ratio(2 * hits, support + guessed));
    writer_put_uint(writer, "support", support);
    writer_close(writer, '}');
}

static void confusion_write(struct writer *writer, const struct evaluation *evaluation, char *const *labels)
{
    uint32_t n = evaluation->n_classes;
    writer_key(writer, "confusion");
    writer_open(writer, '{');
    writer_key(writer, "labels");
    writer_open(writer, '[');
    for (uint32_t i = 0; i < n; i++)
        writer_string(writer, labels[i]);
    writer_close(writer, ']');
    writer_key(writer, "matrix");
    writer_open(writer, '[');
    for (uint32_t i = 0; i < n && n <= MATRIX_CLASSES_MAX; i++) {
        writer_open(writer, '[');
        for (uint32_t j = 0; j < n; j++)
            writer_uint(writer, evaluation->confusion[(size_t)i * n + j]);
        writer_close(writer, ']');
    }
    writer_close(writer, ']');
    writer_close(writer, '}');
}

static void classes_write(struct writer *writer, const struct evaluation *evaluation, char *const *labels)
{
    confusion_write(writer, evaluation, labels);
    writer_key(writer, "classes");
    writer_open(writer, '[');
    for (uint32_t i = 0; i < evaluation->n_classes; i++)
        class_write(writer, evaluation, i, labels[i]);
    writer_close(writer, ']');
}

/* NULL where there is no such class: a label is what the file says. */
static const char *class_name(const struct recipe *recipe, float label)
{
    return label >= 0 && label < (float)recipe->n_classes ? recipe->classes[(uint32_t)label] : NULL;
}

static void guess_write(struct writer *writer, const struct guess *guess, const struct recipe *recipe)
{
    writer_open(writer, '{');
    writer_put_uint(writer, "row", guess->row);
    if (recipe->task == TASK_CLASSIFICATION) {
        writer_put_string(writer, "label", class_name(recipe, guess->label));
        writer_put_string(writer, "guess", class_name(recipe, guess->guess));
        writer_key(writer, "probability");
        writer_float(writer, guess->probability);
    } else {
        writer_key(writer, "label");
        writer_float(writer, guess->label);
        writer_key(writer, "guess");
        writer_float(writer, guess->guess);
    }
    writer_key(writer, "loss");
    writer_float(writer, guess->loss);
    writer_close(writer, '}');
}

static void importance_write(struct writer *writer, const struct evaluation *evaluation, const struct recipe *recipe)
{
    writer_key(writer, "importance");
    writer_open(writer, '[');
    for (uint32_t i = 0; i < evaluation->n_importance; i++) {
        const struct importance *importance = &evaluation->importance[i];
        if (importance->column >= recipe->n_columns)
            continue; /* not of this model: an imported file under an old number */
        writer_open(writer, '{');
        writer_put_string(writer, "column", recipe->columns[importance->column].name);
        writer_put_double(writer, "drop", importance->drop);
        writer_close(writer, '}');
    }
    writer_close(writer, ']');
}

static void evaluation_write(struct writer *writer, const struct evaluation *evaluation, const struct model_row *row,
                             const struct recipe *recipe)
{
    writer_open(writer, '{');
    writer_put_string(writer, "model", row->name);
    writer_put_uint(writer, "version", row->version);
    writer_put_string(writer, "on", rows_kind_name(row->evaluated_on));
    writer_put_string(writer, "dataset", *row->dataset ? row->dataset : NULL);
    writer_put_uint(writer, "rows", evaluation->n_rows);
    for (int i = 0; i < N_METRICS; i++)
        if (metric_applies((enum metric)i, evaluation->n_classes))
            writer_put_double(writer, metric_name((enum metric)i), evaluation->values[i]);
    if (recipe->task == TASK_CLASSIFICATION)
        classes_write(writer, evaluation, recipe->classes);
    importance_write(writer, evaluation, recipe);
}

/* The rows that are asked for, and how many there are of their kind. */
struct answer {
    struct server *server;
    struct model *model; /* owned reference */
    struct model_row row;
    struct evaluation_page page;
    uint64_t n_guesses, n_matching;
};

static void evaluation_reply(struct reply *reply, const struct evaluation *evaluation, const struct answer *answer)
{
    const struct recipe *recipe = answer->model->recipe;
    struct writer writer;
    reply_writer(reply, &writer);
    evaluation_write(&writer, evaluation, &answer->row, recipe);
    fallback_write(&writer, answer->server, &answer->row);
    writer_put_uint(&writer, "offset", answer->page.offset);
    writer_put_uint(&writer, "matching", answer->n_matching);
    writer_key(&writer, "samples");
    writer_open(&writer, '[');
    for (uint64_t i = 0; i < answer->n_guesses; i++)
        guess_write(&writer, &evaluation->guesses[i], recipe);
    writer_close(&writer, ']');
    writer_close(&writer, '}');
    reply_json(reply, 200, &writer);
}

/* sort=row|worst of the query. */
static bool query_sort(const struct request *request, bool *worst, struct err *err)
{
    const char *sort = request_query(request, "sort");
    *worst = sort && !strcmp(sort, "worst");
    if (!sort || *worst || !strcmp(sort, "row"))
        return true;
    err_set(err, ERR_INPUT, "\"sort\": expected row or worst, found \"%.60s\"", sort);
    return err_field(err, "sort");
}

/* A class of the model that the query names; -1 where it names none. */
static bool query_class(const struct request *request, const char *name, const struct recipe *recipe, int64_t *class, struct err *err)
{
    const char *text = request_query(request, name);
    *class = -1;
    if (!text)
        return true;
    for (uint32_t c = 0; c < recipe->n_classes && *class < 0; c++)
        if (!strcmp(recipe->classes[c], text))
            *class = c;
    if (*class >= 0)
        return true;
    if (recipe->task == TASK_CLASSIFICATION)
        err_set(err, ERR_INPUT, "\"%s\": expected one of the model's classes, found \"%.60s\"", name, text);
    else
        err_set(err, ERR_INPUT, "\"%s\" chooses a class, and %.60s is a number", name, recipe->target);
    return err_field(err, name);
}

static bool version_check(const struct model_row *row, struct err *err)
{
    return row->state != MODEL_TRAINING ||
           err_set(err, ERR_NOT_FOUND, "%s is still being trained by job %" PRId64 ": it is evaluated when that ends", row->name, row->job);
}

/* The evaluation of the version that answers, so that labels and guesses are of one model. NULL: *err. */
static struct evaluation *evaluation_find(struct request *request, struct answer *answer, uint32_t version, struct err *err)
{
    struct models *models = answer->server->models;
    struct evaluation_page *page = &answer->page;
    struct model_row row = {0};
    model_unref(answer->model);
    answer->model = models_get(models, request_param(request, 0), version, &answer->row, err);
    const struct recipe *recipe = answer->model ? answer->model->recipe : NULL;
    if (!recipe || !query_sort(request, &page->worst, err) || !query_class(request, "label", recipe, &page->label, err) ||
        !query_class(request, "guess", recipe, &page->guess, err) || !version_check(&answer->row, err))
        return NULL;
    struct evaluation *evaluation =
        models_evaluation(models, answer->row.name, answer->row.version, page, &answer->n_guesses, &answer->n_matching, &row, err);
    if (evaluation)
        memcpy(answer->row.dataset, row.dataset, sizeof row.dataset); /* whose name may have changed since */
    return evaluation;
}

void models_get_evaluation(struct request *request, struct reply *reply)
{
    struct answer answer = {.server = request_app(request), .page.stop = request_stop(request)};
    struct err err = {0};
    struct evaluation *evaluation;
    uint64_t version;
    if (!query_number(request, "version", 0, UINT32_MAX, &version, reply) ||
        !query_number(request, "offset", 0, INT64_MAX, &answer.page.offset, reply) ||
        !query_number(request, "limit", SAMPLES_DEFAULT, SAMPLES_MAX, &answer.page.limit, reply))
        return;
    do
        evaluation = evaluation_find(request, &answer, (uint32_t)version, &err);
    while (!evaluation && err.code == ERR_NOT_FOUND && answer.model && answer.row.state != MODEL_TRAINING &&
           models_moved(answer.server->models, &answer.row));
    if (!evaluation)
        reply_problem(reply, &err);
    else
        evaluation_reply(reply, evaluation, &answer);
    model_unref(answer.model);
    evaluation_free(evaluation);
}
