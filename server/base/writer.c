/* JSON text, written piece by piece. */
#include "base/writer.h"

#include "base/float_text.h"
#include "base/number_text.h"
#include "mlp/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void writer_init(struct writer *writer)
{
    *writer = (struct writer){0};
}

void writer_done(struct writer *writer)
{
    free(writer->text);
    if (writer->claim)
        claim_give(writer->claim, writer->capacity);
    *writer = (struct writer){0};
}

void writer_fail(struct writer *writer, enum err_code refused)
{
    writer->failed = true;
    writer->refused = refused;
}

bool writer_why(struct writer *writer, struct err *err)
{
    if (writer->refused && writer->claim)
        claim_refuse(writer->claim, writer->refused, err);
    else
        err_memory(err, "the reply");
    writer_done(writer);
    return false;
}

char *writer_take(struct writer *writer, size_t *n, struct err *err)
{
    char *text = writer->text;
    *n = writer->n;
    if (writer->failed || !text) {
        writer_why(writer, err);
        return NULL;
    }
    *writer = (struct writer){0};
    return text;
}

static bool grow(struct writer *writer, size_t n)
{
    char *text = NULL;
    struct err err = {0};
    size_t capacity = 2 * (writer->n + n) + 512, before = writer->capacity;
    if (writer->failed || n > SIZE_MAX / 4 - writer->n)
        return !(writer->failed = true);
    if (!writer->claim || claim_change(writer->claim, before, capacity, &err))
        text = realloc(writer->text, capacity);
    if (!text) {
        writer->failed = true;
        writer->refused = err.code;
        if (writer->claim && !err.code)
            claim_give(writer->claim, capacity - before);
        return false;
    }
    writer->text = text;
    writer->capacity = capacity;
    return true;
}

/* Room for n more bytes, and one for the 0 that vsnprintf writes; NULL where
 * there is none. */
static inline char *room(struct writer *writer, size_t n)
{
    bool enough = !writer->failed && writer->capacity - writer->n > n;
    return enough || grow(writer, n) ? writer->text + writer->n : NULL;
}

static void bytes_add(struct writer *writer, const char *bytes, size_t n)
{
    char *to = room(writer, n);
    if (!to)
        return;
    memcpy(to, bytes, n);
    writer->n += n;
}

static inline void byte_add(struct writer *writer, char byte)
{
    char *to = room(writer, 1);
    if (!to)
        return;
    *to = byte;
    writer->n++;
}

/* A value or key that does not open its object or array, and does not follow
 * its key, needs a comma before it. */
static inline void comma_add(struct writer *writer)
{
    char last = writer->n ? writer->text[writer->n - 1] : '{';
    if (last != '{' && last != '[' && last != ':')
        byte_add(writer, ',');
}

void writer_open(struct writer *writer, char bracket)
{
    comma_add(writer);
    byte_add(writer, bracket);
}

void writer_close(struct writer *writer, char bracket)
{
    byte_add(writer, bracket);
}

static size_t plain_length(const char *text, size_t n)
{
    size_t i = 0;
    while (i < n && (unsigned char)text[i] >= ' ' && (unsigned char)text[i] < 127 && text[i] != '"' &&
           text[i] != '\\')
        i++;
    return i;
}

static size_t odd_add(struct writer *writer, const char *text, size_t n)
{
    static const char short_names[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
    unsigned char c = (unsigned char)*text;
    const char *found = c ? strchr(short_names, c) : NULL;
    size_t length = utf8_length(text, n);
    char escape[8];
    size_t n_escape = (size_t)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)c);
    if (found)
        bytes_add(writer, (char[]){'\\', letters[found - short_names]}, 2);
    else if (c < ' ' || c == 127)
        bytes_add(writer, escape, n_escape);
    else
        bytes_add(writer, length ? text : "\xEF\xBF\xBD", length ? length : 3);
    return length ? length : 1;
}

void writer_string_n(struct writer *writer, const char *text, size_t n)
{
    comma_add(writer);
    byte_add(writer, '"');
    for (size_t i = 0; i < n;) {
        size_t plain = plain_length(text + i, n - i);
        bytes_add(writer, text + i, plain);
        i += plain;
        if (i < n)
            i += odd_add(writer, text + i, n - i);
    }
    byte_add(writer, '"');
}

void writer_string(struct writer *writer, const char *text)
{
    if (text)
        writer_string_n(writer, text, strlen(text));
    else
        writer_null(writer);
}

void writer_key(struct writer *writer, const char *name)
{
    writer_string(writer, name);
    byte_add(writer, ':');
}

void writer_double(struct writer *writer, double number)
{
    char text[NUMBER_TEXT_SIZE];
    writer_raw(writer, text, double_text(number, text));
}

void writer_float(struct writer *writer, float number)
{
    char text[FLOAT_TEXT_MAX];
    writer_raw(writer, text, float_text(number, text));
}

void writer_bytes(struct writer *writer, const char *bytes, size_t n)
{
    bytes_add(writer, bytes, n);
}

void writer_text(struct writer *writer, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *to = n >= 0 ? room(writer, (size_t)n) : NULL;
    if (to) {
        vsnprintf(to, (size_t)n + 1, format, again);
        writer->n += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

void writer_uint(struct writer *writer, uint64_t number)
{
    char text[20], *first = text + sizeof text;
    do
        *--first = (char)('0' + number % 10);
    while (number /= 10);
    writer_raw(writer, first, (size_t)(text + sizeof text - first));
}

void writer_int(struct writer *writer, int64_t number)
{
    comma_add(writer);
    writer_text(writer, "%" PRId64, number);
}

void writer_bool(struct writer *writer, bool value)
{
    writer_raw(writer, value ? "true" : "false", value ? 4 : 5);
}

void writer_null(struct writer *writer)
{
    writer_raw(writer, "null", 4);
}

void writer_raw(struct writer *writer, const char *json, size_t n)
{
    comma_add(writer);
    bytes_add(writer, json, n);
}

void writer_put_string(struct writer *writer, const char *name, const char *text)
{
    writer_key(writer, name);
    writer_string(writer, text);
}

void writer_put_double(struct writer *writer, const char *name, double number)
{
    writer_key(writer, name);
    writer_double(writer, number);
}

void writer_put_uint(struct writer *writer, const char *name, uint64_t number)
{
    writer_key(writer, name);
    writer_uint(writer, number);
}

void writer_put_int(struct writer *writer, const char *name, int64_t number)
{
    writer_key(writer, name);
    writer_int(writer, number);
}

void writer_put_bool(struct writer *writer, const char *name, bool value)
{
    writer_key(writer, name);
    writer_bool(writer, value);
}
