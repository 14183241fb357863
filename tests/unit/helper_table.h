/* What the tests of tables share: a CSV text to a table, and a table to
 * text. */
#ifndef MLP_TESTS_HELPER_TABLE_H
#define MLP_TESTS_HELPER_TABLE_H

#include "mlp/table.h"
#include "table/ingest.h"

/* Files of the test that runs. */
extern char csv_path[80], table_path[80], rejects_path[80];

/* A checked fixture. */
void folder_make(void);
void folder_remove(void);

/* One ingest of a text. */
struct reading {
    const char *csv;
    size_t n_bytes; /* 0: strlen(csv) */
    struct csv_options options;
    struct ingest_sizes sizes; /* zero: the usual ones */
    struct table_progress *progress;
    struct csv_report report;
    struct err err;
};

bool ingest(struct reading *reading);
/* The table, opened and verified. */
struct table *table_of(struct reading *reading);

/* The table as text: "name:type" of each column, then each row; numbers by
 * %.9g, levels in <>, missing as _. The caller frees it. */
char *table_as_text(const struct table *table);
void check_text(struct reading *reading, const char *expected);
/* With bad rows as the options say, and with bad rows rejected. */
void check_unreadable(struct reading *reading, enum err_code code, uint64_t row, const char *words);
void check_refused(struct reading *reading, enum err_code code, uint64_t row, const char *words);
/* What the last ingest wrote to the file of rejects, without its first line, and
 * with '/' between lines. */
void check_rejects(const char *expected);

/* Texts and what they are read as, with chunk edges all over them. */
struct expectation {
    const char *csv, *expected;
};
void check_all(const struct expectation *all, size_t n);
#define CHECK_ALL(all) check_all(all, sizeof(all) / sizeof *(all))

uint64_t random_next(uint64_t *state);
uint32_t random_below(uint64_t *state, uint32_t n);

/* 3,000 rows of which only the first thousand are looked at, and `last`. The
 * caller frees it. */
char *late_csv(const char *last);

char *file_bytes(const char *path, size_t *n_bytes);

/* Where a shared data set lies: $MLPD_SHARED/data, or ../shared/data beside the
 * source tree. */
void shared_path(char *path, size_t n, const char *name);

#endif
