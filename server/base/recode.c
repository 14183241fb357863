/* Encodings by iconv. See recode.h. */
#include "base/recode.h"
#include "base/files.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#define IN_BYTES (64u << 10)
#define OUT_BYTES (4 * IN_BYTES) /* UTF-8 of them, and of U+FFFD in their place */
#define LOOKED_AT 65536

bool recode_knows(const char *encoding)
{
    iconv_t way = strpbrk(encoding, "/,") || !*encoding ? (iconv_t)-1 : iconv_open("UTF-8", encoding);
    if (way == (iconv_t)-1)
        return false;
    iconv_close(way);
    return true;
}

struct recode {
    iconv_t way;
    int from, to;
    uint64_t at, size; /* of `from` */
    char *in, *out;    /* (IN_BYTES), (OUT_BYTES) */
    size_t n_in;       /* bytes in `in` that are not converted yet */
    uint64_t n_bad, n_out;
};

/* Convert what is in `in`, as far as its characters are whole. */
static bool piece_convert(struct recode *recode, bool last, struct err *err)
{
    char *in = recode->in, *out = recode->out;
    size_t n_out = OUT_BYTES;
    while (recode->n_in > 0) {
        if (iconv(recode->way, &in, &recode->n_in, &out, &n_out) != (size_t)-1)
            break;
        if (errno == EINVAL && !last) /* the rest of a character is still to come */
            break;
        if (errno != EILSEQ && errno != EINVAL)
            return err_errno(err, "cannot convert the file's encoding");
        memcpy(out, "\xef\xbf\xbd", 3);
        out += 3;
        n_out -= 3;
        in++;
        recode->n_in--;
        recode->n_bad++;
    }
    memmove(recode->in, in, recode->n_in);
    size_t n = (size_t)(out - recode->out);
    recode->n_out += n;
    return files_reserve(recode->to, n, err) && files_write(recode->to, recode->out, n, err);
}

static bool file_convert(struct recode *recode, const atomic_bool *stop, struct err *err)
{
    while (recode->at < recode->size) {
        uint64_t left = recode->size - recode->at;
        size_t n = IN_BYTES - recode->n_in < left ? IN_BYTES - recode->n_in : (size_t)left;
        if (!stop_check(stop, err) ||
            !files_read_at(recode->from, recode->in + recode->n_in, n, recode->at, err))
            return false;
        recode->at += n;
        recode->n_in += n;
        if (!piece_convert(recode, recode->at == recode->size, err))
            return false;
    }
    return true;
}

bool recode_file(int from, const char *encoding, int to, const atomic_bool *stop, uint64_t *n_bad,
                 struct err *err)
{
    struct recode recode = {.from = from, .to = to, .way = iconv_open("UTF-8", encoding)};
    if (recode.way == (iconv_t)-1)
        return err_errno(err, "cannot convert %.60s", encoding);
    recode.in = malloc(IN_BYTES + OUT_BYTES);
    recode.out = recode.in + IN_BYTES;
    bool ok = (recode.in || err_memory(err, "a window of the file")) && files_size(from, &recode.size, err) &&
              file_convert(&recode, stop, err);
    *n_bad = recode.n_bad;
    if (ok && recode.n_bad > recode.n_out / 30) { /* three bytes each */
        err_set(err, ERR_INPUT, "%llu bytes of the file are not %.60s: it has another encoding",
                (unsigned long long)recode.n_bad, encoding);
        err_field(err, "encoding");
        ok = err_id(err, "encoding_wrong");
    }
    free(recode.in);
    iconv_close(recode.way);
    return ok;
}

const char *recode_mark(const char *head, size_t n)
{
    if (n >= 4 && (memcmp(head, "\xff\xfe\0\0", 4) == 0 || memcmp(head, "\0\0\xfe\xff", 4) == 0))
        return "UTF-32";
    return NULL;
}

/* How the bytes above 127 stand. */
struct look {
    size_t n_high, n_long; /* of them, those in runs of three and more */
    size_t n_nul;
    size_t n_good, n_wrong; /* characters of UTF-8, and bytes that are none */
};

/* The bytes of the UTF-8 character that begins with this one; 0: none does. */
static size_t character_bytes(unsigned char first)
{
    return first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

static struct look head_look(const char *head, size_t n)
{
    struct look look = {0};
    for (size_t i = 0, run = 0; i <= n; i++) {
        bool high = i < n && (unsigned char)head[i] >= 0x80;
        look.n_nul += i < n && head[i] == 0;
        look.n_high += high;
        if (!high) {
            look.n_long += run >= 3 ? run : 0;
            run = 0;
        } else {
            run++;
        }
    }
    for (size_t i = 0; i < n;) {
        size_t length = character_bytes((unsigned char)head[i]);
        bool good = length > 0;
        for (size_t j = 1; good && j < length && i + j < n; j++)
            good = ((unsigned char)head[i + j] & 0xc0) == 0x80;
        look.n_good += good && length > 1;
        look.n_wrong += !good;
        i += good ? length : 1;
    }
    return look;
}

bool recode_ask(const char *head, size_t n, struct err *err)
{
    struct look look = head_look(head, n < LOOKED_AT ? n : LOOKED_AT);
    if (20 * look.n_wrong <= look.n_good || look.n_nul > 0 || 3 * look.n_long < look.n_high)
        return true;
    err_set(err, ERR_INPUT,
            "the file's text is not UTF-8, and its letters are not Latin ones: say its encoding, as "
            "encoding=shift_jis, "
            "gb18030, big5, euc-kr, windows-1251, koi8-r, iso-8859-7");
    err_field(err, "encoding");
    return err_id(err, "encoding_unknown");
}
