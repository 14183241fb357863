/* How the learning rate goes along the training, and when the training ends
 * early. */
#ifndef MLP_SCHEDULE_H
#define MLP_SCHEDULE_H

#include "mlp/metric.h"

#include <stdbool.h>
#include <stdint.h>

/* The functions stand in engine/train/schedule.c. */
enum schedule_kind {
    SCHEDULE_CONSTANT,
    SCHEDULE_STEP,              /* times gamma every step_epochs epochs */
    SCHEDULE_EXPONENTIAL,       /* times gamma each epoch */
    SCHEDULE_COSINE,            /* half a cosine from the rate down to min_rate at the end */
    SCHEDULE_REDUCE_ON_PLATEAU, /* times gamma when the monitored loss has not improved for patience epochs,
                                   down to min_rate */
    SCHEDULE_ONE_CYCLE, /* from rate / 25 up to the rate in the first 30 % of the steps, then down to rate /
                           250,000 (Smith 2018) */
    N_SCHEDULES
};
const char *schedule_name(enum schedule_kind kind);
int schedule_find(const char *name);

struct schedule {
    enum schedule_kind kind;
    float gamma;          /* 0: 0.1; exponential 0.95; reduce_on_plateau 0.5 */
    uint32_t step_epochs; /* 0: 10 */
    float min_rate;
    uint32_t patience;      /* 0: 5 */
    uint32_t warmup_epochs; /* any kind: the rate rises from nothing over the first so many epochs */
};

/* Stop when the monitored number has not improved by more than min_delta for
 * `patience` epochs. */
struct early_stopping {
    bool on;
    enum metric monitor;
    bool of_train;     /* monitored on the training rows, as where there are no validation rows */
    uint32_t patience; /* 0: 5 */
    float min_delta;
    bool restore_best; /* end with the weights of the best epoch */
};

#endif
