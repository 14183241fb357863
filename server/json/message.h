/* Control messages: small JSON bodies, read strictly. (Instances of predictions
 * have their own scanner, model files their own reader.)
 *
 * Threads: one message, one thread. */
#ifndef MLPD_JSON_MESSAGE_H
#define MLPD_JSON_MESSAGE_H

#include "mlp/err.h"

#include <stddef.h>

/* A value within a message; owned by the message. */
struct message;

enum message_kind {
    MESSAGE_NULL,
    MESSAGE_BOOL,
    MESSAGE_NUMBER,
    MESSAGE_STRING,
    MESSAGE_ARRAY,
    MESSAGE_OBJECT
};

/* How much memory message_parse may take for such a text. */
size_t message_bytes(const char *bytes, size_t n);
/* The message, an object, perhaps behind a byte order mark. Refused: what is not JSON (with line and column),
 * not UTF-8, a name that stands twice in an object, a \u0000 in a string, text after the end. message_free
 * it. NULL on failure. */
struct message *message_parse(const char *bytes, size_t n, struct err *err);
void message_free(struct message *value); /* takes NULL */

enum message_kind message_kind(const struct message *value);
/* "a number", "text", ... for "expected X, found Y". */
const char *message_kind_name(const struct message *value);
double message_number(const struct message *value);
const char *message_string(const struct message *value);
bool message_bool(const struct message *value);
/* Members of an object or array: message_first, then message_next until
 * NULL. */
const struct message *message_first(const struct message *value);
const struct message *message_next(const struct message *value);
const char *message_name(const struct message *member);
/* NULL where there is none. */
const struct message *message_get(const struct message *object, const char *name);
size_t message_size(const struct message *value);

/* Building one, for requests that come as query parameters: false or NULL where
 * memory ran out. */
struct message *message_new(void);
bool message_add_string(struct message *object, const char *name, const char *text);
bool message_add_number(struct message *object, const char *name, double number);
bool message_add_bool(struct message *object, const char *name, bool value);
struct message *message_add_array(struct message *object, const char *name);
bool message_append_string(struct message *array, const char *text);
bool message_append_number(struct message *array, double number);
/* Its text; the caller frees it. NULL: out of memory. */
char *message_print(const struct message *value);

#endif
