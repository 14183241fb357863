/* Datasets: uploads, profiles, rows. */
#include "log.h"
#include "mlp/csv.h"
#include "routes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ROWS_DEFAULT 100
#define ROWS_MAX 10000
#define CELLS_MAX 1000000 /* of one page of rows */
#define LEVELS_SHOWN 100

static bool csv_option_wrong(struct err *err, const char *name, const char *expected, const char *value)
{
    err_set(err, ERR_INPUT, "\"%s\": expected %s, found \"%.20s\"", name, expected, value);
    return err_field(err, name);
}

bool csv_options_read(const struct request *request, struct csv_options *csv, struct err *err)
{
    static const struct {
        const char *name;
        char separator;
    } words[] = {{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"pipe", '|'}, {"\\t", '\t'}};
    const char *separator = request_query(request, "separator"), *header = request_query(request, "header");
    if (separator && strlen(separator) == 1 && strchr(",;\t|", *separator))
        csv->separator = *separator;
    for (size_t i = 0; separator && i < sizeof words / sizeof *words; i++)
        if (!strcmp(separator, words[i].name))
            csv->separator = words[i].separator;
    if (separator && !csv->separator)
        return csv_option_wrong(err, "separator", "comma, semicolon, tab or pipe, or the character itself", separator);
    if (header && (!strcmp(header, "true") || !strcmp(header, "1")))
        csv->header = 1;
    else if (header && (!strcmp(header, "false") || !strcmp(header, "0")))
        csv->header = -1;
    else if (header)
        return csv_option_wrong(err, "header", "true or false", header);
    return true;
}

static void incoming_drop(struct chore *chore)
{
    struct incoming *incoming = (struct incoming *)chore;
    datasets_abort(incoming->upload);
    free(incoming);
}

void incoming_free(struct incoming *incoming)
{
    if (incoming)
        incoming_drop(&incoming->chore);
}

struct incoming *incoming_new(struct request *request, struct reply *reply)
{
    struct err err = {0};
    struct incoming *incoming = calloc(1, sizeof *incoming);
    if (!incoming) {
        err_memory(&err, "the upload");
        reply_problem(reply, &err);
        return NULL;
    }
    incoming->chore.run = incoming_drop;
    if (!csv_options_read(request, &incoming->csv, &err))
        reply_problem(reply, &err);
    else if (query_flag(request, "replace", &incoming->replace, reply)) {
        request_keep(request, &incoming->chore);
        return incoming;
    }
    free(incoming);
    return NULL;
}

void incoming_progress(struct request *request)
{
    struct incoming *incoming = (struct incoming *)request_kept(request);
    if (incoming && incoming->upload)
        datasets_received(incoming->upload, request_body(request)->flushed, request_length(request));
}

bool incoming_finish(struct request *request, struct incoming *incoming, struct dataset_info *info, struct err *err)
{
    struct server *server = request_app(request);
    struct upload *upload = incoming->upload;
    int fd = body_file(request_body(request), err);
    if (fd < 0)
        return false;
    if (request_body(request)->size == 0)
        return err_set(err, ERR_INPUT, "the body is empty: expected a CSV file, as with curl --data-binary @file.csv");
    incoming->upload = NULL;
    if (!datasets_finish(upload, fd, &incoming->csv, &server->stopping, info, err))
        return false;
    log_info("dataset %s: %llu rows, %llu columns, %llu bytes", info->row.name, (unsigned long long)info->row.n_rows,
             (unsigned long long)info->row.n_columns, (unsigned long long)info->row.bytes);
    return true;
}

/* Reserve the name. A form may hold it as a field, which is read later. */
static bool upload_begin(struct request *request, struct incoming *incoming, bool last, struct err *err)
{
    struct server *server = request_app(request);
    const char *name = request_query(request, "name");
    const char *type = request_header(request, "Content-Type");
    if (!name && !last && type && !strncasecmp(type, "multipart/", 10))
        return true;
    if (!name) {
        err_set(err, ERR_INPUT, "\"name\" is missing: expected POST /datasets?name=my-data with the CSV as the body");
        return err_field(err, "name");
    }
    incoming->upload = datasets_begin(server->datasets, name, incoming->replace, err);
    return incoming->upload != NULL;
}

void datasets_post_head(struct request *request, struct reply *reply)
{
    struct err err = {0};
    const char *type = request_header(request, "Content-Type");
    if (type && !strncasecmp(type, "application/json", 16)) {
        reply_refuse(reply, 415, "expected a CSV file as the body, or a form with the field \"file\"; found JSON");
        return;
    }
    struct incoming *incoming = incoming_new(request, reply);
    if (incoming && !upload_begin(request, incoming, false, &err))
        reply_problem(reply, &err);
}

/* A category's commonest levels come first in the table by appearance: shown as they are, cut where there are many. */
static void levels_write(struct writer *writer, const struct column *column)
{
    uint32_t n = column->n_levels < LEVELS_SHOWN ? column->n_levels : LEVELS_SHOWN;
    writer_put_uint(writer, "distinct", column->n_levels);
    writer_key(writer, "levels");
    writer_open(writer, '[');
    for (uint32_t i = 0; i < n; i++) {
        writer_open(writer, '{');
        writer_put_string(writer, "level", column->levels[i]);
        writer_put_uint(writer, "rows", column->level_rows[i]);
        writer_close(writer, '}');
    }
    writer_close(writer, ']');
}

/* Values are held as floats: more digits would show what is not in the file. */
static void figure_write(struct writer *writer, const char *name, double number)
{
    writer_key(writer, name);
    writer_float(writer, (float)number);
}

static void column_write(struct writer *writer, const struct column *column)
{
    writer_open(writer, '{');
    writer_put_string(writer, "name", column->name);
    writer_put_string(writer, "type", column->type == COLUMN_CATEGORY ? "category" : "number");
    writer_put_uint(writer, "missing", column->n_missing);
    if (column->type == COLUMN_CATEGORY) {
        levels_write(writer, column);
    } else {
        writer_put_bool(writer, "integer", column->integer);
        figure_write(writer, "min", column->min);
        figure_write(writer, "max", column->max);
        figure_write(writer, "mean", column->mean);
        figure_write(writer, "stddev", column->stddev);
    }
    writer_close(writer, '}');
}

static void progress_write(struct writer *writer, const struct dataset_info *info)
{
    writer_key(writer, "progress");
    writer_open(writer, '{');
    writer_put_uint(writer, "bytes_received", info->bytes_received);
    writer_key(writer, "bytes_expected");
    if (info->bytes_expected)
        writer_uint(writer, info->bytes_expected);
    else
        writer_null(writer);
    writer_put_uint(writer, "bytes_parsed", info->bytes_parsed);
    writer_put_uint(writer, "rows_parsed", info->rows_parsed);
    writer_close(writer, '}');
}

/* table NULL: how many columns there are, not each of them. */
static void dataset_write(struct writer *writer, const struct dataset_info *info, const struct table *table)
{
    const struct dataset_row *row = &info->row;
    bool ready = row->state == DATASET_READY;
    writer_open(writer, '{');
    writer_put_string(writer, "name", row->name);
    writer_put_string(writer, "state", dataset_state_name(row->state));
    if (*row->created)
        writer_put_string(writer, "created", row->created);
    if (!ready || info->replacing)
        progress_write(writer, info);
    if (ready) {
        writer_put_uint(writer, "rows", row->n_rows);
        writer_put_uint(writer, "bytes", row->bytes);
        writer_key(writer, "separator");
        writer_string_n(writer, &row->separator, 1);
        writer_put_bool(writer, "header", row->header);
        if (!table)
            writer_put_uint(writer, "columns", row->n_columns);
    }
    if (ready && table) {
        writer_key(writer, "columns");
        writer_open(writer, '[');
        for (uint32_t i = 0; i < table_n_columns(table); i++)
            column_write(writer, table_column(table, i));
        writer_close(writer, ']');
    }
    writer_close(writer, '}');
}

/* The profile: what was understood of the file. */
static bool profile_reply(struct server *server, struct reply *reply, unsigned status, const struct dataset_info *info, struct err *err)
{
    struct writer writer;
    struct table *table = NULL;
    if (info->row.state == DATASET_READY && !(table = datasets_table(server->datasets, info->row.name, NULL, err)))
        return false;
    writer_init(&writer);
    dataset_write(&writer, info, table);
    table_unref(table);
    reply_json(reply, status, &writer);
    return true;
}

void datasets_post_run(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct incoming *incoming = (struct incoming *)request_kept(request);
    struct dataset_info info = {0};
    struct err err = {0};
    bool ok = (incoming->upload || upload_begin(request, incoming, true, &err)) && incoming_finish(request, incoming, &info, &err) &&
              profile_reply(server, reply, 201, &info, &err);
    if (!ok)
        reply_problem(reply, &err);
    else
        reply_header(reply, "Location", "/datasets/%s", info.row.name);
    request_keep(request, NULL);
    incoming_free(incoming);
}

void datasets_get_all(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct dataset_info *list = NULL;
    struct writer writer;
    struct err err = {0};
    size_t n = 0;
    if (!datasets_list(server->datasets, &list, &n, &err)) {
        reply_problem(reply, &err);
        return;
    }
    writer_init(&writer);
    writer_open(&writer, '{');
    writer_key(&writer, "datasets");
    writer_open(&writer, '[');
    for (size_t i = 0; i < n; i++)
        dataset_write(&writer, &list[i], NULL);
    writer_close(&writer, ']');
    writer_close(&writer, '}');
    free(list);
    reply_json(reply, 200, &writer);
}

void datasets_get_one(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct dataset_info info = {0};
    struct err err = {0};
    if (!datasets_find(server->datasets, request_param(request, 0), &info, &err) || !profile_reply(server, reply, 200, &info, &err))
        reply_problem(reply, &err);
}

static void cell_write(struct writer *writer, const struct table *table, uint32_t column, uint64_t row)
{
    const struct column *of = table_column(table, column);
    if (of->type != COLUMN_CATEGORY) {
        writer_float(writer, table_number(table, column, row));
        return;
    }
    uint32_t level = table_level(table, column, row);
    writer_string(writer, level == TABLE_MISSING ? NULL : of->levels[level]);
}

static void rows_write(struct writer *writer, const struct table *table, uint64_t offset, uint64_t limit)
{
    uint32_t n_columns = table_n_columns(table);
    uint64_t n_rows = table_n_rows(table), end = offset < n_rows && limit < n_rows - offset ? offset + limit : n_rows;
    writer_open(writer, '{');
    writer_put_uint(writer, "total", n_rows);
    writer_put_uint(writer, "offset", offset);
    writer_key(writer, "columns");
    writer_open(writer, '[');
    for (uint32_t i = 0; i < n_columns; i++)
        writer_string(writer, table_column(table, i)->name);
    writer_close(writer, ']');
    writer_key(writer, "rows");
    writer_open(writer, '[');
    for (uint64_t row = offset; row < end; row++) {
        writer_open(writer, '[');
        for (uint32_t i = 0; i < n_columns; i++)
            cell_write(writer, table, i, row);
        writer_close(writer, ']');
    }
    writer_close(writer, ']');
    writer_close(writer, '}');
}

void datasets_get_rows(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct err err = {0};
    struct writer writer;
    uint64_t offset, limit;
    if (!query_number(request, "offset", 0, INT64_MAX, &offset, reply) ||
        !query_number(request, "limit", ROWS_DEFAULT, ROWS_MAX, &limit, reply))
        return;
    struct table *table = datasets_table(server->datasets, request_param(request, 0), NULL, &err);
    if (!table) {
        reply_problem(reply, &err);
        return;
    }
    uint64_t most = CELLS_MAX / table_n_columns(table);
    writer_init(&writer);
    rows_write(&writer, table, offset, limit < most ? limit : most ? most : 1);
    table_unref(table);
    reply_json(reply, 200, &writer);
}

void datasets_delete_one(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct err err = {0};
    if (!datasets_delete(server->datasets, request_param(request, 0), &err))
        reply_problem(reply, &err);
    else
        reply_empty(reply, 204);
}
