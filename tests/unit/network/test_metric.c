/* Metrics against golden values of scikit-learn 1.2.1. */
#include "helper_main.h"
#include "mlp/metric.h"
#include "network/metric.h"

#include <check.h>
#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define EXACT 1e-12

/* Of n rows, added up in two pieces after other rows were cleared away. */
static void measure(const struct row_score *rows, uint64_t n, uint32_t n_classes, double unit,
                    double values[N_METRICS])
{
    struct outcomes outcomes;
    struct err err = {0};
    ck_assert(outcomes_init(&outcomes, n_classes, unit, n, &err));
    outcomes_add(&outcomes, rows + n / 2, n - n / 2);
    metrics_measure(&outcomes, values);
    outcomes_clear(&outcomes);
    outcomes_add(&outcomes, rows, n / 3);
    outcomes_add(&outcomes, rows + n / 3, n - n / 3);
    metrics_measure(&outcomes, values);
    outcomes_done(&outcomes);
}

/* roc_auc_score, f1_score(average="macro"), accuracy_score; outputs with
 * ties */
START_TEST(two_classes_as_scikit_learn_has_them)
{
    static const float p[] = {0.6f, 0.7f, 0.3f, 0.5f, 0.9f, 0.9f, 0.1f, 0.2f, 0.1f, 0.4f,
                              0.0f, 0.5f, 0.6f, 0.3f, 0.7f, 0.6f, 0.0f, 0.6f, 0.3f, 0.4f};
    static const float t[] = {1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 1};
    struct row_score rows[COUNT(p)];
    double m[N_METRICS];
    for (size_t i = 0; i < COUNT(p); i++)
        rows[i] =
            (struct row_score){.loss = (float)i, .label = t[i], .prediction = p[i] > 0.5f, .positive = p[i]};
    measure(rows, COUNT(p), 2, 1, m);
    ck_assert_double_eq_tol(m[METRIC_AUC], 0.9444444444444444, EXACT);
    ck_assert_double_eq_tol(m[METRIC_MACRO_F1], 0.8465473145780051, EXACT);
    ck_assert_double_eq_tol(m[METRIC_ACCURACY], 0.85, EXACT);
    ck_assert_double_eq_tol(m[METRIC_LOSS], 9.5, EXACT);
    ck_assert(isnan(m[METRIC_TOP_5_ACCURACY]) && isnan(m[METRIC_RMSE]));
    for (size_t i = 0; i < COUNT(p); i++)
        rows[i].label = 1;
    measure(rows, COUNT(p), 2, 1, m);
    ck_assert(isnan(m[METRIC_AUC])); /* one class only: there is none */
}
END_TEST

/* Outputs of either sign and many sizes, some of them equal: pair by pair. */
START_TEST(auc_is_the_share_of_pairs_in_order)
{
    enum { N = 500 };
    struct row_score rows[N];
    uint32_t seed = 3;
    double m[N_METRICS], wins = 0, pairs = 0;
    for (uint32_t i = 0; i < N; i++) {
        seed = seed * 1664525u + 1013904223u;
        int size = (int)(seed >> 8) % 2001 - 1000;
        rows[i] = (struct row_score){.label = seed >> 31 ? 1.0f : 0.0f,
                                     .positive = ldexpf((float)size, -(int)(i % 3) * 20)};
    }
    for (uint32_t i = 0; i < N; i++)
        for (uint32_t k = 0; k < N; k++)
            if (rows[i].label == 1 && rows[k].label == 0) {
                wins += rows[i].positive > rows[k].positive    ? 1
                        : rows[i].positive == rows[k].positive ? 0.5
                                                               : 0;
                pairs++;
            }
    measure(rows, N, 2, 1, m);
    ck_assert_double_eq(m[METRIC_AUC], wins / pairs);
}
END_TEST

/* Class 6 is neither label nor guess, class 5 a guess only.
 * f1_score(average="macro"), accuracy_score, top_k_accuracy_score(k=5) */
START_TEST(many_classes_as_scikit_learn_has_them)
{
    static const int outputs[12][7] = {
        {74, 99, 91, 16, 80, 32, 0}, {18, 75, 55, 96, 95, 13, 0}, {30, 48, 61, 33, 52, 2, 0},
        {36, 90, 44, 48, 59, 74, 0}, {91, 21, 56, 39, 29, 32, 0}, {9, 33, 60, 88, 55, 11, 0},
        {10, 80, 76, 68, 44, 44, 0}, {16, 98, 39, 50, 65, 35, 0}, {52, 1, 18, 63, 2, 87, 0},
        {20, 62, 81, 22, 92, 7, 0},  {97, 43, 32, 92, 60, 16, 0}, {53, 8, 20, 8, 24, 78, 0}};
    static const int t[12] = {3, 4, 1, 2, 2, 4, 4, 1, 2, 1, 1, 0};
    struct row_score rows[12];
    double m[N_METRICS];
    for (int i = 0; i < 12; i++) {
        uint32_t best = 0, rank = 0;
        for (uint32_t c = 0; c < 7; c++) {
            best = outputs[i][c] > outputs[i][best] ? c : best;
            rank += outputs[i][c] > outputs[i][t[i]];
        }
        rows[i] = (struct row_score){.label = (float)t[i], .prediction = (float)best, .rank = rank};
    }
    measure(rows, 12, 7, 1, m);
    ck_assert_double_eq_tol(m[METRIC_MACRO_F1], 0.041666666666666664, EXACT);
    ck_assert_double_eq_tol(m[METRIC_ACCURACY], 0.08333333333333333, EXACT);
    ck_assert_double_eq_tol(m[METRIC_TOP_5_ACCURACY], 0.9166666666666666, EXACT);
    ck_assert(isnan(m[METRIC_AUC]));
}
END_TEST

/* mean_absolute_error, root of mean_squared_error, r2_score; the network sees
 * eight times the numbers */
START_TEST(numbers_as_scikit_learn_has_them)
{
    static const float y[] = {3.5f, -1.25f, 0, 8, 2.5f, 2.5f}, g[] = {3, -1, 0.5f, 6, 2.5f, 4};
    struct row_score rows[6];
    double m[N_METRICS];
    for (int i = 0; i < 6; i++)
        rows[i] = (struct row_score){.label = y[i] * 8, .prediction = g[i] * 8};
    measure(rows, 6, 0, 0.125, m);
    ck_assert_double_eq_tol(m[METRIC_MAE], 0.7916666666666666, EXACT);
    ck_assert_double_eq_tol(m[METRIC_RMSE], 1.0655593210453684, EXACT);
    ck_assert_double_eq_tol(m[METRIC_R2], 0.8678520913315821, EXACT);
    ck_assert(isnan(m[METRIC_ACCURACY]) && isnan(m[METRIC_MACRO_F1]));
}
END_TEST

START_TEST(of_no_rows_there_are_no_metrics)
{
    double m[N_METRICS];
    measure(NULL, 0, 2, 1, m);
    for (int i = 0; i < N_METRICS; i++)
        ck_assert(isnan(m[i]));
}
END_TEST

START_TEST(metrics_are_found_by_their_words)
{
    for (int i = 0; i < N_METRICS; i++)
        ck_assert_int_eq(metric_find(metric_name((enum metric)i)), i);
    ck_assert_int_eq(metric_find("precision"), -1);
    ck_assert(metric_applies(METRIC_TOP_5_ACCURACY, 6) && !metric_applies(METRIC_TOP_5_ACCURACY, 5));
    ck_assert(metric_more_is_better(METRIC_AUC) && !metric_more_is_better(METRIC_RMSE));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("metric");
    TCase *tc = tcase_create("metric");
    tcase_add_test(tc, two_classes_as_scikit_learn_has_them);
    tcase_add_test(tc, auc_is_the_share_of_pairs_in_order);
    tcase_add_test(tc, many_classes_as_scikit_learn_has_them);
    tcase_add_test(tc, numbers_as_scikit_learn_has_them);
    tcase_add_test(tc, of_no_rows_there_are_no_metrics);
    tcase_add_test(tc, metrics_are_found_by_their_words);
    suite_add_tcase(suite, tc);
    return suite;
}
