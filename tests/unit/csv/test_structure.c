/* What is around and within tables in files as people have them: quotes that
 * are not where they belong, rows too short and too long, preambles, headers of
 * several rows, footers, several tables. */
#include "helper_main.h"
#include "helper_table.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(quotes_are_read_leniently)
{
    static const struct expectation all[] = {
        {"a,b\n1,x \"y\" z\n2,u\n", "a:b b:c/1 <x \"y\" z>/2 <u>/"},
        {"a,b\n1,\"x\"y\n2,u\n", "a:b b:c/1 <xy>/2 <u>/"},
        {"a,b\n1,\"x \"y\" z\"\n2,u\n", "a:b b:c/1 <x y\" z\">/2 <u>/"},
        {"a,b\n1,\"x \"y, z\" w\"\n2,u\n", "a:b b:c/1 <x \"y, z\" w>/2 <u>/"},
        {"a,b\n1,\"x \\\"y, z\\\" w\"\n2,u\n", "a:b b:c/1 <x \"y, z\" w>/2 <u>/"},
        {"a,b,c\n\"7,x,1\n8,\"y\",2\n9,z,3\n", "a:b b:c c:b/7 <x> 1/8 <y> 2/9 <z> 3/"},
        {"a,b,c\n7,\"x,1\n8,\"y\",2\n9,z,3\n", "a:b b:c c:b/7 <x> 1/8 <y> 2/9 <z> 3/"},
        {"a,b,c\n7,x,1\n8,\"y\",2\n9,z,\"3\n", "a:b b:c c:b/7 <x> 1/8 <y> 2/9 <z> 3/"},
        {"a,b,c\n7,\"x\ny\",1\n8,\"y\",2\n", "a:b b:c c:b/7 <x\ny> 1/8 <y> 2/"},
        {"a,b\n7,\"x, y\n8,z\n", "a:b b:c/7 <x, y>/8 <z>/"},
    };
    CHECK_ALL(all);
}
END_TEST

START_TEST(header_and_rows_agree_on_the_separator)
{
    static const struct {
        const char *csv;
        char separator, quote, decimal;
    } all[] = {
        {"x,tags\n1,red;big;new\n2,blue;small;old\n3,red;small;new\n4,red;big;x\n", ',', '"', '.'},
        {"umsatz;kosten\n1.137,00;311,00\n2.000,50;12,25\n", ';', '"', ','},
        {"1.137,00;311,00\n2.000,50;12,25\n", ';', '"', ','},
        {"Flats, spring 2024\na;b\n1;2,5\n2;3,5\n3;4,5\n", ';', '"', ','},
        {"a:b\n1:x\n2:y\n", ':', '"', '.'},
        /* the header's number of fields is another one, its separator is not */
        {"time\t\ta\tb\n2024-05-01 00:30:00\t1\t2\n2024-05-01 01:30:00\t3\t4\n", '\t', '"', '.'},
        {"time;a\n2024-05-01 00:30:00;1;;\n2024-05-01 01:30:00;3;;\n", ';', '"', '.'},
        {"p\tq\tr\n1\t2\t3\n\ntime\ta\n2024-05-01 00:30\t1\n2024-05-01 01:30\t3\n2024-05-01 02:30\t3\n", '\t',
         '"', '.'},
        /* a character within few values separates nothing */
        {"article\nNut\nCable\nLamp; warm\nBolt\nPipe\nRope | 10\nGlue\nBoard\nNail\n", ',', '"', '.'},
        {"time\n12:30\n12:45\n", ',', '"', '.'},
        {"time,b\n12:30:00,1\n12:45:00,2\n", ',', '"', '.'},
        {"a b\n1 2\n3 4\n", ' ', '"', '.'},
        {"a,b\n'x, y',1\n'z',2\n", ',', '\'', '.'},
        {"a,b\n'tis,1\nit's,2\n", ',', '"', '.'},
        {"a, b\n1, x\n2, \"y, z\"\n", ',', '"', '.'},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct reading reading = {.csv = all[i].csv};
        ck_assert_msg(ingest(&reading), "%s: %s", all[i].csv, reading.err.msg);
        ck_assert_msg(reading.report.separator == all[i].separator && reading.report.quote == all[i].quote &&
                          reading.report.decimal == all[i].decimal,
                      "%s: %c %c %c", all[i].csv, reading.report.separator, reading.report.quote,
                      reading.report.decimal);
    }
}
END_TEST

START_TEST(lengths_of_rows_are_mended)
{
    static const struct expectation all[] = {
        {"a,b,c\n1,x\n2,y,3\n", "a:b b:c c:n/1 <x> _/2 <y> 3/"},
        {"a,b\n1,x,\n2,y,,\n3,z\n", "a:b b:c/1 <x>/2 <y>/3 <z>/"},
        {"a,b,c\n1,x,2,\n3,y,4,\n", "a:b b:c c:b/1 <x> 2/3 <y> 4/"},
        {"a,b,c\n1,x,2\n3;y;4\n5,z,6\n", "a:b b:c c:b/1 <x> 2/3 <y> 4/5 <z> 6/"},
        {"a,b,c\n1,x,2\n3,y,4,5\n5,z,6\n", "a:b b:c c:b/1 <x> 2/5 <z> 6/"},
        {"a,b,c\n1,x,2\n3,y,4\n5,z", "a:b b:c c:b/1 <x> 2/3 <y> 4/"},
        {"a,b,c\nr1,1,x,2\nr2,3,y,4\nr3,5,z,6\n",
         "row:c a:b b:c c:b/<r1> 1 <x> 2/<r2> 3 <y> 4/<r3> 5 <z> 6/"},
    };
    CHECK_ALL(all);
}
END_TEST

/* Where most rows are as long as the header, a longer one below it is odd; only
 * a header shorter than most lacks names. */
START_TEST(a_first_row_too_long_is_set_aside)
{
    static const struct expectation all[] = {
        {"a,b,c\n1,x,2,9\n3,y,4\n5,z,6\n", "a:b b:c c:b/3 <y> 4/5 <z> 6/"},
        {"a,b,c\n1,x,2,9\n3,y,4,9\n5,z,6\n7,u,8\n9,v,1\n", "a:b b:c c:b/5 <z> 6/7 <u> 8/9 <v> 1/"},
        {"a,b\n1,2,3,4\n5,6\n7,8\n", "a:b b:b/5 6/7 8/"},
        {"a,b,c\nx,y,z,w\nu,v,w\nr,s,t\nu,v,t\nr,s,w\n",
         "a:c b:c c:c/<u> <v> <w>/<r> <s> <t>/<u> <v> <t>/<r> <s> <w>/"},
        {"1,2,3\n4,5,6,7\n8,9,10\n11,12,13\n", "c1:b c2:b c3:b/1 2 3/8 9 10/11 12 13/"},
        {"a,b,c\n1,x,2\n3,y,4\n5,z,6,7\n", "a:b b:c c:b/1 <x> 2/3 <y> 4/"},
        {"a;b;\n1;x;\n2;y;\n3;z;u;v\n4;w;\n", "a:b b:c/1 <x>/2 <y>/4 <w>/"},
        {"a,b,c\nr1,1,x,2\n3,y,4\nr3,5,z,6\nr4,7,u,8\n",
         "row:c a:c b:c c:n/<r1> <1> <x> 2/<3> <y> <4> _/<r3> <5> <z> 6/<r4> <7> <u> 8/"},
    };
    CHECK_ALL(all);
    struct reading reading = {.csv = "a,b,c\n1,x,2\n3,y,4\n5,z,6,7\n"};
    check_text(&reading, "a:b b:c c:b/1 <x> 2/3 <y> 4/");
    check_rejects("3,4,too_many_fields,,it has too many fields,\"5,z,6,7\"");
}
END_TEST

/* Names that the user gives say how wide the table is. */
START_TEST(the_table_is_as_wide_as_its_names)
{
    const char *const names[] = {"p", "q"};
    struct reading reading = {
        .csv = "3,z\n4,u,9\n", .options.header = -1, .options.names = names, .options.n_names = 2};
    check_text(&reading, "p:b q:c/3 <z>/");
    check_rejects("2,2,too_many_fields,,it has too many fields,\"4,u,9\"");
    struct reading larger = {.csv = "1,2,3\n4,5,6\n7,8,9\n\n1,x\n2,y\n",
                             .options.header = -1,
                             .options.names = names,
                             .options.n_names = 2};
    check_text(&larger, "p:b q:c/1 <x>/2 <y>/");
}
END_TEST

START_TEST(what_is_around_a_table_is_left_out)
{
    static const struct expectation all[] = {
        {"Report\nby: me, 2024\n\na,b,c\n1,x,2\n3,y,4\n", "a:b b:c c:b/1 <x> 2/3 <y> 4/"},
        {"a,b,c\n1,x,2\n3,y,4\n\nSource: somewhere, 2024\n", "a:b b:c c:b/1 <x> 2/3 <y> 4/"},
        {"a,b,c\n1,x,2\n3,y,4\n* estimated\n", "a:b b:c c:b/1 <x> 2/3 <y> 4/"},
        {"name,b,c\nu,1,2\nv,3,4\nTotal,4,6\n", "name:c b:b c:b/<u> 1 2/<v> 3 4/"},
        {"a,b,c\n1,x,2\n3,y,4\na,b,c\n5,z,6\n", "a:b b:c c:b/1 <x> 2/3 <y> 4/5 <z> 6/"},
        {"a,b,c\n1,x,2\n# note\n3,y,4\n", "a:b b:c c:b/1 <x> 2/3 <y> 4/"},
        {"a,b,c\n1,x,2\n\n3,y,4\n\n\n5,z,6\n", "a:b b:c c:b/1 <x> 2/3 <y> 4/5 <z> 6/"},
        {"a,b,c\nm,kg,s\n1,2,3\n3,4,5\n", "a:b b:b c:b/1 2 3/3 4 5/"},
        {"x,day\na,\nb,2024-03-01\n", "x:c day:d/<a> _/<b> 2024-03-01/"},
        {"a,b,c\n1,x,2\n3,y,4\n5,z,6,7\n", "a:b b:c c:b/1 <x> 2/3 <y> 4/"},
        {"a;b;\n1;x;\n2;y;\n3;z;\n", "a:b b:c/1 <x>/2 <y>/3 <z>/"},
        {"a,,b\n1,x\n2,y\n3,z\n", "a:b b:c/1 <x>/2 <y>/3 <z>/"},
        {",b,,c,\narea,2019,2020,2019,2020\nu,1,2,3,4\nv,3,4,5,6\nw,5,6,7,8\n",
         "area:c b 2019:b b 2020:b c 2019:b c 2020:b/<u> 1 2 3 4/<v> 3 4 5 6/<w> 5 6 7 8/"},
        {"a,b,c\n[m],[kg],\n1,2,x\n3,4,y\n", "a:b b:b c:c/1 2 <x>/3 4 <y>/"},
        {"a,,b,\nmin,max,min,max\n1,2,3,4\n3,4,5,6\n5,6,7,8\n",
         "a min:b a max:b b min:b b max:b/1 2 3 4/3 4 5 6/5 6 7 8/"},
    };
    CHECK_ALL(all);
}
END_TEST

START_TEST(the_largest_table_is_taken)
{
    static const struct expectation all[] = {
        {"p,q\n1,2\n\na,b,c\n1,x,2\n3,y,4\n5,z,6\n", "a:b b:c c:b/1 <x> 2/3 <y> 4/5 <z> 6/"},
        {"a,b,c\n1,x,2\n3,y,4\n5,z,6\n\np,q\n1,2\n", "a:b b:c c:b/1 <x> 2/3 <y> 4/5 <z> 6/"},
        {"a,b,c\n1,x,2\n3,y,4\n5,z,6\np,q,r,s\n1,2,3,4\n5,6,7,8\n", "a:b b:c c:b/1 <x> 2/3 <y> 4/5 <z> 6/"},
        {"First\n\np,q,r\n1,2,3\n\nSecond\n\na,b,c\n1,x,2\n3,y,4\n5,z,6\n",
         "a:b b:c c:b/1 <x> 2/3 <y> 4/5 <z> 6/"},
    };
    CHECK_ALL(all);
    struct reading reading = {.csv = all[3].csv};
    check_text(&reading, all[3].expected);
    check_rejects(",1,preamble,,it stands above the table,First/"
                  ",3,other_table,,\"of another table, which is smaller\",\"p,q,r\"/"
                  ",4,other_table,,\"of another table, which is smaller\",\"1,2,3\"/"
                  ",6,preamble,,it stands above the table,Second");
}
END_TEST

/* n rows that fit and n_odd among them that do not, in the middle; `around` has
 * what stands above and below the table. */
static char *odd_csv(uint32_t n, uint32_t n_odd, const char *odd, const char *above, const char *below)
{
    char *text = malloc(4096 + 16 * (size_t)(n + n_odd)), *to = text + sprintf(text, "%sa,b,c\n", above);
    for (uint32_t i = 0; i < n + n_odd; i++)
        to += sprintf(to, "%s", i >= n / 2 && i < n / 2 + n_odd ? odd : "1,x,2\n");
    strcpy(to, below);
    return text;
}

/* Refused where more than 10 rows and more than a tenth of the table's are odd:
 * exactly at both bounds they are not. */
START_TEST(a_file_whose_rows_do_not_fit_is_refused)
{
    static const struct {
        uint32_t n, n_odd;
        const char *odd, *above, *below;
        bool refused;
    } all[] = {
        {20, 10, "1,x,2,3\n", "", "", false}, /* a third, but no more than 10 */
        {21, 11, "1,x,2,3\n", "", "", true},
        {99, 11, "1,x,2,3\n", "", "", false}, /* exactly a tenth */
        {98, 11, "1,x,2,3\n", "", "", true},
        {99, 11, "1\n", "", "", false}, /* one field, padded */
        {98, 11, "1\n", "", "", true},
        {99, 11, "1,x,2,,\n", "", "", false}, /* these fit once they are mended */
        {9, 90, "1,x\n", "", "", false},
        {9, 90, "1,x,2,\n", "", "", false},
        {9, 90, "1,\"x\"y,2\n", "", "", false},
        /* what is no row of the table does not count */
        {12, 0, "", "About this\nfile\n\n",
         "\nSource: a\nSource: b\nSource: c\nSource: d\nSource: e\n"
         "Source: f\nSource: g\nSource: h\nSource: i\nSource: j\n"
         "Source: k\nSource: l\n",
         false},
        {14, 0, "", "", "\np,q\n1,2\n3,4\n5,6\n7,8\n1,2\n3,4\n5,6\n7,8\n1,2\n3,4\n5,6\n7,8\n", false},
        {98, 11, "1,x,2,3\n", "About this\nfile\n\n", "\nSource: a\n", true},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (size_t chunk = 64; chunk < 5000; chunk *= 8) {
            char *csv = odd_csv(all[i].n, all[i].n_odd, all[i].odd, all[i].above, all[i].below);
            struct reading reading = {.csv = csv, .sizes = {chunk, 1 << 16, 1000}};
            bool good = ingest(&reading);
            ck_assert_msg(good != all[i].refused && (good || reading.err.code == ERR_INPUT),
                          "%u rows and %u like \"%s\" between \"%s\" and \"%.20s\": %s", all[i].n,
                          all[i].n_odd, all[i].odd, all[i].above, all[i].below,
                          good ? "taken" : reading.err.msg);
            ck_assert_msg(good || reading.err.row == all[i].n / 2 + 1, "row %llu: %s",
                          (unsigned long long)reading.err.row, reading.err.msg);
            free(csv);
        }
}
END_TEST

/* The head of a large file does not reach its last row. */
START_TEST(sums_below_a_large_table_are_none_of_its_rows)
{
    static const char *const sums[] = {"Total,9,9\n", "\"Total\",9,9\n", "Sum:,9,9", "Summe,9,9\r\n\n"};
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        char *csv = malloc(1 << 20), *to = csv + sprintf(csv, "name,b,c\n");
        for (uint32_t row = 0; row < 40000; row++)
            to += sprintf(to, "w%u,%u,%u\n", row % 7, row % 200, row % 30);
        strcpy(to, sums[i]);
        struct reading reading = {.csv = csv, .sizes = {1 << 16, 256 << 10, 1000}};
        ck_assert_uint_gt(strlen(csv), 256 << 10);
        struct table *table = table_of(&reading);
        ck_assert_msg(table_n_rows(table) == 40000, "%s: %llu rows", sums[i],
                      (unsigned long long)table_n_rows(table));
        ck_assert_uint_eq(reading.report.done[DEED_FOOTER].n, 1);
        table_unref(table);
        free(csv);
    }
}
END_TEST

START_TEST(a_reader_goes_on_behind_a_bad_row)
{
    static const char csv[] = "1,x\n2\n3,\"y\"z\n4,u,v\n5,w,\n6,\"a\nb\"\n7,\"c\n8,d\n";
    static const char *const texts[] = {"x", "", "yz", NULL, "w", "a\nb", "c", "d"};
    struct err err = {0};
    const struct csv_field *fields;
    uint32_t n_fields;
    struct csv_reader *reader = csv_reader_new(csv, sizeof csv - 1, ',', &err);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        enum csv_read read = csv_reader_read(reader, 2, &fields, &n_fields, &err);
        ck_assert_int_eq(read, texts[i] ? CSV_READ_ROW : CSV_READ_BAD);
        ck_assert(texts[i] || (err.code == ERR_INPUT && err.row == 4));
        ck_assert(!texts[i] || (n_fields == 2 && fields[1].length == strlen(texts[i]) &&
                                memcmp(fields[1].text, texts[i], fields[1].length) == 0));
    }
    ck_assert_int_eq(csv_reader_read(reader, 2, &fields, &n_fields, &err), CSV_READ_END);
    csv_reader_free(reader);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("structure");
    TCase *tests = tcase_create("structure");
    tcase_add_checked_fixture(tests, folder_make, folder_remove);
    tcase_add_test(tests, quotes_are_read_leniently);
    tcase_add_test(tests, header_and_rows_agree_on_the_separator);
    tcase_add_test(tests, lengths_of_rows_are_mended);
    tcase_add_test(tests, a_first_row_too_long_is_set_aside);
    tcase_add_test(tests, the_table_is_as_wide_as_its_names);
    tcase_add_test(tests, what_is_around_a_table_is_left_out);
    tcase_add_test(tests, the_largest_table_is_taken);
    tcase_add_test(tests, a_file_whose_rows_do_not_fit_is_refused);
    tcase_add_test(tests, sums_below_a_large_table_are_none_of_its_rows);
    tcase_add_test(tests, a_reader_goes_on_behind_a_bad_row);
    suite_add_tcase(suite, tests);
    return suite;
}
