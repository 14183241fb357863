/* What the daemon chooses where a request leaves the network and the epochs to
 * it, by the size of the table alone. Pure functions.
 *
 * Small tables get an ensemble (mlp/ensemble.h): the mean of several small
 * networks errs less than any of them, and folds tell when to stop where a
 * validation split would be a handful of rows. Where one network takes long
 * enough, one it is, with a validation split. */
#include "jobs/training.h"

#include <string.h>

#define ENSEMBLE_ROWS_MIN 20   /* fewer are not worth folding */
#define ENSEMBLE_CELLS_MAX 4e6 /* rows x columns */
#define WORK_MAX 1.5e12        /* multiplications of one training: seconds, not minutes */
#define EPOCHS_LEAST 12
#define LOSS_NEGLIGIBLE                                                                                      \
    1e-4f /* nats: what a solved table's loss still falls by, epoch after epoch, is not worth the wait */

/* The last row of each is for all larger tables. */
static const struct plan {
    uint64_t rows_below;
    uint32_t members, units[2], batch_size, epochs;
} ensemble_plans[] = {
    {5000, 8, {64, 32}, 32, 200},
    {20000, 8, {64, 32}, 64, 150},
    {UINT64_MAX, 4, {128, 64}, 128, 80},
};
static const struct plan lone_plans[] = {
    {5000, 1, {128, 64}, 32, 100},
    {50000, 1, {128, 64}, 128, 60},
    {UINT64_MAX, 1, {256, 128}, 256, 40},
};

bool is_auto_configured(const struct job_request *request)
{
    return !request->layers_given && request->train.epochs == 0 && !request->early_stopping_given &&
           request->train.members == 0;
}

bool choice_is_ensemble(const struct job_request *request, uint64_t n_rows, uint32_t n_columns)
{
    bool own_validation = request->validation[0] || request->validation_split >= 0;
    return is_auto_configured(request) && !own_validation && !augment_is_on(&request->train.augment) &&
           n_rows >= ENSEMBLE_ROWS_MIN && (double)n_rows * n_columns <= ENSEMBLE_CELLS_MAX;
}

static const struct plan *plan_find(bool ensemble, uint64_t n_train)
{
    const struct plan *plan = ensemble ? ensemble_plans : lone_plans;
    while (n_train >= plan->rows_below && plan->rows_below < UINT64_MAX)
        plan++;
    return plan;
}

/* As many as fit into the work, and enough to learn anything. */
static uint32_t epochs_afforded(const struct plan *plan, const struct recipe *recipe, uint64_t n_train)
{
    double weights = (double)recipe->n_inputs * plan->units[0] + (double)plan->units[0] * plan->units[1];
    double epochs = WORK_MAX / (3 * weights * (double)n_train * plan->members);
    return epochs < EPOCHS_LEAST ? EPOCHS_LEAST : epochs > plan->epochs ? plan->epochs : (uint32_t)epochs;
}

void choice_make(const struct job_request *request, const struct recipe *recipe, uint64_t n_train,
                 bool ensemble, bool validated, struct train_options *options)
{
    const struct plan *plan = plan_find(ensemble, n_train);

    for (int l = 0; l < 2; l++)
        options->layers[l] = (struct layer){
            .units = plan->units[l], .activation = ACTIVATION_RELU, .dropout = l == 0 ? 0.1f : 0};
    options->n_layers = 2;
    options->members = plan->members;
    options->epochs = epochs_afforded(plan, recipe, n_train);
    if (!request->batch_size_given)
        options->batch_size = plan->batch_size;
    if (!request->optimizer_given) {
        options->optimizer = OPTIMIZER_ADAMW;
        options->weight_decay = 0.02f;
        options->weight_decay_given = true;
        if (options->learning_rate == 0)
            options->learning_rate = 0.002f;
    }
    if (validated)
        options->early_stopping =
            (struct early_stopping){.on = true,
                                    .patience = options->epochs > 100 ? 20 : 12,
                                    .min_delta = recipe->task == TASK_CLASSIFICATION ? LOSS_NEGLIGIBLE : 0,
                                    .restore_best = true};
    if (validated && !request->schedule_given)
        options->schedule =
            (struct schedule){.kind = SCHEDULE_REDUCE_ON_PLATEAU, .gamma = 0.4f, .patience = 5};
    else if (!request->schedule_given)
        options->schedule.kind = SCHEDULE_ONE_CYCLE;
}
