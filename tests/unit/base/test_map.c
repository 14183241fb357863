/* Mapped files that are cut: an error of that file, where the system would end
 * the process. */
#include "helper_main.h"
#include "mlp/map.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGES = 64 };

static struct err err;
static size_t page;

/* An unnamed file of n bytes, all of them 7. */
static int file_of(size_t n)
{
    char path[] = "/tmp/mlpd-test-map-XXXXXX";
    int fd = mkstemp(path);
    char *bytes = malloc(n);
    ck_assert(fd >= 0 && bytes);
    unlink(path);
    memset(bytes, 7, n);
    ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
    free(bytes);
    return fd;
}

static void setup(void)
{
    page = (size_t)sysconf(_SC_PAGESIZE);
    memset(&err, 0, sizeof err);
}

static int fd;

static struct map map_of(size_t n)
{
    struct map map;
    fd = file_of(n);
    ck_assert_msg(map_file(&map, fd, n, &err), "%s", err.msg);
    return map;
}

static int byte(const struct map *map, size_t at)
{
    return ((const volatile char *)map->bytes)[at];
}

START_TEST(a_whole_file_is_read)
{
    struct map map = map_of(PAGES * page - 5);
    for (size_t at = 0; at < map.n_bytes; at += 1000)
        ck_assert_int_eq(byte(&map, at), 7);
    ck_assert(map_check(&map, "it", &err));
    close(fd); /* the mapping has its own */
    ck_assert(map_check(&map, "it", &err));
    map_done(&map);
    map_done(&map);
}
END_TEST

START_TEST(a_file_cut_while_it_is_mapped_reads_as_zeros_and_is_found_out)
{
    struct map map = map_of(PAGES * page), other = map_of(page);
    int cut = dup(map.fd);
    ck_assert_int_eq(ftruncate(cut, (off_t)(3 * page)), 0);
    ck_assert_int_eq(byte(&map, 10 * page), 0);
    ck_assert_int_eq(byte(&map, 4 * page), 0);
    ck_assert_int_eq(byte(&map, 2 * page), 7);
    ck_assert(!map_check(&map, "9.table", &err));
    ck_assert_int_eq(err.code, ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.msg, "9.table"));
    ck_assert_int_eq(ftruncate(cut, (off_t)(PAGES * page)), 0);
    ck_assert_msg(!map_check(&map, "9.table", &err), "what was read is not what is there now");
    ck_assert_int_eq(byte(&other, 0), 7);
    ck_assert(map_check(&other, "other", &err));
    map_done(&map);
    map_done(&other);
}
END_TEST

/* The rest of the last page reads as zeros without a fault. */
START_TEST(a_file_cut_within_a_page_is_found_out)
{
    struct map map = map_of(page / 2);
    ck_assert_int_eq(ftruncate(fd, 100), 0);
    ck_assert_int_eq(byte(&map, 200), 0);
    ck_assert(!map_check(&map, "it", &err));
    ck_assert_int_eq(err.code, ERR_CORRUPT);
    map_done(&map);
}
END_TEST

START_TEST(a_file_that_is_too_short_is_not_mapped)
{
    struct map map;
    fd = file_of(100);
    ck_assert(!map_file(&map, fd, 101, &err));
    ck_assert_int_eq(err.code, ERR_CORRUPT);
    map_done(&map);
}
END_TEST

static void *all_read(void *self)
{
    const struct map *map = self;
    size_t sum = 0;
    for (int i = 0; i < 20; i++)
        for (size_t at = 0; at < map->n_bytes; at += page / 4)
            sum += (size_t)byte(map, at);
    return (void *)sum;
}

START_TEST(threads_that_read_while_the_file_is_cut_go_on)
{
    pthread_t threads[4];
    struct map map = map_of(PAGES * page);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, all_read, &map), 0);
    for (size_t left = PAGES; left-- > 0;)
        ck_assert_int_eq(ftruncate(fd, (off_t)(left * page)), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(byte(&map, 0), 0);
    ck_assert(!map_check(&map, "it", &err));
    map_done(&map);
}
END_TEST

/* More than there is room for, one after the other: each has its place back. */
START_TEST(places_are_given_back)
{
    fd = file_of(page);
    for (int i = 0; i < 20000; i++) {
        struct map map;
        ck_assert_msg(map_file(&map, fd, page, &err), "%s", err.msg);
        map_done(&map);
    }
}
END_TEST

static void status_check(pid_t child, bool signalled, int number)
{
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (signalled)
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == number, "status %x", (unsigned)status);
    else
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == number, "status %x", (unsigned)status);
}

/* A mapping that is not ours, of a file that is empty. */
static void stray_fault(void)
{
    fd = file_of(page);
    volatile char *bytes = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED || ftruncate(fd, 0) != 0)
        _exit(3);
    _exit(bytes[0] + 4);
}

static void handled(int number)
{
    (void)number;
    _exit(42);
}

START_TEST(a_fault_elsewhere_is_not_hidden)
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGBUS, SIG_DFL); /* a sanitizer's would report */
        (void)map_of(page);
        stray_fault();
    }
    status_check(child, true, SIGBUS);
    child = fork();
    if (child == 0) {
        signal(SIGBUS, handled);
        (void)map_of(page);
        stray_fault();
    }
    status_check(child, false, 42);
    child = fork();
    if (child == 0) {
        signal(SIGBUS, SIG_DFL);
        (void)map_of(page);
        raise(SIGBUS);
        _exit(3);
    }
    status_check(child, true, SIGBUS);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("map");
    TCase *tcase = tcase_create("map");
    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, a_whole_file_is_read);
    tcase_add_test(tcase, a_file_cut_while_it_is_mapped_reads_as_zeros_and_is_found_out);
    tcase_add_test(tcase, a_file_cut_within_a_page_is_found_out);
    tcase_add_test(tcase, a_file_that_is_too_short_is_not_mapped);
    tcase_add_test(tcase, threads_that_read_while_the_file_is_cut_go_on);
    tcase_add_test(tcase, places_are_given_back);
    tcase_add_test(tcase, a_fault_elsewhere_is_not_hidden);
    return suite;
}
