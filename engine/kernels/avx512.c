/* The kernels for avx512 machines.
 * The compiler's options for this file make the difference. */
#define KERNELS_TABLE kernels_avx512
#define KERNELS_NAME "avx512"
#define VEC_FLOATS 16 /* floats in a vector */
#define TILE_ROWS 8   /* rows of a register tile, at most */
#define TILE_VECS 4   /* vectors of a register tile, at most */
#include "kernels/body.h"
