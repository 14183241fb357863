/* The error value: writing it, and naming the place. Pure functions on the
 * caller's struct; any thread. */
#include "mlp/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Copy text into a fixed field, cut between UTF-8 characters where it is too
 * long. */
static void text_copy(char *to, size_t capacity, const char *from)
{
    size_t length = strlen(from);
    if (length >= capacity) {
        length = capacity - 1;
        while (length > 0 && ((unsigned char)from[length] & 0xC0u) == 0x80u)
            length--;
    }
    memmove(to, from, length);
    to[length] = '\0';
}

static void err_begin(struct err *err, enum err_code code)
{
    err->code = code;
    err->row = 0;
    err->column[0] = '\0';
    err->field[0] = '\0';
    err->id = NULL;
}

bool err_set(struct err *err, enum err_code code, const char *format, ...)
{
    char msg[sizeof err->msg]; /* the arguments may point into *err */
    va_list args;
    va_start(args, format);
    if (vsnprintf(msg, sizeof msg, format, args) < 0)
        msg[0] = '\0';
    va_end(args);
    err_begin(err, code);
    text_copy(err->msg, sizeof err->msg, msg);
    return false;
}

static enum err_code code_of_errno(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EROFS:
        return ERR_SPACE;
    case ENOMEM:
        return ERR_MEMORY;
    case EMFILE:
    case ENFILE:
        return ERR_BUSY;
    default:
        return ERR_IO;
    }
}

bool err_errno(struct err *err, const char *format, ...)
{
    int number = errno;
    char what[sizeof err->msg];
    char why[128];
    va_list args;
    va_start(args, format);
    if (vsnprintf(what, sizeof what, format, args) < 0)
        what[0] = '\0';
    va_end(args);
    if (strerror_r(number, why, sizeof why) != 0)
        snprintf(why, sizeof why, "error %d", number);
    err_set(err, code_of_errno(number), "%.250s: %s", what, why);
    errno = number;
    return false;
}

bool err_memory(struct err *err, const char *what)
{
    return err_set(err, ERR_MEMORY, "out of memory for %s", what);
}

bool err_at(struct err *err, uint64_t row, const char *column)
{
    err->row = row;
    text_copy(err->column, sizeof err->column, column ? column : "");
    return false;
}

bool err_field(struct err *err, const char *field)
{
    text_copy(err->field, sizeof err->field, field ? field : "");
    return false;
}

bool err_id(struct err *err, const char *id)
{
    err->id = id;
    return false;
}
