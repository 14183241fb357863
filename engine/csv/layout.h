/* Where in a text its tables are. Rows are looked at one after the other and
 * kept as segments: runs of rows of one width. Segments that belong together
 * are a table; the largest is the one to read. One layout, one thread. */
#ifndef MLP_ENGINE_CSV_LAYOUT_H
#define MLP_ENGINE_CSV_LAYOUT_H

#include "csv/scan.h"

/* A run of rows of one width. */
struct csv_segment {
    uint64_t at, end;  /* bytes of the text */
    uint64_t line;     /* line ends before it */
    uint64_t n_before; /* rows above it */
    uint64_t n_rows;
    uint32_t width;     /* fields of each; 1: of a title or a note, whatever stands beside it */
    uint32_t n_fields;  /* as they stand there */
    uint32_t extent;    /* up to the last that is filled in some row */
    uint64_t hash;      /* of the first row's text */
    uint32_t announced; /* the first row tells of so many fields below: "150,4,setosa,..."; 0: it does not */
    bool blank_before;
    bool names;   /* the first row is of texts, and could be a header */
    bool numbers; /* some row has numbers or dates */
    bool note;    /* rows of one text that is none of a table: long, or a sum */
    uint32_t table;
};

/* Segments that belong together. */
struct csv_table_place {
    uint64_t at, end, line, n_before, n_rows;
    uint32_t extent;                    /* fields up to the last that is filled in some row */
    uint64_t n_wide, n_narrow;          /* rows of its width, and of one field less */
    uint32_t width, n_segments, n_sums; /* rows of sums between its rows */
    uint64_t hash;                      /* of its first row */
    uint32_t announced;
    bool names, numbers;
};

struct csv_layout {
    struct csv_segment *segments;
    uint32_t n_segments, n_allocated;
    struct csv_table_place *tables;
    uint32_t n_tables;
    uint32_t chosen; /* of the tables; n_tables: there is none */
    uint32_t told;   /* fields that the table's rows are known to have; 0: they are not. The caller's */
    uint64_t n_rows; /* looked at */
    bool blank;      /* what comes next has an empty line before it */
};

/* Look at the row that the scanner has just read; `mended`: whose quotes are not
 * where they belong, so that its width is none. `text_at` is where the scanner's
 * text begins. False: out of memory. */
bool csv_layout_add(struct csv_layout *layout, const struct csv_scan *scan, uint64_t text_at, bool mended);
/* All rows have been looked at: find the tables. False: out of memory. */
bool csv_layout_find(struct csv_layout *layout);
void csv_layout_done(struct csv_layout *layout);

/* All rows of the scanner's text that are whole, from its place on; the text
 * begins at text_at of the file. False: out of memory. */
bool csv_layout_text(struct csv_layout *layout, struct csv_scan *scan, uint64_t text_at);

/* A number or a date as people write them: digits, and few letters. */
bool csv_looks_numeric(const struct csv_field *field);
/* "Total", "Summe": the first field of a row that sums up those above. */
bool csv_is_sum(const struct csv_field *field);

#endif
