/* Photographed paper made white: its shade is estimated by tiles and taken
 * away, its grain smoothed, and the ink's contrast stretched.
 *
 * Tiles' medians know no grain. Closing them (the largest of a window, then the
 * smallest) fills what is darker and narrower than the window, which is ink,
 * and leaves shadows as they are. */
#include "mlp/digit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TILES_MAX 14  /* each way */
#define TILE_MIN 4    /* pixels of a side */
#define REACH_TILES 3 /* of the window, to each side */
#define N_TERMS 6
#define FIT_TURNS 8
#define DARK_LEVELS 25 /* below the surface: ink, or a shadow */
#define DARK_WEIGHT 0.01
#define SIGHT_TILES 4   /* around a tile, that tell ink from paper */
#define EVEN_LEVELS 4   /* greys that one even paper may differ by */
#define GRAIN_SIDE 280  /* pixels of a side for one pixel of smoothing to each side */
#define INK_LEVELS 24   /* less contrast is no ink */
#define INK_SHARE 0.002 /* of all pixels that count as the darkest ink */
#define FAINT 0.3f      /* of the darkest ink's contrast: paper up to here */
#define FULL 0.7f       /* full ink from here */

struct paper {
    uint8_t *grey;                        /* (height, width) */
    uint32_t width, height, across, down; /* pixels, tiles */
    float tiles[TILES_MAX * TILES_MAX];   /* (down, across) */
    double surface[N_TERMS];              /* as terms_at has them */
};

/* The level that `share` of the counted pixels do not exceed. */
static uint8_t level_at(const uint32_t counts[256], double share)
{
    uint64_t n = 0, sum = 0;
    uint8_t level = 0;
    for (int i = 0; i < 256; i++)
        n += counts[i];
    while (level < 255 && (double)(sum += counts[level]) < share * (double)n)
        level++;
    return level;
}

static void edge_count(const struct paper *paper, uint32_t counts[256])
{
    memset(counts, 0, 256 * sizeof *counts);
    for (uint32_t x = 0; x < paper->width; x++) {
        counts[paper->grey[x]]++;
        counts[paper->grey[(size_t)(paper->height - 1) * paper->width + x]]++;
    }
    for (uint32_t y = 0; y < paper->height; y++) {
        counts[paper->grey[(size_t)y * paper->width]]++;
        counts[paper->grey[(size_t)y * paper->width + paper->width - 1]]++;
    }
}

/* Whether fewer than half of the edge's pixels have about its median's grey:
 * ink that touches the edge of even paper is not enough. */
static bool is_uneven(const struct paper *paper)
{
    uint32_t counts[256], n_near = 0;
    edge_count(paper, counts);
    int median = level_at(counts, 0.5);
    for (int i = median - EVEN_LEVELS; i <= median + EVEN_LEVELS; i++)
        n_near += i >= 0 && i < 256 ? counts[i] : 0;
    return n_near < paper->width + paper->height;
}

/* The mean of 2 * reach + 1 values along a line, fewer at its ends. */
static void line_smooth(const uint8_t *from, uint8_t *to, uint32_t n, size_t step, uint32_t reach)
{
    uint32_t sum = 0, count = 0;
    for (uint32_t i = 0; i < n + reach; i++) {
        if (i < n) {
            sum += from[i * step];
            count++;
        }
        if (i > 2 * reach) {
            sum -= from[(i - 2 * reach - 1) * step];
            count--;
        }
        if (i >= reach)
            to[(i - reach) * step] = (uint8_t)((sum + count / 2) / count);
    }
}

static void grain_smooth(struct paper *paper, uint8_t *scratch)
{
    uint32_t side = paper->width < paper->height ? paper->width : paper->height, reach = side / GRAIN_SIDE;
    if (reach == 0 && side >= GRAIN_SIDE / 3)
        reach = 1;
    if (2 * reach + 1 > side || reach == 0)
        return;
    for (uint32_t y = 0; y < paper->height; y++)
        line_smooth(paper->grey + (size_t)y * paper->width, scratch + (size_t)y * paper->width, paper->width,
                    1, reach);
    for (uint32_t x = 0; x < paper->width; x++)
        line_smooth(scratch + x, paper->grey + x, paper->height, paper->width, reach);
}

static void tiles_take(struct paper *paper)
{
    for (uint32_t t = 0; t < paper->down * paper->across; t++) {
        uint32_t counts[256] = {0}, i = t % paper->across, j = t / paper->across;
        for (uint32_t y = j * paper->height / paper->down; y < (j + 1) * paper->height / paper->down; y++)
            for (uint32_t x = i * paper->width / paper->across; x < (i + 1) * paper->width / paper->across;
                 x++)
                counts[paper->grey[(size_t)y * paper->width + x]]++;
        paper->tiles[t] = level_at(counts, 0.5);
    }
}

/* What the surface is a sum of, at a tile. */
static void terms_at(const struct paper *paper, uint32_t tile, double terms[N_TERMS])
{
    double u = 2.0 * (tile % paper->across) / (paper->across - 1) - 1,
           v = 2.0 * (tile / paper->across) / (paper->down - 1) - 1;
    const double values[N_TERMS] = {1, u, v, u * u, u * v, v * v};
    memcpy(terms, values, sizeof values);
}

static double surface_at(const struct paper *paper, uint32_t tile)
{
    double terms[N_TERMS], sum = 0;
    terms_at(paper, tile, terms);
    for (int i = 0; i < N_TERMS; i++)
        sum += paper->surface[i] * terms[i];
    return sum;
}

/* Gauss: the last column becomes the solution. The matrix is positive definite:
 * no row has to be exchanged. */
static void solve(double matrix[N_TERMS][N_TERMS + 1])
{
    for (int k = 0; k < N_TERMS; k++) {
        for (int j = N_TERMS; j >= k; j--)
            matrix[k][j] /= matrix[k][k];
        for (int i = 0; i < N_TERMS; i++)
            for (int j = N_TERMS; i != k && j >= k; j--)
                matrix[i][j] -= matrix[i][k] * matrix[k][j];
    }
}

/* The light's own shape, by asymmetric least squares: what is darker than the
 * surface is ink, and hardly counts. Closing alone would flatten it near the
 * edges. */
static void surface_fit(struct paper *paper)
{
    for (int turn = 0; turn < FIT_TURNS; turn++) {
        double matrix[N_TERMS][N_TERMS + 1] = {{0}}, terms[N_TERMS];
        for (uint32_t t = 0; t < paper->down * paper->across; t++) {
            double weight =
                turn > 0 && paper->tiles[t] < surface_at(paper, t) - DARK_LEVELS ? DARK_WEIGHT : 1;
            terms_at(paper, t, terms);
            for (int i = 0; i < N_TERMS; i++) {
                for (int j = 0; j < N_TERMS; j++)
                    matrix[i][j] += weight * terms[i] * terms[j];
                matrix[i][N_TERMS] += weight * terms[i] * paper->tiles[t];
            }
        }
        solve(matrix);
        for (int i = 0; i < N_TERMS; i++)
            paper->surface[i] = matrix[i][N_TERMS];
    }
}

/* sign -1: take it away; 1: put it back. */
static void surface_add(struct paper *paper, float sign)
{
    for (uint32_t t = 0; t < paper->down * paper->across; t++)
        paper->tiles[t] += sign * (float)surface_at(paper, t);
}

/* Whether the ink is light: tiles that differ from the median around them are
 * lighter. Paper differs little, ink a lot, which the cubes tell. */
static bool ink_is_light(const struct paper *paper)
{
    int across = (int)paper->across, down = (int)paper->down;
    double cubes = 0;
    for (int t = 0; t < down * across; t++) {
        uint32_t counts[256] = {0};
        for (int j = t / across - SIGHT_TILES; j <= t / across + SIGHT_TILES; j++)
            for (int i = t % across - SIGHT_TILES; i <= t % across + SIGHT_TILES; i++)
                if (i >= 0 && j >= 0 && i < across && j < down)
                    counts[(uint8_t)paper->tiles[j * across + i]]++;
        double lighter = (double)paper->tiles[t] - level_at(counts, 0.5);
        cubes += lighter * lighter * lighter;
    }
    return cubes > 0;
}

/* Each tile becomes the largest (sign 1) or smallest (-1) of its window. */
static void window_most(struct paper *paper, float sign)
{
    float most[TILES_MAX * TILES_MAX];
    int across = (int)paper->across, down = (int)paper->down;
    for (int t = 0; t < down * across; t++) {
        most[t] = -INFINITY;
        for (int j = t / across - REACH_TILES; j <= t / across + REACH_TILES; j++)
            for (int i = t % across - REACH_TILES; i <= t % across + REACH_TILES; i++)
                if (i >= 0 && j >= 0 && i < across && j < down)
                    most[t] = fmaxf(most[t], sign * paper->tiles[j * across + i]);
    }
    for (int t = 0; t < down * across; t++)
        paper->tiles[t] = sign * most[t];
}

/* The paper's shade at a pixel, between the middles of the tiles around it. */
static float shade_at(const struct paper *paper, uint32_t x, uint32_t y)
{
    float u = ((float)x + 0.5f) * (float)paper->across / (float)paper->width - 0.5f,
          v = ((float)y + 0.5f) * (float)paper->down / (float)paper->height - 0.5f;
    u = fminf(fmaxf(u, 0), (float)(paper->across - 1));
    v = fminf(fmaxf(v, 0), (float)(paper->down - 1));
    uint32_t i = (uint32_t)u, j = (uint32_t)v, right = i + 1 < paper->across, below = j + 1 < paper->down;
    const float *tile = paper->tiles + j * paper->across + i, *under = tile + below * paper->across;
    u -= (float)i;
    v -= (float)j;
    return (1 - v) * ((1 - u) * tile[0] + u * tile[right]) + v * ((1 - u) * under[0] + u * under[right]);
}

/* How much darker each pixel is than its paper, in place. */
static void contrast_take(struct paper *paper, uint32_t counts[256])
{
    memset(counts, 0, 256 * sizeof *counts);
    for (uint32_t y = 0; y < paper->height; y++)
        for (uint32_t x = 0; x < paper->width; x++) {
            uint8_t *pixel = paper->grey + (size_t)y * paper->width + x;
            float darker = shade_at(paper, x, y) - *pixel;
            *pixel = (uint8_t)fminf(fmaxf(darker + 0.5f, 0), 255); /* a fitted shade may leave 0 .. 255 */
            counts[*pixel]++;
        }
}

/* Contrast becomes ink on white; as it was where there is none. */
static void ink_stretch(struct paper *paper, const uint32_t counts[256])
{
    uint8_t levels[256];
    float darkest = level_at(counts, 1 - INK_SHARE);
    for (int i = 0; i < 256; i++) {
        float ink = ((float)i / darkest - FAINT) / (FULL - FAINT);
        levels[i] = (uint8_t)(darkest < INK_LEVELS ? 255 : 255.5f - 255 * fminf(fmaxf(ink, 0), 1));
    }
    for (size_t i = 0; i < (size_t)paper->width * paper->height; i++)
        paper->grey[i] = levels[paper->grey[i]];
}

bool digit_even_paper(uint8_t *grey, uint32_t width, uint32_t height, uint8_t *scratch)
{
    struct paper paper = {.grey = grey, .width = width, .height = height};
    uint32_t counts[256];
    paper.across = width / TILE_MIN < TILES_MAX ? width / TILE_MIN : TILES_MAX;
    paper.down = height / TILE_MIN < TILES_MAX ? height / TILE_MIN : TILES_MAX;
    if (paper.across < 2 * REACH_TILES || paper.down < 2 * REACH_TILES || !is_uneven(&paper))
        return false;
    grain_smooth(&paper, scratch);
    tiles_take(&paper);
    if (ink_is_light(&paper)) {
        for (size_t i = 0; i < (size_t)width * height; i++)
            grey[i] = (uint8_t)(255 - grey[i]);
        tiles_take(&paper);
    }
    surface_fit(&paper);
    surface_add(&paper, -1);
    window_most(&paper, 1);
    window_most(&paper, -1);
    surface_add(&paper, 1);
    contrast_take(&paper, counts);
    ink_stretch(&paper, counts);
    return true;
}
