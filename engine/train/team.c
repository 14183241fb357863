/* A team: folds drawn, epochs run member by member, the best epoch kept. team_merge.c makes one network of it, team_state.c saves it. */
#include "base/rng.h"
#include "train/team_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FOLD_ROWS_MIN 2 /* a fold of less judges nothing */

/* ---- making one ---- */

static bool members_wrong(struct err *err, const char *why)
{
    err_set(err, ERR_INPUT, "members: %s", why);
    return err_field(err, "members");
}

static bool members_check(const struct train_options *o, const struct rows *train, struct err *err)
{
    if (o->members > TEAM_MEMBERS_MAX)
        return members_wrong(err, "at most 16 are possible");
    if (o->members > 1 && train->n_rows < (uint64_t)o->members * FOLD_ROWS_MIN)
        return members_wrong(err, "each leaves out a part of the rows, and there are too few rows for that");
    for (uint32_t l = 0; o->members > 1 && l + 1 < o->n_layers; l++)
        if (o->layers[l].units > NETWORK_UNITS_MAX / o->members)
            return members_wrong(err, "side by side their layers are too wide");
    return true;
}

/* The rows in an order in which every n-th makes a fold with its share of each class: by class, drawn within. */
static bool rows_deal(const struct rows *train, uint32_t n_classes, uint64_t seed, uint32_t *dealt, struct err *err)
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
        dealt[begins[n_classes > 0 ? binding_class(train->binding, row) : 0]++] = row;
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

/* Member m's rows, each part in the table's order: those it learns from, then its fold. */
static bool member_rows(struct team *team, uint32_t m, const struct rows *train, const uint32_t *dealt, uint64_t *n_train, struct err *err)
{
    uint64_t n = train->n_rows, at = 0;
    uint32_t *rows = malloc((size_t)n * sizeof *rows);
    if (rows == NULL)
        return err_memory(err, "the folds of the rows");
    team->members[m].rows = rows;
    for (uint64_t i = 0; i < n; i++)
        if (i % team->n_members != m)
            rows[at++] = dealt[i];
    *n_train = at;
    for (uint64_t i = m; i < n; i += team->n_members)
        rows[at++] = dealt[i];
    qsort(rows, *n_train, sizeof *rows, row_compare);
    qsort(rows + *n_train, n - *n_train, sizeof *rows, row_compare);
    return true;
}

static bool member_init(struct team *team, uint32_t m, const struct rows *train, const uint32_t *dealt, const struct train_options *options,
                        struct err *err)
{
    struct member *member = &team->members[m];
    struct train_options own = *options;
    uint64_t n_train = 0;

    own.early_stopping.on = false;
    own.seed += (uint64_t)m << 53; /* a user's seed is below 2^53 */
    if (!member_rows(team, m, train, dealt, &n_train, err))
        return false;
    struct rows learns = {.binding = train->binding, .rows = member->rows, .n_rows = n_train, .weights = train->weights};
    struct rows fold = {.binding = train->binding, .rows = member->rows + n_train, .n_rows = train->n_rows - n_train};
    member->trainer = trainer_new(team->recipe, &learns, &fold, &own, err);
    if (member->trainer == NULL)
        return false;
    if (!options->early_stopping.on)
        return true;
    member->best = malloc(member->trainer->network->n_floats * sizeof *member->best);
    return member->best != NULL || err_memory(err, "the best weights");
}

static bool members_init(struct team *team, const struct rows *train, const struct train_options *options, struct err *err)
{
    uint32_t n_classes = team->recipe->task == TASK_CLASSIFICATION ? team->recipe->n_classes : 0;
    uint32_t *dealt = malloc((size_t)train->n_rows * sizeof *dealt);
    bool ok = dealt != NULL ? rows_deal(train, n_classes, options->seed, dealt, err) : err_memory(err, "the folds of the rows");

    for (uint32_t m = 0; ok && m < team->n_members; m++)
        ok = member_init(team, m, train, dealt, options, err);
    free(dealt);
    return ok;
}

bool team_check(const struct recipe *recipe, const struct rows *train, const struct train_options *options, struct err *err)
{
    return members_check(options, train, err) && train_check(recipe, train, options, err);
}

uint64_t team_bytes(const struct train_options *options, uint32_t n_inputs, uint64_t n_train, uint64_t n_validation)
{
    uint64_t n = options->members > 1 ? options->members : 1;
    return n == 1 ? train_bytes(options, n_inputs, n_train, n_validation)
                  : n * (train_bytes(options, n_inputs, n_train, n_train / n) + n_train * sizeof(uint32_t));
}

struct team *team_new(const struct recipe *recipe, const struct rows *train, const struct rows *validation,
                      const struct train_options *options, struct err *err)
{
    if (!members_check(options, train, err))
        return NULL;
    struct team *team = calloc(1, sizeof *team);
    if (team == NULL) {
        err_memory(err, "a team");
        return NULL;
    }
    *team = (struct team){.recipe = recipe,
                          .early_stopping = options->early_stopping,
                          .epochs = options->epochs,
                          .n_members = options->members > 1 ? options->members : 1};
    if (team->early_stopping.patience == 0)
        team->early_stopping.patience = 5;
    bool ok = true;
    if (team->n_members > 1)
        ok = members_init(team, train, options, err);
    else
        ok = (team->members[0].trainer = trainer_new(recipe, train, validation, options, err)) != NULL;
    if (ok)
        return team;
    team_free(team);
    return NULL;
}

void team_free(struct team *team)
{
    if (team == NULL)
        return;
    for (uint32_t m = 0; m < team->n_members; m++) {
        trainer_free(team->members[m].trainer);
        free(team->members[m].rows);
        free(team->members[m].best);
    }
    free(team);
}

bool team_begin_from(struct team *team, const struct network *network, struct err *err)
{
    struct network *own = team->members[0].trainer->network;
    bool same = team->n_members == 1 && own->n_inputs == network->n_inputs && own->n_layers == network->n_layers;
    for (uint32_t l = 0; same && l < own->n_layers; l++)
        same = own->layers[l].units == network->layers[l].units && own->layers[l].activation == network->layers[l].activation &&
               own->layers[l].norms == network->layers[l].norms;
    if (!same)
        return err_set(err, ERR_INPUT, "the network to begin from has another shape");
    memcpy(own->params, network->params, own->n_floats * sizeof *own->params);
    return true;
}

/* ---- the loop ---- */

/* Means over the members, number by number; not a number where one of them is none. */
static struct epoch_metrics metrics_mean(const struct team *team)
{
    struct epoch_metrics mean = team->metrics[0];
    double n = team->n_members;

    for (uint32_t m = 1; m < team->n_members; m++) {
        const struct epoch_metrics *other = &team->metrics[m];
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

static void best_keep(struct team *team)
{
    for (uint32_t m = 0; m < team->n_members; m++) {
        const struct network *network = team->members[m].trainer->network;
        memcpy(team->members[m].best, network->params, network->n_floats * sizeof(float));
    }
}

static void best_bring_back(struct team *team)
{
    for (uint32_t m = 0; m < team->n_members; m++) {
        struct network *network = team->members[m].trainer->network;
        memcpy(network->params, team->members[m].best, network->n_floats * sizeof(float));
    }
}

/* As a trainer's early stopping, on the means. */
static void watch_best(struct team *team, const struct epoch_metrics *mean)
{
    const struct early_stopping *e = &team->early_stopping;
    double now = epoch_monitored(mean, e->monitor, e->of_train);

    if (mean->epoch == 1 || now < team->best_score - (double)e->min_delta) {
        team->best_score = now;
        team->best_epoch = mean->epoch;
        best_keep(team);
    }
    team->finished = mean->epoch - team->best_epoch >= e->patience;
    if (e->restore_best && (team->finished || mean->epoch == team->epochs))
        best_bring_back(team);
}

enum train_state team_run(struct team *team, struct pool *pool, const atomic_bool *stop, uint64_t deadline_ns,
                          struct epoch_metrics *metrics, struct err *err)
{
    if (team->n_members == 1)
        return trainer_run(team->members[0].trainer, pool, stop, deadline_ns, metrics, err);
    if (team->finished || atomic_load(&team->epoch) == team->epochs)
        return TRAIN_DONE;
    while (team->turn < team->n_members) {
        struct epoch_metrics *own = &team->metrics[team->turn];
        enum train_state state = trainer_run(team->members[team->turn].trainer, pool, stop, deadline_ns, own, err);
        if (state != TRAIN_EPOCH)
            return state;
        team->turn++;
    }
    *metrics = metrics_mean(team);
    if (team->early_stopping.on)
        watch_best(team, metrics);
    team->turn = 0;
    atomic_store(&team->epoch, metrics->epoch);
    return TRAIN_EPOCH;
}

bool team_can_save(const struct team *team)
{
    bool can = true;

    for (uint32_t m = 0; m < team->n_members; m++)
        can = can && trainer_can_save(team->members[m].trainer);
    return can;
}

uint32_t team_epoch(const struct team *team)
{
    return team->n_members == 1 ? trainer_epoch(team->members[0].trainer) : atomic_load(&team->epoch);
}

double team_fraction(const struct team *team)
{
    double sum = 0;

    for (uint32_t m = 0; m < team->n_members; m++)
        sum += trainer_fraction(team->members[m].trainer);
    return sum / team->n_members;
}

struct model *team_model(const struct team *team, struct err *err)
{
    const struct trainer *first = team->members[0].trainer;
    const struct network *networks[TEAM_MEMBERS_MAX];

    if (team->n_members == 1)
        return trainer_model(first, err);
    for (uint32_t m = 0; m < team->n_members; m++)
        networks[m] = team->members[m].trainer->network;
    struct recipe *recipe = recipe_copy(team->recipe, err);
    struct network *merged = recipe == NULL ? NULL : networks_merge(networks, team->n_members, err);
    struct model *model = merged == NULL ? NULL : model_new(recipe, merged, first->options.loss, err);
    if (model != NULL)
        return model;
    recipe_free(recipe);
    network_free(merged);
    return NULL;
}
