/* Rows against their table's checksums. See the header. Which rows are damaged
 * comes out the same at any number of workers: the first slot's that holds
 * such. */
#include "train/rows_check.h"

#include "recipe/binding.h"
#include "train/private.h"

enum { SLOT_ROWS = 8192 };

struct work {
    const struct rows_check *check;
    atomic_ullong next;
    atomic_bool failed, stopped;
};

/* The rows of a slot lie side by side in the table where the list is in the
 * table's order. */
static bool slot_check(const struct rows_check *check, uint64_t i, struct err *err)
{
    const struct rows *rows = check->rows;
    uint64_t first = (check->slots ? check->slots[i] : i) * check->slot_rows, left = rows->n_rows - first;
    uint64_t n = left < check->slot_rows ? left : check->slot_rows;
    uint32_t low = UINT32_MAX, high = 0;
    for (uint64_t k = first; k < first + n; k++) {
        uint32_t row = rows->rows[k];
        low = row < low ? row : low;
        high = row > high ? row : high;
    }
    return table_check(rows->binding->table, low, (uint64_t)high - low + 1, err);
}

static bool stops(const struct rows_check *check)
{
    return (check->stop != NULL && atomic_load_explicit(check->stop, memory_order_relaxed)) ||
           (check->deadline_ns != 0 && clock_ns() >= check->deadline_ns);
}

static void work(void *self, uint32_t worker)
{
    struct work *w = self;
    struct err ignored;
    (void)worker;
    while (!atomic_load_explicit(&w->failed, memory_order_relaxed)) {
        if (stops(w->check)) {
            atomic_store_explicit(&w->stopped, true, memory_order_relaxed);
            return;
        }
        uint64_t i = atomic_fetch_add_explicit(&w->next, 1, memory_order_relaxed);
        if (i >= w->check->end)
            return;
        if (!slot_check(w->check, i, &ignored))
            atomic_store_explicit(&w->failed, true, memory_order_relaxed);
    }
}

enum rows_check_state rows_check(const struct rows_check *check, struct pool *pool, struct err *err)
{
    struct work w = {.check = check, .next = check->begin};
    if (check->rows->n_rows == 0 || table_is_checked(check->rows->binding->table))
        return ROWS_GOOD;
    if (check->end - check->begin > 1)
        pool_run(pool, work, &w);
    else
        work(&w, 0);
    for (uint64_t i = check->begin; atomic_load(&w.failed) && i < check->end; i++)
        if (!slot_check(check, i, err)) /* those before it were taken before: nothing is read again */
            return ROWS_DAMAGED;
    return atomic_load(&w.stopped) ? ROWS_UNCHECKED : ROWS_GOOD;
}

bool rows_check_all(const struct rows *rows, uint64_t begin, uint64_t end, struct pool *pool, struct err *err)
{
    struct rows_check check = {.rows = rows,
                               .slot_rows = SLOT_ROWS,
                               .begin = begin / SLOT_ROWS,
                               .end = (end + SLOT_ROWS - 1) / SLOT_ROWS};
    return rows_check(&check, pool, err) == ROWS_GOOD;
}

bool rows_check_read(const struct rows *rows, struct err *err)
{
    return rows->n_rows == 0 || table_check_read(rows->binding->table, err);
}
