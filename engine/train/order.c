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

bool order_init(struct order *order, const struct rows *train, struct err *err)
{
    uint64_t n = train->n_rows, bytes = binding_record_bytes(train->binding);
    order->group_rows = bytes < GROUP_BYTES ? GROUP_BYTES / bytes : 1;
    order->n_groups = (uint32_t)((n + order->group_rows - 1) / order->group_rows);
    order->rows = malloc(n * sizeof *order->rows);
    order->groups = malloc(order->n_groups * sizeof *order->groups);
    if (order->n_groups > WINDOW_GROUPS)
        binding_read_scattered(train->binding);
    return (order->rows != NULL && order->groups != NULL) || err_memory(err, "the order of the rows");
}

void order_done(struct order *order)
{
    free(order->rows);
    free(order->groups);
}

/* The groups in their new order, one after the other. */
static void groups_lay(struct order *order, const struct rows *train, struct rng_draws *draws)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < order->n_groups; i++)
        order->groups[i] = i;
    if (order->n_groups > WINDOW_GROUPS)
        rng_shuffle(order->groups, order->n_groups, draws);
    for (uint32_t i = 0; i < order->n_groups; i++) {
        uint64_t first = order->groups[i] * order->group_rows, left = train->n_rows - first,
                 n = left < order->group_rows ? left : order->group_rows;
        memcpy(order->rows + at, train->rows + first, n * sizeof *order->rows);
        at += n;
    }
}

void order_draw(struct order *order, const struct trainer_config *config, uint32_t epoch)
{
    const struct rows *train = &config->train;
    uint64_t n = train->n_rows, window = order->group_rows * WINDOW_GROUPS;
    struct rng_draws draws = {.seed = config->options.seed, .stream = rng_stream(RNG_SHUFFLE, epoch)};
    order->epoch = epoch + 1;
    order->n_checked = 0;
    if (!config->options.shuffle) {
        memcpy(order->rows, train->rows, n * sizeof *order->rows);
        return;
    }
    groups_lay(order, train, &draws);
    for (uint64_t at = 0; at < n; at += window)
        rng_shuffle(order->rows + at, n - at < window ? n - at : window, &draws);
}

enum rows_check_state order_check(struct trainer *t, struct err *err)
{
    const struct trainer_config *config = &t->config;
    struct order *order = &t->work.order;
    uint64_t n = config->train.n_rows, window = order->group_rows * WINDOW_GROUPS,
             first = atomic_load(&t->state.step) * config->batch_size;
    uint64_t last = n - first < config->batch_size ? n - 1 : first + config->batch_size - 1;
    struct rows_check check = {.rows = &config->train,
                               .slots = config->options.shuffle ? order->groups : NULL,
                               .slot_rows = order->group_rows,
                               .stop = t->run.stop,
                               .deadline_ns = t->run.deadline_ns};
    uint64_t i = order->n_checked > first / window ? order->n_checked : first / window;
    for (; i <= last / window; i++) {
        check.begin = i * WINDOW_GROUPS;
        /* The table's last group is shorter, wherever it stands. */
        check.end = check.begin + WINDOW_GROUPS + 1;
        check.end = check.end < order->n_groups ? check.end : order->n_groups;
        enum rows_check_state state = rows_check(&check, t->run.pool, err);
        if (state != ROWS_GOOD)
            return state;
        order->n_checked = i + 1;
    }
    uint64_t n_rows = order->n_checked * window;
    order->checked_steps = n_rows >= n ? config->n_steps : n_rows / config->batch_size;
    return ROWS_GOOD;
}
