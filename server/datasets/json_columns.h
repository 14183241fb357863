/* The columns of a JSON table on its way to CSV: the union of its objects'
 * members, in the order they came, or of its arrays' places. One thread. */
#ifndef MLPD_DATASETS_JSON_COLUMNS_H
#define MLPD_DATASETS_JSON_COLUMNS_H

#include "base/ledger.h"
#include "json/scan.h"

#include <stddef.h>
#include <stdint.h>

#define JSON_COLUMNS_MAX 1000000u
#define JSON_NAMES_MAX ((uint64_t)64 << 20) /* bytes of all names */

enum json_kind { JSON_MISSING, JSON_NUMBER, JSON_TEXT, JSON_TRUTH };

struct json_column {
    char *name; /* (length), owned, not terminated */
    uint32_t length;
    bool texts, numeric_text; /* values are texts; some of these read as numbers */
    bool others;              /* values are numbers or truths */
};

struct json_cell {
    size_t at, n; /* where the present row's value stands; n 0: missing */
};

struct json_columns {
    struct json_column *items; /* (n) */
    uint32_t n, capacity;
    uint32_t *slots; /* (n_slots) a power of two: an index + 1, 0 where free */
    uint32_t n_slots;
    uint32_t next; /* the column that came after the last one before */
    uint64_t n_bytes;
    struct claim *claim;
    bool closed; /* no new ones */
};

/* The column of the member, or of the place where `name` is NULL; a new one
 * where it is not there yet. ERR_LIMIT; ERR_INPUT where they are closed. */
bool json_columns_find(struct json_columns *columns, const struct scan_text *name, uint32_t place,
                       uint32_t *column, struct err *err);
void json_columns_done(struct json_columns *columns);

#endif
