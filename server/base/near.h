/* Names that are not known, and the one that may have been meant: by the
 * letters, by edit distance, and by what Keras, scikit-learn, pandas and others
 * call the same thing.
 *
 * Pure functions; names and words are the caller's and outlive the search. */
#ifndef MLPD_BASE_NEAR_H
#define MLPD_BASE_NEAR_H

#include "mlp/err.h"

#include <stddef.h>

/* A search among the names that there are. */
struct near {
    const char *name; /* not known */
    const char *best; /* (n_best) bytes, NULL: none is near */
    size_t n_best;
    unsigned rank; /* of best; lower is nearer */
};

void near_init(struct near *near, const char *name);
/* A name that there is, of n bytes: at most 63 count. Of two that are equally
 * near the first stays. */
void near_offer(struct near *near, const char *known, size_t n);
/* Each of the words, which have single blanks between. */
void near_offer_words(struct near *near, const char *words);

/* Whether the name is one of the words. */
bool words_have(const char *words, const char *name);

/* ERR_INPUT with the name as field: unknown WHAT "name" (did you mean "best"?):
 * expected EXPECTED; false. */
bool near_unknown(const struct near *near, const char *what, const char *expected, struct err *err);
/* The same with the words as the names that there are, and as what was expected
 * where they are not too many to read. */
bool words_unknown(const char *words, const char *what, const char *name, struct err *err);

#endif
