/* Kernels: every instruction set against plain loops at odd sizes, and the
 * sparse functions against the dense ones bit for bit. */
#include "helper_main.h"
#include "kernels/kernels.h"
#include "mlp/cpu.h"
#include "mlp/train.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"generic", "avx2", "avx512"};
#define N_NAMES 3

static uint32_t seed = 1;

static float random_float(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / (float)(1 << 23) - 1.0f;
}

static void *aligned(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
    ck_assert_ptr_nonnull(p);
    memset(p, 0, bytes);
    return p;
}

static float *random_floats(size_t n)
{
    float *p = aligned(n * sizeof *p);
    for (size_t i = 0; i < n; i++)
        p[i] = random_float();
    return p;
}

/* Where weight (k, o) lies: panels of 128 outputs. */
static size_t weight_index(uint32_t n_in, uint32_t n_out, uint32_t k, uint32_t o)
{
    uint32_t panel = o / 128 * 128, width = n_out - panel < 128 ? n_out - panel : 128;
    return (size_t)panel * n_in + (size_t)k * width + (o - panel);
}

/* Kernels of this loop index, or NULL where this machine cannot run them. */
static const struct kernels *kernels_at(int i)
{
    const struct kernels *kernels = kernels_force(names[i]) ? kernels_get() : NULL;
    if (kernels != NULL)
        ck_assert_str_eq(kernels->name, names[i]);
    ck_assert(kernels_force(NULL));
    return kernels;
}

static const uint32_t widths[] = {16, 32, 48, 64, 80, 96, 112, 128, 144, 176, 256, 272, 400};
#define N_WIDTHS (sizeof widths / sizeof widths[0])

/* forward of rows as lists: whole ones, or halves joined. */
static void forward_lists(const struct kernels *kernels, struct lists *lists, const float *x, size_t ldx,
                          const float *w, const float *bias, uint32_t n_in, uint32_t n_out, bool relu,
                          float *y, size_t ldy)
{
    uint32_t half = inputs_half(n_in);
    float *second = aligned(lists->n_rows * ldy * sizeof *second);
    ck_assert(n_in < 256 ? half == n_in : half % 16 == 0 && half < n_in && half + 16 >= n_in - half);
    for (lists->begin = 0; lists->begin < n_in; lists->begin = lists->end) {
        lists->end = lists->begin == 0 ? half : n_in;
        for (uint32_t r = 0; r < lists->n_rows; r++)
            lists->counts[r] =
                kernels->list_floats(x + r * ldx, lists->begin, lists->end, lists->columns + r * lists->ld,
                                     lists->values + r * lists->ld);
        kernels->forward_sparse(lists, w, lists->begin == 0 ? bias : NULL, n_in, n_out, relu && half == n_in,
                                lists->begin == 0 ? y : second, ldy);
    }
    for (uint32_t r = 0; half < n_in && r < lists->n_rows; r++)
        kernels->join(y + r * ldy, second + r * ldy, n_out, relu, y + r * ldy);
    free(second);
}

static void check_forward(const struct kernels *kernels, uint32_t n_rows, uint32_t n_in, uint32_t n_out,
                          bool relu)
{
    size_t ldx = n_in + 16, ldy = n_out + 32;
    float *x = random_floats(n_rows * ldx), *w = random_floats((size_t)n_in * n_out),
          *bias = random_floats(n_out), *y = random_floats(n_rows * ldy);
    for (size_t i = 0; i < n_rows * ldx; i += 3)
        x[i] = 0; /* some zeros for the lists */
    kernels->forward(x, ldx, n_rows, w, bias, n_in, n_out, relu, y, ldy);
    float *rows = aligned(n_rows * ldy * sizeof *rows), *row = aligned(ldy * sizeof *row);
    struct lists lists = {.ld = n_in + 32, .n_rows = n_rows < LISTS_MAX ? n_rows : LISTS_MAX};
    lists.columns = aligned(n_rows * lists.ld * sizeof *lists.columns);
    lists.values = aligned(n_rows * lists.ld * sizeof *lists.values);
    forward_lists(kernels, &lists, x, ldx, w, bias, n_in, n_out, relu, rows, ldy);
    for (uint32_t r = 0; r < lists.n_rows; r++)
        ck_assert_msg(memcmp(rows + r * ldy, y + r * ldy, n_out * sizeof *row) == 0,
                      "%s: lists differ at %u x %u", kernels->name, n_in, n_out);
    lists.n_rows = 1;
    for (uint32_t r = 0; r < n_rows; r++) {
        for (uint32_t o = 0; o < n_out; o++) {
            double sum = (double)bias[o], size = 1;
            for (uint32_t k = 0; k < n_in; k++) {
                double term = (double)x[r * ldx + k] * (double)w[weight_index(n_in, n_out, k, o)];
                sum += term;
                size += fabs(term);
            }
            double want = relu && sum < 0 ? 0 : sum;
            ck_assert_msg(fabs((double)y[r * ldy + o] - want) <= 1e-6 * size,
                          "%s forward %u x %u, row %u output %u: %g, not %g", kernels->name, n_in, n_out, r,
                          o, (double)y[r * ldy + o], want);
        }
        forward_lists(kernels, &lists, x + r * ldx, ldx, w, bias, n_in, n_out, relu, row, ldy);
        ck_assert_msg(memcmp(row, y + r * ldy, n_out * sizeof *row) == 0, "%s: a list differs at %u x %u",
                      kernels->name, n_in, n_out);
    }
    free(x);
    free(w);
    free(bias);
    free(y);
    free(row);
    free(rows);
    free(lists.values);
    free(lists.columns);
}

START_TEST(forward_agrees_with_plain_loops_and_lists_give_its_bits)
{
    const struct kernels *kernels = kernels_at(_i);
    if (kernels == NULL)
        return;
    for (size_t i = 0; i < N_WIDTHS; i++)
        for (uint32_t n_rows = 8; n_rows <= 40; n_rows += 8)
            check_forward(kernels, n_rows, widths[(i * 5 + n_rows / 8) % N_WIDTHS], widths[i],
                          n_rows % 16 == 0);
    /* more inputs than are near at a time, in one half and in each of two, and
     * more rows */
    static const uint32_t deep[] = {240, 256, 512, 528, 560, 1040, 1296};
    for (size_t i = 0; i < sizeof deep / sizeof *deep; i++)
        check_forward(kernels, i % 2 ? 72 : 8, deep[i], widths[i], i % 3 == 0);
}
END_TEST

static void check_delta(const struct kernels *kernels, uint32_t n_rows, uint32_t n_in, uint32_t n_out,
                        bool relu)
{
    size_t ldx = n_in + 16, lddy = n_out;
    float *dy = random_floats(n_rows * lddy), *w = random_floats((size_t)n_in * n_out),
          *x = random_floats(n_rows * ldx), *dx = random_floats(n_rows * ldx),
          *scratch = aligned((n_out + 32) * n_rows * sizeof *scratch);
    kernels->delta(dy, lddy, n_rows, w, n_in, n_out, x, relu ? DERIVATIVE_RELU : DERIVATIVE_ONE, dx, ldx,
                   scratch);
    for (uint32_t r = 0; r < n_rows; r++) {
        for (uint32_t k = 0; k < n_in; k++) {
            double sum = 0, size = 1;
            for (uint32_t o = 0; o < n_out; o++) {
                double term = (double)dy[r * lddy + o] * (double)w[weight_index(n_in, n_out, k, o)];
                sum += term;
                size += fabs(term);
            }
            double want = relu && !(x[r * ldx + k] > 0) ? 0 : sum;
            ck_assert_msg(fabs((double)dx[r * ldx + k] - want) <= 1e-6 * size,
                          "%s delta %u x %u row %u input %u", kernels->name, n_in, n_out, r, k);
        }
    }
    free(dy);
    free(w);
    free(x);
    free(dx);
    free(scratch);
}

START_TEST(delta_agrees_with_plain_loops)
{
    const struct kernels *kernels = kernels_at(_i);
    if (kernels == NULL)
        return;
    for (size_t i = 0; i < N_WIDTHS; i++)
        for (uint32_t n_rows = 16; n_rows <= 80; n_rows += 16)
            check_delta(kernels, n_rows, widths[(i * 3 + n_rows / 16) % N_WIDTHS], widths[i],
                        n_rows % 32 == 0);
}
END_TEST

static void check_gradient(const struct kernels *kernels, uint32_t n_rows, uint32_t width)
{
    size_t ldx = 48, lddy = width + 16, ldxt = n_rows + 64;
    const float scale = 1.0f / 255.0f;
    float byte_values[256];
    for (int i = 0; i < 256; i++)
        byte_values[i] = (float)i * scale;
    uint8_t *xt = aligned(16 * ldxt);
    float *x = aligned(n_rows * ldx * sizeof *x), *dy = random_floats(n_rows * lddy),
          *g = random_floats(16 * width), *start = aligned(16 * width * sizeof *start),
          *sparse = aligned(16 * width * sizeof *sparse);
    memcpy(start, g, 16 * width * sizeof *g);
    memcpy(sparse, g, 16 * width * sizeof *g);
    for (uint32_t r = 0; r < n_rows; r++) {
        for (uint32_t k = 0; k < 16; k++) {
            xt[k * ldxt + r] = (uint8_t)(random_float() < 0 ? 0 : (random_float() + 1) * 127);
            x[r * ldx + k] = (float)xt[k * ldxt + r] * scale;
        }
    }
    kernels->gradient(x, ldx, dy, lddy, n_rows, width, NULL, g);
    kernels->gradient_sparse(xt, ldxt, byte_values, dy, lddy, n_rows, width, true, sparse);
    ck_assert_msg(memcmp(g, sparse, 16 * width * sizeof *g) == 0, "%s: sparse gradient differs at width %u",
                  kernels->name, width);
    float *zero = aligned(16 * width * sizeof *zero);
    const float *soon[3] = {start, NULL, zero}; /* to be asked for, never to change anything */
    kernels->gradient(x, ldx, dy, lddy, n_rows, width, soon, zero);
    kernels->gradient_sparse(xt, ldxt, byte_values, dy, lddy, n_rows, width, false, sparse);
    ck_assert_msg(memcmp(zero, sparse, 16 * width * sizeof *zero) == 0,
                  "%s: a new sparse gradient differs at width %u", kernels->name, width);
    free(zero);
    for (uint32_t k = 0; k < 16; k++) {
        for (uint32_t o = 0; o < width; o++) {
            double sum = (double)start[k * width + o];
            for (uint32_t r = 0; r < n_rows; r++)
                sum += (double)x[r * ldx + k] * (double)dy[r * lddy + o];
            ck_assert_double_eq_tol((double)g[k * width + o], sum, 1e-6 * (n_rows + 1));
        }
    }
    free(xt);
    free(x);
    free(dy);
    free(g);
    free(start);
    free(sparse);
}

START_TEST(gradient_agrees_with_plain_loops_and_sparse_gives_its_bits)
{
    const struct kernels *kernels = kernels_at(_i);
    if (kernels == NULL)
        return;
    for (uint32_t width = 16; width <= 128; width += 16)
        for (uint32_t n_rows = 64; n_rows <= 192; n_rows += 64)
            check_gradient(kernels, n_rows, width);
}
END_TEST

START_TEST(bias_gradient_sums_rows_in_order)
{
    const struct kernels *kernels = kernels_at(_i);
    if (kernels == NULL)
        return;
    float *dy = random_floats(37 * 64), *g = random_floats(48), want[48];
    memcpy(want, g, sizeof want);
    for (int r = 0; r < 37; r++)
        for (int o = 0; o < 48; o++)
            want[o] += dy[r * 64 + o];
    kernels->gradient_bias(dy, 64, 37, 48, g);
    ck_assert_mem_eq(g, want, sizeof want);
    free(dy);
    free(g);
}
END_TEST

START_TEST(adam_agrees_with_double_precision)
{
    const struct kernels *kernels = kernels_at(_i);
    if (kernels == NULL)
        return;
    enum { n = 4096 };
    float *p = random_floats(n), *m = random_floats(n), *v = random_floats(n), *g = random_floats(n);
    struct update u = {
        .rate = 0.01f, .beta_1 = 0.9f, .beta_2 = 0.999f, .epsilon = 1e-8f, .inv_sqrt_correction = 3.0f};
    for (int i = 0; i < n; i++) {
        /* over 60 decades, zero among them */
        v[i] = i % 16 == 0 ? 0 : v[i] * v[i] * powf(10, (float)(i % 60) - 50);
        g[i] = i % 16 == 0 ? 0 : g[i] * powf(10, (float)(i % 60) / 2 - 25);
        m[i] = i % 32 == 0 ? 0 : g[i];
    }
    double *want = malloc(n * sizeof *want), *size = malloc(n * sizeof *size);
    for (int i = 0; i < n; i++) {
        double mi = 0.9f * (double)m[i] + (double)(1 - 0.9f) * (double)g[i];
        double vi = 0.999f * (double)v[i] + (double)(1 - 0.999f) * (double)g[i] * (double)g[i];
        double direction = mi / (sqrt(vi) * 3.0 + (double)1e-8f);
        size[i] = 0.01 * fabs(direction);
        want[i] = (double)p[i] - 0.01f * direction;
    }
    ck_assert(kernels->update[OPTIMIZER_ADAM](p, m, v, g, n, &u));
    for (int i = 0; i < n; i++)
        ck_assert_msg(fabs((double)p[i] - want[i]) <= 1.2e-7 * fabs(want[i]) + 1e-6 * size[i] + 1e-12,
                      "%s: parameter %d is %.9g, not %.9g", kernels->name, i, (double)p[i], want[i]);
    g[5] = NAN;
    ck_assert(!kernels->update[OPTIMIZER_ADAM](p, m, v, g, n, &u));
    p[7] = INFINITY;
    g[5] = 0;
    ck_assert(!kernels->update[OPTIMIZER_SGD](p, NULL, NULL, g, 16, &u));
    free(p);
    free(m);
    free(v);
    free(g);
    free(want);
    free(size);
}
END_TEST

START_TEST(exp_sum_is_close_to_exp)
{
    const struct kernels *kernels = kernels_at(_i);
    if (kernels == NULL)
        return;
    for (uint32_t n = 1; n <= 40; n++) {
        float *y = aligned(64 * sizeof *y);
        double want[64], sum = 0;
        for (uint32_t i = 0; i < n; i++) {
            y[i] = i == 0 ? 3.0f : 3.0f - 40 * (random_float() + 1);
            want[i] = exp((double)y[i] - 3.0);
            sum += want[i];
        }
        double got = (double)kernels->exp_sum(y, n, 3.0f);
        ck_assert_double_eq_tol(got, sum, 1e-6 * sum);
        for (uint32_t i = 0; i < n; i++)
            ck_assert_double_eq_tol((double)y[i], want[i], 4e-7 * want[i] + 1e-37);
        for (uint32_t i = n; i % 16 != 0; i++)
            ck_assert(y[i] == 0);
        y[0] = NAN;
        ck_assert(isnan(kernels->exp_sum(y, n, 0)));
        free(y);
    }
}
END_TEST

/* Leave a stack full of ones to whoever is called next. */
static __attribute__((noinline)) void stack_fill(void)
{
    volatile uint8_t bytes[8192];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = 0xff;
}

/* Whatever was on the stack before: a count once took bits of it where a mask
 * had been put there. */
START_TEST(lists_are_as_long_as_what_they_hold)
{
    const struct kernels *kernels = kernels_at(_i);
    if (kernels == NULL)
        return;
    for (uint32_t n = 16; n <= 96; n += 16) {
        float *x = random_floats(n), *values = aligned((n + 32) * sizeof *values);
        uint8_t *bytes = aligned(n);
        uint16_t *columns = aligned((n + 32) * sizeof *columns);
        memset(bytes, 1, n);
        for (uint32_t some = n - 15; some <= n; some++) {
            stack_fill();
            ck_assert_uint_eq(kernels->list_floats(x, 0, some, columns, values), some);
        }
        stack_fill();
        ck_assert_uint_eq(kernels->list_bytes(bytes, 0, n, 1, columns, values), n);
        free(x);
        free(values);
        free(bytes);
        free(columns);
    }
}
END_TEST

START_TEST(lists_scale_and_transpose)
{
    const struct kernels *kernels = kernels_at(_i);
    if (kernels == NULL)
        return;
    enum { n = 112 };
    uint8_t *rows = aligned(16 * n), *out = aligned(n * 32);
    float *x = aligned(n * sizeof *x), *values = aligned((n + 32) * sizeof *values);
    uint16_t *columns = aligned((n + 32) * sizeof *columns);
    for (int i = 0; i < 16 * n; i++)
        rows[i] = random_float() < 0.3f ? 0 : (uint8_t)(i * 7);
    kernels->transpose_bytes(rows, n, n, out, 32);
    for (int r = 0; r < 16; r++)
        for (int k = 0; k < n; k++)
            ck_assert_uint_eq(out[k * 32 + r], rows[r * n + k]);
    kernels->scale_bytes(rows, n, 0.5f, x);
    uint32_t count = kernels->list_bytes(rows, 0, n, 0.5f, columns, values), seen = 0;
    for (uint32_t k = 0; k < n; k++) {
        ck_assert(x[k] == (float)rows[k] * 0.5f);
        if (rows[k] != 0) {
            ck_assert_uint_eq(columns[seen], k);
            ck_assert(values[seen] == x[k]);
            seen++;
        }
    }
    ck_assert_uint_eq(count, seen);
    x[3] = NAN;
    x[n - 2] = 1;
    count = kernels->list_floats(x, 0, n - 1, columns, values);
    ck_assert(isnan(values[columns[3] == 3 ? 3 : columns[2] == 3 ? 2 : columns[1] == 3 ? 1 : 0]));
    ck_assert_uint_eq(columns[count - 1], n - 2);
    free(rows);
    free(out);
    free(x);
    free(values);
    free(columns);
}
END_TEST

/* Of a row's n sums, at any address: against plain loops in double
 * precision. */
static void check_normalize(const struct kernels *kernels, uint32_t n)
{
    float *block = random_floats(6 * (size_t)n + 1), *y = block + 1, *gain = y + n, *offset = gain + n,
          *d = offset + n, *normal = d + n, *passed = normal + n;
    double *x = malloc(n * sizeof *x), mean = 0, variance = 0, sum = 0, along = 0;
    for (uint32_t i = 0; i < n; i++) {
        y[i] += 100; /* a mean far from zero loses nothing but its own digits */
        mean += (double)y[i] / n;
    }
    for (uint32_t i = 0; i < n; i++)
        variance += ((double)y[i] - mean) * ((double)y[i] - mean) / n;
    double inverse = 1 / sqrt(variance + 1e-5);
    for (uint32_t i = 0; i < n; i++)
        x[i] = ((double)y[i] - mean) * inverse;
    float got = kernels->normalize(y, n, gain, offset, normal);
    ck_assert_double_eq_tol((double)got / inverse, 1, 1e-3);
    for (uint32_t i = 0; i < n; i++) {
        ck_assert_msg(fabs((double)normal[i] - x[i]) < 2e-3, "%s: %u of %u: %g, not %g", kernels->name, i, n,
                      (double)normal[i], x[i]);
        ck_assert_double_eq_tol((double)y[i], (double)normal[i] * (double)gain[i] + (double)offset[i], 1e-5);
        x[i] = (double)normal[i];
        sum += (double)d[i] * (double)gain[i] / n;
        along += (double)d[i] * (double)gain[i] * x[i] / n;
    }
    float *before = malloc(n * sizeof *before);
    memcpy(before, d, n * sizeof *before);
    kernels->normalize_delta(d, n, gain, got, normal, passed);
    for (uint32_t i = 0; i < n; i++) {
        double want = (double)got * ((double)before[i] * (double)gain[i] - sum - x[i] * along);
        ck_assert_msg(fabs((double)d[i] - want) < 1e-5 * (1 + (double)got), "%s: delta %u of %u: %g, not %g",
                      kernels->name, i, n, (double)d[i], want);
        ck_assert(passed[i] == before[i]);
        ck_assert_double_eq_tol((double)normal[i], x[i] * (double)before[i], 1e-5);
    }
    free(before);
    free(x);
    free(block);
}

START_TEST(normalisation_agrees_with_plain_loops)
{
    const struct kernels *kernels = kernels_at(_i);
    for (uint32_t n = 2; kernels != NULL && n <= 70; n++)
        check_normalize(kernels, n);
    if (kernels != NULL)
        check_normalize(kernels, 1000);
    /* Sums that are all the same have no spread: what comes out is the
     * offset. */
    float y[3] = {7, 7, 7}, gain[3] = {1, 2, 3}, offset[3] = {4, 5, 6};
    if (kernels != NULL)
        ck_assert(isfinite(kernels->normalize(y, 3, gain, offset, NULL)) && y[0] == 4 && y[1] == 5 &&
                  y[2] == 6);
}
END_TEST

START_TEST(an_unknown_set_cannot_be_forced)
{
    ck_assert(!kernels_force("mmx"));
    ck_assert(kernels_force("generic"));
    ck_assert_str_eq(kernels_name(), "generic");
    ck_assert(kernels_force(NULL));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("kernels");
    TCase *tc = tcase_create("kernels");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, forward_agrees_with_plain_loops_and_lists_give_its_bits, 0, N_NAMES);
    tcase_add_loop_test(tc, delta_agrees_with_plain_loops, 0, N_NAMES);
    tcase_add_loop_test(tc, gradient_agrees_with_plain_loops_and_sparse_gives_its_bits, 0, N_NAMES);
    tcase_add_loop_test(tc, bias_gradient_sums_rows_in_order, 0, N_NAMES);
    tcase_add_loop_test(tc, adam_agrees_with_double_precision, 0, N_NAMES);
    tcase_add_loop_test(tc, exp_sum_is_close_to_exp, 0, N_NAMES);
    tcase_add_loop_test(tc, lists_are_as_long_as_what_they_hold, 0, N_NAMES);
    tcase_add_loop_test(tc, lists_scale_and_transpose, 0, N_NAMES);
    tcase_add_loop_test(tc, normalisation_agrees_with_plain_loops, 0, N_NAMES);
    tcase_add_test(tc, an_unknown_set_cannot_be_forced);
    suite_add_tcase(suite, tc);
    return suite;
}
