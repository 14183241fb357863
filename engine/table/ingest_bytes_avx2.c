/* Integers 0..255 with AVX2. */
#include "table/ingest_bytes.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDTH 32
#define STRIPE 8
#define TARGET __attribute__((target("avx2,bmi,popcnt")))
#define BYTES_NAME(name) bytes_##name
static size_t bytes_take(const char *text, size_t at, size_t end, char separator, uint32_t n_columns,
                         uint8_t *out, uint64_t *n_rows);
static size_t bytes_list(const char *text, size_t at, size_t end, float *values, uint32_t most, uint32_t *n);
static void bytes_add(struct tally_byte *bytes, uint32_t n_columns, const uint8_t *values, size_t stride,
                      uint64_t n_rows);
#include "table/ingest_bytes_body.c"

const struct bytes_kernels bytes_kernels_avx2 = {"avx2", bytes_take, bytes_list, bytes_add};
#endif
