/* Learning rate schedules: a row and a function each. Pure functions of where
 * the training stands, so nothing has to be saved. */
#include "base/elementary.h"
#include "train/optimizer.h"

#include <math.h>
#include <string.h>

/* Where a step stands. */
struct place {
    double epoch;    /* epochs ended, fraction included */
    double fraction; /* of the whole training, 0 .. 1 */
    uint32_t reductions;
};

static double constant_factor(const struct schedule *s, const struct place *at)
{
    (void)s;
    (void)at;
    return 1;
}

static double step_factor(const struct schedule *s, const struct place *at)
{
    return elementary_power((double)s->gamma, (uint64_t)at->epoch / s->step_epochs);
}

static double exponential_factor(const struct schedule *s, const struct place *at)
{
    return elementary_power((double)s->gamma, (uint64_t)at->epoch);
}

/* From 1 down to 0 as `share` goes from 0 to 1. */
static double half_cosine(double share)
{
    double sine, cosine;
    elementary_sincos(3.14159265358979323846 * share, &sine, &cosine);
    return 0.5 * (1 + cosine);
}

/* Loshchilov & Hutter 2017, one period. */
static double cosine_factor(const struct schedule *s, const struct place *at)
{
    (void)s;
    return half_cosine(at->fraction);
}

static double plateau_factor(const struct schedule *s, const struct place *at)
{
    return elementary_power((double)s->gamma, at->reductions);
}

static double one_cycle_factor(const struct schedule *s, const struct place *at)
{
    (void)s;
    const double rise = 0.3, start = 1.0 / 25, end = 1.0 / 250000;
    double t = at->fraction < rise ? at->fraction / rise : (at->fraction - rise) / (1 - rise);
    double from = at->fraction < rise ? start : 1, to = at->fraction < rise ? 1 : end;
    return to + (from - to) * half_cosine(t);
}

static const struct {
    const char *name;
    double (*factor)(const struct schedule *s, const struct place *at);
    float gamma;
} schedules[N_SCHEDULES] = {
    [SCHEDULE_CONSTANT] = {"constant", constant_factor, 1},
    [SCHEDULE_STEP] = {"step", step_factor, 0.1f},
    [SCHEDULE_EXPONENTIAL] = {"exponential", exponential_factor, 0.95f},
    [SCHEDULE_COSINE] = {"cosine", cosine_factor, 1},
    [SCHEDULE_REDUCE_ON_PLATEAU] = {"reduce_on_plateau", plateau_factor, 0.5f},
    [SCHEDULE_ONE_CYCLE] = {"one_cycle", one_cycle_factor, 1},
};

const char *schedule_name(enum schedule_kind kind)
{
    return (size_t)kind < N_SCHEDULES ? schedules[kind].name : NULL;
}

int schedule_find(const char *name)
{
    for (int i = 0; i < N_SCHEDULES; i++)
        if (strcmp(schedules[i].name, name) == 0)
            return i;
    return -1;
}

void schedule_defaults(struct schedule *s)
{
    if (s->gamma == 0)
        s->gamma = schedules[s->kind].gamma;
    if (s->step_epochs == 0)
        s->step_epochs = 10;
    if (s->patience == 0)
        s->patience = 5;
}

double schedule_rate(const struct train_options *o, uint64_t step, uint64_t n_steps, uint32_t reductions)
{
    const struct schedule *s = &o->schedule;
    double warmup = (double)s->warmup_epochs, epoch = (double)step / (double)n_steps,
           whole = (double)o->epochs - warmup;
    if (epoch < warmup)
        return (double)o->learning_rate * ((double)step + 1) / (warmup * (double)n_steps);
    struct place at = {.epoch = epoch - warmup,
                       .fraction = whole > 0 ? fmin(1, (epoch - warmup) / whole) : 1,
                       .reductions = reductions};
    double rate = (double)o->learning_rate * schedules[s->kind].factor(s, &at);
    return s->kind == SCHEDULE_CONSTANT ? rate
                                        : fmax(rate, fmin((double)s->min_rate, (double)o->learning_rate));
}
