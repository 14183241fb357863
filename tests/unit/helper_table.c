/* A CSV text to a table and back to text: see helper_table.h. */
#include "helper_table.h"

#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[40];
char csv_path[80], table_path[80], rejects_path[80];

void folder_make(void)
{
    /* in memory where there is such a place: each ingest syncs its file */
    snprintf(folder, sizeof folder, "%s/mlpd-test-table-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(csv_path, sizeof csv_path, "%s/csv", folder);
    snprintf(rejects_path, sizeof rejects_path, "%s/rejects", folder);
    snprintf(table_path, sizeof table_path, "%s/table", folder);
}

void folder_remove(void)
{
    unlink(csv_path);
    unlink(table_path);
    unlink(rejects_path);
    rmdir(folder);
}

static const struct ingest_sizes usual = {.chunk_bytes = 1 << 20, .head_bytes = 1 << 20, .head_rows = 1000};

bool ingest(struct reading *reading)
{
    const struct ingest_sizes *sizes = reading->sizes.chunk_bytes ? &reading->sizes : &usual;
    size_t n = reading->n_bytes ? reading->n_bytes : strlen(reading->csv);
    unlink(table_path);
    int fd = open(csv_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, reading->csv, n), (ssize_t)n);
    int rejects = open(rejects_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_gt(rejects, 0);
    reading->options.rejects_fd = rejects;
    const struct csv_file file = {.fd = fd, .n_bytes = n};
    bool good = table_ingest_sized(&file, &reading->options, sizes, table_path, reading->progress,
                                   &reading->report, &reading->err);
    close(fd);
    close(rejects);
    ck_assert_msg(good || access(table_path, F_OK) != 0, "a failed ingest leaves no table behind");
    return good;
}

struct table *table_of(struct reading *reading)
{
    ck_assert_msg(ingest(reading), "\"%.60s\": %s", reading->csv, reading->err.msg);
    struct table *table = table_open(table_path, &reading->err);
    ck_assert_msg(table, "%s", reading->err.msg);
    ck_assert_msg(table_verify(table, &reading->err), "%s", reading->err.msg);
    return table;
}

static size_t date_print(char *to, const char *between, double value, struct date_format format)
{
    char text[DATE_TEXT_MAX] = "_";
    uint32_t n = isnan(value) ? 1 : date_text(value, format, text);
    return (size_t)sprintf(to, "%s%.*s", between, (int)n, text);
}

static size_t value_print(char *to, const char *between, const char *text)
{
    return (size_t)(text ? sprintf(to, "%s<%.1000s>", between, text) : sprintf(to, "%s_", between));
}

char *table_as_text(const struct table *table)
{
    static const char types[] = "bncdtnnnnn"; /* a number is a number */
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
            else if (column->type == COLUMN_DATE)
                n += date_print(text + n, between, table_date(table, i, row - 1), column->date);
            else if (column_has_texts(column))
                n += value_print(text + n, between, table_text(table, i, row - 1));
            else if (isnan(table_value(table, i, row - 1)))
                n += value_print(text + n, between, NULL);
            else if (column->type != COLUMN_NUMBER)
                n += (size_t)sprintf(text + n, "%s%.17g", between, table_value(table, i, row - 1));
            else
                n += (size_t)sprintf(text + n, "%s%.9g", between, (double)table_number(table, i, row - 1));
        }
        text[n++] = '/';
    }
    text[n] = '\0';
    return text;
}

void check_text(struct reading *reading, const char *expected)
{
    struct table *table = table_of(reading);
    char *text = table_as_text(table);
    ck_assert_msg(strcmp(text, expected) == 0, "\"%.200s\" is read as\n%s, expected\n%s", reading->csv, text,
                  expected);
    free(text);
    table_unref(table);
}

void check_all(const struct expectation *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t chunk = 1; chunk < 40; chunk += 6) {
            struct reading reading = {.csv = all[i].csv,
                                      .options.n_threads = 1 + (uint32_t)chunk % 3,
                                      .sizes = {chunk, 1 << 16, 1000}};
            check_text(&reading, all[i].expected);
        }
}

void check_refused(struct reading *reading, enum err_code code, uint64_t row, const char *words)
{
    reading->options.on_bad_row = CSV_BAD_REJECT;
    check_unreadable(reading, code, row, words);
}

void check_unreadable(struct reading *reading, enum err_code code, uint64_t row, const char *words)
{
    reading->err = (struct err){0};
    ck_assert_msg(!ingest(reading), "\"%.60s\" is refused", reading->csv);
    ck_assert_msg(reading->err.code == code && reading->err.row == row && strstr(reading->err.msg, words),
                  "\"%.60s\": code %d, row %llu, \"%s\"; expected code %d, row %llu, \"%s\"", reading->csv,
                  reading->err.code, (unsigned long long)reading->err.row, reading->err.msg, code,
                  (unsigned long long)row, words);
}

void check_rejects(const char *expected)
{
    size_t n_bytes, n = strlen("row,line,code,column,reason,text\n");
    char *text = file_bytes(rejects_path, &n_bytes), *to;
    ck_assert_msg(n_bytes >= n && strncmp(text, "row,line,code,column,reason,text\n", n) == 0, "%.100s",
                  text);
    text[n_bytes] = '\0';
    for (to = text; *(to = strstr(to, "\n")) && to[1]; *to = '/')
        ;
    *to = '\0';
    ck_assert_str_eq(n_bytes == n ? "" : text + n, expected);
    free(text);
}

uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * 0x2545f4914f6cdd1dull;
}

uint32_t random_below(uint64_t *state, uint32_t n)
{
    return (uint32_t)((random_next(state) >> 32) % n);
}

char *late_csv(const char *last)
{
    char *csv = malloc(1 << 16), *to = csv + sprintf(csv, "a,b\n");
    for (int i = 0; i < 3000; i++)
        to += sprintf(to, "%d,%d.5\n", i % 10, i % 7);
    strcpy(to, last);
    return csv;
}

char *file_bytes(const char *path, size_t *n_bytes)
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

void shared_path(char *path, size_t n, const char *name)
{
    const char *shared = getenv("MLPD_SHARED");
    if (shared)
        snprintf(path, n, "%s/data/%s", shared, name);
    else
        snprintf(path, n, "%.*s../../../shared/data/%s", (int)(sizeof __FILE__ - sizeof "helper_table.c"),
                 __FILE__, name);
}
