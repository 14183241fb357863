/* Connections: clients that vanish hold nobody up. */
#include "http_private.h"

#include <arpa/inet.h>
#include <check.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* An HTTP service whose bodies go nowhere until the gate opens. */
static struct {
    int listening;
    uint16_t port;
    struct crew *crew;
    struct http *http;
    sem_t entered; /* a flush waits at the gate */
    sem_t gate;
} service;

static void health_get(struct request *request, struct reply *reply)
{
    (void)request;
    reply_empty(reply, 204);
}

static const struct route test_routes[] = {
    {.method = "GET", .pattern = "/healthz", .run = health_get, .where = ROUTE_HERE, .body = ROUTE_BODY_NONE},
    {.method = "POST", .pattern = "/files", .run = health_get, .where = ROUTE_DESK, .body = ROUTE_BODY_LARGE},
};

static int gated_file(void *app, struct err *err)
{
    (void)app;
    sem_post(&service.entered);
    while (sem_wait(&service.gate) != 0)
        continue;
    int fd = memfd_create("body", MFD_CLOEXEC);
    if (fd < 0)
        err_errno(err, "no file for the test");
    return fd;
}

static void nothing(void *app)
{
    (void)app;
}

static int listening_new(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 64), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    service.port = ntohs(address.sin_port);
    return fd;
}

static void service_start(uint32_t max_connections)
{
    static const uint32_t n_threads[N_BENCHES] = {[BENCH_DESK] = 2, [BENCH_BULK] = 1, [BENCH_STREAMS] = 1};
    struct err err = {0};
    sem_init(&service.entered, 0, 0);
    sem_init(&service.gate, 0, 0);
    service.listening = listening_new();
    service.crew = crew_new(n_threads, &err);
    ck_assert_ptr_nonnull(service.crew);
    const struct http_options options = {.listen_fd = service.listening,
                                         .n_threads = 1,
                                         .max_connections = max_connections,
                                         .max_body = 1 << 20,
                                         .max_rows = 1 << 20,
                                         .temp = gated_file,
                                         .crew = service.crew,
                                         .routes = test_routes,
                                         .n_routes = sizeof test_routes / sizeof *test_routes,
                                         .busy = nothing};
    service.http = http_start(&options, &err);
    ck_assert_msg(service.http != NULL, "%s", err.msg);
}

static void service_stop(void)
{
    http_quiesce(service.http);
    http_stop(service.http);
    crew_free(service.crew);
    sem_destroy(&service.entered);
    sem_destroy(&service.gate);
}

static int client_new(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(service.port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    return fd;
}

/* The status of the reply that comes; 0: the connection ends without one. Blocks until then. */
static int reply_await(int fd)
{
    char text[512];
    ssize_t n = recv(fd, text, sizeof text - 1, 0);
    if (n <= 0)
        return 0;
    text[n] = 0;
    return atoi(text + strlen("HTTP/1.1 "));
}

static int health(void)
{
    int fd = client_new("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    int status = reply_await(fd);
    close(fd);
    return status;
}

static void body_send(int fd, size_t n)
{
    char *bytes = calloc(1, n);
    for (size_t sent = 0; sent < n;) {
        ssize_t more = send(fd, bytes + sent, n - sent, MSG_NOSIGNAL);
        ck_assert_int_gt(more, 0);
        sent += (size_t)more;
    }
    free(bytes);
}

/* Close it as a client does that crashes. */
static void client_reset(int fd)
{
    const struct linger at_once = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
}

/* Until the service has so many connections; each look is a request. */
static void connections_await(uint32_t n)
{
    struct http_counts counts;
    do {
        ck_assert_int_eq(health(), 204);
        http_count(service.http, &counts);
    } while (counts.n_connections > n);
}

/* The flush of each is still at the gate: an HTTP thread that waited for it would answer nobody. */
START_TEST(clients_that_vanish_during_a_flush_hold_nobody_up)
{
    enum { N = 2 }; /* one for each thread of the desk */
    service_start(16);
    for (int i = 0; i < N; i++) {
        int fd = client_new("POST /files HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n");
        body_send(fd, BODY_BUFFER + 1000);
        while (sem_wait(&service.entered) != 0)
            continue;
        client_reset(fd);
    }
    connections_await(1); /* at most the last look's own */
    for (int i = 0; i < N; i++)
        sem_post(&service.gate);
    service_stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http");
    TCase *tests = tcase_create("http");
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, clients_that_vanish_during_a_flush_hold_nobody_up);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
