/* A prediction asked for with pen strokes:
 * {"model","version","strokes":[[[x,y],...],...]}, made into a picture.
 *
 * Threads: one call, one thread; no state between calls. */
#ifndef MLPD_PREDICT_STROKES_H
#define MLPD_PREDICT_STROKES_H

#include "mlp/digit.h"

#include <stddef.h>

#define STROKES_MODEL_MAX 256

struct strokes {
    char model[STROKES_MODEL_MAX + 1]; /* "" where the body names none */
    uint32_t version;                  /* 0: the newest */
    uint8_t picture[DIGIT_PIXELS];
};

/* Whether this JSON body has strokes; one with instances before them has not.
 * Not more than a glance: the body may be wrong anyway. */
bool strokes_are_asked(const char *bytes, size_t n);

/* Read the whole body and draw. ERR_INPUT, ERR_LIMIT say which stroke and
 * byte. */
bool strokes_read(const char *bytes, size_t n, struct strokes *strokes, struct err *err);

#endif
