/* Whether the daemon's parts get on. */
#include "base/heartbeat.h"

const char *heart_name(enum heart heart)
{
    static const char *const names[N_HEARTS] = {
        [HEART_HTTP] = "http",       [HEART_INTERACTIVE] = "interactive", [HEART_BULK] = "bulk",
        [HEART_STREAMS] = "streams", [HEART_WRITER] = "writer",           [HEART_SAVER] = "saver",
        [HEART_POOL] = "pool"};
    return names[heart];
}

void heartbeat_init(struct heartbeat *heartbeat, uint64_t now_ms)
{
    for (int i = 0; i < N_HEARTS; i++)
        heartbeat->hearts[i].since_ms = now_ms;
}

bool heartbeat_look(struct heartbeat *heartbeat, enum heart heart, struct pulse pulse, uint64_t now_ms,
                    uint64_t limit_ms)
{
    uint64_t since_ms = heartbeat->hearts[heart].since_ms;
    if (!pulse.has_work || pulse.beats != heartbeat->hearts[heart].beats)
        since_ms = now_ms;
    bool well = now_ms - since_ms < limit_ms;
    heartbeat->hearts[heart].since_ms = since_ms;
    heartbeat->hearts[heart].beats = pulse.beats;
    atomic_store(&heartbeat->hearts[heart].stuck_for_ms, well ? 0 : now_ms - since_ms);
    return well;
}

bool heartbeat_is_well(const struct heartbeat *heartbeat)
{
    bool well = true;
    for (int i = 0; i < N_HEARTS; i++)
        well &= atomic_load(&heartbeat->hearts[i].stuck_for_ms) == 0;
    return well;
}

void heartbeat_write(const struct heartbeat *heartbeat, struct writer *writer)
{
    bool well = heartbeat_is_well(heartbeat);
    writer_open(writer, '{');
    writer_put_string(writer, "status", well ? "ok" : "stuck");
    if (!well) {
        writer_key(writer, "stuck");
        writer_open(writer, '[');
        for (int i = 0; i < N_HEARTS; i++) {
            uint64_t ms = atomic_load(&heartbeat->hearts[i].stuck_for_ms);
            if (ms == 0)
                continue;
            writer_open(writer, '{');
            writer_put_string(writer, "part", heart_name((enum heart)i));
            writer_put_double(writer, "seconds", (double)ms / 1000);
            writer_close(writer, '}');
        }
        writer_close(writer, ']');
    }
    writer_close(writer, '}');
}
