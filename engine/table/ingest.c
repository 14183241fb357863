/* A CSV file to a table file.
 *
 * The head gives dialect, names and optimistic types. Then workers claim chunks
 * of the file, each the rows that begin in its bytes, and parse them on their
 * own. A worker guesses where its chunk's first row begins: after the first
 * line end. Results are taken in the chunks' order ("turn"): there it is known
 * where the row truly begins, and a chunk that guessed wrongly (a line end
 * inside a quoted value) is parsed again; there rows get their numbers and
 * levels theirs, so that nothing depends on how many workers there are. Values
 * that contradict the types are noted, and another pass reads the file again
 * with the types that all values need. Texts of text columns go to an unnamed
 * file beside the table's, and behind the records once their number is
 * known. */
#include "table/ingest.h"
#include "base/file.h"

#include "csv/text.h"
#include "mlp/file.h"
#include "table/ingest_pass.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSES_MAX 9 /* one type wider each time */

static const struct ingest_sizes sizes_usual = {.chunk_bytes = 1 << 20,
                                                .head_bytes = 256 << 10,
                                                .head_rows = 1000,
                                                .n_levels = 1000000,
                                                .level_bytes = (size_t)64 << 20};

/* The beginning of the bytes from `at` to `end`, n of them at most. The caller
 * frees it. */
static char *head_read(const struct csv_file *file, uint64_t at, uint64_t end, size_t *n, struct err *err)
{
    if (end - at < *n)
        *n = (size_t)(end - at);
    char *head = malloc(*n + 1);
    if (head && csv_file_read(file, head, *n, at, err))
        return head;
    if (!head)
        err_memory(err, "the head of the file");
    free(head);
    return NULL;
}

/* Plan from the head of the region's table, of which more is read until its
 * first row is whole. */
static bool table_plan(struct plan *plan, const struct region *region, const struct csv_file *file,
                       const struct ingest_sizes *sizes, const struct csv_options *options, struct err *err)
{
    for (size_t n = sizes->head_bytes;; n *= 2) {
        enum csv_result result = CSV_ROW;
        char *text = head_read(file, region->at, region->end, &n, err);
        if (!text)
            return false;
        const struct head_text head = {text, n, region->at + n == region->end, sizes->head_rows};
        bool good = plan_init(plan, region, &head, options, &result, err);
        free(text);
        if (result != CSV_MORE)
            return good;
    }
}

/* The file's dialect and its table, by its head. */
static bool file_look(struct region *region, const struct csv_file *file, const struct ingest_sizes *sizes,
                      const struct csv_options *options, struct err *err)
{
    size_t n = sizes->head_bytes;
    char *head = head_read(file, 0, file->n_bytes, &n, err);
    bool good = head && region_find(region, head, n, file->n_bytes, options, err);
    free(head);
    return good && (region->certain || region_review(region, file, err));
}

/* The dialect is wrong where more than a few rows, and more than a tenth of
 * them, do not fit. */
enum { ODD_ROWS = 10, ODD_SHARE = 10 };

static bool odd_describe(const struct pass *pass, const struct csv_report *report, struct err *err)
{
    uint64_t n_rows = pass->n_rows + pass->n_bad;
    if (pass->n_odd <= ODD_ROWS || pass->n_odd * ODD_SHARE <= n_rows)
        return true;
    const struct csv_note *padded = &report->done[DEED_PADDED].first[0];
    bool skipped = report->n_skipped > 0;
    err_set(err, ERR_INPUT,
            "%llu of %llu rows do not fit the table's %u columns, so its separator or quotes are others; the "
            "first: %s%.80s",
            (unsigned long long)pass->n_odd, (unsigned long long)n_rows, pass->source.plan->n_columns,
            skipped ? "" : "too few fields in ", skipped ? report->skipped[0].msg : padded->text);
    return err_at(err, skipped ? report->skipped[0].row : padded->row,
                  skipped ? report->skipped[0].column : "");
}

/* Names above nothing make an empty table; a single word makes none. All rows
 * were bad, or there is nothing: false. */
static bool none_accept(const struct plan *plan, const struct csv_report *report, struct err *err)
{
    if (report->n_skipped == 0 && plan->header && plan->n_columns > 1 &&
        plan->options->on_bad_row != CSV_BAD_REJECT)
        return true;
    if (report->n_skipped == 0)
        return err_set(err, ERR_INPUT, "the file has a header and no rows");
    err_set(err, ERR_INPUT, "none of the file's %llu rows could be read; the first: %s",
            (unsigned long long)report->n_skipped, report->skipped[0].msg);
    return err_at(err, report->skipped[0].row, report->skipped[0].column);
}

/* Read the file once with the plan's types. *again: they were too narrow, and
 * have been widened. */
static bool source_read(struct plan *plan, const struct source *source, int table_fd, int texts_fd,
                        const struct table_progress *progress, struct csv_report *report, bool *again,
                        bool *strange, struct err *err)
{
    struct pass pass;
    if (!pass_init(&pass, source, table_fd, texts_fd, progress, report, err))
        return false;
    bool good = pass_run(&pass, plan->options->n_threads, err);
    *strange = *strange || pass.strange;
    if (good && pass.n_rows == 0)
        good = none_accept(plan, report, err);
    good = good && odd_describe(&pass, report, err);
    *again = good && pass.tally.needs_widening;
    for (uint32_t i = 0; good && i < plan->n_columns; i++)
        if (tally_decide(&pass.tally, i, &plan->columns[i]))
            *again = true;
    if (good && !*again)
        good = table_writer_finish(&pass.writer, &pass.tally, pass.n_text_bytes, err);
    pass_done(&pass);
    plan->n_passes++;
    if (*again)
        plan_layout(plan);
    return good;
}

/* The first pass finds what all values need; from the second on types only widen:
 * more passes than there are types are needed only if the file changes
 * meanwhile. */
static bool source_ingest(struct plan *plan, const struct source *source, const char *path, int table_fd,
                          const struct table_progress *progress, struct csv_report *report, bool *strange,
                          struct err *err)
{
    bool again = true, good = true;
    for (int i = 0; good && again && i < PASSES_MAX; i++) {
        int texts_fd = -1;
        if (ftruncate(table_fd, 0) != 0)
            return err_errno(err, "emptying the table file");
        if (plan->n_of_type[COLUMN_TEXT] > 0 && (texts_fd = file_unnamed(path, "texts", err)) < 0)
            return false;
        good = source_read(plan, source, table_fd, texts_fd, progress, report, &again, strange, err);
        if (texts_fd >= 0)
            close(texts_fd);
    }
    return good && (!again || err_set(err, ERR_IO, "the CSV file changed while it was read"));
}

/* One text to a table: where it goes, and what is told of it. */
struct ingest {
    const struct csv_file *file;
    const struct csv_options *options;
    const struct ingest_sizes *sizes;
    const char *path;
    const struct table_progress *progress;
    struct csv_report *report;
};

/* The region's table to the file at `path`. *strange: something in it may be
 * none of its rows. */
static bool region_ingest(const struct ingest *ingest, const struct region *region, bool *strange,
                          struct err *err)
{
    struct plan plan;
    const struct ingest_sizes *sizes = ingest->sizes;
    struct csv_report *report = ingest->report;
    struct source source = {.file = ingest->file,
                            .n_bytes = region->end,
                            .chunk_bytes = sizes->chunk_bytes,
                            .plan = &plan,
                            .region = region};
    if (!table_plan(&plan, region, ingest->file, sizes, ingest->options, err))
        return false;
    plan.n_levels_max = sizes->n_levels ? sizes->n_levels : sizes_usual.n_levels;
    plan.level_bytes_max = sizes->level_bytes ? sizes->level_bytes : sizes_usual.level_bytes;
    bool good = false;
    int table_fd = file_create(ingest->path, err);
    if (table_fd >= 0)
        good = source_ingest(&plan, &source, ingest->path, table_fd, ingest->progress, report, strange, err);
    if (table_fd >= 0 && close(table_fd) != 0 && good)
        good = err_errno(err, "closing the table file");
    if (!good && table_fd >= 0)
        unlink(ingest->path);
    report->separator = plan.dialect.separator;
    report->quote = plan.dialect.quote;
    report->comment = plan.dialect.comment;
    report->decimal = plan.dialect.decimal;
    report->encoding = plan.encoding;
    report->header = plan.header;
    report->n_titles = region->n_titles;
    report->count_line = plan.count_line;
    plan_done(&plan);
    return good;
}

enum { TAIL_BYTES = 4096 };

/* Whether the last line of a file, all of which is there, begins as a row of
 * sums does. */
static bool tail_sums(const struct region *region, const struct csv_file *file, bool *sums, struct err *err)
{
    char tail[TAIL_BYTES];
    size_t n = file->n_bytes < sizeof tail ? (size_t)file->n_bytes : sizeof tail;
    if (!csv_file_read(file, tail, n, file->n_bytes - n, err))
        return false;
    while (n > 0 && (tail[n - 1] == '\n' || tail[n - 1] == '\r'))
        n--;
    size_t begin = n, end;
    while (begin > 0 && tail[begin - 1] != '\n' && tail[begin - 1] != '\r')
        begin--;
    begin += begin < n && tail[begin] == region->dialect.quote;
    for (end = begin; end < n && tail[end] != region->dialect.separator;)
        end++;
    end -= end > begin && tail[end - 1] == region->dialect.quote;
    *sums = csv_is_sum(&(struct csv_field){tail + begin, (uint32_t)(end - begin), false});
    return true;
}

/* Where its head shows one table and nothing else, the file is read as such;
 * only where rows turn up that do not fit is all of it looked at, and read again
 * where its table is another one. */
static bool text_ingest(const struct ingest *ingest, struct err *err)
{
    struct region region = {0};
    struct err inner = {0};
    bool strange = false;
    if (!file_look(&region, ingest->file, ingest->sizes, ingest->options, err)) {
        region_done(&region);
        return false;
    }
    bool good = region_ingest(ingest, &region, &strange, &inner);
    if (good && !strange && region.guessed && !region.reviewed &&
        !tail_sums(&region, ingest->file, &strange, &inner)) {
        unlink(ingest->path);
        good = false;
    }
    if ((good || inner.code == ERR_INPUT) && strange && region.guessed && !region.reviewed) {
        const struct region first = region;
        if (!region_review(&region, ingest->file, &inner))
            good = false;
        else if (region.at != first.at || region.end != first.end || region.width != first.width) {
            unlink(ingest->path);
            good = region_ingest(ingest, &region, &strange, &inner);
        }
        if (!good)
            unlink(ingest->path);
    }
    region_done(&region);
    if (!good)
        *err = inner;
    return good;
}

static bool encoding_find(const struct csv_file *file, enum csv_encoding *encoding, struct err *err)
{
    char head[4096];
    size_t n = file->n_bytes < sizeof head ? (size_t)file->n_bytes : sizeof head;
    if (*encoding != CSV_ENCODING_GUESS)
        return true;
    if (!csv_file_read(file, head, n, 0, err))
        return false;
    *encoding = text_guess_encoding(head, n);
    if (*encoding != CSV_UTF16LE && *encoding != CSV_UTF16BE)
        *encoding = CSV_ENCODING_GUESS; /* the plan looks at more of it */
    return true;
}

/* A file in UTF-16, by way of one in UTF-8. */
static bool wide_ingest(const struct ingest *ingest, enum csv_encoding encoding, struct err *err)
{
    const struct csv_file *file = ingest->file;
    struct csv_options options = *ingest->options;
    struct csv_file utf8 = {0};
    struct ingest spooled = *ingest;
    if (file->wait && !file->wait(file->self, file->n_bytes, err))
        return false;
    utf8.fd = text_spool(file->fd, file->n_bytes, encoding, ingest->path, &utf8.n_bytes, err);
    if (utf8.fd < 0)
        return false;
    options.encoding = CSV_UTF8;
    spooled.file = &utf8;
    spooled.options = &options;
    bool good = text_ingest(&spooled, err);
    close(utf8.fd);
    ingest->report->encoding = encoding;
    return good;
}

bool table_ingest_sized(const struct csv_file *file, const struct csv_options *options,
                        const struct ingest_sizes *sizes, const char *path,
                        const struct table_progress *progress, struct csv_report *report, struct err *err)
{
    struct csv_report found = {.bytes = file->n_bytes};
    struct csv_options known = *options;
    const struct ingest ingest = {file, &known, sizes, path, progress, &found};
    if (!encoding_find(file, &known.encoding, err))
        return false;
    bool wide = known.encoding == CSV_UTF16LE || known.encoding == CSV_UTF16BE;
    bool good = wide ? wide_ingest(&ingest, known.encoding, err) : text_ingest(&ingest, err);
    if (good && report)
        *report = found;
    return good;
}

bool table_ingest_file(const struct csv_file *file, const struct csv_options *options, const char *path,
                       const struct table_progress *progress, struct csv_report *report, struct err *err)
{
    return table_ingest_sized(file, options, &sizes_usual, path, progress, report, err);
}

bool table_ingest(int csv_fd, const struct csv_options *options, const char *path,
                  const struct table_progress *progress, struct csv_report *report, struct err *err)
{
    struct stat status;
    if (fstat(csv_fd, &status) != 0)
        return err_errno(err, "looking at the CSV file");
    const struct csv_file file = {.fd = csv_fd, .n_bytes = (uint64_t)status.st_size};
    return table_ingest_file(&file, options, path, progress, report, err);
}
