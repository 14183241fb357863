/* One reading of the whole CSV file by several workers, records written in
 * their order. See ingest.c for the plan.
 *
 * Threads: `lock` protects what stands under it in struct pass. Whose turn it
 * is may use what the turn moves on (`tally` to `begin`, `n_rows`) without it;
 * before pass_run and after it the caller may use everything. */
#ifndef MLP_ENGINE_TABLE_INGEST_PASS_H
#define MLP_ENGINE_TABLE_INGEST_PASS_H

#include "mlp/ingest.h"
#include "table/ingest_chunk.h"
#include "table/writer.h"

#include <pthread.h>

/* One reading of the whole file. */
struct pass {
    struct source source;
    uint64_t n_chunks;
    struct table_writer writer; /* a chunk is a group, written by the worker that has it */
    const struct table_progress *progress;
    struct tally tally;        /* of all chunks before `turn` */
    struct csv_report *report; /* what was done before `turn` */
    struct rejects rejects;
    bool strange;          /* some row did not fit, or an empty line stands between rows */
    uint64_t n_odd;        /* rows that may be of another dialect */
    uint64_t n_bad;        /* rows set aside before `turn` */
    uint64_t n_lines;      /* of the file before the chunk `turn` */
    uint64_t begin;        /* where the chunk `turn` begins */
    uint64_t n_text_bytes; /* before the chunk `turn` */
    pthread_mutex_t lock;
    pthread_cond_t turned; /* `turn` or `stopped` has changed: workers with a later chunk wait */
    uint64_t next;         /* the chunk to claim */
    uint64_t turn;         /* the chunk whose result is to be taken */
    uint64_t n_rows;       /* before the chunk `turn` */
    bool stopped;          /* err is written; all workers return */
    struct err err;
};

/* The plan and the progress must outlive the pass, the files stay the
 * caller's. */
bool pass_init(struct pass *pass, const struct source *source, int table_fd, int texts_fd,
               const struct table_progress *progress, struct csv_report *report, struct err *err);
void pass_done(struct pass *pass);

/* Read the file on up to n_threads threads, the caller's one of them. Where
 * `tally.needs_widening` is set afterwards, some column's type was too narrow,
 * `tally.wanted` tells which are needed, and the records are worthless. */
bool pass_run(struct pass *pass, uint32_t n_threads, struct err *err);

#endif
