/* UTF-8: the one check of it. Pure functions; any thread. */
#ifndef MLP_UTF8_H
#define MLP_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the sequences that begin with this one; 0: none do. */
static inline size_t utf8_bytes_from(unsigned char first)
{
    return first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
}

/* Bytes of the well-formed sequence at the beginning of n > 0 bytes (The
 * Unicode Standard, table 3-7), 1 to 4; 0: there is none. A terminated text may
 * be given with any n: its NUL continues no sequence. */
static inline size_t utf8_length(const char *text, size_t n)
{
    const unsigned char *bytes = (const unsigned char *)text, first = bytes[0];
    if (first < 0x80)
        return 1;
    size_t length = utf8_bytes_from(first);
    /* The second byte's range is smaller after some first bytes: no overlong
     * forms, no surrogates, nothing above U+10FFFF. */
    unsigned char least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (length > n)
        return 0;
    for (size_t i = 1; i < length; i++, least = 0x80, most = 0xBF)
        if (bytes[i] < least || bytes[i] > most)
            return 0;
    return length;
}

/* Whether all n bytes are UTF-8; `cut`: they may end within a sequence. */
bool utf8_check(const char *text, size_t n, bool cut);

#endif
