/* Pictures changed as they are gathered for training: shift, rotation, scale,
 * shear, elastic distortion and thickness of the strokes, drawn anew for every
 * row and epoch.
 *
 * What a row becomes depends on (options, seed, epoch, row) alone. Threads: an
 * augmenter is immutable once made; scratch is a worker's. */
#ifndef MLP_ENGINE_IMAGE_AUGMENT_H
#define MLP_ENGINE_IMAGE_AUGMENT_H

#include "mlp/augment.h"
#include "mlp/err.h"

#include <stddef.h>

#define AUGMENT_SIDE_MAX 128 /* pixels: a field of displacements is one panel of the kernels */

struct augmenter;

/* Check the options against rows of n_inputs bytes and fill in height and width
 * where they are 0 (a square). ERR_INPUT with the field. */
bool augment_check(struct augment *options, uint32_t n_inputs, struct err *err);

/* For checked options. NULL: out of memory. */
struct augmenter *augmenter_new(const struct augment *options, struct err *err);
void augmenter_free(struct augmenter *augmenter); /* takes NULL */

/* What augment_bytes needs to work in, 64-byte aligned; NULL: out of memory.
 * free() frees it. */
float *augmenter_scratch(const struct augmenter *augmenter, struct err *err);

/* Change the picture bytes (height, width), row by row from the top, in
 * place. */
void augment_bytes(const struct augmenter *augmenter, uint64_t seed, uint32_t epoch, uint32_t row,
                   uint8_t *bytes, float *scratch);

#endif
