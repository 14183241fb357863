/* A table's file on its way: groups of records, each by whoever has it, then
 * the schema. What reads CSV, IDX or other tables gives records in a plan's
 * layout and counts the values; once all are there, each column of numbers gets
 * the narrowest type that keeps all of its values, and the records are packed
 * so.
 *
 * Threads: table_writer_group may be called for different groups at once. */
#ifndef MLP_ENGINE_TABLE_WRITER_H
#define MLP_ENGINE_TABLE_WRITER_H

#include "table/file.h"
#include "table/ingest_tally.h"

struct table_writer {
    int table_fd; /* the caller's, as texts_fd */
    int texts_fd; /* a file of their own, until the number of records is known; -1 where there are none */
    uint64_t n_groups;
    struct table_group *groups, *text_groups; /* (n_groups) */
    /* What the columns have from elsewhere; NULL: nothing. */
    void (*inherit)(struct column *columns, uint32_t n, const void *self);
    const void *self;
};

/* What a group finds before it. */
struct place {
    uint64_t n_rows, n_text_bytes;
};

/* Rows that are written together. */
struct row_block {
    uint64_t n_rows;
    const uint8_t *records; /* (n_rows, record_bytes) */
    uint32_t record_bytes;
    const char *texts; /* n_text_bytes: each ended by NUL */
    size_t n_text_bytes;
};

/* With room for n_groups, which hold no rows until they are written. */
bool table_writer_init(struct table_writer *writer, int table_fd, int texts_fd, uint64_t n_groups,
                       struct err *err);
void table_writer_done(struct table_writer *writer);

/* Records and texts to their places in the files, and their checksums. */
bool table_writer_group(struct table_writer *writer, uint64_t index, const struct place *before,
                        const struct row_block *block, struct err *err);

/* All groups are there, n_text_bytes of texts in them: pack the records, move
 * the texts behind them, write the schema as the tally describes the columns,
 * sync. */
bool table_writer_finish(struct table_writer *writer, const struct tally *tally, uint64_t n_text_bytes,
                         struct err *err);

#endif
