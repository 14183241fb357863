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
    bool only_checked = true; /* the last run ended where the checked rows do, and for nothing else */
    while (only_checked && atomic_load(&t->state.step) < t->config.n_steps) {
        enum rows_check_state rows = order_check(t, err);
        if (rows != ROWS_GOOD)
            return rows == ROWS_UNCHECKED;
        steps_run(t);
        only_checked = atomic_load(&t->state.step) == t->work.order.checked_steps && t->state.chunk == 0 &&
                       !atomic_load(&t->run.bad_weights);
    }
    return true;
}

/* Score the validation rows, a window at a time, until `stop` or the deadline;
 * the next call goes on. False: rows are damaged. */
static bool score_validation(struct trainer *t, struct err *err)
{
    const struct trainer_config *config = &t->config;
    struct trainer_workspace *work = &t->work;
    const struct trainer_run *run = &t->run;
    struct scoring scoring = {.network = t->state.network,
                              .objective = config->objective,
                              .rows = &config->validation,
                              .sparse = config->sparse && binding_has_bytes(config->validation.binding),
                              .scores = work->validation_scores,
                              .stop = run->stop,
                              .deadline_ns = run->deadline_ns,
                              .n_done = work->n_validated};
    while (scoring.n_done < config->validation.n_rows) {
        scoring_window(&scoring, work->validation_outcomes.sums.n);
        if (!rows_check_all(&config->validation, scoring.begin, scoring.end, run->pool, err))
            return false;
        scoring_run(&scoring, run->pool, run->scratch);
        work->n_validated = scoring.n_done;
        if (scoring.n_done < scoring.end)
            return true;
        outcomes_add(&work->validation_outcomes, work->validation_scores, scoring.end - scoring.begin);
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
static void watch_plateau(const struct trainer_config *config, struct trainer_state *state,
                          const struct epoch_metrics *m)
{
    double now = epoch_monitored(m, METRIC_LOSS, false);
    if (m->epoch == 1 || now < state->monitored) {
        state->monitored = now;
        state->waited = 0;
    } else if (++state->waited >= config->options.schedule.patience) {
        state->reductions++;
        state->waited = 0;
    }
}

/* Keep the best weights, and finish when they have been the best for too
 * long. */
static void watch_best(const struct trainer_config *config, struct trainer_state *state,
                       const struct epoch_metrics *m)
{
    const struct early_stopping *e = &config->options.early_stopping;
    double now = epoch_monitored(m, e->monitor, e->of_train);
    size_t bytes = state->network->n_floats * sizeof(float);
    if (m->epoch == 1 || now < state->best_score - (double)e->min_delta) {
        state->best_score = now;
        state->best_epoch = m->epoch;
        memcpy(state->best, state->network->params, bytes);
    }
    state->finished = m->epoch - state->best_epoch >= e->patience;
    if (e->restore_best && (state->finished || m->epoch == config->options.epochs))
        memcpy(state->network->params, state->best, bytes);
}

static void watch_history(const struct trainer_config *config, struct trainer_state *state,
                          const struct epoch_metrics *m)
{
    struct loss_history *c = &state->history;
    if (m->epoch == 1)
        c->first = m->train[METRIC_LOSS];
    c->last = m->validation[METRIC_LOSS];
    if (config->validation.n_rows > 0 && (c->lowest_epoch == 0 || c->last < c->lowest)) {
        c->lowest = c->last;
        c->lowest_epoch = m->epoch;
    }
}

#define DIVERGED 100 /* times the first epoch's loss, and at least so much */

/* Whether the loss has risen out of all proportion, finite as it still is. */
static bool diverged(const struct trainer_state *state, double loss)
{
    return loss > DIVERGED && loss > DIVERGED * state->history.first && state->history.first >= 0;
}

/* What is likely to help. */
static void advise(const struct train_options *o, char text[static 200])
{
    bool clips = o->clipnorm > 0 || o->global_clipnorm > 0 || o->clipvalue > 0;
    snprintf(text, 200, "Try \"learning_rate\":%.3g (now %g)%s, and look for extreme values in the data",
             (double)o->learning_rate / 10, (double)o->learning_rate, clips ? "" : " or \"clipnorm\":1");
}

static void finish_epoch(struct trainer *t, uint64_t started_ns, struct epoch_metrics *metrics)
{
    const struct trainer_config *config = &t->config;
    struct trainer_state *state = &t->state;
    struct trainer_workspace *work = &t->work;
    uint32_t epoch = atomic_load(&state->epoch) + 1;
    *metrics = (struct epoch_metrics){.epoch = epoch};
    metrics->learning_rate =
        schedule_rate(&config->options, epoch * config->n_steps - 1, config->n_steps, state->reductions);
    outcomes_add(&state->outcomes, state->scores, config->train.n_rows - state->outcomes.sums.n);
    metrics_measure(&state->outcomes, metrics->train);
    metrics_measure(&work->validation_outcomes, metrics->validation);
    outcomes_clear(&state->outcomes);
    outcomes_clear(&work->validation_outcomes);
    metrics->seconds = state->seconds + (double)(clock_ns() - started_ns) * 1e-9;
    state->seconds = 0;
    work->n_validated = 0;
    watch_history(config, state, metrics);
    watch_plateau(config, state, metrics);
    if (state->best != NULL)
        watch_best(config, state, metrics);
    atomic_store(&state->epoch, epoch);
    atomic_store(&state->step, 0);
}

static enum train_state fail_numeric(struct trainer *t, struct err *err)
{
    const struct trainer_state *state = &t->state;
    bool loss = atomic_load(&t->run.bad_loss);
    /* A step with a bad loss does not count as done; one with bad weights does. */
    uint64_t step = atomic_load(&state->step);
    if (loss)
        step++;
    char advice[200];
    advise(&t->config.options, advice);
    err_set(err, ERR_NUMERIC, "%s no longer finite in epoch %u, step %llu: the training diverged. %s",
            loss ? "the loss is" : "the weights are", atomic_load(&state->epoch) + 1,
            (unsigned long long)step, advice);
    return TRAIN_FAILED;
}

static enum train_state fail_diverged(const struct trainer *t, const struct epoch_metrics *m, struct err *err)
{
    char advice[200];
    advise(&t->config.options, advice);
    err_set(
        err, ERR_NUMERIC,
        "the loss has risen from %.4g in epoch 1 to %.4g in epoch %u, step %llu: the training diverged. %s",
        t->state.history.first, m->train[METRIC_LOSS], m->epoch, (unsigned long long)t->config.n_steps,
        advice);
    return TRAIN_FAILED;
}

enum train_state trainer_run(struct trainer *t, struct pool *pool, const atomic_bool *stop,
                             uint64_t deadline_ns, struct epoch_metrics *metrics, struct err *err)
{
    const struct trainer_config *config = &t->config;
    struct trainer_state *state = &t->state;
    struct trainer_workspace *work = &t->work;
    struct trainer_run *run = &t->run;
    if (atomic_load(&state->epoch) == config->options.epochs || state->finished)
        return TRAIN_DONE;
    if (atomic_load(&run->bad_loss) || atomic_load(&run->bad_weights))
        return fail_numeric(t, err);
    uint64_t started_ns = clock_ns();
    if (!trainer_run_init(t, pool_n_threads(pool), err))
        return TRAIN_FAILED;
    run->pool = pool;
    run->stop = stop;
    run->deadline_ns = deadline_ns;
    if (work->order.epoch != atomic_load(&state->epoch) + 1)
        order_draw(&work->order, config, atomic_load(&state->epoch));
    if (!steps_take(t, err) || !rows_check_read(&config->train, err))
        return TRAIN_FAILED;
    if (atomic_load(&run->bad_loss) || atomic_load(&run->bad_weights))
        return fail_numeric(t, err);
    if (atomic_load(&state->step) == config->n_steps &&
        !(score_validation(t, err) && rows_check_read(&config->validation, err)))
        return TRAIN_FAILED;
    if (atomic_load(&state->step) == config->n_steps && work->n_validated == config->validation.n_rows) {
        finish_epoch(t, started_ns, metrics);
        return diverged(state, metrics->train[METRIC_LOSS]) ? fail_diverged(t, metrics, err) : TRAIN_EPOCH;
    }
    state->seconds += (double)(clock_ns() - started_ns) * 1e-9;
    return TRAIN_SLICE;
}

bool trainer_can_save(const struct trainer *t)
{
    const struct trainer_run *run = &t->run;
    return run->phase == PHASE_ROWS || run->phase == N_PHASES;
}

uint32_t trainer_epoch(const struct trainer *t)
{
    return atomic_load(&t->state.epoch);
}

double trainer_fraction(const struct trainer *t)
{
    const struct trainer_config *config = &t->config;
    const struct trainer_state *state = &t->state;
    double steps =
        (double)atomic_load(&state->epoch) * (double)config->n_steps + (double)atomic_load(&state->step);
    return steps / ((double)config->options.epochs * (double)config->n_steps);
}

uint32_t trainer_best_epoch(const struct trainer *t)
{
    return t->state.best_epoch;
}

const struct network *trainer_network(const struct trainer *t)
{
    return t->state.network;
}

struct model *trainer_model(const struct trainer *t, struct err *err)
{
    const struct trainer_config *config = &t->config;
    struct recipe *recipe = recipe_copy(config->recipe, err);
    struct network *network = recipe == NULL ? NULL : network_copy(t->state.network, err);
    struct model *model = network == NULL ? NULL : model_new(recipe, network, config->options.loss, err);
    if (model == NULL) {
        recipe_free(recipe);
        network_free(network);
    }
    return model;
}
