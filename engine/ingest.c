/* A CSV file to a table file.
 *
 * The head gives dialect, names and optimistic types. Then workers claim chunks of the file, each the rows that begin in its bytes, and
 * parse them on their own. A worker guesses where its chunk's first row begins: after the first line end. Results are taken in the
 * chunks' order ("turn"): there it is known where the row truly begins, and a chunk that guessed wrongly (a line end inside a quoted
 * value) is parsed again; there rows get their numbers and levels theirs, so that nothing depends on how many workers there are.
 * Values that contradict the types are noted, and a second pass reads the file again with the types that all values need. */
#include "ingest.h"

#include "ingest_pass.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct ingest_sizes sizes_usual = {.chunk_bytes = 1 << 20, .head_bytes = 256 << 10, .head_rows = 1000};

/* Plan from the file's head, of which more is read until its first row is whole. */
static bool head_plan(struct plan *plan, int fd, uint64_t n_bytes, const struct ingest_sizes *sizes, const struct csv_options *options,
                      struct err *err)
{
    size_t n = n_bytes < sizes->head_bytes ? (size_t)n_bytes : sizes->head_bytes;
    for (;;) {
        enum csv_result result = CSV_ROW;
        char *head = malloc(n + 1);
        if (!head)
            return err_memory(err, "the head of the file");
        bool good = file_read_at(fd, head, n, 0, "the CSV file", err) &&
                    plan_init(plan, head, n, n == n_bytes, sizes->head_rows, options, &result, err);
        free(head);
        if (result != CSV_MORE)
            return good;
        n = n_bytes / 2 < n ? (size_t)n_bytes : n * 2;
    }
}

/* The columns as the table tells them. The levels' texts stay the tally's; the pointers to them are in *levels and *level_rows. */
static void columns_describe(const struct tally *tally, struct column *columns, const char **levels, uint64_t *level_rows)
{
    const struct plan *plan = tally->plan;
    for (uint32_t i = 0; i < plan->n_columns; i++) {
        struct column *column = &columns[i];
        memcpy(&column->name, &plan->columns[i].name, sizeof column->name);
        tally_column(tally, i, column);
        column->levels = levels;
        column->level_rows = level_rows;
        for (uint32_t j = 0; j < column->n_levels; j++) {
            const struct level *level = &tally->categories[plan->columns[i].slot].levels.items[j];
            *levels++ = level->text;
            *level_rows++ = level->n_rows;
        }
    }
}

static bool table_finish(const struct pass *pass, struct err *err)
{
    const struct plan *plan = pass->source.plan;
    size_t n_levels = (size_t)pass->tally.n_levels;
    const char **levels = malloc((n_levels + 1) * sizeof *levels);
    uint64_t *level_rows = malloc((n_levels + 1) * sizeof *level_rows);
    struct column *columns = calloc(plan->n_columns, sizeof *columns);
    bool good = levels && level_rows && columns;
    if (good) {
        columns_describe(&pass->tally, columns, levels, level_rows);
        struct table_schema schema = {.n_rows = pass->n_rows, .n_columns = plan->n_columns, .record_bytes = plan->record_bytes,
            .columns = columns, .groups = pass->groups, .n_groups = pass->n_chunks};
        good = table_file_finish(pass->table_fd, &schema, err);
    } else {
        err_memory(err, "the table's schema");
    }
    free(levels);
    free(level_rows);
    free(columns);
    return good;
}

/* Read the file once with the plan's types. *again: they were too narrow, and have been widened. */
static bool source_read(struct plan *plan, const struct source *source, int table_fd, uint32_t n_threads,
                        const struct table_progress *progress, bool *again, struct err *err)
{
    struct pass pass;
    if (!pass_init(&pass, source, table_fd, progress, err))
        return false;
    bool good = pass_run(&pass, n_threads, err);
    if (good && pass.n_rows == 0)
        good = err_set(err, ERR_INPUT, "the file has a header and no rows");
    *again = good && pass.tally.contradicted;
    for (uint32_t i = 0; *again && i < plan->n_columns; i++)
        plan->columns[i].type = (enum column_type)pass.tally.wanted[i];
    if (good && !*again)
        good = table_finish(&pass, err);
    pass_done(&pass);
    if (*again)
        plan_layout(plan);
    return good;
}

/* Twice at most: the first pass finds the types that all values need. More often only if the file changes meanwhile. */
static bool source_ingest(struct plan *plan, const struct source *source, int table_fd, uint32_t n_threads,
                          const struct table_progress *progress, struct err *err)
{
    bool again = true;
    for (int i = 0; again && i < 2; i++) {
        if (ftruncate(table_fd, 0) != 0)
            return err_errno(err, "emptying the table file");
        if (!source_read(plan, source, table_fd, n_threads, progress, &again, err))
            return false;
    }
    return !again || err_set(err, ERR_IO, "the CSV file changed while it was read");
}

bool table_ingest_sized(int csv_fd, const struct csv_options *options, const struct ingest_sizes *sizes, const char *path,
                        const struct table_progress *progress, struct csv_report *report, struct err *err)
{
    struct stat status;
    struct plan plan;
    if (fstat(csv_fd, &status) != 0)
        return err_errno(err, "looking at the CSV file");
    struct source source = {.fd = csv_fd, .n_bytes = (uint64_t)status.st_size, .chunk_bytes = sizes->chunk_bytes, .plan = &plan};
    if (!head_plan(&plan, csv_fd, source.n_bytes, sizes, options, err))
        return false;
    bool good = false;
    int table_fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (table_fd < 0)
        err_errno(err, "creating the table file");
    else
        good = source_ingest(&plan, &source, table_fd, options->n_threads, progress, err);
    if (table_fd >= 0 && close(table_fd) != 0 && good)
        good = err_errno(err, "closing the table file");
    if (!good && table_fd >= 0)
        unlink(path);
    if (good && report)
        *report = (struct csv_report){.separator = plan.dialect.separator, .header = plan.header, .bytes = source.n_bytes};
    plan_done(&plan);
    return good;
}

bool table_ingest(int csv_fd, const struct csv_options *options, const char *path, const struct table_progress *progress,
                  struct csv_report *report, struct err *err)
{
    return table_ingest_sized(csv_fd, options, &sizes_usual, path, progress, report, err);
}
