/* Reading members of JSON objects that ought to be there, for the files of the
 * json room. A failure is ERR_CORRUPT and names the member. Threads: any; no
 * state. */
#ifndef MLPD_JSON_READ_H
#define MLPD_JSON_READ_H

#include "mlp/err.h"

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

/* "the model file is damaged: ...". */
bool json_damaged(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The whole text must be one object. NULL: ERR_CORRUPT. cJSON_Delete frees
 * it. */
cJSON *json_parse(const char *text, size_t length, struct err *err);

/* object may be NULL or no object: then nothing is there. */
bool json_text(const cJSON *object, const char *name, const char **text,
               struct err *err); /* within the object */
bool json_double(const cJSON *object, const char *name, double *number, struct err *err); /* finite */
bool json_float(const cJSON *object, const char *name, float *number,
                struct err *err); /* finite as a float too */
bool json_uint(const cJSON *object, const char *name, uint64_t most, uint32_t *number, struct err *err);
bool json_bool(const cJSON *object, const char *name, bool *value, struct err *err);
bool json_array(const cJSON *object, const char *name, const cJSON **array, uint32_t *n, struct err *err);

/* A whole number 0 .. 2^53, exactly. */
bool json_whole(const cJSON *item, uint64_t *number);

struct writer;
/* The writer's text, terminated. The caller frees it. NULL: out of memory. */
char *json_take(struct writer *writer, struct err *err);

/* Bytes as JSON text can hold them (json/model.h says how), and back. The
 * caller frees them. NULL: out of memory. */
char *json_escape_bytes(const char *bytes);
char *json_unescape_bytes(const char *text);
/* A member that was escaped so: a copy that the caller frees, or into a buffer,
 * cut to fit. */
bool json_bytes(const cJSON *object, const char *name, char **bytes, struct err *err);
bool json_bytes_into(const cJSON *object, const char *name, char *bytes, size_t size, struct err *err);

#endif
