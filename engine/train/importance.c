/* Permutation importance (Breiman 2001): how much worse a model predicts when
 * one column's values are dealt anew among the rows.
 *
 * Only the first layer sees a column: its sums are kept, and for each dealt row
 * corrected by the change of the column's inputs times their weights; rows
 * whose value stays the same keep their outcome. Columns are independent of
 * each other: workers claim them, and whoever takes one finds the same
 * numbers. */
#include "base/denormals.h"
#include "mlp/evaluation.h"
#include "network/private.h"
#include "train/private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 5000
#define ROWS_MIN 100 /* asked for, where there are as many */
#define ROWS_MAX 1000
#define FLOATS_MAX ((uint64_t)16 << 20) /* of the rows' inputs */
#define WORK_MAX 20e9                   /* floating-point operations, above ROWS_MIN */
#define COLUMNS_FEW 50                  /* so few are dealt several times */
#define DEALT_ROWS 5000

struct importance_work {
    const struct model *model;
    const struct rows *rows;
    struct objective objective;
    struct evaluation *evaluation;
    uint64_t seed;
    const atomic_bool *stop;
    uint32_t n; /* rows looked at */
    uint32_t n_repeats;
    uint32_t *chosen;         /* (n) table rows */
    struct activations whole; /* (n rows): at[0] inputs, at[1] the first layer's sums */
    double *cost; /* (n): of each row as it is; 1 for a wrong class, the squared error of a number */
    struct importance_scratch {
        struct activations block; /* BLOCK_ROWS rows */
        uint32_t *dealt;          /* (n) */
        uint32_t changed[BLOCK_ROWS];
    } * scratch; /* one a worker */
    uint32_t n_scratch;
    atomic_uint next;
};

/* Adds `change` of input k, times its weights, to the first layer's sums of a
 * row. */
static void sums_change(const struct network *network, uint32_t k, float change, float *sums)
{
    uint32_t n_out = padded_out(network, 0);
    for (uint32_t panel = 0; panel < n_out; panel += KERNEL_PANEL) {
        const float *w = network->params + weight_at(network, 0, k, panel);
        for (uint32_t o = 0, width = panel_width(n_out, panel); o < width; o++)
            sums[panel + o] += change * w[o];
    }
}

static double row_cost(const struct importance_work *w, uint32_t i, float *outputs)
{
    struct target target = row_target(w->rows, w->chosen[i]);
    struct row_score score =
        loss_row(w->model->network, kernels_get(), &w->objective, target, outputs, 0, NULL);
    if (w->objective.classes)
        return score.prediction != score.label;
    double error = ((double)score.prediction - (double)score.label) * (double)w->model->recipe->target_stddev;
    return error * error;
}

/* What rows changed[0..n) cost more than they did; their sums stand in the
 * block. */
static double block_rise(const struct importance_work *w, struct importance_scratch *s, uint32_t n)
{
    struct forward_pass pass = {.network = w->model->network, .kernels = kernels_get(), .a = &s->block};
    uint32_t last = w->model->network->n_layers;
    double rise = 0;
    forward_sums(&pass, 0, (n + 15) & ~15u);
    for (uint32_t i = 0; i < n; i++)
        rise +=
            row_cost(w, s->changed[i], s->block.at[last] + i * s->block.ld[last]) - w->cost[s->changed[i]];
    return rise;
}

/* What all rows cost more when the column's values are dealt as in s->dealt. */
static double dealt_rise(const struct importance_work *w, struct importance_scratch *s,
                         const struct recipe_column *column)
{
    const struct activations *a = &w->whole;
    uint32_t n = 0;
    double rise = 0;
    for (uint32_t i = 0; i < w->n && !(n == 0 && stop_is_set(w->stop)); i++) {
        const float *x = a->at[0] + i * a->ld[0] + column->first_input,
                    *y = a->at[0] + s->dealt[i] * a->ld[0] + column->first_input;
        if (memcmp(x, y, column->n_inputs * sizeof *x) == 0)
            continue;
        float *sums = s->block.at[1] + n * s->block.ld[1];
        memcpy(sums, a->at[1] + i * a->ld[1], padded_out(w->model->network, 0) * sizeof *sums);
        for (uint32_t k = 0; k < column->n_inputs; k++)
            if (x[k] != y[k])
                sums_change(w->model->network, column->first_input + k, y[k] - x[k], sums);
        s->changed[n++] = i;
        if (n < BLOCK_ROWS)
            continue;
        rise += block_rise(w, s, n);
        n = 0;
    }
    return n > 0 ? rise + block_rise(w, s, n) : rise;
}

static void column_measure(struct importance_work *w, struct importance_scratch *s,
                           struct importance *importance)
{
    const struct recipe_column *column = &w->model->recipe->columns[importance->column];
    double before = 0, drop = 0;
    for (uint32_t i = 0; i < w->n; i++)
        before += w->cost[i];
    for (uint32_t repeat = 0; repeat < w->n_repeats && !stop_is_set(w->stop); repeat++) {
        rows_shuffle(s->dealt, w->n, w->seed + 1 + (uint64_t)importance->column * w->n_repeats + repeat);
        double after = fmax(0, before + dealt_rise(w, s, column));
        drop += w->objective.classes ? (after - before) / w->n : sqrt(after / w->n) - sqrt(before / w->n);
    }
    importance->drop = drop / w->n_repeats;
}

static void columns_work(void *self, uint32_t worker)
{
    struct importance_work *w = self;
    uint32_t i;
    while (!stop_is_set(w->stop) && (i = atomic_fetch_add(&w->next, 1)) < w->evaluation->n_importance)
        column_measure(w, &w->scratch[worker], &w->evaluation->importance[i]);
}

/* The used columns; false where there are none or too many. */
static bool columns_list(struct importance_work *w, struct err *err)
{
    const struct recipe *recipe = w->model->recipe;
    struct evaluation *e = w->evaluation;
    uint32_t n = 0;
    for (uint32_t c = 0; c < recipe->n_columns; c++)
        n += recipe->columns[c].n_inputs > 0;
    if (n == 0 || n > COLUMNS_MAX)
        return false;
    e->importance = calloc(n, sizeof *e->importance);
    if (e->importance == NULL)
        return err_memory(err, "the importance of the columns");
    for (uint32_t c = 0; c < recipe->n_columns; c++)
        if (recipe->columns[c].n_inputs > 0)
            e->importance[e->n_importance++].column = c;
    return true;
}

/* How many rows, and how often each column. 0: not at all. */
static uint32_t rows_wanted(struct importance_work *w)
{
    const struct network *network = w->model->network;
    uint64_t first = (uint64_t)(network->n_inputs + 1) * network->layers[0].units;
    double row = 2.0 * (double)(network_n_params(network) - first + network->layers[0].units) *
                 w->evaluation->n_importance;
    double affordable = WORK_MAX / row;
    uint64_t n = affordable < ROWS_MIN ? ROWS_MIN : affordable > ROWS_MAX ? ROWS_MAX : (uint64_t)affordable;
    n = n < w->evaluation->n_rows ? n : w->evaluation->n_rows;
    w->n_repeats = w->evaluation->n_importance > COLUMNS_FEW || n == 0 ? 1
                   : n * 50 < DEALT_ROWS                               ? 50
                                                                       : (uint32_t)(DEALT_ROWS / n);
    return n < 2 || n * network->n_inputs > FLOATS_MAX ? 0 : (uint32_t)n;
}

static bool scratch_make(struct importance_work *w, uint32_t n_workers, struct err *err)
{
    w->scratch = calloc(n_workers, sizeof *w->scratch);
    w->n_scratch = w->scratch == NULL ? 0 : n_workers;
    w->chosen = malloc(w->n * sizeof *w->chosen);
    w->cost = malloc(w->n * sizeof *w->cost);
    if (w->scratch == NULL || w->chosen == NULL || w->cost == NULL)
        return err_memory(err, "the importance of the columns");
    for (uint32_t i = 0; i < n_workers; i++) {
        w->scratch[i].dealt = malloc(w->n * sizeof *w->scratch[i].dealt);
        if (w->scratch[i].dealt == NULL)
            return err_memory(err, "the importance of the columns");
        if (!activations_init(&w->scratch[i].block, w->model->network, BLOCK_ROWS, false, err))
            return false;
    }
    return activations_init(&w->whole, w->model->network, w->n, true, err);
}

/* Choose rows evenly, and find the first layer's sums and what each row
 * costs. */
static void rows_measure(struct importance_work *w)
{
    const struct network *network = w->model->network;
    struct activations *a = &w->whole;
    uint32_t last = network->n_layers, padded = (w->n + 15) & ~15u;
    for (uint32_t i = 0; i < w->n; i++) {
        w->chosen[i] = w->evaluation->guesses[i * w->evaluation->n_rows / w->n].row;
        binding_encode(w->rows->binding, w->chosen[i], a->at[0] + i * a->ld[0]);
    }
    kernels_get()->forward(a->at[0], a->ld[0], padded, network->params + network->weights_at[0],
                           network->params + network->biases_at[0], padded_in(network, 0),
                           padded_out(network, 0), false, a->at[1], a->ld[1]);
    struct importance_scratch *s = &w->scratch[0];
    for (uint32_t first = 0; first < w->n && !stop_is_set(w->stop); first += BLOCK_ROWS) {
        uint32_t n = w->n - first < BLOCK_ROWS ? w->n - first : BLOCK_ROWS;
        struct forward_pass pass = {.network = network, .kernels = kernels_get(), .a = &s->block};
        for (uint32_t i = 0; i < n; i++)
            memcpy(s->block.at[1] + i * s->block.ld[1], a->at[1] + (first + i) * a->ld[1],
                   padded_out(network, 0) * sizeof(float));
        forward_sums(&pass, 0, (n + 15) & ~15u);
        for (uint32_t i = 0; i < n; i++)
            w->cost[first + i] = row_cost(w, first + i, s->block.at[last] + i * s->block.ld[last]);
    }
}

static int importance_compare(const void *a, const void *b)
{
    const struct importance *x = a, *y = b;
    if (x->drop != y->drop)
        return x->drop < y->drop ? 1 : -1;
    return (x->column > y->column) - (x->column < y->column);
}

static void work_done(struct importance_work *w)
{
    for (uint32_t i = 0; i < w->n_scratch; i++) {
        activations_done(&w->scratch[i].block);
        free(w->scratch[i].dealt);
    }
    activations_done(&w->whole);
    free(w->scratch);
    free(w->chosen);
    free(w->cost);
}

bool evaluation_importance(struct evaluation *e, const struct model *model, const struct rows *rows,
                           struct pool *pool, const struct importance_options *options, struct err *err)
{
    bool classes = model->recipe->task == TASK_CLASSIFICATION, ok = true;
    struct importance_work w = {.model = model,
                                .rows = rows,
                                .objective = {.loss = model->loss, .classes = classes},
                                .evaluation = e,
                                .seed = options->seed,
                                .stop = options->stop};
    err->code = ERR_OK;
    if (!columns_list(&w, err))
        return err->code == ERR_OK;
    w.n = rows_wanted(&w);
    ok = w.n == 0 || scratch_make(&w, pool_n_threads(pool), err);
    if (ok && w.n > 0) {
        unsigned before = denormals_flush();
        rows_measure(&w);
        denormals_restore(before);
        pool_run(pool, columns_work, &w);
        ok = stop_check(options->stop, err);
        qsort(e->importance, e->n_importance, sizeof *e->importance, importance_compare);
    } else {
        e->n_importance = 0;
    }
    work_done(&w);
    ok = ok && rows_check_read(rows, err);
    if (!ok)
        e->n_importance = 0;
    return ok;
}
