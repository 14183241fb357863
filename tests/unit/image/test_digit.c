/* Drawn digits as MNIST's pictures: box, centre, thickness, and whatever a
 * client may send. */
#include "helper_main.h"
#include "mlp/digit.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct box {
    int left, top, right, bottom; /* of ink above `from`; right and bottom outside */
    double x, y, mass;
};

static struct box box_of(const uint8_t *picture, int from)
{
    struct box b = {DIGIT_SIDE, DIGIT_SIDE, 0, 0, 0, 0, 0};
    for (int i = 0; i < DIGIT_PIXELS; i++) {
        int x = i % DIGIT_SIDE, y = i / DIGIT_SIDE;
        b.mass += picture[i] / 255.0;
        b.x += picture[i] / 255.0 * x;
        b.y += picture[i] / 255.0 * y;
        if (picture[i] <= from)
            continue;
        b.left = x < b.left ? x : b.left;
        b.top = y < b.top ? y : b.top;
        b.right = x + 1 > b.right ? x + 1 : b.right;
        b.bottom = y + 1;
    }
    b.x /= b.mass;
    b.y /= b.mass;
    return b;
}

static void draw(const struct digit_point *points, const uint32_t *ends, uint32_t n, uint8_t *picture)
{
    struct err err = {0};
    ck_assert_msg(digit_from_strokes(points, ends, n, picture, &err), "%s", err.msg);
}

static const struct digit_point seven[] = {{60, 70}, {200, 70}, {120, 230}, {90, 150}, {180, 160}};
static const uint32_t seven_ends[] = {3, 5};

START_TEST(size_and_place_of_the_drawing_do_not_matter)
{
    static const struct {
        float scale, x, y;
    } moves[] = {{0.01f, 0, 0}, {1, -500, 1000}, {3000, 7, -1e6f}, {0.3f, 5, 200}};
    uint8_t picture[DIGIT_PIXELS], again[DIGIT_PIXELS];
    draw(seven, seven_ends, 2, picture);
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        struct digit_point moved[5];
        for (int k = 0; k < 5; k++)
            moved[k] = (struct digit_point){seven[k].x * moves[i].scale + moves[i].x,
                                            seven[k].y * moves[i].scale + moves[i].y};
        draw(moved, seven_ends, 2, again);
        for (int k = 0; k < DIGIT_PIXELS; k++)
            ck_assert_int_le(abs(picture[k] - again[k]), 2);
    }
}
END_TEST

START_TEST(the_longer_side_of_the_ink_is_20_pixels_and_the_mass_in_the_middle)
{
    static const struct digit_point shapes[][3] = {
        {{0, 0}, {50, 0}, {50, 300}}, {{0, 0}, {300, 20}, {0, 30}}, {{0, 0}, {200, 200}, {0, 200}}};
    for (int i = 0; i < 3; i++) {
        uint8_t picture[DIGIT_PIXELS];
        draw(shapes[i], (uint32_t[]){3}, 1, picture);
        struct box b = box_of(picture, 100);
        int width = b.right - b.left, height = b.bottom - b.top;
        ck_assert_int_eq(width > height ? width : height, 20);
        ck_assert_double_eq_tol(b.x, 13.5, 0.51);
        ck_assert_double_eq_tol(b.y, 13.5, 0.51);
    }
}
END_TEST

START_TEST(a_line_is_as_thick_as_mnists_however_it_is_drawn)
{
    uint8_t once[DIGIT_PIXELS], often[DIGIT_PIXELS];
    static struct digit_point points[4001];
    for (int i = 0; i <= 4000; i++) /* up and down, four times */
        points[i] = (struct digit_point){100, (float)abs(i % 1000 - 500)};
    draw(points, (uint32_t[]){501}, 1, once);
    draw(points, (uint32_t[]){4001}, 1, often);
    ck_assert_mem_eq(once, often, DIGIT_PIXELS);
    double across = 0;
    for (int x = 0; x < DIGIT_SIDE; x++)
        across += once[14 * DIGIT_SIDE + x] / 255.0;
    ck_assert_double_eq_tol(across, 2.5, 0.1);
}
END_TEST

START_TEST(a_dot_is_a_dot_in_the_middle)
{
    uint8_t picture[DIGIT_PIXELS];
    draw((struct digit_point[]){{1e9f, -1e9f}}, (uint32_t[]){1}, 1, picture);
    struct box b = box_of(picture, 0);
    ck_assert(b.mass > 3 && b.mass < 8);
    ck_assert_double_eq_tol(b.x, 13.5, 0.01);
    ck_assert_double_eq_tol(b.y, 13.5, 0.01);
    ck_assert_int_le(b.right - b.left, 4);
}
END_TEST

START_TEST(no_ink_is_an_empty_picture)
{
    uint8_t picture[DIGIT_PIXELS], empty[DIGIT_PIXELS] = {0};
    draw(NULL, NULL, 0, picture);
    ck_assert_mem_eq(picture, empty, DIGIT_PIXELS);
    draw(NULL, (uint32_t[]){0, 0, 0}, 3, picture);
    ck_assert_mem_eq(picture, empty, DIGIT_PIXELS);
    draw(seven, (uint32_t[]){0, 3, 3, 5}, 4, picture); /* empty strokes between */
    uint8_t whole[DIGIT_PIXELS];
    draw(seven, seven_ends, 2, whole);
    ck_assert_mem_eq(picture, whole, DIGIT_PIXELS);
}
END_TEST

START_TEST(hostile_strokes_are_refused_or_drawn_within_the_picture)
{
    static struct digit_point many[DIGIT_POINTS_MAX + 1];
    uint8_t picture[DIGIT_PIXELS + 1];
    struct err err = {0};
    picture[DIGIT_PIXELS] = 77;
    ck_assert(!digit_from_strokes(many, (uint32_t[]){DIGIT_POINTS_MAX + 1}, 1, picture, &err));
    ck_assert_int_eq(err.code, ERR_LIMIT);
    ck_assert_str_eq(err.field, "strokes");
    static const float wrong[] = {NAN, INFINITY, -INFINITY, 1.1e9f};
    for (int i = 0; i < 4; i++) {
        struct digit_point points[] = {{1, 2}, {3, wrong[i]}};
        ck_assert(!digit_from_strokes(points, (uint32_t[]){2}, 1, picture, &err));
        ck_assert_int_eq(err.code, ERR_INPUT);
        ck_assert_ptr_nonnull(strstr(err.msg, "point 2"));
    }
    static const struct digit_point extremes[][2] = {{{-1e9f, -1e9f}, {1e9f, 1e9f}},
                                                     {{0, 0}, {1e-45f, 1e-45f}},
                                                     {{1e9f, 0}, {1e9f, 1e-30f}},
                                                     {{0, 0}, {1e-38f, 0}}};
    for (int i = 0; i < 4; i++) {
        draw(extremes[i], (uint32_t[]){2}, 1, picture);
        ck_assert_double_gt(box_of(picture, 0).mass, 3);
    }
    for (int i = 0; i < DIGIT_POINTS_MAX; i++)
        many[i] = (struct digit_point){(float)(i % 2), (float)(i / 2 % 2)};
    draw(many, (uint32_t[]){DIGIT_POINTS_MAX}, 1, picture);
    ck_assert_uint_eq(picture[DIGIT_PIXELS], 77);
}
END_TEST

START_TEST(a_grey_picture_of_any_size_and_polarity_gives_the_same_digit)
{
    uint8_t picture[DIGIT_PIXELS], other[DIGIT_PIXELS];
    struct err err = {0};
    for (uint32_t scale = 1; scale <= 7; scale += 3) {
        uint32_t width = 60 * scale, height = 80 * scale;
        size_t stride = width + 3;
        uint8_t *grey = calloc(stride, height);
        for (uint32_t y = 10 * scale; y < 70 * scale; y++)
            for (uint32_t x = 5 * scale; x < 35 * scale; x++)
                grey[y * stride + x] =
                    y < 20 * scale || x >= 25 * scale ? 180 : 10; /* a seven, a faint spot left of it */
        ck_assert(digit_from_grey(grey, width, height, stride, scale == 1 ? picture : other, &err));
        for (int k = 0; scale > 1 && k < DIGIT_PIXELS; k++)
            ck_assert_int_le(abs(picture[k] - other[k]), 2);
        for (size_t i = 0; i < stride * height; i++)
            grey[i] = (uint8_t)(250 - grey[i]);
        ck_assert(digit_from_grey(grey, width, height, stride, other, &err));
        for (int k = 0; k < DIGIT_PIXELS; k++)
            ck_assert_int_le(abs(picture[k] - other[k]), 2);
        free(grey);
    }
    struct box b = box_of(picture, 100);
    ck_assert_int_eq(b.bottom - b.top, 20);
    ck_assert_int_eq(b.right - b.left, 10);
    ck_assert_double_eq_tol(b.x, 13.5, 0.51);
    ck_assert_double_eq_tol(b.y, 13.5, 0.51);
}
END_TEST

START_TEST(a_grey_picture_without_ink_is_empty_and_a_huge_one_refused)
{
    uint8_t picture[DIGIT_PIXELS], empty[DIGIT_PIXELS] = {0}, grey[64], one = 9;
    struct err err = {0};
    memset(grey, 200, sizeof grey);
    ck_assert(digit_from_grey(grey, 8, 8, 8, picture, &err));
    ck_assert_mem_eq(picture, empty, DIGIT_PIXELS);
    ck_assert(digit_from_grey(&one, 1, 1, 1, picture, &err));
    ck_assert_mem_eq(picture, empty, DIGIT_PIXELS);
    ck_assert(!digit_from_grey(grey, 0, 8, 8, picture, &err) && err.code == ERR_LIMIT);
    ck_assert(!digit_from_grey(grey, 8, 5000, 8, picture, &err) && err.code == ERR_LIMIT);
}
END_TEST

/* A ring of ink on paper, each from 0 to 1, as a camera sees it. */
enum light { LIGHT_SLOPE, LIGHT_CORNER, LIGHT_VIGNETTE, LIGHT_SHADOW, LIGHT_GREY, N_LIGHTS };
#define PHOTO_SIDE 200

static double light_at(enum light light, double x, double y)
{
    switch (light) {
    case LIGHT_SLOPE:
        return 130 + 90 * x;
    case LIGHT_CORNER:
        return 220 - 50 * x - 50 * y;
    case LIGHT_VIGNETTE:
        return 210 - 160 * ((x - 0.5) * (x - 0.5) + (y - 0.5) * (y - 0.5));
    case LIGHT_SHADOW:
        return 175 + 25 * fmax(-1, fmin(1, 5 * (x + y - 1)));
    case LIGHT_GREY:
    case N_LIGHTS:
        break;
    }
    return 160;
}

static bool is_ring(double x, double y)
{
    double radius = hypot(x - 0.5, y - 0.5);
    return radius > 0.2 && radius < 0.3;
}

static void photograph(uint8_t *grey, enum light light, bool inverse)
{
    uint32_t noise = 1;
    for (int i = 0; i < PHOTO_SIDE * PHOTO_SIDE; i++) {
        double x = (i % PHOTO_SIDE + 0.5) / PHOTO_SIDE, y = (i / PHOTO_SIDE + 0.5) / PHOTO_SIDE, grain = 0;
        for (int k = 0; k < 4; k++) {
            noise = noise * 1664525 + 1013904223;
            grain += (noise >> 16) % 16 - 7.5;
        }
        double level = light_at(light, x, y) * (is_ring(x, y) ? 0.4 : 1) + grain;
        grey[i] = (uint8_t)fmax(0, fmin(255, inverse ? 255 - level : level));
    }
}

START_TEST(shade_and_grain_of_paper_are_taken_away)
{
    static uint8_t grey[PHOTO_SIDE * PHOTO_SIDE], scratch[PHOTO_SIDE * PHOTO_SIDE];
    uint8_t clean[DIGIT_PIXELS], picture[DIGIT_PIXELS];
    struct err err = {0};
    for (int i = 0; i < PHOTO_SIDE * PHOTO_SIDE; i++)
        grey[i] = is_ring((i % PHOTO_SIDE + 0.5) / PHOTO_SIDE, (i / PHOTO_SIDE + 0.5) / PHOTO_SIDE) ? 0 : 255;
    ck_assert(!digit_even_paper(grey, PHOTO_SIDE, PHOTO_SIDE, scratch));
    ck_assert(digit_from_grey(grey, PHOTO_SIDE, PHOTO_SIDE, PHOTO_SIDE, clean, &err));
    for (int k = 0; k < 2 * N_LIGHTS; k++) {
        int apart = 0;
        photograph(grey, (enum light)(k / 2), k % 2);
        ck_assert_msg(digit_even_paper(grey, PHOTO_SIDE, PHOTO_SIDE, scratch), "photograph %d is uneven", k);
        ck_assert(digit_from_grey(grey, PHOTO_SIDE, PHOTO_SIDE, PHOTO_SIDE, picture, &err));
        for (int i = 0; i < DIGIT_PIXELS; i++)
            apart += abs(picture[i] - clean[i]);
        ck_assert_msg(apart < 12 * DIGIT_PIXELS, "photograph %d: %d levels apart", k, apart / DIGIT_PIXELS);
    }
}
END_TEST

START_TEST(paper_without_ink_stays_without)
{
    static uint8_t grey[PHOTO_SIDE * PHOTO_SIDE], scratch[PHOTO_SIDE * PHOTO_SIDE];
    for (int i = 0; i < PHOTO_SIDE * PHOTO_SIDE; i++)
        grey[i] = (uint8_t)(100 + i % PHOTO_SIDE / 2 + i / PHOTO_SIDE / 4);
    ck_assert(digit_even_paper(grey, PHOTO_SIDE, PHOTO_SIDE, scratch));
    for (int i = 0; i < PHOTO_SIDE * PHOTO_SIDE; i++)
        ck_assert_uint_eq(grey[i], 255);
}
END_TEST

START_TEST(even_paper_keeps_its_bits)
{
    static uint8_t grey[PHOTO_SIDE * PHOTO_SIDE], before[PHOTO_SIDE * PHOTO_SIDE],
        scratch[PHOTO_SIDE * PHOTO_SIDE];
    for (int ground = 0; ground < 256; ground += 15) {
        /* ink in the middle, and on a third of the edge */
        for (int i = 0; i < PHOTO_SIDE * PHOTO_SIDE; i++)
            grey[i] = (uint8_t)(i / PHOTO_SIDE < 60 || is_ring(i % PHOTO_SIDE / 200.0, i / PHOTO_SIDE / 200.0)
                                    ? 255 - ground
                                    : ground);
        memcpy(before, grey, sizeof grey);
        ck_assert(!digit_even_paper(grey, PHOTO_SIDE, PHOTO_SIDE, scratch));
        ck_assert_mem_eq(grey, before, sizeof grey);
    }
    for (uint32_t side = 1; side < 24; side++) /* too small to tell ink from shade */
        ck_assert(!digit_even_paper(grey, side, side, scratch));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("digit");
    TCase *tc = tcase_create("digit");
    tcase_add_test(tc, size_and_place_of_the_drawing_do_not_matter);
    tcase_add_test(tc, the_longer_side_of_the_ink_is_20_pixels_and_the_mass_in_the_middle);
    tcase_add_test(tc, a_line_is_as_thick_as_mnists_however_it_is_drawn);
    tcase_add_test(tc, a_dot_is_a_dot_in_the_middle);
    tcase_add_test(tc, no_ink_is_an_empty_picture);
    tcase_add_test(tc, hostile_strokes_are_refused_or_drawn_within_the_picture);
    tcase_add_test(tc, a_grey_picture_of_any_size_and_polarity_gives_the_same_digit);
    tcase_add_test(tc, a_grey_picture_without_ink_is_empty_and_a_huge_one_refused);
    tcase_add_test(tc, shade_and_grain_of_paper_are_taken_away);
    tcase_add_test(tc, paper_without_ink_stays_without);
    tcase_add_test(tc, even_paper_keeps_its_bits);
    suite_add_tcase(suite, tc);
    return suite;
}
