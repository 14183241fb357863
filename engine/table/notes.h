/* What was done to lines of a file: noted by the worker that parses a chunk,
 * merged into the report and written to the file of rejects in the chunks'
 * order. One list, one thread. */
#ifndef MLP_ENGINE_TABLE_NOTES_H
#define MLP_ENGINE_TABLE_NOTES_H

#include "mlp/csv.h"

#define NOTE_NO_COLUMN UINT32_MAX

struct note {
    enum csv_deed deed;
    uint64_t row, line; /* 0 is what the chunk begins with; row NOTE_NO_ROW: it is none */
    uint32_t column;    /* NOTE_NO_COLUMN: none */
    uint32_t n_fields;  /* the row's, or the field at fault */
    size_t at;          /* its text in `texts` */
    uint32_t n_bytes;
};
#define NOTE_NO_ROW UINT64_MAX

struct notes {
    uint64_t n_done[DEEDS];
    struct note *items; /* (n): all that belong to the rejects, the first CSV_SHOWN of the rest */
    uint32_t n, n_allocated;
    char *texts; /* n_texts bytes */
    size_t n_texts, texts_room;
};

void notes_clear(struct notes *notes);
void notes_done(struct notes *notes);

/* Count it, and keep it with a copy of its text, of which CSV_REJECT_BYTES are
 * kept. `at` and `n_bytes` of *note are filled in. False: out of memory. */
bool notes_add(struct notes *notes, const struct note *note, const char *text, size_t n_bytes);

/* Whether what was done of this kind belongs into the file of rejects. */
bool deed_rejects(enum csv_deed deed);

/* Why, in a few words; "" where it does not. */
const char *deed_reason(enum csv_deed deed);

/* The file of rejects. */
struct rejects {
    int fd; /* below 1: none */
    char *text;
    size_t n, room;
    uint64_t at;
};

/* Begin it anew. */
bool rejects_begin(struct rejects *rejects, int fd, struct err *err);
/* A line; `text` is in UTF-8. row, line 0: none. */
bool rejects_put(struct rejects *rejects, const struct csv_note *note, enum csv_deed deed, const char *reason,
                 const char *text, size_t n_bytes, struct err *err);
bool rejects_flush(struct rejects *rejects, struct err *err);
void rejects_done(struct rejects *rejects);

#endif
