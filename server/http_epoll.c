/* To accept no more. libmicrohttpd 0.9.75 then takes the listening socket out of each worker's epoll set, and so may the worker itself in
 * the same moment: who comes second is told ENOENT, and the library aborts the process. A listening socket that is no longer in a set has
 * been taken out of it, which was all that was wanted: so says the epoll_ctl here, which comes before the C library's for shared
 * libraries too. (Not to quiesce is no way out: to stop, the library would then shut the socket down, which under socket activation is
 * the service manager's.) Threads: any. */
#define _GNU_SOURCE
#include "http_private.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

typedef int control(int set, int operation, int fd, struct epoll_event *event);

/* The definition after ours: the C library's, or a sanitizer's. */
static control *next_find(void)
{
    static _Atomic(control *) next;
    control *found = atomic_load(&next);
    if (found)
        return found;
    void *symbol = dlsym(RTLD_NEXT, "epoll_ctl");
    memcpy(&found, &symbol, sizeof found); /* POSIX has both of one size */
    atomic_store(&next, found);
    return found;
}

static bool is_listening(int fd)
{
    int on = 0;
    socklen_t size = sizeof on;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == 0 && on;
}

int epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    int result = next_find()(set, operation, fd, event), why = errno;
    if (result != 0 && operation == EPOLL_CTL_DEL && why == ENOENT && is_listening(fd))
        return 0;
    errno = why;
    return result;
}

bool daemon_quiesce(struct MHD_Daemon *daemon)
{
    return MHD_quiesce_daemon(daemon) != MHD_INVALID_SOCKET;
}
