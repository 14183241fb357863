/* libFuzzer target: any bytes as a CSV file, through the reader, table_ingest
 * and the recipe, whose results must agree with each other.
 *
 * The first byte chooses sizes, the second what is told of the dialect (0:
 * nothing), the third target, task and rows of the recipe and whether two
 * threads have a go too, the fourth which of all calls for memory, threads and
 * files fails (0: none); the rest is the file. What must hold beyond "no
 * crash": a table that was written opens and verifies; one and two threads
 * write the same bytes; the table has as many rows as the reader finds; a row
 * is encoded to the same bits by every way in; what fails says so and leaves
 * nothing behind. */
#include "encode.h"
#include "faults.h"
#include "mlp/csv.h"
#include "table/ingest.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONTROL_BYTES = 4, TWO_THREADS = 128 };

/* One input taken apart. */
struct trial {
    const char *text;
    size_t n;
    struct ingest_sizes sizes;
    struct csv_options options;
    uint8_t choice, fault;
    int csv_fd;
};

/* How far an input comes. */
struct outcome {
    bool good;
    struct err err;
    struct csv_report report;
};

static bool same_files(const char *a, const char *b)
{
    static char left[1 << 20], right[1 << 20];
    int a_fd = open(a, O_RDONLY), b_fd = open(b, O_RDONLY);
    ssize_t n = read(a_fd, left, sizeof left), m = read(b_fd, right, sizeof right);
    close(a_fd);
    close(b_fd);
    return n == m && memcmp(left, right, (size_t)n) == 0;
}

/* Rows that a reader finds, every byte of them looked at. False: it met an
 * error. */
static bool reader_count(const struct trial *trial, const struct csv_options *options, uint64_t *n_rows)
{
    struct err err;
    const struct csv_field *fields;
    uint32_t n_fields;
    int result;
    struct csv_options all = *options;
    all.titles = -1;
    struct csv_reader *reader = csv_reader_open(trial->text, trial->n, &all, &err);
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

static void written_check(const char *path, uint64_t n_rows_read, const struct csv_report *report, bool whole)
{
    struct err err;
    struct table *table = table_open(path, &err);
    require(table != NULL && table_verify(table, &err), "a table that was written opens");
    if (whole)
        require(table_n_rows(table) + report->header + report->count_line + report->n_titles == n_rows_read,
                "no row is lost");
    for (uint32_t i = 0; i < table_n_columns(table); i++) {
        const struct column *column = table_column(table, i);
        require(table_find(table, column->name) == (int64_t)i, "a column is found by its name");
        for (uint64_t row = 0; row < table_n_rows(table) && column->type == COLUMN_CATEGORY; row++) {
            uint32_t level = table_level(table, i, row);
            require(level == TABLE_MISSING || level < column->n_levels, "a level exists");
        }
        uint64_t n_missing = 0;
        for (uint64_t row = 0; row < table_n_rows(table) && column->type == COLUMN_TEXT; row++)
            n_missing += table_text(table, i, row) == NULL;
        require(column->type != COLUMN_TEXT || n_missing == column->n_missing, "a text is there or missing");
    }
    table_unref(table);
}

static void outcome_ingest(const struct trial *trial, uint32_t n_threads, const char *path,
                           struct outcome *outcome)
{
    struct csv_options options = trial->options;
    *outcome = (struct outcome){0};
    options.n_threads = n_threads;
    const struct csv_file file = {.fd = trial->csv_fd, .n_bytes = trial->n};
    outcome->good =
        table_ingest_sized(&file, &options, &trial->sizes, path, NULL, &outcome->report, &outcome->err);
    if (outcome->good)
        return;
    require(outcome->err.code != ERR_OK && outcome->err.msg[0], "an error says what it is");
    require(access(path, F_OK) != 0, "a failed ingest leaves nothing");
}

/* How a reader has to be told to read what was read. */
static struct csv_options options_found(const struct trial *trial, const struct csv_report *report)
{
    struct csv_options found = {.separator = report->separator,
                                .quote = report->quote ? report->quote : -1,
                                .comment = report->comment ? report->comment : -1,
                                .decimal = report->decimal,
                                .encoding = report->encoding,
                                .missing = trial->options.missing,
                                .n_missing = trial->options.n_missing};
    return found;
}

/* The table that was written, opened, and a recipe fitted on it and used. */
static void outcome_encode(const struct trial *trial, const char *path, struct outcome *outcome)
{
    const struct csv_options found = options_found(trial, &outcome->report);
    const struct encode_source source = {trial->text, trial->n, &found, &outcome->report,
                                         trial->options.on_bad_row == CSV_BAD_REJECT};
    struct table *table = table_open(path, &outcome->err);
    outcome->good = table && encode_check(table, trial->choice, &source, &outcome->err);
    table_unref(table);
}

static bool is_shortage(enum err_code code)
{
    return code == ERR_MEMORY || code == ERR_THREAD || code == ERR_SPACE || code == ERR_IO;
}

/* All of it once more while one call fails: the outcome is the same, or says
 * what was short. */
static void fault_try(const struct trial *trial, const struct outcome *clean, bool clean_written,
                      uint32_t n_calls)
{
    struct outcome outcome;
    int lowest = dup(trial->csv_fd), after;
    close(lowest);
    faults_arm(1 + (uint32_t)(trial->fault - 1) * n_calls / 255);
    outcome_ingest(trial, trial->choice & TWO_THREADS ? 2 : 1, fuzz_path(1), &outcome);
    bool written = outcome.good;
    if (written)
        outcome_encode(trial, fuzz_path(1), &outcome);
    faults_disarm();
    require(outcome.good || outcome.err.code == clean->err.code ||
                (faults_hit() && is_shortage(outcome.err.code)),
            "what fails for a shortage says so");
    require((!outcome.good || clean->good) && (!written || clean_written), "a shortage makes nothing work");
    require(!written || same_files(fuzz_path(0), fuzz_path(1)),
            "a table that was written in spite of a shortage is the same");
    unlink(fuzz_path(1));
    after = dup(trial->csv_fd);
    close(after);
    require(lowest == after, "no file is left open");
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

static void two_threads_try(const struct trial *trial, const struct outcome *one)
{
    struct outcome two;
    outcome_ingest(trial, 2, fuzz_path(1), &two);
    require(one->good == two.good && one->err.code == two.err.code && one->err.row == two.err.row,
            "threads do not change the outcome");
    require(!one->good || same_files(fuzz_path(0), fuzz_path(1)), "threads do not change the table");
    unlink(fuzz_path(1));
}

static void trial_run(const struct trial *trial)
{
    struct outcome one, clean;
    uint64_t n_rows = 0;
    faults_arm(0);
    outcome_ingest(trial, 1, fuzz_path(0), &one);
    clean = one;
    if (one.good)
        outcome_encode(trial, fuzz_path(0), &clean);
    uint32_t n_calls = faults_disarm();
    require(clean.good || !is_shortage(clean.err.code), "nothing is short where nothing fails");
    if (one.good) {
        const struct csv_options found = options_found(trial, &one.report);
        bool readable = reader_count(trial, &found, &n_rows);
        require(trial->options.on_bad_row == CSV_BAD_SET_ASIDE || readable, "what is a table is readable");
        written_check(fuzz_path(0), n_rows, &one.report, trial->options.on_bad_row == CSV_BAD_REJECT);
    }
    if (trial->choice & TWO_THREADS)
        two_threads_try(trial, &one);
    if (trial->fault > 0)
        fault_try(trial, &clean, one.good, n_calls);
    unlink(fuzz_path(0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < CONTROL_BYTES)
        return 0;
    struct trial trial = {
        .text = (const char *)data + CONTROL_BYTES,
        .n = size - CONTROL_BYTES,
        .sizes = {.chunk_bytes = (size_t)1 << (data[0] & 7),
                  .head_bytes = (size_t)16 << (data[0] >> 3 & 7),
                  .head_rows = 1 + (data[0] >> 6),
                  .n_levels = size % 3 == 0 ? 4 : 0},
        .options = {.on_bad_row = size % 2 == 0 ? CSV_BAD_SET_ASIDE : CSV_BAD_REJECT},
        .choice = data[2],
        .fault = data[3],
    };
    uint64_t n_rows;
    dialect_tell(&trial.options, data[1]);
    trial.csv_fd = fuzz_file(2, trial.text, trial.n);
    trial_run(&trial);
    close(trial.csv_fd);
    reader_count(&trial, &trial.options, &n_rows);
    return 0;
}
