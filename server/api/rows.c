/* A dataset's rows: pages of them, chosen ones, all of them as a file, and more
 * of them. */
#include "api/routes.h"
#include "base/csv_write.h"
#include "base/log.h"
#include "datasets/append.h"
#include "datasets/profile.h"
#include "http/pieces.h"
#include "json/scan.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ROWS_DEFAULT 100
#define ROWS_MAX 10000
#define CELLS_MAX 1000000     /* of one page of rows */
#define BYTES_MAX (16u << 20) /* of one page: it ends after the row that reaches them */
#define PIECE_BYTES 16384
#define TEXT_BYTES 65536 /* of a body whose texts are not reserved */

/* --- some rows --- */

/* Which rows are asked for: a page, or those of ?index=. */
struct choice {
    bool indexed;
    uint64_t offset, n;
    uint64_t *index; /* (n) */
};

static bool index_fail(struct err *err, const char *text, uint64_t n_rows)
{
    err_set(err, ERR_INPUT,
            "\"index\": expected at most %d row numbers below %" PRIu64
            " with commas between them, found \"%.40s\"",
            ROWS_MAX, n_rows, text);
    return err_field(err, "index");
}

static bool index_read(struct choice *choice, const char *text, uint64_t n_rows, struct err *err)
{
    size_t most = 1;
    for (const char *c = text; *c; c++)
        most += *c == ',';
    choice->indexed = true;
    if (most > ROWS_MAX)
        return index_fail(err, text, n_rows);
    if (!(choice->index = malloc(most * sizeof *choice->index)))
        return err_memory(err, "the rows");
    for (const char *at = text;;) {
        char *end;
        unsigned long long row = strtoull(at, &end, 10);
        if (*at < '0' || *at > '9' || row >= n_rows || (*end && *end != ','))
            return index_fail(err, at, n_rows);
        choice->index[choice->n++] = row;
        if (!*end)
            return true;
        at = end + 1;
    }
}

static void choice_cut(struct choice *choice, const struct table *table)
{
    uint64_t most = CELLS_MAX / table_n_columns(table), left = table_n_rows(table);
    left = choice->indexed ? choice->n : choice->offset < left ? left - choice->offset : 0;
    if (choice->n > left)
        choice->n = left;
    if (choice->n > most)
        choice->n = most ? most : left > 0;
}

/* Whether the rows are what was written. */
static bool choice_check(const struct choice *choice, const struct table *table, struct err *err)
{
    bool good = choice->indexed || table_check(table, choice->offset, choice->n, err);
    for (uint64_t k = 0; choice->indexed && good && k < choice->n; k++)
        good = table_check(table, choice->index[k], 1, err);
    return good;
}

/* Rows on their way out. */
struct page {
    struct table *table; /* owned reference */
    struct choice choice;
    uint64_t n_asked, k, n_bytes; /* rows of the choice, and bytes, that are written */
    bool begun;
};

static void page_begin(struct page *page, struct writer *writer)
{
    writer_open(writer, '{');
    writer_put_uint(writer, "total", table_n_rows(page->table));
    if (!page->choice.indexed)
        writer_put_uint(writer, "offset", page->choice.offset);
    writer_key(writer, "columns");
    writer_open(writer, '[');
    for (uint32_t i = 0; i < table_n_columns(page->table); i++)
        writer_string(writer, table_column(page->table, i)->name);
    writer_close(writer, ']');
    writer_key(writer, "rows");
    writer_open(writer, '[');
    page->begun = true;
}

/* "next": where the following page begins; of chosen rows the place in their
 * list. */
static void page_end(const struct page *page, struct writer *writer)
{
    const struct choice *choice = &page->choice;
    uint64_t next = choice->indexed ? page->k : choice->offset + page->k;
    writer_close(writer, ']');
    writer_key(writer, "next");
    if (next < (choice->indexed ? page->n_asked : table_n_rows(page->table)))
        writer_uint(writer, next);
    else
        writer_null(writer);
    writer_close(writer, '}');
}

static void page_row(struct page *page, struct writer *writer)
{
    const struct choice *choice = &page->choice;
    uint64_t row = choice->indexed ? choice->index[page->k] : choice->offset + page->k;
    size_t before = writer->n;
    writer_open(writer, '[');
    for (uint32_t i = 0; i < table_n_columns(page->table); i++)
        profile_cell(writer, page->table, i, row);
    writer_close(writer, ']');
    page->n_bytes += writer->n - before;
    page->k++;
}

static enum piece page_write(void *self, struct writer *writer, struct err *err)
{
    struct page *page = self;
    size_t before = writer->n;
    if (!page->begun)
        page_begin(page, writer);
    while (page->k < page->choice.n && page->n_bytes < BYTES_MAX && writer->n - before < PIECE_BYTES &&
           !writer->failed)
        page_row(page, writer);
    if (!table_check_read(page->table, err)) /* what was read of a file that is no longer whole is not sent */
        return PIECE_FAILED;
    if (page->k < page->choice.n && page->n_bytes < BYTES_MAX)
        return PIECE_MORE;
    page_end(page, writer);
    return PIECE_LAST;
}

static void page_free(void *self)
{
    struct page *page = self;
    table_unref(page->table);
    free(page->choice.index);
    free(page);
}

static uint64_t page_bytes(const struct page *page)
{
    return sizeof *page + (page->choice.indexed ? page->n_asked * sizeof *page->choice.index : 0);
}

static bool page_open(struct page *page, struct request *request, struct err *err)
{
    struct server *server = request_app(request);
    const char *index = request_query(request, "index");
    struct choice *choice = &page->choice;
    page->table = datasets_table(server->datasets, request_param(request, 0), NULL, err);
    if (!page->table || (index && !index_read(choice, index, table_n_rows(page->table), err)))
        return false;
    page->n_asked = choice->n;
    if (!claim_take(request_claim(request), page_bytes(page), err))
        return false;
    choice_cut(choice, page->table);
    return choice_check(choice, page->table, err);
}

void datasets_get_rows(struct request *request, struct reply *reply)
{
    struct choice choice = {0};
    struct err err = {0};
    if (!query_number(request, "offset", 0, INT64_MAX, &choice.offset, reply) ||
        (!request_query(request, "index") &&
         !query_number(request, "limit", ROWS_DEFAULT, ROWS_MAX, &choice.n, reply)))
        return;
    struct page *page = calloc(1, sizeof *page);
    if (!page) {
        err_memory(&err, "the rows");
    } else {
        page->choice = choice;
        if (page_open(page, request, &err)) {
            const struct pieces pieces = {
                .write = page_write, .free = page_free, .self = page, .bytes = page_bytes(page)};
            pieces_reply(request, reply, "application/json", &pieces);
            return;
        }
        page_free(page);
    }
    reply_problem(reply, &err);
}

/* --- all rows --- */

/* A table on its way out as CSV. */
struct export
{
    struct table *table; /* owned reference */
    uint64_t row;
    uint64_t checked; /* rows before this one are what was written */
    bool begun;
};

static enum piece export_write(void *self, struct writer *writer, struct err *err)
{
    struct export *export = self;
    size_t before = writer->n;
    if (!export->begun)
        csv_put_names(writer, export->table);
    export->begun = true;
    while (export->row < table_n_rows(export->table) && writer->n - before < PIECE_BYTES && !writer->failed) {
        if (export->row == export->checked &&
            !(export->checked = table_check_group(export->table, export->row, err)))
            return PIECE_FAILED;
        csv_put_row(writer, export->table, export->row++);
    }
    if (!table_check_read(export->table,
                          err)) /* what was read of a file that is no longer whole is not sent */
        return PIECE_FAILED;
    return export->row < table_n_rows(export->table) ? PIECE_MORE : PIECE_LAST;
}

static void export_free(void *self)
{
    struct export *export = self;
    table_unref(export->table);
    free(export);
}

void datasets_get_file(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    const char *name = request_param(request, 0);
    struct err err = {0};
    struct export *export = calloc(1, sizeof *export);
    if (!export)
        err_memory(&err, "the file");
    else if ((export->table = datasets_table(server->datasets, name, NULL, &err))) {
        const struct pieces pieces = {.write = export_write, .free = export_free, .self = export};
        pieces_reply(request, reply, "text/csv; charset=utf-8", &pieces);
        if (reply->status == 200)
            reply_header(reply, "Content-Disposition", "attachment; filename=\"%s.csv\"", name);
        return;
    }
    reply_problem(reply, &err);
    free(export);
}

/* --- more rows --- */

void datasets_post_rows_head(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct err err = {0};
    if (!body_unpack(request_body(request), INFLATE_GUESS, server->max_body, &err))
        reply_problem(reply, &err);
}

/* By the Content-Type; where that says nothing (curl's default) by how the body
 * begins. */
static bool body_is_json(const struct request *request, const struct append_source *source)
{
    const char *type = request_header(request, "Content-Type");
    if (type && (!strncasecmp(type, "application/json", 16) || !strncasecmp(type, "text/csv", 8)))
        return tolower((unsigned char)type[0]) == 'a';
    return scan_first(source->bytes, source->n) == '{';
}

/* A copy of the text that reading it makes: of JSON where it has escapes, of
 * CSV in UTF-16. */
static bool copy_claim(const struct append_source *source, struct err *err)
{
    size_t n = source->n, n_head = n < TEXT_BYTES ? n : TEXT_BYTES;
    if (n <= TEXT_BYTES)
        return true;
    if (source->json)
        return !memchr(source->bytes, '\\', n) || claim_take(source->claim, n, err);
    return !memchr(source->bytes, 0, n_head) || claim_take(source->claim, 2 * (uint64_t)n, err);
}

void datasets_post_rows(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    const char *name = request_param(request, 0);
    struct append_source source = {0};
    struct dataset_info info = {0};
    struct csv_query csv = {0};
    struct err err = {0};
    bool ok = csv_query_read(&csv, request, &err) &&
              body_pages(request_body(request), &source.bytes, &source.n, &err);
    if (ok && source.n == 0)
        ok = err_set(&err, ERR_INPUT, "the body is empty: expected rows as CSV or as {\"rows\":[[...]]}");
    if (ok) {
        source.options = &csv.options;
        source.stop = request_stop(request);
        source.json = body_is_json(request, &source);
        source.claim = request_claim(request);
        ok = (!source.json || scan_encoding_check(source.bytes, source.n, &err)) &&
             copy_claim(&source, &err) && append_rows(server->datasets, name, &source, &info, &err);
    }
    if (ok) {
        stored_reply(server, reply, 200, &info);
        log_info("dataset %s: now %" PRIu64 " rows", name, info.row.n_rows);
    } else {
        reply_problem(reply, &err);
    }
    csv_query_done(&csv);
}
