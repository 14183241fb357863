/* Rows of a dataset's file that are not in its table, and values that became
 * missing: pages of them, as JSON or CSV. */
#include "api/routes.h"
#include "base/csv_write.h"
#include "base/files.h"
#include "mlp/map.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE_DEFAULT 100
#define PAGE_MOST 10000
#define PAGE_BYTES (16u << 20) /* it ends after the one that reaches them */
#define N_MEMBERS 6

/* As the file's first line has them. */
static const char *const members[N_MEMBERS] = {"row", "line", "code", "column", "reason", "text"};
static const bool numbers[N_MEMBERS] = {true, true};

struct page {
    uint64_t from, limit; /* from: 1 is the first */
    bool csv;
};

static void reject_json(struct writer *writer, const struct csv_field *fields)
{
    writer_open(writer, '{');
    for (int i = 0; i < N_MEMBERS; i++) {
        writer_key(writer, members[i]);
        if (fields[i].length == 0 && i != N_MEMBERS - 1)
            writer_null(writer);
        else if (numbers[i])
            writer_raw(writer, fields[i].text, fields[i].length);
        else
            writer_string_n(writer, fields[i].text, fields[i].length);
    }
    writer_close(writer, '}');
}

static void reject_csv(struct writer *writer, const struct csv_field *fields)
{
    for (int i = 0; i < N_MEMBERS; i++) {
        writer_bytes(writer, ",", i > 0);
        csv_put_text(writer, fields[i].text, fields[i].length);
    }
    writer_bytes(writer, "\n", 1);
}

/* The page's lines; *next: the one after them, 0 where there is none. */
static bool lines_write(struct csv_reader *reader, const struct page *page, const atomic_bool *stop,
                        struct writer *writer, uint64_t *next, struct err *err)
{
    const struct csv_field *fields;
    uint32_t n_fields;
    uint64_t at = 0, n = 0;
    int got;
    *next = 0;
    while ((got = csv_reader_next(reader, &fields, &n_fields, err)) == 1) {
        if (at % 4096 == 0 && !stop_check(stop, err))
            return false;
        if (n_fields != N_MEMBERS)
            return err_set(err, ERR_CORRUPT, "the file of rows set aside is damaged");
        if (at++ < page->from) /* the line of names is 0 */
            continue;
        if (n == page->limit || (n > 0 && writer->n >= PAGE_BYTES)) {
            *next = at - 1;
            return true;
        }
        (page->csv ? reject_csv : reject_json)(writer, fields);
        n++;
    }
    return got == 0;
}

static bool file_write(int fd, const struct page *page, const atomic_bool *stop, struct writer *writer,
                       uint64_t *next, struct err *err)
{
    static const struct csv_options options = {
        .separator = ',', .header = 1, .titles = -1, .comment = -1, .decimal = '.', .encoding = CSV_UTF8};
    struct map map = {0};
    uint64_t size;
    if (!files_size(fd, &size, err) || !map_file(&map, fd, (size_t)size, err))
        return false;
    struct csv_reader *reader = csv_reader_open(map.bytes, map.n_bytes, &options, err);
    bool ok = reader && lines_write(reader, page, stop, writer, next, err) &&
              map_check(&map, "the file of rows set aside", err);
    csv_reader_free(reader);
    map_done(&map);
    return ok;
}

static bool page_read(const struct request *request, struct page *page, struct reply *reply)
{
    const char *accept = request_header(request, "Accept");
    page->csv = accept && !strncmp(accept, "text/csv", 8);
    if (!query_number(request, "from", 1, UINT64_MAX, &page->from, reply) ||
        !query_number(request, "limit", PAGE_DEFAULT, PAGE_MOST, &page->limit, reply))
        return false;
    page->from = page->from ? page->from : 1;
    return true;
}

static void page_begin(struct writer *writer, const struct page *page)
{
    if (page->csv) {
        writer_text(writer, "row,line,code,column,reason,text\n");
        return;
    }
    writer_open(writer, '{');
    writer_key(writer, "rejects");
    writer_open(writer, '[');
}

static void page_end(struct writer *writer, const struct page *page, uint64_t next, struct reply *reply)
{
    if (page->csv) {
        reply_text(reply, 200, "text/csv; charset=utf-8", writer);
        if (next)
            reply_header(reply, "Mlpd-Next", "%llu", (unsigned long long)next);
        return;
    }
    writer_close(writer, ']');
    writer_put_uint(writer, "from", page->from);
    writer_key(writer, "next");
    if (next)
        writer_uint(writer, next);
    else
        writer_null(writer);
    writer_close(writer, '}');
    reply_json(reply, 200, writer);
}

void datasets_get_rejects(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    const char *name = request_param(request, 0);
    struct dataset_row row;
    struct writer writer;
    struct page page = {0};
    struct err err = {0};
    uint64_t next = 0;
    int fd = -1;
    if (!page_read(request, &page, reply))
        return;
    struct table *table = datasets_table(server->datasets, name, &row, &err);
    table_unref(table);
    reply_writer(reply, &writer);
    page_begin(&writer, &page);
    bool ok = table != NULL;
    if (ok && (fd = datasets_rejects(server->datasets, row.id, &err)) >= 0)
        ok = file_write(fd, &page, request_stop(request), &writer, &next, &err);
    else if (ok)
        ok = err.code == ERR_NOT_FOUND; /* none was set aside */
    if (fd >= 0)
        close(fd);
    if (ok) {
        page_end(&writer, &page, next, reply);
    } else {
        writer_done(&writer);
        reply_problem(reply, &err);
    }
}
