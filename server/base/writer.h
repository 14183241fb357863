/* JSON text, written piece by piece into one growing buffer.
 *
 * Commas are put in where they belong. A failed allocation is remembered, and
 * told by writer_take. Threads: one writer, one thread. */
#ifndef MLPD_BASE_WRITER_H
#define MLPD_BASE_WRITER_H

#include "base/ledger.h"
#include "mlp/err.h"

#include <stddef.h>
#include <stdint.h>

struct writer {
    char *text; /* owned */
    size_t n, capacity;
    struct claim *claim; /* what the text's memory is reserved from, as `capacity` says; NULL: it is not */
    bool failed;
    enum err_code refused; /* where it failed for the claim: why; ERR_OK: an allocation failed */
};

void writer_init(struct writer *writer);
void writer_done(struct writer *writer);
/* The text (the caller frees it) and its length; the writer is empty again, and
 * what it had of the claim is the caller's. NULL where memory ran out:
 * ERR_MEMORY, or as claim_take. */
char *writer_take(struct writer *writer, size_t *n, struct err *err);

/* It fails, as another did whose text would belong to it: why, as `refused`
 * says. */
void writer_fail(struct writer *writer, enum err_code refused);
/* Why it has failed; it is empty again. False. */
bool writer_why(struct writer *writer, struct err *err);

/* bracket: one of { } [ ]. */
void writer_open(struct writer *writer, char bracket);
void writer_close(struct writer *writer, char bracket);
void writer_key(struct writer *writer, const char *name);
/* NULL is written as null. Bytes that are not UTF-8 become U+FFFD. */
void writer_string(struct writer *writer, const char *text);
void writer_string_n(struct writer *writer, const char *text, size_t n);
/* The shortest text that reads back as the same number; null where it is not
 * finite. */
void writer_double(struct writer *writer, double number);
void writer_float(struct writer *writer, float number);
void writer_uint(struct writer *writer, uint64_t number);
void writer_int(struct writer *writer, int64_t number);
void writer_bool(struct writer *writer, bool value);
void writer_null(struct writer *writer);
/* A value that is JSON already. */
void writer_raw(struct writer *writer, const char *json, size_t n);
/* Text outside JSON's rules, for other formats. */
void writer_bytes(struct writer *writer, const char *bytes, size_t n);
void writer_text(struct writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A key and its value. */
void writer_put_string(struct writer *writer, const char *name, const char *text);
void writer_put_double(struct writer *writer, const char *name, double number);
void writer_put_uint(struct writer *writer, const char *name, uint64_t number);
void writer_put_int(struct writer *writer, const char *name, int64_t number);
void writer_put_bool(struct writer *writer, const char *name, bool value);

#endif
