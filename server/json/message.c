/* Control messages. A struct message is a cJSON item under another name, so
 * that nobody else sees the library. */
#include "json/message.h"
#include "mlp/utf8.h"
#include "json/memory.h"
#include "json/scan.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16
#define VALUE_BYTES                                                                                          \
    128 /* of the library's tree for a value: its node, its name and text as the allocator has them */
#define MEMBERS_MAX 256 /* of an object */

static cJSON *item_of(struct message *value)
{
    return (cJSON *)value;
}

static const cJSON *item(const struct message *value)
{
    return (const cJSON *)value;
}

static const struct message *message_of(const cJSON *value)
{
    return (const struct message *)value;
}

static bool place_set(struct err *err, const char *bytes, size_t at, const char *what)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        column = bytes[i] == '\n' ? 1 : column + 1;
        line += bytes[i] == '\n';
    }
    return err_set(err, ERR_INPUT, "the body is not valid JSON: %s at line %zu, column %zu", what, line,
                   column);
}

/* What the library lets through: broken UTF-8, raw control characters and
 * \u0000 in strings, and deep nesting. */
static bool text_check(const char *bytes, size_t n, struct err *err)
{
    bool string = false;
    int depth = 0;
    for (size_t i = 0; i < n;) {
        char c = bytes[i];
        size_t length = utf8_length(bytes + i, n - i);
        if (!length)
            return place_set(err, bytes, i, "bytes that are not UTF-8");
        if (string && (unsigned char)c < ' ')
            return place_set(err, bytes, i, "a control character within text");
        if (!string && (c == '{' || c == '[') && ++depth > DEPTH_MAX)
            return place_set(err, bytes, i, "too many objects within each other");
        depth -= !string && (c == '}' || c == ']');
        if (c == '"')
            string = !string;
        if (string && c == '\\') {
            if (n - i >= 6 && !memcmp(bytes + i, "\\u0000", 6))
                return place_set(err, bytes, i, "a \\u0000");
            length = 2;
        }
        i += length;
    }
    return true;
}

/* A name that appears twice has no meaning that everybody agrees on. */
static bool names_check(const cJSON *value, struct err *err)
{
    size_t n = 0;
    for (const cJSON *member = value->child; member; member = member->next) {
        if (cJSON_IsObject(value) && ++n > MEMBERS_MAX)
            return err_set(err, ERR_INPUT, "an object of the body has more than %d fields", MEMBERS_MAX);
        for (const cJSON *other = member->next; cJSON_IsObject(value) && other; other = other->next)
            if (!strcmp(member->string, other->string)) {
                err_set(err, ERR_INPUT, "the field \"%.60s\" appears twice", member->string);
                return err_field(err, member->string);
            }
        if (!names_check(member, err))
            return false;
    }
    return true;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

size_t message_bytes(const char *bytes, size_t n)
{
    size_t n_values = 1;
    for (size_t i = 0; i < n; i++)
        n_values += bytes[i] == ',' || bytes[i] == '[' || bytes[i] == '{';
    return n + n_values * VALUE_BYTES;
}

struct message *message_parse(const char *bytes, size_t n, struct err *err)
{
    if (!scan_first(bytes, n)) {
        err_set(err, ERR_INPUT, "the body is empty: expected a JSON object");
        return NULL;
    }
    size_t n_mark = scan_mark(bytes, n);
    bytes += n_mark;
    n -= n_mark;
    const char *end = bytes;
    if (!scan_encoding_check(bytes, n, err) || !text_check(bytes, n, err))
        return NULL;
    (void)json_allocation_failed();
    cJSON *root = cJSON_ParseWithLengthOpts(bytes, n, &end, false);
    size_t at = (size_t)(end - bytes);
    while (root && at < n && blank(bytes[at]))
        at++;
    bool ok = false;
    if (!root && json_allocation_failed())
        err_memory(err, "the body's JSON");
    else if (!root)
        place_set(err, bytes, at < n ? at : n, at < n ? "unexpected text" : "an unexpected end");
    else if (at < n)
        place_set(err, bytes, at, "text after the end");
    else if (!cJSON_IsObject(root))
        err_set(err, ERR_INPUT, "expected a JSON object, found %s", message_kind_name(message_of(root)));
    else
        ok = names_check(root, err);
    if (!ok) {
        cJSON_Delete(root);
        root = NULL;
    }
    return (struct message *)root;
}

void message_free(struct message *value)
{
    cJSON_Delete(item_of(value));
}

enum message_kind message_kind(const struct message *value)
{
    switch (item(value)->type & 0xFF) {
    case cJSON_True:
    case cJSON_False:
        return MESSAGE_BOOL;
    case cJSON_Number:
        return MESSAGE_NUMBER;
    case cJSON_String:
        return MESSAGE_STRING;
    case cJSON_Array:
        return MESSAGE_ARRAY;
    case cJSON_Object:
        return MESSAGE_OBJECT;
    default:
        return MESSAGE_NULL;
    }
}

const char *message_kind_name(const struct message *value)
{
    static const char *const names[] = {"null", "true or false", "a number", "text", "a list", "an object"};
    return names[message_kind(value)];
}

double message_number(const struct message *value)
{
    return item(value)->valuedouble;
}

const char *message_string(const struct message *value)
{
    return item(value)->valuestring;
}

bool message_bool(const struct message *value)
{
    return cJSON_IsTrue(item(value));
}

const struct message *message_first(const struct message *value)
{
    return message_of(item(value)->child);
}

const struct message *message_next(const struct message *value)
{
    return message_of(item(value)->next);
}

const char *message_name(const struct message *member)
{
    return item(member)->string;
}

const struct message *message_get(const struct message *object, const char *name)
{
    return message_of(cJSON_GetObjectItemCaseSensitive(item(object), name));
}

size_t message_size(const struct message *value)
{
    return (size_t)cJSON_GetArraySize(item(value));
}

struct message *message_new(void)
{
    return (struct message *)cJSON_CreateObject();
}

bool message_add_string(struct message *object, const char *name, const char *text)
{
    return cJSON_AddStringToObject(item_of(object), name, text) != NULL;
}

bool message_add_number(struct message *object, const char *name, double number)
{
    return cJSON_AddNumberToObject(item_of(object), name, number) != NULL;
}

bool message_add_bool(struct message *object, const char *name, bool value)
{
    return cJSON_AddBoolToObject(item_of(object), name, value) != NULL;
}

struct message *message_add_array(struct message *object, const char *name)
{
    return (struct message *)cJSON_AddArrayToObject(item_of(object), name);
}

static bool append(struct message *array, cJSON *value)
{
    if (value && cJSON_AddItemToArray(item_of(array), value))
        return true;
    cJSON_Delete(value);
    return false;
}

bool message_append_string(struct message *array, const char *text)
{
    return append(array, cJSON_CreateString(text));
}

bool message_append_number(struct message *array, double number)
{
    return append(array, cJSON_CreateNumber(number));
}

char *message_print(const struct message *value)
{
    return cJSON_PrintUnformatted(item(value));
}
