/* Files whose checksums are put right, so that a reader gets behind them. What
 * does not look like such a file stays as it is. One thread. */
#ifndef MLP_FUZZ_MEND_H
#define MLP_FUZZ_MEND_H

#include <stddef.h>
#include <stdint.h>

/* In place: header, schema and groups; the length of the schema too. */
void mend_table(uint8_t *bytes, size_t n);
/* In place: the guesses' blocks and the front. */
void mend_evaluation(uint8_t *bytes, size_t n);
/* In place: each chunk. */
void mend_png(uint8_t *bytes, size_t n);
/* Width times height; of at least 24 bytes. */
uint64_t mend_png_pixels(const uint8_t *bytes);
/* Into fuzz_file(file): the sums of texts and data, and the header's length. */
void mend_model(int file, const uint8_t *bytes, size_t n);

#endif
