/* The kernels for any processor.
 * The compiler's options for this file make the difference. */
#define KERNELS_TABLE kernels_generic
#define KERNELS_NAME "generic"
#define VEC_FLOATS 4 /* floats in a vector */
#define TILE_ROWS 4  /* rows of a register tile */
#define TILE_VECS 2  /* vectors of a register tile */
#include "kernels/body.h"
