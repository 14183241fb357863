/* How many processors and how much memory this process may use. */
#ifndef MLPD_DAEMON_CPUS_H
#define MLPD_DAEMON_CPUS_H

#include <stdint.h>

/* The least of: the affinity mask, and each cgroup v2 cpu.max quota above this
 * process, rounded up. At least 1. */
uint32_t cpus_allowed(void);

/* Bytes: the least of the machine's memory and each cgroup v2 memory.max above
 * this process. */
uint64_t memory_allowed(void);

/* A cpu.max file's text ("150000 100000", "max 100000") as whole processors,
 * rounded up; UINT32_MAX: no limit, or not understood. */
uint32_t cpus_parse_quota(const char *text);

#endif
