/* Connections: clients that vanish hold nobody up; where all connections are
 * taken, the longest silent go, and health is answered still. */
#define _GNU_SOURCE
#include "helper_main.h"
#include "http/private.h"

#include <arpa/inet.h>
#include <check.h>
#include <sched.h>
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
    struct executor *executor;
    struct http *http;
    sem_t entered; /* a flush waits at the gate */
    sem_t gate;
} service;

static void health_get(struct request *request, struct reply *reply)
{
    (void)request;
    reply_empty(reply, 204);
}

/* Answered once the gate is open. */
static void wait_get(struct request *request, struct reply *reply)
{
    (void)request;
    sem_post(&service.entered);
    while (sem_wait(&service.gate) != 0)
        continue;
    reply_empty(reply, 204);
}

static const struct route test_routes[] = {
    {.method = "GET",
     .pattern = "/healthz",
     .run = health_get,
     .where = ROUTE_INLINE,
     .body = ROUTE_BODY_NONE,
     .vital = true},
    {.method = "GET", .pattern = "/plain", .run = health_get, .where = ROUTE_INLINE, .body = ROUTE_BODY_NONE},
    {.method = "GET", .pattern = "/stuck", .run = wait_get, .where = ROUTE_INLINE, .body = ROUTE_BODY_NONE},
    {.method = "GET", .pattern = "/wait", .run = wait_get, .where = ROUTE_OFFLOAD, .body = ROUTE_BODY_NONE},
    {.method = "POST",
     .pattern = "/files",
     .run = health_get,
     .where = ROUTE_OFFLOAD,
     .body = ROUTE_BODY_LARGE},
};

static const size_t n_test_routes = sizeof test_routes / sizeof *test_routes;

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
    static const uint32_t n_threads[N_QUEUES] = {
        [QUEUE_INTERACTIVE] = 8, [QUEUE_BULK] = 1, [QUEUE_STREAMS] = 1};
    struct err err = {0};
    sem_init(&service.entered, 0, 0);
    sem_init(&service.gate, 0, 0);
    service.listening = listening_new();
    service.executor = executor_new(n_threads, &err);
    ck_assert_ptr_nonnull(service.executor);
    const struct http_options options = {.listen_fd = service.listening,
                                         .n_threads = 1,
                                         .max_connections = max_connections,
                                         .max_body = 1 << 20,
                                         .max_rows = 1 << 20,
                                         .temp = gated_file,
                                         .executor = service.executor,
                                         .routes = test_routes,
                                         .n_routes = n_test_routes,
                                         .busy = nothing};
    service.http = http_start(&options, &err);
    ck_assert_msg(service.http != NULL, "%s", err.msg);
    http_listen(service.http);
}

static void service_stop(void)
{
    http_quiesce(service.http);
    http_stop(service.http);
    executor_free(service.executor);
    sem_destroy(&service.entered);
    sem_destroy(&service.gate);
}

static int client_new(const char *text)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(service.port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    return fd;
}

/* The status of the reply that comes; 0: the connection ends without one.
 * Blocks until then. */
static int reply_await(int fd)
{
    char text[512];
    ssize_t n = recv(fd, text, sizeof text - 1, 0);
    if (n <= 0)
        return 0;
    text[n] = 0;
    return atoi(text + strlen("HTTP/1.1 "));
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

static int ask(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    return reply_await(fd);
}

static int health(void)
{
    int fd = client_new(GET("/healthz"));
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

/* The flush of each is still at the gate: an HTTP thread that waited for it
 * would answer nobody. */
START_TEST(clients_that_vanish_during_a_flush_hold_nobody_up)
{
    enum { N = 2 };
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

/* Until the service has so many connections. */
static void connections_become(uint32_t n)
{
    struct http_counts counts;
    do {
        sched_yield();
        http_count(service.http, &counts);
    } while (counts.n_connections != n);
}

/* Silent clients, one of them in the middle of its head, make room; one that
 * has been served stays before those that never were. */
START_TEST(the_longest_silent_make_room)
{
    static const char *const texts[] = {GET("/plain"), "GET /plain HTTP/1.1\r\nHost: loc", "", GET("/plain"),
                                        GET("/plain")};
    int fds[5];
    service_start(3);
    for (uint32_t i = 0; i < 3; i++) {
        fds[i] = client_new(texts[i]);
        connections_become(i + 1);
    }
    ck_assert_int_eq(reply_await(fds[0]), 204);
    for (int i = 3; i < 5; i++) { /* each newcomer ends one that was silent */
        fds[i] = client_new(texts[i]);
        ck_assert_int_eq(reply_await(fds[i]), 204);
        ck_assert_int_eq(reply_await(fds[i - 2]), 0);
        connections_become(3);
    }
    ck_assert_int_eq(ask(fds[0], GET("/plain")), 204);
    ck_assert_int_eq(ask(fds[3], GET("/plain")), 204);
    for (int i = 0; i < 5; i++)
        close(fds[i]);
    service_stop();
}
END_TEST

START_TEST(where_all_connections_are_busy_health_is_answered)
{
    enum { N = 2 };
    int busy[N], late;
    service_start(N);
    for (int i = 0; i < N; i++) {
        busy[i] = client_new(GET("/wait"));
        while (sem_wait(&service.entered) != 0)
            continue;
    }
    late = client_new(GET("/plain"));
    ck_assert_int_eq(reply_await(late), 503);
    ck_assert_int_eq(reply_await(late), 0); /* and the connection ends */
    close(late);
    for (int i = 0; i < 100; i++) /* more than there are spare ones */
        ck_assert_int_eq(health(), 204);
    for (int i = 0; i < N; i++)
        sem_post(&service.gate);
    for (int i = 0; i < N; i++)
        ck_assert_int_eq(reply_await(busy[i]), 204);
    for (int i = 0; i < N; i++)
        close(busy[i]);
    connections_become(0);
    late = client_new(GET("/plain"));
    ck_assert_int_eq(reply_await(late), 204);
    close(late);
    service_stop();
}
END_TEST

/* A list of connections as they would be: addresses that are not of this
 * machine cannot be had here. */
static struct http crowd;
static int crowd_ends[16];

static void crowd_add(struct request *request, uint32_t client, uint64_t due_ms)
{
    int ends[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    *request = (struct request){
        .http = &crowd, .fd = ends[0], .claim.client = client, .next = crowd.requests, .due_ms = due_ms};
    crowd_ends[crowd.n_connections++] = ends[1];
    crowd.n_by_client[client]++;
    crowd.requests = request;
}

static bool has_ended(int connection)
{
    char byte;
    return recv(crowd_ends[connection], &byte, 1, 0) == 0;
}

START_TEST(one_address_has_half_of_all_connections)
{
    struct request requests[8], of_one = {.http = &crowd, .claim.client = 7},
                                of_proxy = {.http = &crowd, .claim.client = 7, .local = true},
                                of_other = {.http = &crowd, .claim.client = 9};
    uint64_t now = clock_ms();
    crowd.options.max_connections = 8;
    crowd_add(&requests[0], 9, now - 900);
    crowd_add(&requests[1], 7, 0);
    crowd_add(&requests[2], 7, now - 300);
    crowd_add(&requests[3], 7, now - 500);
    crowd_add(&requests[4], 7, now - 400);

    room_make(&crowd, &of_one); /* its own longest silent, though others are silent for longer */
    ck_assert(has_ended(3) && !has_ended(0) && !has_ended(4));
    room_make(&crowd, &of_other); /* has room */
    room_make(&crowd, &of_proxy);
    ck_assert(!of_one.spare && !of_other.spare && !of_proxy.spare && crowd.n_leaving == 1);

    request_due(&requests[2], 0, 0);
    request_due(&requests[4], 0, 0);
    room_make(&crowd, &of_one); /* all its own are busy */
    ck_assert(of_one.spare && !has_ended(0));
    crowd_add(&requests[5], 9, 0);
    crowd_add(&requests[6], 9, now + 5000); /* a body far ahead of what is asked of it */
    crowd_add(&requests[7], 9, 0);
    crowd.n_leaving = 0;
    room_make(&crowd, &of_proxy);
    ck_assert(has_ended(0) && !has_ended(6) && !of_proxy.spare);
    crowd.n_leaving = 0;
    room_make(&crowd, &of_proxy);
    ck_assert(of_proxy.spare);
}
END_TEST

START_TEST(an_http_thread_that_is_stuck_has_no_beat)
{
    service_start(4);
    uint64_t begun = http_beat_ms(service.http);
    while (http_beat_ms(service.http) == begun) /* idle ones are woken */
        sched_yield();
    int fd = client_new(GET("/stuck"));
    while (sem_wait(&service.entered) != 0)
        continue;
    uint64_t stuck = http_beat_ms(service.http);
    while (clock_ms() < stuck + 100)
        sched_yield();
    ck_assert_uint_eq(http_beat_ms(service.http), stuck);
    sem_post(&service.gate);
    ck_assert_int_eq(reply_await(fd), 204);
    while (http_beat_ms(service.http) == stuck)
        sched_yield();
    close(fd);
    service_stop();
}
END_TEST

/* A body is due a byte a millisecond. What it waits for a flush does not
 * count. */
START_TEST(a_slow_body_is_cut_off)
{
    struct claim nobody = {0};
    struct http http = {.options.max_body = 100000};
    struct request request = {.http = &http, .route = &test_routes[n_test_routes - 1]};
    size_t n = 3000;
    char bytes[3000] = {0};
    body_init(&request.body, gated_file, NULL, &nobody);
    upload_begin(&request);
    uint64_t begun = request.due_ms;
    ck_assert_uint_eq(request.deadline_ms, begun + 20000);
    ck_assert_int_eq(upload_take(&request, bytes, &n), MHD_YES);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(upload_take(&request, bytes, &n), MHD_YES);
    ck_assert_uint_eq(request.due_ms, begun + 3000);
    ck_assert_uint_eq(request.deadline_ms, begun + 3000 + 20000);
    request.waited_ms = clock_ms() - 50000;
    ck_assert_int_eq(upload_take(&request, bytes, &n), MHD_YES);
    ck_assert_uint_ge(request.deadline_ms, begun + 3000 + 20000 + 50000);
    drain_begin(&request);
    ck_assert(request.due_ms >= begun && request.deadline_ms == request.due_ms + DRAIN_TIME_MS);
    body_done(&request.body);
}
END_TEST

/* Under socket activation it is the service manager's too: who comes meanwhile
 * is served by the next daemon. */
START_TEST(a_stopped_service_leaves_the_socket_listening)
{
    int accepting = 0, waiting;
    socklen_t size = sizeof accepting;
    service_start(4);
    int kept = dup(service.listening);
    ck_assert_int_eq(health(), 204);
    http_quiesce(service.http);
    service_stop();
    ck_assert_int_eq(getsockopt(kept, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &size), 0);
    ck_assert(accepting);
    waiting = client_new(GET("/healthz"));
    ck_assert_int_ge(accept(kept, NULL, NULL), 0);
    close(waiting);
    close(kept);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("http");
    TCase *tests = tcase_create("http");
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, clients_that_vanish_during_a_flush_hold_nobody_up);
    tcase_add_test(tests, the_longest_silent_make_room);
    tcase_add_test(tests, where_all_connections_are_busy_health_is_answered);
    tcase_add_test(tests, one_address_has_half_of_all_connections);
    tcase_add_test(tests, an_http_thread_that_is_stuck_has_no_beat);
    tcase_add_test(tests, a_slow_body_is_cut_off);
    tcase_add_test(tests, a_stopped_service_leaves_the_socket_listening);
    suite_add_tcase(suite, tests);
    return suite;
}
