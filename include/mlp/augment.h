/* Pictures changed anew for every row and epoch. */
#ifndef MLP_AUGMENT_H
#define MLP_AUGMENT_H

#include <stdbool.h>
#include <stdint.h>

/* In training only: each number is drawn evenly from as far below to as far
 * above. All zeros: the pictures stay as they are. Columns must be bytes, the
 * picture row by row from the top. */
struct augment {
    uint32_t height, width; /* 0: a square */
    float shift;            /* pixels, each way */
    float rotation;         /* degrees */
    float scale;            /* 0.1: width and height, each for itself, by 1 / 1.1 .. 1.1 */
    float shear;            /* pixels sideways a pixel down */
    float elastic_alpha;    /* pixels: displacements of -alpha .. alpha at each pixel, smoothed by a Gaussian
                               (Simard et al. 2003) ... */
    float elastic_sigma;    /* ... of this many pixels */
    float thickness;        /* 1: strokes thicker or thinner by up to a pixel on each side */
};
/* Whether it changes anything. */
bool augment_is_on(const struct augment *augment);
/* What suits handwritten digits of 28 x 28 pixels. */
struct augment augment_default(void);

#endif
