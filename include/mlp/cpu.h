/* The instruction set in use. */
#ifndef MLP_CPU_H
#define MLP_CPU_H

#include <stdbool.h>

/* Instruction sets: the kernels in use ("avx512", "avx2", "generic"), and
 * forcing a lower one for tests (before any other call; false where this
 * machine cannot run it). NULL: the best this machine has. */
const char *kernels_name(void);
bool kernels_force(const char *name);

#endif
