/* What table_ingest and table_open refuse, and with which words; progress. */
#include "helper_main.h"
#include "helper_table.h"
#include "mlp/csv.h"
#include "mlp/table.h"
#include "table/file.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- what is refused --- */

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
            struct reading reading = {.csv = cases[i].csv,
                                      .n_bytes = cases[i].n_bytes,
                                      .options.n_threads = 2,
                                      .sizes = {chunk, 64, 10}};
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

/* "x", y and a text of n bytes. */
static struct table *table_of_long(size_t n)
{
    char *csv = malloc(n + 5);
    memcpy(csv, "x\ny\n", 4);
    memset(csv + 4, 'z', n);
    csv[n + 4] = '\0';
    struct reading reading = {.csv = csv, .options.n_threads = 2};
    struct table *table = table_of(&reading);
    free(csv);
    return table;
}

START_TEST(long_texts_are_levels_up_to_a_limit)
{
    struct table *table = table_of_long(COLUMN_LEVEL_MAX);
    ck_assert_int_eq(table_column(table, 0)->type, COLUMN_CATEGORY);
    ck_assert_uint_eq(strlen(table_column(table, 0)->levels[1]), COLUMN_LEVEL_MAX);
    table_unref(table);
    static const size_t longer[] = {COLUMN_LEVEL_MAX + 1, ((size_t)64 << 20) - 100};
    for (int i = 0; i < 2; i++) {
        table = table_of_long(longer[i]);
        ck_assert_int_eq(table_column(table, 0)->type, COLUMN_TEXT);
        ck_assert_uint_eq(strlen(table_text(table, 0, 1)), longer[i]);
        ck_assert_str_eq(table_text(table, 0, 0), "y");
        table_unref(table);
    }
}
END_TEST

START_TEST(names_have_a_limit)
{
    char csv[COLUMN_NAME_MAX + 16];
    memset(csv, 'n', COLUMN_NAME_MAX + 1);
    snprintf(csv + COLUMN_NAME_MAX + 1, 8, ",b\n1,2\n");
    struct reading reading = {.csv = csv, .options = {.n_threads = 1, .header = 1}};
    check_refused(&reading, ERR_INPUT, 0, "the name of column 1 has 1025 bytes: at most 1024");
    reading.csv = csv + 1;
    struct table *table = table_of(&reading);
    ck_assert_uint_eq(strlen(table_column(table, 0)->name), COLUMN_NAME_MAX);
    table_unref(table);
}
END_TEST

START_TEST(a_million_ids_are_texts)
{
    char *csv = malloc(24 << 20), *to = csv + sprintf(csv, "n,name,town\n");
    uint32_t n = 1000001;
    for (uint32_t i = 0; i < n; i++)
        to += sprintf(to, "1,k%u,t%u\n", i, i % 7);
    struct reading reading = {.csv = csv, .options.n_threads = 2};
    struct table *table = table_of(&reading);
    ck_assert_int_eq(table_column(table, 1)->type, COLUMN_TEXT);
    ck_assert_uint_eq(table_column(table, 1)->n_levels, 0);
    ck_assert_uint_eq(table_column(table, 2)->n_levels, 7);
    for (uint32_t i = 0; i < n; i++) {
        char expected[16];
        sprintf(expected, "k%u", i);
        ck_assert_str_eq(table_text(table, 1, i), expected);
    }
    table_unref(table);
    free(csv);
}
END_TEST

/* Some columns of texts could be spared, but not so many that each is worth
 * next to nothing. */
START_TEST(too_many_columns_of_few_levels_are_refused)
{
    uint32_t n_columns = 1200, n_texts = 0;
    char *csv = malloc(64 << 10), *to = csv;
    for (char row = 'a'; row <= 'c'; row++)
        for (uint32_t i = 0; i < n_columns; i++)
            to += sprintf(to, "%c%u%s", row, i, i + 1 == n_columns ? "\n" : ",");
    struct reading reading = {
        .csv = csv,
        .options.header = 1,
        .sizes = {.chunk_bytes = 4096, .head_bytes = 8192, .head_rows = 10, .n_levels = 2000}};
    check_refused(&reading, ERR_LIMIT, 0, "too many different texts");
    ck_assert_str_eq(reading.err.column, "a800"); /* the 2,001st text */
    reading.sizes.n_levels = 1000;
    reading.sizes.chunk_bytes = 64 << 10;
    struct table *table = table_of(&reading);
    for (uint32_t i = 0; i < n_columns; i++) {
        n_texts += table_column(table, i)->type == COLUMN_TEXT;
        ck_assert_str_eq(table_text(table, i, 1) + 1, table_column(table, i)->name + 1);
    }
    ck_assert_uint_ge(n_texts, n_columns - 1000 / 2);
    table_unref(table);
    free(csv);
}
END_TEST

START_TEST(a_hundred_thousand_columns)
{
    enum { N = 100000 };
    char *csv = malloc(N * 12), *to = csv;
    for (int row = 0; row < 3; row++)
        for (int i = 0; i < N; i++)
            to += sprintf(to, row ? "%d%c" : "x%c",
                          row         ? i % 250 + row
                          : i < N - 1 ? ','
                                      : '\n',
                          i < N - 1 ? ',' : '\n');
    struct reading reading = {
        .csv = csv, .options = {.header = 1, .n_threads = 2}, .sizes = {10000, 1000, 10}};
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
    struct reading reading = {
        .csv = csv, .options.n_threads = 1, .sizes = {1000, 1 << 12, 100}, .progress = &progress};
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

START_TEST(damaged_texts_are_found)
{
    static const struct csv_type types[] = {{.column = "b", .type = COLUMN_TEXT}};
    struct reading reading = {.csv = "a,b\n1,x\n2,\n3,yy\n", .options = {.types = types, .n_types = 1}};
    table_unref(table_of(&reading));
    size_t n, at = 4096 + 3 * 12; /* the records: a byte in four, and eight for the text's place */
    char *bytes = file_bytes(table_path, &n);
    ck_assert_int_eq(memcmp(bytes + at, "x\0yy", 5), 0);
    for (size_t i = 4096; i < n; i++) {
        struct err err = {0};
        bytes[i] ^= 0x10;
        file_write(bytes, n);
        bytes[i] ^= 0x10;
        struct table *table = table_open(table_path, &err);
        ck_assert_msg(i < at + 4 ? table != NULL : !table,
                      "byte %zu is damaged: the table opens as long as its texts have an end", i);
        for (uint64_t row = 0; table && row < 3; row++) {
            const char *text = table_text(table, 1, row);
            ck_assert(!text || strlen(text) <= 4);
        }
        ck_assert(!table || !table_verify(table, &err));
        ck_assert_int_eq(err.code, ERR_CORRUPT);
        ck_assert(i < at || i >= at + 4 || strstr(err.msg, "rows 1 to 3 of"));
        table_unref(table);
    }
    free(bytes);
}
END_TEST

/* Behind valid checksums: what the schema says of bytes is converted to an
 * integer later. */
START_TEST(a_column_of_bytes_has_their_range)
{
    static const double ranges[][2] = {{0, 256}, {-1, 9}, {9, 8}, {0, 1e300}, {NAN, NAN}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        struct reading reading = {.csv = "a,b\n1,x\n9,y\n"};
        struct table_schema schema;
        struct err err = {0};
        void *block;
        const char **levels;
        table_unref(table_of(&reading));
        int fd = open(table_path, O_RDWR);
        ck_assert(table_file_read(fd, &schema, &block, &levels, &err));
        ck_assert_int_eq(schema.columns[0].type, COLUMN_BYTE);
        schema.columns[0].min = ranges[i][0];
        schema.columns[0].max = ranges[i][1];
        ck_assert(table_file_finish(fd, &schema, &err));
        ck_assert_ptr_null(table_open(table_path, &err));
        ck_assert_int_eq(err.code, ERR_CORRUPT);
        close(fd);
        free(schema.columns);
        free(block);
        free(levels);
    }
}
END_TEST

START_TEST(a_damaged_file_is_never_opened)
{
    struct reading reading = {.csv = "a,b,c\n1,x,1.5\n2,y,2.5\n"};
    table_unref(table_of(&reading));
    size_t n;
    char *bytes = file_bytes(table_path, &n);
    for (size_t i = 0; i < n;
         i += i == 127 ? 4096 - 127 : 1) { /* header, records, schema; not the empty rest of the first page */
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

Suite *test_suite(void)
{
    Suite *suite = suite_create("table_errors");
    TCase *tests = tcase_create("table_errors");
    tcase_add_checked_fixture(tests, folder_make, folder_remove);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, bad_files_are_refused_with_row_and_reason);
    tcase_add_test(tests, an_empty_file_is_refused);
    tcase_add_test(tests, the_first_bad_row_is_named_whatever_the_threads);
    tcase_add_test(tests, a_row_longer_than_the_limit_is_refused);
    tcase_add_test(tests, long_texts_are_levels_up_to_a_limit);
    tcase_add_test(tests, names_have_a_limit);
    tcase_add_test(tests, a_million_ids_are_texts);
    tcase_add_test(tests, too_many_columns_of_few_levels_are_refused);
    tcase_add_test(tests, a_hundred_thousand_columns);
    tcase_add_test(tests, progress_is_told_and_can_stop);
    tcase_add_test(tests, a_table_that_cannot_be_created_is_an_error);
    tcase_add_test(tests, a_column_of_bytes_has_their_range);
    tcase_add_test(tests, a_damaged_file_is_never_opened);
    tcase_add_test(tests, damaged_texts_are_found);
    suite_add_tcase(suite, tests);
    return suite;
}
