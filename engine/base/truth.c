/* Yes and no in several languages. See mlp/number.h. */
#include "mlp/number.h"

#include <string.h>

enum { WORD_MAX = 24 };

/* False first, in lower case. */
static const char *const truths[][2] = {
    {"false", "true"},
    {"no", "yes"},
    {"f", "t"},
    {"n", "y"},
    {"0", "1"},
    {"nein", "ja"},
    {"nee", "ja"},
    {"nej", "ja"},
    {"nei", "ja"},
    {"n", "j"},
    {"falsch", "wahr"},
    {"non", "oui"},
    {"faux", "vrai"},
    {"no", "si"},
    {"no", "s\xc3\xad"},
    {"no", "s\xc3\xac"},
    {"falso", "verdadero"},
    {"falso", "vero"},
    {"falso", "verdadeiro"},
    {"n\xc3\xa3o", "sim"},
    {"nao", "sim"},
    {"\xd0\xbd\xd0\xb5\xd1\x82", "\xd0\xb4\xd0\xb0"},
    {"\xd0\xbd\xd0\xb5", "\xd0\xb4\xd0\xb0"},
    {"\xd0\xbd\xd1\x96", "\xd1\x82\xd0\xb0\xd0\xba"},
    {"nie", "tak"},
    {"ne", "ano"},
    {"ne", "da"},
    {"nie", "\xc3\xa1no"},
    {"nu", "da"},
    {"nem", "igen"},
    {"ei", "kyll\xc3\xa4"},
    {"ei", "jah"},
    {"hay\xc4\xb1r", "evet"},
    {"\xe5\x90\xa6", "\xe6\x98\xaf"},
    {"\xe3\x81\x84\xe3\x81\x84\xe3\x81\x88", "\xe3\x81\xaf\xe3\x81\x84"},
    {"\xec\x95\x84\xeb\x8b\x88\xec\x98\xa4", "\xec\x98\x88"},
};
#define N_TRUTHS (sizeof truths / sizeof *truths)

/* Lower case of ASCII, Latin-1 and Russian. False: too long. */
static bool fold(const char *text, size_t length, char word[WORD_MAX + 1])
{
    while (length > 0 && (*text == ' ' || *text == '\t'))
        text++, length--;
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    if (length > WORD_MAX || memchr(text, 0, length))
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i], before = i > 0 ? (unsigned char)word[i - 1] : 0;
        if (c >= 'A' && c <= 'Z')
            c += 'a' - 'A';
        else if (before == 0xc3 && c >= 0x80 && c <= 0x9e && c != 0x97)
            c += 0x20;
        else if (before == 0xd0 && c >= 0x90 && c <= 0x9f)
            c += 0x20;
        else if (before == 0xd0 && c >= 0xa0 && c <= 0xaf) {
            word[i - 1] = (char)0xd1;
            c -= 0x20;
        } else if (before == 0xd0 && c == 0x86) { /* the Ukrainian I */
            word[i - 1] = (char)0xd1;
            c = 0x96;
        }
        word[i] = (char)c;
    }
    word[length] = '\0';
    return true;
}

bool truth_parse(const char *text, size_t length, float *truth)
{
    char word[WORD_MAX + 1];
    if (!fold(text, length, word))
        return false;
    for (size_t i = 0; i < N_TRUTHS; i++)
        for (int side = 0; side < 2; side++)
            if (strcmp(truths[i][side], word) == 0) {
                *truth = (float)side;
                return true;
            }
    return false;
}

uint64_t truth_pairs(const char *text, size_t length)
{
    _Static_assert(N_TRUTHS <= 64, "a bit for each pair");
    char word[WORD_MAX + 1];
    uint64_t pairs = 0;
    if (!fold(text, length, word))
        return 0;
    for (size_t i = 0; i < N_TRUTHS; i++)
        if (strcmp(truths[i][0], word) == 0 || strcmp(truths[i][1], word) == 0)
            pairs |= 1ull << i;
    return pairs;
}
