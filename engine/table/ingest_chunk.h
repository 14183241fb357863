/* One chunk of the file to records: the rows that begin in its bytes. What a
 * worker does between claiming a chunk and giving its result in; knows nothing
 * of other workers. */
#ifndef MLP_ENGINE_TABLE_INGEST_CHUNK_H
#define MLP_ENGINE_TABLE_INGEST_CHUNK_H

#include "table/ingest_tally.h"
#include "table/notes.h"

/* The file and how to read it: the same for all workers. */
struct source {
    const struct csv_file *file;
    uint64_t n_bytes; /* where the table ends */
    size_t chunk_bytes;
    const struct plan *plan;
    const struct region *region;
};

struct chunk {
    const struct source *source;
    /* the result */
    uint64_t begin; /* where its first line begins; UINT64_MAX: not parsed */
    uint64_t end;   /* where the line after its last row begins */
    uint64_t n_rows;
    uint8_t *records; /* (n_rows, record_bytes), and room for more */
    char *texts; /* n_text_bytes: the values of text columns, each ended by NUL; records say where in them */
    size_t n_text_bytes;
    struct tally tally;
    enum csv_result problem; /* CSV_END, or what is wrong with the row after the n_rows and n_bad ones */
    uint32_t problem_field;  /* the field at fault, or the number of fields */
    uint64_t n_bad;          /* rows set aside */
    uint64_t n_odd;          /* rows that may be of another dialect */
    bool gaps;               /* an empty line stands above a row */
    uint64_t n_lines;        /* line ends from `begin` to `end` */
    struct notes notes;      /* rows and lines count from 0 */
    struct err err;          /* the source could not be read, or memory is short: code is not ERR_OK */
    /* private below */
    char *window; /* WINDOW_BEFORE bytes, n_window bytes of the file from window_at on, WINDOW_AFTER bytes */
    size_t n_window, window_room;
    uint64_t window_at;
    size_t records_room, texts_room;
    struct csv_scan scan;
    char *recoded; /* a text in UTF-8; n_recoded bytes fit */
    size_t n_recoded;
};

bool chunk_init(struct chunk *chunk, const struct source *source, struct err *err);
void chunk_done(struct chunk *chunk);

/* How many chunks the source's body has. */
uint64_t source_n_chunks(const struct source *source);
uint64_t source_chunk_begin(const struct source *source,
                            uint64_t index); /* chunk index ends where index + 1 begins */

/* Parse chunk `index`, taking for granted that the first line end in its bytes
 * is one, and not part of a quoted value. A row longer than a chunk, which that
 * mistake would lead to, is not read on: begin is UINT64_MAX then. */
void chunk_guess(struct chunk *chunk, uint64_t index);

/* Parse chunk `index` from `begin`, where a line begins for certain. */
void chunk_parse(struct chunk *chunk, uint64_t index, uint64_t begin);

/* Something was done to the value (field not NULL) or to the row that is parsed:
 * for the report and the rejects. False: out of memory, chunk->err says so. */
bool chunk_note(struct chunk *chunk, enum csv_deed deed, uint32_t column, const struct csv_field *field);

/* Once the tally is merged, and n_text_bytes of texts are before the chunk's:
 * the levels' numbers and texts' places in the records become the table's. */
void chunk_renumber(struct chunk *chunk, uint64_t n_text_bytes);

#endif
