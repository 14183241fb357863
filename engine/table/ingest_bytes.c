/* Integers 0..255 with the instructions that every machine of this kind has,
 * and the choice between the variants. */
#include "table/ingest_bytes.h"

#include "mlp/csv.h"
#include "mlp/number.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#define WIDTH 16
#define STRIPE 16
#define TARGET
#define BYTES_NAME(name) bytes_##name
static size_t bytes_take(const char *text, size_t at, size_t end, char separator, uint32_t n_columns,
                         uint8_t *out, uint64_t *n_rows);
static size_t bytes_list(const char *text, size_t at, size_t end, float *values, uint32_t most, uint32_t *n);
static void bytes_add(struct tally_byte *bytes, uint32_t n_columns, const uint8_t *values, size_t stride,
                      uint64_t n_rows);
#include "table/ingest_bytes_body.c"

static const struct bytes_kernels bytes_kernels_generic = {"generic", bytes_take, bytes_list, bytes_add};

const struct bytes_kernels *bytes_kernels(unsigned index)
{
    const struct bytes_kernels *kernels[4] = {0};
    unsigned n = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool avx2 =
        __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vbmi2"))
        kernels[n++] = &bytes_kernels_avx512;
    if (avx2)
        kernels[n++] = &bytes_kernels_avx2;
#endif
    kernels[n++] = &bytes_kernels_generic;
    return index < n ? kernels[index] : NULL;
}

uint32_t bytes_parse(const char *text, size_t *at, size_t end, float *values, uint32_t most)
{
    uint32_t n = 0;
    if (*at >= BYTES_BEFORE)
        *at = bytes_kernels(0)->list(text, *at, end, values, most, &n);
    return n;
}
