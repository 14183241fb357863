/* A trainer runs epochs on a pool; train_make.c makes it. Threads: one caller at a time; trainer_epoch and trainer_fraction
 * may be asked by any. */
#include "mlp/train.h"
#include "network_private.h"
#include "rng.h"
#include "train_private.h"

#include <math.h>
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

void rows_shuffle(uint32_t *rows, uint64_t n, uint64_t seed)
{
    for (uint64_t i = 0; i < n; i++)
        rows[i] = (uint32_t)i;
    uint32_t words[4];
    for (uint64_t i = n; i > 1; i--) {
        if ((n - i) % 4 == 0)
            rng_words(seed, rng_stream(RNG_SPLIT, 0), (n - i) / 4, words);
        uint64_t j = (uint64_t)words[(n - i) % 4] * i >> 32;
        uint32_t swapped = rows[i - 1];
        rows[i - 1] = rows[j];
        rows[j] = swapped;
    }
}

/* This epoch's order: depends on seed and epoch alone, so that an interrupted one can be had again. */
static void draw_order(struct trainer *t, uint32_t epoch)
{
    uint64_t n = t->train.n_rows;
    memcpy(t->order, t->train.rows, n * sizeof *t->order);
    t->ordered = epoch + 1;
    if (!t->options.shuffle)
        return;
    uint32_t words[4];
    for (uint64_t i = n; i > 1; i--) {
        if ((n - i) % 4 == 0)
            rng_words(t->options.seed, rng_stream(RNG_SHUFFLE, epoch), (n - i) / 4, words);
        uint64_t j = (uint64_t)words[(n - i) % 4] * i >> 32;
        uint32_t swapped = t->order[i - 1];
        t->order[i - 1] = t->order[j];
        t->order[j] = swapped;
    }
}

/* Mean loss and share of right guesses on the validation rows. */
static bool validate(struct trainer *t, struct epoch_metrics *metrics, struct err *err)
{
    uint64_t n = t->validation.n_rows;
    metrics->val_loss = metrics->val_accuracy = NAN;
    if (n == 0)
        return true;
    struct scoring scoring = {.network = t->network,
                              .objective = t->objective,
                              .rows = &t->validation,
                              .sparse = t->sparse && binding_has_bytes(t->validation.binding)};
    scoring.scores = malloc(n * sizeof *scoring.scores);
    if (scoring.scores == NULL)
        return err_memory(err, "the scores of the validation rows");
    scoring_run(&scoring, t->pool, t->scratch);
    double loss = 0;
    uint64_t n_correct = 0;
    for (uint64_t i = 0; i < n; i++) {
        loss += (double)scoring.scores[i].loss;
        n_correct += scoring.scores[i].guess == (float)row_target(t->validation.binding, t->validation.rows[i]).label;
    }
    free(scoring.scores);
    metrics->val_loss = loss / (double)n;
    if (t->recipe->task == TASK_CLASSIFICATION)
        metrics->val_accuracy = (double)n_correct / (double)n;
    return true;
}

/* The number that early stopping and plateaus look at, lower is better. */
static double monitored(const struct epoch_metrics *m, bool accuracy)
{
    if (accuracy)
        return -(isnan(m->val_accuracy) ? m->accuracy : m->val_accuracy);
    return isnan(m->val_loss) ? m->loss : m->val_loss;
}

/* Reduce the rate where the loss has not improved for a while. */
static void watch_plateau(struct trainer *t, const struct epoch_metrics *m)
{
    double now = monitored(m, false);
    if (m->epoch == 1 || now < t->monitored) {
        t->monitored = now;
        t->waited = 0;
    } else if (++t->waited >= t->options.schedule.patience) {
        t->reductions++;
        t->waited = 0;
    }
}

/* Keep the best weights, and finish when they have been the best for too long. */
static void watch_best(struct trainer *t, const struct epoch_metrics *m)
{
    const struct early_stopping *e = &t->options.early_stopping;
    double now = monitored(m, e->accuracy);
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

static bool finish_epoch(struct trainer *t, uint64_t started_ns, struct epoch_metrics *metrics, struct err *err)
{
    double loss = 0, n = (double)t->train.n_rows;
    for (uint64_t i = 0; i < t->train.n_rows; i++)
        loss += (double)t->row_loss[i];
    uint32_t epoch = atomic_load(&t->epoch) + 1;
    *metrics = (struct epoch_metrics){.epoch = epoch, .loss = loss / n, .accuracy = NAN};
    if (t->recipe->task == TASK_CLASSIFICATION)
        metrics->accuracy = (double)t->n_correct / n;
    if (!validate(t, metrics, err))
        return false;
    metrics->seconds = t->seconds + (double)(clock_ns() - started_ns) * 1e-9;
    t->seconds = 0;
    t->n_correct = 0;
    watch_plateau(t, metrics);
    if (t->best != NULL)
        watch_best(t, metrics);
    atomic_store(&t->epoch, epoch);
    atomic_store(&t->step, 0);
    return true;
}

static enum train_state fail_numeric(struct trainer *t, struct err *err)
{
    bool loss = atomic_load(&t->bad_loss);
    err_set(err, ERR_NUMERIC,
            "%s no longer finite in epoch %u, step %llu: the training diverged. Try a smaller learning_rate (now %g), or look for extreme "
            "values in the data",
            loss ? "the loss is" : "the weights are", atomic_load(&t->epoch) + 1, (unsigned long long)atomic_load(&t->step) + loss,
            (double)t->options.learning_rate);
    return TRAIN_FAILED;
}

enum train_state trainer_run(struct trainer *t, struct pool *pool, const atomic_bool *stop, uint64_t deadline_ns,
                             struct epoch_metrics *metrics, struct err *err)
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
        draw_order(t, atomic_load(&t->epoch));
    if (atomic_load(&t->step) < t->n_steps)
        steps_run(t);
    if (atomic_load(&t->bad_loss) || atomic_load(&t->bad_weights))
        return fail_numeric(t, err);
    if (atomic_load(&t->step) == t->n_steps)
        return finish_epoch(t, started_ns, metrics, err) ? TRAIN_EPOCH : TRAIN_FAILED;
    t->seconds += (double)(clock_ns() - started_ns) * 1e-9;
    return TRAIN_SLICE;
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
