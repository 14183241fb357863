/* How to read a CSV, as the query says it: separator, header, quote, decimal,
 * thousands, encoding, comment, na, columns, types, column_decimal, column_na,
 * on_bad_row.
 *
 * Threads: one query, one thread at a time. Lifetime: `options` points into the
 * query's own lists, until csv_query_done. */
#ifndef MLPD_HTTP_CSV_QUERY_H
#define MLPD_HTTP_CSV_QUERY_H

#include "http/http.h"
#include "mlp/csv.h"
#include "mlp/table.h"

struct csv_words {
    char **words; /* (n), owned */
    uint32_t n;
};

struct csv_query {
    struct csv_options options;
    const char *charset; /* another encoding than those of the options, which iconv knows; the values' own;
                            NULL: none */
    struct csv_words na, columns, types, decimals, column_na; /* the last three: the columns' names */
    struct csv_type *type_list;                               /* (types.n), then (decimals.n) */
    struct csv_column_word *na_list;                          /* (column_na.n) */
};

/* Read what the query (and the form, once it is there) says; an earlier reading
 * goes. ERR_INPUT with the parameter as field, and what it may be. On failure
 * *query is empty. Starts from a zeroed one. */
bool csv_query_read(struct csv_query *query, const struct request *request, struct err *err);
void csv_query_done(struct csv_query *query);
/* The parameters' values, wherever they come from; `find` gives NULL for one
 * that is not told. */
struct csv_values {
    const char *(*find)(void *self, const char *name);
    void *self;
};
/* As csv_query_read, and takes the encodings that iconv knows. */
bool csv_query_find(struct csv_query *query, const struct csv_values *values, struct err *err);
/* What was told, as a JSON object of texts, for csv_values later; the caller
 * frees it. NULL: out of memory. */
char *csv_query_told(const struct csv_values *values, struct err *err);
/* The query (and the form) as values. */
struct csv_values csv_query_values(const struct request *request);
/* Whether the parameter is one of those read here. */
bool csv_query_knows(const char *name);
/* The name of parameter i, NULL after the last. */
const char *csv_query_name(uint32_t i);
/* Their names, for struct route: those that speak of the file's form, and those
 * that an upload has besides. */
#define CSV_PARAMETERS "separator header quote decimal thousands encoding comment title_lines na columns"
#define CSV_UPLOAD_PARAMETERS CSV_PARAMETERS " types column_decimal column_na on_bad_row"

/* The words that the parameters take, for answers: "utf-8" ... */
const char *csv_encoding_name(enum csv_encoding encoding);

#endif
