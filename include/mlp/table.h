/* Typed rows read from a CSV, kept in one file that is memory-mapped: what datasets are made of.
 *
 * A table is immutable. Each row is one record of `record_bytes` bytes; a column is a type and an offset within the record, so that
 * gathering a row touches one place. Any number of threads may read a table at once. */
#ifndef MLP_TABLE_H
#define MLP_TABLE_H

#include "mlp/date.h"
#include "mlp/err.h"

#include <stddef.h>
#include <stdint.h>

enum column_type {
    COLUMN_BYTE,     /* uint8_t: every value is an integer 0..255, none is missing */
    COLUMN_NUMBER,   /* float, NaN where missing; the nearest float to the text, as strtof gives */
    COLUMN_CATEGORY, /* uint32_t index into levels, TABLE_MISSING where missing */
    COLUMN_DATE,     /* double, a date's value (mlp/date.h), NaN where missing; at a multiple of 4 bytes */
    COLUMN_TEXT,     /* uint64_t place among the table's texts, TABLE_TEXT_MISSING where missing; at a multiple of 4 bytes. Of columns with
                        more different texts than can be numbered: kept, not learnt from */
};
#define COLUMN_TYPES 5
#define TABLE_MISSING UINT32_MAX
#define TABLE_TEXT_MISSING UINT64_MAX

struct column {
    char *name; /* as in the header, or "c1", "c2" ... where there is none */
    enum column_type type;
    uint32_t offset; /* of the value within a record; multiple of the value's size, or of 4 */
    uint64_t n_missing;
    bool integer;               /* every present value is an integer (byte and number columns) */
    char mark, group;           /* before the decimals and between groups of three digits in the file's numbers; '\0': a point, nothing */
    double min, max;            /* of the present values, of dates in seconds; NaN where there is none and in columns of texts */
    double mean, stddev;        /* stddev of the population */
    struct date_format date;    /* date columns: as the file writes them */
    uint32_t n_levels;          /* category columns; else 0 */
    const char *const *levels;  /* n_levels strings, in order of first appearance */
    const uint64_t *level_rows; /* n_levels: how many rows hold each level */
};

/* Whether table_text may be asked for its values. */
static inline bool column_has_texts(const struct column *column)
{
    return column->type == COLUMN_CATEGORY || column->type == COLUMN_TEXT;
}

struct table;

enum csv_encoding { CSV_ENCODING_GUESS, CSV_UTF8, CSV_UTF16LE, CSV_UTF16BE, CSV_WINDOWS_1252, CSV_LATIN1 };

/* A column's type as the user wants it: COLUMN_NUMBER (text in it makes a bad row), COLUMN_CATEGORY, COLUMN_TEXT, or COLUMN_DATE to be read as
 * `date` says where that suits the whole column. */
struct csv_type {
    const char *column;
    enum column_type type;
    struct date_format date;
};

/* How to read a CSV. Zero means "find out from the head of the file". All pointers must outlive the call. */
struct csv_options {
    char separator;     /* , ; tab | or any other character that is no digit; ' ': runs of blanks */
    int titles;         /* rows above the header that are left out; 0: guess, -1: none */
    int header;         /* 1: the first row names the columns, -1: it does not, 0: guess */
    uint32_t n_threads; /* threads that parsing may use; 0: 1 */
    int quote;          /* 0: '"', -1: none */
    char decimal;       /* '.' or ',' before the decimals; 0: guess */
    char thousands;     /* stands between groups of three digits; ' ': any kind of blank; 0: nothing does */
    int comment;        /* lines that begin with it are left out; 0: guess ('#' or none), -1: none */
    enum csv_encoding encoding;
    bool skip_bad_rows;         /* leave out rows that cannot be read, and count them; else the first one is an error */
    const char *const *missing; /* n_missing texts that stand for a missing value too, besides those of text_is_missing */
    uint32_t n_missing;
    const char *const *names; /* n_names names of the columns, instead of the header's; 0: as the file has it */
    uint32_t n_names;
    const struct csv_type *types; /* n_types; the other columns' types are found out */
    uint32_t n_types;
};

#define CSV_SKIPPED_SHOWN 5

/* What ingesting found out and did; shown to the user. */
struct csv_report {
    char separator;
    bool header;
    uint32_t n_titles;   /* rows of a title that stood above the header, and were left out */
    bool count_line;     /* a line of counts ("150,4,setosa,...") stood before the first row, and was left out */
    char quote, comment; /* '\0': none */
    char decimal;
    enum csv_encoding encoding;
    uint64_t bytes;
    uint64_t n_skipped;                    /* rows left out */
    struct err skipped[CSV_SKIPPED_SHOWN]; /* the first of them */
};

/* Called now and then while ingesting, on the calling thread; false stops the work with ERR_STOPPED. */
struct table_progress {
    bool (*tick)(void *self, uint64_t bytes_done, uint64_t bytes_all, uint64_t rows);
    void *self;
};

/* Parse the CSV in the regular file `csv_fd` (from its beginning to its end; read in windows, never held whole) and write the table
 * file `path`, synced: the caller gives a temporary name and renames it once it likes the result. Bounded memory: some windows, the
 * levels of the categories (a column with too many becomes COLUMN_TEXT), and per-column state. Errors name row and column. On failure `path`
 * does not exist.
 * `progress` and `report` may be NULL. */
bool table_ingest(int csv_fd, const struct csv_options *options, const char *path, const struct table_progress *progress,
                  struct csv_report *report, struct err *err);

/* Map a table file. Its size, checksum of the header and every offset are checked: a damaged file is ERR_CORRUPT. NULL on failure. */
struct table *table_open(const char *path, struct err *err);
struct table *table_ref(struct table *table);
void table_unref(struct table *table); /* takes NULL; the last one unmaps */

/* A hint: rows will be read from all over the file, so a read must not bring in what stands beside it. For tables that may be larger than
 * memory, where the system's reading ahead would push out what is still needed. */
void table_read_scattered(const struct table *table);

/* Read every record and compare with the checksums taken when it was written. ERR_CORRUPT names the damaged rows. */
bool table_verify(const struct table *table, struct err *err);

uint64_t table_n_rows(const struct table *table);
uint32_t table_n_columns(const struct table *table);
uint32_t table_record_bytes(const struct table *table);
const struct column *table_column(const struct table *table, uint32_t index);
/* Index of the column called `name`, -1 where there is none. */
int64_t table_find(const struct table *table, const char *name);

/* The first record; row r begins at table_records() + r * table_record_bytes(). */
const uint8_t *table_records(const struct table *table);

/* One value as number or level. The column must be of the kind that the name says. */
float table_number(const struct table *table, uint32_t column, uint64_t row);   /* byte or number column; NaN: missing */
uint32_t table_level(const struct table *table, uint32_t column, uint64_t row); /* category column; TABLE_MISSING */
double table_date(const struct table *table, uint32_t column, uint64_t row);    /* date column; NaN: missing */
/* A value of a category or text column, NULL where it is missing. It lives as long as the table. */
const char *table_text(const struct table *table, uint32_t column, uint64_t row);

#endif
