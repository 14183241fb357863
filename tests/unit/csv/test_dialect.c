/* Dialects beyond commas and points: decimal commas, comments, quotes, codings,
 * names and types given by the user, bad rows left out. */
#include "csv/text.h"
#include "helper_main.h"
#include "helper_table.h"
#include "mlp/csv.h"
#include "mlp/utf8.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(decimal_commas_are_found)
{
    static const struct expectation all[] = {
        {"a;b\n1,5;x\n-2,25;y\n", "a:n b:c/1.5 <x>/-2.25 <y>/"},
        {"a;b\n1,5;2\n1;3\n1,5e2;4\n", "a:n b:b/1.5 2/1 3/150 4/"},
        {"a;b\n1,5;2.5\n1,0;3\n", "a:n b:n/1.5 2.5/1 3/"},
        {"a\tb\n0,1\t7\n", "a:n b:b/0.100000001 7/"},
        {"a,b\n1.5,2\n", "a:n b:b/1.5 2/"},
    };
    CHECK_ALL(all);
    struct reading told = {.csv = "a;b\n1,5;2.5\n2;3\n", .options.decimal = ','};
    check_text(&told, "a:n b:c/1.5 <2.5>/2 <3>/");
    ck_assert_int_eq(told.report.decimal, ',');
}
END_TEST

START_TEST(comments_are_left_out)
{
    static const struct expectation all[] = {
        {"# made by a program, on a day\n#\na,b\n1,2\n# half, \"way\n3,4\n  # end\n", "a:b b:b/1 2/3 4/"},
        {"#a,b\n1,2\n3,4\n", "#a:b b:b/1 2/3 4/"},
        {"a,b\n1,2\n#3,4\n", "a:c b:b/<1> 2/<#3> 4/"},
    };
    CHECK_ALL(all);
    struct reading told = {.csv = "a,b\n1,2\n%3,4,\"\n5,6\n%", .options.comment = '%', .sizes = {2, 64, 10}};
    check_text(&told, "a:b b:b/1 2/5 6/");
    struct reading none = {.csv = "# x\na,b\n1,2\n", .options.comment = -1, .options.titles = -1};
    check_refused(&none, ERR_INPUT, 1, "row 1 has 2 fields, the header has 1");
}
END_TEST

START_TEST(a_line_that_names_the_separator_is_no_row)
{
    static const struct expectation all[] = {
        {"sep=;\na;b\n1;2\n", "a:b b:b/1 2/"},
        {"sep=|\r\na|b,c\r\n1|2,5\r\n", "a:b b,c:n/1 2.5/"},
        {"\xef\xbb\xbfsep=\t\r1\t2\r", "c1:b c2:b/1 2/"},
        {"sep=;\n", "-"},
        {"sep=x\nu\nv\n", "sep=x:c/<u>/<v>/"},
        {"sep=;b\n1;2\n", "sep=:b b:b/1 2/"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct reading reading = {.csv = all[i].csv};
        if (strcmp(all[i].expected, "-") != 0)
            check_text(&reading, all[i].expected);
        else
            check_refused(&reading, ERR_INPUT, 0,
                          "the file is empty: a header or at least one row was expected");
    }
    struct reading told = {.csv = "sep=;\na,b\n1,2\n", .options.separator = ',', .options.titles = -1};
    check_refused(&told, ERR_INPUT, 1, "row 1 has 2 fields, the header has 1");
}
END_TEST

START_TEST(titles_above_a_header_are_left_out)
{
    static const struct {
        const char *csv, *expected; /* "-": refused for row n */
        uint32_t n;                 /* titles */
        int told;
    } all[] = {
        {"Sales\n\nin thousands\na,b\n1,2\n", "a:b b:b/1 2/", 2, 0},
        {"Sales,,\n,,\na,b,c\n1,2,x\n", "a:b b:b c:c/1 2 <x>/", 2, 0},
        {"\"Sales,\nby area\"\na;b\n1;2\n", "a:b b:b/1 2/", 1, 0},
        {"Flats, spring 2024\n\na,b,c\n1,2,x\n", "a:b b:b c:c/1 2 <x>/", 1, 0},
        {"Flats, spring\nall, new, too\na,b,c,d\n1,2,3,x\n", "a:b b:b c:b d:c/1 2 3 <x>/", 2, 0},
        {"a,b\n1,2,3\n", "-", 1, 0}, /* a header that lacks a name, not a title */
        {"a,b\nx,y,z\nu,v,w\n", "-", 1, 0},
        {"7\na,b\n1,2\n", "a:b b:b/1 2/", 1, 1},
        {"a,b\n1,2\n", "a:b b:b/1 2/", 0, 0},
        {"x,,\ny,1,2\n", "c1:c c2:n c3:n/<x> _ _/<y> 1 2/", 0, 0},
        {"one\ntwo\n", "one:c/<two>/", 0, 0},
        {"t\nt\nt\nt\nt\nt\nt\nt\nt\nt\na,b\n1,2\n", "-", 11, 0}, /* so many are no title */
        {"t\n1,2\n", "-", 1, 0},                                  /* below is no header */
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct reading reading = {.csv = all[i].csv, .options.titles = all[i].told};
        if (strcmp(all[i].expected, "-") != 0)
            check_text(&reading, all[i].expected);
        else
            check_refused(&reading, ERR_INPUT, all[i].n, " fields, the ");
        ck_assert_uint_eq(reading.report.n_titles, strcmp(all[i].expected, "-") != 0 ? all[i].n : 0);
    }
}
END_TEST

START_TEST(other_quotes_and_none)
{
    struct reading single = {.csv = "a,b\n'x,y','it''s'\n", .options.quote = '\''};
    check_text(&single, "a:c b:c/<x,y> <it's>/");
    ck_assert_int_eq(single.report.quote, '\'');
    struct reading none = {.csv = "a,b\n\"x,\"y\n", .options.quote = -1};
    check_text(&none, "a:c b:c/<\"x> <\"y>/");
    ck_assert_int_eq(none.report.quote, '\0');
}
END_TEST

START_TEST(more_spellings_of_missing)
{
    static const char *const missing[] = {"-999", "none"};
    struct reading reading = {.csv = "a,b,c\n1,x, -999\n-999,none,2.5\n3,None,NA\n",
                              .options = {.missing = missing, .n_missing = 2},
                              .sizes = {7, 64, 1}};
    check_text(&reading, "a:n b:c c:n/1 <x> _/_ _ 2.5/3 <None> _/");
}
END_TEST

START_TEST(a_reader_is_told_as_ingesting_is)
{
    static const char *const missing[] = {"-9,0"};
    const struct csv_options options = {.separator = ':',
                                        .quote = '\'',
                                        .decimal = ',',
                                        .comment = '%',
                                        .encoding = CSV_LATIN1,
                                        .missing = missing,
                                        .n_missing = 1};
    static const char csv[] = "% a line\n1,5:'x:y'\n-9,0:\xe4\x80\n";
    static const char *const expected[] = {"1,5", "x:y", "", "\xc3\xa4\xc2\x80"};
    struct err err = {0};
    const struct csv_field *fields;
    uint32_t n_fields;
    struct csv_reader *reader = csv_reader_open(csv, sizeof csv - 1, &options, &err);
    ck_assert_ptr_nonnull(reader);
    ck_assert_int_eq(csv_reader_decimal(reader), ',');
    for (int row = 0; row < 2; row++) {
        ck_assert_int_eq(csv_reader_next(reader, &fields, &n_fields, &err), 1);
        ck_assert_uint_eq(n_fields, 2);
        for (int i = 0; i < 2; i++) {
            const char *wanted = expected[2 * row + i];
            ck_assert_uint_eq(fields[i].length, strlen(wanted));
            ck_assert(memcmp(fields[i].text, wanted, strlen(wanted)) == 0);
        }
    }
    ck_assert_int_eq(csv_reader_next(reader, &fields, &n_fields, &err), 0);
    csv_reader_free(reader);
}
END_TEST

START_TEST(names_and_types_are_taken_from_the_user)
{
    static const char *const names[] = {"zip", "size"};
    static const struct csv_type types[] = {{.column = "zip", .type = COLUMN_CATEGORY}};
    struct reading reading = {.csv = "a,b\n01234,5\n99999,6\n",
                              .options = {.names = names, .n_names = 2, .types = types, .n_types = 1}};
    check_text(&reading, "zip:c size:b/<01234> 5/<99999> 6/");
    reading.options.n_names = 1;
    check_refused(&reading, ERR_INPUT, 0, "1 names are given for the columns, and the file has 2");
    ck_assert_str_eq(reading.err.field, "columns");
    reading.options.n_names = 0;
    check_refused(&reading, ERR_INPUT, 0, "no column called zip");
    ck_assert_str_eq(reading.err.field, "types");
}
END_TEST

START_TEST(text_in_a_column_of_numbers_names_row_and_column)
{
    static const struct csv_type types[] = {{.column = "b", .type = COLUMN_NUMBER}};
    struct reading reading = {.csv = "a,b\nx,1\ny,\nz,2.5\nx,abc\n",
                              .options = {.types = types, .n_types = 1, .n_threads = 2},
                              .sizes = {3, 64, 10}};
    check_refused(&reading, ERR_INPUT, 4, "row 4, field 2 holds text");
    ck_assert_str_eq(reading.err.column, "b");
    reading.options.on_bad_row = CSV_BAD_SET_ASIDE;
    check_text(&reading, "a:c b:n/<x> 1/<y> _/<z> 2.5/");
    ck_assert_uint_eq(reading.report.n_skipped, 1);
    ck_assert_uint_eq(reading.report.skipped[0].row, 4);
}
END_TEST

START_TEST(bad_rows_are_mended_or_set_aside_and_counted)
{
    static const char csv[] = "a,b\n1,2\n3\n4,\"5\"6\n7,8\n9,10,11\n\"x\"y\n12,13\n14\n15\n16\n17,\"18\n";
    for (size_t chunk = 1; chunk < 70; chunk++) {
        struct reading reading = {
            .csv = csv, .options = {.n_threads = 1 + (uint32_t)chunk % 3}, .sizes = {chunk, 64, 10}};
        check_text(&reading, "a:c b:n/<1> 2/<3> _/<4> 56/<7> 8/<xy> _/<12> 13/<14> _/<15> _/<16> _/<17> 18/");
        const struct csv_done *done = reading.report.done;
        ck_assert_uint_eq(reading.report.n_skipped, 1);
        ck_assert_uint_eq(reading.report.skipped[0].row, 5);
        ck_assert_ptr_nonnull(strstr(reading.report.skipped[0].msg, "row 5 has 3 fields, the header has 2"));
        ck_assert_uint_eq(done[DEED_PADDED].n, 5);
        ck_assert_uint_eq(done[DEED_QUOTE_MENDED].n, 2);
        ck_assert_uint_eq(done[DEED_QUOTE_MENDED].first[0].row, 3);
        ck_assert_uint_eq(done[DEED_QUOTE_MENDED].first[1].line, 12);
        ck_assert_str_eq(done[DEED_QUOTE_MENDED].first[1].text, "17,\"18");
        check_rejects("5,6,too_many_fields,,it has too many fields,\"9,10,11\"");
    }
    struct reading none = {.csv = "a,b\n1,2,3\n2,3,4,5\n", .options.header = 1, .options.titles = -1};
    check_unreadable(&none, ERR_INPUT, 1,
                     "none of the file's 2 rows could be read; the first: row 1 has 3 fields");
}
END_TEST

/* --- codings --- */

/* "n,é€😀\n1,ä\n" in UTF-16, either way around, with a mark or without. */
static size_t utf16_make(char *to, bool big, bool mark)
{
    static const uint16_t units[] = {0xfeff, 'n',  ',', 0xe9, 0x20ac, 0xd83d, 0xde00, '\n', '1', ',',
                                     0xe4,   '\n', '2', ',',  'b',    '\n',   '3',    ',',  'c', '\n'};
    size_t n = 0;
    for (size_t i = mark ? 0 : 1; i < sizeof units / sizeof *units; i++) {
        to[n++] = (char)(big ? units[i] >> 8 : units[i]);
        to[n++] = (char)(big ? units[i] : units[i] >> 8);
    }
    return n;
}

START_TEST(utf16_becomes_utf8)
{
    char csv[128];
    for (int i = 0; i < 4; i++) {
        struct reading reading = {.csv = csv, .n_bytes = utf16_make(csv, i & 1, i & 2)};
        check_text(&reading, "n:b \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80:c/1 <\xc3\xa4>/2 <b>/3 <c>/");
        ck_assert_int_eq(reading.report.encoding, i & 1 ? CSV_UTF16BE : CSV_UTF16LE);
        ck_assert_uint_eq(reading.report.bytes, reading.n_bytes);
    }
}
END_TEST

START_TEST(windows_1252_and_latin_1_become_utf8)
{
    struct reading guessed = {.csv = "n\xe9,k\n1,\x80\xe4\n2,b\n3,\xc3\xa4\n"};
    check_text(&guessed, "n\xc3\xa9:b k:c/1 <\xe2\x82\xac\xc3\xa4>/2 <b>/3 <\xc3\x83\xc2\xa4>/");
    ck_assert_int_eq(guessed.report.encoding, CSV_WINDOWS_1252);
    struct reading latin = {.csv = "n,k\n1,\x80\xe4\n", .options.encoding = CSV_LATIN1};
    check_text(&latin, "n:b k:c/1 <\xc2\x80\xc3\xa4>/");
    struct reading utf8 = {.csv = "n,k\n1,\xc3\xa4\n2,\xe4\n",
                           .options.encoding = CSV_UTF8}; /* a stray byte among UTF-8 */
    check_text(&utf8, "n:b k:c/1 <\xc3\xa4>/2 <\xc3\xa4>/");
    struct table *table = table_of(&utf8);
    ck_assert_uint_eq(table_column(table, 1)->n_levels, 1);
    table_unref(table);
}
END_TEST

START_TEST(utf8_is_told_from_other_bytes)
{
    static const char *const valid[] = {
        "", "a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"};
    static const char *const invalid[] = {"\x80",
                                          "\xc3",
                                          "\xc0\x80",
                                          "\xc1\xbf",
                                          "\xe0\x9f\xbf",
                                          "\xed\xa0\x80",
                                          "\xf0\x8f\xbf\xbf",
                                          "\xf4\x90\x80\x80",
                                          "\xf5\x80\x80\x80",
                                          "\xff",
                                          "\xe2\x82",
                                          "a\xe2\x28\xa1"};
    for (size_t i = 0; i < sizeof valid / sizeof *valid; i++)
        ck_assert_msg(utf8_check(valid[i], strlen(valid[i]), false), "%zu", i);
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
        ck_assert_msg(!utf8_check(invalid[i], strlen(invalid[i]), false), "%zu", i);
    ck_assert(utf8_check("a\xe2\x82", 3, true) && !utf8_check("\xe2(", 2, true));
}
END_TEST

/* Cut after every byte, UTF-16 gives the same text; halves of pairs that stand
 * alone are replaced. */
START_TEST(utf16_may_be_cut_anywhere)
{
    static const char text[] = "a\0=\xd8\0\xde"
                               "b\0=\xd8"
                               "c\0\0\xde";
    static const char expected[] = "a\xf0\x9f\x98\x80"
                                   "b\xef\xbf\xbd"
                                   "c\xef\xbf\xbd";
    for (size_t cut = 0; cut < sizeof text - 1; cut++) {
        char to[64];
        size_t n_taken, n_more, n = text_from_utf16(CSV_UTF16LE, text, cut, false, to, &n_taken);
        n += text_from_utf16(CSV_UTF16LE, text + n_taken, sizeof text - 1 - n_taken, true, to + n, &n_more);
        ck_assert_uint_eq(n, sizeof expected - 1);
        ck_assert_int_eq(memcmp(to, expected, n), 0);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("dialect");
    TCase *tests = tcase_create("dialect");
    tcase_add_checked_fixture(tests, folder_make, folder_remove);
    tcase_add_test(tests, decimal_commas_are_found);
    tcase_add_test(tests, comments_are_left_out);
    tcase_add_test(tests, a_line_that_names_the_separator_is_no_row);
    tcase_add_test(tests, titles_above_a_header_are_left_out);
    tcase_add_test(tests, other_quotes_and_none);
    tcase_add_test(tests, more_spellings_of_missing);
    tcase_add_test(tests, a_reader_is_told_as_ingesting_is);
    tcase_add_test(tests, names_and_types_are_taken_from_the_user);
    tcase_add_test(tests, text_in_a_column_of_numbers_names_row_and_column);
    tcase_add_test(tests, bad_rows_are_mended_or_set_aside_and_counted);
    tcase_add_test(tests, utf16_becomes_utf8);
    tcase_add_test(tests, windows_1252_and_latin_1_become_utf8);
    tcase_add_test(tests, utf8_is_told_from_other_bytes);
    tcase_add_test(tests, utf16_may_be_cut_anywhere);
    suite_add_tcase(suite, tests);
    return suite;
}
