/* Fitting the byte columns as an image, with one scale, where they are one.
 * Threads: one call, one thread. */
#include "recipe/fit.h"

#include <stdlib.h>

#define IMAGE_COLUMNS_MIN 64

uint32_t byte_runs(const uint32_t *offsets, uint32_t n, struct byte_run *runs)
{
    uint32_t n_runs = 0;

    for (uint32_t k = 0; k < n; k++) {
        if (k > 0 && offsets[k] == offsets[k - 1] + 1)
            runs[n_runs - 1].n++;
        else
            runs[n_runs++] = (struct byte_run){offsets[k], k, 1};
    }
    return n_runs;
}

/* The open byte columns: number k is feature features[k]. */
struct byte_columns {
    uint32_t n, n_runs;
    uint32_t *features, *offsets; /* (n) */
    struct byte_run *runs;        /* (n_runs) */
    uint8_t *min, *max;           /* (n), over the rows */
};

static void byte_columns_done(struct byte_columns *bytes)
{
    free(bytes->features);
    free(bytes->offsets);
    free(bytes->runs);
    free(bytes->min);
    free(bytes->max);
}

static bool byte_columns_init(struct byte_columns *bytes, const struct fit *fit, struct err *err)
{
    uint32_t most = fit->recipe->n_columns;

    *bytes = (struct byte_columns){
        .features = calloc(most, sizeof *bytes->features),
        .offsets = calloc(most, sizeof *bytes->offsets),
        .runs = calloc(most, sizeof *bytes->runs),
        .min = malloc(most),
        .max = calloc(most, 1),
    };
    if (!bytes->features || !bytes->offsets || !bytes->runs || !bytes->min || !bytes->max)
        return err_memory(err, "ranges of the byte columns");
    memset(bytes->min, 255, most);
    for (uint32_t c = 0; c < most; c++) {
        if (feature_type(fit, c) != COLUMN_BYTE || !is_open(&fit->recipe->columns[c]))
            continue;
        bytes->offsets[bytes->n] = table_column(fit->table, table_index(fit, c))->offset;
        bytes->features[bytes->n++] = c;
    }
    bytes->n_runs = byte_runs(bytes->offsets, bytes->n, bytes->runs);
    return true;
}

#define LANES 16
typedef uint8_t bytes_block __attribute__((vector_size(LANES), aligned(1), may_alias));

/* The lesser byte of each pair, or the greater. */
static bytes_block block_min(bytes_block a, bytes_block b)
{
    bytes_block less = (bytes_block)(a < b);
    return (a & less) | (b & ~less);
}

static bytes_block block_max(bytes_block a, bytes_block b)
{
    bytes_block more = (bytes_block)(a > b);
    return (a & more) | (b & ~more);
}

static void range_widen(uint8_t *restrict min, uint8_t *restrict max, const uint8_t *restrict values,
                        uint32_t n)
{
    uint32_t k = 0;

    for (; n - k >= LANES; k += LANES) {
        bytes_block block = *(const bytes_block *)(values + k);
        *(bytes_block *)(min + k) = block_min(*(bytes_block *)(min + k), block);
        *(bytes_block *)(max + k) = block_max(*(bytes_block *)(max + k), block);
    }
    for (; k < n; k++) {
        min[k] = values[k] < min[k] ? values[k] : min[k];
        max[k] = values[k] > max[k] ? values[k] : max[k];
    }
}

static const uint8_t *fit_record(const struct fit *fit, uint64_t i)
{
    return table_records(fit->table) + (uint64_t)fit->rows[i] * table_record_bytes(fit->table);
}

static void byte_columns_range(struct byte_columns *bytes, const struct fit *fit)
{
    for (uint64_t i = 0; i < fit->n_rows; i++) {
        const uint8_t *record = fit_record(fit, i);
        for (uint32_t r = 0; r < bytes->n_runs; r++) {
            struct byte_run run = bytes->runs[r];
            range_widen(bytes->min + run.first, bytes->max + run.first, record + run.offset, run.n);
        }
    }
}

static uint8_t overall_max(const struct byte_columns *bytes)
{
    uint8_t max = 0;

    for (uint32_t k = 0; k < bytes->n; k++)
        max = bytes->max[k] > max ? bytes->max[k] : max;
    return max;
}

/* Whether the used features look like an image's pixels: many byte columns and
 * nothing else, all from 0, most of them reaching far up. 0/1 columns beside a
 * few counts do not: one scale for all would make them vanish. */
static bool is_image(const struct byte_columns *bytes, const struct fit *fit)
{
    uint32_t n_varying = 0, n_high = 0, half = (overall_max(bytes) + 1u) / 2;

    if (bytes->n < IMAGE_COLUMNS_MIN || half == 0)
        return false;
    for (uint32_t c = 0; c < fit->recipe->n_columns; c++)
        if (is_open(&fit->recipe->columns[c]) &&
            (feature_type(fit, c) != COLUMN_BYTE || fit->overrides[c] != WISH_NONE))
            return false;
    for (uint32_t k = 0; k < bytes->n; k++) {
        if (bytes->min[k] != 0)
            return false;
        n_varying += bytes->max[k] > 0;
        n_high += bytes->max[k] >= half;
    }
    return n_high >= (n_varying + 1) / 2;
}

static void image_fit(const struct byte_columns *bytes, struct recipe *recipe)
{
    uint8_t max = overall_max(bytes);
    float scale = (float)(1.0 / (max > 127 ? 255 : max));

    for (uint32_t k = 0; k < bytes->n; k++)
        column_scale(&recipe->columns[bytes->features[k]], scale, 0);
}

bool bytes_fit(struct fit *fit, struct err *err)
{
    struct byte_columns bytes;
    bool ok = byte_columns_init(&bytes, fit, err);

    if (ok && bytes.n > 0) {
        byte_columns_range(&bytes, fit);
        fit->image = is_image(&bytes, fit);
        if (fit->image)
            image_fit(&bytes, fit->recipe);
    }
    byte_columns_done(&bytes);
    return ok;
}
