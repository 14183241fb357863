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

/* Guesses of the rows that have a usable target. */
static void fill_guesses(struct evaluation *e, const struct model *model, const struct scoring *s, bool classes)
{
    for (uint64_t i = 0; i < s->rows->n_rows; i++) {
        float label = label_of(s->rows, i, classes), guess = s->scores[i].guess;
        if (classes ? label < 0 : isnan(label))
            continue;
        if (!classes)
            guess = guess * model->recipe->target_stddev + model->recipe->target_mean;
        e->guesses[e->n_rows++] =
            (struct guess){.row = s->rows->rows[i], .label = label, .guess = guess, .probability = classes ? s->scores[i].probability : 1};
        e->loss += (double)s->scores[i].loss;
    }
}

static void score_classes(struct evaluation *e)
{
    uint64_t n_correct = 0;
    for (uint64_t i = 0; i < e->n_rows; i++) {
        uint32_t label = (uint32_t)e->guesses[i].label, guess = (uint32_t)e->guesses[i].guess;
        e->confusion[(size_t)label * e->n_classes + guess]++;
        n_correct += label == guess;
    }
    e->accuracy = (double)n_correct / (double)e->n_rows;
}

static void score_values(struct evaluation *e)
{
    double mean = 0, n = (double)e->n_rows, squares = 0, absolutes = 0, spread = 0;
    for (uint64_t i = 0; i < e->n_rows; i++)
        mean += (double)e->guesses[i].label / n;
    for (uint64_t i = 0; i < e->n_rows; i++) {
        double d = (double)e->guesses[i].guess - (double)e->guesses[i].label, s = (double)e->guesses[i].label - mean;
        squares += d * d;
        absolutes += fabs(d);
        spread += s * s;
    }
    e->rmse = sqrt(squares / n);
    e->mae = absolutes / n;
    e->r2 = spread > 0 ? 1 - squares / spread : NAN;
}

static struct evaluation *evaluation_new(uint64_t n_rows, uint32_t n_classes)
{
    struct evaluation *e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    *e = (struct evaluation){.n_classes = n_classes, .accuracy = NAN, .rmse = NAN, .mae = NAN, .r2 = NAN};
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
    if (e == NULL || scratch == NULL || scoring.scores == NULL) {
        err_memory(err, "an evaluation");
        evaluation_free(e);
        e = NULL;
        goto out;
    }
    scoring_run(&scoring, pool, scratch);
    fill_guesses(e, model, &scoring, classes);
    e->loss = e->n_rows == 0 ? NAN : e->loss / (double)e->n_rows;
    if (classes && e->n_rows > 0)
        score_classes(e);
    else if (e->n_rows > 0)
        score_values(e);
out:
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
    free(e);
}
