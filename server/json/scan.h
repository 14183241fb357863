/* A strict JSON scanner (RFC 8259) for the bodies that carry rows: it walks
 * over the bytes and keeps nothing.
 *
 * Functions return NULL, or what was wrong as a constant text ("expected ...");
 * then scan->at is the place. Threads: one scanner, one thread. */
#ifndef MLPD_JSON_SCAN_H
#define MLPD_JSON_SCAN_H

#include "mlp/err.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_DEPTH_MAX 64

struct scan {
    const char *bytes, *at, *end;
    char *arena; /* owned: texts that held escapes, at most (end - bytes); none before the first one */
    size_t arena_used;
};

struct scan_text {
    const char *text; /* within the bytes or the arena; not terminated */
    uint32_t length;
};

/* From the first byte on, or behind a byte order mark (UTF-8), which PowerShell
 * and .NET write. */
void scan_init(struct scan *scan, const char *bytes, size_t n);
/* How many bytes such a mark takes there: 3, or 0 where there is none. */
size_t scan_mark(const char *bytes, size_t n);
/* The first character behind mark and blanks, which tells JSON from other
 * texts, of UTF-16 and UTF-32 too; 0 where there is none. */
char scan_first(const char *bytes, size_t n);
/* ERR_INPUT where the bytes are UTF-16 or UTF-32, as their mark or the zeros
 * beside a first bracket say: JSON is taken as UTF-8. */
bool scan_encoding_check(const char *bytes, size_t n, struct err *err);
void scan_done(struct scan *scan);
/* Texts given out before are no longer needed. */
static inline void scan_reuse(struct scan *scan)
{
    scan->arena_used = 0;
}

/* Whether a client's number is whole and from least to most: converting any
 * other to an integer type is undefined. NaN is not within anything. */
static inline bool scan_whole(double number, double least, double most)
{
    return number >= least && number <= most && number == floor(number);
}

/* Returned where an allocation failed. */
extern const char scan_no_memory[];

static inline void scan_blanks(struct scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
        scan->at++;
}

/* The next byte after blanks, 0 at the end. */
static inline char scan_peek(struct scan *scan)
{
    scan_blanks(scan);
    return scan->at < scan->end ? *scan->at : 0;
}

/* Whether the next byte after blanks is this one; then it is taken. */
static inline bool scan_take(struct scan *scan, char byte)
{
    if (scan_peek(scan) != byte || scan->at == scan->end)
        return false;
    scan->at++;
    return true;
}

/* Whether a number begins with the character. */
static inline bool scan_begins_number(char c)
{
    return c == '-' || (c >= '0' && c <= '9');
}

/* A number at scan->at: the nearest float to its text. One too large for a
 * float is an error. */
const char *scan_number(struct scan *scan, float *number);
/* Step over a number at scan->at, of any size: what its text says is the
 * caller's business. */
const char *scan_number_skip(struct scan *scan);
/* The same as a double. */
const char *scan_double(struct scan *scan, double *number);
/* A whole number from 1 to 9999999 after blanks: the version of a model. */
bool scan_version(struct scan *scan, uint32_t *version);
/* As many numbers as there are in an array from scan->at, up to `most`, into
 * numbers; *n of them. Stops before ']' or before what is no number; commas
 * between are taken, and *comma says whether the last thing taken was one. */
const char *scan_numbers(struct scan *scan, float *numbers, uint32_t most, uint32_t *n, bool *comma);
/* A string at scan->at (its opening quote): UTF-8 and escapes are checked and
 * taken off. */
const char *scan_string(struct scan *scan, struct scan_text *text);
/* The literal "true", "false" or "null" at scan->at. */
const char *scan_literal(struct scan *scan, const char *literal);
/* Step over any value, checking it. */
const char *scan_skip(struct scan *scan);
/* Step over an array or object quickly, by its brackets and strings alone: for
 * what will be scanned later. */
const char *scan_skip_brackets(struct scan *scan);

#endif
