/* Units of numbers, by their texts. Pure functions; any thread. */
#ifndef MLP_ENGINE_BASE_UNIT_H
#define MLP_ENGINE_BASE_UNIT_H

#include "base/span.h"

/* A sign or code of money: may stand before the digits too. */
bool unit_is_money(struct span word);
/* One that may stand right behind the digits: money, %, kg, ... */
bool unit_is_usual(struct span word);
/* A word of letters, perhaps of two parts ("sq ft", "km/h"), that may stand
 * behind digits and a blank. No half of a day and no month: those are times and
 * dates. The word has a byte at least. */
bool unit_is_word(struct span word);

#endif
