/* A drawn digit made into a picture as MNIST's were: the ink's box scaled to 20
 * x 20 pixels keeping its shape, then moved by whole pixels so that its centre
 * of mass is in the middle of 28 x 28. Pure functions: any thread. */
#ifndef MLP_DIGIT_H
#define MLP_DIGIT_H

#include "mlp/err.h"

#include <stddef.h>
#include <stdint.h>

#define DIGIT_SIDE 28
#define DIGIT_PIXELS (DIGIT_SIDE * DIGIT_SIDE)
#define DIGIT_POINTS_MAX 20000
#define DIGIT_GREY_SIDE_MAX 4096

struct digit_point {
    float x, y; /* any unit, y grows downwards; |x|, |y| at most 1e9 */
};

/* Pen strokes: stroke i is points[ends[i - 1]] .. points[ends[i] - 1], the
 * first from points[0]; an empty one is no ink. The line is as thick as MNIST's
 * whatever the size that was drawn. picture: (DIGIT_SIDE, DIGIT_SIDE), ink is
 * 255. No ink gives an empty picture. ERR_INPUT, ERR_LIMIT with field
 * "strokes". */
bool digit_from_strokes(const struct digit_point *points, const uint32_t *ends, uint32_t n_strokes,
                        uint8_t picture[DIGIT_PIXELS], struct err *err);

/* A grey picture (height, width), rows `stride` bytes apart, dark ink on light
 * or light ink on dark: what most of its edge shows is the ground. An even
 * picture gives an empty one. ERR_LIMIT where a side is 0 or above
 * DIGIT_GREY_SIDE_MAX. */
bool digit_from_grey(const uint8_t *grey, uint32_t width, uint32_t height, size_t stride,
                     uint8_t picture[DIGIT_PIXELS], struct err *err);

/* A photograph of ink on paper, (height, width) without gaps: where the edge
 * shows that the paper is not of one grey, in place made into dark ink on
 * white. scratch: as many bytes. False: the paper is even (or a side below 24
 * pixels), and nothing was changed. */
bool digit_even_paper(uint8_t *grey, uint32_t width, uint32_t height, uint8_t *scratch);

#endif
