/* A training's state as bytes: a run that is broken off anywhere and taken over
 * by another trainer ends with the same bits; bytes that are not such a state
 * are refused. */
#include "helper_main.h"
#include "mlp/cpu.h"
#include "mlp/csv.h"
#include "mlp/ingest.h"
#include "train/private.h"

#include <check.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define N_ROWS 700
#define N_TRAIN 650
#define EPOCHS_MAX 12

/* How many epochs are stopped again and again, and at each how-manieth stop
 * another trainer takes over: sanitizers make a new trainer's memory many times
 * slower than the steps. */
#ifdef __SANITIZE_THREAD__
#define STOPPED_EPOCHS 3
#define TAKE_OVER 11
#elif defined(__SANITIZE_ADDRESS__)
#define STOPPED_EPOCHS EPOCHS_MAX
#define TAKE_OVER 5
#else
#define STOPPED_EPOCHS EPOCHS_MAX
#define TAKE_OVER 1
#endif

struct fixture {
    struct table *table;
    struct recipe *recipe;
    struct binding *binding;
    uint32_t rows[N_ROWS];
};

static struct err err;
static atomic_bool stop;

static void must(bool ok)
{
    ck_assert_msg(ok, "%s", err.msg);
}

/* Images of 289 bytes, four fifths of them zero, or five decimal numbers; three
 * classes. */
static char *csv_make(bool images)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    uint32_t seed = 5, columns = images ? 289 : 5;
    for (uint32_t k = 0; k < columns; k++)
        fprintf(out, "x%u,", k);
    fprintf(out, "y\n");
    for (uint32_t i = 0; i < N_ROWS; i++) {
        for (uint32_t k = 0; k < columns; k++) {
            seed = seed * 1664525u + 1013904223u;
            uint32_t draw = seed >> 8;
            bool ink = draw % 100 < (k % 3 == i % 3 ? 50 : 10);
            if (images)
                fprintf(out, "%u,", i == 0 && k == 0 ? 255 : ink ? draw / 100 % 256 : 0);
            else
                fprintf(out, "%.4f,", (double)draw / (1 << 24) + (k % 3 == i % 3));
        }
        fprintf(out, "%c\n", 'a' + (int)(i % 3));
    }
    fclose(out);
    return text;
}

static void fixture_init(struct fixture *f, bool images)
{
    char path[] = "/tmp/mlp-checkpoint-XXXXXX", table[64], *csv = csv_make(images);
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    unlink(path);
    ck_assert_int_eq(write(fd, csv, strlen(csv)), (ssize_t)strlen(csv));
    free(csv);
    snprintf(table, sizeof table, "%s.table", path);
    must(table_ingest(fd, &(struct csv_options){.header = 1}, table, NULL, NULL, &err));
    close(fd);
    must((f->table = table_open(table, &err)) != NULL);
    unlink(table);
    for (uint32_t i = 0; i < N_ROWS; i++)
        f->rows[i] = i;
    must((f->recipe = recipe_fit(f->table, f->rows, N_ROWS, &(struct recipe_options){.target = "y"}, &err)) !=
         NULL);
    ck_assert(f->recipe->bytes == images);
    must((f->binding = recipe_bind(f->recipe, f->table, true, &err)) != NULL);
}

static void fixture_done(struct fixture *f)
{
    binding_free(f->binding);
    recipe_free(f->recipe);
    table_unref(f->table);
}

static struct train_options options_plain(uint32_t units)
{
    struct train_options o = train_options_default();
    o.layers[0] = (struct layer){.units = units, .activation = ACTIVATION_RELU};
    o.layers[1] = (struct layer){.units = 3, .activation = ACTIVATION_SOFTMAX};
    o.n_layers = 2;
    o.epochs = 3;
    o.batch_size = 77;
    return o;
}

/* Everything on that leaves something behind from one step, or epoch, to the
 * next. */
static struct train_options options_all(uint32_t units)
{
    struct train_options o = options_plain(units);
    o.layers[0].dropout = 0.3f;
    o.layers[0].norms = 1;
    o.input_dropout = 0.1f;
    o.optimizer = OPTIMIZER_NADAM;
    o.learning_rate = 0.03f;
    o.schedule = (struct schedule){.kind = SCHEDULE_REDUCE_ON_PLATEAU, .patience = 1};
    o.clipnorm = 0.5f;
    o.global_clipnorm = 0.6f;
    o.clipvalue = 0.1f;
    o.max_norm = 2;
    o.l2 = 1e-4f;
    o.weight_decay = 0.01f;
    o.early_stopping = (struct early_stopping){.on = true, .patience = 2, .restore_best = true};
    o.epochs = EPOCHS_MAX;
    return o;
}

static struct trainer *trainer_of(const struct fixture *f, const struct train_options *o)
{
    struct rows train = {.binding = f->binding, .rows = f->rows, .n_rows = N_TRAIN},
                validation = {.binding = f->binding, .rows = f->rows + N_TRAIN, .n_rows = N_ROWS - N_TRAIN};
    struct trainer *trainer = trainer_new(f->recipe, &train, &validation, o, &err);
    must(trainer != NULL);
    return trainer;
}

static void *state_of(const struct trainer *trainer, size_t *n)
{
    size_t most = trainer_save_size(trainer);
    void *bytes = malloc(most);
    ck_assert_ptr_nonnull(bytes);
    *n = trainer_save(trainer, bytes);
    ck_assert_uint_le(*n, most);
    train_state_seal(bytes, *n);
    return bytes;
}

/* What was restored is saved to the same bytes: all of the state comes and
 * goes. */
static void state_is(const struct trainer *trainer, const void *bytes, size_t n)
{
    size_t n_again;
    void *again = state_of(trainer, &n_again);
    ck_assert_uint_eq(n, n_again);
    ck_assert_mem_eq(bytes, again, n);
    free(again);
}

/* The trainer dies and another goes on from its state. */
static struct trainer *taken_over(struct trainer *trainer, const struct fixture *f,
                                  const struct train_options *o)
{
    size_t n;
    void *bytes = state_of(trainer, &n);
    struct train_place place;
    must(train_state_look(bytes, n, &place, &err));
    ck_assert(place.epoch == trainer_epoch(trainer));
    struct trainer *next = trainer_of(f, o);
    next->config.window = trainer->config.window;
    must(trainer_restore(next, bytes, n, &err));
    state_is(next, bytes, n);
    free(bytes);
    trainer_free(trainer);
    return next;
}

struct outcome {
    struct trainer *trainer;
    struct epoch_metrics epochs[EPOCHS_MAX];
    uint32_t n_epochs, n_slices, n_chunks,
        n_added; /* slices: all, that ended within a step, with some outcomes added up */
};

/* Run to the end; broken: each slice is one chunk long, and ends in a
 * take-over. */
static struct outcome run(const struct fixture *f, const struct train_options *o, bool broken,
                          uint32_t n_threads)
{
    struct outcome out = {.trainer = trainer_of(f, o)};
    if (broken) /* outcomes are added up several times an epoch, not once at its end */
        out.trainer->config.window = 2 * out.trainer->config.chunk_rows;
    struct pool *pool = pool_new(n_threads, 0, &err);
    must(pool != NULL);
    enum train_state state;
    do {
        struct epoch_metrics metrics;
        state = trainer_run(out.trainer, pool, &stop, broken ? 1 : 0, &metrics, &err);
        ck_assert_msg(state != TRAIN_FAILED, "%s", err.msg);
        if (state == TRAIN_EPOCH)
            out.epochs[out.n_epochs++] = metrics;
        out.n_slices += state == TRAIN_SLICE;
        out.n_chunks += out.trainer->state.chunk > 0;
        out.n_added += out.trainer->state.outcomes.sums.n > 0;
        if (broken)
            out.trainer = taken_over(out.trainer, f, o);
    } while (state != TRAIN_DONE);
    pool_free(pool);
    return out;
}

static void outcomes_equal(const struct outcome *a, const struct outcome *b)
{
    const struct network *p = trainer_network(a->trainer), *q = trainer_network(b->trainer);
    ck_assert_uint_eq(a->n_epochs, b->n_epochs);
    for (uint32_t i = 0; i < a->n_epochs; i++) {
        const struct epoch_metrics *x = &a->epochs[i], *y = &b->epochs[i];
        ck_assert_uint_eq(x->epoch, y->epoch);
        ck_assert_mem_eq(x->train, y->train, sizeof x->train);
        ck_assert_mem_eq(x->validation, y->validation, sizeof x->validation);
        ck_assert(x->learning_rate == y->learning_rate);
    }
    ck_assert_uint_eq(trainer_best_epoch(a->trainer), trainer_best_epoch(b->trainer));
    ck_assert_mem_eq(p->params, q->params, p->n_floats * sizeof(float));
}

static void broken_equals_whole(const struct fixture *f, const struct train_options *o, uint32_t n_slices,
                                bool chunks)
{
    struct outcome whole = run(f, o, false, 1), broken = run(f, o, true, 2);
    ck_assert_uint_ge(broken.n_slices, n_slices);
    ck_assert(chunks == (broken.n_chunks > 0));
    ck_assert(whole.n_added == 0 && broken.n_added > 0);
    outcomes_equal(&whole, &broken);
    trainer_free(whole.trainer);
    trainer_free(broken.trainer);
}

START_TEST(a_run_taken_over_at_every_step_ends_with_the_same_bits)
{
    struct fixture f;
    fixture_init(&f, _i % 2);
    struct train_options o = _i < 2 ? options_all(40) : options_plain(40);
    if (_i >= 2)
        o.optimizer = _i == 2 ? OPTIMIZER_SGD : OPTIMIZER_ADAM;
    broken_equals_whole(&f, &o, 16, false);
    fixture_done(&f);
}
END_TEST

START_TEST(a_run_taken_over_within_a_full_batch_ends_with_the_same_bits)
{
    struct fixture f;
    fixture_init(&f, _i % 2);
    struct train_options o = _i < 2 ? options_all(2101) : options_plain(2101);
    o.batch_size = 0;
    o.epochs = 4;
    broken_equals_whole(&f, &o, 4, true);
    fixture_done(&f);
}
END_TEST

/* Sets `stop` a little while after each run has begun, asleep: the workers need
 * the processors. */
static atomic_bool over;
static sem_t begun;
static void *stopper(void *self)
{
    uint32_t seed = 7;
    (void)self;
    while (sem_wait(&begun) == 0 && !atomic_load(&over)) {
        seed = seed * 1664525u + 1013904223u;
        nanosleep(&(struct timespec){.tv_nsec = seed >> 13}, NULL); /* half a millisecond at most */
        atomic_store(&stop, true);
    }
    return NULL;
}

/* Train to the end, stopped again and again; seen[phase]: how often within
 * it. */
static struct trainer *run_stopped(const struct fixture *f, const struct train_options *o, struct pool *pool,
                                   uint32_t seen[N_PHASES + 1])
{
    struct trainer *trainer = trainer_of(f, o);
    struct epoch_metrics metrics;
    enum train_state state;
    uint32_t n_stops = 0;
    trainer->config.long_chunks = true;
    do {
        atomic_store(&stop, false);
        sem_post(&begun);
        state = trainer_run(trainer, pool, &stop, 0, &metrics, &err);
        ck_assert_msg(state != TRAIN_FAILED, "%s", err.msg);
        seen[trainer->run.phase]++;
        ck_assert(trainer_can_save(trainer) ==
                  (trainer->run.phase == PHASE_ROWS || trainer->run.phase == N_PHASES));
        if (trainer_can_save(trainer) && state == TRAIN_SLICE && ++n_stops % TAKE_OVER == 0) {
            trainer = taken_over(trainer, f, o);
            trainer->config.long_chunks = true;
        }
    } while (state != TRAIN_DONE);
    return trainer;
}

/* Numbers, and images: halving their inputs changes the rows' phase alone. */
START_TEST(a_stop_in_the_midst_of_any_phase_changes_no_bit)
{
    struct fixture f;
    pthread_t thread;
    bool images = _i == 1;
    fixture_init(&f, images);
    struct train_options o = options_all(300);
    o.epochs = STOPPED_EPOCHS;
    o.input_dropout = images ? 0 : o.input_dropout; /* else no input counts as zero */
    uint32_t seen[N_PHASES + 1] = {0};
    struct outcome whole = run(&f, &o, false, 1);
    struct pool *pool = pool_new(2, 0, &err);
    must(pool != NULL);
    ck_assert_int_eq(sem_init(&begun, 0, 0), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, stopper, NULL), 0);
    bool enough = false;
    for (int i = 0; i < 200 && !enough; i++) {
        struct outcome stopped = {.trainer = run_stopped(&f, &o, pool, seen)};
        ck_assert(stopped.trainer->run.split_k == images);
        ck_assert_mem_eq(trainer_network(whole.trainer)->params, trainer_network(stopped.trainer)->params,
                         trainer_network(whole.trainer)->n_floats * sizeof(float));
        trainer_free(stopped.trainer);
        enough = seen[PHASE_ROWS] && (images || (seen[PHASE_GRADIENT] && seen[PHASE_UPDATE]));
    }
    atomic_store(&over, true);
    sem_post(&begun);
    pthread_join(thread, NULL);
    sem_destroy(&begun);
    atomic_store(&stop, false);
    ck_assert_msg(enough, "stopped in rows %u, gradient %u, update %u", seen[PHASE_ROWS],
                  seen[PHASE_GRADIENT], seen[PHASE_UPDATE]);
    trainer_free(whole.trainer);
    pool_free(pool);
    fixture_done(&f);
}
END_TEST

START_TEST(early_stopping_and_plateaus_remember_what_they_saw)
{
    struct fixture f;
    fixture_init(&f, false);
    struct train_options o = options_all(40);
    o.learning_rate = 0.2f; /* far too much: it gets worse soon */
    struct outcome whole = run(&f, &o, false, 1), broken = run(&f, &o, true, 1);
    ck_assert_uint_lt(whole.n_epochs, EPOCHS_MAX); /* it did stop early */
    ck_assert_uint_gt(whole.trainer->state.reductions, 0);
    ck_assert_uint_eq(whole.trainer->state.reductions, broken.trainer->state.reductions);
    outcomes_equal(&whole, &broken);
    trainer_free(whole.trainer);
    trainer_free(broken.trainer);
    fixture_done(&f);
}
END_TEST

/* One slice into a training; its sealed state. */
static void *state_begun(const struct fixture *f, const struct train_options *o, size_t *n)
{
    struct trainer *trainer = trainer_of(f, o);
    struct pool *pool = pool_new(1, 0, &err);
    struct epoch_metrics metrics;
    must(pool != NULL);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(trainer_run(trainer, pool, &stop, 1, &metrics, &err), TRAIN_SLICE);
    void *bytes = state_of(trainer, n);
    trainer_free(trainer);
    pool_free(pool);
    return bytes;
}

static void refused(struct trainer *trainer, const void *bytes, size_t n, enum err_code code,
                    const char *word)
{
    float first = trainer_network(trainer)->params[0];
    err = (struct err){0};
    ck_assert(!trainer_restore(trainer, bytes, n, &err));
    ck_assert_msg(err.code == code && strstr(err.msg, word), "code %d: %s", (int)err.code, err.msg);
    ck_assert(trainer_fraction(trainer) == 0 && trainer_network(trainer)->params[0] == first); /* as it was */
}

START_TEST(damaged_bytes_are_refused)
{
    struct fixture f;
    size_t n;
    fixture_init(&f, false);
    struct train_options o = options_plain(4);
    char *bytes = state_begun(&f, &o, &n);
    struct trainer *trainer = trainer_of(&f, &o);
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (char)(bytes[i] ^ 0x10);
        err = (struct err){0};
        ck_assert_msg(!trainer_restore(trainer, bytes, n, &err) && err.code != ERR_OK, "byte %zu", i);
        bytes[i] = (char)(bytes[i] ^ 0x10);
    }
    for (size_t cut = 0; cut < n; cut++) {
        char *short_one = malloc(cut + !cut); /* its own allocation: a look beyond it would be seen */
        memcpy(short_one, bytes, cut);
        refused(trainer, short_one, cut, ERR_CORRUPT, "");
        free(short_one);
    }
    must(trainer_restore(trainer, bytes, n, &err)); /* it was not refused for something else */
    trainer_free(trainer);
    free(bytes);
    fixture_done(&f);
}
END_TEST

/* Sealed bytes with any word changed: what gets through must leave a trainer
 * that runs within its bounds. */
START_TEST(sealed_nonsense_is_refused_or_harmless)
{
    static const uint64_t words[] = {
        0, 1, 2, 0xffff, 0x7fffffff, 0xffffffff, 0x7fffffffffffffff, UINT64_MAX, 0x7ff8000000000000};
    struct fixture f;
    size_t n;
    fixture_init(&f, false);
    struct train_options o = options_all(4);
    char *bytes = state_begun(&f, &o, &n), *changed = malloc(n);
    struct pool *pool = pool_new(1, 0, &err);
    unsigned n_refused = 0, n_taken = 0;
    for (size_t at = 0; at + 8 <= 400 && at + 8 <= n; at += 8)
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            struct epoch_metrics metrics;
            struct trainer *trainer = trainer_of(&f, &o);
            memcpy(changed, bytes, n);
            memcpy(changed + at, &words[i], 8);
            if (at != 16)
                train_state_seal(changed, n);
            bool taken = trainer_restore(trainer, changed, n, &err);
            n_taken += taken;
            n_refused += !taken;
            for (int k = 0; taken && k < 20; k++)
                if (trainer_run(trainer, pool, &stop, 1, &metrics, &err) >= TRAIN_DONE)
                    break;
            trainer_free(trainer);
        }
    ck_assert_uint_gt(n_refused, 200);
    ck_assert_uint_gt(n_taken, 0);
    pool_free(pool);
    free(bytes);
    free(changed);
    fixture_done(&f);
}
END_TEST

/* The numbers of a state's head that do not depend on machine and build: they
 * stay as long as its version does. */
START_TEST(a_state_has_the_bytes_of_its_version)
{
    struct fixture f;
    size_t n;
    fixture_init(&f, _i);
    ck_assert(kernels_force("generic"));
    struct train_options o = options_all(40);
    o.input_dropout = 0;
    char *bytes = state_begun(&f, &o, &n);
    uint64_t options, version = 0;
    ck_assert_mem_eq(bytes, "mlpstate", 8);
    memcpy(&version, bytes + 12, 4);
    memcpy(&options, bytes + 80, sizeof options);
    ck_assert_uint_eq(version, 3);
    ck_assert_uint_eq(options, _i ? 1161437702503723282u : 14316897000705145420u);
    ck_assert_uint_eq(n, _i ? 248680 : 52072);
    ck_assert(kernels_force(NULL));
    free(bytes);
    fixture_done(&f);
}
END_TEST

START_TEST(the_state_of_another_training_is_refused)
{
    struct fixture f;
    size_t n;
    fixture_init(&f, false);
    struct train_options o = options_plain(8), other[8];
    void *bytes = state_begun(&f, &o, &n);
    for (int i = 0; i < 8; i++)
        other[i] = o;
    other[0].layers[0].units = 9; /* the same size, padded */
    other[1].seed = 2;
    other[2].optimizer = OPTIMIZER_NADAM;
    other[3].learning_rate = 0.5f;
    other[4].batch_size = 76;
    other[5].epochs = 4;
    other[6].layers[0].activation = ACTIVATION_TANH;
    other[7].layers[0].dropout = 0.5f;
    for (int i = 0; i < 8; i++) {
        struct trainer *trainer = trainer_of(&f, &other[i]);
        refused(trainer, bytes, n, ERR_CONFLICT, "of another training");
        trainer_free(trainer);
    }
    free(bytes);
    fixture_done(&f);
}
END_TEST

START_TEST(the_state_of_another_instruction_set_or_build_is_refused)
{
    struct fixture f;
    struct train_place place;
    size_t n;
    if (!strcmp(kernels_name(), "generic"))
        return; /* there is no lower one to come from */
    fixture_init(&f, false);
    struct train_options o = options_plain(8);
    ck_assert(kernels_force("generic"));
    char *bytes = state_begun(&f, &o, &n);
    ck_assert(kernels_force(NULL));
    struct trainer *trainer = trainer_of(&f, &o);
    refused(trainer, bytes, n, ERR_CONFLICT, "instruction set generic");
    ck_assert(!train_state_look(bytes, n, &place, &err) && err.code == ERR_CONFLICT);
    ck_assert(kernels_force("generic"));
    bool some = false;
    for (size_t i = 48; i < 80; i++) /* the build's number: twenty bytes that the linker wrote */
        some |= bytes[i] != 0;
    ck_assert(some);
    bytes[48] = (char)(bytes[48] ^ 1);
    train_state_seal(bytes, n);
    refused(trainer, bytes, n, ERR_CONFLICT, "another build");
    trainer_free(trainer);
    free(bytes);
    fixture_done(&f);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("checkpoint");
    TCase *tests = tcase_create("state");
    tcase_set_timeout(tests, 90); /* a limit for what hangs: the longest takes 20 s with the thread sanitizer,
                                     more beside a compiler */
    tcase_add_loop_test(tests, a_run_taken_over_at_every_step_ends_with_the_same_bits, 0, 4);
    tcase_add_loop_test(tests, a_run_taken_over_within_a_full_batch_ends_with_the_same_bits, 0, 4);
    tcase_add_loop_test(tests, a_stop_in_the_midst_of_any_phase_changes_no_bit, 0, 2);
    tcase_add_test(tests, early_stopping_and_plateaus_remember_what_they_saw);
    tcase_add_test(tests, damaged_bytes_are_refused);
    tcase_add_test(tests, sealed_nonsense_is_refused_or_harmless);
    tcase_add_loop_test(tests, a_state_has_the_bytes_of_its_version, 0, 2);
    tcase_add_test(tests, the_state_of_another_training_is_refused);
    tcase_add_test(tests, the_state_of_another_instruction_set_or_build_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
