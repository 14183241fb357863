/* Bodies with strokes, right and wrong. */
#include "helper_main.h"
#include "predict/strokes.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The whole of a body with strokes. */
static bool read_all(const char *body, size_t n, struct head_model *model, uint8_t picture[DIGIT_PIXELS],
                     struct err *err)
{
    struct json_head head;
    bool ok = head_read(&head, body, n, (struct head_url){0}, err);
    if (ok)
        ck_assert_int_eq(head.kind, HEAD_STROKES);
    ok = ok && strokes_from_json(&head, picture, err);
    *model = head.model;
    head_done(&head);
    return ok;
}

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
        struct head_model model;
        uint8_t picture[DIGIT_PIXELS];
        ck_assert_msg(read_all(bodies[i], strlen(bodies[i]), &model, picture, &err), "%s", err.msg);
        ck_assert_str_eq(model.name, "draw");
        ck_assert_uint_eq(model.version, 3);
        ck_assert_mem_eq(picture, want, DIGIT_PIXELS);
    }
}
END_TEST

START_TEST(a_head_is_read_up_to_its_rows)
{
    static const struct {
        const char *body;
        enum head_rows kind;
        size_t at; /* of the rows */
    } heads[] = {{"{}", HEAD_NONE, 0},
                 {"{\"model\":\"strokes\"}", HEAD_NONE, 0},
                 {"{\"instances\":[[1]],\"strokes\":[]}", HEAD_INSTANCES, 13},
                 {"{\"version\":2, \"strokes\" : [], 7", HEAD_STROKES, 26}};
    static const char *const wrong[] = {"",        "[]", "{\"model\":1x", "{\"a\":{\"strokes\":[]}}",
                                        "strokes", "{}}"};
    struct json_head head;
    struct err err = {0};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        const char *body = heads[i].body;
        ck_assert_msg(head_read(&head, body, strlen(body), (struct head_url){0}, &err), "%s: %s", body,
                      err.msg);
        ck_assert_int_eq(head.kind, heads[i].kind);
        ck_assert_ptr_eq(head.rows, heads[i].at ? body + heads[i].at : NULL);
        head_done(&head);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(!head_read(&head, wrong[i], strlen(wrong[i]), (struct head_url){0}, &err), "%s",
                      wrong[i]);
        ck_assert_int_eq(err.code, ERR_INPUT);
        head_done(&head);
    }
}
END_TEST

START_TEST(url_and_body_name_one_model)
{
    static const struct {
        const char *body;
        struct head_url url;
        const char *name; /* NULL: they contradict each other, in `field` */
        uint32_t version;
        const char *field;
    } cases[] = {{"{\"strokes\":[]}", {"a", 2}, "a", 2, NULL},
                 {"{\"model\":\"a\",\"strokes\":[]}", {NULL, 2}, "a", 2, NULL},
                 {"{\"strokes\":[],\"version\":3}", {"a", 0}, "a", 3, NULL},
                 {"{\"model\":\"a\",\"version\":2,\"strokes\":[]}", {"a", 2}, "a", 2, NULL},
                 {"{\"model\":\"b\",\"strokes\":[]}", {"a", 0}, NULL, 0, "model"},
                 {"{\"strokes\":[],\"model\":\"b\"}", {"a", 0}, NULL, 0, "model"},
                 {"{\"version\":3,\"strokes\":[]}", {"a", 2}, NULL, 0, "version"},
                 {"{\"strokes\":[],\"version\":3}", {"a", 2}, NULL, 0, "version"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_head head;
        struct err err = {0};
        const char *body = cases[i].body;
        uint8_t picture[DIGIT_PIXELS];
        bool ok = head_read(&head, body, strlen(body), cases[i].url, &err) &&
                  strokes_from_json(&head, picture, &err);
        ck_assert_msg(ok == (cases[i].name != NULL), "%s", body);
        if (ok) {
            ck_assert_str_eq(head.model.name, cases[i].name);
            ck_assert_uint_eq(head.model.version, cases[i].version);
        } else {
            ck_assert_int_eq(err.code, ERR_INPUT);
            ck_assert_str_eq(err.field, cases[i].field);
        }
        head_done(&head);
    }
}
END_TEST

static void check_refused(const char *body, enum err_code code, const char *says)
{
    char *exact = malloc(strlen(body) + 1); /* of its own size, so that a sanitizer sees a read beyond it */
    struct head_model model;
    uint8_t picture[DIGIT_PIXELS];
    struct err err = {0};
    memcpy(exact, body, strlen(body));
    ck_assert_msg(!read_all(exact, strlen(body), &model, picture, &err), "taken: %s", body);
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
                 {"{\"strokes\":[],\"model\":7}", "name of a model"},
                 {"{\"strokes\":[],\"model\":\"\"}", "not the name"},
                 {"{\"strokes\":[],\"version\":0}", "whole number"},
                 {"{\"strokes\":[],\"version\":1.5}", "whole number"},
                 {"{\"strokes\":[],\"version\":1e38}", "whole number"},
                 {"{\"strokes\":[],\"version\":1.00000001}", "whole number"}, /* not 1 */
                 {"{\"strokes\":[],\"instances\":[]}", "exclude each other"}};
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
    tcase_add_test(tc, a_head_is_read_up_to_its_rows);
    tcase_add_test(tc, url_and_body_name_one_model);
    tcase_add_test(tc, wrong_bodies_say_what_and_where);
    tcase_add_test(tc, too_many_points_or_strokes_are_refused);
    suite_add_tcase(suite, tc);
    return suite;
}
