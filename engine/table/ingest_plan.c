/* Reading a file's head: header or not, names, types. See ingest_plan.h. */
#include "table/ingest_plan.h"

#include "csv/text.h"
#include "mlp/number.h"
#include "mlp/utf8.h"
#include "table/ingest_header.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum cell { CELL_MISSING, CELL_NUMBER, CELL_TEXT };

/* What the head shows of one column. */
struct probe {
    char *first; /* the first row's cell, a copy in the plan's arena */
    uint32_t first_length;
    enum cell first_cell;
    enum column_type type; /* of the numbers in the rows after the first */
    uint32_t n_numbers, n_texts;
    bool fraction, code;       /* some number is no integer; some begins with a zero */
    bool negative;             /* some number is */
    bool grouped, pointed;     /* a point in some may set apart thousands; in some it cannot */
    double number;             /* the first of them */
    struct evidence *evidence; /* of the texts; the head's */
    struct verdict verdict;
    bool repeated; /* the first row's text stands again below it */
};

struct head {
    struct csv_scan scan;
    struct probe *probes;       /* (n_columns) */
    struct evidence *evidence;  /* (n_columns): pages that are only touched where there are texts */
    uint32_t n_columns, n_rows; /* rows after the first */
    uint32_t n_repeats;         /* rows that are the first again */
    uint32_t n_width;           /* columns that there are, at least */
    size_t first_at;            /* where the first row begins, blank lines before it counted in */
    size_t second_at;           /* what follows the first row */
};

bool plan_missing(const struct plan *plan, const struct csv_field *field)
{
    return text_is_missing(field->text, field->length) ||
           (plan->options->n_missing > 0 && csv_missing(plan->options, field));
}

/* Text in whose numbers groups of digits may be set apart. */
static bool grouped_number(const struct plan *plan, const struct csv_field *field, double *value)
{
    char plain[NUMBER_PLAIN_MAX], point = plan->dialect.decimal;
    float ignored;
    if (!number_parse_groups(field->text, field->length, point, plan->dialect.thousands, &ignored, plain))
        return false;
    return *plain ? number_parse_double(plain, strlen(plain), '.', value)
                  : number_parse_double(field->text, field->length, point, value);
}

bool plan_number(const struct plan *plan, const struct csv_field *field, double *value)
{
    if (!(plan->dialect.thousands
              ? grouped_number(plan, field, value)
              : number_parse_double(field->text, field->length, plan->dialect.decimal, value)) ||
        *value - *value != 0)
        return false;
    return plan->options->n_missing == 0 || !plan_missing(plan, field); /* -999 may stand for "missing" */
}

int64_t plan_integer(const struct csv_field *field, double value)
{
    uint64_t size = 0;
    if (fabs(value) < 0x1p53)
        return (int64_t)value;
    for (uint32_t i = 0; i < field->length; i++) {
        unsigned digit = (unsigned)(unsigned char)field->text[i] - '0';
        if (field->text[i] == 'e' || field->text[i] == 'E' || size > (uint64_t)INT64_MAX / 10)
            return (int64_t)value;
        size = digit <= 9 ? size * 10 + digit : size;
    }
    return fabs((double)size - fabs(value)) < 0x1p12 && size <= INT64_MAX
               ? (value < 0 ? -(int64_t)size : (int64_t)size)
               : (int64_t)value;
}

uint8_t plan_decimals(const struct plan *plan, const struct csv_field *field)
{
    const char *end = field->text + field->length;
    while (end > field->text && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    for (const char *at = end; at > field->text && end - at <= COLUMN_DECIMALS_MAX; at--) {
        if (at[-1] >= '0' && at[-1] <= '9')
            continue;
        char before = at - field->text > 1 ? at[-2] : '\0';
        if (at == end || at[-1] == 'e' || at[-1] == 'E' || before == 'e' || before == 'E')
            return COLUMN_DECIMALS_MIXED;
        return at[-1] == plan->dialect.decimal ? (uint8_t)(end - at) : 0;
    }
    return memchr(field->text, plan->dialect.decimal, field->length) ? COLUMN_DECIMALS_MIXED : 0;
}

enum column_type type_of_number(double value)
{
    if (value >= 0 && value <= UINT8_MAX && value == (double)(uint8_t)value)
        return COLUMN_BYTE;
    bool integer = fabs(value) < 0x1p63 && value == floor(value);
    if (integer)
        return fabs(value) <= 0x1p24 ? COLUMN_NUMBER : COLUMN_INT64;
    return number_fits_float(value) ? COLUMN_NUMBER : COLUMN_DOUBLE;
}

bool plan_formatted(const struct plan *plan, const struct plan_column *column, const struct csv_field *field,
                    double *value)
{
    return number_read(field->text, field->length, &column->number, value) &&
           (plan->options->n_missing == 0 || !plan_missing(plan, field));
}

bool plan_foreign(const struct plan *plan, const struct csv_field *field)
{
    if (text_is_ascii(field->text, field->length))
        return false;
    return plan->encoding == CSV_WINDOWS_1252 || plan->encoding == CSV_LATIN1 ||
           !utf8_check(field->text, field->length, false);
}

size_t plan_recode(const struct plan *plan, const struct csv_field *field, char *to)
{
    enum csv_encoding encoding = plan->encoding == CSV_LATIN1 ? CSV_LATIN1 : CSV_WINDOWS_1252;
    return text_from_bytes(encoding, field->text, field->length, to);
}

static enum cell cell_of(const struct plan *plan, const struct csv_field *field, double *value)
{
    if (plan_number(plan, field, value))
        return CELL_NUMBER;
    return plan_missing(plan, field) ? CELL_MISSING : CELL_TEXT;
}

static const struct number_format points_group = {.decimal_point = ',', .thousands_separator = '.'};

/* What the number's point may be. */
static void point_see(struct probe *probe, const struct csv_field *field)
{
    double value;
    if (!memchr(field->text, '.', field->length))
        return;
    bool grouped = number_read(field->text, field->length, &points_group, &value);
    probe->grouped = probe->grouped || grouped;
    probe->pointed = probe->pointed || !grouped;
}

static void probe_field(const struct plan *plan, struct probe *probe, const struct csv_field *field)
{
    double value;
    enum cell cell = cell_of(plan, field, &value);
    enum column_type type = COLUMN_NUMBER;
    if (cell == CELL_TEXT) {
        probe->n_texts++;
        evidence_add(probe->evidence, field->text, field->length, 1);
    } else if (cell == CELL_NUMBER) {
        if (probe->n_numbers++ == 0)
            probe->number = value;
        type = type_of_number(value);
        if (type != COLUMN_BYTE) {
            probe->fraction = probe->fraction || (type != COLUMN_INT64 && value != floor(value));
            probe->negative = probe->negative || value < 0;
        }
        if (!probe->pointed && (type != COLUMN_BYTE || field->length > 3))
            point_see(probe, field);
        probe->code = probe->code || field_is_led(field);
    }
    probe->type = type_wider(probe->type, type);
    if (probe->type == COLUMN_INT64 && probe->fraction)
        probe->type = COLUMN_DOUBLE;
    probe->repeated = probe->repeated || (probe->first_length == field->length &&
                                          memcmp(probe->first, field->text, field->length) == 0);
}

/* Drop empty fields beyond the table's. */
static void head_trim(struct head *head)
{
    struct csv_scan *scan = &head->scan;
    while (head->n_width > 0 && scan->n_fields > head->n_width &&
           csv_field_trim(scan->fields[scan->n_fields - 1]).length == 0)
        scan->n_fields--;
}

/* The next row of the head, read as leniently as it takes. */
static enum csv_result head_scan(const struct plan *plan, struct head *head)
{
    for (;;) {
        enum csv_result result = csv_scan_row(&head->scan);
        if (result == CSV_ROW)
            head_trim(head);
        bool unclosed, fits = result == CSV_ROW && (head->scan.many_lines || head->n_width == 0 ||
                                                    head->scan.n_fields == head->n_width);
        if (fits || (result != CSV_ROW && result <= CSV_MORE) || result == CSV_MEMORY ||
            plan->options->on_bad_row == CSV_BAD_REJECT)
            return result;
        if (result != CSV_ROW && !csv_scan_skip_line(&head->scan))
            return CSV_MORE;
        enum csv_mending mending = csv_scan_mend(&head->scan, head->n_width, &unclosed);
        if (mending == MEND_MEMORY)
            return CSV_MEMORY;
        if (mending == MEND_TOO_MANY && (head->n_width == 0 || head->n_width == CSV_COLUMNS_MAX))
            return CSV_TOO_MANY_FIELDS;
        head_trim(head);
        if (mending != MEND_NUL && mending != MEND_TOO_MANY)
            return CSV_ROW;
    }
}

/* A name of several lines in one, in place; its new length. */
static uint32_t lines_join(char *text, uint32_t length)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < length; i++) {
        bool line_end = text[i] == '\n' || text[i] == '\r';
        if (!line_end)
            text[n++] = text[i];
        else if (n > 0 && text[n - 1] != ' ')
            text[n++] = ' ';
    }
    return n;
}

void plan_format(const struct plan *plan, struct plan_column *column, const struct number_format *format)
{
    struct number_format plain = *format;
    column->number = *format;
    bool own = (plain.decimal_point ? plain.decimal_point : '.') == plan->dialect.decimal;
    plain.decimal_point = '\0';
    column->formatted = !own || !number_format_is_plain(&plain);
}

/* What the column is as far as the head shows it. */
static void probe_decide(const struct plan *plan, struct probe *probe)
{
    const struct evidence_plain plain = {.n = probe->n_numbers,
                                         .decimal_point = plan->dialect.decimal,
                                         .told = plan->options->decimal != 0,
                                         .fraction = probe->fraction || probe->negative,
                                         .code = probe->code};
    probe->verdict = (struct verdict){.type = COLUMN_NUMBER};
    if (probe->n_texts > 0 || probe->code)
        evidence_decide(probe->evidence, &plain, &probe->verdict);
    if (probe->verdict.type != COLUMN_NUMBER || (probe->n_texts == 0 && !probe->code))
        probe->verdict.number = (struct number_format){.decimal_point = plan->dialect.decimal};
}

/* The first row's cell, in what the rows below it are: a number, a date (text
 * too), or another text. */
static bool first_fits(const struct probe *probe)
{
    struct date_reading reading;
    double value;
    if (probe->verdict.type == COLUMN_DATE)
        return date_examine(probe->first, probe->first_length, false, &reading) != 0;
    return probe->first_cell == CELL_NUMBER ||
           number_read(probe->first, probe->first_length, &probe->verdict.number, &value);
}

static bool first_keep(struct plan *plan, struct head *head, struct err *err)
{
    head->n_columns = head->scan.n_fields > head->n_width ? head->scan.n_fields : head->n_width;
    head->n_rows = 0;
    if (!csv_scan_pad(&head->scan, head->n_columns))
        return err_memory(err, "the fields of a row");
    free(head->probes);
    free(head->evidence);
    head->probes = calloc(head->n_columns, sizeof *head->probes);
    head->evidence = calloc(head->n_columns, sizeof *head->evidence);
    if (!head->probes || !head->evidence)
        return err_memory(err, "the columns");
    for (uint32_t i = 0; i < head->n_columns; i++) {
        struct probe *probe = &head->probes[i];
        struct csv_field field = csv_field_trim(head->scan.fields[i]);
        probe->evidence = &head->evidence[i];
        probe->first = arena_copy(&plan->names, field.text, field.length);
        if (!probe->first)
            return err_memory(err, "the names of the columns");
        probe->first_length = lines_join(probe->first, field.length);
        probe->first_cell = cell_of(plan, &field, &probe->number);
    }
    head->second_at = head->scan.at;
    return true;
}

/* A first line such as "150,4,setosa,versicolor,virginica": how many rows, how
 * many features, the classes. */
static bool first_is_counts(const struct head *head, uint32_t n_first, uint32_t n_second)
{
    if (n_first < 3 || head->n_rows > 0)
        return false;
    if (head->probes[0].first_cell != CELL_NUMBER || head->probes[1].first_cell != CELL_NUMBER)
        return false;
    for (uint32_t i = 2; i < n_first; i++)
        if (head->probes[i].first_cell != CELL_TEXT)
            return false;
    return strtoull(head->probes[1].first, NULL, 10) + 1 == n_second && n_second > 2;
}

/* Whether the row is the first one again. */
static bool is_first(const struct plan *plan, const struct csv_scan *scan)
{
    bool same = scan->n_fields == plan->n_header_fields && plan->options->on_bad_row != CSV_BAD_REJECT;
    for (uint32_t i = 0; same && i < scan->n_fields; i++) {
        struct csv_field field = csv_field_trim(scan->fields[i]);
        same = field.length == plan->header_fields[i].length &&
               memcmp(field.text, plan->header_fields[i].text, field.length) == 0;
    }
    return same;
}

/* The rows after the first, as far as the head goes. Errors are left to the
 * real reading, which knows the row. */
static bool rows_see(struct plan *plan, struct head *head, uint32_t n_rows_max, struct err *err)
{
    enum csv_result result = CSV_ROW;
    while (head->n_rows < n_rows_max && (result = head_scan(plan, head)) == CSV_ROW) {
        if (!plan->count_line && first_is_counts(head, plan->n_header_fields, head->scan.n_fields)) {
            plan->count_line = true;
            head->first_at = head->second_at;
            if (!first_keep(plan, head, err))
                return false;
            continue;
        }
        uint32_t n = head->scan.n_fields < head->n_columns ? head->scan.n_fields : head->n_columns;
        if (is_first(plan, &head->scan)) {
            head->n_repeats++;
            continue;
        }
        if (plan->options->on_bad_row != CSV_BAD_REJECT && n == 1 && head->n_columns > 2)
            continue; /* a remark, or a row of another dialect */
        for (uint32_t i = 0; i < n; i++)
            probe_field(plan, &head->probes[i], &head->scan.fields[i]);
        head->n_rows++;
    }
    return result != CSV_MEMORY || csv_describe(result, 1, 0, err);
}

static bool firsts_distinct(const struct plan *plan, const struct head *head, bool *distinct, struct err *err)
{
    struct arena arena = {0};
    struct levels levels = {0};
    bool good = true;
    uint32_t index;
    *distinct = true;
    for (uint32_t i = 0; i < head->n_columns && *distinct && good; i++) {
        const struct probe *probe = &head->probes[i];
        *distinct = probe->first_length > 0 && probe->first_length <= COLUMN_NAME_MAX && !probe->repeated;
        good = !*distinct ||
               levels_add(&levels, &arena, plan->seed, probe->first, probe->first_length, &index) ||
               err_memory(err, "the first row's texts");
        *distinct = *distinct && good && levels.n == i + 1;
    }
    levels_done(&levels);
    arena_done(&arena);
    return good;
}

/* A year above numbers that are none: it may be a name. */
static bool is_year(const struct probe *probe)
{
    bool digits = probe->first_length == 4 && (probe->first[0] == '1' || probe->first[0] == '2');
    for (uint32_t i = 1; digits && i < 4; i++)
        digits = probe->first[i] >= '0' && probe->first[i] <= '9';
    double number = probe->n_numbers > 0 ? probe->number : probe->evidence->some_number;
    return digits && !(number >= 1000 && number < 3000);
}

/* Text above a column of numbers or dates makes a header; such a value there
 * and nowhere text, none. Where all columns are text, names are taken to be
 * distinct and not to stand again below. */
static bool header_guess(const struct plan *plan, const struct head *head, bool *header, struct err *err)
{
    uint32_t n_for = 0, n_against = 0, n_texts = 0, n_years = 0;
    for (uint32_t i = 0; i < head->n_columns; i++) {
        struct probe *probe = &head->probes[i];
        probe_decide(plan, probe);
        bool codes = probe->code && probe->n_texts == 0;
        bool told =
            codes || (probe->verdict.type != COLUMN_CATEGORY && probe->n_numbers + probe->n_texts > 0);
        bool fits = told && first_fits(probe);
        bool year = told && probe->verdict.type == COLUMN_NUMBER && is_year(probe);
        n_for += told && probe->first_cell == CELL_TEXT && !fits;
        n_years += year;
        n_against += fits && !year;
        n_texts += probe->first_cell == CELL_TEXT;
        if (head->n_rows == 0)
            n_against += probe->first_cell == CELL_NUMBER;
    }
    *header = n_for > 0 && n_for >= n_against + n_years;
    bool open = n_for > 0 ? !*header : n_against == 0 && n_texts > 0;
    if (open && n_for == 0 && head->n_repeats > 0)
        return true; /* rows of text that recur: it is one of them */
    return !open || firsts_distinct(plan, head, header, err);
}

/* The name itself, or with ".2", ".3" ... where it is taken. NULL: out of
 * memory. A level's `global` holds the number to try next, so that a million
 * equal names take a million steps. */
static const char *name_add(struct plan *plan, struct levels *names, const char *wanted, uint32_t length)
{
    uint32_t n_before = names->n, base, index;
    if (!levels_add(names, &plan->names, plan->seed, wanted, length, &base))
        return NULL;
    if (names->n > n_before)
        return names->items[base].text;
    char *name = malloc((size_t)length + 16);
    if (!name)
        return NULL;
    memcpy(name, wanted, length);
    uint32_t number = names->items[base].global > 2 ? names->items[base].global : 2;
    const char *found = NULL;
    for (bool more = true; more; number++) {
        uint32_t n = length + (uint32_t)snprintf(name + length, 16, ".%u", number);
        more = levels_add(names, &plan->names, plan->seed, name, n, &index);
        if (more && names->n > n_before) {
            found = names->items[index].text;
            more = false;
        }
    }
    names->items[base].global = number;
    free(name);
    return found;
}

/* The header's name in UTF-8. */
static const char *name_recode(struct plan *plan, struct levels *names, const struct csv_field *field)
{
    char *text = malloc(3 * (size_t)field->length + 1);
    if (!text)
        return NULL;
    const char *name = name_add(plan, names, text, (uint32_t)plan_recode(plan, field, text));
    free(text);
    return name;
}

/* The user's name for the column, else the header's, else, and for an empty
 * one, "c3". */
static bool name_make(struct plan *plan, struct levels *names, const struct probe *probe, uint32_t column,
                      struct err *err)
{
    char number[16];
    const struct csv_options *options = plan->options;
    struct csv_field first = {probe->first, probe->first_length, false};
    const char *name;
    size_t length = options->n_names > 0 ? strlen(options->names[column]) : plan->header ? first.length : 0;
    if (length > COLUMN_NAME_MAX)
        return err_set(err, ERR_INPUT, "the name of column %u has %zu bytes: at most %d are possible",
                       column + 1, length, COLUMN_NAME_MAX);
    if (options->n_names > 0)
        name = name_add(plan, names, options->names[column], (uint32_t)strlen(options->names[column]));
    else if (!plan->header || first.length == 0)
        name = name_add(plan, names, number, (uint32_t)snprintf(number, sizeof number, "c%u", column + 1));
    else if (plan_foreign(plan, &first))
        name = name_recode(plan, names, &first);
    else
        name = name_add(plan, names, first.text, first.length);
    plan->columns[column].name = name;
    return name || err_memory(err, "the names of the columns");
}

/* Where the missing values of single columns are looked for. */
static bool missing_place(struct plan *plan, struct err *err)
{
    const struct csv_options *options = plan->options;
    if (options->n_column_missing == 0)
        return true;
    plan->missing_of = calloc(options->n_column_missing, sizeof *plan->missing_of);
    if (!plan->missing_of)
        return err_memory(err, "the columns' missing values");
    for (uint32_t i = 0; i < options->n_column_missing; i++) {
        const char *name = options->column_missing[i].column;
        uint32_t column = 0;
        while (column < plan->n_columns && strcmp(plan->columns[column].name, name) != 0)
            column++;
        if (column == plan->n_columns) {
            err_set(err, ERR_INPUT, "there is no column called %.100s to have missing values", name);
            return err_field(err, "column_na");
        }
        plan->missing_of[i] = column;
    }
    return true;
}

/* The types that the user wants, over those of the head. */
static bool types_fix(struct plan *plan, struct err *err)
{
    const struct csv_options *options = plan->options;
    for (uint32_t i = 0, column = 0; i < options->n_types; i++) {
        uint32_t left =
            plan->n_columns; /* mostly they come in the columns' order: the search goes on from the last */
        while (left > 0 && strcmp(plan->columns[column].name, options->types[i].column) != 0) {
            column = (column + 1) % plan->n_columns;
            left--;
        }
        if (left == 0) {
            bool format = options->types[i].written;
            err_set(err, ERR_INPUT, "there is no column called %.100s to give a %s to",
                    options->types[i].column, format ? "decimal" : "type");
            return err_field(err, format ? "column_decimal" : "types");
        }
        if (options->types[i].type == COLUMN_DATE) {
            if (plan->columns[column].type == COLUMN_DATE)
                plan->columns[column].date = options->types[i].date;
            continue;
        }
        if (options->types[i].written) {
            plan->columns[column].type = COLUMN_NUMBER;
            plan->columns[column].told = true;
            plan_format(plan, &plan->columns[column], options->types[i].written);
            continue;
        }
        bool number = options->types[i].type == COLUMN_NUMBER;
        if (!number || !column_type_is_number(plan->columns[column].type))
            plan->columns[column].type = options->types[i].type;
        plan->n_fixed += number && !plan->columns[column].fixed;
        plan->columns[column].fixed = number;
        plan->columns[column].given = true;
    }
    return true;
}

/* Where a column has decimal commas, points in whole columns whose every one may
 * set apart thousands do so. */
static void points_decide(struct plan *plan, const struct head *head)
{
    bool commas = false;
    for (uint32_t i = 0; i < plan->n_columns; i++)
        commas = commas || (plan->columns[i].formatted && plan->columns[i].number.decimal_point == ',');
    for (uint32_t i = 0; commas && plan->options->decimal == 0 && i < plan->n_columns; i++) {
        struct plan_column *column = &plan->columns[i];
        const struct probe *probe = &head->probes[i];
        if (!column_type_is_number(column->type) || column->formatted || !probe->grouped || probe->pointed)
            continue;
        column->type = COLUMN_NUMBER;
        plan_format(plan, column, &points_group);
    }
}

static bool columns_make(struct plan *plan, struct head *head, struct err *err)
{
    struct levels names = {0};
    bool good = true;
    if (plan->options->n_names > 0 && plan->options->n_names != head->n_columns) {
        err_set(err, ERR_INPUT, "%u names are given for the columns, and the file has %u",
                plan->options->n_names, head->n_columns);
        return err_field(err, "columns");
    }
    plan->n_columns = head->n_columns;
    plan->columns = calloc(head->n_columns, sizeof *plan->columns);
    if (!plan->columns)
        return err_memory(err, "the columns");
    for (uint32_t i = 0; i < head->n_columns && good; i++) {
        struct probe *probe = &head->probes[i];
        struct csv_field first = {probe->first, probe->first_length, false};
        if (!plan->header)
            probe_field(plan, probe, &first);
        probe_decide(plan, probe);
        plan->columns[i].type = probe->verdict.type == COLUMN_NUMBER ? probe->type : probe->verdict.type;
        plan_format(plan, &plan->columns[i], &probe->verdict.number);
        plan->columns[i].date = probe->verdict.date;
        plan->columns[i].shift = probe->verdict.type == COLUMN_DATE ? probe->evidence->some_date
                                 : probe->n_numbers > 0             ? probe->number
                                                                    : probe->evidence->some_number;
        good = name_make(plan, &names, probe, i, err);
    }
    if (good)
        points_decide(plan, head);
    good = good && missing_place(plan, err) && types_fix(plan, err);
    levels_done(&names);
    return good;
}

/* Different each time; nothing that is kept depends on it. */
static uint64_t seed_make(const void *address)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return ((uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15ull) ^ (uint64_t)now.tv_sec ^
           ((uint64_t)(uintptr_t)address << 17);
}

/* A row of the header below its first, behind the names of those above. */
static bool names_join(struct plan *plan, struct head *head, struct err *err)
{
    for (uint32_t i = 0; i < head->n_columns && i < head->scan.n_fields; i++) {
        struct probe *probe = &head->probes[i];
        struct csv_field more = csv_field_trim(head->scan.fields[i]);
        uint32_t n = probe->first_length;
        if (more.length == 0 || (n == more.length && memcmp(probe->first, more.text, n) == 0))
            continue;
        char *name = malloc((size_t)n + more.length + 1);
        if (!name)
            return err_memory(err, "the names of the columns");
        memcpy(name, probe->first, n);
        name[n] = ' ';
        memcpy(name + n + 1, more.text, more.length);
        probe->first_length = n > 0 ? n + 1 + more.length : more.length;
        probe->first = arena_copy(&plan->names, n > 0 ? name : name + 1, probe->first_length);
        probe->first_cell = CELL_TEXT;
        free(name);
        if (!probe->first)
            return err_memory(err, "the names of the columns");
    }
    return true;
}

/* A name that stands above several columns is each one's. */
static bool names_spread(struct plan *plan, struct head *head, struct err *err)
{
    for (uint32_t i = 1; i < head->n_columns; i++) {
        struct probe *probe = &head->probes[i], *left = &head->probes[i - 1];
        if (probe->first_length > 0 || left->first_length == 0)
            continue;
        probe->first = arena_copy(&plan->names, left->first, left->first_length);
        probe->first_length = left->first_length;
        if (!probe->first)
            return err_memory(err, "the names of the columns");
    }
    return true;
}

static bool header_note(struct plan *plan, const struct head *head, const struct region *region,
                        enum csv_deed deed, struct err *err)
{
    const struct csv_scan *scan = &head->scan;
    const struct note note = {
        .deed = deed, .row = NOTE_NO_ROW, .line = region->line + scan->row_line, .column = NOTE_NO_COLUMN};
    size_t end = csv_line_end(scan, scan->row_at);
    return notes_add(&plan->notes, &note, scan->text + scan->row_at, end - scan->row_at) ||
           err_memory(err, "notes on the header");
}

/* Rows of the header below its first. */
static bool header_more(struct plan *plan, struct head *head, const struct region *region,
                        const struct head_text *text, struct err *err)
{
    struct header_rows rows;
    if (!header_rows_find(&plan->dialect, text->text, text->n_bytes, text->whole, head->n_columns, &rows))
        return err_memory(err, "a look at the header");
    if (rows.n_names > 1 && !names_spread(plan, head, err))
        return false;
    plan->many_names = rows.n_names > 1 || rows.units;
    for (uint32_t i = 1; i < rows.n_names + (rows.units ? 1 : 0); i++) {
        bool units = i == rows.n_names;
        if (csv_scan_row(&head->scan) != CSV_ROW ||
            !header_note(plan, head, region, units ? DEED_UNIT_ROW : DEED_HEADER_ROW, err) ||
            (!units && !names_join(plan, head, err)))
            return err->code != ERR_OK ? false : err_memory(err, "the names of the columns");
        head->second_at = head->scan.at;
    }
    return true;
}

/* The header has one name less than the rows have fields: the first is of the
 * rows' own names. */
static bool names_shift(struct plan *plan, struct head *head, struct err *err)
{
    struct probe *probes = head->probes;
    for (uint32_t i = head->n_columns - 1; i > 0; i--) {
        probes[i].first = probes[i - 1].first;
        probes[i].first_length = probes[i - 1].first_length;
        probes[i].first_cell = probes[i - 1].first_cell;
    }
    probes[0].first = arena_copy(&plan->names, "row", 3);
    probes[0].first_length = 3;
    probes[0].first_cell = CELL_TEXT;
    return probes[0].first || err_memory(err, "the names of the columns");
}

/* The first row, to know it again further down. */
static bool header_keep(struct plan *plan, const struct head *head, struct err *err)
{
    const struct csv_scan *scan = &head->scan;
    plan->header_fields = calloc(scan->n_fields, sizeof *plan->header_fields);
    bool good = plan->header_fields != NULL;
    for (uint32_t i = 0; good && i < scan->n_fields; i++) {
        struct csv_field field = csv_field_trim(scan->fields[i]);
        const char *text = arena_copy(&plan->names, field.text, field.length);
        plan->header_fields[i] = (struct csv_field){text, field.length, false};
        good = text != NULL;
    }
    plan->n_header_fields = scan->n_fields;
    return good || err_memory(err, "the header");
}

/* A header with one field more than the rows: one that is empty is none. */
static void header_narrow(struct head *head)
{
    struct csv_scan *scan = &head->scan;
    uint32_t empty = 0;
    while (empty < scan->n_fields && csv_field_trim(scan->fields[empty]).length > 0)
        empty++;
    if (empty == scan->n_fields) {
        head->n_width = scan->n_fields;
        return;
    }
    scan->n_fields--;
    memmove(&scan->fields[empty], &scan->fields[empty + 1], (scan->n_fields - empty) * sizeof *scan->fields);
}

static bool head_read(struct plan *plan, struct head *head, const struct region *region,
                      const struct head_text *text, struct err *err)
{
    const struct csv_options *options = plan->options;
    head->n_width = region->width;
    if (region->narrow && head->scan.n_fields == head->n_width + 1)
        header_narrow(head);
    uint32_t n_first = head->scan.n_fields;
    if (!header_keep(plan, head, err) || !first_keep(plan, head, err))
        return false;
    if (region->guessed && options->header >= 0 && !header_more(plan, head, region, text, err))
        return false;
    if (region->guessed && options->header >= 0 && n_first + 1 == head->n_columns &&
        !names_shift(plan, head, err))
        return false;
    if (!rows_see(plan, head, text->n_rows_max, err))
        return false;
    plan->header = options->header > 0 || plan->many_names;
    if (options->header == 0 && !plan->many_names && !header_guess(plan, head, &plan->header, err))
        return false;
    plan->body = region->at + (plan->header ? head->second_at : head->first_at);
    plan->body_line = region->line + csv_line_ends(text->text, (size_t)(plan->body - region->at));
    return columns_make(plan, head, err);
}

bool plan_init(struct plan *plan, const struct region *region, const struct head_text *text,
               const struct csv_options *options, enum csv_result *result, struct err *err)
{
    struct head head = {0};
    bool good = false;
    *plan = (struct plan){.options = options,
                          .seed = seed_make(&head),
                          .dialect = region->dialect,
                          .encoding = region->encoding};
    csv_scan_init(&head.scan, &plan->dialect);
    csv_scan_text(&head.scan, text->text, text->n_bytes, text->whole);
    head.n_width = region->width;
    *result = head_scan(plan, &head);
    if (*result == CSV_END)
        err_set(err, ERR_INPUT, "the file is empty: a header or at least one row was expected");
    else if (*result != CSV_ROW && *result != CSV_MORE)
        csv_describe(*result, 1, head.scan.n_fields, err);
    if (*result == CSV_ROW && head_read(plan, &head, region, text, err)) {
        plan_layout(plan);
        good = true;
    }
    free(head.probes);
    free(head.evidence);
    csv_scan_done(&head.scan);
    if (!good)
        plan_done(plan);
    return good;
}

void plan_done(struct plan *plan)
{
    free(plan->columns);
    arena_done(&plan->names);
    notes_done(&plan->notes);
    free(plan->header_fields);
    free(plan->missing_of);
    plan->header_fields = NULL;
    plan->missing_of = NULL;
    plan->columns = NULL;
}

/* Values of 4 and 8 bytes come first, then those of 2, then those of 1, the
 * bytes last. */
void plan_layout(struct plan *plan)
{
    uint32_t n_of_size[9] = {0}, at[9] = {0}, n_bytes;
    memset(plan->n_of_type, 0, sizeof plan->n_of_type);
    plan->n_numbers = 0;
    for (uint32_t i = 0; i < plan->n_columns; i++) {
        struct plan_column *column = &plan->columns[i];
        uint32_t n = plan->n_of_type[column->type]++;
        bool number = column->type != COLUMN_BYTE && column_type_is_number(column->type);
        column->slot = number ? plan->n_numbers++ : n;
        n_of_size[column_type_bytes(column->type)] += column->type != COLUMN_BYTE;
    }
    at[2] = 8 * n_of_size[8] + 4 * n_of_size[4];
    at[1] = at[2] + 2 * n_of_size[2];
    plan->bytes_at = at[1] + n_of_size[1];
    for (uint32_t i = 0, wide = 0; i < plan->n_columns; i++) {
        struct plan_column *column = &plan->columns[i];
        uint32_t size = column_type_bytes(column->type), *place = size >= 4 ? &wide : &at[size];
        column->offset = column->type == COLUMN_BYTE ? plan->bytes_at + column->slot : *place;
        *place += column->type == COLUMN_BYTE ? 0 : size;
    }
    n_bytes = plan->bytes_at + plan->n_of_type[COLUMN_BYTE];
    uint32_t step = n_of_size[8] + n_of_size[4] > 0 ? 4 : n_of_size[2] > 0 ? 2 : 1;
    plan->record_bytes = (n_bytes + step - 1) & ~(step - 1);
}
