/* The nearest name: by letters, by edits, by what others call the same. */
#include "base/near.h"
#include "helper_main.h"

#include <check.h>
#include <string.h>

static const char training[] =
    "target model layers optimizer learning_rate batch_size epochs validation_split "
    "test_split seed class_weight early_stopping weight_decay l1 l2 weight";

/* The nearest of the words, "" where none is near. */
static const char *nearest(const char *words, const char *name)
{
    static char found[64];
    struct near near;
    near_init(&near, name);
    near_offer_words(&near, words);
    memcpy(found, near.best ? near.best : "", near.n_best);
    found[near.n_best] = 0;
    return found;
}

START_TEST(other_libraries_words_lead_to_ours)
{
    static const struct {
        const char *theirs, *ours;
    } cases[] = {{"lr", "learning_rate"},
                 {"learning_rate_init", "learning_rate"},
                 {"hidden_layers", "layers"},
                 {"hidden_layer_sizes", "layers"},
                 {"n_epochs", "epochs"},
                 {"max_iter", "epochs"},
                 {"patience", "early_stopping"},
                 {"n_iter_no_change", "early_stopping"},
                 {"alpha", "weight_decay"},
                 {"validation_fraction", "validation_split"},
                 {"random_state", "seed"},
                 {"solver", "optimizer"},
                 {"momentum", "optimizer"},
                 {"y", "target"},
                 {"class_weights", "class_weight"},
                 {"test_size", "test_split"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(nearest(training, cases[i].theirs), cases[i].ours);
    ck_assert_str_eq(nearest("share names seed stratify", "test_size"), "share");
    ck_assert_str_eq(nearest("separator na columns", "sep"), "separator");
    ck_assert_str_eq(nearest("separator na columns", "na_values"), "na");
}
END_TEST

START_TEST(how_a_name_is_written_does_not_matter)
{
    ck_assert_str_eq(nearest(training, "batchsize"), "batch_size");
    ck_assert_str_eq(nearest(training, "batchSize"), "batch_size");
    ck_assert_str_eq(nearest(training, "batch-size"), "batch_size");
    ck_assert_str_eq(nearest(training, "LearningRate"), "learning_rate");
    ck_assert_str_eq(nearest(training, "HiddenLayerSizes"), "layers");
    ck_assert_str_eq(nearest(training, "L2"), "l2");
}
END_TEST

START_TEST(a_letter_more_less_other_or_exchanged_is_near)
{
    ck_assert_str_eq(nearest(training, "epoch"), "epochs");
    ck_assert_str_eq(nearest(training, "epochss"), "epochs");
    ck_assert_str_eq(nearest(training, "apochs"), "epochs");
    ck_assert_str_eq(nearest(training, "epohcs"), "epochs");
    ck_assert_str_eq(nearest(training, "weights"), "weight");
    ck_assert_str_eq(nearest("offset limit index", "limt"), "limit");
    ck_assert_str_eq(nearest("model version", "versoin"), "version");
    ck_assert_str_eq(nearest(training, "learning"), "learning_rate");
}
END_TEST

START_TEST(what_is_like_nothing_leads_nowhere)
{
    static const char *const names[] = {"colour", "q", "", "_", "xyz", "zzzzzzzzzzzz", "\xff\xff\xff"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_str_eq(nearest(training, names[i]), "");
    ck_assert_str_eq(nearest("", "epochs"), "");
}
END_TEST

/* Longer than what is compared: no byte beyond it is touched. */
START_TEST(a_name_of_any_length_is_taken)
{
    static char name[100000];
    memset(name, 'e', sizeof name - 1);
    ck_assert_str_eq(nearest(training, name), "");
    memcpy(name, "epochs", 6);
    ck_assert_str_eq(nearest(training, name), "");
}
END_TEST

START_TEST(words_are_found_whole)
{
    ck_assert(words_have("offset limit index", "offset"));
    ck_assert(words_have("offset limit index", "limit"));
    ck_assert(words_have("offset limit index", "index"));
    ck_assert(!words_have("offset limit index", "lim"));
    ck_assert(!words_have("offset limit index", "limits"));
    ck_assert(!words_have("offset limit index", "offset limit"));
    ck_assert(!words_have("offset limit index", ""));
    ck_assert(!words_have("", "limit"));
}
END_TEST

START_TEST(the_error_names_field_near_name_and_what_there_is)
{
    struct err err = {0};
    ck_assert(!words_unknown("offset limit index", "parameter", "limt", &err));
    ck_assert_int_eq(err.code, ERR_INPUT);
    ck_assert_str_eq(err.field, "limt");
    ck_assert_str_eq(err.msg,
                     "unknown parameter \"limt\" (did you mean \"limit\"?): expected offset, limit, index");
    ck_assert(!words_unknown("", "parameter", "x", &err));
    ck_assert_str_eq(err.msg, "unknown parameter \"x\": expected none");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("near");
    TCase *tc = tcase_create("near");
    tcase_add_test(tc, other_libraries_words_lead_to_ours);
    tcase_add_test(tc, how_a_name_is_written_does_not_matter);
    tcase_add_test(tc, a_letter_more_less_other_or_exchanged_is_near);
    tcase_add_test(tc, what_is_like_nothing_leads_nowhere);
    tcase_add_test(tc, a_name_of_any_length_is_taken);
    tcase_add_test(tc, words_are_found_whole);
    tcase_add_test(tc, the_error_names_field_near_name_and_what_there_is);
    suite_add_tcase(suite, tc);
    return suite;
}
