/* Whole rows of nothing but integers 0..255, 64 bytes of text at a time: what images are made of. */
#ifndef MLP_ENGINE_INGEST_BYTES_H
#define MLP_ENGINE_INGEST_BYTES_H

#include <stddef.h>
#include <stdint.h>

enum { BYTES_BEFORE = 3, BYTES_BLOCK = 64 };

/* Take rows from text[at..end) as long as each has exactly n_columns fields of one to three digits, at most 255, without blanks or
 * quotes; write them to out, one byte a field. A row that is anything else, or that has not ended by `end`, is left for the general
 * way. BYTES_BEFORE bytes before text[at] can be read, and out has room for a byte for each byte of text and BYTES_BLOCK more.
 * Returns where the first row not taken begins; *n_rows is how many were taken. */
size_t bytes_take(const char *text, size_t at, size_t end, char separator, uint32_t n_columns, uint8_t *out, uint64_t *n_rows);

#endif
