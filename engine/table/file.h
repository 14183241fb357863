/* The file that holds a table: a page with the header, the records, the texts
 * of text columns each ended by NUL, then the schema (columns, levels,
 * checksums of records and texts).
 * Numbers are in the machine's byte order, which the header tells. */
#ifndef MLP_ENGINE_TABLE_FILE_H
#define MLP_ENGINE_TABLE_FILE_H

#include "mlp/table.h"

#define TABLE_RECORDS_AT 4096u

/* What was written together, and its checksum: the records of n rows, or n
 * bytes of texts. */
struct table_group {
    uint64_t n;
    uint64_t checksum;
};

/* What a table file holds besides its records. */
struct table_schema {
    uint64_t n_rows;
    uint32_t n_columns;
    uint32_t record_bytes;
    struct column *columns;     /* (n_columns) */
    struct table_group *groups; /* (n_groups), their rows sum up to n_rows */
    struct table_group
        *text_groups; /* (n_groups), their bytes sum up to n_text_bytes; unused where no column is of texts */
    uint64_t n_groups;
    uint64_t n_text_bytes; /* behind the records */
};

/* A checksum for damage, not for malice; fast enough for every byte of a
 * table. */
uint64_t table_checksum(const void *bytes, size_t n_bytes);

/* Whether a column is of texts. */
bool table_file_has_texts(const struct table_schema *schema);

/* Write schema and header behind and before the records and texts that are
 * already there, and sync the file. */
bool table_file_finish(int fd, const struct table_schema *schema, struct err *err);

/* Read and check a table file's header and schema. Everything in *schema points
 * into *block, which the caller frees, as it frees `columns` and `*levels`. On
 * failure nothing is left to free. */
bool table_file_read(int fd, struct table_schema *schema, void **block, const char ***levels,
                     struct err *err);

#endif
