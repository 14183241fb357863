/* Which part of a file is the table: see ingest_region.h. */
#include "table/ingest_region.h"
#include "base/file.h"

#include "csv/text.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_BYTES ((size_t)1 << 20)

bool csv_file_read(const struct csv_file *file, void *bytes, size_t n_bytes, uint64_t at, struct err *err)
{
    return (!file->wait || file->wait(file->self, at + n_bytes, err)) &&
           file_read_at(file->fd, bytes, n_bytes, at, "the CSV file", err);
}

/* The chosen table becomes the region's, others with more than a title's rows
 * are kept; `all`: the layout is the whole file's. */
static bool region_choose(struct region *region, const struct csv_layout *layout, bool all)
{
    const struct csv_table_place *table = &layout->tables[layout->chosen];
    free(region->others);
    region->n_others = 0;
    region->others = malloc(((size_t)layout->n_tables + 1) * sizeof *region->others);
    if (!region->others)
        return false;
    for (uint32_t i = 0; i < layout->n_tables; i++) {
        const struct csv_table_place *other = &layout->tables[i];
        if (i != layout->chosen && other->n_rows > 1)
            region->others[region->n_others++] = (struct region_other){other->at, other->end};
    }
    region->at = table->at;
    region->line = table->line;
    /* fields at the end that are empty in every row are none */
    region->width = table->extent < table->width ? table->extent : table->width;
    region->narrow =
        table->names && table->n_wide == 1 && table->n_narrow > 0 && region->width == table->width;
    if (region->narrow)
        region->width--;
    region->n_titles = (uint32_t)table->n_before;
    region->guessed = true;
    region->reviewed = all;
    if (all)
        region->end = table->end;
    return true;
}

/* Whether the layout of a file's head has something that the rest could change:
 * anything behind the chosen table. */
static bool is_open(const struct csv_layout *layout)
{
    return layout->chosen + 1 < layout->n_tables ||
           (layout->n_segments > 0 &&
            layout->segments[layout->n_segments - 1].end != layout->tables[layout->chosen].end);
}

static bool layout_guess(struct region *region, const char *text, size_t n_bytes, bool whole)
{
    struct csv_layout layout = {.told = region->told};
    struct csv_scan scan;
    csv_scan_init(&scan, &region->dialect);
    csv_scan_text(&scan, text, n_bytes, whole);
    bool good = csv_layout_text(&layout, &scan, region->text_at) && csv_layout_find(&layout);
    if (good && layout.n_tables > 0) {
        good = region_choose(region, &layout, whole);
        region->certain = whole || !is_open(&layout);
    }
    csv_scan_done(&scan);
    csv_layout_done(&layout);
    return good;
}

bool region_find(struct region *region, const char *head, size_t n_bytes, uint64_t file_bytes,
                 const struct csv_options *options, struct err *err)
{
    bool whole = n_bytes == file_bytes;
    size_t titles = 0;
    *region = (struct region){.dialect = dialect_told(options),
                              .encoding = options->encoding != CSV_ENCODING_GUESS
                                              ? options->encoding
                                              : text_guess_encoding(head, n_bytes),
                              .end = file_bytes,
                              .told = options->n_names,
                              .certain = true};
    if (region->encoding == CSV_UTF16LE || region->encoding == CSV_UTF16BE)
        region->encoding = CSV_UTF8; /* the caller has looked at more and found otherwise */
    size_t text_at = csv_preamble(&region->dialect, head, n_bytes);
    region->text_at = region->at = text_at;
    if (options->quote == 0)
        region->dialect.quote = csv_guess_quote(head + text_at, n_bytes - text_at);
    bool good = csv_guess(&region->dialect, options->comment == 0, head + text_at, n_bytes - text_at, whole);
    if (good && options->titles == 0 && options->on_bad_row != CSV_BAD_REJECT)
        good = layout_guess(region, head + text_at, n_bytes - text_at, whole);
    if (good && !region->guessed) {
        titles = csv_titles(&region->dialect, options, head + text_at, n_bytes - text_at, whole, true,
                            &region->n_titles);
        good = titles != SIZE_MAX;
        region->at += good ? titles : 0;
        region->line = csv_line_ends(head, region->at);
    } else if (good && text_at > 0) {
        region->line += region_text_line(region);
    }
    if (!good) {
        region_done(region);
        return err_memory(err, "a look at the file's dialect");
    }
    return true;
}

uint64_t region_text_line(const struct region *region)
{
    return region->text_at > 3 ? 1 : 0; /* a mark has 3 bytes */
}

void region_done(struct region *region)
{
    free(region->others);
    region->others = NULL;
    region->n_others = 0;
}

/* --- the whole file --- */

/* A part of the file in memory. */
struct window {
    const struct csv_file *file;
    char *text;
    size_t room;
    uint64_t at, file_bytes;
};

/* The bytes from `at` on, as many as there is room for. */
static bool window_read(struct window *window, uint64_t at, size_t *n, struct err *err)
{
    uint64_t left = window->file_bytes - at;
    *n = left < window->room ? (size_t)left : window->room;
    window->at = at;
    return csv_file_read(window->file, window->text, *n, at, err);
}

static bool window_grow(struct window *window, struct err *err)
{
    char *text = realloc(window->text, 2 * window->room);
    if (!text)
        return err_memory(err, "a window of the file");
    window->text = text;
    window->room *= 2;
    return true;
}

/* The window's rows; *taken are its bytes up to the first that is not whole. */
static bool window_rows(const struct window *window, size_t n, struct csv_scan *scan,
                        struct csv_layout *layout, size_t *taken)
{
    csv_scan_text(scan, window->text, n, window->at + n == window->file_bytes);
    bool good = csv_layout_text(layout, scan, window->at);
    *taken = scan->at;
    return good;
}

bool region_review(struct region *region, const struct csv_file *file, struct err *err)
{
    uint64_t file_bytes = file->n_bytes;
    struct window window = {.file = file, .room = WINDOW_BYTES, .file_bytes = file_bytes};
    struct csv_layout layout = {.told = region->told};
    struct csv_scan scan;
    bool good = (window.text = malloc(window.room)) != NULL || err_memory(err, "a window of the file");
    csv_scan_init(&scan, &region->dialect);
    for (uint64_t at = region->text_at; good && at < file_bytes;) {
        size_t n, taken = 0;
        good = window_read(&window, at, &n, err) &&
               (window_rows(&window, n, &scan, &layout, &taken) || err_memory(err, "the file's layout"));
        if (taken == 0)
            good = good && (at + n == file_bytes || window_grow(&window, err));
        if (taken == 0 && at + n == file_bytes)
            break;
        at += taken;
    }
    uint64_t line = region_text_line(region);
    good = good && (csv_layout_find(&layout) || err_memory(err, "the file's layout"));
    if (good && layout.n_tables > 0) {
        good = region_choose(region, &layout, true) || err_memory(err, "the file's layout");
        region->line += line;
    }
    free(window.text);
    csv_scan_done(&scan);
    csv_layout_done(&layout);
    return good;
}

/* --- what stands around the table --- */

static enum csv_deed line_deed(const struct region *region, uint64_t at, const char *text, size_t n)
{
    struct csv_field field = csv_field_trim((struct csv_field){text, (uint32_t)n, false});
    if (field.length == 0)
        return DEED_EMPTY_LINE;
    for (uint32_t i = 0; i < region->n_others; i++)
        if (at >= region->others[i].at && at < region->others[i].end)
            return DEED_OTHER_TABLE;
    if (region->dialect.comment && field.text[0] == region->dialect.comment)
        return DEED_COMMENT;
    return at < region->at ? DEED_PREAMBLE : DEED_FOOTER;
}

/* The lines that are whole in the text; *taken are their bytes. */
static bool lines_note(const struct region *region, const char *text, size_t n, uint64_t text_at, bool last,
                       uint64_t *line, struct notes *notes, size_t *taken)
{
    *taken = 0;
    for (size_t begin = 0, end; begin < n; begin = end) {
        size_t at = begin;
        while (at < n && text[at] != '\n' && text[at] != '\r')
            at++;
        if (!last && (at == n || (text[at] == '\r' && at + 1 == n)))
            return true;
        end = at + (at < n ? 1 : 0) + (at + 1 < n && text[at] == '\r' && text[at + 1] == '\n' ? 1 : 0);
        struct note note = {.deed = line_deed(region, text_at + begin, text + begin, at - begin),
                            .row = NOTE_NO_ROW,
                            .line = (*line)++,
                            .column = NOTE_NO_COLUMN};
        if (!notes_add(notes, &note, text + begin, at - begin))
            return false;
        *taken = end;
    }
    return true;
}

bool region_note(const struct region *region, const struct csv_file *file, uint64_t *at, uint64_t to,
                 uint64_t *line, struct notes *notes, struct err *err)
{
    struct window window = {.file = file, .room = WINDOW_BYTES, .file_bytes = to};
    size_t n, taken = 0;
    bool good = (window.text = malloc(window.room)) != NULL || err_memory(err, "a window of the file");
    while (good && taken == 0) {
        good = window_read(&window, *at, &n, err) &&
               (lines_note(region, window.text, n, *at, *at + n == to, line, notes, &taken) ||
                err_memory(err, "notes on the file's lines"));
        good = good && (taken > 0 || window_grow(&window, err));
    }
    *at += taken;
    free(window.text);
    return good;
}
