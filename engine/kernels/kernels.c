/* Which kernels run here: chosen once, read by any thread. */
#include "kernels/kernels.h"
#include "mlp/cpu.h"

#include <stdatomic.h>
#include <string.h>

static _Atomic(const struct kernels *) chosen;

#if defined(__x86_64__)
static bool runs_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2");
}

static bool runs_avx512(void)
{
    return runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
#endif

static bool runs_always(void)
{
    return true;
}

/* The best comes first. */
static const struct {
    const struct kernels *kernels;
    bool (*runs)(void);
} tables[] = {
#if defined(__x86_64__)
    {&kernels_avx512, runs_avx512},
    {&kernels_avx2, runs_avx2},
#endif
    {&kernels_generic, runs_always},
};

bool kernels_force(const char *name)
{
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if ((name == NULL || strcmp(tables[i].kernels->name, name) == 0) && tables[i].runs()) {
            atomic_store(&chosen, tables[i].kernels);
            return true;
        }
    }
    return false;
}

const struct kernels *kernels_get(void)
{
    const struct kernels *kernels = atomic_load_explicit(&chosen, memory_order_acquire);
    if (kernels == NULL) {
        kernels_force(NULL);
        kernels = atomic_load(&chosen);
    }
    return kernels;
}

const char *kernels_name(void)
{
    return kernels_get()->name;
}
