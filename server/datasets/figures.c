/* Figures of columns: byte columns are counted, others sorted by radix. See
 * figures.h. */
#include "datasets/figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 64 /* rows side by side in a sample: a sample of a large file is read by pages, not by rows */
#define TILE 8   /* number columns gathered in one pass */
#define RADIX_BITS 11
#define RADIX (1u << RADIX_BITS)
#define EIGHT 8 /* byte columns looked at together */
#define STRIP_COLUMNS 32
#define STRIP_ROWS 1024

struct scratch {
    uint64_t *keys[TILE]; /* (n_rows) each */
    uint64_t n_keys[TILE];
    uint64_t *spare;   /* (n_rows) */
    uint32_t *counts;  /* (n_columns, 256): of byte columns */
    uint32_t *bytes;   /* (n_bytes): which columns those are */
    uint32_t *offsets; /* (n_bytes) of them */
    bool *beside;      /* (n_bytes) whether this one and the seven after it lie side by side */
    uint32_t n_bytes;
};

struct sample sample_choose(const struct table *table)
{
    struct sample sample = {.n_all = table_n_rows(table)};
    uint64_t work = 1, most = PROFILE_ROWS_MAX;
    for (uint32_t i = 0; i < table_n_columns(table); i++)
        work += table_column(table, i)->type == COLUMN_BYTE ? 1
                : column_is_number(table_column(table, i))  ? 8
                                                            : 0;
    if (PROFILE_WORK_MAX / work < most)
        most = PROFILE_WORK_MAX / work;
    most -= most % BLOCK;
    sample.n_rows = sample.n_all <= most ? sample.n_all : most;
    return sample;
}

static uint64_t sample_row(const struct sample *sample, uint64_t i)
{
    if (sample->n_rows == sample->n_all)
        return i;
    uint64_t n_blocks = sample->n_rows / BLOCK, block = i / BLOCK, last = sample->n_all - BLOCK;
    return (n_blocks > 1 ? (uint64_t)((double)last / (double)(n_blocks - 1) * (double)block) : 0) + i % BLOCK;
}

/* --- figures --- */

/* Quartiles as NumPy has them by default: between the two values that stand
 * nearest. */
static void figures_begin(struct figures *figures, uint64_t n, const struct column *column)
{
    *figures = (struct figures){.n = n, .from = column->min, .to = column->max};
    for (int i = 0; i < 3 && n; i++) {
        double place = (double)(n - 1) * (i + 1) / 4;
        figures->ranks[i][0] = (uint64_t)place;
        figures->ranks[i][1] = figures->ranks[i][0] + (figures->ranks[i][0] + 1 < n);
        figures->share[i] = place - floor(place);
    }
}

/* `count` values that are all `value`; higher than those before. */
static void figures_add(struct figures *figures, double value, uint64_t count)
{
    double width = figures->to - figures->from;
    double place = width > 0 ? (value - figures->from) / width * PROFILE_BINS : 0;
    figures->bins[(int)fmin(fmax(place, 0), PROFILE_BINS - 1)] += count;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 2; j++)
            if (figures->ranks[i][j] - figures->n_seen < count)
                figures->at[i][j] = value;
    if (figures->n_distinct == 0)
        figures->least = (struct extreme){.value = value, .n = count};
    else if (figures->n_distinct == 1)
        figures->least.next = value;
    figures->greatest = (struct extreme){.value = value, .next = figures->greatest.value, .n = count};
    figures->n_seen += count;
    figures->n_distinct++;
}

static bool stands_for_missing(double value)
{
    double nines = 99;
    while (nines < 1e15 && nines < fabs(value))
        nines = nines * 10 + 9;
    return fabs(value) == nines || value == INT16_MIN || value == INT32_MIN;
}

const struct extreme *figures_perhaps_missing(const struct figures *figures)
{
    const struct extreme *least = &figures->least, *greatest = &figures->greatest;
    if (figures->n_distinct < 3)
        return NULL;
    if (stands_for_missing(least->value) && (least->n > 1 || least->value < 0) &&
        least->next - least->value > greatest->value - least->next)
        return least;
    if (stands_for_missing(greatest->value) && (greatest->n > 1 || greatest->value < 0) &&
        greatest->value - greatest->next > greatest->next - least->value)
        return greatest;
    return NULL;
}

double figures_quartile(const struct figures *figures, int i)
{
    return figures->at[i][0] + figures->share[i] * (figures->at[i][1] - figures->at[i][0]);
}

/* --- bytes --- */

/* A part of the table whose records and counts stay in the caches. */
struct strip {
    const uint32_t *offsets; /* (n_columns), and so is the next */
    const bool *beside;
    uint32_t *counts; /* (n_columns, 256) */
    uint32_t n_columns;
    uint64_t from, to; /* rows of the sample */
};

/* Where eight columns lie side by side and are all 0, nothing is counted:
 * pictures are mostly that. */
static void strip_count(const struct table *table, const struct sample *sample, const struct strip *strip)
{
    const uint8_t *records = table_records(table);
    uint32_t record_bytes = table_record_bytes(table), n = strip->n_columns;
    for (uint64_t i = strip->from; i < strip->to; i++) {
        const uint8_t *record = records + sample_row(sample, i) * record_bytes;
        for (uint32_t j = 0; j < n; j += EIGHT) {
            const uint32_t *offsets = strip->offsets + j;
            uint32_t n_here = n - j < EIGHT ? n - j : EIGHT;
            uint64_t all = 1;
            if (strip->beside[j])
                memcpy(&all, record + offsets[0], EIGHT);
            for (uint32_t k = 0; all && k < n_here; k++)
                strip->counts[(size_t)(j + k) * 256 + record[offsets[k]]]++;
        }
    }
}

/* The zeros are what is left of the rows. */
static void zeros_count(uint32_t counts[256], uint64_t n_rows)
{
    counts[0] = (uint32_t)n_rows;
    for (int value = 1; value < 256; value++)
        counts[0] -= counts[value];
}

static bool lie_beside(const uint32_t *offsets, uint32_t n)
{
    for (uint32_t k = 1; k < EIGHT && k < n; k++)
        if (offsets[k] != offsets[0] + k)
            return false;
    return n >= EIGHT;
}

/* Byte columns lie side by side in a record, in the table's order, but that is
 * the table's affair: each one's offset is asked for, once. */
static void bytes_count(const struct table *table, const struct sample *sample, struct scratch *scratch)
{
    uint32_t *offsets = scratch->offsets;
    for (uint32_t j = 0; j < scratch->n_bytes; j++)
        offsets[j] = table_column(table, scratch->bytes[j])->offset;
    for (uint32_t j = 0; j < scratch->n_bytes; j++)
        scratch->beside[j] = lie_beside(offsets + j, scratch->n_bytes - j);
    for (uint64_t i = 0; i < sample->n_rows; i += STRIP_ROWS)
        for (uint32_t j = 0; j < scratch->n_bytes; j += STRIP_COLUMNS) {
            uint64_t n_rows = sample->n_rows - i;
            uint32_t n_columns = scratch->n_bytes - j;
            const struct strip strip = {.offsets = offsets + j,
                                        .beside = scratch->beside + j,
                                        .counts = scratch->counts + (size_t)j * 256,
                                        .n_columns = n_columns < STRIP_COLUMNS ? n_columns : STRIP_COLUMNS,
                                        .from = i,
                                        .to = i + (n_rows < STRIP_ROWS ? n_rows : STRIP_ROWS)};
            strip_count(table, sample, &strip);
        }
    for (uint32_t j = 0; j < scratch->n_bytes; j++)
        zeros_count(scratch->counts + (size_t)j * 256, sample->n_rows);
}

static void bytes_figures(const struct column *column, const uint32_t counts[256], uint64_t n,
                          struct figures *figures)
{
    figures_begin(figures, n, column);
    for (int value = 0; value < 256; value++)
        if (counts[value])
            figures_add(figures, value, counts[value]);
}

/* --- numbers --- */

#define SIGN ((uint64_t)1 << 63)

/* A number's bits, so that they stand in the order of the numbers. */
static uint64_t key_of(double number)
{
    uint64_t bits;
    number += 0.0; /* -0 is 0 */
    memcpy(&bits, &number, sizeof bits);
    return bits & SIGN ? ~bits : bits | SIGN;
}

static double number_of(uint64_t key)
{
    uint64_t bits = key & SIGN ? key & ~SIGN : ~key;
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* The bits in which keys differ. */
static uint64_t keys_differ(const uint64_t *keys, uint64_t n)
{
    uint64_t differ = 0;
    for (uint64_t i = 1; i < n; i++)
        differ |= keys[i] ^ keys[0];
    return differ;
}

/* Sort by digits of 11 bits, those that are all the same left out: of integers
 * and floats most. The result stands in *keys, which may have changed places
 * with *spare. */
static void keys_sort(uint64_t **keys, uint64_t **spare, uint64_t n)
{
    uint64_t differ = keys_differ(*keys, n);
    for (int shift = 0; shift < 64; shift += RADIX_BITS) {
        uint64_t starts[RADIX] = {0}, sum = 0;
        if ((differ >> shift & (RADIX - 1)) == 0)
            continue;
        for (uint64_t i = 0; i < n; i++)
            starts[(*keys)[i] >> shift & (RADIX - 1)]++;
        for (uint32_t i = 0; i < RADIX; i++) {
            uint64_t count = starts[i];
            starts[i] = sum;
            sum += count;
        }
        for (uint64_t i = 0; i < n; i++)
            (*spare)[starts[(*keys)[i] >> shift & (RADIX - 1)]++] = (*keys)[i];
        uint64_t *sorted = *spare;
        *spare = *keys;
        *keys = sorted;
    }
}

static void numbers_gather(const struct table *table, const struct sample *sample, const uint32_t *columns,
                           uint32_t n, struct scratch *scratch)
{
    memset(scratch->n_keys, 0, sizeof scratch->n_keys);
    for (uint64_t i = 0; i < sample->n_rows; i++) {
        uint64_t row = sample_row(sample, i);
        for (uint32_t j = 0; j < n; j++) {
            double number = table_value(table, columns[j], row);
            if (!isnan(number))
                scratch->keys[j][scratch->n_keys[j]++] = key_of(number);
        }
    }
}

static void numbers_figures(const struct column *column, const uint64_t *keys, uint64_t n,
                            struct figures *figures)
{
    figures_begin(figures, n, column);
    for (uint64_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && keys[end] == keys[i];)
            end++;
        figures_add(figures, number_of(keys[i]), end - i);
    }
}

static void tile_look(const struct table *table, const struct sample *sample, const uint32_t *columns,
                      uint32_t n, struct scratch *scratch, struct figures *figures)
{
    numbers_gather(table, sample, columns, n, scratch);
    for (uint32_t i = 0; i < n; i++) {
        keys_sort(&scratch->keys[i], &scratch->spare, scratch->n_keys[i]);
        numbers_figures(table_column(table, columns[i]), scratch->keys[i], scratch->n_keys[i],
                        &figures[columns[i]]);
    }
}

static void scratch_done(struct scratch *scratch)
{
    for (int i = 0; i < TILE; i++)
        free(scratch->keys[i]);
    free(scratch->spare);
    free(scratch->counts);
    free(scratch->bytes);
    free(scratch->offsets);
    free(scratch->beside);
}

static bool scratch_init(struct scratch *scratch, const struct sample *sample, uint32_t n_columns)
{
    size_t n = (size_t)sample->n_rows;
    *scratch = (struct scratch){.spare = malloc(n * sizeof *scratch->spare),
                                .counts = calloc((size_t)n_columns * 256, sizeof *scratch->counts),
                                .bytes = malloc((size_t)n_columns * sizeof *scratch->bytes),
                                .offsets = malloc((size_t)n_columns * sizeof *scratch->offsets),
                                .beside = malloc((size_t)n_columns * sizeof *scratch->beside)};
    bool ok = scratch->spare && scratch->counts && scratch->bytes && scratch->offsets && scratch->beside;
    for (int i = 0; i < TILE && ok; i++)
        ok = (scratch->keys[i] = malloc(n * sizeof *scratch->keys[i])) != NULL;
    if (!ok)
        scratch_done(scratch);
    return ok;
}

struct figures *figures_of_table(const struct table *table, const struct sample *sample)
{
    uint32_t n_columns = table_n_columns(table), tile[TILE], n = 0;
    struct figures *figures = calloc(n_columns, sizeof *figures);
    struct scratch scratch;
    if (!figures || !scratch_init(&scratch, sample, n_columns)) {
        free(figures);
        return NULL;
    }
    for (uint32_t i = 0; i < n_columns; i++)
        if (table_column(table, i)->type == COLUMN_BYTE)
            scratch.bytes[scratch.n_bytes++] = i;
    bytes_count(table, sample, &scratch);
    for (uint32_t i = 0; i < scratch.n_bytes; i++)
        bytes_figures(table_column(table, scratch.bytes[i]), scratch.counts + (size_t)i * 256, sample->n_rows,
                      &figures[scratch.bytes[i]]);
    for (uint32_t i = 0; i < n_columns; i++) {
        if (column_is_number(table_column(table, i)) && table_column(table, i)->type != COLUMN_BYTE)
            tile[n++] = i;
        if (n == TILE || (n > 0 && i + 1 == n_columns)) {
            tile_look(table, sample, tile, n, &scratch, figures);
            n = 0;
        }
    }
    scratch_done(&scratch);
    return figures;
}
