/* Making a thread give way to others. */
#define _GNU_SOURCE
#include "mlp/pool.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* How long it means to run at a time: since Linux 6.12 a thread that wakes with a shorter slice (a few milliseconds where none was set)
 * may take the processor from it at once. */
#define SLICE_NS 50000000u

/* As the kernel has it: its header cannot stand beside <sched.h>. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

void pool_background(int nice_level)
{
    const struct attributes wanted = {.size = sizeof wanted, .policy = SCHED_OTHER, .nice = nice_level, .runtime = SLICE_NS};
    if (syscall(SYS_sched_setattr, 0, &wanted, 0u) != 0)
        (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), nice_level);
}
