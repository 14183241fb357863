/* What coding a file's text has, and text of other codings to UTF-8. Pure
 * functions but for text_spool; any thread. */
#ifndef MLP_ENGINE_CSV_TEXT_H
#define MLP_ENGINE_CSV_TEXT_H

#include "mlp/csv.h"

/* The coding of a file by its head: a byte order mark, NUL bytes in every
 * second place, or bytes that are no UTF-8. */
enum csv_encoding text_guess_encoding(const char *head, size_t n_bytes);

/* Whether all bytes are below 128. */
bool text_is_ascii(const char *text, size_t n_bytes);

/* Text in Windows-1252 or Latin-1 to UTF-8. `to` has room for 3 bytes a byte.
 * Returns the bytes written. */
size_t text_from_bytes(enum csv_encoding encoding, const char *text, size_t n_bytes, char *to);

/* UTF-16 to UTF-8; halves of pairs that stand alone become U+FFFD. Takes whole
 * characters from text[0..n_bytes), all where `last`; *n_taken are the bytes
 * taken. `to` has room for 2 bytes a byte. Returns the bytes written. */
size_t text_from_utf16(enum csv_encoding encoding, const char *text, size_t n_bytes, bool last, char *to,
                       size_t *n_taken);

/* A nameless file beside `path` that holds the UTF-16 file `fd` as UTF-8: its
 * descriptor, which the caller closes. -1 on failure. */
int text_spool(int fd, uint64_t n_bytes, enum csv_encoding encoding, const char *path, uint64_t *n_written,
               struct err *err);

#endif
