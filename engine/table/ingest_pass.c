/* Workers that claim chunks and give in their results in the chunks' order. See
 * ingest_pass.h. */
#define _GNU_SOURCE /* pthread_setname_np */
#include "table/ingest_pass.h"
#include "base/file.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 16 };

struct worker {
    struct pass *pass;
    struct chunk chunk;
    pthread_t thread;
    bool calling; /* runs on the caller's thread: reports progress */
};

static void pass_fail(struct pass *pass, const struct err *err)
{
    pthread_mutex_lock(&pass->lock);
    if (!pass->stopped)
        pass->err = *err;
    pass->stopped = true;
    pthread_cond_broadcast(&pass->turned);
    pthread_mutex_unlock(&pass->lock);
}

static bool chunk_claim(struct pass *pass, uint64_t *index)
{
    pthread_mutex_lock(&pass->lock);
    bool claimed = !pass->stopped && pass->next < pass->n_chunks;
    if (claimed)
        *index = pass->next++;
    pthread_mutex_unlock(&pass->lock);
    return claimed;
}

static bool wait_for_sequence(struct pass *pass, uint64_t index)
{
    pthread_mutex_lock(&pass->lock);
    while (!pass->stopped && pass->turn != index)
        pthread_cond_wait(&pass->turned, &pass->lock);
    bool ours = !pass->stopped;
    pthread_mutex_unlock(&pass->lock);
    return ours;
}

static void turn_pass(struct pass *pass, uint64_t n_rows)
{
    pthread_mutex_lock(&pass->lock);
    pass->turn++;
    pass->n_rows += n_rows;
    pthread_cond_broadcast(&pass->turned);
    pthread_mutex_unlock(&pass->lock);
}

/* The sentence for a row that cannot be taken; `row` counts from 1. */
static bool problem_describe(const struct plan *plan, enum csv_result problem, uint64_t row, uint32_t field,
                             struct err *err)
{
    if (problem != CSV_RAGGED) {
        csv_describe(problem, row, field, err);
        return err_at(err, row,
                      field < plan->n_columns && problem != CSV_MEMORY ? plan->columns[field].name : "");
    }
    err_set(err, ERR_INPUT, "row %llu has %u field%s, the %s has %u", (unsigned long long)row, field,
            field == 1 ? "" : "s", plan->header ? "header" : "first row", plan->n_columns);
    return err_at(err, row, "");
}

/* The sentence of a row that was set aside, for the report. */
static void skipped_describe(const struct plan *plan, const struct note *note, uint64_t row, struct err *err)
{
    static const enum csv_result problems[DEEDS] = {
        [DEED_UNCLOSED] = CSV_UNTERMINATED, [DEED_BAD_QUOTE] = CSV_TEXT_AFTER_QUOTE,
        [DEED_NUL_BYTE] = CSV_NUL,          [DEED_WRONG_TYPE] = CSV_NOT_A_NUMBER,
        [DEED_TOO_FEW] = CSV_RAGGED,        [DEED_TOO_MANY] = CSV_RAGGED,
    };
    if (problems[note->deed]) {
        problem_describe(plan, problems[note->deed], row,
                         note->column != NOTE_NO_COLUMN ? note->column : note->n_fields, err);
    } else {
        err_set(err, ERR_INPUT, "row %llu: %s", (unsigned long long)row, deed_reason(note->deed));
        err_at(err, row, "");
    }
}

static bool deed_sets_aside(enum csv_deed deed)
{
    return deed >= DEED_TOO_FEW && deed <= DEED_WRONG_TYPE;
}

/* The text of a note in UTF-8: its own or *recoded, which the caller frees. */
static bool note_text(const struct plan *plan, struct csv_field *text, char **recoded, struct err *err)
{
    if (!plan_foreign(plan, text))
        return true;
    *recoded = malloc(3 * (size_t)text->length + 1);
    if (!*recoded)
        return err_memory(err, "a text in UTF-8");
    text->length = (uint32_t)plan_recode(plan, text, *recoded);
    text->text = *recoded;
    return true;
}

/* The longest beginning of at most n bytes that ends between characters. */
static size_t text_cut(const char *text, size_t length, size_t n)
{
    if (length <= n)
        return length;
    while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
        n--;
    return n;
}

static bool note_commit(struct pass *pass, const struct note *note, const char *text, uint64_t row,
                        struct err *err)
{
    const struct plan *plan = pass->source.plan;
    struct csv_done *done = &pass->report->done[note->deed];
    struct csv_field field = {text, note->n_bytes, false};
    struct csv_note said = {.row = note->row == NOTE_NO_ROW ? 0 : row + note->row + 1,
                            .line = pass->n_lines + note->line + 1};
    char *recoded = NULL;
    if (!note_text(plan, &field, &recoded, err))
        return false;
    if (note->column != NOTE_NO_COLUMN)
        memcpy(said.column, plan->columns[note->column].name,
               text_cut(plan->columns[note->column].name, strlen(plan->columns[note->column].name),
                        sizeof said.column - 1));
    memcpy(said.text, field.text, text_cut(field.text, field.length, CSV_SHOWN_BYTES));
    if (done->n < CSV_SHOWN)
        done->first[done->n] = said;
    bool listed = note->deed != DEED_ODD_CELL || pass->tally.evidence[note->column].n_listed < ODD_LISTED;
    bool good = !deed_rejects(note->deed) || !listed ||
                rejects_put(&pass->rejects, &said, note->deed, deed_reason(note->deed), field.text,
                            text_cut(field.text, field.length, CSV_REJECT_BYTES), err);
    done->n++;
    if (deed_sets_aside(note->deed)) {
        if (pass->report->n_skipped < CSV_SKIPPED_SHOWN)
            skipped_describe(plan, note, said.row, &pass->report->skipped[pass->report->n_skipped]);
        pass->report->n_skipped++;
    }
    free(recoded);
    return good;
}

/* Say what was done; `row` rows and rows set aside are before it. */
static bool notes_commit(struct pass *pass, const struct notes *notes, uint64_t row, struct err *err)
{
    uint64_t n_kept[DEEDS] = {0};
    for (uint32_t i = 0; i < notes->n; i++) {
        n_kept[notes->items[i].deed]++;
        if (!note_commit(pass, &notes->items[i], notes->texts + notes->items[i].at, row, err))
            return false;
    }
    for (int deed = 0; deed < DEEDS; deed++)
        pass->report->done[deed].n += notes->n_done[deed] - n_kept[deed];
    return true;
}

/* Say what stands in the file from `from` to `to`, around the table. */
static bool around_commit(struct pass *pass, uint64_t from, uint64_t to, uint64_t line, struct err *err)
{
    struct notes notes = {0};
    bool good = true;
    pass->n_lines = 0; /* the notes count from the file's first line */
    while (good && from < to) {
        notes_clear(&notes);
        good = region_note(pass->source.region, pass->source.file, &from, to, &line, &notes, err) &&
               notes_commit(pass, &notes, 0, err);
    }
    notes_done(&notes);
    return good;
}

/* In its turn: make sure of the chunk's result and add it to the table's,
 * behind what *before says. */
static bool commit_chunk(struct pass *pass, struct chunk *chunk, uint64_t index, struct place *before,
                         struct err *err)
{
    uint64_t begin = pass->begin;
    *before = (struct place){pass->n_rows, pass->n_text_bytes};
    if (begin >= source_chunk_begin(&pass->source, index + 1)) {
        chunk->n_rows = chunk->n_bad = 0; /* a row that began earlier covers it */
        chunk->n_text_bytes = 0;
        return true;
    }
    if (chunk->begin != begin)
        chunk_parse(chunk, index, begin);
    if (chunk->err.code != ERR_OK) {
        *err = chunk->err;
        return false;
    }
    if (chunk->problem != CSV_END)
        return problem_describe(pass->source.plan, chunk->problem,
                                before->n_rows + pass->n_bad + chunk->n_rows + chunk->n_bad + 1,
                                chunk->problem_field, err);
    if (before->n_rows + chunk->n_rows > UINT32_MAX - 1)
        return err_set(err, ERR_LIMIT, "the file has more than %u rows", UINT32_MAX - 1);
    pass->begin = chunk->end;
    pass->n_text_bytes += chunk->n_text_bytes;
    if (chunk->notes.n > 0 && !notes_commit(pass, &chunk->notes, before->n_rows + pass->n_bad, err))
        return false;
    pass->strange = pass->strange || chunk->gaps || chunk->n_bad > 0 || chunk->notes.n_done[DEED_PADDED] > 0;
    pass->n_odd += chunk->n_odd;
    pass->n_bad += chunk->n_bad;
    pass->n_lines += chunk->n_lines;
    return tally_merge(&pass->tally, &chunk->tally, err);
}

/* After its turn: records and texts to their places in the files. */
static bool chunk_write(struct pass *pass, struct chunk *chunk, uint64_t index, const struct place *before,
                        struct err *err)
{
    chunk_renumber(chunk, before->n_text_bytes);
    struct row_block block = {.n_rows = chunk->n_rows,
                              .records = chunk->records,
                              .record_bytes = pass->source.plan->record_bytes,
                              .texts = chunk->texts,
                              .n_text_bytes = chunk->n_text_bytes};
    return table_writer_group(&pass->writer, index, before, &block, err);
}

static bool progress_tell(struct pass *pass, uint64_t done, uint64_t row, struct err *err)
{
    if (pass->progress && !pass->progress->tick(pass->progress->self, done, pass->source.n_bytes, row))
        return err_set(err, ERR_STOPPED, "reading the file was stopped");
    return true;
}

static void *worker_run(void *self)
{
    struct worker *worker = self;
    struct pass *pass = worker->pass;
    struct chunk *chunk = &worker->chunk;
    struct err err = {0};
    struct place before;
    uint64_t index;
    while (chunk_claim(pass, &index)) {
        chunk_guess(chunk, index);
        if (!wait_for_sequence(pass, index))
            break;
        bool good = commit_chunk(pass, chunk, index, &before, &err);
        bool useful = good && !pass->tally.needs_widening;
        if (good)
            turn_pass(pass, chunk->n_rows);
        good = good && (!useful || chunk_write(pass, chunk, index, &before, &err));
        good = good && (!worker->calling || progress_tell(pass, source_chunk_begin(&pass->source, index + 1),
                                                          before.n_rows + chunk->n_rows, &err));
        if (!good) {
            pass_fail(pass, &err);
            break;
        }
    }
    return NULL;
}

/* Start up to n workers; the first one is the caller. With fewer threads than
 * asked for it takes longer, nothing else. */
static uint32_t workers_start(struct worker *workers, uint32_t n)
{
    uint32_t n_started = 1;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the daemon's main thread's */
    while (n_started < n &&
           pthread_create(&workers[n_started].thread, NULL, worker_run, &workers[n_started]) == 0)
        pthread_setname_np(workers[n_started++].thread, "ingest");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return n_started;
}

bool pass_run(struct pass *pass, uint32_t n_threads, struct err *err)
{
    uint32_t n_ready = 0, n = n_threads < 1 ? 1 : n_threads > THREADS_MAX ? THREADS_MAX : n_threads;
    if (n > pass->n_chunks)
        n = pass->n_chunks > 0 ? (uint32_t)pass->n_chunks : 1;
    struct worker *workers = calloc(n, sizeof *workers);
    if (!workers)
        return err_memory(err, "the workers");
    for (; n_ready < n; n_ready++) {
        workers[n_ready].pass = pass;
        workers[n_ready].calling = n_ready == 0;
        if (!chunk_init(&workers[n_ready].chunk, &pass->source, err))
            break;
    }
    bool good = n_ready > 0;
    if (good) {
        uint32_t n_started = workers_start(workers, n_ready);
        worker_run(&workers[0]);
        for (uint32_t i = 1; i < n_started; i++)
            pthread_join(workers[i].thread, NULL);
        good = !pass->stopped;
        if (!good)
            *err = pass->err;
        good = good &&
               around_commit(pass, pass->source.n_bytes, pass->source.file->n_bytes, pass->n_lines, err) &&
               rejects_flush(&pass->rejects, err) &&
               progress_tell(pass, pass->source.n_bytes, pass->n_rows, err);
    }
    for (uint32_t i = 0; i < n; i++)
        if (workers[i].pass)
            chunk_done(&workers[i].chunk);
    free(workers);
    return good;
}

bool pass_init(struct pass *pass, const struct source *source, int table_fd, int texts_fd,
               const struct table_progress *progress, struct csv_report *report, struct err *err)
{
    *pass = (struct pass){.source = *source,
                          .progress = progress,
                          .report = report,
                          .n_lines = source->plan->body_line,
                          .begin = source->plan->body};
    pthread_mutex_init(&pass->lock, NULL);
    pthread_cond_init(&pass->turned, NULL);
    pass->n_chunks = source_n_chunks(source);
    report->n_skipped = 0;
    memset(report->done, 0, sizeof report->done);
    if (table_writer_init(&pass->writer, table_fd, texts_fd, pass->n_chunks, err) &&
        rejects_begin(&pass->rejects, source->plan->options->rejects_fd, err) &&
        tally_init(&pass->tally, source->plan, err) &&
        around_commit(pass, source->region->text_at, source->region->at, region_text_line(source->region),
                      err) &&
        notes_commit(pass, &source->plan->notes, 0, err)) {
        pass->n_lines = source->plan->body_line;
        return true;
    }
    pass_done(pass);
    return false;
}

void pass_done(struct pass *pass)
{
    tally_done(&pass->tally);
    rejects_done(&pass->rejects);
    table_writer_done(&pass->writer);
    pthread_cond_destroy(&pass->turned);
    pthread_mutex_destroy(&pass->lock);
}
