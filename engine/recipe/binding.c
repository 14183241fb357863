/* A recipe tied to a table: which value of a record becomes which input, worked
 * out once, so that encoding a row is a walk over plans.
 *
 * Threads: a binding is immutable, any number of threads may encode with it. It
 * holds a reference to the table. */
#include "recipe/binding.h"
#include "mlp/csv.h"
#include "mlp/number.h"

#include <stdlib.h>

void binding_free(struct binding *binding)
{
    if (!binding)
        return;
    for (uint32_t i = 0; i < binding->n_plans; i++) {
        free(binding->plans[i].level_inputs);
        free(binding->plans[i].level_numbers);
    }
    free(binding->plans);
    free(binding->runs);
    binding_target_done(&binding->target);
    table_unref(binding->table);
    free(binding);
}

const struct recipe *binding_recipe(const struct binding *binding)
{
    return binding->recipe;
}

uint64_t binding_n_rows(const struct binding *binding)
{
    return table_n_rows(binding->table);
}

uint64_t binding_record_bytes(const struct binding *binding)
{
    return binding->record_bytes;
}

bool binding_has_bytes(const struct binding *binding)
{
    return binding->n_runs > 0;
}

bool binding_input_is_zero(const struct binding *binding, uint32_t input)
{
    return binding->plans[input].zero;
}

/* Inputs of a category column's levels, by text. */
static bool plan_levels(struct plan *plan, const struct recipe_column *column, const struct column *from,
                        struct err *err)
{
    plan->kind = PLAN_LEVEL;
    plan->n_levels = from->n_levels;
    plan->level_inputs = malloc(((size_t)from->n_levels + 1) * sizeof *plan->level_inputs);
    if (!plan->level_inputs)
        return err_memory(err, "a column's levels");
    for (uint32_t i = 0; i < from->n_levels; i++)
        plan->level_inputs[i] = column_text_input(column, from->levels[i], strlen(from->levels[i]));
    return true;
}

/* A category column where the recipe wants numbers or truths: fine where every
 * level reads as one ("01"). */
static bool plan_level_numbers(struct plan *plan, const struct recipe_column *column,
                               const struct column *from, struct err *err)
{
    char name[80], text[80];

    plan->kind = PLAN_LEVEL_NUMBER;
    plan->n_levels = from->n_levels;
    plan->level_numbers = malloc(((size_t)from->n_levels + 1) * sizeof *plan->level_numbers);
    if (!plan->level_numbers)
        return err_memory(err, "a column's levels");
    for (uint32_t i = 0; i < from->n_levels; i++) {
        bool truth = column->encoding == ENCODING_BOOLEAN;
        size_t length = strlen(from->levels[i]);
        float side = 0;
        if (truth ? truth_parse(from->levels[i], length, &side)
                  : number_parse_double(from->levels[i], length, '.', &plan->level_numbers[i])) {
            if (truth)
                plan->level_numbers[i] = (double)side;
            continue;
        }
        err_set(err, ERR_INPUT, "column '%s' holds text (\"%s\"), and the model was trained on %s there",
                text_cut(column->name, strlen(column->name), 60, name),
                text_cut(from->levels[i], strlen(from->levels[i]), 60, text),
                truth ? "yes and no" : "numbers");
        return err_at(err, 0, column->name);
    }
    return true;
}

/* A date column on one side at least. */
static bool plan_date(struct plan *plan, const struct recipe_column *column, const struct column *from,
                      struct err *err)
{
    bool dates = from->type == COLUMN_DATE, wanted = column->encoding == ENCODING_DATE;
    bool empty = column_is_number(from) && isnan(from->min);
    char name[80];

    if ((dates && wanted) || (wanted && empty)) {
        bool swap = dates && from->date.either && column->date.order != from->date.order &&
                    column->date.order != DATE_YMD;
        plan->kind = empty ? PLAN_DATE_MISSING : swap ? PLAN_DATE_SWAPPED : PLAN_DATE;
        return true;
    }
    err_set(err, ERR_INPUT, "column '%s' holds %s, and the model was trained on %s there",
            text_cut(column->name, strlen(column->name), 60, name),
            dates ? "dates" : "something else than dates",
            wanted                                 ? "dates"
            : column->encoding == ENCODING_ONE_HOT ? "text"
                                                   : "numbers");
    return err_at(err, 0, column->name);
}

/* Most tables have the model's columns in the model's order, but for the
 * target: look there before searching. */
static int64_t column_find(const struct table *table, const char *name, uint32_t hint)
{
    for (uint32_t i = hint; i < hint + 2 && i < table_n_columns(table); i++)
        if (strcmp(table_column(table, i)->name, name) == 0)
            return i;
    return table_find(table, name);
}

static bool plan_init(struct plan *plan, const struct recipe_column *column, const struct table *table,
                      uint32_t hint, struct err *err)
{
    int64_t found = column_find(table, column->name, hint);
    char name[80];

    if (found < 0) {
        err_set(err, ERR_INPUT, "column '%s' is missing; the model was trained with it",
                text_cut(column->name, strlen(column->name), 60, name));
        return err_at(err, 0, column->name);
    }
    const struct column *from = table_column(table, (uint32_t)found);
    plan->column = column;
    plan->offset = from->offset;
    plan->type = from->type;
    plan->zero = from->type == COLUMN_BYTE && from->max == 0;
    if (from->type == COLUMN_TEXT) {
        err_set(err, ERR_INPUT,
                "column '%s' holds texts that are not told apart, and the model was trained with it",
                text_cut(column->name, strlen(column->name), 60, name));
        return err_at(err, 0, column->name);
    }
    if (from->type == COLUMN_DATE || column->encoding == ENCODING_DATE)
        return plan_date(plan, column, from, err);
    if (from->type == COLUMN_CATEGORY)
        return column->encoding == ENCODING_ONE_HOT ? plan_levels(plan, column, from, err)
                                                    : plan_level_numbers(plan, column, from, err);
    if (column->encoding == ENCODING_ONE_HOT)
        plan->kind = from->type == COLUMN_BYTE ? PLAN_BYTE_HOT : PLAN_NUMBER_HOT;
    else
        plan->kind = column->origin != 0           ? PLAN_VALUE
                     : from->type == COLUMN_BYTE   ? PLAN_BYTE
                     : from->type == COLUMN_NUMBER ? PLAN_NUMBER
                                                   : PLAN_VALUE;
    return true;
}

static bool plans_init(struct binding *binding, struct err *err)
{
    const struct recipe *recipe = binding->recipe;

    binding->plans = calloc((size_t)recipe->n_columns + 1, sizeof *binding->plans);
    if (!binding->plans)
        return err_memory(err, "a recipe's plans");
    for (uint32_t i = 0; i < recipe->n_columns; i++) {
        if (recipe->columns[i].encoding == ENCODING_IGNORE)
            continue;
        binding->n_plans++;
        if (!plan_init(&binding->plans[binding->n_plans - 1], &recipe->columns[i], binding->table, i, err))
            return false;
    }
    return true;
}

/* Where every used column is bytes on both sides: their runs. */
static bool runs_init(struct binding *binding, struct err *err)
{
    uint32_t n = binding->n_plans;
    uint32_t *offsets;

    if (!binding->recipe->bytes)
        return true;
    for (uint32_t i = 0; i < n; i++)
        if (binding->plans[i].kind != PLAN_BYTE)
            return true;
    offsets = malloc(n * sizeof *offsets);
    binding->runs = malloc(n * sizeof *binding->runs);
    if (!offsets || !binding->runs) {
        free(offsets);
        return err_memory(err, "a recipe's plans");
    }
    for (uint32_t i = 0; i < n; i++)
        offsets[i] = binding->plans[i].offset;
    binding->n_runs = byte_runs(offsets, n, binding->runs);
    free(offsets);
    return true;
}

struct binding *recipe_bind(const struct recipe *recipe, struct table *table, bool need_target,
                            struct err *err)
{
    struct binding *binding = calloc(1, sizeof *binding);

    if (!binding) {
        err_memory(err, "a recipe's binding");
        return NULL;
    }
    binding->recipe = recipe;
    binding->table = table_ref(table);
    binding->records = table_records(table);
    binding->record_bytes = table_record_bytes(table);
    if (plans_init(binding, err) && runs_init(binding, err) &&
        binding_target_init(&binding->target, recipe, table, need_target, err))
        return binding;
    binding_free(binding);
    return NULL;
}

static const uint8_t *binding_record(const struct binding *binding, uint64_t row)
{
    return binding->records + row * binding->record_bytes;
}

static float record_float(const uint8_t *at)
{
    float value;

    memcpy(&value, at, sizeof value);
    return value;
}

static uint32_t record_level(const uint8_t *at)
{
    uint32_t level;

    memcpy(&level, at, sizeof level);
    return level;
}

static double plan_level_value(const struct plan *plan, const uint8_t *record)
{
    uint32_t level = record_level(record + plan->offset);
    return level < plan->n_levels ? plan->level_numbers[level] : (double)NAN;
}

/* The number of a plan that is no one-hot one; NaN where missing. */
static float plan_number(const struct plan *plan, const uint8_t *record)
{
    const uint8_t *at = record + plan->offset;

    if (plan->kind == PLAN_BYTE || plan->kind == PLAN_BYTE_HOT)
        return *at;
    if (plan->kind == PLAN_NUMBER)
        return record_float(at);
    return plan->kind == PLAN_LEVEL_NUMBER ? (float)plan_level_value(plan, record)
                                           : (float)column_value(plan->type, at);
}

static double record_date(const uint8_t *at)
{
    double value;

    memcpy(&value, at, sizeof value);
    return value;
}

static void plan_encode(const struct plan *plan, const uint8_t *record, float *x)
{
    const struct recipe_column *column = plan->column;
    uint32_t level;

    switch (plan->kind) {
    case PLAN_BYTE:
    case PLAN_NUMBER:
        column_encode_number(column, plan_number(plan, record), x);
        break;
    case PLAN_VALUE:
        column_encode_value(column, recipe_value(plan->type, record + plan->offset), x);
        break;
    case PLAN_LEVEL_NUMBER:
        column_encode_value(column, plan_level_value(plan, record), x);
        break;
    case PLAN_LEVEL:
        level = record_level(record + plan->offset);
        column_encode_hot(
            column, level < plan->n_levels ? plan->level_inputs[level] : column_missing_input(column), x);
        break;
    case PLAN_BYTE_HOT:
    case PLAN_NUMBER_HOT:
        column_encode_hot(column,
                          column_number_input(column, column_value(plan->type, record + plan->offset)), x);
        break;
    case PLAN_DATE:
        column_encode_date(column, record_date(record + plan->offset), x);
        break;
    case PLAN_DATE_SWAPPED:
        column_encode_date(column, date_swap(record_date(record + plan->offset)), x);
        break;
    case PLAN_DATE_MISSING:
        column_encode_date(column, NAN, x);
        break;
    }
}

/* No clamp: recipe_check lets no scale pass that takes a byte to INPUT_MAX. */
static void bytes_encode(const uint8_t *restrict bytes, uint32_t n, float scale, float *restrict x)
{
    for (uint32_t k = 0; k < n; k++)
        x[k] = (float)bytes[k] * scale;
}

void binding_encode(const struct binding *binding, uint64_t row, float *x)
{
    const uint8_t *record = binding_record(binding, row);

    if (binding->n_runs == 0) {
        for (uint32_t i = 0; i < binding->n_plans; i++)
            plan_encode(&binding->plans[i], record, x);
        return;
    }
    float scale = binding->recipe->bytes_scale;
    for (uint32_t r = 0; r < binding->n_runs; r++) {
        struct byte_run run = binding->runs[r];
        bytes_encode(record + run.offset, run.n, scale, x + run.first);
    }
}

/* A table that holds some pixel otherwise: missing ones are imputed, the others
 * rounded. */
static uint8_t plan_byte(const struct plan *plan, const uint8_t *record)
{
    float number = plan_number(plan, record);

    if (!isfinite(number))
        number = plan->column->impute;
    return (uint8_t)(number <= 0 ? 0 : number >= 255 ? 255 : number + 0.5f);
}

void binding_encode_bytes(const struct binding *binding, uint64_t row, uint32_t begin, uint32_t end,
                          uint8_t *x)
{
    const uint8_t *record = binding_record(binding, row);

    for (uint32_t r = 0; r < binding->n_runs; r++) {
        const struct byte_run *run = &binding->runs[r];
        uint32_t first = run->first > begin ? run->first : begin,
                 last = run->first + run->n < end ? run->first + run->n : end;

        if (first < last)
            memcpy(x + first, record + run->offset + (first - run->first), last - first);
    }
    for (uint32_t i = begin; binding->n_runs == 0 && i < end && i < binding->n_plans; i++)
        x[i] = plan_byte(&binding->plans[i], record);
}

void binding_read_scattered(const struct binding *binding)
{
    table_read_scattered(binding->table);
}

void binding_prefetch(const struct binding *binding, uint64_t row, uint32_t begin, uint32_t end)
{
    const uint8_t *record = binding_record(binding, row);
    uint64_t n = binding->recipe->n_inputs, last = (end < n ? end : n) * binding->record_bytes / n;

    for (uint64_t i = begin * binding->record_bytes / n & ~(uint64_t)63; i < last; i += 64)
        __builtin_prefetch(record + i);
    __builtin_prefetch(record + binding->target.offset);
}

int32_t binding_class(const struct binding *binding, uint64_t row)
{
    return target_class(&binding->target, binding_record(binding, row));
}

float binding_value(const struct binding *binding, uint64_t row)
{
    return target_value(&binding->target, binding_record(binding, row));
}
