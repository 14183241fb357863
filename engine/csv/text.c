/* Codings of text: see csv/text.h. */
#include "csv/text.h"
#include "base/file.h"
#include "mlp/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOKED_AT = 4096, SPOOL_BYTES = 256 << 10 };

static unsigned byte_of(const char *text, size_t at)
{
    return (unsigned char)text[at];
}

bool text_is_ascii(const char *text, size_t n_bytes)
{
    uint64_t word, seen = 0;
    size_t at = 0;
    for (; n_bytes - at >= sizeof word; at += sizeof word) {
        memcpy(&word, text + at, sizeof word);
        seen |= word;
    }
    for (; at < n_bytes; at++)
        seen |= byte_of(text, at);
    return (seen & 0x8080808080808080ull) == 0;
}

/* UTF-16 without a mark: text of mostly Latin letters has NULs in every second
 * place, and no other file has any. */
static enum csv_encoding guess_by_nuls(const char *head, size_t n_bytes)
{
    size_t n[2] = {0, 0}, n_looked = n_bytes < LOOKED_AT ? n_bytes & ~(size_t)1 : LOOKED_AT;
    for (size_t i = 0; i < n_looked; i++)
        n[i & 1] += head[i] == '\0';
    if (n_looked < 4 || n[0] + n[1] < n_looked / 4)
        return CSV_ENCODING_GUESS;
    return n[1] > 3 * n[0] ? CSV_UTF16LE : n[0] > 3 * n[1] ? CSV_UTF16BE : CSV_ENCODING_GUESS;
}

enum csv_encoding text_guess_encoding(const char *head, size_t n_bytes)
{
    if (n_bytes >= 2 && memcmp(head, "\xff\xfe", 2) == 0)
        return CSV_UTF16LE;
    if (n_bytes >= 2 && memcmp(head, "\xfe\xff", 2) == 0)
        return CSV_UTF16BE;
    enum csv_encoding encoding = guess_by_nuls(head, n_bytes);
    if (encoding != CSV_ENCODING_GUESS)
        return encoding;
    return utf8_check(head, n_bytes, true) ? CSV_UTF8 : CSV_WINDOWS_1252;
}

static char *character_put(char *to, uint32_t value)
{
    if (value < 0x80) {
        *to++ = (char)value;
    } else if (value < 0x800) {
        *to++ = (char)(0xc0 | value >> 6);
        *to++ = (char)(0x80 | (value & 0x3f));
    } else if (value < 0x10000) {
        *to++ = (char)(0xe0 | value >> 12);
        *to++ = (char)(0x80 | (value >> 6 & 0x3f));
        *to++ = (char)(0x80 | (value & 0x3f));
    } else {
        *to++ = (char)(0xf0 | value >> 18);
        *to++ = (char)(0x80 | (value >> 12 & 0x3f));
        *to++ = (char)(0x80 | (value >> 6 & 0x3f));
        *to++ = (char)(0x80 | (value & 0x3f));
    }
    return to;
}

size_t text_from_bytes(enum csv_encoding encoding, const char *text, size_t n_bytes, char *to)
{
    /* 0x80..0x9f of Windows-1252 as browsers read it (WHATWG Encoding): the
     * five unused places stay control characters */
    static const uint16_t high[32] = {0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
                                      0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0x8d,   0x17d,  0x8f,
                                      0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                      0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};
    char *at = to;
    for (size_t i = 0; i < n_bytes; i++) {
        unsigned byte = byte_of(text, i);
        at = character_put(at, encoding == CSV_WINDOWS_1252 && byte >= 0x80 && byte < 0xa0 ? high[byte - 0x80]
                                                                                           : byte);
    }
    return (size_t)(at - to);
}

static uint32_t unit_at(enum csv_encoding encoding, const char *text, size_t at)
{
    unsigned first = byte_of(text, at), second = byte_of(text, at + 1);
    return encoding == CSV_UTF16LE ? second << 8 | first : first << 8 | second;
}

size_t text_from_utf16(enum csv_encoding encoding, const char *text, size_t n_bytes, bool last, char *to,
                       size_t *n_taken)
{
    char *put = to;
    size_t at = 0;
    while (n_bytes - at >= 2) {
        uint32_t value = unit_at(encoding, text, at);
        bool high = value >= 0xd800 && value < 0xdc00;
        if (high && n_bytes - at < 4 && !last)
            break;
        uint32_t low = high && n_bytes - at >= 4 ? unit_at(encoding, text, at + 2) : 0;
        at += 2;
        if (high && low >= 0xdc00 && low < 0xe000) {
            value = 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
            at += 2;
        } else if (value >= 0xd800 && value < 0xe000) {
            value = 0xfffd;
        }
        put = character_put(put, value);
    }
    *n_taken = last ? n_bytes : at;
    return (size_t)(put - to);
}

static bool spool_fill(int from, uint64_t n_bytes, enum csv_encoding encoding, int to, char *window,
                       uint64_t *n_written, struct err *err)
{
    char *text = window + SPOOL_BYTES;
    *n_written = 0;
    for (uint64_t at = 0; at < n_bytes;) {
        size_t n = n_bytes - at < SPOOL_BYTES ? (size_t)(n_bytes - at) : SPOOL_BYTES, n_taken;
        if (!file_read_at(from, window, n, at, "the CSV file", err))
            return false;
        size_t n_text = text_from_utf16(encoding, window, n, at + n == n_bytes, text, &n_taken);
        if (!file_write_at(to, text, n_text, *n_written, "the CSV file as UTF-8", err))
            return false;
        *n_written += n_text;
        at += n_taken;
    }
    return true;
}

int text_spool(int fd, uint64_t n_bytes, enum csv_encoding encoding, const char *path, uint64_t *n_written,
               struct err *err)
{
    char *window = malloc(3 * SPOOL_BYTES);
    if (!window) {
        err_memory(err, "a window of the file");
        return -1;
    }
    int spool = file_unnamed(path, "utf8", err);
    if (spool >= 0 && !spool_fill(fd, n_bytes, encoding, spool, window, n_written, err)) {
        close(spool);
        spool = -1;
    }
    free(window);
    return spool;
}
