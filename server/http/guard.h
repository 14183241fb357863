/* Which requests a browser may have been tricked into sending. Pure
 * functions. */
#ifndef MLPD_HTTP_GUARD_H
#define MLPD_HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a Host header's value names this service: an address literal,
 * localhost, or one of `hosts` (n_hosts; "*": any), with any port. A page
 * elsewhere that has its own name point here (DNS rebinding) sends that
 * name. */
bool guard_host(const char *host, char *const *hosts, uint32_t n_hosts);

/* Whether a request that changes something comes from this service's own page
 * or from no page at all. origin, fetch_site: the headers Origin and
 * Sec-Fetch-Site, NULL where absent; host: the header Host. */
bool guard_origin(const char *origin, const char *fetch_site, const char *host);

#endif
