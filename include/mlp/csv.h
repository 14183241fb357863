/* CSV bytes to fields (RFC 4180): how a file is to be read, what was found out
 * of it, and a reader over a buffer in memory. */
#ifndef MLP_CSV_H
#define MLP_CSV_H

#include "mlp/column.h"
#include "mlp/err.h"

#include <stddef.h>
#include <stdint.h>

enum csv_encoding { CSV_ENCODING_GUESS, CSV_UTF8, CSV_UTF16LE, CSV_UTF16BE, CSV_WINDOWS_1252, CSV_LATIN1 };

/* What to do with a row that does not fit its table. */
enum csv_bad {
    CSV_BAD_SET_ASIDE, /* mend it where that is safe, else set it aside, and count it */
    CSV_BAD_REJECT,    /* nothing is mended: the first one is an error */
};

/* What reading did to lines of a file. Their names (csv_deed_name) stand on the
 * wire and in the file of rejects. */
enum csv_deed {
    /* rows of the table */
    DEED_PADDED,          /* fields were missing at the end: they are missing values */
    DEED_TRAILING,        /* empty fields at the end were dropped */
    DEED_QUOTE_MENDED,    /* a quote within a field, text behind a closing one, or one that is not closed */
    DEED_OTHER_SEPARATOR, /* the row has a separator of its own */
    /* lines that are no rows of it */
    DEED_PREAMBLE,
    DEED_HEADER_ROW, /* of a header of several rows */
    DEED_UNIT_ROW,
    DEED_COMMENT,
    DEED_EMPTY_LINE,
    DEED_REPEATED_HEADER,
    DEED_FOOTER,
    DEED_OTHER_TABLE, /* a row of a table that is smaller than the one taken */
    /* rows set aside */
    DEED_TOO_FEW,
    DEED_TOO_MANY,
    DEED_UNCLOSED,
    DEED_BAD_QUOTE,
    DEED_CUT_OFF,
    DEED_NUL_BYTE,
    DEED_WRONG_TYPE,
    /* values that do not fit their column and became missing */
    DEED_ODD_CELL,
    DEEDS
};
const char *csv_deed_name(enum csv_deed deed); /* "padded" ... */

#define CSV_SHOWN 5
#define CSV_SHOWN_BYTES 80
#define CSV_REJECT_BYTES 4096

/* A line, or a value in it, that something was done to. */
struct csv_note {
    uint64_t row;    /* among rows of data and those set aside together, from 1; 0: it is none */
    uint64_t line;   /* of the file, from 1 */
    char column[72]; /* cut to fit; "" where there is none */
    char text[CSV_SHOWN_BYTES + 1]; /* in UTF-8, cut to fit */
};

/* All that was done of one kind. */
struct csv_done {
    uint64_t n;
    struct csv_note first[CSV_SHOWN];
};

/* A column's type as the user wants it: COLUMN_NUMBER (text in it makes a bad
 * row), COLUMN_CATEGORY, COLUMN_TEXT, or COLUMN_DATE to be read as `date` says
 * where that suits the whole column. COLUMN_NUMBER with `written`: numbers in
 * that format where most values are (text in it makes no bad row). */
struct csv_type {
    const char *column;
    enum column_type type;
    struct date_format date;
    const struct number_format *written;
};

/* A text that stands for a missing value in one column. */
struct csv_column_word {
    const char *column, *text;
};

/* How to read a CSV. Zero means "find out from the head of the file". All
 * pointers must outlive the call. */
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
    enum csv_bad on_bad_row;
    int rejects_fd;             /* for what is set aside, written from its beginning; below 1: none */
    const char *const *missing; /* n_missing texts that stand for a missing value, too */
    uint32_t n_missing;
    const struct csv_column_word *column_missing; /* n_column_missing, the same of single columns */
    uint32_t n_column_missing;
    const char *const *names; /* n_names names of the columns, instead of the header's */
    uint32_t n_names;
    const struct csv_type *types; /* n_types; the other columns' types are found out */
    uint32_t n_types;
};

#define CSV_SKIPPED_SHOWN 5

/* What ingesting found out and did; shown to the user. */
struct csv_report {
    char separator;
    bool header;
    uint32_t n_titles; /* rows of a title that stood above the header, and were left out */
    bool count_line; /* a line of counts ("150,4,setosa,...") stood before the first row, and was left out */
    char quote, comment; /* '\0': none */
    char decimal;
    enum csv_encoding encoding;
    uint64_t bytes;
    uint64_t n_skipped;                    /* rows left out */
    struct err skipped[CSV_SKIPPED_SHOWN]; /* the first of them */
    struct csv_done done[DEEDS];
};

/* The file of rejects: a line of names, "row,line,code,column,reason,text", then
 * in the file's order, one line of CSV each (RFC 4180, LF), what is not in the
 * table: lines that are no rows of it but empty ones and headers, rows set
 * aside, odd cells. `text` is the row's (the value's) in UTF-8, at most
 * CSV_REJECT_BYTES of it; `code` is csv_deed_name's. */

struct csv_field {
    const char *text; /* not terminated; quotes taken off and doubled quotes halved */
    uint32_t length;
    bool quoted;
};

/* A reader over a whole buffer in memory, for small bodies (predictions, the
 * head of a file). Threads: one reader, one thread. */
struct csv_reader;
/* `bytes` must outlive the reader. separator 0: guessed from the head. The
 * coding is found out (UTF-8, UTF-16, Windows-1252), and fields come in UTF-8;
 * leading comments are skipped. NULL: out of memory. */
struct csv_reader *csv_reader_new(const char *bytes, size_t n_bytes, char separator, struct err *err);
/* The same with more told, as for table_ingest: separator, quote, decimal,
 * comment, encoding, titles (guessed: rows of one field above a header of
 * several), and `missing`: a field that is one of these comes empty. The rest
 * of the options does not concern a reader. They must outlive it. */
struct csv_reader *csv_reader_open(const char *bytes, size_t n_bytes, const struct csv_options *options,
                                   struct err *err);
void csv_reader_free(struct csv_reader *reader);
char csv_reader_separator(const struct csv_reader *reader);
char csv_reader_decimal(const struct csv_reader *reader); /* before the decimals of its numbers: '.' or ',' */
/* The next row: *fields (valid until the next call) and *n_fields; blank lines
 * are skipped. Returns 1, 0 at the end, -1 with *err. */
int csv_reader_next(struct csv_reader *reader, const struct csv_field **fields, uint32_t *n_fields,
                    struct err *err);

/* What csv_reader_read has come to. */
enum csv_read {
    CSV_READ_ERROR = -1, /* memory is short; *err says so */
    CSV_READ_END,
    CSV_READ_ROW,
    CSV_READ_BAD, /* a row that cannot be read: *err says why; the next call goes on behind its line */
};
/* The next row as one of n_columns fields (0: as many as there are), mended as
 * table_ingest mends rows: quotes that are not where they belong are characters
 * or left out, missing fields are empty, empty ones too many dropped. Rows count
 * from 1 in *err, those that are bad too. *fields is valid until the next
 * call. */
enum csv_read csv_reader_read(struct csv_reader *reader, uint32_t n_columns, const struct csv_field **fields,
                              uint32_t *n_fields, struct err *err);

/* Text without the blanks around it, unless it was quoted. */
struct csv_field csv_field_trim(struct csv_field field);

#endif
