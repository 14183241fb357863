/* A prediction request as JSON, {"model","version","instances"|"strokes"}: its
 * members, read once, up to the value of the rows and then behind it. Who reads
 * that value is chosen in between.
 *
 * Errors are ERR_INPUT and say which field and byte. Threads: one head, one
 * thread. */
#ifndef MLPD_PREDICT_HEAD_H
#define MLPD_PREDICT_HEAD_H

#include "mlp/err.h"
#include "json/scan.h"

#define HEAD_NAME_MAX 256

/* Which model the URL asks for. */
struct head_url {
    const char *name; /* NULL: none */
    uint32_t version; /* 0: none */
};

/* Which model is asked for so far: by the body, else by the URL. */
struct head_model {
    char name[HEAD_NAME_MAX + 1];
    uint32_t version;           /* 0: the newest */
    bool has_name;              /* by either */
    bool names_it, versions_it; /* the body does */
};

enum head_rows { HEAD_NONE, HEAD_INSTANCES, HEAD_STROKES };

struct json_head {
    struct scan scan; /* behind what has been read */
    struct head_url url;
    struct head_model model;
    enum head_rows kind;
    const char *rows; /* the value of "instances" or "strokes"; NULL: none has come */
};

/* Read up to the value of the rows, where the scanner then stands, or all where
 * there are none. head_done in either case; the bytes and the URL's name outlive
 * it. */
bool head_read(struct json_head *head, const char *bytes, size_t n, struct head_url url, struct err *err);
/* The scanner stands behind the value of the rows: read the members that follow
 * and the end. They may name another model than head->model was before. */
bool head_rest(struct json_head *head, struct err *err);
void head_done(struct json_head *head);

/* Whether both mean the same model and version. */
bool head_model_equal(const struct head_model *a, const struct head_model *b);
/* "'model' appears twice (byte 17)", with the field; false. */
bool head_wrong(const struct json_head *head, const char *field, const char *what, struct err *err);
/* That the body is not valid JSON at scan->at, or that memory is short; false. */
bool head_invalid(const struct scan *scan, const char *what, struct err *err);

/* "at byte 17, found 'x'" */
struct place {
    char text[64];
};
struct place scan_place(const struct scan *scan);
/* The byte that the scanner stands at, from 1. */
static inline size_t scan_here(const struct scan *scan)
{
    return (size_t)(scan->at - scan->bytes) + 1;
}

#endif
