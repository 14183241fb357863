/* An ensemble: folds drawn, epochs run member by member, the best epoch kept.
 * ensemble_merge.c makes one network of it, ensemble_state.c saves it. */
#include "base/rng.h"
#include "train/ensemble_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FOLD_ROWS_MIN 2 /* fewer validate nothing */

/* ---- making one ---- */

static bool members_wrong(struct err *err, const char *why)
{
    err_set(err, ERR_INPUT, "members: %s", why);
    return err_field(err, "members");
}

static bool members_check(const struct train_options *o, const struct rows *train, struct err *err)
{
    if (o->members > ENSEMBLE_MEMBERS_MAX)
        return members_wrong(err, "at most 16 are possible");
    if (o->members > 1 && train->n_rows < (uint64_t)o->members * FOLD_ROWS_MIN)
        return members_wrong(err, "each leaves out a part of the rows, and there are too few rows for that");
    for (uint32_t l = 0; o->members > 1 && l + 1 < o->n_layers; l++)
        if (o->layers[l].units > NETWORK_UNITS_MAX / o->members)
            return members_wrong(err, "side by side their layers are too wide");
    return true;
}

/* The rows in an order in which every n-th makes a fold with its share of each
 * class: by class, drawn within. */
static bool rows_order(const struct rows *train, uint32_t n_classes, uint64_t seed, uint32_t *order,
                       struct err *err)
{
    uint64_t n = train->n_rows;
    uint64_t *begins = calloc((size_t)n_classes + 2, sizeof *begins);
    uint32_t *drawn = malloc((size_t)n * sizeof *drawn);
    bool ok = begins != NULL && drawn != NULL;

    if (ok)
        rows_shuffle(drawn, n, seed);
    for (uint64_t i = 0; ok && n_classes > 0 && i < n; i++)
        begins[binding_class(train->binding, train->rows[i]) + 1]++;
    for (uint32_t c = 0; ok && c < n_classes; c++)
        begins[c + 1] += begins[c];
    for (uint64_t i = 0; ok && i < n; i++) {
        uint32_t row = train->rows[drawn[i]];
        order[begins[n_classes > 0 ? binding_class(train->binding, row) : 0]++] = row;
    }
    free(begins);
    free(drawn);
    return ok || err_memory(err, "the folds of the rows");
}

static int row_compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The training rows, and an order of them in which every n-th makes a fold. */
struct folds {
    const struct rows *train;
    uint32_t *order; /* (train->n_rows) */
};

/* Member m's rows, each part in the table's order: those it learns from, then
 * its fold. */
static bool member_rows(struct ensemble *ensemble, uint32_t m, const struct folds *folds, uint64_t *n_train,
                        struct err *err)
{
    uint64_t n = folds->train->n_rows, at = 0;
    uint32_t *rows = malloc((size_t)n * sizeof *rows);
    if (rows == NULL)
        return err_memory(err, "the folds of the rows");
    ensemble->members[m].rows = rows;
    for (uint64_t i = 0; i < n; i++)
        if (i % ensemble->n_members != m)
            rows[at++] = folds->order[i];
    *n_train = at;
    for (uint64_t i = m; i < n; i += ensemble->n_members)
        rows[at++] = folds->order[i];
    qsort(rows, *n_train, sizeof *rows, row_compare);
    qsort(rows + *n_train, n - *n_train, sizeof *rows, row_compare);
    return true;
}

static bool member_init(struct ensemble *ensemble, uint32_t m, const struct folds *folds,
                        const struct train_options *options, struct err *err)
{
    const struct rows *train = folds->train;
    struct member *member = &ensemble->members[m];
    struct train_options own = *options;
    uint64_t n_train = 0;

    own.early_stopping.on = false;
    own.seed += (uint64_t)m << 53; /* a user's seed is below 2^53 */
    if (!member_rows(ensemble, m, folds, &n_train, err))
        return false;
    struct rows learns = {
        .binding = train->binding, .rows = member->rows, .n_rows = n_train, .weights = train->weights};
    struct rows fold = {
        .binding = train->binding, .rows = member->rows + n_train, .n_rows = train->n_rows - n_train};
    member->trainer = trainer_new(ensemble->recipe, &learns, &fold, &own, err);
    if (member->trainer == NULL)
        return false;
    if (!options->early_stopping.on)
        return true;
    member->best = malloc(member->trainer->state.network->n_floats * sizeof *member->best);
    return member->best != NULL || err_memory(err, "the best weights");
}

static bool members_init(struct ensemble *ensemble, const struct rows *train,
                         const struct train_options *options, struct err *err)
{
    uint32_t n_classes = ensemble->recipe->task == TASK_CLASSIFICATION ? ensemble->recipe->n_classes : 0;
    struct folds folds = {.train = train, .order = malloc((size_t)train->n_rows * sizeof *folds.order)};
    bool ok = folds.order != NULL ? rows_order(train, n_classes, options->seed, folds.order, err)
                                  : err_memory(err, "the folds of the rows");

    for (uint32_t m = 0; ok && m < ensemble->n_members; m++)
        ok = member_init(ensemble, m, &folds, options, err);
    free(folds.order);
    return ok;
}

bool ensemble_check(const struct recipe *recipe, const struct rows *train,
                    const struct train_options *options, struct err *err)
{
    return members_check(options, train, err) && train_check(recipe, train, options, err);
}

uint64_t ensemble_bytes(const struct train_options *options, uint32_t n_inputs, uint64_t n_train,
                        uint64_t n_validation)
{
    uint64_t n = options->members > 1 ? options->members : 1;
    return n == 1 ? train_bytes(options, n_inputs, n_train, n_validation)
                  : n * (train_bytes(options, n_inputs, n_train, n_train / n) + n_train * sizeof(uint32_t));
}

struct ensemble *ensemble_new(const struct recipe *recipe, const struct rows *train,
                              const struct rows *validation, const struct train_options *options,
                              struct err *err)
{
    if (!members_check(options, train, err))
        return NULL;
    struct ensemble *ensemble = calloc(1, sizeof *ensemble);
    if (ensemble == NULL) {
        err_memory(err, "an ensemble");
        return NULL;
    }
    *ensemble = (struct ensemble){.recipe = recipe,
                                  .early_stopping = options->early_stopping,
                                  .epochs = options->epochs,
                                  .n_members = options->members > 1 ? options->members : 1};
    if (ensemble->early_stopping.patience == 0)
        ensemble->early_stopping.patience = 5;
    bool ok = true;
    if (ensemble->n_members > 1)
        ok = members_init(ensemble, train, options, err);
    else
        ok = (ensemble->members[0].trainer = trainer_new(recipe, train, validation, options, err)) != NULL;
    if (ok)
        return ensemble;
    ensemble_free(ensemble);
    return NULL;
}

void ensemble_free(struct ensemble *ensemble)
{
    if (ensemble == NULL)
        return;
    for (uint32_t m = 0; m < ensemble->n_members; m++) {
        trainer_free(ensemble->members[m].trainer);
        free(ensemble->members[m].rows);
        free(ensemble->members[m].best);
    }
    free(ensemble);
}

bool ensemble_begin_from(struct ensemble *ensemble, const struct network *network, struct err *err)
{
    struct network *own = ensemble->members[0].trainer->state.network;
    bool same =
        ensemble->n_members == 1 && own->n_inputs == network->n_inputs && own->n_layers == network->n_layers;
    for (uint32_t l = 0; same && l < own->n_layers; l++)
        same = own->layers[l].units == network->layers[l].units &&
               own->layers[l].activation == network->layers[l].activation &&
               own->layers[l].norms == network->layers[l].norms;
    if (!same)
        return err_set(err, ERR_INPUT, "the network to begin from has another shape");
    memcpy(own->params, network->params, own->n_floats * sizeof *own->params);
    return true;
}

/* ---- the loop ---- */

/* Means over the members, number by number; not a number where one of them is
 * none. */
static struct epoch_metrics metrics_mean(const struct ensemble *ensemble)
{
    struct epoch_metrics mean = ensemble->metrics[0];
    double n = ensemble->n_members;

    for (uint32_t m = 1; m < ensemble->n_members; m++) {
        const struct epoch_metrics *other = &ensemble->metrics[m];
        for (int i = 0; i < N_METRICS; i++) {
            mean.train[i] += other->train[i];
            mean.validation[i] += other->validation[i];
        }
        mean.learning_rate += other->learning_rate;
        mean.seconds += other->seconds;
    }
    for (int i = 0; i < N_METRICS; i++) {
        mean.train[i] /= n;
        mean.validation[i] /= n;
    }
    mean.learning_rate /= n;
    return mean;
}

static void best_keep(struct ensemble *ensemble)
{
    for (uint32_t m = 0; m < ensemble->n_members; m++) {
        const struct network *network = ensemble->members[m].trainer->state.network;
        memcpy(ensemble->members[m].best, network->params, network->n_floats * sizeof(float));
    }
}

static void best_bring_back(struct ensemble *ensemble)
{
    for (uint32_t m = 0; m < ensemble->n_members; m++) {
        struct network *network = ensemble->members[m].trainer->state.network;
        memcpy(network->params, ensemble->members[m].best, network->n_floats * sizeof(float));
    }
}

/* As a trainer's early stopping, on the means. */
static void watch_best(struct ensemble *ensemble, const struct epoch_metrics *mean)
{
    const struct early_stopping *e = &ensemble->early_stopping;
    double now = epoch_monitored(mean, e->monitor, e->of_train);

    if (mean->epoch == 1 || now < ensemble->best_score - (double)e->min_delta) {
        ensemble->best_score = now;
        ensemble->best_epoch = mean->epoch;
        best_keep(ensemble);
    }
    ensemble->finished = mean->epoch - ensemble->best_epoch >= e->patience;
    if (e->restore_best && (ensemble->finished || mean->epoch == ensemble->epochs))
        best_bring_back(ensemble);
}

enum train_state ensemble_run(struct ensemble *ensemble, struct pool *pool, const atomic_bool *stop,
                              uint64_t deadline_ns, struct epoch_metrics *metrics, struct err *err)
{
    if (ensemble->n_members == 1)
        return trainer_run(ensemble->members[0].trainer, pool, stop, deadline_ns, metrics, err);
    if (ensemble->finished || atomic_load(&ensemble->epoch) == ensemble->epochs)
        return TRAIN_DONE;
    while (ensemble->turn < ensemble->n_members) {
        struct epoch_metrics *own = &ensemble->metrics[ensemble->turn];
        enum train_state state =
            trainer_run(ensemble->members[ensemble->turn].trainer, pool, stop, deadline_ns, own, err);
        if (state != TRAIN_EPOCH)
            return state;
        ensemble->turn++;
    }
    *metrics = metrics_mean(ensemble);
    if (ensemble->early_stopping.on)
        watch_best(ensemble, metrics);
    ensemble->turn = 0;
    atomic_store(&ensemble->epoch, metrics->epoch);
    return TRAIN_EPOCH;
}

bool ensemble_can_save(const struct ensemble *ensemble)
{
    bool can = true;

    for (uint32_t m = 0; m < ensemble->n_members; m++)
        can = can && trainer_can_save(ensemble->members[m].trainer);
    return can;
}

uint32_t ensemble_epoch(const struct ensemble *ensemble)
{
    return ensemble->n_members == 1 ? trainer_epoch(ensemble->members[0].trainer)
                                    : atomic_load(&ensemble->epoch);
}

double ensemble_fraction(const struct ensemble *ensemble)
{
    double sum = 0;

    for (uint32_t m = 0; m < ensemble->n_members; m++)
        sum += trainer_fraction(ensemble->members[m].trainer);
    return sum / ensemble->n_members;
}

struct model *ensemble_model(const struct ensemble *ensemble, struct err *err)
{
    const struct trainer *first = ensemble->members[0].trainer;
    const struct network *networks[ENSEMBLE_MEMBERS_MAX];

    if (ensemble->n_members == 1)
        return trainer_model(first, err);
    for (uint32_t m = 0; m < ensemble->n_members; m++)
        networks[m] = ensemble->members[m].trainer->state.network;
    struct recipe *recipe = recipe_copy(ensemble->recipe, err);
    struct network *merged = recipe == NULL ? NULL : networks_merge(networks, ensemble->n_members, err);
    struct model *model = merged == NULL ? NULL : model_new(recipe, merged, first->config.options.loss, err);
    if (model != NULL)
        return model;
    recipe_free(recipe);
    network_free(merged);
    return NULL;
}
