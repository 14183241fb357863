/* Trained bits: small networks, one an option, whose weights and losses are the
 * same with every compiler, optimisation level, C library and number of
 * threads. A row holds what came out once; where it has to change, so does
 * every model that is trained again (CHANGELOG says it). */
#include "helper_main.h"
#include "helper_training.h"
#include "mlp/cpu.h"
#include "mlp/ensemble.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where multiply-adds are fused, AVX2 and NEON give the same bits; AVX-512
 * approximates the optimizers' roots and quotients. */
enum arithmetic { PLAIN, FUSED, AVX512 };

#if defined(__aarch64__)
#define GENERIC_ARITHMETIC FUSED
#else
#define GENERIC_ARITHMETIC PLAIN
#endif

static const struct {
    const char *kernels;
    enum arithmetic arithmetic;
} sets[] = {{"generic", GENERIC_ARITHMETIC}, {"avx2", FUSED}, {"avx512", AVX512}};
#define N_SETS (sizeof sets / sizeof *sets)

/* What is trained on. */
enum table_kind { CLASSES, NUMBERS, IMAGES, COLUMNS, COUNTS, TWO_CLASSES, N_TABLES };

#define N_ROWS 260
#define N_VALIDATION 50

/* Columns of every kind: a date, a long tail, categories, gaps. y: two classes,
 * or a count. */
static struct fixture fixture_columns(bool count)
{
    static const char *const colours[] = {"red", "green", "blue", ""};
    char *csv = malloc(N_ROWS * 96 + 64), *at = csv + sprintf(csv, "day,money,colour,size,y\n");
    for (int i = 0; i < N_ROWS; i++) {
        int a = i * 7919 % 257, b = i * 104729 % 1009;
        at += sprintf(at, "2023-%02d-%02dT%02d:%02d:00Z,%d,%s,", a % 12 + 1, b % 28 + 1, b % 24, a % 60,
                      b * b * (b % 7 == 0 ? 977 : 1), colours[(a + b) % 4]);
        at += b % 9 == 0 ? sprintf(at, ",") : sprintf(at, "%d.%02d,", a - 128, b % 100);
        at +=
            count ? sprintf(at, "%d\n", (a + b) % 31) : sprintf(at, "%s\n", a > 128 && b % 2 ? "yes" : "no");
    }
    struct fixture f = fixture_of(csv, count);
    free(csv);
    return f;
}

static struct fixture fixture_make(enum table_kind kind)
{
    switch (kind) {
    case IMAGES:
        return fixture_images(N_ROWS);
    case COLUMNS:
    case TWO_CLASSES:
        return fixture_columns(false);
    case COUNTS:
        return fixture_columns(true);
    case CLASSES:
    case NUMBERS:
    case N_TABLES:
        break;
    }
    return fixture_numbers(N_ROWS, kind == CLASSES);
}

/* ---- what a row of the table changes ---- */

static void plain(struct train_options *o, int which)
{
    (void)o, (void)which;
}

static void optimizer(struct train_options *o, int which)
{
    o->optimizer = (enum optimizer)which;
}

static void momentum(struct train_options *o, int which)
{
    o->optimizer = (enum optimizer)which;
    o->momentum = 0.9f;
}

static void nesterov(struct train_options *o, int which)
{
    momentum(o, which);
    o->nesterov = true;
}

static void activation(struct train_options *o, int which)
{
    o->optimizer = OPTIMIZER_SGD;
    for (uint32_t l = 0; l + 1 < o->n_layers; l++)
        o->layers[l].activation = (enum activation)which;
}

static void loss(struct train_options *o, int which)
{
    o->loss = (enum loss)which;
    if (which == LOSS_POISSON)
        o->layers[o->n_layers - 1].activation = ACTIVATION_SOFTPLUS;
    if (which == LOSS_BINARY_CROSSENTROPY)
        o->layers[o->n_layers - 1].activation = ACTIVATION_SIGMOID;
}

static void one_sigmoid(struct train_options *o, int which)
{
    (void)which;
    o->layers[o->n_layers - 1] = (struct layer){.units = 1, .activation = ACTIVATION_SIGMOID};
    o->label_smoothing = 0.1f;
}

static void smoothing(struct train_options *o, int which)
{
    (void)which;
    o->label_smoothing = 0.1f;
}

static void schedule(struct train_options *o, int which)
{
    o->schedule = (struct schedule){
        .kind = (enum schedule_kind)which, .step_epochs = 2, .patience = 1, .warmup_epochs = 1};
    o->epochs = 6;
}

static void initializer(struct train_options *o, int which)
{
    o->init = (enum initializer)which;
    o->stddev = 0.05f;
    o->epochs = 1;
}

static void layer_norm(struct train_options *o, int which)
{
    o->optimizer = OPTIMIZER_SGD;
    o->layers[0].norms = (uint32_t)which;
    o->layers[1].norms = 1;
}

static void dropout(struct train_options *o, int which)
{
    (void)which;
    o->layers[0].dropout = 0.3f;
    o->layers[1].dropout = 0.1f;
    o->input_dropout = 0.1f;
}

static void penalties(struct train_options *o, int which)
{
    (void)which;
    o->optimizer = OPTIMIZER_SGD;
    o->learning_rate = 0.1f;
    o->l1 = o->l2 = 1e-3f;
    o->max_norm = 1.5f;
    o->weight_decay = 0.01f;
    o->weight_decay_given = true;
}

static void clipping(struct train_options *o, int which)
{
    (void)which;
    o->clipnorm = 0.5f;
    o->global_clipnorm = 0.7f;
    o->clipvalue = 0.1f;
}

static void augmentation(struct train_options *o, int which)
{
    (void)which;
    o->augment = augment_default();
}

static void full_batch(struct train_options *o, int which)
{
    o->batch_size = 0;
    o->layers[0].units = (uint32_t)which;
}

static void stopping(struct train_options *o, int which)
{
    o->early_stopping = (struct early_stopping){.on = true, .patience = 2, .restore_best = true};
    o->learning_rate = 0.05f;
    o->epochs = (uint32_t)which;
}

static void ensemble(struct train_options *o, int which)
{
    o->members = (uint32_t)which;
}

static const struct trial {
    const char *name;
    enum table_kind table;
    void (*change)(struct train_options *o, int which);
    int which;
    uint32_t bits[3]; /* by enum arithmetic */
} trials[] = {
    {"adam", CLASSES, optimizer, OPTIMIZER_ADAM, {0x0f40c12d, 0x63dbd177, 0xaa81c468}},
    {"adamw", CLASSES, optimizer, OPTIMIZER_ADAMW, {0x670917e0, 0xcbb38626, 0x825e038f}},
    {"nadam", CLASSES, optimizer, OPTIMIZER_NADAM, {0xa2c7ba33, 0x8568e791, 0xa24d455f}},
    {"sgd", CLASSES, optimizer, OPTIMIZER_SGD, {0x0be865a2, 0x2c6482de, 0x2c6482de}},
    {"rmsprop", CLASSES, optimizer, OPTIMIZER_RMSPROP, {0x1abbb2e8, 0x87a92352, 0x3be73d37}},
    {"adagrad", CLASSES, optimizer, OPTIMIZER_ADAGRAD, {0x4896ed51, 0x378b75e4, 0x53da0388}},
    {"sgd with momentum", CLASSES, momentum, OPTIMIZER_SGD, {0x2fefc1da, 0x4a0ebbb8, 0x4a0ebbb8}},
    {"sgd with Nesterov's", CLASSES, nesterov, OPTIMIZER_SGD, {0x2a0101b8, 0x151c0716, 0x151c0716}},
    {"rmsprop with momentum", CLASSES, momentum, OPTIMIZER_RMSPROP, {0x06695f4a, 0x59b99293, 0xcf9d14e8}},
    {"linear", CLASSES, activation, ACTIVATION_LINEAR, {0xf87d5fb8, 0xf94d0adf, 0xf94d0adf}},
    {"relu", CLASSES, activation, ACTIVATION_RELU, {0x0be865a2, 0x2c6482de, 0x2c6482de}},
    {"leaky_relu", CLASSES, activation, ACTIVATION_LEAKY_RELU, {0x857d0410, 0xf921aeef, 0xf921aeef}},
    {"elu", CLASSES, activation, ACTIVATION_ELU, {0xcfc88edb, 0xb48de24f, 0xb48de24f}},
    {"selu", CLASSES, activation, ACTIVATION_SELU, {0xd4748c4b, 0xf611fdd7, 0xf611fdd7}},
    {"gelu", CLASSES, activation, ACTIVATION_GELU, {0x4905bf8e, 0x670e56dc, 0x670e56dc}},
    {"swish", CLASSES, activation, ACTIVATION_SWISH, {0x997149bb, 0x1698349b, 0x1698349b}},
    {"tanh", CLASSES, activation, ACTIVATION_TANH, {0xca280c0a, 0x48c19f10, 0x48c19f10}},
    {"sigmoid", CLASSES, activation, ACTIVATION_SIGMOID, {0xaa50c052, 0x29f56afd, 0x29f56afd}},
    {"softplus", CLASSES, activation, ACTIVATION_SOFTPLUS, {0x07bb1c90, 0xe28de0c3, 0xe28de0c3}},
    {"mse", NUMBERS, loss, LOSS_MSE, {0x8c1c7b7c, 0xb3c86c92, 0x74ea7342}},
    {"mae", NUMBERS, loss, LOSS_MAE, {0xa9fbec48, 0x40c0deeb, 0x9ac3c907}},
    {"huber", NUMBERS, loss, LOSS_HUBER, {0x13d2e708, 0xb961aaf7, 0xea81af14}},
    {"poisson", COUNTS, loss, LOSS_POISSON, {0x707ff3ef, 0x29b798a8, 0x673c4982}},
    {"mse of classes", CLASSES, loss, LOSS_MSE, {0x9a21a443, 0xce807fa4, 0x806a9a9e}},
    {"binary_crossentropy", CLASSES, loss, LOSS_BINARY_CROSSENTROPY, {0xda6a7028, 0xae30d9b6, 0xd5575472}},
    {"one sigmoid", TWO_CLASSES, one_sigmoid, 0, {0x32c7fc47, 0x30b3e3d9, 0x5c64492e}},
    {"label smoothing", CLASSES, smoothing, 0, {0x037f2f6b, 0x45b976df, 0x1388bee2}},
    {"constant", CLASSES, schedule, SCHEDULE_CONSTANT, {0x5834c8c7, 0x5b96356e, 0x0afbd4e7}},
    {"step", CLASSES, schedule, SCHEDULE_STEP, {0xcf8a985e, 0x10bbc322, 0x2ecdd429}},
    {"exponential", CLASSES, schedule, SCHEDULE_EXPONENTIAL, {0x181fc8e7, 0xcc96a32f, 0x19810911}},
    {"cosine", CLASSES, schedule, SCHEDULE_COSINE, {0x3a41cc1b, 0x0850961d, 0xb270d0ad}},
    {"reduce_on_plateau",
     CLASSES,
     schedule,
     SCHEDULE_REDUCE_ON_PLATEAU,
     {0xa1e5dde0, 0x9b52bd80, 0x372d7ee6}},
    {"one_cycle", CLASSES, schedule, SCHEDULE_ONE_CYCLE, {0x07ae8669, 0x78356db4, 0xda386345}},
    {"he_normal", CLASSES, initializer, INITIALIZER_HE_NORMAL, {0x74027263, 0xbb691b31, 0xe68c3283}},
    {"he_uniform", CLASSES, initializer, INITIALIZER_HE_UNIFORM, {0xecee3631, 0xbe45632d, 0x16b77969}},
    {"glorot_normal", CLASSES, initializer, INITIALIZER_GLOROT_NORMAL, {0x9b16c702, 0x0da54ca1, 0x7a33447f}},
    {"glorot_uniform",
     CLASSES,
     initializer,
     INITIALIZER_GLOROT_UNIFORM,
     {0xb0b99448, 0x7055297e, 0x976130b5}},
    {"lecun_normal", CLASSES, initializer, INITIALIZER_LECUN_NORMAL, {0x32d42db3, 0x6f2e6acf, 0x7b2ee86e}},
    {"lecun_uniform", CLASSES, initializer, INITIALIZER_LECUN_UNIFORM, {0xff17337a, 0xd8b91af5, 0xb21d732c}},
    {"normal", CLASSES, initializer, INITIALIZER_NORMAL, {0x4369ca47, 0x1e8f9110, 0xa9941918}},
    {"orthogonal", CLASSES, initializer, INITIALIZER_ORTHOGONAL, {0x6c034697, 0x816640fc, 0xf40e4d39}},
    {"layer norm", CLASSES, layer_norm, 1, {0x9e2c0f88, 0xdae1d1b0, 0xdae1d1b0}},
    {"layer norm in parts", IMAGES, layer_norm, 3, {0x004e9199, 0xf746718c, 0xf746718c}},
    {"dropout", CLASSES, dropout, 0, {0x57b2d944, 0xdb1b7217, 0x53561bcd}},
    {"penalties", NUMBERS, penalties, 0, {0xa40fa455, 0x18ed9c0d, 0x18ed9c0d}},
    {"clipping", NUMBERS, clipping, 0, {0x8256c4be, 0x2a394ebf, 0x663795f6}},
    {"sparse rows", IMAGES, plain, 0, {0x971bd297, 0x6af4d7c8, 0x9833f1d0}},
    {"sparse rows, sgd", IMAGES, optimizer, OPTIMIZER_SGD, {0xb84c99d6, 0xfa986668, 0xfa986668}},
    {"dense bytes", IMAGES, dropout, 0, {0x4509275b, 0x9536d179, 0x66ce4cef}},
    {"augmentation", IMAGES, augmentation, 0, {0x22b1fc35, 0x4dc421f8, 0xaa96411f}},
    {"full batch", IMAGES, full_batch, 333, {0x1c489635, 0xfb849e80, 0xc1ba0f76}},
    {"columns of every kind", COLUMNS, plain, 0, {0x9e5bf114, 0xd1ac1a32, 0x66aa078d}},
    {"early stopping", NUMBERS, stopping, 12, {0x27fafedf, 0xb9c1eca9, 0x6f9ddd06}},
    {"ensemble of classes", CLASSES, ensemble, 3, {0x9899ff80, 0xbe64d349, 0x71ebc746}},
    {"ensemble of numbers", NUMBERS, ensemble, 2, {0xc2dffcd8, 0x5643059d, 0xad3e1e6b}},
};
#define N_TRIALS (sizeof trials / sizeof *trials)

/* FNV-1a. */
static uint64_t hash(uint64_t sum, const void *data, size_t n)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < n; i++)
        sum = (sum ^ bytes[i]) * 0x100000001b3u;
    return sum;
}

static struct train_options trial_options(const struct trial *trial, const struct fixture *f)
{
    struct train_options o =
        options_of(f, (uint32_t[]){trial->table == IMAGES ? 99 : 45, 24}, 2, ACTIVATION_RELU);
    o.epochs = 3;
    o.batch_size = 32;
    o.seed = 5;
    o.learning_rate = 0.01f;
    trial->change(&o, trial->which);
    return o;
}

/* Train to the end: the hash of each epoch's losses and of the weights that
 * came out. */
static uint32_t trial_bits(const struct trial *trial, const struct fixture *f)
{
    struct err err = {0};
    struct train_options o = trial_options(trial, f);
    struct rows train = {.binding = f->binding, .rows = f->rows, .n_rows = N_ROWS - N_VALIDATION},
                validation = {.binding = f->binding, .rows = f->rows + train.n_rows, .n_rows = N_VALIDATION};
    struct ensemble *ensemble = ensemble_new(f->recipe, &train, &validation, &o, &err);
    must(ensemble != NULL, &err);
    struct pool *pool = pool_new(1, 0, &err);
    must(pool != NULL, &err);
    atomic_bool stop = false;
    struct epoch_metrics metrics;
    enum train_state state;
    uint64_t sum = 0xcbf29ce484222325u;
    while ((state = ensemble_run(ensemble, pool, &stop, 0, &metrics, &err)) == TRAIN_EPOCH) {
        sum = hash(sum, &metrics.train[METRIC_LOSS], sizeof(double));
        sum = hash(sum, &metrics.validation[METRIC_LOSS], sizeof(double));
    }
    must(state == TRAIN_DONE, &err);
    struct model *model = ensemble_model(ensemble, &err);
    must(model != NULL, &err);
    sum = hash(sum, model->network->params, model->network->n_floats * sizeof(float));
    model_unref(model);
    pool_free(pool);
    ensemble_free(ensemble);
    return (uint32_t)(sum >> 32) ^ (uint32_t)sum;
}

START_TEST(trained_bits_are_those_that_were_recorded)
{
    enum arithmetic arithmetic = sets[_i].arithmetic;
    if (!kernels_force(sets[_i].kernels))
        return; /* not on this machine */
    struct fixture fixtures[N_TABLES];
    size_t n_wrong = 0;
    for (int kind = 0; kind < N_TABLES; kind++)
        fixtures[kind] = fixture_make((enum table_kind)kind);
    for (size_t i = 0; i < N_TRIALS; i++) {
        uint32_t bits = trial_bits(&trials[i], &fixtures[trials[i].table]);
        if (bits == trials[i].bits[arithmetic])
            continue;
        n_wrong++;
        fprintf(stderr, "%s: %s kernels give 0x%08x, not 0x%08x\n", trials[i].name, sets[_i].kernels, bits,
                trials[i].bits[arithmetic]);
    }
    for (int kind = 0; kind < N_TABLES; kind++)
        fixture_done(&fixtures[kind]);
    ck_assert(kernels_force(NULL));
    ck_assert_msg(n_wrong == 0, "%zu of %zu trainings give other bits with the %s kernels", n_wrong, N_TRIALS,
                  sets[_i].kernels);
}
END_TEST

/* Without an optimizer that divides, AVX-512 gives the bits of AVX2. */
START_TEST(fused_sets_differ_only_where_an_optimizer_divides)
{
    struct fixture f = fixture_make(CLASSES), numbers = fixture_make(NUMBERS);
    for (size_t i = 0; i < N_TRIALS; i++) {
        struct train_options o = trial_options(&trials[i], trials[i].table == NUMBERS ? &numbers : &f);
        bool equal = trials[i].bits[FUSED] == trials[i].bits[AVX512];
        ck_assert_msg(equal == (o.optimizer == OPTIMIZER_SGD), "%s", trials[i].name);
        ck_assert_msg(trials[i].bits[PLAIN] != trials[i].bits[FUSED], "%s", trials[i].name);
    }
    fixture_done(&f);
    fixture_done(&numbers);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("bits");
    TCase *tc = tcase_create("bits");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, trained_bits_are_those_that_were_recorded, 0, N_SETS);
    tcase_add_test(tc, fused_sets_differ_only_where_an_optimizer_divides);
    suite_add_tcase(suite, tc);
    return suite;
}
