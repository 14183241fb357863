/* The same table whatever the number of threads, wherever the edges of chunks
 * fall, and whatever the instruction set. */
#include "helper_main.h"
#include "helper_table.h"
#include "mlp/csv.h"
#include "mlp/number.h"
#include "mlp/table.h"
#include "table/ingest_bytes.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the same table whatever reads it --- */

/* Five columns: byte, number, category, text with separators, quotes and line
 * ends in it, byte. */
static char *random_csv(uint64_t seed, uint32_t n_rows)
{
    static const char *const ends[] = {"\n", "\r\n", "\r", "\n\n", "\n \r\n"};
    static const char *const pieces[] = {"\"\"", "\n", ",",           "x",          "\r\n",
                                         "yy",   " ",  "1,2,3,4,5\n", "\"\"\n\"\","};
    uint64_t state = seed * 2 + 1;
    char *csv = malloc((size_t)n_rows * 160 + 100), *to = csv + sprintf(csv, "b,n,k,t,e\n");
    uint32_t quoting = random_below(&state, 3); /* never, seldom, always */
    for (uint32_t i = 0; i < n_rows; i++) {
        to += sprintf(to, "%u,", random_below(&state, 256));
        to += random_below(&state, 9) ? sprintf(to, "%.5g,", (double)random_below(&state, 100000) / 7 - 5000)
                                      : sprintf(to, ",");
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
        struct reading reading = {
            .csv = csv, .options.n_threads = 1 + (uint32_t)i % 3, .sizes = {chunks[i], 1 << 16, 1000}};
        check_text(&reading, expected);
    }
    free(expected);
    free(csv);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    static const uint32_t threads[] = {1, 2, 3, 8};
    char *csv = random_csv(77 + (uint64_t)_i, 3000), *first = NULL;
    size_t n_first = 0;
    for (size_t i = 0; i < 4; i++) {
        struct reading reading = {
            .csv = csv, .options.n_threads = threads[i], .sizes = {1500, 1 << 16, 1000}};
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

/* Rows of bytes take their own way: every digit count, line end and block
 * offset, and rows that only the general way can read. */
START_TEST(rows_of_bytes_are_read_exactly)
{
    static const char *const odd[] = {" 7", "\"8\"", "9.0", "1e1", "1.0", "+5", "2e1", "12 "};
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
                to += sprintf(to, "%u", values[i]);
            }
            to += sprintf(to, "%s", !end ? "," : random_below(&state, 2) ? "\n" : "\r\n");
        }
        for (size_t chunk = 50; chunk < 5000; chunk *= 3) {
            struct reading reading = {.csv = csv,
                                      .options = {.header = -1, .separator = ',', .n_threads = 2},
                                      .sizes = {chunk, 1 << 12, 9}};
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

/* A number that is none of 0..255 in a row of bytes, at any column, is never
 * taken for one. */
START_TEST(rows_of_bytes_contradicted_anywhere)
{
    static const char *const others[] = {"256", "299", "300", "999",  "1000", "-1",
                                         "1.5", "",    "x",   "25 5", "2 ",   "4294967297"};
    for (uint32_t at = 0; at < 100; at += 3) {
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
            char csv[4096], *to = csv;
            for (uint32_t row = 0; row < 4; row++)
                for (uint32_t column = 0; column < 100; column++)
                    to += sprintf(to, "%s%c", row == 2 && column == at ? others[i] : "25",
                                  column < 99 ? ',' : '\n');
            struct reading reading = {
                .csv = csv, .options = {.header = -1, .separator = ','}, .sizes = {1 << 16, 600, 1}};
            struct table *table = table_of(&reading);
            float value = 0;
            bool number = number_parse(others[i], strlen(others[i]), &value), byte = number && value == 2;
            enum column_type type = byte                         ? COLUMN_BYTE
                                    : !*others[i] || value == -1 ? COLUMN_INT8
                                    : !number                    ? COLUMN_CATEGORY
                                    : value == 1.5f              ? COLUMN_NUMBER
                                    : value < 1e4f               ? COLUMN_INT16
                                                                 : COLUMN_INT64;
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
            bool led = n_digits == 1 && value == 0; /* "07" is a code */
            value = value * 10 + (uint32_t)(c - '0');
            if (++n_digits > 3 || value > 255 || led)
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
        uint32_t n_columns = 1 + random_below(&state, 40), n_rows = 1 + random_below(&state, 20),
                 wrong = random_below(&state, 2000);
        size_t n = 0;
        for (uint32_t i = 0; i < n_rows * n_columns && n < N - 5; i++) {
            static const char *const strange[] = {"256", "1000", "", "x", " 1", "12\n", "299", "300"};
            const char *odd = i == wrong ? strange[random_below(&state, 8)] : NULL;
            n += (size_t)(odd ? sprintf(text + BEFORE + n, "%s", odd)
                              : sprintf(text + BEFORE + n, "%0*u", 1 + 2 * !random_below(&state, 300),
                                        random_below(&state, 256)));
            text[BEFORE + n++] = (i + 1) % n_columns ? ',' : '\n';
        }
        for (unsigned k = 0; k < BEFORE; k++)
            text[k] = (char)('0' + random_below(&state, 10));
        text[BEFORE - 1] = '\n';
        uint64_t rows_expected, rows;
        size_t reach = rows_by_hand(text + BEFORE, n, n_columns, expected, &rows_expected);
        for (unsigned k = 0; bytes_kernels(k); k++) {
            size_t taken =
                bytes_kernels(k)->take(text, BEFORE, BEFORE + n, ',', n_columns, out, &rows) - BEFORE;
            ck_assert_msg(rows <= rows_expected && taken <= reach, "%s takes what is no row of bytes",
                          bytes_kernels(k)->name);
            ck_assert_msg(taken == 0 ? rows == 0 : text[BEFORE + taken - 1] == '\n', "%s ends within a row",
                          bytes_kernels(k)->name);
            ck_assert_msg(memcmp(out, expected, rows * n_columns) == 0, "%s reads other values",
                          bytes_kernels(k)->name);
            /* it may stop early, in the block that holds something strange or
             * the end, but not before */
            size_t row = 0;
            for (size_t i = 0; i < reach / 64 * 64; i++)
                row = text[BEFORE + i] == '\n' ? i + 1 : row;
            ck_assert_msg(taken >= row, "%s stops at %zu, expected %zu of %zu", bytes_kernels(k)->name, taken,
                          row, reach);
        }
    }
}
END_TEST

/* Numbers of a list that the fast way may take, one by one: how many, and where
 * the last one's comma ends. */
static uint32_t list_by_hand(const char *text, size_t n, float *values, size_t *taken)
{
    uint32_t count = 0;
    *taken = 0;
    for (size_t at = 0; at < n; count++) {
        size_t begin = at += text[at] == ' ';
        unsigned value = 0;
        for (; at < n && at - begin < 4 && text[at] >= '0' && text[at] <= '9'; at++)
            value = value * 10 + (unsigned)(text[at] - '0');
        if (at == begin || at == n || text[at] != ',' || value > 255 ||
            (text[begin] == '0' && at - begin > 1))
            break;
        values[count] = (float)value;
        *taken = ++at;
    }
    return count;
}

START_TEST(every_instruction_set_lists_the_same_numbers)
{
    enum { BEFORE = 3, N = 4000 };
    static float expected[N], values[N];
    uint64_t state = 54321;
    for (unsigned round = 0; round < 3000; round++) {
        static const char *const strange[] = {"256", "1000", "",    "x",  "  1", "00", "05",
                                              "012", "-1",   "1.5", "1 ", "999", "]",  "9\n"};
        char *text = malloc(BEFORE + N);
        size_t n = 0;
        uint32_t n_numbers = random_below(&state, 700), wrong = random_below(&state, 1000),
                 blanks = random_below(&state, 3);
        ck_assert_ptr_nonnull(text);
        memcpy(text, round % 2 ? "99," : "1, ", BEFORE);
        for (uint32_t i = 0; i < n_numbers; i++) {
            bool blank = blanks == 2 || (blanks == 1 && random_below(&state, 2));
            n += i == wrong ? (size_t)sprintf(text + BEFORE + n, "%s,", strange[random_below(&state, 14)])
                            : (size_t)sprintf(text + BEFORE + n, "%s%u,", blank ? " " : "",
                                              random_below(&state, round % 3 ? 256 : 10));
        }
        text = realloc(text, BEFORE + n); /* to its end, for the address sanitizer */
        size_t reach;
        uint32_t count = list_by_hand(text + BEFORE, n, expected, &reach),
                 most = 1 + random_below(&state, 800);
        for (unsigned k = 0; bytes_kernels(k); k++) {
            const char *name = bytes_kernels(k)->name;
            uint32_t taken;
            memset(values, 0xff, sizeof values);
            size_t at = bytes_kernels(k)->list(text, BEFORE, BEFORE + n, values, most, &taken);
            ck_assert_msg(taken <= count && taken <= most, "%s takes %u numbers of %u", name, taken, count);
            ck_assert_msg(memcmp(values, expected, taken * sizeof *values) == 0, "%s reads other values",
                          name);
            ck_assert_msg(taken == N || isnan(values[taken]), "%s writes more than it takes", name);
            ck_assert_msg(taken == 0 ? at == BEFORE : text[at - 1] == ',', "%s ends within a number", name);
            ck_assert_msg(taken < count || at == BEFORE + reach, "%s ends at %zu, expected %zu", name,
                          at - BEFORE, reach);
            /* it stops early where a block has more than there is room for,
             * nowhere else */
            ck_assert_msg(taken == count || most - taken < 32, "%s takes %u of %u", name, taken, count);
        }
        free(text);
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
                ck_assert_msg(plain.sum == tallies[i].sum && plain.squares == tallies[i].squares &&
                                  plain.min == tallies[i].min && plain.max == tallies[i].max,
                              "%s, column %u of %u", bytes_kernels(k)->name, i, n_columns);
            }
        }
    }
}
END_TEST

/* Nobody can go on behind a line whose end is not found within 64 MB. */
START_TEST(a_line_beyond_all_bounds_ends_the_reading)
{
    enum { BYTES = 70 << 20 };
    char *csv = malloc(BYTES + 1);
    ck_assert_ptr_nonnull(csv);
    memset(csv, 'x', BYTES);
    memcpy(csv, "a,b\n1,2\n3,", 10);
    csv[BYTES] = '\0';
    struct reading reading = {.csv = csv, .options.n_threads = 2};
    ck_assert(!ingest(&reading));
    ck_assert_int_eq(reading.err.code, ERR_LIMIT);
    ck_assert_uint_eq(reading.err.row, 2);
    free(csv);
}
END_TEST

/* `n` fields of one digit, then a line end. */
static size_t wide_row(char *to, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to[2 * i] = '1';
        to[2 * i + 1] = ',';
    }
    to[2 * n - 1] = '\n';
    return 2 * n;
}

START_TEST(a_row_of_more_fields_than_columns_can_be_is_never_cut)
{
    enum { MOST = 1000000 };
    char *csv = malloc(4 * MOST + 100);
    ck_assert_ptr_nonnull(csv);
    struct reading reading = {.csv = csv, .options.n_threads = 2, .n_bytes = wide_row(csv, MOST + 1)};
    ck_assert(!ingest(&reading));
    ck_assert_int_eq(reading.err.code, ERR_LIMIT);
    size_t n = (size_t)sprintf(csv, "1,2,3\n4,5,6\n");
    n += wide_row(csv + n, MOST + 1);
    n += (size_t)sprintf(csv + n, "7,8,9\n");
    reading = (struct reading){.csv = csv, .options.n_threads = 2, .n_bytes = n};
    struct table *table = table_of(&reading);
    ck_assert_uint_eq(table_n_rows(table), 3);
    ck_assert_uint_eq(reading.report.done[DEED_TOO_MANY].n, 1);
    table_unref(table);
    free(csv);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("ingest");
    TCase *tests = tcase_create("ingest");
    tcase_add_checked_fixture(tests, folder_make, folder_remove);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, chunk_edges_anywhere_change_nothing, 0, 12);
    tcase_add_loop_test(tests, any_number_of_threads_gives_the_same_bytes, 0, 6);
    tcase_add_test(tests, rows_of_bytes_are_read_exactly);
    tcase_add_test(tests, rows_of_bytes_contradicted_anywhere);
    tcase_add_test(tests, every_instruction_set_takes_the_same_rows);
    tcase_add_test(tests, every_instruction_set_lists_the_same_numbers);
    tcase_add_test(tests, every_instruction_set_counts_the_same);
    tcase_add_test(tests, a_row_of_more_fields_than_columns_can_be_is_never_cut);
    tcase_add_test(tests, a_line_beyond_all_bounds_ends_the_reading);
    suite_add_tcase(suite, tests);
    return suite;
}
