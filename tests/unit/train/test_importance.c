/* Permutation importance against the plain way: deal the encoded inputs,
 * predict everything again. */
#include "helper_main.h"
#include "helper_recipe.h"
#include "mlp/evaluation.h"
#include "mlp/train.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SEED 17
#define N_ROWS 300

static struct err err;

static void must(bool ok)
{
    ck_assert_msg(ok, "%s", err.msg);
}

/* `most` decides most of y, `less` some of it, `none` nothing; `word` is a
 * category. */
static char *csv_make(bool classes)
{
    struct text text;
    FILE *out = text_open(&text);
    uint32_t state = 3;
    fprintf(out, "none,less,most,word,y\n");
    for (int i = 0; i < N_ROWS; i++) {
        double x[4];
        for (int k = 0; k < 4; k++) {
            state = state * 1664525u + 1013904223u;
            x[k] = (double)(state >> 8) / (1 << 24);
        }
        double y = 4 * x[2] + 2 * x[1] + (x[3] < 0.5 ? 1 : 0);
        fprintf(out, "%.4f,%.4f,%.4f,%s,", x[0], x[1], x[2], x[3] < 0.5 ? "on" : "off");
        fprintf(out, classes ? "%s\n" : "%s%.4f\n", classes ? (y > 3.5 ? "high" : "low") : "", y);
    }
    text_close(&text);
    return text.bytes;
}

struct fixture {
    struct table *table;
    struct recipe *recipe;
    struct binding *binding;
    struct rows rows;
    struct pool *pool;
    struct model *model;
    struct evaluation *evaluation;
};

static void fixture_init(struct fixture *f, bool classes, uint32_t n_hidden, uint32_t n_threads)
{
    char *csv = csv_make(classes);
    f->table = table_of_text(csv, 1);
    free(csv);
    f->recipe = recipe_of(f->table, "y", TASK_AUTO);
    must((f->binding = recipe_bind(f->recipe, f->table, true, &err)) != NULL);
    f->rows = (struct rows){.binding = f->binding, .rows = rows_all(f->table), .n_rows = N_ROWS};
    must((f->pool = pool_new(n_threads, 0, &err)) != NULL);
    struct train_options o = train_options_default();
    for (uint32_t i = 0; i < n_hidden; i++)
        o.layers[o.n_layers++] =
            (struct layer){.units = 150 - 40 * i, .activation = i == 0 ? ACTIVATION_RELU : ACTIVATION_TANH};
    o.layers[o.n_layers++] = (struct layer){.units = classes ? 2 : 1,
                                            .activation = classes ? ACTIVATION_SOFTMAX : ACTIVATION_LINEAR};
    o.learning_rate = 0.03f;
    o.epochs = 30;
    struct trainer *trainer = trainer_new(f->recipe, &f->rows, &(struct rows){0}, &o, &err);
    must(trainer != NULL);
    struct epoch_metrics metrics;
    atomic_bool stop = false;
    while (trainer_run(trainer, f->pool, &stop, 0, &metrics, &err) == TRAIN_EPOCH) {}
    must((f->model = trainer_model(trainer, &err)) != NULL);
    trainer_free(trainer);
    must((f->evaluation = model_evaluate(f->model, &f->rows, f->pool, NULL, &err)) != NULL);
    must(evaluation_importance(f->evaluation, f->model, &f->rows, f->pool,
                               &(struct importance_options){.seed = SEED}, &err));
}

static void fixture_done(struct fixture *f)
{
    evaluation_free(f->evaluation);
    model_unref(f->model);
    pool_free(f->pool);
    binding_free(f->binding);
    recipe_free(f->recipe);
    table_unref(f->table);
    free((uint32_t *)f->rows.rows);
}

/* Error rate or RMSE of the model on inputs x. */
static double cost(const struct fixture *f, const float *x)
{
    bool classes = f->recipe->task == TASK_CLASSIFICATION;
    float *out = malloc(2 * N_ROWS * sizeof *out);
    struct workspace *workspace = workspace_new(&err);
    double sum = 0;
    must(model_predict(f->model, x, N_ROWS, out, workspace, &err));
    for (int i = 0; i < N_ROWS; i++) {
        double error = classes ? (binding_class(f->binding, (uint64_t)i) != (out[2 * i + 1] > out[2 * i]))
                               : (double)out[i] - (double)binding_value(f->binding, (uint64_t)i);
        sum += error * error / N_ROWS;
    }
    workspace_free(workspace);
    free(out);
    return classes ? sum : sqrt(sum);
}

/* Mean rise of the cost over the same deals as the engine's: the column's
 * number and the repeat key them. */
static double plain_drop(const struct fixture *f, uint32_t column, uint32_t n_repeats)
{
    const struct recipe_column *c = &f->recipe->columns[column];
    uint32_t n = f->recipe->n_inputs, dealt[N_ROWS];
    float *x = malloc(sizeof *x * n * N_ROWS), *y = malloc(sizeof *y * n * N_ROWS);
    double drop = 0;
    for (uint32_t i = 0; i < N_ROWS; i++)
        binding_encode(f->binding, i, x + i * n);
    for (uint32_t repeat = 0; repeat < n_repeats; repeat++) {
        rows_shuffle(dealt, N_ROWS, SEED + 1 + column * n_repeats + repeat);
        memcpy(y, x, sizeof *x * n * N_ROWS);
        for (uint32_t i = 0; i < N_ROWS; i++)
            memcpy(y + i * n + c->first_input, x + dealt[i] * n + c->first_input, c->n_inputs * sizeof *x);
        drop += (cost(f, y) - cost(f, x)) / n_repeats;
    }
    free(x);
    free(y);
    return drop;
}

START_TEST(importance_is_what_dealing_the_column_costs)
{
    struct fixture f;
    fixture_init(&f, _i % 2 == 0, (uint32_t)_i / 2, 1 + (uint32_t)_i % 3);
    ck_assert_uint_eq(f.evaluation->n_importance, 4);
    for (uint32_t i = 0; i < 4; i++) {
        const struct importance *importance = &f.evaluation->importance[i];
        /* a row on the border may fall on either side: a third of a permille of
         * the error rate */
        ck_assert_double_eq_tol(importance->drop, plain_drop(&f, importance->column, 5000 / N_ROWS), 4e-4);
        ck_assert(i == 0 || importance->drop <= f.evaluation->importance[i - 1].drop);
    }
    ck_assert_str_eq(f.recipe->columns[f.evaluation->importance[0].column].name, "most");
    ck_assert_double_gt(f.evaluation->importance[0].drop, 0.2);
    fixture_done(&f);
}
END_TEST

START_TEST(importance_is_the_same_at_any_number_of_threads)
{
    struct fixture one, three;
    fixture_init(&one, true, 2, 1);
    fixture_init(&three, true, 2, 3);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert(one.evaluation->importance[i].column == three.evaluation->importance[i].column &&
                  one.evaluation->importance[i].drop == three.evaluation->importance[i].drop);
    fixture_done(&one);
    fixture_done(&three);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("importance");
    TCase *tc = tcase_create("importance");
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, importance_is_what_dealing_the_column_costs, 0, 6);
    tcase_add_test(tc, importance_is_the_same_at_any_number_of_threads);
    suite_add_tcase(suite, tc);
    return suite;
}
