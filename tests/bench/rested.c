/* What two free cores do, where others share the machine: each piece of work
 * comes after a rest, for a host may give a processor that has
 * rested all of a core for a tenth of a second. Before and after it both cores
 * are looked at; who reads this sorts out those that were free.
 *
 * usage: rested epoch ROUNDS FILE.csv TABLE   epochs of 784-128-64-10 at batch
 * 128, of two threads and of one in turn
 *        rested products ROUNDS               the matrix products of a step of
 *        784-2500-2000-1500-1000-500-10 at batch 128, two threads
 * Prints a line for each: what, milliseconds, then before and after it what two
 * cores did at once: GFLOP/s of arithmetic on registers
 * together, and instructions a nanosecond that the slower one took in. */
#define _GNU_SOURCE
#include "cores.h"
#include "kernels/kernels.h"
#include "mlp/csv.h"
#include "mlp/ingest.h"
#include "mlp/pool.h"
#include "mlp/table.h"
#include "network/private.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REST_NS 400000000

static void must(bool ok, const struct err *err)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", err->msg);
    exit(1);
}

/* ---- the cores ---- */

typedef float vec __attribute__((vector_size(64)));
#define CHAINS 12   /* of sums, each waiting for itself alone: more than two units have on their way */
#define SUMS 200000 /* of each chain: about half a millisecond */
#define PASSES 5000 /* of instructions that do nothing: about half a millisecond */

static pthread_barrier_t gate;
static struct reading {
    double gigaflops, taken;
} readings[2];
static volatile float kept;

static void core_read(int core)
{
    stay_on(core);
    vec x = (vec){0} + 0.999f, y = (vec){0} + 1e-3f;
    vec a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y, k = y, l = y;
    pthread_barrier_wait(&gate);
    double began = seconds_now();
    for (int n = 0; n < SUMS; n++) {
        a = a * x + y, b = b * x + y, c = c * x + y, d = d * x + y, e = e * x + y, f = f * x + y;
        g = g * x + y, h = h * x + y, i = i * x + y, j = j * x + y, k = k * x + y, l = l * x + y;
        __asm__ volatile(""
                         : "+v"(a), "+v"(b), "+v"(c), "+v"(d), "+v"(e), "+v"(f), "+v"(g), "+v"(h), "+v"(i),
                           "+v"(j), "+v"(k), "+v"(l));
    }
    readings[core].gigaflops = 1e-9 * SUMS * CHAINS * 32 / (seconds_now() - began);
    kept = (a + b + c + d + e + f + g + h + i + j + k + l)[0];
    pthread_barrier_wait(&gate);
    readings[core].taken = instructions_taken(PASSES);
}

static void *core_thread(void *core)
{
    core_read(core != NULL);
    return NULL;
}

static struct reading cores_read(void)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, core_thread, i == 0 ? NULL : &gate) != 0)
            exit(1);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return (struct reading){readings[0].gigaflops + readings[1].gigaflops,
                            readings[0].taken < readings[1].taken ? readings[0].taken : readings[1].taken};
}

/* Rest, look, work, look. */
static void rested(const char *what, void (*work)(void *self), void *self)
{
    nanosleep(&(struct timespec){.tv_nsec = REST_NS}, NULL);
    struct reading before = cores_read();
    double began = seconds_now();
    work(self);
    double seconds = seconds_now() - began;
    struct reading after = cores_read();
    printf("%s %.3f ms  %.0f %.0f GFLOP/s  %.2f %.2f a ns\n", what, 1e3 * seconds, before.gigaflops,
           after.gigaflops, before.taken, after.taken);
    fflush(stdout);
}

/* ---- epochs ---- */

struct training {
    struct trainer *trainer;
    struct pool *pool;
};

static void epoch_work(void *self)
{
    const struct training *training = self;
    static atomic_bool stop;
    struct epoch_metrics metrics;
    struct err err = {0};
    must(trainer_run(training->trainer, training->pool, &stop, 0, &metrics, &err) == TRAIN_EPOCH, &err);
}

static void epochs(int rounds, const char *csv, const char *path)
{
    struct err err = {0};
    int fd = open(csv, O_RDONLY);
    if (fd < 0) {
        perror(csv);
        exit(1);
    }
    must(table_ingest(fd, &(struct csv_options){.n_threads = 2}, path, NULL, NULL, &err), &err);
    close(fd);
    struct table *table = table_open(path, &err);
    must(table != NULL, &err);
    unlink(path);
    uint64_t n = table_n_rows(table);
    uint32_t *rows = malloc(n * sizeof *rows);
    for (uint64_t i = 0; rows != NULL && i < n; i++)
        rows[i] = (uint32_t)i;
    struct recipe *recipe = recipe_fit(table, rows, n, &(struct recipe_options){.target = "label"}, &err);
    must(recipe != NULL, &err);
    struct binding *binding = recipe_bind(recipe, table, true, &err);
    must(binding != NULL, &err);
    struct rows train = {.binding = binding, .rows = rows, .n_rows = n},
                none = {.binding = binding, .rows = rows};
    struct train_options options = train_options_default();
    options.layers[0] = (struct layer){.units = 128, .activation = ACTIVATION_RELU};
    options.layers[1] = (struct layer){.units = 64, .activation = ACTIVATION_RELU};
    options.layers[2] = (struct layer){.units = recipe->n_classes, .activation = ACTIVATION_SOFTMAX};
    options.n_layers = 3;
    options.batch_size = 128;
    options.epochs = (uint32_t)rounds + 1;
    options.seed = 1;
    struct training trainings[2];
    for (uint32_t i = 0; i < 2; i++) {
        trainings[i] =
            (struct training){trainer_new(recipe, &train, &none, &options, &err), pool_new(2 - i, 0, &err)};
        must(trainings[i].trainer != NULL && trainings[i].pool != NULL, &err);
        epoch_work(&trainings[i]);
    }
    for (int r = 0; r < rounds; r++) {
        rested("threads-2", epoch_work, &trainings[0]);
        rested("threads-1", epoch_work, &trainings[1]);
    }
    for (int i = 0; i < 2; i++) {
        pool_free(trainings[i].pool);
        trainer_free(trainings[i].trainer);
    }
    binding_free(binding);
    recipe_free(recipe);
    table_unref(table);
    free(rows);
}

/* ---- products ---- */

#define ROWS 128
#define N_LAYERS 6
static const uint32_t units[N_LAYERS + 1] = {
    784, 2512, 2000, 1504, 1008, 512, 16}; /* multiples of 16, as the network lays them out */

struct products {
    struct pool *pool;
    float *a[N_LAYERS + 1], *d[N_LAYERS + 1]; /* (ROWS, units) */
    float *w[N_LAYERS];                       /* panels: (units in, units out) in all */
    float *scratch[2], *g[2];                 /* each thread's */
    atomic_uint next[N_LAYERS];               /* block of sixteen weight rows */
};

static float *floats(size_t n)
{
    float *x = aligned_zeros(n, sizeof *x);
    for (size_t i = 0; x != NULL && i < n; i++)
        x[i] = (float)(i * 2654435761u % 1000) * 1e-5f;
    return x != NULL ? x : (exit(1), NULL);
}

/* As a step does them: forward and deltas of half of the rows, then gradients
 * of blocks of weights. */
static void products_worker(void *self, uint32_t worker)
{
    struct products *p = self;
    const struct kernels *kernels = kernels_get();
    const float *const soon[3] = {NULL, NULL, NULL};
    uint32_t first = worker * ROWS / 2;
    for (int l = 0; l < N_LAYERS; l++)
        kernels->forward(p->a[l] + first * units[l], units[l], ROWS / 2, p->w[l], p->w[l], units[l],
                         units[l + 1], true, p->a[l + 1] + first * units[l + 1], units[l + 1]);
    for (int l = N_LAYERS - 1; l > 0; l--)
        kernels->delta(p->d[l + 1] + first * units[l + 1], units[l + 1], ROWS / 2, p->w[l], units[l],
                       units[l + 1], p->a[l] + first * units[l], DERIVATIVE_RELU, p->d[l] + first * units[l],
                       units[l], p->scratch[worker]);
    pool_barrier(p->pool);
    for (int l = 0; l < N_LAYERS; l++) {
        uint32_t n_panels = (units[l + 1] + KERNEL_PANEL - 1) / KERNEL_PANEL, n = units[l] / 16 * n_panels, i;
        while ((i = atomic_fetch_add(&p->next[l], 1)) < n) {
            uint32_t panel = i / (units[l] / 16) * KERNEL_PANEL, k = i % (units[l] / 16) * 16,
                     left = units[l + 1] - panel;
            kernels->gradient(p->a[l] + k, units[l], p->d[l + 1] + panel, units[l + 1], ROWS,
                              left < KERNEL_PANEL ? left : KERNEL_PANEL, soon, p->g[worker]);
        }
    }
}

static void products_work(void *self)
{
    struct products *p = self;
    for (int l = 0; l < N_LAYERS; l++)
        atomic_store(&p->next[l], 0);
    memset(p->g[0], 0, 16 * KERNEL_PANEL * sizeof(float));
    memset(p->g[1], 0, 16 * KERNEL_PANEL * sizeof(float));
    pool_run(p->pool, products_worker, p);
}

static void products(int rounds)
{
    struct err err = {0};
    struct products p = {.pool = pool_new(2, 0, &err)};
    double flops = 0;
    char what[32];
    must(p.pool != NULL, &err);
    for (int l = 0; l <= N_LAYERS; l++) {
        p.a[l] = floats((size_t)ROWS * units[l] + 64);
        p.d[l] = floats((size_t)ROWS * units[l] + 64);
        if (l < N_LAYERS) {
            p.w[l] = floats((size_t)units[l] * units[l + 1]);
            flops += (l == 0 ? 4.0 : 6.0) * ROWS * units[l] * units[l + 1];
        }
    }
    for (int i = 0; i < 2; i++) {
        p.scratch[i] = floats((size_t)(2512 + 32) * ROWS);
        p.g[i] = floats((size_t)16 * KERNEL_PANEL);
    }
    snprintf(what, sizeof what, "products-%.3f-GFLOP", 1e-9 * flops);
    products_work(&p);
    for (int r = 0; r < rounds; r++)
        rested(what, products_work, &p);
    pool_free(p.pool);
}

int main(int argc, char **argv)
{
    int rounds = argc > 2 ? atoi(argv[2]) : 0;
    bool of_epochs = argc == 5 && strcmp(argv[1], "epoch") == 0;
    if (rounds < 1 || pthread_barrier_init(&gate, NULL, 2) != 0 ||
        (!of_epochs && (argc != 3 || strcmp(argv[1], "products") != 0))) {
        fprintf(stderr, "usage: rested epoch ROUNDS FILE.csv TABLE | rested products ROUNDS\n");
        return 2;
    }
    if (of_epochs)
        epochs(rounds, argv[3], argv[4]);
    else
        products(rounds);
    return 0;
}
