/* number_parse against strtof of the C locale, bit for bit, on random and
 * adversarial texts; what is no number; what is missing. MLPD_NUMBER_TESTS sets
 * how many random texts are tried (default ten million, a hundredth under a
 * sanitizer). */
#include "helper_main.h"
#include "mlp/csv.h"
#include "mlp/number.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 512 };

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * 0x2545f4914f6cdd1dull;
}

static uint64_t random_below(uint64_t *state, uint64_t n)
{
    return random_next(state) % n;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void check_as_strtof(const char *text)
{
    float value = -1, expected = strtof(text, NULL);
    if (!number_parse(text, strlen(text), &value)) /* a ck_assert each would take most of the time */
        ck_abort_msg("\"%s\" is a number", text);
    if (bits_of(value) != bits_of(expected))
        ck_abort_msg("\"%s\" gives %a, strtof gives %a", text, (double)value, (double)expected);
    double wide = -1, expected_wide = strtod(text, NULL);
    if (!number_parse_double(text, strlen(text), '.', &wide))
        ck_abort_msg("\"%s\" is a double", text);
    if (memcmp(&wide, &expected_wide, sizeof wide) != 0)
        ck_abort_msg("\"%s\" gives %a, strtod gives %a", text, wide, expected_wide);
}

/* Digits with a point and an exponent anywhere: what no writer of floats would
 * produce. */
static void text_random_digits(uint64_t *state, char *text)
{
    size_t n = 1 + random_below(state, random_below(state, 20) == 0 ? 300 : 25), at = 0;
    size_t point = random_below(state, n + 2);
    if (random_below(state, 3) == 0)
        text[at++] = random_below(state, 2) ? '-' : '+';
    for (size_t i = 0; i < n; i++) {
        if (i == point)
            text[at++] = '.';
        text[at++] = (char)('0' + (random_below(state, 4) == 0 ? 0 : random_below(state, 10)));
    }
    if (random_below(state, 2))
        at += (size_t)sprintf(text + at, "%c%d", random_below(state, 2) ? 'e' : 'E',
                              (int)random_below(state, 120) - 60);
    text[at] = '\0';
}

/* Zeros in front or behind, as many as an exponent takes back or some more, up
 * to exponents beyond all integers. */
static void text_huge_exponent(uint64_t *state, char *text)
{
    static const char *const exponents[] = {
        "e%d", "e+%d", "E-%d", "e%d0000000000", "e-%d99999999999999999999", "e000%d"};
    size_t zeros = random_below(state, 8) == 0 ? random_below(state, 300) : random_below(state, 40), at = 0;
    bool front = random_below(state, 2);
    if (front)
        at = (size_t)sprintf(text, "0.");
    for (size_t i = 0; front && i < zeros; i++)
        text[at++] = '0';
    at += (size_t)sprintf(text + at, "%llu",
                          (unsigned long long)(random_next(state) >> random_below(state, 64)));
    for (size_t i = 0; !front && i < zeros; i++)
        text[at++] = '0';
    int exponent = (int)zeros + (int)random_below(state, 90) - 45;
    if (random_below(state, 4) == 0)
        sprintf(text + at, exponents[random_below(state, 6)], (int)random_below(state, 400));
    else
        sprintf(text + at, "e%d", front ? exponent : -exponent);
}

/* A float, or a midpoint between two of them, written exactly and then nudged
 * in a far digit. */
static void text_midpoint(uint64_t *state, char *text)
{
    uint32_t bits = (uint32_t)random_next(state) & 0x7fffffff;
    float low, high;
    if (random_below(state, 4) == 0)
        bits &= 0x00ffffff; /* subnormals and the smallest normal numbers */
    if (bits >= 0x7f7fffff)
        bits = 0x7f7ffffe - (bits & 0xff);
    memcpy(&low, &bits, sizeof low);
    bits++;
    memcpy(&high, &bits, sizeof high);
    double middle = random_below(state, 5) == 0 ? (double)low : ((double)low + (double)high) / 2;
    static const int digits[] = {160, 115, 115, 16, 17, 18, 20};
    snprintf(text, TEXT_BYTES, "%.*e", digits[random_below(state, 7)], middle);
    char *e = strchr(text, 'e');
    if (random_below(state, 2) && e - text > 22) { /* change the last digit, or the 18th to 21st */
        char *digit = random_below(state, 2) ? e - 1 : text + 18 + random_below(state, 3);
        *digit = (char)('0' + random_below(state, 10));
    }
}

static void text_printed_float(uint64_t *state, char *text)
{
    uint32_t bits = (uint32_t)random_next(state);
    float value;
    if ((bits & 0x7f800000) == 0x7f800000)
        bits &= 0x807fffff;
    memcpy(&value, &bits, sizeof value);
    static const char *const formats[] = {"%.9g", "%.17g", "%.6f", "%.3f", "%g", "%.25g"};
    if (random_below(state, 2))
        value = (float)((double)random_below(state, 1000000000) / 1e5);
    sprintf(text, formats[random_below(state, 6)], (double)value);
}

static void text_integer(uint64_t *state, char *text)
{
    snprintf(text, 32, "%llu", (unsigned long long)(random_next(state) >> random_below(state, 64)));
    if (random_below(state, 3) == 0)
        strcat(text, ".0");
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const uint64_t n_random_default = 100000;
#else
static const uint64_t n_random_default = 10000000;
#endif

START_TEST(equals_strtof_on_random_texts)
{
    static void (*const makers[])(uint64_t *, char *) = {
        text_random_digits, text_midpoint, text_printed_float, text_integer, text_huge_exponent};
    const char *wanted = getenv("MLPD_NUMBER_TESTS");
    uint64_t n = wanted ? strtoull(wanted, NULL, 10) : n_random_default, state = 0x9e3779b97f4a7c15ull;
    char text[TEXT_BYTES];
    for (uint64_t i = 0; i < n; i++) {
        makers[i % 5](&state, text);
        check_as_strtof(text);
    }
}
END_TEST

static const char *const adversarial[] = {
    "0",
    "-0",
    "+0",
    "0.0",
    ".5",
    "7.",
    "-1.5e3",
    "1e0",
    "007",
    "-007.50",
    "1e-45",
    "1.4e-45",
    "7e-46",
    "7.1e-46",
    "1e-46",
    "1e-400",
    "7.006492321624085354618e-46",
    "7.006492321624085354619e-46",
    "1e38",
    "3.4028234e38",
    "3.4028235e38",
    "3.4028236e38",
    "1e39",
    "340282356779733661637539395458142568447",
    "340282356779733661637539395458142568448",
    "340282346638528859811704183484516925440",
    "1e400",
    "-1e999999999999999999999",
    "1e-999999999999999999999",
    "0e999999999999999999999",
    "16777217",
    "16777219",
    "16777217.0",
    "16777217.0000000000000000000000000000000000000000001",
    "33554431",
    "9007199791611905",
    "9007199791611904.999999999999999999999",
    "1.17549435e-38",
    "1.1754943e-38",
    "1.1754942e-38",
    "1.17549429e-38",
    "5e-324",
    "8.5899345919999999999e9",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999",
    "0.1",
    "0.2",
    "0.3",
    "1.00000005960464477539062500",
    "1.0000000596046447753906250000000000000000000000000000001",
    "1.0000000596046447753906249999999999999999999999999999999",
};

START_TEST(equals_strtof_at_the_edges)
{
    for (size_t i = 0; i < sizeof adversarial / sizeof *adversarial; i++)
        check_as_strtof(adversarial[i]);
}
END_TEST

/* A hundred thousand zeros and the exponent that takes them back; digits that
 * only matter at the 100,000th place. */
START_TEST(long_texts_are_exact)
{
    enum { N = 100000 };
    char *text = malloc(N + 100);
    ck_assert_ptr_nonnull(text);
    memset(text, '0', N);
    text[1] = '.';
    sprintf(text + N, "1e%d", N - 2);
    check_as_strtof(text);
    memset(text, '0', N);
    text[0] = '7';
    sprintf(text + N, "e-%d", N - 1);
    check_as_strtof(text);
    memset(text, '0', N);
    memcpy(text, "16777217.", 9);
    strcpy(text + N, "1");
    check_as_strtof(text);
    strcpy(text + N, "0");
    check_as_strtof(text);
    free(text);
}
END_TEST

START_TEST(blanks_around_a_number_are_skipped)
{
    float value = 0;
    ck_assert(number_parse(" \t-2.5 ", 7, &value));
    ck_assert_float_eq(value, -2.5f);
    ck_assert(number_parse("123456", 2, &value)); /* the length rules, not a terminator */
    ck_assert_float_eq(value, 12.0f);
}
END_TEST

static const char *const not_numbers[] = {
    "",    " ",     ".",   "-",   "+",    "e5",    ".e5", "1e",   "1e+",      "1e-", "--1",
    "+-1", "1.2.3", "1,5", "1 2", "0x10", "1p3",   "inf", "-inf", "infinity", "nan", "NaN",
    "1f",  "1x1",   "12a", "\n1", "1\r",  "1_000", "$5",  "5%",   "\xd9\xa1",
};

START_TEST(other_text_is_no_number)
{
    for (size_t i = 0; i < sizeof not_numbers / sizeof *not_numbers; i++) {
        float value = 42;
        ck_assert_msg(!number_parse(not_numbers[i], strlen(not_numbers[i]), &value), "\"%s\"",
                      not_numbers[i]);
        ck_assert_float_eq(value, 42);
    }
    float value;
    ck_assert(!number_parse("1\0", 2, &value));
}
END_TEST

START_TEST(truths_are_words_of_several_languages)
{
    static const char *const yes[] = {"yes",
                                      "True",
                                      "T",
                                      "y",
                                      "1",
                                      "ja",
                                      "JA",
                                      "oui",
                                      "Oui",
                                      "si",
                                      "s\xc3\xad",
                                      "S\xc3\x8d",
                                      "\xd0\xb4\xd0\xb0",
                                      "\xd0\x94\xd0\x90",
                                      "sim",
                                      "tak",
                                      "igen",
                                      "wahr",
                                      " ja "};
    static const char *const no[] = {"no",
                                     "false",
                                     "0",
                                     "nein",
                                     "Nein",
                                     "non",
                                     "n\xc3\xa3o",
                                     "N\xc3\x83O",
                                     "NAO",
                                     "\xd0\xbd\xd0\xb5\xd1\x82",
                                     "\xd0\x9d\xd0\x95\xd0\xa2",
                                     "nie",
                                     "nem",
                                     "falsch"};
    static const char *const neither[] = {"", "maybe", "2", "noo", "yess", "j a"};
    float truth;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        ck_assert_msg(truth_parse(yes[i], strlen(yes[i]), &truth) && truth == 1, "%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        ck_assert_msg(truth_parse(no[i], strlen(no[i]), &truth) && truth == 0, "%s", no[i]);
    for (size_t i = 0; i < sizeof neither / sizeof *neither; i++)
        ck_assert_msg(!truth_parse(neither[i], strlen(neither[i]), &truth), "%s", neither[i]);
    ck_assert((truth_pairs("ja", 2) & truth_pairs("Nein", 4)) &&
              (truth_pairs("no", 2) & truth_pairs("si", 2)));
    ck_assert(!(truth_pairs("ja", 2) & truth_pairs("no", 2)) && !truth_pairs("maybe", 5));
}
END_TEST

START_TEST(missing_values_are_recognised)
{
    static const char *const missing[] = {
        "",      " ",      "\t ",    "NA",      "na",      "N/A",      "n/a",       "null",     "NULL",
        "Null",  "NaN",    "nan",    "?",       " ?",      "-",        ".",         "<NA>",     "#N/A",
        "#NA",   "-nan",   "-NaN",   "(null)",  "\\N",     "#NULL!",   "#DIV/0!",   "#VALUE!",  "#REF!",
        "#NUM!", "#NAME?", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN", "-nan(ind)", "#N/A N/A", "#NV"};
    static const char *const in_numbers[] = {
        "none", "None", "nil",          "NaT",          "--",           "---",     "..",
        "??",   "*",    "\xe2\x80\xa6", "\xe2\x80\x93", "missing",      "Unknown", "not available",
        "n.a.", "inf",  "-inf",         "Infinity",     "\xe2\x88\x9e", "k.A."};
    static const char *const never[] = {
        "0",         "5",        "-5", "x",  "N A",  "nul", "7O.2", "none of these",
        "---------", "\xc3\xa4", "m",  "+5", "1e999"};
    for (size_t i = 0; i < sizeof in_numbers / sizeof *in_numbers; i++) {
        ck_assert_msg(text_may_be_missing(in_numbers[i], strlen(in_numbers[i])), "\"%s\"", in_numbers[i]);
        ck_assert_msg(!text_is_missing(in_numbers[i], strlen(in_numbers[i])), "\"%s\"", in_numbers[i]);
    }
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        ck_assert_msg(!text_may_be_missing(never[i], strlen(never[i])), "\"%s\"", never[i]);
    static const char *const present[] = {"0",  "none", "nul", "nulls", "naan", "--",
                                          "..", "??",   "N A", "-1",    "x"};
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        ck_assert_msg(text_is_missing(missing[i], strlen(missing[i])), "\"%s\"", missing[i]);
    for (size_t i = 0; i < sizeof present / sizeof *present; i++)
        ck_assert_msg(!text_is_missing(present[i], strlen(present[i])), "\"%s\"", present[i]);
    ck_assert(!text_is_missing("na\0", 3));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("number");
    TCase *tests = tcase_create("number");
    tcase_set_timeout(tests, 600);
    tcase_add_test(tests, equals_strtof_on_random_texts);
    tcase_add_test(tests, equals_strtof_at_the_edges);
    tcase_add_test(tests, long_texts_are_exact);
    tcase_add_test(tests, blanks_around_a_number_are_skipped);
    tcase_add_test(tests, other_text_is_no_number);
    tcase_add_test(tests, truths_are_words_of_several_languages);
    tcase_add_test(tests, missing_values_are_recognised);
    suite_add_tcase(suite, tests);
    return suite;
}
