/* A trainer's state as bytes: what training changes, between any two chunks of
 * a batch, so that another trainer made alike goes on with the same bits.
 * Orders, dropout and noise are drawn from (seed, epoch, row): there is no
 * generator to save.
 *
 * Layout: struct head, then arrays of floats: parameters, optimizer state, best
 * weights, gradients of the step's chunks so far; then the counts and outputs
 * of the outcomes, and the scores that are not in them yet. All in the
 * machine's own byte order, which the head shows: who reads it must have the
 * same kernels anyway.
 * Threads: as the trainer's; train_state_seal and train_state_look any. */
#define _GNU_SOURCE /* dl_iterate_phdr */
#include "mlp/cpu.h"
#include "table/file.h"
#include "train/private.h"

#include <elf.h>
#include <link.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#define MAGIC "mlpstate"
#define VERSION 3u
#define BYTE_ORDER_MARK 0x01020304u

/* No padding: every byte of it is written. */
struct head {
    char magic[8];
    uint32_t byte_order, version;
    uint64_t checksum; /* of all bytes after this field */
    uint64_t n_bytes;  /* of all */
    char kernels[16];
    uint8_t build[32];
    uint64_t options; /* checksum of what the trainer was made with */
    uint64_t n_train, n_validation;
    uint64_t n_floats;
    uint64_t n_arrays; /* of n_floats floats each */
    uint64_t n_scores; /* the epoch's rows so far that are not in the outcomes */
    uint64_t epoch, step, chunk;
    uint64_t reductions, waited, best_epoch, finished;
    double monitored, best_score, seconds;
    double first_loss, lowest_loss, last_loss;
    uint64_t lowest_epoch;
    struct outcome_sums outcomes;
};
#define SEALED_AT offsetof(struct head, n_bytes)

/* ---- who made it ---- */

/* The GNU build-id note among n bytes of notes; false where it is not there. */
static bool note_find(const char *notes, size_t n, uint8_t build[32])
{
    for (size_t at = 0; at + sizeof(ElfW(Nhdr)) <= n;) {
        const ElfW(Nhdr) *note = (const void *)(notes + at);
        size_t name_at = at + sizeof *note, text_at = name_at + ((note->n_namesz + 3u) & ~3u);
        if (text_at + note->n_descsz > n)
            return false;
        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
            memcmp(notes + name_at, "GNU", 4) == 0) {
            memcpy(build, notes + text_at, note->n_descsz < 32 ? note->n_descsz : 32);
            return true;
        }
        at = text_at + ((note->n_descsz + 3u) & ~3u);
    }
    return false;
}

/* The first object is the program itself, which holds the engine. */
static int object_look(struct dl_phdr_info *object, size_t size, void *build)
{
    (void)size;
    for (unsigned i = 0; i < object->dlpi_phnum; i++)
        if (object->dlpi_phdr[i].p_type == PT_NOTE &&
            note_find((const char *)(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr),
                      object->dlpi_phdr[i].p_memsz, build))
            return 1;
    return 1;
}

/* Which build this is: the linker's note (the build asks for it); all zero
 * without one. */
static void build_id(uint8_t build[32])
{
    memset(build, 0, 32);
    (void)dl_iterate_phdr(object_look, build);
}

static uint64_t mix(uint64_t sum, const void *bytes, size_t n)
{
    uint64_t parts[2] = {sum * 0x9e3779b97f4a7c15u + n, table_checksum(bytes, n)};
    return table_checksum(parts, sizeof parts);
}

/* The options as they were filled in, field by field: a struct's padding says
 * nothing. */
static uint64_t options_sum(const struct trainer_config *config)
{
    const struct train_options *o = &config->options;
    const uint32_t numbers[] = {config->recipe->n_inputs,
                                o->n_layers,
                                o->loss,
                                o->optimizer,
                                o->nesterov,
                                o->schedule.kind,
                                o->schedule.patience,
                                o->init,
                                o->schedule.step_epochs,
                                o->batch_size,
                                o->epochs,
                                o->schedule.warmup_epochs,
                                o->shuffle,
                                config->batch_size,
                                o->early_stopping.on,
                                config->chunk_rows,
                                config->sparse,
                                o->early_stopping.monitor,
                                config->recipe->task,
                                config->prepares,
                                o->early_stopping.patience,
                                config->recipe->n_classes,
                                config->clips_norm,
                                o->early_stopping.restore_best,
                                o->early_stopping.of_train};
    const float rates[] = {o->label_smoothing,
                           o->learning_rate,
                           o->beta_1,
                           o->beta_2,
                           o->epsilon,
                           o->rho,
                           o->momentum,
                           o->weight_decay,
                           o->schedule.gamma,
                           o->clipvalue,
                           o->schedule.min_rate,
                           o->clipnorm,
                           o->global_clipnorm,
                           o->l1,
                           o->l2,
                           o->max_norm,
                           o->input_dropout,
                           o->early_stopping.min_delta,
                           o->stddev};
    uint64_t sum = mix(o->seed, numbers, sizeof numbers);
    sum = mix(sum, rates, sizeof rates);
    sum = mix(sum, &o->augment, sizeof o->augment); /* numbers of four bytes, no padding */
    for (uint32_t l = 0; l < o->n_layers; l++) {
        const uint32_t shape[3] = {o->layers[l].units, o->layers[l].activation, o->layers[l].norms};
        sum = mix(mix(sum, shape, sizeof shape), &o->layers[l].dropout, sizeof o->layers[l].dropout);
    }
    return sum;
}

/* ---- out ---- */

/* The epoch's rows whose outcomes are known: those before the position. */
static uint64_t rows_done(const struct trainer_config *config, uint64_t step, uint64_t chunk)
{
    uint64_t rows = step * config->batch_size + chunk * config->chunk_rows;
    return rows < config->train.n_rows ? rows : config->train.n_rows;
}

/* The arrays of n_floats that make up the state, at a position within a step
 * (chunk > 0) or between two. */
static uint32_t arrays_list(const struct trainer_state *state, uint64_t chunk, float *arrays[5])
{
    float *const all[5] = {state->network->params, state->moments[0], state->moments[1], state->best,
                           chunk > 0 ? state->gradients : NULL};
    uint32_t n = 0;
    for (int i = 0; i < 5; i++)
        if (all[i] != NULL)
            arrays[n++] = all[i];
    return n;
}

/* All fits: the arrays are in memory already. */
static size_t bytes_of(const struct trainer_state *state, uint64_t n_arrays, uint64_t n_added,
                       uint64_t n_scores)
{
    const struct outcomes *outcomes = &state->outcomes;
    size_t more = 2 * outcomes->n_classes * sizeof *outcomes->seen +
                  (outcomes->outputs == NULL ? 0 : n_added) * sizeof *outcomes->outputs;
    return sizeof(struct head) + (size_t)n_arrays * state->network->n_floats * sizeof(float) + more +
           (size_t)n_scores * sizeof(struct row_score);
}

size_t trainer_save_size(const struct trainer *t)
{
    const struct trainer_config *config = &t->config;
    float *arrays[5];
    return bytes_of(&t->state, arrays_list(&t->state, 1, arrays), config->train.n_rows, config->window);
}

static struct head head_make(const struct trainer_config *config, const struct trainer_state *state)
{
    float *arrays[5];
    struct head head = {.magic = MAGIC, .byte_order = BYTE_ORDER_MARK, .version = VERSION};
    build_id(head.build);
    strncpy(head.kernels, kernels_name(), sizeof head.kernels - 1);
    head.options = options_sum(config);
    head.n_train = config->train.n_rows;
    head.n_validation = config->validation.n_rows;
    head.n_floats = state->network->n_floats;
    head.epoch = atomic_load(&state->epoch);
    head.step = atomic_load(&state->step);
    head.chunk = state->chunk;
    head.n_arrays = arrays_list(state, state->chunk, arrays);
    head.outcomes = state->outcomes.sums;
    head.n_scores = rows_done(config, head.step, head.chunk) - head.outcomes.n;
    head.n_bytes = bytes_of(state, head.n_arrays, head.outcomes.n, head.n_scores);
    head.reductions = state->reductions;
    head.waited = state->waited;
    head.best_epoch = state->best_epoch;
    head.finished = state->finished;
    head.monitored = state->monitored;
    head.best_score = state->best_score;
    head.seconds = state->seconds;
    head.first_loss = state->history.first;
    head.lowest_loss = state->history.lowest;
    head.last_loss = state->history.last;
    head.lowest_epoch = state->history.lowest_epoch;
    return head;
}

static char *put(char *at, const void *bytes, size_t n)
{
    memcpy(at, bytes, n);
    return at + n;
}

static const char *get(void *bytes, const char *at, size_t n)
{
    memcpy(bytes, at, n);
    return at + n;
}

size_t trainer_save(const struct trainer *t, void *bytes)
{
    const struct trainer_state *state = &t->state;
    float *arrays[5];
    struct head head = head_make(&t->config, state);
    uint32_t n_arrays = arrays_list(state, state->chunk, arrays);
    const struct outcomes *outcomes = &state->outcomes;
    uint64_t n_first = outcomes->sums.n_first, n_second = outcomes->sums.n - n_first;
    char *at = put(bytes, &head, sizeof head);
    for (uint32_t i = 0; i < n_arrays; i++)
        at = put(at, arrays[i], state->network->n_floats * sizeof(float));
    at = put(at, outcomes->seen, outcomes->n_classes * sizeof *outcomes->seen);
    at = put(at, outcomes->hits, outcomes->n_classes * sizeof *outcomes->hits);
    if (outcomes->outputs != NULL) {
        at = put(at, outcomes->outputs, n_first * sizeof *outcomes->outputs);
        at = put(at, outcomes->outputs + (outcomes->capacity - n_second),
                 n_second * sizeof *outcomes->outputs);
    }
    put(at, state->scores, (size_t)head.n_scores * sizeof *state->scores);
    return (size_t)head.n_bytes;
}

void train_state_seal(void *bytes, size_t n)
{
    if (n < sizeof(struct head))
        return; /* it is none of ours; who reads it will say so */
    uint64_t checksum = table_checksum((char *)bytes + SEALED_AT, n - SEALED_AT);
    memcpy((char *)bytes + offsetof(struct head, checksum), &checksum, sizeof checksum);
}

/* ---- in ---- */

static bool head_read(const void *bytes, size_t n, struct head *head, struct err *err)
{
    uint8_t build[32];
    if (n < sizeof *head)
        return err_set(err, ERR_CORRUPT, "it is cut short: %zu bytes, a state has at least %zu", n,
                       sizeof *head);
    memcpy(head, bytes, sizeof *head);
    if (memcmp(head->magic, MAGIC, sizeof head->magic) != 0)
        return err_set(err, ERR_CORRUPT, "it does not begin as a state of a training does");
    if (head->byte_order != BYTE_ORDER_MARK || head->version != VERSION)
        return err_set(err, ERR_CONFLICT, "it is of another version or another kind of machine");
    if (head->n_bytes != n)
        return err_set(err, ERR_CORRUPT, "it has %zu bytes, but says that it has %llu", n,
                       (unsigned long long)head->n_bytes);
    if (head->checksum != table_checksum((const char *)bytes + SEALED_AT, n - SEALED_AT))
        return err_set(err, ERR_CORRUPT, "its checksum is wrong");
    build_id(build);
    if (memcmp(head->build, build, sizeof build) != 0)
        return err_set(err, ERR_CONFLICT,
                       "it was made by another build, whose arithmetic may differ in the last bit");
    if (strncmp(head->kernels, kernels_name(), sizeof head->kernels) != 0)
        return err_set(
            err, ERR_CONFLICT,
            "it was made with the instruction set %.15s, this machine uses %s, whose results differ in bits",
            head->kernels, kernels_name());
    return true;
}

bool train_state_look(const void *bytes, size_t n, struct train_place *place, struct err *err)
{
    struct head head;
    if (!head_read(bytes, n, &head, err))
        return false;
    if (head.epoch > UINT32_MAX || head.chunk > UINT32_MAX)
        return err_set(err, ERR_CORRUPT, "its position is impossible");
    *place =
        (struct train_place){.epoch = (uint32_t)head.epoch, .step = head.step, .chunk = (uint32_t)head.chunk};
    return true;
}

/* Whether the position is one that this trainer reaches. */
static bool position_check(const struct trainer_config *config, const struct head *head)
{
    uint64_t first = head->step * config->batch_size,
             left = first < config->train.n_rows ? config->train.n_rows - first : 0;
    uint64_t batch = left < config->batch_size ? left : config->batch_size,
             n_chunks = (batch + config->chunk_rows - 1) / config->chunk_rows;
    if (head->step == config->n_steps && head->chunk == 0) /* all but the epoch's validation */
        return head->epoch < config->options.epochs;
    if (head->epoch > config->options.epochs || head->step >= config->n_steps || head->chunk >= n_chunks)
        return false;
    return head->epoch < config->options.epochs || (head->step == 0 && head->chunk == 0);
}

static bool head_fits(const struct trainer_config *config, const struct trainer_state *state,
                      const struct head *head, struct err *err)
{
    float *arrays[5];
    if (head->options != options_sum(config) || head->n_floats != state->network->n_floats ||
        head->n_train != config->train.n_rows || head->n_validation != config->validation.n_rows)
        return err_set(err, ERR_CONFLICT, "it is of another training: other rows, layers or options");
    if (head->step > UINT32_MAX ||
        !position_check(config,
                        head)) /* rows are at most UINT32_MAX, so the products above cannot overflow */
        return err_set(err, ERR_CORRUPT, "its position is impossible: epoch %llu, step %llu",
                       (unsigned long long)head->epoch, (unsigned long long)head->step);
    uint64_t n_done = rows_done(config, head->step, head->chunk);
    if (head->n_arrays != arrays_list(state, head->chunk, arrays) || head->outcomes.n > n_done ||
        head->n_scores != n_done - head->outcomes.n || head->n_scores + config->chunk_rows > config->window ||
        head->n_bytes != bytes_of(state, head->n_arrays, head->outcomes.n, head->n_scores))
        return err_set(err, ERR_CORRUPT, "it does not hold what a state at its position holds");
    if (head->reductions > head->epoch || head->waited > head->epoch || head->best_epoch > head->epoch ||
        head->lowest_epoch > head->epoch || head->finished > 1 || !isfinite(head->seconds) ||
        head->seconds < 0 || head->outcomes.n_first > head->outcomes.n)
        return err_set(err, ERR_CORRUPT, "one of its counts is impossible");
    return true;
}

static bool all_finite(const char *bytes, size_t n)
{
    bool finite = true;
    for (size_t i = 0; i < n; i++) {
        float x;
        memcpy(&x, bytes + i * sizeof x, sizeof x);
        finite &= isfinite(x) != 0;
    }
    return finite;
}

/* The metrics count by these: classes must be such. */
static bool scores_check(const struct trainer_config *config, const char *bytes, uint64_t n)
{
    float n_classes =
        config->recipe->task == TASK_CLASSIFICATION ? (float)config->recipe->n_classes : INFINITY;
    bool classes = isfinite(n_classes), fine = true;
    for (uint64_t i = 0; i < n; i++) {
        struct row_score score;
        memcpy(&score, bytes + i * sizeof score, sizeof score);
        fine &= isfinite(score.loss) && isfinite(score.label) && isfinite(score.prediction) &&
                !isnan(score.positive);
        fine &= !classes || (score.label >= 0 && score.label < n_classes && score.prediction >= 0 &&
                             score.prediction < n_classes);
    }
    return fine;
}

static void state_take(struct trainer *t, const struct head *head)
{
    struct trainer_state *state = &t->state;
    struct trainer_workspace *work = &t->work;
    struct trainer_run *run = &t->run;
    state->reductions = (uint32_t)head->reductions;
    state->waited = (uint32_t)head->waited;
    state->best_epoch = (uint32_t)head->best_epoch;
    state->finished = head->finished != 0;
    state->monitored = head->monitored;
    state->best_score = head->best_score;
    state->seconds = head->seconds;
    state->history = (struct loss_history){.first = head->first_loss,
                                           .lowest = head->lowest_loss,
                                           .last = head->last_loss,
                                           .lowest_epoch = (uint32_t)head->lowest_epoch};
    state->chunk = (uint32_t)head->chunk;
    work->order.epoch = 0; /* the order is drawn again */
    run->phase = N_PHASES;
    work->n_validated = 0;
    outcomes_clear(&work->validation_outcomes);
    atomic_store(&run->bad_loss, false);
    atomic_store(&run->bad_weights, false);
    atomic_store(&state->epoch, (uint32_t)head->epoch);
    atomic_store(&state->step, head->step);
}

bool trainer_fits(const struct trainer *t, const void *bytes, size_t n, struct err *err)
{
    struct head head;
    if (!head_read(bytes, n, &head, err) || !head_fits(&t->config, &t->state, &head, err))
        return false;
    if (!all_finite((const char *)bytes + sizeof head, t->state.network->n_floats))
        return err_set(err, ERR_CORRUPT, "one of its weights is not finite");
    return true;
}

bool trainer_restore(struct trainer *t, const void *bytes, size_t n, struct err *err)
{
    struct trainer_state *state = &t->state;
    float *arrays[5];
    struct head head;
    if (!trainer_fits(t, bytes, n, err))
        return false;
    memcpy(&head, bytes, sizeof head);
    struct outcomes *outcomes = &state->outcomes;
    uint64_t n_first = head.outcomes.n_first, n_second = head.outcomes.n - n_first;
    const char *at = (const char *)bytes + sizeof head;
    uint32_t n_arrays = arrays_list(state, head.chunk, arrays);
    if (!scores_check(&t->config, (const char *)bytes + n - head.n_scores * sizeof *state->scores,
                      head.n_scores))
        return err_set(err, ERR_CORRUPT, "the outcome of one of its rows is impossible");
    for (uint32_t i = 0; i < n_arrays; i++)
        at = get(arrays[i], at, state->network->n_floats * sizeof(float));
    outcomes->sums = head.outcomes;
    at = get(outcomes->seen, at, outcomes->n_classes * sizeof *outcomes->seen);
    at = get(outcomes->hits, at, outcomes->n_classes * sizeof *outcomes->hits);
    if (outcomes->outputs != NULL) {
        at = get(outcomes->outputs, at, n_first * sizeof *outcomes->outputs);
        at = get(outcomes->outputs + (outcomes->capacity - n_second), at,
                 n_second * sizeof *outcomes->outputs);
    }
    get(state->scores, at, (size_t)head.n_scores * sizeof *state->scores);
    state_take(t, &head);
    return true;
}
