/* What the fuzz targets share: files in memory, tables and recipes out of CSV
 * text, calls that fail. One thread. */
#ifndef MLP_FUZZ_H
#define MLP_FUZZ_H

#include "mlp/recipe.h"
#include "mlp/table.h"

#include <stddef.h>
#include <stdint.h>

/* A target. libFuzzer calls it with each input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process where something that must hold does not. */
void require(bool holds, const char *what);

/* An input, taken from its front: bytes that choose, then the rest. */
struct fuzz_input {
    const uint8_t *at;
    size_t n;
};
/* 0 beyond the end. */
uint8_t fuzz_byte(struct fuzz_input *input);

/* The path of file i < FUZZ_FILES of this process, in memory; gone when the
 * process ends. */
enum { FUZZ_FILES = 4 };
const char *fuzz_path(int i);
/* File i with these bytes, open for reading and writing. */
int fuzz_file(int i, const void *bytes, size_t n);
/* The file's bytes; the caller frees them. */
uint8_t *fuzz_bytes(const char *path, size_t *n);

/* Of CSV text with a header, on all rows. table_unref, recipe_free. */
struct table *fuzz_table(const char *csv);
struct recipe *fuzz_recipe(const char *csv);
/* Numbers without a gap, and every kind of column. */
extern const char fuzz_numbers[], fuzz_mixed[];

/* Run the work, which leaves nothing behind; and where fault > 0 once more
 * while one of its calls for memory, threads or files fails: then the outcome
 * is the same, or an error that says what was short. Returns the first
 * outcome. */
bool fuzz_run(uint8_t fault, bool (*work)(void *self, struct err *err), void *self);

#endif
