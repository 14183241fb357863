/* What a handler answers, problems (RFC 9457) among it. */
#include "http/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void reply_init(struct reply *reply)
{
    reply->status = 0;
    reply->type = NULL;
    reply->body = NULL;
    reply->fd = -1;
    reply->source = NULL;
    reply->n_body = reply->n_headers = 0;
    reply->n_fd = 0;
    reply->close = false;
}

void reply_done(struct reply *reply)
{
    free(reply->body);
    if (reply->fd >= 0)
        close(reply->fd);
    reply_init(reply);
}

void reply_writer(const struct reply *reply, struct writer *writer)
{
    writer_init(writer);
    writer->claim = reply->claim;
}

static const struct {
    unsigned status;
    const char *title;
} titles[] = {
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {507, "Insufficient Storage"},
};

static const char *status_title(unsigned status)
{
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

unsigned problem_status(const struct err *err)
{
    switch (err->code) {
    case ERR_INPUT:
        return err->row || *err->column ? 422 : 400;
    case ERR_LIMIT:
        return 413;
    case ERR_UNSUPPORTED:
        return 415;
    case ERR_NUMERIC:
        return 422;
    case ERR_NOT_FOUND:
        return 404;
    case ERR_CONFLICT:
        return 409;
    case ERR_MEMORY:
    case ERR_THREAD:
    case ERR_IO:
    case ERR_BUSY:
    case ERR_STOPPED:
        return 503;
    case ERR_SPACE:
        return 507;
    case ERR_FULL:
        return 429;
    case ERR_TIME:
        return 408;
    case ERR_OK:
    case ERR_CORRUPT:
        break;
    }
    return 500;
}

void problem_write(struct writer *writer, unsigned status, const struct err *err)
{
    writer_open(writer, '{');
    writer_put_string(writer, "type", "about:blank");
    writer_put_string(writer, "title", status_title(status));
    writer_put_uint(writer, "status", status);
    writer_put_string(writer, "detail", err->msg);
    if (err->row)
        writer_put_uint(writer, "row", err->row);
    if (*err->column)
        writer_put_string(writer, "column", err->column);
    if (*err->field)
        writer_put_string(writer, "field", err->field);
    if (err->id)
        writer_put_string(writer, "code", err->id);
    writer_close(writer, '}');
}

/* Sent where there is not even memory for a problem. */
static void reply_last_resort(struct reply *reply)
{
    free(reply->body);
    reply->body = NULL;
    reply->n_body = 0;
    reply->status = 503;
}

static void problem_reply(struct reply *reply, unsigned status, const struct err *err)
{
    struct writer writer;
    struct err ignored;
    size_t n;
    writer_init(&writer);
    problem_write(&writer, status, err);
    char *text = writer_take(&writer, &n, &ignored);
    free(reply->body);
    reply->body = text;
    reply->n_body = n;
    reply->status = status;
    reply->type = "application/problem+json";
    if (!text)
        reply_last_resort(reply);
    if (status == 503 || status == 429)
        reply_header(reply, "Retry-After", "1");
}

void reply_problem(struct reply *reply, const struct err *err)
{
    problem_reply(reply, problem_status(err), err);
}

void reply_refuse(struct reply *reply, unsigned status, const char *format, ...)
{
    struct err err = {0};
    va_list args;
    va_start(args, format);
    vsnprintf(err.msg, sizeof err.msg, format, args);
    va_end(args);
    problem_reply(reply, status, &err);
}

void reply_text(struct reply *reply, unsigned status, const char *type, struct writer *writer)
{
    struct err err = {0};
    size_t n;
    char *text = writer_take(writer, &n, &err);
    if (!text && status != 201 && status != 202) {
        reply_problem(reply, &err);
        return;
    }
    free(reply->body); /* without memory, what was done is said by the status alone */
    reply->body = text;
    reply->n_body = text ? n : 0;
    reply->status = status;
    reply->type = type;
}

void reply_json(struct reply *reply, unsigned status, struct writer *writer)
{
    reply_text(reply, status, "application/json", writer);
}

void reply_empty(struct reply *reply, unsigned status)
{
    reply->status = status;
}

void reply_header(struct reply *reply, const char *name, const char *format, ...)
{
    if (reply->n_headers == REPLY_HEADERS_MAX)
        return;
    char *value = reply->headers[reply->n_headers].value;
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof reply->headers[0].value, format, args);
    va_end(args);
    for (char *c = value; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
    reply->headers[reply->n_headers++].name = name;
}
