/* Models in memory: found by id, least recently used ones dropped above the limit, and what the limit counts is what they take. */
#include "helper_recipe.h"
#include "models_cache.h"

#include <check.h>
#include <malloc.h>
#include <stdlib.h>

static struct err err;

static struct model *model_make(uint32_t units)
{
    return model_of_text("a,b,town,y\n1,2,here,u\n2,300,there,v\n3,7,far away,u\n4,8,here,v\n", units, 0);
}

static uint32_t n_read;

/* As if from disk. */
static struct model *model_read(void *units, int64_t id, struct err *unused)
{
    (void)id;
    (void)unused;
    n_read++;
    return model_make(*(uint32_t *)units);
}

/* Whether the model is there without being read. */
static bool is_there(struct models_cache *cache, int64_t id)
{
    uint32_t before = n_read, units = 8;
    model_unref(models_cache_get(cache, id, model_read, &units, &err));
    return n_read == before;
}

START_TEST(a_models_bytes_are_what_it_takes)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return; /* they have an allocator of their own, which does not tell */
#else
    static const uint32_t units[] = {4, 64, 3000};
    for (int i = 0; i < 3; i++) {
        enum { N = 20 };
        struct model *models[N];
        size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
        for (int k = 0; k < N; k++)
            models[k] = model_make(units[i]);
        double taken = (double)(mallinfo2().uordblks + mallinfo2().hblkhd - before) / N, told = (double)model_bytes(models[0]);
        ck_assert_msg(told > 0.7 * taken && told < 1.3 * taken, "%u units: %.0f bytes told, %.0f taken", units[i], told, taken);
        for (int k = 0; k < N; k++)
            model_unref(models[k]);
    }
#endif
}
END_TEST

START_TEST(the_least_recently_used_go_above_the_limit)
{
    enum { N = 5000, FIT = 100 }; /* more than there are places, so that some share one */
    struct model *model = model_make(8);
    struct models_cache *cache = models_cache_new((model_bytes(model) + 100) * FIT, &err);
    uint32_t n_there = 0;
    for (int64_t id = 1; id <= N; id++) {
        models_cache_put(cache, id, model);
        if (id > 1)
            ck_assert(is_there(cache, 1)); /* asked for again and again: it stays */
    }
    model_unref(model);
    ck_assert(is_there(cache, N) && is_there(cache, N - FIT / 2));
    for (int64_t id = N; id > N - 3 * FIT && is_there(cache, id); id--)
        n_there++;
    ck_assert_msg(n_there > FIT / 2 && n_there <= FIT + FIT / 10, "%u of them fit", n_there);
    models_cache_drop(cache, N);
    ck_assert(!is_there(cache, N));
    models_cache_free(cache);
}
END_TEST

START_TEST(who_holds_a_model_keeps_it)
{
    uint32_t units = 8;
    struct models_cache *cache = models_cache_new(1, &err); /* too little for any */
    struct model *first = models_cache_get(cache, 1, model_read, &units, &err);
    ck_assert(is_there(cache, 1)); /* the last one stays, however large */
    model_unref(models_cache_get(cache, 2, model_read, &units, &err));
    ck_assert(!is_there(cache, 1));
    ck_assert_uint_eq(first->network->layers[0].units, 8);
    model_unref(first);
    models_cache_free(cache);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("models_cache");
    TCase *tests = tcase_create("models_cache");
    tcase_add_test(tests, a_models_bytes_are_what_it_takes);
    tcase_add_test(tests, the_least_recently_used_go_above_the_limit);
    tcase_add_test(tests, who_holds_a_model_keeps_it);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
