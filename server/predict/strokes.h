/* The pen strokes of a JSON body, [[[x,y],...],...], made into a picture.
 *
 * Threads: one call, one thread; no state between calls. */
#ifndef MLPD_PREDICT_STROKES_H
#define MLPD_PREDICT_STROKES_H

#include "mlp/digit.h"
#include "predict/head.h"

/* The strokes of a body whose head has been read up to them, and what follows
 * them; drawn. ERR_INPUT, ERR_LIMIT say which stroke and byte. */
bool strokes_from_json(struct json_head *head, uint8_t picture[DIGIT_PIXELS], struct err *err);

#endif
