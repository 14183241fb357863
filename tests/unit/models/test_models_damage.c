/* What is known of damaged versions: until the file changes, and no longer. */
#include "helper_main.h"
#include "models/damage.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct models_damage *known;
static char path[] = "/tmp/mlpd-damage-XXXXXX";

static void set_up(void)
{
    struct err err;
    strcpy(path, "/tmp/mlpd-damage-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    known = models_damage_new(&err);
    ck_assert_ptr_nonnull(known);
}

static void tear_down(void)
{
    models_damage_free(known);
    unlink(path);
}

static void append(const char *text)
{
    FILE *file = fopen(path, "a");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static bool put(int64_t id, uint32_t version, const char *reason)
{
    struct damage damage = {.id = id, .name = "m", .version = version};
    struct file_stamp stamp = file_stamp_of(path);
    snprintf(damage.reason, sizeof damage.reason, "%s", reason);
    return models_damage_put(known, &damage, &stamp);
}

static bool find(int64_t id)
{
    struct damage damage;
    struct file_stamp stamp = file_stamp_of(path);
    return models_damage_find(known, id, &stamp, &damage);
}

START_TEST(a_file_is_known_until_it_changes)
{
    ck_assert(!find(7));
    ck_assert(put(7, 2, "torn"));
    ck_assert(find(7));
    ck_assert(!find(8));
    append("x");
    ck_assert(!find(7));
    ck_assert(!put(7, 2, "torn")); /* no news */
    ck_assert(find(7));
    unlink(path);
    ck_assert(!find(7));
    ck_assert(put(7, 2, "gone"));
    ck_assert(find(7));
}
END_TEST

START_TEST(what_answers_is_kept_and_renamed_and_dropped)
{
    struct damage damage = {.id = 0}, list[1];
    put(7, 2, "torn");
    put(8, 3, "cut");
    ck_assert(models_damage_answers(known, 7, 1));
    ck_assert(!models_damage_answers(known, 7, 1));
    ck_assert(!models_damage_answers(known, 9, 1)); /* not known */
    put(7, 2, "torn again");
    models_damage_rename(known, "m", "n");
    ck_assert(!models_damage_of(known, "m", 2, &damage));
    ck_assert(models_damage_of(known, "n", 2, &damage));
    ck_assert_uint_eq(damage.answers, 1);
    ck_assert_str_eq(damage.reason, "torn again");
    ck_assert_uint_eq(models_damage_list(known, list, 1), 2);
    ck_assert(models_damage_drop(known, 7));
    ck_assert(!models_damage_drop(known, 7));
    ck_assert_uint_eq(models_damage_list(known, list, 1), 1);
    ck_assert_int_eq(list[0].id, 8);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("models_damage");
    TCase *tests = tcase_create("models_damage");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_file_is_known_until_it_changes);
    tcase_add_test(tests, what_answers_is_kept_and_renamed_and_dropped);
    suite_add_tcase(suite, tests);
    return suite;
}
