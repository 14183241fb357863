/* Splits of a table's rows. One call, one thread; the table is only read. */
#include "mlp/split.h"
#include "base/rng.h"
#include "mlp/rows.h"
#include "recipe/binding.h"
#include "recipe/fit.h"

#include <math.h>
#include <stdlib.h>

void rows_shuffle(uint32_t *rows, uint64_t n, uint64_t seed)
{
    struct rng_draws draws = {.seed = seed, .stream = rng_stream(RNG_SPLIT, 0)};
    for (uint64_t i = 0; i < n; i++)
        rows[i] = (uint32_t)i;
    rng_shuffle(rows, n, &draws);
}

/* Rows of one class, and how many of them go where. */
struct stratum {
    uint64_t n, n_test, n_validation;
};

/* What a stratum's share has beyond whole rows. */
struct remainder {
    double rows; /* below 1; -1: the stratum has no row to give */
    uint64_t n;
    uint32_t stratum;
};

struct draw {
    const struct table *table;
    uint64_t n_rows, n_usable;
    int32_t *classes; /* (n_rows): the stratum, -1: no target */
    uint32_t n_strata;
    struct stratum *strata;       /* (n_strata) */
    struct remainder *remainders; /* (n_strata) */
};

static int remainder_compare(const void *a, const void *b)
{
    const struct remainder *x = a, *y = b;
    if (x->rows != y->rows)
        return x->rows < y->rows ? 1 : -1;
    if (x->n != y->n)
        return x->n < y->n ? 1 : -1;
    return (x->stratum > y->stratum) - (x->stratum < y->stratum);
}

/* The stratum's rows in the part: test or validation. */
static uint64_t *part_rows(struct stratum *stratum, enum part part)
{
    return part == PART_TEST ? &stratum->n_test : &stratum->n_validation;
}

/* Allocate `total` rows to the strata in proportion to what they have left (n -
 * n_test): shares rounded down, then one more each by the largest remainder
 * (Hamilton's method). Each stratum keeps one row for training. */
static void allocate(struct draw *d, uint64_t total, enum part part)
{
    uint64_t left = 0, n_allocated = 0;
    for (uint32_t s = 0; s < d->n_strata; s++)
        left += d->strata[s].n - d->strata[s].n_test;
    for (uint32_t s = 0; s < d->n_strata; s++) {
        struct stratum *stratum = &d->strata[s];
        uint64_t n = stratum->n - stratum->n_test, most = n > 0 ? n - 1 : 0;
        double share = (double)total * (double)n / (double)left;
        uint64_t taken = (uint64_t)floor(share) < most ? (uint64_t)floor(share) : most;
        *part_rows(stratum, part) = taken;
        n_allocated += taken;
        d->remainders[s] = (struct remainder){taken < most ? share - (double)taken : -1, n, s};
    }
    qsort(d->remainders, d->n_strata, sizeof *d->remainders, remainder_compare);
    for (uint32_t i = 0; i < d->n_strata && n_allocated < total && d->remainders[i].rows >= 0; i++) {
        uint64_t *n_rows = part_rows(&d->strata[d->remainders[i].stratum], part);
        (*n_rows)++;
        n_allocated++;
    }
}

/* The class of each row: as a recipe of all rows has it; numbers are one
 * stratum. */
static bool classes_find(struct draw *d, struct fit *fit, const struct recipe_options *options,
                         struct err *err)
{
    struct binding_target target = {0};
    const uint8_t *records = table_records(d->table);
    bool numbers,
        ok = target_fit(fit, options, err) && binding_target_init(&target, fit->recipe, d->table, true, err);
    numbers = ok && fit->recipe->task == TASK_REGRESSION;
    d->n_strata = !ok || numbers ? 1 : fit->recipe->n_classes;
    for (uint64_t row = 0; ok && row < d->n_rows; row++) {
        const uint8_t *record = records + row * table_record_bytes(d->table);
        d->classes[row] = !numbers                                  ? target_class(&target, record)
                          : isfinite(target_value(&target, record)) ? 0
                                                                    : -1;
    }
    binding_target_done(&target);
    return ok;
}

static bool draw_init(struct draw *d, const struct recipe_options *options, struct err *err)
{
    struct fit fit = {.table = d->table, .recipe = calloc(1, sizeof *fit.recipe)};
    uint32_t *all = malloc((d->n_rows + 1) * sizeof *all), *kept = NULL;
    d->classes = malloc((d->n_rows + 1) * sizeof *d->classes);
    bool ok = (fit.recipe && all && d->classes) || err_memory(err, "the split of the rows");
    for (uint64_t row = 0; ok && row < d->n_rows; row++)
        all[row] = (uint32_t)row;
    ok = ok && target_choose(d->table, options, &fit.target, err) &&
         target_rows(d->table, fit.target, all, d->n_rows, &kept, &fit.n_rows, err);
    fit.rows = kept ? kept : all;
    ok = ok && classes_find(d, &fit, options, err);
    recipe_free(fit.recipe);
    free(all);
    free(kept);
    if (!ok)
        return false;
    d->strata = calloc(d->n_strata, sizeof *d->strata);
    d->remainders = calloc(d->n_strata, sizeof *d->remainders);
    if (!d->strata || !d->remainders)
        return err_memory(err, "the split of the rows");
    for (uint64_t row = 0; row < d->n_rows; row++) {
        if (d->classes[row] < 0)
            continue;
        d->strata[d->classes[row]].n++;
        d->n_usable++;
    }
    return true;
}

static bool counts_allocate(struct draw *d, const struct split *split, struct err *err)
{
    uint64_t n_test = (uint64_t)floor((double)d->n_usable * split->test + 0.5);
    uint64_t n_validation = (uint64_t)floor((double)(d->n_usable - n_test) * split->validation + 0.5);
    if (n_test + n_validation >= d->n_usable) {
        err_set(err, ERR_INPUT,
                "nothing is left to train on: of %llu rows, %llu are held out for the test and %llu for "
                "validation",
                (unsigned long long)d->n_usable, (unsigned long long)n_test,
                (unsigned long long)n_validation);
        return err_field(err, n_test >= d->n_usable ? "test_split" : "validation_split");
    }
    if (n_test > 0)
        allocate(d, n_test, PART_TEST);
    if (n_validation > 0)
        allocate(d, n_validation, PART_VALIDATION);
    return true;
}

/* The rows in drawn order take what their stratum has to give. */
static bool parts_fill(struct draw *d, uint64_t seed, uint8_t *parts, struct err *err)
{
    uint32_t *drawn = malloc((d->n_rows + 1) * sizeof *drawn);
    if (!drawn)
        return err_memory(err, "the split of the rows");
    rows_shuffle(drawn, d->n_rows, seed);
    for (uint64_t i = 0; i < d->n_rows; i++) {
        int32_t class = d->classes[drawn[i]];
        struct stratum *stratum = class < 0 ? NULL : &d->strata[class];
        enum part part = PART_TRAIN;
        if (stratum && stratum->n_test > 0) {
            stratum->n_test--;
            part = PART_TEST;
        } else if (stratum && stratum->n_validation > 0) {
            stratum->n_validation--;
            part = PART_VALIDATION;
        }
        parts[drawn[i]] = (uint8_t)part;
    }
    free(drawn);
    return true;
}

bool rows_split(const struct table *table, const struct recipe_options *options, const struct split *split,
                uint8_t *parts, struct err *err)
{
    struct draw d = {.table = table, .n_rows = table_n_rows(table)};
    memset(parts, PART_TRAIN, d.n_rows);
    if (!(split->test > 0) && !(split->validation > 0))
        return true;
    bool ok = draw_init(&d, options, err) && counts_allocate(&d, split, err) &&
              parts_fill(&d, split->seed, parts, err);
    free(d.classes);
    free(d.strata);
    free(d.remainders);
    return ok;
}
