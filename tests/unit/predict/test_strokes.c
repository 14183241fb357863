/* Bodies with strokes, right and wrong. */
#include "helper_main.h"
#include "predict/strokes.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(a_body_is_read_whatever_the_order_and_blanks)
{
    static const char *const bodies[] = {
        "{\"model\":\"draw\",\"version\":3,\"strokes\":[[[0,0],[10.5,-2e1]],[],[[1,1]]]}",
        " { \"strokes\" : [ [ [ 0 , 0 ] , [ 10.5 , -20 ] ] , [ ] , [ [ 1 , 1 ] ] ] , \"version\" : 3 , "
        "\"model\" : \"dr\\u0061w\" } \n"};
    static const struct digit_point points[] = {{0, 0}, {10.5f, -20}, {1, 1}};
    struct err err = {0};
    uint8_t want[DIGIT_PIXELS];
    ck_assert(digit_from_strokes(points, (uint32_t[]){2, 2, 3}, 3, want, &err));
    for (int i = 0; i < 2; i++) {
        struct strokes strokes;
        ck_assert(strokes_are_asked(bodies[i], strlen(bodies[i])));
        ck_assert_msg(strokes_read(bodies[i], strlen(bodies[i]), &strokes, &err), "%s", err.msg);
        ck_assert_str_eq(strokes.model, "draw");
        ck_assert_uint_eq(strokes.version, 3);
        ck_assert_mem_eq(strokes.picture, want, DIGIT_PIXELS);
    }
}
END_TEST

START_TEST(bodies_without_strokes_are_left_to_others)
{
    static const char *const bodies[] = {"",
                                         "[]",
                                         "{}",
                                         "{\"model\":\"strokes\"}",
                                         "{\"instances\":[[1]],\"strokes\":[]}",
                                         "{\"model\":1x",
                                         "{\"a\":{\"strokes\":[]}}",
                                         "strokes"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        ck_assert(!strokes_are_asked(bodies[i], strlen(bodies[i])));
}
END_TEST

static void check_refused(const char *body, enum err_code code, const char *says)
{
    char *exact = malloc(strlen(body) + 1); /* of its own size, so that a sanitizer sees a read beyond it */
    struct strokes strokes;
    struct err err = {0};
    memcpy(exact, body, strlen(body));
    ck_assert_msg(!strokes_read(exact, strlen(body), &strokes, &err), "taken: %s", body);
    ck_assert_int_eq(err.code, code);
    ck_assert_msg(strstr(err.msg, says) != NULL, "%s: %s", body, err.msg);
    free(exact);
}

START_TEST(wrong_bodies_say_what_and_where)
{
    static const struct {
        const char *body, *says;
    } wrong[] = {{"{\"strokes\":5}", "array of strokes"},
                 {"{\"strokes\":[5]}", "array of strokes"},
                 {"{\"strokes\":[[5]]}", "strokes of points"},
                 {"{\"strokes\":[[[1]]]}", "two numbers"},
                 {"{\"strokes\":[[[1,2,3]]]}", "two numbers"},
                 {"{\"strokes\":[[[1,\"2\"]]]}", "two numbers"},
                 {"{\"strokes\":[[[1,null]]]}", "two numbers"},
                 {"{\"strokes\":[[[1,1e999]]]}", "byte 17"},
                 {"{\"strokes\":[[[1,2e9]]]}", "point 1"},
                 {"{\"strokes\":[[[1,2],]]}", "strokes of points"},
                 {"{\"strokes\":[[[1,2]]", "expected"},
                 {"{\"strokes\":[]", "expected"},
                 {"{\"strokes\":[]}x", "nothing after"},
                 {"{\"strokes\":[],\"strokes\":[]}", "twice"},
                 {"{\"model\":\"a\"}", "missing"},
                 {"{\"strokes\":[],\"model\":7}", "name of a model"},
                 {"{\"strokes\":[],\"model\":\"\"}", "not the name"},
                 {"{\"strokes\":[],\"version\":0}", "whole number"},
                 {"{\"strokes\":[],\"version\":1.5}", "whole number"},
                 {"{\"strokes\":[],\"version\":1e38}", "whole number"},
                 {"{\"strokes\":[],\"version\":1.00000001}", "whole number"}, /* not 1 */
                 {"{\"strokes\":[],\"instances\":[]}", "exclude each other"},
                 {"{}", "expected a member"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check_refused(wrong[i].body, ERR_INPUT, wrong[i].says);
}
END_TEST

START_TEST(too_many_points_or_strokes_are_refused)
{
    for (int strokes = 0; strokes < 2; strokes++) {
        char *body = malloc((size_t)DIGIT_POINTS_MAX * 6 + 100), *at = body;
        at += sprintf(at, strokes ? "{\"strokes\":[[]" : "{\"strokes\":[[[0,0]");
        for (int i = 0; i < DIGIT_POINTS_MAX; i++)
            at += sprintf(at, strokes ? ",[]" : ",[0,0]");
        strcpy(at, strokes ? "]}" : "]]}");
        check_refused(body, ERR_LIMIT, strokes ? "20000 strokes" : "20000 points");
        free(body);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("strokes");
    TCase *tc = tcase_create("strokes");
    tcase_add_test(tc, a_body_is_read_whatever_the_order_and_blanks);
    tcase_add_test(tc, bodies_without_strokes_are_left_to_others);
    tcase_add_test(tc, wrong_bodies_say_what_and_where);
    tcase_add_test(tc, too_many_points_or_strokes_are_refused);
    suite_add_tcase(suite, tc);
    return suite;
}
