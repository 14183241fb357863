/* A dataset's rows: pages of them, chosen ones, all of them as a file, and more of them. */
#include "append.h"
#include "csv_write.h"
#include "log.h"
#include "profile.h"
#include "routes.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ROWS_DEFAULT 100
#define ROWS_MAX 10000
#define CELLS_MAX 1000000 /* of one page of rows */

/* --- some rows --- */

/* Which rows are asked for: a page, or those of ?index=. */
struct choice {
    bool indexed;
    uint64_t offset, n;
    uint64_t *index; /* (n) */
};

static bool index_fail(struct err *err, const char *text, uint64_t n_rows)
{
    err_set(err, ERR_INPUT, "\"index\": expected at most %d row numbers below %" PRIu64 " with commas between them, found \"%.40s\"",
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

/* Ends early, with half a text, once `stop` is set. */
static void rows_write(struct writer *writer, const struct table *table, const struct choice *choice, const atomic_bool *stop)
{
    uint32_t n_columns = table_n_columns(table);
    writer_open(writer, '{');
    writer_put_uint(writer, "total", table_n_rows(table));
    if (!choice->indexed)
        writer_put_uint(writer, "offset", choice->offset);
    writer_key(writer, "columns");
    writer_open(writer, '[');
    for (uint32_t i = 0; i < n_columns; i++)
        writer_string(writer, table_column(table, i)->name);
    writer_close(writer, ']');
    writer_key(writer, "rows");
    writer_open(writer, '[');
    for (uint64_t k = 0; k < choice->n && !stop_is_set(stop); k++) {
        writer_open(writer, '[');
        for (uint32_t i = 0; i < n_columns; i++)
            profile_cell(writer, table, i, choice->indexed ? choice->index[k] : choice->offset + k);
        writer_close(writer, ']');
    }
    writer_close(writer, ']');
    writer_close(writer, '}');
}

void datasets_get_rows(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    const char *index = request_query(request, "index");
    struct choice choice = {0};
    struct err err = {0};
    struct writer writer;
    if (!query_number(request, "offset", 0, INT64_MAX, &choice.offset, reply) ||
        (!index && !query_number(request, "limit", ROWS_DEFAULT, ROWS_MAX, &choice.n, reply)))
        return;
    struct table *table = datasets_table(server->datasets, request_param(request, 0), NULL, &err);
    bool ok = table && (!index || index_read(&choice, index, table_n_rows(table), &err));
    if (ok) {
        choice_cut(&choice, table);
        ok = choice_check(&choice, table, &err);
    }
    if (ok) {
        reply_writer(reply, &writer);
        rows_write(&writer, table, &choice, request_stop(request));
        ok = stop_check(request_stop(request), &err) && table_check_read(table, &err);
        if (ok)
            reply_json(reply, 200, &writer);
        else
            writer_done(&writer);
    }
    if (!ok)
        reply_problem(reply, &err);
    free(choice.index);
    table_unref(table);
}

/* --- all rows --- */

/* A table on its way out as CSV. */
struct export
{
    struct table *table;
    struct writer text;
    size_t at; /* of text: what was given out */
    uint64_t row;
    uint64_t checked; /* rows before this one are what was written */
};

/* -1: there are no more rows; -2: the next cannot be had, and the broken reply tells. */
static int export_row(struct export *export)
{
    struct err ignored;
    if (export->row == table_n_rows(export->table))
        return -1;
    if (export->row == export->checked && !(export->checked = table_check_group(export->table, export->row, &ignored)))
        return -2;
    export->at = export->text.n = 0;
    csv_put_row(&export->text, export->table, export->row++);
    return export->text.failed ? -2 : 1;
}

static int export_fill(struct export *export, char *text, size_t size, size_t *n)
{
    while (*n < size) {
        int more = export->at == export->text.n ? export_row(export) : 1;
        if (more < 0)
            return more;
        size_t left = export->text.n - export->at, part = left < size - *n ? left : size - *n;
        memcpy(text + *n, export->text.text + export->at, part);
        export->at += part;
        *n += part;
    }
    return 1;
}

/* What was read from a file that is no longer whole is not sent. */
static int export_read(void *self, char *text, size_t size, size_t *n)
{
    struct export *export = self;
    struct err damage;
    int more = export_fill(export, text, size, n);
    if (table_check_read(export->table, &damage))
        return more;
    *n = 0;
    return -2;
}

static void export_free(void *self)
{
    struct export *export = self;
    table_unref(export->table);
    writer_done(&export->text);
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
        csv_put_names(&export->text, export->table);
        const struct reply_source source = {.read = export_read, .free = export_free, .self = export};
        if ((reply->source = http_source_new(request, &source, &err))) {
            reply->status = 200;
            reply->type = "text/csv; charset=utf-8";
            reply_header(reply, "Content-Disposition", "attachment; filename=\"%s.csv\"", name);
            return;
        }
    }
    reply_problem(reply, &err);
    if (export)
        export_free(export);
}

/* --- more rows --- */

static bool parameter_check(void *self, const char *name, const char *value)
{
    struct err *err = self;
    (void)value;
    if (csv_query_knows(name) && strcmp(name, "types") && strcmp(name, "on_bad_row"))
        return true;
    err_set(err, ERR_INPUT,
            "\"%.60s\" is not known here: expected separator, header, quote, decimal, thousands, encoding, comment, na, columns", name);
    return err_field(err, name);
}

void datasets_post_rows_head(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct err err = {0};
    if (!body_unpack(request_body(request), INFLATE_GUESS, server->max_body, &err))
        reply_problem(reply, &err);
}

/* By the Content-Type; where that says nothing (curl's default) by how the body begins. */
static bool body_is_json(const struct request *request, const struct append_source *source)
{
    const char *type = request_header(request, "Content-Type");
    size_t i = 0;
    if (type && (!strncasecmp(type, "application/json", 16) || !strncasecmp(type, "text/csv", 8)))
        return tolower((unsigned char)type[0]) == 'a';
    while (i < source->n && source->bytes[i] && strchr(" \t\r\n", source->bytes[i]))
        i++;
    return i < source->n && source->bytes[i] == '{';
}

void datasets_post_rows(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    const char *name = request_param(request, 0);
    struct append_source source = {0};
    struct dataset_info info = {0};
    struct csv_query csv = {0};
    struct err err = {0};
    bool ok = request_queries(request, parameter_check, &err) && csv_query_read(&csv, request, &err) &&
              body_view(request_body(request), &source.bytes, &source.n, &err);
    if (ok && source.n == 0)
        ok = err_set(&err, ERR_INPUT, "the body is empty: expected rows as CSV or as {\"rows\":[[...]]}");
    if (ok) {
        source.options = &csv.options;
        source.stop = request_stop(request);
        source.json = body_is_json(request, &source);
        ok = append_rows(server->datasets, name, &source, &info, &err);
    }
    if (ok) {
        stored_reply(server, reply, 200, &info);
        log_info("dataset %s: now %" PRIu64 " rows", name, info.row.n_rows);
    } else {
        reply_problem(reply, &err);
    }
    csv_query_done(&csv);
}
