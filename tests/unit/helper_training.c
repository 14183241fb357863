#define _GNU_SOURCE
#include "helper_training.h"
#include "mlp/ingest.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint32_t seed;

static double random_double(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (double)(seed >> 8) / (double)(1 << 24);
}

void must(bool ok, const struct err *err)
{
    ck_assert_msg(ok, "%s", err->msg);
}

struct fixture fixture_of(const char *csv, bool raw_target)
{
    struct fixture f = {0};
    struct err err = {0};
    char spool[] = "/tmp/mlp-train-XXXXXX";
    int fd = mkstemp(spool);
    ck_assert_int_ge(fd, 0);
    unlink(spool);
    ck_assert_int_eq(write(fd, csv, strlen(csv)), (ssize_t)strlen(csv));
    snprintf(f.path, sizeof f.path, "%s.table", spool);
    struct csv_options options = {.header = 1};
    must(table_ingest(fd, &options, f.path, NULL, NULL, &err), &err);
    close(fd);
    f.table = table_open(f.path, &err);
    must(f.table != NULL, &err);
    unlink(f.path);
    f.n_rows = table_n_rows(f.table);
    f.rows = malloc(f.n_rows * sizeof *f.rows);
    for (uint64_t i = 0; i < f.n_rows; i++)
        f.rows[i] = (uint32_t)i;
    f.recipe = recipe_fit(f.table, f.rows, f.n_rows,
                          &(struct recipe_options){.target = "y", .raw_target = raw_target}, &err);
    must(f.recipe != NULL, &err);
    f.binding = recipe_bind(f.recipe, f.table, true, &err);
    must(f.binding != NULL, &err);
    return f;
}

void fixture_done(struct fixture *f)
{
    binding_free(f->binding);
    recipe_free(f->recipe);
    table_unref(f->table);
    free(f->rows);
}

struct fixture fixture_numbers(uint64_t n, bool classes)
{
    char *csv = malloc(n * 128 + 128), *at = csv + sprintf(csv, "a,b,c,d,e,y\n");
    seed = 7;
    for (uint64_t i = 0; i < n; i++) {
        double x[5], sum = 0;
        for (int k = 0; k < 5; k++) {
            x[k] = random_double() * 4 - 2;
            sum += x[k] * (k - 1.5);
        }
        at += sprintf(at, "%.3f,%.3f,%.3f,%.3f,%.3f,", x[0], x[1], x[2], x[3], x[4]);
        at += classes ? sprintf(at, "%s\n",
                                sum < -1  ? "low"
                                : sum < 1 ? "mid"
                                          : "high")
                      : sprintf(at, "%.3f\n", sum * sum);
    }
    struct fixture f = fixture_of(csv, false);
    free(csv);
    return f;
}

struct fixture fixture_images(uint64_t n)
{
    char *csv = malloc(n * 1280 + 2048), *at = csv;
    for (int k = 0; k < 289; k++)
        at += sprintf(at, "p%d,", k);
    at += sprintf(at, "y\n");
    seed = 11;
    for (uint64_t i = 0; i < n; i++) {
        int label = (int)(i % 4);
        for (int k = 0; k < 289; k++) {
            bool ink = random_double() < (k / 73 == label ? 0.5 : 0.1);
            at += sprintf(at, "%d,",
                          i == 0 && k == 0 ? 255
                          : ink && k != 40 ? (int)(random_double() * 256)
                                           : 0);
        }
        at += sprintf(at, "%d\n", label);
    }
    struct fixture f = fixture_of(csv, false);
    ck_assert(f.recipe->bytes);
    free(csv);
    return f;
}

struct train_options options_of(const struct fixture *f, const uint32_t *hidden, uint32_t n_hidden,
                                enum activation activation)
{
    struct train_options o = train_options_default();
    for (uint32_t i = 0; i < n_hidden; i++)
        o.layers[o.n_layers++] = (struct layer){.units = hidden[i], .activation = activation};
    bool classes = f->recipe->task == TASK_CLASSIFICATION;
    o.layers[o.n_layers++] = (struct layer){.units = classes ? f->recipe->n_classes : 1,
                                            .activation = classes ? ACTIVATION_SOFTMAX : ACTIVATION_LINEAR};
    return o;
}

struct trainer *trainer_of(const struct fixture *f, const struct train_options *o, uint64_t n_train,
                           uint64_t n_validation)
{
    struct err err = {0};
    struct rows train = {.binding = f->binding, .rows = f->rows, .n_rows = n_train, .weights = f->weights},
                validation = {.binding = f->binding, .rows = f->rows + n_train, .n_rows = n_validation};
    struct trainer *trainer = trainer_new(f->recipe, &train, &validation, o, &err);
    must(trainer != NULL, &err);
    return trainer;
}

struct epoch_metrics run(struct trainer *trainer, uint32_t n_threads)
{
    struct err err = {0};
    struct epoch_metrics metrics = {0};
    struct pool *pool = pool_new(n_threads, 0, &err);
    must(pool != NULL, &err);
    atomic_bool stop = false;
    enum train_state state;
    while ((state = trainer_run(trainer, pool, &stop, 0, &metrics, &err)) == TRAIN_EPOCH) {}
    must(state == TRAIN_DONE, &err);
    pool_free(pool);
    return metrics;
}

void to_double(const struct fixture *f, double *x, double *t)
{
    uint32_t n = f->recipe->n_inputs;
    float *row = malloc(n * sizeof *row);
    for (uint64_t i = 0; i < f->n_rows; i++) {
        binding_encode(f->binding, i, row);
        for (uint32_t k = 0; k < n; k++)
            x[i * n + k] = (double)row[k];
        t[i] = f->recipe->task == TASK_CLASSIFICATION
                   ? (double)binding_class(f->binding, i)
                   : ((double)binding_value(f->binding, i) - (double)f->recipe->target_mean) /
                         (double)f->recipe->target_stddev;
    }
    free(row);
}

double weight_of(uint64_t i)
{
    return (double)(i % 5) * 0.5;
}
