/* The order in which an epoch takes its rows: by seed and epoch alone, so that
 * an interrupted one can be had again.
 *
 * Rows of a table are shuffled all together as long as they fit a window. A
 * larger table may be larger than memory, where rows taken from anywhere would
 * each be a read from the disk: there the groups of neighbouring rows are
 * shuffled, and then the rows of as many groups as a window holds. What a
 * window holds is fixed: the order never depends on how much memory there is.
 * One thread a trainer. */
#include "base/rng.h"
#include "train/private.h"

#include <stdlib.h>
#include <string.h>

#define GROUP_BYTES ((uint64_t)1 << 20)
#define WINDOW_GROUPS 64

bool order_init(struct trainer *t, struct err *err)
{
    uint64_t n = t->train.n_rows, bytes = binding_record_bytes(t->train.binding);
    t->group_rows = bytes < GROUP_BYTES ? GROUP_BYTES / bytes : 1;
    t->n_groups = (uint32_t)((n + t->group_rows - 1) / t->group_rows);
    t->order = malloc(n * sizeof *t->order);
    t->groups = malloc(t->n_groups * sizeof *t->groups);
    if (t->n_groups > WINDOW_GROUPS)
        binding_read_scattered(t->train.binding);
    return (t->order != NULL && t->groups != NULL) || err_memory(err, "the order of the rows");
}

/* The groups in their new order, one after the other. */
static void groups_lay(struct trainer *t, struct rng_draws *draws)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < t->n_groups; i++)
        t->groups[i] = i;
    if (t->n_groups > WINDOW_GROUPS)
        rng_shuffle(t->groups, t->n_groups, draws);
    for (uint32_t i = 0; i < t->n_groups; i++) {
        uint64_t first = t->groups[i] * t->group_rows, left = t->train.n_rows - first,
                 n = left < t->group_rows ? left : t->group_rows;
        memcpy(t->order + at, t->train.rows + first, n * sizeof *t->order);
        at += n;
    }
}

void order_draw(struct trainer *t, uint32_t epoch)
{
    uint64_t n = t->train.n_rows, window = t->group_rows * WINDOW_GROUPS;
    struct rng_draws draws = {.seed = t->options.seed, .stream = rng_stream(RNG_SHUFFLE, epoch)};
    t->ordered = epoch + 1;
    t->n_checked = 0;
    if (!t->options.shuffle) {
        memcpy(t->order, t->train.rows, n * sizeof *t->order);
        return;
    }
    groups_lay(t, &draws);
    for (uint64_t at = 0; at < n; at += window)
        rng_shuffle(t->order + at, n - at < window ? n - at : window, &draws);
}

enum rows_check_state order_check(struct trainer *t, struct err *err)
{
    uint64_t n = t->train.n_rows, window = t->group_rows * WINDOW_GROUPS,
             first = atomic_load(&t->step) * t->batch_size;
    uint64_t last = n - first < t->batch_size ? n - 1 : first + t->batch_size - 1;
    struct rows_check check = {.rows = &t->train,
                               .slots = t->options.shuffle ? t->groups : NULL,
                               .slot_rows = t->group_rows,
                               .stop = t->stop,
                               .deadline_ns = t->deadline_ns};
    for (uint64_t i = t->n_checked > first / window ? t->n_checked : first / window; i <= last / window;
         i++) {
        check.begin = i * WINDOW_GROUPS;
        check.end =
            check.begin + WINDOW_GROUPS + 1; /* the table's last group is shorter, wherever it stands */
        check.end = check.end < t->n_groups ? check.end : t->n_groups;
        enum rows_check_state state = rows_check(&check, t->pool, err);
        if (state != ROWS_GOOD)
            return state;
        t->n_checked = i + 1;
    }
    t->checked_steps = t->n_checked * window >= n ? t->n_steps : t->n_checked * window / t->batch_size;
    return ROWS_GOOD;
}
