/* table_ingest and table_open: types, names, headers, missing values, errors with row and column; the same table whatever the number of
 * threads and wherever the edges of chunks fall. */
#include "ingest.h"
#include "ingest_bytes.h"
#include "mlp/csv.h"
#include "mlp/table.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[40];
static char csv_path[64], table_path[64];

static void folder_make(void)
{
    /* in memory where there is such a place: each ingest syncs its file */
    snprintf(folder, sizeof folder, "%s/mlpd-test-table-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(csv_path, sizeof csv_path, "%s/csv", folder);
    snprintf(table_path, sizeof table_path, "%s/table", folder);
}

static void folder_remove(void)
{
    unlink(csv_path);
    unlink(table_path);
    rmdir(folder);
}

static const struct ingest_sizes usual = {.chunk_bytes = 1 << 20, .head_bytes = 1 << 20, .head_rows = 1000};

/* --- one ingest of a text --- */

struct reading {
    const char *csv;
    size_t n_bytes; /* 0: strlen(csv) */
    struct csv_options options;
    struct ingest_sizes sizes; /* zero: the usual ones */
    struct table_progress *progress;
    struct csv_report report;
    struct err err;
};

static bool ingest(struct reading *reading)
{
    const struct ingest_sizes *sizes = reading->sizes.chunk_bytes ? &reading->sizes : &usual;
    size_t n = reading->n_bytes ? reading->n_bytes : strlen(reading->csv);
    int fd = open(csv_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, reading->csv, n), (ssize_t)n);
    bool good = table_ingest_sized(fd, &reading->options, sizes, table_path, reading->progress, &reading->report, &reading->err);
    close(fd);
    ck_assert_msg(good || access(table_path, F_OK) != 0, "a failed ingest leaves no table behind");
    return good;
}

static struct table *table_of(struct reading *reading)
{
    ck_assert_msg(ingest(reading), "\"%.60s\": %s", reading->csv, reading->err.msg);
    struct table *table = table_open(table_path, &reading->err);
    ck_assert_msg(table, "%s", reading->err.msg);
    ck_assert_msg(table_verify(table, &reading->err), "%s", reading->err.msg);
    return table;
}

/* The table as text: "name:type" of each column, then each row; numbers by %.9g, levels in <>, missing as _. The caller frees it. */
static char *table_text(const struct table *table)
{
    static const char types[] = "bnc";
    uint32_t n_columns = table_n_columns(table);
    size_t room = 1 << 16, n = 0;
    char *text = malloc(room);
    for (uint64_t row = 0; row <= table_n_rows(table); row++) {
        for (uint32_t i = 0; i < n_columns; i++) {
            const struct column *column = table_column(table, i);
            const char *between = i ? " " : "";
            if (room - n < 4096)
                text = realloc(text, room *= 2);
            if (row == 0)
                n += (size_t)sprintf(text + n, "%s%.1000s:%c", between, column->name, types[column->type]);
            else if (column->type != COLUMN_CATEGORY && isnan(table_number(table, i, row - 1)))
                n += (size_t)sprintf(text + n, "%s_", between);
            else if (column->type != COLUMN_CATEGORY)
                n += (size_t)sprintf(text + n, "%s%.9g", between, (double)table_number(table, i, row - 1));
            else if (table_level(table, i, row - 1) == TABLE_MISSING)
                n += (size_t)sprintf(text + n, "%s_", between);
            else
                n += (size_t)sprintf(text + n, "%s<%.1000s>", between, column->levels[table_level(table, i, row - 1)]);
        }
        text[n++] = '/';
    }
    text[n] = '\0';
    return text;
}

static void check_text(struct reading *reading, const char *expected)
{
    struct table *table = table_of(reading);
    char *text = table_text(table);
    ck_assert_msg(strcmp(text, expected) == 0, "\"%.200s\" is read as\n%s, expected\n%s", reading->csv, text, expected);
    free(text);
    table_unref(table);
}

struct expectation {
    const char *csv, *expected;
};

static void check_all(const struct expectation *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t chunk = 1; chunk < 40; chunk += 6) {
            struct reading reading = {.csv = all[i].csv, .options.n_threads = 1 + (uint32_t)chunk % 3, .sizes = {chunk, 1 << 16, 1000}};
            check_text(&reading, all[i].expected);
        }
}
#define CHECK_ALL(all) check_all(all, sizeof(all) / sizeof *(all))

/* --- what is understood --- */

START_TEST(columns_get_the_narrowest_type)
{
    static const struct expectation all[] = {
        {"a,b\n0,255\n7,1\n", "a:b b:b/0 255/7 1/"},
        {"a,b\n0,256\n7,1\n", "a:b b:n/0 256/7 1/"},
        {"a,b\n-1,0.5\n7,1\n", "a:n b:n/-1 0.5/7 1/"},
        {"a,b\n1,\n7,1\n", "a:b b:n/1 _/7 1/"},
        {"a,b\n1,x\n7,\n", "a:b b:c/1 <x>/7 _/"},
        {"a,b\n,x\n,y\n", "a:n b:c/_ <x>/_ <y>/"},
        {"a,b\n007,1\n010,2\n", "a:b b:b/7 1/10 2/"},
        {"a,b\n1.0,1e2\n2.00,+3\n", "a:b b:b/1 100/2 3/"},
        {"a,b\n1e999,1\nx,2\n", "a:c b:b/<1e999> 1/<x> 2/"},
        {"a,b\n1,1\n1e39,2\n", "a:c b:b/<1> 1/<1e39> 2/"},
        {"a\n1\n2\n", "a:b/1/2/"},
        {"a\n\"1\"\n\" 2.5 \"\n", "a:n/1/2.5/"},
    };
    CHECK_ALL(all);
}
END_TEST

START_TEST(missing_values_are_read_as_missing)
{
    static const struct expectation all[] = {
        {"a,b\nNA,N/A\n1.5,x\nnull,?\n-,.\nNaN,\"\"\n", "a:n b:c/_ _/1.5 <x>/_ _/_ _/_ _/"},
        {"a, b\n1, ?\n2, x\n ,y \n", "a:n b:c/1 _/2 <x>/_ <y>/"},
    };
    CHECK_ALL(all);
}
END_TEST

START_TEST(categories_keep_texts_apart)
{
    static const struct expectation all[] = {
        {"a\n01\n1\nx\n01\n1.0\n", "a:c/<01>/<1>/<x>/<01>/<1.0>/"},
        {"a\n x \nx\n\" x\"\n\"x\"\n", "a:c/<x>/<x>/< x>/<x>/"},
        {"a,b\n\"p\nq\",1\n\"p\"\"q\",2\n", "a:c b:b/<p\nq> 1/<p\"q> 2/"},
    };
    CHECK_ALL(all);
}
END_TEST

START_TEST(line_ends_blank_lines_and_bom_do_not_matter)
{
    static const struct expectation all[] = {
        {"a,b\r\n1,2\r\n300,4\r\n", "a:n b:b/1 2/300 4/"},
        {"a,b\r1,2\r300,4", "a:n b:b/1 2/300 4/"},
        {"\n\na,b\n\n1,2\n  \n\r\n3,4\n\n\n", "a:b b:b/1 2/3 4/"},
        {"\xef\xbb\xbf" "a,b\n1,2\n", "a:b b:b/1 2/"},
        {"\xef\xbb\xbf" "1,2\n3,4\n", "c1:b c2:b/1 2/3 4/"},
        {"a;b\n1;2\n", "a:b b:b/1 2/"},
        {" 1.5  2 3\n 2.5 10 4\n", "c1:n c2:b c3:b/1.5 2 3/2.5 10 4/"},
    };
    CHECK_ALL(all);
}
END_TEST

START_TEST(headers_are_found)
{
    static const struct expectation all[] = {
        {"1,2\n3,4\n", "c1:b c2:b/1 2/3 4/"},
        {"1,x\n3,y\n", "c1:b c2:c/1 <x>/3 <y>/"},
        {"x,y\nx,z\n", "c1:c c2:c/<x> <y>/<x> <z>/"},
        {"first,last\nJohn,Doe\nJane,Doe\n", "first:c last:c/<John> <Doe>/<Jane> <Doe>/"},
        {"id,2019,2020\n1,5,6\n2,7,8\n", "id:b 2019:b 2020:b/1 5 6/2 7 8/"},
        {"label,1x1,1x2\n5,0,0\n", "label:b 1x1:b 1x2:b/5 0 0/"},
        {"7,8\n", "c1:b c2:b/7 8/"},
        {"3,2,yes,no\n1.5,2,0\n3,4,1\n5,6,1\n", "c1:n c2:b c3:b/1.5 2 0/3 4 1/5 6 1/"},
        {"5.1,3.5,setosa\n4.9,3.0,setosa\n", "c1:n c2:n c3:c/5.0999999 3.5 <setosa>/4.9000001 3 <setosa>/"},
    };
    CHECK_ALL(all);
}
END_TEST

START_TEST(options_overrule_the_guess)
{
    struct reading named = {.csv = "x,y\nx,z\n", .options.header = 1};
    check_text(&named, "x:c y:c/<x> <z>/");
    ck_assert(named.report.header && named.report.separator == ',' && named.report.bytes == 8);
    struct reading plain = {.csv = "a,b\n1,2\n", .options.header = -1};
    check_text(&plain, "c1:c c2:c/<a> <b>/<1> <2>/");
    ck_assert(!plain.report.header);
    struct reading other = {.csv = "a,b;c\n1,2;3\n", .options.separator = ';'};
    check_text(&other, "a,b:c c:b/<1,2> 3/");
    ck_assert_int_eq(other.report.separator, ';');
}
END_TEST

START_TEST(names_are_unique_and_never_empty)
{
    static const struct expectation all[] = {
        {"a,a,,a,a.2,,c3\n1,2,3,4,5,6,7\n", "a:b a.2:b c3:b a.3:b a.2.2:b c6:b c3.2:b/1 2 3 4 5 6 7/"},
        {"\" a \", b \n1,2\n", " a :b b:b/1 2/"},
    };
    CHECK_ALL(all);
    struct reading reading = {.csv = all[0].csv};
    struct table *table = table_of(&reading);
    for (uint32_t i = 0; i < table_n_columns(table); i++)
        ck_assert_int_eq(table_find(table, table_column(table, i)->name), i);
    ck_assert_int_eq(table_find(table, "b"), -1);
    ck_assert_int_eq(table_find(table, ""), -1);
    table_unref(table);
}
END_TEST

START_TEST(records_are_aligned_wide_values_first)
{
    struct reading reading = {.csv = "a,b,c,d,e\n1,1.5,2,x,3\n"};
    struct table *table = table_of(&reading);
    static const uint32_t offsets[] = {8, 0, 9, 4, 10};
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_uint_eq(table_column(table, i)->offset, offsets[i]);
    ck_assert_uint_eq(table_record_bytes(table), 12);
    ck_assert_uint_eq((uintptr_t)table_records(table) % 64, 0);
    ck_assert_uint_eq(table_records(table)[11], 0);
    struct table *same = table_ref(table);
    table_unref(table);
    ck_assert_uint_eq(table_n_rows(same), 1);
    table_unref(same);
}
END_TEST

/* --- types that turn out too narrow --- */

/* 3,000 rows of which only the first thousand are looked at; the last one differs. */
static char *late_csv(const char *last)
{
    char *csv = malloc(1 << 16), *to = csv + sprintf(csv, "a,b\n");
    for (int i = 0; i < 3000; i++)
        to += sprintf(to, "%d,%d.5\n", i % 10, i % 7);
    strcpy(to, last);
    return csv;
}

START_TEST(a_last_row_widens_the_types)
{
    static const struct {
        const char *last;
        enum column_type a, b;
        const char *a_text, *b_text; /* of the last row */
    } cases[] = {
        {"5,5\n", COLUMN_BYTE, COLUMN_NUMBER, "5", "5"},
        {"256,5", COLUMN_NUMBER, COLUMN_NUMBER, "256", "5"},
        {"1.5,5\n", COLUMN_NUMBER, COLUMN_NUMBER, "1.5", "5"},
        {"-1,5\n", COLUMN_NUMBER, COLUMN_NUMBER, "-1", "5"},
        {",5\n", COLUMN_NUMBER, COLUMN_NUMBER, "_", "5"},
        {"x,5\n", COLUMN_CATEGORY, COLUMN_NUMBER, "<x>", "5"},
        {"01,y\n", COLUMN_BYTE, COLUMN_CATEGORY, "1", "<y>"},
        {"\"x, y\",\"\"\"\"\n", COLUMN_CATEGORY, COLUMN_CATEGORY, "<x, y>", "<\">"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *csv = late_csv(cases[i].last), expected[64];
        struct reading reading = {.csv = csv, .options.n_threads = 2, .sizes = {1000, 1 << 16, 1000}};
        struct table *table = table_of(&reading);
        char *text = table_text(table);
        snprintf(expected, sizeof expected, "/%s %s/", cases[i].a_text, cases[i].b_text);
        ck_assert_int_eq(table_column(table, 0)->type, cases[i].a);
        ck_assert_int_eq(table_column(table, 1)->type, cases[i].b);
        ck_assert_uint_eq(table_n_rows(table), 3001);
        ck_assert_msg(strcmp(text + strlen(text) - strlen(expected), expected) == 0, "\"%s\" ends the table with %s", cases[i].last,
                      text + strlen(text) - 20);
        if (cases[i].b == COLUMN_CATEGORY)
            ck_assert_str_eq(table_column(table, 1)->levels[1], "1.5");
        free(text);
        table_unref(table);
        free(csv);
    }
}
END_TEST

/* --- the same table whatever reads it --- */

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * 0x2545f4914f6cdd1dull;
}

static uint32_t random_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)((random_next(state) >> 32) % n);
}

/* Five columns: byte, number, category, text with separators, quotes and line ends in it, byte. */
static char *random_csv(uint64_t seed, uint32_t n_rows)
{
    static const char *const ends[] = {"\n", "\r\n", "\r", "\n\n", "\n \r\n"};
    static const char *const pieces[] = {"\"\"", "\n", ",", "x", "\r\n", "yy", " ", "1,2,3,4,5\n", "\"\"\n\"\","};
    uint64_t state = seed * 2 + 1;
    char *csv = malloc((size_t)n_rows * 160 + 100), *to = csv + sprintf(csv, "b,n,k,t,e\n");
    uint32_t quoting = random_below(&state, 3); /* never, seldom, always */
    for (uint32_t i = 0; i < n_rows; i++) {
        to += sprintf(to, "%u,", random_below(&state, 256));
        to += random_below(&state, 9) ? sprintf(to, "%.5g,", (double)random_below(&state, 100000) / 7 - 5000) : sprintf(to, ",");
        to += random_below(&state, 9) ? sprintf(to, " k%u ,", random_below(&state, 50)) : sprintf(to, "NA,");
        if (quoting == 2 || (quoting == 1 && random_below(&state, 20) == 0)) {
            *to++ = '"';
            for (uint32_t j = random_below(&state, 8); j > 0; j--)
                to += sprintf(to, "%s", pieces[random_below(&state, sizeof pieces / sizeof *pieces)]);
            *to++ = '"';
        } else {
            to += sprintf(to, "t%u", random_below(&state, 5));
        }
        to += sprintf(to, ",%u%s", random_below(&state, 256), ends[random_below(&state, 5)]);
    }
    return csv;
}

/* What csv_reader and number_parse make of a field, in table_text's words. */
static size_t field_text(char *to, const struct csv_field *field, bool numeric)
{
    float value;
    uint32_t from = 0, end = field->length;
    if (text_is_missing(field->text, field->length))
        return (size_t)sprintf(to, "_");
    if (numeric && number_parse(field->text, field->length, &value))
        return (size_t)sprintf(to, "%.9g", (double)value);
    while (!field->quoted && field->text[from] == ' ')
        from++;
    while (!field->quoted && field->text[end - 1] == ' ')
        end--;
    return (size_t)sprintf(to, "<%.*s>", (int)(end - from), field->text + from);
}

static char *reader_text(const char *csv)
{
    struct err err = {0};
    struct csv_reader *reader = csv_reader_new(csv, strlen(csv), ',', &err);
    const struct csv_field *fields;
    uint32_t n_fields;
    char *text = malloc(3 * strlen(csv) + 100);
    size_t n = (size_t)sprintf(text, "b:b n:n k:c t:c e:b/");
    ck_assert_int_eq(csv_reader_next(reader, &fields, &n_fields, &err), 1);
    while (csv_reader_next(reader, &fields, &n_fields, &err) == 1) {
        for (uint32_t i = 0; i < n_fields; i++) {
            if (i > 0)
                text[n++] = ' ';
            n += field_text(text + n, &fields[i], i != 2 && i != 3);
        }
        text[n++] = '/';
    }
    text[n] = '\0';
    csv_reader_free(reader);
    return text;
}

START_TEST(chunk_edges_anywhere_change_nothing)
{
    static const size_t chunks[] = {1, 2, 3, 7, 16, 31, 64, 100, 333, 1000, 5000};
    char *csv = random_csv((uint64_t)_i + 1, 60), *expected = reader_text(csv);
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        struct reading reading = {.csv = csv, .options.n_threads = 1 + (uint32_t)i % 3, .sizes = {chunks[i], 1 << 16, 1000}};
        check_text(&reading, expected);
    }
    free(expected);
    free(csv);
}
END_TEST

static char *file_bytes(const char *path, size_t *n_bytes)
{
    struct stat status;
    int fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &status), 0);
    char *bytes = malloc((size_t)status.st_size + 1);
    ck_assert_int_eq(read(fd, bytes, (size_t)status.st_size), status.st_size);
    close(fd);
    *n_bytes = (size_t)status.st_size;
    return bytes;
}

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    static const uint32_t threads[] = {1, 2, 3, 8};
    char *csv = random_csv(77 + (uint64_t)_i, 3000), *first = NULL;
    size_t n_first = 0;
    for (size_t i = 0; i < 4; i++) {
        struct reading reading = {.csv = csv, .options.n_threads = threads[i], .sizes = {1500, 1 << 16, 1000}};
        table_unref(table_of(&reading));
        size_t n;
        char *bytes = file_bytes(table_path, &n);
        if (first) {
            ck_assert_uint_eq(n, n_first);
            ck_assert_msg(memcmp(bytes, first, n) == 0, "%u threads write another file than 1", threads[i]);
            free(bytes);
        } else {
            first = bytes;
            n_first = n;
        }
    }
    free(first);
    free(csv);
}
END_TEST

/* Rows of bytes take their own way: every digit count, line end and block offset, and rows that only the general way can read. */
START_TEST(rows_of_bytes_are_read_exactly)
{
    static const char *const odd[] = {" 7", "\"8\"", "009", "0010", "1.0", "+5", "2e1", "12 "};
    static const unsigned odd_values[] = {7, 8, 9, 10, 1, 5, 20, 12};
    for (uint32_t n_columns = 1; n_columns < 90; n_columns += 1 + n_columns / 8) {
        uint64_t state = n_columns;
        uint32_t n_rows = 3000 / n_columns + 2;
        uint8_t *values = malloc((size_t)n_rows * n_columns);
        char *csv = malloc((size_t)n_rows * n_columns * 6 + 10), *to = csv;
        for (uint32_t i = 0; i < n_rows * n_columns; i++) {
            bool end = (i + 1) % n_columns == 0;
            values[i] = (uint8_t)(random_next(&state) >> 40 >> random_below(&state, 8));
            if (i >= n_columns && random_below(&state, 400) == 0) {
                uint32_t which = random_below(&state, 8);
                values[i] = (uint8_t)odd_values[which];
                to += sprintf(to, "%s", odd[which]);
            } else {
                to += sprintf(to, random_below(&state, 4) ? "%u" : "%03u", values[i]);
            }
            to += sprintf(to, "%s", !end ? "," : random_below(&state, 2) ? "\n" : "\r\n");
        }
        for (size_t chunk = 50; chunk < 5000; chunk *= 3) {
            struct reading reading = {.csv = csv, .options = {.header = -1, .separator = ',', .n_threads = 2}, .sizes = {chunk, 1 << 12, 9}};
            struct table *table = table_of(&reading);
            ck_assert_uint_eq(table_n_rows(table), n_rows);
            ck_assert_uint_eq(table_record_bytes(table), n_columns);
            ck_assert_int_eq(memcmp(table_records(table), values, (size_t)n_rows * n_columns), 0);
            table_unref(table);
        }
        free(csv);
        free(values);
    }
}
END_TEST

/* A number that is none of 0..255 in a row of bytes, at any column, is never taken for one. */
START_TEST(rows_of_bytes_contradicted_anywhere)
{
    static const char *const others[] = {"256", "299", "300", "999", "1000", "-1", "1.5", "", "x", "25 5", "2 ", "4294967297"};
    for (uint32_t at = 0; at < 100; at += 3) {
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
            char csv[4096], *to = csv;
            for (uint32_t row = 0; row < 4; row++)
                for (uint32_t column = 0; column < 100; column++)
                    to += sprintf(to, "%s%c", row == 2 && column == at ? others[i] : "25", column < 99 ? ',' : '\n');
            struct reading reading = {.csv = csv, .options = {.header = -1, .separator = ','}, .sizes = {1 << 16, 600, 1}};
            struct table *table = table_of(&reading);
            float value;
            bool number = number_parse(others[i], strlen(others[i]), &value), byte = number && value == 2;
            enum column_type type = byte ? COLUMN_BYTE : number || !*others[i] ? COLUMN_NUMBER : COLUMN_CATEGORY;
            ck_assert_uint_eq(table_n_rows(table), 4);
            for (uint32_t column = 0; column < 100; column++)
                ck_assert_int_eq(table_column(table, column)->type, column == at ? type : COLUMN_BYTE);
            if (number)
                ck_assert_float_eq(table_number(table, at, 2), value);
            table_unref(table);
        }
    }
}
END_TEST

/* A row that the fast way may take: what it gives, digit by digit. */
static size_t rows_by_hand(const char *text, size_t n, uint32_t n_columns, uint8_t *out, uint64_t *n_rows)
{
    size_t taken = 0, at = 0;
    uint32_t column = 0, value = 0, n_digits = 0;
    for (*n_rows = 0; at < n; at++) {
        char c = text[at];
        if (c >= '0' && c <= '9') {
            value = value * 10 + (uint32_t)(c - '0');
            if (++n_digits > 3 || value > 255)
                break;
        } else if ((c == ',' || c == '\n') && n_digits > 0) {
            out[*n_rows * n_columns + column++] = (uint8_t)value;
            value = n_digits = 0;
            if ((c == '\n') != (column == n_columns))
                break;
            if (c == '\n') {
                column = 0;
                taken = at + 1;
                ++*n_rows;
            }
        } else {
            break;
        }
    }
    return taken;
}

START_TEST(every_instruction_set_takes_the_same_rows)
{
    enum { BEFORE = 16, N = 4000 };
    static char text[BEFORE + N + 64];
    static uint8_t expected[N + 64], out[N + 64];
    uint64_t state = 12345;
    for (unsigned round = 0; round < 3000; round++) {
        uint32_t n_columns = 1 + random_below(&state, 40), n_rows = 1 + random_below(&state, 20), wrong = random_below(&state, 2000);
        size_t n = 0;
        for (uint32_t i = 0; i < n_rows * n_columns && n < N - 5; i++) {
            static const char *const strange[] = {"256", "1000", "", "x", " 1", "12\n", "299", "300"};
            const char *odd = i == wrong ? strange[random_below(&state, 8)] : NULL;
            n += (size_t)(odd ? sprintf(text + BEFORE + n, "%s", odd)
                              : sprintf(text + BEFORE + n, "%0*u", 1 + (int)random_below(&state, 3), random_below(&state, 256)));
            text[BEFORE + n++] = (i + 1) % n_columns ? ',' : '\n';
        }
        for (unsigned k = 0; k < BEFORE; k++)
            text[k] = (char)('0' + random_below(&state, 10));
        text[BEFORE - 1] = '\n';
        uint64_t rows_expected, rows;
        size_t reach = rows_by_hand(text + BEFORE, n, n_columns, expected, &rows_expected);
        for (unsigned k = 0; bytes_kernels(k); k++) {
            size_t taken = bytes_kernels(k)->take(text, BEFORE, BEFORE + n, ',', n_columns, out, &rows) - BEFORE;
            ck_assert_msg(rows <= rows_expected && taken <= reach, "%s takes what is no row of bytes", bytes_kernels(k)->name);
            ck_assert_msg(taken == 0 ? rows == 0 : text[BEFORE + taken - 1] == '\n', "%s ends within a row", bytes_kernels(k)->name);
            ck_assert_msg(memcmp(out, expected, rows * n_columns) == 0, "%s reads other values", bytes_kernels(k)->name);
            /* it may stop early, in the block that holds something strange or the end, but not before */
            size_t row = 0;
            for (size_t i = 0; i < reach / 64 * 64; i++)
                row = text[BEFORE + i] == '\n' ? i + 1 : row;
            ck_assert_msg(taken >= row, "%s stops at %zu, expected %zu of %zu", bytes_kernels(k)->name, taken, row, reach);
        }
    }
}
END_TEST

START_TEST(every_instruction_set_counts_the_same)
{
    enum { ROWS = 300, COLUMNS = 150 };
    static uint8_t values[ROWS * COLUMNS];
    uint64_t state = 99;
    for (size_t i = 0; i < sizeof values; i++)
        values[i] = (uint8_t)(random_below(&state, 3) ? random_below(&state, 256) : 255);
    for (uint32_t n_columns = 1; n_columns <= COLUMNS; n_columns++) {
        for (unsigned k = 0; bytes_kernels(k); k++) {
            struct tally_byte tallies[COLUMNS];
            uint64_t n_rows = ROWS - n_columns;
            for (uint32_t i = 0; i < n_columns; i++)
                tallies[i] = (struct tally_byte){.min = 255};
            bytes_kernels(k)->add(tallies, n_columns, values, COLUMNS, n_rows);
            for (uint32_t i = 0; i < n_columns; i++) {
                struct tally_byte plain = {.min = 255};
                for (uint64_t row = 0; row < n_rows; row++) {
                    uint8_t value = values[row * COLUMNS + i];
                    plain.sum += value;
                    plain.squares += (uint64_t)value * value;
                    plain.min = value < plain.min ? value : plain.min;
                    plain.max = value > plain.max ? value : plain.max;
                }
                ck_assert_msg(plain.sum == tallies[i].sum && plain.squares == tallies[i].squares && plain.min == tallies[i].min &&
                              plain.max == tallies[i].max, "%s, column %u of %u", bytes_kernels(k)->name, i, n_columns);
            }
        }
    }
}
END_TEST

START_TEST(statistics_agree_with_plain_sums)
{
    enum { N = 5000 };
    uint64_t state = 5;
    char *csv = malloc(N * 80), *to = csv + sprintf(csv, "byte,number,category,constant,large\n");
    double bytes[N], numbers[N], sum = 0, squares = 0, byte_sum = 0, byte_squares = 0, min = INFINITY, max = -INFINITY;
    uint32_t n_numbers = 0, n_k[3] = {0};
    for (int i = 0; i < N; i++) {
        bytes[i] = random_below(&state, 200);
        uint32_t k = random_below(&state, 3);
        n_k[k]++;
        to += sprintf(to, "%g,", bytes[i]);
        if (random_below(&state, 10)) {
            float value = (float)random_below(&state, 100000) / 1000 + 1e4f;
            to += sprintf(to, "%.9g", (double)value);
            numbers[n_numbers++] = (double)value;
        }
        to += sprintf(to, ",%s,42.5,%d\n", k == 0 ? "x" : k == 1 ? "y" : "", 100000000 + i);
    }
    for (int i = 0; i < N; i++)
        byte_sum += bytes[i];
    for (int i = 0; i < N; i++)
        byte_squares += (bytes[i] - byte_sum / N) * (bytes[i] - byte_sum / N);
    for (uint32_t i = 0; i < n_numbers; i++) {
        sum += numbers[i];
        min = fmin(min, numbers[i]);
        max = fmax(max, numbers[i]);
    }
    for (uint32_t i = 0; i < n_numbers; i++)
        squares += (numbers[i] - sum / n_numbers) * (numbers[i] - sum / n_numbers);
    struct reading reading = {.csv = csv, .options.n_threads = 2, .sizes = {3000, 1 << 16, 1000}};
    struct table *table = table_of(&reading);
    const struct column *byte = table_column(table, 0), *number = table_column(table, 1), *category = table_column(table, 2);
    const struct column *constant = table_column(table, 3), *large = table_column(table, 4);
    ck_assert_double_eq_tol(byte->mean, byte_sum / N, 1e-9);
    ck_assert_double_eq_tol(byte->stddev, sqrt(byte_squares / N), 1e-9);
    ck_assert(byte->integer && byte->n_missing == 0 && byte->min == 0 && byte->max == 199);
    ck_assert_double_eq_tol(number->mean, sum / n_numbers, 1e-7);
    ck_assert_double_eq_tol(number->stddev, sqrt(squares / n_numbers), 1e-7);
    ck_assert(!number->integer && number->n_missing == N - n_numbers && number->min == min && number->max == max);
    ck_assert(isnan(category->min) && isnan(category->max) && isnan(category->mean) && isnan(category->stddev));
    ck_assert(category->n_missing == n_k[2] && category->n_levels == 2);
    for (uint32_t i = 0; i < 2; i++)
        ck_assert_uint_eq(category->level_rows[i], n_k[category->levels[i][0] - 'x']);
    ck_assert(constant->stddev == 0 && constant->mean == 42.5 && constant->min == 42.5 && !constant->integer);
    ck_assert(large->integer && large->min == 1e8);
    ck_assert_double_eq_tol(large->stddev, sqrt(((double)N * N - 1) / 12), 1);
    table_unref(table);
    free(csv);
}
END_TEST

START_TEST(levels_stand_in_order_of_appearance)
{
    char *csv = malloc(1 << 17), *to = csv + sprintf(csv, "a,b\n"), expected[16];
    for (int i = 0; i < 5000; i++)
        to += sprintf(to, "v%d,%d\n", (i / 2) * 7919 % 2003, i % 2);
    struct reading reading = {.csv = csv, .options.n_threads = 3, .sizes = {700, 1 << 12, 100}};
    struct table *table = table_of(&reading);
    ck_assert_uint_eq(table_column(table, 0)->n_levels, 2003);
    for (uint32_t i = 0; i < 2003; i++) {
        snprintf(expected, sizeof expected, "v%u", i * 7919 % 2003);
        ck_assert_str_eq(table_column(table, 0)->levels[i], expected);
        ck_assert_uint_eq(table_level(table, 0, 2 * (uint64_t)i), i);
    }
    table_unref(table);
    free(csv);
}
END_TEST

/* --- what is refused --- */

static void check_refused(struct reading *reading, enum err_code code, uint64_t row, const char *words)
{
    reading->err = (struct err){0};
    ck_assert_msg(!ingest(reading), "\"%.60s\" is refused", reading->csv);
    ck_assert_msg(reading->err.code == code && reading->err.row == row && strstr(reading->err.msg, words),
                  "\"%.60s\": code %d, row %llu, \"%s\"; expected code %d, row %llu, \"%s\"", reading->csv, reading->err.code,
                  (unsigned long long)reading->err.row, reading->err.msg, code, (unsigned long long)row, words);
}

START_TEST(bad_files_are_refused_with_row_and_reason)
{
    static const struct {
        const char *csv;
        size_t n_bytes;
        uint64_t row;
        const char *words;
    } cases[] = {
        {"\n", 1, 0, "empty"},
        {"\xef\xbb\xbf", 3, 0, "empty"},
        {"a,b\n", 4, 0, "no rows"},
        {"a,b\n\n \n", 7, 0, "no rows"},
        {"a,b\n1,2\n3\n4,5\n", 14, 2, "row 2 has 1 field, the header has 2"},
        {"a,b\n1,2\n3,4,5\n", 14, 2, "row 2 has 3 fields, the header has 2"},
        {"1,2\n3,4\n5,6,7\n", 14, 3, "row 3 has 3 fields, the first row has 2"},
        {"a,b\n1,2\n\n3,\"4\n5,6\n", 19, 2, "closing quote is missing"},
        {"a,b\n1,2\n3,\"4\"5\n", 15, 2, "text follows the closing quote"},
        {"a,b\n1,2\n3,\0\n", 12, 2, "NUL byte"},
        {"a,b\n1,\"\0\"\n", 10, 1, "NUL byte"},
        {"\"a,b\n1,2\n", 9, 1, "closing quote is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t chunk = 1; chunk < 12; chunk += 2) {
            struct reading reading = {.csv = cases[i].csv, .n_bytes = cases[i].n_bytes, .options.n_threads = 2, .sizes = {chunk, 64, 10}};
            check_refused(&reading, ERR_INPUT, cases[i].row, cases[i].words);
        }
}
END_TEST

START_TEST(an_empty_file_is_refused)
{
    struct err err = {0};
    struct csv_options options = {0};
    int fd = open(csv_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert(!table_ingest(fd, &options, table_path, NULL, NULL, &err));
    ck_assert_int_eq(err.code, ERR_INPUT);
    close(fd);
}
END_TEST

/* Rows are counted across chunks, blank lines and quoted line ends left out. */
START_TEST(the_first_bad_row_is_named_whatever_the_threads)
{
    char *csv = malloc(1 << 18), *to = csv + sprintf(csv, "a,b\n");
    for (int i = 1; i <= 4000; i++)
        to += sprintf(to, i % 5 ? "%d,2\n" : "%d,\"x\ny,z\n\"\n\r\n", i);
    to += sprintf(to, "1,2,3\n");
    for (int i = 1; i <= 4000; i++)
        to += sprintf(to, i % 3 ? "%d,2\n" : "%d\n", i);
    for (uint32_t n_threads = 1; n_threads <= 8; n_threads++) {
        struct reading reading = {.csv = csv, .options.n_threads = n_threads, .sizes = {512, 1 << 12, 100}};
        check_refused(&reading, ERR_INPUT, 4001, "row 4001 has 3 fields");
    }
    free(csv);
}
END_TEST

START_TEST(a_row_longer_than_the_limit_is_refused)
{
    size_t n = ((size_t)64 << 20) + 100;
    char *csv = malloc(n + 1);
    memset(csv, 'x', n);
    memcpy(csv, "a,b\n1,2\n\"", 9);
    csv[n] = '\0';
    struct reading reading = {.csv = csv, .options.n_threads = 2};
    check_refused(&reading, ERR_LIMIT, 2, "longer than 64 MB");
    free(csv);
}
END_TEST

START_TEST(long_texts_are_levels_up_to_a_limit)
{
    size_t n = ((size_t)64 << 20) - 100;
    char *csv = malloc(n + 1);
    memset(csv, 'z', n);
    memcpy(csv, "x\ny\n", 4);
    csv[n] = '\0';
    struct reading reading = {.csv = csv, .options.n_threads = 2};
    struct table *table = table_of(&reading);
    ck_assert_uint_eq(strlen(table_column(table, 0)->levels[1]), n - 4);
    table_unref(table);
    csv = realloc(csv, 2 * n + 1);
    memcpy(csv + n, "\nxx", 3);
    memset(csv + n + 3, 'z', n - 3);
    csv[2 * n] = '\0';
    reading.csv = csv;
    check_refused(&reading, ERR_LIMIT, 0, "too many different texts");
    ck_assert_str_eq(reading.err.column, "x");
    free(csv);
}
END_TEST

START_TEST(too_many_levels_name_the_column)
{
    char *csv = malloc(12 << 20), *to = csv + sprintf(csv, "n,name\n");
    for (uint32_t i = 0; i <= 1000000; i++)
        to += sprintf(to, "1,k%u\n", i);
    struct reading reading = {.csv = csv, .options.n_threads = 2};
    check_refused(&reading, ERR_LIMIT, 0, "too many different texts");
    ck_assert_str_eq(reading.err.column, "name");
    free(csv);
}
END_TEST

START_TEST(a_hundred_thousand_columns)
{
    enum { N = 100000 };
    char *csv = malloc(N * 12), *to = csv;
    for (int row = 0; row < 3; row++)
        for (int i = 0; i < N; i++)
            to += sprintf(to, row ? "%d%c" : "x%c", row ? i % 250 + row : i < N - 1 ? ',' : '\n', i < N - 1 ? ',' : '\n');
    struct reading reading = {.csv = csv, .options = {.header = 1, .n_threads = 2}, .sizes = {10000, 1000, 10}};
    struct table *table = table_of(&reading);
    ck_assert_uint_eq(table_n_columns(table), N);
    ck_assert_uint_eq(table_n_rows(table), 2);
    ck_assert_str_eq(table_column(table, N - 1)->name, "x.100000");
    for (uint32_t i = 0; i < N; i++)
        ck_assert_float_eq(table_number(table, i, 1), (float)(i % 250 + 2));
    table_unref(table);
    free(csv);
}
END_TEST

/* --- progress, and files that cannot be written --- */

struct ticks {
    uint64_t n, last_bytes, last_rows, stop_after;
};

static bool tick(void *self, uint64_t bytes_done, uint64_t bytes_all, uint64_t rows)
{
    struct ticks *ticks = self;
    ck_assert_uint_ge(bytes_done, ticks->last_bytes);
    ck_assert_uint_le(bytes_done, bytes_all);
    ck_assert_uint_ge(rows, ticks->last_rows);
    ticks->last_bytes = bytes_done;
    ticks->last_rows = rows;
    return ++ticks->n != ticks->stop_after;
}

START_TEST(progress_is_told_and_can_stop)
{
    char *csv = late_csv("1,2\n");
    struct ticks ticks = {0};
    struct table_progress progress = {tick, &ticks};
    struct reading reading = {.csv = csv, .options.n_threads = 1, .sizes = {1000, 1 << 12, 100}, .progress = &progress};
    table_unref(table_of(&reading));
    ck_assert_uint_eq(ticks.last_bytes, strlen(csv));
    ck_assert_uint_eq(ticks.last_rows, 3001);
    for (uint32_t n_threads = 1; n_threads < 4; n_threads++) {
        ticks = (struct ticks){.stop_after = 1};
        reading.options.n_threads = n_threads;
        check_refused(&reading, ERR_STOPPED, 0, "stopped");
        ck_assert_uint_eq(ticks.n, 1);
    }
    free(csv);
}
END_TEST

START_TEST(a_table_that_cannot_be_created_is_an_error)
{
    struct err err = {0};
    struct csv_options options = {0};
    int fd = open(csv_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_eq(write(fd, "a\n1\n", 4), 4);
    ck_assert(!table_ingest(fd, &options, "/nonexistent/table", NULL, NULL, &err));
    ck_assert_int_eq(err.code, ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.msg, strerror(ENOENT)));
    close(fd);
    ck_assert_ptr_null(table_open("/nonexistent/table", &err));
    ck_assert_int_eq(err.code, ERR_IO);
}
END_TEST

/* --- damaged files --- */

static void file_write(const char *bytes, size_t n)
{
    int fd = open(table_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
    close(fd);
}

START_TEST(a_damaged_file_is_never_opened)
{
    struct reading reading = {.csv = "a,b,c\n1,x,1.5\n2,y,2.5\n"};
    table_unref(table_of(&reading));
    size_t n;
    char *bytes = file_bytes(table_path, &n);
    for (size_t i = 0; i < n; i += i == 127 ? 4096 - 127 : 1) { /* header, records, schema; not the empty rest of the first page */
        struct err err = {0};
        bytes[i] ^= 0x10;
        file_write(bytes, n);
        bytes[i] ^= 0x10;
        bool record = i >= 4096 && i < 4096 + 2 * 12, unused = i >= 80 && i < 4096;
        struct table *table = table_open(table_path, &err);
        if (record || unused) {
            ck_assert_ptr_nonnull(table);
            ck_assert_int_eq(table_verify(table, &err), unused);
        } else {
            ck_assert_msg(!table, "byte %zu is damaged", i);
        }
        ck_assert_int_eq(err.code, unused ? ERR_OK : ERR_CORRUPT);
        table_unref(table);
    }
    for (size_t length = 0; length < n; length += length < 100 || length > n - 50 ? 1 : 37) {
        struct err err = {0};
        file_write(bytes, length);
        ck_assert_ptr_null(table_open(table_path, &err));
        ck_assert_int_eq(err.code, ERR_CORRUPT);
    }
    free(bytes);
}
END_TEST

/* --- real files --- */

static const struct {
    const char *path;
    uint64_t n_rows;
    uint32_t n_columns, n_categories;
    bool header;
    char separator;
} shared_files[] = {
    {"adult/adult-train.csv", 32561, 15, 9, false, ','},
    {"adult/adult-test.csv", 16281, 15, 9, false, ','},
    {"boston-housing/housing.csv", 506, 14, 0, false, ','},
    {"boston-housing/housing.data", 506, 14, 0, false, ' '},
    {"breast-cancer-wdbc/breast_cancer.sklearn.csv", 569, 31, 0, false, ','},
    {"california-housing/housing.csv", 20640, 10, 1, true, ','},
    {"iris/iris.csv", 150, 5, 1, true, ','},
    {"iris/iris.noheader.csv", 150, 5, 1, false, ','},
    {"iris/iris.sklearn.csv", 150, 5, 0, false, ','},
    {"penguins/penguins.csv", 344, 7, 3, true, ','},
    {"penguins/penguins.rdatasets.csv", 344, 9, 3, true, ','},
    {"penguins/penguins_size.csv", 344, 7, 3, true, ','},
    {"tips/tips.csv", 244, 7, 4, true, ','},
    {"titanic/titanic.csv", 891, 12, 5, true, ','},
    {"wine/wine.csv", 178, 14, 0, false, ','},
    {"wine/wine_data.sklearn.csv", 178, 14, 0, false, ','},
    {"winequality/winequality-red.csv", 1599, 12, 0, true, ';'},
    {"winequality/winequality-white.csv", 4898, 12, 0, true, ';'},
};

static void shared_path(char *path, size_t n, const char *name)
{
    const char *shared = getenv("MLPD_SHARED");
    if (shared)
        snprintf(path, n, "%s/data/%s", shared, name);
    else
        snprintf(path, n, "%.*s../../../shared/data/%s", (int)(sizeof __FILE__ - sizeof "test_table.c"), __FILE__, name);
}

START_TEST(real_files_are_understood)
{
    char path[1024];
    struct err err = {0};
    struct csv_options options = {.n_threads = 2};
    struct csv_report report;
    shared_path(path, sizeof path, shared_files[_i].path);
    int fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_msg(table_ingest(fd, &options, table_path, NULL, &report, &err), "%s: %s", path, err.msg);
    close(fd);
    struct table *table = table_open(table_path, &err);
    uint32_t n_categories = 0;
    for (uint32_t i = 0; i < table_n_columns(table); i++)
        n_categories += table_column(table, i)->type == COLUMN_CATEGORY;
    ck_assert_msg(table_n_rows(table) == shared_files[_i].n_rows && table_n_columns(table) == shared_files[_i].n_columns &&
                      n_categories == shared_files[_i].n_categories && report.header == shared_files[_i].header &&
                      report.separator == shared_files[_i].separator,
                  "%s: %llu rows, %u columns, %u categories, header %d, separator '%c'", shared_files[_i].path,
                  (unsigned long long)table_n_rows(table), table_n_columns(table), n_categories, report.header, report.separator);
    table_unref(table);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, columns_get_the_narrowest_type);
    tcase_add_test(tests, missing_values_are_read_as_missing);
    tcase_add_test(tests, categories_keep_texts_apart);
    tcase_add_test(tests, line_ends_blank_lines_and_bom_do_not_matter);
    tcase_add_test(tests, headers_are_found);
    tcase_add_test(tests, options_overrule_the_guess);
    tcase_add_test(tests, names_are_unique_and_never_empty);
    tcase_add_test(tests, records_are_aligned_wide_values_first);
    tcase_add_test(tests, a_last_row_widens_the_types);
    tcase_add_loop_test(tests, chunk_edges_anywhere_change_nothing, 0, 12);
    tcase_add_loop_test(tests, any_number_of_threads_gives_the_same_bytes, 0, 6);
    tcase_add_test(tests, rows_of_bytes_are_read_exactly);
    tcase_add_test(tests, rows_of_bytes_contradicted_anywhere);
    tcase_add_test(tests, every_instruction_set_takes_the_same_rows);
    tcase_add_test(tests, every_instruction_set_counts_the_same);
    tcase_add_test(tests, statistics_agree_with_plain_sums);
    tcase_add_test(tests, levels_stand_in_order_of_appearance);
    tcase_add_test(tests, bad_files_are_refused_with_row_and_reason);
    tcase_add_test(tests, an_empty_file_is_refused);
    tcase_add_test(tests, the_first_bad_row_is_named_whatever_the_threads);
    tcase_add_test(tests, a_row_longer_than_the_limit_is_refused);
    tcase_add_test(tests, long_texts_are_levels_up_to_a_limit);
    tcase_add_test(tests, too_many_levels_name_the_column);
    tcase_add_test(tests, a_hundred_thousand_columns);
    tcase_add_test(tests, progress_is_told_and_can_stop);
    tcase_add_test(tests, a_table_that_cannot_be_created_is_an_error);
    tcase_add_test(tests, a_damaged_file_is_never_opened);
}

int main(void)
{
    char path[1024];
    Suite *suite = suite_create("table");
    TCase *tests = tcase_create("table");
    tcase_add_checked_fixture(tests, folder_make, folder_remove);
    tcase_set_timeout(tests, 60);
    add_tests(tests);
    shared_path(path, sizeof path, shared_files[0].path);
    bool have_shared = access(path, R_OK) == 0;
    if (have_shared)
        tcase_add_loop_test(tests, real_files_are_understood, 0, sizeof shared_files / sizeof *shared_files);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (!have_shared)
        fprintf(stderr, "skipped: the shared data sets are not here\n");
    return failed ? EXIT_FAILURE : have_shared ? EXIT_SUCCESS : 77;
}
