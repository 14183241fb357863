/* Whether the daemon's parts get on. A part is stuck where it has work and has
 * given no sign of life for the limit: no task begun or ended, no processor
 * time used. An idle part is well, however long.
 *
 * Threads: heartbeat_look is one thread's; the verdict may be read by any, and
 * waits for nothing. */
#ifndef MLPD_BASE_HEARTBEAT_H
#define MLPD_BASE_HEARTBEAT_H

#include "base/writer.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum heart {
    HEART_HTTP,
    HEART_INTERACTIVE,
    HEART_BULK,
    HEART_STREAMS,
    HEART_WRITER,
    HEART_SAVER,
    HEART_POOL,
    N_HEARTS
};

/* What a part shows at one look; each look also gives it something to do, so
 * that one that waits shows whether it still wakes. */
struct pulse {
    bool has_work;  /* waiting or under way */
    uint64_t beats; /* any change is a sign of life */
};

struct heartbeat {
    struct {
        uint64_t beats, since_ms;      /* since when they are so many */
        _Atomic uint64_t stuck_for_ms; /* 0: it is well */
    } hearts[N_HEARTS];
};

static inline uint64_t thread_cpu_ns(clockid_t clock)
{
    struct timespec used = {0};
    clock_gettime(clock, &used);
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

/* In zeroed memory. */
void heartbeat_init(struct heartbeat *heartbeat, uint64_t now_ms);
/* Whether the part is well. */
bool heartbeat_look(struct heartbeat *heartbeat, enum heart heart, struct pulse pulse, uint64_t now_ms,
                    uint64_t limit_ms);
/* Whether all were well at the last looks. */
bool heartbeat_is_well(const struct heartbeat *heartbeat);
/* {"status":"ok"}, or "stuck" with the parts that are. */
void heartbeat_write(const struct heartbeat *heartbeat, struct writer *writer);
const char *heart_name(enum heart heart);

#endif
