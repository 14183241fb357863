/* GET /models/{m}/evaluation: how well a model does on rows that it was not
 * trained on. */
#include "api/routes.h"
#include "http/pieces.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_DEFAULT 100
#define SAMPLES_MAX 100000
#define BYTES_MAX (16u << 20) /* of samples in one reply: it ends after the one that reaches them */
#define PIECE_BYTES 16384
#define MATRIX_CLASSES_MAX 1000 /* a larger confusion matrix is left out */

/* An evaluation on its way out, with the rows that are asked for, and how many
 * there are of their kind. */
struct answer {
    struct server *server;
    struct model *model; /* owned reference */
    struct model_row row;
    struct evaluation_page page;
    uint64_t n_guesses, n_matching;
    struct evaluation *evaluation; /* owned */
    size_t part;                   /* what is written next: of parts */
    bool begun;                    /* that part is */
    uint64_t at;                   /* its next item */
    uint64_t n_bytes;              /* of the samples that are written */
};

static bool classifies(const struct answer *answer)
{
    return answer->model->recipe->task == TASK_CLASSIFICATION;
}

static double ratio(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : NAN;
}

/* precision and recall are null where nothing was guessed or nothing was there;
 * f1 = 2 hits / (support + guessed). */
static void class_write(struct writer *writer, const struct evaluation *evaluation, uint32_t class,
                        const char *label)
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

/* --- the reply, part by part --- */

static void head_write(const struct answer *answer, struct writer *writer)
{
    const struct evaluation *evaluation = answer->evaluation;
    const struct model_row *row = &answer->row;
    writer_open(writer, '{');
    writer_put_string(writer, "model", row->name);
    writer_put_uint(writer, "version", row->version);
    writer_put_string(writer, "on", rows_kind_name(row->evaluated_on));
    writer_put_string(writer, "dataset", *row->dataset ? row->dataset : NULL);
    writer_put_uint(writer, "rows", evaluation->n_rows);
    for (int i = 0; i < N_METRICS; i++)
        if (metric_applies((enum metric)i, evaluation->n_classes))
            writer_put_double(writer, metric_name((enum metric)i), evaluation->values[i]);
    if (!classifies(answer))
        return;
    writer_key(writer, "confusion");
    writer_open(writer, '{');
}

static uint64_t classes_count(const struct answer *answer)
{
    return classifies(answer) ? answer->evaluation->n_classes : 0;
}

static void label_put(struct answer *answer, struct writer *writer, uint64_t i)
{
    writer_string(writer, answer->model->recipe->classes[i]);
}

static uint64_t matrix_count(const struct answer *answer)
{
    uint64_t n = classes_count(answer);
    return n <= MATRIX_CLASSES_MAX ? n : 0;
}

static void matrix_put(struct answer *answer, struct writer *writer, uint64_t i)
{
    const struct evaluation *evaluation = answer->evaluation;
    writer_open(writer, '[');
    for (uint32_t j = 0; j < evaluation->n_classes; j++)
        writer_uint(writer, evaluation->confusion[i * evaluation->n_classes + j]);
    writer_close(writer, ']');
}

static void class_put(struct answer *answer, struct writer *writer, uint64_t i)
{
    class_write(writer, answer->evaluation, (uint32_t)i, answer->model->recipe->classes[i]);
}

static uint64_t importance_count(const struct answer *answer)
{
    return answer->evaluation->n_importance;
}

static void importance_put(struct answer *answer, struct writer *writer, uint64_t i)
{
    const struct importance *importance = &answer->evaluation->importance[i];
    const struct recipe *recipe = answer->model->recipe;
    if (importance->column >= recipe->n_columns)
        return; /* not of this model: an imported file under an old number */
    writer_open(writer, '{');
    writer_put_string(writer, "column", recipe->columns[importance->column].name);
    writer_put_double(writer, "drop", importance->drop);
    writer_close(writer, '}');
}

static uint64_t samples_count(const struct answer *answer)
{
    return answer->n_guesses;
}

/* The page ends early where its samples have become long. */
static void sample_put(struct answer *answer, struct writer *writer, uint64_t i)
{
    size_t before = writer->n;
    guess_write(writer, &answer->evaluation->guesses[i], answer->model->recipe);
    answer->n_bytes += writer->n - before;
    if (answer->n_bytes >= BYTES_MAX)
        answer->n_guesses = i + 1;
}

/* The reply's arrays, in their order. */
static const struct part {
    const char *name;
    bool of_classes; /* left out where there are none */
    uint64_t (*count)(const struct answer *answer);
    void (*put)(struct answer *answer, struct writer *writer, uint64_t i);
} parts[] = {
    {"labels", true, classes_count, label_put},    {"matrix", true, matrix_count, matrix_put},
    {"classes", true, classes_count, class_put},   {"importance", false, importance_count, importance_put},
    {"samples", false, samples_count, sample_put},
};
enum { PART_MATRIX = 1, N_PARTS = sizeof parts / sizeof *parts, PART_SAMPLES = N_PARTS - 1 };

static void part_begin(struct answer *answer, struct writer *writer)
{
    if (answer->part == 0)
        head_write(answer, writer);
    answer->begun = true;
    if (parts[answer->part].of_classes && !classifies(answer))
        return;
    if (answer->part == PART_SAMPLES) {
        fallback_write(writer, answer->server, &answer->row);
        writer_put_uint(writer, "offset", answer->page.offset);
        writer_put_uint(writer, "matching", answer->n_matching);
    }
    writer_key(writer, parts[answer->part].name);
    writer_open(writer, '[');
}

static void part_end(struct answer *answer, struct writer *writer)
{
    uint64_t next = answer->page.offset + answer->n_guesses;
    if (!parts[answer->part].of_classes || classifies(answer))
        writer_close(writer, ']');
    if (answer->part == PART_MATRIX && classifies(answer))
        writer_close(writer, '}');
    if (answer->part == PART_SAMPLES) {
        writer_key(writer, "next");
        if (next < answer->n_matching)
            writer_uint(writer, next);
        else
            writer_null(writer);
        writer_close(writer, '}');
    }
    answer->begun = false;
    answer->at = 0;
    answer->part++;
}

static enum piece answer_write(void *self, struct writer *writer, struct err *err)
{
    struct answer *answer = self;
    const struct part *part = &parts[answer->part];
    size_t before = writer->n;
    (void)err;
    if (!answer->begun)
        part_begin(answer, writer);
    while (answer->at < part->count(answer) && writer->n - before < PIECE_BYTES && !writer->failed)
        part->put(answer, writer, answer->at++);
    if (answer->at >= part->count(answer))
        part_end(answer, writer);
    return answer->part < N_PARTS ? PIECE_MORE : PIECE_LAST;
}

static void answer_free(void *self)
{
    struct answer *answer = self;
    model_unref(answer->model);
    evaluation_free(answer->evaluation);
    free(answer);
}

/* --- what is asked for --- */

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
static bool query_class(const struct request *request, const char *name, const struct recipe *recipe,
                        int64_t *class, struct err *err)
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
           err_set(err, ERR_NOT_FOUND,
                   "%s is still being trained by job %" PRId64 ": it is evaluated when that ends", row->name,
                   row->job);
}

/* The evaluation of the version that answers, so that labels and guesses are of
 * one model. False: *err. */
static bool evaluation_find(struct request *request, struct answer *answer, uint32_t version, struct err *err)
{
    struct models *models = answer->server->models;
    struct evaluation_page *page = &answer->page;
    struct model_row row = {0};
    model_unref(answer->model);
    answer->model = models_get(models, request_param(request, 0), version, &answer->row, err);
    const struct recipe *recipe = answer->model ? answer->model->recipe : NULL;
    if (!recipe || !query_sort(request, &page->worst, err) ||
        !query_class(request, "label", recipe, &page->label, err) ||
        !query_class(request, "guess", recipe, &page->guess, err) || !version_check(&answer->row, err))
        return false;
    answer->evaluation = models_evaluation(models, answer->row.name, answer->row.version, page,
                                           &answer->n_guesses, &answer->n_matching, &row, err);
    if (answer->evaluation)
        memcpy(answer->row.dataset, row.dataset, sizeof row.dataset); /* whose name may have changed since */
    return answer->evaluation != NULL;
}

static bool answer_find(struct request *request, struct answer *answer, uint32_t version, struct err *err)
{
    bool found;
    do
        found = evaluation_find(request, answer, version, err);
    while (!found && err->code == ERR_NOT_FOUND && answer->model && answer->row.state != MODEL_TRAINING &&
           models_moved(answer->server->models, &answer->row));
    return found;
}

void models_get_evaluation(struct request *request, struct reply *reply)
{
    struct claim *claim = request_claim(request);
    struct answer *answer = calloc(1, sizeof *answer);
    struct err err = {0};
    uint64_t version;
    if (!answer) {
        err_memory(&err, "the evaluation");
        reply_problem(reply, &err);
        return;
    }
    answer->server = request_app(request);
    answer->page.claim = claim;
    answer->page.stop = request_stop(request);
    if (query_number(request, "version", 0, UINT32_MAX, &version, reply) &&
        query_number(request, "offset", 0, INT64_MAX, &answer->page.offset, reply) &&
        query_number(request, "limit", SAMPLES_DEFAULT, SAMPLES_MAX, &answer->page.limit, reply)) {
        uint64_t before = claim->bytes;
        if (answer_find(request, answer, (uint32_t)version, &err)) {
            const struct pieces pieces = {
                .write = answer_write, .free = answer_free, .self = answer, .bytes = claim->bytes - before};
            pieces_reply(request, reply, "application/json", &pieces);
            return;
        }
        reply_problem(reply, &err);
    }
    answer_free(answer);
}
