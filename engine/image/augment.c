/* A picture changed: each pixel of the new one is looked up in the old one
 * (bilinear) where an affine map, and a smooth random field on top of it, say
 * (Simard, Steinkraus & Platt 2003). Pure functions but for the scratch. */
#include "image/augment.h"
#include "base/elementary.h"
#include "base/memory.h"
#include "base/rng.h"
#include "kernels/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ONE_DEGREE 0.017453292519943295
#define NOISE_AT 8 /* rng words 0..7 of a row are the affine draws; the field's begin here */

struct augmenter {
    struct augment options;
    uint32_t n_rows, ld; /* height and width, padded to 16 */
    /* Smoothing along rows and along columns: field = down (noise across).
     * Each: (its side padded, the same); NULL without elastic. */
    float *across, *down, *zeros;
};

/* Where the parts of a worker's scratch lie. */
struct parts {
    uint8_t *old, *thick; /* (height + 2, width + 2): a border of zeros */
    float *noise;         /* (2 n_rows, ld): dx, then dy */
    float *half;          /* (2 n_rows, ld): smoothed across */
    float *field;         /* (2 n_rows, ld) */
};

static size_t border_size(const struct augment *o)
{
    return ((size_t)(o->height + 2) * (o->width + 2) + 63) & ~(size_t)63;
}

static struct parts parts_of(const struct augmenter *a, float *scratch)
{
    size_t field = (size_t)2 * a->n_rows * a->ld;
    uint8_t *bytes = (uint8_t *)(scratch + 3 * field);
    return (struct parts){.noise = scratch,
                          .half = scratch + field,
                          .field = scratch + 2 * field,
                          .old = bytes,
                          .thick = bytes + border_size(&a->options)};
}

/* ---- making one ---- */

bool augment_is_on(const struct augment *o)
{
    return o->shift != 0 || o->rotation != 0 || o->scale != 0 || o->shear != 0 || o->elastic_alpha != 0 ||
           o->thickness != 0;
}

static bool side_wrong(const struct augment *o, uint32_t n_inputs, struct err *err)
{
    if (o->height == 0)
        err_set(err, ERR_INPUT,
                "augmentation changes pictures, and %u inputs are no square one: name its sides, "
                "\"image\":[height,width]",
                n_inputs);
    else
        err_set(err, ERR_INPUT,
                "an image of %u x %u pixels has not the %u inputs of this data (at most %d x %d)", o->height,
                o->width, n_inputs, AUGMENT_SIDE_MAX, AUGMENT_SIDE_MAX);
    return err_field(err, "image");
}

struct augment augment_default(void)
{
    return (struct augment){.shift = 1.5f,
                            .rotation = 15,
                            .scale = 0.15f,
                            .shear = 0.3f,
                            .elastic_alpha = 30,
                            .elastic_sigma = 4.5f,
                            .thickness = 0.7f};
}

bool augment_check(struct augment *o, uint32_t n_inputs, struct err *err)
{
    uint32_t side = (uint32_t)lround(sqrt((double)n_inputs));
    if (o->height == 0 && side * side == n_inputs && side >= 2 && side <= AUGMENT_SIDE_MAX)
        o->height = o->width = side;
    if (o->height < 2 || o->width < 2 || o->height > AUGMENT_SIDE_MAX || o->width > AUGMENT_SIDE_MAX ||
        o->height * o->width != n_inputs)
        return side_wrong(o, n_inputs, err);
    const struct {
        const char *field;
        float value, most;
    } limits[] = {{"shift", o->shift, AUGMENT_SIDE_MAX},
                  {"rotation", o->rotation, 180},
                  {"scale", o->scale, 0.9f},
                  {"shear", o->shear, 2},
                  {"thickness", o->thickness, 1},
                  {"elastic_alpha", o->elastic_alpha, 1000},
                  {"elastic_sigma", o->elastic_sigma, 32}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (limits[i].value >= 0 && limits[i].value <= limits[i].most)
            continue;
        err_set(err, ERR_INPUT, "augmentation: %s is %g, expected 0 to %g", limits[i].field,
                (double)limits[i].value, (double)limits[i].most);
        return err_field(err, "augmentation");
    }
    if (o->elastic_alpha > 0 && o->elastic_sigma < 0.5f)
        return err_set(err, ERR_INPUT,
                       "augmentation: elastic_alpha needs an elastic_sigma of at least 0.5 pixels") ||
               err_field(err, "augmentation");
    return true;
}

/* A Gaussian of sigma around each of n pixels, (pad16(n), pad16(n)). Its
 * weights would sum to one if the picture had no edges; near an edge they are
 * scaled so that the smoothed noise keeps its spread. */
static float *smoothing_new(uint32_t n, double sigma, double factor, bool transposed)
{
    uint32_t ld = pad16(n);
    float *matrix = aligned_zeros((size_t)ld * ld, sizeof *matrix);
    double sum = 0, squares = 0;
    int reach = (int)ceil(4 * sigma);
    for (int i = -reach; i <= reach; i++) {
        double g = elementary_exp(-i * i / (2 * sigma * sigma));
        sum += g;
        squares += g * g;
    }
    for (uint32_t i = 0; matrix != NULL && i < n; i++) {
        double within = 0;
        for (uint32_t k = 0; k < n; k++)
            within += elementary_exp(-((double)i - k) * ((double)i - k) / (sigma * sigma));
        for (uint32_t k = 0; k < n; k++) {
            double g = elementary_exp(-((double)i - k) * ((double)i - k) / (2 * sigma * sigma)) / sum *
                       sqrt(squares / within);
            matrix[transposed ? (size_t)k * ld + i : (size_t)i * ld + k] = (float)(g * factor);
        }
    }
    return matrix;
}

struct augmenter *augmenter_new(const struct augment *options, struct err *err)
{
    struct augmenter *a = calloc(1, sizeof *a);
    if (a == NULL) {
        err_memory(err, "the augmentation");
        return NULL;
    }
    *a = (struct augmenter){
        .options = *options, .n_rows = pad16(options->height), .ld = pad16(options->width)};
    if (options->elastic_alpha == 0)
        return a;
    double sigma = (double)options->elastic_sigma;
    a->across = smoothing_new(options->width, sigma, (double)options->elastic_alpha / 128, true);
    a->down = smoothing_new(options->height, sigma, 1, false);
    a->zeros = aligned_zeros(a->ld, sizeof *a->zeros);
    if (a->across != NULL && a->down != NULL && a->zeros != NULL)
        return a;
    augmenter_free(a);
    err_memory(err, "the augmentation");
    return NULL;
}

void augmenter_free(struct augmenter *a)
{
    if (a == NULL)
        return;
    free(a->across);
    free(a->down);
    free(a->zeros);
    free(a);
}

float *augmenter_scratch(const struct augmenter *a, struct err *err)
{
    size_t field = (size_t)2 * a->n_rows * a->ld;
    float *scratch = aligned_zeros(3 * field * sizeof(float) + 2 * border_size(&a->options), 1);
    if (scratch == NULL)
        err_memory(err, "the scratch of the augmentation");
    return scratch;
}

/* ---- a picture ---- */

/* Of -limit .. limit. */
static float draw(uint32_t word, float limit)
{
    return limit * ((float)(word >> 8) * 0x1p-23f - 1);
}

/* From places in the new picture to places in the old: x' = xx x + xy y + x0,
 * y' = yx x + yy y + y0, in pixels of the bordered picture. */
struct affine {
    float xx, xy, x0, yx, yy, y0;
};

/* New = shift (rotation (shear (scale (old)))) about the picture's middle; this
 * is the way back. */
static struct affine affine_draw(const struct augment *o, const uint32_t words[8])
{
    double angle = (double)draw(words[0], o->rotation) * ONE_DEGREE, shear = (double)draw(words[1], o->shear);
    double inverse_x = elementary_exp(-(double)draw(words[2], 1) * elementary_log1p((double)o->scale));
    double inverse_y = elementary_exp(-(double)draw(words[3], 1) * elementary_log1p((double)o->scale));
    double c, s, cx = (o->width - 1) / 2.0, cy = (o->height - 1) / 2.0;
    elementary_sincos(angle, &s, &c);
    double xx = (c - shear * -s) * inverse_x, xy = (s - shear * c) * inverse_x, yx = -s * inverse_y,
           yy = c * inverse_y;
    double tx = cx + (double)draw(words[4], o->shift), ty = cy + (double)draw(words[5], o->shift);
    return (struct affine){(float)xx, (float)xy, (float)(cx + 1 - xx * tx - xy * ty),
                           (float)yx, (float)yy, (float)(cy + 1 - yx * tx - yy * ty)};
}

static inline uint8_t most(uint8_t a, uint8_t b)
{
    return a > b ? a : b;
}

static inline uint8_t least(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

/* Strokes thicker (amount up to 1: by a pixel on each side) or, below zero,
 * thinner: towards the largest or least of a pixel and its four neighbours. */
static void thicken(const uint8_t *old, uint8_t *thick, const struct augment *o, float amount)
{
    size_t ld = o->width + 2;
    int part = (int)(fabsf(amount) * 256);
    for (uint32_t y = 1; y <= o->height; y++) {
        const uint8_t *up = old + (y - 1) * ld, *at = up + ld, *down = at + ld;
        uint8_t *to = thick + y * ld;
        if (amount > 0)
            for (uint32_t x = 1; x <= o->width; x++)
                to[x] = most(most(up[x], down[x]), most(at[x], most(at[x - 1], at[x + 1])));
        else
            for (uint32_t x = 1; x <= o->width; x++)
                to[x] = least(least(up[x], down[x]), least(at[x], least(at[x - 1], at[x + 1])));
        for (uint32_t x = 1; x <= o->width; x++)
            to[x] = (uint8_t)(at[x] + (to[x] - at[x]) * part / 256);
    }
}

/* The field of displacements: uniform noise of -alpha .. alpha at each pixel,
 * smoothed. */
static void field_draw(const struct augmenter *a, uint64_t seed, uint64_t stream, uint64_t index,
                       const struct parts *p)
{
    const struct kernels *kernels = kernels_get();
    for (uint32_t row = 0; row < 2 * a->n_rows; row++) {
        if (row % a->n_rows >= a->options.height)
            continue; /* padding stays zero */
        for (uint32_t x = 0; x < a->ld; x += 16, index++) {
            uint32_t words[4];
            int8_t bytes[16];
            rng_words(seed, stream, index, words);
            memcpy(bytes, words, sizeof bytes);
            float *noise = p->noise + (size_t)row * a->ld + x;
            for (int i = 0; i < 16; i++) /* what falls beyond the width meets weights of zero */
                noise[i] = (float)bytes[i] + 0.5f;
        }
    }
    kernels->forward(p->noise, a->ld, 2 * a->n_rows, a->across, a->zeros, a->ld, a->ld, false, p->half,
                     a->ld);
    for (uint32_t i = 0; i < 2; i++) {
        size_t at = (size_t)i * a->n_rows * a->ld;
        kernels->forward(a->down, a->n_rows, a->n_rows, p->half + at, a->zeros, a->n_rows, a->ld, false,
                         p->field + at, a->ld);
    }
}

/* A row of places looked up in the bordered picture. x, y: places within it, at
 * most 0.001 short of its last column and row. */
static void sample_row(const uint8_t *picture, uint32_t ld, const float *x, const float *y, uint32_t n,
                       uint8_t *to)
{
    for (uint32_t i = 0; i < n; i++) {
        int left = (int)x[i], top = (int)y[i];
        const uint8_t *at = picture + (uint32_t)top * ld + (uint32_t)left;
        float fx = x[i] - (float)left, fy = y[i] - (float)top;
        float upper = (float)at[0] + fx * (float)(at[1] - at[0]);
        float lower = (float)at[ld] + fx * (float)(at[ld + 1] - at[ld]);
        to[i] = (uint8_t)(int)(upper + fy * (lower - upper) + 0.5f);
    }
}

static inline float within(float x, float most_x)
{
    x = x > 0 ? x : 0;
    return x < most_x ? x : most_x;
}

static void warp(const struct augmenter *a, const uint8_t *picture, const struct affine *m,
                 const float *field, uint8_t *bytes)
{
    uint32_t width = a->options.width, height = a->options.height;
    float x[AUGMENT_SIDE_MAX], y[AUGMENT_SIDE_MAX], most_x = (float)width + 0.999f,
                                                    most_y = (float)height + 0.999f;
    for (uint32_t row = 0; row < height; row++) {
        const float *dx = field + (size_t)row * a->ld, *dy = dx + (size_t)a->n_rows * a->ld;
        float row_x = m->x0 + m->xy * (float)row, row_y = m->y0 + m->yy * (float)row;
        for (uint32_t i = 0; i < width; i++) {
            x[i] = within(row_x + m->xx * (float)i + dx[i], most_x);
            y[i] = within(row_y + m->yx * (float)i + dy[i], most_y);
        }
        sample_row(picture, width + 2, x, y, width, bytes + (size_t)row * width);
    }
}

void augment_bytes(const struct augmenter *a, uint64_t seed, uint32_t epoch, uint32_t row, uint8_t *bytes,
                   float *scratch)
{
    const struct augment *o = &a->options;
    struct parts p = parts_of(a, scratch);
    uint64_t stream = rng_stream(RNG_AUGMENT, epoch), index = (uint64_t)row << 16;
    uint32_t words[8];
    rng_words(seed, stream, index, words);
    rng_words(seed, stream, index + 1, words + 4);
    for (uint32_t y = 0; y < o->height; y++)
        memcpy(p.old + (size_t)(y + 1) * (o->width + 2) + 1, bytes + (size_t)y * o->width, o->width);
    const uint8_t *picture = p.old;
    if (o->thickness > 0) {
        thicken(p.old, p.thick, o, draw(words[6], o->thickness));
        picture = p.thick;
    }
    if (a->across != NULL)
        field_draw(a, seed, stream, index + NOISE_AT, &p);
    struct affine m = affine_draw(o, words);
    warp(a, picture, &m, p.field, bytes);
}
