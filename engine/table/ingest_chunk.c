/* One chunk to records: a window of the file, rows, values by column type. See
 * ingest_chunk.h. */
#include "table/ingest_chunk.h"
#include "base/file.h"

#include "mlp/csv.h"
#include "mlp/number.h"
#include "table/file.h"
#include "table/ingest_bytes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW_BEFORE = 64, WINDOW_AFTER = 64, OVERHANG_MIN = 64 };

/* A row is padded to so many columns whatever it has, and to more where it has
 * this part of them: so a short file makes no endless table. */
enum { PADDED_FREELY = 16, PADDED_SHARE = 8 };

bool chunk_init(struct chunk *chunk, const struct source *source, struct err *err)
{
    *chunk = (struct chunk){.source = source};
    csv_scan_init(&chunk->scan, &source->plan->dialect);
    return tally_init(&chunk->tally, source->plan, err);
}

void chunk_done(struct chunk *chunk)
{
    csv_scan_done(&chunk->scan);
    tally_done(&chunk->tally);
    notes_done(&chunk->notes);
    free(chunk->window);
    free(chunk->records);
    free(chunk->texts);
    free(chunk->recoded);
}

uint64_t source_n_chunks(const struct source *source)
{
    return (source->n_bytes - source->plan->body + source->chunk_bytes - 1) / source->chunk_bytes;
}

uint64_t source_chunk_begin(const struct source *source, uint64_t index)
{
    uint64_t n_body = source->n_bytes - source->plan->body;
    return index < source_n_chunks(source) ? source->plan->body + index * source->chunk_bytes
                                           : source->plan->body + n_body;
}

/* Hold at least the bytes from window_at up to `end`; what is held stays. */
static bool window_extend(struct chunk *chunk, uint64_t end)
{
    size_t n = (size_t)(end - chunk->window_at);
    if (n <= chunk->n_window)
        return true;
    if (n > chunk->window_room) {
        size_t room = n + n / 8;
        char *window = realloc(chunk->window, WINDOW_BEFORE + room + WINDOW_AFTER);
        if (!window)
            return err_memory(&chunk->err, "a window of the file");
        memset(window, 0, WINDOW_BEFORE);
        chunk->window = window;
        chunk->window_room = room;
    }
    char *to = chunk->window + WINDOW_BEFORE + chunk->n_window;
    if (!csv_file_read(chunk->source->file, to, n - chunk->n_window, chunk->window_at + chunk->n_window,
                       &chunk->err))
        return false;
    chunk->n_window = n;
    memset(chunk->window + WINDOW_BEFORE + n, 0, WINDOW_AFTER);
    return true;
}

static bool window_load(struct chunk *chunk, uint64_t begin, uint64_t end)
{
    chunk->window_at = begin;
    chunk->n_window = 0;
    return window_extend(chunk, end < chunk->source->n_bytes ? end : chunk->source->n_bytes);
}

/* Point the scanner at the window again after it has changed, `at` and `limit`
 * given as positions in the file. */
static void scan_aim(struct chunk *chunk, uint64_t at, uint64_t limit)
{
    bool last = chunk->window_at + chunk->n_window == chunk->source->n_bytes;
    csv_scan_text(&chunk->scan, chunk->window + WINDOW_BEFORE, chunk->n_window, last);
    chunk->scan.at = (size_t)(at - chunk->window_at);
    chunk->scan.limit = (size_t)(limit - chunk->window_at);
}

/* The bytes with room for so many, *room says for how many; NULL: out of
 * memory, they stay as they are. */
static void *room_make(struct chunk *chunk, void *bytes, size_t *room, size_t needed, const char *what)
{
    if (bytes && needed <= *room)
        return bytes;
    size_t wanted = needed + needed / 2;
    void *grown = realloc(bytes, wanted);
    if (grown)
        *room = wanted;
    else
        err_memory(&chunk->err, what);
    return grown;
}

/* Room for n more bytes of records. */
static bool records_reserve(struct chunk *chunk, size_t n_bytes)
{
    size_t needed = (size_t)chunk->n_rows * chunk->source->plan->record_bytes + n_bytes;
    uint8_t *records =
        room_make(chunk, chunk->records, &chunk->records_room, needed, "the records of a chunk");
    if (records)
        chunk->records = records;
    return records != NULL;
}

/* One to three digits, at most 255. */
static inline bool byte_parse(const struct csv_field *field, uint8_t *value)
{
    unsigned sum = 0;
    if (field->length == 0 || field->length > 3)
        return false;
    for (uint32_t i = 0; i < field->length; i++) {
        unsigned digit = (unsigned)(unsigned char)field->text[i] - '0';
        if (digit > 9)
            return false;
        sum = sum * 10 + digit;
    }
    *value = (uint8_t)sum;
    return sum <= UINT8_MAX;
}

static void take_byte(struct chunk *chunk, uint32_t index, const struct csv_field *field, uint8_t *to)
{
    const struct plan *plan = chunk->source->plan;
    struct tally_pointed *pointed = &chunk->tally.pointed[plan->columns[index].slot];
    double value;
    *to = 0;
    if (plan->options->n_missing == 0 && byte_parse(field, to) && !field_is_led(field))
        return;
    if (!plan_number(plan, field, &value) || field_is_led(field)) {
        tally_want(&chunk->tally, index, COLUMN_NUMBER);
        if (!plan_missing(plan, field))
            tally_evidence(&chunk->tally, index, field);
        return;
    }
    enum column_type type = type_of_number(value);
    uint8_t decimals = plan_decimals(plan, field);
    if (type == COLUMN_BYTE)
        *to = (uint8_t)value;
    else
        tally_want(&chunk->tally, index, type);
    pointed->n += decimals > 0;
    if (decimals > 0)
        tally_decimals(&pointed->decimals, decimals);
}

/* Whether a float keeps the number. Few texts are so long that it has to be
 * looked at closely. */
static inline bool float_keeps(const struct csv_field *field, double value)
{
    double size = fabs(value);
    return (field->length <= 7 && size > 1e-12 && size < 1e6) || number_fits_float(value);
}

/* A value that its column's planned type does not hold: it becomes missing where
 * such values are few. Lack of memory is the chunk's error. */
static void odd_take(struct chunk *chunk, uint32_t index, const struct csv_field *field)
{
    struct evidence *evidence = &chunk->tally.evidence[index];
    tally_evidence(&chunk->tally, index, field);
    if (text_may_be_missing(field->text, field->length))
        return;
    if (evidence->n_listed++ < ODD_LISTED)
        chunk_note(chunk, DEED_ODD_CELL, index, field);
    else
        chunk->notes.n_done[DEED_ODD_CELL]++;
}

/* The value as its column's type has it while the file is read. */
static void number_put(struct chunk *chunk, uint32_t index, const struct csv_field *field, double value,
                       uint8_t *to)
{
    enum column_type type = chunk->source->plan->columns[index].type;
    float single = (float)value;
    int64_t integer = INT64_MIN;
    if (type == COLUMN_NUMBER) {
        if (!isnan(value) && !float_keeps(field, value))
            tally_want(&chunk->tally, index, type_of_number(value));
        memcpy(to, &single, sizeof single);
    } else if (type == COLUMN_INT64) {
        if (fabs(value) >= 0x1p63 || (!isnan(value) && value != floor(value)))
            tally_want(&chunk->tally, index, COLUMN_DOUBLE);
        else if (!isnan(value))
            integer = plan_integer(field, value);
        memcpy(to, &integer, sizeof integer);
    } else {
        chunk->tally.numbers[chunk->source->plan->columns[index].slot].inexact =
            true; /* why it is a double */
        memcpy(to, &value, sizeof value);
    }
}

static void take_number(struct chunk *chunk, uint32_t index, const struct csv_field *field, uint8_t *to)
{
    const struct plan *plan = chunk->source->plan;
    const struct plan_column *column = &plan->columns[index];
    struct tally_number *tally = &chunk->tally.numbers[column->slot];
    double value = NAN;
    bool is_number = plan_column_number(plan, column, field, &value);
    if (is_number) {
        tally_add_number(tally, value, column->shift);
        if (!column->formatted && tally->decimals != COLUMN_DECIMALS_MIXED)
            tally_decimals(&tally->decimals, plan_decimals(plan, field));
        if (!tally->fraction) /* else they are no codes */
            tally->code = tally->code || field_is_led(field);
    } else {
        value = NAN;
        tally->n_missing++;
    }
    if (is_number && column->formatted)
        tally_evidence(&chunk->tally, index, field);
    else if (!is_number && !plan_missing(plan, field))
        odd_take(chunk, index, field);
    number_put(chunk, index, field, value, to);
}

static void take_date(struct chunk *chunk, uint32_t index, const struct csv_field *field, uint8_t *to)
{
    const struct plan *plan = chunk->source->plan;
    const struct plan_column *column = &plan->columns[index];
    struct tally_number *tally = &chunk->tally.dates[column->slot];
    struct date_reading reading;
    double value = NAN;
    bool missing = plan_missing(plan, field);
    uint32_t orders = missing ? 0 : date_examine(field->text, field->length, false, &reading);
    if (orders & 1u << column->date.order) {
        value = reading.values[column->date.order];
        tally_add_number(tally, value, column->shift);
    } else {
        tally->n_missing++;
    }
    if (orders & 1u << column->date.order) {
        chunk->tally.has_evidence = true;
        evidence_add_date(&chunk->tally.evidence[index], &reading);
    } else if (!missing) {
        odd_take(chunk, index, field);
    }
    memcpy(to, &value, sizeof value);
}

/* The text in UTF-8, in the chunk's own room. */
static bool recode(struct chunk *chunk, struct csv_field *text)
{
    char *recoded =
        room_make(chunk, chunk->recoded, &chunk->n_recoded, 3 * (size_t)text->length, "a text in UTF-8");
    if (!recoded)
        return false;
    chunk->recoded = recoded;
    text->length = (uint32_t)plan_recode(chunk->source->plan, text, chunk->recoded);
    text->text = chunk->recoded;
    return true;
}

/* The text that a field stands for; *missing where it is none. */
static bool field_text(struct chunk *chunk, const struct csv_field *field, struct csv_field *text,
                       bool *missing)
{
    const struct plan *plan = chunk->source->plan;
    *text = csv_field_trim(*field);
    *missing = plan_missing(plan, text);
    return *missing || !plan_foreign(plan, text) || recode(chunk, text);
}

static bool take_text(struct chunk *chunk, uint32_t index, const struct csv_field *field, uint8_t *to)
{
    struct csv_field text;
    uint64_t at = chunk->n_text_bytes;
    bool missing;
    if (!field_text(chunk, field, &text, &missing))
        return false;
    if (missing) {
        chunk->tally.texts_missing[chunk->source->plan->columns[index].slot]++;
        at = TABLE_TEXT_MISSING;
    } else {
        if (!chunk->source->plan->columns[index].given)
            tally_evidence(&chunk->tally, index, &text);
        size_t needed = chunk->n_text_bytes + text.length + 1;
        char *texts = room_make(chunk, chunk->texts, &chunk->texts_room, needed, "the texts of a chunk");
        if (!texts)
            return false;
        chunk->texts = texts;
        memcpy(texts + at, text.text, text.length);
        texts[at + text.length] = '\0';
        chunk->n_text_bytes = needed;
    }
    memcpy(to, &at, sizeof at);
    return true;
}

static bool take_category(struct chunk *chunk, uint32_t index, const struct csv_field *field, uint8_t *to)
{
    const struct plan *plan = chunk->source->plan;
    struct tally_category *tally = &chunk->tally.categories[plan->columns[index].slot];
    struct csv_field text;
    uint32_t level = TABLE_MISSING;
    bool missing;
    if (!field_text(chunk, field, &text, &missing))
        return false;
    if (missing) {
        tally->n_missing++;
    } else if (text.length > COLUMN_LEVEL_MAX) {
        tally_want(&chunk->tally, index, COLUMN_TEXT);
    } else {
        if (!levels_add(&tally->levels, &chunk->tally.texts, plan->seed, text.text, text.length, &level))
            return err_memory(&chunk->err, "the levels of a category");
        tally->levels.items[level].n_rows++;
    }
    memcpy(to, &level, sizeof level);
    return true;
}

static bool row_take(struct chunk *chunk)
{
    const struct plan *plan = chunk->source->plan;
    if (!records_reserve(chunk, plan->record_bytes))
        return false;
    uint8_t *record = chunk->records + (size_t)chunk->n_rows * plan->record_bytes;
    uint32_t n_used = plan->bytes_at + plan->n_of_type[COLUMN_BYTE];
    memset(record + n_used, 0, plan->record_bytes - n_used);
    for (uint32_t i = 0; i < plan->n_columns; i++) {
        const struct plan_column *column = &plan->columns[i];
        const struct csv_field *field = &chunk->scan.fields[i];
        uint8_t *to = record + column->offset;
        if (column->type == COLUMN_BYTE)
            take_byte(chunk, i, field, to);
        else if (column_type_is_number(column->type))
            take_number(chunk, i, field, to);
        else if (column->type == COLUMN_DATE)
            take_date(chunk, i, field, to);
        else if (!(column->type == COLUMN_TEXT ? take_text : take_category)(chunk, i, field, to))
            return false;
    }
    chunk->n_rows++;
    return true;
}

/* Values that stand for missing ones in their own columns become empty. */
static void column_missing_empty(struct chunk *chunk)
{
    const struct plan *plan = chunk->source->plan;
    for (uint32_t i = 0; plan->missing_of && i < plan->options->n_column_missing; i++) {
        struct csv_field *field = &chunk->scan.fields[plan->missing_of[i]];
        const struct csv_field text = csv_field_trim(*field);
        const char *word = plan->options->column_missing[i].text;
        if (text.length == strlen(word) && memcmp(text.text, word, text.length) == 0)
            *field = (struct csv_field){.text = "", .length = 0};
    }
}

/* As many plain rows as come, where the table has only bytes, and each of them is
 * a value. */
static bool rows_take_plain(struct chunk *chunk)
{
    const struct plan *plan = chunk->source->plan;
    struct csv_scan *scan = &chunk->scan;
    uint64_t n_rows;
    if (plan->n_of_type[COLUMN_BYTE] != plan->n_columns || plan->dialect.separator == ' ' ||
        plan->options->n_missing > 0 || plan->missing_of || scan->at + BYTES_BLOCK > scan->limit)
        return true;
    if (!records_reserve(chunk, scan->limit - scan->at + BYTES_BLOCK))
        return false;
    uint8_t *out = chunk->records + (size_t)chunk->n_rows * plan->record_bytes;
    scan->at = bytes_kernels(0)->take(scan->text, scan->at, scan->limit, plan->dialect.separator,
                                      plan->n_columns, out, &n_rows);
    chunk->n_rows += n_rows;
    scan->n_lines += n_rows;
    if (n_rows > 0 && scan->text[scan->at - 1] == '\r' && scan->text[scan->at] == '\n')
        scan->at++; /* the buffer goes on behind its end with zeros */
    return true;
}

/* Read on in the file where a row goes beyond the window. False: not further,
 * or not possible. */
static bool window_more(struct chunk *chunk, uint64_t limit, size_t row_bytes_max)
{
    uint64_t at = chunk->window_at + chunk->scan.at;
    size_t n_row = chunk->n_window - chunk->scan.at, n_wanted = 2 * n_row + OVERHANG_MIN;
    uint64_t end = at + (n_wanted < CSV_ROW_BYTES_MAX ? n_wanted : CSV_ROW_BYTES_MAX + OVERHANG_MIN);
    if (n_row > row_bytes_max)
        return false;
    if (!window_extend(chunk, end < chunk->source->n_bytes ? end : chunk->source->n_bytes))
        return false;
    scan_aim(chunk, at, limit);
    return true;
}

/* What is wrong with the row that was scanned, knowing the columns. CSV_ROW:
 * nothing. */
static enum csv_result row_check(const struct chunk *chunk, uint32_t *field)
{
    const struct plan *plan = chunk->source->plan;
    double value;
    for (uint32_t i = 0; i < plan->n_columns && plan->n_fixed > 0; i++) {
        const struct csv_field *text = &chunk->scan.fields[i];
        *field = i;
        if (plan->columns[i].fixed && !plan_column_number(plan, &plan->columns[i], text, &value) &&
            !plan_missing(plan, text))
            return CSV_NOT_A_NUMBER;
    }
    return CSV_ROW;
}

bool chunk_note(struct chunk *chunk, enum csv_deed deed, uint32_t column, const struct csv_field *field)
{
    const struct csv_scan *scan = &chunk->scan;
    size_t end = scan->at;
    while (end > scan->row_at && (scan->text[end - 1] == '\n' || scan->text[end - 1] == '\r'))
        end--;
    const struct note note = {.deed = deed,
                              .row = chunk->n_rows + chunk->n_bad,
                              .line = scan->row_line,
                              .column = column,
                              .n_fields = scan->n_fields};
    return notes_add(&chunk->notes, &note, field ? field->text : scan->text + scan->row_at,
                     field ? field->length : end - scan->row_at) ||
           err_memory(&chunk->err, "notes on a chunk's rows");
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* Whether the line that was passed is the file's last, and ends without a line
 * end. */
static bool is_cut(const struct chunk *chunk)
{
    const struct csv_scan *scan = &chunk->scan;
    return scan->last && scan->at == scan->end && !is_line_end(scan->text[scan->at - 1]);
}

static enum csv_deed problem_deed(const struct chunk *chunk, enum csv_result problem)
{
    switch (problem) {
    case CSV_UNTERMINATED:
        return DEED_UNCLOSED;
    case CSV_TEXT_AFTER_QUOTE:
        return DEED_BAD_QUOTE;
    case CSV_NUL:
        return DEED_NUL_BYTE;
    case CSV_NOT_A_NUMBER:
        return DEED_WRONG_TYPE;
    case CSV_RAGGED:
        return chunk->scan.n_fields >= chunk->source->plan->n_columns ? DEED_TOO_MANY
               : is_cut(chunk)                                        ? DEED_CUT_OFF
                                                                      : DEED_TOO_FEW;
    default:
        return DEED_TOO_MANY;
    }
}

/* One row, read on in the file as needed. */
static enum csv_result row_scan(struct chunk *chunk, uint64_t limit, size_t row_bytes_max)
{
    enum csv_result result;
    while ((result = csv_scan_row(&chunk->scan)) == CSV_MORE)
        if (!window_more(chunk, limit, row_bytes_max))
            break;
    return result;
}

/* Leave the row out, which is scanned or skipped: count it. False: that is not
 * wanted, or not possible, as where the end of a line is too far away to go on
 * behind it; *problem is CSV_MORE where memory is short. */
static bool row_skip(struct chunk *chunk, enum csv_result *problem, uint32_t field)
{
    if (chunk->source->plan->options->on_bad_row == CSV_BAD_REJECT || *problem == CSV_MEMORY ||
        *problem == CSV_ROW_TOO_LONG || *problem <= CSV_MORE)
        return false;
    bool named = *problem == CSV_NOT_A_NUMBER;
    if (!chunk_note(chunk, problem_deed(chunk, *problem), named ? field : NOTE_NO_COLUMN, NULL)) {
        *problem = CSV_MORE;
        return false;
    }
    chunk->n_bad++;
    chunk->n_odd++;
    return true;
}

/* A line that is no row of the table. False: out of memory. */
static bool line_leave(struct chunk *chunk, enum csv_deed deed)
{
    bool good = chunk_note(chunk, deed, NOTE_NO_COLUMN, NULL);
    chunk->n_bad += good;
    return good;
}

/* Note the empty lines and comments that the scanner has skipped from `at` on.
 * False: out of memory. */
static bool skipped_note(struct chunk *chunk, size_t at, size_t end, uint64_t line)
{
    const struct csv_scan *scan = &chunk->scan;
    while (at < end) {
        size_t line_end = csv_line_end(scan, at), begin = at;
        while (begin < line_end && (scan->text[begin] == ' ' || scan->text[begin] == '\t'))
            begin++;
        bool comment =
            begin < line_end && scan->dialect.comment && scan->text[begin] == scan->dialect.comment;
        const struct note note = {.deed = comment ? DEED_COMMENT : DEED_EMPTY_LINE,
                                  .row = NOTE_NO_ROW,
                                  .line = line++,
                                  .column = NOTE_NO_COLUMN};
        if (begin < line_end && !comment)
            return true;
        if (!notes_add(&chunk->notes, &note, scan->text + at, line_end - at))
            return err_memory(&chunk->err, "notes on a chunk's rows");
        at = line_end + 1;
        at += at < end && scan->text[line_end] == '\r' && scan->text[at] == '\n';
    }
    return true;
}

/* Drop empty fields at the end of a row that is too long, where it fits then. */
static bool empties_drop(struct chunk *chunk)
{
    struct csv_scan *scan = &chunk->scan;
    uint32_t n_columns = chunk->source->plan->n_columns, n = scan->n_fields;
    while (n > n_columns && csv_field_trim(scan->fields[n - 1]).length == 0)
        n--;
    if (n > n_columns || chunk->source->plan->options->on_bad_row == CSV_BAD_REJECT)
        return false;
    scan->n_fields = n;
    return true;
}

/* Whether the row is the table's header again. */
static bool is_header(const struct chunk *chunk)
{
    const struct plan *plan = chunk->source->plan;
    const struct csv_scan *scan = &chunk->scan;
    bool same = plan->header && scan->n_fields == plan->n_header_fields &&
                plan->options->on_bad_row != CSV_BAD_REJECT;
    for (uint32_t i = 0; same && i < scan->n_fields; i++) {
        struct csv_field field = csv_field_trim(scan->fields[i]);
        same = field.length == plan->header_fields[i].length &&
               memcmp(field.text, plan->header_fields[i].text, field.length) == 0;
    }
    return same;
}

/* Whether the line is a remark among the rows: it begins as comments do, or is
 * one text where the first column is of numbers. */
static bool is_remark(const struct chunk *chunk)
{
    const struct plan *plan = chunk->source->plan;
    const struct csv_field first = csv_field_trim(chunk->scan.fields[0]);
    if (first.length > 0 && first.text[0] == '#' && plan->options->comment >= 0)
        return true;
    return chunk->scan.n_fields == 1 && plan->n_columns > 2 && plan->columns[0].type <= COLUMN_NUMBER &&
           !csv_looks_numeric(&first) && !plan_missing(plan, &first);
}

/* Go back and behind the line that the row begins with, all of it in the
 * window. CSV_MORE: the file could not be read on; CSV_ROW_TOO_LONG: it is. */
static enum csv_result line_pass(struct chunk *chunk, uint64_t limit, size_t row_bytes_max)
{
    struct csv_scan *scan = &chunk->scan;
    scan->at = scan->row_at;
    scan->n_lines = scan->row_line;
    while (!csv_scan_skip_line(scan)) {
        size_t n = chunk->n_window;
        if (!window_more(chunk, limit, row_bytes_max))
            return CSV_MORE;
        if (chunk->n_window == n)
            return CSV_ROW_TOO_LONG;
    }
    return CSV_ROW;
}

/* A row of the wrong length: padded, or its empty fields at the end dropped.
 * What is wrong with it where neither is right. */
static enum csv_result length_mend(struct chunk *chunk, enum csv_deed *deed)
{
    struct csv_scan *scan = &chunk->scan;
    uint32_t n_columns = chunk->source->plan->n_columns, n = scan->n_fields;
    if (n < n_columns) {
        /* rows that would grow beyond all bounds are none */
        if (is_cut(chunk) || (n_columns > PADDED_FREELY && n < n_columns / PADDED_SHARE))
            return CSV_RAGGED;
        *deed = DEED_PADDED;
        chunk->n_odd += n == 1 && n_columns > 2;
        return csv_scan_pad(scan, n_columns) ? CSV_ROW : CSV_MEMORY;
    }
    while (n > n_columns && csv_field_trim(scan->fields[n - 1]).length == 0)
        n--;
    if (n > n_columns)
        return CSV_RAGGED;
    *deed = DEED_TRAILING;
    scan->n_fields = n;
    return CSV_ROW;
}

/* The row that does not fit, or cannot be told into fields: read again as
 * leniently as it takes. CSV_ROW: it fits now. */
static enum csv_result row_mend(struct chunk *chunk, enum csv_result problem, uint64_t limit,
                                size_t row_bytes_max)
{
    struct csv_scan *scan = &chunk->scan;
    const struct plan *plan = chunk->source->plan;
    enum csv_deed deed = DEED_QUOTE_MENDED;
    bool unclosed, ragged = problem == CSV_RAGGED, several = ragged && scan->many_lines;
    enum csv_result result = line_pass(chunk, limit, row_bytes_max);
    if (result != CSV_ROW)
        return result;
    enum csv_mending mending = csv_scan_mend(scan, plan->n_columns, &unclosed);
    if (mending == MEND_MEMORY)
        return CSV_MEMORY;
    if (mending == MEND_NUL)
        return CSV_NUL;
    if (mending == MEND_TOO_MANY)
        return CSV_TOO_MANY_FIELDS;
    if (mending == MEND_SEPARATOR)
        deed = DEED_OTHER_SEPARATOR;
    if (mending == MEND_MISFIT) {
        if (several) { /* quoted line ends are the user's, after all */
            scan->at = scan->row_at;
            scan->n_lines = scan->row_line;
            if ((result = row_scan(chunk, limit, row_bytes_max)) != CSV_ROW)
                return result;
        } else if (unclosed) {
            return is_cut(chunk) ? CSV_RAGGED : CSV_UNTERMINATED;
        }
        if (!several && is_remark(chunk))
            return line_leave(chunk, DEED_COMMENT) ? CSV_LEFT : CSV_MEMORY;
        result = length_mend(chunk, &deed);
    }
    if (result == CSV_ROW && mending != MEND_NONE && !chunk_note(chunk, deed, NOTE_NO_COLUMN, NULL))
        return CSV_MEMORY;
    return result;
}

static bool is_mendable(const struct chunk *chunk, enum csv_result result)
{
    return result > CSV_MORE && result != CSV_MEMORY &&
           chunk->source->plan->options->on_bad_row != CSV_BAD_REJECT;
}

/* The rows from `begin` on, up to the first that begins at `limit` or later.
 * False where a row is longer than row_bytes_max. */
static bool rows_parse(struct chunk *chunk, uint64_t begin, uint64_t limit, size_t row_bytes_max)
{
    enum csv_result result;
    uint32_t field = 0, n_columns = chunk->source->plan->n_columns;
    chunk->n_rows = chunk->n_bad = chunk->n_odd = 0;
    chunk->gaps = false;
    chunk->n_text_bytes = 0;
    chunk->n_lines = chunk->scan.n_lines = 0;
    chunk->begin = begin;
    tally_clear(&chunk->tally);
    notes_clear(&chunk->notes);
    scan_aim(chunk, begin, limit);
    for (;;) {
        if (!rows_take_plain(chunk))
            return true;
        struct csv_scan *scan = &chunk->scan;
        size_t at = scan->at;
        uint64_t line = scan->n_lines, n_skipped = scan->n_empty + scan->n_comments;
        result = row_scan(chunk, limit, row_bytes_max);
        if (scan->n_empty + scan->n_comments > n_skipped) {
            chunk->gaps = chunk->gaps || result != CSV_END;
            if (!skipped_note(chunk, at, result == CSV_END ? scan->at : scan->row_at, line))
                return true;
        }
        bool dropped = result == CSV_ROW && scan->n_fields > n_columns && empties_drop(chunk);
        if (result == CSV_ROW && is_header(chunk)) {
            if (!line_leave(chunk, DEED_REPEATED_HEADER))
                return true;
            continue;
        }
        field = scan->n_fields;
        if (dropped && !chunk_note(chunk, DEED_TRAILING, NOTE_NO_COLUMN, NULL))
            return true;
        if (result == CSV_ROW && scan->n_fields != n_columns)
            result = CSV_RAGGED;
        if (is_mendable(chunk, result))
            result = row_mend(chunk, result, limit, row_bytes_max);
        if (result == CSV_LEFT)
            continue;
        if (result == CSV_ROW) {
            column_missing_empty(chunk);
            result = row_check(chunk, &field);
        }
        if (result == CSV_ROW ? !row_take(chunk) : !row_skip(chunk, &result, field))
            break;
    }
    if (result == CSV_MORE)
        return chunk->err.code != ERR_OK;
    chunk->problem = result;
    chunk->problem_field = field;
    chunk->end = chunk->window_at + chunk->scan.at;
    chunk->n_lines = chunk->scan.n_lines;
    chunk->tally.n_rows = chunk->n_rows;
    tally_add_bytes(&chunk->tally, chunk->records, chunk->n_rows);
    return true;
}

/* Where the first line after a line end begins, at `from` or later and before
 * `to`; `to` where there is none. The window holds the byte before `from`. */
static uint64_t line_find(const struct chunk *chunk, uint64_t from, uint64_t to)
{
    const char *text = chunk->window + WINDOW_BEFORE - chunk->window_at;
    for (uint64_t at = from; at < to; at++)
        if (text[at - 1] == '\n' || text[at - 1] == '\r')
            return text[at - 1] == '\r' && text[at] == '\n' ? at + 1 : at;
    return to;
}

void chunk_guess(struct chunk *chunk, uint64_t index)
{
    uint64_t from = source_chunk_begin(chunk->source, index),
             to = source_chunk_begin(chunk->source, index + 1);
    size_t overhang = chunk->source->chunk_bytes / 64 + OVERHANG_MIN;
    chunk->begin = UINT64_MAX;
    if (!window_load(chunk, index > 0 ? from - 1 : from, to + overhang))
        return;
    uint64_t begin = index > 0 ? line_find(chunk, from, to) : from;
    if (begin < to && !rows_parse(chunk, begin, to, chunk->source->chunk_bytes))
        chunk->begin = UINT64_MAX;
}

void chunk_parse(struct chunk *chunk, uint64_t index, uint64_t begin)
{
    uint64_t to = source_chunk_begin(chunk->source, index + 1);
    if (window_load(chunk, begin, to + OVERHANG_MIN))
        rows_parse(chunk, begin, to, SIZE_MAX);
}

static void texts_replace(struct chunk *chunk, uint32_t offset, uint64_t n_text_bytes)
{
    uint32_t record_bytes = chunk->source->plan->record_bytes;
    uint8_t *value = chunk->records + offset;
    for (uint64_t row = 0; row < chunk->n_rows; row++, value += record_bytes) {
        uint64_t at;
        memcpy(&at, value, sizeof at);
        at += at == TABLE_TEXT_MISSING ? 0 : n_text_bytes;
        memcpy(value, &at, sizeof at);
    }
}

void chunk_renumber(struct chunk *chunk, uint64_t n_text_bytes)
{
    const struct plan *plan = chunk->source->plan;
    if (chunk->n_rows == 0 || plan->n_of_type[COLUMN_CATEGORY] + plan->n_of_type[COLUMN_TEXT] == 0)
        return;
    for (uint32_t i = 0; i < plan->n_columns; i++) {
        const struct plan_column *column = &plan->columns[i];
        if (column->type == COLUMN_TEXT)
            texts_replace(chunk, column->offset, n_text_bytes);
        if (column->type != COLUMN_CATEGORY)
            continue;
        const struct levels *levels = &chunk->tally.categories[column->slot].levels;
        bool same = true;
        for (uint32_t j = 0; j < levels->n && same; j++)
            same = levels->items[j].global == j;
        uint8_t *at = chunk->records + column->offset;
        for (uint64_t row = 0; row < chunk->n_rows && !same; row++, at += plan->record_bytes) {
            uint32_t level;
            memcpy(&level, at, sizeof level);
            if (level != TABLE_MISSING)
                memcpy(at, &levels->items[level].global, sizeof level);
        }
    }
}
