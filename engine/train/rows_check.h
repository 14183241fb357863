/* Rows that are about to be read, against their table's checksums, by all
 * workers of a pool. */
#ifndef MLP_ENGINE_TRAIN_ROWS_CHECK_H
#define MLP_ENGINE_TRAIN_ROWS_CHECK_H

#include "mlp/train.h"

struct rows_check {
    const struct rows *rows;
    const uint32_t *slots;   /* which slot is the i-th; NULL: i */
    uint64_t slot_rows;      /* rows of the list in a slot: what a worker takes at a time */
    uint64_t begin, end;     /* which of the slots, by i */
    const atomic_bool *stop; /* NULL: none */
    uint64_t deadline_ns;    /* 0: none */
};

enum rows_check_state { ROWS_GOOD, ROWS_UNCHECKED, ROWS_DAMAGED };

/* ROWS_UNCHECKED: `stop` was set or the deadline has passed; what was checked
 * is remembered. ROWS_DAMAGED: *err as table_check has it. */
enum rows_check_state rows_check(const struct rows_check *check, struct pool *pool, struct err *err);

/* All of rows[begin .. end) without a stop. */
bool rows_check_all(const struct rows *rows, uint64_t begin, uint64_t end, struct pool *pool,
                    struct err *err);
/* After they were read: table_check_read. */
bool rows_check_read(const struct rows *rows, struct err *err);

#endif
