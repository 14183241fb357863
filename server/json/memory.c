/* The library's allocations, with a note where one fails. */
#include "json/memory.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

static _Thread_local bool allocation_failed;

static void *noted_malloc(size_t n)
{
    void *memory = malloc(n);
    allocation_failed |= memory == NULL;
    return memory;
}

void json_memory_open(void)
{
    cJSON_Hooks hooks = {.malloc_fn = noted_malloc, .free_fn = free};
    cJSON_InitHooks(&hooks);
}

bool json_allocation_failed(void)
{
    bool was = allocation_failed;
    allocation_failed = false;
    return was;
}
