/* Host and Origin checks. */
#include "http/guard.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX 255

/* The host without its port, brackets and final dot; false where it is
 * malformed. */
static bool host_split(const char *text, char host[HOST_MAX + 1], bool *v6)
{
    *v6 = *text == '[';
    size_t length = *v6 ? strcspn(text, "]") : strcspn(text, ":");
    const char *port = text + length + (*v6 && text[length]);
    if (*v6 && !text[length])
        return false;
    if (*port && (*port != ':' || strspn(port + 1, "0123456789") != strlen(port + 1)))
        return false;
    text += *v6;
    length -= *v6;
    if (!*v6 && length && text[length - 1] == '.')
        length--;
    if (length == 0 || length > HOST_MAX)
        return false;
    memcpy(host, text, length);
    host[length] = 0;
    return true;
}

bool guard_host(const char *text, char *const *hosts, uint32_t n_hosts)
{
    char host[HOST_MAX + 1];
    unsigned char address[16];
    bool v6;
    if (!host_split(text, host, &v6))
        return false;
    if (v6 || inet_pton(AF_INET, host, address) == 1)
        return !v6 || inet_pton(AF_INET6, host, address) == 1;
    size_t length = strlen(host);
    if (!strcasecmp(host, "localhost") || (length > 10 && !strcasecmp(host + length - 10, ".localhost")))
        return true;
    for (uint32_t i = 0; i < n_hosts; i++)
        if (!strcmp(hosts[i], "*") || !strcasecmp(hosts[i], host))
            return true;
    return false;
}

bool guard_origin(const char *origin, const char *fetch_site, const char *host)
{
    if (fetch_site && strcasecmp(fetch_site, "same-origin") && strcasecmp(fetch_site, "none"))
        return false;
    if (!origin)
        return true;
    const char *at = strstr(origin, "://");
    return at && host && !strcasecmp(at + 3, host);
}
