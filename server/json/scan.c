/* The strict JSON scanner: encodings, texts, and what is stepped over. */
#include "json/scan.h"

#include "mlp/utf8.h"

#include <stdlib.h>
#include <string.h>

const char scan_no_memory[] = "out of memory";

void scan_init(struct scan *scan, const char *bytes, size_t n)
{
    *scan = (struct scan){.bytes = bytes, .at = bytes + scan_mark(bytes, n), .end = bytes + n};
}

size_t scan_mark(const char *bytes, size_t n)
{
    static const char mark[] = {'\xEF', '\xBB', '\xBF'};
    return n >= sizeof mark && !memcmp(bytes, mark, sizeof mark) ? sizeof mark : 0;
}

/* How the characters of a text that is no UTF-8 lie. */
struct wide {
    const char *name;
    char begin[5];                      /* n_begin bytes: the mark, or a bracket where there is none */
    uint8_t n_begin, n_mark, unit, low; /* the low byte of a character's `unit` bytes */
};

static const struct wide *wide_find(const char *bytes, size_t n)
{
    static const struct wide wides[] = {
        {"UTF-32", "\xFF\xFE\0\0", 4, 4, 4, 0}, {"UTF-32", "\0\0\xFE\xFF", 4, 4, 4, 3},
        {"UTF-16", "\xFF\xFE", 2, 2, 2, 0},     {"UTF-16", "\xFE\xFF", 2, 2, 2, 1},
        {"UTF-32", "{\0\0\0", 4, 0, 4, 0},      {"UTF-32", "[\0\0\0", 4, 0, 4, 0},
        {"UTF-32", "\0\0\0{", 4, 0, 4, 3},      {"UTF-32", "\0\0\0[", 4, 0, 4, 3},
        {"UTF-16", "{\0", 2, 0, 2, 0},          {"UTF-16", "[\0", 2, 0, 2, 0},
        {"UTF-16", "\0{", 2, 0, 2, 1},          {"UTF-16", "\0[", 2, 0, 2, 1},
    };
    for (size_t i = 0; i < sizeof wides / sizeof *wides; i++)
        if (n >= wides[i].n_begin && !memcmp(bytes, wides[i].begin, wides[i].n_begin))
            return &wides[i];
    return NULL;
}

bool scan_encoding_check(const char *bytes, size_t n, struct err *err)
{
    const struct wide *wide = wide_find(bytes, n);
    return !wide || err_set(err, ERR_INPUT, "the body is %s: JSON is taken as UTF-8", wide->name);
}

static char wide_first(const struct wide *wide, const char *bytes, size_t n)
{
    for (size_t at = wide->n_mark; n - at >= wide->unit; at += wide->unit)
        if (!strchr(" \t\r\n", bytes[at + wide->low]) || !bytes[at + wide->low])
            return bytes[at + wide->low];
    return 0;
}

char scan_first(const char *bytes, size_t n)
{
    const struct wide *wide = wide_find(bytes, n);
    struct scan scan;
    if (wide)
        return wide_first(wide, bytes, n);
    scan_init(&scan, bytes, n);
    return scan_peek(&scan);
}

void scan_done(struct scan *scan)
{
    free(scan->arena);
    scan->arena = NULL;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Four hexadecimal digits at scan->at, -1 where there are none. */
static int32_t hex_scan(struct scan *scan)
{
    int32_t code = 0;

    if (scan->end - scan->at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int value = hex_value(scan->at[i]);
        if (value < 0)
            return -1;
        code = code << 4 | value;
    }
    scan->at += 4;
    return code;
}

static size_t utf8_put(uint32_t code, char *to)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xC0 | code >> 6);
        to[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (char)(0xE0 | code >> 12);
        to[1] = (char)(0x80 | (code >> 6 & 0x3F));
        to[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    to[0] = (char)(0xF0 | code >> 18);
    to[1] = (char)(0x80 | (code >> 12 & 0x3F));
    to[2] = (char)(0x80 | (code >> 6 & 0x3F));
    to[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

/* \uXXXX, scan->at after the u; a surrogate needs its other half. */
static const char *unicode_scan(struct scan *scan, char *to, size_t *n)
{
    int32_t code = hex_scan(scan), low;

    if (code < 0)
        return "expected four hexadecimal digits";
    if (code >= 0xDC00 && code <= 0xDFFF)
        return "the second half of a surrogate pair stands alone";
    if (code >= 0xD800 && code <= 0xDBFF) {
        if (scan->end - scan->at < 2 || memcmp(scan->at, "\\u", 2) != 0)
            return "the first half of a surrogate pair stands alone";
        scan->at += 2;
        low = hex_scan(scan);
        if (low < 0xDC00 || low > 0xDFFF)
            return "the first half of a surrogate pair stands alone";
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    *n = utf8_put((uint32_t)code, to);
    return NULL;
}

/* An escape, scan->at at the backslash. */
static const char *escape_scan(struct scan *scan, char *to, size_t *n)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";

    scan->at++;
    if (scan->at < scan->end && *scan->at == 'u') {
        scan->at++;
        return unicode_scan(scan, to, n);
    }
    const char *found = scan->at < scan->end && *scan->at ? strchr(letters, *scan->at) : NULL;
    if (!found)
        return "an escape that JSON does not have";
    scan->at++;
    to[0] = meanings[found - letters];
    *n = 1;
    return NULL;
}

/* Step over what needs no change; stops at a quote, a backslash or the first
 * byte that may not be there. */
static const char *plain_scan(struct scan *scan)
{
    while (scan->at < scan->end && *scan->at != '"' && *scan->at != '\\') {
        if ((unsigned char)*scan->at < ' ')
            return "a control character within a string (write \\n, \\t, \\u00XX)";
        size_t length = utf8_length(scan->at, (size_t)(scan->end - scan->at));
        if (length == 0)
            return "a byte that is not UTF-8";
        scan->at += length;
    }
    return scan->at < scan->end ? NULL : "the string does not end";
}

static const char *escaped_scan(struct scan *scan, const char *begin, struct scan_text *text)
{
    const char *wrong = NULL;

    if (!scan->arena && !(scan->arena = malloc((size_t)(scan->end - scan->bytes))))
        return scan_no_memory;
    char *to = scan->arena + scan->arena_used, *first = to;
    for (;;) {
        size_t n = (size_t)(scan->at - begin);
        memcpy(to, begin, n);
        to += n;
        if (*scan->at == '"')
            break;
        if ((wrong = escape_scan(scan, to, &n)))
            return wrong;
        to += n;
        begin = scan->at;
        if ((wrong = plain_scan(scan)))
            return wrong;
    }
    scan->at++;
    scan->arena_used = (size_t)(to - scan->arena);
    *text = (struct scan_text){first, (uint32_t)(to - first)};
    return NULL;
}

const char *scan_string(struct scan *scan, struct scan_text *text)
{
    const char *begin = ++scan->at;
    const char *wrong = plain_scan(scan);

    if (wrong)
        return wrong;
    if (*scan->at == '\\')
        return escaped_scan(scan, begin, text);
    *text = (struct scan_text){begin, (uint32_t)(scan->at - begin)};
    scan->at++;
    return NULL;
}

const char *scan_literal(struct scan *scan, const char *literal)
{
    size_t n = strlen(literal);

    if ((size_t)(scan->end - scan->at) < n || memcmp(scan->at, literal, n) != 0)
        return "expected a value";
    scan->at += n;
    return NULL;
}

static const char *skip_at(struct scan *scan, int depth);

/* The members of an object or the values of an array, scan->at after its
 * opening bracket. */
static const char *skip_within(struct scan *scan, char close, int depth)
{
    struct scan_text key;
    const char *wrong;

    if (depth >= SCAN_DEPTH_MAX)
        return "arrays and objects are nested too deeply";
    if (scan_take(scan, close))
        return NULL;
    do {
        if (close == '}') {
            if (scan_peek(scan) != '"')
                return "expected a member's name in quotes";
            if ((wrong = scan_string(scan, &key)))
                return wrong;
            if (!scan_take(scan, ':'))
                return "expected ':'";
        }
        if ((wrong = skip_at(scan, depth)))
            return wrong;
    } while (scan_take(scan, ','));
    return scan_take(scan, close) ? NULL : close == '}' ? "expected ',' or '}'" : "expected ',' or ']'";
}

static const char *skip_at(struct scan *scan, int depth)
{
    struct scan_text text;
    float number;
    char next = scan_peek(scan);

    switch (next) {
    case '{':
    case '[':
        scan->at++;
        return skip_within(scan, next == '{' ? '}' : ']', depth + 1);
    case '"':
        return scan_string(scan, &text);
    case 't':
        return scan_literal(scan, "true");
    case 'f':
        return scan_literal(scan, "false");
    case 'n':
        return scan_literal(scan, "null");
    default:
        return scan_begins_number(next) ? scan_number(scan, &number) : "expected a value";
    }
}

const char *scan_skip(struct scan *scan)
{
    return skip_at(scan, 0);
}

/* scan->at at an opening quote. */
static bool quotes_skip(struct scan *scan)
{
    for (scan->at++; scan->at < scan->end; scan->at++) {
        if (*scan->at == '"') {
            scan->at++;
            return true;
        }
        scan->at += *scan->at == '\\' && scan->end - scan->at > 1;
    }
    return false;
}

const char *scan_skip_brackets(struct scan *scan)
{
    uint64_t depth = 0;

    while (scan->at < scan->end) {
        char c = *scan->at;
        if (c == '"') {
            if (!quotes_skip(scan))
                return "the string does not end";
            continue;
        }
        scan->at++;
        if (c == '[' || c == '{')
            depth++;
        else if ((c == ']' || c == '}') && --depth == 0)
            return NULL;
    }
    return "an array or object does not end";
}
