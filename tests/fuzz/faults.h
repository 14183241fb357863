/* Calls that fail on purpose: allocations, threads, mappings and writes of the
 * code under test go through counters here (the linker's --wrap), and the one
 * that was chosen returns what it returns when the system has no more. */
#ifndef MLP_FUZZ_FAULTS_H
#define MLP_FUZZ_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

/* Count from 1 again; call number `fail` from now on fails, 0: none. */
void faults_arm(uint32_t fail);
/* Calls since then; counts no further. */
uint32_t faults_disarm(void);
/* Whether the chosen call came. */
bool faults_hit(void);

#endif
