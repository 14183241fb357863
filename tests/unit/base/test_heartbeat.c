/* Which parts of the daemon count as stuck. Time is made up. */
#include "base/heartbeat.h"
#include "helper_main.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT 1000

static struct heartbeat *heartbeat;

static void setup(void)
{
    heartbeat = calloc(1, sizeof *heartbeat);
    ck_assert_ptr_nonnull(heartbeat);
    heartbeat_init(heartbeat, 0);
}

static void teardown(void)
{
    free(heartbeat);
}

static bool look(enum heart heart, bool has_work, uint64_t beats, uint64_t now_ms)
{
    return heartbeat_look(heartbeat, heart, (struct pulse){.has_work = has_work, .beats = beats}, now_ms,
                          LIMIT);
}

START_TEST(an_idle_part_is_well_for_ever)
{
    for (uint64_t now = 0; now < 100 * LIMIT; now += LIMIT)
        ck_assert(look(HEART_INTERACTIVE, false, 7, now));
    ck_assert(look(HEART_INTERACTIVE, false, 7, 100 * LIMIT - 1));
    ck_assert(look(HEART_INTERACTIVE, true, 7, 100 * LIMIT)); /* its work has only come */
}
END_TEST

START_TEST(a_part_that_gets_on_is_well_for_ever)
{
    for (uint64_t now = 0; now < 100 * LIMIT; now += LIMIT)
        ck_assert(look(HEART_POOL, true, now, now));
}
END_TEST

START_TEST(a_part_with_work_that_does_not_get_on_is_stuck_until_it_does)
{
    ck_assert(look(HEART_WRITER, true, 7, 100));
    ck_assert(look(HEART_WRITER, true, 7, 100 + LIMIT - 1));
    ck_assert(heartbeat_is_well(heartbeat));
    ck_assert(!look(HEART_WRITER, true, 7, 100 + LIMIT));
    ck_assert(!heartbeat_is_well(heartbeat));
    ck_assert(!look(HEART_WRITER, true, 7, 100 + 9 * LIMIT));
    ck_assert(look(HEART_WRITER, true, 8, 100 + 10 * LIMIT));
    ck_assert(heartbeat_is_well(heartbeat));
}
END_TEST

START_TEST(parts_are_judged_each_by_itself_and_named)
{
    struct writer writer;
    writer_init(&writer);
    look(HEART_HTTP, true, 1, 0);
    look(HEART_INTERACTIVE, true, 1, 0);
    ck_assert(look(HEART_HTTP, true, 2, 2 * LIMIT));
    ck_assert(!look(HEART_INTERACTIVE, true, 1, 2 * LIMIT));
    heartbeat_write(heartbeat, &writer);
    static const char expected[] =
        "{\"status\":\"stuck\",\"stuck\":[{\"part\":\"interactive\",\"seconds\":2}]}";
    ck_assert_uint_ge(writer.n, sizeof expected - 1);
    ck_assert_int_eq(memcmp(writer.text, expected, sizeof expected - 1), 0);
    writer_done(&writer);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("heartbeat");
    TCase *tcase = tcase_create("heartbeat");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, an_idle_part_is_well_for_ever);
    tcase_add_test(tcase, a_part_that_gets_on_is_well_for_ever);
    tcase_add_test(tcase, a_part_with_work_that_does_not_get_on_is_stuck_until_it_does);
    tcase_add_test(tcase, parts_are_judged_each_by_itself_and_named);
    suite_add_tcase(suite, tcase);
    return suite;
}
