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
    writer_put_double(writer, "accuracy", evaluation->accuracy);
    confusion_write(writer, evaluation, labels);
    writer_key(writer, "classes");
    writer_open(writer, '[');
    for (uint32_t i = 0; i < evaluation->n_classes; i++)
        class_write(writer, evaluation, i, labels[i]);
    writer_close(writer, ']');
}

static void guess_write(struct writer *writer, const struct guess *guess, const struct recipe *recipe)
{
    writer_open(writer, '{');
    writer_put_uint(writer, "row", (uint64_t)guess->row + 1); /* as errors count: the first is 1 */
    if (recipe->task == TASK_CLASSIFICATION) {
        uint32_t label = (uint32_t)guess->label, chosen = (uint32_t)guess->guess;
        writer_put_string(writer, "label", label < recipe->n_classes ? recipe->classes[label] : NULL);
        writer_put_string(writer, "guess", chosen < recipe->n_classes ? recipe->classes[chosen] : NULL);
        writer_key(writer, "probability");
        writer_float(writer, guess->probability);
    } else {
        writer_key(writer, "label");
        writer_float(writer, guess->label);
        writer_key(writer, "guess");
        writer_float(writer, guess->guess);
    }
    writer_close(writer, '}');
}

static void evaluation_write(struct writer *writer, const struct evaluation *evaluation, const struct model_row *row,
                             const struct recipe *recipe)
{
    writer_open(writer, '{');
    writer_put_string(writer, "model", row->name);
    writer_put_uint(writer, "version", row->version);
    writer_put_string(writer, "on", rows_kind_name(row->evaluated_on));
    writer_put_uint(writer, "rows", evaluation->n_rows);
    writer_put_double(writer, "loss", evaluation->loss);
    if (recipe->task == TASK_CLASSIFICATION) {
        classes_write(writer, evaluation, recipe->classes);
    } else {
        writer_put_double(writer, "rmse", evaluation->rmse);
        writer_put_double(writer, "mae", evaluation->mae);
        writer_put_double(writer, "r2", evaluation->r2);
    }
}

static void evaluation_reply(struct reply *reply, const struct evaluation *evaluation, const struct model_row *row,
                             const struct recipe *recipe, uint64_t offset, uint64_t n_guesses)
{
    struct writer writer;
    writer_init(&writer);
    evaluation_write(&writer, evaluation, row, recipe);
    writer_put_uint(&writer, "offset", offset);
    writer_key(&writer, "samples");
    writer_open(&writer, '[');
    for (uint64_t i = 0; i < n_guesses; i++)
        guess_write(&writer, &evaluation->guesses[i], recipe);
    writer_close(&writer, ']');
    writer_close(&writer, '}');
    reply_json(reply, 200, &writer);
}

void models_get_evaluation(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    const char *name = request_param(request, 0);
    struct model_row row = {0};
    struct err err = {0};
    uint64_t version, offset, limit, n_guesses = 0;
    if (!query_number(request, "version", 0, UINT32_MAX, &version, reply) ||
        !query_number(request, "offset", 0, INT64_MAX, &offset, reply) ||
        !query_number(request, "limit", SAMPLES_DEFAULT, SAMPLES_MAX, &limit, reply))
        return;
    struct evaluation *evaluation = models_evaluation(server->models, name, (uint32_t)version, offset, limit, &n_guesses, &row, &err);
    /* The version found, so that the labels are those of the same model. */
    struct model *model = evaluation ? models_get(server->models, name, row.version, NULL, &err) : NULL;
    if (!model)
        reply_problem(reply, &err);
    else
        evaluation_reply(reply, evaluation, &row, model->recipe, offset, n_guesses);
    model_unref(model);
    evaluation_free(evaluation);
}
