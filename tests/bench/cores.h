/* What the programs that look at two cores share. The first line of each that
 * includes it: #define _GNU_SOURCE. */
#ifndef BENCH_CORES_H
#define BENCH_CORES_H

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#define NOTHINGS 1000
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

static inline double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* How many instructions a nanosecond the calling thread's core takes in, over
 * so many passes of NOTHINGS that do nothing. */
static inline double instructions_taken(int passes)
{
    double began = seconds_now();
    for (int i = 0; i < passes; i++)
        __asm__ volatile(".rept " TEXT(NOTHINGS) "\n\tnop\n\t.endr");
    return 1e-9 * passes * NOTHINGS / (seconds_now() - began);
}

/* Keep the calling thread on the nth of the cores that it may use; where that
 * can't be done, anywhere. */
static inline void stay_on(int nth)
{
    cpu_set_t all, one;
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &all) && nth-- == 0)
            CPU_SET(cpu, &one);
    if (CPU_COUNT(&one) == 1)
        (void)pthread_setaffinity_np(pthread_self(), sizeof one, &one);
}

static inline int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts the n values. */
static inline double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    return values[n / 2];
}

#endif
