/* Memory for arithmetic. Any thread. */
#ifndef MLP_ENGINE_BASE_MEMORY_H
#define MLP_ENGINE_BASE_MEMORY_H

#include <stddef.h>

/* Zeroed, 64-byte aligned, on huge pages where it is large; NULL: out of
 * memory. free() frees it. */
void *aligned_zeros(size_t count, size_t size);

#endif
