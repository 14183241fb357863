/* Accepting no more: a listening socket may be taken out of a set that no longer holds it, for libraries too; every other misuse fails. */
#include "http_private.h"

#include <arpa/inet.h>
#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

static int listening_new(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    return fd;
}

START_TEST(a_listening_socket_may_be_taken_out_twice)
{
    int set = epoll_create1(EPOLL_CLOEXEC), listening = listening_new(), other[2];
    struct epoll_event event = {.events = EPOLLIN};
    /* what a shared library's call is bound to */
    void *symbol = dlsym(RTLD_DEFAULT, "epoll_ctl");
    int (*control)(int, int, int, struct epoll_event *) = epoll_ctl;
    ck_assert_mem_eq(&symbol, &control, sizeof symbol);
    ck_assert_int_eq(pipe(other), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(control(set, EPOLL_CTL_ADD, listening, &event), 0);
        ck_assert_int_eq(control(set, EPOLL_CTL_DEL, listening, NULL), 0);
        ck_assert_int_eq(control(set, EPOLL_CTL_DEL, listening, NULL), 0);
        ck_assert(control(set, EPOLL_CTL_MOD, listening, &event) == -1 && errno == ENOENT);
        ck_assert(control(set, EPOLL_CTL_DEL, other[0], NULL) == -1 && errno == ENOENT);
        ck_assert(control(-1, EPOLL_CTL_DEL, listening, NULL) == -1 && errno == EBADF);
    }
    close(other[0]);
    close(other[1]);
    close(listening);
    close(set);
}
END_TEST

static enum MHD_Result refuse(void *self, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                              const char *upload, size_t *n_upload, void **request)
{
    (void)self, (void)connection, (void)url, (void)method, (void)version, (void)upload, (void)n_upload, (void)request;
    return MHD_NO;
}

START_TEST(a_daemon_accepts_no_more_and_its_socket_goes_on_listening)
{
    int fd = listening_new(), accepting = 0;
    socklen_t size = sizeof accepting;
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, refuse, NULL,
                                                 MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, 2, MHD_OPTION_END);
    ck_assert_ptr_nonnull(daemon);
    ck_assert(daemon_quiesce(daemon));
    MHD_stop_daemon(daemon);
    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &size), 0);
    ck_assert(accepting);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_epoll");
    TCase *tests = tcase_create("http_epoll");
    tcase_add_test(tests, a_listening_socket_may_be_taken_out_twice);
    tcase_add_test(tests, a_daemon_accepts_no_more_and_its_socket_goes_on_listening);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
