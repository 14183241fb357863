/* A part of a text that is taken from its ends. */
#ifndef MLP_ENGINE_BASE_SPAN_H
#define MLP_ENGINE_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
    const char *at, *end;
};

static inline size_t span_left(struct span span)
{
    return (size_t)(span.end - span.at);
}

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool is_letter(char c)
{
    return ((unsigned char)c | 32) >= 'a' && ((unsigned char)c | 32) <= 'z';
}

/* The text at the front, taken if it is there. */
static inline bool span_take(struct span *span, const char *text)
{
    size_t n = strlen(text);
    if (span_left(*span) < n || memcmp(span->at, text, n) != 0)
        return false;
    span->at += n;
    return true;
}

#endif
