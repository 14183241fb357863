/* The service manager, through libsystemd where it is built in. */
#include "daemon/service.h"

#if MLPD_SYSTEMD
#include <systemd/sd-daemon.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

bool service_socket(int *fd, struct err *err)
{
    int n = sd_listen_fds(1);
    *fd = -1;
    if (n == 0)
        return true;
    if (n != 1 || sd_is_socket(SD_LISTEN_FDS_START, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
        return err_set(err, ERR_INPUT, "systemd passed %d descriptors: expected one listening stream socket",
                       n);
    if (fcntl(SD_LISTEN_FDS_START, F_SETFL, O_NONBLOCK))
        return err_errno(err, "the socket that systemd passed is not usable");
    *fd = SD_LISTEN_FDS_START;
    return true;
}

void service_ready(const char *status)
{
    sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void service_stopping(void)
{
    sd_notify(0, "STOPPING=1\nSTATUS=stopping");
}

uint64_t service_watchdog_ms(void)
{
    uint64_t limit_us = 0;
    return sd_watchdog_enabled(0, &limit_us) > 0 ? limit_us / 1000 : 0;
}

void service_alive(void)
{
    sd_notify(0, "WATCHDOG=1");
}
#else
bool service_socket(int *fd, struct err *err)
{
    (void)err;
    *fd = -1;
    return true;
}

void service_ready(const char *status)
{
    (void)status;
}

void service_stopping(void)
{
}

uint64_t service_watchdog_ms(void)
{
    return 0;
}

void service_alive(void)
{
}
#endif
