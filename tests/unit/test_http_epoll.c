/* Taking a listening socket out of a set that no longer holds it is no error, for libraries too; every other misuse is. */
#define _GNU_SOURCE
#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

START_TEST(a_listening_socket_may_be_taken_out_twice)
{
    int set = epoll_create1(EPOLL_CLOEXEC), listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), other[2];
    struct epoll_event event = {.events = EPOLLIN};
    /* what a shared library's call is bound to */
    void *symbol = dlsym(RTLD_DEFAULT, "epoll_ctl");
    int (*control)(int, int, int, struct epoll_event *) = epoll_ctl;
    ck_assert_mem_eq(&symbol, &control, sizeof symbol);
    ck_assert_int_eq(listen(listening, 1), 0);
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

int main(void)
{
    Suite *suite = suite_create("http_epoll");
    TCase *tests = tcase_create("http_epoll");
    tcase_add_test(tests, a_listening_socket_may_be_taken_out_twice);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
