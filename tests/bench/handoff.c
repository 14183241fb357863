/* How far apart two cores are: prints the nanoseconds that a cache line takes
 * from one to the other and back, median of 21 rounds. Some 150 where they
 * share a cache, 450 where they sit on different dies; a virtual machine's may
 * move from one minute to the next. usage: handoff */
#define _GNU_SOURCE
#include "cores.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define ROUNDS 21
#define PASSES 10000 /* of a round */

static alignas(128) atomic_uint ball; /* odd: the other's turn */

static void *give_back(void *unused)
{
    stay_on(1);
    for (unsigned i = 0; i < ROUNDS * PASSES; i++) {
        while (atomic_load(&ball) != 2 * i + 1) {}
        atomic_store(&ball, 2 * i + 2);
    }
    return unused;
}

int main(void)
{
    pthread_t other;
    double round_ns[ROUNDS];
    if (pthread_create(&other, NULL, give_back, NULL) != 0)
        return 1;
    stay_on(0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        for (unsigned i = round * PASSES; i < (round + 1) * PASSES; i++) {
            atomic_store(&ball, 2 * i + 1);
            while (atomic_load(&ball) != 2 * i + 2) {}
        }
        clock_gettime(CLOCK_MONOTONIC, &to);
        round_ns[round] =
            ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / PASSES;
    }
    pthread_join(other, NULL);
    printf("%.0f\n", median(round_ns, ROUNDS));
    return 0;
}
