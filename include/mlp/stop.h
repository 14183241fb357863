/* Stopping a computation early: the caller owns a flag, any thread sets it,
 * and the loops of the computation read it every 20 ms or so. NULL: nobody
 * stops it. */
#ifndef MLP_STOP_H
#define MLP_STOP_H

#include "mlp/err.h"

#include <stdatomic.h>

static inline bool stop_is_set(const atomic_bool *stop)
{
    return stop && atomic_load_explicit(stop, memory_order_relaxed);
}

/* False with ERR_STOPPED where the flag is set. */
static inline bool stop_check(const atomic_bool *stop, struct err *err)
{
    return !stop_is_set(stop) || err_set(err, ERR_STOPPED, "the work was stopped before its end");
}

#endif
