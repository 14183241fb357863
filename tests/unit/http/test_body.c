/* A body in a file that can no longer be read is an error of its request. */
#include "helper_main.h"
#include "http/body.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err err;

static int temp(void *self, struct err *why)
{
    char path[] = "/tmp/mlpd-test-body-XXXXXX";
    (void)self, (void)why;
    int fd = mkstemp(path);
    unlink(path);
    return fd;
}

START_TEST(a_body_whose_file_is_cut_is_found_out)
{
    struct ledger *ledger = ledger_new(1 << 24, &err);
    struct claim claim = {.ledger = ledger};
    struct body body;
    const char *bytes;
    char text[5000];
    size_t n;
    memset(text, 'x', sizeof text);
    body_init(&body, temp, NULL, &claim);
    ck_assert(body_was_read(&body, &err));
    ck_assert_uint_eq(body_take(&body, text, sizeof text), sizeof text);
    int fd = body_file(&body, &err);
    ck_assert_msg(fd >= 0, "%s", err.msg);
    ck_assert(body_view(&body, &bytes, &n, &err));
    ck_assert_uint_eq(n, sizeof text);
    ck_assert(memcmp(bytes, text, n) == 0 && body_was_read(&body, &err));
    ck_assert_int_eq(ftruncate(fd, 100), 0);
    volatile char last = bytes[n - 1];
    ck_assert_int_eq(last, 0);
    ck_assert(!body_was_read(&body, &err));
    ck_assert_int_eq(err.code, ERR_CORRUPT);
    body_done(&body);
    claim_end(&claim);
    ledger_free(ledger);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("body");
    TCase *tcase = tcase_create("body");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_body_whose_file_is_cut_is_found_out);
    return suite;
}
