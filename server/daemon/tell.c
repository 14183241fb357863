/* What files say of themselves, for recovery. See the header. */
#define _XOPEN_SOURCE 700
#include "daemon/tell.h"

#include "base/files.h"
#include "jobs/checkpoints.h"
#include "mlp/model.h"
#include "mlp/table.h"
#include "models/evaluations.h"
#include "models/file.h"
#include "store/about.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void stamp_of(const struct stat *status, char stamp[STAMP_SIZE])
{
    struct tm utc;
    gmtime_r(&status->st_mtim.tv_sec, &utc);
    size_t length = strftime(stamp, STAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(stamp + length, STAMP_SIZE - length, ".%03ldZ", status->st_mtim.tv_nsec / 1000000);
}

static bool tell_table(const char *path, struct dataset_row *row, struct err *err)
{
    struct stat status;
    struct table *table = table_open(path, err);
    if (!table)
        return false;
    if (!row) {
        table_unref(table);
        return true;
    }
    if (stat(path, &status) == 0)
        stamp_of(&status, row->created);
    row->state = DATASET_READY;
    row->n_rows = table_n_rows(table);
    row->n_columns = table_n_columns(table);
    row->separator = ',';
    row->quote = '"';
    row->decimal = '.';
    row->header = true;
    row->encoding = CSV_UTF8;
    table_unref(table);
    return true;
}

/* The figures of a model's evaluation, where there is one. */
static void evaluation_tell(struct store *store, struct model_row *row)
{
    static const struct evaluation_page none = {.label = -1, .guess = -1};
    uint64_t n, matching;
    char path[PATH_SIZE];
    struct err why;
    int fd = store_path(store, "models", row->id, ".eval", path, &why) ? files_open(path, &why) : -1;
    struct evaluation *evaluation = fd >= 0 ? evaluations_read(fd, &none, &n, &matching, &why) : NULL;
    if (fd >= 0)
        close(fd);
    if (!evaluation) {
        row->evaluated_on = ROWS_NONE;
        return;
    }
    if (row->evaluated_on == ROWS_NONE)
        row->evaluated_on = ROWS_TEST;
    row->n_rows = evaluation->n_rows;
    row->loss = evaluation->values[METRIC_LOSS];
    row->accuracy = evaluation->values[METRIC_ACCURACY];
    row->rmse = evaluation->values[METRIC_RMSE];
    row->mae = evaluation->values[METRIC_MAE];
    row->r2 = evaluation->values[METRIC_R2];
    evaluation_free(evaluation);
}

static void model_tell(const struct model *model, const char *path, const char *notes, struct model_row *row)
{
    struct stat status;
    row->task = model->recipe->task;
    row->n_params = network_n_params(model->network);
    row->loss = row->accuracy = row->rmse = row->mae = row->r2 = NAN;
    if (stat(path, &status) == 0) {
        row->bytes = (uint64_t)status.st_size;
        stamp_of(&status, row->created);
    }
    if (notes)
        about_notes(notes, row);
}

static bool tell_model(struct store *store, const char *path, struct model_row *row, struct err *err)
{
    char *notes = NULL;
    struct model *model = model_file_read(path, NULL, &notes, err);
    if (!model)
        return false;
    if (row) {
        model_tell(model, path, notes, row);
        evaluation_tell(store, row);
    }
    free(notes);
    model_unref(model);
    return true;
}

/* Epochs that a checkpoint has passed: it must not be ahead of the job's
 * history. */
static uint32_t tell_epoch(struct store *store, int64_t job)
{
    uint32_t epoch = 0;
    for (int slot = 0; slot < CHECKPOINT_SLOTS; slot++) {
        const struct checkpoint_file file = {.store = store, .job = job, .slot = slot};
        struct train_place place;
        struct err why;
        if (checkpoint_look(&file, &place, &why) && place.epoch > epoch)
            epoch = place.epoch;
    }
    return epoch;
}

const struct store_readers file_readers = {.table = tell_table, .model = tell_model, .epoch = tell_epoch};
