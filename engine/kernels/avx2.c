/* The kernels for avx2 machines.
 * The compiler's options for this file make the difference. */
#define KERNELS_TABLE kernels_avx2
#define KERNELS_NAME "avx2"
#define VEC_FLOATS 8 /* floats in a vector */
#define TILE_ROWS 4  /* rows of a register tile */
#define TILE_VECS 3  /* vectors of a register tile */
#include "kernels/body.h"
