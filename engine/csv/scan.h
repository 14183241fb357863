/* The fields of one row of CSV text after the other, out of a buffer that may
 * hold only a part of the file. What csv_reader and table_ingest share. One
 * scanner, one thread. */
#ifndef MLP_ENGINE_CSV_SCAN_H
#define MLP_ENGINE_CSV_SCAN_H

#include "mlp/csv.h"

#define CSV_COLUMNS_MAX 1000000u
#define CSV_ROW_BYTES_MAX ((size_t)64 << 20)

enum csv_result {
    CSV_ROW,  /* fields and n_fields are a row's */
    CSV_END,  /* the limit, or the end of the text */
    CSV_MORE, /* the row, or what may be a blank line, runs beyond the buffer: call again with more of it,
                 from `at` */
    /* errors */
    CSV_UNTERMINATED,
    CSV_TEXT_AFTER_QUOTE,
    CSV_NUL,
    CSV_TOO_MANY_FIELDS,
    CSV_ROW_TOO_LONG,
    CSV_MEMORY,
    /* found by those who know the columns */
    CSV_RAGGED,
    CSV_NOT_A_NUMBER,
    CSV_LEFT, /* no row: it was noted and left out */
};

struct csv_dialect {
    char separator; /* ' ': runs of blanks */
    char quote;     /* '\0': none */
    char escape;    /* stands before a quote within quotes, and before itself; '\0': quotes are doubled */
    char comment;   /* lines that begin with it, blanks before it aside, are skipped; '\0': none */
    char decimal;   /* before the decimals of a number; this and the next are not the scanner's business */
    char thousands; /* between groups of three digits; '\0': nothing */
};

struct csv_scan {
    struct csv_dialect dialect;
    const char *text;         /* the buffer */
    size_t end;               /* its bytes */
    size_t at;                /* where the next row, or a blank line before it, begins */
    size_t limit;             /* rows that begin here or later are not read */
    bool last;                /* the text ends where the buffer ends */
    struct csv_field *fields; /* valid until the next call */
    uint32_t n_fields;
    size_t row_at;                /* where the row begins, blank lines before it left out */
    uint64_t n_lines;             /* line ends passed since csv_scan_init */
    uint64_t row_line;            /* of them before the row */
    uint64_t n_comments, n_empty; /* lines that were skipped since csv_scan_init */
    /* private below */
    uint32_t n_allocated;
    bool many_lines; /* a quoted field of the row has line ends in it */
    size_t block;    /* position whose next 64 bytes `specials` describes; SIZE_MAX: none */
    uint64_t specials;
    uint32_t *doubled; /* n_doubled indices of fields with doubled quotes; n_allocated of them fit */
    uint32_t n_doubled;
    char *unquoted; /* their texts with doubled quotes halved; n_unquoted bytes fit */
    size_t n_unquoted;
};

/* An empty scanner; give it text with csv_scan_text. */
void csv_scan_init(struct csv_scan *scan, const struct csv_dialect *dialect);
void csv_scan_done(struct csv_scan *scan);

/* Read on in this buffer, from its beginning; limit is its end. The text must
 * stay until the rows have been used. */
void csv_scan_text(struct csv_scan *scan, const char *text, size_t n_bytes, bool last);

/* The next row. Lines without anything but blanks are skipped. Any of CR, LF
 * and CRLF ends a row; `at` is never within a CRLF. On an error n_fields is the index of the field at fault,
 * and `at` stays at the row's beginning. */
enum csv_result csv_scan_row(struct csv_scan *scan);

/* After an error: go on behind the next line end, whatever it belongs to.
 * False: it lies beyond the buffer. */
bool csv_scan_skip_line(struct csv_scan *scan);

/* Whether and how a line was made to fit. */
enum csv_mending {
    MEND_NONE,      /* it fits as it stands */
    MEND_QUOTES,    /* with quotes that are not where they belong */
    MEND_SEPARATOR, /* with another separator */
    MEND_MISFIT,    /* it does not; its fields are read as well as they can be */
    MEND_NUL,
    MEND_TOO_MANY, /* fields, for any table */
    MEND_MEMORY,
};
/* The line that begins at `row_at` and is whole in the buffer, read as a row of
 * n_columns fields: a quote within a field is a character, text behind a closing
 * quote belongs to the field, an opening one that is not closed in the line is
 * left out, and a backslash escapes one; else closing quotes are those before
 * separators, or the unclosed field takes the rest of the line; else another
 * separator is tried. Nothing but the fields changes. *unclosed: of a misfit,
 * whether a quote was not closed. */
enum csv_mending csv_scan_mend(struct csv_scan *scan, uint32_t n_columns, bool *unclosed);
/* Empty fields up to n. False: out of memory. */
bool csv_scan_pad(struct csv_scan *scan, uint32_t n);

/* --- within the room --- */
bool csv_scan_field(struct csv_scan *scan,
                    struct csv_field field);                 /* one more; false: too many, or no memory */
bool csv_scan_room(struct csv_scan *scan, size_t n_bytes);   /* of `unquoted` */
uint64_t csv_line_ends(const char *text, size_t n_bytes);    /* how many there are */
size_t csv_line_end(const struct csv_scan *scan, size_t at); /* the first line end from `at` on */

/* One sentence for a result that is an error, with row and column where they
 * are known. Returns false. */
bool csv_describe(enum csv_result result, uint64_t row, uint32_t field, struct err *err);

/* Fill in what `dialect` leaves open (zero), but for the quote, by the head of
 * a file: the separator that splits it best, ',' where none does; '#' for
 * comments where the file begins with a line of it that is no header; the
 * decimal mark. `whole`: the text is the whole file. False: out of memory. */
bool csv_guess(struct csv_dialect *dialect, bool guess_comment, const char *text, size_t n_bytes, bool whole);

/* ' where fields stand in such quotes and none in the usual ones, else ". */
char csv_guess_quote(const char *text, size_t n_bytes);

/* How many bytes at the head of a file are no rows: a byte order mark, and a
 * line "sep=;" as spreadsheets write it, whose separator then is the dialect's,
 * unless another was told. */
size_t csv_preamble(struct csv_dialect *dialect, const char *text, size_t n_bytes);

/* How many bytes of the text are a title above its table, of *n_rows rows: each
 * with nothing but one text, alone in its row or, where `padded` allows it,
 * with empty fields to the width of the table, or with commas in it; below them
 * a header, fields of text without a gap, which a title with commas is narrower
 * than. Or what options->titles says; none where there is no header. SIZE_MAX:
 * out of memory. */
size_t csv_titles(const struct csv_dialect *dialect, const struct csv_options *options, const char *text,
                  size_t n_bytes, bool whole, bool padded, uint32_t *n_rows);

/* What the user has said of the dialect, zero where nothing; for csv_guess to
 * fill in. */
struct csv_dialect dialect_told(const struct csv_options *options);
/* Whether the text, blanks around it aside, is one that the user said stands
 * for a missing value. */
bool csv_missing(const struct csv_options *options, const struct csv_field *field);

#endif
