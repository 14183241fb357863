/* Why a column is no feature: constant, counting the rows, as many texts as an
 * id or free text has. For fitting, and for a profile that tells beforehand.
 * Also what kind of column it is, to a reader. Threads: any. */
#define _POSIX_C_SOURCE 200809L
#include "mlp/csv.h"
#include "mlp/number.h"
#include "recipe/fit.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COUNTING_ROWS_MIN 20 /* fewer rows that count up are too likely to be data */
#define ID_LEVELS_MIN 20     /* fewer levels are never taken for ids or free text */

/* Words of a note by which its cause is known again. */
#define NOTE_EMPTY "no value"
#define NOTE_SAME "the same value"
#define NOTE_COUNTING "it counts the rows"
#define NOTE_ID "like an id"

bool note_present(uint64_t n_present, bool constant, const char *rows, char note[RECIPE_NOTE_SIZE])
{
    note[0] = 0;
    if (n_present == 0)
        snprintf(note, RECIPE_NOTE_SIZE, "left out: " NOTE_EMPTY " in the %s", rows);
    else if (constant)
        snprintf(note, RECIPE_NOTE_SIZE, "left out: " NOTE_SAME " in all %s", rows);
    return note[0] == 0;
}

bool note_texts(uint32_t n_distinct, uint64_t n_present, char note[RECIPE_NOTE_SIZE])
{
    note[0] = 0;
    if (n_distinct > ID_LEVELS_MIN && n_distinct > n_present / 2)
        snprintf(note, RECIPE_NOTE_SIZE,
                 "left out: %u different texts in %llu rows, " NOTE_ID " or free text", n_distinct,
                 (unsigned long long)n_present);
    return note[0] == 0;
}

bool note_counting(const struct table *table, uint32_t index, char note[RECIPE_NOTE_SIZE])
{
    const struct column *column = table_column(table, index);
    uint64_t n = table_n_rows(table);

    note[0] = 0;
    if (!column_is_number(column) || !column->integer || column->n_missing > 0 || n < COUNTING_ROWS_MIN)
        return true;
    if (!(column->min == 0 || column->min == 1) || column->max != column->min + (double)(n - 1))
        return true;
    for (uint64_t row = 0; row < n; row++)
        if (table_value(table, index, row) != column->min + (double)row)
            return true;
    snprintf(note, RECIPE_NOTE_SIZE, "left out: " NOTE_COUNTING ", " NOTE_ID);
    return false;
}

bool note_is_constant(const char *note)
{
    return strstr(note, NOTE_SAME) != NULL || strstr(note, NOTE_EMPTY) != NULL;
}

bool note_is_counting(const char *note)
{
    return strstr(note, NOTE_COUNTING) != NULL;
}

bool note_is_id(const char *note)
{
    return strstr(note, NOTE_ID) != NULL;
}

void recipe_note(const struct table *table, uint32_t index, char note[RECIPE_NOTE_SIZE])
{
    const struct column *column = table_column(table, index);
    uint64_t n_rows = table_n_rows(table), n_present = n_rows - column->n_missing;

    if (column->type == COLUMN_TEXT) {
        if (note_present(n_present, false, "rows", note))
            snprintf(note, RECIPE_NOTE_SIZE,
                     "left out: texts that are not told apart, " NOTE_ID " or free text");
    } else if (column->type == COLUMN_CATEGORY) {
        (void)(note_present(n_present, column->n_levels == 1 && n_present == n_rows, "rows", note) &&
               note_texts(column->n_levels, n_present, note));
    } else {
        (void)(note_present(n_present, !(column->max > column->min), "rows", note) &&
               note_counting(table, index, note));
    }
}

bool column_is_boolean(const struct column *column)
{
    uint64_t pairs = UINT64_MAX; /* of words that all levels are among */
    if (column->type != COLUMN_CATEGORY || column->n_levels == 0 || column->n_levels > 8)
        return false;
    for (uint32_t i = 0; i < column->n_levels; i++)
        pairs &= truth_pairs(column->levels[i], strlen(column->levels[i]));
    return pairs != 0;
}

/* Free text has words: most levels have a blank. */
static bool levels_are_text(const struct column *column)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < column->n_levels; i++)
        n += strchr(column->levels[i], ' ') != NULL;
    return n > column->n_levels / 2;
}

enum column_kind recipe_kind(const struct table *table, uint32_t index)
{
    const struct column *column = table_column(table, index);
    char note[RECIPE_NOTE_SIZE];

    if (column->type == COLUMN_DATE)
        return KIND_DATE;
    if (column->type == COLUMN_TEXT)
        return KIND_TEXT;
    if (column->type != COLUMN_CATEGORY)
        return KIND_NUMBER;
    if (column_is_boolean(column))
        return KIND_BOOLEAN;
    if (!note_texts(column->n_levels, table_n_rows(table) - column->n_missing, note) &&
        levels_are_text(column))
        return KIND_TEXT;
    return KIND_CATEGORY;
}
