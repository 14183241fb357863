/* What those who run the service ask: health, readiness, metrics, version. */
#include "api/routes.h"

#include "mlp/cpu.h"
#include "mlp/train.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DAMAGED_SHOWN 32 /* versions */

void service_get_health(struct request *request, struct reply *reply)
{
    const struct server *server = request_app(request);
    struct writer writer;
    reply_writer(reply, &writer);
    heartbeat_write(&server->heartbeat, &writer);
    reply_json(reply, heartbeat_is_well(&server->heartbeat) ? 200 : 503, &writer);
}

/* The models' state: versions that were found damaged, and what answers in
 * their place. */
static void models_ready(struct writer *writer, struct models *models)
{
    struct damage list[DAMAGED_SHOWN];
    size_t n = models_damages(models, list, DAMAGED_SHOWN);
    writer_key(writer, "models");
    writer_open(writer, '{');
    writer_put_string(writer, "status", n ? "degraded" : "ok");
    writer_put_uint(writer, "n_damaged", n);
    writer_key(writer, "damaged");
    writer_open(writer, '[');
    for (size_t i = 0; i < n && i < DAMAGED_SHOWN; i++) {
        writer_open(writer, '{');
        writer_put_string(writer, "model", list[i].name);
        writer_put_uint(writer, "version", list[i].version);
        writer_key(writer, "answers");
        if (list[i].answers)
            writer_uint(writer, list[i].answers);
        else
            writer_null(writer);
        writer_put_string(writer, "reason", list[i].reason);
        writer_close(writer, '}');
    }
    writer_close(writer, ']');
    writer_close(writer, '}');
}

void service_get_ready(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct writer writer;
    if (atomic_load(&server->stopping)) {
        reply_refuse(reply, 503, "the daemon is stopping");
        return;
    }
    reply_writer(reply, &writer);
    writer_open(&writer, '{');
    writer_put_string(&writer, "status", "ready");
    models_ready(&writer, server->models);
    writer_close(&writer, '}');
    reply_json(reply, 200, &writer);
}

void service_get_version(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct writer writer;
    reply_writer(reply, &writer);
    writer_open(&writer, '{');
    writer_put_string(&writer, "name", "mlpd");
    writer_put_string(&writer, "version", MLPD_VERSION);
    writer_put_string(&writer, "commit", server->commit);
    writer_put_string(&writer, "compiler", __VERSION__);
    writer_put_string(&writer, "kernels", kernels_name());
    writer_put_uint(&writer, "threads", server->n_threads);
    writer_close(&writer, '}');
    reply_json(reply, 200, &writer);
}

static uint64_t resident_bytes(void)
{
    char text[128];
    unsigned long long pages = 0;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    return sscanf(text, "%*u %llu", &pages) == 1 ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static void metric(struct writer *writer, const char *name, const char *type, const char *help)
{
    writer_text(writer, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void http_metrics(struct writer *writer, struct http *http)
{
    struct http_counts counts;
    http_count(http, &counts);
    metric(writer, "mlpd_http_requests_total", "counter", "Requests received.");
    writer_text(writer, "mlpd_http_requests_total %" PRIu64 "\n", counts.n_requests);
    metric(writer, "mlpd_http_replies_total", "counter", "Replies by hundreds of their status.");
    for (int i = 2; i < 6; i++)
        writer_text(writer, "mlpd_http_replies_total{status=\"%dxx\"} %" PRIu64 "\n", i,
                    counts.n_by_class[i]);
    metric(writer, "mlpd_http_requests_stopped_total", "counter",
           "Requests that were stopped: the client had gone, or the daemon stopped.");
    writer_text(writer, "mlpd_http_requests_stopped_total %" PRIu64 "\n", counts.n_stopped);
    metric(writer, "mlpd_http_connections", "gauge", "Open connections.");
    writer_text(writer, "mlpd_http_connections %" PRIu32 "\n", counts.n_connections);
}

static void executor_metrics(struct writer *writer, struct executor *executor)
{
    static const char *const names[N_QUEUES] = {
        [QUEUE_INTERACTIVE] = "interactive", [QUEUE_BULK] = "bulk", [QUEUE_STREAMS] = "streams"};
    metric(writer, "mlpd_tasks_running", "gauge", "Tasks that service threads are at, by queue.");
    for (int i = 0; i < N_QUEUES; i++)
        writer_text(writer, "mlpd_tasks_running{queue=\"%s\"} %" PRIu32 "\n", names[i],
                    executor_running(executor, (enum queue)i));
    metric(writer, "mlpd_tasks_waiting", "gauge", "Tasks that wait for a service thread, by queue.");
    for (int i = 0; i < N_QUEUES; i++)
        writer_text(writer, "mlpd_tasks_waiting{queue=\"%s\"} %" PRIu32 "\n", names[i],
                    executor_waiting(executor, (enum queue)i));
}

static void jobs_metrics(struct writer *writer, struct jobs *jobs)
{
    uint32_t counts[JOB_STATES_LIVE];
    jobs_count(jobs, counts);
    metric(writer, "mlpd_jobs", "gauge", "Unfinished jobs by state.");
    for (int i = 0; i < JOB_STATES_LIVE; i++)
        writer_text(writer, "mlpd_jobs{state=\"%s\"} %" PRIu32 "\n", job_state_name((enum job_state)i),
                    counts[i]);
}

void service_get_metrics(struct request *request, struct reply *reply)
{
    struct server *server = request_app(request);
    struct writer writer;
    reply_writer(reply, &writer);
    metric(&writer, "mlpd_build_info", "gauge",
           "1, with the build's version and commit and the kernels in use.");
    writer_text(&writer, "mlpd_build_info{version=\"%s\",commit=\"%s\",kernels=\"%s\"} 1\n", MLPD_VERSION,
                server->commit, kernels_name());
    http_metrics(&writer, server->http);
    executor_metrics(&writer, server->executor);
    jobs_metrics(&writer, server->jobs);
    metric(&writer, "mlpd_event_streams", "gauge", "Clients that follow a job.");
    writer_text(&writer, "mlpd_event_streams %" PRIu32 "\n", events_n_subscribers(server->events));
    metric(&writer, "mlpd_predictions_total", "counter", "Rows predicted.");
    writer_text(&writer, "mlpd_predictions_total %" PRIu64 "\n", atomic_load(&server->n_predictions));
    metric(&writer, "mlpd_request_memory_bytes", "gauge", "Memory that requests hold.");
    writer_text(&writer, "mlpd_request_memory_bytes %" PRIu64 "\n", ledger_bytes(server->ledger));
    metric(&writer, "process_resident_memory_bytes", "gauge", "Resident memory.");
    writer_text(&writer, "process_resident_memory_bytes %" PRIu64 "\n", resident_bytes());
    metric(&writer, "process_cpu_seconds_total", "counter", "Processor time used.");
    writer_text(&writer, "process_cpu_seconds_total %.2f\n", (double)clock() / CLOCKS_PER_SEC);
    reply_text(reply, 200, "text/plain; version=0.0.4; charset=utf-8", &writer);
}
