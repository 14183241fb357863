/* Column statistics, gathered by chunk and merged. See ingest_tally.h. */
#include "table/ingest_tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool tally_init(struct tally *tally, const struct plan *plan, struct err *err)
{
    *tally = (struct tally){.plan = plan};
    tally->wanted = malloc(plan->n_columns);
    tally->bytes = calloc((size_t)plan->n_of_type[COLUMN_BYTE] + 1, sizeof *tally->bytes);
    tally->pointed = calloc((size_t)plan->n_of_type[COLUMN_BYTE] + 1, sizeof *tally->pointed);
    tally->numbers = calloc((size_t)plan->n_numbers + 1, sizeof *tally->numbers);
    tally->categories = calloc((size_t)plan->n_of_type[COLUMN_CATEGORY] + 1, sizeof *tally->categories);
    tally->dates = calloc((size_t)plan->n_of_type[COLUMN_DATE] + 1, sizeof *tally->dates);
    tally->texts_missing = calloc((size_t)plan->n_of_type[COLUMN_TEXT] + 1, sizeof *tally->texts_missing);
    tally->evidence = calloc((size_t)plan->n_columns, sizeof *tally->evidence);
    if (!tally->wanted || !tally->bytes || !tally->pointed || !tally->numbers || !tally->categories ||
        !tally->dates || !tally->texts_missing || !tally->evidence) {
        tally_done(tally);
        return err_memory(err, "the columns' statistics");
    }
    tally_clear(tally);
    return true;
}

void tally_clear(struct tally *tally)
{
    const struct plan *plan = tally->plan;
    tally->n_rows = 0;
    tally->needs_widening = false;
    tally->n_levels = 0;
    tally->level_bytes = 0;
    for (uint32_t i = 0; i < plan->n_columns; i++)
        tally->wanted[i] = (uint8_t)plan->columns[i].type;
    if (tally->has_evidence)
        memset(tally->evidence, 0, plan->n_columns * sizeof *tally->evidence);
    tally->has_evidence = false;
    for (uint32_t i = 0; i < plan->n_of_type[COLUMN_BYTE]; i++)
        tally->bytes[i] = (struct tally_byte){.min = UINT8_MAX};
    for (uint32_t i = 0; i < plan->n_of_type[COLUMN_BYTE]; i++)
        tally->pointed[i] = (struct tally_pointed){.decimals = DECIMALS_NONE};
    for (uint32_t i = 0; i < plan->n_numbers; i++)
        tally->numbers[i] =
            (struct tally_number){.min = INFINITY, .max = -INFINITY, .decimals = DECIMALS_NONE};
    for (uint32_t i = 0; i < plan->n_of_type[COLUMN_DATE]; i++)
        tally->dates[i] = (struct tally_number){.min = INFINITY, .max = -INFINITY};
    for (uint32_t i = 0; i < plan->n_of_type[COLUMN_CATEGORY]; i++) {
        tally->categories[i].n_missing = 0;
        tally->categories[i].n_bytes = 0;
        levels_clear(&tally->categories[i].levels);
    }
    memset(tally->texts_missing, 0, plan->n_of_type[COLUMN_TEXT] * sizeof *tally->texts_missing);
    arena_clear(&tally->texts);
}

void tally_done(struct tally *tally)
{
    if (!tally->plan)
        return;
    if (tally->categories)
        for (uint32_t i = 0; i < tally->plan->n_of_type[COLUMN_CATEGORY]; i++)
            levels_done(&tally->categories[i].levels);
    arena_done(&tally->texts);
    free(tally->wanted);
    free(tally->bytes);
    free(tally->pointed);
    free(tally->numbers);
    free(tally->categories);
    free(tally->dates);
    free(tally->texts_missing);
    free(tally->evidence);
    *tally = (struct tally){0};
}

void tally_add_bytes(struct tally *tally, const uint8_t *records, uint64_t n_rows)
{
    const struct plan *plan = tally->plan;
    if (n_rows > 0 && plan->n_of_type[COLUMN_BYTE] > 0)
        bytes_kernels(0)->add(tally->bytes, plan->n_of_type[COLUMN_BYTE], records + plan->bytes_at,
                              plan->record_bytes, n_rows);
}

static bool is_counted_category(const struct tally *tally, uint32_t column)
{
    return tally->plan->columns[column].type == COLUMN_CATEGORY && tally->wanted[column] != COLUMN_TEXT;
}

/* The category with the most levels, or the most bytes of them; n_columns where
 * none has `least`. */
static uint32_t category_widest(const struct tally *tally, bool by_number, size_t least)
{
    const struct plan *plan = tally->plan;
    uint32_t widest = plan->n_columns;
    for (uint32_t i = 0; i < plan->n_columns; i++) {
        if (!is_counted_category(tally, i))
            continue;
        const struct tally_category *category = &tally->categories[plan->columns[i].slot];
        size_t n = by_number ? category->levels.n : category->n_bytes;
        if (n >= least) {
            widest = i;
            least = n + 1;
        }
    }
    return widest;
}

/* The levels that are still counted into an arena of their own; the others'
 * texts are freed. */
static bool texts_compact(struct tally *tally, struct err *err)
{
    const struct plan *plan = tally->plan;
    struct arena texts = {0};
    for (uint32_t i = 0; i < plan->n_columns; i++) {
        if (!is_counted_category(tally, i) ||
            levels_move(&tally->categories[plan->columns[i].slot].levels, &texts))
            continue;
        arena_done(&texts);
        return err_memory(err, "the levels of a category");
    }
    arena_done(&tally->texts);
    tally->texts = texts;
    return true;
}

static bool levels_over(const struct tally *tally, uint32_t part)
{
    return tally->n_levels > tally->plan->n_levels_max / part ||
           tally->level_bytes > tally->plan->level_bytes_max / part;
}

/* Categories with the most levels shall be text columns, until half of what
 * levels may take is free: so this is seldom done. */
static bool categories_to_text(struct tally *tally, struct err *err)
{
    const struct plan *plan = tally->plan;
    while (levels_over(tally, 2)) {
        bool by_number = tally->n_levels > plan->n_levels_max / 2;
        size_t least = (by_number ? plan->n_levels_max : plan->level_bytes_max) / LEVELS_SHARE + 1;
        uint32_t column = category_widest(tally, by_number, least);
        if (column == plan->n_columns)
            break;
        struct tally_category *category = &tally->categories[plan->columns[column].slot];
        tally_want(tally, column, COLUMN_TEXT);
        tally->n_levels -= category->levels.n;
        tally->level_bytes -= category->n_bytes;
        levels_done(&category->levels);
    }
    return texts_compact(tally, err);
}

static bool levels_merge(struct tally *tally, uint32_t column, struct levels *chunk, struct err *err)
{
    struct tally_category *category = &tally->categories[tally->plan->columns[column].slot];
    for (uint32_t i = 0; i < chunk->n && is_counted_category(tally, column); i++) {
        struct level *level = &chunk->items[i];
        uint32_t n = category->levels.n;
        if (!levels_add(&category->levels, &tally->texts, tally->plan->seed, level->text, level->length,
                        &level->global))
            return err_memory(err, "the levels of a category");
        category->levels.items[level->global].n_rows += level->n_rows;
        if (category->levels.n == n)
            continue;
        tally->n_levels++;
        tally->level_bytes += level->length + 1;
        category->n_bytes += level->length + 1;
        if (!levels_over(tally, 1))
            continue;
        if (!categories_to_text(tally, err))
            return false;
        if (levels_over(tally, 1)) {
            err_set(err, ERR_LIMIT,
                    "the columns hold too many different texts: a table may have %u of them, or %zu MB, "
                    "beside columns of text",
                    tally->plan->n_levels_max, tally->plan->level_bytes_max >> 20);
            return err_at(err, 0, tally->plan->columns[column].name);
        }
    }
    return true;
}

static void number_merge(struct tally_number *number, const struct tally_number *chunk)
{
    number->n_missing += chunk->n_missing;
    number->sum += chunk->sum;
    number->squares += chunk->squares;
    number->min = chunk->min < number->min ? chunk->min : number->min;
    number->max = chunk->max > number->max ? chunk->max : number->max;
    number->fraction = number->fraction || chunk->fraction;
    number->inexact = number->inexact || chunk->inexact;
    number->code = number->code || chunk->code;
    if (chunk->decimals != DECIMALS_NONE)
        tally_decimals(&number->decimals, chunk->decimals);
}

static void byte_merge(struct tally_byte *byte, const struct tally_byte *chunk)
{
    byte->sum += chunk->sum;
    byte->squares += chunk->squares;
    byte->min = chunk->min < byte->min ? chunk->min : byte->min;
    byte->max = chunk->max > byte->max ? chunk->max : byte->max;
}

bool tally_merge(struct tally *tally, struct tally *chunk, struct err *err)
{
    const struct plan *plan = tally->plan;
    tally->n_rows += chunk->n_rows;
    tally->needs_widening = tally->needs_widening || chunk->needs_widening;
    tally->has_evidence = tally->has_evidence || chunk->has_evidence;
    for (uint32_t i = 0; i < plan->n_columns; i++) {
        tally->wanted[i] =
            (uint8_t)type_wider((enum column_type)tally->wanted[i], (enum column_type)chunk->wanted[i]);
        if (chunk->has_evidence)
            evidence_merge(&tally->evidence[i], &chunk->evidence[i]);
    }
    for (uint32_t i = 0; i < plan->n_of_type[COLUMN_BYTE]; i++)
        byte_merge(&tally->bytes[i], &chunk->bytes[i]);
    for (uint32_t i = 0; i < plan->n_of_type[COLUMN_BYTE]; i++) {
        tally->pointed[i].n += chunk->pointed[i].n;
        if (chunk->pointed[i].n > 0)
            tally_decimals(&tally->pointed[i].decimals, chunk->pointed[i].decimals);
    }
    for (uint32_t i = 0; i < plan->n_numbers; i++)
        number_merge(&tally->numbers[i], &chunk->numbers[i]);
    for (uint32_t i = 0; i < plan->n_of_type[COLUMN_DATE]; i++)
        number_merge(&tally->dates[i], &chunk->dates[i]);
    for (uint32_t i = 0; i < plan->n_of_type[COLUMN_TEXT]; i++)
        tally->texts_missing[i] += chunk->texts_missing[i];
    for (uint32_t i = 0; i < plan->n_columns && plan->n_of_type[COLUMN_CATEGORY] > 0; i++) {
        const struct plan_column *column = &plan->columns[i];
        if (column->type != COLUMN_CATEGORY)
            continue;
        tally->categories[column->slot].n_missing += chunk->categories[column->slot].n_missing;
        if (!levels_merge(tally, i, &chunk->categories[column->slot].levels, err))
            return false;
    }
    return true;
}

__extension__ typedef unsigned __int128 uint128;

/* Sums of integers are exact: a constant column's deviation is 0, not nearly
 * so. */
static void column_of_bytes(const struct tally_byte *byte, const struct tally_pointed *pointed,
                            uint64_t n_rows, struct column *column)
{
    column->decimals = pointed->n == 0 ? 0 : pointed->n == n_rows ? pointed->decimals : COLUMN_DECIMALS_MIXED;
    uint128 squares =
        (uint128)byte->squares * n_rows - (uint128)byte->sum * byte->sum; /* n^2 times the variance */
    column->integer = true;
    column->min = byte->min;
    column->max = byte->max;
    column->mean = (double)byte->sum / (double)n_rows;
    column->stddev = sqrt((double)squares) / (double)n_rows;
}

static void column_of_numbers(const struct tally_number *number, uint64_t n_rows, double shift,
                              struct column *column)
{
    double n = (double)(n_rows - number->n_missing);
    column->n_missing = number->n_missing;
    column->integer = !number->fraction;
    if (n == 0)
        return;
    column->decimals = number->decimals;
    double mean = number->sum / n, variance = number->squares / n - mean * mean;
    column->min = number->min;
    column->max = number->max;
    column->mean = shift + mean;
    column->stddev = variance > 0 ? sqrt(variance) : 0;
}

enum column_type tally_narrowest(const struct tally_number *number, uint64_t n_rows)
{
    static const struct {
        enum column_type type;
        double most; /* and the least is -most */
    } integers[] = {{COLUMN_INT8, INT8_MAX},
                    {COLUMN_INT16, INT16_MAX},
                    {COLUMN_INT32, INT32_MAX},
                    {COLUMN_INT64, 0x1.fffffffffffffp62}};
    if (number->n_missing == n_rows)
        return COLUMN_NUMBER;
    if (number->fraction)
        return number->inexact ? COLUMN_DOUBLE : COLUMN_NUMBER;
    if (number->n_missing == 0 && number->min >= 0 && number->max <= UINT8_MAX)
        return COLUMN_BYTE;
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
        if (number->min >= -integers[i].most && number->max <= integers[i].most)
            return integers[i].type;
    return number->inexact ? COLUMN_DOUBLE : COLUMN_NUMBER;
}

/* The levels of a category as evidence, until too many are texts. */
static void evidence_of_levels(const struct tally_category *category, uint64_t n_present,
                               struct evidence *evidence)
{
    uint64_t n_odd_most = evidence_odd_limit(n_present);
    for (uint32_t i = 0; i < category->levels.n; i++) {
        const struct level *level = &category->levels.items[i];
        evidence_add(evidence, level->text, level->length, level->n_rows);
        uint64_t n_known = evidence->n_numbers + evidence->n_any_date + evidence->n_absent;
        if (evidence->n - n_known > n_odd_most)
            return;
    }
}

static bool is_wide(enum column_type type)
{
    return type != COLUMN_BYTE && column_type_is_number(type);
}

/* What is counted of the column, and of its values that need no evidence. */
static void evidence_gather(const struct tally *tally, uint32_t index, struct evidence *evidence,
                            struct evidence_plain *plain)
{
    const struct plan_column *planned = &tally->plan->columns[index];
    *evidence = tally->evidence[index];
    *plain = (struct evidence_plain){.decimal_point = tally->plan->dialect.decimal,
                                     .told = tally->plan->options->decimal != 0};
    if (planned->formatted)
        plain->decimal_point = planned->number.decimal_point ? planned->number.decimal_point : '.';
    if (planned->type == COLUMN_BYTE) {
        plain->n = tally->n_rows - evidence->n;
        plain->fraction = evidence->fraction;
    } else if (is_wide(planned->type) && !planned->formatted) {
        const struct tally_number *number = &tally->numbers[planned->slot];
        plain->n = tally->n_rows - number->n_missing;
        plain->fraction = number->fraction || number->min < 0;
        plain->code = number->code;
    } else if (planned->type == COLUMN_CATEGORY) {
        const struct tally_category *category = &tally->categories[planned->slot];
        evidence_of_levels(category, tally->n_rows - category->n_missing, evidence);
    }
}

/* The type wanted, of columns whose type the values' majority leaves as it is. */
static enum column_type wanted_type(const struct tally *tally, uint32_t index)
{
    enum column_type wanted = (enum column_type)tally->wanted[index];
    const struct plan_column *planned = &tally->plan->columns[index];
    bool fraction = is_wide(planned->type) && tally->numbers[planned->slot].fraction;
    return wanted == COLUMN_INT64 && fraction ? COLUMN_DOUBLE : wanted;
}

/* Whether numbers that were read in the one format are others in the other. */
static bool formats_differ(const struct number_format *a, const struct number_format *b)
{
    char a_point = a->decimal_point ? a->decimal_point : '.',
         b_point = b->decimal_point ? b->decimal_point : '.';
    return a_point != b_point || a->thousands_separator != b->thousands_separator || a->lakhs != b->lakhs ||
           a->bounds != b->bounds || a->parentheses != b->parentheses || strcmp(a->unit, b->unit) != 0;
}

static bool date_decided(struct plan_column *column, const struct verdict *verdict, double some, bool first)
{
    bool was_date = column->type == COLUMN_DATE;
    bool other = !was_date || column->date.order != verdict->date.order;
    column->type = COLUMN_DATE;
    if (other && was_date && !first)
        return false;
    column->date = verdict->date;
    column->shift = other ? some : column->shift;
    return other;
}

/* The column is of numbers, of that type at least. */
static bool number_decided(const struct plan *plan, struct plan_column *column, const struct verdict *verdict,
                           enum column_type wanted, bool first)
{
    bool was_number = column_type_is_number(column->type);
    bool other = !was_number || formats_differ(&column->number, &verdict->number);
    enum column_type before = column->type;
    column->type = column_type_is_number(wanted) ? wanted : COLUMN_NUMBER;
    if (other && was_number && !first)
        return column->type != before;
    plan_format(plan, column, &verdict->number);
    return other || column->type != before;
}

/* What the values are where their format is the user's: numbers, where few are
 * odd in it. */
static void told_verdict(const struct tally *tally, const struct plan_column *column,
                         const struct evidence *evidence, struct verdict *verdict)
{
    uint64_t n_fits = tally->n_rows - tally->numbers[column->slot].n_missing;
    uint64_t n_present =
        evidence->n - (evidence->absent_mixed && evidence->n_absent > n_fits ? 0 : evidence->n_absent);
    verdict->n_odd = n_present > n_fits ? n_present - n_fits : 0;
    verdict->type = verdict->n_odd > evidence_odd_limit(n_present) ? COLUMN_CATEGORY : COLUMN_NUMBER;
    int point = column->number.decimal_point == ',';
    uint8_t least = evidence->decimals_least[point], most = evidence->decimals_most[point];
    verdict->number = column->number;
    verdict->number.n_decimals = least == most && most < 10 ? most : 0;
}

bool tally_decide(const struct tally *tally, uint32_t index, struct plan_column *column)
{
    enum column_type wanted = wanted_type(tally, index), before = column->type;
    struct evidence evidence;
    struct evidence_plain plain;
    struct verdict verdict;
    int n_passes = tally->plan->n_passes;
    bool first = n_passes == 0 || (n_passes == 1 && before == COLUMN_TEXT);
    bool evident = tally->has_evidence || before == COLUMN_CATEGORY ||
                   (is_wide(before) && tally->numbers[column->slot].code);
    bool settled = column->given || wanted == COLUMN_TEXT || (before == COLUMN_CATEGORY && !first);
    if (evident && !settled)
        evidence_gather(tally, index, &evidence, &plain);
    if (!evident || settled || (evidence.n == 0 && !plain.code)) {
        column->type = before == COLUMN_TEXT ? before : wanted;
        return column->type != before;
    }
    evidence_decide(&evidence, &plain, &verdict);
    if (column->told && is_wide(before) && column->formatted)
        told_verdict(tally, column, &evidence, &verdict);
    if (before == COLUMN_TEXT && verdict.type == COLUMN_CATEGORY)
        verdict.type = COLUMN_TEXT;
    if (!first && before == COLUMN_DATE && verdict.type == COLUMN_NUMBER)
        verdict.type = COLUMN_CATEGORY; /* there is no way back */
    if (verdict.type == COLUMN_DATE)
        return date_decided(column, &verdict, evidence.some_date, first);
    if (verdict.type == COLUMN_NUMBER) {
        if (!column_type_is_number(before) && plain.n == 0)
            column->shift = evidence.some_number;
        return number_decided(tally->plan, column, &verdict, wanted, first);
    }
    column->type = verdict.type;
    return before != verdict.type;
}

void tally_column(const struct tally *tally, uint32_t index, struct column *column)
{
    const struct plan_column *planned = &tally->plan->columns[index];
    column->type = planned->type;
    column->offset = planned->offset;
    column->decimal_point = tally->plan->dialect.decimal == ',' ? ',' : '\0';
    column->thousands_separator = tally->plan->dialect.thousands;
    if (planned->formatted) {
        column->number = planned->number;
        column->decimal_point = planned->number.decimal_point;
        column->thousands_separator = planned->number.thousands_separator;
    }
    column->min = column->max = column->mean = column->stddev = NAN;
    column->decimals = COLUMN_DECIMALS_MIXED;
    if (planned->type == COLUMN_BYTE && tally->n_rows == 0) {
        column->type = COLUMN_NUMBER; /* nobody knows yet */
    } else if (planned->type == COLUMN_BYTE) {
        column_of_bytes(&tally->bytes[planned->slot], &tally->pointed[planned->slot], tally->n_rows, column);
    } else if (column_type_is_number(planned->type)) {
        column->type = tally_narrowest(&tally->numbers[planned->slot], tally->n_rows);
        column_of_numbers(&tally->numbers[planned->slot], tally->n_rows, planned->shift, column);
        if (planned->formatted)
            column->decimals =
                planned->number.n_decimals > 0 ? planned->number.n_decimals : COLUMN_DECIMALS_MIXED;
    } else if (planned->type == COLUMN_DATE) {
        column_of_numbers(&tally->dates[planned->slot], tally->n_rows, planned->shift, column);
        column->integer = false;
        column->date = planned->date;
    } else if (planned->type == COLUMN_TEXT) {
        column->n_missing = tally->texts_missing[planned->slot];
    } else {
        column->n_missing = tally->categories[planned->slot].n_missing;
        column->n_levels = tally->categories[planned->slot].levels.n;
    }
}
