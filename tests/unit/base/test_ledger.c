/* The ledger of requests' memory: shares, refusals and what is given back;
 * clients as numbers. */
#include "base/client.h"
#include "base/ledger.h"
#include "helper_main.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>

static struct ledger *opened(uint64_t bytes)
{
    struct err err = {0};
    struct ledger *ledger = ledger_new(bytes, &err);
    ck_assert_msg(ledger != NULL, "%s", err.msg);
    return ledger;
}

static void refused(struct claim *claim, uint64_t n, enum err_code code)
{
    struct err err = {0};
    uint64_t before = claim->bytes, held = ledger_bytes(claim->ledger);
    ck_assert(!claim_take(claim, n, &err));
    ck_assert_int_eq(err.code, code);
    ck_assert_uint_eq(claim->bytes, before);
    ck_assert_uint_eq(ledger_bytes(claim->ledger), held);
}

static void taken(struct claim *claim, uint64_t n)
{
    struct err err = {0};
    ck_assert_msg(claim_take(claim, n, &err), "%s", err.msg);
}

START_TEST(one_client_has_half_and_says_why_not_more)
{
    struct ledger *ledger = opened(1000);
    struct claim a = {.ledger = ledger, .client = 7}, b = a;
    taken(&a, 300);
    refused(&a, 201, ERR_LIMIT); /* alone it never fits */
    refused(&a, UINT64_MAX, ERR_LIMIT);
    taken(&b, 200);
    refused(&b, 1, ERR_FULL); /* for the other request of this client holds 300 */
    claim_end(&a);
    taken(&b, 300);
    claim_end(&b);
    ck_assert_uint_eq(ledger_bytes(ledger), 0);
    ledger_free(ledger);
}
END_TEST

START_TEST(a_newcomer_finds_room_and_all_is_never_exceeded)
{
    struct ledger *ledger = opened(1000);
    struct claim greedy[10];
    uint64_t held = 0;
    for (uint32_t i = 0; i < 10; i++) { /* each takes all that it gets */
        struct err err = {0};
        greedy[i] = (struct claim){.ledger = ledger, .client = i};
        while (claim_take(&greedy[i], 1, &err))
            held++;
        ck_assert_uint_gt(greedy[i].bytes + 1, 0);
        ck_assert_uint_eq(ledger_bytes(ledger), held);
    }
    ck_assert_uint_eq(greedy[0].bytes, 500);
    ck_assert_uint_eq(greedy[1].bytes, 250);
    ck_assert_uint_le(held, 1000);
    struct claim late = {.ledger = ledger, .client = 99};
    refused(&late, 400, ERR_BUSY); /* it holds nothing: others do */
    for (uint32_t i = 0; i < 10; i++)
        claim_end(&greedy[i]);
    taken(&late, 400);
    claim_end(&late);
    ck_assert_uint_eq(ledger_bytes(ledger), 0);
    ledger_free(ledger);
}
END_TEST

START_TEST(the_first_bytes_of_a_claim_are_not_asked_for)
{
    struct ledger *ledger = opened(1000);
    struct err err = {0};
    struct claim claim = {.ledger = ledger, .unasked = 100};
    taken(&claim, 60);
    ck_assert_uint_eq(ledger_bytes(ledger), 0);
    taken(&claim, 60);
    ck_assert_uint_eq(ledger_bytes(ledger), 20);
    ck_assert(claim_change(&claim, 120, 300, &err));
    ck_assert_uint_eq(ledger_bytes(ledger), 200);
    ck_assert(claim_change(&claim, 300, 90, &err));
    ck_assert_uint_eq(ledger_bytes(ledger), 0);
    claim_end(&claim);
    ck_assert_uint_eq(claim.bytes, 0);
    ledger_free(ledger);
}
END_TEST

START_TEST(the_parts_of_a_request_are_one)
{
    struct ledger *ledger = opened(1000);
    struct claim request = {.ledger = ledger, .client = 1}, body = claim_of(&request),
                 window = claim_of(&body);
    taken(&body, 300);
    taken(&window, 100);
    refused(&request, 101, ERR_LIMIT); /* 501 together */
    taken(&request, 100);
    struct claim other = {.ledger = ledger, .client = 1};
    refused(&other, 1, ERR_FULL);
    claim_part(&body); /* it has left the request */
    claim_give(&window, 100);
    refused(&request, 401, ERR_LIMIT);
    refused(&request, 400, ERR_FULL);
    claim_end(&request);
    claim_end(&window);
    refused(&body, 201, ERR_LIMIT);
    claim_end(&body);
    ck_assert_uint_eq(request.all + body.all, 0);
    ck_assert_uint_eq(ledger_bytes(ledger), 0);
    ledger_free(ledger);
}
END_TEST

START_TEST(a_claim_without_a_ledger_lets_everything_pass)
{
    struct claim claim = {0};
    taken(&claim, UINT64_MAX);
    claim_give(&claim, 1);
    claim_end(&claim);
}
END_TEST

static void *take_and_give(void *self)
{
    struct claim claim = {.ledger = self, .client = 3};
    struct err err;
    for (int i = 0; i < 20000; i++) {
        if (claim_take(&claim, (uint64_t)(i % 50), &err) && ledger_bytes(self) > 1000)
            return "more was held than there is";
        if (i % 3 == 0)
            claim_end(&claim);
    }
    claim_end(&claim);
    return NULL;
}

START_TEST(many_threads_leave_nothing_behind)
{
    struct ledger *ledger = opened(1000);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, take_and_give, ledger), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong = NULL;
        pthread_join(threads[i], &wrong);
        ck_assert_msg(!wrong, "%s", (char *)wrong);
    }
    ck_assert_uint_eq(ledger_bytes(ledger), 0);
    ledger_free(ledger);
}
END_TEST

static uint32_t number_of(const char *text, uint64_t seed)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = 1};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = 2};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return client_number((struct sockaddr *)&v4, seed);
    ck_assert_int_eq(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return client_number((struct sockaddr *)&v6, seed);
}

START_TEST(clients_are_addresses)
{
    uint32_t n_equal = 0;
    ck_assert_uint_eq(number_of("10.0.0.1", 5), number_of("::ffff:10.0.0.1", 5));
    ck_assert_uint_eq(number_of("2001:db8:1:2:3::1", 5), number_of("2001:db8:1:2:ffff::9", 5));
    for (uint64_t seed = 0; seed < 1000; seed++) {
        ck_assert_uint_lt(number_of("10.0.0.1", seed), CLIENTS_MAX);
        n_equal += number_of("10.0.0.1", seed) == number_of("10.0.0.2", seed);
        n_equal += number_of("2001:db8:1:2::1", seed) == number_of("2001:db8:1:3::1", seed);
    }
    ck_assert_uint_lt(n_equal, 20); /* of 2,000: one in 4,096 is to be expected */
    ck_assert_uint_lt(client_number(NULL, 1), CLIENTS_MAX);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("ledger");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, one_client_has_half_and_says_why_not_more);
    tcase_add_test(tcase, a_newcomer_finds_room_and_all_is_never_exceeded);
    tcase_add_test(tcase, the_first_bytes_of_a_claim_are_not_asked_for);
    tcase_add_test(tcase, the_parts_of_a_request_are_one);
    tcase_add_test(tcase, a_claim_without_a_ledger_lets_everything_pass);
    tcase_add_test(tcase, many_threads_leave_nothing_behind);
    tcase_add_test(tcase, clients_are_addresses);
    suite_add_tcase(suite, tcase);
    return suite;
}
