/* Floats as the shortest decimal text that reads back as the same float.
 * Threads: any; no state. */
#ifndef MLPD_BASE_FLOAT_TEXT_H
#define MLPD_BASE_FLOAT_TEXT_H

#include <stddef.h>

#define FLOAT_TEXT_MAX 24

/* Valid JSON; what is not finite becomes null. Returns the length; the text is
 * not terminated. */
size_t float_text(float number, char text[FLOAT_TEXT_MAX]);

#endif
