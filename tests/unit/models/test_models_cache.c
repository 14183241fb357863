/* Models in memory: found by id, least recently used ones dropped above the
 * limit, and what the limit counts is what they take. */
#include "helper_main.h"
#include "helper_recipe.h"
#include "models/cache.h"

#include <check.h>
#include <malloc.h>
#include <stdlib.h>

static struct err err;

static struct model *model_make(uint32_t units)
{
    return model_of_text("a,b,town,y\n1,2,here,u\n2,300,there,v\n3,7,far away,u\n4,8,here,v\n", units, 0);
}

/* Another one of the same shape, quickly. */
static struct model *model_like(const struct model *model)
{
    struct recipe *recipe = recipe_copy(model->recipe, &err);
    struct network *network =
        network_new(model->network->n_inputs, model->network->layers, model->network->n_layers, &err);
    struct model *copy = recipe && network ? model_new(recipe, network, model->loss, &err) : NULL;
    ck_assert_ptr_nonnull(copy);
    return copy;
}

static uint32_t n_read;

#define UNITS 8

/* As if from disk. */
static struct model *model_read(void *self, int64_t id, const struct model_room *room, struct err *why)
{
    (void)self;
    (void)id;
    struct model *model = model_make(UNITS);
    bool fits = room->hold(room->self, model_bytes(model) + 100, why);
    n_read += fits;
    if (fits)
        return model;
    model_unref(model);
    return NULL;
}

static struct model *get(struct models_cache *cache, int64_t id)
{
    const struct model_reader reader = {.read = model_read};
    return models_cache_get(cache, id, &reader, &err);
}

/* Whether the model is there without being read. */
static bool is_there(struct models_cache *cache, int64_t id)
{
    uint32_t before = n_read;
    model_unref(get(cache, id));
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
        double taken = (double)(mallinfo2().uordblks + mallinfo2().hblkhd - before) / N,
               told = (double)model_bytes(models[0]);
        ck_assert_msg(told > 0.7 * taken && told < 1.3 * taken, "%u units: %.0f bytes told, %.0f taken",
                      units[i], told, taken);
        for (int k = 0; k < N; k++)
            model_unref(models[k]);
    }
#endif
}
END_TEST

START_TEST(the_least_recently_used_go_above_the_limit)
{
    enum { N = 5000, FIT = 100 }; /* more than there are places, so that some share one */
    struct model *model = model_make(UNITS);
    struct models_cache *cache = models_cache_new((model_bytes(model) + 100) * FIT, &err);
    uint32_t n_there = 0;
    for (int64_t id = 1; id <= N; id++) {
        struct model *copy = model_like(model);
        models_cache_put(cache, id, copy);
        model_unref(copy);
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

static void refused(struct models_cache *cache, int64_t id, enum err_code code)
{
    ck_assert_ptr_null(get(cache, id));
    ck_assert_int_eq(err.code, code);
}

START_TEST(models_in_use_count_until_nobody_holds_them)
{
    struct model *model = model_make(UNITS);
    struct models_cache *cache = models_cache_new(5 * (model_bytes(model) + 200) / 2, &err),
                        *small = models_cache_new(1, &err);
    model_unref(model);
    struct model *first = get(cache, 1), *second = get(cache, 2);
    refused(cache, 3, ERR_BUSY); /* two are held, and there is no room for a third */
    ck_assert(is_there(cache, 1) && is_there(cache, 2));
    model_unref(first);
    struct model *third = get(cache, 3);
    ck_assert_ptr_nonnull(third); /* the first made room */
    models_cache_drop(cache, 2);
    refused(cache, 1, ERR_BUSY); /* the second is dropped, but held */
    ck_assert_uint_eq(second->network->layers[0].units, UNITS);
    model_unref(second);
    ck_assert(!is_there(cache, 1));
    ck_assert(is_there(cache, 1) && is_there(cache, 3));
    model_unref(third);
    refused(small, 1, ERR_LIMIT);
    models_cache_free(cache);
    models_cache_free(small);
}
END_TEST

START_TEST(a_guest_takes_the_place_of_idle_models)
{
    struct model *model = model_make(UNITS);
    struct models_cache *cache = models_cache_new(5 * (model_bytes(model) + 200) / 2, &err);
    struct models_guest guest = {.cache = cache};
    model_unref(get(cache, 1));
    model_unref(get(cache, 2));
    ck_assert(models_guest_hold(&guest, model_bytes(model), &err));
    ck_assert(is_there(cache, 2));
    ck_assert(!models_guest_hold(&guest, 3 * model_bytes(model), &err));
    ck_assert_int_eq(err.code, ERR_LIMIT);
    ck_assert(models_guest_hold(&guest, 0, &err));
    ck_assert(!is_there(cache, 1));
    ck_assert(is_there(cache, 2));
    model_unref(model);
    models_cache_free(cache);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("models_cache");
    TCase *tests = tcase_create("models_cache");
    tcase_add_test(tests, a_models_bytes_are_what_it_takes);
    tcase_add_test(tests, the_least_recently_used_go_above_the_limit);
    tcase_add_test(tests, models_in_use_count_until_nobody_holds_them);
    tcase_add_test(tests, a_guest_takes_the_place_of_idle_models);
    suite_add_tcase(suite, tests);
    return suite;
}
