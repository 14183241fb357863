/* Augmentation: what each of its numbers does to a picture, and what a picture
 * depends on. */
#include "helper_main.h"
#include "image/augment.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIDE 28
#define PIXELS (SIDE * SIDE)

/* One augmenter with its scratch. */
struct changer {
    struct augmenter *augmenter;
    float *scratch;
};

static struct changer changer_of(struct augment options, uint32_t n_inputs)
{
    struct changer c = {0};
    struct err err = {0};
    ck_assert_msg(augment_check(&options, n_inputs, &err), "%s", err.msg);
    c.augmenter = augmenter_new(&options, &err);
    ck_assert_ptr_nonnull(c.augmenter);
    c.scratch = augmenter_scratch(c.augmenter, &err);
    ck_assert_ptr_nonnull(c.scratch);
    return c;
}

static void changer_done(struct changer *c)
{
    augmenter_free(c->augmenter);
    free(c->scratch);
}

static void change(const struct changer *c, uint32_t epoch, uint32_t row, const uint8_t *from, uint8_t *to)
{
    memcpy(to, from, PIXELS);
    augment_bytes(c->augmenter, 1, epoch, row, to, c->scratch);
}

/* A rectangle of ink. */
static void rectangle(uint8_t *bytes, int left, int top, int right, int bottom)
{
    memset(bytes, 0, PIXELS);
    for (int y = top; y < bottom; y++)
        memset(bytes + y * SIDE + left, 255, (size_t)(right - left));
}

struct moments {
    double mass, x, y, xx, yy, xy;
};

static struct moments moments_of(const uint8_t *bytes)
{
    struct moments m = {0};
    for (int i = 0; i < PIXELS; i++) {
        m.mass += bytes[i] / 255.0;
        m.x += bytes[i] / 255.0 * (i % SIDE);
        m.y += bytes[i] / 255.0 * (i / SIDE);
    }
    m.x /= m.mass;
    m.y /= m.mass;
    for (int i = 0; i < PIXELS; i++) {
        double dx = i % SIDE - m.x, dy = i / SIDE - m.y, w = bytes[i] / 255.0 / m.mass;
        m.xx += w * dx * dx;
        m.yy += w * dy * dy;
        m.xy += w * dx * dy;
    }
    return m;
}

START_TEST(a_map_that_changes_nothing_keeps_every_byte)
{
    struct changer c = changer_of((struct augment){.rotation = 1e-7f}, PIXELS);
    uint8_t from[PIXELS], to[PIXELS];
    for (int i = 0; i < PIXELS; i++)
        from[i] = (uint8_t)(i * 37);
    for (uint32_t row = 0; row < 20; row++) {
        change(&c, 0, row, from, to);
        ck_assert_mem_eq(from, to, PIXELS);
    }
    changer_done(&c);
}
END_TEST

START_TEST(a_picture_depends_on_seed_epoch_and_row_alone)
{
    struct changer c = changer_of(augment_default(), PIXELS), other = changer_of(augment_default(), PIXELS);
    uint8_t from[PIXELS], a[PIXELS], b[PIXELS];
    rectangle(from, 8, 6, 12, 22);
    change(&c, 3, 5, from, a);
    change(&other, 1, 9, from, b);
    change(&other, 3, 5, from, b);
    ck_assert_mem_eq(a, b, PIXELS);
    change(&c, 4, 5, from, b);
    ck_assert_mem_ne(a, b, PIXELS);
    change(&c, 3, 6, from, b);
    ck_assert_mem_ne(a, b, PIXELS);
    memcpy(b, from, PIXELS);
    augment_bytes(c.augmenter, 2, 3, 5, b, c.scratch);
    ck_assert_mem_ne(a, b, PIXELS);
    changer_done(&c);
    changer_done(&other);
}
END_TEST

START_TEST(shift_moves_within_its_limit_both_ways)
{
    struct changer c = changer_of((struct augment){.shift = 3}, PIXELS);
    uint8_t from[PIXELS], to[PIXELS];
    double least_x = 99, most_x = -99, least_y = 99, most_y = -99;
    rectangle(from, 10, 8, 18, 20);
    struct moments before = moments_of(from);
    for (uint32_t row = 0; row < 500; row++) {
        change(&c, 0, row, from, to);
        struct moments after = moments_of(to);
        least_x = fmin(least_x, after.x - before.x);
        most_x = fmax(most_x, after.x - before.x);
        least_y = fmin(least_y, after.y - before.y);
        most_y = fmax(most_y, after.y - before.y);
        ck_assert_double_eq_tol(after.mass, before.mass, 0.01 * before.mass);
    }
    ck_assert(least_x > -3.02 && least_x < -2.8 && most_x < 3.02 && most_x > 2.8);
    ck_assert(least_y > -3.02 && least_y < -2.8 && most_y < 3.02 && most_y > 2.8);
    changer_done(&c);
}
END_TEST

START_TEST(rotation_turns_a_bar_within_its_limit_both_ways)
{
    struct changer c = changer_of((struct augment){.rotation = 20}, PIXELS);
    uint8_t from[PIXELS], to[PIXELS];
    double least = 99, most = -99;
    rectangle(from, 12, 5, 16, 23);
    double mass = moments_of(from).mass;
    for (uint32_t row = 0; row < 300; row++) {
        change(&c, 0, row, from, to);
        struct moments m = moments_of(to);
        double degrees = 0.5 * atan2(2 * m.xy, m.yy - m.xx) * 180 / 3.14159265358979;
        least = fmin(least, degrees);
        most = fmax(most, degrees);
        ck_assert_double_eq_tol(m.mass, mass, 0.02 * mass);
        ck_assert_double_eq_tol(m.x, 13.5, 0.1);
        ck_assert_double_eq_tol(m.y, 13.5, 0.1);
    }
    ck_assert(least > -20.5 && least < -18.5 && most < 20.5 && most > 18.5);
    changer_done(&c);
}
END_TEST

START_TEST(scale_and_shear_change_width_height_and_slant)
{
    struct changer scale = changer_of((struct augment){.scale = 0.25f}, PIXELS),
                   shear = changer_of((struct augment){.shear = 0.5f}, PIXELS);
    uint8_t from[PIXELS], to[PIXELS];
    double narrow = 9, wide = 0, low = 9, high = 0, left = 9, right = -9;
    rectangle(from, 9, 8, 19, 20);
    struct moments before = moments_of(from);
    for (uint32_t row = 0; row < 300; row++) {
        change(&scale, 0, row, from, to);
        struct moments m = moments_of(to);
        narrow = fmin(narrow, sqrt(m.xx / before.xx));
        wide = fmax(wide, sqrt(m.xx / before.xx));
        low = fmin(low, sqrt(m.yy / before.yy));
        high = fmax(high, sqrt(m.yy / before.yy));
        change(&shear, 0, row, from, to);
        m = moments_of(to);
        left = fmin(left, m.xy / m.yy);
        right = fmax(right, m.xy / m.yy);
        ck_assert_double_eq_tol(m.mass, before.mass, 0.01 * before.mass);
    }
    ck_assert(narrow > 0.78 && narrow < 0.83 && wide < 1.28 && wide > 1.22);
    ck_assert(low > 0.78 && low < 0.83 && high < 1.28 && high > 1.22);
    ck_assert(left > -0.51 && left < -0.47 && right < 0.51 && right > 0.47);
    changer_done(&scale);
    changer_done(&shear);
}
END_TEST

START_TEST(thickness_adds_and_takes_a_pixel_on_each_side)
{
    struct changer c = changer_of((struct augment){.thickness = 1}, PIXELS);
    uint8_t from[PIXELS], to[PIXELS];
    double least = 1e9, most = 0;
    rectangle(from, 12, 4, 16, 24);
    for (uint32_t row = 0; row < 300; row++) {
        change(&c, 0, row, from, to);
        double mass = moments_of(to).mass;
        least = fmin(least, mass);
        most = fmax(most, mass);
    }
    /* 4 x 20 pixels; a whole pixel more: 6 x 20 + 2 x 4; a whole one less: 2 x
     * 18 */
    ck_assert(most < 128.01 && most > 127);
    ck_assert(least > 35.99 && least < 37);
    changer_done(&c);
}
END_TEST

/* On a ramp the new bytes tell the displacements at (x, y): their spread, and
 * the correlation with the next pixel's. */
static double spread_of(const struct changer *c, bool down, int x, int y, double *together)
{
    uint8_t from[PIXELS], to[PIXELS];
    double squares = 0, products = 0;
    int n = 10000, at = y * SIDE + x;
    for (int i = 0; i < PIXELS; i++)
        from[i] = (uint8_t)(9 * (down ? i / SIDE : i % SIDE));
    for (int row = 0; row < n; row++) {
        change(c, 0, (uint32_t)row, from, to);
        double d = (to[at] - from[at]) / 9.0, next = (to[at + 1] - from[at + 1]) / 9.0;
        squares += d * d;
        products += d * next;
    }
    *together = products / squares;
    return sqrt(squares / n);
}

/* Uniform noise of spread alpha / sqrt(3), smoothed by a Gaussian in two
 * dimensions, has the spread alpha / sqrt(3) / (2 sigma sqrt(pi)). */
START_TEST(elastic_displacements_have_the_spread_of_smoothed_noise)
{
    struct changer c = changer_of((struct augment){.elastic_alpha = 34, .elastic_sigma = 4}, PIXELS);
    struct changer wide = changer_of((struct augment){.elastic_alpha = 34, .elastic_sigma = 8}, PIXELS);
    double want = 34 / sqrt(3) / (8 * sqrt(3.14159265358979)), together;
    for (int down = 0; down < 2; down++) {
        ck_assert_double_eq_tol(spread_of(&c, down, 14, 13, &together), want, 0.03 * want);
        ck_assert_double_eq_tol(together, exp(-1 / 64.0), 0.01); /* exp(-1 / (4 sigma^2)) */
        /* towards an edge too, where half of the noise is missing */
        ck_assert_double_eq_tol(spread_of(&wide, down, down ? 3 : 14, down ? 14 : 3, &together), want / 2,
                                0.03 * want);
    }
    changer_done(&c);
    changer_done(&wide);
}
END_TEST

START_TEST(wild_options_stay_within_the_picture)
{
    struct augment wild = {.shift = 128,
                           .rotation = 180,
                           .scale = 0.9f,
                           .shear = 2,
                           .elastic_alpha = 1000,
                           .elastic_sigma = 0.5f,
                           .thickness = 1};
    static const uint32_t sides[][2] = {{2, 2}, {2, 128}, {128, 2}, {128, 128}, {17, 31}};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        wild.height = sides[i][0];
        wild.width = sides[i][1];
        size_t n = (size_t)wild.height * wild.width;
        struct changer c = changer_of(wild, (uint32_t)n);
        uint8_t *bytes = malloc(n + 1);
        bytes[n] = 77;
        for (uint32_t row = 0; row < 50; row++) {
            memset(bytes, 200, n);
            augment_bytes(c.augmenter, 1, row, UINT32_MAX - row, bytes, c.scratch);
            for (size_t k = 0; k < n; k++)
                ck_assert_uint_le(bytes[k], 200);
        }
        ck_assert_uint_eq(bytes[n], 77);
        free(bytes);
        changer_done(&c);
    }
}
END_TEST

START_TEST(wrong_options_are_refused_by_field)
{
    struct err err = {0};
    struct augment o = {.shift = 1};
    ck_assert(augment_check(&o, 784, &err) && o.height == 28 && o.width == 28);
    o = (struct augment){.shift = 1};
    ck_assert(!augment_check(&o, 785, &err));
    ck_assert_str_eq(err.field, "image");
    o = (struct augment){.shift = 1, .height = 65536, .width = 65536};
    ck_assert(!augment_check(&o, 0, &err));
    ck_assert_str_eq(err.field, "image");
    o = (struct augment){.shift = 1, .height = 5, .width = 7};
    ck_assert(augment_check(&o, 35, &err));
    o.elastic_alpha = 10;
    ck_assert(!augment_check(&o, 35, &err));
    ck_assert_str_eq(err.field, "augmentation");
    o = (struct augment){.rotation = NAN};
    ck_assert(!augment_check(&o, 784, &err));
    ck_assert_ptr_nonnull(strstr(err.msg, "rotation"));
    o = (struct augment){.thickness = -1};
    ck_assert(!augment_check(&o, 784, &err));
    ck_assert_ptr_nonnull(strstr(err.msg, "thickness"));
    ck_assert(!augment_is_on(&(struct augment){.height = 28, .width = 28, .elastic_sigma = 4}));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("augment");
    TCase *tc = tcase_create("augment");
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, a_map_that_changes_nothing_keeps_every_byte);
    tcase_add_test(tc, a_picture_depends_on_seed_epoch_and_row_alone);
    tcase_add_test(tc, shift_moves_within_its_limit_both_ways);
    tcase_add_test(tc, rotation_turns_a_bar_within_its_limit_both_ways);
    tcase_add_test(tc, scale_and_shear_change_width_height_and_slant);
    tcase_add_test(tc, thickness_adds_and_takes_a_pixel_on_each_side);
    tcase_add_test(tc, elastic_displacements_have_the_spread_of_smoothed_noise);
    tcase_add_test(tc, wild_options_stay_within_the_picture);
    tcase_add_test(tc, wrong_options_are_refused_by_field);
    suite_add_tcase(suite, tc);
    return suite;
}
