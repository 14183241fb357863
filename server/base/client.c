/* Clients as numbers. */
#define _GNU_SOURCE
#include "base/client.h"
#include "base/files.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

uint32_t client_number(const struct sockaddr *address, uint64_t seed)
{
    unsigned char key[8] = {0};
    size_t n = 0;
    if (address && address->sa_family == AF_INET) {
        n = 4;
        memcpy(key, &((const struct sockaddr_in *)(const void *)address)->sin_addr, n);
    } else if (address && address->sa_family == AF_INET6) {
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        n = IN6_IS_ADDR_V4MAPPED(v6) ? 4 : 8;
        memcpy(key, v6->s6_addr + (n == 4 ? 12 : 0), n);
    }
    uint64_t hash = files_hash(files_hash(FILES_HASH, &seed, sizeof seed), key, n);
    return (uint32_t)((hash ^ hash >> 32) % CLIENTS_MAX);
}

bool client_is_local(const struct sockaddr *address)
{
    if (address && address->sa_family == AF_INET6) {
        const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == IN_LOOPBACKNET);
    }
    if (address && address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 ==
               IN_LOOPBACKNET;
    return true;
}

uint64_t client_seed(void)
{
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) !=
        sizeof seed) /* at boot: better a guessable seed than none */
        seed = (uint64_t)time(NULL);
    return seed;
}
