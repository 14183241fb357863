/* Whether other programs run on these cores: prints how many instructions a
 * nanosecond the slower of two cores takes in, both at once, median of 9
 * rounds. A core that runs a second thread takes in about half as many for
 * each, even where its arithmetic is still free. usage: decoders */
#define _GNU_SOURCE
#include "cores.h"

#include <stdio.h>

#define ROUNDS 9
#define PASSES 20000 /* of a round */

static pthread_barrier_t gate;
static double rates[2][ROUNDS]; /* of each core */

static void measure(int core)
{
    stay_on(core);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&gate);
        rates[core][round] = instructions_taken(PASSES);
    }
}

static void *measure_other(void *unused)
{
    measure(1);
    return unused;
}

int main(void)
{
    pthread_t other;
    if (pthread_barrier_init(&gate, NULL, 2) != 0 || pthread_create(&other, NULL, measure_other, NULL) != 0)
        return 1;
    measure(0);
    pthread_join(other, NULL);
    double a = median(rates[0], ROUNDS), b = median(rates[1], ROUNDS);
    printf("%.2f\n", a < b ? a : b);
    return 0;
}
