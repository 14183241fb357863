/* Whether the JSON library ran out of memory: it says of that, as of broken
 * text, only that nothing came of it. */
#ifndef MLPD_JSON_MEMORY_H
#define MLPD_JSON_MEMORY_H

#include <stdbool.h>

/* Once, before the first thread; without it json_allocation_failed never says
 * so. */
void json_memory_open(void);
/* Whether an allocation of the library has failed on this thread since the last
 * call. */
bool json_allocation_failed(void);

#endif
