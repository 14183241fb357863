/* libFuzzer target: any bytes as a CSV file, through the reader and through table_ingest, whose results must agree with each other.
 *
 * The first byte chooses sizes, the second what is told of the dialect (0: nothing), the rest is the file. What must hold beyond "no crash": a table that was written opens and
 * verifies; one and two threads write the same bytes; the table has as many rows as the reader finds. */
#include "ingest.h"
#include "mlp/csv.h"
#include "mlp/table.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

static bool reader_count(const char *text, size_t n, const struct csv_options *options, uint64_t *n_rows)
{
    struct err err;
    const struct csv_field *fields;
    uint32_t n_fields;
    int result;
    struct csv_reader *reader = csv_reader_open(text, n, options, &err);
    require(reader != NULL, "a reader is made");
    for (*n_rows = 0; (result = csv_reader_next(reader, &fields, &n_fields, &err)) == 1; ++*n_rows) {
        volatile char sum = 0;
        for (uint32_t i = 0; i < n_fields; i++)
            for (uint32_t j = 0; j < fields[i].length; j++)
                sum = (char)(sum ^ fields[i].text[j]);
    }
    require(result == 0 || err.code != ERR_OK, "an error has a code");
    csv_reader_free(reader);
    return result == 0;
}

static int file_make(const char *path, const void *bytes, size_t n)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    require(fd >= 0 && write(fd, bytes, n) == (ssize_t)n, "a file is written");
    return fd;
}

static bool same_files(const char *a, const char *b)
{
    static char left[1 << 20], right[1 << 20];
    int a_fd = open(a, O_RDONLY), b_fd = open(b, O_RDONLY);
    ssize_t n = read(a_fd, left, sizeof left), m = read(b_fd, right, sizeof right);
    close(a_fd);
    close(b_fd);
    return n == m && memcmp(left, right, (size_t)n) == 0;
}

static void table_check(const char *path, uint64_t n_rows_read, const struct csv_report *report, bool whole)
{
    struct err err;
    struct table *table = table_open(path, &err);
    require(table != NULL && table_verify(table, &err), "a table that was written opens");
    if (whole)
        require(table_n_rows(table) <= n_rows_read && table_n_rows(table) + report->header + 1 >= n_rows_read, "no row is lost");
    for (uint32_t i = 0; i < table_n_columns(table); i++) {
        const struct column *column = table_column(table, i);
        require(table_find(table, column->name) == (int64_t)i, "a column is found by its name");
        for (uint64_t row = 0; row < table_n_rows(table) && column->type == COLUMN_CATEGORY; row++) {
            uint32_t level = table_level(table, i, row);
            require(level == TABLE_MISSING || level < column->n_levels, "a level exists");
        }
    }
    table_unref(table);
}

static void dialect_tell(struct csv_options *options, uint8_t told)
{
    static const char *const missing[] = {"x", "-9"};
    static const char decimals[] = {0, '.', ',', 0};
    options->decimal = decimals[told & 3];
    options->comment = told & 4 ? '%' : 0;
    options->quote = told & 8 ? '\'' : 0;
    options->encoding = (enum csv_encoding)((told >> 4 & 7) % (CSV_LATIN1 + 1));
    options->missing = missing;
    options->n_missing = told & 128 ? 2 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char csv[64], one[64], two[64];
    if (!csv[0]) {
        snprintf(csv, sizeof csv, "/dev/shm/mlpd-fuzz-%ld.csv", (long)getpid());
        snprintf(one, sizeof one, "/dev/shm/mlpd-fuzz-%ld.1", (long)getpid());
        snprintf(two, sizeof two, "/dev/shm/mlpd-fuzz-%ld.2", (long)getpid());
    }
    if (size < 2)
        return 0;
    const char *text = (const char *)data + 2;
    size_t n = size - 2;
    struct ingest_sizes sizes = {
        .chunk_bytes = (size_t)1 << (data[0] & 7), .head_bytes = (size_t)16 << (data[0] >> 3 & 7), .head_rows = 1 + (data[0] >> 6)};
    struct csv_options options = {.n_threads = 1, .skip_bad_rows = size % 2 == 0};
    dialect_tell(&options, data[1]);
    struct csv_report report = {0}, again = {0};
    struct err err = {0}, other = {0};
    uint64_t n_rows = 0;
    int fd = file_make(csv, text, n);
    bool good = table_ingest_sized(fd, &options, &sizes, one, NULL, &report, &err);
    options.n_threads = 2;
    require(good == table_ingest_sized(fd, &options, &sizes, two, NULL, &again, &other), "threads do not change the outcome");
    close(fd);
    if (good) {
        require(same_files(one, two), "threads do not change the table");
        const struct csv_options found = {.separator = report.separator,
                                          .quote = report.quote ? report.quote : -1,
                                          .comment = report.comment ? report.comment : -1,
                                          .decimal = report.decimal,
                                          .encoding = report.encoding};
        bool readable = reader_count(text, n, &found, &n_rows);
        require(options.skip_bad_rows || readable, "what is a table is readable");
        table_check(one, n_rows, &report, !options.skip_bad_rows);
        unlink(one);
        unlink(two);
    } else {
        require(err.code != ERR_OK && err.msg[0] && err.code == other.code && err.row == other.row, "threads do not change the error");
        require(access(one, F_OK) != 0 && access(two, F_OK) != 0, "a failed ingest leaves nothing");
    }
    reader_count(text, n, &options, &n_rows);
    return 0;
}
