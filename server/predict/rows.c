/* Rows through the model into text. */
#include "predict/rows.h"

#include <pthread.h>
#include <stdlib.h>

#define CHECK_BYTES 65536 /* of a reply that are not looked at before */
#define PARTS_MAX 64      /* that one request is cut into */

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;

static void scratch_drop(void *self)
{
    struct predict_scratch *scratch = self;
    workspace_free(scratch->workspace);
    free(scratch->x);
    free(scratch->block);
    free(scratch);
}

static void scratch_key_make(void)
{
    pthread_key_create(&scratch_key, scratch_drop);
}

struct predict_scratch *predict_scratch(struct err *err)
{
    pthread_once(&scratch_once, scratch_key_make);
    struct predict_scratch *scratch = pthread_getspecific(scratch_key);
    if (scratch)
        return scratch;
    scratch = calloc(1, sizeof *scratch);
    if (!scratch || !(scratch->workspace = workspace_new(err)) || pthread_setspecific(scratch_key, scratch)) {
        err_memory(err, "a prediction");
        if (scratch)
            scratch_drop(scratch);
        return NULL;
    }
    return scratch;
}

/* n floats. What is not kept afterwards is reserved. */
static float *block_room(struct predict_scratch *scratch, size_t n, struct claim *claim, struct err *err)
{
    if (n > PREDICT_SCRATCH_MAX && !claim_take(claim, n * sizeof *scratch->block, err))
        return NULL;
    if (scratch->block_capacity < n) {
        free(scratch->block);
        scratch->block = malloc(n * sizeof *scratch->block);
        scratch->block_capacity = scratch->block ? n : 0;
        if (!scratch->block)
            err_memory(err, "the predictions");
    }
    return scratch->block;
}

static void block_return(struct predict_scratch *scratch)
{
    if (scratch->block_capacity <= PREDICT_SCRATCH_MAX)
        return;
    free(scratch->block);
    scratch->block = NULL;
    scratch->block_capacity = 0;
}

/* A request on its way. */
struct rows_work {
    const struct model *model;
    const struct instances *instances;
    struct predictions predictions;
    struct claim payer; /* without bytes; each part has its own, which is a part of the request's */
    uint32_t n_parts;
    struct writer *writers; /* (n_parts) */
    pthread_mutex_t lock;   /* the two below */
    struct err *err;        /* of the first part that failed */
    uint32_t n_good;        /* parts before it; all, where none has */
};

/* Where row `first` or the next bad row after it stands in `bad`. */
static uint32_t bad_find(const struct instances *instances, uint32_t first)
{
    uint32_t low = 0, high = instances->n_bad;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (instances->bad[middle].row < first)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The n rows from `first` on, and the reasons of those that were not read. */
static void block_write(const struct rows_work *work, const float *outputs, uint32_t first, uint32_t n,
                        struct writer *writer)
{
    const struct instances *instances = work->instances;
    uint32_t n_outputs = model_n_outputs(work->model), done = 0;
    for (uint32_t k = bad_find(instances, first); k < instances->n_bad && instances->bad[k].row < first + n;
         k++) {
        uint32_t until = instances->bad[k].row - first;
        predictions_rows(writer, &work->predictions, outputs + (size_t)done * n_outputs, until - done);
        predictions_bad(writer, instances->bad[k].why);
        done = until + 1;
    }
    predictions_rows(writer, &work->predictions, outputs + (size_t)done * n_outputs, n - done);
}

/* Rows first .. end - 1. */
static bool rows_write(const struct rows_work *work, uint32_t first, uint32_t end, struct writer *writer,
                       struct err *err)
{
    const struct model *model = work->model;
    struct claim claim = work->payer; /* of what only this part has, and does not keep */
    struct predict_scratch *scratch = predict_scratch(err);
    uint64_t n_workspace = workspace_bytes(model);
    bool kept = n_workspace <= PREDICT_WORKSPACE_MAX;
    size_t n_block = end - first < INSTANCES_BLOCK ? end - first : INSTANCES_BLOCK,
           n_outputs = n_block * model_n_outputs(model);
    bool ok = scratch && (kept || claim_take(&claim, n_workspace, err));
    float *outputs =
        ok ? block_room(scratch, n_outputs + instances_scratch(work->instances, model->recipe, n_block),
                        &claim, err)
           : NULL;
    ok = outputs != NULL;
    for (; ok && first < end; first += INSTANCES_BLOCK) {
        uint32_t n = end - first < INSTANCES_BLOCK ? end - first : INSTANCES_BLOCK;
        const float *x =
            stop_check(work->instances->stop, err)
                ? instances_inputs(work->instances, model->recipe, first, n, outputs + n_outputs, err)
                : NULL;
        ok = x && model_predict(model, x, n, outputs, scratch->workspace, err);
        if (ok)
            block_write(work, outputs, first, n, writer);
    }
    if (scratch)
        block_return(scratch);
    if (scratch && !kept)
        workspace_clear(scratch->workspace);
    claim_end(&claim);
    return ok;
}

static uint32_t parts_good(struct rows_work *work)
{
    pthread_mutex_lock(&work->lock);
    uint32_t n = work->n_good;
    pthread_mutex_unlock(&work->lock);
    return n;
}

/* The part's first row: parts are whole blocks. */
static uint32_t part_at(const struct rows_work *work, uint32_t part)
{
    uint32_t n = work->instances->n_rows;
    uint64_t n_blocks = ((uint64_t)n + INSTANCES_BLOCK - 1) / INSTANCES_BLOCK,
             row = n_blocks * part / work->n_parts * INSTANCES_BLOCK;
    return row < n ? (uint32_t)row : n;
}

/* Parts begin in order: where one has failed, all before it are done or under
 * way, so that the first failure is always the same one. */
static void part_write(void *self, uint32_t part)
{
    struct rows_work *work = self;
    struct err err;
    if (part >= parts_good(work) ||
        rows_write(work, part_at(work, part), part_at(work, part + 1), &work->writers[part], &err))
        return;
    pthread_mutex_lock(&work->lock);
    if (part < work->n_good) {
        work->n_good = part;
        *work->err = err;
    }
    pthread_mutex_unlock(&work->lock);
}

/* With the help of n_helpers: each part into a text of its own, these one after
 * the other. */
static bool parts_write(struct rows_work *work, struct executor *executor, uint32_t n_helpers,
                        struct writer *writer)
{
    struct claim claims[PARTS_MAX];
    for (uint32_t i = 0; i < work->n_parts; i++) {
        writer_init(&work->writers[i]);
        claims[i] = work->payer;
        work->writers[i].claim = &claims[i];
    }
    pthread_mutex_init(&work->lock, NULL);
    executor_parallel_for(executor, QUEUE_INTERACTIVE, n_helpers, work->n_parts, part_write, work);
    pthread_mutex_destroy(&work->lock);
    bool ok = work->n_good == work->n_parts;
    for (uint32_t i = 0; i < work->n_parts; i++) {
        if (work->writers[i].failed)
            writer_fail(writer, work->writers[i].refused);
        else if (ok)
            writer_raw(writer, work->writers[i].text, work->writers[i].n);
        writer_done(&work->writers[i]);
    }
    return ok;
}

/* Whether the reply may have the memory that it takes at least: the classes'
 * names alone, for each row. */
static bool reply_check(const struct rows_work *work, uint32_t n_rows, struct err *err)
{
    struct claim claim = work->payer;
    uint64_t n_row = work->predictions.keys.n;
    bool fits = n_rows * n_row <= CHECK_BYTES || claim_take(&claim, n_rows * n_row, err);
    claim_end(&claim);
    return fits;
}

bool predict_rows(const struct model *model, const struct instances *instances, struct executor *executor,
                  uint32_t n_threads, struct writer *writer, struct err *err)
{
    uint32_t n = instances->n_rows,
             n_parts = n / INSTANCES_BLOCK < PARTS_MAX ? n / INSTANCES_BLOCK : PARTS_MAX;
    struct writer writers[PARTS_MAX];
    struct rows_work work = {.model = model,
                             .instances = instances,
                             .n_parts = n_parts,
                             .writers = writers,
                             .err = err,
                             .n_good = n_parts};
    if (writer->claim)
        work.payer = claim_of(writer->claim);
    if (!predictions_init(&work.predictions, model->recipe, writer->claim, err))
        return false;
    if (!reply_check(&work, n, err)) {
        predictions_done(&work.predictions);
        return false;
    }
    bool ok = executor && n_threads > 1 && n_parts > 1
                  ? parts_write(&work, executor, (n_parts < n_threads ? n_parts : n_threads) - 1, writer)
                  : rows_write(&work, 0, n, writer, err);
    predictions_done(&work.predictions);
    return ok;
}
