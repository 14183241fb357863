/* The spellings of "missing". See mlp/number.h. */
#include "mlp/number.h"

#include <string.h>

enum { WORD_MAX = 16, MARKS_MAX = 8 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void blanks_trim(const char **text, size_t *length)
{
    while (*length > 0 && is_blank(**text))
        ++*text, --*length;
    while (*length > 0 && is_blank((*text)[*length - 1]))
        --*length;
}

/* Whether the text is one of the n words, in any case. */
static bool in_words(const char *const *words, size_t n, const char *text, size_t length)
{
    char word[WORD_MAX + 1];
    if (length > WORD_MAX || memchr(text, 0, length))
        return false;
    for (size_t i = 0; i < length; i++)
        word[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
    word[length] = '\0';
    for (size_t i = 0; i < n; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}
#define IN_WORDS(words, text, length) in_words(words, sizeof(words) / sizeof *(words), text, length)

bool text_is_missing(const char *text, size_t length)
{
    static const char *const words[] = {"na",
                                        "n/a",
                                        "null",
                                        "nan",
                                        "?",
                                        "-",
                                        ".",
                                        "<na>",
                                        "#n/a",
                                        "#na",
                                        "#n/a n/a",
                                        "-nan",
                                        "+nan",
                                        "(null)",
                                        "\\n",
                                        "nan(ind)",
                                        "-nan(ind)",
                                        "1.#ind",
                                        "-1.#ind",
                                        "1.#qnan",
                                        "-1.#qnan",
                                        "1.#snan",
                                        "-1.#snan",
                                        "#null!",
                                        "#div/0!",
                                        "#value!",
                                        "#ref!",
                                        "#num!",
                                        "#name?",
                                        "#spill!",
                                        "#calc!",
                                        "#nv",
                                        "#wert!",
                                        "#bezug!",
                                        "#zahl!",
                                        "#valeur!",
                                        "#\xc2\xa1valor!",
                                        ("#\xc2\xa1"
                                         "div/0!"),
                                        "#error!",
                                        "#getting_data"};
    static const char firsts[] = "nN?-.<#+(\\1"; /* what the words begin with: most texts are told by that */
    blanks_trim(&text, &length);
    return length == 0 || (memchr(firsts, text[0], sizeof firsts - 1) && IN_WORDS(words, text, length));
}

/* Signs alone: "--", "*", "…", "–". */
static bool is_marks(const char *text, size_t length)
{
    static const char *const dashes[] = {"\xe2\x80\xa6", "\xe2\x80\x93", "\xe2\x80\x94", "\xe2\x88\x92"};
    if (length > MARKS_MAX)
        return false;
    for (size_t i = 0; i < length;) {
        size_t step = strchr("-._*?!#/\\:;+=~^<>()[]{}|&@%$'\"` ", text[i]) && text[i] ? 1 : 0;
        for (size_t j = 0; step == 0 && j < sizeof dashes / sizeof *dashes; j++)
            if (length - i >= 3 && memcmp(text + i, dashes[j], 3) == 0)
                step = 3;
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

bool text_may_be_missing(const char *text, size_t length)
{
    static const char *const words[] = {"none",         "nil",
                                        "nat",          "missing",
                                        "(missing)",    "unknown",
                                        "undefined",    "not available",
                                        "no data",      "nodata",
                                        "n.a.",         "n.a",
                                        "n.d.",         "nd",
                                        "k.a.",         "k. a.",
                                        "s/d",          "s.d.",
                                        "tbd",          "tba",
                                        "blank",        "(blank)",
                                        "empty",        "not applicable",
                                        "inf",          "+inf",
                                        "-inf",         "infinity",
                                        "+infinity",    "-infinity",
                                        "1.#inf",       "-1.#inf",
                                        "\xe2\x88\x9e", "-\xe2\x88\x9e",
                                        "(none)",       "no value",
                                        "not recorded", "not reported"};
    blanks_trim(&text, &length);
    return text_is_missing(text, length) || IN_WORDS(words, text, length) || is_marks(text, length);
}
