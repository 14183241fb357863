/* Training as the unit tests need it: tables made up from a seed, options,
 * runs. Failures end the test. */
#ifndef HELPER_TRAINING_H
#define HELPER_TRAINING_H

#include "mlp/csv.h"
#include "train/private.h"

/* A table, the recipe fitted on all of it and everything needed to train. */
struct fixture {
    char path[64];
    struct table *table;
    struct recipe *recipe;
    struct binding *binding;
    uint32_t *rows;
    uint64_t n_rows;
    const float *weights; /* of training rows; NULL: 1 */
};

void must(bool ok, const struct err *err);

/* A CSV's table; its target is the column y. */
struct fixture fixture_of(const char *csv, bool raw_target);
/* n rows of 5 numbers; y is one of three words, or a number. */
struct fixture fixture_numbers(uint64_t n, bool classes);
/* n rows of 289 bytes, four fifths of them zero, as images are; y is 0..3. */
struct fixture fixture_images(uint64_t n);
void fixture_done(struct fixture *f);

/* The default options with hidden layers of these units and the output layer
 * that the target asks for. */
struct train_options options_of(const struct fixture *f, const uint32_t *hidden, uint32_t n_hidden,
                                enum activation activation);
/* Rows 0 .. n_train - 1, and the n_validation after them. */
struct trainer *trainer_of(const struct fixture *f, const struct train_options *o, uint64_t n_train,
                           uint64_t n_validation);
/* Run to the end; returns the last epoch's metrics. */
struct epoch_metrics run(struct trainer *trainer, uint32_t n_threads);
/* Encoded inputs and targets in double precision. */
void to_double(const struct fixture *f, double *x, double *t);
/* What row i counts, where rows have weights. */
double weight_of(uint64_t i);

#endif
