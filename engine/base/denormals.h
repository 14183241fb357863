/* Numbers too small for a normal float are flushed to zero while the engine
 * computes: they would cost a hundred cycles each and change no result that
 * matters. Per thread. */
#ifndef MLP_ENGINE_BASE_DENORMALS_H
#define MLP_ENGINE_BASE_DENORMALS_H

#if defined(__SSE2__)
#include <xmmintrin.h>

/* Returns what denormals_restore takes. */
static inline unsigned denormals_flush(void)
{
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040u); /* FTZ, DAZ */
    return before;
}

static inline void denormals_restore(unsigned before)
{
    _mm_setcsr(before);
}
#elif defined(__aarch64__)
static inline unsigned denormals_flush(void)
{
    unsigned long before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | 1ul << 24));
    return (unsigned)before;
}

static inline void denormals_restore(unsigned before)
{
    __asm__ volatile("msr fpcr, %0" : : "r"((unsigned long)before));
}
#else
static inline unsigned denormals_flush(void)
{
    return 0;
}
static inline void denormals_restore(unsigned before)
{
    (void)before;
}
#endif

#endif
