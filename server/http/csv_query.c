/* How to read a CSV, as the query says it. One row of a table a parameter. */
#include "http/csv_query.h"
#include "base/recode.h"
#include "base/writer.h"
#include "mlp/csv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TITLES_MAX 1000 /* rows above the header that can be told */

struct word {
    const char *word;
    int value;
};

static const struct word separators[] = {{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"\\t", '\t'},
                                         {"pipe", '|'},  {"blank", ' '},     {"space", ' '}};
static const struct word headers[] = {{"true", 1}, {"1", 1}, {"false", -1}, {"0", -1}};
static const struct word quotes[] = {{"double", '"'}, {"single", '\''}, {"none", -1}};
static const struct word decimals[] = {{"point", '.'}, {".", '.'}, {"comma", ','}, {",", ','}};
static const struct word thousands[] = {{"comma", ','}, {"point", '.'},       {"blank", ' '},
                                        {"space", ' '}, {"apostrophe", '\''}, {"underscore", '_'}};
static const struct word comments[] = {{"none", -1}};
static const struct word bad_rows[] = {{"skip", CSV_BAD_SET_ASIDE}, {"reject", CSV_BAD_REJECT}};
static const struct word encodings[] = {{"utf-8", CSV_UTF8},          {"utf-16le", CSV_UTF16LE},
                                        {"utf-16be", CSV_UTF16BE},    {"windows-1252", CSV_WINDOWS_1252},
                                        {"latin-1", CSV_LATIN1},      {"utf8", CSV_UTF8},
                                        {"cp1252", CSV_WINDOWS_1252}, {"latin1", CSV_LATIN1},
                                        {"iso-8859-1", CSV_LATIN1}};
static const struct word types[] = {
    {"number", COLUMN_NUMBER}, {"category", COLUMN_CATEGORY}, {"text", COLUMN_TEXT}};

#define WORDS(list) list, sizeof list / sizeof *list

static bool separator_fits(char c)
{
    return c == ' ' || c == '\t' || (c > 0 && c < ' ' && c != '\n' && c != '\r') ||
           (ispunct((unsigned char)c) && !strchr("\"'#+-._", c));
}

static bool mark_fits(char c)
{
    return ispunct((unsigned char)c) && c != '.' && c != '-';
}

static bool separator_set(struct csv_query *query, int value)
{
    query->options.separator = (char)value;
    return true;
}

static bool header_set(struct csv_query *query, int value)
{
    query->options.header = value;
    return true;
}

static bool quote_set(struct csv_query *query, int value)
{
    query->options.quote = value;
    return true;
}

static bool decimal_set(struct csv_query *query, int value)
{
    query->options.decimal = (char)value;
    return true;
}

static bool thousands_set(struct csv_query *query, int value)
{
    query->options.thousands = (char)value;
    return true;
}

static bool thousands_fits(char c)
{
    return c && strchr(",. '_", c);
}

static bool encoding_set(struct csv_query *query, int value)
{
    query->options.encoding = (enum csv_encoding)value;
    return true;
}

static bool comment_set(struct csv_query *query, int value)
{
    query->options.comment = value;
    return true;
}

static bool bad_row_set(struct csv_query *query, int value)
{
    query->options.on_bad_row = (enum csv_bad)value;
    return true;
}

/* The parameters that take one of a few words, or one character. */
static const struct choice {
    const char *name;
    const struct word *words;
    size_t n_words;
    bool (*fits)(char c); /* a character that stands for itself; NULL: none does */
    bool (*set)(struct csv_query *query, int value);
    const char *expected;
} choices[] = {
    {"separator", WORDS(separators), separator_fits, separator_set,
     "comma, semicolon, tab, pipe or blank, or the character itself"},
    {"header", WORDS(headers), NULL, header_set, "true or false"},
    {"quote", WORDS(quotes), mark_fits, quote_set, "double, single or none, or the character itself"},
    {"decimal", WORDS(decimals), NULL, decimal_set, "point or comma"},
    {"thousands", WORDS(thousands), thousands_fits, thousands_set,
     "comma, point, blank, apostrophe or underscore"},
    {"encoding", WORDS(encodings), NULL, encoding_set,
     "utf-8, utf-16le, utf-16be, windows-1252 or latin-1, or of a dataset's file any that iconv knows, as "
     "shift_jis"},
    {"comment", WORDS(comments), mark_fits, comment_set,
     "none, or the character that comment lines begin with, as %23 for #"},
    {"on_bad_row", WORDS(bad_rows), NULL, bad_row_set, "reject or skip"},
};
#define N_CHOICES (sizeof choices / sizeof *choices)

static bool wrong(struct err *err, const char *name, const char *expected, const char *value)
{
    err_set(err, ERR_INPUT, "\"%s\": expected %s, found \"%.20s\"", name, expected, value);
    return err_field(err, name);
}

/* false: none of the words. */
static bool word_find(const struct word *words, size_t n, const char *text, int *value)
{
    for (size_t i = 0; i < n; i++)
        if (!strcasecmp(words[i].word, text)) {
            *value = words[i].value;
            return true;
        }
    return false;
}

static bool choice_read(struct csv_query *query, const struct choice *choice, const char *text,
                        struct err *err)
{
    int value;
    if (word_find(choice->words, choice->n_words, text, &value))
        return choice->set(query, value);
    if (choice->words == encodings && recode_knows(text)) {
        query->charset = text;
        query->options.encoding = CSV_UTF8; /* which it is by then */
        return true;
    }
    if (choice->fits && strlen(text) == 1 && choice->fits(*text))
        return choice->set(query, *text);
    return wrong(err, choice->name, choice->expected, text);
}

static void words_done(struct csv_words *words)
{
    for (uint32_t i = 0; i < words->n; i++)
        free(words->words[i]);
    free(words->words);
    *words = (struct csv_words){0};
}

static bool words_take(struct csv_words *words, const struct csv_field *fields, uint32_t n_fields,
                       struct err *err)
{
    words->words = calloc(n_fields, sizeof *words->words);
    if (!words->words)
        return err_memory(err, "a list");
    for (; words->n < n_fields; words->n++)
        if (!(words->words[words->n] = strndup(fields[words->n].text, fields[words->n].length)))
            return err_memory(err, "a list");
    return true;
}

/* A list: a,b,"c,d". One row of CSV, that is. */
static bool words_read(struct csv_words *words, const char *name, const char *text, struct err *err)
{
    const struct csv_field *fields;
    struct err inner = {0};
    uint32_t n_fields;
    struct csv_reader *reader = csv_reader_new(text, strlen(text), ',', err);
    if (!reader)
        return false;
    int got = csv_reader_next(reader, &fields, &n_fields, &inner);
    bool ok = got == 1 ? words_take(words, fields, n_fields, err)
                       : wrong(err, name, "a list, with commas between its parts", text);
    if (ok && csv_reader_next(reader, &fields, &n_fields, &inner) != 0)
        ok = wrong(err, name, "a list in one line, with commas between its parts", text);
    if (inner.code == ERR_MEMORY)
        *err = inner; /* the list may be right */
    csv_reader_free(reader);
    return ok;
}

static bool na_read(struct csv_query *query, const char *text, struct err *err)
{
    if (!words_read(&query->na, "na", text, err))
        return false;
    query->options.missing = (const char *const *)query->na.words;
    query->options.n_missing = query->na.n;
    return true;
}

static bool columns_read(struct csv_query *query, const char *text, struct err *err)
{
    if (!words_read(&query->columns, "columns", text, err))
        return false;
    query->options.names = (const char *const *)query->columns.words;
    query->options.n_names = query->columns.n;
    for (uint32_t i = 0; i < query->columns.n; i++)
        if (!*query->columns.words[i])
            return wrong(err, "columns", "a name for each column, with commas between them", text);
    return true;
}

/* zip:category,age:number */
static bool types_read(struct csv_query *query, const char *text, struct err *err)
{
    static const char expected[] = "a list of name:type, where type is number, category or text";
    if (!words_read(&query->types, "types", text, err))
        return false;
    query->type_list = calloc(query->types.n, sizeof *query->type_list);
    if (!query->type_list)
        return err_memory(err, "the types");
    for (uint32_t i = 0; i < query->types.n; i++) {
        char *colon = strrchr(query->types.words[i], ':');
        int type;
        if (!colon || colon == query->types.words[i] || !word_find(WORDS(types), colon + 1, &type))
            return wrong(err, "types", expected, query->types.words[i]);
        *colon = 0;
        query->type_list[i] =
            (struct csv_type){.column = query->types.words[i], .type = (enum column_type)type};
    }
    query->options.types = query->type_list;
    query->options.n_types = query->types.n;
    return true;
}

/* price:comma,weight:point; behind the types, which are read before. */
static bool column_decimal_read(struct csv_query *query, const char *text, struct err *err)
{
    static const char expected[] = "a list of name:decimal, where decimal is point or comma";
    static const struct number_format points = {.decimal_point = '.', .thousands_separator = ','},
                                      commas = {.decimal_point = ',', .thousands_separator = '.'};
    if (!words_read(&query->decimals, "column_decimal", text, err))
        return false;
    size_t n = (size_t)query->types.n + query->decimals.n;
    struct csv_type *list = realloc(query->type_list, n * sizeof *list);
    if (!list)
        return err_memory(err, "the types");
    query->type_list = list;
    for (uint32_t i = 0; i < query->decimals.n; i++) {
        int decimal;
        char *name = query->decimals.words[i], *colon = strrchr(name, ':');
        if (!colon || colon == name || !word_find(WORDS(decimals), colon + 1, &decimal))
            return wrong(err, "column_decimal", expected, name);
        *colon = 0;
        list[query->types.n + i] = (struct csv_type){
            .column = name, .type = COLUMN_NUMBER, .written = decimal == ',' ? &commas : &points};
    }
    query->options.types = list;
    query->options.n_types = (uint32_t)n;
    return true;
}

/* temperature:-999,rain:9999 */
static bool column_na_read(struct csv_query *query, const char *text, struct err *err)
{
    if (!words_read(&query->column_na, "column_na", text, err))
        return false;
    query->na_list = calloc(query->column_na.n, sizeof *query->na_list);
    if (!query->na_list)
        return err_memory(err, "the columns' missing values");
    for (uint32_t i = 0; i < query->column_na.n; i++) {
        char *name = query->column_na.words[i], *colon = strrchr(name, ':');
        if (!colon || colon == name)
            return wrong(err, "column_na", "a list of name:text, where the text stands for a missing value",
                         name);
        *colon = 0;
        query->na_list[i] = (struct csv_column_word){.column = name, .text = colon + 1};
    }
    query->options.column_missing = query->na_list;
    query->options.n_column_missing = query->column_na.n;
    return true;
}

static bool titles_read(struct csv_query *query, const char *text, struct err *err)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (end == text || *end || *text == '-' || n > TITLES_MAX)
        return wrong(err, "title_lines", "a number of rows from 0 to 1000", text);
    query->options.titles = n ? (int)n : -1;
    return true;
}

static const struct list {
    const char *name;
    bool (*read)(struct csv_query *query, const char *text, struct err *err);
} lists[] = {{"na", na_read},
             {"columns", columns_read},
             {"types", types_read},
             {"column_decimal", column_decimal_read}, /* behind the types */
             {"column_na", column_na_read},
             {"title_lines", titles_read}};
#define N_LISTS (sizeof lists / sizeof *lists)

const char *csv_query_name(uint32_t i)
{
    if (i < N_CHOICES)
        return choices[i].name;
    return i < N_CHOICES + N_LISTS ? lists[i - N_CHOICES].name : NULL;
}

bool csv_query_knows(const char *name)
{
    for (uint32_t i = 0; csv_query_name(i); i++)
        if (!strcmp(name, csv_query_name(i)))
            return true;
    return false;
}

/* One character cannot mean two things. */
static bool clashes_check(const struct csv_options *options, struct err *err)
{
    const char *field = NULL;
    if (options->separator && options->separator == options->decimal)
        field = "decimal";
    else if (options->thousands && options->thousands == options->decimal)
        field = "thousands";
    else if (options->separator && (options->separator == options->quote ||
                                    (options->quote > 0 && options->quote == options->decimal)))
        field = "quote";
    else if (options->comment > 0 &&
             (options->comment == options->separator || options->comment == options->quote))
        field = "comment";
    if (!field)
        return true;
    err_set(err, ERR_INPUT, "\"%s\" is a character that already means something else", field);
    return err_field(err, field);
}

static const char *request_find(void *self, const char *name)
{
    return request_query(self, name);
}

struct csv_values csv_query_values(const struct request *request)
{
    return (struct csv_values){request_find, (struct request *)request};
}

bool csv_query_read(struct csv_query *query, const struct request *request, struct err *err)
{
    struct csv_values values = csv_query_values(request);
    if (!csv_query_find(query, &values, err))
        return false;
    if (!query->charset)
        return true;
    wrong(err, "encoding", "utf-8, utf-16le, utf-16be, windows-1252 or latin-1", query->charset);
    csv_query_done(query);
    return false;
}

static void told_put(struct writer *writer, const struct csv_values *values, const char *name)
{
    const char *text = values->find(values->self, name);
    if (text)
        writer_put_string(writer, name, text);
}

char *csv_query_told(const struct csv_values *values, struct err *err)
{
    struct writer writer;
    size_t n;
    writer_init(&writer);
    writer_open(&writer, '{');
    for (uint32_t i = 0; csv_query_name(i); i++)
        told_put(&writer, values, csv_query_name(i));
    writer_close(&writer, '}');
    char *text = writer_take(&writer, &n, err);
    if (text)
        text[n] = 0; /* the writer keeps room for it */
    writer_done(&writer);
    return text;
}

bool csv_query_find(struct csv_query *query, const struct csv_values *values, struct err *err)
{
    const char *text;
    bool ok = true;
    csv_query_done(query);
    for (size_t i = 0; ok && i < N_CHOICES; i++)
        ok = !(text = values->find(values->self, choices[i].name)) ||
             choice_read(query, &choices[i], text, err);
    for (size_t i = 0; ok && i < N_LISTS; i++)
        ok = !(text = values->find(values->self, lists[i].name)) || lists[i].read(query, text, err);
    ok = ok && clashes_check(&query->options, err);
    if (!ok)
        csv_query_done(query);
    return ok;
}

void csv_query_done(struct csv_query *query)
{
    words_done(&query->na);
    words_done(&query->columns);
    words_done(&query->types);
    words_done(&query->decimals);
    words_done(&query->column_na);
    free(query->type_list);
    free(query->na_list);
    *query = (struct csv_query){0};
}

const char *csv_encoding_name(enum csv_encoding encoding)
{
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++)
        if (encodings[i].value == (int)encoding)
            return encodings[i].word;
    return "utf-8";
}
