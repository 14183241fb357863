/* A trainer runs epochs on a pool; train/make.c makes it. Threads: one caller
 * at a time; trainer_epoch and trainer_fraction may be asked by any. */
#include "mlp/train.h"
#include "base/rng.h"
#include "network/private.h"
#include "train/private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct train_options train_options_default(void)
{
    return (struct train_options){.loss = LOSS_AUTO,
                                  .optimizer = OPTIMIZER_ADAM,
                                  .init = INITIALIZER_HE_NORMAL,
                                  .stddev = 0.1f,
                                  .batch_size = 32,
                                  .epochs = 10,
                                  .seed = 1,
                                  .shuffle = true};
}

/* Run steps until the epoch's end, `stop`, the deadline or a number that is not
 * finite. False: rows are damaged. */
static bool steps_take(struct trainer *t, struct err *err)
{
    bool checked = true; /* and nothing else ended the run */
    while (checked && atomic_load(&t->step) < t->n_steps) {
        enum rows_check_state state = order_check(t, err);
        if (state != ROWS_GOOD)
            return state == ROWS_UNCHECKED;
        steps_run(t);
        checked = atomic_load(&t->step) == t->checked_steps && t->chunk == 0 && !atomic_load(&t->bad_weights);
    }
    return true;
}

/* Score the validation rows, a window at a time, until `stop` or the deadline;
 * the next call goes on. False: rows are damaged. */
static bool score_validation(struct trainer *t, struct err *err)
{
    struct scoring scoring = {.network = t->network,
                              .objective = t->objective,
                              .rows = &t->validation,
                              .sparse = t->sparse && binding_has_bytes(t->validation.binding),
                              .scores = t->validation_scores,
                              .stop = t->stop,
                              .deadline_ns = t->deadline_ns,
                              .n_done = t->n_validated};
    while (scoring.n_done < t->validation.n_rows) {
        scoring_window(&scoring, t->validation_outcomes.sums.n);
        if (!rows_check_all(&t->validation, scoring.begin, scoring.end, t->pool, err))
            return false;
        scoring_run(&scoring, t->pool, t->scratch);
        t->n_validated = scoring.n_done;
        if (scoring.n_done < scoring.end)
            return true;
        outcomes_add(&t->validation_outcomes, t->validation_scores, scoring.end - scoring.begin);
    }
    return true;
}

double epoch_monitored(const struct epoch_metrics *m, enum metric metric, bool of_train)
{
    double value = of_train || isnan(m->validation[metric]) ? m->train[metric] : m->validation[metric];
    if (isnan(value)) /* not defined on these rows: no epoch is better than another */
        return INFINITY;
    return metric_more_is_better(metric) ? -value : value;
}

/* Reduce the rate where the loss has not improved for a while. */
static void watch_plateau(struct trainer *t, const struct epoch_metrics *m)
{
    double now = epoch_monitored(m, METRIC_LOSS, false);
    if (m->epoch == 1 || now < t->monitored) {
        t->monitored = now;
        t->waited = 0;
    } else if (++t->waited >= t->options.schedule.patience) {
        t->reductions++;
        t->waited = 0;
    }
}

/* Keep the best weights, and finish when they have been the best for too
 * long. */
static void watch_best(struct trainer *t, const struct epoch_metrics *m)
{
    const struct early_stopping *e = &t->options.early_stopping;
    double now = epoch_monitored(m, e->monitor, e->of_train);
    size_t bytes = t->network->n_floats * sizeof(float);
    if (m->epoch == 1 || now < t->best_score - (double)e->min_delta) {
        t->best_score = now;
        t->best_epoch = m->epoch;
        memcpy(t->best, t->network->params, bytes);
    }
    t->finished = m->epoch - t->best_epoch >= e->patience;
    if (e->restore_best && (t->finished || m->epoch == t->options.epochs))
        memcpy(t->network->params, t->best, bytes);
}

static void watch_history(struct trainer *t, const struct epoch_metrics *m)
{
    struct loss_history *c = &t->history;
    if (m->epoch == 1)
        c->first = m->train[METRIC_LOSS];
    c->last = m->validation[METRIC_LOSS];
    if (t->validation.n_rows > 0 && (c->lowest_epoch == 0 || c->last < c->lowest)) {
        c->lowest = c->last;
        c->lowest_epoch = m->epoch;
    }
}

#define DIVERGED 100 /* times the first epoch's loss, and at least so much */

/* Whether the loss has risen out of all proportion, finite as it still is. */
static bool diverged(const struct trainer *t, double loss)
{
    return loss > DIVERGED && loss > DIVERGED * t->history.first && t->history.first >= 0;
}

/* What is likely to help. */
static void advise(const struct trainer *t, char text[static 200])
{
    const struct train_options *o = &t->options;
    bool clips = o->clipnorm > 0 || o->global_clipnorm > 0 || o->clipvalue > 0;
    snprintf(text, 200, "Try \"learning_rate\":%.3g (now %g)%s, and look for extreme values in the data",
             (double)o->learning_rate / 10, (double)o->learning_rate, clips ? "" : " or \"clipnorm\":1");
}

static void finish_epoch(struct trainer *t, uint64_t started_ns, struct epoch_metrics *metrics)
{
    uint32_t epoch = atomic_load(&t->epoch) + 1;
    *metrics = (struct epoch_metrics){.epoch = epoch};
    metrics->learning_rate = schedule_rate(&t->options, epoch * t->n_steps - 1, t->n_steps, t->reductions);
    outcomes_add(&t->outcomes, t->scores, t->train.n_rows - t->outcomes.sums.n);
    metrics_measure(&t->outcomes, metrics->train);
    metrics_measure(&t->validation_outcomes, metrics->validation);
    outcomes_clear(&t->outcomes);
    outcomes_clear(&t->validation_outcomes);
    metrics->seconds = t->seconds + (double)(clock_ns() - started_ns) * 1e-9;
    t->seconds = 0;
    t->n_validated = 0;
    watch_history(t, metrics);
    watch_plateau(t, metrics);
    if (t->best != NULL)
        watch_best(t, metrics);
    atomic_store(&t->epoch, epoch);
    atomic_store(&t->step, 0);
}

static enum train_state fail_numeric(struct trainer *t, struct err *err)
{
    bool loss = atomic_load(&t->bad_loss);
    char advice[200];
    advise(t, advice);
    err_set(err, ERR_NUMERIC, "%s no longer finite in epoch %u, step %llu: the training diverged. %s",
            loss ? "the loss is" : "the weights are", atomic_load(&t->epoch) + 1,
            (unsigned long long)atomic_load(&t->step) + loss, advice);
    return TRAIN_FAILED;
}

static enum train_state fail_diverged(const struct trainer *t, const struct epoch_metrics *m, struct err *err)
{
    char advice[200];
    advise(t, advice);
    err_set(
        err, ERR_NUMERIC,
        "the loss has risen from %.4g in epoch 1 to %.4g in epoch %u, step %llu: the training diverged. %s",
        t->history.first, m->train[METRIC_LOSS], m->epoch, (unsigned long long)t->n_steps, advice);
    return TRAIN_FAILED;
}

enum train_state trainer_run(struct trainer *t, struct pool *pool, const atomic_bool *stop,
                             uint64_t deadline_ns, struct epoch_metrics *metrics, struct err *err)
{
    if (atomic_load(&t->epoch) == t->options.epochs || t->finished)
        return TRAIN_DONE;
    if (atomic_load(&t->bad_loss) || atomic_load(&t->bad_weights))
        return fail_numeric(t, err);
    uint64_t started_ns = clock_ns();
    if (!trainer_scratch(t, pool_n_threads(pool), err))
        return TRAIN_FAILED;
    t->pool = pool;
    t->stop = stop;
    t->deadline_ns = deadline_ns;
    if (t->ordered != atomic_load(&t->epoch) + 1)
        order_draw(t, atomic_load(&t->epoch));
    if (!steps_take(t, err) || !rows_check_read(&t->train, err))
        return TRAIN_FAILED;
    if (atomic_load(&t->bad_loss) || atomic_load(&t->bad_weights))
        return fail_numeric(t, err);
    if (atomic_load(&t->step) == t->n_steps &&
        !(score_validation(t, err) && rows_check_read(&t->validation, err)))
        return TRAIN_FAILED;
    if (atomic_load(&t->step) == t->n_steps && t->n_validated == t->validation.n_rows) {
        finish_epoch(t, started_ns, metrics);
        return diverged(t, metrics->train[METRIC_LOSS]) ? fail_diverged(t, metrics, err) : TRAIN_EPOCH;
    }
    t->seconds += (double)(clock_ns() - started_ns) * 1e-9;
    return TRAIN_SLICE;
}

bool trainer_can_save(const struct trainer *t)
{
    return t->phase == PHASE_ROWS || t->phase == N_PHASES;
}

uint32_t trainer_epoch(const struct trainer *t)
{
    return atomic_load(&t->epoch);
}

double trainer_fraction(const struct trainer *t)
{
    double steps = (double)atomic_load(&t->epoch) * (double)t->n_steps + (double)atomic_load(&t->step);
    return steps / ((double)t->options.epochs * (double)t->n_steps);
}

uint32_t trainer_best_epoch(const struct trainer *t)
{
    return t->best_epoch;
}

const struct network *trainer_network(const struct trainer *t)
{
    return t->network;
}

struct model *trainer_model(const struct trainer *t, struct err *err)
{
    struct recipe *recipe = recipe_copy(t->recipe, err);
    struct network *network = recipe == NULL ? NULL : network_copy(t->network, err);
    struct model *model = network == NULL ? NULL : model_new(recipe, network, t->options.loss, err);
    if (model == NULL) {
        recipe_free(recipe);
        network_free(network);
    }
    return model;
}
