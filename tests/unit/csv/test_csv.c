/* csv_reader: RFC 4180, the csv-spectrum files, the dialects that are guessed,
 * errors that say where. */
#include "csv/scan.h"
#include "helper_main.h"
#include "mlp/csv.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every row's fields as text: fields joined by '|', rows by '/', quoted fields
 * in <>. */
static char *rows_text(const char *bytes, size_t n_bytes, char separator, struct err *err)
{
    char *text = calloc(1, 4 * n_bytes + 64), *to = text;
    const struct csv_field *fields;
    uint32_t n;
    int result;
    struct csv_reader *reader = csv_reader_new(bytes, n_bytes, separator, err);
    ck_assert_ptr_nonnull(reader);
    while ((result = csv_reader_next(reader, &fields, &n, err)) == 1) {
        for (uint32_t i = 0; i < n; i++)
            to += sprintf(to, fields[i].quoted ? "%s<%.*s>" : "%s%.*s", i ? "|" : "", (int)fields[i].length,
                          fields[i].text);
        *to++ = '/';
    }
    *to = '\0';
    csv_reader_free(reader);
    if (result == 0)
        return text;
    free(text);
    return NULL;
}

struct reading {
    const char *csv, *rows;
};

static void check_readings(const struct reading *readings, size_t n, char separator)
{
    for (size_t i = 0; i < n; i++) {
        struct err err = {0};
        size_t length = strlen(readings[i].csv);
        char *copy = malloc(length + 1); /* exactly as long as the text: a read beyond it is seen */
        memcpy(copy, readings[i].csv, length);
        char *exact = realloc(copy, length ? length : 1);
        char *rows = rows_text(exact, length, separator, &err);
        ck_assert_msg(rows, "\"%s\": %s", readings[i].csv, err.msg);
        ck_assert_msg(strcmp(rows, readings[i].rows) == 0, "\"%s\" reads as %s, expected %s", readings[i].csv,
                      rows, readings[i].rows);
        free(rows);
        free(exact);
    }
}
#define CHECK_READINGS(readings, separator)                                                                  \
    check_readings(readings, sizeof(readings) / sizeof *(readings), separator)

START_TEST(reads_rfc_4180)
{
    static const struct reading readings[] = {
        {"", ""},
        {"a", "a/"},
        {"a,b\n1,2\n", "a|b/1|2/"},
        {"a,b\r\n1,2\r\n", "a|b/1|2/"},
        {"a,b\r1,2\r", "a|b/1|2/"},
        {"a,b\n1,2\r\n3,4\r5,6", "a|b/1|2/3|4/5|6/"},
        {"a,b\n1,2", "a|b/1|2/"},
        {"a,,\n,,\n", "a||/||/"},
        {"\"a\",\"\"\n", "<a>|<>/"},
        {"\"a,b\",c\n", "<a,b>|c/"},
        {"\"a\nb\",\"c\r\nd\"\n", "<a\nb>|<c\r\nd>/"},
        {"\"say \"\"hi\"\"\",\"\"\"\"\n", "<say \"hi\">|<\">/"},
        {"\"a\"", "<a>/"},
        {"\"a\"\"\"", "<a\">/"},
        {"a\"b,5\" pipe\n", "a\"b|5\" pipe/"},
        {"\xef\xbb\xbf"
         "a,b\n",
         "a|b/"},
        {"\xef\xbb\xbf\"a\",b\n", "<a>|b/"},
    };
    CHECK_READINGS(readings, ',');
}
END_TEST

START_TEST(skips_blank_lines_and_blanks_around_quotes)
{
    static const struct reading readings[] = {
        {"\n\na,b\n\n\r\n  \t \n1,2\n\n", "a|b/1|2/"},
        {"a, b ,c\n", "a| b |c/"},
        {"a,  \"b, c\"  ,d\n", "a|<b, c>|d/"},
        {"   ", ""},
        {" \n ", ""},
    };
    CHECK_READINGS(readings, ',');
    static const struct reading tabs[] = {{"a\tb\n\t\n1\t\n", "a|b/|/1|/"}};
    CHECK_READINGS(tabs, '\t');
}
END_TEST

START_TEST(runs_of_blanks_separate)
{
    static const struct reading readings[] = {
        {"  1.5   2\t3  \n 4 5 6\n", "1.5|2|3/4|5|6/"},
        {"1 \"a b\"\t\"c\"\n", "1|<a b>|<c>/"},
        {"\n  \n1\t2", "1|2/"},
    };
    CHECK_READINGS(readings, ' ');
}
END_TEST

/* Fields of every length over every edge of the 64-byte blocks, each ended in
 * turn by a separator, a line end and the text's end. */
START_TEST(fields_of_any_length_are_found)
{
    char csv[512], expected[512];
    for (size_t a = 0; a < 140; a++) {
        for (size_t b = 1; b < 70; b += 7) {
            memset(csv, 'x', sizeof csv);
            csv[a] = ';';
            csv[a + 1 + b] = '\n';
            struct err err = {0};
            char *rows = rows_text(csv, a + b + 2 + 65, ';', &err);
            snprintf(expected, sizeof expected, "%.*s|%.*s/%.*s/", (int)a, csv, (int)b, csv + a + 1, 65,
                     csv + a + b + 2);
            ck_assert_str_eq(rows, expected);
            free(rows);
        }
    }
}
END_TEST

/* The same text through a buffer that grows a byte at a time: no row is cut or
 * lost. */
START_TEST(a_row_cut_anywhere_is_asked_for_again)
{
    static const char csv[] = "a,\"b\"\"\r\nc\" ,d\r\n \t\n1,2,\"\"\n\nlast,\"\",x";
    struct csv_dialect dialect = {.separator = ',', .quote = '"'};
    for (size_t cut = 0; cut < sizeof csv - 1; cut++) {
        struct csv_scan scan;
        uint32_t n_rows = 0, n_fields = 0;
        csv_scan_init(&scan, &dialect);
        csv_scan_text(&scan, csv, cut, false);
        while (csv_scan_row(&scan) == CSV_ROW) {
            n_rows++;
            n_fields += scan.n_fields;
        }
        size_t at = scan.at;
        csv_scan_text(&scan, csv + at, sizeof csv - 1 - at, true);
        while (csv_scan_row(&scan) == CSV_ROW) {
            n_rows++;
            n_fields += scan.n_fields;
        }
        ck_assert_msg(n_rows == 3 && n_fields == 9, "cut at %zu: %u rows, %u fields", cut, n_rows, n_fields);
        csv_scan_done(&scan);
    }
}
END_TEST

/* What a model is given must be what its table held: UTF-8. */
START_TEST(texts_come_in_utf8)
{
    static const struct reading readings[] = {
        {"a;b\n1,5;x,y\n-2,25;\"3,5\"\n", "a|b/1,5|x,y/-2,25|<3,5>/"},
        {"a,b\n1.5,2\n", "a|b/1.5|2/"},
        {"n\xe9;k\n1;\x80\n", "n\xc3\xa9|k/1|\xe2\x82\xac/"},
        {"n\xc3\xa9;k\n1;\xc3\xa4\n", "n\xc3\xa9|k/1|\xc3\xa4/"},
        {"# one\n# two\na;b\n1;2\n", "a|b/1|2/"},
    };
    CHECK_READINGS(readings, 0);
    static const char wide[] = "\xff\xfe"
                               "a\0,\0\xe9\0\n\0"
                               "1\0,\0\xac\x20\n\0";
    struct err err = {0};
    char *rows = rows_text(wide, sizeof wide - 1, 0, &err);
    ck_assert_str_eq(rows, "a|\xc3\xa9/1|\xe2\x82\xac/");
    free(rows);
}
END_TEST

struct failing {
    const char *csv;
    size_t n_bytes;
    uint64_t row;
    const char *words;
};

START_TEST(errors_name_the_row)
{
    static const struct failing failing[] = {
        {"a,b\n1,\"2\n3,4\n", 13, 2, "closing quote is missing"},
        {"\"", 1, 1, "closing quote is missing"},
        {"a\n\"b\"\"", 6, 2, "closing quote is missing"},
        {"a,b\n\n1,\"2\"x\n", 12, 2, "field 2: text follows the closing quote"},
        {"a,b\n1,2\n3,\0\n", 12, 3, "field 2 holds a NUL byte"},
        {"a,b\n\"\0\",2\n", 10, 2, "field 1 holds a NUL byte"},
    };
    for (size_t i = 0; i < sizeof failing / sizeof *failing; i++) {
        struct err err = {0};
        char *rows = rows_text(failing[i].csv, failing[i].n_bytes, ',', &err);
        ck_assert_ptr_null(rows);
        ck_assert_int_eq(err.code, ERR_INPUT);
        ck_assert_msg(err.row == failing[i].row, "%zu: row %llu: %s", i, (unsigned long long)err.row,
                      err.msg);
        ck_assert_msg(strstr(err.msg, failing[i].words), "%zu: %s", i, err.msg);
    }
}
END_TEST

START_TEST(a_million_fields_and_no_more)
{
    size_t n = CSV_COLUMNS_MAX;
    char *csv = malloc(n + 1);
    memset(csv, ',', n + 1);
    const struct csv_field *fields;
    uint32_t n_fields;
    struct err err = {0};
    struct csv_reader *reader = csv_reader_new(csv, n - 1, ',', &err);
    ck_assert_int_eq(csv_reader_next(reader, &fields, &n_fields, &err), 1);
    ck_assert_uint_eq(n_fields, n);
    csv_reader_free(reader);
    reader = csv_reader_new(csv, n, ',', &err);
    ck_assert_int_eq(csv_reader_next(reader, &fields, &n_fields, &err), -1);
    ck_assert_int_eq(err.code, ERR_LIMIT);
    ck_assert_uint_eq(err.row, 1);
    csv_reader_free(reader);
    free(csv);
}
END_TEST

START_TEST(guesses_the_separator)
{
    static const struct {
        const char *csv;
        char separator;
    } guesses[] = {
        {"", ','},
        {"a\n1\n2\n", ','},
        {"hello world\n", ','},
        {"a,b,c\n1,2,3\n", ','},
        {"a;b;c\n1;2;3\n", ';'},
        {"a\tb\n1\t2\n", '\t'},
        {"a|b\n1|2\n", '|'},
        {"x;y\n1,5;2,5\n3,5;4,5\n", ';'},
        {"1,5;2,5;3,5\n1,0;2,0;3,0\n", ';'},
        {"id,tags,n\n1,a;b,2\n2,c;d,3\n3,e;f,4\n", ','},
        {"\"fixed acidity\";\"pH\"\n7.4;3.5\n", ';'},
        {"a,b\n\"x;y;z\",1\n\"p;q;r\",2\n", ','},
        {" 0.006  18.00   2.310\n 0.027   0.00   7.070\n", ' '},
        {"name\nJohn Smith\nJane Doe\n", ','},
        {"text,n\nthe quick fox,1\nthe slow dog,2\n", ','},
    };
    for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++) {
        struct err err = {0};
        struct csv_reader *reader = csv_reader_new(guesses[i].csv, strlen(guesses[i].csv), 0, &err);
        ck_assert_msg(csv_reader_separator(reader) == guesses[i].separator, "\"%s\" is guessed as '%c'",
                      guesses[i].csv, csv_reader_separator(reader));
        csv_reader_free(reader);
    }
}
END_TEST

/* --- csv-spectrum: each file against the JSON beside it --- */

static char *file_read(const char *sub, const char *name, const char *end, size_t *n_bytes)
{
    char path[1200];
    snprintf(path, sizeof path, TEST_DATA "/csv-spectrum/%s/%s.%s", sub, name, end);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file, "%s can be read", path);
    char *bytes = malloc(1 << 16);
    *n_bytes = fread(bytes, 1, (1 << 16) - 1, file);
    bytes[*n_bytes] = '\0';
    fclose(file);
    return bytes;
}

/* The next JSON string, unescaped into `to`; these files hold no other values
 * than strings and no \u escapes. */
static bool json_string(const char **at, char *to)
{
    const char *p = strchr(*at, '"');
    if (!p)
        return false;
    for (p++; *p != '"'; p++) {
        if (*p == '\\')
            *to++ = *++p == 'n' ? '\n' : *p == 'r' ? '\r' : *p;
        else
            *to++ = *p;
    }
    *to = '\0';
    *at = p + 1;
    return true;
}

static void check_spectrum(const char *name)
{
    enum { COLUMNS = 8 };
    size_t n_csv, n_json;
    char *csv = file_read("csvs", name, "csv", &n_csv), *json = file_read("json", name, "json", &n_json);
    char names[COLUMNS][64], key[256], value[256];
    const struct csv_field *fields;
    uint32_t n, n_columns = 0, n_values = 0;
    struct err err = {0};
    struct csv_reader *reader = csv_reader_new(csv, n_csv, 0, &err);
    ck_assert_msg(csv_reader_next(reader, &fields, &n_columns, &err) == 1, "%s: %s", name, err.msg);
    ck_assert_uint_le(n_columns, COLUMNS);
    for (uint32_t i = 0; i < n_columns; i++)
        snprintf(names[i], sizeof names[i], "%.*s", (int)fields[i].length, fields[i].text);
    const char *at = json;
    while (csv_reader_next(reader, &fields, &n, &err) == 1) {
        ck_assert_uint_eq(n, n_columns);
        for (uint32_t i = 0; i < n; i++, n_values++) {
            ck_assert_msg(json_string(&at, key) && json_string(&at, value),
                          "%s: more values than the JSON has", name);
            ck_assert_msg(strcmp(key, names[i]) == 0, "%s: %s, expected %s", name, names[i], key);
            ck_assert_msg(
                strlen(value) == fields[i].length && memcmp(value, fields[i].text, fields[i].length) == 0,
                "%s, %s: \"%.*s\", expected \"%s\"", name, key, (int)fields[i].length, fields[i].text, value);
        }
    }
    ck_assert_uint_gt(n_values, 0);
    ck_assert_msg(err.code == ERR_OK && !json_string(&at, key), "%s: fewer values than the JSON has", name);
    csv_reader_free(reader);
    free(csv);
    free(json);
}

/* All but location_coordinates, whose JSON has another phone number and another
 * coding than its CSV. */
static const char *const spectrum[] = {"comma_in_quotes",
                                       "empty",
                                       "empty_crlf",
                                       "escaped_quotes",
                                       "json",
                                       "newlines",
                                       "newlines_crlf",
                                       "quotes_and_newlines",
                                       "simple",
                                       "simple_crlf",
                                       "utf8"};

START_TEST(reads_csv_spectrum)
{
    check_spectrum(spectrum[_i]);
}
END_TEST

START_TEST(reads_csv_spectrum_coordinates)
{
    size_t n;
    char *csv = file_read("csvs", "location_coordinates", "csv", &n);
    struct err err = {0};
    char *rows = rows_text(csv, n, 0, &err);
    ck_assert_str_eq(rows, "Contact Phone Number|Location Coordinates|Cities|Counties/"
                           "2095257564|37\xef\xbf\xbd"
                           "36'37.8\"N 121\xef\xbf\xbd"
                           "2'17.9\"W|Modesto|Stanislaus/");
    free(rows);
    free(csv);
}
END_TEST

/* The first field holds separator, quote and line end, the second is empty. */
START_TEST(a_quoted_field_holds_anything_in_every_dialect)
{
    static const char separators[] = {',', ';', '\t', '|'};
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    for (size_t i = 0; i < sizeof separators; i++) {
        for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
            char csv[200], expected[200], c = separators[i];
            struct err err = {0};
            snprintf(csv, sizeof csv, "a%cb%cc%s\"x%cy \"\"z\"\"%sw\"%c\"\"%c7%s\"u\"%cv%c8", c, c, ends[k],
                     c, ends[k], c, c, ends[k], c, c);
            snprintf(expected, sizeof expected, "a|b|c/<x%cy \"z\"%sw>|<>|7/<u>|v|8/", c, ends[k]);
            char *rows = rows_text(csv, strlen(csv), 0, &err);
            ck_assert_msg(rows, "\"%s\": %s", csv, err.msg);
            ck_assert_str_eq(rows, expected);
            free(rows);
        }
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("csv");
    TCase *tests = tcase_create("csv");
    tcase_add_test(tests, reads_rfc_4180);
    tcase_add_test(tests, skips_blank_lines_and_blanks_around_quotes);
    tcase_add_test(tests, runs_of_blanks_separate);
    tcase_add_test(tests, fields_of_any_length_are_found);
    tcase_add_test(tests, a_row_cut_anywhere_is_asked_for_again);
    tcase_add_test(tests, texts_come_in_utf8);
    tcase_add_test(tests, errors_name_the_row);
    tcase_add_test(tests, a_million_fields_and_no_more);
    tcase_add_test(tests, guesses_the_separator);
    tcase_add_test(tests, a_quoted_field_holds_anything_in_every_dialect);
    tcase_add_loop_test(tests, reads_csv_spectrum, 0, sizeof spectrum / sizeof *spectrum);
    tcase_add_test(tests, reads_csv_spectrum_coordinates);
    suite_add_tcase(suite, tests);
    return suite;
}
