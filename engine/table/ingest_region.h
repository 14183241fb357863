/* Which part of a file is the table: its dialect and layout, and what stands
 * around it. One thread, before and after the workers. */
#ifndef MLP_ENGINE_TABLE_INGEST_REGION_H
#define MLP_ENGINE_TABLE_INGEST_REGION_H

#include "csv/layout.h"
#include "mlp/ingest.h"
#include "table/notes.h"

/* Another table of the file. */
struct region_other {
    uint64_t at, end;
};

struct region {
    struct csv_dialect dialect;
    enum csv_encoding encoding;
    uint64_t text_at;  /* behind a byte order mark and a line that names the separator */
    uint64_t at, end;  /* the table, its header included; bytes of the file */
    uint64_t line;     /* line ends before `at` */
    uint32_t width;    /* fields of its rows; 0: as its first row has */
    uint32_t told;     /* fields, as the user's names say; 0: they do not */
    bool narrow;       /* the first row alone has one field more */
    uint32_t n_titles; /* rows above it that were left out as titles */
    bool guessed;      /* by its layout */
    bool certain;      /* nothing in the file's head says that its table ends, or begins, elsewhere */
    bool reviewed;     /* the whole file was looked at */
    struct region_other *others;
    uint32_t n_others;
};

/* As file_read_at; waits for what has not arrived. */
bool csv_file_read(const struct csv_file *file, void *bytes, size_t n_bytes, uint64_t at, struct err *err);

/* Look at the head of a file of file_bytes bytes. False: out of memory. */
bool region_find(struct region *region, const char *head, size_t n_bytes, uint64_t file_bytes,
                 const struct csv_options *options, struct err *err);
/* Look at all of the file, of which the dialect is known: *region changes where
 * another part of it is the table. */
bool region_review(struct region *region, const struct csv_file *file, struct err *err);
uint64_t region_text_line(const struct region *region); /* line ends before text_at */
void region_done(struct region *region);

/* Note lines of the file from *at up to `to`, which are not the table's: those
 * before it as preamble, those behind it as footer, or as another table's. As
 * many as a window holds: *at and *line (line ends before it) go on. */
bool region_note(const struct region *region, const struct csv_file *file, uint64_t *at, uint64_t to,
                 uint64_t *line, struct notes *notes, struct err *err);

#endif
