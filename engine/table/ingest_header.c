/* How many rows a header has: see ingest_header.h. */
#include "table/ingest_header.h"

#include "csv/layout.h"
#include "mlp/number.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS_LOOKED = 50, HEADER_MOST = 4 };

/* What a column holds below where a header may reach. */
struct below {
    uint32_t n_filled, n_numbers, n_years;
};

static bool is_numeric(const struct below *below)
{
    return below->n_filled > 0 && 10 * below->n_numbers >= 8 * below->n_filled;
}

static bool is_filled(const struct csv_field *field)
{
    return csv_field_trim(*field).length > 0;
}

static bool is_year(const struct csv_field *field)
{
    struct csv_field text = csv_field_trim(*field);
    bool digits = text.length == 4 && (text.text[0] == '1' || text.text[0] == '2');
    for (uint32_t i = 1; digits && i < 4; i++)
        digits = text.text[i] >= '0' && text.text[i] <= '9';
    return digits;
}

static bool is_unit(const struct csv_field *field)
{
    static const char *const units[] = {
        "%",     "kg",     "g",    "mg",    "t",    "m",      "km",   "cm",    "mm",   "m2",   "m3",   "s",
        "sec",   "ms",     "min",  "h",     "d",    "a",      "hz",   "khz",   "mhz",  "ghz",  "k",    "c",
        "f",     "°c",     "°f",   "pa",    "hpa",  "kpa",    "bar",  "mbar",  "j",    "kj",   "n",    "v",
        "mv",    "ma",     "w",    "kw",    "kwh",  "mwh",    "mol",  "l",     "ml",   "eur",  "usd",  "gbp",
        "chf",   "$",      "€",    "£",     "km/h", "m/s",    "db",   "dbm",   "deg",  "ppm",  "ppb",  "lb",
        "oz",    "in",     "ft",   "mi",    "mph",  "°",      "µm",   "nm",    "cd",   "lx",   "mg/l", "g/l",
        "µg/m3", "µg/m³",  "w/m2", "w/m²",  "m³",   "m²",     "unit", "units", "kcal", "volt", "amps", "sec.",
        "no.",   "number", "text", "count", "pct",  "percent"};
    struct csv_field text = csv_field_trim(*field);
    char first = text.length > 0 ? text.text[0] : '\0',
         last = text.length > 0 ? text.text[text.length - 1] : '\0';
    if ((first == '[' && last == ']') || (first == '(' && last == ')'))
        return true;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        bool same = strlen(units[i]) == text.length;
        for (uint32_t j = 0; same && j < text.length; j++) {
            char c = text.text[j];
            same = (c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c) == units[i][j];
        }
        if (same)
            return true;
    }
    return false;
}

/* What a row is, knowing what its columns hold below. */
struct verdict {
    uint32_t n_names;           /* fields of text above numbers */
    uint32_t n_numbers;         /* numbers above numbers */
    uint32_t n_units, n_filled; /* of the fields above numbers */
};

static struct verdict row_judge(const struct csv_scan *scan, const struct below *below, uint32_t n_columns)
{
    struct verdict verdict = {0};
    for (uint32_t i = 0; i < scan->n_fields && i < n_columns; i++) {
        const struct csv_field *field = &scan->fields[i];
        if (!is_filled(field))
            continue;
        if (!is_numeric(&below[i]))
            continue;
        verdict.n_filled++;
        verdict.n_units += is_unit(field);
        if (is_year(field) && 2 * below[i].n_years < below[i].n_filled)
            verdict.n_names++;
        else if (csv_looks_numeric(field))
            verdict.n_numbers++;
        else
            verdict.n_names += !text_is_missing(field->text, field->length);
    }
    return verdict;
}

static bool is_units(const struct verdict *verdict)
{
    return verdict->n_numbers == 0 && verdict->n_units > 0 && 3 * verdict->n_units >= 2 * verdict->n_filled;
}

static bool is_names(const struct verdict *verdict, uint32_t n_numeric)
{
    return verdict->n_numbers == 0 && n_numeric > 1 && 2 * verdict->n_names >= n_numeric &&
           verdict->n_names > 1;
}

/* Rows of the text to what the columns hold from row `first` on; *n_rows are
 * all. */
static bool below_count(const struct csv_dialect *dialect, const char *text, size_t n_bytes, bool whole,
                        uint32_t first, struct below *below, uint32_t n_columns, uint32_t *n_rows)
{
    struct csv_scan scan;
    enum csv_result result;
    csv_scan_init(&scan, dialect);
    csv_scan_text(&scan, text, n_bytes, whole);
    for (*n_rows = 0; *n_rows < ROWS_LOOKED && (result = csv_scan_row(&scan)) == CSV_ROW; ++*n_rows)
        for (uint32_t i = 0; below && *n_rows >= first && i < scan.n_fields && i < n_columns; i++) {
            const struct csv_field *field = &scan.fields[i];
            bool number = csv_looks_numeric(field);
            below[i].n_numbers += number;
            below[i].n_filled += number || (is_filled(field) && !text_is_missing(field->text, field->length));
            below[i].n_years += is_year(&scan.fields[i]);
        }
    csv_scan_done(&scan);
    return result != CSV_MEMORY;
}

bool header_rows_find(const struct csv_dialect *dialect, const char *text, size_t n_bytes, bool whole,
                      uint32_t n_columns, struct header_rows *rows)
{
    uint32_t n_rows = 0, n_numeric = 0;
    struct below *below = calloc(n_columns, sizeof *below);
    *rows = (struct header_rows){.n_names = 1};
    bool good = below && below_count(dialect, text, n_bytes, whole, 0, NULL, n_columns, &n_rows);
    uint32_t first = n_rows > 2 * HEADER_MOST ? HEADER_MOST : n_rows > 2 ? (n_rows + 1) / 2 : n_rows;
    good = good && below_count(dialect, text, n_bytes, whole, first, below, n_columns, &n_rows);
    for (uint32_t i = 0; good && i < n_columns; i++)
        n_numeric += is_numeric(&below[i]);
    struct csv_scan scan;
    csv_scan_init(&scan, dialect);
    csv_scan_text(&scan, text, n_bytes, whole);
    enum csv_result result = good ? csv_scan_row(&scan) : CSV_MEMORY;
    bool named = result == CSV_ROW && row_judge(&scan, below, n_columns).n_numbers == 0;
    for (uint32_t i = 1; named && i < first && (result = csv_scan_row(&scan)) == CSV_ROW; i++) {
        struct verdict verdict = row_judge(&scan, below, n_columns);
        if (n_numeric > 0 && is_units(&verdict)) {
            rows->units = true;
            break;
        }
        if (!is_names(&verdict, n_numeric))
            break;
        rows->n_names++;
    }
    csv_scan_done(&scan);
    free(below);
    return good && result != CSV_MEMORY;
}
