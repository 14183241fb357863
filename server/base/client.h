/* Which client a connection comes from, as a small number: what limits per
 * client count by. Threads: any; no state. */
#ifndef MLPD_BASE_CLIENT_H
#define MLPD_BASE_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define CLIENTS_MAX 4096 /* numbers; addresses whose numbers are equal share a share */

/* 0 .. CLIENTS_MAX - 1, equal for equal addresses: of IPv4 the whole address,
 * of IPv6 the first 64 bits, which one customer has. An IPv4 address written as
 * IPv6 counts as IPv4; every local socket (AF_UNIX) is the same client. seed: a
 * secret, so that nobody can look for addresses with an equal number. */
uint32_t client_number(const struct sockaddr *address, uint64_t seed);
/* Whether it is of this machine: a loopback address, or none. A proxy may stand
 * there, with many clients behind it. */
bool client_is_local(const struct sockaddr *address);
/* A seed from the kernel. */
uint64_t client_seed(void);

#endif
