/* Scores of a model on rows of a table. The sums run in row order: the same whatever the pool. */
#include "network_private.h"
#include "train_private.h"

#include <math.h>
#include <stdlib.h>

/* The true value in the user's units, or the class. */
static float label_of(const struct rows *rows, uint64_t i, bool classes)
{
    return classes ? (float)binding_class(rows->binding, rows->rows[i]) : binding_value(rows->binding, rows->rows[i]);
}

/* Guesses of the rows that have a usable target; their scores move to the front. */
static void fill_guesses(struct evaluation *e, const struct model *model, const struct scoring *s, bool classes)
{
    for (uint64_t i = 0; i < s->rows->n_rows; i++) {
        const struct row_score *score = &s->scores[i];
        float label = label_of(s->rows, i, classes), guess = score->guess;
        if (classes ? label < 0 : isnan(label))
            continue;
        if (!classes)
            guess = guess * model->recipe->target_stddev + model->recipe->target_mean;
        e->guesses[e->n_rows] = (struct guess){
            .row = s->rows->rows[i], .label = label, .guess = guess, .probability = classes ? score->probability : 1, .loss = score->loss};
        s->scores[e->n_rows++] = *score;
    }
}

static void count_confusion(struct evaluation *e)
{
    for (uint64_t i = 0; i < e->n_rows; i++)
        e->confusion[(size_t)e->guesses[i].label * e->n_classes + (uint32_t)e->guesses[i].guess]++;
}

static bool measure(struct evaluation *e, const struct model *model, const struct row_score *scores, struct err *err)
{
    struct scored scored = {
        .rows = scores, .n = e->n_rows, .n_classes = e->n_classes, .unit = (double)model->recipe->target_stddev, .scratch = NULL};
    if (e->n_classes == 2 && (scored.scratch = malloc(2 * e->n_rows * sizeof *scored.scratch)) == NULL)
        return err_memory(err, "the metrics");
    metrics_measure(&scored, e->values);
    free(scored.scratch);
    return true;
}

static struct evaluation *evaluation_new(uint64_t n_rows, uint32_t n_classes)
{
    struct evaluation *e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    e->n_classes = n_classes;
    for (int i = 0; i < N_METRICS; i++)
        e->values[i] = NAN;
    e->guesses = calloc(n_rows == 0 ? 1 : n_rows, sizeof *e->guesses);
    e->confusion = calloc(n_classes == 0 ? 1 : n_classes, (n_classes == 0 ? 1 : n_classes) * sizeof *e->confusion);
    if (e->guesses != NULL && e->confusion != NULL)
        return e;
    evaluation_free(e);
    return NULL;
}

struct evaluation *model_evaluate(const struct model *model, const struct rows *rows, struct pool *pool, struct err *err)
{
    bool classes = model->recipe->task == TASK_CLASSIFICATION;
    uint32_t n_workers = pool_n_threads(pool);
    struct scoring scoring = {
        .network = model->network, .objective = {.loss = model->loss, .classes = classes}, .rows = rows, .sparse = rows_are_sparse(rows)};
    struct evaluation *e = evaluation_new(rows->n_rows, classes ? model->recipe->n_classes : 0);
    struct worker_scratch *scratch = scratch_new(n_workers, model->network, 0, err);
    scoring.scores = malloc((rows->n_rows + 1) * sizeof *scoring.scores);
    bool ok = (e != NULL && scratch != NULL && scoring.scores != NULL) || err_memory(err, "an evaluation");
    if (ok) {
        scoring_run(&scoring, pool, scratch);
        fill_guesses(e, model, &scoring, classes);
        if (classes)
            count_confusion(e);
        ok = e->n_rows == 0 || measure(e, model, scoring.scores, err);
    }
    if (!ok) {
        evaluation_free(e);
        e = NULL;
    }
    scratch_free(scratch, n_workers);
    free(scoring.scores);
    return e;
}

void evaluation_free(struct evaluation *e)
{
    if (e == NULL)
        return;
    free(e->guesses);
    free(e->confusion);
    free(e->importance);
    free(e);
}
