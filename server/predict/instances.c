/* The rows of a prediction request: what all ways in share, and raw floats. */
#define _GNU_SOURCE
#include "predict/instances_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

void instances_done(struct instances *instances)
{
    struct claim *claim = instances->claim;
    instances_restart(instances);
    free(instances_take(instances));
    *instances = (struct instances){.claim = claim, .stop = instances->stop};
}

float *instances_take(struct instances *instances)
{
    float *x = instances->x;
    if (instances->claim)
        claim_give(instances->claim, instances->x_claimed);
    instances->x_claimed = instances->capacity = 0;
    instances->x = NULL;
    return x;
}

void instances_restart(struct instances *instances)
{
    for (uint32_t i = 0; i < instances->n_unknown; i++)
        free(instances->unknown[i]);
    instances->n_rows = instances->n_unknown = 0;
    instances->more_unknown = false;
    instances->floats = NULL;
    free(instances->marks);
    if (instances->claim)
        claim_give(instances->claim, instances->marks_capacity * sizeof *instances->marks);
    instances->marks = NULL;
    instances->marks_capacity = 0;
    for (uint32_t i = 0; i < instances->n_bad; i++)
        free(instances->bad[i].why);
    free(instances->bad);
    if (instances->claim)
        claim_give(instances->claim, instances->bad_capacity * sizeof *instances->bad);
    instances->bad = NULL;
    instances->n_bad = 0;
    instances->bad_capacity = 0;
}

bool instances_bad(struct instances *instances, const char *why, struct err *err)
{
    if (instances->n_bad == instances->bad_capacity) {
        size_t capacity = 2 * instances->bad_capacity + 16;
        uint64_t more = (capacity - instances->bad_capacity) * sizeof *instances->bad;
        if (instances->claim && !claim_take(instances->claim, more, err))
            return false;
        struct instances_bad *bad = realloc(instances->bad, capacity * sizeof *bad);
        if (!bad && instances->claim)
            claim_give(instances->claim, more);
        if (!bad)
            return err_memory(err, "the rows that cannot be read");
        instances->bad = bad;
        instances->bad_capacity = capacity;
    }
    char *copy = instances->n_bad < INSTANCES_WHYS_MAX ? strdup(why) : NULL;
    if (!copy && instances->n_bad < INSTANCES_WHYS_MAX)
        return err_memory(err, "the rows that cannot be read");
    instances->bad[instances->n_bad++] = (struct instances_bad){.row = instances->n_rows, .why = copy};
    return true;
}

/* Room for `capacity` numbers, the first `used` of them kept. Many go to huge
 * pages: with small ones, faults take longer than the rows do. False: *err, all
 * stays. */
static bool grow(struct instances *instances, size_t used, size_t capacity, struct err *err)
{
    size_t n_bytes = (capacity * sizeof(float) + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    bool is_small = n_bytes == HUGE_PAGE;
    uint64_t claimed = is_small ? capacity * sizeof(float) : n_bytes;
    if (instances->claim &&
        !claim_take(instances->claim, claimed, err)) /* beside the old one, while that is copied */
        return false;
    float *x = is_small ? realloc(instances->x, capacity * sizeof *x) : aligned_alloc(HUGE_PAGE, n_bytes);
    if (instances->claim)
        claim_give(instances->claim, x ? instances->x_claimed : claimed);
    if (!x)
        return err_memory(err, "the instances");
    instances->x_claimed = claimed;
    if (!is_small) {
        (void)madvise(x, n_bytes, MADV_HUGEPAGE); /* advice only */
        if (used)
            memcpy(x, instances->x, used * sizeof *x);
        free(instances->x);
    }
    instances->x = x;
    instances->capacity = capacity;
    return true;
}

float *instances_room(struct instances *instances, uint32_t n_inputs, uint32_t n_raw, struct err *err)
{
    size_t most = INSTANCES_BYTES_MAX / sizeof(float), used = (size_t)instances->n_rows * n_inputs,
           wanted = (size_t)n_inputs + n_raw;

    if (wanted > most - used) {
        err_set(err, ERR_LIMIT,
                "%u instances take as much memory as one request may have; send the others in another one",
                instances->n_rows);
        return NULL;
    }
    if (used + wanted > instances->capacity) {
        size_t capacity = 2 * (used + wanted);
        capacity = capacity < most ? capacity : most;
        if (!grow(instances, used, capacity, err))
            return NULL;
    }
    return instances->x + used;
}

/* Length of the name as far as it is shown, cut between characters. */
static size_t name_cut(const char *name, size_t length)
{
    size_t n = length < INSTANCES_NAME_MAX ? length : INSTANCES_NAME_MAX;

    while (n < length && n > 0 && ((unsigned char)name[n] & 0xC0) == 0x80)
        n--;
    return n;
}

bool instances_unknown(struct instances *instances, const char *name, size_t length, struct err *err)
{
    const char *zero = memchr(name, 0, length); /* shown up to it */
    size_t n = name_cut(name, zero ? (size_t)(zero - name) : length);

    for (uint32_t i = 0; i < instances->n_unknown; i++)
        if (strlen(instances->unknown[i]) == n && memcmp(instances->unknown[i], name, n) == 0)
            return true;
    if (instances->n_unknown == INSTANCES_WARNINGS_MAX) {
        instances->more_unknown = true;
        return true;
    }
    char *copy = malloc(n + 1);
    if (!copy)
        return err_memory(err, "a warning");
    memcpy(copy, name, n);
    copy[n] = 0;
    instances->unknown[instances->n_unknown++] = copy;
    return true;
}

/* Counted without a branch: the compiler then takes many at a time. */
static bool one_is_infinite(const float *x, uint32_t n)
{
    uint32_t n_infinite = 0;

    for (uint32_t i = 0; i < n; i++)
        n_infinite += isinf(x[i]) != 0;
    return n_infinite > 0;
}

static bool fail_infinite(const struct recipe *recipe, const float *raw, uint32_t row, struct err *err)
{
    uint32_t i = 0;

    while (!isinf(raw[i]))
        i++;
    err_set(err, ERR_INPUT, "value %u of row %u is infinite; a missing value is NaN", i + 1, row + 1);
    return err_at(err, (uint64_t)row + 1, recipe->columns[i].name);
}

static bool row_from_floats(const struct recipe *recipe, const unsigned char *bytes, float *raw, float *x,
                            uint32_t row, struct err *err)
{
    memcpy(raw, bytes, recipe->n_columns * sizeof *raw);
    if (one_is_infinite(raw, recipe->n_columns))
        return fail_infinite(recipe, raw, row, err);
    recipe_encode_numbers(recipe, raw, x);
    return true;
}

bool instances_from_floats(const struct recipe *recipe, const void *bytes, size_t n,
                           struct instances *instances, struct err *err)
{
    size_t row_bytes = recipe->n_columns * sizeof(float);

    instances_restart(instances);
    for (uint32_t i = 0; i < recipe->n_columns; i++)
        if (recipe->columns[i].encoding == ENCODING_DATE) {
            err_set(err, ERR_INPUT,
                    "the model takes dates ('%.60s'), which floats cannot say: send JSON or CSV",
                    recipe->columns[i].name);
            return err_at(err, 0, recipe->columns[i].name);
        }
    if (n == 0 || n % row_bytes != 0)
        return err_set(err, ERR_INPUT,
                       "%zu bytes are no whole number of rows: a row is %u float32 values, %zu bytes", n,
                       recipe->n_columns, row_bytes);
    if (n / row_bytes > UINT32_MAX)
        return err_set(err, ERR_LIMIT,
                       "%zu rows are more than one request may have; send the others in another one",
                       n / row_bytes);
    instances->floats = bytes;
    instances->n_rows = (uint32_t)(n / row_bytes);
    return true;
}

size_t instances_scratch(const struct instances *instances, const struct recipe *recipe, size_t n)
{
    return instances->floats || instances->marks ? n * recipe->n_inputs + recipe->n_columns : 0;
}

const float *instances_inputs(const struct instances *instances, const struct recipe *recipe, uint32_t first,
                              uint32_t n, float *scratch, struct err *err)
{
    size_t row_bytes = recipe->n_columns * sizeof(float);
    float *raw = scratch + (size_t)n * recipe->n_inputs;

    if (instances->marks) {
        const char *const *at = (const char *const *)instances->marks + first / INSTANCES_BLOCK;
        return rows_encode(recipe, at[0], (size_t)(at[1] - at[0]), n, scratch, err) ? scratch : NULL;
    }
    if (!instances->floats)
        return instances->x + (size_t)first * recipe->n_inputs;
    for (uint32_t i = 0; i < n; i++)
        if (!row_from_floats(recipe, instances->floats + (first + i) * row_bytes, raw,
                             scratch + (size_t)i * recipe->n_inputs, first + i, err))
            return NULL;
    return scratch;
}
