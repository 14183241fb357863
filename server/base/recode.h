/* Files in any encoding that iconv knows, as UTF-8; and whether a file's bytes
 * tell its encoding. Threads: no state; any. */
#ifndef MLPD_BASE_RECODE_H
#define MLPD_BASE_RECODE_H

#include "mlp/stop.h"

#include <stddef.h>
#include <stdint.h>

/* Whether iconv knows the encoding. */
bool recode_knows(const char *encoding);
/* The file `from` as UTF-8 behind what `to` holds; bytes that are none of the
 * encoding become U+FFFD, *n_bad counts them. ERR_INPUT where more than a tenth
 * of the characters would (err->id "encoding_wrong"). Slow. */
bool recode_file(int from, const char *encoding, int to, const atomic_bool *stop, uint64_t *n_bad,
                 struct err *err);
/* "UTF-32" where the bytes begin with its mark, else NULL. */
const char *recode_mark(const char *head, size_t n);
/* ERR_INPUT (id "encoding_unknown", field "encoding") where the head is neither
 * UTF-8 nor UTF-16, nor Latin text in one byte a letter, which is read as
 * Windows-1252: the user is asked. */
bool recode_ask(const char *head, size_t n, struct err *err);

#endif
