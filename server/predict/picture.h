/* A picture file as a digit's picture: PNG, where libpng is built in
 * (MLPD_PNG). Pure functions: any thread. */
#ifndef MLPD_PREDICT_PICTURE_H
#define MLPD_PREDICT_PICTURE_H

#include "mlp/digit.h"

/* Whether the bytes begin as a PNG file does. */
bool picture_known(const char *bytes, size_t n);
/* What picture it is by its first bytes, of a kind that is not read: "JPEG",
 * "GIF" ...; NULL: none. */
const char *picture_other(const char *bytes, size_t n);
/* How much memory reading it takes, as its first bytes say. */
uint64_t picture_bytes(const char *bytes, size_t n);
/* 28 x 28 pixels are taken as they are, light ink on dark or the other way; any
 * other size as digit_from_grey does, after digit_even_paper; *evened: whether
 * that had to do something. What is transparent is ground. ERR_INPUT:
 * damaged; ERR_LIMIT: a side above DIGIT_GREY_SIDE_MAX, looked at before any
 * pixel; ERR_UNSUPPORTED: not built in. */
bool picture_read(const char *bytes, size_t n, uint8_t picture[DIGIT_PIXELS], bool *evened, struct err *err);

#endif
