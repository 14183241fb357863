/* The service manager: readiness, watchdog, sockets handed over. Without
 * libsystemd, or outside systemd, each call does nothing. */
#ifndef MLPD_DAEMON_SERVICE_H
#define MLPD_DAEMON_SERVICE_H

#include "mlp/err.h"

#include <stdint.h>

/* The one listening stream socket that systemd passed (socket activation),
 * nonblocking; -1: none. False: something else was passed. */
bool service_socket(int *fd, struct err *err);
void service_ready(const char *status);
void service_stopping(void);
/* How long the watchdog goes without hearing from us before it ends us; 0:
 * there is none. */
uint64_t service_watchdog_ms(void);
void service_alive(void);

#endif
