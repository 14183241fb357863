/* What a file is by its first bytes, and JSON and libsvm as CSV. */
#include "datasets/convert.h"
#include "datasets/json_columns.h"
#include "datasets/kind.h"
#include "helper_main.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err err;

static bool find(const char *bytes, size_t n, enum file_kind *kind)
{
    struct file_ends ends = {.head = bytes, .tail = bytes, .n_head = n, .n_tail = n};
    err = (struct err){0};
    return kind_find(&ends, kind, &err);
}

static const struct {
    const char *bytes;
    size_t n;
    const char *id;
} foreign[] = {
    {"PK\3\4....xl/workbook.xml", 23, "file_is_xlsx"},
    {"PK\3\4..mimetypeapplication/vnd.oasis.opendocument.spreadsheet", 62, "file_is_ods"},
    {"PK\3\4....table.csv", 17, "file_is_zip"},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, "file_is_xls"},
    {"PAR1....PAR1", 12, "file_is_parquet"},
    {"ARROW1\0\0....ARROW1", 18, "file_is_arrow"},
    {"\xff\xff\xff\xff\x10\0\0\0", 8, "file_is_arrow"},
    {"%PDF-1.7\n", 9, "file_is_pdf"},
    {"\xef\xbb\xbf\n <!DOCTYPE html>", 20, "file_is_html"},
    {"<HTML><table>", 13, "file_is_html"},
    {"\xff\xd8\xff\xe0", 4, "file_is_jpeg"},
    {"\x89PNG\r\n\x1a\n", 8, "file_is_png"},
    {"GIF89a\1\0", 8, "file_is_gif"},
    {"SQLite format 3\0", 16, "file_is_sqlite"},
    {"BZh91AY&SY..", 12, "file_is_bzip2"},
    {"\xfd\x37zXZ\0", 6, "file_is_xz"},
    {"\x1f\x8b\x08\0", 4, "file_is_gzip"},
    {"version https://git-lfs.github.com/spec/v1\n", 43, "file_is_lfs"},
};

START_TEST(what_is_no_text_is_named)
{
    enum file_kind kind;
    ck_assert(!find(foreign[_i].bytes, foreign[_i].n, &kind));
    ck_assert_int_eq(err.code, ERR_UNSUPPORTED);
    ck_assert_str_eq(err.id, foreign[_i].id);
}
END_TEST

static const struct {
    const char *text;
    enum file_kind kind;
} texts[] = {
    {"a,b\n1,2\n", FILE_CSV},
    {"PAR1,PAR2\n1,2\n", FILE_CSV},
    {"[id],[name]\n1,2\n", FILE_CSV},
    {"[2024],[2025]\n1,2\n", FILE_CSV},
    {"GIF,PNG\n1,2\n", FILE_CSV},
    {"{x},{y}\n1,2\n", FILE_CSV},
    {"[{\"a\":1}]", FILE_JSON},
    {"\xef\xbb\xbf [\n [1,2]]", FILE_JSON},
    {"{\"a\":1}\n{\"a\":2}\n", FILE_JSON},
    {"[1,2]\n[3,4]\n", FILE_JSON},
    {"1 1:0.5 3:2\n-1 2:1\n", FILE_LIBSVM},
    {"# made by\n1 1:0.5\n", FILE_LIBSVM},
    {"1 qid:3 1:0.5 2:0.25\n", FILE_LIBSVM},
    {"1,2 1:0.5\n", FILE_LIBSVM},
    {"5 12:30\n6 13:45\n", FILE_CSV},
    {"1 2\n3 4\n", FILE_CSV},
    {"1 3:1 2:1\n", FILE_CSV},
    {"a 1:0.5\n", FILE_CSV},
};

START_TEST(texts_are_told_apart)
{
    enum file_kind kind;
    ck_assert(find(texts[_i].text, strlen(texts[_i].text), &kind));
    ck_assert_msg(kind == texts[_i].kind, "%s: %d", texts[_i].text, (int)kind);
}
END_TEST

typedef bool convert_function(const struct convert_source *source, const struct csv_options *told, int fd,
                              struct converted *converted, struct err *err);

/* The CSV; NULL: *err. The caller frees it. */
static char *convert(convert_function *function, const char *text, const struct csv_options *told,
                     struct converted *converted)
{
    FILE *file = tmpfile();
    struct claim claim = {0};
    struct convert_source source = {.bytes = text, .n = strlen(text), .most = 100000, .claim = &claim};
    err = (struct err){0};
    ck_assert_ptr_nonnull(file);
    char *csv = NULL;
    if (function(&source, told, fileno(file), converted, &err)) {
        csv = calloc(1, 100001);
        ck_assert_int_ge(pread(fileno(file), csv, 100000, 0), 0);
    }
    fclose(file);
    return csv;
}

static const struct {
    const char *text, *csv;
    int header;
} good[] = {
    {"[{\"a\":1,\"b\":\"x\"},{\"b\":null,\"c\":true,\"a\":2.50}]", "a,b,c\n1,x,\n2.50,,true\n", 1},
    {"{\"a\":12345678901234567890}\n\n{\"a\":1e400},\n{\"a\":NaN}", "a\n12345678901234567890\n1e400\n\"\"\n",
     1},
    {"[[\"a\",\"b\"],[1,\"p,q\"],[2]]", "a,b\n1,\"p,q\"\n2,\n", 1},
    {"[[1,2],[3,4]]", "1,2\n3,4\n", -1},
    {"[[\"a\"],[\"b\"]]", "a\nb\n", 0},
    {"{\"n\":2,\"columns\":[\"a\",\"b\"],\"data\":[[1,2],[3,4]]}", "a,b\n1,2\n3,4\n", 1},
    {"{\"rows\": [ {\"a\":1} ] , \"more\":{}}", "a\n1\n", 1},
    {"{\"data\":\"x\"}", "data\nx\n", 1},
    {"[{\"a\\u00e9\":\"\\n\\\"\"}]", "a\xc3\xa9\n\"\n\"\"\"\n", 1},
    {"[{\"a\":1,\"a\":2}]", "a\n2\n", 1},
    {"[{},{\"a\":1}]", "a\n\"\"\n1\n", 1},
};

START_TEST(json_becomes_csv)
{
    struct converted converted;
    char *csv = convert(convert_json, good[_i].text, &(struct csv_options){0}, &converted);
    ck_assert_msg(csv != NULL, "%s: %s", good[_i].text, err.msg);
    ck_assert_str_eq(csv, good[_i].csv);
    ck_assert_int_eq(converted.options.header, good[_i].header);
    free(csv);
    converted_done(&converted);
}
END_TEST

static const struct {
    const char *text, *id;
    uint64_t row;
} bad[] = {
    {"[{\"a\":1},{\"a\":{\"b\":1}}]", "json_nested", 2},
    {"[[1],[[2]]]", "json_nested", 2},
    {"{\"a\":[1,2]}", "json_nested", 1},
    {"[{\"a\":1},[2]]", "json_wrong", 2},
    {"[{\"a\":1}{\"a\":2}]", "json_wrong", 2},
    {"[{\"a\":1},", "json_wrong", 2},
    {"[{\"a\":1}] x", "json_wrong", 2},
    {"[{\"a\":01}]", "json_wrong", 1},
    {"[{\"a\":tru}]", "json_wrong", 1},
    {"[{\"a\" 1}]", "json_wrong", 1},
    {"[{\"a\":\"\\u0000\"}]", "json_wrong", 1},
    {"[{\"a\":\"\xff\"}]", "json_wrong", 1},
    {"[{\"a\":1]", "json_wrong", 1},
};

START_TEST(what_is_no_table_names_its_row)
{
    struct converted converted;
    ck_assert_ptr_null(convert(convert_json, bad[_i].text, &(struct csv_options){0}, &converted));
    ck_assert_int_eq(err.code, ERR_INPUT);
    ck_assert_str_eq(err.id, bad[_i].id);
    ck_assert_uint_eq(err.row, bad[_i].row);
    ck_assert_ptr_null(converted.types);
}
END_TEST

START_TEST(texts_of_digits_stay_texts_unless_the_user_says_otherwise)
{
    static const char text[] =
        "[{\"id\":\"01\",\"zip\":\"123\",\"n\":1},{\"id\":\"x\",\"zip\":\"4\",\"n\":\"2\"}]";
    struct csv_type told = {.column = "zip", .type = COLUMN_NUMBER};
    struct csv_options options = {.types = &told, .n_types = 1};
    struct converted converted;
    free(convert(convert_json, text, &options, &converted));
    ck_assert_uint_eq(converted.options.n_types, 2);
    ck_assert_str_eq(converted.options.types[1].column, "id");
    ck_assert_int_eq(converted.options.types[1].type, COLUMN_CATEGORY);
    converted_done(&converted);
}
END_TEST

START_TEST(many_members_are_found_again)
{
    struct claim claim = {0};
    struct json_columns columns = {.claim = &claim};
    char name[16];
    for (int turn = 0; turn < 2; turn++)
        for (uint32_t i = 0; i < 5000; i++) {
            uint32_t column, of = turn ? 4999 - i : i; /* in another order */
            struct scan_text text = {name, (uint32_t)snprintf(name, sizeof name, "m%u", of)};
            ck_assert(json_columns_find(&columns, &text, i, &column, &err));
            ck_assert_uint_eq(column, of);
        }
    ck_assert_uint_eq(columns.n, 5000);
    json_columns_done(&columns);
}
END_TEST

static const struct {
    const char *text, *csv;
} lines[] = {
    {"1 1:0.5 3:2 # note\n\n-1\r\n0 2:1e3\n", "label,x1,x2,x3\n1,0.5,0,2\n-1,0,0,0\n0,0,1e3,0\n"},
    {"0 0:1\n1 1:2", "label,x0,x1\n0,1,0\n1,0,2\n"},
    {"1,2 1:1\n", "label,x1\n\"1,2\",1\n"},
    {"3 qid:7 1:1\n4 2:1\n", "label,qid,x1,x2\n3,7,1,0\n4,,0,1\n"},
};

START_TEST(libsvm_becomes_csv)
{
    struct converted converted;
    char *csv = convert(convert_libsvm, lines[_i].text, &(struct csv_options){0}, &converted);
    ck_assert_msg(csv != NULL, "%s", err.msg);
    ck_assert_str_eq(csv, lines[_i].csv);
    free(csv);
}
END_TEST

START_TEST(a_line_that_is_not_libsvm_is_named)
{
    static const char *const wrong[] = {"1 1:1\n2 x\n", "1 1:1\n2 2:1 1:1\n", "1 1:1\n2 1:\n",
                                        "1 1:1\n1 1000000:1\n", "1 1:1\n2 1:\"\n"};
    struct converted converted;
    ck_assert_ptr_null(convert(convert_libsvm, wrong[_i], &(struct csv_options){0}, &converted));
    ck_assert_str_eq(err.id, "libsvm_wrong");
    ck_assert_uint_eq(err.row, 2);
}
END_TEST

START_TEST(what_grows_too_large_as_a_table_is_refused)
{
    struct converted converted;
    ck_assert_ptr_null(convert(convert_libsvm, "1 99999:1\n2 1:1\n", &(struct csv_options){0}, &converted));
    ck_assert_int_eq(err.code, ERR_LIMIT);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("take");
    TCase *tcase = tcase_create("all");
    tcase_add_loop_test(tcase, what_is_no_text_is_named, 0, (int)(sizeof foreign / sizeof *foreign));
    tcase_add_loop_test(tcase, texts_are_told_apart, 0, (int)(sizeof texts / sizeof *texts));
    tcase_add_loop_test(tcase, json_becomes_csv, 0, (int)(sizeof good / sizeof *good));
    tcase_add_loop_test(tcase, what_is_no_table_names_its_row, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_test(tcase, texts_of_digits_stay_texts_unless_the_user_says_otherwise);
    tcase_add_test(tcase, many_members_are_found_again);
    tcase_add_loop_test(tcase, libsvm_becomes_csv, 0, (int)(sizeof lines / sizeof *lines));
    tcase_add_loop_test(tcase, a_line_that_is_not_libsvm_is_named, 0, 5);
    tcase_add_test(tcase, what_grows_too_large_as_a_table_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
