/* Fields of a control message. */
#include "jobs/json_field.h"
#include "base/near.h"
#include "json/scan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What stands there, for the message. */
static void found_write(char *text, size_t size, const struct message *value)
{
    if (message_kind(value) == MESSAGE_NUMBER)
        snprintf(text, size, "%.9g", message_number(value));
    else if (message_kind(value) == MESSAGE_STRING)
        snprintf(text, size, "\"%.60s\"", message_string(value));
    else
        snprintf(text, size, "%s", message_kind_name(value));
}

bool field_wrong(struct err *err, const char *name, const char *expected, const struct message *value)
{
    char found[80];
    found_write(found, sizeof found, value);
    err_set(err, ERR_INPUT, "\"%s\": expected %s, found %s", name, expected, found);
    return err_field(err, name);
}

bool field_number(const struct field *field, const struct message *value, double *number, struct err *err)
{
    double x = message_kind(value) == MESSAGE_NUMBER ? message_number(value) : NAN;
    if (!isfinite(x) || x < field->least || x > field->most || (field->above && x <= field->least))
        return field_wrong(err, field->name, field->expected, value);
    *number = x;
    return true;
}

bool field_whole(const struct field *field, const struct message *value, double *number, struct err *err)
{
    if (!field_number(field, value, number, err))
        return false;
    return scan_whole(*number, field->least, field->most) ||
           field_wrong(err, field->name, field->expected, value);
}

void *field_place(struct job_request *request, const struct field *field)
{
    return (char *)request + field->offset;
}

bool field_set_float(struct job_request *request, const struct field *field, const struct message *value,
                     struct err *err)
{
    double number = 0;
    if (!field_number(field, value, &number, err))
        return false;
    *(float *)field_place(request, field) = (float)number;
    return true;
}

bool field_set_double(struct job_request *request, const struct field *field, const struct message *value,
                      struct err *err)
{
    return field_number(field, value, field_place(request, field), err);
}

bool field_set_int32(struct job_request *request, const struct field *field, const struct message *value,
                     struct err *err)
{
    double number = 0;
    if (!field_whole(field, value, &number, err))
        return false;
    *(int32_t *)field_place(request, field) = (int32_t)number;
    return true;
}

bool field_set_uint32(struct job_request *request, const struct field *field, const struct message *value,
                      struct err *err)
{
    double number = 0;
    if (!field_whole(field, value, &number, err))
        return false;
    *(uint32_t *)field_place(request, field) = (uint32_t)number;
    return true;
}

bool field_set_uint64(struct job_request *request, const struct field *field, const struct message *value,
                      struct err *err)
{
    double number = 0;
    if (!field_whole(field, value, &number, err))
        return false;
    *(uint64_t *)field_place(request, field) = (uint64_t)number;
    return true;
}

bool field_set_bool(struct job_request *request, const struct field *field, const struct message *value,
                    struct err *err)
{
    if (message_kind(value) != MESSAGE_BOOL)
        return field_wrong(err, field->name, field->expected, value);
    *(bool *)field_place(request, field) = message_bool(value);
    return true;
}

/* Text that is one of a few words. */
bool field_word(const struct field *field, const struct message *value, int (*find)(const char *name),
                int *word, struct err *err)
{
    *word = message_kind(value) == MESSAGE_STRING ? find(message_string(value)) : -1;
    return *word >= 0 || field_wrong(err, field->name, field->expected, value);
}

bool field_unknown(struct err *err, const char *name, const char *words)
{
    return words_unknown(words, "field", name, err);
}
