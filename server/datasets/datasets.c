/* Datasets by name. One lock guards the lists of uploads; it is never held
 * across I/O or SQL. */
#include "datasets/datasets.h"
#include "base/files.h"
#include "datasets/early.h"
#include "datasets/profile.h"
#include "datasets/tables_cache.h"
#include "mlp/ingest.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REJECTS_NAMES "row,line,code,column,reason,text\n" /* how a file of rejects begins */
#define REJECTS_HEAD (sizeof REJECTS_NAMES - 1)
#define PROFILE_KEPT (64u << 20) /* bytes; a longer profile is made again each time */

struct upload {
    struct datasets *datasets;
    int64_t id;
    char name[NAME_SIZE];
    char created[STAMP_SIZE];
    char compression[8]; /* of the body */
    const char *format;  /* as datasets_describe has it, and `told`, owned */
    char *told;
    char recoded_from[64];
    uint64_t n_bad;
    uint64_t bytes;
    bool inherits;
    struct dataset_row like;        /* where it goes on from a dataset */
    const struct csv_report *added; /* of the rows that are added to it; NULL: none are known */
    int added_rejects;
    const atomic_bool *stop;
    struct early *early; /* its file is read while it arrives; NULL: it is not */
    /* once staged; the table's file stands in its place */
    struct table *table;
    char *profile;
    struct dataset_row row;
    /* under datasets->lock */
    struct upload *next;
    uint64_t bytes_received, bytes_expected, bytes_parsed, rows_parsed;
};

struct datasets {
    struct store *store;
    uint32_t n_threads;
    struct tables_cache *tables;
    struct damaged_tables *damaged;
    struct originals *originals; /* NULL: none are kept */
    pthread_mutex_t lock;
    /* under lock */
    struct upload *uploads;
    struct upload *given_up; /* whose row could not be forgotten */
    bool early_taken;        /* an upload has `early` */
    bool untidy;             /* a table may be on disk that no longer belongs there */
};

struct datasets *datasets_open(struct store *store, uint32_t n_threads, struct err *err)
{
    struct datasets *datasets = calloc(1, sizeof *datasets);
    if (!datasets) {
        err_memory(err, "the datasets");
        return NULL;
    }
    datasets->tables = tables_cache_new(err);
    datasets->damaged = datasets->tables ? damaged_tables_new(err) : NULL;
    if (!datasets->damaged) {
        tables_cache_free(datasets->tables);
        free(datasets);
        return NULL;
    }
    datasets->store = store;
    datasets->n_threads = n_threads;
    pthread_mutex_init(&datasets->lock, NULL);
    return datasets;
}

void datasets_close(struct datasets *datasets)
{
    if (!datasets)
        return;
    for (struct upload *upload = datasets->given_up, *next; upload; upload = next) {
        next = upload->next;
        free(upload);
    }
    originals_close(datasets->originals);
    tables_cache_free(datasets->tables);
    damaged_tables_free(datasets->damaged);
    pthread_mutex_destroy(&datasets->lock);
    free(datasets);
}

bool datasets_keep(struct datasets *datasets, const struct keep_limit *limit, struct err *err)
{
    datasets->originals = originals_open(datasets->store, limit, err);
    return datasets->originals != NULL;
}

int datasets_original(struct datasets *datasets, int64_t id, const atomic_bool *stop, struct err *err)
{
    int fd = originals_read(datasets->originals, id, stop, err);
    if (fd < 0 && err->code == ERR_NOT_FOUND) {
        err_set(
            err, ERR_CONFLICT,
            "the file that was uploaded is not kept (--keep-uploads, or rows were added): upload it again");
        err_id(err, "original_gone");
    }
    return fd;
}

int datasets_rejects(struct datasets *datasets, int64_t id, struct err *err)
{
    char path[PATH_SIZE];
    return store_path(datasets->store, "datasets", id, STORE_REJECTS, path, err) ? files_open(path, err) : -1;
}

bool datasets_describe(struct upload *upload, const struct upload_source *source, struct err *err)
{
    char *told = strdup(source->told);
    if (!told)
        return err_memory(err, "an upload");
    upload->format = source->format;
    upload->told = told;
    upload->bytes = source->bytes;
    upload->n_bad = source->n_bad;
    if (source->recoded_from)
        snprintf(upload->recoded_from, sizeof upload->recoded_from, "%s", source->recoded_from);
    if (source->keep_of)
        originals_carry(upload->datasets->originals, source->keep_of, upload->id);
    else if (source->keep_fd >= 0)
        originals_keep(upload->datasets->originals, upload->id, source->keep_fd);
    return true;
}

static void untidy(struct datasets *datasets)
{
    pthread_mutex_lock(&datasets->lock);
    datasets->untidy = true;
    pthread_mutex_unlock(&datasets->lock);
}

static void give_up(struct datasets *datasets, struct upload *upload)
{
    pthread_mutex_lock(&datasets->lock);
    upload->next = datasets->given_up;
    datasets->given_up = upload;
    pthread_mutex_unlock(&datasets->lock);
}

/* Remove what could not be removed when its time came: memory or the disk had
 * failed. Whoever adds or removes a dataset tries again. */
static void tidy(struct datasets *datasets)
{
    struct err ignored;
    pthread_mutex_lock(&datasets->lock);
    struct upload *uploads = datasets->given_up;
    bool due = datasets->untidy;
    datasets->given_up = NULL;
    datasets->untidy = false;
    pthread_mutex_unlock(&datasets->lock);
    while (uploads) {
        struct upload *upload = uploads;
        uploads = upload->next;
        if (store_dataset_forget(datasets->store, upload->id, &ignored)) {
            due = true;
            free(upload);
        } else {
            give_up(datasets, upload);
        }
    }
    if (due && !store_doomed_sweep(datasets->store, "datasets", &ignored))
        untidy(datasets);
}

struct upload *datasets_begin(struct datasets *datasets, const char *name, bool replace, struct err *err)
{
    if (!store_name_check(name, "name", err))
        return NULL;
    tidy(datasets);
    struct upload *upload = calloc(1, sizeof *upload);
    if (!upload) {
        err_memory(err, "an upload");
        return NULL;
    }
    if (!store_dataset_reserve(datasets->store, name, replace, &upload->id, err)) {
        free(upload);
        return NULL;
    }
    upload->datasets = datasets;
    memcpy(upload->name, name, strlen(name) + 1);
    store_stamp(upload->created);
    pthread_mutex_lock(&datasets->lock);
    upload->next = datasets->uploads;
    datasets->uploads = upload;
    pthread_mutex_unlock(&datasets->lock);
    return upload;
}

void datasets_received(struct upload *upload, uint64_t bytes_received, uint64_t bytes_expected)
{
    pthread_mutex_lock(&upload->datasets->lock);
    upload->bytes_received = bytes_received;
    upload->bytes_expected = bytes_expected;
    pthread_mutex_unlock(&upload->datasets->lock);
}

void datasets_compressed(struct upload *upload, const char *compression)
{
    snprintf(upload->compression, sizeof upload->compression, "%s", compression);
}

void dataset_inherit_metadata(struct upload *upload, const struct dataset_row *like)
{
    upload->inherits = true;
    upload->like = *like;
}

void dataset_add_report(struct upload *upload, const struct csv_report *report, int rejects_fd)
{
    upload->added = report;
    upload->added_rejects = rejects_fd;
}

int datasets_temp(struct datasets *datasets, struct err *err)
{
    return store_temp(datasets->store, NULL, err);
}

static bool upload_tick(void *self, uint64_t bytes_done, uint64_t bytes_all, uint64_t rows)
{
    struct upload *upload = self;
    pthread_mutex_lock(&upload->datasets->lock);
    upload->bytes_parsed = bytes_done;
    upload->bytes_received = bytes_all;
    upload->rows_parsed = rows;
    pthread_mutex_unlock(&upload->datasets->lock);
    return !upload->stop || !atomic_load(upload->stop);
}

static bool early_slot(struct datasets *datasets, bool take)
{
    pthread_mutex_lock(&datasets->lock);
    bool was_free = !datasets->early_taken;
    datasets->early_taken = take;
    pthread_mutex_unlock(&datasets->lock);
    return was_free;
}

static bool early_tick(void *self, uint64_t bytes_done, uint64_t bytes_all, uint64_t rows)
{
    struct upload *upload = self;
    (void)bytes_all;
    pthread_mutex_lock(&upload->datasets->lock);
    upload->bytes_parsed = bytes_done;
    upload->rows_parsed = rows;
    pthread_mutex_unlock(&upload->datasets->lock);
    return true;
}

static bool early_make(struct upload *upload, const struct arriving *arriving)
{
    struct csv_options options = *arriving->options;
    struct early_source source = {.fd = arriving->fd,
                                  .n_there = arriving->n_there,
                                  .n_bytes = arriving->n_bytes,
                                  .options = &options,
                                  .progress = {.tick = early_tick, .self = upload}};
    char path[PATH_SIZE];
    struct err ignored;
    if (options.n_threads == 0)
        options.n_threads = upload->datasets->n_threads;
    if (!store_path(upload->datasets->store, "tmp", upload->id, ".table", path, &ignored))
        return false;
    source.path = path;
    source.rejects_fd = store_temp(upload->datasets->store, NULL, &ignored);
    upload->early = source.rejects_fd < 0 ? NULL : early_begin(&source);
    if (!upload->early && source.rejects_fd >= 0)
        close(source.rejects_fd);
    return upload->early != NULL;
}

void datasets_read_early(struct upload *upload, const struct arriving *arriving)
{
    if (early_slot(upload->datasets, true) && !early_make(upload, arriving))
        early_slot(upload->datasets, false);
}

void datasets_arrived(struct upload *upload, uint64_t n_there)
{
    if (upload->early)
        early_arrived(upload->early, n_there);
}

static void early_end(struct upload *upload)
{
    if (!upload->early)
        return;
    early_free(upload->early);
    upload->early = NULL;
    early_slot(upload->datasets, false);
}

/* It is no longer under way. The caller frees it. */
static void upload_leave(struct upload *upload)
{
    struct datasets *datasets = upload->datasets;
    early_end(upload);
    pthread_mutex_lock(&datasets->lock);
    for (struct upload **at = &datasets->uploads; *at; at = &(*at)->next)
        if (*at == upload) {
            *at = upload->next;
            break;
        }
    pthread_mutex_unlock(&datasets->lock);
    table_unref(upload->table);
    free(upload->profile);
    free(upload->told);
}

/* An upload as CSV. */
struct csv_body {
    struct upload *upload;
    int fd;
    const struct csv_options *options;
    struct csv_report *report;
};

static bool csv_read(void *self, const char *path, struct err *err)
{
    const struct csv_body *body = self;
    struct upload *upload = body->upload;
    struct table_progress progress = {.tick = upload_tick, .self = upload};
    if (upload->early && early_finish(upload->early, body->fd, body->options, upload->stop, body->report))
        return true;
    early_end(upload);
    struct csv_options all = *body->options;
    if (all.n_threads == 0)
        all.n_threads = upload->datasets->n_threads;
    return table_ingest(body->fd, &all, path, &progress, body->report, err);
}

/* Make the table in tmp/, look at the result, and move it to its place. */
static struct table *table_make(struct upload *upload, const struct table_maker *maker, struct err *err)
{
    char path[PATH_SIZE], temp[PATH_SIZE];
    if (!store_path(upload->datasets->store, "datasets", upload->id, ".table", path, err) ||
        !store_path(upload->datasets->store, "tmp", upload->id, ".table", temp, err) ||
        !maker->make(maker->self, temp, err))
        return NULL;
    struct table *table = table_open(temp, err);
    if (table && store_publish(upload->datasets->store, temp, "datasets", upload->id, ".table", err))
        return table;
    unlink(temp);
    unlink(path); /* renamed, perhaps, but not known to be there for good */
    table_unref(table);
    return NULL;
}

static void row_fill(struct dataset_row *row, const struct upload *upload, const struct table *table,
                     const struct csv_report *report)
{
    *row = upload->inherits ? upload->like : (struct dataset_row){.state = DATASET_READY};
    row->id = upload->id;
    memcpy(row->name, upload->name, sizeof row->name);
    store_stamp(row->created);
    row->n_rows = table_n_rows(table);
    row->n_columns = table_n_columns(table);
    if (upload->added)
        row->n_skipped += upload->added->n_skipped;
    if (upload->inherits)
        return;
    row->bytes = upload->told ? upload->bytes : report->bytes;
    row->separator = report->separator;
    row->quote = report->quote;
    row->comment = report->comment;
    row->decimal = report->decimal;
    row->header = report->header;
    row->n_titles = report->n_titles;
    row->count_line = report->count_line;
    row->encoding = report->encoding;
    row->n_skipped = report->n_skipped;
    memcpy(row->compression, upload->compression, sizeof row->compression);
}

/* Where rows are added, and not dealt to others, to what stands under the
 * name. */
static bool goes_on(const struct upload *upload)
{
    return upload->inherits && !strcmp(upload->like.name, upload->name);
}

/* The rows that were set aside of those that rows are added to. */
static bool rejects_inherit(struct upload *upload, struct err *err)
{
    struct store *store = upload->datasets->store;
    char old[PATH_SIZE], new[PATH_SIZE];
    if (!goes_on(upload))
        return true;
    if (!store_path(store, "datasets", upload->like.id, STORE_REJECTS, old, err) ||
        !store_path(store, "datasets", upload->id, STORE_REJECTS, new, err))
        return false;
    return link(old, new) == 0 || errno == ENOENT || err_errno(err, "cannot keep the rows set aside");
}

/* The lines of `more` behind those of the file `to`. */
static bool rejects_append(int to, int more, struct err *err)
{
    char text[1 << 14];
    uint64_t size, done = 0;
    bool ok = files_size(more, &size, err);
    for (uint64_t at = REJECTS_HEAD; ok && at < size; at += done) {
        done = size - at < sizeof text ? size - at : sizeof text;
        ok = files_read_at(more, text, (size_t)done, at, err) && files_write(to, text, (size_t)done, err);
    }
    return ok;
}

/* Those of the dataset that rows are added to, and those of the rows. */
static bool rejects_join(struct upload *upload, struct err *err)
{
    struct store *store = upload->datasets->store;
    uint64_t size = 0;
    if (!upload->added || upload->added_rejects < 0)
        return rejects_inherit(upload, err);
    if (!files_size(upload->added_rejects, &size, err))
        return false;
    if (size <= REJECTS_HEAD)
        return rejects_inherit(upload, err);
    struct err none = {0};
    int old = datasets_rejects(upload->datasets, upload->like.id, &none), fd = store_temp(store, NULL, err);
    if (old < 0 && none.code != ERR_NOT_FOUND)
        *err = none;
    bool ok = fd >= 0 && (old >= 0 || none.code == ERR_NOT_FOUND) &&
              files_write(fd, REJECTS_NAMES, REJECTS_HEAD, err) &&
              (old < 0 || rejects_append(fd, old, err)) && rejects_append(fd, upload->added_rejects, err) &&
              files_sync(fd, err) && store_link(store, fd, "datasets", upload->id, STORE_REJECTS, err);
    if (old >= 0)
        close(old);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* The rows that were set aside, synced, beside the table. */
static bool rejects_keep(struct upload *upload, int fd, struct err *err)
{
    struct store *store = upload->datasets->store;
    uint64_t size;
    if (!files_size(fd, &size, err))
        return false;
    if (size > REJECTS_HEAD)
        return files_sync(fd, err) && store_link(store, fd, "datasets", upload->id, STORE_REJECTS, err);
    return rejects_inherit(upload, err);
}

/* The table of the file, and the rows that are not in it. */
static bool file_read(struct upload *upload, int csv_fd, const struct csv_options *options,
                      struct csv_report *report, struct err *err)
{
    struct csv_options all = *options;
    struct csv_body body = {upload, csv_fd, &all, report};
    int rejects = store_temp(upload->datasets->store, NULL, err);
    all.rejects_fd = rejects;
    if (rejects >= 0)
        upload->table = table_make(upload, &(struct table_maker){csv_read, &body}, err);
    bool ok =
        upload->table && rejects_keep(upload, upload->early ? early_rejects(upload->early) : rejects, err);
    if (rejects >= 0)
        close(rejects);
    early_end(upload);
    return ok;
}

/* The table is there, where `ok`: its profile and row. Ends the upload where
 * that fails. */
static bool upload_stage(struct upload *upload, bool ok, const struct csv_report *report, struct err *err)
{
    char *before = NULL;
    struct profile_source source = {.report = report,
                                    .format = upload->format ? upload->format : "csv",
                                    .told = upload->told ? upload->told : "{}",
                                    .recoded_from = *upload->recoded_from ? upload->recoded_from : NULL,
                                    .n_bad = upload->n_bad};
    if (ok &&
        (!goes_on(upload) || store_dataset_profile(upload->datasets->store, upload->like.id, &before, err))) {
        source.before = before && *before ? before : NULL;
        if (upload->added)
            source.report = upload->added;
        upload->profile = profile_make(upload->table, &source, err);
    }
    free(before);
    if (!upload->profile) {
        datasets_abort(upload);
        return false;
    }
    row_fill(&upload->row, upload, upload->table, report);
    return true;
}

bool datasets_stage(struct upload *upload, int csv_fd, const struct csv_options *options,
                    const atomic_bool *stop, struct err *err)
{
    struct csv_report report = {0};
    upload->stop = stop;
    bool ok = file_read(upload, csv_fd, options, &report, err);
    return upload_stage(upload, ok, &report, err);
}

bool datasets_stage_table(struct upload *upload, const struct table_maker *maker, struct err *err)
{
    struct csv_report report = {
        .separator = ',', .header = true, .quote = '"', .decimal = '.', .encoding = CSV_UTF8};
    upload->table = table_make(upload, maker, err);
    if (upload->table)
        report.bytes = table_n_rows(upload->table) * table_record_bytes(upload->table);
    return upload_stage(upload, upload->table && rejects_join(upload, err), &report, err);
}

/* The upload has become a dataset: who asks for its name gets it from now
 * on. */
static void upload_end(struct upload *upload, int64_t replaced_id, struct dataset_info *info)
{
    struct datasets *datasets = upload->datasets;
    const struct dataset_row row = upload->row;
    tables_cache_put(datasets->tables, row.id, upload->table);
    upload_leave(upload);
    free(upload);
    if (replaced_id) {
        tables_cache_drop(datasets->tables, replaced_id);
        damaged_tables_set(datasets->damaged, replaced_id, &(struct damaged_rows){0});
        datasets_release(datasets, replaced_id);
    }
    if (info)
        *info = (struct dataset_info){
            .row = row, .bytes_received = row.bytes, .bytes_parsed = row.bytes, .rows_parsed = row.n_rows};
    if (info)
        info->original_kept = originals_has(datasets->originals, row.id);
    originals_ready(datasets->originals);
}

bool datasets_publish(struct upload *const *uploads, uint32_t n, struct dataset_info *infos, struct err *err)
{
    struct store_publication *rows = calloc(n, sizeof *rows);
    bool ok = rows || err_memory(err, "the datasets");
    for (uint32_t i = 0; ok && i < n; i++)
        rows[i] = (struct store_publication){
            .row = &uploads[i]->row,
            .profile = strlen(uploads[i]->profile) <= PROFILE_KEPT ? uploads[i]->profile : ""};
    ok = ok && store_dataset_publish(uploads[0]->datasets->store, rows, n, err);
    for (uint32_t i = 0; i < n; i++) {
        if (ok)
            upload_end(uploads[i], rows[i].replaced_id, infos ? &infos[i] : NULL);
        else
            datasets_abort(uploads[i]);
    }
    free(rows);
    return ok;
}

bool datasets_finish(struct upload *upload, int csv_fd, const struct csv_options *options,
                     const atomic_bool *stop, struct dataset_info *info, struct err *err)
{
    return datasets_stage(upload, csv_fd, options, stop, err) && datasets_publish(&upload, 1, info, err);
}

void datasets_abort(struct upload *upload)
{
    struct err ignored;
    char path[PATH_SIZE];
    if (!upload)
        return;
    struct datasets *datasets = upload->datasets;
    if (upload->table && store_path(datasets->store, "datasets", upload->id, ".table", path, &ignored))
        unlink(path);
    upload_leave(upload);
    if (!store_dataset_forget(datasets->store, upload->id, &ignored)) {
        give_up(datasets, upload);
        return;
    }
    datasets_release(datasets, upload->id);
    free(upload);
}

/* Add what is known of an upload under the row's name; true where there is
 * one. */
static bool progress_add(struct datasets *datasets, struct dataset_info *info, const char *name)
{
    bool found = false;
    pthread_mutex_lock(&datasets->lock);
    for (const struct upload *upload = datasets->uploads; upload && !found; upload = upload->next) {
        if (strcmp(upload->name, name))
            continue;
        found = true;
        info->replacing = info->row.state == DATASET_READY && info->row.id != upload->id;
        info->bytes_received = upload->bytes_received;
        info->bytes_expected = upload->bytes_expected;
        info->bytes_parsed = upload->bytes_parsed;
        info->rows_parsed = upload->rows_parsed;
        if (info->row.state == DATASET_LOADING) {
            info->row.id = upload->id;
            memcpy(info->row.name, upload->name, sizeof info->row.name);
            memcpy(info->row.created, upload->created, sizeof info->row.created);
        }
    }
    pthread_mutex_unlock(&datasets->lock);
    return found;
}

struct damaged_tables *datasets_damaged(struct datasets *datasets)
{
    return datasets->damaged;
}

/* What a reading of the whole table has found, or else what its readers have
 * come upon. */
static void files_fill(struct datasets *datasets, struct dataset_info *info)
{
    uint64_t first, end = 0;
    if (info->row.state == DATASET_READY)
        info->original_kept = originals_has(datasets->originals, info->row.id);
    if (info->row.state != DATASET_READY ||
        damaged_tables_get(datasets->damaged, info->row.id, &info->damage))
        return;
    while (info->damage.n < DAMAGED_RANGES &&
           tables_cache_damage(datasets->tables, info->row.id, end, &first, &end))
        damaged_rows_add(&info->damage, first + 1, end);
}

bool datasets_find(struct datasets *datasets, const char *name, struct dataset_info *info, struct err *err)
{
    struct err missing;
    memset(info, 0, sizeof *info);
    bool ready = store_dataset_find(datasets->store, name, &info->row, &missing);
    if (!ready && missing.code == ERR_NOT_FOUND && !progress_add(datasets, info, name))
        ready = store_dataset_find(datasets->store, name, &info->row,
                                   &missing); /* an upload may have been published in between */
    if (ready)
        progress_add(datasets, info, name);
    files_fill(datasets, info);
    if (ready || *info->row.name)
        return true;
    *err = missing;
    return false;
}

bool datasets_moved(struct datasets *datasets, const char *name, int64_t id)
{
    struct dataset_row row;
    struct err err;
    bool found = store_dataset_find(datasets->store, name, &row, &err);
    return found ? row.id != id : err.code == ERR_NOT_FOUND;
}

bool datasets_list(struct datasets *datasets, struct dataset_info **list, size_t *n_list, struct err *err)
{
    struct dataset_row *rows;
    size_t n_rows, n = 0;
    if (!store_dataset_list(datasets->store, &rows, &n_rows, err))
        return false;
    struct dataset_info *infos = calloc(n_rows + 1, sizeof *infos);
    if (!infos) {
        free(rows);
        return err_memory(err, "the list of datasets");
    }
    for (size_t i = 0; i < n_rows; i++) {
        /* the loading one of a name stands before the ready one: that is a
         * replacement, shown as one line */
        if (i + 1 < n_rows && !strcmp(rows[i].name, rows[i + 1].name))
            continue;
        infos[n].row = rows[i];
        progress_add(datasets, &infos[n], rows[i].name);
        files_fill(datasets, &infos[n++]);
    }
    free(rows);
    *list = infos;
    *n_list = n;
    return true;
}

struct table *datasets_table_id(struct datasets *datasets, int64_t id, struct err *err)
{
    char path[PATH_SIZE];
    struct err damage;
    struct table *table = tables_cache_get(datasets->tables, id);
    if (table && table_check_read(table, &damage))
        return table;
    if (table) { /* opened anew, it tells what it is now */
        tables_cache_drop(datasets->tables, id);
        table_unref(table);
    }
    if (!store_path(datasets->store, "datasets", id, ".table", path, err))
        return NULL;
    table = table_open(path, err);
    if (table) {
        tables_cache_put(datasets->tables, id, table);
        if (access(path, F_OK) !=
            0) /* removed meanwhile: the removal drops only what it finds in the cache */
            tables_cache_drop(datasets->tables, id);
    } else if (err->code == ERR_CORRUPT || access(path, F_OK) != 0) {
        err_set(err, ERR_CORRUPT, "datasets/%" PRId64 ".table cannot be read: %s", id, err->msg);
    }
    return table;
}

struct table *datasets_table(struct datasets *datasets, const char *name, struct dataset_row *row,
                             struct err *err)
{
    struct dataset_info info;
    struct table *table;
    struct err why = {0};
    do {
        if (!datasets_find(datasets, name, &info, err))
            return NULL;
        if (info.row.state != DATASET_READY) {
            err_set(err, ERR_CONFLICT, "the dataset %s is still loading: wait until its state is ready",
                    name);
            err_field(err, "dataset");
            return NULL;
        }
        table = datasets_table_id(datasets, info.row.id, &why);
    } while (!table && datasets_moved(datasets, name, info.row.id));
    if (!table)
        *err = why;
    else if (row)
        *row = info.row;
    return table;
}

char *datasets_profile(struct datasets *datasets, int64_t id, struct err *err)
{
    char *profile = NULL;
    struct table *table = NULL;
    if (!store_dataset_profile(datasets->store, id, &profile, err) || *profile)
        return profile;
    free(profile); /* none was kept */
    profile = NULL;
    if ((table = datasets_table_id(datasets, id, err)) && table_check(table, 0, table_n_rows(table), err))
        profile = profile_make(table, NULL, err);
    if (profile && !table_check_read(table, err)) {
        free(profile);
        profile = NULL;
    }
    table_unref(table);
    return profile;
}

bool datasets_delete(struct datasets *datasets, const char *name, int64_t only, struct err *err)
{
    int64_t id = only;
    tidy(datasets);
    if (!store_dataset_delete(datasets->store, name, &id, err))
        return false;
    tables_cache_drop(datasets->tables, id);
    damaged_tables_set(datasets->damaged, id, &(struct damaged_rows){0});
    datasets_release(datasets, id);
    return true;
}

bool datasets_rename(struct datasets *datasets, const char *name, const char *new_name,
                     struct dataset_info *info, struct err *err)
{
    if (strcmp(name, new_name) && !store_dataset_rename(datasets->store, name, new_name, err))
        return false;
    return datasets_find(datasets, new_name, info, err);
}

void datasets_release(struct datasets *datasets, int64_t id)
{
    struct err ignored;
    bool gone;
    if (id == 0)
        return;
    bool ok = store_files_remove(datasets->store, "datasets", id, &gone, &ignored);
    if (!ok || gone)
        tables_cache_drop(datasets->tables,
                          id); /* after the file: who opens it later finds it gone, and drops it */
    if (!ok)
        untidy(datasets);
}
