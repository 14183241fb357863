/* Reading members of JSON objects, and bytes within JSON text. */
#include "json/read.h"
#include "base/writer.h"
#include "mlp/utf8.h"
#include "json/memory.h"
#include "json/scan.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool json_damaged(struct err *err, const char *format, ...)
{
    char what[200];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return err_set(err, ERR_CORRUPT, "the model file is damaged: %s", what);
}

cJSON *json_parse(const char *text, size_t length, struct err *err)
{
    const char *end = NULL;
    (void)json_allocation_failed();
    cJSON *root = cJSON_ParseWithLengthOpts(text, length, &end, false);

    if (root && end)
        while (end < text + length && strchr(" \t\r\n", *end) && *end)
            end++;
    if (cJSON_IsObject(root) && end == text + length)
        return root;
    cJSON_Delete(root);
    if (json_allocation_failed())
        err_memory(err, "a file's JSON");
    else
        json_damaged(err, "it holds text that is not a JSON object");
    return NULL;
}

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

bool json_text(const cJSON *object, const char *name, const char **text, struct err *err)
{
    const cJSON *item = member(object, name);

    if (!cJSON_IsString(item))
        return json_damaged(err, "'%s' is missing or not text", name);
    *text = item->valuestring;
    return true;
}

bool json_double(const cJSON *object, const char *name, double *number, struct err *err)
{
    const cJSON *item = member(object, name);

    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
        return json_damaged(err, "'%s' is missing or not a number", name);
    *number = item->valuedouble;
    return true;
}

bool json_float(const cJSON *object, const char *name, float *number, struct err *err)
{
    double value;

    if (!json_double(object, name, &value, err))
        return false;
    if (fabs(value) > (double)FLT_MAX)
        return json_damaged(err, "'%s' is out of range", name);
    *number = (float)value;
    return true;
}

bool json_whole(const cJSON *item, uint64_t *number)
{
    if (!cJSON_IsNumber(item) || !scan_whole(item->valuedouble, 0, 9007199254740992.0))
        return false;
    *number = (uint64_t)item->valuedouble;
    return true;
}

bool json_uint(const cJSON *object, const char *name, uint64_t most, uint32_t *number, struct err *err)
{
    uint64_t value;

    if (!json_whole(member(object, name), &value) || value > most || value > UINT32_MAX)
        return json_damaged(err, "'%s' is not there, no whole number or too large", name);
    *number = (uint32_t)value;
    return true;
}

bool json_bool(const cJSON *object, const char *name, bool *value, struct err *err)
{
    const cJSON *item = member(object, name);

    if (!cJSON_IsBool(item))
        return json_damaged(err, "'%s' is not there or neither true nor false", name);
    *value = cJSON_IsTrue(item);
    return true;
}

bool json_array(const cJSON *object, const char *name, const cJSON **array, uint32_t *n, struct err *err)
{
    const cJSON *item = member(object, name);

    if (!cJSON_IsArray(item))
        return json_damaged(err, "'%s' is missing or not a list", name);
    *array = item;
    *n = (uint32_t)cJSON_GetArraySize(item);
    return true;
}

char *json_take(struct writer *writer, struct err *err)
{
    size_t n;
    char *text = writer_take(writer, &n, err), *terminated = text ? realloc(text, n + 1) : NULL;

    if (!text)
        return NULL;
    if (!terminated) {
        free(text);
        err_memory(err, "a piece of JSON");
        return NULL;
    }
    terminated[n] = 0;
    return terminated;
}

/* U+EF80 .. U+EFFF, which stand for bytes. */
static bool is_byte_mark(const unsigned char *text)
{
    return text[0] == 0xEE && (text[1] == 0xBE || text[1] == 0xBF);
}

static size_t byte_mark(unsigned char byte, char *to)
{
    unsigned code = 0xEF00u + byte;

    to[0] = (char)(0xE0 | code >> 12);
    to[1] = (char)(0x80 | (code >> 6 & 0x3F));
    to[2] = (char)(0x80 | (code & 0x3F));
    return 3;
}

char *json_escape_bytes(const char *bytes)
{
    const unsigned char *from = (const unsigned char *)bytes;
    size_t length = strlen(bytes), at = 0;
    char *text = length < SIZE_MAX / 3 - 1 ? malloc(3 * length + 1) : NULL;

    if (!text)
        return NULL;
    while (*from) {
        size_t n = utf8_length((const char *)from, 4); /* the end of the text ends it before */
        if (n == 0 || is_byte_mark(from)) {
            at += byte_mark(*from++, text + at);
            continue;
        }
        memcpy(text + at, from, n);
        at += n;
        from += n;
    }
    text[at] = 0;
    return text;
}

static void unescape(const char *text, char *bytes, size_t size)
{
    const unsigned char *from = (const unsigned char *)text;
    size_t at = 0;

    while (*from && at + 1 < size) {
        if (is_byte_mark(from) && from[2] >= 0x80) {
            bytes[at++] = (char)((from[1] & 0x03) << 6 | (from[2] & 0x3F));
            from += 3;
        } else {
            bytes[at++] = (char)*from++;
        }
    }
    bytes[at] = 0;
}

char *json_unescape_bytes(const char *text)
{
    size_t size = strlen(text) + 1;
    char *bytes = malloc(size);

    if (bytes)
        unescape(text, bytes, size);
    return bytes;
}

bool json_bytes(const cJSON *object, const char *name, char **bytes, struct err *err)
{
    const char *text;

    if (!json_text(object, name, &text, err))
        return false;
    *bytes = json_unescape_bytes(text);
    return *bytes || err_memory(err, "a model's recipe");
}

bool json_bytes_into(const cJSON *object, const char *name, char *bytes, size_t size, struct err *err)
{
    const char *text;

    if (!json_text(object, name, &text, err))
        return false;
    unescape(text, bytes, size);
    return true;
}
