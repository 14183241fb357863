/* Rows of prediction requests: JSON, CSV and floats give the inputs that
 * training would see, and errors say where. */
#include "helper_main.h"
#include "helper_recipe.h"
#include "helper_shelf.h"
#include "mlp/value.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Scan a copy that ends where its memory ends, so that a sanitizer sees any
 * step beyond. */
static bool scan_json(const char *body, size_t n, const char *path_name, struct instances *instances,
                      struct err *err)
{
    char *copy = malloc(n ? n : 1);

    memcpy(copy, body, n);
    *err = (struct err){0};
    bool ok = shelf_json(copy, n, (struct head_url){path_name, 0}, false, instances, err);
    free(copy);
    return ok;
}

static bool scan_csv(const struct recipe *recipe, const char *body, int header, struct instances *instances,
                     struct err *err)
{
    size_t n = strlen(body);
    char *copy = malloc(n ? n : 1);

    memcpy(copy, body, n);
    *err = (struct err){0};
    const struct csv_options options = {.header = header};
    bool ok = instances_from_csv(recipe, &(struct csv_body){copy, n, &options}, instances, err);
    free(copy);
    return ok;
}

static void taken(const char *body, struct instances *instances)
{
    struct err err;

    ck_assert_msg(scan_json(body, strlen(body), NULL, instances, &err), "%s: %s", body, err.msg);
}

static void rows_equal(const struct instances *a, const struct instances *b, uint32_t n_inputs)
{
    ck_assert_uint_eq(a->n_rows, b->n_rows);
    ck_assert_mem_eq(a->x, b->x, (size_t)a->n_rows * n_inputs * sizeof(float));
}

START_TEST(all_ways_agree)
{
    static const char *const bodies[] = {
        "{\"model\":\"mixed\",\"instances\":[[\"x\",10,1.5,\"male\",true,7],[null,20,null,null,false,null]]}",
        " { \"instances\" : [ [ 1 , 10.0 , 15e-1 , \"m\\u0061le\" , \"true\" , [] ] ] } ",
        "{\"instances\":[{\"age\":10,\"fare\":1.5,\"sex\":\"male\",\"alive\":true},"
        "{\"alive\":\"false\",\"fare\":null,\"sex\":null,\"age\":\"20\",\"y\":\"a\"}],\"model\":\"mixed\"}",
        "{\"instances\":[{\"sex\":\"male\",\"fare\":1.50,\"alive\":\"true\",\"age\":1e1,\"id\":{\"any\":[1,{}"
        "]}},"
        "{\"id\":\"z\",\"age\":20,\"fare\":\"NA\",\"sex\":\"?\",\"alive\":\"false\"}],\"version\":1}",
    };
    struct instances first = {0}, other = {0};
    struct err err;

    taken(bodies[0], &first);
    ck_assert_uint_eq(first.n_rows, 2);
    for (int i = 2; i < 3; i++) {
        taken(bodies[i], &other);
        rows_equal(&first, &other, shelf.mixed->n_inputs);
        instances_done(&other);
    }
    ck_assert(!scan_json(bodies[1], strlen(bodies[1]), NULL, &other, &err)); /* an array is no value */
    ck_assert_ptr_nonnull(strstr(err.msg, "instances[0][5]"));
    ck_assert(!scan_json(bodies[3], strlen(bodies[3]), NULL, &other,
                         &err)); /* not even for a column that is left out */
    ck_assert(
        scan_csv(shelf.mixed, "sex,alive,id,age,fare\nmale,true,x,10,1.5\n,false,,20,\n", 0, &other, &err));
    rows_equal(&first, &other, shelf.mixed->n_inputs);
    instances_done(&other);
    ck_assert(scan_csv(shelf.mixed, "x;10;1,5;male;true;7\n;20;;;false;", 0, &other, &err));
    rows_equal(&first, &other, shelf.mixed->n_inputs);
    instances_done(&other);
    instances_done(&first);
}
END_TEST

START_TEST(numbers_come_by_every_spelling)
{
    struct instances instances = {0};
    struct err err;
    const struct recipe *recipe = shelf.numbers;
    float expected[16], raw[3] = {3, -2.25f, 123456792};
    static const char *const spellings[] = {"3,-2.25,123456789",
                                            " 3 , -2.25 , 123456789 ",
                                            "3.0, -225e-2, 1.23456789E+8",
                                            "\"3\",\" -2.25\",\"123456789\"",
                                            "3,-2.2500000000000000000000000000,123456789.0",
                                            "30e-1,-0.225e1,123456789000e-3"};
    char body[300];

    ck_assert_uint_eq(recipe->n_inputs, 4);
    recipe_encode_numbers(recipe, raw, expected);
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        snprintf(body, sizeof body, "{\"model\":\"numbers\",\"instances\":[[%s]]}", spellings[i]);
        taken(body, &instances);
        ck_assert_mem_eq(instances.x, expected, 4 * sizeof(float));
        instances_done(&instances);
    }
    ck_assert(instances_from_floats(recipe, raw, sizeof raw, &instances, &err));
    float room[4 + 3];
    ck_assert_uint_eq(instances_scratch(&instances, recipe, 1), 4 + 3);
    ck_assert_ptr_eq(instances_inputs(&instances, recipe, 0, 1, room, &err), room);
    ck_assert_mem_eq(room, expected, 4 * sizeof(float));
    instances_done(&instances);
    taken("{\"model\":\"numbers\",\"instances\":[[true,null,false]]}", &instances);
    recipe_encode_numbers(recipe, (float[]){1, NAN, 0}, expected);
    ck_assert_mem_eq(instances.x, expected, 4 * sizeof(float));
    instances_done(&instances);
}
END_TEST

START_TEST(floats_are_checked)
{
    struct instances instances = {0};
    struct err err = {0};
    float rows[6] = {1, NAN, 3, 4, INFINITY, 6};

    ck_assert(instances_from_floats(shelf.numbers, rows, 12, &instances, &err));
    ck_assert_uint_eq(instances.n_rows, 1);
    float room[2 * 4 + 3];
    ck_assert_ptr_nonnull(instances_inputs(&instances, shelf.numbers, 0, 1, room, &err));
    instances_done(&instances);
    ck_assert(instances_from_floats(shelf.numbers, rows, 24, &instances, &err));
    ck_assert_ptr_null(instances_inputs(&instances, shelf.numbers, 0, 2, room, &err));
    ck_assert_str_eq(err.column, "b");
    ck_assert_uint_eq(err.row, 2);
    ck_assert(!instances_from_floats(shelf.numbers, rows, 13, &instances, &err));
    ck_assert(!instances_from_floats(shelf.numbers, rows, 0, &instances, &err));
    ck_assert_ptr_null(instances.x);
}
END_TEST

START_TEST(the_model_may_come_last)
{
    struct instances instances = {0};

    taken("{\"instances\":[[1,2,3]],\"model\":\"numbers\"}", &instances);
    instances_done(&instances);
    ck_assert_uint_eq(shelf.n_finds, 1);
    taken("{\"model\":\"numbers\",\"instances\":[[1,2,3]]}", &instances);
    instances_done(&instances);
    ck_assert_uint_eq(shelf.n_finds, 2);
    /* a version after the instances means another recipe: they are scanned
     * again */
    taken("{\"model\":\"numbers\",\"instances\":[{\"age\":1,\"fare\":2,\"sex\":\"male\",\"alive\":true}],"
          "\"version\":2}",
          &instances);
    ck_assert_uint_eq(instances.n_rows, 1);
    ck_assert_uint_eq(instances.n_unknown, 0);
    instances_done(&instances);
}
END_TEST

START_TEST(unknown_columns_are_told)
{
    struct instances instances = {0};
    struct err err;
    char body[2000] = "{\"instances\":[{\"age\":1,\"fare\":2,\"sex\":\"male\",\"alive\":true,\"y\":\"a\","
                      "\"what\":[1,{\"b\":\"]\"}]},"
                      "{\"age\":1,\"what\":2,\"fare\":2,\"sex\":\"male\",\"alive\":true";
    size_t at = strlen(body);

    for (int i = 0; i < 20; i++)
        at += (size_t)snprintf(body + at, sizeof body - at, ",\"u%d\":%d", i, i);
    snprintf(body + at, sizeof body - at, "}]}");
    taken(body, &instances);
    ck_assert_uint_eq(instances.n_unknown, INSTANCES_WARNINGS_MAX);
    ck_assert(instances.more_unknown);
    ck_assert_str_eq(instances.unknown[0], "what");
    ck_assert_str_eq(instances.unknown[1], "u0");
    instances_done(&instances);
    ck_assert(
        scan_csv(shelf.mixed, "sex,alive,y,what,age,fare\nmale,true,a,?,10,1.5\n", 0, &instances, &err));
    ck_assert_uint_eq(instances.n_unknown, 1);
    ck_assert_str_eq(instances.unknown[0], "what");
    instances_done(&instances);
}
END_TEST

static const struct {
    const char *body, *expected;
} json_errors[] = {
    {"", "expected an object"},
    {"[]", "found '['"},
    {"{", "expected a member's name"},
    {"{}", "'instances' is missing"},
    {"{\"instances\":[]}", "instances is empty"},
    {"{\"instances\":7}", "must be an array"},
    {"{\"instances\":[1,2]}", "instances[0]: expected an array of values or an object"},
    {"{\"model\":\"numbers\",\"instances\":[[1,2,3],[1,2]]}",
     "instances[1] has 2 values, the model takes 3: 'a' ... 'c', without 'y'"},
    {"{\"model\":\"numbers\",\"instances\":[[1,2,3,4,\"x\",null]]}", "instances[0] has 6 values"},
    {"{\"model\":\"numbers\",\"instances\":[[]]}", "instances[0] has 0 values"},
    {"{\"model\":\"numbers\",\"instances\":[[1,2,\"x\"]]}",
     "column 'c' takes a number, and \"x\" is not one"},
    {"{\"model\":\"numbers\",\"instances\":[[1,2,x]]}", "instances[0][2]"},
    {"{\"model\":\"numbers\",\"instances\":[[1,,3]]}", "instances[0][1]"},
    {"{\"model\":\"numbers\",\"instances\":[[1,2,3,]]}", "expected a value after ','"},
    {"{\"model\":\"numbers\",\"instances\":[[1,2,]]}", "expected a value after ','"},
    {"{\"model\":\"numbers\",\"instances\":[[1,2 3]]}", "expected ',' or ']' at byte 38, found '3'"},
    {"{\"model\":\"numbers\",\"instances\":[[01,2,3]]}", "does not begin with 0"},
    {"{\"model\":\"numbers\",\"instances\":[[1.,2,3]]}", "expected a digit"},
    {"{\"model\":\"numbers\",\"instances\":[[.5,2,3]]}", "expected a value"},
    {"{\"model\":\"numbers\",\"instances\":[[-,2,3]]}", "expected a digit"},
    {"{\"model\":\"numbers\",\"instances\":[[+1,2,3]]}", "expected a value"},
    {"{\"model\":\"numbers\",\"instances\":[[1e,2,3]]}", "expected a digit"},
    {"{\"model\":\"numbers\",\"instances\":[[NaN,2,3]]}", "expected a value"},
    {"{\"model\":\"numbers\",\"instances\":[[1e39,2,3]]}", "too large"},
    {"{\"model\":\"numbers\",\"instances\":[[1,-1e400,3]]}", "instances[0][1], 'b': the number is too large"},
    {"{\"model\":\"numbers\",\"instances\":[[1,[2],3]]}", "instances[0][1]"},
    {"{\"model\":\"numbers\",\"instances\":[[1,2,3]}", "expected ',' or ']'"},
    {"{\"model\":\"numbers\",\"instances\":[[1,2,3][4,5,6]]}",
     "expected ',' or ']'"}, /* was one row, the rest unread */
    {"{\"model\":\"numbers\",\"instances\":[[1,2,3]]", "expected ',' or '}'"},
    {"{\"model\":\"numbers\",\"instances\":[[1,2,3]]}x", "nothing after the object"},
    {"{\"model\":\"numbers\",\"instances\":[[1,2,3]],}", "member's name"},
    {"{\"model\":\"numbers\",\"instances\":[[1,2,3]],\"instances\":[]}", "'instances' appears twice"},
    {"{\"model\":\"numbers\",\"model\":\"numbers\"}", "'model' appears twice"},
    {"{\"model\":7}", "'model' must be a text"},
    {"{\"model\":\"gone\",\"instances\":[[1]]}", "no model 'gone'"},
    {"{\"instances\":[[1]],\"model\":\"gone\"}", "no model 'gone'"},
    {"{\"version\":0}", "whole number from 1"},
    {"{\"version\":1.5}", "whole number from 1"},
    {"{\"version\":99999999}", "whole number from 1"},
    {"{\"version\":1e38}", "whole number from 1"}, /* undefined, once, to convert */
    {"{\"version\":-1}", "whole number from 1"},
    {"{\"instance\":[[1]]}", "unknown field \"instance\" (did you mean \"instances\"?)"},
    {"{\"instances\":[{\"age\":1}]}", "lacks the model's column 'fare', 'sex', 'alive'"},
    {"{\"instances\":[{\"age\":1,\"age\":2}]}", "instances[0] names 'age' twice"},
    {"{\"instances\":[{\"id\\u0000aaaaaaaaaaaaaaaaaaaaaaaa\":1}]}",
     "lacks the model's column"}, /* 'id' was read at 26 */
    {"{\"instances\":[{\"age\":\"old\",\"fare\":2,\"sex\":\"male\",\"alive\":true}]}",
     "instances[0]: column 'age' takes a number"},
    {"{\"instances\":[{\"age\"1}]}", "expected ':'"},
    {"{\"instances\":[{age:1}]}", "column's name in quotes"},
    {"{\"instances\":[{\"age\":tru}]}", "expected a value"},
    {"{\"instances\":[{\"sex\":\"m\\x\"}]}", "an escape that JSON does not have"},
    {"{\"instances\":[{\"sex\":\"\\ud800\"}]}", "stands alone"},
    {"{\"instances\":[{\"sex\":\"\\udc00\"}]}", "stands alone"},
    {"{\"instances\":[{\"sex\":\"\\ud800\\u0041\"}]}", "stands alone"},
    {"{\"instances\":[{\"sex\":\"\\u12g4\"}]}", "hexadecimal"},
    {"{\"instances\":[{\"sex\":\"a\nb\"}]}", "control character"},
    {"{\"instances\":[{\"sex\":\"caf\xe9\"}]}", "not UTF-8"},
    {"{\"instances\":[{\"sex\":\"\xc0\x80\"}]}", "not UTF-8"},
    {"{\"instances\":[{\"sex\":\"\xed\xa0\x80\"}]}", "not UTF-8"},
    {"{\"instances\":[{\"sex\":\"male}]}", "does not end"},
};

START_TEST(json_errors_say_where)
{
    struct instances instances = {0};
    struct err err;

    for (size_t i = 0; i < sizeof json_errors / sizeof *json_errors; i++) {
        ck_assert_msg(!scan_json(json_errors[i].body, strlen(json_errors[i].body), NULL, &instances, &err),
                      "taken: %s", json_errors[i].body);
        ck_assert_msg(strstr(err.msg, json_errors[i].expected) != NULL, "%s: \"%s\" lacks \"%s\"",
                      json_errors[i].body, err.msg, json_errors[i].expected);
        ck_assert(err.code == ERR_INPUT || err.code == ERR_NOT_FOUND);
        ck_assert_ptr_null(instances.x);
    }
}
END_TEST

START_TEST(errors_name_row_and_column)
{
    struct instances instances = {0};
    struct err err;
    const char *body = "{\"model\":\"numbers\",\"instances\":[[1,2,3],[1,2,3],[1,oops,3]]}";

    ck_assert(!scan_json(body, strlen(body), NULL, &instances, &err));
    ck_assert_uint_eq(err.row, 3);
    ck_assert_str_eq(err.column, "b");
    ck_assert_ptr_nonnull(strstr(err.msg, "instances[2][1]"));
    ck_assert_ptr_nonnull(strstr(err.msg, "at byte 52, found 'o'"));
    body = "{\"nonsense\":1}";
    ck_assert(!scan_json(body, strlen(body), NULL, &instances, &err));
    ck_assert_str_eq(err.field, "nonsense");
}
END_TEST

START_TEST(the_address_may_name_the_model)
{
    struct instances instances = {0};
    struct err err;
    const char *plain = "{\"instances\":[[1,2,3]]}", *other = "{\"model\":\"mixed\",\"instances\":[[1,2,3]]}";

    ck_assert(scan_json(plain, strlen(plain), "numbers", &instances, &err));
    instances_done(&instances);
    ck_assert(!scan_json(other, strlen(other), "numbers", &instances, &err));
    ck_assert_str_eq(err.field, "model");
}
END_TEST

START_TEST(nothing_deep_overflows)
{
    size_t n = 2000000;
    char *body = malloc(n);
    struct instances instances = {0};
    struct err err;
    int head = snprintf(body, n, "{\"model\":\"mixed\",\"instances\":[{\"u\":");

    memset(body + head, '[', n - (size_t)head);
    ck_assert(!scan_json(body, n, NULL, &instances, &err));
    ck_assert_ptr_nonnull(strstr(err.msg, "nested too deeply"));
    head = snprintf(body, n, "{\"instances\":");
    memset(body + head, '{', n - (size_t)head);
    ck_assert(!scan_json(body, n, NULL, &instances, &err));
    body[head] = '[';
    ck_assert(!scan_json(body, n, NULL, &instances, &err));
    free(body);
}
END_TEST

/* Every body that a bit flip or a cut makes of a good one is taken or refused,
 * and a sanitizer sees no step outside. */
START_TEST(mangled_bodies_are_survived)
{
    static const char good[] = "{\"model\":\"mixed\",\"instances\":[[\"x\",10,1.5e0,\"m\\u00e4\xc3\xa4\\n\","
                               "true,7],[null,20,null,null,false,0],"
                               "{\"age\":10,\"fare\":-0.0125,\"sex\":\"male\",\"alive\":true,\"u\":[{\"a\":["
                               "1,2,{}]},\"\\ud83d\\ude00\"]}],"
                               "\"version\":12}";
    struct instances instances = {0};
    struct err err;
    uint32_t n_taken = 0;

    for (size_t n = 0; n < sizeof good - 1; n++)
        ck_assert(!scan_json(good, n, NULL, &instances, &err));
    char *body = strdup(good);
    for (size_t at = 0; at < sizeof good - 1; at++)
        for (int bit = 0; bit < 8; bit++) {
            body[at] ^= (char)(1 << bit);
            bool ok = scan_json(body, sizeof good - 1, NULL, &instances, &err);
            n_taken += ok;
            ck_assert(ok || (err.code != ERR_OK && err.msg[0]));
            for (size_t i = 0; ok && i < (size_t)instances.n_rows * shelf.mixed->n_inputs; i++)
                ck_assert(isfinite(instances.x[i]));
            instances_done(&instances);
            body[at] ^= (char)(1 << bit);
        }
    ck_assert_uint_gt(n_taken, 20);
    free(body);
}
END_TEST

START_TEST(csv_errors_say_where)
{
    static const struct {
        const char *body;
        int header;
        const char *expected;
    } cases[] = {
        {"", 0, "the body is empty"},
        {"age,fare,sex,alive,id,note\n", 0, "no row below the header"},
        {"1,2\n", 0, "row 1 has 2 fields, the model takes 6"},
        {"x,10,1.5,male,true,7,a\n", 0,
         "row 1 has 7 fields, the model takes 6: 'id' ... 'note', without 'y'"},
        {"age,fare,sex\n1,2,male\n", 0, "lacks the model's column 'alive'"},
        {"age,fare,sex,alive,age\n1,2,male,true,3\n", 0, "'age' twice"},
        {"age,fare,sex,alive\n1,2,male,true,5\n1,2,male,true,5,6\n", 0, "row 1 has 5 fields"},
        {"age,fare,sex,alive\n1,two,male,true\n1,2,3,4,5\n", 0, "\"two\" is not one"},
        {"x,10,1.5,male,true,7\n", 1, "lacks the model's column"},
    };
    struct instances instances = {0};
    struct err err;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(!scan_csv(shelf.mixed, cases[i].body, cases[i].header, &instances, &err), "taken: %s",
                      cases[i].body);
        ck_assert_msg(strstr(err.msg, cases[i].expected) != NULL, "%s: \"%s\" lacks \"%s\"", cases[i].body,
                      err.msg, cases[i].expected);
    }
    ck_assert(!scan_csv(shelf.mixed, cases[7].body, 0, &instances, &err));
    ck_assert_uint_eq(err.row, 1);
    ck_assert_str_eq(err.column, "fare");
}
END_TEST

START_TEST(a_row_of_csv_that_cannot_be_read_keeps_its_place)
{
    static const char body[] =
        "age,fare,sex,alive\n1,2,male,true\n1,2,male\n1,2,male,true,\n1,two,male,true\n"
        "1,2,male,true,5\n1,2,male,true\n";
    struct instances instances = {0};
    struct err err;

    ck_assert(scan_csv(shelf.mixed, body, 0, &instances, &err));
    ck_assert_uint_eq(instances.n_rows, 6);
    ck_assert_uint_eq(instances.n_bad, 2);
    const uint32_t rows[] = {3, 4};
    const char *const whys[] = {"\"two\"", "row 5 has 5 fields"};
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(instances.bad[i].row, rows[i]);
        ck_assert_ptr_nonnull(strstr(instances.bad[i].why, whys[i]));
    }
    size_t n = shelf.mixed->n_inputs * sizeof *instances.x;
    ck_assert_mem_eq(instances.x, instances.x + 2 * shelf.mixed->n_inputs, n); /* a separator at the end */
    ck_assert_mem_eq(instances.x, instances.x + 5 * shelf.mixed->n_inputs, n);
    struct instances missing = {0};
    ck_assert(scan_csv(shelf.mixed, "age,fare,sex,alive\n1,2,male,\n", 0, &missing, &err));
    ck_assert_mem_eq(missing.x, instances.x + shelf.mixed->n_inputs, n); /* a field is missing at the end */
    instances_done(&missing);
    instances_done(&instances);
}
END_TEST

/* As they are mended where a table is read; rows are counted from the first
 * below the names. */
START_TEST(rows_of_csv_are_mended_as_a_tables_are)
{
    static const char body[] = "age,fare,sex,alive\n1,2,\"male\",true\n1,2,\"ma\"le,true\n"
                               "\"1\",2,male\"\",true\n1,2,male,\"true\n1,2,male,true\n1,2,3,4,5\n";
    static const char *const names[] = {"age", "fare", "sex", "alive"};
    struct csv_options options = {.names = names, .n_names = 4};
    struct instances instances = {0}, named = {0};
    struct err err = {0};

    ck_assert_msg(scan_csv(shelf.mixed, body, 0, &instances, &err), "%s", err.msg);
    ck_assert_uint_eq(instances.n_rows, 6);
    size_t n = shelf.mixed->n_inputs * sizeof *instances.x;
    for (uint32_t row = 0; row < 5; row++) /* 2 holds another text for the sex */
        ck_assert(row == 2 || !memcmp(instances.x, instances.x + row * shelf.mixed->n_inputs, n));
    ck_assert_uint_eq(instances.n_bad, 1);
    ck_assert_uint_eq(instances.bad[0].row, 5);
    ck_assert_ptr_nonnull(strstr(instances.bad[0].why, "row 6 has 5 fields"));
    for (options.header = -1; options.header < 2; options.header += 2) {
        const char *from = options.header > 0 ? body : strchr(body, '\n') + 1;
        const struct csv_body as_named = {from, strlen(from), &options};
        ck_assert(instances_from_csv(shelf.mixed, &as_named, &named, &err));
        rows_equal(&instances, &named, shelf.mixed->n_inputs);
        ck_assert_str_eq(named.bad[0].why, instances.bad[0].why);
        instances_done(&named);
    }
    instances_done(&instances);
}
END_TEST

START_TEST(columns_named_by_numbers_are_no_header_of_zeros)
{
    struct recipe *recipe =
        recipe_of_text("0,1,2,y\n0,1.5,7,0.5\n1,2.5,300,1.5\n5,,8,2.75\n", "y", TASK_AUTO);
    struct instances instances = {0};
    struct err err;

    ck_assert(scan_csv(recipe, "0,0,0\n1,1,1\n", 0, &instances, &err));
    ck_assert_uint_eq(instances.n_rows, 2);
    instances_done(&instances);
    ck_assert(scan_csv(recipe, "2,1,0\n1,1,1\n", 0, &instances, &err));
    ck_assert_uint_eq(instances.n_rows, 1);
    instances_done(&instances);
    recipe_free(recipe);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("instances");
    TCase *tests = tcase_create("instances");

    tcase_add_checked_fixture(tests, shelf_fill, shelf_clear);
    tcase_set_timeout(tests, 20);
    tcase_add_test(tests, all_ways_agree);
    tcase_add_test(tests, numbers_come_by_every_spelling);
    tcase_add_test(tests, floats_are_checked);
    tcase_add_test(tests, the_model_may_come_last);
    tcase_add_test(tests, unknown_columns_are_told);
    tcase_add_test(tests, json_errors_say_where);
    tcase_add_test(tests, errors_name_row_and_column);
    tcase_add_test(tests, the_address_may_name_the_model);
    tcase_add_test(tests, nothing_deep_overflows);
    tcase_add_test(tests, mangled_bodies_are_survived);
    tcase_add_test(tests, csv_errors_say_where);
    tcase_add_test(tests, a_row_of_csv_that_cannot_be_read_keeps_its_place);
    tcase_add_test(tests, rows_of_csv_are_mended_as_a_tables_are);
    tcase_add_test(tests, columns_named_by_numbers_are_no_header_of_zeros);
    suite_add_tcase(suite, tests);
    return suite;
}
