/* The list of warnings. */
#include "mlp/warning.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define WARNING_NAME(id, word) [WARNING_##id] = #word,
static const char *const names[N_WARNINGS] = {WARNINGS(WARNING_NAME)};

const char *warning_name(enum warning_code code)
{
    return (size_t)code < N_WARNINGS ? names[code] : NULL;
}

int warning_find(const char *name)
{
    for (int i = 0; i < N_WARNINGS; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

void warnings_add(struct warnings *warnings, enum warning_code code, const char *column, const char *format,
                  ...)
{
    va_list arguments;
    if (warnings->n == WARNINGS_MAX)
        return;
    struct warning *w = &warnings->list[warnings->n++];
    w->code = code;
    snprintf(w->column, sizeof w->column, "%s", column == NULL ? "" : column);
    va_start(arguments, format);
    vsnprintf(w->message, sizeof w->message, format, arguments);
    va_end(arguments);
}
