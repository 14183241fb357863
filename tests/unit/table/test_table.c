/* table_ingest: types, names, headers, missing values, statistics, and the real
 * files of $MLPD_SHARED/data. */
#include "helper_main.h"
#include "helper_table.h"
#include "mlp/csv.h"
#include "mlp/table.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- what is understood --- */

START_TEST(columns_get_the_narrowest_type)
{
    static const struct expectation all[] = {
        {"a,b\n0,255\n7,1\n", "a:b b:b/0 255/7 1/"},
        {"a,b\n0,256\n7,1\n", "a:b b:n/0 256/7 1/"},
        {"a,b\n-1,0.5\n7,1\n", "a:n b:n/-1 0.5/7 1/"},
        {"a,b\n1,\n7,1\n", "a:b b:n/1 _/7 1/"},
        {"a,b\n1,x\n7,\n", "a:b b:c/1 <x>/7 _/"},
        {"a,b\n,x\n,y\n", "a:n b:c/_ <x>/_ <y>/"},
        {"a,b\n007,1\n010,2\n", "a:c b:b/<007> 1/<010> 2/"},
        {"a,b\n1.0,1e2\n2.00,+3\n", "a:b b:b/1 100/2 3/"},
        {"a,b\n1e999,1\nx,2\n", "a:c b:b/<1e999> 1/<x> 2/"},
        {"a,b\n1,1\n1e39,2\n", "a:n b:b/1 1/9.9999999999999994e+38 2/"},
        {"a,b\n1,1\n1e309,2\n", "a:c b:b/<1> 1/<1e309> 2/"},
        {"a\n1\n2\n", "a:b/1/2/"},
        {"a\n\"1\"\n\" 2.5 \"\n", "a:n/1/2.5/"},
    };
    CHECK_ALL(all);
}
END_TEST

START_TEST(missing_values_are_read_as_missing)
{
    static const struct expectation all[] = {
        {"a,b\nNA,N/A\n1.5,x\nnull,?\n-,.\nNaN,\"\"\n", "a:n b:c/_ _/1.5 <x>/_ _/_ _/_ _/"},
        {"a, b\n1, ?\n2, x\n ,y \n", "a:n b:c/1 _/2 <x>/_ <y>/"},
    };
    CHECK_ALL(all);
}
END_TEST

START_TEST(categories_keep_texts_apart)
{
    static const struct expectation all[] = {
        {"a\n01\n1\nx\n01\n1.0\n", "a:c/<01>/<1>/<x>/<01>/<1.0>/"},
        {"a\n x \nx\n\" x\"\n\"x\"\n", "a:c/<x>/<x>/< x>/<x>/"},
        {"a,b\n\"p\nq\",1\n\"p\"\"q\",2\n", "a:c b:b/<p\nq> 1/<p\"q> 2/"},
    };
    CHECK_ALL(all);
}
END_TEST

/* A limit of two levels for the table: the column with the most gives its place
 * up. */
START_TEST(columns_of_too_many_texts_are_kept_as_texts)
{
    static const struct expectation all[] = {
        {"a,b\np,x\nq,x\nr,y\n,x\np,\n", "a:t b:c/<p> <x>/<q> <x>/<r> <y>/_ <x>/<p> _/"},
        {"a,b\n1,\"x\ny\"\n2,\" z\"\n3, w \n", "a:b b:t/1 <x\ny>/2 < z>/3 <w>/"},
        {"a,b\n1,p\n2,p\n3,p\nx,p\ny,p\n", "a:t b:c/<1> <p>/<2> <p>/<3> <p>/<x> <p>/<y> <p>/"},
        {"a\n01\n1\nx\n01\n", "a:t/<01>/<1>/<x>/<01>/"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (size_t chunk = 1; chunk < 40; chunk += 6) {
            struct reading reading = {.csv = all[i].csv,
                                      .options.n_threads = 1 + (uint32_t)chunk % 3,
                                      .options.header = 1,
                                      .sizes = {chunk, 1 << 16, 2, .n_levels = 2}};
            check_text(&reading, all[i].expected);
        }
}
END_TEST

START_TEST(line_ends_blank_lines_and_bom_do_not_matter)
{
    static const struct expectation all[] = {
        {"a,b\r\n1,2\r\n300,4\r\n", "a:n b:b/1 2/300 4/"},
        {"a,b\r1,2\r300,4", "a:n b:b/1 2/300 4/"},
        {"\n\na,b\n\n1,2\n  \n\r\n3,4\n\n\n", "a:b b:b/1 2/3 4/"},
        {"\xef\xbb\xbf"
         "a,b\n1,2\n",
         "a:b b:b/1 2/"},
        {"\xef\xbb\xbf"
         "1,2\n3,4\n",
         "c1:b c2:b/1 2/3 4/"},
        {"a;b\n1;2\n", "a:b b:b/1 2/"},
        {" 1.5  2 3\n 2.5 10 4\n", "c1:n c2:b c3:b/1.5 2 3/2.5 10 4/"},
    };
    CHECK_ALL(all);
}
END_TEST

START_TEST(headers_are_found)
{
    static const struct expectation all[] = {
        {"1,2\n3,4\n", "c1:b c2:b/1 2/3 4/"},
        {"1,x\n3,y\n", "c1:b c2:c/1 <x>/3 <y>/"},
        {"x,y\nx,z\n", "c1:c c2:c/<x> <y>/<x> <z>/"},
        {"first,last\nJohn,Doe\nJane,Doe\n", "first:c last:c/<John> <Doe>/<Jane> <Doe>/"},
        {"id,2019,2020\n1,5,6\n2,7,8\n", "id:b 2019:b 2020:b/1 5 6/2 7 8/"},
        {"label,1x1,1x2\n5,0,0\n", "label:b 1x1:b 1x2:b/5 0 0/"},
        {"7,8\n", "c1:b c2:b/7 8/"},
        {"3,2,yes,no\n1.5,2,0\n3,4,1\n5,6,1\n", "c1:n c2:b c3:b/1.5 2 0/3 4 1/5 6 1/"},
        {"5.1,3.5,setosa\n4.9,3.0,setosa\n", "c1:n c2:n c3:c/5.0999999 3.5 <setosa>/4.9000001 3 <setosa>/"},
    };
    CHECK_ALL(all);
}
END_TEST

START_TEST(names_alone_make_a_table_without_rows)
{
    static const struct expectation all[] = {
        {"a,b\n", "a:n b:n/"},
        {"a;b;c", "a:n b:n c:n/"},
        {"# made by hand\na,b\n\n \n", "a:n b:n/"},
        {"1,b\n", "c1:b c2:c/1 <b>/"}, /* a row */
    };
    CHECK_ALL(all);
    struct reading told = {
        .csv = "a,b\n",
        .options = {.types = (struct csv_type[]){{.column = "b", .type = COLUMN_TEXT}}, .n_types = 1}};
    check_text(&told, "a:n b:t/");
    struct reading word = {.csv = "a\n"};
    check_unreadable(&word, ERR_INPUT, 0, "no rows");
}
END_TEST

START_TEST(single_columns_have_missing_values_and_decimals_of_their_own)
{
    static const struct csv_column_word words[] = {{"a", "-999"}, {"b", "absent"}, {"a", "x:y"}};
    struct reading own = {.csv = "a,b,c\n-999,absent,-999\n2,-999,absent\nx:y,4.5,absent\n",
                          .options = {.column_missing = words, .n_column_missing = 3}};
    check_text(&own, "a:n b:n c:c/_ _ <-999>/2 -999 <absent>/_ 4.5 <absent>/");
    static const struct csv_column_word none[] = {{"d", "-999"}};
    struct reading unknown = {.csv = "a,b\n1,2\n",
                              .options = {.column_missing = none, .n_column_missing = 1}};
    ck_assert(!ingest(&unknown));
    ck_assert_str_eq(unknown.err.field, "column_na");
    static const struct number_format commas = {.decimal_point = ',', .thousands_separator = '.'};
    static const struct csv_type types[] = {{.column = "price", .type = COLUMN_NUMBER, .written = &commas}};
    struct reading decimals = {.csv = "price;weight\n1.500;1.500\n2.250;2.250\n",
                               .options = {.types = types, .n_types = 1}};
    check_text(&decimals, "price:n weight:n/1500 1.5/2250 2.25/");
    static const struct csv_type other[] = {{.column = "d", .type = COLUMN_NUMBER, .written = &commas}};
    struct reading nobody = {.csv = "a,b\n1,2\n", .options = {.types = other, .n_types = 1}};
    ck_assert(!ingest(&nobody));
    ck_assert_str_eq(nobody.err.field, "column_decimal");
}
END_TEST

/* In rows of bytes, which have a way of their own, too. */
START_TEST(a_missing_value_far_below_is_one)
{
    static const char *const missing[] = {"7"};
    static const struct csv_column_word words[] = {{"b", "7"}};
    enum { ROWS = 100000, LAST = 90000 };
    char *csv = malloc(4 * ROWS + 100), *to = csv + sprintf(csv, "a,b\n");
    for (int i = 0; i < ROWS; i++)
        to += i == LAST ? sprintf(to, "7,7\n") : sprintf(to, "%d,%d\n", i % 5, i % 6);
    struct reading all = {.csv = csv, .options = {.missing = missing, .n_missing = 1}},
                   one = {.csv = csv, .options = {.column_missing = words, .n_column_missing = 1}};
    struct table *table = table_of(&all);
    ck_assert(isnan(table_value(table, 0, LAST)) && isnan(table_value(table, 1, LAST)));
    table_unref(table);
    table = table_of(&one);
    ck_assert(table_value(table, 0, LAST) == 7 && isnan(table_value(table, 1, LAST)));
    table_unref(table);
    free(csv);
}
END_TEST

START_TEST(options_overrule_the_guess)
{
    struct reading named = {.csv = "x,y\nx,z\n", .options.header = 1};
    check_text(&named, "x:c y:c/<x> <z>/");
    ck_assert(named.report.header && named.report.separator == ',' && named.report.bytes == 8);
    struct reading plain = {.csv = "a,b\n1,2\n", .options.header = -1};
    check_text(&plain, "c1:c c2:c/<a> <b>/<1> <2>/");
    ck_assert(!plain.report.header);
    struct reading other = {.csv = "a,b;c\n1,x;3\n", .options.separator = ';'};
    check_text(&other, "a,b:c c:b/<1,x> 3/");
    ck_assert_int_eq(other.report.separator, ';');
}
END_TEST

START_TEST(names_are_unique_and_never_empty)
{
    static const struct expectation all[] = {
        {"a,a,,a,a.2,,c3\n1,2,3,4,5,6,7\n", "a:b a.2:b c3:b a.3:b a.2.2:b c6:b c3.2:b/1 2 3 4 5 6 7/"},
        {"\" a \", b \n1,2\n", " a :b b:b/1 2/"},
    };
    CHECK_ALL(all);
    struct reading reading = {.csv = all[0].csv};
    struct table *table = table_of(&reading);
    for (uint32_t i = 0; i < table_n_columns(table); i++)
        ck_assert_int_eq(table_find(table, table_column(table, i)->name), i);
    ck_assert_int_eq(table_find(table, "b"), -1);
    ck_assert_int_eq(table_find(table, ""), -1);
    table_unref(table);
}
END_TEST

START_TEST(records_are_aligned_wide_values_first)
{
    struct reading reading = {.csv = "a,b,c,d,e\n1,1.5,2,x,3\n"};
    struct table *table = table_of(&reading);
    static const uint32_t offsets[] = {8, 0, 9, 4, 10};
    for (uint32_t i = 0; i < 5; i++)
        ck_assert_uint_eq(table_column(table, i)->offset, offsets[i]);
    ck_assert_uint_eq(table_record_bytes(table), 12);
    ck_assert_uint_eq((uintptr_t)table_records(table) % 64, 0);
    ck_assert_uint_eq(table_records(table)[11], 0);
    struct table *same = table_ref(table);
    table_unref(table);
    ck_assert_uint_eq(table_n_rows(same), 1);
    table_unref(same);
}
END_TEST

/* --- types that turn out too narrow --- */

START_TEST(a_last_row_widens_the_types)
{
    static const struct {
        const char *last;
        enum column_type a, b;
        const char *a_text, *b_text; /* of the last row */
    } cases[] = {
        {"5,5\n", COLUMN_BYTE, COLUMN_NUMBER, "5", "5"},
        {"256,5", COLUMN_INT16, COLUMN_NUMBER, "256", "5"},
        {"1.5,5\n", COLUMN_NUMBER, COLUMN_NUMBER, "1.5", "5"},
        {"-1,5\n", COLUMN_INT8, COLUMN_NUMBER, "-1", "5"},
        {",5\n", COLUMN_INT8, COLUMN_NUMBER, "_", "5"},
        {"1700000123,5\n", COLUMN_INT32, COLUMN_NUMBER, "1700000123", "5"},
        {"9007199254740993,5\n", COLUMN_INT64, COLUMN_NUMBER, "9007199254740992", "5"},
        {"5,0.123456789\n", COLUMN_BYTE, COLUMN_DOUBLE, "5", "0.123456789"},
        {"x,5\n", COLUMN_INT8, COLUMN_NUMBER, "_", "5"},
        {"01,y\n", COLUMN_CATEGORY, COLUMN_NUMBER, "<01>", "_"},
        {"\"x, y\",\"\"\"\"\n", COLUMN_INT8, COLUMN_NUMBER, "_", "_"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *csv = late_csv(cases[i].last), expected[64];
        struct reading reading = {.csv = csv, .options.n_threads = 2, .sizes = {1000, 1 << 16, 1000}};
        struct table *table = table_of(&reading);
        char *text = table_as_text(table);
        snprintf(expected, sizeof expected, "/%s %s/", cases[i].a_text, cases[i].b_text);
        ck_assert_int_eq(table_column(table, 0)->type, cases[i].a);
        ck_assert_int_eq(table_column(table, 1)->type, cases[i].b);
        ck_assert_uint_eq(table_n_rows(table), 3001);
        ck_assert_msg(strcmp(text + strlen(text) - strlen(expected), expected) == 0,
                      "\"%s\" ends the table with %s", cases[i].last, text + strlen(text) - 20);
        if (cases[i].b == COLUMN_CATEGORY)
            ck_assert_str_eq(table_column(table, 1)->levels[1], "1.5");
        free(text);
        table_unref(table);
        free(csv);
    }
}
END_TEST

START_TEST(statistics_agree_with_plain_sums)
{
    enum { N = 5000 };
    uint64_t state = 5;
    char *csv = malloc(N * 80), *to = csv + sprintf(csv, "byte,number,category,constant,large\n");
    double bytes[N], numbers[N], sum = 0, squares = 0, byte_sum = 0, byte_squares = 0, min = INFINITY,
                                 max = -INFINITY;
    uint32_t n_numbers = 0, n_k[3] = {0};
    for (int i = 0; i < N; i++) {
        bytes[i] = random_below(&state, 200);
        uint32_t k = random_below(&state, 3);
        n_k[k]++;
        to += sprintf(to, "%g,", bytes[i]);
        if (random_below(&state, 10)) {
            to += sprintf(to, "1%04d.%03d", (int)random_below(&state, 100), (int)random_below(&state, 1000));
            numbers[n_numbers++] = strtod(to - 9, NULL);
        }
        to += sprintf(to, ",%s,42.5,%d\n", k == 0 ? "x" : k == 1 ? "y" : "", 100000000 + i);
    }
    for (int i = 0; i < N; i++)
        byte_sum += bytes[i];
    for (int i = 0; i < N; i++)
        byte_squares += (bytes[i] - byte_sum / N) * (bytes[i] - byte_sum / N);
    for (uint32_t i = 0; i < n_numbers; i++) {
        sum += numbers[i];
        min = fmin(min, numbers[i]);
        max = fmax(max, numbers[i]);
    }
    for (uint32_t i = 0; i < n_numbers; i++)
        squares += (numbers[i] - sum / n_numbers) * (numbers[i] - sum / n_numbers);
    struct reading reading = {.csv = csv, .options.n_threads = 2, .sizes = {3000, 1 << 16, 1000}};
    struct table *table = table_of(&reading);
    const struct column *byte = table_column(table, 0), *number = table_column(table, 1),
                        *category = table_column(table, 2);
    const struct column *constant = table_column(table, 3), *large = table_column(table, 4);
    ck_assert_double_eq_tol(byte->mean, byte_sum / N, 1e-9);
    ck_assert_double_eq_tol(byte->stddev, sqrt(byte_squares / N), 1e-9);
    ck_assert(byte->integer && byte->n_missing == 0 && byte->min == 0 && byte->max == 199);
    ck_assert_double_eq_tol(number->mean, sum / n_numbers, 1e-7);
    ck_assert_double_eq_tol(number->stddev, sqrt(squares / n_numbers), 1e-7);
    ck_assert(!number->integer && number->n_missing == N - n_numbers && number->min == min &&
              number->max == max);
    ck_assert(isnan(category->min) && isnan(category->max) && isnan(category->mean) &&
              isnan(category->stddev));
    ck_assert(category->n_missing == n_k[2] && category->n_levels == 2);
    for (uint32_t i = 0; i < 2; i++)
        ck_assert_uint_eq(category->level_rows[i], n_k[category->levels[i][0] - 'x']);
    ck_assert(constant->stddev == 0 && constant->mean == 42.5 && constant->min == 42.5 && !constant->integer);
    ck_assert(large->integer && large->min == 1e8);
    ck_assert_double_eq_tol(large->stddev, sqrt(((double)N * N - 1) / 12), 1);
    table_unref(table);
    free(csv);
}
END_TEST

START_TEST(levels_stand_in_order_of_appearance)
{
    char *csv = malloc(1 << 17), *to = csv + sprintf(csv, "a,b\n"), expected[16];
    for (int i = 0; i < 5000; i++)
        to += sprintf(to, "v%d,%d\n", (i / 2) * 7919 % 2003, i % 2);
    struct reading reading = {.csv = csv, .options.n_threads = 3, .sizes = {700, 1 << 12, 100}};
    struct table *table = table_of(&reading);
    ck_assert_uint_eq(table_column(table, 0)->n_levels, 2003);
    for (uint32_t i = 0; i < 2003; i++) {
        snprintf(expected, sizeof expected, "v%u", i * 7919 % 2003);
        ck_assert_str_eq(table_column(table, 0)->levels[i], expected);
        ck_assert_uint_eq(table_level(table, 0, 2 * (uint64_t)i), i);
    }
    table_unref(table);
    free(csv);
}
END_TEST

/* --- real files --- */

static const struct {
    const char *path;
    uint64_t n_rows;
    uint32_t n_columns, n_categories;
    bool header;
    char separator;
} shared_files[] = {
    {"adult/adult-train.csv", 32561, 15, 9, false, ','},
    {"adult/adult-test.csv", 16281, 15, 9, false, ','},
    {"boston-housing/housing.csv", 506, 14, 0, false, ','},
    {"boston-housing/housing.data", 506, 14, 0, false, ' '},
    {"breast-cancer-wdbc/breast_cancer.sklearn.csv", 569, 31, 0, false, ','},
    {"california-housing/housing.csv", 20640, 10, 1, true, ','},
    {"iris/iris.csv", 150, 5, 1, true, ','},
    {"iris/iris.noheader.csv", 150, 5, 1, false, ','},
    {"iris/iris.sklearn.csv", 150, 5, 0, false, ','},
    {"penguins/penguins.csv", 344, 7, 3, true, ','},
    {"penguins/penguins.rdatasets.csv", 344, 9, 3, true, ','},
    {"penguins/penguins_size.csv", 344, 7, 3, true, ','},
    {"tips/tips.csv", 244, 7, 4, true, ','},
    {"titanic/titanic.csv", 891, 12, 5, true, ','},
    {"wine/wine.csv", 178, 14, 0, false, ','},
    {"wine/wine_data.sklearn.csv", 178, 14, 0, false, ','},
    {"winequality/winequality-red.csv", 1599, 12, 0, true, ';'},
    {"winequality/winequality-white.csv", 4898, 12, 0, true, ';'},
};

START_TEST(real_files_are_understood)
{
    char path[1024];
    struct err err = {0};
    struct csv_options options = {.n_threads = 2};
    struct csv_report report;
    shared_path(path, sizeof path, shared_files[_i].path);
    int fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_msg(table_ingest(fd, &options, table_path, NULL, &report, &err), "%s: %s", path, err.msg);
    close(fd);
    struct table *table = table_open(table_path, &err);
    uint32_t n_categories = 0;
    for (uint32_t i = 0; i < table_n_columns(table); i++)
        n_categories += table_column(table, i)->type == COLUMN_CATEGORY;
    ck_assert_msg(table_n_rows(table) == shared_files[_i].n_rows &&
                      table_n_columns(table) == shared_files[_i].n_columns &&
                      n_categories == shared_files[_i].n_categories &&
                      report.header == shared_files[_i].header &&
                      report.separator == shared_files[_i].separator,
                  "%s: %llu rows, %u columns, %u categories, header %d, separator '%c'",
                  shared_files[_i].path, (unsigned long long)table_n_rows(table), table_n_columns(table),
                  n_categories, report.header, report.separator);
    table_unref(table);
}
END_TEST

Suite *test_suite(void)
{
    char path[1024];
    Suite *suite = suite_create("table");
    TCase *tests = tcase_create("table");
    tcase_add_checked_fixture(tests, folder_make, folder_remove);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, columns_get_the_narrowest_type);
    tcase_add_test(tests, missing_values_are_read_as_missing);
    tcase_add_test(tests, categories_keep_texts_apart);
    tcase_add_test(tests, columns_of_too_many_texts_are_kept_as_texts);
    tcase_add_test(tests, line_ends_blank_lines_and_bom_do_not_matter);
    tcase_add_test(tests, headers_are_found);
    tcase_add_test(tests, names_alone_make_a_table_without_rows);
    tcase_add_test(tests, single_columns_have_missing_values_and_decimals_of_their_own);
    tcase_add_test(tests, a_missing_value_far_below_is_one);
    tcase_add_test(tests, options_overrule_the_guess);
    tcase_add_test(tests, names_are_unique_and_never_empty);
    tcase_add_test(tests, records_are_aligned_wide_values_first);
    tcase_add_test(tests, a_last_row_widens_the_types);
    tcase_add_test(tests, statistics_agree_with_plain_sums);
    tcase_add_test(tests, levels_stand_in_order_of_appearance);
    shared_path(path, sizeof path, shared_files[0].path);
    bool have_shared = access(path, R_OK) == 0;
    if (have_shared)
        tcase_add_loop_test(tests, real_files_are_understood, 0, sizeof shared_files / sizeof *shared_files);
    suite_add_tcase(suite, tests);
    if (!have_shared)
        suite_skips("the shared data sets are not here");
    return suite;
}
