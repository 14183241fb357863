/* The daemon's life: start order, waiting for a signal, stop order.
 *
 * The main thread does nothing but wait: all signals are blocked in every
 * thread, and it takes them, and the watchdog's time, by sigtimedwait. */
#define _GNU_SOURCE
#include "api/routes.h"
#include "base/executor.h"
#include "base/log.h"
#include "daemon/commit.h"
#include "daemon/config.h"
#include "daemon/scrub.h"
#include "daemon/service.h"
#include "daemon/tell.h"
#include "http/http.h"
#include "jobs/json_train.h"
#include "mlp/cpu.h"
#include "json/memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const uint32_t queue_threads[N_QUEUES] = {
    [QUEUE_INTERACTIVE] = 4, [QUEUE_BULK] = 3, [QUEUE_STREAMS] = 3};
#define NICE_TRAINING 5
#define LOOK_MS 5000   /* between two looks at the daemon's parts, without a watchdog */
#define STUCK_MS 15000 /* without a sign of life, without a watchdog; with one, half its time */
#define ROWS_BODY_MAX ((uint64_t)1 << 30) /* of a prediction */
#define BACKLOG 512

/* Everything, in the order in which it starts. */
struct daemon {
    struct config config;
    struct server server;
    int listen_fd;
    char hostname[256];
};

/* Every thread with a heap of its own would keep what it once had: together
 * more than the budgets allow. */
static void memory_tune(void)
{
    mallopt(M_ARENA_MAX, 2);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int body_temp(void *app, struct err *err)
{
    struct server *server = app;
    return store_temp(server->store, NULL, err);
}

/* Connections, streams and files each take a descriptor. */
static void descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit))
            log_warning("the limit on open files stays low: %s", strerror(errno));
    }
}

static bool socket_open(struct daemon *daemon, struct err *err)
{
    const struct sockaddr_storage *address = &daemon->config.listen;
    socklen_t size =
        address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    int on = 1, fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(err, "no socket for %s", daemon->config.listen_text);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)address, size) || listen(fd, BACKLOG)) {
        err_errno(err, "cannot listen on %s: choose another address or port with --listen",
                  daemon->config.listen_text);
        close(fd);
        return false;
    }
    daemon->listen_fd = fd;
    return true;
}

/* "http://127.0.0.1:43121", the port being the one that was picked. */
static void address_write(int fd, char *text, size_t size)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    char host[INET6_ADDRSTRLEN] = "?";
    getsockname(fd, (struct sockaddr *)&address, &length);
    if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        snprintf(text, size, "http://[%s]:%u", host, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        snprintf(text, size, "http://%s:%u", host, ntohs(v4->sin_port));
    }
}

static bool rooms_open(struct daemon *daemon, struct err *err)
{
    struct server *server = &daemon->server;
    const struct config *config = &daemon->config;
    if (config->recover && !store_recover(config->state_dir, &file_readers, err))
        return false;
    if (!(server->store = store_open(config->state_dir, err)) ||
        !(server->datasets = datasets_open(server->store, config->threads, err)) ||
        !(server->models = models_open(server->store, config->model_memory, err)) ||
        !(server->events = events_open(server->store, err)))
        return false;
    if (config->keeps_uploads && !datasets_keep(server->datasets, &config->keep_uploads, err))
        return false;
    const struct jobs_options options = {.store = server->store,
                                         .datasets = server->datasets,
                                         .models = server->models,
                                         .events = server->events,
                                         .n_threads = config->threads,
                                         .queue_max = config->max_jobs,
                                         .memory = config->job_memory,
                                         .max_seconds = (double)config->max_job_seconds,
                                         .nice_level = NICE_TRAINING,
                                         .parse = train_parse};
    if (!(server->jobs = jobs_open(&options, err)))
        return false;
    const struct scrub_options slow = {.store = server->store,
                                       .datasets = server->datasets,
                                       .models = server->models,
                                       .jobs = server->jobs,
                                       .bytes_per_second = config->scrub_rate};
    if (config->scrub_rate > 0 && !(server->scrub = scrub_new(&slow, err)))
        log_warning("nothing looks for damage while nothing else happens: %s", err->msg);
    return true;
}

static bool page_open(struct daemon *daemon, struct err *err)
{
    const char *folder = daemon->config.static_dir;
    daemon->server.static_fd = *folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (*folder && daemon->server.static_fd < 0)
        return err_errno(err, "--static-dir: \"%s\" cannot be opened", folder);
    if (!*folder)
        log_warning("no page found beside the binary or in its prefix: / will answer 404");
    return true;
}

/* Who asks comes before what trains. */
static void requests_first(void *app)
{
    struct server *server = app;
    jobs_yield(server->jobs);
    scrub_busy(server->scrub);
}

static bool service_start(struct daemon *daemon, struct err *err)
{
    struct config *config = &daemon->config;
    if (!service_socket(&daemon->listen_fd, err) || (daemon->listen_fd < 0 && !socket_open(daemon, err)))
        return false;
    if (config->n_hosts < CONFIG_HOSTS_MAX &&
        gethostname(daemon->hostname, sizeof daemon->hostname - 1) == 0 && *daemon->hostname) {
        char *copy = strdup(daemon->hostname);
        if (copy)
            config->hosts[config->n_hosts++] = copy;
    }
    if (!(daemon->server.executor = executor_new(queue_threads, err)) ||
        !(daemon->server.ledger = ledger_new(config->request_memory, err)))
        return false;
    const struct http_options options = {
        .listen_fd = daemon->listen_fd,
        .n_threads =
            config->http_threads < config->max_connections ? config->http_threads : config->max_connections,
        .max_connections = config->max_connections,
        .max_body = config->max_body,
        .max_rows = config->max_body < ROWS_BODY_MAX ? config->max_body : ROWS_BODY_MAX,
        .hosts = config->hosts,
        .n_hosts = config->n_hosts,
        .temp = body_temp,
        .executor = daemon->server.executor,
        .ledger = daemon->server.ledger,
        .routes = routes,
        .n_routes = n_routes,
        .app = &daemon->server,
        .busy = requests_first};
    daemon->server.http = http_start(&options, err);
    if (daemon->server.http)
        http_listen(daemon->server.http);
    return daemon->server.http != NULL;
}

static bool daemon_open(struct daemon *daemon, struct err *err)
{
    char address[128];
    log_info("mlpd %s, commit %s", MLPD_VERSION, daemon_commit);
    descriptors_raise();
    if (!rooms_open(daemon, err) || !page_open(daemon, err) || !service_start(daemon, err))
        return false;
    address_write(daemon->listen_fd, address, sizeof address);
    log_info("state in %s, %" PRIu32 " threads, %s kernels", store_dir(daemon->server.store),
             daemon->config.threads, kernels_name());
    log_info("listening on %s", address);
    service_ready(address);
    return true;
}

/* What syncs files may wait for a slow disk, and what trains for its turn on a
 * busy machine: they have twice the time. */
static const uint64_t patience[N_HEARTS] = {
    [HEART_HTTP] = 1,   [HEART_INTERACTIVE] = 1, [HEART_BULK] = 2, [HEART_STREAMS] = 1,
    [HEART_WRITER] = 2, [HEART_SAVER] = 2,       [HEART_POOL] = 2};

static struct pulse pulse_of(struct server *server, enum heart heart)
{
    switch (heart) {
    case HEART_HTTP:
        return (struct pulse){.has_work = true, .beats = http_beat_ms(server->http)};
    case HEART_INTERACTIVE:
        return executor_pulse(server->executor, QUEUE_INTERACTIVE);
    case HEART_BULK:
        return executor_pulse(server->executor, QUEUE_BULK);
    case HEART_STREAMS:
        return executor_pulse(server->executor, QUEUE_STREAMS);
    case HEART_WRITER:
    case HEART_SAVER:
    case HEART_POOL:
    case N_HEARTS:
        break;
    }
    return jobs_pulse(server->jobs, heart);
}

static void parts_look(struct server *server, uint64_t limit_ms)
{
    bool was_well = heartbeat_is_well(&server->heartbeat);
    for (int i = 0; i < N_HEARTS; i++) {
        enum heart heart = (enum heart)i;
        bool part_was_well = atomic_load(&server->heartbeat.hearts[i].stuck_for_ms) == 0;
        if (!heartbeat_look(&server->heartbeat, heart, pulse_of(server, heart), now_ms(),
                            patience[i] * limit_ms) &&
            part_was_well)
            log_error("the part \"%s\" is stuck", heart_name(heart));
    }
    bool is_well = heartbeat_is_well(&server->heartbeat);
    if (is_well && !was_well)
        log_info("all parts get on again");
    if (is_well)
        service_alive();
}

/* Until SIGTERM, SIGINT or SIGHUP. Meanwhile look after the parts; the watchdog
 * is told as long as all get on. */
static void signal_await(struct server *server, const sigset_t *signals)
{
    uint64_t watchdog_ms = service_watchdog_ms(), look_ms = watchdog_ms ? watchdog_ms / 8 + 1 : LOOK_MS;
    const struct timespec pause = {.tv_sec = (time_t)(look_ms / 1000),
                                   .tv_nsec = (long)(look_ms % 1000) * 1000000};
    int number;
    heartbeat_init(&server->heartbeat, now_ms());
    while ((number = sigtimedwait(signals, NULL, &pause)) < 0)
        if (errno == EAGAIN)
            parts_look(server, watchdog_ms ? watchdog_ms / 2 : STUCK_MS);
    log_info("stopping: %s", number == SIGTERM ? "SIGTERM" : number == SIGINT ? "SIGINT" : "SIGHUP");
}

/* In the reverse order of the start; half-opened ones too. Training stops
 * first, so that handlers that wait for it return. */
static void daemon_close(struct daemon *daemon)
{
    struct server *server = &daemon->server;
    atomic_store(&server->stopping, true);
    scrub_stop(server->scrub);
    if (server->http)
        http_quiesce(server->http);
    if (server->jobs)
        jobs_stop(server->jobs);
    http_stop(server->http);
    executor_free(server->executor);
    ledger_free(server->ledger);
    scrub_free(server->scrub);
    jobs_close(server->jobs);
    events_close(server->events);
    models_close(server->models);
    datasets_close(server->datasets);
    store_close(server->store);
    if (server->static_fd >= 0)
        close(server->static_fd);
    config_done(&daemon->config);
}

int main(int argc, char **argv)
{
    struct daemon daemon = {.listen_fd = -1, .server.static_fd = -1};
    struct err err = {0};
    sigset_t signals;
    if (!config_load(&daemon.config, argc, argv, &err)) {
        fprintf(stderr, "mlpd: %s\n", err.msg);
        return 2;
    }
    if (daemon.config.show_version) {
        printf("mlpd %s, commit %s\n", MLPD_VERSION, daemon_commit);
        return 0;
    }
    log_open(daemon.config.log_level);
    memory_tune();
    json_memory_open();
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    daemon.server.max_body = daemon.config.max_body;
    daemon.server.commit = daemon_commit;
    daemon.server.n_threads = daemon.config.threads;
    daemon.server.model_memory = daemon.config.model_memory;
    int status = 1;
    if (daemon_open(&daemon, &err)) {
        signal_await(&daemon.server, &signals);
        service_stopping();
        status = 0;
    } else {
        log_error("%s", err.msg);
    }
    daemon_close(&daemon);
    return status;
}
