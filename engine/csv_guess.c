/* Which separator a file uses: each candidate splits the file's head, and the one that gives rows of one length with plain values wins. */
#include "csv_scan.h"

#include <string.h>

enum { GUESS_ROWS = 200, GUESS_BYTES = 64 << 10, LENGTHS = 64 };

static const char candidates[] = {',', ';', '\t', '|', ' '};

/* What one candidate made of the head. */
struct split {
    uint32_t n_rows, n_fields, n_clean, n_numeric;
    struct {
        uint32_t n_fields, n_rows;
    } lengths[LENGTHS]; /* how many rows have how many fields; rows beyond the first LENGTHS different lengths count as odd */
    uint32_t n_lengths;
    bool failed;
};

/* A value that a separator has not torn: a number, something missing, or text without another candidate in it.
 * Blanks are no such sign: texts hold them. */
static bool field_clean(const struct csv_field *field, char separator)
{
    float value;
    if (field->quoted || number_parse(field->text, field->length, &value))
        return true;
    bool numeric = true; /* digits with one comma: a decimal comma */
    uint32_t n_commas = 0, n_others = 0;
    for (uint32_t i = 0; i < field->length; i++) {
        char c = field->text[i];
        if (c == ',')
            n_commas++;
        else if (c != separator && c != ' ' && memchr(candidates, c, sizeof candidates))
            n_others++;
        else
            numeric = numeric && ((c >= '0' && c <= '9') || c == '-' || c == '+' || c == ' ');
    }
    return n_others == 0 && (n_commas == 0 || (n_commas == 1 && numeric));
}

static void length_count(struct split *split, uint32_t n_fields)
{
    for (uint32_t i = 0; i < split->n_lengths; i++) {
        if (split->lengths[i].n_fields == n_fields) {
            split->lengths[i].n_rows++;
            return;
        }
    }
    if (split->n_lengths == LENGTHS)
        return;
    split->lengths[split->n_lengths].n_fields = n_fields;
    split->lengths[split->n_lengths++].n_rows = 1;
}

static void split_try(struct split *split, const char *text, size_t n_bytes, bool whole, char separator)
{
    struct csv_dialect dialect = {separator, '"'};
    struct csv_scan scan;
    enum csv_result result = CSV_ROW;
    *split = (struct split){0};
    csv_scan_init(&scan, &dialect);
    csv_scan_text(&scan, text, n_bytes, whole);
    while (split->n_rows < GUESS_ROWS && (result = csv_scan_row(&scan)) == CSV_ROW) {
        split->n_rows++;
        length_count(split, scan.n_fields);
        split->n_fields += scan.n_fields;
        for (uint32_t i = 0; i < scan.n_fields; i++) {
            float value;
            split->n_clean += field_clean(&scan.fields[i], separator);
            split->n_numeric += number_parse(scan.fields[i].text, scan.fields[i].length, &value);
        }
    }
    split->failed = result > CSV_MORE;
    csv_scan_done(&scan);
}

/* 0 for a candidate that separates nothing; else the share of rows with the commonest length times the share of clean fields. */
static double split_score(const struct split *split, uint32_t *n_fields)
{
    uint32_t best = 0;
    *n_fields = 0;
    for (uint32_t i = 0; i < split->n_lengths; i++) {
        if (split->lengths[i].n_rows > best) {
            best = split->lengths[i].n_rows;
            *n_fields = split->lengths[i].n_fields;
        }
    }
    if (*n_fields < 2)
        return 0;
    double score = (double)best / split->n_rows * split->n_clean / split->n_fields;
    return split->failed ? score / 2 : score;
}

char csv_guess_separator(const char *text, size_t n_bytes, bool whole)
{
    char found = ',';
    double best = 0;
    uint32_t best_fields = 0;
    if (n_bytes > GUESS_BYTES) {
        n_bytes = GUESS_BYTES;
        whole = false;
    }
    for (size_t i = 0; i < sizeof candidates; i++) {
        struct split split;
        uint32_t n_fields;
        split_try(&split, text, n_bytes, whole, candidates[i]);
        double score = split_score(&split, &n_fields);
        /* Blanks stand in any text: they separate only where nothing else does, evenly, and mostly numbers. */
        if (candidates[i] == ' ' && (best > 0 || score < 0.99 || split.n_numeric * 2 < split.n_fields))
            continue;
        if (score > best + 1e-9 || (score > best - 1e-9 && n_fields > best_fields)) {
            best = score;
            best_fields = n_fields;
            found = candidates[i];
        }
    }
    return found;
}
