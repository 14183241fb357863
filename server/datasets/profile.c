/* A dataset's profile as JSON. What the table knows already (missing, min, max,
 * mean, levels) is of all rows; quartiles, histogram and distinct numbers are
 * of a sample where there are many rows. */
#include "datasets/profile.h"
#include "base/number_text.h"
#include "datasets/figures.h"
#include "mlp/recipe.h"
#include "json/scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SHOWN 500 /* bytes of a level or cell */

/* Cut where it is long, between two characters. */
static void text_write(struct writer *writer, const char *text)
{
    size_t n = strnlen(text, TEXT_SHOWN + 1);
    if (n > TEXT_SHOWN)
        for (n = TEXT_SHOWN; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
            n--;
    writer_string_n(writer, text, n);
}

struct level {
    uint64_t rows;
    uint32_t index;
};

static int level_compare(const void *left, const void *right)
{
    const struct level *a = left, *b = right;
    if (a->rows != b->rows)
        return a->rows < b->rows ? 1 : -1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static bool levels_write(struct writer *writer, const struct column *column)
{
    uint32_t n = column->n_levels;
    struct level *levels = malloc(((size_t)n + 1) * sizeof *levels);
    if (!levels)
        return false;
    for (uint32_t i = 0; i < n; i++)
        levels[i] = (struct level){column->level_rows[i], i};
    qsort(levels, n, sizeof *levels, level_compare);
    writer_put_uint(writer, "distinct", n);
    writer_key(writer, "levels");
    writer_open(writer, '[');
    for (uint32_t i = 0; i < n && i < PROFILE_LEVELS; i++) {
        writer_open(writer, '{');
        writer_key(writer, "level");
        text_write(writer, column->levels[levels[i].index]);
        writer_put_uint(writer, "rows", levels[i].rows);
        writer_close(writer, '}');
    }
    writer_close(writer, ']');
    free(levels);
    return true;
}

/* Of columns that floats can tell apart: more digits would show what is not in
 * the file. */
static void figure_put(struct writer *writer, const struct column *column, double number)
{
    bool wide = column->type == COLUMN_INT32 || column->type == COLUMN_INT64 || column->type == COLUMN_DOUBLE;
    if (wide)
        writer_double(writer, number);
    else
        writer_float(writer, (float)number);
}

static void figure_write(struct writer *writer, const struct column *column, const char *name, double number)
{
    writer_key(writer, name);
    figure_put(writer, column, number);
}

static void figures_write(struct writer *writer, const struct column *column, const struct figures *figures,
                          bool whole)
{
    if (whole)
        writer_put_uint(writer, "distinct", figures->n_distinct);
    if (figures->n == 0)
        return;
    writer_key(writer, "quartiles");
    writer_open(writer, '[');
    for (int i = 0; i < 3; i++)
        figure_put(writer, column, figures_quartile(figures, i));
    writer_close(writer, ']');
    writer_key(writer, "histogram");
    writer_open(writer, '{');
    figure_write(writer, column, "from", figures->from);
    figure_write(writer, column, "to", figures->to);
    writer_key(writer, "counts");
    writer_open(writer, '[');
    for (int i = 0; i < PROFILE_BINS; i++)
        writer_uint(writer, figures->bins[i]);
    writer_close(writer, ']');
    writer_close(writer, '}');
}

/* NaN: null. */
static void date_write(struct writer *writer, double value, struct date_format format)
{
    char text[DATE_TEXT_MAX];
    if (isnan(value))
        writer_null(writer);
    else
        writer_string_n(writer, text, date_text(value, format, text));
}

static void dates_write(struct writer *writer, const struct column *column)
{
    char format[DATE_FORMAT_MAX];
    date_format_text(column->date, format);
    writer_put_string(writer, "format", format);
    writer_key(writer, "min");
    date_write(writer, column->min, column->date);
    writer_key(writer, "max");
    date_write(writer, column->max, column->date);
}

/* figures NULL: the table has too many columns for them. */
static bool column_write(struct writer *writer, const struct table *table, uint32_t index,
                         const struct figures *figures, bool whole)
{
    static const char *const kinds[] = {[KIND_NUMBER] = "number",
                                        [KIND_CATEGORY] = "category",
                                        [KIND_BOOLEAN] = "boolean",
                                        [KIND_DATE] = "date",
                                        [KIND_TEXT] = "text"};
    const struct column *column = table_column(table, index);
    char note[RECIPE_NOTE_SIZE];
    bool ok = true;
    writer_open(writer, '{');
    writer_put_string(writer, "name", column->name);
    writer_put_string(writer, "type", kinds[recipe_kind(table, index)]);
    writer_put_uint(writer, "missing", column->n_missing);
    recipe_note(table, index, note);
    if (*note)
        writer_put_string(writer, "note", note);
    if (column->type == COLUMN_CATEGORY) {
        ok = levels_write(writer, column);
    } else if (column->type == COLUMN_DATE) {
        dates_write(writer, column);
    } else if (column->type != COLUMN_TEXT) {
        writer_put_bool(writer, "integer", column->integer);
        if (!number_format_is_plain(&column->number)) {
            char format[NUMBER_FORMAT_MAX];
            number_format_text(&column->number, format);
            writer_put_string(writer, "format", format);
        }
        figure_write(writer, column, "min", column->min);
        figure_write(writer, column, "max", column->max);
        figure_write(writer, column, "mean", column->mean);
        figure_write(writer, column, "stddev", column->stddev);
        if (figures)
            figures_write(writer, column, figures, whole);
    }
    writer_close(writer, '}');
    return ok;
}

void profile_cell(struct writer *writer, const struct table *table, uint32_t column, uint64_t row)
{
    const struct column *of = table_column(table, column);
    char text[NUMBER_TEXT_SIZE];
    if (of->type == COLUMN_DATE) {
        date_write(writer, table_date(table, column, row), of->date);
        return;
    }
    if (column_has_texts(of))
        writer_string(writer, table_text(table, column, row));
    else
        writer_raw(writer, text, table_number_text(table, column, row, text));
}

static void sample_write(struct writer *writer, const struct table *table)
{
    writer_key(writer, "sample");
    writer_open(writer, '[');
    for (uint64_t row = 0; row < PROFILE_SAMPLE && row < table_n_rows(table); row++) {
        writer_open(writer, '[');
        for (uint32_t i = 0; i < table_n_columns(table); i++) {
            const char *text = column_has_texts(table_column(table, i)) ? table_text(table, i, row) : NULL;
            if (text)
                text_write(writer, text);
            else
                profile_cell(writer, table, i, row);
        }
        writer_close(writer, ']');
    }
    writer_close(writer, ']');
}

/* A part of the profile before, as it stands there. */
static void part_write(struct writer *writer, const struct message *part)
{
    char *text = message_print(part);
    if (text)
        writer_raw(writer, text, strlen(text));
    else
        writer_fail(writer, ERR_OK);
    free(text);
}

/* The elements of the array `name`, at most n; how many. */
static uint64_t parts_write(struct writer *writer, const struct message *before, const char *name, uint64_t n)
{
    const struct message *array = before ? message_get(before, name) : NULL;
    uint64_t i = 0;
    for (const struct message *at = array ? message_first(array) : NULL; at && i < n; at = message_next(at)) {
        part_write(writer, at);
        i++;
    }
    return i;
}

/* Those of `before` (NULL: none) come first. */
static void skipped_write(struct writer *writer, const struct csv_report *report,
                          const struct message *before)
{
    writer_key(writer, "skipped");
    writer_open(writer, '[');
    uint64_t n = parts_write(writer, before, "skipped", CSV_SKIPPED_SHOWN);
    for (uint64_t i = 0; i < report->n_skipped && n + i < CSV_SKIPPED_SHOWN; i++) {
        writer_open(writer, '{');
        writer_put_uint(writer, "row", report->skipped[i].row);
        if (*report->skipped[i].column)
            writer_put_string(writer, "column", report->skipped[i].column);
        writer_put_string(writer, "detail", report->skipped[i].msg);
        writer_close(writer, '}');
    }
    writer_close(writer, ']');
}

static void note_write(struct writer *writer, const struct csv_note *note)
{
    writer_open(writer, '{');
    if (note->row)
        writer_put_uint(writer, "row", note->row);
    if (note->line)
        writer_put_uint(writer, "line", note->line);
    if (*note->column)
        writer_put_string(writer, "column", note->column);
    writer_put_string(writer, "text", note->text);
    writer_close(writer, '}');
}

/* Something about the whole file. */
static void fact_write(struct writer *writer, const char *code, uint64_t n, const char *text)
{
    writer_open(writer, '{');
    writer_put_string(writer, "code", code);
    writer_put_uint(writer, "count", n);
    writer_key(writer, "first");
    writer_open(writer, '[');
    writer_open(writer, '{');
    writer_put_string(writer, "text", text);
    writer_close(writer, '}');
    writer_close(writer, ']');
    writer_close(writer, '}');
}

#define PERHAPS_MISSING "perhaps_missing"

/* Numbers that may stand for missing values, which only the user knows: by
 * columns, the first few. figures NULL: nobody looked. */
static void suspects_write(struct writer *writer, const struct table *table, const struct figures *figures)
{
    uint64_t n_values = 0;
    uint32_t n_columns = figures ? table_n_columns(table) : 0, n_shown = 0;
    for (uint32_t i = 0; i < n_columns; i++)
        if (figures_perhaps_missing(&figures[i]))
            n_values += figures_perhaps_missing(&figures[i])->n;
    if (n_values == 0)
        return;
    writer_open(writer, '{');
    writer_put_string(writer, "code", PERHAPS_MISSING);
    writer_put_uint(writer, "count", n_values);
    writer_key(writer, "first");
    writer_open(writer, '[');
    for (uint32_t i = 0; i < n_columns && n_shown < CSV_SHOWN; i++) {
        const struct extreme *suspect = figures_perhaps_missing(&figures[i]);
        if (!suspect)
            continue;
        char text[32];
        snprintf(text, sizeof text, "%.0f", suspect->value);
        writer_open(writer, '{');
        writer_put_string(writer, "column", table_column(table, i)->name);
        writer_put_string(writer, "text", text);
        writer_close(writer, '}');
        n_shown++;
    }
    writer_close(writer, ']');
    writer_close(writer, '}');
}

/* A guess is said; so are characters that there are none of. */
static void encoding_write(struct writer *writer, const struct profile_source *source)
{
    bool told = strstr(source->told, "\"encoding\":") != NULL; /* in a text its quotes would be escaped */
    if (source->report->encoding == CSV_WINDOWS_1252 && !told)
        fact_write(writer, "encoding_guessed", 1, "windows-1252");
    if (source->n_bad)
        fact_write(writer, "bad_character", source->n_bad, source->recoded_from);
}

/* One kind of what was done; `before`: what the profile before says of it. */
static void deed_write(struct writer *writer, const char *code, const struct csv_done *done,
                       const struct message *before)
{
    const struct message *count = before ? message_get(before, "count") : NULL;
    double n_before = count && message_kind(count) == MESSAGE_NUMBER ? message_number(count) : 0;
    writer_open(writer, '{');
    writer_put_string(writer, "code", code);
    writer_put_uint(writer, "count", (uint64_t)n_before + done->n);
    writer_key(writer, "first");
    writer_open(writer, '[');
    uint64_t n = parts_write(writer, before, "first", CSV_SHOWN);
    for (uint64_t i = 0; i < done->n && n + i < CSV_SHOWN; i++)
        if (done->first[i].row || done->first[i].line)
            note_write(writer, &done->first[i]);
    writer_close(writer, ']');
    writer_close(writer, '}');
}

static int deed_find(const char *code)
{
    int deed = 0;
    while (deed < DEEDS && strcmp(csv_deed_name((enum csv_deed)deed), code) != 0)
        deed++;
    return deed;
}

/* What was done, of each kind how often, and the first; what the profile before
 * says (NULL: there is none), and more. */
static void reading_write(struct writer *writer, const struct profile_source *source,
                          const struct message *before, const struct table *table,
                          const struct figures *figures)
{
    const struct csv_done none = {0}, *done = source->report->done;
    const struct message *array = before ? message_get(before, "reading") : NULL;
    bool told[DEEDS + 1] = {false};
    writer_key(writer, "reading");
    writer_open(writer, '[');
    if (!before)
        encoding_write(writer, source);
    for (const struct message *at = array ? message_first(array) : NULL; at; at = message_next(at)) {
        const struct message *code = message_get(at, "code");
        const char *name = code && message_kind(code) == MESSAGE_STRING ? message_string(code) : "";
        int deed = deed_find(name);
        if (deed < DEEDS)
            deed_write(writer, name, told[deed] ? &none : &done[deed], at);
        else if (strcmp(name, PERHAPS_MISSING) != 0) /* it is found anew */
            part_write(writer, at);
        told[deed] = true;
    }
    for (int i = 0; i < DEEDS; i++)
        if (done[i].n > 0 && !told[i])
            deed_write(writer, csv_deed_name((enum csv_deed)i), &done[i], NULL);
    suspects_write(writer, table, figures);
    writer_close(writer, ']');
}

/* Of a profile where "reading" and "skipped" stand: *begin, where the first one
 * there begins; the two as an object. NULL: there are none, or *err. In a text
 * the quotes of the marks would be escaped. */
static struct message *done_parse(const char *profile, const char **begin, struct err *err)
{
    static const char skipped[] = ",\"skipped\":[", reading[] = ",\"reading\":[";
    const char *end = strstr(profile, skipped), *first = strstr(profile, reading);
    struct scan scan;
    *begin = first && first < end ? first : end;
    if (!end)
        return NULL;
    scan_init(&scan, end + sizeof skipped - 2, strlen(end + sizeof skipped - 2));
    scan_skip_brackets(&scan);
    size_t n = (size_t)(scan.at - *begin);
    scan_done(&scan);
    char *text = malloc(n + 1);
    if (!text) {
        err_memory(err, "the profile");
        return NULL;
    }
    memcpy(text, *begin, n);
    text[0] = '{';
    text[n] = '}';
    struct message *message = message_parse(text, n + 1, err);
    free(text);
    return message;
}

/* How the file was read, and what was done to it, and to rows that were added
 * to it. */
static bool source_write(struct writer *writer, const struct profile_source *source,
                         const struct table *table, const struct figures *figures, struct err *err)
{
    struct message *before = NULL;
    const char *begin = NULL;
    if (source->before) {
        struct err why = {0};
        before = done_parse(source->before, &begin, &why);
        if (why.code != ERR_OK) {
            *err = why;
            return false;
        }
    }
    if (before) {
        writer_raw(writer, source->before + 1, (size_t)(begin - source->before - 1));
    } else if (!source->before) {
        writer_put_string(writer, "format", source->format);
        writer_key(writer, "told"); /* profile_told looks for it here */
        writer_raw(writer, source->told, strlen(source->told));
        if (source->recoded_from)
            writer_put_string(writer, "recoded_from", source->recoded_from);
    }
    reading_write(writer, source, before, table, figures);
    skipped_write(writer, source->report, before);
    message_free(before);
    return true;
}

char *profile_make(const struct table *table, const struct profile_source *source, struct err *err)
{
    struct sample sample = sample_choose(table);
    bool narrow = table_n_columns(table) <= PROFILE_COLUMNS_MAX, ok = true;
    struct figures *figures = narrow ? figures_of_table(table, &sample) : NULL;
    struct writer writer;
    size_t n;
    if (narrow && !figures) {
        err_memory(err, "the profile");
        return NULL;
    }
    writer_init(&writer);
    writer_open(&writer, '{');
    if (source && !source_write(&writer, source, table, figures, err)) {
        writer_done(&writer);
        free(figures);
        return NULL;
    }
    if (narrow)
        writer_put_uint(&writer, "profiled_rows", sample.n_rows);
    writer_key(&writer, "columns");
    writer_open(&writer, '[');
    for (uint32_t i = 0; i < table_n_columns(table) && ok; i++)
        ok = column_write(&writer, table, i, figures ? &figures[i] : NULL, sample.n_rows == sample.n_all);
    writer_close(&writer, ']');
    if (narrow)
        sample_write(&writer, table);
    writer_close(&writer, '}');
    free(figures);
    char *text = NULL;
    if (ok && (text = writer_take(&writer, &n, err)))
        text[n] = 0; /* the writer keeps room for it */
    else if (!ok)
        err_memory(err, "the profile");
    writer_done(&writer);
    return text;
}

char *profile_associate(const char *profile, const double *association, uint32_t n, struct err *err)
{
    static const char mark[] = "\"columns\":["; /* in a text its quotes would be escaped */
    const char *found = strstr(profile, mark), *done = profile;
    struct writer writer;
    struct scan scan;
    size_t length;
    writer_init(&writer);
    scan_init(&scan, found ? found + strlen(mark) : profile, strlen(found ? found + strlen(mark) : profile));
    for (uint32_t i = 0; found && i < n && !scan_skip(&scan); i++) {
        writer_bytes(&writer, done, (size_t)(scan.at - 1 - done)); /* but for its } */
        writer_put_double(&writer, "association", association[i]);
        done = scan.at - 1;
        scan.at += *scan.at == ',';
    }
    writer_bytes(&writer, done, strlen(done));
    scan_done(&scan);
    char *text = writer_take(&writer, &length, err);
    if (text)
        text[length] = 0; /* the writer keeps room for it */
    return text;
}

struct message *profile_told(const char *profile, struct err *err)
{
    static const char mark[] = "\"told\":"; /* behind "format", or nowhere */
    const char *found = strstr(profile, mark), *begin = found ? found + strlen(mark) : "{}";
    struct scan scan;
    if (found && found - profile > 32)
        begin = "{}";
    scan_init(&scan, begin, strlen(begin));
    scan_skip_brackets(&scan);
    return message_parse(begin, (size_t)(scan.at - begin), err);
}
