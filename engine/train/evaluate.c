/* Scores of a model on rows of a table. The sums run in row order: the same
 * whatever the pool. */
#include "mlp/evaluation.h"
#include "network/private.h"
#include "train/private.h"

#include <math.h>
#include <stdlib.h>

/* The true value in the user's units, or the class. */
static float label_of(const struct rows *rows, uint64_t i, bool classes)
{
    return classes ? (float)binding_class(rows->binding, rows->rows[i])
                   : binding_value(rows->binding, rows->rows[i]);
}

/* Guesses of the rows that have a usable target; what they came to is added
 * up. */
static void take_guesses(struct evaluation *e, const struct model *model, const struct scoring *s,
                         struct outcomes *outcomes)
{
    bool classes = e->n_classes > 0;
    for (uint64_t i = s->begin; i < s->end; i++) {
        const struct row_score *score = &s->scores[i - s->begin];
        float label = label_of(s->rows, i, classes), prediction = score->prediction;
        if (classes ? label < 0 : isnan(label))
            continue;
        if (classes)
            e->confusion[(size_t)label * e->n_classes + (uint32_t)prediction]++;
        else
            prediction = prediction * model->recipe->target_stddev + model->recipe->target_mean;
        e->guesses[e->n_rows++] = (struct guess){.row = s->rows->rows[i],
                                                 .label = label,
                                                 .guess = prediction,
                                                 .probability = classes ? score->probability : 1,
                                                 .loss = score->loss};
        outcomes_add(outcomes, score, 1);
    }
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
    e->confusion =
        calloc(n_classes == 0 ? 1 : n_classes, (n_classes == 0 ? 1 : n_classes) * sizeof *e->confusion);
    if (e->guesses != NULL && e->confusion != NULL)
        return e;
    evaluation_free(e);
    return NULL;
}

/* A window of rows after the other. */
static bool evaluate(struct evaluation *e, const struct model *model, struct scoring *s,
                     struct outcomes *outcomes, struct pool *pool, struct worker_scratch *scratch,
                     struct err *err)
{
    while (s->end < s->rows->n_rows) {
        scoring_window(s, s->end);
        if (!rows_check_all(s->rows, s->begin, s->end, pool, err))
            return false;
        scoring_run(s, pool, scratch);
        if (!stop_check(s->stop, err))
            return false;
        take_guesses(e, model, s, outcomes);
    }
    metrics_measure(outcomes, e->values);
    return rows_check_read(s->rows, err);
}

struct evaluation *model_evaluate(const struct model *model, const struct rows *rows, struct pool *pool,
                                  const atomic_bool *stop, struct err *err)
{
    bool classes = model->recipe->task == TASK_CLASSIFICATION;
    uint32_t n_workers = pool_n_threads(pool), n_classes = classes ? model->recipe->n_classes : 0;
    struct scoring scoring = {.network = model->network,
                              .objective = {.loss = model->loss, .classes = classes},
                              .rows = rows,
                              .sparse = rows_are_sparse(rows),
                              .stop = stop};
    struct outcomes outcomes = {0};
    struct evaluation *e = evaluation_new(rows->n_rows, n_classes);
    struct worker_scratch *scratch = scratch_new(n_workers, model->network, 0, err);
    scoring.scores = malloc((window_rows(rows->n_rows) + 1) * sizeof *scoring.scores);
    bool ok = (e != NULL && scratch != NULL && scoring.scores != NULL) || err_memory(err, "an evaluation");
    ok = ok && outcomes_init(&outcomes, n_classes, (double)model->recipe->target_stddev, rows->n_rows, err);
    if (!ok || !evaluate(e, model, &scoring, &outcomes, pool, scratch, err)) {
        evaluation_free(e);
        e = NULL;
    }
    outcomes_done(&outcomes);
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
