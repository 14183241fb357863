/* What the daemon is told: each setting is a flag, an environment variable and
 * a key of the configuration file.
 *
 * Precedence: flag, environment, file, default. Read once in main; immutable
 * afterwards. */
#ifndef MLPD_DAEMON_CONFIG_H
#define MLPD_DAEMON_CONFIG_H

#include "base/log.h"
#include "datasets/originals.h"
#include "mlp/err.h"

#include <netinet/in.h>
#include <stdint.h>

#define CONFIG_HOSTS_MAX 32

struct config {
    struct sockaddr_storage listen; /* AF_INET or AF_INET6 */
    char listen_text[64];           /* as it was given */
    char *state_dir;
    char *static_dir;      /* "": no page found */
    uint32_t threads;      /* at least 1 */
    uint32_t http_threads; /* at least 1 */
    uint64_t max_body;     /* bytes */
    uint32_t max_connections;
    uint32_t max_jobs;        /* that wait or are paused */
    uint64_t job_memory;      /* bytes that jobs take together */
    uint64_t max_job_seconds; /* of training; 0: no limit */
    uint64_t model_memory;    /* bytes that loaded models take together */
    uint64_t request_memory;  /* bytes that requests take together */
    uint64_t scrub_rate;      /* bytes a second that are read for damage; 0: none */
    bool keeps_uploads;
    struct keep_limit keep_uploads; /* where they are kept */
    bool recover;                   /* the catalogue is built again first */
    enum log_level log_level;
    char *hosts[CONFIG_HOSTS_MAX]; /* names beside localhost and address literals that the Host header may
                                      hold */
    uint32_t n_hosts;
    bool show_version; /* --version was given: nothing else is read */
};

/* Read flags, environment and file into *config. A wrong value's message names
 * the setting, where it came from, the value and what is expected. --help
 * prints to stdout and exits. On failure *config needs no config_done. */
bool config_load(struct config *config, int argc, char **argv, struct err *err);
void config_done(struct config *config);

/* An address as "127.0.0.1:8080", "[::1]:8080" or "localhost:8080". */
bool config_parse_address(const char *text, struct sockaddr_storage *address, struct err *err);
/* A size in bytes as "20GB", "512MiB", "1000000"; K, M, G, T with or without
 * "B" are powers of 1000, with "iB" of 1024. */
bool config_parse_size(const char *text, uint64_t *size, struct err *err);

#endif
