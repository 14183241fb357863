/* UTF-8: a whole text. See the header. */
#include "mlp/utf8.h"

/* Whether n bytes begin a sequence that is longer than they are. */
static bool is_cut(const char *text, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)text[i] & 0xC0) != 0x80)
            return false;
    return n < utf8_bytes_from((unsigned char)text[0]);
}

bool utf8_check(const char *text, size_t n, bool cut)
{
    for (size_t at = 0; at < n;) {
        size_t length = utf8_length(text + at, n - at);
        if (length == 0)
            return cut && is_cut(text + at, n - at);
        at += length;
    }
    return true;
}
