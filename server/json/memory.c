/* The library's allocations, with a note where one fails. */
#include "json/memory.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

static _Thread_local bool starved;

static void *noted_malloc(size_t n)
{
    void *memory = malloc(n);
    starved |= memory == NULL;
    return memory;
}

void json_memory_open(void)
{
    cJSON_Hooks hooks = {.malloc_fn = noted_malloc, .free_fn = free};
    cJSON_InitHooks(&hooks);
}

bool json_starved(void)
{
    bool was = starved;
    starved = false;
    return was;
}
