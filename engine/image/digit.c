/* Strokes are drawn as a field of distances to the nearest line, so that a
 * pixel crossed many times is no darker. Pure functions. */
#include "mlp/digit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BOX 20       /* side of the ink's box */
#define RADIUS 1.25f /* half of a line's width, pixels; with EDGE it gives MNIST's mean amount of ink */
#define EDGE 1.0f    /* pixels over which a line fades from full ink to none */
#define REACH (RADIUS + EDGE / 2)
#define LIMIT 1e9f /* of a coordinate */
#define STEP 0.05f /* points nearer than this to the last one, in pixels, add nothing */

/* ---- both ---- */

/* Copy ink (DIGIT_SIDE, DIGIT_SIDE) whose box is in the middle so that its mass
 * is, by whole pixels and without cutting ink off. */
static void centre_by_mass(const uint8_t ink[DIGIT_PIXELS], uint8_t picture[DIGIT_PIXELS])
{
    const int most = (DIGIT_SIDE - BOX) / 2;
    double mass = 0, sum_x = 0, sum_y = 0, middle = (DIGIT_SIDE - 1) / 2.0;
    for (int i = 0; i < DIGIT_PIXELS; i++) {
        mass += ink[i];
        sum_x += (double)ink[i] * (i % DIGIT_SIDE);
        sum_y += (double)ink[i] * (i / DIGIT_SIDE);
    }
    memset(picture, 0, DIGIT_PIXELS);
    if (mass == 0)
        return;
    int dx = (int)lround(middle - sum_x / mass), dy = (int)lround(middle - sum_y / mass);
    dx = dx > most ? most : dx < -most ? -most : dx;
    dy = dy > most ? most : dy < -most ? -most : dy;
    for (int y = 0; y < DIGIT_SIDE; y++)
        for (int x = 0; x < DIGIT_SIDE; x++)
            if (y + dy >= 0 && y + dy < DIGIT_SIDE && x + dx >= 0 && x + dx < DIGIT_SIDE)
                picture[(y + dy) * DIGIT_SIDE + x + dx] = ink[y * DIGIT_SIDE + x];
}

/* ---- strokes ---- */

/* How points become pixels: scale * (p - middle), about the picture's
 * middle. */
struct placing {
    float scale, x, y;
};

static bool points_check(const struct digit_point *points, const uint32_t *ends, uint32_t n_strokes,
                         struct err *err)
{
    uint32_t n = n_strokes > 0 ? ends[n_strokes - 1] : 0;
    if (n > DIGIT_POINTS_MAX) {
        err_set(err, ERR_LIMIT, "the strokes hold more than %d points", DIGIT_POINTS_MAX);
        return err_field(err, "strokes");
    }
    for (uint32_t i = 0; i < n; i++) {
        if (fabsf(points[i].x) <= LIMIT && fabsf(points[i].y) <= LIMIT)
            continue;
        err_set(err, ERR_INPUT, "point %u of the strokes is (%g, %g), expected coordinates from -1e9 to 1e9",
                i + 1, (double)points[i].x, (double)points[i].y);
        return err_field(err, "strokes");
    }
    return true;
}

/* The lines' middles fill the box less a pen's width. A lone point is put in
 * the middle. */
static struct placing place(const struct digit_point *points, uint32_t n)
{
    float left = points[0].x, right = left, top = points[0].y, bottom = top;
    for (uint32_t i = 1; i < n; i++) {
        left = fminf(left, points[i].x);
        right = fmaxf(right, points[i].x);
        top = fminf(top, points[i].y);
        bottom = fmaxf(bottom, points[i].y);
    }
    float side = fmaxf(right - left, bottom - top), scale = side > 0 ? (BOX - 2 * RADIUS) / side : 0;
    return (struct placing){isfinite(scale) ? scale : 0, left / 2 + right / 2, top / 2 + bottom / 2};
}

static struct digit_point placed(const struct placing *p, struct digit_point point)
{
    const float middle = (DIGIT_SIDE - 1) / 2.0f;
    return (struct digit_point){middle + p->scale * (point.x - p->x), middle + p->scale * (point.y - p->y)};
}

static int clamped(float x)
{
    return !(x > 0) ? 0 : x > DIGIT_SIDE - 1 ? DIGIT_SIDE - 1 : (int)x;
}

/* squares[pixel]: squared distance to the nearest line so far; lower it to that
 * of the line from a to b. */
static void draw_line(float squares[DIGIT_PIXELS], struct digit_point a, struct digit_point b)
{
    int left = clamped(fminf(a.x, b.x) - REACH), right = clamped(fmaxf(a.x, b.x) + REACH + 1);
    int top = clamped(fminf(a.y, b.y) - REACH), bottom = clamped(fmaxf(a.y, b.y) + REACH + 1);
    float dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy, inverse = length > 0 ? 1 / length : 0;
    for (int y = top; y <= bottom; y++) {
        for (int x = left; x <= right; x++) {
            float px = (float)x - a.x, py = (float)y - a.y, t = (px * dx + py * dy) * inverse;
            t = t > 0 ? t : 0;
            t = t < 1 ? t : 1;
            px -= t * dx;
            py -= t * dy;
            float square = px * px + py * py;
            if (square < squares[y * DIGIT_SIDE + x])
                squares[y * DIGIT_SIDE + x] = square;
        }
    }
}

static void draw_stroke(float squares[DIGIT_PIXELS], const struct placing *p,
                        const struct digit_point *points, uint32_t n)
{
    struct digit_point last = placed(p, points[0]);
    if (n == 1)
        draw_line(squares, last, last);
    for (uint32_t i = 1; i < n; i++) {
        struct digit_point next = placed(p, points[i]);
        if (i + 1 < n && fabsf(next.x - last.x) + fabsf(next.y - last.y) < STEP)
            continue;
        draw_line(squares, last, next);
        last = next;
    }
}

bool digit_from_strokes(const struct digit_point *points, const uint32_t *ends, uint32_t n_strokes,
                        uint8_t picture[DIGIT_PIXELS], struct err *err)
{
    float squares[DIGIT_PIXELS];
    uint8_t ink[DIGIT_PIXELS];
    uint32_t n = n_strokes > 0 ? ends[n_strokes - 1] : 0;
    if (!points_check(points, ends, n_strokes, err))
        return false;
    memset(picture, 0, DIGIT_PIXELS);
    if (n == 0)
        return true;
    for (int i = 0; i < DIGIT_PIXELS; i++)
        squares[i] = REACH * REACH;
    struct placing p = place(points, n);
    for (uint32_t i = 0, first = 0; i < n_strokes; first = ends[i++])
        if (ends[i] > first)
            draw_stroke(squares, &p, points + first, ends[i] - first);
    for (int i = 0; i < DIGIT_PIXELS; i++) {
        float cover = (REACH - sqrtf(squares[i])) / EDGE;
        ink[i] = (uint8_t)(255 * (cover < 1 ? cover : 1) + 0.5f);
    }
    centre_by_mass(ink, picture);
    return true;
}

/* ---- a grey picture ---- */

struct grey {
    const uint8_t *bytes;
    uint32_t width, height;
    size_t stride;
    uint8_t ground, strongest;         /* the ground's grey; the ink furthest from it, as a difference */
    uint32_t left, top, right, bottom; /* the ink's box, right and bottom outside */
};

static uint32_t difference(const struct grey *g, uint32_t x, uint32_t y)
{
    return (uint32_t)abs(g->bytes[y * g->stride + x] - g->ground);
}

/* The median of the edge's pixels. */
static uint8_t ground_of(const struct grey *g)
{
    uint32_t counts[256] = {0}, n = 0, sum = 0, level = 0;
    for (uint32_t x = 0; x < g->width; x++, n += 2) {
        counts[g->bytes[x]]++;
        counts[g->bytes[(g->height - 1) * g->stride + x]]++;
    }
    for (uint32_t y = 0; y < g->height; y++, n += 2) {
        counts[g->bytes[y * g->stride]]++;
        counts[g->bytes[y * g->stride + g->width - 1]]++;
    }
    while ((sum += counts[level]) * 2 < n)
        level++;
    return (uint8_t)level;
}

/* Where a pixel differs by more than a third of the strongest difference there
 * is ink; fainter is noise or an edge's fading. */
static void find_box(struct grey *g)
{
    for (uint32_t y = 0; y < g->height; y++)
        for (uint32_t x = 0; x < g->width; x++)
            if (difference(g, x, y) > g->strongest)
                g->strongest = (uint8_t)difference(g, x, y);
    g->left = g->width;
    g->top = g->height;
    for (uint32_t y = 0; y < g->height; y++) {
        for (uint32_t x = 0; x < g->width; x++) {
            if (difference(g, x, y) * 3 <= g->strongest)
                continue;
            g->left = x < g->left ? x : g->left;
            g->right = x + 1 > g->right ? x + 1 : g->right;
            g->top = y < g->top ? y : g->top;
            g->bottom = y + 1;
        }
    }
}

/* Mean ink over x0..x1, y0..y1 (in the picture's pixels, parts of pixels
 * counted), 0 to 1. */
static double mean_ink(const struct grey *g, double x0, double y0, double x1, double y1)
{
    double sum = 0;
    for (uint32_t y = (uint32_t)y0; y < g->height && y < y1; y++) {
        double high = fmin(y1, y + 1.0) - fmax(y0, y);
        for (uint32_t x = (uint32_t)x0; x < g->width && x < x1; x++)
            sum += high * (fmin(x1, x + 1.0) - fmax(x0, x)) * difference(g, x, y);
    }
    return sum / ((x1 - x0) * (y1 - y0) * g->strongest);
}

bool digit_from_grey(const uint8_t *grey, uint32_t width, uint32_t height, size_t stride,
                     uint8_t picture[DIGIT_PIXELS], struct err *err)
{
    struct grey g = {.bytes = grey, .width = width, .height = height, .stride = stride};
    uint8_t ink[DIGIT_PIXELS] = {0};
    if (width == 0 || height == 0 || width > DIGIT_GREY_SIDE_MAX || height > DIGIT_GREY_SIDE_MAX)
        return err_set(err, ERR_LIMIT, "a picture of %u x %u pixels: expected 1 to %d each way", width,
                       height, DIGIT_GREY_SIDE_MAX);
    g.ground = ground_of(&g);
    find_box(&g);
    if (g.strongest > 0) {
        double w = g.right - g.left, h = g.bottom - g.top,
               pixel = fmax(w, h) / BOX; /* of the new picture, in old ones */
        double x0 = g.left + w / 2 - pixel * DIGIT_SIDE / 2, y0 = g.top + h / 2 - pixel * DIGIT_SIDE / 2;
        for (int i = 0; i < DIGIT_PIXELS; i++) {
            double x = x0 + pixel * (i % DIGIT_SIDE), y = y0 + pixel * (i / DIGIT_SIDE);
            double left = fmax(x, g.left), top = fmax(y, g.top), right = fmin(x + pixel, g.right),
                   bottom = fmin(y + pixel, g.bottom);
            if (left < right && top < bottom) {
                double share = (right - left) * (bottom - top) / (pixel * pixel);
                ink[i] = (uint8_t)lround(255 * share * mean_ink(&g, left, top, right, bottom));
            }
        }
    }
    centre_by_mass(ink, picture);
    return true;
}
